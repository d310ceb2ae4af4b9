//! Remediations of many: asked for, approved, carried out wave by wave, held, resumed, aborted.
//!
//! How each stands is in the ledger, and every step is decided upon what stands there, in the same piece of writing that
//! records it: of two requests, two approvals or two starts in one instant, whoever comes second finds what the first
//! one made. So several processes may ask, approve, hold and abort; one of them sends.

mod asking;
mod back;
mod carry;
mod kept;
mod lock;
mod looking;
mod minding;
mod rollback;
mod sending;
mod side_effects;
mod stepping;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use self::lock::Turn;
use super::deciding::Gate;
use super::drifting;
use super::journal::Journal;
use super::ledger::{Kept, Ledger, LedgerError, Listed};
use super::webhook::Webhooks;
use crate::config::ThresholdBook;
use crate::connect::{ConnectError, Connector, Sight};
use crate::domain::audit::{Action, Draft};
use crate::domain::drift::DriftFinding;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::notice::{Notice, Occasion};
use crate::domain::plan::WidePlan;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::verdict::{Circumstances, judge};
use crate::domain::wide::{ItemCounts, Told, WideDetail, WideRemediation, WideState};
use crate::ops::OpsError;

/// How many remediations that have ended are in a list; older ones are asked for.
const SHOWN: u32 = 500;

/// How much of a remediation's history is shown.
const HISTORY: u32 = 500;

/// Every source by its name, as far as acting needs it.
pub(super) type Planes = HashMap<SafeText, Plane>;

/// A source that is acted on.
pub(super) struct Plane {
    pub(super) connector: Arc<dyn Connector>,
    /// The time from one look at it to the next.
    pub(super) poll: SignedDuration,
}

/// What asks for, approves and carries out remediations of many.
pub(super) struct Runs {
    gate: Arc<Gate>,
    journal: Arc<Journal>,
    soak: SignedDuration,
    planes: Planes,
    thresholds: ThresholdBook,
    changed: Arc<dyn Fn() + Send + Sync>,
    turn: Turn,
    running: Mutex<HashMap<SafeText, Running>>,
    /// Held from when it is recorded that something runs until it does, so that nobody takes it for left meanwhile.
    starting: tokio::sync::Mutex<()>,
    /// What was checked anew, until whoever shows drift takes it in: by source and finding.
    rechecked: Mutex<BTreeMap<(SafeText, SafeText), Option<DriftFinding>>>,
    /// What was read last.
    shown: Mutex<Arc<Vec<Arc<WideRemediation>>>>,
    /// Whether what is shown is older than what is kept.
    outdated: AtomicBool,
    /// Who is told of what happens while nobody looks.
    webhooks: OnceLock<Arc<Webhooks>>,
    /// What is being told.
    telling: Mutex<JoinSet<()>>,
}

/// A remediation that this process carries out, or whose items it watches.
struct Running {
    task: JoinHandle<()>,
    /// That something was asked of it.
    asked: Arc<Notify>,
    /// That it is to be carried on with, also where it was at its end already.
    wanted: Arc<AtomicBool>,
    /// Whether an answer of the engine is waited for.
    in_flight: Arc<AtomicBool>,
}

/// How often it is looked whether the engine's answers have come, when the program is left.
const LEAVING_LOOK: std::time::Duration = std::time::Duration::from_millis(20);

/// For how long.
const LEAVING_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

impl Runs {
    pub(super) fn new(
        gate: Arc<Gate>,
        journal: Arc<Journal>,
        soak: SignedDuration,
        planes: Planes,
        thresholds: ThresholdBook,
        changed: Arc<dyn Fn() + Send + Sync>,
    ) -> Arc<Self> {
        let turn = Turn::new(journal.ledger().directory());
        Arc::new(Self {
            gate,
            journal,
            soak,
            planes,
            thresholds,
            changed,
            turn,
            running: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            rechecked: Mutex::default(),
            shown: Mutex::default(),
            outdated: AtomicBool::new(true),
            webhooks: OnceLock::new(),
            telling: Mutex::default(),
        })
    }

    pub(super) fn ledger(&self) -> &Ledger {
        self.journal.ledger()
    }

