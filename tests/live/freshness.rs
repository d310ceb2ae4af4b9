//! A real Restate that dies and comes back under a hub that keeps asking: what is shown meanwhile, what is refused, and
//! that nobody has to start anything again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::hub::{SOON, SOURCE, ended, hub, id};
use crate::support::program::{list, run};
use crate::support::restate::Restate;
use crate::support::wait::{eventually, seen};
use quarterdeck::cockpit::{self, ScreenName, Settings};
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::domain::source::Freshness;
use quarterdeck::domain::verdict::Verdict;
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Cell, FlowsQuery, Ops, OpsError, Overview, Page, SortBy};
use quarterdeck::query::Filter;
use regex::Regex;
use serde_json::{Value, json};

/// One poll of the hub under test with its jitter, the timeout of its connector, and what a busy machine adds.
const NOTICED: Duration = Duration::from_millis(1_200 + 5_000 + 3_000);

async fn overview(hub: &Hub) -> Arc<Overview> {
    hub.overview(&Filter::default()).await.unwrap()
}

/// Waits for what the hub finds by asking on its own.
async fn becomes(hub: &Hub, wanted: impl Fn(&Overview) -> bool) -> Arc<Overview> {
    eventually(SOON, || async { seen(overview(hub).await, |overview| wanted(overview)) }).await
}

/// The counts alone, without how well they are known.
fn counts(overview: &Overview) -> Vec<Cell> {
    overview.cells.iter().cloned().map(|cell| Cell { live: true, ..cell }).collect()
}

fn stuck(overview: &Overview) -> u64 {
    overview.cells.iter().map(|cell| cell.counts.stuck).sum()
}

async fn verdicts(hub: &Hub) -> Vec<Verdict> {
    let all = FlowsQuery {
        filter: Filter::default(),
        sort: SortBy::Id,
        reverse: false,
        group: None,
        page: Page::Offset(0),
        limit: usize::MAX,
    };
    hub.flows(all).await.unwrap().rows.iter().map(|row| row.judgement.verdict).collect()
}

/// A screen as the cockpit draws it, line by line.
async fn drawn(hub: &Arc<Hub>, screen: ScreenName) -> Vec<String> {
    let settings = Settings::new("test", "tester");
    let buffer = cockpit::snapshot(hub.clone(), screen, 120, 34, &settings).await.unwrap();
    cockpit::text(&buffer).lines().map(str::to_owned).collect()
}

