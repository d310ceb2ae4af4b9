//! What a program gives, read as what it is to be. A field that is not known is a slip, and is told as that: what is taken
//! without a word would be missed by nobody.

mod drift;
mod event;
mod flow;
mod tenant;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

pub(super) use self::drift::drift;
pub(super) use self::event::event;
pub(super) use self::flow::flow;
pub(super) use self::tenant::tenant;
use crate::domain::nearest::nearest;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;
use crate::domain::time::parse_duration;

/// The longest id or name that is kept, in characters.
const NAME: usize = 200;

/// From so many seconds since 1970 on a number of a time is one of milliseconds: as seconds it would be in the year 5138.
const MILLISECONDS: f64 = 1e11;

/// What is wrong with what a program gave: with which field, if it is one, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: Option<String>,
    pub(super) why: String,
}

impl Wrong {
    fn of(field: &str, why: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), why: why.into() }
    }
}

/// Who tells it, when, and what is taken out of it.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    pub(super) source: SafeText,
    pub(super) now: Timestamp,
    pub(super) redactor: Redactor,
    /// How often what is told of is to be checked.
    pub(super) check_interval: SignedDuration,
}

impl Teller {
    /// A text that may be shown.
    fn shown(&self, text: &str) -> SafeText {
        SafeText::clipped(&self.redactor.text(text), NAME)
    }
}

/// The sort of a value, in words.
fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The fields of an object, read one by one.
struct Fields<'v> {
    object: &'v Map<String, Value>,
    teller: &'v Teller,
}

impl<'v> Fields<'v> {
    /// Of a value that may have these fields and no others.
    fn of(value: &'v Value, known: &[&str], teller: &'v Teller) -> Result<Self, Wrong> {
        let Value::Object(object) = value else {
            return Err(Wrong { field: None, why: format!("it gives {}, where an object is wanted", sort(value)) });
        };
        if let Some(name) = object.keys().find(|name| !known.contains(&name.as_str())) {
            let shown = SafeText::clipped(name, 60);
            let rather = nearest(name, known.iter().copied()).map(|rather| format!(" (did you mean \"{rather}\"?)"));
            return Err(Wrong::of(name, format!("unknown field \"{shown}\"{}", rather.unwrap_or_default())));
        }
        Ok(Self { object, teller })
    }

    /// What is there; nothing where it is null.
    fn get(&self, name: &str) -> Option<&'v Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A text as it came: numbers are ids as well.
    fn raw(&self, name: &str) -> Result<Option<String>, Wrong> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(Wrong::of(name, format!("\"{name}\" is {}, where a text is wanted", sort(other)))),
        }
    }

    fn text(&self, name: &str) -> Result<Option<SafeText>, Wrong> {
        Ok(self.raw(name)?.map(|text| self.teller.shown(&text)))
    }

    /// A text that has to be there.
    fn needed(&self, name: &str) -> Result<String, Wrong> {
        self.raw(name)?.ok_or_else(|| {
            let what = if self.object.contains_key(name) { "is null or empty" } else { "is missing" };
            Wrong::of(name, format!("\"{name}\" {what}"))
        })
    }

    /// One of some words, with dashes for underscores where somebody prefers them.
    fn word<T: Copy>(&self, name: &str, all: &[(&'static str, T)]) -> Result<Option<T>, Wrong> {
        let Some(text) = self.raw(name)? else { return Ok(None) };
        let plain = text.to_ascii_lowercase().replace(['-', ' '], "_");
        match all.iter().find(|(known, _)| *known == plain) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let names = all.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
                let text = SafeText::clipped(&text, 40);
                Err(Wrong::of(name, format!("\"{name}\" is \"{text}\", which is none of: {names}")))
            }
        }
    }

    /// A moment: RFC 3339, or seconds or milliseconds since 1970.
    fn time(&self, name: &str) -> Result<Option<Timestamp>, Wrong> {
        let wrong = |why: String| Err(Wrong::of(name, format!("\"{name}\" {why}")));
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => match text.parse() {
                Ok(at) => Ok(Some(at)),
                Err(_) => {
                    let zoneless = text.parse::<jiff::civil::DateTime>().is_ok();
                    let text = self.teller.shown(text);
                    wrong(if zoneless {
                        format!("is \"{text}\", a time without a zone; where it is UTC, add it: (.x + \"Z\")")
                    } else {
                        format!("is \"{text}\", which is no time of RFC 3339 (2026-01-15T03:12:00Z)")
                    })
                }
            },
            Some(Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(f64::INFINITY);
                let seconds = if number.abs() >= MILLISECONDS { number / 1000.0 } else { number };
                let at = SignedDuration::try_from_secs_f64(seconds).ok();
                match at.and_then(|at| Timestamp::from_duration(at).ok()) {
                    Some(at) => Ok(Some(at)),
                    None => wrong("is no time: seconds since 1970 are wanted".to_owned()),
                }
            }
            Some(other) => wrong(format!("is {}, where a time is wanted", sort(other))),
        }
    }

    /// A length of time: `5m`, or seconds.
    fn duration(&self, name: &str) -> Result<Option<SignedDuration>, Wrong> {
        let wrong = |why: String| Wrong::of(name, format!("\"{name}\" {why}"));
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => parse_duration(text).map(Some).map_err(|error| wrong(error.to_string())),
            Some(Value::Number(number)) => {
                let seconds = number.as_f64().and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
                seconds.map(Some).ok_or_else(|| wrong("is too long".to_owned()))
            }
            Some(other) => Err(wrong(format!("is {}, where a duration is wanted", sort(other)))),
        }
    }

    /// A whole number that is not negative; a text of one is one, too.
    fn number(&self, name: &str) -> Result<Option<u64>, Wrong> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(number)) => number.as_u64(),
            Some(_) => None,
        };
        number.map(Some).ok_or_else(|| Wrong::of(name, format!("\"{name}\" is no whole number from 0 on")))
    }

    /// Names and values of an object.
    fn pairs(&self, name: &str) -> Result<Vec<(&'v str, &'v Value)>, Wrong> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Object(object)) if object.len() <= NAME => {
                Ok(object.iter().map(|(name, value)| (name.as_str(), value)).collect())
            }
            Some(Value::Object(_)) => Err(Wrong::of(name, format!("\"{name}\" has more than {NAME} names"))),
            Some(other) => Err(Wrong::of(name, format!("\"{name}\" is {}, where an object is wanted", sort(other)))),
        }
    }

    /// Names, each with a text.
    fn texts(&self, name: &str) -> Result<Vec<(SafeText, SafeText)>, Wrong> {
        let pairs = self.pairs(name)?.into_iter().filter(|(_, value)| !value.is_null());
        pairs
            .map(|(of, value)| {
                let text = plain(value).ok_or_else(|| {
                    let of = SafeText::clipped(of, 60);
                    Wrong::of(name, format!("\"{name}\": {of} is {}, where a text is wanted", sort(value)))
                })?;
                let hidden = self.teller.redactor.hides(of);
                let text = if hidden { crate::domain::redact::HIDDEN.into() } else { self.teller.shown(&text) };
                Ok((SafeText::clipped(of, NAME), text))
            })
            .collect()
    }
}

/// A text, a number, or true or false, as a text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
