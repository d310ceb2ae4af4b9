//! What is recorded of acts and armings, before and after: the rows of the acts and the audit, written together.
//!
//! What is not recorded is not done: where it can't be written, the act does not run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ledger::{ActedFor, Begun, Ledger, LedgerError, Writing};
use super::own::{OwnActs, READ, own_acts};
use super::verify::Baseline;
use crate::domain::audit::{Action, Draft, ON_TRUST};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::remediation::{ItemState, Plan, Verb};
use crate::domain::text::SafeText;

/// An act that is about to be sent: everything needed to see later what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sending {
    pub(super) verb: Verb,
    pub(super) source: String,
    pub(super) instance: String,
    pub(super) version: String,
    pub(super) flow: String,
    pub(super) plan_hash: String,
    pub(super) reason: String,
    /// Taken on trust.
    pub(super) requested_by: String,
    /// Whom it is for, where that is known.
    #[serde(default)]
    pub(super) tenant: Option<String>,
    pub(super) before: Baseline,
}

impl Sending {
    /// As the audit tells it.
    pub(super) fn told(&self) -> Value {
        json!({ "verb": self.verb.name(), "flow": self.flow, "version": self.version, "reason": self.reason })
    }
}

/// Until when acts are let through, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arming {
    pub(super) until: Timestamp,
    pub(super) reason: String,
    /// Taken on trust.
    pub(super) requested_by: String,
}

impl Arming {
    /// As the audit tells it.
    pub(super) fn told(&self) -> Value {
        json!({ "until": self.until, "reason": self.reason })
    }
}

/// An act whose process ended while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) sending: Sending,
}

/// The record of what one hub does.
#[derive(Debug)]
pub(super) struct Journal {
    ledger: Ledger,
    context: String,
    operator: String,
}

/// A text without what looks like a secret.
pub(super) fn kept(text: &str) -> String {
    Redactor::default().text(text).into_owned()
}

impl Journal {
    pub(super) fn new(ledger: Ledger, context: &str, operator: &str) -> Self {
        let safe = |text: &str| SafeText::from(text).to_string();
        Self { ledger, context: safe(context), operator: safe(operator) }
    }

    /// Where it is kept.
    pub(super) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// An entry on something else than an act on one instance.
    pub(super) fn draft(&self, at: Timestamp, action: Action, subject: String, detail: Value) -> Draft {
        Draft {
            at,
            actor: self.operator.clone(),
            trusted: Some(ON_TRUST.to_owned()),
            context: self.context.clone(),
            action,
            subject,
            remediation: None,
            plan_hash: None,
            detail,
        }
    }

    /// An entry on a plan.
    fn of_plan(&self, at: Timestamp, action: Action, plan: &Plan, detail: Value) -> Draft {
        let draft = self.draft(at, action, plan.target.to_string(), detail);
        Draft { plan_hash: Some(plan.hash.to_string()), ..draft }
    }

    /// An entry on how far an act has come.
    fn of_act(&self, at: Timestamp, action: Action, (id, plan): (&str, &Plan), state: ItemState, text: &str) -> Draft {
        let detail = json!({ "state": state.name(), "text": text });
        Draft { remediation: Some(id.to_owned()), ..self.of_plan(at, action, plan, detail) }
    }

    /// The acts of this context since a moment, whichever process sent them. Those that the engine refused are left out.
    pub(super) async fn own_acts(&self, since: Timestamp) -> Result<OwnActs, LedgerError> {
        let read = async |writing: &mut Writing<'_>| writing.newest([Action::Act, Action::Answer], READ).await;
        let entries = self.ledger.write(read).await?;
        Ok(own_acts(&entries, &self.context, since))
    }

    /// Somebody asks for a plan to be carried out.
    pub(super) async fn attempt(&self, at: Timestamp, plan: &Plan, reason: &str) -> Result<(), LedgerError> {
        let detail = json!({ "verb": plan.verb.name(), "reason": kept(reason) });
        self.ledger.audit(vec![self.of_plan(at, Action::Attempt, plan, detail)]).await
    }

    /// Something that was asked for is not let through. It is refused whether or not that can be recorded.
    pub(super) async fn refusal(&self, at: Timestamp, plan_hash: &str, subject: &str, why: &str) {
        self.if_it_can(self.refused(at, plan_hash, subject, why)).await;
    }

    /// An entry that something was not let through.
    pub(super) fn refused(&self, at: Timestamp, plan_hash: &str, subject: &str, why: &str) -> Draft {
        let draft = self.draft(at, Action::Refusal, subject.to_owned(), json!({ "text": kept(why) }));
        // It comes from whoever asked.
        let plan_hash = Some(SafeText::clipped(plan_hash, 64).to_string()).filter(|hash| !hash.is_empty());
        Draft { plan_hash, ..draft }
    }

