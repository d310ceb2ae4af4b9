//! Times as the engine writes them, of which an answer has several a row.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Reads a time that may be missing: the engine's own form at once, any other one as [`Timestamp`] reads it.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<Told>::deserialize(deserializer)?.map(|told| told.0))
}

struct Told(Timestamp);

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Told;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a timestamp string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Told, E> {
                match usual(text.as_bytes()) {
                    Some(time) => Ok(Told(time)),
                    None => Timestamp::deserialize(StrDeserializer::new(text)).map(Told),
                }
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// `2026-01-15T03:12:00Z`, with or without parts of a second; `None` where it is anything else.
fn usual(text: &[u8]) -> Option<Timestamp> {
    let (&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T'], rest) = text.split_first_chunk()? else { return None };
    let (&[h1, h2, b':', n1, n2, b':', s1, s2], rest) = rest.split_first_chunk()? else { return None };
    let nanos = match rest {
        b"Z" => 0,
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => {
            let parts = i32::try_from(number(digits)?).ok()?;
            parts * 10_i32.pow(9 - u32::try_from(digits.len()).ok()?)
        }
        _ => return None,
    };
    let small = |digits: [u8; 2]| i8::try_from(number(&digits)?).ok();
    let year = i16::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let date = Date::new(year, small([m1, m2])?, small([d1, d2])?).ok()?;
    let time = Time::new(small([h1, h2])?, small([n1, n2])?, small([s1, s2])?, nanos).ok()?;
    Offset::UTC.to_timestamp(date.to_datetime(time)).ok()
}

/// At most nine digits as a number.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + u32::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_as_jiff(text: &str) {
        if let Some(time) = usual(text.as_bytes()) {
            assert_eq!(Some(time), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn what_the_engine_writes_is_read_at_once() {
        for text in ["2026-01-15T03:12:00Z", "2026-02-28T23:59:59.9Z", "9999-12-30T22:00:00.999999999Z"] {
            assert_eq!(usual(text.as_bytes()), Some(text.parse().unwrap()), "{text}");
        }
        for text in ["", "Z", "2026-01-15", "2026-01-15T03:12:60Z", "2026-13-01T00:00:00Z", "2026-01-15T03:12:00.Z"] {
            assert_eq!(usual(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_is_what_jiff_takes_it_for(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]([.,][0-9]{0,10})?(Z|z|\\+01:00)?",
            seconds in -62_167_219_200_i64..253_402_207_200,
            nanos in 0..1_000_000_000_i32,
            digits in 0_usize..10,
        ) {
            assert_as_jiff(&text);
            let time = Timestamp::new(seconds, nanos).unwrap();
            let written = format!("{time:.digits$}");
            prop_assert_eq!(usual(written.as_bytes()), written.parse().ok(), "{}", written);
        }
    }
}
