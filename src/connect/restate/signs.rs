//! What Restate tells of workers, times and callers, beside an invocation's status.
//!
//! A worker that is not there shows as a retry with error code `RT0010` and "error when calling"; one that dies with
//! the work in its hands as the same code and "unexpected error while reading the response body"; a deployment that
//! was removed by force, while invocations are pinned to it, as `RT0011` from the next attempt on. A caller is told by
//! its id, and nothing tells whether it waits: a message that was sent one way has a parent too.

use std::ops::Deref;

use jiff::{SignedDuration, Timestamp};

use super::row::{InstanceRow, NAME};
use crate::domain::flow::Status;
use crate::domain::signs::{Faults, Parent, Signs, Worker};
use crate::domain::text::SafeText;
use crate::domain::time::since;

/// An attempt that has run for this long has reached a worker: one that is not there refuses at once.
const CONNECTS_WITHIN: SignedDuration = SignedDuration::from_secs(3);

impl<T: Deref<Target = str>> InstanceRow<T> {
    /// What the row tells beside its status.
    pub(super) fn signs(&self, status: Status, now: Timestamp) -> Signs {
        Signs {
            due_at: self.scheduled_start_at,
            queued_at: self.queued_at().filter(|_| status == Status::Queued),
            faults: self.faults(status),
            worker: self.worker(status, now),
            parent: self.invoked_by_id.as_deref().map(|id| Parent {
                id: SafeText::clipped(id, NAME),
                ended: None,
                ended_at: None,
            }),
        }
    }

    /// Whether it is tried again and again at present.
    pub(super) fn retrying(&self, status: Status) -> bool {
        status == Status::BackingOff || status == Status::Running && self.last_failure.is_some()
    }

    fn faults(&self, status: Status) -> Option<Faults> {
        let counts = self.retrying(status) || status == Status::Paused || status.failed();
        let seen = self.crashes.filter(|crashes| counts && *crashes > 0)?;
        // Equal failures in a row make one event: where crashes are all there is, each attempt was one.
        let attempts = match status {
            Status::BackingOff => self.retry_count,
            Status::Running => self.retry_count.map(|attempt| attempt.saturating_sub(1)),
            _ => None,
        };
        let alone = seen == 1 && self.absent_at.is_none() && self.crashed_at == self.first_failure_at;
        let count = attempts.filter(|_| alone).map_or(seen, |attempts| attempts.max(seen));
        Some(Faults { count: Some(count), since: self.crashed_at })
    }

    fn worker(&self, status: Status, now: Timestamp) -> Worker {
        let code = self.last_failure_error_code.as_deref().filter(|_| self.retrying(status));
        if self.deployment_gone || code == Some("RT0011") {
            let what = match self.pinned_deployment_id.as_deref() {
                Some(id) => format!("deployment {}", SafeText::clipped(id, NAME)).into(),
                None => "a deployment".into(),
            };
            return Worker::Gone { since: self.gone_at.filter(|_| self.retrying(status)), what };
        }
        let fresh = self.last_start_at.is_none_or(|at| since(at, now) < CONNECTS_WITHIN);
        let called_in_vain = code == Some("RT0010") && self.absent_at.is_some() && self.absent_at >= self.seen_at;
        if called_in_vain && (status == Status::BackingOff || fresh) {
            return Worker::Absent { since: self.absent_at, what: "no worker answers the engine".into() };
        }
        if status == Status::Running { Worker::Present } else { Worker::Unknown }
    }
}
