//! Sending items: looked at again a moment before, at the plan's pace, recorded before and after; and stopping where too
//! many go wrong.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::super::drifting;
use super::super::executor::refusal;
use super::super::ledger::{KeptItem, LedgerError};
use super::super::verify::{Baseline, answered};
use super::carry::Carrying;
use super::looking::Watched;
use super::stepping;
use crate::connect::{Act, ActAnswer, Sight};
use crate::domain::audit::Action;
use crate::domain::flow::JudgedFlow;
use crate::domain::hash::digest;
use crate::domain::plan::{CONTENT, of_each};
use crate::domain::remediation::{ItemState, Verb};
use crate::domain::text::SafeText;
use crate::domain::wide::WideState;

/// How old what is known of a target may be when it is acted on.
const AGE: Duration = Duration::from_secs(10);

/// How many targets are read at once before they are sent, at the most.
const AHEAD: usize = 200;

/// What became of an item that was to be sent.
enum Begun {
    Yes,
    /// It is not running any more.
    Stopped,
}

impl Carrying {
    /// Sends the next item, once it was looked at that it is still what was planned.
    pub(super) async fn send(&mut self) {
        if self.ready_at.elapsed() > AGE {
            self.ready.clear();
        }
        if self.ready.is_empty() && !self.read_ahead().await {
            return;
        }
        let Some((at, sight)) = self.ready.pop_front() else { return };
        let (Some(item), Some(connector)) = (self.items.get_mut(at), self.runs.connector(&sight.flow.id.source)) else {
            return;
        };
        let connector = connector.clone();
        let mut before = Baseline::of(&sight);
        let Some(step) = self.plan.frozen.remedy.steps().get(item.step as usize).cloned() else { return };
        let mut parameters = of_each(&step.parameters);
        if step.verb == Verb::Restore
            && let Some(content) = sight.contents.as_ref().and_then(|contents| contents.before.clone())
        {
            // What is put back is found again by what it is, before the act and after it.
            before.wanted = Some(content.to_string());
            parameters.insert(CONTENT.into(), content);
        }
        let (number, of_step) = (item.number.to_string(), format!("step {}", item.step + 1));
        // Each step has a key of its own.
        let named: &[&str] =
            if item.step == 0 { &[&self.head.id, &number] } else { &[&self.head.id, &number, &of_step] };
        let key = digest(named, 12);
        item.act = Some(key.to_string());
        item.before = serde_json::to_string(&before).ok();
        item.words = stepping::told(self.plan.frozen.remedy.steps(), item, "being sent");
        item.at = Some(self.runs.now());
        let begun = item.clone();
        match self.begin(begun, step.verb).await {
            Ok(Begun::Yes) => {}
            Ok(Begun::Stopped) => {
                self.stopped = true;
                return self.unsent(at);
            }
            Err(error) => {
                self.unsent(at);
                return self.broken(&error);
            }
        }
        self.known.extend(before.fingerprint.clone());
        self.watched.insert(at, Watched::sent(before));
        let act = Act { verb: step.verb, instance: sight.flow.id.instance.clone(), key, parameters };
        self.waiting.store(true, Ordering::SeqCst);
        self.in_flight.spawn(async move { (at, connector.act(&act).await) });
        self.next_send = self.next_due();
        self.runs.touched();
    }

    /// It was not recorded, so it was not sent.
    fn unsent(&mut self, at: usize) {
        if let Some(item) = self.items.get_mut(at) {
            item.act = None;
            item.before = None;
        }
        self.ready.clear();
    }

    /// When the next item may be sent: at the pace on the whole, a fifth sooner or later each.
    fn next_due(&self) -> Instant {
        let interval = Duration::from_secs(1) / self.plan.frozen.pace.per_second.max(1);
        let jitter = rand::random_range(0.8..1.2);
        // Behind by more than a moment, nothing is made up for: a pause is no reason for a burst.
        let base = self.next_send.max(Instant::now().checked_sub(interval * 2).unwrap_or(self.next_send));
        base + interval.mul_f64(jitter)
    }

