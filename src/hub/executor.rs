//! Acts: planned from a fresh look, sent once, recorded before and after, and watched until the outcome is seen.
//!
//! Nothing here sends a request twice. An act whose answer was lost is `unknown`, and from then on it is only looked
//! at: its postcondition may still be seen, and then it is verified.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::journal::{Journal, Left, Sending};
use super::ledger::LedgerError;
use super::own::OwnActs;
use super::source::Clock;
use super::verify::{Baseline, Effect, Outcome, WATCH_AT_MOST, answered, effect, final_word};
use crate::connect::{Act, ActAnswer, ConnectError, Connector, Reading};
use crate::domain::deployment::Pinned;
use crate::domain::flow::{FlowInstance, Status};
use crate::domain::hash::digest;
use crate::domain::ids::InstanceId;
use crate::domain::plan::{PLAN_LIFE, Parameters};
use crate::domain::policy::PolicyDecision;
use crate::domain::remediation::{ItemState, Plan, Remediation, Verb, VerbOffer};
use crate::domain::text::SafeText;
use crate::domain::verdict::Judgement;
use crate::ops::OpsError;

/// How often the effect of an act is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many acts are remembered; the record on disk keeps them all.
const REMEMBERED: usize = 200;

/// Why an instance can be shown and nothing else, where scrubbing or cutting changed its id.
pub(super) const INEXACT: &str = "its id is too long or holds hidden characters, so it can't be named exactly";

/// What plans and carries out.
pub(super) struct Executor {
    operator: SafeText,
    soak: SignedDuration,
    journal: Arc<Journal>,
    clock: Clock,
    changed: Arc<dyn Fn() + Send + Sync>,
    plans: Mutex<HashMap<SafeText, (Plan, Baseline)>>,
    acts: Mutex<Vec<Remediation>>,
}

/// Why a verb can't be had for an instance in its present state; `None` where it can.
fn unfit(verb: Verb, flow: &FlowInstance) -> Option<&'static str> {
    if !flow.exact_id {
        return Some(INEXACT);
    }
    match (verb, flow.status) {
        // What is told of drift is asked of findings: `hub/drifting`.
        (Verb::Reconcile | Verb::Restore, _) => Some("it is an instance of a flow, which does not drift"),
        (_, Status::Unknown) => Some("the source can't say what state it is in"),
        (Verb::RestartAsNew | Verb::Purge, status) if status.ended() => None,
        (Verb::RestartAsNew | Verb::Purge, _) => Some("it has not ended"),
        (_, status) if status.ended() => Some("it has ended"),
        (Verb::Resume | Verb::Pause, Status::Scheduled | Status::Queued) => Some("it has not begun"),
        (Verb::Resume, Status::Running | Status::Compensating) => Some("it is running"),
        (Verb::Resume, Status::Waiting) => Some("it waits; there is no failed step to go on from"),
        (Verb::Pause, Status::Paused) => Some("it is paused"),
        (Verb::Resume | Verb::Pause | Verb::Cancel | Verb::Kill, _) => None,
    }
}

/// Why a verb can't be had for an instance through its connector; `None` where it can.
pub(super) fn refusal(connector: &dyn Connector, verb: Verb, flow: &FlowInstance) -> Option<SafeText> {
    connector.refuses_acts().or_else(|| {
        if connector.verbs().contains(&verb) {
            let named = flow.exact_id && flow.status != Status::Unknown;
            match connector.own_rule(verb, flow).filter(|_| named) {
                Some(own) => own.err(),
                None => unfit(verb, flow).map(SafeText::from),
            }
        } else {
            Some(format!("not supported by {}", connector.kind()).into())
        }
    })
}

