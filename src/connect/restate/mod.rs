//! Restate: a durable execution engine, read and acted on through its admin API.
//!
//! Reads are SQL over `POST /query` (with `accept: application/json`; nulls are left out of rows, keys and ids are
//! text). One pass asks, in this order:
//!
//! 1. `GET /version`: whether this is a Restate at all, and which.
//! 2. `select now()`: the engine's clock, against which all ages are computed.
//! 3. The counts, `GROUP BY` service, handler and step. Counts are the engine's own, never a page's length.
//! 4. The rows, in pages by key of up to 20,000, in the order of their ids.
//!
//! Rows and counts share their tables, as `WITH` parts (see `sql.rs`):
//!
//! - `inv`: `sys_invocation`, open (`status <> 'completed'`) or failed within the look-back. A failure with the
//!   engine's own text for a cancel or kill is none, and one that was restarted since (`restarted_from`) is
//!   superseded.
//! - `entry`, `open_command`: `sys_journal`. A command and its notification carry the same completion id in
//!   `entry_lite_json`; a command without a notification is open. Commands without a completion id (output, state
//!   changes, one-way calls) are complete when they are written. A `Call` has two ids; the one of its result counts.
//! - `step`: of the open commands the one with the highest index, by its name, else `sleep`, `promise:NAME`,
//!   `call:SERVICE/HANDLER`; `awakeable` where none is open and a signal is waited for (signal 1 is the engine's own
//!   cancel signal and does not count); `(queued)` before the first and `(last step)` after all; `(unknown)` where a
//!   finished invocation kept no journal. The engine (1.7.12) fills in `scheduled_start_at` only where `scheduled_at`
//!   is asked for too.
//! - `pause`: `sys_journal_events`, the last `Paused` event. An event without a failure is a pause by a person. A
//!   person's pause of one that was backing off carries its last failure like an exhausted one; but then the
//!   invoker's next retry time is still there, and after exhaustion it is not. After a restart of the server that
//!   trace is gone, and such a one counts as exhausted.
//! - `failing`: the first `TransientError` event at the last journal position that has one, and the last of all.
//!   Equal failures in a row make one event, so the first is the beginning of the row. What they tell of the worker is
//!   said in `signs.rs`.
//! - `sys_deployment`: whether what an invocation is pinned to still exists.
//! - `sys_keyed_service_status`: who holds the key that a pending invocation queues for.
//!
//! An answer is read part by part where it lies (`page.rs`), and what its rows have in common is made once
//! (`lately.rs`). Errors are cut to their first line in the query; only [`Connector::read`] asks for the whole text.
//!
//! Acts are `PATCH /invocations/{id}/resume|pause|restart-as-new|cancel|kill|purge`: one request, on a connection of its own, never sent again.
//! A resume may name the deployment to go on on (`?deployment=dp_…`). Putting a service back is told in `deployments.rs`.
//! An error status of 500 and more, and every lost connection after the request began, is `Unknown`.

mod deployments;
mod detail;
mod lately;
mod outside;
mod page;
mod pass;
mod payload;
mod raw;
mod row;
mod runs;
mod signs;
mod sql;
mod step_times;
mod time;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::mpsc;

pub use self::lately::Lately;
pub use self::page::{Page, Parts};
use self::pass::Seen;
use self::row::InstanceRow;
use self::sql::Scope;
use super::answer::{BadRow, Object, Parsed, Row, Rows};
use super::http::{ActReply, Client, HEADER};
use super::{
    Act, ActAnswer, Checkup, ConnectError, Connector, Mark, Observation, Payload, PayloadOf, Reading, Sight, StepTimes,
};
use crate::config::jq::Names;
use crate::config::{Scheme, Transport};
use crate::domain::deployment::{Deployment, PutBack};
use crate::domain::flow::{FlowInstance, Status};
use crate::domain::outside::OutsideAct;
use crate::domain::plan::{self, DEPLOYMENT, Parameters};
use crate::domain::raw::RawFlow;
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::ways::{self, ReadRequest, Ways};

/// The versions that the tests run against.
const TESTED: [&str; 1] = ["1.7.12"];

/// Said where a server answers, but not as this engine does.
const HINT: &str = "is this the URL of a Restate admin API (port 9070 by default)?";

