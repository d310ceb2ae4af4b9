//! Runbooks: steps one after the other, each only once the one before is verified, and none of them sent twice; what they
//! switch off, and how that ends.

use std::sync::Arc;

use crate::support::crowd::{Crowd, Fate, name};
use crate::support::ledger::verified;
use crate::support::matrix::record;
use crate::support::moments::{Moment, Moments, taken_up};
use crate::support::runs::{Place, asked, but, carried, request, settled, stands, wish};
use quarterdeck::domain::remediation::{ItemState, Risk, Verb};
use quarterdeck::domain::remedy::{Remedy, Wished};
use quarterdeck::domain::wide::{Control, WideState};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, OpsError, PlanWish, RequestOf, Selection};
use quarterdeck::query::Filter;
use serde_json::{Value, json};

const CONFIG: &str = r#"
[[policy]]
name = "no drains by night"
when = "request.runbook == 'drain@9'"
decision = "deny"
reason = "not by night"

[[policy]]
name = "no cancels"
when = "request.verb == 'cancel'"
decision = "deny"
reason = "nobody cancels here"

[[runbook]]
name = "drain"
version = 1
steps = [{ verb = "pause" }, { verb = "resume" }]
suggested_for = ["flow:Migration/run"]
switches_off = ["retries of the old code", "its alert"]
rearm = "deploy it again"
undo = "refill@1"
[runbook.parameters]
required = ["shard"]
[runbook.parameters.properties]
shard = { type = "string", pattern = "^s[0-9]+$" }
minutes = { type = "integer", minimum = 1, default = 5 }

[[runbook]]
name = "drain"
version = 9
steps = [{ verb = "pause" }, { verb = "resume" }]
undo = "none"

[[runbook]]
name = "refill"
version = 1
steps = [{ verb = "pause" }]
undo = "none"
parameters = { required = ["shard"], properties = { shard = { type = "string" } } }

[[runbook]]
name = "end"
version = 1
steps = [{ verb = "pause" }, { verb = "cancel" }]
undo = "none"

[[runbook]]
name = "twice"
version = 1
steps = [{ verb = "pause" }, { verb = "pause" }]
undo = "none"
"#;

fn runbook(named: &str, parameters: Value, waves: &str) -> PlanWish {
    let Value::Object(parameters) = parameters else { panic!("{parameters}") };
    let (name, version) = named.split_once('@').map_or((named, None), |(name, version)| (name, Some(version)));
    let remedy = Remedy::Runbook(Wished { name: name.into(), version: version.map(Into::into), parameters });
    let selection = Selection::Matching {
        filter: Filter::parse("flow:Migration/run").unwrap(),
        without: std::iter::empty().collect(),
    };
    PlanWish { remedy, selection, ..wish(waves) }
}

fn drain(waves: &str) -> PlanWish {
    runbook("drain@1", json!({ "shard": "s7" }), waves)
}

/// Of these, each of which tries again and again by itself.
fn trying(count: usize) -> Arc<Crowd> {
    Crowd::retrying(count)
}

