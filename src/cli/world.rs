//! What a command looks at: the configured sources, or the demo world.

use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;

use super::Failure;
use super::args::Global;
use super::demo::colleague::Colleague;
use super::demo::{self, Look};
use crate::config::{
    Config, ConfigError, ContextInfo, KeySetting, Layer, Layers, LogSettings, SourceConfig, SourceKind, Ui, ViewSetting,
};
use crate::connect::Connector;
use crate::connect::alertmanager::Alertmanager;
use crate::connect::prefect::Prefect;
use crate::connect::rest::Rest;
use crate::connect::restate::Restate;
use crate::connect::salt::Salt;
use crate::connect::sim::World as SimWorld;
use crate::connect::terraform::{Place, Terraform};
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;
use crate::hub::automations::Automations;
use crate::hub::policy::Policies;
use crate::hub::runbooks::Runbooks;
use crate::hub::webhook::Webhooks;
use crate::hub::{Clock, Hub, Policing, Setup};

/// A hub, and what the header says of it.
pub(super) struct World {
    pub(super) hub: Arc<Hub>,
    pub(super) context: String,
    pub(super) operator: String,
    pub(super) production: bool,
    /// The colour of the context.
    pub(super) accent: Option<String>,
    /// Whether production is acted on without being armed.
    pub(super) writable: bool,
    /// The made-up world, where it is one.
    pub(super) demo: Option<Arc<SimWorld>>,
    /// Somebody else in it.
    pub(super) colleague: Option<Box<Colleague>>,
    pub(super) clock: Clock,
    /// How the cockpit is to look, which keys are not as they are by default, and the saved views.
    pub(super) ui: Ui,
    pub(super) keys: Vec<KeySetting>,
    pub(super) views: Vec<ViewSetting>,
    /// The contexts that can be gone to.
    pub(super) contexts: Vec<ContextInfo>,
    /// Of what the hub was made of; see [`stamp`].
    pub(super) stamp: u64,
    /// How much is told of the run, and where it is kept; `None` where no config says so.
    pub(super) log: Option<(LogSettings, PathBuf)>,
    /// What is wrong with a config that is not in force for that: the demo works without one.
    pub(super) unread: Option<SafeText>,
}

/// The config, or why there is none.
pub(super) fn config(global: &Global) -> Result<Config, Failure> {
    Config::load(global.config.as_deref(), &global.flags()).map_err(|error| match &error {
        ConfigError::None { .. } => {
            Failure::Usage(format!("{error}\nsee it on the demo world first: quarterdeck demo\nor begin with an example: quarterdeck config example --write"))
        }
        _ => Failure::Usage(error.to_string()),
    })
}

/// Refuses options of the demo for one's own sources, and the other way round.
fn not_mixed(global: &Global) -> Result<(), Failure> {
    if global.demo {
        let Some(name) = &global.context else { return Ok(()) };
        let name = SafeText::clipped(name, 40);
        return Err(Failure::Usage(format!(
            "--context {name} goes with your own sources, and not with the demo world"
        )));
    }
    for (given, option) in [
        (global.seed.is_some(), "--seed"),
        (global.speed.is_some(), "--speed"),
        (global.fresh, "--fresh"),
        (global.instances.is_some(), "--instances"),
    ] {
        if given {
            return Err(Failure::Usage(format!("{option} goes with --demo")));
        }
    }
    Ok(())
}

/// Where the ledger of what a command looks at is.
pub(super) fn state_dir(global: &Global) -> Result<PathBuf, Failure> {
    not_mixed(global)?;
    if global.demo { Ok(demo::folder(global)) } else { Ok(config(global)?.state_dir) }
}

/// Builds what a command looks at. `once`: for one pass, so that nothing is to be recorded.
pub(super) fn build(global: &Global, once: bool) -> Result<World, Failure> {
    not_mixed(global)?;
    if global.demo {
        return demo::world(global, if once { Look::Once } else { Look::Cockpit });
    }
    let config = config(global)?;
    let stamp = stamp(&config);
    let (policies, runbooks) = (policies(&config)?, runbooks(&config)?);
    let automations = automations(&config)?;
    let read_only = global.read_only.then(|| "started with --read-only".to_owned());
    let clock: Clock = Arc::new(Timestamp::now);
    let redactor = Redactor::new(config.redact.iter().map(String::as_str));
    let sources = config.context.sources.iter().map(|source| connect(source, &redactor)).collect::<Result<_, _>>()?;
    let context = config.context.name.clone();
    let hub = Hub::new(Setup {
        context: context.clone(),
        operator: config.operator.clone(),
        read_only,
        locked: config.context.production && !global.write,
        thresholds: config.thresholds,
        tenants: config.tenants,
        policing: Policing { policies, runbooks, production: config.context.production },
        soak: config.soak,
        state_dir: (!once).then(|| config.state_dir.clone()),
        read_dir: once.then(|| config.state_dir.clone()),
        clock: clock.clone(),
        sources,
    });
    hub.tells_webhooks(Webhooks::new(config.webhooks, redactor));
    hub.automates(automations);
    let production = config.context.production;
    Ok(World {
        hub,
        context,
        operator: config.operator,
        production,
        accent: config.context.colour,
        writable: production && global.write,
        demo: None,
        colleague: None,
        clock,
        ui: config.ui,
        keys: config.keys,
        views: config.views,
        contexts: config.contexts,
        stamp,
        log: Some((config.log, config.state_dir)),
        unread: None,
    })
}

