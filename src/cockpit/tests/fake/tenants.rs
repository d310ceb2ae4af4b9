//! Tenants, what happened to them, and what has happened at all.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;

use super::{ago, drift, now};
use crate::domain::event::{DeadLetter, Event};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::tenant::{Field, FieldClass, Tenant, TenantStatus, Usage};
use crate::domain::text::SafeText;
use crate::ops::{
    EventGap, EventRow, EventWindow, EventsQuery, FlowCount, ForCustomer, IngestLag, OpsError, Reference, TenantCard,
    TenantRow, TenantWindow, TenantsQuery, TimelineKind, TimelinePlace, TimelineQuery, TimelineRow, TimelineWindow,
};
use crate::query::EventFacts;

/// What the hub knows of tenants and events.
#[derive(Default)]
pub(in crate::cockpit) struct Known {
    pub(in crate::cockpit) tenants: Vec<TenantRow>,
    /// Whether nothing of theirs is stuck any more.
    pub(in crate::cockpit) mended: bool,
    /// How many events there are in the stream.
    pub(in crate::cockpit) events: u64,
    /// How many rows the timeline has.
    pub(in crate::cockpit) timeline: usize,
}

/// A directory of four, one of whom nobody lists.
pub(in crate::cockpit) fn known() -> Known {
    let row = |id: &str, name: &str, status, stuck, drift| TenantRow {
        tenant: Arc::new(tenant(id, name, status)),
        listed: true,
        found_by: None,
        stuck,
        drift,
    };
    let mut tenants = vec![
        row("t-0017", "Blue Harbor Logistics", TenantStatus::Degraded, 3, 2),
        row("t-0018", "Blue Harbour Ltd", TenantStatus::Active, 0, 0),
        row("t-0400", "Northwind", TenantStatus::Provisioning, 1, 0),
    ];
    let name = super::ops::ROWS[0].flow.tenant.clone().unwrap();
    let ghost = Tenant::unlisted(&"restate".into(), &name, now());
    tenants.push(TenantRow { tenant: Arc::new(ghost), listed: false, found_by: None, stuck: 1, drift: 0 });
    Known { tenants, mended: false, events: 900, timeline: 450 }
}

fn tenant(id: &str, name: &str, status: TenantStatus) -> Tenant {
    let field = |name: &str, value: &str, class| Field { name: name.into(), value: value.into(), class };
    Tenant {
        status,
        domains: vec![format!("{id}.example").into()],
        plan: Some("team".into()),
        tier: Some("gold".into()),
        region: Some("eu-west-1".into()),
        placement: Some("cell-7".into()),
        owner: Some("team-accounts".into()),
        versions: vec![("policy".into(), "v3".into())],
        usage: vec![Usage { what: "seats".into(), used: Some(50), limit: Some(50) }],
        fields: vec![
            field("account", "A-4711", FieldClass::Plain),
            field("email", "", FieldClass::Personal),
            field("api_token", "", FieldClass::Secret),
        ],
        name: name.into(),
        ..Tenant::unlisted(&"directory".into(), &id.into(), now())
    }
}

impl Known {
    pub(in crate::cockpit) fn window(&self, query: &TenantsQuery) -> TenantWindow {
        let found = self.tenants.iter().filter_map(|row| {
            let found_by = row.tenant.found_by(&query.text);
            let fits = query.text.is_empty() || found_by.is_some();
            fits.then(|| TenantRow { found_by, ..row.clone() })
        });
        let found: Vec<TenantRow> = found.collect();
        TenantWindow {
            at: now(),
            offset: query.offset,
            total: found.len(),
            rows: found.into_iter().skip(query.offset).take(query.limit).collect(),
            known: self.tenants.len(),
            by_status: [(TenantStatus::Active, 2), (TenantStatus::Degraded, 1)].into(),
            blind: vec![("billing".into(), "connection refused".into())],
            sources: 2,
        }
    }

    pub(in crate::cockpit) fn card(&self, id: &InstanceId) -> Result<TenantCard, OpsError> {
        let row = self.tenants.iter().find(|row| row.tenant.id == *id);
        let row = row.ok_or_else(|| OpsError::NotFound("there is no such tenant".into()))?;
        let flows: Vec<_> = super::ops::ROWS.iter().take(3).cloned().collect();
        let stuck = if self.mended { 0 } else { row.stuck };
        let told = |text: &str| ForCustomer { text: text.into(), id: flows[0].flow.id.clone(), since: None };
        Ok(TenantCard {
            at: now(),
            tenant: row.tenant.clone(),
            listed: row.listed,
            gone_at: None,
            namesakes: vec![(InstanceId::new("billing", "t-0017"), "Blue Harbor Billing".into())],
            counts: FlowCount { matching: 5, stuck },
            drift: drift::window().rows.into_iter().take(2).map(|row| row.first).collect(),
            drift_total: 2,
            for_customer: vec![told("Your database is being set up; it takes longer than it should. Reference inv_1.")],
            flows,
            blind: if self.mended { Vec::new() } else { vec![("billing".into(), "connection refused".into())] },
        })
    }

