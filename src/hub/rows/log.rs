//! Which rows have changed lately: whoever kept something about them brings that up to date, and need not begin anew.

use std::collections::VecDeque;

use super::Slot;

/// So many changes are remembered. Whoever has missed more looks at every row again, which is then hardly more work.
/// Fewer in tests, so that these see it happen.
const KEPT: usize = if cfg!(test) { 12 } else { 16_384 };

/// The last changes, oldest first.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// How many there had been before these rows were.
    origin: u64,
    /// How many have been forgotten.
    forgotten: u64,
    slots: VecDeque<Slot>,
}

impl Log {
    /// A row has changed.
    pub(super) fn note(&mut self, slot: Slot) {
        if self.slots.len() == KEPT {
            self.slots.pop_front();
            self.forgotten += 1;
        }
        self.slots.push_back(slot);
    }

    /// How many changes there have been.
    pub(super) fn end(&self) -> u64 {
        self.forgotten + self.slots.len() as u64
    }

    /// A number that only these rows have, of all that were held in their place.
    pub(super) const fn origin(&self) -> u64 {
        self.origin
    }

    /// The rows that have changed since there had been so many, each once; `None` where that is not remembered.
    pub(super) fn since(&self, end: u64) -> Option<Vec<Slot>> {
        let from = usize::try_from(end.checked_sub(self.forgotten)?).ok()?;
        let mut slots: Vec<Slot> = self.slots.iter().skip(from).copied().collect();
        slots.sort_unstable();
        slots.dedup();
        Some(slots)
    }

    /// Goes on after another one, of whose changes nothing is remembered.
    pub(super) fn follow(&mut self, other: &Self) {
        self.origin = other.end() + 1;
        self.forgotten = self.origin;
        self.slots.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_remembered_is_not_made_up() {
        let mut log = Log::default();
        let begin = log.end();
        for slot in [3, 1, 3] {
            log.note(slot);
        }
        assert_eq!(log.since(begin), Some(vec![1, 3]));
        let middle = log.end();
        assert_eq!(log.since(middle), Some(Vec::new()));
        (0..12).for_each(|slot| log.note(slot));
        assert_eq!(log.since(begin), None);
        assert_eq!(log.since(middle), Some((0..12).collect()));
        let mut other = Log::default();
        other.follow(&log);
        assert_eq!(other.since(log.end()), None);
        assert_eq!(other.since(other.end()), Some(Vec::new()));
    }
}
