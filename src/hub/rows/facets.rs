//! What rows add up to, kept up to date with each change: counts by flow and step, and cohorts.
//!
//! The board is read far more often than a row changes, and costs as much as it has lines, however many rows there are.

use std::collections::HashMap;

use super::bytes::State;
use super::symbols::{NONE, Symbol};
use super::{NEVER, Slot};
use crate::domain::flow::{PauseCause, Status};
use crate::domain::verdict::{Rule, Verdict};

/// One row, as far as it counts.
#[derive(Debug, Clone, Copy)]
pub(in crate::hub) struct Part {
    pub(in crate::hub) slot: Slot,
    pub(in crate::hub) place: Symbol,
    pub(in crate::hub) cohort: Symbol,
    pub(in crate::hub) tenant: Symbol,
    pub(in crate::hub) state: State,
    pub(in crate::hub) verdict: Verdict,
    /// The rule that makes it stuck.
    pub(in crate::hub) stuck: Option<Rule>,
    /// Since when that rule has held.
    pub(in crate::hub) since: i64,
}

/// Whether a row comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Sign {
    Plus,
    Minus,
}

impl Sign {
    fn count(self, n: &mut u32) {
        *n = match self {
            Self::Plus => n.saturating_add(1),
            Self::Minus => n.saturating_sub(1),
        };
    }
}

/// Rows by their primary rule, in the order of [`Rule::ALL`].
pub(in crate::hub) type ByRule = [u32; Rule::ALL.len()];

fn rule_at(rule: Rule) -> usize {
    Rule::ALL.iter().position(|other| *other == rule).unwrap_or_default()
}

/// The rows in one step of one flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::hub) struct Tally {
    /// All of them.
    pub(in crate::hub) rows: u32,
    pub(in crate::hub) open: u32,
    pub(in crate::hub) waiting: u32,
    /// Those of the waiting whose wait is lost.
    pub(in crate::hub) lost: u32,
    pub(in crate::hub) held: u32,
    pub(in crate::hub) failed: u32,
    pub(in crate::hub) unknown: u32,
    pub(in crate::hub) by_rule: ByRule,
}

impl Tally {
    fn count(&mut self, sign: Sign, part: &Part) {
        let status = part.state.status();
        let when = |holds: bool, n: &mut u32| {
            if holds {
                sign.count(n);
            }
        };
        when(true, &mut self.rows);
        when(!status.ended(), &mut self.open);
        when(status == Status::Waiting, &mut self.waiting);
        when(status == Status::Waiting && part.stuck.is_some(), &mut self.lost);
        when(status == Status::Paused && part.state.pause() == Some(PauseCause::Held), &mut self.held);
        when(status.failed(), &mut self.failed);
        when(part.verdict == Verdict::Unknown, &mut self.unknown);
        if let Some(n) = part.stuck.and_then(|rule| self.by_rule.get_mut(rule_at(rule))) {
            sign.count(n);
        }
    }
}

/// The rows that are stuck for one cause.
#[derive(Debug, Clone, Default)]
pub(in crate::hub) struct Members {
    pub(in crate::hub) count: u32,
    pub(in crate::hub) tenants: HashMap<Symbol, u32>,
    pub(in crate::hub) without_tenant: u32,
    pub(in crate::hub) by_rule: ByRule,
    pub(in crate::hub) oldest: Option<(i64, Slot)>,
    /// The oldest one has gone: who is it now?
    gone: Option<(i64, Slot)>,
}

impl Members {
    fn count(&mut self, sign: Sign, part: &Part) {
        sign.count(&mut self.count);
        if let Some(n) = part.stuck.and_then(|rule| self.by_rule.get_mut(rule_at(rule))) {
            sign.count(n);
        }
        if part.tenant == NONE {
            sign.count(&mut self.without_tenant);
        } else {
            count_in(&mut self.tenants, sign, part.tenant);
        }
    }

    /// The rule that most of them have as their primary one; of equals the one that goes first.
    pub(in crate::hub) fn rule(&self) -> Rule {
        let most = self.by_rule.iter().max().copied().unwrap_or_default();
        let at = self.by_rule.iter().position(|n| *n == most).unwrap_or_default();
        Rule::ALL.get(at).copied().unwrap_or(Rule::Exhausted)
    }
}

