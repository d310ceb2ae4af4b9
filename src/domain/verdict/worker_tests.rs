//! The rules about workers, promises, due times and parents.

use jiff::{SignedDuration, Timestamp};

use super::tests::{
    HOUR, MIN, NOW, OK, ago, check, in_step, instance, judged, judged_behind, queued_behind, said, stuck, suspect,
    unknown, with,
};
use super::{Circumstances, Rule, Thresholds, Verdict, judge};
use crate::domain::flow::{FlowInstance, PauseCause, Status, Wait, WaitKind};
use crate::domain::promise::Promise;
use crate::domain::signs::{Faults, Parent, Worker};

/// One whose worker crashed so often, for the first time half an hour ago.
fn crashed(status: Status, count: Option<u32>) -> FlowInstance {
    with(|flow| {
        flow.status = status;
        flow.signs.faults = Some(Faults { count, since: ago(30 * MIN) });
        if status == Status::BackingOff {
            flow.first_failure_at = ago(30);
        }
    })
}

#[test]
fn a_task_fault_is_a_worker_that_crashes_again() {
    let fault = Rule::TaskFault;
    for status in [Status::Running, Status::BackingOff, Status::Queued] {
        check([
            (crashed(status, Some(2)), stuck(fault)),
            (crashed(status, Some(1)), suspect(fault)),
            (crashed(status, Some(0)), OK),
            (crashed(status, None), unknown(fault)),
        ]);
    }
    for status in [Status::Waiting, Status::Scheduled, Status::Succeeded, Status::Cancelled] {
        let findings = judged(&crashed(status, Some(9))).findings;
        assert!(findings.iter().all(|finding| finding.rule != fault), "{status:?}: it got over it");
    }
    let judgement = judged(&crashed(Status::BackingOff, Some(3)));
    assert_eq!(judgement.since(), ago(30 * MIN));
    let finding = judgement.primary().unwrap();
    assert_eq!(finding.evidence, *"its worker crashed or vanished 3 times in a row in database, first 30 min ago");
    assert_eq!(finding.threshold, *"2 in a row, or 1 where the engine gives up");
}

#[test]
fn one_crash_is_enough_where_the_engine_gives_up() {
    let rules = |flow: &FlowInstance| -> Vec<_> {
        judged(flow).findings.into_iter().map(|finding| (finding.rule, finding.verdict)).collect()
    };
    let both = [(Rule::Exhausted, Verdict::Stuck), (Rule::TaskFault, Verdict::Stuck)];
    assert_eq!(rules(&crashed(Status::Failed, Some(1))), both);
    let mut paused = crashed(Status::Paused, None);
    paused.pause = Some(PauseCause::Exhausted);
    assert_eq!(rules(&paused), both);
    paused.pause = Some(PauseCause::Held);
    assert_eq!(rules(&paused), []);
}

fn without_worker(status: Status, seconds: Option<i64>) -> FlowInstance {
    with(|flow| {
        flow.status = status;
        let since = seconds.and_then(ago);
        flow.signs.worker = Worker::Absent { since, what: "worker pool eu has no worker".into() };
    })
}

fn pinned_to_nothing(status: Status) -> FlowInstance {
    with(|flow| {
        flow.status = status;
        flow.signs.worker = Worker::Gone { since: None, what: "deployment dp_7".into() };
    })
}

