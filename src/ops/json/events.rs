//! Events as JSON.

use serde_json::{Value, json};

use crate::ops::{EventRow, EventWindow};

/// What has happened: the whole of `get events`. Each event is one of CloudEvents 1.0 under `event`.
pub fn events_json(window: &EventWindow) -> Value {
    let blind: Vec<Value> = window.blind.iter().map(|(source, why)| json!({ "source": source, "why": why })).collect();
    let lags = window.lags.iter().map(|lag| {
        json!({
            "source": lag.source, "median_seconds": lag.median.as_secs_f64(),
            "longest_seconds": lag.longest.as_secs_f64(), "last_at": lag.last_at,
        })
    });
    let gaps = window
        .gaps
        .iter()
        .map(|gap| json!({ "origin": gap.origin, "from": gap.from, "to": gap.to, "noticed_at": gap.noticed_at }));
    let dead = window
        .dead
        .iter()
        .map(|letter| json!({ "source": letter.source, "at": letter.at, "why": letter.why, "body": letter.body }));
    json!({
        "schema": "quarterdeck.events/1", "at": window.at, "total": window.total, "held": window.held,
        "repeated": window.repeated, "let_go": window.let_go, "missing": window.missing, "blind": blind,
        "rows": window.rows.iter().map(event_json).collect::<Vec<_>>(), "gaps": gaps.collect::<Vec<_>>(),
        "lags": lags.collect::<Vec<_>>(), "dead_letters": dead.collect::<Vec<_>>(),
        "dead_letters_in_all": window.dead_in_all,
    })
}

/// One of them.
pub fn event_json(row: &EventRow) -> Value {
    let event = &row.event;
    json!({
        "at": event.at, "source": event.source, "class": event.class.name(), "type": event.kind, "id": event.id,
        "tenant": event.tenant, "subject": event.subject, "by": event.by, "severity": event.severity.name(),
        "text": event.text, "times": row.times, "last_at": row.last_at, "again": row.again, "ahead": row.ahead,
        "received_at": row.received_at, "number": row.number, "event": event.cloud_event(),
    })
}
