//! Prefect: flows in Python, read and acted on through the API of its server (`…/api`).
//!
//! One pass asks, in this order:
//!
//! 1. `GET /admin/version`: whether this is a Prefect server at all, and which. The head of that answer has its clock, to
//!    the second.
//! 2. `POST /flow_runs/filter`: the runs that are open, and those that failed within the look-back, 200 at a time, which
//!    is the most that it gives. For each page the tasks of its runs, the names of their flows, and the deployments and
//!    work pools of those that wait for a worker (`tasks.rs`, `workers.rs`).
//! 3. `POST /flow_runs/history`: its own counts (`pass.rs`).
//!
//! What a run and its state mean is told in `row.rs`, what is done and how it answers in `acts.rs`.
//!
//! The server has a feed (a websocket of events). It is not used: what is shown of a run depends on its tasks, its work
//! pool and the time, so that each event would be followed by the same questions; and the events are kept apart from the
//! runs and come late.

mod acts;
mod ask;
mod detail;
mod outside;
mod pass;
mod raw;
mod row;
mod step_times;
mod tasks;
mod workers;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use self::row::RunRow;
use self::workers::Surroundings;
use super::answer::{BadRow, Object, Parsed, Row};
use super::http::{Answer, Client, HEADER};
use super::{
    Act, ActAnswer, Checkup, ConnectError, Connector, Observation, Payload, PayloadOf, Reading, Sight, StepTimes,
};
use crate::config::jq::Names;
use crate::config::{Scheme, Transport};
use crate::domain::flow::{FlowInstance, Status, WaitKind};
use crate::domain::outside::OutsideAct;
use crate::domain::raw::RawFlow;
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::ways::{self, ReadRequest, Ways};

/// The versions that the tests run against.
const TESTED: [&str; 1] = ["3.8.8"];

/// Said where a server answers, but not as this engine does.
const HINT: &str = "is this the URL of a Prefect API (http://HOST:4200/api by default)?";

/// What stands for the credentials in a request that is copied: variables that whoever runs it sets.
const BASIC: &str = r#"-u "$PREFECT_USER:$PREFECT_PASSWORD""#;
const BEARER: &str = r#"-H "Authorization: Bearer $PREFECT_API_KEY""#;

/// What is read in a pass, asked for as cheaply as can be.
const READS: [&str; 6] = ["flow_runs", "task_runs", "flows", "deployments", "work_pools", "logs"];

/// A Prefect server.
pub struct Prefect {
    source: SafeText,
    address: SafeText,
    http: Client,
    redactor: Redactor,
    open: Option<String>,
    /// When runs and tasks began to fail in a row, by their ids.
    firsts: Mutex<HashMap<String, Timestamp>>,
}

