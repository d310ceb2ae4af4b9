//! One instance, whole, in a real terminal: its raw JSON, its chart, copies of it, its page, and two compared.

mod term;

use term::{Launch, Term};

/// The list of stuck instances, with the cursor on the first.
fn list(launch: Launch) -> Term {
    let mut term = launch.start();
    term.shows("flows need eyes");
    term.press("2");
    term.until("the list", |seen| seen.lines[4].starts_with('▸'));
    term
}

fn sent(term: &Term, mark: usize, what: &str) -> usize {
    term::bytes::count(&term.raw_since(mark), what)
}

#[test]
fn each_copy_goes_out_once_and_says_how_much() {
    let mut term = list(Launch::demo());
    // In base 64: `wf_`, `platform/wf_`, `{⏎  "id"`, `STUCK: `.
    for (keys, begins) in
        [("y y", "d2Zf"), ("y r", "cGxhdGZvcm0vd2Zf"), ("y j", "ewogICJpZC"), ("Y", "U1RVQ0s6I"), ("y s", "U1RVQ0s6I")]
    {
        let mark = term.mark();
        for key in keys.split(' ') {
            term.press(key);
        }
        term.shows("characters sent to the clipboard; the terminal may refuse them");
        assert_eq!(sent(&term, mark, &format!("\x1b]52;c;{begins}")), 1, "{keys}");
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
