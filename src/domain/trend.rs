//! How the counts have moved: a sample a minute over the last hour, and the growth over the last five minutes.
//!
//! A past that nobody has seen is not known: there is no sample of it, and no growth. It can't be made up out of the
//! times at which what is stuck now got stuck, since whatever was stuck and was repaired since would be missing, and
//! each past would look better than it was.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::time::since;
use super::verdict::Rule;

/// How far back samples are kept.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(60);

/// From one sample to the next, at the least.
pub const STEP: SignedDuration = SignedDuration::from_mins(1);

/// Over how long growth is told.
pub const GROWTH: SignedDuration = SignedDuration::from_mins(5);

/// How far from [`GROWTH`] ago a sample may lie to stand for it.
const NEAR: SignedDuration = SignedDuration::from_secs(75);

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// When, by the local clock.
    pub at: Timestamp,
    /// Not ended.
    pub open: u64,
    /// Open or failed, with verdict stuck.
    pub stuck: u64,
    /// The stuck ones, by their primary rule.
    pub by_rule: BTreeMap<Rule, u64>,
}

impl Sample {
    /// Adds what another source had at that time.
    pub fn add(&mut self, other: &Self) {
        self.open += other.open;
        self.stuck += other.stuck;
        for (rule, count) in &other.by_rule {
            *self.by_rule.entry(*rule).or_default() += count;
        }
    }
}

/// How everything together has moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trend {
    /// The oldest first, one a minute at most. A minute that is missing is not known.
    pub samples: Vec<Sample>,
    /// How many more are stuck than five minutes ago, in the sources that are live; `None` where that is not known.
    pub growth: Option<i64>,
}

/// The item that stands for five minutes ago: the one nearest to that, if one is near.
pub fn five_minutes_ago<T>(items: impl Iterator<Item = T>, at: impl Fn(&T) -> Timestamp, now: Timestamp) -> Option<T> {
    let off = |item: &T| (since(at(item), now) - GROWTH).abs();
    items.filter(|item| off(item) <= NEAR).min_by_key(off)
}

/// The difference of two counts.
pub fn difference(now: u64, then: u64) -> i64 {
    i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(i64::try_from(then).unwrap_or(i64::MAX))
}

/// One value for each of the last sixty minutes, the oldest first; `None` where a minute has no sample.
pub fn by_minute(samples: &[Sample], now: Timestamp, value: impl Fn(&Sample) -> u64) -> Vec<Option<u64>> {
    let minutes = usize::try_from(WINDOW.as_mins()).unwrap_or_default();
    let mut slots = vec![None; minutes];
    for sample in samples {
        let ago = usize::try_from(since(sample.at, now).as_secs() / STEP.as_secs()).unwrap_or(usize::MAX);
        if let Some(slot) = minutes.checked_sub(ago + 1).and_then(|at| slots.get_mut(at)) {
            *slot = (*slot).max(Some(value(sample)));
        }
    }
    // Passes are not quite a minute apart: a minute between two that have samples is no hole.
    for at in 1..minutes.saturating_sub(1) {
        if let [before, None, after] = slots[at - 1..=at + 1] {
            slots[at] = before.zip(after).map(|(before, after)| before.max(after));
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn sample(seconds: i64, stuck: u64) -> Sample {
        Sample { at: at(seconds), open: 9, stuck, by_rule: [(Rule::Overdue, stuck)].into() }
    }

    #[test]
    fn what_stands_for_five_minutes_ago_is_near_to_that() {
        let found = |ages: &[i64]| five_minutes_ago(ages.iter().copied(), |age| at(-age), at(0));
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[0, 60, 120, 180, 224]), None, "a young hub does not know");
        assert_eq!(found(&[0, 225]), Some(225));
        assert_eq!(found(&[250, 290, 350, 600]), Some(290));
        assert_eq!(found(&[375]), Some(375));
        assert_eq!(found(&[376, 3_600]), None, "an hour ago is not five minutes ago");
    }

    #[test]
    fn a_minute_without_a_sample_is_not_nought() {
        let samples = [sample(-3_000, 4), sample(-180, 7), sample(-55, 9), sample(-50, 8), sample(-4_000, 5)];
        let minutes = by_minute(&samples, at(0), |sample| sample.stuck);
        assert_eq!(minutes.len(), 60);
        assert_eq!(minutes[59], Some(9), "of two in one minute the higher one");
        assert_eq!(&minutes[56..], [Some(7), None, None, Some(9)]);
        assert_eq!(minutes[9], Some(4));
        assert_eq!(minutes.iter().flatten().count(), 3, "what is older than the window is left out");
        // A step of a little more than a minute leaves no hole.
        let minutes = by_minute(&[sample(-125, 3), sample(-59, 5)], at(0), |sample| sample.stuck);
        assert_eq!(&minutes[57..], [Some(3), Some(5), Some(5)]);
    }

    #[test]
    fn differences_may_be_negative_and_never_wrap() {
        assert_eq!(difference(3, 10), -7);
        assert_eq!(difference(10, 3), 7);
        assert_eq!(difference(u64::MAX, 0), i64::MAX);
        let mut sum = sample(0, 3);
        sum.add(&sample(0, 4));
        assert_eq!((sum.open, sum.stuck, sum.by_rule[&Rule::Overdue]), (18, 7, 7));
    }
}
