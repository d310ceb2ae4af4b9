//! The board's state.

use jiff::{SignedDuration, Timestamp};

use crate::domain::cohort::Cohort;
use crate::domain::text::SafeText;

/// For how long after the cursor moved the board keeps its order.
pub const FREEZE: SignedDuration = SignedDuration::from_secs(3);

/// The board's two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The cohorts.
    Cohorts,
    /// The flows and their steps.
    Strip,
}

/// The board's state.
#[derive(Debug, Clone)]
pub struct BoardState {
    /// The cohorts in the order in which they are shown.
    pub shown: Vec<Cohort>,
    /// The id of the cohort under the cursor.
    pub cohort: Option<SafeText>,
    /// Where the cursor is.
    pub index: usize,
    /// Whether the cohort under the cursor is no longer there.
    pub gone: bool,
    /// Cohorts that came while the order was frozen.
    pub new: usize,
    /// Cohorts that somebody put aside, and that are not shown for that.
    pub folded: usize,
    /// When the cursor moved last.
    pub moved_at: Option<Timestamp>,
    /// Whether the operator moved, or every source has been heard: before that the cursor keeps to the top.
    pub settled: bool,
    /// Which list has the focus.
    pub pane: Pane,
    /// The source and the flow under the strip's cursor. `None` until the operator moves there: then it is at the top.
    pub flow: Option<(SafeText, SafeText)>,
    /// Whether flows with nothing stuck are shown too, and cohorts that somebody put aside.
    pub show_all: bool,
}

impl Default for BoardState {
    fn default() -> Self {
        Self {
            shown: Vec::new(),
            cohort: None,
            index: 0,
            gone: false,
            new: 0,
            folded: 0,
            moved_at: None,
            settled: false,
            pane: Pane::Cohorts,
            flow: None,
            show_all: false,
        }
    }
}
