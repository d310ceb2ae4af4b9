//! How long steps take, as JSON.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::domain::latency::LatencyCell;
use crate::ops::{Latency, LatencyRow};

fn millis(duration: Option<SignedDuration>) -> Option<i128> {
    duration.map(|duration| duration.as_millis())
}

/// How long steps take: `get latency`. Times are in milliseconds.
pub fn latency_json(latency: &Latency) -> Value {
    let sources = latency.sources.iter().map(|source| {
        json!({
            "source": source.name, "tells_finished": source.tells, "known_from": source.known_from,
            "error": source.error, "left_out": source.left_out,
        })
    });
    json!({
        "schema": "quarterdeck.latency/1", "at": latency.at, "slot_seconds": latency.slot.as_secs(),
        "slots": latency.slots, "sources": sources.collect::<Vec<_>>(),
        "rows": latency.rows.iter().map(|row| row_json(latency, row)).collect::<Vec<_>>(),
    })
}

fn row_json(latency: &Latency, row: &LatencyRow) -> Value {
    let cells = latency.slots.iter().zip(&row.cells).map(|(slot, cell)| cell_json(*slot, cell));
    json!({
        "source": row.source, "flow": row.flow, "step": row.step, "measure": row.measure,
        "promise_ms": millis(row.promise), "cells": cells.collect::<Vec<_>>(),
    })
}

fn cell_json(slot: Timestamp, cell: &LatencyCell) -> Value {
    json!({
        "slot": slot, "heat": cell.heat, "finished": cell.finished, "failed": cell.failed, "going": cell.going,
        "p50_ms": millis(cell.p50), "p95_ms": millis(cell.p95), "at_least": cell.at_least,
    })
}

/// Each slot of each step in which anything was, as a row of its own.
pub fn latency_rows_json(latency: &Latency) -> Vec<Value> {
    let mut rows = Vec::new();
    for row in &latency.rows {
        for (slot, cell) in latency.slots.iter().zip(&row.cells) {
            let Value::Object(cell_told) = cell_json(*slot, cell) else { continue };
            if cell.finished + cell.failed + cell.going == 0 {
                continue;
            }
            let mut told = serde_json::Map::new();
            let of = [("source", &row.source), ("flow", &row.flow), ("step", &row.step)];
            told.extend(of.map(|(name, value)| (name.to_owned(), json!(value))));
            told.insert("measure".to_owned(), json!(row.measure));
            told.insert("promise_ms".to_owned(), json!(millis(row.promise)));
            told.extend(cell_told);
            rows.push(Value::Object(told));
        }
    }
    rows
}
