//! Something that is not, or is not known to be, as wanted, as a program gives it.

use serde_json::Value;

use super::{Fields, NAME, Teller, Wrong};
use crate::domain::difference::{Difference, Documents, Patch};
use crate::domain::drift::{Desired, DriftFinding, DriftKind, DriftStatus, Severity};
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;

const FIELDS: [&str; 19] = [
    "id",
    "scope",
    "what",
    "tenant",
    "kind",
    "status",
    "severity",
    "owner",
    "reference",
    "revision",
    "wanted",
    "there",
    "patch",
    "note",
    "cause",
    "since",
    "checked_at",
    "every",
    "ignored_until",
];

/// Reads one.
pub(crate) fn drift(value: &Value, teller: &Teller) -> Result<DriftFinding, Wrong> {
    let fields = Fields::of(value, &FIELDS, teller)?;
    let raw_id = fields.needed("id")?;
    let instance = SafeText::clipped(&raw_id, NAME);
    let kinds = DriftKind::ALL.map(|kind| (kind.name(), kind));
    let statuses = DriftStatus::ALL.map(|status| (status.name(), status));
    let kind = fields.word("kind", &kinds)?.unwrap_or(DriftKind::Modified);
    let status = fields.word("status", &statuses)?.unwrap_or(DriftStatus::Drifted);
    let what = fields.text("what")?.unwrap_or_else(|| instance.clone());
    let difference = match (fields.raw("patch")?, fields.get("wanted"), fields.get("there")) {
        (Some(patch), None, None) => Difference::Patch(Patch::read(&patch, &teller.redactor)),
        (Some(_), ..) => return Err(Wrong::of("patch", "it has \"patch\", or \"wanted\" and \"there\", and not both")),
        (None, None, None) => Difference::Untold,
        (None, wanted, there) => Difference::Documents(Documents::of(wanted, there, &teller.redactor)),
    };
    let cause_key = match fields.raw("cause")? {
        Some(cause) => DriftFinding::cause(&["named", &cause]),
        None => DriftFinding::cause(&[&what, kind.name(), &difference.digest()]),
    };
    let checked_at = fields.time("checked_at")?;
    // Who tells no time tells it of the present. Nothing that was told to be without a check was checked.
    let checked = checked_at.or_else(|| (status != DriftStatus::NotChecked).then_some(teller.now));
    let every = fields.duration("every")?.or_else(|| checked_at.map(|_| teller.check_interval));
    let note = fields.raw("note")?.map(|note| teller.redactor.first_line(&note, 500));
    Ok(DriftFinding {
        exact_id: *instance == *raw_id,
        id: InstanceId { source: teller.source.clone(), instance },
        scope: fields.text("scope")?.unwrap_or_else(|| teller.source.clone()),
        what,
        tenant: fields.text("tenant")?,
        kind,
        status,
        severity: fields.raw("severity")?.map_or(Severity::Unknown, |word| Severity::told(&word)),
        owner: fields.text("owner")?,
        desired: Desired { reference: fields.text("reference")?, revision: fields.text("revision")? },
        difference,
        note,
        cause_key,
        since: fields.time("since")?,
        last_checked: checked,
        check_interval: every,
        ignored_until: fields.time("ignored_until")?,
    })
}
