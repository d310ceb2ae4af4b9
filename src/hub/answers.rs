//! What a hub answers: every question and request that there is, out of its sources.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::board::{self, Board};
use super::deciding::Asked;
use super::executor::offers;
use super::rows::Bits;
use super::source::Source;
use super::{Hub, missing};
use crate::domain::automation::AutomationStatus;
use crate::domain::claim::{Claim, ClaimRequest};
use crate::domain::deployment::Deployments;
use crate::domain::drift::KnownDrift;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::in_force::InForce;
use crate::domain::log::LogView;
use crate::domain::outside::Outside;
use crate::domain::plan::{Frozen, WidePlan};
use crate::domain::raw::RawFlow;
use crate::domain::remediation::{Plan, Remediation, Verb};
use crate::domain::runbook::RunbookOffer;
use crate::domain::text::SafeText;
use crate::domain::trend::{Sample, Trend};
use crate::domain::ways::Ways;
use crate::domain::wide::{Control, WideDetail, WideRemediation};
use crate::ops::{
    AdoptOf, Armed, CohortSuspects, DriftQuery, DriftWindow, EventRow, EventWindow, EventsQuery, FlowAnswer, FlowCount,
    FlowWindow, FlowsQuery, IgnoreOf, Latency, LatencyQuery, Near, Ops, OpsError, Overview, PlanWish, RequestOf,
    ReviewOf, Selected, Selection, TenantCard, TenantWindow, TenantsQuery, TimelineQuery, TimelineWindow, is_reason,
};
use crate::query::Filter;

#[async_trait]
impl Ops for Hub {
    async fn overview(&self, filter: &Filter) -> Result<Arc<Overview>, OpsError> {
        self.claims.first_look().await;
        let revision = *self.revision.borrow();
        let at = (self.clock)();
        let board = |source: &Source| {
            if filter.is_empty() {
                return source.grown_board(&self.book, at);
            }
            let rows = &source.held().rows;
            let part = self.matching(source, rows, filter);
            board::of_rows(rows, &rows.facets_of(&part.found.bits, part.live), None, part.limits, part.live)
        };
        let boards: Vec<Board> = self.sources.iter().map(board).collect();
        let mut overview = Overview {
            at,
            revision,
            context: self.gate.context.clone(),
            sources: self.sources.iter().map(Source::status).collect(),
            cells: Vec::new(),
            cohorts: Vec::new(),
            stuck_tenants: 0,
            stuck_without_tenant: 0,
            critical_drift: self.critical_drift(at),
            trend: filter.is_empty().then(|| self.trend(&boards, at)),
            read_only: self.refusal(),
            lock: self.gate.latch.as_ref().map(|latch| latch.show()),
            claims_note: None,
        };
        let mut tenants = HashSet::new();
        for (source, board) in self.sources.iter().zip(boards) {
            let live = source.live();
            overview.cells.extend(board.cells.into_iter().map(|mut cell| {
                cell.live = live;
                cell
            }));
            overview.stuck_without_tenant += board.cohorts.iter().map(|cohort| cohort.without_tenant).sum::<u64>();
            overview.cohorts.extend(board.cohorts);
            tenants.extend(board.stuck_tenants);
        }
        overview.stuck_tenants = tenants.len() as u64;
        board::worst_first(&mut overview.cohorts);
        self.put_near(&mut overview.cohorts);
        overview.claims_note = self.claims.put_on(&mut overview.cohorts, filter.is_empty(), overview.at);
        Ok(Arc::new(overview))
    }

