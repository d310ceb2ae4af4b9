//! What an operator feels, measured from outside in a pseudo-terminal, side by side with programs that people call
//! fast. `benches/README.md` says how it is run and what it came to.
//!
//! `cargo bench --bench terminal -- [first] [keys] [filter] [memory] [rest] [--instances N] [--changes N] [--seconds N]`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

mod screen;

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use self::screen::Screen;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const PROGRAM: &str = env!("CARGO_BIN_EXE_quarterdeck");

/// What is typed to filter: rare in ids, and in nothing else. Each is typed once, so that nothing is known of it.
const NEEDLES: [&str; 11] = ["zq7", "xk3", "qj9", "wz4", "jx8", "kq5", "vz2", "yq6", "xw7", "zk9", "qv3"];

/// A list whose count has been the same for so long is filtered.
const STILL: Duration = Duration::from_millis(1_500);

/// What is to be measured, and on what.
struct Setting {
    only: Vec<String>,
    instances: u32,
    changes: u32,
    /// For how long a program at rest is watched.
    seconds: u64,
    folder: tempfile::TempDir,
}

impl Setting {
    fn read() -> Result<Self, Failure> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let mut setting = Self { only: Vec::new(), instances: 1_000_000, changes: 1_000, seconds: 60, folder };
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let mut number = || words.next().unwrap_or_default().parse::<u32>();
            match word.as_str() {
                "--instances" => setting.instances = number()?,
                "--changes" => setting.changes = number()?,
                "--seconds" => setting.seconds = number()?.into(),
                _ => setting.only.push(word),
            }
        }
        Ok(setting)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The same instances as lines of text, for programs that read such.
    fn lines(&self) -> Result<PathBuf, Failure> {
        let path = self.home().join("rows.csv");
        if !path.exists() {
            let instances = self.instances.to_string();
            let words = ["get", "flows", "--demo", "--instances", &instances, "--all", "-o", "csv"];
            let mut command = Command::new(PROGRAM);
            let mut told = command.args(words).env("HOME", self.home()).stdout(Stdio::piped()).spawn()?;
            let mut out = BufWriter::new(std::fs::File::create(&path)?);
            for line in BufReader::new(told.stdout.take().ok_or("no output")?).lines() {
                // Its first two columns tell nothing that the third does not: whoever holds lines holds them too.
                let line = line?;
                writeln!(out, "{}", line.splitn(3, ',').nth(2).unwrap_or_default())?;
            }
            out.flush()?;
            let status = told.wait()?;
            if !status.success() {
                return Err(format!("the rows can't be written: {status}").into());
            }
        }
        Ok(path)
    }
}

/// The cockpit on made-up instances.
fn cockpit(instances: u32, changes: u32) -> Vec<String> {
    let numbers = [instances.to_string(), changes.to_string()];
    let words = [PROGRAM, "demo", "--no-mouse", "--instances", &numbers[0], "--changes", &numbers[1]];
    words.map(str::to_owned).to_vec()
}

/// A program that people call fast, where `benches/peers` has put it or the system has it.
fn peer(name: &str) -> Option<String> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/bin");
    let found =
        [own, "/usr/bin"].map(|folder| format!("{folder}/{name}")).into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        println!("{name:<12} is missing: benches/peers installs it");
    }
    found
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
    let setting = Setting::read()?;
    let wants = |name: &str| setting.wants(name);
    if wants("first") {
        first(&setting)?;
    }
    if wants("keys") {
        keys(&setting)?;
    }
    if wants("filter") || wants("memory") {
        filter(&setting)?;
    }
    if wants("rest") {
        rest(&setting)?;
    }
    Ok(())
}