    /// What an act would do was worked out, or why it can't be had.
    pub(super) async fn dry_run(&self, at: Timestamp, verb: Verb, target: &InstanceId, plan: Result<&Plan, &str>) {
        let draft = match plan {
            Ok(plan) => self.of_plan(at, Action::DryRun, plan, json!({ "verb": verb.name() })),
            Err(why) => {
                let detail = json!({ "verb": verb.name(), "refused": kept(why) });
                self.draft(at, Action::DryRun, target.to_string(), detail)
            }
        };
        self.if_it_can(draft).await;
    }

    /// Records what changes nothing by itself.
    pub(super) async fn if_it_can(&self, draft: Draft) {
        let action = draft.action.name();
        if let Err(error) = self.ledger.audit(vec![draft]).await {
            tracing::error!(%error, action, "it can't be recorded");
        }
    }

    /// An act is about to be sent. When this returns the disk has it.
    pub(super) async fn sending(&self, at: Timestamp, id: &str, sending: Sending) -> Result<(), LedgerError> {
        let sending = Sending { reason: kept(&sending.reason), ..sending };
        let subject = format!("{}/{}", sending.source, sending.instance);
        let draft = Draft {
            remediation: Some(id.to_owned()),
            plan_hash: Some(sending.plan_hash.clone()),
            ..self.draft(at, Action::Act, subject, sending.told())
        };
        let text = serde_json::to_string(&sending).map_err(|error| LedgerError::Unwritable(error.to_string()))?;
        let Sending { source, instance, tenant, verb, requested_by, .. } = sending;
        let acted_for = tenant.map(|tenant| ActedFor {
            context: self.context.clone(),
            tenant,
            at,
            remediation: id.to_owned(),
            item: None,
            source: source.clone(),
            instance: instance.clone(),
            verb: verb.name().to_owned(),
            actor: requested_by,
        });
        let act = Begun { id: id.to_owned(), at, source, instance, sending: text };
        self.ledger
            .write(async move |writing| {
                writing.begin(&act).await?;
                writing.acted_for(acted_for.as_slice()).await?;
                writing.audit(draft).await
            })
            .await
    }

    /// The engine answered, or the answer was lost.
    pub(super) async fn answered(
        &self,
        at: Timestamp,
        id: &str,
        plan: &Plan,
        state: ItemState,
        text: &str,
    ) -> Result<(), LedgerError> {
        let (id, text) = (id.to_owned(), kept(text));
        let draft = self.of_act(at, Action::Answer, (&id, plan), state, &text);
        self.ledger
            .write(async move |writing| {
                writing.answer(&id, state, &text, at).await?;
                writing.audit(draft).await
            })
            .await
    }

    /// Nothing more will happen to an act by itself.
    pub(super) async fn ended(
        &self,
        at: Timestamp,
        id: &str,
        plan: &Plan,
        state: ItemState,
        text: &str,
    ) -> Result<(), LedgerError> {
        let (id, text) = (id.to_owned(), kept(text));
        let draft = self.of_act(at, Action::Outcome, (&id, plan), state, &text);
        self.ledger
            .write(async move |writing| {
                if writing.end(&id, state, &text, at).await? {
                    writing.audit(draft).await?;
                }
                Ok(())
            })
            .await
    }

    /// Acts on a production context are let through. `id` is the arming's.
    pub(super) async fn armed(&self, at: Timestamp, id: &str, arming: &Arming) -> Result<(), LedgerError> {
        let arming = Arming { reason: kept(&arming.reason), ..arming.clone() };
        let draft = self.draft(at, Action::Arm, self.context.clone(), arming.told());
        self.ledger.audit(vec![Draft { remediation: Some(id.to_owned()), ..draft }]).await
    }

    fn disarming(&self, at: Timestamp, id: &str, text: &str) -> Draft {
        let draft = self.draft(at, Action::Disarm, self.context.clone(), json!({ "text": text }));
        Draft { remediation: Some(id.to_owned()), ..draft }
    }

    /// And not any more.
    pub(super) async fn disarmed(&self, at: Timestamp, id: &str, text: &str) {
        // Locked it is in any case; that it is not in the record is only told in the log.
        self.if_it_can(self.disarming(at, id, text)).await;
    }

    /// As [`Journal::disarmed`], where nothing can be awaited.
    pub(super) fn disarmed_now(&self, at: Timestamp, id: &str, text: &str) {
        let draft = self.disarming(at, id, text);
        if let Err(error) = self.ledger.write_now(async move |writing| writing.audit(draft).await) {
            tracing::error!(%error, "that the context was locked again can't be recorded");
        }
    }

    /// The acts that were begun and whose end is not recorded: a process ended while they ran. None where another
    /// process has the ledger open: what is unfinished may be its own, and run.
    pub(super) fn unfinished(&self) -> Vec<Left> {
        let read = |left: &super::ledger::Unfinished| match serde_json::from_str(&left.sending) {
            Ok(sending) => Some(Left { id: left.id.clone(), at: left.at, sending }),
            Err(error) => {
                tracing::error!(id = %left.id, %error, "an act that has no end can't be read back");
                None
            }
        };
        self.ledger.unfinished().iter().filter_map(read).collect()
    }
}
