//! The words of the command line.

mod plan;
mod remediation;
mod tenants;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::InstanceId;

pub(super) use self::plan::MakePlan;
pub(super) use self::remediation::{Listed, Named, Rearm, Request, Review, Rollback, Run};
pub(super) use self::tenants::{Events, Suspects, Tenant, Tenants, Timeline};
use crate::config::{ColourDepth, Flags, Times};
use crate::connect::sim::check_speed;
use crate::domain::time::parse_duration;
use crate::query;

/// A terminal cockpit for the people who keep a SaaS running.
///
/// Without a command it opens the cockpit on the configured sources.
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, about, long_about, propagate_version = true, after_help = FIRST_STEPS)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// The heading of what every command understands, so that a command's own options stand out.
const GLOBAL: &str = "Global options";

const CONFIG: &str = "The config file [default: $QUARTERDECK_CONFIG, else ~/.config/quarterdeck/config.toml]";

const FIRST_STEPS: &str = "\
First steps:
  quarterdeck demo                         the cockpit on a made-up incident
  quarterdeck --config quarterdeck.toml    the cockpit on your own sources
  quarterdeck get board                    the same board without a terminal";

const FILTER: &str = "\
A filter: words joined by AND, a comma inside a value is OR, a leading - negates.
  state:backing-off,paused  is:stuck  rule:retry_storm  flow:tenant-*  step:database  tenant:acme  source:eu
  age:>10m  for:>=2m  attempts:>=5  key:  id:  error:  cohort:  \"connection refused\"  -tenant:acme";

const EXIT_CODES: &str = "\
Exit codes: 0 fine, 1 stuck found with --fail-on stuck, 2 usage or config, 3 a source failed (3 wins over 1).";

/// What every command understands.
#[derive(Debug, Clone, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(super) struct Global {
    /// The config file.
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL, help = CONFIG)]
    pub(super) config: Option<PathBuf>,
    /// The context: a named set of sources in the config
    #[arg(long, global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(super) context: Option<String>,
    /// The embedded demo world in place of the configured sources
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(super) demo: bool,
    /// Which demo world: one number, one world
    #[arg(long, global = true, value_name = "N", help_heading = GLOBAL)]
    pub(super) seed: Option<u64>,
    /// How fast the demo's time runs: 10 is ten times as fast as time does
    #[arg(long, global = true, value_name = "N", value_parser = speed, help_heading = GLOBAL)]
    pub(super) speed: Option<f64>,
    /// So many made-up instances in place of the demo's incidents: what size is tried on
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST), help_heading = GLOBAL)]
    pub(super) instances: Option<u32>,
    /// How many of those instances change each second [default: 0]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000), requires = "instances", help_heading = GLOBAL)]
    pub(super) changes: Option<u32>,
    /// Begin the demo anew, rather than going on where the last command left it
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(super) fresh: bool,
    /// Refuse every act
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(super) read_only: bool,
    /// Let acts through in a production context without arming it first
    #[arg(long, global = true, help_heading = GLOBAL, conflicts_with = "read_only")]
    pub(super) write: bool,
    /// The theme, by name
    #[arg(long, global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(super) theme: Option<String>,
    /// How many colours [default: as the terminal has]
    #[arg(long, global = true, value_name = "HOW-MANY", value_parser = COLOURS, help_heading = GLOBAL)]
    pub(super) colours: Option<String>,
    /// Draw with ASCII characters alone
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(super) ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(super) no_mouse: bool,
    /// Show times in UTC or in the machine's time zone [default: utc]
    #[arg(long, global = true, value_name = "ZONE", value_parser = TIMES, help_heading = GLOBAL)]
    pub(super) times: Option<String>,
}

/// The most instances that are made up.
const MOST: i64 = 10_000_000;

/// The values of `--colours` and `--times`.
const COLOURS: [&str; 4] = ["none", "16", "256", "true"];
const TIMES: [&str; 2] = ["utc", "local"];

fn speed(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|_| "a number is wanted, as in 10 or 0.5".to_owned());
    number.and_then(check_speed)
}

impl Global {
    /// The same, on the demo world.
    pub(super) fn for_demo(self) -> Self {
        Self { demo: true, ..self }
    }

