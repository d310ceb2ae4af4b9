//! What is done: a state is made what is wanted, its file is put back to what it was before, or a job is ended. And what a
//! minion keeps of files: a copy from before each change, where the state or the minion says so (`backup: minion`).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::check::AT_ONCE;
use super::job::{Begun, Job, Target, Task};
use super::running::JobId;
use super::state::{StateId, Told};
use super::{NAME, Salt};
use crate::connect::http::ActReply;
use crate::connect::{Act, ActAnswer, ConnectError, Contents};
use crate::domain::plan::CONTENT;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// So long it is waited for what a job came to, before it is said that it was taken.
const WAIT: Duration = Duration::from_secs(8);

/// So many copies of a file are looked at, the newest first.
const COPIES: usize = 5;

/// What ends a job on a minion, at once.
pub(super) const KILL: &str = "saltutil.kill_job";

/// What marks a job as one of Quarterdeck's: which finding it was for.
pub(super) const MARK: &str = "quarterdeck";

#[derive(Deserialize)]
struct Copy {
    #[serde(rename = "Location")]
    location: String,
    #[serde(rename = "Backup Time")]
    made_at: Option<String>,
    #[serde(rename = "Size")]
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Returned {
    #[serde(rename = "return")]
    jobs: Vec<Begun>,
}

/// A copy of a file as a minion keeps it.
struct Kept {
    /// Its number there, which is another one once there is a newer copy.
    number: usize,
    digest: String,
    words: String,
}

fn hash(job: &Job, minion: &str) -> Option<String> {
    let text: String = serde_json::from_str(job.returns.get(minion)?.get()).ok()?;
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}

impl Salt {
    async fn on(&self, minion: &str, function: &str, arguments: Value, named: Value) -> Result<Job, ConnectError> {
        self.job(&Target::These(&[minion.to_owned()]), &Task::new(function, arguments, named)).await
    }

    /// The hash of a file on a minion; `None` where there is none.
    async fn hash(&self, minion: &str, path: &str) -> Result<Option<String>, ConnectError> {
        Ok(hash(&self.on(minion, "file.get_hash", json!([path, "sha256"]), json!({})).await?, minion))
    }

    /// The newest copy of a file that is as it is wanted to be.
    async fn copy(
        &self,
        minion: &str,
        path: &str,
        wanted: impl Fn(&str) -> bool + Send,
    ) -> Result<Option<Kept>, ConnectError> {
        let job = self.on(minion, "file.list_backups", json!([path]), json!({"limit": COPIES})).await?;
        let Some(told) = job.returns.get(minion) else { return Ok(None) };
        let Ok(copies) = serde_json::from_str::<BTreeMap<usize, Copy>>(told.get()) else { return Ok(None) };
        for (number, copy) in copies.into_iter().take(COPIES) {
            let Some(digest) = self.hash(minion, &copy.location).await? else { continue };
            if wanted(&digest) {
                let size = copy.size.map(|size| format!(", {size} bytes")).unwrap_or_default();
                let words = format!("as of {}{size}", copy.made_at.as_deref().unwrap_or("a moment that is not told"));
                return Ok(Some(Kept { number, digest, words }));
            }
        }
        Ok(None)
    }

    /// What is in the files of these states, and what was in them before.
    pub(super) async fn contents_of(&self, ids: &[SafeText]) -> Result<Vec<Option<Contents>>, ConnectError> {
        let each: Vec<_> = ids.iter().map(|id| self.content_of(id)).collect();
        stream::iter(each).buffered(AT_ONCE).try_collect().await
    }

    async fn content_of(&self, id: &SafeText) -> Result<Option<Contents>, ConnectError> {
        let Some(state) = StateId::parse(id) else { return Ok(None) };
        let Some(path) = state.file() else { return Ok(None) };
        let there = self.hash(&state.minion, path).await?;
        let copy = self.copy(&state.minion, path, |digest| there.as_deref() != Some(digest)).await?;
        let (before, words) = copy.map_or((None, None), |copy| (Some(copy.digest), Some(copy.words)));
        let safe = |text: String| SafeText::clipped(&text, NAME);
        Ok(Some(Contents { there: there.map(safe), before: before.map(safe), words: words.map(safe) }))
    }

    /// Sends one act.
    pub(super) async fn send(&self, act: &Act) -> ActAnswer {
        // Before anything is sent, so that no act is refused for a token that has ended.
        if let Err(error) = self.session.sign_in(&self.http, None).await {
            return ActAnswer::Refused(format!("nothing was sent: {error}").into());
        }
        let (state, job) = (StateId::parse(&act.instance), JobId::parse(&act.instance));
        match (act.verb, state, job) {
            (Verb::Reconcile, Some(state), _) => {
                let arguments = json!([state.id, state.sls]);
                self.once(act, &state.minion, "state.sls_id", arguments, json!({"queue": true})).await
            }
            (Verb::Restore, Some(state), _) => self.restore(act, &state).await,
            (Verb::Reconcile | Verb::Restore, None, _) => {
                ActAnswer::Refused("it names no state that can be acted on".into())
            }
            (Verb::Kill, _, Some(job)) => self.once(act, &job.minion, KILL, json!([job.jid]), json!({})).await,
            (Verb::Kill, _, None) => ActAnswer::Refused("it names no job on a minion".into()),
            (other, ..) => ActAnswer::Refused(format!("not supported by salt: {}", other.label()).into()),
        }
    }

