//! The typed parameters of a runbook: a JSON Schema (2020-12), compiled once, and what it says of what was given.
//!
//! It is asked before a plan is made and never reads anything from elsewhere: patterns are of the kind that takes time in
//! proportion to the text alone, and references go no further than the schema itself.

use std::fmt;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::domain::text::SafeText;

/// Parameters as they were given, typed.
pub type Given = Map<String, Value>;

/// The longest text that a parameter may be, in characters.
const LONGEST: usize = 500;

/// What is wrong in a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in it, key by key from its root; numbers are places in lists.
    pub path: Vec<String>,
    /// What.
    pub why: String,
}

/// What is wrong with parameters that were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Where: `$.deployment`.
    pub path: SafeText,
    /// The parameter that it is about, where it is about one.
    pub field: Option<SafeText>,
    /// What.
    pub why: SafeText,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

/// What kind of value a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// Anything else, written as JSON.
    Json,
}

impl Kind {
    /// As people say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Whole => "whole number",
            Self::Number => "number",
            Self::Flag => "true or false",
            Self::Json => "JSON",
        }
    }
}

/// One parameter, as whoever fills it in sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: SafeText,
    /// What kind of value it is.
    pub kind: Kind,
    /// Whether it has to be given.
    pub required: bool,
    /// What it is where it is not given.
    pub default: Option<Value>,
    /// What it may be; anything where none is named.
    pub choices: Vec<SafeText>,
    /// What it is for, in the schema's own words.
    pub description: SafeText,
}

impl Field {
    /// The value that a typed text stands for. What can't be read as its kind stays a text, of which the schema says what
    /// is wrong.
    pub fn read(&self, typed: &str) -> Value {
        let text = || Value::String(typed.to_owned());
        match self.kind {
            Kind::Text => text(),
            Kind::Whole | Kind::Number | Kind::Flag => {
                let value = serde_json::from_str::<Value>(typed.trim()).ok();
                value.filter(|value| value.is_number() || value.is_boolean()).unwrap_or_else(text)
            }
            Kind::Json => serde_json::from_str(typed).unwrap_or_else(|_| text()),
        }
    }

    /// Whether a runbook that uses it always has it.
    pub const fn certain(&self) -> bool {
        self.required || self.default.is_some()
    }
}

