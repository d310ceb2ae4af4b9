//! Which questions are under way. Only the answer to the newest one of its kind counts.

use crate::cockpit::msg::{Target, Ticket};

/// The questions of a cockpit.
#[derive(Debug, Clone)]
pub(super) struct Questions {
    epoch: u64,
    under_way: [Option<u64>; Target::COUNT],
    again: [bool; Target::COUNT],
}

impl Default for Questions {
    fn default() -> Self {
        Self { epoch: 0, under_way: [None; Target::COUNT], again: [false; Target::COUNT] }
    }
}

impl Questions {
    /// Counts on from where older ones stopped.
    pub(super) fn follow(&mut self, older: &Self) {
        self.epoch = older.epoch;
    }

    /// A ticket for a new one; an older one of its kind is forgotten.
    pub(super) fn ticket(&mut self, target: Target) -> Ticket {
        self.epoch += 1;
        self.under_way[target as usize] = Some(self.epoch);
        self.again[target as usize] = false;
        Ticket { target, epoch: self.epoch }
    }

    /// Whether one of this kind is under way. If so, notes that it is to be asked again after it.
    pub(super) fn busy(&mut self, target: Target) -> bool {
        let busy = self.under_way[target as usize].is_some();
        self.again[target as usize] |= busy;
        busy
    }

    /// Forgets one; its answer will be dropped.
    pub(super) fn forget(&mut self, target: Target) {
        self.under_way[target as usize] = None;
        self.again[target as usize] = false;
    }

    /// Whether an answer is to the present one of its kind, and if so whether to ask again.
    pub(super) fn accept(&mut self, ticket: Ticket) -> Option<bool> {
        let target = ticket.target as usize;
        if self.under_way[target] != Some(ticket.epoch) {
            return None;
        }
        self.under_way[target] = None;
        Some(std::mem::take(&mut self.again[target]))
    }
}
