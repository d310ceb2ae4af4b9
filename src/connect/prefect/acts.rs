//! What is done to runs, and what the server's answers to that mean.
//!
//! | verb | request | why |
//! |---|---|---|
//! | resume, of one that is paused | `POST /flow_runs/{id}/resume` | what the server's own page does |
//! | resume, of one that failed | `set_state` to `AwaitingRetry`, not forced | the page's *Retry*: the same run again |
//! | pause | `set_state` to `Suspended`, to be scheduled anew | its process stops, and a resume begins it again |
//! | cancel | `set_state` to `Cancelling`, not forced | a worker ends the process; hooks run |
//! | kill | `set_state` to `Cancelled`, forced | its state alone: nobody waits for the process |
//! | restart as new | `POST /deployments/{id}/create_flow_run` | same parameters, with an idempotency key |
//! | purge | `DELETE /flow_runs/{id}` | |
//!
//! Whether it was done stands in the answer's `status`, not in that of HTTP: a 200 with `ABORT` is a refusal. `REJECT` means
//! that the server put another state in place of the one that was asked for; where that is what a cancel wants (a run
//! without a process is cancelled at once), it was done. Every answer of 500 and more, and every connection that is lost
//! once the request began, is `Unknown`.
//!
//! One request changes something. Before it the run may be looked at, for what the request depends on.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{self, RESTARTED_FROM};
use super::row::RunRow;
use super::{ConnectError, Prefect};
use crate::connect::answer::Object;
use crate::connect::http::{ActReply, Method};
use crate::connect::{Act, ActAnswer};
use crate::domain::flow::{FlowInstance, Status};
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// What is written into a state, so that whoever finds it knows where it came from.
const BY: &str = "by Quarterdeck";

/// The same of a kill, which is known by it later on.
pub(super) const KILLED: &str = "killed by Quarterdeck";

/// The tag that the scheduler gives to runs that it made.
const SCHEDULED: &str = "auto-scheduled";

/// What is to be sent for an act.
struct Request {
    method: Method,
    path: String,
    body: Option<Value>,
}

/// What a run is that is to be restarted.
#[derive(Deserialize)]
struct Original {
    id: String,
    deployment_id: Option<String>,
    #[serde(default)]
    parameters: Value,
    #[serde(default)]
    tags: Vec<String>,
}

/// The server's word on a change of state.
#[derive(Deserialize)]
struct Orchestrated {
    status: String,
    state: Option<NewState>,
    details: Option<Reason>,
}

#[derive(Deserialize)]
struct NewState {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Reason {
    reason: Option<String>,
}

/// Prefect tells of no drift.
const NO_DRIFT: &str = "nothing: a run does not drift";

/// What a verb makes the server do, in words.
pub(super) fn effect(verb: Verb, flow: &FlowInstance) -> SafeText {
    let step = &flow.step;
    match (verb, flow.status) {
        (Verb::Resume, Status::Failed | Status::TimedOut) => {
            "Prefect schedules the same run again; tasks whose results were kept are not run again, others are".into()
        }
        (Verb::Resume, Status::Paused) => {
            "Prefect schedules it to go on; its code begins again, and tasks whose results were kept are not run again"
                .into()
        }
        (Verb::Resume, _) => format!("Prefect lets it go on from {step}"),
        (Verb::Pause, _) => {
            format!("Prefect marks it as suspended; its process stops after {step}, and a resume begins its code again")
        }
        (Verb::RestartAsNew, _) => {
            "Prefect begins a new run of its deployment with the same parameters, from the first step; this one stays \
             as it is"
                .into()
        }
        (Verb::Cancel, Status::Scheduled) => "Prefect cancels it; it has not begun".into(),
        (Verb::Cancel, _) => {
            format!("Prefect asks its worker to end it at {step}; without a worker it stays in (cancelling)")
        }
        (Verb::Kill, _) => {
            "Prefect marks it as cancelled at once; a process that still runs is not ended, and no hook of the flow runs"
                .into()
        }
        (Verb::Purge, _) => "Prefect removes the run, its tasks, states and logs".into(),
        (Verb::Reconcile | Verb::Restore, _) => NO_DRIFT.into(),
    }
    .into()
}

fn set_state(id: &str, state: &Value, force: bool) -> Request {
    let body = json!({ "state": state, "force": force });
    Request { method: Method::POST, path: format!("/flow_runs/{id}/set_state"), body: Some(body) }
}

impl Prefect {
    /// Sends what an act needs, once.
    pub(super) async fn do_once(&self, act: &Act) -> ActAnswer {
        let refused = |why: SafeText| ActAnswer::Refused(format!("nothing was sent: {why}").into());
        if !ask::is_id(&act.instance) {
            return refused("this is no id of a flow run".into());
        }
        if let Some(name) = act.parameters.keys().next() {
            return refused(format!("{} takes no {name} at prefect", act.verb.label()).into());
        }
        let request = match self.request(act).await {
            Ok(Some(request)) => request,
            Ok(None) => return ActAnswer::Gone("there is no such flow run".into()),
            Err(error) => return refused(SafeText::new(&error.to_string())),
        };
        match self.http.act_with(request.method, &request.path, request.body.as_ref()).await {
            ActReply::NotSent(why) => refused(why),
            ActReply::Lost(why) => ActAnswer::Unknown(why),
            ActReply::Answered { status, body } => answer(act.verb, status, &body),
        }
    }

