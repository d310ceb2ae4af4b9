//! What the board of one source has shown over the last hour, a sample a minute at most.
//!
//! Fed by passes alone, so that it needs no timer; bounded in time, in samples and in cohorts. What an earlier process
//! has seen comes from the ledger; of the rest a hub that has just begun knows no past and says so.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::board::Board;
use crate::domain::cohort::{Cohort, Counts};
use crate::domain::text::SafeText;
use crate::domain::time::since;
use crate::domain::trend::{STEP, Sample, WINDOW, difference, five_minutes_ago};

/// Cohorts of one sample that are kept, those with the highest counts.
const COHORTS: usize = 1_000;

/// The last hour of one source.
#[derive(Debug, Default)]
pub(super) struct History {
    samples: VecDeque<Point>,
}

/// A sample with its cohorts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) sample: Sample,
    /// How many each had, by its id.
    pub(super) cohorts: BTreeMap<SafeText, u64>,
    /// Whether each cohort of that time is among them.
    pub(super) whole: bool,
}

impl History {
    /// Whether the last sample is old enough for another one.
    pub(super) fn due(&self, now: Timestamp) -> bool {
        self.samples.back().is_none_or(|last| last.sample.at > now || since(last.sample.at, now) >= STEP)
    }

    /// Takes the board of a good pass, if the last one that was taken is old enough. Gives what it took.
    pub(super) fn take(&mut self, board: &Board, now: Timestamp) -> Option<&Point> {
        // A clock that was set back makes what lies in its future worthless.
        self.samples.retain(|kept| kept.sample.at <= now && since(kept.sample.at, now) <= WINDOW);
        if self.samples.back().is_some_and(|last| since(last.sample.at, now) < STEP) {
            return None;
        }
        let mut cohorts: Vec<(&SafeText, u64)> =
            board.cohorts.iter().map(|cohort| (&cohort.id, cohort.count)).collect();
        let whole = cohorts.len() <= COHORTS;
        if !whole {
            cohorts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
            cohorts.truncate(COHORTS);
        }
        let cohorts = cohorts.into_iter().map(|(id, count)| (id.clone(), count)).collect();
        self.samples.push_back(Point { sample: sample(board, now), cohorts, whole });
        self.samples.back()
    }

    /// Takes in what was seen before this process looked, the oldest first. What is older than an hour or lies in the
    /// future is left out, and so is what this process has seen itself.
    pub(super) fn recall(&mut self, points: Vec<Point>, now: Timestamp) {
        let own = self.samples.front().map(|first| first.sample.at);
        let known = |at: Timestamp| at <= now && since(at, now) <= WINDOW && own.is_none_or(|own| at < own);
        for point in points.into_iter().rev().filter(|point| known(point.sample.at)) {
            self.samples.push_front(point);
        }
    }

    /// The samples of the last hour.
    pub(super) fn samples(&self, now: Timestamp) -> impl Iterator<Item = &Sample> {
        self.samples.iter().map(|kept| &kept.sample).filter(move |sample| since(sample.at, now) <= WINDOW)
    }

    fn five_minutes_ago(&self, now: Timestamp) -> Option<&Point> {
        five_minutes_ago(self.samples.iter(), |kept| kept.sample.at, now)
    }

    /// How many more are stuck now than five minutes ago.
    pub(super) fn growth(&self, board: &Board, now: Timestamp) -> Option<i64> {
        self.five_minutes_ago(now).map(|then| difference(sample(board, now).stuck, then.sample.stuck))
    }

    /// Fills in how much each cohort has grown. One that was not there five minutes ago has grown from nothing.
    pub(super) fn grow(&self, cohorts: &mut [Cohort], now: Timestamp) {
        let Some(then) = self.five_minutes_ago(now) else { return };
        for cohort in cohorts {
            let before = then.cohorts.get(&cohort.id).copied().or(then.whole.then_some(0));
            cohort.growth = before.map(|before| difference(cohort.count, before));
        }
    }
}

