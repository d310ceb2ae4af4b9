//! What the program tells of itself: the last events, and the troubles of each source with when and how often.
//!
//! Held in memory and bounded, for the log in the cockpit. Every text in it is scrubbed.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::text::SafeText;

/// How many events are held.
pub const HELD: usize = 1_000;

/// How many different troubles are held.
const TROUBLES: usize = 100;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Something can't be done.
    Error,
    /// Something does not go as it should.
    Warning,
    /// Something worth knowing.
    Info,
    /// What only whoever looks for a defect wants to know.
    Debug,
}

impl LogLevel {
    /// Every level, the gravest first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Info, Self::Debug];

    /// Its name in the config and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When, by the local clock.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// The source that it is about.
    pub source: Option<SafeText>,
    /// What happened.
    pub text: SafeText,
    /// What else is known of it, by name.
    pub fields: Vec<(&'static str, SafeText)>,
}

impl LogEntry {
    /// What happened and what else is known of it, in one line.
    pub fn line(&self) -> String {
        let mut line = self.text.to_string();
        for (name, value) in &self.fields {
            let quote = if value.contains(' ') { "\"" } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(line, " {name}={quote}{value}{quote}");
        }
        line
    }
}

/// An error or a warning about a source, as often as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The source.
    pub source: SafeText,
    /// How much it matters.
    pub level: LogLevel,
    /// What happened.
    pub text: SafeText,
    /// When it came first.
    pub first_at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
    /// How often it came.
    pub count: u64,
}

/// What the log says at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogView {
    /// The events, the oldest first.
    pub entries: Vec<Arc<LogEntry>>,
    /// How many older ones are no longer held.
    pub dropped: u64,
    /// What is wrong with sources, the newest first.
    pub troubles: Vec<Trouble>,
    /// Where the files are; `None` where nothing is written.
    pub place: Option<SafeText>,
    /// Why the files can't be written, where that is so.
    pub problem: Option<SafeText>,
}

/// The last events. Cheap to clone; clones are one.
#[derive(Debug, Clone, Default)]
pub struct LogBook(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Arc<LogEntry>>,
    dropped: u64,
    troubles: Vec<Trouble>,
    place: Option<SafeText>,
    problem: Option<SafeText>,
}

impl LogBook {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an event, and lets go of the oldest where there are too many.
    pub fn push(&self, entry: LogEntry) {
        let mut kept = self.kept();
        if let Some(source) = entry.source.clone().filter(|_| entry.level <= LogLevel::Warning) {
            note(&mut kept.troubles, source, &entry);
        }
        if kept.entries.len() == HELD {
            kept.entries.pop_front();
            kept.dropped += 1;
        }
        kept.entries.push_back(Arc::new(entry));
    }

    /// Says where the files are.
    pub fn set_place(&self, place: impl Into<SafeText>) {
        self.kept().place = Some(place.into());
    }

    /// Says why the files can't be written, or that they can again.
    pub fn set_problem(&self, problem: Option<SafeText>) {
        self.kept().problem = problem;
    }

    /// What it says now.
    pub fn view(&self) -> LogView {
        let kept = self.kept();
        let mut troubles = kept.troubles.clone();
        troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.last_at));
        LogView {
            entries: kept.entries.iter().cloned().collect(),
            dropped: kept.dropped,
            troubles,
            place: kept.place.clone(),
            problem: kept.problem.clone(),
        }
    }
}

/// Counts a trouble. Numbers in it differ from time to time and make it no other one.
fn note(troubles: &mut Vec<Trouble>, source: SafeText, entry: &LogEntry) {
    let text = SafeText::new(&entry.line());
    let masked = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let same = |trouble: &&mut Trouble| trouble.source == source && masked(&trouble.text) == masked(&text);
    if let Some(known) = troubles.iter_mut().find(same) {
        known.last_at = entry.at;
        known.count += 1;
        known.text = text;
        return;
    }
    if troubles.len() == TROUBLES
        && let Some(oldest) = (0..troubles.len()).min_by_key(|at| troubles[*at].last_at)
    {
        troubles.swap_remove(oldest);
    }
    let (first_at, last_at) = (entry.at, entry.at);
    troubles.push(Trouble { source, level: entry.level, text, first_at, last_at, count: 1 });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(second: i64, text: &str) -> LogEntry {
        LogEntry {
            at: Timestamp::from_second(second).unwrap(),
            level: LogLevel::Warning,
            source: Some("eu".into()),
            text: text.into(),
            fields: vec![("error", "no answer".into()), ("failures", "3".into())],
        }
    }

    #[test]
    fn no_more_is_held_than_fits() {
        let book = LogBook::default();
        for at in 0..1_500 {
            book.push(entry(at, &format!("{at} is {}", "x".repeat(usize::try_from(at).unwrap() % 300))));
        }
        let view = book.view();
        assert_eq!((view.entries.len(), view.dropped, view.troubles.len()), (HELD, 500, TROUBLES));
        assert_eq!(view.entries[0].at.as_second(), 500);
        assert_eq!(view.entries[0].line().split_once(" error").unwrap().1, "=\"no answer\" failures=3");
    }

    #[test]
    fn a_trouble_is_counted_with_its_first_and_last_time() {
        let book = LogBook::default();
        book.push(entry(10, "a pass failed after 3 s"));
        book.push(entry(20, "a pass failed after 17 s"));
        book.push(entry(15, "something else"));
        let troubles = book.view().troubles;
        let told: Vec<_> = troubles.iter().map(|t| (t.count, t.first_at.as_second(), t.last_at.as_second())).collect();
        assert_eq!(told, [(2, 10, 20), (1, 15, 15)]);
        assert!(troubles[0].text.starts_with("a pass failed after 17 s"));
    }
}
