//! The task runs of runs: where each run stands, and how many of its tasks have completed.
//!
//! A run that is tried again has the tasks of its former attempts too, each with the number of the attempt of its run
//! (`flow_run_run_count`); only those of the last one say where it stands. For a run in its first attempt, which most are,
//! only those tasks are read that have not completed, and the others are counted by the server.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::ask::{self, PAGE};
use super::row::{NAME, OpenTask, RunRow, StateRow};
use super::{ConnectError, Prefect};
use crate::connect::answer::Row;
use crate::domain::text::SafeText;

/// How many pages of tasks are read for one page of runs; where those do not suffice, steps are not known.
const PAGES: usize = 25;

/// How many runs or tasks that are tried again are asked one by one when they failed first, in one pass.
const FIRSTS: usize = 50;

/// How many answers to that are kept.
const KEPT: usize = 20_000;

/// A task run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TaskRow {
    pub(super) id: String,
    pub(super) flow_run_id: Option<String>,
    task_key: String,
    pub(super) state: Option<StateRow>,
    #[serde(default)]
    pub(super) run_count: u32,
    #[serde(default)]
    flow_run_run_count: u32,
    pub(super) expected_start_time: Option<Timestamp>,
    pub(super) start_time: Option<Timestamp>,
    pub(super) end_time: Option<Timestamp>,
}

impl Row for TaskRow {
    const MOST: usize = PAGE;
}

impl TaskRow {
    pub(super) fn kind(&self) -> &str {
        self.state.as_ref().map(|state| state.kind.as_str()).unwrap_or_default()
    }

    /// Whether it has ended, well or not.
    pub(super) fn ended(&self) -> bool {
        ask::ENDED.contains(&self.kind())
    }

    /// The name of the task, without what the engine adds for one run of it. A name that is made for each run would part
    /// what belongs together.
    pub(super) fn step(&self) -> SafeText {
        let base = self.task_key.rsplit_once('-').filter(|(base, hash)| {
            !base.is_empty() && hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let name = base.map_or(self.task_key.as_str(), |(base, _)| base);
        // Functions defined within others: `outer.<locals>.inner`.
        SafeText::clipped(name.rsplit('.').next().unwrap_or(name), NAME)
    }

    /// Whether it stands for a run of another flow.
    pub(super) fn stands_for_a_run(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.child().is_some())
    }

    /// In the order in which they were begun, as far as that is told.
    fn place(&self) -> (Option<Timestamp>, &str) {
        (self.expected_start_time, &self.id)
    }
}

/// A task that failed and is tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Retry {
    /// The engine's id of its task run.
    pub(super) task: String,
    /// How often it was tried.
    pub(super) attempts: u32,
    /// When it is tried again.
    pub(super) next: Option<Timestamp>,
    /// When it failed last.
    pub(super) failed_at: Option<Timestamp>,
    /// With what, as it was logged.
    pub(super) error: Option<String>,
}

/// What the tasks of a run say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stand {
    /// The last of those that have not completed.
    pub(super) open: Option<OpenTask>,
    /// Whether there is any task.
    pub(super) begun: bool,
    /// How many have completed in the present attempt of the run.
    pub(super) completed: u64,
    /// Where the last one that is open failed and is tried again: that.
    pub(super) retry: Option<Retry>,
    /// There were too many tasks to read them all.
    pub(super) unread: bool,
}

impl Stand {
    /// What these tasks of one run say, where they are all that have not completed. `total` is how many there are at
    /// all, apart from those that stand for a run of another flow.
    pub(super) fn of(run: &RunRow, tasks: &[TaskRow], total: u64) -> Self {
        let mine = || tasks.iter().filter(|task| task.flow_run_run_count == run.run_count || run.run_count <= 1);
        let last = |wanted: &dyn Fn(&TaskRow) -> bool| mine().filter(|t| wanted(t)).max_by_key(|t| t.place());
        // What failed is where it stands only where nothing goes on beside it.
        let stuck = !matches!(run.kind(), "RUNNING" | "CANCELLING" | "PAUSED");
        let failed = |task: &TaskRow| stuck && matches!(task.kind(), "FAILED" | "CRASHED");
        let open = last(&|task| !task.ended()).or_else(|| last(&failed));
        let retry = open.filter(|_| run.kind() == "RUNNING").and_then(|task| {
            let state = task.state.as_ref().filter(|state| state.awaits_retry())?;
            Some(Retry {
                task: task.id.clone(),
                attempts: task.run_count,
                next: state.scheduled_for(),
                failed_at: state.timestamp,
                error: None,
            })
        });
        let plain = || mine().filter(|task| !task.stands_for_a_run());
        let completed = if run.run_count <= 1 {
            let not = plain().filter(|task| task.kind() != "COMPLETED").count();
            total.saturating_sub(not.try_into().unwrap_or(u64::MAX))
        } else {
            plain().filter(|task| task.kind() == "COMPLETED").count().try_into().unwrap_or(u64::MAX)
        };
        let begun = total > 0 || mine().next().is_some();
        Self { open: open.map(OpenTask::of), begun, completed, retry, unread: false }
    }
}

