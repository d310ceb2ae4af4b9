//! Running jobs: what minions are at. A job on a minion is an instance of a flow, which can be ended there.
//!
//! Minions tell of it themselves (`saltutil.running`), since the master keeps no such list: what it says of running jobs
//! (`jobs.active`) is the same question to all minions. What a job returned is kept by the master (`jobs.list_job`). A job
//! that was ended by a signal returns nothing: it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::check::AT_ONCE;
use super::job::{Job, Target, Task};
use super::{NAME, Salt};
use crate::connect::answer::Object;
use crate::connect::{ConnectError, EngineCount, Observation, Reading, Sight};
use crate::domain::flow::{EntryOutcome, FlowDetail, FlowError, FlowInstance, Status, TimelineEntry, Version};
use crate::domain::ids::InstanceId;
use crate::domain::run::{Attempts, StepRun, Stretch, StretchKind};
use crate::domain::signs::Signs;
use crate::domain::text::SafeText;

/// So long minions have to say what they are at.
const ANSWERS: Duration = Duration::from_secs(5);

/// The most jobs of one minion.
const JOBS: usize = 1_000;

/// Functions that change nothing, by how their names begin; and those that are told `test=True` change nothing either. This
/// and other cockpits ask by them all the time: one that is over in a moment is nothing to look at, and one that hangs is.
const READS: [&str; 7] = [
    "saltutil.running",
    "saltutil.find_job",
    "grains.",
    "test.ping",
    "state.show_",
    "file.get_hash",
    "file.list_backups",
];

/// So long a job that changes nothing is left out.
const MOMENT: SignedDuration = SignedDuration::from_mins(5);

/// The length of a job's id: a moment to the microsecond.
const DIGITS: usize = 20;

/// A job on a minion, as an id names it: `JID@MINION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobId {
    pub(super) jid: String,
    pub(super) minion: String,
}

impl JobId {
    /// Reads an id; `None` where it names no job.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (jid, minion) = text.split_once('@')?;
        let plain = jid.len() == DIGITS && jid.bytes().all(|byte| byte.is_ascii_digit());
        (plain && !minion.is_empty()).then(|| Self { jid: jid.to_owned(), minion: minion.to_owned() })
    }

    pub(super) fn text(&self) -> String {
        format!("{}@{}", self.jid, self.minion)
    }
}

/// A job as a minion tells of it while it works on it.
#[derive(Debug, Deserialize)]
pub(super) struct RunningRow {
    pub(super) jid: String,
    /// A function, or several of them.
    fun: Value,
    #[serde(default)]
    arg: Value,
    user: Option<String>,
    pid: Option<u64>,
}

impl RunningRow {
    /// Its function; of several each.
    pub(super) fn function(&self) -> String {
        match &self.fun {
            Value::String(name) => name.clone(),
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            _ => "[untold]".to_owned(),
        }
    }

    /// Whether it changes nothing.
    fn reads(&self) -> bool {
        let (function, arguments) = (self.function(), self.arg.as_array());
        let test = |argument: &Value| argument.get("test") == Some(&Value::Bool(true));
        READS.iter().any(|read| function.starts_with(read)) || arguments.is_some_and(|all| all.iter().any(test))
    }

    /// Whether it runs states, of which a minion runs one job at a time.
    pub(super) fn runs_states(&self) -> bool {
        self.function().starts_with("state.")
    }

