//! What is still in force of what somebody did: things that an act switched off until somebody arms them again, and
//! exceptions that end by themselves.
//!
//! Both are easily forgotten by whoever made them, and found by whoever comes next: so they are listed until they are
//! over.

use jiff::Timestamp;

use super::text::SafeText;

/// Something that a remediation switched off, and that stays so until it is armed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideEffect {
    /// Its id.
    pub id: SafeText,
    /// The remediation that switched it off.
    pub remediation: SafeText,
    /// What is switched off, in words.
    pub what: SafeText,
    /// How it is armed again, in words.
    pub way_back: SafeText,
    /// Since when.
    pub since: Timestamp,
    /// Who asked for it; taken on trust.
    pub by: SafeText,
}

/// What kind of exception it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BorrowedKind {
    /// A production context that is armed.
    Armed,
    /// A freeze that somebody overrides.
    BreakGlass,
    /// A cohort that somebody has claimed.
    Claim,
}

impl BorrowedKind {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::BreakGlass => "break_glass",
            Self::Claim => "claim",
        }
    }

    /// As people say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::BreakGlass => "break-glass",
            Self::Claim => "claim",
        }
    }
}

/// An exception that ends by itself: borrowed time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Borrowed {
    /// What kind.
    pub kind: BorrowedKind,
    /// What of, in words: a context, a remediation, a cohort.
    pub what: SafeText,
    /// Who has it; taken on trust.
    pub by: SafeText,
    /// Why, in their words; empty where none had to be given.
    pub reason: SafeText,
    /// Until when.
    pub until: Timestamp,
}

/// All that is still in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InForce {
    /// What is switched off, the oldest first.
    pub side_effects: Vec<SideEffect>,
    /// What ends by itself, the next one to end first.
    pub borrowed: Vec<Borrowed>,
}
