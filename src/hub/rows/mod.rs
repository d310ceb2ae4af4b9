//! The rows of one source: every instance that it told of, in columns.
//!
//! What filters, orders and counts look at is a column of small numbers; texts that rows share are symbols; ids and
//! keys lie in one piece of memory that can be searched as a whole; the rest is packed (see [`packed`]) and read back
//! where a row is shown. A million instances then take about as much memory as the bytes that tell them apart.
//!
//! What the rules say of a row is kept as its verdict, its primary rule and since when. The whole judgement, with its
//! evidence, is made again where it is shown: the rules are pure, and the time at which they were applied is kept.

mod arena;
mod bytes;
mod due;
mod facets;
mod log;
mod packed;
mod search;
mod sorting;
mod symbols;
mod text;
mod verdicts;

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use jiff::Timestamp;

use self::arena::{Arena, Place};
use self::bytes::{Attempts, NO_ATTEMPTS, Said, State, WIDE};
use self::due::Due;
pub(in crate::hub) use self::facets::Facets;
use self::facets::{Part, Sign};
use self::log::Log;
pub(in crate::hub) use self::search::Bits;
use self::symbols::{NONE, Symbol, Symbols};
use self::text::{KeyText, read_text, write_text};
pub(in crate::hub) use self::verdicts::Limits;
use crate::domain::flow::{FlowError, FlowInstance, JudgedFlow, Version};
use crate::domain::ids::InstanceId;
use crate::domain::signs::Signs;
use crate::domain::text::SafeText;
use crate::domain::verdict::Thresholds;

/// A row among [`Rows`]. That of a removed row is given to another.
pub(in crate::hub) type Slot = u32;

/// No time, in a column of times.
const NEVER: i64 = i64::MIN;

/// For so many rows room is made because of what a source says.
const MOST_EXPECTED: usize = 1 << 20;

/// What rows were at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::hub) struct Moment {
    /// How many changes there had been.
    changes: u64,
    /// When they were judged: what is told of a row says for how long it has been so.
    judged_at: Timestamp,
}

/// The flow and the step of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::hub) struct Where {
    pub(in crate::hub) flow: SafeText,
    pub(in crate::hub) step: SafeText,
}

/// What the members of a cohort have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::hub) struct Cause {
    pub(in crate::hub) place: Symbol,
    pub(in crate::hub) fingerprint: SafeText,
}

/// The rows of one source.
#[derive(Debug, Default)]
pub(in crate::hub) struct Rows {
    source: SafeText,
    /// Ids and keys: the length of the id in two bytes, the id, a byte that says what the key is, the key.
    texts: Arena,
    packed: Arena,
    text_at: Vec<Place>,
    packed_at: Vec<Place>,
    place: Vec<Symbol>,
    tenant: Vec<Symbol>,
    error: Vec<Symbol>,
    cohort: Vec<Symbol>,
    state: Vec<State>,
    said: Vec<Said>,
    attempts: Vec<u16>,
    created: Vec<i64>,
    began: Vec<i64>,
    /// Milliseconds after `observed_base`.
    observed: Vec<u32>,
    observed_base: i64,
    /// When all of them were told to be as they are, in milliseconds since the epoch: later than each of the above.
    confirmed: Option<i64>,
    free: Vec<Slot>,
    by_id: HashTable<Slot>,
    /// How all ids begin.
    ids_begin: Vec<u8>,
    hasher: DefaultHashBuilder,
    places: Symbols<Where>,
    tenants: Symbols<SafeText>,
    errors: Symbols<FlowError>,
    cohorts: Symbols<Cause>,
    thresholds: Vec<Option<Thresholds>>,
    /// The rows of which the rules say something that depends on an instance: those that wait for its key, and those
    /// that it started.
    dependants: HashMap<SafeText, HashSet<Slot>>,
    /// The instances that it depends on, by row.
    depends: HashMap<Slot, Vec<SafeText>>,
    /// Whether every open instance is among the rows, so that one that is not has ended.
    whole: bool,
    /// Rows whose id or key is not ASCII, of which letters' case is no matter of single bytes.
    odd: HashSet<Slot>,
    /// From when on the rules may say something else of a row.
    due: Due,
    log: Log,
    facets: Facets,
    judged_at: Timestamp,
    /// The latest moment as of which a row was judged since then, where one was.
    judged_ahead: Option<Timestamp>,
    /// Rows that were written, and that were read back.
    #[cfg(test)]
    work: (u64, std::sync::atomic::AtomicU64),
    /// For the packed part of a row and for its text, while it is written.
    buffers: (Vec<u8>, Vec<u8>),
}

