//! The last few of something that costs to make, for whoever asks for it again.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last few, the newest first.
///
/// One is taken out while it is brought up to date, so that nobody waits for that: whoever asks for it meanwhile begins
/// another one.
#[derive(Debug)]
pub(super) struct Recent<T> {
    most: usize,
    kept: Mutex<Vec<T>>,
}

impl<T> Recent<T> {
    /// Keeps so many.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, kept: Mutex::new(Vec::new()) }
    }

    /// Takes the one that is such.
    pub(super) fn take(&self, such: impl Fn(&T) -> bool) -> Option<T> {
        let mut kept = self.kept();
        let at = kept.iter().position(such)?;
        Some(kept.remove(at))
    }

    /// Keeps one. The one that was kept longest ago gives way.
    pub(super) fn keep(&self, one: T) {
        let mut kept = self.kept();
        kept.insert(0, one);
        kept.truncate(self.most);
    }

    /// All that are kept. It holds nothing half done: what is brought up to date is not among them.
    pub(super) fn kept(&self) -> MutexGuard<'_, Vec<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