/// What the config says of who may do what, compiled.
pub(super) fn policies(config: &Config) -> Result<Policies, Failure> {
    Policies::compile(&config.policies).map_err(|wrong| Failure::Usage(ConfigError::Invalid(wrong).to_string()))
}

/// What the config says is to be watched, its filters read.
pub(super) fn automations(config: &Config) -> Result<Automations, Failure> {
    Automations::compile(&config.automations).map_err(|wrong| Failure::Usage(ConfigError::Invalid(wrong).to_string()))
}

/// What the config says of runbooks, compiled.
pub(super) fn runbooks(config: &Config) -> Result<Runbooks, Failure> {
    Runbooks::compile(&config.runbooks).map_err(|wrong| Failure::Usage(ConfigError::Invalid(wrong).to_string()))
}

/// The keys of the hashes: others in each run, so that nobody can tell a secret from one.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// A hash of what somebody wrote or a program printed.
pub(super) fn hash(text: &str) -> u64 {
    HASHES.hash_one(text)
}

/// A hash of everything in a config that the hub is made of: all but how the cockpit is to look, and in which lines
/// things stand. A key that is new is in it by itself.
pub(super) fn stamp(config: &Config) -> u64 {
    let mut made_of = config.clone();
    made_of.ui = Ui::default();
    made_of.keys.clear();
    made_of.views.clear();
    made_of.contexts.clear();
    made_of.context.colour = None;
    made_of.log = LogSettings::default();
    let unsaid = Layer::Default;
    made_of.layers =
        Layers { operator: unsaid.clone(), soak: unsaid.clone(), state_dir: unsaid.clone(), context: unsaid };
    // `Debug` shows no secret, and a new one makes another hub, too.
    let secrets: Vec<_> = config.context.sources.iter().map(|source| source.transport.secrets()).collect();
    let secrets: Vec<Vec<&str>> =
        secrets.iter().map(|held| held.iter().map(secrecy::ExposeSecret::expose_secret).collect()).collect();
    HASHES.hash_one((format!("{made_of:?}"), secrets))
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
        SourceKind::Prefect => Arc::new(
            Prefect::new(&source.name, &source.url, timeout, source.transport.clone())
                .map_err(|error| usage(error.to_string()))?
                .redact(redactor.clone())
                .open_at(source.open.clone()),
        ),
        SourceKind::Terraform => {
            let place = match &source.path {
                Some(path) => Ok(Place::Path(path.clone())),
                None => Place::url(&source.url, timeout, source.transport.clone()),
            };
            let place = place.map_err(|error| usage(error.to_string()))?;
            Arc::new(Terraform::new(&source.name, place, source.check_interval).redact(redactor.clone()))
        }
        SourceKind::Salt => {
            let (url, settings) = (&source.url, source.salt.clone());
            let salt = Salt::new(&source.name, url, timeout, source.transport.clone(), settings, source.check_interval);
            Arc::new(salt.map_err(|error| usage(error.to_string()))?.redact(redactor.clone()))
        }
        SourceKind::Rest => Arc::new(rest(source, redactor)?),
        SourceKind::Alertmanager => {
            let (transport, setting) = (source.transport.clone(), source.alerts.clone().unwrap_or_default());
            let made = Alertmanager::new(&source.name, &source.url, timeout, transport, setting);
            Arc::new(made.map_err(|error| usage(error.to_string()))?.redact(redactor.clone()))
        }
    };
    Ok((source.name.clone(), connector, length(source.poll)?))
}

/// What speaks to an API that the config describes.
pub(super) fn rest(source: &SourceConfig, redactor: &Redactor) -> Result<Rest, Failure> {
    let usage = |error: String| Failure::Usage(format!("source {}: {error}", source.name));
    let timeout = Duration::try_from(source.timeout).map_err(|error| usage(error.to_string()))?;
    let setting = source.rest.clone().unwrap_or_default();
    let rest = Rest::new(&source.name, &source.url, timeout, source.transport.clone(), setting);
    let rest = rest.map_err(|error| usage(error.to_string()))?;
    Ok(rest.redact(redactor.clone()).check_interval(source.check_interval).open_at(source.open.clone()))
}

/// What speaks to a source, by itself.
pub(super) fn connector(source: &SourceConfig) -> Result<Arc<dyn Connector>, Failure> {
    connect(source, &Redactor::default()).map(|(_, connector, _)| connector)
}
