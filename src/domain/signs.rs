//! What an engine may tell of an instance beside its status: inputs of rules, each of them optional.
//!
//! They are kept apart from the instance's own fields since most engines tell only some of them, and since a sign that
//! is missing must stay missing: a rule that needs it says *unknown* instead of guessing.

use jiff::Timestamp;
use serde::Serialize;

use super::text::SafeText;

/// What a source tells of the surroundings of one instance. The default tells nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Signs {
    /// When it was to begin, by the engine's clock, where it was scheduled. Kept after it began, where the engine does.
    pub due_at: Option<Timestamp>,
    /// Since when it has been queued, by the engine's clock; `None` where it is not queued.
    pub queued_at: Option<Timestamp>,
    /// Crashes of the worker that ran it, where its last attempts ended in such.
    pub faults: Option<Faults>,
    /// Whether anybody is there to take it.
    pub worker: Worker,
    /// The instance that started it.
    pub parent: Option<Parent>,
}

/// A row of attempts that ended because the worker itself crashed or vanished, and not because the task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// How many, one after another; `None` where the engine does not say.
    pub count: Option<u32>,
    /// When the first of them happened, by the engine's clock.
    pub since: Option<Timestamp>,
}

/// Whether there is a worker for an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Worker {
    /// The source can't say.
    #[default]
    Unknown,
    /// One is there, or was a moment ago.
    Present,
    /// None answers, or none is there. One may come back.
    Absent {
        /// Since when, by the engine's clock.
        since: Option<Timestamp>,
        /// Who is meant, and how it shows: `worker pool eu-west: no worker`.
        what: SafeText,
    },
    /// What it is pinned to, a deployment or a pool, does not exist any more. Nobody will come.
    Gone {
        /// Since when, by the engine's clock, where the engine says.
        since: Option<Timestamp>,
        /// What is gone: `deployment dp_1`.
        what: SafeText,
    },
}

/// The instance that started another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parent {
    /// The engine's own id of it.
    pub id: SafeText,
    /// Whether it has ended; `None` where the engine does not say. The hub fills it in where it holds every open
    /// instance of the source.
    pub ended: Option<bool>,
    /// When it ended, by the engine's clock.
    pub ended_at: Option<Timestamp>,
}
