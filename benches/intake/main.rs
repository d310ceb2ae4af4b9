//! What it costs to take in what an engine tells: a million instances as JSON, once and again.
//!
//! `cargo bench --bench intake -- [ingest] [unchanged] [memory] [first] [--instances N]`
//!
//! Costs are processor time of the process that reads, since the machine may be busy; the engine is a process of its
//! own. `cargo bench --bench intake -- serve [--instances N] [--conditional]` is that engine alone, for whatever is to
//! be run against it; it ends with its input.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a bench that can't go on has nothing to tell")]

mod bare;
mod pages;
#[path = "../terminal/screen.rs"]
#[allow(dead_code, reason = "the other bench uses the rest")]
mod screen;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use quarterdeck::connect::sim::Bulk;
use rustix::time::{ClockId, clock_gettime};

use self::bare::Bare;
use self::pages::Pages;
use self::support::bulk_engine::BulkEngine;
use self::support::hub::{config_of, hub_of, setup, status};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const PROGRAM: &str = env!("CARGO_BIN_EXE_quarterdeck");

/// As many rows as the connector asks for at once.
const PAGE: usize = 20_000;

/// What is asked of this program.
struct Setting {
    only: Vec<String>,
    instances: u32,
    conditional: bool,
}

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failure> {
    let mut setting = Setting { only: Vec::new(), instances: 1_000_000, conditional: false };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        match word.as_str() {
            "--instances" => setting.instances = words.next().unwrap_or_default().parse()?,
            "--conditional" => setting.conditional = true,
            _ => setting.only.push(word),
        }
    }
    let wants = |name: &str| setting.only.is_empty() || setting.only.iter().any(|only| only == name);
    match setting.only.first().map(String::as_str) {
        Some("serve") => return serve(&setting),
        Some("load") => return load(setting.only.get(1).map_or("", String::as_str)),
        _ => {}
    }
    if wants("ingest") {
        ingest(&setting)?;
    }
    if wants("unchanged") || wants("memory") {
        passes(&setting)?;
    }
    if wants("first") {
        first()?;
    }
    Ok(())
}

/// Processor time of this process so far.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().try_into().unwrap_or_default())
}

