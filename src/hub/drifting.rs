//! Acting on what has drifted: by the same plans, approvals, waves and records as instances of flows.
//!
//! A finding is a target by what it was found to be. So a check that is too old makes none; right before it is acted on it
//! is checked anew, and left out where that finds it otherwise; and only a check that was made after the act verifies it.
//! What is put back to what it was is verified by what is there then, whether that is wanted or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Hub;
use super::deciding::Asked;
use super::executor::INEXACT;
use super::planning::nobody;
use super::source::Source;
use crate::connect::{ConnectError, Connector, Contents, Sight};
use crate::domain::automation::is_automation;
use crate::domain::blast::{Blast, Hurt};
use crate::domain::drift::{DriftFinding, KnownDrift};
use crate::domain::flow::{FlowInstance, JudgedFlow, Version};
use crate::domain::hash::digest;
use crate::domain::ids::InstanceId;
use crate::domain::plan::{Draft, Frozen, Parameters, Skipped, Target, WidePlan};
use crate::domain::policy::MOST_TARGETS;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::verdict::{Judgement, Verdict};
use crate::ops::{OpsError, PlanWish, Selection};

/// After so many automatic repairs of one finding that failed in a row, no further one is made.
const REPAIRS: u32 = 3;

/// A finding with what there is and was of it, as the target of a verb: what is to be put back is a part of its version.
pub(super) fn target(verb: Verb, finding: &DriftFinding, contents: Option<&Contents>) -> FlowInstance {
    let mut target = finding.as_target();
    if verb == Verb::Restore {
        let before = contents.and_then(|contents| contents.before.as_deref()).unwrap_or_default();
        target.version = Version::told(&digest(&[target.version.as_str(), before], 6));
    }
    target
}

/// A target as policies look at it. No rule of flows judges it.
pub(super) fn row(flow: FlowInstance) -> Arc<JudgedFlow> {
    Arc::new(JudgedFlow { flow, judgement: Judgement { verdict: Verdict::Ok, findings: Vec::new() } })
}

/// What was found by a check that was made just now, in the order of the question.
pub(super) struct Rechecked {
    pub(super) told: Vec<Option<DriftFinding>>,
    contents: Vec<Option<Contents>>,
}

/// Checks targets of a verb anew.
pub(super) async fn recheck(
    connector: &dyn Connector,
    verb: Verb,
    ids: &[SafeText],
) -> Result<Rechecked, ConnectError> {
    let told = connector.recheck(ids).await?;
    let contents = if verb == Verb::Restore { connector.contents(ids).await? } else { vec![None; ids.len()] };
    for count in [told.len(), contents.len()] {
        if count != ids.len() {
            let why = format!("it told of {count} findings, and was asked for {}", ids.len());
            return Err(ConnectError::BadAnswer(why.into()));
        }
    }
    Ok(Rechecked { told, contents })
}

impl Rechecked {
    /// As an act is sent and verified by them.
    pub(super) fn sights(&self, verb: Verb, now: Timestamp) -> Vec<Option<Sight>> {
        let sight = |(finding, contents): (&Option<DriftFinding>, &Option<Contents>)| {
            let finding = finding.as_ref()?;
            let flow = target(verb, finding, contents.as_ref());
            let engine_now = finding.last_checked.unwrap_or(now);
            Some(Sight { flow, engine_now, last_failure_at: None, contents: contents.clone() })
        };
        self.told.iter().zip(&self.contents).map(sight).collect()
    }
}

/// Why a finding can't be acted on by a verb as it stands; `None` where it can.
pub(super) fn unfit(verb: Verb, known: &KnownDrift, connector: &dyn Connector, now: Timestamp) -> Option<SafeText> {
    let finding = &known.finding;
    if let Some(why) = connector.refuses_acts() {
        return Some(why);
    }
    if !connector.verbs().contains(&verb) {
        return Some(format!("not supported by {}", connector.kind()).into());
    }
    if !finding.exact_id {
        return Some(INEXACT.into());
    }
    if let Some(why) = known.unfit(verb, now) {
        return Some(why.into());
    }
    connector.own_rule(verb, &finding.as_target()).and_then(Result::err)
}

/// What was chosen: what is held of it, and what nobody tells of.
#[derive(Default)]
struct Chosen<'a> {
    found: Vec<(&'a Source, KnownDrift)>,
    untold: Vec<InstanceId>,
}

