//! Alerts and silences as the server tells them, and what they mean here.
//!
//! - An alert's id is its `fingerprint`, which is made of its labels. As an event it is one for each time it began.
//! - `suppressed` is an alert that is silenced or inhibited by another one: it is there all the same.
//! - What is expected and what is there stand in the annotations `expected` and `actual`, where somebody writes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::connect::answer::Row;
use crate::domain::difference::{Difference, Documents};
use crate::domain::drift::{Desired, DriftFinding, DriftKind, DriftStatus, Severity};
use crate::domain::event::{Event, EventClass};
use crate::domain::ids::InstanceId;
use crate::domain::outside::OutsideAct;
use crate::domain::raw::Json;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// The longest name or value that is kept, in characters.
const NAME: usize = 200;

/// The most alerts, and the most silences, of one answer.
const MOST: usize = 200_000;

/// Labels that say where an alert is, the one that says most first.
const WHERE: [&str; 6] = ["resource", "instance", "host", "node", "service", "job"];

/// Labels that say who is to look after it.
const OWNERS: [&str; 3] = ["owner", "team", "squad"];

/// Labels that an event names as what it touches.
const SCOPE: [&str; 5] = ["service", "region", "environment", "cluster", "job"];

/// Who tells it.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    pub(super) source: SafeText,
    pub(super) redactor: Redactor,
    /// The label that says whom an alert is for.
    pub(super) tenant: String,
}

impl Teller {
    fn shown(&self, text: &str) -> SafeText {
        SafeText::clipped(&self.redactor.text(text), NAME)
    }
}

#[derive(Deserialize)]
pub(super) struct Status {
    #[serde(rename = "versionInfo")]
    pub(super) version_info: VersionInfo,
}

#[derive(Deserialize)]
pub(super) struct VersionInfo {
    pub(super) version: String,
}

/// An alert.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    fingerprint: String,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: Timestamp,
    updated_at: Option<Timestamp>,
    pub(super) status: AlertStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertStatus {
    #[serde(default)]
    pub(super) silenced_by: Vec<String>,
    #[serde(default)]
    inhibited_by: Vec<String>,
}

impl Row for Alert {
    const MOST: usize = MOST;
}

impl Alert {
    /// A label that is there.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.label(name)).filter(|value| !value.is_empty())
    }

    fn name(&self) -> &str {
        self.label("alertname").filter(|name| !name.is_empty()).unwrap_or("an alert without a name")
    }

    fn annotation(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.annotations.get(*name)).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn severity(&self) -> Severity {
        self.label("severity").map_or(Severity::Unknown, Severity::told)
    }

    fn tenant(&self, teller: &Teller) -> Option<SafeText> {
        self.label(&teller.tenant).filter(|name| !name.is_empty()).map(|name| SafeText::clipped(name, NAME))
    }

    /// It as drift. `left_alone` is the end of a silence that holds for it.
    pub(super) fn finding(&self, teller: &Teller, left_alone: Option<Timestamp>, now: Timestamp) -> DriftFinding {
        let instance = SafeText::clipped(&self.fingerprint, NAME);
        let value = |name: &str| self.annotations.get(name).map(|text| Value::String(text.clone()));
        let (wanted, there) = (value("expected"), value("actual"));
        let difference = match (&wanted, &there) {
            (None, None) => Difference::Untold,
            (wanted, there) => Difference::Documents(Documents::of(wanted.as_ref(), there.as_ref(), &teller.redactor)),
        };
        let said = self.annotation(&["summary", "message", "description"]);
        let inhibited = (!self.status.inhibited_by.is_empty()).then_some("inhibited by another alert");
        let note = match (said, inhibited) {
            (Some(said), Some(inhibited)) => Some(format!("{said} ({inhibited})")),
            (said, inhibited) => said.or(inhibited).map(str::to_owned),
        };
        DriftFinding {
            exact_id: *instance == *self.fingerprint,
            id: InstanceId { source: teller.source.clone(), instance },
            scope: self.first(&WHERE).map_or_else(|| teller.source.clone(), |place| teller.shown(place)),
            what: teller.shown(self.name()),
            tenant: self.tenant(teller),
            kind: self.label("kind").and_then(DriftKind::named).unwrap_or(DriftKind::Modified),
            status: DriftStatus::Drifted,
            severity: self.severity(),
            owner: self.first(&OWNERS).map(|owner| teller.shown(owner)),
            desired: Desired {
                reference: self.annotation(&["runbook", "runbook_url"]).map(|url| teller.shown(url)),
                revision: None,
            },
            difference,
            note: note.map(|note| teller.redactor.first_line(&note, 500)),
            cause_key: DriftFinding::cause(&["alert", self.name()]),
            since: Some(self.starts_at),
            // Whoever fires it tells it again and again, else it would end by itself.
            last_checked: Some(self.updated_at.unwrap_or(now)),
            check_interval: None,
            ignored_until: left_alone,
        }
    }

    /// It as an event: that it began.
    pub(super) fn event(&self, teller: &Teller, now: Timestamp) -> Event {
        let mut data = Map::new();
        data.insert("labels".to_owned(), json!(self.labels));
        data.insert("annotations".to_owned(), json!(self.annotations));
        let name = teller.shown(self.name());
        let text = match self.annotation(&["summary", "message", "description"]) {
            Some(said) => teller.redactor.first_line(said, 500),
            None => match self.first(&WHERE) {
                Some(place) => format!("{name} at {}", teller.shown(place)).into(),
                None => name.clone(),
            },
        };
        let scope = SCOPE.into_iter().filter_map(|label| Some((label.into(), teller.shown(self.label(label)?))));
        Event {
            source: teller.source.clone(),
            id: format!("{}@{}", SafeText::clipped(&self.fingerprint, NAME), self.starts_at).into(),
            origin: format!("/{}", teller.source).into(),
            kind: FIRING.into(),
            class: EventClass::Alert,
            subject: Some(name),
            at: self.starts_at,
            recorded_at: self.updated_at.or(Some(now)),
            sequence: None,
            correlation: Some(SafeText::clipped(&self.fingerprint, NAME)),
            causation: None,
            by: None,
            severity: self.severity(),
            trace: None,
            tenant: self.tenant(teller),
            scope: scope.collect(),
            text,
            data: Some(std::sync::Arc::new(Json::of(&Value::Object(data), &teller.redactor))),
        }
    }
}

