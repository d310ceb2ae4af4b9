use super::{Counts, cohort_fingerprint, cohort_id, cohort_of};
use crate::domain::flow::{FlowError, JudgedFlow};
use crate::domain::redact::Redactor;
use crate::domain::verdict::tests::instance;
use crate::domain::verdict::{Finding, Judgement, Rule, Verdict};

fn judged(verdict: Verdict, findings: &[(Rule, Verdict)]) -> JudgedFlow {
    let finding = |&(rule, verdict): &(Rule, Verdict)| Finding {
        rule,
        verdict,
        since: None,
        threshold: "".into(),
        evidence: "".into(),
    };
    let mut flow = instance();
    flow.error = Some(FlowError::new(None, "relation \"t17\" does not exist", &[], &Redactor::default()));
    JudgedFlow { flow, judgement: Judgement { verdict, findings: findings.iter().map(finding).collect() } }
}

#[test]
fn only_the_rules_about_failing_look_at_the_error() {
    for (rule, expected) in [
        (Rule::Exhausted, "relation \"<name>\" does not exist"),
        (Rule::RetryStorm, "relation \"<name>\" does not exist"),
        (Rule::BlockedBy, "(blocked_by)"),
        (Rule::LostWait, "(lost_wait)"),
        (Rule::Overdue, "(overdue)"),
    ] {
        let mut judged = judged(Verdict::Stuck, &[(rule, Verdict::Stuck)]);
        assert_eq!(cohort_fingerprint(&judged), *expected);
        let flow = &judged.flow;
        assert_eq!(cohort_of(&judged), Some(cohort_id(&flow.id.source, &flow.flow, &flow.step, expected)));
        judged.flow.error = None;
        assert_eq!(cohort_fingerprint(&judged), *format!("({})", rule.name()));
    }
    assert_eq!(cohort_fingerprint(&judged(Verdict::Ok, &[])), *"(none)");
}

#[test]
fn only_what_is_stuck_or_was_when_last_seen_has_a_cohort() {
    let overdue = |verdict| (Rule::Overdue, verdict);
    for (verdict, findings, expected) in [
        (Verdict::Stuck, vec![overdue(Verdict::Stuck)], true),
        (Verdict::Recheck, vec![overdue(Verdict::Stuck)], true),
        (Verdict::Recheck, vec![overdue(Verdict::Suspect)], false),
        (Verdict::Recheck, vec![], false),
        (Verdict::Suspect, vec![overdue(Verdict::Suspect)], false),
        (Verdict::Unknown, vec![overdue(Verdict::Unknown)], false),
        (Verdict::Ok, vec![], false),
    ] {
        let judged = judged(verdict, &findings);
        assert_eq!(cohort_of(&judged).is_some(), expected, "{verdict:?} {findings:?}");
        assert_eq!(judged.judgement.stuck_rule().is_some(), expected);
    }
}

#[test]
fn an_id_is_stable_and_depends_on_each_part_alone() {
    let id = cohort_id("restate", "tenant/create", "database", "(overdue)");
    assert_eq!(id, *"39c1f89c", "ids outlive the process: they are in filters and in reports");
    assert_ne!(id, cohort_id("restat", "etenant/create", "database", "(overdue)"), "parts do not run together");
    assert_ne!(id, cohort_id("restate", "tenant/create", "database", "(lost_wait)"));
    assert_ne!(id, cohort_id("restate", "tenant/create", "dns", "(overdue)"));
}

#[test]
fn counts_add_up_kind_by_kind() {
    let one = Counts {
        open: 1,
        stuck: 2,
        waiting: 3,
        held: 4,
        failed: 5,
        unknown: 6,
        by_rule: [(Rule::Overdue, 1), (Rule::Exhausted, 1)].into(),
    };
    let mut sum = Counts { by_rule: [(Rule::Overdue, 7)].into(), ..Counts::default() };
    sum.add(&one);
    sum.add(&one);
    let expected = Counts {
        open: 2,
        stuck: 4,
        waiting: 6,
        held: 8,
        failed: 10,
        unknown: 12,
        by_rule: [(Rule::Overdue, 9), (Rule::Exhausted, 2)].into(),
    };
    assert_eq!(sum, expected);
}
