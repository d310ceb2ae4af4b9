//! What was done to minions, by whomever: the master's list of jobs, as far as it is kept (a day by default).

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::{KILL, MARK};
use super::job::{Target, Task};
use super::running::JobId;
use super::{NAME, Salt};
use crate::connect::ConnectError;
use crate::domain::outside::OutsideAct;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// What changes minions, or what they are at.
const FUNCTIONS: [&str; 9] = [
    "state.apply",
    "state.highstate",
    "state.sls",
    "state.sls_id",
    "state.single",
    "state.template",
    "file.restore_backup",
    KILL,
    "saltutil.term_job",
];

/// Offsets of time zones are whole quarters of an hour.
const QUARTER: i64 = 15 * 60;

#[derive(Deserialize)]
struct JobRow {
    #[serde(rename = "Function")]
    function: String,
    #[serde(rename = "Arguments", default)]
    arguments: Vec<Value>,
    #[serde(rename = "Target", default)]
    target: Value,
    #[serde(rename = "User")]
    user: Option<String>,
    #[serde(rename = "Metadata", default)]
    metadata: Value,
}

/// When a job began, by the master's local clock: that is what its id is.
fn begun_at(jid: &str) -> Option<DateTime> {
    let digits = jid.get(..14).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    DateTime::strptime("%Y%m%d%H%M%S", digits).ok()
}

/// The same as a moment, where that clock is so far ahead of UTC.
fn moment(jid: &str, ahead: SignedDuration) -> Option<Timestamp> {
    let local = begun_at(jid)?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    local.timestamp().checked_sub(ahead).ok()
}

impl JobRow {
    /// Whether it changes nothing.
    fn is_test(&self) -> bool {
        self.arguments.iter().any(|argument| argument.get("test").is_some_and(|test| *test != Value::Bool(false)))
    }

    fn done(&self) -> String {
        let word = |argument: &Value| match argument {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let arguments: Vec<String> = self.arguments.iter().filter_map(word).collect();
        format!("{} {}", self.function, arguments.join(" ")).trim_end().to_owned()
    }

    /// The job that it ends, on the minion that it is sent to.
    fn ends(&self) -> Option<String> {
        let jid = self.arguments.first()?;
        let jid = jid.as_str().map_or_else(|| jid.to_string(), str::to_owned);
        JobId::parse(&format!("{jid}@{}", self.target())).map(|job| job.text())
    }

    fn target(&self) -> String {
        match &self.target {
            Value::String(glob) => glob.clone(),
            Value::Array(ids) => ids.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            _ => "minions".to_owned(),
        }
    }
}

impl Salt {
    /// Notes how far the master's local clock is from UTC: a job that was begun just now is named by that clock.
    pub(super) fn note_zone(&self, jid: &str, now: Option<Timestamp>) {
        let Some((local, now)) = begun_at(jid).zip(now) else { return };
        let Ok(as_utc) = local.to_zoned(jiff::tz::TimeZone::UTC) else { return };
        let apart = as_utc.timestamp().duration_since(now).as_secs();
        let quarters = (apart + QUARTER / 2).div_euclid(QUARTER);
        *self.zone() = Some(SignedDuration::from_secs(quarters * QUARTER));
    }

    /// When a job began, once it is known how far the master's local clock is from UTC.
    pub(super) fn moment(&self, jid: &str) -> Option<Timestamp> {
        moment(jid, (*self.zone())?)
    }

    pub(super) async fn done_since(&self, since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        if self.zone().is_none() {
            self.begin(&Target::Glob(&self.settings.target), &Task::new("test.ping", json!([]), json!({}))).await?;
        }
        let Some(zone) = *self.zone() else {
            return Err(ConnectError::BadAnswer("the master's clock can't be told".into()));
        };
        let named = json!({ "search_function": FUNCTIONS });
        let (jobs, _) = self.run::<BTreeMap<String, Value>>("jobs.list_jobs", json!([]), named).await?;
        let mut acts = Vec::new();
        for (jid, job) in jobs {
            let Ok(job) = serde_json::from_value::<JobRow>(job) else { continue };
            let Some(at) = moment(&jid, zone) else { continue };
            if at < since || job.is_test() || !FUNCTIONS.contains(&job.function.as_str()) {
                continue;
            }
            let verb = match job.function.as_str() {
                "file.restore_backup" => Verb::Restore,
                function if function.starts_with("saltutil.") => Verb::Kill,
                _ => Verb::Reconcile,
            };
            // What was for one finding says so; it is our own only where our own record says that, too.
            let subject = job.metadata.get(MARK).and_then(Value::as_str).map(str::to_owned);
            let subject = subject.or_else(|| job.ends().filter(|_| verb == Verb::Kill));
            acts.push(OutsideAct {
                at,
                source: self.source.clone(),
                subject: SafeText::clipped(&subject.unwrap_or_else(|| job.target()), NAME),
                verb: Some(verb),
                what: SafeText::clipped(&format!("{} on {}", job.done(), job.target()), NAME),
                caller: None,
                by: job.user.as_deref().map(|user| SafeText::clipped(user, NAME)),
            });
        }
        OutsideAct::newest_first(&mut acts);
        Ok(acts)
    }
}
