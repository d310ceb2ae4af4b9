use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::ast::{Bound, Comparison, Field, Pattern, State, Term, Test};
use super::{Filter, FilterError, KEYS};
use crate::domain::cohort::{cohort_id, cohort_of};
use crate::domain::flow::{FlowError, FlowInstance, JudgedFlow, PauseCause, Status, Version};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::verdict::{Finding, Judgement, Rule, Verdict};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// An instance that retries, created 20 minutes and failing for 12 minutes before `at(0)`.
fn retrying() -> JudgedFlow {
    let flow = FlowInstance {
        id: InstanceId::new("restate-eu", "inv_1A2b"),
        exact_id: true,
        flow: "tenant-provisioning/run".into(),
        step: "database".into(),
        tenant: Some("Acme".into()),
        key: Some("acme-db".into()),
        status: Status::BackingOff,
        pause: None,
        attempts: Some(7),
        created_at: Some(at(-1_200)),
        entered_step_at: Some(at(-900)),
        last_transition_at: None,
        first_failure_at: Some(at(-720)),
        last_start_at: None,
        next_retry_at: None,
        error: Some(FlowError::new(None, "Connection refused: db-3, host \"x\"", &[], &Redactor::default())),
        wait: None,
        signs: crate::domain::signs::Signs::default(),
        completed_commands: 2,
        version: Version::of(Status::BackingOff, None, 2, "dp_1"),
        observed_at: at(0),
    };
    let finding = |rule, verdict, since| Finding {
        rule,
        verdict,
        since: Some(at(since)),
        threshold: "".into(),
        evidence: "".into(),
    };
    let findings =
        vec![finding(Rule::RetryStorm, Verdict::Stuck, -720), finding(Rule::Overdue, Verdict::Suspect, -900)];
    JudgedFlow { flow, judgement: Judgement { verdict: Verdict::Stuck, findings } }
}

/// The same without any fact that an engine may leave out.
fn bare() -> JudgedFlow {
    let mut judged = retrying();
    let flow = &mut judged.flow;
    (flow.tenant, flow.key, flow.attempts, flow.created_at, flow.error) = (None, None, None, None, None);
    judged.judgement = Judgement::ok();
    judged
}

fn matches(filter: &str, judged: &JudgedFlow) -> bool {
    Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}")).matches(judged, at(0))
}

fn refused(filter: &str) -> FilterError {
    Filter::parse(filter).expect_err(filter)
}

#[test]
fn the_empty_filter_matches_everything() {
    for text in ["", "   ", "\t"] {
        let filter = Filter::parse(text).unwrap();
        assert!(filter.is_empty());
        assert_eq!(filter, Filter::default());
        assert!(filter.matches(&bare(), at(0)));
    }
    assert!(!Filter::parse("x").unwrap().is_empty());
}

#[test]
fn each_key_matches_its_fact() {
    let cohort = cohort_of(&retrying()).unwrap();
    let by_cohort = format!("cohort:{cohort}");
    for filter in [
        "state:backing-off",
        "state:backing_off",
        "state:BACKING_OFF",
        "state:\"backing off\"",
        "state:open",
        "state:failed,open",
        "-state:held",
        "-state:failed",
        "is:stuck",
        "verdict:stuck",
        "verdict:ok,stuck",
        "rule:retry_storm",
        "rule:retry-storm",
        "flow:tenant-*",
        "flow:TENANT-provisioning/run",
        "flow:tenant-provisioning/r?n",
        "-flow:tenant",
        "step:database",
        "STEP:Database",
        "step:dns,database",
        "-step:data",
        "tenant:acme",
        "source:restate-*",
        "key:acme-db",
        "id:inv_1a2b",
        "id:restate-eu/inv_1A2b",
        "error:refused",
        "error:\"connection refused\"",
        "error:connection*x*",
        "-error:refused*",
        "error:\"host \\\"x\\\"\"",
        &by_cohort,
        "age:>10m",
        "age:20m",
        "age:>=20m",
        "-age:>20m",
        "age:<1h",
        "for:>10m",
        "for:<=12m",
        "-for:>12m",
        "attempts:7",
        "attempts:=7",
        "attempts:>=5",
        "attempts:<8",
        "attempts:1,7",
        "-attempts:>7",
        "-attempts:6",
    ] {
        assert!(matches(filter, &retrying()), "{filter} should match");
        let negated = filter.strip_prefix('-').map_or_else(|| format!("-{filter}"), str::to_owned);
        assert!(!matches(&negated, &retrying()), "{negated} should not match");
    }
}

