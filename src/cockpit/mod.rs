//! The terminal: screens, keys and what they ask of the hub.
//!
//! Built as state, [`update`](update::update) and [`draw`](draw::draw): the first is plain data, the second turns a
//! message into new state and a list of effects, the third paints. Neither waits nor talks to anybody; the
//! [`runtime`] does that, against [`Ops`]. So everything that an operator can see or do is tested without a terminal.

mod acts;
pub mod app;
pub mod claims;
pub mod clipboard;
pub mod command;
pub mod compare;
pub mod draw;
mod drift;
mod events;
mod export;
pub mod frames;
pub mod gantt;
pub mod glyphs;
pub mod hit;
pub mod keymap;
pub mod latency;
pub mod log;
pub mod many;
pub mod marks;
pub mod menus;
pub mod msg;
pub mod opener;
pub mod palette;
mod part;
mod popups;
pub mod raw;
mod records;
pub mod remote;
mod runtime;
mod screens;
mod session;
mod settings;
mod snapshot;
mod tenants;
pub mod theme;
pub mod times;
pub mod update;
pub mod views;
mod widgets;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub use export::{ansi, svg, text};
pub use runtime::{can_show, run, run_with};
pub use session::{Contexts, Reread, Session};
pub use settings::{Badge, Clock, Colours, DEMO, ScreenName, Settings, Stamp, Tempo, ascii, colours, mouse};
pub use snapshot::{Headless, snapshot, snapshot_after};
pub(crate) use widgets::pen::wrap;

use crate::domain::ids::InstanceId;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// Why the cockpit could not be shown, or had to be left.
#[derive(Debug, Error)]
pub enum CockpitError {
    /// Nobody could see or steer it.
    #[error("the cockpit needs a terminal for input and output; `quarterdeck get board` prints without one")]
    NoTerminal,
    /// The terminal can't place its cursor.
    #[error("a terminal of type {0:?} can't show the cockpit; `quarterdeck get board` prints without it")]
    Dumb(String),
    /// The theme can't be had.
    #[error("theme: {0}")]
    Theme(String),
    /// The terminal failed.
    #[error("terminal: {0}")]
    Terminal(#[from] std::io::Error),
    /// A part of the program failed in a way that must not happen; what it said is on stderr.
    #[error("a part of Quarterdeck failed; the message above says where")]
    Panicked,
}

/// Why the cockpit was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// The operator asked for it.
    Asked,
    /// A signal asked for it.
    Signal(&'static str),
    /// The terminal is gone.
    TerminalLost,
}

/// An act that had not ended when the cockpit was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningAct {
    /// The remediation's id; `None` where its request was not answered yet.
    pub id: Option<SafeText>,
    /// What is done.
    pub verb: Verb,
    /// To whom.
    pub target: InstanceId,
}

/// How the cockpit was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Why.
    pub reason: ExitReason,
    /// What had not ended.
    pub running: Vec<RunningAct>,
    /// The remediations of many that are held because it was left, each with how far it has come.
    pub held: Vec<SafeText>,
    /// Whether it was left on the demo world.
    pub demo: bool,
}
