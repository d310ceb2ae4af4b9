//! One pass over a server: what it asks, and in which order.
//!
//! The server sorts by few things and has no cursor. So runs are read in the order of their expected starts, each page from
//! where the one before ended (see [`Which::page`]); what is met twice is told once. The counts come last: what is read
//! took its time, and a count says how the server stands now.
//!
//! Counts are the server's own, by state; it knows nothing of steps. So they are split by flow and step as the rows are.
//! Where the server counts more than there are rows, the rest stands in a place of its own. Where it counts fewer, runs have
//! ended meanwhile, and nobody knows which: then the rows are counted, which is said as *approximate*.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::ask::{self, LOOK_BACK, PAGE, RESTARTED_FROM, Which};
use super::row::{Around, RunRow};
use super::tasks::Stand;
use super::workers::Surroundings;
use super::{ConnectError, Prefect};
use crate::connect::answer::Row;
use crate::connect::{EngineCount, Observation, hand_on};
use crate::domain::flow::{FlowInstance, Status};
use crate::domain::text::SafeText;

/// How many pages of runs are read; more runs than fit are no source that can be looked at run by run.
const PAGES: usize = 1_000;

/// How many runs are asked about at once whether they were restarted.
const RESTARTS: usize = 50;

/// Where runs stand that the server counts and that were not among its rows.
const UNREAD: (&str, &str) = ("(not read)", "(unknown)");

#[derive(Debug, Deserialize)]
struct IntervalRow {
    states: Vec<CountRow>,
}

#[derive(Debug, Deserialize)]
struct CountRow {
    // Narrow, so that no sum of them can overflow.
    count_runs: u32,
}

impl Row for IntervalRow {
    const MOST: usize = 2;
}

/// What one pass gathers on its way.
struct Pass<'a> {
    prefect: &'a Prefect,
    sink: &'a mpsc::Sender<Observation>,
    now: Timestamp,
    around: Surroundings,
    /// How many runs were asked one by one when they failed first.
    asked: usize,
    told: HashMap<(SafeText, SafeText), EngineCount>,
    /// Failed ones that were restarted since, and so are not told.
    superseded: u64,
}

/// What a run means, with what it needs beside it.
pub(super) struct Seen {
    pub(super) flow: FlowInstance,
    pub(super) last_failure_at: Option<Timestamp>,
    pub(super) stand: Stand,
}

impl Prefect {
    pub(super) async fn pass(&self, sink: &mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let (version, now) = self.version().await?;
        let around = Surroundings::default();
        let mut pass = Pass { prefect: self, sink, now, around, asked: 0, told: HashMap::new(), superseded: 0 };
        let failed = Which::Failed(now.checked_sub(LOOK_BACK).unwrap_or(now));
        pass.rows(Which::Open).await?;
        pass.rows(failed).await?;
        let (open, failed) = tokio::try_join!(self.count(Which::Open), self.count(failed))?;
        let counts = pass.counts(open, failed);
        hand_on(sink, [Observation::Counts(counts)]).await?;
        hand_on(sink, [Observation::End { complete: true, engine_now: Some(now), version: Some(version) }]).await
    }

    /// How many of these runs there are, as the server counts them.
    async fn count(&self, which: Which) -> Result<u64, ConnectError> {
        let intervals: Vec<IntervalRow> = self.strict("/flow_runs/history", &which.history()).await?;
        if intervals.is_empty() {
            return Err(ConnectError::BadAnswer("/flow_runs/history: the server does not count its runs".into()));
        }
        Ok(intervals.iter().flat_map(|interval| &interval.states).map(|state| u64::from(state.count_runs)).sum())
    }

    /// What these runs mean; at most [`PAGE`] of them.
    pub(super) async fn seen(
        &self,
        runs: &[RunRow],
        now: Timestamp,
        around: &mut Surroundings,
        asked: &mut usize,
    ) -> Result<Vec<Seen>, ConnectError> {
        let (stands, ()) = tokio::try_join!(self.stands(runs), self.look_around(around, runs))?;
        let mut stands = stands;
        let firsts = self.firsts(runs, &stands, asked).await?;
        let seen = |run: &RunRow| {
            let stand = stands.remove(&run.id).unwrap_or_default();
            let kept = stand.clone();
            let last_failure_at = run.last_failure_at(&stand);
            let first_failure_at = firsts.get(&run.id).copied();
            let about = Around { flow: around.flow(run), worker: around.worker(run), stand, first_failure_at };
            let flow = run.flow(&self.source, now, &self.redactor, about);
            Seen { flow, last_failure_at, stand: kept }
        };
        Ok(runs.iter().map(seen).collect())
    }

