//! A page of instances, read from the bytes of an answer part by part.
//!
//! An answer that is as the engine writes it is read row by row where it lies: no row is copied, and no more of them are
//! held than are asked for. Whatever is otherwise, be it a row that can't be read, is left to [`crate::connect::answer`], which
//! looks at the answer as a whole and says what is wrong; so what is taken and what is refused is decided there.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::lately::Lately;
use super::row::InstanceRow;
use super::{Restate, sql};
use crate::connect::ConnectError;
use crate::connect::answer::{Object, Parsed, Row};
use crate::domain::flow::FlowInstance;
use crate::domain::text::SafeText;

/// A text of a row: a part of the answer where it holds no escape.
struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowed)
    }
}

/// A page of instances, as it was read from an answer.
#[derive(Debug)]
pub struct Page {
    /// Those that could be read, where they were not taken part by part.
    pub flows: Vec<FlowInstance>,
    /// How many could.
    pub read: usize,
    /// How many rows could not.
    pub bad: usize,
    /// Which was the first of those, why, and how it begins.
    pub first_bad: Option<SafeText>,
    /// The id after which the next page begins, where it is one.
    pub(super) last: Option<String>,
    /// Whether all rows are good ones, each with an id that is one and that is greater than those before it.
    pub(super) ordered: bool,
    /// The first of those ids.
    pub(super) first: Option<String>,
}

/// What is left of an answer.
enum Rest<'a> {
    /// Rows as the engine writes them, from the next one on.
    Rows(&'a str),
    /// Rows that were read already, as an answer that is otherwise.
    Read(std::vec::IntoIter<InstanceRow>),
    /// Nothing.
    Nothing,
}

/// The instances of a page, part by part.
pub struct Parts<'a> {
    restate: &'a Restate,
    answer: &'a [u8],
    observed_at: Timestamp,
    lately: &'a mut Lately,
    rest: Rest<'a>,
    /// The greatest id so far.
    last: Option<Cow<'a, str>>,
    page: Page,
}

impl Restate {
    /// Reads an answer to the question for instances: each row that can be read, and what is wrong with the first of
    /// the others. `observed_at` is the engine's clock. An answer of another shape is an error.
    pub fn read_page(&self, answer: &[u8], observed_at: Timestamp) -> Result<Page, ConnectError> {
        let mut lately = Lately::new();
        let mut parts = self.parts(answer, observed_at, &mut lately);
        let flows = parts.next(usize::MAX)?;
        Ok(Page { flows, ..parts.end() })
    }

    /// The same, part by part. `lately` is what the pages before it have left.
    pub fn parts<'a>(&'a self, answer: &'a [u8], observed_at: Timestamp, lately: &'a mut Lately) -> Parts<'a> {
        let text = std::str::from_utf8(answer).ok();
        let rows = text.and_then(|text| text.strip_prefix(r#"{"rows":["#));
        let rest = rows.map_or(Rest::Rows(""), Rest::Rows);
        let page = Page { flows: Vec::new(), read: 0, bad: 0, first_bad: None, last: None, ordered: true, first: None };
        Parts { restate: self, answer, observed_at, lately, rest, last: None, page }
    }
}

impl<'a> Parts<'a> {
    /// The next instances, at most this many; fewer are the last ones.
    pub fn next(&mut self, most: usize) -> Result<Vec<FlowInstance>, ConnectError> {
        let mut flows = Vec::with_capacity(most.min(InstanceRow::<String>::MOST));
        while flows.len() < most {
            match &mut self.rest {
                Rest::Nothing => break,
                Rest::Read(rows) => match rows.next() {
                    Some(row) => {
                        self.greatest(&row.id, || Cow::Owned(row.id.clone()));
                        flows.push(self.flow(&row));
                    }
                    None => self.rest = Rest::Nothing,
                },
                Rest::Rows(rows) => match next_row(rows, self.page.read) {
                    Some((row, rest)) => {
                        *rows = rest;
                        self.page.read += 1;
                        flows.push(self.flow(&row));
                        self.greatest(&row.id, || row.id.0.clone());
                    }
                    None if at_end(rows, self.page.read) => self.rest = Rest::Nothing,
                    None => self.rest = self.read_whole()?,
                },
            }
        }
        Ok(flows)
    }

