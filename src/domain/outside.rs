//! What was done to an engine by somebody else than Quarterdeck, as far as the engine tells of it.
//!
//! An engine tells that an instance was cancelled and not by whom. So it is only known that nothing of Quarterdeck's own
//! record explains it: these acts are marked as done outside.

use jiff::Timestamp;

use super::remediation::Verb;
use super::text::SafeText;

/// The mark of what was done outside.
pub const OUTSIDE: &str = "outside";

/// Something that a person or a program did to an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideAct {
    /// When it took effect, by the engine's clock.
    pub at: Timestamp,
    /// The source.
    pub source: SafeText,
    /// To whom, in the engine's own ids: an instance, or a deployment.
    pub subject: SafeText,
    /// The verb that does the same here; `None` where there is no such one, as for a deployment.
    pub verb: Option<Verb>,
    /// What, in words.
    pub what: SafeText,
    /// The instance on whose behalf it ended so, where that one ended in the same way.
    pub caller: Option<SafeText>,
    /// By whom; engines seldom know.
    pub by: Option<SafeText>,
}

impl OutsideAct {
    /// Puts acts in the order in which they are shown: the newest first.
    pub fn newest_first(acts: &mut [Self]) {
        acts.sort_by(|one, other| (other.at, &other.source, &other.subject).cmp(&(one.at, &one.source, &one.subject)));
    }
}

/// What was done outside, over all sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// The acts, the newest first; of very many the newest ones.
    pub acts: Vec<OutsideAct>,
    /// From when on they are told; `None` where nobody was asked.
    pub since: Option<Timestamp>,
    /// The sources that did not tell, with why.
    pub untold: Vec<(SafeText, SafeText)>,
}
