//! Remediations of many, as the cockpit holds them: which there are, what may be asked of one, and the way from a
//! choice of instances to a request. Nothing here draws, and nothing here changes anything.

mod answer;
mod confirm;
mod deeds;
mod list;
mod offers;
mod parameters;
mod picker;
mod review;
mod whom;
pub(super) mod words;

pub use answer::{AnswerForm, AnswerPart};
pub use confirm::{code, confirmation, confirms};
pub use deeds::{Deed, DeedEntry, deeds};
pub use list::{Detail, Older, Part, RemediationsState, Row, rows};
pub use offers::{Choice, ON_ANOTHER, ON_ANOTHER_DOES, Offer, offers, on_another, verb_wish};
pub use parameters::{ParametersForm, ParametersPart, wish as runbook_wish};
pub use picker::Picker;
pub use review::{Step, WideReview, WideReviewPart};
pub use whom::Whom;

use jiff::Timestamp;

use crate::cockpit::remote::Remote;
use crate::domain::plan::WidePlan;
use crate::domain::runbook::RunbookOffer;
use crate::domain::text::SafeText;
use crate::domain::wide::Control;
use crate::ops::{OpsError, PlanWish};

/// Of what a plan is being made.
#[derive(Debug, Clone)]
pub enum Planned {
    /// A verb on those that were chosen.
    Wish(Box<PlanWish>),
    /// What takes a remediation back.
    Rollback(SafeText),
}

impl Planned {
    /// Whether a plan is one of this.
    pub fn is(&self, plan: &WidePlan) -> bool {
        match self {
            Self::Wish(wish) => plan.frozen.remedy.is_of(&wish.remedy) && plan.frozen.waves == wish.waves,
            // Nobody but the hub knows what takes one back.
            Self::Rollback(_) => true,
        }
    }

    /// The remediation that the plan takes back.
    pub fn takes_back(&self) -> Option<&SafeText> {
        match self {
            Self::Wish(_) => None,
            Self::Rollback(id) => Some(id),
        }
    }
}

/// The menu of what may be done to all that were chosen.
#[derive(Debug, Clone)]
pub struct OffersMenu {
    /// To whom.
    pub whom: Whom,
    /// The runbooks that there are, those first that are suggested.
    pub runbooks: Remote<Vec<RunbookOffer>>,
    /// Whether those are listed, too, that are not suggested.
    pub others: bool,
    /// The index of the entry under the cursor.
    pub index: usize,
}

impl OffersMenu {
    /// The runbooks, as far as they are known.
    pub fn runbooks(&self) -> &[RunbookOffer] {
        self.runbooks.value().map(Vec::as_slice).unwrap_or_default()
    }
}

/// What lies over the screen on the way to a remediation of many, and beside one.
#[derive(Debug, Clone)]
pub enum WidePopup {
    /// What may be done to all that were chosen.
    Offers(OffersMenu),
    /// The parameters of a runbook are being filled in.
    Parameters(Box<ParametersForm>),
    /// A deployment is being chosen, to resume them on.
    Deployments(Box<Picker>),
    /// A plan is being made.
    Planning {
        /// Of what.
        of: Planned,
        /// For whom.
        whom: Whom,
        /// The reason that was typed already.
        reason: String,
        /// Why it could not be made.
        error: Option<OpsError>,
        /// Since when.
        since: Timestamp,
    },
    /// A plan is being reviewed.
    Review(Box<WideReview>),
    /// What may be asked of a remediation.
    Deeds {
        /// Of which one.
        id: SafeText,
        /// The index of the entry under the cursor.
        index: usize,
    },
    /// Somebody is about to start, resume or end a remediation.
    Sure {
        /// Which one.
        id: SafeText,
        /// What.
        control: Control,
        /// Whether the button that does it has the focus.
        yes: bool,
    },
    /// Somebody is about to approve or deny one.
    Answer(Box<AnswerForm>),
}
