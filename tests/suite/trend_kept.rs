//! The last hour outlives the process: a hub that begins on the same state directory knows what an earlier one has seen,
//! and nothing that nobody saw, that another context saw or that lies in the future. Where it can't be kept, the hub
//! goes on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::support::crowd::{CROWD, Crowd, Wire};
use crate::support::hub::{SOON, setup};
use crate::support::ledger::{apart, connect, entries, tell, verified};
use crate::support::wait::{eventually, seen};
use jiff::{SignedDuration, Timestamp};
use quarterdeck::config::Config;
use quarterdeck::connect::Connector;
use quarterdeck::domain::source::Freshness;
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{Ops, Overview};
use quarterdeck::query::Filter;
use sqlx::Connection as _;

/// A state directory, a crowd, and a clock that stands still until it is moved.
struct Place {
    dir: tempfile::TempDir,
    crowd: Arc<Crowd>,
    clock: Arc<AtomicI64>,
}

impl Place {
    fn new(count: usize) -> Self {
        let now = Timestamp::now().as_second();
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { dir, crowd: Crowd::of(count), clock: Arc::new(AtomicI64::new(now - now.rem_euclid(60))) }
    }

    fn moves(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.load(Ordering::SeqCst)).unwrap()
    }

    /// A hub that has asked nobody yet, as another process has it.
    fn hub(&self, context: &str) -> Arc<Hub> {
        self.made(context, Some(self.dir.path()), None)
    }

    /// One that records nothing, as a single look has it.
    fn looking(&self, context: &str) -> Arc<Hub> {
        self.made(context, None, Some(self.dir.path()))
    }

    fn made(&self, context: &str, state_dir: Option<&Path>, read_dir: Option<&Path>) -> Arc<Hub> {
        let source = format!("[[source]]\nname = \"{CROWD}\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:9\"\n");
        let config = Config::parse(&source, "config.toml", None).unwrap();
        let wire = Arc::new(Wire(Arc::clone(&self.crowd))) as Arc<dyn Connector>;
        let clock = Arc::clone(&self.clock);
        Hub::new(Setup {
            context: context.to_owned(),
            state_dir: state_dir.map(Path::to_owned),
            read_dir: read_dir.map(Path::to_owned),
            clock: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap()),
            ..setup(config, vec![(CROWD.to_owned(), wire, Duration::from_millis(50))])
        })
    }

    /// A hub that looks until the ledger has what it sees now. Then it is gone.
    async fn seen_by_one(&self, context: &str) {
        let hub = self.hub(context);
        let polling = hub.start();
        self.is_kept().await;
        drop((polling, hub));
    }

    /// Waits until the ledger has this moment.
    async fn is_kept(&self) {
        let now = self.now().as_millisecond();
        let has_now = |kept: &Vec<(String, i64, i64)>| kept.iter().any(|(_, at, _)| *at == now);
        eventually(SOON, || async { seen(kept(self.dir.path()), has_now) }).await;
    }
}

/// What is kept: context, when, and how many were stuck.
fn kept(state: &Path) -> Vec<(String, i64, i64)> {
    apart(async || {
        let mut connection = connect(state).await;
        let rows = sqlx::query_as("SELECT context, at, stuck FROM trend_points ORDER BY context, at");
        let rows = rows.fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows
    })
}

async fn board(hub: &Hub) -> Arc<Overview> {
    hub.overview(&Filter::default()).await.unwrap()
}

/// The board as a hub that has just begun shows it after one look.
async fn at_once(hub: &Hub) -> Arc<Overview> {
    hub.pass().await;
    board(hub).await
}

fn growth(board: &Arc<Overview>) -> (Option<i64>, Option<i64>) {
    (board.trend.as_ref().unwrap().growth, board.cohorts[0].growth)
}

/// What was stuck in each minute that somebody has seen.
fn stuck(board: &Arc<Overview>) -> Vec<u64> {
    board.trend.as_ref().unwrap().samples.iter().map(|sample| sample.stuck).collect()
}