    pub(in crate::cockpit) fn part(&self, query: &TimelineQuery) -> TimelineWindow {
        let flow = super::ops::ROWS[0].flow.id.clone();
        let kinds = [
            (
                TimelineKind::Error,
                "tenant-provisioning failed in database: connection refused",
                Reference::Flow(flow.clone()),
            ),
            (TimelineKind::Change, "seats raised from 40 to 50 by ada", Reference::Event(7, "c-7".into())),
            (TimelineKind::Deployment, "schema-svc 4.2.1 is out by ci", Reference::Event(8, "d-8".into())),
            (
                TimelineKind::Remediation,
                "resume asked for by ben: verified, it went on",
                Reference::Remediation("4711".into(), flow),
            ),
            (TimelineKind::Event, "an invoice was paid", Reference::Past("p-1".into())),
        ];
        let row = |n: usize| {
            let (kind, text, reference) = kinds[n % kinds.len()].clone();
            let at = now() - SignedDuration::from_mins(3 * i64::try_from(n).unwrap() + 1);
            let error = kind == TimelineKind::Error;
            TimelineRow {
                place: TimelinePlace { at, tie: format!("{n:05}").into() },
                kind,
                source: if error { "restate".into() } else { "directory".into() },
                reference,
                text: text.into(),
                for_customer: error.then(|| "Your database is being set up.".into()),
            }
        };
        let all = (0..self.timeline).map(row);
        let mut left = all.filter(|row| query.before.as_ref().is_none_or(|before| row.place < *before));
        let rows: Vec<TimelineRow> = left.by_ref().take(query.limit).collect();
        let next = left.next().and_then(|_| rows.last().map(|row| row.place.clone()));
        TimelineWindow { at: now(), rows, total: self.timeline, next, blind: Vec::new() }
    }

    fn event(number: u64) -> EventRow {
        let class = ["com.example.changed", "com.example.deployed", "com.example.alert", "com.example.paid"];
        let kind = class[usize::try_from(number % 4).unwrap()];
        let value = json!({
            "specversion": "1.0", "id": format!("e-{number}"), "source": "/ci", "type": kind, "authid": "ci",
            "tenant": number.is_multiple_of(2).then_some("t-0017"), "flow": "tenant-provisioning", "region": "eu-west-1",
            "correlationid": "c-1", "causationid": "e-1", "severity": if number % 4 == 2 { "critical" } else { "info" },
            "data": { "summary": format!("{kind} number {number}"), "before": { "version": "4.2.0" }, "password": "x" },
        });
        let at = ago(i64::try_from(900 - number.min(900)).unwrap() * 20);
        let event = Event::read(&"flags".into(), &value, &Redactor::default(), at).unwrap();
        let times = if number % 4 == 2 { 12 } else { 1 };
        EventRow { number, event: Arc::new(event), received_at: at, times, last_at: at, again: 0, ahead: number == 900 }
    }

    pub(in crate::cockpit) fn stream(&self, query: &EventsQuery) -> EventWindow {
        let fits = |number: &u64| query.filter.matches(&EventFacts::from(&*Self::event(*number).event));
        let all: Vec<u64> = (1..=self.events).filter(fits).collect();
        let until = query.until.unwrap_or(u64::MAX);
        let total = all.iter().filter(|number| **number <= until).count();
        let shown = all.iter().take(total).rev().skip(query.offset).take(query.limit);
        EventWindow {
            at: now(),
            rows: shown.map(|number| Self::event(*number)).collect(),
            offset: query.offset,
            total,
            newer: all.len() - total,
            held: usize::try_from(self.events).unwrap(),
            newest: self.events,
            repeated: 17,
            let_go: 0,
            gaps: vec![EventGap { origin: "/ci".into(), from: 41, to: 43, noticed_at: ago(60) }],
            missing: 3,
            lags: vec![IngestLag {
                source: "flags".into(),
                median: SignedDuration::from_secs(4),
                longest: SignedDuration::from_secs(90),
                last_at: now(),
            }],
            dead: vec![DeadLetter {
                source: "flags".into(),
                at: now(),
                why: "id: it is missing".into(),
                body: "{}".into(),
            }],
            dead_in_all: 1,
            blind: Vec::new(),
            sources: 1,
        }
    }

    pub(in crate::cockpit) fn one(number: u64) -> EventRow {
        Self::event(number)
    }

    /// What is behind a personal field.
    pub(in crate::cockpit) fn secret(field: &str) -> Result<SafeText, OpsError> {
        match field {
            "email" => Ok("ops@blue-harbor.example".into()),
            _ => Err(OpsError::Refused(format!("{field} is a secret: it is not held").into())),
        }
    }
}
