//! A hub that answers with hand-made data, and counts what it is asked to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::cockpit::{Badge, Settings};
use crate::config::ContextInfo;
use crate::domain::claim::{Claim, ClaimChange, ClaimRequest};
use crate::domain::cohort::{Cohort, Counts, cohort_id, fingerprint};
use crate::domain::flow::{
    EntryOutcome, FlowDetail, FlowError, FlowInstance, JudgedFlow, PauseCause, Status, TimelineEntry, Version, Wait,
    WaitKind,
};
use crate::domain::ids::InstanceId;
use crate::domain::log::{LogBook, LogView};
use crate::domain::promise::Promise;
use crate::domain::raw::{Json, RawFlow, RawPart, Told};
use crate::domain::redact::Redactor;
use crate::domain::remediation::{ItemState, Plan, Remediation, Verb, VerbOffer};
use crate::domain::run::{Attempt, Attempts, StepRun, Stretch, StretchKind};
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::domain::trend::{Sample, Trend};
use crate::domain::verdict::{Circumstances, Rule, Thresholds, judge};
use crate::domain::ways::{ReadRequest, Ways};
use crate::ops::{
    Armed, Cell, FlowAnswer, FlowCount, FlowWindow, FlowsQuery, GroupHead, GroupKey, Line, Lock, Ops, OpsError,
    Overview, Page, Selected, Selection,
};
use crate::query::Filter;

/// A context of a config.
pub(super) fn context(name: &str) -> ContextInfo {
    ContextInfo { name: name.to_owned(), production: false, colour: None, sources: 1 }
}

pub(in crate::cockpit) fn now() -> Timestamp {
    "2026-01-15T03:12:07Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(super) fn settings() -> Settings {
    let mut settings = Settings::new("shop-eu", "mara");
    settings.badge = Badge::Demo;
    settings.clock = Arc::new(now);
    settings
}

pub(super) fn source(name: &str, state: Freshness, seconds: i64) -> SourceStatus {
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
        verbs: &Verb::ALL,
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

pub(super) fn judged(n: usize) -> Arc<JudgedFlow> {
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
        claim: None,
    }
}

pub(super) fn cohorts() -> Vec<Cohort> {
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

pub(super) fn overview() -> Overview {
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
        trend: Some(trend()),
        read_only: None,
        lock: None,
        claims_note: None,
    }
}

pub(super) fn plan(verb: Verb, target: &InstanceId) -> Plan {
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
        read_at: ago(1),
        expires_at: now() + SignedDuration::from_mins(15),
    }
}

pub(super) fn act(item: ItemState) -> Remediation {
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
        watched_until: (!ended).then(|| now() + SignedDuration::from_secs(12)),
    }
}

/// Judged once: fingerprints are not cheap in a debug build.
static ROWS: LazyLock<Vec<Arc<JudgedFlow>>> = LazyLock::new(|| (0..382).map(judged).collect());

/// The hub.
pub(super) struct FakeOps {
    pub(super) overview: Mutex<Result<Overview, OpsError>>,
    pub(super) rows: Mutex<Vec<Arc<JudgedFlow>>>,
    pub(super) acts: Mutex<Vec<Remediation>>,
    pub(super) log: LogBook,
    pub(super) acted: AtomicUsize,
    pub(super) changes: watch::Sender<u64>,
}

impl Default for FakeOps {
    fn default() -> Self {
        Self {
            overview: Mutex::new(Ok(overview())),
            rows: Mutex::new(ROWS.clone()),
            acts: Mutex::new(Vec::new()),
            log: LogBook::default(),
            acted: AtomicUsize::new(0),
            changes: watch::Sender::new(0),
        }
    }
}

