//! Checks: what minions tell of their states when they are asked what they would change (`test=True`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::job::{Job, Target, Task};
use super::state::{CONDITIONS, StateId, Told, of_minion};
use super::{Checked, Facts, NAME, Salt};
use crate::connect::ConnectError;
use crate::domain::drift::{DriftFinding, DriftStatus};
use crate::domain::text::SafeText;

/// The most states of one minion.
const STATES: usize = 20_000;

/// How many jobs are followed at one time.
pub(super) const AT_ONCE: usize = 8;

/// A minion runs one job of states at a time. One that is at another one is asked again after so long, twice, and then not
/// before the next check: a check that waited there for its turn would be followed by all the later ones.
const AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

/// Said of a minion that did not answer.
const SILENT: &str = "the minion did not answer";

/// Said of one that is still at the check.
const SLOW: &str = "the check takes longer than it is waited for";

/// What a check of everything came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) findings: Vec<DriftFinding>,
    pub(super) in_sync: u64,
    pub(super) bad_rows: usize,
    pub(super) bad_row: Option<SafeText>,
    pub(super) now: Option<Timestamp>,
}

impl Outcome {
    fn bad(&mut self, why: SafeText) {
        self.bad_rows += 1;
        self.bad_row.get_or_insert(why);
    }
}

/// What a minion returned of its states.
enum Answer {
    /// Each of them, as far as it can be read, and those that can't.
    States(Vec<(StateId, Told)>, Vec<SafeText>),
    /// That another run of states is under way there.
    Busy(SafeText),
    /// No states: why not, in its words.
    Words(SafeText),
}

impl Salt {
    /// Which states are asked for, as the functions of Salt take them.
    fn states(&self) -> Value {
        if self.settings.states.is_empty() { json!([]) } else { json!([self.settings.states.join(",")]) }
    }

    /// Checks all minions.
    pub(super) async fn check_all(&self) -> Result<Outcome, ConnectError> {
        self.check_minions(&Target::Glob(&self.settings.target)).await
    }

    /// Checks all states of some minions.
    async fn check_minions(&self, target: &Target<'_>) -> Result<Outcome, ConnectError> {
        let task = Task::new("state.apply", self.states(), json!({"test": true}));
        let mut job = self.job(target, &task).await?;
        for pause in AGAIN {
            let mut busy = Vec::new();
            for (minion, value) in &job.returns {
                if matches!(self.answer(minion, value), Answer::Busy(_)) {
                    busy.push(minion.clone());
                }
            }
            if busy.is_empty() {
                break;
            }
            tokio::time::sleep(pause).await;
            let again = self.job(&Target::These(&busy), &task).await?;
            job.returns.extend(again.returns);
            job.now = again.now.or(job.now);
        }
        let facts = self.facts_of(&job).await;
        self.weigh(&job, &facts).await
    }

    /// What a job that checked minions tells.
    async fn weigh(&self, job: &Job, facts: &BTreeMap<String, Facts>) -> Result<Outcome, ConnectError> {
        let mut outcome = Outcome { now: job.now, ..Outcome::default() };
        let mut answers = Vec::new();
        for (minion, value) in &job.returns {
            answers.push((minion, self.answer(minion, value)));
        }
        let always = self.run_always(&answers).await?;
        let mut seen = BTreeSet::new();
        for (minion, answer) in answers {
            let of = self.checked(minion, facts.get(minion), job.now);
            match answer {
                Answer::States(states, bad) => {
                    for why in bad {
                        outcome.bad(why);
                    }
                    for (state, told) in states {
                        if !seen.insert(state.text()) {
                            outcome.bad(SafeText::clipped(&format!("{}: told twice", state.text()), NAME));
                        } else if told.in_sync() {
                            outcome.in_sync += 1;
                        } else {
                            let always = state.may_always_run().then(|| always.contains(&declared(&state)));
                            outcome.findings.push(told.finding(&state, &of, &self.redactor, always));
                        }
                    }
                }
                Answer::Busy(why) => outcome.findings.push(of_minion(minion, &of, DriftStatus::NotChecked, why)),
                Answer::Words(why) => outcome.findings.push(of_minion(minion, &of, DriftStatus::Unknown, why)),
            }
        }
        let unheard = job.silent.iter().map(|minion| (minion, SafeText::from(SILENT)));
        let busy = job.busy.iter().map(|minion| (minion, SafeText::from(SLOW)));
        let behind = job.behind.iter().map(|(minion, why)| (minion, why.clone()));
        for (minion, why) in unheard.chain(busy).chain(behind) {
            let of = self.checked(minion, facts.get(minion), job.now);
            outcome.findings.push(of_minion(minion, &of, DriftStatus::NotChecked, why));
        }
        Ok(outcome)
    }

