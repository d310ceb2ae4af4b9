//! What may be done at this moment: the lock, and what policies say. Asked when a plan is made, and again when it is
//! carried out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Hub;
use super::arming::Latch;
use super::policy::Policies;
use super::runbooks::Runbooks;
use super::source::Clock;
use crate::domain::blast::Blast;
use crate::domain::flow::{FlowInstance, JudgedFlow};
use crate::domain::plan::{Frozen, risk_of};
use crate::domain::policy::{BreakGlass, Circumstances, PlanFacts, PolicyDecision, Request};
use crate::domain::remediation::{Plan, Verb, VerbOffer};
use crate::domain::rollback::ROLLBACK;
use crate::domain::text::SafeText;
use crate::domain::verdict::Judgement;

/// What may be done by whom, and when, in a context. The default has what holds without any config, outside production.
#[derive(Debug, Default)]
pub struct Policing {
    /// Policies, freezes and limits.
    pub policies: Policies,
    /// What was written down to be done again and again.
    pub runbooks: Runbooks,
    /// Whether the context is production.
    pub production: bool,
}

/// What every act passes.
pub(super) struct Gate {
    pub(super) context: SafeText,
    /// Who acts; taken on trust.
    pub(super) operator: SafeText,
    /// Why nothing may be acted on, where that is so whatever the moment.
    pub(super) read_only: Option<SafeText>,
    pub(super) latch: Option<Arc<Latch>>,
    pub(super) policing: Policing,
    pub(super) clock: Clock,
}

impl Gate {
    /// Why nothing may be acted on at this moment, where that is so.
    pub(super) fn refusal(&self) -> Option<SafeText> {
        self.read_only.clone().or_else(|| self.latch.as_ref().and_then(|latch| latch.refusal()))
    }

    /// What is decided of a request at this moment, with every reason. `targets` are those of its plan.
    pub(super) fn decide(&self, request: &Request, targets: &[Arc<JudgedFlow>], under_way: bool) -> PolicyDecision {
        let at = Circumstances {
            under_way,
            context: self.context.clone(),
            production: self.policing.production,
            armed: self.refusal().is_none(),
            at: (self.clock)(),
        };
        self.policing.policies.decide(request, targets, &at)
    }

    /// The same of a plan of many, as it was made. Of `targets`, only their flows and steps are looked at, and what
    /// freezes ask of them.
    pub(super) fn decide_wide(
        &self,
        frozen: &Frozen,
        blast: &Blast,
        asked: &Asked,
        targets: &[Arc<JudgedFlow>],
    ) -> PolicyDecision {
        let mut facts = PlanFacts {
            targets: frozen.targets.len() as u64,
            waves: frozen.waves.sizes(frozen.targets.len()).len() as u64,
            blast: blast.clone(),
            cause_failing: blast.cause_failing((self.clock)()),
            ..PlanFacts::default()
        };
        facts.sources.extend(frozen.targets.iter().map(|target| target.id.source.clone()));
        for target in targets {
            facts.flows.insert(target.flow.flow.clone());
            facts.steps.insert(target.flow.step.clone());
        }
        let request = |verb: &'static str| Request {
            verb: verb.into(),
            risk: risk_of(frozen, blast).name().into(),
            runbook: frozen.remedy.runbook().map(|run| run.id.to_string().into()),
            reason: asked.reason.clone(),
            ticket: asked.ticket.clone(),
            by: asked.by.clone(),
            dry_run: false,
            break_glass: asked.break_glass.clone(),
            plan: facts.clone(),
        };
        // What is said of a verb is said of a runbook with that verb in it, too: the strictest of its steps wins. To take
        // something back is a right of its own, and none to do what it is done by.
        let verbs: BTreeSet<Verb> = frozen.remedy.steps().iter().map(|step| step.verb).collect();
        let names = verbs.into_iter().map(Verb::name).chain(asked.takes_back.then_some(ROLLBACK));
        let decided = names.map(|name| self.decide(&request(name), targets, asked.under_way));
        decided.reduce(PolicyDecision::and).unwrap_or_else(|| PolicyDecision::of(Vec::new(), Vec::new()))
    }
}

/// Who asks for a plan of many, and why, as far as that is known.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Taken on trust.
    pub(super) by: SafeText,
    pub(super) reason: Option<SafeText>,
    pub(super) ticket: Option<SafeText>,
    pub(super) break_glass: Option<BreakGlass>,
    /// Whether it takes another one back.
    pub(super) takes_back: bool,
    /// Whether it was started already.
    pub(super) under_way: bool,
}

impl Asked {
    /// Somebody who has said nothing yet.
    pub(super) const fn by(by: SafeText) -> Self {
        Self { by, reason: None, ticket: None, break_glass: None, takes_back: false, under_way: false }
    }
}

impl Hub {
    /// What is decided of a request at this moment, with every reason. `targets` are those of its plan.
    pub fn decide(&self, request: &Request, targets: &[Arc<JudgedFlow>]) -> PolicyDecision {
        self.gate.decide(request, targets, false)
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
            by: self.gate.operator.clone(),
            dry_run: false,
            break_glass: None,
            plan: PlanFacts {
                targets: 1,
                waves: 1,
                flows: once(&flow.flow),
                steps: once(&flow.step),
                sources: once(&flow.id.source),
                blast: Blast::of([self.hurt([verb], flow)]),
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
