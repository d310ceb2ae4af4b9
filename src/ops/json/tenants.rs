//! Tenants and what happened to them, as JSON.

use serde_json::{Map, Value, json};

use super::drift::known_drift_json;
use super::row_json;
use crate::domain::tenant::{FieldClass, Tenant};
use crate::domain::text::SafeText;
use crate::ops::{TenantCard, TenantRow, TenantWindow, TimelineRow, TimelineWindow};

fn silent(blind: &[(SafeText, SafeText)]) -> Vec<Value> {
    blind.iter().map(|(source, why)| json!({ "source": source, "why": why })).collect()
}

/// Tenants: the whole of `get tenants`.
pub fn tenants_json(window: &TenantWindow) -> Value {
    let by_status: Map<String, Value> =
        window.by_status.iter().map(|(status, count)| (status.name().to_owned(), json!(count))).collect();
    json!({
        "schema": "quarterdeck.tenants/1", "at": window.at, "total": window.total, "known": window.known,
        "by_status": by_status, "blind": silent(&window.blind),
        "rows": window.rows.iter().map(tenant_row_json).collect::<Vec<_>>(),
    })
}

/// One of them.
pub fn tenant_row_json(row: &TenantRow) -> Value {
    let tenant = &row.tenant;
    json!({
        "id": tenant.id, "source": tenant.id.source, "tenant": tenant.id.instance, "name": tenant.name,
        "status": tenant.status, "plan": tenant.plan, "tier": tenant.tier, "region": tenant.region,
        "domains": tenant.domains, "listed": row.listed, "stuck": row.stuck, "drift": row.drift,
        "found_by": row.found_by.as_ref().map(crate::domain::tenant::FoundBy::words),
    })
}

/// What is told of a tenant itself. What is personal is named, and not told.
fn tenant_json(tenant: &Tenant) -> Value {
    let names = |all: &[(SafeText, SafeText)]| -> Map<String, Value> {
        all.iter().map(|(name, value)| (name.to_string(), json!(value))).collect()
    };
    let fields = tenant.fields.iter().map(|field| {
        let value = (field.class == FieldClass::Plain).then_some(&field.value);
        json!({ "name": field.name, "class": field.class.name(), "value": value })
    });
    let usage =
        tenant.usage.iter().map(|usage| json!({ "what": usage.what, "used": usage.used, "limit": usage.limit }));
    json!({
        "id": tenant.id, "source": tenant.id.source, "tenant": tenant.id.instance, "name": tenant.name,
        "domains": tenant.domains, "status": tenant.status, "plan": tenant.plan, "tier": tenant.tier,
        "region": tenant.region, "placement": tenant.placement, "owner": tenant.owner,
        "versions": names(&tenant.versions), "usage": usage.collect::<Vec<_>>(), "labels": names(&tenant.labels),
        "data_class": tenant.data_class, "fields": fields.collect::<Vec<_>>(), "created_at": tenant.created_at,
        "changed_at": tenant.changed_at, "observed_at": tenant.observed_at,
    })
}

/// Everything of one tenant: `get tenant ID`.
pub fn card_json(card: &TenantCard) -> Value {
    let namesakes = card.namesakes.iter().map(|(id, name)| json!({ "id": id, "name": name }));
    json!({
        "schema": "quarterdeck.tenant/1", "at": card.at, "tenant": tenant_json(&card.tenant), "listed": card.listed,
        "gone_at": card.gone_at, "namesakes": namesakes.collect::<Vec<_>>(), "blind": silent(&card.blind),
        "flows_total": card.counts.matching, "stuck": card.counts.stuck,
        "flows": card.flows.iter().map(|judged| row_json(judged)).collect::<Vec<_>>(),
        "drift_total": card.drift_total,
        "drift": card.drift.iter().map(|known| known_drift_json(known, card.at)).collect::<Vec<_>>(),
        "for_customer": for_customer(card),
    })
}

/// What its people are told, and nothing else: `get tenant ID --customer`.
pub fn customer_json(card: &TenantCard) -> Value {
    json!({
        "schema": "quarterdeck.tenant-for-customer/1", "at": card.at, "tenant": card.tenant.id.instance,
        "name": card.tenant.name, "status": card.tenant.status, "plan": card.tenant.plan,
        "for_customer": for_customer(card),
    })
}

fn for_customer(card: &TenantCard) -> Vec<Value> {
    let told = card.for_customer.iter();
    told.map(|told| json!({ "text": told.text, "reference": told.id.instance, "since": told.since })).collect()
}

/// What happened to a tenant: `get timeline TENANT`.
pub fn tenant_timeline_json(window: &TimelineWindow) -> Value {
    json!({
        "schema": "quarterdeck.timeline/1", "at": window.at, "total": window.total,
        "more": window.next.is_some(), "blind": silent(&window.blind),
        "rows": window.rows.iter().map(timeline_row_json).collect::<Vec<_>>(),
    })
}

/// One of its rows.
pub fn timeline_row_json(row: &TimelineRow) -> Value {
    json!({
        "at": row.place.at, "kind": row.kind, "source": row.source, "reference": row.reference.told(),
        "text": row.text, "for_customer": row.for_customer,
    })
}
