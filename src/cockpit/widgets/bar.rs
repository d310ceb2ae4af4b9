//! How far a remediation of many has come, as a bar: a sign for each state, so that it reads without colours too.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::cockpit::glyphs::Glyphs;
use crate::cockpit::theme::Styles;
use crate::domain::remediation::ItemState;
use crate::domain::wide::ItemCounts;

/// The states from the best to what is still to come, as they stand in the bar.
const ORDER: [ItemState; 7] = [
    ItemState::Verified,
    ItemState::Failed,
    ItemState::Unknown,
    ItemState::Skipped,
    ItemState::Done,
    ItemState::Accepted,
    ItemState::Pending,
];

/// The bar in so many columns. Each state that there is has one at the least where there is room for all.
pub(crate) fn bar(counts: &ItemCounts, columns: usize, glyphs: &Glyphs, styles: &Styles) -> Vec<Span<'static>> {
    let numbers = ORDER.map(|state| counts.get(state));
    let sizes = sizes(&numbers, columns);
    let signs = ORDER.into_iter().map(|state| sign(state, glyphs, styles));
    signs
        .zip(sizes)
        .filter(|(_, size)| *size > 0)
        .map(|((sign, style), size)| Span::styled(sign.repeat(size), style))
        .collect()
}

const fn sign(state: ItemState, glyphs: &Glyphs, styles: &Styles) -> (&'static str, Style) {
    match state {
        ItemState::Verified => (glyphs.shades[3], styles.ok),
        ItemState::Failed => (glyphs.bad, styles.failed),
        ItemState::Unknown => (glyphs.blind, styles.unknown),
        ItemState::Skipped => (glyphs.fold, styles.dim),
        ItemState::Done | ItemState::Accepted => (glyphs.shades[1], styles.info),
        ItemState::Pending => (glyphs.shades[0], styles.faint),
    }
}

/// So many columns parted by these numbers: all of them, and none for what is 0.
fn sizes(numbers: &[u64], columns: usize) -> Vec<usize> {
    let total: u128 = numbers.iter().map(|number| u128::from(*number)).sum();
    if total == 0 {
        return vec![0; numbers.len()];
    }
    let share = |number: u64| usize::try_from(u128::from(number) * columns as u128 / total).unwrap_or(0);
    let mut sizes: Vec<usize> = numbers.iter().map(|number| share(*number).max(usize::from(*number > 0))).collect();
    // What rounding left over or took too much is the largest one's.
    loop {
        let used: usize = sizes.iter().sum();
        let Some(largest) = (0..sizes.len()).max_by_key(|at| (sizes[*at], numbers[*at])) else { return sizes };
        match used.cmp(&columns) {
            std::cmp::Ordering::Equal => return sizes,
            std::cmp::Ordering::Less => sizes[largest] += columns - used,
            std::cmp::Ordering::Greater => sizes[largest] -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_among_many_are_seen() {
        assert_eq!(sizes(&[295, 1, 2], 20), [18, 1, 1]);
        assert_eq!(sizes(&[0, 0], 20), [0, 0]);
        assert_eq!(sizes(&[1, 1, 1], 2), [1, 1, 0]);
    }

    proptest! {
        #[test]
        fn a_bar_is_as_long_as_it_is_to_be(numbers in prop::collection::vec(0_u64..100_000, 7), columns in 7_usize..200) {
            let sizes = sizes(&numbers, columns);
            let any = numbers.iter().any(|number| *number > 0);
            prop_assert_eq!(sizes.iter().sum::<usize>(), if any { columns } else { 0 });
            for (number, size) in numbers.iter().zip(sizes) {
                prop_assert_eq!(*number > 0, size > 0);
            }
        }
    }
}
