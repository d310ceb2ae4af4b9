//! Drift that was found.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{ago, now};
use crate::domain::difference::{Difference, Documents, Patch};
use crate::domain::drift::{Desired, DriftFinding, DriftKind, DriftStatus, KnownDrift, Severity};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::ops::{DriftCause, DriftWindow};

const PATCH: &str = "--- \n+++ \n@@ -1,4 +1,4 @@\n server {\n-  listen 8080;\n-  password=hunter2;\n+  listen 443 ssl;\n   \
                     root /srv;\n }\n";

fn documents(wanted: &Value, there: &Value) -> Difference {
    Difference::Documents(Documents::of(Some(wanted), Some(there), &Redactor::default()))
}

fn finding(id: &str, what: &str, status: DriftStatus, severity: Severity, difference: Difference) -> KnownDrift {
    let blind = status.is_blind();
    let finding = DriftFinding {
        id: InstanceId::new("infra", id),
        exact_id: true,
        scope: id.split(':').next().unwrap().into(),
        what: what.into(),
        tenant: (severity == Severity::Critical).then(|| "acme".into()),
        kind: if blind { DriftKind::Missing } else { DriftKind::Modified },
        status,
        severity,
        owner: None,
        desired: Desired { reference: Some("aws_sqs_queue".into()), revision: None },
        difference,
        note: Some(if blind { "it was not reached".into() } else { "it was changed outside of Terraform".into() }),
        cause_key: DriftFinding::cause(&[what]),
        since: None,
        last_checked: (!blind).then(|| ago(if severity == Severity::Warning { 90_000 } else { 240 })),
        check_interval: Some(jiff::SignedDuration::from_mins(5)),
        ignored_until: None,
    };
    let stale = finding.is_stale(now());
    KnownDrift { stale, ..KnownDrift::told(Arc::new(finding), ago(5_400)) }
}

/// Some of each kind; one cause in forty places.
pub(in crate::cockpit) fn window() -> DriftWindow {
    let queue = |seconds: u32| json!({ "delay": 0, "name": "jobs", "tags": { "tenant": "acme" }, "timeout": seconds });
    let row = |first, count, tenants| DriftCause { first, count, scopes: count, tenants };
    let rows = vec![
        row(
            finding(
                "prod-eu:aws_sqs_queue.jobs",
                "aws_sqs_queue.jobs",
                DriftStatus::Drifted,
                Severity::Critical,
                documents(&queue(30), &queue(300)),
            ),
            40,
            37,
        ),
        row(
            finding(
                "web-1:nginx",
                "/etc/nginx/nginx.conf",
                DriftStatus::Drifted,
                Severity::Warning,
                Difference::Patch(Patch::read(PATCH, &Redactor::default())),
            ),
            1,
            0,
        ),
        row(
            finding(
                "web-2:nginx",
                "/etc/nginx/nginx.conf",
                DriftStatus::NotChecked,
                Severity::Unknown,
                Difference::Untold,
            ),
            1,
            0,
        ),
        row(finding("web-3:motd", "/etc/motd", DriftStatus::Resolved, Severity::Info, Difference::Binary), 1, 0),
    ];
    let by_status = [(DriftStatus::Drifted, 41), (DriftStatus::NotChecked, 1), (DriftStatus::Resolved, 1)];
    DriftWindow {
        at: now(),
        total: rows.len(),
        of_all: 43,
        rows,
        offset: 0,
        by_status: by_status.into(),
        by_severity: [(Severity::Critical, 40), (Severity::Warning, 1)].into(),
        in_sync: 1_204,
        in_sync_was: None,
        blind: vec![("salt".into(), "connection refused".into())],
        sources: 2,
    }
}
