//! How long steps take, slot of time by slot of time, against what they promise.
//!
//! A step counts in the slot in which it ended, and in each slot before that at whose end it was still going on, with how
//! long it had taken by then. So an incident shows from its beginning, and not only once what it held up has ended. Times
//! are whole: retries and the pauses between them are part of how long a step takes, since whoever waits for it waits for
//! them, too. Steps that wait for a timer, a callback or a person are not measured: that is no latency.
//!
//! Times are kept in buckets, 32 of them to a doubling, so that a slot takes as much memory as it has different times in
//! it, and is never off by more than one part in 32. A histogram of fixed layout (`hdrhistogram`) of that precision would
//! take some kilobytes for each step and slot to cover a millisecond to half a year, nearly all of them empty.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::flow::{FlowInstance, PauseCause, Status};
use super::promise::Promise;
use super::text::SafeText;
use super::time::since;

/// How long a slot is. Slots begin at whole multiples of it, by the clock on the wall.
pub const SLOT: SignedDuration = SignedDuration::from_mins(5);

/// How many slots are told: six hours.
pub const SLOTS: usize = 72;

/// Up to this share of a promise a step is well within it.
const WITHIN: f64 = 0.8;

/// From this multiple of a promise on a step is far over it: where an instance in it becomes `overdue`.
const FAR: f64 = 3.0;

/// Which time of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// How long it ran.
    Run,
    /// How long it queued before it ran.
    Queue,
}

impl Measure {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Run, Self::Queue];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Queue => "queue",
        }
    }

    /// What is promised of it.
    pub const fn promised(self, promise: Promise) -> Option<SignedDuration> {
        match self {
            Self::Run => promise.run,
            Self::Queue => promise.queue,
        }
    }

    /// Its place among [`Self::ALL`].
    pub const fn place(self) -> usize {
        self as usize
    }
}

/// A step of some instance that has run, or has been in the queue, and does so no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTime {
    /// The flow.
    pub flow: SafeText,
    /// The step.
    pub step: SafeText,
    /// What it did.
    pub measure: Measure,
    /// Since when, by the engine's clock.
    pub from: Timestamp,
    /// Until when, by the engine's clock.
    pub to: Timestamp,
    /// Whether it went on from there. One that failed or was cancelled has not shown how long it takes.
    pub well: bool,
}

impl FlowInstance {
    /// What an open instance does in its step, and since when, as far as its source tells; `None` where that is no latency.
    pub fn under_way(&self) -> Option<(Measure, Timestamp)> {
        match self.status {
            Status::Running | Status::BackingOff => Some((Measure::Run, self.entered_step_at?)),
            // One that a person holds may have stood in a wait.
            Status::Paused if self.pause == Some(PauseCause::Exhausted) || self.first_failure_at.is_some() => {
                Some((Measure::Run, self.entered_step_at?))
            }
            Status::Queued => Some((Measure::Queue, self.signs.queued_at.or(self.entered_step_at)?)),
            _ => None,
        }
    }
}

/// The number of the slot that a moment is in.
pub fn slot_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SLOT.as_secs())
}

/// When a slot begins.
pub fn slot_begins(slot: i64) -> Timestamp {
    Timestamp::from_second(slot.saturating_mul(SLOT.as_secs())).unwrap_or(Timestamp::MAX)
}

/// How many times there are of which length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    /// By bucket, in order; see [`bucket`].
    counts: Vec<(u16, u64)>,
    /// The longest one, in milliseconds.
    longest: u64,
}

/// How many buckets a doubling has, as a power of two.
const FINE: u32 = 5;

/// The bucket of a length: one for each millisecond below 64, from there on 32 for each doubling. What is longer than half
/// a year is in the last one.
#[allow(clippy::cast_possible_truncation, reason = "there are fewer than 1024")]
const fn bucket(millis: u64) -> u16 {
    let least = 1 << FINE;
    if millis < least {
        return millis as u16;
    }
    let power = millis.ilog2();
    if power > 33 {
        return MOST;
    }
    let within = (millis >> (power - FINE)) & (least - 1);
    ((power - FINE + 1) << FINE) as u16 + within as u16
}

/// The last bucket.
#[allow(clippy::cast_possible_truncation, reason = "there are fewer than 1024")]
const MOST: u16 = ((34 - FINE) << FINE) as u16 + (1 << FINE) - 1;

