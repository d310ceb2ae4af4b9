use super::oracle::of_source;
use super::*;
use crate::domain::flow::{JudgedFlow, PauseCause, Status};
use crate::domain::verdict::tests::instance;
use crate::domain::verdict::{Circumstances, Thresholds, judge};

#[test]
fn what_grows_goes_before_what_is_larger() {
    let mut flow = instance();
    (flow.status, flow.pause) = (Status::Paused, Some(PauseCause::Exhausted));
    let now = flow.observed_at;
    let judgement = judge(&flow, &Thresholds::default(), &Circumstances { now, holder: None });
    let [cohort] = &of_source(&"restate".into(), &[&JudgedFlow { flow, judgement }].into_iter(), None).cohorts[..]
    else {
        panic!("one cohort")
    };
    let with = |step: &str, tenants, count, growth| Cohort {
        id: step.into(),
        step: step.into(),
        tenants,
        count,
        growth,
        ..cohort.clone()
    };
    let order = |mut cohorts: Vec<Cohort>| -> Vec<String> {
        worst_first(&mut cohorts);
        cohorts.iter().map(|cohort| cohort.step.to_string()).collect()
    };
    let cohorts = vec![
        with("large", 41, 298, Some(12)),
        with("steady", 90, 400, Some(0)),
        with("fast", 61, 61, Some(20)),
        with("shrinking", 91, 91, Some(-50)),
        with("single", 1, 9, Some(30)),
    ];
    assert_eq!(order(cohorts.clone()), ["fast", "large", "shrinking", "steady", "single"]);
    let unknown = cohorts.into_iter().map(|cohort| Cohort { growth: None, ..cohort }).collect();
    assert_eq!(order(unknown), ["shrinking", "steady", "fast", "large", "single"], "by tenants alone");
}

#[test]
fn counts_that_contradict_the_rows_are_approximate() {
    let mut flow = instance();
    flow.status = Status::Paused;
    flow.pause = Some(PauseCause::Exhausted);
    let now = flow.observed_at;
    let judgement = judge(&flow, &Thresholds::default(), &Circumstances { now, holder: None });
    assert!(judgement.stuck());
    let row = JudgedFlow { flow, judgement };
    let cells = |open| {
        let count = EngineCount {
            flow: row.flow.flow.clone(),
            step: row.flow.step.clone(),
            open,
            waiting: 0,
            held: 0,
            failed: 0,
        };
        of_source(&"restate".into(), &[&row, &row].into_iter(), Some(&[count])).cells
    };
    for (open, approximate) in [(1, true), (2, false), (3, false)] {
        let [cell] = &cells(open)[..] else { panic!("one place") };
        assert_eq!((cell.counts.stuck, cell.approximate), (2, approximate), "{open} open by the engine's count");
    }
}
