//! Jobs: something that minions are told to do, and what each of them returned.
//!
//! A job is begun by `local_async`, whose answer says who is expected to return, and then looked at by the runner
//! `jobs.list_job` until all have. So no request lasts as long as the slowest minion takes. Who has returned nothing for a
//! while is asked what it is at (`saltutil.running`): the job itself, or another run of states that the job has to wait for. Who
//! does not answer that either is silent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Salt;
use super::running::told;
use crate::connect::ConnectError;
use crate::connect::answer::Object;
use crate::domain::text::SafeText;

/// Nobody who has returned nothing for so long is waited for unasked.
pub(super) const QUIET: Duration = Duration::from_secs(10);

/// No check lasts longer.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// From one look at a job to the next: at first, and at the most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The most minions of one job.
const MINIONS: usize = 20_000;

/// To whom.
#[derive(Debug, Clone)]
pub(super) enum Target<'a> {
    /// Those whose ids match a glob.
    Glob(&'a str),
    /// These.
    These(&'a [String]),
}

/// What is to be done.
#[derive(Debug, Clone)]
pub(super) struct Task<'a> {
    pub(super) function: &'a str,
    pub(super) arguments: Value,
    pub(super) named: Value,
}

impl<'a> Task<'a> {
    pub(super) const fn new(function: &'a str, arguments: Value, named: Value) -> Self {
        Self { function, arguments, named }
    }

    /// As it is asked for.
    pub(super) fn body(&self, target: &Target<'_>) -> Value {
        let (tgt, kind) = match target {
            Target::Glob(glob) => (json!(glob), "glob"),
            Target::These(ids) => (json!(ids), "list"),
        };
        json!([{
            "client": "local_async", "tgt": tgt, "tgt_type": kind, "fun": self.function,
            "arg": self.arguments, "kwarg": self.named,
        }])
    }
}

/// A job that was begun.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Begun {
    /// Its id: the moment of its beginning by the master's local clock. None where nobody is meant.
    #[serde(default)]
    pub(super) jid: String,
    /// Who is expected to return.
    #[serde(default)]
    pub(super) minions: Vec<String>,
}

/// What minions returned, by their ids; each as it was sent.
pub(super) type Returns = BTreeMap<String, Box<RawValue>>;

/// A job with what came of it.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) returns: Returns,
    /// Who has returned nothing, and is not known to be at it.
    pub(super) silent: Vec<String>,
    /// Who is still at it.
    pub(super) busy: Vec<String>,
    /// Who is at another run of states first, with which.
    pub(super) behind: BTreeMap<String, SafeText>,
    /// The present when it was over, by the server's clock.
    pub(super) now: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Returned<'a> {
    #[serde(borrow, rename = "return")]
    values: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Result", default)]
    result: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct OfOne {
    #[serde(rename = "return")]
    value: Box<RawValue>,
}

impl Salt {
    /// Asks one thing, and gives what came back as it was sent, with the server's clock.
    async fn asked(&self, body: &Value) -> Result<(Box<RawValue>, Option<Timestamp>), ConnectError> {
        let answer = self.session.ask(&self.http, body).await?;
        let Object(Returned { values }) = self.http.parse("/", &answer.value)?;
        let [value] = values[..] else {
            return Err(ConnectError::BadAnswer(format!("/: {} answers to one question", values.len()).into()));
        };
        Ok((value.to_owned(), answer.date))
    }

    /// The same, read. What goes wrong in a function is told as a text in the place of what it gives.
    async fn ask_for<T: serde::de::DeserializeOwned>(
        &self,
        body: &Value,
    ) -> Result<(T, Option<Timestamp>), ConnectError> {
        let (value, now) = self.asked(body).await?;
        match serde_json::from_str::<String>(value.get()) {
            Ok(text) => Err(ConnectError::Refused(format!("/: it says \"{}\"", self.line(&text)).into())),
            Err(_) => Ok((self.http.parse("/", value.get().as_bytes())?, now)),
        }
    }

    /// Asks the master itself.
    pub(super) async fn run<T: serde::de::DeserializeOwned>(
        &self,
        function: &str,
        arguments: Value,
        named: Value,
    ) -> Result<(T, Option<Timestamp>), ConnectError> {
        self.ask_for(&json!([{"client": "runner", "fun": function, "arg": arguments, "kwarg": named}])).await
    }

