//! Who takes runs: work pools with their workers, and processes that serve deployments.
//!
//! A pool is `READY` while one of its workers tells that it lives, and a deployment that is served by a process of its own
//! while that asks for runs. Pools whose runs the server itself pushes elsewhere have no workers. A deployment that was
//! deleted leaves its runs behind.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::ask::{self, PAGE};
use super::row::{NAME, RunRow};
use super::{ConnectError, Prefect};
use crate::connect::answer::Row;
use crate::domain::signs::Worker;
use crate::domain::text::SafeText;
use crate::domain::ways::encoded;

/// A deployment.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct DeploymentRow {
    pub(super) id: String,
    pub(super) name: String,
    status: Option<String>,
    last_polled: Option<Timestamp>,
    created: Option<Timestamp>,
    work_pool_name: Option<String>,
    #[serde(default)]
    pub(super) paused: bool,
}

#[derive(Debug, Deserialize)]
struct PoolRow {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    status: Option<String>,
    created: Option<Timestamp>,
    #[serde(default)]
    is_paused: bool,
}

#[derive(Debug, Deserialize)]
struct WorkerRow {
    last_heartbeat_time: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct FlowRow {
    id: String,
    name: String,
}

impl Row for DeploymentRow {
    const MOST: usize = PAGE;
}

impl Row for PoolRow {
    const MOST: usize = PAGE;
}

impl Row for WorkerRow {
    const MOST: usize = PAGE;
}

impl Row for FlowRow {
    const MOST: usize = PAGE;
}

/// What runs are about, as far as it was asked for: once a pass.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    flows: HashMap<String, SafeText>,
    deployments: HashMap<String, Option<DeploymentRow>>,
    pools: HashMap<String, Option<Worker>>,
}

impl Surroundings {
    /// The name of a run's flow.
    pub(super) fn flow(&self, run: &RunRow) -> SafeText {
        let unnamed = || SafeText::clipped(&format!("(flow {})", run.flow_id), NAME);
        self.flows.get(&run.flow_id).cloned().unwrap_or_else(unnamed)
    }

    /// The deployment of a run, where it has one that is there.
    pub(super) fn deployment(&self, run: &RunRow) -> Option<&DeploymentRow> {
        self.deployments.get(run.deployment_id.as_ref()?)?.as_ref()
    }

    /// Whether anybody takes a run.
    pub(super) fn worker(&self, run: &RunRow) -> Worker {
        let Some(id) = run.deployment_id.as_ref().filter(|_| run.wants_worker()) else { return Worker::Unknown };
        let deployment = match self.deployments.get(id) {
            Some(Some(deployment)) => deployment,
            Some(None) => {
                return Worker::Gone {
                    since: None,
                    what: format!("deployment {}", SafeText::clipped(id, NAME)).into(),
                };
            }
            None => return Worker::Unknown,
        };
        match pool_of(run, deployment) {
            Some(pool) => match self.pools.get(pool) {
                Some(Some(worker)) => worker.clone(),
                Some(None) => {
                    Worker::Gone { since: None, what: format!("work pool {}", SafeText::clipped(pool, NAME)).into() }
                }
                None => Worker::Unknown,
            },
            None => deployment.served(),
        }
    }
}

/// The pool in which a run was put: that may have been chosen for it alone.
fn pool_of<'a>(run: &'a RunRow, deployment: &'a DeploymentRow) -> Option<&'a String> {
    run.work_pool_name.as_ref().or(deployment.work_pool_name.as_ref())
}

impl DeploymentRow {
    /// Whether a process serves it, where it has no pool.
    fn served(&self) -> Worker {
        match self.status.as_deref() {
            Some("READY") => Worker::Present,
            Some("NOT_READY") => Worker::Absent {
                since: self.last_polled.or(self.created),
                what: format!("no process serves the deployment {}", SafeText::clipped(&self.name, NAME)).into(),
            },
            _ => Worker::Unknown,
        }
    }

    /// In words, for somebody who looks at a run of it.
    pub(super) fn told(&self) -> SafeText {
        let paused = if self.paused { ", paused" } else { "" };
        SafeText::clipped(&format!("{}{paused}", self.name), NAME)
    }
}