/// What a board adds up to.
pub(super) fn sample(board: &Board, at: Timestamp) -> Sample {
    let mut sum = Counts::default();
    for cell in &board.cells {
        sum.add(&cell.counts);
    }
    Sample { at, open: sum.open, stuck: sum.stuck, by_rule: sum.by_rule }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::flow::{JudgedFlow, PauseCause, Status};
    use crate::domain::verdict::tests::instance;
    use crate::domain::verdict::{Circumstances, Rule, Thresholds, judge};
    use crate::hub::board::oracle::of_source;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// A board with so many instances stuck in each of some steps.
    fn board(steps: &[(&str, usize)]) -> Board {
        let rows: Vec<JudgedFlow> = steps
            .iter()
            .flat_map(|(step, count)| std::iter::repeat_n(*step, *count))
            .map(|step| {
                let mut flow = instance();
                flow.step = step.into();
                (flow.status, flow.pause) = (Status::Paused, Some(PauseCause::Exhausted));
                let now = flow.observed_at;
                let judgement = judge(&flow, &Thresholds::default(), &Circumstances { now, holder: None });
                JudgedFlow { flow, judgement }
            })
            .collect();
        of_source(&"restate".into(), &rows.iter(), None)
    }

    fn growth(history: &History, board: &Board, now: Timestamp) -> Vec<(String, Option<i64>)> {
        let mut cohorts = board.cohorts.clone();
        history.grow(&mut cohorts, now);
        let mut told: Vec<_> = cohorts.iter().map(|cohort| (cohort.step.to_string(), cohort.growth)).collect();
        told.sort();
        told
    }

    #[test]
    fn a_young_hub_knows_no_growth_and_an_older_one_knows_it_per_cohort() {
        let mut history = History::default();
        let first = board(&[("sms", 10), ("mail", 5)]);
        history.take(&first, at(0));
        assert_eq!(history.growth(&first, at(0)), None);
        assert_eq!(growth(&history, &first, at(200)), [("mail".to_owned(), None), ("sms".to_owned(), None)]);
        let later = board(&[("sms", 30), ("mail", 2), ("dns", 4)]);
        assert_eq!(history.growth(&later, at(300)), Some(21));
        let expected = [("dns", 4), ("mail", -3), ("sms", 20)].map(|(step, n)| (step.to_owned(), Some(n)));
        assert_eq!(growth(&history, &later, at(300)), expected);
        assert_eq!(history.growth(&later, at(900)), None, "a quarter of an hour ago says nothing of five minutes ago");
    }

    #[test]
    fn it_is_bounded_by_an_hour_and_a_sample_a_minute() {
        let mut history = History::default();
        let board = board(&[("sms", 2)]);
        for second in 0..3 * 3_600 {
            history.take(&board, at(second));
        }
        let ages: Vec<SignedDuration> =
            history.samples(at(3 * 3_600)).map(|kept| since(kept.at, at(3 * 3_600))).collect();
        assert!((59..=61).contains(&ages.len()), "{}", ages.len());
        assert!(ages.iter().all(|age| *age <= WINDOW));
        assert!(ages.windows(2).all(|pair| pair[0] - pair[1] >= STEP));
        assert!(history.samples(at(3 * 3_600)).all(|kept| kept.by_rule == [(Rule::Exhausted, 2)].into()));
        // The clock is set back.
        history.take(&board, at(60));
        assert_eq!(history.samples.len(), 1);
    }

    #[test]
    fn what_was_seen_before_comes_before_what_is_seen_now() {
        let seen = |seconds: i64, count: usize| {
            let board = board(&[("sms", count)]);
            History::default().take(&board, at(seconds)).unwrap().clone()
        };
        let earlier = vec![seen(-3_601, 1), seen(-3_600, 2), seen(-300, 3), seen(-20, 4), seen(0, 5), seen(60, 6)];
        let now = board(&[("sms", 9), ("dns", 1)]);
        let mut history = History::default();
        history.take(&now, at(-10));
        history.recall(earlier.clone(), at(0));
        let told = |history: &History| history.samples.iter().map(|one| one.sample.stuck).collect::<Vec<_>>();
        assert_eq!(told(&history), [2, 3, 4, 10], "not what is older than an hour, nor what comes after its own");
        assert_eq!(history.growth(&now, at(0)), Some(7));
        assert_eq!(growth(&history, &now, at(0)), [("dns".to_owned(), Some(1)), ("sms".to_owned(), Some(6))]);
        // Whoever has seen nothing yet takes all but the future, and the next one a minute after the last.
        let mut fresh = History::default();
        fresh.recall(earlier, at(0));
        assert_eq!(told(&fresh), [2, 3, 4, 5]);
        assert!(!fresh.due(at(59)) && fresh.due(at(60)));
    }

    #[test]
    fn of_very_many_cohorts_those_left_out_have_no_growth() {
        let names: Vec<String> =
            (0..=COHORTS).map(|n| format!("step-{}", "x".repeat(n % 40)) + &n.to_string()).collect();
        let steps: Vec<(&str, usize)> =
            names.iter().enumerate().map(|(at, name)| (name.as_str(), 1 + usize::from(at > 0))).collect();
        let many = board(&steps);
        assert_eq!(many.cohorts.len(), COHORTS + 1);
        let mut history = History::default();
        history.take(&many, at(0));
        let told = growth(&history, &many, at(300));
        assert_eq!(told.iter().filter(|(_, growth)| growth.is_none()).count(), 1);
        assert_eq!(told.iter().filter(|(_, growth)| *growth == Some(0)).count(), COHORTS);
    }
}
