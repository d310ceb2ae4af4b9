//! `[ui]`, `[keys]` and `[[view]]`: how the cockpit is to look and behave.
//!
//! Which themes, commands and columns there are is the cockpit's to know: their names are kept as they were written,
//! with their places, so that whoever knows can say what is wrong with one and where.

use std::collections::HashMap;

use jiff::SignedDuration;
use toml::de::DeValue;

use super::diagnostic::{Diagnostic, Place};
use super::layers::{Flags, Layer, Setting, duration, on_or_off, one_of, variable};
use super::section::{Found, Section};
use super::{Surroundings, paths};

pub(super) const UI: [&str; 6] = ["theme", "colours", "ascii", "mouse", "times", "frame"];
const VIEW: [&str; 5] = ["name", "filter", "sort", "reverse", "group"];

/// From one frame that only data asks for to the next.
const FRAME: SignedDuration = SignedDuration::from_millis(33);
const FRAME_LEAST: SignedDuration = SignedDuration::from_millis(5);
const FRAME_MOST: SignedDuration = SignedDuration::from_secs(5);

/// How many colours are drawn, where it is not left to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourDepth {
    /// None: weight, underline and reverse only.
    None,
    /// The 16 named ones.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    True,
}

impl ColourDepth {
    /// Every depth with its name in the file and on the command line.
    pub const ALL: [(&'static str, Self); 4] =
        [("none", Self::None), ("16", Self::Sixteen), ("256", Self::Indexed), ("true", Self::True)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, depth)| *depth == self).map_or("auto", |(name, _)| name)
    }
}

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// In UTC, as the engines' logs have them.
    Utc,
    /// In the time zone of the machine.
    Local,
}

impl Times {
    /// Every way with its name.
    pub const ALL: [(&'static str, Self); 2] = [("utc", Self::Utc), ("local", Self::Local)];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utc => "utc",
            Self::Local => "local",
        }
    }
}

/// How the cockpit is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ui {
    /// The theme by name, or the path of its file; the cockpit's own choice where it is `None`.
    pub theme: Setting<Option<String>>,
    /// How many colours are drawn; as many as the terminal has where it is `None`.
    pub colours: Setting<Option<ColourDepth>>,
    /// Whether only ASCII is drawn; as the terminal can where it is `None`.
    pub ascii: Setting<Option<bool>>,
    /// Whether the mouse is listened to.
    pub mouse: Setting<bool>,
    /// How times are shown.
    pub times: Setting<Times>,
    /// The least time between two frames that only data asks for. Keys are answered at once.
    pub frame: Setting<SignedDuration>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: Setting::default(None),
            colours: Setting::default(None),
            ascii: Setting::default(None),
            mouse: Setting::default(true),
            times: Setting::default(Times::Utc),
            frame: Setting::default(FRAME),
        }
    }
}

