//! A plan of many under review: its reason, its ticket, what has to be typed, and what is in the way of it.

use std::sync::Arc;

use jiff::Timestamp;
use tui_input::Input;

use super::{Whom, confirmation, confirms};
use crate::cockpit::app::REASON_MIN;
use crate::domain::plan::WidePlan;
use crate::domain::text::SafeText;
use crate::domain::wide::WideRemediation;
use crate::ops::{OpsError, RequestOf, is_reason};

/// A field or a button of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WideReviewPart {
    /// Why.
    Reason,
    /// The ticket, where there is one.
    Ticket,
    /// What has to be typed.
    Confirm,
    /// Ask for nothing.
    Cancel,
    /// Ask for it.
    Request,
}

/// How far a review has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Being read and filled in.
    Open,
    /// Sent; nothing more can be sent from here.
    Sent,
    /// Refused.
    Refused(OpsError),
    /// Recorded: what it is now.
    Requested(Arc<WideRemediation>),
}

/// A plan of many under review.
#[derive(Debug, Clone)]
pub struct WideReview {
    /// What would be done.
    pub plan: Arc<WidePlan>,
    /// To whom, as they were chosen.
    pub whom: Whom,
    /// The remediation that it takes back.
    pub takes_back: Option<SafeText>,
    /// Why.
    pub reason: Input,
    /// The ticket.
    pub ticket: Input,
    /// What has to be typed, as far as it was.
    pub confirm: Input,
    /// Where the focus is.
    pub focus: WideReviewPart,
    /// How far it has come.
    pub step: Step,
    /// Lines scrolled.
    pub scroll: usize,
}

impl WideReview {
    /// One that nothing was typed into but perhaps the reason.
    pub fn new(plan: WidePlan, whom: Whom, takes_back: Option<SafeText>, reason: String) -> Self {
        Self {
            plan: Arc::new(plan),
            whom,
            takes_back,
            reason: Input::new(reason),
            ticket: Input::default(),
            confirm: Input::default(),
            focus: WideReviewPart::Reason,
            step: Step::Open,
            scroll: 0,
        }
    }

    /// The fields and buttons in their order.
    pub fn parts(&self) -> Vec<WideReviewPart> {
        use WideReviewPart::{Cancel, Confirm, Reason, Request, Ticket};
        let confirm = confirmation(&self.plan).is_some().then_some(Confirm);
        [Reason, Ticket].into_iter().chain(confirm).chain([Cancel, Request]).collect()
    }

    /// The field with the focus.
    pub fn field(&mut self) -> Option<&mut Input> {
        match self.focus {
            WideReviewPart::Reason => Some(&mut self.reason),
            WideReviewPart::Ticket => Some(&mut self.ticket),
            WideReviewPart::Confirm => Some(&mut self.confirm),
            WideReviewPart::Cancel | WideReviewPart::Request => None,
        }
    }

    /// What is in the way of asking for it. `verbs` is the key that opens the menu of verbs.
    pub fn obstacle(&self, now: Timestamp, verbs: &str) -> Option<String> {
        if now >= self.plan.expires_at {
            return Some(format!("this plan has expired; Esc, then {verbs} plans anew"));
        }
        if let Some(why) = self.plan.policy.denial() {
            return Some(why);
        }
        if !is_reason(self.reason.value()) {
            return Some(format!("a reason of at least {REASON_MIN} characters comes first"));
        }
        let wanted = confirmation(&self.plan)?;
        (!confirms(self.confirm.value(), &wanted)).then(|| format!("type what is asked for: {wanted}"))
    }

    /// What is asked for.
    pub fn request(&self) -> RequestOf {
        let ticket = self.ticket.value().trim();
        RequestOf {
            plan_hash: self.plan.hash.clone(),
            reason: self.reason.value().trim().into(),
            ticket: (!ticket.is_empty()).then(|| ticket.into()),
            takes_back: self.takes_back.clone(),
            break_glass: None,
        }
    }
}