/// The number of stuck instances in the header of the board.
fn headline(lines: &[String]) -> &str {
    let line = lines.iter().find(|line| line.contains("STUCK")).unwrap_or_else(|| panic!("no headline: {lines:#?}"));
    line.split("STUCK").nth(1).unwrap().split_whitespace().next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_is_seen_to_and_one_that_comes_back_is_live_again() {
    let mut restate = Restate::start().await;
    let state = tempfile::tempdir().unwrap();
    let hub = hub(&restate.admin_url(), "", Some(state.path()));
    restate.fault_on("migration", None);
    let mut paused = String::new();
    for n in 0..3 {
        paused = restate.send("SchemaMigration/migrate", &json!(n)).await;
    }
    restate.send("BackupRun/run", &json!("acme")).await;
    let polling = hub.start();
    let live = |overview: &Overview| overview.sources[0].state == Freshness::Live;
    let before = becomes(&hub, |overview| {
        live(overview) && stuck(overview) == 3 && overview.cells.iter().any(|cell| cell.counts.waiting == 1)
    })
    .await;
    assert!(before.cells.iter().all(|cell| cell.live));
    assert_eq!(headline(&drawn(&hub, ScreenName::Board).await), "3");
    let plan = hub.plan(Verb::Resume, &id(&paused)).await.unwrap();

    let killed = Instant::now();
    restate.kill_server();
    let dead = becomes(&hub, |overview| !live(overview)).await;
    assert!(killed.elapsed() < NOTICED, "noticed after {:?}", killed.elapsed());
    assert_eq!(dead.sources[0].state, Freshness::Stale);
    // The values are kept and said to be old; none of them is taken for the present.
    assert_eq!(counts(&dead), counts(&before));
    assert!(dead.cells.iter().all(|cell| !cell.live));
    assert_eq!(verdicts(&hub).await, [Verdict::Recheck; 4]);
    let older = becomes(&hub, |overview| {
        let source = &overview.sources[0];
        let refused = source.error.as_ref().is_some_and(|error| error.contains("refused"));
        refused && source.age(overview.at) >= Some(jiff::SignedDuration::from_secs(2))
    })
    .await;
    assert_eq!(older.sources[0].state, Freshness::Stale);
    assert_eq!(older.sources[0].last_good_at, dead.sources[0].last_good_at, "the age is that of the values");

    let board = drawn(&hub, ScreenName::Board).await;
    assert_eq!(headline(&board), "?", "{board:#?}");
    let board = board.join("\n");
    for wanted in [
        r"restate \? +\d+s ",
        r"STUCK \? was 3, \d+s ago",
        r"BLIND 1 source",
        r"1 +\? .*SchemaMigration/migrate › apply-0042",
        r"nothing: restate is silent; it was 3, heard \d+s ago",
    ] {
        assert!(Regex::new(wanted).unwrap().is_match(&board), "{wanted} is missing in\n{board}");
    }
    let flows = drawn(&hub, ScreenName::Flows).await;
    let old = flows.iter().filter(|line| line.contains("? recheck") && line.contains("apply-0042"));
    assert_eq!(old.count(), 3, "{flows:#?}");
    let sources = drawn(&hub, ScreenName::Sources).await;
    assert!(sources.iter().any(|line| line.contains(SOURCE) && line.contains("? stale")), "{sources:#?}");

    // Nothing is done on what is not known, not even what was planned while it was.
    let refused = hub.plan(Verb::Resume, &id(&paused)).await.unwrap_err();
    assert!(matches!(&refused, OpsError::Source(why) if why.contains("refused")), "{refused:?}");
    let refused = hub.remediate(&plan.hash, "a test asked for it").await.unwrap_err();
    assert!(matches!(&refused, OpsError::Source(_)), "{refused:?}");
    assert!(hub.remediations().await.unwrap().is_empty());
    let record = crate::support::ledger::entries(state.path());
    assert!(record.iter().all(|entry| entry.action != "act"), "nothing was begun: {record:#?}");
    assert_eq!(record.last().unwrap().action, "refusal", "{record:#?}");

    restate.restart_server().await;
    let again = becomes(&hub, |overview| live(overview) && counts(overview) == counts(&before)).await;
    assert_eq!(again.sources[0].error, None);
    assert_eq!(again.cohorts.iter().map(|cohort| cohort.count).sum::<u64>(), 3);
    assert_eq!(headline(&drawn(&hub, ScreenName::Board).await), "3");
    restate.fault_off("migration");
    let plan = hub.plan(Verb::Resume, &id(&paused)).await.unwrap();
    let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
    assert_eq!(ended(&hub, &act).await.item, ItemState::Verified);
    drop(polling);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_look_at_a_dead_server_says_so_and_counts_nothing() {
    let mut restate = Restate::start().await;
    restate.fault_on("migration", None);
    let paused = restate.send("SchemaMigration/migrate", &json!(1)).await;
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let text = format!("[[source]]\nname = \"restate\"\nkind = \"restate\"\nurl = \"{}\"\n", restate.admin_url());
    std::fs::write(&config, text).unwrap();
    let get = |args: &[&str]| run([&["--config", config.to_str().unwrap(), "get"], args].concat());
    let board = || async { get(&["board", "--fail-on", "stuck", "-o", "json"]) };
    let stuck = eventually(SOON, || async { seen(board().await, |said| said.code == 1) }).await;
    assert_eq!(list(&stuck.json(), "cells")[0]["by_rule"], json!({"exhausted": 1}));
    let flow = get(&["flow", &paused, "-o", "json"]).good().json();
    assert_eq!((&flow["verdict"], &flow["rule"]), (&json!("stuck"), &json!("exhausted")));
    get(&["flow", "inv_1nobody"]).refused(&["restate has no instance inv_1nobody"]);

    restate.kill_server();
    let dead = board().await;
    assert_eq!(dead.code, 3, "a failed source wins over what is stuck");
    assert!(dead.err.starts_with("quarterdeck: source restate: ") && dead.err.contains("refused"), "{}", dead.err);
    let dead = dead.json();
    assert_eq!((list(&dead, "cells").len(), list(&dead, "cohorts").len()), (0, 0), "nothing is known, so nothing is 0");
    let source = &list(&dead, "sources")[0];
    assert_eq!((&source["state"], &source["age_seconds"]), (&json!("failed"), &Value::Null));
    let flow = get(&["flow", &paused]);
    assert_eq!((flow.code, flow.out.as_str()), (3, ""));

    restate.restart_server().await;
    let back = eventually(SOON, || async { seen(board().await, |said| said.code == 1) }).await;
    assert_eq!(list(&back.json(), "cells")[0]["by_rule"], json!({"exhausted": 1}));
}
