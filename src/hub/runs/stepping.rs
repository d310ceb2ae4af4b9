//! The steps of a runbook, item by item: in which words each is told, and what a verified one makes of its item. A verb
//! is a runbook of one step, of which nothing of this is told.

use super::super::ledger::KeptItem;
use crate::domain::remediation::ItemState;
use crate::domain::remedy::Step;

/// What happened to an item in the step that it is at: `step 1 of 2 (pause): refused`.
pub(super) fn told(steps: &[Step], item: &KeptItem, words: &str) -> String {
    let at = item.step as usize;
    match steps.get(at).filter(|_| steps.len() > 1) {
        None => words.to_owned(),
        Some(step) => format!("step {} of {} ({}): {words}", at + 1, steps.len(), step.verb.label()),
    }
}

/// The same where it is the end of the item: also what was done before, and what is not sent any more.
pub(super) fn told_at_the_end(steps: &[Step], item: &KeptItem, words: &str) -> String {
    let at = item.step as usize;
    let list = |steps: &[Step]| steps.iter().map(|step| step.verb.label()).collect::<Vec<_>>().join(", ");
    let mut text = told(steps, item, words);
    for (label, of) in [("done before", steps.get(..at)), ("not sent", steps.get(at + 1..))] {
        if let Some(of) = of.filter(|of| !of.is_empty()) {
            text = format!("{text}; {label}: {}", list(of));
        }
    }
    text
}

/// Why the step that comes next was not sent; for a first one, the reason alone.
pub(super) fn not_sent(steps: &[Step], item: &KeptItem, why: &str) -> String {
    match steps.get(item.step as usize).filter(|_| item.step > 0) {
        None => why.to_owned(),
        Some(step) => format!("step {} ({}) was not sent: {why}", item.step + 1, step.verb.label()),
    }
}

/// Whether all that is to be sent of an item was sent.
pub(super) fn wholly_sent(steps: &[Step], item: &KeptItem) -> bool {
    item.ended || item.act.is_some() && item.step as usize + 1 >= steps.len()
}

/// Whether what is known of an item is that something was done to its target.
pub(super) const fn did_something(item: &KeptItem) -> bool {
    item.step > 0 || matches!(item.state, ItemState::Verified | ItemState::Done)
}

/// The step that an item is at is verified: it has come to its end, or the next step may be sent. `version` is that of
/// its target, as it was seen then; without one it is gone.
pub(super) fn verified(steps: &[Step], item: &mut KeptItem, words: &str, version: Option<String>) {
    let last = item.step as usize + 1 >= steps.len();
    item.words = told(steps, item, words);
    match version {
        _ if last => {
            item.state = ItemState::Verified;
            item.ended = true;
        }
        None => {
            item.step += 1;
            let why = not_sent(steps, item, "there is nothing left to act on");
            item.step -= 1;
            item.words = format!("{}; {why}", item.words);
            item.state = ItemState::Failed;
            item.ended = true;
        }
        Some(version) => {
            item.step += 1;
            item.expects = Some(version);
            item.state = ItemState::Done;
            item.act = None;
            item.before = None;
            item.began = None;
            item.answered = false;
        }
    }
}
