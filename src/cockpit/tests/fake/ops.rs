//! The hub itself: it answers with the hand-made data, and counts what it is asked to do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::sync::watch;

use super::flow::answer;
use super::suspects::suspects;
use super::tenants::Known;
use super::wide;
use super::window::window;
use super::{act, judged, now, overview, plan};
use crate::domain::automation::AutomationStatus;
use crate::domain::claim::{Claim, ClaimChange, ClaimRequest};
use crate::domain::deployment::Deployments;
use crate::domain::drift::KnownDrift;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::in_force::InForce;
use crate::domain::log::{LogBook, LogView};
use crate::domain::outside::Outside;
use crate::domain::plan::WidePlan;
use crate::domain::raw::{Json, RawFlow, RawPart, Told};
use crate::domain::redact::Redactor;
use crate::domain::remediation::{ItemState, Plan, Remediation, Verb};
use crate::domain::runbook::RunbookOffer;
use crate::domain::text::SafeText;
use crate::domain::ways::{ReadRequest, Ways};
use crate::domain::wide::{Control, WideDetail, WideRemediation};
use crate::ops::{
    Armed, CohortSuspects, DriftQuery, DriftWindow, EventRow, EventWindow, EventsQuery, FlowAnswer, FlowCount,
    FlowWindow, FlowsQuery, Latency, LatencyQuery, Lock, Ops, OpsError, Overview, PlanWish, RequestOf, ReviewOf,
    Selected, Selection, TenantCard, TenantWindow, TenantsQuery, TimelineQuery, TimelineWindow,
};
use crate::query::Filter;

/// Judged once: fingerprints are not cheap in a debug build.
pub(super) static ROWS: LazyLock<Vec<Arc<JudgedFlow>>> = LazyLock::new(|| (0..382).map(judged).collect());

/// What is told of how long steps take.
type LatencyTold = fn(&LatencyQuery) -> Result<Latency, OpsError>;

/// The hub.
pub(in crate::cockpit) struct FakeOps {
    pub(in crate::cockpit) overview: Mutex<Result<Overview, OpsError>>,
    pub(in crate::cockpit) rows: Mutex<Vec<Arc<JudgedFlow>>>,
    pub(in crate::cockpit) acts: Mutex<Vec<Remediation>>,
    pub(in crate::cockpit) wides: Mutex<Result<Vec<Arc<WideRemediation>>, OpsError>>,
    /// What was before those, the newest first.
    pub(in crate::cockpit) older: Vec<Arc<WideRemediation>>,
    /// The plan of many that was made last.
    pub(in crate::cockpit) planned: Mutex<Option<WidePlan>>,
    /// What stands beside them.
    pub(in crate::cockpit) outside: Mutex<Result<Outside, OpsError>>,
    pub(in crate::cockpit) in_force: Mutex<InForce>,
    pub(in crate::cockpit) automations: Mutex<Vec<AutomationStatus>>,
    pub(in crate::cockpit) drift: Mutex<Result<DriftWindow, OpsError>>,
    pub(in crate::cockpit) latency: Mutex<LatencyTold>,
    pub(in crate::cockpit) known: Mutex<Known>,
    pub(in crate::cockpit) log: LogBook,
    pub(in crate::cockpit) acted: AtomicUsize,
    pub(in crate::cockpit) changes: watch::Sender<u64>,
}

impl Default for FakeOps {
    fn default() -> Self {
        Self {
            overview: Mutex::new(Ok(overview())),
            rows: Mutex::new(ROWS.clone()),
            acts: Mutex::new(Vec::new()),
            wides: Mutex::new(Ok(Vec::new())),
            older: Vec::new(),
            planned: Mutex::new(None),
            outside: Mutex::new(Ok(Outside::default())),
            in_force: Mutex::default(),
            automations: Mutex::default(),
            drift: Mutex::new(Err(OpsError::Refused("no drift is known here".into()))),
            latency: Mutex::new(|query| Ok(super::latency::latency(query))),
            known: Mutex::default(),
            log: LogBook::default(),
            acted: AtomicUsize::new(0),
            changes: watch::Sender::new(0),
        }
    }
}

impl FakeOps {
    /// With remediations of many.
    pub(in crate::cockpit) fn with_wides(wides: Vec<Arc<WideRemediation>>) -> Self {
        Self { wides: Mutex::new(Ok(wides)), ..Self::default() }
    }