async fn off(hub: &Hub) -> Vec<String> {
    let all = hub.in_force().await.unwrap().side_effects;
    all.iter().map(|one| format!("{} ({}), {} by {}", one.what, one.way_back, one.remediation, one.by)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_step_is_sent_once_the_one_before_is_verified() {
    let place = Place::new(trying(8), CONFIG);
    let hub = place.hub("ada").await;
    let plan = hub.plan_of_many(&drain("probe,rest")).await.unwrap();
    assert_eq!((plan.frozen.remedy.name().as_str(), plan.frozen.risk()), ("drain@1", Risk::Reversible));
    assert_eq!(plan.frozen.remedy.way_back(), "refill@1, by a plan of its own");
    let effects: Vec<(String, usize)> = plan.effects.iter().map(|(effect, of)| (effect.to_string(), *of)).collect();
    let both = "1. pause: it goes on; once that is verified, 2. resume: it goes on".to_owned();
    assert_eq!(effects, [(both, 8)]);
    let told: Vec<String> = plan.switches_off.iter().map(|off| format!("{}: {}", off.what, off.way_back)).collect();
    assert_eq!(told, ["retries of the old code: deploy it again", "its alert: deploy it again"]);
    assert_eq!(hub.plan_of_many(&drain("probe,rest")).await.unwrap().hash, plan.hash);
    let one = request(&hub, &plan).await.unwrap();
    assert!(off(&hub).await.is_empty(), "nothing is done yet");
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "8 verified".to_owned()), "{:#?}", done.head);
    assert!(
        done.items.iter().all(|item| *item.words == *"step 2 of 2 (resume): verified: it succeeded"),
        "{:?}",
        done.items
    );
    for n in 0..8 {
        assert_eq!(place.crowd.done_to(n), [Verb::Pause, Verb::Resume], "{n}");
    }
    assert_eq!(place.crowd.twice(), Vec::<String>::new(), "each step has a key of its own");
    // The first wave is all through before the next one begins, and of each item the record has every step in its order.
    let acted = place.crowd.acted_on();
    assert_eq!(acted[..2], [name(0), name(0)]);
    for item in done.items.iter() {
        let subject = item.target.id.to_string();
        let told = done.history.iter().filter(|told| *told.subject == *subject);
        let told: Vec<(String, String)> = told.map(|told| (told.action.to_string(), told.text.to_string())).collect();
        let actions: Vec<&str> = told.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["act", "answer", "outcome", "act", "answer", "outcome"], "{subject}");
        assert!(told[0].1.contains("step: 1") && told[3].1.contains("step: 2"), "{told:?}");
        assert_eq!(told[2].1, "step 1 of 2 (pause): verified: it is paused");
    }
    assert!(verified(place.dir.path()).broken.is_none());
    let by = format!("(deploy it again), {} by ada", one.id);
    assert_eq!(off(&hub).await, [format!("its alert {by}"), format!("retries of the old code {by}")]);
}

#[tokio::test(start_paused = true)]
async fn what_breaks_the_schema_is_refused_by_its_path() {
    let place = Place::new(trying(2), CONFIG);
    let hub = place.hub("ada").await;
    for (named, parameters, why) in [
        (
            "drain@1",
            json!({}),
            "the parameters of drain@1 are not as it wants them: $.shard: \"shard\" is a required property",
        ),
        (
            "drain@1",
            json!({"shard": "seven"}),
            "the parameters of drain@1 are not as it wants them: $.shard: \"seven\" does not match \"^s[0-9]+$\"",
        ),
        (
            "drain@1",
            json!({"shard": "s7", "minutes": 0}),
            "the parameters of drain@1 are not as it wants them: $.minutes: 0 is less than the minimum of 1",
        ),
        ("drain", json!({"shard": "s7"}), "there are several versions of drain: name one of drain@1, drain@9"),
        ("drain@2", json!({}), "there is no runbook drain@2; there is drain@1, drain@9"),
        (
            "drian",
            json!({}),
            "there is no runbook drian (did you mean \"drain\"?); there are: drain@1, drain@9, refill@1, end@1, twice@1",
        ),
        ("twice", json!({}), "none of the 2 that match can be acted on: step 2 (pause): it is paused"),
    ] {
        let refused = hub.plan_of_many(&runbook(named, parameters, "rest")).await.unwrap_err();
        assert_eq!(refused, OpsError::Refused(why.into()));
    }
    assert!(place.crowd.acted_on().is_empty());
}

