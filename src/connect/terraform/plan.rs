//! A plan of Terraform's, as `terraform show -json PLAN` tells it
//! (<https://developer.hashicorp.com/terraform/internals/json-format>, format 1.x).
//!
//! - `resource_drift`: what was changed outside: `before` is what Terraform had left, `after` what it found.
//! - `resource_changes`: what the plan would do: `before` is what is there, `after` what is wanted.
//! - `before_sensitive` and `after_sensitive` say what must not be shown; `after_unknown` what is known once it is done.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::difference::{Difference, Documents};
use crate::domain::drift::{Desired, DriftFinding, DriftKind, DriftStatus, Severity};
use crate::domain::ids::InstanceId;
use crate::domain::raw::Json;
use crate::domain::redact::{HIDDEN, Redactor};
use crate::domain::text::SafeText;

/// The longest text of an address or a name that is kept, in characters.
const NAME: usize = 500;

/// What stands for a value that is known once the plan was carried out.
const KNOWN_LATER: &str = "(known after apply)";

/// Where the tenant of a resource is named, of whatever provider: a tag or a label.
const TAGS: [&str; 4] = ["tags", "labels", "tags_all", "effective_labels"];

#[derive(Deserialize)]
struct Told {
    format_version: Option<String>,
    terraform_version: Option<String>,
    timestamp: Option<Timestamp>,
    #[serde(default)]
    errored: bool,
    #[serde(default)]
    resource_drift: Vec<Value>,
    #[serde(default)]
    resource_changes: Vec<Value>,
}

#[derive(Deserialize)]
struct Resource {
    address: String,
    #[serde(default)]
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    change: Change,
    action_reason: Option<String>,
}

#[derive(Deserialize)]
struct Change {
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    after_unknown: Value,
    #[serde(default)]
    before_sensitive: Value,
    #[serde(default)]
    after_sensitive: Value,
}

/// What a plan tells.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) findings: Vec<DriftFinding>,
    /// Resources that are as wanted.
    pub(super) in_sync: u64,
    pub(super) bad_rows: usize,
    /// The first resource that can't be read, and why.
    pub(super) bad_row: Option<SafeText>,
    pub(super) version: Option<SafeText>,
}

/// Whose plan it is, and when it was made.
pub(super) struct Made<'a> {
    pub(super) source: &'a SafeText,
    /// The environment: the name of its file.
    pub(super) scope: &'a str,
    /// When the file was written; for a plan that does not say when it was made.
    pub(super) written_at: Timestamp,
    pub(super) check_interval: SignedDuration,
}

/// What is to be done with a resource, in Terraform's order of actions.
fn kind_of(actions: &[&str]) -> Option<(DriftKind, Severity, &'static str)> {
    match actions {
        ["create"] => Some((DriftKind::Missing, Severity::Warning, "it would be created")),
        ["update"] => Some((DriftKind::Modified, Severity::Warning, "it would be updated in place")),
        ["delete"] => Some((DriftKind::Unmanaged, Severity::Critical, "it would be destroyed")),
        ["delete", "create"] | ["create", "delete"] => {
            Some((DriftKind::Modified, Severity::Critical, "it would be destroyed and created anew"))
        }
        ["forget"] => Some((DriftKind::Unmanaged, Severity::Warning, "it would be left alone from then on")),
        _ => None,
    }
}