    async fn flows(&self, query: FlowsQuery) -> Result<FlowWindow, OpsError> {
        let revision = *self.revision.borrow();
        let held: Vec<_> = self.sources.iter().map(|source| (source, source.held())).collect();
        let unfiltered = held.iter().map(|(_, held)| held.rows.len()).sum();
        let parts: Vec<_> =
            held.iter().map(|(source, held)| self.matching(source, &held.rows, &query.filter)).collect();
        let mut window = self.lists.window(&parts, &query, unfiltered, revision);
        if window.matching == 0 && unfiltered > 0 {
            window.near = query.filter.wider().into_iter().find_map(|wider| {
                let matching = |source: &Source, rows| self.matching(source, rows, &wider.filter).found.count;
                let count = held.iter().map(|(source, held)| matching(source, &held.rows)).sum();
                (count > 0).then(|| Near { count, words: wider.words.into(), term: wider.term.into() })
            });
        }
        Ok(window)
    }

    async fn counts(&self, filters: &[Filter]) -> Result<Vec<FlowCount>, OpsError> {
        let mut counts = vec![FlowCount::default(); filters.len()];
        for source in &self.sources {
            let rows = &source.held().rows;
            for (count, filter) in counts.iter_mut().zip(filters) {
                let part = self.matching(source, rows, filter);
                count.matching += part.found.count as u64;
                count.stuck += part.found.bits.iter().filter(|slot| rows.stuck(*slot, part.live)).count() as u64;
            }
        }
        Ok(counts)
    }

    async fn select(&self, selection: &Selection, limit: usize) -> Result<Selected, OpsError> {
        let mut selected = Selected { rows: Vec::new(), total: 0 };
        for source in &self.sources {
            let rows = &source.held().rows;
            let of_source = |ids: &BTreeSet<InstanceId>| -> Bits {
                let ids = ids.iter().filter(|id| id.source == source.name);
                ids.flat_map(|id| rows.all(&id.instance)).collect()
            };
            let bits = match selection {
                Selection::Ids(ids) => of_source(ids),
                Selection::Matching { filter, without } => {
                    let mut bits = Bits::clone(&self.matching(source, rows, filter).found.bits);
                    of_source(without).iter().for_each(|slot| bits.remove(slot));
                    bits
                }
                // What drifts is no instance of a flow.
                Selection::Cause { .. } => continue,
            };
            selected.total += bits.count();
            let (limits, live) = (source.limits(&self.book), source.live());
            let room = limit.saturating_sub(selected.rows.len());
            let chosen = bits.iter().take(room).map(|slot| Arc::new(rows.judged(slot, limits, live)));
            selected.rows.extend(chosen);
        }
        Ok(selected)
    }

    async fn flow(&self, id: &InstanceId) -> Result<FlowAnswer, OpsError> {
        let (source, mut reading, judgement) = self.read(id).await?;
        self.tell_outside_of(&mut reading.detail);
        let offers = offers(&*source.connector, &reading.detail.flow, self.refusal().as_ref());
        let verbs = self.under_policy(offers, &reading.detail.flow, &judgement);
        let read_at = (self.clock)();
        let clock_offset = reading.engine_now.duration_since(read_at);
        let promises = self.promises(&reading.detail);
        let deployments = source.connector.has_deployments();
        Ok(FlowAnswer { detail: reading.detail, judgement, verbs, deployments, promises, read_at, clock_offset })
    }

    async fn raw(&self, id: &InstanceId) -> Result<RawFlow, OpsError> {
        let source = self.exact(id)?;
        let raw =
            source.connector.raw(&id.instance).await.map_err(|error| OpsError::Source(error.to_string().into()))?;
        raw.ok_or_else(|| missing(id))
    }

    async fn ways(&self, id: &InstanceId) -> Result<Ways, OpsError> {
        let source = self.exact(id)?;
        let known = source.judged(&self.book, &id.instance).map(|row| row.flow.flow);
        let flow = match known {
            Some(flow) => flow,
            // One that has ended is on no list.
            None => self.read(id).await?.1.detail.flow.flow,
        };
        Ok(source.connector.ways(&id.instance, &flow))
    }

    async fn refresh(&self, source: Option<&str>) -> Result<(), OpsError> {
        match source {
            Some(name) => self.source(name)?.wake(),
            None => self.sources.iter().for_each(Source::wake),
        }
        Ok(())
    }

