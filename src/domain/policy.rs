//! Policies: what is to be decided about an act before it is done, and what was decided, with every reason.
//!
//! All policies that match are listed; the strictest in force wins. One that is tried in shadow is listed and counts
//! for nothing. One that can't be evaluated denies: nobody knows what it would have said.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use super::blast::Blast;
use super::text::SafeText;

/// The name of the threads that evaluate policies and run programs of the config. A panic in one is told as what it came to,
/// a denial or a fault, and ends nothing.
pub const THREAD: &str = "policies";

/// Who has to approve, and how many.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Needed {
    /// How many approvals, each by somebody else; 1 at the least.
    pub approve: u32,
    /// Whose approvals count: those of any of these roles; everybody's where there is none.
    pub roles: BTreeSet<SafeText>,
}

impl Needed {
    /// Whether whoever meets this demand meets the other one, too.
    fn covers(&self, other: &Self) -> bool {
        let within = other.roles.is_empty() || (!self.roles.is_empty() && self.roles.is_subset(&other.roles));
        self.approve >= other.approve && within
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.roles.is_empty() {
            return write!(f, "{} of anybody else", self.approve);
        }
        let roles: Vec<&str> = self.roles.iter().map(SafeText::as_str).collect();
        write!(f, "{} of {}", self.approve, roles.join(" or "))
    }
}

/// What is decided, the mildest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// It may be done.
    Allow,
    /// It may be done, and whoever does it should know this.
    Warn,
    /// It may be done once so many have approved it.
    RequireApproval(Needed),
    /// It may not be done.
    Deny,
}

impl Decision {
    /// The names in the config and in JSON, the mildest first.
    pub const NAMES: [&'static str; 4] = ["allow", "warn", "require-approval", "deny"];

    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Allow => Self::NAMES[0],
            Self::Warn => Self::NAMES[1],
            Self::RequireApproval(_) => Self::NAMES[2],
            Self::Deny => Self::NAMES[3],
        }
    }

    /// What is needed for it, where that is approvals.
    pub const fn needed(&self) -> Option<&Needed> {
        match self {
            Self::RequireApproval(needed) => Some(needed),
            Self::Allow | Self::Warn | Self::Deny => None,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequireApproval(needed) => write!(f, "needs {needed}"),
            other => f.write_str(other.name()),
        }
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Whether a policy counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It counts.
    Enforce,
    /// It is tried: what it says is listed, and counts for nothing.
    Shadow,
}

impl Mode {
    /// Every mode with its name.
    pub const ALL: [(&'static str, Self); 2] = [("enforce", Self::Enforce), ("shadow", Self::Shadow)];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
        }
    }
}

/// A policy of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name; no other has it.
    pub name: SafeText,
    /// When it says what it says, in CEL, as it was written.
    pub when: String,
    /// What it says.
    pub decision: Decision,
    /// Why, for whoever asks.
    pub reason: SafeText,
    /// Whether it counts.
    pub mode: Mode,
}

/// Who has which role; names are taken on trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(pub BTreeMap<SafeText, BTreeSet<SafeText>>);

impl Roles {
    /// The roles of an operator.
    pub fn of(&self, operator: &str) -> BTreeSet<SafeText> {
        self.0
            .iter()
            .filter(|(_, names)| names.iter().any(|name| name == operator))
            .map(|(role, _)| role.clone())
            .collect()
    }
}

/// How much one plan may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// For whom: whoever has one of these roles; everybody where there is none.
    pub roles: BTreeSet<SafeText>,
    /// What is counted: distinct tenants of this tier; targets where there is none.
    pub tier: Option<SafeText>,
    /// The most of it.
    pub most: u64,
}

/// What holds of every plan, without a policy for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// More targets than this need an approval.
    pub approval_above: u64,
    /// How much one plan may hold.
    pub caps: Vec<Cap>,
    /// How long a break-glass may last.
    pub break_glass: SignedDuration,
    /// The time zone of the hour and the weekday in policies, and of freezes that name none.
    pub zone: TimeZone,
}

/// The most targets of a plan, for everybody, unless a cap says otherwise. Policies are bounded for plans of this size.
pub const MOST_TARGETS: u64 = 10_000;

impl Default for Limits {
    fn default() -> Self {
        Self { approval_above: 50, caps: Vec::new(), break_glass: SignedDuration::from_hours(4), zone: TimeZone::UTC }
    }
}

impl Limits {
    /// The cap on what is counted (targets, or tenants of a tier) for whoever has these roles: a cap for one of the
    /// roles goes before one for everybody, and of several the largest holds.
    pub fn cap(&self, tier: Option<&str>, roles: &BTreeSet<SafeText>) -> Option<u64> {
        let caps = || self.caps.iter().filter(|cap| cap.tier.as_deref() == tier);
        let own = caps().filter(|cap| !cap.roles.is_disjoint(roles)).map(|cap| cap.most).max();
        let general = || caps().filter(|cap| cap.roles.is_empty()).map(|cap| cap.most).min();
        own.or_else(general).or_else(|| tier.is_none().then_some(MOST_TARGETS))
    }

    /// Every tier that has a cap.
    pub fn tiers(&self) -> BTreeSet<&SafeText> {
        self.caps.iter().filter_map(|cap| cap.tier.as_ref()).collect()
    }
}

/// That somebody acts in a freeze all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// As which role.
    pub role: SafeText,
    /// Why.
    pub reason: SafeText,
    /// Until when.
    pub until: Timestamp,
}

