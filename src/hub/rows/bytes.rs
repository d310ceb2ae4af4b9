//! Where an instance stands and what the rules say of it, each in one byte: what filters look at most.

use crate::domain::flow::{FlowInstance, PauseCause, Status};
use crate::domain::verdict::{Judgement, Rule, Verdict};

/// Where an instance stands, in a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::hub) struct State(pub(super) u8);

impl State {
    const EXACT: u8 = 1 << 6;
    const TOLD: u8 = 1 << 7;

    pub(super) fn new(flow: &FlowInstance, told: bool) -> Self {
        let status = Status::ALL.iter().position(|status| *status == flow.status).unwrap_or_default();
        let pause = match flow.pause {
            None => 0,
            Some(PauseCause::Exhausted) => 1,
            Some(PauseCause::Held) => 2,
            Some(PauseCause::Unknown) => 3,
        };
        let flags = if flow.exact_id { Self::EXACT } else { 0 } | if told { Self::TOLD } else { 0 };
        Self(u8::try_from(status).unwrap_or_default() | pause << 4 | flags)
    }

    /// Whether this is where an instance stands.
    pub(super) fn says(self, flow: &FlowInstance) -> bool {
        self.status() == flow.status && self.pause() == flow.pause && self.exact() == flow.exact_id
    }

    pub(in crate::hub) fn status(self) -> Status {
        Status::ALL.get(usize::from(self.0 & 0xF)).copied().unwrap_or(Status::Unknown)
    }

    pub(in crate::hub) const fn pause(self) -> Option<PauseCause> {
        match self.0 >> 4 & 3 {
            1 => Some(PauseCause::Exhausted),
            2 => Some(PauseCause::Held),
            3 => Some(PauseCause::Unknown),
            _ => None,
        }
    }

    pub(super) const fn exact(self) -> bool {
        self.0 & Self::EXACT != 0
    }

    /// Whether the time at which it began is that of the primary finding.
    pub(super) const fn told(self) -> bool {
        self.0 & Self::TOLD != 0
    }
}

/// Attempts that are not told; one less is one that the column is too narrow for.
pub(super) const NO_ATTEMPTS: u16 = u16::MAX;
pub(super) const WIDE: u16 = u16::MAX - 1;

/// The attempts of an instance, for a column of two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempts(Option<u32>);

impl Attempts {
    pub(super) const fn of(flow: &FlowInstance) -> Self {
        Self(flow.attempts)
    }

    /// Whether the column is too narrow for them.
    pub(super) fn wide(self) -> bool {
        self.0.is_some_and(|n| n >= u32::from(WIDE))
    }

    pub(super) fn column(self) -> u16 {
        self.0.map_or(NO_ATTEMPTS, |n| u16::try_from(n).unwrap_or(WIDE).min(WIDE))
    }
}

/// What the rules say, in a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::hub) struct Said(pub(super) u8);

impl Said {
    const STUCK: u8 = 1 << 7;

    pub(super) fn new(judgement: &Judgement) -> Self {
        let verdict = Verdict::ALL.iter().position(|verdict| *verdict == judgement.verdict).unwrap_or_default();
        let rule = judgement.rule().and_then(|rule| Rule::ALL.iter().position(|other| *other == rule));
        let rule = rule.map_or(0, |at| u8::try_from(at + 1).unwrap_or_default());
        let stuck = judgement.primary().is_some_and(|finding| finding.verdict == Verdict::Stuck);
        Self(u8::try_from(verdict).unwrap_or_default() | rule << 3 | if stuck { Self::STUCK } else { 0 })
    }

    /// The verdict; of a source that is not live nothing is certain.
    pub(in crate::hub) fn verdict(self, live: bool) -> Verdict {
        if !live {
            return Verdict::Recheck;
        }
        Verdict::ALL.get(usize::from(self.0 & 7)).copied().unwrap_or(Verdict::Unknown)
    }

    /// The primary rule.
    pub(in crate::hub) fn rule(self) -> Option<Rule> {
        usize::from(self.0 >> 3 & 0xF).checked_sub(1).and_then(|at| Rule::ALL.get(at)).copied()
    }

    /// As [`Judgement::stuck_rule`].
    pub(in crate::hub) fn stuck_rule(self, live: bool) -> Option<Rule> {
        let certain = matches!(self.verdict(live), Verdict::Stuck | Verdict::Recheck);
        if certain && self.0 & Self::STUCK != 0 { self.rule() } else { None }
    }
}
