//! Words that are right in other languages and would match nothing here without a word: `tenant=x`, `not x`, `-l a=b`.

use super::lexer::Word;
use super::{FilterError, KEYS};

/// What is wrong with a filter that is written as elsewhere; quotes make each of these a text to search for.
pub(super) fn meant(words: &[Word]) -> Option<FilterError> {
    words.iter().enumerate().find_map(|(at, word)| {
        let text = bare(word)?;
        let next = words.get(at + 1);
        compared(word, text).or_else(|| not(at, word, text, next?)).or_else(|| option(at, word, text, next?))
    })
}

/// The text of a word without a key and without quotes.
fn bare(word: &Word) -> Option<&str> {
    word.values.first().filter(|value| word.key.is_none() && !value.quoted).map(|value| value.text.as_str())
}

fn column(word: &Word) -> usize {
    let value = word.values.first().map_or(1, |value| value.column);
    let key = word.key.as_ref().map_or(value, |(_, column)| *column);
    key.saturating_sub(usize::from(word.negated)).max(1)
}

fn error(word: &Word, text: &str, message: String, suggestion: String) -> FilterError {
    FilterError { word: text.to_owned(), column: column(word), message, suggestion: Some(suggestion) }
}

/// `tenant=x` as it is written here; `None` where no key stands before the sign.
fn with_colon(text: &str, negated: bool) -> Option<(&str, String)> {
    let at = text.find(['=', '!', '>', '<'])?;
    let (key, rest) = text.split_at(at);
    KEYS.iter().find(|(name, _)| key.eq_ignore_ascii_case(name))?;
    let inverse = rest.starts_with('!');
    let rest = rest.trim_start_matches('!');
    let value = rest.trim_start_matches('=');
    let value = if rest.starts_with(['>', '<']) { rest } else { value };
    let sign = if inverse == negated { "" } else { "-" };
    (!value.is_empty() && !value.contains('"')).then(|| (key, format!("{sign}{key}:{value}")))
}

fn compared(word: &Word, text: &str) -> Option<FilterError> {
    let (key, right) = with_colon(text, word.negated)?;
    let message = format!("a colon stands behind {key}; quotes make it a text to search for");
    Some(error(word, text, message, right))
}

/// `not` at the beginning, or before a key. Elsewhere it is a word of an error text: `does not exist`.
fn not(at: usize, word: &Word, text: &str, next: &Word) -> Option<FilterError> {
    if !text.eq_ignore_ascii_case("not") || word.negated || next.negated || (at > 0 && next.key.is_none()) {
        return None;
    }
    let value = next.values.first()?;
    let key = next.key.as_ref().map(|(key, _)| format!("{key}:")).unwrap_or_default();
    let quote = if value.quoted { "\"" } else { "" };
    let right = format!("-{key}{quote}{}{quote}", value.text);
    Some(error(word, text, "a dash negates; quotes make it a text to search for".to_owned(), right))
}

/// `-l a=b` of kubectl and k9s, and `-f x`.
fn option(at: usize, word: &Word, text: &str, next: &Word) -> Option<FilterError> {
    if at > 0 || !word.negated || !matches!(text, "l" | "f" | "n") {
        return None;
    }
    let value = bare(next)?;
    let right = match (text, value.split_once('=')) {
        ("n", _) => format!("tenant:{value}"),
        (_, Some((key, value))) => format!("{}:{}", key.trim_end_matches('!'), value.trim_start_matches('=')),
        _ => value.to_owned(),
    };
    Some(error(word, &format!("-{text}"), "a filter has no options: it is bare words and key:value".to_owned(), right))
}

#[cfg(test)]
mod tests {
    use crate::query::Filter;

    #[test]
    fn what_is_written_as_elsewhere_is_told_how_it_is_written_here() {
        for (text, right, column) in [
            ("tenant=x", "tenant:x", 1),
            ("is:stuck tenant==x", "tenant:x", 10),
            ("tenant!=x", "-tenant:x", 1),
            ("-tenant!=x", "tenant:x", 1),
            ("age>1h", "age:>1h", 1),
            ("attempts>=5", "attempts:>=5", 1),
            ("Attempts<5", "Attempts:<5", 1),
            ("not acme", "-acme", 1),
            ("is:stuck NOT tenant:x", "-tenant:x", 10),
            ("not \"a b\"", "-\"a b\"", 1),
            ("-l tenant=x", "tenant:x", 1),
            ("-n acme", "tenant:acme", 1),
            ("-f acme", "acme", 1),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert_eq!((error.suggestion.as_deref(), error.column), (Some(right), column), "{text}: {error}");
            assert!(Filter::parse(right).is_ok() || right.contains("Attempts"), "{right}");
        }
        for fine in ["does not exist", "not", "a=b", "\"tenant=x\"", "x>y", "tenant=", "-l", "error:a=b", "-live x"] {
            assert!(Filter::parse(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn an_exclamation_mark_negates_too() {
        assert_eq!(Filter::parse("!acme !is:stuck").unwrap(), Filter::parse("-acme -is:stuck").unwrap());
        assert_eq!(Filter::parse("\"!acme\"").unwrap().to_string(), "\"!acme\"");
        assert!(Filter::parse("!").is_err());
    }

    #[test]
    fn a_name_of_another_kind_is_told_its_key() {
        for (text, told) in [
            ("state:exhausted", "exhausted is a rule: rule:exhausted"),
            ("state:stuck", "stuck is a verdict: is:stuck"),
            ("is:retry-storm", "retry-storm is a rule: rule:retry_storm"),
            ("rule:held", "held is a state: state:held"),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.suggestion), (told, None), "{text}");
        }
    }
}