pub(super) fn window(rows: &[Arc<JudgedFlow>], query: &FlowsQuery) -> FlowWindow {
    let mut rows: Vec<_> = rows.iter().filter(|row| query.filter.matches(row, now())).cloned().collect();
    let matching = rows.len();
    if query.reverse {
        rows.reverse();
    }
    let mut heads = Vec::new();
    if let Some(group) = &query.group {
        // By tenant, whatever is asked for; the groups in the order of their names.
        let key = |row: &Arc<JudgedFlow>| GroupKey(row.flow.tenant.clone());
        let keys: BTreeSet<_> = rows.iter().map(key).collect();
        let mut listed = Vec::new();
        for name in keys {
            let members: Vec<_> = rows.iter().filter(|row| key(row) == name).cloned().collect();
            let unfolded = group.unfolded.contains(&name);
            heads.push(GroupHead {
                line: listed.len() + heads.len(),
                key: name,
                count: members.len(),
                stuck: members.iter().filter(|row| row.judgement.stuck()).count(),
                open: members.len(),
                oldest: members.iter().filter_map(|row| row.began()).min(),
                unfolded,
            });
            if unfolded {
                listed.extend(members);
            }
        }
        rows = listed;
    }
    let total = rows.len() + heads.len();
    let whole = FlowWindow { rows, heads, offset: 0, total, matching, unfiltered: 382, revision: 7 };
    let (offset, limit) = match &query.page {
        Page::Offset(offset) => (*offset, query.limit),
        Page::Anchor { id, before, otherwise } => {
            (whole.position(id).map_or(*otherwise, |at| at.saturating_sub(*before)), query.limit)
        }
        Page::Head { key, before, otherwise } => {
            (whole.position_of_head(key).map_or(*otherwise, |at| at.saturating_sub(*before)), query.limit)
        }
        Page::Between(one, other) => match (whole.position(one), whole.position(other)) {
            (Some(one), Some(other)) => (one.min(other), one.abs_diff(other) + 1),
            _ => (0, 0),
        },
    };
    let offset = offset.min(total);
    let (mut rows, mut heads) = (Vec::new(), Vec::new());
    for line in (offset..total).take(limit).filter_map(|at| whole.line(at)) {
        match line {
            Line::Row(row) => rows.push(row.clone()),
            Line::Head(head) => heads.push(head.clone()),
        }
    }
    FlowWindow { rows, heads, offset, ..whole }
}

fn run(step: &str, stretches: &[(StretchKind, i64, Option<i64>)], failures: &[i64], outcome: EntryOutcome) -> StepRun {
    let stretches = stretches.iter();
    StepRun {
        step: step.into(),
        stretches: stretches
            .map(|(kind, from, to)| Stretch { kind: *kind, from: ago(*from), to: to.map(ago) })
            .collect(),
        failures: failures.iter().copied().map(ago).collect(),
        outcome,
    }
}

