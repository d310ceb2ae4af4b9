//! The way to an act in a real terminal: the menu, the review, the outcome; and everything that must not act.

use crate::term::{Launch, Seen, Term};

/// On the flows, with the cursor on the first instance of a filter.
fn on(filter: &str, launch: Launch) -> Term {
    let mut term = launch.start();
    term.shows("flows need eyes");
    term.press("2 /");
    term.shows("Enter keep");
    term.write(filter);
    term.press("enter");
    // `1/61 (of 485)`: until that is known, the rows are those from before the filter.
    term.until("the first instance", |seen| {
        let bar = &seen.lines[2];
        bar.contains(filter) && bar.contains(" (of ") && seen.lines[4].starts_with('▸') && seen.last().contains("v act")
    });
    term
}

/// With the verbs of an instance that is paused after its last attempt, which can be resumed.
fn verbs_of_a_migration() -> Term {
    let mut term = on("step:apply-0042 rule:exhausted", Launch::demo());
    term.press("v");
    term.shows("goes on from the failed step");
    term
}

/// Takes the first verb and waits for the review of its plan.
fn review(term: &mut Term) -> Seen {
    term.press("enter");
    term.shows_all(&["review: resume one instance", "a reason of at least 3 characters comes first"])
}

/// That nothing was done from this cockpit: neither the header nor the record says anything of an act.
#[track_caller]
fn nothing_was_done(term: &mut Term) {
    term.write(":acts");
    term.press("enter");
    let seen = term.shows("nothing has been done from here yet");
    assert!(!seen.lines[0].contains("running"), "{}", seen.picture());
}

#[test]
fn v_opens_a_menu_that_greys_what_may_not_be_done_and_says_why() {
    let mut term = on("step:approval is:stuck", Launch::demo());
    term.press("v");
    let seen = term.shows("not now: it waits; there is no failed step to go on from");
    assert!(seen.has("what may be done to platform/wf_"), "{}", seen.picture());
    assert!(seen.has("▸ resume") && seen.has("cancel         ends it; the flow compensates"), "{}", seen.picture());
    assert!(seen.has("Enter plan it; nothing is sent"), "{}", seen.picture());
    // Enter on what is greyed says why once more, and makes no plan.
    term.press("enter");
    term.until("the reason at the bottom", |seen| seen.last().contains("resume: it waits"));
    term.press("down down down");
    term.shows("▸ cancel");
    term.press("esc");
    term.lacks("what may be done to");
    nothing_was_done(&mut term);
}

#[test]
fn verbs_are_had_on_instances_only() {
    let mut term = Launch::demo().start();
    term.shows("flows need eyes");
    term.press("tab v");
    term.shows("verbs act on one instance: Enter opens the list, then v");
    // A cohort is several of them: the first that is offered acts on one alone.
    term.press("tab v");
    let seen = term.shows("what may be done to cohort");
    assert!(seen.has("▸ probe          act on one, watch it, then decide"), "{}", seen.picture());
    term.press("esc");
    term.lacks("what may be done to");
    nothing_was_done(&mut term);
}

#[test]
fn keys_that_destroy_elsewhere_point_to_the_menu() {
    let mut term = on("is:stuck", Launch::demo());
    for key in ["x", "ctrl-k", "delete"] {
        term.press(key);
        term.until("the hint", |seen| seen.last().contains("use v"));
        // The message is replaced before the next key, so that it can't be taken for the answer to that one.
        term.press("r");
        term.lacks("use v");
    }
    nothing_was_done(&mut term);
}

#[test]
fn a_review_without_a_reason_sends_nothing() {
    let mut term = verbs_of_a_migration();
    let seen = review(&mut term);
    for fact in
        ["target    platform/wf_", "flow      schema-migration › apply-0042", "effect    tries apply-0042 again"]
    {
        assert!(seen.has(fact), "{fact}\n{}", seen.picture());
    }
    assert!(!seen.screen.hide_cursor(), "the reason is what one types first");
    // From the reason to Back, to the verb, and round.
    term.press("tab");
    term.shows("[ Back ]");
    term.press("tab");
    term.shows("[ Resume ]");
    term.press("enter");
    term.until("why not", |seen| seen.last().contains("a reason of at least 3 characters comes first"));
    term.press("tab");
    term.until("the reason again", |seen| !seen.has("[ Resume ]") && !seen.screen.hide_cursor());
    // Two letters are none; spaces are none either.
    term.write("ok  ");
    term.press("tab tab enter");
    term.until("still not", |seen| seen.has("[ Resume ]") && seen.has("at least 3 characters"));
    // Enter in the reason leads to Back, and Enter there closes.
    term.press("tab");
    term.lacks("[ Resume ]");
    term.press("enter");
    term.shows("[ Back ]");
    term.press("enter");
    term.lacks("review: resume");
    nothing_was_done(&mut term);
}

