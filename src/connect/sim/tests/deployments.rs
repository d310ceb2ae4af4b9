//! The main incident came with new code: what is stuck goes on on the code before it, and the service may be put back.

use super::*;
use crate::connect::sim::deployments::{BAD, GOOD};
use crate::domain::plan::DEPLOYMENT;

const FLOW: &str = "schema-migration";

async fn resume_on(stage: &Stage, deployment: &str, id: &str) -> ActAnswer {
    let parameters = Parameters::from([(DEPLOYMENT.into(), deployment.into())]);
    let act = Act { verb: Verb::Resume, parameters, instance: id.into(), key: format!("{deployment} {id}").into() };
    stage.plane("platform").act(&act).await
}

/// Id, revision, whether it is current, and how many stay on it and fail there.
async fn told(stage: &Stage) -> Vec<(String, u64, bool, u64)> {
    let all = stage.plane("platform").deployments(FLOW).await.unwrap();
    assert!(all.iter().all(|one| one.failing <= one.pinned));
    all.into_iter().map(|one| (one.id.to_string(), one.revision, one.current, one.failing)).collect()
}

#[tokio::test]
async fn what_is_stuck_on_the_new_code_goes_on_on_the_code_before_it() {
    let stage = Stage::new(SEED);
    stage.at(MINUTE);
    let stuck: Vec<String> =
        stage.pass().await.exhausted_migrations().iter().map(|f| f.id.instance.to_string()).collect();
    let before = told(&stage).await;
    assert_eq!((before[0].0.as_str(), before[0].1, before[0].2), (BAD, 42, true));
    assert_eq!((before[1].0.as_str(), before[1].1, before[1].2), (GOOD, 41, false));
    assert!(before[0].3 >= stuck.len() as u64, "{before:?}");
    assert!(stage.plane("accounts").deployments(FLOW).await.unwrap().is_empty());
    assert!(stage.plane("platform").deployments("tenant-provisioning").await.unwrap().is_empty());
    // On the code that fails it fails again.
    assert_eq!(resume_on(&stage, GOOD, &stuck[0]).await, ActAnswer::Accepted);
    assert_eq!(resume_on(&stage, BAD, &stuck[1]).await, ActAnswer::Accepted);
    assert_eq!(resume_on(&stage, "dp_9", &stuck[2]).await, ActAnswer::Refused("there is no deployment dp_9".into()));
    stage.at(MINUTE + 40 * SECOND);
    assert_eq!(stage.status(&stuck[0]).await, Status::Succeeded);
    assert_eq!(stage.status(&stuck[1]).await, Status::Paused);
}

#[tokio::test]
async fn a_service_that_was_put_back_breaks_nothing_new_and_what_was_stuck_stays_so() {
    let stage = Stage::new(SEED);
    stage.at(MINUTE);
    let plane = stage.plane("platform");
    assert!(plane.plan_put_back(FLOW, GOOD, BAD).await.is_err());
    assert!(plane.plan_put_back("tenant-provisioning", BAD, GOOD).await.is_err());
    let back = plane.plan_put_back(FLOW, BAD, GOOD).await.unwrap();
    assert_eq!((&*back.from.id, &*back.to.id, told(&stage).await[0].2), (BAD, GOOD, true), "looking changes nothing");
    assert_eq!(plane.put_back(FLOW, BAD, GOOD).await, ActAnswer::Done);
    let after = told(&stage).await;
    assert_eq!((after[0].0.as_str(), after[0].1, after[0].2, after[1].2), (GOOD, 43, true, false));
    assert!(matches!(plane.put_back(FLOW, BAD, GOOD).await, ActAnswer::Refused(_)), "it is there already");
    let stuck = stage.pass().await.exhausted_migrations().len();
    assert!(stuck >= 61);
    // Without it, one more is stuck every 15 s.
    stage.at(6 * MINUTE);
    let later = stage.pass().await.exhausted_migrations().len();
    assert!(later <= stuck + 1, "{later} are stuck, and {stuck} were");
}
