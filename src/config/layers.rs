//! Which of the layers a value comes from: the built-in one, the file, the environment, the command line. The later
//! one wins.

use jiff::SignedDuration;

use super::Surroundings;
use super::diagnostic::{Diagnostic, Place};
use super::section::{Found, Section};
use crate::domain::time::parse_duration;

/// Where a value comes from, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// Nobody said otherwise.
    Default,
    /// The file.
    File(Place),
    /// An environment variable, by name.
    Environment(&'static str),
    /// An option of the command line, as it is typed.
    Flag(&'static str),
}

impl Layer {
    /// Says what is wrong with a value of this layer.
    pub fn wrong(&self, message: impl Into<String>) -> Diagnostic {
        match self {
            Self::Default => Place::outside("the built-in default").wrong(message),
            Self::File(place) => place.wrong(message),
            Self::Environment(name) | Self::Flag(name) => Place::outside(name).wrong(message),
        }
    }

    /// Its name, for people: `default`, `line 7`, `QUARTERDECK_THEME`, `--theme`.
    pub fn name(&self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::File(place) => format!("line {}", place.line),
            Self::Environment(name) | Self::Flag(name) => (*name).to_owned(),
        }
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub from: Layer,
}

impl<T> Setting<T> {
    /// A value that nobody has set.
    pub const fn default(value: T) -> Self {
        Self { value, from: Layer::Default }
    }

    /// A value of the file.
    pub(super) fn found(section: &Section<'_>, found: &Found<T>) -> Self
    where
        T: Clone,
    {
        Self { value: found.value.clone(), from: Layer::File(section.document.at(&found.span, true)) }
    }

    /// Says what is wrong with it.
    pub fn wrong(&self, message: impl Into<String>) -> Diagnostic {
        self.from.wrong(message)
    }
}

impl Setting<String> {
    pub(super) fn text(section: &Section<'_>, found: &Found<&str>) -> Self {
        Self::found(section, &Found { value: found.value.to_owned(), span: found.span.clone() })
    }
}

/// What the command line says; `None` where it says nothing. Each goes before the environment and the file.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The context.
    pub context: Option<String>,
    /// The theme.
    pub theme: Option<String>,
    /// The colours of the terminal.
    pub colours: Option<super::ColourDepth>,
    /// Whether only ASCII is drawn.
    pub ascii: Option<bool>,
    /// Whether the mouse is listened to.
    pub mouse: Option<bool>,
    /// How times are shown.
    pub times: Option<super::Times>,
}

impl Flags {
    /// A context and nothing else.
    pub fn of_context(context: Option<&str>) -> Self {
        Self { context: context.map(str::to_owned), ..Self::default() }
    }
}

/// The value of an environment variable; what is empty is not set.
pub(super) fn variable(surroundings: &Surroundings<'_>, name: &str) -> Option<String> {
    (surroundings.variable)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Whether a variable is on or off: the words that people use for it.
pub(super) fn on_or_off(name: &'static str, text: &str) -> Result<bool, Diagnostic> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Place::outside(name).wrong(format!("\"{text}\" is neither on nor off; use 1 or 0"))),
    }
}

/// One of some words.
pub(super) fn one_of<T: Copy>(
    place: &Place,
    what: &str,
    text: &str,
    words: &[(&'static str, T)],
) -> Result<T, Diagnostic> {
    let names = || words.iter().map(|(name, _)| *name);
    words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let all: Vec<_> = names().collect();
        place.wrong(format!("unknown {what} \"{text}\"; there are: {}", all.join(", "))).or_rather(text, names())
    })
}

/// A length of time in an environment variable.
pub(super) fn duration(name: &'static str, text: &str) -> Result<SignedDuration, Diagnostic> {
    parse_duration(text).map_err(|error| Place::outside(name).wrong(error.to_string()))
}
