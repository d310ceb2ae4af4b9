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
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    /// What is of late, put in order.
    recent: Vec<Row<'a>>,
    /// What was before, as it was read: of a long history nothing is touched but what is looked at.
    older: &'a [Arc<WideRemediation>],
}

impl<'a> Rows<'a> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.recent.len() + self.older.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    pub fn get(&self, index: usize) -> Option<Row<'a>> {
        let older = || self.older.get(index.checked_sub(self.recent.len())?).map(Row::Wide);
        self.recent.get(index).copied().or_else(older)
    }

    /// Where one is.
    pub fn position(&self, id: &SafeText) -> Option<usize> {
        let recent = self.recent.iter().position(|row| row.id() == id);
        let older = || self.older.iter().position(|head| head.id == *id).map(|at| self.recent.len() + at);
        recent.or_else(older)
    }
}

/// Every line in its order.
pub fn rows(app: &App) -> Rows<'_> {
    let wides = app.remediations.list.value().into_iter().flat_map(|list| list.iter()).map(Row::Wide);
    let acts = app.acts.value().into_iter().flatten().map(Row::Single);
    let mut recent: Vec<Row<'_>> = wides.chain(acts).collect();
    recent.sort_by(|one, other| one.rank().cmp(&other.rank()).then_with(|| other.at().cmp(&one.at())));
    Rows { recent, older: &app.remediations.older.rows }
}

/// Remediations that ended longer ago than those in the list: read when somebody comes to the list's end.
#[derive(Debug, Clone, Default)]
pub struct Older {
    /// The newest first.
    pub rows: Vec<Arc<WideRemediation>>,
    /// Whether there are no others before them.
    pub whole: bool,
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
    /// Those that ended before the ones in the list.
    pub older: Older,
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
            older: Older::default(),
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
        self.all().chain(&self.older.rows).find(|head| head.id == *id)
    }

    /// Every remediation of many in the list.
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