/// The types of the events.
const FIRING: &str = "alertmanager.alert.firing";
const RESOLVED: &str = "alertmanager.alert.resolved";
const SILENCED: &str = "alertmanager.silence.set";

/// That an alert which was told once is not there any more.
pub(super) fn resolved(fired: Event, now: Timestamp) -> Event {
    Event {
        id: format!("{}:resolved", fired.id).into(),
        kind: RESOLVED.into(),
        at: now,
        recorded_at: Some(now),
        causation: Some(fired.id.clone()),
        text: format!("resolved: {}", fired.text).into(),
        severity: Severity::Info,
        ..fired
    }
}

/// A silence.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Silence {
    pub(super) id: String,
    status: SilenceStatus,
    matchers: Vec<MatcherRow>,
    starts_at: Timestamp,
    pub(super) ends_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
struct SilenceStatus {
    state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MatcherRow {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

const fn yes() -> bool {
    true
}

impl Row for Silence {
    const MOST: usize = MOST;
}

impl Silence {
    /// What it holds for, as Alertmanager writes it.
    fn matchers(&self) -> String {
        let matcher = |matcher: &MatcherRow| {
            let sign = match (matcher.is_equal, matcher.is_regex) {
                (true, false) => "=",
                (false, false) => "!=",
                (true, true) => "=~",
                (false, true) => "!~",
            };
            format!("{}{sign}{:?}", matcher.name, matcher.value)
        };
        self.matchers.iter().take(20).map(matcher).collect::<Vec<_>>().join(",")
    }

    fn words(&self, teller: &Teller) -> SafeText {
        let until = self.ends_at.map(|at| format!(" until {at}")).unwrap_or_default();
        let why = if self.comment.is_empty() { String::new() } else { format!(": {}", self.comment) };
        teller.redactor.first_line(&format!("silenced {}{until}{why}", self.matchers()), 500)
    }

    /// Who has silenced what, as something that was done about it; nothing of one that has not begun.
    pub(super) fn event(&self, teller: &Teller, now: Timestamp) -> Option<Event> {
        if self.status.state == "pending" {
            return None;
        }
        let only = |matcher: &&MatcherRow| matcher.name == teller.tenant && matcher.is_equal && !matcher.is_regex;
        Some(Event {
            source: teller.source.clone(),
            id: SafeText::clipped(&self.id, NAME),
            origin: format!("/{}/silences", teller.source).into(),
            kind: SILENCED.into(),
            class: EventClass::Remediation,
            subject: None,
            at: self.starts_at,
            recorded_at: self.updated_at.or(Some(now)),
            sequence: None,
            correlation: None,
            causation: None,
            by: self.by(teller),
            severity: Severity::Info,
            trace: None,
            tenant: self.matchers.iter().find(only).map(|matcher| SafeText::clipped(&matcher.value, NAME)),
            scope: Vec::new(),
            text: self.words(teller),
            data: None,
        })
    }

    fn by(&self, teller: &Teller) -> Option<SafeText> {
        (!self.created_by.is_empty()).then(|| teller.shown(&self.created_by))
    }

    /// The same as what somebody did to the engine.
    pub(super) fn act(&self, teller: &Teller) -> Option<OutsideAct> {
        (self.status.state != "pending").then(|| OutsideAct {
            at: self.starts_at,
            source: teller.source.clone(),
            subject: SafeText::clipped(&self.id, NAME),
            verb: None,
            what: self.words(teller),
            caller: None,
            by: self.by(teller),
        })
    }
}
