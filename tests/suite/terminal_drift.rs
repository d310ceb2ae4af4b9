//! What drifts, decided on in a real terminal on the demo world: one finding in each way there is, and one cause in forty
//! environments.

use crate::term::{Launch, Seen, Term};

/// On what drifts, with so many that match a filter.
fn on(filter: &str, count: usize) -> Term {
    let mut term = Launch::demo().size((150, 48)).start();
    term.shows("flows need eyes");
    // What is not known to be the present is not acted on.
    term.until("every source has answered", |seen| {
        seen.lines[0].contains("alerts") && !seen.lines[0].contains("asking")
    });
    term.press("4");
    term.shows("by cause");
    filtered(&mut term, filter, count);
    term
}

fn filtered(term: &mut Term, filter: &str, count: usize) {
    term.press("/ ctrl-u");
    term.write(filter);
    term.press("enter");
    term.until("the filter in force", |seen| {
        let count = seen.lines[2].contains(&format!(" {count} of "));
        seen.lines[2].contains(&format!("/{filter}")) && count && seen.last().contains("v act")
    });
}

/// What a review asks to be typed.
fn to_type(seen: &Seen) -> String {
    let line = seen.line("confirm   type: ").unwrap_or_else(|| panic!("{}", seen.picture()));
    let text = line.split("type: ").nth(1).unwrap();
    text.split(['│', '|']).next().unwrap().trim().to_owned()
}

#[test]
fn a_finding_is_looked_at_checked_anew_and_reconciled_and_others_are_adopted_or_ignored() {
    let mut term = on("id:sg/prod-ap-southeast-2-a", 1);
    term.press("enter");
    term.until("the finding", |seen| !seen.has("by cause"));
    let seen = term.shows_all(&["port 22 was opened by hand", "check it anew first", "wanted", "there"]);
    assert!(seen.has("\"port\": 22"), "what differs is shown\n{}", seen.picture());
    // A check that is too old is acted on by nothing.
    term.press("a");
    term.until("why it is not adopted", |seen| seen.last().contains("check it anew first"));
    term.press("v");
    let seen = term.shows("▸ reconcile");
    assert!(seen.has("not now: its check is too old"), "{}", seen.picture());
    term.press("esc");
    term.lacks("what may be done to");
    term.press("r");
    // It stays what it was, and is known to be that now.
    let seen = term.lacks("check it anew first");
    assert!(seen.has("drifted, modified"), "{}", seen.picture());
    // Side by side, as a patch, and with what is alike.
    term.press("tab");
    term.until("the patch", |seen| seen.has("-    {") && !seen.has("wanted  "));
    term.press("tab");
    // What is there and would be lost is asked for apart, by the four words of the plan.
    term.press("v");
    term.shows_all(&["it loses 1 of what is there", "▸ reconcile"]);
    term.press("enter");
    let seen = term.shows_all(&["review: reconcile", "irreversible", "LOST"]);
    let words = to_type(&seen);
    assert_eq!(words.split(' ').count(), 4, "{words}");
    term.write("nobody needs port 22");
    term.press("tab tab");
    term.write(&words);
    term.press("tab tab enter");
    term.shows("Enter show it");
    term.press("enter");
    term.shows_all(&["succeeded", "a new check finds it as wanted"]);
    // Another is adopted: it is told as that, with who and why, and nothing acts on it.
    term.press("4");
    filtered(&mut term, "id:archive/prod-us-east-1-b", 1);
    term.press("a");
    term.shows_all(&["adopt what is there", "LOSES 1 of what is wanted", "change it there"]);
    term.write("it has an archive of its own");
    term.press("enter");
    term.until("the end of it", |seen| seen.last().contains("adopted, for as long as it differs as it does now"));
    let seen = term.shows_all(&["1 adopted", "it has an archive of its own", "change it there"]);
    assert!(!seen.has("1 drifted"), "{}", seen.picture());
    term.press("v");
    term.shows("said that it is wanted as it is");
    term.press("esc");
    term.lacks("what may be done to");
    // And another is left alone for three days.
    filtered(&mut term, "id:host/debug-0", 1);
    term.press("v G enter");
    term.shows("leave it alone for");
    term.write("until the trial is over");
    term.press("up enter");
    term.shows_all(&["1 ignored", "until the trial is over"]);
}

#[test]
fn one_cause_in_forty_environments_is_one_row_and_one_plan_and_partial_success_is_told_with_reasons() {
    let mut term = on("what:\"setting audit-log\" status:drifted", 40);
    let seen = term.shows_all(&["40 drifted", "40 places"]);
    assert_eq!(seen.lines.iter().filter(|line| line.contains("setting audit-log (")).count(), 1, "{}", seen.picture());
    term.press("v");
    term.shows_all(&["40 of setting audit-log in 40 places", "▸ reconcile"]);
    term.press("enter");
    let seen = term.shows_all(&["review: reconcile 40", "it is not checked"]);
    assert!(seen.has("left out"), "who is left out is listed\n{}", seen.picture());
    let count = to_type(&seen);
    assert!(count.starts_with("40 "), "{count}");
    term.write("release r1185 brings the archive");
    term.press("tab tab");
    term.write(&count);
    term.press("tab tab enter");
    term.shows("Enter show it");
    term.press("enter");
    let seen = term.until("partial success", |seen| seen.has("partial") || seen.has("PARTIAL"));
    assert!(seen.has("38 verified") && seen.has("2 failed"), "{}", seen.picture());
    assert!(seen.has("locked for an audit of its own"), "with the reason of each\n{}", seen.picture());
    // What is left of it is what was refused.
    term.press("4");
    term.shows("2 drifted");
}
