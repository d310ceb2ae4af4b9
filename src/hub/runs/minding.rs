//! What happens without anybody asking: times run out, processes end in the middle, other processes write to the
//! ledger, and what was approved is started where a cockpit is open.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::Hub;
use super::super::ledger::LedgerError;
use super::lock::Held;
use super::{Runs, unread};
use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::audit::Action;
use crate::domain::notice::Occasion;
use crate::domain::remediation::ItemState;
use crate::domain::text::SafeText;
use crate::domain::wide::{Control, ItemCounts, WideState};
use crate::ops::{Ops as _, OpsError};

/// How often it is looked whether another process has written, and whether something is due.
const MIND_EVERY: Duration = Duration::from_secs(1);

/// After how long it is told that something waits for approval.
const REMIND_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// What time alone makes of a remediation that waits.
pub(super) fn age(state: &mut WideState, approval: &mut Approval, now: Timestamp) {
    if matches!(state, WideState::AwaitingApproval | WideState::Approved) {
        approval.age(now);
        if approval.state == ApprovalState::Expired {
            *state = WideState::Expired;
        }
    }
}

impl Runs {
    /// Makes sure that this process is the one that sends, as long as what is given is kept.
    pub(super) fn take_turn(&self) -> Result<Arc<Held>, OpsError> {
        match self.turn.take() {
            Ok(Some(held)) => Ok(held),
            Ok(None) => Err(OpsError::Refused(
                "another Quarterdeck carries out remediations of this state directory; one at a time does".into(),
            )),
            Err(error) => Err(OpsError::Journal(format!("executor.lock can't be had: {error}").into())),
        }
    }

    /// Whether another process sends.
    pub(in crate::hub) fn elsewhere(&self) -> bool {
        self.turn.take().is_ok_and(|held| held.is_none())
    }

    /// Watches the ledger for as long as the hub is there.
    pub(in crate::hub) async fn mind(self: Arc<Self>, hub: Weak<Hub>) {
        let mut seen = None;
        // What could not be started is not tried again until it has changed.
        let mut tried: HashSet<(SafeText, Timestamp)> = HashSet::new();
        let mut reminded: HashSet<SafeText> = HashSet::new();
        loop {
            match self.ledger().version().await {
                Ok(version) if seen == Some(version) => {}
                Ok(version) => {
                    seen = Some(version);
                    self.touched();
                    if let Err(error) = self.recover().await {
                        tracing::error!(%error, "what an ended process has left can't be taken up");
                    }
                }
                Err(error) => tracing::error!(%error, "the ledger can't be looked at"),
            }
            let Some(here) = hub.upgrade() else { return };
            self.remind(&mut reminded).await;
            self.start_what_may(&here, &mut tried).await;
            drop(here);
            tokio::time::sleep(MIND_EVERY).await;
        }
    }

    /// Tells of what has waited for approval for a while, once.
    async fn remind(&self, reminded: &mut HashSet<SafeText>) {
        let Ok(list) = self.list().await else { return };
        for one in list.iter().filter(|one| one.state == WideState::AwaitingApproval) {
            let long = self.now().duration_since(one.requested_at) >= REMIND_AFTER;
            if long && reminded.insert(one.id.clone()) {
                self.tell(Occasion::Waiting, one);
            }
        }
    }

    /// Starts what was approved, one after the other.
    async fn start_what_may(&self, hub: &Hub, tried: &mut HashSet<(SafeText, Timestamp)>) {
        let Ok(list) = self.list().await else { return };
        let now = self.now();
        if list.iter().any(|one| waits(one.state) && !one.approval.in_time(now)) {
            self.touched();
        }
        if self.gate.refusal().is_some() || !self.running().is_empty() {
            return;
        }
        let next = list
            .iter()
            .rev()
            .find(|one| one.state == WideState::Approved && !tried.contains(&(one.id.clone(), one.changed_at)));
        let Some(next) = next else { return };
        tried.insert((next.id.clone(), next.changed_at));
        if let Err(error) = hub.control(&next.id, Control::Run).await {
            tracing::warn!(remediation = %next.id, %error, "it was approved and is not started");
        }
    }

    /// Takes up what an ended process has left: it is held, what was being sent is unknown, and what was sent is looked
    /// at. Nothing is sent.
    pub(in crate::hub) async fn recover(self: &Arc<Self>) -> Result<(), OpsError> {
        let _starting = self.starting.lock().await;
        if !self.running().is_empty() {
            return Ok(());
        }
        // Who can't have it is told so when something is to be sent.
        let Ok(Some(held)) = self.turn.take() else { return Ok(()) };
        for id in self.take_up().await.map_err(|error| unread(&error))? {
            self.carry_on(&id, held.clone());
        }
        Ok(())
    }

    async fn take_up(self: &Arc<Self>) -> Result<Vec<SafeText>, LedgerError> {
        let (this, context) = (self.clone(), self.context());
        let nothing = self.ledger().nothing_runs(context.clone()).await?;
        if nothing {
            return Ok(Vec::new());
        }
        let left = self
            .ledger()
            .write(async move |writing| {
                let now = this.now();
                for (id, _, _) in writing.standing(&context, &[WideState::Running, WideState::Verifying]).await? {
                    let Some(mut kept) = writing.remediation(&id).await? else { continue };
                    for mut item in writing.items(&id).await? {
                        if item.in_flight() {
                            item.state = ItemState::Unknown;
                            item.at = Some(now);
                            let step = if item.step > 0 { format!("step {}: ", item.step + 1) } else { String::new() };
                            item.words = format!(
                                "{step}UNKNOWN whether it was sent: the process ended; not sent again, looking"
                            );
                            writing.item_stands(&id, &item).await?;
                            let subject = format!("{}/{}", item.source, item.instance);
                            let detail = json!({ "state": item.state.name(), "text": item.words });
                            writing.audit(this.entry(Action::Answer, &kept, subject, detail)).await?;
                        }
                    }
                    let counts: ItemCounts = writing.counts(&id).await?;
                    kept.state = WideState::Held;
                    kept.changed_at = now;
                    kept.outcome = format!(
                        "held: the process that carried it out ended; {}; resume goes on anywhere",
                        super::asking::so_far(&counts)
                    );
                    writing.stands(&kept).await?;
                    let detail = json!({ "control": "hold", "text": kept.outcome });
                    writing.audit(this.entry_of_all(Action::Control, &kept, detail)).await?;
                }
                writing.outstanding(&context).await
            })
            .await?;
        self.touched();
        Ok(left.into_iter().map(SafeText::from).collect())
    }
}

/// Whether it waits for somebody.
const fn waits(state: WideState) -> bool {
    matches!(state, WideState::AwaitingApproval | WideState::Approved)
}