/// From the start of the program to its first whole screen.
fn first(setting: &Setting) -> Result<(), Failure> {
    let bottom = peer("btm").map(|path| (vec![path], "CPU"));
    let cockpit = (cockpit(setting.instances, 0), "Board");
    let programs: Vec<(&str, (Vec<String>, &str))> =
        bottom.map(|bottom| ("btm", bottom)).into_iter().chain([("quarterdeck", cockpit)]).collect();
    let mut took = vec![Vec::new(); programs.len()];
    // In turn, so that whatever else the machine does hurts all of them.
    for _ in 0..20 {
        for ((_, (words, ready)), took) in programs.iter().zip(&mut took) {
            let mut screen = Screen::start(words, None, setting.home())?;
            let at = screen.until(ready, |text| text.contains(ready))?;
            took.push(at - screen.started);
        }
    }
    report("exec → first frame", "ms", &programs.iter().map(|(name, _)| *name).zip(took).collect::<Vec<_>>(), &[50]);
    Ok(())
}

/// A cockpit whose list of instances is loaded.
fn loaded(setting: &Setting, changes: u32) -> Result<Screen, Failure> {
    let mut screen = Screen::start(&cockpit(setting.instances, changes), None, setting.home())?;
    screen.until("the board", |text| text.contains("Board"))?;
    screen.write(b"2")?;
    let begin = grouped(setting.instances).split(',').next().unwrap_or_default().to_owned();
    screen.until("every instance", |text| {
        text.lines().nth(2).is_some_and(|line| line.contains("1/") && (changes > 0 || line.contains(&begin)))
    })?;
    screen.quiet(Duration::from_millis(300), Duration::from_secs(3))?;
    Ok(screen)
}

/// A program that filters lines, with the instances as lines.
fn lister(setting: &Setting, name: &str, options: &[&str]) -> Result<Option<Screen>, Failure> {
    let Some(path) = peer(name) else { return Ok(None) };
    let words: Vec<String> = std::iter::once(path).chain(options.iter().map(|&option| option.into())).collect();
    let mut screen = Screen::start(&words, Some(&setting.lines()?), setting.home())?;
    let all = format!("{0}/{0}", setting.instances + 1);
    screen.until("every line", |text| text.contains(&all))?;
    screen.quiet(Duration::from_millis(300), Duration::from_secs(3))?;
    Ok(Some(screen))
}

/// From a key to the first changed cell.
fn keys(setting: &Setting) -> Result<(), Failure> {
    let mut all = Vec::new();
    let mut press = |name, screen: &mut Screen, down: &[u8], up: &[u8]| -> Result<(), Failure> {
        let (mut took, begun) = (Vec::new(), screen.bytes);
        for n in 0..500_u64 {
            // Not in step with anything that the program does by itself.
            screen.quiet(Duration::from_millis(8), Duration::from_millis(15 + n * 7_919 % 29))?;
            took.extend(screen.paint(if n / 20 % 2 == 0 { down } else { up })?);
        }
        println!("{name:<12} {} of 500 keys were painted, {} bytes each", took.len(), (screen.bytes - begun) / 500);
        all.push((name, took));
        Ok(())
    };
    if let Some(mut screen) = lister(setting, "fzf", &[])? {
        press("fzf", &mut screen, b"\x1b[A", b"\x1b[B")?;
    }
    press("quarterdeck", &mut loaded(setting, setting.changes)?, b"j", b"k")?;
    press("at rest", &mut loaded(setting, 0)?, b"j", b"k")?;
    report("key → paint", "ms", &all, &[50, 99]);
    Ok(())
}

