//! From words to terms: which keys there are and what their values may be.

use jiff::SignedDuration;

use super::ast::{Bound, Comparison, Field, Pattern, State, Term, Test};
use super::lexer::{Value, Word, words};
use super::{FilterError, KEYS, habits};
use crate::domain::nearest::nearest;
use crate::domain::time::parse_duration;
use crate::domain::verdict::{Rule, Verdict};

/// Reads all terms of a filter.
pub(super) fn terms(text: &str) -> Result<Vec<Term>, FilterError> {
    let words = words(text)?;
    match habits::meant(&words) {
        Some(error) => Err(error),
        None => words.into_iter().map(term).collect(),
    }
}

fn term(word: Word) -> Result<Term, FilterError> {
    let values = word.values;
    let test = match &word.key {
        // A bare word is one value by construction; the list is taken whole all the same.
        None => Test::Word(Pattern::literal(values.into_iter().map(|value| value.text).collect::<String>())),
        Some((key, column)) => match key.to_ascii_lowercase().as_str() {
            "state" => Test::State(named(&values, "state", State::all(), State::name)?),
            "is" | "verdict" => Test::Verdict(named(&values, "verdict", Verdict::ALL, Verdict::name)?),
            "rule" => Test::Rule(named(&values, "rule", Rule::ALL, Rule::name)?),
            "age" => Test::Age(each(&values, duration)?),
            "for" => Test::For(each(&values, duration)?),
            "attempts" => Test::Attempts(each(&values, number)?),
            name => match Field::ALL.into_iter().find(|field| field.name() == name) {
                Some(field) => Test::Text(field, values.into_iter().map(pattern).collect()),
                None => return Err(unknown_key(key, *column)),
            },
        },
    };
    Ok(Term { negated: word.negated, test })
}

fn unknown_key(key: &str, column: usize) -> FilterError {
    let suggestion = nearest(key, KEYS.iter().map(|(name, _)| *name)).map(str::to_owned);
    let hint = if suggestion.is_some() { "" } else { "; quotes make it a text to search for" };
    FilterError { word: key.to_owned(), column, message: format!("unknown key \"{key}\"{hint}"), suggestion }
}

fn pattern(value: Value) -> Pattern {
    if value.quoted { Pattern::literal(value.text) } else { Pattern::value(value.text) }
}

fn each<T>(values: &[Value], read: impl Fn(&Value) -> Result<T, FilterError>) -> Result<Vec<T>, FilterError> {
    values.iter().map(read).collect()
}

/// Values that have names. Letters' case does not matter, and `-`, `_` and a space are the same.
fn named<T: Copy>(
    values: &[Value],
    what: &str,
    all: impl IntoIterator<Item = T>,
    name: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, FilterError> {
    let all: Vec<T> = all.into_iter().collect();
    each(values, |value| {
        let wanted = value.text.to_lowercase().replace(['-', ' '], "_");
        all.iter().copied().find(|one| name(*one) == wanted).ok_or_else(|| {
            if let Some(message) = of_another_kind(&value.text, &wanted) {
                return refused(value, message, None);
            }
            let meant = nearest(&wanted, all.iter().map(|one| name(*one))).map(str::to_owned);
            refused(value, format!("unknown {what} \"{}\"", value.text), meant)
        })
    })
}

/// What a name is that was asked for under the wrong key.
fn of_another_kind(text: &str, wanted: &str) -> Option<String> {
    let rule = Rule::ALL.into_iter().map(Rule::name).find(|name| *name == wanted);
    let verdict = Verdict::ALL.into_iter().map(Verdict::name).find(|name| *name == wanted);
    let state = State::all().map(State::name).find(|name| *name == wanted);
    let told = |kind: &str, key: &str, name: &str| format!("{text} is a {kind}: {key}:{name}");
    let rule = rule.map(|name| told("rule", "rule", name));
    rule.or_else(|| verdict.map(|name| told("verdict", "is", name)))
        .or_else(|| state.map(|name| told("state", "state", name)))
}

/// Splits a leading `>`, `>=`, `<`, `<=` or `=` off.
fn comparison(text: &str) -> (Option<Comparison>, &str) {
    Comparison::SIGNS
        .iter()
        .find_map(|(sign, comparison)| text.strip_prefix(sign).map(|rest| (Some(*comparison), rest.trim())))
        .unwrap_or((None, text))
}

fn refused(value: &Value, message: String, suggestion: Option<String>) -> FilterError {
    FilterError { word: value.raw.clone(), column: value.column, message, suggestion }
}

/// A length of time. Without a sign it is the least: nobody asks for an age to the nanosecond.
fn duration(value: &Value) -> Result<Bound<SignedDuration>, FilterError> {
    let (comparison, rest) = comparison(&value.text);
    if comparison == Some(Comparison::Equal) {
        let message = "a time that runs on equals nothing for long; use > or <".to_owned();
        return Err(refused(value, message, Some(format!(">{rest}"))));
    }
    match parse_duration(rest) {
        Ok(limit) => Ok(Bound { comparison: comparison.unwrap_or(Comparison::AtLeast), limit }),
        Err(error) => Err(refused(value, format!("\"{rest}\": {error}"), None)),
    }
}

fn number(value: &Value) -> Result<Bound<u32>, FilterError> {
    let (comparison, rest) = comparison(&value.text);
    match rest.parse() {
        Ok(limit) => Ok(Bound { comparison: comparison.unwrap_or(Comparison::Equal), limit }),
        Err(_) => Err(refused(value, format!("\"{rest}\" is no whole number from 0 to {}", u32::MAX), None)),
    }
}
