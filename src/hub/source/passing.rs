//! One pass over a source: everything is read, and only what came whole becomes what is held.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{Book, CONFIRM_AFTER, Clock, LONGEST_BACK_OFF, PAUSE_PER_PASS, SLOW, Source, State};
use crate::connect::{ConnectError, Observation};
use crate::domain::flow::FlowInstance;
use crate::domain::text::SafeText;
use crate::hub::pass::Pass;
use crate::hub::tenants::Trouble;
use crate::hub::trends::{Kept, Taken};

impl Source {
    /// One pass. Returns how long to wait before the next one.
    pub(in crate::hub) async fn pass(&self, book: &Book, clock: &Clock) -> Duration {
        let began = Instant::now();
        let asked_at = clock();
        self.state().last_asked_at = Some(asked_at);
        match self.gather(book, clock).await {
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
    pub(in crate::hub) async fn tell_tenant_of(&self, book: &Book, flow: &mut FlowInstance) {
        self.tenants.tell(&book.tenants, &*self.connector, std::slice::from_mut(flow), false).await;
    }

    /// Reads everything, and fills in whom instances are for.
    async fn gather(&self, book: &Book, clock: &Clock) -> Result<(Pass, Trouble), ConnectError> {
        // Parts that wait to be taken in are memory that nobody asked for.
        let (sink, mut parts) = mpsc::channel(2);
        let mut pass = Pass::default();
        // Where programs tell whose an instance is, they are run over all of them together.
        let mut untold = Vec::new();
        let first = self.state().last_good_at.is_none();
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
                    Observation::Tenants(mut tenants) => pass.tenants.append(&mut tenants),
                    Observation::TenantsAsBefore => pass.tenants_as_before = true,
                    // What has happened has happened, however the pass ends.
                    Observation::Events(events) if first => _ = self.events().take_past(&events, clock()),
                    Observation::Events(events) => _ = self.events().take(&events, clock()),
                    Observation::DeadLetters(letters) => self.events().dead(letters),
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
                let (twice, first) = held.findings.take(std::mem::take(&mut pass.drift), pass.in_sync, now);
                pass.bad_rows += twice;
                if let Some(id) = first {
                    pass.bad_row.get_or_insert_with(|| format!("finding {id}: it is told more than once").into());
                }
            }
            if self.connector.tells().tenants && !pass.tenants_as_before {
                let (twice, first) = held.directory.take(std::mem::take(&mut pass.tenants), now);
                pass.bad_rows += twice;
                if let Some(id) = first {
                    pass.bad_row.get_or_insert_with(|| format!("tenant {id}: it is told more than once").into());
                }
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
    pub(super) fn fail(&self, error: &ConnectError) -> Duration {
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

    pub(super) fn go_stale(&self, why: SafeText) {
        let mut state = self.state();
        state.live = false;
        state.error = Some(why);
    }
}
