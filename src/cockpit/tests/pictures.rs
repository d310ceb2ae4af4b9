//! Each screen as text, at three sizes and in each state.

use std::sync::Arc;

use ratatui::buffer::Buffer;

use super::Desk;
use super::fake::{FakeOps, act, answer, instance, settings};
use crate::cockpit::{Colours, ScreenName, Settings, snapshot_after, svg, text};
use crate::domain::flow::{FlowInstance, Status};
use crate::domain::remediation::ItemState;
use crate::domain::source::Freshness;
use crate::ops::OpsError;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 34), (200, 60)];

pub(super) fn shot(ops: FakeOps, screen: ScreenName, keys: &str, size: (u16, u16), settings: &Settings) -> Buffer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(snapshot_after(Arc::new(ops), screen, keys, size.0, size.1, settings)).unwrap()
}

/// With `QUARTERDECK_PICTURES=DIR`, leaves each screen as a picture too.
pub(super) fn keep(name: &str, buffer: &Buffer) -> String {
    if let Ok(dir) = std::env::var("QUARTERDECK_PICTURES") {
        std::fs::write(format!("{dir}/{name}.svg"), svg(buffer, name)).unwrap();
    }
    text(buffer)
}

/// The settings without colours and in ASCII.
pub(super) fn plain() -> Settings {
    Settings { colours: Colours::None, ascii: true, ..settings() }
}

/// What was drawn, which holds nothing but ASCII and no colour.
pub(super) fn keep_plain(name: &str, buffer: &Buffer) -> String {
    let drawn = keep(name, buffer);
    assert!(drawn.is_ascii(), "{drawn}");
    assert!(buffer.content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset), "{drawn}");
    drawn
}

/// Draws a screen at sizes from the smallest on: none may panic, and each is filled.
pub(super) fn draws_at_all_sizes(ops: impl Fn() -> FakeOps, keys: &str) {
    for (width, height) in
        (2..=200).step_by(33).flat_map(|width| (1..=50).step_by(8).map(move |height| (width, height)))
    {
        let buffer = shot(ops(), ScreenName::Board, keys, (width, height), &settings());
        assert_eq!((buffer.area.width, buffer.area.height), (width, height));
    }
}

