//! The flows around people: their keys, their phones, how they sign in.

use super::super::clock::{DAY, HOUR, MINUTE, SECOND};
use super::{Flow, Plane, StepKind, wait, work};

pub(in super::super) static RESET_PASSWORD: Flow = Flow {
    name: "reset-password",
    plane: Plane::Accounts,
    deployment: "identity 7.31.2",
    owner: "team-identity",
    caller: "web POST /password/reset",
    keyed: false,
    steps: &[work("page", 40, 100), work("sms", 2 * SECOND, 14 * SECOND), work("mail", 8 * SECOND, 50 * SECOND)],
};

pub(in super::super) static INVITE_USER: Flow = Flow {
    name: "invite-user",
    plane: Plane::Accounts,
    deployment: "identity 7.31.2",
    owner: "team-identity",
    caller: "web POST /team/invitations",
    keyed: false,
    steps: &[
        work("token", 100, 400),
        work("mail", 2 * SECOND, 12 * SECOND),
        wait("await-accept", StepKind::Callback(Some(7 * DAY)), 10 * MINUTE, 40 * HOUR),
    ],
};

pub(in super::super) static CREATE_API_KEY: Flow = Flow {
    name: "create-api-key",
    plane: Plane::Accounts,
    deployment: "identity 7.31.2",
    owner: "team-identity",
    caller: "api POST /v1/keys",
    keyed: false,
    steps: &[work("mint", 200, 800), work("replicate", 3 * SECOND, 15 * SECOND)],
};

pub(in super::super) static DELETE_USER: Flow = Flow {
    name: "delete-user",
    plane: Plane::Accounts,
    deployment: "identity 7.31.2",
    owner: "team-identity",
    caller: "web DELETE /account",
    keyed: false,
    steps: &[
        work("revoke", SECOND, 3 * SECOND),
        work("export", 10 * SECOND, 50 * SECOND),
        wait("grace-period", StepKind::Timer, 14 * DAY, 14 * DAY),
        work("erase", 5 * SECOND, 30 * SECOND),
    ],
};

pub(in super::super) static VERIFY_PHONE: Flow = Flow {
    name: "verify-phone",
    plane: Plane::Accounts,
    deployment: "identity 7.31.2",
    owner: "team-identity",
    caller: "web POST /phone",
    keyed: false,
    steps: &[
        work("send-code", SECOND, 9 * SECOND),
        wait("await-code", StepKind::Callback(Some(10 * MINUTE)), 6 * SECOND, 4 * MINUTE),
        work("confirm", 100, 600),
    ],
};

pub(in super::super) static CONNECT_SSO: Flow = Flow {
    name: "connect-sso",
    plane: Plane::Accounts,
    deployment: "sso 4.8.1",
    owner: "team-access",
    caller: "console PUT /sso",
    keyed: false,
    steps: &[
        work("read-metadata", SECOND, 6 * SECOND),
        work("test-login", 2 * SECOND, 15 * SECOND),
        wait("approve", StepKind::Person, 20 * MINUTE, 40 * HOUR),
        work("activate", SECOND, 4 * SECOND),
    ],
};

pub(in super::super) static ROTATE_SECRETS: Flow = Flow {
    name: "rotate-secrets",
    plane: Plane::Accounts,
    deployment: "vault-agent 1.19.0",
    owner: "team-access",
    caller: "scheduler, weekly",
    keyed: false,
    steps: &[
        work("mint", 300, 1_500),
        work("distribute", 4 * SECOND, 25 * SECOND),
        wait("overlap", StepKind::Timer, DAY, DAY),
        work("retire", SECOND, 4 * SECOND),
    ],
};

pub(in super::super) static SYNC_DIRECTORY: Flow = Flow {
    name: "sync-directory",
    plane: Plane::Accounts,
    deployment: "directory-sync 0.9.6",
    owner: "team-access",
    caller: "scheduler, every 15 minutes",
    keyed: false,
    steps: &[
        work("fetch", 3 * SECOND, 20 * SECOND),
        work("apply", 15 * SECOND, 110 * SECOND),
        work("report", 300, 1_500),
    ],
};

pub(in super::super) static EXPORT_AUDIT: Flow = Flow {
    name: "export-audit",
    plane: Plane::Accounts,
    deployment: "audit 2.2.4",
    owner: "team-compliance",
    caller: "api POST /v1/audit/exports",
    keyed: false,
    steps: &[
        work("collect", 40 * SECOND, 3 * MINUTE),
        work("sign", SECOND, 4 * SECOND),
        work("upload", 5 * SECOND, 30 * SECOND),
    ],
};
