//! The first start, when there is no config yet: a question in place of an error.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::Failure;

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Open the demo.
    Demo,
    /// Write the example.
    Write,
    /// Leave.
    Leave,
}

/// Asks on the terminal what to do; `None` where there is nobody to ask.
pub(super) fn ask(missing: &Path) -> Result<Option<Choice>, Failure> {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb" || term.is_empty());
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() || dumb {
        return Ok(None);
    }
    let mut out = std::io::stdout().lock();
    let path = crate::domain::text::SafeText::new(&missing.display().to_string());
    let failed = |error: std::io::Error| Failure::Other(error.into());
    write!(
        out,
        "Quarterdeck has no config yet: {path} does not exist.\n\n  \
         d  open the demo: a made-up control plane in the middle of an incident\n  \
         w  write an example config there, to fill in\n  \
         q  leave\n\nd, w or q? "
    )
    .and_then(|()| out.flush())
    .map_err(failed)?;
    enable_raw_mode().map_err(failed)?;
    let choice = loop {
        match read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
                match key.code {
                    KeyCode::Char('c' | 'd') if ctrl => break Choice::Leave,
                    KeyCode::Char('d' | 'D') => break Choice::Demo,
                    KeyCode::Char('w' | 'W') => break Choice::Write,
                    KeyCode::Char('q' | 'Q') | KeyCode::Esc => break Choice::Leave,
                    _ => {}
                }
            }
            Ok(_) => {}
            // The terminal is gone.
            Err(_) => break Choice::Leave,
        }
    };
    let restored = disable_raw_mode();
    let letter = match choice {
        Choice::Demo => "d",
        Choice::Write => "w",
        Choice::Leave => "q",
    };
    // Nothing can be said where the terminal is gone.
    let _ = writeln!(out, "{letter}");
    restored.map_err(failed)?;
    Ok(Some(choice))
}
