//! What the state wants done, done: questions and acts against the hub, each as a task of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::cockpit::marks::MOST as MARKS_MOST;
use crate::cockpit::msg::{Answer, Ask, Msg, Target, Ticket};
use crate::domain::claim::ClaimRequest;
use crate::domain::text::SafeText;
use crate::domain::wide::Control;
use crate::ops::{Ops, OpsError, RequestOf, ReviewOf};
use crate::query::Filter;

/// How long a question may take. It is the hub's to be quicker than that; this is so that no screen waits for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked anew whenever something has changed costs no more than one part in so many of the time.
const SHARE: u32 = 10;

/// What has changed is asked for at least this often, whatever it costs.
const SELDOM: Duration = Duration::from_secs(1);

/// Asks one question.
pub(crate) async fn answer(ops: &dyn Ops, ask: Ask) -> Answer {
    match ask {
        Ask::Overview => Answer::Overview(patiently(ops.overview(&Filter::default())).await),
        Ask::Flows(query) => Answer::Flows(patiently(ops.flows(query)).await),
        Ask::Flow(id) => Answer::Flow(Box::new(patiently(ops.flow(&id)).await)),
        Ask::Plan(verb, id) => Answer::Plan(Box::new(patiently(ops.plan(verb, &id)).await)),
        Ask::Log => Answer::Log(patiently(ops.log()).await),
        Ask::Remediations => Answer::Remediations(patiently(ops.remediations()).await),
        Ask::Raw(id) => Answer::Raw(Box::new(patiently(ops.raw(&id)).await)),
        Ask::Pair([one, other]) => {
            let both = tokio::join!(patiently(ops.flow(&one)), patiently(ops.flow(&other)));
            Answer::Pair(Box::new(both.into()))
        }
        Ask::Ways(id) => Answer::Ways(patiently(ops.ways(&id)).await),
        Ask::Refresh => Answer::Refresh(patiently(ops.refresh(None)).await),
        Ask::Arm { lasting, reason } => Answer::Arm(patiently(ops.arm(lasting, &reason)).await.map(Some)),
        Ask::Disarm => Answer::Arm(patiently(ops.disarm()).await.map(|()| None)),
        Ask::Marked(selection) => Answer::Marked(patiently(ops.select(&selection, 0)).await),
        Ask::Rows(selection) => Answer::Rows(patiently(ops.select(&selection, MARKS_MOST)).await),
        Ask::Range(query) => Answer::Range(patiently(ops.flows(query)).await),
        Ask::Wides => Answer::Wides(patiently(ops.wide_remediations()).await),
        Ask::Older(before) => Answer::Older(patiently(ops.wide_remediations_before(&before, OLDER)).await),
        Ask::Wide(id) => Answer::Wide(Box::new(patiently(ops.wide_remediation(&id)).await)),
        Ask::Outside(most) => Answer::Outside(patiently(ops.outside(most)).await),
        Ask::InForce => Answer::InForce(patiently(ops.in_force()).await),
        Ask::Automations => Answer::Automations(patiently(ops.automations()).await),
        Ask::Drift(query) => Answer::Drift(patiently(ops.drift(&query)).await),
        Ask::Ignore(ignore) => Answer::Decided(Box::new(patiently(ops.ignore(&ignore)).await)),
        Ask::Adopt(adopt) => Answer::Decided(Box::new(patiently(ops.adopt(&adopt)).await)),
        Ask::Suspects(cohort) => Answer::Suspects(Box::new(patiently(ops.suspects(&cohort)).await)),
        Ask::Latency(query) => Answer::Latency(Box::new(patiently(ops.latency(&query)).await)),
        Ask::Tenants(query) => Answer::Tenants(query.text.clone(), patiently(ops.tenants(&query)).await),
        Ask::Tenant(id) => Answer::Tenant(Box::new(patiently(ops.tenant(&id)).await)),
        Ask::Timeline(query) => {
            let answer = patiently(ops.timeline(&query)).await;
            Answer::Timeline(Box::new(query), answer)
        }
        Ask::Watched(id) => Answer::Watched(Box::new(patiently(ops.tenant(&id)).await)),
        Ask::Reveal { tenant, field, reason } => {
            let answer = patiently(ops.reveal(&tenant, &field, &reason)).await;
            Answer::Reveal((tenant, field), answer)
        }
        Ask::Events(query) => Answer::Events(Box::new(patiently(ops.events(&query)).await)),
        Ask::Event(number) => Answer::Event(Box::new(patiently(ops.event(number)).await)),
        Ask::Recheck(id) => Answer::Recheck(Box::new(patiently(ops.recheck(&id)).await)),
        Ask::PlanOfMany(wish) => Answer::PlanOfMany(Box::new(patiently(ops.plan_of_many(&wish)).await)),
        Ask::Runbooks(selection) => Answer::Runbooks(patiently(ops.runbooks(Some(&selection))).await),
        Ask::Deployments(of) => Answer::Deployments(patiently(ops.deployments(&of)).await),
        Ask::PlanRollback(id) => Answer::PlanOfMany(Box::new(patiently(ops.plan_rollback(&id)).await)),
        Ask::Counts(filters) => Answer::Counts(patiently(ops.counts(&filters)).await),
    }
}

/// How many older remediations are asked for at once.
const OLDER: u32 = 1_000;

async fn patiently<T>(question: impl Future<Output = Result<T, OpsError>>) -> Result<T, OpsError> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(answer) => answer,
        Err(_) => Err(OpsError::Source("no answer within 30 s".into())),
    }
}

