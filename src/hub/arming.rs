//! The lock on a production context: nothing is acted on until somebody arms it with a reason, for half an hour at
//! most. It locks itself again, also while an act is being reviewed; acts that were sent are watched to their end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;

use super::journal::{Arming, Entry, Event, Journal};
use super::source::Clock;
use crate::domain::hash::digest;
use crate::domain::text::SafeText;
use crate::ops::{ARM_AT_MOST, Armed, Lock, OpsError, REASON_LEAST};

/// The lock of a hub, where it has one.
pub(super) struct Latch {
    /// Why nothing is acted on while it is locked.
    why: SafeText,
    operator: SafeText,
    journal: Arc<Journal>,
    clock: Clock,
    changed: Arc<dyn Fn() + Send + Sync>,
    state: Mutex<State>,
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
    pub(super) fn arm(self: &Arc<Self>, lasting: SignedDuration, reason: &str) -> Result<Armed, OpsError> {
        let reason = SafeText::clipped(reason.trim(), 500);
        if reason.chars().filter(|c| !c.is_whitespace()).count() < REASON_LEAST {
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
        // Held over the record too, so that no second arming comes in between.
        let mut state = self.state();
        let event = Event::Armed(Arming { until, reason: reason.to_string(), requested_by: self.operator.to_string() });
        self.journal
            .append(Entry { at: now, id: id.to_string(), event })
            .map_err(|error| OpsError::Journal(format!("not armed, because it can't be recorded: {error}").into()))?;
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
                this.lock(Some(&id), "its time was over");
            }
        }));
        drop(state);
        (self.changed)();
        Ok(armed)
    }

    /// Lets no act through any more.
    pub(super) fn disarm(&self) {
        self.lock(None, "it was locked by hand");
    }

    /// Locks it; where `only` is given, if it is still armed by that arming.
    fn lock(&self, only: Option<&SafeText>, why: &str) {
        let mut state = self.state();
        if state.armed.is_none() || only.is_some_and(|id| *id != state.id) {
            return;
        }
        state.armed = None;
        let id = state.id.to_string();
        if let Some(expiry) = state.expiry.take()
            && only.is_none()
        {
            expiry.abort();
        }
        drop(state);
        // Locked it is in any case; that it is not in the record is only told in the log.
        let entry = Entry { at: (self.clock)(), id, event: Event::Disarmed { text: why.to_owned() } };
        if let Err(error) = self.journal.append(entry) {
            tracing::error!(%error, "that the context was locked again can't be recorded");
        }
        (self.changed)();
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.lock(None, "the context was left");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::*;

    /// A latch whose record is a file, by a clock that is moved by hand.
    fn latch(dir: &std::path::Path) -> (Arc<Latch>, Arc<AtomicI64>) {
        let seconds = Arc::new(AtomicI64::new(1_768_446_720));
        let clock: Clock = {
            let seconds = seconds.clone();
            Arc::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
        };
        let journal = Arc::new(Journal::open(dir).unwrap());
        (Arc::new(Latch::new("prod", "jo", journal, clock, Arc::new(|| {}))), seconds)
    }

    fn record(dir: &std::path::Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(dir.join("journal.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn it_is_locked_until_it_is_armed_and_when_the_time_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let (latch, seconds) = latch(dir.path());
        assert!(latch.refusal().unwrap().contains("prod is production: read-only until it is armed"));
        let armed = latch.arm(SignedDuration::from_mins(30), "  the queue is stuck ").unwrap();
        assert_eq!((armed.reason.as_str(), armed.by.as_str()), ("the queue is stuck", "jo"));
        assert_eq!(latch.refusal(), None);
        // The clock alone locks it, whether or not anything ran meanwhile.
        seconds.fetch_add(30 * 60, Ordering::SeqCst);
        assert!(latch.refusal().is_some() && latch.show().armed.is_none());
        assert_eq!(record(dir.path()).len(), 1);
        // And a task of its own sees to the record.
        latch.arm(SignedDuration::from_millis(1), "the queue is stuck").unwrap();
        while record(dir.path()).len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let lines = record(dir.path());
        let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["armed", "armed", "disarmed"]);
        assert_eq!((&lines[1]["reason"], &lines[1]["requested_by"]), (&"the queue is stuck".into(), &"jo".into()));
        assert_eq!((&lines[1]["id"], &lines[2]["text"]), (&lines[2]["id"], &"its time was over".into()));
    }

    #[tokio::test]
    async fn the_end_of_an_older_arming_ends_no_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let (latch, seconds) = latch(dir.path());
        latch.arm(SignedDuration::from_mins(1), "first reason").unwrap();
        let first = latch.state().id.clone();
        seconds.fetch_add(30, Ordering::SeqCst);
        latch.arm(SignedDuration::from_mins(10), "second reason").unwrap();
        latch.lock(Some(&first), "its time was over");
        seconds.fetch_add(120, Ordering::SeqCst);
        assert_eq!(latch.show().armed.unwrap().reason.as_str(), "second reason");
        latch.disarm();
        latch.disarm();
        assert!(latch.refusal().is_some());
        assert_eq!(record(dir.path()).len(), 3, "what is locked is not locked again");
    }

    #[tokio::test]
    async fn without_a_reason_a_short_enough_time_or_a_record_it_stays_locked() {
        let dir = tempfile::tempdir().unwrap();
        let (latch, _) = latch(dir.path());
        for (minutes, reason) in
            [(30, "ab"), (30, " a\u{a0}b "), (31, "a good reason"), (0, "a good reason"), (-5, "why not")]
        {
            assert!(matches!(latch.arm(SignedDuration::from_mins(minutes), reason), Err(OpsError::Refused(_))));
        }
        assert!(latch.refusal().is_some() && record(dir.path()).is_empty());
        let full = Arc::new(Journal::full());
        let latch = Arc::new(Latch::new("prod", "jo", full, Arc::new(Timestamp::now), Arc::new(|| {})));
        assert!(matches!(latch.arm(SignedDuration::from_mins(5), "a reason"), Err(OpsError::Journal(_))));
        assert!(latch.refusal().is_some());
    }

    #[tokio::test]
    async fn leaving_the_context_locks_it() {
        let dir = tempfile::tempdir().unwrap();
        let (latch, _) = latch(dir.path());
        latch.arm(SignedDuration::from_mins(5), "a reason").unwrap();
        drop(latch);
        assert_eq!(record(dir.path())[1]["text"], "the context was left");
    }
}
