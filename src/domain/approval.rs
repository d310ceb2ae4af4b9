//! Approvals: who has to agree before a remediation may run, who has agreed, and when that counts.
//!
//! An approval is bound to one remediation and to the hash of its plan. It is given by somebody else than whoever
//! asked, holds for a while, and is spent by the first start. Names are compared without regard to case and to space, so
//! that no one approves their own request under another spelling.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::automation::is_automation;
use super::policy::{Needed, Roles};
use super::text::SafeText;

/// How long after the request an approval may be given.
pub const TO_GIVE: SignedDuration = SignedDuration::from_mins(30);

/// How long after the last approval, or after a request that needs none, it may be started.
pub const TO_START: SignedDuration = SignedDuration::from_mins(10);

/// How many denials end it.
pub const DENIALS: usize = 1;

/// What a reviewer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It may run.
    Approve,
    /// It may not.
    Deny,
}

impl Answer {
    /// Its name in JSON and in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

/// What one reviewer said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Who; taken on trust.
    pub by: SafeText,
    /// What.
    pub answer: Answer,
    /// Why, in the reviewer's words.
    pub comment: SafeText,
    /// When.
    pub at: Timestamp,
    /// Whether a lone operator confirmed it with the plan's code, in place of somebody else's approval.
    pub solo: bool,
}

/// How an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// None is asked for.
    NotNeeded,
    /// It is waited for.
    Pending,
    /// All who have to agree have agreed.
    Approved,
    /// Somebody said no.
    Denied,
    /// It was not given, or not used, in time.
    Expired,
    /// It was used: a run was started by it.
    Spent,
    /// What it was for is not there any more.
    Void,
}

impl ApprovalState {
    /// Its name in JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotNeeded => "not_needed",
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Spent => "spent",
            Self::Void => "void",
        }
    }
}

/// The approval of one remediation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// How it stands.
    pub state: ApprovalState,
    /// The demands, each of which has to be met.
    pub needed: Vec<Needed>,
    /// What was said, the oldest first.
    pub reviews: Vec<Review>,
    /// Until when it may be given, and once it is given, used.
    pub expires_at: Timestamp,
}

/// Who wants to say something of a remediation.
#[derive(Debug, Clone, Copy)]
pub struct Reviewer<'a> {
    /// Their name; taken on trust.
    pub name: &'a str,
    /// Who has which role.
    pub roles: &'a Roles,
    /// Whether the config says that one operator works alone.
    pub solo: bool,
}

/// A name as it is compared: without space, and without what stands for a hidden character.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || c.is_ascii_punctuation()).flat_map(char::to_lowercase).collect()
}