/// A value as it is told and put into a text: a text as it is, anything else as JSON.
pub fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The schema of a runbook's parameters. Two are the same where their JSON is.
#[derive(Clone)]
pub struct Schema {
    json: Value,
    validator: Arc<Validator>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({})", self.json)
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Schema {
    /// Compiles the schema of an object. What it does not name may not be given, unless it says so itself.
    ///
    /// # Errors
    /// Where it is no schema of JSON Schema 2020-12, or refers to one that stands elsewhere.
    pub fn compile(mut json: Value) -> Result<Self, Fault> {
        let fault = |path: &[&str], why: &str| Fault {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            why: why.to_owned(),
        };
        let Value::Object(root) = &mut json else { return Err(fault(&[], "it is no table")) };
        match root.get("type") {
            None => _ = root.insert("type".to_owned(), Value::from("object")),
            Some(Value::String(kind)) if kind == "object" => {}
            Some(_) => return Err(fault(&["type"], "the parameters together are an object: type = \"object\"")),
        }
        if !root.contains_key("additionalProperties") {
            root.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
        let options = options.with_pattern_options(PatternOptions::regex()).should_validate_formats(true);
        let validator = options.build(&json).map_err(|error| Fault {
            path: segments(error.instance_path()),
            why: SafeText::clipped(&error.to_string(), 300).to_string(),
        })?;
        let schema = Self { json, validator: Arc::new(validator) };
        for field in schema.fields() {
            if let Some(default) = &field.default {
                let alone = Given::from_iter([(field.name.to_string(), default.clone())]);
                let wrong =
                    schema.breaches(&alone).into_iter().find(|breach| breach.field.as_ref() == Some(&field.name));
                if let Some(wrong) = wrong.filter(|wrong| !wrong.why.ends_with("is a required property")) {
                    return Err(fault(&["properties", &field.name, "default"], &wrong.why));
                }
            }
        }
        Ok(schema)
    }

    /// The parameters that it names, in its order.
    pub fn fields(&self) -> Vec<Field> {
        let required: Vec<&str> =
            self.json["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = self.json["properties"].as_object();
        let field = |(name, of): (&String, &Value)| Field {
            name: name.as_str().into(),
            kind: match of["type"].as_str() {
                Some("string") => Kind::Text,
                Some("integer") => Kind::Whole,
                Some("number") => Kind::Number,
                Some("boolean") => Kind::Flag,
                None if of["enum"].as_array().is_some_and(|all| all.iter().all(Value::is_string)) => Kind::Text,
                _ => Kind::Json,
            },
            required: required.contains(&name.as_str()),
            default: of.get("default").cloned(),
            choices: of["enum"].as_array().into_iter().flatten().map(|value| told(value).into()).collect(),
            description: of["description"].as_str().or_else(|| of["title"].as_str()).unwrap_or_default().into(),
        };
        properties.into_iter().flatten().map(field).collect()
    }

    /// What was given, with what it is by default where nothing was.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(&self, given: &Given) -> Result<Given, Vec<Breach>> {
        let mut whole = given.clone();
        for field in self.fields() {
            if let Some(default) = field.default.filter(|_| !whole.contains_key(field.name.as_str())) {
                whole.insert(field.name.to_string(), default);
            }
        }
        let mut wrong = self.breaches(&whole);
        for (name, value) in &whole {
            unsafe_texts(&format!("$.{name}"), name, value, &mut wrong);
        }
        // In one order, whichever they were given in.
        whole.sort_keys();
        if wrong.is_empty() { Ok(whole) } else { Err(wrong) }
    }

    fn breaches(&self, given: &Given) -> Vec<Breach> {
        let value = Value::Object(given.clone());
        let mut wrong = Vec::new();
        for error in self.validator.iter_errors(&value) {
            let at = segments(error.instance_path());
            let why = SafeText::clipped(&error.to_string(), 300);
            let named: Vec<String> = match error.kind() {
                ValidationErrorKind::Required { property } => vec![told(property)],
                ValidationErrorKind::AdditionalProperties { unexpected } => unexpected.clone(),
                _ => Vec::new(),
            };
            if named.is_empty() {
                wrong.push(Breach { path: path(&at), field: at.first().map(|name| name.as_str().into()), why });
                continue;
            }
            for name in named {
                let at: Vec<String> = at.iter().cloned().chain([name]).collect();
                let field = at.first().map(|name| name.as_str().into());
                wrong.push(Breach { path: path(&at), field, why: why.clone() });
            }
        }
        wrong
    }
}

impl Schema {
    /// Its JSON, with what it says by default.
    pub const fn json(&self) -> &Value {
        &self.json
    }
}

/// Texts that can't be shown as they are can't be approved by anybody.
fn unsafe_texts(at: &str, field: &str, value: &Value, wrong: &mut Vec<Breach>) {
    match value {
        Value::String(text) => {
            let long = text.chars().count() > LONGEST;
            if long || SafeText::new(text) != *text.as_str() {
                let why = if long {
                    format!("it is longer than {LONGEST} characters")
                } else {
                    "it holds hidden characters".to_owned()
                };
                wrong.push(Breach { path: at.into(), field: Some(field.into()), why: why.into() });
            }
        }
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(n, one)| unsafe_texts(&format!("{at}[{n}]"), field, one, wrong));
        }
        Value::Object(all) => all.iter().for_each(|(key, one)| {
            unsafe_texts(&format!("{at}.{key}"), field, &Value::String(key.clone()), wrong);
            unsafe_texts(&format!("{at}.{key}"), field, one, wrong);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn segments(location: &Location) -> Vec<String> {
    let segment = |segment: LocationSegment<'_>| match segment {
        LocationSegment::Property(name) => name.into_owned(),
        LocationSegment::Index(index) => index.to_string(),
    };
    location.segments().map(segment).collect()
}

/// `$.shards[3]`.
fn path(segments: &[String]) -> SafeText {
    let mut path = String::from("$");
    for segment in segments {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.is_empty() {
            path = format!("{path}[{segment}]");
        } else {
            path.push('.');
            path.push_str(segment);
        }
    }
    SafeText::clipped(&path, 200)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::compile(json!({
            "properties": {
                "deployment": {"type": "string", "pattern": "^dp_[A-Za-z0-9]+$", "description": "where to"},
                "minutes": {"type": "integer", "minimum": 1, "default": 5},
                "really": {"type": "boolean"},
                "shards": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["deployment"],
        }))
        .unwrap()
    }

    fn told_of(given: Value) -> Vec<String> {
        let Value::Object(given) = given else { unreachable!() };
        schema().read(&given).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_breaks_it_is_told_with_its_path() {
        assert_eq!(told_of(json!({})), ["$.deployment: \"deployment\" is a required property"]);
        assert_eq!(told_of(json!({"deployment": 7})), ["$.deployment: 7 is not of type \"string\""]);
        let told = told_of(json!({"deployment": "x", "minutes": 0, "depth": 1, "shards": [1, "two"]}));
        assert_eq!(told.len(), 4, "{told:?}");
        for begins in ["$.deployment: \"x\" does not match", "$.minutes: 0 is less than", "$.depth: ", "$.shards[1]: "]
        {
            assert!(told.iter().any(|one| one.starts_with(begins)), "{begins} {told:?}");
        }
        let hidden = Schema::compile(json!({"properties": {"note": {"type": "string"}}})).unwrap();
        for (text, why) in [("a\u{202e}b".to_owned(), "hidden"), ("x".repeat(501), "longer than 500")] {
            let wrong = hidden.read(&Given::from_iter([("note".to_owned(), Value::String(text))])).unwrap_err();
            assert!(wrong[0].to_string().starts_with("$.note: it ") && wrong[0].why.contains(why), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_not_given_is_as_by_default_and_stands_in_one_order() {
        let given = |text: &str| serde_json::from_str::<Given>(text).unwrap();
        let read = schema().read(&given(r#"{"really": true, "deployment": "dp_1"}"#)).unwrap();
        assert_eq!(Value::Object(read).to_string(), r#"{"deployment":"dp_1","minutes":5,"really":true}"#);
    }

    #[test]
    fn typed_texts_are_read_by_their_kind() {
        let fields = schema().fields();
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["deployment", "minutes", "really", "shards"]);
        let certain: Vec<bool> = fields.iter().map(Field::certain).collect();
        assert_eq!(certain, [true, true, false, false]);
        let read = |at: usize, text: &str| fields[at].read(text);
        assert_eq!((read(0, "7"), read(0, " x")), (json!("7"), json!(" x")));
        assert_eq!((read(1, " 7 "), read(1, "seven"), read(1, "[7]")), (json!(7), json!("seven"), json!("[7]")));
        assert_eq!((read(2, "true"), read(3, "[1, 2]"), read(3, "x")), (json!(true), json!([1, 2]), json!("x")));
    }

    #[test]
    fn what_is_no_schema_says_where() {
        for (json, path, why) in [
            (json!({"properties": {"a": {"type": "strnig"}}}), "properties.a.type", "strnig"),
            (json!({"properties": {"a": {"type": "string", "pattern": "("}}}), "properties.a.pattern", "("),
            (json!({"properties": {"a": {"type": "string", "pattern": "(?=a)"}}}), "properties.a.pattern", "(?=a)"),
            (json!({"type": "array"}), "type", "object"),
            (json!({"properties": {"a": {"type": "integer", "default": "x"}}}), "properties.a.default", "integer"),
            (json!({"required": "a"}), "required", "array"),
        ] {
            let fault = Schema::compile(json.clone()).unwrap_err();
            assert_eq!(fault.path.join("."), path, "{json}: {fault:?}");
            assert!(fault.why.contains(why), "{json}: {fault:?}");
        }
        let elsewhere = Schema::compile(json!({"properties": {"a": {"$ref": "http://127.0.0.1:9/x.json"}}}));
        assert!(elsewhere.is_err(), "nothing is fetched");
    }
}
