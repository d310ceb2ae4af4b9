//! What happened to a tenant, in one order: changes, deployments, alerts, flow runs, errors, drift and what was done.
//!
//! Each teller gives its latest rows before a place, and of all of them together the latest are a page. So a page costs as
//! much as it has rows for each teller, however long the past is. Where what is held is at its end, sources that keep a
//! past of their own are asked for it.

use std::collections::HashSet;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::Hub;
use super::ledger::{Behind, DoneFor};
use crate::connect::{ConnectError, Connector};
use crate::domain::drift::KnownDrift;
use crate::domain::event::{Event, EventClass};
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::outside::{OUTSIDE, OutsideAct};
use crate::domain::remediation::Verb;
use crate::domain::tenant::Tenant;
use crate::domain::text::SafeText;
use crate::domain::wording::standing;
use crate::ops::{
    EventRow, OpsError, Reference, TimelineKind, TimelinePlace, TimelineQuery, TimelineRow, TimelineWindow,
};
use crate::query::Filter;

/// The most rows of one page.
const MOST: usize = 1_000;

/// So many instances of one tenant are looked at; that there are more is told.
const FLOWS: usize = 10_000;

/// So many changes that name no tenant are looked at for those that touch what a tenant has.
const CHANGES: usize = 5_000;

/// So many rows of its past a source is asked for at most.
const PAST: usize = 10_000;

/// How far back those are looked for.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Where a row stands that begins with a kind, and of one kind in which order.
fn place(at: Timestamp, kind: &str, which: &str) -> TimelinePlace {
    TimelinePlace { at, tie: format!("{kind}:{which}").into() }
}

/// What is known of a tenant, as far as a timeline needs it.
struct Whose<'a> {
    tenant: &'a Tenant,
    flows: Vec<JudgedFlow>,
    /// More instances than were looked at.
    more: usize,
}

impl Hub {
    /// What happened to a tenant.
    pub(super) async fn timeline_of(&self, query: &TimelineQuery) -> Result<TimelineWindow, OpsError> {
        let (tenant, ..) = self.known_tenant(&query.tenant)?;
        let now = (self.clock)();
        let limit = query.limit.clamp(1, MOST);
        let before = query.before.as_ref();
        let mut blind = self.silent(|_| true).1;
        if !tenant.exact_id {
            let why =
                (tenant.id.source.clone(), "its id can't be told exactly, so that nothing is joined to it".into());
            return Ok(TimelineWindow { at: now, rows: Vec::new(), total: 0, next: None, blind: vec![why] });
        }
        let whose = self.whose(&tenant);
        if whose.more > 0 {
            let text = format!("{} further instances of this tenant are not looked at", whose.more);
            blind.push((tenant.id.source.clone(), text.into()));
        }
        let mut rows = Rows { before: before.cloned(), limit, all: Vec::new(), total: 0 };
        self.tell_flows(&whose, now, &mut rows);
        self.tell_drift(&tenant, &mut rows);
        self.tell_outside(&whose, &mut rows);
        self.tell_done(&tenant, &mut rows, &mut blind).await;
        self.tell_changes_around(&whose, now, &mut rows);
        let held = self.tell_events(&tenant, &mut rows);
        if held <= limit {
            self.ask_past(&tenant, &mut rows, &mut blind).await;
        }
        Ok(rows.page(now, blind))
    }

