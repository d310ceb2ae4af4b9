//! The cockpit's whole state, as plain data. Each screen's part of it is a file of its own.

mod board;
mod detail;
mod flows;
mod popup;
mod prompt;
mod questions;
mod review;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use self::board::{BoardState, FREEZE, Pane};
pub use self::detail::{DETAIL_EVERY, DetailState};
pub use self::flows::FlowsState;
pub use self::popup::{Popup, SuspectsLook, WaysFor};
pub use self::prompt::{History, Prompt, PromptKind};
use self::questions::Questions;
pub use self::review::{Focus, REASON_MIN, Review, ReviewState};
use super::RunningAct;
use super::command::CommandId;
use super::compare::CompareState;
use super::drift::DriftState;
use super::events::EventsState;
use super::glyphs::Glyphs;
use super::hit::Hit;
use super::keymap::{Key, Keymap};
use super::latency::LatencyState;
use super::many::RemediationsState;
use super::msg::{Ask, Effect, Target, Ticket};
use super::raw::RawState;
use super::records::Records;
use super::remote::Remote;
use super::settings::{ScreenName, Settings};
use super::tenants::TenantsState;
use super::times::Times;
use super::update::What;
use super::update::reload::ConfigState;
use super::views::View;
use crate::domain::ids::InstanceId;
use crate::domain::log::LogView;
use crate::domain::remediation::{Remediation, Verb};
use crate::domain::source::SourceStatus;
use crate::domain::text::SafeText;
use crate::domain::verdict::Verdict;
use crate::ops::{Armed, Overview, Reference, Selection};

/// How long a message stays in the footer.
pub const MESSAGE_FOR: SignedDuration = SignedDuration::from_secs(5);

/// How long what the config got wrong stays there at the start.
const WARNING_FOR: SignedDuration = SignedDuration::from_secs(20);

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// To know.
    Info,
    /// To heed.
    Warning,
}

/// A message in the footer.
#[derive(Debug, Clone)]
pub struct Message {
    /// What it says.
    pub text: SafeText,
    /// How much it matters.
    pub level: Level,
    /// Until when.
    pub until: Timestamp,
}

/// An act that was asked for and whose record has not come back yet.
#[derive(Debug, Clone)]
pub struct Sending {
    /// What.
    pub verb: Verb,
    /// To whom.
    pub target: InstanceId,
}

/// The cockpit.
#[derive(Debug, Clone)]
pub struct App {
    /// How it looks and whom it serves.
    pub settings: Settings,
    /// The characters it is drawn with.
    pub glyphs: &'static Glyphs,
    /// The keys.
    pub keymap: Keymap,
    /// The terminal's size: columns, rows.
    pub size: (u16, u16),
    /// The present, as of the last message.
    pub now: Timestamp,
    /// The screens one over another; the last one is shown. Never empty.
    pub stack: Vec<ScreenName>,
    /// The screens that were there before, with the filter they had.
    pub previous: Option<(Vec<ScreenName>, String)>,
    /// What is stuck.
    pub overview: Remote<Arc<Overview>>,
    /// What the program tells of itself.
    pub log: Remote<Arc<LogView>>,
    /// The acts.
    pub acts: Remote<Vec<Remediation>>,
    /// The remediations of many.
    pub remediations: RemediationsState,
    /// What stands beside them.
    pub records: Box<Records>,
    /// The board.
    pub board: BoardState,
    /// The flows.
    pub flows: FlowsState,
    /// The open instance.
    pub detail: DetailState,
    /// The open instance as its engine gave it.
    pub raw: RawState,
    /// Two instances side by side.
    pub compare: CompareState,
    /// What the ways to an instance are asked for, and whose.
    pub ways: Option<(WaysFor, InstanceId)>,
    /// What of the marked instances is to be copied, while their rows are asked for.
    pub copying: Option<What>,
    /// How times are shown.
    pub times: Times,
    /// What has drifted.
    pub drift: Box<DriftState>,
    /// The tenants.
    pub tenants: Box<TenantsState>,
    /// What has happened.
    pub events: Box<EventsState>,
    /// How long steps take.
    pub latency: Box<LatencyState>,
    /// The source under the cursor.
    pub source: Option<SafeText>,
    /// What lies over the screen.
    pub popup: Option<Popup>,
    /// What is being typed.
    pub prompt: Option<Prompt>,
    /// What was typed before.
    pub history: Box<History>,
    /// The theme in force; the default one where none is named.
    pub theme: Option<String>,
    /// What was clicked on last, and when.
    pub clicked: Option<(Timestamp, Hit)>,
    /// Whether what comes under the cursor is to be opened as soon as it is known.
    pub open_when_known: bool,
    /// Keys of a sequence that is not complete.
    pub pressed: Vec<Key>,
    /// The message in the footer.
    pub message: Option<Message>,
    /// Since when live updates are paused.
    pub paused: Option<Timestamp>,
    /// When Ctrl-C was last pressed on a screen.
    pub interrupted_at: Option<Timestamp>,
    /// What was asked for and not recorded yet.
    pub sending: Option<Sending>,
    /// The views that were saved in this session.
    pub views: Vec<View>,
    /// What is known of the config since it was read first.
    pub config: ConfigState,
    questions: Questions,
}

