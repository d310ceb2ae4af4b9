//! Everything the cockpit can ask and do, as one trait.
//!
//! The hub implements it in process; a client of a shared hub will implement it over HTTP. Whoever asks cannot tell
//! which one answers.

mod case;
mod drift;
mod events;
pub mod json;
mod latency;
mod suspects;
mod tenants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use tokio::sync::watch;

use crate::domain::approval::Answer;
use crate::domain::automation::AutomationStatus;
use crate::domain::claim::{Claim, ClaimRequest};
use crate::domain::cohort::{Cohort, Counts};
use crate::domain::deployment::Deployments;
use crate::domain::drift::KnownDrift;
use crate::domain::flow::{FlowDetail, JudgedFlow};
use crate::domain::ids::InstanceId;
use crate::domain::in_force::InForce;
use crate::domain::log::LogView;
use crate::domain::outside::Outside;
use crate::domain::plan::{Pace, Waves, WidePlan};
use crate::domain::promise::Promise;
use crate::domain::raw::RawFlow;
use crate::domain::remediation::{Plan, Remediation, Verb, VerbOffer};
use crate::domain::remedy::Remedy;
use crate::domain::runbook::RunbookOffer;
use crate::domain::source::SourceStatus;
use crate::domain::text::SafeText;
use crate::domain::trend::Trend;
use crate::domain::verdict::Judgement;
use crate::domain::ways::Ways;
use crate::domain::wide::{Control, WideDetail, WideRemediation};
use crate::query::Filter;

pub use self::case::{Audience, case_json, case_markdown};
pub use self::drift::{AdoptOf, DriftCause, DriftQuery, DriftWindow, IgnoreOf};
pub use self::events::{EventGap, EventRow, EventWindow, EventsQuery, IngestLag};
pub use self::latency::{Latency, LatencyQuery, LatencyRow, LatencySource};
pub use self::suspects::CohortSuspects;
pub use self::tenants::{
    ForCustomer, Reference, TenantCard, TenantRow, TenantWindow, TenantsQuery, TimelineKind, TimelinePlace,
    TimelineQuery, TimelineRow, TimelineWindow,
};
pub use crate::query::{GroupBy, SortBy};

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
    /// Findings that have drifted and are critical, over all sources; `None` where none tells of drift.
    pub critical_drift: Option<u64>,
    /// How the counts have moved; `None` under a filter, of which no past is kept.
    pub trend: Option<Trend>,
    /// Why nothing can be acted on, where that is so for the whole hub at this moment.
    pub read_only: Option<SafeText>,
    /// What is wrong with the record of claims, if anything is.
    pub claims_note: Option<SafeText>,
    /// The lock, where the context has one.
    pub lock: Option<Lock>,
}

/// The longest time for which a context can be armed.
pub const ARM_AT_MOST: SignedDuration = SignedDuration::from_mins(30);

/// The fewest characters, white space aside, of a reason.
pub const REASON_LEAST: usize = 3;

/// Whether a text is enough of a reason, or of a comment, for the record.
pub fn is_reason(text: &str) -> bool {
    text.chars().filter(|c| !c.is_whitespace()).count() >= REASON_LEAST
}

/// The lock of a production context: nothing in it is acted on until it is armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Why nothing is acted on while it is locked, and how to arm it.
    pub why: SafeText,
    /// By whom it is armed and until when; `None` while it is locked.
    pub armed: Option<Armed>,
}

/// That a locked context may be acted on for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Armed {
    /// Until when, by the local clock.
    pub until: Timestamp,
    /// Why, in the operator's words.
    pub reason: SafeText,
    /// Who armed it; taken on trust.
    pub by: SafeText,
}

impl Overview {
    /// A source by name.
    pub fn source(&self, name: &str) -> Option<&SourceStatus> {
        self.sources.iter().find(|source| source.name == *name)
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
    /// So that the head of this group is in the window, `before` lines from its top if they exist.
    Head {
        /// Which group.
        key: GroupKey,
        /// How many lines above it.
        before: usize,
        /// The offset where it is gone.
        otherwise: usize,
    },
    /// From one instance to another, both included, in whichever order they stand; nothing where one of them is gone.
    Between(InstanceId, InstanceId),
}

/// What the instances of a group have in common; `None` for those that have no such thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey(pub Option<SafeText>);

/// How instances are grouped, and which groups show theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// By what.
    pub by: GroupBy,
    /// The groups whose instances are listed under their head.
    pub unfolded: BTreeSet<GroupKey>,
}

