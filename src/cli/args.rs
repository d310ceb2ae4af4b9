//! The words of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::query;

/// A terminal cockpit for the people who keep a SaaS running.
///
/// Without a command it opens the cockpit on the configured sources.
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, about, long_about, propagate_version = true)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What every command understands.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Global {
    /// The config file [default: quarterdeck/config.toml in the user's config directory]
    #[arg(long, global = true, value_name = "FILE", env = "QUARTERDECK_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// The context: a named set of sources in the config
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// The embedded demo world in place of the configured sources
    #[arg(long, global = true)]
    pub(super) demo: bool,
    /// Which demo world
    #[arg(long, global = true, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Refuse every act
    #[arg(long, global = true)]
    pub(super) read_only: bool,
}

impl Global {
    /// The same, on the demo world.
    pub(super) fn for_demo(self) -> Self {
        Self { demo: true, ..self }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Open the cockpit on the configured sources (what happens without a command, too)
    Cockpit,
    /// Open the cockpit on the embedded demo world: no server, no config
    Demo,
    /// Print what the board shows: one complete pass over every source, then exit
    Get(Get),
    /// Draw one screen without a terminal
    Snapshot(Snapshot),
}

/// Exit codes: 0 fine, 1 something is stuck and --fail-on stuck was given, 2 usage or config, 3 a source failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 fine, 1 stuck found with --fail-on stuck, 2 usage or config, 3 a source failed \
(3 wins over 1).\n\nA filter: state:backing-off rule:retry_storm flow:tenant-* age:>10m \"connection refused\" \
-tenant:acme")]
pub(super) struct Get {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Counts by flow and step, and the cohorts of what is stuck
    Board(Listing),
    /// Flow instances that are open or failed
    Flows(Listing),
    /// One flow instance in full, asked of its source live
    Flow(One),
    /// Every source: state, age, latency, error
    Sources(Format),
}

#[derive(Debug, clap::Args)]
pub(super) struct Format {
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Output::Table, value_name = "FORMAT")]
    pub(super) output: Output,
}

#[derive(Debug, clap::Args)]
pub(super) struct Listing {
    #[command(flatten)]
    pub(super) format: Format,
    /// Exit with 1 if anything that matches is stuck
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) fail_on: Option<FailOn>,
    /// At most this many rows
    #[arg(long, default_value_t = 200, value_name = "N", conflicts_with = "all")]
    pub(super) limit: usize,
    /// Every row
    #[arg(long)]
    pub(super) all: bool,
    /// Only what matches: words of the filter language, all of which must hold
    #[arg(value_name = "FILTER")]
    pub(super) filter: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// `source/instance`; the engine's own id alone where there is one source
    pub(super) id: String,
    #[command(flatten)]
    pub(super) format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Snapshot {
    /// Which screen
    #[arg(long, default_value = "board", value_name = "NAME")]
    pub(super) screen: String,
    /// Columns and rows
    #[arg(long, default_value = "120x34", value_name = "WxH")]
    pub(super) size: String,
    /// How to print
    #[arg(long, value_enum, default_value_t = Picture::Text)]
    pub(super) format: Picture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// Aligned columns, for people
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
    /// Comma-separated values with a header
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    Stuck,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Picture {
    /// Characters alone
    Text,
    /// Characters with colours
    Ansi,
    /// A picture
    Svg,
}

/// Moves filter words that look like options (`-flow:billing-*`) behind a `--`, so that negation needs no `--`.
pub(super) fn filters_last(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let negated = |argument: &OsString| {
        let word = argument.to_str().and_then(|text| text.strip_prefix('-'));
        let key = word.and_then(|word| word.split_once(':')).map(|(key, _)| key);
        key.is_some_and(|key| query::KEYS.iter().any(|(name, _)| *name == key))
    };
    let mut words: Vec<OsString> = arguments.collect();
    if words.iter().any(|word| word == "--") {
        return words;
    }
    let (filters, mut rest): (Vec<_>, Vec<_>) = words.drain(..).partition(negated);
    if !filters.is_empty() {
        rest.push("--".into());
        rest.extend(filters);
    }
    rest
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_negated_word_is_a_filter_and_no_option() {
        let words = ["quarterdeck", "get", "flows", "-flow:a-*", "-o", "json", "state:paused"];
        let args = Args::try_parse_from(filters_last(words.iter().map(OsString::from))).unwrap();
        let Some(Command::Get(Get { what: What::Flows(listing) })) = args.command else { panic!("not `get flows`") };
        assert_eq!(listing.filter, ["state:paused", "-flow:a-*"]);
        assert_eq!(listing.format.output, Output::Json);
    }
}
