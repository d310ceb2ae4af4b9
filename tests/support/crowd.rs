//! A crowd of instances in memory, each of which is paused, or still tries, until it is acted on: whom it was asked to act on and with
//! which keys, what it answers, and what is to be seen then. A test may look in at each question that it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use quarterdeck::connect::{Act, ActAnswer, ConnectError, Connector, EngineCount, Observation, Reading};
use quarterdeck::domain::flow::{FlowDetail, FlowError, FlowInstance, PauseCause, Status, Version};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::raw::RawFlow;
use quarterdeck::domain::redact::Redactor;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::run::Attempts;
use quarterdeck::domain::signs::Signs;
use quarterdeck::domain::text::SafeText;
use quarterdeck::domain::ways::Ways;
use tokio::sync::mpsc;

/// The name of the source.
pub const CROWD: &str = "crowd";

/// The flow of all of them.
pub const FLOW: &str = "Migration/run";

/// What becomes of an instance that is acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It succeeds.
    Succeeds,
    /// It is paused again with this error.
    FailsAgain(&'static str),
    /// The engine says no.
    Refused,
    /// The act arrives, its answer is lost, and the instance succeeds.
    Lost,
    /// The act never arrives, and nobody can say so.
    Vanished,
}

#[derive(Debug, Clone)]
struct One {
    status: Status,
    completed: u64,
    error: &'static str,
    failed_at: Timestamp,
    /// Whether somebody has paused it.
    held: bool,
}

/// What it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// To look.
    Look,
    /// To act on an instance.
    Act(String),
}

/// Who looks in.
type Watcher = Box<dyn FnMut(&Asked) + Send>;

#[derive(Clone)]
struct Inner {
    all: BTreeMap<String, One>,
    fate: Fate,
    own: BTreeMap<String, Fate>,
    /// By what was done.
    by_verb: Vec<(Verb, Fate)>,
    /// Who is changed by somebody else once this was done to it and seen.
    changes_after: BTreeMap<String, Verb>,
    keys: Vec<(String, String)>,
    /// What was done to whom.
    done: Vec<(String, Verb)>,
    /// Whether one that is resumed goes on without an end.
    goes_on: bool,
    unreachable: bool,
}

/// The crowd.
pub struct Crowd {
    inner: Mutex<Inner>,
    watcher: Mutex<Option<Watcher>>,
}

/// What they fail with at first.
pub const ERROR: &str = "relation plans does not exist";

impl Crowd {
    /// So many, named i000, i001 …
    pub fn of(count: usize) -> Arc<Self> {
        Self::in_state(count, Status::Paused)
    }

    /// So many that still try.
    pub fn retrying(count: usize) -> Arc<Self> {
        Self::in_state(count, Status::BackingOff)
    }

    fn in_state(count: usize, status: Status) -> Arc<Self> {
        let failed_at = Timestamp::now() - SignedDuration::from_mins(5);
        let one = One { status, completed: 2, error: ERROR, failed_at, held: false };
        let all = (0..count).map(|n| (name(n), one.clone())).collect();
        let inner = Inner {
            all,
            fate: Fate::Succeeds,
            own: BTreeMap::new(),
            by_verb: Vec::new(),
            changes_after: BTreeMap::new(),
            keys: Vec::new(),
            done: Vec::new(),
            goes_on: false,
            unreachable: false,
        };
        Arc::new(Self { inner: Mutex::new(inner), watcher: Mutex::new(None) })
    }

    /// The same crowd, as it is now, for another future.
    pub fn as_it_is(&self) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::new(self.inner().clone()), watcher: Mutex::new(None) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// What becomes of those that are acted on from now on.
    pub fn fate(&self, fate: Fate) {
        self.inner().fate = fate;
    }

    /// What becomes of this one.
    pub fn fate_of(&self, n: usize, fate: Fate) {
        self.inner().own.insert(name(n), fate);
    }

    /// What becomes of those to whom this is done.
    pub fn fate_of_verb(&self, verb: Verb, fate: Fate) {
        self.inner().by_verb.push((verb, fate));
    }

    /// Whether one that is resumed goes on without an end, a step further.
    pub fn never_ends(&self, never: bool) {
        self.inner().goes_on = never;
    }

