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

/// What a program wrote apart from escape sequences; and those sequences that are more than a look, a place or a mode
/// (`CSI …`), such as titles and the clipboard.
///
/// # Panics
/// Where something is no UTF-8.
pub fn text_and_commands(bytes: &[u8]) -> (String, Vec<String>) {
    let all = std::str::from_utf8(bytes).expect("what is written to a terminal is UTF-8");
    let (mut text, mut commands) = (String::new(), Vec::new());
    let mut rest = all;
    while let Some(at) = rest.find('\u{1b}') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let length = if rest.starts_with('[') {
            rest.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c) && c != '[').map_or(rest.len(), |end| end + 1)
        } else if rest.starts_with([']', 'P', '^', '_', 'X']) {
            let end = rest.find(['\u{7}', '\u{1b}']).unwrap_or(rest.len());
            commands.push(rest[..end].to_owned());
            (end + 1 + usize::from(rest[end..].starts_with("\u{1b}\\"))).min(rest.len())
        } else {
            let one = rest.chars().next();
            commands.push(one.into_iter().collect());
            one.map_or(0, char::len_utf8)
        };
        rest = &rest[length..];
    }
    text.push_str(rest);
    (text, commands)
}

/// The modes that a program has set and not taken back, as it wrote them: `?1000` for the mouse, `>` for the keys of
/// kitty. A cursor that was hidden and not shown is one of them, too.
pub fn modes_left(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut left: Vec<String> = Vec::new();
    for sequence in text.split("\u{1b}[").skip(1) {
        let Some(end) = sequence.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)) else { continue };
        let (parameters, last) = (&sequence[..end], sequence[end..].chars().next());
        if let (Some(modes), Some('h' | 'l')) = (parameters.strip_prefix('?'), last) {
            for mode in modes.split(';') {
                let mode = format!("?{mode}");
                left.retain(|other| *other != mode);
                // The cursor is the one that is on by itself.
                if (last == Some('h')) != (mode == "?25") {
                    left.push(mode);
                }
            }
        }
        if last == Some('u') && parameters.starts_with('>') {
            left.push(">".to_owned());
        }
        if last == Some('u')
            && parameters.starts_with('<')
            && let Some(at) = left.iter().rposition(|mode| mode == ">")
        {
            left.remove(at);
        }
    }
    left
}
