//! The postconditions, table by table.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::flow::{FlowDetail, FlowError, FlowInstance, PauseCause, Version};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::run::Attempts;

fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-01-15T03:12:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

fn before() -> Baseline {
    Baseline {
        engine_now: at(0),
        completed_commands: 2,
        step: "apply-0042".into(),
        fingerprint: Some("relation \"<name>\" does not exist".into()),
        wanted: None,
    }
}

struct Seen {
    status: Status,
    completed: u64,
    failed_at: Option<Timestamp>,
    error: Option<&'static str>,
}

fn reading(seen: &Seen) -> Reading {
    let flow = FlowInstance {
        id: InstanceId::new("restate", "inv_1"),
        exact_id: true,
        flow: "SchemaMigration/migrate".into(),
        step: if seen.completed > 2 { "verify".into() } else { "apply-0042".into() },
        tenant: None,
        key: None,
        status: seen.status,
        pause: (seen.status == Status::Paused).then_some(PauseCause::Exhausted),
        attempts: None,
        created_at: None,
        entered_step_at: None,
        last_transition_at: None,
        first_failure_at: None,
        last_start_at: None,
        next_retry_at: None,
        error: seen.error.map(|text| FlowError::new(None, text, &[], &Redactor::default())),
        wait: None,
        signs: crate::domain::signs::Signs::default(),
        completed_commands: seen.completed,
        version: Version::of(seen.status, None, seen.completed, ""),
        observed_at: at(10),
    };
    let detail = FlowDetail {
        flow,
        error: Vec::new(),
        timeline: Vec::new(),
        runs: Vec::new(),
        attempts: Attempts::default(),
        facts: Vec::new(),
    };
    Reading { detail, engine_now: at(10), last_failure_at: seen.failed_at, pinned: None }
}

const SAME: Option<&str> = Some("relation \"tenant_7\" does not exist");

#[test]
fn a_resume_is_held_only_by_success_and_holds_while_it_is_past_the_step() {
    use Status::{BackingOff, Cancelled, Failed, Paused, Running, Succeeded, Waiting};
    type Case = (Status, u64, Option<i64>, Option<&'static str>, fn(&Effect) -> bool, &'static str);
    let cases: [Case; 12] = [
        (Succeeded, 4, None, None, |e| matches!(e, Effect::Held(_)), "succeeded"),
        (Waiting, 3, None, None, |e| matches!(e, Effect::Holding(_)), "past apply-0042, now in verify"),
        (Running, 3, Some(-5), None, |e| matches!(e, Effect::Holding(_)), "past apply-0042"),
        (Running, 2, None, None, |e| matches!(e, Effect::Pending(_)), "running in apply-0042"),
        (Running, 2, Some(-5), SAME, |e| matches!(e, Effect::Pending(_)), "no failure seen"),
        (Running, 2, Some(5), SAME, |e| matches!(e, Effect::FailedAgain(_)), "same error"),
        (BackingOff, 2, Some(5), SAME, |e| matches!(e, Effect::FailedAgain(_)), "same error"),
        (BackingOff, 2, Some(5), Some("disk full"), |e| matches!(e, Effect::FailedAgain(_)), "another error"),
        (
            Paused,
            2,
            Some(5),
            SAME,
            |e| matches!(e, Effect::Missed(_)),
            "paused again at apply-0042 with the same error",
        ),
        (Paused, 2, Some(-5), SAME, |e| matches!(e, Effect::Pending(_)), "paused"),
        (Failed, 2, Some(5), SAME, |e| matches!(e, Effect::Missed(_)), "failed for good"),
        (Cancelled, 2, None, None, |e| matches!(e, Effect::Missed(_)), "cancelled"),
    ];
    for (status, completed, failed, error, expected, words) in cases {
        let seen = Seen { status, completed, failed_at: failed.map(at), error };
        let effect = effect(Verb::Resume, &before(), Some(&reading(&seen)));
        assert!(expected(&effect), "{status:?} {completed} {failed:?}: {effect:?}");
        assert!(format!("{effect:?}").contains(words), "{effect:?} does not say {words:?}");
    }
}

#[test]
fn gone_after_a_resume_is_unknown_and_after_a_cancel_is_what_was_wanted() {
    assert!(matches!(effect(Verb::Resume, &before(), None::<&Reading>), Effect::Vanished(_)));
    assert!(matches!(effect(Verb::Cancel, &before(), None::<&Reading>), Effect::Held(_)));
}

fn after(verb: Verb, status: Status) -> Effect {
    let seen = Seen { status, completed: 2, failed_at: Some(at(5)), error: SAME };
    effect(verb, &before(), Some(&reading(&seen)))
}

