//! A source that turns bad, in every way there is: it says why, its last rows stay with their age, nothing else
//! stops, and when it is good again it is live again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::fake_restate::{FakeRestate, Kind, row, row_with};
use crate::support::hostile::{Behaviour, Hostile};
use crate::support::hub::{config_of, hub_of, rows, status};
use crate::support::matrix::record;
use crate::support::wait::{eventually, seen};
use crate::support::ways::{Bad, CANARY, Case, cases, cases_that};
use quarterdeck::domain::flow::JudgedFlow;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::source::{Freshness, SourceStatus};
use quarterdeck::domain::text::is_hidden;
use quarterdeck::domain::verdict::Verdict;
use quarterdeck::ops::{Ops, OpsError};
use quarterdeck::query::Filter;
use serde_json::json;
use tokio::task::JoinSet;

const SOON: Duration = Duration::from_secs(20);

/// So many at a time, each in a task of its own, so that none waits for another. How many there were.
async fn each<Fut: Future<Output = ()> + Send + 'static>(
    cases: Vec<Case>,
    at_a_time: usize,
    run: fn(Case) -> Fut,
) -> usize {
    let mut running = JoinSet::new();
    let mut done = 0;
    for case in cases {
        if running.len() == at_a_time {
            running.join_next().await.unwrap().unwrap();
            done += 1;
        }
        running.spawn(run(case));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
        done += 1;
    }
    done
}

