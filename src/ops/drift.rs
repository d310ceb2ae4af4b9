//! What is asked of drift, and what is answered.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::drift::{DriftStatus, KnownDrift, Severity};
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::query::DriftFilter;

/// A question for findings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DriftQuery {
    /// Which findings.
    pub filter: DriftFilter,
    /// Whether findings of one cause are one row.
    pub by_cause: bool,
    /// From which row on.
    pub offset: usize,
    /// How many rows at most.
    pub limit: usize,
}

/// That a finding is to be left alone for a while, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreOf {
    /// Which finding.
    pub id: InstanceId,
    /// Until when; `None` ends it.
    pub until: Option<Timestamp>,
    /// Why, in the operator's words.
    pub reason: SafeText,
}

/// That what is there is what is wanted from now on, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptOf {
    /// Which finding.
    pub id: InstanceId,
    /// What differed when whoever adopts it looked at it ([`crate::domain::drift::DriftFinding::seen`]); `None` takes the
    /// adoption back.
    pub seen: Option<SafeText>,
    /// Why, in the operator's words.
    pub reason: SafeText,
}

/// Findings of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftCause {
    /// The one that needs eyes most.
    pub first: KnownDrift,
    /// How many there are.
    pub count: u64,
    /// In how many places.
    pub scopes: u64,
    /// For how many tenants.
    pub tenants: u64,
}

/// A window on the findings: what needs eyes most comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftWindow {
    /// When it was put together, by the local clock.
    pub at: Timestamp,
    /// One for each finding, or for each cause.
    pub rows: Vec<DriftCause>,
    /// The index of the first one among all.
    pub offset: usize,
    /// How many rows match.
    pub total: usize,
    /// How many findings there are, whether or not they match.
    pub of_all: usize,
    /// How many findings that match stand where.
    pub by_status: BTreeMap<DriftStatus, u64>,
    /// How many of those that have drifted are how bad.
    pub by_severity: BTreeMap<Severity, u64>,
    /// How much was checked and is as wanted, by those that are live.
    pub in_sync: u64,
    /// What those that are silent had of it when they were last heard; `None` where that takes nothing from the number
    /// above: nobody is silent, or who is had nothing.
    pub in_sync_was: Option<u64>,
    /// The sources that tell of drift and are not live, each with why: what they told last may be otherwise now.
    pub blind: Vec<(SafeText, SafeText)>,
    /// How many sources tell of drift at all.
    pub sources: usize,
}

impl DriftWindow {
    /// `1,204 in sync`, with what is not known of it: `12+? in sync (silent: 3 before)`, `? in sync`. `number` writes numbers.
    pub fn in_sync_told(&self, number: impl Fn(u64) -> String) -> String {
        let live = if self.knows_in_sync() { number(self.in_sync) } else { String::new() };
        match self.in_sync_was {
            None => format!("{live} in sync"),
            Some(was) => {
                let plus = if live.is_empty() { "" } else { "+" };
                let before = if was > 0 { format!(" (silent: {} before)", number(was)) } else { String::new() };
                format!("{live}{plus}? in sync{before}")
            }
        }
    }

    /// Whether anybody is there to know how much is as wanted.
    pub fn knows_in_sync(&self) -> bool {
        self.in_sync_was.is_none() || self.blind.len() < self.sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_sync_is_not_in_sync_once_its_source_is_silent() {
        let window = |in_sync, in_sync_was, blind: usize| DriftWindow {
            at: Timestamp::UNIX_EPOCH,
            rows: Vec::new(),
            offset: 0,
            total: 0,
            of_all: 0,
            by_status: BTreeMap::new(),
            by_severity: BTreeMap::new(),
            in_sync,
            in_sync_was,
            blind: vec![("salt".into(), "refused".into()); blind],
            sources: 2,
        };
        let told = |window: DriftWindow| window.in_sync_told(|number| number.to_string());
        assert_eq!(told(window(0, None, 0)), "0 in sync");
        assert_eq!(told(window(3, None, 1)), "3 in sync", "whoever is silent had none");
        assert_eq!(told(window(0, Some(3), 1)), "0+? in sync (silent: 3 before)");
        assert_eq!(told(window(0, Some(3), 2)), "? in sync (silent: 3 before)");
        assert_eq!(told(window(0, Some(0), 2)), "? in sync", "never 0 where nobody knows");
    }
}
