//! An approval or a denial that is being written: it is about the very plan that was on screen when it was begun.

use std::sync::Arc;

use jiff::Timestamp;
use tui_input::Input;

use super::{code, confirms};
use crate::cockpit::app::REASON_MIN;
use crate::domain::approval::{Answer, same_person};
use crate::domain::wide::{WideRemediation, WideState};
use crate::ops::{OpsError, ReviewOf, is_reason};

/// A field or a button of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerPart {
    /// Why.
    Comment,
    /// The plan's code, which a lone operator types.
    Code,
    /// Say nothing.
    Cancel,
    /// Say it.
    Do,
}

/// An approval or a denial that is being written.
#[derive(Debug, Clone)]
pub struct AnswerForm {
    /// The remediation as it was on screen.
    pub head: Arc<WideRemediation>,
    /// What is said.
    pub answer: Answer,
    /// Why.
    pub comment: Input,
    /// The plan's code, where a lone operator approves their own request.
    pub code: Option<Input>,
    /// Where the focus is.
    pub focus: AnswerPart,
    /// Whether it was sent; nothing more can be sent from here then.
    pub sent: bool,
    /// Why it was not recorded.
    pub error: Option<OpsError>,
    /// Lines scrolled.
    pub scroll: usize,
}

impl AnswerForm {
    /// An empty one.
    pub fn new(head: Arc<WideRemediation>, answer: Answer, operator: &str) -> Self {
        let own = answer == Answer::Approve && same_person(&head.requested_by, operator);
        Self {
            head,
            answer,
            comment: Input::default(),
            code: own.then(Input::default),
            focus: AnswerPart::Comment,
            sent: false,
            error: None,
            scroll: 0,
        }
    }

    /// The fields and buttons in their order.
    pub fn parts(&self) -> Vec<AnswerPart> {
        let code = self.code.is_some().then_some(AnswerPart::Code);
        [AnswerPart::Comment].into_iter().chain(code).chain([AnswerPart::Cancel, AnswerPart::Do]).collect()
    }

    /// What is in the way of it. `known` is what is known of the remediation now.
    pub fn obstacle(&self, known: Option<&WideRemediation>, now: Timestamp) -> Option<String> {
        let state = known.map_or(self.head.state, |known| known.state);
        if state != WideState::AwaitingApproval {
            return Some(format!("{} now; there is nothing to say any more", state.told()));
        }
        if known.is_some_and(|known| known.plan.hash != self.head.plan.hash) {
            return Some("its plan is another one now; Esc, and look at it anew".to_owned());
        }
        if !self.head.approval.in_time(now) {
            return Some("the time for it is over; it has to be asked for anew".to_owned());
        }
        if !is_reason(self.comment.value()) {
            return Some(format!("a comment of at least {REASON_MIN} characters comes first"));
        }
        let wanted = code(&self.head.plan);
        let typed = self.code.as_ref().is_none_or(|code| confirms(code.value(), &wanted));
        (!typed).then(|| format!("it is your own request: type its code: {wanted}"))
    }

    /// What is sent: the hash is the one that was on screen.
    pub fn review(&self) -> ReviewOf {
        ReviewOf {
            id: self.head.id.clone(),
            plan_hash: self.head.plan.hash.clone(),
            answer: self.answer,
            comment: self.comment.value().trim().into(),
            code: self.code.as_ref().map(|code| code.value().trim().into()),
        }
    }
}
