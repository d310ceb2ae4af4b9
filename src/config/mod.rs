//! The config: files, layers, and diagnostics with line and column.

use jiff::SignedDuration;

use crate::domain::verdict::Thresholds;

/// Everything that one run of the program needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who acts; taken on trust.
    pub operator: String,
    /// The context in force.
    pub context: Context,
    /// When the rules hold.
    pub thresholds: ThresholdBook,
    /// How long the effect of an act is watched.
    pub soak: SignedDuration,
    /// Where acts are recorded.
    pub state_dir: std::path::PathBuf,
}

/// A named set of sources.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Whether it is production: then nothing in it is acted on yet.
    pub production: bool,
    /// The colour of its badge.
    pub colour: Option<String>,
    /// Its sources.
    pub sources: Vec<SourceConfig>,
}

/// The kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A Restate server's admin API.
    Restate,
}

/// One source.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Its name: no slash, no white space.
    pub name: String,
    /// Its kind.
    pub kind: SourceKind,
    /// Where it is.
    pub url: String,
    /// From one pass to the next.
    pub poll: SignedDuration,
    /// For one request, from the connection to the last byte.
    pub timeout: SignedDuration,
}

/// Thresholds by source, flow and step.
#[derive(Debug, Clone, Default)]
pub struct ThresholdBook {}

impl ThresholdBook {
    /// The thresholds for one place: the defaults, changed by each entry that matches it, in order.
    pub fn resolve(&self, _source: &str, _flow: &str, _step: &str) -> Thresholds {
        Thresholds::default()
    }
}
