//! The world's control planes behind the trait that every control plane is behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::clock::millis;
use super::deployments;
use super::flows::{Plane, flow};
use super::picture::step_name;
use super::script::State;
use super::world::{Moment, World};
use crate::connect::{
    Act, ActAnswer, Checkup, ConnectError, Connector, EngineCount, Observation, Reading, StepTimes, hand_on,
};
use crate::domain::deployment::{Deployment, PutBack};
use crate::domain::flow::{FlowInstance, PauseCause, Status};
use crate::domain::outside::OutsideAct;
use crate::domain::plan::{self, Parameters};
use crate::domain::raw::RawFlow;
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::ways::Ways;

/// Rows in one part of a pass.
const CHUNK: usize = 200;

/// What a control plane says that has no time.
const THROTTLED: &str = "429: the 60 requests of this minute are used up";

/// One of the world's control planes.
pub(super) struct ControlPlane {
    pub(super) world: Arc<World>,
    pub(super) plane: Plane,
}

impl ControlPlane {
    /// The world at its present, where the plane answers.
    fn moment(&self) -> Result<Moment<'_>, ConnectError> {
        let moment = self.world.moment();
        if World::away(self.plane, moment.now) {
            return Err(ConnectError::Unreachable(self.refused().into()));
        }
        if let Some(left) = World::throttled(self.plane, moment.now) {
            let wait = Duration::from_millis(left.unsigned_abs()).div_f64(self.world.speed());
            return Err(ConnectError::Busy { text: THROTTLED.into(), wait: Some(wait) });
        }
        Ok(moment)
    }

    fn refused(&self) -> String {
        format!("connection refused by {}-engine.internal:7233", self.plane.name())
    }
}

#[async_trait]
impl Connector for ControlPlane {
    fn kind(&self) -> &'static str {
        "sim"
    }

    fn address(&self) -> SafeText {
        "made up, in this process".into()
    }

    fn has_deployments(&self) -> bool {
        true
    }

    fn verbs(&self) -> &'static [Verb] {
        &[Verb::Resume, Verb::Pause, Verb::Cancel, Verb::Kill]
    }

    fn effect(&self, verb: Verb, flow: &FlowInstance) -> SafeText {
        effect(verb, flow).into()
    }

    async fn examine(&self) -> Result<Checkup, ConnectError> {
        let moment = self.moment()?;
        let engine_now = Some(moment.instant(moment.now));
        Ok(Checkup { version: Some("demo".into()), engine_now, ..Checkup::default() })
    }

    async fn check(&self) -> Result<(), ConnectError> {
        self.moment().map(|_| ())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let parts = pass(&self.moment()?, self.plane);
        hand_on(&sink, parts).await
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        let moment = self.moment()?;
        Ok(moment.find(self.plane, instance).map(|(played, phase)| Reading {
            detail: moment.detail(&played, &phase),
            engine_now: moment.instant(moment.now),
            last_failure_at: played.last_failure(moment.now).map(|at| moment.instant(at)),
            pinned: None,
        }))
    }

    async fn raw(&self, instance: &str) -> Result<Option<RawFlow>, ConnectError> {
        let moment = self.moment()?;
        Ok(moment.find(self.plane, instance).map(|(played, phase)| moment.raw(&played, &phase, &Redactor::default())))
    }

    /// Of what people do in this world it tells what they have paused.
    async fn outside(&self, since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        let moment = self.moment()?;
        let rows = moment.open_and_failed(self.plane);
        let held =
            rows.iter().filter(|(_, phase)| matches!(phase.state, State::Paused { cause: PauseCause::Held, .. }));
        let acts = held.filter(|(_, phase)| moment.instant(phase.at) >= since).map(|(played, phase)| OutsideAct {
            at: moment.instant(phase.at),
            source: self.plane.name().into(),
            subject: moment.id(played.case.index),
            verb: Some(Verb::Pause),
            what: format!("paused: {}", played.case.flow.name).into(),
            caller: None,
            by: None,
        });
        let mut acts: Vec<OutsideAct> = acts.collect();
        OutsideAct::newest_first(&mut acts);
        Ok(acts)
    }

    async fn step_times(&self, after: Timestamp) -> Result<Option<StepTimes>, ConnectError> {
        let moment = self.moment()?;
        Ok(Some(moment.step_times(self.plane, millis(self.world.epoch, after))))
    }

    fn ways(&self, _instance: &str, _flow: &str) -> Ways {
        Ways::default()
    }

    fn effect_with(&self, verb: Verb, parameters: &Parameters, flow: &FlowInstance) -> SafeText {
        match plan::deployment(parameters) {
            Some(deployment) => format!("{}; on the code of {deployment}, where it stays", effect(verb, flow)).into(),
            None => self.effect(verb, flow),
        }
    }

    fn objection(&self, verb: Verb, parameters: &Parameters, flow: &FlowInstance) -> Option<SafeText> {
        let moved = plan::deployment(parameters).is_some();
        deployments::misfit_of(verb, parameters, &flow.flow).or_else(|| {
            (moved && flow.status != Status::Paused)
                .then(|| "one is moved to another deployment only while it is paused: pause it first".into())
        })
    }

    async fn deployments(&self, flow: &str) -> Result<Vec<Deployment>, ConnectError> {
        Ok(self.moment()?.deployments(self.plane, flow))
    }

    async fn plan_put_back(&self, flow: &str, from: &str, to: &str) -> Result<PutBack, ConnectError> {
        self.moment()?.plan_put_back(self.plane, flow, from, to)
    }

    async fn put_back(&self, flow: &str, from: &str, to: &str) -> ActAnswer {
        let weighed = self.moment().and_then(|moment| moment.plan_put_back(self.plane, flow, from, to));
        match weighed {
            Ok(_) => deployments::became(self.world.put_back()),
            Err(error) => ActAnswer::Refused(error.to_string().into()),
        }
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        let answers = self.moment().map(|_| ());
        if let Err(busy @ ConnectError::Busy { .. }) = answers {
            return ActAnswer::Refused(busy.to_string().into());
        }
        if answers.is_err() {
            return ActAnswer::Unknown(format!("{}; nobody can say whether it was taken", self.refused()).into());
        }
        self.world.carry_out(self.plane, act)
    }
}

