//! What was done to a Prefect, whoever did it: what its events keep of it, and its suspended runs.
//!
//! - cancelled: the event of `Cancelling`, or of `Cancelled` where there was no process to end: what is scheduled or
//!   suspended is cancelled at once, and the event does not tell which of the two was asked for.
//! - killed: the event of `Cancelled` of what ran and was not being cancelled, and of whatever Quarterdeck has killed,
//!   which is what its message says. After `Cancelling` it is the worker that says that it is done.
//! - resumed: `Resuming`; and `AwaitingRetry` after an end, which is the page's *Retry*.
//! - paused: a run that is suspended, as long as it is, and that did not suspend itself.
//!
//! A server of one's own does not say by whom. What is not to be known: that an in-process pause was let go on (its event is
//! that of any start), what was restarted by somebody else (a new run like any other), what was deleted, and whether a
//! forced change of state was a person's. Events come some seconds late, and are kept for as long as the server is set to.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::acts::KILLED;
use super::ask;
use super::row::{NAME, RunRow};
use super::workers::Surroundings;
use super::{ConnectError, Prefect};
use crate::connect::answer::{Object, Parsed, Row};
use crate::domain::outside::OutsideAct;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// How many pages of 50 events are read, the newest ones.
const PAGES: usize = 40;

/// The events that are looked for.
const EVENTS: [&str; 4] = [
    "prefect.flow-run.Cancelling",
    "prefect.flow-run.Cancelled",
    "prefect.flow-run.Resuming",
    "prefect.flow-run.AwaitingRetry",
];

#[derive(Deserialize)]
struct EventPage {
    events: Parsed<EventRow>,
    next_page: Option<String>,
}

#[derive(Debug, Deserialize)]
struct EventRow {
    occurred: Timestamp,
    event: String,
    resource: HashMap<String, String>,
    #[serde(default)]
    related: Vec<HashMap<String, String>>,
    payload: Option<PayloadRow>,
}

#[derive(Debug, Default, Deserialize)]
struct PayloadRow {
    initial_state: Option<Initial>,
}

#[derive(Debug, Deserialize)]
struct Initial {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Row for EventRow {
    const MOST: usize = 50;
}

impl EventRow {
    /// The verb that does the same here, with its word; `None` where this was none of anybody's acts.
    fn act(&self) -> Option<(Verb, &'static str)> {
        let payload = self.payload.as_ref();
        let before = payload.and_then(|payload| payload.initial_state.as_ref()?.kind.as_deref()).unwrap_or_default();
        let killed = self.resource.get("prefect.state-message").is_some_and(|message| message == KILLED);
        match (self.event.strip_prefix("prefect.flow-run.")?, before) {
            ("Cancelled", _) if killed => Some((Verb::Kill, "killed")),
            ("Cancelling", _) | ("Cancelled", "SCHEDULED" | "PAUSED") => Some((Verb::Cancel, "cancelled")),
            ("Cancelled", "CANCELLING") => None,
            ("Cancelled", _) => Some((Verb::Kill, "killed")),
            ("Resuming", _) => Some((Verb::Resume, "resumed")),
            ("AwaitingRetry", ended) if ask::ENDED.contains(&ended) => Some((Verb::Resume, "retried")),
            _ => None,
        }
    }

    fn subject(&self) -> Option<SafeText> {
        let id = self.resource.get("prefect.resource.id")?.strip_prefix("prefect.flow-run.")?;
        ask::is_id(id).then(|| id.into())
    }

    /// The name of its flow.
    fn flow(&self) -> SafeText {
        let flow = self.related.iter().find(|of| of.get("prefect.resource.role").is_some_and(|role| role == "flow"));
        let name = flow.and_then(|flow| flow.get("prefect.resource.name"));
        name.map_or_else(|| "a flow".into(), |name| SafeText::clipped(name, NAME))
    }
}

impl Prefect {
    pub(super) async fn done_since(&self, since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        let (_, now) = self.version().await?;
        let until = now.checked_add(SignedDuration::from_mins(1)).unwrap_or(now);
        let (events, suspended) = tokio::try_join!(self.events(since, until), self.suspended(since, now))?;
        let acts = events.iter().filter_map(|event| {
            let (verb, word) = event.act()?;
            Some(self.done(event.occurred, event.subject()?, verb, &format!("{word}: {}", event.flow())))
        });
        let mut acts: Vec<OutsideAct> = acts.chain(suspended).collect();
        OutsideAct::newest_first(&mut acts);
        Ok(acts)
    }

