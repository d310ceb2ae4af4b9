//! How the cockpit is to look and whom it serves: decided once, before the first frame.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::clipboard::Between;
use super::keymap::Keymap;
use super::opener::Opener;
use super::theme::{Styles, Themes};
use super::times::LocalZone;
use super::views::View;
use crate::config::{ContextInfo, Times};
use crate::domain::text::SafeText;

/// What the context's badge warns of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Badge {
    /// A made-up world.
    Demo,
    /// A real one.
    Normal,
    /// A real one that customers depend on.
    Production,
}

/// The name of the demo world, as a context.
pub const DEMO: &str = "demo";

/// How many colours the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// 24 bits.
    TrueColour,
    /// The 256 of xterm.
    Indexed,
    /// The 16 named ones.
    Sixteen,
    /// None: weight, underline and reverse only.
    None,
}

/// The screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScreenName {
    /// What is stuck, worst first.
    Board,
    /// Every instance.
    Flows,
    /// One instance.
    Detail,
    /// The control planes.
    Sources,
    /// What the engine keeps of one instance.
    Raw,
    /// Two instances side by side.
    Compare,
    /// What was asked for, waits for approval, runs, and was done.
    Remediations,
    /// One remediation of many.
    Remediation,
    /// What has drifted.
    Drift,
    /// One finding of drift.
    Finding,
    /// Whom the flows are for.
    Tenants,
    /// One of them.
    Tenant,
    /// What has happened.
    Events,
    /// One event.
    Event,
    /// How long steps take.
    Latency,
}

impl ScreenName {
    /// Every screen.
    pub const ALL: [Self; 15] = [
        Self::Board,
        Self::Flows,
        Self::Detail,
        Self::Sources,
        Self::Raw,
        Self::Compare,
        Self::Remediations,
        Self::Remediation,
        Self::Drift,
        Self::Finding,
        Self::Tenants,
        Self::Tenant,
        Self::Events,
        Self::Event,
        Self::Latency,
    ];

    /// Its name on the command line and after `:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Flows => "flows",
            Self::Detail => "detail",
            Self::Sources => "sources",
            Self::Raw => "raw",
            Self::Compare => "compare",
            Self::Remediations => "remediations",
            Self::Remediation => "remediation",
            Self::Drift => "drift",
            Self::Finding => "finding",
            Self::Tenants => "tenants",
            Self::Tenant => "tenant",
            Self::Events => "events",
            Self::Event => "event",
            Self::Latency => "latency",
        }
    }

    /// The list that what it shows is one of; itself where it is a list.
    #[must_use]
    pub const fn list(self) -> Self {
        match self {
            Self::Detail | Self::Raw | Self::Compare | Self::Latency => Self::Flows,
            Self::Remediation => Self::Remediations,
            Self::Finding => Self::Drift,
            Self::Tenant => Self::Tenants,
            Self::Event => Self::Events,
            other => other,
        }
    }

    /// Whether it shows an instance of the flows.
    pub const fn below_flows(self) -> bool {
        matches!(self, Self::Detail | Self::Raw | Self::Compare)
    }

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Board => "Board",
            Self::Flows => "Flows",
            Self::Detail => "Detail",
            Self::Sources => "Sources",
            Self::Raw => "Raw JSON",
            Self::Compare => "Compare",
            Self::Remediations => "Remediations",
            Self::Remediation => "Remediation",
            Self::Drift => "Drift",
            Self::Finding => "Finding",
            Self::Tenants => "Tenants",
            Self::Tenant => "Tenant",
            Self::Events => "Events",
            Self::Event => "Event",
            Self::Latency => "Latency",
        }
    }
}

impl FromStr for ScreenName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|screen| screen.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no screen is called {text:?}; there are: {names}")
        })
    }
}

/// Where the present comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How fast the time of a made-up world runs.
pub trait Tempo: Send + Sync {
    /// How many of its seconds pass in one.
    fn speed(&self) -> f64;

