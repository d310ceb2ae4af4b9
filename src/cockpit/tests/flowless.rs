//! The board of a context whose sources tell of no flows: nothing stuck would be no good news.

use std::sync::Mutex;

use super::Desk;
use super::fake::{self, FakeOps};
use super::pictures::{keep, keep_plain, plain, shot};
use crate::cockpit::settings::ScreenName;
use crate::domain::source::{Freshness, SourceStatus};
use crate::ops::Overview;

/// What one source tells: drift, tenants, events.
fn source(name: &str, state: Freshness, told: (Option<usize>, Option<usize>, bool)) -> SourceStatus {
    let (drift, tenants, events) = told;
    SourceStatus { flows: false, drift, tenants, events, bad_rows: 0, bad_row: None, ..fake::source(name, state, 3) }
}

fn ops(sources: Vec<SourceStatus>) -> FakeOps {
    let overview = Overview {
        sources,
        cells: Vec::new(),
        cohorts: Vec::new(),
        stuck_tenants: 0,
        stuck_without_tenant: 0,
        critical_drift: None,
        trend: None,
        ..fake::overview()
    };
    FakeOps { overview: Mutex::new(Ok(overview)), ..FakeOps::default() }
}

fn infrastructure() -> FakeOps {
    ops(vec![
        source("plans", Freshness::Live, (Some(3), None, false)),
        source("minions", Freshness::Live, (Some(40), None, false)),
        source("directory", Freshness::Live, (None, Some(2_000), true)),
    ])
}

#[test]
fn it_says_that_nobody_tells_of_flows_and_where_what_is_told_is_to_be_found() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        let name = format!("flowless-{}x{}", size.0, size.1);
        let buffer = shot(infrastructure(), ScreenName::Board, "", size, &fake::settings());
        insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
    }
    let buffer = shot(infrastructure(), ScreenName::Board, "", (120, 34), &plain());
    insta::assert_snapshot!("flowless-ascii", keep_plain("flowless-ascii", &buffer));
    let mut desk = Desk::with(infrastructure());
    let picture = desk.picture();
    for text in [
        "no source of this context tells of flows",
        "4  drift: 43 findings",
        "3  tenants: 2,000 tenants",
        "7  what happens: changes and alerts",
        "NO FLOWS TOLD",
    ] {
        assert!(picture.contains(text), "{text}: {picture}");
    }
    for wrong in ["nothing is stuck", "STUCK", "HELD", "FAILED"] {
        assert!(!picture.contains(wrong), "{wrong}: {picture}");
    }
    desk.keys("enter v j tab F");
    assert_eq!(desk.app.screen(), ScreenName::Board);
    desk.keys("4");
    assert_eq!(desk.app.screen(), ScreenName::Drift);
}

#[test]
fn what_is_not_known_of_it_is_no_nought() {
    let told = |sources| Desk::with(ops(sources)).picture();
    let some = told(vec![
        source("plans", Freshness::Live, (Some(3), None, false)),
        source("minions", Freshness::Stale, (Some(40), None, false)),
    ]);
    assert!(some.contains("4  drift: 43+? findings") && some.contains("8  1 source silent: why"), "{some}");
    let never = told(vec![
        source("plans", Freshness::Live, (Some(1), None, false)),
        source("directory", Freshness::Never, (None, Some(0), false)),
    ]);
    assert!(never.contains("3  tenants: 0+? tenants") && never.contains("4  drift: 1 finding"), "{never}");
    let silent = told(vec![source("plans", Freshness::Stale, (Some(3), None, false))]);
    assert!(silent.contains("4  drift: 3+? findings") && silent.contains("8  1 source silent: why"), "{silent}");
    let nothing = told(vec![source("plans", Freshness::Live, (None, None, false))]);
    assert!(nothing.contains("nor of drift, of tenants or of what happens"), "{nothing}");
    // One that tells of flows is enough for good news.
    let mut engine = fake::source("engine", Freshness::Live, 2);
    engine.bad_rows = 0;
    let good = told(vec![engine, source("plans", Freshness::Live, (Some(3), None, false))]);
    assert!(good.contains("nothing is stuck; 0 open") && good.contains("STUCK 0"), "{good}");
}
