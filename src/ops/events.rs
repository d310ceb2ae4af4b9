//! What is asked of events, and what is answered.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::event::{DeadLetter, Event};
use crate::domain::text::SafeText;
use crate::query::EventFilter;

/// A question for events.
#[derive(Debug, Clone, PartialEq)]
pub struct EventsQuery {
    /// Which ones.
    pub filter: EventFilter,
    /// Up to which one, by its number: later ones are counted and not told, so that nothing moves under who reads.
    pub until: Option<u64>,
    /// From which row on; the newest is the first.
    pub offset: usize,
    /// How many rows at most.
    pub limit: usize,
}

/// An event as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its number, in the order in which they came.
    pub number: u64,
    /// What was told first.
    pub event: Arc<Event>,
    /// When it came, by the local clock.
    pub received_at: Timestamp,
    /// How often the same was told, one time included, with less than the quiet time between two.
    pub times: u32,
    /// When it was told last, by the clock of its origin.
    pub last_at: Timestamp,
    /// How often the same had been told before and had been quiet since: it is open again.
    pub again: u32,
    /// Whether its time was ahead of the local clock when it came.
    pub ahead: bool,
}

/// How far what a source tells is behind what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestLag {
    /// The source.
    pub source: SafeText,
    /// From when its last events happened to when they came: the median of the last hundred.
    pub median: SignedDuration,
    /// The longest of those.
    pub longest: SignedDuration,
    /// When its last one came, by the local clock.
    pub last_at: Timestamp,
}

/// Numbers of an origin's sequence that have not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventGap {
    /// The origin.
    pub origin: SafeText,
    /// The first number that is missing.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// When it was noticed, by the local clock.
    pub noticed_at: Timestamp,
}

/// A window on the events: the newest ones first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWindow {
    /// When it was put together, by the local clock.
    pub at: Timestamp,
    /// The events in it.
    pub rows: Vec<EventRow>,
    /// The index of the first one among all that match.
    pub offset: usize,
    /// How many match, later ones than were asked for left out.
    pub total: usize,
    /// How many that match came later than was asked for.
    pub newer: usize,
    /// How many are held, whatever the filter.
    pub held: usize,
    /// The number of the newest one; 0 where there is none.
    pub newest: u64,
    /// How many came once more than once, and were not taken again.
    pub repeated: u64,
    /// How many were let go to make room.
    pub let_go: u64,
    /// What is missing, the latest first; of very many the latest ones.
    pub gaps: Vec<EventGap>,
    /// How many sequence numbers are missing in all.
    pub missing: u64,
    /// How far each source is behind.
    pub lags: Vec<IngestLag>,
    /// What came and is no event, the newest first.
    pub dead: Vec<DeadLetter>,
    /// How many of those came, those that are kept no more among them.
    pub dead_in_all: u64,
    /// The sources that tell of events and are not live, each with why.
    pub blind: Vec<(SafeText, SafeText)>,
    /// How many sources tell of events at all.
    pub sources: usize,
}