    /// The request that does it; `None` where there is no such run.
    async fn request(&self, act: &Act) -> Result<Option<Request>, ConnectError> {
        let id = act.instance.as_str();
        Ok(Some(match act.verb {
            Verb::Pause => {
                let details = json!({"pause_reschedule": true});
                let state = json!({
                    "type": "PAUSED", "name": "Suspended", "message": format!("suspended {BY}"), "state_details": details,
                });
                set_state(id, &state, false)
            }
            Verb::Cancel => {
                let state = json!({"type": "CANCELLING", "name": "Cancelling", "message": format!("cancelled {BY}")});
                set_state(id, &state, false)
            }
            Verb::Kill => {
                let state = json!({"type": "CANCELLED", "name": "Cancelled", "message": KILLED});
                set_state(id, &state, true)
            }
            Verb::Reconcile | Verb::Restore => return Err(ConnectError::Refused(NO_DRIFT.into())),
            Verb::Purge => Request { method: Method::DELETE, path: format!("/flow_runs/{id}"), body: None },
            Verb::Resume => {
                let Some((run, _)) = self.run(id).await? else { return Ok(None) };
                match run.kind() {
                    "FAILED" | "CRASHED" => {
                        let message = format!("retried {BY}");
                        let state = json!({"type": "SCHEDULED", "name": "AwaitingRetry", "message": message});
                        set_state(id, &state, false)
                    }
                    // The server says itself what can't be resumed.
                    _ => {
                        Request { method: Method::POST, path: format!("/flow_runs/{id}/resume"), body: Some(json!({})) }
                    }
                }
            }
            Verb::RestartAsNew => {
                let Some(original) = self.original(id).await? else { return Ok(None) };
                let deployment = original.deployment_id.filter(|deployment| ask::is_id(deployment));
                let deployment = deployment.ok_or_else(|| {
                    ConnectError::Refused("it has no deployment, so there is nothing to begin another run of".into())
                })?;
                let kept = |tag: &String| tag != SCHEDULED && !tag.starts_with(RESTARTED_FROM);
                let mut tags: Vec<String> = original.tags.into_iter().filter(kept).collect();
                tags.push(format!("{RESTARTED_FROM}{id}"));
                let parameters = if original.parameters.is_object() { original.parameters } else { json!({}) };
                let body = json!({"parameters": parameters, "tags": tags, "idempotency_key": act.key});
                let path = format!("/deployments/{deployment}/create_flow_run");
                Request { method: Method::POST, path, body: Some(body) }
            }
        }))
    }

