//! What was done to an instance, in a few words, for the places that show the instance itself.

use jiff::Timestamp;

use super::app::App;
use crate::domain::ids::InstanceId;
use crate::domain::remediation::{ItemState, Remediation};
use crate::domain::time::{age, since};

/// The last act on an instance that is known here.
pub(super) fn last_on<'a>(app: &'a App, id: &InstanceId) -> Option<&'a Remediation> {
    app.acts.value()?.iter().filter(|act| act.plan.target == *id).max_by_key(|act| act.requested_at)
}

/// Whether it ended, and not well.
pub(super) fn troubled(act: &Remediation) -> bool {
    act.ended && act.item != ItemState::Verified
}

/// `your resume 20 s ago: did not help: failed again at apply`.
pub(super) fn told(act: &Remediation, operator: &str, now: Timestamp) -> String {
    let whose = if act.requested_by == *operator { "your".to_owned() } else { format!("{}'s", act.requested_by) };
    let watched = if act.ended { "" } else { ", still watched" };
    let ago = age(since(act.requested_at, now));
    format!("{whose} {} {ago} ago{watched}: {}", act.plan.verb.label(), act.outcome)
}
