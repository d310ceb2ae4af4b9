//! What it would have been worth to do what an automation says: decided from what was done to the instance and from what
//! is seen of it. Pure.
//!
//! An act **counts** where it was begun after the automation noted the instance, here (as the ledger has it) or outside
//! (as the engine tells it).
//!
//! - **Hit**: the same verb was done here and verified; or outside, and the engine tells its effect: it is cancelled,
//!   killed, or paused by a person. An engine tells nothing of a resume; but what was paused by the engine does not go on
//!   by itself, so that one which succeeded, or is past its failed step when the watch ends, was resumed by somebody.
//! - **Miss**: the instance succeeded, or got past its step, before anybody did anything: the act was not needed. Or the
//!   same verb was done here and failed: it would not have helped.
//! - **Unknown**: somebody did something else; the instance is gone, has failed for good, or was started anew outside,
//!   where nobody follows what became of it; an act here ended unknown; or the watch ended and nobody did anything. A
//!   source that is not live says nothing: while it is silent nothing is decided, and where it is at the end, unknown.
//! - **Open** until then. An act here that has not ended is waited for, an hour longer than the watch at the most.

use jiff::{SignedDuration, Timestamp};

use super::super::verify::{Baseline, Effect, effect};
use crate::connect::Sight;
use crate::domain::automation::Score;
use crate::domain::flow::{PauseCause, Status};
use crate::domain::remediation::{ItemState, Verb};

/// How much longer an act that has not ended is waited for.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// What an automation would have done, and how the instance was then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) verb: Verb,
    /// Whether it stood still, so that it does not go on by itself.
    pub(super) paused: bool,
    pub(super) before: &'a Baseline,
    /// The end of the watch.
    pub(super) until: Timestamp,
}

/// What is seen of the instance.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seen<'a> {
    /// Nothing: the source is not live, or does not answer.
    Silent,
    /// It was not looked at this time.
    NotYet,
    /// It is as it was.
    AsItWas,
    /// It was read again; `None` where the engine has it no more.
    Read(Option<&'a Sight>),
}

/// Something that was done to the instance since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Here.
    Here {
        /// What.
        verb: Verb,
        /// How far it has come.
        state: ItemState,
        /// Whether it stays so.
        ended: bool,
    },
    /// Outside, as the engine tells.
    Outside(Verb),
}

impl Deed {
    const fn verb(self) -> Verb {
        match self {
            Self::Here { verb, .. } | Self::Outside(verb) => verb,
        }
    }
}

type Decided = Option<(Score, String)>;

#[allow(clippy::unnecessary_wraps, reason = "every answer has one shape")]
fn told(score: Score, words: impl Into<String>) -> Decided {
    Some((score, words.into()))
}

/// What it would have been worth; nothing while it is open.
pub(super) fn score(case: Case<'_>, seen: Seen<'_>, deeds: &[Deed], now: Timestamp) -> Decided {
    let over = now >= case.until;
    let here = |state: ItemState| {
        let so = move |deed: &&Deed| matches!(deed, Deed::Here { verb, state: is, ended: true } if *verb == case.verb && *is == state);
        deeds.iter().any(|deed| so(&deed))
    };
    let verb = case.verb.label();
    if here(ItemState::Verified) {
        return told(Score::Hit, format!("{verb} was done here and verified"));
    }
    if deeds.iter().any(|deed| matches!(deed, Deed::Here { ended: false, .. })) {
        let long = case.until.saturating_add(PATIENCE).is_ok_and(|end| now >= end);
        return if long { told(Score::Unknown, "an act on it has no end yet") } else { None };
    }
    if here(ItemState::Failed) {
        return told(Score::Miss, format!("{verb} was done here and did not help"));
    }
    if deeds.contains(&Deed::Outside(case.verb)) {
        return match case.verb {
            Verb::RestartAsNew => told(Score::Unknown, "it was started anew outside; what became of that is not known"),
            // It may be seen yet whether it helped.
            Verb::Resume => by_sight(case, seen, over),
            Verb::Pause | Verb::Cancel | Verb::Kill | Verb::Purge | Verb::Reconcile | Verb::Restore => {
                told(Score::Hit, format!("{verb} was done outside"))
            }
        };
    }
    if let Some(other) = deeds.iter().find(|deed| deed.verb() != case.verb) {
        let place = if matches!(other, Deed::Outside(_)) { "outside" } else { "here" };
        return told(Score::Unknown, format!("{} was done {place} instead", other.verb().label()));
    }
    if here(ItemState::Unknown) {
        return told(Score::Unknown, format!("{verb} was done here, and nobody knows whether it helped"));
    }
    by_sight(case, seen, over)
}

/// The same where nobody is known to have done anything.
fn by_sight(case: Case<'_>, seen: Seen<'_>, over: bool) -> Decided {
    let at_the_end = |words: &str| if over { told(Score::Unknown, words) } else { None };
    let sight = match seen {
        Seen::NotYet => return None,
        Seen::Silent => return at_the_end("the source did not answer when the watch ended"),
        Seen::AsItWas => return at_the_end("nobody did anything, and it is as it was"),
        Seen::Read(None) => return told(Score::Unknown, "it is gone, and nobody can say what became of it"),
        Seen::Read(Some(sight)) => sight,
    };
    let flow = &sight.flow;
    let further = flow.completed_commands > case.before.completed_commands;
    match flow.status {
        Status::Succeeded => on_its_way(case, "it succeeded"),
        Status::Failed | Status::TimedOut if !matches!(case.verb, Verb::RestartAsNew | Verb::Purge) => {
            told(Score::Unknown, "it failed for good before anybody did anything")
        }
        Status::Cancelled => match case.verb {
            Verb::Cancel | Verb::Kill => told(Score::Hit, "it was ended on purpose outside"),
            _ => told(Score::Unknown, "it was ended on purpose outside instead"),
        },
        Status::Paused if case.verb == Verb::Pause && flow.pause == Some(PauseCause::Held) => {
            told(Score::Hit, "it was paused outside")
        }
        _ if further => match effect(Verb::Resume, case.before, Some(sight)) {
            // Somebody has resumed it, and it may fail again: that is seen at the end.
            Effect::Holding(_) if case.paused && !over => None,
            _ => on_its_way(case, "it got past its step"),
        },
        _ => at_the_end("nobody did anything that helped"),
    }
}

/// It went on, though nobody here did anything.
fn on_its_way(case: Case<'_>, how: &str) -> Decided {
    match (case.paused, case.verb) {
        (true, Verb::Resume) => {
            told(Score::Hit, format!("{how}: what is paused does not go on by itself, so it was resumed outside"))
        }
        (true, _) => told(Score::Unknown, format!("{how}: it was resumed outside instead")),
        (false, _) => told(Score::Miss, format!("{how} by itself")),
    }
}

#[cfg(test)]
mod tests;
