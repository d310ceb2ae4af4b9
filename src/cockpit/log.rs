//! How the log is looked at: which levels, and where the cursor is.

use std::sync::Arc;

use crate::domain::log::{LogEntry, LogLevel, LogView};

/// How it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLook {
    /// The smallest level that is shown.
    pub level: LogLevel,
    /// How far above the newest event the cursor is.
    pub above: usize,
    /// The event that is shown in full.
    pub whole: Option<Arc<LogEntry>>,
}

impl Default for LogLook {
    fn default() -> Self {
        Self { level: LogLevel::Info, above: 0, whole: None }
    }
}

impl LogLook {
    /// The events of the levels that are shown, the oldest first.
    pub fn entries<'v>(&self, view: &'v LogView) -> Vec<&'v Arc<LogEntry>> {
        view.entries.iter().filter(|entry| entry.level <= self.level).collect()
    }
}
