//! Terminals that can do little, and places that are no terminal.

use std::process::{Command, Stdio};

use crate::support::matrix::record;
use crate::term::bytes::{self, Colour};
use crate::term::{Launch, PROGRAM, Seen, Term};

/// Goes through every screen and the popups, so that everything that can be drawn is.
fn tour(launch: Launch) -> Term {
    let mut term = launch.start();
    term.shows("flows need eyes");
    term.press("F tab down");
    term.shows("fold them");
    term.press("8");
    term.shows("made up, in this process");
    term.press("2 /");
    term.shows("Enter keep");
    term.write("state:nope");
    term.shows("column");
    term.press("ctrl-u");
    term.write("is:stuck");
    term.press("enter");
    term.until("the first row", |seen| filtered(seen) && seen.has("exhausted"));
    term.press("?");
    term.shows("help: Flows");
    term.press("G");
    term.shows("on other screens");
    term.press("esc");
    term.lacks("help: Flows");
    term.press("v");
    term.shows("what may be done to");
    term.press("esc");
    term.lacks("what may be done to");
    term.press("enter");
    term.shows("STUCK");
    term.shows("timeline");
    term.press("esc");
    term.lacks("timeline");
    term
}

/// Whether the rows are those of a filter: `1/61 (of 485)`. Until they are known, those from before it are shown.
fn filtered(seen: &Seen) -> bool {
    seen.lines[2].contains(" (of ")
}

/// Ends it and hands out everything that it wrote.
fn written(mut term: Term) -> Vec<u8> {
    term.write(":q\r");
    term.given_back();
    term.raw()
}

#[test]
fn colours_are_as_many_as_the_terminal_has() {
    let chosen = |launch: Launch| {
        let chosen = bytes::colours(&written(tour(launch)));
        assert!(!chosen.is_empty());
        chosen
    };
    let full = chosen(Launch::demo());
    assert!(full.iter().all(|colour| *colour == Colour::True), "{full:?}");
    let indexed = chosen(Launch::demo().env("COLORTERM", ""));
    assert!(indexed.iter().all(|colour| matches!(colour, Colour::Indexed(16..))), "{indexed:?}");
    // The sixteen are written as the first of the 256.
    let sixteen = chosen(Launch::demo().env("COLORTERM", "").env("TERM", "xterm"));
    assert!(sixteen.iter().all(|colour| matches!(colour, Colour::Indexed(..16))), "{sixteen:?}");
}

#[test]
fn without_colours_none_is_chosen_and_states_can_still_be_told_apart() {
    for launch in [Launch::demo().env("NO_COLOR", "1"), Launch::demo().env("COLORTERM", "").env("TERM", "xterm-mono")] {
        let mut term = tour(launch);
        let seen = term.seen();
        // The row under the cursor is reversed, and marked; a state is told by a sign and a word.
        let cursor = seen.row("▸").unwrap();
        assert!(seen.reversed(cursor) && !seen.reversed(cursor + 1), "{}", seen.picture());
        assert!(seen.lines[usize::from(cursor)].contains('✗'), "{}", seen.picture());
        term.press("0");
        let seen = term.until("what is well, and what is not", |seen| {
            seen.has("no filter") && seen.lines[4].contains("✗ lost wait")
        });
        assert!(bold_or_reversed(&seen, 0), "the badge stands out\n{}", seen.picture());
        let raw = written(term);
        assert_eq!(bytes::colours(&raw), []);
        assert!(!bytes::looks(&raw).is_empty());
    }
}

fn bold_or_reversed(seen: &Seen, row: u16) -> bool {
    seen.screen.cell(row, 2).is_some_and(|cell| cell.bold() || cell.inverse())
}

#[test]
fn an_empty_no_color_is_none() {
    let raw = written(tour(Launch::demo().env("NO_COLOR", "")));
    assert!(bytes::colours(&raw).contains(&Colour::True));
}

#[test]
fn where_only_ascii_can_be_shown_nothing_else_is_written() {
    let asked = Launch::demo().env("QUARTERDECK_ASCII", "1");
    let locale = Launch::demo().env("LC_ALL", "C");
    let console = Launch::demo().env("TERM", "linux").env("COLORTERM", "");
    for (why, launch) in [("asked for", asked), ("locale", locale), ("console", console)] {
        let mut term = tour(launch);
        // The hostile names and errors of the demo world among them.
        term.press("2 /");
        term.shows("Enter keep");
        term.write("-flow:upgrade-plan");
        term.write(" \u{e9}\u{4eac}");
        term.until("what was typed", |seen| seen.has("-flow:upgrade-plan "));
        term.press("ctrl-u");
        term.write("step:mail is:stuck");
        term.until("the mail with an escape sequence in its error", |seen| {
            filtered(seen) && seen.has("550 no such mailbox")
        });
        term.press("enter");
        term.lacks("Enter keep");
        term.press("enter");
        term.shows("timeline");
        let raw = written(term);
        let odd: Vec<_> = String::from_utf8_lossy(&raw).chars().filter(|c| !c.is_ascii()).collect();
        assert!(odd.is_empty(), "{why}: {odd:?}");
    }
    // It can be taken back where the locale is wrong about the terminal.
    let term = Launch::demo().env("LC_ALL", "C").env("QUARTERDECK_ASCII", "0").start();
    term.shows("schema-migration › apply-0042");
}

