//! What a frame is to show, noted line by line before any cell of it is made.
//!
//! Most lines of most frames say what they said before. Two notes are compared in no time, while making cells means to
//! take every text apart into what fills a column: so [`Frames`](crate::cockpit::frames::Frames) makes the cells of those
//! lines alone that say something else. A note says everything of its line, and there is nothing to invalidate.

use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation as _;

/// The notes of a frame.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    area: Rect,
    lines: Vec<Line>,
}

/// What a line is to show.
#[derive(Debug, Default, PartialEq)]
struct Line {
    notes: Vec<Note>,
    /// All texts of the line, one after another.
    text: String,
}

/// A step of drawing a line. Later ones lie on top.
#[derive(Debug, PartialEq)]
struct Note {
    what: What,
    x: u16,
    columns: u16,
    style: Style,
}

#[derive(Debug, PartialEq)]
enum What {
    /// Cells are emptied, and get a style.
    Clear,
    /// Cells get a style over the one they have.
    Style,
    /// The next so many bytes of the line's texts are written.
    Text(u32),
    /// One character that is a column wide is written into each column.
    Fill(&'static str),
}

/// Whether a character is one column wide, whatever stands beside it of its kind: those of most texts, and most signs
/// that things are drawn with. So such a text need not be taken apart into what readers call letters.
fn is_plain(character: char) -> bool {
    matches!(
        character,
        ' '..='~'
            | '\u{a1}'..='\u{ac}'
            | '\u{ae}'..='\u{2ff}'
            | '\u{2010}'..='\u{2027}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{2500}'..='\u{25fc}'
            | '\u{2713}'..='\u{2718}'
    )
}

/// How many columns a text takes in which each character is one.
fn plain(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Some(text.len());
    }
    let mut count = 0;
    text.chars()
        .all(|character| {
            count += 1;
            is_plain(character)
        })
        .then_some(count)
}

/// How many of `columns` columns a text takes that is written as far as it fits.
fn used(text: &str, columns: u16) -> u16 {
    if let Some(wide) = plain(text) {
        return u16::try_from(wide).unwrap_or(u16::MAX).min(columns);
    }
    let mut used = 0;
    for grapheme in text.graphemes(true).filter(|grapheme| !grapheme.contains(char::is_control)) {
        let wide = grapheme.cell_width();
        if used + wide > columns {
            break;
        }
        used += wide;
    }
    used
}

impl Sheet {
    /// An empty one.
    pub(crate) fn new(area: Rect) -> Self {
        let mut sheet = Self::default();
        sheet.begin(area);
        sheet
    }

    /// Begins a frame anew; what was noted is gone.
    pub(crate) fn begin(&mut self, area: Rect) {
        self.area = area;
        self.lines.resize_with(usize::from(area.height), Line::default);
        for line in &mut self.lines {
            line.notes.clear();
            line.text.clear();
        }
    }

    /// The screen.
    pub(crate) fn area(&self) -> Rect {
        self.area
    }

    fn line(&mut self, y: u16) -> Option<&mut Line> {
        self.lines.get_mut(usize::from(y.checked_sub(self.area.y)?))
    }

    /// Writes as much of a text as fits, and tells how many columns it takes.
    pub(crate) fn text(&mut self, x: u16, y: u16, columns: u16, text: &str, style: Style) -> u16 {
        let columns = columns.min(self.area.right().saturating_sub(x));
        let used = used(text, columns);
        if let (Some(line), Ok(length)) = (self.line(y), u32::try_from(text.len())) {
            line.text.push_str(text);
            line.notes.push(Note { what: What::Text(length), x, columns, style });
        }
        used
    }

    /// Writes one character, which is to be one column wide, into each column.
    pub(crate) fn fill(&mut self, x: u16, y: u16, columns: u16, character: &'static str, style: Style) {
        let columns = columns.min(self.area.right().saturating_sub(x));
        if let Some(line) = self.line(y) {
            line.notes.push(Note { what: What::Fill(character), x, columns, style });
        }
    }

    /// Empties an area, and gives it a style.
    pub(crate) fn clear(&mut self, area: Rect, style: Style) {
        let area = area.intersection(self.area);
        let whole = area.width == self.area.width;
        for y in area.top()..area.bottom() {
            let Some(line) = self.line(y) else { continue };
            if whole {
                // Nothing of what was there before is seen.
                line.notes.clear();
                line.text.clear();
            }
            line.notes.push(Note { what: What::Clear, x: area.x, columns: area.width, style });
        }
    }

    /// Puts a style over an area.
    pub(crate) fn style(&mut self, area: Rect, style: Style) {
        let area = area.intersection(self.area);
        for y in area.top()..area.bottom() {
            if let Some(line) = self.line(y) {
                line.notes.push(Note { what: What::Style, x: area.x, columns: area.width, style });
            }
        }
    }

    /// Whether another frame says the same in its line.
    pub(crate) fn says_the_same(&self, other: &Self, y: u16) -> bool {
        let at = |sheet: &Self| y.checked_sub(sheet.area.y).map(usize::from);
        match (at(self).and_then(|at| self.lines.get(at)), at(other).and_then(|at| other.lines.get(at))) {
            (Some(line), Some(other)) => line == other,
            _ => false,
        }
    }

