//! The demo world as a command looks at it.
//!
//! Whatever stays open (the cockpit, `--watch`) begins a world, or joins the one that is kept in the state directory;
//! so acts made in one are seen by the next, and by others at once. A single look joins it too and changes nothing
//! there; where none is kept, it looks at the first moment of one. A picture is always of the first moment, by a clock
//! that stands still.

pub(super) mod colleague;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::colleague::Colleague;
use super::args::Global;
use super::world::World;
use super::{Failure, report};
use crate::cockpit::Tempo;
use crate::config::{ConfigError, ThresholdBook, Ui, default_state_dir};
use crate::connect::Connector;
use crate::connect::sim::{self, Bulk, Clock, World as SimWorld};
use crate::domain::automation::{Automation, AutomationMode};
use crate::domain::remediation::Verb;
use crate::hub::automations::Automations;
use crate::hub::ledger::Ledger;
use crate::hub::{Hub, Policing, Setup};

/// The time of pictures: in the middle of the night.
const PICTURED: &str = "2026-01-15T03:12:00Z";

/// Who looks at it.
const YOU: &str = "you";

/// From one pass to the next, as the demo's time goes.
const POLL: Duration = Duration::from_secs(2);

/// How a command looks at the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Once, at one moment.
    Once,
    /// For as long as it is open.
    Watch,
    /// The same, and acts in it.
    Cockpit,
}

/// The demo as it is kept.
pub(super) fn world(global: &Global, look: Look) -> Result<World, Failure> {
    let seed = global.seed.unwrap_or(sim::SEED);
    if let Some(instances) = global.instances {
        let source = Bulk::new(seed, instances, global.changes.unwrap_or(0), sim::system_clock());
        return hub(global, &[(sim::BULK.to_owned(), source, POLL)], sim::system_clock(), None, None);
    }
    let folder = folder(global);
    if look == Look::Once {
        if global.speed.is_some() {
            return Err(Failure::Usage("--speed goes with what stays open: the cockpit, or --watch".into()));
        }
        // One look is a look at one moment: then a seed says the same however long the look takes.
        let now = Timestamp::now();
        let clock: Clock = Arc::new(move || now);
        let kept = if global.fresh { Ok(None) } else { SimWorld::glimpse(seed, clock.clone(), &folder) };
        let kept = kept.unwrap_or_else(|error| {
            report::note(&format!("{error}; this is the first moment of the demo"));
            None
        });
        return of_sim(global, Arc::new(kept.unwrap_or_else(|| SimWorld::start(seed, clock))), None);
    }
    let clock = sim::system_clock();
    let (sim, kept) = match SimWorld::kept(seed, clock.clone(), &folder, global.fresh) {
        Ok((sim, note)) => {
            if let Some(note) = note {
                report::note(&note);
            }
            (sim, Some(folder))
        }
        Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
            return Err(Failure::Usage(format!("--fresh: {error}")));
        }
        Err(error) => {
            report::note(&format!("the demo is gone when it is left, since it can't be kept: {error}"));
            (SimWorld::start(seed, clock), None)
        }
    };
    if let Some(speed) = global.speed {
        sim.set_speed(speed).map_err(Failure::Usage)?;
    }
    of_sim(global, Arc::new(sim), kept.as_deref().filter(|_| look == Look::Cockpit))
}

/// The demo as pictures show it: the same on every machine and at every time.
pub(super) fn picture(global: &Global) -> Result<World, Failure> {
    let at: Timestamp = PICTURED.parse().map_err(|error: jiff::Error| Failure::Other(error.into()))?;
    of_sim(global, Arc::new(SimWorld::start(global.seed.unwrap_or(sim::SEED), Arc::new(move || at))), None)
}

/// The folder in which a demo and its ledger are kept.
pub(super) fn folder(global: &Global) -> PathBuf {
    state_dir().join(format!("demo-{}", global.seed.unwrap_or(sim::SEED)))
}

/// Where demos are kept: beside the record of acts, by custom or as the environment says.
fn state_dir() -> PathBuf {
    let named = std::env::var_os("QUARTERDECK_STATE_DIR").filter(|folder| !folder.is_empty());
    named.map_or_else(default_state_dir, PathBuf::from)
}

