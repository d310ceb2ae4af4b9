//! Automations: rules that look at the rows after each pass, note what they would do, and are scored by what became of
//! it. None acts by itself; one that proposes asks as anybody does, and a person has to agree.
//!
//! **Only the present counts.** A source that is not live is not looked at, and what had matched there begins to match
//! anew once it answers.
//!
//! **Work.** A look costs what has changed since the last one: each automation keeps which rows it matches and is told
//! which of them changed. What has matched before is gone over and not read. An automation whose filter looks at the
//! clock (`age:`, `for:`) goes over the columns of every row at each look; one that matches more than a plan takes looks
//! at none, and says so.
//!
//! **Once.** An automation notes an instance once in each of its versions, in the ledger: of several processes that look
//! at one source the first one counts, and an automation's limits hold over all of them.
//!
//! **The score** ([`scoring`]) is a hit where somebody did the same, here or outside, and it held; a miss where it was
//! not needed, or did not help; open while it is watched, and unknown where nothing can be said.

mod matching;
mod proposing;
mod scoring;
mod watching;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::matching::{Due, Matched};
use self::watching::Watching;
use super::Hub;
use super::ledger::{AutomationKey, Candidate, LedgerError, ShadowLimits, Would};
use super::runs::Runs;
use super::verify::Baseline;
use crate::config::{AutomationSetting, Diagnostic};
use crate::domain::audit::{Action, BY_RULE, Draft};
use crate::domain::automation::{Automation, AutomationMode, AutomationStatus, Withheld, actor};
use crate::domain::text::SafeText;
use crate::ops::OpsError;
use crate::query::{Filter, FilterError};

/// The least time from one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// And the most, where nothing changes: time alone ends a watch.
const LOOK_AT_LEAST: Duration = Duration::from_secs(10);

/// How many instances an entry of the audit names.
const NAMED: usize = 20;

/// The automations of a config, their filters read.
#[derive(Debug, Default)]
pub struct Automations(Vec<(Automation, Filter)>);

impl Automations {
    /// Reads their filters.
    ///
    /// # Errors
    /// Every filter that can't be read, with its place.
    pub fn compile(settings: &[AutomationSetting]) -> Result<Self, Vec<Diagnostic>> {
        let (mut all, mut wrong) = (Vec::new(), Vec::new());
        for AutomationSetting { automation, when } in settings {
            match Filter::parse(&automation.when) {
                Ok(filter) => all.push((automation.clone(), filter)),
                Err(error) => {
                    let text = &automation.when;
                    let at = text.char_indices().nth(error.column - 1).map_or(text.len(), |(at, _)| at);
                    let mut diagnostic = when.wrong(at, format!("\"when\": {}", error.message));
                    diagnostic.suggestion = error.suggestion;
                    wrong.push(diagnostic);
                }
            }
        }
        if wrong.is_empty() { Ok(Self(all)) } else { Err(wrong) }
    }

    /// These, which no config has.
    ///
    /// # Errors
    /// The first filter that can't be read.
    pub fn new(automations: Vec<Automation>) -> Result<Self, FilterError> {
        let read = |automation: Automation| Filter::parse(&automation.when).map(|filter| (automation, filter));
        automations.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One automation as it is looked at.
struct Rule {
    automation: Automation,
    filter: Filter,
    key: AutomationKey,
    /// What has matched, by source, in the order of the hub's.
    matched: Vec<Matched>,
    /// Until when its limits leave nothing to be done.
    not_before: Option<Timestamp>,
    /// Whether the ledger knows since when it is counted.
    noted: bool,
}

impl Rule {
    const fn limits(&self) -> ShadowLimits {
        let Automation { verb, at_most, cooldown, per_hour, watch, mode, .. } = &self.automation;
        let asks = matches!(mode, AutomationMode::Propose);
        ShadowLimits { verb: *verb, at_most: *at_most, cooldown: *cooldown, per_hour: *per_hour, watch: *watch, asks }
    }
}

/// How an instance was when an automation would have done something to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    /// Whether it stood still, so that it does not go on by itself.
    paused: bool,
    #[serde(flatten)]
    baseline: Baseline,
}

/// The automations of a hub.
pub(super) struct Shadow {
    /// One look at a time.
    state: tokio::sync::Mutex<State>,
    automations: Vec<Automation>,
}

struct State {
    rules: Vec<Rule>,
    watching: Watching,
}

impl Shadow {
    pub(super) fn new(automations: Automations, context: &str, sources: usize) -> Self {
        let rule = |(automation, filter): (Automation, Filter)| Rule {
            key: AutomationKey {
                context: context.to_owned(),
                name: automation.name.to_string(),
                definition: automation.definition().to_string(),
            },
            matched: (0..sources).map(|_| Matched::default()).collect(),
            automation,
            filter,
            not_before: None,
            noted: false,
        };
        let rules: Vec<Rule> = automations.0.into_iter().map(rule).collect();
        let automations = rules.iter().map(|rule| rule.automation.clone()).collect();
        Self { state: tokio::sync::Mutex::new(State { rules, watching: Watching::default() }), automations }
    }

