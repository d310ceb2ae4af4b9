//! How rows come, change and go: each in every column, counted in or out, and noted.

use std::hash::BuildHasher as _;

use jiff::Timestamp;

use super::bytes::{Attempts, NO_ATTEMPTS, Said, State};
use super::facets::Sign;
use super::search::Bits;
use super::symbols::NONE;
use super::text::write_text;
use super::verdicts::Limits;
use super::{MOST_EXPECTED, NEVER, Rows, Slot, Where, due, id_of, nanos, packed};
use crate::domain::flow::FlowInstance;
use crate::domain::text::SafeText;

impl Rows {
    /// Makes room in the table of ids, so that it need not be made anew again and again: for as many rows as a source
    /// says that it has, though not for more than there may well be.
    pub(in crate::hub) fn expect(&mut self, rows: u64) {
        let rows = usize::try_from(rows).unwrap_or(MOST_EXPECTED).min(MOST_EXPECTED);
        let (texts, text_at, hasher) = (&self.texts, &self.text_at, &self.hasher);
        self.by_id.reserve(rows, |slot| hasher.hash_one(id_of(texts, text_at, *slot)));
    }

    /// Takes the place of other rows, from none of which anything is to be concluded.
    pub(in crate::hub) fn replace(&mut self, mut other: Self) {
        other.log.follow(&self.log);
        *self = other;
    }

    /// Puts a row in, in the place of the one that was known of the same instance. What the rules say
    /// of it holds from the next [`Rows::advance`] on. `None` where its texts are too long to be kept.
    pub(in crate::hub) fn put(&mut self, flow: &FlowInstance, limits: Limits<'_>) -> Option<Slot> {
        let hash = self.hasher.hash_one(flow.id.instance.as_str());
        let known = self.all_of(hash, &flow.id.instance).find(|slot| self.exact(*slot) == flow.exact_id);
        self.write(known, hash, flow, limits)
    }

    /// Puts a row in of which nobody can say whether it was known: its id is not as its engine has it, and another one
    /// may look the same.
    pub(in crate::hub) fn add(&mut self, flow: &FlowInstance, limits: Limits<'_>) -> Option<Slot> {
        let hash = self.hasher.hash_one(flow.id.instance.as_str());
        self.write(None, hash, flow, limits)
    }

    /// Writes a row over the one that is known, or a new one. `hash` is that of its id.
    fn write(&mut self, known: Option<Slot>, hash: u64, flow: &FlowInstance, limits: Limits<'_>) -> Option<Slot> {
        #[cfg(test)]
        {
            self.work.0 += 1;
        }
        let attempts = Attempts::of(flow);
        let (mut packed, mut text) = std::mem::take(&mut self.buffers);
        let written = packed::pack(flow, attempts.wide(), &mut packed).ok().and_then(|()| write_text(flow, &mut text));
        let slot = written.and_then(|()| self.place(known, hash, flow, &text, &packed));
        self.buffers = (packed, text);
        let slot = slot?;
        let at = slot as usize;
        let old = (self.place[at], self.tenant[at], self.error[at]);
        self.place[at] = self.places.take_as(
            &(&flow.flow, &flow.step),
            |known| known.flow == flow.flow && known.step == flow.step,
            || Where { flow: flow.flow.clone(), step: flow.step.clone() },
        );
        self.tenant[at] = flow.tenant.as_ref().map_or(NONE, |tenant| self.tenants.take_like(tenant));
        self.error[at] = flow.error.as_ref().map_or(NONE, |error| self.errors.take_like(error));
        self.leave(old.0);
        self.tenants.release(old.1);
        self.errors.release(old.2);
        self.attempts[at] = attempts.column();
        self.created[at] = nanos(flow.created_at);
        self.observed[at] = self.observed(flow.observed_at);
        self.know_limits(self.place[at], flow, limits);
        self.depend(slot, flow);
        if self.depends.contains_key(&slot) {
            // On a row that may be told only after it: it is judged once all were.
            self.state[at] = State::new(flow, false);
            self.said[at] = Said::default();
            self.cohorts.release(self.cohort[at]);
            self.cohort[at] = NONE;
            self.due.set(slot, 0);
            self.log.note(slot);
            self.count(Sign::Plus, slot);
        } else {
            // As of when it was told: what time changes from then on is seen to by the next advance.
            self.judged_ahead = self.judged_ahead.max(Some(flow.observed_at));
            self.say(slot, flow, limits, flow.observed_at);
        }
        self.make_due(&flow.id.instance);
        Some(slot)
    }

