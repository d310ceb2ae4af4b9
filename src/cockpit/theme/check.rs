//! A theme looked at closely: whether each text can be read on every ground it stands on, whether states can be told
//! apart, also without the difference of red and green, and what falls together where there are 16 colours.

use ratatui::style::Color;

use super::super::settings::Colours;
use super::Styles;
use super::colour::{Rgb, contrast, distance, distance_without_green, rgb};
use super::file::Whole;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// To know.
    Note,
    /// A theme with it does not pass.
    Fault,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// What it is, in words.
    pub text: String,
}

/// What a theme came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The theme.
    pub name: String,
    /// Each style with a text: its name, its worst contrast, and the style whose ground that is on.
    pub contrasts: Vec<(&'static str, f64, &'static str)>,
    /// The two states nearest to each other, and how far they are apart: 10 and more is told apart at a glance.
    pub nearest: (&'static str, &'static str, f64),
    /// The same for eyes that don't tell red from green.
    pub nearest_without_green: (&'static str, &'static str, f64),
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong with it.
    pub fn passes(&self) -> bool {
        self.findings.iter().all(|finding| finding.weight == Weight::Note)
    }

    /// The worst contrast of all.
    pub fn worst(&self) -> f64 {
        self.contrasts.iter().map(|(_, ratio, _)| *ratio).fold(21.0, f64::min)
    }
}

/// The least contrast of a text, by the guidelines' level AA; and of what is only drawn, or can't be used now.
const TEXT: f64 = 4.5;
const DRAWN: f64 = 3.0;
/// The same in a theme that says of itself that it has a high contrast: level AAA.
const HIGH: f64 = 7.0;
/// The least distance of two states.
const APART: f64 = 10.0;

/// What is written on the ground of other styles.
const PLAIN: [&str; 25] = [
    "text",
    "strong",
    "dim",
    "faint",
    "heading",
    "title",
    "link",
    "gone",
    "ok",
    "suspect",
    "stuck",
    "recheck",
    "unknown",
    "waiting",
    "held",
    "stale",
    "failed",
    "error_text",
    "suggest",
    "info",
    "warning",
    "key",
    "bar",
    "popup",
    "input",
];
/// On which grounds.
const GROUNDS: [&str; 5] = ["ground", "bar", "popup", "selected", "selected_idle"];
/// What has a ground of its own.
const OWN: [&str; 15] = [
    "ground",
    "bar",
    "bar_strong",
    "tab",
    "tab_active",
    "badge_demo",
    "badge_normal",
    "badge_production",
    "badge_note",
    "input",
    "popup",
    "button",
    "button_focus",
    "button_danger",
    "selected",
];
/// Lines, and what can't be pressed.
const LESS: [&str; 3] = ["popup_border", "popup_danger", "button_off"];
/// The states that must be told apart.
const STATES: [&str; 6] = ["ok", "suspect", "stuck", "unknown", "waiting", "held"];

pub(super) fn report(name: &str, theme: &Whole) -> Result<Report, String> {
    // Everything in it must be readable at all, in each depth.
    for colours in [Colours::TrueColour, Colours::Indexed, Colours::Sixteen, Colours::None] {
        theme.styles(colours)?;
    }
    let full = |style: &str| theme.style(style, Colours::TrueColour);
    let mut findings = Vec::new();
    let mut contrasts = Vec::new();
    let high = name.contains("contrast");
    for style in Styles::NAMES {
        let own = OWN.contains(style) || LESS.contains(style);
        let mut worst: Option<(f64, &'static str)> = None;
        let mut against = |ground: &'static str| -> Result<(), String> {
            let (Some(fg), Some(bg)) = (full(style)?.fg, full(ground)?.bg) else { return Ok(()) };
            // The terminal's own colours are not known: nothing can be said of them.
            if fg == Color::Reset || bg == Color::Reset {
                return Ok(());
            }
            let ratio = contrast(rgb(fg), rgb(bg));
            if worst.is_none_or(|(known, _)| ratio < known) {
                worst = Some((ratio, ground));
            }
            Ok(())
        };
        if own && full(style)?.bg.is_some() {
            against(style)?;
        } else if PLAIN.contains(style) {
            for ground in GROUNDS {
                against(ground)?;
            }
        }
        let Some((ratio, ground)) = worst else { continue };
        let least = match (LESS.contains(style), high) {
            (true, _) => DRAWN,
            (false, true) => HIGH,
            (false, false) => TEXT,
        };
        if ratio < least {
            let on = if ground == *style { String::new() } else { format!(" on the ground of {ground}") };
            findings.push(fault(format!("{style}{on}: contrast {ratio:.2}, at least {least} is wanted")));
        }
        contrasts.push((*style, ratio, ground));
    }
    let nearest = nearest_states(theme, &mut findings, distance, "")?;
    let blind = name.contains("blind");
    let mut without_green = Vec::new();
    let words = " without the difference of red and green";
    let nearest_without_green = nearest_states(theme, &mut without_green, distance_without_green, words)?;
    findings.extend(without_green.into_iter().map(|finding| if blind { finding } else { note(finding.text) }));
    sixteen(theme, &mut findings)?;
    Ok(Report { name: name.to_owned(), contrasts, nearest, nearest_without_green, findings })
}

fn fault(text: String) -> Finding {
    Finding { weight: Weight::Fault, text }
}

fn note(text: String) -> Finding {
    Finding { weight: Weight::Note, text }
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    STATES.iter().enumerate().flat_map(|(at, one)| STATES.iter().skip(at + 1).map(move |other| (*one, *other)))
}

fn nearest_states(
    theme: &Whole,
    findings: &mut Vec<Finding>,
    distance: fn(Rgb, Rgb) -> f64,
    words: &str,
) -> Result<(&'static str, &'static str, f64), String> {
    let mut nearest = ("ok", "stuck", f64::INFINITY);
    for (one, other) in pairs() {
        let of = |name: &str| theme.style(name, Colours::TrueColour).map(|style| style.fg.unwrap_or(Color::Reset));
        let apart = distance(rgb(of(one)?), rgb(of(other)?));
        if apart < nearest.2 {
            nearest = (one, other, apart);
        }
        if apart < APART {
            findings.push(fault(format!("{one} and {other} are {apart:.1} apart{words}, at least {APART} is wanted")));
        }
    }
    Ok(nearest)
}

/// What can't be told apart, or can't be read, where there are 16 colours.
fn sixteen(theme: &Whole, findings: &mut Vec<Finding>) -> Result<(), String> {
    let style = |name: &str| theme.style(name, Colours::Sixteen);
    for (one, other) in pairs() {
        if style(one)?.fg == style(other)?.fg {
            findings.push(fault(format!("{one} and {other} fall together in 16 colours")));
        }
    }
    for name in PLAIN.iter().chain(&OWN).chain(&LESS) {
        let own = style(name)?;
        let grounds: &[&str] = if own.bg.is_some() { &[name] } else { &GROUNDS };
        for ground in grounds {
            let bg = style(ground)?.bg;
            if own.fg.is_some_and(|fg| fg != Color::Reset) && own.fg == bg {
                let weight =
                    if *ground == "selected" || *ground == "selected_idle" { Weight::Note } else { Weight::Fault };
                let text = format!("{name} can't be seen on the ground of {ground} in 16 colours");
                findings.push(Finding { weight, text });
            }
        }
    }
    Ok(())
}