impl Rows {
    /// None yet, of a source.
    pub(in crate::hub) fn new(source: SafeText) -> Self {
        Self { source, ..Self::default() }
    }

    /// Makes room in the table of ids, so that it need not be made anew again and again: for as many rows as a source
    /// says that it has, though not for more than there may well be.
    pub(in crate::hub) fn expect(&mut self, rows: u64) {
        let rows = usize::try_from(rows).unwrap_or(MOST_EXPECTED).min(MOST_EXPECTED);
        let (texts, text_at, hasher) = (&self.texts, &self.text_at, &self.hasher);
        self.by_id.reserve(rows, |slot| hasher.hash_one(id_of(texts, text_at, *slot)));
    }

    /// How many there are.
    pub(in crate::hub) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub(in crate::hub) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the source.
    pub(in crate::hub) const fn source(&self) -> &SafeText {
        &self.source
    }

    /// What all rows add up to.
    pub(in crate::hub) const fn facets(&self) -> &Facets {
        &self.facets
    }

    /// A flow and step.
    pub(in crate::hub) fn place_of(&self, place: Symbol) -> Option<&Where> {
        self.places.get(place)
    }

    /// What the members of a cohort have in common, and where they are.
    pub(in crate::hub) fn cause(&self, cohort: Symbol) -> Option<(&Cause, &Where)> {
        let cause = self.cohorts.get(cohort)?;
        Some((cause, self.places.get(cause.place)?))
    }

    /// The name of a tenant.
    pub(in crate::hub) fn tenant(&self, tenant: Symbol) -> Option<&SafeText> {
        self.tenants.get(tenant)
    }

    /// The row of an instance; of several that look the same any.
    pub(in crate::hub) fn find(&self, instance: &str) -> Option<Slot> {
        self.all(instance).next()
    }

    /// The rows of every instance that is shown with this id: more than one only where scrubbing made them alike.
    pub(in crate::hub) fn all<'a>(&'a self, instance: &'a str) -> impl Iterator<Item = Slot> + 'a {
        self.all_of(self.hasher.hash_one(instance), instance)
    }

    /// The same, where the hash of the id is known.
    fn all_of<'a>(&'a self, hash: u64, instance: &'a str) -> impl Iterator<Item = Slot> + 'a {
        self.by_id.iter_hash(hash).copied().filter(move |slot| self.id(*slot) == instance)
    }

    /// Whether the id of a row is as its engine has it.
    pub(in crate::hub) fn exact(&self, slot: Slot) -> bool {
        self.state[slot as usize].exact()
    }

    /// The engine's own id of a row.
    pub(in crate::hub) fn id(&self, slot: Slot) -> &str {
        id_of(&self.texts, &self.text_at, slot)
    }

    /// The id and the key of a row.
    fn text(&self, slot: Slot) -> (&str, Option<&str>) {
        let (id, key) =
            self.text_at.get(slot as usize).map_or(("", KeyText::None), |at| read_text(self.texts.get(*at)));
        (id, self.key(slot, key))
    }

    /// The key of a row whose text was read.
    fn key<'a>(&'a self, slot: Slot, key: KeyText<'a>) -> Option<&'a str> {
        match key {
            KeyText::None => None,
            KeyText::Own(key) => Some(key),
            KeyText::Tenant => self.tenants.get(self.tenant[slot as usize]).map(SafeText::as_str),
        }
    }

    /// What they are at this moment, as a number: as long as it is the same, so are they, and what the rules say.
    pub(in crate::hub) fn moment(&self) -> Moment {
        Moment { changes: self.log.end(), judged_at: self.judged_at }
    }