/// What says that there is no terminal, or none that will do.
const NO_TERMINAL: &str = "quarterdeck: the cockpit needs a terminal for input and output; `quarterdeck get board`";

#[test]
fn without_a_terminal_it_says_so_and_what_to_use() {
    let mut cases = 0;
    for command in [&["demo"][..], &["--demo"], &["--demo", "cockpit"]] {
        let output = Command::new(PROGRAM).args(command).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        assert!(output.stdout.is_empty(), "{command:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(NO_TERMINAL) && said.is_ascii() && !said.contains('\u{1b}'), "{said}");
        cases += 1;
    }
    // One of the two is not enough.
    for redirected in ["</dev/null", "| cat", ">out"] {
        let script = format!("\"$PROGRAM\" demo {redirected}; echo end");
        let mut term = Launch::script(&script).size((200, 10)).start();
        let (_, seen) = term.given_back();
        assert!(seen.has(NO_TERMINAL) && seen.has("end"), "{redirected}\n{}", seen.picture());
        assert!(!term.raw().contains(&0x1b), "{redirected}: no escape sequence is written to find that out");
        cases += 1;
    }
    record("terminal", cases, 6);
}

#[test]
fn a_terminal_that_can_place_no_cursor_is_refused() {
    let mut cases = 0;
    for (term, name) in [("dumb", "\"dumb\""), ("", "\"\"")] {
        let mut term = Launch::demo().env("TERM", term).size((200, 10)).start();
        let (status, seen) = term.given_back();
        assert_eq!(status.exit_code(), 2);
        let said = format!("quarterdeck: a terminal of type {name} can't show the cockpit; `quarterdeck get board`");
        assert!(seen.lines[0].starts_with(&said), "{}", seen.picture());
        assert!(!term.raw().contains(&0x1b));
        cases += 1;
    }
    record("terminal", cases, 2);
}

#[test]
fn what_comes_from_outside_never_commands_the_terminal() {
    // An error of the demo world holds sequences that clear the screen, set a colour and write the clipboard.
    let mut term = Launch::demo().start();
    term.shows("flows need eyes");
    term.press("2 /");
    term.shows("Enter keep");
    term.write("step:mail is:stuck");
    term.press("enter");
    term.until("the error, made visible", |seen| filtered(seen) && seen.has("␛[2J␛[1;31mALL TENAN"));
    term.press("enter");
    term.shows_all(&["STUCK · exhausted", "␛[2J␛[1;31mALL TENANTS OK"]);
    let raw = written(term);
    assert_eq!(bytes::count(&raw, "\x1b]52"), 0, "the clipboard");
    assert_eq!(bytes::count(&raw, "\x1b[1;31m"), 0, "the colour");
    let text = String::from_utf8(raw).unwrap();
    let odd: Vec<_> =
        text.chars().filter(|c| matches!(c, '\u{7}' | '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}')).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

/// `| head`, a closed output, a full disk: what is printed can't be had, and nothing else happens.
#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let mut cases = 0;
    for (rest, code) in [
        ("get flows --demo --all -o ndjson | true; code=${PIPESTATUS[0]}", 0),
        ("get flows --demo --all -o csv | head -n 1 >/dev/null; code=${PIPESTATUS[0]}", 0),
        ("get flows --demo --all | head -c 10 >/dev/null; code=${PIPESTATUS[0]}", 0),
        ("snapshot --demo --screen board | true; code=${PIPESTATUS[0]}", 0),
        ("help | true; code=${PIPESTATUS[0]}", 0),
        ("get board --demo -o json >/dev/full; code=$?", 70),
        ("get board --demo 2>/dev/full >/dev/full; code=$?", 70),
        ("nonsense 2>/dev/full; code=$?", 2),
    ] {
        let script = format!("\"$PROGRAM\" {rest}; echo code $code");
        let output = Command::new("bash")
            .args(["-c", &script])
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/nobody"))
            .env("PROGRAM", PROGRAM)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panicked") && said.lines().count() <= 1, "{rest}: {said}");
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), format!("code {code}"), "{rest}: {said}");
        cases += 1;
    }
    record("terminal", cases, 8);
}