    /// What goes before the environment and the config.
    pub(super) fn flags(&self) -> Flags {
        fn named<T: Copy>(name: Option<&str>, all: &[(&str, T)]) -> Option<T> {
            all.iter().find(|(known, _)| Some(*known) == name).map(|(_, value)| *value)
        }
        Flags {
            context: self.context.clone(),
            theme: self.theme.clone(),
            colours: named(self.colours.as_deref(), &ColourDepth::ALL),
            ascii: self.ascii.then_some(true),
            mouse: self.no_mouse.then_some(false),
            times: named(self.times.as_deref(), &Times::ALL),
        }
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
    /// Say what works and what does not: this machine, and each source
    ///
    /// Nothing is acted on. Exit codes: 0 all is well, 3 a source failed, 2 usage or config.
    Doctor(Doctor),
    /// Draw one screen without a terminal
    Snapshot(Snapshot),
    /// Try a source: what is asked, what comes, and what is made of it
    Source {
        #[command(subcommand)]
        what: SourceCommand,
    },
    /// Check the config, or print one to begin with
    Config {
        #[command(subcommand)]
        what: ConfigCommand,
    },
    /// The audit: what was tried, refused, sent, answered and came of it
    ///
    /// It is one for all contexts of a state directory; --demo has the demo's own.
    Audit {
        #[command(subcommand)]
        what: AuditCommand,
    },
    /// Print the completions for a shell
    ///
    /// bash: `quarterdeck completions bash > ~/.local/share/bash-completion/completions/quarterdeck`
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// The themes: which there are, and whether one can be read
    Theme {
        #[command(subcommand)]
        what: ThemeCommand,
    },
    /// Policies, freezes and limits: which are in force, and what they would decide
    Policy {
        #[command(subcommand)]
        what: PolicyCommand,
    },
    /// Plan a verb or a runbook for all that match: who would be acted on, who not, and what is decided of it
    ///
    /// Nothing is sent. A plan that is made again while nothing has changed has the same hash.
    #[command(after_help = plan::CODES)]
    Plan(Box<MakePlan>),
    /// Ask that a plan be carried out, by its hash
    ///
    /// Nothing is sent by this: it is started by `run`, or by an open cockpit, once whoever has to agree has agreed.
    #[command(after_help = remediation::CODES)]
    Request(Request),
    /// Approve what somebody else has asked for
    #[command(after_help = remediation::CODES)]
    Approve(Review),
    /// Deny what somebody else has asked for
    #[command(after_help = remediation::CODES)]
    Deny(Review),
    /// Carry out a remediation that may be started
    ///
    /// This process sends and watches, and stays until the end; Ctrl-C holds it. Where an open cockpit does that, --wait
    /// waits for it.
    #[command(after_help = remediation::CODES)]
    Run(Run),
    /// Send nothing more of a remediation until it is resumed
    #[command(after_help = remediation::CODES)]
    Hold(Named),
    /// Go on with a remediation that is held, and wait for its end
    #[command(after_help = remediation::CODES)]
    Resume(Named),
    /// Send nothing more of a remediation, for good
    #[command(after_help = remediation::CODES)]
    Abort(Named),
    /// Ask that a remediation be taken back, by one of its own
    #[command(after_help = remediation::CODES)]
    Rollback(Rollback),
    /// Leave something alone that has drifted, until a moment and for a reason
    ///
    /// Nothing is sent. It is told as ignored until then, and no plan acts on it.
    #[command(after_help = remediation::CODES)]
    Ignore(Ignore),
    /// Say that what is there is what is wanted, although its source wants otherwise, for a reason
    ///
    /// Nothing is sent, and its source still wants otherwise until it is changed there. It is told as adopted for as long
    /// as it differs as it does now, and no plan acts on it; once it differs otherwise it has drifted again.
    #[command(after_help = remediation::CODES)]
    Adopt(Adopt),
    /// Note that something is on again that a remediation had switched off
    ///
    /// It ends its being listed by `get side-effects`. Nothing is sent: whoever notes it has armed it.
    #[command(after_help = remediation::CODES)]
    Rearm(Rearm),
    /// Print the manual page, in roff
    ///
    /// `quarterdeck man | man -l -` shows it.
    Man,
}

/// What is done with a source.
#[derive(Debug, Subcommand)]
pub(super) enum SourceCommand {
    /// Look at one source once, with everything that goes wrong
    ///
    /// Of the kind rest it prints each request with its pages and items, how much each program yields, the first of it as
    /// JSON without secrets, and where a program failed: its line, and the path in the answer. Nothing is acted on.
    /// Exit codes: 0 all is well, 3 something failed, 2 usage or config.
    Try(SourceTry),
}

/// Which source is tried.
#[derive(Debug, clap::Args)]
pub(super) struct SourceTry {
    /// Its name in the config
    pub(super) name: String,
    /// How much of what each program yields is printed
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1_000))]
    pub(super) show: u16,
    #[command(flatten)]
    pub(super) format: Format,
}

