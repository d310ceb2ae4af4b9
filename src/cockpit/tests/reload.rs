//! The config read again while the cockpit is open.

use super::Desk;
use super::fake::{self, FakeOps};
use crate::cockpit::keymap::Keymap;
use crate::cockpit::msg::{Effect, Msg};
use crate::cockpit::session::Reread;
use crate::cockpit::settings::{Settings, Stamp};
use crate::cockpit::update::update;
use crate::domain::remediation::ItemState;

fn read(desk: &mut Desk, said: Result<Reread, &str>) -> Vec<Effect> {
    update(&mut desk.app, Msg::Reread(said.map_err(Into::into)), desk.now)
}

fn asks(desk: &mut Desk) {
    desk.keys(": r e l o a d enter");
    assert_eq!(desk.done.pop(), Some(Effect::Reload));
}

fn looks(change: impl FnOnce(&mut Settings)) -> Reread {
    let mut settings = fake::settings();
    change(&mut settings);
    Reread::Looks(Box::new(settings))
}

#[test]
fn that_nothing_changed_is_said_only_to_whoever_asks() {
    let mut desk = Desk::new();
    assert_eq!(update(&mut desk.app, Msg::Edited, desk.now), [Effect::Reload]);
    assert!(read(&mut desk, Ok(Reread::Same)).is_empty() && desk.app.message.is_none());
    asks(&mut desk);
    assert!(read(&mut desk, Ok(Reread::Same)).is_empty());
    assert!(desk.picture().contains("the config says what it said before"));
}

#[test]
fn a_broken_file_is_told_until_it_is_mended_beside_the_way_to_help() {
    for size in [(1, 1), (40, 10), (80, 24), (200, 60)] {
        let mut desk = Desk::new();
        desk.app.size = size;
        let keys = desk.app.keymap.clone();
        assert!(read(&mut desk, Err("config: line 12: unknown key \"pol\"")).is_empty());
        assert_eq!(desk.app.keymap, keys, "the last good ones stay");
        desk.now += jiff::SignedDuration::from_mins(10);
        let _ = update(&mut desk.app, Msg::Tick, desk.now);
        let picture = desk.picture();
        if size.0 >= 80 {
            let last = picture.lines().last().unwrap();
            assert!(last.contains("config: line 12: unknown key \"pol\"") && last.contains("? help"), "{picture}");
        }
        let _ = read(&mut desk, Ok(Reread::Same));
        assert!(!desk.picture().contains("line 12") && desk.app.config.problem.is_none());
    }
}

#[test]
fn looks_are_taken_and_what_the_operator_chose_stays_where_they_say_the_same() {
    let mut desk = Desk::new();
    let before = desk.app.overview.value().cloned();
    desk.app.theme = Some("light".to_owned());
    let (map, wrong) = Keymap::configured(&[("refresh".to_owned(), vec!["f5".to_owned()])]);
    assert!(wrong.is_empty(), "{wrong:?}");
    let stamp = Stamp { hub: 0, looks: 7 };
    let effects = read(&mut desk, Ok(looks(|new| (new.keymap, new.stamp) = (map.clone(), stamp))));
    assert_eq!(effects, [Effect::Restyle, Effect::Repaint], "the hub is not asked");
    assert_eq!((&desk.app.keymap, desk.app.theme.as_deref()), (&map, Some("light")));
    assert_eq!((desk.app.settings.stamp, desk.app.overview.value()), (stamp, before.as_ref()));
    let effects = read(&mut desk, Ok(looks(|new| (new.theme, new.mouse) = (Some("gruvbox-dark".into()), false))));
    assert!(effects.contains(&Effect::Mouse(false)) && !desk.app.settings.mouse);
    assert_eq!(desk.app.theme.as_deref(), Some("gruvbox-dark"), "the config goes on where it says something new");
}

#[test]
fn another_hub_waits_until_no_act_runs_and_nothing_is_typed() {
    let mut desk = Desk::new();
    assert_eq!(read(&mut desk, Ok(Reread::Hub)), [Effect::Reopen]);
    let acts = vec![fake::act(ItemState::Accepted)];
    let mut desk = Desk::with(FakeOps { acts: acts.into(), ..FakeOps::default() });
    assert!(read(&mut desk, Ok(Reread::Hub)).is_empty());
    assert!(desk.picture().contains("the new config waits until the act has ended"));
    let again = |desk: &mut Desk| update(&mut desk.app, Msg::Edited, desk.now);
    assert_eq!(again(&mut desk), [Effect::Reload], "once, and for the edit alone");
    desk.keys(":");
    desk.app.acts = crate::cockpit::remote::Remote::Never;
    let _ = update(&mut desk.app, Msg::Resize(120, 34), desk.now);
    assert!(desk.app.config.waits, "a line is being typed");
    desk.keys("esc");
    assert_eq!((desk.done.last(), desk.app.config.waits), (Some(&Effect::Reload), false));
}

#[test]
fn the_colour_of_the_context_is_on_the_second_line_at_every_size() {
    for (width, height) in [(40, 10), (80, 24), (120, 34), (200, 60)] {
        let mut desk = Desk::new();
        desk.app.size = (width, height);
        let plain = desk.picture();
        desk.app.settings.accent = Some("red".to_owned());
        let styles = desk.app.settings.styles(None).unwrap();
        let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, width, height));
        crate::cockpit::draw::draw(&desk.app, &styles, &mut buffer);
        assert_eq!(buffer[(0, 1)].style().fg, styles.header_rule.fg, "{width}x{height}");
        let coloured = desk.picture();
        let others = |text: &str| text.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(others(&plain), others(&coloured), "it costs no row");
        desk.app.settings.colours = crate::cockpit::Colours::None;
        assert_eq!(desk.picture(), plain);
    }
}
