//! Waiting for something to become so, by looking again and again, and never by sleeping a fixed time.

use std::fmt::Debug;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(100);

/// Looks until `look` gives `Ok`. `Err` holds what was seen instead.
///
/// # Panics
/// After `timeout`, with what was seen last.
#[track_caller]
pub fn eventually_now<T, E: Debug>(timeout: Duration, mut look: impl FnMut() -> Result<T, E>) -> T {
    let started = Instant::now();
    let mut pause = FIRST;
    loop {
        match look() {
            Ok(value) => return value,
            Err(seen) if started.elapsed() >= timeout => panic!("still so after {timeout:?}: {seen:#?}"),
            Err(_) => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(LONGEST);
    }
}

/// As [`eventually_now`], for a look that awaits something.
///
/// # Panics
/// After `timeout`, with what was seen last.
pub async fn eventually<T, E, Fut>(timeout: Duration, mut look: impl FnMut() -> Fut) -> T
where
    E: Debug,
    Fut: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    let mut pause = FIRST;
    loop {
        match look().await {
            Ok(value) => return value,
            Err(seen) if started.elapsed() >= timeout => panic!("still so after {timeout:?}: {seen:#?}"),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(LONGEST);
    }
}

/// `Ok(value)` where it is as wanted, else `Err(value)`: for the two above.
pub fn seen<T>(value: T, wanted: impl FnOnce(&T) -> bool) -> Result<T, T> {
    if wanted(&value) { Ok(value) } else { Err(value) }
}
