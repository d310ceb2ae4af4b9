//! From one screen to the next in few bytes: what is written, in which look, and how the cursor gets there.
//!
//! A terminal over a slow line shows a frame when the last of its bytes has come. So a look is told once for all cells
//! that have it, the cursor goes the shortest way, and the end of a line is erased where that comes to the same.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::Position;
use unicode_width::UnicodeWidthChar;

use super::look::Look;

/// What lies between two changes is written again where it is no longer than this: the way over it is as long.
const SHORT: usize = 4;

/// From how many empty cells at the end of a line on they are erased and not written.
const ERASED: usize = 8;

/// What makes a picture of a letter, with which terminals don't agree on its width.
const EMOJI: char = '\u{fe0f}';

/// What writes a frame.
pub(super) struct Brush<'a> {
    out: &'a mut Vec<u8>,
    /// The look in force, where it is known.
    pub(super) look: Option<Look>,
    /// Where the cursor is, where that is known. Behind the last column it is nowhere in particular.
    at: Option<At>,
    columns: u16,
    /// How often it was put down.
    pub(super) strokes: usize,
}

#[derive(Clone, Copy)]
struct At {
    x: u16,
    y: u16,
    /// Whether all terminals agree on it: there are letters that some draw one column wide and some two, and then a
    /// line may even have gone on in the next one.
    sure: bool,
    /// Whether it is behind a letter of several parts that some terminals draw beside one another.
    parted: bool,
}

impl<'a> Brush<'a> {
    /// One that finds the terminal in a look, where that is known.
    pub(super) fn new(out: &'a mut Vec<u8>, columns: u16, look: Option<Look>) -> Self {
        Self { out, look, at: None, columns, strokes: 0 }
    }

    /// Empties the screen.
    pub(super) fn clear(&mut self) {
        self.wear(Look::PLAIN);
        self.out.extend_from_slice(b"\x1b[2J");
        self.at = None;
        self.strokes += 2;
    }

    /// Paints what differs between a line that is shown and the one that is to be. Both are buffers of one line.
    pub(super) fn line(&mut self, y: u16, shown: &Buffer, next: &Buffer) {
        let (old, new) = (shown.content.as_slice(), next.content.as_slice());
        let filled = new.iter().rposition(|cell| cell.symbol() != " " || !Look::of(cell).erased());
        let empty_from = filled.map_or(0, |at| at + 1);
        let erasable = new.len() - empty_from >= ERASED;
        let mut at = 0;
        // Of a letter two columns wide that is painted over in part, terminals leave different things: up to here
        // everything is painted.
        let mut torn = 0;
        while let (Some(cell), Some(was)) = (new.get(at), old.get(at)) {
            let wide = columns_of(cell);
            if at < torn || cell != was {
                let x = u16::try_from(at).unwrap_or(u16::MAX);
                self.go(x, y, new);
                if erasable && at >= empty_from {
                    self.wear(Look::PLAIN.blank_after(self.look.unwrap_or(Look::PLAIN)));
                    self.out.extend_from_slice(b"\x1b[K");
                    return;
                }
                if wide > 1 && (cell.symbol().contains(EMOJI) || parts_of(cell) != wide) {
                    self.disputed(x, y, cell, wide);
                } else {
                    self.put(cell, wide);
                }
                let over = old.iter().enumerate().skip(at).take(wide);
                torn = over.fold(torn, |torn, (at, was)| torn.max(at + columns_of(was)));
                // What stands behind a letter of several parts may have been drawn over by them.
                torn = torn.max(at + parts_of(cell));
            }
            at += wide;
        }
    }

    /// Writes a letter on whose width terminals don't agree: over blanks, and whatever follows it is gone to by its place.
    fn disputed(&mut self, x: u16, y: u16, cell: &Cell, wide: usize) {
        let mut blank = cell.clone();
        blank.set_symbol(" ");
        for _ in 0..wide {
            self.put(&blank, 1);
        }
        self.jump(x, y);
        self.put(cell, wide);
        self.at = None;
    }

    /// Puts the text cursor where it is to be seen.
    pub(super) fn rest(&mut self, position: Position) {
        self.strokes += 1;
        self.jump(position.x, position.y);
    }

