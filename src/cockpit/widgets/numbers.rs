//! Numbers as they are shown. One that is not known is `?`, never 0.

use jiff::{SignedDuration, Timestamp};

use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::time::{age, since};
use crate::ops::{Cell, Overview};

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number that says which way it goes: `+31`, `-4`, `+0`.
pub(crate) fn signed(number: i64) -> String {
    let sign = if number < 0 { '-' } else { '+' };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

/// A sum over the sources that tell of flows, of which some may be blind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// Of those that are live.
    pub(crate) live: u64,
    /// What the others had when they were last heard.
    pub(crate) was: u64,
    /// Whether any source is live.
    pub(crate) any_live: bool,
    /// Whether any source is not.
    pub(crate) any_blind: bool,
    /// Whether a part of it is not exact.
    pub(crate) approximate: bool,
}

impl Sum {
    /// `382`, `~382`, `382+?`, `?`.
    pub(crate) fn show(self) -> String {
        let about = if self.approximate { "~" } else { "" };
        match (self.any_live, self.any_blind) {
            (false, _) => "?".to_owned(),
            (true, false) => format!("{about}{}", grouped(self.live)),
            (true, true) => format!("{about}{}+?", grouped(self.live)),
        }
    }
}

/// Sums one count over all cells.
pub(crate) fn sum(overview: &Overview, count: impl Fn(&Cell) -> u64) -> Sum {
    let mut sum = Sum::default();
    for source in engines(overview) {
        if source.state == Freshness::Live {
            sum.any_live = true;
        } else {
            sum.any_blind = true;
        }
    }
    for cell in &overview.cells {
        if cell.live {
            sum.live += count(cell);
            sum.approximate |= cell.approximate;
        } else {
            sum.was += count(cell);
        }
    }
    sum
}

/// The sources that tell of flows. Whoever tells of none takes nothing from their counts by being silent, and makes none
/// of them known by being live.
pub(crate) fn engines(overview: &Overview) -> impl Iterator<Item = &SourceStatus> {
    overview.sources.iter().filter(|source| source.flows)
}

/// How many sources are not live.
pub(crate) fn blind(overview: &Overview) -> usize {
    overview.sources.iter().filter(|source| source.state != Freshness::Live).count()
}

/// Whether there are sources, and none of them tells of flows: then nothing stuck is not good news, but none.
pub(crate) fn flowless(overview: &Overview) -> bool {
    !overview.sources.is_empty() && engines(overview).next().is_none()
}

/// How long ago the blind source of flows that has been silent longest was heard; `None` if never.
pub(crate) fn silence(overview: &Overview, now: Timestamp) -> Option<SignedDuration> {
    let silent = engines(overview).filter(|source| source.state != Freshness::Live);
    silent.filter_map(|source| source.age(now)).max()
}

/// The present by a source's clock.
pub(crate) fn engine_now(source: Option<&SourceStatus>, now: Timestamp) -> Timestamp {
    let offset = source.and_then(|source| source.clock_offset).unwrap_or(SignedDuration::ZERO);
    now.saturating_add(offset).unwrap_or(now)
}

/// How long something has been so; `?` where its beginning is not known.
pub(crate) fn age_since(began: Option<Timestamp>, now: Timestamp) -> String {
    began.map_or_else(|| "?".to_owned(), |began| age(since(began, now)))
}

/// One or several: `1 tenant`, `3 tenants`.
pub(crate) fn plural(number: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_204), "1,204");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }

    #[test]
    fn a_growth_says_which_way() {
        assert_eq!((signed(1_031), signed(-4), signed(0)), ("+1,031".to_owned(), "-4".to_owned(), "+0".to_owned()));
        assert_eq!(signed(i64::MIN), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn what_is_not_known_is_never_nought() {
        let live = Sum { live: 3, any_live: true, ..Sum::default() };
        assert_eq!(live.show(), "3");
        assert_eq!(Sum { any_blind: true, ..live }.show(), "3+?");
        assert_eq!(Sum { was: 9, any_blind: true, ..Sum::default() }.show(), "?");
        assert_eq!(Sum::default().show(), "?");
        assert_eq!(Sum { approximate: true, ..live }.show(), "~3");
    }
}
