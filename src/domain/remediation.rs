//! Repairs: what is planned, what was asked of the engine, what it answered, and whether it held.
//!
//! `accepted` (the engine took it), `done` (the engine finished the act) and `verified` (its postcondition was
//! seen) are three different words everywhere.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::flow::Status;
use super::ids::InstanceId;
use super::policy::PolicyDecision;
use super::text::SafeText;

/// What may be done to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Go on from the failed step.
    Resume,
    /// Stop trying, until it is resumed.
    Pause,
    /// Begin the same work once more, as another instance.
    RestartAsNew,
    /// End it; what it did is compensated where the flow does so.
    Cancel,
    /// End it at once; nothing that it did is compensated.
    Kill,
    /// Remove what is kept of one that has ended.
    Purge,
    /// Make what has drifted what is wanted.
    Reconcile,
    /// Put what has drifted back to what it was before its last change.
    Restore,
}

/// What an act may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Another act takes it back, or there is nothing to take back.
    Reversible,
    /// It can be stopped again; what it has sent or spent by then can't be taken back.
    Costly,
    /// Nothing takes it back.
    Irreversible,
}

impl Risk {
    /// Its name in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reversible => "reversible",
            Self::Costly => "costly",
            Self::Irreversible => "irreversible",
        }
    }
}

impl Verb {
    /// Every verb, the safest first.
    pub const ALL: [Self; 8] = [
        Self::Resume,
        Self::Pause,
        Self::RestartAsNew,
        Self::Cancel,
        Self::Kill,
        Self::Purge,
        Self::Reconcile,
        Self::Restore,
    ];

    /// The verbs on instances of flows.
    pub const OF_FLOWS: [Self; 6] =
        [Self::Resume, Self::Pause, Self::RestartAsNew, Self::Cancel, Self::Kill, Self::Purge];

    /// The verbs on what drifts.
    pub const OF_DRIFT: [Self; 2] = [Self::Reconcile, Self::Restore];

    /// Whether it is done to what drifts, and not to an instance of a flow.
    pub const fn is_of_drift(self) -> bool {
        matches!(self, Self::Reconcile | Self::Restore)
    }

    /// Its name in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Pause => "pause",
            Self::RestartAsNew => "restart-as-new",
            Self::Cancel => "cancel",
            Self::Kill => "kill",
            Self::Purge => "purge",
            Self::Reconcile => "reconcile",
            Self::Restore => "restore",
        }
    }

    /// Its name as people say it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::RestartAsNew => "restart as new",
            _ => self.name(),
        }
    }

    /// What happens to an instance that stands so, in a menu's few words.
    pub const fn words(self, status: Status) -> &'static str {
        match self {
            // The engine tries it again by itself.
            Self::Resume if matches!(status, Status::BackingOff) => {
                "goes on from the failed step now, instead of at its next try"
            }
            Self::Resume => "goes on from the failed step",
            Self::Pause => "stops trying; resume goes on from the same step",
            Self::RestartAsNew => "begins it once more: what it has sent is sent again",
            Self::Cancel => "ends it; the flow compensates what it did",
            Self::Kill => "ends it at once; nothing that it did is compensated",
            Self::Purge => "removes what is kept of it: history, result, error",
            Self::Reconcile => "makes it what is wanted, and checks that it is",
            Self::Restore => "puts back what was there before its last change, and checks that it is there",
        }
    }

    /// What it may cost.
    pub const fn risk(self) -> Risk {
        match self {
            Self::Resume | Self::Pause => Risk::Reversible,
            Self::RestartAsNew | Self::Reconcile | Self::Restore => Risk::Costly,
            Self::Cancel | Self::Kill | Self::Purge => Risk::Irreversible,
        }
    }

    /// Whether there is a way back.
    pub const fn way_back(self) -> &'static str {
        match self {
            Self::Resume => "none needed: steps that completed are not run again",
            Self::Pause => "resume",
            Self::RestartAsNew => "none for what it sends again; the new instance can be cancelled",
            Self::Cancel => "none: a cancelled instance cannot be resumed",
            Self::Kill => "none: a killed instance cannot be resumed, and what it did stays",
            Self::Purge => "none: what is removed is gone",
            Self::Reconcile => "restore, where what was there is kept",
            Self::Restore => "reconcile, or restore once more where what was there is kept",
        }
    }

    /// What takes it back, where another verb does.
    pub const fn undo(self) -> Option<Self> {
        match self {
            Self::Pause => Some(Self::Resume),
            Self::Reconcile => Some(Self::Restore),
            Self::Resume | Self::RestartAsNew | Self::Cancel | Self::Kill | Self::Purge | Self::Restore => None,
        }
    }

    /// The verb of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.name() == name)
    }
}