/// From a filter that is typed to the screen with what matches; and memory.
fn filter(setting: &Setting) -> Result<(), Failure> {
    let (mut all, mut memory) = (Vec::new(), Vec::new());
    let mut type_in =
        |name, screen: &mut Screen, open: &[u8], clear: &[u8], count: fn(&str) -> String| -> Result<(), Failure> {
            memory.push((name, screen.memory()?));
            let unfiltered = count(&screen.text());
            let mut took = Vec::new();
            for needle in NEEDLES {
                screen.write(open)?;
                screen.quiet(Duration::from_millis(100), Duration::from_secs(1))?;
                let typed = std::time::Instant::now();
                screen.write(needle.as_bytes())?;
                let (found, came) = screen.settled(count, STILL)?;
                let came = came.ok_or_else(|| format!("{name} shows nothing of {needle}"))?;
                took.push(came - typed);
                println!("{name:<12} {needle}: {found} after {:.1} ms", (came - typed).as_secs_f64() * 1e3);
                screen.write(clear)?;
                screen.until("no filter", |text| count(text) == unfiltered)?;
            }
            all.push((name, took));
            Ok(())
        };
    // As they come, and so that they do no more than is done here: exact, and in the order of the lines.
    let listers: [(&str, &str, &[&str]); 3] =
        [("fzf", "fzf", &[]), ("fzf --exact", "fzf", &["--exact", "--no-sort"]), ("skim", "sk", &[])];
    for (name, program, options) in listers {
        if let Some(mut screen) = lister(setting, program, options)? {
            let count = |text: &str| text.lines().find_map(lister_count).unwrap_or_default().to_owned();
            type_in(name, &mut screen, b"", b"\x15", count)?;
        }
    }
    let count = |text: &str| {
        let bar = text.lines().nth(2).unwrap_or_default().trim_end();
        bar.rsplit_once("  ").map_or(bar, |(_, end)| end).rsplit('/').next().unwrap_or_default().to_owned()
    };
    type_in("quarterdeck", &mut loaded(setting, 0)?, b"/", b"\x1b", count)?;
    report("filter → screen", "ms", &all, &[50]);
    for (name, (now, peak)) in &memory {
        println!("{name:<12} memory {:.1} MiB, at its highest {:.1}", mib(*now), mib(*peak));
    }
    if let [(first, (peer, _)), .., (_, (own, _))] = memory[..] {
        println!("memory: {:.2} × {first}", mib(own) / mib(peer));
    }
    Ok(())
}

/// What a cockpit costs in which nothing happens.
fn rest(setting: &Setting) -> Result<(), Failure> {
    let mut screen = Screen::start(&cockpit(10_000, 0), None, setting.home())?;
    screen.until("the board", |text| text.contains("Board"))?;
    screen.quiet(Duration::from_secs(2), Duration::from_secs(10))?;
    let (before, bytes) = (screen.processor()?, screen.bytes);
    screen.quiet(Duration::from_secs(setting.seconds), Duration::from_secs(setting.seconds))?;
    let spent = screen.processor()?.saturating_sub(before);
    let share = spent.as_secs_f64() / setting.seconds as f64 * 100.0;
    println!("at rest: {share:.3} % of a core over {} s, {} bytes painted", setting.seconds, screen.bytes - bytes);
    Ok(())
}

/// A line that tells how many lines match, as fzf and skim write it: `320/1000001`, and marks around it.
fn lister_count(line: &str) -> Option<&str> {
    let (matching, all) = line.trim().split_once('/')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (number(matching) && number(all.split(' ').next()?)).then_some(matching)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1_u32 << 20)
}

fn grouped(n: u32) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Prints what was measured, and how many times as long as the first one each of the others took.
fn report(what: &str, unit: &str, all: &[(&str, Vec<Duration>)], percents: &[usize]) {
    println!("{what}");
    let at = |took: &[Duration], percent: usize| {
        let mut took: Vec<f64> = took.iter().map(|one| one.as_secs_f64() * 1e3).collect();
        took.sort_by(f64::total_cmp);
        took.get((took.len().saturating_sub(1) * percent + 50) / 100).copied().unwrap_or(f64::NAN)
    };
    for (name, took) in all {
        let told: Vec<String> = percents
            .iter()
            .map(|percent| {
                let (own, first) = (at(took, *percent), all.first().map_or(f64::NAN, |(_, took)| at(took, *percent)));
                format!("p{percent} {own:.2} {unit} ({:.2} ×)", own / first)
            })
            .collect();
        println!("  {name:<12} {}", told.join("   "));
    }
}
