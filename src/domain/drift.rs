//! Drift: what is there and is not what is wanted, as an infrastructure controller, a plan file or a monitor tells it.
//!
//! Absence of an answer is never green: what was not checked, can't be checked, or of which nobody knows is a finding of
//! its own and is counted as such.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::difference::Difference;
use super::flow::{FlowInstance, Status, Version};
use super::hash::digest;
use super::ids::InstanceId;
use super::signs::Signs;
use super::text::SafeText;
use super::time::since;

pub use super::decided::KnownDrift;

/// How what is there differs from what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// It is there, and otherwise than wanted.
    Modified,
    /// It is wanted and not there.
    Missing,
    /// It is there, and nobody wants it.
    Unmanaged,
    /// It runs another version than wanted.
    VersionSkew,
    /// It will not be valid for much longer.
    Expiring,
}

impl DriftKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Modified, Self::Missing, Self::Unmanaged, Self::VersionSkew, Self::Expiring];

    /// Its name in JSON and in the filter language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Modified => "modified",
            Self::Missing => "missing",
            Self::Unmanaged => "unmanaged",
            Self::VersionSkew => "version_skew",
            Self::Expiring => "expiring",
        }
    }

    /// Its name on screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::VersionSkew => "version skew",
            other => other.name(),
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftStatus {
    /// It was checked, and is not as wanted.
    Drifted,
    /// Something is about to bring it back.
    Reconciling,
    /// Nobody has checked it yet, or whoever checks was not reached.
    NotChecked,
    /// It can't be checked in this way.
    Unsupported,
    /// The check was made and told nothing.
    Unknown,
    /// Somebody has said that it is to be left alone for a while.
    Ignored,
    /// Somebody has said that what is there is what is wanted from now on. Its source still wants otherwise.
    Adopted,
    /// It was found, and is as wanted again.
    Resolved,
    /// It was checked, and is as wanted.
    InSync,
}

impl DriftStatus {
    /// Every status, the one that needs eyes most first.
    pub const ALL: [Self; 9] = [
        Self::Drifted,
        Self::Reconciling,
        Self::NotChecked,
        Self::Unsupported,
        Self::Unknown,
        Self::Ignored,
        Self::Adopted,
        Self::Resolved,
        Self::InSync,
    ];

    /// Its name in JSON and in the filter language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drifted => "drifted",
            Self::Reconciling => "reconciling",
            Self::NotChecked => "not_checked",
            Self::Unsupported => "unsupported",
            Self::Unknown => "unknown",
            Self::Ignored => "ignored",
            Self::Adopted => "adopted",
            Self::Resolved => "resolved",
            Self::InSync => "in_sync",
        }
    }

    /// Its name on screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotChecked => "not checked",
            Self::InSync => "in sync",
            other => other.name(),
        }
    }

    /// The status of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether it is known to be as wanted.
    pub const fn is_green(self) -> bool {
        matches!(self, Self::Resolved | Self::InSync)
    }

    /// Whether nobody knows whether it is as wanted.
    pub const fn is_blind(self) -> bool {
        matches!(self, Self::NotChecked | Self::Unsupported | Self::Unknown)
    }
}

/// How bad it is, as the source or a rule of the config says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody has to look now.
    Critical,
    /// Somebody has to look today.
    Warning,
    /// Nobody has to look.
    Info,
    /// Nobody has said.
    Unknown,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Warning, Self::Info, Self::Unknown];

    /// Its name in JSON, on screen and in the filter language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Unknown => "unknown",
        }
    }

    /// The severity of a word that monitors use for it.
    ///
    /// ```
    /// use quarterdeck::domain::drift::Severity;
    ///
    /// assert_eq!(Severity::told("page"), Severity::Critical);
    /// assert_eq!(Severity::told("purple"), Severity::Unknown);
    /// ```
    pub fn told(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "critical" | "error" | "fatal" | "emergency" | "page" | "high" | "major" => Self::Critical,
            "warning" | "warn" | "medium" | "minor" => Self::Warning,
            "info" | "information" | "informational" | "notice" | "low" | "none" | "debug" => Self::Info,
            _ => Self::Unknown,
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// Where that is written: a file, a state, a rule.
    pub reference: Option<SafeText>,
    /// In which revision.
    pub revision: Option<SafeText>,
}

/// One thing that is not, or is not known to be, as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftFinding {
    /// Who tells it, and its own id of it: the same in each pass for as long as it is about the same thing.
    pub id: InstanceId,
    /// False where scrubbing changed the source's id: it can be shown, and never be acted on.
    pub exact_id: bool,
    /// Where: a host, an environment, an address in a plan.
    pub scope: SafeText,
    /// What: the state, the resource, the alert.
    pub what: SafeText,
    /// Whom it is for, where the source can say.
    pub tenant: Option<SafeText>,
    /// How it differs.
    pub kind: DriftKind,
    /// Where it stands.
    pub status: DriftStatus,
    /// How bad it is.
    pub severity: Severity,
    /// Who is to look after it.
    pub owner: Option<SafeText>,
    /// What is wanted.
    pub desired: Desired,
    /// What differs.
    pub difference: Difference,
    /// In one line: what the source says of it, or why it could not be checked.
    pub note: Option<SafeText>,
    /// Equal for findings that have one cause.
    pub cause_key: SafeText,
    /// Since when, where the source itself knows.
    pub since: Option<Timestamp>,
    /// When it was checked last, by the source's clock; `None` where it never was.
    pub last_checked: Option<Timestamp>,
    /// How often it is to be checked; `None` where nobody checks it again by themselves.
    pub check_interval: Option<SignedDuration>,
    /// Until when it is to be left alone, where the source keeps that.
    pub ignored_until: Option<Timestamp>,
}

