//! Events: what happened, as CloudEvents 1.0 tell it (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>),
//! with the extensions `sequence`, `recordedtime`, `correlationid`, `causationid`, `authid`, `severity` and `traceparent`.
//!
//! Whatever a source tells in a form of its own becomes one of these; what comes as CloudEvents already keeps its names.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::drift::Severity;
use super::raw::Json;
use super::redact::Redactor;
use super::text::SafeText;

/// The longest text of an attribute that is kept, in characters.
const ATTRIBUTE: usize = 500;

/// What an event is about, for whoever looks for causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventClass {
    /// Somebody changed something: configuration, a flag, a plan, a limit.
    Change,
    /// Other code runs than before.
    Deployment,
    /// A monitor says that something is wrong, or is right again.
    Alert,
    /// Something was done about it, here or elsewhere.
    Remediation,
    /// A policy was asked and decided.
    Decision,
    /// Something that a flow did.
    Flow,
    /// Anything else.
    Other,
}

impl EventClass {
    /// Every class.
    pub const ALL: [Self; 7] =
        [Self::Change, Self::Deployment, Self::Alert, Self::Remediation, Self::Decision, Self::Flow, Self::Other];

    /// Its name in JSON, on screen and in the filter language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Deployment => "deployment",
            Self::Alert => "alert",
            Self::Remediation => "remediation",
            Self::Decision => "decision",
            Self::Flow => "flow",
            Self::Other => "other",
        }
    }

    /// The class of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Whether it can be the cause of something: it changed what runs or how.
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Change | Self::Deployment)
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The source of the config that told it.
    pub source: SafeText,
    /// Its id, unique with its origin: `id`.
    pub id: SafeText,
    /// Where it happened: CloudEvents' `source`.
    pub origin: SafeText,
    /// What kind of thing happened: `type`.
    pub kind: SafeText,
    /// What it is about, for whoever looks for causes.
    pub class: EventClass,
    /// To what: `subject`.
    pub subject: Option<SafeText>,
    /// When: `time`, by the clock of its origin. Where that is not told, when it was recorded.
    pub at: Timestamp,
    /// When it was recorded there: `recordedtime`.
    pub recorded_at: Option<Timestamp>,
    /// Its number among those of its origin: `sequence`.
    pub sequence: Option<u64>,
    /// What it belongs together with: `correlationid`.
    pub correlation: Option<SafeText>,
    /// The event that caused it: `causationid`.
    pub causation: Option<SafeText>,
    /// Who did it: `authid`.
    pub by: Option<SafeText>,
    /// How bad it is: `severity`.
    pub severity: Severity,
    /// `traceparent`, as W3C Trace Context has it.
    pub trace: Option<SafeText>,
    /// Whom it is for, where that is told.
    pub tenant: Option<SafeText>,
    /// What it touches, as names and values: `service=schema-svc`, `region=eu`, `flow=…`.
    pub scope: Vec<(SafeText, SafeText)>,
    /// What happened, in one line.
    pub text: SafeText,
    /// The whole of `data`, without secrets; before and after where it is a change.
    pub data: Option<Arc<Json>>,
}

/// The longest body of a dead letter that is kept, in characters.
const BODY: usize = 4_000;

/// What should have been an event and is none: kept, so that nobody misses it without knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The source of the config that told it.
    pub source: SafeText,
    /// When it came, by the local clock.
    pub at: Timestamp,
    /// Why it is none.
    pub why: SafeText,
    /// How it came, without secrets and cut short.
    pub body: SafeText,
}

impl DeadLetter {
    /// One of a value that came, and why it is no event.
    pub fn of(source: &SafeText, value: &Value, why: &NoEvent, redactor: &Redactor, now: Timestamp) -> Self {
        let body = json!(Json::of(value, redactor)).to_string();
        Self { source: source.clone(), at: now, why: why.to_string().into(), body: SafeText::clipped(&body, BODY) }
    }
}

/// Why something is no event: which attribute, and what about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{attribute}: {why}")]
pub struct NoEvent {
    /// The attribute.
    pub attribute: SafeText,
    /// What is wrong with it.
    pub why: SafeText,
}

fn wrong(attribute: &str, why: impl Into<SafeText>) -> NoEvent {
    NoEvent { attribute: attribute.into(), why: why.into() }
}

/// An attribute that has to be there, as a text that is not empty.
fn needed<'v>(object: &'v Map<String, Value>, name: &str) -> Result<&'v str, NoEvent> {
    match object.get(name) {
        None | Some(Value::Null) => Err(wrong(name, "it is missing")),
        Some(Value::String(text)) if text.is_empty() => Err(wrong(name, "it is empty")),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(wrong(name, "it is no text")),
    }
}

