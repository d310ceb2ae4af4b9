//! What the rules say of rows, kept true as rows change and as time goes on, without a look at each of them.
//!
//! A row is judged anew when it was told, when one that it depends on was (whoever holds its key, whoever started it),
//! and when the time has come at which a rule may say something else.

use jiff::{SignedDuration, Timestamp};

use super::bytes::{Said, State};
use super::due::NEVER_DUE;
use super::facets::Sign;
use super::symbols::{NONE, Symbol};
use super::{Cause, Rows, Slot, nanos};
use crate::config::ThresholdBook;
use crate::domain::cohort::fingerprint_for;
use crate::domain::flow::{FlowInstance, WaitKind};
use crate::domain::text::SafeText;
use crate::domain::verdict::{Circumstances, Judgement, Thresholds, Verdict, judge, next_change};

/// What rows are judged by.
#[derive(Debug, Clone, Copy)]
pub(in crate::hub) struct Limits<'a> {
    pub(in crate::hub) book: &'a ThresholdBook,
    /// The time from one look at the source to the next.
    pub(in crate::hub) poll: SignedDuration,
}

impl Rows {
    /// Judges a row whose other columns are there, and counts it.
    pub(super) fn say(&mut self, slot: Slot, flow: &FlowInstance, limits: Limits<'_>, now: Timestamp) {
        let at = slot as usize;
        let place = self.place[at];
        let judgement = self.judge(place, flow, limits, now);
        let next = self.thresholds.get(place as usize).and_then(Option::as_ref);
        let next = next.and_then(|limits| next_change(flow, limits, now));
        self.due.set(slot, next.map_or(NEVER_DUE, seconds));
        self.log.note(slot);
        let told = judgement.verdict != Verdict::Ok && judgement.since().is_some();
        self.state[at] = State::new(flow, told);
        self.said[at] = Said::new(&judgement);
        self.began[at] = nanos(flow.began(&judgement));
        let old = self.cohort[at];
        self.cohort[at] = match judgement.stuck_rule() {
            None => NONE,
            Some(_) => {
                let cause = Cause { place, fingerprint: fingerprint_for(flow, &judgement) };
                self.cohorts.take_like(&cause)
            }
        };
        self.cohorts.release(old);
        self.count(Sign::Plus, slot);
    }

    /// Sets whether every open instance is among the rows.
    pub(in crate::hub) fn set_whole(&mut self, whole: bool) {
        if self.whole != whole {
            self.whole = whole;
            for slot in self.depends.keys() {
                self.due.set(*slot, 0);
            }
        }
    }

    /// What the rules say of an instance in a place, with what is known of whoever holds its key.
    pub(super) fn judge(&self, place: Symbol, flow: &FlowInstance, limits: Limits<'_>, now: Timestamp) -> Judgement {
        let holder = holder_of(flow).and_then(|holder| self.find(holder)).map(|slot| {
            let holder = self.flow(slot);
            let circumstances = Circumstances { now, holder: None };
            let judgement = judge(&holder, &self.limits(self.place[slot as usize], &holder, limits), &circumstances);
            (holder.id, judgement)
        });
        let holder = holder.as_ref().map(|(id, judgement)| (id, judgement));
        judge(flow, &self.limits(place, flow, limits), &Circumstances { now, holder })
    }

    /// When the rules hold in a place.
    fn limits(&self, place: Symbol, flow: &FlowInstance, limits: Limits<'_>) -> Thresholds {
        let known = self.thresholds.get(place as usize).and_then(Option::as_ref);
        known.cloned().unwrap_or_else(|| limits.of(flow))
    }

    /// Keeps when the rules hold in a place.
    pub(super) fn know_limits(&mut self, place: Symbol, flow: &FlowInstance, limits: Limits<'_>) {
        let at = place as usize;
        if self.thresholds.len() <= at {
            self.thresholds.resize(at + 1, None);
        }
        self.thresholds[at].get_or_insert_with(|| limits.of(flow));
    }

    /// One row less in a place.
    pub(super) fn leave(&mut self, place: Symbol) {
        if self.places.release(place)
            && let Some(known) = self.thresholds.get_mut(place as usize)
        {
            *known = None;
        }
    }

    /// Keeps on whom what the rules say of a row depends.
    pub(super) fn depend(&mut self, slot: Slot, flow: &FlowInstance) {
        self.depend_on_nobody(slot);
        let orphans =
            self.thresholds[self.place[slot as usize] as usize].as_ref().is_some_and(|of| of.orphan.is_some());
        let parent = flow.signs.parent.as_ref().filter(|parent| orphans && parent.ended.is_none());
        let others: Vec<SafeText> =
            holder_of(flow).into_iter().chain(parent.map(|parent| &parent.id)).cloned().collect();
        for other in &others {
            self.dependants.entry(other.clone()).or_default().insert(slot);
        }
        if !others.is_empty() {
            self.depends.insert(slot, others);
        }
    }

    pub(super) fn depend_on_nobody(&mut self, slot: Slot) {
        if self.depends.is_empty() {
            return;
        }
        for other in self.depends.remove(&slot).unwrap_or_default() {
            if let Some(dependants) = self.dependants.get_mut(&other) {
                dependants.remove(&slot);
                if dependants.is_empty() {
                    self.dependants.remove(&other);
                }
            }
        }
    }

    /// Has those judged anew that depend on an instance.
    pub(super) fn make_due(&mut self, instance: &SafeText) {
        if self.dependants.is_empty() {
            return;
        }
        for slot in self.dependants.get(instance).into_iter().flatten() {
            self.due.set(*slot, 0);
        }
    }

    /// Judges a row anew of which nothing new was told.
    fn judge_again(&mut self, slot: Slot, limits: Limits<'_>, now: Timestamp) {
        // No rule asks who it is.
        let flow = self.nameless(slot);
        self.count(Sign::Minus, slot);
        self.say(slot, &flow, limits, now);
    }

    /// Brings what the rules say up to a moment: of those rows that time alone may have changed.
    pub(in crate::hub) fn advance(&mut self, limits: Limits<'_>, now: Timestamp) {
        self.judged_at = now;
        if self.judged_ahead.take().is_some_and(|ahead| ahead > now) {
            // The source's clock was set back, or it told of rows before it told its time.
            let now = now.as_millisecond().saturating_sub(self.observed_base);
            for (slot, observed) in (0_u32..).zip(&self.observed) {
                if i64::from(*observed) >= now && self.place[slot as usize] != NONE {
                    self.due.set(slot, 0);
                }
            }
        }
        let mut behind = Vec::new();
        for slot in self.due.take(seconds(now)) {
            self.judge_again(slot, limits, now);
            if !self.dependants.is_empty() {
                let id = SafeText::from(self.id(slot));
                behind.extend(self.dependants.get(&id).into_iter().flatten().copied());
            }
        }
        // What the rules say of whoever holds a key may be another thing now, which theirs hangs on.
        for slot in behind {
            self.judge_again(slot, limits, now);
        }
        self.settle();
    }
}

impl Limits<'_> {
    fn of(self, flow: &FlowInstance) -> Thresholds {
        self.book.resolve(&flow.id.source, &flow.flow, &flow.step, self.poll)
    }
}

/// The id of whoever holds the key that an instance waits for.
fn holder_of(flow: &FlowInstance) -> Option<&SafeText> {
    flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Lock)?.reference.as_ref()
}

/// Whole seconds since the epoch.
fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.as_second().max(0)).unwrap_or(u32::MAX - 1)
}
