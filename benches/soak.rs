//! A fleet that changes for a long time: does memory stay what it is, and is every row and count at the end what a
//! plain look at the same changes comes to?
//!
//! `cargo bench --bench soak -- [--minutes N] [--instances N] [--changes N]`. It fails where they are not.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

#[path = "../tests/support/fleet.rs"]
#[allow(unreachable_pub, reason = "tests share it by another way")]
mod fleet;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use quarterdeck::connect::sim::{Bulk, Clock};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{FlowsQuery, GroupBy, Grouping, Ops, Page};
use quarterdeck::query::{Filter, SortBy};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The time from one look at the clock to the next.
const POLL: Duration = Duration::from_secs(5);

/// What memory may grow by after the first part of the time, in a hundred.
const MOST_GROWTH: f64 = 1.0;

/// What is asked for, in turn: as somebody would who looks on.
const FILTERS: [&str; 6] = ["", "state:failed", "zq7", "tenant:tenant-0042", "for:>5m state:running", "deadline"];

struct Setting {
    minutes: u32,
    instances: u32,
    changes: u32,
}

impl Setting {
    fn read() -> Result<Self, Failure> {
        let mut setting = Self { minutes: 30, instances: 1_000_000, changes: 1_000 };
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let number = words.next().unwrap_or_default().parse::<u32>();
            match word.as_str() {
                "--minutes" => setting.minutes = number?,
                "--instances" => setting.instances = number?,
                "--changes" => setting.changes = number?,
                _ => return Err(format!("{word}: --minutes, --instances and --changes are there").into()),
            }
        }
        Ok(setting)
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let setting = Setting::read()?;
    let stopped: Arc<OnceLock<Timestamp>> = Arc::default();
    let clock: Clock = {
        let stopped = Arc::clone(&stopped);
        Arc::new(move || stopped.get().copied().unwrap_or_else(Timestamp::now))
    };
    let bulk = Bulk::new(312, setting.instances, setting.changes, Arc::clone(&clock));
    let hub = fleet::hub_on(&bulk, Arc::clone(&clock), POLL);
    let polling = hub.start();
    while hub.overview(&Filter::default()).await?.sources.iter().any(|source| source.last_good_at.is_none()) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let grown = look_on(&hub, &setting).await?;

    // Nothing changes any more, and time stands still; once the clock was looked at again, all is as of now.
    bulk.hold();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stopped.get_or_init(Timestamp::now);
    tokio::time::sleep(3 * POLL).await;
    let now = clock();
    let wrong = fleet::differences(&hub, bulk.instances(), POLL, now).await?;
    drop(polling);
    for difference in wrong.iter().take(20) {
        println!("differs: {difference}");
    }
    println!("memory grew by {grown:.2} % after warm-up (at most {MOST_GROWTH} %); {} differences", wrong.len());
    if !wrong.is_empty() || grown > MOST_GROWTH { Err("the soak failed".into()) } else { Ok(()) }
}

/// Asks for this and that for as long as it is to last. Tells by how much memory has grown, in a hundred, after the
/// first sixth of the time.
async fn look_on(hub: &Arc<Hub>, setting: &Setting) -> Result<f64, Failure> {
    let began = Instant::now();
    let lasting = Duration::from_secs(60) * setting.minutes;
    let (mut told, mut asked) = (began, 0_usize);
    let mut samples: Vec<(Duration, u64)> = Vec::new();
    while began.elapsed() < lasting {
        tokio::time::sleep(Duration::from_millis(250)).await;
        asked += 1;
        hub.overview(&Filter::default()).await?;
        let filter = FILTERS.get(asked / 8 % FILTERS.len()).copied().unwrap_or_default();
        let sort = [SortBy::Worst, SortBy::Tenant, SortBy::Created, SortBy::Error][asked / 50 % 4];
        let group = (asked % 40 == 0).then(|| Grouping { by: GroupBy::Step, unfolded: BTreeSet::new() });
        let page = Page::Offset(asked % 7 * 40);
        hub.flows(FlowsQuery { filter: Filter::parse(filter)?, sort, reverse: false, group, page, limit: 200 }).await?;
        samples.push((began.elapsed(), resident()?));
        if told.elapsed() >= Duration::from_secs(60) {
            told = Instant::now();
            println!("{:>4} s  {:.1} MiB", began.elapsed().as_secs(), mib(resident()?));
        }
    }
    // The median of a minute after the first sixth, and that of the last one: a single look may fall into a query.
    let window = (lasting / 30).max(Duration::from_secs(5));
    let median = |from: Duration| {
        let mut found: Vec<u64> =
            samples.iter().filter(|(at, _)| *at >= from && *at < from + window).map(|(_, bytes)| *bytes).collect();
        found.sort_unstable();
        found.get(found.len() / 2).copied().unwrap_or_default() as f64
    };
    let (first, last) = (median(lasting / 6), median(lasting.saturating_sub(window)));
    println!("after warm-up {:.1} MiB, at the end {:.1} MiB", first / 1_048_576.0, last / 1_048_576.0);
    Ok((last / first - 1.0) * 100.0)
}

/// Bytes of memory that the program has.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1_024)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
