//! Whom instances are for, where the config says how that is told.
//!
//! What is told is kept by instance, since what an instance was begun with never changes: the engine is asked for the
//! inputs of new ones alone. What a key holds does change, and is asked for with each pass. A pass asks for no more than
//! so many instances and runs programs for no longer than a moment, and never on a thread that polls or draws: what is
//! left over is not known until the next pass.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::config::jq::{Names, Program, STACK};
use crate::config::{TenantBook, TenantRule};
use crate::connect::{Connector, Payload, PayloadOf};
use crate::domain::cohort::fingerprint_of;
use crate::domain::flow::FlowInstance;
use crate::domain::policy::THREAD;
use crate::domain::text::SafeText;

/// How many instances a pass asks for what they were begun with.
const ASKED: usize = 1_000;

/// How many of them at once.
const AT_ONCE: usize = 100;

/// How long the programs may run in one pass.
const RUN: Duration = Duration::from_millis(500);

/// The longest name of a tenant that is kept, in characters.
const NAME: usize = 200;

/// What went wrong in telling tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Of how many instances the tenant could not be told.
    pub(super) count: usize,
    /// The first of them, and why.
    pub(super) first: Option<SafeText>,
}

impl Trouble {
    fn add(&mut self, id: &SafeText, why: &str) {
        self.count += 1;
        self.first.get_or_insert_with(|| format!("{id}: {why}").into());
    }
}

/// What a tenant depends on beside the program.
type Key = (SafeText, Option<SafeText>);

type Told = Result<Option<SafeText>, String>;

/// What was told of the instances of one source.
#[derive(Default)]
pub(super) struct Tenants {
    told: Mutex<HashMap<Key, Told>>,
}

/// A program to run: for which instance, and on what.
struct Job {
    at: usize,
    key: Key,
    program: Arc<Program>,
    given: Value,
}

impl Tenants {
    /// Fills in the tenants of instances, as far as the config says how. Of the `whole` of a pass nothing else is kept.
    pub(super) async fn tell(
        &self,
        book: &TenantBook,
        connector: &dyn Connector,
        flows: &mut [FlowInstance],
        whole: bool,
    ) -> Trouble {
        let mut trouble = Trouble::default();
        if book.is_empty() {
            return trouble;
        }
        let mut wanted: Vec<(usize, Key, Arc<Program>)> = Vec::new();
        let mut keys: HashSet<Key> = HashSet::new();
        for (at, flow) in flows.iter_mut().enumerate() {
            match book.rule(&flow.id.source, &flow.flow) {
                None => {}
                Some(TenantRule::Key) => flow.tenant = flow.key.clone(),
                Some(TenantRule::Jq(program)) => {
                    let key = (flow.id.instance.clone(), program.names().step.then(|| flow.step.clone()));
                    flow.tenant = None;
                    keys.insert(key.clone());
                    if program.names().state || !self.known().contains_key(&key) {
                        wanted.push((at, key, program.clone()));
                    }
                }
            }
        }
        if whole {
            self.known().retain(|key, _| keys.contains(key));
        }
        // Those of which nothing is known first; of the others what was told last stands until it is asked anew.
        wanted.sort_by_key(|(_, key, _)| self.known().contains_key(key));
        let jobs = self.jobs(connector, flows, wanted, &mut trouble).await;
        for (key, told) in run(jobs).await {
            self.known().insert(key, told);
        }
        for flow in flows.iter_mut() {
            let Some(TenantRule::Jq(program)) = book.rule(&flow.id.source, &flow.flow) else { continue };
            let key = (flow.id.instance.clone(), program.names().step.then(|| flow.step.clone()));
            match self.known().get(&key) {
                Some(Ok(tenant)) => flow.tenant = tenant.clone(),
                Some(Err(why)) => trouble.add(&flow.id.instance, why),
                None => trouble.add(&flow.id.instance, "not asked yet"),
            }
        }
        for flow in flows.iter_mut() {
            mask(flow);
        }
        trouble
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the programs are given: asked of the engine where they name what only it knows.
    async fn jobs(
        &self,
        connector: &dyn Connector,
        flows: &[FlowInstance],
        wanted: Vec<(usize, Key, Arc<Program>)>,
        trouble: &mut Trouble,
    ) -> Vec<Job> {
        let asks = |program: &Program| {
            let names = program.names();
            names.input || names.headers || names.state
        };
        let (asking, plain): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(_, _, program)| asks(program));
        let job = |(at, key, program): (usize, Key, Arc<Program>), payload: Option<&Payload>| {
            let given = given(&flows[at], program.names(), payload);
            Job { at, key, program, given }
        };
        let mut jobs: Vec<Job> = plain.into_iter().map(|one| job(one, None)).collect();
        let mut asking = asking.into_iter().take(ASKED).peekable();
        while asking.peek().is_some() {
            let part: Vec<_> = asking.by_ref().take(AT_ONCE).collect();
            let names = part.iter().fold(Names::default(), |all, (_, _, program)| all.or(program.names()));
            let of: Vec<PayloadOf<'_>> = part.iter().map(|(at, ..)| PayloadOf::of(&flows[*at])).collect();
            match connector.payloads(&of, names).await {
                Ok(payloads) => {
                    let by_id: HashMap<&str, &Payload> =
                        payloads.iter().map(|payload| (payload.instance.as_str(), payload)).collect();
                    jobs.extend(part.into_iter().map(|one| {
                        let payload = by_id.get(one.1.0.as_str()).copied();
                        job(one, payload)
                    }));
                }
                Err(error) => {
                    // Said once: each of them is counted below as not known.
                    trouble
                        .first
                        .get_or_insert_with(|| format!("what they were begun with can't be read: {error}").into());
                    break;
                }
            }
        }
        // In the order of the rows, so that the same ones are always the first.
        jobs.sort_by_key(|job| job.at);
        jobs
    }
}

