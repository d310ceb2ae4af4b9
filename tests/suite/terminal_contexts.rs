//! Contexts in a real terminal: production is armed and locked again, another context is gone to, and the first start
//! asks what to do.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::fake_restate::{FakeRestate, Kind, row, row_with};
use crate::support::wait::{eventually_now, seen};
use crate::term::{Launch, PROGRAM, Term};

/// A production context and another one, each with a server of its own, and the cockpit on the first.
struct World {
    prod: FakeRestate,
    dev: FakeRestate,
    dir: tempfile::TempDir,
    term: Term,
}

fn start(more: &[&str], size: (u16, u16)) -> World {
    let prod = FakeRestate::start(vec![row("inv_prod")]);
    let other = serde_json::json!({"target_service_name": "Payments", "step": "charge"});
    let dev = FakeRestate::start(vec![row_with("inv_dev", &other)]);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = dir.path().join("config.toml");
    let source = |context: &str, url: &str| {
        format!(
            "[[context.{context}.source]]\nname = \"{context}-eu\"\nkind = \"restate\"\nurl = \"{url}\"\npoll = \"1s\"\n"
        )
    };
    let text = format!(
        "operator = \"jo\"\nstate_dir = \"state\"\n[context.prod]\nproduction = true\ncolour = \"red\"\n{}{}",
        source("prod", &prod.url()),
        source("dev", &dev.url())
    );
    std::fs::write(&path, text).unwrap();
    let mut launch = Launch::command(&[PROGRAM, "--config", path.to_str().unwrap(), "--context", "prod"]).size(size);
    for argument in more {
        launch = launch.arg(argument);
    }
    let mut term = launch.start();
    term.shows_all(&["prod PRODUCTION", "apply-0042"]);
    term.press("2");
    term.shows_all(&["no filter: every open", "under the cursor", "apply-0042"]);
    World { prod, dev, dir, term }
}

#[test]
fn production_is_read_only_until_it_is_armed_with_a_reason_and_can_be_locked_again() {
    for size in [(80, 24), (200, 60)] {
        let mut world = start(&[], size);
        let term = &mut world.term;
        term.until("the lock", |seen| seen.lines[0].contains("prod PRODUCTION  READ-ONLY "));
        term.press("v");
        term.shows("not now: prod is production: read-only until it is armed");
        term.press("esc");
        term.lacks("what may be done");
        term.write(":arm 10m");
        term.press("enter");
        term.shows_all(&["arm prod for 10 min", "at least 3 characters"]);
        term.write("the queue is stuck");
        term.shows("the queue is stuck");
        term.press("enter");
        let seen = term.until("the countdown", |seen| seen.lines[0].contains(" ARMED "));
        assert!(seen.lines[0].contains(" ARMED 9m ") || seen.lines[0].contains(" ARMED 10m "), "{}", seen.picture());
        term.press("v");
        term.shows("goes on from the failed step");
        term.lacks("not now: prod is production");
        term.press("esc");
        term.lacks("what may be done");
        term.write(":disarm");
        term.press("enter");
        term.until("the lock", |seen| seen.lines[0].contains(" READ-ONLY "));
        assert_eq!(world.prod.asked(Kind::Act), 0, "arming sends nothing");
        let events = crate::support::ledger::entries(&world.dir.path().join("state"));
        let armed = events.iter().position(|entry| entry.action == "arm").unwrap();
        assert_eq!(crate::support::ledger::detail(&events[armed])["reason"], "the queue is stuck");
        let actions: Vec<&str> = events[armed + 1..].iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["disarm"]);
    }
}

#[test]
fn what_was_asked_for_at_the_start_goes_before_the_lock() {
    let mut world = start(&["--write"], (120, 34));
    world.term.until("no lock", |seen| seen.lines[0].contains("prod PRODUCTION  WRITE "));
    world.term.write(":arm");
    world.term.press("enter");
    world.term.shows("this context has no lock");
    let mut world = start(&["--read-only"], (120, 34));
    world.term.until("read-only", |seen| seen.lines[0].contains(" READ-ONLY "));
    world.term.write(":arm now or never");
    world.term.press("enter");
    world.term.shows("it can't be armed: started with --read-only");
}

