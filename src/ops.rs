//! Everything the cockpit can ask and do, as one trait.
//!
//! The hub implements it in process; a client of a shared hub will implement it over HTTP. Whoever asks cannot tell
//! which one answers.

pub mod json;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use tokio::sync::watch;

use crate::domain::cohort::{Cohort, Counts};
use crate::domain::flow::{FlowDetail, JudgedFlow};
use crate::domain::ids::InstanceId;
use crate::domain::log::LogView;
use crate::domain::raw::RawFlow;
use crate::domain::remediation::{Plan, Remediation, Verb, VerbOffer};
use crate::domain::source::SourceStatus;
use crate::domain::text::SafeText;
use crate::domain::verdict::Judgement;
use crate::domain::ways::Ways;
use crate::query::Filter;

/// Why something asked of the hub was not had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpsError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(SafeText),
    /// The source did not answer as it should.
    #[error("{0}")]
    Source(SafeText),
    /// It is not allowed, with the reason.
    #[error("{0}")]
    Refused(SafeText),
    /// The target is not what it was when the plan was made.
    #[error("{0}")]
    Changed(SafeText),
    /// The record can't be written, so nothing is done.
    #[error("{0}")]
    Journal(SafeText),
}

/// The number of open, stuck, waiting … instances of one flow in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The source's name.
    pub source: SafeText,
    /// The flow.
    pub flow: SafeText,
    /// The step.
    pub step: SafeText,
    /// The counts.
    pub counts: Counts,
    /// Whether the source could not count exactly.
    pub approximate: bool,
    /// Whether the source is live; where it is not, the counts are its last ones.
    pub live: bool,
}

/// The board: what is stuck, where, since when, why and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// When it was put together, by the local clock.
    pub at: Timestamp,
    /// Grows with each change.
    pub revision: u64,
    /// The name of the context.
    pub context: SafeText,
    /// Every source.
    pub sources: Vec<SourceStatus>,
    /// Counts by source, flow and step.
    pub cells: Vec<Cell>,
    /// Cohorts, the worst first. Those of a source that is not live are the last ones known.
    pub cohorts: Vec<Cohort>,
    /// Distinct tenants over all stuck instances.
    pub stuck_tenants: u64,
    /// Stuck instances whose tenant is not known.
    pub stuck_without_tenant: u64,
    /// Why nothing can be acted on, where that is so for the whole hub.
    pub read_only: Option<SafeText>,
}

impl Overview {
    /// A source by name.
    pub fn source(&self, name: &str) -> Option<&SourceStatus> {
        self.sources.iter().find(|source| source.name == *name)
    }
}

/// What flows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortBy {
    /// Stuck first, those stuck longest on top.
    #[default]
    Worst,
    /// How long it has been as it is, the longest first.
    For,
    /// The flow, then the step.
    Flow,
    /// The tenant.
    Tenant,
    /// The status.
    Status,
    /// The number of attempts.
    Attempts,
    /// The time of creation.
    Created,
    /// The id.
    Id,
}

impl SortBy {
    /// Every order, in the sequence in which a key steps through them.
    pub const ALL: [Self; 8] =
        [Self::Worst, Self::For, Self::Flow, Self::Tenant, Self::Status, Self::Attempts, Self::Created, Self::Id];

    /// Its name on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::For => "for",
            Self::Flow => "flow",
            Self::Tenant => "tenant",
            Self::Status => "status",
            Self::Attempts => "attempts",
            Self::Created => "created",
            Self::Id => "id",
        }
    }
}

/// Which part of the sorted rows is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// From this row on.
    Offset(usize),
    /// So that this instance is in the window, `before` rows from its top if they exist; from `otherwise` on where
    /// it is gone.
    Anchor {
        /// Who is to be in the window.
        id: InstanceId,
        /// How many rows above it.
        before: usize,
        /// The offset where it is gone.
        otherwise: usize,
    },
}

/// A question for flow instances.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowsQuery {
    /// Which ones.
    pub filter: Filter,
    /// In which order; the id is the last key of each.
    pub sort: SortBy,
    /// Whether the order is turned round.
    pub reverse: bool,
    /// Which part of them.
    pub page: Page,
    /// How many at most.
    pub limit: usize,
}

/// A window on the flow instances that a filter matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowWindow {
    /// The rows.
    pub rows: Vec<Arc<JudgedFlow>>,
    /// The index of the first row among all that match.
    pub offset: usize,
    /// How many match.
    pub total: usize,
    /// How many there are without the filter.
    pub unfiltered: usize,
    /// The revision it was taken from.
    pub revision: u64,
}

/// One instance, asked of its source just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowAnswer {
    /// What the source told.
    pub detail: FlowDetail,
    /// What the rules say of it.
    pub judgement: Judgement,
    /// What may be done to it.
    pub verbs: Vec<VerbOffer>,
    /// When it was read, by the local clock.
    pub read_at: Timestamp,
    /// How far the source's clock is ahead of the local one.
    pub clock_offset: SignedDuration,
}

/// Everything the cockpit can ask and do.
#[async_trait]
pub trait Ops: Send + Sync {
    /// The board, of the instances that a filter matches.
    async fn overview(&self, filter: &Filter) -> Result<Arc<Overview>, OpsError>;

    /// A window on the flow instances.
    async fn flows(&self, query: FlowsQuery) -> Result<FlowWindow, OpsError>;

    /// One instance, asked of its source live.
    async fn flow(&self, id: &InstanceId) -> Result<FlowAnswer, OpsError>;

    /// What the engine keeps of one instance, as it gave it, with secrets taken out.
    async fn raw(&self, id: &InstanceId) -> Result<RawFlow, OpsError>;

    /// The engine's own page of an instance, and the request by which it is read.
    async fn ways(&self, id: &InstanceId) -> Result<Ways, OpsError>;

    /// Asks every source, or one, as soon as it can be asked.
    async fn refresh(&self, source: Option<&str>) -> Result<(), OpsError>;

    /// What a verb would do to an instance, from a fresh look at it. Changes nothing.
    async fn plan(&self, verb: Verb, target: &InstanceId) -> Result<Plan, OpsError>;

    /// Carries a plan out. Answers once the request is recorded; the act goes on by itself, and
    /// [`Ops::remediations`] tells how far it has come.
    async fn remediate(&self, plan_hash: &str, reason: &str) -> Result<Remediation, OpsError>;

    /// The acts of this hub, the newest first.
    async fn remediations(&self) -> Result<Vec<Remediation>, OpsError>;

    /// What the program that answers tells of itself.
    async fn log(&self) -> Result<Arc<LogView>, OpsError> {
        Err(OpsError::Refused("no log is kept".into()))
    }

    /// Tells when something has changed: the value is the newest revision.
    fn changes(&self) -> watch::Receiver<u64>;
}
