//! Asking for a remediation, agreeing to it, starting, holding, resuming and aborting it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::super::deciding::Asked;
use super::super::journal::kept as without_secrets;
use super::super::ledger::{ActedFor, Kept, KeptItem, LedgerError, Writing};
use super::{Runs, kept, minding, missing, rollback, unread, unwritten, why};
use crate::domain::approval::{Answer, Approval, ApprovalState, Review, Reviewer};
use crate::domain::audit::{Action, BY_RULE, Draft};
use crate::domain::automation::is_automation;
use crate::domain::flow::JudgedFlow;
use crate::domain::hash::digest;
use crate::domain::ids::InstanceId;
use crate::domain::notice::Occasion;
use crate::domain::plan::{Target, WidePlan};
use crate::domain::policy::{BreakGlass, Needed};
use crate::domain::remediation::ItemState;
use crate::domain::text::SafeText;
use crate::domain::wide::{Control, ItemCounts, WideRemediation, WideState};
use crate::ops::{OpsError, RequestOf, ReviewOf, is_reason};

/// The longest reason, comment or ticket that is kept, in characters.
const TEXT: usize = 500;

/// What is said of what was not sent when it was aborted.
pub(super) const ABORTED: &str = "left out: it was aborted before this was sent";
/// The longest id of a remediation, in characters.
const ID: usize = 40;

/// What a step within the ledger came to: done, or refused with why.
type Step<T> = Result<Result<T, String>, LedgerError>;

/// Whether a plan may be asked for once more by which one was asked for that stands so. One that was never carried out
/// may, and one that was taken back. What takes another one back is held apart by that: a second pause of the same
/// instances is taken back by the same plan.
const fn may_be_asked_again(state: WideState, rolls_back: bool) -> bool {
    matches!(state, WideState::Expired | WideState::Rejected | WideState::RolledBack) || (rolls_back && state.ended())
}

/// Whom the items of a remediation are for, as far as their rows tell it.
fn acted_for(asked: &Kept, items: &[KeptItem], plan: &WidePlan, rows: &[Arc<JudgedFlow>]) -> Vec<ActedFor> {
    let tenants: HashMap<&InstanceId, &SafeText> =
        rows.iter().filter_map(|row| Some((&row.flow.id, row.flow.tenant.as_ref()?))).collect();
    let one = |(item, target): (&KeptItem, &Target)| {
        Some(ActedFor {
            context: asked.context.clone(),
            tenant: tenants.get(&target.id)?.to_string(),
            at: asked.requested_at,
            remediation: asked.id.clone(),
            item: Some(item.number),
            source: item.source.clone(),
            instance: item.instance.clone(),
            verb: plan.frozen.remedy.name().to_string(),
            actor: asked.requested_by.clone(),
        })
    };
    items.iter().zip(&plan.frozen.targets).filter_map(one).collect()
}

impl Asked {
    /// Whoever asked for this one.
    fn of(kept: &Kept) -> Self {
        Self {
            reason: Some(kept.reason.as_str().into()),
            ticket: kept.ticket.as_deref().map(SafeText::from),
            break_glass: kept.break_glass.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            takes_back: kept.takes_back.is_some(),
            ..Self::by(kept.requested_by.as_str().into())
        }
    }
}

impl Runs {
    /// Keeps a plan that somebody has made, so that it can be asked for by its hash.
    pub(in crate::hub) async fn keep(&self, plan: &WidePlan, by: &SafeText) -> Result<(), LedgerError> {
        let text = kept::written(plan)?;
        let (context, hash) = (self.context(), plan.hash.to_string());
        let times = (plan.made_at, plan.expires_at);
        let detail = json!({ "verb": plan.frozen.remedy.name(), "targets": plan.frozen.targets.len() });
        let draft = self.journal.draft(self.now(), Action::DryRun, format!("plan {hash}"), detail);
        let draft = by_whom(Draft { plan_hash: Some(hash.clone()), ..draft }, by);
        self.ledger()
            .write(async move |writing| {
                writing.keep_plan(&context, &hash, times, &text).await?;
                writing.audit(draft).await
            })
            .await
    }