/// A verb as it is offered for one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerbOffer {
    /// The verb.
    pub verb: Verb,
    /// Why it can't be had now; `None` where it can.
    pub refusal: Option<SafeText>,
    /// What it needs besides a reason, with why.
    pub needs: Option<SafeText>,
}

/// What would be done, frozen: the exact target and the version of it that was seen. Changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// SHA-256 over source, verb, target and version.
    pub hash: SafeText,
    /// What is to be done.
    pub verb: Verb,
    /// To whom.
    pub target: InstanceId,
    /// The version of the target that was seen.
    pub version: SafeText,
    /// The target's flow.
    pub flow: SafeText,
    /// The target's step when it was read.
    pub step: SafeText,
    /// The target's tenant.
    pub tenant: Option<SafeText>,
    /// The target's status when it was read.
    pub status: Status,
    /// Why the target is what it is, in words.
    pub evidence: Option<SafeText>,
    /// The target's error when it was read.
    pub error: Option<SafeText>,
    /// What the engine will do, in words.
    pub effect: SafeText,
    /// What the operator should know before asking for it.
    pub warnings: Vec<SafeText>,
    /// What policies, freezes and limits say of it. Asked again when it is carried out.
    pub policy: PolicyDecision,
    /// When the target was read, by the local clock.
    pub read_at: Timestamp,
    /// When the plan is void, by the local clock.
    pub expires_at: Timestamp,
}

/// How far one act has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Not sent yet.
    Pending,
    /// Not sent, because the target had changed.
    Skipped,
    /// The engine took it.
    Accepted,
    /// The engine finished it.
    Done,
    /// Its postcondition was seen.
    Verified,
    /// Refused by the engine, or its postcondition did not come.
    Failed,
    /// Nobody can say whether the engine took it, or whether it held.
    Unknown,
}

impl ItemState {
    /// Every state, in the order in which an item comes through them.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Skipped, Self::Accepted, Self::Done, Self::Verified, Self::Failed, Self::Unknown];

    /// The state of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Its name in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Skipped => "skipped",
            Self::Accepted => "accepted",
            Self::Done => "done",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// One act on one instance, from the request to its verified outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remediation {
    /// Its id, which is its idempotency key too.
    pub id: SafeText,
    /// What was planned.
    pub plan: Plan,
    /// Why, in the operator's words.
    pub reason: SafeText,
    /// Who asked for it; taken on trust.
    pub requested_by: SafeText,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How far it has come.
    pub item: ItemState,
    /// Whether nothing more will happen by itself.
    pub ended: bool,
    /// What it came to, in words.
    pub outcome: SafeText,
    /// What happened, oldest first.
    pub log: Vec<(Timestamp, SafeText)>,
    /// What the engine answered where it took it: accepted, or done. Not known of one that an older process sent.
    pub answered: Option<ItemState>,
    /// Until when its effect is watched.
    pub watched_until: Option<Timestamp>,
}

/// How long the effect of an act is watched before it is called verified or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soak(pub SignedDuration);

impl Default for Soak {
    fn default() -> Self {
        Self(SignedDuration::from_secs(60))
    }
}
