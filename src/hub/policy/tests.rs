use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::domain::blast::{Blast, Hurt};
use crate::domain::flow::{FlowInstance, Status, Version};
use crate::domain::ids::InstanceId;
use crate::domain::policy::{BreakGlass, Mode, PlanFacts};
use crate::domain::signs::Signs;
use crate::domain::text::SafeText;
use crate::domain::verdict::Judgement;

const SOURCE: &str = "[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";

fn config(text: &str) -> Config {
    Config::parse(&format!("{text}\n{SOURCE}"), "config.toml", None).unwrap_or_else(|error| panic!("{error}"))
}

fn policies(text: &str) -> Policies {
    Policies::compile(&config(text).policies).unwrap_or_else(|wrong| panic!("{}", wrong[0]))
}

fn wrong(text: &str) -> Vec<String> {
    let wrong = Policies::compile(&config(text).policies).unwrap_err();
    wrong.iter().map(crate::config::Diagnostic::explained).collect()
}

fn target(flow: &str, number: usize) -> Arc<JudgedFlow> {
    Arc::new(JudgedFlow {
        flow: FlowInstance {
            id: InstanceId::new("eu", format!("inv-{number}")),
            exact_id: true,
            flow: flow.into(),
            step: "charge".into(),
            tenant: Some(format!("tenant-{number}").into()),
            key: None,
            status: Status::Paused,
            pause: None,
            attempts: None,
            created_at: None,
            entered_step_at: None,
            last_transition_at: None,
            first_failure_at: None,
            last_start_at: None,
            next_retry_at: None,
            error: None,
            wait: None,
            signs: Signs::default(),
            completed_commands: 0,
            version: Version::of(Status::Paused, None, 0, ""),
            observed_at: jiff::Timestamp::UNIX_EPOCH,
        },
        judgement: Judgement::ok(),
    })
}

/// A request for these flows, one target each.
fn request(verb: &str, risk: &str, targets: &[Arc<JudgedFlow>]) -> Request {
    let hurt = |target: &Arc<JudgedFlow>| Hurt { tenant: target.flow.tenant.clone(), ..Hurt::default() };
    Request {
        verb: verb.into(),
        risk: risk.into(),
        runbook: None,
        reason: Some("schema fixed".into()),
        ticket: None,
        by: "jo".into(),
        dry_run: false,
        break_glass: None,
        plan: PlanFacts {
            targets: targets.len() as u64,
            waves: 1,
            flows: targets.iter().map(|target| target.flow.flow.clone()).collect(),
            blast: Blast::of(targets.iter().map(hurt)),
            ..PlanFacts::default()
        },
    }
}

fn now(production: bool) -> Circumstances {
    at("2026-11-22T12:00:00Z", production)
}

fn at(moment: &str, production: bool) -> Circumstances {
    Circumstances { context: "prod".into(), production, armed: true, at: moment.parse().unwrap(), under_way: false }
}

fn some(flow: &str, count: usize) -> Vec<Arc<JudgedFlow>> {
    (0..count).map(|number| target(flow, number)).collect()
}

fn decided(policies: &Policies, verb: &str, risk: &str, count: usize, production: bool) -> PolicyDecision {
    let targets = some("billing/charge", count);
    policies.decide(&request(verb, risk, &targets), &targets, &now(production))
}

#[test]
fn without_a_config_one_act_needs_nothing_and_many_or_several_irreversible_ones_an_approval() {
    let none = Policies::default();
    for production in [false, true] {
        let one = decided(&none, "resume", "reversible", 1, production);
        assert_eq!(one, PolicyDecision::default(), "no reason at all");
    }
    assert_eq!(decided(&none, "resume", "reversible", 50, true).decision, Decision::Allow);
    let many = decided(&none, "resume", "reversible", 51, false);
    assert_eq!((many.needed.len(), many.needed[0].approve), (1, 1));
    assert!(
        many.approvals().unwrap().contains("1 of anybody else (many targets: 51 targets, more than 50"),
        "{many:?}"
    );
    assert_eq!(decided(&none, "cancel", "irreversible", 1, false).decision, Decision::Allow);
    assert_eq!(decided(&none, "cancel", "irreversible", 1, true).decision, Decision::Allow, "one alone");
    let cancel = decided(&none, "cancel", "irreversible", 2, true);
    assert!(cancel.approvals().unwrap().contains("irreversible"), "{cancel:?}");
    let unheard = decided(&none, "shred", "unheard of", 1, true);
    assert!(unheard.approvals().is_some(), "a risk that nobody knows is not taken for harmless");
    let restart = decided(&none, "restart", "costly", 2, true);
    assert_eq!(restart.decision, Decision::Warn, "{restart:?}");
}

