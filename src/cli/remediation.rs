//! `quarterdeck request`, `approve`, `deny`, `run`, `hold`, `resume`, `abort`, `rollback` and `get remediations`: the same
//! steps as in the cockpit, with the same checks.
//!
//! Whoever approves is whom the config or `QUARTERDECK_OPERATOR` names; that is taken on trust, and every record says so.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{Format, Global, Listed, Named, Output, Request, Review, Rollback, Run};
use super::output::Table;
use super::world::World;
use super::{Failure, Outcome, get, output, plan, report, world};
use crate::domain::approval::Answer;
use crate::domain::remediation::ItemState;
use crate::domain::text::SafeText;
use crate::domain::time::{age, date_time, since};
use crate::domain::wide::{Control, WideDetail, WideRemediation, WideState};
use crate::hub::Hub;
use crate::ops::json::{wide_detail_json, wide_remediation_json};
use crate::ops::{Ops as _, OpsError, RequestOf, ReviewOf};

/// How often it is looked how far a remediation has come.
const LOOK_EVERY: Duration = Duration::from_millis(250);

type Done = Result<Outcome, Failure>;

pub(super) async fn request(global: &Global, request: &Request) -> Done {
    let world = world::build(global, false)?;
    world.hub.pass().await;
    let of = RequestOf {
        plan_hash: request.hash.as_str().into(),
        reason: request.reason.as_str().into(),
        ticket: request.ticket.as_deref().map(Into::into),
        takes_back: None,
        break_glass: request.break_glass.as_deref().map(|role| (role.into(), request.lasting)),
    };
    let asked = world.hub.request(&of).await;
    world.hub.leave().await;
    told(&world, asked, &request.format)
}

pub(super) async fn review(global: &Global, review: &Review, answer: Answer) -> Done {
    let world = world::build(global, false)?;
    let of = async {
        let plan_hash = match &review.plan {
            Some(hash) => hash.as_str().into(),
            None => world.hub.wide_remediation(&review.id).await?.head.plan.hash.clone(),
        };
        let code = review.code.as_deref().map(Into::into);
        let id = review.id.as_str().into();
        world.hub.review(&ReviewOf { id, plan_hash, answer, comment: review.comment.as_str().into(), code }).await
    };
    let said = of.await;
    let shown = told(&world, said, &review.format)?;
    // What was said counts, whether or not somebody else has to say something, too.
    Ok(if shown == Outcome::Withheld && answer == Answer::Deny { Outcome::Fine } else { shown })
}

pub(super) async fn control(global: &Global, named: &Named, control: Control) -> Done {
    if control == Control::Resume {
        return carried(global, named, control, true).await;
    }
    let world = world::build(global, false)?;
    let done = world.hub.control(&named.id, control).await;
    let shown = told(&world, done, &named.format)?;
    Ok(if shown == Outcome::Failed { Outcome::Fine } else { shown })
}

pub(super) async fn run(global: &Global, run: &Run) -> Done {
    carried(global, &run.named, Control::Run, run.wait).await
}

/// Carries a remediation out in this process, or waits for whoever does.
async fn carried(global: &Global, named: &Named, control: Control, wait: bool) -> Done {
    let world = world::build(global, false)?;
    world.hub.pass().await;
    let mut ends = Ends::new()?;
    let started = world.hub.control(&named.id, control).await;
    if let Err(error) = started {
        if !(wait && world.hub.carried_out_elsewhere()) {
            return told(&world, Err(error), &named.format);
        }
        report::note(&format!("{error}; waiting for it"));
    }
    let mut said = String::new();
    loop {
        let now = world.hub.wide_remediations_anew().await.map_err(get::unexpected)?;
        let Some(now) = now.iter().find(|one| one.id == *named.id).cloned() else {
            return told(
                &world,
                Err(OpsError::NotFound(format!("there is no remediation {}", named.id).into())),
                &named.format,
            );
        };
        let words = format!("{} ({})", stands(&now), now.counts.words());
        if words != said {
            progress(&words);
            said = words;
        }
        // Held, it waits for somebody; its items are watched to their end all the same.
        let waits = now.state.ended() || matches!(now.state, WideState::Held | WideState::AwaitingApproval);
        if waits && !world.hub.carries(&named.id) {
            world.hub.leave().await;
            return told(&world, Ok(now), &named.format);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = ends.asked() => {
                world.hub.leave().await;
                let left = world.hub.wide_remediation(&named.id).await.map(|detail| detail.head);
                return told(&world, left, &named.format);
            }
        }
    }
}

/// The signals that end a program: what runs is held then.
struct Ends([tokio::signal::unix::Signal; 3]);