    fn now(&self) -> Timestamp {
        (self.gate.clock)()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<SafeText, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connector of a source.
    fn connector(&self, source: &str) -> Option<&Arc<dyn Connector>> {
        self.planes.get(&SafeText::from(source)).map(|plane| &plane.connector)
    }

    /// What was just seen of an instance, with what the rules say of it. Of who holds its key nothing is known here.
    fn judged(&self, sight: &Sight) -> Arc<JudgedFlow> {
        let flow = &sight.flow;
        let poll = self.planes.get(&flow.id.source).map(|plane| plane.poll).unwrap_or_default();
        let limits = self.thresholds.resolve(&flow.id.source, &flow.flow, &flow.step, poll);
        let judgement = judge(flow, &limits, &Circumstances { now: sight.engine_now, holder: None });
        Arc::new(JudgedFlow { flow: flow.clone(), judgement })
    }

    /// Targets of a verb on what drifts, checked anew.
    async fn checked(&self, source: &str, verb: Verb, ids: &[SafeText]) -> Result<Vec<Option<Sight>>, ConnectError> {
        let connector = self.connector(source).ok_or_else(|| ConnectError::NotFound(source.into()))?;
        let found = drifting::recheck(&**connector, verb, ids).await?;
        let sights = found.sights(verb, self.now());
        let mut rechecked = self.rechecked.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, told) in ids.iter().zip(found.told) {
            rechecked.insert((source.into(), id.clone()), told);
        }
        drop(rechecked);
        (self.changed)();
        Ok(sights)
    }

    /// What was checked anew since this was asked last, by source.
    pub(super) fn rechecked(&self) -> Vec<(SafeText, Vec<SafeText>, Vec<Option<DriftFinding>>)> {
        let rechecked = std::mem::take(&mut *self.rechecked.lock().unwrap_or_else(PoisonError::into_inner));
        rechecked.into_iter().map(|((source, id), told)| (source, vec![id], vec![told])).collect()
    }

    /// How many automatic repairs of a finding have failed in a row.
    pub(super) async fn failed_repairs(&self, id: &InstanceId) -> Result<u32, OpsError> {
        let (source, instance) = (id.source.to_string(), id.instance.to_string());
        let failed = self.ledger().failed_repairs(self.context(), source, instance).await;
        failed.map_err(|error| unread(&error))
    }

    fn context(&self) -> String {
        self.gate.context.to_string()
    }

    /// What is kept is another one than what is shown.
    fn touched(&self) {
        self.outdated.store(true, Ordering::SeqCst);
        (self.changed)();
    }

    /// An entry on something else than a remediation.
    pub(super) fn draft(&self, at: Timestamp, action: Action, subject: String, detail: Value) -> Draft {
        self.journal.draft(at, action, subject, detail)
    }

    /// What a remediation does to each of its targets, step by step; nothing where it can't be read.
    pub(super) async fn verbs_of(&self, id: &str) -> Vec<Verb> {
        let head = self.head(id).await;
        head.map(|head| head.plan.frozen.remedy.steps().iter().map(|step| step.verb).collect()).unwrap_or_default()
    }

    /// An entry of the audit on a remediation.
    fn entry(&self, action: Action, of: &Kept, subject: String, detail: Value) -> Draft {
        Draft {
            remediation: Some(of.id.clone()),
            plan_hash: Some(of.plan_hash.clone()),
            ..self.journal.draft(self.now(), action, subject, detail)
        }
    }

    /// An entry on a remediation as a whole.
    fn entry_of_all(&self, action: Action, of: &Kept, detail: Value) -> Draft {
        self.entry(action, of, format!("remediation {}", of.id), detail)
    }

    /// Those that have not ended, and the newest of the others.
    pub(super) async fn list(&self) -> Result<Arc<Vec<Arc<WideRemediation>>>, OpsError> {
        if self.outdated.swap(false, Ordering::SeqCst) {
            let read = self.listed().await.inspect_err(|_| self.outdated.store(true, Ordering::SeqCst))?;
            *self.shown() = Arc::new(read);
        }
        Ok(self.shown().clone())
    }

    async fn listed(&self) -> Result<Vec<Arc<WideRemediation>>, OpsError> {
        let listed = self.ledger().listed(self.context(), SHOWN).await.map_err(|error| unread(&error))?;
        let before = self.shown().clone();
        self.in_full(listed, &before).await
    }

