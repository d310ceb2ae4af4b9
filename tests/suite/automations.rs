//! Automations over a hub: what they note and how it is scored, that one which proposes never starts, that several
//! processes count once, that a silent source counts nothing, and a freeze that an automation can't pass and an incident
//! role can.

use std::path::Path;
use std::sync::Arc;

use crate::support::crowd::{CROWD, Crowd, Fate};
use crate::support::ledger::{detail, entries};
use crate::support::runs::{Place, asked, carried, review, settled, wish_for};
use jiff::SignedDuration;
use quarterdeck::config::Config;
use quarterdeck::domain::approval::Answer;
use quarterdeck::domain::automation::{AutomationStatus, Tally};
use quarterdeck::domain::in_force::{Borrowed, BorrowedKind};
use quarterdeck::domain::wide::{Control, WideRemediation, WideState};
use quarterdeck::hub::Hub;
use quarterdeck::hub::automations::Automations;
use quarterdeck::ops::{Ops, OpsError, RequestOf};

/// One that resumes what the engine has paused, a minute after it was seen.
fn automation(more: &str) -> String {
    format!(
        "[[automation]]\nname = \"paused\"\nwhen = \"rule:exhausted\"\nverb = \"resume\"\nafter = \"1m\"\n\
         cooldown = \"10m\"\nwatch = \"30m\"\nreason = \"it mostly helps\"\n{more}\n"
    )
}

/// A hub with these automations that has looked once. It is made as the program makes it.
async fn watching(place: &Place, operator: &str, automations: &str) -> Arc<Hub> {
    let source = format!("[[source]]\nname = \"{CROWD}\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:9\"\n");
    let config = Config::parse(&format!("{automations}{source}"), "config.toml", None).unwrap();
    let hub = place.hub(operator).await;
    hub.automates(Automations::compile(&config.automations).unwrap());
    hub.look_of_automations().await;
    hub
}

/// A pass, and what the automations make of it.
async fn look(hub: &Hub) {
    hub.pass().await;
    hub.look_of_automations().await;
}

/// The same, so much later.
async fn look_after(place: &Place, hub: &Hub, seconds: i64) {
    place.wait(seconds);
    look(hub).await;
}

async fn stands(hub: &Hub) -> AutomationStatus {
    let [one] = &hub.automations().await.unwrap()[..] else { panic!("there is one") };
    one.clone()
}

async fn tally(hub: &Hub) -> Tally {
    stands(hub).await.tally
}

fn open(open: u64) -> Tally {
    Tally { open, ..Tally::default() }
}

/// The actors of the entries of an action.
fn actors(dir: &Path, action: &str) -> Vec<String> {
    entries(dir).into_iter().filter(|entry| entry.action == action).map(|entry| entry.actor).collect()
}

async fn wides(hub: &Hub) -> Vec<Arc<WideRemediation>> {
    hub.wide_remediations_anew().await.unwrap().to_vec()
}