impl Ends {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(|error| Failure::Other(error.into()));
        Ok(Self([on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?]))
    }

    async fn asked(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

pub(super) async fn rollback(global: &Global, rollback: &Rollback) -> Done {
    let world = world::build(global, false)?;
    world.hub.pass().await;
    let asked = async {
        let plan = world.hub.plan_rollback(&rollback.named.id).await?;
        if rollback.named.format.output == Output::Table {
            // What cannot be printed stops nothing: it is asked for, and how it stands is printed after it.
            let _ = output::print(|out| plan::told(out, &plan));
        }
        let id = SafeText::from(rollback.named.id.as_str());
        let reason = rollback.reason.clone().unwrap_or_else(|| format!("takes {id} back"));
        let of = RequestOf {
            plan_hash: plan.hash,
            reason: reason.into(),
            ticket: rollback.ticket.as_deref().map(Into::into),
            takes_back: Some(id),
            break_glass: None,
        };
        world.hub.request(&of).await
    };
    let asked = asked.await;
    world.hub.leave().await;
    told(&world, asked, &rollback.named.format)
}

pub(super) async fn list(global: &Global, listed: &Listed) -> Done {
    let world = world::build(global, false)?;
    let shown = newest(&world.hub, listed.limit).await.map_err(get::unexpected)?;
    let total = world.hub.wide_remediations_in_all().await.map_err(get::unexpected)?;
    let rows: Vec<Value> = shown.iter().map(|one| wide_remediation_json(one)).collect();
    output::print(|out| match listed.format.output {
        Output::Json => output::json(
            out,
            &serde_json::json!({"schema": "quarterdeck.remediations/1", "total": total, "rows": rows}),
        ),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, COLUMNS, &rows),
        Output::Table => output::table(out, &table(&shown, (world.clock)())),
    })?;
    if (shown.len() as u64) < total && listed.format.output != Output::Json {
        report::note(&format!("{} of {total} shown; --limit shows more", shown.len()));
    }
    Ok(Outcome::Fine)
}

/// Those that have not ended and the newest of the others, at most so many.
async fn newest(hub: &Hub, most: usize) -> Result<Vec<Arc<WideRemediation>>, OpsError> {
    let mut all = hub.wide_remediations().await?.to_vec();
    while all.len() < most {
        let Some(last) = all.last().cloned() else { break };
        let left = u32::try_from(most - all.len()).unwrap_or(u32::MAX);
        let older = hub.wide_remediations_before(&last.id, left).await?;
        if older.is_empty() {
            break;
        }
        all.extend(older);
    }
    all.truncate(most);
    Ok(all)
}

pub(super) async fn one(global: &Global, named: &Named) -> Done {
    let world = world::build(global, false)?;
    let detail = match world.hub.wide_remediation(&named.id).await {
        Ok(detail) => detail,
        Err(OpsError::NotFound(why)) => return Err(Failure::Usage(why.to_string())),
        Err(error) => return Err(get::unexpected(error)),
    };
    let value = wide_detail_json(&detail);
    let items = || value["targets"].as_array().cloned().unwrap_or_default();
    output::print(|out| match named.format.output {
        Output::Json => output::json(out, &value),
        Output::Ndjson => output::ndjson(out, [&value]),
        Output::Csv => output::csv(out, ITEM, &items()),
        Output::Table => in_full(out, &detail),
    })?;
    Ok(Outcome::Fine)
}

const COLUMNS: &str = "id,state,verb,total,reason,ticket,requested_by,requested_at,outcome,plan_hash";
const ITEM: &str = "id,version,wave,state,words,at";

fn table(all: &[Arc<WideRemediation>], now: jiff::Timestamp) -> Table {
    let row = |one: &Arc<WideRemediation>| {
        vec![
            one.id.to_string(),
            one.state.words().to_owned(),
            one.plan.frozen.remedy.label().to_string(),
            one.counts.words(),
            one.requested_by.to_string(),
            age(since(one.requested_at, now)),
            one.reason.to_string(),
        ]
    };
    Table {
        columns: &["ID", "STATE", "VERB", "ITEMS", "ASKED BY", "AGE", "REASON"],
        rows: all.iter().map(row).collect(),
    }
}

