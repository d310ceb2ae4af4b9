//! Remediations of many: hand-made ones in several states, and what the hub of hand-made data does with a request, a
//! review and a control.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::{ago, now};
use crate::domain::approval::{Answer, Approval, ApprovalState, Review, Reviewer};
use crate::domain::blast::{Blast, Hurt};
use crate::domain::deployment::{Deployment, Deployments};
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::plan::{Frozen, PLAN_LIFE, Pace, Parameters, Skipped, Target, Waves, WidePlan};
use crate::domain::policy::{Decision, Needed, PolicyDecision, Reason, Roles};
use crate::domain::remediation::{ItemState, Verb};
use crate::domain::remedy::{FrozenRemedy, Remedy, Step};
use crate::domain::rollback::{inverse, left_out};
use crate::domain::text::SafeText;
use crate::domain::wide::{Control, Item, ItemCounts, Told, WideDetail, WideRemediation, WideState};
use crate::ops::{OpsError, PlanWish, RequestOf, ReviewOf};

/// Who may approve: jo leads, and so does mara.
pub(in crate::cockpit) fn roles() -> Roles {
    Roles(BTreeMap::from([("lead".into(), ["jo".into(), "mara".into()].into())]))
}

/// A plan that needs one approval of a lead where it has more than fifty targets.
fn planned(remedy: FrozenRemedy, waves: Waves, targets: Vec<Target>, blast: Blast, skipped: Vec<Skipped>) -> WidePlan {
    let frozen = Frozen::of(remedy, targets, waves, Pace::default());
    let lead = Needed { approve: 1, roles: ["lead".into()].into() };
    let many = frozen.targets.len() > 50;
    let reasons = if many {
        let why = format!("{} targets; more than 50 need an approval", frozen.targets.len());
        vec![
            Reason::new("many targets", Decision::RequireApproval(lead), why),
            Reason::new("business hours", Decision::Warn, "customers are awake"),
        ]
    } else {
        Vec::new()
    };
    WidePlan {
        hash: frozen.hash(),
        effects: vec![(
            "PATCH /invocations/ID/resume: it goes on at the failed command (database)".into(),
            frozen.targets.len(),
        )],
        switches_off: frozen.remedy.switches_off(),
        frozen,
        skipped,
        blast,
        policy: PolicyDecision::of(reasons, Vec::new()),
        made_at: ago(4),
        expires_at: now() + PLAN_LIFE,
    }
}

/// A plan for so many instances of one flow.
pub(in crate::cockpit) fn plan_for(verb: Verb, count: usize) -> WidePlan {
    let id = |n: usize| InstanceId::new("restate", format!("inv_1aP{n:04}kQz8Rt5LwY3"));
    let targets = (0..count).map(|n| Target { id: id(n), version: "v1".into() }).collect();
    let tenants = ["acme", "globex", "initech", "umbrella"];
    let hurt = |n: usize| Hurt {
        flow: Some("tenant-provisioning".into()),
        tenant: (n % 9 != 8).then(|| tenants[n % 4].into()),
        tier: (n % 4 < 2).then(|| "gold".into()),
        behind: Some(u64::from(n.is_multiple_of(40))),
        messages: Some(0),
        ..Hurt::default()
    };
    let skipped = (0..4)
        .map(|n| Skipped {
            id: id(9_000 + n),
            reason: if n == 0 { "it is running" } else { "its source is not live: connection refused" }.into(),
        })
        .collect();
    let remedy = FrozenRemedy::Verb(Step { verb, parameters: Parameters::new() });
    planned(remedy, Waves::default(), targets, Blast::of((0..count).map(hurt)), skipped)
}

/// A remediation of so many that stands so.
pub(in crate::cockpit) fn remediation(id: &str, state: WideState, counts: &[(ItemState, u64)]) -> WideRemediation {
    let mut told = ItemCounts::default();
    for (state, count) in counts {
        told.add(*state, *count);
    }
    let count = usize::try_from(told.total()).unwrap();
    let plan = plan_for(Verb::Resume, count);
    let mut approval = Approval::asked(plan.policy.needed.clone(), ago(180));
    let begun = !matches!(state, WideState::AwaitingApproval | WideState::Approved | WideState::Rejected);
    if state != WideState::AwaitingApproval && approval.state == ApprovalState::Pending {
        let review = Review {
            by: "jo".into(),
            answer: Answer::Approve,
            comment: "looked at the first one with them".into(),
            at: ago(120),
            solo: false,
        };
        approval.say(review, &roles());
    }
    if begun {
        approval.state = ApprovalState::Spent;
    }
    WideRemediation {
        id: id.into(),
        context: "shop-eu".into(),
        plan: Arc::new(plan),
        reason: "the database is back, INC-4711".into(),
        ticket: Some("INC-4711".into()),
        requested_by: if state == WideState::AwaitingApproval { "sam" } else { "mara" }.into(),
        requested_at: ago(180),
        state,
        approval,
        counts: told,
        wave: u32::from(begun) * 2,
        outcome: match state {
            WideState::Held => "4 failed after the first wave, and 3 are the most".into(),
            WideState::Partial => "295 verified, 3 failed again with the same error".into(),
            _ => SafeText::default(),
        },
        started_at: begun.then(|| ago(100)),
        changed_at: ago(2),
        takes_back: None,
    }
}

