//! Which part of a long list is held: the one around the cursor.

/// The list is cut into pieces of so many rows.
const PIECE: usize = 250;

/// So many rows are held: the piece of the cursor, and those before and behind it.
pub(super) const HELD: usize = 3 * PIECE;

/// From which row on it is held while the cursor stands on one.
///
/// ```text
/// 0..=499 → 0, 500..=749 → 250, …
/// ```
pub(super) const fn offset(index: usize) -> usize {
    (index / PIECE).saturating_sub(1) * PIECE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_never_near_an_edge_that_is_not_the_lists_own() {
        for index in (0..5_000).step_by(7) {
            let from = offset(index);
            assert!(from == 0 || index - from >= PIECE, "{index}");
            assert!(from + HELD - index > PIECE, "{index}");
        }
    }
}