/// Reads a plan.
///
/// # Errors
/// Why it is none.
pub(super) fn read(text: &[u8], made: &Made<'_>, redactor: &Redactor) -> Result<Plan, String> {
    let told: Told = serde_json::from_slice(text).map_err(|error| format!("no plan as JSON: {error}"))?;
    match told.format_version.as_deref() {
        None => {
            return Err("no plan as JSON: it has no format_version; make it by terraform show -json PLAN".to_owned());
        }
        Some(version) if version.split('.').next() == Some("1") => {}
        Some(version) => return Err(format!("a plan of format {}, and 1.x is known", SafeText::clipped(version, 20))),
    }
    let checked = told.timestamp.unwrap_or(made.written_at);
    let mut plan = Plan { version: told.terraform_version.as_deref().map(SafeText::from), ..Plan::default() };
    let mut found: BTreeMap<String, DriftFinding> = BTreeMap::new();
    for value in told.resource_drift {
        let Some(resource) = plan.resource(value) else { continue };
        let (kind, note) = match resource.actions()[..] {
            ["delete"] => (DriftKind::Missing, "it was removed outside of Terraform"),
            ["create"] => (DriftKind::Unmanaged, "it was created outside of Terraform"),
            ["no-op" | "read"] => continue,
            _ => (DriftKind::Modified, "it was changed outside of Terraform"),
        };
        let change = &resource.change;
        let desired = Shown::of(&change.before, &change.before_sensitive, &Value::Null, redactor);
        let observed = Shown::of(&change.after, &change.after_sensitive, &change.after_unknown, redactor);
        let severity = if kind == DriftKind::Missing { Severity::Critical } else { Severity::Warning };
        let finding = finding(&resource, made, checked, (kind, severity, note.into()), (desired, observed));
        found.insert(resource.address, finding);
    }
    for value in told.resource_changes {
        let Some(resource) = plan.resource(value) else { continue };
        if resource.mode == "data" {
            continue;
        }
        let actions = resource.actions();
        if matches!(actions[..], ["no-op" | "read"]) {
            plan.in_sync += u64::from(!found.contains_key(&resource.address));
            continue;
        }
        let Some((kind, severity, does)) = kind_of(&actions) else {
            plan.bad(&format!("{}: its actions are {}", resource.address, actions.join(", ")));
            continue;
        };
        let outside = found.get(&resource.address).and_then(|drift| drift.note.clone());
        let why = resource.action_reason.as_deref().map(|reason| format!(" ({})", reason.replace('_', " ")));
        let note = match outside {
            Some(outside) => format!("{outside}; {does}{}", why.unwrap_or_default()),
            None => format!("{does}{}", why.unwrap_or_default()),
        };
        let change = &resource.change;
        let desired = Shown::of(&change.after, &change.after_sensitive, &change.after_unknown, redactor);
        let observed = Shown::of(&change.before, &change.before_sensitive, &Value::Null, redactor);
        let finding = finding(&resource, made, checked, (kind, severity, note.into()), (desired, observed));
        found.insert(resource.address, finding);
    }
    plan.findings = found.into_values().collect();
    if told.errored {
        plan.findings.push(errored(made, checked));
    }
    Ok(plan)
}

impl Plan {
    fn resource(&mut self, value: Value) -> Option<Resource> {
        let address = value.get("address").and_then(Value::as_str).unwrap_or("a resource").to_owned();
        match serde_json::from_value(value) {
            Ok(resource) => Some(resource),
            Err(error) => {
                self.bad(&format!("{address}: {error}"));
                None
            }
        }
    }

    fn bad(&mut self, why: &str) {
        self.bad_rows += 1;
        self.bad_row.get_or_insert_with(|| SafeText::clipped(why, NAME));
    }
}

impl Resource {
    fn actions(&self) -> Vec<&str> {
        self.change.actions.iter().map(String::as_str).collect()
    }
}

/// A document as it may be shown, and as it is.
struct Shown<'v> {
    shown: Option<Json>,
    raw: Option<&'v Value>,
}

impl<'v> Shown<'v> {
    fn of(value: &'v Value, sensitive: &Value, unknown: &Value, redactor: &Redactor) -> Self {
        let raw = Some(value).filter(|value| !value.is_null());
        let shown = raw.map(|raw| Json::of(&masked(raw, sensitive, unknown), redactor));
        Self { shown, raw }
    }
}