#[test]
fn every_screen_at_every_size() {
    for screen in ScreenName::ALL {
        for size in SIZES {
            let name = format!("{}-{}x{}", screen.name(), size.0, size.1);
            let buffer = shot(FakeOps::default(), screen, "", size, &settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
}

#[test]
fn popups() {
    let running = || FakeOps { acts: vec![act(ItemState::Done)].into(), ..FakeOps::default() };
    for (name, screen, keys) in [
        ("help", ScreenName::Board, "?"),
        ("verbs", ScreenName::Flows, "v"),
        ("review", ScreenName::Flows, "v enter"),
        ("review-ready", ScreenName::Flows, "v enter f i x e d tab tab"),
        ("read-command", ScreenName::Board, ": s"),
        ("filter", ScreenName::Flows, "/ a c m e"),
        ("filter-completed", ScreenName::Flows, "/ s t a t e : p"),
        ("themes", ScreenName::Flows, "T j"),
        ("palette", ScreenName::Board, ":"),
        ("palette-words", ScreenName::Board, ": f l o w s space r u"),
        ("source", ScreenName::Sources, "j enter"),
        ("help-found", ScreenName::Board, "? / m o u s e"),
        ("copies", ScreenName::Flows, "y"),
        ("pending-keys", ScreenName::Flows, "g"),
        ("strip-focus", ScreenName::Board, "tab j F"),
    ] {
        for size in [SIZES[0], SIZES[1]] {
            let name = format!("{name}-{}x{}", size.0, size.1);
            let buffer = shot(FakeOps::default(), screen, keys, size, &settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
    for (name, screen, keys) in
        [("quit-while-running", ScreenName::Board, "q"), ("progress", ScreenName::Board, ": a c t s enter")]
    {
        let buffer = shot(running(), screen, keys, SIZES[1], &settings());
        insta::assert_snapshot!(name, keep(name, &buffer));
    }
    for item in [ItemState::Verified, ItemState::Failed, ItemState::Unknown] {
        let ops = FakeOps { acts: vec![act(item)].into(), ..FakeOps::default() };
        let name = format!("progress-{}", item.name());
        let buffer = shot(ops, ScreenName::Board, ": a c t s enter", SIZES[1], &settings());
        insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
    }
}

#[test]
fn a_short_list_leaves_its_room_to_the_row_under_the_cursor() {
    let rows: Vec<_> = (0..4).map(super::fake::judged).collect();
    for size in [SIZES[0], (80, 14)] {
        let name = format!("flows-short-{}x{}", size.0, size.1);
        let ops = FakeOps { rows: rows.clone().into(), ..FakeOps::default() };
        let buffer = shot(ops, ScreenName::Flows, "", size, &settings());
        insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
    }
}

#[test]
fn the_columns_stay_where_they_are_while_scrolling() {
    for size in SIZES {
        let heading = |keys| {
            let buffer = shot(FakeOps::default(), ScreenName::Flows, keys, size, &settings());
            text(&buffer).lines().nth(3).unwrap().to_owned()
        };
        let top = heading("");
        assert!(top.contains("ERROR"), "{top}");
        for keys in ["ctrl-d", "ctrl-d ctrl-d ctrl-d", "G"] {
            assert_eq!(heading(keys), top, "{keys} at {size:?}");
        }
    }
}

#[test]
fn the_footer_always_tells_how_to_get_help_and_out() {
    for screen in ScreenName::ALL {
        for width in [40, 50, 60, 72, 80, 81, 90, 100, 120] {
            let buffer = shot(FakeOps::default(), screen, "", (width, 12), &settings());
            let drawn = text(&buffer);
            let footer = drawn.lines().last().unwrap();
            assert!(footer.contains("? help") && footer.contains("q back/quit"), "{width}: {footer}");
            assert!(!footer.contains('…'), "{width}: {footer}");
        }
    }
}

#[test]
fn without_colours_and_in_ascii() {
    let mut plain = settings();
    plain.colours = Colours::None;
    plain.ascii = true;
    for screen in ScreenName::ALL {
        let buffer = shot(FakeOps::default(), screen, "", SIZES[1], &plain);
        let drawn = keep(&format!("ascii-{}", screen.name()), &buffer);
        assert!(drawn.is_ascii(), "{drawn}");
        assert!(buffer.content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset), "{drawn}");
        insta::assert_snapshot!(format!("ascii-{}", screen.name()), drawn);
    }
    let small = shot(FakeOps::default(), ScreenName::Detail, "", SIZES[0], &plain);
    insta::assert_snapshot!("ascii-detail-80x24", text(&small));
}

#[test]
fn every_state_of_what_is_asked_for_looks_different() {
    type Change = fn(&mut FakeOps);
    let board = |change: fn(&mut FakeOps)| {
        let mut ops = FakeOps::default();
        change(&mut ops);
        ops
    };
    let cases: [(&str, Change); 5] = [
        ("failed", |ops| ops.overview = Err(OpsError::Source("the hub is gone".into())).into()),
        ("all-blind", |ops| {
            let overview = ops.overview.get_mut().unwrap().as_mut().unwrap();
            overview.sources.remove(0);
            overview.cells.retain(|cell| !cell.live);
            overview.cohorts.clear();
        }),
        ("never-asked", |ops| {
            let overview = ops.overview.get_mut().unwrap().as_mut().unwrap();
            overview.sources = vec![super::fake::source("restate", Freshness::Never, 0)];
            overview.cells.clear();
            overview.cohorts.clear();
        }),
        ("empty", |ops| {
            let overview = ops.overview.get_mut().unwrap().as_mut().unwrap();
            overview.sources.truncate(1);
            overview.cells.retain(|cell| cell.live && cell.counts.stuck == 0);
            overview.cohorts.clear();
            overview.stuck_tenants = 0;
        }),
        ("blind-cohorts", |ops| {
            let overview = ops.overview.get_mut().unwrap().as_mut().unwrap();
            overview.sources[0].state = Freshness::Stale;
            overview.sources[0].last_good_at = Some("2026-01-15T03:09:00Z".parse().unwrap());
            overview.cells.iter_mut().for_each(|cell| cell.live = false);
        }),
    ];
    let mut seen = std::collections::HashSet::new();
    for (name, change) in cases {
        let buffer = shot(board(change), ScreenName::Board, "", SIZES[1], &settings());
        let drawn = keep(&format!("board-{name}"), &buffer);
        assert!(seen.insert(drawn.clone()), "{name} looks like another");
        insta::assert_snapshot!(format!("board-{name}"), drawn);
    }
}

#[test]
fn no_size_panics() {
    let look = settings();
    let ops =
        Arc::new(FakeOps { rows: (0..60).map(super::fake::judged).collect::<Vec<_>>().into(), ..FakeOps::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for screen in ScreenName::ALL {
        for (width, height) in
            (1..=40).zip((1..=10).cycle()).chain((40..60).zip(10..)).chain([(200, 80), (1, 200), (500, 1)])
        {
            for keys in ["", "v enter", "?", "/ x"] {
                let shot = snapshot_after(ops.clone(), screen, keys, width, height, &look);
                let buffer = runtime.block_on(shot).unwrap();
                assert_eq!((buffer.area.width, buffer.area.height), (width, height));
            }
        }
    }
}

#[test]
fn a_row_that_left_the_list_is_not_called_gone() {
    let mut desk = Desk::new();
    desk.keys("2 j j");
    desk.ops.rows.lock().unwrap().remove(2);
    desk.change();
    let picture = desk.picture();
    assert!(picture.contains("left ") && picture.contains("Enter shows how it is now"), "{picture}");
    assert!(!picture.contains("gone"), "{picture}");
}

#[test]
fn an_error_that_is_over_is_the_last_one() {
    let mut desk = Desk::new();
    desk.keys("2 enter");
    for (status, heading) in [
        (Status::Succeeded, "  last error"),
        (Status::Waiting, "  last error"),
        (Status::BackingOff, "  error"),
        (Status::Failed, "  error"),
    ] {
        let flow = FlowInstance { status, pause: None, ..instance(0) };
        desk.app.detail.answer.answered(Ok(answer(flow)), desk.now);
        desk.app.size = (100, 60);
        let picture = desk.picture();
        assert!(picture.lines().any(|line| line.trim_end() == heading), "{status:?}\n{picture}");
        let now = picture.contains("goes on from the failed step now, instead of at its next try");
        assert_eq!(now, status == Status::BackingOff, "{picture}");
    }
}