    /// Those that have ended and were asked for before one, at most so many, the newest first.
    pub(super) async fn before(&self, id: &str, most: u32) -> Result<Vec<Arc<WideRemediation>>, OpsError> {
        let listed = self.ledger().listed_before(self.context(), SafeText::clipped(id, 40).to_string(), most).await;
        self.in_full(listed.map_err(|error| unread(&error))?, &[]).await
    }

    /// How many there are.
    pub(super) async fn how_many(&self) -> Result<u64, OpsError> {
        self.ledger().how_many(self.context()).await.map_err(|error| unread(&error))
    }

    /// What is listed, in full. Of those that were read before, one that has ended and is as it was is not read again.
    async fn in_full(
        &self,
        listed: Vec<Listed>,
        before: &[Arc<WideRemediation>],
    ) -> Result<Vec<Arc<WideRemediation>>, OpsError> {
        let before: HashMap<&str, &Arc<WideRemediation>> =
            before.iter().map(|shown| (shown.id.as_str(), shown)).collect();
        let same = |one: &Listed| {
            let known = before.get(one.id.as_str()).filter(|known| known.changed_at == one.changed_at);
            known.filter(|known| one.state.ended() && known.state == one.state)
        };
        let anew = listed.iter().filter(|one| same(one).is_none()).map(|one| one.id.clone()).collect();
        let read = self.ledger().in_full(anew).await.map_err(|error| unread(&error))?;
        let mut read: HashMap<String, (Kept, ItemCounts)> =
            read.into_iter().map(|(kept, counts)| (kept.id.clone(), (kept, counts))).collect();
        let mut all = Vec::with_capacity(listed.len());
        for one in &listed {
            if let Some(known) = same(one) {
                all.push(Arc::clone(known));
            } else if let Some((kept, counts)) = read.remove(&one.id) {
                let plan = before.get(one.id.as_str()).map(|known| known.plan.clone());
                all.push(Arc::new(self.show(kept, counts, plan)?));
            }
        }
        Ok(all)
    }

    /// As [`Runs::list`], also where another process has written since.
    pub(super) async fn list_anew(&self) -> Result<Arc<Vec<Arc<WideRemediation>>>, OpsError> {
        self.outdated.store(true, Ordering::SeqCst);
        self.list().await
    }

    /// Whether this process sends or watches its items.
    pub(super) fn carries(&self, id: &str) -> bool {
        self.running().contains_key(&SafeText::from(id))
    }

    fn shown(&self) -> MutexGuard<'_, Arc<Vec<Arc<WideRemediation>>>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `known` is its plan, where it was read already: a plan does not change.
    fn show(&self, kept: Kept, counts: ItemCounts, known: Option<Arc<WidePlan>>) -> Result<WideRemediation, OpsError> {
        let plan = match known {
            Some(plan) => plan,
            None => Arc::new(kept::read(&kept.plan, &kept.plan_hash).map_err(|error| unread(&error))?),
        };
        let mut shown = kept::shown(kept, plan, counts);
        // What time alone changes, whether or not anybody has noted it.
        minding::age(&mut shown.state, &mut shown.approval, self.now());
        Ok(shown)
    }

    /// One with its items and its history.
    pub(super) async fn detail(&self, id: &str) -> Result<WideDetail, OpsError> {
        let id = SafeText::clipped(id, 40);
        let read = self.ledger().remediation(id.to_string(), HISTORY).await.map_err(|error| unread(&error))?;
        let (kept, items, entries) =
            read.filter(|(kept, ..)| kept.context == *self.gate.context).ok_or_else(|| missing(&id))?;
        let counts = ItemCounts::of(items.iter().map(|item| item.state));
        let known = self.shown().iter().find(|shown| shown.id == *kept.id).map(|shown| shown.plan.clone());
        let head = Arc::new(self.show(kept, counts, known)?);
        let cannot_approve = self.cannot_approve(&head);
        let history = entries.into_iter().map(|(at, actor, action, subject, detail)| Told {
            at,
            actor: actor.into(),
            action: action.into(),
            subject: subject.into(),
            text: told(&detail),
        });
        Ok(WideDetail {
            items: Arc::new(items.iter().map(kept::item).collect()),
            history: history.collect(),
            cannot_approve: cannot_approve.map(Into::into),
            head,
        })
    }