/// Every verb for one instance, those that can't be had with the reason.
pub(super) fn offers(connector: &dyn Connector, flow: &FlowInstance, read_only: Option<&SafeText>) -> Vec<VerbOffer> {
    let offer = |verb| {
        let refusal = read_only.cloned().or_else(|| refusal(connector, verb, flow));
        VerbOffer { verb, refusal, needs: None }
    };
    Verb::OF_FLOWS.into_iter().map(offer).collect()
}

/// The hash that a plan's request must carry: over the canonical JSON (RFC 8785) of what is to be done to whom.
fn plan_hash(verb: Verb, target: &InstanceId, version: &str) -> SafeText {
    // Sorted keys, no white space, and plain strings as values: that is the canonical form.
    let canonical = serde_json::json!({
        "source": target.source.as_str(), "target": target.instance.as_str(), "verb": verb.name(), "version": version,
    });
    digest(&[&canonical.to_string()], 32)
}

impl Executor {
    /// Where everything is recorded.
    pub(super) const fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    pub(super) fn new(
        operator: &str,
        soak: SignedDuration,
        journal: Arc<Journal>,
        clock: Clock,
        changed: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            operator: operator.into(),
            soak,
            journal,
            clock,
            changed,
            plans: Mutex::default(),
            acts: Mutex::default(),
        }
    }

    fn acts(&self) -> MutexGuard<'_, Vec<Remediation>> {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plans(&self) -> MutexGuard<'_, HashMap<SafeText, (Plan, Baseline)>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The acts, the newest first.
    pub(super) fn remediations(&self) -> Vec<Remediation> {
        self.acts().iter().rev().cloned().collect()
    }

    /// Freezes what a verb would do to the instance that was just read.
    pub(super) fn plan(&self, connector: &dyn Connector, verb: Verb, reading: &Reading, judgement: &Judgement) -> Plan {
        let now = (self.clock)();
        let flow = &reading.detail.flow;
        let mut warnings = Vec::new();
        if let (Verb::Resume, Some(at)) = (verb, reading.last_failure_at) {
            let ago = crate::domain::time::words(crate::domain::time::since(at, reading.engine_now));
            warnings.push(format!("it last failed {ago} ago; if the cause is still there it will fail again").into());
        }
        if let (Verb::Resume, Some(apart)) = (verb, reading.pinned.as_ref().and_then(Pinned::apart)) {
            warnings.push(apart.into());
        }
        let plan = Plan {
            hash: plan_hash(verb, &flow.id, flow.version.as_str()),
            verb,
            target: flow.id.clone(),
            version: flow.version.as_str().into(),
            flow: flow.flow.clone(),
            step: flow.step.clone(),
            tenant: flow.tenant.clone(),
            status: flow.status,
            evidence: judgement.primary().map(|finding| finding.evidence.clone()),
            error: flow.error.as_ref().map(|error| error.text.clone()),
            effect: connector.effect(verb, flow),
            warnings,
            policy: PolicyDecision::default(),
            read_at: now,
            expires_at: now.saturating_add(PLAN_LIFE).unwrap_or(now),
        };
        let mut plans = self.plans();
        plans.retain(|_, (plan, _)| plan.expires_at > now);
        plans.insert(plan.hash.clone(), (plan.clone(), Baseline::of(reading)));
        plan
    }

    /// The plan of this hash, while it may be carried out. It is spent by [`Executor::begin`] alone.
    pub(super) fn planned(&self, hash: &str) -> Result<Plan, OpsError> {
        let plans = self.plans();
        let spent = || OpsError::Refused("this plan was carried out already, or was never made; make a new one".into());
        let (plan, _) = plans.get(&SafeText::from(hash)).ok_or_else(spent)?;
        if plan.expires_at <= (self.clock)() {
            return Err(OpsError::Refused("this plan has expired; make a new one".into()));
        }
        Ok(plan.clone())
    }

    /// Records that a plan is to be carried out; where that can't be, it is not.
    pub(super) async fn attempt(&self, plan: &Plan, reason: &str) -> Result<(), OpsError> {
        let reason = SafeText::clipped(reason.trim(), 500);
        let recorded = self.journal.attempt((self.clock)(), plan, &reason).await;
        recorded.map_err(|error| unrecorded(&error))
    }

    /// Records that something was refused. `subject` is what it was asked for.
    pub(super) async fn refused(&self, plan_hash: &str, subject: &str, why: &OpsError) {
        self.journal.refusal((self.clock)(), plan_hash, subject, &why.to_string()).await;
    }

    /// The acts of our own since a moment.
    pub(super) async fn own_acts(&self, since: Timestamp) -> Result<OwnActs, LedgerError> {
        self.journal.own_acts(since).await
    }

    /// Records what an act would do, or why it can't be had.
    pub(super) async fn dry_run(&self, verb: Verb, target: &InstanceId, plan: Result<&Plan, &OpsError>) {
        let why = plan.err().map(ToString::to_string);
        let plan = plan.map_err(|_| why.as_deref().unwrap_or_default());
        self.journal.dry_run((self.clock)(), verb, target, plan).await;
    }

    /// Spends a plan: records the request and sends it, once. `fresh` is a reading of the target of just now.
    pub(super) async fn begin(
        self: &Arc<Self>,
        connector: Arc<dyn Connector>,
        plan: Plan,
        reason: &str,
        fresh: &Reading,
    ) -> Result<Remediation, OpsError> {
        let seen = fresh.detail.flow.version.as_str();
        if seen != plan.version.as_str() {
            self.plans().remove(&plan.hash);
            let status = fresh.detail.flow.status.words();
            let why = format!("it has changed since the plan was made: now {status} in {}", fresh.detail.flow.step);
            return Err(OpsError::Changed(
                format!("{why} (version {seen}, was {}); nothing was sent", plan.version).into(),
            ));
        }
        // Taking it out is what makes it single-use: of two requests in one instant one finds nothing.
        let taken = self.plans().remove(&plan.hash);
        if taken.is_none() {
            return Err(OpsError::Refused("this plan was carried out already".into()));
        }
        let now = (self.clock)();
        let id = digest(&[&plan.hash, &now.as_nanosecond().to_string(), &self.operator], 6);
        let before = Baseline::of(fresh);
        let reason = SafeText::clipped(reason.trim(), 500);
        let sending = Sending {
            verb: plan.verb,
            source: plan.target.source.to_string(),
            instance: plan.target.instance.to_string(),
            version: plan.version.to_string(),
            flow: plan.flow.to_string(),
            plan_hash: plan.hash.to_string(),
            reason: reason.to_string(),
            requested_by: self.operator.to_string(),
            tenant: fresh.detail.flow.tenant.as_ref().map(SafeText::to_string),
            before: before.clone(),
        };
        let remediation = Remediation {
            id: id.clone(),
            reason,
            requested_by: self.operator.clone(),
            requested_at: now,
            item: ItemState::Pending,
            ended: false,
            outcome: "being sent".into(),
            log: vec![(now, format!("{} requested", plan.verb.label()).into())],
            answered: None,
            watched_until: None,
            plan,
        };
        // A task of its own: whoever asked may go away while it is being recorded, and what is recorded is carried out.
        let this = self.clone();
        let begun = tokio::spawn(async move {
            this.journal.sending(now, &id, sending).await.map_err(|error| unrecorded(&error))?;
            let (verb, instance) = (remediation.plan.verb.name(), &remediation.plan.target.instance);
            tracing::info!(source = %remediation.plan.target.source, act = %id, verb, %instance, "an act is sent");
            this.remember(remediation.clone());
            let carrying = this.clone();
            tokio::spawn(async move { carrying.carry_out(connector, id, before).await });
            Ok(remediation)
        });
        begun.await.unwrap_or_else(|error| Err(unrecorded(&error)))
    }

    /// Takes up the acts whose process ended while they ran: they are looked at again, and never sent again.
    pub(super) fn take_up(self: &Arc<Self>, connector_of: impl Fn(&str) -> Option<Arc<dyn Connector>>) {
        for Left { id, at, sending } in self.journal.unfinished() {
            let Sending { verb, source, instance, version, flow, plan_hash, reason, requested_by, before, .. } =
                sending;
            // An act on a source of another context is that context's to take up.
            let Some(connector) = connector_of(&source) else { continue };
            let id = SafeText::from(id);
            self.remember(Remediation {
                id: id.clone(),
                plan: Plan {
                    hash: plan_hash.into(),
                    verb,
                    target: InstanceId::new(source, instance),
                    version: version.into(),
                    flow: flow.into(),
                    step: before.step.as_str().into(),
                    tenant: None,
                    status: Status::Unknown,
                    evidence: None,
                    error: None,
                    effect: SafeText::default(),
                    warnings: Vec::new(),
                    policy: PolicyDecision::default(),
                    read_at: at,
                    expires_at: at,
                },
                reason: reason.into(),
                requested_by: requested_by.into(),
                requested_at: at,
                item: ItemState::Unknown,
                ended: false,
                outcome: "the process ended while it ran; looking what became of it".into(),
                log: vec![(at, format!("{} requested", verb.label()).into())],
                answered: None,
                watched_until: None,
            });
            let this = self.clone();
            tokio::spawn(async move { this.watch(connector, id, before, None).await });
        }
    }

    async fn carry_out(self: Arc<Self>, connector: Arc<dyn Connector>, id: SafeText, before: Baseline) {
        let Some(plan) = self.find(&id).map(|act| act.plan) else { return };
        let act = Act {
            verb: plan.verb,
            instance: plan.target.instance.clone(),
            parameters: Parameters::new(),
            key: id.clone(),
        };
        let answer = connector.act(&act).await;
        let began = if let ActAnswer::Began(id) = &answer { Some(id.clone()) } else { None };
        let (state, words) = answered(&answer);
        let recorded = self.journal.answered((self.clock)(), &id, &plan, state, &words).await;
        self.tell(&id, state, words.clone());
        self.change(&id, |act| act.answered = matches!(state, ItemState::Accepted | ItemState::Done).then_some(state));
        if let Err(error) = recorded {
            self.tell(&id, state, format!("the answer can't be recorded: {error}").into());
        }
        if state == ItemState::Failed {
            self.end(&id, state, words).await;
        } else {
            self.watch(connector, id, before, began).await;
        }
    }

    /// Looks at the target until its outcome is seen or the soak is over. While the engine is known to have taken the
    /// act, and its target neither fails nor gets on, the soak has not begun: some steps take long.
    async fn watch(
        self: Arc<Self>,
        connector: Arc<dyn Connector>,
        id: SafeText,
        before: Baseline,
        mut successor: Option<SafeText>,
    ) {
        let Some(act) = self.find(&id) else { return };
        let soak = Duration::try_from(self.soak).unwrap_or_default();
        let begun = Instant::now();
        let mut deadline = begun + soak;
        let taken = act.item != ItemState::Unknown;
        let until =
            |left: Duration| SignedDuration::try_from(left).ok().and_then(|left| (self.clock)().checked_add(left).ok());
        self.change(&id, |act| act.watched_until = until(soak));
        let mut said = SafeText::default();
        let last = loop {
            let seen = look(&*connector, &act.plan, &before, &mut successor).await;
            if let Ok(Effect::Held(words) | Effect::Missed(words)) = &seen {
                let verified = matches!(seen, Ok(Effect::Held(_)));
                let (state, words) =
                    self.final_word(&id, if verified { Outcome::Held } else { Outcome::Missed }, words);
                return self.end(&id, state, words).await;
            }
            let words = words_of(&seen);
            if words != said {
                self.note(&id, words.clone());
                said = words;
            }
            let now = Instant::now();
            if taken && matches!(seen, Ok(Effect::Pending(_))) {
                deadline = deadline.max((now + soak).min(begun + WATCH_AT_MOST));
                self.change(&id, |act| act.watched_until = until(deadline.saturating_duration_since(now)));
            }
            let left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                break seen;
            }
            tokio::time::sleep(LOOK_EVERY.min(left)).await;
        };
        let (outcome, words) = match last {
            Ok(effect) => effect.at_the_end(),
            Err(error) => (Outcome::Unseen, format!("it can't be looked at: {error}").into()),
        };
        let (state, words) = self.final_word(&id, outcome, &words);
        self.end(&id, state, words).await;
    }

    /// As [`final_word`], for an act that is remembered.
    fn final_word(&self, id: &str, outcome: Outcome, seen: &SafeText) -> (ItemState, SafeText) {
        let answered = self.find(id).is_none_or(|act| act.item != ItemState::Unknown);
        final_word(outcome, answered, self.soak, seen)
    }

    fn remember(&self, act: Remediation) {
        let mut acts = self.acts();
        acts.push(act);
        let surplus = acts.len().saturating_sub(REMEMBERED);
        let mut kept = 0;
        // Only what has ended may be forgotten.
        acts.retain(|act| {
            let forget = kept < surplus && act.ended;
            kept += usize::from(forget);
            !forget
        });
        drop(acts);
        (self.changed)();
    }

    fn find(&self, id: &str) -> Option<Remediation> {
        self.acts().iter().find(|act| act.id == *id).cloned()
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Remediation)) {
        if let Some(act) = self.acts().iter_mut().find(|act| act.id == *id) {
            change(act);
        }
        (self.changed)();
    }

    fn note(&self, id: &str, words: SafeText) {
        let now = (self.clock)();
        self.change(id, |act| {
            act.outcome = words.clone();
            act.log.push((now, words));
        });
    }

    fn tell(&self, id: &str, state: ItemState, words: SafeText) {
        self.change(id, |act| act.item = state);
        self.note(id, words);
    }

    async fn end(&self, id: &str, state: ItemState, words: SafeText) {
        let mut recorded = Ok(());
        if let Some(act) = self.find(id) {
            recorded = self.journal.ended((self.clock)(), id, &act.plan, state, &words).await;
            let verb = act.plan.verb.name();
            tracing::info!(source = %act.plan.target.source, act = id, verb, state = state.name(), outcome = %words, "an act ended");
        }
        self.tell(id, state, words);
        if let Err(error) = recorded {
            self.note(id, format!("the outcome can't be recorded: {error}").into());
        }
        self.change(id, |act| act.ended = true);
    }
}

/// That nothing is done, because it can't be recorded.
fn unrecorded(error: &dyn std::fmt::Display) -> OpsError {
    OpsError::Journal(format!("nothing was sent, because it can't be recorded: {error}").into())
}

/// What is to be seen of an act now. `successor` is the instance that a restart began, as soon as that
/// is known.
async fn look(
    connector: &dyn Connector,
    plan: &Plan,
    before: &Baseline,
    successor: &mut Option<SafeText>,
) -> Result<Effect, ConnectError> {
    let target = &plan.target.instance;
    if plan.verb != Verb::RestartAsNew {
        return Ok(effect(plan.verb, before, connector.read(target).await?.as_ref()));
    }
    if successor.is_none() {
        *successor = connector.successor(target, before.engine_now).await?;
    }
    match successor {
        None => Ok(Effect::Pending("no instance was begun from it".into())),
        Some(id) => Ok(effect(plan.verb, before, connector.read(id).await?.as_ref())),
    }
}

fn words_of(seen: &Result<Effect, ConnectError>) -> SafeText {
    match seen {
        Ok(effect) => effect.words().clone(),
        Err(error) => format!("it can't be looked at: {error}").into(),
    }
}
