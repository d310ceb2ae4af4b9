//! The hub: polls the sources, applies the rules, keeps the rows, carries acts out. Implements [`Ops`](crate::ops::Ops) in process.
//!
//! It knows connectors by their trait alone, and nothing of the terminal.

mod answers;
mod arming;
pub mod automations;
mod board;
mod borrowed;
mod cards;
mod claims;
mod deciding;
mod decisions;
mod deployments;
mod directory;
mod drift;
mod drifting;
mod events;
mod executor;
mod findings;
mod history;
mod journal;
mod latency;
pub mod ledger;
mod listing;
mod matches;
mod outside;
mod own;
mod pass;
mod planning;
pub mod policy;
mod recent;
mod rollback;
mod rows;
pub mod runbooks;
mod runs;
mod single;
mod source;
mod stream;
mod suspects;
#[cfg(test)]
mod tenant_tests;
mod tenants;
mod timeline;
mod trends;
mod verify;
pub mod webhook;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::arming::Latch;
use self::automations::Shadow;
use self::claims::Claims;
use self::deciding::Gate;
pub use self::deciding::Policing;
use self::decisions::Decisions;
use self::events::Ring;
use self::executor::Executor;
use self::journal::Journal;
use self::ledger::{Ledger, Reader};
use self::listing::{Lists, Part};
use self::rows::Rows;
use self::runs::{Plane, Runs};
pub use self::source::Clock;
use self::source::{Book, Events, Source};
use self::suspects::Correlation;
use self::trends::Trends;
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::Connector;
use crate::domain::ids::InstanceId;
use crate::domain::log::LogBook;
use crate::domain::outside::Outside;
use crate::domain::text::SafeText;
use crate::domain::wide::WideRemediation;
use crate::ops::{NOT_LOCKED, OpsError};
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
    /// What may be done by whom, and when.
    pub policing: Policing,
    /// How long the effect of an act is watched.
    pub soak: SignedDuration,
    /// Where everything is recorded; `None` for a world that is gone with the process.
    pub state_dir: Option<std::path::PathBuf>,
    /// Where claims and the last hour of others are read by who records nothing, as a single look does.
    pub read_dir: Option<std::path::PathBuf>,
    /// The local clock.
    pub clock: Clock,
    /// The sources: name, connector, and the time from one pass to the next.
    pub sources: Vec<(String, Arc<dyn Connector>, Duration)>,
}

