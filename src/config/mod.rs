//! The config: one TOML file under the environment and the command line, with a line and a column for each thing that
//! is wrong in it.
//!
//! Secrets never stand in the file: it names the environment variable or the private file that holds them, and they
//! are read here into [`secrecy::SecretString`]s, which no log, error or debug print shows.

mod alerts;
mod automations;
mod command;
mod diagnostic;
mod drift_rules;
mod file;
mod freezes;
pub mod jq;
mod layers;
mod log;
mod paths;
mod policies;
mod promises;
mod redact;
mod rest;
mod runbooks;
mod salt;
mod secret;
mod section;
mod steps;
mod tenants;
#[cfg(test)]
mod tests;
mod thresholds;
mod transport;
mod ui;
mod webhooks;
mod wording;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use thiserror::Error;

pub use alerts::{AlertSetting, Matchers};
pub use automations::AutomationSetting;
pub use diagnostic::{Diagnostic, Place, TextPlace};
pub use drift_rules::DriftRules;
pub use freezes::FreezeSetting;
pub use layers::{Flags, Layer, Setting};
pub use log::LogSettings;
pub use paths::{default_file, default_state_dir};
pub use policies::{PolicySetting, PolicySettings};
pub use rest::{Answers, Paging, RestRequest, RestSetting, RestVerb, Trail, Yielding, Yields};
pub use runbooks::RunbookSetting;
pub use salt::SaltSettings;
pub use secret::SecretPlace;
pub use tenants::{TenantBook, TenantRule};
pub use thresholds::ThresholdBook;
pub use transport::{Authority, Credentials, Identity, Scheme, Transport};
pub use ui::{ColourDepth, KeySetting, Times, Ui, ViewSetting};
pub use webhooks::{WebhookAddress, WebhookSetting};

/// The context of sources that stand at the top level of the file.
pub const DEFAULT_CONTEXT: &str = "default";

/// Everything that one run of the program needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// Who acts; taken on trust.
    pub operator: String,
    /// The context in force.
    pub context: Context,
    /// Every context of the file, in its order.
    pub contexts: Vec<ContextInfo>,
    /// When the rules hold.
    pub thresholds: ThresholdBook,
    /// How tenants are told.
    pub tenants: TenantBook,
    /// How long the effect of an act is watched.
    pub soak: SignedDuration,
    /// Where acts are recorded.
    pub state_dir: PathBuf,
    /// Names of fields that hold secrets, besides the usual ones.
    pub redact: Vec<String>,
    /// What may be done by whom, and when. Expressions and filters are as they were written: the hub reads them.
    pub policies: PolicySettings,
    /// What is watched without anybody looking, in the order of the file. Filters are as they were written: the hub reads
    /// them.
    pub automations: Vec<AutomationSetting>,
    /// What was written down to be done again and again, in the order of the file. Filters are as they were written: the
    /// hub reads them.
    pub runbooks: Vec<RunbookSetting>,
    /// Who is told of remediations, in the order of the file.
    pub webhooks: Vec<WebhookSetting>,
    /// How the cockpit is to look.
    pub ui: Ui,
    /// The keys that are not as they are by default, in the order of the file. The commands' names and the keys are
    /// as they were written: the cockpit knows which there are.
    pub keys: Vec<KeySetting>,
    /// The saved views, in the order of the file. Filters, orders and columns are as they were written.
    pub views: Vec<ViewSetting>,
    /// What the program tells of itself, and how much of it is kept.
    pub log: LogSettings,
    /// Where those values come from that do not say so themselves.
    pub layers: Layers,
}

/// Where some values of a [`Config`] come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// [`Config::operator`].
    pub operator: Layer,
    /// [`Config::soak`].
    pub soak: Layer,
    /// [`Config::state_dir`].
    pub state_dir: Layer,
    /// The choice of [`Config::context`].
    pub context: Layer,
}

/// A context as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextInfo {
    /// Its name.
    pub name: String,
    /// Whether it is production.
    pub production: bool,
    /// The colour of its badge.
    pub colour: Option<String>,
    /// How many sources it has; none can't be used.
    pub sources: usize,
}

