//! What the world promises: the incident as it was written, counts that agree, acts that are felt, and no surprises.

mod acts;
mod beside;
mod deployments;
mod incident;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::cast::case;
use super::clock::{Clock, HOUR, MINUTE, Ms, SECOND, instant};
use super::dice::Index;
use super::{SEED, World};
use crate::connect::{Act, ActAnswer, ConnectError, Connector, EngineCount, Observation, Reading};
use crate::domain::flow::{EntryOutcome, FlowInstance, PauseCause, Status, WaitKind};
use crate::domain::plan::Parameters;
use crate::domain::remediation::Verb;
use crate::domain::text::{SafeText, is_hidden};
use crate::domain::verdict::{Circumstances, Judgement, Rule, Thresholds, Verdict, judge};

/// A world and the hand on its clock.
struct Stage {
    world: Arc<World>,
    time: Arc<AtomicI64>,
}

struct Pass {
    flows: Vec<FlowInstance>,
    counts: Vec<EngineCount>,
    now: Timestamp,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let time = Arc::new(AtomicI64::new(0));
        let hand = Arc::clone(&time);
        let epoch: Timestamp = "2026-01-15T03:12:00Z".parse().unwrap();
        let clock: Clock = Arc::new(move || instant(epoch, hand.load(Ordering::SeqCst)));
        Self { world: Arc::new(World::start(seed, clock)), time }
    }

    fn at(&self, time: Ms) {
        self.time.store(time, Ordering::SeqCst);
    }

    fn plane(&self, name: &str) -> Arc<dyn Connector> {
        self.world.planes().into_iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// What a pass over every control plane yields, and by name the planes that did not answer.
    async fn parts(&self) -> (Vec<Observation>, Vec<&'static str>) {
        let (mut parts, mut away) = (Vec::new(), Vec::new());
        for (name, plane) in self.world.planes() {
            let (sink, mut source) = mpsc::channel(2);
            let collect = async {
                while let Some(part) = source.recv().await {
                    parts.push(part);
                }
            };
            let (done, ()) = tokio::join!(plane.observe(sink), collect);
            if done.is_err() {
                away.push(name);
            }
        }
        (parts, away)
    }

    async fn pass(&self) -> Pass {
        let mut pass = Pass { flows: Vec::new(), counts: Vec::new(), now: Timestamp::UNIX_EPOCH };
        for part in self.parts().await.0 {
            match part {
                Observation::Flows(flows) => {
                    assert!(flows.len() <= 200);
                    pass.flows.extend(flows);
                }
                Observation::Counts(counts) => pass.counts.extend(counts),
                Observation::End { complete, engine_now, version } => {
                    assert!(complete);
                    assert_eq!(version, Some("demo".into()));
                    pass.now = engine_now.unwrap();
                }
                other => panic!("the world tells of no {other:?}"),
            }
        }
        pass
    }

    /// One instance, by whichever control plane has it.
    async fn read(&self, id: &str) -> Option<Reading> {
        for (_, plane) in self.world.planes() {
            if let Ok(Some(reading)) = plane.read(id).await {
                return Some(reading);
            }
        }
        None
    }

    async fn status(&self, id: &str) -> Status {
        self.read(id).await.unwrap().detail.flow.status
    }

    async fn act(&self, verb: Verb, id: &str, key: &str) -> ActAnswer {
        let act = Act { verb, parameters: Parameters::new(), instance: id.into(), key: key.into() };
        let home = match Index::from_id(id, self.world.seed).and_then(|index| case(self.world.seed, index)) {
            Some(case) => case.flow.plane.name(),
            None => "platform",
        };
        self.plane(home).act(&act).await
    }
}

impl Pass {
    /// Every row with what the rules say of it, holders before those behind them.
    fn judged(&self) -> Vec<(&FlowInstance, Judgement)> {
        let by_id: HashMap<&str, &FlowInstance> = self.flows.iter().map(|flow| (&*flow.id.instance, flow)).collect();
        let limits = Thresholds::default();
        let plain = |flow| judge(flow, &limits, &Circumstances { now: self.now, holder: None });
        let judged = |flow: &FlowInstance| {
            let holder = flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Lock);
            let holder =
                holder.and_then(|wait| by_id.get(&**wait.reference.as_ref()?)).map(|held| (&held.id, plain(held)));
            let holder = holder.as_ref().map(|(id, judgement)| (*id, judgement));
            judge(flow, &limits, &Circumstances { now: self.now, holder })
        };
        self.flows.iter().map(|flow| (flow, judged(flow))).collect()
    }

    /// Stuck instances by flow, step and rule.
    fn stuck(&self) -> BTreeMap<(String, String, Rule), usize> {
        let mut stuck = BTreeMap::new();
        for (flow, judgement) in self.judged() {
            if judgement.stuck() {
                let place = (flow.flow.to_string(), flow.step.to_string(), judgement.rule().unwrap());
                *stuck.entry(place).or_default() += 1;
            }
        }
        stuck
    }

    fn stuck_in(&self, flow: &str, step: &str, rule: Rule) -> usize {
        self.stuck().get(&(flow.into(), step.into(), rule)).copied().unwrap_or(0)
    }

    fn first(&self, wanted: impl Fn(&FlowInstance) -> bool) -> &FlowInstance {
        self.flows.iter().find(|flow| wanted(flow)).expect("the world has such an instance")
    }

    fn exhausted_migrations(&self) -> Vec<&FlowInstance> {
        let paused = |flow: &&FlowInstance| &*flow.flow == "schema-migration" && flow.status == Status::Paused;
        self.flows.iter().filter(paused).collect()
    }
}
