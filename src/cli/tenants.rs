//! `quarterdeck get tenants`, `get tenant` and `get timeline`: whom the flows are for, and what happened to them.

use serde_json::Value;

use super::args::{Global, Output, Tenant, Tenants, Timeline};
use super::output::{self, Table};
use super::{Failure, Outcome, get, report, world};
use crate::domain::ids::InstanceId;
use crate::domain::tenant::FieldClass;
use crate::domain::text::SafeText;
use crate::domain::time::{age, date_time, since};
use crate::hub::Hub;
use crate::ops::json::{
    card_json, customer_json, tenant_row_json, tenant_timeline_json, tenants_json, timeline_row_json,
};
use crate::ops::{
    Audience, Ops as _, OpsError, TenantCard, TenantWindow, TenantsQuery, TimelineQuery, TimelineWindow, case_markdown,
};
use crate::query::Filter;

type Done = Result<Outcome, Failure>;

const TENANT: &str = "id,source,name,status,plan,tier,region,stuck,drift,found_by,listed";
const ROW: &str = "at,kind,source,reference,text,for_customer";

/// So many rows of the timeline are part of a case.
const CASE: usize = 200;

pub(super) async fn list(global: &Global, asked: &Tenants) -> Done {
    let world = world::build(global, true)?;
    world.hub.pass().await;
    let query = TenantsQuery { text: asked.text.join(" ").into(), offset: 0, limit: asked.limit };
    let window = world.hub.tenants(&query).await.map_err(get::unexpected)?;
    let rows: Vec<Value> = window.rows.iter().map(tenant_row_json).collect();
    output::print(|out| match asked.format.output {
        Output::Json => output::json(out, &tenants_json(&window)),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, TENANT, &rows),
        Output::Table => output::table(out, &table(&window)),
    })?;
    if window.sources == 0 {
        report::note("no source of this context is a directory of tenants: these are the ones that others name");
    }
    if window.total > window.rows.len() {
        report::note(&format!("{} more; --limit shows them", window.total - window.rows.len()));
    }
    Ok(told(&window.blind))
}

/// Says who is silent, and what that comes to.
fn told(blind: &[(SafeText, SafeText)]) -> Outcome {
    for (source, why) in blind {
        report::error(&format!("source {source}: {why}"));
    }
    if blind.is_empty() { Outcome::Fine } else { Outcome::SourceFailed }
}

fn table(window: &TenantWindow) -> Table {
    let row = |row: &crate::ops::TenantRow| {
        let tenant = &row.tenant;
        let maybe = |text: &Option<SafeText>| text.as_deref().unwrap_or("?").to_owned();
        vec![
            tenant.id.to_string(),
            tenant.name.to_string(),
            tenant.status.name().to_owned(),
            maybe(&tenant.plan),
            maybe(&tenant.tier),
            maybe(&tenant.region),
            row.stuck.to_string(),
            row.drift.to_string(),
            row.found_by.as_ref().map(crate::domain::tenant::FoundBy::words).unwrap_or_default(),
        ]
    };
    Table {
        columns: &["ID", "NAME", "STATUS", "PLAN", "TIER", "REGION", "STUCK", "DRIFT", "FOUND BY"],
        rows: window.rows.iter().map(row).collect(),
    }
}

/// The tenant that somebody means: one that is named in whole, or by its id where that names one.
async fn meant(hub: &Hub, text: &str) -> Result<InstanceId, Failure> {
    if let Some(id) = InstanceId::parse(text)
        && hub.source_names().contains(&id.source)
    {
        return Ok(id);
    }
    let query = TenantsQuery { text: text.into(), offset: 0, limit: 20 };
    let window = hub.tenants(&query).await.map_err(get::unexpected)?;
    let ids: Vec<String> = window.rows.iter().map(|row| row.tenant.id.to_string()).collect();
    let sure = |row: &&crate::ops::TenantRow| row.found_by == Some(crate::domain::tenant::FoundBy::Id);
    let exact: Vec<&InstanceId> = window.rows.iter().filter(sure).map(|row| &row.tenant.id).collect();
    let named = SafeText::clipped(text, 80);
    match (exact.as_slice(), window.rows.as_slice()) {
        ([id], _) => Ok((*id).clone()),
        ([], [one]) => Ok(one.tenant.id.clone()),
        ([], []) => {
            // Whoever is silent may list them, or have flows of theirs.
            let overview = hub.overview(&Filter::default()).await.map_err(get::unexpected)?;
            match get::outcome(&overview, None, false) {
                Outcome::SourceFailed => Err(Failure::Source(format!(
                    "whether there is a tenant {named} is not known: not every source answers"
                ))),
                _ => Err(Failure::Usage(format!("no tenant is known as {named}"))),
            }
        }
        _ => Err(Failure::Usage(format!("{named} may be any of {}; name one of them", ids.join(", ")))),
    }
}

/// What is not there is a mistake of who asks, unless the source that would know is silent.
pub(super) fn missing(error: OpsError) -> Failure {
    match error {
        OpsError::NotFound(why) => Failure::Usage(why.to_string()),
        OpsError::Source(why) => Failure::Source(why.to_string()),
        other => get::unexpected(other),
    }
}

