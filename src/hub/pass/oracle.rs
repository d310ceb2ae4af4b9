//! A pass as a plain look at every row: what columns that are kept up to date must come to.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::config::ThresholdBook;
use crate::domain::flow::{FlowInstance, JudgedFlow, WaitKind};
use crate::domain::text::SafeText;
use crate::domain::verdict::{Circumstances, Judgement, judge};

/// Finds out which instances have outlived the one that started them, among all that are open or failed in a source.
///
/// A complete pass has seen each open one: a parent that is not among them has ended, and its engine forgot it.
pub(in crate::hub) fn know_parents(flows: &mut [FlowInstance]) {
    if flows.iter().all(|flow| flow.signs.parent.is_none()) {
        return;
    }
    let ends: HashMap<SafeText, Option<Timestamp>> = flows
        .iter()
        .map(|flow| (flow.id.instance.clone(), flow.last_transition_at.filter(|_| flow.status.ended())))
        .collect();
    let ended: HashSet<SafeText> =
        flows.iter().filter(|flow| flow.status.ended()).map(|flow| flow.id.instance.clone()).collect();
    for parent in flows.iter_mut().filter_map(|flow| flow.signs.parent.as_mut()) {
        if parent.ended.is_none() {
            let seen = ends.get(&parent.id);
            parent.ended = Some(seen.is_none() || ended.contains(&parent.id));
            parent.ended_at = seen.copied().flatten();
        }
    }
}

/// Applies the rules to every instance: first to those that wait for nobody, then to those behind a key.
pub(in crate::hub) fn judge_all(
    flows: Vec<FlowInstance>,
    book: &ThresholdBook,
    poll: SignedDuration,
    now: Timestamp,
) -> Vec<JudgedFlow> {
    let behind = |flow: &FlowInstance| {
        flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Lock).and_then(|wait| wait.reference.clone())
    };
    let mut limits = HashMap::new();
    let mut limits_of = |flow: &FlowInstance| {
        let place = (flow.flow.clone(), flow.step.clone());
        limits.entry(place).or_insert_with(|| book.resolve(&flow.id.source, &flow.flow, &flow.step, poll)).clone()
    };
    let wanted: HashSet<SafeText> = flows.iter().filter_map(behind).collect();
    let mut holders = HashMap::new();
    let mut judgements: Vec<Judgement> = Vec::with_capacity(flows.len());
    for flow in &flows {
        let judgement = judge(flow, &limits_of(flow), &Circumstances { now, holder: None });
        if wanted.contains(&flow.id.instance) {
            holders.insert(flow.id.instance.clone(), (flow.id.clone(), judgement.clone()));
        }
        judgements.push(judgement);
    }
    for (flow, judgement) in flows.iter().zip(&mut judgements) {
        if let Some((id, of_holder)) = behind(flow).and_then(|holder| holders.get(&holder)) {
            *judgement = judge(flow, &limits_of(flow), &Circumstances { now, holder: Some((id, of_holder)) });
        }
    }
    flows.into_iter().zip(judgements).map(|(flow, judgement)| JudgedFlow { flow, judgement }).collect()
}
