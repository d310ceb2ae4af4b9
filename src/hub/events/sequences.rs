//! What is missing of what origins number.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::domain::text::SafeText;
use crate::ops::EventGap;

/// So many gaps are kept; of earlier ones only their number is known.
const KEPT: usize = 1_000;

/// So many origins are followed.
const ORIGINS: usize = 10_000;

/// The sequences of all origins.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    /// The highest number of each.
    highest: BTreeMap<SafeText, u64>,
    gaps: VecDeque<EventGap>,
    missing: u64,
}

impl Sequences {
    /// Takes in a number that came.
    pub(super) fn take(&mut self, origin: &SafeText, number: u64, now: Timestamp) {
        let Some(highest) = self.highest.get_mut(origin) else {
            if self.highest.len() < ORIGINS {
                self.highest.insert(origin.clone(), number);
            }
            return;
        };
        if number > *highest {
            let (from, to) = (highest.saturating_add(1), number - 1);
            *highest = number;
            if from <= to {
                self.missing += to - from + 1;
                self.gaps.push_back(EventGap { origin: origin.clone(), from, to, noticed_at: now });
                if self.gaps.len() > KEPT {
                    self.gaps.pop_front();
                }
            }
        } else {
            self.fill(origin, number);
        }
    }

    /// One that was missing came after all.
    fn fill(&mut self, origin: &SafeText, number: u64) {
        let within = |gap: &EventGap| gap.origin == *origin && (gap.from..=gap.to).contains(&number);
        let Some(at) = self.gaps.iter().position(within) else { return };
        let Some(gap) = self.gaps.remove(at) else { return };
        self.missing = self.missing.saturating_sub(1);
        let parts = [(gap.from, number.checked_sub(1)), (number.saturating_add(1), Some(gap.to))];
        for (from, to) in parts.into_iter().rev() {
            if let Some(to) = to.filter(|to| from <= *to) {
                self.gaps.insert(at, EventGap { from, to, ..gap.clone() });
            }
        }
    }

    /// What is missing, the latest first.
    pub(super) fn gaps(&self) -> Vec<EventGap> {
        self.gaps.iter().rev().cloned().collect()
    }

    /// How many numbers are missing in all.
    pub(super) const fn missing(&self) -> u64 {
        self.missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sequences: &Sequences) -> Vec<(u64, u64)> {
        sequences.gaps().iter().map(|gap| (gap.from, gap.to)).collect()
    }

    #[test]
    fn what_is_skipped_is_missing_until_it_comes() {
        let mut sequences = Sequences::default();
        let mut take = |number| {
            sequences.take(&"/ci".into(), number, Timestamp::UNIX_EPOCH);
            (told(&sequences), sequences.missing())
        };
        assert_eq!(take(5), (vec![], 0), "nobody knows what was before the first one");
        assert_eq!(take(6), (vec![], 0));
        assert_eq!(take(10), (vec![(7, 9)], 3));
        assert_eq!(take(8), (vec![(9, 9), (7, 7)], 2));
        assert_eq!(take(7), (vec![(9, 9)], 1));
        assert_eq!(take(7), (vec![(9, 9)], 1), "twice is no news");
        assert_eq!(take(9), (vec![], 0));
        assert_eq!(take(3), (vec![], 0));
        assert_eq!(take(u64::MAX).1, u64::MAX - 11);
    }

    #[test]
    fn each_origin_has_a_sequence_of_its_own() {
        let mut sequences = Sequences::default();
        for (origin, number) in [("a", 1), ("b", 1), ("a", 2), ("b", 3)] {
            sequences.take(&origin.into(), number, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(told(&sequences), [(2, 2)]);
    }
}
