//! The loop between the terminal and the hub: the only part of the cockpit that waits.
//!
//! Signals first, then answers, then keys; all that is there is taken before a frame is drawn. A key is answered with
//! a frame at once, and so is what it asked; data at most every [`Settings::frame_every`]. Where nothing happens,
//! nothing runs.

pub(super) mod effects;
mod outside;
mod terminal;

use std::any::Any;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use self::effects::Performer;
use self::outside::Outside;
use self::terminal::Terminal;
use super::app::{App, Level};
use super::clipboard::sequence;
use super::many::words;
use super::msg::{Effect, Msg};
use super::session::{Contexts, Reread, Session};
use super::settings::{Badge, DEMO, Settings};
use super::theme::Styles;
use super::update::{contexts, next_tick, reload, start, update};
use super::{CockpitError, Exit, ExitReason};
use crate::domain::text::SafeText;
use crate::domain::wide::WideRemediation;
use crate::ops::Ops;

/// Whether there is a terminal that can show it.
pub fn can_show() -> Result<(), CockpitError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(CockpitError::NoTerminal);
    }
    match std::env::var("TERM").ok().filter(|term| term == "dumb" || term.is_empty()) {
        Some(term) => Err(CockpitError::Dumb(term)),
        None => Ok(()),
    }
}

/// Shows the cockpit until it is left.
pub async fn run(ops: Arc<dyn Ops>, settings: Settings) -> Result<Exit, CockpitError> {
    run_with(Session { ops, settings, alive: Box::new(()) }, None).await
}

/// Shows the cockpit until it is left, on this context and those that can be gone to from there.
pub async fn run_with(session: Session, contexts: Option<Arc<dyn Contexts>>) -> Result<Exit, CockpitError> {
    let Session { ops, settings, alive } = session;
    can_show()?;
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
    let performer = Performer::new(Arc::clone(&ops), replies_in.clone());
    let (opened_in, opened) = mpsc::channel(1);
    let link = Link { ops, alive, contexts, replies_in, opened_in, switched: false, rereading: None };
    let dressed_in = app.theme().map(str::to_owned);
    let mut cockpit =
        Cockpit { app, styles, dressed_in, terminal, performer, link, leaving: None, urgent: true, dirty: true };
    let result = cockpit.run(Wires { signals, hangup, panicked, input, replies, opened }).await;
    cockpit.terminal.release();
    // What runs is held, however the cockpit is left.
    let held = cockpit.link.ops.leave().await;
    let result = match result {
        // Whatever is asked of a terminal that has gone fails, and may do so before it is told that it has.
        Err(CockpitError::Terminal(error)) if outside::is_hung_up(&error) => Ok(cockpit.exit(ExitReason::TerminalLost)),
        result => result,
    };
    let told = |one: &Arc<WideRemediation>| format!("{} ({}): {}", words::what(&one.plan), one.id, one.outcome).into();
    result.map(|exit| Exit { held: held.iter().map(told).collect(), ..exit })
}

/// Where messages come from.
struct Wires {
    signals: mpsc::Receiver<Outside>,
    hangup: mpsc::Receiver<()>,
    panicked: Arc<Notify>,
    input: mpsc::Receiver<std::io::Result<Event>>,
    replies: mpsc::Receiver<Msg>,
    opened: mpsc::Receiver<Opened>,
}

/// What came of what was done on the side for a context, by its name.
struct Opened(String, Came);

enum Came {
    /// Another context was to be opened.
    Other(Result<Session, SafeText>),
    /// The one that is shown was to be opened anew.
    Anew(Result<Session, SafeText>),
    /// The config was to be read again.
    Reread(Result<Reread, SafeText>),
}

/// The context that is shown, and the way to others.
struct Link {
    ops: Arc<dyn Ops>,
    /// What polls the context's sources, for as long as it is shown.
    alive: Box<dyn Any + Send>,
    contexts: Option<Arc<dyn Contexts>>,
    replies_in: mpsc::Sender<Msg>,
    opened_in: mpsc::Sender<Opened>,
    /// Whether the context is another one than a moment ago.
    switched: bool,
    /// The reading of the config that is under way: the newest one counts.
    rereading: Option<JoinHandle<()>>,
}

struct Cockpit {
    app: App,
    styles: Styles,
    /// The theme that these are of.
    dressed_in: Option<String>,
    terminal: Terminal,
    performer: Performer,
    link: Link,
    leaving: Option<ExitReason>,
    /// Something was done that is answered with a frame at once.
    urgent: bool,
    /// Something may have changed on screen.
    dirty: bool,
}

