//! Every kind of engine in one context on one board: what is counted is what each engine counts itself, and while one after the
//! other ends, the rest goes on as before and what is not known any more is never taken for none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::rest::example;
use crate::support::every::{ALL, Counts, Every, TENANT, connector};
use crate::support::hub::{rows, setup};
use crate::support::program::{Said, command, finish, list};
use crate::support::salt::PASSWORD;
use crate::support::wait::{eventually, seen};
use quarterdeck::cockpit::{self, ScreenName, Settings};
use quarterdeck::config::{Config, Flags, Surroundings};
use quarterdeck::domain::drift::DriftStatus;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::source::Freshness;
use quarterdeck::domain::text::SafeText;
use quarterdeck::domain::verdict::Verdict;
use quarterdeck::hub::Hub;
use quarterdeck::ops::{DriftQuery, DriftWindow, EventsQuery, Ops, Overview, TenantsQuery};
use quarterdeck::query::{DriftFilter, EventFilter, Filter};
use serde_json::{Value, json};

/// The longest until a hub that keeps asking has found out.
const SOON: Duration = Duration::from_secs(90);

/// Those that tell of flows, of drift, of what happens, and of tenants.
const FLOWS: [&str; 3] = ["restate", "prefect", "salt"];
const DRIFT: [&str; 2] = ["salt", "alerts"];
const EVENTS: [&str; 2] = ["alerts", "metadata"];
const TENANTS: [&str; 1] = ["metadata"];

fn hub(config: &str) -> Arc<Hub> {
    let variable = |name: &str| (name == "SALT_PASSWORD").then(|| PASSWORD.to_owned());
    let surroundings = Surroundings { variable: &variable, folder: Path::new(".") };
    let config = Config::parse_in(config, "config.toml", &Flags::default(), &surroundings)
        .unwrap_or_else(|error| panic!("{error}"));
    let sources = config.context.sources.iter().map(connector).collect();
    Hub::new(setup(config, sources))
}

async fn overview(hub: &Hub) -> Arc<Overview> {
    hub.overview(&Filter::default()).await.unwrap()
}

async fn drift(hub: &Hub) -> DriftWindow {
    hub.drift(&DriftQuery { filter: DriftFilter::default(), by_cause: false, offset: 0, limit: 1_000 }).await.unwrap()
}

fn named(counts: impl IntoIterator<Item = (impl Into<String>, u64)>) -> Counts {
    counts.into_iter().map(|(name, count)| (name.into(), count)).collect()
}

/// How much the hub holds of a source, live or not, by the names that the engine's own counts have.
async fn told(hub: &Hub, source: &str) -> Counts {
    let drift = drift(hub).await;
    let of_source = || drift.rows.iter().map(|row| &row.first.finding).filter(|found| found.id.source == *source);
    let drifted = of_source().filter(|found| found.status == DriftStatus::Drifted).count() as u64;
    let events = |more: &str| {
        let filter = EventFilter::parse(&format!("source:{source} {more}")).unwrap();
        async move { hub.events(&EventsQuery { filter, until: None, offset: 0, limit: 10_000 }).await.unwrap() }
    };
    match source {
        "restate" | "prefect" => {
            let overview = overview(hub).await;
            let cells = overview.cells.iter().filter(|cell| cell.source == *source);
            let mut counts = named([("open", 0), ("waiting", 0), ("failed", 0), ("stuck", 0)]);
            for cell in cells {
                assert!(!cell.approximate, "{cell:?}");
                let of = &cell.counts;
                for (name, n) in
                    [("open", of.open), ("waiting", of.waiting), ("failed", of.failed), ("stuck", of.stuck)]
                {
                    *counts.get_mut(name).unwrap() += n;
                }
            }
            counts
        }
        "salt" => {
            let untold = of_source().filter(|found| found.status.is_blind()).count() as u64;
            // Nobody else tells what is as wanted.
            let in_sync = drift.in_sync + drift.in_sync_was.unwrap_or(0);
            let running = rows(hub, source).await.len() as u64;
            named([("drifted", drifted), ("in sync", in_sync), ("untold", untold), ("running", running)])
        }
        "alerts" => {
            let rows = events("class:alert").await.rows;
            let firing = rows.iter().filter(|row| !row.event.kind.ends_with(".resolved"));
            let alerts: BTreeSet<&str> = firing.map(|row| row.event.text.as_str()).collect();
            named([("alerts", alerts.len() as u64), ("drifted", drifted)])
        }
        "metadata" => {
            let all = TenantsQuery { text: "".into(), offset: 0, limit: 1 };
            let tenants = hub.tenants(&all).await.unwrap();
            let statuses = ["active", "suspended", "provisioning"];
            let of = tenants.by_status.iter().map(|(status, count)| (status.name(), *count));
            let mut counts = named(of.filter(|(name, _)| statuses.contains(name)));
            let directory = overview(hub).await.source(source).unwrap().tenants;
            counts.insert("tenants".into(), directory.unwrap() as u64);
            counts.insert("changes".into(), events(&format!("tenant:{TENANT}")).await.total as u64);
            counts
        }
        other => panic!("there is no {other}"),
    }
}

