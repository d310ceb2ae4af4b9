//! When the rules may next say something else of an instance that does not change.

use jiff::{SignedDuration, Timestamp};

use super::Thresholds;
use crate::domain::flow::{FlowInstance, Status};
use crate::domain::signs::Worker;

/// The first moment after `now` from which on [`super::judge`] may give another verdict, rule or since, though nothing
/// was told of the instance or of the holder of its key; `None` where time alone changes nothing.
///
/// It may come early: then nothing has changed, and the next moment is a later one.
pub fn next_change(flow: &FlowInstance, limits: &Thresholds, now: Timestamp) -> Option<Timestamp> {
    // Whole nanoseconds, since this is asked of each row that is told.
    let nanos = now.as_nanosecond();
    let half_and_whole = |began: Option<Timestamp>, limit: SignedDuration| {
        let at = |length: SignedDuration| began.map(|began| began.as_nanosecond() + length.as_nanos());
        [at(limit / 2), at(limit)]
    };
    let (status, signs) = (flow.status, &flow.signs);
    let (queued, running) = (status == Status::Queued, status == Status::Running);
    let in_work = queued || running || matches!(status, Status::BackingOff | Status::Compensating);
    let failing = flow.first_failure_at.filter(|_| running || status == Status::BackingOff);
    let wait = flow.wait.as_ref().filter(|_| status == Status::Waiting);
    let absent = match signs.worker {
        Worker::Absent { since, .. } if status == Status::Scheduled => {
            since.max(signs.due_at).filter(|_| signs.due_at.is_some())
        }
        Worker::Absent { since, .. } => since.filter(|_| in_work),
        Worker::Unknown | Worker::Present | Worker::Gone { .. } => None,
    };
    let parent_ended = signs.parent.as_ref().and_then(|parent| parent.ended_at);
    let not_begun = queued || status == Status::Scheduled;
    let entered = flow.entered_step_at;
    [
        half_and_whole(failing, limits.retry_min_age),
        half_and_whole(failing, limits.retry_max_age),
        half_and_whole(absent, limits.no_worker),
        half_and_whole(
            signs.queued_at.or(entered).filter(|_| queued && limits.queue.is_some()),
            limits.queue.map(|limit| limit.limit).unwrap_or_default(),
        ),
        half_and_whole(wait.and_then(|wait| wait.until), limits.wait_grace),
        half_and_whole(wait.and_then(|wait| wait.since), limits.wait_callback),
        half_and_whole(wait.and_then(|wait| wait.since), limits.wait_person),
        half_and_whole(entered.max(flow.last_start_at).filter(|_| running), limits.overdue.limit),
        half_and_whole(entered.filter(|_| queued), limits.overdue_queued.limit),
        half_and_whole(signs.due_at.filter(|_| not_begun), limits.never_started),
        half_and_whole(flow.created_at.filter(|_| not_begun && signs.due_at.is_none()), limits.never_started),
        half_and_whole(parent_ended, limits.orphan.unwrap_or_default()),
    ]
    .into_iter()
    .flatten()
    .flatten()
    // Some rules hold as their limit is reached, others once it is passed.
    .filter(|at| *at >= nanos)
    .map(|at| if at > nanos { at } else { at + 1 })
    .min()
    // What is later than any time never comes.
    .and_then(|at| Timestamp::from_nanosecond(at).ok())
}
