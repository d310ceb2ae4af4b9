//! A tenant, as a program gives it.

use serde_json::Value;

use super::{Fields, NAME, Teller, Wrong, plain, sort};
use crate::domain::ids::InstanceId;
use crate::domain::tenant::{Field, FieldClass, Tenant, TenantStatus, Usage};
use crate::domain::text::SafeText;

const FIELDS: [&str; 16] = [
    "id",
    "name",
    "domains",
    "status",
    "plan",
    "tier",
    "region",
    "placement",
    "owner",
    "versions",
    "usage",
    "labels",
    "data_class",
    "fields",
    "created_at",
    "changed_at",
];

const CLASSES: [(&str, FieldClass); 3] =
    [("plain", FieldClass::Plain), ("personal", FieldClass::Personal), ("secret", FieldClass::Secret)];

/// Reads one.
pub(crate) fn tenant(value: &Value, teller: &Teller) -> Result<Tenant, Wrong> {
    let fields = Fields::of(value, &FIELDS, teller)?;
    let raw_id = fields.needed("id")?;
    let instance = SafeText::clipped(&raw_id, NAME);
    // A directory may have words of its own for this; what none of ours says is not known, and no fault.
    let status = fields.raw("status")?.and_then(|word| TenantStatus::named(&word)).unwrap_or(TenantStatus::Unknown);
    Ok(Tenant {
        exact_id: *instance == *raw_id,
        name: fields.text("name")?.unwrap_or_else(|| instance.clone()),
        domains: domains(&fields, teller)?,
        status,
        plan: fields.text("plan")?,
        tier: fields.text("tier")?,
        region: fields.text("region")?,
        placement: fields.text("placement")?,
        owner: fields.text("owner")?,
        versions: fields.texts("versions")?,
        usage: usage(&fields, teller)?,
        labels: fields.texts("labels")?,
        data_class: fields.text("data_class")?,
        fields: more(&fields, teller)?,
        created_at: fields.time("created_at")?,
        changed_at: fields.time("changed_at")?,
        observed_at: teller.now,
        id: InstanceId { source: teller.source.clone(), instance },
    })
}

/// A text, or a list of them.
fn domains(fields: &Fields<'_>, teller: &Teller) -> Result<Vec<SafeText>, Wrong> {
    match fields.get("domains") {
        Some(Value::Array(list)) if list.len() <= NAME => {
            let domain = |value: &Value| match value {
                Value::String(text) => Ok(teller.shown(text)),
                other => Err(Wrong::of("domains", format!("\"domains\" has {}, where a text is wanted", sort(other)))),
            };
            list.iter().filter(|value| !value.is_null()).map(domain).collect()
        }
        Some(Value::Array(_)) => Err(Wrong::of("domains", format!("\"domains\" has more than {NAME} of them"))),
        _ => Ok(fields.text("domains")?.into_iter().collect()),
    }
}

/// `{seats: {used: 3, limit: 5}}`; a number alone is what is used.
fn usage(fields: &Fields<'_>, teller: &Teller) -> Result<Vec<Usage>, Wrong> {
    let mut usage = Vec::new();
    for (what, value) in fields.pairs("usage")? {
        let within = |wrong: Wrong| Wrong::of("usage", format!("\"usage\": {}", wrong.why));
        let (used, limit) = match value {
            Value::Null => continue,
            Value::Object(_) => {
                let inner = Fields::of(value, &["used", "limit"], teller).map_err(within)?;
                (inner.number("used").map_err(within)?, inner.number("limit").map_err(within)?)
            }
            Value::Number(number) if number.as_u64().is_some() => (number.as_u64(), None),
            other => {
                let why = format!("\"usage\" has {}, where {{ used, limit }} is wanted", sort(other));
                return Err(Wrong::of("usage", why));
            }
        };
        usage.push(Usage { what: SafeText::clipped(what, NAME), used, limit });
    }
    Ok(usage)
}

/// `{email: {value: "…", class: "personal"}}`; a value alone is plain. What a secret is by its name stays out.
fn more(fields: &Fields<'_>, teller: &Teller) -> Result<Vec<Field>, Wrong> {
    let mut more = Vec::new();
    for (name, value) in fields.pairs("fields")? {
        let within = |wrong: Wrong| Wrong::of("fields", format!("\"fields\": {}", wrong.why));
        let (text, class) = match value {
            Value::Null => continue,
            Value::Object(_) => {
                let inner = Fields::of(value, &["value", "class"], teller).map_err(within)?;
                let class = inner.word("class", &CLASSES).map_err(within)?.unwrap_or(FieldClass::Plain);
                (inner.get("value").and_then(plain), class)
            }
            other => {
                let text = plain(other).ok_or_else(|| {
                    let why = format!("\"fields\" has {}, where a text or {{ value, class }} is wanted", sort(other));
                    Wrong::of("fields", why)
                })?;
                (Some(text), FieldClass::Plain)
            }
        };
        let class = if teller.redactor.hides(name) { FieldClass::Secret } else { class };
        let value = match class {
            FieldClass::Secret => SafeText::default(),
            FieldClass::Plain => teller.shown(&text.unwrap_or_default()),
            FieldClass::Personal => SafeText::clipped(&text.unwrap_or_default(), NAME),
        };
        more.push(Field { name: SafeText::clipped(name, NAME), value, class });
    }
    Ok(more)
}