impl App {
    /// A cockpit that knows nothing yet.
    pub fn new(settings: Settings, size: (u16, u16), now: Timestamp) -> Self {
        let glyphs = Glyphs::of(settings.ascii);
        let stack = match settings.start {
            ScreenName::Board | ScreenName::Detail | ScreenName::Raw | ScreenName::Compare => vec![ScreenName::Board],
            ScreenName::Remediation => vec![ScreenName::Board, ScreenName::Remediations],
            ScreenName::Finding => vec![ScreenName::Board, ScreenName::Drift],
            ScreenName::Tenant => vec![ScreenName::Board, ScreenName::Tenants],
            ScreenName::Event => vec![ScreenName::Board, ScreenName::Events],
            other => vec![ScreenName::Board, other],
        };
        Self {
            glyphs,
            keymap: settings.keymap.clone(),
            size,
            now,
            stack,
            previous: None,
            overview: Remote::Never,
            log: Remote::Never,
            acts: Remote::Never,
            remediations: RemediationsState::default(),
            records: Box::default(),
            board: BoardState::default(),
            flows: FlowsState::new(settings.filter.clone().unwrap_or_default()),
            detail: DetailState::default(),
            raw: RawState::default(),
            compare: CompareState::default(),
            ways: None,
            copying: None,
            times: Times::new(settings.times, settings.zone.clone()),
            drift: Box::default(),
            tenants: Box::new(TenantsState { customer: settings.customer_only, ..TenantsState::default() }),
            events: Box::default(),
            latency: Box::default(),
            source: None,
            popup: None,
            prompt: None,
            history: Box::default(),
            theme: settings.theme.clone(),
            clicked: None,
            open_when_known: false,
            pressed: Vec::new(),
            message: settings.warning.clone().map(|text| Message {
                text,
                level: Level::Warning,
                until: now + WARNING_FOR,
            }),
            paused: None,
            interrupted_at: None,
            sending: None,
            views: Vec::new(),
            config: ConfigState::new(&settings),
            settings,
            questions: Questions::default(),
        }
    }

    /// Counts its questions from where an older cockpit stopped, so that an answer to one of its is never taken for
    /// an answer to one of these. What the operator chose of its looks goes on.
    pub fn follow(&mut self, older: &Self) {
        self.questions.follow(&older.questions);
        self.theme.clone_from(&older.theme);
        self.times = older.times.clone();
    }

    /// The theme to draw in: the one that is being looked at, else the one in force.
    pub fn theme(&self) -> Option<&str> {
        match &self.popup {
            Some(Popup::Themes { index }) => self.settings.themes.names().get(*index).copied(),
            _ => self.theme.as_deref(),
        }
    }

    /// The screen that is shown.
    pub fn screen(&self) -> ScreenName {
        self.stack.last().copied().unwrap_or(ScreenName::Board)
    }

    /// Asks, whatever is under way: an older question of this kind is forgotten.
    pub fn ask(&mut self, ask: Ask) -> Effect {
        let ticket = self.ticket(ask.target());
        Effect::Ask(ticket, ask)
    }

    /// A ticket for a new question.
    pub fn ticket(&mut self, target: Target) -> Ticket {
        self.questions.ticket(target)
    }

    /// Whether a question of this kind is under way. If so, notes that it is to be asked again after it.
    pub fn busy(&mut self, target: Target) -> bool {
        self.questions.busy(target)
    }

    /// Forgets a question; its answer will be dropped.
    pub fn forget(&mut self, target: Target) {
        self.questions.forget(target);
    }

    /// Whether an answer is to the present question of its kind, and if so whether to ask again.
    pub fn accept(&mut self, ticket: Ticket) -> Option<bool> {
        self.questions.accept(ticket)
    }

    /// Says something in the footer.
    pub fn say(&mut self, level: Level, text: impl Into<SafeText>) {
        self.message = Some(Message { text: text.into(), level, until: self.now + MESSAGE_FOR });
    }

    /// Acts that have not ended, the newest first.
    pub fn running(&self) -> Vec<RunningAct> {
        let sending = self.sending.iter().map(|sending| RunningAct {
            id: None,
            verb: sending.verb,
            target: sending.target.clone(),
        });
        let recorded = self.acts.value().into_iter().flatten().filter(|act| !act.ended).map(|act| RunningAct {
            id: Some(act.id.clone()),
            verb: act.plan.verb,
            target: act.plan.target.clone(),
        });
        sending.chain(recorded).collect()
    }