    /// The plan of this hash, while it may be asked for.
    pub(in crate::hub) async fn plan(&self, hash: &str) -> Result<WidePlan, OpsError> {
        let hash = SafeText::clipped(hash, 64);
        let read = self.ledger().plan(self.context(), hash.to_string()).await.map_err(|error| unread(&error))?;
        let Some((text, expires_at)) = read else {
            return Err(OpsError::NotFound(format!("there is no plan {hash} of {}", self.gate.context).into()));
        };
        if expires_at <= self.now() {
            return Err(OpsError::Refused("this plan has expired; make a new one".into()));
        }
        kept::read(&text, &hash).map_err(|error| unread(&error))
    }

    /// Records that something was refused, and gives it on.
    pub(in crate::hub) async fn refused<T>(
        &self,
        by: &SafeText,
        plan_hash: &str,
        subject: &str,
        error: OpsError,
    ) -> Result<T, OpsError> {
        if !matches!(error, OpsError::Journal(_)) {
            let draft = self.journal.refused(self.now(), plan_hash, subject, &error.to_string());
            self.journal.if_it_can(by_whom(draft, by)).await;
        }
        Err(error)
    }

    /// Asks that a plan be carried out. `rows` are its targets as they are held. Where an automation asks, a person has to
    /// agree, whatever the policies say.
    pub(in crate::hub) async fn request(
        &self,
        by: &SafeText,
        request: &RequestOf,
        rows: &[Arc<JudgedFlow>],
    ) -> Result<Arc<WideRemediation>, OpsError> {
        let reason = SafeText::clipped(&without_secrets(request.reason.trim()), TEXT);
        if !is_reason(&reason) {
            return Err(OpsError::Refused("a reason is needed, for the record".into()));
        }
        let ticket = request.ticket.as_ref().map(|ticket| SafeText::clipped(&without_secrets(ticket.trim()), TEXT));
        let ticket = ticket.filter(|ticket| !ticket.is_empty());
        let mut plan = self.plan(&request.plan_hash).await?;
        let now = self.now();
        let break_glass = request.break_glass.as_ref().map(|(role, lasting)| BreakGlass {
            role: role.clone(),
            reason: reason.clone(),
            until: now.saturating_add(*lasting).unwrap_or(now),
        });
        let takes_back = request.takes_back.as_ref().map(|id| SafeText::clipped(id, ID));
        let says = Asked {
            reason: Some(reason.clone()),
            ticket: ticket.clone(),
            break_glass,
            takes_back: takes_back.is_some(),
            ..Asked::by(by.clone())
        };
        plan.policy = self.gate.decide_wide(&plan.frozen, &plan.blast, &says, rows);
        if let Some(denied) = plan.policy.denial() {
            return Err(OpsError::Refused(denied.into()));
        }
        let mut needed = plan.policy.needed.clone();
        if needed.is_empty() && is_automation(by) {
            needed.push(Needed { approve: 1, roles: BTreeSet::new() });
        }
        let approval = Approval::asked(needed, now);
        let waits = approval.state == ApprovalState::Pending;
        let hash = plan.hash.to_string();
        let asked = Kept {
            id: digest(&[&hash, &now.as_nanosecond().to_string(), by], 6).to_string(),
            context: self.context(),
            plan_hash: hash.clone(),
            plan: kept::written(&plan).map_err(|error| unread(&error))?,
            reason: reason.to_string(),
            ticket: ticket.map(|ticket| ticket.to_string()),
            takes_back: takes_back.map(|id| id.to_string()),
            requested_by: by.to_string(),
            requested_at: now,
            state: if waits { WideState::AwaitingApproval } else { WideState::Approved },
            outcome: match plan.policy.approvals() {
                Some(needed) => needed,
                None => "it may be started".to_owned(),
            },
            approval,
            wave: 0,
            forgiven: 0,
            started_at: None,
            changed_at: now,
            put_back: None,
            break_glass: says.break_glass.and_then(|asked| serde_json::to_string(&asked).ok()),
        };
        let items = kept::items(&plan);
        let acted_for = acted_for(&asked, &items, &plan, rows);
        let detail = json!({
            "verb": plan.frozen.remedy.name(), "targets": items.len(), "reason": asked.reason, "ticket": asked.ticket,
            "takes_back": asked.takes_back,
        });
        let borrowed: Vec<String> = plan.policy.borrowed.iter().map(|one| one.freeze.to_string()).collect();
        let decision = json!({ "decision": plan.policy.decision.name(), "text": asked.outcome, "overrides": borrowed });
        let entries = vec![
            by_whom(self.entry_of_all(Action::Request, &asked, detail), by),
            by_whom(self.entry_of_all(Action::Decision, &asked, decision), by),
        ];
        let (id, frozen) = (asked.id.clone(), plan.frozen.clone());
        let step = self
            .ledger()
            .write(async move |writing| {
                let before = writing.asked_by(&asked.context, &hash).await?;
                let rolls_back = asked.takes_back.is_some();
                if let Some((other, state)) = before.iter().find(|(_, state)| !may_be_asked_again(*state, rolls_back)) {
                    return Ok(Err(format!("this plan was asked for already: {other} ({})", state.words())));
                }
                if let Some(other) = &asked.takes_back
                    && let Some(why) = rollback::cannot(writing, &asked.context, other, &frozen).await?
                {
                    return Ok(Err(why));
                }
                writing.ask(&asked, &items).await?;
                writing.acted_for(&acted_for).await?;
                for entry in entries {
                    writing.audit(entry).await?;
                }
                Ok(Ok(()))
            })
            .await;
        self.done(step)?;
        let head = self.head(&id).await?;
        if head.state == WideState::AwaitingApproval {
            self.tell(Occasion::Request, &head);
        }
        Ok(head)
    }

