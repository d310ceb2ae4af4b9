//! What a frame costs: each screen at 200×60, beside the floor, which is one look whether two equal screens are equal;
//! and how many bytes go to the terminal for a change.
//!
//! `cargo bench --bench frames -- [SCREEN]...`

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use quarterdeck::cockpit::app::App;
use quarterdeck::cockpit::draw::draw;
use quarterdeck::cockpit::frames::Frames;
use quarterdeck::cockpit::remote::Remote;
use quarterdeck::cockpit::theme::Styles;
use quarterdeck::cockpit::{Badge, Headless, ScreenName, Settings};
use quarterdeck::config::{TenantBook, ThresholdBook};
use quarterdeck::connect::Connector;
use quarterdeck::connect::sim::{self, Bulk, Clock, World};
use quarterdeck::domain::plan::{Pace, Parameters, Waves};
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::remedy::Remedy;
use quarterdeck::domain::wide::{WideRemediation, WideState};
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{Ops as _, PlanWish, RequestOf, Selection};
use quarterdeck::query::Filter;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

type Failure = Box<dyn std::error::Error>;

const SIZE: (u16, u16) = (200, 60);

/// How many instances the list is of.
const INSTANCES: u32 = 50_000;

/// The screen of remediations, of which there were very many.
const HISTORY: &str = "history";

/// How many.
const PAST: i64 = 100_000;

/// A screen to be drawn: its name, whether it is of very many instances or of the demo, and how it is come to.
const SCREENS: [(&str, bool, ScreenName, &str); 15] = [
    ("board", false, ScreenName::Board, ""),
    ("board, many instances", true, ScreenName::Board, ""),
    ("board, strip", false, ScreenName::Board, "tab j F"),
    ("flows", true, ScreenName::Flows, "down down"),
    ("flows, demo", false, ScreenName::Flows, "down down"),
    ("flows, grouped", true, ScreenName::Flows, "# down"),
    ("flows, marked", true, ScreenName::Flows, "space down space down space"),
    ("flows, a popup", true, ScreenName::Flows, "y"),
    ("detail", false, ScreenName::Detail, ""),
    ("chart", false, ScreenName::Detail, "tab"),
    ("compare", false, ScreenName::Compare, ""),
    ("raw", false, ScreenName::Raw, ""),
    ("sources", false, ScreenName::Sources, ""),
    ("help", false, ScreenName::Board, "?"),
    (HISTORY, false, ScreenName::Remediations, ""),
];

fn hub(clock: &Clock, sources: Vec<(String, Arc<dyn Connector>, Duration)>) -> Arc<Hub> {
    Hub::new(Setup {
        context: "demo".to_owned(),
        operator: "you".to_owned(),
        read_only: None,
        locked: false,
        thresholds: ThresholdBook::default(),
        tenants: TenantBook::default(),
        policing: quarterdeck::hub::Policing::default(),
        soak: SignedDuration::from_secs(10),
        read_dir: None,
        state_dir: None,
        clock: clock.clone(),
        sources,
    })
}

/// The same cockpit where very many remediations have ended, and the cursor is in their middle.
async fn with_history(app: &App, hub: &Hub) -> Result<App, Failure> {
    let wish = PlanWish {
        remedy: Remedy::Verb(Verb::Resume, Parameters::default()),
        selection: Selection::Matching { filter: Filter::parse("verdict:stuck")?, without: BTreeSet::new() },
        waves: Waves::default(),
        pace: Pace::default(),
    };
    let plan = hub.plan_of_many(&wish).await?;
    let reason = "a bench".into();
    let (ticket, takes_back, break_glass) = (None, None, None);
    let request = RequestOf { plan_hash: plan.hash, reason, ticket, takes_back, break_glass };
    let one = hub.request(&request).await?;
    let mut app = app.clone();
    let past = (1..=PAST).map(|n| {
        let requested_at = one.requested_at - SignedDuration::from_mins(n);
        let id = format!("{n:012x}").into();
        Arc::new(WideRemediation { id, requested_at, state: WideState::Succeeded, ..(*one).clone() })
    });
    app.remediations.older.rows = past.collect();
    app.remediations.index = app.remediations.older.rows.len() / 2;
    Ok(app)
}

