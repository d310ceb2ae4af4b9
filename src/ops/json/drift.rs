//! Drift as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::difference::Difference;
use crate::domain::drift::KnownDrift;
use crate::ops::{DriftCause, DriftWindow};

/// Drift: the whole of `get drift`.
pub fn drift_json(window: &DriftWindow, by_cause: bool) -> Value {
    let blind: Vec<Value> = window.blind.iter().map(|(source, why)| json!({ "source": source, "why": why })).collect();
    let by_status: Map<String, Value> =
        window.by_status.iter().map(|(status, count)| (status.name().to_owned(), json!(count))).collect();
    json!({
        "schema": "quarterdeck.drift/1", "at": window.at, "total": window.total, "of_all": window.of_all, "by_status": by_status,
        // Where nobody is there who knows it, it is not known, and not none.
        "in_sync": window.knows_in_sync().then_some(window.in_sync), "in_sync_was": window.in_sync_was, "blind": blind,
        "rows": window.rows.iter().map(|row| drift_cause_json(row, by_cause, window.at)).collect::<Vec<_>>(),
    })
}

/// A row of it: a finding, with how many have the same cause where they were put together.
pub fn drift_cause_json(row: &DriftCause, by_cause: bool, now: Timestamp) -> Value {
    let mut value = known_drift_json(&row.first, now);
    if let Some(object) = value.as_object_mut().filter(|_| by_cause) {
        object.insert("count".to_owned(), json!(row.count));
        object.insert("scopes".to_owned(), json!(row.scopes));
        object.insert("tenants".to_owned(), json!(row.tenants));
    }
    value
}

pub(super) fn known_drift_json(known: &KnownDrift, now: Timestamp) -> Value {
    let finding = &known.finding;
    let mut value = json!({
        "id": finding.id, "source": finding.id.source, "scope": finding.scope, "what": finding.what,
        "tenant": finding.tenant, "kind": finding.kind, "status": known.status(now), "severity": known.severity,
        "owner": known.owner, "cause_key": finding.cause_key, "first_seen": known.first_seen,
        "last_checked": finding.last_checked, "stale": known.stale, "note": finding.note,
        "version": finding.version(),
    });
    if let (Some(object), Some(ignore)) = (value.as_object_mut(), &known.ignore) {
        let ignored = json!({ "by": ignore.by, "at": ignore.at, "until": ignore.until, "reason": ignore.reason });
        object.insert("ignored".to_owned(), ignored);
    }
    if let (Some(object), Some(adoption)) = (value.as_object_mut(), &known.adoption) {
        let holds = known.adopted().is_some();
        let adopted = json!({ "by": adoption.by, "at": adoption.at, "reason": adoption.reason, "holds": holds });
        object.insert("adopted".to_owned(), adopted);
    }
    value
}

/// One finding with what differs: `get drift ID`. The patch (RFC 6902) makes what is there into what is wanted.
pub fn finding_json(known: &KnownDrift, now: Timestamp) -> Value {
    let finding = &known.finding;
    let mut value = known_drift_json(known, now);
    let difference = match &finding.difference {
        Difference::Untold => json!({ "form": "untold" }),
        Difference::Binary => json!({ "form": "binary" }),
        Difference::Patch(patch) => json!({
            "form": "unified", "lines": patch.lines, "more": patch.more, "removes": patch.removes, "adds": patch.adds,
        }),
        Difference::Documents(both) => {
            let (wanted, there) = (json!(both.desired), json!(both.observed));
            let patch = json_patch::diff(&there, &wanted);
            json!({
                "form": "documents", "desired": wanted, "observed": there, "patch": patch,
                "differs_in_secret": both.differ_in_secret(),
            })
        }
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("schema".to_owned(), json!("quarterdeck.drift-finding/1"));
        object.insert(
            "desired".to_owned(),
            json!({
                "reference": finding.desired.reference, "revision": finding.desired.revision,
            }),
        );
        object.insert("removes".to_owned(), json!(finding.difference.removes()));
        object.insert("difference".to_owned(), difference);
    }
    value
}
