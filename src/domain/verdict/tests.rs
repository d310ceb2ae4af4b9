use jiff::{SignedDuration, Timestamp};

use super::{Circumstances, Finding, Judgement, Rule, Thresholds, Verdict, judge};
use crate::domain::flow::{FlowInstance, PauseCause, Status, Version, Wait, WaitKind};
use crate::domain::ids::InstanceId;

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const MIN: i64 = 60;
pub(super) const HOUR: i64 = 60 * MIN;

/// So many seconds before the present.
#[expect(clippy::unnecessary_wraps, reason = "an instance's times are options")]
pub(super) fn ago(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp::from_second(NOW - seconds).unwrap())
}

/// An instance that runs its first attempt of its first step since a moment ago.
pub(crate) fn instance() -> FlowInstance {
    FlowInstance {
        id: InstanceId::new("restate", "inv_1"),
        exact_id: true,
        flow: "tenant/create".into(),
        step: "database".into(),
        tenant: Some("acme".into()),
        key: Some("acme".into()),
        status: Status::Running,
        pause: None,
        attempts: Some(1),
        created_at: ago(1),
        entered_step_at: ago(1),
        last_transition_at: ago(1),
        first_failure_at: None,
        last_start_at: ago(1),
        next_retry_at: None,
        error: None,
        wait: None,
        signs: crate::domain::signs::Signs::default(),
        completed_commands: 0,
        version: Version::of(Status::Running, None, 0, "dp_1"),
        observed_at: Timestamp::from_second(NOW).unwrap(),
    }
}

pub(super) fn with(change: impl FnOnce(&mut FlowInstance)) -> FlowInstance {
    let mut flow = instance();
    change(&mut flow);
    flow
}

fn backing_off(attempts: Option<u32>, failing_for: i64) -> FlowInstance {
    with(|flow| {
        flow.status = Status::BackingOff;
        flow.attempts = attempts;
        flow.first_failure_at = ago(failing_for);
    })
}

fn waiting(kind: WaitKind, since: Option<Timestamp>, until: Option<Timestamp>) -> FlowInstance {
    with(|flow| {
        flow.status = Status::Waiting;
        flow.wait = Some(Wait { kind, reference: None, since, until });
    })
}

fn paused(cause: Option<PauseCause>) -> FlowInstance {
    with(|flow| {
        flow.status = Status::Paused;
        flow.pause = cause;
        // What a row that is paused may still carry of its past must not count.
        flow.first_failure_at = ago(100 * HOUR);
        flow.entered_step_at = ago(100 * HOUR);
        flow.attempts = Some(100);
    })
}

pub(super) fn in_step(status: Status, age: i64) -> FlowInstance {
    with(|flow| {
        flow.status = status;
        flow.entered_step_at = ago(age);
        flow.last_start_at = ago(age);
    })
}

pub(super) fn judged_behind(flow: &FlowInstance, holder: Option<&Judgement>) -> Judgement {
    let id = InstanceId::new("restate", "inv_holder");
    let now = Timestamp::from_second(NOW).unwrap();
    judge(flow, &Thresholds::default(), &Circumstances { now, holder: holder.map(|judgement| (&id, judgement)) })
}

pub(super) fn judged(flow: &FlowInstance) -> Judgement {
    judged_behind(flow, None)
}

/// The verdict and the primary rule.
pub(super) fn said(judgement: &Judgement) -> (Verdict, Option<Rule>) {
    (judgement.verdict, judgement.rule())
}

pub(super) const OK: (Verdict, Option<Rule>) = (Verdict::Ok, None);

pub(super) fn suspect(rule: Rule) -> (Verdict, Option<Rule>) {
    (Verdict::Suspect, Some(rule))
}

pub(super) fn stuck(rule: Rule) -> (Verdict, Option<Rule>) {
    (Verdict::Stuck, Some(rule))
}

pub(super) fn unknown(rule: Rule) -> (Verdict, Option<Rule>) {
    (Verdict::Unknown, Some(rule))
}