    /// Its arguments in one line.
    fn arguments(&self) -> String {
        let word = |argument: &Value| match argument {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.arg.as_array().map(|all| all.iter().map(word).collect::<Vec<_>>().join(" ")).unwrap_or_default()
    }

    /// Which states it runs, by the names that it was given. What other functions are given is no step: it may be a whole
    /// command, with whatever is in it.
    fn step(&self) -> SafeText {
        let names = self.arg.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        match (self.runs_states(), names.is_empty()) {
            (true, false) => SafeText::clipped(&names, NAME),
            (true, true) => "[all its states]".into(),
            (false, _) => "[running]".into(),
        }
    }
}

/// What a minion answered: what it is at, or why that can't be read.
pub(super) fn told(value: &RawValue) -> Result<Vec<RunningRow>, String> {
    let rows: Vec<RunningRow> =
        serde_json::from_str(value.get()).map_err(|_| match serde_json::from_str(value.get()) {
            Ok(Value::String(text)) => text,
            _ => "it is no list of jobs".to_owned(),
        })?;
    if rows.len() > JOBS { Err(format!("more than {JOBS} jobs")) } else { Ok(rows) }
}

/// What a minion returned of a job, as the master keeps it.
#[derive(Debug, Deserialize)]
struct Returned {
    #[serde(rename = "return", default)]
    value: Value,
    retcode: Option<i64>,
    success: Option<bool>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Function", default)]
    function: String,
    #[serde(rename = "Arguments", default)]
    arguments: Value,
    #[serde(rename = "User")]
    user: Option<String>,
    #[serde(rename = "Result", default)]
    result: BTreeMap<String, Object<Returned>>,
}

/// One job on one minion, looked at.
struct Seen {
    flow: FlowInstance,
    row: RunningRow,
}

impl Salt {
    /// What minions are at, as parts of a pass. What a silent one was at can't be told any more.
    pub(super) async fn running_jobs(&self) -> Vec<Observation> {
        let untold = |count, why: &str| Observation::BadRows {
            count,
            first: SafeText::clipped(&format!("running jobs can't be told: {why}"), NAME),
        };
        let target = Target::Glob(&self.settings.target);
        let job = match self.asked_shortly(&target).await {
            Ok(job) => job,
            // Who may not ask for it gets the findings all the same.
            Err(error) => {
                let flows = self.known_jobs().values().flatten().map(unknown).collect();
                return vec![Observation::Flows(flows), untold(1, &error.to_string())];
            }
        };
        let (mut flows, mut bad) = (Vec::new(), Vec::new());
        let mut known = self.known_jobs();
        for (minion, value) in &job.returns {
            match told(value) {
                Ok(rows) => {
                    let over_soon = |row: &RunningRow| {
                        let began = self.moment(&row.jid).zip(job.now);
                        row.reads() && began.is_some_and(|(began, now)| now.duration_since(began) < MOMENT)
                    };
                    let others = rows.into_iter().filter(|row| !over_soon(row));
                    let mut ids = BTreeSet::new();
                    let of_it: Vec<FlowInstance> = others
                        .filter(|row| ids.insert(row.jid.clone()))
                        .map(|row| self.running(&row, minion, Status::Running, job.now))
                        .collect();
                    flows.extend(of_it.iter().cloned());
                    known.insert(minion.clone(), of_it);
                }
                Err(why) => {
                    bad.push(format!("{minion}: {}", self.line(&why)));
                    flows.extend(known.get(minion).into_iter().flatten().map(unknown));
                }
            }
        }
        for minion in &job.silent {
            flows.extend(known.get(minion).into_iter().flatten().map(unknown));
        }
        // Of who is no minion any more nothing is left.
        known.retain(|minion, _| job.returns.contains_key(minion) || job.silent.contains(minion));
        // What a silent minion was at is counted with what it was last known to be; that it is silent is told of its states.
        let counts = counted(&flows);
        let bad = bad.first().map(|first| untold(bad.len(), first));
        [Observation::Flows(flows), Observation::Counts(counts)].into_iter().chain(bad).collect()
    }

    /// Asks minions what they are at; who does not say so soon is silent.
    pub(super) async fn asked_shortly(&self, target: &Target<'_>) -> Result<Job, ConnectError> {
        let begun = self.begin(target, &Task::new("saltutil.running", json!([]), json!({}))).await?;
        self.follow(begun, ANSWERS, ANSWERS, false).await
    }

