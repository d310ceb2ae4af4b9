//! `quarterdeck get --watch`: the same answer again and again, from one hub that keeps polling.
//!
//! On a terminal a table is painted over itself. Everywhere else what is printed is a stream: tables one after another,
//! one JSON document a line, CSV with the time in the first column, and as NDJSON only what changed since the last
//! time. A source that fails is told and ends nothing. It ends with the operator (Ctrl-C, as any program that handles
//! no signal: 130 to a shell), with its reader, and with `--fail-on stuck` once something is.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::args::{FailOn, Output};
use super::question::{Question, Seen};
use super::{Failure, Outcome, output, report};
use crate::domain::source::Freshness;
use crate::domain::time::date_time;
use crate::hub::Hub;
use crate::ops::{Ops, Overview};

/// Fields that change with every look though nothing happened.
const RESTLESS: [&str; 6] = ["observed_at", "evidence", "age_seconds", "latency_ms", "clock_offset_ms", "rows"];

/// Looks again and again, with at least `every` between two looks.
pub(super) async fn run(hub: &std::sync::Arc<Hub>, question: &Question, every: Duration) -> Result<Outcome, Failure> {
    let _polling = hub.start();
    let mut changes = hub.changes();
    everybody_asked(hub, &mut changes).await?;
    let mut paper = Paper::new(question, every);
    let mut told = Told::default();
    loop {
        changes.borrow_and_update();
        let seen = question.look(&**hub).await?;
        told.tell(&seen.overview);
        if !paper.show(&seen)? {
            break;
        }
        if question.fail_on == Some(FailOn::Stuck) && !seen.overview.cohorts.is_empty() {
            return Ok(Outcome::Stuck);
        }
        tokio::time::sleep(every).await;
        // On a terminal the ages go on.
        if paper.terminal {
            continue;
        }
        // A stream waits for something to tell, and minds its reader meanwhile.
        loop {
            if reader_gone() {
                return Ok(Outcome::Fine);
            }
            match tokio::time::timeout(every, changes.changed()).await {
                Ok(Ok(())) => break,
                Ok(Err(_)) => return Ok(Outcome::Fine),
                Err(_) => {}
            }
        }
    }
    Ok(Outcome::Fine)
}

/// Waits until every source has answered or failed once: before that a number would be none that anybody knows.
async fn everybody_asked(hub: &Hub, changes: &mut tokio::sync::watch::Receiver<u64>) -> Result<(), Failure> {
    loop {
        let overview = hub.overview(&crate::query::Filter::default()).await.map_err(super::get::unexpected)?;
        if overview.sources.iter().all(|source| source.state != Freshness::Never) || changes.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Whether nobody reads standard output any more.
fn reader_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    let mut wires = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut wires, Some(&at_once)).is_ok() && wires[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// What was said of each source on standard error.
#[derive(Default)]
struct Told(BTreeMap<String, String>);

impl Told {
    /// Says which sources began to fail, for what other reason, and which are back.
    fn tell(&mut self, overview: &Overview) {
        for source in &overview.sources {
            let name = source.name.to_string();
            if source.state == Freshness::Live {
                if self.0.remove(&name).is_some() {
                    report::note(&format!("source {name}: answers again"));
                }
                continue;
            }
            let why = source.error.as_deref().unwrap_or("it was not asked").to_owned();
            if self.0.get(&name) != Some(&why) {
                report::error(&format!("source {name}: {why}"));
                self.0.insert(name, why);
            }
        }
    }
}

/// Where it is printed, and what was printed there last.
struct Paper<'a> {
    question: &'a Question,
    every: Duration,
    /// Whether it can be painted over.
    terminal: bool,
    first: bool,
    rows: BTreeMap<String, Value>,
}

impl<'a> Paper<'a> {
    fn new(question: &'a Question, every: Duration) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb" || term.is_empty());
        let terminal = question.format == Output::Table && io::stdout().is_terminal() && !dumb;
        Self { question, every, terminal, first: true, rows: BTreeMap::new() }
    }

    /// Prints what was seen. False where nobody reads it any more.
    fn show(&mut self, seen: &Seen) -> Result<bool, Failure> {
        let mut text = Vec::new();
        self.write(&mut text, seen).map_err(|error| Failure::Other(error.into()))?;
        self.first = false;
        if text.is_empty() {
            return Ok(true);
        }
        let mut out = io::stdout().lock();
        // In one piece, so that no frame is seen half.
        match out.write_all(&text).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => {
                let told = io::Error::new(error.kind(), format!("standard output: {error}"));
                Err(Failure::Other(told.into()))
            }
            Ok(()) => Ok(true),
        }
    }

    fn write(&mut self, out: &mut Vec<u8>, seen: &Seen) -> io::Result<()> {
        let at = seen.overview.at;
        match self.question.format {
            Output::Table if self.terminal => {
                let mut text = Vec::new();
                self.question.tables(&mut text, seen)?;
                let size = crossterm::terminal::size().unwrap_or((80, 24));
                let title = self.title(at);
                frame(out, &title, &String::from_utf8_lossy(&text), &silent(&seen.overview), size, self.first);
                Ok(())
            }
            Output::Table => {
                if !self.first {
                    writeln!(out)?;
                }
                writeln!(out, "at {} UTC", date_time(at))?;
                self.question.tables(out, seen)
            }
            Output::Json => output::ndjson(out, [&self.question.document(seen)]),
            Output::Csv => {
                let (columns, rows) = self.question.rows(seen);
                let stamped: Vec<Value> = rows.into_iter().map(|row| stamped("time", at, None, row)).collect();
                let mut text = Vec::new();
                output::csv(&mut text, &format!("time,{columns}"), &stamped)?;
                let header = text.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                out.extend_from_slice(if self.first { &text } else { &text[header..] });
                Ok(())
            }
            Output::Ndjson => {
                let (_, rows) = self.question.rows(seen);
                output::ndjson(out, &self.changes(at, rows))
            }
        }
    }

    /// What differs from the last time: a row that came, one that is another now, and one that is gone.
    fn changes(&mut self, at: Timestamp, rows: Vec<Value>) -> Vec<Value> {
        let mut lines = Vec::new();
        let mut before = std::mem::take(&mut self.rows);
        for row in rows {
            let key = self.question.key(&row);
            let change = match before.remove(&key) {
                None => Some("added"),
                Some(older) => (steady(&older) != steady(&row)).then_some("changed"),
            };
            if change.is_some() {
                lines.push(stamped("at", at, change, row.clone()));
            }
            self.rows.insert(key, row);
        }
        lines.extend(before.into_values().map(|row| stamped("at", at, Some("gone"), row)));
        lines
    }

    fn title(&self, at: Timestamp) -> String {
        let every = self.every.as_secs_f64();
        format!("{}   every {every} s   {} UTC   Ctrl-C ends", self.question.words, date_time(at))
    }
}

