//! What a program wrote to its terminal, byte by byte.

/// What begins a frame that is to be shown as a whole.
pub const FRAME_BEGIN: &[u8] = b"\x1b[?2026h";

/// What ends it.
pub const FRAME_END: &[u8] = b"\x1b[?2026l";

/// What clears the screen before it is painted as a whole.
pub const CLEAR: &str = "\x1b[2J";

/// The parameters of each escape sequence that sets how letters look (`CSI … m`).
pub fn looks(bytes: &[u8]) -> Vec<Vec<u16>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\x1b[") {
        rest = &rest[at + 2..];
        let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)).unwrap_or(rest.len());
        if rest.get(end) == Some(&b'm') {
            let text = String::from_utf8_lossy(&rest[..end]).into_owned();
            found.push(text.split([';', ':']).map(|number| number.parse().unwrap_or(0)).collect());
        }
        rest = &rest[end..];
    }
    found
}

/// A colour that an escape sequence chooses. Going back to the terminal's own (39, 49) chooses none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// One of the sixteen, by a number of its own.
    Named,
    /// One of the 256.
    Indexed(u16),
    /// One of 24 bits.
    True,
}

/// The colours that a program has chosen, in their order.
pub fn colours(bytes: &[u8]) -> Vec<Colour> {
    looks(bytes).iter().flat_map(|look| chosen(look)).collect()
}

fn chosen(mut look: &[u16]) -> Vec<Colour> {
    let mut found = Vec::new();
    while let Some((first, rest)) = look.split_first() {
        let (colour, used) = match (first, rest) {
            (38 | 48 | 58, [5, index, ..]) => (Some(Colour::Indexed(*index)), 2),
            (38 | 48 | 58, [2, ..]) => (Some(Colour::True), 4.min(rest.len())),
            (30..=38 | 40..=48 | 58 | 90..=97 | 100..=107, _) => (Some(Colour::Named), 0),
            _ => (None, 0),
        };
        found.extend(colour);
        look = &rest[used..];
    }
    found
}

/// How often a text stands in bytes.
pub fn count(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}