/// Good, then bad, then good again, beside another source that is good all the time.
async fn turns_bad_and_good_again(case: Case) {
    let name = case.name;
    let mut turning =
        FakeRestate::start(vec![row("inv_1"), row("inv_2"), row_with("inv_3", &json!({"status": "running"}))]);
    let steady = FakeRestate::start(vec![row("inv_9")]);
    let config = config_of(&[("turning", &turning.url(), case.timeout), ("steady", &steady.url(), "30s")]);
    let hub = hub_of(&config, Some(CANARY), Duration::from_millis(200));
    let is = |source: &'static str, state: Freshness| {
        let hub = &hub;
        eventually(SOON * 2, move || async move { seen(status(hub, source).await, |status| status.state == state) })
    };
    let polling = hub.start();
    is("turning", Freshness::Live).await;
    is("steady", Freshness::Live).await;
    // On a busy machine even a good answer may be late once, so that what is wanted is waited for.
    let stuck = |rows: &[Arc<JudgedFlow>]| rows.iter().filter(|row| row.judgement.verdict == Verdict::Stuck).count();
    let good_rows = eventually(SOON, || async { seen(rows(&hub, "turning").await, |rows| stuck(rows) >= 2) }).await;
    let good_board = hub.overview(&Filter::default()).await.unwrap();
    assert_eq!(good_rows.len(), 3, "{name}");

    case.begin(&mut turning);
    let asked = steady.count();
    let stale: SourceStatus = eventually(SOON * 2, || async {
        let why = |status: &SourceStatus| status.error.as_deref().is_some_and(|error| case.says_so(error));
        seen(status(&hub, "turning").await, |status| status.state == Freshness::Stale && why(status))
    })
    .await;
    case.is_told(stale.error.as_deref().unwrap());
    // The rows and the counts stay, marked as no longer certain, and grow older.
    let kept = rows(&hub, "turning").await;
    let flows = |rows: &[Arc<JudgedFlow>]| {
        rows.iter().map(|row| (row.flow.id.clone(), row.flow.status, row.flow.error.clone())).collect::<Vec<_>>()
    };
    assert_eq!(flows(&kept), flows(&good_rows), "{name}");
    assert!(kept.iter().all(|row| row.judgement.verdict == Verdict::Recheck), "{name}: {kept:#?}");
    let board = hub.overview(&Filter::default()).await.unwrap();
    let counts = |overview: &quarterdeck::ops::Overview| {
        let mine = overview.cells.iter().filter(|cell| cell.source == *"turning");
        mine.map(|cell| (cell.step.clone(), cell.counts.clone())).collect::<Vec<_>>()
    };
    assert_eq!(counts(&board), counts(&good_board), "{name}");
    assert!(board.cells.iter().all(|cell| cell.live == (cell.source == *"steady")), "{name}: {:?}", board.cells);
    assert_eq!(board.cohorts, good_board.cohorts, "{name}: the last cohorts stay");
    // With a filter they are counted from the rows, and are the last ones too.
    let filtered = hub.overview(&Filter::parse("source:turning").unwrap()).await.unwrap();
    let of_cohorts = |overview: &quarterdeck::ops::Overview| {
        let mine = overview.cohorts.iter().filter(|cohort| cohort.source == *"turning");
        mine.map(|cohort| (cohort.id.clone(), cohort.count)).collect::<Vec<_>>()
    };
    assert_eq!(of_cohorts(&filtered), of_cohorts(&good_board), "{name}");
    let age = |status: &SourceStatus| status.age(jiff::Timestamp::now()).unwrap();
    let younger = age(&stale);
    // Nothing can be done to what may not be so any more, and what is said is why.
    match &case.behaviour {
        Bad::Always(_) | Bad::Gone | Bad::For(Kind::Clock, _) => {
            let refused = hub.plan(Verb::Resume, &kept[0].flow.id).await;
            let Err(OpsError::Source(why)) = refused else { panic!("{name}: {refused:?}") };
            assert!(!why.is_empty() && !why.contains(CANARY) && !why.chars().any(is_hidden), "{name}: {why}");
        }
        // One instance can still be read, and what is read is of now.
        Bad::For(..) => {
            let plan = eventually(SOON, || async { hub.plan(Verb::Resume, &kept[0].flow.id).await }).await;
            assert_eq!(plan.target, kept[0].flow.id, "{name}");
        }
    }
    assert_eq!(turning.asked(Kind::Act), 0, "{name}");
    // The other source goes on meanwhile: with passes, or, where those take long, with the looks between two of them.
    eventually(SOON, || async { seen(steady.count(), |now| *now >= asked + 4) }).await;
    let now = status(&hub, "steady").await;
    assert_eq!((now.state, now.error, now.failures), (Freshness::Live, None, 0), "{name}");
    assert!(age(&status(&hub, "turning").await) > younger, "{name}");

    case.end(&mut turning);
    turning.edit(|world| world.rows = vec![row("inv_2"), row("inv_4")]);
    hub.refresh(Some("turning")).await.unwrap();
    let (live, now) = eventually(SOON * 2, || async {
        // Whoever waits out a back-off asks again by hand, and so does this.
        hub.refresh(Some("turning")).await.unwrap();
        let live = status(&hub, "turning").await;
        let now = rows(&hub, "turning").await;
        seen((live, now), |(live, now)| live.state == Freshness::Live && stuck(now) == 2)
    })
    .await;
    assert_eq!((live.error, live.rows), (None, 2), "{name}");
    let ids: Vec<String> = now.iter().map(|row| row.flow.id.to_string()).collect();
    assert_eq!(ids, ["turning/inv_2", "turning/inv_4"], "{name}");
    eventually(SOON, || async { hub.plan(Verb::Resume, &kept[1].flow.id).await }).await;
    drop(polling);
}