/// Instances for whom time stands still, at the end of a second: else each look would find some of whom time alone
/// makes another thing, and what is measured would be how many there are.
fn bulk(instances: u32) -> Arc<Bulk> {
    let now = Timestamp::new(Timestamp::now().as_second(), 999_000_000).unwrap_or_default();
    Bulk::new(7, instances, 0, Arc::new(move || now))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// The same bytes, read bare and taken in: from the text of the answer to rows that are held and judged.
fn ingest(setting: &Setting) -> Result<(), Failure> {
    let engine = Arc::new(BulkEngine::start(bulk(setting.instances), false));
    let (mut bytes, mut bare) = (0, Duration::ZERO);
    for from in (0..setting.instances as usize).step_by(PAGE) {
        let page = engine.page(from, PAGE);
        let before = spent();
        let read: Bare<'_> = serde_json::from_slice(&page)?;
        std::hint::black_box(&read.rows);
        drop(read);
        bare += spent().saturating_sub(before);
        bytes += page.len();
    }
    let pages = Arc::new(Pages::new(Arc::clone(&engine), setting.instances as usize));
    let config = quarterdeck::config::Config::parse(&config_of(&[("a", "http://127.0.0.1:9", "60s")]), "bench", None);
    let config = config.map_err(|error| format!("{error:?}"))?;
    let hub = quarterdeck::hub::Hub::new(setup(config, vec![("a".to_owned(), pages.clone(), Duration::from_secs(60))]));
    let runtime = runtime()?;
    let told = |name: &str| {
        let before = spent();
        runtime.block_on(hub.pass());
        let own = spent().saturating_sub(before).saturating_sub(pages.made());
        let speed = |took: Duration| bytes as f64 / took.as_secs_f64() / 1e6;
        println!(
            "{name}: {:.2} × a bare parse, {:.0} and {:.0} MB/s, {:.0} ns a row (goal ≥ 0.7)",
            bare.as_secs_f64() / own.as_secs_f64(),
            speed(own),
            speed(bare),
            own.as_secs_f64() * 1e9 / f64::from(setting.instances),
        );
    };
    println!("rows: {} of {} bytes each", setting.instances, bytes / setting.instances.max(1) as usize);
    told("ingest");
    told("the same rows again");
    let held = runtime.block_on(status(&hub, "a")).rows;
    if held != setting.instances as usize {
        return Err(format!("{held} rows are held").into());
    }
    Ok(())
}

/// An engine, or whoever reads from it, in a process of its own.
struct Other {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Other {
    fn start(words: &[&str]) -> Result<Self, Failure> {
        let mut child =
            Command::new(std::env::current_exe()?).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        Ok(Self { child, stdin, lines })
    }

    fn engine(instances: u32, conditional: bool) -> Result<(Self, String), Failure> {
        let instances = instances.to_string();
        let mut words = vec!["serve", "--instances", &instances];
        words.extend(conditional.then_some("--conditional"));
        let mut engine = Self::start(&words)?;
        let url = engine.line()?;
        Ok((engine, url))
    }

    fn line(&mut self) -> Result<String, Failure> {
        Ok(self.lines.next().ok_or("it has ended")??)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends with its input; one that does not is of no more use.
        let _ = self.child.wait();
    }
}

fn serve(setting: &Setting) -> Result<(), Failure> {
    let engine = BulkEngine::start(bulk(setting.instances), setting.conditional);
    println!("{}", engine.url());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Reads everything from an engine, and again; tells processor time and memory after each pass.
fn load(url: &str) -> Result<(), Failure> {
    let hub = hub_of(&config_of(&[("a", url, "10m")]), None, Duration::from_secs(60));
    let runtime = runtime()?;
    for _ in 0..6 {
        let before = spent();
        runtime.block_on(hub.pass());
        let took = spent().saturating_sub(before);
        let held = runtime.block_on(status(&hub, "a"));
        if let Some(error) = held.error {
            return Err(error.to_string().into());
        }
        println!("{} {} {} {}", took.as_nanos(), held.rows, memory("VmHWM")?, memory("VmRSS")?);
    }
    Ok(())
}

/// A line of what the system tells of this process, in KiB.
fn memory(name: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(line.trim_matches(|c: char| !c.is_ascii_digit()).parse()?)
}

/// What each pass over an engine costs whoever reads, and how much memory the first one takes.
fn passes(setting: &Setting) -> Result<(), Failure> {
    let mut full = Duration::ZERO;
    for conditional in [false, true] {
        let (_engine, url) = Other::engine(setting.instances, conditional)?;
        let mut reader = Other::start(&["load", &url])?;
        let mut all = Vec::new();
        for _ in 0..6 {
            let line = reader.line()?;
            let numbers: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
            let [nanos, rows, peak, now] = numbers[..] else { return Err(line.into()) };
            if rows != u64::from(setting.instances) {
                return Err(format!("{rows} rows are held").into());
            }
            all.push((Duration::from_nanos(nanos), peak, now));
        }
        let again = all[1..].iter().map(|(took, ..)| *took).min().unwrap_or_default();
        let (first, peak, _) = all[0];
        let steady = all[5].2;
        if conditional {
            println!(
                "unchanged poll: 1/{:.0} of a full fetch, {again:.1?} and {full:.2?} of processor time (goal ≤ 1/1000)",
                full.as_secs_f64() / again.as_secs_f64()
            );
        } else {
            full = again;
            println!("full fetch: {first:.2?} of processor time at first, {again:.2?} again");
            println!(
                "memory: {:.2} × of steady at most while loading, {} and {} MiB (goal ≤ 1.3)",
                peak as f64 / steady as f64,
                peak / 1024,
                steady / 1024,
            );
        }
    }
    Ok(())
}

/// From the start of the program to a hundred rows of an engine, on the screen and as JSON.
fn first() -> Result<(), Failure> {
    let (_engine, url) = Other::engine(100, false)?;
    let home = tempfile::tempdir()?;
    let config = home.path().join("config.toml");
    std::fs::write(&config, config_of(&[("a", &url, "10s")]))?;
    let config = config.to_str().ok_or("no path")?;
    let (mut shown, mut told) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let words = [PROGRAM, "--config", config].map(str::to_owned);
        let mut screen = screen::Screen::start(&words, None, home.path())?;
        screen.until("the board", |text| text.contains("Board"))?;
        screen.write(b"2")?;
        let at = screen.until("rows", |text| text.matches("_1").count() >= 40)?;
        shown.push(at - screen.started);
        drop(screen);
        let started = std::time::Instant::now();
        let output = Command::new(PROGRAM)
            .args(["get", "flows", "--config", config, "--all", "-o", "json"])
            .env("HOME", home.path())
            .output()?;
        told.push(started.elapsed());
        if output.stdout.windows(5).filter(|part| *part == b"inv_1").count() < 100 {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
    }
    for (name, mut took) in [("exec → 100 rows on screen", shown), ("exec → 100 rows as JSON", told)] {
        took.sort_unstable();
        println!("{name}: {:.1} ms", took[took.len() / 2].as_secs_f64() * 1e3);
    }
    Ok(())
}