#[test]
fn money_and_messages_need_an_approval_as_soon_as_any_is_known() {
    let targets = some("billing/charge", 2);
    let mut asked = request("restart", "costly", &targets);
    asked.plan.blast.money_steps.add(Some(1));
    let money = Policies::default().decide(&asked, &targets, &now(false));
    assert!(money.approvals().unwrap().contains("money moves: 1 or more steps"), "{money:?}");
    asked.plan.blast.messages.add(Some(4));
    let both = Policies::default().decide(&asked, &targets, &now(false));
    assert_eq!(both.reasons.iter().filter(|reason| reason.decision.needed().is_some()).count(), 2);
    assert_eq!(both.needed.len(), 1, "one approval meets both");
}

#[test]
fn a_plan_of_more_than_the_cap_is_denied_whoever_approves() {
    let caps = policies(
        "[roles]\nresponder = [\"jo\"]\nsupport = [\"mara\"]\n[limits]\napproval_above = 3\n\
         [[limits.cap]]\nmost = 10\n[[limits.cap]]\nroles = [\"responder\"]\nmost = 20\n[[limits.cap]]\ntier = \"gold\"\nmost = 2\n",
    );
    let targets = some("billing/charge", 15);
    let mut asked = request("resume", "reversible", &targets);
    asked.plan.blast.tenants.values_mut().for_each(|tier| *tier = Some("free".into()));
    let jo = caps.decide(&asked, &targets, &now(false));
    assert!(jo.approvals().is_some() && jo.denial().is_none(), "{jo:?}");
    asked.by = "mara".into();
    let mara = caps.decide(&asked, &targets, &now(false));
    assert!(mara.denial().unwrap().contains("15 targets, and one plan may hold 10"), "{mara:?}");
    asked.by = "jo".into();
    asked.plan.blast.tenants.values_mut().take(3).for_each(|tier| *tier = Some("gold".into()));
    let gold = caps.decide(&asked, &targets, &now(false));
    assert!(gold.denial().unwrap().contains("3 tenants of tier gold, and one plan may hold 2"), "{gold:?}");
    asked.plan.blast.tenants.values_mut().take(3).for_each(|tier| *tier = None);
    let unknown = caps.decide(&asked, &targets, &now(false));
    assert!(unknown.denial().unwrap().contains("of 3 the tier is not known"), "{unknown:?}");
    let over = decided(&Policies::default(), "resume", "reversible", 10_001, false);
    assert!(over.denial().is_some());
}

const POLICIES: &str = r#"
[roles]
lead = ["ana", "bo"]

[[policy]]
name = "gold"
when = 'plan.tiers.gold > 2'
decision = "require-approval"
approvals = 2
roles = ["lead"]
reason = "gold tenants are promised more"

[[policy]]
name = "night"
when = 'time.hour >= 22 || time.hour < 6'
decision = "warn"
reason = "nobody is there to help"

[[policy]]
name = "tried"
when = 'true'
decision = "deny"
mode = "shadow"
reason = "what it would have done is looked at"

[[policy]]
name = "ticket"
when = '!request.reason.matches("INC-[0-9]+") && request.ticket == ""'
decision = "deny"
reason = "an incident's number belongs into the reason"
"#;

#[test]
fn everything_that_matches_is_listed_and_the_strictest_wins() {
    let policies = policies(POLICIES);
    let targets = some("billing/charge", 4);
    let mut asked = request("resume", "reversible", &targets);
    asked.plan.blast.tenants.values_mut().for_each(|tier| *tier = Some("gold".into()));
    asked.ticket = Some("INC-1".into());
    let night = policies.decide(&asked, &targets, &at("2026-11-22T23:00:00Z", false));
    let names: Vec<&str> = night.reasons.iter().map(|reason| reason.policy.as_str()).collect();
    assert_eq!(names, ["gold", "night", "tried"]);
    assert_eq!(night.approvals().unwrap(), "approvals are needed: 2 of lead (gold: gold tenants are promised more)");
    assert_eq!(night.warnings().count(), 1);
    asked.ticket = None;
    let denied = policies.decide(&asked, &targets, &now(false));
    assert_eq!(denied.denial().unwrap(), "not allowed: ticket: an incident's number belongs into the reason");
    asked.reason = None;
    let unasked = policies.decide(&asked, &targets, &now(false));
    assert!(unasked.denial().is_none(), "before the reason is asked for it can't be wrong: {unasked:?}");
    let told = unasked.warnings().next().unwrap().to_string();
    assert!(told.contains("ticket: it looks at the reason, which is not given yet"), "{told}");
}

