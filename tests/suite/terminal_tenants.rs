//! A tenant on the phone, in a real terminal on the demo world.

use crate::term::Launch;

#[test]
fn a_tenant_is_found_and_open_within_six_keys_and_can_be_shown_to_them() {
    let mut term = Launch::demo().start();
    term.shows_all(&["schema-migration › apply-0042"]);
    // Six keys, as somebody types who does not wait.
    term.press("t s i r i enter");
    let seen = term.until("the card and what happened", |seen| seen.has("Sirius") && seen.has("what happened"));
    assert!(seen.has("stuck") && seen.has("directory/sirius"), "{}", seen.picture());
    term.press("i");
    let seen =
        term.until("the customer's side", |seen| seen.has("what the customer is told") && !seen.has("directory/"));
    assert!(!seen.has("STUCK") && !seen.has("cell-"), "{}", seen.picture());
    term.press("i");
    term.shows("directory/sirius");
    term.press("enter");
    term.until("the flow under the cursor", |seen| !seen.has("what happened, UTC") && seen.has("what may be done"));
    term.press("7");
    term.until("the stream", |seen| seen.has(" held") && seen.has("directory"));
    term.press("q q");
    assert_eq!(term.given_back().0.exit_code(), 0);
}