    async fn plan(&self, verb: Verb, target: &InstanceId) -> Result<Plan, OpsError> {
        let planned = self.planned(verb, target).await;
        if let Some(executor) = &self.executor {
            executor.dry_run(verb, target, planned.as_ref()).await;
        }
        planned
    }

    async fn plan_of_many(&self, wish: &PlanWish) -> Result<WidePlan, OpsError> {
        let plan = self.wide_plan(wish, &Asked::by(self.gate.operator.clone())).await?;
        self.kept_plan(plan).await
    }

    async fn deployments(&self, of: &Selection) -> Result<Deployments, OpsError> {
        self.deployments_of(of).await
    }

    async fn plan_rollback(&self, id: &str) -> Result<WidePlan, OpsError> {
        let plan = self.rollback_of(id).await?;
        self.kept_plan(plan).await
    }

    async fn runbooks(&self, of: Option<&Selection>) -> Result<Vec<RunbookOffer>, OpsError> {
        self.offered(of).await
    }

    async fn request(&self, request: &RequestOf) -> Result<Arc<WideRemediation>, OpsError> {
        let runs = self.runs()?;
        let asked = async {
            let plan = runs.plan(&request.plan_hash).await?;
            let rows = self.targets_of(&plan.frozen).await?;
            runs.request(&self.gate.operator, request, &rows).await
        };
        match asked.await {
            Ok(asked) => Ok(asked),
            Err(error) => runs.refused(&self.gate.operator, &request.plan_hash, "request", error).await,
        }
    }

    async fn review(&self, review: &ReviewOf) -> Result<Arc<WideRemediation>, OpsError> {
        self.runs()?.review(review).await
    }

    async fn control(&self, id: &str, control: Control) -> Result<Arc<WideRemediation>, OpsError> {
        let runs = self.runs()?;
        // What an ended process has left is not what it seems.
        runs.recover().await?;
        let rows = match control {
            Control::Run | Control::Resume => self.targets_of(&runs.detail(id).await?.head.plan.frozen).await?,
            Control::Hold | Control::Abort => Vec::new(),
        };
        runs.control(id, control, &rows).await
    }

    async fn wide_remediations(&self) -> Result<Arc<Vec<Arc<WideRemediation>>>, OpsError> {
        match &self.runs {
            Some(runs) => runs.list().await,
            None => Ok(Arc::default()),
        }
    }

    async fn in_force(&self) -> Result<InForce, OpsError> {
        let side_effects = match &self.runs {
            Some(runs) => runs.side_effects().await?,
            None => Vec::new(),
        };
        Ok(InForce { side_effects, borrowed: self.borrowed().await? })
    }

    async fn rearmed(&self, side_effect: &str, reason: &str) -> Result<(), OpsError> {
        self.runs()?.rearmed(side_effect, reason).await
    }

    async fn wide_remediations_before(&self, id: &str, most: u32) -> Result<Vec<Arc<WideRemediation>>, OpsError> {
        match &self.runs {
            Some(runs) => runs.before(id, most).await,
            None => Ok(Vec::new()),
        }
    }

    async fn leave(&self) -> Vec<Arc<WideRemediation>> {
        match &self.runs {
            Some(runs) => runs.leave().await,
            None => Vec::new(),
        }
    }

    async fn wide_remediation(&self, id: &str) -> Result<WideDetail, OpsError> {
        self.runs()?.detail(id).await
    }

    async fn remediate(&self, plan_hash: &str, reason: &str) -> Result<Remediation, OpsError> {
        let carried_out = self.carried_out(plan_hash, reason).await;
        if let (Some(executor), Err(why)) = (&self.executor, &carried_out) {
            // What can't be recorded has no entry either.
            if !matches!(why, OpsError::Journal(_)) {
                executor.refused(plan_hash, "remediate", why).await;
            }
        }
        carried_out
    }