    async fn original(&self, id: &str) -> Result<Option<Original>, ConnectError> {
        match self.http.get_json::<Object<Original>>(&format!("/flow_runs/{id}")).await {
            Ok(answer) => {
                let Object(original) = answer.value;
                let other =
                    || ConnectError::BadAnswer(format!("asked for {id}, the server told of another one").into());
                if original.id == id { Ok(Some(original)) } else { Err(other()) }
            }
            Err(ConnectError::NotFound(why)) => self.not_there(why).await,
            Err(error) => Err(error),
        }
    }

    /// The run that was begun last from this one, after a moment.
    pub(super) async fn begun_from(&self, id: &str, after: Timestamp) -> Result<Option<SafeText>, ConnectError> {
        // The moment is in whole seconds, by a clock that was read before the request was sent.
        let after = after.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(after);
        let runs: Vec<RunRow> = self.strict("/flow_runs/filter", &ask::restarted_from(&[id])).await?;
        let newest = runs.into_iter().filter(|run| run.created >= Some(after) && ask::is_id(&run.id));
        Ok(newest.max_by_key(|run| run.created).map(|run| run.id.as_str().into()))
    }
}

/// What the server says of itself in an error, where it was the server.
fn own_words(body: &[u8]) -> Option<SafeText> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = ["detail", "exception_message", "message", "exception_detail"].iter().find_map(|name| {
        let value = body.get(*name)?;
        // Of a list of what is wrong with a request, the first.
        let first = value.as_array().and_then(|list| list.first()?.get("msg")?.as_str());
        value.as_str().or(first)
    })?;
    Some(Redactor::default().first_line(text, 300)).filter(|text| !text.is_empty())
}

/// What an answer to an act means.
fn answer(verb: Verb, status: u16, body: &[u8]) -> ActAnswer {
    let told = || match Redactor::default().first_line(&String::from_utf8_lossy(body), 120) {
        nothing if nothing.is_empty() => SafeText::from(format!("the server answered {status}")),
        words => format!("the server answered {status}: {words}").into(),
    };
    match status {
        204 if verb == Verb::Purge => ActAnswer::Done,
        200 | 201 if verb == Verb::RestartAsNew => begun(body).unwrap_or_else(|| ActAnswer::Unknown(told())),
        200 | 201 if verb != Verb::Purge => orchestrated(verb, body).unwrap_or_else(|| ActAnswer::Unknown(told())),
        300..=399 => ActAnswer::Refused(format!("redirected ({status}); redirects are not followed").into()),
        404 => ActAnswer::Gone(own_words(body).unwrap_or_else(told)),
        // 408: who gave up waiting, and for what, is not said.
        0..=299 | 408 | 500.. => ActAnswer::Unknown(told()),
        _ => ActAnswer::Refused(own_words(body).unwrap_or_else(told)),
    }
}

/// What was begun.
fn begun(body: &[u8]) -> Option<ActAnswer> {
    #[derive(Deserialize)]
    struct Begun {
        id: String,
    }
    let Object(Begun { id }) = serde_json::from_slice(body).ok()?;
    ask::is_id(&id).then(|| ActAnswer::Began(id.as_str().into()))
}