    async fn restore(&self, act: &Act, state: &StateId) -> ActAnswer {
        let Some(path) = state.file() else { return ActAnswer::Refused("it is about no file".into()) };
        let Some(wanted) = act.parameters.get(&SafeText::from(CONTENT)) else {
            return ActAnswer::Refused("it is not said what is to be put back".into());
        };
        match self.copy(&state.minion, path, |digest| *digest == **wanted).await {
            Ok(Some(copy)) => {
                self.once(act, &state.minion, "file.restore_backup", json!([path, copy.number]), json!({})).await
            }
            Ok(None) => ActAnswer::Refused("the copy that was to be put back is not kept any more".into()),
            Err(error) => ActAnswer::Refused(format!("nothing was sent: {error}").into()),
        }
    }

    /// Begins a job that changes something, by exactly one request, and waits a moment for what it comes to.
    async fn once(&self, act: &Act, minion: &str, function: &str, arguments: Value, named: Value) -> ActAnswer {
        let minions = [minion.to_owned()];
        let mut body = Task::new(function, arguments, named).body(&Target::These(&minions));
        if let Some(job) = body.get_mut(0) {
            job["metadata"] = json!({ MARK: act.instance, "verb": act.verb.name() });
        }
        let reply = match self.http.act_with(Method::POST, "/", Some(&body)).await {
            ActReply::NotSent(why) => return ActAnswer::Refused(format!("nothing was sent: {why}").into()),
            ActReply::Lost(why) => return ActAnswer::Unknown(why),
            ActReply::Answered { status: 200, body } => body,
            ActReply::Answered { status, body } => {
                let why = format!("{status}: {}", self.http.said(&body));
                // A server that failed may have begun it all the same.
                return if status < 500 { ActAnswer::Refused(why.into()) } else { ActAnswer::Unknown(why.into()) };
            }
        };
        let begun = match serde_json::from_slice::<Returned>(&reply).map(|returned| returned.jobs) {
            Ok(jobs) if jobs.len() == 1 => jobs.into_iter().next().unwrap_or_default(),
            _ => return ActAnswer::Unknown("the answer can't be read".into()),
        };
        if begun.minions != minions {
            return ActAnswer::Gone(SafeText::clipped(&format!("the master knows no minion {minion}"), NAME));
        }
        match self.follow(begun, WAIT, WAIT, false).await {
            Ok(job) if function == KILL => self.ended(&job, minion),
            Ok(job) => self.came_to(&job, minion),
            // It was taken; what became of it is looked for.
            Err(_) => ActAnswer::Accepted,
        }
    }

    /// What a job came to on its minion.
    fn came_to(&self, job: &Job, minion: &str) -> ActAnswer {
        let Some(value) = job.returns.get(minion) else { return ActAnswer::Accepted };
        let failed = |words: &str| ActAnswer::Refused(format!("it failed: {}", self.line(words)).into());
        match serde_json::from_str::<Value>(value.get()) {
            Ok(Value::String(text)) => failed(&text),
            Ok(Value::Array(lines)) => failed(&lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")),
            Ok(Value::Object(told)) => {
                // Of a copy that was put back there is one result, of states there is one each.
                let results = if told.contains_key("result") {
                    vec![Value::Object(told)]
                } else {
                    told.into_iter().map(|(_, value)| value).collect()
                };
                let bad = results.into_iter().find(|one| one.get("result") == Some(&Value::Bool(false)));
                match bad.map(serde_json::from_value::<Told>) {
                    Some(Ok(told)) => {
                        let why = told.words(&self.redactor).unwrap_or_else(|| "it does not say why".into());
                        ActAnswer::Refused(format!("it failed: {why}").into())
                    }
                    Some(Err(_)) => ActAnswer::Refused("it failed".into()),
                    None => ActAnswer::Done,
                }
            }
            _ => ActAnswer::Accepted,
        }
    }

    /// What a minion said to a signal that it was to send to a job: that it was sent, or nothing where no such job runs.
    fn ended(&self, job: &Job, minion: &str) -> ActAnswer {
        let Some(value) = job.returns.get(minion) else { return ActAnswer::Accepted };
        match serde_json::from_str::<String>(value.get()) {
            // What became of the process is looked for.
            Ok(text) if text.starts_with("Signal ") => ActAnswer::Accepted,
            Ok(text) if text.is_empty() || text.contains("was not running") => {
                ActAnswer::Gone("the job does not run on the minion any more".into())
            }
            Ok(text) => ActAnswer::Refused(format!("it failed: {}", self.line(&text)).into()),
            Err(_) => ActAnswer::Unknown("the minion's answer can't be read".into()),
        }
    }
}
