//! The loop between the terminal and the hub: the only part of the cockpit that waits.
//!
//! Signals first, then answers, then keys; all that is there is taken before a frame is drawn. A key is answered with
//! a frame at once, data at most every [`Settings::frame_every`]. Where nothing happens, nothing runs.

pub(super) mod effects;
mod outside;
mod terminal;

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use self::effects::Performer;
use self::outside::Outside;
use self::terminal::Terminal;
use super::app::{App, Level};
use super::clipboard::sequence;
use super::draw::draw;
use super::msg::{Effect, Msg};
use super::settings::Settings;
use super::theme::Styles;
use super::update::{next_tick, start, update};
use super::{CockpitError, Exit, ExitReason};
use crate::ops::Ops;

/// Shows the cockpit until it is left.
pub async fn run(ops: Arc<dyn Ops>, settings: Settings) -> Result<Exit, CockpitError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(CockpitError::NoTerminal);
    }
    if let Some(term) = std::env::var("TERM").ok().filter(|term| term == "dumb" || term.is_empty()) {
        return Err(CockpitError::Dumb(term));
    }
    let styles = settings.styles(settings.theme.as_deref()).map_err(CockpitError::Theme)?;
    let panicked = Arc::new(Notify::new());
    let signals = outside::signals()?;
    // Once a change of it is listened for, so that none falls in between.
    let size = crossterm::terminal::size()?;
    let hangup = outside::hangup()?;
    let terminal = Terminal::enter(Arc::clone(&panicked), settings.mouse)?;
    let input = outside::input()?;
    let (replies_in, replies) = mpsc::channel(64);
    let now = (settings.clock)();
    let app = App::new(settings, size, now);
    let performer = Performer::new(Arc::clone(&ops), replies_in);
    let dressed_in = app.theme().map(str::to_owned);
    let mut cockpit =
        Cockpit { app, styles, dressed_in, terminal, performer, leaving: None, urgent: true, dirty: true };
    let result = cockpit.run(&*ops, Wires { signals, hangup, panicked, input, replies }).await;
    cockpit.terminal.release();
    match result {
        // Whatever is asked of a terminal that has gone fails, and may do so before it is told that it has.
        Err(CockpitError::Terminal(error)) if outside::is_hung_up(&error) => Ok(cockpit.exit(ExitReason::TerminalLost)),
        result => result,
    }
}

/// Where messages come from.
struct Wires {
    signals: mpsc::Receiver<Outside>,
    hangup: mpsc::Receiver<()>,
    panicked: Arc<Notify>,
    input: mpsc::Receiver<std::io::Result<Event>>,
    replies: mpsc::Receiver<Msg>,
}

struct Cockpit {
    app: App,
    styles: Styles,
    /// The theme that these are of.
    dressed_in: Option<String>,
    terminal: Terminal,
    performer: Performer,
    leaving: Option<ExitReason>,
    /// Something was done that is answered with a frame at once.
    urgent: bool,
    /// Something may have changed on screen.
    dirty: bool,
}

impl Cockpit {
    async fn run(&mut self, ops: &dyn Ops, mut wires: Wires) -> Result<Exit, CockpitError> {
        let frame_every = self.app.settings.frame_every;
        let mut changes = ops.changes();
        let mut changes_open = true;
        let mut waiting = false;
        let mut heard = Instant::now();
        let effects = start(&mut self.app);
        self.perform(effects)?;
        // The first frame shows that the program is there; the board follows when it is known.
        self.paint()?;
        let mut painted = Instant::now();
        while self.leaving.is_none() {
            let tick = self.until(next_tick(&self.app, self.now()));
            let frame = painted + frame_every;
            let hear = heard + frame_every;
            tokio::select! {
                biased;
                Some(outside) = wires.signals.recv() => self.outside(outside)?,
                Some(()) = wires.hangup.recv() => self.leaving = Some(ExitReason::TerminalLost),
                () = wires.panicked.notified() => return Err(CockpitError::Panicked),
                Some(msg) = wires.replies.recv() => self.take(msg)?,
                event = wires.input.recv() => match event {
                    Some(Ok(event)) => self.event(event)?,
                    Some(Err(_)) | None => self.leaving = Some(ExitReason::TerminalLost),
                },
                () = sleep_until(frame), if self.dirty => {}
                // What comes within a frame's time is one change.
                told = changes.changed(), if changes_open && !waiting => {
                    changes_open = told.is_ok();
                    waiting = changes_open;
                }
                () = sleep_until(hear), if waiting => {
                    waiting = false;
                    heard = Instant::now();
                    let revision = *changes.borrow_and_update();
                    self.take(Msg::Changed(revision))?;
                }
                () = sleep_until(tick) => self.take(Msg::Tick)?,
            }
            // Whatever else is there already is taken before a frame is drawn.
            while let Ok(msg) = wires.replies.try_recv() {
                self.take(msg)?;
            }
            while let Ok(event) = wires.input.try_recv() {
                match event {
                    Ok(event) => self.event(event)?,
                    Err(_) => self.leaving = Some(ExitReason::TerminalLost),
                }
            }
            if self.leaving.is_none() && (self.urgent || self.dirty && painted.elapsed() >= frame_every) {
                self.paint()?;
                painted = Instant::now();
            }
        }
        Ok(self.exit(self.leaving.unwrap_or(ExitReason::Asked)))
    }