/// A hub on a demo world, which records acts in a folder where there is one.
fn of_sim(global: &Global, sim: Arc<SimWorld>, state_dir: Option<&Path>) -> Result<World, Failure> {
    // Where time runs faster, so do the passes, within reason.
    let poll = POLL.div_f64(sim.speed().clamp(1.0, 4.0));
    let source = |(name, plane): (&str, Arc<dyn Connector>)| (name.to_owned(), plane, poll);
    let sources: Vec<_> = sim.sources().into_iter().map(source).collect();
    hub(global, &sources, sim.clock(), Some(sim), state_dir)
}

/// A hub on made-up sources.
fn hub(
    global: &Global,
    sources: &[(String, Arc<dyn Connector>, Duration)],
    clock: Clock,
    sim: Option<Arc<SimWorld>>,
    state_dir: Option<&Path>,
) -> Result<World, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let ui = Ui::without_file(&global.flags(), &variable)
        .map_err(|wrong| Failure::Usage(ConfigError::Invalid(wrong).to_string()))?;
    let thresholds = sim::promises().fold(ThresholdBook::default(), |book, (source, flow, step, promise)| {
        book.promising(source, flow, step, promise)
    });
    let setup = |operator: &str| Setup {
        context: "demo".to_owned(),
        operator: operator.to_owned(),
        read_only: global.read_only.then(|| "started with --read-only".to_owned()),
        locked: false,
        thresholds: thresholds.clone(),
        tenants: crate::config::TenantBook::default(),
        policing: Policing::default(),
        soak: SignedDuration::from_secs(10),
        state_dir: state_dir.map(Path::to_owned),
        read_dir: None,
        clock: clock.clone(),
        sources: sources.to_vec(),
    };
    let ledger = state_dir.is_none().then(Ledger::in_memory);
    let hub = match &ledger {
        Some(ledger) if !global.read_only => Hub::on(setup(YOU), Ok(ledger.clone())),
        _ => Hub::new(setup(YOU)),
    };
    let colleague =
        (sim.is_some() && !global.read_only).then(|| Box::new(Colleague { setup: setup(colleague::NAME), ledger }));
    hub.automates(Automations::new(automations()).map_err(|error| Failure::Other(error.into()))?);
    Ok(World {
        hub,
        colleague,
        context: "demo".to_owned(),
        operator: YOU.to_owned(),
        production: false,
        accent: None,
        writable: false,
        demo: sim,
        clock,
        ui,
        keys: Vec::new(),
        views: Vec::new(),
        contexts: Vec::new(),
        log: None,
        unread: None,
        stamp: 0,
    })
}

/// What the demo watches: whether it would have helped to resume what stands still, or what keeps failing.
fn automations() -> Vec<Automation> {
    let one = |name: &str, when: &str, cohort_at_least, watch| Automation {
        name: name.into(),
        when: when.to_owned(),
        cohort_at_least,
        verb: Verb::Resume,
        mode: AutomationMode::Observe,
        after: SignedDuration::from_secs(30),
        at_most: 50,
        cooldown: SignedDuration::from_mins(2),
        per_hour: 20,
        reason: "its cause has often gone by then".into(),
        watch: SignedDuration::from_mins(watch),
    };
    vec![
        one("resume what is exhausted", "rule:exhausted", None, 15),
        one("resume retry storms", "rule:retry_storm", Some(10), 5),
    ]
}

/// A demo that is open: once nobody looks on, its time runs as time does, and not away.
pub(super) struct Calm(pub(super) Arc<SimWorld>);

impl Drop for Calm {
    fn drop(&mut self) {
        // Where that can't be kept, it does run away.
        let _ = self.0.set_speed(1.0);
    }
}

/// The hand on a demo's time.
pub(super) struct Hand(pub(super) Arc<SimWorld>);

impl Tempo for Hand {
    fn speed(&self) -> f64 {
        self.0.speed()
    }

    fn set(&self, speed: f64) -> Result<(), String> {
        self.0.set_speed(speed)
    }
}
