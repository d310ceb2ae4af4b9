//! What the hub answers, as JSON. It is a contract: names may be added, none is taken away or changed.
//!
//! It stands here and not with the command line, since what the cockpit copies is the same.

mod drift;
mod events;
mod latency;
mod suspects;
mod tenants;

use serde_json::{Value, json};

pub use self::drift::{drift_cause_json, drift_json, finding_json};
pub use self::events::{event_json, events_json};
pub use self::latency::{latency_json, latency_rows_json};
pub use self::suspects::{suspect_json, suspects_json};
pub use self::tenants::{
    card_json, customer_json, tenant_row_json, tenant_timeline_json, tenants_json, timeline_row_json,
};
use super::FlowAnswer;
use crate::domain::audit::ON_TRUST;
use crate::domain::automation::AutomationStatus;
use crate::domain::cohort::Cohort;
use crate::domain::flow::JudgedFlow;
use crate::domain::in_force::Borrowed;
use crate::domain::outside::{OUTSIDE, Outside, OutsideAct};
use crate::domain::plan::WidePlan;
use crate::domain::raw::{RawFlow, Told};
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::wide::{self, Item, WideDetail, WideRemediation};

/// A cohort: one of `get board`.
pub fn cohort_json(cohort: &Cohort) -> Value {
    // Tenants that are not known are not none.
    let tenants = (cohort.tenants > 0 || cohort.without_tenant == 0).then_some(cohort.tenants);
    json!({
        "id": cohort.id, "source": cohort.source, "flow": cohort.flow, "step": cohort.step,
        "fingerprint": cohort.fingerprint, "count": cohort.count, "tenants": tenants, "since": cohort.since,
        "growth": cohort.growth, "rule": cohort.rule, "evidence": cohort.evidence, "sample": cohort.sample,
        "claim": cohort.claim, "onset": cohort.onset, "near": cohort.near,
    })
}

/// An automation and what it has come to: one of `get automations`.
pub fn automation_json(status: &AutomationStatus) -> Value {
    let AutomationStatus { automation, since, last, tally, proposed, refused, idle } = status;
    json!({
        "name": automation.name, "mode": automation.mode.name(), "when": automation.when,
        "cohort_at_least": automation.cohort_at_least, "verb": automation.verb.name(), "reason": automation.reason,
        "would": tally.would(), "hit": tally.hit, "miss": tally.miss, "open": tally.open, "unknown": tally.unknown,
        "since": since, "last": last, "proposed": proposed, "refused": refused, "idle": idle,
    })
}

/// An act that somebody else did: one of `get outside`.
pub fn outside_act_json(act: &OutsideAct) -> Value {
    json!({
        "at": act.at, "source": act.source, "subject": act.subject, "verb": act.verb.map(Verb::name),
        "what": act.what, "caller": act.caller, "by": act.by, "mark": OUTSIDE,
    })
}

/// What was done outside: `get outside`.
pub fn outside_json(outside: &Outside) -> Value {
    let untold: Vec<Value> =
        outside.untold.iter().map(|(source, why)| json!({ "source": source, "why": why })).collect();
    json!({
        "schema": "quarterdeck.outside/1", "since": outside.since,
        "rows": outside.acts.iter().map(outside_act_json).collect::<Vec<_>>(), "untold": untold,
    })
}

/// An exception that ends by itself: one of `get borrowed`.
pub fn borrowed_json(borrowed: &Borrowed) -> Value {
    let Borrowed { kind, what, by, reason, until } = borrowed;
    json!({ "kind": kind.name(), "what": what, "by": by, "trust": ON_TRUST, "reason": reason, "until": until })
}

/// A row: one of `get flows`.
pub fn row_json(row: &JudgedFlow) -> Value {
    let flow = &row.flow;
    json!({
        "id": flow.id, "source": flow.id.source, "instance": flow.id.instance, "flow": flow.flow, "step": flow.step,
        "tenant": flow.tenant, "key": flow.key, "status": flow.status, "verdict": row.judgement.verdict,
        "rule": row.judgement.rule(), "since": row.judgement.since(), "attempts": flow.attempts,
        "error": flow.error.as_ref().map(|error| &error.text), "observed_at": flow.observed_at,
        "created_at": flow.created_at, "version": flow.version,
        "evidence": row.judgement.primary().map(|finding| &finding.evidence),
    })
}