#[test]
fn there_are_as_many_cases_as_are_meant() {
    let cases = cases();
    let mut names: Vec<_> = cases.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((cases.len(), names.len()), (42, 42));
    // None of the ways in which a server can be bad is left out.
    for (name, _) in Behaviour::bad() {
        assert!(names.contains(&name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_turns_bad_keeps_its_rows_and_comes_back() {
    // Most of them only wait for a deadline.
    let done = each(cases_that(false), 9, turns_bad_and_good_again).await;
    record("hostile-http", done, 36);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_sends_too_much_keeps_its_rows_and_comes_back() {
    let done = each(cases_that(true), 1, turns_bad_and_good_again).await;
    record("hostile-http", done, 6);
}

/// Bad from the start: it says why and no row is made up.
async fn bad_from_the_start(case: Case) {
    let name = case.name;
    let mut bad = FakeRestate::start(vec![row("inv_1")]);
    let good = FakeRestate::start(vec![row("inv_9")]);
    case.begin(&mut bad);
    let hub =
        hub_of(&config_of(&[("bad", &bad.url(), case.timeout), ("good", &good.url(), "30s")]), Some(CANARY), SOON);
    assert_eq!(status(&hub, "bad").await.state, Freshness::Never);
    let started = Instant::now();
    hub.pass().await;
    let limit = if case.timeout == "30s" { SOON } else { Duration::from_secs(8) };
    assert!(started.elapsed() < limit, "{name}: {:?}", started.elapsed());
    let failed = status(&hub, "bad").await;
    assert_eq!((failed.state, failed.rows, failed.last_good_at), (Freshness::Failed, 0, None), "{name}");
    case.is_told(failed.error.as_deref().unwrap());
    assert!(rows(&hub, "bad").await.is_empty(), "{name}");
    let board = hub.overview(&Filter::default()).await.unwrap();
    assert!(board.cells.iter().all(|cell| cell.source == *"good"), "{name}: {:?}", board.cells);
    assert!(board.cohorts.iter().all(|cohort| cohort.source == *"good"), "{name}: {:?}", board.cohorts);
    assert_eq!((status(&hub, "good").await.state, rows(&hub, "good").await.len()), (Freshness::Live, 1), "{name}");
    // One pass, and no question twice.
    assert!(Kind::PASS.iter().all(|kind| bad.asked(*kind) <= 1), "{name}: {:?}", bad.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_bad_from_the_start_says_why() {
    let late = each(cases_that(false), 6, bad_from_the_start).await;
    let heavy = each(cases_that(true), 1, bad_from_the_start).await;
    record("hostile-http", late + heavy, 42);
}

/// A server that fails at once is the one that could be asked most often.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_source_is_not_hammered() {
    let poll = Duration::from_millis(100);
    let broken = Hostile::start(Behaviour::ErrorHtml);
    let hub = hub_of(&config_of(&[("broken", &broken.url(), "5s")]), None, poll);
    let _polling = hub.start();
    let started = Instant::now();
    let failures = |wanted: u32| {
        let hub = &hub;
        eventually(SOON, move || async move { seen(status(hub, "broken").await, |s| s.failures >= wanted) })
    };
    let now = failures(6).await;
    // After five failures at intervals that double: 100 ms, 200 ms, … 1.6 s, less a fifth.
    assert!(started.elapsed() >= poll * 31 * 4 / 5, "{:?} for {now:?}", started.elapsed());
    assert_eq!(now.interval, jiff::SignedDuration::from_millis(3_200));
    // A failed pass is one request: nothing is sent again behind its back.
    assert_eq!(broken.count(), usize::try_from(now.failures).unwrap());
}

/// A server that is asked at once after each answer would be kept busy all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_source_has_a_pause_ten_times_as_long_as_a_pass() {
    // Beside a poll of a nanosecond everything is slow.
    let server = FakeRestate::start(vec![row("inv_1")]);
    let hub = hub_of(&config_of(&[("slow", &server.url(), "5s")]), None, Duration::from_nanos(1));
    hub.pass().await;
    let slow = status(&hub, "slow").await;
    assert_eq!(slow.interval, slow.latency.unwrap() * 10, "{slow:?}");
    assert_eq!(slow.state, Freshness::Live);
}

/// A listener whose queue takes the connection and whose program never does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_nobody_accepts_ends_by_the_deadline() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hub = hub_of(&config_of(&[("deaf", &url, "300ms")]), None, SOON);
    let started = Instant::now();
    hub.pass().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let deaf = status(&hub, "deaf").await;
    assert_eq!(deaf.state, Freshness::Failed);
    assert_eq!(deaf.error.as_deref(), Some("/version: no answer within 300 ms"));
}