impl Prefect {
    /// A connector for the server whose API is at `url`. `timeout` bounds each request as a whole.
    pub fn new(
        source: &str,
        url: &str,
        timeout: Duration,
        transport: impl Into<Transport>,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            source: source.into(),
            address: url.into(),
            http: Client::new(url, timeout, transport)?.hint(HINT),
            redactor: Redactor::default(),
            open: None,
            firsts: Mutex::default(),
        })
    }

    /// Takes these secrets out of what is shown as the engine gave it.
    #[must_use]
    pub fn redact(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Another place of a run's page than the one of the server's own user interface.
    #[must_use]
    pub fn open_at(mut self, template: Option<String>) -> Self {
        self.open = template;
        self
    }

    fn kept_firsts(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.firsts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_rows<T: Row>(&self, path: &str, answer: &[u8]) -> Result<Parsed<T>, ConnectError> {
        self.http.parse(path, answer)
    }

    /// A list of which every row must be readable.
    fn read_list<T: Row>(&self, path: &str, answer: &[u8]) -> Result<Vec<T>, ConnectError> {
        let parsed = self.read_rows(path, answer)?;
        match &parsed.first_bad {
            None => Ok(parsed.rows),
            Some(bad) => Err(ConnectError::BadAnswer(format!("{path}: {}", self.told(bad)).into())),
        }
    }

    /// Which row could not be read, why, and how it begins.
    fn told(&self, bad: &BadRow) -> SafeText {
        let why = self.http.reason(&bad.why);
        format!("row {} can't be read: {why} in {}", bad.number, self.http.clip(&bad.raw)).into()
    }

    async fn list<T: Row>(&self, path: &str, body: &Value) -> Result<Parsed<T>, ConnectError> {
        self.read_rows(path, &self.http.post_bytes(path, body).await?.value)
    }

    /// The same, where every row must be readable.
    async fn strict<T: Row>(&self, path: &str, body: &Value) -> Result<Vec<T>, ConnectError> {
        self.read_list(path, &self.http.post_bytes(path, body).await?.value)
    }

    /// The server's version and its clock.
    async fn version(&self) -> Result<(SafeText, Timestamp), ConnectError> {
        let Answer { value, date, .. } = self.http.get_json::<String>("/admin/version").await?;
        let now = date.ok_or_else(|| ConnectError::BadAnswer("the server does not tell its time".into()))?;
        Ok((SafeText::clipped(&value, 40), now))
    }

    /// One run as it is; `None` where there is none.
    async fn run(&self, id: &str) -> Result<Option<(RunRow, Timestamp)>, ConnectError> {
        let answer = match self.http.get_json::<Object<RunRow>>(&format!("/flow_runs/{id}")).await {
            Ok(answer) => answer,
            Err(ConnectError::NotFound(why)) => return self.not_there(why).await,
            Err(error) => return Err(error),
        };
        let now = answer.date.ok_or_else(|| ConnectError::BadAnswer("the server does not tell its time".into()))?;
        let Object(run) = answer.value;
        // What is planned from this is done to the run that it names.
        if run.id != id {
            let other = SafeText::clipped(&run.id, row::NAME);
            return Err(ConnectError::BadAnswer(format!("asked for {id}, the server told of {other}").into()));
        }
        let now = latest(now, &run);
        Ok(Some((run, now)))
    }

    /// A 404 is what any server says to a path that it does not know: only a Prefect's own means that there is no such run.
    async fn not_there<T>(&self, why: SafeText) -> Result<Option<T>, ConnectError> {
        self.version().await.map_err(|_| ConnectError::NotFound(why)).map(|_| None)
    }
}

/// The server's clock: its head tells whole seconds, and a run that has just changed tells more.
fn latest(now: Timestamp, run: &RunRow) -> Timestamp {
    let soon = now.checked_add(jiff::SignedDuration::from_secs(2)).unwrap_or(now);
    run.since().filter(|at| *at < soon).map_or(now, |at| at.max(now))
}

#[async_trait]
impl Connector for Prefect {
    fn kind(&self) -> &'static str {
        "prefect"
    }

    fn address(&self) -> SafeText {
        self.address.clone()
    }

    fn verbs(&self) -> &'static [Verb] {
        &Verb::OF_FLOWS
    }

    fn refuses_acts(&self) -> Option<SafeText> {
        self.http.refuses_acts()
    }

    fn unverified(&self) -> bool {
        self.http.unverified()
    }

    fn effect(&self, verb: Verb, flow: &FlowInstance) -> SafeText {
        acts::effect(verb, flow)
    }

    fn own_rule(&self, verb: Verb, flow: &FlowInstance) -> Option<Result<(), SafeText>> {
        match (verb, flow.status) {
            // The same run is begun once more.
            (Verb::Resume, Status::Failed | Status::TimedOut) => Some(Ok(())),
            (Verb::Resume, Status::Waiting) => {
                flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Approval).map(|_| Ok(()))
            }
            (Verb::Resume, Status::BackingOff) => {
                Some(Err("Prefect tries it again by itself, and can't be asked to do so sooner".into()))
            }
            _ => None,
        }
    }

    async fn check(&self) -> Result<(), ConnectError> {
        self.version().await.map(|_| ())
    }

    async fn examine(&self) -> Result<Checkup, ConnectError> {
        let answer = self.http.get_json::<String>("/admin/version").await?;
        let version = SafeText::clipped(&answer.value, 40);
        let mut reads = Vec::new();
        for what in READS {
            let read = self.http.post_bytes(&format!("/{what}/filter"), &json!({ "limit": 1 })).await;
            reads.push((SafeText::from(what), read.err().map(|error| SafeText::new(&error.to_string()))));
        }
        Ok(Checkup {
            tested: Some(TESTED.contains(&version.as_str())),
            version: Some(version),
            engine_now: answer.date,
            certificate: answer.certificate,
            reads,
        })
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        self.pass(&sink).await
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        if !ask::is_id(instance) {
            return Ok(None);
        }
        self.read_detail(instance).await
    }

    async fn sights(&self, instances: &[SafeText]) -> Result<Vec<Option<Sight>>, ConnectError> {
        let ids: Vec<&str> = instances.iter().map(SafeText::as_str).filter(|id| ask::is_id(id)).collect();
        let mut seen = HashMap::new();
        let mut around = Surroundings::default();
        for ids in ids.chunks(ask::PAGE) {
            let (_, now) = self.version().await?;
            let runs: Vec<RunRow> = self.strict("/flow_runs/filter", &ask::these("flow_runs", ids)).await?;
            // Whatever was asked before an act may be asked after it, too: nobody is left out.
            let mut asked = 0;
            let told = self.seen(&runs, now, &mut around, &mut asked).await?;
            for (run, told) in runs.iter().zip(told) {
                let engine_now = latest(now, run);
                let sight =
                    Sight { flow: told.flow, engine_now, last_failure_at: told.last_failure_at, contents: None };
                seen.insert(sight.flow.id.instance.clone(), sight);
            }
        }
        Ok(instances.iter().map(|id| seen.remove(id)).collect())
    }

    async fn raw(&self, instance: &str) -> Result<Option<RawFlow>, ConnectError> {
        if !ask::is_id(instance) {
            return Ok(None);
        }
        self.read_raw(instance).await
    }

    fn ways(&self, instance: &str, flow: &str) -> Ways {
        let address = self.http.address();
        // The pages are beside the API; seen in their routes.
        let beside = address.strip_suffix("/api").unwrap_or(&address);
        let usual = format!("{beside}/runs/flow-run/{{id}}");
        let page = ways::page(self.open.as_deref().unwrap_or(&usual), instance, flow, &self.source);
        let request = ask::is_id(instance).then(|| ReadRequest {
            method: "GET",
            url: format!("{address}/flow_runs/{instance}").into(),
            headers: vec![("accept", "application/json")],
            credentials: match self.http.scheme() {
                Some(Scheme::Bearer) => vec![BEARER],
                Some(Scheme::Basic { .. }) => vec![BASIC],
                Some(Scheme::Header { .. }) => vec![HEADER],
                Some(Scheme::Login { .. }) | None => Vec::new(),
            },
            body: None,
        });
        Ways { page, request }
    }

    async fn payloads(&self, of: &[PayloadOf<'_>], _names: Names) -> Result<Vec<Payload>, ConnectError> {
        self.read_payloads(of).await
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        self.do_once(act).await
    }

    async fn successor(&self, instance: &str, after: Timestamp) -> Result<Option<SafeText>, ConnectError> {
        if !ask::is_id(instance) {
            return Ok(None);
        }
        self.begun_from(instance, after).await
    }

    async fn step_times(&self, after: Timestamp) -> Result<Option<StepTimes>, ConnectError> {
        self.ended_tasks(after).await.map(Some)
    }

    async fn outside(&self, since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        self.done_since(since).await
    }
}

