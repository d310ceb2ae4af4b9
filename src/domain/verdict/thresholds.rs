//! When a rule holds, and how a promise becomes a limit.

use jiff::SignedDuration;

use crate::domain::promise::Promise;
use crate::domain::text::SafeText;
use crate::domain::time::words;

/// How often a promise may be broken over before its step counts as stuck.
const TIMES: i32 = 3;

/// The shortest limit that a promise to run makes: below it, jitter would be called stuck.
const LEAST_RUN: SignedDuration = SignedDuration::from_secs(30);

/// The shortest limit that a promise to queue makes for `no_consumer`.
const LEAST_QUEUE: SignedDuration = SignedDuration::from_mins(2);

/// What is not looked at within so many polls can't be said to take longer than them.
const POLLS: i32 = 2;

/// A length of time that is too long, and the promise that it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Longer than this is stuck.
    pub limit: SignedDuration,
    /// What was promised, where that made the limit.
    pub promise: Option<SignedDuration>,
}

impl Limit {
    /// A limit that was set, and not made of a promise.
    pub const fn set(limit: SignedDuration) -> Self {
        Self { limit, promise: None }
    }

    /// The limit that a promise makes: three times as long, and `least` at the least.
    fn of(promise: SignedDuration, least: SignedDuration) -> Self {
        Self { limit: promise.saturating_mul(TIMES).max(least), promise: Some(promise) }
    }

    /// In words: `15 min`, or `promise 30 s, limit 90 s`.
    pub fn words(&self) -> SafeText {
        match self.promise {
            Some(promise) => format!("promise {}, limit {}", precise(promise), words(self.limit)).into(),
            None => words(self.limit).into(),
        }
    }
}

/// A promise may be shorter than a second.
fn precise(duration: SignedDuration) -> String {
    if duration < SignedDuration::from_secs(1) { format!("{} ms", duration.as_millis()) } else { words(duration) }
}

/// When a rule holds. Defaults are those of the product's table of defaults; the config sets them per source,
/// flow and step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// `retry_storm`: this many attempts …
    pub retry_attempts: u32,
    /// … together with this long since the first failure,
    pub retry_min_age: SignedDuration,
    /// or this long since the first failure alone.
    pub retry_max_age: SignedDuration,
    /// `task_fault`: this many crashes of the worker in a row.
    pub fault_count: u32,
    /// `no_consumer`: this long without a worker,
    pub no_worker: SignedDuration,
    /// or this long in the queue; `None` where nothing is promised.
    pub queue: Option<Limit>,
    /// `lost_wait`: this long past a wait's own end.
    pub wait_grace: SignedDuration,
    /// `lost_wait`: this long for a callback.
    pub wait_callback: SignedDuration,
    /// `lost_wait`: this long for a person.
    pub wait_person: SignedDuration,
    /// `overdue`: this long running in one step,
    pub overdue: Limit,
    /// or this long queued in it.
    pub overdue_queued: Limit,
    /// `never_started`: this long past the time at which it was due.
    pub never_started: SignedDuration,
    /// `orphan`: this long after its parent ended; `None` where the rule is off.
    pub orphan: Option<SignedDuration>,
}

impl Default for Thresholds {
    fn default() -> Self {
        let overdue = Limit::set(SignedDuration::from_mins(15));
        Self {
            retry_attempts: 5,
            retry_min_age: SignedDuration::from_mins(2),
            retry_max_age: SignedDuration::from_mins(10),
            fault_count: 2,
            no_worker: SignedDuration::from_secs(60),
            queue: None,
            wait_grace: SignedDuration::from_mins(5),
            wait_callback: SignedDuration::from_hours(24),
            wait_person: SignedDuration::from_hours(72),
            overdue,
            overdue_queued: overdue,
            never_started: SignedDuration::from_mins(5),
            orphan: None,
        }
    }
}

impl Thresholds {
    /// Takes the limits that a promise makes. `poll` is the time from one look at the source to the next.
    pub fn promised(&mut self, promise: Promise, poll: SignedDuration) {
        let least = LEAST_RUN.max(poll.saturating_mul(POLLS));
        if let Some(run) = promise.run {
            self.overdue = Limit::of(run, least);
        }
        if let Some(queue) = promise.queue {
            self.overdue_queued = Limit::of(queue, least);
            self.queue = Some(Limit::of(queue, LEAST_QUEUE.max(least)));
        }
    }
}
