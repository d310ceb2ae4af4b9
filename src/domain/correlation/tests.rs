use serde_json::json;

use super::*;
use crate::domain::redact::Redactor;

fn at(minutes: i64) -> Timestamp {
    "2026-01-15T03:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

/// A change so many minutes after three o'clock, of this text and touching this.
fn change(minutes: i64, text: &str, scope: &[(&str, &str)]) -> Arc<Event> {
    let mut value = json!({
        "specversion": "1.0", "id": format!("{minutes}{text}"), "source": "/ci", "type": "config.changed",
        "time": at(minutes).to_string(), "data": {"summary": text},
    });
    for (name, held) in scope {
        value[*name] = json!(held);
    }
    Arc::new(Event::read(&"ci".into(), &value, &Redactor::default(), at(0)).unwrap())
}

fn hurt(count: usize, there: usize) -> Vec<Hurt> {
    let region = |n| if n < there { "eu-west-1" } else { "us-east-1" };
    let one = |n: usize| Hurt { tenant: format!("t{n}").into(), traits: vec![("region", region(n).into())] };
    (0..count).map(one).collect()
}

/// Migrations that have failed since three o'clock.
fn facts() -> Facts {
    let common = [("eu-west-1", 0.3), ("us-east-1", 0.4), ("ap-southeast-2", 0.3)];
    Facts {
        source: "platform".into(),
        flow: "schema-migration".into(),
        step: "apply".into(),
        why: vec!["relation \"orders\" does not exist".into()],
        onset: Some(at(0)),
        hurt: hurt(10, 4),
        count: 12,
        ties: Arc::default(),
        common: Arc::new(common.into_iter().map(|(region, share)| (("region", region.into()), share)).collect()),
    }
}

fn known() -> Known {
    Known { since: Some(at(-600)), silent: Vec::new() }
}

/// Changes of other services, one a quarter of an hour.
fn noise() -> Vec<Arc<Event>> {
    (1..12).map(|n| change(-n * 15, &format!("other{n}-svc: pool size 4 → {n}"), &[("service", "web")])).collect()
}

fn look(facts: &Facts, more: Vec<Arc<Event>>) -> Suspects {
    suspects(facts, &[more, noise()].concat(), &known())
}

#[test]
fn what_touches_the_flow_goes_before_what_is_nearer_and_is_told_in_words() {
    let found = look(
        &facts(),
        vec![
            change(-1, "mailer 2.0.1 is out", &[("service", "mailer")]),
            change(-3, "schema-svc 4.2.1 is out", &[("service", "schema-svc")]),
        ],
    );
    assert_eq!(found.ranked[0].event.text, "schema-svc 4.2.1 is out");
    assert_eq!(found.ranked[0].certainty, Certainty::Likely);
    assert_eq!(found.ranked[0].evidence, ["\"schema\" is in the flow", "3 min before the onset"]);
    assert_eq!(found.ranked[1].event.text, "mailer 2.0.1 is out");
    assert_eq!(found.ranked[1].certainty, Certainty::TimeAlone);
    assert_eq!((found.considered, found.unknown.len(), found.verdict()), (13, 0, "likely"));
    let near = found.near().unwrap();
    assert_eq!((&*near.what, &*near.when, near.at), ("schema-svc 4.2.1 is out", "3 min before the onset", at(-3)));
}

#[test]
fn an_error_names_what_was_changed() {
    let found = look(&facts(), vec![change(-4, "table orders was renamed", &[])]);
    assert_eq!(found.ranked[0].event.text, "table orders was renamed");
    assert_eq!(found.ranked[0].evidence[0], "\"orders\" is in the error");
}

#[test]
fn only_the_time_is_no_reason_to_name_anybody() {
    let found = look(&facts(), Vec::new());
    assert_eq!((found.near(), found.verdict()), (None, "nothing known points at it"));
    assert!(found.ranked.iter().all(|one| one.certainty == Certainty::TimeAlone));
}

#[test]
fn what_came_after_is_no_cause_and_what_clocks_may_be_off_by_is_let_through() {
    let late = |seconds: i64| {
        let mut event = Event::clone(&change(0, "schema-svc 4.2.1 is out", &[("service", "schema-svc")]));
        event.at = at(0) + SignedDuration::from_secs(seconds);
        Arc::new(event)
    };
    assert_eq!(look(&facts(), vec![late(31)]).considered, 11);
    let found = look(&facts(), vec![late(20)]);
    assert_eq!(found.ranked[0].evidence.last().unwrap(), "20 s after the onset, within what clocks are off");
    assert_eq!(look(&facts(), vec![change(-361, "schema-svc 4.2.1 is out", &[])]).considered, 11);
}

#[test]
fn a_change_in_one_region_does_not_explain_who_is_elsewhere() {
    let of = |region: &str, there: usize| {
        let mut facts = facts();
        facts.hurt = hurt(10, there);
        let change = change(-3, "schema-svc: limit raised", &[("service", "schema-svc"), ("region", region)]);
        let found = look(&facts, vec![change]);
        let one = found.ranked.iter().find(|one| one.event.text.starts_with("schema-svc")).cloned();
        one.map(|one| (one.certainty, one.evidence.last().unwrap().to_string()))
    };
    assert_eq!(of("eu-west-1", 10), Some((Certainty::Likely, "10 of 10 tenants are in eu-west-1".to_owned())));
    assert!(of("eu-west-1", 3).unwrap().0 < Certainty::Likely);
    assert!(of("ap-southeast-2", 10).is_none_or(|(certainty, _)| certainty < Certainty::Possible));
}

#[test]
fn a_change_that_names_another_flow_or_another_tenant_is_hardly_it() {
    let found = look(
        &facts(),
        vec![
            change(-1, "limits raised", &[("service", "schema-svc"), ("flow", "reset-password")]),
            change(-1, "schema settings changed", &[("tenant", "somebody")]),
            change(-9, "limits lowered", &[("flow", "schema-migration")]),
        ],
    );
    assert_eq!(found.ranked[0].event.text, "limits lowered");
    assert_eq!(
        found.ranked[0].evidence,
        ["touches schema-migration", "\"migration\" is in the flow", "9 min before the onset"]
    );
    let of = |text: &str| found.ranked.iter().find(|one| one.event.text == *text).unwrap();
    assert!(of("limits raised").evidence.contains(&"names another flow: reset-password".into()));
    assert!(of("limits raised").share < found.ranked[0].share, "it is nearer, and still less likely");
    let tenant = found.ranked.iter().find(|one| one.event.tenant.is_some());
    assert!(tenant.is_none_or(|one| one.certainty < Certainty::Possible));
}

#[test]
fn a_service_whose_other_changes_name_the_flow_has_to_do_with_it() {
    let other = change(-300, "limits lowered", &[("service", "capacity"), ("flow", "schema-migration")]);
    let found = |ties: Ties| {
        let facts = Facts { ties: Arc::new(ties), ..facts() };
        look(&facts, vec![change(-9, "capacity 2.0.1 is out", &[("service", "capacity")])]).ranked.remove(0)
    };
    assert_eq!(found(Ties::default()).certainty, Certainty::TimeAlone);
    let tied = found(Ties::of([&*other]));
    assert_eq!(tied.evidence[0], "capacity has touched schema-migration at other times");
    assert!(tied.certainty >= Certainty::Possible);
}

#[test]
fn nothing_is_surer_than_what_is_known() {
    let cause = || vec![change(-3, "schema-svc 4.2.1 is out", &[("service", "schema-svc"), ("region", "eu-west-1")])];
    let mut facts = facts();
    facts.hurt = hurt(10, 10);
    let with = |facts: &Facts, known: &Known| {
        let found = suspects(facts, &[cause(), noise()].concat(), known);
        (
            found.ranked.first().map(|first| first.certainty),
            found.unknown.iter().map(SafeText::as_str).collect::<Vec<_>>().join("; "),
        )
    };
    assert_eq!(with(&facts, &known()), (Some(Certainty::Likely), String::new()));
    let short = Known { since: Some(at(-10)), ..known() };
    let text = "what was changed before 2026-01-15 02:50:00 is not known";
    assert_eq!(with(&facts, &short), (Some(Certainty::Possible), text.to_owned()));
    let silent = Known { silent: vec!["ci".into()], ..known() };
    let text = "ci is silent: what it would have told is missing";
    assert_eq!(with(&facts, &silent), (Some(Certainty::Possible), text.to_owned()));
    let alone = Facts { count: 1, ..facts.clone() };
    assert_eq!(with(&alone, &known()).0, Some(Certainty::Possible), "one may be chance");
    let mut nowhere = facts.clone();
    nowhere.hurt.iter_mut().for_each(|hurt| hurt.traits.clear());
    let text = "where 10 of 10 tenants are is not known";
    assert_eq!(with(&nowhere, &known()), (Some(Certainty::Possible), text.to_owned()));
    let begun = Facts { onset: None, ..facts };
    assert_eq!(with(&begun, &known()), (None, "since when it is so is not known".to_owned()));
}

#[test]
fn shares_are_shares_of_one_whole_and_a_masked_word_is_nobodys() {
    let mut facts = facts();
    facts.why = vec!["no route to <host> for <mailer>".into()];
    let found = look(&facts, vec![change(-1, "mailer 2 is out", &[("service", "mailer")])]);
    let all: f64 = found.ranked.iter().map(|one| one.share).sum();
    assert!(all < 1.0 && found.ranked.is_sorted_by(|one, other| one.share >= other.share));
    assert!(found.near().is_none());
}

#[test]
fn shared_drift_is_told_with_who_else_has_it() {
    let shared = SharedDrift {
        what: "policy network-default".into(),
        note: Some("has v3, v4 is wanted".into()),
        tenants: 37,
        of: 41,
        others: 29,
        of_others: Some(1_959),
        finding: InstanceId::new("infra", "policy/acme"),
    };
    assert_eq!(
        shared.words(),
        "37 of 41 tenants have drift in policy network-default: has v3, v4 is wanted; 29 of 1959 others have it, too"
    );
}
