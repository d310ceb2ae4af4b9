//! The cockpit on servers that are bad in ways that last: it stays as quick as it is, and a good one beside them is
//! shown.

use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::hostile::Behaviour;
use crate::support::hub::config_of;
use crate::support::matrix::record;
use crate::support::wait::{eventually_now, seen};
use crate::term::{Launch, PATIENCE, PROGRAM};

/// The most memory that a process has had, in MiB.
fn most_memory(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn keys_are_answered_while_servers_are_bad_in_every_way_that_lasts() {
    let bad: Vec<(&str, Kind, Behaviour)> = vec![
        ("silent", Kind::Version, Behaviour::Silent),
        ("slow-head", Kind::Version, Behaviour::SlowHead),
        ("slow-body", Kind::Version, Behaviour::SlowBody),
        ("stall", Kind::Version, Behaviour::Stall),
        ("silent-later", Kind::Clock, Behaviour::Silent),
        ("slow-rows", Kind::Rows, Behaviour::SlowBody),
        ("stall-at-rows", Kind::Rows, Behaviour::Stall),
        ("endless", Kind::Version, Behaviour::Endless),
        ("header-flood", Kind::Version, Behaviour::HeaderFlood),
        ("huge", Kind::Version, Behaviour::Huge(200_000_000)),
        ("bomb", Kind::Version, Behaviour::GzipBomb(64)),
    ];
    let good = FakeRestate::start(vec![row("inv_1"), row("inv_2")]);
    let servers: Vec<(&str, FakeRestate)> = bad
        .iter()
        .map(|(name, kind, behaviour)| {
            let server = FakeRestate::start(vec![row("inv_9")]);
            server.behave_for(*kind, behaviour.clone());
            (*name, server)
        })
        .collect();
    let urls: Vec<(&str, String)> = servers.iter().map(|(name, server)| (*name, server.url())).collect();
    // Those that wait, wait longer than this test runs.
    let mut sources: Vec<(&str, &str, &str)> = urls.iter().map(|(name, url)| (*name, url.as_str(), "60s")).collect();
    let url = good.url();
    sources.push(("good", &url, "60s"));
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    std::fs::write(&config, config_of(&sources)).unwrap();
    let launch = Launch::command(&[PROGRAM]).env("QUARTERDECK_CONFIG", config.to_str().unwrap());
    let mut term = launch.size((200, 40)).start();
    term.shows("flows need eyes");
    // Each of them is being asked.
    let asked = || servers.iter().filter(|(_, server)| server.count() > 0).count();
    eventually_now(PATIENCE, || seen(asked(), |asked| *asked == servers.len()));
    let passes = good.asked(Kind::Version);
    for _ in 0..5 {
        term.press("2");
        term.shows("inv_2");
        term.press("8");
        term.shows_all(&["silent", "bomb", "good"]);
        term.press("?");
        term.shows("help: Sources");
        term.press("esc");
        term.lacks("help: Sources");
        term.press("1");
        term.shows("apply-0042");
    }
    // The good one is asked again and again meanwhile.
    eventually_now(PATIENCE, || seen(good.asked(Kind::Version), |now| *now >= passes + 2));
    // Whoever only waits has been asked once, and still is.
    let mut cases = 0;
    for (name, server) in &servers {
        let waits = !["endless", "header-flood", "huge", "bomb"].contains(name);
        assert!(!waits || server.asked(Kind::Version) == 1, "{name}: {:?}", server.requests().len());
        cases += 1;
    }
    let most = most_memory(term.pid());
    assert!(most < 200, "{most} MiB");
    term.write(":q\r");
    assert_eq!(term.given_back().0.exit_code(), 0);
    record("hostile-http", cases, 11);
}