    /// Those of these runs that Quarterdeck has begun once more.
    async fn restarted(&self, runs: &[RunRow]) -> Result<HashSet<String>, ConnectError> {
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).filter(|id| ask::is_id(id)).collect();
        let mut restarted = HashSet::new();
        for ids in ids.chunks(RESTARTS) {
            // One that can't be read is told of where it is listed itself.
            let later = self.list::<RunRow>("/flow_runs/filter", &ask::restarted_from(ids)).await?;
            let tags = later.rows.iter().flat_map(|run| &run.tags);
            restarted.extend(tags.filter_map(|tag| tag.strip_prefix(RESTARTED_FROM)).map(str::to_owned));
        }
        Ok(restarted)
    }
}

impl Pass<'_> {
    /// Tells of these runs, page by page.
    async fn rows(&mut self, which: Which) -> Result<(), ConnectError> {
        let mut met: HashSet<String> = HashSet::new();
        let (mut after, mut offset) = (None, 0);
        for _ in 0..PAGES {
            let parsed = self.prefect.list::<RunRow>("/flow_runs/filter", &which.page(after, offset)).await?;
            let full = parsed.rows.len() + parsed.bad >= PAGE;
            let last = parsed.rows.last().and_then(|run| run.expected_start_time);
            let bad = parsed.bad;
            if let Some(first) = &parsed.first_bad {
                let first = self.prefect.told(first);
                hand_on(self.sink, [Observation::BadRows { count: bad, first }]).await?;
            }
            let new: Vec<RunRow> = parsed.rows.into_iter().filter(|run| met.insert(run.id.clone())).collect();
            let none_new = new.is_empty() && bad == 0;
            self.tell(which, new).await?;
            if !full {
                return Ok(());
            }
            match last {
                Some(last) if Some(last) > after => (after, offset) = (Some(last), 0),
                _ if none_new && offset > 0 => {
                    return Err(ConnectError::BadAnswer("a page of runs brings none that is new".into()));
                }
                _ => offset += PAGE,
            }
        }
        Err(ConnectError::BadAnswer(format!("more than {} runs that are open or failed", PAGES * PAGE).into()))
    }

    async fn tell(&mut self, which: Which, mut runs: Vec<RunRow>) -> Result<(), ConnectError> {
        if let Which::Failed(_) = which {
            let restarted = self.prefect.restarted(&runs).await?;
            let before = runs.len();
            runs.retain(|run| !restarted.contains(&run.id));
            self.superseded += u64::try_from(before - runs.len()).unwrap_or(u64::MAX);
        }
        if runs.is_empty() {
            return Ok(());
        }
        let seen = self.prefect.seen(&runs, self.now, &mut self.around, &mut self.asked).await?;
        let flows: Vec<FlowInstance> = seen.into_iter().map(|seen| seen.flow).collect();
        for flow in &flows {
            let place = (flow.flow.clone(), flow.step.clone());
            let count = self.told.entry(place).or_insert_with_key(|(flow, step)| none(flow.clone(), step.clone()));
            match which {
                Which::Open => count.open += 1,
                Which::Failed(_) => count.failed += 1,
            }
            count.waiting += u64::from(flow.status == Status::Waiting);
            count.held += u64::from(flow.status == Status::Paused);
        }
        hand_on(self.sink, [Observation::Flows(flows)]).await
    }

    /// The server's counts, split as the rows are.
    fn counts(self, open: u64, failed: u64) -> Vec<EngineCount> {
        let sum = |of: &dyn Fn(&EngineCount) -> u64| self.told.values().map(of).sum::<u64>();
        let rest = open.checked_sub(sum(&|count| count.open));
        let rest_failed = failed.checked_sub(sum(&|count| count.failed).saturating_add(self.superseded));
        let (Some(open), Some(failed)) = (rest, rest_failed) else { return Vec::new() };
        let mut counts: Vec<EngineCount> = self.told.into_values().collect();
        if open > 0 || failed > 0 {
            counts.push(EngineCount { open, failed, ..none(UNREAD.0.into(), UNREAD.1.into()) });
        }
        counts
    }
}

fn none(flow: SafeText, step: SafeText) -> EngineCount {
    EngineCount { flow, step, open: 0, waiting: 0, held: 0, failed: 0 }
}
