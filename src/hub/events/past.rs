//! What sources tell of the time before they were watched. Each tells it in one go, and so does one after the other: told
//! as it comes, the stream would be one source's whole past behind another's.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{Line, Ring};
use crate::domain::event::Event;

impl Ring {
    /// Takes in what a source tells with its first pass. As long as nothing but such has come, all of it is put in the
    /// order of time; behind what happened since it stays in the order in which it came, so that nothing moves under who
    /// reads. How old it is says nothing of how far the source is behind.
    pub(in crate::hub) fn take_past(&mut self, events: &[Event], now: Timestamp) -> bool {
        let new = self.take_all(events, now, false);
        if new && !self.watched {
            self.put_in_order();
        }
        new
    }

    fn put_in_order(&mut self) {
        if self.lines.iter().is_sorted_by_key(|line| line.last_at) {
            return;
        }
        let mut lines: Vec<(u64, Line)> = (self.first..).zip(self.lines.drain(..)).collect();
        lines.sort_by_key(|(number, line)| (line.last_at, *number));
        let mut places = vec![0; lines.len()];
        for (place, (number, _)) in (self.first..).zip(&lines) {
            if let Some(known) = usize::try_from(number - self.first).ok().and_then(|at| places.get_mut(at)) {
                *known = place;
            }
        }
        let first = self.first;
        let moved = |number: u64| {
            let at = usize::try_from(number - first).ok();
            at.and_then(|at| places.get(at)).copied().unwrap_or(number)
        };
        self.open.values_mut().for_each(|number| *number = moved(*number));
        let sets = self.by_tenant.values_mut().chain([&mut self.changes, &mut self.at_large]);
        for set in sets {
            *set = set.iter().map(|(at, number)| (*at, moved(*number))).collect();
        }
        self.lines = lines.into_iter().map(|(_, line)| line).collect::<VecDeque<_>>();
        self.kept.clear();
    }
}
