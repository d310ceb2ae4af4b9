use serde_json::json;

use super::*;
use crate::domain::difference::Difference;
use crate::domain::drift::{DriftStatus, Severity};
use crate::domain::event::EventClass;
use crate::domain::flow::{PauseCause, Status, WaitKind};
use crate::domain::tenant::{FieldClass, TenantStatus};

fn teller() -> Teller {
    Teller {
        source: "api".into(),
        now: "2026-11-01T00:00:00Z".parse().unwrap(),
        redactor: Redactor::default(),
        check_interval: SignedDuration::from_hours(24),
    }
}

#[test]
fn an_instance_is_read_with_all_that_may_be_said_of_it() {
    let value = json!({
        "id": 17, "flow": "import", "step": "copy", "status": "Backing-Off", "tenant": "acme", "attempts": "3",
        "created_at": 1_793_491_200, "changed_at": "2026-10-31T22:00:00+02:00",
        "next_retry_at": 1_793_491_200_000_u64, "error": {"code": 503, "text": "password=hunter2 for acme\nmore"},
    });
    let one = flow(&value, &teller()).unwrap();
    assert_eq!((one.id.to_string().as_str(), one.exact_id, one.status), ("api/17", true, Status::BackingOff));
    assert_eq!(one.created_at, one.next_retry_at);
    assert_eq!(one.last_transition_at.unwrap().to_string(), "2026-10-31T20:00:00Z");
    let error = one.error.unwrap();
    assert_eq!((error.code.as_deref(), error.text.as_str()), (Some("503"), "password=[redacted] for acme"));
    assert!(!error.fingerprint.contains("acme"));
    let waits =
        json!({"id": "a", "flow": "f", "status": "waiting", "waits_for": {"kind": "approval", "name": "budget"}});
    let wait = flow(&waits, &teller()).unwrap().wait.unwrap();
    assert_eq!((wait.kind, wait.reference.as_deref()), (WaitKind::Approval, Some("budget")));
    let paused = |by: &str| {
        flow(&json!({"id": "a", "flow": "f", "status": "paused", "paused_by": by}), &teller()).unwrap().pause
    };
    assert_eq!((paused("engine"), paused("person")), (Some(PauseCause::Exhausted), Some(PauseCause::Held)));
    let hidden = flow(&json!({"id": "a\u{202e}b", "flow": "f", "status": "running"}), &teller()).unwrap();
    assert!(!hidden.exact_id, "what is shown otherwise than it is can't be acted on");
}

#[test]
fn where_it_stands_is_a_part_of_its_version() {
    let version = |more: Value| {
        let mut value = json!({"id": "a", "flow": "f", "status": "running", "step": "s"});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        flow(&value, &teller()).unwrap().version
    };
    assert_eq!(version(json!({})), version(json!({"attempts": 5})));
    assert_ne!(version(json!({})), version(json!({"step": "t"})));
    assert_ne!(version(json!({"version": 1})), version(json!({"version": 2})));
    assert_eq!(version(json!({"version": 1})), version(json!({"version": 1, "step": "t"})));
}

#[test]
fn a_tenant_keeps_no_secret_and_marks_what_is_personal() {
    let value = json!({
        "id": "acme", "name": "Acme Ltd", "domains": ["acme.example", null], "status": "ACTIVE", "tier": "gold",
        "versions": {"policy": 3}, "labels": {"crm": true, "api_key": "hunter2"},
        "usage": {"seats": {"used": 3, "limit": 5}, "projects": 2, "storage": null},
        "fields": {
            "email": {"value": "ops@acme.example", "class": "personal"}, "note": "n", "token": "hunter2",
            "pin2": {"value": "hunter2", "class": "secret"},
        },
    });
    let one = tenant(&value, &teller()).unwrap();
    assert_eq!((one.status, one.domains.len(), one.usage.len()), (TenantStatus::Active, 1, 2));
    assert_eq!((one.usage[0].used, one.usage[0].limit, one.usage[1].limit), (Some(3), Some(5), None));
    let classes: Vec<_> = one.fields.iter().map(|field| (field.name.as_str(), field.class)).collect();
    assert_eq!(
        classes,
        [
            ("email", FieldClass::Personal),
            ("note", FieldClass::Plain),
            ("token", FieldClass::Secret),
            ("pin2", FieldClass::Secret)
        ]
    );
    assert!(!format!("{one:?}").contains("hunter2"));
    let unknown = tenant(&json!({"id": 5, "status": "onboarding"}), &teller()).unwrap();
    assert_eq!((unknown.status, unknown.name.as_str()), (TenantStatus::Unknown, "5"));
}