pub(super) fn check(cases: impl IntoIterator<Item = (FlowInstance, (Verdict, Option<Rule>))>) {
    for (at, (flow, expected)) in cases.into_iter().enumerate() {
        let judgement = judged(&flow);
        assert_eq!(said(&judgement), expected, "case {at}: {flow:?}\n{judgement:?}");
    }
}

#[test]
fn exhausted_holds_at_once() {
    check([
        (paused(Some(PauseCause::Exhausted)), stuck(Rule::Exhausted)),
        (paused(Some(PauseCause::Unknown)), unknown(Rule::Exhausted)),
        (paused(None), unknown(Rule::Exhausted)),
        (with(|flow| flow.status = Status::Failed), stuck(Rule::Exhausted)),
        (with(|flow| flow.status = Status::TimedOut), stuck(Rule::Exhausted)),
        (with(|flow| flow.status = Status::Cancelled), OK),
        (with(|flow| flow.status = Status::Succeeded), OK),
    ]);
    let judgement = judged(&with(|flow| {
        flow.status = Status::Paused;
        flow.pause = Some(PauseCause::Exhausted);
        flow.attempts = Some(20);
        flow.last_transition_at = ago(12 * MIN);
    }));
    assert_eq!(judgement.since(), ago(12 * MIN));
    let finding = judgement.primary().unwrap();
    assert_eq!(finding.evidence, *"paused by the engine after 20 attempts at database, 12 min ago");
    assert_eq!(finding.threshold, *"at once");
}

#[test]
fn exhausted_needs_no_time_and_no_count() {
    let judgement = judged(&with(|flow| {
        flow.status = Status::Paused;
        flow.pause = Some(PauseCause::Exhausted);
        flow.attempts = None;
        flow.last_transition_at = None;
    }));
    assert_eq!(said(&judgement), stuck(Rule::Exhausted));
    assert_eq!(judgement.since(), None);
    assert_eq!(judgement.primary().unwrap().evidence, *"paused by the engine after its last attempt at database");
}

#[test]
fn what_is_held_is_never_stuck() {
    let stuck_holder = judged(&paused(Some(PauseCause::Exhausted)));
    let mut held = paused(Some(PauseCause::Held));
    assert_eq!(said(&judged(&held)), OK);
    for kind in [WaitKind::Lock, WaitKind::Signal, WaitKind::Approval, WaitKind::Timer] {
        held.wait = Some(Wait { kind, reference: None, since: ago(1_000 * HOUR), until: ago(900 * HOUR) });
        assert_eq!(said(&judged_behind(&held, Some(&stuck_holder))), OK, "{kind:?}");
    }
}

#[test]
fn a_retry_storm_is_many_attempts_for_a_while_or_any_for_long() {
    let storm = Rule::RetryStorm;
    check([
        (backing_off(Some(5), 2 * MIN), stuck(storm)),
        (backing_off(Some(4), 2 * MIN), suspect(storm)),
        (backing_off(Some(5), 2 * MIN - 1), suspect(storm)),
        (backing_off(Some(3), MIN), suspect(storm)),
        (backing_off(Some(2), MIN), OK),
        (backing_off(Some(100), MIN - 1), OK),
        (backing_off(Some(1), 10 * MIN), stuck(storm)),
        (backing_off(None, 10 * MIN), stuck(storm)),
        (backing_off(Some(1), 10 * MIN - 1), suspect(storm)),
        (backing_off(Some(1), 5 * MIN), suspect(storm)),
        (backing_off(Some(1), 5 * MIN - 1), OK),
        (backing_off(None, 2 * MIN - 1), OK),
        (backing_off(None, 2 * MIN), unknown(storm)),
        (backing_off(None, 10 * MIN - 1), unknown(storm)),
        (with(|flow| flow.status = Status::BackingOff), unknown(storm)),
        // A failure in the future is a clock that is off, not a long one.
        (backing_off(Some(9), -HOUR), OK),
    ]);
    // Between two failures, in the middle of an attempt, it is the same storm.
    let mut running = backing_off(Some(5), 2 * MIN);
    running.status = Status::Running;
    running.entered_step_at = ago(100 * HOUR);
    assert_eq!(said(&judged(&running)), stuck(storm));
    assert_eq!(judged(&running).findings.len(), 1, "a step that is retried is not overdue beside it");
}

