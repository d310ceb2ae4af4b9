//! Going to another context: the list, the name, and when it is refused.

use super::Desk;
use super::fake::{self, FakeOps};
use crate::cockpit::app::{App, Popup};
use crate::cockpit::msg::{Answer, Effect, Msg};
use crate::cockpit::update::contexts::still_wanted;
use crate::cockpit::update::{start, update};
use crate::config::ContextInfo;
use crate::domain::remediation::ItemState;

fn desk_with(ops: FakeOps) -> Desk {
    let mut desk = Desk::with(ops);
    desk.app.settings.badge = crate::cockpit::Badge::Normal;
    let info = |name: &str, production, colour: Option<&str>, sources| ContextInfo {
        name: name.to_owned(),
        production,
        colour: colour.map(str::to_owned),
        sources,
    };
    desk.app.settings.contexts = vec![info("shop-eu", true, Some("red"), 2), info("staging", false, Some("green"), 1)];
    desk
}

fn types(desk: &mut Desk, text: &str) {
    let keys: Vec<String> = text.chars().map(|c| if c == ' ' { "space".into() } else { c.to_string() }).collect();
    desk.keys(&keys.join(" "));
    desk.keys("enter");
}

#[test]
fn the_list_shows_every_context_and_goes_to_the_chosen_one() {
    let mut desk = desk_with(FakeOps::default());
    desk.keys("C");
    let picture = desk.picture();
    for words in ["shop-eu", "PRODUCTION", "2 sources", "shown now", "staging", "1 source", "demo"] {
        assert!(picture.contains(words), "{words}\n{picture}");
    }
    desk.keys("enter");
    assert!(desk.done.is_empty() && desk.picture().contains("shop-eu is shown already"));
    desk.keys("down enter enter");
    assert_eq!(desk.done, [Effect::Switch("staging".into())], "a second Enter asks no second time");
    assert!(still_wanted(&desk.app, "staging") && desk.picture().contains("opening staging"));
    let why = "config.toml:3:1: unknown key".into();
    let _ = update(&mut desk.app, Msg::NotOpened("staging".into(), why), desk.now);
    assert!(desk.picture().contains("unknown key") && !still_wanted(&desk.app, "staging"));
    desk.keys("enter esc");
    assert!(!still_wanted(&desk.app, "staging"), "whoever closes the list stays");
    for size in [(1, 1), (40, 10), (80, 24), (200, 60)] {
        desk.app.size = size;
        desk.keys("C");
        let picture = desk.picture();
        assert!(size.0 < 40 || picture.contains("staging"), "{size:?}\n{picture}");
        desk.keys("esc");
    }
}

#[test]
fn a_name_is_gone_to_or_answered_with_the_nearest() {
    for command in [":context staging", ":ctx staging", ":contexts staging"] {
        let mut desk = desk_with(FakeOps::default());
        types(&mut desk, command);
        assert_eq!(desk.done, [Effect::Switch("staging".into())], "{command}");
    }
    let mut desk = desk_with(FakeOps::default());
    types(&mut desk, ":ctx stagin");
    let said = desk.app.prompt.as_ref().and_then(|prompt| prompt.error.clone()).unwrap();
    assert!(said.contains("is staging meant?") && desk.done.is_empty(), "{said}");
}

#[test]
fn nobody_leaves_a_context_in_which_an_act_runs() {
    let mut desk = desk_with(FakeOps { acts: vec![fake::act(ItemState::Accepted)].into(), ..FakeOps::default() });
    types(&mut desk, ":ctx staging");
    let said = desk.app.prompt.as_ref().and_then(|prompt| prompt.error.clone()).unwrap();
    assert!(said.starts_with("not while resume of restate/"), "{said}");
    assert!(desk.done.is_empty() && !matches!(desk.app.popup, Some(Popup::Contexts(_))));
}

#[test]
fn an_answer_to_the_old_context_is_none_to_the_new_one() {
    let mut desk = Desk::new();
    let asked = desk.press("2");
    let [Effect::Ask(old, _)] = asked[..] else { panic!("{asked:?}") };
    let mut app = App::new(fake::settings(), (120, 34), desk.now);
    app.follow(&desk.app);
    let _ = start(&mut app);
    let stale = Answer::Overview(Ok(std::sync::Arc::new(fake::overview())));
    let _ = update(&mut app, Msg::Reply(old, stale), desk.now);
    assert!(app.overview.value().is_none(), "{:?}", app.overview);
}
