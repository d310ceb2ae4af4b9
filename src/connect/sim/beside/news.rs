//! What has happened in the world, before it becomes an event: when it took effect, when its origin's clock says that it
//! did, and when it can be read. The three are not the same: clocks are off, and news take their time.

use std::sync::Arc;

use serde_json::Value;

use super::super::clock::{MINUTE, Ms, SECOND};
use super::super::dice::Dice;
use super::super::world::Moment;
use crate::domain::drift::Severity;
use crate::domain::event::{Event, EventClass};
use crate::domain::raw::Json;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// The longest that news take to be readable.
pub(super) const LATEST: Ms = 9 * MINUTE;

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// When it took effect.
    pub(super) at: Ms,
    /// Chance of its own.
    pub(super) dice: Dice,
    pub(super) origin: &'static str,
    pub(super) kind: &'static str,
    pub(super) class: EventClass,
    pub(super) subject: Option<String>,
    pub(super) sequence: Option<u64>,
    pub(super) by: Option<&'static str>,
    pub(super) severity: Severity,
    pub(super) tenant: Option<String>,
    pub(super) scope: Vec<(&'static str, String)>,
    pub(super) text: String,
    pub(super) data: Option<Value>,
}

impl News {
    /// Of which nothing else is told.
    pub(super) fn new(
        at: Ms,
        dice: Dice,
        (origin, kind, class): (&'static str, &'static str, EventClass),
        text: String,
    ) -> Self {
        Self {
            at,
            dice,
            origin,
            kind,
            class,
            subject: None,
            sequence: None,
            by: None,
            severity: Severity::Info,
            tenant: None,
            scope: Vec::new(),
            text,
            data: None,
        }
    }

    /// Its id, which tells nothing else.
    pub(super) fn id(&self) -> String {
        format!("{:013x}", self.dice.fork(90).between(0, (1 << 52) - 1))
    }

    /// By its origin's clock, which is off by some seconds.
    fn told_at(&self) -> Ms {
        let off = match self.origin {
            "/flags" => 6 * SECOND,
            "/config" => -4 * SECOND,
            _ => 0,
        };
        self.at + off + self.dice.fork(91).between(-3 * SECOND, 3 * SECOND)
    }

    /// When it can be read: mostly within seconds, now and then minutes later.
    pub(super) fn readable_at(&self) -> Ms {
        let lag = self.dice.fork(92);
        let lag = if lag.chance(7) {
            lag.fork(0).between(MINUTE, LATEST - 10 * SECOND)
        } else {
            lag.fork(1).between(SECOND, 25 * SECOND)
        };
        self.at.max(self.told_at()) + lag
    }

    /// The event that a source tells of it.
    pub(super) fn event(self, source: &SafeText, moment: &Moment<'_>, redactor: &Redactor) -> Event {
        let (id, at, recorded) = (self.id(), self.told_at(), self.readable_at());
        Event {
            source: source.clone(),
            id: id.into(),
            origin: self.origin.into(),
            kind: self.kind.into(),
            class: self.class,
            subject: self.subject.map(SafeText::from),
            at: moment.instant(at),
            recorded_at: Some(moment.instant(recorded)),
            sequence: self.sequence,
            correlation: None,
            causation: None,
            by: self.by.map(SafeText::from),
            severity: self.severity,
            trace: None,
            tenant: self.tenant.map(SafeText::from),
            scope: self.scope.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            text: self.text.into(),
            data: self.data.map(|data| Arc::new(Json::of(&data, redactor))),
        }
    }
}
