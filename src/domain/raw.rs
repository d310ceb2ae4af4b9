//! What an engine gave, as it gave it: JSON made safe for a terminal, with secrets taken out and a bound on its size.

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::redact::{HIDDEN, Redactor};
use super::text::SafeText;

/// The most of one text that is kept, in characters.
pub const TEXT: usize = 64 * 1024;

/// The most values of one document that are kept; what follows is counted.
pub const VALUES: usize = 20_000;

/// How deep a document is followed.
const DEPTH: usize = 60;

/// A value of a document that can be shown. Made by [`Json::read`] and [`Json::of`] alone, which take secrets out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as it was written.
    Number(SafeText),
    /// A text, line by line.
    Text(Vec<SafeText>),
    /// A text that was too long: how it begins, and how many bytes follow.
    Long(Vec<SafeText>, u64),
    /// A text that holds JSON itself.
    Within(Box<Json>),
    /// A list.
    List(Vec<Json>),
    /// Names and values, in the order in which they came.
    Object(Vec<(SafeText, Json)>),
    /// A secret was here.
    Hidden,
    /// What is too much to be shown: so much of something.
    More(u64, &'static str),
}

impl Json {
    /// Reads a text: as JSON where it is JSON, else as a text.
    ///
    /// ```
    /// use quarterdeck::domain::{raw::Json, redact::Redactor};
    ///
    /// let json = Json::read(r#"{"tenant": "acme", "password": "hunter2"}"#, &Redactor::default());
    /// assert_eq!(serde_json::to_string(&json).unwrap(), r#"{"tenant":"acme","password":"[redacted]"}"#);
    /// ```
    pub fn read(text: &str, redactor: &Redactor) -> Self {
        match serde_json::from_str(text) {
            Ok(value) => Self::of(&value, redactor),
            Err(_) => Reader { redactor, left: VALUES }.text(text, 0),
        }
    }

    /// Makes a document safe.
    pub fn of(value: &Value, redactor: &Redactor) -> Self {
        Reader { redactor, left: VALUES }.value(value, 0)
    }

    /// A text of Quarterdeck's own.
    pub fn word(text: impl Into<SafeText>) -> Self {
        Self::Text(vec![text.into()])
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Number(number) => match number.parse::<serde_json::Number>() {
                Ok(number) => number.serialize(serializer),
                Err(_) => serializer.serialize_str(number),
            },
            Self::Text(lines) => serializer.serialize_str(&join(lines)),
            Self::Long(lines, more) => serializer.serialize_str(&format!("{}… {more} bytes more", join(lines))),
            // It was a text and stays one, so that what reads it need not know.
            Self::Within(json) => {
                let text = serde_json::to_string(json).map_err(serde::ser::Error::custom)?;
                serializer.serialize_str(&text)
            }
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
            Self::Hidden => serializer.serialize_str(HIDDEN),
            Self::More(count, of) => serializer.serialize_str(&format!("… {count} {of} more")),
        }
    }
}

fn join(lines: &[SafeText]) -> String {
    lines.iter().map(SafeText::as_str).collect::<Vec<_>>().join("\n")
}

struct Reader<'r> {
    redactor: &'r Redactor,
    left: usize,
}

impl Reader<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Json {
        self.left = self.left.saturating_sub(1);
        match value {
            Value::Null => Json::Null,
            Value::Bool(bool) => Json::Bool(*bool),
            Value::Number(number) => Json::Number(number.to_string().into()),
            Value::String(text) => self.text(text, depth),
            Value::Array(values) if depth >= DEPTH => Json::More(values.len() as u64, "values, too deep,"),
            Value::Object(fields) if depth >= DEPTH => Json::More(fields.len() as u64, "fields, too deep,"),
            Value::Array(values) => self.list(values, depth),
            Value::Object(fields) => self.object(fields, depth),
        }
    }

    fn list(&mut self, values: &[Value], depth: usize) -> Json {
        // `["authorization", "Bearer …"]`: a header as some write it.
        if let [Value::String(name), Value::String(_)] = values
            && self.redactor.hides(name)
        {
            return Json::List(vec![Json::word(name.as_str()), Json::Hidden]);
        }
        let mut list = Vec::new();
        for (at, value) in values.iter().enumerate() {
            if self.left == 0 {
                list.push(Json::More((values.len() - at) as u64, "values"));
                break;
            }
            list.push(self.value(value, depth + 1));
        }
        Json::List(list)
    }

    fn object(&mut self, fields: &serde_json::Map<String, Value>, depth: usize) -> Json {
        // `{"name": "authorization", "value": "Bearer …"}`: a header, or a variable, as others do.
        let named = ["name", "key", "header", "field"].iter().find_map(|name| fields.get(*name)?.as_str());
        let secret = named.is_some_and(|name| self.redactor.hides(name));
        let mut object = Vec::new();
        for (at, (name, value)) in fields.iter().enumerate() {
            if self.left == 0 {
                object.push(("…".into(), Json::More((fields.len() - at) as u64, "fields")));
                break;
            }
            let hidden = self.redactor.hides(name) || secret && matches!(name.as_str(), "value" | "values" | "default");
            let empty = matches!(value, Value::Null | Value::Bool(_));
            let value = if hidden && !empty { Json::Hidden } else { self.value(value, depth + 1) };
            object.push((SafeText::clipped(name, 200), value));
        }
        Json::Object(object)
    }

    fn text(&mut self, text: &str, depth: usize) -> Json {
        let begins = text.trim_start();
        if begins.starts_with(['{', '['])
            && depth < DEPTH
            && let Ok(value @ (Value::Array(_) | Value::Object(_))) = serde_json::from_str(text)
        {
            return Json::Within(Box::new(self.value(&value, depth + 1)));
        }
        // Masked before it is cut: a cut could take away what a secret is known by.
        let text = self.redactor.text(text);
        match text.char_indices().nth(TEXT) {
            None => Json::Text(SafeText::lines(&text)),
            Some((end, _)) => Json::Long(SafeText::lines(&text[..end]), (text.len() - end) as u64),
        }
    }
}