/// A value without what its masks hide; both masks have its shape, with `true` for all that is below.
fn masked(value: &Value, sensitive: &Value, unknown: &Value) -> Value {
    if *sensitive == Value::Bool(true) {
        return HIDDEN.into();
    }
    if *unknown == Value::Bool(true) {
        return KNOWN_LATER.into();
    }
    match value {
        Value::Object(fields) => {
            let mut shown: Map<String, Value> = fields
                .iter()
                .map(|(name, value)| (name.clone(), masked(value, below(sensitive, name), below(unknown, name))))
                .collect();
            // What is not known has no value yet.
            for name in unknown.as_object().into_iter().flatten().filter(|(_, all)| **all == Value::Bool(true)) {
                shown.insert(name.0.clone(), KNOWN_LATER.into());
            }
            Value::Object(shown)
        }
        Value::Array(values) => {
            let at = |mask: &Value, n: usize| mask.get(n).cloned().unwrap_or(Value::Null);
            let values = values.iter().enumerate();
            values.map(|(n, value)| masked(value, &at(sensitive, n), &at(unknown, n))).collect()
        }
        other => other.clone(),
    }
}

fn below<'m>(mask: &'m Value, name: &str) -> &'m Value {
    mask.get(name).unwrap_or(&Value::Null)
}