/// What stands for the token in a request that is copied: a variable that whoever runs it sets.
const CREDENTIALS: &str = r#"-H "Authorization: Bearer $RESTATE_TOKEN""#;

/// The same for a user and a password.
const BASIC: &str = r#"-u "$RESTATE_USER:$RESTATE_PASSWORD""#;

/// What the engine (1.7.12) says to a query for an id that can't be one: its ids end with a check sum.
const NO_ID: &str = "non valid invocation id";

/// A Restate server.
pub struct Restate {
    source: SafeText,
    address: SafeText,
    http: Client,
    redactor: Redactor,
    open: Option<String>,
}

#[derive(Deserialize)]
struct VersionAnswer {
    version: String,
}

#[derive(Deserialize)]
struct ClockRow {
    now: String,
}

/// An invocation that was restarted from another one.
#[derive(Deserialize)]
struct SuccessorRow {
    id: String,
}

impl Row for SuccessorRow {
    const MOST: usize = 1;
}

impl Row for ClockRow {
    const MOST: usize = 1;
}

impl ClockRow {
    /// `now()` is UTC and comes without a zone from the versions that were seen.
    fn time(&self) -> Option<Timestamp> {
        let naive = || self.now.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        self.now.parse().ok().or_else(|| naive().map(|zoned| zoned.timestamp()))
    }
}

impl Restate {
    /// A connector for the server whose admin API is at `url`. `timeout` bounds each request as a whole.
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
        })
    }

    /// Takes these secrets out of what is shown as the engine gave it.
    #[must_use]
    pub fn redact(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Another place of an invocation's page than the one of the server's own user interface.
    #[must_use]
    pub fn open_at(mut self, template: Option<String>) -> Self {
        self.open = template;
        self
    }

    async fn ask(&self, sql: &str) -> Result<Vec<u8>, ConnectError> {
        Ok(self.http.post_bytes("/query", &serde_json::json!({ "query": sql })).await?.value)
    }

    fn parsed<T: Row>(&self, answer: &[u8]) -> Result<Parsed<T>, ConnectError> {
        let Object(Rows { rows }) = self.http.parse("/query", answer)?;
        Ok(rows)
    }

    async fn query<T: Row>(&self, sql: &str) -> Result<Parsed<T>, ConnectError> {
        self.parsed(&self.ask(sql).await?)
    }

    /// A query of which every row must be readable.
    async fn strict<T: Row>(&self, sql: &str) -> Result<Vec<T>, ConnectError> {
        self.all_of(self.query(sql).await?)
    }

    /// The rows of an answer of which every one must be readable.
    fn all_of<T>(&self, parsed: Parsed<T>) -> Result<Vec<T>, ConnectError> {
        match &parsed.first_bad {
            None => Ok(parsed.rows),
            Some(bad) => Err(ConnectError::BadAnswer(self.told(bad))),
        }
    }

    /// Which row could not be read, why, and how it begins.
    fn told(&self, bad: &BadRow) -> SafeText {
        let why = self.http.reason(&bad.why);
        format!("row {} can't be read: {why} in {}", bad.number, self.http.clip(&bad.raw)).into()
    }

    async fn version(&self) -> Result<SafeText, ConnectError> {
        let Object(answer): Object<VersionAnswer> = self.http.get_json("/version").await?.value;
        Ok(SafeText::clipped(&answer.version, 40))
    }

    async fn now(&self) -> Result<Timestamp, ConnectError> {
        let rows: Vec<ClockRow> = self.strict(sql::CLOCK).await?;
        let first = rows.first().and_then(ClockRow::time);
        first.ok_or_else(|| ConnectError::BadAnswer("the server does not tell its time".into()))
    }
}

