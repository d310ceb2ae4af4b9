//! Carrying a remediation out: item by item at its pace, wave by wave, each looked at again before it is sent, recorded
//! before and after, and watched until its outcome is seen.
//!
//! One task does all of it, so that what it knows of its items is what the ledger says. Before each item it is asked in
//! the ledger whether the remediation still runs, in the same piece of writing that records the item: a hold takes
//! effect within one item, whoever asked for it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::super::ledger::{Kept, KeptItem, LedgerError};
use super::super::verify::Baseline;
use super::asking::ABORTED;
use super::lock::Held;
use super::looking::Watched;
use super::stepping::{did_something, wholly_sent};
use super::{Running, Runs, kept, rollback};
use crate::connect::{ActAnswer, Sight};
use crate::domain::audit::Action;
use crate::domain::notice::Occasion;
use crate::domain::plan::WidePlan;
use crate::domain::remediation::ItemState;
use crate::domain::text::SafeText;
use crate::domain::wide::{ItemCounts, WideState};

/// How often it is looked whether another process has asked something.
const LISTEN_EVERY: Duration = Duration::from_secs(1);

/// A remediation that this process carries out.
pub(super) struct Carrying {
    pub(super) runs: Arc<Runs>,
    pub(super) plan: WidePlan,
    pub(super) head: Kept,
    pub(super) items: Vec<KeptItem>,
    /// What is watched, by the item's place.
    pub(super) watched: HashMap<usize, Watched>,
    /// What targets failed with before, or since and somebody went on all the same.
    pub(super) known: HashSet<String>,
    /// Targets that were just read, and when.
    pub(super) ready: VecDeque<(usize, Sight)>,
    pub(super) ready_at: Instant,
    pub(super) in_flight: JoinSet<(usize, ActAnswer)>,
    pub(super) waiting: Arc<AtomicBool>,
    pub(super) next_send: Instant,
    /// Whether something was asked of it that is not known here yet.
    pub(super) stopped: bool,
    /// Whether it stands in the ledger what its runbook switches off.
    switched: bool,
}

impl Runs {
    /// Carries on with a remediation of which something is to be sent or watched, unless this process does already.
    /// `turn` is that it is the one that sends.
    pub(super) fn carry_on(self: &Arc<Self>, id: &SafeText, turn: Arc<Held>) {
        let mut running = self.running();
        if let Some(running) = running.get(id) {
            // It may be at its end just now: then it looks once more.
            running.wanted.store(true, Ordering::SeqCst);
            running.asked.notify_one();
            return;
        }
        let flag = || Arc::new(AtomicBool::new(false));
        let (asked, wanted, in_flight) = (Arc::new(Notify::new()), flag(), flag());
        let (this, own) = (self.clone(), id.clone());
        let (heard, again, waiting) = (asked.clone(), wanted.clone(), in_flight.clone());
        let task = tokio::spawn(async move {
            loop {
                match Carrying::load(&this, &own, waiting.clone()).await {
                    Ok(Some(mut carrying)) => carrying.run(&heard).await,
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, remediation = %own, "it can't be read back"),
                }
                let mut running = this.running();
                if !again.swap(false, Ordering::SeqCst) {
                    running.remove(&own);
                    break;
                }
            }
            drop(turn);
            this.touched();
        });
        running.insert(id.clone(), Running { task, asked, wanted, in_flight });
    }
}

impl Carrying {
    async fn load(runs: &Arc<Runs>, id: &SafeText, waiting: Arc<AtomicBool>) -> Result<Option<Self>, LedgerError> {
        let Some((head, items, _)) = runs.ledger().remediation(id.to_string(), 0).await? else { return Ok(None) };
        let plan = kept::read(&head.plan, &head.plan_hash)?;
        let now = Instant::now();
        let baseline =
            |item: &KeptItem| item.before.as_deref().and_then(|text| serde_json::from_str::<Baseline>(text).ok());
        let known = items.iter().flat_map(|item| {
            baseline(item).and_then(|before| before.fingerprint).into_iter().chain(item.fingerprint.clone())
        });
        let known = known.collect();
        let watched = items.iter().enumerate().filter(|(_, item)| item.act.is_some() && !item.ended);
        let watched = watched
            .filter_map(|(at, item)| Some((at, Watched::new(baseline(item)?, item.began.clone(), now, runs.soak))))
            .collect();
        Ok(Some(Self {
            runs: runs.clone(),
            plan,
            head,
            items,
            watched,
            known,
            ready: VecDeque::new(),
            ready_at: now,
            in_flight: JoinSet::new(),
            waiting,
            next_send: now,
            stopped: true,
            switched: false,
        }))
    }

