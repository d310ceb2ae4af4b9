//! Themes: a palette and the styles made of it, as data.
//!
//! The state of a thing is never told by colour alone, so every style also reads without any: where there are no
//! colours, backgrounds that carry a meaning become reversed text.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::settings::Colours;

const DARK: &str = include_str!("../../themes/dark.toml");

/// The names of the themes that can be had.
pub const NAMES: [&str; 1] = ["dark"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    palette: BTreeMap<String, [String; 2]>,
    style: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    add: Vec<String>,
}

macro_rules! styles {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Every style that something is drawn in.
        #[derive(Debug, Clone, Default)]
        pub struct Styles { $($(#[$doc])* pub $name: Style,)* }

        impl Styles {
            fn from_entries(mut style: impl FnMut(&str) -> Result<Style, String>) -> Result<Self, String> {
                Ok(Self { $($name: style(stringify!($name))?,)* })
            }

            const NAMES: &'static [&'static str] = &[$(stringify!($name),)*];
        }
    };
}

styles! {
    /// The empty screen.
    ground,
    /// The two lines at the top and the one at the bottom.
    bar,
    /// What stands out there.
    bar_strong,
    /// Ordinary text.
    text,
    /// Text that stands out.
    strong,
    /// Text of less weight.
    dim,
    /// Text of the least weight.
    faint,
    /// The head of a column.
    heading,
    /// A title.
    title,
    /// A rule between parts.
    rule,
    /// A name that can be gone to.
    link,
    /// The row under the cursor.
    selected,
    /// The row under the cursor of a pane without the focus.
    selected_idle,
    /// A row that is no longer there.
    gone,
    /// A screen's name.
    tab,
    /// The present screen's name.
    tab_active,
    /// The badge of a made-up world.
    badge_demo,
    /// The badge of a context.
    badge_normal,
    /// The badge of a production context.
    badge_production,
    /// A badge that says why something is not as usual.
    badge_note,
    /// Well.
    ok,
    /// Past half a threshold.
    suspect,
    /// Stuck.
    stuck,
    /// To be looked at again.
    recheck,
    /// Not known.
    unknown,
    /// In a legitimate wait.
    waiting,
    /// Paused by a person.
    held,
    /// Not fresh.
    stale,
    /// Failed.
    failed,
    /// The words of an error.
    error_text,
    /// What may be done.
    suggest,
    /// A message.
    info,
    /// A warning.
    warning,
    /// A key.
    key,
    /// A line that is typed into.
    input,
    /// A popup's ground.
    popup,
    /// A popup's border.
    popup_border,
    /// The border of a popup that can do harm.
    popup_danger,
    /// A button.
    button,
    /// The button with the focus.
    button_focus,
    /// The button with the focus that acts.
    button_danger,
    /// A button that can't be pressed.
    button_off,
}

impl Styles {
    /// Reads a theme by name for a terminal with so many colours.
    pub fn load(name: Option<&str>, colours: Colours) -> Result<Self, String> {
        match name.unwrap_or("dark") {
            "dark" => Self::parse(DARK, colours),
            other => Err(format!("there is none called {other:?}; there is: {}", NAMES.join(", "))),
        }
    }

    /// Reads a theme.
    pub fn parse(text: &str, colours: Colours) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        if let Some(unknown) = file.style.keys().find(|name| !Self::NAMES.contains(&name.as_str())) {
            return Err(format!("no style is called {unknown:?}{}", nearest(unknown, Self::NAMES.iter().copied())));
        }
        Self::from_entries(|name| {
            let Some(entry) = file.style.get(name) else { return Err(format!("the style {name:?} is missing")) };
            let mut style = Style::new();
            if let Some(fg) = &entry.fg {
                style.fg = colour(&file.palette, fg, colours)?;
            }
            if let Some(bg) = &entry.bg {
                style.bg = colour(&file.palette, bg, colours)?;
            }
            for word in &entry.add {
                style = style.add_modifier(modifier(word)?);
            }
            if colours == Colours::None {
                style = Style::new().add_modifier(style.add_modifier | without_colour(name));
            }
            Ok(style)
        })
    }
}

/// What tells a style apart where there are no colours.
fn without_colour(name: &str) -> Modifier {
    match name {
        "selected" | "button_focus" | "button_danger" | "badge_demo" | "badge_normal" | "badge_production"
        | "badge_note" => Modifier::REVERSED,
        "selected_idle" | "input" => Modifier::UNDERLINED,
        "faint" | "gone" | "button_off" | "rule" => Modifier::DIM,
        "bar_strong" | "title" | "warning" => Modifier::BOLD,
        _ => Modifier::empty(),
    }
}

fn modifier(word: &str) -> Result<Modifier, String> {
    const ALL: [(&str, Modifier); 5] = [
        ("bold", Modifier::BOLD),
        ("dim", Modifier::DIM),
        ("italic", Modifier::ITALIC),
        ("underlined", Modifier::UNDERLINED),
        ("reversed", Modifier::REVERSED),
    ];
    ALL.iter()
        .find(|(name, _)| *name == word)
        .map(|(_, modifier)| *modifier)
        .ok_or_else(|| format!("nothing is called {word:?}{}", nearest(word, ALL.iter().map(|(name, _)| *name))))
}

fn colour(palette: &BTreeMap<String, [String; 2]>, name: &str, colours: Colours) -> Result<Option<Color>, String> {
    let Some([full, named]) = palette.get(name) else {
        return Err(format!("the palette has no {name:?}{}", nearest(name, palette.keys().map(String::as_str))));
    };
    let parse = |text: &str| text.parse::<Color>().map_err(|_| format!("{text:?} is no colour"));
    Ok(match colours {
        Colours::TrueColour => Some(parse(full)?),
        Colours::Indexed => Some(match parse(full)? {
            Color::Rgb(r, g, b) => Color::Indexed(indexed(r, g, b)),
            other => other,
        }),
        Colours::Sixteen => Some(parse(named)?),
        Colours::None => None,
    })
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

fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| format!("; is {name:?} meant?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_can_be_read_in_every_depth() {
        for name in NAMES {
            for colours in [Colours::TrueColour, Colours::Indexed, Colours::Sixteen, Colours::None] {
                let styles = Styles::load(Some(name), colours).unwrap();
                assert_ne!(styles.selected, Style::new());
            }
        }
    }

    #[test]
    fn without_colours_there_is_no_colour() {
        let styles = Styles::load(None, Colours::None).unwrap();
        assert_eq!((styles.stuck.fg, styles.stuck.bg), (None, None));
        assert!(styles.selected.add_modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        let error = Styles::parse("[palette]\n[style]\nslected = {}", Colours::None).unwrap_err();
        assert_eq!(error, "no style is called \"slected\"; is \"selected\" meant?");
        assert!(Styles::load(Some("drak"), Colours::None).unwrap_err().contains("there is: dark"));
    }

    #[test]
    fn greys_and_colours_find_their_index() {
        assert_eq!(indexed(255, 0, 0), 196);
        assert_eq!(indexed(18, 18, 18), 233);
    }
}
