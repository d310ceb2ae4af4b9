//! The flows of the demo's SaaS: their steps, how long each takes when nothing is wrong, who runs them, and who owns
//! them. One file for each control plane.

mod accounts;
mod billing;
mod platform;

pub(super) use self::accounts::*;
pub(super) use self::billing::*;
pub(super) use self::platform::*;
use super::clock::Ms;

/// The control planes of the demo: each is a source of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Plane {
    /// Tenants, their databases, names and pipelines.
    Platform,
    /// People, their keys and how they sign in.
    Accounts,
    /// Money.
    Billing,
}

impl Plane {
    /// Every control plane, the one with the main incident first.
    pub(super) const ALL: [Self; 3] = [Self::Platform, Self::Accounts, Self::Billing];

    /// Its name as a source.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Accounts => "accounts",
            Self::Billing => "billing",
        }
    }
}

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
    /// The control plane that runs it.
    pub(super) plane: Plane,
    /// The service and its version.
    pub(super) deployment: &'static str,
    /// The team that owns the service.
    pub(super) owner: &'static str,
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

    /// The name of the pool whose workers run its steps: that of its service.
    pub(super) fn pool(&self) -> &'static str {
        self.deployment.split_once(' ').map_or(self.deployment, |(service, _)| service)
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

pub(super) const FLOWS: [&Flow; 28] = [
    &TENANT_PROVISIONING,
    &SCHEMA_MIGRATION,
    &CREATE_PIPELINE,
    &PROVISION_DATABASE,
    &DELETE_TENANT,
    &DEPLOY_RELEASE,
    &ROTATE_CERTIFICATE,
    &ADD_DOMAIN,
    &RESTORE_BACKUP,
    &NIGHTLY_BACKUP,
    &RESIZE_CLUSTER,
    &EXPORT_DATA,
    &RESET_PASSWORD,
    &INVITE_USER,
    &CREATE_API_KEY,
    &DELETE_USER,
    &VERIFY_PHONE,
    &CONNECT_SSO,
    &ROTATE_SECRETS,
    &SYNC_DIRECTORY,
    &EXPORT_AUDIT,
    &EXPIRED_CARD,
    &UPGRADE_PLAN,
    &RENEW_SUBSCRIPTION,
    &SEND_INVOICE,
    &REFUND_PAYMENT,
    &START_TRIAL,
    &METER_USAGE,
];

const fn work(name: &'static str, least: Ms, most: Ms) -> Step {
    Step { name, kind: StepKind::Work, takes: (least, most) }
}

const fn wait(name: &'static str, kind: StepKind, least: Ms, most: Ms) -> Step {
    Step { name, kind, takes: (least, most) }
}