/// A pause of so many that has ended.
pub(in crate::cockpit) fn paused(id: &str, counts: &[(ItemState, u64)]) -> WideRemediation {
    let mut head = remediation(id, WideState::Partial, counts);
    head.plan = Arc::new(plan_for(Verb::Pause, head.plan.frozen.targets.len()));
    head
}

/// One that waits for approval, one that runs, one that is held, and one that was.
pub(in crate::cockpit) fn some() -> Vec<Arc<WideRemediation>> {
    use ItemState::{Accepted, Failed, Pending, Skipped, Unknown, Verified};
    [
        remediation("rem-run", WideState::Running, &[(Verified, 40), (Accepted, 5), (Pending, 253)]),
        remediation("rem-old", WideState::Partial, &[(Verified, 295), (Failed, 3)]),
        remediation(
            "rem-held",
            WideState::Held,
            &[(Verified, 9), (Failed, 4), (Unknown, 1), (Skipped, 2), (Pending, 44)],
        ),
        remediation("rem-wait", WideState::AwaitingApproval, &[(Pending, 298)]),
    ]
    .into_iter()
    .map(Arc::new)
    .collect()
}

/// One with its items, as `who` sees it.
pub(in crate::cockpit) fn detail(head: &Arc<WideRemediation>, who: &str) -> WideDetail {
    let states =
        head.counts.each().flat_map(|(state, count)| std::iter::repeat_n(state, usize::try_from(count).unwrap()));
    // Those that were sent first came furthest.
    let mut states: Vec<ItemState> = states.collect();
    states.sort_by_key(|state| *state == ItemState::Pending);
    let items = head.plan.frozen.targets.iter().zip(head.plan.frozen.wave_of_each()).zip(states).zip(0..);
    let items = items.map(|(((target, wave), state), number)| Item {
        number,
        target: target.clone(),
        wave,
        state,
        steps: 0,
        ended: matches!(state, ItemState::Verified | ItemState::Failed | ItemState::Skipped | ItemState::Unknown),
        words: match state {
            ItemState::Verified => "it got past database".into(),
            ItemState::Failed => "it failed again: connect to pg-17: connection refused".into(),
            ItemState::Unknown => "the answer was lost".into(),
            ItemState::Skipped => "it had changed: it succeeded meanwhile".into(),
            _ => SafeText::default(),
        },
        at: (state != ItemState::Pending).then(|| ago(30)),
    });
    let roles = roles();
    let reviewer = Reviewer { name: who, roles: &roles, solo: false };
    WideDetail {
        items: Arc::new(items.collect()),
        history: vec![Told {
            at: ago(180),
            actor: head.requested_by.clone(),
            action: "request".into(),
            subject: "restate, 298 targets".into(),
            text: head.reason.clone(),
        }],
        cannot_approve: head
            .approval
            .refuses(&reviewer, Answer::Approve, &head.requested_by, now())
            .map(SafeText::from),
        head: head.clone(),
    }
}