    /// A job as an instance.
    fn running(&self, row: &RunningRow, minion: &str, status: Status, now: Option<Timestamp>) -> FlowInstance {
        let own = JobId { jid: row.jid.clone(), minion: minion.to_owned() }.text();
        let id = SafeText::clipped(&own, NAME);
        let began = self.moment(&row.jid);
        FlowInstance {
            exact_id: *id == *own && JobId::parse(&own).is_some(),
            id: InstanceId::new(self.source.clone(), id),
            flow: SafeText::clipped(&row.function(), NAME),
            step: row.step(),
            tenant: self.known_facts().get(minion).and_then(|facts| facts.tenant.clone()),
            key: Some(SafeText::clipped(minion, NAME)),
            status,
            pause: None,
            attempts: None,
            created_at: began,
            entered_step_at: began,
            last_transition_at: began,
            first_failure_at: None,
            last_start_at: began,
            next_retry_at: None,
            error: None,
            wait: None,
            signs: Signs::default(),
            completed_commands: 0,
            version: Version::of(status, None, 0, ""),
            observed_at: now.unwrap_or_else(Timestamp::now),
        }
    }

    /// Looks at jobs anew, in the order of the question; `None` for those that neither run nor have returned.
    async fn look(&self, ids: &[SafeText]) -> Result<Vec<Option<(Seen, Timestamp)>>, ConnectError> {
        let wanted: Vec<Option<JobId>> = ids.iter().map(|id| JobId::parse(id)).collect();
        let minions: BTreeSet<String> = wanted.iter().flatten().map(|job| job.minion.clone()).collect();
        if minions.is_empty() {
            return Ok(wanted.iter().map(|_| None).collect());
        }
        let minions: Vec<String> = minions.into_iter().collect();
        let job = self.asked_shortly(&Target::These(&minions)).await?;
        let now = job.now.unwrap_or_else(Timestamp::now);
        let mut running: BTreeMap<String, Result<Vec<RunningRow>, String>> =
            job.returns.iter().map(|(minion, value)| (minion.clone(), told(value))).collect();
        let mut seen = Vec::new();
        for id in &wanted {
            let there = id.as_ref().and_then(|id| match running.get_mut(&id.minion) {
                Some(Ok(rows)) => rows.iter().position(|row| row.jid == id.jid).map(|at| rows.swap_remove(at)),
                _ => None,
            });
            // Who neither answered nor is waited for is no minion.
            let knows = |id: &JobId| match running.get(&id.minion) {
                Some(told) => told.is_ok(),
                None => !job.silent.contains(&id.minion),
            };
            seen.push((id, there, id.as_ref().is_some_and(knows)));
        }
        let each: Vec<_> =
            seen.into_iter().map(|(id, there, told)| self.become_of(id.as_ref(), there, told, now)).collect();
        stream::iter(each).buffered(AT_ONCE).try_collect().await
    }

    /// What became of a job: it runs, it has returned, nobody can say, or it is gone.
    async fn become_of(
        &self,
        id: Option<&JobId>,
        there: Option<RunningRow>,
        told: bool,
        now: Timestamp,
    ) -> Result<Option<(Seen, Timestamp)>, ConnectError> {
        let Some(id) = id else { return Ok(None) };
        if let Some(row) = there {
            return Ok(Some((Seen { flow: self.running(&row, &id.minion, Status::Running, Some(now)), row }, now)));
        }
        let (Object(listed), _): (Object<Listed>, _) = self.run("jobs.list_job", json!([id.jid]), json!({})).await?;
        let Listed { function, arguments, user, mut result } = listed;
        let row = RunningRow { jid: id.jid.clone(), fun: function.into(), arg: arguments, user, pid: None };
        let Some(Object(returned)) = result.remove(&id.minion) else {
            // The master knows no such job, or the minion is not at it any more and has returned nothing.
            if told || row.function().is_empty() {
                return Ok(None);
            }
            // Of a minion that is silent nobody knows whether it is still at it.
            return Ok(Some((Seen { flow: self.running(&row, &id.minion, Status::Unknown, Some(now)), row }, now)));
        };
        let well = returned.success != Some(false) && returned.retcode.is_none_or(|code| code == 0);
        let status = if well { Status::Succeeded } else { Status::Failed };
        let mut flow = self.running(&row, &id.minion, status, Some(now));
        if !well {
            let words = match &returned.value {
                Value::String(text) => text.clone(),
                Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
                _ => "it ended with an error of one of its states".to_owned(),
            };
            let code = returned.retcode.map(|code| code.to_string());
            flow.error = Some(FlowError::new(code.as_deref(), &words, &[&id.minion], &self.redactor));
        }
        // The master keeps no moment of its end.
        flow.last_transition_at = None;
        Ok(Some((Seen { flow, row }, now)))
    }