/// The head of a group: its counts are over all that match, and not over the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupHead {
    /// Which line it is, among all.
    pub line: usize,
    /// What its instances have in common.
    pub key: GroupKey,
    /// How many instances.
    pub count: usize,
    /// How many of them are stuck.
    pub stuck: usize,
    /// How many of them have not ended.
    pub open: usize,
    /// Since when the one has been as it is that has been so longest.
    pub oldest: Option<Timestamp>,
    /// Whether its instances are listed under it.
    pub unfolded: bool,
}

/// A line of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// An instance.
    Row(&'a Arc<JudgedFlow>),
    /// The head of a group.
    Head(&'a GroupHead),
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
    /// Whether and how they are grouped: the group with the most stuck first, the order holds within each.
    pub group: Option<Grouping>,
    /// Which part of them.
    pub page: Page,
    /// How many at most.
    pub limit: usize,
}

/// A window on the flow instances that a filter matches. Where they are grouped, the heads of the groups are lines of
/// it, and so are the instances of groups that are unfolded; else each line is an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowWindow {
    /// The instances in it.
    pub rows: Vec<Arc<JudgedFlow>>,
    /// The heads in it, in their order.
    pub heads: Vec<GroupHead>,
    /// The index of its first line among all.
    pub offset: usize,
    /// How many lines there are.
    pub total: usize,
    /// How many instances match.
    pub matching: usize,
    /// How many there are without the filter.
    pub unfiltered: usize,
    /// The revision it was taken from.
    pub revision: u64,
    /// What would match where nothing does: a name that is only begun.
    pub near: Option<Near>,
}

/// A filter that is near to one which matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// How many instances it matches.
    pub count: usize,
    /// Which fact goes on, and how it begins, in words: `a tenant that begins with blu`.
    pub words: SafeText,
    /// The word that finds them: `tenant:blu*`.
    pub term: SafeText,
}

impl Near {
    /// `103 have a tenant that begins with blu: tenant:blu*`.
    pub fn told(&self) -> String {
        let have = if self.count == 1 { "has" } else { "have" };
        format!("{} {have} {}: {}", self.count, self.words, self.term)
    }
}

impl FlowWindow {
    /// How many lines it holds.
    pub fn len(&self) -> usize {
        self.rows.len() + self.heads.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line of this index among all, if it is held.
    pub fn line(&self, index: usize) -> Option<Line<'_>> {
        let above = self.heads.partition_point(|head| head.line < index);
        match self.heads.get(above) {
            Some(head) if head.line == index => Some(Line::Head(head)),
            _ => self.rows.get(index.checked_sub(self.offset)?.checked_sub(above)?).map(Line::Row),
        }
    }

    /// The index of an instance's line among all, if it is held.
    pub fn position(&self, id: &InstanceId) -> Option<usize> {
        let at = self.rows.iter().position(|row| row.flow.id == *id)?;
        let mut line = self.offset + at;
        // Each head above it moves it down by one, which may bring it below a further one.
        for head in &self.heads {
            if head.line > line {
                break;
            }
            line += 1;
        }
        Some(line)
    }

    /// The index of a head's line among all, if it is held.
    pub fn position_of_head(&self, key: &GroupKey) -> Option<usize> {
        self.heads.iter().find(|head| head.key == *key).map(|head| head.line)
    }
}

/// How many instances a filter matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowCount {
    /// All of them.
    pub matching: u64,
    /// Those that are stuck.
    pub stuck: u64,
}

/// Instances that somebody has chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// These.
    Ids(BTreeSet<InstanceId>),
    /// All that match, now and later, but for these.
    Matching {
        /// What they match.
        filter: Filter,
        /// Those left out.
        without: BTreeSet<InstanceId>,
    },
    /// What has drifted for one cause, as it is found when that is asked.
    Cause {
        /// The source that tells of it; `None` for all of them.
        source: Option<SafeText>,
        /// What its findings have in common.
        key: SafeText,
    },
}

/// What a plan of many is to be made of.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanWish {
    /// What is to be done.
    pub remedy: Remedy,
    /// To whom.
    pub selection: Selection,
    /// In which waves.
    pub waves: Waves,
    /// At what pace.
    pub pace: Pace,
}

