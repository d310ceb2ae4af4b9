//! An event as a few bytes: a million of them must fit into memory, and a few dozen are shown.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::drift::Severity;
use crate::domain::event::{Event, EventClass};
use crate::domain::raw::Json;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;
use crate::hub::rows::{NONE, Symbol, Symbols};
use crate::query::EventFacts;

/// The most of an event's data that is kept, in bytes of JSON.
const DATA: usize = 64 * 1024;

/// What stands for data that is too long to be kept.
const TOO_LONG: &str = "too long to be kept";

/// Texts that many events share.
pub(super) type Texts = Symbols<SafeText>;

type Time = (i64, i32);

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    source: Symbol,
    origin: Symbol,
    kind: Symbol,
    class: u8,
    severity: u8,
    by: Option<Symbol>,
    tenant: Option<Symbol>,
    #[serde(borrow)]
    id: &'a str,
    subject: Option<&'a str>,
    at: Time,
    recorded_at: Option<Time>,
    sequence: Option<u64>,
    correlation: Option<&'a str>,
    causation: Option<&'a str>,
    trace: Option<&'a str>,
    #[serde(borrow)]
    scope: Vec<(Symbol, &'a str)>,
    text: &'a str,
    data: Option<&'a str>,
}

fn time(at: Timestamp) -> Time {
    (at.as_second(), at.subsec_nanosecond())
}

fn timestamp((second, nanosecond): Time) -> Timestamp {
    Timestamp::new(second, nanosecond).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn place<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|other| other == one).and_then(|at| at.try_into().ok()).unwrap_or_default()
}

/// Packs an event. The texts that it shares with others are used once more each.
pub(super) fn pack(event: &Event, texts: &mut Texts) -> Box<[u8]> {
    let data = event.data.as_deref().and_then(|data| serde_json::to_string(data).ok());
    let data = data.map(|data| if data.len() > DATA { format!("\"{TOO_LONG}\"") } else { data });
    let scope = event.scope.iter().map(|(name, value)| (texts.take_like(name), value.as_str())).collect();
    let packed = Packed {
        source: texts.take_like(&event.source),
        origin: texts.take_like(&event.origin),
        kind: texts.take_like(&event.kind),
        class: place(&EventClass::ALL, &event.class),
        severity: place(&Severity::ALL, &event.severity),
        by: event.by.as_ref().map(|by| texts.take_like(by)),
        tenant: event.tenant.as_ref().map(|tenant| texts.take_like(tenant)),
        id: &event.id,
        subject: event.subject.as_deref(),
        at: time(event.at),
        recorded_at: event.recorded_at.map(time),
        sequence: event.sequence,
        correlation: event.correlation.as_deref(),
        causation: event.causation.as_deref(),
        trace: event.trace.as_deref(),
        scope,
        text: &event.text,
        data: data.as_deref(),
    };
    // Nothing in it can't be written.
    postcard::to_allocvec(&packed).unwrap_or_default().into()
}

fn read(bytes: &[u8]) -> Option<Packed<'_>> {
    postcard::from_bytes(bytes).ok()
}

fn class(place: u8) -> EventClass {
    EventClass::ALL.get(usize::from(place)).copied().unwrap_or(EventClass::Other)
}

fn severity(place: u8) -> Severity {
    Severity::ALL.get(usize::from(place)).copied().unwrap_or(Severity::Unknown)
}

/// Reads it back. `None` for bytes that no event was packed into.
pub(super) fn unpack(bytes: &[u8], texts: &Texts) -> Option<Event> {
    let packed = read(bytes)?;
    let text = |symbol: Symbol| texts.get(symbol).cloned().unwrap_or_default();
    let own = |text: Option<&str>| text.map(SafeText::from);
    Some(Event {
        source: text(packed.source),
        id: packed.id.into(),
        origin: text(packed.origin),
        kind: text(packed.kind),
        class: class(packed.class),
        subject: own(packed.subject),
        at: timestamp(packed.at),
        recorded_at: packed.recorded_at.map(timestamp),
        sequence: packed.sequence,
        correlation: own(packed.correlation),
        causation: own(packed.causation),
        by: packed.by.map(text),
        severity: severity(packed.severity),
        trace: own(packed.trace),
        tenant: packed.tenant.map(text),
        scope: packed.scope.iter().map(|(name, value)| (text(*name), SafeText::from(*value))).collect(),
        text: packed.text.into(),
        // Its secrets were taken out when it came.
        data: packed.data.map(|data| Arc::new(Json::read(data, &Redactor::default()))),
    })
}

/// What filters look at, without a copy of anything. `None` for bytes that no event was packed into.
pub(super) fn facts<'a>(bytes: &'a [u8], texts: &'a Texts) -> Option<EventFacts<'a>> {
    let packed = read(bytes)?;
    let text = |symbol: Symbol| texts.get(symbol).map_or("", SafeText::as_str);
    Some(EventFacts {
        class: class(packed.class),
        severity: severity(packed.severity),
        kind: text(packed.kind),
        source: text(packed.source),
        origin: text(packed.origin),
        id: packed.id,
        text: packed.text,
        tenant: packed.tenant.map(text),
        subject: packed.subject,
        by: packed.by.map(text),
        correlation: packed.correlation,
        causation: packed.causation,
        scope: packed.scope.iter().map(|(name, value)| (text(*name), *value)).collect(),
    })
}

/// What of it is found by.
pub(super) struct Found {
    pub(super) class: EventClass,
    pub(super) tenant: Symbol,
    pub(super) at: Timestamp,
}

/// Gives back the texts that it shares with others, and says by what it was found.
pub(super) fn release(bytes: &[u8], texts: &mut Texts) -> Option<Found> {
    let packed = read(bytes)?;
    let shared = [packed.source, packed.origin, packed.kind];
    for symbol in
        shared.into_iter().chain(packed.by).chain(packed.tenant).chain(packed.scope.iter().map(|(name, _)| *name))
    {
        texts.release(symbol);
    }
    Some(Found { class: class(packed.class), tenant: packed.tenant.unwrap_or(NONE), at: timestamp(packed.at) })
}

/// The symbol of its tenant, or [`NONE`].
pub(super) fn tenant(bytes: &[u8]) -> Symbol {
    read(bytes).and_then(|packed| packed.tenant).unwrap_or(NONE)
}