/// The attributes of a resource that differ, by name.
fn differing(desired: &Shown<'_>, observed: &Shown<'_>) -> Vec<String> {
    let empty = Map::new();
    let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
    let (desired, observed) = (object(desired.raw), object(observed.raw));
    let mut names: Vec<String> = desired
        .keys()
        .chain(observed.keys())
        .filter(|name| desired.get(*name) != observed.get(*name))
        .cloned()
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn finding(
    resource: &Resource,
    made: &Made<'_>,
    checked: Timestamp,
    (kind, severity, note): (DriftKind, Severity, SafeText),
    (desired, observed): (Shown<'_>, Shown<'_>),
) -> DriftFinding {
    let own = format!("{}:{}", made.scope, resource.address);
    let id = SafeText::clipped(&own, NAME);
    let tenant = [desired.raw, observed.raw].into_iter().flatten().find_map(|value| {
        let tag = TAGS.into_iter().find_map(|tags| value.get(tags)?.get("tenant")?.as_str());
        tag.map(|tenant| SafeText::clipped(tenant, NAME))
    });
    let names = differing(&desired, &observed);
    let cause: Vec<&str> =
        [resource.address.as_str(), kind.name()].into_iter().chain(names.iter().map(String::as_str)).collect();
    DriftFinding {
        exact_id: *id == *own,
        id: InstanceId::new(made.source.clone(), id),
        scope: SafeText::clipped(made.scope, NAME),
        what: SafeText::clipped(&resource.address, NAME),
        tenant,
        kind,
        status: DriftStatus::Drifted,
        severity,
        owner: None,
        desired: Desired { reference: Some(SafeText::clipped(&resource.kind, NAME)), revision: None },
        cause_key: DriftFinding::cause(&cause),
        difference: Difference::Documents(Documents::masked(
            (desired.shown, desired.raw),
            (observed.shown, observed.raw),
        )),
        note: Some(note),
        since: None,
        last_checked: Some(checked),
        check_interval: Some(made.check_interval),
        ignored_until: None,
    }
}

/// That a plan ended with errors: what it does not tell may differ, too.
fn errored(made: &Made<'_>, checked: Timestamp) -> DriftFinding {
    DriftFinding {
        id: InstanceId::new(made.source.clone(), format!("{}:", made.scope)),
        exact_id: true,
        scope: SafeText::clipped(made.scope, NAME),
        what: "the rest of the plan".into(),
        tenant: None,
        kind: DriftKind::Modified,
        status: DriftStatus::Unknown,
        severity: Severity::Unknown,
        owner: None,
        desired: Desired::default(),
        difference: Difference::Untold,
        note: Some("the plan ended with errors: what it does not tell may differ, too".into()),
        cause_key: DriftFinding::cause(&["errored"]),
        since: None,
        last_checked: Some(checked),
        check_interval: Some(made.check_interval),
        ignored_until: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_json(plan: &Value) -> Result<Plan, String> {
        let made = Made {
            source: &"infra".into(),
            scope: "prod-eu",
            written_at: "2026-11-01T00:00:00Z".parse().unwrap(),
            check_interval: SignedDuration::from_hours(24),
        };
        read(plan.to_string().as_bytes(), &made, &Redactor::default())
    }

    fn change(address: &str, actions: &Value, before: &Value, after: &Value) -> Value {
        let kind = address.split('.').next().unwrap();
        json!({ "address": address, "mode": "managed", "type": kind, "name": "x",
            "change": { "actions": actions, "before": before, "after": after, "after_unknown": {},
                "before_sensitive": {}, "after_sensitive": {} } })
    }

    fn documents(finding: &DriftFinding) -> (Value, Value) {
        let Difference::Documents(both) = &finding.difference else { panic!("{finding:?}") };
        (json!(both.desired), json!(both.observed))
    }

    #[test]
    fn each_action_is_a_kind_of_drift_and_what_is_as_wanted_is_counted() {
        let plan = read_json(&json!({
            "format_version": "1.2", "terraform_version": "1.11.4", "timestamp": "2026-10-31T20:00:00Z",
            "resource_changes": [
                change("a.new", &json!(["create"]), &json!(null), &json!({ "n": 1 })),
                change("a.gone", &json!(["delete"]), &json!({ "n": 1 }), &json!(null)),
                change("a.other", &json!(["update"]), &json!({ "n": 1 }), &json!({ "n": 2 })),
                change("a.anew", &json!(["delete", "create"]), &json!({ "n": 1 }), &json!({ "n": 2 })),
                change("a.same", &json!(["no-op"]), &json!({ "n": 1 }), &json!({ "n": 1 })),
                change("a.odd", &json!(["dance"]), &json!(null), &json!(null)),
                { "address": "a.broken", "type": 5 },
            ],
        }))
        .unwrap();
        let told: Vec<_> =
            plan.findings.iter().map(|found| (found.what.as_str(), found.kind, found.severity)).collect();
        assert_eq!(
            told,
            [
                ("a.anew", DriftKind::Modified, Severity::Critical),
                ("a.gone", DriftKind::Unmanaged, Severity::Critical),
                ("a.new", DriftKind::Missing, Severity::Warning),
                ("a.other", DriftKind::Modified, Severity::Warning),
            ]
        );
        assert_eq!((plan.in_sync, plan.bad_rows), (1, 2));
        assert_eq!(plan.bad_row.unwrap(), "a.odd: its actions are dance");
        assert_eq!(plan.version.unwrap(), "1.11.4");
        let other = &plan.findings[3];
        assert_eq!(documents(other), (json!({ "n": 2 }), json!({ "n": 1 })), "wanted, and there");
        assert_eq!(other.last_checked.unwrap().to_string(), "2026-10-31T20:00:00Z");
        assert_eq!(other.id.to_string(), "infra/prod-eu:a.other");
        assert_eq!(documents(&plan.findings[2]).1, json!(null));
        assert_eq!(plan.findings[1].difference.removes(), Some(1));
    }

    #[test]
    fn what_was_changed_outside_is_told_with_what_the_plan_does_about_it() {
        let plan = read_json(&json!({
            "format_version": "1.2",
            "resource_drift": [
                change("q.jobs", &json!(["update"]), &json!({ "t": 30 }), &json!({ "t": 300 })),
                change("q.lost", &json!(["delete"]), &json!({ "t": 30 }), &json!(null)),
            ],
            "resource_changes": [
                change("q.jobs", &json!(["update"]), &json!({ "t": 300 }), &json!({ "t": 30 })),
            ],
        }))
        .unwrap();
        let notes: Vec<&str> = plan.findings.iter().map(|found| found.note.as_deref().unwrap()).collect();
        assert_eq!(
            notes,
            [
                "it was changed outside of Terraform; it would be updated in place",
                "it was removed outside of Terraform"
            ]
        );
        assert_eq!(documents(&plan.findings[0]), (json!({ "t": 30 }), json!({ "t": 300 })));
        assert_eq!((plan.findings[1].kind, plan.findings[1].severity), (DriftKind::Missing, Severity::Critical));
        let made_at = plan.findings[0].last_checked.unwrap();
        assert_eq!(made_at.to_string(), "2026-11-01T00:00:00Z", "without a time of its own, that of the file");
    }

    #[test]
    fn sensitive_values_are_shown_nowhere_and_make_another_version() {
        let with = |secret: &str| {
            let mut resource = change(
                "db.main",
                &json!(["update"]),
                &json!({ "name": "a", "master": "old", "list": [{ "key": "k1" }, 2] }),
                &json!({ "name": "b", "master": secret, "list": [{ "key": "k2" }, 2], "arn": null }),
            );
            resource["change"]["before_sensitive"] = json!({ "master": true, "list": [{ "key": true }] });
            resource["change"]["after_sensitive"] = json!({ "master": true, "list": [{ "key": true }] });
            resource["change"]["after_unknown"] = json!({ "arn": true, "later": true });
            read_json(&json!({ "format_version": "1.0", "resource_changes": [resource] })).unwrap().findings.remove(0)
        };
        let (one, other) = (with("s3cr3t"), with("an0ther"));
        let (desired, observed) = documents(&one);
        assert!(!format!("{one:?}").contains("s3cr3t"));
        assert_eq!(
            desired,
            json!({ "name": "b", "master": HIDDEN, "list": [{ "key": HIDDEN }, 2], "arn": KNOWN_LATER, "later": KNOWN_LATER })
        );
        assert_eq!(observed["master"], HIDDEN);
        assert_ne!(one.version(), other.version());
        let mut all = change("db.main", &json!(["update"]), &json!({ "a": 1 }), &json!({ "a": 2 }));
        all["change"]["after_sensitive"] = json!(true);
        let all = read_json(&json!({ "format_version": "1.0", "resource_changes": [all] })).unwrap();
        assert_eq!(documents(&all.findings[0]).0, HIDDEN);
    }

    #[test]
    fn one_cause_in_several_environments_has_one_key_and_a_tag_names_the_tenant() {
        let of = |scope: &str, to: u8, tenant: &str| {
            let made = Made {
                source: &"infra".into(),
                scope,
                written_at: Timestamp::UNIX_EPOCH,
                check_interval: SignedDuration::from_hours(1),
            };
            let resource = change(
                "q.jobs",
                &json!(["update"]),
                &json!({ "t": to, "tags": { "tenant": tenant } }),
                &json!({ "t": 30, "tags": { "tenant": tenant } }),
            );
            let plan = json!({ "format_version": "1.2", "resource_changes": [resource] }).to_string();
            read(plan.as_bytes(), &made, &Redactor::default()).unwrap().findings.remove(0)
        };
        let (one, other) = (of("eu-1", 5, "acme"), of("eu-2", 7, "globex"));
        assert_eq!(one.cause_key, other.cause_key);
        assert_ne!(one.id, other.id);
        assert_eq!((one.tenant.unwrap(), other.tenant.unwrap()), ("acme".into(), "globex".into()));
    }

    #[test]
    fn a_plan_that_ended_with_errors_leaves_the_rest_unknown() {
        let plan = read_json(&json!({ "format_version": "1.2", "errored": true })).unwrap();
        assert_eq!((plan.findings.len(), plan.findings[0].status), (1, DriftStatus::Unknown));
    }

    #[test]
    fn what_is_no_plan_is_refused_with_why() {
        let refused = |text: &str| {
            let made = Made {
                source: &"infra".into(),
                scope: "x",
                written_at: Timestamp::UNIX_EPOCH,
                check_interval: SignedDuration::from_hours(1),
            };
            read(text.as_bytes(), &made, &Redactor::default()).unwrap_err()
        };
        assert!(refused("<html>").starts_with("no plan as JSON: expected value"), "{}", refused("<html>"));
        assert!(refused("{}").contains("terraform show -json"));
        assert_eq!(refused(r#"{"format_version":"2.0"}"#), "a plan of format 2.0, and 1.x is known");
        let deep = format!("{{\"resource_drift\":{}", "[".repeat(200_000));
        assert!(refused(&deep).contains("recursion limit"), "{}", refused(&deep));
    }
}