impl Ui {
    /// What the defaults, the environment and the command line say where there is no file.
    pub fn without_file(flags: &Flags, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Diagnostic>> {
        let surroundings = Surroundings { variable, folder: std::path::Path::new("") };
        let mut ui = Self::default();
        let mut wrong = Vec::new();
        ui.overlay(flags, &surroundings, &mut |diagnostic| wrong.push(diagnostic));
        if wrong.is_empty() { Ok(ui) } else { Err(wrong) }
    }

    /// Reads `[ui]` and puts the environment and the command line over it.
    pub(super) fn read(root: &Section<'_>, flags: &Flags, surroundings: &Surroundings<'_>) -> Self {
        let document = root.document;
        let mut ui = Self::default();
        if let Some(section) = document.keep(root.table("ui", &UI)).flatten() {
            ui.read_file(&section, surroundings);
        }
        ui.overlay(flags, surroundings, &mut |diagnostic| document.problems.add(diagnostic));
        ui
    }

    fn read_file(&mut self, section: &Section<'_>, surroundings: &Surroundings<'_>) {
        let document = section.document;
        let layer = |key: &str| Layer::File(document.at(&section.place(key), true));
        if let Some(found) = document.keep(section.text("theme")).flatten() {
            // A theme of one's own is a path from the file's folder; a name has no slash.
            let value = if found.value.contains('/') {
                paths::resolve(found.value, surroundings.folder).display().to_string()
            } else {
                found.value.to_owned()
            };
            self.theme = Setting { value: Some(value), from: layer("theme") };
        }
        if let Some(found) = document.keep(section.text("colours")).flatten() {
            let place = document.at(&found.span, true);
            if let Some(value) = document.keep(depth(&place, found.value)) {
                self.colours = Setting { value, from: layer("colours") };
            }
        }
        if let Some(value) = document.keep(section.flag("ascii")).flatten() {
            self.ascii = Setting { value: Some(value), from: layer("ascii") };
        }
        if let Some(value) = document.keep(section.flag("mouse")).flatten() {
            self.mouse = Setting { value, from: layer("mouse") };
        }
        if let Some(found) = document.keep(section.text("times")).flatten() {
            let place = document.at(&found.span, true);
            if let Some(value) = document.keep(one_of(&place, "way to show times", found.value, &Times::ALL)) {
                self.times = Setting { value, from: layer("times") };
            }
        }
        if let Some(value) = document.keep(section.duration("frame", FRAME_LEAST)).flatten() {
            if value > FRAME_MOST {
                document.problems.add(document.wrong(&section.place("frame"), "\"frame\" must be 5s at most"));
            }
            self.frame = Setting { value, from: layer("frame") };
        }
    }

    fn overlay(&mut self, flags: &Flags, surroundings: &Surroundings<'_>, wrong: &mut dyn FnMut(Diagnostic)) {
        let environment = |name| variable(surroundings, name);
        if let Some(name) = environment("QUARTERDECK_THEME") {
            self.theme = Setting { value: Some(name), from: Layer::Environment("QUARTERDECK_THEME") };
        }
        if let Some(text) = environment("QUARTERDECK_COLOURS") {
            match depth(&Place::outside("QUARTERDECK_COLOURS"), &text) {
                Ok(value) => self.colours = Setting { value, from: Layer::Environment("QUARTERDECK_COLOURS") },
                Err(error) => wrong(error),
            }
        }
        if let Some(text) = environment("QUARTERDECK_ASCII") {
            match on_or_off("QUARTERDECK_ASCII", &text) {
                Ok(on) => self.ascii = Setting { value: Some(on), from: Layer::Environment("QUARTERDECK_ASCII") },
                Err(error) => wrong(error),
            }
        }
        if let Some(text) = environment("QUARTERDECK_MOUSE") {
            match on_or_off("QUARTERDECK_MOUSE", &text) {
                Ok(value) => self.mouse = Setting { value, from: Layer::Environment("QUARTERDECK_MOUSE") },
                Err(error) => wrong(error),
            }
        }
        if let Some(text) = environment("QUARTERDECK_TIMES") {
            match one_of(&Place::outside("QUARTERDECK_TIMES"), "way to show times", &text, &Times::ALL) {
                Ok(value) => self.times = Setting { value, from: Layer::Environment("QUARTERDECK_TIMES") },
                Err(error) => wrong(error),
            }
        }
        if let Some(text) = environment("QUARTERDECK_FRAME") {
            match duration("QUARTERDECK_FRAME", &text) {
                Ok(value) if (FRAME_LEAST..=FRAME_MOST).contains(&value) => {
                    self.frame = Setting { value, from: Layer::Environment("QUARTERDECK_FRAME") };
                }
                Ok(_) => wrong(Place::outside("QUARTERDECK_FRAME").wrong("it must be from 5ms to 5s")),
                Err(error) => wrong(error),
            }
        }
        if let Some(name) = &flags.theme {
            self.theme = Setting { value: Some(name.clone()), from: Layer::Flag("--theme") };
        }
        if let Some(depth) = flags.colours {
            self.colours = Setting { value: Some(depth), from: Layer::Flag("--colours") };
        }
        if let Some(ascii) = flags.ascii {
            self.ascii = Setting { value: Some(ascii), from: Layer::Flag("--ascii") };
        }
        if let Some(mouse) = flags.mouse {
            self.mouse = Setting { value: mouse, from: Layer::Flag("--no-mouse") };
        }
        if let Some(times) = flags.times {
            self.times = Setting { value: times, from: Layer::Flag("--times") };
        }
    }
}

fn depth(place: &Place, text: &str) -> Result<Option<ColourDepth>, Diagnostic> {
    let mut words = vec![("auto", None)];
    words.extend(ColourDepth::ALL.map(|(name, depth)| (name, Some(depth))));
    one_of(place, "number of colours", text, &words)
}

/// A command and the keys that are to mean it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetting {
    /// The command's name, with its place.
    pub command: Setting<String>,
    /// The keys, each a sequence separated by spaces, with its place. None: the command has no key.
    pub keys: Vec<Setting<String>>,
}