#[test]
fn a_retry_storm_says_since_when_and_when_next() {
    let mut flow = backing_off(Some(7), 12 * MIN);
    flow.next_retry_at = ago(-30);
    let judgement = judged(&flow);
    let finding = judgement.primary().unwrap();
    assert_eq!(judgement.since(), ago(12 * MIN));
    assert_eq!(finding.evidence, *"attempt 7 at database, failing for 12 min, next in 30 s");
    assert_eq!(finding.threshold, *"5 attempts and 2 min, or 10 min");
    flow.next_retry_at = ago(1);
    assert_eq!(judged(&flow).primary().unwrap().evidence, *"attempt 7 at database, failing for 12 min");
}

#[test]
fn a_wait_is_lost_past_its_end_or_its_limit() {
    let lost = Rule::LostWait;
    let until = |kind, late| waiting(kind, ago(500 * HOUR), ago(late));
    let for_long = |kind, age| waiting(kind, ago(age), None);
    check([
        (until(WaitKind::Timer, 5 * MIN + 1), stuck(lost)),
        (until(WaitKind::Timer, 5 * MIN), suspect(lost)),
        (until(WaitKind::Timer, 5 * MIN / 2 + 1), suspect(lost)),
        (until(WaitKind::Timer, 5 * MIN / 2), OK),
        (until(WaitKind::Signal, 5 * MIN + 1), stuck(lost)),
        (for_long(WaitKind::Signal, 24 * HOUR + 1), stuck(lost)),
        (for_long(WaitKind::Signal, 24 * HOUR), suspect(lost)),
        (for_long(WaitKind::Signal, 12 * HOUR + 1), suspect(lost)),
        (for_long(WaitKind::Signal, 12 * HOUR), OK),
        (for_long(WaitKind::Approval, 72 * HOUR + 1), stuck(lost)),
        (for_long(WaitKind::Approval, 72 * HOUR), suspect(lost)),
        (for_long(WaitKind::Approval, 36 * HOUR + 1), suspect(lost)),
        (for_long(WaitKind::Approval, 36 * HOUR), OK),
        (waiting(WaitKind::Signal, None, None), unknown(lost)),
        (waiting(WaitKind::Approval, None, None), unknown(lost)),
        (with(|flow| flow.status = Status::Waiting), unknown(lost)),
    ]);
    assert_eq!(judged(&until(WaitKind::Timer, HOUR)).since(), ago(HOUR), "it is lost since its end, not its beginning");
    assert_eq!(judged(&for_long(WaitKind::Signal, 25 * HOUR)).since(), ago(25 * HOUR));
    let evidence = judged(&until(WaitKind::Timer, HOUR)).primary().unwrap().evidence.clone();
    assert_eq!(evidence, *"its wait for a timer ended 1 h ago");
}

#[test]
fn a_legitimate_wait_is_never_stuck() {
    let years = 5 * 365 * 24 * HOUR;
    check([
        // Whatever has not ended yet is in time, however long it takes.
        (waiting(WaitKind::Timer, ago(years), ago(-1)), OK),
        (waiting(WaitKind::Signal, ago(years), ago(-1)), OK),
        (waiting(WaitKind::Approval, ago(years), ago(0)), OK),
        (waiting(WaitKind::Timer, ago(years), None), OK),
        (waiting(WaitKind::Child, ago(years), None), OK),
        (waiting(WaitKind::Consumer, ago(years), None), OK),
        (waiting(WaitKind::Signal, ago(HOUR), None), OK),
        (
            with(|flow| {
                flow.status = Status::Scheduled;
                (flow.entered_step_at, flow.created_at, flow.signs.due_at) = (ago(years), ago(years), ago(-1));
            }),
            OK,
        ),
    ]);
    let mut long = waiting(WaitKind::Timer, ago(years), ago(-1));
    (long.entered_step_at, long.first_failure_at, long.attempts) = (ago(years), ago(years), Some(100));
    assert_eq!(said(&judged(&long)), OK, "old failures and an old step do not make a wait illegitimate");
}