#[tokio::test(start_paused = true)]
async fn policies_see_the_runbook_and_each_of_its_verbs() {
    let place = Place::new(trying(2), CONFIG);
    let hub = place.hub("ada").await;
    for (named, parameters, why) in
        [("drain@9", json!({}), "not by night"), ("end@1", json!({}), "nobody cancels here")]
    {
        let plan = hub.plan_of_many(&runbook(named, parameters, "rest")).await.unwrap();
        let denied = plan.policy.denial().unwrap_or_default();
        assert!(denied.contains(why), "{named}: {denied}");
        let refused = request(&hub, &plan).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let fine = hub.plan_of_many(&drain("rest")).await.unwrap();
    assert_eq!(fine.policy.denial(), None);
    let end = hub.plan_of_many(&runbook("end", json!({}), "rest")).await.unwrap();
    assert_eq!(end.frozen.risk(), Risk::Irreversible, "as bad as the worst of its steps");
}

#[tokio::test(start_paused = true)]
async fn a_second_step_that_fails_says_what_was_done_before() {
    let place = Place::new(trying(3), CONFIG);
    let hub = place.hub("ada").await;
    let one = asked(&hub, &drain("probe,rest")).await;
    place.crowd.fate_of_verb(Verb::Resume, Fate::Refused);
    let held = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&held), (WideState::Held, "2 pending, 1 failed".to_owned()));
    assert_eq!(held.items[0].words, "step 2 of 2 (resume): refused: 409: not now; done before: pause");
    assert_eq!(place.crowd.done_to(0), [Verb::Pause], "the refused one did nothing");
    assert_eq!(off(&hub).await.len(), 2, "what its first step switched off is off");
    let aborted = carried(&hub, &one.id, Control::Abort).await;
    assert_eq!(stands(&aborted), (WideState::Aborted, "2 skipped, 1 failed".to_owned()));
    assert_eq!(off(&hub).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_steps_that_held_before_one_that_failed_can_be_taken_back() {
    let config = r#"
[[runbook]]
name = "stop"
version = 1
steps = [{ verb = "pause" }, { verb = "cancel" }]
undo = "go@1"

[[runbook]]
name = "go"
version = 1
steps = [{ verb = "resume" }]
undo = "none"
"#;
    let place = Place::new(trying(3), config);
    let hub = place.hub("ada").await;
    let one = asked(&hub, &runbook("stop@1", json!({}), "probe,rest")).await;
    place.crowd.fate_of_verb(Verb::Cancel, Fate::Refused);
    let held = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&held), (WideState::Held, "2 pending, 1 failed".to_owned()));
    carried(&hub, &one.id, Control::Abort).await;
    hub.pass().await;
    let plan = hub.plan_rollback(&one.id).await.unwrap();
    assert_eq!(plan.frozen.remedy.name(), "go@1");
    let targets: Vec<&str> = plan.frozen.targets.iter().map(|target| &*target.id.instance).collect();
    assert_eq!(targets, ["i000"], "it failed after its first step, which is taken back");
    let skipped: Vec<(&str, &str)> = plan.skipped.iter().map(|one| (&*one.id.instance, &*one.reason)).collect();
    let why = "nothing was sent to it, so there is nothing to take back";
    assert_eq!(skipped, [("i001", why), ("i002", why)]);
    let back = RequestOf {
        plan_hash: plan.hash.clone(),
        reason: "half a stop is none".into(),
        ticket: None,
        takes_back: Some(one.id.clone()),
        break_glass: None,
    };
    let back = hub.request(&back).await.unwrap();
    let done = carried(&hub, &back.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "1 verified".to_owned()), "{:?}", done.items);
    assert_eq!(place.crowd.done_to(0), [Verb::Pause, Verb::Resume]);
    assert_eq!(hub.wide_remediation(&one.id).await.unwrap().head.state, WideState::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn a_first_step_that_fails_or_is_unknown_is_followed_by_none() {
    for (fate, state, words) in [
        (Fate::Refused, ItemState::Failed, "step 1 of 2 (pause): refused: 409: not now; not sent: resume"),
        (
            Fate::Vanished,
            ItemState::Unknown,
            "step 1 of 2 (pause): UNKNOWN whether the engine took it; nothing was sent again. Seen: it is still backing off in apply; not sent: resume",
        ),
    ] {
        let place = Place::new(trying(1), CONFIG);
        let hub = place.hub("ada").await;
        let one = asked(&hub, &drain("rest")).await;
        place.crowd.fate_of_verb(Verb::Pause, fate);
        let done = carried(&hub, &one.id, Control::Run).await;
        assert_eq!((done.items[0].state, done.items[0].words.as_str()), (state, words));
        assert!(place.crowd.done_to(0).is_empty());
        assert!(off(&hub).await.is_empty(), "nothing is known to be done");
    }
    // One whose answer was lost is followed once its postcondition is seen.
    let place = Place::new(trying(1), CONFIG);
    let hub = place.hub("ada").await;
    let one = asked(&hub, &drain("rest")).await;
    place.crowd.fate_of_verb(Verb::Pause, Fate::Lost);
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "1 verified".to_owned()), "{:?}", done.items);
    assert_eq!(place.crowd.done_to(0), [Verb::Pause, Verb::Resume]);
}

