//! One source: its poll loop, its last good rows and counts, and how well it is known.
//!
//! The hub owns the loop: one pass in flight, an interval with jitter that never keeps the engine busy for more than
//! a tenth of the time, back-off on errors, `Retry-After` kept to. A pass that fails or stops half-way changes nothing of what is held; it
//! makes it stale.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc};

use super::board::{self, Board};
use super::findings::{Findings, FirstSeen};
use super::history::{History, Point};
use super::ledger::Past;
use super::matches::Matches;
use super::pass::Pass;
use super::rows::{Limits, Rows};
use super::tenants::{Tenants, Trouble};
use super::trends::{Kept, Taken};
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::{Changes, ConnectError, Connector, EngineCount, Mark, Observation};
use crate::domain::drift::DriftFinding;
use crate::domain::flow::{FlowInstance, JudgedFlow};
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
    pub(super) fn new(name: &str, connector: Arc<dyn Connector>, poll: Duration) -> Self {
        let state = Mutex::new(State { interval: poll, ..State::default() });
        let held = RwLock::new(Held {
            rows: Rows::new(name.into()),
            counts: Some(Vec::new()),
            mark: None,
            findings: Findings::default(),
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
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// How far the source's clock is ahead of the local one.
    pub(super) fn clock_offset(&self) -> SignedDuration {
        self.state().clock_offset.unwrap_or_default()
    }

    /// The time from one look at it to the next, as the config has it.
    pub(super) fn poll_interval(&self) -> SignedDuration {
        self.poll.try_into().unwrap_or(SignedDuration::MAX)
    }

    pub(super) fn status(&self) -> SourceStatus {
        let (rows, findings) = {
            let held = self.held();
            (held.rows.len(), held.findings.open())
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
            drift: self.connector.tells().drift.then_some(findings),
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
        let board = {
            let mut held = self.hold();
            let rows = &mut held.rows;
            for part in parts {
                engine_now = part.engine_now.or(engine_now);
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

    /// One pass. Returns how long to wait before the next one.
    pub(super) async fn pass(&self, book: &Book, clock: &Clock) -> Duration {
        let began = Instant::now();
        let asked_at = clock();
        self.state().last_asked_at = Some(asked_at);
        match self.gather(book).await {
            Ok((pass, trouble)) => {
                self.state().trouble = trouble;
                self.take(pass, book, asked_at, clock(), began.elapsed())
            }
            Err(error) => {
                let pause = self.fail(&error);
                let failures = self.state().failures;
                tracing::warn!(source = %self.name, %error, failures, "a pass failed");
                pause
            }
        }
    }

    /// Fills in whom an instance is for that was read alone, as far as the config says how that is told.
    pub(super) async fn tell_tenant_of(&self, book: &Book, flow: &mut FlowInstance) {
        self.tenants.tell(&book.tenants, &*self.connector, std::slice::from_mut(flow), false).await;
    }

    /// Reads everything, and fills in whom instances are for.
    async fn gather(&self, book: &Book) -> Result<(Pass, Trouble), ConnectError> {
        // Parts that wait to be taken in are memory that nobody asked for.
        let (sink, mut parts) = mpsc::channel(2);
        let mut pass = Pass::default();
        // Where programs tell whose an instance is, they are run over all of them together.
        let mut untold = Vec::new();
        let receive = async {
            while let Some(part) = parts.recv().await {
                match part {
                    Observation::Flows(flows) if book.tenants.is_empty() => {
                        pass.flows(&self.held().rows, flows, self.limits(book));
                    }
                    Observation::Flows(mut flows) => untold.append(&mut flows),
                    Observation::FlowsAsBefore { after, until } => pass.flows_as_before(after, until),
                    Observation::Counts(counts) => pass.counts = counts,
                    Observation::CountsAsBefore => pass.counts_as_before = true,
                    Observation::Drift(mut findings) => pass.drift.append(&mut findings),
                    Observation::InSync(count) => pass.in_sync += count,
                    Observation::DriftAsBefore => pass.drift_as_before = true,
                    Observation::Mark(mark) => pass.mark = Some(mark),
                    Observation::BadRows { count, first } => {
                        pass.bad_rows += count;
                        pass.bad_row.get_or_insert(first);
                    }
                    Observation::End { complete, engine_now, version } => {
                        pass.end = Some((complete, engine_now, version));
                    }
                }
            }
        };
        // A source that failed may have failed by what it was asked; and programs are run over all that is told.
        let mark = Some(()).filter(|()| book.tenants.is_empty() && self.state().failures == 0);
        let mark = mark.and_then(|()| self.held().mark.clone());
        let observe = async {
            match &mark {
                Some(mark) => self.connector.observe_again(mark, sink).await,
                None => self.connector.observe(sink).await,
            }
        };
        let (outcome, ()) = tokio::join!(observe, receive);
        outcome?;
        if !matches!(pass.end, Some((true, ..))) {
            return Err(ConnectError::BadAnswer("the pass ended before everything was seen".into()));
        }
        let trouble = self.tenants.tell(&book.tenants, &*self.connector, &mut untold, true).await;
        if !untold.is_empty() {
            pass.flows(&self.held().rows, untold, self.limits(book));
        }
        Ok((pass, trouble))
    }

    /// Takes what a complete pass has gathered as the new truth.
    fn take(&self, mut pass: Pass, book: &Book, asked_at: Timestamp, now: Timestamp, took: Duration) -> Duration {
        let (_, engine_now, version) = pass.end.take().unwrap_or_default();
        let (board, count) = {
            let mut held = self.hold();
            pass.take(&mut held.rows, self.limits(book), engine_now.unwrap_or(now));
            if !pass.counts_as_before {
                // Whoever feeds tells of every row, so that the rows are the counts.
                held.counts = Some(std::mem::take(&mut pass.counts)).filter(|_| !self.connector.feeds());
            }
            held.mark = pass.mark();
            if self.connector.tells().drift && !pass.drift_as_before {
                held.findings.take(std::mem::take(&mut pass.drift), pass.in_sync, now);
            }
            (self.due(now).then(|| held.board(self.limits(book))), held.rows.len())
        };
        if self.connector.tells().drift {
            self.hand_over_findings();
        }
        let mut state = self.state();
        self.tell(&state, count, pass.bad_rows, took);
        state.good_in_a_row = state.good_in_a_row.saturating_add(1);
        // One failure is a blip; after a row of them one good pass may be a blip too.
        state.live = state.last_good_at.is_none() || state.failures <= 1 || state.good_in_a_row >= 2;
        if state.live {
            state.failures = 0;
            state.error = None;
        } else {
            state.error = Some("it answers again; a second answer will confirm it".into());
        }
        let live = state.live;
        if let Some(board) = board.filter(|_| live && self.connector.tells().flows) {
            state.take_sample(&board, now);
        }
        state.last_good_at = Some(now);
        state.latency = Some(took);
        state.clock_offset = engine_now.map(|engine_now| engine_now.duration_since(asked_at));
        state.bad_rows = pass.bad_rows;
        state.bad_row = pass.bad_row;
        state.version = version;
        state.interval = self.poll.max(took * PAUSE_PER_PASS);
        if live { state.interval } else { CONFIRM_AFTER }
    }

    /// Hands over which findings are new and which are gone. Where nobody keeps up with writing, it is tried again after
    /// the next pass.
    fn hand_over_findings(&self) {
        let Some((of, keeper)) = self.state().keeper.clone() else { return };
        let mut held = self.hold();
        if let Some(seen) = held.findings.unrecorded()
            && keeper.try_send(Taken { of, what: Kept::Findings(seen) }).is_ok()
        {
            held.findings.recorded();
        }
    }

    /// Tells the log of a good pass. `state` is what it was before.
    fn tell(&self, state: &State, rows: usize, bad_rows: usize, took: Duration) {
        let (name, took_ms) = (&self.name, took.as_millis());
        if state.failures > 0 {
            tracing::info!(source = %name, failures = state.failures, "a pass is good again");
        }
        if took > self.poll.max(SLOW) {
            tracing::warn!(source = %name, rows, took_ms, "a pass was slow");
        } else {
            tracing::debug!(source = %name, rows, took_ms, "a pass was good");
        }
        if bad_rows > state.bad_rows {
            tracing::warn!(source = %name, bad_rows, "rows can't be read");
        }
    }

    /// Keeps what was held, as stale.
    fn fail(&self, error: &ConnectError) -> Duration {
        self.go_stale(error.to_string().into());
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.good_in_a_row = 0;
        let doublings = state.failures.saturating_sub(1).min(8);
        let wish = if let ConnectError::Busy { wait, .. } = error { *wait } else { None };
        state.not_before = wish.map(|wait| tokio::time::Instant::now() + wait);
        let back_off = (self.poll * 2_u32.pow(doublings)).min(LONGEST_BACK_OFF.max(self.poll));
        state.interval = back_off.max(wish.unwrap_or_default());
        state.interval
    }

    fn go_stale(&self, why: SafeText) {
        let mut state = self.state();
        state.live = false;
        state.error = Some(why);
    }
}

/// Within a fifth of the interval, so that many hubs do not ask in step.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(rand::random_range(0.8..=1.2))
}

#[cfg(test)]
mod tests;