#[tokio::test(start_paused = true)]
async fn what_it_would_have_done_is_noted_once_and_scored_by_what_became_of_it() {
    let place = Place::new(Crowd::of(5), "");
    let hub = watching(&place, "ada", &automation("")).await;
    assert_eq!(tally(&hub).await, Tally::default(), "not before it has matched for a minute");
    look_after(&place, &hub, 61).await;
    assert_eq!(tally(&hub).await, open(5));
    // The audit has it as a dry run of the automation's own, and nothing was asked for.
    let dry = entries(place.dir.path());
    let dry: Vec<_> = dry.iter().filter(|entry| entry.actor == "automation:paused").collect();
    let [dry] = &dry[..] else { panic!("{dry:?}") };
    assert_eq!((dry.action.as_str(), dry.subject.as_str()), ("dry_run", "automation paused"));
    assert_eq!((&detail(dry)["targets"], &detail(dry)["mode"]), (&5.into(), &"observe".into()));
    assert!(wides(&hub).await.is_empty() && place.crowd.acted_on().is_empty());
    // Somebody resumes two here: one succeeds, and one fails again.
    place.crowd.fate_of(1, Fate::FailsAgain("disk full"));
    let run = asked(&hub, &wish_for(0..2, "rest")).await;
    carried(&hub, &run.id, Control::Run).await;
    look_after(&place, &hub, 11).await;
    assert_eq!(tally(&hub).await, Tally { open: 3, hit: 1, miss: 1, unknown: 0 });
    // One is resumed outside: what is paused does not go on by itself.
    place.crowd.arrived("i002");
    look_after(&place, &hub, 11).await;
    assert_eq!(tally(&hub).await, Tally { open: 2, hit: 2, miss: 1, unknown: 0 });
    // Again and again it is not noted once more; and when the watch ends nothing can be said of the rest.
    for _ in 0..4 {
        look_after(&place, &hub, 300).await;
    }
    assert_eq!(tally(&hub).await.would(), 5);
    look_after(&place, &hub, 1_800).await;
    assert_eq!(tally(&hub).await, Tally { open: 0, hit: 2, miss: 1, unknown: 2 });
    let status = stands(&hub).await;
    assert!(status.last.unwrap() > status.since.unwrap() && status.refused.is_none() && status.proposed == 0);
}