/// That a plan of many is to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestOf {
    /// Which plan.
    pub plan_hash: SafeText,
    /// Why, in the operator's words.
    pub reason: SafeText,
    /// The ticket, where there is one.
    pub ticket: Option<SafeText>,
    /// The remediation that it takes back, where the plan is the one of [`Ops::plan_rollback`].
    pub takes_back: Option<SafeText>,
    /// As which role a freeze is to be overridden, and for how long; for the reason of the request.
    pub break_glass: Option<(SafeText, SignedDuration)>,
}

/// What somebody says of a remediation that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewOf {
    /// Which remediation.
    pub id: SafeText,
    /// The hash of the plan that the reviewer has seen.
    pub plan_hash: SafeText,
    /// What.
    pub answer: Answer,
    /// Why.
    pub comment: SafeText,
    /// The plan's code, as a lone operator has typed it.
    pub code: Option<SafeText>,
}

/// What there is now of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The first ones, as many as were asked for.
    pub rows: Vec<Arc<JudgedFlow>>,
    /// How many there are.
    pub total: usize,
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
    /// Whether its engine has deployments, on another one of which it may go on.
    pub deployments: bool,
    /// What its steps promise, by step; a step that is not there promises nothing.
    pub promises: BTreeMap<SafeText, Promise>,
    /// When it was read, by the local clock.
    pub read_at: Timestamp,
    /// How far the source's clock is ahead of the local one.
    pub clock_offset: SignedDuration,
}

/// What arming is answered with where there is no lock.
pub const NOT_LOCKED: &str = "this context has no lock: only those with production = true need arming";

/// Everything the cockpit can ask and do.
#[async_trait]
pub trait Ops: Send + Sync {
    /// The board, of the instances that a filter matches.
    async fn overview(&self, filter: &Filter) -> Result<Arc<Overview>, OpsError>;

    /// A window on the flow instances.
    async fn flows(&self, query: FlowsQuery) -> Result<FlowWindow, OpsError>;

    /// How many instances each of several filters matches, all counted at one moment.
    async fn counts(&self, filters: &[Filter]) -> Result<Vec<FlowCount>, OpsError>;

    /// What there is now of a selection: its number, and at most `limit` of its rows.
    async fn select(&self, selection: &Selection, limit: usize) -> Result<Selected, OpsError>;

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

    /// What a verb would do to all that are chosen, from what is held of them. Changes nothing.
    async fn plan_of_many(&self, _wish: &PlanWish) -> Result<WidePlan, OpsError> {
        Err(OpsError::Refused("no plan of many is made here".into()))
    }

    /// The deployments on which those that are chosen may go on. They have to be of one service of one source.
    async fn deployments(&self, _of: &Selection) -> Result<Deployments, OpsError> {
        Err(OpsError::Refused("no deployments are known here".into()))
    }

    /// Every runbook that there is, those first that are suggested for most of what is chosen.
    async fn runbooks(&self, _of: Option<&Selection>) -> Result<Vec<RunbookOffer>, OpsError> {
        Ok(Vec::new())
    }

    /// The plan that takes a remediation of many back, to be asked for with [`RequestOf::takes_back`]; or why there is
    /// none. Changes nothing.
    async fn plan_rollback(&self, _id: &str) -> Result<WidePlan, OpsError> {
        Err(OpsError::Refused("nothing is taken back here".into()))
    }

    /// Carries a plan out. Answers once the request is recorded; the act goes on by itself, and
    /// [`Ops::remediations`] tells how far it has come.
    async fn remediate(&self, plan_hash: &str, reason: &str) -> Result<Remediation, OpsError>;

    /// The acts of this hub, the newest first.
    async fn remediations(&self) -> Result<Vec<Remediation>, OpsError>;

    /// Asks that a plan of many be carried out. It runs once whoever has to agree has agreed, and somebody starts it.
    async fn request(&self, _request: &RequestOf) -> Result<Arc<WideRemediation>, OpsError> {
        Err(OpsError::Refused("nothing can be asked for here".into()))
    }

    /// Approves or denies what somebody else has asked for.
    async fn review(&self, _review: &ReviewOf) -> Result<Arc<WideRemediation>, OpsError> {
        Err(OpsError::Refused("nothing can be approved here".into()))
    }

