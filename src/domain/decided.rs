//! What people have decided of something that drifts: that it is to be left alone for a while, or that what is there is now
//! what is wanted. One finding has one decision at a time; the later one takes the place of the one before.

use jiff::Timestamp;

use super::text::SafeText;

/// That a finding is to be left alone, with a reason and an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// Who said so; taken on trust.
    pub by: SafeText,
    /// When.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: SafeText,
}

/// That what is there is what is wanted from now on, although its source still wants otherwise. It holds for the very
/// difference that was seen, and for no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// Who said so; taken on trust.
    pub by: SafeText,
    /// When.
    pub at: Timestamp,
    /// What differed then: [`DriftFinding::seen`](super::drift::DriftFinding::seen).
    pub seen: SafeText,
    /// Why.
    pub reason: SafeText,
}

/// What was decided of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is left alone until a moment.
    Ignore(Ignore),
    /// What is there is wanted.
    Adopt(Adoption),
}

/// What is to be done about a finding that was adopted: no engine can rewrite what it wants.
pub const CHANGE_THERE: &str = "its source still wants otherwise: change it there";
