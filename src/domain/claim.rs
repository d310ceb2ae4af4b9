//! Claims: who has a cohort in hand, has seen it or has put it aside, and until when.
//!
//! A claim changes nothing in an engine; it tells the others. Each has an end, so that nobody has to take it back.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::cohort::Cohort;
use super::text::SafeText;

/// The shortest time that a claim may be made for.
pub const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// The longest time that a claim may be made for.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The most characters of a note.
pub const NOTE_MAX: usize = 200;

/// How many times as large a cohort must have become for what was acknowledged or snoozed to count no longer.
const GROWTH: u64 = 2;

/// What is said of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// "I'm on it": until its end.
    Claim,
    /// Seen: until its end, until there are twice as many, or until it reaches a tenant more.
    Acknowledge,
    /// Put aside: until its end, or until there are twice as many instances or tenants.
    Snooze,
}

impl ClaimKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Claim, Self::Acknowledge, Self::Snooze];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Acknowledge => "acknowledge",
            Self::Snooze => "snooze",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it says, and when it ends by itself before its time.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Claim => "I'm on it",
            Self::Acknowledge => "seen; ends early if it doubles or reaches one more tenant",
            Self::Snooze => "folded away; comes back early if it doubles",
        }
    }

    /// What somebody has done who made one: `claimed by op-b`.
    pub const fn done(self) -> &'static str {
        match self {
            Self::Claim => "claimed",
            Self::Acknowledge => "acknowledged",
            Self::Snooze => "snoozed",
        }
    }
}

/// What somebody said of a cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Its name in the record.
    pub id: SafeText,
    /// The cohort's id.
    pub cohort: SafeText,
    /// What is said.
    pub kind: ClaimKind,
    /// Who said it; taken on trust.
    pub by: SafeText,
    /// When, by the local clock of whoever said it.
    pub at: Timestamp,
    /// Until when it holds at most.
    pub until: Timestamp,
    /// What else was said.
    pub note: Option<SafeText>,
    /// How many instances the cohort had then.
    pub count: u64,
    /// How many known tenants it had then.
    pub tenants: u64,
}

impl Claim {
    /// Whether its time is over.
    pub fn expired(&self, now: Timestamp) -> bool {
        now >= self.until
    }

    /// Whether the cohort has grown so much since that it counts no longer. What somebody is working on stays theirs.
    pub fn outgrown(&self, cohort: &Cohort) -> bool {
        let times = |now: u64, then: u64| now >= then.max(1).saturating_mul(GROWTH);
        match self.kind {
            ClaimKind::Claim => false,
            ClaimKind::Acknowledge => times(cohort.count, self.count) || cohort.tenants > self.tenants,
            ClaimKind::Snooze => times(cohort.count, self.count) || times(cohort.tenants, self.tenants),
        }
    }

    /// Whether the cohort is to be folded away.
    pub fn hides(&self) -> bool {
        self.kind == ClaimKind::Snooze
    }
}

/// What is to be recorded of a cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The cohort's id.
    pub cohort: SafeText,
    /// What.
    pub what: ClaimChange,
    /// The claim of somebody else that may be replaced by this: its id, as it was seen.
    pub over: Option<SafeText>,
}

/// What becomes of a cohort's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimChange {
    /// It is made, in place of the one there was.
    Make {
        /// What is said.
        kind: ClaimKind,
        /// Until when.
        until: Timestamp,
        /// What else is said; may be empty.
        note: String,
    },
    /// It is taken back.
    Release,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::flow::Status;
    use crate::domain::verdict::Rule;

    /// A cohort that is overdue, of this many instances and tenants.
    pub(crate) fn cohort(count: u64, tenants: u64) -> Cohort {
        Cohort {
            id: "39c1f89c".into(),
            source: "restate".into(),
            flow: "a".into(),
            step: "b".into(),
            fingerprint: "(overdue)".into(),
            count,
            tenants,
            growth: None,
            without_tenant: 0,
            since: None,
            rule: Rule::Overdue,
            sample: None,
            evidence: "".into(),
            status: Status::Running,
            waits_for: None,
            onset: None,
            claim: None,
            near: None,
        }
    }

    fn claim(kind: ClaimKind) -> Claim {
        let at: Timestamp = "2026-01-15T03:12:00Z".parse().unwrap();
        Claim {
            id: "1".into(),
            cohort: "39c1f89c".into(),
            kind,
            by: "mara".into(),
            at,
            until: at + SignedDuration::from_mins(30),
            note: None,
            count: 10,
            tenants: 4,
        }
    }

    #[test]
    fn what_was_seen_ends_when_it_is_another_thing() {
        for (kind, count, tenants, outgrown) in [
            (ClaimKind::Claim, 1_000, 900, false),
            (ClaimKind::Acknowledge, 19, 4, false),
            (ClaimKind::Acknowledge, 20, 4, true),
            (ClaimKind::Acknowledge, 11, 5, true),
            (ClaimKind::Acknowledge, 2, 1, false),
            (ClaimKind::Snooze, 19, 7, false),
            (ClaimKind::Snooze, 20, 4, true),
            (ClaimKind::Snooze, 12, 8, true),
        ] {
            assert_eq!(claim(kind).outgrown(&cohort(count, tenants)), outgrown, "{kind:?} {count} {tenants}");
        }
        let none = Claim { tenants: 0, ..claim(ClaimKind::Snooze) };
        assert!(!none.outgrown(&cohort(10, 1)), "one tenant after none known is no doubling");
        assert!(none.outgrown(&cohort(10, 2)));
    }

    #[test]
    fn it_ends_at_its_end() {
        let claim = claim(ClaimKind::Claim);
        assert!(!claim.expired(claim.until - SignedDuration::from_secs(1)));
        assert!(claim.expired(claim.until));
    }
}