    /// Starts, holds, resumes or aborts a remediation. Answers once that is recorded; it goes on by itself.
    async fn control(&self, _id: &str, _control: Control) -> Result<Arc<WideRemediation>, OpsError> {
        Err(OpsError::Refused("nothing runs here".into()))
    }

    /// The remediations of many of this context: those that have not ended, and then the newest of the others.
    async fn wide_remediations(&self) -> Result<Arc<Vec<Arc<WideRemediation>>>, OpsError> {
        Ok(Arc::default())
    }

    /// Those that have ended and were asked for before one, the newest first; none where that one is the oldest.
    async fn wide_remediations_before(&self, _id: &str, _most: u32) -> Result<Vec<Arc<WideRemediation>>, OpsError> {
        Ok(Vec::new())
    }

    /// One of them with its items and its history.
    async fn wide_remediation(&self, id: &str) -> Result<WideDetail, OpsError> {
        Err(OpsError::NotFound(format!("there is no remediation {}", SafeText::clipped(id, 40)).into()))
    }

    /// What was done to the sources within the last day, at most `limit` acts, that Quarterdeck did not do: what the
    /// engines tell, without what its own record explains. Asks every source; not for every frame.
    async fn outside(&self, _limit: usize) -> Result<Outside, OpsError> {
        Ok(Outside::default())
    }

    /// A window on the tenants.
    async fn tenants(&self, _query: &TenantsQuery) -> Result<TenantWindow, OpsError> {
        Err(OpsError::Refused("no tenants are known here".into()))
    }

    /// Everything of one tenant at a glance.
    async fn tenant(&self, tenant: &InstanceId) -> Result<TenantCard, OpsError> {
        Err(OpsError::NotFound(format!("there is no tenant {tenant}").into()))
    }

    /// What happened to a tenant, in one order, a part at a time.
    async fn timeline(&self, query: &TimelineQuery) -> Result<TimelineWindow, OpsError> {
        Err(OpsError::NotFound(format!("there is no tenant {}", query.tenant).into()))
    }

    /// The value of a personal field of a tenant, for a reason, which is recorded.
    async fn reveal(&self, tenant: &InstanceId, _field: &str, _reason: &str) -> Result<SafeText, OpsError> {
        Err(OpsError::NotFound(format!("there is no tenant {tenant}").into()))
    }

    /// An event by its number, as long as it is held.
    async fn event(&self, number: u64) -> Result<EventRow, OpsError> {
        Err(OpsError::NotFound(format!("there is no event {number}").into()))
    }

    /// A window on what has happened.
    async fn events(&self, _query: &EventsQuery) -> Result<EventWindow, OpsError> {
        Err(OpsError::Refused("no events are known here".into()))
    }

    /// What may have caused a cohort: the changes before its onset as suspects, and the drift that its tenants share.
    async fn suspects(&self, _cohort: &str) -> Result<CohortSuspects, OpsError> {
        Err(OpsError::Refused("no changes are known here".into()))
    }

    /// How long steps take, slot of time by slot of time, against what they promise. Asks the sources what ended since it was
    /// asked last, at most a few times a minute.
    async fn latency(&self, _query: &LatencyQuery) -> Result<Latency, OpsError> {
        Err(OpsError::Refused("no step is measured here".into()))
    }

    /// What has drifted, or is not known not to have: of all sources that tell it, as they told it last.
    async fn drift(&self, _query: &DriftQuery) -> Result<DriftWindow, OpsError> {
        Err(OpsError::Refused("no drift is known here".into()))
    }

    /// A finding of drift, as it is held.
    async fn finding(&self, id: &InstanceId) -> Result<KnownDrift, OpsError> {
        Err(OpsError::NotFound(format!("there is no drift {id}").into()))
    }

    /// Checks a finding anew, and gives it as it is then. Changes nothing in an engine.
    async fn recheck(&self, id: &InstanceId) -> Result<KnownDrift, OpsError> {
        Err(OpsError::NotFound(format!("there is no drift {id}").into()))
    }

    /// Leaves a finding alone until a moment, for a reason, or not any more. Changes nothing in an engine. Answers with the
    /// finding as it stands then.
    async fn ignore(&self, _ignore: &IgnoreOf) -> Result<KnownDrift, OpsError> {
        Err(OpsError::Refused("nothing is ignored here".into()))
    }

