//! The cockpit's whole state, as plain data.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tui_input::Input;

use super::RunningAct;
use super::claims::ClaimMenu;
use super::command::CommandId;
use super::compare::CompareState;
use super::glyphs::Glyphs;
use super::hit::Hit;
use super::keymap::{Key, Keymap};
use super::log::LogLook;
use super::marks::Marks;
use super::menus::Menu;
use super::msg::{Ask, Effect, Target, Ticket};
use super::raw::RawState;
use super::remote::Remote;
use super::settings::{ScreenName, Settings};
use super::times::Times;
use super::update::What;
use super::update::arming::ArmForm;
use super::update::contexts::ContextList;
use super::update::reload::ConfigState;
use super::views::View;
use crate::domain::cohort::Cohort;
use crate::domain::flow::Version;
use crate::domain::ids::InstanceId;
use crate::domain::log::LogView;
use crate::domain::remediation::{Plan, Remediation, Verb};
use crate::domain::text::SafeText;
use crate::domain::verdict::Verdict;
use crate::ops::{
    Armed, FlowAnswer, FlowCount, FlowWindow, GroupBy, GroupKey, Grouping, OpsError, Overview, REASON_LEAST, Selection,
    SortBy,
};
use crate::query::{Filter, FilterError};

/// For how long after the cursor moved the board keeps its order.
pub const FREEZE: SignedDuration = SignedDuration::from_secs(3);

/// How often the open instance is read again.
pub const DETAIL_EVERY: SignedDuration = SignedDuration::from_secs(2);

/// How long a message stays in the footer.
pub const MESSAGE_FOR: SignedDuration = SignedDuration::from_secs(5);

/// How long what the config got wrong stays there at the start.
const WARNING_FOR: SignedDuration = SignedDuration::from_secs(20);

/// The fewest characters, blanks aside, of a reason.
pub const REASON_MIN: usize = REASON_LEAST;

/// The board's two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The cohorts.
    Cohorts,
    /// The flows and their steps.
    Strip,
}

/// The board's state.
#[derive(Debug, Clone)]
pub struct BoardState {
    /// The cohorts in the order in which they are shown.
    pub shown: Vec<Cohort>,
    /// The id of the cohort under the cursor.
    pub cohort: Option<SafeText>,
    /// Where the cursor is.
    pub index: usize,
    /// Whether the cohort under the cursor is no longer there.
    pub gone: bool,
    /// Cohorts that came while the order was frozen.
    pub new: usize,
    /// Cohorts that somebody put aside, and that are not shown for that.
    pub folded: usize,
    /// When the cursor moved last.
    pub moved_at: Option<Timestamp>,
    /// Whether the operator moved, or every source has been heard: before that the cursor keeps to the top.
    pub settled: bool,
    /// Which list has the focus.
    pub pane: Pane,
    /// The source and the flow under the strip's cursor. `None` until the operator moves there: then it is at the top.
    pub flow: Option<(SafeText, SafeText)>,
    /// Whether flows with nothing stuck are shown too, and cohorts that somebody put aside.
    pub show_all: bool,
}

/// The flows screen's state.
#[derive(Debug, Clone)]
pub struct FlowsState {
    /// The filter in force, as it was typed.
    pub text: String,
    /// The filter in force.
    pub filter: Filter,
    /// What is wrong with the text that is being typed.
    pub error: Option<FilterError>,
    /// The order.
    pub sort: SortBy,
    /// Whether it is turned round.
    pub reverse: bool,
    /// How the rows are grouped.
    pub group: Option<Grouping>,
    /// The order, the turn and the groups that rows were last asked for with.
    pub asked_order: (SortBy, bool, Option<GroupBy>),
    /// The rows that are held.
    pub window: Remote<FlowWindow>,
    /// Whether the window belongs to an older filter or order.
    pub outdated: bool,
    /// Who is under the cursor; `None` until the row there is known, and on the head of a group.
    pub selected: Option<InstanceId>,
    /// The group whose head is under the cursor.
    pub head: Option<GroupKey>,
    /// What is known of it.
    pub row: Option<Arc<crate::domain::flow::JudgedFlow>>,
    /// Whether it is no longer among the rows.
    pub gone: bool,
    /// The cursor's index among all rows that match.
    pub cursor: usize,
    /// The index of the topmost row on screen.
    pub top: usize,
    /// What that was when rows were last asked for.
    pub asked_top: usize,
    /// What is marked.
    pub marks: Option<Marks>,
}

/// The open instance.
#[derive(Debug, Clone)]
pub struct DetailState {
    /// Who.
    pub id: Option<InstanceId>,
    /// What the list knew of it, until the answer is there.
    pub seed: Option<Arc<crate::domain::flow::JudgedFlow>>,
    /// What its source told.
    pub answer: Remote<FlowAnswer>,
    /// When it was last asked.
    pub asked_at: Option<Timestamp>,
    /// Lines scrolled.
    pub scroll: usize,
    /// Whether the steps are drawn across time, and not told line by line.
    pub chart: bool,
}

