//! Over any order of requests, approvals, denials, changes, waiting, starts, holds, ends of processes: no item is acted
//! on twice, nothing runs without those whose word its policy asks for, and the counts add up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::crowd::{Crowd, Fate};
use crate::support::ledger::verified;
use crate::support::matrix::record;
use crate::support::runs::{Place, TWO_PEOPLE, adds_up, wish_for};
use proptest::prelude::*;
use quarterdeck::domain::approval::Answer;
use quarterdeck::domain::wide::{Control, WideState};
use quarterdeck::hub::Hub;
use quarterdeck::ops::{Ops, RequestOf, ReviewOf};

/// How many instances there are.
const CROWD: usize = 12;

/// The operators: Ada and Eve have no role; the approvals of Ben and Cleo count, and anybody's where none is asked.
const OPERATORS: [&str; 4] = ["ada", "ben", "cleo", "eve"];

#[derive(Debug, Clone)]
enum Step {
    /// Somebody plans for some of them and asks for it.
    Ask { who: usize, from: usize, count: usize },
    /// Somebody approves or denies one.
    Say { who: usize, which: usize, answer: Answer },
    /// Somebody starts, holds, resumes or aborts one.
    Control { who: usize, which: usize, control: Control },
    /// An instance changes.
    Change(usize),
    /// The engine takes acts so from now on.
    Fate(Fate),
    /// Minutes pass.
    Wait(i64),
    /// The newest one is approved by Ben or Cleo, and started by its requester.
    Start,
    /// Something happens elsewhere for so many milliseconds.
    Run(u64),
    /// Somebody's process ends, and begins anew.
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    // The newest one most of the time.
    let (who, which) = (0..OPERATORS.len(), prop::sample::select(vec![0_usize, 0, 0, 1, 2]));
    let control = prop::sample::select(vec![
        Control::Run,
        Control::Run,
        Control::Run,
        Control::Hold,
        Control::Resume,
        Control::Resume,
        Control::Abort,
    ]);
    let fates = [Fate::Succeeds, Fate::Lost, Fate::Vanished, Fate::Refused, Fate::FailsAgain("no space left")];
    prop_oneof![
        3 => (who.clone(), 0..CROWD, 1..=CROWD).prop_map(|(who, from, count)| Step::Ask { who, from, count }),
        4 => (who.clone(), which.clone(), prop::bool::weighted(0.8)).prop_map(|(who, which, yes)| Step::Say {
            who,
            which,
            answer: if yes { Answer::Approve } else { Answer::Deny },
        }),
        8 => (who.clone(), which, control).prop_map(|(who, which, control)| Step::Control { who, which, control }),
        4 => Just(Step::Start),
        1 => (0..CROWD).prop_map(Step::Change),
        1 => prop::sample::select(fates.to_vec()).prop_map(Step::Fate),
        1 => prop::sample::select(vec![1_i64, 5, 11, 31]).prop_map(Step::Wait),
        4 => (1_u64..4_000).prop_map(Step::Run),
        1 => who.prop_map(Step::End),
    ]
}

/// What the test knows of a request.
struct Known {
    id: String,
    by: usize,
    hash: String,
    needs: bool,
    approved_by: BTreeSet<usize>,
    targets: BTreeSet<String>,
}

