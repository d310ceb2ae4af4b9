//! What a command looks at: the configured sources, or the demo world.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Failure;
use super::args::Global;
use crate::config::{Config, ConfigError, KeySetting, LogSettings, SourceConfig, SourceKind, Ui, ViewSetting};
use crate::connect::Connector;
use crate::connect::restate::Restate;
use crate::connect::sim::{self, World as SimWorld};
use crate::domain::redact::Redactor;
use crate::hub::{Clock, Hub, Setup};

/// The time of the demo world's pictures: in the middle of the night.
pub(super) const DEMO_TIME: &str = "2026-01-15T03:12:00Z";

/// A hub, and what the header says of it.
pub(super) struct World {
    pub(super) hub: Arc<Hub>,
    pub(super) context: String,
    pub(super) operator: String,
    pub(super) production: bool,
    pub(super) demo: bool,
    pub(super) clock: Clock,
    /// How the cockpit is to look, which keys are not as they are by default, and the saved views.
    pub(super) ui: Ui,
    pub(super) keys: Vec<KeySetting>,
    pub(super) views: Vec<ViewSetting>,
    /// What is told of the run, and where it is written.
    pub(super) log: LogSettings,
    pub(super) state_dir: Option<PathBuf>,
}

/// The config, or why there is none.
pub(super) fn config(global: &Global) -> Result<Config, Failure> {
    Config::load(global.config.as_deref(), &global.flags()).map_err(|error| match &error {
        ConfigError::None { .. } => {
            Failure::Usage(format!("{error}\nsee it on the demo world first: quarterdeck demo"))
        }
        _ => Failure::Usage(error.to_string()),
    })
}

/// Builds what a command looks at. `once`: for one pass, so that nothing is to be recorded.
pub(super) fn build(global: &Global, once: bool) -> Result<World, Failure> {
    if global.demo {
        let started = Timestamp::now();
        // One look is a look at one moment: then a seed says the same however long the look takes.
        return demo(global, if once { Arc::new(move || started) } else { Arc::new(Timestamp::now) });
    }
    if global.seed.is_some() {
        return Err(Failure::Usage("--seed goes with --demo".into()));
    }
    let config = config(global)?;
    let read_only = if global.read_only {
        Some("started with --read-only".to_owned())
    } else if config.context.production {
        Some(format!("{} is production, which this version does not act on", config.context.name))
    } else {
        None
    };
    let clock: Clock = Arc::new(Timestamp::now);
    let redactor = Redactor::new(config.redact.iter().map(String::as_str));
    let sources = config.context.sources.iter().map(|source| connect(source, &redactor)).collect::<Result<_, _>>()?;
    let context = config.context.name.clone();
    let hub = Hub::new(Setup {
        context: context.clone(),
        operator: config.operator.clone(),
        read_only,
        thresholds: config.thresholds,
        soak: config.soak,
        state_dir: (!once).then(|| config.state_dir.clone()),
        // A single look reads them and writes nothing.
        claims_dir: Some(config.state_dir),
        clock: clock.clone(),
        sources,
    });
    let production = config.context.production;
    Ok(World {
        hub,
        context,
        operator: config.operator,
        production,
        demo: false,
        clock,
        ui: config.ui,
        keys: config.keys,
        views: config.views,
        log: config.log,
        state_dir: Some(config.state_dir),
    })
}

/// The demo world, by a clock that may stand still.
pub(super) fn demo(global: &Global, clock: Clock) -> Result<World, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let ui = Ui::without_file(&global.flags(), &variable)
        .map_err(|wrong| Failure::Usage(ConfigError::Invalid(wrong).to_string()))?;
    let log = LogSettings::without_file(&variable)
        .map_err(|wrong| Failure::Usage(ConfigError::Invalid(wrong).to_string()))?;
    let world: Arc<dyn Connector> = Arc::new(SimWorld::start(global.seed.unwrap_or(sim::SEED), clock.clone()));
    let hub = Hub::new(Setup {
        context: "demo".to_owned(),
        operator: "you".to_owned(),
        read_only: global.read_only.then(|| "started with --read-only".to_owned()),
        thresholds: crate::config::ThresholdBook::default(),
        soak: jiff::SignedDuration::from_secs(10),
        state_dir: None,
        claims_dir: None,
        clock: clock.clone(),
        sources: vec![(sim::NAME.to_owned(), world, Duration::from_secs(2))],
    });
    Ok(World {
        hub,
        context: "demo".to_owned(),
        operator: "you".to_owned(),
        production: false,
        demo: true,
        clock,
        ui,
        keys: Vec::new(),
        views: Vec::new(),
        log,
        state_dir: None,
    })
}

fn connect(source: &SourceConfig, redactor: &Redactor) -> Result<(String, Arc<dyn Connector>, Duration), Failure> {
    let usage = |error: String| Failure::Usage(format!("source {}: {error}", source.name));
    let length =
        |duration: jiff::SignedDuration| Duration::try_from(duration).map_err(|error| usage(error.to_string()));
    let timeout = length(source.timeout)?;
    let connector: Arc<dyn Connector> = match source.kind {
        SourceKind::Restate => Arc::new(
            Restate::new(&source.name, &source.url, timeout, source.transport.clone())
                .map_err(|error| usage(error.to_string()))?
                .redact(redactor.clone())
                .open_at(source.open.clone()),
        ),
    };
    Ok((source.name.clone(), connector, length(source.poll)?))
}

/// What speaks to a source, by itself.
pub(super) fn connector(source: &SourceConfig) -> Result<Arc<dyn Connector>, Failure> {
    connect(source, &Redactor::default()).map(|(_, connector, _)| connector)
}