    fn done(&self, at: Timestamp, subject: SafeText, verb: Verb, what: &str) -> OutsideAct {
        let source = self.source.clone();
        OutsideAct { at, source, subject, verb: Some(verb), what: what.into(), caller: None, by: None }
    }

    async fn events(&self, since: Timestamp, until: Timestamp) -> Result<Vec<EventRow>, ConnectError> {
        const PATH: &str = "/events/filter";
        let mut answer = self.http.post_bytes(PATH, &ask::events(&EVENTS, since, until)).await?;
        let mut events = Vec::new();
        for _ in 0..PAGES {
            let Object(EventPage { events: page, next_page }) = self.http.parse(PATH, &answer.value)?;
            if let Some(bad) = &page.first_bad {
                return Err(ConnectError::BadAnswer(format!("{PATH}: {}", self.told(bad)).into()));
            }
            events.extend(page.rows);
            let Some(token) = next_page.as_deref().and_then(token) else { break };
            answer = self.http.get_bytes(&format!("{PATH}/next?page-token={token}")).await?;
        }
        Ok(events)
    }

    async fn suspended(&self, since: Timestamp, now: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        let mut runs: Vec<RunRow> = self.strict("/flow_runs/filter", &ask::suspended()).await?;
        runs.retain(|run| run.held() && run.since() >= Some(since) && ask::is_id(&run.id));
        let mut around = Surroundings::default();
        self.look_around(&mut around, &runs).await?;
        let done = |run: &RunRow| {
            let what = format!("paused: {}", around.flow(run));
            self.done(run.since().unwrap_or(now), run.id.as_str().into(), Verb::Pause, &what)
        };
        Ok(runs.iter().map(done).collect())
    }
}

/// What names the next page, out of the URL that the server gives: it may be reached by another one.
fn token(next: &str) -> Option<&str> {
    let (_, token) = next.split_once("page-token=")?;
    let token = token.split('&').next().unwrap_or(token);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=%.~".contains(&byte);
    (!token.is_empty() && token.len() <= 4_096 && token.bytes().all(plain)).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, from: &str, message: &str) -> EventRow {
        serde_json::from_value(serde_json::json!({
            "occurred": "2026-01-15T03:00:00Z", "event": format!("prefect.flow-run.{name}"),
            "resource": {"prefect.state-message": message}, "payload": {"initial_state": {"type": from}},
        }))
        .unwrap()
    }

    #[test]
    fn an_event_is_an_act_where_only_somebody_can_have_done_it() {
        let verb = |name, from, message| event(name, from, message).act().map(|(verb, _)| verb);
        assert_eq!(verb("Cancelling", "RUNNING", ""), Some(Verb::Cancel));
        assert_eq!(verb("Cancelled", "SCHEDULED", ""), Some(Verb::Cancel));
        assert_eq!(verb("Cancelled", "SCHEDULED", KILLED), Some(Verb::Kill));
        assert_eq!(verb("Cancelled", "CANCELLING", ""), None);
        assert_eq!(verb("Cancelled", "CANCELLING", KILLED), Some(Verb::Kill));
        assert_eq!(verb("Cancelled", "RUNNING", ""), Some(Verb::Kill));
        assert_eq!(verb("AwaitingRetry", "FAILED", ""), Some(Verb::Resume));
        assert_eq!(verb("AwaitingRetry", "RUNNING", ""), None);
        assert_eq!(verb("Resuming", "PAUSED", ""), Some(Verb::Resume));
        assert_eq!(verb("heartbeat", "", ""), None);
    }

    #[test]
    fn the_next_page_is_asked_of_the_same_server() {
        let next = "http://other.example/api/events/filter/next?page-token=eyJh%3D";
        assert_eq!(token(next), Some("eyJh%3D"));
        for bad in ["", "http://h/next", "http://h/next?page-token=", "http://h/next?page-token=a#b"] {
            assert_eq!(token(bad), None, "{bad}");
        }
    }
}