/// The median times of several things in microseconds, each run many times, taking turns.
fn medians<const N: usize>(mut things: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..300 {
        for (run, times) in things.iter_mut().zip(&mut times) {
            let began = Instant::now();
            run();
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or_default()
    })
}

/// How many bytes a change of the screen takes.
fn change(app: &App, later: &App, styles: &Styles) -> usize {
    let mut frames = Frames::default();
    frames.next(app, styles);
    frames.next(later, styles).len()
}

/// The cockpit with one more open instance of the step that is shown first.
fn counted(app: &App) -> App {
    let mut app = app.clone();
    if let Remote::Fresh { value, .. } = &mut app.overview
        && let Some(cell) = Arc::make_mut(value).cells.iter_mut().max_by_key(|cell| cell.counts.stuck)
    {
        cell.counts.open += 1;
    }
    app
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let only: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let at: Timestamp = "2026-01-15T03:12:00Z".parse()?;
    let clock: Clock = Arc::new(move || at);
    let settings = Settings { badge: Badge::Demo, clock: clock.clone(), ..Settings::new("demo", "you") };
    let styles = settings.styles(None)?;
    let world = Arc::new(World::start(sim::SEED, clock.clone()));
    let planes = world.planes().into_iter();
    let demo = hub(&clock, planes.map(|(name, plane)| (name.to_owned(), plane, Duration::from_secs(2))).collect());
    let bulk = Bulk::new(sim::SEED, INSTANCES, 0, clock.clone());
    let many = hub(&clock, vec![(sim::BULK.to_owned(), bulk, Duration::from_secs(2))]);
    demo.pass().await;
    many.pass().await;
    for (name, large, screen, keys) in SCREENS {
        if !only.is_empty() && !only.iter().any(|only| name.starts_with(only.as_str())) {
            continue;
        }
        let ops = if large { many.clone() } else { demo.clone() };
        let mut cockpit = Headless::open(ops, screen, SIZE, &settings).await;
        cockpit.press(keys).await;
        let mut app = cockpit.app().clone();
        if name == HISTORY {
            app = with_history(&app, &demo).await?;
        }
        let mut next = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
        draw(&app, &styles, &mut next);
        let before = next.clone();
        let equal = next.clone();
        let mut frames = Frames::default();
        let whole = frames.next(&app, &styles).len();
        let mut anew = Frames::default();
        let [floor, kept, anew, plain] = medians([
            &mut || {
                black_box(black_box(&before).diff_iter(black_box(&equal)).count());
            },
            &mut || {
                black_box(frames.next(black_box(&app), &styles).len());
            },
            &mut || {
                anew.forget();
                black_box(anew.next(black_box(&app), &styles).len());
            },
            &mut || {
                draw(black_box(&app), &styles, &mut next);
                black_box(before.diff_iter(&next).count());
            },
        ]);
        println!("{name}: nothing changed: {:.2} × the floor (goal 2 ×; {kept:.0} of {floor:.0} µs)", kept / floor);
        println!(
            "{name}: painted anew: {:.2} × the floor; every cell made and compared: {:.2} ×",
            anew / floor,
            plain / floor
        );
        let mut later = app.clone();
        later.now = at + SignedDuration::from_secs(1);
        println!("{name}: bytes, a second later: {}", change(&app, &later, &styles));
        println!("{name}: bytes, a counter changes: {} (goal 40)", change(&app, &counted(&app), &styles));
        for (what, key, back, goal) in
            [("the cursor moves", "down", "up", " (goal 267)"), ("a page down", "pgdn", "pgup", "")]
        {
            cockpit.press(key).await;
            println!("{name}: bytes, {what}: {}{goal}", change(&app, cockpit.app(), &styles));
            cockpit.press(back).await;
        }
        println!("{name}: bytes, the whole screen: {whole}");
    }
    Ok(())
}
