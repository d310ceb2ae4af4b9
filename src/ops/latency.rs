//! How long steps take, as it is asked and answered.

use jiff::{SignedDuration, Timestamp};

use crate::domain::latency::{LatencyCell, Measure};
use crate::domain::text::SafeText;

/// A question for how long steps take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LatencyQuery {
    /// Of the flows whose names match this pattern, with `*` and `?`; of all where it is `None`.
    pub flow: Option<SafeText>,
}

/// How long the steps of all sources take, slot by slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// When it was put together, by the local clock. The last slot goes up to then.
    pub at: Timestamp,
    /// How long a slot is.
    pub slot: SignedDuration,
    /// When each slot begins, the oldest first.
    pub slots: Vec<Timestamp>,
    /// Every source that tells of flows.
    pub sources: Vec<LatencySource>,
    /// The steps: flows that were slow within the last hour first, steps by their names.
    pub rows: Vec<LatencyRow>,
}

/// What a source tells of how long steps take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencySource {
    /// Its name.
    pub name: SafeText,
    /// Whether it tells of steps that have ended; `None` before it was asked. Of another one only those are known that go on.
    pub tells: Option<bool>,
    /// From when on it told, which is later than the first slot where there were too many.
    pub known_from: Option<Timestamp>,
    /// Why it could not be asked last: what happened since is not known.
    pub error: Option<SafeText>,
    /// How many times were left out, since it has more different steps than are measured.
    pub left_out: u64,
}

/// One time of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencyRow {
    /// The source's name.
    pub source: SafeText,
    /// The flow.
    pub flow: SafeText,
    /// The step.
    pub step: SafeText,
    /// Which time.
    pub measure: Measure,
    /// What is promised of it.
    pub promise: Option<SignedDuration>,
    /// One for each slot.
    pub cells: Vec<LatencyCell>,
}