#[test]
fn no_consumer_is_a_worker_that_is_missing_for_long() {
    let rule = Rule::NoConsumer;
    check([
        (without_worker(Status::Queued, Some(61)), stuck(rule)),
        (without_worker(Status::Queued, Some(60)), suspect(rule)),
        (without_worker(Status::Queued, Some(31)), suspect(rule)),
        (without_worker(Status::Queued, Some(30)), OK),
        (without_worker(Status::Queued, Some(-HOUR)), OK),
        (without_worker(Status::Queued, None), unknown(rule)),
        // One that works has one.
        (without_worker(Status::Running, Some(HOUR)), OK),
        (without_worker(Status::Waiting, Some(HOUR)), unknown(Rule::LostWait)),
        (without_worker(Status::Scheduled, Some(HOUR)), OK),
        (without_worker(Status::Failed, Some(HOUR)), stuck(Rule::Exhausted)),
    ]);
    // What is due wants one, and not before.
    let due = |absent: i64, due: i64| {
        let mut flow = without_worker(Status::Scheduled, Some(absent));
        flow.signs.due_at = ago(due);
        flow
    };
    check([
        (due(HOUR, 61), stuck(rule)),
        (due(HOUR, 60), suspect(rule)),
        (due(31, HOUR), stuck(Rule::NeverStarted)),
        (due(HOUR, 30), OK),
        (due(HOUR, -30), OK),
    ]);
    assert_eq!(judged(&due(HOUR, 61)).since(), ago(61));
    let mut retried = without_worker(Status::BackingOff, Some(90));
    retried.first_failure_at = ago(90);
    assert_eq!(said(&judged(&retried)), stuck(rule));
    assert_eq!(judged(&retried).since(), ago(90));
    let finding = judged(&retried).primary().unwrap().clone();
    assert_eq!(finding.evidence, *"worker pool eu has no worker, for 90 s");
    assert_eq!(finding.threshold, *"60 s without a worker");
    // When the retries themselves are a storm, that is the first rule, and both are listed.
    retried.attempts = Some(9);
    retried.first_failure_at = ago(5 * MIN);
    let rules: Vec<_> = judged(&retried).findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::RetryStorm, rule]);
    // Behind a key it waits for the key, and not for a worker.
    let mut behind = queued_behind();
    behind.signs.worker = Worker::Absent { since: ago(HOUR), what: "".into() };
    assert_eq!(said(&judged_behind(&behind, Some(&judged(&instance())))), OK);
}

#[test]
fn what_is_pinned_to_something_gone_is_stuck_at_once() {
    let rule = Rule::NoConsumer;
    let mut failing = pinned_to_nothing(Status::Running);
    failing.first_failure_at = ago(1);
    let mut paused = pinned_to_nothing(Status::Paused);
    paused.pause = Some(PauseCause::Exhausted);
    let mut held = pinned_to_nothing(Status::Paused);
    held.pause = Some(PauseCause::Held);
    let mut due = pinned_to_nothing(Status::Scheduled);
    due.signs.due_at = ago(-HOUR);
    let mut waiting = pinned_to_nothing(Status::Waiting);
    waiting.wait = Some(Wait { kind: WaitKind::Timer, reference: None, since: ago(1), until: ago(-HOUR) });
    check([
        (pinned_to_nothing(Status::Queued), stuck(rule)),
        (failing, stuck(rule)),
        (pinned_to_nothing(Status::Running), suspect(rule)),
        (waiting, suspect(rule)),
        (due, suspect(rule)),
        (held, OK),
        (pinned_to_nothing(Status::Succeeded), OK),
    ]);
    let findings = judged(&paused).findings;
    assert_eq!((findings[0].rule, findings[1].rule), (Rule::Exhausted, rule));
    assert_eq!(findings[1].evidence, *"pinned to deployment dp_7, which is gone: a resume finds nobody");
}

fn said_with(limits: &Thresholds, flow: &FlowInstance) -> (Verdict, Option<Rule>) {
    let now = Timestamp::from_second(NOW).unwrap();
    said(&judge(flow, limits, &Circumstances { now, holder: None }))
}

#[test]
fn a_promise_makes_the_limits_and_the_evidence_says_so() {
    let secs = SignedDuration::from_secs;
    let mut limits = Thresholds::default();
    limits.promised(Promise { run: Some(secs(30)), queue: Some(secs(10)) }, secs(5));
    assert_eq!(said_with(&limits, &in_step(Status::Running, 91)), stuck(Rule::Overdue));
    assert_eq!(said_with(&limits, &in_step(Status::Running, 90)), suspect(Rule::Overdue));
    assert_eq!(said_with(&limits, &in_step(Status::Running, 45)), OK);
    assert_eq!(said_with(&limits, &in_step(Status::Queued, 31)), stuck(Rule::Overdue));
    assert_eq!(said_with(&limits, &in_step(Status::Queued, 121)), stuck(Rule::NoConsumer), "it comes first");
    assert_eq!(said_with(&limits, &queued_behind()), unknown(Rule::BlockedBy), "a key is no queue");
    let mut queued = in_step(Status::Queued, HOUR);
    queued.signs.queued_at = ago(1);
    assert_eq!(said_with(&limits, &queued), stuck(Rule::Overdue), "it has been in its step for long, not in the queue");
    let now = Timestamp::from_second(NOW).unwrap();
    let judgement = judge(&in_step(Status::Running, 100), &limits, &Circumstances { now, holder: None });
    assert_eq!(judgement.primary().unwrap().threshold, *"promise 30 s, limit 90 s");
    // Neither jitter nor what happens between two looks is stuck.
    limits.promised(Promise { run: Some(SignedDuration::from_millis(100)), queue: None }, secs(5));
    assert_eq!(limits.overdue.limit, secs(30));
    assert_eq!(limits.overdue.words(), "promise 100 ms, limit 30 s");
    limits.promised(Promise { run: Some(secs(1)), queue: Some(secs(1)) }, secs(90));
    assert_eq!((limits.overdue.limit, limits.queue.unwrap().limit), (secs(180), secs(180)));
}