/// One as people read it.
fn in_full(out: &mut dyn io::Write, detail: &WideDetail) -> io::Result<()> {
    let head = &detail.head;
    let plan = &head.plan;
    let mut fact = |label: &str, text: &str| writeln!(out, "{label:<10} {text}");
    fact("id", &head.id)?;
    fact("state", &stands(head))?;
    fact("items", &format!("{} of {}", head.counts.words(), head.counts.total()))?;
    let remedy = &plan.frozen.remedy;
    let kind = if remedy.runbook().is_some() { "runbook" } else { "verb" };
    let risk = plan.risk().name();
    fact(kind, &format!("{} ({risk}); way back: {}", remedy.label(), remedy.way_back()))?;
    fact("plan", &plan.hash)?;
    fact("reason", &head.reason)?;
    if let Some(ticket) = &head.ticket {
        fact("ticket", ticket)?;
    }
    fact("asked by", &format!("{} at {} (taken on trust)", head.requested_by, date_time(head.requested_at)))?;
    for borrowed in &plan.policy.borrowed {
        let until = date_time(borrowed.until);
        fact(
            "borrowed",
            &format!(
                "freeze {} is overridden by {} as {} until {until}: {}",
                borrowed.freeze, borrowed.by, borrowed.role, borrowed.reason
            ),
        )?;
    }
    fact("approval", head.approval.state.name())?;
    for review in &head.approval.reviews {
        fact("", &format!("{} by {}: {}", review.answer.name(), review.by, review.comment))?;
    }
    for item in detail.items.iter().filter(|item| item.state != ItemState::Verified).take(ITEMS) {
        fact(item.state.name(), &format!("{}: {}", item.target.id, item.words))?;
    }
    for told in detail.history.iter().rev().take(LINES).rev() {
        fact(told.action.as_str(), &format!("{} {}: {} {}", date_time(told.at), told.actor, told.subject, told.text))?;
    }
    Ok(())
}

/// How many items, and how much of its history, people are told of.
const ITEMS: usize = 20;
const LINES: usize = 20;

/// Prints how it stands, and gives what that means.
fn told(world: &World, stands: Result<Arc<WideRemediation>, OpsError>, format: &Format) -> Done {
    let one = match stands {
        Ok(one) => one,
        Err(OpsError::Refused(why) | OpsError::Changed(why)) => {
            report::note(&why);
            return Ok(Outcome::Withheld);
        }
        Err(OpsError::NotFound(why)) => return Err(Failure::Usage(why.to_string())),
        Err(OpsError::Source(why)) => {
            report::error(&why);
            return Ok(Outcome::SourceFailed);
        }
        Err(error @ OpsError::Journal(_)) => return Err(get::unexpected(error)),
    };
    let value = wide_remediation_json(&one);
    output::print(|out| match format.output {
        Output::Json => output::json(out, &value),
        Output::Ndjson => output::ndjson(out, [&value]),
        Output::Csv => output::csv(out, COLUMNS, std::slice::from_ref(&value)),
        Output::Table => output::table(out, &table(std::slice::from_ref(&one), (world.clock)())),
    })?;
    if let Some(next) = next(&one) {
        report::note(&next);
    }
    Ok(outcome(one.state))
}

/// How it stands and why, each once.
fn stands(one: &WideRemediation) -> String {
    let (state, outcome) = (one.state.words(), &one.outcome);
    if outcome.starts_with(state) { outcome.to_string() } else { format!("{state}: {outcome}") }
}

/// Says how far it has come, where somebody reads along.
fn progress(words: &str) {
    if io::stderr().is_terminal() {
        report::note(words);
    }
}

/// What a person does next.
fn next(one: &WideRemediation) -> Option<String> {
    let id: &SafeText = &one.id;
    match one.state {
        WideState::AwaitingApproval => {
            Some(format!("{}; somebody else: quarterdeck approve {id} --comment TEXT", one.outcome))
        }
        WideState::Approved => {
            Some(format!("start it: quarterdeck run {id} --wait; an open cockpit does that by itself"))
        }
        WideState::Held => {
            Some(format!("{}; go on: quarterdeck resume {id}, or end it: quarterdeck abort {id}", one.outcome))
        }
        WideState::Partial | WideState::Failed | WideState::Unknown => {
            Some(format!("{}; quarterdeck get remediation {id} tells of each", one.outcome))
        }
        _ => None,
    }
}

/// What a remediation that stands so means to a script.
const fn outcome(state: WideState) -> Outcome {
    match state {
        WideState::Approved
        | WideState::Running
        | WideState::Verifying
        | WideState::Succeeded
        | WideState::RolledBack => Outcome::Fine,
        WideState::AwaitingApproval | WideState::Rejected | WideState::Expired => Outcome::Withheld,
        WideState::Held | WideState::Partial | WideState::Failed | WideState::Aborted | WideState::Stale => {
            Outcome::Failed
        }
        WideState::Unknown => Outcome::Unknown,
    }
}