    /// The instances of a tenant that are held.
    fn whose<'a>(&self, tenant: &'a Tenant) -> Whose<'a> {
        let filter = Filter::of_tenant(&tenant.id.instance);
        let mut whose = Whose { tenant, flows: Vec::new(), more: 0 };
        for source in &self.sources {
            let held = source.held();
            let part = self.matching(source, &held.rows, &filter);
            let room = FLOWS.saturating_sub(whose.flows.len());
            whose.more += part.found.count.saturating_sub(room);
            let judged = part.found.bits.iter().take(room).map(|slot| held.rows.judged(slot, part.limits, part.live));
            whose.flows.extend(judged);
        }
        whose
    }

    fn tell_flows(&self, whose: &Whose<'_>, now: Timestamp, rows: &mut Rows) {
        for judged in &whose.flows {
            let flow = &judged.flow;
            let id = flow.id.to_string();
            let row = |place, kind, text: String, for_customer| TimelineRow {
                place,
                kind,
                source: flow.id.source.clone(),
                reference: Reference::Flow(flow.id.clone()),
                text: text.into(),
                for_customer,
            };
            let told = self.for_customer(judged, now);
            let status = flow.status.words();
            if let Some(at) = flow.created_at {
                let text = format!("{} began: now {status} in {}", flow.flow, flow.step);
                let calm = || format!("{}: {}", flow.flow, standing(flow.status));
                rows.add(row(
                    place(at, "flow", &id),
                    TimelineKind::Flow,
                    text,
                    Some(told.clone().unwrap_or_else(|| calm().into())),
                ));
            }
            let failed = flow.failed_at().or(flow.first_failure_at);
            if let (Some(at), Some(error)) = (failed, &flow.error) {
                let attempt = flow.attempts.map(|n| format!(" (attempt {n})")).unwrap_or_default();
                let text = format!("{} failed in {}{attempt}: {}", flow.flow, flow.step, error.text);
                rows.add(row(place(at, "error", &id), TimelineKind::Error, text, told));
            } else if let Some(at) = flow.last_transition_at.filter(|at| Some(*at) != flow.created_at) {
                let text = format!("{} is {status} in {}", flow.flow, flow.step);
                rows.add(row(place(at, "state", &id), TimelineKind::Flow, text, told));
            }
        }
    }

    fn tell_drift(&self, tenant: &Tenant, rows: &mut Rows) {
        let now = (self.clock)();
        for source in &self.sources {
            for known in source.held().findings.of_tenant(&tenant.id.instance, now) {
                let KnownDrift { finding, first_seen, resolved_at, .. } = known;
                let row = |at, which: &str, text: String| TimelineRow {
                    place: place(at, which, &finding.id.to_string()),
                    kind: TimelineKind::Drift,
                    source: finding.id.source.clone(),
                    reference: Reference::Drift(finding.id.clone()),
                    text: text.into(),
                    for_customer: None,
                };
                let (what, scope) = (&finding.what, &finding.scope);
                rows.add(row(first_seen, "drift", format!("{what} on {scope}: {}", finding.kind.words())));
                if let Some(at) = resolved_at {
                    rows.add(row(at, "resolved", format!("{what} on {scope} is as wanted again")));
                }
            }
        }
    }

    /// What was done to its instances and not by Quarterdeck, as far as it was told before. Asks nobody.
    fn tell_outside(&self, whose: &Whose<'_>, rows: &mut Rows) {
        let Some(outside) = self.outside_as_told() else { return };
        let ids: HashSet<&InstanceId> = whose.flows.iter().map(|judged| &judged.flow.id).collect();
        for act in &outside.acts {
            let OutsideAct { at, source, subject, what, by, .. } = act;
            let id = InstanceId::new(source.clone(), subject.clone());
            if ids.contains(&id) {
                let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                rows.add(TimelineRow {
                    place: place(*at, OUTSIDE, &id.to_string()),
                    kind: TimelineKind::Remediation,
                    source: source.clone(),
                    reference: Reference::Flow(id),
                    text: format!("{OUTSIDE}: {what}{by}").into(),
                    for_customer: None,
                });
            }
        }
    }

    /// What was done for it through Quarterdeck, as its record has it.
    async fn tell_done(&self, tenant: &Tenant, rows: &mut Rows, blind: &mut Vec<(SafeText, SafeText)>) {
        let Some(reader) = &self.reader else { return };
        let behind = rows.before.as_ref().map(behind);
        let most = u32::try_from(rows.wanted()).unwrap_or(u32::MAX);
        let context = self.gate.context.to_string();
        match reader.done_for(context, tenant.id.instance.to_string(), behind, most).await {
            Ok(None) => {}
            Ok(Some((total, done))) => {
                rows.total += usize::try_from(total).unwrap_or(usize::MAX).saturating_sub(done.len());
                for one in &done {
                    rows.add(done_row(one));
                }
            }
            Err(error) => blind.push(("the record".into(), error.to_string().into())),
        }
    }

    /// Changes that name no tenant and touch what this one has: its flows, its region, its tier.
    fn tell_changes_around(&self, whose: &Whose<'_>, now: Timestamp, rows: &mut Rows) {
        let to = rows.before.as_ref().map_or(Timestamp::MAX, |before| before.at);
        let from = now.saturating_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
        let changes = self.ring().changes_at_large(from, to, CHANGES);
        for row in changes.into_iter().filter(|row| touches(&row.event, whose)) {
            rows.add(event_row(&row));
        }
    }

    /// What events tell of it. Gives how many there were before the place.
    fn tell_events(&self, tenant: &Tenant, rows: &mut Rows) -> usize {
        let before = rows.before.as_ref().map(|before| {
            let number = before.tie.strip_prefix("event:").and_then(|number| number.parse().ok());
            // What is not told of an event stands before or behind all events of that moment.
            (before.at, number.unwrap_or(if *before.tie > *"event:" { u64::MAX } else { 0 }))
        });
        let (total, found) = self.ring().of_tenant(&tenant.id.instance, before, rows.wanted());
        rows.total += total.saturating_sub(found.len());
        for row in &found {
            rows.add(event_row(row));
        }
        found.len()
    }

    /// What sources keep of its past beyond what is held.
    async fn ask_past(&self, tenant: &Tenant, rows: &mut Rows, blind: &mut Vec<(SafeText, SafeText)>) {
        let name = &tenant.id.instance;
        // What stands at this very moment may be behind the place.
        let before = rows.before.as_ref().map_or(Timestamp::MAX, |before| {
            before.at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX)
        });
        let known: HashSet<(SafeText, SafeText)> = {
            let (_, held) = self.ring().of_tenant(name, None, usize::MAX);
            held.into_iter().map(|row| (row.event.origin.clone(), row.event.id.clone())).collect()
        };
        let wanted = rows.wanted();
        let place = rows.before.clone();
        let asked = self.sources.iter().map(|source| {
            let place = place.as_ref();
            async move { (source.name.clone(), past_of(&*source.connector, name, before, place, wanted).await) }
        });
        for (source, told) in join_all(asked).await {
            match told {
                Ok(events) => {
                    let new = |event: &Event| !known.contains(&(event.origin.clone(), event.id.clone()));
                    events.iter().filter(|event| new(event)).for_each(|event| rows.add(past_row(&source, event)));
                }
                Err(why) => {
                    if !blind.iter().any(|(silent, _)| *silent == source) {
                        blind.push((source, why.to_string().into()));
                    }
                }
            }
        }
    }
}