impl Prefect {
    /// Asks for what these runs are about and is not known yet.
    pub(super) async fn look_around(&self, around: &mut Surroundings, runs: &[RunRow]) -> Result<(), ConnectError> {
        let new = |ids: &mut dyn Iterator<Item = &String>, known: &dyn Fn(&String) -> bool| -> Vec<String> {
            let mut new: Vec<String> = ids.filter(|id| !known(id) && ask::is_id(id)).cloned().collect();
            new.sort_unstable();
            new.dedup();
            new
        };
        let flows = new(&mut runs.iter().map(|run| &run.flow_id), &|id| around.flows.contains_key(id));
        let waiting = || runs.iter().filter(|run| run.wants_worker());
        let of_waiting = &mut waiting().filter_map(|run| run.deployment_id.as_ref());
        let deployments = new(of_waiting, &|id| around.deployments.contains_key(id));
        let (flows, deployments) = tokio::try_join!(self.flow_names(&flows), self.deployments_by_id(&deployments))?;
        around.flows.extend(flows);
        around.deployments.extend(deployments);
        let in_pools = &mut waiting().filter_map(|run| pool_of(run, around.deployment(run)?));
        let mut pools: Vec<String> = in_pools.filter(|pool| !around.pools.contains_key(*pool)).cloned().collect();
        pools.sort_unstable();
        pools.dedup();
        let pools = self.pools_by_name(&pools).await?;
        around.pools.extend(pools);
        Ok(())
    }

    /// Asks for the names of the flows of these runs that are not known yet.
    pub(super) async fn name_flows(&self, around: &mut Surroundings, runs: &[RunRow]) -> Result<(), ConnectError> {
        let new = runs.iter().map(|run| &run.flow_id).filter(|id| !around.flows.contains_key(*id) && ask::is_id(id));
        let mut new: Vec<String> = new.cloned().collect();
        new.sort_unstable();
        new.dedup();
        around.flows.extend(self.flow_names(&new).await?);
        Ok(())
    }

    async fn flow_names(&self, ids: &[String]) -> Result<HashMap<String, SafeText>, ConnectError> {
        let mut names = HashMap::new();
        for ids in ids.chunks(PAGE) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let rows: Vec<FlowRow> = self.strict("/flows/filter", &ask::these("flows", &ids)).await?;
            names.extend(rows.into_iter().map(|row| (row.id, SafeText::clipped(&row.name, NAME))));
        }
        Ok(names)
    }

    /// Deployments by their ids; `None` for one that is not there.
    pub(super) async fn deployments_by_id(
        &self,
        ids: &[String],
    ) -> Result<HashMap<String, Option<DeploymentRow>>, ConnectError> {
        let mut found: HashMap<String, Option<DeploymentRow>> = ids.iter().map(|id| (id.clone(), None)).collect();
        for ids in ids.chunks(PAGE) {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let rows: Vec<DeploymentRow> = self.strict("/deployments/filter", &ask::these("deployments", &ids)).await?;
            found.extend(rows.into_iter().map(|row| (row.id.clone(), Some(row))));
        }
        Ok(found)
    }

    /// Whether there is a worker, by the pools' names; `None` for one that is not there.
    async fn pools_by_name(&self, names: &[String]) -> Result<HashMap<String, Option<Worker>>, ConnectError> {
        let mut pools: HashMap<String, Option<Worker>> = names.iter().map(|name| (name.clone(), None)).collect();
        for names in names.chunks(PAGE) {
            let body = serde_json::json!({"work_pools": {"name": {"any_": names}}, "limit": PAGE});
            let rows: Vec<PoolRow> = self.strict("/work_pools/filter", &body).await?;
            for pool in rows {
                let worker = self.worker_of(&pool).await?;
                pools.insert(pool.name, Some(worker));
            }
        }
        Ok(pools)
    }

    async fn worker_of(&self, pool: &PoolRow) -> Result<Worker, ConnectError> {
        let name = SafeText::clipped(&pool.name, NAME);
        let pushed = pool.kind.as_deref().is_some_and(|kind| kind.ends_with(":push") || kind.ends_with(":managed"));
        if pool.is_paused {
            return Ok(Worker::Absent { since: None, what: format!("work pool {name} is paused").into() });
        }
        if pushed {
            return Ok(Worker::Unknown);
        }
        if pool.status.as_deref() == Some("READY") {
            return Ok(Worker::Present);
        }
        // No path of the server's has a place for a slash within a name.
        let heard = match encoded(&pool.name).filter(|_| !pool.name.contains('/')) {
            Some(segment) => {
                let path = format!("/work_pools/{segment}/workers/filter");
                let rows: Vec<WorkerRow> = self.strict(&path, &serde_json::json!({ "limit": PAGE })).await?;
                rows.into_iter().filter_map(|row| row.last_heartbeat_time).max()
            }
            None => None,
        };
        let what = match heard {
            Some(_) => format!("work pool {name}: no worker is online"),
            None => format!("work pool {name} has no worker"),
        };
        Ok(Worker::Absent { since: heard.or(pool.created), what: what.into() })
    }
}
