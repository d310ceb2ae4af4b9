//! Cohorts: instances stuck in the same flow and step for the same reason, which one repair would serve.

use jiff::Timestamp;
use serde::Serialize;

use super::claim::Claim;
use super::correlation::Near;
use super::flow::{FlowInstance, JudgedFlow, Status, WaitKind};
use super::hash::digest;
use super::text::SafeText;
use super::verdict::{Judgement, Rule};

pub use super::fingerprint::{fingerprint, fingerprint_of};

/// Instances of one source with the same flow, step and error fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// Stable over time and over restarts: a hash of source, flow, step and fingerprint.
    pub id: SafeText,
    /// The source's name.
    pub source: SafeText,
    /// The flow.
    pub flow: SafeText,
    /// The step.
    pub step: SafeText,
    /// The masked error, or the rule in brackets where the instances have no error.
    pub fingerprint: SafeText,
    /// How many instances.
    pub count: u64,
    /// How many distinct tenants, among those whose tenant is known.
    pub tenants: u64,
    /// Instances whose tenant is not known.
    pub without_tenant: u64,
    /// How many more they are than five minutes ago; `None` where that is not known.
    pub growth: Option<i64>,
    /// Since when the first of them has been stuck.
    pub since: Option<Timestamp>,
    /// When what made that one stuck began, by its engine's clock: its first failure, its wait. It is no later than `since`.
    pub onset: Option<Timestamp>,
    /// The rule that most of them have as their primary one.
    pub rule: Rule,
    /// An error as it stands in one of them.
    pub sample: Option<SafeText>,
    /// Evidence of the one that has been stuck longest.
    pub evidence: SafeText,
    /// The status of that one.
    pub status: Status,
    /// What that one waits for, where it waits.
    pub waits_for: Option<WaitKind>,
    /// Who has it in hand, has seen it or has put it aside, where somebody has and its time is not over.
    pub claim: Option<Claim>,
    /// The change that fits best as its cause, where any does and anybody tells of changes.
    pub near: Option<Near>,
}

/// When what makes an instance stuck began: a lost wait with the wait, what takes too long with its step, and failures with
/// the first one.
pub fn onset_of(judged: &JudgedFlow) -> Option<Timestamp> {
    let since = judged.judgement.since()?;
    let flow = &judged.flow;
    let began = match judged.judgement.rule() {
        Some(Rule::LostWait | Rule::Overdue) => flow.entered_step_at,
        _ => flow.first_failure_at,
    };
    Some(began.map_or(since, |began| began.min(since)))
}

/// The id of a cohort: eight hexadecimal digits.
pub fn cohort_id(source: &str, flow: &str, step: &str, fingerprint: &str) -> SafeText {
    digest(&[source, flow, step, fingerprint], 4)
}

/// What the members of a cohort have in common beside flow and step: the masked error where an error is why the
/// instance is stuck, otherwise the rule in brackets: `(lost_wait)`, or `(none)` where no rule holds.
///
/// Only the rules about failing look at the error: an instance that is overdue today may carry an error that a
/// retry got over yesterday. All of them look at the same one, so that a cohort whose worker is gone stays the same
/// cohort when its retries have gone on for long enough to be a storm.
pub fn cohort_fingerprint(judged: &JudgedFlow) -> SafeText {
    fingerprint_for(&judged.flow, &judged.judgement)
}

/// The same of an instance of which the rules say this.
pub fn fingerprint_for(flow: &FlowInstance, judgement: &Judgement) -> SafeText {
    let Some(rule) = judgement.rule() else { return "(none)".into() };
    match &flow.error {
        Some(error) if of_failing(rule) => error.fingerprint.clone(),
        _ => format!("({})", rule.name()).into(),
    }
}

/// Whether a rule is about an error of the present.
const fn of_failing(rule: Rule) -> bool {
    matches!(rule, Rule::Exhausted | Rule::RetryStorm | Rule::TaskFault | Rule::NoConsumer)
}

/// The id of the cohort that an instance belongs to.
///
/// `None` where it is not stuck. An instance of a silent source that was stuck when last seen (verdict recheck, its
/// primary finding stuck) stays in its cohort, as the board shows the last cohorts known.
pub fn cohort_of(judged: &JudgedFlow) -> Option<SafeText> {
    judged.judgement.stuck_rule()?;
    let flow = &judged.flow;
    Some(cohort_id(&flow.id.source, &flow.flow, &flow.step, &cohort_fingerprint(judged)))
}

/// A count of instances per kind, for one flow and step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Not ended.
    pub open: u64,
    /// Open or failed, with verdict stuck.
    pub stuck: u64,
    /// Open, in a legitimate wait.
    pub waiting: u64,
    /// Paused by a person, a freeze or maintenance.
    pub held: u64,
    /// Ended badly within the look-back.
    pub failed: u64,
    /// The source can't say.
    pub unknown: u64,
    /// The stuck ones, by their primary rule.
    pub by_rule: std::collections::BTreeMap<Rule, u64>,
}

impl Counts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.open += other.open;
        self.stuck += other.stuck;
        self.waiting += other.waiting;
        self.held += other.held;
        self.failed += other.failed;
        self.unknown += other.unknown;
        for (rule, n) in &other.by_rule {
            *self.by_rule.entry(*rule).or_default() += n;
        }
    }
}

#[cfg(test)]
mod tests;