/// Reads `[keys]`, in the order of the file.
pub(super) fn keys(root: &Section<'_>) -> Vec<KeySetting> {
    let document = root.document;
    let mut keys = Vec::new();
    for (name, section, value) in document.keep(root.entries("keys")).unwrap_or_default() {
        let texts: Option<Vec<_>> = match value.get_ref() {
            DeValue::String(text) => Some(vec![Found { value: text.to_string(), span: value.span() }]),
            DeValue::Array(list) => list
                .iter()
                .map(|entry| {
                    let text = entry.get_ref().as_str()?.to_owned();
                    Some(Found { value: text, span: entry.span() })
                })
                .collect(),
            _ => None,
        };
        match texts {
            Some(texts) => keys.push(KeySetting {
                command: Setting::text(&section, &name),
                keys: texts.iter().map(|found| Setting::found(&section, found)).collect(),
            }),
            None => document.problems.add(document.wrong(
                &value.span(),
                format!("\"{}\" must be a key in quotes, such as \"ctrl-d\" or \"g g\", or a list of them", name.value),
            )),
        }
    }
    keys
}

/// A saved view of the flows: a filter with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewSetting {
    /// Its name; no other view has it.
    pub name: Setting<String>,
    /// The filter, in the filter language.
    pub filter: Option<Setting<String>>,
    /// The name of the order.
    pub sort: Option<Setting<String>>,
    /// Whether the order is turned round.
    pub reverse: bool,
    /// The name of the column that rows are put together by.
    pub group: Option<Setting<String>>,
}

/// Reads the `[[view]]`s.
pub(super) fn views(root: &Section<'_>) -> Vec<ViewSetting> {
    let document = root.document;
    let mut lines: HashMap<String, usize> = HashMap::new();
    let mut views = Vec::new();
    for section in document.keep(root.tables("view", &VIEW)).unwrap_or_default() {
        let text = |key| document.keep(section.text(key)).flatten().map(|found| Setting::text(&section, &found));
        let (filter, sort, group) = (text("filter"), text("sort"), text("group"));
        let reverse = document.keep(section.flag("reverse")).flatten().unwrap_or(false);
        let Some(name) = document.keep(section.required_text("name", "a view")) else { continue };
        if name.value.trim().is_empty() {
            document.problems.add(section.wrong(&name, "a view's name can't be empty"));
            continue;
        }
        let (line, _) = document.position(name.span.start);
        if let Some(first) = lines.insert(name.value.to_owned(), line) {
            let message = format!("a second view \"{}\"; the first is on line {first}", name.value);
            document.problems.add(section.wrong(&name, message));
            continue;
        }
        views.push(ViewSetting { name: Setting::text(&section, &name), filter, sort, reverse, group });
    }
    views
}
