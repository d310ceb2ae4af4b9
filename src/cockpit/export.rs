//! A drawn screen as plain text, as text with colours, and as a picture.

use std::collections::HashMap;
use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::frames::number;

/// One run of cells of the same style: where it begins, how wide it is, and what it says.
struct Run {
    x: u16,
    width: u16,
    style: Style,
    text: String,
}

/// The runs of one line. The cell behind a wide character belongs to it.
fn runs(buffer: &Buffer, y: u16) -> Vec<Run> {
    let area = buffer.area;
    let mut runs: Vec<Run> = Vec::new();
    let mut x = area.left();
    while x < area.right() {
        let Some(cell) = buffer.cell((x, y)) else { break };
        let width = u16::try_from(cell.symbol().width().max(1)).unwrap_or(1);
        let style = cell.style();
        match runs.last_mut() {
            Some(run) if run.style == style && run.x + run.width == x && width == 1 && is_plain(cell) => {
                run.width += width;
                run.text.push_str(cell.symbol());
            }
            _ => runs.push(Run { x, width, style, text: cell.symbol().to_owned() }),
        }
        x += width;
    }
    runs
}

/// Whether a cell can share a run. Characters whose width fonts disagree about get a run of their own, so that they
/// move nothing after them.
fn is_plain(cell: &Cell) -> bool {
    cell.symbol().is_ascii()
}

/// The screen as lines of plain text, without spaces at their ends.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let line: String = runs(buffer, y).into_iter().map(|run| run.text).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The screen as text with the escape sequences of its styles, for `cat` in a terminal.
pub fn ansi(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        for run in runs(buffer, y) {
            let mut codes = vec!["0".to_owned()];
            let modifiers = [
                (Modifier::BOLD, "1"),
                (Modifier::DIM, "2"),
                (Modifier::ITALIC, "3"),
                (Modifier::UNDERLINED, "4"),
                (Modifier::REVERSED, "7"),
            ];
            for (modifier, code) in modifiers {
                if run.style.add_modifier.contains(modifier) {
                    codes.push(code.to_owned());
                }
            }
            codes.extend(run.style.fg.and_then(|colour| sgr(colour, 30)));
            codes.extend(run.style.bg.and_then(|colour| sgr(colour, 40)));
            let _ = write!(out, "\x1b[{}m{}", codes.join(";"), run.text);
        }
        out.push_str("\x1b[0m\n");
    }
    out
}

fn sgr(colour: Color, base: u8) -> Option<String> {
    let extended = base + 8;
    match colour {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some(format!("{extended};2;{r};{g};{b}")),
        Color::Indexed(n) => Some(format!("{extended};5;{n}")),
        named => Some(format!("{extended};5;{}", number(named)?)),
    }
}

/// What a terminal makes of a colour.
fn rgb(colour: Color, default: (u8, u8, u8)) -> (u8, u8, u8) {
    const NAMED: [(u8, u8, u8); 16] = [
        (0x1d, 0x20, 0x26),
        (0xe0, 0x6c, 0x75),
        (0x98, 0xc3, 0x79),
        (0xe5, 0xc0, 0x7b),
        (0x61, 0xaf, 0xef),
        (0xc6, 0x78, 0xdd),
        (0x56, 0xb6, 0xc2),
        (0xc8, 0xcc, 0xd4),
        (0x6b, 0x72, 0x80),
        (0xff, 0x7b, 0x85),
        (0xb1, 0xe0, 0x8f),
        (0xff, 0xd8, 0x8f),
        (0x7f, 0xc4, 0xff),
        (0xdd, 0x93, 0xf0),
        (0x6f, 0xd3, 0xdf),
        (0xff, 0xff, 0xff),
    ];
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match colour {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(n @ 16..=231) => {
            let level = |n: u8| LEVELS[usize::from(n % 6)];
            (level((n - 16) / 36), level((n - 16) / 6), level(n - 16))
        }
        Color::Indexed(n @ 232..) => {
            let grey = 8 + 10 * (n - 232);
            (grey, grey, grey)
        }
        other => number(other).map_or(default, |n| NAMED[usize::from(n)]),
    }
}

/// Width and height of one cell of the picture, and how far below its top the text stands.
const CELL: (f32, f32, f32) = (8.4, 18.0, 13.6);
const FONT_SIZE: f32 = 14.0;
const MARGIN: f32 = 10.0;
const GROUND: (u8, u8, u8) = (0x0f, 0x14, 0x19);
const INK: (u8, u8, u8) = (0xd5, 0xda, 0xe2);

fn hex((r, g, b): (u8, u8, u8)) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn blend(a: (u8, u8, u8), b: (u8, u8, u8)) -> (u8, u8, u8) {
    let mid = |a: u8, b: u8| a.midpoint(b);
    (mid(a.0, b.0), mid(a.1, b.1), mid(a.2, b.2))
}

