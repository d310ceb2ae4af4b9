//! Which steps have ended and how long they took, from the scripts of those that ran in the last hours.

use super::cast;
use super::clock::Ms;
use super::flows::Plane;
use super::lanes;
use super::script::{Phase, State};
use super::world::{Moment, Played};
use crate::connect::StepTimes;
use crate::domain::flow::Status;
use crate::domain::latency::{Measure, StepTime};

/// So many steps are told at a time, or some more, the last ones: an engine keeps no endless journal.
const MOST: u64 = 40_000;

impl Moment<'_> {
    /// The steps of a control plane that have ended after a time.
    pub(super) fn step_times(&self, plane: Plane, after: Ms) -> StepTimes {
        let mut since = after;
        let expected = lanes::steps_between(self.world.seed, plane, after, self.now);
        if expected > MOST {
            // As many as there are, all at their own pace, so a part of them is the same part of the time.
            let share = MOST as f64 / expected as f64;
            #[allow(clippy::cast_possible_truncation, reason = "shorter than it was")]
            let kept = ((self.now - after) as f64 * share) as Ms;
            since = self.now - kept;
        }
        let mut times = Vec::new();
        let born = lanes::born_between(self.world.seed, plane, since, self.now);
        for case in cast::incidents(self.world.seed, plane).chain(born).filter(|case| case.born <= self.now) {
            self.times_of(&self.play(case), since, &mut times);
        }
        StepTimes { times, complete_since: self.instant(since), until: self.instant(self.now) }
    }

    /// The steps of one that have ended after a time.
    fn times_of(&self, played: &Played, since: Ms, times: &mut Vec<StepTime>) {
        let phases = played.script.until(self.now);
        let mut rest = phases;
        while let Some(first) = rest.first() {
            let alike = |phase: &&Phase| phase.step == first.step && kind(phase.state) == kind(first.state);
            let (stretch, after) = rest.split_at(rest.iter().take_while(alike).count());
            rest = after;
            let (Some(measure), Some(next)) = (kind(first.state), after.first()) else { continue };
            if next.at <= since {
                continue;
            }
            let begun = stretch.first().map_or(first.at, |phase| phase.at);
            // Before its first step it is in the queue; within one it lacks a worker.
            let before = matches!(first.state, State::Queued { .. });
            let step = if before { "(queued)" } else { played.case.flow.step_name(first.step) };
            let ended = matches!(next.state, State::Ended { status, .. } if status != Status::Succeeded);
            times.push(StepTime {
                flow: played.case.flow.name.into(),
                step: step.into(),
                measure,
                from: self.instant(begun),
                to: self.instant(next.at),
                well: !ended && !matches!(next.state, State::Compensating),
            });
        }
    }
}

/// What is measured of a state. A pause is a part of the step that it stops.
const fn kind(state: State) -> Option<Measure> {
    match state {
        State::Queued { .. } | State::Starved => Some(Measure::Queue),
        State::Running { .. } | State::BackingOff { .. } | State::Paused { .. } => Some(Measure::Run),
        State::Scheduled { .. } | State::Waiting { .. } | State::Compensating | State::Ended { .. } => None,
    }
}
