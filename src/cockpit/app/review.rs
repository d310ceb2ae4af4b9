//! A plan under review: its reason, where the focus is, and what is in the way of it.

use jiff::Timestamp;
use tui_input::Input;

use crate::domain::flow::Version;
use crate::domain::remediation::Plan;
use crate::ops::{OpsError, REASON_LEAST, is_reason};

/// The fewest characters, blanks aside, of a reason.
pub const REASON_MIN: usize = REASON_LEAST;

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
        } else if let Some(why) = self.plan.policy.denial() {
            Some(why)
        } else if !is_reason(self.reason.value()) {
            Some(format!("a reason of at least {REASON_MIN} characters comes first"))
        } else {
            None
        }
    }
}
