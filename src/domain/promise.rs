//! What a step promises: how long it runs and how long it queues, as its owner has agreed.

use jiff::SignedDuration;
use serde::{Serialize, Serializer};

/// A promise about one step. Either half may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Promise {
    /// How long it runs at most.
    pub run: Option<SignedDuration>,
    /// How long it queues at most before it runs.
    pub queue: Option<SignedDuration>,
}

impl Promise {
    /// Whether nothing is promised.
    pub const fn is_empty(&self) -> bool {
        self.run.is_none() && self.queue.is_none()
    }
}

impl Serialize for Promise {
    /// In milliseconds, as `run_ms` and `queue_ms`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let millis = |duration: Option<SignedDuration>| duration.map(|duration| duration.as_millis());
        let mut out = serializer.serialize_struct("Promise", 2)?;
        out.serialize_field("run_ms", &millis(self.run))?;
        out.serialize_field("queue_ms", &millis(self.queue))?;
        out.end()
    }
}