/// Runs questions and acts, and sends their answers back as messages.
pub(super) struct Performer {
    ops: Arc<dyn Ops>,
    replies: mpsc::Sender<Msg>,
    /// What is to be asked once everything that has come was taken.
    next: HashMap<Target, (Ticket, Ask)>,
    /// What was asked because of something that the operator did, by its kind.
    awaited: HashMap<Target, Ticket>,
    asking: HashMap<Target, JoinHandle<()>>,
    /// How long the last answers took that are asked for again and again, in microseconds.
    took: Arc<[AtomicU64; 2]>,
}

impl Performer {
    pub(super) fn new(ops: Arc<dyn Ops>, replies: mpsc::Sender<Msg>) -> Self {
        let (next, awaited, asking) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { ops, replies, next, awaited, asking, took: Arc::default() }
    }

    /// How long to wait after a change before it is asked what there is now, so that a fleet that changes without end
    /// leaves time for everything else.
    pub(super) fn pause(&self) -> Duration {
        let took: u64 = self.took.iter().map(|took| took.load(Ordering::Relaxed)).sum();
        (Duration::from_micros(took) * SHARE).min(SELDOM)
    }

    /// Notes a question. The newest one of a kind is the only one: of a word that comes at once each letter asks.
    pub(super) fn ask(&mut self, ticket: Ticket, ask: Ask) {
        self.next.insert(ticket.target, (ticket, ask));
    }

    /// Asks what was noted. `by_hand`: because of something that the operator did, who waits for the answer.
    pub(super) fn begin(&mut self, by_hand: bool) {
        for (target, (ticket, ask)) in std::mem::take(&mut self.next) {
            // What is asked anew of itself takes the place of what was awaited, and is awaited like that.
            if by_hand || self.awaited.contains_key(&target) {
                self.awaited.insert(target, ticket);
            }
            self.begin_one(ticket, ask);
        }
    }

    /// Whether this is the answer that the operator waits for. It is not waited for any longer.
    pub(super) fn is_awaited(&mut self, ticket: Ticket) -> bool {
        let awaited = self.awaited.get(&ticket.target) == Some(&ticket);
        if awaited {
            self.awaited.remove(&ticket.target);
        }
        awaited
    }

    /// Asks. The question of this kind that was asked before is ended: nobody wants its answer any more.
    fn begin_one(&mut self, ticket: Ticket, ask: Ask) {
        let (ops, replies) = (Arc::clone(&self.ops), self.replies.clone());
        let took = Arc::clone(&self.took);
        let task = tokio::spawn(async move {
            let asked = Instant::now();
            let answer = answer(&*ops, ask).await;
            let place = match ticket.target {
                Target::Overview => Some(0),
                Target::Flows => Some(1),
                _ => None,
            };
            if let Some(took) = place.and_then(|place| took.get(place)) {
                let micros = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
                took.store(micros, Ordering::Relaxed);
            }
            // Nobody listens any more once the cockpit is being left.
            let _ = replies.send(Msg::Reply(ticket, answer)).await;
        });
        if let Some(older) = self.asking.insert(ticket.target, task) {
            older.abort();
        }
    }

    /// Carries a plan out. Never ended and never timed out from here: the hub records it and tells how it went.
    pub(super) fn act(&self, ticket: Ticket, plan_hash: SafeText, reason: String) {
        let (ops, replies) = (Arc::clone(&self.ops), self.replies.clone());
        tokio::spawn(async move {
            let answer = ops.remediate(&plan_hash, &reason).await;
            let _ = replies.send(Msg::Reply(ticket, Answer::Act(Box::new(answer)))).await;
        });
    }

    /// Asks that a plan of many be carried out. Like an act it is asked for once, and never ended from here.
    pub(super) fn request(&self, ticket: Ticket, request: RequestOf) {
        let (ops, replies) = (Arc::clone(&self.ops), self.replies.clone());
        tokio::spawn(async move {
            let answer = ops.request(&request).await;
            let _ = replies.send(Msg::Reply(ticket, Answer::Request(answer))).await;
        });
    }

    /// Approves or denies what was asked for, once.
    pub(super) fn review(&self, ticket: Ticket, review: ReviewOf) {
        let (ops, replies) = (Arc::clone(&self.ops), self.replies.clone());
        tokio::spawn(async move {
            let answer = ops.review(&review).await;
            let _ = replies.send(Msg::Reply(ticket, Answer::WideReview(answer))).await;
        });
    }

    /// Starts, holds, resumes or ends a remediation of many. What is asked for later ends nothing of this.
    pub(super) fn control(&self, ticket: Ticket, id: SafeText, control: Control) {
        let (ops, replies) = (Arc::clone(&self.ops), self.replies.clone());
        tokio::spawn(async move {
            let answer = ops.control(&id, control).await;
            let _ = replies.send(Msg::Reply(ticket, Answer::Control(control, answer))).await;
        });
    }

    /// Notes that something is armed again, once.
    pub(super) fn rearm(&self, ticket: Ticket, id: SafeText, reason: String) {
        let (ops, replies) = (Arc::clone(&self.ops), self.replies.clone());
        tokio::spawn(async move {
            let answer = ops.rearmed(&id, &reason).await;
            let _ = replies.send(Msg::Reply(ticket, Answer::Rearm(answer))).await;
        });
    }

    /// Records a claim. Like an act it is asked for once, and never ended from here.
    pub(super) fn claim(&self, ticket: Ticket, request: ClaimRequest) {
        let (ops, replies) = (Arc::clone(&self.ops), self.replies.clone());
        tokio::spawn(async move {
            let answer = ops.claim(request).await;
            let _ = replies.send(Msg::Reply(ticket, Answer::Claim(answer))).await;
        });
    }
}

impl Drop for Performer {
    fn drop(&mut self) {
        for task in self.asking.values() {
            task.abort();
        }
    }
}