#[async_trait]
impl Connector for Restate {
    fn kind(&self) -> &'static str {
        "restate"
    }

    fn address(&self) -> SafeText {
        self.address.clone()
    }

    fn has_deployments(&self) -> bool {
        true
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
        let step = &flow.step;
        match verb {
            Verb::Resume => format!("Restate starts it again at {step}; steps that completed are not run again"),
            Verb::Pause => {
                format!("Restate stops trying {step}; one that runs is stopped at its next suspension point")
            }
            Verb::RestartAsNew => {
                "Restate begins a new invocation with the same input, from the first step; this one stays as it is"
                    .into()
            }
            Verb::Cancel => {
                format!("Restate raises a cancellation at {step}; the flow may compensate, then it ends as cancelled")
            }
            Verb::Kill => format!("Restate ends it at {step} at once; the flow gets no chance to compensate"),
            Verb::Purge => "Restate removes the invocation, its journal and its result".into(),
            Verb::Reconcile | Verb::Restore => "nothing: an invocation does not drift".into(),
        }
        .into()
    }

    async fn examine(&self) -> Result<Checkup, ConnectError> {
        let answer = self.http.get_json::<Object<VersionAnswer>>("/version").await?;
        let version = SafeText::clipped(&answer.value.0.version, 40);
        // At once, so that what the rest takes is not taken for a difference of clocks.
        let engine_now = self.now().await.ok();
        let mut reads = Vec::new();
        for table in sql::TABLES {
            let read = self.http.post_bytes("/query", &serde_json::json!({ "query": sql::probe(table) })).await;
            reads.push((SafeText::from(table), read.err().map(|error| SafeText::new(&error.to_string()))));
        }
        Ok(Checkup {
            tested: Some(TESTED.contains(&version.as_str())),
            version: Some(version),
            engine_now,
            certificate: answer.certificate,
            reads,
        })
    }

    async fn check(&self) -> Result<(), ConnectError> {
        self.version().await.map(|_| ())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        self.pass(&Seen::default(), &sink).await
    }

    async fn observe_again(&self, since: &Mark, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        self.pass(since.downcast_ref().unwrap_or(&Seen::default()), &sink).await
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        if !sql::is_id(instance) {
            return Ok(None);
        }
        match self.read_detail(instance).await {
            // Somebody's slip of the keyboard is no failure of the server, though it answers 500.
            Err(error) if error.to_string().contains(NO_ID) => Ok(None),
            other => other,
        }
    }

    async fn sights(&self, instances: &[SafeText]) -> Result<Vec<Option<Sight>>, ConnectError> {
        let ids: Vec<&str> = instances.iter().map(SafeText::as_str).filter(|id| sql::is_id(id)).collect();
        let mut seen = HashMap::new();
        for ids in ids.chunks(sql::MANY) {
            let engine_now = self.now().await?;
            for row in self.strict::<InstanceRow>(&sql::instances(&Scope::Many(ids))).await? {
                let last_failure_at = row.last_failure_at();
                let flow = row.into_flow(&self.source, engine_now, &self.redactor);
                seen.insert(flow.id.instance.clone(), Sight { flow, engine_now, last_failure_at, contents: None });
            }
        }
        Ok(instances.iter().map(|id| seen.remove(id)).collect())
    }

    async fn raw(&self, instance: &str) -> Result<Option<RawFlow>, ConnectError> {
        if !sql::is_id(instance) {
            return Ok(None);
        }
        match self.read_raw(instance).await {
            Err(error) if error.to_string().contains(NO_ID) => Ok(None),
            other => other,
        }
    }

    fn ways(&self, instance: &str, flow: &str) -> Ways {
        let address = self.http.address();
        // Seen in the routes of the server's own pages.
        let usual = format!("{address}/ui/invocations/{{id}}");
        let page = ways::page(self.open.as_deref().unwrap_or(&usual), instance, flow, &self.source);
        let request = sql::is_id(instance).then(|| ReadRequest {
            method: "POST",
            url: format!("{address}/query").into(),
            headers: vec![("accept", "application/json"), ("content-type", "application/json")],
            credentials: match self.http.scheme() {
                Some(Scheme::Bearer) => vec![CREDENTIALS],
                Some(Scheme::Basic { .. }) => vec![BASIC],
                Some(Scheme::Header { .. }) => vec![HEADER],
                Some(Scheme::Login { .. }) | None => Vec::new(),
            },
            body: Some(serde_json::json!({ "query": sql::instances(&Scope::One(instance)) }).to_string().into()),
        });
        Ways { page, request }
    }

    async fn payloads(&self, of: &[PayloadOf<'_>], names: Names) -> Result<Vec<Payload>, ConnectError> {
        self.read_payloads(of, names).await
    }

    fn effect_with(&self, verb: Verb, parameters: &Parameters, flow: &FlowInstance) -> SafeText {
        match (verb, plan::deployment(parameters)) {
            (Verb::Resume, Some(deployment)) => format!(
                "Restate starts it again at {} on the code of {deployment}, where it stays; steps that completed are not run again",
                flow.step
            )
            .into(),
            _ => self.effect(verb, flow),
        }
    }

    fn objection(&self, verb: Verb, parameters: &Parameters, flow: &FlowInstance) -> Option<SafeText> {
        deployments::misfit(verb, parameters).or_else(|| {
            let moved = plan::deployment(parameters).is_some();
            // The engine (1.7.12) answers 409.
            let tried = matches!(flow.status, Status::BackingOff | Status::Running);
            (moved && tried)
                .then(|| "Restate moves one to another deployment only while it is paused: pause it first".into())
        })
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        if !sql::is_id(&act.instance) {
            return ActAnswer::Refused("nothing was sent: this is no invocation id".into());
        }
        if act.verb.is_of_drift() {
            return ActAnswer::Refused("nothing was sent: an invocation does not drift".into());
        }
        if let Some(why) = deployments::misfit(act.verb, &act.parameters) {
            return ActAnswer::Refused(format!("nothing was sent: {why}").into());
        }
        let deployment = plan::deployment(&act.parameters).map(|id| format!("?{DEPLOYMENT}={id}")).unwrap_or_default();
        let path = format!("/invocations/{}/{}{deployment}", act.instance, act.verb.name());
        match self.http.act(reqwest::Method::PATCH, &path).await {
            ActReply::NotSent(why) => ActAnswer::Refused(format!("nothing was sent: {why}").into()),
            ActReply::Lost(why) => ActAnswer::Unknown(why.as_str().into()),
            ActReply::Answered { status, body } => match (act.verb, answer(status, &body)) {
                (Verb::RestartAsNew, ActAnswer::Done) => begun(&body),
                (_, answer) => answer,
            },
        }
    }

    async fn successor(&self, instance: &str, after: Timestamp) -> Result<Option<SafeText>, ConnectError> {
        if !sql::is_id(instance) {
            return Ok(None);
        }
        let rows: Vec<SuccessorRow> = self.strict(&sql::successor(instance, after)).await?;
        Ok(rows.into_iter().next().map(|row| row.id.as_str().into()).filter(|id: &SafeText| sql::is_id(id)))
    }

    async fn step_times(&self, after: Timestamp) -> Result<Option<StepTimes>, ConnectError> {
        self.ended_runs(after).await.map(Some)
    }

    async fn outside(&self, since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        self.done_since(since).await
    }

    async fn deployments(&self, flow: &str) -> Result<Vec<Deployment>, ConnectError> {
        self.deployments_of(flow).await
    }

    async fn plan_put_back(&self, flow: &str, from: &str, to: &str) -> Result<PutBack, ConnectError> {
        Ok(self.weigh(flow, from, to).await?.told)
    }

    async fn put_back(&self, flow: &str, from: &str, to: &str) -> ActAnswer {
        self.send_back(flow, from, to).await
    }
}

