//! The tenants as the cockpit holds them: who was looked for, the one that is open, and what happened to them.

use std::sync::Arc;

use jiff::Timestamp;

use super::part;
use super::remote::Remote;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::ops::{
    Reference, TenantCard, TenantRow, TenantWindow, TenantsQuery, TimelinePlace, TimelineQuery, TimelineRow,
    TimelineWindow,
};

/// So many rows of a timeline are asked for at a time.
const ROWS: usize = 200;

/// A part of a tenant's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantPane {
    /// Who they are, their flows and their drift.
    Card,
    /// What happened.
    Timeline,
}

/// A personal field that was revealed, and until when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revealed {
    /// Of whom.
    pub tenant: InstanceId,
    /// Which.
    pub field: SafeText,
    /// Its value.
    pub value: SafeText,
    /// Until when it is shown.
    pub until: Timestamp,
}

/// The state of the two screens.
#[derive(Debug, Clone)]
pub struct TenantsState {
    /// What tenants are looked for by.
    pub text: String,
    /// The tenants.
    pub window: Remote<Arc<TenantWindow>>,
    /// What those that are held were looked for by.
    pub found_by: String,
    /// When they were asked for last.
    pub asked_at: Option<Timestamp>,
    /// The tenant under the cursor.
    pub selected: Option<InstanceId>,
    /// Its row, among all.
    pub index: usize,
    /// Whether the one that is found is to be opened as soon as it is.
    pub open_when_found: bool,
    /// The tenant that is open.
    pub open: Option<InstanceId>,
    /// Everything of it.
    pub card: Remote<Arc<TenantCard>>,
    /// What happened to it, the latest first, as far as it was asked for.
    pub rows: Vec<TimelineRow>,
    /// The last part of that.
    pub timeline: Remote<Arc<TimelineWindow>>,
    /// Which part has the keys.
    pub pane: TenantPane,
    /// The cursor in the card: which flow or finding.
    pub thing: usize,
    /// The row under the cursor in the timeline.
    pub place: Option<TimelinePlace>,
    /// Its index.
    pub row: usize,
    /// Whether only what customers may see is shown.
    pub customer: bool,
    /// What was revealed.
    pub revealed: Vec<Revealed>,
    /// Who is watched until nothing of theirs is stuck.
    pub watched: Vec<(InstanceId, SafeText)>,
    /// When those were asked for last.
    pub watched_at: Option<Timestamp>,
}

impl Default for TenantsState {
    fn default() -> Self {
        Self {
            text: String::new(),
            window: Remote::Never,
            found_by: String::new(),
            asked_at: None,
            selected: None,
            index: 0,
            open_when_found: false,
            open: None,
            card: Remote::Never,
            rows: Vec::new(),
            timeline: Remote::Never,
            pane: TenantPane::Card,
            thing: 0,
            place: None,
            row: 0,
            customer: false,
            revealed: Vec::new(),
            watched: Vec::new(),
            watched_at: None,
        }
    }
}

impl TenantsState {
    /// What to ask for.
    pub fn query(&self) -> TenantsQuery {
        TenantsQuery { text: self.text.as_str().into(), offset: part::offset(self.index), limit: part::HELD }
    }

    /// How many were found.
    pub fn total(&self) -> usize {
        self.window.value().map_or(0, |window| window.total)
    }

    /// A row by its index among all, as far as it is held.
    pub fn at(&self, index: usize) -> Option<&TenantRow> {
        let window = self.window.value()?;
        window.rows.get(index.checked_sub(window.offset)?)
    }

    /// The row under the cursor, where it is what was looked for.
    pub fn current(&self) -> Option<&TenantRow> {
        if self.found_by == self.text { self.at(self.index) } else { None }
    }

    /// Puts the cursor on a row. Gives whether other rows have to be asked for.
    pub fn select(&mut self, index: usize) -> bool {
        self.index = index.min(self.total().saturating_sub(1));
        self.selected = self.at(self.index).map(|row| row.tenant.id.clone());
        self.window.value().is_some_and(|window| window.offset != part::offset(self.index))
    }

    /// Finds the tenant under the cursor again, or the one that has its place now.
    pub fn settle(&mut self) {
        let Some(window) = self.window.value() else { return };
        let place = |id: &InstanceId| window.rows.iter().position(|row| row.tenant.id == *id);
        let index = self.selected.as_ref().and_then(place).map_or(self.index, |at| at + window.offset);
        self.select(index);
    }

    /// The question for the next part of the timeline, or for its beginning.
    pub fn timeline_query(&self, more: bool) -> Option<TimelineQuery> {
        let before = if more { Some(self.timeline.value()?.next.clone()?) } else { None };
        Some(TimelineQuery { tenant: self.open.clone()?, before, limit: ROWS })
    }

    /// The rows of the timeline that are shown.
    pub fn shown(&self) -> Vec<&TimelineRow> {
        self.rows.iter().filter(|row| !self.customer || row.for_customer.is_some()).collect()
    }

    /// What the cursor of the card can stand on: flows, then findings.
    pub fn things(&self) -> Vec<Reference> {
        let Some(card) = self.card.value().filter(|_| !self.customer) else { return Vec::new() };
        let flows = card.flows.iter().map(|judged| Reference::Flow(judged.flow.id.clone()));
        let drift = card.drift.iter().map(|known| Reference::Drift(known.finding.id.clone()));
        flows.chain(drift).collect()
    }

    /// What is under the cursor of the open tenant.
    pub fn reference(&self) -> Option<Reference> {
        match self.pane {
            TenantPane::Card => self.things().into_iter().nth(self.thing),
            TenantPane::Timeline => self.shown().get(self.row).map(|row| row.reference.clone()),
        }
    }

    /// Takes in a part of the timeline, which goes on behind `before`. Who reads stays where they are.
    pub fn take(&mut self, before: Option<&TimelinePlace>, rows: &[TimelineRow]) {
        match before {
            Some(before) => self.rows.retain(|row| row.place >= *before),
            None => {
                // What was read on to stays, as long as it goes on from what came.
                let oldest = rows.last().map(|row| row.place.clone());
                let tail: Vec<TimelineRow> = match oldest {
                    Some(oldest) if rows.len() >= ROWS => {
                        self.rows.iter().filter(|row| row.place < oldest).cloned().collect()
                    }
                    _ => Vec::new(),
                };
                self.rows = rows.to_vec();
                self.rows.extend(tail);
                self.find_row();
                return;
            }
        }
        self.rows.extend(rows.iter().cloned());
        self.find_row();
    }

    /// Finds the row under the cursor again.
    fn find_row(&mut self) {
        let shown = self.shown();
        let at = self.place.as_ref().and_then(|place| shown.iter().position(|row| row.place == *place));
        let at = at.unwrap_or(self.row).min(shown.len().saturating_sub(1));
        self.place = shown.get(at).map(|row| row.place.clone()).filter(|_| at > 0);
        self.row = at;
    }

    /// Puts the cursor on a row of the timeline. At the top it stays at the top, whatever comes.
    pub fn select_row(&mut self, index: usize) {
        let shown = self.shown();
        let at = index.min(shown.len().saturating_sub(1));
        self.place = shown.get(at).map(|row| row.place.clone()).filter(|_| at > 0);
        self.row = at;
    }
}
