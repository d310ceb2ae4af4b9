//! How well a source is known: when it was last asked, what it answered, and how old that is.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::remediation::Verb;
use super::text::SafeText;

/// The one word for a source's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Its last pass was complete and is young.
    Live,
    /// It has answered before; its last pass failed, or is too old.
    Stale,
    /// It was asked and has never answered.
    Failed,
    /// It has not been asked yet.
    Never,
}

impl Freshness {
    /// Its name in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Never => "never",
        }
    }
}

/// One control plane, as the hub knows it.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// Its name in the config.
    pub name: SafeText,
    /// Its kind of connector.
    pub kind: &'static str,
    /// Where it is asked, without credentials.
    pub address: SafeText,
    /// How well it is known.
    pub state: Freshness,
    /// When its last complete pass ended, by the local clock.
    pub last_good_at: Option<Timestamp>,
    /// When the last pass was begun.
    pub last_asked_at: Option<Timestamp>,
    /// Why the last pass failed.
    pub error: Option<SafeText>,
    /// For how much longer it wants to be left alone, at the time when this was told: nobody asks it before.
    pub left_alone: Option<SignedDuration>,
    /// Passes that failed, one after another.
    pub failures: u32,
    /// How long the last complete pass took.
    pub latency: Option<SignedDuration>,
    /// How far the source's clock is ahead of the local one.
    pub clock_offset: Option<SignedDuration>,
    /// The time from one pass to the next.
    pub interval: SignedDuration,
    /// Instances held.
    pub rows: usize,
    /// Rows that could not be read in the last pass.
    pub bad_rows: usize,
    /// The first of the rows that could not be read, and why.
    pub bad_row: Option<SafeText>,
    /// Instances whose tenant the config's programs could not tell in the last pass.
    pub untold_tenants: usize,
    /// The first of those, and why.
    pub untold_tenant: Option<SafeText>,
    /// The engine's version.
    pub version: Option<SafeText>,
    /// Whether its certificate is taken unseen: then nobody knows who answers, and nothing is acted on.
    pub unverified: bool,
    /// What its connector can do to an instance.
    pub verbs: &'static [Verb],
    /// Findings of drift that are not green; `None` where it tells of no drift.
    pub drift: Option<usize>,
    /// Tenants held; `None` where it is no directory of them.
    pub tenants: Option<usize>,
    /// Whether it tells of flows.
    pub flows: bool,
    /// Whether it tells what happens.
    pub events: bool,
    /// Whether it runs code of which several deployments may be there at a time.
    pub deployments: bool,
}

impl SourceStatus {
    /// How old its values are at `now`.
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.last_good_at.map(|at| super::time::since(at, now))
    }
}
