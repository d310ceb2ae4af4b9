//! One instance, whole, in a real terminal: its raw JSON, its chart, copies of it, its page, and two compared.

use crate::term::{Launch, Term};
use base64::Engine as _;

/// The list of stuck instances, with the cursor on the first.
fn list(launch: Launch) -> Term {
    let mut term = launch.start();
    term.shows("flows need eyes");
    term.press("2");
    term.until("the list", |seen| seen.lines[4].starts_with('▸'));
    term
}

fn sent(term: &Term, mark: usize, what: &str) -> usize {
    crate::term::bytes::count(&term.raw_since(mark), what)
}

/// What was sent to the clipboard since a mark; the message of it may be drawn before.
fn copied(term: &Term, mark: usize) -> String {
    const BEGIN: &str = "\x1b]52;c;";
    let whole = || {
        let raw = String::from_utf8_lossy(&term.raw_since(mark)).into_owned();
        let (_, rest) = raw.split_once(BEGIN).ok_or_else(|| raw.clone())?;
        let end = rest.find(['\x07', '\x1b']).ok_or_else(|| raw.clone())?;
        Ok::<_, String>(rest[..end].to_owned())
    };
    let text = crate::term::wait::eventually_now(crate::term::PATIENCE, whole);
    assert_eq!(sent(term, mark, BEGIN), 1, "once");
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

#[test]
fn each_copy_goes_out_once_and_says_how_much() {
    let mut term = list(Launch::demo());
    for (keys, begins) in [("y y", "wf_"), ("y r", "wf_"), ("y j", "{\n  \"id\""), ("Y", "STUCK: "), ("y s", "STUCK: ")]
    {
        let mark = term.mark();
        for key in keys.split(' ') {
            term.press(key);
        }
        term.shows("characters sent to the clipboard; the terminal may refuse them");
        let text = copied(&term, mark);
        // A row begins with its source.
        let told = if keys == "y r" { text.split_once('/').unwrap().1 } else { &text };
        assert!(told.starts_with(begins), "{keys}: {text}");
        // The message goes with the next key.
        term.press("ctrl-l");
        term.lacks("characters sent");
    }
    // The demo world is not asked over HTTP, and nothing is made up.
    let mark = term.mark();
    term.press("y");
    term.press("c");
    term.shows("there is no request to copy");
    assert_eq!(sent(&term, mark, "\x1b]52"), 0);
}

#[test]
fn within_tmux_a_copy_is_wrapped_too() {
    let mut term = list(Launch::demo().env("TMUX", "/tmp/tmux-0/default,1,0"));
    let mark = term.mark();
    term.press("y");
    term.press("y");
    term.shows("characters sent");
    assert_eq!(sent(&term, mark, "\x1b]52;c;d2Zf"), 2, "one plain, one within");
    assert_eq!(sent(&term, mark, "\x1bPtmux;\x1b\x1b]52;c;d2Zf"), 1);
}

#[test]
fn raw_json_is_opened_folded_and_searched_without_its_secrets() {
    for size in [(80, 24), (200, 60)] {
        let mut term = list(Launch::demo().size(size));
        term.press("J");
        let seen = term.shows_all(&["as its engine keeps it", "INPUT", "[redacted]"]);
        assert!(seen.has("authorization"), "{}", seen.picture());
        for secret in ["Bearer demo-", "app:demo-", "tk_"] {
            assert!(!seen.has(secret), "{secret}\n{}", seen.picture());
        }
        term.press("/");
        term.write("deployment");
        term.shows("/deployment");
        term.press("enter");
        // It stands in a record, which was folded.
        let seen =
            term.until("the hit", |seen| seen.line("\"schema-svc").is_some() || seen.line("deployment:").is_some());
        assert!(seen.has("/deployment 1/"), "{}", seen.picture());
        term.press("z");
        term.press("G");
        // The search is a layer of its own.
        term.press("esc");
        term.lacks("/deployment");
        term.press("esc");
        term.until("the list again", |seen| seen.lines[4].starts_with('▸'));
    }
}

#[test]
fn steps_are_drawn_across_time_and_times_turn_to_the_local_zone() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        let mut term = list(Launch::demo().size(size).env("TZ", "EST5"));
        term.press("enter");
        term.shows_all(&["STUCK", "timeline, UTC"]);
        term.press("tab");
        let seen = term.shows("steps across time, UTC");
        assert!(seen.lines[0].ends_with(" UTC"), "{}", seen.picture());
        term.press("U");
        term.until("local times", |seen| seen.lines[0].ends_with(" EST") && seen.has("steps across time, EST"));
        term.press("U");
        term.press("tab");
        term.shows("timeline, UTC");
    }
}

#[test]
fn two_instances_are_compared() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        let mut term = list(Launch::demo().size(size));
        term.press("=");
        term.shows("is remembered: = on another one compares them");
        term.press("j");
        term.press("=");
        let seen = term.shows("what differs: ");
        assert!(seen.lines[2].contains('≠') && seen.has("tenant"), "{}", seen.picture());
        term.press("G");
        term.shows("took, ran, failed");
        term.press("esc");
        term.until("the list again", |seen| seen.lines[4].starts_with('▸') || seen.lines[5].starts_with('▸'));
    }
}

#[test]
fn a_page_that_there_is_not_is_said_to_be_none() {
    let mut term = list(Launch::demo());
    term.press("o");
    term.shows("its engine has no page of it");
}
