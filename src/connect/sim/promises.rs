//! What the owners of the demo's flows have promised of their steps.
//!
//! No more than a step in trouble is late already by another rule: so what is stuck is as the incidents say.

use jiff::SignedDuration;

use crate::domain::promise::Promise;

/// Each promise: the source, the flow, the step.
pub fn promises() -> impl Iterator<Item = (&'static str, &'static str, &'static str, Promise)> {
    let promise = |run: Option<i64>, queue: Option<i64>| Promise {
        run: run.map(SignedDuration::from_secs),
        queue: queue.map(SignedDuration::from_secs),
    };
    let runs = RUNS.into_iter().map(move |(source, flow, step, run)| (source, flow, step, promise(Some(run), None)));
    let queued = ["platform", "accounts"].map(|source| (source, "*", "(queued)", promise(None, Some(5))));
    runs.chain(queued)
}

/// How long steps run at most, in seconds.
const RUNS: [(&str, &str, &str, i64); 15] = [
    ("platform", "tenant-provisioning", "network", 15),
    ("platform", "tenant-provisioning", "database", 45),
    ("platform", "tenant-provisioning", "dns", 15),
    ("platform", "schema-migration", "apply-0042", 15),
    ("platform", "schema-migration", "verify", 10),
    ("platform", "create-pipeline", "build", 360),
    ("platform", "create-pipeline", "deploy", 60),
    ("platform", "provision-database", "volume", 90),
    ("platform", "provision-database", "primary", 240),
    ("platform", "provision-database", "replica", 300),
    ("platform", "deploy-release", "roll-out", 120),
    ("platform", "restore-backup", "copy", 480),
    ("accounts", "reset-password", "mail", 90),
    ("accounts", "sync-directory", "apply", 180),
    ("accounts", "export-audit", "collect", 240),
];
