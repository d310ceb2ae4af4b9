//! Salt: configuration of machines, read and acted on through a salt-api (`rest_cherrypy`).
//!
//! One pass asks, in this order, each by a job that is followed until all minions have returned (`job.rs`):
//!
//! 1. `state.apply test=True` on the minions, or the states that the config names: what each would change (`check.rs`).
//! 2. `state.show_lowstate` of a few of them, where a state would run a command: whether anything is declared that says
//!    when. Without, it runs each time, and a check of it tells nothing.
//! 3. `grains.item`, where the config names grains: whom a minion is for, and where it is.
//!
//! A check keeps every minion busy for a moment. So it is made once in `check_interval`, and what minions are at is asked once
//! in `jobs_interval` (`running.rs`), before the check; passes in between ask the salt-api alone whether it is there.
//!
//! What a state and its changes mean is told in `state.rs`, what is done in `acts.rs`, who asks in `session.rs`. Times of the
//! master's own are by its local clock, so that the head of its answers is gone by.

mod acts;
mod check;
mod job;
mod outside;
mod running;
mod session;
mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use self::job::{Target, Task};
use self::session::Session;
use self::state::StateId;
use super::answer::Object;
use super::http::{Answer, Client};
use super::{
    Act, ActAnswer, Checkup, ConnectError, Connector, Contents, Mark, Observation, Reading, Sight, Tells, found,
    hand_on,
};
use crate::config::{SaltSettings, Transport};
use crate::domain::drift::DriftFinding;
use crate::domain::flow::FlowInstance;
use crate::domain::outside::OutsideAct;
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// The versions that the tests run against.
const TESTED: [&str; 1] = ["3008.3"];

/// Said where a server answers, but not as this engine does.
const HINT: &str = "is this the URL of a salt-api (http://HOST:8000 by default)?";

/// The longest id or name that is kept, in characters.
const NAME: usize = 500;

/// The longest comment of a state that is kept, in characters.
const NOTE: usize = 300;

/// A Salt master and its minions.
pub struct Salt {
    source: SafeText,
    http: Client,
    session: Session,
    settings: SaltSettings,
    /// How often everything is checked.
    every: Duration,
    interval: SignedDuration,
    redactor: Redactor,
    /// Whom minions are for and where they are, as it was told last.
    facts: Mutex<BTreeMap<String, Facts>>,
    /// How far the master's local clock is ahead of UTC.
    zone: Mutex<Option<SignedDuration>>,
    /// What each minion was at when it told last.
    jobs: Mutex<BTreeMap<String, Vec<FlowInstance>>>,
}

/// What grains tell of a minion.
#[derive(Debug, Clone, Default)]
struct Facts {
    tenant: Option<SafeText>,
    place: String,
}

/// What is known of the check that a finding is of.
struct Checked<'a> {
    source: &'a SafeText,
    scope: SafeText,
    tenant: Option<SafeText>,
    at: Option<Timestamp>,
    interval: SignedDuration,
}

/// What a salt-api says to whoever asks for nothing.
#[derive(serde::Deserialize)]
struct Welcome {
    #[serde(rename = "clients")]
    _clients: Vec<String>,
}

/// When everything was checked last, when it was asked what minions are at, and what Salt it was.
#[derive(Clone)]
struct LastCheck {
    at: Instant,
    jobs_at: Instant,
    version: Option<SafeText>,
}

impl Salt {
    /// A connector for the salt-api at `url`. `timeout` bounds each request as a whole, and no check.
    pub fn new(
        source: &str,
        url: &str,
        timeout: Duration,
        transport: impl Into<Transport>,
        settings: SaltSettings,
        check_interval: SignedDuration,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            source: source.into(),
            http: Client::new(url, timeout, transport)?.hint(HINT),
            session: Session::new(),
            settings,
            every: check_interval.try_into().unwrap_or_default(),
            interval: check_interval,
            redactor: Redactor::default(),
            facts: Mutex::default(),
            zone: Mutex::default(),
            jobs: Mutex::default(),
        })
    }

    /// Takes these secrets out of what is shown as the engine gave it.
    #[must_use]
    pub fn redact(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    fn known_facts(&self) -> MutexGuard<'_, BTreeMap<String, Facts>> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_jobs(&self) -> MutexGuard<'_, BTreeMap<String, Vec<FlowInstance>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn zone(&self) -> MutexGuard<'_, Option<SignedDuration>> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks whether it is there, and a salt-api: it says which clients it has.
    async fn there(&self) -> Result<Answer<Object<Welcome>>, ConnectError> {
        self.http.get_json("/").await
    }

    /// The master's version, where it tells.
    async fn version(&self) -> Result<SafeText, ConnectError> {
        let version = self.run_for_text("salt.cmd", json!(["test.version"])).await?;
        Ok(SafeText::clipped(&version, 40))
    }
}

/// How a pass ends.
fn ending(mark: LastCheck, now: Option<Timestamp>) -> [Observation; 2] {
    let version = mark.version.clone();
    [Observation::Mark(Arc::new(mark) as Mark), Observation::End { complete: true, engine_now: now, version }]
}

