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
use crate::domain::blast::{Blast, Hurt};
use crate::domain::flow::{FlowInstance, JudgedFlow};
use crate::domain::plan::{DEPLOYMENT, Frozen, PLAN_LIFE, PUT_BACK, SERVICE, Skipped, Target, WidePlan, of_each};
use crate::domain::policy::MOST_TARGETS;
use crate::domain::remediation::Verb;
use crate::domain::step::StepEffects;
use crate::domain::text::SafeText;
use crate::ops::{Ops as _, OpsError, PlanWish};

impl Hub {
    /// Freezes what a verb would do to all that are chosen, for whoever asks. Changes nothing.
    pub(super) async fn wide_plan(&self, wish: &PlanWish, asked: &Asked) -> Result<WidePlan, OpsError> {
        let most = usize::try_from(MOST_TARGETS).unwrap_or(usize::MAX);
        let chosen = self.select(&wish.selection, most).await?;
        if chosen.total > most {
            return Err(OpsError::Refused(
                format!("{} instances match, and a plan takes {MOST_TARGETS} at most: narrow the filter", chosen.total)
                    .into(),
            ));
        }
        let (mut targets, mut rows, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        let each = of_each(&wish.parameters);
        let mut effects: BTreeMap<SafeText, usize> = BTreeMap::new();
        let mut blast = Blast::default();
        for row in chosen.rows {
            let flow = &row.flow;
            let source = self.source(&flow.id.source)?;
            let stale = || {
                let why = source.status().error.unwrap_or_else(|| "it has not answered".into());
                SafeText::from(format!("its source is not live: {why}"))
            };
            let refused = if source.live() {
                refusal(&*source.connector, wish.verb, flow)
                    .or_else(|| source.connector.objection(wish.verb, &each, flow))
            } else {
                Some(stale())
            };
            if let Some(reason) = refused {
                skipped.push(Skipped { id: flow.id.clone(), reason });
                continue;
            }
            *effects.entry(source.connector.effect_with(wish.verb, &each, flow)).or_default() += 1;
            blast.add(self.hurt(wish.verb, flow));
            targets.push(Target { id: flow.id.clone(), version: flow.version.as_str().into() });
            rows.push(row);
        }
        if targets.is_empty() {
            return Err(OpsError::Refused(nobody(&skipped).into()));
        }
        blast.failed_at = self.failed_last(wish.verb, &rows)?;
        let mut parameters = wish.parameters.clone();
        if let Some((flow, effect)) = self.puts_back(wish, &rows).await? {
            parameters.insert(SERVICE.into(), flow);
            effects.insert(effect, rows.len());
        }
        let frozen = Frozen::new(wish.verb, parameters, targets, wish.waves.clone(), wish.pace);
        let policy = self.gate.decide_wide(&frozen, &blast, asked, &rows);
        let made_at = (self.clock)();
        skipped.sort_unstable();
        let mut effects: Vec<_> = effects.into_iter().collect();
        effects.sort_by(|(one, few), (other, more)| more.cmp(few).then_with(|| one.cmp(other)));
        Ok(WidePlan {
            hash: frozen.hash(),
            frozen,
            skipped,
            effects,
            blast,
            policy,
            made_at,
            expires_at: made_at.saturating_add(PLAN_LIFE).unwrap_or(made_at),
        })
    }
}

impl Hub {
    /// What acting on one instance hurts.
    pub(super) fn hurt(&self, verb: Verb, flow: &FlowInstance) -> Hurt {
        let behind = self.source(&flow.id.source).ok().map(|source| source.held().rows.behind(&flow.id.instance));
        let mut hurt = Hurt { flow: Some(flow.flow.clone()), tenant: flow.tenant.clone(), behind, ..Hurt::default() };
        let book = &self.book.thresholds;
        let here = book.effects(&flow.id.source, &flow.flow, &flow.step);
        StepEffects::again(verb, here, book.all_effects(&flow.id.source, &flow.flow), &mut hurt);
        hurt
    }

    /// When something of the same cohorts failed last, by the local clock, for verbs that try it once more.
    fn failed_last(&self, verb: Verb, rows: &[Arc<JudgedFlow>]) -> Result<Option<Timestamp>, OpsError> {
        if !matches!(verb, Verb::Resume | Verb::RestartAsNew) {
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

    /// Of which flow the service is put back in the end, where that is wished for, and what that does.
    async fn puts_back(
        &self,
        wish: &PlanWish,
        rows: &[Arc<JudgedFlow>],
    ) -> Result<Option<(SafeText, SafeText)>, OpsError> {
        let named = |name: &str| wish.parameters.get(&SafeText::from(name));
        let Some(from) = named(PUT_BACK) else { return Ok(None) };
        let refused = |why: &str| OpsError::Refused(why.into());
        let to = named(DEPLOYMENT).ok_or_else(|| refused("to put a service back, say to which deployment"))?;
        let flow = rows.first().map(|row| &row.flow).ok_or_else(|| refused("there is nothing to plan"))?;
        let service = |flow: &FlowInstance| {
            let name = flow.flow.split_once('/').map_or(flow.flow.as_str(), |(service, _)| service);
            (flow.id.source.clone(), name.to_owned())
        };
        if rows.iter().any(|row| service(&row.flow) != service(flow)) {
            return Err(refused("they are of several services, and one is put back at a time: narrow the filter"));
        }
        let connector = &self.source(&flow.id.source)?.connector;
        match connector.plan_put_back(&flow.flow, from, to).await {
            Ok(told) => {
                let effect = format!(
                    "once all are verified: {}; until it is taken back: {}; way back: {}",
                    told.effect, told.switches_off, told.way_back
                );
                Ok(Some((flow.flow.clone(), effect.into())))
            }
            Err(error) => Err(OpsError::Refused(format!("the service can't be put back: {error}").into())),
        }
    }
}

/// Why there is nothing to plan.
fn nobody(skipped: &[Skipped]) -> String {
    let reasons: BTreeSet<&SafeText> = skipped.iter().map(|skipped| &skipped.reason).collect();
    match skipped.len() {
        0 => "nothing matches, so there is nothing to plan".to_owned(),
        n => {
            let why: Vec<&str> = reasons.into_iter().take(3).map(SafeText::as_str).collect();
            format!("none of the {n} that match can be acted on: {}", why.join("; "))
        }
    }
}