#[test]
fn a_policy_that_can_not_be_evaluated_denies_with_its_name_and_why() {
    let policies = policies(POLICIES);
    let targets = some("billing/charge", 1);
    let mut asked = request("resume", "reversible", &targets);
    asked.ticket = Some("INC-1".into());
    let denial = policies.decide(&asked, &targets, &now(false)).denial().unwrap();
    assert_eq!(denial, "not allowed: gold: it can't be evaluated, so it denies: tiers is not known here");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn among_any_policies_one_that_fails_denies(
        others in proptest::collection::vec((prop_oneof![Just("true"), Just("false"), Just("plan.targets > 1")], 0..4_usize), 0..5),
        place in 0..6_usize,
        failing in prop_oneof![Just("plan.targets"), Just("plan.tiers.gold > 1"), Just("plan.targets / 0 == 1"), Just("request.verb > 1")],
        shadow in any::<bool>(),
    ) {
        let mut all: Vec<(String, &str, &str, &str)> = others
            .iter()
            .enumerate()
            .map(|(n, (when, decision))| (format!("p{n}"), *when, Decision::NAMES[*decision], "enforce"))
            .collect();
        let mode = if shadow { "shadow" } else { "enforce" };
        all.insert(place.min(all.len()), ("failing".to_owned(), failing, "allow", mode));
        let told = |(name, when, decision, mode): &(String, &str, &str, &str)| {
            format!(
                "[[policy]]\nname = \"{name}\"\nwhen = '{when}'\ndecision = \"{decision}\"\nmode = \"{mode}\"\nreason = \"because\"\n"
            )
        };
        let text = all.iter().map(told).collect::<Vec<_>>().concat();
        let policies = policies(&text);
        let decided = decided(&policies, "resume", "reversible", 1, false);
        let listed = decided.reasons.iter().find(|reason| reason.policy == *"failing").unwrap();
        prop_assert_eq!(&listed.decision, &Decision::Deny);
        prop_assert!(listed.reason.contains("can't be evaluated"));
        prop_assert_eq!(listed.mode, if shadow { Mode::Shadow } else { Mode::Enforce });
        let others_deny = others.iter().any(|(when, decision)| *when == "true" && *decision == 3);
        prop_assert_eq!(decided.denial().is_some(), !shadow || others_deny);
    }
}

const FREEZES: &str = r#"
[roles]
incident = ["jo"]
lead = ["ana"]

[[freeze]]
name = "weekend"
cron = "0 18 * * FRI"
for = "62h"
zone = "Europe/Berlin"
selector = "flow:billing/*"
override_roles = ["incident"]
in_flight = "hold"
reason = "nobody is there on weekends"
"#;

fn glass(role: &str, reason: &str, until: &str) -> BreakGlass {
    BreakGlass { role: role.into(), reason: reason.into(), until: until.parse().unwrap() }
}

#[test]
fn a_freeze_denies_what_it_selects_while_it_holds() {
    let policies = policies(FREEZES);
    let ask = |flow: &str, moment: &str| {
        let targets = [target(flow, 0), target("tenant/create", 1)];
        policies.decide(&request("resume", "reversible", &targets), &targets, &at(moment, false))
    };
    let sunday = ask("billing/charge", "2026-11-22T12:00:00Z").denial().unwrap();
    assert_eq!(
        sunday,
        "not allowed: freeze weekend: nobody is there on weekends, until 2026-11-23 08:00 Europe/Berlin (1 of 2 targets); incident may override it"
    );
    assert_eq!(ask("billing/charge", "2026-11-23T07:00:00Z"), PolicyDecision::default(), "it is over");
    assert_eq!(ask("tenant/delete", "2026-11-22T12:00:00Z"), PolicyDecision::default(), "nothing of it is selected");
    // Of what is not named nobody knows whether it is selected.
    let targets = [target("tenant/create", 1)];
    let mut more = request("resume", "reversible", &targets);
    more.plan.targets = 3;
    let denial = policies.decide(&more, &targets, &now(false)).denial().unwrap();
    assert!(denial.contains("of 2 of 3 targets it is not known whether it selects them"), "{denial}");
}

