//! One run in full: its states and tasks as a timeline, its attempts, its whole error, and the engine's own facts.

use jiff::Timestamp;

use super::ask::{self, RESTARTED_FROM};
use super::row::{NAME, RunRow, StateRow};
use super::tasks::TaskRow;
use super::workers::{DeploymentRow, Surroundings};
use super::{ConnectError, Prefect};
use crate::connect::Reading;
use crate::domain::flow::{EntryOutcome, FlowDetail, FlowError, TimelineEntry};
use crate::domain::redact::Redactor;
use crate::domain::run::{Attempt, Attempts, StepRun, Stretch, StretchKind};
use crate::domain::text::SafeText;
use crate::domain::time::date_time;

/// The most that is shown of one whole error, in characters.
const WHOLE: usize = 64 * 1024;

/// The most entries, runs of steps and attempts that are kept; of more, the last ones.
const ENTRIES: usize = 2_000;
const ATTEMPTS: usize = 200;

/// Everything that was read of one run.
struct Read<'a> {
    run: &'a RunRow,
    states: Vec<StateRow>,
    tasks: Vec<TaskRow>,
    redactor: &'a Redactor,
}

impl Prefect {
    /// Reads one run. The caller has checked the id.
    pub(super) async fn read_detail(&self, id: &str) -> Result<Option<Reading>, ConnectError> {
        let Some((run, engine_now)) = self.run(id).await? else { return Ok(None) };
        let runs = std::slice::from_ref(&run);
        let (mut around, mut asked) = (Surroundings::default(), 0);
        let deployment: Vec<String> = run.deployment_id.iter().filter(|id| ask::is_id(id)).cloned().collect();
        let ids = [id];
        let (states, (tasks, _), seen, deployments) = tokio::try_join!(
            self.states(id),
            self.task_runs(&ids, true),
            self.seen(runs, engine_now, &mut around, &mut asked),
            self.deployments_by_id(&deployment),
        )?;
        let Some(seen) = seen.into_iter().next() else { return Ok(None) };
        let read = Read { run: &run, states, tasks, redactor: &self.redactor };
        let deployment = deployments.into_values().next();
        let detail = FlowDetail {
            error: read.whole_error(seen.stand.retry.as_ref().and_then(|retry| retry.error.as_deref())),
            timeline: read.timeline(),
            runs: read.step_runs(),
            attempts: read.attempts(),
            facts: facts(&run, deployment.as_ref()),
            flow: seen.flow,
        };
        let last_failure_at = read.failed().filter_map(|(_, state)| state.timestamp).max().max(seen.last_failure_at);
        Ok(Some(Reading { detail, engine_now, last_failure_at, pinned: None }))
    }

    /// The states that a run went through, the oldest first.
    pub(super) async fn states(&self, id: &str) -> Result<Vec<StateRow>, ConnectError> {
        const PATH: &str = "/flow_run_states/";
        let answer = self.http.get_bytes(&format!("{PATH}?flow_run_id={id}")).await?;
        let mut states: Vec<StateRow> = self.read_list(PATH, &answer.value)?;
        states.sort_by_key(|state| state.timestamp);
        Ok(states)
    }
}