    /// One job in full.
    pub(super) async fn read_job(&self, id: &str) -> Result<Option<Reading>, ConnectError> {
        let Some((Seen { flow, row }, engine_now)) = self.look(&[id.into()]).await?.pop().flatten() else {
            return Ok(None);
        };
        let outcome = match flow.status {
            Status::Succeeded => EntryOutcome::Done,
            Status::Failed => EntryOutcome::Failed,
            _ => EntryOutcome::Open,
        };
        let began = TimelineEntry {
            at: flow.created_at,
            ended_at: None,
            what: flow.step.clone(),
            outcome,
            note: flow.error.as_ref().map(|error| error.text.clone()),
        };
        let stretch = flow.created_at.filter(|_| outcome == EntryOutcome::Open);
        let stretches =
            stretch.map(|from| Stretch { kind: StretchKind::Running, from, to: None }).into_iter().collect();
        let run = StepRun { step: flow.step.clone(), stretches, failures: Vec::new(), outcome };
        let mut facts = vec![("minion", flow.key.clone().unwrap_or_default())];
        facts.push(("arguments", self.line(&row.arguments())));
        facts.extend(row.user.as_deref().map(|user| ("begun by", SafeText::clipped(user, NAME))));
        facts.extend(row.pid.map(|pid| ("process", pid.to_string().into())));
        facts.retain(|(_, value)| !value.is_empty());
        let detail = FlowDetail {
            error: flow.error.iter().map(|error| error.text.clone()).collect(),
            timeline: vec![began],
            runs: vec![run],
            attempts: Attempts::default(),
            facts,
            flow,
        };
        Ok(Some(Reading { detail, engine_now, last_failure_at: None, pinned: None }))
    }

    /// Many jobs.
    pub(super) async fn sights_of(&self, ids: &[SafeText]) -> Result<Vec<Option<Sight>>, ConnectError> {
        let sight = |(Seen { flow, .. }, engine_now)| Sight { flow, engine_now, last_failure_at: None, contents: None };
        Ok(self.look(ids).await?.into_iter().map(|seen| seen.map(sight)).collect())
    }
}

/// How many jobs run, by what they do: what the minions say is all that there is to count.
fn counted(flows: &[FlowInstance]) -> Vec<EngineCount> {
    let mut counts: BTreeMap<(&SafeText, &SafeText), u64> = BTreeMap::new();
    for flow in flows {
        *counts.entry((&flow.flow, &flow.step)).or_default() += 1;
    }
    let count = |((flow, step), open): ((&SafeText, &SafeText), u64)| EngineCount {
        flow: flow.clone(),
        step: step.clone(),
        open,
        waiting: 0,
        held: 0,
        failed: 0,
    };
    counts.into_iter().map(count).collect()
}

/// The same of which nobody can say whether it still runs.
fn unknown(flow: &FlowInstance) -> FlowInstance {
    FlowInstance { status: Status::Unknown, version: Version::of(Status::Unknown, None, 0, ""), ..flow.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_a_job_on_a_minion() {
        let id = JobId::parse("20261121094819055063@cp-eu-1").unwrap();
        assert_eq!((id.jid.as_str(), id.minion.as_str()), ("20261121094819055063", "cp-eu-1"));
        assert_eq!(id.text(), "20261121094819055063@cp-eu-1");
        for none in
            ["web-1", "web-1:cp:file.managed:/etc/motd", "@web-1", "20261121094819055063@", "2026112109481905506x@m"]
        {
            assert_eq!(JobId::parse(none), None, "{none}");
        }
    }
}