/// The server's word on a change of state; `None` where it is none.
fn orchestrated(verb: Verb, body: &[u8]) -> Option<ActAnswer> {
    let Object(Orchestrated { status, state, details }) = serde_json::from_slice(body).ok()?;
    let now = state.map(|state| state.kind).unwrap_or_default();
    let why = || {
        let reason = details.and_then(|details| details.reason).unwrap_or_default();
        match Redactor::default().first_line(&reason, 300) {
            nothing if nothing.is_empty() => SafeText::from(format!("the server answered {status}")),
            reason => reason,
        }
    };
    Some(match status.as_str() {
        // Its worker has to end it yet.
        "ACCEPT" if verb == Verb::Cancel && now == "CANCELLING" => ActAnswer::Accepted,
        "ACCEPT" => ActAnswer::Done,
        "REJECT" if matches!(verb, Verb::Cancel | Verb::Kill) && now == "CANCELLED" => ActAnswer::Done,
        "REJECT" | "ABORT" | "WAIT" => ActAnswer::Refused(why()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: &str, state: &str, reason: &str) -> Vec<u8> {
        json!({"status": status, "state": {"type": state}, "details": {"reason": reason}}).to_string().into_bytes()
    }

    #[test]
    fn a_200_may_be_a_refusal() {
        let aborted = said("ABORT", "FAILED", "Cannot resume a flow run that is not paused.");
        let refused = ActAnswer::Refused("Cannot resume a flow run that is not paused.".into());
        assert_eq!(answer(Verb::Resume, 200, &aborted), refused);
        for (status, verb) in [("WAIT", Verb::Pause), ("REJECT", Verb::Pause), ("ABORT", Verb::Cancel)] {
            assert_eq!(answer(verb, 201, &said(status, "RUNNING", "no")), ActAnswer::Refused("no".into()), "{status}");
        }
        let silent = br#"{"status":"ABORT","state":null,"details":null}"#;
        assert_eq!(answer(Verb::Pause, 200, silent), ActAnswer::Refused("the server answered ABORT".into()));
    }

    #[test]
    fn a_cancel_is_done_where_it_is_cancelled_and_taken_where_a_worker_has_to() {
        assert_eq!(answer(Verb::Cancel, 201, &said("ACCEPT", "CANCELLING", "")), ActAnswer::Accepted);
        let at_once = said("REJECT", "CANCELLED", "Scheduled flow run has no infrastructure to terminate.");
        assert_eq!(answer(Verb::Cancel, 201, &at_once), ActAnswer::Done);
        assert!(matches!(answer(Verb::Resume, 201, &at_once), ActAnswer::Refused(_)));
        assert_eq!(answer(Verb::Kill, 201, &said("ACCEPT", "CANCELLED", "")), ActAnswer::Done);
    }

    #[test]
    fn answers_that_are_none_of_the_server() {
        for (verb, status, body) in [
            (Verb::Kill, 200, "<html>sign in</html>"),
            (Verb::Kill, 200, "{}"),
            (Verb::Kill, 200, r#"{"status":"MAYBE"}"#),
            (Verb::Kill, 200, r#"["ACCEPT",null,null]"#),
            (Verb::Kill, 204, ""),
            (Verb::Purge, 200, ""),
            (Verb::RestartAsNew, 201, "{}"),
            (Verb::RestartAsNew, 201, r#"{"id":"a/../b"}"#),
            (Verb::Cancel, 408, ""),
            (Verb::Cancel, 500, r#"{"exception_message":"Internal Server Error"}"#),
        ] {
            assert!(matches!(answer(verb, status, body.as_bytes()), ActAnswer::Unknown(_)), "{verb:?} {status} {body}");
        }
        assert!(matches!(answer(Verb::Kill, 302, b""), ActAnswer::Refused(_)));
        let gone = br#"{"exception_message":"Flow run with id 7 not found"}"#;
        assert_eq!(answer(Verb::Kill, 404, gone), ActAnswer::Gone("Flow run with id 7 not found".into()));
        for (status, body, words) in [
            (401, r#"{"exception_message":"Unauthorized"}"#, "Unauthorized"),
            (403, "", "the server answered 403"),
            (409, r#"{"detail":"Error creating flow run: 'x' is a required property"}"#, "'x' is a required property"),
            (422, r#"{"detail":[{"loc":["body"],"msg":"Field required"}]}"#, "Field required"),
            (429, "slow down", "the server answered 429: slow down"),
        ] {
            let ActAnswer::Refused(why) = answer(Verb::Kill, status, body.as_bytes()) else { panic!("{status}") };
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn what_was_begun_is_told() {
        let id = "9fad3e84-5174-4347-bdbf-30b4d030743a";
        // 200 where the idempotency key was there already.
        for status in [200, 201] {
            let body = json!({ "id": id }).to_string();
            assert_eq!(answer(Verb::RestartAsNew, status, body.as_bytes()), ActAnswer::Began(id.into()));
        }
    }
}
