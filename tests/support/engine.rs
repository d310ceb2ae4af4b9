//! An engine in memory: it counts what it was sent by key, answers as it is told, shows its one kind of instance as it
//! is told, and can stop answering at any point, so that a process can end there. Nothing of it takes time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use quarterdeck::connect::{Act, ActAnswer, ConnectError, Connector, Observation, Reading};
use quarterdeck::domain::flow::{FlowDetail, FlowError, FlowInstance, PauseCause, Status, Version};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::raw::RawFlow;
use quarterdeck::domain::redact::Redactor;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::domain::run::Attempts;
use quarterdeck::domain::signs::Signs;
use quarterdeck::domain::text::SafeText;
use quarterdeck::domain::ways::Ways;
use tokio::sync::mpsc;

/// Where the instance stands before anybody acts, and what it fails with.
const STEP: &str = "apply-0042";
const ERROR: &str = "relation \"plans\" does not exist";

/// What is to be seen of an instance after an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    /// What there was before.
    TheSame,
    /// It runs, and nothing more.
    Runs,
    /// It failed again and goes on trying.
    FailedAgain,
    /// It failed again, and the engine has stopped it.
    PausedAgain,
    /// It is past the step.
    Past,
    Succeeded,
    Cancelled,
    Failed,
    /// There is no such instance any more.
    Gone,
    /// The engine can't be asked.
    Unreachable,
}

impl After {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::TheSame,
        Self::Runs,
        Self::FailedAgain,
        Self::PausedAgain,
        Self::Past,
        Self::Succeeded,
        Self::Cancelled,
        Self::Failed,
        Self::Gone,
        Self::Unreachable,
    ];

    /// What is said in the end of an act whose answer nobody knows, where this is all that is to be seen.
    pub const fn without_an_answer(self, verb: Verb) -> ItemState {
        match (verb, self) {
            (Verb::Resume, Self::Past | Self::Succeeded)
            | (Verb::Cancel | Verb::Kill, Self::Cancelled | Self::Gone) => ItemState::Verified,
            _ => ItemState::Unknown,
        }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It never leaves the process.
    NotSentYet,
    /// It arrives, and no answer ever comes.
    Never,
    /// It arrives, and this is the answer.
    Is(ActAnswer),
}

struct Inner {
    sent: BTreeMap<String, usize>,
    begun: usize,
    /// Whether the instance is as it is after an act.
    acted_on: bool,
    looks: usize,
    answer: Answer,
    after: After,
    /// After so many looks at the instance once it was acted on, the next one never ends.
    looks_left: usize,
}

/// The engine.
pub struct Engine(Mutex<Inner>);

impl Engine {
    /// One that answers so, and then shows this.
    pub fn new(answer: Answer, after: After) -> Arc<Self> {
        let (sent, looks_left) = (BTreeMap::new(), usize::MAX);
        let inner = Inner { sent, begun: 0, acted_on: false, looks: 0, answer, after, looks_left };
        Arc::new(Self(Mutex::new(inner)))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// From now on it answers so, and shows this.
    pub fn becomes(&self, answer: Answer, after: After) {
        let mut inner = self.inner();
        (inner.answer, inner.after, inner.looks_left) = (answer, after, usize::MAX);
    }

    /// After so many more looks at the instance once it was acted on, the next one never ends.
    pub fn looks_left(&self, looks: usize) {
        self.inner().looks_left = looks;
    }

    /// Somebody acted on the instance before this engine was looked at.
    pub fn was_acted_on(&self) {
        self.inner().acted_on = true;
    }

    /// Nobody has acted on the instance that is looked at next.
    pub fn is_new(&self) {
        self.inner().acted_on = false;
    }

    /// How often it was sent each key.
    pub fn sent(&self) -> BTreeMap<String, usize> {
        self.inner().sent.clone()
    }

    /// How many requests were begun, whether they left the process or not.
    pub fn begun(&self) -> usize {
        self.inner().begun
    }

    /// How often one instance was looked at.
    pub fn looks(&self) -> usize {
        self.inner().looks
    }

    fn reading(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        let inner = self.inner();
        let after = if inner.acted_on { inner.after } else { After::TheSame };
        drop(inner);
        let now = Timestamp::now();
        let (status, failed_at) = match after {
            After::Gone => return Ok(None),
            After::Unreachable => return Err(ConnectError::Unreachable("connection refused".into())),
            After::TheSame => (Status::Paused, now - SignedDuration::from_mins(5)),
            After::Runs | After::Past => (Status::Running, now - SignedDuration::from_mins(5)),
            After::FailedAgain => (Status::BackingOff, now + SignedDuration::from_secs(60)),
            After::PausedAgain => (Status::Paused, now + SignedDuration::from_secs(60)),
            After::Succeeded => (Status::Succeeded, now - SignedDuration::from_mins(5)),
            After::Cancelled => (Status::Cancelled, now - SignedDuration::from_mins(5)),
            After::Failed => (Status::Failed, now - SignedDuration::from_mins(5)),
        };
        let completed = if after == After::Past { 3 } else { 2 };
        let flow = FlowInstance {
            id: InstanceId::new("engine", instance),
            exact_id: true,
            flow: "SchemaMigration/migrate".into(),
            step: if completed > 2 { "verify".into() } else { STEP.into() },
            tenant: None,
            key: None,
            status,
            pause: (status == Status::Paused).then_some(PauseCause::Exhausted),
            attempts: None,
            created_at: None,
            entered_step_at: None,
            last_transition_at: None,
            first_failure_at: None,
            last_start_at: None,
            next_retry_at: None,
            error: Some(FlowError::new(None, ERROR, &[], &Redactor::default())),
            wait: None,
            signs: Signs::default(),
            completed_commands: completed,
            version: Version::of(status, None, completed, ""),
            observed_at: now,
        };
        let detail = FlowDetail {
            flow,
            error: Vec::new(),
            timeline: Vec::new(),
            runs: Vec::new(),
            attempts: Attempts::default(),
            facts: Vec::new(),
        };
        Ok(Some(Reading { detail, engine_now: now, last_failure_at: Some(failed_at), pinned: None }))
    }
}

/// The engine as a hub sees it.
pub struct Wire(pub Arc<Engine>);

#[async_trait]
impl Connector for Wire {
    fn kind(&self) -> &'static str {
        "engine"
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
        let end = Observation::End { complete: true, engine_now: Some(Timestamp::now()), version: None };
        sink.send(end).await.map_err(|_| ConnectError::Ended)
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        let hangs = {
            let mut inner = self.0.inner();
            inner.looks += 1;
            let hangs = inner.acted_on && inner.looks_left == 0;
            if inner.acted_on {
                inner.looks_left = inner.looks_left.saturating_sub(1);
            }
            hangs
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        self.0.reading(instance)
    }

    async fn raw(&self, _: &str) -> Result<Option<RawFlow>, ConnectError> {
        Ok(None)
    }

    fn ways(&self, _: &str, _: &str) -> Ways {
        Ways::default()
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        let answer = {
            let mut inner = self.0.inner();
            inner.begun += 1;
            inner.acted_on = true;
            if inner.answer != Answer::NotSentYet {
                *inner.sent.entry(act.key.to_string()).or_default() += 1;
            }
            inner.answer.clone()
        };
        match answer {
            Answer::Is(answer) => answer,
            Answer::Never | Answer::NotSentYet => std::future::pending().await,
        }
    }
}