    /// Makes it run slower or faster from now on; in words why it can't.
    fn set(&self, speed: f64) -> Result<(), String>;
}

/// What a context and its looks were made of, as hashes: so that it can be told whether a config says anything else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Of what the hub is made of.
    pub hub: u64,
    /// Of looks, keys and views.
    pub looks: u64,
}

/// How the cockpit is to look and whom it serves.
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone)]
pub struct Settings {
    /// The context's name.
    pub context: SafeText,
    /// What its badge warns of.
    pub badge: Badge,
    /// Why nothing can be acted on, where that is so.
    pub read_only: Option<SafeText>,
    /// Whether a production context is acted on without being armed, because it was asked for at the start.
    pub writable: bool,
    /// The contexts of the config, in its order.
    pub contexts: Vec<ContextInfo>,
    /// Whether the operator's only role is support: then only what customers may see of a tenant is shown.
    pub customer_only: bool,
    /// Who is at the keyboard; taken on trust.
    pub operator: SafeText,
    /// How many colours the terminal has.
    pub colours: Colours,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// The theme's name; `None` is the default one.
    pub theme: Option<String>,
    /// The themes that there are.
    pub themes: Themes,
    /// The colour of the context, which tints its badge: a terminal's colour by name, or `#rrggbb`.
    pub accent: Option<String>,
    /// The keys.
    pub keymap: Keymap,
    /// Whether the mouse is listened to. Where it is, marking text for the terminal's own copying takes Shift.
    pub mouse: bool,
    /// What is said at the start: something in the config that could not be taken.
    pub warning: Option<SafeText>,
    /// What is wrong with a config that is not in force for that.
    pub unread: Option<SafeText>,
    /// The present.
    pub clock: Clock,
    /// What makes time run faster, where that can be: in a made-up world.
    pub tempo: Option<Arc<dyn Tempo>>,
    /// How fast it runs now, where it can be made faster.
    pub speed: Option<f64>,
    /// The screen to begin with.
    pub start: ScreenName,
    /// What lies between here and the terminal, for the clipboard.
    pub between: Between,
    /// Who opens pages, or why nobody does.
    pub opener: Result<Opener, SafeText>,
    /// By which clock times are shown.
    pub times: Times,
    /// The zone of this machine.
    pub zone: LocalZone,
    /// The filter to begin with, on the flows screen.
    pub filter: Option<String>,
    /// The views of the config.
    pub views: Vec<View>,
    /// The least time between two frames that only data asks for. Keys are answered at once.
    pub frame_every: Duration,
    /// What these were made of.
    pub stamp: Stamp,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("context", &self.context)
            .field("badge", &self.badge)
            .field("colours", &self.colours)
            .field("ascii", &self.ascii)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Settings for a terminal that can show everything; see [`Settings::fit_terminal`].
    pub fn new(context: impl Into<SafeText>, operator: impl Into<SafeText>) -> Self {
        Self {
            context: context.into(),
            badge: Badge::Normal,
            read_only: None,
            writable: false,
            contexts: Vec::new(),
            customer_only: false,
            operator: operator.into(),
            colours: Colours::TrueColour,
            ascii: false,
            theme: None,
            themes: Themes::default(),
            accent: None,
            keymap: Keymap::default(),
            mouse: true,
            warning: None,
            unread: None,
            clock: Arc::new(Timestamp::now),
            tempo: None,
            speed: None,
            start: ScreenName::Board,
            between: Between::Nothing,
            opener: Err("nobody was asked".into()),
            times: Times::Utc,
            zone: LocalZone::default(),
            filter: None,
            views: Vec::new(),
            frame_every: Duration::from_millis(33),
            stamp: Stamp::default(),
        }
    }

    /// The styles of a theme for this terminal, with the context's colour.
    pub fn styles(&self, theme: Option<&str>) -> Result<Styles, String> {
        let mut styles = self.themes.styles(theme, self.colours)?;
        if let Some(accent) = &self.accent {
            styles.accent(accent, self.colours)?;
        }
        Ok(styles)
    }

