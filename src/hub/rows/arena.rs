//! Bytes of many rows in one piece of memory, one entry a row.
//!
//! A text of its own would cost each row an allocation and a pointer, and a search would jump from one to the next.
//! Here a search for a substring is one run over memory. Entries stand in the order in which they were written; what
//! was given up stays as a gap until gaps are a part of everything that counts, and is then closed without a second copy.

use std::num::NonZeroUsize;
use std::ops::Range;

use regex::bytes::Regex;

/// Bytes before each entry's payload: its slot, and how long the payload is.
const HEAD: usize = 6;

/// The slot of an entry that was given up.
const GIVEN_UP: u32 = u32::MAX;

/// One sign post stands for so many bytes: from a place in the middle it leads to the entry that it is in.
const STRIDE: usize = 4_096;

/// Gaps may be one part in so many of all bytes: more of them would be memory that grows with time, and to close fewer
/// would be work without end.
const GAPS: usize = 64;

/// Below so many bytes of gaps nothing is moved.
const LEAST: usize = 64 * 1_024;

/// A search is shared out in parts no smaller than this. Smaller ones in tests, so that these see several.
const PART: usize = if cfg!(test) { 1_024 } else { 1 << 20 };

/// Entries of bytes, each of a slot.
#[derive(Debug, Default)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    /// For each stride the first entry that begins in it or after it.
    posts: Vec<u32>,
    gaps: usize,
}

/// Where an entry begins.
pub(super) type Place = u32;

impl Arena {
    /// Writes an entry. `None` where the payload or the arena is too large: 64 KiB and 4 GiB.
    pub(super) fn push(&mut self, slot: u32, payload: &[u8]) -> Option<Place> {
        let len = u16::try_from(payload.len()).ok()?;
        let place = u32::try_from(self.bytes.len()).ok()?;
        self.post(place);
        self.bytes.extend_from_slice(&slot.to_le_bytes());
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(payload);
        Some(place)
    }

    /// Puts up the posts for the strides that begin at or before an entry and have none yet.
    fn post(&mut self, place: Place) {
        while self.posts.len() * STRIDE <= place as usize {
            self.posts.push(place);
        }
    }

    /// The payload of an entry.
    pub(super) fn get(&self, place: Place) -> &[u8] {
        self.entry(place as usize).map_or(&[], |(_, payload)| payload)
    }

    /// The slot and the payload of the entry that begins at `at`.
    fn entry(&self, at: usize) -> Option<(u32, &[u8])> {
        let head = self.bytes.get(at..at + HEAD)?;
        let (slot, len) = head.split_first_chunk::<4>()?;
        let len = u16::from_le_bytes(len.try_into().ok()?) as usize;
        Some((u32::from_le_bytes(*slot), self.bytes.get(at + HEAD..at + HEAD + len)?))
    }

    /// Gives an entry up.
    pub(super) fn free(&mut self, place: Place) {
        let at = place as usize;
        let Some((_, payload)) = self.entry(at) else { return };
        self.gaps += HEAD + payload.len();
        if let Some(slot) = self.bytes.get_mut(at..at + 4) {
            slot.copy_from_slice(&GIVEN_UP.to_le_bytes());
        }
    }

    /// Writes over an entry where the new payload is as long as the old one.
    pub(super) fn overwrite(&mut self, place: Place, payload: &[u8]) -> bool {
        let at = place as usize;
        if self.entry(at).is_none_or(|(_, old)| old.len() != payload.len()) {
            return false;
        }
        match self.bytes.get_mut(at + HEAD..at + HEAD + payload.len()) {
            Some(old) => old.copy_from_slice(payload),
            None => return false,
        }
        true
    }

    /// Closes the gaps where they have become many. `moved` is told the new place of each slot's entry.
    pub(super) fn compact(&mut self, mut moved: impl FnMut(u32, Place)) {
        if self.gaps < LEAST || self.gaps * GAPS < self.bytes.len() {
            return;
        }
        self.posts.clear();
        let (mut from, mut to) = (0, 0);
        while let Some((slot, payload)) = self.entry(from) {
            let whole = HEAD + payload.len();
            if slot != GIVEN_UP {
                self.bytes.copy_within(from..from + whole, to);
                // No entry moves towards the end, so that a place that fitted before fits now.
                let place = u32::try_from(to).unwrap_or(u32::MAX);
                self.post(place);
                moved(slot, place);
                to += whole;
            }
            from += whole;
        }
        self.bytes.truncate(to);
        self.gaps = 0;
        // What a burst needed once is given back.
        if self.bytes.capacity() > self.bytes.len() * 2 {
            self.bytes.shrink_to(self.bytes.len() + self.bytes.len() / 8);
        }
    }

