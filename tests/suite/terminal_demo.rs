//! The demo in a real terminal: kept from one command to the next, as fast as is wished, and watched without a cockpit.

use crate::term::{Launch, PROGRAM};

#[test]
fn what_is_done_in_the_cockpit_is_seen_by_the_next_command() {
    let look = "\"$PROGRAM\" get flows --demo step:build is:stuck -o csv";
    let mut term = Launch::script(&format!(
        "{look} | wc -l; \"$PROGRAM\" demo; {look} | wc -l; \"$PROGRAM\" demo --read-only; echo fin; exec cat"
    ))
    .start();
    // A header and three builds that hang.
    term.shows("flows need eyes");
    term.press("2 /");
    term.shows("Enter keep");
    term.write("step:build is:stuck");
    term.press("enter");
    term.until("the three of them", |seen| seen.lines[2].contains("1/3 (of "));
    term.press("v");
    term.shows("▸ resume");
    term.press("down down down enter");
    term.shows("review: cancel one instance");
    term.write("it hangs");
    term.press("tab tab");
    term.shows("[ Cancel the instance ]");
    term.press("enter");
    term.shows("VERIFIED");
    term.press("esc");
    term.lacks("VERIFIED");
    term.write(":q");
    term.press("enter");
    // The next cockpit is on the same world.
    term.shows("READ-ONLY");
    term.shows("flows need eyes");
    term.press("2 /");
    term.shows("Enter keep");
    term.write("step:build is:stuck");
    term.until("the two that are left", |seen| seen.lines[2].contains("1/2 (of "));
    term.press("esc");
    term.lacks("Enter keep");
    term.write(":q");
    term.press("enter");
    let seen = term.until("the end", |seen| seen.lines.iter().any(|line| line.trim() == "fin"));
    let counts: Vec<&str> =
        seen.lines.iter().map(|line| line.trim()).filter(|line| ["3", "4"].contains(line)).collect();
    assert_eq!(counts, ["4", "3"], "{}", seen.picture());
    let folder = term.home().join("STATE/quarterdeck/demo-312");
    assert!(folder.join("ledger.sqlite").is_file(), "the record is kept with its world");
}

#[test]
fn the_demo_runs_as_fast_as_is_wished() {
    let mut term = Launch::demo().arg("--speed").arg("40").start();
    term.until("the speed in the header", |seen| seen.lines[0].starts_with(" DEMO  40x "));
    // Five minutes in eight seconds: billing goes silent, and its numbers are not taken for the present ones.
    term.until("a silent source", |seen| {
        seen.lines[0].contains("billing ? ") && seen.lines[1].contains("BLIND 1 source")
    });
    term.until("the source again", |seen| !seen.lines[1].contains("BLIND") && seen.lines[0].contains("billing "));
    term.write(":speed 1");
    term.press("enter");
    term.until("real time", |seen| !seen.lines[0].contains("40x") && seen.last().contains("1 times as fast"));
    for (typed, said) in [(":speed 5000", "from 0.1 to 1000"), (":speed fast", "takes a number")] {
        term.write(typed);
        term.press("enter");
        term.shows(said);
        term.press("esc");
        term.lacks(said);
    }
}

#[test]
fn a_watch_paints_over_itself_and_ends_with_ctrl_c() {
    let mut term = Launch::command(&[PROGRAM, "get", "board", "--demo", "--watch=500ms"]).size((100, 20)).start();
    let first = term.shows_all(&["quarterdeck get board   every 0.5 s", "schema-migration › apply-0042", "more lines"]);
    assert!(first.lines[0].ends_with("Ctrl-C ends"), "{}", first.picture());
    assert_eq!(first.lines.len(), 20);
    let time = first.lines[0].clone();
    let later = term.until("a later look in the same place", |seen| {
        seen.lines[0].starts_with("quarterdeck get board") && seen.lines[0] != time
    });
    assert_eq!(later.lines.iter().filter(|line| line.starts_with("STUCK")).count(), 1, "{}", later.picture());
    term.resize((60, 8));
    term.until("a frame of the new size", |seen| {
        seen.lines.len() == 8 && seen.lines[7].contains("more lines") && seen.lines[0].starts_with("quarterdeck")
    });
    term.press("ctrl-c");
    assert!(!term.ended().success(), "a program that was interrupted says so");
}