    fn exit(&self, reason: ExitReason) -> Exit {
        Exit { reason, running: self.app.running() }
    }

    fn now(&self) -> jiff::Timestamp {
        (self.app.settings.clock)()
    }

    /// The runtime's instant for a time of the clock.
    fn until(&self, at: jiff::Timestamp) -> Instant {
        let wait = Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO);
        Instant::now() + wait.clamp(Duration::from_millis(5), Duration::from_secs(60))
    }

    fn take(&mut self, msg: Msg) -> Result<(), CockpitError> {
        let now = self.now();
        self.dirty = true;
        let effects = update(&mut self.app, msg, now);
        self.perform(effects)
    }

    fn event(&mut self, event: Event) -> Result<(), CockpitError> {
        let msg = match event {
            Event::Key(key) => Msg::Key(key),
            Event::Paste(text) => Msg::Paste(text),
            Event::Mouse(mouse) => Msg::Mouse(mouse),
            // The signal tells of a resize. The reader of keys does too, but begins to listen for it too late.
            Event::Resize(..) | Event::FocusGained | Event::FocusLost => return Ok(()),
        };
        self.urgent = true;
        self.take(msg)
    }

    fn outside(&mut self, outside: Outside) -> Result<(), CockpitError> {
        match outside {
            Outside::End(signal) => self.leaving = Some(ExitReason::Signal(signal)),
            Outside::Interrupt => {
                self.urgent = true;
                self.take(Msg::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)))?;
            }
            Outside::Resized => self.resized()?,
            Outside::Stop => self.suspend()?,
            Outside::Continued => self.come_back()?,
        }
        Ok(())
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Result<(), CockpitError> {
        for effect in effects {
            match effect {
                Effect::Ask(ticket, ask) => self.performer.ask(ticket, ask),
                Effect::Act { ticket, plan_hash, reason } => self.performer.act(ticket, plan_hash, reason),
                Effect::Claim { ticket, request } => self.performer.claim(ticket, request),
                Effect::Copy(clip) => {
                    let mut out = std::io::stdout();
                    out.write_all(sequence(&clip, self.app.settings.between).as_bytes())?;
                    out.flush()?;
                }
                Effect::Open(url) => {
                    let opened = self.app.settings.opener.as_ref().map(|opener| opener.open(&url));
                    if let Ok(Err(error)) = opened {
                        self.app.say(Level::Warning, format!("it could not be opened: {error}"));
                    }
                }
                Effect::Mouse(on) => self.terminal.mouse(on)?,
                Effect::Repaint => self.terminal.forget(),
                Effect::Suspend => self.suspend()?,
                Effect::Quit => self.leaving = Some(ExitReason::Asked),
            }
        }
        Ok(())
    }

    /// Goes to the background, where there is one.
    fn suspend(&mut self) -> Result<(), CockpitError> {
        if !outside::can_stop() {
            self.app.say(Level::Info, "there is no shell here to go back to");
            self.urgent = true;
            return Ok(());
        }
        self.terminal.release();
        outside::stop()?;
        self.come_back()
    }

    /// The terminal may have been used by others: everything is set and painted anew.
    fn come_back(&mut self) -> Result<(), CockpitError> {
        self.terminal.take()?;
        self.resized()
    }

    fn resized(&mut self) -> Result<(), CockpitError> {
        // It may have had other sizes in between, each of which cut off what it had no room for.
        self.terminal.forget();
        self.urgent = true;
        let (width, height) = crossterm::terminal::size()?;
        self.take(Msg::Resize(width, height))
    }

    /// Takes the styles of another theme where it has changed. One that can't be read leaves those of before.
    fn dress(&mut self) {
        let wanted = self.app.theme().map(str::to_owned);
        if wanted == self.dressed_in {
            return;
        }
        match self.app.settings.styles(wanted.as_deref()) {
            Ok(styles) => self.styles = styles,
            Err(error) => self.app.say(Level::Warning, format!("theme: {error}")),
        }
        self.dressed_in = wanted;
    }

    fn paint(&mut self) -> Result<(), CockpitError> {
        self.app.now = self.now();
        self.urgent = false;
        self.dirty = false;
        self.dress();
        let (app, styles) = (&self.app, &self.styles);
        self.terminal.paint(app.size, |buffer| draw(app, styles, buffer))?;
        Ok(())
    }
}