/// What a program is given.
fn given(flow: &FlowInstance, names: Names, payload: Option<&Payload>) -> Value {
    let mut given = json!({"source": flow.id.source, "flow": flow.flow, "step": flow.step, "key": flow.key});
    let parts = [
        ("input", names.input, payload.and_then(|payload| payload.input.as_ref())),
        ("headers", names.headers, payload.and_then(|payload| payload.headers.as_ref())),
        ("state", names.state, payload.and_then(|payload| payload.state.as_ref())),
    ];
    for (name, _, value) in parts.into_iter().filter(|(_, named, _)| *named) {
        given[name] = value.cloned().unwrap_or_default();
    }
    given
}

/// Runs programs on a thread of their own, for as long as they may take together.
async fn run(jobs: Vec<Job>) -> Vec<(Key, Told)> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let (done, told) = tokio::sync::oneshot::channel();
    let work = move || {
        let began = Instant::now();
        let outcomes: Vec<(Key, Told)> = jobs
            .into_iter()
            .take_while(|_| began.elapsed() < RUN)
            .map(|job| {
                let told = job.program.run(&job.given);
                (job.key, told.map(|tenant| tenant.map(|tenant| SafeText::clipped(&tenant, NAME))))
            })
            .collect();
        // Nobody listens any more where the pass was given up.
        let _ = done.send(outcomes);
    };
    match std::thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn(work) {
        Ok(_) => told.await.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, "no thread for the programs that tell tenants");
            Vec::new()
        }
    }
}

/// A tenant's name in an error is its own: it must not keep the instances of one cause apart.
fn mask(flow: &mut FlowInstance) {
    let (Some(tenant), Some(error)) = (&flow.tenant, &mut flow.error) else { return };
    if flow.key.as_ref() != Some(tenant) && error.text.contains(tenant.as_str()) {
        let own = [flow.key.as_deref().unwrap_or_default(), tenant];
        error.fingerprint = fingerprint_of(&error.text, &own);
    }
}
