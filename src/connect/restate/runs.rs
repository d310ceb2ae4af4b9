//! The runs of an invocation's steps and its attempts, as far as the journal and the events tell.
//!
//! The journal has when a command was written and when its result came. Of the time in between, the engine does not
//! tell how much was work and how much was waiting for the next attempt, except since the last failure: so a run that
//! failed on its way is drawn as running, with a mark for each failure.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::detail::{EventRow, JournalRow, WholeRow, failure_of, notification, result_id};
use crate::domain::flow::{EntryOutcome, FlowError, FlowInstance, Status};
use crate::domain::redact::Redactor;
use crate::domain::run::{Attempt, Attempts, StepRun, Stretch, StretchKind};
use crate::domain::text::SafeText;

/// The most runs that are kept; of more, the last ones.
const RUNS: usize = 2_000;

/// The most attempts that are kept; of more, the last ones.
const ATTEMPTS: usize = 200;

/// Each command that takes time, with what is known of that time; before them, the time until the first one could run.
pub(super) fn runs(whole: &WholeRow, journal: &[JournalRow], events: &[EventRow], flow: &FlowInstance) -> Vec<StepRun> {
    let mut ends: HashMap<u64, (Option<Timestamp>, bool)> = HashMap::new();
    let notes = journal.iter().filter(|row| row.entry_type.starts_with("Notification: "));
    for (row, (id, failed)) in notes.filter_map(|row| Some((row, row.lite().as_ref().and_then(notification)?))) {
        ends.insert(id, (row.appended_at, failed));
    }
    let mut runs: Vec<StepRun> = queued(whole, flow).into_iter().collect();
    for row in journal {
        let Some(kind) = row.entry_type.strip_prefix("Command: ") else { continue };
        let lite = row.lite();
        let Some((from, id)) = row.appended_at.zip(lite.as_ref().and_then(result_id)) else { continue };
        let (to, outcome) = match ends.get(&id) {
            None if flow.status.ended() => (whole.completed_at, EntryOutcome::Failed),
            None => (None, EntryOutcome::Open),
            Some((to, true)) => (*to, EntryOutcome::Failed),
            Some((to, false)) => (*to, EntryOutcome::Done),
        };
        let does = if kind == "Run" { StretchKind::Running } else { StretchKind::Waiting };
        runs.push(StepRun {
            step: row.words(kind, lite.as_ref()).0,
            stretches: vec![Stretch { kind: does, from, to }],
            failures: Vec::new(),
            outcome,
        });
    }
    for event in events.iter().filter(|event| event.is_failure()) {
        let Some(at) = event.appended_at else { continue };
        // Commands run one within another at most: the one that began last is the one that failed.
        let failed = runs.iter_mut().rev().find(|run| {
            let open = run.ended().is_none_or(|end| end >= at);
            run.began().is_some_and(|from| from <= at) && open && run.is_work()
        });
        if let Some(run) = failed {
            run.failures.push(at);
        }
    }
    stand(&mut runs, events, flow);
    runs.drain(..runs.len().saturating_sub(RUNS));
    runs
}

/// From its creation to its first command: to begin later, or in the queue.
fn queued(whole: &WholeRow, flow: &FlowInstance) -> Option<StepRun> {
    let created = flow.created_at?;
    let begun = whole.running_at.or_else(|| flow.status.ended().then_some(whole.completed_at).flatten());
    let due = whole.scheduled_start_at.filter(|due| *due > created);
    let mut stretches = Vec::new();
    if let Some(due) = due {
        let still = flow.status == Status::Scheduled;
        stretches.push(Stretch { kind: StretchKind::Waiting, from: created, to: (!still).then_some(due) });
    }
    if flow.status != Status::Scheduled {
        stretches.push(Stretch { kind: StretchKind::Queued, from: due.unwrap_or(created), to: begun });
    }
    let waits = matches!(flow.status, Status::Scheduled | Status::Queued);
    if begun.is_none() && !waits {
        // It ran, and the engine does not tell since when.
        return None;
    }
    let outcome = if waits { EntryOutcome::Open } else { EntryOutcome::Done };
    Some(StepRun { step: "(queued)".into(), stretches, failures: Vec::new(), outcome })
}

/// What an open instance does now is known from its status: the stretch since its last failure, or since its pause.
fn stand(runs: &mut [StepRun], events: &[EventRow], flow: &FlowInstance) {
    let Some(run) = runs.iter_mut().rev().find(|run| run.outcome == EntryOutcome::Open && run.is_work()) else {
        return;
    };
    let last = |of: &dyn Fn(&EventRow) -> bool| events.iter().rev().find(|event| of(event))?.appended_at;
    let (kind, from) = match flow.status {
        Status::Paused => (StretchKind::Paused, last(&|event| event.event_type == "Paused")),
        Status::BackingOff => (StretchKind::BackingOff, last(&|event| event.event_type == "TransientError")),
        Status::Queued => (StretchKind::Queued, flow.last_transition_at),
        _ => return,
    };
    let (Some(from), Some(open)) = (from, run.stretches.last_mut()) else { return };
    let from = from.max(open.from);
    open.to = Some(from);
    run.stretches.push(Stretch { kind, from, to: None });
}

impl StepRun {
    /// Whether it works, and does not only wait.
    fn is_work(&self) -> bool {
        self.stretches.iter().any(|stretch| stretch.kind == StretchKind::Running)
    }
}

impl EventRow {
    fn is_failure(&self) -> bool {
        self.event_type == "TransientError"
    }
}

