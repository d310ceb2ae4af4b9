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
    /// How much was checked and is as wanted.
    pub in_sync: u64,
    /// The sources that tell of drift and are not live, each with why: what they told last may be otherwise now.
    pub blind: Vec<(SafeText, SafeText)>,
    /// How many sources tell of drift at all.
    pub sources: usize,
}