/// What is done with the config.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say everything that is wrong with it, or what is in force and where each value comes from
    Check {
        /// The file; without it the one that would be used
        file: Option<PathBuf>,
    },
    /// Print an example with every key that there is
    Example {
        /// Write it to where the config is looked for; what exists is not overwritten
        #[arg(long)]
        write: bool,
    },
}

const AUDIT_EXIT_CODES: &str =
    "Exit codes: 0 fine, 2 usage or config, 5 the audit is not whole, 70 the ledger can't be read.";

/// What is done with the audit.
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// The last entries, the newest first; with --context those of that context alone
    #[command(after_help = AUDIT_EXIT_CODES)]
    List {
        /// At most this many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        /// Only what happened since: 2h, or a time such as 2026-01-15T03:12:00Z
        #[arg(long, value_name = "WHEN", value_parser = moment)]
        since: Option<Moment>,
        #[command(flatten)]
        format: Format,
    },
    /// Go along the whole chain, and hold its end against the note of it beside the ledger
    ///
    /// Prints how many entries there are and the last one's hash. Names the first entry that was changed, moved, put in
    /// or taken away. With --head also whether an entry is the one that an earlier export or look had as its last.
    #[command(after_help = AUDIT_EXIT_CODES)]
    Verify {
        /// An end of the chain from elsewhere, as it was printed: 412:9f3a…
        #[arg(long, value_name = "SEQUENCE:HASH", value_parser = head)]
        head: Option<crate::domain::audit::Head>,
        #[command(flatten)]
        format: Format,
    },
    /// Every entry as it is hashed, with the chain's end, for other programs and for keeping elsewhere
    ///
    /// An entry's hash is SHA-256 over its canonical JSON (RFC 8785) without the field hash.
    #[command(after_help = AUDIT_EXIT_CODES)]
    Export {
        /// Only what happened since: 24h, or a time such as 2026-01-15T03:12:00Z
        #[arg(long, value_name = "WHEN", value_parser = moment)]
        since: Option<Moment>,
        /// How to print
        #[arg(short, long, value_enum, default_value_t = Exported::Json, value_name = "FORMAT")]
        output: Exported,
    },
}

/// How an export is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Exported {
    /// One JSON document
    Json,
    /// The chain's end in the first line, then one entry a line
    Ndjson,
}

/// A moment in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    At(Timestamp),
    Ago(SignedDuration),
}

impl Moment {
    /// Which one it is, at `now`.
    pub(super) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    let at = text.parse().map(Moment::At);
    let ago = || parse_duration(text).map(Moment::Ago);
    at.or_else(|_| ago())
        .map_err(|_| "a duration or a time with its zone is wanted, as in 2h or 2026-01-15T03:12:00Z".into())
}

fn head(text: &str) -> Result<crate::domain::audit::Head, String> {
    let read = text.split_once(':').and_then(|(sequence, hash)| {
        let good = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sequence = sequence.parse().ok()?;
        good.then(|| crate::domain::audit::Head { sequence, hash: hash.to_ascii_lowercase() })
    });
    read.ok_or_else(|| "a place and 64 hexadecimal digits are wanted, as `audit verify` prints them".to_owned())
}

#[derive(Debug, Subcommand)]
pub(super) enum ThemeCommand {
    /// Every theme by name, your own too
    List,
    /// Compute how well each text can be read and how far states are apart; exit code 2 if that is not enough
    Check {
        /// A theme's name or file; every theme where it is left out
        #[arg(value_name = "NAME|FILE")]
        theme: Option<String>,
    },
}

/// What is asked of policies.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Every rule, policy and freeze in force, and when each freeze holds
    Check {
        #[command(flatten)]
        format: Format,
    },
    /// What would be decided of a request, with every reason; nothing is sent
    #[command(after_help = POLICY_CODES)]
    Test(Box<PolicyTest>),
}

