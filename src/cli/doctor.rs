//! `quarterdeck doctor`: what works and what does not, of this machine and of each source, in words; and an exit code.
//!
//! Nothing is acted on: each source is asked what it is, what time it has, and whether each of its tables can be read.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::args::{Doctor, Global, Output};
use super::output::{self, Table};
use super::{Failure, Outcome, world};
use crate::cockpit;
use crate::config::{Config, SourceConfig, default_file};
use crate::connect::sim::{self, World as SimWorld};
use crate::connect::{Checkup, ConnectError, Connector};
use crate::domain::text::SafeText;
use crate::domain::time::{date_time, words};

/// A clock that is off by more than this flips no verdict, and is worth knowing.
const CLOCK_OFF: SignedDuration = SignedDuration::from_secs(30);

/// A certificate that ends within this is worth knowing.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(24 * 21);

/// What was found is never wrapped to fewer columns than this.
const NARROWEST: usize = 24;

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Fine,
    Look,
    Failed,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Look => "look",
            Self::Failed => "FAILED",
        }
    }
}

/// What findings of no source are of. No source can have this name: theirs hold no space.
const HERE: &str = "this machine";

/// One thing that was looked at.
struct Finding {
    /// Of what: a source's name, or [`HERE`].
    of: SafeText,
    check: &'static str,
    state: State,
    text: SafeText,
}

/// What was found, and the same for programs.
#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
    sources: Vec<Value>,
}

impl Report {
    /// Everything of another one, after one's own.
    fn append(&mut self, mut other: Self) {
        self.findings.append(&mut other.findings);
        self.sources.append(&mut other.sources);
    }

    fn add(&mut self, of: &str, check: &'static str, state: State, text: impl AsRef<str>) {
        self.findings.push(Finding { of: of.into(), check, state, text: SafeText::clipped(text.as_ref(), 400) });
    }
}

pub(super) async fn run(global: &Global, doctor: &Doctor) -> Result<Outcome, Failure> {
    let mut report = Report::default();
    if global.demo {
        let clock: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(Timestamp::now);
        let demo = Arc::new(SimWorld::start(global.seed.unwrap_or(sim::SEED), clock));
        report.add(HERE, "config", State::Fine, "none is needed: this is the demo world");
        here(&mut report, None);
        for (name, plane) in demo.planes() {
            report.append(source(name, &*plane, None, read_only(global, false).as_deref()).await);
        }
    } else {
        let config = world::config(global)?;
        world::policies(&config)?;
        world::automations(&config)?;
        world::runbooks(&config)?;
        config_file(&mut report, &config);
        here(&mut report, Some(&config.state_dir));
        let refusal = read_only(global, config.context.production && !global.write);
        // All at once: one that does not answer delays the others as little as in the cockpit.
        let asked = config.context.sources.iter().map(|each| configured(each, refusal.as_deref()));
        for found in futures_util::future::join_all(asked).await {
            report.append(found);
        }
    }
    print(&report, doctor.format.output)?;
    let failed = report.findings.iter().any(|finding| finding.state == State::Failed);
    Ok(if failed { Outcome::SourceFailed } else { Outcome::Fine })
}

fn read_only(global: &Global, production: bool) -> Option<String> {
    if global.read_only {
        Some("started with --read-only".to_owned())
    } else if production {
        Some("the context is production, and read-only until it is armed or started with --write".to_owned())
    } else {
        None
    }
}

fn config_file(report: &mut Report, config: &Config) {
    use std::os::unix::fs::PermissionsExt as _;
    let by_custom = default_file().is_some_and(|file| file == config.file);
    let place = if by_custom { "the usual place" } else { "named" };
    let sources = config.context.sources.len();
    let text = format!("{} ({place}), context {}, sources: {sources}", config.file.display(), config.context.name);
    report.add(HERE, "config", State::Fine, text);
    let Ok(metadata) = std::fs::metadata(&config.file) else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o022 == 0 {
        report.add(
            HERE,
            "config mode",
            State::Fine,
            format!("{mode:o}: it holds no secrets, and only you can change it"),
        );
    } else {
        let text = format!("{mode:o}: others can change it; mend it with: chmod go-w {}", config.file.display());
        report.add(HERE, "config mode", State::Look, text);
    }
}