/// A line of a log.
#[derive(Debug, Deserialize)]
struct LogRow {
    message: String,
    task_run_id: Option<String>,
}

impl Row for LogRow {
    const MOST: usize = PAGE;
}

impl Prefect {
    /// What the tasks of these runs say, by the runs' ids; at most [`PAGE`] runs.
    pub(super) async fn stands(&self, runs: &[RunRow]) -> Result<HashMap<String, Stand>, ConnectError> {
        let with_tasks = || runs.iter().filter(|run| run.has_tasks() && ask::is_id(&run.id));
        let ids = |again: bool| -> Vec<&str> {
            with_tasks().filter(|run| (run.run_count > 1) == again).map(|run| run.id.as_str()).collect()
        };
        let (first, again) = (ids(false), ids(true));
        let (total, not_completed, all) =
            tokio::try_join!(self.task_totals(&first), self.task_runs(&first, false), self.task_runs(&again, true),)?;
        let mut by_run: HashMap<&str, Vec<TaskRow>> = HashMap::new();
        let mut unread = false;
        let (mut tasks, more) = not_completed;
        unread |= more;
        let (older, more) = all;
        unread |= more;
        tasks.extend(older);
        for run in with_tasks() {
            by_run.insert(&run.id, Vec::new());
        }
        for task in tasks {
            let of = task.flow_run_id.clone().unwrap_or_default();
            if let Some(list) = by_run.get_mut(of.as_str()) {
                list.push(task);
            }
        }
        let mut stands: HashMap<String, Stand> = with_tasks()
            .map(|run| {
                let tasks = by_run.remove(run.id.as_str()).unwrap_or_default();
                let mut stand = Stand::of(run, &tasks, total.get(&run.id).copied().unwrap_or_default());
                stand.unread = unread && stand.open.is_none();
                (run.id.clone(), stand)
            })
            .collect();
        self.tell_errors(&mut stands).await;
        Ok(stands)
    }

    /// How many tasks these runs have, by the runs' ids.
    async fn task_totals(&self, runs: &[&str]) -> Result<HashMap<String, u64>, ConnectError> {
        if runs.is_empty() {
            return Ok(HashMap::new());
        }
        let body = serde_json::json!({ "flow_run_ids": runs });
        Ok(self.http.post_json("/ui/flow_runs/count-task-runs", &body).await?.value)
    }

    /// The tasks of these runs, and whether there are more than are read.
    pub(super) async fn task_runs(
        &self,
        runs: &[&str],
        completed_too: bool,
    ) -> Result<(Vec<TaskRow>, bool), ConnectError> {
        let mut tasks: Vec<TaskRow> = Vec::new();
        if runs.is_empty() {
            return Ok((tasks, false));
        }
        for page in 0..PAGES {
            let body = ask::task_runs(runs, completed_too, page * PAGE);
            let rows: Vec<TaskRow> = self.strict("/task_runs/filter", &body).await?;
            let last = rows.len() < PAGE;
            tasks.extend(rows);
            if last {
                // What moved between two pages is told twice.
                tasks.sort_by(|one, other| one.place().cmp(&other.place()));
                tasks.dedup_by(|one, other| one.id == other.id);
                return Ok((tasks, false));
            }
        }
        Ok((tasks, true))
    }

    /// A task that is tried again does not say why in its state: it is in the log. Where that can't be read, why is not
    /// known, and everything else is.
    async fn tell_errors(&self, stands: &mut HashMap<String, Stand>) {
        let retries = || stands.values().filter_map(|stand| stand.retry.as_ref());
        let tasks: Vec<&str> = retries().map(|retry| retry.task.as_str()).filter(|id| ask::is_id(id)).collect();
        if tasks.is_empty() {
            return;
        }
        let lines = match self.list::<LogRow>("/logs/filter", &ask::retries_of(&tasks)).await {
            Ok(lines) => lines.rows,
            Err(error) => return tracing::debug!(source = %self.source, %error, "the log can't be read"),
        };
        let mut last: HashMap<String, String> = HashMap::new();
        for line in lines {
            if let (Some(task), Some(error)) = (line.task_run_id, error_in(&line.message)) {
                last.entry(task).or_insert_with(|| error.to_owned());
            }
        }
        for retry in stands.values_mut().filter_map(|stand| stand.retry.as_mut()) {
            retry.error = last.get(&retry.task).cloned();
        }
    }