    /// Who is told from now on. The first ones stay.
    pub(super) fn tells(&self, webhooks: Webhooks) {
        // Second ones are of no use to anybody.
        let _ = self.webhooks.set(Arc::new(webhooks));
    }

    /// Tells of a remediation, on the side.
    fn tell(&self, occasion: Occasion, of: &WideRemediation) {
        let Some(webhooks) = self.webhooks.get().cloned() else { return };
        let notice = Notice::of(occasion, of, self.now());
        let mut telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        telling.spawn(async move {
            // What failed is in the log.
            let _ = webhooks.tell(&notice).await;
        });
    }

    /// One as it stands now.
    async fn head(&self, id: &str) -> Result<Arc<WideRemediation>, OpsError> {
        let list = self.list().await?;
        match list.iter().find(|shown| shown.id == *id) {
            Some(shown) => Ok(shown.clone()),
            None => Ok(self.detail(id).await?.head),
        }
    }

    /// Holds what this process carries out, because it is left, and waits for the answers that are still to come.
    /// Gives what is held by it.
    pub(super) async fn leave(&self) -> Vec<Arc<WideRemediation>> {
        let held = self.hold_all().await;
        let mut telling = std::mem::take(&mut *self.telling.lock().unwrap_or_else(PoisonError::into_inner));
        let told = async { while telling.join_next().await.is_some() {} };
        // Each of them has its own time.
        let _ = tokio::time::timeout(LEAVING_WAIT, told).await;
        held
    }

    /// Records that all of them are held, waits for the answers that are still to come, and gives those that are.
    async fn hold_all(&self) -> Vec<Arc<WideRemediation>> {
        let running: Vec<SafeText> = self.running().keys().cloned().collect();
        if running.is_empty() {
            return Vec::new();
        }
        for id in &running {
            if let Err(error) = self.ledger().write(self.left(id)).await {
                tracing::error!(%error, remediation = %id, "that it is held can't be recorded");
            }
        }
        self.touched();
        let begun = tokio::time::Instant::now();
        let waits = || self.running().values().any(|running| running.in_flight.load(Ordering::SeqCst));
        while waits() && begun.elapsed() < LEAVING_WAIT {
            tokio::time::sleep(LEAVING_LOOK).await;
        }
        let Ok(list) = self.list_anew().await else { return Vec::new() };
        list.iter().filter(|one| one.state == WideState::Held && running.contains(&one.id)).cloned().collect()
    }

    /// Ends what this process does, without waiting for an answer. What was sent is looked at by whoever opens the ledger
    /// next.
    ///
    /// This is no `Drop` of its own: whoever drops the last of it may be writing to the ledger just then, and would wait
    /// for itself.
    pub(super) fn let_go(&self) {
        let running: Vec<SafeText> = self.running().keys().cloned().collect();
        for running in self.running().values() {
            running.task.abort();
        }
        for id in running {
            if let Err(error) = self.ledger().write_now(self.left(&id)) {
                tracing::error!(%error, remediation = %id, "that it is held can't be recorded");
            }
        }
    }
}

/// The words of an entry's detail, for people.
fn told(detail: &str) -> SafeText {
    let value: Value = serde_json::from_str(detail).unwrap_or(Value::Null);
    let Value::Object(map) = value else { return SafeText::clipped(detail, 300) };
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    if let Some(text) = map.get("text") {
        return SafeText::clipped(&word(text), 300);
    }
    let words: Vec<String> = map
        .iter()
        .map(|(key, value)| (key, word(value)))
        .filter(|(_, word)| !word.is_empty())
        .map(|(key, word)| format!("{key}: {word}"))
        .collect();
    SafeText::clipped(&words.join("; "), 300)
}

fn missing(id: &SafeText) -> OpsError {
    OpsError::NotFound(format!("there is no remediation {id}").into())
}

/// That what is kept can't be read.
fn unread(error: &LedgerError) -> OpsError {
    OpsError::Journal(error.to_string().into())
}

/// That nothing was done, because it can't be recorded.
fn unwritten(error: &LedgerError) -> OpsError {
    OpsError::Journal(format!("nothing was done, because it can't be recorded: {error}").into())
}

/// What a refusal says to the record.
fn why(text: &str) -> Value {
    json!({ "text": super::journal::kept(text) })
}
