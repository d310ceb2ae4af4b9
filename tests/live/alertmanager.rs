//! A real Alertmanager: its alerts as drift and as events, its silences as what is left alone and as what others did.

use std::sync::Arc;
use std::time::Duration;

use crate::support::alertmanager::RealAlertmanager;
use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::hub::{setup, status};
use quarterdeck::config::Config;
use quarterdeck::connect::alertmanager::Alertmanager;
use quarterdeck::connect::{ConnectError, Connector, Observation};
use quarterdeck::domain::difference::Difference;
use quarterdeck::domain::drift::{DriftFinding, DriftStatus, Severity};
use quarterdeck::domain::event::{Event, EventClass};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{DriftQuery, Ops as _};
use serde_json::json;
use tokio::sync::mpsc;

fn config(url: &str) -> Config {
    let rule = r#"drift = ['alertname=~"Config.*", severity!="info"']"#;
    let text = format!("[[source]]\nname = \"alerts\"\nkind = \"alertmanager\"\nurl = \"{url}\"\n{rule}\n");
    Config::parse(&text, "config.toml", None).unwrap()
}

fn connector(url: &str) -> Alertmanager {
    let setting = config(url).context.sources[0].alerts.clone().unwrap();
    Alertmanager::new("alerts", url, Duration::from_secs(10), None, setting).unwrap()
}

async fn pass(connector: &Alertmanager) -> Result<(Vec<DriftFinding>, Vec<Event>), ConnectError> {
    let (sink, mut parts) = mpsc::channel(4);
    let (mut findings, mut events) = (Vec::new(), Vec::new());
    let receive = async {
        while let Some(part) = parts.recv().await {
            match part {
                Observation::Drift(mut part) => findings.append(&mut part),
                Observation::Events(mut part) => events.append(&mut part),
                Observation::BadRows { first, .. } => panic!("{first}"),
                _ => {}
            }
        }
    };
    let (outcome, ()) = tokio::join!(connector.observe(sink), receive);
    outcome.map(|()| (findings, events))
}

#[tokio::test]
async fn alerts_are_drift_and_events_and_silences_leave_alone() {
    let server = RealAlertmanager::start().await;
    let drift = |tenant: &str, severity: &str, resource: &str| json!({ "alertname": "ConfigDrift", "tenant": tenant, "severity": severity, "resource": resource, "team": "infra" });
    let said = json!({
        "summary": "replicas differ", "expected": "replicas=3", "actual": "replicas=1", "runbook": "https://rb/drift",
    });
    server.alert(&drift("acme", "critical", "sqs/jobs"), &said, false).await;
    server.alert(&drift("acme", "warning", "iam/role"), &said, false).await;
    server.alert(&drift("globex", "info", "dns/zone"), &said, false).await;
    let down = json!({ "alertname": "Down", "severity": "page", "instance": "web-1", "service": "api" });
    server.alert(&down, &json!({}), false).await;

    let connector = connector(&server.url());
    let checkup = connector.examine().await.unwrap();
    assert_eq!((checkup.version.as_deref(), checkup.tested), (Some("0.25.0"), Some(true)));
    let (findings, events) = pass(&connector).await.unwrap();
    let mut places: Vec<&str> = findings.iter().map(|finding| finding.scope.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["iam/role", "sqs/jobs"], "the rule says which alerts are drift");
    assert_eq!(findings[0].cause_key, findings[1].cause_key);
    let jobs = findings.iter().find(|finding| finding.scope == *"sqs/jobs").unwrap();
    assert_eq!(
        (jobs.severity, jobs.status, jobs.tenant.as_deref()),
        (Severity::Critical, DriftStatus::Drifted, Some("acme"))
    );
    assert_eq!((jobs.owner.as_deref(), jobs.desired.reference.as_deref()), (Some("infra"), Some("https://rb/drift")));
    assert!(
        matches!(jobs.difference, Difference::Documents(_)) && jobs.since.is_some() && jobs.ignored_until.is_none()
    );
    let role = findings.iter().find(|finding| finding.scope == *"iam/role").unwrap();
    assert_eq!(role.note.as_deref(), Some("replicas differ (inhibited by another alert)"), "it is there all the same");
    assert_eq!(events.len(), server.alerts().await.len());
    let down_event = events.iter().find(|event| event.subject.as_deref() == Some("Down")).unwrap();
    assert_eq!(
        (down_event.class, down_event.severity, down_event.text.as_str()),
        (EventClass::Alert, Severity::Critical, "Down at web-1")
    );
    assert_eq!(down_event.scope, [("service".into(), "api".into())]);

    // Silenced: it is left alone until then, and somebody else did it.
    let before = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_mins(1)).unwrap();
    let ends = server.silence("resource", "sqs/jobs", "alice").await;
    let (findings, events) = pass(&connector).await.unwrap();
    let jobs = findings.iter().find(|finding| finding.scope == *"sqs/jobs").unwrap();
    assert_eq!(jobs.ignored_until, Some(ends));
    let silence = events.iter().find(|event| event.class == EventClass::Remediation).unwrap();
    assert_eq!(silence.by.as_deref(), Some("alice"));
    let acts = connector.outside(before).await.unwrap();
    assert_eq!((acts.len(), acts[0].by.as_deref()), (1, Some("alice")));
    assert!(
        acts[0].what.starts_with("silenced resource=\"sqs/jobs\" until ") && acts[0].what.ends_with(": CHG-1234"),
        "{acts:?}"
    );

    // Over: it is told no more, and that it was resolved is an event.
    server.alert(&down, &json!({}), true).await;
    let (_, events) = pass(&connector).await.unwrap();
    let resolved = events.iter().find(|event| event.kind == *"alertmanager.alert.resolved").unwrap();
    assert_eq!(
        (resolved.text.as_str(), resolved.causation.as_ref()),
        ("resolved: Down at web-1", Some(&down_event.id))
    );
    let (_, events) = pass(&connector).await.unwrap();
    assert!(!events.iter().any(|event| event.kind == *"alertmanager.alert.resolved"), "once");

    // Through the hub.
    let of_hub: Arc<dyn Connector> = Arc::new(self::connector(&server.url()));
    let hub = Hub::new(setup(config(&server.url()), vec![("alerts".into(), of_hub, Duration::from_secs(60))]));
    hub.pass().await;
    let window = hub.drift(&DriftQuery { by_cause: false, limit: 10, ..DriftQuery::default() }).await.unwrap();
    let statuses: Vec<_> = window.by_status.iter().map(|(status, count)| (status.name(), *count)).collect();
    assert_eq!(statuses.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>(), [&("drifted", 1), &("ignored", 1)]);
}