/// What the rows of one source add up to.
#[derive(Debug, Default)]
pub(in crate::hub) struct Facets {
    tallies: Vec<Tally>,
    members: Vec<Members>,
    /// The stuck rows of each tenant that has any.
    stuck_tenants: HashMap<Symbol, u32>,
    /// Cohorts whose oldest row has to be found again.
    unsettled: Vec<Symbol>,
}

/// Which of two rows has been stuck longer; their ids decide between equals, and one without a time is the younger one.
pub(in crate::hub) fn earlier(new: (i64, &str), old: (i64, &str)) -> bool {
    (new.0 == NEVER, new.0, new.1) < (old.0 == NEVER, old.0, old.1)
}

impl Facets {
    /// Counts a row in or out.
    pub(in crate::hub) fn count<'a>(&mut self, sign: Sign, part: &Part, id_of: impl Fn(Slot) -> &'a str) {
        tally(&mut self.tallies, part.place).count(sign, part);
        if part.stuck.is_none() || part.cohort == NONE {
            return;
        }
        if part.tenant != NONE {
            count_in(&mut self.stuck_tenants, sign, part.tenant);
        }
        let members = tally(&mut self.members, part.cohort);
        members.count(sign, part);
        let this = (part.since, part.slot);
        match sign {
            Sign::Plus => {
                let again = members.gone.is_some_and(|(since, slot)| slot == part.slot && part.since <= since);
                if again {
                    (members.oldest, members.gone) = (Some(this), None);
                } else if members.gone.is_none() {
                    let first = members
                        .oldest
                        .is_none_or(|(since, slot)| earlier((part.since, id_of(part.slot)), (since, id_of(slot))));
                    if first {
                        members.oldest = Some(this);
                    }
                }
            }
            Sign::Minus if members.count == 0 => *members = Members::default(),
            Sign::Minus if members.oldest.is_some_and(|(_, slot)| slot == part.slot) => {
                members.gone = members.oldest.take();
                self.unsettled.push(part.cohort);
            }
            Sign::Minus => {}
        }
    }

    /// The cohorts whose oldest row has to be found again.
    pub(in crate::hub) fn unsettled(&mut self) -> Vec<Symbol> {
        let mut cohorts = std::mem::take(&mut self.unsettled);
        cohorts.sort_unstable();
        cohorts.dedup();
        cohorts.retain(|cohort| self.members.get(*cohort as usize).is_some_and(|members| members.gone.is_some()));
        for cohort in &cohorts {
            if let Some(members) = self.members.get_mut(*cohort as usize) {
                members.gone = None;
            }
        }
        cohorts
    }

    /// Proposes a row as the oldest one of its cohort.
    pub(in crate::hub) fn propose<'a>(
        &mut self,
        cohort: Symbol,
        since: i64,
        slot: Slot,
        id_of: impl Fn(Slot) -> &'a str,
    ) {
        let Some(members) = self.members.get_mut(cohort as usize) else { return };
        let first = members.oldest.is_none_or(|(old, other)| earlier((since, id_of(slot)), (old, id_of(other))));
        if first {
            members.oldest = Some((since, slot));
        }
    }

    /// The tenants that have stuck rows.
    pub(in crate::hub) fn stuck_tenants(&self) -> impl Iterator<Item = Symbol> {
        self.stuck_tenants.keys().copied()
    }

    /// How many rows of a tenant are stuck.
    pub(super) fn stuck_of(&self, tenant: Symbol) -> u32 {
        self.stuck_tenants.get(&tenant).copied().unwrap_or_default()
    }

    pub(in crate::hub) fn tallies(&self) -> impl Iterator<Item = (Symbol, &Tally)> {
        (0..).zip(&self.tallies).filter(|(_, tally)| tally.rows > 0)
    }

    pub(in crate::hub) fn members(&self) -> impl Iterator<Item = (Symbol, &Members)> {
        (0..).zip(&self.members).filter(|(_, members)| members.count > 0)
    }
}

/// Counts a symbol in or out; one that is counted no more is forgotten.
fn count_in(counts: &mut HashMap<Symbol, u32>, sign: Sign, symbol: Symbol) {
    let n = counts.entry(symbol).or_default();
    sign.count(n);
    if *n == 0 {
        counts.remove(&symbol);
    }
}

/// The entry of a symbol, made where there is none.
fn tally<T: Default>(of: &mut Vec<T>, symbol: Symbol) -> &mut T {
    let at = symbol as usize;
    if of.len() <= at {
        of.resize_with(at + 1, T::default);
    }
    &mut of[at]
}