async fn went_well(steps: Vec<Step>) {
    let place = Place::new(Crowd::of(CROWD), TWO_PEOPLE);
    let mut hubs: Vec<Arc<Hub>> = Vec::new();
    for name in OPERATORS {
        hubs.push(place.hub(name).await);
    }
    let mut known: Vec<Known> = Vec::new();
    for step in steps {
        match step {
            Step::Ask { who, from, count } => {
                let hub = &hubs[who];
                hub.pass().await;
                let Ok(plan) = hub.plan_of_many(&wish_for(from..(from + count).min(CROWD), "probe,rest")).await else {
                    continue;
                };
                let of = RequestOf {
                    plan_hash: plan.hash.clone(),
                    reason: "a test asked for it".into(),
                    ticket: None,
                    takes_back: None,
                    break_glass: None,
                };
                let Ok(one) = hub.request(&of).await else { continue };
                assert!(known.iter().all(|known| known.id != one.id.as_str()));
                known.push(Known {
                    id: one.id.to_string(),
                    by: who,
                    hash: plan.hash.to_string(),
                    needs: plan.frozen.targets.len() > 3,
                    approved_by: BTreeSet::new(),
                    targets: plan.frozen.targets.iter().map(|target| target.id.instance.to_string()).collect(),
                });
            }
            Step::Say { who, which, answer } => {
                let Some(one) = known.iter_mut().rev().nth(which) else { continue };
                let comment = "looked at it".into();
                let (id, plan_hash) = (one.id.as_str().into(), one.hash.as_str().into());
                if hubs[who].review(&ReviewOf { id, plan_hash, answer, comment, code: None }).await.is_ok()
                    && answer == Answer::Approve
                {
                    assert_ne!(who, one.by, "nobody approves their own request");
                    one.approved_by.insert(who);
                }
            }
            Step::Control { who, which, control } => {
                let Some(one) = known.iter().rev().nth(which) else { continue };
                // Refused as often as not: what it comes to is looked at below.
                let _ = hubs[who].control(&one.id, control).await;
            }
            Step::Start => {
                let Some(one) = known.last_mut() else { continue };
                for who in [1, 2] {
                    let (id, plan_hash) = (one.id.as_str().into(), one.hash.as_str().into());
                    let (answer, comment) = (Answer::Approve, "looked at it".into());
                    if hubs[who].review(&ReviewOf { id, plan_hash, answer, comment, code: None }).await.is_ok() {
                        assert_ne!(who, one.by, "nobody approves their own request");
                        one.approved_by.insert(who);
                    }
                }
                // As above.
                let _ = hubs[one.by].control(&one.id, Control::Run).await;
            }
            Step::Change(n) => place.crowd.changes(n),
            Step::Fate(fate) => place.crowd.fate(fate),
            Step::Wait(minutes) => place.wait(minutes * 60),
            Step::Run(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Step::End(who) => {
                let name = OPERATORS[who];
                drop(hubs.remove(who));
                // What it did is ended by the runtime, when that comes to it.
                tokio::time::sleep(Duration::from_millis(1)).await;
                hubs.insert(who, place.hub(name).await);
            }
        }
        holds(&place, &hubs[0], &known).await;
    }
    // And when everything has come to rest.
    for hub in &hubs {
        while known.iter().any(|one| hub.carries(&one.id)) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    holds(&place, &hubs[0], &known).await;
    assert!(verified(place.dir.path()).broken.is_none());
    ACTED.fetch_add(place.crowd.acted_on().len(), Ordering::SeqCst);
}

/// How many acts arrived, over all orders: where there are none, nothing was tried.
static ACTED: AtomicUsize = AtomicUsize::new(0);

/// How many orders are tried.
const ORDERS: u32 = 48;

/// How many were.
static DONE: AtomicUsize = AtomicUsize::new(0);

/// What is so at every moment.
async fn holds(place: &Place, hub: &Hub, known: &[Known]) {
    assert_eq!(place.crowd.twice(), Vec::<String>::new(), "an act was sent twice");
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for one in known {
        let detail = hub.wide_remediation(&one.id).await.unwrap();
        adds_up(&detail);
        let begun =
            detail.items.iter().filter(|item| item.state != quarterdeck::domain::remediation::ItemState::Pending);
        let begun = begun.filter(|item| item.state != quarterdeck::domain::remediation::ItemState::Skipped).count();
        let started = detail.head.started_at.is_some();
        assert!(started || begun == 0, "{:#?}", detail.head);
        if started && one.needs {
            assert!(!one.approved_by.is_empty(), "it ran without an approval: {:#?}", detail.head);
        }
        if matches!(detail.head.state, WideState::AwaitingApproval | WideState::Rejected | WideState::Expired) {
            assert!(!started, "{:#?}", detail.head);
        }
        for target in &one.targets {
            *sent.entry(target.clone()).or_default() += 1;
        }
    }
    // No instance was acted on more often than it is in a request, and none that is in no request.
    let mut acted: BTreeMap<String, usize> = BTreeMap::new();
    place.crowd.acted_on().into_iter().for_each(|instance| *acted.entry(instance).or_default() += 1);
    for (instance, times) in acted {
        assert!(times <= sent.get(&instance).copied().unwrap_or_default(), "{instance}: {times}");
    }
}

#[test]
fn whatever_happens_in_whichever_order() {
    let config = ProptestConfig { cases: ORDERS, max_shrink_iters: 200, ..ProptestConfig::default() };
    proptest!(config, |(steps in prop::collection::vec(step(), 20..60))| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(went_well(steps));
        DONE.fetch_add(1, Ordering::SeqCst);
    });
    assert!(ACTED.load(Ordering::SeqCst) > 50, "{}", ACTED.load(Ordering::SeqCst));
    record("acts-once", DONE.load(Ordering::SeqCst), ORDERS as usize);
}
