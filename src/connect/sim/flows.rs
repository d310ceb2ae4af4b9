//! The flows of the demo's SaaS: their steps, how long each takes when nothing is wrong, and who runs them.

use super::clock::{DAY, HOUR, MINUTE, Ms, SECOND};

/// What a step does while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepKind {
    /// Works.
    Work,
    /// Sleeps until a time.
    Timer,
    /// Waits for a callback, with an end of its own where it has one.
    Callback(Option<Ms>),
    /// Waits for a person.
    Person,
}

/// A step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) kind: StepKind,
    /// The least and the most it takes.
    pub(super) takes: (Ms, Ms),
}

/// A flow.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) name: &'static str,
    /// The service and its version.
    pub(super) deployment: &'static str,
    /// Who calls it.
    pub(super) caller: &'static str,
    /// Whether one tenant's instances run one after another.
    pub(super) keyed: bool,
    pub(super) steps: &'static [Step],
}

impl Flow {
    /// The index of a step; 0 where it has none of that name.
    pub(super) fn step(&self, name: &str) -> usize {
        self.steps.iter().position(|step| step.name == name).unwrap_or(0)
    }

    /// The name of the step at an index, or the word for being behind the last one.
    pub(super) fn step_name(&self, index: usize) -> &'static str {
        self.steps.get(index).map_or("(last step)", |step| step.name)
    }
}

/// Every flow, by its name.
pub(super) fn flow(name: &str) -> Option<&'static Flow> {
    FLOWS.into_iter().find(|flow| flow.name == name)
}

const FLOWS: [&Flow; 11] = [
    &TENANT_PROVISIONING,
    &SCHEMA_MIGRATION,
    &RESET_PASSWORD,
    &INVITE_USER,
    &EXPIRED_CARD,
    &UPGRADE_PLAN,
    &CREATE_API_KEY,
    &CREATE_PIPELINE,
    &PROVISION_DATABASE,
    &DELETE_USER,
    &DELETE_TENANT,
];

const fn work(name: &'static str, least: Ms, most: Ms) -> Step {
    Step { name, kind: StepKind::Work, takes: (least, most) }
}

const fn wait(name: &'static str, kind: StepKind, least: Ms, most: Ms) -> Step {
    Step { name, kind, takes: (least, most) }
}

pub(super) static TENANT_PROVISIONING: Flow = Flow {
    name: "tenant-provisioning",
    deployment: "provisioner 3.9.0",
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

pub(super) static SCHEMA_MIGRATION: Flow = Flow {
    name: "schema-migration",
    deployment: "schema-svc 4.2.1",
    caller: "schema-svc rollout 4.2.1",
    keyed: false,
    steps: &[work("lock", 300, 1_500), work("apply-0042", 2 * SECOND, 9 * SECOND), work("verify", SECOND, 4 * SECOND)],
};

pub(super) static RESET_PASSWORD: Flow = Flow {
    name: "reset-password",
    deployment: "identity 7.31.2",
    caller: "web POST /password/reset",
    keyed: false,
    steps: &[work("page", 40, 100), work("sms", 2 * SECOND, 14 * SECOND), work("mail", 8 * SECOND, 50 * SECOND)],
};

pub(super) static INVITE_USER: Flow = Flow {
    name: "invite-user",
    deployment: "identity 7.31.2",
    caller: "web POST /team/invitations",
    keyed: false,
    steps: &[
        work("token", 100, 400),
        work("mail", 2 * SECOND, 12 * SECOND),
        wait("await-accept", StepKind::Callback(Some(7 * DAY)), 10 * MINUTE, 40 * HOUR),
    ],
};

pub(super) static EXPIRED_CARD: Flow = Flow {
    name: "expired-card",
    deployment: "billing 12.4.0",
    caller: "billing nightly dunning",
    keyed: false,
    steps: &[
        work("charge", SECOND, 4 * SECOND),
        work("notify", SECOND, 5 * SECOND),
        wait("await-payment", StepKind::Callback(None), 3 * HOUR, 11 * HOUR),
    ],
};

pub(super) static UPGRADE_PLAN: Flow = Flow {
    name: "upgrade-plan",
    deployment: "billing 12.4.0",
    caller: "web POST /billing/plan",
    keyed: true,
    steps: &[
        work("price", 200, 1_000),
        work("charge", 1_500, 6 * SECOND),
        work("entitlements", 10 * SECOND, 35 * SECOND),
        work("receipt", 500, 3 * SECOND),
    ],
};

pub(super) static CREATE_API_KEY: Flow = Flow {
    name: "create-api-key",
    deployment: "identity 7.31.2",
    caller: "api POST /v1/keys",
    keyed: false,
    steps: &[work("mint", 200, 800), work("replicate", 3 * SECOND, 15 * SECOND)],
};

pub(super) static CREATE_PIPELINE: Flow = Flow {
    name: "create-pipeline",
    deployment: "pipelines 2.18.5",
    caller: "api POST /v1/pipelines",
    keyed: false,
    steps: &[
        work("repository", 2 * SECOND, 6 * SECOND),
        work("build", MINUTE, 5 * MINUTE),
        work("deploy", 8 * SECOND, 40 * SECOND),
    ],
};

pub(super) static PROVISION_DATABASE: Flow = Flow {
    name: "provision-database",
    deployment: "provisioner 3.9.0",
    caller: "api POST /v1/databases",
    keyed: false,
    steps: &[
        work("volume", 15 * SECOND, 60 * SECOND),
        work("primary", MINUTE, 200 * SECOND),
        work("replica", MINUTE, 4 * MINUTE),
        work("backup", 5 * SECOND, 20 * SECOND),
    ],
};

pub(super) static DELETE_USER: Flow = Flow {
    name: "delete-user",
    deployment: "identity 7.31.2",
    caller: "web DELETE /account",
    keyed: false,
    steps: &[
        work("revoke", SECOND, 3 * SECOND),
        work("export", 10 * SECOND, 50 * SECOND),
        wait("grace-period", StepKind::Timer, 14 * DAY, 14 * DAY),
        work("erase", 5 * SECOND, 30 * SECOND),
    ],
};

pub(super) static DELETE_TENANT: Flow = Flow {
    name: "delete-tenant",
    deployment: "lifecycle 1.12.3",
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
