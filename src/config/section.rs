//! One table of the file, read key by key, so that each error knows its place.

use std::ops::Range;

use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::diagnostic::{Diagnostic, Document};
use crate::domain::time::parse_duration;

/// Keys that belong to no table. Whoever appends one to the end of a file has put it into the last table.
const TOP_LEVEL: [&str; 4] = ["operator", "soak", "solo", "state_dir"];

/// A value and its place in the text.
#[derive(Debug, Clone)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// A key of any name, the table it stands in, and its value.
pub(super) type Entry<'a> = (Found<&'a str>, Section<'a>, &'a Spanned<DeValue<'a>>);

/// A table of which it is known which keys it may have.
#[derive(Clone)]
pub(super) struct Section<'a> {
    pub(super) document: Document<'a>,
    pub(super) span: Range<usize>,
    table: &'a DeTable<'a>,
    /// What was said of a key that is not known: it may be a slip in one that is missed.
    unknown: Option<Diagnostic>,
}

impl<'a> Section<'a> {
    /// Notes each key that is not among `keys` as a problem of the document; what is known is still read.
    pub(super) fn new(document: Document<'a>, span: Range<usize>, table: &'a DeTable<'a>, keys: &[&str]) -> Self {
        let mut unknown = None;
        for key in table.keys().filter(|key| !keys.contains(&&**key.get_ref())) {
            let name = key.get_ref();
            let wrong = if TOP_LEVEL.contains(&&**name) {
                let message =
                    format!("\"{name}\" has no place in a table: it stands before the first [table] of the file");
                document.wrong(&key.span(), message)
            } else {
                document.wrong(&key.span(), format!("unknown key \"{name}\"")).or_rather(name, keys.iter().copied())
            };
            document.problems.add(wrong.clone());
            unknown = Some(wrong);
        }
        Self { document, span, table, unknown }
    }

    /// Says what is wrong with a value of this table.
    pub(super) fn wrong<T>(&self, found: &Found<T>, message: impl Into<String>) -> Diagnostic {
        self.document.wrong(&found.span, message)
    }

    fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    fn mismatch(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) -> Diagnostic {
        // The value itself stays out: it could be a token in the wrong place.
        let found = value.get_ref().type_str();
        self.document.wrong(&value.span(), format!("\"{key}\" must be {wanted}, not {} {found}", article(found)))
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<Option<Found<&'a str>>, Diagnostic> {
        self.get(key)
            .map(|value| match value.get_ref() {
                DeValue::String(text) => Ok(Found { value: &**text, span: value.span() }),
                _ => Err(self.mismatch(key, value, "a text in quotes")),
            })
            .transpose()
    }