    fn checked<'a>(&'a self, minion: &str, facts: Option<&Facts>, at: Option<Timestamp>) -> Checked<'a> {
        let scope = match facts.filter(|facts| !facts.place.is_empty()) {
            Some(facts) => format!("{minion} ({})", facts.place),
            None => minion.to_owned(),
        };
        Checked {
            source: &self.source,
            scope: SafeText::clipped(&scope, NAME),
            tenant: facts.and_then(|facts| facts.tenant.clone()),
            at,
            interval: self.interval,
        }
    }

    /// Reads what a minion returned.
    fn answer(&self, minion: &str, value: &RawValue) -> Answer {
        let Ok(told) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(value.get()) else {
            let words = match serde_json::from_str::<Value>(value.get()) {
                Ok(Value::String(text)) => text,
                Ok(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
                Ok(_) => "it answered with no states".to_owned(),
                Err(error) => format!("its answer can't be read: {}", self.http.reason(&error)),
            };
            let line = self.line(&words);
            return if words.contains("is running as PID") { Answer::Busy(line) } else { Answer::Words(line) };
        };
        if told.len() > STATES {
            return Answer::Words(format!("it answered with more than {STATES} states").into());
        }
        let (mut states, mut bad) = (Vec::new(), Vec::new());
        for (key, raw) in told {
            let read: Told = match serde_json::from_str(raw.get()) {
                Ok(read) => read,
                Err(error) => {
                    let why = format!("{minion}: {key} can't be read: {}", self.http.reason(&error));
                    bad.push(SafeText::clipped(&why, NAME));
                    continue;
                }
            };
            match read.state(minion, &key) {
                Some(state) => states.push((state, read)),
                // As where nothing at all is declared for a minion.
                None => {
                    let why = read.words(&self.redactor).unwrap_or_else(|| SafeText::clipped(&key, NAME));
                    bad.push(SafeText::clipped(&format!("{minion}: {why}"), NAME));
                }
            }
        }
        match (states.is_empty(), bad.first()) {
            (true, Some(why)) => Answer::Words(why.clone()),
            (true, None) => Answer::Words("it has no states".into()),
            _ => Answer::States(states, bad),
        }
    }

    /// Which of the states that may do what they do each time have nothing that says when. Of those that nobody tells
    /// of it is taken that they have none.
    async fn run_always(&self, answers: &[(&String, Answer)]) -> Result<BTreeSet<Declared>, ConnectError> {
        let mut asked: BTreeMap<BTreeSet<Declared>, String> = BTreeMap::new();
        for (minion, answer) in answers {
            let Answer::States(states, _) = answer else { continue };
            let of: BTreeSet<Declared> = states
                .iter()
                .filter(|(state, told)| told.would_change() && state.may_always_run())
                .map(|(state, _)| declared(state))
                .collect();
            if !of.is_empty() {
                // What is declared alike is asked of one.
                asked.entry(of).or_insert_with(|| (*minion).clone());
            }
        }
        if asked.is_empty() {
            return Ok(BTreeSet::new());
        }
        let minions: Vec<String> = asked.values().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let function = if self.settings.states.is_empty() { "state.show_lowstate" } else { "state.show_low_sls" };
        let job = self.job(&Target::These(&minions), &Task::new(function, self.states(), json!({}))).await?;
        let mut conditional = BTreeSet::new();
        for value in job.returns.values() {
            let chunks: Vec<Chunk> = serde_json::from_str(value.get()).unwrap_or_default();
            for chunk in chunks.into_iter().filter(|chunk| CONDITIONS.iter().any(|when| chunk.more.contains_key(*when)))
            {
                conditional.insert((chunk.sls, format!("{}.{}", chunk.state, chunk.function), chunk.id));
            }
        }
        Ok(asked.into_keys().flatten().filter(|declared| !conditional.contains(declared)).collect())
    }

    /// Checks things anew, in the order of the question; `None` for what is declared no more.
    pub(super) async fn check_these(&self, ids: &[SafeText]) -> Result<Vec<Option<DriftFinding>>, ConnectError> {
        let mut groups: BTreeMap<(String, String), BTreeMap<String, Vec<StateId>>> = BTreeMap::new();
        let mut whole: BTreeSet<String> = BTreeSet::new();
        for id in ids {
            match StateId::parse(id) {
                Some(state) => {
                    let group = groups.entry((state.id.clone(), state.sls.clone())).or_default();
                    group.entry(state.minion.clone()).or_default().push(state);
                }
                None => _ = whole.insert(id.to_string()),
            }
        }
        let mut found: BTreeMap<SafeText, DriftFinding> = BTreeMap::new();
        let jobs = groups.into_iter().map(|(of, minions)| self.check_group(of, minions));
        let told: Vec<Vec<DriftFinding>> = stream::iter(jobs).buffered(AT_ONCE).try_collect().await?;
        found.extend(told.into_iter().flatten().map(|finding| (finding.id.instance.clone(), finding)));
        if !whole.is_empty() {
            let minions: Vec<String> = whole.into_iter().collect();
            let outcome = self.check_minions(&Target::These(&minions)).await?;
            // Of one that answers there is no such finding any more.
            found.extend(outcome.findings.into_iter().map(|finding| (finding.id.instance.clone(), finding)));
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    /// Checks one state on some minions.
    async fn check_group(
        &self,
        (id, sls): (String, String),
        of: BTreeMap<String, Vec<StateId>>,
    ) -> Result<Vec<DriftFinding>, ConnectError> {
        let minions: Vec<String> = of.keys().cloned().collect();
        let task = Task::new("state.sls_id", json!([id, sls]), json!({"test": true, "queue": true}));
        let job = self.job(&Target::These(&minions), &task).await?;
        let facts = self.facts_of(&job).await;
        let mut answers = Vec::new();
        for (minion, value) in &job.returns {
            answers.push((minion, self.answer(minion, value)));
        }
        let always = self.run_always(&answers).await?;
        let mut found = Vec::new();
        for (minion, answer) in answers {
            let of_it = self.checked(minion, facts.get(minion), job.now);
            let wanted = of.get(minion).into_iter().flatten();
            match answer {
                Answer::States(states, _) => {
                    for (state, told) in states.iter().filter(|(state, _)| wanted.clone().any(|other| other == state)) {
                        let always = state.may_always_run().then(|| always.contains(&declared(state)));
                        found.push(told.finding(state, &of_it, &self.redactor, always));
                    }
                }
                // It is declared no more.
                Answer::Words(why) if why.contains("No matches for ID") || why.contains("No matching sls") => {}
                Answer::Words(why) => {
                    found.extend(wanted.map(|state| untold(state, &of_it, DriftStatus::Unknown, &why)));
                }
                Answer::Busy(why) => {
                    found.extend(wanted.map(|state| untold(state, &of_it, DriftStatus::Reconciling, &why)));
                }
            }
        }
        let silent = job.silent.iter().map(|minion| (minion, DriftStatus::NotChecked, SafeText::from(SILENT)));
        let busy = job.busy.iter().map(|minion| (minion, DriftStatus::Reconciling, SafeText::from(SLOW)));
        let behind = job.behind.iter().map(|(minion, why)| (minion, DriftStatus::Reconciling, why.clone()));
        for (minion, status, why) in silent.chain(busy).chain(behind) {
            let of_it = self.checked(minion, facts.get(minion), job.now);
            let wanted = of.get(minion).into_iter().flatten();
            found.extend(wanted.map(|state| untold(state, &of_it, status, &why)));
        }
        // Who is not expected to answer at all is no minion any more.
        Ok(found)
    }

    /// Whom minions are for and where they are, as their grains tell; what was told before is not asked again.
    async fn facts_of(&self, job: &Job) -> BTreeMap<String, Facts> {
        let names: Vec<&String> = self.settings.tenant_grain.iter().chain(&self.settings.scope_grains).collect();
        let all: Vec<&String> =
            job.returns.keys().chain(&job.silent).chain(&job.busy).chain(job.behind.keys()).collect();
        if names.is_empty() || all.is_empty() {
            return BTreeMap::new();
        }
        let known = self.known_facts().clone();
        let ask: Vec<String> = job.returns.keys().filter(|minion| !known.contains_key(*minion)).cloned().collect();
        let mut told: BTreeMap<String, Grains> = BTreeMap::new();
        if !ask.is_empty() {
            let task = Task::new("grains.item", json!(names), json!({}));
            match self.job(&Target::These(&ask), &task).await {
                Ok(job) => told.extend(job.returns.iter().filter_map(|(minion, value)| {
                    Some((minion.clone(), serde_json::from_str::<Grains>(value.get()).ok()?))
                })),
                // A pass does without them.
                Err(error) => tracing::warn!(source = %self.source, %error, "grains can't be read"),
            }
        }
        let unheard: Vec<&&String> =
            all.iter().filter(|m| !known.contains_key(**m) && !told.contains_key(**m)).collect();
        if !unheard.is_empty() {
            // What the master has kept of them.
            let of_these = json!({"tgt": unheard, "tgt_type": "list"});
            if let Ok((kept, _)) = self.run::<BTreeMap<String, Grains>>("cache.grains", json!([]), of_these).await {
                told.extend(kept);
            }
        }
        let read = told.into_iter().map(|(minion, grains)| (minion, self.facts(&grains)));
        let mut held = self.known_facts();
        held.extend(read);
        held.clone()
    }

    fn facts(&self, grains: &Grains) -> Facts {
        let text = |name: &String| match grains.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let place: Vec<String> = self.settings.scope_grains.iter().filter_map(text).collect();
        Facts {
            tenant: self.settings.tenant_grain.as_ref().and_then(text).map(|tenant| SafeText::clipped(&tenant, NAME)),
            place: place.join(", "),
        }
    }
}

type Grains = serde_json::Map<String, Value>;

/// A state as it is declared, wherever: its SLS, function and id.
type Declared = (String, String, String);

fn declared(state: &StateId) -> Declared {
    (state.sls.clone(), state.function.clone(), state.id.clone())
}

#[derive(Deserialize)]
struct Chunk {
    state: String,
    #[serde(rename = "fun")]
    function: String,
    #[serde(rename = "__id__")]
    id: String,
    #[serde(rename = "__sls__")]
    sls: String,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

/// A state of which a check told nothing, with why.
fn untold(state: &StateId, of: &Checked<'_>, status: DriftStatus, why: &SafeText) -> DriftFinding {
    let own = state.text();
    let id = SafeText::clipped(&own, NAME);
    let whole = of_minion(&state.minion, of, status, why.clone());
    DriftFinding {
        exact_id: *id == *own,
        id: crate::domain::ids::InstanceId::new(of.source.clone(), id),
        what: SafeText::clipped(&state.id, NAME),
        cause_key: DriftFinding::cause(&[&state.id, &state.sls, &state.function, status.name(), why]),
        ..whole
    }
}
