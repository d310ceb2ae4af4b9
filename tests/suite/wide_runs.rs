//! Remediations of many, from the plan to the end: wave by wave, held by limits and by people, taken up by another
//! process, and never sent twice.

use crate::support::crowd::{Crowd, Fate, name};
use crate::support::ledger::verified;
use crate::support::matrix::record;
use crate::support::moments::{Moments, taken_up};
use crate::support::runs::{Place, asked, but, carried, request, settled, stands, wish, wish_for};
use quarterdeck::domain::remediation::ItemState;
use quarterdeck::domain::wide::{Control, WideState};
use quarterdeck::ops::{Ops, OpsError, PlanWish};

#[tokio::test(start_paused = true)]
async fn a_cohort_is_repaired_wave_by_wave() {
    let place = Place::new(Crowd::of(20), "");
    let hub = place.hub("ada").await;
    let plan = hub.plan_of_many(&wish("probe,25%,rest")).await.unwrap();
    let one = request(&hub, &plan).await.unwrap();
    assert_eq!((one.state, one.counts.words().as_str()), (WideState::Approved, "20 pending"));
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "20 verified".to_owned()), "{:#?}", done.head);
    let expected: Vec<String> = (0..20).map(name).collect();
    let mut acted = place.crowd.acted_on();
    assert_eq!(acted[0], expected[0], "the probe is alone");
    acted[1..6].sort();
    assert_eq!(acted[1..6], expected[1..6], "then a quarter");
    acted.sort();
    assert_eq!(acted, expected);
    // What each wave waited for: nothing of the next was sent before all of the last was verified.
    let outcomes = |wave: u32| done.items.iter().filter(move |item| item.wave == wave).filter_map(|item| item.at);
    let wave_of =
        |subject: &str| done.items.iter().find(|item| item.target.id.to_string() == subject).map(|item| item.wave);
    let acts = |wave: u32| {
        let of_wave = done.history.iter().filter(|told| told.action == "act" && wave_of(&told.subject) == Some(wave));
        of_wave.map(|told| told.at).min().unwrap()
    };
    for wave in 0..2 {
        assert!(outcomes(wave).max().unwrap() <= acts(wave + 1), "wave {wave}");
    }
    assert!(verified(place.dir.path()).broken.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_has_changed_since_is_left_out_with_both_versions_and_who_came_later_is_not_touched() {
    let place = Place::new(Crowd::of(6), "");
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish_for(0..5, "probe,rest")).await;
    place.crowd.changes(3);
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "1 skipped, 4 verified".to_owned()));
    let left_out = but(&done, ItemState::Verified);
    let [(who, ItemState::Skipped, why)] = &left_out[..] else { panic!("{left_out:?}") };
    let version = one.plan.frozen.targets[3].version.as_str();
    assert!(
        who == "i003" && why.starts_with("changed: now paused in apply (version ") && why.contains(version),
        "{why}"
    );
    assert!(!place.crowd.acted_on().contains(&name(5)), "it was not in the plan");
}

#[tokio::test(start_paused = true)]
async fn where_all_have_changed_nothing_is_sent_and_it_is_stale() {
    let place = Place::new(Crowd::of(2), "");
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish("rest")).await;
    (0..2).for_each(|n| place.crowd.changes(n));
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Stale, "2 skipped".to_owned()));
    assert!(place.crowd.acted_on().is_empty());
    let again = request(&hub, &one.plan).await.unwrap_err();
    assert_eq!(again, OpsError::Refused(format!("this plan was asked for already: {} (stale)", one.id).into()));
}

