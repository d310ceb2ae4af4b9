//! The shape of an answer: rows, each of which is read by itself, in an object or as they are.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What was sent as a JSON object, by its names. What derives its reading would take a list as well, value by value,
/// so that `[[]]` would say that there are no rows.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ByName<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(ByName(PhantomData))
    }
}

/// What one row of an answer means.
pub(super) trait Row: DeserializeOwned {
    /// How many rows an answer may have. A row can be two bytes on the wire and a thousand times that in memory, so
    /// that the cap on an answer's bytes alone would bound nothing.
    const MOST: usize;
}

/// An object with rows.
#[derive(Deserialize)]
#[serde(bound = "T: Row")]
pub(super) struct Rows<T> {
    pub(super) rows: Parsed<T>,
}

/// Rows that could be read, how many could not, and the first of those.
pub(super) struct Parsed<T> {
    pub(super) rows: Vec<T>,
    pub(super) bad: usize,
    pub(super) first_bad: Option<BadRow>,
}

/// A row that could not be read: which one, why, and what it was.
pub(super) struct BadRow {
    pub(super) number: usize,
    pub(super) why: serde_json::Error,
    pub(super) raw: String,
}

/// Each row is read by itself, so that one bad row spoils no other.
impl<'de, T: Row> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EachRow<T>(PhantomData<T>);
        impl<'de, T: Row> Visitor<'de> for EachRow<T> {
            type Value = Parsed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parsed<T>, A::Error> {
                let mut parsed = Parsed { rows: Vec::new(), bad: 0, first_bad: None };
                while let Some(raw) = list.next_element::<&'de RawValue>()? {
                    let number = parsed.rows.len() + parsed.bad + 1;
                    if number > T::MOST {
                        return Err(A::Error::custom(format_args!("more than {} rows", T::MOST)));
                    }
                    match serde_json::from_str(raw.get()) {
                        Ok(Object(row)) => parsed.rows.push(row),
                        Err(why) => {
                            parsed.bad += 1;
                            parsed.first_bad.get_or_insert_with(|| BadRow { number, why, raw: raw.get().to_owned() });
                        }
                    }
                }
                Ok(parsed)
            }
        }
        deserializer.deserialize_seq(EachRow(PhantomData))
    }
}
