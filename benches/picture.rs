//! What the whole picture costs: 20,000 tenants, 100,000 findings of drift, a million events.
//!
//! `cargo bench --bench picture -- [tenants|drift|events]...`

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails ends the bench")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use quarterdeck::config::{TenantBook, ThresholdBook};
use quarterdeck::connect::{ConnectError, Connector, Observation, Tells, hand_on};
use quarterdeck::domain::difference::Difference;
use quarterdeck::domain::drift::{Desired, DriftFinding, DriftKind, DriftStatus, Severity};
use quarterdeck::domain::event::Event;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::redact::Redactor;
use quarterdeck::domain::tenant::{Field, FieldClass, Tenant, TenantStatus};
use quarterdeck::domain::text::SafeText;
use quarterdeck::hub::{Hub, Policing, Setup};
use quarterdeck::ops::{DriftQuery, EventsQuery, Ops, TenantsQuery, TimelineQuery};
use quarterdeck::query::EventFilter;
use serde_json::json;
use tokio::sync::mpsc;

const TENANTS: u64 = 20_000;
const FINDINGS: u64 = 100_000;
const EVENTS: u64 = 1_200_000;
const AT_ONCE: u64 = 20_000;

/// Tells tenants and drift once, and with each pass so many new events.
#[derive(Default)]
struct Picture {
    told: AtomicU64,
    events: u64,
    tenants: bool,
    drift: bool,
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn tenant(n: u64) -> Tenant {
    let id: SafeText = format!("t-{n:05}").into();
    Tenant {
        name: format!("Company {} {}", n % 977, n).into(),
        domains: vec![format!("company-{n}.example").into()],
        status: TenantStatus::Active,
        plan: Some("team".into()),
        tier: Some(["gold", "silver", "free"][usize::try_from(n % 3).unwrap()].into()),
        region: Some("eu-west-1".into()),
        fields: vec![Field {
            name: "email".into(),
            value: format!("ops@company-{n}.example").into(),
            class: FieldClass::Personal,
        }],
        ..Tenant::unlisted(&"picture".into(), &id, now())
    }
}

fn finding(n: u64) -> DriftFinding {
    DriftFinding {
        id: InstanceId::new("picture", format!("env-{n:06}")),
        exact_id: true,
        scope: format!("env-{n:06}").into(),
        what: "policy".into(),
        tenant: Some(format!("t-{:05}", n % TENANTS).into()),
        kind: DriftKind::VersionSkew,
        status: DriftStatus::Drifted,
        severity: Severity::Warning,
        owner: None,
        desired: Desired::default(),
        difference: Difference::Untold,
        note: None,
        cause_key: format!("cause-{}", n % 40).into(),
        since: None,
        last_checked: Some(now()),
        check_interval: Some(SignedDuration::from_mins(5)),
        ignored_until: None,
    }
}

fn event(n: u64) -> Event {
    let value = json!({
        "specversion": "1.0", "id": format!("e-{n}"), "source": "/bus", "type": "com.example.changed", "time": now(),
        "tenant": format!("t-{:05}", n % TENANTS), "service": format!("svc-{}", n % 50), "authid": "ci",
        "data": { "summary": format!("setting {} was changed", n % 300), "before": n, "after": n + 1 },
    });
    Event::read(&"picture".into(), &value, &Redactor::default(), now()).unwrap()
}

#[async_trait]
impl Connector for Picture {
    fn kind(&self) -> &'static str {
        "picture"
    }

    fn address(&self) -> SafeText {
        "nowhere".into()
    }

    fn tells(&self) -> Tells {
        Tells { flows: false, drift: self.drift, tenants: self.tenants, events: true }
    }

    async fn check(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let from = self.told.fetch_add(self.events, Ordering::Relaxed);
        let mut parts = Vec::new();
        if self.tenants {
            parts.push(Observation::Tenants((0..TENANTS).map(tenant).collect()));
        }
        if self.drift {
            parts.push(Observation::Drift((0..FINDINGS).map(finding).collect()));
        }
        parts.push(Observation::Events((from..from + self.events).map(event).collect()));
        parts.push(Observation::End { complete: true, engine_now: None, version: None });
        hand_on(&sink, parts).await
    }
}

fn hub(picture: Picture) -> Arc<Hub> {
    Hub::new(Setup {
        context: "bench".into(),
        operator: "bench".into(),
        read_only: None,
        locked: false,
        thresholds: ThresholdBook::default(),
        tenants: TenantBook::default(),
        policing: Policing::default(),
        soak: SignedDuration::from_secs(1),
        state_dir: None,
        read_dir: None,
        clock: Arc::new(now),
        sources: vec![("picture".into(), Arc::new(picture), Duration::from_secs(5))],
    })
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// The median of ten, in milliseconds.
async fn median<F: Future>(mut what: impl FnMut() -> F) -> f64 {
    let mut times = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        what().await;
        times.push(ms(began));
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

async fn tenants() {
    let hub = hub(Picture { tenants: true, drift: true, events: AT_ONCE, ..Picture::default() });
    hub.pass().await;
    for text in ["", "t-00017", "company 9", "ops@company-17.example", "cmpny 17"] {
        let query = TenantsQuery { text: text.into(), offset: 0, limit: 750 };
        println!("tenants by {text:?}: {:.1} ms", median(|| hub.tenants(&query)).await);
    }
    let id = InstanceId::new("picture", "t-00017");
    println!("card: {:.1} ms", median(|| hub.tenant(&id)).await);
    let query = TimelineQuery { tenant: id.clone(), before: None, limit: 200 };
    println!("timeline: {:.1} ms", median(|| hub.timeline(&query)).await);
}

async fn drift() {
    let hub = hub(Picture { drift: true, ..Picture::default() });
    let began = Instant::now();
    hub.pass().await;
    println!("a pass of {FINDINGS} findings: {:.0} ms; {:.0} MiB", ms(began), resident());
    for by_cause in [true, false] {
        let query = DriftQuery { by_cause, limit: 750, ..DriftQuery::default() };
        println!("drift, by cause {by_cause}: {:.1} ms", median(|| hub.drift(&query)).await);
    }
}

async fn events() {
    let hub = hub(Picture { events: AT_ONCE, ..Picture::default() });
    let began = Instant::now();
    let (mut taken, mut at_full) = (0, 0.0);
    while taken < EVENTS {
        hub.pass().await;
        taken += AT_ONCE;
        if taken == 1_000_000 {
            at_full = resident();
        }
    }
    let took = began.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let rate = EVENTS as f64 / took;
    println!(
        "{EVENTS} events, made and taken: {rate:.0} a second; {at_full:.0} MiB at a million, {:.0} at the end",
        resident()
    );
    for text in ["", "class:deployment", "tenant:t-00017", "\"setting 17 \""] {
        let query = EventsQuery { filter: EventFilter::parse(text).unwrap(), until: None, offset: 0, limit: 750 };
        let began = Instant::now();
        let total = hub.events(&query).await.unwrap().total;
        let first = ms(began);
        println!("events {text:?} ({total}): {first:.1} ms first, {:.1} ms again", median(|| hub.events(&query)).await);
    }
}

#[tokio::main]
async fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    if wanted("tenants") {
        tenants().await;
    }
    if wanted("drift") {
        drift().await;
    }
    if wanted("events") {
        events().await;
    }
}
