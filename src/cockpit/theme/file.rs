//! The themes that there are, and a theme's file read into styles: what it does not say comes from the one it inherits.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::super::settings::Colours;
use super::Styles;
use super::check::{Report, report};
use super::colour::{indexed, rgb, sixteen};

/// The theme where none is named.
pub const DEFAULT: &str = "dark";

/// Those that are a part of the program, in the order in which they are offered.
const EMBEDDED: [(&str, &str); 7] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../../themes/colour-blind.toml")),
    ("catppuccin-mocha", include_str!("../../../themes/catppuccin-mocha.toml")),
    ("gruvbox-dark", include_str!("../../../themes/gruvbox-dark.toml")),
    ("tokyo-night", include_str!("../../../themes/tokyo-night.toml")),
];

/// How many themes may inherit one from the other.
const DEEPEST: usize = 8;

/// The themes that there are: the embedded ones, and the operator's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Themes {
    own: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    inherits: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, Entry>,
    #[serde(default)]
    style: BTreeMap<String, Look>,
}

/// A colour: the full one with the named one to stand in for it, or the full one alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Entry {
    Both([String; 2]),
    Full(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    pub(super) fg: Option<String>,
    pub(super) bg: Option<String>,
    #[serde(default)]
    pub(super) add: Vec<String>,
}

/// A theme with everything it inherits.
#[derive(Debug, Default)]
pub(super) struct Whole {
    palette: BTreeMap<String, Entry>,
    pub(super) style: BTreeMap<String, Look>,
}

impl Themes {
    /// With a theme of the operator's own: its name, and the text of its file. It may have the name of an embedded
    /// one, which it then stands in front of and may inherit.
    pub fn add(&mut self, name: String, text: String) {
        self.own.retain(|(known, _)| *known != name);
        self.own.push((name, text));
        self.own.sort();
    }

    /// Their names, the embedded ones first.
    pub fn names(&self) -> Vec<&str> {
        let own = self.own.iter().map(|(name, _)| name.as_str());
        let own = own.filter(|name| !EMBEDDED.iter().any(|(known, _)| known == name));
        EMBEDDED.iter().map(|(name, _)| *name).chain(own).collect()
    }

    /// Whether a theme is the operator's own.
    pub fn is_own(&self, name: &str) -> bool {
        self.own.iter().any(|(known, _)| known == name)
    }

    /// The styles of a theme for a terminal with so many colours; of the default one where none is named.
    pub fn styles(&self, name: Option<&str>, colours: Colours) -> Result<Styles, String> {
        self.whole(name.unwrap_or(DEFAULT))?.styles(colours)
    }

    /// What a theme comes to when it is looked at closely.
    pub fn check(&self, name: &str) -> Result<Report, String> {
        report(name, &self.whole(name)?)
    }

    /// Checks a text that is not one of the themes yet.
    pub fn check_text(&self, name: &str, text: &str) -> Result<Report, String> {
        report(name, &self.read(text, name, 0)?)
    }

    pub(super) fn whole(&self, name: &str) -> Result<Whole, String> {
        self.read(self.text(name, None)?, name, 0)
    }

    /// The text of a theme. What inherits its own name means the embedded one.
    fn text(&self, name: &str, heir: Option<&str>) -> Result<&str, String> {
        let own = self.own.iter().find(|(known, _)| known == name && heir != Some(name)).map(|(_, text)| text.as_str());
        let embedded = || EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        own.or_else(embedded).ok_or_else(|| {
            let names = self.names();
            let meant = nearest(name, names.iter().copied());
            format!("there is none called {name:?}{meant}; there are: {}", names.join(", "))
        })
    }

    fn read(&self, text: &str, name: &str, depth: usize) -> Result<Whole, String> {
        let file: File = toml::from_str(text).map_err(|error| format!("{name}: {}", error.to_string().trim_end()))?;
        if depth >= DEEPEST {
            return Err(format!("{name}: themes that inherit one from the other in a circle, or too deep"));
        }
        let mut whole = match &file.inherits {
            Some(parent) => {
                let text = self.text(parent, Some(name)).map_err(|error| format!("{name} inherits: {error}"))?;
                self.read(text, parent, depth + 1)?
            }
            None => Whole::default(),
        };
        if let Some(unknown) = file.style.keys().find(|style| !Styles::NAMES.contains(&style.as_str())) {
            return Err(format!("no style is called {unknown:?}{}", nearest(unknown, Styles::NAMES.iter().copied())));
        }
        whole.palette.extend(file.palette);
        whole.style.extend(file.style);
        Ok(whole)
    }
}

impl Whole {
    pub(super) fn styles(&self, colours: Colours) -> Result<Styles, String> {
        Styles::from_entries(|name| self.style(name, colours))
    }

    pub(super) fn style(&self, name: &str, colours: Colours) -> Result<Style, String> {
        let Some(entry) = self.style.get(name) else {
            return Err(format!("the style {name:?} is missing; `inherits = \"{DEFAULT}\"` fills what is left out"));
        };
        let mut style = Style::new();
        if let Some(fg) = &entry.fg {
            style.fg = self.colour(fg, colours)?;
        }
        if let Some(bg) = &entry.bg {
            style.bg = self.colour(bg, colours)?;
        }
        for word in &entry.add {
            style = style.add_modifier(modifier(word)?);
        }
        if colours == Colours::None {
            style = Style::new().add_modifier(style.add_modifier | without_colour(name));
        }
        Ok(style)
    }

    fn colour(&self, name: &str, colours: Colours) -> Result<Option<Color>, String> {
        let Some(entry) = self.palette.get(name) else {
            return Err(format!(
                "the palette has no {name:?}{}",
                nearest(name, self.palette.keys().map(String::as_str))
            ));
        };
        let parse = |text: &str| text.parse::<Color>().map_err(|_| format!("{text:?} is no colour"));
        let (full, named) = match entry {
            Entry::Both([full, named]) => (parse(full)?, parse(named)?),
            Entry::Full(full) => {
                let full = parse(full)?;
                (full, if full == Color::Reset { full } else { sixteen(rgb(full)) })
            }
        };
        if matches!(named, Color::Rgb(..) | Color::Indexed(_)) {
            return Err(format!("{name}: the second colour is one of the 16 named ones, as in \"light_blue\""));
        }
        Ok(match (colours, full) {
            (Colours::None, _) => None,
            (Colours::TrueColour, full) => Some(full),
            (Colours::Indexed, Color::Rgb(r, g, b)) => Some(Color::Indexed(indexed(r, g, b))),
            (Colours::Indexed, other) => Some(other),
            (Colours::Sixteen, _) => Some(named),
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

fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    let meant = crate::domain::nearest::nearest(word, names);
    meant.map(|name| format!("; is {name:?} meant?")).unwrap_or_default()
}
