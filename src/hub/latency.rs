//! How long steps take: what sources tell of those that ended, and what is held of those that go on.
//!
//! Sources keep when steps began and ended, so they are asked for it only while somebody looks, and then for the last hours
//! at once: a look at a hub that has just begun says what one says that ran all night, and where nobody looks no engine is
//! asked. What has settled is kept in slots and asked for no more; what ended within the last minutes is asked for again,
//! since engines tell some of it late. All of it is by the local clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use wildmatch::WildMatch;

use super::Hub;
use super::rows::{Rows, Where};
use super::source::{Book, Source};
use crate::connect::StepTimes;
use crate::domain::latency::{Heat, LatencyCell, Measure, SLOT, SLOTS, Series, StepTime, slot_begins, slot_of};
use crate::domain::text::SafeText;
use crate::domain::time::since;
use crate::ops::{Latency, LatencyQuery, LatencyRow, LatencySource};

/// A source is asked again after so long, and after so many times as long as its answer took.
const AGAIN: SignedDuration = SignedDuration::from_secs(20);
const PAUSE_PER_ANSWER: i32 = 10;

/// So long after its end a step may be told of for the first time.
const LATE: SignedDuration = SignedDuration::from_mins(2);

/// The shortest time that engines tell apart.
const JUST: SignedDuration = SignedDuration::from_millis(1);

/// So many steps of one source are measured. An engine that makes names of steps up without end fills no memory.
const PLACES: usize = 4_000;

/// The slots by which rows are put in order: the last hour.
const LATELY: usize = 12;

type Places = BTreeMap<Where, [Series; Measure::ALL.len()]>;

/// What one source has told of steps that ended.
#[derive(Default)]
pub(super) struct Times {
    /// What ended before [`Self::settled_until`].
    settled: Places,
    /// What ended since, as it was told last.
    recent: Vec<StepTime>,
    settled_until: Option<Timestamp>,
    /// Up to when it was asked.
    until: Option<Timestamp>,
    /// Slots of which not everything is known.
    blind: BTreeSet<i64>,
    /// From when on it was told.
    known_from: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    /// How long its last answer took.
    took: SignedDuration,
    /// Whether it tells of steps that ended; `None` before it was asked.
    tells: Option<bool>,
    /// Why it could not be asked last.
    error: Option<SafeText>,
    /// How many steps were not measured, since there are too many.
    left_out: u64,
}

/// The oldest slot that is told.
fn first_slot(now: Timestamp) -> i64 {
    let slots = i64::try_from(SLOTS).unwrap_or(i64::MAX);
    slot_of(now).saturating_sub(slots - 1)
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(at)
}

/// Puts a time in its place; false where there are too many places.
fn put(places: &mut Places, time: &StepTime, first: i64) -> bool {
    let place = Where { flow: time.flow.clone(), step: time.step.clone() };
    if places.len() >= PLACES && !places.contains_key(&place) {
        return false;
    }
    let series = places.entry(place).or_default();
    if let Some(series) = series.get_mut(time.measure.place()) {
        series.ended(time.from, time.to, time.well, first);
    }
    true
}

impl Times {
    /// From when on it is asked.
    fn after(&self, now: Timestamp) -> Timestamp {
        let oldest = slot_begins(first_slot(now));
        self.settled_until.map_or(oldest, |until| until.max(oldest))
    }

    /// Takes in what a source told of the time after a moment. Its times are by the local clock already.
    fn take(&mut self, told: StepTimes, after: Timestamp, now: Timestamp) {
        let StepTimes { mut times, complete_since, until } = told;
        let first = first_slot(now);
        if complete_since > after {
            // What began before that and ended after it is known, and what ended before it is not.
            self.blind.extend(slot_of(after)..=slot_of(complete_since));
        }
        let known = complete_since.max(after);
        self.known_from = Some(self.known_from.filter(|from| *from >= slot_begins(first)).map_or(known, |from| {
            // A gap in the middle is told where it is: its slots are blind.
            from.min(known)
        }));
        times.retain(|time| time.to >= after && time.from <= time.to);
        // A whole slot settles at once, so that none is counted in part.
        let settles = slot_begins(slot_of(earlier(until.min(now), LATE)));
        let (ended, recent) = times.into_iter().partition(|time: &StepTime| time.to < settles);
        self.recent = recent;
        for time in &ended {
            let kept = put(&mut self.settled, time, first);
            self.left_out = self.left_out.saturating_add(u64::from(!kept));
        }
        self.settled_until = Some(self.settled_until.map_or(settles, |before| before.max(settles)));
        self.until = Some(until);
        self.blind = self.blind.split_off(&first);
        for series in self.settled.values_mut().flatten() {
            series.forget_before(first);
        }
        self.settled.retain(|_, series| !series.iter().all(Series::is_empty));
    }

    /// What is known of each step: of those that ended, and of those that go on.
    fn places(&self, rows: &Rows, offset: SignedDuration, now: Timestamp, wanted: &dyn Fn(&str) -> bool) -> Places {
        let first = first_slot(now);
        let settled = self.settled.iter().filter(|(place, _)| wanted(&place.flow));
        let mut places: Places = settled.map(|(place, series)| (place.clone(), series.clone())).collect();
        for time in self.recent.iter().filter(|time| wanted(&time.flow)) {
            put(&mut places, time, first);
        }
        // Of many that began in one second one is as good as another.
        let mut going: BTreeMap<(u32, Measure, i64), u64> = BTreeMap::new();
        for (place, measure, from) in rows.under_way() {
            *going.entry((place, measure, earlier(from, offset).as_second())).or_default() += 1;
        }
        for ((place, measure, from), count) in going {
            let Some(place) = rows.place_of(place).filter(|place| wanted(&place.flow)) else { continue };
            if places.len() >= PLACES && !places.contains_key(place) {
                continue;
            }
            let from = Timestamp::from_second(from).unwrap_or(now).min(now);
            let series = places.entry(place.clone()).or_default();
            if let Some(series) = series.get_mut(measure.place()) {
                series.going(from, now, first, count);
            }
        }
        places
    }