#[tokio::test]
async fn a_bad_answer_is_told_and_what_was_told_last_stays() {
    let alert = |fingerprint: &str| {
        json!({
            "fingerprint": fingerprint, "labels": { "alertname": "ConfigDrift" }, "annotations": {},
            "startsAt": "2026-11-21T09:09:48.543Z", "updatedAt": "2026-11-21T09:19:48.546Z",
            "endsAt": "2026-11-21T10:19:48.543Z", "status": { "state": "active", "silencedBy": [], "inhibitedBy": [] },
        })
    };
    let alerts = json!([alert("a"), { "fingerprint": 7 }, alert("b")]);
    let good = move |path: &str, bad: Option<Behaviour>| {
        let alerts = alerts.clone();
        let path = path.to_owned();
        Behaviour::by(move |request| match request.path.as_str() {
            asked if asked == path && bad.is_some() => bad.clone().unwrap(),
            "/api/v2/status" => Behaviour::Answers(Reply::json(&json!({ "versionInfo": { "version": "0.25.0" } }))),
            "/api/v2/silences" => Behaviour::Answers(Reply::json(&json!([]))),
            "/api/v2/alerts" => Behaviour::Answers(Reply::json(&alerts)),
            _ => Behaviour::NotFoundJson,
        })
    };
    let server = Hostile::start(good("", None));
    let made: Arc<dyn Connector> = Arc::new(connector(&server.url()));
    let hub = Hub::new(setup(config(&server.url()), vec![("alerts".into(), made, Duration::from_secs(60))]));
    hub.pass().await;
    let told = status(&hub, "alerts").await;
    assert_eq!((told.drift, told.bad_rows), (Some(2), 1), "{told:?}");
    assert!(told.bad_row.unwrap().starts_with("alert 2 can't be read: "));
    for path in ["/api/v2/status", "/api/v2/silences", "/api/v2/alerts"] {
        for (name, bad) in [
            ("404", Behaviour::NotFoundHtml),
            ("not json", Behaviour::NotJson),
            ("cut", Behaviour::CutLength),
            ("an object", Behaviour::Answers(Reply::json(&json!({ "a": 1 })))),
        ] {
            server.behave(good(path, Some(bad)));
            hub.pass().await;
            let told = status(&hub, "alerts").await;
            assert!(told.error.is_some() && told.drift == Some(2), "{path} {name}: {told:?}");
            server.behave(good("", None));
            hub.pass().await;
            hub.pass().await;
        }
    }
}
