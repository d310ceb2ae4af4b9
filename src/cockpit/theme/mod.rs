//! Themes: a palette and the styles made of it, as data.
//!
//! The state of a thing is never told by colour alone, so every style also reads without any: where there are no
//! colours, backgrounds that carry a meaning become reversed text.

mod check;
mod colour;
mod file;
#[cfg(test)]
mod tests;

use ratatui::style::{Color, Modifier, Style};

use super::settings::Colours;

pub use check::{Finding, Report, Weight};
pub use colour::contrast;
pub use file::{DEFAULT, Themes};

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
    /// What marks the header with the colour of its context.
    header_rule,
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
    /// Tints the badge of a context and the rule below the header: a terminal's colour by name, or `#rrggbb`. What
    /// stands on the badge is black or white, whichever can be read on it. Changes nothing where there are no colours.
    pub fn accent(&mut self, colour: &str, colours: Colours) -> Result<(), String> {
        let full: Color = colour.parse().map_err(|_| format!("{colour:?} is no colour"))?;
        let (r, g, b) = colour::rgb(full);
        let (ground, text) = match colours {
            Colours::None => return Ok(()),
            Colours::TrueColour => (full, colour::readable_on((r, g, b))),
            Colours::Indexed => (Color::Indexed(colour::indexed(r, g, b)), colour::readable_on((r, g, b))),
            Colours::Sixteen => {
                let named = colour::sixteen((r, g, b));
                (named, colour::readable_on(colour::rgb(named)))
            }
        };
        let badge = Style::new().fg(text).bg(ground).add_modifier(Modifier::BOLD);
        self.badge_normal = badge;
        self.badge_production = badge;
        self.header_rule = Style::new().fg(ground);
        Ok(())
    }
}