/// One instance in full: `get flow`.
pub fn flow_json(answer: &FlowAnswer) -> Value {
    let detail = &answer.detail;
    let row = JudgedFlow { flow: detail.flow.clone(), judgement: answer.judgement.clone() };
    let mut value = row_json(&row);
    let verbs: Vec<Value> =
        answer.verbs.iter().map(|offer| json!({"verb": offer.verb, "refusal": offer.refusal})).collect();
    let facts: serde_json::Map<String, Value> =
        detail.facts.iter().map(|(label, value)| ((*label).to_owned(), json!(value))).collect();
    let more = json!({
        "schema": "quarterdeck.flow/1", "error": joined(&detail.error), "findings": answer.judgement.findings,
        "timeline": timeline_json(answer), "runs": detail.runs, "attempts_told": detail.attempts, "wait": detail.flow.wait, "next_retry_at": detail.flow.next_retry_at,
        "signs": detail.flow.signs, "promises": answer.promises,
        "facts": facts, "verbs": verbs,
    });
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

/// What happened to it, step by step.
pub fn timeline_json(answer: &FlowAnswer) -> Vec<Value> {
    answer.detail.timeline.iter().map(|entry| json!(entry)).collect()
}

/// What the engine keeps of it: `get flow --raw`. What is not told is `null`, with the reason under `not_told`.
pub fn raw_json(raw: &RawFlow) -> Value {
    let mut reasons = serde_json::Map::new();
    let mut told = |name: &str, told: &Told| match told {
        Told::Json(json) => json!(json),
        Told::Not(why) => {
            reasons.insert(name.to_owned(), json!(why));
            Value::Null
        }
    };
    let (input, output, steps) = (told("input", &raw.input), told("output", &raw.output), told("steps", &raw.steps));
    let records: serde_json::Map<String, Value> =
        raw.records.iter().map(|part| (part.name.to_owned(), told(part.name, &part.told))).collect();
    json!({"input": input, "output": output, "steps": steps, "raw": records, "not_told": reasons})
}

/// Lines of a text, put together again; nothing where there is none.
fn joined(lines: &[SafeText]) -> Option<String> {
    (!lines.is_empty()).then(|| lines.iter().map(SafeText::as_str).collect::<Vec<_>>().join("\n"))
}

/// A plan of many, schema `quarterdeck.plan/1`.
pub fn wide_plan_json(plan: &WidePlan) -> Value {
    let targets: Vec<Value> = plan
        .frozen
        .targets
        .iter()
        .map(|target| json!({"id": target.id.to_string(), "version": target.version}))
        .collect();
    let skipped: Vec<Value> =
        plan.skipped.iter().map(|skipped| json!({"id": skipped.id.to_string(), "reason": skipped.reason})).collect();
    let effects: Vec<Value> =
        plan.effects.iter().map(|(effect, targets)| json!({"effect": effect, "targets": targets})).collect();
    let remedy = &plan.frozen.remedy;
    json!({
        "schema": "quarterdeck.plan/1",
        "hash": plan.hash,
        "verb": remedy.name(),
        "runbook": remedy.runbook().map(|run| run.id.to_string()),
        "steps": remedy.steps(),
        "parameters": remedy.parameters_json(),
        "risk": plan.risk().name(),
        "way_back": remedy.way_back(),
        "switches_off": plan.switches_off,
        "targets": targets,
        "skipped": skipped,
        "waves": plan.frozen.waves.to_string(),
        "wave_sizes": plan.frozen.waves.sizes(plan.frozen.targets.len()),
        "limits": plan.frozen.pace,
        "effects": effects,
        "blast": plan.blast,
        "policy": plan.policy,
        "made_at": plan.made_at,
        "expires_at": plan.expires_at,
    })
}

/// A remediation of many, schema `quarterdeck.remediation/1`.
pub fn wide_remediation_json(one: &WideRemediation) -> Value {
    let items: serde_json::Map<String, Value> =
        one.counts.each().map(|(state, count)| (state.name().to_owned(), json!(count))).collect();
    let frozen = &one.plan.frozen;
    json!({
        "schema": "quarterdeck.remediation/1",
        "id": one.id,
        "state": one.state.name(),
        "items": items,
        "outcome": one.outcome,
        "plan_hash": one.plan.hash,
        "verb": frozen.remedy.name(),
        "runbook": frozen.remedy.runbook().map(|run| run.id.to_string()),
        "parameters": frozen.remedy.parameters_json(),
        "total": frozen.targets.len(),
        "wave": one.wave + 1,
        "waves": one.waves(),
        "reason": one.reason,
        "ticket": one.ticket,
        "requested_by": one.requested_by,
        "trust": ON_TRUST,
        "requested_at": one.requested_at,
        "started_at": one.started_at,
        "changed_at": one.changed_at,
        "approval": one.approval,
        "policy": one.plan.policy,
        "takes_back": one.takes_back,
    })
}

/// A remediation of many in full: `get remediation`.
pub fn wide_detail_json(detail: &WideDetail) -> Value {
    let mut value = wide_remediation_json(&detail.head);
    let item = |item: &Item| {
        json!({
            "id": item.target.id.to_string(), "version": item.target.version, "wave": item.wave + 1,
            "state": item.state.name(), "ended": item.ended, "words": item.words, "at": item.at,
        })
    };
    let told = |told: &wide::Told| {
        json!({
            "at": told.at, "actor": told.actor, "action": told.action, "subject": told.subject, "text": told.text,
        })
    };
    let more = json!({
        "targets": detail.items.iter().map(item).collect::<Vec<_>>(),
        "skipped": wide_plan_json(&detail.head.plan)["skipped"],
        "blast": detail.head.plan.blast,
        "history": detail.history.iter().map(told).collect::<Vec<_>>(),
        "cannot_approve": detail.cannot_approve,
    });
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}
