//! Asking policies of an act: what it comes to is shown with its plan, and asked again when it is carried out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Hub;
use super::policy::Policies;
use crate::domain::blast::{Blast, Hurt};
use crate::domain::flow::{FlowInstance, JudgedFlow};
use crate::domain::policy::{Circumstances, PlanFacts, PolicyDecision, Request};
use crate::domain::remediation::{Plan, Verb, VerbOffer};
use crate::domain::text::SafeText;
use crate::domain::verdict::Judgement;

/// What may be done by whom, and when, in a context. The default has what holds without any config, outside production.
#[derive(Debug, Default)]
pub struct Policing {
    /// Policies, freezes and limits.
    pub policies: Policies,
    /// Whether the context is production.
    pub production: bool,
}

impl Hub {
    /// What is decided of a request at this moment, with every reason. `targets` are those of its plan.
    pub fn decide(&self, request: &Request, targets: &[Arc<JudgedFlow>]) -> PolicyDecision {
        let at = Circumstances {
            context: self.context.clone(),
            production: self.policing.production,
            armed: self.refusal().is_none(),
            at: (self.clock)(),
        };
        self.policing.policies.decide(request, targets, &at)
    }

    /// What is decided of a verb on one instance that was just read.
    pub(super) fn decide_one(
        &self,
        verb: Verb,
        flow: &FlowInstance,
        judgement: &Judgement,
        reason: Option<&str>,
    ) -> PolicyDecision {
        let once = |text: &SafeText| BTreeSet::from([text.clone()]);
        let request = Request {
            verb: verb.name().into(),
            risk: verb.risk().name().into(),
            runbook: None,
            reason: reason.map(|reason| SafeText::clipped(reason.trim(), 500)),
            ticket: None,
            by: self.operator.clone(),
            dry_run: false,
            break_glass: None,
            plan: PlanFacts {
                targets: 1,
                waves: 1,
                flows: once(&flow.flow),
                steps: once(&flow.step),
                sources: once(&flow.id.source),
                blast: Blast::of([Hurt { tenant: flow.tenant.clone(), ..Hurt::default() }]),
                cause_failing: None,
            },
        };
        let target = JudgedFlow { flow: flow.clone(), judgement: judgement.clone() };
        self.decide(&request, &[Arc::new(target)])
    }

    /// A plan with what is decided of it now; what should be known of it is among its warnings.
    pub(super) fn with_policy(&self, mut plan: Plan, flow: &FlowInstance, judgement: &Judgement) -> Plan {
        plan.policy = self.decide_one(plan.verb, flow, judgement, None);
        plan.warnings.extend(plan.policy.warnings().map(|reason| SafeText::from(reason.to_string())));
        plan
    }

    /// The verbs that are offered, those that are not allowed with why, and those that need approvals with which.
    pub(super) fn under_policy(
        &self,
        mut offers: Vec<VerbOffer>,
        flow: &FlowInstance,
        judgement: &Judgement,
    ) -> Vec<VerbOffer> {
        for offer in offers.iter_mut().filter(|offer| offer.refusal.is_none()) {
            let decided = self.decide_one(offer.verb, flow, judgement, None);
            offer.refusal = decided.denial().map(SafeText::from);
            offer.needs = decided.approvals().map(SafeText::from);
        }
        offers
    }
}