/// Where the focus is in a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The reason.
    Reason,
    /// Do nothing.
    Cancel,
    /// Do it.
    Do,
}

/// How far a review has come.
#[derive(Debug, Clone, PartialEq)]
pub enum ReviewState {
    /// Being read and filled in.
    Open,
    /// Sent; nothing more can be sent from here.
    Sent,
    /// Refused.
    Refused(OpsError),
}

/// A plan under review.
#[derive(Debug, Clone)]
pub struct Review {
    /// What would be done.
    pub plan: Plan,
    /// Why.
    pub reason: Input,
    /// Where the focus is.
    pub focus: Focus,
    /// How far it has come.
    pub state: ReviewState,
    /// Another version of the target than the plan's, seen since.
    pub changed: Option<Version>,
    /// Whether the target was seen to be gone since.
    pub vanished: bool,
    /// Lines scrolled.
    pub scroll: usize,
}

impl Review {
    /// Why the plan can't be asked for now, if so.
    /// `verbs` is the key that opens the menu of verbs.
    pub fn obstacle(&self, now: Timestamp, verbs: &str) -> Option<String> {
        if self.vanished {
            Some("the target is gone".to_owned())
        } else if let Some(version) = &self.changed {
            Some(format!(
                "the target changed: version {} was planned, {} is there now; Esc, then {verbs} plans anew",
                self.plan.version,
                version.as_str()
            ))
        } else if now >= self.plan.expires_at {
            Some(format!("this plan has expired; Esc, then {verbs} plans anew"))
        } else if self.reason.value().chars().filter(|c| !c.is_whitespace()).count() < REASON_MIN {
            Some(format!("a reason of at least {REASON_MIN} characters comes first"))
        } else {
            None
        }
    }
}

/// What lies over the screen.
#[derive(Debug, Clone)]
pub enum Popup {
    /// The log.
    Log(LogLook),
    /// The help.
    Help {
        /// Lines scrolled.
        scroll: usize,
        /// What is looked for in it.
        find: String,
        /// Whether that is being typed.
        typing: bool,
    },
    /// The verbs of an instance.
    Verbs {
        /// Of whom.
        target: InstanceId,
        /// What is known of it.
        answer: Remote<Box<FlowAnswer>>,
        /// The index of the verb under the cursor.
        index: usize,
    },
    /// A plan is being made.
    Planning {
        /// Of what.
        verb: Verb,
        /// For whom.
        target: InstanceId,
        /// Why it could not be made.
        error: Option<OpsError>,
        /// Since when.
        since: Timestamp,
    },
    /// A plan is being reviewed.
    Review(Box<Review>),
    /// An act is being followed.
    Progress {
        /// Which one.
        id: SafeText,
        /// Lines scrolled.
        scroll: usize,
    },
    /// One source, with its error in full.
    Source {
        /// Its name.
        name: SafeText,
        /// Lines scrolled.
        scroll: usize,
    },
    /// Another context is being chosen.
    Contexts(Box<ContextList>),
    /// A production context is about to be armed.
    Arm(Box<ArmForm>),
    /// A cohort is being claimed.
    Claim(Box<ClaimMenu>),
    /// A choice for the list.
    Menu {
        /// Which one.
        menu: Menu,
        /// The index of the entry under the cursor.
        index: usize,
    },
    /// The saved views.
    Views {
        /// Which there are.
        views: Vec<View>,
        /// The index of the view under the cursor.
        index: usize,
        /// How many instances each has.
        counts: Remote<Vec<FlowCount>>,
    },
    /// The themes to choose from.
    Themes {
        /// The index of the one under the cursor, in which the screen is drawn meanwhile.
        index: usize,
    },
    /// The engine's own page of an instance is to be opened.
    Page {
        /// Of whom.
        id: InstanceId,
        /// Where.
        url: SafeText,
        /// The button with the focus: open, copy, close.
        button: usize,
    },
    /// Acts run, and the operator asked to quit.
    Quit {
        /// Whether the button that quits has the focus.
        leave: bool,
    },
}

/// What the ways to an instance are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaysFor {
    /// To copy the request by which it is read.
    Curl,
    /// To open its page.
    Open,
}

/// What is typed into the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptKind {
    /// A filter. Holds what Esc restores.
    Filter {
        /// The filter that was in force.
        before: String,
        /// Whether the prompt led to the flows screen from another one.
        came: bool,
    },
    /// A command.
    Command,
    /// What is looked for in the raw JSON. Holds what Esc restores: the search, and where the cursor was.
    Search {
        /// Both.
        before: (String, usize),
    },
}

/// A line that is being typed.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What for.
    pub kind: PromptKind,
    /// The text and its cursor.
    pub input: Input,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Which of what is offered was moved to.
    pub chosen: Option<usize>,
    /// Which of the lines of before is shown, counted back from the last one, while none of it was changed.
    pub recalled: Option<usize>,
}