    async fn run(&mut self, asked: &Notify) {
        let (mut next_look, mut next_listen) = (Instant::now(), Instant::now());
        loop {
            if self.stopped || next_listen <= Instant::now() {
                self.stopped = false;
                next_listen = Instant::now() + LISTEN_EVERY;
                if let Err(error) = self.read_again().await {
                    // What can't be read can't be recorded either.
                    self.broken(&error);
                }
            }
            self.move_on().await;
            let runs = self.head.state.runs();
            if !runs && self.in_flight.is_empty() && self.watched.is_empty() {
                return;
            }
            let may_send = self.head.state == WideState::Running
                && self.in_flight.len() < self.plan.frozen.pace.concurrency.max(1) as usize
                && self.next().is_some();
            tokio::select! {
                Some(answered) = self.in_flight.join_next(), if !self.in_flight.is_empty() => {
                    self.waiting.store(!self.in_flight.is_empty(), Ordering::SeqCst);
                    if let Ok((at, answer)) = answered {
                        self.answered(at, answer).await;
                    }
                }
                () = tokio::time::sleep_until(self.next_send), if may_send => self.send().await,
                () = tokio::time::sleep_until(next_look), if !self.watched.is_empty() => {
                    self.look().await;
                    next_look = Instant::now() + super::looking::every(self.watched.len());
                }
                () = asked.notified() => self.stopped = true,
                () = tokio::time::sleep_until(next_listen) => {}
            }
        }
    }

    /// How it stands by the ledger: somebody else may have held or aborted it.
    async fn read_again(&mut self) -> Result<(), LedgerError> {
        let Some(head) = self.runs.ledger().stands(self.head.id.clone()).await? else { return Ok(()) };
        // Whoever aborts it leaves out what was not begun, in the same piece of writing.
        if head.state == WideState::Aborted {
            self.items.iter_mut().filter(|item| item.unsent()).for_each(|item| item.cut_short(ABORTED));
        }
        if self.head.state != head.state {
            self.ready.clear();
            self.known.extend(self.items.iter().filter_map(|item| item.fingerprint.clone()));
        }
        self.head = head;
        Ok(())
    }

    /// Nothing more is sent, since it can't be recorded.
    pub(super) fn broken(&mut self, error: &LedgerError) {
        tracing::error!(%error, remediation = %self.head.id, "nothing more is sent: it can't be recorded");
        self.head.state = WideState::Held;
        self.watched.clear();
    }

    /// The next item of the present wave that was not sent.
    fn next(&self) -> Option<usize> {
        let wave = self.head.wave;
        self.items.iter().position(|item| item.wave == wave && item.unsent())
    }

    pub(super) fn counts(&self) -> ItemCounts {
        ItemCounts::of(self.items.iter().map(|item| item.state))
    }

    /// Moves on to the next wave, to watching alone, or to the end, where it is time.
    async fn move_on(&mut self) {
        if !self.head.state.runs() {
            return;
        }
        let before = (self.head.state, self.head.wave);
        let open = self.items.iter().filter(|item| !item.ended).map(|item| item.wave).min();
        // Where none is left, it is the last one.
        self.head.wave = open.unwrap_or_else(|| self.waves().saturating_sub(1));
        if self.items.iter().all(|item| item.ended) {
            return self.finish().await;
        }
        let steps = self.plan.frozen.remedy.steps();
        let unsent = self.items.iter().any(|item| !wholly_sent(steps, item));
        self.head.state = if unsent { WideState::Running } else { WideState::Verifying };
        if before != (self.head.state, self.head.wave) {
            self.head.outcome = if unsent {
                format!("wave {} of {}", self.head.wave + 1, self.waves())
            } else {
                "all was sent; watching whether it holds".to_owned()
            };
            self.stands(&[]).await;
        }
    }

    fn waves(&self) -> u32 {
        self.items.iter().map(|item| item.wave + 1).max().unwrap_or_default()
    }

