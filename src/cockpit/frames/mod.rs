//! Frames for a terminal: each as the bytes that make it of the one before.
//!
//! A frame is noted, not drawn ([`Sheet`]); only lines whose notes differ from those of the frame before are made into
//! cells, only cells that differ are painted, and what comes to nothing is no byte. What is kept from frame to frame
//! decides how much is done, and never what is seen.

mod brush;
mod look;
#[cfg(test)]
pub(super) mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use self::brush::Brush;
use self::look::Look;
pub(super) use self::look::number;
use super::app::App;
use super::draw::note;
use super::theme::Styles;
use super::widgets::sheet::Sheet;

/// What a terminal waits for the end of before it shows any of it.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// A frame of one stroke that is no longer than this can't be seen half done.
const ONE_STROKE: usize = 64;

/// Makes frames.
#[derive(Debug)]
pub struct Frames {
    area: Rect,
    /// What the frame on the terminal says.
    said: Sheet,
    /// What the next one says.
    saying: Sheet,
    /// Its lines, as buffers of one line each.
    shown: Vec<Buffer>,
    /// The line that is being made.
    line: Buffer,
    cursor: Option<Position>,
    /// The look that the last frame left the terminal in.
    look: Option<Look>,
    whole: bool,
    bytes: Vec<u8>,
    work: Work,
}

/// How much was done for a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Lines whose cells were made.
    pub lines: usize,
    /// Bytes that go to the terminal.
    pub bytes: usize,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            area: Rect::ZERO,
            said: Sheet::default(),
            saying: Sheet::default(),
            shown: Vec::new(),
            line: Buffer::default(),
            cursor: None,
            look: None,
            whole: true,
            bytes: Vec::new(),
            work: Work::default(),
        }
    }
}

impl Frames {
    /// Makes the next frame a whole one, whatever is thought to be on the terminal.
    pub fn forget(&mut self) {
        self.whole = true;
    }

    /// What the last frame took.
    pub fn work(&self) -> Work {
        self.work
    }

    /// The bytes of the next frame; none where nothing is to be seen of it.
    pub fn next(&mut self, app: &App, styles: &Styles) -> &[u8] {
        self.work = Work::default();
        self.bytes.clear();
        self.bytes.extend_from_slice(BEGIN);
        let area = Rect::new(0, 0, app.size.0, app.size.1);
        self.whole |= self.area != area;
        self.saying.begin(area);
        let cursor = note(app, styles, &mut self.saying);
        let look = self.look.filter(|_| !self.whole);
        let mut brush = Brush::new(&mut self.bytes, area.width, look);
        if self.whole {
            self.area = area;
            let line = Buffer::empty(Rect { height: 1, ..area });
            self.shown = vec![line.clone(); usize::from(area.height)];
            self.line = line;
            brush.clear();
        }
        for (y, shown) in (0..).zip(&mut self.shown) {
            if !self.whole && self.saying.says_the_same(&self.said, y) {
                continue;
            }
            self.work.lines += 1;
            self.saying.fill_in_line(y, &mut self.line, 0);
            brush.line(y, shown, &self.line);
            std::mem::swap(shown, &mut self.line);
        }
        std::mem::swap(&mut self.said, &mut self.saying);
        match cursor {
            Some(position) if brush.strokes > 0 || self.cursor != cursor => {
                brush.rest(position);
                if self.cursor.is_none() || self.whole {
                    brush.say(b"\x1b[?25h");
                }
            }
            None if self.cursor.is_some() || self.whole => brush.say(b"\x1b[?25l"),
            _ => {}
        }
        let strokes = brush.strokes;
        self.look = brush.look;
        self.cursor = cursor;
        self.whole = false;
        let painted = self.bytes.len() - BEGIN.len();
        let from = match (painted, strokes) {
            (0, _) => self.bytes.len(),
            (..=ONE_STROKE, ..=1) => BEGIN.len(),
            _ => {
                self.bytes.extend_from_slice(END);
                0
            }
        };
        let bytes = self.bytes.get(from..).unwrap_or_default();
        self.work.bytes = bytes.len();
        bytes
    }
}