/// What a source keeps of a tenant's past before a place: so many, or all that there are. Those of the place's own moment
/// may be before it or behind it, so that more are asked for until enough are before it.
async fn past_of(
    connector: &dyn Connector,
    tenant: &SafeText,
    before: Timestamp,
    place: Option<&TimelinePlace>,
    wanted: usize,
) -> Result<Vec<Event>, ConnectError> {
    let mut limit = wanted + 1;
    loop {
        let events = connector.past(tenant, before, limit).await?;
        let behind = |event: &&Event| place.is_none_or(|place| event.at < place.at);
        if events.len() < limit || events.iter().filter(behind).count() >= wanted || limit >= PAST {
            return Ok(events);
        }
        limit = (limit * 4).min(PAST);
    }
}

/// Whether a change that names no tenant touches what one has. One that says where it holds, and not there, does not.
fn touches(event: &Event, whose: &Whose<'_>) -> bool {
    let tenant = whose.tenant;
    let mut any = false;
    for (name, value) in &event.scope {
        let fits = match name.as_str() {
            "flow" => whose.flows.iter().any(|judged| judged.flow.flow == *value),
            "service" => {
                let of = |judged: &JudgedFlow| judged.flow.flow.split('/').next() == Some(value.as_str());
                whose.flows.iter().any(of)
            }
            "region" => tenant.region.as_ref() == Some(value),
            "tier" => tenant.tier.as_ref() == Some(value),
            _ => continue,
        };
        if !fits {
            return false;
        }
        any = true;
    }
    any
}

fn kind_of(class: EventClass) -> TimelineKind {
    match class {
        EventClass::Change => TimelineKind::Change,
        EventClass::Deployment => TimelineKind::Deployment,
        EventClass::Alert => TimelineKind::Alert,
        EventClass::Remediation => TimelineKind::Remediation,
        EventClass::Flow => TimelineKind::Flow,
        EventClass::Decision | EventClass::Other => TimelineKind::Event,
    }
}

