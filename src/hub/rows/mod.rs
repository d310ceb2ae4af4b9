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
mod entering;
mod facets;
mod log;
mod packed;
mod reading;
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
use self::bytes::{NO_ATTEMPTS, Said, State, WIDE};
use self::due::Due;
pub(in crate::hub) use self::facets::Facets;
use self::facets::{Part, Sign};
use self::log::Log;
pub(in crate::hub) use self::search::Bits;
pub(in crate::hub) use self::symbols::{NONE, Symbol, Symbols};
use self::text::read_text;
pub(in crate::hub) use self::verdicts::Limits;
use crate::domain::flow::FlowError;
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

    /// The cohort of a row that is stuck.
    pub(in crate::hub) fn cohort_of(&self, slot: Slot) -> Option<Symbol> {
        self.cohort.get(slot as usize).copied().filter(|cohort| *cohort != NONE)
    }

    /// Every tenant that rows name, with how many of its rows are stuck.
    pub(in crate::hub) fn tenants(&self) -> impl Iterator<Item = (&SafeText, u32)> {
        self.tenants.iter().map(|(symbol, tenant)| (tenant, self.facets.stuck_of(symbol)))
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

    /// What they are at this moment, as a number: as long as it is the same, so are they, and what the rules say.
    pub(in crate::hub) fn moment(&self) -> Moment {
        Moment { changes: self.log.end(), judged_at: self.judged_at }
    }

    /// The rows that have come, gone or changed since a moment, or of which the rules say something else; `None` where
    /// these are too many to be remembered.
    pub(in crate::hub) fn changed_since(&self, moment: Moment) -> Option<Vec<Slot>> {
        self.log.since(moment.changes)
    }

    /// Whether there is a row in a slot.
    pub(in crate::hub) fn has(&self, slot: Slot) -> bool {
        self.place.get(slot as usize).is_some_and(|place| *place != NONE)
    }

    /// Every row.
    pub(in crate::hub) fn slots(&self) -> impl Iterator<Item = Slot> {
        (0..).zip(&self.place).filter(|(_, place)| **place != NONE).map(|(slot, _)| slot)
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

    /// How many rows were written and read back so far.
    #[cfg(test)]
    pub(in crate::hub) fn work(&self) -> (u64, u64) {
        (self.work.0, self.work.1.load(std::sync::atomic::Ordering::Relaxed))
    }

    /// What some of the rows add up to.
    pub(in crate::hub) fn facets_of(&self, bits: &Bits, live: bool) -> Facets {
        let mut facets = Facets::default();
        for slot in bits.iter() {
            facets.count(Sign::Plus, &self.part(slot, live), |slot| self.id(slot));
        }
        facets
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
