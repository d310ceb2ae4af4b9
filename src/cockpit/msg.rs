//! What happens to the cockpit, and what it wants done: the two sides of [`update`](super::update::update).

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use jiff::SignedDuration;

use super::clipboard::Clip;
use super::session::Reread;
use crate::domain::automation::AutomationStatus;
use crate::domain::claim::{Claim, ClaimRequest};
use crate::domain::deployment::Deployments;
use crate::domain::drift::KnownDrift;
use crate::domain::ids::InstanceId;
use crate::domain::in_force::InForce;
use crate::domain::log::LogView;
use crate::domain::outside::Outside;
use crate::domain::plan::WidePlan;
use crate::domain::raw::RawFlow;
use crate::domain::remediation::{Plan, Remediation, Verb};
use crate::domain::runbook::RunbookOffer;
use crate::domain::text::SafeText;
use crate::domain::ways::Ways;
use crate::domain::wide::{Control, WideDetail, WideRemediation};
use crate::ops::{
    AdoptOf, Armed, CohortSuspects, DriftQuery, DriftWindow, EventRow, EventWindow, EventsQuery, FlowAnswer, FlowCount,
    FlowWindow, FlowsQuery, IgnoreOf, Latency, LatencyQuery, OpsError, Overview, PlanWish, RequestOf, ReviewOf,
    Selected, Selection, TenantCard, TenantWindow, TenantsQuery, TimelineQuery, TimelineWindow,
};
use crate::query::Filter;

/// What a question is about. There is one question of each kind under way at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The board.
    Overview,
    /// The window on the flows.
    Flows,
    /// The open instance.
    Flow,
    /// The plan for the review.
    Plan,
    /// The acts.
    Remediations,
    /// A wish to ask the sources now.
    Refresh,
    /// The act that was confirmed.
    Act,
    /// The lock of the context.
    Arm,
    /// A claim that is to be recorded.
    Claim,
    /// What is marked.
    Marked,
    /// A range that is to be marked.
    Range,
    /// The saved views.
    Counts,
    /// The rows of what is marked.
    Rows,
    /// The raw JSON of an instance.
    Raw,
    /// Two instances.
    Pair,
    /// The ways to an instance.
    Ways,
    /// The log.
    Log,
    /// The remediations of many.
    Wides,
    /// Older ones.
    Older,
    /// One of them with its items.
    Wide,
    /// A plan of many.
    PlanOfMany,
    /// The runbooks.
    Runbooks,
    /// The plan of many that was asked to be carried out.
    Request,
    /// What was said of a remediation that waits for approval.
    WideReview,
    /// The remediation that was started, held, resumed or ended.
    Control,
    /// What others did.
    Outside,
    /// What is still in force.
    InForce,
    /// The automations.
    Automations,
    /// What has drifted.
    Drift,
    /// A finding of drift that is checked anew.
    Recheck,
    /// A finding of drift that is left alone.
    Decide,
    /// The tenants.
    Tenants,
    /// The tenant that is open.
    Tenant,
    /// What happened to them.
    Timeline,
    /// A tenant that is watched.
    Watched,
    /// A personal field.
    Reveal,
    /// What has happened.
    Events,
    /// One event.
    Event,
    /// What is noted as armed again.
    Rearm,
    /// What changed before a cohort got stuck.
    Suspects,
    /// How long steps take.
    Latency,
    /// The deployments to choose from.
    Deployments,
}

impl Target {
    /// How many there are.
    pub const COUNT: usize = Self::Deployments as usize + 1;
}

/// Names one question, so that an answer to an older one is known and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// What it is about.
    pub target: Target,
    /// Grows with each question.
    pub epoch: u64,
}