impl Prompt {
    /// A line to be typed.
    pub fn new(kind: PromptKind, text: impl Into<String>) -> Self {
        Self { kind, input: Input::new(text.into()), error: None, chosen: None, recalled: None }
    }
}

/// The lines that were typed, the last one at the end.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Commands.
    pub commands: Vec<String>,
    /// Filters.
    pub filters: Vec<String>,
    /// What was looked for in texts.
    pub searches: Vec<String>,
}

impl History {
    /// How many of each are kept.
    const MOST: usize = 100;

    /// The lines of a kind.
    pub fn of(&self, kind: &PromptKind) -> &[String] {
        match kind {
            PromptKind::Command => &self.commands,
            PromptKind::Filter { .. } => &self.filters,
            PromptKind::Search { .. } => &self.searches,
        }
    }

    /// Keeps a line as the last one of its kind.
    pub fn keep(&mut self, kind: &PromptKind, line: &str) {
        let lines = match kind {
            PromptKind::Command => &mut self.commands,
            PromptKind::Filter { .. } => &mut self.filters,
            PromptKind::Search { .. } => &mut self.searches,
        };
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        lines.retain(|known| known != line);
        lines.push(line.to_owned());
        if lines.len() > Self::MOST {
            lines.remove(0);
        }
    }
}

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
    /// The source under the cursor.
    pub source: Option<SafeText>,
    /// What lies over the screen.
    pub popup: Option<Popup>,
    /// What is being typed.
    pub prompt: Option<Prompt>,
    /// What was typed before.
    pub history: History,
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
    epoch: u64,
    under_way: [Option<u64>; Target::COUNT],
    again: [bool; Target::COUNT],
}

impl App {
    /// A cockpit that knows nothing yet.
    pub fn new(settings: Settings, size: (u16, u16), now: Timestamp) -> Self {
        let glyphs = Glyphs::of(settings.ascii);
        let stack = match settings.start {
            ScreenName::Board | ScreenName::Detail | ScreenName::Raw | ScreenName::Compare => vec![ScreenName::Board],
            other => vec![ScreenName::Board, other],
        };
        let text = settings.filter.clone().unwrap_or_default();
        let (filter, error) = match Filter::parse(&text) {
            Ok(filter) => (filter, None),
            Err(error) => (Filter::default(), Some(error)),
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
            board: BoardState {
                shown: Vec::new(),
                cohort: None,
                index: 0,
                gone: false,
                new: 0,
                folded: 0,
                moved_at: None,
                settled: false,
                pane: Pane::Cohorts,
                flow: None,
                show_all: false,
            },
            flows: FlowsState {
                text: if error.is_none() { text } else { String::new() },
                filter,
                error,
                sort: SortBy::default(),
                reverse: false,
                group: None,
                asked_order: (SortBy::default(), false, None),
                window: Remote::Never,
                outdated: false,
                selected: None,
                head: None,
                row: None,
                gone: false,
                cursor: 0,
                top: 0,
                asked_top: 0,
                marks: None,
            },
            detail: DetailState {
                id: None,
                seed: None,
                answer: Remote::Never,
                asked_at: None,
                scroll: 0,
                chart: false,
            },
            raw: RawState::default(),
            compare: CompareState::default(),
            ways: None,
            copying: None,
            times: Times::new(settings.times, settings.zone.clone()),
            source: None,
            popup: None,
            prompt: None,
            history: History::default(),
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
            epoch: 0,
            under_way: [None; Target::COUNT],
            again: [false; Target::COUNT],
        }
    }

    /// Counts its questions from where an older cockpit stopped, so that an answer to one of its is never taken for
    /// an answer to one of these. What the operator chose of its looks goes on.
    pub fn follow(&mut self, older: &Self) {
        self.epoch = older.epoch;
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
        self.epoch += 1;
        self.under_way[target as usize] = Some(self.epoch);
        self.again[target as usize] = false;
        Ticket { target, epoch: self.epoch }
    }

    /// Whether a question of this kind is under way. If so, notes that it is to be asked again after it.
    pub fn busy(&mut self, target: Target) -> bool {
        let busy = self.under_way[target as usize].is_some();
        self.again[target as usize] |= busy;
        busy
    }

    /// Forgets a question; its answer will be dropped.
    pub fn forget(&mut self, target: Target) {
        self.under_way[target as usize] = None;
        self.again[target as usize] = false;
    }

    /// Whether an answer is to the present question of its kind, and if so whether to ask again.
    pub fn accept(&mut self, ticket: Ticket) -> Option<bool> {
        let target = ticket.target as usize;
        if self.under_way[target] != Some(ticket.epoch) {
            return None;
        }
        self.under_way[target] = None;
        Some(std::mem::take(&mut self.again[target]))
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
