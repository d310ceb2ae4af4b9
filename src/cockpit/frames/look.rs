//! How a cell looks, and the shortest that tells a terminal to go over from one look to another.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// What is seen on a cell with nothing in it.
const ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK)
    .union(Modifier::CROSSED_OUT);

/// The modifiers, with what sets and what ends each. What ends one may end its neighbour, too.
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// How a cell looks, apart from what is written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    fg: Color,
    bg: Color,
    underline: Color,
    modifier: Modifier,
}

impl Look {
    /// The terminal's own.
    pub(super) const PLAIN: Self =
        Self { fg: Color::Reset, bg: Color::Reset, underline: Color::Reset, modifier: Modifier::empty() };

    /// That of a cell.
    pub(super) const fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, underline: cell.underline_color, modifier: cell.modifier }
    }

    /// Whether a cell that is empty can't be told from one that was erased.
    pub(super) fn erased(self) -> bool {
        self.bg == Color::Reset && !self.modifier.intersects(ON_BLANK)
    }

    /// The look to write an empty cell in that is to look like this, when `have` is in force: only what is seen of it
    /// is of this, so that no colour is set for letters that are not there.
    pub(super) fn blank_after(self, have: Self) -> Self {
        if self.modifier.intersects(ON_BLANK) {
            return self;
        }
        Self { bg: self.bg, modifier: have.modifier - ON_BLANK, ..have }
    }

    /// What goes over from one look to this one; from any, where `have` is not known. Nothing where they are the same.
    pub(super) fn after(self, have: Option<Self>, out: &mut Vec<u8>) {
        if have == Some(self) {
            return;
        }
        let mut anew = Codes::default();
        anew.push(0);
        self.on_top_of(Self::PLAIN, &mut anew);
        let mut codes = anew;
        if let Some(have) = have {
            let mut change = Codes::default();
            self.on_top_of(have, &mut change);
            if change.length <= codes.length && codes.length > 1 {
                codes = change;
            }
        }
        out.extend_from_slice(b"\x1b[");
        match codes.text() {
            // The terminal's own look needs no number.
            b"0" => {}
            text => out.extend_from_slice(text),
        }
        out.push(b'm');
    }

    /// The codes that make this of another look.
    fn on_top_of(self, have: Self, codes: &mut Codes) {
        let mut modifier = have.modifier;
        for (one, _, end) in MODIFIERS {
            if modifier.contains(one) && !self.modifier.contains(one) {
                codes.push(end);
                modifier -= MODIFIERS
                    .iter()
                    .filter(|(.., other)| *other == end)
                    .fold(Modifier::empty(), |all, (one, ..)| all | *one);
            }
        }
        for (one, set, _) in MODIFIERS {
            if self.modifier.contains(one) && !modifier.contains(one) {
                codes.push(set);
            }
        }
        for (have, want, set) in [(have.fg, self.fg, 38), (have.bg, self.bg, 48), (have.underline, self.underline, 58)]
        {
            if have != want {
                colour(want, set, codes);
            }
        }
    }
}

/// The number of a colour among 256, where it has one.
pub(in crate::cockpit) const fn number(colour: Color) -> Option<u8> {
    Some(match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(n) => n,
        Color::Reset | Color::Rgb(..) => return None,
    })
}

/// The codes of a colour, of a letter (38), of what is beneath it (48) or of the line under it (58).
fn colour(colour: Color, set: u8, codes: &mut Codes) {
    let index = match colour {
        Color::Reset => return codes.push(set + 1),
        Color::Rgb(r, g, b) => return [set, 2, r, g, b].into_iter().for_each(|code| codes.push(code)),
        named => number(named).unwrap_or_default(),
    };
    // By number: where bold letters are drawn brighter, only those of a colour that is named (31) are.
    for code in [set, 5, index] {
        codes.push(code);
    }
}

/// Codes as they are written, with semicolons between them. They are made for every change of the look on a screen.
#[derive(Clone, Copy)]
struct Codes {
    bytes: [u8; 96],
    length: usize,
}

impl Default for Codes {
    fn default() -> Self {
        Self { bytes: [0; 96], length: 0 }
    }
}

impl Codes {
    fn push(&mut self, code: u8) {
        if self.length > 0 {
            self.byte(b';');
        }
        for unit in [100, 10, 1] {
            if code >= unit || unit == 1 {
                self.byte(b'0' + code / unit % 10);
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        // Three colours and every modifier are 75 bytes.
        if let Some(free) = self.bytes.get_mut(self.length) {
            *free = byte;
            self.length += 1;
        }
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn look(style: Style) -> Look {
        let mut cell = Cell::EMPTY;
        cell.set_style(style);
        Look::of(&cell)
    }

    fn between(have: Option<Style>, want: Style) -> String {
        let mut out = Vec::new();
        look(want).after(have.map(look), &mut out);
        String::from_utf8(out).unwrap().replace('\u{1b}', "^")
    }

    #[test]
    fn only_what_differs_is_told() {
        let red = Style::new().fg(Color::Red);
        assert_eq!(between(Some(red), red), "");
        assert_eq!(between(None, red), "^[0;38;5;1m");
        assert_eq!(between(None, Style::new()), "^[m");
        assert_eq!(between(Some(red), red.bold()), "^[1m");
        assert_eq!(between(Some(red.bold()), red), "^[22m");
        assert_eq!(between(Some(red.bold().dim()), red.dim()), "^[22;2m");
        assert_eq!(between(Some(red.bold()), red.bg(Color::Rgb(1, 2, 3)).bold()), "^[48;2;1;2;3m");
        assert_eq!(between(Some(red.bold().bg(Color::Rgb(1, 2, 3)).italic()), Style::new()), "^[m");
        assert_eq!(between(Some(red.bold()), Style::new().bold()), "^[39m");
        assert_eq!(between(Some(red), Style::new()), "^[m");
    }

    #[test]
    fn nobody_sees_the_colour_of_letters_that_are_not_there() {
        let have = look(Style::new().fg(Color::Red).bold());
        let want = look(Style::new().fg(Color::Blue));
        assert_eq!(want.blank_after(have), have);
        let under = look(Style::new().fg(Color::Blue).underlined());
        assert_eq!(under.blank_after(have), under);
        assert_eq!(want.blank_after(under), look(Style::new().fg(Color::Blue)));
    }
}