/// The shortest length of a bucket.
const fn bucket_begins(bucket: u16) -> u64 {
    let least = 1 << FINE;
    if bucket < least {
        return bucket as u64;
    }
    ((least + bucket % least) as u64) << (bucket / least - 1)
}

/// The longest length of a bucket.
const fn bucket_ends(bucket: u16) -> u64 {
    bucket_begins(bucket + 1) - 1
}

impl Spread {
    /// Counts so many times of one length.
    pub fn add(&mut self, length: SignedDuration, count: u64) {
        let millis = u64::try_from(length.as_millis()).unwrap_or(0);
        self.longest = self.longest.max(millis);
        self.put(bucket(millis), count);
    }

    fn put(&mut self, bucket: u16, count: u64) {
        match self.counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(count),
            Err(at) => self.counts.insert(at, (bucket, count)),
        }
    }

    /// Counts in what another one has.
    pub fn merge(&mut self, other: &Self) {
        self.longest = self.longest.max(other.longest);
        for (bucket, count) in &other.counts {
            self.put(*bucket, *count);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
    }

    /// The longest one.
    pub fn longest(&self) -> Option<SignedDuration> {
        (!self.counts.is_empty()).then(|| millis(self.longest))
    }

    /// The length that a share of them does not pass, at most one part in 32 too long and never too short.
    pub fn quantile(&self, share: f64) -> Option<SignedDuration> {
        self.quantile_bucket(share).map(|bucket| millis(bucket_ends(bucket).min(self.longest)))
    }

    fn quantile_bucket(&self, share: f64) -> Option<u16> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among a count")]
        let rank = ((self.count() as f64 * share).ceil() as u64).max(1);
        let mut seen: u64 = 0;
        self.counts.iter().find_map(|(bucket, count)| {
            seen = seen.saturating_add(*count);
            (seen >= rank).then_some(*bucket)
        })
    }

    /// How many are kept apart: what it takes in memory.
    pub fn buckets(&self) -> usize {
        self.counts.len()
    }
}

fn millis(millis: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// What is known of a step in one slot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that ended well in it.
    pub finished: Spread,
    /// How many ended badly in it.
    pub failed: u64,
    /// Those that were still going on at its end, or now: each takes at least so long.
    pub going: Spread,
}

impl Tally {
    fn merge(&mut self, other: &Self) {
        self.finished.merge(&other.finished);
        self.failed = self.failed.saturating_add(other.failed);
        self.going.merge(&other.going);
    }
}

/// One time of one step, slot by slot. Slots in which there was nothing are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series(BTreeMap<i64, Tally>);

impl Series {
    /// Counts one that has ended; `first` is the oldest slot that is kept.
    pub fn ended(&mut self, from: Timestamp, to: Timestamp, well: bool, first: i64) {
        let last = slot_of(to);
        self.through(from, last.saturating_sub(1), first, 1);
        if last < first {
            return;
        }
        let tally = self.0.entry(last).or_default();
        if well {
            tally.finished.add(since(from, to), 1);
        } else {
            tally.failed = tally.failed.saturating_add(1);
        }
    }

    /// Counts so many that began at one time and are going on now.
    pub fn going(&mut self, from: Timestamp, now: Timestamp, first: i64, count: u64) {
        let last = slot_of(now);
        self.through(from, last.saturating_sub(1), first, count);
        self.0.entry(last).or_default().going.add(since(from, now), count);
    }

    /// Counts those that were going on at the end of each slot up to one.
    fn through(&mut self, from: Timestamp, last: i64, first: i64, count: u64) {
        for slot in slot_of(from).max(first)..=last {
            let end = slot_begins(slot.saturating_add(1));
            self.0.entry(slot).or_default().going.add(since(from, end), count);
        }
    }

    /// Counts in what another one has.
    pub fn merge(&mut self, other: &Self) {
        for (slot, tally) in &other.0 {
            self.0.entry(*slot).or_default().merge(tally);
        }
    }

    /// Forgets the slots before one.
    pub fn forget_before(&mut self, slot: i64) {
        self.0 = self.0.split_off(&slot);
    }

    /// Whether there is anything in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is known of a slot.
    pub fn at(&self, slot: i64) -> Option<&Tally> {
        self.0.get(&slot)
    }
}

