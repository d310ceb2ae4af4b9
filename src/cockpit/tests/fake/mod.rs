//! A hub that answers with hand-made data, and that data.

pub(in crate::cockpit) mod drift;
mod flow;
pub(in crate::cockpit) mod latency;
mod ops;
pub(in crate::cockpit) mod records;
pub(in crate::cockpit) mod runbooks;
pub(in crate::cockpit) mod suspects;
pub(in crate::cockpit) mod tenants;
pub(in crate::cockpit) mod wide;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub(in crate::cockpit) use self::flow::answer;
pub(in crate::cockpit) use self::ops::FakeOps;
pub(in crate::cockpit) use self::window::window;
use crate::cockpit::{Badge, Settings};
use crate::config::ContextInfo;
use crate::domain::cohort::{Cohort, Counts, cohort_id, fingerprint};
use crate::domain::flow::{FlowError, FlowInstance, JudgedFlow, PauseCause, Status, Version, Wait, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::policy::PolicyDecision;
use crate::domain::redact::Redactor;
use crate::domain::remediation::{ItemState, Plan, Remediation, Verb};
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::domain::trend::{Sample, Trend};
use crate::domain::verdict::{Circumstances, Rule, Thresholds, judge};
use crate::ops::{Cell, Overview};

/// A context of a config.
pub(in crate::cockpit) fn context(name: &str) -> ContextInfo {
    ContextInfo { name: name.to_owned(), production: false, colour: None, sources: 1 }
}

pub(in crate::cockpit) fn now() -> Timestamp {
    "2026-01-15T03:12:07Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(in crate::cockpit) fn settings() -> Settings {
    let mut settings = Settings::new("shop-eu", "mara");
    settings.badge = Badge::Demo;
    settings.clock = Arc::new(now);
    settings
}

pub(in crate::cockpit) fn source(name: &str, state: Freshness, seconds: i64) -> SourceStatus {
    SourceStatus {
        unverified: false,
        name: name.into(),
        kind: "restate",
        address: format!("http://{name}.internal:9070").into(),
        state,
        last_good_at: (state == Freshness::Live || state == Freshness::Stale).then(|| ago(seconds)),
        last_asked_at: (state != Freshness::Never).then(|| ago(1)),
        error: matches!(state, Freshness::Stale | Freshness::Failed)
            .then(|| "connection refused (os error 111): tcp connect to billing.internal:9070".into()),
        left_alone: None,
        failures: if state == Freshness::Live { 0 } else { 36 },
        latency: (state == Freshness::Live).then(|| SignedDuration::from_millis(48)),
        clock_offset: Some(SignedDuration::from_secs(0)),
        interval: SignedDuration::from_secs(5),
        rows: 12_204,
        bad_rows: usize::from(state == Freshness::Stale) * 2,
        untold_tenants: 0,
        untold_tenant: None,
        bad_row: (state == Freshness::Stale).then(|| "row 17: no field `status`".into()),
        version: (state == Freshness::Live).then(|| "1.6.2".into()),
        verbs: &Verb::OF_FLOWS,
        tenants: None,
        flows: true,
        events: false,
        deployments: true,
        drift: None,
    }
}

pub(in crate::cockpit) fn instance(n: usize) -> FlowInstance {
    let flows = [
        ("schema-migration", "apply"),
        ("tenant-provisioning", "database"),
        ("reset-password", "send-sms"),
        ("expired-card", "await-callback"),
    ];
    let (flow, step) = flows[n % 4];
    let tenants = ["acme", "globex", "東京ガス", "initech-very-long-name", "umbrella"];
    let status = [Status::Paused, Status::BackingOff, Status::Running, Status::Waiting][n % 4];
    let tenant = tenants[n % 5];
    let began = 900 + i64::try_from(n).unwrap() * 7;
    let error = match status {
        Status::Paused => Some("relation \"tenant_features\" does not exist (SQLSTATE 42P01) at character 15"),
        Status::BackingOff => Some("connect to pg-17.internal:5432: connection refused"),
        _ => None,
    };
    FlowInstance {
        id: InstanceId::new("restate", format!("inv_1dQ{n:04}mXk7Vb2oZrT9")),
        exact_id: true,
        flow: flow.into(),
        step: step.into(),
        tenant: (n % 7 != 6).then(|| tenant.into()),
        key: n.is_multiple_of(4).then(|| SafeText::new(tenant)),
        status,
        pause: (status == Status::Paused).then_some(PauseCause::Exhausted),
        attempts: Some(u32::try_from(n % 13 + 1).unwrap()),
        created_at: Some(ago(began + 60)),
        entered_step_at: Some(ago(if status == Status::Running { 40 } else { began })),
        last_transition_at: Some(ago(began)),
        first_failure_at: error.is_some().then(|| ago(began)),
        last_start_at: Some(ago(20)),
        next_retry_at: (status == Status::BackingOff).then(|| now() + SignedDuration::from_secs(41)),
        error: error.map(|text| FlowError::new(Some("500"), text, &[tenant], &Redactor::default())),
        wait: (status == Status::Waiting).then(|| Wait {
            kind: WaitKind::Signal,
            reference: Some("card-updated".into()),
            since: Some(ago(began)),
            until: None,
        }),
        signs: crate::domain::signs::Signs::default(),
        completed_commands: 4,
        version: Version::of(status, None, 4, "dp_1"),
        observed_at: ago(2),
    }
}

pub(in crate::cockpit) fn judged(n: usize) -> Arc<JudgedFlow> {
    let flow = instance(n);
    let judgement = judge(&flow, &Thresholds::default(), &Circumstances { now: now(), holder: None });
    Arc::new(JudgedFlow { flow, judgement })
}

fn cohort(flow: &str, step: &str, error: Option<&str>, rule: Rule, counts: (u64, u64, u64), seconds: i64) -> Cohort {
    let print = error.map_or_else(|| SafeText::new(&format!("[{}]", rule.name())), fingerprint);
    Cohort {
        id: cohort_id("restate", flow, step, &print),
        source: "restate".into(),
        flow: flow.into(),
        step: step.into(),
        fingerprint: print,
        count: counts.0,
        tenants: counts.1,
        without_tenant: counts.2,
        growth: (rule != Rule::LostWait).then(|| i64::try_from(counts.0).unwrap_or(0) / 3 - 4),
        since: Some(ago(seconds)),
        rule,
        sample: error.map(SafeText::from),
        evidence: match rule {
            Rule::Exhausted => format!("paused by the engine after 12 attempts at {step}, 15 min ago").into(),
            Rule::RetryStorm => format!("attempt 31 at {step}, failing for 14 min, next in 41 s").into(),
            Rule::BlockedBy => "queued for key acme, which inv_1dQ0004mXk7Vb2oZrT9 holds: exhausted".into(),
            Rule::LostWait => "waiting for a callback for 26 h 3 min".into(),
            Rule::TaskFault => format!("its worker crashed or vanished 3 times in a row in {step}").into(),
            Rule::NoConsumer => "no worker answers the engine, for 6 min".into(),
            Rule::Overdue => format!("running in {step} for 44 min").into(),
            Rule::NeverStarted => "was to begin 12 min ago, and has not".into(),
            Rule::Orphan => "inv_1dQ0004mXk7Vb2oZrT9, which started it, has ended 2 h ago".into(),
        },
        status: match rule {
            Rule::Exhausted => Status::Paused,
            Rule::RetryStorm | Rule::TaskFault => Status::BackingOff,
            Rule::BlockedBy | Rule::NoConsumer => Status::Queued,
            Rule::NeverStarted => Status::Scheduled,
            Rule::LostWait => Status::Waiting,
            Rule::Overdue | Rule::Orphan => Status::Running,
        },
        waits_for: (rule == Rule::LostWait).then_some(WaitKind::Signal),
        onset: Some(ago(seconds)),
        claim: None,
        near: None,
    }
}

pub(in crate::cockpit) fn cohorts() -> Vec<Cohort> {
    vec![
        cohort(
            "tenant-provisioning",
            "database",
            Some("connect to pg-17.internal:5432: connection refused"),
            Rule::RetryStorm,
            (298, 41, 0),
            840,
        ),
        cohort(
            "schema-migration",
            "apply",
            Some("relation \"tenant_features\" does not exist (SQLSTATE 42P01) at character 15"),
            Rule::Exhausted,
            (61, 61, 2),
            900,
        ),
        cohort("schema-migration", "(queued)", None, Rule::BlockedBy, (14, 9, 0), 780),
        cohort("reset-password", "send-sms", Some("provider answered 503"), Rule::Overdue, (7, 0, 7), 2_640),
        cohort("delete-tenant", "await-approval", None, Rule::LostWait, (2, 2, 0), 94_000),
    ]
}

fn cell(source: &str, flow: &str, step: &str, open: u64, stuck: u64, waiting: u64) -> Cell {
    let counts = Counts { open, stuck, waiting, held: u64::from(step == "dns"), ..Counts::default() };
    let counts = Counts { failed: u64::from(step == "apply") * 12, by_rule: BTreeMap::new(), ..counts };
    Cell {
        source: source.into(),
        flow: flow.into(),
        step: step.into(),
        counts,
        approximate: false,
        live: source == "restate",
    }
}

/// An incident that began a quarter of an hour ago; between 35 and 30 minutes ago nobody looked.
fn trend() -> Trend {
    let stuck = |minute: i64| u64::try_from((16 - minute).max(0) * 20 + 40).unwrap_or(0);
    let sample = |minute| Sample { at: ago(minute * 60), open: 9_000, stuck: stuck(minute), by_rule: BTreeMap::new() };
    let samples = (0..60).rev().filter(|minute| !(30..35).contains(minute)).map(sample).collect();
    Trend { samples, growth: Some(31) }
}

pub(in crate::cockpit) fn overview() -> Overview {
    let mut cells = vec![
        cell("restate", "tenant-provisioning", "validate", 6, 0, 0),
        cell("restate", "tenant-provisioning", "database", 1_100, 298, 0),
        cell("restate", "tenant-provisioning", "confirm", 84, 0, 84),
        cell("restate", "tenant-provisioning", "dns", 14, 14, 0),
        cell("restate", "schema-migration", "(queued)", 14, 14, 0),
        cell("restate", "schema-migration", "apply", 61, 61, 0),
        cell("restate", "reset-password", "send-sms", 8_900, 7, 0),
        cell("restate", "reset-password", "send-mail", 11, 0, 0),
        cell("restate", "delete-tenant", "await-approval", 40, 2, 38),
        cell("billing", "expired-card", "charge", 12, 4, 0),
        cell("billing", "expired-card", "notify", 128, 0, 0),
    ];
    for n in 0..52 {
        cells.push(cell("restate", &format!("healthy-{n:02}"), "work", 3, 0, 0));
    }
    Overview {
        at: now(),
        revision: 7,
        context: "shop-eu".into(),
        sources: vec![
            source("restate", Freshness::Live, 2),
            source("billing", Freshness::Stale, 190),
            source("search", Freshness::Failed, 0),
        ],
        cells,
        cohorts: cohorts(),
        stuck_tenants: 118,
        stuck_without_tenant: 0,
        critical_drift: None,
        trend: Some(trend()),
        read_only: None,
        lock: None,
        claims_note: None,
    }
}

pub(in crate::cockpit) fn plan(verb: Verb, target: &InstanceId) -> Plan {
    let flow = instance(0);
    Plan {
        hash: "9f2c6e1ab4d8".into(),
        verb,
        target: target.clone(),
        version: flow.version.as_str().into(),
        flow: flow.flow,
        step: flow.step,
        tenant: flow.tenant,
        status: flow.status,
        evidence: Some("paused by the engine after 12 attempts at apply, 15 min ago".into()),
        error: flow.error.map(|error| error.text),
        effect: "PATCH /invocations/inv_1dQ0000mXk7Vb2oZrT9/resume: it goes on at command 5 (apply)".into(),
        warnings: vec!["the same error was seen 40 s ago in another instance: it may fail again".into()],
        policy: PolicyDecision::default(),
        read_at: ago(1),
        expires_at: now() + SignedDuration::from_mins(15),
    }
}

pub(in crate::cockpit) fn act(item: ItemState) -> Remediation {
    let target = instance(0).id;
    let ended = !matches!(item, ItemState::Pending | ItemState::Accepted | ItemState::Done);
    Remediation {
        id: "rem-01JH".into(),
        plan: plan(Verb::Resume, &target),
        reason: "schema fixed by hand, INC-4711".into(),
        requested_by: "mara".into(),
        requested_at: ago(50),
        item,
        ended,
        outcome: match item {
            ItemState::Verified => "it got past apply and succeeded".into(),
            ItemState::Unknown => "the connection was closed before the answer came".into(),
            ItemState::Failed => "it failed again with the same error".into(),
            _ => SafeText::default(),
        },
        log: vec![
            (ago(50), "recorded".into()),
            (ago(49), "sent to http://restate.internal:9070".into()),
            (ago(48), "accepted: 202".into()),
        ],
        answered: None,
        watched_until: (!ended).then(|| now() + SignedDuration::from_secs(12)),
    }
}