    /// A text that has to be there, `what` being the thing that needs it.
    pub(super) fn required_text(&self, key: &str, what: &str) -> Result<Found<&'a str>, Diagnostic> {
        let missing = || match &self.unknown {
            // Said already, and that is enough.
            Some(unknown) => unknown.clone(),
            None => self.document.wrong(&self.span, format!("{what} needs \"{key}\"")),
        };
        self.text(key)?.ok_or_else(missing)
    }

    /// A list of texts, with at least one in it.
    pub(super) fn words(&self, key: &str) -> Result<Option<Found<Vec<&'a str>>>, Diagnostic> {
        const WANTED: &str = "a list of texts in quotes, such as [\"program\", \"argument\"]";
        let Some(value) = self.get(key) else { return Ok(None) };
        let DeValue::Array(entries) = value.get_ref() else { return Err(self.mismatch(key, value, WANTED)) };
        let words = entries.iter().map(|entry| match entry.get_ref() {
            DeValue::String(text) => Ok(&**text),
            _ => Err(self.mismatch(key, entry, WANTED)),
        });
        let words: Vec<&'a str> = words.collect::<Result<_, _>>()?;
        match words.first() {
            Some(first) if !first.trim().is_empty() => Ok(Some(Found { value: words, span: value.span() })),
            _ => Err(self.document.wrong(&value.span(), format!("\"{key}\" is empty"))),
        }
    }

    /// A text, or a whole number as it was written, that has to be there, `what` being the thing that needs it.
    pub(super) fn text_or_number(&self, key: &str, what: &str) -> Result<Found<String>, Diagnostic> {
        match self.get(key) {
            None => {
                self.required_text(key, what).map(|found| Found { value: found.value.to_owned(), span: found.span })
            }
            Some(value) => match value.get_ref() {
                DeValue::String(text) => Ok(Found { value: text.to_string(), span: value.span() }),
                DeValue::Integer(number) if number.radix() == 10 => {
                    Ok(Found { value: number.as_str().to_owned(), span: value.span() })
                }
                _ => Err(self.mismatch(key, value, "a text in quotes or a whole number")),
            },
        }
    }

    /// The value of a key, whatever it is.
    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.get(key)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A list of texts; none where there is no such key.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<Found<&'a str>>, Diagnostic> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let DeValue::Array(entries) = value.get_ref() else {
            return Err(self.mismatch(key, value, "a list of texts"));
        };
        entries
            .iter()
            .map(|entry| match entry.get_ref() {
                DeValue::String(text) => Ok(Found { value: &**text, span: entry.span() }),
                _ => Err(self.mismatch(key, entry, "a list of texts")),
            })
            .collect()
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Diagnostic> {
        self.get(key)
            .map(|value| value.get_ref().as_bool().ok_or_else(|| self.mismatch(key, value, "true or false")))
            .transpose()
    }

    /// A whole number from 1 on.
    pub(super) fn count(&self, key: &str) -> Result<Option<u32>, Diagnostic> {
        self.number(key, 1)
    }

    /// A whole number that is not less than `least`.
    pub(super) fn number(&self, key: &str, least: u32) -> Result<Option<u32>, Diagnostic> {
        self.get(key)
            .map(|value| match value.get_ref() {
                DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix())
                    .ok()
                    .filter(|number| *number >= least)
                    .ok_or_else(|| self.document.wrong(&value.span(), format!("\"{key}\" must be {least} or more"))),
                _ => Err(self.mismatch(key, value, "a whole number")),
            })
            .transpose()
    }

    /// A moment: a text, or a date and time as TOML has them.
    pub(super) fn moment(&self, key: &str) -> Result<Option<Found<String>>, Diagnostic> {
        self.get(key)
            .map(|value| match value.get_ref() {
                DeValue::String(text) => Ok(Found { value: text.to_string(), span: value.span() }),
                DeValue::Datetime(moment) => Ok(Found { value: moment.to_string(), span: value.span() }),
                _ => Err(self.mismatch(key, value, "a date and time")),
            })
            .transpose()
    }

    /// A length of time of `least` at the least, and longer than nothing.
    pub(super) fn duration(&self, key: &str, least: SignedDuration) -> Result<Option<SignedDuration>, Diagnostic> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wrong = |message: String| self.document.wrong(&value.span(), message);
        let DeValue::String(text) = value.get_ref() else {
            return Err(self.mismatch(key, value, "a duration in quotes, such as \"10s\""));
        };
        let duration = parse_duration(text).map_err(|error| wrong(format!("\"{key}\": {error}")))?;
        if duration.is_zero() {
            return Err(wrong(format!("\"{key}\" must be longer than nothing")));
        }
        if duration < least {
            return Err(wrong(format!("\"{key}\" must be {} at least", crate::domain::time::exact(least))));
        }
        Ok(Some(duration))
    }

    /// A table within this one.
    pub(super) fn table(&self, key: &str, keys: &[&str]) -> Result<Option<Self>, Diagnostic> {
        self.get(key)
            .map(|value| match value.get_ref() {
                DeValue::Table(table) => Ok(Self::new(self.document, value.span(), table, keys)),
                _ => Err(self.mismatch(key, value, "a table")),
            })
            .transpose()
    }

    /// The tables of an array of tables, in their order; none where there is no such array.
    pub(super) fn tables(&self, key: &str, keys: &[&str]) -> Result<Vec<Self>, Diagnostic> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let DeValue::Array(entries) = value.get_ref() else {
            return Err(self.mismatch(key, value, "a list of tables: write its header in two brackets"));
        };
        entries
            .iter()
            .map(|entry| match entry.get_ref() {
                DeValue::Table(table) => Ok(Self::new(self.document, entry.span(), table, keys)),
                _ => Err(self.mismatch(key, entry, "a list of tables")),
            })
            .collect()
    }

    /// The tables within the table `key`, by name, in the order of the file.
    pub(super) fn named_tables(&self, key: &str, keys: &[&str]) -> Result<Vec<(Found<&'a str>, Self)>, Diagnostic> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let DeValue::Table(tables) = value.get_ref() else { return Err(self.mismatch(key, value, "a table")) };
        let mut entries: Vec<_> = tables.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        entries
            .into_iter()
            .map(|(name, value)| match value.get_ref() {
                DeValue::Table(table) => Ok((
                    Found { value: &**name.get_ref(), span: name.span() },
                    Self::new(self.document, value.span(), table, keys),
                )),
                _ => Err(self.mismatch(name.get_ref(), value, "a table")),
            })
            .collect()
    }

    /// The keys of the table `key`, whatever they are called, with the table and their values, in the order of the
    /// file.
    pub(super) fn entries(&self, key: &str) -> Result<Vec<Entry<'a>>, Diagnostic> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let DeValue::Table(table) = value.get_ref() else { return Err(self.mismatch(key, value, "a table")) };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let section = Self { document: self.document, span: value.span(), table, unknown: None };
        let found = |name: &'a Spanned<DeString<'a>>| Found { value: &**name.get_ref(), span: name.span() };
        Ok(entries.into_iter().map(|(name, value)| (found(name), section.clone(), value)).collect())
    }

    /// The place of a key's value, or of the table where the key is missing.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Whether the value of a key is a text.
    pub(super) fn is_text(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value.get_ref().is_str())
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