/// How many of its findings are said to be old.
async fn old(hub: &Hub, source: &str) -> usize {
    let rows = drift(hub).await.rows;
    rows.iter().filter(|row| row.first.finding.id.source == *source && row.first.stale).count()
}

/// A screen as the cockpit draws it.
async fn drawn(hub: &Arc<Hub>, screen: ScreenName) -> String {
    let buffer = cockpit::snapshot(hub.clone(), screen, 160, 44, &Settings::new("test", "tester")).await.unwrap();
    cockpit::text(&buffer)
}

/// What stands behind `STUCK` in the header.
fn headline(board: &str) -> String {
    let line = board.lines().find(|line| line.contains("STUCK")).unwrap_or_else(|| panic!("no headline: {board}"));
    line.split("STUCK").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

/// That who is silent is named with why, by whoever would need it, and nobody else is.
fn blind(told: &[(SafeText, SafeText)], of: &[&str], silent: &[&str], overview: &Overview) {
    let expected: Vec<&str> = ALL.into_iter().filter(|name| of.contains(name) && silent.contains(name)).collect();
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, expected);
    for (name, why) in told {
        assert_eq!(Some(why), overview.source(name).unwrap().error.as_ref(), "{name}");
    }
}

/// Looks at everything that is said while those of `silent` do not answer: who answers is counted as it counts itself, and who
/// does not is what it was, and said to be old.
async fn stands(hub: &Arc<Hub>, every: &Every, silent: &[&str], last: &mut BTreeMap<&'static str, Counts>) {
    for source in ALL {
        let lives = !silent.contains(&source);
        eventually(SOON, || async {
            let overview = overview(hub).await;
            seen(overview.source(source).unwrap().clone(), |status| (status.state == Freshness::Live) == lives)
        })
        .await;
        if lives {
            let own = every.counts(source).await;
            let filled = own.iter().all(|(what, count)| (*count > 0) == (what != "untold"));
            assert!(filled, "{source}: {own:?}");
            eventually(SOON, || async {
                // A minion may have been too busy to answer to the last check: the next one is not waited for.
                if source == "salt" {
                    hub.refresh(Some(source)).await.unwrap();
                }
                let looked = (source, told(hub, source).await, old(hub, source).await);
                seen(looked, |(_, told, old)| (told, *old) == (&own, 0)).map_err(|looked| (looked, own.clone()))
            })
            .await;
            last.insert(source, own);
        } else {
            assert_eq!(told(hub, source).await, last[source], "{source} is as it was heard last");
        }
    }

    let overview = overview(hub).await;
    for status in &overview.sources {
        let lives = !silent.contains(&status.name.as_str());
        assert_eq!((status.state == Freshness::Live, status.error.is_none()), (lives, lives), "{status:?}");
        assert!(lives || status.state == Freshness::Stale, "it has answered before: {status:?}");
    }
    for cell in &overview.cells {
        assert_eq!(cell.live, !silent.contains(&cell.source.as_str()), "{cell:?}");
    }
    for source in FLOWS {
        let rows = rows(hub, source).await;
        assert!(!rows.is_empty(), "{source} keeps its rows");
        for row in rows {
            assert_eq!(row.judgement.verdict == Verdict::Recheck, silent.contains(&source), "{row:?}");
        }
    }
    let drift = drift(hub).await;
    for row in &drift.rows {
        let source = row.first.finding.id.source.as_str();
        // What came again after a restart was away for a moment.
        if row.first.resolved_at.is_none() {
            assert!(!row.first.finding.status.is_green(), "{row:?}");
        }
        assert_eq!(row.first.stale, silent.contains(&source), "{row:?}");
    }
    let in_sync = last["salt"]["in sync"];
    let salt = silent.contains(&"salt");
    let known = if salt { (0, Some(in_sync)) } else { (in_sync, None) };
    assert_eq!((drift.in_sync, drift.in_sync_was), known);
    blind(&drift.blind, &DRIFT, silent, &overview);
    let all = TenantsQuery { text: "".into(), offset: 0, limit: 10 };
    blind(&hub.tenants(&all).await.unwrap().blind, &TENANTS, silent, &overview);
    let all = EventsQuery { filter: EventFilter::default(), until: None, offset: 0, limit: 10 };
    blind(&hub.events(&all).await.unwrap().blind, &EVENTS, silent, &overview);
    let card = hub.tenant(&InstanceId::new("metadata", TENANT)).await.unwrap();
    blind(&card.blind, &ALL, silent, &overview);
    assert_eq!((card.counts.matching, card.listed), (1, true), "its run at Prefect");
    let about = card.drift.iter().filter(|known| known.resolved_at.is_none()).count();
    assert_eq!(about, 2, "its alerts: {:?}", card.drift);
    screens(hub, silent, last).await;
}

