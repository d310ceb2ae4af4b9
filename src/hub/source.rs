//! One source: its poll loop, its last good rows and counts, and how well it is known.
//!
//! The hub owns the loop: one pass in flight, an interval with jitter that never keeps the engine busy for more than
//! a tenth of the time, back-off on errors, `Retry-After` kept to. A pass that fails or stops half-way changes nothing of what is held; it
//! makes it stale.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc};

use super::board::{self, Board};
use super::directory::Directory;
use super::events::Ring;
use super::findings::{Findings, FirstSeen};
use super::history::{History, Point};
use super::latency::Times;
use super::ledger::Past;
use super::matches::Matches;
use super::rows::{Limits, Rows};
use super::tenants::{Tenants, Trouble};
use super::trends::{Kept, Taken};
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::{Changes, Connector, EngineCount, Mark};
use crate::domain::drift::DriftFinding;
use crate::domain::flow::JudgedFlow;
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::domain::trend::Sample;

/// Values younger than this are never stale by age alone.
const STALE_AT_LEAST: Duration = Duration::from_secs(15);

/// The engine's share of the time: a pass that took this long is followed by a pause ten times as long.
const PAUSE_PER_PASS: u32 = 10;

/// A pass that takes longer is told of, where it takes longer than the time between two as well.
const SLOW: Duration = Duration::from_secs(2);

/// The longest pause between two passes over a source that fails.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

/// After the first good pass that follows a failure: the second one decides.
const CONFIRM_AFTER: Duration = Duration::from_secs(1);

/// The present, by the local clock. Handed in, so that the demo world and the tests have a clock of their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What has happened, over all sources: one ring that they share.
pub(super) type Events = Arc<Mutex<Ring>>;

/// What the config says of instances by their place.
pub(super) struct Book {
    pub(super) thresholds: ThresholdBook,
    pub(super) tenants: TenantBook,
}

/// A source and what is known of it.
pub(super) struct Source {
    pub(super) name: SafeText,
    pub(super) connector: Arc<dyn Connector>,
    poll: Duration,
    wake: Notify,
    tenants: Tenants,
    state: Mutex<State>,
    held: RwLock<Held>,
    pub(super) matches: Matches,
    /// How long steps took that have ended. Held while they are asked for, so that nobody asks twice.
    pub(super) times: tokio::sync::Mutex<Times>,
    events: Events,
}

/// What a source told last.
pub(super) struct Held {
    pub(super) rows: Rows,
    /// The engine's own counts; empty where it can't count, `None` where the rows are all there is to count.
    counts: Option<Vec<EngineCount>>,
    /// By which the source can be asked whether any of it has changed.
    mark: Option<Mark>,
    /// What is not as wanted.
    pub(super) findings: Findings,
    /// Its tenants.
    pub(super) directory: Directory,
}

impl Held {
    /// What it adds up to.
    fn board(&self, limits: Limits<'_>) -> Board {
        board::of_rows(&self.rows, self.rows.facets(), self.counts.as_deref(), limits, true)
    }
}

/// What is known of a source.
#[derive(Default)]
struct State {
    history: History,
    /// To whom samples and findings are handed over, so that they outlive the process.
    keeper: Option<(Past, mpsc::Sender<Taken>)>,
    last_good_at: Option<Timestamp>,
    last_asked_at: Option<Timestamp>,
    error: Option<SafeText>,
    failures: u32,
    good_in_a_row: u32,
    /// Whether the held values are to be taken as the present ones.
    live: bool,
    latency: Option<Duration>,
    clock_offset: Option<SignedDuration>,
    interval: Duration,
    /// Until when the source has asked to be left alone.
    not_before: Option<tokio::time::Instant>,
    bad_rows: usize,
    bad_row: Option<SafeText>,
    trouble: Trouble,
    version: Option<SafeText>,
}

impl State {
    /// Takes the board of a good pass into the history.
    fn take_sample(&mut self, board: &Board, now: Timestamp) {
        let taken = self.history.take(board, now);
        if let (Some(point), Some((of, keeper))) = (taken, &self.keeper) {
            // Where nobody keeps up with writing, later starts do without this minute: no pass waits.
            let _ = keeper.try_send(Taken { of: of.clone(), what: Kept::Point(point.clone()) });
        }
    }