/// A whole pass, in parts.
fn pass(moment: &Moment<'_>, plane: Plane) -> Vec<Observation> {
    let rows = moment.open_and_failed(plane);
    let counts = Observation::Counts(counts(&rows));
    let mut flows = moment.pictures(plane, &rows);
    let mut parts = Vec::new();
    while !flows.is_empty() {
        let rest = flows.split_off(CHUNK.min(flows.len()));
        parts.push(Observation::Flows(std::mem::replace(&mut flows, rest)));
    }
    parts.push(counts);
    let engine_now = Some(moment.instant(moment.now));
    parts.push(Observation::End { complete: true, engine_now, version: Some("demo".into()) });
    parts
}

/// The engine's own counts: made from where each instance stands, not from what is told of it.
fn counts(rows: &[(super::world::Played, super::script::Phase)]) -> Vec<EngineCount> {
    let mut counts: BTreeMap<(SafeText, SafeText), EngineCount> = BTreeMap::new();
    for (played, phase) in rows {
        let flow = SafeText::from(played.case.flow.name);
        let step = step_name(played, phase);
        let count = counts.entry((flow.clone(), step.clone())).or_insert_with(|| EngineCount {
            flow,
            step,
            open: 0,
            waiting: 0,
            held: 0,
            failed: 0,
        });
        match phase.state {
            State::Ended { .. } => count.failed += 1,
            State::Waiting { .. } => {
                count.open += 1;
                count.waiting += 1;
            }
            State::Paused { cause: PauseCause::Held, .. } => {
                count.open += 1;
                count.held += 1;
            }
            _ => count.open += 1,
        }
    }
    counts.into_values().collect()
}

/// What a verb makes the engine do with an instance.
fn effect(verb: Verb, target: &FlowInstance) -> String {
    let completed = usize::try_from(target.completed_commands).unwrap_or(usize::MAX);
    let steps = flow(&target.flow).map_or(&[][..], |flow| flow.steps);
    let done: Vec<&str> = steps.iter().take(completed).map(|step| step.name).collect();
    match verb {
        Verb::Resume => {
            let kept = match done.as_slice() {
                [] => "nothing had completed before it".to_owned(),
                [one] => format!("{one} has completed and is not run again"),
                [init @ .., last] => format!("{} and {last} have completed and are not run again", init.join(", ")),
            };
            let row = if target.status == Status::Paused { ", with a new row of retries" } else { "" };
            format!("tries {} again at once{row}; {kept}", target.step)
        }
        Verb::Pause => format!("stops trying {}; resume goes on from there", target.step),
        Verb::Kill => format!("ends it in {} at once; what has completed stays as it is", target.step),
        // This engine has neither.
        Verb::RestartAsNew | Verb::Purge | Verb::Reconcile | Verb::Restore => String::new(),
        Verb::Cancel => {
            let undone: Vec<&str> = done.iter().rev().copied().collect();
            match undone.as_slice() {
                [] => "ends it; no step has completed, so there is nothing to undo".to_owned(),
                undone => format!(
                    "stops {} and undoes {}; it can't be resumed afterwards",
                    target.step,
                    undone.join(", then ")
                ),
            }
        }
    }
}