/// Whether two names are one person's.
pub fn same_person(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

impl Approval {
    /// What is waited for from now on; nothing where nobody has to agree.
    pub fn asked(needed: Vec<Needed>, now: Timestamp) -> Self {
        let (state, lasting) =
            if needed.is_empty() { (ApprovalState::NotNeeded, TO_START) } else { (ApprovalState::Pending, TO_GIVE) };
        Self { state, needed, reviews: Vec::new(), expires_at: now.saturating_add(lasting).unwrap_or(now) }
    }

    /// Whether it may still be given or used.
    pub fn in_time(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether somebody's word counts for a demand.
    fn counts(needed: &Needed, roles: &BTreeSet<SafeText>) -> bool {
        needed.roles.is_empty() || !needed.roles.is_disjoint(roles)
    }

    /// How many more have to agree for each demand, by the roles that people have now; empty where all are met.
    pub fn missing(&self, roles: &Roles) -> Vec<(Needed, u32)> {
        let approved = || self.reviews.iter().filter(|review| review.answer == Answer::Approve);
        if approved().any(|review| review.solo) {
            return Vec::new();
        }
        let left = self.needed.iter().map(|needed| {
            let who: BTreeSet<String> = approved()
                .filter(|review| Self::counts(needed, &roles.of(&review.by)))
                .map(|review| plain(&review.by))
                .collect();
            (needed.clone(), needed.approve.saturating_sub(u32::try_from(who.len()).unwrap_or(u32::MAX)))
        });
        left.filter(|(_, left)| *left > 0).collect()
    }

    /// What is missing, in words; `None` where nothing is.
    pub fn missing_words(&self, roles: &Roles) -> Option<String> {
        let missing = self.missing(roles);
        let mut words = String::new();
        for (needed, left) in &missing {
            let and = if words.is_empty() { "" } else { ", and " };
            let left = Needed { approve: *left, roles: needed.roles.clone() };
            // Writing to a text does not fail.
            let _ = write!(words, "{and}{left}");
        }
        (!missing.is_empty()).then_some(words)
    }

    /// Why this reviewer can't say that of it now; `None` where they can. `requested_by` asked for it.
    pub fn refuses(
        &self,
        reviewer: &Reviewer<'_>,
        answer: Answer,
        requested_by: &str,
        now: Timestamp,
    ) -> Option<String> {
        match self.state {
            ApprovalState::Pending => {}
            ApprovalState::NotNeeded => return Some("it needs no approval".to_owned()),
            ApprovalState::Approved => return Some("it has been approved already".to_owned()),
            ApprovalState::Denied => return Some("it has been denied".to_owned()),
            ApprovalState::Expired => return Some("the time for it is over; ask for it anew".to_owned()),
            ApprovalState::Spent => return Some("its approval was used already".to_owned()),
            ApprovalState::Void => return Some("what it was for has changed; ask for it anew".to_owned()),
        }
        if !self.in_time(now) {
            return Some("the time for it is over; ask for it anew".to_owned());
        }
        if reviewer.name.trim().is_empty() {
            return Some("nobody knows who you are: set operator in the config, or QUARTERDECK_OPERATOR".to_owned());
        }
        if is_automation(reviewer.name) {
            return Some("no automation approves or denies: that is for a person to do".to_owned());
        }
        if same_person(reviewer.name, requested_by) && !(reviewer.solo && answer == Answer::Approve) {
            return Some(match answer {
                Answer::Approve => "no one approves their own request".to_owned(),
                Answer::Deny => "it is your own request: abort takes it back".to_owned(),
            });
        }
        if self.reviews.iter().any(|review| same_person(&review.by, reviewer.name)) {
            return Some("you have said already what you think of it".to_owned());
        }
        let own = reviewer.roles.of(reviewer.name);
        if answer == Answer::Approve
            && !reviewer.solo
            && !self.missing(reviewer.roles).iter().any(|(needed, _)| Self::counts(needed, &own))
        {
            let asked = self.missing_words(reviewer.roles).unwrap_or_default();
            return Some(format!("your word does not count for it: it needs {asked}"));
        }
        None
    }

    /// Notes what a reviewer said who is not refused, and how it stands then.
    pub fn say(&mut self, review: Review, roles: &Roles) {
        let now = review.at;
        self.reviews.push(review);
        let denials = self.reviews.iter().filter(|review| review.answer == Answer::Deny).count();
        if denials >= DENIALS {
            self.state = ApprovalState::Denied;
        } else if self.missing(roles).is_empty() {
            self.state = ApprovalState::Approved;
            self.expires_at = now.saturating_add(TO_START).unwrap_or(now);
        }
    }

    /// Notes that its time is over, where it is.
    pub fn age(&mut self, now: Timestamp) {
        let open = matches!(self.state, ApprovalState::Pending | ApprovalState::Approved | ApprovalState::NotNeeded);
        if open && !self.in_time(now) {
            self.state = ApprovalState::Expired;
        }
    }

    /// Why nothing may be started by it; `None` where it may. Roles that were lost since do not count.
    pub fn withholds(&self, roles: &Roles, now: Timestamp) -> Option<String> {
        match self.state {
            ApprovalState::Approved | ApprovalState::NotNeeded if !self.in_time(now) => {
                Some("it was not started in time; ask for it anew".to_owned())
            }
            ApprovalState::NotNeeded => None,
            ApprovalState::Approved => self
                .missing_words(roles)
                .map(|missing| format!("somebody who approved it has not got the role any more: it needs {missing}")),
            ApprovalState::Pending => {
                let missing = self.missing_words(roles).unwrap_or_else(|| "an approval".to_owned());
                Some(format!("it waits for approval: {missing}"))
            }
            ApprovalState::Denied => Some("it was denied".to_owned()),
            ApprovalState::Expired => Some("its time is over; ask for it anew".to_owned()),
            ApprovalState::Spent => Some("its approval was used already".to_owned()),
            ApprovalState::Void => Some("what it was for has changed; ask for it anew".to_owned()),
        }
    }
}
