//! The list of the Remediation screen: what waits for somebody first, then what goes on, then what was.

use std::sync::Arc;

use crate::cockpit::app::App;
use crate::cockpit::remote::Remote;
use crate::domain::remediation::Remediation;
use crate::domain::text::SafeText;
use crate::domain::wide::{WideDetail, WideRemediation, WideState};

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Row<'a> {
    /// A remediation of many.
    Wide(&'a Arc<WideRemediation>),
    /// One act on one instance.
    Single(&'a Remediation),
}

impl<'a> Row<'a> {
    /// Its id.
    pub fn id(self) -> &'a SafeText {
        match self {
            Self::Wide(head) => &head.id,
            Self::Single(act) => &act.id,
        }
    }

    /// The remediation of many, where it is one.
    pub fn wide(self) -> Option<&'a Arc<WideRemediation>> {
        match self {
            Self::Wide(head) => Some(head),
            Self::Single(_) => None,
        }
    }

    /// What comes first: what waits for approval, then what has not ended, then the rest.
    fn rank(self) -> u8 {
        match self {
            Self::Wide(head) if head.state == WideState::AwaitingApproval => 0,
            Self::Wide(head) if !head.state.ended() => 1,
            Self::Single(act) if !act.ended => 1,
            Self::Wide(_) | Self::Single(_) => 2,
        }
    }

    fn at(self) -> jiff::Timestamp {
        match self {
            Self::Wide(head) => head.requested_at,
            Self::Single(act) => act.requested_at,
        }
    }
}

/// Every line in its order.
pub fn rows(app: &App) -> Vec<Row<'_>> {
    let wides = app.remediations.list.value().into_iter().flat_map(|list| list.iter()).map(Row::Wide);
    let acts = app.acts.value().into_iter().flatten().map(Row::Single);
    let mut rows: Vec<Row<'_>> = wides.chain(acts).collect();
    rows.sort_by(|one, other| one.rank().cmp(&other.rank()).then_with(|| other.at().cmp(&one.at())));
    rows
}

/// A part of one remediation in full, which Tab goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What, why, for whom, who agreed, how far.
    About,
    /// Each item.
    Items,
    /// What happened.
    History,
}

/// One remediation with its items.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Which one.
    pub id: SafeText,
    /// What is known of it.
    pub answer: Remote<Arc<WideDetail>>,
    /// When it was asked for last.
    pub asked_at: jiff::Timestamp,
}

/// The Remediation screen's state.
#[derive(Debug, Clone)]
pub struct RemediationsState {
    /// The remediations of many.
    pub list: Remote<Arc<Vec<Arc<WideRemediation>>>>,
    /// What is under the cursor.
    pub selected: Option<SafeText>,
    /// Its place in the list.
    pub index: usize,
    /// The one that is shown in full.
    pub open: Option<SafeText>,
    /// The one whose items were asked for last.
    pub detail: Option<Detail>,
    /// Lines scrolled of the one that is shown in full.
    pub scroll: usize,
    /// Whether a request of this cockpit has not been answered yet.
    pub requesting: bool,
    /// Whether an approval or a denial has not been answered yet.
    pub reviewing: bool,
}

impl Default for RemediationsState {
    fn default() -> Self {
        Self {
            list: Remote::Never,
            selected: None,
            index: 0,
            open: None,
            detail: None,
            scroll: 0,
            requesting: false,
            reviewing: false,
        }
    }
}

impl RemediationsState {
    /// A remediation of many by its id.
    pub fn get(&self, id: &str) -> Option<&Arc<WideRemediation>> {
        self.list.value()?.iter().find(|head| head.id == *id)
    }

    /// Every remediation of many that is known.
    pub fn all(&self) -> impl Iterator<Item = &Arc<WideRemediation>> {
        self.list.value().into_iter().flat_map(|list| list.iter())
    }

    /// Those that stand so.
    pub fn in_state(&self, is: impl Fn(WideState) -> bool) -> impl Iterator<Item = &Arc<WideRemediation>> {
        self.all().filter(move |head| is(head.state))
    }

    /// What is known of one with its items.
    pub fn detail_of(&self, id: &str) -> Option<&Arc<WideDetail>> {
        self.detail.as_ref().filter(|detail| detail.id == *id)?.answer.value()
    }
}