    /// The rows that have come, gone or changed since a moment, or of which the rules say something else; `None` where
    /// these are too many to be remembered.
    pub(in crate::hub) fn changed_since(&self, moment: Moment) -> Option<Vec<Slot>> {
        self.log.since(moment.changes)
    }

    /// Takes the place of other rows, from none of which anything is to be concluded.
    pub(in crate::hub) fn replace(&mut self, mut other: Self) {
        other.log.follow(&self.log);
        *self = other;
    }

    /// Whether there is a row in a slot.
    pub(in crate::hub) fn has(&self, slot: Slot) -> bool {
        self.place.get(slot as usize).is_some_and(|place| *place != NONE)
    }

    /// Every row.
    pub(in crate::hub) fn slots(&self) -> impl Iterator<Item = Slot> {
        (0..).zip(&self.place).filter(|(_, place)| **place != NONE).map(|(slot, _)| slot)
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

    /// Counts a row in or out.
    fn count(&mut self, sign: Sign, slot: Slot) {
        let part = self.part(slot, true);
        let (texts, text_at) = (&self.texts, &self.text_at);
        self.facets.count(sign, &part, |slot| id_of(texts, text_at, slot));
    }

    /// A row as far as it counts.
    fn part(&self, slot: Slot, live: bool) -> Part {
        let at = slot as usize;
        let said = self.said[at];
        Part {
            slot,
            place: self.place[at],
            cohort: self.cohort[at],
            tenant: self.tenant[at],
            state: self.state[at],
            verdict: said.verdict(live),
            stuck: said.stuck_rule(live),
            since: if self.state[at].told() { self.began[at] } else { NEVER },
        }
    }

    /// Ends a row of changes: finds the oldest row of each cohort that lost its own, and closes gaps.
    pub(in crate::hub) fn settle(&mut self) {
        let unsettled = self.facets.unsettled();
        if !unsettled.is_empty() {
            let (texts, text_at) = (&self.texts, &self.text_at);
            for (slot, cohort) in (0..).zip(&self.cohort).filter(|(_, cohort)| unsettled.binary_search(cohort).is_ok())
            {
                let at = slot as usize;
                let since = if self.state[at].told() { self.began[at] } else { NEVER };
                self.facets.propose(*cohort, since, slot, |slot| id_of(texts, text_at, slot));
            }
        }
        let text_at = &mut self.text_at;
        self.texts.compact(|slot, place| text_at[slot as usize] = place);
        let packed_at = &mut self.packed_at;
        self.packed.compact(|slot, place| packed_at[slot as usize] = place);
    }

    /// The instance of a row, and of the one that started it whether it has ended.
    pub(in crate::hub) fn flow(&self, slot: Slot) -> FlowInstance {
        self.with_parent(self.told(slot))
    }

    /// The same without its id and its key, which are read from elsewhere.
    fn nameless(&self, slot: Slot) -> FlowInstance {
        self.with_parent(self.read(slot, SafeText::default(), None))
    }

    fn with_parent(&self, mut flow: FlowInstance) -> FlowInstance {
        if let Some(parent) = flow.signs.parent.as_mut().filter(|parent| self.whole && parent.ended.is_none()) {
            let known = self.find(&parent.id).map(|slot| self.told(slot));
            // A complete pass has seen each open one: a parent that is not among them has ended, and its engine
            // forgot it.
            parent.ended = Some(known.as_ref().is_none_or(|flow| flow.status.ended()));
            parent.ended_at = known.filter(|flow| flow.status.ended()).and_then(|flow| flow.last_transition_at);
        }
        flow
    }

    /// The instance of a row, as its source told it.
    fn told(&self, slot: Slot) -> FlowInstance {
        #[cfg(test)]
        self.work.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (id, key) = self.text(slot);
        self.read(slot, id.into(), key.map(SafeText::from))
    }

    /// The instance of a row, but for its texts.
    fn read(&self, slot: Slot, id: SafeText, key: Option<SafeText>) -> FlowInstance {
        let at = slot as usize;
        let state = self.state[at];
        let place = self.places.get(self.place[at]);
        let observed = self.observed_base.saturating_add(i64::from(self.observed[at]));
        let observed = self.confirmed.map_or(observed, |confirmed| confirmed.max(observed));
        let mut flow = FlowInstance {
            id: InstanceId { source: self.source.clone(), instance: id },
            exact_id: state.exact(),
            flow: place.map(|place| place.flow.clone()).unwrap_or_default(),
            step: place.map(|place| place.step.clone()).unwrap_or_default(),
            tenant: self.tenants.get(self.tenant[at]).cloned(),
            key,
            status: state.status(),
            pause: state.pause(),
            attempts: Some(self.attempts[at]).filter(|n| *n < WIDE).map(u32::from),
            created_at: self.created_nanos(slot).and_then(|nanos| Timestamp::from_nanosecond(nanos.into()).ok()),
            entered_step_at: None,
            last_transition_at: None,
            first_failure_at: None,
            last_start_at: None,
            next_retry_at: None,
            error: self.errors.get(self.error[at]).cloned(),
            wait: None,
            signs: Signs::default(),
            completed_commands: 0,
            version: Version::told(""),
            observed_at: Timestamp::from_millisecond(observed).unwrap_or_default(),
        };
        packed::unpack(self.packed.get(self.packed_at[at]), &mut flow);
        flow
    }

    /// A row with the whole of what the rules say of it, as of the moment up to which all were judged.
    pub(in crate::hub) fn judged(&self, slot: Slot, limits: Limits<'_>, live: bool) -> JudgedFlow {
        let flow = self.flow(slot);
        let judgement = self.judge(self.place[slot as usize], &flow, limits, self.judged_at);
        JudgedFlow { judgement: if live { judgement } else { judgement.outdated() }, flow }
    }

    /// Whether a row is told anew as it was, but for the time. `buffer` is for whatever has to be written for it.
    pub(in crate::hub) fn same(&self, slot: Slot, flow: &FlowInstance, buffer: &mut Vec<u8>) -> bool {
        let at = slot as usize;
        let (state, attempts) = (self.state[at], Attempts::of(flow));
        let place = self.places.get(self.place[at]);
        state.says(flow)
            && self.attempts[at] == attempts.column()
            && self.created[at] == nanos(flow.created_at)
            && place.is_some_and(|place| place.step == flow.step && place.flow == flow.flow)
            && self.tenants.get(self.tenant[at]) == flow.tenant.as_ref()
            && self.errors.get(self.error[at]) == flow.error.as_ref()
            && self.text(slot) == (&flow.id.instance, flow.key.as_deref())
            && packed::pack(flow, attempts.wide(), buffer).is_ok()
            && self.packed.get(self.packed_at[at]) == buffer.as_slice()
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

    /// How many rows were written and read back so far.
    #[cfg(test)]
    pub(in crate::hub) fn work(&self) -> (u64, u64) {
        (self.work.0, self.work.1.load(std::sync::atomic::Ordering::Relaxed))
    }

    /// Notes that all of them were told to be as they are, at no cost a row.
    pub(in crate::hub) fn confirm(&mut self, at: Timestamp) {
        self.confirmed = Some(at.as_millisecond());
    }

    /// What some of the rows add up to.
    pub(in crate::hub) fn facets_of(&self, bits: &Bits, live: bool) -> Facets {
        let mut facets = Facets::default();
        for slot in bits.iter() {
            facets.count(Sign::Plus, &self.part(slot, live), |slot| self.id(slot));
        }
        facets
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

fn id_of<'a>(texts: &'a Arena, text_at: &[Place], slot: Slot) -> &'a str {
    text_at.get(slot as usize).map_or("", |at| read_text(texts.get(*at)).0)
}

/// Nanoseconds since the epoch: for comparing alone, as those before 1677 and after 2262 are cut.
fn nanos(time: Option<Timestamp>) -> i64 {
    let Some(time) = time else { return NEVER };
    let whole = time.as_second().checked_mul(1_000_000_000);
    let nanos = whole.and_then(|nanos| nanos.checked_add(time.subsec_nanosecond().into()));
    nanos.unwrap_or(if time.as_second() < 0 { NEVER } else { i64::MAX }).max(NEVER + 1)
}
