//! Frames against an emulator that is given their bytes, and against the same screens drawn in the plain way.

use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::brush::Brush;

fn colour(colour: Color) -> vt100::Color {
    match colour {
        Color::Reset => vt100::Color::Default,
        Color::Indexed(index) => vt100::Color::Idx(index),
        Color::LightRed => vt100::Color::Idx(9),
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        other => panic!("{other:?} is not used here"),
    }
}

/// What a cell shows, as far as it can be seen.
type Seen = (String, vt100::Color, Option<(vt100::Color, bool, bool, bool)>, [bool; 2]);

fn of_buffer(cell: &Cell) -> Seen {
    let has = |modifier| cell.modifier.contains(modifier);
    let lines = [has(Modifier::UNDERLINED), has(Modifier::REVERSED)];
    let letter = (colour(cell.fg), has(Modifier::BOLD), has(Modifier::DIM), has(Modifier::ITALIC));
    let seen = (cell.symbol() != " " || lines[0] || lines[1]).then_some(letter);
    (cell.symbol().to_owned(), colour(cell.bg), seen, lines)
}

fn of_terminal(cell: &vt100::Cell) -> Seen {
    let lines = [cell.underline(), cell.inverse()];
    let letter = (cell.fgcolor(), cell.bold(), cell.dim(), cell.italic());
    let text = if cell.has_contents() { cell.contents() } else { " " };
    let seen = (text != " " || lines[0] || lines[1]).then_some(letter);
    (text.to_owned(), cell.bgcolor(), seen, lines)
}

/// Looks whether the emulator shows a screen.
pub(in crate::cockpit) fn assert_shows(screen: &vt100::Screen, buffer: &Buffer) {
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let (cell, shown) = (&buffer[(x, y)], screen.cell(y, x).unwrap());
            assert_eq!(of_terminal(shown), of_buffer(cell), "at {x}, {y} of\n{}", screen.contents());
            x += if shown.is_wide() { 2 } else { 1 };
        }
    }
}

fn lines(buffer: &Buffer) -> Vec<Buffer> {
    let columns = usize::from(buffer.area.width);
    let line = |cells: &[Cell]| Buffer { area: Rect { height: 1, ..buffer.area }, content: cells.to_vec() };
    buffer.content.chunks(columns).map(line).collect()
}

/// Paints one screen over another, and gives the bytes that it took.
fn painted(from: &Buffer, to: &Buffer) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut brush = Brush::new(&mut bytes, to.area.width, None);
    for (y, (from, to)) in (0..).zip(lines(from).iter().zip(&lines(to))) {
        brush.line(y, from, to);
    }
    bytes
}

const COLUMNS: u16 = 24;
const ROWS: u16 = 7;

fn style() -> impl Strategy<Value = Style> {
    let colours = || {
        prop::option::of(prop::sample::select(vec![
            Color::Reset,
            Color::Indexed(3),
            Color::LightRed,
            Color::Rgb(1, 22, 133),
            Color::Rgb(255, 255, 255),
        ]))
    };
    let modifiers = prop::sample::select(vec![
        Modifier::empty(),
        Modifier::BOLD,
        Modifier::DIM,
        Modifier::ITALIC | Modifier::UNDERLINED,
        Modifier::REVERSED,
    ]);
    (colours(), colours(), modifiers).prop_map(|(fg, bg, modifiers)| {
        // The emulator knows bold and dim as one thing with three states.
        let style = Style::new().add_modifier(modifiers).remove_modifier(modifiers.complement());
        let style = fg.map_or(style, |fg| style.fg(fg));
        bg.map_or(style, |bg| style.bg(bg))
    })
}

/// Something that is written onto a screen: where, what, and how.
fn stroke() -> impl Strategy<Value = (u16, u16, String, Style)> {
    (0..COLUMNS, 0..ROWS, "[a-c ]{0,12}|[ab東é…│e\u{301}]{0,6}| {4,24}", style())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is painted over whatever else: the terminal shows it.
    #[test]
    fn a_terminal_shows_what_is_painted(screens in prop::collection::vec(prop::collection::vec(stroke(), 0..12), 1..6)) {
        let area = Rect::new(0, 0, COLUMNS, ROWS);
        let mut parser = vt100::Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 0);
        let mut shown = Buffer::empty(area);
        for strokes in screens {
            // Each screen is the one before with something more on it, or one that is begun anew.
            let mut next = if strokes.len() % 3 == 0 { Buffer::empty(area) } else { shown.clone() };
            for (x, y, text, style) in strokes {
                next.set_stringn(x, y, text, usize::from(COLUMNS), style);
            }
            parser.process(&painted(&shown, &next));
            assert_shows(parser.screen(), &next);
            shown = next;
        }
    }
}

fn screen(rows: &[(&str, Style)]) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 4));
    for (y, (text, style)) in (0..).zip(rows) {
        buffer.set_stringn(0, y, text, 40, *style);
    }
    buffer
}

fn told(from: &[(&str, Style)], to: &[(&str, Style)]) -> String {
    String::from_utf8(painted(&screen(from), &screen(to))).unwrap().replace('\u{1b}', "^").replace('\n', "_")
}

#[test]
fn the_way_is_short_and_a_look_is_told_once() {
    let (plain, red) = (Style::new(), Style::new().fg(Color::Indexed(1)));
    assert_eq!(told(&[("12 of 34", plain)], &[("12 of 34", plain)]), "");
    assert_eq!(told(&[("12 of 34", plain)], &[("12 of 35", plain)]), "^[1;8H^[m5");
    // What lies between is written again where that is as short, and leapt over where it is not.
    assert_eq!(told(&[("1 of 3", plain)], &[("2 of 4", plain)]), "^[1H^[m2 of 4");
    assert_eq!(told(&[("1 of all of them 3", plain)], &[("2 of all of them 4", plain)]), "^[1H^[m2^[18G4");
    // One below the other.
    assert_eq!(told(&[("a1", red), ("a1", red)], &[("a2", red), ("a2", red)]), "^[1;2H^[0;38;5;1m2_^[D2");
    let (from, to) = (("12 of the 31", red), ("12 of the 32", red));
    assert_eq!(told(&[from, from], &[to, to]), "^[1;12H^[0;38;5;1m2_^[D2");
    assert_eq!(told(&[("1", red), ("1", red)], &[("2", red), ("2", red)]), "^[1H^[0;38;5;1m2\r_2");
    // Behind a letter that may be two columns wide somewhere, the place is told and not counted.
    assert_eq!(told(&[("1 34567890", plain)], &[("… 34567891", plain)]), "^[1H^[m…^[1;10H1");
    // What is empty up to the end is erased; of blanks between words only the ground is told.
    assert_eq!(told(&[("a long line", plain)], &[("a", plain)]), "^[1;3H^[m^[K");
}

#[test]
fn a_letter_whose_width_nobody_agrees_on_moves_nothing_else() {
    let plain = Style::new();
    let (from, to) = (("ab d", plain), ("\u{26a0}\u{fe0f}cx", plain));
    // Blanks, the letter over them, and what follows at its own place.
    assert_eq!(told(&[from], &[to]), "^[1H^[m  \r\u{26a0}\u{fe0f}^[1;3Hcx");
}
