use proptest::prelude::*;

use super::*;
use crate::domain::flow::FlowInstance;
use crate::domain::verdict::tests::instance;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
}

/// The end of the watch.
const END: i64 = 30;

fn before() -> Baseline {
    Baseline::at(&flow(Status::Paused, 2), at(0))
}

fn flow(status: Status, completed: u64) -> FlowInstance {
    let pause = (status == Status::Paused).then_some(PauseCause::Exhausted);
    FlowInstance { status, pause, completed_commands: completed, ..instance() }
}

fn sight(status: Status, completed: u64) -> Sight {
    Sight { flow: flow(status, completed), engine_now: at(5), last_failure_at: Some(at(-1)), contents: None }
}

fn case(verb: Verb, paused: bool, before: &Baseline) -> Case<'_> {
    Case { verb, paused, before, until: at(END) }
}

fn here(verb: Verb, state: ItemState, ended: bool) -> Deed {
    Deed::Here { verb, state, ended }
}

/// The score in the middle of the watch, of what has such a sight.
fn seen(verb: Verb, paused: bool, sight: &Sight, deeds: &[Deed]) -> Option<Score> {
    score(case(verb, paused, &before()), Seen::Read(Some(sight)), deeds, at(5)).map(|(score, _)| score)
}

#[test]
fn what_was_done_here_decides_by_what_it_came_to() {
    let stuck = sight(Status::Paused, 2);
    for (state, ended, due) in [
        (ItemState::Verified, true, Some(Score::Hit)),
        (ItemState::Failed, true, Some(Score::Miss)),
        (ItemState::Unknown, true, Some(Score::Unknown)),
        (ItemState::Accepted, false, None),
        (ItemState::Pending, false, None),
    ] {
        assert_eq!(seen(Verb::Resume, true, &stuck, &[here(Verb::Resume, state, ended)]), due, "{state:?}");
    }
    // One that did not help may be followed by one that did; while that runs nothing is said.
    let failed = here(Verb::Resume, ItemState::Failed, true);
    let runs = here(Verb::Resume, ItemState::Accepted, false);
    assert_eq!(seen(Verb::Resume, true, &stuck, &[failed, runs]), None);
    let held = here(Verb::Resume, ItemState::Verified, true);
    assert_eq!(seen(Verb::Resume, true, &stuck, &[failed, held]), Some(Score::Hit));
    // An act that never ends is not waited for for ever.
    let late = |minutes| {
        score(case(Verb::Resume, true, &before()), Seen::AsItWas, &[runs], at(minutes)).map(|(score, _)| score)
    };
    assert_eq!((late(END), late(END + 59), late(END + 60)), (None, None, Some(Score::Unknown)));
}

#[test]
fn something_else_that_was_done_says_nothing() {
    let ended = sight(Status::Cancelled, 2);
    let cancelled = here(Verb::Cancel, ItemState::Verified, true);
    assert_eq!(seen(Verb::Resume, true, &ended, &[cancelled]), Some(Score::Unknown));
    assert_eq!(seen(Verb::Resume, true, &ended, &[Deed::Outside(Verb::Kill)]), Some(Score::Unknown));
    assert_eq!(seen(Verb::Resume, true, &ended, &[]), Some(Score::Unknown));
}

#[test]
fn what_went_on_by_itself_is_a_miss_and_what_stood_still_was_resumed_by_somebody() {
    for went_on in [sight(Status::Succeeded, 4), sight(Status::Running, 3)] {
        assert_eq!(seen(Verb::Resume, false, &went_on, &[]), Some(Score::Miss), "{went_on:?}");
        assert_eq!(seen(Verb::Cancel, false, &went_on, &[]), Some(Score::Miss), "{went_on:?}");
    }
    assert_eq!(seen(Verb::Resume, true, &sight(Status::Succeeded, 4), &[]), Some(Score::Hit));
    assert_eq!(seen(Verb::Cancel, true, &sight(Status::Succeeded, 4), &[]), Some(Score::Unknown));
    // Past its step it may fail again, which is seen at the end of the watch.
    let past = sight(Status::Running, 3);
    assert_eq!(seen(Verb::Resume, true, &past, &[]), None);
    let (end, words) = score(case(Verb::Resume, true, &before()), Seen::Read(Some(&past)), &[], at(END)).unwrap();
    assert_eq!(end, Score::Hit, "{words}");
}