/// A question to the hub. None changes anything outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// The board.
    Overview,
    /// A window on the flows.
    Flows(FlowsQuery),
    /// One instance, live.
    Flow(InstanceId),
    /// What a verb would do.
    Plan(Verb, InstanceId),
    /// The acts.
    Remediations,
    /// Ask the sources now.
    Refresh,
    /// Let acts through a locked context.
    Arm {
        /// For how long.
        lasting: SignedDuration,
        /// Why, in the operator's words.
        reason: String,
    },
    /// Let none through any more.
    Disarm,
    /// How many there are of what is marked.
    Marked(Selection),
    /// The rows of what is marked.
    Rows(Selection),
    /// The instances between two.
    Range(FlowsQuery),
    /// How many instances each filter matches.
    Counts(Vec<Filter>),
    /// What the engine keeps of one instance.
    Raw(InstanceId),
    /// Two instances, live.
    Pair([InstanceId; 2]),
    /// The engine's page of an instance, and how it is read.
    Ways(InstanceId),
    /// The log.
    Log,
    /// The remediations of many.
    Wides,
    /// Those that were asked for before one.
    Older(SafeText),
    /// One of them with its items.
    Wide(SafeText),
    /// What a verb would do to all that are chosen.
    PlanOfMany(PlanWish),
    /// The runbooks, and which of them are suggested for these.
    Runbooks(Selection),
    /// The plan that takes a remediation back.
    PlanRollback(SafeText),
    /// The deployments on which those that were chosen may go on.
    Deployments(Selection),
    /// What others did, at most so many acts.
    Outside(usize),
    /// What is still in force.
    InForce,
    /// The automations.
    Automations,
    /// What has drifted.
    Drift(DriftQuery),
    /// What changed before a cohort got stuck.
    Suspects(SafeText),
    /// How long steps take.
    Latency(LatencyQuery),
    /// A finding of drift is to be checked anew.
    Recheck(InstanceId),
    /// A finding of drift is to be left alone, or not any more.
    Ignore(IgnoreOf),
    /// Adopt a finding, or not any more.
    Adopt(AdoptOf),
    /// The tenants.
    Tenants(TenantsQuery),
    /// Everything of one.
    Tenant(InstanceId),
    /// What happened to one.
    Timeline(TimelineQuery),
    /// How one stands that is watched.
    Watched(InstanceId),
    /// A personal field of one, for a reason. It is recorded.
    Reveal {
        /// Whose.
        tenant: InstanceId,
        /// Which.
        field: SafeText,
        /// Why.
        reason: String,
    },
    /// What has happened.
    Events(EventsQuery),
    /// One event by its number.
    Event(u64),
}

impl Ask {
    /// What it is about.
    pub const fn target(&self) -> Target {
        match self {
            Self::Overview => Target::Overview,
            Self::Log => Target::Log,
            Self::Flows(_) => Target::Flows,
            Self::Flow(_) => Target::Flow,
            Self::Plan(..) => Target::Plan,
            Self::Remediations => Target::Remediations,
            Self::Refresh => Target::Refresh,
            Self::Arm { .. } | Self::Disarm => Target::Arm,
            Self::Marked(_) => Target::Marked,
            Self::Range(_) => Target::Range,
            Self::Rows(_) => Target::Rows,
            Self::Counts(_) => Target::Counts,
            Self::Raw(_) => Target::Raw,
            Self::Pair(_) => Target::Pair,
            Self::Ways(_) => Target::Ways,
            Self::Wides => Target::Wides,
            Self::Older(_) => Target::Older,
            Self::Wide(_) => Target::Wide,
            Self::Deployments(_) => Target::Deployments,
            Self::PlanOfMany(_) | Self::PlanRollback(_) => Target::PlanOfMany,
            Self::Runbooks(_) => Target::Runbooks,
            Self::Outside(_) => Target::Outside,
            Self::InForce => Target::InForce,
            Self::Automations => Target::Automations,
            Self::Drift(_) => Target::Drift,
            Self::Suspects(_) => Target::Suspects,
            Self::Latency(_) => Target::Latency,
            Self::Recheck(_) => Target::Recheck,
            Self::Ignore(_) | Self::Adopt(_) => Target::Decide,
            Self::Tenants(_) => Target::Tenants,
            Self::Tenant(_) => Target::Tenant,
            Self::Timeline(_) => Target::Timeline,
            Self::Watched(_) => Target::Watched,
            Self::Reveal { .. } => Target::Reveal,
            Self::Events(_) => Target::Events,
            Self::Event(_) => Target::Event,
        }
    }
}

