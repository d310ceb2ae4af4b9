//! What acting on many costs: a plan of ten thousand, how far ten thousand items fall behind the rate that they are to be
//! sent at, and a history of a hundred thousand.
//!
//! `cargo bench --bench remediations -- [plan|rate|history]...`

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails ends the bench")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use quarterdeck::domain::plan::Pace;
use quarterdeck::domain::remediation::ItemState;
use quarterdeck::domain::wide::{Control, WideDetail};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, PlanWish};
use support::crowd::Crowd;
use support::runs::{Place, asked, wish, wish_for};

/// How many targets.
const TARGETS: usize = 10_000;

/// Acts a second.
const RATE: u32 = 200;

/// How many remediations there were.
const PAST: usize = 100_000;

/// Nobody has to approve, and a plan may hold them all.
const ALONE: &str = "[limits]\napproval_above = 1000000\n";

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

async fn ended(hub: &Hub, id: &str) -> WideDetail {
    loop {
        let head = hub.wide_remediations().await.unwrap().iter().find(|one| one.id == *id).cloned();
        if head.is_some_and(|head| head.state.ended()) && !hub.carries(id) {
            return hub.wide_remediation(id).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn plan() {
    let hub = Place::new(Crowd::of(TARGETS), ALONE).hub("ada").await;
    let wish = wish("probe,5%,25%,rest");
    let mut times = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        let plan = hub.plan_of_many(&wish).await.unwrap();
        times.push(ms(began));
        assert_eq!(plan.frozen.targets.len(), TARGETS);
    }
    println!("a plan of {TARGETS}: {:.0} ms (2,000 at most)", median(times));
}

async fn rate() {
    let place = Place::new(Crowd::of(TARGETS), ALONE);
    let hub = place.hub("ada").await;
    let limits = Pace { concurrency: 20, per_second: RATE, max_errors: 0 };
    let one = asked(&hub, &PlanWish { pace: limits, ..wish("rest") }).await;
    let began = Instant::now();
    hub.control(&one.id, Control::Run).await.unwrap();
    let detail = ended(&hub, &one.id).await;
    let took = began.elapsed().as_secs_f64();
    assert_eq!(detail.head.counts.get(ItemState::Verified), TARGETS as u64, "{:?}", detail.head);
    let wanted = TARGETS as f64 / f64::from(RATE);
    let over = (took / wanted - 1.0) * 100.0;
    println!("{TARGETS} items at {RATE} a second: {took:.1} s, {over:.1} % over {wanted:.0} s (5 at most)");
}

/// A history is made by asking for one remediation, taking it back, and copying what the ledger has of it.
async fn history() {
    let place = Place::new(Crowd::of(3), ALONE);
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish_for(0..3, "rest")).await;
    hub.control(&one.id, Control::Abort).await.unwrap();
    drop(hub);
    copy(&place, &one.id).await;
    let hub: Arc<Hub> = place.hub("ada").await;
    let began = Instant::now();
    let list = hub.wide_remediations().await.unwrap();
    let first = ms(began);
    let mut again = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        hub.wide_remediations_anew().await.unwrap();
        again.push(ms(began));
    }
    let (mut oldest, mut seen, mut pages) = (list.last().cloned(), list.len(), Vec::new());
    while let Some(before) = oldest {
        let began = Instant::now();
        let page = hub.wide_remediations_before(&before.id, 1_000).await.unwrap();
        pages.push(ms(began));
        seen += page.len();
        oldest = page.last().cloned();
    }
    assert_eq!(seen, PAST + 1);
    println!("a history of {seen}: the first list {first:.0} ms, again {:.1} ms", median(again));
    let slowest = pages.iter().copied().fold(0.0, f64::max);
    println!("a thousand older ones: {:.1} ms, the slowest {slowest:.1} ms", median(pages));
}

async fn copy(place: &Place, id: &str) {
    use sqlx::ConnectOptions as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.dir.path().join("ledger.sqlite"));
    let mut connection = options.connect().await.unwrap();
    let columns = "context, plan_hash, plan, reason, ticket, break_glass, takes_back, requested_by, state, approval, wave, \
                   outcome, forgiven, put_back, started_at, changed_at";
    let numbers = format!("WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {PAST})");
    for copied in [
        format!(
            "{numbers} INSERT INTO remediations (id, requested_at, {columns}) \
             SELECT printf('then%08d', n), requested_at - n, {columns} FROM remediations, n WHERE id = '{id}'"
        ),
        format!(
            "{numbers} INSERT INTO items (remediation, number, source, instance, version, wave, state, ended, words, answered) \
             SELECT printf('then%08d', n), number, source, instance, version, wave, state, ended, words, answered \
             FROM items, n WHERE remediation = '{id}'"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(copied)).execute(&mut connection).await.unwrap();
    }
}

#[tokio::main]
async fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
    if wanted("plan") {
        plan().await;
    }
    if wanted("history") {
        history().await;
    }
    if wanted("rate") {
        rate().await;
    }
}
