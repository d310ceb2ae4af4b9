//! What rows are sorted and grouped by, out of the columns.

use super::symbols::NONE;
use super::{NEVER, NO_ATTEMPTS, Rows, Slot, WIDE};
use crate::domain::flow::Status;
use crate::domain::text::SafeText;
use crate::domain::verdict::{Rule, Verdict};
use crate::ops::{GroupBy, SortBy};

/// What rows are compared by: a text, and a second one.
pub(in crate::hub) type SortText = (SafeText, SafeText);

impl Rows {
    /// Where it stands.
    pub(in crate::hub) fn status(&self, slot: Slot) -> Status {
        self.state[slot as usize].status()
    }

    /// Whether a rule makes it stuck.
    pub(in crate::hub) fn stuck(&self, slot: Slot, live: bool) -> bool {
        self.said[slot as usize].stuck_rule(live).is_some()
    }

    /// How bad the verdict is, the worst first.
    pub(in crate::hub) fn severity(&self, slot: Slot, live: bool) -> u64 {
        match self.said[slot as usize].verdict(live) {
            Verdict::Stuck => 0,
            Verdict::Recheck => 1,
            Verdict::Unknown => 2,
            Verdict::Suspect => 3,
            Verdict::Ok => 4,
        }
    }

    /// Since when its primary rule has held, or since when it has been there.
    pub(in crate::hub) fn worst_since(&self, slot: Slot) -> Option<i64> {
        let at = slot as usize;
        if self.state[at].told() { Some(self.began[at]) } else { self.created_nanos(slot) }
    }

    /// Since when it has been as it is.
    pub(in crate::hub) fn began_nanos(&self, slot: Slot) -> Option<i64> {
        Some(self.began[slot as usize]).filter(|nanos| *nanos != NEVER)
    }

    /// When it came to be.
    pub(in crate::hub) fn created_nanos(&self, slot: Slot) -> Option<i64> {
        Some(self.created[slot as usize]).filter(|nanos| *nanos != NEVER)
    }

    /// Its attempts.
    pub(in crate::hub) fn attempts(&self, slot: Slot) -> Option<u32> {
        match self.attempts[slot as usize] {
            NO_ATTEMPTS => None,
            WIDE => self.flow(slot).attempts,
            n => Some(n.into()),
        }
    }

    /// What stands for the text that it is sorted by.
    pub(in crate::hub) fn sort_symbol(&self, slot: Slot, by: SortBy) -> u32 {
        let column = match by {
            SortBy::Tenant => &self.tenant,
            SortBy::Error => &self.error,
            _ => &self.place,
        };
        column.get(slot as usize).copied().unwrap_or(NONE)
    }

    /// The texts that rows are sorted by.
    pub(in crate::hub) fn sort_texts(&self, by: SortBy) -> Box<dyn Iterator<Item = (u32, SortText)> + '_> {
        let one = |text: &SafeText| (text.clone(), SafeText::default());
        match by {
            SortBy::Tenant => Box::new(self.tenants.iter().map(move |(symbol, tenant)| (symbol, one(tenant)))),
            SortBy::Error => Box::new(self.errors.iter().map(move |(symbol, error)| (symbol, one(&error.text)))),
            SortBy::Step => {
                Box::new(self.places.iter().map(|(symbol, of)| (symbol, (of.step.clone(), of.flow.clone()))))
            }
            _ => Box::new(self.places.iter().map(|(symbol, of)| (symbol, (of.flow.clone(), of.step.clone())))),
        }
    }

    /// Which texts these are, as numbers: as long as they are the same, so are the texts, and how all ids begin.
    pub(in crate::hub) fn sort_basis(&self, by: SortBy) -> (u64, u64) {
        let of = match by {
            SortBy::Flow | SortBy::Step => self.places.revision(),
            SortBy::Tenant => self.tenants.revision(),
            SortBy::Error => self.errors.revision(),
            SortBy::Id => self.ids_begin.len() as u64,
            SortBy::Worst | SortBy::For | SortBy::Created | SortBy::Status | SortBy::Attempts | SortBy::Source => 0,
        };
        (self.log.origin(), of)
    }

    /// How the ids of all rows begin.
    pub(in crate::hub) fn ids_begin(&self) -> &[u8] {
        &self.ids_begin
    }

    /// What stands for the group that it is in: rows with the same one are in the same group.
    pub(in crate::hub) fn group_symbol(&self, slot: Slot, by: GroupBy, live: bool) -> u32 {
        let at = slot as usize;
        match by {
            GroupBy::Flow | GroupBy::Step => self.place[at],
            GroupBy::Tenant => self.tenant[at],
            GroupBy::Error => self.error[at],
            GroupBy::Status => self.status(slot) as u32,
            GroupBy::Rule => self.said[at].stuck_rule(live).map_or(NONE, |rule| rule as u32),
            GroupBy::Source => 0,
        }
    }

    /// What the rows of its group have in common.
    pub(in crate::hub) fn group_key(&self, slot: Slot, by: GroupBy, live: bool) -> Option<SafeText> {
        let at = slot as usize;
        let place = self.places.get(self.place[at]);
        match by {
            GroupBy::Flow => place.map(|place| place.flow.clone()),
            GroupBy::Step => place.map(|place| place.step.clone()),
            GroupBy::Tenant => self.tenants.get(self.tenant[at]).cloned(),
            GroupBy::Error => self.errors.get(self.error[at]).map(|error| error.fingerprint.clone()),
            GroupBy::Status => Some(self.status(slot).name().into()),
            GroupBy::Rule => self.said[at].stuck_rule(live).map(Rule::name).map(SafeText::from),
            GroupBy::Source => Some(self.source.clone()),
        }
    }
}