#[test]
fn another_context_is_gone_to_and_nothing_of_the_old_one_stays() {
    for size in [(80, 24), (200, 60)] {
        let mut world = start(&[], size);
        let term = &mut world.term;
        term.press("C");
        term.shows_all(&["contexts", "shown now", "dev", "demo", "1 source"]);
        term.press("down enter");
        term.until("the other context", |seen| seen.lines[0].starts_with(" dev ") && seen.has("charge"));
        term.press("2");
        let seen = term.shows_all(&["no filter: every open", "under the cursor", "charge"]);
        assert!(!seen.has("apply-0042") && !seen.has("prod"), "{}", seen.picture());
        assert!(!seen.lines[0].contains("READ-ONLY"), "{}", seen.picture());
        // Nobody polls the old one any more: its poll is a second, and three of the new one's go by.
        let before = world.prod.count();
        world.dev_passes(3);
        assert!(world.prod.count() <= before + 4, "a pass that was under way may end, and no other begins");
        let term = &mut world.term;
        term.write(":ctx nowhere");
        term.press("enter");
        term.shows("no context nowhere");
        term.press("esc");
        term.lacks(":ctx nowhere");
        term.write(":ctx demo");
        term.press("enter");
        term.until("the demo", |seen| seen.lines[0].starts_with(" DEMO ") && seen.has("schema-migration"));
        term.write(":context prod");
        term.press("enter");
        term.until("back", |seen| seen.lines[0].contains("prod PRODUCTION  READ-ONLY ") && seen.has("apply-0042"));
    }
}

impl World {
    /// Waits until the other context's server was asked for so many passes.
    fn dev_passes(&self, passes: usize) {
        let until = self.dev.asked(Kind::Rows) + passes;
        eventually_now(crate::term::PATIENCE, || seen(self.dev.asked(Kind::Rows), |asked| *asked >= until));
    }
}

#[test]
fn the_config_is_read_again_when_its_file_changes_and_a_broken_one_changes_nothing() {
    let mut world = start(&[], (120, 34));
    let path = world.dir.path().join("config.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    // As editors do: another file in its place.
    let put = |text: &str| {
        let new = path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
    };
    let term = &mut world.term;
    term.write(":reload");
    term.press("enter");
    term.shows("the config says what it said before");
    // Armed, so that it is seen whether the hub stays.
    term.write(":arm 10m the queue is stuck");
    term.press("enter");
    term.until("the countdown", |seen| seen.lines[0].contains(" ARMED "));
    let looks = format!("{good}[ui]\ntheme = \"light\"\n[keys]\nboard = \"Z\"\n");
    let mark = term.mark();
    put(&looks);
    term.shows("the config was read");
    let seen = term.until("the new key", |seen| seen.lines[1].contains("Z Board"));
    assert!(seen.lines[0].contains(" ARMED "), "{}", seen.picture());
    let colours = |bytes: &[u8]| crate::term::bytes::colours(bytes).len();
    assert!(colours(&term.raw_since(mark)) > 0, "painted anew, in other colours");
    term.press("Z");
    term.lacks("no filter: every open");
    let line = looks.lines().count() + 1;
    put(&format!("{looks}bord = \"X\"\n"));
    let seen = term.until("where it is broken", |seen| seen.last().contains(&format!("config: line {line}: ")));
    assert!(seen.last().contains("help") && seen.lines[1].contains("Z Board"), "{}", seen.picture());
    put(&looks);
    term.shows("the config is right again");
    term.lacks("config: line");
    // Another poll is another hub, which is locked.
    let passes = world.prod.asked(Kind::Rows);
    std::fs::write(&path, looks.replace("poll = \"1s\"", "poll = \"2s\"")).unwrap();
    term.until("another hub", |seen| seen.lines[0].contains(" READ-ONLY ") && seen.has("apply-0042"));
    assert!(world.prod.asked(Kind::Rows) > passes);
}

#[test]
fn the_first_start_offers_the_demo_an_example_or_the_way_out() {
    let mut term = Launch::command(&[PROGRAM]).start();
    term.shows_all(&["has no config yet", "d  open the demo", "w  write an example", "d, w or q?"]);
    term.press("x d");
    term.until("the demo", |seen| seen.lines[0].starts_with(" DEMO ") && seen.has("schema-migration"));
    term.press("q");
    assert_eq!(term.given_back().0.exit_code(), 0);

    let mut term = Launch::command(&[PROGRAM]).start();
    term.shows("d, w or q?");
    term.press("w");
    term.shows("the example config is now in");
    let path = term.home().join("CONFIG/quarterdeck/config.toml");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with(include_str!("../../config.example.toml")));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(term.ended().exit_code(), 0);

    let mut term = Launch::command(&[PROGRAM]).start();
    term.shows("d, w or q?");
    term.press("q");
    assert_eq!(term.ended().exit_code(), 0);
    assert!(!term.home().join("CONFIG/quarterdeck/config.toml").exists());
}