    /// Somebody else acts on this one once this was done to it and somebody has seen it.
    pub fn changes_after(&self, n: usize, verb: Verb) {
        self.inner().changes_after.insert(name(n), verb);
    }

    /// What was done to this one, in its order.
    pub fn done_to(&self, n: usize) -> Vec<Verb> {
        let of = name(n);
        self.inner().done.iter().filter(|(instance, _)| *instance == of).map(|(_, verb)| *verb).collect()
    }

    /// One more act on this one has arrived before anybody looks: the next in turn.
    pub fn arrived_in_turn(&self, instance: &str, turn: &[Verb]) {
        if let Some(one) = self.inner().all.get_mut(instance) {
            let before = usize::from(one.status != Status::BackingOff);
            if turn.get(before) == Some(&Verb::Pause) {
                (one.status, one.held) = (Status::Paused, true);
            } else {
                (one.status, one.held) = (Status::Succeeded, false);
                one.completed += 1;
            }
        }
    }

    /// Whether it can be asked at all.
    pub fn reachable(&self, reachable: bool) {
        self.inner().unreachable = !reachable;
    }

    /// Somebody else has acted on this one.
    pub fn changes(&self, n: usize) {
        if let Some(one) = self.inner().all.get_mut(&name(n)) {
            one.completed += 1;
        }
    }

    /// This one failed just now, once more.
    pub fn fails(&self, n: usize) {
        if let Some(one) = self.inner().all.get_mut(&name(n)) {
            one.failed_at = Timestamp::now();
        }
    }

    /// Somebody else lets this one go on trying.
    pub fn goes_on(&self, n: usize) {
        if let Some(one) = self.inner().all.get_mut(&name(n)) {
            (one.status, one.held) = (Status::BackingOff, false);
        }
    }

    /// This one is as it was at first, and tries.
    pub fn goes_back(&self, n: usize) {
        if let Some(one) = self.inner().all.get_mut(&name(n)) {
            (one.status, one.completed, one.held) = (Status::BackingOff, 2, false);
        }
    }

    /// How this one stands.
    pub fn status(&self, n: usize) -> Status {
        self.inner().all[&name(n)].status
    }

    /// An act on this one has arrived before anybody looks.
    pub fn arrived(&self, instance: &str) {
        if let Some(one) = self.inner().all.get_mut(instance) {
            one.status = Status::Succeeded;
            one.completed += 1;
        }
    }

    /// The instances that it was told to act on, in the order of the acts.
    pub fn acted_on(&self) -> Vec<String> {
        self.inner().keys.iter().map(|(instance, _)| instance.clone()).collect()
    }

    /// The keys that came more than once.
    pub fn twice(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.inner().keys.iter().filter(|(_, key)| !seen.insert(key.clone())).map(|(_, key)| key.clone()).collect()
    }

    /// Looks in at each question, before it is answered.
    pub fn watch(&self, watcher: impl FnMut(&Asked) + Send + 'static) {
        *self.watcher.lock().unwrap() = Some(Box::new(watcher));
    }

    fn asked(&self, asked: &Asked) {
        if let Some(watcher) = &mut *self.watcher.lock().unwrap() {
            watcher(asked);
        }
    }

    fn flow(instance: &str, one: &One, now: Timestamp) -> FlowInstance {
        let error = FlowError::new(None, one.error, &[], &Redactor::default());
        FlowInstance {
            id: InstanceId::new(CROWD, instance),
            exact_id: true,
            flow: FLOW.into(),
            step: "apply".into(),
            tenant: Some(format!("tenant-{instance}").into()),
            key: None,
            status: one.status,
            pause: (one.status == Status::Paused).then_some(if one.held {
                PauseCause::Held
            } else {
                PauseCause::Exhausted
            }),
            attempts: None,
            created_at: None,
            entered_step_at: None,
            last_transition_at: (one.status == Status::Paused).then_some(one.failed_at),
            first_failure_at: None,
            last_start_at: None,
            next_retry_at: None,
            error: (!one.status.ended()).then_some(error),
            wait: None,
            signs: Signs::default(),
            completed_commands: one.completed,
            version: Version::of(one.status, None, one.completed, ""),
            observed_at: now,
        }
    }
}

/// The name of one of them.
pub fn name(n: usize) -> String {
    format!("i{n:03}")
}

