//! The lock on a production context: nothing is acted on until somebody arms it with a reason, for half an hour at
//! most. It locks itself again, also while an act is being reviewed; acts that were sent are watched to their end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;

use super::journal::{Arming, Journal};
use super::source::Clock;
use crate::domain::hash::digest;
use crate::domain::text::SafeText;
use crate::ops::{ARM_AT_MOST, Armed, Lock, OpsError, REASON_LEAST, is_reason};

/// The lock of a hub, where it has one.
pub(super) struct Latch {
    /// Why nothing is acted on while it is locked.
    why: SafeText,
    operator: SafeText,
    journal: Arc<Journal>,
    clock: Clock,
    changed: Arc<dyn Fn() + Send + Sync>,
    state: Mutex<State>,
    /// Held while an arming or a locking is being recorded, so that none comes in between.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    armed: Option<Armed>,
    /// Which arming it is, so that the end of an older one ends no later one.
    id: SafeText,
    /// What locks it again when the time is over.
    expiry: Option<JoinHandle<()>>,
}

impl Latch {
    pub(super) fn new(
        context: &str,
        operator: &str,
        journal: Arc<Journal>,
        clock: Clock,
        changed: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            why: format!("{context} is production: read-only until it is armed (:arm in the cockpit)").into(),
            operator: operator.into(),
            journal,
            clock,
            changed,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why nothing may be acted on at this moment; `None` while it is armed.
    pub(super) fn refusal(&self) -> Option<SafeText> {
        self.armed().is_none().then(|| self.why.clone())
    }

    /// As the board shows it.
    pub(super) fn show(&self) -> Lock {
        Lock { why: self.why.clone(), armed: self.armed() }
    }

    fn armed(&self) -> Option<Armed> {
        let now = (self.clock)();
        self.state().armed.clone().filter(|armed| now < armed.until)
    }

    /// Lets acts through for a while. What is armed already is armed anew.
    pub(super) async fn arm(self: &Arc<Self>, lasting: SignedDuration, reason: &str) -> Result<Armed, OpsError> {
        // A task of its own: whoever asked may go away meanwhile, and what is recorded is so.
        let (this, reason) = (self.clone(), reason.to_owned());
        let armed = tokio::spawn(async move {
            let armed = this.arm_for(lasting, &reason).await;
            if let Err(OpsError::Refused(why)) = &armed {
                this.journal.refusal((this.clock)(), "", "arm", why).await;
            }
            armed
        });
        armed.await.unwrap_or_else(|error| Err(OpsError::Journal(format!("not armed: {error}").into())))
    }

    async fn arm_for(self: &Arc<Self>, lasting: SignedDuration, reason: &str) -> Result<Armed, OpsError> {
        let reason = SafeText::clipped(reason.trim(), 500);
        if !is_reason(&reason) {
            let text = format!("a reason of at least {REASON_LEAST} characters is needed, for the record");
            return Err(OpsError::Refused(text.into()));
        }
        if !lasting.is_positive() || lasting > ARM_AT_MOST {
            let most = crate::domain::time::words(ARM_AT_MOST);
            return Err(OpsError::Refused(format!("it can be armed for {most} at most").into()));
        }
        let now = (self.clock)();
        let until = now.saturating_add(lasting).unwrap_or(now);
        let id = digest(&["arm", &now.as_nanosecond().to_string(), &self.operator], 6);
        let armed = Armed { until, reason: reason.clone(), by: self.operator.clone() };
        let _turn = self.turn.lock().await;
        let arming = Arming { until, reason: reason.to_string(), requested_by: self.operator.to_string() };
        self.journal
            .armed(now, &id, &arming)
            .await
            .map_err(|error| OpsError::Journal(format!("not armed, because it can't be recorded: {error}").into()))?;
        let mut state = self.state();
        if let Some(older) = state.expiry.take() {
            older.abort();
        }
        state.armed = Some(armed.clone());
        state.id = id.clone();
        let this = Arc::downgrade(self);
        let wait = Duration::try_from(lasting).unwrap_or_default();
        state.expiry = Some(tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            if let Some(this) = this.upgrade() {
                this.lock(Some(&id), "its time was over").await;
            }
        }));
        drop(state);
        (self.changed)();
        Ok(armed)
    }

    /// Lets no act through any more.
    pub(super) async fn disarm(&self) {
        self.lock(None, "it was locked by hand").await;
    }

    /// Locks it; where `only` is given, if it is still armed by that arming.
    async fn lock(&self, only: Option<&SafeText>, why: &str) {
        let _turn = self.turn.lock().await;
        if let Some(id) = self.locked(only) {
            self.journal.disarmed((self.clock)(), &id, why).await;
        }
    }

    /// Locks it, and gives by which arming it was open, where it was.
    fn locked(&self, only: Option<&SafeText>) -> Option<SafeText> {
        let mut state = self.state();
        if state.armed.is_none() || only.is_some_and(|id| *id != state.id) {
            return None;
        }
        state.armed = None;
        let id = state.id.clone();
        if let Some(expiry) = state.expiry.take()
            && only.is_none()
        {
            expiry.abort();
        }
        drop(state);
        (self.changed)();
        Some(id)
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        if let Some(id) = self.locked(None) {
            self.journal.disarmed_now((self.clock)(), &id, "the context was left");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::domain::audit::Entry;
    use crate::hub::ledger::{Book, Choice, Ledger};

    /// A latch whose record is a file, by a clock that is moved by hand.
    fn latch(dir: &std::path::Path) -> (Arc<Latch>, Arc<AtomicI64>) {
        let seconds = Arc::new(AtomicI64::new(1_768_446_720));
        let clock: Clock = {
            let seconds = seconds.clone();
            Arc::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
        };
        let journal = Arc::new(Journal::new(Ledger::open(dir).unwrap(), "prod", "jo"));
        (Arc::new(Latch::new("prod", "jo", journal, clock, Arc::new(|| {}))), seconds)
    }

    /// What the audit says, refusals aside.
    async fn record(dir: &std::path::Path) -> Vec<Entry> {
        let (entries, unreadable) = Book::open(dir).await.unwrap().entries(&Choice::default()).await.unwrap();
        assert_eq!(unreadable, 0);
        entries.into_iter().rev().filter(|entry| entry.action != "refusal").collect()
    }

    #[tokio::test]
    async fn it_is_locked_until_it_is_armed_and_when_the_time_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let (latch, seconds) = latch(dir.path());
        assert!(latch.refusal().unwrap().contains("prod is production: read-only until it is armed"));
        let armed = latch.arm(SignedDuration::from_mins(30), "  the queue is stuck ").await.unwrap();
        assert_eq!((armed.reason.as_str(), armed.by.as_str()), ("the queue is stuck", "jo"));
        assert_eq!(latch.refusal(), None);
        // The clock alone locks it, whether or not anything ran meanwhile.
        seconds.fetch_add(30 * 60, Ordering::SeqCst);
        assert!(latch.refusal().is_some() && latch.show().armed.is_none());
        assert_eq!(record(dir.path()).await.len(), 1);
        // And a task of its own sees to the record.
        latch.arm(SignedDuration::from_millis(1), "the queue is stuck").await.unwrap();
        while record(dir.path()).await.len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let lines = record(dir.path()).await;
        let events: Vec<_> = lines.iter().map(|line| line.action.as_str()).collect();
        assert_eq!(events, ["arm", "arm", "disarm"]);
        assert!(lines[1].detail.contains("\"reason\":\"the queue is stuck\"") && lines[1].actor == "jo");
        assert_eq!(lines[1].remediation, lines[2].remediation);
        assert_eq!(lines[2].detail, "{\"text\":\"its time was over\"}");
    }

    #[tokio::test]
    async fn the_end_of_an_older_arming_ends_no_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let (latch, seconds) = latch(dir.path());
        latch.arm(SignedDuration::from_mins(1), "first reason").await.unwrap();
        let first = latch.state().id.clone();
        seconds.fetch_add(30, Ordering::SeqCst);
        latch.arm(SignedDuration::from_mins(10), "second reason").await.unwrap();
        latch.lock(Some(&first), "its time was over").await;
        seconds.fetch_add(120, Ordering::SeqCst);
        assert_eq!(latch.show().armed.unwrap().reason.as_str(), "second reason");
        latch.disarm().await;
        latch.disarm().await;
        assert!(latch.refusal().is_some());
        assert_eq!(record(dir.path()).await.len(), 3, "what is locked is not locked again");
    }

    #[tokio::test]
    async fn without_a_reason_a_short_enough_time_or_a_record_it_stays_locked() {
        let dir = tempfile::tempdir().unwrap();
        let (latch, _) = latch(dir.path());
        for (minutes, reason) in
            [(30, "ab"), (30, " a\u{a0}b "), (31, "a good reason"), (0, "a good reason"), (-5, "why not")]
        {
            assert!(matches!(latch.arm(SignedDuration::from_mins(minutes), reason).await, Err(OpsError::Refused(_))));
        }
        assert!(latch.refusal().is_some() && record(dir.path()).await.is_empty());
        let full = Arc::new(Journal::new(Ledger::full(), "prod", "jo"));
        let latch = Arc::new(Latch::new("prod", "jo", full, Arc::new(Timestamp::now), Arc::new(|| {})));
        assert!(matches!(latch.arm(SignedDuration::from_mins(5), "a reason").await, Err(OpsError::Journal(_))));
        assert!(latch.refusal().is_some());
    }

    #[tokio::test]
    async fn leaving_the_context_locks_it() {
        let dir = tempfile::tempdir().unwrap();
        let (latch, _) = latch(dir.path());
        latch.arm(SignedDuration::from_mins(5), "a reason").await.unwrap();
        drop(latch);
        assert_eq!(record(dir.path()).await[1].detail, "{\"text\":\"the context was left\"}");
    }
}