#[async_trait]
impl Connector for Salt {
    fn kind(&self) -> &'static str {
        "salt"
    }

    fn address(&self) -> SafeText {
        self.http.address()
    }

    fn tells(&self) -> Tells {
        Tells { drift: true, ..Tells::FLOWS }
    }

    fn verbs(&self) -> &'static [Verb] {
        &[Verb::Reconcile, Verb::Restore, Verb::Kill]
    }

    fn refuses_acts(&self) -> Option<SafeText> {
        self.http.refuses_acts()
    }

    fn unverified(&self) -> bool {
        self.http.unverified()
    }

    fn effect(&self, verb: Verb, target: &FlowInstance) -> SafeText {
        if verb == Verb::Kill {
            return "the minion ends the job's process and what it started at once (saltutil.kill_job, signal 9); what it \
                    has done by then stays, and other minions go on with theirs"
                .into();
        }
        let Some(state) = StateId::parse(&target.id.instance) else { return "nothing: it is no state".into() };
        match verb {
            Verb::Reconcile => format!(
                "the minion applies the state {} of {} alone (state.sls_id): what it requires or what watches it is not \
                 run",
                state.id, state.sls
            )
            .into(),
            Verb::Restore => {
                "the minion puts the file back to its newest copy that is another one (file.restore_backup), and keeps a \
                 copy of what is there now"
                    .into()
            }
            other => format!("nothing: Salt knows no {}", other.label()).into(),
        }
    }

    fn own_rule(&self, verb: Verb, target: &FlowInstance) -> Option<Result<(), SafeText>> {
        if !verb.is_of_drift() {
            return None;
        }
        let Some(state) = StateId::parse(&target.id.instance) else {
            return Some(Err("it is about a whole minion, and not one state".into()));
        };
        (verb == Verb::Restore && state.file().is_none())
            .then(|| Err(format!("copies are kept of files alone, and this is a {}", state.function).into()))
    }

    async fn check(&self) -> Result<(), ConnectError> {
        self.there().await.map(|_| ())
    }

    async fn examine(&self) -> Result<Checkup, ConnectError> {
        let answer = self.there().await?;
        let login = self.session.sign_in(&self.http, None).await;
        let mut reads = vec![(SafeText::from("login"), login.err().map(|error| SafeText::new(&error.to_string())))];
        let mut version = None;
        if reads.iter().all(|(_, why)| why.is_none()) {
            let ping = Task::new("test.ping", json!([]), json!({}));
            let pinged = self.job(&Target::Glob(&self.settings.target), &ping).await.and_then(|job| {
                let (there, silent) = (job.returns.len(), job.silent.len());
                if there == 0 {
                    let why = format!("no minion answers to {}; silent: {silent}", self.settings.target);
                    return Err(ConnectError::Unreachable(why.into()));
                }
                Ok(())
            });
            reads.push(("minions".into(), pinged.err().map(|error| SafeText::new(&error.to_string()))));
            let jobs = self.run::<Value>("jobs.list_jobs", json!([]), json!({ "search_function": ["state.*"] })).await;
            reads.push(("jobs".into(), jobs.err().map(|error| SafeText::new(&error.to_string()))));
            version = self.version().await.ok();
        }
        Ok(Checkup {
            tested: version.as_ref().map(|version| TESTED.contains(&version.as_str())),
            version,
            engine_now: answer.date,
            certificate: answer.certificate,
            reads,
        })
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        // First, since a check may take long.
        let jobs_at = Instant::now();
        hand_on(&sink, self.running_jobs().await).await?;
        let outcome = self.check_all().await?;
        // Who may not ask for it gets its findings all the same.
        let version = self.version().await.ok();
        let now = outcome.now;
        hand_on(&sink, found(outcome.in_sync, outcome.findings, (outcome.bad_rows, outcome.bad_row))).await?;
        hand_on(&sink, ending(LastCheck { at: Instant::now(), jobs_at, version }, now)).await
    }

    async fn observe_again(&self, since: &Mark, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let Some(last) = since.downcast_ref::<LastCheck>().filter(|last| last.at.elapsed() < self.every) else {
            return self.observe(sink).await;
        };
        let mut mark = last.clone();
        let now = self.there().await?.date;
        let jobs = if last.jobs_at.elapsed() < self.settings.jobs_interval {
            vec![Observation::FlowsAsBefore { after: String::new(), until: None }, Observation::CountsAsBefore]
        } else {
            mark.jobs_at = Instant::now();
            self.running_jobs().await
        };
        hand_on(&sink, jobs).await?;
        hand_on(&sink, [Observation::DriftAsBefore]).await?;
        hand_on(&sink, ending(mark, now)).await
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        self.read_job(instance).await
    }

    async fn sights(&self, instances: &[SafeText]) -> Result<Vec<Option<Sight>>, ConnectError> {
        self.sights_of(instances).await
    }

    async fn recheck(&self, findings: &[SafeText]) -> Result<Vec<Option<DriftFinding>>, ConnectError> {
        self.check_these(findings).await
    }

    async fn contents(&self, findings: &[SafeText]) -> Result<Vec<Option<Contents>>, ConnectError> {
        self.contents_of(findings).await
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        self.send(act).await
    }

    async fn outside(&self, since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        self.done_since(since).await
    }
}