fn with_author(event: &Event) -> SafeText {
    match &event.by {
        Some(by) => format!("{} by {by}", event.text).into(),
        None => event.text.clone(),
    }
}

fn event_row(row: &EventRow) -> TimelineRow {
    let event = &row.event;
    let times = if row.times > 1 { format!(" ({} times)", row.times) } else { String::new() };
    TimelineRow {
        place: place(event.at, "event", &format!("{:020}", row.number)),
        kind: kind_of(event.class),
        source: event.source.clone(),
        reference: Reference::Event(row.number, event.id.clone()),
        text: format!("{}{times}", with_author(event)).into(),
        for_customer: None,
    }
}

fn past_row(source: &SafeText, event: &Event) -> TimelineRow {
    TimelineRow {
        place: place(event.at, "past", &format!("{source}:{}", event.id)),
        kind: kind_of(event.class),
        source: source.clone(),
        reference: Reference::Past(event.id.clone()),
        text: with_author(event),
        for_customer: None,
    }
}

fn done_row(done: &DoneFor) -> TimelineRow {
    let asked = &done.asked;
    let verb = Verb::named(&asked.verb).map_or_else(|| SafeText::from(asked.verb.as_str()), |verb| verb.label().into());
    let of_many = if asked.item.is_some() { ", one of many" } else { "" };
    // The words of most outcomes begin with its name.
    let state = done.state.name();
    let came_to = if done.words.to_lowercase().starts_with(state) {
        done.words.clone()
    } else {
        format!("{state}, {}", done.words)
    };
    TimelineRow {
        place: done_place(asked.at, &asked.remediation, &asked.source, &asked.instance),
        kind: TimelineKind::Remediation,
        source: asked.source.as_str().into(),
        reference: Reference::Remediation(
            asked.remediation.as_str().into(),
            InstanceId::new(asked.source.as_str(), asked.instance.as_str()),
        ),
        text: format!("{verb} asked for by {}{of_many}: {came_to}", asked.actor).into(),
        for_customer: None,
    }
}

/// What parts the facts of a remediation's place: a sign that is kept when a text is scrubbed, and that no name has.
const PART: &str = "␟";

fn done_place(at: Timestamp, remediation: &str, source: &str, instance: &str) -> TimelinePlace {
    place(at, "remediation", &[remediation, source, instance].join(PART))
}

/// From where the record goes on behind a place.
fn behind(place: &TimelinePlace) -> Behind {
    let told = place.tie.strip_prefix("remediation:");
    let mut facts = told.unwrap_or_default().splitn(3, PART).map(str::to_owned);
    let mut next = || facts.next().unwrap_or_default();
    match told {
        Some(_) => Behind { at: place.at, remediation: next(), source: next(), instance: next() },
        // Rows of other kinds stand before all of that moment, or behind them.
        None if *place.tie > *"remediation:" => {
            let at = place.at.checked_add(SignedDuration::from_millis(1)).unwrap_or(place.at);
            Behind { at, remediation: String::new(), source: String::new(), instance: String::new() }
        }
        None => Behind { at: place.at, remediation: String::new(), source: String::new(), instance: String::new() },
    }
}

/// The rows that may be on a page.
struct Rows {
    before: Option<TimelinePlace>,
    limit: usize,
    all: Vec<TimelineRow>,
    /// How many there are in all, those that may not be on it among them.
    total: usize,
}

impl Rows {
    /// How many each teller is asked for: one more than a page has, so that it is known whether there is more.
    const fn wanted(&self) -> usize {
        self.limit + 1
    }

    fn add(&mut self, row: TimelineRow) {
        self.total += 1;
        if self.before.as_ref().is_none_or(|before| row.place < *before) {
            self.all.push(row);
        }
    }

    fn page(mut self, at: Timestamp, blind: Vec<(SafeText, SafeText)>) -> TimelineWindow {
        self.all.sort_unstable_by(|one, other| other.place.cmp(&one.place));
        self.all.dedup_by(|one, other| one.place == other.place);
        let more = self.all.len() > self.limit;
        self.all.truncate(self.limit);
        let next = self.all.last().filter(|_| more).map(|row| row.place.clone());
        TimelineWindow { at, rows: self.all, total: self.total, next, blind }
    }
}
