//! Remediations of many targets: how far each item has come, how the whole stands, and what it came to.
//!
//! The states and their names are part of what people script against. The counts of the items add up to the plan's
//! targets at every moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approval::Approval;
use super::plan::{Target, WidePlan};
use super::remediation::ItemState;
use super::text::SafeText;

/// How a remediation of many stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WideState {
    /// It was asked for, and somebody has to agree.
    AwaitingApproval,
    /// It may be started.
    Approved,
    /// Items are being sent, wave by wave.
    Running,
    /// Nothing is sent until somebody resumes it.
    Held,
    /// All that is to be sent was sent; it is watched whether it holds.
    Verifying,
    /// Every item that was sent is verified.
    Succeeded,
    /// Some are verified and some are not.
    Partial,
    /// None is verified.
    Failed,
    /// Somebody ended it.
    Aborted,
    /// Somebody who was asked said no.
    Rejected,
    /// It was not approved, or not started, in time.
    Expired,
    /// Every target had changed; nothing was sent.
    Stale,
    /// It was taken back by another one.
    RolledBack,
    /// None is verified, and of some nobody knows.
    Unknown,
}

impl WideState {
    /// Every state.
    pub const ALL: [Self; 14] = [
        Self::AwaitingApproval,
        Self::Approved,
        Self::Running,
        Self::Held,
        Self::Verifying,
        Self::Succeeded,
        Self::Partial,
        Self::Failed,
        Self::Aborted,
        Self::Rejected,
        Self::Expired,
        Self::Stale,
        Self::RolledBack,
        Self::Unknown,
    ];

    /// Its name in JSON and in the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "awaiting_approval",
            Self::Approved => "approved",
            Self::Running => "running",
            Self::Held => "held",
            Self::Verifying => "verifying",
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Stale => "stale",
            Self::RolledBack => "rolled_back",
            Self::Unknown => "unknown",
        }
    }

    /// As people say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "waits for approval",
            Self::RolledBack => "rolled back",
            other => other.name(),
        }
    }

    /// The same as a sentence: `it waits for approval`, `it is held`.
    pub fn told(self) -> String {
        match self {
            Self::AwaitingApproval => format!("it {}", self.words()),
            other => format!("it is {}", other.words()),
        }
    }

    /// The state of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more happens to it by itself or by anybody's resuming it.
    pub const fn ended(self) -> bool {
        !matches!(self, Self::AwaitingApproval | Self::Approved | Self::Running | Self::Held | Self::Verifying)
    }

    /// Whether a process sends or watches.
    pub const fn runs(self) -> bool {
        matches!(self, Self::Running | Self::Verifying)
    }
}

/// How many items have come how far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemCounts(BTreeMap<ItemState, u64>);

impl ItemCounts {
    /// Of these states.
    pub fn of(states: impl IntoIterator<Item = ItemState>) -> Self {
        let mut counts = Self::default();
        states.into_iter().for_each(|state| counts.add(state, 1));
        counts
    }

    /// So many more have come so far.
    pub fn add(&mut self, state: ItemState, count: u64) {
        *self.0.entry(state).or_default() += count;
    }

