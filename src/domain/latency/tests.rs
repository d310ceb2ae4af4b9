//! The measure is held against a plain look at every time.

use proptest::prelude::*;

use super::*;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_768_446_000 + second).unwrap()
}

fn spread(seconds: &[i64]) -> Spread {
    let mut spread = Spread::default();
    for seconds in seconds {
        spread.add(SECOND * i32::try_from(*seconds).unwrap(), 1);
    }
    spread
}

proptest! {
    #[test]
    fn a_quantile_is_hardly_too_long_and_never_too_short(
        lengths in proptest::collection::vec(0_i64..40_000_000, 1..200), share in 1_u32..=100,
    ) {
        let share = f64::from(share) / 100.0;
        let mut spread = Spread::default();
        for length in &lengths {
            spread.add(SignedDuration::from_millis(*length), 1);
        }
        let mut sorted = lengths.clone();
        sorted.sort_unstable();
        // The first of which so many are not longer.
        let exact = *sorted.iter().enumerate().find(|(nth, _)| (nth + 1) as f64 >= sorted.len() as f64 * share).unwrap().1;
        let told = i64::try_from(spread.quantile(share).unwrap().as_millis()).unwrap();
        prop_assert!(told >= exact && told <= exact + exact / 32, "{told} for {exact}");
        prop_assert!(spread.buckets() <= 1_024);
        prop_assert_eq!(spread.count(), lengths.len() as u64);
    }

    /// However the times come, each counts once where it ended, and once in each slot before at whose end it went on.
    #[test]
    fn each_time_counts_where_it_was(
        times in proptest::collection::vec((-30_000_i64..30_000, 0_i64..20_000, any::<bool>()), 0..60), cut in 0_usize..60,
    ) {
        let first = slot_of(at(0));
        let (mut series, mut other) = (Series::default(), Series::default());
        for (nth, (from, long, well)) in times.iter().enumerate() {
            let into = if nth < cut { &mut series } else { &mut other };
            into.ended(at(*from), at(from + long), *well, first);
        }
        series.merge(&other);
        for slot in first - 2..first + 200 {
            let (begins, ends) = (slot_begins(slot), slot_begins(slot + 1));
            let ended = |wanted: bool| times.iter().filter(|(from, long, well)| {
                *well == wanted && (begins..ends).contains(&at(from + long))
            }).count() as u64;
            let going = times.iter().filter(|(from, long, _)| at(*from) < ends && at(from + long) >= ends).count() as u64;
            let wanted = if slot < first { (0, 0, 0) } else { (ended(true), ended(false), going) };
            let told = series.at(slot).map_or((0, 0, 0), |tally| (tally.finished.count(), tally.failed, tally.going.count()));
            prop_assert_eq!(told, wanted, "slot {}", slot);
        }
    }

    #[test]
    fn buckets_follow_one_another(millis in 0_u64..1 << 34) {
        let mine = bucket(millis);
        prop_assert!(bucket_begins(mine) <= millis && bucket_ends(mine) >= millis);
        prop_assert!(mine == 0 || bucket_ends(mine - 1) < millis);
    }
}

#[test]
fn what_goes_on_counts_in_each_slot_since_it_began() {
    let mut series = Series::default();
    // Began a minute into a slot, and two slots later is going on for eleven minutes.
    series.going(at(60), at(720), slot_of(at(0)), 3);
    let longest = |n: i64| series.at(slot_of(at(0)) + n).and_then(|tally| tally.going.longest());
    assert_eq!(
        [longest(0), longest(1), longest(2)],
        [4, 9, 11].map(|minutes| Some(SignedDuration::from_mins(minutes)))
    );
    assert_eq!(longest(3), None);
    series.forget_before(slot_of(at(0)) + 2);
    assert!(series.at(slot_of(at(0)) + 1).is_none() && series.at(slot_of(at(0)) + 2).is_some());
}

#[test]
fn a_slot_is_held_against_the_promise() {
    let promise = Some(SECOND * 100);
    let heat = |finished: &[i64], failed, going: &[i64], promise, blind| {
        let tally = Tally { finished: spread(finished), failed, going: spread(going) };
        LatencyCell::of(Some(&tally), promise, blind).heat
    };
    let ended = |seconds: i64| heat(&[seconds], 0, &[], promise, false);
    assert_eq!(
        [80, 81, 100, 101, 300, 301].map(ended),
        [Heat::Within, Heat::Near, Heat::Near, Heat::Over, Heat::Over, Heat::FarOver]
    );
    assert_eq!(heat(&[5], 0, &[], None, false), Heat::Unpromised);
    assert_eq!(heat(&[], 0, &[], promise, false), Heat::NoData);
    assert_eq!(LatencyCell::of(None, promise, false).heat, Heat::NoData);
    // Absence of an answer is never fast, and what is over is over all the same.
    assert_eq!(heat(&[], 0, &[], promise, true), Heat::Blind);
    assert_eq!(heat(&[5], 0, &[], promise, true), Heat::Blind);
    assert_eq!(heat(&[5], 0, &[320], promise, true), Heat::FarOver);
    // What goes on says something once it is over the promise, and what failed nothing.
    assert_eq!(heat(&[], 0, &[99], promise, false), Heat::Unfinished);
    assert_eq!(heat(&[], 0, &[101], promise, false), Heat::Over);
    assert_eq!(heat(&[], 3, &[], promise, false), Heat::Unfinished);
    assert_eq!(heat(&[], 0, &[99], None, false), Heat::Unfinished);
}

#[test]
fn what_goes_on_makes_nothing_look_fast() {
    let cell = |finished: &[i64], going: &[i64]| {
        let tally = Tally { finished: spread(finished), failed: 0, going: spread(going) };
        let cell = LatencyCell::of(Some(&tally), None, false);
        (cell.p95.map(|p95| p95.as_secs()), cell.at_least)
    };
    assert_eq!(cell(&[40; 10], &[]), (Some(40), false));
    // A thousand that have just begun change nothing.
    assert_eq!(cell(&[40; 10], &[1; 1_000]), (Some(40), false));
    // One that has taken longer is one of eleven.
    assert_eq!(cell(&[40; 10], &[600]), (Some(589), true));
    assert_eq!(cell(&[40; 100], &[600]), (Some(40), false));
    assert_eq!(cell(&[], &[5, 600]), (Some(600), true));
}

#[test]
fn what_an_instance_does_is_told_by_its_status() {
    let mut flow = crate::domain::verdict::tests::instance();
    flow.entered_step_at = Some(at(5));
    flow.first_failure_at = None;
    flow.signs.queued_at = Some(at(1));
    let mut told = |status, pause| {
        flow.status = status;
        flow.pause = pause;
        flow.under_way()
    };
    assert_eq!(told(Status::Running, None), Some((Measure::Run, at(5))));
    assert_eq!(told(Status::BackingOff, None), Some((Measure::Run, at(5))));
    assert_eq!(told(Status::Paused, Some(PauseCause::Exhausted)), Some((Measure::Run, at(5))));
    assert_eq!(told(Status::Queued, None), Some((Measure::Queue, at(1))));
    for status in [Status::Scheduled, Status::Waiting, Status::Compensating, Status::Failed, Status::Succeeded] {
        assert_eq!(told(status, None), None, "{status:?}");
    }
    assert_eq!(told(Status::Paused, Some(PauseCause::Held)), None);
}