#[tokio::test(start_paused = true)]
async fn limits_hold_over_all_processes_and_each_instance_counts_once() {
    let place = Place::new(Crowd::of(7), "");
    let rule = automation("at_most = 3\nper_hour = 2");
    let [ada, ben] = [watching(&place, "ada", &rule).await, watching(&place, "ben", &rule).await];
    place.wait(61);
    // Two look at one moment.
    tokio::join!(look(&ada), look(&ben));
    assert_eq!((tally(&ada).await, tally(&ben).await), (open(3), open(3)));
    // Neither the one nor the other goes on before the time that is to pass.
    for hub in [&ada, &ben] {
        look_after(&place, hub, 60).await;
    }
    assert_eq!(tally(&ada).await, open(3));
    place.wait(600);
    tokio::join!(look(&ben), look(&ada));
    assert_eq!(tally(&ada).await, open(6));
    // Twice an hour.
    for hub in [&ada, &ben] {
        look_after(&place, hub, 700).await;
    }
    assert_eq!(tally(&ada).await.would(), 6);
    for hub in [&ada, &ben] {
        look_after(&place, hub, 3_600).await;
    }
    assert_eq!(tally(&ben).await.would(), 7);
    let dry = actors(place.dir.path(), "dry_run");
    assert_eq!(dry.iter().filter(|actor| *actor == "automation:paused").count(), 3);
    // A third process knows all of it, and begins nothing anew.
    let cleo = watching(&place, "cleo", &rule).await;
    look_after(&place, &cleo, 4_000).await;
    assert_eq!(tally(&cleo).await.would(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_not_live_counts_nothing_and_begins_anew() {
    let place = Place::new(Crowd::of(4), "");
    let hub = watching(&place, "ada", &automation("")).await;
    place.crowd.reachable(false);
    look_after(&place, &hub, 120).await;
    assert_eq!(tally(&hub).await, Tally::default());
    // It answers again: what was before is not known to have been so all the time.
    place.crowd.reachable(true);
    look(&hub).await;
    look(&hub).await;
    assert_eq!(tally(&hub).await, Tally::default());
    look_after(&place, &hub, 61).await;
    assert_eq!(tally(&hub).await, open(4));
    // Silent at the end of the watch: unknown, and neither good nor bad.
    place.crowd.arrived("i000");
    place.crowd.reachable(false);
    look_after(&place, &hub, 600).await;
    assert_eq!(tally(&hub).await, open(4));
    look_after(&place, &hub, 1_800).await;
    assert_eq!(tally(&hub).await, Tally { unknown: 4, ..Tally::default() });
}

#[tokio::test(start_paused = true)]
async fn a_cohort_has_to_be_as_large_as_is_asked() {
    let place = Place::new(Crowd::of(4), "");
    let hub = watching(&place, "ada", &automation("cohort_at_least = 5")).await;
    look_after(&place, &hub, 120).await;
    assert_eq!(tally(&hub).await, Tally::default());
    let place = Place::new(Crowd::of(5), "");
    let hub = watching(&place, "ada", &automation("cohort_at_least = 5")).await;
    look_after(&place, &hub, 120).await;
    assert_eq!(tally(&hub).await, open(5));
}

#[tokio::test(start_paused = true)]
async fn one_that_proposes_waits_for_a_person_though_nothing_else_asks_for_one() {
    // Two targets: no policy asks for an approval of anybody's.
    let place = Place::new(Crowd::of(2), "");
    let ada = watching(&place, "ada", &automation("mode = \"propose\"")).await;
    let polling = ada.start();
    look_after(&place, &ada, 61).await;
    let all = wides(&ada).await;
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!((one.state, one.requested_by.as_str()), (WideState::AwaitingApproval, "automation:paused"));
    assert_eq!(one.reason, "it mostly helps");
    assert!(one.outcome.contains("a person has to agree"), "{}", one.outcome);
    assert!(actors(place.dir.path(), "request").contains(&"automation:paused".to_owned()));
    // An open cockpit starts what is approved: not this.
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert!(matches!(ada.control(&one.id, Control::Run).await, Err(OpsError::Refused(_))));
    assert!(place.crowd.acted_on().is_empty());
    // No automation approves, under whichever spelling.
    for name in ["automation:paused", "automation:other", "Automation: paused"] {
        let hub = place.hub(name).await;
        let Err(OpsError::Refused(why)) = review(&hub, one, Answer::Approve).await else { panic!("{name}") };
        assert!(why.contains("no automation approves"), "{why}");
    }
    assert_eq!(wides(&ada).await[0].state, WideState::AwaitingApproval);
    // A person does, and then it runs; what it did is a hit.
    let approved = review(&ada, one, Answer::Approve).await.unwrap();
    assert_eq!(approved.state, WideState::Approved);
    // The open cockpit starts it now.
    let done = loop {
        let done = settled(&ada, &one.id).await;
        if done.head.state.ended() {
            break done;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    };
    assert_eq!(done.head.state, WideState::Succeeded);
    assert_eq!(place.crowd.acted_on().len(), 2);
    look_after(&place, &ada, 11).await;
    let status = stands(&ada).await;
    assert_eq!((status.tally, status.proposed), (Tally { hit: 2, ..Tally::default() }, 1));
    drop(polling);
}

/// A freeze for everything, which responders may override.
const FREEZE: &str = "[roles]\nresponder = [\"ada\", \"automation:paused\"]\n\
    [[freeze]]\nname = \"launch\"\nfrom = \"2020-01-01T00:00:00Z\"\nuntil = \"2099-01-01T00:00:00Z\"\n\
    override_roles = [\"responder\"]\nreason = \"the launch\"\n";

async fn borrowed(hub: &Hub) -> Vec<Borrowed> {
    hub.in_force().await.unwrap().borrowed
}

/// Story 14: the automation is refused, and an incident role is allowed with a reason and an end, which is listed as
/// borrowed time.
#[tokio::test(start_paused = true)]
async fn a_freeze_refuses_an_automation_and_lets_an_incident_role_through_on_borrowed_time() {
    let place = Place::new(Crowd::of(2), FREEZE);
    let ada = watching(&place, "ada", &automation("mode = \"propose\"")).await;
    look_after(&place, &ada, 61).await;
    let status = stands(&ada).await;
    assert_eq!((status.tally, status.proposed), (open(2), 0));
    let refused = status.refused.unwrap().why;
    assert!(refused.contains("not allowed: freeze launch: the launch"), "{refused}");
    assert!(wides(&ada).await.is_empty() && borrowed(&ada).await.is_empty());
    assert_eq!(actors(place.dir.path(), "refusal"), ["automation:paused"]);
    // It tries again only after its cooldown, whatever the number of looks.
    for _ in 0..5 {
        look_after(&place, &ada, 60).await;
    }
    assert_eq!(actors(place.dir.path(), "refusal").len(), 1);
    look_after(&place, &ada, 600).await;
    assert_eq!(actors(place.dir.path(), "refusal").len(), 2);
    // A person of the role, with a reason and an end.
    let plan = ada.plan_of_many(&wish_for(0..2, "rest")).await.unwrap();
    assert!(plan.policy.denial().unwrap().contains("responder may override it"));
    let with = |lasting: i64| RequestOf {
        plan_hash: plan.hash.clone(),
        reason: "customers are waiting".into(),
        ticket: None,
        takes_back: None,
        break_glass: Some(("responder".into(), SignedDuration::from_hours(lasting))),
    };
    let Err(OpsError::Refused(why)) = ada.request(&with(5)).await else { panic!("longer than it may last") };
    assert!(why.contains("an override lasts 4h at most"), "{why}");
    let run = ada.request(&with(1)).await.unwrap();
    assert_eq!(run.state, WideState::Approved);
    let all = borrowed(&ada).await;
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (one.kind, one.by.as_str(), one.reason.as_str()),
        (BorrowedKind::BreakGlass, "ada", "customers are waiting")
    );
    assert!(one.what.contains("freeze launch is overridden as responder"), "{}", one.what);
    assert_eq!(one.until.duration_since(run.requested_at).as_secs(), 3_600);
    // Whoever looks from another process sees it, too, and no more of it once it is over.
    let ben = place.hub("ben").await;
    assert_eq!(borrowed(&ben).await.len(), 1);
    assert_eq!(carried(&ada, &run.id, Control::Run).await.head.state, WideState::Succeeded);
    assert!(borrowed(&ada).await.is_empty());
    look_after(&place, &ada, 11).await;
    assert_eq!(tally(&ada).await, Tally { hit: 2, ..Tally::default() });
}

#[tokio::test(start_paused = true)]
async fn a_policy_knows_an_automation_from_a_person() {
    let policy = "[[policy]]\nname = \"people alone\"\nwhen = \"actor.automation\"\ndecision = \"deny\"\n\
                  reason = \"this quarter\"\n";
    let place = Place::new(Crowd::of(2), policy);
    let ada = watching(&place, "ada", &automation("mode = \"propose\"")).await;
    look_after(&place, &ada, 61).await;
    let refused = stands(&ada).await.refused.unwrap().why;
    assert!(refused.contains("people alone: this quarter"), "{refused}");
    assert!(wides(&ada).await.is_empty());
    // A person is not one.
    let one = asked(&ada, &wish_for(0..2, "rest")).await;
    assert_eq!(one.state, WideState::Approved);
}

#[tokio::test(start_paused = true)]
async fn once_the_freeze_is_over_it_asks() {
    let mut place = Place::new(Crowd::of(2), FREEZE);
    let rule = automation("mode = \"propose\"");
    let ada = watching(&place, "ada", &rule).await;
    look_after(&place, &ada, 61).await;
    assert!(wides(&ada).await.is_empty());
    place.config("");
    let ben = watching(&place, "ben", &rule).await;
    look_after(&place, &ben, 700).await;
    let all = wides(&ben).await;
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!(one.plan.frozen.targets.len(), 2);
    // Asked for once: neither process asks again, whether it is approved or not.
    for hub in [&ada, &ben] {
        look_after(&place, hub, 700).await;
    }
    look_after(&place, &ben, 3_600).await;
    assert_eq!(wides(&ben).await.len(), 1);
    assert_eq!(tally(&ben).await.would(), 2);
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_told_with_its_place() {
    let source = format!("[[source]]\nname = \"{CROWD}\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:9\"\n");
    let text = format!("{source}{}", automation("").replace("rule:exhausted", "rule:exhausted flwo:a"));
    let config = Config::parse(&text, "c.toml", None).unwrap();
    let wrong = Automations::compile(&config.automations).unwrap_err();
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].to_string(), "c.toml:7:24: \"when\": unknown key \"flwo\" (did you mean \"flow\"?)");
}
