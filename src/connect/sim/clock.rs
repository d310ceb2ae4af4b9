//! The world's only notion of the present: a clock that is handed in, and milliseconds relative to the start.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// Tells the present. Whoever starts a world hands it one, so that tests can hold the time still.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of the machine, for everything that is not a test.
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// Milliseconds since the start of the world; negative before it.
pub(super) type Ms = i64;

pub(super) const SECOND: Ms = 1_000;
pub(super) const MINUTE: Ms = 60 * SECOND;
pub(super) const HOUR: Ms = 60 * MINUTE;
pub(super) const DAY: Ms = 24 * HOUR;

/// The instant `at` milliseconds after `epoch`; `epoch` itself where that is beyond what a timestamp can hold.
pub(super) fn instant(epoch: Timestamp, at: Ms) -> Timestamp {
    epoch.checked_add(SignedDuration::from_millis(at)).unwrap_or(epoch)
}

/// The whole milliseconds from `epoch` to `now`.
pub(super) fn millis(epoch: Timestamp, now: Timestamp) -> Ms {
    now.as_millisecond().saturating_sub(epoch.as_millisecond())
}