    /// Declares that what is there is what is wanted from now on, for a reason, or takes that back. Changes nothing in an
    /// engine, which still wants otherwise. Answers with the finding as it stands then.
    ///
    /// # Errors
    /// Refused where nothing may be decided, where the check is too old, where it is not known whole what differs, and
    /// where that is another thing by now than what was seen.
    async fn adopt(&self, _adopt: &AdoptOf) -> Result<KnownDrift, OpsError> {
        Err(OpsError::Refused("nothing is adopted here".into()))
    }

    /// The automations of the config, and what each has come to so far.
    async fn automations(&self) -> Result<Vec<AutomationStatus>, OpsError> {
        Ok(Vec::new())
    }

    /// What is still in force of what somebody did: things that are switched off, and exceptions that end by themselves.
    async fn in_force(&self) -> Result<InForce, OpsError> {
        Ok(InForce::default())
    }

    /// Notes that somebody has armed again what a remediation had switched off, which ends its being listed.
    async fn rearmed(&self, side_effect: &str, _reason: &str) -> Result<(), OpsError> {
        Err(OpsError::NotFound(format!("there is no side effect {}", SafeText::clipped(side_effect, 40)).into()))
    }

    /// Holds what this program carries out, because it is left, and gives what it holds so.
    async fn leave(&self) -> Vec<Arc<WideRemediation>> {
        Vec::new()
    }

    /// What the program that answers tells of itself.
    async fn log(&self) -> Result<Arc<LogView>, OpsError> {
        Err(OpsError::Refused("no log is kept".into()))
    }

    /// Lets acts through a locked context for a while, [`ARM_AT_MOST`] at most, and records that.
    async fn arm(&self, lasting: SignedDuration, reason: &str) -> Result<Armed, OpsError> {
        let _ = (lasting, reason);
        Err(OpsError::Refused(NOT_LOCKED.into()))
    }

    /// Lets no act through a locked context any more. What was sent already is watched to its end.
    async fn disarm(&self) -> Result<(), OpsError> {
        Err(OpsError::Refused(NOT_LOCKED.into()))
    }

    /// Claims a cohort, or takes a claim back; the claim of somebody else only where the request names it. Changes
    /// nothing in an engine. Answers with the claim that holds then.
    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, OpsError>;

    /// Tells when something has changed: the value is the newest revision.
    fn changes(&self) -> watch::Receiver<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::tests::instance;
    use crate::domain::verdict::{Judgement, Verdict};

    #[test]
    fn lines_are_heads_and_rows_in_one_order() {
        let row = |n: usize| {
            let mut flow = instance();
            flow.id = InstanceId::new("a", n.to_string());
            Arc::new(JudgedFlow { flow, judgement: Judgement { verdict: Verdict::Ok, findings: Vec::new() } })
        };
        let head = |line, key: &str| GroupHead {
            line,
            key: GroupKey(Some(key.into())),
            count: 2,
            stuck: 0,
            open: 2,
            oldest: None,
            unfolded: true,
        };
        // Lines 10 to 17: the rest of a group, two groups of which one is folded, and the start of one more.
        let window = FlowWindow {
            rows: (0..4).map(row).collect(),
            heads: vec![head(12, "x"), head(13, "y"), head(15, "z"), head(17, "w")],
            offset: 10,
            total: 40,
            matching: 60,
            unfiltered: 60,
            revision: 1,
            near: None,
        };
        let told: Vec<String> = (9..19)
            .map(|line| match window.line(line) {
                None => "-".to_owned(),
                Some(Line::Row(row)) => row.flow.id.instance.to_string(),
                Some(Line::Head(head)) => head.key.0.as_ref().unwrap().to_string(),
            })
            .collect();
        assert_eq!(told, ["-", "0", "1", "x", "y", "2", "z", "3", "w", "-"]);
        for (n, line) in [(0, 10), (1, 11), (2, 14), (3, 16)] {
            assert_eq!(window.position(&InstanceId::new("a", n.to_string())), Some(line));
        }
        assert_eq!(window.position_of_head(&GroupKey(Some("z".into()))), Some(15));
        assert_eq!((window.len(), window.is_empty()), (8, false));
    }
}
