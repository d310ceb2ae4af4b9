//! The Remediation screens: what is shown of remediations of many, and the only ways to act on one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Desk;
use super::acting::every_key;
use super::fake::wide::{paused, remediation, some};
use super::fake::{self, FakeOps};
use super::pictures::{keep, shot};
use crate::cockpit::app::{Level, Popup};
use crate::cockpit::many::{AnswerPart, Row, WidePopup, rows};
use crate::cockpit::msg::{Effect, Msg};
use crate::cockpit::settings::{Colours, ScreenName};
use crate::cockpit::update::update;
use crate::domain::approval::Answer;
use crate::domain::remediation::{ItemState, Verb};
use crate::domain::wide::{Control, WideRemediation, WideState};
use crate::ops::OpsError;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 34), (200, 60)];

fn desk() -> Desk {
    Desk::with(FakeOps::with_wides(some()))
}

fn said(desk: &Desk) -> String {
    desk.app.message.as_ref().map(|message| message.text.to_string()).unwrap_or_default()
}

fn acts(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| {
        matches!(effect, Effect::Act { .. } | Effect::Request { .. } | Effect::Review { .. } | Effect::Control { .. })
    })
}

#[test]
fn each_screen_at_each_size() {
    for size in SIZES {
        let places = [("list", "A"), ("detail", "A j enter"), ("detail-waits", "A enter"), ("menu", "A v")];
        for (name, keys) in places {
            let name = format!("remediations-{name}-{}x{}", size.0, size.1);
            let ops = FakeOps { acts: vec![fake::act(ItemState::Verified)].into(), ..FakeOps::with_wides(some()) };
            let buffer = shot(ops, ScreenName::Remediations, keys, size, &fake::settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
    for (name, keys) in [("approve", "A v enter"), ("abort", "A j v down down enter"), ("quit", "5 ctrl-c ctrl-c")] {
        for size in [SIZES[0], SIZES[1]] {
            let name = format!("remediations-{name}-{}x{}", size.0, size.1);
            let buffer = shot(FakeOps::with_wides(some()), ScreenName::Board, keys, size, &fake::settings());
            insta::assert_snapshot!(name.clone(), keep(&name, &buffer));
        }
    }
}

#[test]
fn without_colours_and_in_ascii() {
    let mut plain = fake::settings();
    plain.colours = Colours::None;
    plain.ascii = true;
    for (name, keys) in [("list", "A"), ("detail", "A j enter")] {
        let buffer = shot(FakeOps::with_wides(some()), ScreenName::Remediations, keys, SIZES[0], &plain);
        let name = format!("remediations-ascii-{name}");
        let drawn = keep(&name, &buffer);
        assert!(drawn.is_ascii(), "{drawn}");
        assert!(buffer.content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset), "{drawn}");
        insta::assert_snapshot!(name, drawn);
    }
}

#[test]
fn no_size_panics() {
    let look = fake::settings();
    for (width, height) in
        (40..=200).step_by(23).flat_map(|width| (10..=50).step_by(7).map(move |height| (width, height)))
    {
        for keys in ["A", "A j enter", "A v", "A v enter", "A j v down down enter"] {
            let buffer = shot(FakeOps::with_wides(some()), ScreenName::Remediations, keys, (width, height), &look);
            assert_eq!((buffer.area.width, buffer.area.height), (width, height));
        }
    }
}

#[test]
fn each_reason_for_an_empty_list_is_told_in_words() {
    let mut desk = Desk::new();
    desk.keys("5");
    assert!(desk.picture().contains("no remediation yet: v on marks or a cohort plans one"), "{}", desk.picture());
    let failing = FakeOps { wides: Err(OpsError::Journal("the ledger is locked".into())).into(), ..FakeOps::default() };
    let mut desk = Desk::with(failing);
    desk.keys("5");
    assert!(desk.picture().contains("the remediations: the ledger is locked"), "{}", desk.picture());
    let mut desk = Desk::new();
    desk.app.remediations.list = crate::cockpit::remote::Remote::Never;
    let _ = desk.press("5");
    assert!(desk.picture().contains("the remediations: asking"), "{}", desk.picture());
}

#[test]
fn what_waits_for_approval_comes_first_and_what_was_comes_last() {
    let ops = FakeOps { acts: vec![fake::act(ItemState::Verified)].into(), ..FakeOps::with_wides(some()) };
    let mut desk = Desk::with(ops);
    desk.keys("5");
    let rows = rows(&desk.app);
    let order: Vec<_> = (0..rows.len()).map(|at| rows.get(at).unwrap().id().to_string()).collect();
    assert_eq!(order[0], "rem-wait");
    assert_eq!(order[1..3].iter().collect::<std::collections::BTreeSet<_>>().len(), 2);
    assert!(order[1..3].iter().all(|id| ["rem-run", "rem-held"].contains(&id.as_str())), "{order:?}");
    assert!(matches!(rows.get(3), Some(Row::Single(_))), "{order:?}");
    assert_eq!(order[4], "rem-old");
}

/// What was long ago: so many, the newest first.
fn long_ago(count: i64) -> Vec<Arc<WideRemediation>> {
    let one = remediation("rem-then", WideState::Succeeded, &[(ItemState::Verified, 20)]);
    let before = |n| one.requested_at - jiff::SignedDuration::from_mins(n);
    let each = (1..=count).map(|n| WideRemediation {
        id: format!("then-{n:05}").into(),
        requested_at: before(n),
        ..one.clone()
    });
    each.map(Arc::new).collect()
}

#[test]
fn the_history_goes_back_as_far_as_there_is_any() {
    let mut desk = Desk::with(FakeOps { older: long_ago(2_500), ..FakeOps::with_wides(some()) });
    desk.keys("5");
    assert_eq!(rows(&desk.app).len(), 4, "nobody has come to the end");
    desk.keys("G");
    assert_eq!(rows(&desk.app).len(), 1_004);
    desk.keys("G G");
    assert_eq!((rows(&desk.app).len(), desk.app.remediations.older.whole), (2_504, false));
    desk.keys("G");
    assert!(desk.app.remediations.older.whole);
    assert_eq!(desk.app.remediations.selected.as_deref(), Some("then-02500"));
    assert!(desk.picture().contains("succeeded"), "{}", desk.picture());
    // One more in the list, and one that is no longer in it, leave no gap and lose nothing.
    let mut newer = some();
    newer.retain(|head| head.id != *"rem-old");
    newer.insert(0, Arc::new(remediation("rem-new", WideState::Succeeded, &[(ItemState::Verified, 3)])));
    *desk.ops.wides.lock().unwrap() = Ok(newer);
    desk.change();
    let rows = rows(&desk.app);
    assert_eq!(rows.len(), 2_505);
    assert_eq!(
        rows.position(&"rem-old".into()).map(|at| rows.get(at + 1).unwrap().id().to_string()).as_deref(),
        Some("then-00001")
    );
    assert_eq!(desk.app.remediations.selected.as_deref(), Some("then-02500"), "the cursor stays where it was");
}

#[test]
fn the_inbox_is_reached_from_anywhere_and_says_when_it_is_empty() {
    for way in ["", "2", "2 enter", "8", "5 j enter"] {
        let mut desk = desk();
        desk.keys(&format!("{way} A"));
        assert_eq!(desk.app.screen(), ScreenName::Remediations, "{way}");
        assert_eq!(desk.app.remediations.selected.as_deref(), Some("rem-wait"), "{way}");
    }
    let mut desk = Desk::new();
    desk.keys("2 A");
    assert_eq!((desk.app.screen(), said(&desk).as_str()), (ScreenName::Flows, "nothing waits for approval"));
}

#[test]
fn no_single_key_acts_anywhere() {
    let places = [
        "5",
        "5 enter",
        "5 v",
        "5 v enter",
        "5 v enter o k a y",
        "5 j v down down enter",
        "5 j enter",
        ": h o l d",
        "q",
        "2 space space v",
        "v enter f i x e d",
    ];
    for place in places {
        let mut desk = desk();
        desk.keys(place);
        // Enter in the menu is the second key, and the one that holds at once.
        let menu = |popup: &Option<Popup>| matches!(popup, Some(Popup::Wide(wide)) if matches!(**wide, WidePopup::Deeds { .. }));
        for key in every_key() {
            let mut app = desk.app.clone();
            let effects = update(&mut app, Msg::Key(key), desk.now);
            assert!(!acts(&effects) || menu(&desk.app.popup), "{key:?} after {place:?}");
        }
        assert_eq!(desk.ops.acted.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn enter_held_down_starts_and_approves_nothing() {
    for way in ["A", "A v", "A enter v"] {
        let mut desk = desk();
        desk.keys(way);
        for _ in 0..100 {
            desk.keys("enter");
        }
        assert!(!acts(&desk.done), "{way}: {:?}", desk.done);
    }
    let waits = remediation("rem-ok", WideState::Approved, &[(ItemState::Pending, 20)]);
    let mut desk = Desk::with(FakeOps::with_wides(vec![Arc::new(waits)]));
    desk.keys("5 v");
    for _ in 0..100 {
        desk.keys("enter");
    }
    assert!(!acts(&desk.done), "{:?}", desk.done);
}

#[test]
fn holding_takes_the_menu_and_enter() {
    let mut desk = desk();
    desk.app.remediations.selected = Some("rem-run".into());
    desk.keys("5 v enter");
    assert!(
        matches!(&desk.done[..], [Effect::Control { id, control: Control::Hold, .. }] if *id == "rem-run"),
        "{:?}",
        desk.done
    );
    assert_eq!(desk.app.remediations.get("rem-run").unwrap().state, WideState::Held);
    assert!(said(&desk).contains("it is held"), "{}", said(&desk));
    // And by its name, from anywhere.
    let mut desk = self::desk();
    desk.keys("2 : h o l d enter");
    assert!(matches!(&desk.app.popup, Some(Popup::Wide(_))) && desk.done.is_empty());
    desk.keys("enter");
    assert!(matches!(&desk.done[..], [Effect::Control { control: Control::Hold, .. }]), "{:?}", desk.done);
}

#[test]
fn holding_is_let_through_where_nothing_else_is() {
    let mut desk = desk();
    desk.app.settings.read_only = Some("production is read-only".into());
    desk.app.remediations.selected = Some("rem-held".into());
    desk.keys("5 v");
    desk.keys("enter");
    assert!(!acts(&desk.done), "to go on is to act");
    desk.keys("esc : h o l d enter");
    desk.app.remediations.selected = Some("rem-run".into());
    desk.keys("esc 5 v enter");
    assert!(matches!(&desk.done[..], [Effect::Control { control: Control::Hold, .. }]), "{:?}", desk.done);
}

#[test]
fn ending_and_starting_ask_with_the_focus_on_the_way_back() {
    let mut desk = desk();
    desk.app.remediations.selected = Some("rem-run".into());
    desk.keys("5 v down down enter");
    assert!(
        matches!(&desk.app.popup, Some(Popup::Wide(wide)) if matches!(**wide, WidePopup::Sure { control: Control::Abort, yes: false, .. }))
    );
    desk.keys("enter");
    assert!(desk.app.popup.is_none() && desk.done.is_empty());
    desk.keys("v down down enter tab enter");
    assert!(matches!(&desk.done[..], [Effect::Control { control: Control::Abort, .. }]), "{:?}", desk.done);
}

#[test]
fn ctrl_c_never_ends_a_remediation() {
    let mut desk = desk();
    desk.app.remediations.selected = Some("rem-run".into());
    for way in
        ["5 ctrl-c ctrl-c", "5 enter ctrl-c ctrl-c", "5 v ctrl-c", "5 v down down enter ctrl-c", ": a b o r t ctrl-c"]
    {
        desk.keys(way);
        assert!(!acts(&desk.done), "{way}");
        desk.keys("esc esc");
    }
    desk.keys("ctrl-c ctrl-c");
    assert!(matches!(desk.app.popup, Some(Popup::Quit { leave: false })), "it asks before it is left");
    let picture = desk.picture();
    assert!(picture.contains("will be held") && picture.contains("rem-run"), "{picture}");
}

#[test]
fn approving_sends_the_hash_that_was_on_screen() {
    let mut desk = desk();
    desk.keys("A v enter");
    let Some(Popup::Wide(wide)) = &desk.app.popup else { panic!("no form") };
    let WidePopup::Answer(form) = &**wide else { panic!("{wide:?}") };
    assert_eq!((form.answer, form.focus), (Answer::Approve, AnswerPart::Comment));
    let hash = form.head.plan.hash.clone();
    desk.app.size = (120, 60);
    assert!(desk.picture().contains(hash.as_str()), "the whole hash is on screen\n{}", desk.picture());
    desk.keys("o k tab tab enter");
    assert!(!acts(&desk.done), "two characters are no comment");
    desk.keys("backtab backtab a y enter tab enter");
    let [Effect::Review { review, .. }] = &desk.done[..] else { panic!("{:?}", desk.done) };
    assert_eq!((&review.plan_hash, review.comment.as_str(), &review.code), (&hash, "okay", &None));
    assert_eq!(desk.app.remediations.get("rem-wait").unwrap().state, WideState::Approved);
    assert!(desk.app.popup.is_none() && said(&desk).contains("starts by itself"), "{}", said(&desk));
}

#[test]
fn what_has_changed_since_it_was_on_screen_is_not_approved() {
    let mut desk = desk();
    desk.keys("A v enter o k a y tab tab");
    let mut list = some();
    Arc::make_mut(&mut list[3]).plan = Arc::new(fake::wide::plan_for(crate::domain::remediation::Verb::Cancel, 298));
    *desk.ops.wides.lock().unwrap() = Ok(list);
    desk.change();
    desk.keys("enter");
    assert!(!acts(&desk.done) && said(&desk).contains("its plan is another one now"), "{}", said(&desk));
    let mut list = some();
    Arc::make_mut(&mut list[3]).state = WideState::Expired;
    *desk.ops.wides.lock().unwrap() = Ok(list);
    desk.change();
    desk.keys("enter");
    assert!(!acts(&desk.done) && said(&desk).contains("it is expired now"), "{}", said(&desk));
}

#[test]
fn a_second_enter_says_nothing_twice() {
    let mut desk = desk();
    desk.keys("A v down enter n o n e tab tab");
    let first = desk.press("enter");
    assert!(matches!(&first[..], [Effect::Review { review, .. }] if review.answer == Answer::Deny), "{first:?}");
    for _ in 0..5 {
        assert!(!acts(&desk.press("enter")));
    }
}

#[test]
fn nobody_approves_or_denies_their_own_request() {
    let mut own = remediation("rem-own", WideState::AwaitingApproval, &[(ItemState::Pending, 298)]);
    own.requested_by = "mara".into();
    let mut desk = Desk::with(FakeOps::with_wides(vec![Arc::new(own)]));
    desk.keys("A v enter");
    let picture = desk.picture();
    assert!(picture.contains("no one approves their own request"), "{picture}");
    assert!(picture.contains("it is your own request: abort takes it back"), "{picture}");
    assert!(desk.app.message.as_ref().is_some_and(|message| message.level == Level::Warning));
    assert!(!acts(&desk.done));
}

#[test]
fn failed_only_is_planned_anew_and_sends_nothing() {
    let mut desk = desk();
    desk.ops.rows.lock().unwrap().clear();
    desk.app.remediations.selected = Some("rem-old".into());
    desk.keys("5 v");
    let picture = desk.picture();
    assert!(picture.contains("no item is unknown"), "{picture}");
    desk.keys("G k k");
    let effects = desk.press("enter");
    let asked = super::asks(&effects);
    let [crate::cockpit::msg::Ask::PlanOfMany(wish)] = &asked[..] else { panic!("{asked:?}") };
    assert!(matches!(&wish.selection, crate::ops::Selection::Ids(ids) if ids.len() == 3), "{wish:?}");
}

#[test]
fn what_was_paused_is_rolled_back_by_a_review_like_any_other() {
    let ended = paused("rem-pause", &[(ItemState::Verified, 3), (ItemState::Failed, 1)]);
    let mut desk = Desk::with(FakeOps::with_wides(vec![Arc::new(ended)]));
    desk.keys("5 v G");
    let picture = desk.picture();
    assert!(picture.contains("roll back") && picture.contains("resumes those that it paused"), "{picture}");
    let effects = desk.press("enter");
    let asked = super::asks(&effects);
    assert!(matches!(&asked[..], [crate::cockpit::msg::Ask::PlanRollback(id)] if *id == "rem-pause"), "{asked:?}");
    desk.keys("esc v G enter");
    let picture = desk.picture();
    assert!(picture.contains("takes back") && picture.contains("rem-pause"), "{picture}");
    assert!(picture.contains("it failed, so there is nothing to take back"), "{picture}");
    desk.keys("t o o space s o o n tab tab");
    desk.keys("3 space t e n a n t - p r o v i s i o n i n g tab tab");
    let effects = desk.press("enter");
    let [Effect::Request { request, .. }] = &effects[..] else { panic!("{effects:?}\n{}", desk.picture()) };
    assert_eq!(request.takes_back.as_deref(), Some("rem-pause"));
}

#[test]
fn what_can_not_be_rolled_back_is_grey_and_says_why() {
    let taken = paused("rem-pause", &[(ItemState::Verified, 3)]);
    let mut back = remediation("rem-back", WideState::AwaitingApproval, &[(ItemState::Pending, 3)]);
    back.takes_back = Some("rem-pause".into());
    let none = paused("rem-none", &[(ItemState::Failed, 3)]);
    let mut killed = remediation("rem-kill", WideState::Succeeded, &[(ItemState::Verified, 3)]);
    killed.plan = Arc::new(super::fake::wide::plan_for(Verb::Kill, 3));
    let all: Vec<_> = some().into_iter().chain([taken, back, none, killed].map(Arc::new)).collect();
    for (id, why) in [
        ("rem-pause", "rem-back takes it back already: it waits for approval"),
        ("rem-none", "none of its items held, so there is nothing to take back"),
        ("rem-kill", "none: a kill has no way back: a killed instance cannot be resumed"),
        ("rem-old", "none: nothing takes a resume back; way back: none needed"),
        ("rem-run", "none: nothing takes a resume back"),
    ] {
        let mut desk = Desk::with(FakeOps::with_wides(all.clone()));
        desk.app.remediations.selected = Some(id.into());
        desk.keys("5 v G");
        let effects = desk.press("enter");
        assert!(super::asks(&effects).is_empty(), "{id}: {effects:?}");
        assert!(said(&desk).starts_with(&format!("roll back: {why}")), "{id}: {}", said(&desk));
    }
}

#[test]
fn the_header_and_the_board_say_what_waits_and_what_runs() {
    let desk = desk();
    let picture = desk.picture();
    for word in ["APPROVALS 1", "RUN 40/298", "HELD 16/60", "A shows it"] {
        assert!(picture.contains(word), "{word}\n{picture}");
    }
    assert!(!Desk::new().picture().contains("APPROVALS"));
}

#[test]
fn the_numbers_on_screen_add_up() {
    for head in some() {
        let counts = &head.counts;
        assert_eq!(counts.each().map(|(_, count)| count).sum::<u64>(), counts.total());
        let told = crate::cockpit::many::words::counts(counts, "+");
        let Some((parts, total)) = told.split_once(", ") else { continue };
        let number = |text: &str| text.trim().split(' ').next().unwrap().parse::<u64>().unwrap();
        assert_eq!(parts.split('+').map(number).sum::<u64>(), number(total), "{told}");
    }
}

#[test]
fn the_status_for_a_chat_has_five_lines_at_most() {
    let mut desk = desk();
    desk.keys("A Y");
    let [Effect::Copy(clip)] = &desk.done[..] else { panic!("{:?}", desk.done) };
    let text = clip.as_str();
    assert!(text.lines().count() <= 5, "{text}");
    assert!(text.contains("WAITS FOR APPROVAL: resume 298 of tenant-provisioning"), "{text}");
}

#[test]
fn what_somebody_asks_for_is_told_where_one_is() {
    let mut desk = Desk::new();
    desk.keys("2");
    *desk.ops.wides.lock().unwrap() = Ok(some());
    desk.change();
    assert!(said(&desk).contains("sam asks: resume 298 of tenant-provisioning; A shows it"), "{}", said(&desk));
}

#[test]
fn tab_goes_from_part_to_part_and_round() {
    let mut desk = desk();
    desk.app.remediations.selected = Some("rem-run".into());
    desk.keys("5 enter");
    let mut tops = vec![desk.app.remediations.scroll];
    for _ in 0..3 {
        desk.keys("tab");
        tops.push(desk.app.remediations.scroll);
    }
    assert!(tops[0] == 0 && tops[1] > 0 && tops[2] > tops[1] && tops[3] == 0, "{tops:?}");
    desk.keys("G");
    assert!(desk.picture().contains("request by mara"), "{}", desk.picture());
}
