//! What the program tells of itself: into files of bounded size, and into memory for the log in the cockpit; never on
//! the terminal.
//!
//! Only Quarterdeck's own events are taken. What libraries tell could hold headers, and with them secrets. Texts are
//! scrubbed here, once. A thread writes, so that a slow disk delays nobody.

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::config::LogSettings;
use crate::domain::log::{LogBook, LogEntry, LogLevel};
use crate::domain::text::SafeText;

mod file;

/// How many characters of one value are kept.
const VALUE: usize = 600;

/// How many lines may wait for the disk; what comes beyond is let go.
const WAITING: usize = 4_096;

/// Keeps the log going; what was told is on the disk once it is dropped.
pub struct Telemetry {
    book: LogBook,
    _writer: Option<WorkerGuard>,
}

impl Telemetry {
    /// The events in memory.
    pub fn book(&self) -> &LogBook {
        &self.book
    }
}

/// Who listens is one for the whole process, and so is what was heard.
static BOOK: OnceLock<LogBook> = OnceLock::new();

/// The events in memory; `None` where nobody listens.
pub fn book() -> Option<LogBook> {
    BOOK.get().cloned()
}

/// Begins to listen, for the rest of the process. `state_dir` is where the folder `log` is to be; without one nothing
/// is written. A second call in one process changes nothing but what it gives back.
pub fn start(settings: &LogSettings, state_dir: Option<&Path>) -> Telemetry {
    let book = BOOK.get_or_init(LogBook::default).clone();
    let (layer, writer) = layer(settings, state_dir, &book);
    // Somebody listens already: a test.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
    Telemetry { book, _writer: writer }
}

fn layer(settings: &LogSettings, state_dir: Option<&Path>, book: &LogBook) -> (Listener, Option<WorkerGuard>) {
    let (files, guard) = state_dir
        .map(|dir| {
            let folder = dir.join("log");
            book.set_place(SafeText::new(&folder.display().to_string()));
            let file = file::Capped::new(&folder, settings.files, settings.size, book.clone());
            NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING).thread_name("log").finish(file)
        })
        .unzip();
    (Listener { level: settings.level, book: book.clone(), files }, guard)
}

/// Takes events, as entries and as lines.
struct Listener {
    level: LogLevel,
    book: LogBook,
    files: Option<NonBlocking>,
}

fn level(metadata: &Metadata<'_>) -> LogLevel {
    match *metadata.level() {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warning,
        Level::INFO => LogLevel::Info,
        Level::DEBUG | Level::TRACE => LogLevel::Debug,
    }
}

impl<S: Subscriber> Layer<S> for Listener {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let own = metadata.target() == "quarterdeck" || metadata.target().starts_with("quarterdeck::");
        own && level(metadata) <= self.level && *metadata.level() != Level::TRACE
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        let entry = LogEntry {
            at: Timestamp::now(),
            level: level(event.metadata()),
            source: told.source,
            text: told.message,
            fields: told.fields,
        };
        if let Some(mut files) = self.files.clone() {
            let source = entry.source.as_ref().map(|source| format!(" {source}:")).unwrap_or_default();
            let name = entry.level.name();
            let line = format!("{:.3} {name:7}{source} {}\n", entry.at, entry.line());
            // It takes every line, or lets it go.
            let _ = files.write_all(line.as_bytes());
        }
        self.book.push(entry);
    }
}

/// What an event says.
#[derive(Default)]
struct Told {
    message: SafeText,
    source: Option<SafeText>,
    fields: Vec<(&'static str, SafeText)>,
}

impl Told {
    fn take(&mut self, field: &Field, text: &str) {
        let text = SafeText::clipped(text, VALUE);
        match field.name() {
            "message" => self.message = text,
            "source" => self.source = Some(text),
            name => self.fields.push((name, text)),
        }
    }
}

impl Visit for Told {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(level: LogLevel) -> LogSettings {
        LogSettings { level, ..LogSettings::default() }
    }

    #[test]
    fn events_reach_memory_and_file_scrubbed() {
        let home = tempfile::tempdir().unwrap();
        let book = LogBook::default();
        let (layer, guard) = layer(&settings(LogLevel::Info), Some(home.path()), &book);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let error = "refused\u{1b}[2J by \u{202e}nobody\n2026 error forged";
            tracing::warn!(target: "quarterdeck::hub", source = %"eu", %error, failures = 3, "a pass failed");
            tracing::debug!(target: "quarterdeck::hub", "too small");
            tracing::error!(target: "hyper::client", authorization = "Bearer canary", "not ours");
            tracing::error!(target: "quarterdeck_other", "not ours");
        });
        drop(guard);
        let view = book.view();
        assert_eq!(view.entries.len(), 1, "{view:?}");
        let entry = &view.entries[0];
        assert_eq!(
            (entry.level, entry.source.as_deref(), entry.text.as_str()),
            (LogLevel::Warning, Some("eu"), "a pass failed")
        );
        let text = std::fs::read_to_string(home.path().join("log/quarterdeck.log")).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(" warning eu: a pass failed error=\"refused␛[2J by "), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains("canary") && text.contains("failures=3"), "{text}");
        assert!(view.place.unwrap().ends_with("/log"));
    }
}