/// An attribute that may be there, as a text.
fn text(object: &Map<String, Value>, name: &str) -> Result<Option<SafeText>, NoEvent> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(SafeText::clipped(text, ATTRIBUTE)).filter(|text| !text.is_empty())),
        Some(_) => Err(wrong(name, "it is no text")),
    }
}

fn time(object: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, NoEvent> {
    let Some(text) = text(object, name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| wrong(name, format!("{text} is no time of RFC 3339")))
}

impl Event {
    /// Reads one of CloudEvents in its JSON form. `source` is the source of the config that told it, `now` when it came.
    ///
    /// # Errors
    /// Which attribute is missing, or is not what CloudEvents 1.0 says it is.
    pub fn read(source: &SafeText, value: &Value, redactor: &Redactor, now: Timestamp) -> Result<Self, NoEvent> {
        let Value::Object(object) = value else { return Err(wrong("event", "it is no object")) };
        let version = needed(object, "specversion")?;
        if version != "1.0" {
            return Err(wrong("specversion", format!("{} is not 1.0", SafeText::clipped(version, 20))));
        }
        let clipped = |text: &str| SafeText::clipped(&redactor.text(text), ATTRIBUTE);
        let id = SafeText::clipped(needed(object, "id")?, ATTRIBUTE);
        let origin = clipped(needed(object, "source")?);
        let kind = SafeText::clipped(needed(object, "type")?, ATTRIBUTE);
        let recorded_at = time(object, "recordedtime")?;
        let at = time(object, "time")?.or(recorded_at).unwrap_or(now);
        let data = object.get("data").filter(|data| !data.is_null());
        // A number, or a number as a text: the extension says a text.
        let sequence = match object.get("sequence") {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => return Err(wrong("sequence", "it is no number")),
        };
        let of_data = |name: &str| data.and_then(|data| data.get(name)).and_then(Value::as_str);
        let subject = text(object, "subject")?;
        let said = ["summary", "message", "text", "description"].into_iter().find_map(of_data);
        let said = said.map(|said| redactor.first_line(said, ATTRIBUTE)).filter(|said| !said.is_empty());
        let class = match object.get("class").and_then(Value::as_str) {
            Some(name) => EventClass::named(name).unwrap_or(EventClass::Other),
            None => class_of(&kind),
        };
        let scope = ["service", "flow", "step", "region", "environment", "deployment", "version"].into_iter();
        let scope = scope.filter_map(|name| {
            let value = object.get(name).and_then(Value::as_str).or_else(|| of_data(name))?;
            Some((SafeText::from(name), clipped(value)))
        });
        Ok(Self {
            source: source.clone(),
            text: said.unwrap_or_else(|| match &subject {
                Some(subject) => format!("{kind} {subject}").into(),
                None => kind.clone(),
            }),
            id,
            origin,
            class,
            at,
            recorded_at,
            sequence,
            correlation: text(object, "correlationid")?,
            causation: text(object, "causationid")?,
            by: text(object, "authid")?,
            severity: text(object, "severity")?.map_or(Severity::Unknown, |word| Severity::told(&word)),
            trace: text(object, "traceparent")?,
            tenant: text(object, "tenant")?
                .or_else(|| of_data("tenant").map(|name| SafeText::clipped(name, ATTRIBUTE))),
            scope: scope.collect(),
            data: data.map(|data| Arc::new(Json::of(data, redactor))),
            kind,
            subject,
        })
    }

    /// The event as CloudEvents have it, in its JSON form. Whole numbers and times are texts, as the extensions have them.
    pub fn cloud_event(&self) -> Value {
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": self.origin,
            "type": self.kind,
            "time": self.at,
            "class": self.class.name(),
            "severity": self.severity.name(),
        });
        let Some(object) = event.as_object_mut() else { return event };
        let texts = [
            ("subject", &self.subject),
            ("correlationid", &self.correlation),
            ("causationid", &self.causation),
            ("authid", &self.by),
            ("traceparent", &self.trace),
            ("tenant", &self.tenant),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                object.insert(name.to_owned(), json!(value));
            }
        }
        for (name, value) in &self.scope {
            object.insert(name.to_string(), json!(value));
        }
        if let Some(at) = self.recorded_at {
            object.insert("recordedtime".to_owned(), json!(at));
        }
        if let Some(sequence) = self.sequence {
            object.insert("sequence".to_owned(), json!(sequence.to_string()));
        }
        if let Some(data) = &self.data {
            object.insert("datacontenttype".to_owned(), json!("application/json"));
            object.insert("data".to_owned(), json!(**data));
        } else {
            object.insert("data".to_owned(), json!({ "summary": self.text }));
        }
        event
    }
}