impl Read<'_> {
    /// Each state in which an attempt of the run ended badly, with the one before it.
    fn failed(&self) -> impl Iterator<Item = (Option<&StateRow>, &StateRow)> {
        let before = std::iter::once(None).chain(self.states.iter().map(Some));
        before.zip(&self.states).filter(|(before, state)| {
            let ran = before.is_some_and(|before| before.kind == "RUNNING");
            matches!(state.kind.as_str(), "FAILED" | "CRASHED") || state.awaits_retry() && ran
        })
    }

    fn whole_error(&self, retried: Option<&str>) -> Vec<SafeText> {
        let state = self.run.state.as_ref().filter(|state| matches!(state.kind.as_str(), "FAILED" | "CRASHED"));
        let of_run = state.and_then(StateRow::message).or(retried);
        let last = || self.failed().filter_map(|(_, state)| state.message()).last();
        let Some(text) = of_run.or_else(last) else { return Vec::new() };
        // Cut last: a cut could take away what a secret is known by.
        SafeText::lines(&self.redactor.text(text).chars().take(WHOLE).collect::<String>())
    }

    fn line(&self, text: &str) -> SafeText {
        self.redactor.first_line(text, FlowError::MAX)
    }

    fn timeline(&self) -> Vec<TimelineEntry> {
        let states = self.states.iter().map(|state| {
            let bad = matches!(state.kind.as_str(), "FAILED" | "CRASHED");
            TimelineEntry {
                at: state.timestamp,
                ended_at: None,
                what: SafeText::clipped(state.name.as_deref().unwrap_or(&state.kind), NAME),
                outcome: if bad { EntryOutcome::Failed } else { EntryOutcome::Note },
                note: state.message().map(|message| self.line(message)),
            }
        });
        let tasks = self.tasks.iter().map(|task| TimelineEntry {
            at: task.start_time.or(task.expected_start_time),
            ended_at: task.end_time,
            what: task.step(),
            outcome: outcome(task),
            note: task.state.as_ref().and_then(StateRow::message).map(|message| self.line(message)),
        });
        let mut entries: Vec<TimelineEntry> = states.chain(tasks).collect();
        // Stable: a state and what began with it stay in that order.
        entries.sort_by_key(|entry| entry.at);
        entries.drain(..entries.len().saturating_sub(ENTRIES));
        entries
    }

    fn step_runs(&self) -> Vec<StepRun> {
        let mut tasks: Vec<&TaskRow> = self.tasks.iter().collect();
        tasks.sort_by_key(|task| task.expected_start_time.or(task.start_time));
        let mut runs: Vec<StepRun> = self.queued().into_iter().chain(tasks.into_iter().filter_map(of_task)).collect();
        runs.drain(..runs.len().saturating_sub(ENTRIES));
        runs
    }

    /// Before its first attempt: to begin later, then late or with a worker.
    fn queued(&self) -> Option<StepRun> {
        let created = self.run.created?;
        let begun = self.run.start_time.or_else(|| self.states.iter().find(|s| s.kind == "RUNNING")?.timestamp);
        let ended = begun.or(self.run.end_time);
        let due = self.run.expected_start_time.filter(|due| *due > created && ended.is_none_or(|end| *due < end));
        let mut stretches = Vec::new();
        if let Some(due) = due {
            stretches.push(Stretch { kind: StretchKind::Waiting, from: created, to: Some(due) });
        }
        stretches.push(Stretch { kind: StretchKind::Queued, from: due.unwrap_or(created), to: ended });
        let outcome = if ended.is_some() { EntryOutcome::Done } else { EntryOutcome::Open };
        Some(StepRun { step: "(queued)".into(), stretches, failures: Vec::new(), outcome })
    }

    fn attempts(&self) -> Attempts {
        let mut list: Vec<Attempt> = Vec::new();
        let mut began: Option<Timestamp> = None;
        let mut number = 0_u32;
        for state in &self.states {
            let bad = matches!(state.kind.as_str(), "FAILED" | "CRASHED");
            if state.kind == "RUNNING" && began.is_none() {
                began = state.timestamp;
                number = number.saturating_add(1);
            } else if bad || state.awaits_retry() && began.is_some() {
                list.push(Attempt {
                    number: Some(number.max(1)),
                    step: None,
                    began_at: began.take(),
                    failed_at: state.timestamp,
                    error: state.message().map(|message| self.line(message)),
                });
            } else if ask::ENDED.contains(&state.kind.as_str()) || state.kind == "SCHEDULED" {
                began = None;
            }
        }
        if began.is_some() {
            let number = Some(number.max(1));
            list.push(Attempt { number, step: None, began_at: began, failed_at: None, error: None });
        }
        let left_out = list.len().saturating_sub(ATTEMPTS);
        list.drain(..left_out);
        let note = match (list.is_empty(), left_out) {
            (true, _) => None,
            (false, 0) => {
                Some("attempts of the whole run; a task that is tried again says how often in the log".into())
            }
            (false, n) => Some(SafeText::from(format!("attempts of the whole run; {n} older ones are left out"))),
        };
        Attempts { list, note }
    }
}

fn outcome(task: &TaskRow) -> EntryOutcome {
    match task.kind() {
        "COMPLETED" => EntryOutcome::Done,
        "FAILED" | "CRASHED" => EntryOutcome::Failed,
        "CANCELLED" => EntryOutcome::Note,
        _ => EntryOutcome::Open,
    }
}

/// A task, with the time that it was queued and that it worked.
fn of_task(task: &TaskRow) -> Option<StepRun> {
    let state = task.state.as_ref()?;
    let due = task.expected_start_time.or(task.start_time)?;
    let does = if state.child().is_some() { StretchKind::Waiting } else { StretchKind::Running };
    let mut stretches = Vec::new();
    let mut failures = Vec::new();
    match task.start_time {
        None => stretches.push(Stretch { kind: StretchKind::Queued, from: due, to: task.end_time }),
        Some(start) => {
            if start > due {
                stretches.push(Stretch { kind: StretchKind::Queued, from: due, to: Some(start) });
            }
            let failed_at = state.timestamp.filter(|_| state.awaits_retry());
            stretches.push(Stretch { kind: does, from: start, to: task.end_time.or(failed_at) });
            if let Some(at) = failed_at {
                failures.push(at);
                stretches.push(Stretch { kind: StretchKind::BackingOff, from: at, to: None });
            }
        }
    }
    if matches!(task.kind(), "FAILED" | "CRASHED") {
        failures.extend(task.end_time);
    }
    Some(StepRun { step: task.step(), stretches, failures, outcome: outcome(task) })
}

fn facts(run: &RunRow, deployment: Option<&Option<DeploymentRow>>) -> Vec<(&'static str, SafeText)> {
    let time = |at: Option<Timestamp>| at.map(|at| format!("{} UTC", date_time(at)));
    let deployment = deployment.map(|found| match found {
        Some(deployment) => deployment.told().to_string(),
        None => "deleted".to_owned(),
    });
    let pool = run.work_pool_name.as_ref().map(|pool| match &run.work_queue_name {
        Some(queue) => format!("{pool}, queue {queue}"),
        None => pool.clone(),
    });
    let restarted = run.tags.iter().find_map(|tag| tag.strip_prefix(RESTARTED_FROM)).map(str::to_owned);
    let tags = (!run.tags.is_empty()).then(|| run.tags.join(", "));
    [
        ("run", run.name.clone()),
        ("state", Some(run.state_name().to_owned()).filter(|name| !name.is_empty())),
        ("deployment", deployment),
        ("work pool", pool),
        ("called by task", run.parent_task_run_id.clone()),
        ("restarted from", restarted),
        ("due at", time(run.expected_start_time)),
        ("ended at", time(run.end_time)),
        ("tags", tags),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, SafeText::clipped(&value?, NAME))))
    .collect()
}