    /// What the page came to, once all its parts were taken.
    pub fn end(self) -> Page {
        Page { last: self.last.map(Cow::into_owned).filter(|id| sql::is_id(id)), ..self.page }
    }

    fn flow<T: Deref<Target = str>>(&mut self, row: &InstanceRow<T>) -> FlowInstance {
        row.flow(&self.restate.source, self.observed_at, &self.restate.redactor, self.lately)
    }

    fn greatest(&mut self, id: &str, keep: impl FnOnce() -> Cow<'a, str>) {
        let greatest = self.last.as_deref().is_none_or(|last| last < id);
        self.page.ordered &= greatest && sql::is_id(id);
        if self.page.first.is_none() {
            self.page.first = Some(id.to_owned());
        }
        if greatest {
            self.last = Some(keep());
        }
    }

    /// Reads the whole answer, and leaves out what was read of it already: those were its first rows, all of them good.
    fn read_whole(&mut self) -> Result<Rest<'a>, ConnectError> {
        let parsed: Parsed<InstanceRow> = self.restate.parsed(self.answer)?;
        let taken = std::mem::replace(&mut self.page.read, parsed.rows.len());
        self.page.bad = parsed.bad;
        self.page.ordered &= parsed.bad == 0;
        self.page.first_bad = parsed.first_bad.as_ref().map(|bad| self.restate.told(bad));
        let mut rows = parsed.rows.into_iter();
        if taken > 0 {
            rows.nth(taken - 1);
        }
        Ok(Rest::Read(rows))
    }
}

/// The next of the rows, and those behind it, where it is as the engine writes it. `read` is how many came before.
fn next_row(rows: &str, read: usize) -> Option<(InstanceRow<Text<'_>>, &str)> {
    let row = if read == 0 { rows } else { rows.strip_prefix(',')? };
    if read >= InstanceRow::<String>::MOST {
        return None;
    }
    let mut parsed = serde_json::Deserializer::from_str(row).into_iter::<Object<InstanceRow<Text<'_>>>>();
    let Object(first) = parsed.next()?.ok()?;
    Some((first, row.get(parsed.byte_offset()..)?))
}