    /// Changes one of them.
    fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut WideRemediation) -> Result<(), OpsError>,
    ) -> Result<Arc<WideRemediation>, OpsError> {
        let mut wides = self.wides.lock().unwrap();
        let found = wides.as_mut().ok().and_then(|wides| wides.iter_mut().find(|head| head.id == *id));
        let Some(head) = found else { return Err(OpsError::NotFound("no such remediation".into())) };
        change(Arc::make_mut(head))?;
        self.acted.fetch_add(1, Ordering::SeqCst);
        Ok(head.clone())
    }

    /// On a production context that is locked.
    pub(in crate::cockpit) fn locked() -> Self {
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
            Selection::Cause { .. } => false,
        };
        let chosen: Vec<_> = rows.iter().filter(chosen).cloned().collect();
        Ok(Selected { total: chosen.len(), rows: chosen.into_iter().take(limit).collect() })
    }

    async fn runbooks(&self, of: Option<&Selection>) -> Result<Vec<RunbookOffer>, OpsError> {
        let chosen = match of {
            Some(selection) => self.select(selection, usize::MAX).await?.rows,
            None => Vec::new(),
        };
        Ok(super::runbooks::offers(&chosen))
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

    async fn plan_of_many(&self, wish: &PlanWish) -> Result<WidePlan, OpsError> {
        let selected = self.select(&wish.selection, usize::MAX).await?;
        let plan = wide::plan_of(wish, &selected.rows)?;
        *self.planned.lock().unwrap() = Some(plan.clone());
        Ok(plan)
    }

    async fn deployments(&self, of: &Selection) -> Result<Deployments, OpsError> {
        let rows = self.select(of, usize::MAX).await?.rows;
        let flow = rows.first().map(|row| row.flow.flow.clone()).unwrap_or_default();
        if rows.iter().any(|row| row.flow.flow != flow) {
            return Err(OpsError::Refused("they are of several services: narrow it down".into()));
        }
        Ok(wide::deployments(&flow))
    }

    async fn plan_rollback(&self, id: &str) -> Result<WidePlan, OpsError> {
        let wides = self.wides.lock().unwrap().clone()?;
        let head = wides.iter().find(|head| head.id == *id);
        let head = head.ok_or_else(|| OpsError::NotFound("no such remediation".into()))?;
        let plan = wide::taking_back(head)?;
        *self.planned.lock().unwrap() = Some(plan.clone());
        Ok(plan)
    }

    async fn request(&self, request: &RequestOf) -> Result<Arc<WideRemediation>, OpsError> {
        let plan = self.planned.lock().unwrap().take();
        let Some(plan) = plan.filter(|plan| plan.hash == request.plan_hash) else {
            return Err(OpsError::Changed("this plan was asked for already".into()));
        };
        let head = Arc::new(wide::requested(&plan, request));
        self.acted.fetch_add(1, Ordering::SeqCst);
        self.wides.lock().unwrap().as_mut().unwrap().insert(0, head.clone());
        Ok(head)
    }

    async fn review(&self, review: &ReviewOf) -> Result<Arc<WideRemediation>, OpsError> {
        self.change(&review.id, |head| wide::reviewed(head, review))
    }

    async fn control(&self, id: &str, control: Control) -> Result<Arc<WideRemediation>, OpsError> {
        self.change(id, |head| wide::controlled(head, control))
    }

    async fn wide_remediations(&self) -> Result<Arc<Vec<Arc<WideRemediation>>>, OpsError> {
        self.wides.lock().unwrap().clone().map(Arc::new)
    }

    async fn wide_remediations_before(&self, id: &str, most: u32) -> Result<Vec<Arc<WideRemediation>>, OpsError> {
        let after = self.older.iter().position(|head| head.id == *id).map_or(0, |at| at + 1);
        Ok(self.older.iter().skip(after).take(most as usize).cloned().collect())
    }

    async fn latency(&self, query: &LatencyQuery) -> Result<Latency, OpsError> {
        (self.latency.lock().unwrap())(query)
    }

    async fn suspects(&self, cohort: &str) -> Result<CohortSuspects, OpsError> {
        let overview = self.overview.lock().unwrap().clone()?;
        let found = overview.cohorts.iter().find(|known| *known.id == *cohort);
        found.map(suspects).ok_or_else(|| OpsError::NotFound("it is gone".into()))
    }

    async fn tenants(&self, query: &TenantsQuery) -> Result<TenantWindow, OpsError> {
        Ok(self.known.lock().unwrap().window(query))
    }

    async fn tenant(&self, tenant: &InstanceId) -> Result<TenantCard, OpsError> {
        self.known.lock().unwrap().card(tenant)
    }

    async fn timeline(&self, query: &TimelineQuery) -> Result<TimelineWindow, OpsError> {
        Ok(self.known.lock().unwrap().part(query))
    }

    async fn reveal(&self, _tenant: &InstanceId, field: &str, _reason: &str) -> Result<SafeText, OpsError> {
        Known::secret(field)
    }

    async fn events(&self, query: &EventsQuery) -> Result<EventWindow, OpsError> {
        Ok(self.known.lock().unwrap().stream(query))
    }

    async fn event(&self, number: u64) -> Result<EventRow, OpsError> {
        Ok(Known::one(number))
    }

    async fn drift(&self, query: &DriftQuery) -> Result<DriftWindow, OpsError> {
        let mut window = self.drift.lock().unwrap().clone()?;
        window.rows = window.rows.into_iter().skip(query.offset).take(query.limit).collect();
        window.offset = query.offset;
        Ok(window)
    }

    async fn recheck(&self, id: &InstanceId) -> Result<KnownDrift, OpsError> {
        let window = self.drift.lock().unwrap().clone()?;
        let found = window.rows.into_iter().map(|row| row.first).find(|known| known.finding.id == *id);
        found.ok_or_else(|| OpsError::NotFound("it is gone".into()))
    }

    async fn outside(&self, limit: usize) -> Result<Outside, OpsError> {
        let mut outside = self.outside.lock().unwrap().clone()?;
        outside.acts.truncate(limit);
        Ok(outside)
    }

    async fn in_force(&self) -> Result<InForce, OpsError> {
        Ok(self.in_force.lock().unwrap().clone())
    }

    async fn automations(&self) -> Result<Vec<AutomationStatus>, OpsError> {
        Ok(self.automations.lock().unwrap().clone())
    }

    async fn rearmed(&self, side_effect: &str, _reason: &str) -> Result<(), OpsError> {
        let mut in_force = self.in_force.lock().unwrap();
        let before = in_force.side_effects.len();
        in_force.side_effects.retain(|effect| effect.id != *side_effect);
        if in_force.side_effects.len() == before {
            return Err(OpsError::NotFound("it was armed again before".into()));
        }
        self.acted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn wide_remediation(&self, id: &str) -> Result<WideDetail, OpsError> {
        let wides = self.wides.lock().unwrap().clone()?;
        let head = wides.iter().find(|head| head.id == *id);
        head.map(|head| wide::detail(head, "mara")).ok_or_else(|| OpsError::NotFound("no such remediation".into()))
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