    /// Takes a row out.
    pub(in crate::hub) fn remove(&mut self, slot: Slot) {
        let at = slot as usize;
        if self.place.get(at).is_none_or(|place| *place == NONE) {
            return;
        }
        self.count(Sign::Minus, slot);
        let id = SafeText::from(self.id(slot));
        self.depend_on_nobody(slot);
        let hash = self.hasher.hash_one(id.as_str());
        if let Ok(entry) = self.by_id.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.texts.free(self.text_at[at]);
        self.packed.free(self.packed_at[at]);
        self.leave(self.place[at]);
        self.tenants.release(self.tenant[at]);
        self.errors.release(self.error[at]);
        self.cohorts.release(self.cohort[at]);
        (self.place[at], self.tenant[at], self.error[at], self.cohort[at]) = (NONE, NONE, NONE, NONE);
        self.due.set(slot, due::NEVER_DUE);
        self.log.note(slot);
        self.odd.remove(&slot);
        self.free.push(slot);
        self.make_due(&id);
    }

    /// Takes the row that was known or makes one, and keeps its texts and its packed part.
    fn place(
        &mut self,
        known: Option<Slot>,
        hash: u64,
        flow: &FlowInstance,
        text: &[u8],
        packed: &[u8],
    ) -> Option<Slot> {
        let instance = flow.id.instance.as_str();
        let slot = match known {
            Some(slot) => slot,
            None => self.free.pop().or_else(|| self.grow())?,
        };
        let at = slot as usize;
        match known {
            Some(_) => {
                self.count(Sign::Minus, slot);
                if self.texts.get(self.text_at[at]) != text {
                    self.texts.free(self.text_at[at]);
                    self.text_at[at] = self.texts.push(slot, text)?;
                }
                if !self.packed.overwrite(self.packed_at[at], packed) {
                    self.packed.free(self.packed_at[at]);
                    self.packed_at[at] = self.packed.push(slot, packed)?;
                }
            }
            None => {
                self.text_at[at] = self.texts.push(slot, text)?;
                self.packed_at[at] = self.packed.push(slot, packed)?;
                self.note_begin(instance);
                let (texts, text_at, hasher) = (&self.texts, &self.text_at, &self.hasher);
                self.by_id.insert_unique(hash, slot, |slot| hasher.hash_one(id_of(texts, text_at, *slot)));
            }
        }
        if instance.is_ascii() && flow.key.as_deref().is_none_or(str::is_ascii) {
            if !self.odd.is_empty() {
                self.odd.remove(&slot);
            }
        } else {
            self.odd.insert(slot);
        }
        Some(slot)
    }

    /// Notes how all ids begin, with one more.
    fn note_begin(&mut self, instance: &str) {
        if self.by_id.is_empty() {
            self.ids_begin = instance.as_bytes().to_vec();
        } else if !instance.as_bytes().starts_with(&self.ids_begin) {
            let same = self.ids_begin.iter().zip(instance.as_bytes()).take_while(|(a, b)| a == b).count();
            self.ids_begin.truncate(same);
        }
    }

    /// A new slot, in every column.
    fn grow(&mut self) -> Option<Slot> {
        let slot = u32::try_from(self.text_at.len()).ok().filter(|slot| *slot != NONE)?;
        self.text_at.push(0);
        self.packed_at.push(0);
        for symbols in [&mut self.place, &mut self.tenant, &mut self.error, &mut self.cohort] {
            symbols.push(NONE);
        }
        self.state.push(State::default());
        self.said.push(Said::default());
        self.attempts.push(NO_ATTEMPTS);
        self.created.push(NEVER);
        self.began.push(NEVER);
        self.observed.push(0);
        self.due.push();
        Some(slot)
    }

    /// Takes out every row that is not among these, and notes when these were told.
    pub(in crate::hub) fn keep(&mut self, seen: &Bits, at: Option<Timestamp>) {
        self.confirmed = None;
        let at = at.map(|at| self.observed(at));
        let slots: Vec<Slot> = self.slots().collect();
        for slot in slots {
            match at {
                _ if !seen.contains(slot) => self.remove(slot),
                Some(at) => self.observed[slot as usize] = at,
                None => {}
            }
        }
    }

    /// Notes that all of them were told to be as they are, at no cost a row.
    pub(in crate::hub) fn confirm(&mut self, at: Timestamp) {
        self.confirmed = Some(at.as_millisecond());
    }

    /// Milliseconds for the column of when a row was told.
    fn observed(&mut self, at: Timestamp) -> u32 {
        let at = at.as_millisecond();
        if self.len() <= 1 {
            // A day's room for sources whose clock is set back.
            self.observed_base = at.saturating_sub(86_400_000);
        }
        let distance = at.saturating_sub(self.observed_base);
        if let Ok(distance) = u32::try_from(distance) {
            return distance;
        }
        // After seven weeks the zero moves on; a row that was told before it counts as told then.
        let base = at.saturating_sub(86_400_000);
        let moved = base.saturating_sub(self.observed_base);
        for observed in &mut self.observed {
            let distance = i64::from(*observed).saturating_sub(moved);
            *observed = u32::try_from(distance.max(0)).unwrap_or(u32::MAX);
        }
        self.observed_base = base;
        u32::try_from(at.saturating_sub(base)).unwrap_or_default()
    }
}