    /// Says something else than what a cell is to show.
    pub(super) fn say(&mut self, sequence: &[u8]) {
        self.strokes += 1;
        self.out.extend_from_slice(sequence);
    }

    fn wear(&mut self, look: Look) {
        look.after(self.look, self.out);
        self.look = Some(look);
    }

    fn put(&mut self, cell: &Cell, wide: usize) {
        let (symbol, look) = (cell.symbol(), Look::of(cell));
        self.wear(if symbol == " " { look.blank_after(self.look.unwrap_or(Look::PLAIN)) } else { look });
        self.out.extend_from_slice(symbol.as_bytes());
        if let Some(at) = &mut self.at {
            at.x = at.x.saturating_add(u16::try_from(wide).unwrap_or(u16::MAX));
            at.sure &= symbol.is_ascii();
            at.parted = parts_of(cell) != wide;
        }
    }

    /// Goes to a cell of a line, of which those on the way are shown already.
    fn go(&mut self, x: u16, y: u16, cells: &[Cell]) {
        if let Some(at) = self.at.filter(|at| at.y == y && at.x <= x && x < self.columns) {
            if at.x == x && !at.parted {
                return;
            }
            let between = cells.get(usize::from(at.x)..usize::from(x)).unwrap_or_default();
            let same = |cell: &Cell| {
                let look = Look::of(cell);
                let look = if cell.symbol() == " " { look.blank_after(self.look.unwrap_or(look)) } else { look };
                self.look == Some(look) && cell.symbol().is_ascii()
            };
            if at.sure && between.len() <= SHORT && between.iter().all(same) {
                for cell in between {
                    self.put(cell, 1);
                }
                return;
            }
        }
        self.strokes += 1;
        self.jump(x, y);
    }

    /// Goes to a cell the shortest way.
    fn jump(&mut self, x: u16, y: u16) {
        let mut way = Vec::with_capacity(12);
        let _ = match x {
            0 => write!(way, "\x1b[{}H", y + 1),
            _ => write!(way, "\x1b[{};{}H", y + 1, x + 1),
        };
        if let Some(at) = self.at.filter(|at| at.sure) {
            for other in ways(at, x, y, self.columns) {
                if other.len() < way.len() {
                    way = other;
                }
            }
        }
        self.out.extend_from_slice(&way);
        self.at = Some(At { x, y, sure: true, parted: false });
    }
}

/// How many columns a cell takes.
fn columns_of(cell: &Cell) -> usize {
    let symbol = cell.symbol();
    if symbol.len() == 1 { 1 } else { symbol.cell_width().max(1).into() }
}

/// How many columns it takes where each part of a letter is drawn beside the one before.
fn parts_of(cell: &Cell) -> usize {
    let symbol = cell.symbol();
    if symbol.len() <= 4 { columns_of(cell) } else { symbol.chars().filter_map(UnicodeWidthChar::width).sum() }
}

/// The ways from a place that is sure to a cell, other than by its place alone.
fn ways(at: At, x: u16, y: u16, columns: u16) -> Vec<Vec<u8>> {
    let known = at.x < columns;
    let forward = |from: u16| match x - from {
        0 => Vec::new(),
        1 => b"\x1b[C".to_vec(),
        by => format!("\x1b[{by}C").into_bytes(),
    };
    let mut ways = Vec::new();
    if at.y == y {
        ways.push(format!("\x1b[{}G", x + 1).into_bytes());
        if known && x >= at.x {
            ways.push(forward(at.x));
        }
    }
    // Never from the last line on, which would scroll.
    if y >= at.y && y - at.y <= 3 {
        let down = vec![b'\n'; usize::from(y - at.y)];
        ways.push([b"\r", &*down, &forward(0)].concat());
        if known && x >= at.x {
            ways.push([&*down, &forward(at.x)].concat());
        } else if known {
            let back = if at.x - x == 1 { "\x1b[D".to_owned() } else { format!("\x1b[{}D", at.x - x) };
            ways.push([&*down, back.as_bytes()].concat());
        }
    }
    ways
}
