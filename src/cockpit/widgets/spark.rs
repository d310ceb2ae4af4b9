//! A row of numbers as a small picture: one cell a value, the highest as high as the picture.

/// The heights of a cell, from nothing to full.
const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The same where there are no such characters.
const ASCII: [&str; 9] = [" ", "_", "_", ".", ".", ":", ":", "|", "#"];

/// The picture, the top row first, `width` cells wide at the most and `height` high.
///
/// Where there are more values than cells, a cell shows the highest of its values. A value that is not known leaves its
/// cell empty; nought is the lowest line, so that the two look different.
pub(crate) fn spark(values: &[Option<u64>], width: usize, height: usize, ascii: bool) -> Vec<String> {
    let (width, height) = (width.min(values.len()), height.max(1));
    if width == 0 {
        return vec![String::new(); height];
    }
    let cells: Vec<Option<u64>> = (0..width)
        .map(|cell| {
            let (from, to) = (cell * values.len() / width, (cell + 1) * values.len() / width);
            values.get(from..to).unwrap_or_default().iter().copied().flatten().max()
        })
        .collect();
    let most = cells.iter().copied().flatten().max().unwrap_or(0).max(1);
    let full = height * 8;
    let eighths = |value: u64| -> usize {
        let part = u128::from(value) * full as u128 / u128::from(most);
        usize::try_from(part).unwrap_or(full).clamp(1, full)
    };
    let set = if ascii { &ASCII } else { &BLOCKS };
    (0..height)
        .rev()
        .map(|row| {
            let cell = |value: &Option<u64>| {
                let filled = value.map_or(0, |value| eighths(value).saturating_sub(row * 8).min(8));
                set.get(filled).copied().unwrap_or(" ")
            };
            cells.iter().map(cell).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::spark;

    #[test]
    fn the_highest_is_full_and_the_unknown_is_empty() {
        let values = [None, Some(0), Some(1), Some(4), Some(8), None];
        assert_eq!(spark(&values, 6, 1, false), [" ▁▁▄█ "]);
        assert_eq!(spark(&values, 6, 1, true), [" __.# "]);
        assert_eq!(spark(&values, 6, 2, false), ["    █ ", " ▁▂██ "]);
        assert_eq!(spark(&values, 3, 1, false), ["▁▄█"], "the highest of each two");
    }

    #[test]
    fn any_size_and_any_numbers_are_drawn() {
        assert_eq!(spark(&[], 5, 1, false), [""]);
        assert_eq!(spark(&[None, None], 5, 1, false), ["  "]);
        assert_eq!(spark(&[Some(0), Some(0)], 5, 1, false), ["▁▁"]);
        assert_eq!(spark(&[Some(u64::MAX), Some(1)], 5, 1, false), ["█▁"]);
        assert_eq!(spark(&[Some(3)], 0, 3, false), ["", "", ""]);
    }
}