    /// Takes colours and characters from the environment.
    #[must_use]
    pub fn fit_terminal(mut self) -> Self {
        let var = |name: &str| std::env::var(name).ok();
        self.colours = colours(var);
        self.ascii = ascii(var);
        self.mouse &= mouse(var);
        self.between = Between::of(var);
        self.opener = Opener::of(var);
        self
    }
}

/// How many colours there are, by the environment: `NO_COLOR`, `COLORTERM`, `TERM`.
pub fn colours(var: impl Fn(&str) -> Option<String>) -> Colours {
    if var("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return Colours::None;
    }
    let term = var("TERM").unwrap_or_default();
    if term == "dumb" || term.ends_with("-mono") || term.starts_with("vt1") || term.starts_with("vt2") {
        return Colours::None;
    }
    if var("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit") || term.ends_with("-direct") {
        return Colours::TrueColour;
    }
    if term.contains("256color") || ["alacritty", "foot", "xterm-kitty", "xterm-ghostty"].contains(&&*term) {
        return Colours::Indexed;
    }
    Colours::Sixteen
}

/// Whether only ASCII can be drawn, by the environment: `QUARTERDECK_ASCII`, `TERM`, and a locale that is not UTF-8.
pub fn ascii(var: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| var(name).filter(|value| !value.is_empty());
    if let Some(asked) = set("QUARTERDECK_ASCII") {
        return asked != "0";
    }
    if set("TERM").is_some_and(|term| term == "dumb" || term == "linux") {
        return true;
    }
    // The first that is set decides, as in setlocale(3); none set is the C locale, which many containers run in
    // though their terminal is an UTF-8 one.
    match set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")) {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            !(locale.contains("utf-8") || locale.contains("utf8"))
        }
        None => false,
    }
}

/// Whether the terminal tells of a mouse as all of today's do, by the environment: `TERM`. Where it may not, what is
/// sent to ask for it would be read as text.
pub fn mouse(var: impl Fn(&str) -> Option<String>) -> bool {
    let term = var("TERM").unwrap_or_default();
    let old = ["", "dumb", "linux", "cons25", "ansi"].contains(&&*term);
    !(old || term.starts_with("vt1") || term.starts_with("vt2") || term.ends_with("-mono"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn colours_follow_the_environment() {
        assert_eq!(colours(env(&[("COLORTERM", "truecolor"), ("TERM", "xterm")])), Colours::TrueColour);
        assert_eq!(colours(env(&[("TERM", "xterm-256color")])), Colours::Indexed);
        assert_eq!(colours(env(&[("TERM", "linux")])), Colours::Sixteen);
        assert_eq!(colours(env(&[("TERM", "dumb"), ("COLORTERM", "truecolor")])), Colours::None);
        assert_eq!(colours(env(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")])), Colours::None);
        assert_eq!(colours(env(&[("NO_COLOR", ""), ("COLORTERM", "24bit")])), Colours::TrueColour);
    }

    #[test]
    fn ascii_follows_the_environment() {
        assert!(!ascii(env(&[("LANG", "de_DE.UTF-8")])));
        assert!(ascii(env(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")])));
        assert!(ascii(env(&[("LANG", "en_GB.ISO-8859-1")])));
        assert!(ascii(env(&[("TERM", "linux"), ("LANG", "C.UTF-8")])));
        assert!(ascii(env(&[("QUARTERDECK_ASCII", "1"), ("LANG", "C.UTF-8")])));
        assert!(!ascii(env(&[("QUARTERDECK_ASCII", "0"), ("LANG", "C")])));
        assert!(!ascii(env(&[])));
    }

    #[test]
    fn old_terminals_are_not_asked_for_a_mouse() {
        assert!(mouse(env(&[("TERM", "xterm-256color")])));
        assert!(mouse(env(&[("TERM", "tmux")])));
        for term in ["dumb", "linux", "vt100", "vt220", ""] {
            assert!(!mouse(env(&[("TERM", term)])), "{term}");
        }
    }
}