#[tokio::test(start_paused = true)]
async fn a_new_error_holds_it_and_what_failed_is_a_plan_of_its_own() {
    let place = Place::new(Crowd::of(20), "");
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish("probe,25%,rest")).await;
    place.crowd.fate_of(2, Fate::FailsAgain("disk full on shard 7"));
    let held = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(held.head.state, WideState::Held);
    assert!(
        held.head.outcome.starts_with("held: an error that was not there before: disk full on shard"),
        "{}",
        held.head.outcome
    );
    let sent = place.crowd.acted_on().len();
    assert!(sent < 20, "{sent}");
    place.crowd.fate_of(2, Fate::Succeeds);
    let done = carried(&hub, &one.id, Control::Resume).await;
    assert_eq!(stands(&done), (WideState::Partial, "19 verified, 1 failed".to_owned()), "{}", done.head.outcome);
    hub.pass().await;
    let failed = but(&done, ItemState::Verified);
    assert_eq!(failed.len(), 1);
    let again = asked(&hub, &wish_for([2], "rest")).await;
    let done = carried(&hub, &again.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "1 verified".to_owned()));
    assert_eq!((place.crowd.acted_on().len(), place.crowd.twice()), (21, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_does_not_help_stops_it_after_one() {
    let place = Place::new(Crowd::of(20), "");
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish("probe,rest")).await;
    place.crowd.fate(Fate::Refused);
    let held = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&held), (WideState::Held, "19 pending, 1 failed".to_owned()));
    assert_eq!(held.head.outcome, "held: the probe did not help: refused: 409: not now; 1 sent, 19 not sent");
    let aborted = carried(&hub, &one.id, Control::Abort).await;
    assert_eq!(stands(&aborted), (WideState::Aborted, "19 skipped, 1 failed".to_owned()));
    assert_eq!(place.crowd.acted_on().len(), 1);
    for control in Control::ALL {
        assert!(matches!(hub.control(&one.id, control).await, Err(OpsError::Refused(_))), "{control:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_stops_where_more_fail_than_may() {
    let place = Place::new(Crowd::of(20), "");
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish("probe,rest")).await;
    place.crowd.fate(Fate::Refused);
    place.crowd.fate_of(0, Fate::Succeeds);
    let held = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(held.head.state, WideState::Held);
    assert!(held.head.outcome.contains("went wrong, 3 may: refused"), "{}", held.head.outcome);
    // One more than may, and those that were on their way.
    let failed = held.head.counts.get(ItemState::Failed);
    assert!((4..=8).contains(&failed), "{failed}");
    assert_eq!(place.crowd.acted_on().len() as u64, failed + 1);
}

#[tokio::test(start_paused = true)]
async fn a_hold_of_another_process_takes_effect_within_one_item() {
    let place = Place::new(Crowd::of(30), "");
    let (hub, other) = (place.hub("ada").await, place.hub("ben").await);
    let slow = PlanWish {
        pace: quarterdeck::domain::plan::Pace { concurrency: 1, per_second: 1, max_errors: 3 },
        ..wish("rest")
    };
    let one = asked(&hub, &slow).await;
    hub.control(&one.id, Control::Run).await.unwrap();
    while place.crowd.acted_on().len() < 5 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let refused = other.control(&one.id, Control::Resume).await.unwrap_err();
    assert!(refused.to_string().starts_with("another Quarterdeck carries out"), "{refused}");
    let sent = place.crowd.acted_on().len();
    let held = other.control(&one.id, Control::Hold).await.unwrap();
    assert_eq!(held.state, WideState::Held);
    assert!(held.outcome.starts_with("held by ben: "), "{}", held.outcome);
    settled(&hub, &one.id).await;
    let after = place.crowd.acted_on().len();
    assert!(after <= sent + 1, "{sent} {after}");
    let done = carried(&other, &one.id, Control::Resume).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "30 verified".to_owned()));
    assert_eq!(place.crowd.twice(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn where_the_source_can_not_be_read_nothing_is_sent() {
    let place = Place::new(Crowd::of(5), "");
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish("probe,rest")).await;
    place.crowd.reachable(false);
    let held = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&held), (WideState::Held, "5 pending".to_owned()));
    assert!(held.head.outcome.contains("crowd can't be read"), "{}", held.head.outcome);
    place.crowd.reachable(true);
    let done = carried(&hub, &one.id, Control::Resume).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "5 verified".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_into_and_never_sent_again() {
    let place = Place::new(Crowd::of(4), "");
    let hub = place.hub("ada").await;
    place.crowd.fate_of(1, Fate::Lost);
    place.crowd.fate_of(2, Fate::Vanished);
    let one = asked(&hub, &wish("rest")).await;
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Partial, "3 verified, 1 unknown".to_owned()));
    let unknown = but(&done, ItemState::Verified);
    assert!(unknown[0].0 == "i002" && unknown[0].2.contains("nothing was sent again"), "{unknown:?}");
    assert!(done.items[1].words.starts_with("verified, though its answer was lost"), "{:?}", done.items[1]);
    assert_eq!(place.crowd.acted_on().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_holds_it_and_another_one_goes_on() {
    let place = Place::new(Crowd::of(12), "");
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish("probe,rest")).await;
    hub.control(&one.id, Control::Run).await.unwrap();
    while place.crowd.acted_on().len() < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let held = hub.leave().await;
    assert_eq!(held.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [one.id.as_str()]);
    let left = hub.wide_remediation(&one.id).await.unwrap();
    assert_eq!(left.head.state, WideState::Held);
    assert!(left.head.outcome.starts_with("held, because Quarterdeck was left: "), "{}", left.head.outcome);
    drop(hub);
    let other = place.hub("ben").await;
    let done = carried(&other, &one.id, Control::Resume).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "12 verified".to_owned()), "{:#?}", done.history);
    assert_eq!(place.crowd.twice(), Vec::<String>::new());
}

