//! The line that is typed, and the lines that were.

use tui_input::Input;

/// What is typed into the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptKind {
    /// A filter. Holds what Esc restores.
    Filter {
        /// The filter that was in force.
        before: String,
        /// Whether the prompt led to the flows screen from another one.
        came: bool,
    },
    /// A command.
    Command,
    /// What a tenant is found by. Holds what Esc restores.
    Tenant {
        /// What they were found by before.
        before: String,
        /// Whether the prompt led to the tenants from another screen.
        came: bool,
    },
    /// A filter of events. Holds what Esc restores.
    Events {
        /// The filter that was in force.
        before: String,
    },
    /// A filter of what drifts. Holds what Esc restores.
    Drift {
        /// The filter that was in force.
        before: String,
    },
    /// What is looked for in the raw JSON. Holds what Esc restores: the search, and where the cursor was.
    Search {
        /// Both.
        before: (String, usize),
    },
}

/// A line that is being typed.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What for.
    pub kind: PromptKind,
    /// The text and its cursor.
    pub input: Input,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Which of what is offered was moved to.
    pub chosen: Option<usize>,
    /// Which of the lines of before is shown, counted back from the last one, while none of it was changed.
    pub recalled: Option<usize>,
}

impl Prompt {
    /// A line to be typed.
    pub fn new(kind: PromptKind, text: impl Into<String>) -> Self {
        Self { kind, input: Input::new(text.into()), error: None, chosen: None, recalled: None }
    }
}

/// The lines that were typed, the last one at the end.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Commands.
    pub commands: Vec<String>,
    /// Filters.
    pub filters: Vec<String>,
    /// What was looked for in texts.
    pub searches: Vec<String>,
    /// What tenants were found by.
    pub tenants: Vec<String>,
    /// Filters of events.
    pub events: Vec<String>,
    /// Filters of what drifts.
    pub drift: Vec<String>,
}

impl History {
    /// How many of each are kept.
    const MOST: usize = 100;

    /// The lines of a kind.
    pub fn of(&self, kind: &PromptKind) -> &[String] {
        match kind {
            PromptKind::Command => &self.commands,
            PromptKind::Filter { .. } => &self.filters,
            PromptKind::Search { .. } => &self.searches,
            PromptKind::Tenant { .. } => &self.tenants,
            PromptKind::Events { .. } => &self.events,
            PromptKind::Drift { .. } => &self.drift,
        }
    }

    /// Keeps a line as the last one of its kind.
    pub fn keep(&mut self, kind: &PromptKind, line: &str) {
        let lines = match kind {
            PromptKind::Command => &mut self.commands,
            PromptKind::Filter { .. } => &mut self.filters,
            PromptKind::Search { .. } => &mut self.searches,
            PromptKind::Tenant { .. } => &mut self.tenants,
            PromptKind::Events { .. } => &mut self.events,
            PromptKind::Drift { .. } => &mut self.drift,
        };
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        lines.retain(|known| known != line);
        lines.push(line.to_owned());
        if lines.len() > Self::MOST {
            lines.remove(0);
        }
    }
}
