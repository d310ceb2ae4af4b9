//! One instance in full: what happened to it line by line, its whole error, and the engine's own facts about it.

use super::case::Aspect;
use super::clock::Ms;
use super::flows::StepKind;
use super::script::{Phase, State};
use super::world::{Failure, Moment, Played};
use crate::domain::flow::{EntryOutcome, FlowDetail, PauseCause, Status, TimelineEntry};
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::time::{date_time, words};

/// Failed attempts of one run that are shown one by one; of more, the first and the last.
const SHOWN_ATTEMPTS: usize = 4;

/// Who pauses things: roles, since nobody here exists.
const ROLES: [&str; 3] = ["on-call of team-platform", "on-call of team-edge", "incident commander"];

impl Moment<'_> {
    /// Everything there is to tell of an instance in one of its phases.
    pub(super) fn detail(&self, played: &Played, phase: &Phase) -> FlowDetail {
        let flow = self.picture(played, phase);
        let error = match (&flow.error, played.case.fault()) {
            (Some(_), Some(fault)) => {
                let raw = fault.raw(self.tenant(&played.case), played.case.roll(Aspect::Words));
                SafeText::lines(&raw)
            }
            _ => Vec::new(),
        };
        FlowDetail {
            flow,
            error,
            timeline: self.timeline(played),
            runs: self.runs(played),
            attempts: self.attempts_told(played),
            facts: self.facts(played),
        }
    }

    fn timeline(&self, played: &Played) -> Vec<TimelineEntry> {
        let phases = played.script.until(self.now);
        let mut entries: Vec<(Ms, TimelineEntry)> = Vec::new();
        for (nth, phase) in phases.iter().enumerate() {
            let ends = phases.get(nth + 1).map(|next| next.at);
            let new_step = !phases[..nth].iter().any(|earlier| earlier.step == phase.step && earlier.state.in_step());
            match phase.state {
                State::Scheduled { due } => {
                    let note = format!("due {} UTC", date_time(self.instant(due)));
                    entries.push((phase.at, self.entry(phase.at, ends, "scheduled", Some(note.into()))));
                }
                State::Queued { behind } => {
                    let note = behind.map(|holder| format!("behind {}", self.id(holder)).into());
                    entries.push((phase.at, self.entry(phase.at, ends, "queued", note)));
                }
                state if state.in_step() && new_step => entries.push((phase.at, self.step(played, phase))),
                _ => {}
            }
            if let Some(note) = self.note(played, phase) {
                entries.push((phase.at, note));
            }
        }
        // The attempt that was asked for begins with the asking, and is told after it.
        entries.extend(played.deeds.iter().filter(|deed| deed.at <= self.now).map(|deed| {
            let what = match deed.verb {
                Verb::Resume => "resume asked",
                Verb::Pause => "pause asked",
                Verb::Cancel => "cancel asked",
                Verb::Kill => "kill asked",
                // This engine has neither.
                Verb::RestartAsNew | Verb::Purge | Verb::Reconcile | Verb::Restore => "nothing asked",
            };
            (deed.at, self.happened(deed.at, what, None))
        }));
        entries.extend(self.attempts(played));
        // Stable: what happened at one time stays in the order in which it was written.
        entries.sort_by_key(|(at, _)| *at);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The whole of a step, from its first phase to its last.
    fn step(&self, played: &Played, first: &Phase) -> TimelineEntry {
        let phases = played.script.until(self.now);
        let step = played.case.flow.steps.get(first.step);
        let after = phases.iter().find(|phase| phase.at >= first.at && phase.step > first.step);
        let ended = phases.last().filter(|phase| phase.state.status().ended());
        let (ends, outcome) = match (after, ended) {
            (Some(after), _) => (Some(after.at), EntryOutcome::Done),
            (None, Some(ended)) => (Some(ended.at), EntryOutcome::Failed),
            (None, None) => (None, EntryOutcome::Open),
        };
        let waits = match step.map(|step| step.kind) {
            Some(StepKind::Work) if first.state == State::Starved => Some("a worker"),
            None | Some(StepKind::Work) => None,
            Some(StepKind::Timer) => Some("a timer"),
            Some(StepKind::Callback(_)) => Some("a callback"),
            Some(StepKind::Person) => Some("an approval"),
        };
        let note = waits.map(|what| {
            let until = match first.state {
                State::Waiting { until: Some(until) } => format!(" until {} UTC", date_time(self.instant(until))),
                _ => String::new(),
            };
            format!("waits for {what}{until}").into()
        });
        let name = played.case.flow.step_name(first.step);
        TimelineEntry { outcome, ..self.entry(first.at, ends, name, note) }
    }

    /// What is worth a line of its own in the beginning of a phase.
    fn note(&self, played: &Played, phase: &Phase) -> Option<TimelineEntry> {
        let (what, note): (&str, Option<SafeText>) = match phase.state {
            State::Paused { cause: PauseCause::Exhausted, attempt, .. } => {
                ("paused by the engine", Some(format!("after {attempt} attempts").into()))
            }
            State::Paused { .. } => {
                let who = played.case.roll(Aspect::Words).pick(&ROLES);
                ("paused by a person", Some(format!("{who}: hold until the registrar answers").into()))
            }
            State::Compensating => ("undoing", Some(format!("{} completed steps", phase.step).into())),
            State::Ended { status, .. } => (status.words(), None),
            _ => return None,
        };
        Some(self.happened(phase.at, what, note))
    }

    /// Failed attempts, run by run, from one resume to the next: each one, or where there are many the first, how many
    /// followed, and the last.
    fn attempts(&self, played: &Played) -> Vec<(Ms, TimelineEntry)> {
        let text = self.error(played).map(|error| error.text);
        let became = if played.crashes() { "lost its worker" } else { "failed" };
        let line = |failure: &Failure| {
            let what = format!("attempt {} {became}", failure.attempt);
            self.failed(failure.began, failure.failed, &what, text.clone())
        };
        let failures = played.failures(self.now);
        let runs = failures.chunk_by(|one, next| one.run == next.run);
        runs.flat_map(|run| match run {
            [first, between @ .., last] if run.len() > SHOWN_ATTEMPTS => {
                let (began, failed) = (between[0].began, between[between.len() - 1].failed);
                let what = format!("{} more attempts {}", between.len(), became.replace("its", "their"));
                vec![line(first), self.failed(began, failed, &what, None), line(last)]
            }
            few => few.iter().map(line).collect(),
        })
        .collect()
    }

    /// An entry for something that failed, with the time by which it is sorted.
    fn failed(&self, began: Ms, failed: Ms, what: &str, note: Option<SafeText>) -> (Ms, TimelineEntry) {
        let entry = self.entry(began, Some(failed), what, note);
        (began, TimelineEntry { outcome: EntryOutcome::Failed, ..entry })
    }

    fn facts(&self, played: &Played) -> Vec<(&'static str, SafeText)> {
        let case = &played.case;
        let tenant = self.tenant(case);
        let (service, version) = case.flow.deployment.split_once(' ').unwrap_or((case.flow.deployment, ""));
        let worker = case.roll(Aspect::Worker).between(1, 6);
        let mut facts: Vec<(&'static str, SafeText)> = vec![
            ("deployment", format!("{service} {version}").into()),
            ("worker", format!("{service}-{}-{worker}", tenant.region).into()),
            ("region", tenant.region.into()),
            ("tier", tenant.tier.into()),
            ("owner", case.flow.owner.into()),
            ("caller", case.flow.caller.into()),
        ];
        if let Some(fault) = case.fault() {
            let policy = fault.policy(case.roll(Aspect::Policy));
            let retries = match policy.attempts {
                None => "none: this error is final".to_owned(),
                Some(n) if played.crashes() => format!("{n} workers, one after another at once"),
                Some(n) => {
                    let longest = jiff::SignedDuration::from_millis(policy.longest);
                    format!("{n} attempts, then paused; back-off up to {}", words(longest))
                }
            };
            facts.push(("retries", retries.into()));
        }
        facts.push(("kept", "24 h after its end".into()));
        facts
    }

    /// An entry with an end, or open.
    fn entry(&self, at: Ms, ends: Option<Ms>, what: &str, note: Option<SafeText>) -> TimelineEntry {
        TimelineEntry {
            at: Some(self.instant(at)),
            ended_at: ends.map(|at| self.instant(at)),
            what: what.into(),
            outcome: if ends.is_some() { EntryOutcome::Done } else { EntryOutcome::Open },
            note,
        }
    }

    /// An entry for something that has no end of its own.
    fn happened(&self, at: Ms, what: &str, note: Option<SafeText>) -> TimelineEntry {
        let outcome = if what == Status::Failed.words() { EntryOutcome::Failed } else { EntryOutcome::Note };
        TimelineEntry { at: Some(self.instant(at)), ended_at: None, what: what.into(), outcome, note }
    }
}
