//! One source: its poll loop, its last good rows and counts, and how well it is known.
//!
//! The hub owns the loop: one pass in flight, an interval with jitter that never keeps the engine busy for more than
//! a tenth of the time, back-off on errors, `Retry-After` kept to. A pass that fails or stops half-way changes nothing of what is held; it
//! makes it stale.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc};

use super::board::{self, Board};
use super::history::History;
use super::tenants::{Tenants, Trouble};
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::{ConnectError, Connector, EngineCount, Observation};
use crate::domain::flow::{FlowInstance, JudgedFlow, WaitKind};
use crate::domain::source::{Freshness, SourceStatus};
use crate::domain::text::SafeText;
use crate::domain::trend::Sample;
use crate::domain::verdict::{Circumstances, Judgement, judge};

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
}

/// What is known of a source.
#[derive(Default)]
struct State {
    rows: Arc<Vec<Arc<JudgedFlow>>>,
    board: Board,
    history: History,
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
    /// For how long the source wants to be left alone yet.
    fn left_alone(&self) -> Option<Duration> {
        let left = self.not_before?.saturating_duration_since(tokio::time::Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// What one pass has gathered.
#[derive(Default)]
struct Gathered {
    flows: Vec<FlowInstance>,
    counts: Vec<EngineCount>,
    bad_rows: usize,
    bad_row: Option<SafeText>,
    end: Option<(bool, Option<Timestamp>, Option<SafeText>)>,
}

impl Source {
    pub(super) fn new(name: &str, connector: Arc<dyn Connector>, poll: Duration) -> Self {
        let state = Mutex::new(State { interval: poll, ..State::default() });
        Self { name: name.into(), connector, poll, wake: Notify::new(), tenants: Tenants::default(), state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the source as soon as the pass in flight, if any, has ended.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Every instance held, judged.
    pub(super) fn rows(&self) -> Arc<Vec<Arc<JudgedFlow>>> {
        self.state().rows.clone()
    }

    /// The counts and cohorts of the last good pass, with how they have grown where the source is live.
    pub(super) fn grown_board(&self, now: Timestamp) -> Board {
        let state = self.state();
        let mut board = state.board.clone();
        if state.live {
            state.history.grow(&mut board.cohorts, now);
        }
        board
    }

    /// The last hour, a sample a minute, and the growth over the last five minutes, where it is known.
    pub(super) fn trend(&self, now: Timestamp) -> (Vec<Sample>, Option<i64>) {
        let state = self.state();
        let growth = if state.live { state.history.growth(&state.board, now) } else { None };
        (state.history.samples(now).cloned().collect(), growth)
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
            rows: state.rows.len(),
            bad_rows: state.bad_rows,
            bad_row: state.bad_row.clone(),
            untold_tenants: state.trouble.count,
            untold_tenant: state.trouble.first.clone(),
            version: state.version.clone(),
            unverified: self.connector.unverified(),
            verbs: self.connector.verbs(),
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
            // What the source asked for is only ever made longer.
            let pause = jittered(pause).max(self.left_alone().mul_f64(rand::random_range(1.0..=1.2)));
            tokio::select! {
                () = self.rest(pause) => {}
                // Not even for somebody who presses a key is it asked too early.
                () = self.wake.notified() => tokio::time::sleep(self.left_alone()).await,
            }
        }
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
        match self.gather().await {
            Ok(mut gathered) => {
                let trouble = self.tell_tenants(book, &mut gathered.flows).await;
                self.state().trouble = trouble;
                self.take(gathered, &book.thresholds, asked_at, clock(), began.elapsed())
            }
            Err(error) => {
                let pause = self.fail(&error);
                let failures = self.state().failures;
                tracing::warn!(source = %self.name, %error, failures, "a pass failed");
                pause
            }
        }
    }

    /// Fills in whom instances are for, as far as the config says how that is told.
    async fn tell_tenants(&self, book: &Book, flows: &mut [FlowInstance]) -> Trouble {
        self.tenants.tell(&book.tenants, &*self.connector, flows, true).await
    }

    /// The same for one that was read alone.
    pub(super) async fn tell_tenant_of(&self, book: &Book, flow: &mut FlowInstance) {
        self.tenants.tell(&book.tenants, &*self.connector, std::slice::from_mut(flow), false).await;
    }

    async fn gather(&self) -> Result<Gathered, ConnectError> {
        let (sink, mut parts) = mpsc::channel(16);
        let mut gathered = Gathered::default();
        let receive = async {
            while let Some(part) = parts.recv().await {
                match part {
                    Observation::Flows(mut flows) => gathered.flows.append(&mut flows),
                    Observation::Counts(counts) => gathered.counts = counts,
                    Observation::BadRows { count, first } => {
                        gathered.bad_rows += count;
                        gathered.bad_row.get_or_insert(first);
                    }
                    Observation::End { complete, engine_now, version } => {
                        gathered.end = Some((complete, engine_now, version));
                    }
                }
            }
        };
        let (outcome, ()) = tokio::join!(self.connector.observe(sink), receive);
        outcome?;
        match gathered.end {
            Some((true, ..)) => Ok(gathered),
            _ => Err(ConnectError::BadAnswer("the pass ended before everything was seen".into())),
        }
    }

    /// Takes what a complete pass has gathered as the new truth.
    fn take(
        &self,
        gathered: Gathered,
        book: &ThresholdBook,
        asked_at: Timestamp,
        now: Timestamp,
        took: Duration,
    ) -> Duration {
        let (_, engine_now, version) = gathered.end.unwrap_or_default();
        let poll = self.poll_interval();
        let mut flows = gathered.flows;
        // A row that could not be read may be of an open one.
        if gathered.bad_rows == 0 {
            know_parents(&mut flows);
        }
        let judged = judge_all(flows, book, poll, engine_now.unwrap_or(now));
        let board = board::of_source(&self.name, &judged.iter(), Some(&gathered.counts));
        let mut state = self.state();
        self.tell(&state, judged.len(), gathered.bad_rows, took);
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
        let shown = |row: JudgedFlow| Arc::new(if live { row } else { outdated(row) });
        state.rows = Arc::new(judged.into_iter().map(shown).collect());
        if live {
            state.history.take(&board, now);
        }
        state.board = board;
        state.last_good_at = Some(now);
        state.latency = Some(took);
        state.clock_offset = engine_now.map(|engine_now| engine_now.duration_since(asked_at));
        state.bad_rows = gathered.bad_rows;
        state.bad_row = gathered.bad_row;
        state.version = version;
        state.interval = self.poll.max(took * PAUSE_PER_PASS);
        if live { state.interval } else { CONFIRM_AFTER }
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
        if state.live {
            state.rows = Arc::new(state.rows.iter().map(|row| Arc::new(outdated((**row).clone()))).collect());
        }
        state.live = false;
        state.error = Some(why);
    }
}

/// What a silent source last told of an instance: nothing of it is certain any more.
fn outdated(row: JudgedFlow) -> JudgedFlow {
    JudgedFlow { judgement: row.judgement.outdated(), flow: row.flow }
}

/// Within a fifth of the interval, so that many hubs do not ask in step.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(rand::random_range(0.8..=1.2))
}

/// Finds out which instances have outlived the one that started them, among all that are open or failed in a source.
///
/// A complete pass has seen each open one: a parent that is not among them has ended, and its engine forgot it.
fn know_parents(flows: &mut [FlowInstance]) {
    if flows.iter().all(|flow| flow.signs.parent.is_none()) {
        return;
    }
    let ends: HashMap<SafeText, Option<Timestamp>> = flows
        .iter()
        .map(|flow| (flow.id.instance.clone(), flow.last_transition_at.filter(|_| flow.status.ended())))
        .collect();
    let ended: HashSet<SafeText> =
        flows.iter().filter(|flow| flow.status.ended()).map(|flow| flow.id.instance.clone()).collect();
    for parent in flows.iter_mut().filter_map(|flow| flow.signs.parent.as_mut()) {
        if parent.ended.is_none() {
            let seen = ends.get(&parent.id);
            parent.ended = Some(seen.is_none() || ended.contains(&parent.id));
            parent.ended_at = seen.copied().flatten();
        }
    }
}

/// Applies the rules to every instance: first to those that wait for nobody, then to those behind a key.
fn judge_all(flows: Vec<FlowInstance>, book: &ThresholdBook, poll: SignedDuration, now: Timestamp) -> Vec<JudgedFlow> {
    let behind = |flow: &FlowInstance| {
        flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Lock).and_then(|wait| wait.reference.clone())
    };
    let mut limits = HashMap::new();
    let mut limits_of = |flow: &FlowInstance| {
        let place = (flow.flow.clone(), flow.step.clone());
        limits.entry(place).or_insert_with(|| book.resolve(&flow.id.source, &flow.flow, &flow.step, poll)).clone()
    };
    let wanted: HashSet<SafeText> = flows.iter().filter_map(behind).collect();
    let mut holders = HashMap::new();
    let mut judgements: Vec<Judgement> = Vec::with_capacity(flows.len());
    for flow in &flows {
        let judgement = judge(flow, &limits_of(flow), &Circumstances { now, holder: None });
        if wanted.contains(&flow.id.instance) {
            holders.insert(flow.id.instance.clone(), (flow.id.clone(), judgement.clone()));
        }
        judgements.push(judgement);
    }
    for (flow, judgement) in flows.iter().zip(&mut judgements) {
        if let Some((id, of_holder)) = behind(flow).and_then(|holder| holders.get(&holder)) {
            *judgement = judge(flow, &limits_of(flow), &Circumstances { now, holder: Some((id, of_holder)) });
        }
    }
    flows.into_iter().zip(judgements).map(|(flow, judgement)| JudgedFlow { flow, judgement }).collect()
}

#[cfg(test)]
mod tests;