/// A request that is made up. What the command line says goes before the file.
#[derive(Debug, clap::Args)]
pub(super) struct PolicyTest {
    /// A JSON file with the same names as the options, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(super) request: Option<PathBuf>,
    /// What is to be done
    #[arg(long, value_name = "NAME")]
    pub(super) verb: Option<String>,
    /// Of how many targets [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) targets: Option<u64>,
    /// Who asks [default: the operator]
    #[arg(long, value_name = "NAME")]
    pub(super) by: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// The ticket
    #[arg(long, value_name = "TEXT")]
    pub(super) ticket: Option<String>,
    /// The runbook
    #[arg(long, value_name = "NAME")]
    pub(super) runbook: Option<String>,
    /// In how many waves [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) waves: Option<u64>,
    /// A flow of the targets; as often as there are several
    #[arg(long, value_name = "NAME")]
    pub(super) flow: Vec<String>,
    /// A step of the targets
    #[arg(long, value_name = "NAME")]
    pub(super) step: Vec<String>,
    /// A source of the targets
    #[arg(long, value_name = "NAME")]
    pub(super) source: Vec<String>,
    /// A tenant of the targets
    #[arg(long, value_name = "NAME")]
    pub(super) tenant: Vec<String>,
    /// How many tenants of a tier: gold=3
    #[arg(long, value_name = "TIER=N", value_parser = tier)]
    pub(super) tier: Vec<(String, u64)>,
    /// A region of the targets
    #[arg(long, value_name = "NAME")]
    pub(super) region: Vec<String>,
    /// How many steps move money
    #[arg(long, value_name = "N")]
    pub(super) money_steps: Option<u64>,
    /// How many messages are sent again
    #[arg(long, value_name = "N")]
    pub(super) messages: Option<u64>,
    /// How many instances wait behind the targets
    #[arg(long, value_name = "N")]
    pub(super) behind: Option<u64>,
    /// Whether the cause still fails
    #[arg(long, value_name = "WHETHER")]
    pub(super) cause_failing: Option<bool>,
    /// When it is asked for [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<jiff::Timestamp>,
    /// Override freezes as this role
    #[arg(long, value_name = "ROLE", requires = "override_for")]
    pub(super) override_as: Option<String>,
    /// For how long
    #[arg(long, value_name = "DURATION", value_parser = lasting, requires = "override_as")]
    pub(super) override_for: Option<SignedDuration>,
    /// Nothing is to be sent
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) format: Format,
}

/// What `quarterdeck ignore` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Ignore {
    /// Which finding, as `get drift` tells it: source/id
    #[arg(value_name = "ID", value_parser = plan::finding)]
    pub(super) id: InstanceId,
    /// For how long: 2h, 7d; a minute to 90 days
    #[arg(long = "for", value_name = "DURATION", value_parser = lasting, conflicts_with_all = ["until", "end"])]
    pub(super) lasting: Option<SignedDuration>,
    /// Until when: 2026-01-15T03:12:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "end", required_unless_present_any = ["lasting", "end"])]
    pub(super) until: Option<Timestamp>,
    /// Not any more
    #[arg(long)]
    pub(super) end: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

/// What `quarterdeck adopt` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Adopt {
    /// Which finding, as `get drift` tells it: source/id
    #[arg(value_name = "ID", value_parser = plan::finding)]
    pub(super) id: InstanceId,
    /// Not any more
    #[arg(long)]
    pub(super) end: bool,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

const POLICY_CODES: &str = "\
Exit codes: 0 allowed, 4 approvals are needed or it is refused, 2 usage or config.";

fn tier(text: &str) -> Result<(String, u64), String> {
    let wrong = || "a tier and a number are wanted, as in gold=3".to_owned();
    let (tier, count) = text.rsplit_once('=').filter(|(tier, _)| !tier.is_empty()).ok_or_else(wrong)?;
    Ok((tier.to_owned(), count.parse().map_err(|_| wrong())?))
}

