//! The filter language for events: the same form as for flows, over what an event tells.

use std::fmt;

use super::FilterError;
use super::ast::Pattern;
use super::eval::contains;
use super::lexer::Value;
use super::terms::{Terms, keyed, named, quoted_or_glob, tried};
use crate::domain::drift::Severity;
use crate::domain::event::{Event, EventClass};

/// Every key with what it means, for the help and for completion.
pub const EVENT_KEYS: &[(&str, &str)] = &[
    ("class", "what it is about: change, deployment, alert, remediation, decision, flow, other"),
    ("type", "its type; * and ? are wildcards"),
    ("source", "the source's name in the config"),
    ("origin", "where it happened: CloudEvents' source"),
    ("tenant", "the tenant"),
    ("subject", "to what it happened"),
    ("by", "who did it"),
    ("severity", "how bad it is: critical, warning, info, unknown"),
    ("id", "its id"),
    ("correlation", "what it belongs together with"),
    ("causation", "the event that caused it"),
    ("service", "what it touches; so flow, step, region, environment, deployment, version"),
];

/// What an event may touch, as keys of the filter.
const SCOPE: [&str; 7] = ["service", "flow", "step", "region", "environment", "deployment", "version"];

/// A parsed filter of events. The empty one matches everything.
///
/// Written with `Display` it reads back as an equal filter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventFilter(Terms<Test>);

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Word(Pattern),
    Class(Vec<EventClass>),
    Severity(Vec<Severity>),
    Text(&'static str, Vec<Pattern>),
}

impl EventFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The word that is wrong, its column, and the nearest one that would be right.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Terms::parse(text, Test::Word, test).map(Self)
    }

    /// Whether it matches everything.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an event is such.
    pub fn matches(&self, event: &EventFacts<'_>) -> bool {
        self.0.all(|test| test.holds(event))
    }
}

/// What of an event a filter looks at, wherever it is kept: a million of them are gone through at a keypress.
#[derive(Debug)]
pub struct EventFacts<'a> {
    /// What it is about.
    pub class: EventClass,
    /// How bad it is.
    pub severity: Severity,
    /// Its type.
    pub kind: &'a str,
    /// The source's name in the config.
    pub source: &'a str,
    /// Where it happened.
    pub origin: &'a str,
    /// Its id.
    pub id: &'a str,
    /// What it tells, in words.
    pub text: &'a str,
    /// For whom it is.
    pub tenant: Option<&'a str>,
    /// To what it happened.
    pub subject: Option<&'a str>,
    /// Who did it.
    pub by: Option<&'a str>,
    /// What it belongs together with.
    pub correlation: Option<&'a str>,
    /// The event that caused it.
    pub causation: Option<&'a str>,
    /// What it touches, by name.
    pub scope: Vec<(&'a str, &'a str)>,
}

impl<'a> From<&'a Event> for EventFacts<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            class: event.class,
            severity: event.severity,
            kind: &event.kind,
            source: &event.source,
            origin: &event.origin,
            id: &event.id,
            text: &event.text,
            tenant: event.tenant.as_deref(),
            subject: event.subject.as_deref(),
            by: event.by.as_deref(),
            correlation: event.correlation.as_deref(),
            causation: event.causation.as_deref(),
            scope: event.scope.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        }
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn test(key: &str, column: usize, values: &[Value]) -> Result<Test, FilterError> {
    Ok(match key.to_ascii_lowercase().as_str() {
        "class" => Test::Class(named(values, "class", &EventClass::ALL, EventClass::name)?),
        "severity" => Test::Severity(named(values, "severity", &Severity::ALL, Severity::name)?),
        _ => Test::Text(
            keyed(key, column, || EVENT_KEYS.iter().map(|(name, _)| *name).chain(SCOPE))?,
            values.iter().map(quoted_or_glob).collect(),
        ),
    })
}

impl Test {
    fn holds(&self, event: &EventFacts<'_>) -> bool {
        match self {
            Self::Class(all) => all.contains(&event.class),
            Self::Severity(all) => all.contains(&event.severity),
            Self::Text(name, patterns) => {
                let told = |text: &str| tried(patterns, text);
                match *name {
                    "type" => told(event.kind),
                    "source" => told(event.source),
                    "origin" => told(event.origin),
                    "id" => told(event.id),
                    "tenant" => event.tenant.is_some_and(told),
                    "subject" => event.subject.is_some_and(told),
                    "by" => event.by.is_some_and(told),
                    "correlation" => event.correlation.is_some_and(told),
                    "causation" => event.causation.is_some_and(told),
                    scope => event.scope.iter().any(|(name, value)| *name == scope && told(value)),
                }
            }
            Self::Word(pattern) => {
                let known = [event.text, event.kind, event.id, event.origin, event.source];
                let maybe = [event.tenant, event.subject, event.by, event.correlation];
                known.into_iter().chain(maybe.into_iter().flatten()).any(|text| contains(text, &pattern.folded))
                    || event.scope.iter().any(|(_, value)| contains(value, &pattern.folded))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::domain::redact::Redactor;

    fn event() -> Event {
        let value = json!({
            "specversion": "1.0", "id": "d-7", "source": "/ci", "type": "com.example.deployed", "authid": "ci@acme",
            "tenant": "acme", "service": "schema-svc", "region": "eu-west-1", "severity": "warning",
            "data": { "summary": "Schema-svc 4.2.1 is out" },
        });
        Event::read(&"bus".into(), &value, &Redactor::default(), Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn terms_are_joined_by_and_and_values_by_or() {
        let holds = |text: &str| EventFilter::parse(text).unwrap().matches(&EventFacts::from(&event()));
        for text in [
            "",
            "class:deployment",
            "class:change,deployment",
            "tenant:ACME source:bus",
            "service:schema-*",
            "4.2.1",
            "-class:alert",
            "type:com.example.*",
            "by:ci@acme",
            "severity:warning",
            "region:eu-*",
            "eu-west",
            "id:d-7",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in ["class:change", "tenant:acm", "-tenant:acme", "4.2.2", "flow:x", "subject:schema-svc"] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_column_and_what_was_meant() {
        let wrong = |text: &str| EventFilter::parse(text).unwrap_err();
        let error = wrong("tenant:a clas:change");
        assert_eq!((error.word.as_str(), error.column, error.suggestion.as_deref()), ("clas", 10, Some("class")));
        let error = wrong("class:deploymnt");
        assert_eq!((error.column, error.suggestion.as_deref()), (7, Some("deployment")));
    }

    #[test]
    fn it_reads_back_as_it_was_written() {
        let text = "class:deployment -tenant:\"a b\",c out";
        let filter = EventFilter::parse(text).unwrap();
        assert_eq!(EventFilter::parse(&filter.to_string()).unwrap(), filter);
    }
}