#[test]
fn never_started_is_due_and_not_begun() {
    let rule = Rule::NeverStarted;
    let due = |status, seconds| {
        with(|flow| {
            flow.status = status;
            flow.signs.due_at = ago(seconds);
        })
    };
    let old_without = |age| {
        with(|flow| {
            flow.status = Status::Scheduled;
            flow.created_at = ago(age);
        })
    };
    check([
        (due(Status::Scheduled, 5 * MIN + 1), stuck(rule)),
        (due(Status::Scheduled, 5 * MIN), suspect(rule)),
        (due(Status::Scheduled, 5 * MIN / 2), OK),
        (due(Status::Scheduled, -HOUR), OK),
        (due(Status::Queued, 5 * MIN + 1), stuck(rule)),
        (due(Status::Running, HOUR), OK),
        (due(Status::Waiting, HOUR), unknown(Rule::LostWait)),
        (due(Status::Succeeded, HOUR), OK),
        (old_without(5 * MIN), OK),
        (old_without(5 * MIN + 1), unknown(rule)),
    ]);
    assert_eq!(judged(&due(Status::Scheduled, 12 * MIN)).since(), ago(12 * MIN), "since it was due");
    let finding = judged(&due(Status::Scheduled, 12 * MIN)).primary().unwrap().clone();
    assert_eq!(finding.evidence, *"was to begin 12 min ago, and has not");
    let mut behind = queued_behind();
    behind.signs.due_at = ago(HOUR);
    assert_eq!(said(&judged_behind(&behind, Some(&judged(&instance())))), OK, "it waits its turn");
}

#[test]
fn an_orphan_is_open_after_its_parent_and_off_unless_asked_for() {
    let rule = Rule::Orphan;
    let child = |ended, seconds: Option<i64>| {
        with(|flow| {
            flow.signs.parent = Some(Parent { id: "inv_9".into(), ended, ended_at: seconds.and_then(ago) });
        })
    };
    let limits = Thresholds { orphan: Some(SignedDuration::from_mins(10)), ..Thresholds::default() };
    for (flow, expected) in [
        (child(Some(true), Some(10 * MIN + 1)), stuck(rule)),
        (child(Some(true), Some(10 * MIN)), suspect(rule)),
        (child(Some(true), Some(5 * MIN)), OK),
        (child(Some(true), None), stuck(rule)),
        (child(Some(false), None), OK),
        (child(None, None), unknown(rule)),
        (instance(), OK),
    ] {
        assert_eq!(said_with(&limits, &flow), expected, "{flow:?}");
        assert_eq!(said(&judged(&flow)), OK, "it is off by default: {flow:?}");
    }
    let mut ended = child(Some(true), None);
    ended.status = Status::Succeeded;
    assert_eq!(said_with(&limits, &ended), OK);
    let mut held = child(Some(true), None);
    (held.status, held.pause) = (Status::Paused, Some(PauseCause::Held));
    assert_eq!(said_with(&limits, &held), OK);
}

#[test]
fn signs_that_are_missing_make_nothing_stuck_and_nothing_unknown() {
    for status in Status::ALL {
        let flow = with(|flow| {
            flow.status = status;
            flow.pause = Some(PauseCause::Held);
            flow.wait = Some(Wait { kind: WaitKind::Timer, reference: None, since: ago(1), until: ago(-1) });
        });
        let new = [Rule::TaskFault, Rule::NoConsumer, Rule::NeverStarted, Rule::Orphan];
        assert!(judged(&flow).findings.iter().all(|finding| !new.contains(&finding.rule)), "{status:?}");
    }
}
