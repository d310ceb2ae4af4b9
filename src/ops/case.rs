//! A case: what is known of a tenant, to be handed on. It holds nothing that is personal or secret.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::json::{card_json, customer_json, timeline_row_json};
use super::{TenantCard, TimelineRow};
use crate::domain::tenant::FieldClass;
use crate::domain::time::date_time;

/// For whom a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// People of our own: everything but what is personal or secret.
    Own,
    /// The customer: what customers are told, and nothing else.
    Customer,
}

/// A case as JSON.
pub fn case_json(card: &TenantCard, timeline: &[TimelineRow], audience: Audience) -> Value {
    match audience {
        Audience::Own => {
            let rows: Vec<Value> = timeline.iter().map(timeline_row_json).collect();
            json!({ "schema": "quarterdeck.case/1", "card": card_json(card), "timeline": rows })
        }
        Audience::Customer => {
            let told = timeline.iter().filter_map(|row| Some((row, row.for_customer.as_ref()?)));
            let rows: Vec<Value> = told.map(|(row, text)| json!({ "at": row.place.at, "text": text })).collect();
            json!({ "schema": "quarterdeck.case/1", "card": customer_json(card), "timeline": rows })
        }
    }
}

/// What has a meaning in Markdown is written so that it has none.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A case as Markdown.
pub fn case_markdown(card: &TenantCard, timeline: &[TimelineRow], audience: Audience) -> String {
    let mut out = String::new();
    // Writing into a text does not fail.
    let _ = write_case(&mut out, card, timeline, audience);
    out
}

fn write_case(out: &mut String, card: &TenantCard, timeline: &[TimelineRow], audience: Audience) -> std::fmt::Result {
    let tenant = &card.tenant;
    writeln!(out, "# {} ({})\n", plain(&tenant.name), plain(&tenant.id.instance))?;
    writeln!(out, "As of {}.\n", date_time(card.at))?;
    let facts = [
        ("status", Some(tenant.status.name().into())),
        ("plan", tenant.plan.clone()),
        ("tier", tenant.tier.clone().filter(|_| audience == Audience::Own)),
        ("region", tenant.region.clone()),
        ("placement", tenant.placement.clone().filter(|_| audience == Audience::Own)),
        ("owner", tenant.owner.clone().filter(|_| audience == Audience::Own)),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            writeln!(out, "- {name}: {}", plain(&value))?;
        }
    }
    if audience == Audience::Own {
        for field in &tenant.fields {
            let value = if field.class == FieldClass::Plain { plain(&field.value) } else { "hidden".to_owned() };
            writeln!(out, "- {}: {value}", plain(&field.name))?;
        }
        for (source, why) in &card.blind {
            writeln!(out, "- {} is silent: {}", plain(source), plain(why))?;
        }
    }
    writeln!(out, "\n## What the customer is told\n")?;
    if card.for_customer.is_empty() {
        writeln!(out, "Nothing is delayed, as far as it is known.")?;
    }
    for told in &card.for_customer {
        writeln!(out, "- {}", plain(&told.text))?;
    }
    if audience == Audience::Own {
        writeln!(out, "\n## Flows: {} known, {} stuck\n", card.counts.matching, card.counts.stuck)?;
        for judged in &card.flows {
            let flow = &judged.flow;
            let (verdict, status) = (judged.judgement.verdict.name(), flow.status.words());
            write!(out, "- {verdict}: {} in {}, {status}", plain(&flow.flow), plain(&flow.step))?;
            if let Some(error) = &flow.error {
                write!(out, ": {}", plain(&error.text))?;
            }
            writeln!(out, " ({})", plain(&flow.id.to_string()))?;
        }
        writeln!(out, "\n## Drift: {}\n", card.drift_total)?;
        for known in &card.drift {
            let finding = &known.finding;
            let status = known.status(card.at).words();
            writeln!(
                out,
                "- {status}: {} on {} ({})",
                plain(&finding.what),
                plain(&finding.scope),
                plain(&finding.id.to_string())
            )?;
        }
    }
    writeln!(out, "\n## What happened\n")?;
    for row in timeline {
        let at = date_time(row.place.at);
        match (audience, &row.for_customer) {
            (Audience::Own, _) => writeln!(
                out,
                "- {at} {}, {}: {} ({})",
                row.kind.name(),
                plain(&row.source),
                plain(&row.text),
                plain(&row.reference.told())
            )?,
            (Audience::Customer, Some(text)) => writeln!(out, "- {at} {}", plain(text))?,
            (Audience::Customer, None) => {}
        }
    }
    Ok(())
}