fn lasting(text: &str) -> Result<SignedDuration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(super) struct Get {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Counts by flow and step, and the cohorts of what is stuck
    ///
    /// As table and JSON it has the sources, the counts and the cohorts; as NDJSON and CSV the counts alone.
    #[command(after_help = format!("{FILTER}\n\n{EXIT_CODES}"))]
    Board(Matching),
    /// Flow instances that are open or failed, the worst first
    #[command(after_help = format!("{FILTER}\n\n{EXIT_CODES}"))]
    Flows(Listing),
    /// One flow instance in full, asked of its source live
    ///
    /// As CSV it is what happened, step by step. An instance that does not exist is a mistake of usage: exit code 2.
    #[command(after_help = EXIT_CODES)]
    Flow(One),
    /// Every source: state, age, latency, error
    #[command(after_help = EXIT_CODES)]
    Sources(Sources),
    /// Remediations of many, those that have not ended first
    #[command(after_help = remediation::CODES)]
    Remediations(Listed),
    /// One remediation with its items and what happened to it
    #[command(after_help = remediation::CODES)]
    Remediation(Named),
    /// What has drifted, or is not known not to have; with an id, one finding and what differs
    #[command(after_help = EXIT_CODES)]
    Drift(Drift),
    /// What changed before a cohort got stuck, and the drift that its tenants share
    #[command(after_help = EXIT_CODES)]
    Suspects(Suspects),
    /// How long steps take against what they promise, in slots of 5 minutes over the last 6 hours
    ///
    /// A step counts in the slot in which it ended, and as still going on in those before. What is not known is a ?.
    #[command(after_help = EXIT_CODES)]
    Latency(Latency),
    /// Tenants: whom the flows are for, found by any identifier
    #[command(after_help = EXIT_CODES)]
    Tenants(Tenants),
    /// One tenant: who they are, their flows with the stuck ones first, their drift, what the customer is told
    #[command(after_help = EXIT_CODES)]
    Tenant(Tenant),
    /// What happened to a tenant, in one order: changes, deployments, flows, errors, drift, remediations
    #[command(after_help = EXIT_CODES)]
    Timeline(Timeline),
    /// What has happened, over all sources: changes, deployments, alerts; as CloudEvents in JSON
    #[command(after_help = EXIT_CODES)]
    Events(Events),
    /// What was done to the sources within a day that Quarterdeck did not do
    #[command(after_help = EXIT_CODES)]
    Outside(Limited),
    /// Exceptions that end by themselves: what is armed, overridden or claimed, the next to end first
    Borrowed(Format),
    /// The automations: what each would have done, and whether it would have helped
    Automations(Format),
    /// The runbooks of the config: their steps, what they are given, what they switch off, what takes them back
    #[command(after_help = EXIT_CODES)]
    Runbooks(Shown),
    /// What remediations have switched off, until somebody arms it again
    #[command(after_help = EXIT_CODES)]
    SideEffects(Shown),
}

#[derive(Debug, clap::Args)]
pub(super) struct Shown {
    #[command(flatten)]
    pub(super) format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    pub(super) format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Drift {
    /// One finding, as the list names it: source/id; or a filter: status:drifted severity:critical kind:modified source:
    /// scope: what: tenant: owner: cause: id: "a text"
    #[arg(value_name = "ID|FILTER")]
    pub(super) words: Vec<String>,
    /// Findings of one cause as one row
    #[arg(long)]
    pub(super) by_cause: bool,
    /// At most this many
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(super) limit: usize,
    #[command(flatten)]
    pub(super) format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Latency {
    /// Of which flows: a name, or a pattern with * and ?
    #[arg(value_name = "FLOW")]
    pub(super) flow: Option<String>,
    #[command(flatten)]
    pub(super) format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Limited {
    /// At most this many
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(super) limit: usize,
    #[command(flatten)]
    pub(super) format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Format {
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Output::Table, value_name = "FORMAT")]
    pub(super) output: Output,
}

/// Whether it is to be printed again and again.
#[derive(Debug, clap::Args)]
pub(super) struct Watching {
    /// Print again and again, from one hub that keeps polling: every 2 s, or as seldom as is said
    ///
    /// A table is painted over itself on a terminal, and follows the last one elsewhere.
    ///
    /// JSON is one document a line. CSV has the time in its first column.
    ///
    /// NDJSON is what changed: each line says when a row was added, changed or gone.
    ///
    /// With --fail-on stuck it ends once something is.
    #[arg(
        short, long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "2s",
        value_parser = interval
    )]
    pub(super) watch: Option<SignedDuration>,
}

/// The shortest time between two looks: more often, nobody could read it.
const LEAST_INTERVAL: SignedDuration = SignedDuration::from_millis(200);

fn interval(text: &str) -> Result<SignedDuration, String> {
    let every = parse_duration(text).map_err(|error| error.to_string())?;
    if every < LEAST_INTERVAL { Err("at least 200ms is wanted".to_owned()) } else { Ok(every) }
}

#[derive(Debug, clap::Args)]
pub(super) struct Sources {
    #[command(flatten)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) watching: Watching,
}

/// A choice of instances.
#[derive(Debug, clap::Args)]
pub(super) struct Matching {
    #[command(flatten)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) watching: Watching,
    /// Exit with 1 if anything that matches is stuck
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(super) fail_on: Option<FailOn>,
    /// Only what matches: words of the filter language, or a whole filter in quotes
    #[arg(value_name = "FILTER")]
    pub(super) filter: Vec<String>,
}

