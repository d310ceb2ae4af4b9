//! One instance, whole: raw JSON, the chart, copies, its page, and two compared.

use super::Desk;
use super::fake::{FakeOps, answer, instance, settings};
use super::pictures::shot;
use crate::cockpit::app::Popup;
use crate::cockpit::msg::Effect;
use crate::cockpit::opener::Opener;
use crate::cockpit::{Colours, ScreenName, text};

fn copied(desk: &Desk) -> Vec<String> {
    let clips = desk.done.iter().filter_map(|effect| match effect {
        Effect::Copy(clip) => Some(clip.as_str().to_owned()),
        _ => None,
    });
    clips.collect()
}

#[test]
fn pictures_of_one_instance() {
    for (name, screen, keys) in [
        ("chart", ScreenName::Detail, "tab"),
        ("page", ScreenName::Detail, "o"),
        ("raw-search", ScreenName::Raw, "/ n u l l"),
        ("compare-end", ScreenName::Compare, "G"),
    ] {
        for size in [(80, 24), (120, 34)] {
            let buffer = shot(FakeOps::default(), screen, keys, size, &settings());
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), text(&buffer));
        }
    }
    let mut plain = settings();
    plain.colours = Colours::None;
    plain.ascii = true;
    for (name, screen, keys) in [("chart", ScreenName::Detail, "tab"), ("compare", ScreenName::Compare, "")] {
        let drawn = text(&shot(FakeOps::default(), screen, keys, (80, 24), &plain));
        assert!(drawn.replace('?', "").is_ascii(), "{drawn}");
        insta::assert_snapshot!(format!("{name}-ascii"), drawn);
    }
}

#[test]
fn the_end_of_a_promise_is_marked_and_told() {
    let mut plain = settings();
    plain.ascii = true;
    for (settings, mark) in [(settings(), '┊'), (plain, '!')] {
        let drawn = text(&shot(FakeOps::default(), ScreenName::Detail, "tab", (120, 34), &settings));
        let marked: Vec<&str> = drawn.lines().filter(|line| line.contains(mark)).collect();
        let beginnings = ["validate", "apply", &format!("{mark} promise ends")];
        let found = beginnings.iter().all(|wanted| marked.iter().any(|line| line.contains(wanted)));
        assert!(found && !marked.iter().any(|line| line.contains("lock-schema")), "{drawn}");
    }
}

#[test]
fn every_part_survives_every_size() {
    for (screen, keys) in [
        (ScreenName::Raw, "z G /"),
        (ScreenName::Compare, "G"),
        (ScreenName::Detail, "tab G"),
        (ScreenName::Detail, "o"),
    ] {
        for size in [(1, 1), (40, 10), (41, 11), (79, 12), (300, 100)] {
            shot(FakeOps::default(), screen, keys, size, &settings());
        }
    }
}

