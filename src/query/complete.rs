//! What the word before the cursor could become.

use super::KEYS;
use super::ast::State;
use super::lexer::is_key;
use crate::domain::verdict::{Rule, Verdict};

/// One way to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What is offered: `state:`, `retry_storm`.
    pub label: String,
    /// The whole filter once it is taken.
    pub text: String,
    /// Where the cursor then stands, in characters from 0.
    pub cursor: usize,
}

pub(super) fn complete(text: &str, cursor: usize) -> Vec<Completion> {
    let split = text.char_indices().nth(cursor).map_or(text.len(), |(at, _)| at);
    let (before, after) = text.split_at(split);
    let Some(word) = open_word(before) else { return Vec::new() };
    let word = word.strip_prefix(['-', '!']).unwrap_or(word);
    let (part, candidates) = match word.split_once(':') {
        None => (word, KEYS.iter().map(|(key, _)| format!("{key}:")).collect()),
        Some((key, values)) if is_key(key) => (values.rsplit(',').next().unwrap_or(values), values_of(key)),
        Some(_) => return Vec::new(),
    };
    let wanted = part.to_lowercase().replace('-', "_");
    let kept = &before[..before.len() - part.len()];
    candidates
        .into_iter()
        .filter(|candidate| candidate.starts_with(&wanted) && *candidate != wanted)
        .map(|label| {
            let head = format!("{kept}{label}");
            Completion { cursor: head.chars().count(), text: head + after, label }
        })
        .collect()
}

/// The values of a key that has a list of them.
fn values_of(key: &str) -> Vec<String> {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    match key.to_ascii_lowercase().as_str() {
        "state" => owned(State::all().map(State::name).collect()),
        "is" | "verdict" => owned(Verdict::ALL.map(Verdict::name).to_vec()),
        "rule" => owned(Rule::ALL.map(Rule::name).to_vec()),
        _ => Vec::new(),
    }
}

/// The word that the text ends in; `None` inside quotes, where nothing is offered.
fn open_word(text: &str) -> Option<&str> {
    let mut start = 0;
    let mut quoted = false;
    let mut escaped = false;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else if c.is_whitespace() {
            start = at + c.len_utf8();
        } else {
            // A quote opens only where a value begins; elsewhere it is a character like any other.
            quoted = c == '"' && (previous.is_whitespace() || matches!(previous, '-' | '!' | ':' | ','));
        }
        previous = c;
    }
    (!quoted).then(|| &text[start..])
}
