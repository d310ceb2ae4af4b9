//! Flows: the instances that engines run, the steps they are in, and why they failed or wait.

use jiff::Timestamp;
use serde::Serialize;

use super::hash::digest;
use super::ids::InstanceId;
use super::redact::Redactor;
use super::run::{Attempts, StepRun};
use super::signs::Signs;
use super::text::SafeText;
use super::verdict::{Judgement, Verdict};

/// Where an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// To begin later.
    Scheduled,
    /// To begin as soon as it is its turn.
    Queued,
    /// Working.
    Running,
    /// Failed and waiting for its next attempt.
    BackingOff,
    /// Waiting for a timer, a callback, a person or another instance.
    Waiting,
    /// Stopped until somebody resumes it.
    Paused,
    /// Undoing what it did.
    Compensating,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Ended on purpose: cancelled or killed.
    Cancelled,
    /// Ended by a deadline of its own.
    TimedOut,
    /// The source can't say.
    Unknown,
}

impl Status {
    /// Every status, in the order in which an instance may pass through them.
    pub const ALL: [Self; 12] = [
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::BackingOff,
        Self::Waiting,
        Self::Paused,
        Self::Compensating,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
        Self::Unknown,
    ];

    /// Whether an instance of this status has ended.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::TimedOut)
    }

    /// Whether it ended badly: not on purpose and not well.
    pub const fn failed(self) -> bool {
        matches!(self, Self::Failed | Self::TimedOut)
    }

    /// Its name in JSON and in the filter language, where dashes may stand for the underscores.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::BackingOff => "backing_off",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Compensating => "compensating",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Unknown => "unknown",
        }
    }

    /// Its name on screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::BackingOff => "backing off",
            Self::TimedOut => "timed out",
            other => other.name(),
        }
    }
}

/// Who stopped a paused instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseCause {
    /// The engine, after the last attempt that its retry policy allows.
    Exhausted,
    /// A person, a freeze or maintenance: the instance is *held*.
    Held,
    /// The source can't say.
    Unknown,
}

/// What an instance waits on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitKind {
    /// A time.
    Timer,
    /// A callback from outside.
    Signal,
    /// Another instance that it called.
    Child,
    /// A person's decision, or a named promise that somebody must keep.
    Approval,
    /// A key that another instance holds.
    Lock,
    /// A worker.
    Consumer,
}

impl WaitKind {
    /// In words, for "waits for …".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Timer => "a timer",
            Self::Signal => "a callback",
            Self::Child => "another flow",
            Self::Approval => "an approval",
            Self::Lock => "its key",
            Self::Consumer => "a worker",
        }
    }
}

/// A wait: on what, since when, and until when where it has an end of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// On what.
    pub kind: WaitKind,
    /// The name of the promise, the called flow, or the id of the instance that holds the key.
    pub reference: Option<SafeText>,
    /// When it began, by the engine's clock.
    pub since: Option<Timestamp>,
    /// Its own end, by the engine's clock.
    pub until: Option<Timestamp>,
}

impl Wait {
    /// The name of what it waits on, where that says more than its kind.
    ///
    /// ```
    /// use quarterdeck::domain::flow::{Wait, WaitKind};
    ///
    /// let wait = |name: &str| Wait { kind: WaitKind::Approval, reference: Some(name.into()), since: None, until: None };
    /// assert_eq!(wait("approval").name(), None);
    /// assert_eq!(wait("budget").name().unwrap(), "budget");
    /// ```
    pub fn name(&self) -> Option<&SafeText> {
        let (_, noun) = self.kind.words().split_once(' ').unwrap_or_default();
        self.reference.as_ref().filter(|name| !name.eq_ignore_ascii_case(noun))
    }
}

/// Why an instance failed last.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct FlowError {
    /// The engine's or the application's code.
    pub code: Option<SafeText>,
    /// The first line of the text.
    pub text: SafeText,
    /// The text with ids, numbers and the like masked (see [`super::cohort::fingerprint`]).
    pub fingerprint: SafeText,
}

impl FlowError {
    /// How much of an error's first line is kept, in characters. The whole text is in the instance's detail.
    pub const MAX: usize = 512;

    /// Takes secrets out of an error, cuts it to its first line and fingerprints it.
    /// `own` are names that belong to the instance alone: its key, its tenant.
    pub fn new(code: Option<&str>, raw: &str, own: &[&str], redactor: &Redactor) -> Self {
        let text = redactor.first_line(raw, Self::MAX);
        let fingerprint = super::cohort::fingerprint_of(&text, own);
        Self { code: code.map(SafeText::from), text, fingerprint }
    }
}