#[test]
fn each_copy_holds_what_it_says() {
    let mut desk = Desk::new();
    desk.keys("2 y y y r y s Y y c y j");
    let clips = copied(&desk);
    let [id, row, status, again, curl, json] = clips.as_slice() else { panic!("{clips:?}") };
    let first = instance(0);
    assert_eq!(*id, *first.id.instance);
    let cells: Vec<&str> = row.split('\t').collect();
    assert_eq!((cells.len(), cells[0], cells[1], cells[5]), (11, &*first.id.to_string(), "stuck", &*first.flow));
    let lines: Vec<&str> = status.lines().collect();
    assert_eq!((lines.len(), status), (5, again));
    assert!(lines[0].starts_with("STUCK: schema-migration in apply (exhausted)"), "{status}");
    assert!(lines[1].starts_with("where: shop-eu, restate/inv_") && lines[2].contains(" UTC ("), "{status}");
    assert!(lines[3].starts_with("whom: acme") && lines[4].contains("does not exist"), "{status}");
    assert!(curl.starts_with("curl -sS -X POST 'http://restate.internal:9070/query'"), "{curl}");
    assert!(curl.contains(r#"-H "Authorization: Bearer $RESTATE_TOKEN""#), "{curl}");
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["id"], first.id.to_string());
}

#[test]
fn the_board_copies_its_cohort() {
    let mut desk = Desk::new();
    desk.keys("y y y s y j y r");
    let clips = copied(&desk);
    assert_eq!(clips.len(), 4);
    assert!(clips[1].starts_with("STUCK: ") && clips[1].lines().count() == 5, "{}", clips[1]);
    let json: serde_json::Value = serde_json::from_str(&clips[2]).unwrap();
    assert_eq!(json["id"], clips[0].as_str());
    assert!(clips[3].starts_with(&clips[0]));
    desk.keys("y c");
    assert_eq!(copied(&desk).len(), 4, "there is no request for a cohort, and no key for it");
}

#[test]
fn raw_json_holds_no_secret_on_screen_nor_in_a_copy() {
    let mut desk = Desk::new();
    desk.keys("2 J z");
    assert!(desk.picture().contains("[redacted]"), "{}", desk.picture());
    desk.keys("y j");
    let clip = copied(&desk).pop().unwrap();
    assert!(clip.contains("db_password") && !clip.contains("hunter2"), "{clip}");
    assert!(!desk.picture().contains("hunter2"));
}

#[test]
fn a_page_is_opened_only_after_it_was_shown_whole() {
    let mut desk = Desk::new();
    desk.app.settings.opener = Ok(Opener::System);
    desk.keys("2 o");
    assert!(matches!(desk.app.popup, Some(Popup::Page { button: 0, .. })));
    let url = format!("http://restate.internal:9070/ui/invocations/{}", instance(0).id.instance);
    let drawn: String = desk.picture().chars().filter(|c| !c.is_whitespace() && *c != '│').collect();
    assert!(drawn.contains(&url), "{}", desk.picture());
    let opened = |desk: &Desk| desk.done.iter().filter(|effect| matches!(effect, Effect::Open(_))).count();
    assert_eq!(opened(&desk), 0);
    desk.keys("esc");
    assert_eq!((opened(&desk), desk.app.popup.is_none()), (0, true));
    desk.keys("o enter");
    assert_eq!(opened(&desk), 1);
    // Where nobody can open it, it is copied.
    desk.app.settings.opener = Err("over SSH there is no browser here: copy it".into());
    desk.keys("o");
    assert!(desk.picture().contains("over SSH"), "{}", desk.picture());
    desk.keys("enter");
    assert_eq!((opened(&desk), copied(&desk).pop()), (1, Some(url)));
}

#[test]
fn the_first_is_remembered_and_the_second_compared() {
    let mut desk = Desk::new();
    desk.keys("2 =");
    assert_eq!(desk.app.screen(), ScreenName::Flows);
    desk.keys("=");
    assert!(desk.app.compare.first.is_none(), "the same key on the same one forgets it");
    desk.keys("= j =");
    assert_eq!(desk.app.screen(), ScreenName::Compare);
    let pair = desk.app.compare.pair.clone().unwrap();
    assert_eq!(pair, [instance(0).id, instance(1).id]);
    assert!(desk.picture().contains("what differs"), "{}", desk.picture());
    desk.keys("y y");
    assert_eq!(copied(&desk).pop().unwrap().lines().count(), 2);
    desk.keys("esc");
    assert_eq!(desk.app.screen(), ScreenName::Flows);
}

#[test]
fn times_are_shown_by_the_clock_that_is_asked_for() {
    let mut settings = settings();
    settings.zone = jiff::tz::TimeZone::posix("EST5").unwrap().into();
    let local = text(&shot(FakeOps::default(), ScreenName::Detail, "U", (120, 34), &settings));
    assert!(local.contains("22:12 EST") && local.contains("timeline, EST"), "{local}");
    assert!(!local.contains("UTC"), "a time of another zone is on screen:\n{local}");
    settings.times = crate::config::Times::Local;
    let turned = text(&shot(FakeOps::default(), ScreenName::Detail, "U", (120, 34), &settings));
    assert!(turned.contains("03:12 UTC") && !turned.contains("EST"), "{turned}");
}

#[test]
fn many_steps_are_drawn_in_time() {
    use crate::domain::run::StepRun;
    let mut whole = answer(instance(0));
    let run = whole.detail.runs[1].clone();
    whole.detail.runs = (0..5_000).map(|n| StepRun { step: format!("step-{n}").into(), ..run.clone() }).collect();
    let mut desk = Desk::new();
    desk.keys("2 enter tab");
    desk.app.detail.answer = crate::cockpit::remote::Remote::Fresh { value: whole, at: desk.now };
    // Not measured: a chart that is quadratic in its steps would be noticed by its waiting.
    for _ in 0..5 {
        assert!(desk.picture().contains("steps across time"), "{}", desk.picture());
    }
}