/// What the hub answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The log.
    Log(Result<Arc<LogView>, OpsError>),
    /// The board.
    Overview(Result<Arc<Overview>, OpsError>),
    /// A window on the flows.
    Flows(Result<FlowWindow, OpsError>),
    /// One instance.
    Flow(Box<Result<FlowAnswer, OpsError>>),
    /// What a verb would do.
    Plan(Box<Result<Plan, OpsError>>),
    /// The acts.
    Remediations(Result<Vec<Remediation>, OpsError>),
    /// The sources will be asked.
    Refresh(Result<(), OpsError>),
    /// The context was armed, or locked, or it was refused.
    Arm(Result<Option<Armed>, OpsError>),
    /// The act was recorded, or not.
    Act(Box<Result<Remediation, OpsError>>),
    /// How many there are of what is marked.
    Marked(Result<Selected, OpsError>),
    /// The rows of what is marked.
    Rows(Result<Selected, OpsError>),
    /// The instances between two.
    Range(Result<FlowWindow, OpsError>),
    /// How many instances each filter matches.
    Counts(Result<Vec<FlowCount>, OpsError>),
    /// The claim was recorded, or not.
    Claim(Result<Option<Claim>, OpsError>),
    /// What the engine keeps of one instance.
    Raw(Box<Result<RawFlow, OpsError>>),
    /// Two instances.
    Pair(Box<[Result<FlowAnswer, OpsError>; 2]>),
    /// The ways to an instance.
    Ways(Result<Ways, OpsError>),
    /// The remediations of many.
    Wides(Result<Arc<Vec<Arc<WideRemediation>>>, OpsError>),
    /// Older ones.
    Older(Result<Vec<Arc<WideRemediation>>, OpsError>),
    /// One of them with its items.
    Wide(Box<Result<WideDetail, OpsError>>),
    /// What a verb would do to all that were chosen.
    PlanOfMany(Box<Result<WidePlan, OpsError>>),
    /// The runbooks.
    Runbooks(Result<Vec<RunbookOffer>, OpsError>),
    /// The deployments on which those that were chosen may go on.
    Deployments(Result<Deployments, OpsError>),
    /// The request was recorded, or not.
    Request(Result<Arc<WideRemediation>, OpsError>),
    /// What was said of it was recorded, or not.
    WideReview(Result<Arc<WideRemediation>, OpsError>),
    /// It was started, held, resumed or ended, or not.
    Control(Control, Result<Arc<WideRemediation>, OpsError>),
    /// What others did.
    Outside(Result<Outside, OpsError>),
    /// What is still in force.
    InForce(Result<InForce, OpsError>),
    /// The automations.
    Automations(Result<Vec<AutomationStatus>, OpsError>),
    /// What has drifted.
    Drift(Result<DriftWindow, OpsError>),
    /// What changed before a cohort got stuck.
    Suspects(Box<Result<CohortSuspects, OpsError>>),
    /// How long steps take.
    Latency(Box<Result<Latency, OpsError>>),
    /// A finding as it was found just now.
    Recheck(Box<Result<KnownDrift, OpsError>>),
    /// It is left alone, or not any more.
    Decided(Box<Result<KnownDrift, OpsError>>),
    /// The tenants that a text finds.
    Tenants(SafeText, Result<TenantWindow, OpsError>),
    /// Everything of one.
    Tenant(Box<Result<TenantCard, OpsError>>),
    /// A part of what happened to one.
    Timeline(Box<TimelineQuery>, Result<TimelineWindow, OpsError>),
    /// How one stands that is watched.
    Watched(Box<Result<TenantCard, OpsError>>),
    /// A personal field, or why not.
    Reveal((InstanceId, SafeText), Result<SafeText, OpsError>),
    /// What has happened.
    Events(Box<Result<EventWindow, OpsError>>),
    /// One event.
    Event(Box<Result<EventRow, OpsError>>),
    /// It was noted as armed again, or not.
    Rearm(Result<(), OpsError>),
}

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
    /// Time has passed.
    Tick,
    /// The hub knows more than before.
    Changed(u64),
    /// The hub answered.
    Reply(Ticket, Answer),
    /// A context could not be opened: its name, and why.
    NotOpened(String, SafeText),
    /// The config's file may have changed.
    Edited,
    /// The config was read again, or what is wrong with it.
    Reread(Result<Reread, SafeText>),
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the hub.
    Ask(Ticket, Ask),
    /// Carry a plan out. With [`Effect::Control`] the only effect that changes anything in an engine.
    Act {
        /// For the answer.
        ticket: Ticket,
        /// Which plan.
        plan_hash: SafeText,
        /// Why, in the operator's words.
        reason: String,
    },
    /// Ask that a plan of many be carried out.
    Request {
        /// For the answer.
        ticket: Ticket,
        /// What.
        request: RequestOf,
    },
    /// Approve or deny what was asked for.
    Review {
        /// For the answer.
        ticket: Ticket,
        /// What is said.
        review: ReviewOf,
    },
    /// Start, hold, resume or end a remediation of many.
    Control {
        /// For the answer.
        ticket: Ticket,
        /// Which one.
        id: SafeText,
        /// What.
        control: Control,
    },
    /// Record who has a cohort in hand.
    Claim {
        /// For the answer.
        ticket: Ticket,
        /// What.
        request: ClaimRequest,
    },
    /// Note that something is armed again.
    Rearm {
        /// For the answer.
        ticket: Ticket,
        /// What was switched off.
        id: SafeText,
        /// Why, in the operator's words.
        reason: String,
    },
    /// Put a text on the clipboard.
    Copy(Clip),
    /// Write texts into new files of the present folder: names and texts.
    Write(Vec<(String, String)>),
    /// Ring the terminal's bell.
    Bell,
    /// Listen to the mouse, or no longer.
    Mouse(bool),
    /// Have a page opened, outside.
    Open(SafeText),
    /// Make the time of a made-up world run slower or faster.
    Speed(f64),
    /// Go to another context.
    Switch(String),
    /// Read the config again.
    Reload,
    /// Open the context that is shown anew.
    Reopen,
    /// Take the styles anew: theme or colours may be others.
    Restyle,
    /// Paint the whole screen anew.
    Repaint,
    /// Go to the background.
    Suspend,
    /// Leave.
    Quit,
}