    async fn remediations(&self) -> Result<Vec<Remediation>, OpsError> {
        Ok(self.executor.as_ref().map(|executor| executor.remediations()).unwrap_or_default())
    }

    async fn outside(&self, limit: usize) -> Result<Outside, OpsError> {
        let mut outside = Outside::clone(&*self.ask_outside().await?);
        outside.acts.truncate(limit);
        Ok(outside)
    }

    async fn tenants(&self, query: &TenantsQuery) -> Result<TenantWindow, OpsError> {
        Ok(self.tenants_found(query))
    }

    async fn tenant(&self, tenant: &InstanceId) -> Result<TenantCard, OpsError> {
        self.card_of(tenant).await
    }

    async fn timeline(&self, query: &TimelineQuery) -> Result<TimelineWindow, OpsError> {
        self.timeline_of(query).await
    }

    async fn reveal(&self, tenant: &InstanceId, field: &str, reason: &str) -> Result<SafeText, OpsError> {
        self.revealed(tenant, field, reason).await
    }

    async fn event(&self, number: u64) -> Result<EventRow, OpsError> {
        let held = self.ring().get(number);
        held.ok_or_else(|| OpsError::NotFound(format!("the event {number} is not held any more").into()))
    }

    async fn events(&self, query: &EventsQuery) -> Result<EventWindow, OpsError> {
        Ok(self.happened(query))
    }

    async fn suspects(&self, cohort: &str) -> Result<CohortSuspects, OpsError> {
        self.suspects_of(cohort)
    }

    async fn latency(&self, query: &LatencyQuery) -> Result<Latency, OpsError> {
        Ok(self.latencies(query).await)
    }

    async fn drift(&self, query: &DriftQuery) -> Result<DriftWindow, OpsError> {
        Ok(self.drifted(query))
    }

    async fn finding(&self, id: &InstanceId) -> Result<KnownDrift, OpsError> {
        self.found(id)
    }

    async fn recheck(&self, id: &InstanceId) -> Result<KnownDrift, OpsError> {
        self.check_anew(id).await
    }

    async fn ignore(&self, ignore: &IgnoreOf) -> Result<KnownDrift, OpsError> {
        self.leave_alone(ignore).await
    }

    async fn adopt(&self, adopt: &AdoptOf) -> Result<KnownDrift, OpsError> {
        self.adopted(adopt).await
    }

    async fn automations(&self) -> Result<Vec<AutomationStatus>, OpsError> {
        self.automations_stand().await
    }

    async fn log(&self) -> Result<Arc<LogView>, OpsError> {
        let book = self.log.get().ok_or_else(|| OpsError::Refused("no log is kept".into()))?;
        Ok(Arc::new(book.view()))
    }

    async fn arm(&self, lasting: SignedDuration, reason: &str) -> Result<Armed, OpsError> {
        self.latch()?.arm(lasting, reason).await
    }

