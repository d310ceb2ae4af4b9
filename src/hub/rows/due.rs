//! When the rules may say something else of each row, so that a look at the clock need not be a look at every row.

use super::Slot;

/// Rows of which only the least time is looked at first. Fewer in tests, so that these see several.
const BLOCK: usize = if cfg!(test) { 4 } else { 1_024 };

/// Never.
pub(super) const NEVER_DUE: u32 = u32::MAX;

/// A second of the epoch for each row.
#[derive(Debug, Default)]
pub(super) struct Due {
    at: Vec<u32>,
    /// Of each block of rows: none is due earlier.
    least: Vec<u32>,
}

impl Due {
    /// One more row, which never is.
    pub(super) fn push(&mut self) {
        if self.at.len().is_multiple_of(BLOCK) {
            self.least.push(NEVER_DUE);
        }
        self.at.push(NEVER_DUE);
    }

    /// Sets when a row is due.
    pub(super) fn set(&mut self, slot: Slot, second: u32) {
        let at = slot as usize;
        if let (Some(due), Some(least)) = (self.at.get_mut(at), self.least.get_mut(at / BLOCK)) {
            *due = second;
            *least = second.min(*least);
        }
    }

    /// Takes those that are due by a second. They are never due again until that is set.
    pub(super) fn take(&mut self, second: u32) -> Vec<Slot> {
        let mut taken = Vec::new();
        let blocks = self.at.chunks_mut(BLOCK).zip(&mut self.least);
        for (first, (block, least)) in (0..).step_by(BLOCK).zip(blocks).filter(|(_, (_, least))| **least <= second) {
            *least = NEVER_DUE;
            for (slot, due) in (first..).zip(block) {
                if *due <= second {
                    *due = NEVER_DUE;
                    taken.push(slot);
                } else {
                    *least = (*least).min(*due);
                }
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn those_that_are_due_are_taken_and_no_others(steps in vec((0_u32..20, 0_u32..30, any::<bool>()), 0..80)) {
            let mut due = Due::default();
            (0..20).for_each(|_| due.push());
            let mut plain = [NEVER_DUE; 20];
            for (slot, second, set) in steps {
                if set {
                    due.set(slot, second);
                    plain[slot as usize] = second;
                } else {
                    let expected: Vec<Slot> = (0..20).filter(|slot| plain[*slot as usize] <= second).collect();
                    for slot in &expected {
                        plain[*slot as usize] = NEVER_DUE;
                    }
                    prop_assert_eq!(due.take(second), expected);
                }
            }
        }
    }
}
