//! What lies over a screen, each with its own state.

use jiff::Timestamp;

use super::review::Review;
use crate::cockpit::claims::ClaimMenu;
use crate::cockpit::log::LogLook;
use crate::cockpit::many::WidePopup;
use crate::cockpit::menus::Menu;
use crate::cockpit::records::RearmForm;
use crate::cockpit::remote::Remote;
use crate::cockpit::update::arming::ArmForm;
use crate::cockpit::update::contexts::ContextList;
use crate::cockpit::update::deciding::DecisionForm;
use crate::cockpit::views::View;
use crate::domain::cohort::Cohort;
use crate::domain::ids::InstanceId;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::ops::{CohortSuspects, FlowAnswer, FlowCount, OpsError};

/// What changed before a cohort got stuck, as it is looked at.
#[derive(Debug, Clone)]
pub struct SuspectsLook {
    /// The cohort, as it was when it was opened.
    pub cohort: Cohort,
    /// What came of looking.
    pub answer: Remote<CohortSuspects>,
    /// Lines scrolled.
    pub scroll: usize,
}

/// What lies over the screen.
#[derive(Debug, Clone)]
pub enum Popup {
    /// The log.
    Log(LogLook),
    /// The help.
    Help {
        /// Lines scrolled.
        scroll: usize,
        /// What is looked for in it.
        find: String,
        /// Whether that is being typed.
        typing: bool,
    },
    /// The verbs of an instance.
    Verbs {
        /// Of whom.
        target: InstanceId,
        /// What is known of it.
        answer: Remote<Box<FlowAnswer>>,
        /// The index of the verb under the cursor.
        index: usize,
    },
    /// A plan is being made.
    Planning {
        /// Of what.
        verb: Verb,
        /// For whom.
        target: InstanceId,
        /// Why it could not be made.
        error: Option<OpsError>,
        /// Since when.
        since: Timestamp,
    },
    /// A plan is being reviewed.
    Review(Box<Review>),
    /// An act is being followed.
    Progress {
        /// Which one.
        id: SafeText,
        /// Lines scrolled.
        scroll: usize,
    },
    /// One source, with its error in full.
    Source {
        /// Its name.
        name: SafeText,
        /// Lines scrolled.
        scroll: usize,
    },
    /// What changed before a cohort got stuck.
    Suspects(Box<SuspectsLook>),
    /// A remediation of many, or the way to one.
    Wide(Box<WidePopup>),
    /// Another context is being chosen.
    Contexts(Box<ContextList>),
    /// A production context is about to be armed.
    Arm(Box<ArmForm>),
    /// Something is about to be noted as armed again.
    Rearm(Box<RearmForm>),
    /// A finding of drift is about to be left alone.
    Decide(Box<DecisionForm>),
    /// A cohort is being claimed.
    Claim(Box<ClaimMenu>),
    /// A choice for the list.
    Menu {
        /// Which one.
        menu: Menu,
        /// The index of the entry under the cursor.
        index: usize,
    },
    /// The saved views.
    Views {
        /// Which there are.
        views: Vec<View>,
        /// The index of the view under the cursor.
        index: usize,
        /// How many instances each has.
        counts: Remote<Vec<FlowCount>>,
    },
    /// The themes to choose from.
    Themes {
        /// The index of the one under the cursor, in which the screen is drawn meanwhile.
        index: usize,
    },
    /// The engine's own page of an instance is to be opened.
    Page {
        /// Of whom.
        id: InstanceId,
        /// Where.
        url: SafeText,
        /// The button with the focus: open, copy, close.
        button: usize,
    },
    /// Acts run, and the operator asked to quit.
    Quit {
        /// Whether the button that quits has the focus.
        leave: bool,
    },
}

/// What the ways to an instance are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaysFor {
    /// To copy the request by which it is read.
    Curl,
    /// To open its page.
    Open,
}
