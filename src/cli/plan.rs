//! `quarterdeck plan`: who would be acted on by a verb, who would not, what it hurts and what is decided of it. Nothing
//! is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::args::{Global, MakePlan, Output};
use super::{Failure, Outcome, get, output, report, runbooks, world};
use crate::domain::plan::WidePlan;
use crate::domain::remediation::Verb;
use crate::domain::remedy::Remedy;
use crate::domain::text::SafeText;
use crate::domain::time::{since, words};
use crate::ops::json::wide_plan_json;
use crate::ops::{Ops as _, OpsError, PlanWish, Selection};

pub(super) async fn run(global: &Global, make: &MakePlan) -> Result<Outcome, Failure> {
    let filter = get::read_filter(&make.filter)?;
    let world = world::build(global, false)?;
    world.hub.pass().await;
    let overview = world.hub.overview(&crate::query::Filter::default()).await.map_err(get::unexpected)?;
    let selection = match &make.cause {
        Some(key) => Selection::Cause { source: None, key: SafeText::clipped(key, 40) },
        None if !make.drift.is_empty() => Selection::Ids(make.drift.iter().cloned().collect()),
        None => Selection::Matching { filter, without: BTreeSet::new() },
    };
    let remedy = match (&make.runbook, make.verb.as_deref().and_then(Verb::named)) {
        (Some(runbook), _) => Remedy::Runbook(runbooks::wished(&world.hub, runbook, &make.with).await?),
        (None, Some(verb)) => Remedy::Verb(verb, make.parameters()),
        (None, None) => return Err(Failure::Usage("there is no such verb".to_owned())),
    };
    let wish = PlanWish { remedy, selection, waves: make.waves.clone().unwrap_or_default(), pace: make.pace() };
    let plan = match world.hub.plan_of_many(&wish).await {
        Ok(plan) => plan,
        Err(OpsError::Refused(why)) => {
            report::note(&format!("no plan: {why}"));
            return Ok(withheld(get::outcome(&overview, None, false)));
        }
        Err(error) => return Err(get::unexpected(error)),
    };
    output::print(|out| match make.format.output {
        Output::Json => output::json(out, &wide_plan_json(&plan)),
        Output::Ndjson => output::ndjson(out, [&wide_plan_json(&plan)]),
        Output::Csv => output::csv(out, TARGET, &targets(&plan)),
        Output::Table => told(out, &plan),
    })?;
    let seen = get::outcome(&overview, None, false);
    Ok(if plan.policy.denial().is_some() { withheld(seen) } else { seen })
}

/// It can't be requested; a source that failed is told first.
fn withheld(seen: Outcome) -> Outcome {
    if seen == Outcome::Fine { Outcome::Withheld } else { seen }
}

const TARGET: &str = "id,version,reason";

/// The targets, and after them who is left out and why.
fn targets(plan: &WidePlan) -> Vec<serde_json::Value> {
    let plan = wide_plan_json(plan);
    let rows = ["targets", "skipped"].map(|list| plan[list].as_array().cloned().unwrap_or_default());
    rows.concat()
}

/// The plan as people read it.
pub(super) fn told(out: &mut dyn io::Write, plan: &WidePlan) -> io::Result<()> {
    let (remedy, count) = (&plan.frozen.remedy, plan.frozen.targets.len());
    let mut fact = |label: &str, text: &str| writeln!(out, "{label:<10} {text}");
    fact("plan", &plan.hash)?;
    let kind = if remedy.runbook().is_some() { "runbook" } else { "verb" };
    let risk = plan.risk().name();
    fact(kind, &format!("{} ({risk}); way back: {}", remedy.label(), remedy.way_back()))?;
    for off in &plan.switches_off {
        fact("OFF then", &format!("{}; armed again by: {}", off.what, off.way_back))?;
    }
    let sizes: Vec<String> = plan.frozen.waves.sizes(count).iter().map(ToString::to_string).collect();
    let pace = plan.frozen.pace;
    fact("targets", &format!("{count}, in waves of {}; {} a second at most", sizes.join(", "), pace.per_second))?;
    for (effect, of) in plan.effects.iter().take(EFFECTS) {
        fact("effect", &format!("{of} × {effect}"))?;
    }
    if let Some(more) = plan.effects.len().checked_sub(EFFECTS).filter(|more| *more > 0) {
        fact("", &format!("and {more} more: -o json has them"))?;
    }
    fact("hurts", &hurts(plan))?;
    if let Some(loses) = plan.blast.loses.filter(|_| plan.blast.destroys()) {
        fact("LOSES", &format!("{} of what is there: lines, values", loses.words()))?;
    }
    if let Some(cause) = plan.blast.cause_words(plan.made_at) {
        fact("cause", &cause)?;
    }
    let mut reasons: BTreeMap<&SafeText, usize> = BTreeMap::new();
    for skipped in &plan.skipped {
        *reasons.entry(&skipped.reason).or_default() += 1;
    }
    for (reason, of) in reasons {
        fact("left out", &format!("{of}: {reason}"))?;
    }
    fact("policy", &plan.policy.denial().or_else(|| plan.policy.approvals()).unwrap_or_else(|| "allowed".to_owned()))?;
    for warning in plan.policy.warnings() {
        fact("warning", &warning.to_string())?;
    }
    let probe = if plan.frozen.waves.probes() { "when the probe does not help, " } else { "" };
    fact("held", &format!("{probe}when more than {} go wrong, or on an error that is new", pace.max_errors))?;
    fact("expires", &format!("in {}; nothing was sent", words(since(plan.made_at, plan.expires_at))))
}

/// Different effects that are told to people.
const EFFECTS: usize = 5;

fn hurts(plan: &WidePlan) -> String {
    let blast = &plan.blast;
    let mut parts = vec![format!("tenants: {}", blast.tenants.len())];
    if blast.without_tenant > 0 {
        parts.push(format!("instances whose tenant is not known: {}", blast.without_tenant));
    }
    parts.push(format!("waiting behind them: {}", blast.behind.words()));
    parts.push(format!("money steps: {}", blast.money_steps.words()));
    parts.push(format!("messages sent again: {}", blast.messages.words()));
    parts.join("; ")
}
