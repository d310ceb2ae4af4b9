//! When the rules may next say something else of an instance that does not change.

use jiff::{SignedDuration, Timestamp};

use super::Thresholds;
use crate::domain::flow::FlowInstance;
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
    let wait = flow.wait.as_ref();
    let absent = match flow.signs.worker {
        Worker::Absent { since, .. } => since,
        Worker::Unknown | Worker::Present | Worker::Gone { .. } => None,
    };
    let parent_ended = flow.signs.parent.as_ref().and_then(|parent| parent.ended_at);
    let queued = flow.signs.queued_at.or(flow.entered_step_at);
    let step = flow.entered_step_at.max(flow.last_start_at);
    [
        half_and_whole(flow.first_failure_at, limits.retry_min_age),
        half_and_whole(flow.first_failure_at, limits.retry_max_age),
        half_and_whole(absent, limits.no_worker),
        half_and_whole(
            queued.filter(|_| limits.queue.is_some()),
            limits.queue.map(|limit| limit.limit).unwrap_or_default(),
        ),
        half_and_whole(wait.and_then(|wait| wait.until), limits.wait_grace),
        half_and_whole(wait.and_then(|wait| wait.since), limits.wait_callback),
        half_and_whole(wait.and_then(|wait| wait.since), limits.wait_person),
        half_and_whole(step, limits.overdue.limit),
        half_and_whole(flow.entered_step_at, limits.overdue.limit),
        half_and_whole(flow.entered_step_at, limits.overdue_queued.limit),
        half_and_whole(flow.signs.due_at, limits.never_started),
        half_and_whole(flow.created_at, limits.never_started),
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
