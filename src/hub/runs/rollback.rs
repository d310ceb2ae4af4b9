//! Whether a remediation may be asked for as the one that takes another one back, and what becomes of the other one.
//!
//! Asked in the piece of writing that records the request: of two that would take back the same one, the second finds
//! the first.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::ledger::{Kept, LedgerError, Writing};
use super::{Runs, kept, unread};
use crate::domain::audit::Action;
use crate::domain::plan::Frozen;
use crate::domain::rollback::{inverse, left_out, refused};
use crate::domain::wide::{WideDetail, WideState};
use crate::ops::OpsError;

/// Why a plan can't be carried out as what takes another remediation back; `None` where it can.
pub(super) async fn cannot(
    writing: &mut Writing<'_>,
    context: &str,
    other: &str,
    frozen: &Frozen,
) -> Result<Option<String>, LedgerError> {
    let Some(taken) = writing.remediation(other).await?.filter(|kept| kept.context == context) else {
        return Ok(Some(format!("there is no remediation {other} to take back")));
    };
    let done = kept::read(&taken.plan, &taken.plan_hash)?.frozen;
    let items = writing.items(other).await?;
    let any = items.iter().any(|item| left_out(item.state, item.step).is_none());
    let by = writing.taking_back(context, other).await?;
    let by = by.as_ref().map(|(id, state)| (id.as_str(), *state));
    if let Some(why) = refused(&done, taken.state, any, by) {
        return Ok(Some(format!("{other} can't be taken back: {why}")));
    }
    if !inverse(&done).is_ok_and(|inverse| inverse.is(frozen)) {
        return Ok(Some(format!("this plan is not what takes {other} back")));
    }
    let held: BTreeSet<(&str, &str)> = items
        .iter()
        .filter(|item| left_out(item.state, item.step).is_none())
        .map(|item| (item.source.as_str(), item.instance.as_str()))
        .collect();
    let stranger = frozen.targets.iter().find(|target| !held.contains(&(&*target.id.source, &*target.id.instance)));
    Ok(stranger
        .map(|target| format!("{other} did nothing that held to {}, so there is nothing to take back", target.id)))
}

/// Notes that a remediation was taken back by another one.
pub(super) async fn taken_back(writing: &mut Writing<'_>, runs: &Runs, by: &Kept) -> Result<(), LedgerError> {
    let Some(other) = by.takes_back.as_ref().filter(|_| by.state == WideState::Succeeded) else { return Ok(()) };
    let Some(mut other) = writing.remediation(other).await? else { return Ok(()) };
    other.state = WideState::RolledBack;
    other.changed_at = by.changed_at;
    other.outcome = format!("taken back by {}; before that: {}", by.id, other.outcome);
    writing.stands(&other).await?;
    // What it had switched off is on again.
    let how = format!("taken back by {}", by.id);
    writing.taken_back(&other.id, by.changed_at, &by.requested_by, &how).await?;
    let detail = json!({ "state": other.state.name(), "by": by.id, "text": other.outcome });
    writing.audit(runs.entry_of_all(Action::Outcome, &other, detail)).await
}

impl Runs {
    /// One that may be taken back, with its items.
    pub(in crate::hub) async fn to_take_back(&self, id: &str) -> Result<WideDetail, OpsError> {
        let detail = self.detail(id).await?;
        let head = &detail.head;
        let by = self.ledger().taking_back(self.context(), head.id.to_string()).await.map_err(|e| unread(&e))?;
        let by = by.as_ref().map(|(id, state)| (id.as_str(), *state));
        let any = detail.items.iter().any(|item| left_out(item.state, item.steps).is_none());
        match refused(&head.plan.frozen, head.state, any, by) {
            Some(why) => Err(OpsError::Refused(format!("{} can't be taken back: {why}", head.id).into())),
            None => Ok(detail),
        }
    }
}