/// A row with when it was seen, and what became of it.
fn stamped(name: &str, at: Timestamp, change: Option<&str>, row: Value) -> Value {
    let mut fields = Map::new();
    fields.insert(name.to_owned(), json!(at));
    if let Some(change) = change {
        fields.insert("change".to_owned(), json!(change));
    }
    if let Value::Object(row) = row {
        fields.extend(row);
    }
    Value::Object(fields)
}

/// A row without what changes though nothing happened.
fn steady(row: &Value) -> Vec<(&String, &Value)> {
    let fields = row.as_object().into_iter().flatten();
    fields.filter(|(name, _)| !RESTLESS.contains(&name.as_str())).collect()
}

/// The sources whose values are not the present ones, a line each.
fn silent(overview: &Overview) -> Vec<String> {
    let failed = overview.sources.iter().filter(|source| source.state != Freshness::Live);
    failed
        .map(|source| {
            let old = source.age(overview.at).map(crate::domain::time::age);
            let values = old.map_or_else(|| "never answered".to_owned(), |old| format!("values of {old} ago"));
            format!(
                "source {} is {}: {values}; {}",
                source.name,
                source.state.name(),
                source.error.as_deref().unwrap_or("?")
            )
        })
        .collect()
}

/// Paints a frame over the last one: the cursor goes home, each line ends with clearing what was behind it, and the
/// rest of the screen is cleared. What has no room is cut off and counted.
fn frame(out: &mut Vec<u8>, title: &str, text: &str, silent: &[String], (width, height): (u16, u16), first: bool) {
    let (width, height) = (usize::from(width.max(1)), usize::from(height.max(1)));
    let mut lines: Vec<String> = [title.to_owned()].into_iter().chain(silent.iter().cloned()).collect();
    lines.push(String::new());
    lines.extend(text.lines().map(str::to_owned));
    if lines.len() > height {
        let more = lines.len() - height + 1;
        lines.truncate(height.saturating_sub(1));
        lines.push(format!("… {more} more lines"));
    }
    // The first frame leaves what stood on the screen in the terminal's memory, where it has one.
    out.extend_from_slice(if first { b"\x1b[2J\x1b[H" } else { b"\x1b[H" });
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(cut(line, width).as_bytes());
        out.extend_from_slice(b"\x1b[K");
    }
    out.extend_from_slice(b"\x1b[J");
}

/// As much of a line as has room.
fn cut(line: &str, width: usize) -> &str {
    if line.width() <= width {
        return line;
    }
    let mut end = 0;
    for (at, c) in line.char_indices() {
        let next = at + c.len_utf8();
        if line[..next].width() > width {
            break;
        }
        end = next;
    }
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_fits_the_terminal_and_clears_what_was_there() {
        let mut out = Vec::new();
        frame(&mut out, "title", "one\ntwo 日本\nthree\nfour", &[], (6, 4), false);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\x1b[Htitle\x1b[K\r\n\x1b[K\r\none\x1b[K\r\n… 3 mo\x1b[K\x1b[J");
        let mut out = Vec::new();
        frame(&mut out, "t", "two 日本", &["source a is stale".into()], (5, 9), true);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\x1b[2J\x1b[Ht\x1b[K\r\nsourc\x1b[K\r\n\x1b[K\r\ntwo \x1b[K\x1b[J"
        );
    }

    #[test]
    fn only_what_means_something_is_a_change() {
        let row = |evidence: &str, step: &str| json!({"id": "a/1", "step": step, "evidence": evidence});
        assert_eq!(steady(&row("12 s ago", "x")), steady(&row("13 s ago", "x")));
        assert_ne!(steady(&row("12 s ago", "x")), steady(&row("12 s ago", "y")));
    }
}
