//! A fleet that changes without end, for a short time: every row and count at the end is what a plain look at the same
//! changes comes to. `cargo bench --bench soak` is the same for half an hour and a million instances.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::support::fleet::{differences, hub_on};
use crate::support::matrix::record;
use crate::support::wait::{eventually, seen};
use jiff::Timestamp;
use quarterdeck::connect::sim::{Bulk, Clock};
use quarterdeck::ops::Ops;
use quarterdeck::query::Filter;

const POLL: Duration = Duration::from_millis(500);
const INSTANCES: u32 = 5_000;
const CHANGES: u32 = 5_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_changes_without_end_is_held_as_it_is() {
    let stopped: Arc<OnceLock<Timestamp>> = Arc::default();
    let clock: Clock = {
        let stopped = Arc::clone(&stopped);
        Arc::new(move || stopped.get().copied().unwrap_or_else(Timestamp::now))
    };
    let bulk = Bulk::new(7, INSTANCES, CHANGES, Arc::clone(&clock));
    let hub = hub_on(&bulk, clock, POLL);
    let _polling = hub.start();
    // Several changes of each place, on average.
    eventually(Duration::from_secs(60), || async { seen(bulk.changes(), |changes| *changes > 5 * INSTANCES) }).await;
    bulk.hold();
    let now = *stopped.get_or_init(Timestamp::now);
    // Once the clock was looked at again, all is as of the moment at which it stands still.
    let wrong = eventually(Duration::from_secs(60), || async {
        let wrong = differences(&hub, bulk.instances(), POLL, now).await.unwrap();
        seen(wrong, Vec::is_empty).map_err(|wrong| wrong.into_iter().take(5).collect::<Vec<_>>())
    })
    .await;
    assert_eq!(wrong, Vec::<String>::new());
    assert!(hub.overview(&Filter::default()).await.unwrap().cohorts.len() > 10);
    record("soak", 1, 1);
}
