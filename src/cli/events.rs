//! `quarterdeck get events`: what has happened, as far as it is told.

use serde_json::Value;

use super::args::{Events, Global, Output};
use super::output::{self, Table};
use super::{Failure, Outcome, get, report, world};
use crate::domain::time::date_time;
use crate::ops::json::{event_json, events_json};
use crate::ops::{EventRow, EventsQuery, Ops as _};
use crate::query::{EVENT_KEYS, EventFilter};

const EVENT: &str = "at,source,class,type,id,tenant,subject,by,severity,text,times,last_at,again,ahead,received_at";

pub(super) async fn run(global: &Global, asked: &Events) -> Result<Outcome, Failure> {
    let text = get::one_text(&asked.filter, EVENT_KEYS);
    let filter = EventFilter::parse(&text).map_err(|error| get::unreadable(&text, &error))?;
    let world = world::build(global, true)?;
    world.hub.pass().await;
    let query = EventsQuery { filter, until: None, offset: 0, limit: asked.limit };
    let window = world.hub.events(&query).await.map_err(get::unexpected)?;
    let rows: Vec<Value> = window.rows.iter().map(event_json).collect();
    output::print(|out| match asked.format.output {
        Output::Json => output::json(out, &events_json(&window)),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, EVENT, &rows),
        Output::Table => output::table(out, &table(&window.rows)),
    })?;
    if window.sources == 0 {
        report::note("no source of this context tells what happens");
    }
    if window.total > window.rows.len() {
        report::note(&format!("{} more; --limit shows them", window.total - window.rows.len()));
    }
    if window.missing > 0 {
        report::note(&format!("{} that their origins have numbered have not come", window.missing));
    }
    if window.dead_in_all > 0 {
        report::note(&format!("{} that came are no events; -o json has them", window.dead_in_all));
    }
    for (source, why) in &window.blind {
        report::error(&format!("source {source}: {why}"));
    }
    Ok(if window.blind.is_empty() { Outcome::Fine } else { Outcome::SourceFailed })
}

fn table(rows: &[EventRow]) -> Table {
    let row = |row: &EventRow| {
        let event = &row.event;
        let text = if row.times > 1 { format!("{} ({} times)", event.text, row.times) } else { event.text.to_string() };
        vec![
            date_time(event.at),
            event.class.name().to_owned(),
            event.severity.name().to_owned(),
            event.source.to_string(),
            event.tenant.as_deref().unwrap_or("").to_owned(),
            text,
            event.by.as_deref().unwrap_or("").to_owned(),
            event.id.to_string(),
        ]
    };
    Table {
        columns: &["AT", "CLASS", "SEVERITY", "SOURCE", "TENANT", "WHAT", "BY", "ID"],
        rows: rows.iter().map(row).collect(),
    }
}