#[test]
fn the_example_of_the_product_is_understood() {
    let text = "state:backing-off rule:retry_storm flow:tenant-* step:database tenant:acme age:>10m attempts:>=5 \
                \"connection refused\" -step:billing";
    assert!(matches(text, &retrying()));
    assert!(!matches(&format!("{text} tenant:globex"), &retrying()), "every term must hold");
}

#[test]
fn a_bare_word_is_looked_for_in_every_text() {
    for word in ["inv_1a", "restate-eu/inv", "ACME", "acme-db", "provisioning", "databas", "refused", "n ref"] {
        assert!(matches(&format!("\"{word}\""), &retrying()), "{word}");
    }
    for word in ["stuck", "storm", "\"retry storm\"", "BACKING"] {
        assert!(matches(word, &retrying()), "{word}: as the list shows it");
        assert_eq!(matches(word, &bare()), word == "BACKING", "{word}");
    }
    assert!(!matches("globex", &retrying()));
    assert!(matches("-globex", &retrying()));
    assert!(!matches("-acme", &retrying()));
    assert!(!matches("c*n", &retrying()), "a star in a bare word is a star");
}

#[test]
fn letters_beyond_ascii_are_compared_without_case_too() {
    let mut judged = retrying();
    judged.flow.tenant = Some("Übung Straße".into());
    for filter in ["übung", "tenant:\"übung straße\"", "tenant:ÜBUNG*", "STRA"] {
        assert!(matches(filter, &judged), "{filter}");
    }
}

#[test]
fn quotes_make_wildcards_literal() {
    let mut judged = retrying();
    judged.flow.step = "call*".into();
    assert!(matches("step:\"call*\"", &judged));
    assert!(matches("step:call*", &judged));
    judged.flow.step = "caller".into();
    assert!(!matches("step:\"call*\"", &judged));
    assert!(matches("step:call*", &judged));
}

#[test]
fn a_missing_fact_matches_nothing_and_its_negation_matches() {
    for filter in ["tenant:*", "key:*", "attempts:>=0", "age:>=0s", "for:>=0s", "error:*", "rule:overdue", "cohort:*"] {
        assert!(!matches(filter, &bare()), "{filter}");
        assert!(matches(&format!("-{filter}"), &bare()), "-{filter}");
    }
}

#[test]
fn groups_of_states_are_those_of_the_board() {
    let with = |status, pause| {
        let mut judged = bare();
        (judged.flow.status, judged.flow.pause) = (status, pause);
        judged
    };
    for (filter, status, pause, expected) in [
        ("state:open", Status::Paused, Some(PauseCause::Held), true),
        ("state:open", Status::Unknown, None, true),
        ("state:open", Status::Succeeded, None, false),
        ("state:open", Status::Cancelled, None, false),
        ("state:held", Status::Paused, Some(PauseCause::Held), true),
        ("state:held", Status::Paused, Some(PauseCause::Exhausted), false),
        ("state:held", Status::Paused, None, false),
        ("state:paused", Status::Paused, None, true),
        ("state:failed", Status::Failed, None, true),
        ("state:failed", Status::TimedOut, None, true),
        ("state:failed", Status::Cancelled, None, false),
        ("state:timed-out", Status::TimedOut, None, true),
        ("state:timed-out", Status::Failed, None, false),
    ] {
        assert_eq!(matches(filter, &with(status, pause)), expected, "{filter} of {status:?} {pause:?}");
    }
}

#[test]
fn a_rule_is_the_primary_one_of_what_is_stuck() {
    let mut judged = retrying();
    assert!(!matches("rule:overdue", &judged), "a second finding does not count");
    judged.judgement = judged.judgement.outdated();
    assert!(matches("rule:retry_storm", &judged), "the board shows the last counts of a silent source");
    assert!(matches("is:recheck", &judged));
    assert!(matches("cohort:*", &judged));
    judged.judgement.findings.remove(0);
    assert!(!matches("rule:overdue", &judged), "a suspicion is not counted per rule");
    assert!(!matches("cohort:*", &judged));
}

#[test]
fn a_cohort_without_an_error_is_named_by_its_rule() {
    let mut judged = retrying();
    judged.flow.error = None;
    let id = cohort_id("restate-eu", "tenant-provisioning/run", "database", "(retry_storm)");
    assert!(matches(&format!("cohort:{id}"), &judged));
}