#[test]
fn a_role_may_override_a_freeze_with_a_reason_and_an_end() {
    let policies = policies(FREEZES);
    let targets = [target("billing/charge", 0)];
    let ask = |by: &str, break_glass| {
        let asked = Request { by: by.into(), break_glass, ..request("resume", "reversible", &targets) };
        policies.decide(&asked, &targets, &now(false))
    };
    let open = ask("jo", Some(glass("incident", "payments are down", "2026-11-22T13:00:00Z")));
    assert_eq!((&open.decision, open.borrowed.len()), (&Decision::Warn, 1), "{open:?}");
    let borrowed = &open.borrowed[0];
    assert_eq!((&*borrowed.freeze, &*borrowed.by, &*borrowed.role), ("weekend", "jo", "incident"));
    assert!(open.warnings().next().unwrap().reason.contains("until 2026-11-22 14:00 Europe/Berlin: payments are down"));
    for (by, role, reason, until, why) in [
        ("ana", "incident", "payments are down", "2026-11-22T13:00:00Z", "ana is not one of incident"),
        ("ana", "lead", "payments are down", "2026-11-22T13:00:00Z", "lead may not override it, incident may"),
        ("jo", "incident", " . ", "2026-11-22T13:00:00Z", "needs a reason"),
        ("jo", "incident", "payments are down", "2026-11-22T12:00:00Z", "the override has ended"),
        ("jo", "incident", "payments are down", "2026-11-22T16:00:01Z", "4h at most"),
    ] {
        let refused = ask(by, Some(glass(role, reason, until)));
        assert!(refused.denial().unwrap().contains(why) && refused.borrowed.is_empty(), "{refused:?}");
    }
}

#[test]
fn allow_only_lets_nothing_through_but_what_it_selects_and_a_denial_wins() {
    let text = "[[freeze]]\nname = \"launch\"\nfrom = 2026-11-22T00:00:00Z\nuntil = 2026-11-24T00:00:00Z\nkind = \"allow-only\"\n\
                selector = \"flow:billing/*,launch/*\"\nreason = \"the launch\"\n";
    let both = format!(
        "{text}[[freeze]]\nname = \"billing\"\nfrom = \"2026-11-22T00:00:00Z\"\nuntil = \"2026-11-23T00:00:00Z\"\nselector = \"flow:billing/*\"\nreason = \"the audit\"\n"
    );
    let ask = |policies: &Policies, flows: &[&str]| {
        let targets: Vec<_> = flows.iter().enumerate().map(|(n, flow)| target(flow, n)).collect();
        policies.decide(&request("resume", "reversible", &targets), &targets, &now(false))
    };
    let only = policies(text);
    assert_eq!(ask(&only, &["billing/charge", "launch/go"]), PolicyDecision::default());
    let denial = ask(&only, &["billing/charge", "tenant/create"]).denial().unwrap();
    assert!(
        denial.contains(
            "the launch; only flow:billing/*,launch/* may be acted on until 2026-11-24 00:00 UTC (1 of 2 targets)"
        ),
        "{denial}"
    );
    assert!(ask(&only, &["tenant/create"]).denial().is_some());
    assert!(ask(&only, &[]).denial().is_some(), "what nobody has named is not among it");
    let both = policies(&both);
    assert_eq!(ask(&both, &["launch/go"]), PolicyDecision::default());
    assert!(ask(&both, &["billing/charge"]).denial().unwrap().contains("the audit"));
}

#[test]
fn what_is_wrong_is_told_at_its_place_in_the_file() {
    let text = "[[policy]]\nname = \"a\"\nwhen = '''\nplan.targets > 5\n  && plan.tragets > 1'''\ndecision = \"deny\"\nreason = \"r\"\n\
                [[policy]]\nname = \"cap\"\nwhen = \"plan.targets >\"\ndecision = \"deny\"\nreason = \"r\"\n\
                [[freeze]]\nname = \"f\"\ncron = \"0 1 * * *\"\nfor = \"1h\"\nselector = \"tenant:acme flwo:a\"\nreason = \"r\"\n\
                [[policy]]\nname = \"d\"\nwhen = \"\\\"a\\\" == \\u0062\"\ndecision = \"deny\"\nreason = \"r\"\n";
    let wrong = wrong(text);
    insta::assert_snapshot!(wrong.join("\n"));
}

#[test]
fn roles_and_limits_are_kept() {
    let policies = policies(
        "solo = true\n[limits]\nzone = \"Asia/Tokyo\"\nbreak_glass = \"30m\"\n[roles]\na = [\"jo\"]\nb = [\"jo\", \"mara\"]\n",
    );
    assert!(policies.solo());
    assert_eq!(policies.limits().zone.iana_name(), Some("Asia/Tokyo"));
    let of = |name: &str| policies.roles().of(name).into_iter().collect::<Vec<_>>();
    assert_eq!(of("jo"), ["a", "b"].map(SafeText::from));
    assert_eq!((of("mara").len(), of("JO").len()), (1, 0), "names are exact");
}
