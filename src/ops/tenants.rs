//! What is asked of tenants, and what is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::FlowCount;
use crate::domain::drift::KnownDrift;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::tenant::{FoundBy, Tenant, TenantStatus};
use crate::domain::text::SafeText;

/// A question for tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantsQuery {
    /// What they are found by: an id, a name, a domain, an address, or a part of one; empty for all.
    pub text: SafeText,
    /// From which row on.
    pub offset: usize,
    /// How many rows at most.
    pub limit: usize,
}

/// A tenant in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRow {
    /// The tenant, without what is personal.
    pub tenant: Arc<Tenant>,
    /// Whether a directory tells of it; else it is known by what flows, findings and events name alone.
    pub listed: bool,
    /// By what it was found.
    pub found_by: Option<FoundBy>,
    /// How many of its flow instances are stuck.
    pub stuck: u64,
    /// How many findings of drift are about it.
    pub drift: u64,
}

/// A window on the tenants: the surest finds first, then who is hurt most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantWindow {
    /// When it was put together, by the local clock.
    pub at: Timestamp,
    /// The tenants in it.
    pub rows: Vec<TenantRow>,
    /// The index of the first one among all that were found.
    pub offset: usize,
    /// How many were found.
    pub total: usize,
    /// How many there are.
    pub known: usize,
    /// How many stand where.
    pub by_status: BTreeMap<TenantStatus, u64>,
    /// The directories that are not live, each with why.
    pub blind: Vec<(SafeText, SafeText)>,
    /// How many sources are directories at all.
    pub sources: usize,
}

/// What a customer is told of one of their instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForCustomer {
    /// In words.
    pub text: SafeText,
    /// The reference: the instance.
    pub id: InstanceId,
    /// Since when it has been so.
    pub since: Option<Timestamp>,
}

/// Everything of one tenant at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantCard {
    /// When it was put together, by the local clock.
    pub at: Timestamp,
    /// The tenant, without what is personal.
    pub tenant: Arc<Tenant>,
    /// Whether a directory tells of it, or has told lately.
    pub listed: bool,
    /// Since when its directory tells of it no more.
    pub gone_at: Option<Timestamp>,
    /// Who has the same id in other directories, each with its name: flows that name the id may be for any of them.
    pub namesakes: Vec<(InstanceId, SafeText)>,
    /// Its flow instances, the stuck ones first; of very many the worst.
    pub flows: Vec<Arc<JudgedFlow>>,
    /// How many there are.
    pub counts: FlowCount,
    /// What has drifted of it; of very much the worst.
    pub drift: Vec<KnownDrift>,
    /// How many findings there are.
    pub drift_total: usize,
    /// What its people are told.
    pub for_customer: Vec<ForCustomer>,
    /// The sources that are not live, each with why: what they told last may be otherwise now.
    pub blind: Vec<(SafeText, SafeText)>,
}

/// What a row of a timeline tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// Somebody changed something.
    Change,
    /// Other code runs than before.
    Deployment,
    /// A monitor said something.
    Alert,
    /// A flow instance began, or came to where it stands.
    Flow,
    /// One failed.
    Error,
    /// Something drifted, or is as wanted again.
    Drift,
    /// Something was done about it.
    Remediation,
    /// Anything else that happened.
    Event,
}

impl TimelineKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Change,
        Self::Deployment,
        Self::Alert,
        Self::Flow,
        Self::Error,
        Self::Drift,
        Self::Remediation,
        Self::Event,
    ];

    /// Its name in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Deployment => "deployment",
            Self::Alert => "alert",
            Self::Flow => "flow",
            Self::Error => "error",
            Self::Drift => "drift",
            Self::Remediation => "remediation",
            Self::Event => "event",
        }
    }
}

/// What a row of a timeline leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A flow instance.
    Flow(InstanceId),
    /// A finding of drift.
    Drift(InstanceId),
    /// An event that is held, by its number.
    Event(u64, SafeText),
    /// An event that is not held any more, by its id.
    Past(SafeText),
    /// A remediation, and the instance that it was for.
    Remediation(SafeText, InstanceId),
}

impl Reference {
    /// As JSON and exports have it.
    pub fn told(&self) -> String {
        match self {
            Self::Flow(id) | Self::Drift(id) => id.to_string(),
            Self::Event(_, id) | Self::Past(id) | Self::Remediation(id, _) => id.to_string(),
        }
    }
}

/// The place of a row in the one order of a timeline: by time, and of one moment by what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimelinePlace {
    /// When.
    pub at: Timestamp,
    /// What sets it apart from others of one moment.
    pub tie: SafeText,
}

/// Something that happened to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineRow {
    /// Its place; of its time, by the clock of who tells it.
    pub place: TimelinePlace,
    /// What it tells of.
    pub kind: TimelineKind,
    /// Who tells it.
    pub source: SafeText,
    /// What it leads to.
    pub reference: Reference,
    /// In one line.
    pub text: SafeText,
    /// What a customer is told of it; `None` where that is nothing.
    pub for_customer: Option<SafeText>,
}

/// A question for what happened to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineQuery {
    /// The tenant: the directory and its id.
    pub tenant: InstanceId,
    /// Before which place; `None` for the latest.
    pub before: Option<TimelinePlace>,
    /// How many rows at most.
    pub limit: usize,
}

/// A part of a timeline: the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineWindow {
    /// When it was put together, by the local clock.
    pub at: Timestamp,
    /// The rows.
    pub rows: Vec<TimelineRow>,
    /// How many rows are known in all. What a source has to be asked for is not among them.
    pub total: usize,
    /// Behind which place it goes on; `None` where this is the end.
    pub next: Option<TimelinePlace>,
    /// The sources that could not be asked, or are not live, each with why: what they know may be missing.
    pub blind: Vec<(SafeText, SafeText)>,
}