#[test]
fn a_cancel_and_a_kill_are_held_only_when_it_is_cancelled() {
    for verb in [Verb::Cancel, Verb::Kill] {
        assert!(matches!(after(verb, Status::Cancelled), Effect::Held(_)));
        for status in [Status::Succeeded, Status::Failed, Status::TimedOut] {
            assert!(matches!(after(verb, status), Effect::Missed(_)), "{verb:?} {status:?}");
        }
        for status in [Status::BackingOff, Status::Running, Status::Paused, Status::Waiting, Status::Queued] {
            assert!(matches!(after(verb, status), Effect::Pending(_)), "{verb:?} {status:?}");
        }
    }
    assert_eq!(after(Verb::Kill, Status::Cancelled), Effect::Held("it is killed".into()));
    assert_eq!(after(Verb::Kill, Status::Failed), Effect::Missed("it failed before it could be killed".into()));
}

#[test]
fn a_pause_is_held_once_it_is_paused_and_missed_once_it_has_ended() {
    assert_eq!(after(Verb::Pause, Status::Paused), Effect::Held("it is paused".into()));
    for status in [Status::Succeeded, Status::Failed, Status::TimedOut, Status::Cancelled] {
        assert!(matches!(after(Verb::Pause, status), Effect::Missed(_)), "{status:?}");
    }
    for status in [Status::BackingOff, Status::Running, Status::Waiting] {
        assert!(matches!(after(Verb::Pause, status), Effect::Pending(_)), "{status:?}");
    }
    assert!(matches!(effect(Verb::Pause, &before(), None::<&Reading>), Effect::Vanished(_)));
}

#[test]
fn a_purge_is_held_only_by_its_absence() {
    assert_eq!(effect(Verb::Purge, &before(), None::<&Reading>), Effect::Held("it is gone".into()));
    for status in Status::ALL {
        assert!(matches!(after(Verb::Purge, status), Effect::Pending(_)), "{status:?}");
    }
}

#[test]
fn a_restart_is_held_by_what_the_new_instance_comes_to() {
    let seen = |status, completed| Seen { status, completed, failed_at: None, error: None };
    let new = |seen: Seen| effect(Verb::RestartAsNew, &before(), Some(&reading(&seen)));
    assert!(matches!(new(seen(Status::Succeeded, 4)), Effect::Held(_)));
    // It begins at the first step: until it is past the one that failed, nothing is proven.
    assert!(matches!(new(seen(Status::Running, 1)), Effect::Pending(_)));
    assert!(matches!(new(seen(Status::Running, 3)), Effect::Holding(_)));
    assert!(matches!(new(seen(Status::Failed, 2)), Effect::Missed(_)));
}

/// A finding as a target, looked at after an act.
fn sight(status: crate::domain::drift::DriftStatus, there: Option<&str>) -> Sight {
    let mut finding = crate::domain::drift::tests::finding("a");
    finding.status = status;
    let contents = crate::connect::Contents { there: there.map(SafeText::from), before: None, words: None };
    Sight { flow: finding.as_target(), engine_now: at(9), last_failure_at: None, contents: Some(contents) }
}

#[test]
fn what_drifts_is_reconciled_once_a_new_check_finds_it_as_wanted() {
    use crate::domain::drift::DriftStatus::{Drifted, InSync, NotChecked, Reconciling, Unknown};
    let seen = |status| effect(Verb::Reconcile, &before(), Some(&sight(status, None)));
    assert!(matches!(seen(InSync), Effect::Held(_)));
    assert!(matches!(seen(Drifted), Effect::FailedAgain(_)));
    for status in [Reconciling, NotChecked, Unknown] {
        assert!(matches!(seen(status), Effect::Pending(_)), "{status:?}");
    }
    assert!(matches!(effect(Verb::Reconcile, &before(), None::<&Reading>), Effect::Vanished(_)));
}

#[test]
fn what_is_put_back_is_there_whether_it_is_wanted_or_not() {
    use crate::domain::drift::DriftStatus::{Drifted, InSync};
    let before = Baseline { wanted: Some("x".to_owned()), ..before() };
    for status in [Drifted, InSync] {
        let seen = |there| effect(Verb::Restore, &before, Some(&sight(status, there)));
        assert!(matches!(seen(Some("x")), Effect::Held(_)), "{status:?}");
        assert!(matches!(seen(Some("y")), Effect::FailedAgain(_)), "{status:?}");
        assert!(matches!(seen(None), Effect::Pending(_)), "{status:?}");
    }
    assert!(matches!(effect(Verb::Restore, &before, None::<&Reading>), Effect::Vanished(_)));
}