/// A plan of those that were chosen.
pub(super) fn plan_of(wish: &PlanWish, rows: &[Arc<JudgedFlow>]) -> Result<WidePlan, OpsError> {
    if rows.is_empty() {
        return Err(OpsError::Refused("nothing matches, so there is nothing to plan".into()));
    }
    let target = |row: &Arc<JudgedFlow>| Target { id: row.flow.id.clone(), version: row.flow.version.as_str().into() };
    let hurt = |row: &Arc<JudgedFlow>| Hurt {
        flow: Some(row.flow.flow.clone()),
        tenant: row.flow.tenant.clone(),
        ..Hurt::default()
    };
    let blast = Blast::of(rows.iter().map(hurt));
    let remedy = match &wish.remedy {
        Remedy::Verb(verb, parameters) => FrozenRemedy::Verb(Step { verb: *verb, parameters: parameters.clone() }),
        Remedy::Runbook(wished) => {
            let all = super::runbooks::all();
            let runbook = all.iter().find(|runbook| runbook.id.name == wished.name);
            let run = runbook.unwrap().run(&wished.parameters, None).map_err(|wrong| {
                OpsError::Refused(wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ").into())
            })?;
            FrozenRemedy::Runbook(Box::new(run))
        }
    };
    Ok(planned(remedy, wish.waves.clone(), rows.iter().map(target).collect(), blast, Vec::new()))
}

/// Three deployments of a service, the newest of which fails.
pub(super) fn deployments(service: &str) -> Deployments {
    let one = |id: &str, revision, minutes: i64, (pinned, failing)| Deployment {
        id: id.into(),
        revision,
        created_at: now() - SignedDuration::from_mins(minutes),
        current: revision == 12,
        pinned,
        failing,
        address: format!("http://worker-{revision}.internal:9080/").into(),
        sdk: Some("restate-sdk-rust/0.8.0".into()),
    };
    Deployments {
        source: "restate".into(),
        service: service.into(),
        all: vec![
            one("dp_17sztQp4gnEC1L0OCFM9aEh", 12, 26, (312, 298)),
            one("dp_11pXug0mWsff2NOoRBZbOcV", 11, 3_000, (14, 0)),
            one("dp_10fRr1Wq9TzBkq2mMYcW3xP", 9, 44_000, (0, 0)),
        ],
    }
}

/// A plan of what takes one back, as far as it held.
pub(super) fn taking_back(head: &WideRemediation) -> Result<WidePlan, OpsError> {
    let inverse = inverse(&head.plan.frozen).map_err(|why| OpsError::Refused(why.into()))?;
    let kept = usize::try_from(head.counts.get(ItemState::Verified)).unwrap();
    let (targets, others) = head.plan.frozen.targets.split_at(kept);
    let left_out =
        |target: &Target| Skipped { id: target.id.clone(), reason: left_out(ItemState::Failed, 0).unwrap().into() };
    let skipped = others.iter().map(left_out).collect();
    let Remedy::Verb(verb, parameters) = inverse.0 else { return Err(OpsError::Refused("not here".into())) };
    let remedy = FrozenRemedy::Verb(Step { verb, parameters });
    Ok(planned(remedy, head.plan.frozen.waves.clone(), targets.to_vec(), head.plan.blast.clone(), skipped))
}

/// What a request of mara comes to.
pub(super) fn requested(plan: &WidePlan, request: &RequestOf) -> WideRemediation {
    let approval = Approval::asked(plan.policy.needed.clone(), now());
    let state =
        if approval.state == ApprovalState::Pending { WideState::AwaitingApproval } else { WideState::Approved };
    let pending = std::iter::repeat_n(ItemState::Pending, plan.frozen.targets.len());
    WideRemediation {
        id: "rem-new".into(),
        context: "shop-eu".into(),
        plan: Arc::new(plan.clone()),
        reason: request.reason.clone(),
        ticket: request.ticket.clone(),
        requested_by: "mara".into(),
        requested_at: now(),
        state,
        approval,
        counts: ItemCounts::of(pending),
        wave: 0,
        outcome: SafeText::default(),
        started_at: None,
        changed_at: now(),
        takes_back: request.takes_back.clone(),
    }
}

/// What mara's word comes to.
pub(super) fn reviewed(head: &mut WideRemediation, review: &ReviewOf) -> Result<(), OpsError> {
    if head.plan.hash != review.plan_hash {
        return Err(OpsError::Changed("that is not the plan that waits".into()));
    }
    let roles = roles();
    let reviewer = Reviewer { name: "mara", roles: &roles, solo: review.code.is_some() };
    if let Some(why) = head.approval.refuses(&reviewer, review.answer, &head.requested_by, now()) {
        return Err(OpsError::Refused(why.into()));
    }
    let said = Review {
        by: "mara".into(),
        answer: review.answer,
        comment: review.comment.clone(),
        at: now(),
        solo: review.code.is_some(),
    };
    head.approval.say(said, &roles);
    head.state = match head.approval.state {
        ApprovalState::Approved => WideState::Approved,
        ApprovalState::Denied => WideState::Rejected,
        _ => head.state,
    };
    Ok(())
}

/// What a control comes to.
pub(super) fn controlled(head: &mut WideRemediation, control: Control) -> Result<(), OpsError> {
    if let Some(why) = control.refused(head.state) {
        return Err(OpsError::Refused(why.into()));
    }
    head.state = match control {
        Control::Run | Control::Resume => WideState::Running,
        Control::Hold => WideState::Held,
        Control::Abort => WideState::Aborted,
    };
    head.started_at = head.started_at.or(Some(now() - SignedDuration::from_secs(1)));
    Ok(())
}
