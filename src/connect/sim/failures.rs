//! Which attempts of an instance have failed by a time.

use super::clock::Ms;
use super::faults::Fault;
use super::script::State;
use super::world::{Failure, Played};
use crate::domain::flow::Status;
use crate::domain::remediation::Verb;

impl Played {
    /// Whether its trouble is one that takes the worker down.
    pub(super) fn crashes(&self) -> bool {
        self.case.fault().is_some_and(Fault::crashes)
    }

    /// When it last failed by a time.
    pub(super) fn last_failure(&self, now: Ms) -> Option<Ms> {
        self.failures(now).last().map(|failure| failure.failed)
    }

    /// Every failed attempt by a time.
    pub(super) fn failures(&self, now: Ms) -> Vec<Failure> {
        let failed = |state| {
            matches!(
                state,
                State::BackingOff { .. }
                    | State::Paused { cause: crate::domain::flow::PauseCause::Exhausted, .. }
                    | State::Ended { status: Status::Failed, .. }
            )
        };
        // Whoever lost its worker runs again at once.
        let crashed = |next, before| matches!(next, State::Running { attempt, .. } if attempt > before);
        let pairs = self.script.until(now).windows(2);
        let resumes = |by: Ms| self.deeds.iter().filter(|deed| deed.verb == Verb::Resume && deed.at <= by).count();
        pairs
            .filter_map(|pair| match pair[0].state {
                State::Running { attempt, .. } if failed(pair[1].state) || crashed(pair[1].state, attempt) => {
                    Some(Failure { run: resumes(pair[0].at), attempt, began: pair[0].at, failed: pair[1].at })
                }
                _ => None,
            })
            .collect()
    }
}