/// What there is to be known of this machine.
fn here(report: &mut Report, state_dir: Option<&Path>) {
    match state_dir.map(|dir| (dir, writable(dir))) {
        None => report.add(HERE, "state", State::Fine, "nothing is recorded: acts end with the demo world"),
        Some((dir, Ok(()))) => {
            report.add(HERE, "state", State::Fine, format!("{} can be written: acts can be recorded", dir.display()));
        }
        Some((dir, Err(error))) => {
            let text = format!("{}: {error}: nothing can be acted on, as it can't be recorded", dir.display());
            report.add(HERE, "state", State::Look, text);
        }
    }
    let variable = |name: &str| std::env::var(name).ok();
    let colours = match cockpit::colours(variable) {
        cockpit::Colours::None => "no colours",
        cockpit::Colours::Sixteen => "16 colours",
        cockpit::Colours::Indexed => "256 colours",
        cockpit::Colours::TrueColour => "true colour",
    };
    let characters = if cockpit::ascii(variable) { "ASCII alone" } else { "UTF-8" };
    let term = variable("TERM").unwrap_or_default();
    let size = crossterm::terminal::size();
    match (&size, term.as_str()) {
        (_, "" | "dumb") => report.add(HERE, "terminal", State::Look, "none that can show the cockpit (TERM)"),
        (Ok((width, height)), _) if *width < 80 || *height < 24 => {
            let text = format!("{term}, {width}x{height}: small; 80x24 shows everything; {colours}, {characters}");
            report.add(HERE, "terminal", State::Look, text);
        }
        (Ok((width, height)), _) => {
            report.add(HERE, "terminal", State::Fine, format!("{term}, {width}x{height}, {colours}, {characters}"));
        }
        (Err(_), _) => report.add(HERE, "terminal", State::Fine, format!("{term}, {colours}, {characters}")),
    }
    let zone = jiff::tz::TimeZone::system();
    let zone = zone.iana_name().unwrap_or("without a name");
    report.add(HERE, "clock", State::Fine, format!("{} UTC, time zone {zone}", date_time(Timestamp::now())));
}

/// Whether a file can be made there.
fn writable(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&probe)?;
    std::fs::remove_file(&probe)
}

/// Asks one source of the config. One that can't even be asked, since a file that it names is of no use, is told as
/// that, and the others are looked at all the same.
async fn configured(config: &SourceConfig, read_only: Option<&str>) -> Report {
    match world::connector(config) {
        Ok(connector) => source(&config.name, &*connector, Some(config), read_only).await,
        Err(why) => {
            let mut report = Report::default();
            let why = why.to_string();
            let why = why.strip_prefix(&format!("source {}: ", config.name)).unwrap_or(&why);
            report.add(&config.name, "reachable", State::Failed, format!("not asked: {why}"));
            report.sources.push(json!({
                "name": config.name, "kind": config.kind.name(), "address": SafeText::new(&config.url),
                "reachable": false, "error": SafeText::clipped(why, 400),
            }));
            report
        }
    }
}

/// Asks one source.
async fn source(
    name: &str,
    connector: &dyn Connector,
    config: Option<&SourceConfig>,
    read_only: Option<&str>,
) -> Report {
    let mut found_of_it = Report::default();
    let report = &mut found_of_it;
    let began = Instant::now();
    let asked_at = Timestamp::now();
    let checkup = connector.examine().await;
    let took = began.elapsed();
    let address = connector.address();
    match &checkup {
        Ok(_) => report.add(name, "reachable", State::Fine, format!("{address}, {} ms", took.as_millis())),
        Err(error) => report.add(name, "reachable", State::Failed, error.to_string()),
    }
    let offset = checkup.as_ref().ok().and_then(|found| found.engine_now).map(|now| now.duration_since(asked_at));
    if let Ok(found) = &checkup {
        told(report, name, found, offset);
    }
    let credentials = config.map_or_else(
        || "none is needed".to_owned(),
        |config| match &config.transport.credentials {
            Some(credentials) => credentials.words(),
            None => "none".to_owned(),
        },
    );
    match &checkup {
        // Beside them it would be wrong to say that all is well.
        Err(ConnectError::Refused(why)) if ["(401)", "(403)"].iter().any(|code| why.contains(code)) => {
            report.add(name, "credentials", State::Failed, format!("{credentials}: see above"));
        }
        _ => report.add(name, "credentials", State::Fine, &credentials),
    }
    let tls = transport(report, name, config, checkup.as_ref().ok());
    let refusal = connector.refuses_acts().or_else(|| read_only.map(SafeText::from));
    let verbs: Vec<&str> = connector.verbs().iter().map(|verb| verb.name()).collect();
    let text = match &refusal {
        Some(why) if verbs.is_empty() => format!("nothing: {why}"),
        Some(why) => format!("it has {}; none may be used: {why}", verbs.join(", ")),
        None => format!("{}, after a review", verbs.join(", ")),
    };
    report.add(name, "may do", State::Fine, text);
    let found = checkup.as_ref().ok();
    let reads = found
        .map(|found| found.reads.iter().map(|(what, why)| json!({"what": what, "error": why})).collect::<Vec<_>>());
    report.sources.push(json!({
        "name": name, "kind": connector.kind(), "address": address, "reachable": checkup.is_ok(),
        "error": checkup.as_ref().err().map(ConnectError::to_string), "took_ms": u64::try_from(took.as_millis()).ok(),
        "version": found.and_then(|found| found.version.clone()), "version_tested": found.and_then(|found| found.tested),
        "clock_offset_ms": offset.and_then(|offset| i64::try_from(offset.as_millis()).ok()), "tls": tls,
        "credentials": credentials, "reads": reads, "verbs": verbs, "acts_refused": refusal,
    }));
    found_of_it
}