#[tokio::test(start_paused = true)]
async fn a_change_between_two_steps_ends_the_item_with_what_was_done() {
    let place = Place::new(trying(3), CONFIG);
    let hub = place.hub("ada").await;
    let one = asked(&hub, &drain("rest")).await;
    place.crowd.changes_after(1, Verb::Pause);
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Partial, "2 verified, 1 failed".to_owned()), "{:#?}", done.items);
    let others = but(&done, ItemState::Verified);
    let [(who, ItemState::Failed, words)] = &others[..] else { panic!("{others:?}") };
    let begins =
        "step 1 of 2 (pause): verified: it is paused; step 2 (resume) was not sent: changed: now paused in apply";
    assert!(who == "i001" && words.starts_with(begins), "{words}");
    assert_eq!(place.crowd.done_to(1), [Verb::Pause]);
}

#[tokio::test(start_paused = true)]
async fn who_aborts_between_two_steps_is_told_what_was_done() {
    let place = Place::new(trying(4), CONFIG);
    let hub = place.hub("ada").await;
    let slow = PlanWish {
        pace: quarterdeck::domain::plan::Pace { concurrency: 1, per_second: 1, max_errors: 3 },
        ..drain("rest")
    };
    let one = asked(&hub, &slow).await;
    hub.control(&one.id, Control::Run).await.unwrap();
    while place.crowd.acted_on().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    hub.control(&one.id, Control::Abort).await.unwrap();
    let done = settled(&hub, &one.id).await;
    assert_eq!(done.head.state, WideState::Aborted);
    for (n, item) in done.items.iter().enumerate() {
        let did = place.crowd.done_to(n);
        let state = match did.len() {
            0 => ItemState::Skipped,
            1 => ItemState::Failed,
            _ => ItemState::Verified,
        };
        assert!(item.ended && item.state == state, "{did:?} {item:?}");
        let told = item.words.contains("left out: it was aborted before this was sent");
        assert_eq!(told, did.len() < 2, "{item:?}");
    }
    assert!(done.items.iter().any(|item| item.state == ItemState::Failed), "{:?}", done.items);
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_off_is_listed_until_it_is_armed_again() {
    let place = Place::new(trying(2), CONFIG);
    let hub = place.hub("ada").await;
    let one = asked(&hub, &drain("rest")).await;
    carried(&hub, &one.id, Control::Run).await;
    let all = hub.in_force().await.unwrap().side_effects;
    assert_eq!(all.len(), 2);
    let first = all[0].id.clone();
    let other = place.hub("ben").await;
    assert_eq!(other.rearmed(&first, " x ").await, Err(OpsError::Refused("a reason is needed, for the record".into())));
    assert_eq!(
        other.rearmed("nothing", "it is on").await,
        Err(OpsError::NotFound("there is no side effect nothing".into()))
    );
    assert_eq!(off(&hub).await.len(), 2);
    other.rearmed(&first, "deployed at noon").await.unwrap();
    assert_eq!(hub.in_force().await.unwrap().side_effects, all[1..]);
    let again = hub.rearmed(&first, "once more").await.unwrap_err();
    assert!(
        again.to_string().starts_with(&format!("{first} was armed again at "))
            && again.to_string().ends_with(" by ben"),
        "{again}"
    );
    let told = hub.wide_remediation(&one.id).await.unwrap().history;
    let noted: Vec<_> = told.iter().filter(|told| told.action == "rearm").collect();
    assert_eq!(noted.len(), 1, "{told:?}");
    assert!(noted[0].text == "deployed at noon" && noted[0].actor == "ben", "{noted:?}");
    assert!(verified(place.dir.path()).broken.is_none());
}

#[tokio::test(start_paused = true)]
async fn taking_a_runbook_back_ends_what_it_switched_off() {
    let place = Place::new(trying(3), CONFIG);
    let hub = place.hub("ada").await;
    place.crowd.never_ends(true);
    let one = asked(&hub, &drain("rest")).await;
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "3 verified".to_owned()), "{:?}", done.items);
    let before = off(&hub).await;
    assert_eq!(before.len(), 2);
    hub.pass().await;
    let undo = done.head.plan.frozen.remedy.undo().unwrap();
    let Remedy::Runbook(wished) = &undo else { panic!("{undo:?}") };
    assert_eq!(Value::Object(wished.parameters.clone()), json!({"shard": "s7"}), "what both of them take");
    let plan = hub.plan_of_many(&PlanWish { remedy: undo, ..drain("rest") }).await.unwrap();
    assert_eq!(plan.frozen.remedy.name(), "refill@1");
    let back = RequestOf {
        plan_hash: plan.hash.clone(),
        reason: "it was the wrong database".into(),
        ticket: None,
        takes_back: Some(one.id.clone()),
        break_glass: None,
    };
    let back = hub.request(&back).await.unwrap();
    assert_eq!(off(&hub).await, before, "asking changes nothing");
    let done = carried(&hub, &back.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "3 verified".to_owned()), "{:?}", done.items);
    assert_eq!(hub.wide_remediation(&one.id).await.unwrap().head.state, WideState::RolledBack);
    assert!(off(&hub).await.is_empty());
    let why = done.head.plan.frozen.remedy.undo().unwrap_err();
    assert_eq!(why, "none: refill@1 names nothing that takes it back");
}

