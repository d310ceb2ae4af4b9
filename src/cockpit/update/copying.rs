//! What is copied: an id, a row, JSON, the request, or a few lines for a chat.

use crate::cockpit::app::{App, Level, Pane, WaysFor};
use crate::cockpit::clipboard::Clip;
use crate::cockpit::many::words as many;
use crate::cockpit::msg::{Ask, Effect};
use crate::cockpit::records::{Held, Tab};
use crate::cockpit::screens;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::domain::cohort::Cohort;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::domain::time::{since, words};
use crate::domain::ways::Ways;
use crate::ops::json::{cohort_json, flow_json, raw_json, row_json};
use crate::ops::{OpsError, Selected};

/// What is wanted of what is under the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Its id.
    Id,
    /// Its row.
    Row,
    /// Its JSON.
    Json,
    /// The request that reads it.
    Curl,
    /// Lines for a chat.
    Status,
}

pub(super) fn copy(app: &mut App, what: What) -> Vec<Effect> {
    if let Some(selection) = app.marked().cloned()
        && matches!(what, What::Id | What::Row | What::Json)
    {
        app.copying = Some(what);
        return vec![app.ask(Ask::Rows(selection))];
    }
    let clip = match what {
        What::Id => ids(app),
        What::Row => row(app),
        What::Json => json(app),
        What::Status => status(app),
        What::Curl => return curl(app),
    };
    match clip {
        Some(clip) => send(app, clip),
        None => {
            app.say(Level::Info, "there is nothing of that kind here to copy");
            Vec::new()
        }
    }
}

/// Sends a text to the clipboard, and says so.
pub(super) fn send(app: &mut App, clip: Clip) -> Vec<Effect> {
    match clip.told() {
        Ok(told) => {
            app.say(Level::Info, told);
            vec![Effect::Copy(clip)]
        }
        Err(why) => {
            app.say(Level::Warning, why);
            Vec::new()
        }
    }
}

fn cohort(app: &App) -> Option<&Cohort> {
    let cohort = app.board.shown.get(app.board.index);
    cohort.filter(|_| app.screen() == ScreenName::Board && app.board.pane == Pane::Cohorts)
}