/// The version of an instance: what the meaning of an act depends on.
///
/// A hash of the status class (running and backing off are one), the completion, the number of completed commands
/// and the pinned deployment. Attempt counters and times are no part of it, so that a retry a second ago does not
/// void a plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Version(SafeText);

impl Version {
    /// Hashes the parts.
    pub fn of(status: Status, pause: Option<PauseCause>, completed_commands: u64, deployment: &str) -> Self {
        let class = match status {
            Status::Running | Status::BackingOff => "active",
            other => other.name(),
        };
        let held = if pause == Some(PauseCause::Held) { "held" } else { "" };
        Self(digest(&[class, held, &completed_commands.to_string(), deployment], 6))
    }

    /// One that was kept as its text.
    pub fn told(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text: twelve hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One instance of a flow, as its source last told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowInstance {
    /// Who it is.
    pub id: InstanceId,
    /// False where scrubbing changed the engine's id: it can be shown, and never be acted on.
    pub exact_id: bool,
    /// Its flow. For Restate `service/handler`.
    pub flow: SafeText,
    /// Its step: the highest-index command that has not completed, or a word in brackets.
    pub step: SafeText,
    /// Whom it is for, where the source can say.
    pub tenant: Option<SafeText>,
    /// The key that it holds or queues for, where the engine has keys.
    pub key: Option<SafeText>,
    /// Where it stands.
    pub status: Status,
    /// Who stopped it, where it is paused.
    pub pause: Option<PauseCause>,
    /// The number of the current or last attempt; `None` where the engine does not say.
    pub attempts: Option<u32>,
    /// When it came to be.
    pub created_at: Option<Timestamp>,
    /// When it entered its step.
    pub entered_step_at: Option<Timestamp>,
    /// When it last changed its status: paused, failed, suspended.
    pub last_transition_at: Option<Timestamp>,
    /// When its present row of failures began.
    pub first_failure_at: Option<Timestamp>,
    /// When its current or last attempt began.
    pub last_start_at: Option<Timestamp>,
    /// When it is tried again.
    pub next_retry_at: Option<Timestamp>,
    /// Why it failed last.
    pub error: Option<FlowError>,
    /// What it waits on.
    pub wait: Option<Wait>,
    /// What else its source tells: when it was due, who works on it, who started it.
    pub signs: Signs,
    /// Commands that have completed.
    pub completed_commands: u64,
    /// What an act on it depends on.
    pub version: Version,
    /// When the source told this, by the source's clock.
    pub observed_at: Timestamp,
}

/// An instance and what the rules say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedFlow {
    /// The instance.
    pub flow: FlowInstance,
    /// The rules' word.
    pub judgement: Judgement,
}

impl JudgedFlow {
    /// Since when it has been as it is: since when its rule holds, or since it came to be where it stands.
    pub fn began(&self) -> Option<Timestamp> {
        self.flow.began(&self.judgement)
    }
}

impl FlowInstance {
    /// When it failed last, or at the earliest: when the attempt began that failed, or when it ended or was paused after
    /// its last one. `None` where its source does not tell.
    pub fn failed_at(&self) -> Option<Timestamp> {
        match self.status {
            Status::BackingOff => self.last_start_at,
            Status::Paused if self.pause == Some(PauseCause::Exhausted) => self.last_transition_at,
            Status::Failed | Status::TimedOut => self.last_transition_at,
            _ => None,
        }
    }

    /// Since when it has been as it is, where the rules say this of it.
    pub fn began(&self, judgement: &Judgement) -> Option<Timestamp> {
        judgement
            .since()
            .filter(|_| judgement.verdict != Verdict::Ok)
            .or(self.last_transition_at)
            .or(self.entered_step_at)
            .or(self.created_at)
    }
}

/// How an entry of a timeline ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryOutcome {
    /// Not ended.
    Open,
    /// Ended well.
    Done,
    /// Ended badly.
    Failed,
    /// Something that happened, with no end of its own.
    Note,
}

/// One line of an instance's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineEntry {
    /// When it began, by the engine's clock.
    pub at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The step's name, or what happened.
    pub what: SafeText,
    /// How it ended.
    pub outcome: EntryOutcome,
    /// More about it: an error's first line, what is waited for.
    pub note: Option<SafeText>,
}

/// Everything a source can tell of one instance, asked live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowDetail {
    /// The instance.
    pub flow: FlowInstance,
    /// The whole error, line by line.
    pub error: Vec<SafeText>,
    /// Its steps and events, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// Its steps, each with what it did when, in the order in which they began.
    pub runs: Vec<StepRun>,
    /// Its attempts, as far as the engine tells them.
    pub attempts: Attempts,
    /// Facts of the engine's own, as label and value: deployment, caller, retention.
    pub facts: Vec<(&'static str, SafeText)>,
}