    /// For how long the source wants to be left alone yet.
    fn left_alone(&self) -> Option<Duration> {
        let left = self.not_before?.saturating_duration_since(tokio::time::Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

impl Source {
    pub(super) fn new(name: &str, connector: Arc<dyn Connector>, poll: Duration, events: Events) -> Self {
        let state = Mutex::new(State { interval: poll, ..State::default() });
        let held = RwLock::new(Held {
            rows: Rows::new(name.into()),
            counts: Some(Vec::new()),
            mark: None,
            findings: Findings::default(),
            directory: Directory::default(),
        });
        Self {
            name: name.into(),
            connector,
            poll,
            wake: Notify::new(),
            tenants: Tenants::default(),
            state,
            held,
            matches: Matches::default(),
            times: tokio::sync::Mutex::default(),
            events,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has happened, over all sources.
    fn events(&self) -> MutexGuard<'_, Ring> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the source as soon as the pass in flight, if any, has ended.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// What was told last.
    pub(super) fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// An instance that is held, judged.
    pub(super) fn judged(&self, book: &Book, instance: &str) -> Option<JudgedFlow> {
        let live = self.live();
        let rows = &self.held().rows;
        rows.find(instance).map(|slot| rows.judged(slot, self.limits(book), live))
    }

    /// What its rows are judged by.
    pub(super) fn limits<'a>(&self, book: &'a Book) -> Limits<'a> {
        Limits { book: &book.thresholds, poll: self.poll_interval() }
    }

    /// The counts and cohorts of the last good pass, with how they have grown where the source is live.
    pub(super) fn grown_board(&self, book: &Book, now: Timestamp) -> Board {
        let mut board = self.held().board(self.limits(book));
        let state = self.state();
        if state.live {
            state.history.grow(&mut board.cohorts, now);
        }
        board
    }

    /// The last hour, a sample a minute, and the growth over the last five minutes, where it is known.
    pub(super) fn trend(&self, board: &Board, now: Timestamp) -> (Vec<Sample>, Option<i64>) {
        let state = self.state();
        let growth = if state.live { state.history.growth(board, now) } else { None };
        (state.history.samples(now).cloned().collect(), growth)
    }

    /// Takes in what was checked anew.
    pub(super) fn rechecked(&self, ids: &[SafeText], told: Vec<Option<DriftFinding>>, now: Timestamp) {
        let mut held = self.hold();
        for (id, finding) in ids.iter().zip(told) {
            held.findings.rechecked(id, finding, now);
        }
    }

    /// Takes in what was seen of it before this process looked, the oldest first.
    pub(super) fn recall(&self, points: Vec<Point>, now: Timestamp) {
        self.state().history.recall(points, now);
    }

    /// Takes in when its findings were seen first, as it is known from before this process looked.
    pub(super) fn recall_findings(&self, known: FirstSeen) {
        self.hold().findings.recall(known);
    }

    /// To whom samples and findings are handed over from now on, and as whose past.
    pub(super) fn hands_over(&self, of: Past, keeper: mpsc::Sender<Taken>) {
        self.state().keeper = Some((of, keeper));
    }

    /// Whether what is held is to be taken as the present.
    pub(super) fn live(&self) -> bool {
        self.state().live
    }

    /// Why nothing of it is acted on while it is not live.
    pub(super) fn not_live(&self) -> SafeText {
        let why = self.state().error.clone().unwrap_or_else(|| "it has not answered".into());
        format!("its source is not live: {why}").into()
    }

    /// How far the source's clock is ahead of the local one.
    pub(super) fn clock_offset(&self) -> SignedDuration {
        self.state().clock_offset.unwrap_or_default()
    }

    /// The time from one look at it to the next, as the config has it.
    pub(super) fn poll_interval(&self) -> SignedDuration {
        self.poll.try_into().unwrap_or(SignedDuration::MAX)
    }

    pub(super) fn status(&self) -> SourceStatus {
        let tells = self.connector.tells();
        let (rows, findings, tenants) = {
            let held = self.held();
            (held.rows.len(), held.findings.open(), held.directory.len())
        };
        let state = self.state();
        let freshness = match (state.last_good_at, state.live, &state.error) {
            (Some(_), true, _) => Freshness::Live,
            (Some(_), false, _) => Freshness::Stale,
            (None, _, Some(_)) => Freshness::Failed,
            (None, _, None) => Freshness::Never,
        };
        SourceStatus {
            name: self.name.clone(),
            kind: self.connector.kind(),
            address: self.connector.address(),
            state: freshness,
            last_good_at: state.last_good_at,
            last_asked_at: state.last_asked_at,
            error: state.error.clone(),
            left_alone: state.left_alone().and_then(|left| left.try_into().ok()),
            failures: state.failures,
            latency: state.latency.and_then(|latency| latency.try_into().ok()),
            clock_offset: state.clock_offset,
            interval: state.interval.try_into().unwrap_or_default(),
            rows,
            bad_rows: state.bad_rows,
            bad_row: state.bad_row.clone(),
            untold_tenants: state.trouble.count,
            untold_tenant: state.trouble.first.clone(),
            version: state.version.clone(),
            unverified: self.connector.unverified(),
            verbs: self.connector.verbs(),
            drift: tells.drift.then_some(findings),
            tenants: tells.tenants.then_some(tenants),
            flows: tells.flows,
            events: tells.events,
            deployments: self.connector.has_deployments(),
        }
    }

    /// Passes again and again, for as long as it is polled. `changed` is called after whatever can be seen.
    pub(super) async fn keep_asking(&self, book: &Book, clock: &Clock, changed: &(dyn Fn() + Send + Sync)) {
        loop {
            let pass = self.pass(book, clock);
            tokio::pin!(pass);
            let pause = loop {
                // A pass that hangs must not keep old values looking young.
                let stale_after = (2 * self.state().interval).max(STALE_AT_LEAST);
                tokio::select! {
                    pause = &mut pass => break pause,
                    () = tokio::time::sleep(stale_after) => {
                        self.go_stale("no answer yet".into());
                        changed();
                    }
                }
            };
            changed();
            if self.connector.feeds() && self.live() {
                self.follow(book, clock, changed).await;
                continue;
            }
            // What the source asked for is only ever made longer.
            let pause = jittered(pause).max(self.left_alone().mul_f64(rand::random_range(1.0..=1.2)));
            tokio::select! {
                () = self.rest(pause) => {}
                // Not even for somebody who presses a key is it asked too early.
                () = self.wake.notified() => tokio::time::sleep(self.left_alone()).await,
            }
        }
    }

    /// Takes in what an engine with a feed tells, until the feed ends or somebody asks for a pass.
    async fn follow(&self, book: &Book, clock: &Clock, changed: &(dyn Fn() + Send + Sync)) {
        let (sink, mut parts) = mpsc::channel(16);
        let watch = self.connector.watch(sink);
        tokio::pin!(watch);
        let mut ended = None;
        loop {
            tokio::select! {
                outcome = &mut watch, if ended.is_none() => ended = Some(outcome),
                part = parts.recv() => match part {
                    Some(first) => {
                        let more = std::iter::from_fn(|| parts.try_recv().ok());
                        self.take_changes(std::iter::once(first).chain(more), book, clock());
                        changed();
                    }
                    None => break,
                },
                () = self.wake.notified() => return,
                // Time alone makes something stuck.
                () = tokio::time::sleep(self.poll) => {
                    self.take_changes(std::iter::empty(), book, clock());
                    changed();
                }
            }
        }
        if let Some(Err(error)) = ended {
            let pause = self.fail(&error);
            tracing::warn!(source = %self.name, %error, "the feed ended");
            changed();
            tokio::time::sleep(jittered(pause)).await;
        }
    }

    /// Takes in what has changed since the last pass.
    fn take_changes(&self, parts: impl Iterator<Item = Changes>, book: &Book, now: Timestamp) {
        let limits = self.limits(book);
        let mut engine_now = None;
        let mut happened = Vec::new();
        let board = {
            let mut held = self.hold();
            let rows = &mut held.rows;
            for mut part in parts {
                engine_now = part.engine_now.or(engine_now);
                happened.append(&mut part.events);
                for id in &part.gone {
                    if let Some(slot) = rows.find(id) {
                        rows.remove(slot);
                    }
                }
                for flow in &part.flows {
                    // One whose texts pass all bounds was refused by the connector.
                    rows.put(flow, limits);
                }
            }
            rows.advance(limits, engine_now.unwrap_or(now));
            self.due(now).then(|| held.board(limits))
        };
        if !happened.is_empty() {
            self.events().take(&happened, now);
        }
        let mut state = self.state();
        if let Some(board) = board {
            state.take_sample(&board, now);
        }
        state.last_good_at = Some(now);
    }

    /// Whether the past wants another sample; of who tells of no flows there is none.
    fn due(&self, now: Timestamp) -> bool {
        self.connector.tells().flows && self.state().history.due(now)
    }

    /// For how long the source wants to be left alone yet.
    fn left_alone(&self) -> Duration {
        self.state().left_alone().unwrap_or_default()
    }

    /// Waits, and in a pause that is longer than the poll interval keeps asking whether the source is still there:
    /// an engine that is asked seldom because it is slow must not look alive for as long when it is gone.
    async fn rest(&self, pause: Duration) {
        let until = tokio::time::Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left <= self.poll {
                return tokio::time::sleep(left).await;
            }
            tokio::time::sleep(self.poll).await;
            // The next pass will say why; what failed here may have been a blip.
            if self.live() && self.connector.check().await.is_err() {
                return;
            }
        }
    }
}

/// Within a fifth of the interval, so that many hubs do not ask in step.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(rand::random_range(0.8..=1.2))
}

mod passing;
#[cfg(test)]
mod tests;
