//! An answer, followed along a trail to its items, each of which is read by itself.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::Trail;

/// Why there is nothing at the end of a trail.
#[derive(Debug)]
pub(super) enum Lost {
    /// The answer is no JSON.
    Json(serde_json::Error),
    /// There is no such thing in it.
    Missing(String),
}

impl From<serde_json::Error> for Lost {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// What stands at the end of a trail.
fn follow<'a>(answer: &'a [u8], trail: &Trail) -> Result<&'a RawValue, Lost> {
    let mut here: &RawValue = serde_json::from_slice(answer)?;
    for (depth, name) in trail.names().iter().enumerate() {
        let found = serde_json::Deserializer::from_str(here.get()).deserialize_any(Named(name))?;
        here = found.ok_or_else(|| {
            let before = if depth == 0 { "the answer".to_owned() } else { "what is before it".to_owned() };
            Lost::Missing(format!("there is no {trail} in the answer: {before} has no {name:?}"))
        })?;
    }
    Ok(here)
}

/// Whether there is anything at the end of a trail, null included.
pub(super) fn stands(answer: &[u8], trail: &Trail) -> bool {
    !matches!(follow(answer, trail), Err(Lost::Missing(_)))
}

/// What an answer says at the end of a trail, where that is a text or a number: the word for the next page. Nothing where
/// there is nothing, or it is null, false or empty.
pub(super) fn word(answer: &[u8], trail: &Trail) -> Result<Option<String>, Lost> {
    let found = match follow(answer, trail) {
        Ok(found) => found,
        Err(Lost::Missing(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    match serde_json::from_str(found.get())? {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::String(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(Lost::Missing(format!("{trail} is neither a text nor a number"))),
    }
}

/// Hands over each item of an answer with its key, until it is told to stop.
pub(super) fn items(
    answer: &[u8],
    trail: &Trail,
    take: &mut dyn FnMut(Key<'_>, &RawValue) -> bool,
) -> Result<(), Lost> {
    let found = follow(answer, trail)?;
    match found.get().trim_start().as_bytes().first() {
        Some(b'[') => serde_json::Deserializer::from_str(found.get()).deserialize_any(Each(take))?,
        Some(b'{') if trail.each() => serde_json::Deserializer::from_str(found.get()).deserialize_any(Each(take))?,
        Some(b'n') => {}
        _ => {
            take(Key::Whole, found);
        }
    }
    Ok(())
}

/// Under which key an item stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    /// It is all that there is.
    Whole,
    /// In a list, counted from 0.
    Number(usize),
    /// In an object.
    Name(&'a str),
}

impl Key<'_> {
    /// As it is handed to a program.
    pub(super) fn value(self) -> Value {
        match self {
            Self::Whole => Value::Null,
            Self::Number(number) => number.into(),
            Self::Name(name) => name.chars().take(100).collect::<String>().into(),
        }
    }
}

/// The path of an item in its answer.
pub(super) fn path(trail: &Trail, key: Key<'_>) -> String {
    let before = if trail.names().is_empty() { String::new() } else { trail.to_string() };
    match key {
        Key::Whole if before.is_empty() => ".".to_owned(),
        Key::Whole => before,
        Key::Number(number) => format!("{}[{number}]", if before.is_empty() { "." } else { &before }),
        Key::Name(name) => format!("{before}.{name:?}"),
    }
}

/// The value of one name of an object; nothing in anything else.
struct Named<'n>(&'n str);

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with {:?}", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == self.0 {
                found = Some(map.next_value::<&'de RawValue>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Each value of a list or of an object.
struct Each<'t>(&'t mut dyn FnMut(Key<'_>, &RawValue) -> bool);

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (mut number, mut goes_on) = (0, true);
        // What is left is passed over: a list has to be followed to its end.
        while let Some(item) = list.next_element::<&'de RawValue>()? {
            goes_on = goes_on && (self.0)(Key::Number(number), item);
            number += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut goes_on = true;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let item = map.next_value::<&'de RawValue>()?;
            goes_on = goes_on && (self.0)(Key::Name(&name), item);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(answer: &str, trail: &str) -> Result<Vec<String>, String> {
        let trail = Trail::read(trail).unwrap();
        let mut told = Vec::new();
        let outcome = items(answer.as_bytes(), &trail, &mut |key, item| {
            told.push(format!("{} {}", path(&trail, key), item.get()));
            told.len() < 3
        });
        outcome.map(|()| told).map_err(|lost| match lost {
            Lost::Json(error) => error.to_string(),
            Lost::Missing(why) => why,
        })
    }

    #[test]
    fn items_are_found_with_their_paths() {
        assert_eq!(told("[1, {\"a\": 2}]", "."), Ok(vec![".[0] 1".to_owned(), ".[1] {\"a\": 2}".to_owned()]));
        assert_eq!(told("{\"data\": {\"x\": [1]}}", ".data.x[]"), Ok(vec![".data.x[0] 1".to_owned()]));
        assert_eq!(told("{\"a\": 1}", "."), Ok(vec![". {\"a\": 1}".to_owned()]));
        assert_eq!(told("{\"a\": 1, \"b c\": 2}", ".[]"), Ok(vec![".\"a\" 1".to_owned(), ".\"b c\" 2".to_owned()]));
        assert_eq!(told("{\"data\": null}", ".data"), Ok(vec![]));
        assert_eq!(told("{\"d\\u0061ta\": [7]}", ".data"), Ok(vec![".data[0] 7".to_owned()]));
        assert_eq!(told("[1,2,3,4]", ".").unwrap().len(), 3, "it is told to stop");
    }

    #[test]
    fn what_is_not_there_or_no_json_is_said() {
        let missing = told("{\"dta\": []}", ".data.items").unwrap_err();
        assert_eq!(missing, "there is no .data.items in the answer: the answer has no \"data\"");
        assert!(told("[]", ".data").unwrap_err().contains("invalid type"));
        for bad in ["", "{", "[1,]", "[1] 2", "<html>", "\u{FEFF}[]", "[1"] {
            told(bad, ".").unwrap_err();
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(told(&deep, ".").unwrap().len(), 1, "an item that is too deep is for whoever reads it");
    }

    #[test]
    fn a_word_for_the_next_page_is_a_text_or_a_number() {
        let of = |answer: &str| word(answer.as_bytes(), &Trail::read(".next").unwrap()).map_err(|_| ());
        assert_eq!(of("{\"next\": \"abc\"}"), Ok(Some("abc".to_owned())));
        assert_eq!(of("{\"next\": 17}"), Ok(Some("17".to_owned())));
        for none in ["{}", "{\"next\": null}", "{\"next\": \"\"}", "{\"next\": false}"] {
            assert_eq!(of(none), Ok(None), "{none}");
        }
        assert_eq!(of("{\"next\": {}}"), Err(()));
    }
}
