//! The reason that a popup asks for before something is recorded: it is typed, sent once, and kept where it was refused.

use crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use super::prompt;
use crate::cockpit::keymap::Key;
use crate::domain::text::SafeText;
use crate::ops::{OpsError, is_reason};

/// What is typed, and how far it has come.
#[derive(Debug, Clone, Default)]
pub struct ReasonForm {
    /// Why.
    pub input: Input,
    /// Whether it has been asked for and not been answered.
    pub sent: bool,
    /// Why it was refused.
    pub error: Option<SafeText>,
}

/// What a key came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cockpit) enum Pressed {
    /// The popup is to be closed.
    Close,
    /// It is to be sent, once.
    Send,
    /// More of what is beside the reason.
    Up,
    /// Less of it.
    Down,
    /// It was taken as text, or is nothing here.
    Taken,
}

impl ReasonForm {
    /// One that begins with this text.
    pub(super) fn new(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()), ..Self::default() }
    }

    /// Whether the reason is long enough.
    pub fn ready(&self) -> bool {
        is_reason(self.input.value())
    }

    /// The reason as it is recorded.
    pub(super) fn text(&self) -> &str {
        self.input.value().trim()
    }

    /// A key while the popup is open. Once it was sent there is nothing to press but what closes it.
    pub(super) fn key(&mut self, event: &KeyEvent, key: Key) -> Pressed {
        let is = |name: &str| Key::parse(name) == Some(key);
        if is("esc") || is("ctrl-c") {
            return Pressed::Close;
        }
        if self.sent {
            return Pressed::Taken;
        }
        if is("enter") {
            if !self.ready() {
                return Pressed::Taken;
            }
            (self.sent, self.error) = (true, None);
            return Pressed::Send;
        }
        if is("up") {
            return Pressed::Up;
        }
        if is("down") {
            return Pressed::Down;
        }
        self.input.handle_event(&Event::Key(*event));
        Pressed::Taken
    }

    /// Pasted text.
    pub(super) fn paste(&mut self, text: &str) {
        if !self.sent {
            prompt::insert(&mut self.input, text);
        }
    }

    /// It was refused: it can be mended and sent again.
    pub(super) fn refused(&mut self, why: &OpsError) {
        (self.sent, self.error) = (false, Some(why.to_string().into()));
    }
}
