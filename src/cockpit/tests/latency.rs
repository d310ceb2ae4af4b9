//! How long steps take: each size, what is under the cursor in words, and the ways there and on from there.

use super::fake::{self, FakeOps};
use super::pictures::{draws_at_all_sizes, keep, keep_plain, plain, shot};
use super::{Desk, asks};
use crate::cockpit::msg::Ask;
use crate::cockpit::settings::ScreenName;
use crate::domain::latency::Measure;
use crate::ops::{Latency, LatencyQuery, LatencySource, OpsError};

/// The words below the slots.
fn words(desk: &Desk) -> String {
    let picture = desk.picture();
    let lines: Vec<&str> = picture.lines().collect();
    lines[lines.len() - 6..lines.len() - 1].iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_screen_at_each_size() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        for (name, keys) in [("flow", "H"), ("cursor", "H H j left left"), ("queue", "H tab")] {
            let name = format!("latency-{name}-{}x{}", size.0, size.1);
            let buffer = shot(FakeOps::default(), ScreenName::Board, keys, size, &fake::settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
}

#[test]
fn without_colours_and_in_ascii() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        let buffer = shot(FakeOps::default(), ScreenName::Latency, "", size, &plain());
        let name = format!("latency-ascii-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name.clone(), keep_plain(&name, &buffer));
    }
}

#[test]
fn no_size_panics() {
    for keys in ["H", "H H G left", "H tab tab"] {
        draws_at_all_sizes(FakeOps::default, keys);
    }
}

#[test]
fn it_is_of_the_flow_under_the_cursor_or_of_all() {
    let mut desk = Desk::new();
    let cohort = desk.app.board.shown[0].flow.clone();
    let effects = desk.press("H");
    assert_eq!(asks(&effects), [&Ask::Latency(LatencyQuery { flow: Some(cohort.clone()) })]);
    desk.settle(effects);
    assert_eq!(desk.app.screen(), ScreenName::Latency);
    let effects = desk.press("H");
    assert_eq!(asks(&effects), [&Ask::Latency(LatencyQuery { flow: None })]);
    desk.settle(effects);
    let effects = desk.press("H");
    assert_eq!(asks(&effects), [&Ask::Latency(LatencyQuery { flow: Some(cohort) })], "and back to the one");
    desk.settle(effects);
    desk.keys("esc");
    assert_eq!(desk.app.screen(), ScreenName::Board);
    desk.keys("2 enter H");
    let flow = fake::instance(0).flow;
    assert_eq!((desk.app.screen(), desk.app.latency.flow.clone()), (ScreenName::Latency, Some(flow)));
    desk.keys("esc");
    assert_eq!(desk.app.screen(), ScreenName::Detail);
    desk.keys("8 : l a t e n c y space s h o p * enter");
    assert_eq!(desk.app.latency.flow.as_deref(), Some("shop*"));
}

#[test]
fn the_slot_under_the_cursor_is_told_in_words() {
    let mut desk = Desk::new();
    desk.keys("H H");
    let told = words(&desk);
    for text in [
        "database, 03:10",
        "far over its promise: p95 \u{2265} ",
        "promise 30.0s",
        "1 finished, 2 failed, 3 still running now",
        "billing: its source is not live: connection refused",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    desk.keys("left left left left");
    let told = words(&desk);
    assert!(told.contains("database, 02:50") && told.contains("near its promise: p95 28."), "{told}");
    desk.keys("right right right right right right j");
    assert!(words(&desk).contains("network, 03:10") && words(&desk).contains("nothing promised"), "{}", words(&desk));
    desk.keys("j");
    let told = words(&desk);
    assert!(told.contains("none finished yet") && told.contains("1 still running now"), "{told}");
    desk.keys("j");
    assert!(words(&desk).contains("charge, 03:10") && words(&desk).contains("not known"), "{}", words(&desk));
    // The time in the queue has rows of its own.
    desk.keys("tab");
    assert_eq!((desk.app.latency.measure, desk.app.latency.count()), (Measure::Queue, 1));
    assert!(words(&desk).contains("(queued), 03:10"), "{}", words(&desk));
}

#[test]
fn the_cursor_stays_on_its_step_and_on_its_slot() {
    let mut desk = Desk::new();
    desk.keys("H j left");
    let (step, slot) = (desk.app.latency.current().unwrap().step.clone(), desk.app.latency.slot.unwrap());
    *desk.ops.latency.lock().unwrap() = |query| {
        let mut latency = fake::latency::latency(query);
        latency.rows.rotate_right(1);
        Ok(latency)
    };
    desk.wait(11);
    assert_eq!(desk.app.latency.current().unwrap().step, step);
    let slots = desk.app.latency.answer.value().unwrap().slots.clone();
    assert_eq!(slots[desk.app.latency.slot_at()], slot);
    // On the last slot it goes along with time.
    desk.keys("right");
    assert_eq!((desk.app.latency.slot, desk.app.latency.slot_at()), (None, slots.len() - 1));
    for _ in 0..slots.len() {
        desk.keys("left");
    }
    assert!(desk.picture().contains("this is the first slot that is told"), "{}", desk.picture());
}

#[test]
fn it_is_asked_again_while_it_is_shown_and_not_otherwise() {
    let mut desk = Desk::new();
    desk.keys("H");
    let asked = desk.app.latency.asked_at.unwrap();
    desk.wait(5);
    assert_eq!(desk.app.latency.asked_at, Some(asked));
    desk.wait(6);
    let again = desk.app.latency.asked_at.unwrap();
    assert!(again > asked);
    desk.keys("1");
    desk.wait(30);
    assert_eq!(desk.app.latency.asked_at, Some(again));
}

#[test]
fn enter_lists_the_instances_in_the_step() {
    let mut desk = Desk::new();
    desk.keys("H enter");
    assert_eq!(desk.app.screen(), ScreenName::Flows);
    assert_eq!(desk.app.flows.text, "source:restate flow:tenant-provisioning step:database");
    assert!(desk.app.flows.error.is_none() && desk.app.flows.window.value().is_some());
    desk.keys("esc");
    assert_eq!(desk.app.screen(), ScreenName::Latency);
    desk.keys("tab enter");
    assert_eq!(desk.app.flows.text, "source:restate flow:tenant-provisioning step:(queued)");
    desk.keys("esc v");
    assert!(
        desk.picture().contains("is a key of") || desk.picture().contains("verbs act on instances"),
        "{}",
        desk.picture()
    );
}

#[test]
fn where_there_is_nothing_it_says_why() {
    type Told = fn(&LatencyQuery) -> Result<Latency, OpsError>;
    let nothing: Told = |query| Ok(Latency { rows: Vec::new(), ..fake::latency::latency(query) });
    let nobody: Told = |query| Ok(Latency { rows: Vec::new(), sources: Vec::new(), ..fake::latency::latency(query) });
    let refused: Told = |_| Err(OpsError::Refused("no step is measured here".into()));
    let untold: Told = |query| {
        let mut latency = fake::latency::latency(query);
        let told = LatencySource { tells: Some(false), error: None, known_from: None, ..latency.sources[0].clone() };
        latency.sources = vec![told];
        Ok(latency)
    };
    for (told, words) in [
        (nothing, "no data: nothing of tenant-provisioning has run or queued within 6 hours"),
        (nobody, "no source of this context tells of flows, so there are no steps to measure"),
        (refused, "no step is measured here"),
        (untold, "restate does not tell when steps end: only what goes on is known"),
    ] {
        let mut desk = Desk::with(FakeOps { latency: told.into(), ..FakeOps::default() });
        desk.keys("H");
        assert!(desk.picture().contains(words), "{words}: {}", desk.picture());
        // None of it can be opened by mistake.
        if desk.app.latency.count() == 0 {
            desk.keys("enter left right tab j");
            assert_eq!(desk.app.screen(), ScreenName::Latency);
        }
    }
}
