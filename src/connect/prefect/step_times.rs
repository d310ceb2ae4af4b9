//! How long tasks took that have ended: from when they were to start, from when they ran, and until when.
//!
//! A task that is tried again ran from its first attempt on. One that stands for a run of another flow is no step that runs:
//! it waits for that one. How long a run itself was in the queue is told only while it is.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::ask::{self, PAGE};
use super::row::RunRow;
use super::tasks::TaskRow;
use super::workers::Surroundings;
use super::{ConnectError, Prefect};
use crate::connect::StepTimes;
use crate::domain::latency::{Measure, StepTime};
use crate::domain::text::SafeText;

/// How many pages of tasks are read at a time, the last ones to end first. What ended before those is not known.
const PAGES: usize = 20;

impl Prefect {
    /// The tasks that have ended after a moment.
    pub(super) async fn ended_tasks(&self, after: Timestamp) -> Result<StepTimes, ConnectError> {
        let (_, until) = self.version().await?;
        let mut told = StepTimes { times: Vec::new(), complete_since: after, until };
        let mut oldest = until;
        let mut flows: HashMap<String, SafeText> = HashMap::new();
        let mut around = Surroundings::default();
        let mut met: HashSet<String> = HashSet::new();
        for page in 0..PAGES {
            let body = ask::ended_tasks(after, page * PAGE);
            let tasks: Vec<TaskRow> = self.strict("/task_runs/filter", &body).await?;
            let last = tasks.len() < PAGE;
            oldest = tasks.iter().filter_map(|task| task.end_time).min().unwrap_or(oldest);
            // What ends meanwhile moves the others to later places: some are met twice, and none is missed.
            let tasks: Vec<TaskRow> = tasks.into_iter().filter(|task| met.insert(task.id.clone())).collect();
            self.flows_of(&tasks, &mut flows, &mut around).await?;
            for task in &tasks {
                let flow = task.flow_run_id.as_ref().and_then(|run| flows.get(run));
                told.times.extend(flow.into_iter().flat_map(|flow| times(task, flow)));
            }
            if last {
                return Ok(told);
            }
        }
        Ok(StepTimes { complete_since: oldest.max(after), ..told })
    }

    /// Learns the flows of the runs of these tasks. A run that was deleted since has none.
    async fn flows_of(
        &self,
        tasks: &[TaskRow],
        flows: &mut HashMap<String, SafeText>,
        around: &mut Surroundings,
    ) -> Result<(), ConnectError> {
        let new = tasks.iter().filter_map(|task| task.flow_run_id.as_deref());
        let new: BTreeSet<&str> = new.filter(|id| !flows.contains_key(*id) && ask::is_id(id)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = new.into_iter().collect();
        let runs: Vec<RunRow> = self.list("/flow_runs/filter", &ask::these("flow_runs", &ids)).await?.rows;
        self.name_flows(around, &runs).await?;
        flows.extend(runs.iter().map(|run| (run.id.clone(), around.flow(run))));
        Ok(())
    }
}

/// What is told of one task.
fn times<'t>(task: &'t TaskRow, flow: &'t SafeText) -> impl Iterator<Item = StepTime> + 't {
    let time = |measure, from: Option<Timestamp>, to: Option<Timestamp>, well| {
        let (from, to) = from.zip(to)?;
        // A task may start a moment before it was expected to.
        let from = from.min(to);
        Some(StepTime { flow: flow.clone(), step: task.step(), measure, from, to, well })
    };
    let runs = !task.stands_for_a_run() && task.start_time.is_some();
    let ran = time(Measure::Run, task.start_time, task.end_time, task.kind() == "COMPLETED");
    let queued = time(Measure::Queue, task.expected_start_time, task.start_time, true);
    ran.into_iter().chain(queued).filter(move |_| runs)
}
