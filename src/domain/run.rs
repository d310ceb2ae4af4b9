//! The runs of an instance's steps: when each was queued, worked, waited, and which of its attempts failed.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::flow::EntryOutcome;
use super::text::SafeText;
use super::time::since;

/// What an instance does during a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StretchKind {
    /// Waits for its turn: for a worker, or for its key.
    Queued,
    /// Works.
    Running,
    /// Waits for its next attempt.
    BackingOff,
    /// Waits for a timer, a callback, a person or another instance.
    Waiting,
    /// Is stopped until somebody resumes it.
    Paused,
    /// Undoes what it did.
    Undoing,
}

/// A stretch of time in which an instance does one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// What it does.
    pub kind: StretchKind,
    /// Since when, by the engine's clock.
    pub from: Timestamp,
    /// Until when; `None` while it goes on.
    pub to: Option<Timestamp>,
}

/// One step of one instance, as far as its engine tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepRun {
    /// The step.
    pub step: SafeText,
    /// What happened in it, in order of time.
    pub stretches: Vec<Stretch>,
    /// When attempts of it failed.
    pub failures: Vec<Timestamp>,
    /// How it ended.
    pub outcome: EntryOutcome,
}

impl StepRun {
    /// When it began.
    pub fn began(&self) -> Option<Timestamp> {
        self.stretches.first().map(|stretch| stretch.from)
    }

    /// When it ended, if it has.
    pub fn ended(&self) -> Option<Timestamp> {
        self.stretches.last().and_then(|stretch| stretch.to)
    }

    /// How long it did one of these, up to `now`.
    pub fn spent(&self, kinds: &[StretchKind], now: Timestamp) -> SignedDuration {
        let spent = self.stretches.iter().filter(|stretch| kinds.contains(&stretch.kind));
        spent
            .map(|stretch| since(stretch.from, stretch.to.unwrap_or(now)))
            .fold(SignedDuration::ZERO, |sum, one| sum.checked_add(one).unwrap_or(SignedDuration::MAX))
    }
}

/// One attempt that failed, or the one that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Its number; `None` where the engine does not tell.
    pub number: Option<u32>,
    /// The step; `None` where the engine does not tell.
    pub step: Option<SafeText>,
    /// When it began; `None` where the engine does not tell.
    pub began_at: Option<Timestamp>,
    /// When it failed; `None` while it is under way.
    pub failed_at: Option<Timestamp>,
    /// Why it failed: the first line.
    pub error: Option<SafeText>,
}

/// The attempts that an engine tells of, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attempts {
    /// Them.
    pub list: Vec<Attempt>,
    /// What is to be known of the list: that equal ones are told once, or that older ones are left out.
    pub note: Option<SafeText>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_goes_up_to_now() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let stretch = |kind, from, to: Option<i64>| Stretch { kind, from: at(from), to: to.map(at) };
        let run = StepRun {
            step: "apply".into(),
            stretches: vec![
                stretch(StretchKind::Queued, 0, Some(3)),
                stretch(StretchKind::Running, 3, Some(10)),
                stretch(StretchKind::BackingOff, 10, Some(20)),
                stretch(StretchKind::Running, 20, None),
            ],
            failures: vec![at(10)],
            outcome: EntryOutcome::Open,
        };
        assert_eq!(run.spent(&[StretchKind::Running], at(25)), SignedDuration::from_secs(12));
        assert_eq!(run.spent(&[StretchKind::Queued, StretchKind::BackingOff], at(25)), SignedDuration::from_secs(13));
        assert_eq!((run.began(), run.ended()), (Some(at(0)), None));
    }
}