impl Hub {
    async fn chosen(&self, selection: &Selection, now: Timestamp) -> Result<Chosen<'_>, OpsError> {
        let mut chosen = Chosen::default();
        match selection {
            Selection::Ids(ids) => chosen = self.named(ids, now).await?,
            Selection::Cause { source: only, key } => {
                let named = |source: &&Source| only.as_ref().is_none_or(|only| *only == source.name);
                for source in self.sources.iter().filter(named) {
                    let of_cause = self.findings_of(source, now).filter(|known| known.finding.cause_key == *key);
                    chosen.found.extend(of_cause.map(|known| (source, known)));
                }
            }
            Selection::Matching { .. } => {
                return Err(OpsError::Refused("what has drifted is chosen by its ids or its cause".into()));
            }
        }
        Ok(chosen)
    }

    /// These, as they are held. What is as wanted is on no list, so that it is checked just now.
    async fn named(&self, ids: &BTreeSet<InstanceId>, now: Timestamp) -> Result<Chosen<'_>, OpsError> {
        let mut chosen = Chosen::default();
        let mut unheld: BTreeMap<&SafeText, Vec<SafeText>> = BTreeMap::new();
        for id in ids {
            match self.found(id) {
                Ok(known) => chosen.found.push((self.source(&id.source)?, known)),
                Err(_) => unheld.entry(&id.source).or_default().push(id.instance.clone()),
            }
        }
        for (name, ids) in unheld {
            let source = self.source(name)?;
            let told =
                if source.live() { source.connector.recheck(&ids).await.unwrap_or_default() } else { Vec::new() };
            let mut told = told.into_iter();
            for id in ids {
                match told.next().flatten() {
                    Some(finding) => {
                        let stale = finding.is_stale(self.engine_now(source));
                        let mut known = [KnownDrift { stale, ..KnownDrift::told(Arc::new(finding), now) }];
                        self.put_on(&mut known, now);
                        chosen.found.extend(known.map(|known| (source, known)));
                    }
                    None => chosen.untold.push(InstanceId::new(name.clone(), id)),
                }
            }
        }
        Ok(chosen)
    }

    /// These as targets, as far as their sources tell of them.
    pub(super) async fn drifting_now(&self, ids: &BTreeSet<InstanceId>) -> Result<Vec<Arc<JudgedFlow>>, OpsError> {
        let chosen = self.named(ids, (self.clock)()).await?;
        Ok(chosen.found.into_iter().map(|(_, known)| row(known.finding.as_target())).collect())
    }

    /// Freezes what a verb would do to all findings that are chosen. Changes nothing.
    pub(super) async fn drift_plan(
        &self,
        (verb, parameters): (Verb, &Parameters),
        wish: &PlanWish,
        asked: &Asked,
    ) -> Result<WidePlan, OpsError> {
        if let Some(name) = parameters.keys().next() {
            return Err(OpsError::Refused(format!("{} takes no {name}", verb.label()).into()));
        }
        let now = (self.clock)();
        let Chosen { found, untold } = self.chosen(&wish.selection, now).await?;
        if found.len() as u64 > MOST_TARGETS {
            let why = format!("{} findings, and a plan takes {MOST_TARGETS} at most", found.len());
            return Err(OpsError::Refused(why.into()));
        }
        let gone = "its source tells of no such drift";
        let mut skipped: Vec<Skipped> = untold.into_iter().map(|id| Skipped { id, reason: gone.into() }).collect();
        let (mut targets, mut rows) = (Vec::new(), Vec::new());
        let (mut effects, mut blast): (BTreeMap<SafeText, usize>, _) = (BTreeMap::new(), Blast::default());
        let broken = self.broken(&found, asked).await?;
        let kept = self.kept_before(verb, &found).await?;
        for (source, known) in found {
            let id = known.finding.id.clone();
            let connector = &*source.connector;
            let contents = kept.get(&id);
            let refused = if source.live() { unfit(verb, &known, connector, now) } else { Some(source.not_live()) };
            let refused = refused.or_else(|| broken.contains(&id).then(too_often)).or_else(|| {
                let nothing = verb == Verb::Restore && contents.is_none_or(|contents| contents.before.is_none());
                nothing.then(|| "nothing is kept of what was there before".into())
            });
            if let Some(reason) = refused {
                skipped.push(Skipped { id, reason });
                continue;
            }
            let target = target(verb, &known.finding, contents);
            let loses = known.finding.difference.removes();
            let besides = if verb == Verb::Reconcile {
                blast.lose(loses.map(|count| count as u64));
                match loses {
                    Some(0) => String::new(),
                    Some(count) => format!("; {count} of what is there are LOST by it"),
                    None => "; what of what is there is lost by it is NOT KNOWN".to_owned(),
                }
            } else {
                let words = contents.and_then(|contents| contents.words.as_ref());
                words.map(|words| format!("; it is put back {words}")).unwrap_or_default()
            };
            let effect = format!("{}{besides}", connector.effect(verb, &target));
            *effects.entry(effect.into()).or_default() += 1;
            blast.add(Hurt {
                flow: Some(target.flow.clone()),
                tenant: target.tenant.clone(),
                money_steps: Some(0),
                messages: Some(0),
                behind: Some(0),
                ..Hurt::default()
            });
            targets.push(Target { id, version: target.version.as_str().into() });
            rows.push(row(target));
        }
        if targets.is_empty() {
            return Err(OpsError::Refused(nobody(&skipped).into()));
        }
        let frozen = Frozen::new(verb, Parameters::new(), targets, wish.waves.clone(), wish.pace);
        let policy = self.gate.decide_wide(&frozen, &blast, asked, &rows);
        Ok(Draft { skipped, effects, blast, switches_off: Vec::new() }.done(frozen, policy, now))
    }

    /// What is kept of findings that are to be put back, as their sources tell it now.
    async fn kept_before(
        &self,
        verb: Verb,
        found: &[(&Source, KnownDrift)],
    ) -> Result<BTreeMap<InstanceId, Contents>, OpsError> {
        let mut kept = BTreeMap::new();
        if verb != Verb::Restore {
            return Ok(kept);
        }
        let now = (self.clock)();
        let names: BTreeSet<&SafeText> = found.iter().map(|(source, _)| &source.name).collect();
        for name in names {
            let source = self.source(name)?;
            let fits = |known: &KnownDrift| unfit(verb, known, &*source.connector, now).is_none();
            let of_it = found.iter().filter(|(of, known)| of.name == *name && fits(known));
            let ids: Vec<SafeText> = of_it.map(|(_, known)| known.finding.id.instance.clone()).collect();
            if ids.is_empty() || !source.live() {
                continue;
            }
            let told = source.connector.contents(&ids).await;
            let told = told.map_err(|error| OpsError::Source(format!("{name}: {error}").into()))?;
            let with_ids = ids.into_iter().zip(told);
            kept.extend(with_ids.filter_map(|(id, told)| Some((InstanceId::new(name.clone(), id), told?))));
        }
        Ok(kept)
    }

    /// Those that an automation has tried to repair too often, where one asks.
    async fn broken(&self, found: &[(&Source, KnownDrift)], asked: &Asked) -> Result<BTreeSet<InstanceId>, OpsError> {
        let mut broken = BTreeSet::new();
        let Some(runs) = self.runs.as_ref().filter(|_| is_automation(&asked.by)) else { return Ok(broken) };
        for (_, known) in found {
            let id = &known.finding.id;
            if runs.failed_repairs(id).await? >= REPAIRS {
                broken.insert(id.clone());
            }
        }
        Ok(broken)
    }

    /// The targets of a plan on what drifts, as far as they are held.
    pub(super) fn drifting_targets(&self, frozen: &Frozen) -> Vec<Arc<JudgedFlow>> {
        let ids = frozen.targets.iter().map(|target| &target.id);
        ids.filter_map(|id| self.found(id).ok()).map(|known| row(known.finding.as_target())).collect()
    }

    /// Takes in what remediations have checked anew.
    pub(super) fn take_rechecked(&self) {
        let Some(runs) = &self.runs else { return };
        let now = (self.clock)();
        for (source, ids, told) in runs.rechecked() {
            if let Ok(source) = self.source(&source) {
                source.rechecked(&ids, told, now);
            }
        }
    }
}

fn too_often() -> SafeText {
    format!("{REPAIRS} automatic repairs of it in a row have failed: a person has to look at it").into()
}

#[cfg(test)]
mod tests;