/// A process that is killed leaves what is on its disk at that moment: at each question that it asks its engine, what
/// is there is kept, and another process takes it up.
#[tokio::test(start_paused = true)]
async fn a_process_may_end_at_any_step() {
    let mut ended = 0;
    for seed in 0..3 {
        let place = Place::new(Crowd::of(5), "");
        if seed == 1 {
            place.crowd.fate_of(1, Fate::Lost);
        }
        if seed == 2 {
            place.crowd.fate_of(2, Fate::Vanished);
        }
        let hub = place.hub("ada").await;
        let one = asked(&hub, &wish("probe,40%,rest")).await;
        let moments = Moments::of(&place, move |instance| !(seed == 2 && instance == name(2)));
        carried(&hub, &one.id, Control::Run).await;
        drop(hub);
        for moment in moments.kept() {
            for arrived in moment.may_have_arrived() {
                let crowd = Crowd::of(5);
                for instance in &arrived {
                    crowd.arrived(instance);
                }
                let (after, _) = taken_up(&place, &moment.disk, &one.id, crowd).await;
                let again: Vec<String> =
                    after.crowd.acted_on().into_iter().filter(|one| arrived.contains(one)).collect();
                assert_eq!(again, Vec::<String>::new(), "sent twice");
                ended += 1;
            }
        }
    }
    record("acts-once", ended, 40);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_asked_for_says_why() {
    let place = Place::new(Crowd::of(3), "");
    let hub = place.hub("ada").await;
    let nothing = hub.plan_of_many(&wish_for([9], "rest")).await.unwrap_err();
    assert_eq!(nothing, OpsError::Refused("nothing matches, so there is nothing to plan".into()));
    let plan = hub.plan_of_many(&wish("rest")).await.unwrap();
    let one = request(&hub, &plan).await.unwrap();
    let twice = request(&hub, &plan).await.unwrap_err();
    assert_eq!(twice, OpsError::Refused(format!("this plan was asked for already: {} (approved)", one.id).into()));
    let late = hub.plan_of_many(&wish_for([1], "rest")).await.unwrap();
    place.wait(16 * 60);
    let expired = request(&hub, &late).await.unwrap_err();
    assert_eq!(expired, OpsError::Refused("this plan has expired; make a new one".into()));
    let not_started = hub.control(&one.id, Control::Run).await.unwrap_err();
    assert_eq!(not_started, OpsError::Refused("run can't be had: it is expired".into()));
    assert!(place.crowd.acted_on().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_freeze_that_begins_on_the_way_holds_it_or_lets_it_finish() {
    let begins = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(5);
    for (selector, in_flight, state) in [
        ("", "finish", WideState::Succeeded),
        ("", "hold", WideState::Held),
        // What the rules say of each target is looked at anew on the way, too.
        ("rule:exhausted", "hold", WideState::Held),
        ("rule:overdue", "hold", WideState::Succeeded),
    ] {
        let freeze = format!(
            "[[freeze]]\nname = \"sale\"\nfrom = \"{begins}\"\nuntil = \"2099-01-01T00:00:00Z\"\nkind = \"deny\"\n\
             selector = \"{selector}\"\nin_flight = \"{in_flight}\"\nreason = \"the big sale\"\n"
        );
        let place = Place::new(Crowd::of(40), &freeze);
        let hub = place.hub("ada").await;
        let slow = PlanWish {
            pace: quarterdeck::domain::plan::Pace { concurrency: 1, per_second: 2, max_errors: 3 },
            ..wish("probe,rest")
        };
        let one = asked(&hub, &slow).await;
        hub.control(&one.id, Control::Run).await.unwrap();
        while place.crowd.acted_on().len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        place.wait(6 * 60);
        let done = settled(&hub, &one.id).await;
        assert_eq!(done.head.state, state, "{selector} {in_flight}: {}", done.head.outcome);
        let told = done.head.outcome.contains("the big sale");
        assert_eq!(told, state == WideState::Held, "{}", done.head.outcome);
    }
}