    /// Whether not everything of a slot is known.
    fn is_blind(&self, slot: i64) -> bool {
        let over = slot_begins(slot.saturating_add(1));
        let untold = || self.error.is_some() && self.until.is_none_or(|until| until < over);
        self.tells != Some(true) || self.blind.contains(&slot) || untold()
    }
}

impl Source {
    /// Asks which steps have ended, where that was not asked lately.
    async fn ask_times(&self, times: &mut Times, now: Timestamp) {
        let pause = AGAIN.max(times.took.saturating_mul(PAUSE_PER_ANSWER));
        let fresh = |at: Timestamp| at <= now && since(at, now) < pause;
        if times.asked_at.is_some_and(fresh) {
            return;
        }
        if !self.live() {
            // A source that is silent is asked by its passes, which say when it is back.
            times.error = Some(self.not_live());
            return;
        }
        times.asked_at = Some(now);
        let (after, offset) = (times.after(now), self.clock_offset());
        // What ended at that very moment has not settled either.
        let theirs = earlier(after, JUST).saturating_add(offset).unwrap_or(after);
        let began = Instant::now();
        let told = self.connector.step_times(theirs).await;
        times.took = began.elapsed().try_into().unwrap_or(SignedDuration::MAX);
        match told {
            Ok(Some(mut told)) => {
                for time in &mut told.times {
                    (time.from, time.to) = (earlier(time.from, offset), earlier(time.to, offset));
                }
                told.complete_since = earlier(told.complete_since, offset);
                told.until = earlier(told.until, offset);
                times.tells = Some(true);
                times.error = None;
                times.take(told, after, now);
            }
            Ok(None) => {
                times.tells = Some(false);
                times.error = None;
            }
            Err(error) => times.error = Some(error.to_string().into()),
        }
    }

    /// How long its steps take.
    async fn latency(
        &self,
        book: &Book,
        now: Timestamp,
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> (LatencySource, Vec<LatencyRow>) {
        let mut times = self.times.lock().await;
        self.ask_times(&mut times, now).await;
        let places = times.places(&self.held().rows, self.clock_offset(), now, wanted);
        let first = first_slot(now);
        let blind: Vec<bool> = (first..=slot_of(now)).map(|slot| times.is_blind(slot)).collect();
        let mut rows = Vec::new();
        for (place, series) in places {
            let promise = book.thresholds.promise(&self.name, &place.flow, &place.step);
            for (measure, series) in Measure::ALL.into_iter().zip(series).filter(|(_, series)| !series.is_empty()) {
                let promise = measure.promised(promise);
                let cells =
                    (first..).zip(&blind).map(|(slot, blind)| LatencyCell::of(series.at(slot), promise, *blind));
                rows.push(LatencyRow {
                    source: self.name.clone(),
                    flow: place.flow.clone(),
                    step: place.step.clone(),
                    measure,
                    promise,
                    cells: cells.collect(),
                });
            }
        }
        let source = LatencySource {
            name: self.name.clone(),
            tells: times.tells,
            known_from: times.known_from,
            error: times.error.clone(),
            left_out: times.left_out,
        };
        (source, rows)
    }
}

/// The worst that a row was lately.
fn worst(row: &LatencyRow) -> Heat {
    let lately = row.cells.iter().rev().take(LATELY);
    lately.map(|cell| cell.heat).max().unwrap_or(Heat::NoData)
}

impl Hub {
    /// How long steps take, of the sources that tell of flows.
    pub(super) async fn latencies(&self, query: &LatencyQuery) -> Latency {
        let now = (self.clock)();
        let glob = query.flow.as_ref().map(|flow| WildMatch::new(flow));
        let wanted = |flow: &str| glob.as_ref().is_none_or(|glob| glob.matches(flow));
        let engines = self.sources.iter().filter(|source| source.connector.tells().flows);
        let told = join_all(engines.map(|source| source.latency(&self.book, now, &wanted))).await;
        let (sources, rows): (Vec<_>, Vec<_>) = told.into_iter().unzip();
        let mut rows: Vec<LatencyRow> = rows.into_iter().flatten().collect();
        let mut of_flow: BTreeMap<(SafeText, SafeText), Heat> = BTreeMap::new();
        for row in &rows {
            let heat = of_flow.entry((row.source.clone(), row.flow.clone())).or_insert(Heat::NoData);
            *heat = (*heat).max(worst(row));
        }
        // The worst flows come first, each with all its steps beneath one another.
        rows.sort_by_cached_key(|row| {
            let of = (row.source.clone(), row.flow.clone());
            let heat = of_flow.get(&of).copied().unwrap_or(Heat::NoData);
            (std::cmp::Reverse(heat), of.1, of.0, row.step.clone(), row.measure)
        });
        let slots = (first_slot(now)..=slot_of(now)).map(slot_begins).collect();
        Latency { at: now, slot: SLOT, slots, sources, rows }
    }
}

#[cfg(test)]
mod tests;
