use proptest::prelude::*;

use super::*;

fn roles(names: &[&str]) -> BTreeSet<SafeText> {
    names.iter().map(|name| SafeText::from(*name)).collect()
}

fn approval(approve: u32, of: &[&str]) -> Decision {
    Decision::RequireApproval(Needed { approve, roles: roles(of) })
}

fn reason(policy: &str, decision: Decision, mode: Mode) -> Reason {
    Reason { mode, ..Reason::new(policy, decision, "because") }
}

fn decisions() -> impl Strategy<Value = Decision> {
    prop_oneof![
        Just(Decision::Allow),
        Just(Decision::Warn),
        (1_u32..4, proptest::sample::subsequence(vec!["lead", "dba", "sre"], 0..3))
            .prop_map(|(n, of)| approval(n, &of)),
        Just(Decision::Deny),
    ]
}

fn reasons() -> impl Strategy<Value = Vec<Reason>> {
    let one = ("[a-d]", decisions(), prop_oneof![Just(Mode::Enforce), Just(Mode::Shadow)]);
    proptest::collection::vec(one.prop_map(|(name, decision, mode)| reason(&name, decision, mode)), 0..8)
}

proptest! {
    #[test]
    fn the_strictest_wins_over_any_set_and_order(all in reasons(), seed in any::<u64>()) {
        let decided = PolicyDecision::of(all.clone(), Vec::new());
        let counted: Vec<&Reason> = all.iter().filter(|reason| reason.mode == Mode::Enforce).collect();
        prop_assert_eq!(decided.reasons.len(), all.len(), "each is listed");
        prop_assert!(counted.iter().all(|reason| reason.decision <= decided.decision));
        prop_assert!(decided.decision == Decision::Allow || counted.iter().any(|reason| reason.decision == decided.decision));
        // Every demand is met by one of those that are told, and none of those is made up.
        if decided.decision == Decision::Deny {
            prop_assert!(decided.needed.is_empty() && decided.denial().is_some());
        } else {
            let demands: Vec<&Needed> = counted.iter().filter_map(|reason| reason.decision.needed()).collect();
            prop_assert!(demands.iter().all(|demand| decided.needed.iter().any(|needed| needed.covers(demand))));
            prop_assert!(decided.needed.iter().all(|needed| demands.contains(&needed)));
            prop_assert_eq!(decided.approvals().is_some(), !demands.is_empty());
        }
        let mut shuffled = all;
        let mut seed = seed;
        for at in (1..shuffled.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(at, usize::try_from(seed >> 33).unwrap() % (at + 1));
        }
        prop_assert_eq!(PolicyDecision::of(shuffled, Vec::new()), decided);
    }
}

#[test]
fn what_is_in_shadow_is_listed_and_counts_for_nothing() {
    let decided = PolicyDecision::of(
        vec![reason("tried", Decision::Deny, Mode::Shadow), reason("known", Decision::Warn, Mode::Enforce)],
        Vec::new(),
    );
    assert_eq!((&decided.decision, decided.reasons.len()), (&Decision::Warn, 2));
    assert_eq!(decided.reasons[0].policy, *"known", "what counts comes first");
    assert!(decided.denial().is_none() && decided.approvals().is_none());
    assert_eq!(decided.warnings().count(), 1);
}

#[test]
fn nobody_is_let_off_a_role_by_a_larger_number() {
    let all = vec![
        reason("two", approval(2, &[]), Mode::Enforce),
        reason("lead", approval(1, &["lead"]), Mode::Enforce),
        reason("lead or dba", approval(1, &["lead", "dba"]), Mode::Enforce),
        reason("one", approval(1, &[]), Mode::Enforce),
    ];
    let decided = PolicyDecision::of(all, Vec::new());
    let told: Vec<String> = decided.needed.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["2 of anybody else", "1 of lead"]);
    assert!(decided.approvals().unwrap().starts_with("approvals are needed: 2 of anybody else, and 1 of lead ("));
}

#[test]
fn a_cap_for_a_role_goes_before_the_general_one() {
    let cap = |of: &[&str], tier: Option<&str>, most| Cap { roles: roles(of), tier: tier.map(SafeText::from), most };
    let limits = Limits {
        caps: vec![
            cap(&[], None, 100),
            cap(&["support"], None, 5),
            cap(&["responder"], None, 500),
            cap(&[], Some("gold"), 3),
        ],
        ..Limits::default()
    };
    let of = |names: &[&str], tier| limits.cap(tier, &roles(names));
    assert_eq!(of(&[], None), Some(100));
    assert_eq!(of(&["support"], None), Some(5));
    assert_eq!(of(&["support", "responder"], None), Some(500));
    assert_eq!(of(&["support"], Some("gold")), Some(3));
    assert_eq!(of(&["support"], Some("silver")), None);
    assert_eq!(Limits::default().cap(None, &roles(&[])), Some(MOST_TARGETS));
}