impl ContextInfo {
    /// What a list shows of a context.
    pub fn of(context: &Context) -> Self {
        Self {
            name: context.name.clone(),
            production: context.production,
            colour: context.colour.clone(),
            sources: context.sources.len(),
        }
    }
}

/// A named set of sources.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Whether it is production: then nothing in it is acted on until it is armed.
    pub production: bool,
    /// The colour of its badge: one of the eight of a terminal, `gray`, or `#rrggbb`.
    pub colour: Option<String>,
    /// Its sources, at least one.
    pub sources: Vec<SourceConfig>,
}

/// The kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A Restate server's admin API.
    Restate,
    /// A Prefect server's API.
    Prefect,
    /// Plans of Terraform's as JSON.
    Terraform,
    /// A salt-api.
    Salt,
    /// Any JSON API, by configuration.
    Rest,
    /// An Alertmanager's API.
    Alertmanager,
}

impl SourceKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Restate, Self::Prefect, Self::Terraform, Self::Salt, Self::Rest, Self::Alertmanager];

    /// Its name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restate => "restate",
            Self::Prefect => "prefect",
            Self::Terraform => "terraform",
            Self::Salt => "salt",
            Self::Rest => "rest",
            Self::Alertmanager => "alertmanager",
        }
    }
}

/// One source.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Its name: no slash, no white space.
    pub name: String,
    /// Its kind.
    pub kind: SourceKind,
    /// Where it is: http or https, without credentials, query and trailing slash. Empty where it is read from the disk.
    pub url: String,
    /// The file or the folder that it is read from, where it is no server.
    pub path: Option<PathBuf>,
    /// How often it is to be checked what it tells of; what was checked longer ago than twice that is stale.
    pub check_interval: SignedDuration,
    /// From one pass to the next; 1 s at least.
    pub poll: SignedDuration,
    /// For one request, from the connection to the last byte.
    pub timeout: SignedDuration,
    /// How it is reached: credentials, certificates, proxy. `Debug` does not show secrets.
    pub transport: Transport,
    /// Where an instance's page is in the engine's own user interface: an http or https URL with `{id}`, `{flow}` and
    /// `{source}` in it; `None` for the usual place.
    pub open: Option<String>,
    /// What of a Salt is looked at.
    pub salt: SaltSettings,
    /// What is asked of it and made of its answers, for a source of [`SourceKind::Rest`]; nothing for any other.
    pub rest: Option<Arc<RestSetting>>,
    /// Which alerts are drift, and whom they are for, for a source of [`SourceKind::Alertmanager`]; nothing for any other.
    pub alerts: Option<AlertSetting>,
}

/// Why there is no config.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// No file was named and the usual one does not exist.
    #[error("no config: {} does not exist", looked_at.display())]
    None {
        /// Where one was looked for.
        looked_at: PathBuf,
    },
    /// No file was named, and there is no home directory to look for one in.
    #[error("no config: there is no home directory; name a file with --config")]
    NoHome,
    /// The file can't be read.
    #[error("the config {} can't be read: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Something in the file, the environment or the command line is wrong: everything that is, from the first line
    /// to the last. Never empty.
    #[error("{}", joined(.0))]
    Invalid(Vec<Diagnostic>),
    /// There is no context of the name that was asked for.
    #[error("{file}: no context \"{wanted}\"{}", choices(nearest.as_deref(), existing))]
    UnknownContext {
        /// The file.
        file: String,
        /// The context that was asked for.
        wanted: String,
        /// The one that was probably meant.
        nearest: Option<String>,
        /// Those that exist.
        existing: Vec<String>,
    },
    /// No context was asked for, none is the default and there are several.
    #[error("{file}: several contexts and no default; name one with --context{}", choices(None, existing))]
    NoContext {
        /// The file.
        file: String,
        /// Those that exist.
        existing: Vec<String>,
    },
    /// The context has no source.
    #[error("{file}: no source in context \"{context}\"; add one:\n\n{}", example(context))]
    NoSource {
        /// The file.
        file: String,
        /// The context.
        context: String,
    },
}

fn joined(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(Diagnostic::explained).collect::<Vec<_>>().join("\n")
}

