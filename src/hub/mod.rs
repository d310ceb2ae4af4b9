//! The hub: polls the sources, applies the rules, keeps the rows, carries acts out. Implements [`Ops`] in process.
//!
//! It knows connectors by their trait alone, and nothing of the terminal.

mod arming;
mod board;
mod claims;
mod executor;
mod history;
mod journal;
mod listing;
mod matches;
mod pass;
mod rows;
mod source;
mod tenants;
mod verify;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::arming::Latch;
use self::board::Board;
use self::claims::Claims;
use self::executor::{Executor, INEXACT, offers};
use self::journal::Journal;
use self::listing::{Lists, Part};
use self::rows::{Bits, Rows};
pub use self::source::Clock;
use self::source::{Book, Source};
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::{Connector, Reading};
use crate::domain::claim::{Claim, ClaimRequest};
use crate::domain::flow::{FlowDetail, FlowInstance, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::log::{LogBook, LogView};
use crate::domain::promise::Promise;
use crate::domain::raw::RawFlow;
use crate::domain::remediation::{Plan, Remediation, Verb};
use crate::domain::text::SafeText;
use crate::domain::trend::{Sample, Trend};
use crate::domain::verdict::{Circumstances, Judgement, judge};
use crate::domain::ways::Ways;
use crate::ops::{
    Armed, FlowAnswer, FlowCount, FlowWindow, FlowsQuery, NOT_LOCKED, Near, Ops, OpsError, Overview, Selected,
    Selection,
};
use crate::query::Filter;

/// How a hub is set up.
pub struct Setup {
    /// The name of the context.
    pub context: String,
    /// Who acts; taken on trust.
    pub operator: String,
    /// Why nothing may be acted on, where that is so.
    pub read_only: Option<String>,
    /// Whether nothing is acted on until the hub is armed.
    pub locked: bool,
    /// When the rules hold.
    pub thresholds: ThresholdBook,
    /// How tenants are told.
    pub tenants: TenantBook,
    /// How long the effect of an act is watched.
    pub soak: SignedDuration,
    /// Where acts are recorded; `None` for a world that is gone with the process.
    pub state_dir: Option<std::path::PathBuf>,
    /// Where claims are shared; `None` for a world that is gone with the process.
    pub claims_dir: Option<std::path::PathBuf>,
    /// The local clock.
    pub clock: Clock,
    /// The sources: name, connector, and the time from one pass to the next.
    pub sources: Vec<(String, Arc<dyn Connector>, Duration)>,
}

/// The hub in process.
pub struct Hub {
    log: std::sync::OnceLock<LogBook>,
    context: SafeText,
    read_only: Option<SafeText>,
    book: Book,
    clock: Clock,
    sources: Vec<Source>,
    revision: Arc<watch::Sender<u64>>,
    executor: Option<Arc<Executor>>,
    latch: Option<Arc<Latch>>,
    claims: Arc<Claims>,
    lists: Lists,
}

/// The poll loops of a hub; they end when it is dropped.
pub struct Polling(Vec<JoinHandle<()>>);

impl Drop for Polling {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Hub {
    /// A hub that has asked nobody yet.
    ///
    /// Where the record of acts can't be opened, the hub works and refuses to act, saying why.
    pub fn new(setup: Setup) -> Arc<Self> {
        let (revision, _) = watch::channel(0);
        let revision = Arc::new(revision);
        let mut read_only = setup.read_only.map(SafeText::from);
        let journal = match (&read_only, &setup.state_dir) {
            (Some(_), _) => None,
            (None, None) => Some(Journal::in_memory()),
            (None, Some(dir)) => Journal::open(dir)
                .map_err(|error| read_only = Some(format!("acts can't be recorded: {error}").into()))
                .ok(),
        };
        let changed = {
            let revision = revision.clone();
            Arc::new(move || revision.send_modify(|n| *n += 1))
        };
        let journal = journal.map(Arc::new);
        let latch = journal.clone().filter(|_| setup.locked).map(|journal| {
            let clock = setup.clock.clone();
            Arc::new(Latch::new(&setup.context, &setup.operator, journal, clock, Arc::clone(&changed) as _))
        });
        let executor = journal
            .map(|journal| Arc::new(Executor::new(&setup.operator, setup.soak, journal, setup.clock.clone(), changed)));
        let claims = Arc::new(Claims::new(&setup.operator, setup.claims_dir.as_deref()));
        let sources =
            setup.sources.into_iter().map(|(name, connector, poll)| Source::new(&name, connector, poll)).collect();
        Arc::new(Self {
            log: std::sync::OnceLock::new(),
            context: setup.context.into(),
            read_only,
            book: Book { thresholds: setup.thresholds, tenants: setup.tenants },
            clock: setup.clock,
            sources,
            revision,
            executor,
            latch,
            claims,
            lists: Lists::default(),
        })
    }

    /// One complete pass over every source, all at once.
    pub async fn pass(&self) {
        let passes = self.sources.iter().map(|source| source.pass(&self.book, &self.clock));
        futures_util::future::join_all(passes).await;
        self.changed();
    }

    /// Keeps asking every source, and takes up acts whose process ended while they ran.
    pub fn start(self: &Arc<Self>) -> Polling {
        if let Some(executor) = &self.executor {
            let connector_of = |name: &str| self.source(name).ok().map(|source| source.connector.clone());
            if let Err(error) = executor.take_up(connector_of) {
                tracing::error!(%error, "the record of acts can't be read back");
            }
        }
        let poll = |index: usize| {
            let hub = self.clone();
            tokio::spawn(async move {
                if let Some(source) = hub.sources.get(index) {
                    source.keep_asking(&hub.book, &hub.clock, &|| hub.changed()).await;
                }
            })
        };
        Polling((0..self.sources.len()).map(poll).collect())
    }

    /// Where it is kept what the program tells of itself. The first one stays.
    pub fn tells(&self, book: LogBook) {
        // A second one is of no use to anybody.
        let _ = self.log.set(book);
    }

    fn changed(&self) {
        self.revision.send_modify(|n| *n += 1);
    }

    fn source(&self, name: &str) -> Result<&Source, OpsError> {
        let found = self.sources.iter().find(|source| source.name == *name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.sources.iter().map(|source| source.name.as_str()).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            OpsError::NotFound(format!("there is no source {name}; there {verb}: {}", names.join(", ")).into())
        })
    }

    /// The names of the sources, in the order of the config.
    pub fn source_names(&self) -> Vec<SafeText> {
        self.sources.iter().map(|source| source.name.clone()).collect()
    }

    /// The source of an instance whose id is as its engine has it.
    fn exact(&self, id: &InstanceId) -> Result<&Source, OpsError> {
        let source = self.source(&id.source)?;
        // Asking for the id as it is shown would ask for another instance, or for none.
        let rows = &source.held().rows;
        if rows.all(&id.instance).any(|slot| !rows.exact(slot)) {
            return Err(OpsError::Refused(INEXACT.into()));
        }
        Ok(source)
    }

    async fn read(&self, id: &InstanceId) -> Result<(&Source, Reading, Judgement), OpsError> {
        let source = self.exact(id)?;
        let reading =
            source.connector.read(&id.instance).await.map_err(|error| OpsError::Source(error.to_string().into()))?;
        let mut reading = reading.ok_or_else(|| missing(id))?;
        source.tell_tenant_of(&self.book, &mut reading.detail.flow).await;
        let judgement = self.judge_one(source, &reading).await;
        Ok((source, reading, judgement))
    }

    /// Judges an instance that was read alone. The verdict of whoever holds its key is the last one known; where none
    /// is known, as before the first pass, the holder is read too.
    async fn judge_one(&self, source: &Source, reading: &Reading) -> Judgement {
        let flow = &self.with_parent(source, &reading.detail.flow).await;
        let poll = source.poll_interval();
        let limits = |flow: &FlowInstance| self.book.thresholds.resolve(&flow.id.source, &flow.flow, &flow.step, poll);
        let behind = flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Lock);
        let mut holder = None;
        if let Some(name) = behind.and_then(|wait| wait.reference.as_ref()) {
            holder = match source.judged(&self.book, name) {
                Some(row) => Some((row.flow.id, row.judgement)),
                // A holder that can't be read is one that is not known.
                None => source.connector.read(name).await.ok().flatten().map(|reading| {
                    let flow = reading.detail.flow;
                    let circumstances = Circumstances { now: reading.engine_now, holder: None };
                    let judgement = judge(&flow, &limits(&flow), &circumstances);
                    (flow.id, judgement)
                }),
            };
        }
        let holder = holder.as_ref().map(|(id, judgement)| (id, judgement));
        judge(flow, &limits(flow), &Circumstances { now: reading.engine_now, holder })
    }

    /// The present by a source's clock.
    fn engine_now(&self, source: &Source) -> Timestamp {
        let now = (self.clock)();
        now.saturating_add(source.clock_offset()).unwrap_or(now)
    }

    /// The instance, and whether the one that started it has ended, where a rule asks for that.
    async fn with_parent(&self, source: &Source, flow: &FlowInstance) -> FlowInstance {
        let mut flow = flow.clone();
        let limits = self.book.thresholds.resolve(&flow.id.source, &flow.flow, &flow.step, source.poll_interval());
        if let Some(parent) = flow.signs.parent.as_mut().filter(|parent| parent.ended.is_none())
            && limits.orphan.is_some()
        {
            match source.connector.read(&parent.id).await {
                Ok(Some(Reading { detail, .. })) => {
                    parent.ended = Some(detail.flow.status.ended());
                    parent.ended_at = detail.flow.last_transition_at.filter(|_| detail.flow.status.ended());
                }
                // The engine forgets only what has ended.
                Ok(None) => parent.ended = Some(true),
                Err(error) => tracing::debug!(%error, "the parent can't be read"),
            }
        }
        flow
    }

    /// What each step of an instance promises, as far as anything is promised.
    fn promises(&self, detail: &FlowDetail) -> BTreeMap<SafeText, Promise> {
        let flow = &detail.flow;
        let told = detail.timeline.iter().map(|entry| &entry.what);
        let steps = told.chain(detail.runs.iter().map(|run| &run.step)).chain([&flow.step]);
        steps
            .map(|step| (step.clone(), self.book.thresholds.promise(&flow.id.source, &flow.flow, step)))
            .filter(|(_, promise)| !promise.is_empty())
            .collect()
    }

    /// The rows of a source that a filter matches.
    fn matching<'a>(&'a self, source: &Source, rows: &'a Rows, filter: &Filter) -> Part<'a> {
        let live = source.live();
        let limits = source.limits(&self.book);
        let found = source.matches.of(rows, filter, limits, self.engine_now(source), live);
        Part { rows, found, limits, live }
    }

    /// How everything together has moved: the growth of those sources that are live, and the minutes in which each
    /// source was that has ever answered.
    fn trend(&self, boards: &[Board], now: Timestamp) -> Trend {
        let any_live = self.sources.iter().any(Source::live);
        let mut trend = Trend { samples: Vec::new(), growth: any_live.then_some(0) };
        let mut answered = 0;
        let mut minutes: BTreeMap<i64, (usize, Sample)> = BTreeMap::new();
        for (source, board) in self.sources.iter().zip(boards) {
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

    /// Why nothing may be acted on at this moment, where that is so.
    fn refusal(&self) -> Option<SafeText> {
        self.read_only.clone().or_else(|| self.latch.as_ref().and_then(|latch| latch.refusal()))
    }

    fn executor(&self) -> Result<&Arc<Executor>, OpsError> {
        match (self.refusal(), &self.executor) {
            (Some(why), _) => Err(OpsError::Refused(why)),
            (None, Some(executor)) => Ok(executor),
            (None, None) => Err(OpsError::Refused("nothing can be recorded".into())),
        }
    }

    fn latch(&self) -> Result<&Arc<Latch>, OpsError> {
        match (&self.latch, &self.read_only) {
            (Some(latch), _) => Ok(latch),
            (None, Some(why)) => Err(OpsError::Refused(format!("it can't be armed: {why}").into())),
            (None, None) => Err(OpsError::Refused(NOT_LOCKED.into())),
        }
    }
}

#[async_trait]
impl Ops for Hub {
    async fn overview(&self, filter: &Filter) -> Result<Arc<Overview>, OpsError> {
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
            context: self.context.clone(),
            sources: self.sources.iter().map(Source::status).collect(),
            cells: Vec::new(),
            cohorts: Vec::new(),
            stuck_tenants: 0,
            stuck_without_tenant: 0,
            trend: filter.is_empty().then(|| self.trend(&boards, at)),
            read_only: self.refusal(),
            lock: self.latch.as_ref().map(|latch| latch.show()),
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
        let (source, reading, judgement) = self.read(id).await?;
        let verbs = offers(&*source.connector, &reading.detail.flow, self.refusal().as_ref());
        let read_at = (self.clock)();
        let clock_offset = reading.engine_now.duration_since(read_at);
        let promises = self.promises(&reading.detail);
        Ok(FlowAnswer { detail: reading.detail, judgement, verbs, promises, read_at, clock_offset })
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
        let executor = self.executor()?;
        let (source, reading, judgement) = self.read(target).await?;
        let offers = offers(&*source.connector, &reading.detail.flow, None);
        if let Some(refusal) = offers.into_iter().find(|offer| offer.verb == verb).and_then(|offer| offer.refusal) {
            return Err(OpsError::Refused(format!("{} can't be had: {refusal}", verb.name()).into()));
        }
        Ok(executor.plan(&*source.connector, verb, &reading, &judgement))
    }

    async fn remediate(&self, plan_hash: &str, reason: &str) -> Result<Remediation, OpsError> {
        let executor = self.executor()?;
        if reason.chars().filter(|c| !c.is_whitespace()).count() < 3 {
            return Err(OpsError::Refused("a reason is needed, for the record".into()));
        }
        let plan = executor.planned(plan_hash)?;
        // Data that is acted on is read again first: what is on screen may be half a minute old.
        let (source, fresh, _) = self.read(&plan.target).await?;
        // Reading takes its time, in which the hub may have been locked.
        let executor = self.executor().map(|_| executor)?;
        executor.begin(source.connector.clone(), plan, reason, &fresh)
    }

    async fn remediations(&self) -> Result<Vec<Remediation>, OpsError> {
        Ok(self.executor.as_ref().map(|executor| executor.remediations()).unwrap_or_default())
    }

    async fn log(&self) -> Result<Arc<LogView>, OpsError> {
        let book = self.log.get().ok_or_else(|| OpsError::Refused("no log is kept".into()))?;
        Ok(Arc::new(book.view()))
    }

    async fn arm(&self, lasting: SignedDuration, reason: &str) -> Result<Armed, OpsError> {
        self.latch()?.arm(lasting, reason)
    }

    async fn disarm(&self) -> Result<(), OpsError> {
        self.latch().map(|latch| latch.disarm())
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, OpsError> {
        let boards = self.sources.iter().flat_map(|source| source.grown_board(&self.book, (self.clock)()).cohorts);
        let cohort = boards
            .into_iter()
            .find(|cohort| cohort.id == request.cohort)
            .ok_or_else(|| OpsError::NotFound(format!("the board has no cohort {} any more", request.cohort).into()))?;
        let (claims, now) = (self.claims.clone(), (self.clock)());
        // Another program may be writing; nothing else waits for it.
        let changed = tokio::task::spawn_blocking(move || claims.change(&request, &cohort, now)).await;
        let claim = changed.map_err(|error| OpsError::Journal(format!("claims: {error}").into()))??;
        self.changed();
        Ok(claim)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

fn missing(id: &InstanceId) -> OpsError {
    OpsError::NotFound(format!("{} has no instance {}", id.source, id.instance).into())
}