    /// When each of these runs began to fail in a row, where that is told, by the runs' ids. What is learned by asking
    /// for one of them alone is kept, since it never changes; in one pass so many are asked at most.
    pub(super) async fn firsts(
        &self,
        runs: &[RunRow],
        stands: &HashMap<String, Stand>,
        asked: &mut usize,
    ) -> Result<HashMap<String, Timestamp>, ConnectError> {
        let mut firsts = HashMap::new();
        for run in runs {
            let retry = stands.get(&run.id).and_then(|stand| stand.retry.as_ref());
            let (id, tried, last, path) = match retry {
                Some(retry) => (&retry.task, retry.attempts, retry.failed_at, "/task_run_states/?task_run_id="),
                None if run.awaits_retry() && run.asked_for() => {
                    firsts.extend(run.since().map(|at| (run.id.clone(), at)));
                    continue;
                }
                None if run.awaits_retry() => (&run.id, run.run_count, run.since(), "/flow_run_states/?flow_run_id="),
                None => continue,
            };
            if tried <= 1 {
                firsts.extend(last.map(|at| (run.id.clone(), at)));
                continue;
            }
            let known = self.kept_firsts().get(id).copied();
            let first = match known {
                Some(first) => Some(first),
                None if *asked >= FIRSTS || !ask::is_id(id) => None,
                None => {
                    *asked += 1;
                    let answer = self.http.get_bytes(&format!("{path}{id}")).await?;
                    let states: Vec<StateRow> = self.read_list(path, &answer.value)?;
                    let first = first_of(&states);
                    let mut kept = self.kept_firsts();
                    if kept.len() >= KEPT {
                        kept.clear();
                    }
                    kept.extend(first.map(|at| (id.clone(), at)));
                    first
                }
            };
            firsts.extend(first.map(|at| (run.id.clone(), at)));
        }
        Ok(firsts)
    }
}

/// When the present row of failures began: the first retry since it was last begun from without.
pub(super) fn first_of(states: &[StateRow]) -> Option<Timestamp> {
    let mut sorted: Vec<&StateRow> = states.iter().collect();
    sorted.sort_by_key(|state| state.timestamp);
    let mut first = None;
    let mut before: Option<&StateRow> = None;
    for state in sorted {
        if ask::ENDED.contains(&state.kind.as_str()) {
            first = None;
        } else if state.awaits_retry() && before.is_some_and(|before| before.kind == "RUNNING") {
            first = first.or(state.timestamp);
        }
        before = Some(state);
    }
    first
}

/// The error in `Task run failed with exception: RuntimeError('no') - Retry 1/10 will start 600 second(s) from now`.
fn error_in(line: &str) -> Option<&str> {
    let (error, _) = line.strip_prefix("Task run failed with ")?.rsplit_once(" - Retry ")?;
    Some(error.strip_prefix("exception: ").unwrap_or(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(key: &str) -> TaskRow {
        serde_json::from_value(serde_json::json!({"id": "t", "task_key": key})).unwrap()
    }

    #[test]
    fn a_step_is_the_task_and_not_its_run() {
        for (key, step) in [
            ("create_database-26659d0d", "create_database"),
            ("create-database", "create-database"),
            ("flow.<locals>.apply-0a1b2c3d", "apply"),
            ("-26659d0d", "-26659d0d"),
        ] {
            assert_eq!(*task(key).step(), *step, "{key}");
        }
    }

    #[test]
    fn the_error_of_a_task_is_what_a_line_of_the_log_says_before_its_next_try() {
        let line =
            "Task run failed with exception: RuntimeError('a - b') - Retry 2/10 will start 600 second(s) from now";
        assert_eq!(error_in(line), Some("RuntimeError('a - b')"));
        for other in ["", "no", "my own words - Retry 1", "Task run failed with exception: no"] {
            assert_eq!(error_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_row_of_failures_begins_after_the_last_end() {
        let states: Vec<StateRow> = serde_json::from_value(serde_json::json!([
            {"type": "RUNNING", "timestamp": "2026-01-15T03:00:00Z"},
            {"type": "SCHEDULED", "name": "AwaitingRetry", "timestamp": "2026-01-15T03:01:00Z"},
            {"type": "RUNNING", "timestamp": "2026-01-15T03:02:00Z"},
            {"type": "FAILED", "timestamp": "2026-01-15T03:03:00Z"},
            {"type": "SCHEDULED", "name": "AwaitingRetry", "timestamp": "2026-01-15T03:04:00Z"},
            {"type": "RUNNING", "timestamp": "2026-01-15T03:05:00Z"},
            {"type": "SCHEDULED", "name": "AwaitingRetry", "timestamp": "2026-01-15T03:06:00Z"},
            {"type": "RUNNING", "timestamp": "2026-01-15T03:07:00Z"},
            {"type": "SCHEDULED", "name": "AwaitingRetry", "timestamp": "2026-01-15T03:08:00Z"},
        ]))
        .unwrap();
        assert_eq!(first_of(&states), "2026-01-15T03:06:00Z".parse().ok());
        assert_eq!(first_of(&states[..2]), "2026-01-15T03:01:00Z".parse().ok());
        assert_eq!(first_of(&states[..5]), None);
    }
}