fn choices(nearest: Option<&str>, existing: &[String]) -> String {
    let mut text = nearest.map(|name| format!(" (did you mean \"{name}\"?)")).unwrap_or_default();
    if !existing.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, "; there are: {}", existing.join(", "));
    }
    text
}

fn example(context: &str) -> String {
    let header = if context == DEFAULT_CONTEXT { "source".to_owned() } else { format!("context.{context}.source") };
    format!("[[{header}]]\nname = \"restate\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"")
}

/// What a config file may refer to beside itself.
pub struct Surroundings<'a> {
    /// Reads an environment variable; `None` where it is not set.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// What relative paths in the file start from: the folder of the file.
    pub folder: &'a Path,
}

/// What a file says whatever the context: what the demo world takes from it.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Every context, in the order of the file.
    pub contexts: Vec<ContextInfo>,
    /// See [`Config::ui`].
    pub ui: Ui,
    /// See [`Config::keys`].
    pub keys: Vec<KeySetting>,
    /// See [`Config::views`].
    pub views: Vec<ViewSetting>,
}

/// The file that a config is read from: the one that is named, else the one that `QUARTERDECK_CONFIG` names, else
/// [`default_file`]. `None` without a home directory.
pub fn place(named: Option<&Path>) -> Option<PathBuf> {
    named.map(Path::to_owned).or_else(from_environment).or_else(default_file)
}

/// Where a config was looked for, if nobody has named one and there is none: the first start.
pub fn missing(named: Option<&Path>) -> Option<PathBuf> {
    let named = named.map(Path::to_owned).or_else(from_environment);
    default_file().filter(|file| named.is_none() && !file.exists())
}

fn from_environment() -> Option<PathBuf> {
    // A path need not be text.
    std::env::var_os("QUARTERDECK_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

impl Outline {
    /// Reads it from the config of this process, as [`Config::load`] does.
    pub fn load(path: Option<&Path>, flags: &Flags) -> Result<Self, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let file = place(path).ok_or(ConfigError::NoHome)?;
        let text =
            std::fs::read_to_string(&file).map_err(|error| ConfigError::Unreadable { path: file.clone(), error })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let surroundings = Surroundings { variable: &variable, folder };
        file::outline(&text, &file.display().to_string(), flags, &surroundings)
    }
}

impl Config {
    /// Reads the config of this process.
    ///
    /// `path` is the file that the command line names; without one it is the file that `QUARTERDECK_CONFIG` names,
    /// else [`default_file`]. The context is the one that `flags` name, else the one that `QUARTERDECK_CONTEXT` names,
    /// else `default`, or the only one. Only a missing default file is [`ConfigError::None`]: a file that somebody named has to exist.
    pub fn load(path: Option<&Path>, flags: &Flags) -> Result<Self, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let named = path.map(Path::to_owned).or_else(from_environment);
        let file = match &named {
            Some(file) => file.clone(),
            None => default_file().ok_or(ConfigError::NoHome)?,
        };
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ConfigError::None { looked_at: file });
            }
            Err(error) => return Err(ConfigError::Unreadable { path: file, error }),
        };
        let folder = file.parent().unwrap_or(Path::new(""));
        let surroundings = Surroundings { variable: &variable, folder };
        Self::parse_in(&text, &file.display().to_string(), flags, &surroundings)
    }

    /// Reads a config text as if no environment variable were set. `file_name` is what errors call it.
    pub fn parse(text: &str, file_name: &str, context: Option<&str>) -> Result<Self, ConfigError> {
        let flags = Flags::of_context(context);
        Self::parse_in(text, file_name, &flags, &Surroundings { variable: &|_| None, folder: Path::new("") })
    }

    /// Reads a config text with what it may refer to.
    ///
    /// The whole file is checked, whatever the context, and what `flags` and the environment put over it; secrets are read only for the context in force.
    pub fn parse_in(
        text: &str,
        file_name: &str,
        flags: &Flags,
        surroundings: &Surroundings<'_>,
    ) -> Result<Self, ConfigError> {
        file::read(text, file_name, flags, surroundings)
    }
}
