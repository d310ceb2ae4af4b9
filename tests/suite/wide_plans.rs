//! What a plan of many knows of what it would do to the world outside, and of whether its cause is still there.

use crate::support::crowd::Crowd;
use crate::support::runs::{Place, wish, wish_for};
use quarterdeck::domain::plan::WidePlan;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, PlanWish};

async fn planned(hub: &Hub, wish: &PlanWish) -> WidePlan {
    hub.pass().await;
    hub.plan_of_many(wish).await.unwrap()
}

#[tokio::test]
async fn money_and_messages_are_counted_where_the_config_tells_of_them() {
    let steps = "[[step]]\nflow = \"Migration/*\"\nstep = \"apply\"\nmoves_money = true\nmessages = 2\n";
    let place = Place::new(Crowd::of(4), steps);
    let hub = place.hub("ada").await;
    let plan = planned(&hub, &wish("probe,rest")).await;
    assert_eq!((plan.blast.money_steps.exact(), plan.blast.messages.exact()), (Some(4), Some(8)));
    let approvals = plan.policy.approvals().unwrap();
    assert!(approvals.contains("money moves: 4 steps"), "{approvals}");
    assert!(approvals.contains("messages are sent to people once more: 8"), "{approvals}");
    let one = hub.plan(Verb::Resume, &plan.frozen.targets[0].id).await.unwrap();
    assert!(one.policy.approvals().unwrap().contains("money moves: 1 steps"), "{:?}", one.policy);

    let untold = Place::new(Crowd::of(4), "").hub("ada").await;
    let plan = planned(&untold, &wish("probe,rest")).await;
    assert_eq!((plan.blast.money_steps.exact(), plan.blast.messages.words().as_str()), (None, "not known"));
    assert!(plan.policy.approvals().is_none());
}

#[tokio::test]
async fn a_plan_says_while_its_cause_is_still_failing() {
    let rule = "[[policy]]\nname = \"mended\"\nwhen = \"has(plan.cause_failing) && plan.cause_failing\"\n\
        decision = \"deny\"\nreason = \"the cause is still there\"\n";
    let place = Place::new(Crowd::of(4), rule);
    let hub = place.hub("ada").await;
    let before = planned(&hub, &wish_for(0..2, "rest")).await;
    assert_eq!(before.blast.cause_failing(before.made_at), None, "the last one failed five minutes ago");
    assert!(
        before.blast.cause_words(before.made_at).unwrap().contains("the last try failed 5 min"),
        "{:?}",
        before.blast
    );
    assert!(before.policy.denial().is_none());
    // One that is no target, and of the same cohort.
    place.crowd.fails(3);
    let plan = planned(&hub, &wish_for(0..2, "rest")).await;
    assert_eq!(plan.blast.cause_failing(plan.made_at), Some(true));
    assert!(plan.blast.cause_words(plan.made_at).unwrap().starts_with("still failing: "), "{:?}", plan.blast);
    assert!(plan.policy.denial().unwrap().contains("the cause is still there"), "{:?}", plan.policy);
    assert_eq!(plan.hash, before.hash, "what is known of the world is no part of what is to be done");
}