fn told(report: &mut Report, name: &str, found: &Checkup, offset: Option<SignedDuration>) {
    match (&found.version, found.tested) {
        (Some(version), Some(true) | None) => {
            report.add(name, "version", State::Fine, version.as_str());
        }
        (Some(version), Some(false)) => {
            report.add(name, "version", State::Look, format!("{version}: not one that Quarterdeck was tested with"));
        }
        (None, _) => report.add(name, "version", State::Look, "it does not tell"),
    }
    match offset {
        Some(offset) if offset.abs() > CLOCK_OFF => {
            let way = if offset.is_negative() { "behind" } else { "ahead of" };
            let text =
                format!("{} {way} this machine's; ages go by its clock, so no verdict is wrong", words(offset.abs()));
            report.add(name, "clock", State::Look, text);
        }
        Some(_) => report.add(name, "clock", State::Fine, "agrees with this machine's"),
        None => report.add(name, "clock", State::Look, "it does not tell its time"),
    }
    for (what, why) in &found.reads {
        match why {
            None => report.add(name, "can read", State::Fine, what.as_str()),
            Some(why) => report.add(name, "can read", State::Failed, format!("{what}: {why}")),
        }
    }
}

/// Whether the way to it is secured, in words and for programs.
fn transport(report: &mut Report, name: &str, config: Option<&SourceConfig>, found: Option<&Checkup>) -> Value {
    let Some(config) = config else { return Value::Null };
    if !config.url.starts_with("https://") {
        report.add(name, "TLS", State::Fine, "none: the URL begins with http://");
        return Value::Null;
    }
    let certificate = found.and_then(|found| found.certificate);
    let expires_at = certificate.and_then(|certificate| certificate.expires_at);
    if config.transport.unverified {
        let text = "NOT VERIFIED (verify = false): nobody knows who answers; nothing is acted on";
        report.add(name, "TLS", State::Look, text);
    } else if let Some(at) = expires_at {
        let left = at.duration_since(Timestamp::now());
        let text = format!("verified; the certificate ends on {}, in {}", date_time(at), words(left.abs()));
        report.add(name, "TLS", if left < EXPIRES_SOON { State::Look } else { State::Fine }, text);
    } else if found.is_some() {
        report.add(name, "TLS", State::Fine, "verified; when the certificate ends is not known");
    }
    json!({"verified": !config.transport.unverified, "expires_at": expires_at})
}

const COLUMNS: [&str; 4] = ["OF", "CHECK", "STATE", "FOUND"];

/// The cells of a table. On a terminal of that width what was found goes on beneath itself: a terminal alone would begin
/// the next line at its left edge. Elsewhere each finding is one line.
fn cells(findings: &[Finding], width: Option<usize>) -> Vec<Vec<String>> {
    let columns = |finding: &Finding| [finding.of.as_str(), finding.check, finding.state.name()].map(str::to_owned);
    let mut before = [COLUMNS[0], COLUMNS[1], COLUMNS[2]].map(UnicodeWidthStr::width);
    for finding in findings {
        for (widest, cell) in before.iter_mut().zip(columns(finding)) {
            *widest = (*widest).max(cell.width());
        }
    }
    let taken: usize = before.iter().map(|widest| widest + 2).sum();
    let lines = |text: &str| match width {
        Some(width) => cockpit::wrap(text, width.saturating_sub(taken).max(NARROWEST)),
        None => vec![text.to_owned()],
    };
    let mut rows = Vec::new();
    for finding in findings {
        let mut cells = columns(finding).to_vec();
        for line in lines(&finding.text) {
            cells.push(line);
            rows.push(std::mem::replace(&mut cells, vec![String::new(); 3]));
        }
    }
    rows
}

fn print(report: &Report, how: Output) -> Result<(), Failure> {
    let rows = || -> Vec<Value> {
        let row = |finding: &Finding| json!({"of": finding.of, "check": finding.check, "state": finding.state.name(), "text": finding.text});
        report.findings.iter().map(row).collect()
    };
    output::print(|out| match how {
        Output::Json => output::json(out, &json!({"checks": rows(), "sources": report.sources})),
        Output::Ndjson => output::ndjson(out, &rows()),
        Output::Csv => output::csv(out, "of,check,state,text", &rows()),
        Output::Table => {
            let width = std::io::stdout().is_terminal().then(crossterm::terminal::size);
            let width = width.and_then(Result::ok).map(|(width, _)| usize::from(width));
            output::table(out, &Table { columns: &COLUMNS, rows: cells(&report.findings, width) })
        }
    })
}
