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
use super::looking::Watched;
use super::{Running, Runs, kept};
use crate::connect::{Act, ActAnswer, Sight};
use crate::domain::audit::Action;
use crate::domain::flow::JudgedFlow;
use crate::domain::hash::digest;
use crate::domain::notice::Occasion;
use crate::domain::plan::{WidePlan, of_each};
use crate::domain::remediation::ItemState;
use crate::domain::text::SafeText;
use crate::domain::verdict::Judgement;
use crate::domain::wide::{ItemCounts, WideState};

/// How old what is known of a target may be when it is acted on.
const AGE: Duration = Duration::from_secs(10);

/// How many targets are read at once before they are sent, at the most.
const AHEAD: usize = 200;

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
    ready: VecDeque<(usize, Sight)>,
    ready_at: Instant,
    in_flight: JoinSet<(usize, ActAnswer)>,
    waiting: Arc<AtomicBool>,
    next_send: Instant,
    /// Whether something was asked of it that is not known here yet.
    stopped: bool,
}

/// What became of an item that was to be sent.
enum Begun {
    Yes,
    /// It is not running any more.
    Stopped,
}

impl Runs {
    /// Carries on with a remediation of which something is to be sent or watched, unless this process does already.
    /// Whoever calls has the turn.
    pub(super) fn carry_on(self: &Arc<Self>, id: &SafeText) {
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
            this.end_turn();
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
        let id = self.head.id.clone();
        let read = self
            .runs
            .ledger()
            .write(async move |writing| Ok((writing.remediation(&id).await?, writing.counts(&id).await?)))
            .await?;
        let (Some(head), counts) = read else { return Ok(()) };
        let left_out = head.state == WideState::Aborted && counts.get(ItemState::Pending) == 0;
        if left_out {
            for item in self.items.iter_mut().filter(|item| item.act.is_none() && !item.ended) {
                item.state = ItemState::Skipped;
                item.ended = true;
            }
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
        self.items.iter().position(|item| item.wave == wave && item.act.is_none() && !item.ended)
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
        let of = |wave: u32, item: &KeptItem| item.wave == wave;
        while let Some(more) = self.items.iter().map(|item| item.wave).filter(|wave| *wave > self.head.wave).min() {
            let wave = self.head.wave;
            if !self.items.iter().filter(|item| of(wave, item)).all(|item| item.ended) {
                break;
            }
            self.head.wave = more;
        }
        if self.items.iter().all(|item| item.ended) {
            return self.finish().await;
        }
        let unsent = self.items.iter().any(|item| item.act.is_none() && !item.ended);
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
        self.head.state = back.as_ref().map_or(outcome, |(state, _)| *state);
        self.head.outcome = if self.head.state == WideState::Stale {
            "every target had changed since the plan was made: nothing was sent".to_owned()
        } else {
            let back = back.map(|(_, words)| format!("; {words}")).unwrap_or_default();
            format!("{}{back}", counts.words())
        };
        let detail = json!({ "state": self.head.state.name(), "text": self.head.outcome });
        let entry = self.runs.entry_of_all(Action::Outcome, &self.head, detail);
        let (mut head, runs) = (self.head.clone(), self.runs.clone());
        head.changed_at = runs.now();
        let took_back = head.takes_back.clone().filter(|_| head.state == WideState::Succeeded);
        let written = runs
            .ledger()
            .write(async move |writing| {
                // Somebody may have aborted it just now.
                if writing.remediation(&head.id).await?.is_none_or(|there| !there.state.runs()) {
                    return Ok(());
                }
                writing.stands(&head).await?;
                if let Some(other) = took_back
                    && let Some(mut other) = writing.remediation(&other).await?
                {
                    other.state = WideState::RolledBack;
                    other.outcome = format!("taken back by {}", head.id);
                    writing.stands(&other).await?;
                }
                writing.audit(entry).await
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
        let mut items = Vec::with_capacity(changed.len());
        for (at, action) in changed {
            let Some(item) = self.items.get_mut(*at) else { continue };
            item.at = Some(now);
            let entry = action.map(|action| {
                let detail = json!({ "item": item.number, "state": item.state.name(), "text": item.words });
                self.runs.entry(action, &self.head, format!("{}/{}", item.source, item.instance), detail)
            });
            items.push((item.clone(), entry));
        }
        let head = self.head.clone();
        let written = self
            .runs
            .ledger()
            .write(async move |writing| {
                for (item, entry) in items {
                    writing.item_stands(&head.id, &item).await?;
                    if let Some(entry) = entry {
                        writing.audit(entry).await?;
                    }
                }
                // What somebody else has made of it meanwhile stays.
                if head.state.runs()
                    && let Some(there) = writing.remediation(&head.id).await?
                    && there.state.runs()
                {
                    writing.stands(&head).await?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = written {
            self.broken(&error);
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

    /// Sends the next item, once it was looked at that it is still what was planned.
    async fn send(&mut self) {
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
        let before = Baseline::of(&sight);
        let key = digest(&[&self.head.id, &item.number.to_string()], 12);
        item.act = Some(key.to_string());
        item.before = serde_json::to_string(&before).ok();
        "being sent".clone_into(&mut item.words);
        item.at = Some(self.runs.now());
        let begun = item.clone();
        match self.begin(begun).await {
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
        let act = Act {
            verb: self.plan.frozen.verb,
            instance: sight.flow.id.instance.clone(),
            key,
            parameters: of_each(&self.plan.frozen.parameters),
        };
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
    async fn begin(&self, item: KeptItem) -> Result<Begun, LedgerError> {
        let (runs, id, verb) = (self.runs.clone(), self.head.id.clone(), self.plan.frozen.verb);
        self.runs
            .ledger()
            .write(async move |writing| {
                let Some(head) = writing.remediation(&id).await?.filter(|head| head.state == WideState::Running) else {
                    return Ok(Begun::Stopped);
                };
                writing.begin_item(&id, &item).await?;
                let detail = json!({ "item": item.number, "verb": verb.name(), "version": item.version });
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
            .filter(|at| self.items.get(*at).is_some_and(|item| item.wave == wave && item.act.is_none() && !item.ended))
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
        let rows: Vec<_> = seen.iter().filter_map(|(_, sight)| sight.as_ref()).map(row).collect();
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
        for (at, sight) in seen {
            let Some(item) = self.items.get_mut(at) else { continue };
            let why = match &sight {
                None => Some("it is gone".to_owned()),
                Some(sight) if sight.flow.version.as_str() != item.version => {
                    let (now, flow) = (sight.flow.version.as_str(), &sight.flow);
                    let (status, step) = (flow.status.words(), &flow.step);
                    Some(format!("changed: now {status} in {step} (version {now}, was {})", item.version))
                }
                Some(sight) if sight.flow.id.instance != *item.instance => Some("it can't be named exactly".to_owned()),
                Some(_) => None,
            };
            match (why, sight) {
                (Some(why), _) => {
                    item.state = ItemState::Skipped;
                    item.ended = true;
                    item.words = why;
                    left_out.push((at, Some(Action::Outcome)));
                }
                (None, Some(sight)) => self.ready.push_back((at, sight)),
                (None, None) => {}
            }
        }
        if !left_out.is_empty() {
            self.stands(&left_out).await;
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
            let sights = connector.sights(&ids).await.map_err(|error| format!("{source} can't be read: {error}"))?;
            if sights.len() != ids.len() {
                return Err(format!("{source} told of {} instances, and was asked for {}", sights.len(), ids.len()));
            }
            seen.extend(asked.into_iter().map(|(at, _)| at).zip(sights));
        }
        seen.sort_unstable_by_key(|(at, _)| *at);
        Ok(seen)
    }

    /// The engine answered, or the answer was lost.
    async fn answered(&mut self, at: usize, answer: ActAnswer) {
        let Some(item) = self.items.get_mut(at) else { return };
        item.answered = !matches!(answer, ActAnswer::Unknown(_));
        (item.state, item.words) = match &answer {
            ActAnswer::Accepted => (ItemState::Accepted, "accepted by the engine".to_owned()),
            ActAnswer::Done => (ItemState::Done, "done, says the engine; watching whether it holds".to_owned()),
            ActAnswer::Began(id) => (ItemState::Done, format!("begun as {id}; watching how it gets on")),
            ActAnswer::Refused(why) | ActAnswer::Gone(why) => (ItemState::Failed, format!("refused: {why}")),
            ActAnswer::Unknown(why) => {
                (ItemState::Unknown, format!("UNKNOWN whether the engine took it: {why}; not sent again, looking"))
            }
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

/// A target as policies look at it. Its verdict is no part of what is asked.
fn row(sight: &Sight) -> Arc<JudgedFlow> {
    Arc::new(JudgedFlow { flow: sight.flow.clone(), judgement: Judgement::ok() })
}
