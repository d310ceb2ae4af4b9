//! A context with more than engines of flows: who tells of none makes no number of flows less sure by being silent, and makes
//! none of them known by being live.

use super::Desk;
use super::fake::{self, FakeOps};
use crate::domain::source::{Freshness, SourceStatus};

/// The board of an engine, where there is one, and of a monitor, which stand so.
fn board(engine: Option<Freshness>, monitor: Freshness, stuck: bool) -> String {
    let ops = FakeOps::default();
    if let Ok(overview) = &mut *ops.overview.lock().unwrap() {
        let alerts = SourceStatus { flows: false, drift: Some(2), ..fake::source("alerts", monitor, 2) };
        overview.sources = engine.iter().map(|state| fake::source("restate", *state, 2)).chain([alerts]).collect();
        overview.cells.retain(|cell| stuck && cell.source == *"restate");
        for cell in &mut overview.cells {
            cell.live = engine == Some(Freshness::Live);
        }
        overview.cohorts.retain(|cohort| stuck && cohort.source == *"restate");
    }
    Desk::with(ops).picture()
}

/// What stands behind `STUCK` in the header.
fn headline(board: &str) -> &str {
    board.split("STUCK").nth(1).unwrap().split_whitespace().next().unwrap()
}

#[test]
fn a_silent_monitor_makes_no_count_of_flows_unsure() {
    use Freshness::{Failed, Live, Stale};
    let sure = board(Some(Live), Live, true);
    assert!(headline(&sure).parse::<u64>().is_ok() && !sure.contains("BLIND"), "{sure}");
    for silent in [Stale, Failed] {
        let board = board(Some(Live), silent, true);
        assert_eq!(headline(&board), headline(&sure), "{board}");
        assert!(board.contains("BLIND 1 source"), "{board}");
    }
    let none = board(Some(Live), Stale, false);
    assert!(none.contains("nothing is stuck; 0 open"), "{none}");
}

#[test]
fn a_live_monitor_makes_no_count_of_flows_known() {
    use Freshness::{Failed, Live, Stale};
    for stuck in [true, false] {
        let board = board(Some(Stale), Live, stuck);
        assert_eq!(headline(&board), "?", "never 0: {board}");
        assert!(!board.contains("nothing is stuck"), "{board}");
    }
    let failed = board(Some(Failed), Live, false);
    assert!(failed.contains("no source answers: nothing is known"), "{failed}");
    let alone = board(None, Live, false);
    assert!(alone.contains("no source of this context tells of flows"), "{alone}");
    assert!(alone.contains("NO FLOWS TOLD") && !alone.contains("STUCK"), "{alone}");
}