/// What was begun by a restart, as the engine (1.7.12) tells it. One that does not tell is looked for.
fn begun(body: &[u8]) -> ActAnswer {
    #[derive(Deserialize)]
    struct Begun {
        new_invocation_id: String,
    }
    let begun = serde_json::from_slice::<Begun>(body).ok().filter(|begun| sql::is_id(&begun.new_invocation_id));
    begun.map_or(ActAnswer::Done, |begun| ActAnswer::Began(begun.new_invocation_id.as_str().into()))
}

/// What the engine's answer to an act means.
fn answer(status: u16, body: &[u8]) -> ActAnswer {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    // What the engine itself says, where it was the engine.
    let own =
        || serde_json::from_slice::<Refusal>(body).ok().map(|told| Redactor::default().first_line(&told.message, 300));
    let words = || own().unwrap_or_else(|| Redactor::default().first_line(&String::from_utf8_lossy(body), 120));
    let status_and_words = || match words() {
        nothing if nothing.is_empty() => SafeText::from(format!("the server answered {status}")),
        words => format!("the server answered {status}: {words}").into(),
    };
    match status {
        // A page for people is a sign-in or a proxy's own: nobody can say what is behind it.
        200..=299 if body.trim_ascii_start().starts_with(b"<") => ActAnswer::Unknown(status_and_words()),
        // 202 is "taken"; 200 to a cancel of a queued or scheduled one is "gone already".
        200 => ActAnswer::Done,
        202 => ActAnswer::Accepted,
        300..=399 => ActAnswer::Refused(format!("redirected ({status}); redirects are not followed").into()),
        404 => ActAnswer::Gone(own().unwrap_or_else(status_and_words)),
        // 408: who gave up waiting, and for what, is not said.
        201..=299 | 408 | 500.. => ActAnswer::Unknown(status_and_words()),
        _ => ActAnswer::Refused(own().filter(|words| !words.is_empty()).unwrap_or_else(status_and_words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_tells_what_it_began() {
        assert_eq!(begun(br#"{"new_invocation_id":"inv_2"}"#), ActAnswer::Began("inv_2".into()));
        for untold in [&b""[..], b"{}", br#"{"new_invocation_id":7}"#, br#"{"new_invocation_id":"a'b"}"#] {
            assert_eq!(begun(untold), ActAnswer::Done, "{untold:?}");
        }
    }

    #[test]
    fn answers_to_acts() {
        assert_eq!(answer(200, b""), ActAnswer::Done);
        assert_eq!(answer(202, b""), ActAnswer::Accepted);
        let refused = br#"{"message":"The invocation 'inv_1' was already completed.","restate_code":null}"#;
        assert_eq!(answer(409, refused), ActAnswer::Refused("The invocation 'inv_1' was already completed.".into()));
        assert!(matches!(answer(404, br#"{"message":"gone"}"#), ActAnswer::Gone(_)));
        assert!(matches!(answer(500, b"<html>"), ActAnswer::Unknown(_)));
        assert_eq!(answer(302, b"x"), ActAnswer::Refused("redirected (302); redirects are not followed".into()));
        assert_eq!(answer(401, b""), ActAnswer::Refused("the server answered 401".into()));
        assert_eq!(answer(403, b"{}"), ActAnswer::Refused("the server answered 403: {}".into()));
        assert_eq!(answer(404, b""), ActAnswer::Gone("the server answered 404".into()));
        // Nobody can say what these mean.
        for (status, body) in [(200, "\n<html>sign in</html>"), (202, "<p>"), (204, ""), (408, ""), (502, "")] {
            assert!(matches!(answer(status, body.as_bytes()), ActAnswer::Unknown(_)), "{status} {body}");
        }
    }

    /// As many as a test likes.
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct ClockRows(#[expect(dead_code, reason = "only whether it can be read is asked")] ClockRow);

    impl Row for ClockRows {
        const MOST: usize = 3;
    }

    #[test]
    fn no_more_rows_are_kept_than_were_asked_for() {
        for (rows, fits) in [("1,2,3", true), ("1,2,3,4", false)] {
            let body = format!("{{\"rows\":[{rows}]}}");
            assert_eq!(serde_json::from_str::<Rows<ClockRows>>(&body).is_ok(), fits, "{body}");
        }
    }

    #[test]
    fn a_list_is_no_object_however_well_it_fits() {
        assert!(serde_json::from_str::<Object<Rows<ClockRows>>>("[[]]").is_err());
        assert!(serde_json::from_str::<Object<Rows<ClockRows>>>("{\"rows\":[]}").is_ok());
        let Rows::<ClockRows> { rows } = serde_json::from_str("{\"rows\":[[\"2026-01-15T03:12:00Z\"]]}").unwrap();
        assert_eq!((rows.rows.len(), rows.bad), (0, 1));
    }

    #[test]
    fn one_bad_row_spoils_no_other() {
        let body = br#"{"rows":[{"now":"2026-01-15T03:12:00Z"},{"now":7},{"now":"2026-01-15T03:12:01Z"}]}"#;
        let Rows::<ClockRows> { rows: parsed } = serde_json::from_slice(body).unwrap();
        assert_eq!((parsed.rows.len(), parsed.bad), (2, 1));
        let bad = parsed.first_bad.unwrap();
        assert_eq!((bad.number, bad.raw.as_str()), (2, "{\"now\":7}"));
    }

    #[test]
    fn an_id_cannot_end_the_quotes_of_a_literal() {
        assert!(sql::is_id("inv_1b3wINGK1Khz7navo4sCbtJqVcBELgPtrL"));
        for bad in ["", "a'b", "a b", "a;b", "é", "a\n"] {
            assert!(!sql::is_id(bad), "{bad:?}");
        }
    }
}
