//! A production context: locked, armed with a reason, and locked again.

use super::Desk;
use super::fake::FakeOps;
use crate::cockpit::app::Popup;
use crate::cockpit::msg::Effect;
use crate::cockpit::settings::Badge;

fn production() -> Desk {
    let mut desk = Desk::with(FakeOps::locked());
    desk.app.settings.badge = Badge::Production;
    desk
}

fn types(desk: &mut Desk, text: &str) {
    let keys: Vec<String> = text.chars().map(|c| if c == ' ' { "space".into() } else { c.to_string() }).collect();
    desk.keys(&keys.join(" "));
}

fn header(desk: &Desk) -> String {
    desk.picture().lines().next().unwrap().to_owned()
}

#[test]
fn it_says_read_only_until_it_is_armed_and_counts_down_to_the_end() {
    let mut desk = production();
    assert!(header(&desk).contains("shop-eu PRODUCTION  READ-ONLY "), "{}", header(&desk));
    types(&mut desk, ":arm 10m the queue is stuck");
    desk.keys("enter");
    assert!(desk.app.popup.is_none() && desk.app.prompt.is_none());
    assert!(header(&desk).contains(" ARMED 10m "), "{}", header(&desk));
    assert_eq!(desk.app.armed().unwrap().reason.as_str(), "the queue is stuck");
    desk.wait(9 * 60 + 15);
    assert!(header(&desk).contains(" ARMED 45s "), "{}", header(&desk));
    desk.wait(45);
    assert!(header(&desk).contains(" READ-ONLY "), "{}", header(&desk));
    assert!(desk.app.message.as_ref().unwrap().text.contains("the time for which it was armed is over"));
}

#[test]
fn without_a_reason_a_popup_asks_for_one() {
    for command in [":arm", ":arm 15m"] {
        let mut desk = production();
        types(&mut desk, command);
        desk.keys("enter");
        assert!(matches!(desk.app.popup, Some(Popup::Arm(_))), "{command}");
        desk.keys("enter a b enter");
        assert!(desk.app.armed().is_none(), "two characters are no reason");
        types(&mut desk, "c q");
        assert!(desk.picture().contains("reason    abc q"), "{}", desk.picture());
        desk.keys("down enter");
        assert!(desk.app.popup.is_none());
        let minutes = if command == ":arm" { "25m" } else { "10m" };
        assert!(header(&desk).contains(&format!(" ARMED {minutes} ")), "{}", header(&desk));
    }
}

#[test]
fn what_is_typed_wrong_stays_to_be_mended() {
    for (typed, why) in [(":arm 31m because", "30 min at most"), (":arm 5x", "5x"), (":arm 5m ab", "at least 3")] {
        let mut desk = production();
        types(&mut desk, typed);
        desk.keys("enter");
        let said = desk.app.prompt.as_ref().and_then(|prompt| prompt.error.clone()).unwrap_or_default();
        assert!((why == "5x" && !said.is_empty()) || said.contains(why), "{typed}: {said}");
        assert!(desk.app.armed().is_none());
    }
}

#[test]
fn it_is_locked_by_hand_and_only_where_there_is_a_lock() {
    let mut desk = production();
    types(&mut desk, ":arm now or never");
    desk.keys("enter");
    assert!(header(&desk).contains(" ARMED 30m "), "{}", header(&desk));
    types(&mut desk, ":disarm");
    desk.keys("enter");
    assert!(header(&desk).contains(" READ-ONLY "), "{}", header(&desk));
    let mut desk = Desk::new();
    for command in [":arm", ":disarm"] {
        types(&mut desk, command);
        desk.keys("enter");
        assert!(desk.app.popup.is_none() && desk.app.message.as_ref().unwrap().text.contains("has no lock"));
    }
    assert!(!header(&desk).contains("READ-ONLY"), "{}", header(&desk));
}

#[test]
fn a_review_that_outlives_the_arming_sends_nothing_and_says_why() {
    let mut desk = production();
    types(&mut desk, ":arm 5m the queue is stuck");
    desk.keys("enter 2 v enter f i x e d tab tab");
    desk.wait(5 * 60);
    assert!(desk.picture().contains("read-only until it is armed"), "{}", desk.picture());
    desk.keys("enter enter");
    assert!(!desk.done.iter().any(|effect| matches!(effect, Effect::Act { .. })));
    assert!(desk.app.message.as_ref().unwrap().text.contains("read-only until it is armed"));
}

#[test]
fn the_popup_fits_every_terminal() {
    let mut desk = production();
    types(&mut desk, ":arm");
    desk.keys("enter");
    for size in [(1, 1), (40, 10), (80, 24), (200, 60)] {
        desk.app.size = size;
        let picture = desk.picture();
        assert!(size.0 < 40 || picture.contains("reason"), "{size:?}\n{picture}");
    }
}
