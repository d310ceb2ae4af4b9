//! The terminal: entered, painted, and given back as it was, however the program ends.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, queue};
use tokio::sync::Notify;

use crate::cockpit::app::App;
use crate::cockpit::frames::Frames;
use crate::cockpit::theme::Styles;
use crate::domain::policy;

/// Takes the terminal back to how it was. Does what it can: a terminal that is gone can't be restored.
fn leave() {
    let mut out = io::stdout().lock();
    let _ = queue!(
        out,
        EndSynchronizedUpdate,
        Mouse(false),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        // After it: the other screen may come back with the look that letters had when it was left.
        crossterm::style::ResetColor,
        cursor::Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Whether the terminal tells of clicks and of the wheel, and of nothing else: told of every move, a slow line would
/// carry little but that.
struct Mouse(bool);

impl crossterm::Command for Mouse {
    fn write_ansi(&self, f: &mut impl std::fmt::Write) -> std::fmt::Result {
        // Clicks and the wheel; then the way to write places that has no bound.
        f.write_str(if self.0 { "\x1b[?1000h\x1b[?1006h" } else { "\x1b[?1006l\x1b[?1000l" })
    }
}

/// A terminal in raw mode on its alternate screen, for as long as this lives.
pub(super) struct Terminal {
    /// Whether the terminal is ours; shared with the panic hook, so that it is given back once.
    entered: Arc<AtomicBool>,
    frames: Frames,
    /// The terminal once more, for frames: through the standard stream, which looks for the ends of lines, one would go
    /// out in two writes.
    out: File,
    mouse: bool,
}

impl Terminal {
    /// Enters, and sees to it that a panic gives the terminal back before it is told, and ends the cockpit.
    pub(super) fn enter(panicked: Arc<Notify>, mouse: bool) -> io::Result<Self> {
        let entered = Arc::new(AtomicBool::new(false));
        let ours = Arc::clone(&entered);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // What breaks off there is a denial, which is told as one: nothing else has broken.
            if std::thread::current().name() == Some(policy::THREAD) {
                return;
            }
            if ours.swap(false, Ordering::SeqCst) {
                leave();
                panicked.notify_one();
            }
            before(info);
        }));
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let mut terminal = Self { entered, frames: Frames::default(), out, mouse };
        terminal.take()?;
        Ok(terminal)
    }

    /// Takes the terminal over, also when coming back from the background.
    pub(super) fn take(&mut self) -> io::Result<()> {
        if self.entered.load(Ordering::SeqCst) {
            // Raw mode is on, as far as is known here. A shell that was given the terminal meanwhile has set its own
            // modes, so it is gone over to again; the modes from before stay those to go back to.
            disable_raw_mode()?;
        }
        enable_raw_mode()?;
        self.entered.store(true, Ordering::SeqCst);
        let mut out = io::stdout().lock();
        queue!(out, crossterm::style::ResetColor, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if self.mouse {
            queue!(out, Mouse(true))?;
        }
        out.flush()?;
        self.frames.forget();
        Ok(())
    }

    /// Listens to the mouse, or no longer.
    pub(super) fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        let mut out = io::stdout().lock();
        queue!(out, Mouse(on))?;
        out.flush()
    }

    /// Gives the terminal back.
    pub(super) fn release(&mut self) {
        if self.entered.swap(false, Ordering::SeqCst) {
            leave();
        }
    }

    /// Paints the whole screen at the next frame, whatever is thought to be on it.
    pub(super) fn forget(&mut self) {
        self.frames.forget();
    }

    /// Paints what has changed, in one write; nothing where nothing has.
    pub(super) fn paint(&mut self, app: &App, styles: &Styles) -> io::Result<()> {
        let frame = self.frames.next(app, styles);
        if frame.is_empty() {
            return Ok(());
        }
        let _out = io::stdout().lock();
        // Looked at with the lock held, for which a panic elsewhere waits before it gives the terminal back: no frame
        // is painted over what it tells.
        if !self.entered.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.out.write_all(frame)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.release();
    }
}