    /// Makes the cells of every line.
    pub(crate) fn fill_in(&self, buffer: &mut Buffer) {
        for y in self.area.top()..self.area.bottom() {
            self.fill_in_line(y, buffer, y);
        }
    }

    /// Makes the cells of a line, in the line `to` of a buffer that has all its columns. What was there is gone.
    pub(crate) fn fill_in_line(&self, y: u16, buffer: &mut Buffer, to: u16) {
        let Some(line) = y.checked_sub(self.area.y).and_then(|at| self.lines.get(usize::from(at))) else { return };
        each(buffer, Rect { y: to, height: 1, ..self.area }, Cell::reset);
        let mut rest = line.text.as_str();
        for Note { what, x, columns, style } in &line.notes {
            let place = Rect { x: *x, y: to, width: *columns, height: 1 };
            match what {
                What::Clear => each(buffer, place, |cell| {
                    cell.reset();
                    cell.set_style(*style);
                }),
                What::Style => each(buffer, place, |cell| {
                    cell.set_style(*style);
                }),
                What::Fill(character) => each(buffer, place, |cell| {
                    cell.set_symbol(character).set_style(*style);
                }),
                What::Text(length) => {
                    let Some((text, others)) = rest.split_at_checked(*length as usize) else { return };
                    rest = others;
                    if let Some(wide) = plain(text) {
                        let mut letters = text.chars();
                        let written = u16::try_from(wide).unwrap_or(u16::MAX).min(place.width);
                        each(buffer, Rect { width: written, ..place }, |cell| {
                            cell.set_char(letters.next().unwrap_or(' ')).set_style(*style);
                        });
                    } else if place.x < buffer.area.right() && to < buffer.area.bottom() {
                        buffer.set_stringn(place.x, to, text, usize::from(place.width), *style);
                    }
                }
            }
        }
    }
}

/// Does something to each cell of a place in one line.
fn each(buffer: &mut Buffer, place: Rect, mut change: impl FnMut(&mut Cell)) {
    let place = place.intersection(buffer.area);
    let line = usize::from(place.y - buffer.area.y) * usize::from(buffer.area.width);
    let from = line + usize::from(place.x - buffer.area.x);
    let cells = buffer.content.get_mut(from..from + usize::from(place.width) * usize::from(place.height));
    cells.into_iter().flatten().for_each(&mut change);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is noted comes to the cells that ratatui makes of the same texts.
        #[test]
        fn a_sheet_comes_to_what_is_written_directly(
            texts in prop::collection::vec((0_u16..30, 0_u16..40, "[a-z é…│✗›東\u{301}👍\u{ff9e}\u{7}]{0,20}"), 0..6)
        ) {
            let area = Rect::new(0, 0, 30, 1);
            let (mut sheet, mut direct) = (Sheet::new(area), Buffer::empty(area));
            for (at, (x, columns, text)) in texts.iter().enumerate() {
                let style = Style::new().fg(ratatui::style::Color::Indexed(u8::try_from(at).unwrap()));
                let (end, _) = direct.set_stringn(*x, 0, text, usize::from(*columns), style);
                prop_assert_eq!(sheet.text(*x, 0, *columns, text, style), end - x);
            }
            let mut made = Buffer::filled(area, Cell::new("x"));
            sheet.fill_in(&mut made);
            prop_assert_eq!(made, direct);
        }
    }

    #[test]
    fn plain_characters_are_one_column_wide_beside_each_other() {
        let plain: Vec<char> = ('\0'..='\u{ffff}').filter(|character| is_plain(*character)).collect();
        assert!(plain.len() > 500);
        for one in &plain {
            assert_eq!(one.to_string().cell_width(), 1, "{one:?}");
            assert_eq!(format!("{one}a").graphemes(true).count(), 2, "{one:?}");
            assert_eq!(format!("a{one}").graphemes(true).count(), 2, "{one:?}");
            assert_eq!(format!("{one}{one}").graphemes(true).count(), 2, "{one:?}");
        }
        let all: String = plain.iter().collect();
        assert_eq!(all.graphemes(true).count(), plain.len());
    }

    #[test]
    fn lines_are_the_same_where_they_say_the_same() {
        let area = Rect::new(0, 0, 30, 2);
        let (mut one, mut other) = (Sheet::new(area), Sheet::new(area));
        for sheet in [&mut one, &mut other] {
            sheet.clear(area, Style::new());
            sheet.text(3, 0, 20, "4 stuck", Style::new());
            sheet.text(3, 1, 20, "of 7", Style::new());
        }
        assert!(one.says_the_same(&other, 0) && one.says_the_same(&other, 1) && !one.says_the_same(&other, 2));
        other.style(Rect { height: 1, ..area }, Style::new().bold());
        assert!(!one.says_the_same(&other, 0) && one.says_the_same(&other, 1));
        other.clear(area, Style::new());
        other.text(3, 0, 20, "4 stuck", Style::new());
        other.text(2, 1, 20, "of 7", Style::new());
        assert!(one.says_the_same(&other, 0) && !one.says_the_same(&other, 1));
    }
}
