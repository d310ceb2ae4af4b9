//! A row read back from its columns: whole, as it was told, with what the rules say of it.

use std::collections::HashSet;

use jiff::Timestamp;

use super::bytes::{Attempts, WIDE};
use super::symbols::{NONE, Symbol};
use super::text::{KeyText, read_text};
use super::verdicts::Limits;
use super::{Rows, Slot, nanos, packed};
use crate::domain::flow::{FlowInstance, JudgedFlow, Version, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::latency::Measure;
use crate::domain::signs::Signs;
use crate::domain::text::SafeText;

impl Rows {
    /// The id and the key of a row.
    pub(super) fn text(&self, slot: Slot) -> (&str, Option<&str>) {
        let (id, key) =
            self.text_at.get(slot as usize).map_or(("", KeyText::None), |at| read_text(self.texts.get(*at)));
        (id, self.key(slot, key))
    }

    /// The key of a row whose text was read.
    pub(super) fn key<'a>(&'a self, slot: Slot, key: KeyText<'a>) -> Option<&'a str> {
        match key {
            KeyText::None => None,
            KeyText::Own(key) => Some(key),
            KeyText::Tenant => self.tenants.get(self.tenant[slot as usize]).map(SafeText::as_str),
        }
    }

    /// The instance of a row, and of the one that started it whether it has ended.
    pub(in crate::hub) fn flow(&self, slot: Slot) -> FlowInstance {
        self.with_parent(self.told(slot))
    }

    /// The same without its id and its key, which are read from elsewhere.
    pub(super) fn nameless(&self, slot: Slot) -> FlowInstance {
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
    pub(super) fn told(&self, slot: Slot) -> FlowInstance {
        #[cfg(test)]
        self.work.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (id, key) = self.text(slot);
        self.read(slot, id.into(), key.map(SafeText::from))
    }

    /// What each open row does in its step, and since when by the engine's clock, as far as that is a latency.
    pub(in crate::hub) fn under_way(&self) -> impl Iterator<Item = (Symbol, Measure, Timestamp)> {
        let open = self.slots().filter(|slot| !self.state[*slot as usize].status().ended());
        open.filter_map(|slot| {
            let (measure, since) = self.read(slot, SafeText::default(), None).under_way()?;
            Some((self.place[slot as usize], measure, since))
        })
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

    /// How many instances wait for the key that an instance holds.
    pub(in crate::hub) fn behind(&self, instance: &SafeText) -> u64 {
        let dependants = self.dependants.get(instance).into_iter().flatten();
        let waits = |slot: &Slot| {
            let wait = self.nameless(*slot).wait;
            wait.is_some_and(|wait| wait.kind == WaitKind::Lock && wait.reference.as_ref() == Some(instance))
        };
        dependants.filter(|slot| waits(slot)).count() as u64
    }

    /// When one of the cohorts of these instances failed last, by the source's clock.
    pub(in crate::hub) fn failed_last<'a>(&self, instances: impl Iterator<Item = &'a str>) -> Option<Timestamp> {
        let cohorts = instances.filter_map(|instance| self.find(instance)).map(|slot| self.cohort[slot as usize]);
        let cohorts: HashSet<Symbol> = cohorts.filter(|cohort| *cohort != NONE).collect();
        let members = (0..).zip(&self.cohort).filter(|(_, cohort)| cohorts.contains(cohort));
        members.filter_map(|(slot, _)| self.nameless(slot).failed_at()).max()
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
}