#[test]
fn overdue_is_one_step_for_too_long() {
    let overdue = Rule::Overdue;
    for status in [Status::Running, Status::Queued] {
        check([
            (in_step(status, 15 * MIN + 1), stuck(overdue)),
            (in_step(status, 15 * MIN), suspect(overdue)),
            (in_step(status, 15 * MIN / 2 + 1), suspect(overdue)),
            (in_step(status, 15 * MIN / 2), OK),
            (in_step(status, -HOUR), OK),
            (
                with(|flow| {
                    flow.status = status;
                    flow.entered_step_at = None;
                    flow.last_start_at = None;
                }),
                unknown(overdue),
            ),
        ]);
    }
    let judgement = judged(&in_step(Status::Queued, 20 * MIN));
    assert_eq!(judgement.since(), ago(20 * MIN));
    assert_eq!(judgement.primary().unwrap().evidence, *"queued in database for 20 min");
    for status in Status::ALL.into_iter().filter(|status| !matches!(status, Status::Running | Status::Queued)) {
        let findings = judged(&in_step(status, 100 * HOUR)).findings;
        assert!(findings.iter().all(|finding| finding.rule != overdue), "{status:?}");
    }
}

#[test]
fn one_that_was_resumed_a_moment_ago_is_not_overdue() {
    let resumed = |status| {
        with(|flow| {
            flow.status = status;
            flow.entered_step_at = ago(HOUR);
            flow.last_start_at = ago(1);
        })
    };
    check([(resumed(Status::Running), OK), (resumed(Status::Queued), stuck(Rule::Overdue))]);
}

/// An instance queued for a key for an hour.
pub(super) fn queued_behind() -> FlowInstance {
    with(|flow| {
        flow.status = Status::Queued;
        flow.entered_step_at = ago(100 * HOUR);
        flow.wait = Some(Wait { kind: WaitKind::Lock, reference: None, since: ago(HOUR), until: None });
    })
}

#[test]
fn blocked_by_takes_the_verdict_of_the_holder() {
    let blocked = Rule::BlockedBy;
    for (holder, expected) in [
        (judged(&paused(Some(PauseCause::Exhausted))), stuck(blocked)),
        (judged(&backing_off(Some(4), 2 * MIN)), suspect(blocked)),
        (judged(&paused(None)), unknown(blocked)),
        (judged(&paused(Some(PauseCause::Held))), OK),
        (judged(&instance()), OK),
        (judged(&paused(Some(PauseCause::Exhausted))).outdated(), (Verdict::Recheck, Some(blocked))),
    ] {
        assert_eq!(said(&judged_behind(&queued_behind(), Some(&holder))), expected, "{holder:?}");
    }
    assert_eq!(said(&judged(&queued_behind())), unknown(blocked), "a holder that nobody knows is not a good one");
    let stuck_holder = judged(&paused(Some(PauseCause::Exhausted)));
    for flow in [instance(), in_step(Status::Queued, 1), waiting(WaitKind::Child, ago(1), None)] {
        assert_eq!(said(&judged_behind(&flow, Some(&stuck_holder))), OK, "it does not wait for a key: {flow:?}");
    }
    let mut ended = queued_behind();
    ended.status = Status::Succeeded;
    assert_eq!(said(&judged_behind(&ended, Some(&stuck_holder))), OK);
}

#[test]
fn a_chain_behind_a_stuck_holder_is_stuck_to_its_end() {
    let first = judged(&backing_off(Some(9), 30 * MIN));
    let second = judged_behind(&queued_behind(), Some(&first));
    let third = judged_behind(&queued_behind(), Some(&second));
    assert_eq!(said(&first), stuck(Rule::RetryStorm));
    assert_eq!(said(&second), stuck(Rule::BlockedBy));
    assert_eq!(said(&third), stuck(Rule::BlockedBy));
    let evidence = |judgement: &Judgement| judgement.primary().unwrap().evidence.to_string();
    assert_eq!(evidence(&second), "queued for key acme, which inv_holder holds: retry storm");
    assert_eq!(evidence(&third), "queued for key acme, which inv_holder holds: blocked by");
    assert_eq!(second.since(), ago(30 * MIN), "blocked since the later of: it queued, the holder got stuck");
    let long_stuck = judged(&backing_off(Some(9), 3 * HOUR));
    assert_eq!(judged_behind(&queued_behind(), Some(&long_stuck)).since(), ago(HOUR));
}