/// The hub in process.
pub struct Hub {
    log: OnceLock<LogBook>,
    gate: Arc<Gate>,
    book: Book,
    clock: Clock,
    sources: Vec<Source>,
    events: Events,
    revision: Arc<watch::Sender<u64>>,
    executor: Option<Arc<Executor>>,
    runs: Option<Arc<Runs>>,
    /// `None` where what is recorded is gone with the process anyway.
    trends: Option<Trends>,
    claims: Arc<Claims>,
    decisions: Arc<Decisions>,
    drifts: drift::Views,
    /// What was recorded, by whomever; `None` where nothing can be read.
    reader: Option<Reader>,
    lists: Lists,
    correlation: Correlation,
    shadow: OnceLock<Arc<Shadow>>,
    /// What was done outside, as it was told last, and when.
    outside: Mutex<Option<(Timestamp, Arc<Outside>)>>,
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
        let opened = match (&setup.read_only, &setup.state_dir) {
            (Some(why), _) => Err(why.as_str().into()),
            (None, None) => Ok(Ledger::in_memory()),
            (None, Some(dir)) => Ledger::open(dir).map_err(|error| format!("acts can't be recorded: {error}").into()),
        };
        Self::on(setup, opened)
    }

    /// The same with a ledger that is open already, or why there is none: nothing is acted on then.
    pub fn on(setup: Setup, ledger: Result<Ledger, SafeText>) -> Arc<Self> {
        let (revision, _) = watch::channel(0);
        let revision = Arc::new(revision);
        let (ledger, read_only) = match ledger {
            Ok(ledger) => (Some(ledger), None),
            Err(why) => (None, Some(why)),
        };
        let changed = {
            let revision = revision.clone();
            Arc::new(move || revision.send_modify(|n| *n += 1))
        };
        let lasting = ledger.clone().filter(|ledger| ledger.directory().is_some());
        // What others have recorded is read also by who can't write, or only looks.
        let others = setup.read_dir.as_ref().or(setup.state_dir.as_ref()).map(|directory| Reader::of(directory));
        let reader = match (&setup.read_dir, &ledger) {
            (None, Some(ledger)) => Some(ledger.reader()),
            _ => others,
        };
        let past = reader.clone().filter(|reader| reader.directory().is_some());
        let trends = past.map(|reader| Trends::new(&setup.context, reader, lasting));
        let journal = ledger.map(|ledger| Arc::new(Journal::new(ledger, &setup.context, &setup.operator)));
        let latch = journal.clone().filter(|_| setup.locked).map(|journal| {
            let clock = setup.clock.clone();
            Arc::new(Latch::new(&setup.context, &setup.operator, journal, clock, Arc::clone(&changed) as _))
        });
        let gate = Arc::new(Gate {
            context: setup.context.as_str().into(),
            operator: setup.operator.as_str().into(),
            read_only,
            latch,
            policing: setup.policing,
            clock: setup.clock.clone(),
        });
        let runs = journal.clone().map(|journal| {
            let plane = |(name, connector, poll): &(String, Arc<dyn Connector>, Duration)| {
                let poll = (*poll).try_into().unwrap_or(SignedDuration::MAX);
                (name.as_str().into(), Plane { connector: connector.clone(), poll })
            };
            let planes = setup.sources.iter().map(plane).collect();
            let book = setup.thresholds.clone();
            Runs::new(gate.clone(), journal, setup.soak, planes, book, Arc::clone(&changed) as _)
        });
        let claiming = match (&journal, &setup.read_dir, &gate.read_only) {
            (Some(journal), None, _) => Ok(journal.clone()),
            (_, _, Some(why)) => Err(why.clone()),
            _ => Err("nothing is recorded by a single look".into()),
        };
        let decisions = Arc::new(Decisions::new(&setup.context, claiming.clone(), reader.clone()));
        let claims = Arc::new(Claims::new(&setup.context, &setup.operator, claiming, reader.clone()));
        let executor = journal
            .map(|journal| Arc::new(Executor::new(&setup.operator, setup.soak, journal, setup.clock.clone(), changed)));
        let events: Events = Arc::new(Mutex::new(Ring::new(events::HELD)));
        let source = |(name, connector, poll): (String, Arc<dyn Connector>, Duration)| {
            Source::new(&name, connector, poll, events.clone())
        };
        let sources = setup.sources.into_iter().map(source).collect();
        Arc::new(Self {
            log: OnceLock::new(),
            gate,
            book: Book { thresholds: setup.thresholds, tenants: setup.tenants },
            clock: setup.clock,
            sources,
            events,
            revision,
            executor,
            runs,
            trends,
            claims,
            decisions,
            drifts: drift::Views::default(),
            reader,
            lists: Lists::default(),
            correlation: Correlation::default(),
            shadow: OnceLock::new(),
            outside: Mutex::default(),
        })
    }

    /// One complete pass over every source, all at once.
    pub async fn pass(&self) {
        let passes = self.sources.iter().map(|source| source.pass(&self.book, &self.clock));
        tokio::join!(futures_util::future::join_all(passes), self.recall(), self.claims.look(), self.decisions.look());
        self.changed();
    }

    /// Takes in what an earlier process has seen, once.
    async fn recall(&self) {
        if let Some(trends) = &self.trends {
            trends.recall(&self.sources, (self.clock)()).await;
        }
    }

    /// How many remediations of many this context has had.
    ///
    /// # Errors
    /// Where they can't be counted.
    pub async fn wide_remediations_in_all(&self) -> Result<u64, OpsError> {
        match &self.runs {
            Some(runs) => runs.how_many().await,
            None => Ok(0),
        }
    }

    /// Keeps asking every source, and takes up acts whose process ended while they ran.
    pub fn start(self: &Arc<Self>) -> Polling {
        if let Some(executor) = &self.executor {
            let connector_of = |name: &str| self.source(name).ok().map(|source| source.connector.clone());
            executor.take_up(connector_of);
        }
        let poll = |index: usize| {
            let hub = self.clone();
            tokio::spawn(async move {
                if let Some(source) = hub.sources.get(index) {
                    source.keep_asking(&hub.book, &hub.clock, &|| hub.changed()).await;
                }
            })
        };
        // Before the first pass has a sample to hand over.
        let kept = self.trends.as_ref().and_then(|trends| trends.keep(&self.sources)).map(tokio::spawn);
        let mut tasks: Vec<_> = (0..self.sources.len()).map(poll).chain(kept).collect();
        let revision = self.revision.clone();
        tasks.push(tokio::spawn(self.claims.clone().mind(move || revision.send_modify(|n| *n += 1))));
        let revision = self.revision.clone();
        tasks.push(tokio::spawn(self.decisions.clone().mind(move || revision.send_modify(|n| *n += 1))));
        let hub = self.clone();
        // No pass waits for it.
        tasks.push(tokio::spawn(async move {
            hub.recall().await;
            hub.changed();
        }));
        tasks.extend(self.runs.as_ref().map(|runs| tokio::spawn(runs.clone().mind(Arc::downgrade(self)))));
        tasks.extend(self.shadow.get().map(|shadow| tokio::spawn(shadow.clone().mind(Arc::downgrade(self)))));
        Polling(tasks)
    }

    /// Who is told of remediations while nobody looks. The first ones stay.
    pub fn tells_webhooks(&self, webhooks: webhook::Webhooks) {
        if let Some(runs) = &self.runs {
            runs.tells(webhooks);
        }
    }

    /// Whether this process sends or watches items of a remediation.
    pub fn carries(&self, id: &str) -> bool {
        self.runs.as_ref().is_some_and(|runs| runs.carries(id))
    }

    /// Whether another process carries remediations out.
    pub fn carried_out_elsewhere(&self) -> bool {
        self.runs.as_ref().is_some_and(|runs| runs.elsewhere())
    }

    /// The remediations of many, also where another process has changed them since.
    ///
    /// # Errors
    /// Where they can't be read.
    pub async fn wide_remediations_anew(&self) -> Result<Arc<Vec<Arc<WideRemediation>>>, OpsError> {
        match &self.runs {
            Some(runs) => runs.list_anew().await,
            None => Ok(Arc::default()),
        }
    }

    /// Whether the operator's only role is the one called `support`.
    pub fn is_support_only(&self) -> bool {
        let roles = self.gate.policing.policies.roles().of(&self.gate.operator);
        roles.len() == 1 && roles.iter().all(|role| *role == *"support")
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

    /// The names of those that tell of flows.
    pub fn engine_names(&self) -> Vec<SafeText> {
        let engines = self.sources.iter().filter(|source| source.connector.tells().flows);
        engines.map(|source| source.name.clone()).collect()
    }

    /// What has happened, over all sources.
    fn ring(&self) -> std::sync::MutexGuard<'_, Ring> {
        self.events.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The present by a source's clock.
    fn engine_now(&self, source: &Source) -> Timestamp {
        let now = (self.clock)();
        now.saturating_add(source.clock_offset()).unwrap_or(now)
    }

    /// The rows of a source that a filter matches.
    fn matching<'a>(&'a self, source: &Source, rows: &'a Rows, filter: &Filter) -> Part<'a> {
        let live = source.live();
        let limits = source.limits(&self.book);
        let found = source.matches.of(rows, filter, limits, self.engine_now(source), live);
        Part { rows, found, limits, live }
    }

    /// Why nothing may be acted on at this moment, where that is so.
    fn refusal(&self) -> Option<SafeText> {
        self.gate.refusal()
    }

    fn executor(&self) -> Result<&Arc<Executor>, OpsError> {
        match (self.refusal(), &self.executor) {
            (Some(why), _) => Err(OpsError::Refused(why)),
            (None, Some(executor)) => Ok(executor),
            (None, None) => Err(OpsError::Refused("nothing can be recorded".into())),
        }
    }

    fn runs(&self) -> Result<&Arc<Runs>, OpsError> {
        self.runs.as_ref().ok_or_else(|| {
            OpsError::Refused(self.gate.read_only.clone().unwrap_or_else(|| "nothing can be recorded".into()))
        })
    }

    fn latch(&self) -> Result<&Arc<Latch>, OpsError> {
        match (&self.gate.latch, &self.gate.read_only) {
            (Some(latch), _) => Ok(latch),
            (None, Some(why)) => Err(OpsError::Refused(format!("it can't be armed: {why}").into())),
            (None, None) => Err(OpsError::Refused(NOT_LOCKED.into())),
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(runs) = &self.runs {
            runs.let_go();
        }
    }
}

fn missing(id: &InstanceId) -> OpsError {
    OpsError::NotFound(format!("{} has no instance {}", id.source, id.instance).into())
}