#[tokio::test(start_paused = true)]
async fn runbooks_are_offered_with_how_many_they_are_suggested_for() {
    let place = Place::new(trying(3), CONFIG);
    let hub = place.hub("ada").await;
    let selection = drain("rest").selection;
    let offers = hub.runbooks(Some(&selection)).await.unwrap();
    let told: Vec<(String, u64)> = offers.iter().map(|offer| (offer.runbook.id.to_string(), offer.suggested)).collect();
    assert_eq!(told[0], ("drain@1".to_owned(), 3));
    assert!(told.len() == 5 && told[1..].iter().all(|(_, suggested)| *suggested == 0), "{told:?}");
    assert_eq!(hub.runbooks(None).await.unwrap().len(), 5);
}

/// A process that is killed leaves what is on its disk at that moment: at each question that it asks its engine, what is
/// there is kept, and another process takes it up.
#[tokio::test(start_paused = true)]
async fn a_process_may_end_between_and_in_the_steps() {
    let mut ended = 0;
    for lost in [false, true] {
        let place = Place::new(trying(3), CONFIG);
        if lost {
            place.crowd.fate_of(1, Fate::Lost);
        }
        let hub = place.hub("ada").await;
        let one = asked(&hub, &drain("probe,rest")).await;
        let moments = Moments::of(&place, |_| true);
        let done = carried(&hub, &one.id, Control::Run).await;
        assert_eq!(stands(&done), (WideState::Succeeded, "3 verified".to_owned()));
        drop(hub);
        for moment in moments.kept() {
            for arrived in moment.may_have_arrived() {
                ended_in_the_steps(&place, &moment, &one.id, &arrived).await;
                ended += 1;
            }
        }
    }
    record("acts-once", ended, 40);
}

/// The first act that has arrived on an instance was the first step.
async fn ended_in_the_steps(place: &Place, moment: &Moment, id: &str, arrived: &[String]) {
    let crowd = trying(3);
    for instance in arrived {
        crowd.arrived_in_turn(instance, &[Verb::Pause, Verb::Resume]);
    }
    let before: Vec<usize> = (0..3).map(|n| arrived.iter().filter(|one| **one == name(n)).count()).collect();
    let (after, detail) = taken_up(place, &moment.disk, id, crowd).await;
    for (n, before) in before.into_iter().enumerate() {
        let all: Vec<Verb> =
            [Verb::Pause, Verb::Resume][..before].iter().copied().chain(after.crowd.done_to(n)).collect();
        let order = [Verb::Pause, Verb::Resume];
        assert_eq!(all, order[..all.len().min(2)], "each step once, and in its order");
        let item = &detail.items[n];
        assert!(item.ended && (item.state != ItemState::Verified || all.len() == 2), "{item:?} {all:?}");
    }
}
