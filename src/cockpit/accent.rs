//! The colour of a context: its badge and the rules between the parts of a screen wear it, so that nobody mistakes one
//! context for another. The badge says its name too, for those who see no colours.

use ratatui::style::{Color, Style};

use super::settings::{Colours, Settings};
use super::theme::Styles;

/// The names that the config knows, with what they look like where there are more colours than those.
const NAMED: [(&str, Color, (u8, u8, u8)); 9] = [
    ("black", Color::Black, (40, 40, 40)),
    ("red", Color::Red, (204, 51, 51)),
    ("green", Color::Green, (64, 160, 80)),
    ("yellow", Color::Yellow, (214, 170, 40)),
    ("blue", Color::Blue, (70, 120, 220)),
    ("magenta", Color::Magenta, (180, 80, 180)),
    ("cyan", Color::Cyan, (60, 170, 180)),
    ("white", Color::White, (230, 230, 230)),
    ("gray", Color::DarkGray, (128, 128, 128)),
];

impl Styles {
    /// The theme of these settings in the colour of their context.
    pub fn of(settings: &Settings) -> Result<Self, String> {
        let styles = Self::load(settings.theme.as_deref(), settings.colours)?;
        Ok(match settings.accent.as_deref().and_then(rgb) {
            Some(accent) => styles.accented(accent, settings.colours),
            None => styles,
        })
    }

    fn accented(mut self, accent: (u8, u8, u8), colours: Colours) -> Self {
        let (r, g, b) = accent;
        let (accent, ink) = match colours {
            Colours::TrueColour => (Color::Rgb(r, g, b), ink(accent, Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255))),
            Colours::Indexed => {
                (Color::Indexed(super::theme::indexed(r, g, b)), ink(accent, Color::Indexed(16), Color::Indexed(231)))
            }
            Colours::Sixteen => (sixteen(accent), ink(accent, Color::Black, Color::White)),
            Colours::None => return self,
        };
        for badge in [&mut self.badge_normal, &mut self.badge_production] {
            *badge = badge.patch(Style::new().fg(ink).bg(accent));
        }
        for rule in [&mut self.rule, &mut self.popup_border] {
            *rule = rule.fg(accent);
        }
        self
    }
}

/// What a colour of the config looks like; `None` where it is none.
pub(super) fn rgb(text: &str) -> Option<(u8, u8, u8)> {
    if let Some((_, _, rgb)) = NAMED.iter().find(|(name, ..)| *name == text) {
        return Some(*rgb);
    }
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    let part = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

/// A colour of the config for a terminal with so many colours.
pub(super) fn colour(text: &str, colours: Colours) -> Option<Color> {
    let (r, g, b) = rgb(text)?;
    match colours {
        Colours::TrueColour => Some(Color::Rgb(r, g, b)),
        Colours::Indexed => Some(Color::Indexed(super::theme::indexed(r, g, b))),
        Colours::Sixteen => Some(sixteen((r, g, b))),
        Colours::None => None,
    }
}

fn sixteen(wanted: (u8, u8, u8)) -> Color {
    let distance = |(r, g, b): (u8, u8, u8)| {
        let part = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
        part(r, wanted.0) + part(g, wanted.1) + part(b, wanted.2)
    };
    NAMED.iter().min_by_key(|(.., rgb)| distance(*rgb)).map_or(Color::White, |(_, colour, _)| *colour)
}

/// What is read best on a colour.
fn ink((r, g, b): (u8, u8, u8), dark: Color, light: Color) -> Color {
    let brightness = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
    if brightness > 128_000 { dark } else { light }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styles(accent: &str, colours: Colours) -> Styles {
        let settings = Settings { accent: Some(accent.to_owned()), colours, ..Settings::new("prod", "jo") };
        Styles::of(&settings).unwrap()
    }

    #[test]
    fn the_badge_and_the_rules_wear_the_colour_in_every_depth() {
        for (colours, red) in [
            (Colours::TrueColour, Color::Rgb(204, 51, 51)),
            (Colours::Indexed, Color::Indexed(167)),
            (Colours::Sixteen, Color::Red),
        ] {
            let styles = styles("red", colours);
            assert_eq!((styles.badge_production.bg, styles.rule.fg), (Some(red), Some(red)), "{colours:?}");
        }
        let plain = Styles::load(None, Colours::None).unwrap();
        assert_eq!(styles("red", Colours::None).rule, plain.rule);
        assert_eq!(styles("#ff0080", Colours::TrueColour).rule.fg, Some(Color::Rgb(255, 0, 128)));
        assert_eq!(styles("#ff0000", Colours::Sixteen).rule.fg, Some(Color::Red));
    }

    #[test]
    fn what_stands_on_it_can_be_read() {
        assert_eq!(styles("yellow", Colours::Sixteen).badge_normal.fg, Some(Color::Black));
        assert_eq!(styles("blue", Colours::Sixteen).badge_normal.fg, Some(Color::White));
        assert!(rgb("#ff00é").is_none() && rgb("#ff00").is_none() && rgb("rde").is_none());
    }
}
