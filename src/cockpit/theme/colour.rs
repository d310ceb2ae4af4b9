//! What is computed of colours: the nearest one that a terminal has, how well one can be read on another, and how far
//! two are apart, also for eyes that don't tell red from green.

use ratatui::style::Color;

/// Red, green and blue.
pub(super) type Rgb = (u8, u8, u8);

/// The 16 named colours as xterm shows them by default. A terminal may show others; there are no better ones to go by.
const SIXTEEN: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 0, 0)),
    (Color::Green, (0, 205, 0)),
    (Color::Yellow, (205, 205, 0)),
    (Color::Blue, (0, 0, 238)),
    (Color::Magenta, (205, 0, 205)),
    (Color::Cyan, (0, 205, 205)),
    (Color::Gray, (229, 229, 229)),
    (Color::DarkGray, (127, 127, 127)),
    (Color::LightRed, (255, 0, 0)),
    (Color::LightGreen, (0, 255, 0)),
    (Color::LightYellow, (255, 255, 0)),
    (Color::LightBlue, (92, 92, 255)),
    (Color::LightMagenta, (255, 0, 255)),
    (Color::LightCyan, (0, 255, 255)),
    (Color::White, (255, 255, 255)),
];

/// Red, green and blue of a colour; black for the terminal's own.
pub(super) fn rgb(colour: Color) -> (u8, u8, u8) {
    match colour {
        Color::Rgb(r, g, b) => (r, g, b),
        other => SIXTEEN.iter().find(|(named, _)| *named == other).map_or((0, 0, 0), |(_, rgb)| *rgb),
    }
}

/// The nearest of the 16 named colours.
pub(super) fn sixteen(colour: (u8, u8, u8)) -> Color {
    let nearest = SIXTEEN.iter().min_by(|(_, a), (_, b)| distance(colour, *a).total_cmp(&distance(colour, *b)));
    nearest.map_or(Color::Reset, |(named, _)| *named)
}

/// Black or white, whichever can be read better.
pub(super) fn readable_on(ground: (u8, u8, u8)) -> Color {
    if contrast((0, 0, 0), ground) >= contrast((255, 255, 255), ground) { Color::Black } else { Color::White }
}

/// The nearest of xterm's colours 16 to 255.
pub(super) fn indexed(r: u8, g: u8, b: u8) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let distance = |a: (u8, u8, u8)| {
        let part = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
        part(a.0, r) + part(a.1, g) + part(a.2, b)
    };
    let level = |value: u8| (0..6u8).min_by_key(|n| LEVELS[usize::from(*n)].abs_diff(value)).unwrap_or(0);
    let cube = (level(r), level(g), level(b));
    let cube_distance =
        distance((LEVELS[usize::from(cube.0)], LEVELS[usize::from(cube.1)], LEVELS[usize::from(cube.2)]));
    let grey = (0..24u8).min_by_key(|n| distance((8 + 10 * n, 8 + 10 * n, 8 + 10 * n))).unwrap_or(0);
    let grey_value = 8 + 10 * grey;
    if distance((grey_value, grey_value, grey_value)) < cube_distance {
        232 + grey
    } else {
        16 + 36 * cube.0 + 6 * cube.1 + cube.2
    }
}

/// Red, green and blue as light, each from 0 to 1.
type Light = [f64; 3];

fn light(colour: (u8, u8, u8)) -> Light {
    [colour.0, colour.1, colour.2].map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

fn times(matrix: [Light; 3], light: Light) -> Light {
    matrix.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum())
}

/// How well a colour can be read on another: from 1, the same, to 21, black on white. As the Web Content
/// Accessibility Guidelines define it.
pub fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let luminance = |colour| {
        let [r, g, b] = light(colour);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How far two colours are apart to the eye: the distance in CIE L*a*b*, of which 2 can just be seen side by side.
pub(super) fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    apart(light(a), light(b))
}

/// The same to eyes without the receptors for middle wavelengths (deuteranopia), as simulated by Machado, Oliveira and
/// Fernandes (2009).
pub(super) fn distance_without_green(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    const SIMULATION: [Light; 3] =
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];
    let seen = |colour| times(SIMULATION, light(colour)).map(|part| part.clamp(0.0, 1.0));
    apart(seen(a), seen(b))
}

fn apart(a: Light, b: Light) -> f64 {
    lab(a).iter().zip(lab(b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn lab(light: Light) -> Light {
    const XYZ: [Light; 3] = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
    let [x, y, z] = times(XYZ, light);
    let [x, y, z] = [x / 0.950_47, y, z / 1.088_83]
        .map(|part: f64| if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_and_colours_find_their_index() {
        assert_eq!(indexed(255, 0, 0), 196);
        assert_eq!(indexed(18, 18, 18), 233);
        assert_eq!(sixteen((250, 10, 10)), Color::LightRed);
        assert_eq!(sixteen((10, 10, 10)), Color::Black);
    }

    #[test]
    fn contrast_is_what_the_guidelines_say() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.01);
        assert!((contrast((119, 119, 119), (255, 255, 255)) - 4.48).abs() < 0.01, "the grey that just fails");
        assert_eq!(readable_on((255, 230, 0)), Color::Black);
        assert_eq!(readable_on((120, 0, 0)), Color::White);
    }

    #[test]
    fn red_and_green_fall_together_without_the_receptors() {
        let (red, green) = ((200, 80, 0), (110, 130, 0));
        assert!(distance(red, green) > 50.0);
        assert!(distance_without_green(red, green) < distance(red, green) / 3.0);
        let (blue, orange) = ((79, 163, 240), (255, 144, 34));
        assert!(distance_without_green(blue, orange) > 60.0);
    }
}
