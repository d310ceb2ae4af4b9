//! A screen as an operator sees it.

use std::fmt::Write as _;

/// What the emulator is given for U+FFFD: as wide, and written nowhere.
pub(super) const STAND_IN: char = '\u{2bd1}';

/// What is on the screen at one moment.
pub struct Seen {
    /// The rows, without spaces at their ends.
    pub lines: Vec<String>,
    /// Everything else that the emulator knows.
    pub screen: vt100::Screen,
}

impl Seen {
    pub(super) fn of(screen: &vt100::Screen) -> Self {
        let (_, columns) = screen.size();
        let lines = screen.rows(0, columns.get()).map(|row| row.trim_end().replace(STAND_IN, "\u{fffd}")).collect();
        Self { lines, screen: screen.clone() }
    }

    /// Whether a text stands in one of the rows.
    pub fn has(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }

    /// The first row with a text.
    pub fn line(&self, text: &str) -> Option<&str> {
        self.lines.iter().find(|line| line.contains(text)).map(String::as_str)
    }

    /// The number of the first row with a text.
    pub fn row(&self, text: &str) -> Option<u16> {
        self.lines.iter().position(|line| line.contains(text)).and_then(|row| u16::try_from(row).ok())
    }

    /// The last row.
    pub fn last(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }

    /// Whether a row is drawn reversed, as the one under the cursor is where there are no colours.
    pub fn reversed(&self, row: u16) -> bool {
        (0..self.screen.size().1.get()).any(|column| self.screen.cell(row, column).is_some_and(vt100::Cell::inverse))
    }

    /// The screen in a frame, for people.
    pub fn picture(&self) -> String {
        let (rows, columns) = self.screen.size();
        let mut out = format!("┌ {columns}x{rows}\n");
        for line in &self.lines {
            let _ = writeln!(out, "│{line}");
        }
        out + "└"
    }
}

/// Looks whether a screen is one that a program has left: the main screen, a cursor, no modes, plain letters.
#[track_caller]
pub fn assert_sane(seen: &Seen) {
    let screen = &seen.screen;
    let picture = seen.picture();
    assert!(!screen.alternate_screen(), "the alternate screen was not left\n{picture}");
    assert!(!screen.hide_cursor(), "the cursor is hidden\n{picture}");
    assert!(!screen.bracketed_paste(), "bracketed paste is on\n{picture}");
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "{picture}");
    assert!(!screen.application_cursor() && !screen.application_keypad(), "application keys are on\n{picture}");
    let plain = (vt100::Color::Default, vt100::Color::Default, false);
    let any = screen.bold() || screen.dim() || screen.italic() || screen.underline() || screen.inverse();
    assert_eq!((screen.fgcolor(), screen.bgcolor(), any), plain, "letters are not plain\n{picture}");
}
