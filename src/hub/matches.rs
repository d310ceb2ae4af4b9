//! Which rows of a source match, for the filters that were asked for lately: kept up to date as rows change.

use std::sync::Arc;

use jiff::Timestamp;

use super::recent::Recent;
use super::rows::{Bits, Limits, Moment, Rows};
use crate::query::Filter;

/// So many filters are kept: that of the list, those of the views that are counted beside it, and those gone back to.
const FILTERS: usize = 12;

/// The rows that match a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) bits: Arc<Bits>,
    /// How many.
    pub(super) count: usize,
    /// The present that was asked for, where it decides what matches.
    pub(super) at: Option<Timestamp>,
}

/// What was found lately.
#[derive(Debug)]
pub(super) struct Matches(Recent<Match>);

impl Default for Matches {
    fn default() -> Self {
        Self(Recent::new(FILTERS))
    }
}

#[derive(Debug)]
struct Match {
    filter: Filter,
    live: bool,
    moment: Moment,
    found: Found,
}

impl Matches {
    /// The rows that a filter matches. `now` is the present by the source's clock.
    pub(super) fn of(&self, rows: &Rows, filter: &Filter, limits: Limits<'_>, now: Timestamp, live: bool) -> Found {
        let at = filter.is_timed().then_some(now);
        let known = self.0.take(|known| known.filter == *filter);
        let known = known.filter(|known| known.live == live && known.found.at == at);
        let moment = rows.moment();
        let known = known.and_then(|known| {
            let changed = rows.changed_since(known.moment)?;
            let mut found = known.found;
            if !changed.is_empty() {
                let bits = Arc::make_mut(&mut found.bits);
                for slot in changed {
                    let holds =
                        rows.has(slot) && (filter.is_empty() || filter.matches(&rows.judged(slot, limits, live), now));
                    found.count = found.count + usize::from(holds) - usize::from(bits.contains(slot));
                    if holds { bits.insert(slot) } else { bits.remove(slot) }
                }
            }
            Some(found)
        });
        let found = known.unwrap_or_else(|| {
            let bits = rows.matching(filter, now, live);
            Found { count: bits.count(), bits: Arc::new(bits), at }
        });
        self.0.keep(Match { filter: filter.clone(), live, moment, found: found.clone() });
        found
    }
}