    /// Gives on what a step came to.
    fn done<T>(&self, step: Step<T>) -> Result<T, OpsError> {
        let done = step.map_err(|error| unwritten(&error))?;
        self.touched();
        done.map_err(|why| OpsError::Refused(why.into()))
    }

    /// Why the operator can't approve it; `None` where they can.
    pub(super) fn cannot_approve(&self, of: &WideRemediation) -> Option<String> {
        of.approval.refuses(&self.reviewer(), Answer::Approve, &of.requested_by, self.now())
    }

    fn reviewer(&self) -> Reviewer<'_> {
        let policies = &self.gate.policing.policies;
        Reviewer { name: &self.gate.operator, roles: policies.roles(), solo: policies.solo() }
    }

    /// Approves or denies what was asked for.
    pub(in crate::hub) async fn review(self: &Arc<Self>, review: &ReviewOf) -> Result<Arc<WideRemediation>, OpsError> {
        let (this, review) = (self.clone(), review.clone());
        let id = SafeText::clipped(&review.id, ID);
        let named = id.to_string();
        let step = self
            .ledger()
            .write(async move |writing| {
                let Some(mut kept) = this.standing(writing, &named).await? else { return Ok(Err(String::new())) };
                let reviewed = this.reviewed(&mut kept, &review);
                writing.stands(&kept).await?;
                let detail = match &reviewed {
                    Ok(answer) => json!({ "answer": answer.name(), "text": without_secrets(&review.comment) }),
                    Err(refused) => why(refused),
                };
                let action = if reviewed.is_ok() { Action::Approval } else { Action::Refusal };
                writing.audit(this.entry_of_all(action, &kept, detail)).await?;
                Ok(reviewed.map(|_| ()))
            })
            .await;
        self.found(&id, step)?;
        self.head(&id).await
    }

    /// Notes what a reviewer says, or gives why not.
    fn reviewed(&self, kept: &mut Kept, review: &ReviewOf) -> Result<Answer, String> {
        let (now, reviewer) = (self.now(), self.reviewer());
        if kept.plan_hash != *review.plan_hash {
            return Err("the plan is another one than the one that was looked at".to_owned());
        }
        if let Some(why) = kept.approval.refuses(&reviewer, review.answer, &kept.requested_by, now) {
            return Err(why);
        }
        let comment = SafeText::clipped(&without_secrets(review.comment.trim()), TEXT);
        if !is_reason(&comment) {
            return Err("a comment is needed, for the record".to_owned());
        }
        let own = crate::domain::approval::same_person(reviewer.name, &kept.requested_by);
        if own && !review.code.as_ref().is_some_and(|code| crate::domain::code::matches(&kept.plan_hash, code)) {
            return Err("a lone operator approves with the plan's four words".to_owned());
        }
        let by = self.gate.operator.clone();
        let said = Review { by, answer: review.answer, comment, at: now, solo: own };
        kept.approval.say(said, reviewer.roles);
        kept.changed_at = now;
        match kept.approval.state {
            ApprovalState::Denied => {
                kept.state = WideState::Rejected;
                kept.outcome = format!("denied by {}: nothing was sent", self.gate.operator);
            }
            ApprovalState::Approved => {
                kept.state = WideState::Approved;
                "approved: it may be started".clone_into(&mut kept.outcome);
            }
            _ => {
                let missing = kept.approval.missing_words(reviewer.roles).unwrap_or_default();
                kept.outcome = format!("approvals are still needed: {missing}");
            }
        }
        Ok(review.answer)
    }

    /// A remediation of this context as it stands now, its age noted.
    pub(super) async fn standing(&self, writing: &mut Writing<'_>, id: &str) -> Result<Option<Kept>, LedgerError> {
        let kept = writing.remediation(id).await?.filter(|kept| kept.context == *self.gate.context);
        let Some(mut kept) = kept else { return Ok(None) };
        let before = kept.state;
        minding::age(&mut kept.state, &mut kept.approval, self.now());
        if kept.state != before {
            "its time was over; nothing was sent".clone_into(&mut kept.outcome);
            kept.changed_at = self.now();
            writing.stands(&kept).await?;
            writing.leave_out(id, "nothing was sent: its time was over", self.now()).await?;
            writing
                .audit(self.entry_of_all(
                    Action::Outcome,
                    &kept,
                    json!({ "state": kept.state.name(), "text": kept.outcome }),
                ))
                .await?;
        }
        Ok(Some(kept))
    }

    /// Gives on what a step on a remediation came to; no words are that there is none.
    fn found<T>(&self, id: &SafeText, step: Step<T>) -> Result<T, OpsError> {
        if matches!(&step, Ok(Err(why)) if why.is_empty()) {
            return Err(missing(id));
        }
        self.done(step)
    }

    /// Starts, holds, resumes or aborts it. `rows` are its targets as they are held, for what policies ask of them.
    pub(in crate::hub) async fn control(
        self: &Arc<Self>,
        id: &str,
        control: Control,
        rows: &[Arc<JudgedFlow>],
    ) -> Result<Arc<WideRemediation>, OpsError> {
        let id = SafeText::clipped(id, ID);
        let turn = match control {
            Control::Run | Control::Resume => {
                if let Some(why) = self.gate.refusal() {
                    return Err(OpsError::Refused(why));
                }
                Some(self.take_turn()?)
            }
            Control::Hold | Control::Abort => None,
        };
        let starting = self.starting.lock().await;
        let step = self.controlled(&id, control, rows).await;
        self.found(&id, step)?;
        if let Some(turn) = turn {
            self.carry_on(&id, turn);
        }
        drop(starting);
        if let Some(running) = self.running().get(&id) {
            running.asked.notify_one();
        }
        self.head(&id).await
    }

    async fn controlled(self: &Arc<Self>, id: &SafeText, control: Control, rows: &[Arc<JudgedFlow>]) -> Step<()> {
        let (this, id, rows) = (self.clone(), id.to_string(), rows.to_vec());
        self.ledger()
            .write(async move |writing| {
                let Some(mut kept) = this.standing(writing, &id).await? else { return Ok(Err(String::new())) };
                let counts = writing.counts(&id).await?;
                let refused = control.refused(kept.state).or_else(|| match control {
                    Control::Run | Control::Resume => this.withheld(&kept, &rows),
                    Control::Hold | Control::Abort => None,
                });
                if let Some(refused) = refused {
                    writing.audit(this.entry_of_all(Action::Refusal, &kept, why(&refused))).await?;
                    return Ok(Err(refused));
                }
                let now = this.now();
                if control == Control::Abort {
                    writing.leave_out(&id, ABORTED, now).await?;
                }
                this.apply(&mut kept, control, &counts, now);
                writing.stands(&kept).await?;
                let detail = json!({ "control": control.name(), "text": kept.outcome });
                writing.audit(this.entry_of_all(Action::Control, &kept, detail)).await?;
                Ok(Ok(()))
            })
            .await
    }

    /// How it stands once somebody has asked that of it.
    fn apply(&self, kept: &mut Kept, control: Control, counts: &ItemCounts, now: Timestamp) {
        let by = &self.gate.operator;
        kept.changed_at = now;
        match control {
            Control::Run => {
                // By this one start it is spent.
                kept.approval.state = ApprovalState::Spent;
                kept.state = WideState::Running;
                kept.started_at = Some(now);
                kept.outcome = format!("started by {by}");
            }
            Control::Resume => {
                kept.state = WideState::Running;
                kept.forgiven = counts.get(ItemState::Failed) + counts.get(ItemState::Unknown);
                kept.outcome = format!("resumed by {by}");
            }
            Control::Hold => {
                kept.state = WideState::Held;
                kept.outcome = format!("held by {by}: {}", so_far(counts));
            }
            Control::Abort => {
                kept.state = WideState::Aborted;
                if kept.approval.state != ApprovalState::Spent {
                    kept.approval.state = ApprovalState::Void;
                }
                kept.outcome = format!("aborted by {by}: {}", so_far(counts));
            }
        }
    }

    /// Why policies do not let it go on now with those that are next, where that is so. `rows` are they.
    pub(super) fn denied(&self, kept: &Kept, plan: &WidePlan, rows: &[Arc<JudgedFlow>]) -> Option<String> {
        let next: BTreeSet<&InstanceId> = rows.iter().map(|row| &row.flow.id).collect();
        let mut frozen = plan.frozen.clone();
        // Of the others nothing is known at this moment, and nothing is done to them.
        frozen.targets.retain(|target| next.contains(&target.id));
        let asked = Asked { under_way: true, ..Asked::of(kept) };
        self.gate.decide_wide(&frozen, &plan.blast, &asked, rows).denial()
    }

    /// Why it may not be started or gone on with now: policies may have changed, and roles may have been lost.
    fn withheld(&self, kept: &Kept, rows: &[Arc<JudgedFlow>]) -> Option<String> {
        let roles = self.gate.policing.policies.roles();
        if kept.approval.state != ApprovalState::Spent
            && let Some(why) = kept.approval.withholds(roles, self.now())
        {
            return Some(why);
        }
        let plan = match kept::read(&kept.plan, &kept.plan_hash) {
            Ok(plan) => plan,
            Err(error) => return Some(error.to_string()),
        };
        let decision = self.gate.decide_wide(&plan.frozen, &plan.blast, &Asked::of(kept), rows);
        if let Some(denied) = decision.denial() {
            return Some(denied);
        }
        let now_needed = Approval { needed: decision.needed, ..kept.approval.clone() };
        now_needed
            .missing_words(roles)
            .map(|missing| format!("more approvals are asked for than when it was requested: {missing}"))
    }

    /// That it is held because the process is left.
    pub(super) fn left(
        &self,
        id: &SafeText,
    ) -> impl AsyncFnOnce(&mut Writing<'_>) -> Result<(), LedgerError> + Send + 'static {
        let (id, now) = (id.to_string(), self.now());
        let draft = self.journal.draft(now, Action::Control, format!("remediation {id}"), serde_json::Value::Null);
        async move |writing: &mut Writing<'_>| {
            let Some(mut kept) = writing.remediation(&id).await?.filter(|kept| kept.state.runs()) else {
                return Ok(());
            };
            let counts = writing.counts(&id).await?;
            kept.state = WideState::Held;
            kept.changed_at = now;
            kept.outcome = format!("held, because Quarterdeck was left: {}; resume goes on anywhere", so_far(&counts));
            writing.stands(&kept).await?;
            let detail = json!({ "control": "hold", "text": kept.outcome });
            let (remediation, plan_hash) = (Some(kept.id), Some(kept.plan_hash));
            writing.audit(Draft { remediation, plan_hash, detail, ..draft }).await
        }
    }
}

/// An entry of what an automation did is its own, and not the operator's.
fn by_whom(draft: Draft, by: &SafeText) -> Draft {
    if is_automation(by) { Draft { actor: by.to_string(), trusted: Some(BY_RULE.to_owned()), ..draft } } else { draft }
}

/// `40 sent, 258 not sent`.
pub(super) fn so_far(counts: &ItemCounts) -> String {
    format!("{} sent, {} not sent", counts.sent(), counts.get(ItemState::Pending))
}
