//! The filter language: one language in the cockpit and on the command line.
//!
//! ```text
//! state:backing-off rule:retry_storm flow:tenant-* attempts:>=5 "connection refused" -tenant:acme,globex
//! ```
//!
//! A space means and, a comma inside a value means or, `-` negates, and so does `!`. A bare word is looked for in an instance's id,
//! tenant, key, flow, step and error text. `*` and `?` in a value are wildcards, quotes keep a value literal.
//! A fact that an instance lacks matches nothing, so that its negation matches.
//!
//! This module knows the domain and nothing else: not who asks, not where the instances are kept.

pub(crate) mod ast;
mod complete;
mod drift;
pub(crate) mod eval;
mod events;
mod habits;
mod lexer;
mod near;
mod order;
mod parse;
mod terms;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;
use thiserror::Error;

use crate::domain::flow::JudgedFlow;

pub use complete::Completion;
pub use drift::{DRIFT_KEYS, DriftFilter};
pub use events::{EVENT_KEYS, EventFacts, EventFilter};
pub use lexer::is_key;
pub use near::Wider;
pub use order::{GroupBy, SortBy};

/// Every key with what it means, for the help and for completion.
pub const KEYS: &[(&str, &str)] = &[
    ("state", "where it stands: a status such as backing-off, or one of open, held, failed"),
    ("is", "what the rules say: ok, suspect, stuck, recheck, unknown"),
    ("verdict", "the same as is"),
    ("rule", "the primary rule of what is stuck, as the board counts it: retry_storm, exhausted …"),
    ("flow", "the flow's name; * and ? are wildcards"),
    ("step", "the step's name"),
    ("tenant", "the tenant"),
    ("source", "the source's name in the config"),
    ("key", "the key that it holds or queues for"),
    ("id", "the engine's id, alone or as source/id"),
    ("error", "a part of the error text, or all of it with wildcards"),
    ("cohort", "the cohort's id on the board"),
    ("age", "since it came to be: >10m, <=2h30m; a plain 3d means at least that"),
    ("for", "since its primary rule has held, written like age"),
    ("attempts", "attempts so far: >=5, <3, or exactly 5"),
];

/// A parsed filter. The empty one matches everything.
///
/// Written with `Display` it has its canonical form, which reads back as an equal filter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    terms: Vec<ast::Term>,
}

/// A filter that can't be read: which word, where, and what was meant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("column {column}: {message}")]
pub struct FilterError {
    /// The word that can't be read.
    pub word: String,
    /// Its first character, counted from 1.
    pub column: usize,
    /// What is wrong with it, in words.
    pub message: String,
    /// The nearest thing that could have been meant. `Display` leaves it to the caller, who may offer it as a key.
    pub suggestion: Option<String>,
}

impl Filter {
    /// Reads a filter. Text that is blank is the empty filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::terms(text).map(|terms| Self { terms })
    }

    /// All instances of a tenant.
    pub fn of_tenant(tenant: &str) -> Self {
        let test = ast::Test::Text(ast::Field::Tenant, vec![ast::Pattern::literal(tenant)]);
        Self { terms: vec![ast::Term { negated: false, test }] }
    }

    /// Its terms, all of which must hold.
    pub(crate) fn terms(&self) -> &[ast::Term] {
        &self.terms
    }

    /// Whether it matches everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether time alone changes what it matches.
    pub(crate) fn is_timed(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.test, ast::Test::Age(_) | ast::Test::For(_)))
    }

    /// Whether an instance matches. `now` is the present by the source's clock.
    pub fn matches(&self, flow: &JudgedFlow, now: Timestamp) -> bool {
        self.terms.iter().all(|term| term.matches(flow, now))
    }

    /// What the word before the cursor could become: keys at its beginning, the values of `state`, `is` and `rule`
    /// after their colon or comma. `cursor` counts characters from 0. Empty where nothing fits or the word is whole.
    pub fn complete(text: &str, cursor: usize) -> Vec<Completion> {
        complete::complete(text, cursor)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}