    /// An act by its id.
    pub fn act(&self, id: &str) -> Option<&Remediation> {
        self.acts.value()?.iter().find(|act| act.id == *id)
    }

    /// Why nothing can be acted on at all at this moment, where that is so.
    pub fn read_only(&self) -> Option<&SafeText> {
        if let Some(why) = &self.settings.read_only {
            return Some(why);
        }
        let overview = self.overview.value()?;
        match &overview.lock {
            // What was last heard may be older than the end of the time it was armed for.
            Some(lock) => self.armed().is_none().then_some(&lock.why),
            None => overview.read_only.as_ref(),
        }
    }

    /// By whom the context is armed and until when, where it is.
    pub fn armed(&self) -> Option<&Armed> {
        let armed = self.overview.value()?.lock.as_ref()?.armed.as_ref()?;
        (self.now < armed.until).then_some(armed)
    }

    /// Whether there is anything to see on a screen that not every context has.
    pub fn has(&self, screen: ScreenName) -> bool {
        let any =
            |of: fn(&SourceStatus) -> bool| self.overview.value().is_some_and(|board| board.sources.iter().any(of));
        match screen {
            ScreenName::Drift => any(|source| source.drift.is_some()),
            ScreenName::Tenants => any(|source| source.tenants.is_some()),
            ScreenName::Events => any(|source| source.events),
            _ => true,
        }
    }

    /// Whether the screen shows what customers may see, and nothing else: it may be shared with one.
    pub fn shows_customer(&self) -> bool {
        self.screen() == ScreenName::Tenant && (self.tenants.customer || self.settings.customer_only)
    }

    /// Notes that the context was armed or locked, before the board says so.
    pub fn set_armed(&mut self, armed: Option<Armed>) {
        if let Remote::Fresh { value, .. } | Remote::Stale { value, .. } = &mut self.overview
            && let Some(lock) = &mut Arc::make_mut(value).lock
        {
            lock.armed = armed;
        }
    }

    /// What is marked on the list: a verb or a copy there is about all of it. [`Ops::select`](crate::ops::Ops::select)
    /// has its rows.
    pub fn marked(&self) -> Option<&Selection> {
        let marks = self.flows.marks.as_ref().filter(|_| self.screen() == ScreenName::Flows)?;
        Some(&marks.selection)
    }

    /// The instance that a verb or a copy would be about, and why there is none.
    pub fn subject(&self) -> Result<InstanceId, String> {
        let key = |id| self.keymap.label(id);
        let found = match self.screen() {
            ScreenName::Flows if self.flows.head.is_some() => {
                return Err(format!("this is a group: {} opens it", key(CommandId::Open)));
            }
            ScreenName::Flows if self.flows.gone => {
                return Err("it is gone from this list; nothing can be done to it here".to_owned());
            }
            ScreenName::Flows => self.flows.selected.clone().ok_or("nothing is selected"),
            ScreenName::Detail => self.detail.id.clone().ok_or("nothing is open"),
            ScreenName::Raw => self.raw.id.clone().ok_or("nothing is open"),
            ScreenName::Compare => {
                return Err(format!("here are two: {} goes back to one of them", key(CommandId::Back)));
            }
            ScreenName::Board => {
                let (open, verbs) = (key(CommandId::Open), key(CommandId::Verbs));
                return Err(format!("verbs act on one instance: {open} opens the list, then {verbs}"));
            }
            ScreenName::Remediations | ScreenName::Remediation => {
                return Err(format!("this is no instance: {} lists those", key(CommandId::Flows)));
            }
            ScreenName::Drift | ScreenName::Finding => {
                return Err("nothing that drifted is under the cursor".to_owned());
            }
            ScreenName::Tenant => match self.tenants.reference() {
                Some(Reference::Flow(id)) => return Ok(id),
                _ => Err("verbs act on flows: put the cursor on one"),
            },
            ScreenName::Tenants | ScreenName::Events | ScreenName::Event => {
                let (flows, verbs) = (key(CommandId::GoFlows), key(CommandId::Verbs));
                return Err(format!("verbs act on instances: {flows} lists those of this tenant, then {verbs}"));
            }
            ScreenName::Latency => {
                let (open, verbs) = (key(CommandId::StepFlows), key(CommandId::Verbs));
                return Err(format!("verbs act on instances: {open} lists those in this step, then {verbs}"));
            }
            ScreenName::Sources => {
                let (flows, verbs) = (key(CommandId::Flows), key(CommandId::Verbs));
                return Err(format!("verbs act on instances, and a source has none; {flows} lists them, then {verbs}"));
            }
        };
        found.map_err(str::to_owned)
    }

    /// The verdict of what is selected, for the hints.
    pub fn selected_verdict(&self) -> Option<Verdict> {
        self.flows.row.as_ref().map(|row| row.judgement.verdict)
    }
}
