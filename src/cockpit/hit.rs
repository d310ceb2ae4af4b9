//! What lies under the pointer. The same drawing that fills the screen says what each part of it is, so that a click
//! never finds anything else than what is seen.

use super::app::{Focus, Pane};
use super::claims::ClaimPart;
use super::command::CommandId;
use crate::ops::SortBy;

/// A list or a text that the wheel moves and whose rows can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One of the board's lists.
    Board(Pane),
    /// The flows.
    Flows,
    /// A text that fills the screen.
    Text,
    /// The sources.
    Sources,
    /// The remediations.
    Remediations,
    /// What has drifted.
    Drift,
    /// The tenants.
    Tenants,
    /// Flows and findings of the open tenant.
    TenantCard,
    /// What happened to them.
    Timeline,
    /// What has happened.
    Events,
    /// How long steps take.
    Latency,
    /// What the command line offers.
    Offers,
    /// The popup's list or text.
    Popup,
}

/// What a part of the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// Does what a key does.
    Command(CommandId),
    /// A row of a list, by its index among all rows.
    Row(Place, usize),
    /// Somewhere in a list or a text.
    Area(Place),
    /// The heading of a column.
    Sort(SortBy),
    /// A field or a button of a review. It gets the focus and is not pressed.
    Review(Focus),
    /// A button of the question before quitting: whether it quits. It gets the focus and is not pressed.
    Leave(bool),
    /// A button of the popup, by its index from the left. It gets the focus and is not pressed.
    Button(usize),
    /// A part of the claim menu. It is chosen or gets the focus, and nothing is recorded.
    Claim(ClaimPart),
    /// The sign before the head of a group, by the index of its line: opens the group, or closes it.
    Fold(usize),
    /// Closes the popup, as Esc does.
    Close,
    /// Nothing, and nothing of what lies beneath.
    Nothing,
}