#[test]
fn drift_says_what_differs_and_is_never_green_by_itself() {
    let value = json!({
        "id": "q", "scope": "eu", "wanted": {"seconds": 30, "password": "a"}, "there": {"seconds": 300, "password": "b"},
        "severity": "page", "every": "5m", "checked_at": "2026-10-31T23:59:00Z",
    });
    let one = drift(&value, &teller()).unwrap();
    assert_eq!((one.status, one.severity), (DriftStatus::Drifted, Severity::Critical));
    assert_eq!(one.check_interval, Some(SignedDuration::from_mins(5)));
    assert!(matches!(one.difference, Difference::Documents(_)) && !format!("{one:?}").contains("\"b\""));
    let never = drift(&json!({"id": "q", "status": "not_checked"}), &teller()).unwrap();
    assert_eq!((never.last_checked, never.difference), (None, Difference::Untold));
    let cause = |id: &str, cause: &str| drift(&json!({"id": id, "cause": cause}), &teller()).unwrap().cause_key;
    assert_eq!(cause("a", "x"), cause("b", "x"));
    assert_ne!(cause("a", "x"), cause("a", "y"));
}

#[test]
fn an_event_is_one_as_it_is_or_in_plainer_names() {
    let value = json!({
        "id": 7, "type": "com.example.limit.changed", "time": 1_793_491_200, "tenant": "acme", "by": "ada",
        "summary": "seats 5 -> 9", "before": {"seats": 5}, "after": {"seats": 9}, "sequence": 12, "region": "eu",
    });
    let one = event(&value, &teller()).unwrap();
    assert_eq!((one.class, one.text.as_str(), one.origin.as_str()), (EventClass::Change, "seats 5 -> 9", "/api"));
    assert_eq!((one.by.as_deref(), one.tenant.as_deref(), one.sequence), (Some("ada"), Some("acme"), Some(12)));
    let cloud = json!({"specversion": "1.0", "id": "1", "source": "/ci", "type": "x", "unheard": "of"});
    assert_eq!(event(&cloud, &teller()).unwrap().origin, "/ci");
}

#[test]
fn what_is_wrong_is_told_with_its_field() {
    type Shape = fn(&Value, &Teller) -> Result<(), Wrong>;
    let flows: Shape = |value, teller| flow(value, teller).map(|_| ());
    let tenants: Shape = |value, teller| tenant(value, teller).map(|_| ());
    let drifts: Shape = |value, teller| drift(value, teller).map(|_| ());
    let events: Shape = |value, teller| event(value, teller).map(|_| ());
    for (shape, value, field, why) in [
        (flows, json!([1]), None, "it gives a list, where an object is wanted"),
        (flows, json!({"flow": "f"}), Some("id"), "\"id\" is missing"),
        (flows, json!({"id": "", "flow": "f"}), Some("id"), "\"id\" is null or empty"),
        (flows, json!({"id": [1]}), Some("id"), "\"id\" is a list, where a text is wanted"),
        (flows, json!({"id": 1, "flow": "f"}), Some("status"), "\"status\" is missing"),
        (
            flows,
            json!({"id": 1, "flow": "f", "status": "odd"}),
            Some("status"),
            "is \"odd\", which is none of: scheduled",
        ),
        (flows, json!({"id": 1, "flw": "f"}), Some("flw"), "unknown field \"flw\" (did you mean \"flow\"?)"),
        (
            flows,
            json!({"id": 1, "flow": "f", "status": "running", "created_at": "yesterday"}),
            Some("created_at"),
            "which is no time of RFC 3339",
        ),
        (
            flows,
            json!({"id": 1, "flow": "f", "status": "running", "created_at": "2026-01-01T00:00:00"}),
            Some("created_at"),
            "a time without a zone",
        ),
        (flows, json!({"id": 1, "flow": "f", "status": "running", "created_at": 1e300}), Some("created_at"), "no time"),
        (
            flows,
            json!({"id": 1, "flow": "f", "status": "running", "attempts": -1}),
            Some("attempts"),
            "no whole number",
        ),
        (
            flows,
            json!({"id": 1, "flow": "f", "status": "waiting", "waits_for": {"knd": 1}}),
            Some("waits_for"),
            "\"waits_for\": unknown field",
        ),
        (tenants, json!({"id": 1, "usage": {"seats": "many"}}), Some("usage"), "where { used, limit } is wanted"),
        (tenants, json!({"id": 1, "fields": {"a": [1]}}), Some("fields"), "where a text or { value, class } is wanted"),
        (tenants, json!({"id": 1, "domains": [1]}), Some("domains"), "has a number"),
        (drifts, json!({"id": 1, "patch": "x", "there": 1}), Some("patch"), "and not both"),
        (drifts, json!({"id": 1, "every": "often"}), Some("every"), "\"every\""),
        (events, json!({"id": 1}), Some("type"), "\"type\" is missing"),
        (events, json!({"id": 1, "type": "x", "time": "now"}), Some("time"), "no time of RFC 3339"),
        (events, json!({"specversion": "0.3"}), Some("specversion"), "0.3 is not 1.0"),
    ] {
        let wrong = shape(&value, &teller()).unwrap_err();
        assert_eq!(wrong.field.as_deref(), field, "{value}");
        assert!(wrong.why.contains(why), "{value}: {wrong:?}");
    }
}
