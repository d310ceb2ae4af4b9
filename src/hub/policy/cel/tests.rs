use std::collections::BTreeMap;

use cel::common::ast::Expr;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::facts::{FIELDS, Kind};
use super::*;
use crate::domain::blast::{Blast, Tally};
use crate::domain::policy::{Circumstances, MOST_TARGETS, PlanFacts, Request, Roles};

fn roles() -> Roles {
    Roles(BTreeMap::from([("lead".into(), BTreeSet::from(["ana".into()]))]))
}

fn request() -> Request {
    Request {
        verb: "resume".into(),
        risk: "reversible".into(),
        runbook: None,
        reason: Some("schema fixed, INC-4711".into()),
        ticket: None,
        by: "ana".into(),
        dry_run: false,
        break_glass: None,
        plan: PlanFacts {
            targets: 3,
            waves: 2,
            flows: ["billing/charge", "tenant/create"].map(SafeText::from).into(),
            steps: BTreeSet::from(["charge".into()]),
            sources: BTreeSet::from(["eu".into()]),
            blast: Blast {
                instances: 3,
                tenants: BTreeMap::from([("acme".into(), Some("gold".into())), ("globex".into(), Some("free".into()))]),
                messages: Tally::exactly(2),
                money_steps: Tally { least: 1, unknown: 2 },
                ..Blast::default()
            },
            cause_failing: None,
        },
    }
}

fn at(moment: &str) -> Circumstances {
    Circumstances {
        context: "prod".into(),
        production: true,
        armed: true,
        at: moment.parse().unwrap(),
        under_way: false,
    }
}

fn asked(text: &str, request: &Request) -> Result<bool, String> {
    let program = Program::compile(text).unwrap_or_else(|mistake| panic!("{text}: {mistake:?}"));
    let (roles, zone) = (roles(), TimeZone::get("Europe/Berlin").unwrap());
    let at = at("2026-11-22T23:30:00Z");
    let facts = Facts { request, roles: &roles, solo: false, zone: &zone, at: &at };
    evaluate(&[&program], &facts).pop().unwrap()
}

fn holds(text: &str) -> Result<bool, String> {
    asked(text, &request())
}

fn mistake(text: &str) -> Mistake {
    Program::compile(text).expect_err(text)
}