pub(in crate::cockpit) fn answer(flow: FlowInstance) -> FlowAnswer {
    let judgement = judge(&flow, &Thresholds::default(), &Circumstances { now: now(), holder: None });
    let entry = |start: i64, end: Option<i64>, what: &str, outcome, note: Option<&str>| TimelineEntry {
        at: Some(ago(start)),
        ended_at: end.map(ago),
        what: what.into(),
        outcome,
        note: note.map(SafeText::from),
    };
    FlowAnswer {
        detail: FlowDetail {
            error: vec![
                "relation \"tenant_features\" does not exist (SQLSTATE 42P01) at character 15".into(),
                "  at Migrator.apply (/srv/migrations/dist/apply.js:88:15)".into(),
                "  at async Workflow.run (/srv/migrations/dist/workflow.js:31:5)".into(),
            ],
            timeline: vec![
                entry(960, Some(959), "created", EntryOutcome::Note, None),
                entry(959, Some(958), "validate", EntryOutcome::Done, None),
                entry(958, Some(930), "lock-schema", EntryOutcome::Done, None),
                entry(930, Some(900), "apply", EntryOutcome::Failed, Some("attempt 1: relation does not exist")),
                entry(900, None, "apply", EntryOutcome::Open, Some("paused after attempt 12")),
            ],
            runs: vec![
                run("(queued)", &[(StretchKind::Queued, 960, Some(959))], &[], EntryOutcome::Done),
                run("validate", &[(StretchKind::Running, 959, Some(958))], &[], EntryOutcome::Done),
                run("lock-schema", &[(StretchKind::Running, 958, Some(930))], &[], EntryOutcome::Done),
                run(
                    "apply",
                    &[
                        (StretchKind::Running, 930, Some(925)),
                        (StretchKind::BackingOff, 925, Some(915)),
                        (StretchKind::Running, 915, Some(900)),
                        (StretchKind::Paused, 900, None),
                    ],
                    &[925, 900],
                    EntryOutcome::Open,
                ),
            ],
            attempts: Attempts {
                list: [(1, 930, 925), (2, 915, 900)]
                    .into_iter()
                    .map(|(number, began, failed)| Attempt {
                        number: Some(number),
                        step: Some("apply".into()),
                        began_at: Some(ago(began)),
                        failed_at: Some(ago(failed)),
                        error: Some("relation \"tenant_features\" does not exist".into()),
                    })
                    .collect(),
                note: Some("the engine tells equal failures in a row once".into()),
            },
            facts: vec![
                ("deployment", "dp_14LsPzGz9HBxXIeBoH5wYUh".into()),
                ("invoked by", "ingress".into()),
                ("retention", "24 h".into()),
            ],
            flow,
        },
        judgement,
        verbs: vec![
            VerbOffer { verb: Verb::Resume, refusal: None },
            VerbOffer { verb: Verb::Cancel, refusal: Some("its source is stale".into()) },
        ],
        promises: BTreeMap::from([
            ("validate".into(), Promise { run: Some(SignedDuration::from_secs(5)), queue: None }),
            ("apply".into(), Promise { run: Some(SignedDuration::from_secs(20)), queue: None }),
        ]),
        read_at: now(),
        clock_offset: SignedDuration::ZERO,
    }
}

impl FakeOps {
    /// On a production context that is locked.
    pub(super) fn locked() -> Self {
        let why = "shop-eu is production: read-only until it is armed (:arm in the cockpit)";
        let lock = Lock { why: why.into(), armed: None };
        Self { overview: Mutex::new(Ok(Overview { lock: Some(lock), ..overview() })), ..Self::default() }
    }

    fn set_armed(&self, armed: Option<Armed>) {
        if let Ok(overview) = &mut *self.overview.lock().unwrap()
            && let Some(lock) = &mut overview.lock
        {
            lock.armed = armed;
        }
    }
}

#[async_trait]
impl Ops for FakeOps {
    async fn overview(&self, _filter: &Filter) -> Result<Arc<Overview>, OpsError> {
        self.overview.lock().unwrap().clone().map(Arc::new)
    }

    async fn flows(&self, query: FlowsQuery) -> Result<FlowWindow, OpsError> {
        Ok(window(&self.rows.lock().unwrap(), &query))
    }

    async fn counts(&self, filters: &[Filter]) -> Result<Vec<FlowCount>, OpsError> {
        let rows = self.rows.lock().unwrap();
        let count = |filter: &Filter| {
            let matching: Vec<_> = rows.iter().filter(|row| filter.matches(row, now())).collect();
            let stuck = matching.iter().filter(|row| row.judgement.stuck()).count();
            FlowCount { matching: matching.len() as u64, stuck: stuck as u64 }
        };
        Ok(filters.iter().map(count).collect())
    }

    async fn select(&self, selection: &Selection, limit: usize) -> Result<Selected, OpsError> {
        let rows = self.rows.lock().unwrap();
        let chosen = |row: &&Arc<JudgedFlow>| match selection {
            Selection::Ids(ids) => ids.contains(&row.flow.id),
            Selection::Matching { filter, without } => filter.matches(row, now()) && !without.contains(&row.flow.id),
        };
        let chosen: Vec<_> = rows.iter().filter(chosen).cloned().collect();
        Ok(Selected { total: chosen.len(), rows: chosen.into_iter().take(limit).collect() })
    }

    async fn flow(&self, id: &InstanceId) -> Result<FlowAnswer, OpsError> {
        let rows = self.rows.lock().unwrap();
        let row = rows.iter().find(|row| row.flow.id == *id);
        row.map(|row| answer(row.flow.clone())).ok_or_else(|| OpsError::NotFound("no such instance".into()))
    }