    /// Records that an item is about to be sent, where the remediation still runs.
    async fn begin(&self, item: KeptItem, verb: Verb) -> Result<Begun, LedgerError> {
        let (runs, id) = (self.runs.clone(), self.head.id.clone());
        let stepped = self.plan.frozen.remedy.runbook().is_some();
        self.runs
            .ledger()
            .write(async move |writing| {
                let Some(head) = writing.remediation(&id).await?.filter(|head| head.state == WideState::Running) else {
                    return Ok(Begun::Stopped);
                };
                writing.begin_item(&id, &item).await?;
                let version = item.expects.as_ref().unwrap_or(&item.version);
                let mut detail = json!({ "item": item.number, "verb": verb.name(), "version": version });
                if stepped {
                    detail["step"] = json!(item.step + 1);
                }
                let subject = format!("{}/{}", item.source, item.instance);
                writing.audit(runs.entry(Action::Act, &head, subject, detail)).await?;
                Ok(Begun::Yes)
            })
            .await
    }

    /// Looks at the next targets of the wave, and leaves out those that are not what was planned. Gives whether it may
    /// go on.
    async fn read_ahead(&mut self) -> bool {
        let (wave, pace) = (self.head.wave, self.plan.frozen.pace);
        let most = (pace.per_second as usize).saturating_mul(5).clamp(1, AHEAD);
        let next: Vec<usize> = (0..self.items.len())
            .filter(|at| self.items.get(*at).is_some_and(|item| item.wave == wave && item.unsent()))
            .take(most)
            .collect();
        self.ready_at = Instant::now();
        let seen = match self.sights(&next, |item| item.instance.as_str().into()).await {
            Ok(seen) => seen,
            Err(why) => {
                self.hold(&why).await;
                return false;
            }
        };
        let rows: Vec<_> =
            seen.iter().filter_map(|(_, sight)| sight.as_ref()).map(|sight| self.judged(sight)).collect();
        let refused = self
            .runs
            .gate
            .refusal()
            .map(|why| why.to_string())
            .or_else(|| self.runs.denied(&self.head, &self.plan, &rows));
        if let Some(why) = refused {
            self.hold(&why).await;
            return false;
        }
        let mut left_out = Vec::new();
        let drifts = self.plan.frozen.remedy.is_of_drift();
        let steps = self.plan.frozen.remedy.steps();
        for (at, sight) in seen {
            let Some(item) = self.items.get_mut(at) else { continue };
            let expected = item.expects.as_ref().unwrap_or(&item.version);
            let why = match &sight {
                None => Some("it is gone".to_owned()),
                Some(sight) if sight.flow.version.as_str() != expected && drifts => {
                    let (now, step) = (sight.flow.version.as_str(), &sight.flow.step);
                    Some(format!(
                        "changed: a new check finds it {step}, otherwise than planned ({now}, was {expected})"
                    ))
                }
                Some(sight) if sight.flow.version.as_str() != expected => {
                    let (now, flow) = (sight.flow.version.as_str(), &sight.flow);
                    let (status, step) = (flow.status.words(), &flow.step);
                    Some(format!("changed: now {status} in {step} (version {now}, was {expected})"))
                }
                Some(sight) if sight.flow.id.instance != *item.instance => Some("it can't be named exactly".to_owned()),
                // Of a first step the plan has asked that already.
                Some(sight) if item.step > 0 => steps
                    .get(item.step as usize)
                    .and_then(|step| {
                        let connector = self.runs.connector(&item.source)?;
                        let refused = refusal(&**connector, step.verb, &sight.flow);
                        refused.or_else(|| connector.objection(step.verb, &of_each(&step.parameters), &sight.flow))
                    })
                    .map(|why| why.to_string()),
                Some(_) => None,
            };
            match (why, sight) {
                (Some(why), _) => {
                    item.cut_short(&stepping::not_sent(steps, item, &why));
                    left_out.push((at, Some(Action::Outcome)));
                }
                (None, Some(sight)) => self.ready.push_back((at, sight)),
                (None, None) => {}
            }
        }
        if !left_out.is_empty() {
            self.stands(&left_out).await;
            self.stop_where_too_many_failed().await;
        }
        !self.ready.is_empty()
    }