pub(super) async fn one(global: &Global, asked: &Tenant) -> Done {
    // The record is read for what was done.
    let world = world::build(global, true)?;
    world.hub.pass().await;
    let id = meant(&world.hub, &asked.id).await?;
    let card = world.hub.tenant(&id).await.map_err(missing)?;
    let audience = if asked.customer { Audience::Customer } else { Audience::Own };
    if asked.markdown {
        let query = TimelineQuery { tenant: id, before: None, limit: CASE };
        let timeline = world.hub.timeline(&query).await.map_err(missing)?;
        output::print(|out| write!(out, "{}", case_markdown(&card, &timeline.rows, audience)))?;
        return Ok(told(&card.blind));
    }
    let value = if asked.customer { customer_json(&card) } else { card_json(&card) };
    output::print(|out| match asked.format.output {
        Output::Json => output::json(out, &value),
        Output::Ndjson | Output::Csv => output::ndjson(out, std::slice::from_ref(&value)),
        Output::Table => {
            for line in lines(&card, audience) {
                writeln!(out, "{line}")?;
            }
            Ok(())
        }
    })?;
    Ok(told(&card.blind))
}

/// A card for people, line by line.
fn lines(card: &TenantCard, audience: Audience) -> Vec<String> {
    let tenant = &card.tenant;
    let mut lines = Vec::new();
    let mut fact = |name: &str, value: &str| lines.push(format!("{name:<15} {value}"));
    fact("tenant", &format!("{} ({})", tenant.name, tenant.id));
    fact("status", tenant.status.name());
    for (name, value) in [("plan", &tenant.plan), ("tier", &tenant.tier), ("region", &tenant.region)] {
        fact(name, value.as_deref().unwrap_or("?"));
    }
    if audience == Audience::Own {
        for (name, value) in [("placement", &tenant.placement), ("owner", &tenant.owner)] {
            if let Some(value) = value {
                fact(name, value);
            }
        }
        if !tenant.domains.is_empty() {
            let domains: Vec<&str> = tenant.domains.iter().map(SafeText::as_str).collect();
            fact("domains", &domains.join(", "));
        }
        for (name, version) in &tenant.versions {
            fact(name, version);
        }
        for usage in &tenant.usage {
            let number = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
            fact(&usage.what, &format!("{} of {}", number(usage.used), number(usage.limit)));
        }
        for field in &tenant.fields {
            fact(&field.name, if field.class == FieldClass::Plain { &field.value } else { "hidden" });
        }
        if !card.listed {
            fact("note", "no directory tells of it: others name it");
        }
        if let Some(at) = card.gone_at {
            fact("note", &format!("its directory tells of it no more, since {}", date_time(at)));
        }
        for (id, name) in &card.namesakes {
            fact("beware", &format!("{id} ({name}) has the same id: what flows tell may be about either"));
        }
    }
    lines.push(String::new());
    lines.push("What the customer is told:".to_owned());
    if card.for_customer.is_empty() {
        lines.push("  nothing is delayed, as far as it is known".to_owned());
    }
    lines.extend(card.for_customer.iter().map(|told| format!("  {}", told.text)));
    if audience == Audience::Own {
        lines.push(String::new());
        lines.push(format!("Flows: {} known, {} stuck", card.counts.matching, card.counts.stuck));
        for judged in &card.flows {
            let flow = &judged.flow;
            let old = judged.began().map(|at| format!(" for {}", age(since(at, card.at)))).unwrap_or_default();
            let error = flow.error.as_ref().map(|error| format!(": {}", error.text)).unwrap_or_default();
            let (verdict, status) = (judged.judgement.verdict.name(), flow.status.words());
            lines.push(format!("  {verdict:<8}{} in {}, {status}{old}{error} ({})", flow.flow, flow.step, flow.id));
        }
        lines.push(String::new());
        lines.push(format!("Drift: {}", card.drift_total));
        for known in &card.drift {
            let finding = &known.finding;
            let status = known.status(card.at).words();
            lines.push(format!("  {status}: {} on {} ({})", finding.what, finding.scope, finding.id));
        }
    }
    lines
}

pub(super) async fn timeline(global: &Global, asked: &Timeline) -> Done {
    let world = world::build(global, true)?;
    world.hub.pass().await;
    let id = meant(&world.hub, &asked.tenant).await?;
    let window = whole(&world.hub, &id, asked.limit).await?;
    let rows: Vec<Value> = window.rows.iter().map(timeline_row_json).collect();
    output::print(|out| match asked.format.output {
        Output::Json => output::json(out, &tenant_timeline_json(&window)),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, ROW, &rows),
        Output::Table => {
            let row = |row: &crate::ops::TimelineRow| {
                let at = date_time(row.place.at);
                vec![at, row.kind.name().to_owned(), row.source.to_string(), row.text.to_string(), row.reference.told()]
            };
            let columns = &["AT", "KIND", "SOURCE", "WHAT", "REFERENCE"];
            output::table(out, &Table { columns, rows: window.rows.iter().map(row).collect() })
        }
    })?;
    if window.next.is_some() {
        report::note("there is more before that; --limit shows it");
    }
    Ok(told(&window.blind))
}

/// So many rows, read page by page.
async fn whole(hub: &Hub, id: &InstanceId, limit: usize) -> Result<TimelineWindow, Failure> {
    let mut query = TimelineQuery { tenant: id.clone(), before: None, limit };
    let mut window = hub.timeline(&query).await.map_err(missing)?;
    while window.rows.len() < limit
        && let Some(next) = window.next.take()
    {
        query = TimelineQuery { before: Some(next), limit: limit - window.rows.len(), ..query };
        let page = hub.timeline(&query).await.map_err(missing)?;
        window.rows.extend(page.rows);
        window.next = page.next;
    }
    Ok(window)
}