/// The rows that a copy is about: the one under the cursor, or the open one.
fn rows(app: &App) -> Vec<JudgedFlow> {
    match app.screen() {
        ScreenName::Flows => app.flows.row.iter().map(|row| (**row).clone()).collect(),
        ScreenName::Detail => {
            let answer = app.detail.answer.value();
            let judged = answer
                .map(|answer| JudgedFlow { flow: answer.detail.flow.clone(), judgement: answer.judgement.clone() });
            judged.or_else(|| app.detail.seed.as_deref().cloned()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn ids(app: &App) -> Option<Clip> {
    let one = |text: Option<&SafeText>| text.map(Clip::word);
    match app.screen() {
        ScreenName::Board => match app.board.pane {
            Pane::Cohorts => one(app.board.cohort.as_ref()),
            Pane::Strip => one(screens::board::strip_at(app).map(|(_, flow)| flow).as_ref()),
        },
        ScreenName::Flows => one(app.flows.selected.as_ref().map(|id| &id.instance)),
        ScreenName::Detail => one(app.detail.id.as_ref().map(|id| &id.instance)),
        ScreenName::Raw => one(app.raw.id.as_ref().map(|id| &id.instance)),
        ScreenName::Compare => app.compare.pair.as_ref().map(|pair| Clip::lines(pair.iter().map(|id| &*id.instance))),
        ScreenName::Latency => one(app.latency.current().map(|row| &row.step)),
        ScreenName::Drift => one(app.drift.selected.as_ref().map(|id| &id.instance)),
        ScreenName::Finding => one(app.drift.open.as_ref().map(|known| &known.finding.id.instance)),
        ScreenName::Tenants => one(app.tenants.current().map(|row| &row.tenant.id.instance)),
        ScreenName::Tenant => match app.tenants.reference() {
            Some(reference) => Some(Clip::word(&reference.told().into())),
            None => one(app.tenants.open.as_ref().map(|id| &id.instance)),
        },
        ScreenName::Events => one(app.events.at(app.events.index).map(|row| &row.event.id)),
        ScreenName::Event => one(app.events.open.as_ref().map(|row| &row.event.id)),
        ScreenName::Sources => one(app.source.as_ref()),
        ScreenName::Remediations => match app.records.tab {
            Tab::Remediations => one(app.remediations.selected.as_ref()),
            Tab::Outside => {
                let outside = app.records.outside.value()?;
                one(outside.acts.get(app.records.index).map(|act| &act.subject))
            }
            Tab::InForce => match app.records.held(app.now).get(app.records.index) {
                Some(Held::Off(effect)) => one(Some(&effect.remediation)),
                _ => None,
            },
            Tab::Automations => {
                let all = app.records.automations.value()?;
                one(all.get(app.records.index).map(|status| &status.automation.name))
            }
        },
        ScreenName::Remediation => one(app.remediations.open.as_ref()),
    }
}

fn row(app: &App) -> Option<Clip> {
    if let Some(cohort) = cohort(app) {
        return Some(Clip::rows([vec![
            cohort.id.clone(),
            cohort.source.clone(),
            cohort.flow.clone(),
            cohort.step.clone(),
            cohort.rule.words().into(),
            cohort.count.to_string().into(),
            if cohort.tenants == 0 && cohort.without_tenant > 0 {
                "?".into()
            } else {
                cohort.tenants.to_string().into()
            },
            cohort.since.map(|at| at.to_string()).unwrap_or_default().into(),
            cohort.sample.clone().unwrap_or_else(|| cohort.evidence.clone()),
        ]]));
    }
    let rows = rows(app);
    (!rows.is_empty()).then(|| Clip::rows(rows.iter().map(cells)).without_secrets())
}

/// An instance's row, cell by cell.
fn cells(row: &JudgedFlow) -> Vec<SafeText> {
    let flow = &row.flow;
    vec![
        flow.id.to_string().into(),
        row.judgement.verdict.name().into(),
        row.judgement.rule().map_or("", |rule| rule.words()).into(),
        flow.status.words().into(),
        row.began().map(|at| at.to_string()).unwrap_or_default().into(),
        flow.flow.clone(),
        flow.step.clone(),
        flow.tenant.clone().unwrap_or_default(),
        flow.key.clone().unwrap_or_default(),
        flow.attempts.map(|count| count.to_string()).unwrap_or_default().into(),
        flow.error.as_ref().map(|error| error.text.clone()).unwrap_or_default(),
    ]
}

/// The rows of what is marked came.
pub(super) fn rows_came(app: &mut App, answer: Result<Selected, OpsError>) -> Vec<Effect> {
    let Some(what) = app.copying.take() else { return Vec::new() };
    let selected = match answer {
        Ok(selected) => selected,
        Err(error) => {
            app.say(Level::Warning, format!("not copied: {error}"));
            return Vec::new();
        }
    };
    if selected.rows.len() < selected.total {
        let (most, total) = (grouped(selected.rows.len() as u64), grouped(selected.total as u64));
        app.say(
            Level::Warning,
            format!("not copied: {total} are marked, {most} is the most; print them: quarterdeck get flows"),
        );
        return Vec::new();
    }
    let rows = selected.rows.iter().map(|row| &**row);
    if selected.total == 0 {
        app.say(Level::Info, "what was marked is gone; there is nothing to copy");
        return Vec::new();
    }
    let (clip, one) = match what {
        What::Row => (Clip::rows(rows.map(cells)), "row"),
        What::Json => (Clip::json(&rows.map(row_json).collect()), "instance"),
        _ => (Clip::lines(rows.map(|row| row.flow.id.instance.to_string())), "id"),
    };
    let effects = send(app, clip);
    if !effects.is_empty() {
        let count = plural(selected.total as u64, one);
        app.say(Level::Info, format!("{count} copied: sent to the clipboard; the terminal may refuse them"));
    }
    effects
}

fn json(app: &App) -> Option<Clip> {
    if let Some(cohort) = cohort(app) {
        return Some(Clip::json(&cohort_json(cohort)));
    }
    match app.screen() {
        ScreenName::Detail => app.detail.answer.value().map(|answer| Clip::json(&flow_json(answer))),
        ScreenName::Raw => app.raw.answer.value().map(|raw| Clip::json(&raw_json(raw))),
        ScreenName::Tenant => super::tenants::case(app, true),
        ScreenName::Event => app.events.open.as_ref().map(|row| Clip::json(&row.event.cloud_event())),
        ScreenName::Events => app.events.at(app.events.index).map(|row| Clip::json(&row.event.cloud_event())),
        ScreenName::Flows => match rows(app).as_slice() {
            [] => None,
            [one] => Some(Clip::json(&row_json(one))),
            several => Some(Clip::json(&several.iter().map(row_json).collect())),
        },
        _ => None,
    }
}

/// Five lines for a chat: what, where, since, whom, why.
fn status(app: &App) -> Option<Clip> {
    let context = &app.settings.context;
    if app.screen() == ScreenName::Tenant {
        return super::tenants::case(app, false);
    }
    if let Some(cohort) = cohort(app) {
        let tenants = match (cohort.tenants, cohort.without_tenant) {
            (0, 1..) => "tenants not known".to_owned(),
            (known, 0) => crate::cockpit::widgets::numbers::plural(known, "tenant"),
            (known, more) => format!(
                "{}, and {more} whose tenant is not known",
                crate::cockpit::widgets::numbers::plural(known, "tenant")
            ),
        };
        let why = cohort.sample.as_ref().unwrap_or(&cohort.evidence);
        let clip = Clip::lines([
            format!(
                "STUCK: {} of {} in {} ({})",
                crate::cockpit::widgets::numbers::plural(cohort.count, "instance"),
                cohort.flow,
                cohort.step,
                cohort.rule.words()
            ),
            format!("where: {context}, {}, cohort {}", cohort.source, cohort.id),
            format!("since: {}", since_words(app, cohort.since)),
            format!("whom: {tenants}"),
            format!("why: {why}"),
        ]);
        return Some(clip.without_secrets());
    }
    if matches!(app.screen(), ScreenName::Remediations | ScreenName::Remediation) {
        return remediation_status(app);
    }
    let rows = rows(app);
    let row = rows.first()?;
    let flow = &row.flow;
    let rule = row.judgement.rule().map(|rule| format!(" ({})", rule.words())).unwrap_or_default();
    let evidence =
        row.judgement.primary().map(|finding| finding.evidence.clone()).filter(|evidence| !evidence.is_empty());
    let why = match (evidence, &flow.error) {
        (Some(evidence), Some(error)) => format!("{evidence}: {}", error.text),
        (Some(evidence), None) => evidence.to_string(),
        (None, Some(error)) => error.text.to_string(),
        (None, None) => flow.status.words().to_owned(),
    };
    let clip = Clip::lines([
        format!("{}: {} in {}{rule}", row.judgement.verdict.name().to_uppercase(), flow.flow, flow.step),
        format!("where: {context}, {}", flow.id),
        format!("since: {}", since_words(app, row.began())),
        format!("whom: {}", flow.tenant.as_deref().or(flow.key.as_deref()).unwrap_or("tenant not known")),
        format!("why: {why}"),
    ]);
    Some(clip.without_secrets())
}

/// The same of a remediation of many: what, where, who and why, how far, and what comes of it.
fn remediation_status(app: &App) -> Option<Clip> {
    let id = super::remediations::subject(app).ok()?;
    let head = super::deeds::known(app, &id)?;
    let ticket = head.ticket.as_ref().map(|ticket| format!(" ({ticket})")).unwrap_or_default();
    let wave = many::wave(&head).map(|wave| format!(", {wave}")).unwrap_or_default();
    let next = if head.outcome.is_empty() { many::next(&head) } else { head.outcome.to_string() };
    let clip = Clip::lines([
        format!("{}: {}", head.state.words().to_uppercase(), many::what(&head.plan)),
        format!("where: {}, {}, plan {}", head.context, head.id, many::short(&head.plan.hash)),
        format!(
            "asked: by {} {}: {}{ticket}",
            head.requested_by,
            since_words(app, Some(head.requested_at)),
            head.reason
        ),
        format!("items: {}{wave}", head.counts.words()),
        format!("now: {next}"),
    ]);
    Some(clip.without_secrets())
}

/// In UTC, whatever the screen shows: who reads it may be elsewhere.
fn since_words(app: &App, at: Option<jiff::Timestamp>) -> String {
    at.map_or_else(
        || "not known".to_owned(),
        |at| format!("{} UTC ({})", crate::domain::time::date_time(at), words(since(at, app.now))),
    )
}

/// Asks for the request by which the instance under the cursor is read.
fn curl(app: &mut App) -> Vec<Effect> {
    match app.subject() {
        Ok(id) => vec![ask(app, WaysFor::Curl, id)],
        Err(why) => {
            app.say(Level::Info, why);
            Vec::new()
        }
    }
}

/// Asks for the ways to an instance.
pub(super) fn ask(app: &mut App, wanted: WaysFor, id: InstanceId) -> Effect {
    app.ways = Some((wanted, id.clone()));
    app.ask(Ask::Ways(id))
}

/// They came.
pub(super) fn came(app: &mut App, answer: Result<Ways, OpsError>) -> Vec<Effect> {
    let Some((wanted, id)) = app.ways.take() else { return Vec::new() };
    let ways = match answer {
        Ok(ways) => ways,
        Err(error) => {
            app.say(Level::Warning, error.to_string());
            return Vec::new();
        }
    };
    match (wanted, ways.request, ways.page) {
        (WaysFor::Curl, Some(request), _) => send(app, Clip::word(&request.curl())),
        (WaysFor::Curl, None, _) => {
            app.say(Level::Info, "its source is not asked over HTTP, so there is no request to copy");
            Vec::new()
        }
        (WaysFor::Open, _, Some(url)) => {
            super::opening::show(app, id, url);
            Vec::new()
        }
        (WaysFor::Open, _, None) => {
            app.say(Level::Info, "its engine has no page of it; `open` in the source's config may name one");
            Vec::new()
        }
    }
}