/// The screen as an SVG picture on a grid of cells.
///
/// Each run of one style is one `text` of a fixed length, so that no font can move a column; block shades are drawn
/// as shapes, since fonts disagree about them.
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let area = buffer.area;
    let (cell_width, cell_height, baseline) = CELL;
    let left = |x: u16| MARGIN + f32::from(x - area.left()) * cell_width;
    let top = |y: u16| MARGIN + f32::from(y - area.top()) * cell_height;
    let width = 2.0 * MARGIN + f32::from(area.width) * cell_width;
    let height = 2.0 * MARGIN + f32::from(area.height) * cell_height;
    let ground = ground(buffer);
    let mut boxes = String::new();
    let mut texts = String::new();
    for y in area.top()..area.bottom() {
        for run in runs(buffer, y) {
            let modifiers = run.style.add_modifier;
            let mut ink = rgb(run.style.fg.unwrap_or(Color::Reset), INK);
            let mut back = rgb(run.style.bg.unwrap_or(Color::Reset), ground);
            if modifiers.contains(Modifier::REVERSED) {
                std::mem::swap(&mut ink, &mut back);
            }
            if modifiers.contains(Modifier::DIM) {
                ink = blend(ink, back);
            }
            let length = f32::from(run.width) * cell_width;
            if back != ground {
                let _ = writeln!(
                    boxes,
                    r#"<rect x="{:.1}" y="{:.1}" width="{length:.1}" height="{cell_height:.1}" fill="{}"/>"#,
                    left(run.x),
                    top(y),
                    hex(back)
                );
            }
            if let Some(shape) = shape(&run.text, left(run.x), top(y), &hex(ink)) {
                boxes.push_str(&shape);
                continue;
            }
            // Spaces at the ends have been painted; only what is between them is text.
            let trimmed = run.text.trim_start_matches(' ');
            let skipped = run.text.len() - trimmed.len();
            let shown = trimmed.trim_end_matches(' ');
            if shown.is_empty() {
                continue;
            }
            let skipped = u16::try_from(skipped).unwrap_or(0);
            let columns = u16::try_from(shown.width()).unwrap_or(run.width);
            let mut attributes = String::new();
            if modifiers.contains(Modifier::BOLD) {
                attributes.push_str(r#" font-weight="bold""#);
            }
            if modifiers.contains(Modifier::ITALIC) {
                attributes.push_str(r#" font-style="italic""#);
            }
            if modifiers.contains(Modifier::UNDERLINED) {
                attributes.push_str(r#" text-decoration="underline""#);
            }
            let _ = writeln!(
                texts,
                r#"<text x="{:.1}" y="{:.1}" textLength="{:.1}" lengthAdjust="spacingAndGlyphs" fill="{}"{attributes} xml:space="preserve">{}</text>"#,
                left(run.x + skipped),
                top(y) + baseline,
                f32::from(columns) * cell_width,
                hex(ink),
                escape(shown)
            );
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.1} {height:.1}\" font-family=\"'DejaVu Sans Mono','JetBrains Mono',Menlo,Consolas,monospace\" \
         font-size=\"{FONT_SIZE}\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n{boxes}{texts}</svg>\n",
        escape(title),
        hex(ground)
    )
}

/// What most cells stand on.
fn ground(buffer: &Buffer) -> (u8, u8, u8) {
    let mut counts: HashMap<(u8, u8, u8), usize> = HashMap::new();
    for cell in &buffer.content {
        *counts.entry(rgb(cell.bg, GROUND)).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(colour, count)| (*count, *colour)).map_or(GROUND, |(colour, _)| colour)
}

/// Lines and shades of one cell, as shapes.
fn shape(symbol: &str, x: f32, y: f32, colour: &str) -> Option<String> {
    let (width, height, _) = CELL;
    let opacity = match symbol {
        "█" => 1.0,
        "▓" => 0.75,
        "▒" => 0.62,
        "░" => 0.38,
        _ => return lines(symbol, x, y, colour),
    };
    Some(format!(
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>\n",
        x + 0.4,
        y + 2.0,
        width - 0.8,
        height - 4.0
    ))
}

/// A box-drawing character as strokes from its middle: left, right, up, down.
fn lines(symbol: &str, x: f32, y: f32, colour: &str) -> Option<String> {
    let (width, height, _) = CELL;
    let (left, right, up, down) = match symbol {
        "─" => (true, true, false, false),
        "│" => (false, false, true, true),
        "┌" | "╭" => (false, true, false, true),
        "┐" | "╮" => (true, false, false, true),
        "└" | "╰" => (false, true, true, false),
        "┘" | "╯" => (true, false, true, false),
        "├" => (false, true, true, true),
        "┤" => (true, false, true, true),
        "┬" => (true, true, false, true),
        "┴" => (true, true, true, false),
        _ => return None,
    };
    let (mid_x, mid_y) = (x + width / 2.0, y + height / 2.0);
    let mut path = String::new();
    let mut stroke = |on: bool, to_x: f32, to_y: f32| {
        if on {
            let _ = write!(path, "M{mid_x:.1} {mid_y:.1}L{to_x:.1} {to_y:.1}");
        }
    };
    stroke(left, x, mid_y);
    stroke(right, x + width, mid_y);
    stroke(up, mid_x, y);
    stroke(down, mid_x, y + height);
    Some(format!("<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"1.1\" fill=\"none\"/>\n"))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 knows no other control characters, and a screen holds none.
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn text_keeps_wide_characters_and_trims_ends() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_string(0, 0, "東京 a", Style::new());
        assert_eq!(text(&buffer), "東京 a\n\n");
    }

    #[test]
    fn svg_escapes_and_places_by_column() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(2, 0, "<a>&", Style::new().fg(Color::Rgb(1, 2, 3)));
        let picture = svg(&buffer, "t<");
        assert!(picture.contains("&lt;a&gt;&amp;</text>"), "{picture}");
        assert!(picture.contains(r#"x="26.8""#), "{picture}");
        assert!(picture.contains(r##"fill="#010203""##), "{picture}");
        assert!(picture.contains("<title>t&lt;</title>"), "{picture}");
    }

    #[test]
    fn ansi_begins_each_run_anew() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 2, 1));
        buffer.set_string(0, 0, "ab", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
        assert_eq!(ansi(&buffer), "\x1b[0;1;38;5;1mab\x1b[0m\n");
    }
}