    /// All has come to an end.
    async fn finish(&mut self) {
        let counts = self.counts();
        let outcome = counts.outcome();
        let back = match outcome {
            WideState::Succeeded => self.put_back().await,
            _ => None,
        };
        if !self.head.state.runs() {
            // It was held or aborted, or can't be recorded.
            return;
        }
        self.head.state = back.as_ref().map_or(outcome, |back| back.state);
        let off = back.as_ref().map(|back| back.switched_off(&self.plan.switches_off)).unwrap_or_default();
        self.head.outcome = if self.head.state == WideState::Stale {
            "every target had changed since the plan was made: nothing was sent".to_owned()
        } else {
            let back = back.map(|back| format!("; {}", back.words)).unwrap_or_default();
            format!("{}{back}", counts.words())
        };
        let detail = json!({ "state": self.head.state.name(), "text": self.head.outcome });
        let entry = self.runs.entry_of_all(Action::Outcome, &self.head, detail);
        let (mut head, runs) = (self.head.clone(), self.runs.clone());
        head.changed_at = runs.now();
        let written = self
            .runs
            .ledger()
            .write(async move |writing| {
                // Somebody may have aborted it just now.
                if writing.remediation(&head.id).await?.is_none_or(|there| !there.state.runs()) {
                    return Ok(());
                }
                writing.stands(&head).await?;
                writing.switched_off(&head, &off, head.changed_at).await?;
                writing.audit(entry).await?;
                rollback::taken_back(writing, &runs, &head).await
            })
            .await;
        if let Err(error) = written {
            self.broken(&error);
        }
        self.runs.touched();
        if let Ok(head) = self.runs.head(&self.head.id).await {
            self.runs.tell(Occasion::Outcome, &head);
        }
    }

    /// Records how it stands, and of which items something is new. Each with the entry that tells of it.
    pub(super) async fn stands(&mut self, changed: &[(usize, Option<Action>)]) {
        let now = self.runs.now();
        self.head.changed_at = now;
        let stepped = self.plan.frozen.remedy.runbook().is_some();
        let (mut items, mut did) = (Vec::with_capacity(changed.len()), false);
        for (at, action) in changed {
            let Some(item) = self.items.get_mut(*at) else { continue };
            item.at = Some(now);
            let between = item.between_steps();
            let entry = action.map(|action| {
                let state = if between { ItemState::Verified } else { item.state };
                let mut detail = json!({ "item": item.number, "state": state.name(), "text": item.words });
                if stepped {
                    detail["step"] = json!(item.step + u32::from(!between));
                }
                self.runs.entry(action, &self.head, format!("{}/{}", item.source, item.instance), detail)
            });
            did |= did_something(item);
            items.push((item.clone(), between, entry));
        }
        let head = self.head.clone();
        let off = if did && !self.switched { self.plan.frozen.remedy.switches_off() } else { Vec::new() };
        let written = self
            .runs
            .ledger()
            .write(async move |writing| {
                let there = writing.remediation(&head.id).await?;
                let over = there.as_ref().is_some_and(|there| there.state.ended());
                for (mut item, between, entry) in items {
                    if between {
                        writing.next_step(&head.id, &item).await?;
                    }
                    if between && over {
                        // It was aborted just now: what is next is not sent any more.
                        item.cut_short(ABORTED);
                    }
                    if !between || over {
                        writing.item_stands(&head.id, &item).await?;
                    }
                    if let Some(entry) = entry {
                        writing.audit(entry).await?;
                    }
                }
                writing.switched_off(&head, &off, now).await?;
                // What somebody else has made of it meanwhile stays.
                if head.state.runs() && there.is_some_and(|there| there.state.runs()) {
                    writing.stands(&head).await?;
                }
                Ok(())
            })
            .await;
        match written {
            Ok(()) => self.switched |= did,
            Err(error) => self.broken(&error),
        }
        self.runs.touched();
    }

    /// Holds it, and says why.
    pub(super) async fn hold(&mut self, why: &str) {
        if !self.head.state.runs() {
            return;
        }
        self.ready.clear();
        let counts = self.counts();
        let outcome = format!("held: {why}; {}", super::asking::so_far(&counts));
        let (runs, id) = (self.runs.clone(), self.head.id.clone());
        let written = self
            .runs
            .ledger()
            .write(async move |writing| {
                let Some(mut head) = writing.remediation(&id).await? else { return Ok(None) };
                if head.state.runs() {
                    head.state = WideState::Held;
                    head.changed_at = runs.now();
                    head.outcome = outcome;
                    writing.stands(&head).await?;
                    let detail = json!({ "control": "hold", "by": "a limit", "text": head.outcome });
                    writing.audit(runs.entry_of_all(Action::Control, &head, detail)).await?;
                }
                Ok(Some(head))
            })
            .await;
        match written {
            Ok(head) => self.head = head.unwrap_or_else(|| self.head.clone()),
            Err(error) => self.broken(&error),
        }
        self.runs.touched();
    }
}
