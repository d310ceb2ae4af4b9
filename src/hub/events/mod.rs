//! What has happened, over all sources: the last events in a ring, found by tenant, by time and by what they tell.
//!
//! What comes twice with one origin and id is one event. The same thing told again and again under new ids, as monitors
//! do, is one line that counts, until it has been quiet for a while; then it is open again, in a line of its own.

mod packed;
mod past;
mod sequences;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use jiff::{SignedDuration, Timestamp};

use self::packed::Texts;
use self::sequences::Sequences;
use crate::domain::event::{DeadLetter, Event};
use crate::domain::text::SafeText;
use crate::domain::time::since;
use crate::hub::rows::{NONE, Symbol};
use crate::ops::{EventRow, EventWindow, EventsQuery, IngestLag};
use crate::query::EventFilter;

/// So many events are held.
pub(super) const HELD: usize = 1_000_000;

/// After so long a quiet the same thing is open again.
const QUIET: SignedDuration = SignedDuration::from_mins(10);

/// So much ahead of the local clock the time of an event may be before it is called out.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// So many letters that are no events are kept.
const DEAD: usize = 1_000;

/// Over so many events the lag of a source is told.
const LAGS: usize = 100;

/// For so many filters it is kept what they match.
const FILTERS: usize = 4;

struct Line {
    packed: Box<[u8]>,
    received_at: Timestamp,
    last_at: Timestamp,
    times: u32,
    again: u32,
    ahead: bool,
    /// Under which hash the same thing is found, where it is folded at all.
    same: Option<u64>,
}

struct Lag {
    lags: VecDeque<SignedDuration>,
    last_at: Timestamp,
}

/// What a filter matches, brought up to date with each question.
struct Kept {
    filter: EventFilter,
    numbers: VecDeque<u64>,
    /// Up to which number, that one left out.
    until: u64,
}

/// The events.
pub(super) struct Ring {
    capacity: usize,
    lines: VecDeque<Line>,
    /// The number of the first line. The numbers begin with 1.
    first: u64,
    texts: Texts,
    hasher: DefaultHashBuilder,
    /// Of the last ones, those that were folded among them, in the order in which they came: origin and id.
    ids: HashSet<u64>,
    ids_in_order: VecDeque<u64>,
    /// The last line of each same thing.
    open: HashMap<u64, u64>,
    by_tenant: HashMap<Symbol, BTreeSet<(Timestamp, u64)>>,
    changes: BTreeSet<(Timestamp, u64)>,
    /// Those of the changes that name no tenant.
    at_large: BTreeSet<(Timestamp, u64)>,
    sequences: Sequences,
    lags: BTreeMap<SafeText, Lag>,
    dead: VecDeque<DeadLetter>,
    dead_in_all: u64,
    repeated: u64,
    kept: VecDeque<Kept>,
    /// Whether anything has come that is not of the time before.
    watched: bool,
}