/// A choice of instances, one row each.
#[derive(Debug, clap::Args)]
pub(super) struct Listing {
    #[command(flatten)]
    pub(super) matching: Matching,
    /// At most this many rows
    #[arg(long, default_value_t = 200, value_name = "N", conflicts_with = "all")]
    pub(super) limit: usize,
    /// Every row
    #[arg(long)]
    pub(super) all: bool,
    /// What comes first: the worst, or what is first by a column
    #[arg(long, value_name = "COLUMN", value_parser = sort_by, conflicts_with = "group_by")]
    pub(super) sort: Option<query::SortBy>,
    /// Groups with their counts in place of rows, those with the most stuck first
    #[arg(long, value_name = "COLUMN", value_parser = group_by)]
    pub(super) group_by: Option<query::GroupBy>,
}

/// Reads the name of a column that can be sorted by.
fn sort_by(text: &str) -> Result<query::SortBy, String> {
    let names = query::SortBy::ALL.map(query::SortBy::name).join(", ");
    query::SortBy::by_name(text).ok_or_else(|| format!("there are: {names}"))
}

/// Reads the name of a column that can be grouped by.
fn group_by(text: &str) -> Result<query::GroupBy, String> {
    let names = query::GroupBy::ALL.map(query::GroupBy::name).join(", ");
    query::GroupBy::by_name(text).ok_or_else(|| format!("there are: {names}"))
}

#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// SOURCE/INSTANCE, as the lists show it; by the engine's own id alone every source is asked
    pub(super) id: String,
    /// With its input, its output, and what the engine keeps of it, as it is; secrets are taken out
    #[arg(long)]
    pub(super) raw: bool,
    #[command(flatten)]
    pub(super) format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Snapshot {
    /// Which screen: board, flows, detail (of the first of the flows), remediations or sources
    #[arg(long, default_value = "board", value_name = "NAME")]
    pub(super) screen: String,
    /// Columns and rows
    #[arg(long, default_value = "120x34", value_name = "WxH")]
    pub(super) size: String,
    /// Only the flows that match, on the screens flows and detail
    #[arg(long, value_name = "FILTER")]
    pub(super) filter: Option<String>,
    /// Keys that are pressed first, as the help names them: "v", "down enter"; none of them acts
    #[arg(long, value_name = "KEYS", default_value = "", hide_default_value = true)]
    pub(super) keys: String,
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
    let mut words: Vec<OsString> = arguments.collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let after = words.split_off(end);
    let (negated, mut rest): (Vec<_>, Vec<_>) =
        words.into_iter().partition(|word| word.to_str().is_some_and(is_negated_filter));
    if negated.is_empty() {
        rest.extend(after);
        return rest;
    }
    rest.push("--".into());
    rest.extend(negated);
    rest.extend(after.into_iter().skip(1));
    rest
}

/// Whether an argument can only be a negated word of a filter. A key of one letter would be taken from an option, and
/// a key that does not exist is left to the filter's own message, which names the nearest one.
fn is_negated_filter(argument: &str) -> bool {
    let Some(word) = argument.strip_prefix('-').filter(|word| !word.starts_with('-')) else { return false };
    let key = word.split_once(':').map(|(key, _)| key);
    key.is_some_and(|key| key.len() > 1 && query::is_key(key)) || word.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    fn filter_of(words: &[&str]) -> Vec<String> {
        let args = Args::try_parse_from(filters_last(words.iter().map(OsString::from))).unwrap();
        let Some(Command::Get(Get { what: What::Flows(listing) })) = args.command else { panic!("not `get flows`") };
        assert_eq!(listing.matching.format.output, Output::Json, "{words:?}");
        listing.matching.filter
    }

    #[test]
    fn a_negated_word_is_a_filter_and_no_option() {
        let filter = filter_of(&["quarterdeck", "get", "flows", "-flow:a-*", "-o", "json", "state:paused"]);
        assert_eq!(filter, ["state:paused", "-flow:a-*"]);
        let filter = filter_of(&["quarterdeck", "get", "flows", "-ojson", "-FLOW:a", "-flwo:a", "-two words"]);
        assert_eq!(filter, ["-FLOW:a", "-flwo:a", "-two words"]);
        let filter = filter_of(&["quarterdeck", "get", "flows", "-flow:a", "-ojson", "--", "-acme", "-flow:b"]);
        assert_eq!(filter, ["-flow:a", "-acme", "-flow:b"]);
    }
}