#[tokio::test]
async fn a_hub_that_begins_anew_knows_what_was_seen_and_nothing_else() {
    let place = Place::new(5);
    place.seen_by_one("prod").await;
    place.moves(300);
    place.crowd.arrived("i000");
    place.crowd.arrived("i001");
    let hub = place.hub("prod");
    let first = at_once(&hub).await;
    assert_eq!(growth(&first), (Some(-2), Some(-2)));
    assert_eq!(stuck(&first), [5, 3], "the four minutes in between are not made up");
    assert_eq!(first.trend.as_ref().unwrap().samples[0].at, place.now() - SignedDuration::from_mins(5));
    // Who looks once, or is not started, keeps nothing.
    assert_eq!(kept(place.dir.path()).len(), 1);
    drop(hub);
    let looking = place.looking("prod");
    let polling = looking.start();
    assert_eq!((growth(&at_once(&looking).await), kept(place.dir.path()).len()), ((Some(-2), Some(-2)), 1));
    drop(polling);
    // Another context has a past of its own.
    let other = at_once(&place.hub("staging")).await;
    assert_eq!((growth(&other), stuck(&other)), ((None, None), vec![3]));
    // One that is started knows it too, whichever comes first, its past or its pass.
    let hub = place.hub("prod");
    let polling = hub.start();
    let knows = async || {
        let board = board(&hub).await;
        seen((board.sources[0].state, stuck(&board)), |now| *now == (Freshness::Live, vec![5, 3]))
    };
    eventually(SOON, knows).await;
    place.is_kept().await;
    drop((polling, hub));
    // After an hour it is history, and after a day it is gone.
    place.moves(56 * 60);
    assert_eq!(stuck(&at_once(&place.hub("prod")).await), [3, 3]);
    place.moves(25 * 3_600);
    place.seen_by_one("prod").await;
    assert_eq!(kept(place.dir.path()), [("prod".to_owned(), place.now().as_millisecond(), 3)]);
    // It is no act: the audit has nothing of it.
    assert!(entries(place.dir.path()).is_empty() && verified(place.dir.path()).broken.is_none());
}

#[tokio::test]
async fn two_processes_keep_one_sample_a_minute() {
    let place = Place::new(3);
    let hubs = [place.hub("prod"), place.hub("prod")];
    let polling = hubs.each_ref().map(Hub::start);
    for minute in 1..=4 {
        // Each of them takes a sample of its own.
        for hub in &hubs {
            eventually(SOON, || async { seen(stuck(&board(hub).await).len(), |count| *count == minute) }).await;
        }
        place.is_kept().await;
        place.moves(60);
    }
    drop(polling);
    let rows = kept(place.dir.path());
    assert_eq!(rows.iter().map(|(_, at, _)| at.rem_euclid(60_000)).collect::<Vec<_>>(), [0; 4]);
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_its_future_worthless() {
    let place = Place::new(4);
    place.seen_by_one("prod").await;
    place.moves(-3_000);
    place.crowd.arrived("i000");
    assert_eq!(stuck(&at_once(&place.hub("prod")).await), [3], "what is to come has not been seen");
    let before = place.now().as_millisecond();
    place.seen_by_one("prod").await;
    assert_eq!(kept(place.dir.path()), [("prod".to_owned(), before, 3)], "and is taken away");
    place.moves(300);
    place.crowd.arrived("i001");
    assert_eq!(growth(&at_once(&place.hub("prod")).await), (Some(-1), Some(-1)));
}

#[tokio::test]
async fn where_it_cannot_be_kept_the_hub_goes_on() {
    let place = Place::new(3);
    place.seen_by_one("prod").await;
    place.moves(60);
    let hub = place.hub("prod");
    // Another program holds the ledger for itself, and then it has no table for it.
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let state = place.dir.path().to_owned();
    let holder = std::thread::spawn(move || {
        apart(async move || {
            let mut connection = connect(&state).await;
            sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
            held.send(()).unwrap();
            released.await.unwrap();
            sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    });
    is_held.await.unwrap();
    let polling = hub.start();
    place.crowd.arrived("i000");
    let live = async |stuck: u64| {
        eventually(SOON, || async {
            let board = board(&hub).await;
            let count = board.cohorts.first().map(|cohort| cohort.count);
            seen((board.sources[0].state, count), |now| *now == (Freshness::Live, Some(stuck)))
        })
        .await
    };
    live(2).await;
    release.send(()).unwrap();
    holder.join().unwrap();
    tell(place.dir.path(), "ALTER TABLE trend_points RENAME TO elsewhere");
    place.moves(60);
    place.crowd.arrived("i001");
    live(1).await;
    // Once it can, it does so again.
    tell(place.dir.path(), "ALTER TABLE elsewhere RENAME TO trend_points");
    place.moves(60);
    place.is_kept().await;
    drop(polling);
    // A past that can't be read back is none.
    drop(hub);
    tell(place.dir.path(), "UPDATE trend_points SET cohorts = '{' WHERE stuck = 3");
    assert!(!stuck(&at_once(&place.hub("prod")).await).contains(&3));
    tell(place.dir.path(), "DROP TABLE trend_points");
    assert_eq!(stuck(&at_once(&place.hub("prod")).await), [1]);
}
