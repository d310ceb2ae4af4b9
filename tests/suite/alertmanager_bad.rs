//! What an Alertmanager may tell wrong: alerts of mebibytes, from the future, told twice, out of order, or none at all.

use std::sync::Arc;
use std::time::Duration;

use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::hub::{setup, status};
use jiff::{SignedDuration, Timestamp};
use quarterdeck::config::Config;
use quarterdeck::connect::Connector;
use quarterdeck::connect::alertmanager::Alertmanager;
use quarterdeck::domain::source::Freshness;
use quarterdeck::hub::Hub;
use quarterdeck::ops::{DriftQuery, EventsQuery, Ops as _};
use quarterdeck::query::EventFilter;
use serde_json::{Value, json};

fn at(minutes: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(minutes)
}

fn alert(fingerprint: &str, minutes: i64) -> Value {
    json!({
        "fingerprint": fingerprint, "startsAt": at(minutes), "updatedAt": at(minutes), "endsAt": at(minutes + 5),
        "labels": {"alertname": "ConfigDrift", "severity": "critical", "instance": fingerprint},
        "annotations": {"summary": "it differs", "expected": "replicas=3", "actual": "replicas=1"},
        "receivers": [{"name": "all"}], "generatorURL": "http://prometheus/graph",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    })
}

async fn passed(alerts: Value) -> Arc<Hub> {
    let server = Hostile::start(Behaviour::by(move |request| {
        Behaviour::Answers(match request.path.split('?').next().unwrap() {
            "/api/v2/status" => Reply::json(&json!({"versionInfo": {"version": "0.25.0"}, "uptime": at(-60)})),
            "/api/v2/alerts" => Reply::json(&alerts),
            _ => Reply::json(&json!([])),
        })
    }));
    let rule = r#"drift = ['alertname="ConfigDrift"']"#;
    let text = format!("[[source]]\nname = \"alerts\"\nkind = \"alertmanager\"\nurl = \"{}\"\n{rule}\n", server.url());
    let config = Config::parse(&text, "config.toml", None).unwrap();
    let setting = config.context.sources[0].alerts.clone().unwrap();
    let connector = Alertmanager::new("alerts", &server.url(), Duration::from_secs(20), None, setting).unwrap();
    let hub = Hub::new(setup(
        config,
        vec![("alerts".into(), Arc::new(connector) as Arc<dyn Connector>, Duration::from_secs(60))],
    ));
    hub.pass().await;
    hub
}

async fn ids(hub: &Hub) -> Vec<String> {
    let window = hub.drift(&DriftQuery { limit: 50, ..DriftQuery::default() }).await.unwrap();
    let mut ids: Vec<String> = window.rows.iter().map(|row| row.first.finding.id.instance.to_string()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn alerts_of_mebibytes_from_the_future_twice_and_out_of_order_are_each_told_once() {
    let mut huge = alert("cc", -4);
    huge["annotations"]["summary"] = "x".repeat(4 * 1024 * 1024).into();
    huge["annotations"]["actual"] = "a line\n".repeat(50_000).into();
    let mut deep = alert("dd", -5);
    deep["annotations"]["expected"] = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000)).into();
    let mut binary = alert("ee", -6);
    binary["annotations"]["actual"] = "\u{0}\u{1b}[2J\u{202e}".repeat(500).into();
    let twice = alert("aa", -1);
    let alerts = json!([twice, alert("bb", 60 * 24 * 400), twice, huge, deep, binary, alert("ff", -300)]);
    let hub = passed(alerts).await;
    let told = status(&hub, "alerts").await;
    assert_eq!((told.state, told.error.clone()), (Freshness::Live, None), "{told:?}");
    assert_eq!(ids(&hub).await, ["aa", "bb", "cc", "dd", "ee", "ff"], "{told:?}");
    let query = EventsQuery { filter: EventFilter::default(), until: None, offset: 0, limit: 50 };
    let events = hub.events(&query).await.unwrap();
    // Those that say the same within minutes are one line.
    let told: Vec<(&str, u32)> = events.rows.iter().map(|row| (row.event.id.as_str(), row.times)).collect();
    assert_eq!(told.iter().map(|(_, times)| times).sum::<u32>(), 6, "{told:?}");
    assert_eq!(events.rows.iter().filter(|row| row.ahead).count(), 1);
    assert!(events.rows.iter().all(|row| row.event.text.len() < 4_096), "a line of the list is a line");
}

#[tokio::test]
async fn an_alert_that_is_none_spoils_no_other() {
    let bad = [
        json!(null),
        json!(5),
        json!({}),
        json!({"fingerprint": null, "labels": {}, "annotations": {}, "startsAt": at(0), "status": {"state": "active"}}),
        json!({"fingerprint": "x", "labels": {"alertname": 5}, "annotations": {}, "startsAt": at(0)}),
        json!({"fingerprint": "x", "labels": [], "annotations": {}, "startsAt": "yesterday"}),
    ];
    for bad in bad {
        let hub = passed(json!([alert("aa", -1), bad, alert("bb", -2)])).await;
        let told = status(&hub, "alerts").await;
        assert_eq!((told.state, told.error.clone(), told.bad_rows), (Freshness::Live, None, 1), "{bad}: {told:?}");
        assert_eq!(ids(&hub).await, ["aa", "bb"], "{bad}");
    }
    for none in [json!({}), json!("alerts"), json!(7), json!({"alerts": []})] {
        let hub = passed(none.clone()).await;
        assert_eq!(status(&hub, "alerts").await.state, Freshness::Failed, "{none}");
    }
}