/// The attempts that the events tell of.
pub(super) fn attempts(events: &[EventRow], redactor: &Redactor) -> Attempts {
    let mut list: Vec<Attempt> =
        events.iter().filter(|event| event.is_failure()).map(|event| attempt(event, redactor)).collect();
    let left_out = list.len().saturating_sub(ATTEMPTS);
    list.drain(..left_out);
    let note = match (list.is_empty(), left_out) {
        (true, _) => None,
        (false, 0) => Some("the engine tells equal failures in a row once, when the first of them failed".into()),
        (false, n) => {
            Some(SafeText::from(format!("the engine tells equal failures in a row once; {n} older ones are left out")))
        }
    };
    Attempts { list, note }
}

fn attempt(event: &EventRow, redactor: &Redactor) -> Attempt {
    let text = event.event_json.as_deref();
    let error = text.and_then(failure_of).map(|(message, _)| redactor.first_line(&message, FlowError::MAX));
    let value = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let step = value.as_ref().and_then(|value| {
        let failure = value.get("last_failure").filter(|failure| failure.is_object()).unwrap_or(value);
        failure.get("related_command_name")?.as_str().filter(|name| !name.is_empty())
    });
    Attempt {
        number: None,
        step: step.map(|name| SafeText::clipped(name, 120)),
        began_at: None,
        failed_at: event.appended_at,
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn command(second: i64, kind: &str, name: &str, id: u64) -> JournalRow {
        JournalRow {
            entry_type: format!("Command: {kind}"),
            name: Some(name.into()),
            appended_at: Some(at(second)),
            entry_lite_json: Some(format!(r#"{{"Command":{{"{kind}":{{"completion_id":{id},"name":"{name}"}}}}}}"#)),
        }
    }

    fn end(second: i64, id: u64) -> JournalRow {
        JournalRow {
            entry_type: "Notification: Run".into(),
            name: None,
            appended_at: Some(at(second)),
            entry_lite_json: Some(format!(r#"{{"Notification":{{"id":{{"CompletionId":{id}}},"result":"Success"}}}}"#)),
        }
    }

    fn event(second: i64, kind: &str) -> EventRow {
        EventRow {
            appended_at: Some(at(second)),
            event_type: kind.into(),
            event_json: Some(r#"{"error_message":"no\nmore","related_command_name":"apply"}"#.into()),
        }
    }

    fn flow(status: Status) -> FlowInstance {
        FlowInstance {
            id: crate::domain::ids::InstanceId::new("eu", "inv_1"),
            exact_id: true,
            flow: "f".into(),
            step: "apply".into(),
            tenant: None,
            key: None,
            status,
            pause: None,
            attempts: None,
            created_at: Some(at(0)),
            entered_step_at: None,
            last_transition_at: None,
            first_failure_at: None,
            last_start_at: None,
            next_retry_at: None,
            error: None,
            wait: None,
            signs: crate::domain::signs::Signs::default(),
            completed_commands: 0,
            version: crate::domain::flow::Version::of(status, None, 0, ""),
            observed_at: at(100),
        }
    }

    #[test]
    fn a_run_is_queued_works_fails_and_is_paused() {
        let whole = WholeRow { running_at: Some(at(5)), ..WholeRow::default() };
        let journal =
            [command(6, "Run", "lock", 1), end(8, 1), command(8, "Run", "apply", 2), command(9, "Sleep", "", 3)];
        let events = [event(12, "TransientError"), event(20, "TransientError"), event(20, "Paused")];
        let runs = runs(&whole, &journal, &events, &flow(Status::Paused));
        let names: Vec<&str> = runs.iter().map(|run| run.step.as_str()).collect();
        assert_eq!(names, ["(queued)", "lock", "apply", "sleep"]);
        let now = at(50);
        let spent = |nth: usize, kind| runs[nth].spent(&[kind], now).as_secs();
        assert_eq!(spent(0, StretchKind::Queued), 5);
        assert_eq!((spent(1, StretchKind::Running), runs[1].outcome), (2, EntryOutcome::Done));
        assert_eq!((spent(2, StretchKind::Running), spent(2, StretchKind::Paused)), (12, 30));
        assert_eq!(runs[2].failures, [at(12), at(20)]);
        assert_eq!((spent(3, StretchKind::Waiting), runs[3].failures.len()), (41, 0));
    }

    #[test]
    fn what_never_began_is_in_the_queue_and_what_began_unseen_is_not() {
        let waits = runs(&WholeRow::default(), &[], &[], &flow(Status::Queued));
        assert_eq!((waits.len(), waits[0].ended()), (1, None));
        assert!(runs(&WholeRow::default(), &[], &[], &flow(Status::Running)).is_empty());
        let whole = WholeRow { scheduled_start_at: Some(at(30)), ..WholeRow::default() };
        let later = runs(&whole, &[], &[], &flow(Status::Scheduled));
        assert_eq!((later[0].stretches[0].kind, later[0].ended()), (StretchKind::Waiting, None));
    }

    #[test]
    fn attempts_are_as_the_events_tell_them() {
        let told = attempts(&[event(1, "TransientError"), event(2, "Paused")], &Redactor::default());
        assert_eq!(told.list.len(), 1);
        let attempt = &told.list[0];
        assert_eq!(
            (attempt.error.as_deref(), attempt.step.as_deref(), attempt.number),
            (Some("no"), Some("apply"), None)
        );
        assert!(told.note.unwrap().contains("once"));
        assert_eq!(attempts(&[], &Redactor::default()), Attempts::default());
    }
}
