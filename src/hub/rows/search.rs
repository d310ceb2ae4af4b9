//! Which rows a filter matches, column by column.
//!
//! What rows share is looked at once and not once a row: a condition on the flow asks each flow, one on the error each
//! error, and the rows are then a look into a table. Ids and keys are searched as one text. It must say of each row what
//! [`Filter::matches`] says of the instance read back whole; a test holds it to that.

use jiff::Timestamp;
use regex::bytes::{Regex, RegexBuilder};

use super::bytes::{Said, State};
use super::symbols::{NONE, Symbol};
use super::text::read_text;
use super::{NEVER, Rows, Slot, WIDE};
use crate::domain::cohort::cohort_id;
use crate::domain::flow::Status;
use crate::domain::verdict::Verdict;
use crate::query::Filter;
use crate::query::ast::{Field, Pattern, Test};
use crate::query::eval::{contains, within, words_for};

/// A set of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::hub) struct Bits(Vec<u64>);

impl Bits {
    fn none(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)])
    }

    /// Those for which `holds`, of a column.
    fn of<T: Copy>(column: &[T], holds: impl Fn(T) -> bool) -> Self {
        let word = |chunk: &[T]| chunk.iter().rev().fold(0, |word, value| word << 1 | u64::from(holds(*value)));
        Self(column.chunks(64).map(word).collect())
    }

    /// Adds a row.
    pub(in crate::hub) fn insert(&mut self, slot: Slot) {
        let at = slot as usize / 64;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (slot % 64);
    }

    /// Takes a row out.
    pub(in crate::hub) fn remove(&mut self, slot: Slot) {
        if let Some(word) = self.0.get_mut(slot as usize / 64) {
            *word &= !(1 << (slot % 64));
        }
    }

    /// Whether a row is among them.
    pub(in crate::hub) fn contains(&self, slot: Slot) -> bool {
        self.0.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    fn and_not(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
    }

    fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// How many.
    pub(in crate::hub) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Tells each of them: where they are many, this is quicker than [`Bits::iter`].
    pub(in crate::hub) fn each(&self, mut of: impl FnMut(Slot)) {
        for (base, word) in (0..).step_by(64).zip(&self.0) {
            let mut left = *word;
            while left != 0 {
                of(base + left.trailing_zeros());
                left &= left - 1;
            }
        }
    }

    /// Each of them.
    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        (0..).step_by(64).zip(&self.0).flat_map(|(base, word)| {
            std::iter::successors(Some(*word), |word| Some(word & word.wrapping_sub(1)))
                .take_while(|word| *word != 0)
                .map(move |word: u64| base + word.trailing_zeros())
        })
    }
}

impl FromIterator<Slot> for Bits {
    fn from_iter<T: IntoIterator<Item = Slot>>(slots: T) -> Self {
        let mut bits = Self::default();
        slots.into_iter().for_each(|slot| bits.insert(slot));
        bits
    }
}

impl Rows {
    /// The rows that a filter matches. `now` is the present by the source's clock.
    pub(in crate::hub) fn matching(&self, filter: &Filter, now: Timestamp, live: bool) -> Bits {
        let mut bits = Bits::of(&self.place, |place| place != NONE);
        for term in filter.terms() {
            let holds = self.test(&term.test, now, live);
            if term.negated {
                bits.and_not(&holds);
            } else {
                bits.and(&holds);
            }
        }
        bits
    }