    /// Looks after each pass, for as long as the hub is there.
    pub(super) async fn mind(self: Arc<Self>, hub: Weak<Hub>) {
        let Some(mut revision) = hub.upgrade().map(|hub| hub.revision.subscribe()) else { return };
        loop {
            revision.mark_unchanged();
            let Some(here) = hub.upgrade() else { return };
            self.look(&here).await;
            drop(here);
            tokio::time::sleep(LOOK_EVERY).await;
            tokio::select! {
                changed = revision.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_AT_LEAST) => {}
            }
        }
    }

    /// One look at what the sources have told.
    pub(super) async fn look(&self, hub: &Hub) {
        let Ok(runs) = hub.runs() else { return };
        let mut state = self.state.lock().await;
        let State { rules, watching } = &mut *state;
        let mut changed = false;
        for rule in rules {
            match counted(hub, runs, rule).await {
                Ok(new) => changed |= new,
                // What can't be recorded is not counted, and nothing is asked for.
                Err(error) => {
                    tracing::error!(automation = %rule.automation.name, %error, "what it would do can't be recorded");
                }
            }
        }
        match watching.score(hub, runs).await {
            Ok(new) => changed |= new,
            Err(error) => tracing::error!(%error, "what became of what automations would have done can't be looked at"),
        }
        if changed {
            hub.changed();
        }
    }
}

/// Notes what a rule would do now, and asks for it where it proposes. Gives whether there was anything.
async fn counted(hub: &Hub, runs: &Arc<Runs>, rule: &mut Rule) -> Result<bool, LedgerError> {
    let now = (hub.clock)();
    let ledger = runs.ledger();
    if !rule.noted {
        let key = rule.key.clone();
        ledger.write(async move |writing| writing.watches(&key, now).await).await?;
        rule.noted = true;
    }
    let mut due = Vec::new();
    for (source, matched) in hub.sources.iter().zip(&mut rule.matched) {
        due.extend(matched.look(hub, source, &rule.automation, &rule.filter, now));
    }
    if rule.not_before.is_some_and(|until| now < until) || due.is_empty() {
        return Ok(false);
    }
    due.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
    let would = noted(runs, rule, &due, now).await?;
    rule.not_before = would.not_before;
    let of = |places: &[usize]| places.iter().filter_map(|place| due.get(*place)).collect::<Vec<&Due>>();
    let taken = of(&would.taken);
    for done in of(&would.known).iter().chain(&taken) {
        rule.settle(hub, done, true);
    }
    if taken.is_empty() || rule.automation.mode == AutomationMode::Observe {
        return Ok(!taken.is_empty());
    }
    let ids = taken.iter().map(|due| due.id.clone()).collect();
    let came = proposing::ask(hub, runs, &rule.automation, ids).await;
    if came.is_err() {
        // They may be asked for once nothing refuses it.
        for due in &taken {
            rule.settle(hub, due, false);
        }
    }
    let (key, came) = (rule.key.clone(), came.map(|id| id.to_string()).map_err(|why| why.to_string()));
    let written = async move |writing: &mut super::ledger::Writing<'_>| {
        let came = came.as_ref().map(String::as_str).map_err(String::as_str);
        writing.was_asked(&key, now, came).await
    };
    ledger.write(written).await?;
    Ok(true)
}