#[test]
fn a_bad_filter_names_the_word_the_column_and_the_nearest_key() {
    for (text, word, column, suggestion) in [
        ("stat:open", "stat", 1, Some("state")),
        ("is:stuck -tenat:acme", "tenat", 11, Some("tenant")),
        ("region:eu", "region", 1, None),
        ("state:runing", "runing", 7, Some("running")),
        ("state:open,backing-of", "backing-of", 12, Some("backing_off")),
        ("rule:retry", "retry", 6, Some("retry_storm")),
        ("is:stuk", "stuk", 4, Some("stuck")),
        ("is:green", "green", 4, None),
        ("attempts:>=five", ">=five", 10, None),
        ("attempts:-1", "-1", 10, None),
        ("age:>10", ">10", 5, None),
        ("age:soon", "soon", 5, None),
        ("age:-5m", "-5m", 5, None),
        ("age:=10m", "=10m", 5, Some(">10m")),
        ("tenant:\"acme is:stuck", "\"acme", 8, None),
        ("é \"open", "\"open", 3, None),
        ("tenant:", "tenant:", 8, None),
        ("tenant:a,,b", "tenant:a,,b", 10, None),
        ("tenant:a, b", "tenant:a,", 10, None),
        ("tenant:\"\"", "tenant:\"\"", 8, None),
        ("a -", "-", 3, None),
        ("\"\"", "\"\"", 1, None),
        ("\"a\"b", "b", 4, None),
        ("\"a\",b", ",b", 4, None),
    ] {
        let error = refused(text);
        assert_eq!(
            (error.word.as_str(), error.column, error.suggestion.as_deref()),
            (word, column, suggestion),
            "{text}: {error}"
        );
    }
    assert_eq!(refused("stat:open").to_string(), "column 1: unknown key \"stat\"");
    assert_eq!(refused("http:x").to_string(), "column 1: unknown key \"http\"; quotes make it a text to search for");
    assert_eq!(refused("\"a").to_string(), "column 1: the quote is not closed");
    assert_eq!(
        refused("age:>10").to_string(),
        "column 5: \"10\": a unit is missing; write it as 90s, 10m, 2h30m or 3d"
    );
}

#[test]
fn a_colon_after_what_is_no_name_belongs_to_a_bare_word() {
    let mut judged = retrying();
    judged.flow.error = Some(FlowError::new(None, "12:30:05 10.0.0.1:80 ::1", &[], &Redactor::default()));
    for text in ["12:30:05", "10.0.0.1:80", "::1", "\"0.1:80\""] {
        assert!(matches(text, &judged), "{text}");
    }
}