/// The crowd as a hub sees it.
pub struct Wire(pub Arc<Crowd>);

#[async_trait]
impl Connector for Wire {
    fn kind(&self) -> &'static str {
        "crowd"
    }

    fn address(&self) -> SafeText {
        "in memory".into()
    }

    fn verbs(&self) -> &'static [Verb] {
        &Verb::OF_FLOWS
    }

    fn effect(&self, _: Verb, _: &FlowInstance) -> SafeText {
        "it goes on".into()
    }

    async fn check(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let now = Timestamp::now();
        let (flows, unreachable) = {
            let inner = self.0.inner();
            let open = inner.all.iter().filter(|(_, one)| !one.status.ended());
            (open.map(|(id, one)| Crowd::flow(id, one, now)).collect::<Vec<_>>(), inner.unreachable)
        };
        if unreachable {
            return Err(ConnectError::Unreachable("connection refused".into()));
        }
        let count = EngineCount {
            flow: FLOW.into(),
            step: "apply".into(),
            open: flows.len() as u64,
            waiting: 0,
            held: 0,
            failed: 0,
        };
        let parts = [
            Observation::Counts(vec![count]),
            Observation::Flows(flows),
            Observation::End { complete: true, engine_now: Some(now), version: None },
        ];
        for part in parts {
            sink.send(part).await.map_err(|_| ConnectError::Ended)?;
        }
        Ok(())
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        self.0.asked(&Asked::Look);
        let engine_now = Timestamp::now();
        let mut inner = self.0.inner();
        if inner.unreachable {
            return Err(ConnectError::Unreachable("connection refused".into()));
        }
        let done = inner.done.clone();
        let seen = |verb: Verb| done.iter().any(|(one, of)| one == instance && *of == verb);
        let changed = inner.changes_after.get(instance).copied().filter(|verb| seen(*verb));
        let reading = inner.all.get(instance).map(|one| Reading {
            detail: FlowDetail {
                flow: Crowd::flow(instance, one, engine_now),
                error: Vec::new(),
                timeline: Vec::new(),
                runs: Vec::new(),
                attempts: Attempts::default(),
                facts: Vec::new(),
            },
            engine_now,
            last_failure_at: Some(one.failed_at),
            pinned: None,
        });
        if let Some(one) = inner.all.get_mut(instance).filter(|_| changed.is_some()) {
            one.completed += 1;
        }
        if changed.is_some() {
            inner.changes_after.remove(instance);
        }
        Ok(reading)
    }

    async fn raw(&self, _: &str) -> Result<Option<RawFlow>, ConnectError> {
        Ok(None)
    }

    fn ways(&self, _: &str, _: &str) -> Ways {
        Ways::default()
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        self.0.asked(&Asked::Act(act.instance.to_string()));
        let mut inner = self.0.inner();
        let by_verb = inner.by_verb.iter().find(|(verb, _)| *verb == act.verb).map(|(_, fate)| fate.clone());
        let fate = inner.own.get(act.instance.as_str()).cloned().or(by_verb).unwrap_or_else(|| inner.fate.clone());
        let goes_on = inner.goes_on;
        if fate == Fate::Vanished {
            return ActAnswer::Unknown("the connection was closed".into());
        }
        inner.keys.push((act.instance.to_string(), act.key.to_string()));
        let Some(one) = inner.all.get_mut(act.instance.as_str()) else { return ActAnswer::Gone("no such".into()) };
        if fate == Fate::Refused {
            return ActAnswer::Refused("409: not now".into());
        }
        match fate {
            Fate::FailsAgain(error) => {
                one.failed_at = Timestamp::now() + SignedDuration::from_mins(1);
                one.error = error;
            }
            _ if act.verb == Verb::Pause => (one.status, one.held) = (Status::Paused, true),
            _ => {
                (one.status, one.held) = if act.verb == Verb::Resume && goes_on {
                    (Status::Running, false)
                } else {
                    (Status::Succeeded, false)
                };
                one.completed += 1;
            }
        }
        inner.done.push((act.instance.to_string(), act.verb));
        if fate == Fate::Lost { ActAnswer::Unknown("the connection was closed".into()) } else { ActAnswer::Accepted }
    }
}