    /// The slots whose payload matches, each once, in the order of their entries.
    ///
    /// The head of an entry may match by chance, and so may a text that reaches into the next one: `holds` decides on
    /// the payload.
    pub(super) fn search(&self, needle: &Regex, holds: impl Fn(u32, &[u8]) -> bool + Sync, found: impl FnMut(u32)) {
        let parts = self.parts();
        let [part] = parts.as_slice() else {
            // What is read is far more than what is found: each processor takes a part.
            let slots = std::thread::scope(|scope| {
                let search = |part: Range<usize>| scope.spawn(|| self.search_part(part, needle, &holds));
                let searches: Vec<_> = parts.into_iter().map(search).collect();
                searches.into_iter().flat_map(|search| search.join().unwrap_or_default()).collect::<Vec<u32>>()
            });
            return slots.into_iter().for_each(found);
        };
        self.search_part(part.clone(), needle, &holds).into_iter().for_each(found);
    }

    /// Ranges of whole entries that are everything together: as many as there are processors, where that is worth it.
    fn parts(&self) -> Vec<Range<usize>> {
        let most =
            std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(self.bytes.len() / PART).max(1);
        let ends = (1..most).filter_map(|part| self.posts.get(self.posts.len() * part / most));
        let ends = ends.map(|post| *post as usize).chain([self.bytes.len()]);
        ends.scan(0, |begin, end| Some(std::mem::replace(begin, end)..end)).collect()
    }

    /// The slots in a part whose payload matches.
    fn search_part(&self, part: Range<usize>, needle: &Regex, holds: &impl Fn(u32, &[u8]) -> bool) -> Vec<u32> {
        let Some(bytes) = self.bytes.get(..part.end) else { return Vec::new() };
        let (mut from, mut found) = (part.start, Vec::new());
        while let Some(at) = needle.find_at(bytes, from) {
            let Some((begin, slot, payload)) = self.entry_around(at.start(), from) else { break };
            if slot != GIVEN_UP && holds(slot, payload) {
                found.push(slot);
            }
            from = begin + HEAD + payload.len();
            if from >= part.end {
                break;
            }
        }
        found
    }

    /// Each entry in turn.
    pub(super) fn each(&self, mut of: impl FnMut(u32, &[u8])) {
        let mut at = 0;
        while let Some((slot, payload)) = self.entry(at) {
            if slot != GIVEN_UP {
                of(slot, payload);
            }
            at += HEAD + payload.len();
        }
    }

    /// The entry that a byte belongs to; another entry begins at `from`, which is not behind it.
    fn entry_around(&self, byte: usize, from: usize) -> Option<(usize, u32, &[u8])> {
        // The post of this stride may stand behind the byte: its entry then begins in an earlier one.
        let mut stride = byte / STRIDE;
        let mut at = loop {
            match self.posts.get(stride) {
                Some(post) if *post as usize <= byte => break from.max(*post as usize),
                _ => stride = stride.checked_sub(1)?,
            }
        };
        loop {
            let (slot, payload) = self.entry(at)?;
            let end = at + HEAD + payload.len();
            if byte < end {
                return Some((at, slot, payload));
            }
            at = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use regex::bytes::RegexBuilder;

    use super::*;

    proptest! {
        /// Whatever is written, given up and moved: each slot reads what was last written for it, and a search finds
        /// exactly those that hold the needle.
        #[test]
        fn an_arena_is_a_map_from_slot_to_bytes(
            steps in vec((0_u32..200, "[abAB]{0,6}", 0_usize..12), 0..600),
            needle in "[ab]{1,3}",
        ) {
            let mut arena = Arena::default();
            let mut places = vec![None::<(Place, String)>; 200];
            for (slot, text, weight) in steps {
                // Long entries, so that there are gaps worth closing and several strides.
                let text = text + &"x".repeat(weight * 97);
                let known = &mut places[slot as usize];
                if weight == 0 {
                    if let Some((place, _)) = known.take() {
                        arena.free(place);
                    }
                } else {
                    match known {
                        Some((place, old)) if arena.overwrite(*place, text.as_bytes()) => *old = text,
                        _ => {
                            if let Some((place, _)) = known.take() {
                                arena.free(place);
                            }
                            *known = arena.push(slot, text.as_bytes()).map(|place| (place, text));
                        }
                    }
                }
                arena.compact(|slot, place| {
                    if let Some((known, _)) = &mut places[slot as usize] {
                        *known = place;
                    }
                });
            }
            let mut expected = Vec::new();
            for (slot, known) in (0_u32..).zip(&places) {
                let Some((place, text)) = known else { continue };
                prop_assert_eq!(arena.get(*place), text.as_bytes());
                if text.to_lowercase().contains(&needle) {
                    expected.push(slot);
                }
            }
            let finder = RegexBuilder::new(&needle).case_insensitive(true).unicode(false).build().unwrap();
            let mut found = Vec::new();
            arena.search(&finder, |_, payload| finder.is_match(payload), |slot| found.push(slot));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