impl Ring {
    /// One that holds so many.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            lines: VecDeque::new(),
            first: 1,
            texts: Texts::default(),
            hasher: DefaultHashBuilder::default(),
            ids: HashSet::new(),
            ids_in_order: VecDeque::new(),
            open: HashMap::new(),
            by_tenant: HashMap::new(),
            changes: BTreeSet::new(),
            at_large: BTreeSet::new(),
            sequences: Sequences::default(),
            lags: BTreeMap::new(),
            dead: VecDeque::new(),
            dead_in_all: 0,
            repeated: 0,
            kept: VecDeque::new(),
            watched: false,
        }
    }

    fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    fn line(&self, number: u64) -> Option<&Line> {
        self.lines.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    fn line_mut(&mut self, number: u64) -> Option<&mut Line> {
        self.lines.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Takes in what came. Tells whether any of it was new.
    pub(super) fn take(&mut self, events: &[Event], now: Timestamp) -> bool {
        self.watched |= !events.is_empty();
        self.take_all(events, now, true)
    }

    fn take_all(&mut self, events: &[Event], now: Timestamp, lags: bool) -> bool {
        // What comes together is told in the order in which it happened.
        let mut in_order: Vec<&Event> = events.iter().collect();
        in_order.sort_by_key(|event| event.at);
        let mut new = false;
        for event in in_order {
            new |= self.take_one(event, now, lags);
        }
        new
    }

    fn take_one(&mut self, event: &Event, now: Timestamp, lags: bool) -> bool {
        let id = self.hasher.hash_one((&event.origin, &event.id));
        if !self.ids.insert(id) {
            self.repeated += 1;
            return false;
        }
        self.ids_in_order.push_back(id);
        if self.ids_in_order.len() > self.capacity
            && let Some(oldest) = self.ids_in_order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        if let Some(number) = event.sequence {
            self.sequences.take(&event.origin, number, now);
        }
        let ahead = event.at.duration_since(now) > AHEAD;
        if lags && !ahead {
            self.note_lag(event, now);
        }
        // What changed something is told by itself each time: one of two may be the cause.
        let folds = !event.class.is_change();
        let same = folds.then(|| {
            let what = (&event.source, &event.origin, &event.kind, &event.subject, &event.tenant);
            self.hasher.hash_one((what, event.class, &event.text, event.severity.name()))
        });
        let mut again = 0;
        if let Some(number) = same.and_then(|same| self.open.get(&same).copied())
            && let Some(line) = self.line_mut(number)
        {
            if since(line.last_at.min(event.at), line.last_at.max(event.at)) <= QUIET {
                line.times = line.times.saturating_add(1);
                line.last_at = line.last_at.max(event.at);
                return true;
            }
            again = line.again.saturating_add(1);
        }
        self.make_room();
        let number = self.end();
        if let Some(same) = same {
            self.open.insert(same, number);
        }
        let packed = packed::pack(event, &mut self.texts);
        let tenant = packed::tenant(&packed);
        if tenant != NONE {
            self.by_tenant.entry(tenant).or_default().insert((event.at, number));
        }
        if event.class.is_change() {
            self.changes.insert((event.at, number));
            if tenant == NONE {
                self.at_large.insert((event.at, number));
            }
        }
        self.lines.push_back(Line { packed, received_at: now, last_at: event.at, times: 1, again, ahead, same });
        true
    }

    fn note_lag(&mut self, event: &Event, now: Timestamp) {
        let lag = self.lags.entry(event.source.clone()).or_insert(Lag { lags: VecDeque::new(), last_at: now });
        lag.last_at = now;
        lag.lags.push_back(since(event.at, now));
        if lag.lags.len() > LAGS {
            lag.lags.pop_front();
        }
    }

    /// Lets the oldest go, where there is no room.
    fn make_room(&mut self) {
        if self.lines.len() < self.capacity {
            return;
        }
        let number = self.first;
        let Some(line) = self.lines.pop_front() else { return };
        self.first += 1;
        if let Some(same) = line.same
            && self.open.get(&same) == Some(&number)
        {
            self.open.remove(&same);
        }
        let Some(found) = packed::release(&line.packed, &mut self.texts) else { return };
        if found.class.is_change() {
            self.changes.remove(&(found.at, number));
            self.at_large.remove(&(found.at, number));
        }
        if let Some(all) = self.by_tenant.get_mut(&found.tenant) {
            all.remove(&(found.at, number));
            if all.is_empty() {
                self.by_tenant.remove(&found.tenant);
            }
        }
    }

    /// Takes in what should have been events.
    pub(super) fn dead(&mut self, letters: Vec<DeadLetter>) {
        for letter in letters {
            self.dead_in_all += 1;
            // A source that tells the same again with each pass is one letter.
            if self.dead.iter().any(|known| (&known.source, &known.body) == (&letter.source, &letter.body)) {
                continue;
            }
            self.dead.push_back(letter);
            if self.dead.len() > DEAD {
                self.dead.pop_front();
            }
        }
    }

    fn event(&self, line: &Line) -> Option<Event> {
        packed::unpack(&line.packed, &self.texts)
    }

    fn row(&self, number: u64) -> Option<EventRow> {
        let line = self.line(number)?;
        Some(EventRow {
            number,
            event: Arc::new(self.event(line)?),
            received_at: line.received_at,
            times: line.times,
            last_at: line.last_at,
            again: line.again,
            ahead: line.ahead,
        })
    }

    /// Brings what a filter matches up to date, and gives it to be read.
    fn matching(&mut self, filter: &EventFilter) -> VecDeque<u64> {
        let mut kept = match self.kept.iter().position(|kept| kept.filter == *filter) {
            Some(at) => self.kept.remove(at),
            None => None,
        }
        .unwrap_or_else(|| Kept { filter: filter.clone(), numbers: VecDeque::new(), until: self.first });
        while kept.numbers.front().is_some_and(|number| *number < self.first) {
            kept.numbers.pop_front();
        }
        for number in kept.until.max(self.first)..self.end() {
            let facts = self.line(number).and_then(|line| packed::facts(&line.packed, &self.texts));
            if facts.is_some_and(|facts| filter.matches(&facts)) {
                kept.numbers.push_back(number);
            }
        }
        kept.until = self.end();
        let numbers = std::mem::take(&mut kept.numbers);
        self.kept.push_front(kept);
        self.kept.truncate(FILTERS);
        numbers
    }

    /// A window on them; who is silent is filled in by who knows it.
    pub(super) fn window(&mut self, query: &EventsQuery, now: Timestamp) -> EventWindow {
        let until = query.until.map_or(self.end(), |until| until.saturating_add(1).clamp(self.first, self.end()));
        let (total, newer, numbers): (usize, usize, Vec<u64>) = if query.filter.is_empty() {
            let total = usize::try_from(until - self.first).unwrap_or(usize::MAX);
            let newer = usize::try_from(self.end() - until).unwrap_or(usize::MAX);
            (total, newer, (self.first..until).rev().skip(query.offset).take(query.limit).collect())
        } else {
            let numbers = self.matching(&query.filter);
            let total = numbers.partition_point(|number| *number < until);
            let newer = numbers.len() - total;
            let shown = numbers.iter().take(total).rev().skip(query.offset).take(query.limit).copied().collect();
            if let Some(kept) = self.kept.front_mut() {
                kept.numbers = numbers;
            }
            (total, newer, shown)
        };
        let lags = self.lags.iter().filter_map(|(source, lag)| {
            let mut all: Vec<_> = lag.lags.iter().copied().collect();
            all.sort_unstable();
            let (median, longest) = (*all.get(all.len() / 2)?, *all.last()?);
            Some(IngestLag { source: source.clone(), median, longest, last_at: lag.last_at })
        });
        EventWindow {
            at: now,
            rows: numbers.into_iter().filter_map(|number| self.row(number)).collect(),
            offset: query.offset,
            total,
            newer,
            held: self.lines.len(),
            newest: self.end() - 1,
            repeated: self.repeated,
            let_go: self.first - 1,
            gaps: self.sequences.gaps(),
            missing: self.sequences.missing(),
            lags: lags.collect(),
            dead: self.dead.iter().rev().cloned().collect(),
            dead_in_all: self.dead_in_all,
            blind: Vec::new(),
            sources: 0,
        }
    }

    /// Every tenant that events name.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &SafeText> {
        self.by_tenant.keys().filter_map(|symbol| self.texts.get(*symbol))
    }

    /// The events of a tenant that are before a place in the one order of time: the latest first, `limit`
    /// at most. With how many there are in all.
    pub(super) fn of_tenant(
        &self,
        tenant: &str,
        before: Option<(Timestamp, u64)>,
        limit: usize,
    ) -> (usize, Vec<EventRow>) {
        let symbol = self.texts.find(&tenant.into());
        let Some(all) = symbol.and_then(|symbol| self.by_tenant.get(&symbol)) else { return (0, Vec::new()) };
        let earlier: Box<dyn Iterator<Item = &(Timestamp, u64)>> = match before {
            Some(before) => Box::new(all.range(..before).rev()),
            None => Box::new(all.iter().rev()),
        };
        (all.len(), earlier.take(limit).filter_map(|(_, number)| self.row(*number)).collect())
    }

    /// What changed something from a moment on and up to another, the latest first, `limit` at most.
    pub(super) fn changes(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<EventRow> {
        let within = self.changes.range((from, 0)..=(to, u64::MAX)).rev();
        within.take(limit).filter_map(|(_, number)| self.row(*number)).collect()
    }

    /// When the earliest change that is held happened, and what is the same as long as no change comes or goes.
    pub(super) fn changes_known(&self) -> (Option<Timestamp>, (usize, u64)) {
        (self.changes.first().map(|(at, _)| *at), (self.changes.len(), self.first))
    }

    /// The same, of those that name no tenant.
    pub(super) fn changes_at_large(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<EventRow> {
        let within = self.at_large.range((from, 0)..=(to, u64::MAX)).rev();
        within.take(limit).filter_map(|(_, number)| self.row(*number)).collect()
    }

    /// An event by its number.
    pub(super) fn get(&self, number: u64) -> Option<EventRow> {
        self.row(number)
    }
}
