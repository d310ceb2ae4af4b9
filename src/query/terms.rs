//! Terms over what something tells: the form that filters of events and of drift have in common. What a term asks is theirs.

use std::fmt;

use super::FilterError;
use super::ast::Pattern;
use super::lexer::{Value, words};
use crate::domain::nearest::nearest;

/// What was asked for, term by term, and as it was written. Without any it matches everything.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Terms<T> {
    /// Each with whether it is to fail.
    terms: Vec<(bool, T)>,
    text: String,
}

impl<T> Default for Terms<T> {
    fn default() -> Self {
        Self { terms: Vec::new(), text: String::new() }
    }
}

impl<T> Terms<T> {
    /// Reads a text: `word` makes a test of a bare word, `keyed` of a key, its column and its values.
    ///
    /// # Errors
    /// The word that is wrong, its column, and the nearest one that would be right.
    pub(super) fn parse(
        text: &str,
        word: impl Fn(Pattern) -> T,
        keyed: impl Fn(&str, usize, &[Value]) -> Result<T, FilterError>,
    ) -> Result<Self, FilterError> {
        let terms = words(text)?.into_iter().map(|found| {
            let asks = match &found.key {
                None => word(written(&found.values)),
                Some((key, column)) => keyed(key, *column, &found.values)?,
            };
            Ok((found.negated, asks))
        });
        Ok(Self { terms: terms.collect::<Result<_, _>>()?, text: text.trim().to_owned() })
    }

    /// Whether it matches everything.
    pub(super) const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether every term is as it is to be, where `holds` says of each test whether it holds.
    pub(super) fn all(&self, holds: impl Fn(&T) -> bool) -> bool {
        self.terms.iter().all(|(negated, test)| holds(test) != *negated)
    }
}

impl<T> fmt::Display for Terms<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A bare word, which is one value by construction.
fn written(values: &[Value]) -> Pattern {
    Pattern::literal(values.iter().map(|value| value.text.as_str()).collect::<String>())
}

/// The key of a name, letters' case aside.
pub(super) fn keyed<K: Iterator<Item = &'static str>>(
    key: &str,
    column: usize,
    known: impl Fn() -> K,
) -> Result<&'static str, FilterError> {
    let wanted = key.to_ascii_lowercase();
    known().find(|known| *known == wanted).ok_or_else(|| {
        let suggestion = nearest(key, known()).map(str::to_owned);
        let hint = if suggestion.is_some() { "" } else { "; quotes make it a text to search for" };
        let message = format!("unknown key \"{key}\"{hint}");
        FilterError { word: key.to_owned(), column, message, suggestion }
    })
}

/// A value: as it is where it was quoted, else with wildcards.
pub(super) fn quoted_or_glob(value: &Value) -> Pattern {
    if value.quoted { Pattern::literal(&*value.text) } else { Pattern::value(&*value.text) }
}

/// Values that have names. Letters' case does not matter, and `-`, `_` and a space are the same.
pub(super) fn named<T: Copy>(
    values: &[Value],
    what: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, FilterError> {
    let one = |value: &Value| {
        let wanted = value.text.to_lowercase().replace(['-', ' '], "_");
        all.iter().copied().find(|one| name(*one) == wanted).ok_or_else(|| FilterError {
            word: value.raw.clone(),
            column: value.column,
            message: format!("unknown {what} \"{}\"", value.text),
            suggestion: nearest(&wanted, all.iter().map(|one| name(*one))).map(str::to_owned),
        })
    };
    values.iter().map(one).collect()
}

/// Whether one of the values is the whole of a text.
pub(super) fn tried(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.is(text))
}