/// What an engine tells of one thing, or why it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// This.
    Json(Json),
    /// Nothing, for this reason.
    Not(SafeText),
}

/// One part of what an engine keeps of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPart {
    /// What it is: `input`, `journal`.
    pub name: &'static str,
    /// What is told.
    pub told: Told,
}

/// Everything that an engine keeps of an instance, as it gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFlow {
    /// What it was begun with.
    pub input: Told,
    /// What it came to.
    pub output: Told,
    /// What each step was given and gave.
    pub steps: Told,
    /// The engine's own records.
    pub records: Vec<RawPart>,
}

impl RawFlow {
    /// Its parts in the order in which they are shown.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &Told)> {
        let own = [("input", &self.input), ("output", &self.output), ("steps", &self.steps)];
        own.into_iter().chain(self.records.iter().map(|part| (part.name, &part.told)))
    }
}

/// Makes the beginning of a JSON text whole again: cut after its last whole value, with what was open closed.
/// `None` where there is nothing that could be kept.
pub fn mended(text: &str) -> Option<String> {
    let mut open: Vec<char> = Vec::new();
    let (mut in_text, mut escaped) = (false, false);
    let mut keep: Option<(usize, Vec<char>)> = None;
    for (at, c) in text.char_indices() {
        if in_text {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match c {
            '"' => in_text = true,
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop();
                keep = Some((at + 1, open.clone()));
            }
            // What comes before a comma is whole.
            ',' => keep = Some((at, open.clone())),
            _ => {}
        }
    }
    let (end, open) = keep?;
    Some(text[..end].chars().chain(open.into_iter().rev()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn shown(value: &Value) -> Value {
        serde_json::to_value(Json::of(value, &Redactor::new(["iban"]))).unwrap()
    }

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let within = json!({"user": "jo", "token": "hunter2", "deep": [{"IBAN": "hunter2"}]}).to_string();
        let twice = json!({"body": within}).to_string();
        let value = json!({
            "user": "jo",
            "password": "hunter2",
            "credentials": {"any": ["hunter2"]},
            "headers": [{"name": "authorization", "value": "hunter2"}, ["X-Api-Key", "hunter2"], {"key": "cookie", "value": "hunter2"}],
            "body": within,
            "again": twice,
            "text": "failed with password=hunter2 at db",
            "has_password": true,
            "token": null,
            "otp": 123_456,
        });
        let shown = shown(&value);
        let text = shown.to_string();
        assert!(!text.contains("hunter2") && !text.contains("123456"), "{text}");
        assert_eq!(
            (&shown["user"], &shown["has_password"], &shown["token"]),
            (&json!("jo"), &json!(true), &json!(null))
        );
        assert_eq!(shown["text"], "failed with password=[redacted] at db");
        let inner: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
        assert_eq!(inner, json!({"user": "jo", "token": "[redacted]", "deep": [{"IBAN": "[redacted]"}]}));
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let long = "x".repeat(TEXT + 10);
        assert!(matches!(Json::read(&long, &Redactor::default()), Json::Long(_, 10)));
        let Json::List(values) = Json::of(&json!(vec![1; VALUES + 5]), &Redactor::default()) else { panic!("a list") };
        assert_eq!(values.len(), VALUES);
        assert_eq!(values.last(), Some(&Json::More(6, "values")));
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert!(shown(&deep).to_string().contains("too deep"));
    }

    #[test]
    fn a_text_is_safe_and_keeps_its_lines() {
        let value = json!("one\n\u{1B}[31mtwo");
        assert_eq!(Json::of(&value, &Redactor::default()), Json::Text(vec!["one".into(), "␛[31mtwo".into()]));
        assert_eq!(shown(&value), json!("one\n␛[31mtwo"));
    }

    #[test]
    fn a_cut_document_is_whole_up_to_the_cut() {
        for (text, expected) in [
            (r#"{"a":1,"b":[1,2,{"c":"x,y"},"pass"#, r#"{"a":1,"b":[1,2,{"c":"x,y"}]}"#),
            (r#"{"a":{"b":[12,34,5"#, r#"{"a":{"b":[12,34]}}"#),
            (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
        ] {
            assert_eq!(mended(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(mended(r#"{"a":"b"#), None);
    }

    proptest! {
        #[test]
        fn every_beginning_can_be_read_or_is_refused(end in 0..200_usize) {
            let whole = json!({"a": [1, 2.5, null, {"b": "x\"},[y", "c": {"d": [[], {}]}}], "e": "tail, {", "f": [true, false]}).to_string();
            let cut = whole.get(..end.min(whole.len())).unwrap();
            if let Some(mended) = mended(cut) {
                prop_assert!(serde_json::from_str::<Value>(&mended).is_ok(), "{}", mended);
            }
        }
    }
}
