//! What is asked of an engine, what it answers, and how its instances are looked at before and after.

use jiff::Timestamp;

use crate::domain::deployment::Pinned;
use crate::domain::flow::{FlowDetail, FlowInstance};
use crate::domain::plan::Parameters;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// What an engine answered to an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActAnswer {
    /// It took it.
    Accepted,
    /// It finished it.
    Done,
    /// It began another instance of the same work: its own id of that one.
    Began(SafeText),
    /// There is no such instance.
    Gone(SafeText),
    /// It refused, in its own words.
    Refused(SafeText),
    /// The answer was lost: nobody can say whether it ran.
    Unknown(SafeText),
}

/// What is there of a thing that drifts, and what was there before, by digests of both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// What is there; `None` where nothing is.
    pub there: Option<SafeText>,
    /// What was there before, the newest that is another one; `None` where that is not kept.
    pub before: Option<SafeText>,
    /// Of when that is, in words.
    pub words: Option<SafeText>,
}

/// One act on one instance.
#[derive(Debug, Clone)]
pub struct Act {
    /// What to do.
    pub verb: Verb,
    /// With what else, by name; nothing for most.
    pub parameters: Parameters,
    /// The engine's own id of the instance, or of what drifts.
    pub instance: SafeText,
    /// The idempotency key, for engines that take one.
    pub key: SafeText,
}

/// One instance read live, with what is needed to see whether an act held.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What the engine tells of it.
    pub detail: FlowDetail,
    /// The present, by the engine's clock.
    pub engine_now: Timestamp,
    /// When it last failed, by the engine's clock.
    pub last_failure_at: Option<Timestamp>,
    /// On which code it stays; `None` where it has not begun, or the engine knows no such thing.
    pub pinned: Option<Pinned>,
}

/// One instance as a pass would tell of it: what many are looked at by, before an act and after it.
#[derive(Debug, Clone)]
pub struct Sight {
    /// The instance.
    pub flow: FlowInstance,
    /// The present, by the engine's clock.
    pub engine_now: Timestamp,
    /// When it last failed, by the engine's clock.
    pub last_failure_at: Option<Timestamp>,
    /// What is there and what was there before, of what is to be put back.
    pub contents: Option<Contents>,
}

impl From<Reading> for Sight {
    fn from(reading: Reading) -> Self {
        let Reading { detail, engine_now, last_failure_at, .. } = reading;
        Self { flow: detail.flow, engine_now, last_failure_at, contents: None }
    }
}