    async fn disarm(&self) -> Result<(), OpsError> {
        self.latch()?.disarm().await;
        Ok(())
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, OpsError> {
        let boards = self.sources.iter().flat_map(|source| source.grown_board(&self.book, (self.clock)()).cohorts);
        let cohort = boards
            .into_iter()
            .find(|cohort| cohort.id == request.cohort)
            .ok_or_else(|| OpsError::NotFound(format!("the board has no cohort {} any more", request.cohort).into()))?;
        let claim = self.claims.change(request, &cohort, (self.clock)()).await?;
        self.changed();
        Ok(claim)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

impl Hub {
    /// Keeps a plan, so that it can be asked for by its hash, and gives it on.
    async fn kept_plan(&self, plan: WidePlan) -> Result<WidePlan, OpsError> {
        if let Some(runs) = &self.runs {
            let kept = runs.keep(&plan, &self.gate.operator).await;
            kept.map_err(|error| OpsError::Journal(format!("the plan can't be kept: {error}").into()))?;
        }
        Ok(plan)
    }

    /// The targets of a plan, as far as they are held.
    pub(super) async fn targets_of(&self, frozen: &Frozen) -> Result<Vec<Arc<JudgedFlow>>, OpsError> {
        if frozen.remedy.is_of_drift() {
            return Ok(self.drifting_targets(frozen));
        }
        let ids = frozen.targets.iter().map(|target| target.id.clone()).collect();
        Ok(self.select(&Selection::Ids(ids), frozen.targets.len()).await?.rows)
    }

    async fn planned(&self, verb: Verb, target: &InstanceId) -> Result<Plan, OpsError> {
        let executor = self.executor()?;
        if verb.is_of_drift() {
            let why = format!("{} is done to what drifts, by a plan of many", verb.label());
            return Err(OpsError::Refused(why.into()));
        }
        let (source, reading, judgement) = self.read(target).await?;
        let offers = offers(&*source.connector, &reading.detail.flow, None);
        if let Some(refusal) = offers.into_iter().find(|offer| offer.verb == verb).and_then(|offer| offer.refusal) {
            return Err(OpsError::Refused(format!("{} can't be had: {refusal}", verb.label()).into()));
        }
        let plan = executor.plan(&*source.connector, verb, &reading, &judgement);
        Ok(self.with_policy(plan, &reading.detail.flow, &judgement))
    }

    async fn carried_out(&self, plan_hash: &str, reason: &str) -> Result<Remediation, OpsError> {
        let executor = self.executor()?;
        if !is_reason(reason) {
            return Err(OpsError::Refused("a reason is needed, for the record".into()));
        }
        let mut plan = executor.planned(plan_hash)?;
        executor.attempt(&plan, reason).await?;
        // Data that is acted on is read again first: what is on screen may be half a minute old.
        let (source, fresh, judgement) = self.read(&plan.target).await?;
        // Policies too: a freeze may have begun since, and the reason is known now.
        plan.policy = self.decide_one(plan.verb, &fresh.detail.flow, &judgement, Some(reason));
        if let Some(why) = plan.policy.denial().or_else(|| plan.policy.approvals()) {
            return Err(OpsError::Refused(why.into()));
        }
        // Reading takes its time, in which the hub may have been locked.
        let executor = self.executor().map(|_| executor)?;
        executor.begin(source.connector.clone(), plan, reason, &fresh).await
    }

    /// How everything together has moved: the growth of those sources that are live, and the minutes in which each
    /// source was that has ever answered.
    fn trend(&self, boards: &[Board], now: Timestamp) -> Trend {
        let any_live = self.sources.iter().any(|source| source.connector.tells().flows && source.live());
        let mut trend = Trend { samples: Vec::new(), growth: any_live.then_some(0) };
        let mut answered = 0;
        let mut minutes: BTreeMap<i64, (usize, Sample)> = BTreeMap::new();
        // Who tells of no flows has none to count, now or then.
        let engines = self.sources.iter().zip(boards).filter(|(source, _)| source.connector.tells().flows);
        for (source, board) in engines {
            let (samples, growth) = source.trend(board, now);
            answered += usize::from(!samples.is_empty());
            if source.live() {
                trend.growth = trend.growth.zip(growth).map(|(sum, growth)| sum.saturating_add(growth));
            }
            // Of two samples of one source in one minute of the clock the later one counts.
            let by_minute: BTreeMap<i64, Sample> =
                samples.into_iter().map(|sample| (sample.at.as_second().div_euclid(60), sample)).collect();
            for (minute, sample) in by_minute {
                match minutes.entry(minute) {
                    Entry::Vacant(vacant) => _ = vacant.insert((1, sample)),
                    Entry::Occupied(mut occupied) => {
                        let (sources, sum) = occupied.get_mut();
                        *sources += 1;
                        sum.add(&sample);
                    }
                }
            }
        }
        // A minute that one of them was silent in would look better than it was.
        trend.samples = minutes.into_values().filter(|(sources, _)| *sources == answered).map(|(_, sum)| sum).collect();
        trend
    }
}
