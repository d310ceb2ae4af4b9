//! What a filter is made of, and how it is written.

use std::fmt;

use jiff::SignedDuration;
use wildmatch::WildMatch;

use crate::domain::flow::Status;
use crate::domain::time::exact;
use crate::domain::verdict::{Rule, Verdict};

/// One condition; all of a filter's must hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    pub(crate) negated: bool,
    pub(crate) test: Test,
}

/// What a term asks. Of several values one must fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// A bare word, in lower case beside its own form.
    Word(Pattern),
    State(Vec<State>),
    Verdict(Vec<Verdict>),
    Rule(Vec<Rule>),
    Text(Field, Vec<Pattern>),
    Age(Vec<Bound<SignedDuration>>),
    For(Vec<Bound<SignedDuration>>),
    Attempts(Vec<Bound<u32>>),
}

/// A status, or a group that the board counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Not ended.
    Open,
    /// Paused by a person, a freeze or maintenance.
    Held,
    /// Ended badly: the status failed, and timed out too.
    Failed,
    /// One status.
    Status(Status),
}

impl State {
    /// Every state that can be named.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let statuses = Status::ALL.into_iter().filter(|status| *status != Status::Failed).map(Self::Status);
        [Self::Open, Self::Held, Self::Failed].into_iter().chain(statuses)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Status(status) => status.name(),
        }
    }
}

/// A fact that is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Flow,
    Step,
    Tenant,
    Source,
    Key,
    Id,
    Error,
    Cohort,
}

impl Field {
    pub(crate) const ALL: [Self; 8] =
        [Self::Flow, Self::Step, Self::Tenant, Self::Source, Self::Key, Self::Id, Self::Error, Self::Cohort];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Step => "step",
            Self::Tenant => "tenant",
            Self::Source => "source",
            Self::Key => "key",
            Self::Id => "id",
            Self::Error => "error",
            Self::Cohort => "cohort",
        }
    }
}

/// A text to compare with, letters' case aside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    /// As it was typed.
    text: String,
    /// In lower case: what comparisons use.
    pub(crate) folded: String,
    /// In lower case, where it has wildcards.
    pub(crate) glob: Option<WildMatch>,
}

impl Pattern {
    /// Each character stands for itself.
    pub(crate) fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { folded: text.to_lowercase(), glob: None, text }
    }

    /// As it was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// `*` stands for any text and `?` for any character.
    pub(crate) fn value(text: impl Into<String>) -> Self {
        let mut pattern = Self::literal(text);
        if pattern.text.contains(['*', '?']) {
            pattern.glob = Some(WildMatch::new(&pattern.folded));
        }
        pattern
    }
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Comparison {
    /// The signs, longer ones first, so that `>=` is not read as `>`.
    pub(crate) const SIGNS: [(&'static str, Self); 5] =
        [(">=", Self::AtLeast), ("<=", Self::AtMost), (">", Self::More), ("<", Self::Less), ("=", Self::Equal)];
}

/// A limit that a value is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound<T> {
    pub(crate) comparison: Comparison,
    pub(crate) limit: T,
}

impl<T: PartialOrd> Bound<T> {
    pub(crate) fn holds(&self, value: &T) -> bool {
        match self.comparison {
            Comparison::Less => value < &self.limit,
            Comparison::AtMost => value <= &self.limit,
            Comparison::Equal => value == &self.limit,
            Comparison::AtLeast => value >= &self.limit,
            Comparison::More => value > &self.limit,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        match &self.test {
            Test::Word(word) => write_text(f, word, bare_word_is_plain(&word.text)),
            Test::State(states) => write_values(f, "state", states, |f, state| f.write_str(state.name())),
            Test::Verdict(verdicts) => write_values(f, "is", verdicts, |f, verdict| f.write_str(verdict.name())),
            Test::Rule(rules) => write_values(f, "rule", rules, |f, rule| f.write_str(rule.name())),
            Test::Text(field, patterns) => write_values(f, field.name(), patterns, |f, pattern| {
                write_text(f, pattern, pattern.glob.is_some() || value_is_plain(&pattern.text))
            }),
            Test::Age(bounds) => write_values(f, "age", bounds, |f, bound| bound.write(f, exact(bound.limit))),
            Test::For(bounds) => write_values(f, "for", bounds, |f, bound| bound.write(f, exact(bound.limit))),
            Test::Attempts(bounds) => write_values(f, "attempts", bounds, |f, bound| bound.write(f, bound.limit)),
        }
    }
}

impl<T> Bound<T> {
    fn write(&self, f: &mut fmt::Formatter<'_>, limit: impl fmt::Display) -> fmt::Result {
        let sign = Comparison::SIGNS.iter().find(|(_, comparison)| *comparison == self.comparison);
        write!(f, "{}{limit}", sign.map_or("", |(sign, _)| *sign))
    }
}

fn write_values<T>(
    f: &mut fmt::Formatter<'_>,
    key: &str,
    values: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{key}:")?;
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            f.write_str(",")?;
        }
        write(f, value)?;
    }
    Ok(())
}

fn write_text(f: &mut fmt::Formatter<'_>, pattern: &Pattern, plain: bool) -> fmt::Result {
    if plain {
        return f.write_str(&pattern.text);
    }
    f.write_str("\"")?;
    for c in pattern.text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

/// Whether a bare word reads back as itself without quotes. What looks like a word of another language does not.
fn bare_word_is_plain(text: &str) -> bool {
    let other =
        text.contains(['=', '!', '>', '<']) || ["not", "l", "n", "f"].iter().any(|one| text.eq_ignore_ascii_case(one));
    !other && !text.starts_with(['-', '!', '"']) && !text.contains(':') && !text.contains(char::is_whitespace)
}

/// Whether a literal value reads back as itself without quotes.
fn value_is_plain(text: &str) -> bool {
    !text.starts_with('"') && !text.contains([',', '*', '?']) && !text.contains(char::is_whitespace)
}