/// A check that is older than its interval, times this, is stale.
const STALE_AFTER: i32 = 2;

/// A check is never stale by age alone before this.
const STALE_AT_LEAST: SignedDuration = SignedDuration::from_secs(15);

impl DriftFinding {
    /// What the meaning of an act on it depends on: what differs, and how. That it was checked once more, is ignored or
    /// adopted, is no part of it; and what is as wanted is that, whatever it was before.
    pub fn version(&self) -> SafeText {
        if self.status.is_green() {
            return digest(&["as wanted"], 6);
        }
        let said = matches!(self.status, DriftStatus::Ignored | DriftStatus::Adopted);
        let status = if said { DriftStatus::Drifted } else { self.status };
        digest(
            &[
                status.name(),
                self.kind.name(),
                self.desired.revision.as_deref().unwrap_or_default(),
                &self.difference.digest(),
            ],
            6,
        )
    }

    /// What was seen of it by whoever adopts it: what differs, whichever revision of what is wanted says so.
    pub fn seen(&self) -> SafeText {
        digest(&["seen", self.kind.name(), &self.difference.digest()], 16)
    }

    /// The same as an instance that is acted on, so that plans, policies and records carry both alike: its flow is what
    /// drifts, its step how that stands. It has succeeded where it is as wanted.
    pub fn as_target(&self) -> FlowInstance {
        let status = match self.status {
            DriftStatus::Drifted | DriftStatus::Ignored | DriftStatus::Adopted => Status::Failed,
            DriftStatus::Reconciling => Status::Running,
            DriftStatus::InSync | DriftStatus::Resolved => Status::Succeeded,
            DriftStatus::NotChecked | DriftStatus::Unsupported | DriftStatus::Unknown => Status::Unknown,
        };
        FlowInstance {
            id: self.id.clone(),
            exact_id: self.exact_id,
            flow: self.what.clone(),
            step: self.status.words().into(),
            tenant: self.tenant.clone(),
            key: Some(self.scope.clone()),
            status,
            pause: None,
            attempts: None,
            created_at: self.since,
            entered_step_at: self.since,
            last_transition_at: self.since,
            first_failure_at: None,
            last_start_at: None,
            next_retry_at: None,
            error: None,
            wait: None,
            version: Version::told(&self.version()),
            completed_commands: 0,
            observed_at: self.last_checked.unwrap_or(Timestamp::UNIX_EPOCH),
            signs: Signs::default(),
        }
    }

    /// Whether its last check is too old to be acted on; one that was never checked is, too.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let Some(checked) = self.last_checked else { return true };
        let Some(interval) = self.check_interval else { return false };
        since(checked, now) > interval.checked_mul(STALE_AFTER).unwrap_or(SignedDuration::MAX).max(STALE_AT_LEAST)
    }

    /// A key under which findings of one cause fall together, wherever they were found.
    pub fn cause(parts: &[&str]) -> SafeText {
        digest(parts, 6)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::difference::Documents;
    use crate::domain::redact::Redactor;

    pub(crate) fn differs(there: &str) -> Difference {
        Difference::Documents(Documents::of(Some(&"new".into()), Some(&there.into()), &Redactor::default()))
    }

    pub(crate) fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    pub(crate) fn finding(id: &str) -> DriftFinding {
        DriftFinding {
            id: InstanceId::new("salt", id),
            exact_id: true,
            scope: "web-1".into(),
            what: "/etc/motd".into(),
            tenant: Some("acme".into()),
            kind: DriftKind::Modified,
            status: DriftStatus::Drifted,
            severity: Severity::Warning,
            owner: None,
            desired: Desired::default(),
            difference: differs("old"),
            note: None,
            cause_key: DriftFinding::cause(&["/etc/motd"]),
            since: None,
            last_checked: Some(at(0)),
            check_interval: Some(SignedDuration::from_mins(5)),
            ignored_until: None,
        }
    }

    #[test]
    fn absence_of_an_answer_is_never_green() {
        for status in DriftStatus::ALL {
            assert!(!(status.is_green() && status.is_blind()), "{status:?}");
            assert_eq!(DriftStatus::named(status.name()), Some(status));
        }
        assert!(
            ![DriftStatus::NotChecked, DriftStatus::Unsupported, DriftStatus::Unknown].iter().any(|s| s.is_green())
        );
    }

    #[test]
    fn a_check_is_stale_after_two_intervals_and_one_that_never_was_is_always() {
        let mut one = finding("a");
        assert!(!one.is_stale(at(600)) && one.is_stale(at(601)));
        one.check_interval = Some(SignedDuration::from_secs(2));
        assert!(!one.is_stale(at(15)) && one.is_stale(at(16)));
        one.check_interval = None;
        assert!(!one.is_stale(at(1_000_000)), "nobody said that it is checked again");
        one.last_checked = None;
        assert!(one.is_stale(at(0)));
    }

    #[test]
    fn its_version_is_what_differs_and_not_when_that_was_seen() {
        let one = finding("a");
        let mut other = one.clone();
        other.last_checked = Some(at(100));
        other.status = DriftStatus::Ignored;
        assert_eq!(one.version(), other.version());
        other.difference = differs("older");
        assert_ne!(one.version(), other.version());
    }
}