    fn test(&self, test: &Test, now: Timestamp, live: bool) -> Bits {
        match test {
            Test::State(states) => {
                let table: [bool; 256] = table(|byte| {
                    let state = State(byte);
                    states.iter().any(|wanted| wanted.is(state.status(), state.pause()))
                });
                of_table(&self.state, &table, |state| state.0.into())
            }
            Test::Verdict(verdicts) => {
                let table = table(|byte| verdicts.contains(&Said(byte).verdict(live)));
                of_table(&self.said, &table, |said| said.0.into())
            }
            Test::Rule(rules) => {
                let table = table(|byte| Said(byte).stuck_rule(live).is_some_and(|rule| rules.contains(&rule)));
                of_table(&self.said, &table, |said| said.0.into())
            }
            Test::Age(bounds) => Bits::of(&self.created, |created| within(bounds, time(created), now)),
            Test::For(bounds) => {
                self.both(&self.began, &self.state, |began, state| state.told() && within(bounds, time(began), now))
            }
            Test::Attempts(bounds) => {
                let holds = |n: u32| bounds.iter().any(|bound| bound.holds(&n));
                let mut bits = Bits::of(&self.attempts, |n| n < WIDE && holds(n.into()));
                for (slot, n) in (0..).zip(&self.attempts) {
                    if *n == WIDE && self.place[slot as usize] != NONE && self.flow(slot).attempts.is_some_and(holds) {
                        bits.insert(slot);
                    }
                }
                bits
            }
            Test::Text(field, patterns) => self.text_test(*field, patterns),
            Test::Word(word) => self.word(word, live),
        }
    }

    fn text_test(&self, field: Field, patterns: &[Pattern]) -> Bits {
        let any = |text: &str| patterns.iter().any(|pattern| pattern.is(text));
        match field {
            Field::Flow => self.by_place(|place| any(&place.flow)),
            Field::Step => self.by_place(|place| any(&place.step)),
            Field::Tenant => symbols(&self.tenant, self.tenants.iter(), self.tenants.end(), |tenant| any(tenant)),
            Field::Error => symbols(&self.error, self.errors.iter(), self.errors.end(), |error| {
                patterns.iter().any(|pattern| pattern.in_error(&error.text))
            }),
            Field::Cohort => symbols(&self.cohort, self.cohorts.iter(), self.cohorts.end(), |cause| {
                let Some(place) = self.places.get(cause.place) else { return false };
                any(&cohort_id(&self.source, &place.flow, &place.step, &cause.fingerprint))
            }),
            Field::Source if any(&self.source) => Bits::of(&self.place, |place| place != NONE),
            Field::Source => Bits::none(self.place.len()),
            Field::Key => self.texts_where(|_, key| key.is_some_and(any)),
            Field::Id => {
                let whole = |id: &str| format!("{}/{id}", self.source);
                // What names one instance as it is written is looked up.
                let exact = |pattern: &Pattern| pattern.glob.is_none();
                if patterns.iter().all(exact) {
                    let mut bits = Bits::none(self.place.len());
                    for pattern in patterns {
                        self.ids_like(&pattern.folded, &mut bits);
                    }
                    return bits;
                }
                self.texts_where(|id, _| any(id) || any(&whole(id)))
            }
        }
    }

    /// Adds the rows whose id, or `source/id`, is a text, letters' case aside.
    fn ids_like(&self, folded: &str, bits: &mut Bits) {
        let prefix = format!("{}/", self.source.to_lowercase());
        let is = |id: &str, wanted: &str| id.eq_ignore_ascii_case(wanted) || id.to_lowercase() == wanted;
        let wanted = [Some(folded), folded.strip_prefix(&prefix)];
        for wanted in wanted.into_iter().flatten() {
            self.search_texts(wanted, |id, _| is(id, wanted), bits);
        }
    }

    /// Rows by their flow and step.
    fn by_place(&self, holds: impl Fn(&super::Where) -> bool) -> Bits {
        symbols(&self.place, self.places.iter(), self.places.end(), holds)
    }

    /// Rows by two columns.
    fn both<A: Copy, B: Copy>(&self, a: &[A], b: &[B], holds: impl Fn(A, B) -> bool) -> Bits {
        let mut bits = Bits::none(self.place.len());
        for (slot, (a, b)) in (0..).zip(a.iter().zip(b)) {
            if holds(*a, *b) {
                bits.insert(slot);
            }
        }
        bits
    }

    /// Rows whose id and key, read one by one, are such.
    fn texts_where(&self, holds: impl Fn(&str, Option<&str>) -> bool) -> Bits {
        let mut bits = Bits::none(self.place.len());
        self.texts.each(|slot, text| {
            let (id, key) = read_text(text);
            if holds(id, self.key(slot, key)) {
                bits.insert(slot);
            }
        });
        bits
    }