#[test]
fn the_canonical_form_is_the_same_for_all_spellings() {
    for (text, canonical) in [
        ("  state:BACKING-OFF   verdict:stuck ", "state:backing_off is:stuck"),
        ("age:120s for:>1440m", "age:>=2m for:>1d"),
        ("attempts:5 -attempts:>=3,1", "attempts:=5 -attempts:>=3,=1"),
        ("tenant:\"acme\",\"a b\",\"c*\",c*", "tenant:acme,\"a b\",\"c*\",c*"),
        ("\"connection refused\" \"word\" -\"-x\" \"a:b\"", "\"connection refused\" word -\"-x\" \"a:b\""),
        (r#"error:"say \"no\" \\ \n""#, r#"error:"say \"no\" \\ \\n""#),
    ] {
        assert_eq!(Filter::parse(text).unwrap().to_string(), canonical);
    }
}

#[test]
fn completion_offers_keys_and_listed_values() {
    let texts = |text: &str, cursor| -> Vec<String> {
        Filter::complete(text, cursor).into_iter().map(|completion| completion.text).collect()
    };
    assert_eq!(texts("st", 2), ["state:", "step:"]);
    assert_eq!(texts("is:stuck -te", 12), ["is:stuck -tenant:"]);
    assert_eq!(texts("rule:re", 7), ["rule:retry_storm"]);
    assert_eq!(texts("state:open,backing-", 19), ["state:open,backing_off"]);
    assert_eq!(texts("st is:stuck", 2), ["state: is:stuck", "step: is:stuck"], "what follows the cursor stays");
    assert_eq!(texts("is:", 3).len(), Verdict::ALL.len());
    assert_eq!(texts("", 0).len(), KEYS.len());
    for (text, cursor) in [("rule:overdue", 12), ("flow:te", 7), ("\"st", 3), ("x \"a st", 7), ("region:o", 8)] {
        assert!(texts(text, cursor).is_empty(), "{text}");
    }
    let taken = &Filter::complete("é st", 4)[0];
    assert_eq!((taken.label.as_str(), taken.text.as_str(), taken.cursor), ("state:", "é state:", 8));
}

#[test]
fn every_key_of_the_help_is_read() {
    for (key, doc) in KEYS {
        let value = match *key {
            "state" => "open",
            "is" | "verdict" => "stuck",
            "rule" => "overdue",
            "age" | "for" => "1m",
            _ => "1",
        };
        assert!(Filter::parse(&format!("{key}:{value}")).is_ok(), "{key}");
        assert!(!doc.is_empty(), "{key}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{1,8}", r#"[a-z*?,:"\\ -]{1,8}"#, any::<String>()]
        .prop_filter("not empty", |text| !text.is_empty())
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![any_text().prop_map(Pattern::literal), "[a-z?*][a-z0-9/_?*:\"\\\\-]{0,8}".prop_map(Pattern::value),]
}

fn any_bound<T: std::fmt::Debug>(
    limit: impl Strategy<Value = T>,
    comparisons: &'static [Comparison],
) -> impl Strategy<Value = Bound<T>> {
    (select(comparisons), limit).prop_map(|(comparison, limit)| Bound { comparison, limit })
}

fn any_test() -> impl Strategy<Value = Test> {
    const MOVING: &[Comparison] = &[Comparison::Less, Comparison::AtMost, Comparison::AtLeast, Comparison::More];
    const ALL: &[Comparison] =
        &[Comparison::Less, Comparison::AtMost, Comparison::Equal, Comparison::AtLeast, Comparison::More];
    let duration = || (0..10_000_000_i64, option::of(0..1_000_000_000_i32));
    let durations = move || {
        let limit = duration().prop_map(|(secs, nanos)| SignedDuration::new(secs, nanos.unwrap_or(0)));
        vec(any_bound(limit, MOVING), 1..4)
    };
    prop_oneof![
        any_text().prop_map(|text| Test::Word(Pattern::literal(text))),
        vec(select(State::all().collect::<Vec<_>>()), 1..4).prop_map(Test::State),
        vec(select(Verdict::ALL.to_vec()), 1..4).prop_map(Test::Verdict),
        vec(select(Rule::ALL.to_vec()), 1..4).prop_map(Test::Rule),
        (select(Field::ALL.to_vec()), vec(any_pattern(), 1..4)).prop_map(|(field, values)| Test::Text(field, values)),
        durations().prop_map(Test::Age),
        durations().prop_map(Test::For),
        vec(any_bound(any::<u32>(), ALL), 1..4).prop_map(Test::Attempts),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    vec((any::<bool>(), any_test()).prop_map(|(negated, test)| Term { negated, test }), 0..6)
        .prop_map(|terms| Filter { terms })
}

/// Texts that look like filters, so that parsing gets past the first word.
fn any_input() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(KEYS.iter().map(|(key, _)| format!("{key}:")).collect::<Vec<_>>()),
        r#"[a-zé0-9 "\\,:<>=*?-]{0,6}"#,
        select(vec!["open".to_owned(), "10m".to_owned(), ">=5".to_owned(), " ".to_owned(), "\"".to_owned()]),
    ];
    prop_oneof![any::<String>(), vec(piece, 0..8).prop_map(|pieces| pieces.concat())]
}

proptest! {
    #[test]
    fn a_filter_reads_back_as_it_was_written(filter in any_filter()) {
        let text = filter.to_string();
        let again = Filter::parse(&text);
        prop_assert_eq!(again.as_ref(), Ok(&filter), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_column_within_it(text in any_input(), cursor in 0..40_usize) {
        match Filter::parse(&text) {
            Ok(filter) => {
                filter.matches(&retrying(), at(0));
                filter.matches(&bare(), at(0));
                prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
            Err(error) => {
                prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{error}");
                prop_assert!(!error.message.is_empty());
            }
        }
        for completion in Filter::complete(&text, cursor) {
            prop_assert!(completion.cursor <= completion.text.chars().count());
        }
    }

    #[test]
    fn a_negation_matches_exactly_what_its_term_does_not(test in any_test()) {
        let with = |negated| Filter { terms: vec![Term { negated, test: test.clone() }] };
        for judged in [retrying(), bare()] {
            prop_assert_ne!(with(false).matches(&judged, at(0)), with(true).matches(&judged, at(0)));
        }
    }
}
