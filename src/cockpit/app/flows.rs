//! The list's state: its filter and its order, the window on it, the cursor and the marks.

use std::sync::Arc;

use jiff::Timestamp;

use crate::cockpit::marks::Marks;
use crate::cockpit::remote::Remote;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::ops::{FlowWindow, GroupBy, GroupKey, Grouping, SortBy};
use crate::query::{Filter, FilterError};

/// The flows screen's state.
#[derive(Debug, Clone)]
pub struct FlowsState {
    /// The filter in force, as it was typed.
    pub text: String,
    /// The filter in force.
    pub filter: Filter,
    /// What is wrong with the text that is being typed.
    pub error: Option<FilterError>,
    /// The order.
    pub sort: SortBy,
    /// Whether it is turned round.
    pub reverse: bool,
    /// How the rows are grouped.
    pub group: Option<Grouping>,
    /// The order, the turn and the groups that rows were last asked for with.
    pub asked_order: (SortBy, bool, Option<GroupBy>),
    /// The rows that are held.
    pub window: Remote<FlowWindow>,
    /// Whether the window belongs to an older filter or order.
    pub outdated: bool,
    /// Who is under the cursor; `None` until the row there is known, and on the head of a group.
    pub selected: Option<InstanceId>,
    /// The group whose head is under the cursor.
    pub head: Option<GroupKey>,
    /// What is known of it.
    pub row: Option<Arc<JudgedFlow>>,
    /// Whether it is no longer among the rows.
    pub gone: bool,
    /// When that was seen.
    pub gone_at: Option<Timestamp>,
    /// The cursor's index among all rows that match.
    pub cursor: usize,
    /// The index of the topmost row on screen.
    pub top: usize,
    /// What that was when rows were last asked for.
    pub asked_top: usize,
    /// What is marked.
    pub marks: Option<Marks>,
}

impl FlowsState {
    /// A list that has not been asked for, with a filter; one that can't be read is not in force, and told.
    pub fn new(text: String) -> Self {
        let (text, filter, error) = match Filter::parse(&text) {
            Ok(filter) => (text, filter, None),
            Err(error) => (String::new(), Filter::default(), Some(error)),
        };
        Self {
            text,
            filter,
            error,
            sort: SortBy::default(),
            reverse: false,
            group: None,
            asked_order: (SortBy::default(), false, None),
            window: Remote::Never,
            outdated: false,
            selected: None,
            head: None,
            row: None,
            gone: false,
            gone_at: None,
            cursor: 0,
            top: 0,
            asked_top: 0,
            marks: None,
        }
    }
}