    /// Asks the master for a text.
    pub(super) async fn run_for_text(&self, function: &str, arguments: Value) -> Result<String, ConnectError> {
        let (value, _) = self.asked(&json!([{"client": "runner", "fun": function, "arg": arguments}])).await?;
        self.http.parse("/", value.get().as_bytes())
    }

    /// What has come of a job so far.
    async fn looked(&self, jid: &str) -> Result<(Returns, Option<Timestamp>), ConnectError> {
        let (Object(Listed { result }), now) = self.run("jobs.list_job", json!([jid]), json!({})).await?;
        if result.len() > MINIONS {
            return Err(ConnectError::BadAnswer(format!("a job with more than {MINIONS} minions").into()));
        }
        let mut returns = Returns::new();
        for (minion, told) in result {
            // Whatever is not of that shape is told with the minion.
            let value = match serde_json::from_str(told.get()) {
                Ok(Object(OfOne { value })) => value,
                Err(_) => told,
            };
            returns.insert(minion, value);
        }
        Ok((returns, now))
    }

    /// Begins a job; changes nothing as long as its task does not.
    pub(super) async fn begin(&self, target: &Target<'_>, task: &Task<'_>) -> Result<Begun, ConnectError> {
        let (Object(begun), now): (Object<Begun>, _) = self.ask_for(&task.body(target)).await?;
        self.note_zone(&begun.jid, now);
        Ok(begun)
    }

    /// Has something done that changes nothing, and gives what came of it.
    pub(super) async fn job(&self, target: &Target<'_>, task: &Task<'_>) -> Result<Job, ConnectError> {
        let begun = self.begin(target, task).await?;
        self.follow(begun, QUIET, LONGEST, true).await
    }

    /// Waits for what comes of a job: until all have returned, or nothing has come for so long.
    pub(super) async fn follow(
        &self,
        begun: Begun,
        quiet: Duration,
        longest: Duration,
        ask_the_silent: bool,
    ) -> Result<Job, ConnectError> {
        let mut job = Job::default();
        if begun.minions.is_empty() {
            return Ok(job);
        }
        let (mut pause, most) = LOOKS;
        let start = Instant::now();
        let mut heard = start;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(most);
            let (returns, now) = self.looked(&begun.jid).await?;
            if returns.len() > job.returns.len() {
                heard = Instant::now();
            }
            job.returns = returns;
            job.now = now.or(job.now);
            let missing: Vec<String> =
                begun.minions.iter().filter(|minion| !job.returns.contains_key(*minion)).cloned().collect();
            if missing.is_empty() {
                return Ok(job);
            }
            let over = start.elapsed() >= longest;
            if !over && heard.elapsed() < quiet {
                continue;
            }
            if ask_the_silent {
                let (busy, behind) = self.at_it(&begun.jid, &missing).await?;
                if !busy.is_empty() && !over {
                    heard = Instant::now();
                    continue;
                }
                for minion in missing {
                    if busy.contains(&minion) {
                        job.busy.push(minion);
                    } else if !behind.contains_key(&minion) {
                        job.silent.push(minion);
                    }
                }
                job.behind = behind;
            } else {
                job.silent = missing;
            }
            return Ok(job);
        }
    }

    /// Which of these say that they are still at a job, and which that they are at another run of states.
    async fn at_it(
        &self,
        jid: &str,
        of: &[String],
    ) -> Result<(BTreeSet<String>, BTreeMap<String, SafeText>), ConnectError> {
        let found = Box::pin(self.asked_shortly(&Target::These(of))).await?;
        let (mut busy, mut behind) = (BTreeSet::new(), BTreeMap::new());
        for (minion, value) in found.returns {
            let Ok(rows) = told(&value) else { continue };
            if rows.iter().any(|row| row.jid == jid) {
                busy.insert(minion);
            } else if let Some(other) = rows.iter().find(|row| row.runs_states()) {
                let words = format!("{} is running there as job {}", other.function(), other.jid);
                behind.insert(minion, SafeText::clipped(&words, super::NOTE));
            }
        }
        Ok((busy, behind))
    }

    /// A text of the server's in one line, without secrets.
    pub(super) fn line(&self, text: &str) -> SafeText {
        // Of what Python tells of its calls, the last line says what was wrong.
        let text = if text.contains("Traceback (most recent call last)") {
            text.trim_end().lines().last().unwrap_or_default()
        } else {
            text
        };
        self.redactor.first_line(text, super::NOTE)
    }
}
