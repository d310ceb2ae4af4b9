//! What may have caused a cohort, as JSON.

use serde_json::{Value, json};

use super::cohort_json;
use crate::domain::correlation::Suspect;
use crate::ops::CohortSuspects;

/// What may have caused a cohort: `get suspects COHORT`.
pub fn suspects_json(answer: &CohortSuspects) -> Value {
    let CohortSuspects { cohort, suspects, drift, drift_sources, drift_blind } = answer;
    let blind: Vec<Value> = drift_blind.iter().map(|(source, why)| json!({ "source": source, "why": why })).collect();
    json!({
        "schema": "quarterdeck.suspects/1", "cohort": cohort_json(cohort), "onset": suspects.onset,
        "verdict": suspects.verdict(), "considered": suspects.considered, "unknown": suspects.unknown,
        "rows": suspects.ranked.iter().map(suspect_json).collect::<Vec<_>>(),
        "drift": drift, "drift_sources": drift_sources, "drift_blind": blind,
    })
}

/// A change that may be the cause: a row of it. Its lag is in seconds, negative where it came after the onset; its share
/// is of one whole.
pub fn suspect_json(suspect: &Suspect) -> Value {
    let Suspect { event, share, certainty, lag, evidence } = suspect;
    let whole = event.cloud_event();
    json!({
        "at": event.at, "source": event.source, "text": event.text, "by": event.by, "certainty": certainty,
        "share": (share * 1_000.0).round() / 1_000.0, "lag_seconds": lag.as_secs(), "evidence": evidence, "event": whole,
    })
}
