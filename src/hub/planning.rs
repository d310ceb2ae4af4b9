//! Plans of many targets: who of those that were chosen can be acted on, who is left out and why, and what it hurts.
//!
//! A plan is made of the rows as they are held, and only of sources that are live: what is not known to be the present
//! is left out and said, and never acted on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Hub;
use super::deciding::Asked;
use super::executor::refusal;
use crate::connect::Connector;
use crate::domain::blast::{Blast, Hurt};
use crate::domain::deployment::PutBack;
use crate::domain::flow::{FlowInstance, JudgedFlow, Status};
use crate::domain::plan::{Draft, Frozen, SERVICE, Skipped, Target, WidePlan, of_each};
use crate::domain::policy::MOST_TARGETS;
use crate::domain::remediation::Verb;
use crate::domain::remedy::{FrozenRemedy, Remedy, Step, SwitchedOff};
use crate::domain::runbook::RunbookOffer;
use crate::domain::step::StepEffects;
use crate::domain::text::SafeText;
use crate::ops::{Ops as _, OpsError, PlanWish, Selection};

impl Hub {
    /// Freezes what a verb would do to all that are chosen, for whoever asks. Changes nothing.
    pub(super) async fn wide_plan(&self, wish: &PlanWish, asked: &Asked) -> Result<WidePlan, OpsError> {
        if let Remedy::Verb(verb, parameters) = &wish.remedy
            && verb.is_of_drift()
        {
            return self.drift_plan((*verb, parameters), wish, asked).await;
        }
        let most = usize::try_from(MOST_TARGETS).unwrap_or(usize::MAX);
        let chosen = self.select(&wish.selection, most).await?;
        if chosen.total > most {
            return Err(OpsError::Refused(
                format!("{} instances match, and a plan takes {MOST_TARGETS} at most: narrow the filter", chosen.total)
                    .into(),
            ));
        }
        let (mut targets, mut rows, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        let mut remedy = self.remedy(&wish.remedy)?;
        let mut effects: BTreeMap<SafeText, usize> = BTreeMap::new();
        let mut blast = Blast::default();
        for row in chosen.rows {
            let flow = &row.flow;
            let source = self.source(&flow.id.source)?;
            let connector = &*source.connector;
            let effect =
                if source.live() { effect_of(connector, remedy.steps(), flow) } else { Err(source.not_live()) };
            match effect {
                Ok(effect) => *effects.entry(effect).or_default() += 1,
                Err(reason) => {
                    skipped.push(Skipped { id: flow.id.clone(), reason });
                    continue;
                }
            }
            blast.add(self.hurt(remedy.steps().iter().map(|step| step.verb), flow));
            targets.push(Target { id: flow.id.clone(), version: flow.version.as_str().into() });
            rows.push(row);
        }
        if targets.is_empty() {
            return Err(OpsError::Refused(nobody(&skipped).into()));
        }
        blast.failed_at = self.failed_last(&remedy, &rows)?;
        let mut switches_off = remedy.switches_off();
        if let FrozenRemedy::Verb(step) = &mut remedy
            && let Some((flow, told)) = self.puts_back(&step.parameters, &rows).await?
        {
            step.parameters.insert(SERVICE.into(), flow);
            let PutBack { effect, switches_off: off, way_back, .. } = told;
            let effect =
                format!("once all are verified: {effect}; until it is taken back: {off}; way back: {way_back}");
            effects.insert(effect.into(), rows.len());
            switches_off.push(SwitchedOff { what: off, way_back });
        }
        let frozen = Frozen::of(remedy, targets, wish.waves.clone(), wish.pace);
        let policy = self.gate.decide_wide(&frozen, &blast, asked, &rows);
        Ok(Draft { skipped, effects, switches_off, blast }.done(frozen, policy, (self.clock)()))
    }
}

impl Hub {
    /// What is wished for, with its steps.
    fn remedy(&self, wished: &Remedy) -> Result<FrozenRemedy, OpsError> {
        match wished {
            Remedy::Verb(verb, parameters) => {
                Ok(FrozenRemedy::Verb(Step { verb: *verb, parameters: parameters.clone() }))
            }
            Remedy::Runbook(wished) => {
                let run = self.gate.policing.runbooks.run(wished);
                run.map(|run| FrozenRemedy::Runbook(Box::new(run))).map_err(|why| OpsError::Refused(why.into()))
            }
        }
    }

    /// The runbooks, and for how many of those that are chosen each of them is suggested.
    pub(super) async fn offered(&self, of: Option<&Selection>) -> Result<Vec<RunbookOffer>, OpsError> {
        let runbooks = &self.gate.policing.runbooks;
        let most = usize::try_from(MOST_TARGETS).unwrap_or(usize::MAX);
        let rows = match of {
            Some(selection) if !runbooks.is_empty() => self.select(selection, most).await?.rows,
            _ => Vec::new(),
        };
        Ok(runbooks.offers(&rows, (self.clock)()))
    }

