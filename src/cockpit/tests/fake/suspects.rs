//! What may have caused a cohort.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;

use super::now;
use crate::domain::cohort::Cohort;
use crate::domain::correlation::{Facts, Known, SharedDrift, suspects as look};
use crate::domain::event::Event;
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::ops::CohortSuspects;

/// A change so many minutes before now.
fn change(minutes: i64, text: &str, service: &str) -> Arc<Event> {
    let at = now() - SignedDuration::from_mins(minutes);
    let value = json!({
        "specversion": "1.0", "id": text, "source": "/ci", "type": "config.changed", "time": at.to_string(),
        "authid": "ci", "service": service, "data": { "summary": text },
    });
    Arc::new(Event::read(&"infra".into(), &value, &Redactor::default(), now()).unwrap())
}

/// A release of the flow's own service shortly before, and others of other services.
pub(in crate::cockpit) fn suspects(cohort: &Cohort) -> CohortSuspects {
    let own = cohort.flow.split('-').next().unwrap_or_default();
    let minutes = (now().duration_since(cohort.onset.unwrap()).as_secs() / 60) + 3;
    let mut changes = vec![change(minutes, &format!("{own}-svc 4.2.1 is out"), &format!("{own}-svc"))];
    changes.extend((1..30).map(|n| change(minutes + n * 7, &format!("other-{n}: pool size {n}"), "other")));
    let facts = Facts {
        source: cohort.source.clone(),
        flow: cohort.flow.clone(),
        step: cohort.step.clone(),
        onset: cohort.onset,
        count: cohort.count,
        ..Facts::default()
    };
    let known = Known { since: Some(now() - SignedDuration::from_hours(20)), silent: vec!["flags".into()] };
    let drift = vec![SharedDrift {
        what: "policy network-default".into(),
        note: Some("has v3, v4 is wanted".into()),
        tenants: 37,
        of: 41,
        others: 29,
        of_others: Some(1_959),
        finding: InstanceId::new("infra", "policy/acme"),
    }];
    let suspects = look(&facts, &changes, &known);
    CohortSuspects { cohort: cohort.clone(), suspects, drift, drift_sources: 1, drift_blind: Vec::new() }
}
