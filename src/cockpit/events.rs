//! What has happened, as the cockpit holds it: the stream, where one stands in it, and the event that is open.

use std::sync::Arc;

use jiff::Timestamp;

use super::part;
use super::remote::Remote;
use crate::domain::text::SafeText;
use crate::ops::{EventRow, EventWindow, EventsQuery};
use crate::query::{EventFilter, FilterError};

/// The state of the two screens.
#[derive(Debug, Clone)]
pub struct EventsState {
    /// The filter as it was typed.
    pub text: String,
    /// The same, read.
    pub filter: EventFilter,
    /// What is wrong with what is typed.
    pub error: Option<FilterError>,
    /// The events.
    pub window: Remote<Arc<EventWindow>>,
    /// When they were asked for last.
    pub asked_at: Option<Timestamp>,
    /// Up to which number they are shown, while somebody reads further down: nothing moves then.
    pub until: Option<u64>,
    /// The number of the event under the cursor.
    pub selected: Option<u64>,
    /// Its row, among all.
    pub index: usize,
    /// The event that is open.
    pub open: Option<EventRow>,
    /// Which of what is related to it is under the cursor.
    pub related: usize,
    /// How far it is scrolled.
    pub scroll: usize,
}

impl Default for EventsState {
    fn default() -> Self {
        Self {
            text: String::new(),
            filter: EventFilter::default(),
            error: None,
            window: Remote::Never,
            asked_at: None,
            until: None,
            selected: None,
            index: 0,
            open: None,
            related: 0,
            scroll: 0,
        }
    }
}

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Related {
    /// Its tenant, by name.
    Tenant(SafeText),
    /// Flow instances, by a filter.
    Flows(String),
    /// Other events, by a filter: what they have in common, in words.
    Events(&'static str, String),
}

impl EventsState {
    /// What to ask for.
    pub fn query(&self) -> EventsQuery {
        EventsQuery {
            filter: self.filter.clone(),
            until: self.until,
            offset: part::offset(self.index),
            limit: part::HELD,
        }
    }

    /// How many match.
    pub fn total(&self) -> usize {
        self.window.value().map_or(0, |window| window.total)
    }

    /// A row by its index among all, as far as it is held.
    pub fn at(&self, index: usize) -> Option<&EventRow> {
        let window = self.window.value()?;
        window.rows.get(index.checked_sub(window.offset)?)
    }

    /// Puts the cursor on a row. At the top the stream is followed, further down it stands still. Gives whether other
    /// rows have to be asked for.
    pub fn select(&mut self, index: usize) -> bool {
        let before = self.until;
        self.index = index.min(self.total().saturating_sub(1));
        self.until = match self.index {
            0 => None,
            _ => self.until.or_else(|| self.window.value().map(|window| window.newest)),
        };
        self.selected = self.at(self.index).map(|row| row.number);
        self.until != before || self.window.value().is_some_and(|window| window.offset != part::offset(self.index))
    }

    /// Finds the event under the cursor again.
    pub fn settle(&mut self) {
        let Some(window) = self.window.value() else { return };
        let place = |number: u64| window.rows.iter().position(|row| row.number == number);
        // At the top one follows what comes.
        let at = self.selected.filter(|_| self.until.is_some()).and_then(place);
        self.index = at.map_or(self.index, |at| at + window.offset).min(window.total.saturating_sub(1));
        self.selected = self.at(self.index).map(|row| row.number);
    }
}

/// What an event leads to, in the order in which it is listed.
pub(super) fn related(row: &EventRow) -> Vec<Related> {
    let event = &row.event;
    let quoted = |value: &SafeText| format!("\"{}\"", value.replace('"', ""));
    let mut all: Vec<Related> = event.tenant.iter().cloned().map(Related::Tenant).collect();
    let named = |name: &str| event.scope.iter().find(|(known, _)| *known == *name).map(|(_, value)| quoted(value));
    let flows: Vec<String> =
        ["flow", "step"].into_iter().filter_map(|name| Some(format!("{name}:{}", named(name)?))).collect();
    if !flows.is_empty() {
        all.push(Related::Flows(flows.join(" ")));
    }
    if let Some(correlation) = &event.correlation {
        all.push(Related::Events("belongs together with", format!("correlation:{}", quoted(correlation))));
    }
    if let Some(causation) = &event.causation {
        all.push(Related::Events("was caused by", format!("id:{}", quoted(causation))));
    }
    all.push(Related::Events("may have caused", format!("causation:{}", quoted(&event.id))));
    all
}