    /// What acting on one instance hurts, by one verb or several after each other.
    pub(super) fn hurt(&self, verbs: impl IntoIterator<Item = Verb>, flow: &FlowInstance) -> Hurt {
        let behind = self.source(&flow.id.source).ok().map(|source| source.held().rows.behind(&flow.id.instance));
        let mut hurt = Hurt { flow: Some(flow.flow.clone()), tenant: flow.tenant.clone(), behind, ..Hurt::default() };
        if let Some(tenant) = flow.tenant.as_ref().and_then(|name| self.listed_tenant(name)) {
            (hurt.tier, hurt.region) = (tenant.tier.clone(), tenant.region.clone());
        }
        let book = &self.book.thresholds;
        let here = book.effects(&flow.id.source, &flow.flow, &flow.step);
        let all = book.all_effects(&flow.id.source, &flow.flow);
        let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        (hurt.money_steps, hurt.messages) = (Some(0), Some(0));
        for verb in verbs {
            let mut once = Hurt::default();
            StepEffects::again(verb, here, all, &mut once);
            hurt.money_steps = sum(hurt.money_steps, once.money_steps);
            hurt.messages = sum(hurt.messages, once.messages);
        }
        hurt
    }

    /// When something of the same cohorts failed last, by the local clock, for verbs that try it once more.
    fn failed_last(&self, remedy: &FrozenRemedy, rows: &[Arc<JudgedFlow>]) -> Result<Option<Timestamp>, OpsError> {
        if ![Verb::Resume, Verb::RestartAsNew].into_iter().any(|verb| remedy.does(verb)) {
            return Ok(None);
        }
        let mut by_source: BTreeMap<&SafeText, Vec<&SafeText>> = BTreeMap::new();
        for row in rows {
            by_source.entry(&row.flow.id.source).or_default().push(&row.flow.id.instance);
        }
        let mut last = None;
        for (name, instances) in by_source {
            let source = self.source(name)?;
            let failed = source.held().rows.failed_last(instances.iter().map(|instance| instance.as_str()));
            let by_own_clock = failed.and_then(|at| at.checked_sub(source.clock_offset()).ok());
            last = last.max(by_own_clock);
        }
        Ok(last)
    }
}

/// What an instance goes through, step by step, in words.
///
/// # Errors
/// Why one of the steps can't be had for it: each is asked of it as the ones before will have left it.
fn effect_of(connector: &dyn Connector, steps: &[Step], flow: &FlowInstance) -> Result<SafeText, SafeText> {
    let mut then = flow.clone();
    let mut told: Vec<String> = Vec::with_capacity(steps.len());
    for (n, step) in (1..).zip(steps) {
        let each = of_each(&step.parameters);
        let refused = refusal(connector, step.verb, &then).or_else(|| connector.objection(step.verb, &each, &then));
        if let Some(why) = refused {
            return Err(if n == 1 { why } else { format!("step {n} ({}): {why}", step.verb.label()).into() });
        }
        told.push(connector.effect_with(step.verb, &each, &then).to_string());
        then.status = after(step.verb).unwrap_or(then.status);
    }
    if let [only] = &told[..] {
        return Ok(only.as_str().into());
    }
    let steps = (1..).zip(steps.iter().zip(told));
    let steps: Vec<String> = steps.map(|(n, (step, effect))| format!("{n}. {}: {effect}", step.verb.label())).collect();
    Ok(steps.join("; once that is verified, ").into())
}

/// How an instance stands once a verb has held; `None` where it goes on as it does.
const fn after(verb: Verb) -> Option<Status> {
    match verb {
        Verb::Pause => Some(Status::Paused),
        Verb::Resume => Some(Status::Running),
        Verb::Cancel | Verb::Kill => Some(Status::Cancelled),
        Verb::RestartAsNew | Verb::Purge | Verb::Reconcile | Verb::Restore => None,
    }
}

/// Why there is nothing to plan.
pub(super) fn nobody(skipped: &[Skipped]) -> String {
    let reasons: BTreeSet<&SafeText> = skipped.iter().map(|skipped| &skipped.reason).collect();
    match skipped.len() {
        0 => "nothing matches, so there is nothing to plan".to_owned(),
        n => {
            let why: Vec<&str> = reasons.into_iter().take(3).map(SafeText::as_str).collect();
            format!("none of the {n} that match can be acted on: {}", why.join("; "))
        }
    }
}
