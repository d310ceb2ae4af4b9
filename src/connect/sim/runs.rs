//! The runs of an instance's steps and its attempts, from its script.

use super::clock::Ms;
use super::script::{Phase, State};
use super::world::{Moment, Played};
use crate::domain::flow::{EntryOutcome, PauseCause, Status};
use crate::domain::run::{Attempt, Attempts, StepRun, Stretch, StretchKind};

/// Attempts that are told one by one; of more, the last ones.
const TOLD: usize = 200;

impl Moment<'_> {
    /// Each step that it has been in, with what it did there.
    pub(super) fn runs(&self, played: &Played) -> Vec<StepRun> {
        let phases = played.script.until(self.now);
        let failures = played.failures(self.now);
        let mut runs: Vec<(bool, usize, StepRun)> = Vec::new();
        for (nth, phase) in phases.iter().enumerate() {
            let Some(kind) = kind(phase.state) else { continue };
            let before = matches!(phase.state, State::Scheduled { .. } | State::Queued { .. });
            let to = phases.get(nth + 1).map(|next| self.instant(next.at));
            let stretch = Stretch { kind, from: self.instant(phase.at), to };
            let same = runs.last().is_some_and(|(was, step, _)| *was == before && *step == phase.step);
            if !same {
                let step = if before { "(queued)" } else { played.case.flow.step_name(phase.step) };
                let run = StepRun {
                    step: step.into(),
                    stretches: Vec::new(),
                    failures: Vec::new(),
                    outcome: EntryOutcome::Open,
                };
                runs.push((before, phase.step, run));
            }
            if let Some((_, _, run)) = runs.last_mut() {
                run.stretches.push(stretch);
                let within = |at: Ms| phase.at <= at && phases.get(nth + 1).is_none_or(|next| at <= next.at);
                if matches!(phase.state, State::Running { .. }) {
                    let failed = failures.iter().filter(|failure| failure.began == phase.at && within(failure.failed));
                    run.failures.extend(failed.map(|failure| self.instant(failure.failed)));
                }
            }
        }
        let ended = phases.last().is_some_and(|phase| phase.state.status().ended());
        let well = phases.last().is_some_and(|phase| phase.state.status() == Status::Succeeded);
        let last = runs.len().saturating_sub(1);
        let outcome = |nth: usize| match (nth == last, ended) {
            (true, false) => EntryOutcome::Open,
            (true, true) if !well => EntryOutcome::Failed,
            _ => EntryOutcome::Done,
        };
        let runs = runs.into_iter().enumerate();
        runs.map(|(nth, (_, _, run))| StepRun { outcome: outcome(nth), ..run }).collect()
    }

    /// Every attempt that failed, and the one under way after a failure.
    pub(super) fn attempts_told(&self, played: &Played) -> Attempts {
        let error = self.error(played).map(|error| error.text);
        let phases = played.script.until(self.now);
        let step_at = |at: Ms| {
            let phase = phases.iter().rev().find(|phase| phase.at <= at);
            phase.map(|phase: &Phase| played.case.flow.step_name(phase.step).into())
        };
        let failures = played.failures(self.now);
        let mut list: Vec<Attempt> = failures
            .iter()
            .map(|failure| Attempt {
                number: Some(failure.attempt),
                step: step_at(failure.began),
                began_at: Some(self.instant(failure.began)),
                failed_at: Some(self.instant(failure.failed)),
                error: error.clone(),
            })
            .collect();
        if let Some(Phase { at, state: State::Running { attempt, .. }, .. }) = phases.last() {
            list.push(Attempt {
                number: Some(*attempt),
                step: step_at(*at),
                began_at: Some(self.instant(*at)),
                failed_at: None,
                error: None,
            });
        }
        let left_out = list.len().saturating_sub(TOLD);
        list.drain(..left_out);
        let note = (left_out > 0).then(|| format!("{left_out} older ones are left out").into());
        Attempts { list, note }
    }
}

const fn kind(state: State) -> Option<StretchKind> {
    Some(match state {
        State::Scheduled { .. } | State::Waiting { .. } => StretchKind::Waiting,
        State::Queued { .. } | State::Starved => StretchKind::Queued,
        State::Running { .. } => StretchKind::Running,
        State::BackingOff { .. } => StretchKind::BackingOff,
        State::Paused { cause: PauseCause::Exhausted | PauseCause::Held | PauseCause::Unknown, .. } => {
            StretchKind::Paused
        }
        State::Compensating => StretchKind::Undoing,
        State::Ended { .. } => return None,
    })
}