#[test]
fn what_the_engine_tells_of_acts_outside_is_a_hit_where_it_is_the_same() {
    let cancelled = sight(Status::Cancelled, 2);
    assert_eq!(seen(Verb::Cancel, true, &cancelled, &[Deed::Outside(Verb::Cancel)]), Some(Score::Hit));
    assert_eq!(seen(Verb::Kill, true, &cancelled, &[Deed::Outside(Verb::Cancel)]), Some(Score::Unknown));
    assert_eq!(seen(Verb::Kill, true, &cancelled, &[]), Some(Score::Hit));
    let mut held = sight(Status::Paused, 2);
    assert_eq!(seen(Verb::Pause, false, &held, &[]), None, "the engine itself paused it");
    held.flow.pause = Some(PauseCause::Held);
    assert_eq!(seen(Verb::Pause, false, &held, &[]), Some(Score::Hit));
    let failed = sight(Status::Failed, 2);
    assert_eq!(seen(Verb::RestartAsNew, false, &failed, &[Deed::Outside(Verb::RestartAsNew)]), Some(Score::Unknown));
    assert_eq!(seen(Verb::RestartAsNew, false, &failed, &[]), None, "it has failed from the beginning");
}

#[test]
fn what_is_gone_or_silent_is_unknown_and_never_good_or_bad() {
    let before = before();
    let case = case(Verb::Resume, true, &before);
    let of = |seen, minutes| score(case, seen, &[], at(minutes)).map(|(score, _)| score);
    assert_eq!(of(Seen::Read(None), 5), Some(Score::Unknown));
    assert_eq!((of(Seen::Silent, 5), of(Seen::Silent, END)), (None, Some(Score::Unknown)));
    assert_eq!((of(Seen::AsItWas, END - 1), of(Seen::AsItWas, END)), (None, Some(Score::Unknown)));
    assert_eq!(of(Seen::NotYet, END + 600), None);
}

fn statuses() -> impl Strategy<Value = Status> {
    proptest::sample::select(&Status::ALL[..])
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let verb = || proptest::sample::select(&Verb::OF_FLOWS[..]);
    let states = [ItemState::Accepted, ItemState::Done, ItemState::Verified, ItemState::Failed, ItemState::Unknown];
    let here = (verb(), proptest::sample::select(states.to_vec()), any::<bool>());
    let here = here.prop_map(|(verb, state, ended)| Deed::Here { verb, state, ended });
    proptest::collection::vec(prop_oneof![here, verb().prop_map(Deed::Outside)], 0..4)
}

proptest! {
    /// Without a verified act, one outside, or a sight of the effect there is no hit; without a sight there is no miss
    /// but by an act here that failed; and a source that says nothing makes neither.
    #[test]
    fn nothing_is_made_up(
        verb in proptest::sample::select(&Verb::OF_FLOWS[..]), paused in any::<bool>(), status in statuses(),
        completed in 0_u64..5, deeds in deeds(), minutes in 0_i64..200, how in 0..4,
    ) {
        let (before, told) = (before(), sight(status, completed));
        let seen = match how {
            0 => Seen::Silent,
            1 => Seen::NotYet,
            2 => Seen::AsItWas,
            _ => Seen::Read(Some(&told)),
        };
        let decided = score(case(verb, paused, &before), seen, &deeds, at(minutes));
        let verified = deeds.contains(&here(verb, ItemState::Verified, true));
        let failed = deeds.contains(&here(verb, ItemState::Failed, true));
        match decided {
            Some((Score::Hit, words)) => {
                prop_assert!(verified || deeds.contains(&Deed::Outside(verb)) || how == 3, "{words}");
            }
            Some((Score::Miss, words)) => prop_assert!(failed || how == 3, "{words}"),
            Some((score, words)) => prop_assert!(score == Score::Unknown && !words.is_empty()),
            None => {}
        }
        if verified {
            prop_assert_eq!(score(case(verb, paused, &before), seen, &deeds, at(minutes)).unwrap().0, Score::Hit);
        }
    }

    /// Nothing stays open for ever, as long as it is looked at.
    #[test]
    fn every_watch_ends(
        verb in proptest::sample::select(&Verb::OF_FLOWS[..]), paused in any::<bool>(), status in statuses(),
        completed in 0_u64..5, deeds in deeds(), how in 0..3,
    ) {
        let (before, told) = (before(), sight(status, completed));
        let seen = match how {
            0 => Seen::Silent,
            1 => Seen::AsItWas,
            _ => Seen::Read(Some(&told)),
        };
        let decided = score(case(verb, paused, &before), seen, &deeds, at(END + 60));
        prop_assert!(decided.is_some());
    }
}