    /// Adds the rows whose id and key are such, among those that hold a needle in lower case. A key that is the tenant
    /// is not among what is searched.
    fn search_texts(&self, folded: &str, holds: impl Fn(&str, Option<&str>) -> bool + Sync, bits: &mut Bits) {
        let read = |slot: Slot, text: &[u8]| {
            let (id, key) = read_text(text);
            holds(id, self.key(slot, key))
        };
        match needle(folded) {
            Some(needle) => self.texts.search(&needle, read, |slot| bits.insert(slot)),
            // Letters beyond ASCII have more forms than bytes can tell.
            None => bits.or(&self.texts_where(&holds)),
        }
        for slot in &self.odd {
            let (id, key) = self.text(*slot);
            if holds(id, key) {
                bits.insert(*slot);
            }
        }
    }

    /// A bare word: looked for in what a list shows of a row.
    fn word(&self, word: &Pattern, live: bool) -> Bits {
        let folded = word.folded.as_str();
        let everything = || Bits::of(&self.place, |place| place != NONE);
        let has = |text: &str| contains(text, folded);
        let mut bits = self.by_place(|place| has(&place.flow) || has(&place.step));
        bits.or(&symbols(&self.tenant, self.tenants.iter(), self.tenants.end(), |tenant| has(tenant)));
        bits.or(&symbols(&self.error, self.errors.iter(), self.errors.end(), |error| has(&error.text)));
        let any = |words: [Option<&'static str>; 4]| words.into_iter().flatten().any(has);
        let ok = Verdict::Ok;
        let states = table(|byte| any(words_for(State(byte).status(), State(byte).pause(), ok, None)));
        bits.or(&of_table(&self.state, &states, |state| state.0.into()));
        let said = table(|byte| {
            let [_, verdict, rule, _] = words_for(Status::Unknown, None, Said(byte).verdict(live), Said(byte).rule());
            any([None, verdict, rule, None])
        });
        bits.or(&of_table(&self.said, &said, |said| said.0.into()));
        let source = self.source.to_lowercase();
        if format!("{source}/").contains(folded) {
            return everything();
        }
        self.search_texts(folded, |id, key| has(id) || key.is_some_and(has), &mut bits);
        // A word that reaches over the slash between the source and the id.
        if let Some((end, begin)) = folded.split_once('/')
            && source.ends_with(end)
        {
            let starts = |id: &str| id.to_lowercase().starts_with(begin);
            bits.or(&self.texts_where(|id, _| starts(id)));
        }
        bits
    }
}

/// A table of what holds for each byte.
fn table(holds: impl Fn(u8) -> bool) -> [bool; 256] {
    let mut table = [false; 256];
    for byte in 0..=u8::MAX {
        table[usize::from(byte)] = holds(byte);
    }
    table
}

/// Rows by a column of symbols: each symbol is asked once.
fn symbols<'a, T: 'a>(
    column: &[Symbol],
    values: impl Iterator<Item = (Symbol, &'a T)>,
    end: usize,
    holds: impl Fn(&T) -> bool,
) -> Bits {
    let mut table = vec![false; end];
    for (symbol, value) in values {
        if let Some(entry) = table.get_mut(symbol as usize) {
            *entry = holds(value);
        }
    }
    of_table(column, &table, |symbol| symbol as usize)
}

/// Rows by a column, with a table of which values hold. Where none does, no row is looked at.
fn of_table<T: Copy>(column: &[T], table: &[bool], place: impl Fn(T) -> usize) -> Bits {
    if !table.contains(&true) {
        return Bits::none(column.len());
    }
    Bits::of(column, |value| table.get(place(value)).copied().unwrap_or(false))
}

/// A search for a text in lower case, letters' case aside; `None` where that is no matter of single bytes.
fn needle(folded: &str) -> Option<Regex> {
    if !folded.is_ascii() || folded.is_empty() {
        return None;
    }
    RegexBuilder::new(&regex::escape(folded)).case_insensitive(true).unicode(false).build().ok()
}

fn time(nanos: i64) -> Option<Timestamp> {
    if nanos == NEVER { None } else { Timestamp::from_nanosecond(nanos.into()).ok() }
}