/// How a step did in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Heat {
    /// Nothing was in it then.
    NoData,
    /// Nobody knows.
    Blind,
    /// Something was in it, and nothing has finished; what goes on is not over the promise yet.
    Unfinished,
    /// Nothing is promised: there is nothing to compare with.
    Unpromised,
    /// Up to 80 % of its promise.
    Within,
    /// Up to its promise.
    Near,
    /// Up to three times its promise.
    Over,
    /// More than that.
    FarOver,
}

impl Heat {
    /// Every one, from the best to the worst; what is not known comes first.
    pub const ALL: [Self; 8] = [
        Self::NoData,
        Self::Blind,
        Self::Unfinished,
        Self::Unpromised,
        Self::Within,
        Self::Near,
        Self::Over,
        Self::FarOver,
    ];

    /// Its sign where only ASCII can be shown.
    pub const fn ascii(self) -> &'static str {
        match self {
            Self::NoData => ".",
            Self::Blind => "?",
            Self::Unfinished => "o",
            Self::Unpromised => ":",
            Self::Within => "-",
            Self::Near => "+",
            Self::Over => "X",
            Self::FarOver => "#",
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoData => "no data",
            Self::Blind => "not known",
            Self::Unfinished => "none finished yet",
            Self::Unpromised => "nothing promised",
            Self::Within => "within",
            Self::Near => "near",
            Self::Over => "over",
            Self::FarOver => "far over",
        }
    }
}

/// How a step did in a slot, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyCell {
    /// How it did.
    pub heat: Heat,
    /// How many ended well.
    pub finished: u64,
    /// How many ended badly.
    pub failed: u64,
    /// How many were still going on at the end of the slot, or now.
    pub going: u64,
    /// The median of those that ended well.
    pub p50: Option<SignedDuration>,
    /// The 95th percentile; see [`Self::of`].
    pub p95: Option<SignedDuration>,
    /// Whether that is what one has taken so far that still goes on: it will be more.
    pub at_least: bool,
}

impl LatencyCell {
    /// Judges a slot. `blind`: not everything of it is known.
    ///
    /// The 95th percentile is over those that ended well and those still going on that have already taken longer than
    /// 95 % of these. A younger one says nothing yet: it may take any time, so it makes nothing look fast. Where nothing
    /// ended it is the longest time so far, which says something only once it is over the promise.
    pub fn of(tally: Option<&Tally>, promise: Option<SignedDuration>, blind: bool) -> Self {
        let none = Tally::default();
        let Tally { finished, failed, going } = tally.unwrap_or(&none);
        let (p95, at_least) = p95(finished, going);
        let over = |p95: SignedDuration, promise: SignedDuration, times: f64| {
            p95.as_millis_f64() > promise.as_millis_f64() * times
        };
        let heat = match (p95, promise) {
            (None, _) if *failed > 0 => Heat::Unfinished,
            (None, _) => Heat::NoData,
            (Some(p95), Some(promise)) if over(p95, promise, FAR) => Heat::FarOver,
            (Some(p95), Some(promise)) if over(p95, promise, 1.0) => Heat::Over,
            (Some(_), _) if finished.count() == 0 => Heat::Unfinished,
            (Some(_), None) => Heat::Unpromised,
            (Some(p95), Some(promise)) if over(p95, promise, WITHIN) => Heat::Near,
            (Some(_), Some(_)) => Heat::Within,
        };
        // What is known to be over is over, whatever else there was.
        let heat = if blind && heat < Heat::Over { Heat::Blind } else { heat };
        let (finished, going, p50) = (finished.count(), going.count(), finished.quantile(0.5));
        Self { heat, finished, failed: *failed, going, p50, p95, at_least }
    }
}

fn p95(finished: &Spread, going: &Spread) -> (Option<SignedDuration>, bool) {
    let Some(ended) = finished.quantile_bucket(0.95) else { return (going.longest(), true) };
    let mut all = finished.clone();
    for (bucket, count) in going.counts.iter().filter(|(bucket, _)| *bucket > ended) {
        all.put(*bucket, *count);
    }
    let of_all = all.quantile_bucket(0.95).unwrap_or(ended);
    if of_all > ended {
        // How long one has taken so far that goes on is told as rather less: it is said to be at least that.
        return (Some(millis(bucket_begins(of_all))), true);
    }
    (all.quantile(0.95), false)
}

#[cfg(test)]
mod tests;
