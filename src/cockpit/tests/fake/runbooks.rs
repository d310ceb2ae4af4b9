//! Two runbooks: one that is suggested for what waits for a database, and one for nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::now;
use crate::domain::flow::JudgedFlow;
use crate::domain::remediation::Verb;
use crate::domain::runbook::{Runbook, RunbookOffer, Schema, Template};
use crate::query::Filter;

fn runbook(id: &str, description: &str, schema: Value, verbs: &[Verb]) -> Runbook {
    let step = |verb: &Verb| Template { verb: *verb, with: BTreeMap::new() };
    Runbook {
        id: id.parse().unwrap(),
        description: description.into(),
        schema: Schema::compile(schema).unwrap(),
        steps: verbs.iter().map(step).collect(),
        suggested_for: Vec::new(),
        switches_off: Vec::new(),
        rearm: "".into(),
        undo: None,
    }
}

/// Both.
pub(in crate::cockpit) fn all() -> Vec<Runbook> {
    let nothing = json!({});
    let drained = json!({
        "required": ["database"],
        "properties": {
            "database": {"type": "string", "enum": ["primary", "replica"], "description": "which one was moved"},
            "minutes": {"type": "integer", "minimum": 1, "maximum": 60, "default": 5, "description": "how long it may take"},
            "note": {"type": "string"},
        },
    });
    let drain = Runbook {
        suggested_for: vec!["step:database".into()],
        switches_off: vec!["retries against the old database".into()],
        rearm: "turn them on in its settings".into(),
        ..runbook("drain@2", "after a database was moved", drained, &[Verb::Pause, Verb::Resume])
    };
    vec![runbook("sweep@1", "ends what nobody wants any more", nothing, &[Verb::Cancel, Verb::Purge]), drain]
}

/// As a hub offers them for these.
pub(super) fn offers(rows: &[Arc<JudgedFlow>]) -> Vec<RunbookOffer> {
    let offer = |runbook: Runbook| {
        let suits = |row: &&Arc<JudgedFlow>| {
            runbook.suggested_for.iter().any(|filter| Filter::parse(filter).unwrap().matches(row, now()))
        };
        RunbookOffer { suggested: rows.iter().filter(suits).count() as u64, runbook: Arc::new(runbook) }
    };
    let mut offers: Vec<RunbookOffer> = all().into_iter().map(offer).collect();
    offers.sort_by_key(|offer| std::cmp::Reverse(offer.suggested));
    offers
}