#[test]
fn the_first_stuck_rule_in_order_of_precedence_is_the_primary_one() {
    // Queued for a key and past the end of that wait: both rules hold.
    let mut flow = queued_behind();
    flow.status = Status::Waiting;
    flow.wait.as_mut().unwrap().until = ago(HOUR);
    let holder = |verdict| Judgement {
        verdict,
        findings: vec![Finding {
            rule: Rule::Overdue,
            verdict,
            since: None,
            threshold: "".into(),
            evidence: "".into(),
        }],
    };
    let rules = |judgement: Judgement| -> Vec<_> {
        judgement.findings.into_iter().map(|finding| (finding.rule, finding.verdict)).collect()
    };
    let (blocked, lost) = (Rule::BlockedBy, Rule::LostWait);
    assert_eq!(
        rules(judged_behind(&flow, Some(&holder(Verdict::Stuck)))),
        [(blocked, Verdict::Stuck), (lost, Verdict::Stuck)]
    );
    assert_eq!(
        rules(judged_behind(&flow, Some(&holder(Verdict::Suspect)))),
        [(lost, Verdict::Stuck), (blocked, Verdict::Suspect)],
        "what is certain goes before what is suspected, whatever the order of the rules"
    );
    assert_eq!(rules(judged_behind(&flow, None)), [(lost, Verdict::Stuck), (blocked, Verdict::Unknown)]);
    assert!(Rule::ALL.is_sorted(), "the order of the list is the order of precedence");
}

#[test]
fn a_status_that_is_unknown_makes_the_verdict_unknown() {
    let judgement = judged(&with(|flow| {
        flow.status = Status::Unknown;
        flow.first_failure_at = ago(HOUR);
        flow.entered_step_at = ago(HOUR);
    }));
    assert_eq!(said(&judgement), (Verdict::Unknown, None));
}

#[test]
fn a_silent_source_makes_everything_recheck_and_keeps_the_findings() {
    let judgement = judged(&paused(Some(PauseCause::Exhausted)));
    let outdated = judgement.clone().outdated();
    assert_eq!(outdated.verdict, Verdict::Recheck);
    assert_eq!(outdated.findings, judgement.findings);
    assert!(!outdated.stuck());
    assert_eq!(outdated.stuck_rule(), Some(Rule::Exhausted));
}

#[test]
fn thresholds_move_what_is_stuck() {
    let now = Timestamp::from_second(NOW).unwrap();
    let limits = Thresholds {
        retry_attempts: 2,
        retry_min_age: SignedDuration::from_secs(10),
        overdue: super::Limit::set(SignedDuration::from_hours(2)),
        ..Thresholds::default()
    };
    let said = |flow: &FlowInstance| said(&judge(flow, &limits, &Circumstances { now, holder: None }));
    assert_eq!(said(&backing_off(Some(2), 10)), stuck(Rule::RetryStorm));
    assert_eq!(said(&backing_off(Some(1), 9)), suspect(Rule::RetryStorm));
    assert_eq!(said(&in_step(Status::Running, HOUR)), OK);
    assert_eq!(said(&in_step(Status::Running, 2 * HOUR + 1)), stuck(Rule::Overdue));
}

#[test]
fn names_are_distinct_and_fit_for_a_filter() {
    let names: Vec<_> = Rule::ALL.map(Rule::name).into_iter().chain(Verdict::ALL.map(Verdict::name)).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert!(!names[at + 1..].contains(name), "{name}");
    }
    for rule in Rule::ALL {
        assert_eq!(rule.words(), rule.name().replace('_', " "));
        assert_eq!(serde_json::to_value(rule).unwrap(), rule.name());
    }
}