impl Cockpit {
    async fn run(&mut self, mut wires: Wires) -> Result<Exit, CockpitError> {
        let mut changes = self.link.ops.changes();
        let mut changes_open = true;
        let mut edits = self.link.contexts.as_ref().map_or_else(|| watch::channel(()).1, |contexts| contexts.edits());
        let mut edits_open = true;
        let mut waiting = false;
        let mut heard = Instant::now();
        let effects = start(&mut self.app);
        self.perform(effects)?;
        self.performer.begin(true);
        // The first frame shows that the program is there; the board follows when it is known.
        self.paint()?;
        let mut painted = Instant::now();
        while self.leaving.is_none() {
            let tick = self.until(next_tick(&self.app, self.now()));
            let frame_every = self.app.settings.frame_every;
            let frame = painted + frame_every;
            let hear = heard + frame_every.max(self.performer.pause());
            tokio::select! {
                biased;
                Some(outside) = wires.signals.recv() => self.outside(outside)?,
                Some(()) = wires.hangup.recv() => self.leaving = Some(ExitReason::TerminalLost),
                () = wires.panicked.notified() => return Err(CockpitError::Panicked),
                Some(msg) = wires.replies.recv() => self.take(msg)?,
                Some(opened) = wires.opened.recv() => self.came(opened)?,
                told = edits.changed(), if edits_open => match told {
                    Ok(()) => self.take(Msg::Edited)?,
                    Err(_) => edits_open = false,
                },
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
            if std::mem::take(&mut self.link.switched) {
                changes = self.link.ops.changes();
                (changes_open, waiting) = (true, false);
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
            self.performer.begin(self.urgent);
            if self.leaving.is_none() && (self.urgent || self.dirty && painted.elapsed() >= frame_every) {
                self.paint()?;
                painted = Instant::now();
            }
        }
        Ok(self.exit(self.leaving.unwrap_or(ExitReason::Asked)))
    }

    fn exit(&self, reason: ExitReason) -> Exit {
        Exit { reason, running: self.app.running(), held: Vec::new(), demo: self.app.settings.badge == Badge::Demo }
    }

    /// Opens another context on the side; the present one goes on meanwhile.
    fn switch(&mut self, name: String) -> Result<(), CockpitError> {
        let Some(contexts) = self.link.contexts.clone() else {
            return self.take(Msg::NotOpened(name, "there are no others here".into()));
        };
        let opened = self.link.opened_in.clone();
        tokio::spawn(async move {
            let session = contexts.open(&name).await;
            // Nobody waits for it any more once the cockpit is being left.
            let _ = opened.send(Opened(name, Came::Other(session))).await;
        });
        Ok(())
    }

    /// The name of the context that is shown, to open it by.
    fn shown(&self) -> String {
        if self.app.settings.badge == Badge::Demo { DEMO.to_owned() } else { self.app.settings.context.to_string() }
    }

    /// Reads the config again, or opens what is shown anew, on the side.
    fn reload(&mut self, anew: bool) {
        let Some(contexts) = self.link.contexts.clone() else {
            return self.app.say(Level::Warning, "there is no config here");
        };
        let (name, known, opened) = (self.shown(), self.app.settings.stamp, self.link.opened_in.clone());
        let task = tokio::spawn(async move {
            let came = if anew {
                Came::Anew(contexts.open(&name).await)
            } else {
                Came::Reread(contexts.reread(&name, known).await)
            };
            // Nobody waits for it any more once the cockpit is being left.
            let _ = opened.send(Opened(name, came)).await;
        });
        if let Some(older) = self.link.rereading.replace(task) {
            older.abort();
        }
    }

    /// Something was done on the side. What was meant for a context that is not shown any more is dropped.
    fn came(&mut self, Opened(name, came): Opened) -> Result<(), CockpitError> {
        self.urgent = true;
        match came {
            Came::Other(session) => self.opened(&name, session),
            Came::Anew(_) | Came::Reread(_) if name != self.shown() => Ok(()),
            Came::Reread(said) => self.take(Msg::Reread(said)),
            Came::Anew(Err(problem)) => self.take(Msg::Reread(Err(problem))),
            Came::Anew(Ok(session)) => self.anew(session),
        }
    }

    /// Goes over to the context that is shown as the config has it now.
    fn anew(&mut self, mut session: Session) -> Result<(), CockpitError> {
        if let Some(until) = reload::obstacle(&self.app) {
            reload::wait(&mut self.app, until);
            return Ok(());
        }
        let effects = reload::dress(&mut self.app, &session.settings);
        self.perform(effects)?;
        let was_armed = self.app.armed().is_some();
        reload::carry(&self.app, &mut session.settings);
        session.settings.mouse = self.app.settings.mouse;
        let (history, views) = (std::mem::take(&mut self.app.history), std::mem::take(&mut self.app.views));
        let config = self.app.config.clone();
        self.go_over(session)?;
        (self.app.history, self.app.views, self.app.config) = (history, views, config);
        let locked = if was_armed { "; the context is locked again" } else { "" };
        self.app.say(Level::Info, format!("the config was read: every source is asked anew{locked}"));
        Ok(())
    }

    /// Goes over to a context that was opened. Nothing that was known of the old one is kept.
    fn opened(&mut self, name: &str, session: Result<Session, SafeText>) -> Result<(), CockpitError> {
        self.urgent = true;
        let opened = session.and_then(|session| {
            // What was chosen while it ran goes on: it is the operator's, and not the context's.
            let styles = session.settings.styles(self.app.theme.as_deref()).map_err(SafeText::from)?;
            Ok((session, styles))
        });
        let (session, _) = match opened {
            Ok(_) if !contexts::still_wanted(&self.app, name) => return Ok(()),
            Ok(opened) => opened,
            Err(why) => return self.take(Msg::NotOpened(name.to_owned(), why)),
        };
        self.go_over(session)?;
        self.app.say(Level::Info, format!("this is {name} now"));
        Ok(())
    }

    fn go_over(&mut self, session: Session) -> Result<(), CockpitError> {
        let mut app = App::new(session.settings, self.app.size, self.now());
        app.follow(&self.app);
        self.app = app;
        self.restyle();
        self.dressed_in = self.app.theme().map(str::to_owned);
        self.performer = Performer::new(Arc::clone(&session.ops), self.link.replies_in.clone());
        let old = std::mem::replace(&mut self.link.ops, session.ops);
        // With it ends what polled the old context.
        let alive = std::mem::replace(&mut self.link.alive, session.alive);
        tokio::spawn(async move {
            old.leave().await;
            drop(alive);
        });
        self.link.switched = true;
        self.terminal.forget();
        let effects = start(&mut self.app);
        self.perform(effects)
    }

    fn now(&self) -> jiff::Timestamp {
        (self.app.settings.clock)()
    }

    /// The runtime's instant for a time of the clock.
    fn until(&self, at: jiff::Timestamp) -> Instant {
        let wait = Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO);
        // Where time runs faster, it comes sooner.
        let speed = self.app.settings.speed.filter(|speed| *speed > 1.0).unwrap_or(1.0);
        let wait = wait.div_f64(speed);
        Instant::now() + wait.clamp(Duration::from_millis(5), Duration::from_secs(60))
    }

    fn take(&mut self, msg: Msg) -> Result<(), CockpitError> {
        let now = self.now();
        self.dirty = true;
        if let Msg::Reply(ticket, _) = &msg {
            self.urgent |= self.performer.is_awaited(*ticket);
        }
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
                Effect::Request { ticket, request } => self.performer.request(ticket, request),
                Effect::Review { ticket, review } => self.performer.review(ticket, review),
                Effect::Control { ticket, id, control } => self.performer.control(ticket, id, control),
                Effect::Claim { ticket, request } => self.performer.claim(ticket, request),
                Effect::Rearm { ticket, id, reason } => self.performer.rearm(ticket, id, reason),
                Effect::Copy(clip) => {
                    let mut out = std::io::stdout();
                    out.write_all(sequence(&clip, self.app.settings.between).as_bytes())?;
                    out.flush()?;
                }
                Effect::Bell => {
                    let mut out = std::io::stdout();
                    out.write_all(b"\x07")?;
                    out.flush()?;
                }
                Effect::Write(files) => match outside::write(&files) {
                    Ok(told) => self.app.say(Level::Info, told),
                    Err(error) => self.app.say(Level::Warning, error),
                },
                Effect::Open(url) => {
                    let opened = self.app.settings.opener.as_ref().map(|opener| opener.open(&url));
                    if let Ok(Err(error)) = opened {
                        self.app.say(Level::Warning, format!("it could not be opened: {error}"));
                    }
                }
                Effect::Speed(speed) => self.set_speed(speed),
                Effect::Mouse(on) => self.terminal.mouse(on)?,
                Effect::Repaint => self.terminal.forget(),
                Effect::Switch(name) => self.switch(name)?,
                Effect::Reload => self.reload(false),
                Effect::Reopen => self.reload(true),
                Effect::Restyle => self.restyle(),
                Effect::Suspend => self.suspend()?,
                Effect::Quit => self.leaving = Some(ExitReason::Asked),
            }
        }
        Ok(())
    }

    /// Makes the time of a made-up world run slower or faster.
    fn set_speed(&mut self, speed: f64) {
        let Some(tempo) = self.app.settings.tempo.clone() else { return };
        match tempo.set(speed) {
            Ok(()) => self.app.say(Level::Info, format!("the demo's time runs {speed} times as fast")),
            Err(why) => self.app.say(Level::Warning, why),
        }
        self.app.settings.speed = Some(tempo.speed());
        self.urgent = true;
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
        self.restyle();
        self.dressed_in = wanted;
    }

    fn restyle(&mut self) {
        match self.app.settings.styles(self.app.theme()) {
            Ok(styles) => self.styles = styles,
            Err(error) => self.app.say(Level::Warning, format!("theme: {error}")),
        }
    }

    fn paint(&mut self) -> Result<(), CockpitError> {
        self.app.now = self.now();
        self.urgent = false;
        self.dirty = false;
        self.dress();
        self.terminal.paint(&self.app, &self.styles)?;
        Ok(())
    }
}