#[test]
fn enter_held_down_acts_on_nothing() {
    let mut term = verbs_of_a_migration();
    term.press(&["enter"; 200].join(" "));
    // Every one of them has been taken once this is painted. Where a plan was asked for, its review opens by itself.
    term.repainted();
    let seen = term.lacks("looking at it afresh");
    for layer in ["review: resume", "what may be done to"] {
        if seen.has(layer) {
            term.press("esc");
            term.lacks(layer);
        }
    }
    nothing_was_done(&mut term);
}

#[test]
fn an_act_that_does_not_help_is_followed_to_its_end() {
    let mut term = verbs_of_a_migration();
    review(&mut term);
    term.write("the schema was mended, INC-4711");
    term.press("tab tab");
    term.shows("[ Resume ]");
    term.press("enter");
    let seen = term.shows_all(&["✓ recorded → ✓ accepted", "reason    the schema was mended, INC-4711"]);
    assert!(seen.lines[0].contains("◌ 1 act running"), "{}", seen.picture());
    // In the demo's first minutes the relation is still not there.
    let seen = term.shows_all(&["✓ accepted → ✗ FAILED", "did not help: the cause is still there"]);
    assert!(seen.has("accepted by the engine"), "{}", seen.picture());
    term.until("no act that runs", |seen| !seen.lines[0].contains("running"));
    term.press("esc");
    term.lacks("✓ accepted → ✗ FAILED");
    // What was said can be read again, and nothing has to be asked before leaving.
    term.write(":acts");
    term.press("enter");
    term.shows("did not help: the cause is still there");
    term.press("q");
    term.lacks("✓ accepted → ✗ FAILED");
    term.write(":q");
    term.press("enter");
    assert_eq!(term.given_back().0.exit_code(), 0);
}

#[test]
fn an_act_that_helps_is_verified_and_told_where_one_is() {
    let mut term = on("step:build is:stuck", Launch::demo());
    term.press("v");
    term.shows("▸ resume");
    term.press("down down down enter");
    let seen = term.shows("review: cancel one instance");
    assert!(seen.has("Back") && seen.has("Cancel the instance"), "two buttons, two names\n{}", seen.picture());
    term.paste("hung since the worker\nwas replaced\n");
    term.press("tab tab");
    term.shows("[ Cancel the instance ]");
    term.press("enter");
    term.shows("✓ recorded → ✓ accepted");
    // Out of its sight, the end is told at the bottom.
    term.press("esc");
    let seen = term.until("the end of it", |seen| seen.last().contains("cancel platform/wf_"));
    assert!(seen.last().contains("verified"), "{}", seen.picture());
    term.write(":acts");
    term.press("enter");
    let seen = term.shows("VERIFIED: the effect was seen and held");
    assert!(seen.has("✓ recorded → ✓ accepted → ✓ done → ✓ verified"), "{}", seen.picture());
    assert!(seen.has("reason    hung since the worker was replaced"), "{}", seen.picture());
}

#[test]
fn leaving_while_an_act_runs_asks_and_names_it() {
    let mut term = verbs_of_a_migration();
    review(&mut term);
    term.write("looked at by hand");
    term.press("tab tab enter");
    term.shows("✓ recorded → ✓ accepted");
    term.press("esc");
    term.lacks("✓ recorded");
    for keys in [": q enter", "ctrl-c ctrl-c"] {
        term.press(keys);
        let seen = term.shows("an act is still running");
        let named = seen.line("◌ resume platform/wf_").unwrap_or_default();
        // With its id in the record.
        assert!(named.split_whitespace().any(is_act), "{}", seen.picture());
        // To stay is what Enter does.
        assert!(seen.has("[ Stay ]"), "{}", seen.picture());
        term.press("enter");
        term.lacks("an act is still running");
    }
    term.press(": q enter");
    term.shows("[ Stay ]");
    term.press("tab");
    term.shows("[ Quit ]");
    term.press("enter");
    let (status, seen) = term.given_back();
    assert_eq!(status.exit_code(), 0);
    let said = seen.line("still running: resume of platform/wf_").unwrap_or_default();
    assert!(said.split(['(', ')']).any(is_act), "{}", seen.picture());
}

/// Whether a word is the id of an act.
fn is_act(word: &str) -> bool {
    word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn a_read_only_cockpit_greys_every_verb_with_that_reason() {
    let mut term = on("step:apply-0042 rule:exhausted", Launch::demo().arg("--read-only"));
    assert!(term.seen().lines[0].starts_with(" DEMO  READ-ONLY "), "{}", term.seen().picture());
    term.press("v");
    let seen = term.shows("not now: started with --read-only");
    let greyed = seen.lines.iter().filter(|line| line.contains("not now: started with --read-only")).count();
    assert_eq!(greyed, 7, "{}", seen.picture());
    for (name, keys) in [("resume", "enter"), ("cancel", "down down down enter")] {
        term.press(keys);
        term.until("the refusal", |seen| seen.last().contains(&format!("{name}: started with --read-only")));
    }
    assert!(!term.seen().has("review:"), "{}", term.seen().picture());
    term.press("esc");
    term.lacks("what may be done");
    nothing_was_done(&mut term);
}