/// What an event is about, by the words of its type.
fn class_of(kind: &str) -> EventClass {
    let kind = kind.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| kind.split(['.', '/', '-', '_', ':']).any(|part| part == *word));
    if has(&["deploy", "deployed", "deployment", "release", "released", "rollout", "rolledback"]) {
        EventClass::Deployment
    } else if has(&["alert", "alerts", "incident"]) {
        EventClass::Alert
    } else if has(&["change", "changed", "updated", "config", "configuration", "flag", "toggled", "migrated"]) {
        EventClass::Change
    } else {
        EventClass::Other
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn read(value: &Value) -> Result<Event, NoEvent> {
        Event::read(&"bus".into(), value, &Redactor::default(), "2026-11-01T00:00:00Z".parse().unwrap())
    }

    fn smallest() -> Value {
        json!({ "specversion": "1.0", "id": "1", "source": "/ci", "type": "com.example.deployed" })
    }

    #[test]
    fn the_smallest_event_has_the_time_at_which_it_came() {
        let event = read(&smallest()).unwrap();
        assert_eq!((event.class, event.text.as_str()), (EventClass::Deployment, "com.example.deployed"));
        assert_eq!(event.at.to_string(), "2026-11-01T00:00:00Z");
        assert_eq!((event.severity, event.sequence, &event.data), (Severity::Unknown, None, &None));
    }

    #[test]
    fn what_breaks_the_standard_is_named_by_its_attribute() {
        for (name, value, why) in [
            ("specversion", json!("0.3"), "specversion: 0.3 is not 1.0"),
            ("specversion", json!(null), "specversion: it is missing"),
            ("id", json!(""), "id: it is empty"),
            ("id", json!(5), "id: it is no text"),
            ("source", json!(null), "source: it is missing"),
            ("type", json!([]), "type: it is no text"),
            ("time", json!("yesterday"), "time: yesterday is no time of RFC 3339"),
            ("subject", json!({}), "subject: it is no text"),
            ("sequence", json!([]), "sequence: it is no number"),
        ] {
            let mut event = smallest();
            event[name] = value;
            assert_eq!(read(&event).unwrap_err().to_string(), why);
        }
        assert_eq!(read(&json!("event")).unwrap_err().to_string(), "event: it is no object");
    }

    #[test]
    fn it_goes_out_as_it_came_in() {
        let mut event = smallest();
        event["time"] = json!("2026-10-31T23:00:00Z");
        event["recordedtime"] = json!("2026-10-31T23:00:05Z");
        event["sequence"] = json!("42");
        event["correlationid"] = json!("c-1");
        event["causationid"] = json!("0");
        event["authid"] = json!("ci@example.com");
        event["severity"] = json!("critical");
        event["subject"] = json!("schema-svc");
        event["tenant"] = json!("acme");
        event["region"] = json!("eu");
        event["data"] = json!({ "summary": "4.2.1 is out", "before": { "version": "4.2.0" }, "password": "hunter2" });
        let one = read(&event).unwrap();
        assert_eq!((one.text.as_str(), one.sequence), ("4.2.1 is out", Some(42)));
        assert_eq!(one.scope, [("region".into(), "eu".into())]);
        let out = one.cloud_event();
        assert_eq!(out["data"]["password"], "[redacted]");
        let again = read(&out).unwrap();
        assert_eq!(again, one);
    }

    #[test]
    fn a_dead_letter_holds_no_secret_and_is_cut_short() {
        let value = json!({ "id": "1", "password": "hunter2", "long": "x".repeat(10_000) });
        let why = read(&value).unwrap_err();
        let letter = DeadLetter::of(&"bus".into(), &value, &why, &Redactor::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(letter.why, "specversion: it is missing");
        assert!(!letter.body.contains("hunter2"), "{}", letter.body);
        assert_eq!(letter.body.chars().count(), BODY + 1, "with a sign that there was more");
    }

    #[test]
    fn a_type_says_what_it_is_about_by_whole_words() {
        assert_eq!(class_of("com.github.deployment.created"), EventClass::Deployment);
        assert_eq!(class_of("flag/toggled"), EventClass::Change);
        assert_eq!(class_of("org.exchange.ordered"), EventClass::Other, "no change is in exchange");
    }
}