/// What is drawn of it.
async fn screens(hub: &Arc<Hub>, silent: &[&str], last: &BTreeMap<&str, Counts>) {
    let engines: Vec<&str> = FLOWS.into_iter().filter(|name| !silent.contains(name)).collect();
    let stuck: u64 = engines.iter().filter_map(|name| last[name].get("stuck")).sum();
    let expected = match engines.len() {
        0 => "?".to_owned(),
        all if all == FLOWS.len() => stuck.to_string(),
        _ => format!("{stuck}+?"),
    };
    let board = drawn(hub, ScreenName::Board).await;
    assert_eq!(headline(&board), expected, "{board}");
    let number = match silent.len() {
        0 => None,
        1 => Some("BLIND 1 source".to_owned()),
        n => Some(format!("BLIND {n} sources")),
    };
    match number {
        Some(number) => assert!(board.contains(&number), "{number}:\n{board}"),
        None => assert!(!board.contains("BLIND"), "{board}"),
    }
    assert!(!board.contains("nothing is stuck"), "{board}");
    let sources = drawn(hub, ScreenName::Sources).await;
    for name in ALL {
        let state = if silent.contains(&name) { "? stale" } else { "live" };
        let line = sources.lines().find(|line| line.trim_start_matches(|c: char| !c.is_alphabetic()).starts_with(name));
        assert!(line.is_some_and(|line| line.contains(state)), "{name} is {state}:\n{sources}");
    }
    for (screen, of) in [
        (ScreenName::Drift, DRIFT.as_slice()),
        (ScreenName::Tenants, TENANTS.as_slice()),
        (ScreenName::Events, EVENTS.as_slice()),
    ] {
        let text = drawn(hub, screen).await;
        for name in ALL {
            let said = text.contains(&format!("{name} is silent: "));
            assert_eq!(said, of.contains(&name) && silent.contains(&name), "{name}:\n{text}");
        }
    }
}

/// What the program says of the same context.
fn get(config: &Path, words: &[&str]) -> Said {
    let config = config.to_str().unwrap();
    let all = [&["--config", config, "get"], words, &["-o", "json"]].concat();
    finish(command(all).env("SALT_PASSWORD", PASSWORD))
}

fn sum(cells: &[Value], source: &str, what: &str) -> u64 {
    cells.iter().filter(|cell| cell["source"] == source).map(|cell| cell[what].as_u64().unwrap()).sum()
}

/// What an engine counts of flows, by the names that the board has for it.
fn of_flows<'a>(source: &str, own: &'a BTreeMap<&str, Counts>) -> BTreeMap<&'a str, u64> {
    let board = |name: &'a str| match (source, name) {
        ("salt", "running") => Some("open"),
        ("salt", _) => None,
        (_, name) => Some(name),
    };
    own[source].iter().filter_map(|(name, count)| Some((board(name)?, *count))).collect()
}