    async fn raw(&self, id: &InstanceId) -> Result<RawFlow, OpsError> {
        let told = |text: &str| Told::Json(Json::read(text, &Redactor::default()));
        let invocation =
            format!(r#"{{"id":"{}","status":"paused","retry_count":12,"pinned":null,"last":true}}"#, id.instance);
        Ok(RawFlow {
            input: told(
                r#"{"headers":[{"name":"authorization","value":"Bearer hunter2"}],"payload":{"tenant":"acme","db_password":"hunter2","shards":[1,2,3],"body":"{\"token\":\"hunter2\",\"user\":\"jo\"}"}}"#,
            ),
            output: Told::Not("there is none yet: it has not ended".into()),
            steps: told(
                r#"[{"step":"validate","output":{"ok":true}},{"step":"apply","output":"relation \"tenant_features\" does not exist\n  at apply"}]"#,
            ),
            records: vec![
                RawPart { name: "invocation", told: told(&invocation) },
                RawPart {
                    name: "journal",
                    told: told(
                        r#"[{"index":0,"entry_type":"Command: Input"},{"index":1,"entry_type":"Command: Run","name":"validate"}]"#,
                    ),
                },
            ],
        })
    }

    async fn ways(&self, id: &InstanceId) -> Result<Ways, OpsError> {
        Ok(Ways {
            page: Some(format!("http://restate.internal:9070/ui/invocations/{}", id.instance).into()),
            request: Some(ReadRequest {
                method: "POST",
                url: "http://restate.internal:9070/query".into(),
                headers: vec![("accept", "application/json")],
                credentials: vec![r#"-H "Authorization: Bearer $RESTATE_TOKEN""#],
                body: Some(r#"{"query":"select 1"}"#.into()),
            }),
        })
    }

    async fn refresh(&self, _source: Option<&str>) -> Result<(), OpsError> {
        Ok(())
    }

    async fn plan(&self, verb: Verb, target: &InstanceId) -> Result<Plan, OpsError> {
        Ok(plan(verb, target))
    }

    async fn remediate(&self, _plan_hash: &str, _reason: &str) -> Result<Remediation, OpsError> {
        self.acted.fetch_add(1, Ordering::SeqCst);
        let act = act(ItemState::Pending);
        self.acts.lock().unwrap().insert(0, act.clone());
        Ok(act)
    }

    async fn log(&self) -> Result<Arc<LogView>, OpsError> {
        Ok(Arc::new(self.log.view()))
    }

    async fn arm(&self, lasting: SignedDuration, reason: &str) -> Result<Armed, OpsError> {
        let armed = Armed { until: now() + lasting, reason: reason.into(), by: "mara".into() };
        self.set_armed(Some(armed.clone()));
        Ok(armed)
    }

    async fn disarm(&self) -> Result<(), OpsError> {
        self.set_armed(None);
        Ok(())
    }

    async fn remediations(&self) -> Result<Vec<Remediation>, OpsError> {
        Ok(self.acts.lock().unwrap().clone())
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, OpsError> {
        let mut overview = self.overview.lock().unwrap();
        let Ok(overview) = &mut *overview else { return Err(OpsError::NotFound("no board".into())) };
        let cohort = overview.cohorts.iter_mut().find(|cohort| cohort.id == request.cohort).unwrap();
        if let Some(claim) = cohort.claim.as_ref().filter(|claim| claim.by != "mara")
            && request.over.as_ref() != Some(&claim.id)
        {
            return Err(OpsError::Changed(format!("{} has it", claim.by).into()));
        }
        cohort.claim = match request.what {
            ClaimChange::Release => None,
            ClaimChange::Make { kind, until, note } => Some(Claim {
                id: "claim-of-mara".into(),
                cohort: cohort.id.clone(),
                kind,
                by: "mara".into(),
                at: now(),
                until,
                note: Some(note).filter(|note| !note.is_empty()).map(SafeText::from),
                count: cohort.count,
                tenants: cohort.tenants,
            }),
        };
        Ok(cohort.claim.clone())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