/// What a run was begun with: its parameters, and its tags and labels as headers.
#[derive(serde::Deserialize)]
struct PayloadRow {
    id: String,
    parameters: Option<Value>,
    #[serde(default)]
    tags: Vec<String>,
    labels: Option<Map<String, Value>>,
}

impl Row for PayloadRow {
    const MOST: usize = ask::PAGE;
}

impl Prefect {
    async fn read_payloads(&self, of: &[PayloadOf<'_>]) -> Result<Vec<Payload>, ConnectError> {
        let ids: Vec<&str> = of.iter().map(|one| one.instance.as_str()).filter(|id| ask::is_id(id)).collect();
        let mut told: HashMap<String, PayloadRow> = HashMap::new();
        for ids in ids.chunks(ask::PAGE) {
            let rows: Vec<PayloadRow> = self.strict("/flow_runs/filter", &ask::these("flow_runs", ids)).await?;
            told.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
        }
        let payload = |one: &PayloadOf<'_>| {
            let row = told.remove(one.instance.as_str());
            let (input, headers) = row.map_or((None, None), |row| {
                let mut headers = row.labels.unwrap_or_default();
                headers.insert("tags".to_owned(), row.tags.into());
                (row.parameters, Some(Value::Object(headers)))
            });
            Payload { instance: one.instance.clone(), input, headers, state: None }
        };
        Ok(of.iter().map(payload).collect())
    }
}
