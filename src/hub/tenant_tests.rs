//! Tenants, their cards and their timelines, over sources that tell this and that of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::mpsc;

use super::deciding::Policing;
use super::{Hub, Setup};
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::{ConnectError, Connector, Observation, Tells, hand_on};
use crate::domain::audit::Action;
use crate::domain::drift::DriftFinding;
use crate::domain::event::Event;
use crate::domain::flow::{FlowInstance, PauseCause, Status};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::tenant::{FoundBy, Tenant};
use crate::domain::text::SafeText;
use crate::ops::{Audience, Ops as _, OpsError, TenantsQuery, TimelineQuery, case_json, case_markdown};

/// What one source tells, again and again.
#[derive(Clone, Default)]
struct Told {
    flows: Vec<FlowInstance>,
    tenants: Vec<Tenant>,
    drift: Vec<DriftFinding>,
    events: Vec<Event>,
    past: Vec<Event>,
}

#[async_trait]
impl Connector for Told {
    fn kind(&self) -> &'static str {
        "told"
    }

    fn address(&self) -> SafeText {
        "nowhere".into()
    }

    fn tells(&self) -> Tells {
        Tells { flows: true, drift: true, tenants: !self.tenants.is_empty(), events: true }
    }

    async fn check(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let told = self.clone();
        hand_on(
            &sink,
            [
                Observation::Flows(told.flows),
                Observation::Tenants(told.tenants),
                Observation::Drift(told.drift),
                Observation::Events(told.events),
                Observation::End { complete: true, engine_now: None, version: None },
            ],
        )
        .await
    }

    async fn past(&self, tenant: &SafeText, before: Timestamp, limit: usize) -> Result<Vec<Event>, ConnectError> {
        let mut past: Vec<Event> = self
            .past
            .iter()
            .filter(|event| event.tenant.as_ref() == Some(tenant) && event.at < before)
            .cloned()
            .collect();
        past.sort_by_key(|event| std::cmp::Reverse(event.at));
        past.truncate(limit);
        Ok(past)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn flow(id: &str, tenant: &str, second: i64, failed: bool) -> FlowInstance {
    let mut flow = crate::domain::verdict::tests::instance();
    flow.id = InstanceId::new("engine", id);
    flow.tenant = Some(tenant.into());
    flow.created_at = Some(at(second));
    flow.entered_step_at = Some(at(second));
    flow.last_transition_at = Some(at(second));
    flow.observed_at = at(0);
    if failed {
        (flow.status, flow.pause) = (Status::Paused, Some(PauseCause::Exhausted));
        flow.last_transition_at = Some(at(second + 5));
        let text = "connection refused by db-7.internal:5432";
        flow.error = Some(crate::domain::flow::FlowError::new(None, text, &[], &Redactor::default()));
    }
    flow
}

fn tenant(source: &str, id: &str, name: &str) -> Tenant {
    let mut tenant = crate::domain::tenant::tests::tenant(id, name);
    tenant.id.source = source.into();
    tenant
}

fn event(id: &str, tenant: Option<&str>, second: i64, kind: &str) -> Event {
    let value = json!({
        "specversion": "1.0", "id": id, "source": "/bus", "type": kind, "time": at(second), "tenant": tenant,
        "region": "eu-west-1", "authid": "ada", "data": { "summary": format!("{kind} {id}") },
    });
    Event::read(&"bus".into(), &value, &Redactor::default(), at(second)).unwrap()
}

async fn hub(sources: Vec<(&str, Told)>) -> Arc<Hub> {
    let sources = sources
        .into_iter()
        .map(|(name, told)| (name.to_owned(), Arc::new(told) as Arc<dyn Connector>, Duration::from_secs(5)));
    let hub = Hub::new(Setup {
        context: "prod".into(),
        operator: "ada".into(),
        read_only: None,
        locked: false,
        thresholds: ThresholdBook::default(),
        tenants: TenantBook::default(),
        policing: Policing::default(),
        soak: SignedDuration::from_secs(1),
        state_dir: None,
        read_dir: None,
        clock: Arc::new(|| at(0)),
        sources: sources.collect(),
    });
    hub.pass().await;
    hub
}

async fn found(hub: &Hub, text: &str) -> Vec<(String, Option<FoundBy>, u64, u64)> {
    let query = TenantsQuery { text: text.into(), offset: 0, limit: 50 };
    let rows = hub.tenants(&query).await.unwrap().rows;
    rows.iter().map(|row| (row.tenant.id.to_string(), row.found_by.clone(), row.stuck, row.drift)).collect()
}

fn world() -> Vec<(&'static str, Told)> {
    let mut finding = crate::domain::drift::tests::finding("policy");
    finding.id.source = "engine".into();
    finding.tenant = Some("acme".into());
    let engine = Told {
        flows: vec![flow("f1", "acme", -600, true), flow("f2", "acme", -60, false), flow("f3", "ghost", -600, true)],
        drift: vec![finding],
        ..Told::default()
    };
    let directory = Told {
        tenants: vec![tenant("directory", "acme", "Acme Ltd"), tenant("directory", "globex", "Globex Corporation")],
        events: vec![
            event("plan", Some("acme"), -300, "com.example.changed"),
            event("region", None, -200, "com.example.deployed"),
        ],
        past: (1..=5).map(|n| event(&format!("old-{n}"), Some("acme"), -1_000 * n, "com.example.changed")).collect(),
        ..Told::default()
    };
    vec![("engine", engine), ("directory", directory)]
}

#[tokio::test]
async fn who_is_hurt_most_comes_first_and_who_has_no_directory_is_known_all_the_same() {
    let hub = hub(world()).await;
    let ids = |all: Vec<(String, Option<FoundBy>, u64, u64)>| -> Vec<String> {
        all.into_iter().map(|(id, _, stuck, drift)| format!("{id} {stuck} {drift}")).collect()
    };
    assert_eq!(ids(found(&hub, "").await), ["directory/acme 1 1", "engine/ghost 1 0", "directory/globex 0 0"]);
    assert_eq!(ids(found(&hub, "GLOBEX corporation").await), ["directory/globex 0 0"]);
    assert_eq!(ids(found(&hub, "glx crp").await), ["directory/globex 0 0"], "by its letters, where nothing else fits");
    assert_eq!(found(&hub, "ops@acme.example").await[0].1, Some(FoundBy::Field("email".into())));
    assert!(found(&hub, "no such one at all").await.is_empty());
    let query = TenantsQuery { text: "acme".into(), offset: 0, limit: 50 };
    let told = format!("{:?}", hub.tenants(&query).await.unwrap());
    assert!(!told.contains("ops@"), "what is personal is found by, and not told");
}

#[tokio::test]
async fn a_card_has_what_is_stuck_first_and_tells_the_customer_nothing_internal() {
    let hub = hub(world()).await;
    let card = hub.tenant(&InstanceId::new("directory", "acme")).await.unwrap();
    let ids: Vec<&str> = card.flows.iter().map(|judged| judged.flow.id.instance.as_str()).collect();
    assert_eq!((ids, card.counts.matching, card.counts.stuck, card.drift_total), (vec!["f1", "f2"], 2, 1, 1));
    assert!(card.listed && card.namesakes.is_empty());
    let told: Vec<&str> = card.for_customer.iter().map(|told| told.text.as_str()).collect();
    assert_eq!(told.len(), 1, "what is on its way is no news: {told:?}");
    assert!(told[0].starts_with("Database is delayed since ") && told[0].contains("Reference f1"), "{told:?}");
    let query = TimelineQuery { tenant: card.tenant.id.clone(), before: None, limit: 100 };
    let timeline = hub.timeline(&query).await.unwrap();
    for internal in ["internal", "refused", "ops@acme"] {
        let customer = case_markdown(&card, &timeline.rows, Audience::Customer);
        assert!(!customer.contains(internal), "{customer}");
        assert!(!case_json(&card, &timeline.rows, Audience::Customer).to_string().contains(internal));
    }
    let own = case_markdown(&card, &timeline.rows, Audience::Own);
    assert!(own.contains("db-7.internal") && own.contains("email: hidden") && !own.contains("ops@"), "{own}");
    let named = hub.tenant(&InstanceId::new("engine", "acme")).await.unwrap();
    assert_eq!(
        named.tenant.id,
        InstanceId::new("directory", "acme"),
        "whoever names them, it is the one that is listed"
    );
    let ghost = hub.tenant(&InstanceId::new("engine", "ghost")).await.unwrap();
    assert!(!ghost.listed && ghost.counts.stuck == 1);
    assert!(matches!(hub.tenant(&InstanceId::new("engine", "nobody")).await, Err(OpsError::NotFound(_))));
}

#[tokio::test]
async fn a_timeline_is_one_order_over_all_tellers_page_by_page_without_a_gap() {
    let hub = hub(world()).await;
    let tenant = InstanceId::new("directory", "acme");
    let ask =
        async |before, limit| hub.timeline(&TimelineQuery { tenant: tenant.clone(), before, limit }).await.unwrap();
    let all = ask(None, 100).await;
    let told: Vec<String> =
        all.rows.iter().map(|row| format!("{} {}", row.kind.name(), row.reference.told())).collect();
    assert_eq!(
        told,
        [
            "drift engine/policy",
            "flow engine/f2",
            "deployment region",
            "change plan",
            "error engine/f1",
            "flow engine/f1",
            "change old-1",
            "change old-2",
            "change old-3",
            "change old-4",
            "change old-5",
        ]
    );
    assert_eq!(all.next, None);
    for limit in 1..=4 {
        let (mut rows, mut before) = (Vec::new(), None);
        loop {
            let page = ask(before.take(), limit).await;
            assert!(page.rows.len() <= limit);
            rows.extend(page.rows);
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        assert_eq!(rows, all.rows, "pages of {limit}");
    }
}

#[tokio::test]
async fn who_has_the_same_id_elsewhere_is_told_and_never_taken_for_the_other() {
    let mut sources = world();
    let billing = Told { tenants: vec![tenant("billing", "acme", "Another Acme")], ..Told::default() };
    sources.push(("billing", billing));
    let hub = hub(sources).await;
    let card = hub.tenant(&InstanceId::new("directory", "acme")).await.unwrap();
    assert_eq!(card.tenant.name, "Acme Ltd");
    assert_eq!(card.namesakes, [(InstanceId::new("billing", "acme"), "Another Acme".into())]);
    assert_eq!(found(&hub, "acme").await.len(), 2, "each is a row of its own");
}

#[tokio::test]
async fn what_is_personal_is_revealed_for_a_reason_and_recorded() {
    let hub = hub(world()).await;
    let id = InstanceId::new("directory", "acme");
    let refused = |answer: Result<SafeText, OpsError>| answer.unwrap_err().to_string();
    assert_eq!(refused(hub.reveal(&id, "email", " ").await), "a reason is needed, for the record");
    assert_eq!(refused(hub.reveal(&id, "token", "on a call").await), "token is a secret: it is not held");
    assert_eq!(refused(hub.reveal(&id, "shoe", "on a call").await), "directory/acme has no field shoe");
    assert_eq!(hub.reveal(&id, "email", "on a call").await.unwrap(), "ops@acme.example");
    let journal = hub.executor.as_ref().unwrap().journal();
    let entries = journal.ledger().newest([Action::Reveal, Action::Act], 10).await.unwrap();
    let entry = &entries[0];
    assert_eq!((entry.action.as_str(), entry.subject.as_str()), ("reveal", "directory/acme"));
    assert!(entry.detail.contains("on a call") && !entry.detail.contains("ops@"), "{}", entry.detail);
}