/// What a decision lets through against a rule, for a while: borrowed time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Borrowed {
    /// The freeze that was overridden.
    pub freeze: SafeText,
    /// By whom; taken on trust.
    pub by: SafeText,
    /// As which role.
    pub role: SafeText,
    /// Why.
    pub reason: SafeText,
    /// Until when.
    pub until: Timestamp,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The verb's name.
    pub verb: SafeText,
    /// What it may cost: `reversible`, `costly` or `irreversible`.
    pub risk: SafeText,
    /// The runbook, where it is one.
    pub runbook: Option<SafeText>,
    /// Why, in the operator's words; `None` where that was not asked for yet.
    pub reason: Option<SafeText>,
    /// The ticket, where there is one.
    pub ticket: Option<SafeText>,
    /// Who asks; taken on trust.
    pub by: SafeText,
    /// Whether nothing is to be sent.
    pub dry_run: bool,
    /// The override of a freeze, where one is asked for.
    pub break_glass: Option<BreakGlass>,
    /// What is to be acted on.
    pub plan: PlanFacts,
}

/// What policies may look at of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFacts {
    /// How many targets.
    pub targets: u64,
    /// In how many waves.
    pub waves: u64,
    /// The targets' flows, each once.
    pub flows: BTreeSet<SafeText>,
    /// The targets' steps, each once.
    pub steps: BTreeSet<SafeText>,
    /// The targets' sources, each once.
    pub sources: BTreeSet<SafeText>,
    /// What is hurt.
    pub blast: Blast,
    /// Whether the cause still fails; `None` where that is not known.
    pub cause_failing: Option<bool>,
}

/// Where and when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// The name of the context.
    pub context: SafeText,
    /// Whether it is production.
    pub production: bool,
    /// Whether it is armed, or has no lock.
    pub armed: bool,
    /// The moment as of which is decided.
    pub at: Timestamp,
    /// Whether it was started already, and it is asked whether it may go on.
    pub under_way: bool,
}

/// What one policy, freeze or limit says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Its name.
    pub policy: SafeText,
    /// What it says.
    pub decision: Decision,
    /// Why.
    pub reason: SafeText,
    /// Whether it counts.
    pub mode: Mode,
}

impl Reason {
    /// What something in force says.
    pub fn new(policy: impl Into<SafeText>, decision: Decision, reason: impl Into<SafeText>) -> Self {
        Self { policy: policy.into(), decision, reason: reason.into(), mode: Mode::Enforce }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.policy, self.reason)
    }
}

/// What was decided, with every reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyDecision {
    /// The strictest of what is in force says.
    pub decision: Decision,
    /// What matched, the strictest first; what is in shadow after what counts.
    pub reasons: Vec<Reason>,
    /// The approvals that are asked for: each of these demands has to be met. None where none is, or where it is denied.
    pub needed: Vec<Needed>,
    /// What is let through against a freeze.
    pub borrowed: Vec<Borrowed>,
}

impl Default for PolicyDecision {
    fn default() -> Self {
        Self::of(Vec::new(), Vec::new())
    }
}

impl PolicyDecision {
    /// The decision that these reasons come to, in whichever order they are.
    pub fn of(mut reasons: Vec<Reason>, borrowed: Vec<Borrowed>) -> Self {
        reasons.sort_by(|one, other| {
            let strictness = other.decision.cmp(&one.decision);
            one.mode
                .cmp(&other.mode)
                .then(strictness)
                .then_with(|| one.policy.cmp(&other.policy))
                .then_with(|| one.reason.cmp(&other.reason))
        });
        let counts = || reasons.iter().filter(|reason| reason.mode == Mode::Enforce);
        let decision = counts().map(|reason| &reason.decision).max().cloned().unwrap_or(Decision::Allow);
        let mut needed: Vec<Needed> = Vec::new();
        if decision != Decision::Deny {
            for demand in counts().filter_map(|reason| reason.decision.needed()) {
                if !needed.iter().any(|other| other.covers(demand)) {
                    needed.retain(|other| !demand.covers(other));
                    needed.push(demand.clone());
                }
            }
        }
        needed.sort_by(|one, other| other.cmp(one));
        Self { decision, reasons, needed, borrowed }
    }

    /// What two questions on one and the same act come to together: what both say is said once.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let Self { mut reasons, mut borrowed, .. } = self;
        reasons.extend(other.reasons.into_iter().filter(|reason| !reasons.contains(reason)).collect::<Vec<_>>());
        borrowed.extend(other.borrowed.into_iter().filter(|one| !borrowed.contains(one)).collect::<Vec<_>>());
        Self::of(reasons, borrowed)
    }

    /// The reasons that count and say no less than this.
    fn at_least(&self, least: &Decision) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(move |reason| reason.mode == Mode::Enforce && reason.decision >= *least)
    }

    /// Why it may not be done, all reasons in one; `None` where it is not denied.
    pub fn denial(&self) -> Option<String> {
        (self.decision == Decision::Deny).then(|| {
            let why: Vec<String> = self.at_least(&Decision::Deny).map(ToString::to_string).collect();
            format!("not allowed: {}", why.join("; "))
        })
    }

    /// Which approvals are needed and why, in one; `None` where none is, or where it is denied.
    pub fn approvals(&self) -> Option<String> {
        (!self.needed.is_empty()).then(|| {
            let needed: Vec<String> = self.needed.iter().map(ToString::to_string).collect();
            let asks = |reason: &&Reason| reason.decision.needed().is_some();
            let why: Vec<String> = self.at_least(&Decision::Warn).filter(asks).map(ToString::to_string).collect();
            format!("approvals are needed: {} ({})", needed.join(", and "), why.join("; "))
        })
    }

    /// What whoever does it should know.
    pub fn warnings(&self) -> impl Iterator<Item = &Reason> {
        self.at_least(&Decision::Warn).filter(|reason| reason.decision == Decision::Warn)
    }
}

#[cfg(test)]
mod tests;