    /// Looks at the targets of items. `named` is the instance that is looked at for an item.
    pub(super) async fn sights(
        &self,
        of: &[usize],
        named: impl Fn(&KeptItem) -> SafeText,
    ) -> Result<Vec<(usize, Option<Sight>)>, String> {
        let mut by_source: HashMap<&str, Vec<(usize, SafeText)>> = HashMap::new();
        for (at, item) in of.iter().filter_map(|at| Some((*at, self.items.get(*at)?))) {
            by_source.entry(&item.source).or_default().push((at, named(item)));
        }
        let mut seen = Vec::with_capacity(of.len());
        for (source, asked) in by_source {
            let connector = self.runs.connector(source).ok_or_else(|| format!("there is no source {source}"))?;
            let ids: Vec<SafeText> = asked.iter().map(|(_, id)| id.clone()).collect();
            let steps = self.plan.frozen.remedy.steps();
            let sights = match steps.first().filter(|step| step.verb.is_of_drift()) {
                Some(step) => self.runs.checked(source, step.verb, &ids).await,
                None => connector.sights(&ids).await,
            };
            let sights = sights.map_err(|error| format!("{source} can't be read: {error}"))?;
            if sights.len() != ids.len() {
                return Err(format!("{source} told of {} instances, and was asked for {}", sights.len(), ids.len()));
            }
            seen.extend(asked.into_iter().map(|(at, _)| at).zip(sights));
        }
        seen.sort_unstable_by_key(|(at, _)| *at);
        Ok(seen)
    }

    /// What was just seen of a target, as policies look at it.
    fn judged(&self, sight: &Sight) -> Arc<JudgedFlow> {
        if self.plan.frozen.remedy.is_of_drift() { drifting::row(sight.flow.clone()) } else { self.runs.judged(sight) }
    }

    /// The engine answered, or the answer was lost.
    pub(super) async fn answered(&mut self, at: usize, answer: ActAnswer) {
        let Some(item) = self.items.get_mut(at) else { return };
        item.answered = !matches!(answer, ActAnswer::Unknown(_));
        let (state, words) = answered(&answer);
        let steps = self.plan.frozen.remedy.steps();
        item.state = state;
        item.words = match state {
            ItemState::Failed => stepping::told_at_the_end(steps, item, &words),
            _ => stepping::told(steps, item, &words),
        };
        if let ActAnswer::Began(id) = &answer {
            item.began = Some(id.to_string());
        }
        item.ended = item.state == ItemState::Failed;
        let began = item.began.clone();
        let now = Instant::now();
        if item.ended {
            self.watched.remove(&at);
        } else if let Some(watched) = self.watched.get_mut(&at) {
            watched.answered(began, now, self.runs.soak);
        }
        self.stands(&[(at, Some(Action::Answer))]).await;
        self.stop_where_too_many_failed().await;
    }

    /// Holds it where more have failed than may.
    pub(super) async fn stop_where_too_many_failed(&mut self) {
        let counts = self.counts();
        let (failed, unknown) = (counts.get(ItemState::Failed), counts.get(ItemState::Unknown));
        let wrong = (failed + unknown).saturating_sub(self.head.forgiven);
        let probing = self.head.wave == 0 && self.plan.frozen.waves.probes();
        let most = if probing { 0 } else { u64::from(self.plan.frozen.pace.max_errors) };
        if wrong <= most {
            return;
        }
        let last = self.items.iter().filter(|item| matches!(item.state, ItemState::Failed | ItemState::Unknown));
        let last = last.max_by_key(|item| item.at).map(|item| item.words.clone()).unwrap_or_default();
        let of = if probing { "the probe did not help".to_owned() } else { format!("{wrong} went wrong, {most} may") };
        self.hold(&format!("{of}: {last}")).await;
    }
}