/// Each thing that can be listed, by the program, while everybody answers.
fn program_tells(config: &Path, own: &BTreeMap<&str, Counts>) {
    let sources = get(config, &["sources"]).good().json();
    let states: Vec<(&Value, &Value)> =
        list(&sources, "rows").iter().map(|source| (&source["name"], &source["state"])).collect();
    let live = json!("live");
    let expected: Vec<Value> = ALL.iter().map(|name| json!(name)).collect();
    assert_eq!(states, expected.iter().map(|name| (name, &live)).collect::<Vec<_>>(), "{sources:#}");
    let board = get(config, &["board"]).good().json();
    for source in FLOWS {
        for (what, count) in of_flows(source, own) {
            assert_eq!(sum(list(&board, "cells"), source, what), count, "{source} {what}: {board:#}");
        }
    }
    let drift = get(config, &["drift"]).good().json();
    let drifted = own["salt"]["drifted"] + own["alerts"]["drifted"];
    assert_eq!((&drift["by_status"]["drifted"], &drift["in_sync"]), (&json!(drifted), &json!(own["salt"]["in sync"])));
    // That there are more is said, too.
    let tenants = get(config, &["tenants", "--limit", "3"]);
    assert_eq!(tenants.code, 0, "{tenants:?}");
    let tenants = tenants.json();
    for status in ["active", "suspended", "provisioning"] {
        assert_eq!(tenants["by_status"][status], json!(own["metadata"][status]), "{status}");
    }
    let events = get(config, &["events", "--limit", "5000"]).good().json();
    let count = |key: &str, value: &str, source: &str| {
        let is = |event: &&Value| event["source"] == source && event[key] == value;
        json!(list(&events, "rows").iter().filter(is).count())
    };
    assert_eq!(count("class", "alert", "alerts"), json!(own["alerts"]["alerts"]), "{events:#}");
    assert_eq!(count("tenant", TENANT, "metadata"), json!(own["metadata"]["changes"]), "{events:#}");
}

/// The same where those of `silent` do not answer: one look knows nothing of them, and says so.
fn program_misses(config: &Path, silent: &[&str], own: &BTreeMap<&str, Counts>) {
    let board = get(config, &["board"]);
    assert_eq!(board.code, 3, "{board:?}");
    for name in ALL {
        assert_eq!(board.err.contains(&format!("source {name}: ")), silent.contains(&name), "{name}: {}", board.err);
    }
    let board = board.json();
    for source in list(&board, "sources") {
        let silent = silent.iter().any(|name| source["name"] == *name);
        assert_eq!((source["state"] == "live", source["error"].is_null()), (!silent, !silent), "{source}");
        assert!(!silent || source["rows"].is_null(), "not known, and not none: {source}");
    }
    for source in FLOWS {
        let lives = !silent.contains(&source);
        let open = of_flows(source, own)["open"];
        assert_eq!(sum(list(&board, "cells"), source, "open"), if lives { open } else { 0 });
        assert!(lives || list(&board, "cells").iter().all(|cell| cell["source"] != source), "no row says 0: {board:#}");
    }
    let drift = get(config, &["drift"]);
    let of_drift: Vec<&str> = DRIFT.into_iter().filter(|name| silent.contains(name)).collect();
    assert_eq!(drift.code, if of_drift.is_empty() { 0 } else { 3 }, "{drift:?}");
    let drift = drift.json();
    let named: Vec<&str> = list(&drift, "blind").iter().map(|blind| blind["source"].as_str().unwrap()).collect();
    assert_eq!(named, of_drift);
    if of_drift.len() == DRIFT.len() {
        assert!(drift["in_sync"].is_null(), "nobody knows: {drift:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_engine_is_counted_as_it_counts_itself_and_none_that_ends_takes_another_with_it() {
    let mut every = Every::start().await;
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let text = every.config(&example(&every.metadata.view().url()));
    let config = home.path().join("config.toml");
    std::fs::write(&config, &text).unwrap();
    let hub = hub(&text);
    let polling = hub.start();
    let mut last = BTreeMap::new();
    Box::pin(stands(&hub, &every, &[], &mut last)).await;
    tokio::task::block_in_place(|| program_tells(&config, &last));

    // One that tells of no flow first: not one number of flows may be less sure for it.
    let mut silent = Vec::new();
    for next in ["alerts", "salt", "restate", "metadata", "prefect"] {
        every.end(next);
        silent.push(next);
        Box::pin(stands(&hub, &every, &silent, &mut last)).await;
        if next == "restate" {
            tokio::task::block_in_place(|| program_misses(&config, &silent, &last));
        }
    }

    // They come back by themselves, each as it is then.
    every.metadata.begin_again();
    every.alerts.start_server().await;
    every.send_alerts().await;
    every.restate.restart_server().await;
    Box::pin(stands(&hub, &every, &["prefect", "salt"], &mut last)).await;
    drop(polling);
}