    /// How many have come so far, and not further.
    pub fn get(&self, state: ItemState) -> u64 {
        self.0.get(&state).copied().unwrap_or_default()
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many were sent to the engine.
    pub fn sent(&self) -> u64 {
        self.total() - self.get(ItemState::Pending) - self.get(ItemState::Skipped)
    }

    /// Each state with its number, also where that is 0; the numbers add up to the total.
    pub fn each(&self) -> impl Iterator<Item = (ItemState, u64)> {
        ItemState::ALL.into_iter().map(|state| (state, self.get(state)))
    }

    /// `40 verified, 258 pending`: those that are not 0.
    pub fn words(&self) -> String {
        let parts: Vec<String> = self
            .each()
            .filter(|(_, count)| *count > 0)
            .map(|(state, count)| format!("{count} {}", state.name()))
            .collect();
        if parts.is_empty() { "no items".to_owned() } else { parts.join(", ") }
    }

    /// What a remediation came to whose items have all come to an end.
    pub fn outcome(&self) -> WideState {
        let [verified, failed, unknown] =
            [ItemState::Verified, ItemState::Failed, ItemState::Unknown].map(|state| self.get(state));
        match (verified > 0, failed > 0, unknown > 0) {
            (true, false, false) => WideState::Succeeded,
            (true, _, _) => WideState::Partial,
            (false, _, true) => WideState::Unknown,
            (false, true, false) => WideState::Failed,
            (false, false, false) => WideState::Stale,
        }
    }
}

/// One target of a remediation, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its place in the plan, from 0.
    pub number: u32,
    /// To whom, in which version.
    pub target: Target,
    /// In which wave, from 0.
    pub wave: u32,
    /// How far.
    pub state: ItemState,
    /// How many steps of a runbook it has behind it, each verified.
    pub steps: u32,
    /// Whether it stays so.
    pub ended: bool,
    /// What it came to so far, in words.
    pub words: SafeText,
    /// When that was.
    pub at: Option<Timestamp>,
}

/// A remediation of many targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WideRemediation {
    /// Its id.
    pub id: SafeText,
    /// The context that it belongs to.
    pub context: SafeText,
    /// What was planned, with what was decided of it when it was asked for.
    pub plan: Arc<WidePlan>,
    /// Why, in the operator's words.
    pub reason: SafeText,
    /// The ticket, where one was named.
    pub ticket: Option<SafeText>,
    /// Who asked for it; taken on trust.
    pub requested_by: SafeText,
    /// When.
    pub requested_at: Timestamp,
    /// How it stands.
    pub state: WideState,
    /// Who has to agree, and who has.
    pub approval: Approval,
    /// How far its items have come.
    pub counts: ItemCounts,
    /// The wave that is sent or watched, from 0.
    pub wave: u32,
    /// What it came to so far, or why it is held, in words.
    pub outcome: SafeText,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When something happened to it last.
    pub changed_at: Timestamp,
    /// The remediation that this one takes back.
    pub takes_back: Option<SafeText>,
}

/// What may be asked of a remediation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Control {
    /// Start one that may be started.
    Run,
    /// Send nothing more until it is resumed.
    Hold,
    /// Go on with one that is held.
    Resume,
    /// Send nothing more, for good.
    Abort,
}

impl Control {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Run, Self::Hold, Self::Resume, Self::Abort];

    /// Its name on the command line and in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Abort => "abort",
        }
    }

    /// Why it can't be asked of a remediation that stands so; `None` where it can.
    pub fn refused(self, state: WideState) -> Option<String> {
        let fits = match self {
            Self::Run => state == WideState::Approved,
            Self::Hold => state.runs(),
            Self::Resume => state == WideState::Held,
            Self::Abort => !state.ended(),
        };
        (!fits).then(|| match (self, state) {
            (Self::Run, WideState::Held) => "it is held: resume goes on with it".to_owned(),
            (Self::Run, state) if state.runs() => "it runs already".to_owned(),
            (_, state) => format!("{} can't be had: {}", self.name(), state.told()),
        })
    }
}

impl WideRemediation {
    /// The item's states that a person may want to try once more, as a new plan.
    pub const AGAIN: [ItemState; 2] = [ItemState::Failed, ItemState::Unknown];

    /// How many waves there are.
    pub fn waves(&self) -> usize {
        self.plan.frozen.waves.sizes(self.plan.frozen.targets.len()).len()
    }
}

/// One line of what happened to a remediation, out of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// Who; taken on trust.
    pub actor: SafeText,
    /// What: the audit's action.
    pub action: SafeText,
    /// To whom.
    pub subject: SafeText,
    /// What else there is to tell.
    pub text: SafeText,
}

/// A remediation with everything that there is to show of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WideDetail {
    /// The remediation.
    pub head: Arc<WideRemediation>,
    /// Its items, in the plan's order.
    pub items: Arc<Vec<Item>>,
    /// What happened to it, the oldest first; of very many the last ones.
    pub history: Vec<Told>,
    /// Why whoever asks can't approve it; `None` where they can.
    pub cannot_approve: Option<SafeText>,
}
