//! What a pass over a source yields, part by part.

use std::any::Any;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::ConnectError;
use crate::domain::drift::DriftFinding;
use crate::domain::event::{DeadLetter, Event};
use crate::domain::flow::FlowInstance;
use crate::domain::latency::StepTime;
use crate::domain::tenant::Tenant;
use crate::domain::text::SafeText;

/// One count that the engine made itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineCount {
    /// The flow.
    pub flow: SafeText,
    /// The step.
    pub step: SafeText,
    /// Not ended.
    pub open: u64,
    /// Waiting for a timer, a callback, a person or another instance.
    pub waiting: u64,
    /// Paused by a person.
    pub held: u64,
    /// Ended badly within the look-back.
    pub failed: u64,
}

/// What a source tells at all. What it does not tell is not missing from it, and is never shown as none.
#[allow(clippy::struct_excessive_bools, reason = "each kind is told or not")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tells {
    /// Flow instances and their counts.
    pub flows: bool,
    /// Drift.
    pub drift: bool,
    /// Tenants.
    pub tenants: bool,
    /// What happens: changes, deployments, alerts.
    pub events: bool,
}

impl Tells {
    /// Flows alone, as a workflow engine does.
    pub const FLOWS: Self = Self { flows: true, ..Self::NOTHING };
    /// Nothing.
    pub const NOTHING: Self = Self { flows: false, drift: false, tenants: false, events: false };
}

/// How many findings a part of a pass holds at most.
const FINDINGS: usize = 1_000;

/// What one pass over a source yields, in parts. Later kinds need no new trait.
#[derive(Debug)]
pub enum Observation {
    /// Some of the open and failed instances.
    Flows(Vec<FlowInstance>),
    /// Rows of whatever kind that could not be read, and the first of them with the reason.
    BadRows {
        /// How many.
        count: usize,
        /// The first one.
        first: SafeText,
    },
    /// Those whose ids are greater than the one and not greater than the other are as they were in the pass that is
    /// held; without another one, all that are greater.
    FlowsAsBefore {
        /// The id before the first of them; empty where nothing is.
        after: String,
        /// The last one.
        until: Option<String>,
    },
    /// The engine's own counts; none where it can't count.
    Counts(Vec<EngineCount>),
    /// The counts are as they were in the pass that is held.
    CountsAsBefore,
    /// Some of what was checked and is not as wanted, or can't be told to be.
    Drift(Vec<DriftFinding>),
    /// So much more was checked and is as wanted.
    InSync(u64),
    /// Nothing was checked since the pass that is held: the findings are as they were.
    DriftAsBefore,
    /// Some of its tenants. A pass tells all that there are.
    Tenants(Vec<Tenant>),
    /// The tenants are as they were in the pass that is held.
    TenantsAsBefore,
    /// What has happened, in whatever order. What was told before may be told again: its origin and its id name it.
    Events(Vec<Event>),
    /// What should have been events, and can't be read as such.
    DeadLetters(Vec<DeadLetter>),
    /// By this the source can be asked whether anything has changed since this pass: see [`Connector::observe_again`].
    Mark(Mark),
    /// The pass is over.
    End {
        /// Whether it saw everything.
        complete: bool,
        /// The present, by the engine's clock.
        engine_now: Option<Timestamp>,
        /// The engine's version.
        version: Option<SafeText>,
    },
}

/// What a connector needs to know of a pass, to ask whether anything has changed since. Only that connector can read it;
/// whoever holds what the pass told keeps it, so that the two never part.
pub type Mark = Arc<dyn Any + Send + Sync>;

/// What an engine with a feed tells between two passes.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Instances that are new or have changed, in the order in which they did; of several the last one holds.
    pub flows: Vec<FlowInstance>,
    /// The engine's own ids of those that are neither open nor failed any more.
    pub gone: Vec<SafeText>,
    /// What has happened.
    pub events: Vec<Event>,
    /// The present, by the engine's clock.
    pub engine_now: Option<Timestamp>,
}

/// Which steps have ended, as a source tells it.
#[derive(Debug, Clone, Default)]
pub struct StepTimes {
    /// Them, in whatever order; each once.
    pub times: Vec<StepTime>,
    /// From when on these are all that it knows, by the engine's clock; later than was asked for where there are too many.
    pub complete_since: Timestamp,
    /// Up to when, by the engine's clock.
    pub until: Timestamp,
}

/// Hands on parts of a pass, one after the other. Nobody may want them any more: then it ends.
pub async fn hand_on<Parts>(sink: &mpsc::Sender<Observation>, parts: Parts) -> Result<(), ConnectError>
where
    Parts: IntoIterator<Item = Observation, IntoIter: Send>,
{
    for part in parts {
        sink.send(part).await.map_err(|_| ConnectError::Ended)?;
    }
    Ok(())
}

/// What checks came to, as parts of a pass: how much is as wanted, the findings, and the rows that can't be read.
pub(super) fn found(in_sync: u64, findings: Vec<DriftFinding>, bad: (usize, Option<SafeText>)) -> Vec<Observation> {
    let mut parts = Vec::new();
    if in_sync > 0 {
        parts.push(Observation::InSync(in_sync));
    }
    let mut findings = findings.into_iter();
    loop {
        let part: Vec<DriftFinding> = findings.by_ref().take(FINDINGS).collect();
        if part.is_empty() {
            break;
        }
        parts.push(Observation::Drift(part));
    }
    if let (count, Some(first)) = bad {
        parts.push(Observation::BadRows { count, first });
    }
    parts
}
