//! The platform's flows: tenants, their databases, names and pipelines.

use super::super::clock::{DAY, HOUR, MINUTE, SECOND};
use super::{Flow, Plane, StepKind, wait, work};

pub(in super::super) static TENANT_PROVISIONING: Flow = Flow {
    name: "tenant-provisioning",
    plane: Plane::Platform,
    deployment: "provisioner 3.9.0",
    owner: "team-platform",
    caller: "signup POST /v1/tenants",
    keyed: false,
    steps: &[
        work("network", 3 * SECOND, 9 * SECOND),
        work("database", 12 * SECOND, 30 * SECOND),
        work("dns", 3 * SECOND, 9 * SECOND),
        // Most are approved by a rule within seconds; a person decides on the rest.
        wait("approval", StepKind::Person, 4 * SECOND, 35 * SECOND),
        work("welcome-mail", 400, 1_500),
    ],
};

pub(in super::super) static SCHEMA_MIGRATION: Flow = Flow {
    name: "schema-migration",
    plane: Plane::Platform,
    deployment: "schema-svc 4.2.1",
    owner: "team-data",
    caller: "schema-svc rollout 4.2.1",
    keyed: false,
    steps: &[work("lock", 300, 1_500), work("apply-0042", 2 * SECOND, 9 * SECOND), work("verify", SECOND, 4 * SECOND)],
};

pub(in super::super) static CREATE_PIPELINE: Flow = Flow {
    name: "create-pipeline",
    plane: Plane::Platform,
    deployment: "pipelines 2.18.5",
    owner: "team-delivery",
    caller: "api POST /v1/pipelines",
    keyed: false,
    steps: &[
        work("repository", 2 * SECOND, 6 * SECOND),
        work("build", MINUTE, 5 * MINUTE),
        work("deploy", 8 * SECOND, 40 * SECOND),
    ],
};

pub(in super::super) static PROVISION_DATABASE: Flow = Flow {
    name: "provision-database",
    plane: Plane::Platform,
    deployment: "provisioner 3.9.0",
    owner: "team-data",
    caller: "api POST /v1/databases",
    keyed: false,
    steps: &[
        work("volume", 15 * SECOND, 60 * SECOND),
        work("primary", MINUTE, 200 * SECOND),
        work("replica", MINUTE, 4 * MINUTE),
        work("backup", 5 * SECOND, 20 * SECOND),
    ],
};

pub(in super::super) static DELETE_TENANT: Flow = Flow {
    name: "delete-tenant",
    plane: Plane::Platform,
    deployment: "lifecycle 1.12.3",
    owner: "team-platform",
    caller: "console DELETE /tenants",
    keyed: false,
    steps: &[
        work("suspend", 2 * SECOND, 6 * SECOND),
        work("export", 30 * SECOND, 200 * SECOND),
        wait("grace-period", StepKind::Timer, 30 * DAY, 30 * DAY),
        work("drop-data", 20 * SECOND, 90 * SECOND),
        work("release-dns", 2 * SECOND, 9 * SECOND),
    ],
};

pub(in super::super) static DEPLOY_RELEASE: Flow = Flow {
    name: "deploy-release",
    plane: Plane::Platform,
    deployment: "deployer 5.2.0",
    owner: "team-delivery",
    caller: "pipelines on merge",
    keyed: false,
    steps: &[
        work("roll-out", 20 * SECOND, 70 * SECOND),
        wait("canary", StepKind::Timer, 5 * MINUTE, 5 * MINUTE),
        work("promote", 15 * SECOND, 60 * SECOND),
    ],
};

pub(in super::super) static ROTATE_CERTIFICATE: Flow = Flow {
    name: "rotate-certificate",
    plane: Plane::Platform,
    deployment: "edge 9.4.3",
    owner: "team-edge",
    caller: "scheduler, 30 days before the end",
    keyed: false,
    steps: &[
        work("order", SECOND, 4 * SECOND),
        work("challenge", 8 * SECOND, 40 * SECOND),
        work("install", 2 * SECOND, 9 * SECOND),
    ],
};

pub(in super::super) static ADD_DOMAIN: Flow = Flow {
    name: "add-domain",
    plane: Plane::Platform,
    deployment: "edge 9.4.3",
    owner: "team-edge",
    caller: "console POST /domains",
    keyed: false,
    steps: &[
        wait("await-dns", StepKind::Callback(Some(3 * DAY)), 2 * MINUTE, 9 * HOUR),
        work("certificate", 9 * SECOND, 45 * SECOND),
        work("route", SECOND, 5 * SECOND),
    ],
};

pub(in super::super) static RESTORE_BACKUP: Flow = Flow {
    name: "restore-backup",
    plane: Plane::Platform,
    deployment: "backups 6.0.8",
    owner: "team-data",
    caller: "console POST /restores",
    keyed: false,
    steps: &[
        work("locate", SECOND, 6 * SECOND),
        work("copy", 2 * MINUTE, 7 * MINUTE),
        work("verify", 20 * SECOND, 80 * SECOND),
    ],
};

pub(in super::super) static NIGHTLY_BACKUP: Flow = Flow {
    name: "nightly-backup",
    plane: Plane::Platform,
    deployment: "backups 6.0.8",
    owner: "team-data",
    caller: "scheduler, nightly",
    keyed: false,
    steps: &[
        work("snapshot", 20 * SECOND, 90 * SECOND),
        work("upload", MINUTE, 5 * MINUTE),
        work("prune", 2 * SECOND, 12 * SECOND),
    ],
};

pub(in super::super) static RESIZE_CLUSTER: Flow = Flow {
    name: "resize-cluster",
    plane: Plane::Platform,
    deployment: "capacity 3.3.1",
    owner: "team-platform",
    caller: "autoscaler",
    keyed: false,
    steps: &[
        work("cordon", SECOND, 5 * SECOND),
        work("drain", MINUTE, 6 * MINUTE),
        work("resize", 90 * SECOND, 4 * MINUTE),
    ],
};

pub(in super::super) static EXPORT_DATA: Flow = Flow {
    name: "export-data",
    plane: Plane::Platform,
    deployment: "exporter 2.7.0",
    owner: "team-data",
    caller: "console POST /exports",
    keyed: false,
    steps: &[
        work("collect", 30 * SECOND, 4 * MINUTE),
        work("package", 10 * SECOND, 70 * SECOND),
        work("notify", 400, 2 * SECOND),
    ],
};