/// Whether the answer ends here, as it should.
fn at_end(rows: &str, read: usize) -> bool {
    let end = rows.strip_prefix("]}").is_some_and(|rest| rest.bytes().all(|b| b" \t\r\n".contains(&b)));
    end && read <= InstanceRow::<String>::MOST
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    static RESTATE: LazyLock<Restate> =
        LazyLock::new(|| Restate::new("a", "http://127.0.0.1:9", Duration::from_secs(1), None).unwrap());

    /// The plain way: the answer as a whole, its rows copied, and nothing kept from one row to the next.
    fn plain(restate: &Restate, answer: &[u8]) -> Result<Page, ConnectError> {
        let parsed: Parsed<InstanceRow> = restate.parsed(answer)?;
        let last = parsed.rows.iter().map(|row| row.id.as_str()).max().filter(|id| sql::is_id(id));
        Ok(Page {
            read: parsed.rows.len(),
            bad: parsed.bad,
            first_bad: parsed.first_bad.as_ref().map(|bad| restate.told(bad)),
            last: last.map(ToOwned::to_owned),
            ordered: parsed.bad == 0
                && parsed.rows.iter().all(|row| sql::is_id(&row.id))
                && parsed.rows.windows(2).all(|pair| pair[0].id < pair[1].id),
            first: parsed.rows.first().map(|row| row.id.clone()),
            flows: parsed.rows.into_iter().map(|row| row.into_flow(&restate.source, NOW, &restate.redactor)).collect(),
        })
    }

    fn assert_as_plain(answer: &[u8], most: usize) {
        let restate = &*RESTATE;
        let mut lately = Lately::new();
        let mut parts = restate.parts(answer, NOW, &mut lately);
        let mut flows = Vec::new();
        let read = loop {
            match parts.next(most) {
                Ok(part) => {
                    assert!(part.len() <= most);
                    let ended = part.len() < most;
                    flows.extend(part);
                    if ended {
                        break Ok(Page { flows, ..parts.end() });
                    }
                }
                Err(error) => break Err(error),
            }
        };
        let (read, plain) = (read.map_err(|error| error.to_string()), plain(restate, answer));
        let told = |page: Page| (page.flows, page.read, page.bad, page.first_bad, page.last, page.ordered, page.first);
        assert_eq!(read.map(told), plain.map(told).map_err(|error| error.to_string()));
    }

    fn row() -> impl Strategy<Value = Value> {
        let texts = vec![
            json!("inv_1"),
            json!("inv_2"),
            json!("a\"b\\"),
            json!("\u{1b}ключ"),
            json!("[500 Internal] no"),
            json!("2026-01-15T03:12:00.5Z"),
            json!("paused"),
            json!(null),
            json!(7),
            json!(-1),
            json!(true),
            json!([["x"]]),
            json!({"id": 1}),
        ];
        let names = vec![
            "id",
            "status",
            "step",
            "target_service_key",
            "created_at",
            "last_failure",
            "pause_message",
            "retry_count",
            "wakes_at",
            "held",
            "what is this",
        ];
        vec((select(names), select(texts)), 0..3).prop_map(|fields| {
            let mut row = json!({
                "id": "inv_1", "target_service_name": "s", "target_handler_name": "h", "status": "running", "step": "x",
            });
            for (name, value) in fields {
                row[name] = value;
            }
            row
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn part_by_part_is_as_good_as_the_plain_way(
            rows in vec(prop_oneof![8 => row(), 1 => select(vec![json!([]), json!("inv_1"), json!(null)])], 0..9),
            most in 1_usize..5,
            spoilt in proptest::option::weighted(0.7, (any::<prop::sample::Index>(), 0_u8..3, select(b"{}[]\",:\\ 0n\xff\x1b".to_vec()))),
        ) {
            let mut answer = json!({ "rows": rows }).to_string().into_bytes();
            if let Some((at, how, byte)) = spoilt {
                let at = at.index(answer.len());
                match how {
                    0 => answer.truncate(at),
                    1 => answer[at] = byte,
                    _ => answer.insert(at, byte),
                }
            }
            assert_as_plain(&answer, most);
        }
    }

    #[test]
    fn an_answer_of_another_form_is_read_as_well() {
        let row = r#"{"id":"inv_1","target_service_name":"s","target_handler_name":"h","status":"running","step":"x"}"#;
        for answer in [
            format!(" {{ \"rows\" : [ {row} , {row} ] }} "),
            format!("{{\"rows\":[{row},{row}]}}\n"),
            format!("{{\"rows\":[{row}],\"more\":1}}"),
            format!("{{\"more\":1,\"rows\":[{row}]}}"),
            format!("{{\"rows\":[{row}],\"rows\":[]}}"),
            format!("{{\"rows\":[{row}]}}]"),
            format!("{{\"rows\":[{row},]}}"),
            format!("{{\"rows\":[{row}{row}]}}"),
            format!("{{\"rows\":[,{row}]}}"),
            format!("[[{row}]]"),
            "{\"rows\":[]}".to_owned(),
            "{\"rows\":[".to_owned(),
            String::new(),
        ] {
            assert_as_plain(answer.as_bytes(), 1);
        }
        // As many as were asked for, and one more.
        for (rows, fits) in [(sql::PAGE, true), (sql::PAGE + 1, false)] {
            let answer = format!("{{\"rows\":[{}]}}", vec![row; rows].join(","));
            assert_eq!(RESTATE.read_page(answer.as_bytes(), NOW).map(|page| page.read).ok(), fits.then_some(rows));
        }
    }
}