#[test]
fn what_is_asked_of_a_plan_is_answered() {
    for (text, expected) in [
        ("true", true),
        ("request.verb == \"resume\" && plan.targets > 2", true),
        ("request.verb in [\"kill\", \"cancel\"]", false),
        ("request.reason.matches(\"INC-[0-9]+\")", true),
        ("request.ticket == \"\" && request.runbook == ''", true),
        ("plan.flows.exists(flow, flow.startsWith(\"billing/\"))", true),
        ("plan.flows.all(flow, flow.endsWith(\"e\")) && size(plan.flows) == 2", true),
        ("plan.flows.filter(f, f.contains(\"/\")).map(f, size(f)).exists_one(n, n > 13)", true),
        ("\"acme\" in plan.tenants && plan.without_tenant == 0", true),
        ("plan.tiers.gold > 0 && plan.tiers.silver == 0 && plan.tiers[\"bronze\"] == 0", true),
        ("has(plan.tiers.silver) || !has(plan.tiers.gold)", false),
        ("plan.messages == 2 && plan.waves * 2 - 1 == 3", true),
        ("has(plan.money_steps) || has(plan.cause_failing)", false),
        ("\"lead\" in actor.roles && actor.name == request.by && !actor.solo", true),
        ("context.production && context.armed && context.name == \"prod\"", true),
        ("time.hour == 0 && time.minute == 30 && time.weekday == \"monday\" && time.zone == \"Europe/Berlin\"", true),
        ("time.date == \"2026-11-23\" && time.now > timestamp(\"2026-11-22T23:00:00Z\")", true),
        ("time.now.getHours(\"Asia/Tokyo\") == 8", true),
        ("plan.targets > 2 ? request.risk == \"reversible\" : false", true),
        ("type(plan.targets) == int", true),
    ] {
        assert_eq!(holds(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_can_not_be_answered_is_an_error_in_words() {
    for (text, why) in [
        ("plan.money_steps > 0", "money_steps is not known here"),
        ("plan.cause_failing", "cause_failing is not known here"),
        ("plan.targets", "it gives int, and neither true nor false"),
        ("request.verb", "it gives string"),
        ("plan.targets / 0 == 1", "zero"),
        ("plan.flows[7] == \"\"", "out of bounds"),
        ("request.verb > 5", "no matching overload"),
        ("request[\"nothing\"] == 1", "nothing is not known here"),
        ("int(request.verb) == 1", "int"),
        ("9223372036854775807 + plan.targets > 0", "verflow"),
        ("plan.flows.map(f, int(f)) == [1]", "int"),
    ] {
        let error = holds(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
        assert!(error.chars().count() <= 240 && !error.contains('\n'), "{error}");
    }
}

#[test]
fn what_is_wrong_is_told_at_its_place_with_what_was_meant() {
    for (text, at, why, meant) in [
        ("", 0, "it is empty", None),
        ("plan.targets >", 14, "", None),
        ("plan.targets >> 5", 14, "", None),
        ("plan.tragets > 5", 4, "plan has no tragets", Some("targets")),
        ("true && paln.targets > 5", 8, "there is no paln", Some("plan")),
        ("true && request.verb.startWith(\"a\")", 30, "there is no function startWith", Some("startsWith")),
        ("plan.flows.exists(f)", 17, "exists is not to be had with these arguments", None),
        ("request.reason.matches(request.verb)", 22, "a text in quotes", None),
        ("request.reason.matches(\"a(\")", 23, "the pattern: ", None),
        ("request.reason.matches(\"(a{1000}){1000}\")", 23, "the pattern: ", None),
        ("plan.?targets", 4, "", None),
        ("Thing{a: 1} == 1", 5, "there is nothing of this kind", None),
        ("dyn(plan) == 1", 3, "there is no function dyn", None),
    ] {
        let found = mistake(text);
        assert!(found.why.contains(why) && !found.why.is_empty(), "{text}: {found:?}");
        assert_eq!(found.meant.as_deref(), meant, "{text}: {found:?}");
        assert!(found.at.abs_diff(at) <= 1, "{text}: {found:?}");
        assert!(!found.why.contains("EOF") && !found.why.contains('\n'), "{found:?}");
    }
    let second = mistake("true\n  && plan.tragets > 1");
    assert_eq!(second.at, "true\n  && plan".len());
}

/// A plan as large as policies may look at.
fn largest() -> Request {
    let mut request = request();
    request.plan.targets = MOST_TARGETS;
    let names =
        |what: &str| (0..MOST_TARGETS).map(|n| SafeText::from(format!("{what}-{n:0190}"))).collect::<BTreeSet<_>>();
    request.plan.flows = names("flow").into_iter().take(1_000).collect();
    request.plan.blast.tenants = names("tenant").into_iter().map(|name| (name, Some("gold".into()))).collect();
    request
}

#[test]
fn what_could_take_for_ever_or_fill_the_memory_is_refused_when_it_is_read() {
    let long = format!("\"{}\" == \"\"", "a".repeat(LENGTH));
    let deep = format!("{}true{}", "(".repeat(BRACKETS + 1), ")".repeat(BRACKETS + 1));
    let many = format!("[{}].exists(x, x)", vec!["plan.tenants"; 30].join(" + "));
    for text in [
        "plan.tenants.exists(a, plan.tenants.exists(b, a == b))",
        "plan.tenants.exists(a, plan.flows.exists(b, plan.steps.exists(c, a == b && b == c)))",
        "plan.tenants.map(a, plan.tenants) == []",
        "plan.tenants.map(a, plan.tenants.map(b, [a, b, a, b])).exists(x, x == [])",
        "plan.tenants.filter(a, plan.flows.all(b, a in plan.steps)) == []",
        "plan.tenants.all(a, a in plan.flows)",
        "plan.tenants.all(a, plan == plan)",
        "plan.tenants.all(a, size(plan.flows + plan.steps) > 1)",
        "[1,2,3,4,5,6,7,8].all(a,[1,2,3,4,5,6,7,8].all(b,[1,2,3,4,5,6,7,8].all(c,[1,2,3,4,5,6,7,8].all(d,[1,2,3,4,5,6,7,8].all(e,[1,2,3,4,5,6,7,8].all(f,[1,2,3,4,5,6,7,8].all(g,[1,2,3,4,5,6,7,8].all(h,true))))))))",
        "plan.tenants.exists(a, a.matches(\"a*b*c*d*\"))",
        long.as_str(),
        deep.as_str(),
        many.as_str(),
    ] {
        let found = mistake(text);
        let said =
            ["too long", "too large", "longer than", "deeper than"].iter().any(|words| found.why.contains(words));
        assert!(said, "{text}: {found:?}");
    }
}

#[test]
fn what_is_let_through_ends_on_the_largest_plan() {
    let request = largest();
    for (text, expected) in [
        ("plan.tenants.exists(t, t == \"acme\")", Ok(false)),
        (
            "plan.tenants.filter(t, t.startsWith(\"tenant\") && t.contains(\"7\")).map(t, size(t)).exists(n, n < 7)",
            Ok(false),
        ),
        ("plan.flows.all(f, f.matches(\"^flow-[0-9]+$\"))", Ok(true)),
        ("size((plan.tenants + plan.tenants).map(t, [t, t, t, t])) == 20000", Ok(true)),
        ("plan.tenants.map(t, t + t + t + t + t).exists(t, t == \"\")", Ok(false)),
        ("plan.tenants == plan.tenants.map(t, t)", Ok(true)),
        ("[\"a\", \"b\", \"c\"].exists(prefix, plan.tenants.exists(t, t.startsWith(prefix)))", Ok(false)),
        ("plan.tiers.gold == 10000", Ok(true)),
    ] {
        assert_eq!(asked(text, &request), expected, "{text}");
    }
    let mut larger = request;
    larger.plan.flows.insert("one more".into());
    let error = asked("true", &larger).unwrap_err();
    assert!(error.contains("more than 1000 flows"), "{error}");
}

#[test]
fn a_panic_in_there_is_an_error_of_that_one_alone() {
    let broken = Program { expression: IdedExpr { id: 1, expr: Expr::Unspecified }, found: Found::default() };
    let fine = Program::compile("plan.targets == 3").unwrap();
    let (request, roles, at) = (request(), roles(), at("2026-11-22T12:00:00Z"));
    let facts = Facts { request: &request, roles: &roles, solo: false, zone: &TimeZone::UTC, at: &at };
    let answers = evaluate(&[&fine, &broken, &fine], &facts);
    assert_eq!(answers, [Ok(true), Err(PANICKED.to_owned()), Ok(true)]);
    assert_eq!(alone(|| -> u8 { panic!("deliberately") }), Err(PANICKED.to_owned()));
}

#[test]
fn every_field_can_be_asked_for_and_is_of_its_kind() {
    let mut request = request();
    request.plan.blast.money_steps = Tally::exactly(1);
    request.plan.cause_failing = Some(true);
    for field in FIELDS {
        let test = match field.kind {
            Kind::Text => "string",
            Kind::Number => "int",
            Kind::Flag => "bool",
            Kind::List | Kind::Tenants => "list",
            Kind::Counts => "map",
            Kind::Moment => {
                assert_eq!(asked("time.now < timestamp(\"2030-01-01T00:00:00Z\")", &request), Ok(true));
                continue;
            }
        };
        let when = format!("type({}.{}) == {test}", field.of, field.name);
        assert_eq!(asked(&when, &request), Ok(true), "{when}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_with_a_place_or_ends(
        words in proptest::collection::vec(
            prop_oneof![
                "\\PC{0,8}",
                proptest::sample::select(vec![
                    "plan.targets", "plan.flows", "request.verb", ".exists(", ".map(x,", "x", ")", "(", "[", "]", "{", "}",
                    "&&", "||", "!", "==", "?", ":", ",", "+", "-", "in", "\"a\"", "1", "true", "has(", "timestamp(", "\n",
                    "r'''", "b\"", "0x", "1e9", ".", "`a`", "size(", "null", "//",
                ]).prop_map(str::to_owned),
            ],
            0..24,
        )
    ) {
        let text = words.join(" ");
        match Program::compile(&text) {
            Err(found) => {
                prop_assert!(text.is_char_boundary(found.at.min(text.len())), "{text:?}: {found:?}");
                prop_assert!(!found.why.is_empty() && !found.why.contains('\n'), "{found:?}");
            }
            Ok(program) => {
                let (request, roles, at) = (request(), roles(), at("2026-11-22T12:00:00Z"));
                let facts = Facts { request: &request, roles: &roles, solo: true, zone: &TimeZone::UTC, at: &at };
                prop_assert_eq!(evaluate(&[&program], &facts).len(), 1);
            }
        }
    }
}