/// Notes in the ledger and in the audit what is new of it.
async fn noted(runs: &Runs, rule: &Rule, due: &[Due], now: Timestamp) -> Result<Would, LedgerError> {
    let candidate = |due: &Due| {
        let before = Before { paused: due.paused, baseline: due.baseline.clone() };
        let before = serde_json::to_string(&before).map_err(|error| LedgerError::Unwritable(error.to_string()))?;
        Ok(Candidate {
            source: due.id.source.to_string(),
            instance: due.id.instance.to_string(),
            version: due.version.to_string(),
            before,
        })
    };
    let candidates = due.iter().map(candidate).collect::<Result<Vec<_>, LedgerError>>()?;
    let (key, limits, automation) = (rule.key.clone(), rule.limits(), rule.automation.clone());
    let drafted = Draft {
        actor: actor(&automation.name).to_string(),
        trusted: Some(BY_RULE.to_owned()),
        ..runs.draft(now, Action::DryRun, format!("automation {}", automation.name), json!(null))
    };
    let ledger = runs.ledger();
    ledger
        .write(async move |writing| {
            let would = writing.would_have(&key, &limits, &candidates, now).await?;
            if !would.taken.is_empty() {
                let taken = || would.taken.iter().filter_map(|place| candidates.get(*place));
                let named: Vec<String> =
                    taken().take(NAMED).map(|one| format!("{}/{}", one.source, one.instance)).collect();
                let detail = json!({
                    "verb": automation.verb.name(), "targets": would.taken.len(), "mode": automation.mode.name(),
                    "first": named, "reason": super::journal::kept(&automation.reason),
                });
                writing.audit(Draft { detail, ..drafted }).await?;
            }
            Ok(would)
        })
        .await
}

impl Rule {
    /// Whether nothing more is to be done to this version of an instance.
    fn settle(&mut self, hub: &Hub, due: &Due, settled: bool) {
        let at = hub.sources.iter().position(|source| source.name == due.id.source);
        if let Some(matched) = at.and_then(|at| self.matched.get_mut(at)) {
            matched.settle(due, settled);
        }
    }
}

impl Hub {
    /// Watches what the config says without anybody looking. The first ones stay.
    pub fn automates(&self, automations: Automations) {
        if !automations.is_empty() {
            let shadow = Shadow::new(automations, &self.gate.context, self.sources.len());
            // Second ones are of no use to anybody.
            let _ = self.shadow.set(Arc::new(shadow));
        }
    }

    /// Has the automations look at what the sources have told, as they do by themselves after each pass.
    pub async fn look_of_automations(&self) {
        if let Some(shadow) = self.shadow.get() {
            shadow.look(self).await;
        }
    }

    /// The automations, and what each has come to.
    pub(super) async fn automations_stand(&self) -> Result<Vec<AutomationStatus>, OpsError> {
        let Some(shadow) = self.shadow.get() else { return Ok(Vec::new()) };
        let mut standing = HashMap::new();
        let mut idle: Option<SafeText> = None;
        match self.runs() {
            Ok(runs) => {
                let read = runs.ledger().automations(self.gate.context.to_string()).await;
                standing.extend(read.map_err(|error| OpsError::Journal(error.to_string().into()))?);
            }
            Err(why) => idle = Some(why.to_string().into()),
        }
        let state = shadow.state.try_lock().ok();
        let all = shadow.automations.iter().enumerate().map(|(at, automation)| {
            let key = AutomationKey {
                context: self.gate.context.to_string(),
                name: automation.name.to_string(),
                definition: automation.definition().to_string(),
            };
            let standing = standing.remove(&key).unwrap_or_default();
            let too_many = || {
                let rule = state.as_ref()?.rules.get(at)?;
                rule.matched.iter().find_map(Matched::too_many)
            };
            AutomationStatus {
                automation: automation.clone(),
                since: standing.since,
                last: standing.last,
                tally: standing.tally,
                proposed: standing.proposed,
                refused: standing.refused.map(|(at, why)| Withheld { at, why: why.into() }),
                idle: idle.clone().or_else(too_many),
            }
        });
        Ok(all.collect())
    }
}
