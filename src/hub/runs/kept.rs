//! Plans and remediations as the ledger keeps them, and back. What is kept of a policy's decision is more than what is
//! printed of it, so it has a form of its own.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::blast::Blast;
use crate::domain::ids::InstanceId;
use crate::domain::plan::{Frozen, Pace, Parameters, Skipped, Target, WidePlan};
use crate::domain::policy::{Borrowed, Decision, Mode, Needed, PolicyDecision, Reason};
use crate::domain::remediation::{ItemState, Verb};
use crate::domain::remedy::{FrozenRemedy, Step, SwitchedOff};
use crate::domain::runbook::RunbookRun;
use crate::domain::text::SafeText;
use crate::domain::wide::{Item, ItemCounts, WideRemediation};
use crate::hub::ledger::{Kept, KeptItem, LedgerError};

#[derive(Serialize, Deserialize)]
struct KeptPlan {
    /// Of a runbook, that of its first step.
    verb: Verb,
    parameters: Parameters,
    #[serde(default)]
    runbook: Option<RunbookRun>,
    #[serde(default)]
    switches_off: Vec<SwitchedOff>,
    targets: Vec<(InstanceId, SafeText)>,
    waves: String,
    pace: Pace,
    skipped: Vec<(InstanceId, SafeText)>,
    effects: Vec<(SafeText, usize)>,
    blast: Blast,
    reasons: Vec<KeptReason>,
    borrowed: Vec<Borrowed>,
    made_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct KeptReason {
    policy: SafeText,
    decision: KeptDecision,
    reason: SafeText,
    mode: Mode,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptDecision {
    Allow,
    Warn,
    RequireApproval(Needed),
    Deny,
}

impl From<&Decision> for KeptDecision {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Allow => Self::Allow,
            Decision::Warn => Self::Warn,
            Decision::RequireApproval(needed) => Self::RequireApproval(needed.clone()),
            Decision::Deny => Self::Deny,
        }
    }
}

impl From<KeptDecision> for Decision {
    fn from(decision: KeptDecision) -> Self {
        match decision {
            KeptDecision::Allow => Self::Allow,
            KeptDecision::Warn => Self::Warn,
            KeptDecision::RequireApproval(needed) => Self::RequireApproval(needed),
            KeptDecision::Deny => Self::Deny,
        }
    }
}

/// A plan as it is kept.
pub(super) fn written(plan: &WidePlan) -> Result<String, LedgerError> {
    let frozen = &plan.frozen;
    let first = frozen.remedy.steps().first();
    let first = first.ok_or_else(|| LedgerError::Unwritable("a plan without a step can't be kept".to_owned()))?;
    let kept = KeptPlan {
        verb: first.verb,
        parameters: first.parameters.clone(),
        runbook: frozen.remedy.runbook().cloned(),
        switches_off: plan.switches_off.clone(),
        targets: frozen.targets.iter().map(|target| (target.id.clone(), target.version.clone())).collect(),
        waves: frozen.waves.to_string(),
        pace: frozen.pace,
        skipped: plan.skipped.iter().map(|skipped| (skipped.id.clone(), skipped.reason.clone())).collect(),
        effects: plan.effects.clone(),
        blast: plan.blast.clone(),
        reasons: plan.policy.reasons.iter().map(kept_reason).collect(),
        borrowed: plan.policy.borrowed.clone(),
        made_at: plan.made_at,
        expires_at: plan.expires_at,
    };
    serde_json::to_string(&kept).map_err(|error| LedgerError::Unwritable(error.to_string()))
}

fn kept_reason(reason: &Reason) -> KeptReason {
    let Reason { policy, decision, reason, mode } = reason;
    KeptReason { policy: policy.clone(), decision: decision.into(), reason: reason.clone(), mode: *mode }
}

/// A plan as it was kept; it has the hash that it was kept under, or it is none.
pub(super) fn read(text: &str, hash: &str) -> Result<WidePlan, LedgerError> {
    let unreadable = |why: String| LedgerError::Unwritable(format!("the plan {hash} can't be read back: {why}"));
    let kept: KeptPlan = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    let targets = kept.targets.into_iter().map(|(id, version)| Target { id, version }).collect();
    let waves = kept.waves.parse().map_err(unreadable)?;
    let verb = Step { verb: kept.verb, parameters: kept.parameters };
    let remedy = kept.runbook.map_or(FrozenRemedy::Verb(verb), |run| FrozenRemedy::Runbook(Box::new(run)));
    let frozen = Frozen::of(remedy, targets, waves, kept.pace);
    if frozen.hash() != *hash {
        return Err(unreadable("it is another one".to_owned()));
    }
    let reasons = kept.reasons.into_iter().map(|kept| {
        let KeptReason { policy, decision, reason, mode } = kept;
        Reason { policy, decision: decision.into(), reason, mode }
    });
    Ok(WidePlan {
        hash: hash.into(),
        frozen,
        skipped: kept.skipped.into_iter().map(|(id, reason)| Skipped { id, reason }).collect(),
        effects: kept.effects,
        switches_off: kept.switches_off,
        blast: kept.blast,
        policy: PolicyDecision::of(reasons.collect(), kept.borrowed),
        made_at: kept.made_at,
        expires_at: kept.expires_at,
    })
}

/// A remediation as it is shown.
pub(super) fn shown(kept: Kept, plan: Arc<WidePlan>, counts: ItemCounts) -> WideRemediation {
    WideRemediation {
        id: kept.id.into(),
        context: kept.context.into(),
        plan,
        reason: kept.reason.into(),
        ticket: kept.ticket.map(Into::into),
        requested_by: kept.requested_by.into(),
        requested_at: kept.requested_at,
        state: kept.state,
        approval: kept.approval,
        counts,
        wave: kept.wave,
        outcome: kept.outcome.into(),
        started_at: kept.started_at,
        changed_at: kept.changed_at,
        takes_back: kept.takes_back.map(Into::into),
    }
}

/// The items of a plan, none of which has been sent.
pub(super) fn items(plan: &WidePlan) -> Vec<KeptItem> {
    let frozen = &plan.frozen;
    (0_u32..)
        .zip(frozen.targets.iter().zip(frozen.wave_of_each()))
        .map(|(number, (target, wave))| KeptItem {
            number,
            source: target.id.source.to_string(),
            instance: target.id.instance.to_string(),
            version: target.version.to_string(),
            wave,
            state: ItemState::Pending,
            ended: false,
            words: "not sent yet".to_owned(),
            at: None,
            act: None,
            before: None,
            began: None,
            fingerprint: None,
            answered: false,
            step: 0,
            expects: None,
        })
        .collect()
}

/// An item as it is shown.
pub(super) fn item(kept: &KeptItem) -> Item {
    Item {
        number: kept.number,
        target: Target {
            id: InstanceId::new(kept.source.as_str(), kept.instance.as_str()),
            version: kept.version.as_str().into(),
        },
        wave: kept.wave,
        state: kept.state,
        steps: kept.step,
        ended: kept.ended,
        words: kept.words.as_str().into(),
        at: kept.at,
    }
}
