//! The flows in which money moves.

use super::super::clock::{DAY, HOUR, MINUTE, SECOND};
use super::{Flow, Plane, StepKind, wait, work};

pub(in super::super) static EXPIRED_CARD: Flow = Flow {
    name: "expired-card",
    plane: Plane::Billing,
    deployment: "billing 12.4.0",
    owner: "team-billing",
    caller: "billing nightly dunning",
    keyed: false,
    steps: &[
        work("charge", SECOND, 4 * SECOND),
        work("notify", SECOND, 5 * SECOND),
        wait("await-payment", StepKind::Callback(None), 3 * HOUR, 11 * HOUR),
    ],
};

pub(in super::super) static UPGRADE_PLAN: Flow = Flow {
    name: "upgrade-plan",
    plane: Plane::Billing,
    deployment: "billing 12.4.0",
    owner: "team-billing",
    caller: "web POST /billing/plan",
    keyed: true,
    steps: &[
        work("price", 200, 1_000),
        work("charge", 1_500, 6 * SECOND),
        work("entitlements", 10 * SECOND, 35 * SECOND),
        work("receipt", 500, 3 * SECOND),
    ],
};

pub(in super::super) static RENEW_SUBSCRIPTION: Flow = Flow {
    name: "renew-subscription",
    plane: Plane::Billing,
    deployment: "billing 12.4.0",
    owner: "team-billing",
    caller: "scheduler, on the day",
    keyed: false,
    steps: &[work("price", 200, 1_000), work("charge", 1_500, 6 * SECOND), work("extend", 400, 2 * SECOND)],
};

pub(in super::super) static SEND_INVOICE: Flow = Flow {
    name: "send-invoice",
    plane: Plane::Billing,
    deployment: "invoicing 8.1.0",
    owner: "team-finance",
    caller: "billing on charge",
    keyed: false,
    steps: &[
        work("collect", SECOND, 5 * SECOND),
        work("render", 4 * SECOND, 20 * SECOND),
        work("mail", 2 * SECOND, 12 * SECOND),
        work("ledger", 500, 2_500),
    ],
};

pub(in super::super) static REFUND_PAYMENT: Flow = Flow {
    name: "refund-payment",
    plane: Plane::Billing,
    deployment: "payments 10.0.2",
    owner: "team-payments",
    caller: "console POST /refunds",
    keyed: false,
    steps: &[
        work("check", 300, 1_500),
        work("request", SECOND, 5 * SECOND),
        wait("await-provider", StepKind::Callback(Some(2 * HOUR)), 4 * MINUTE, 100 * MINUTE),
        work("notify", 500, 3 * SECOND),
    ],
};

pub(in super::super) static START_TRIAL: Flow = Flow {
    name: "start-trial",
    plane: Plane::Billing,
    deployment: "billing 12.4.0",
    owner: "team-growth",
    caller: "signup POST /v1/trials",
    keyed: false,
    steps: &[
        work("grant", 300, 1_500),
        wait("trial-end", StepKind::Timer, 14 * DAY, 14 * DAY),
        work("decide", 500, 3 * SECOND),
    ],
};

pub(in super::super) static METER_USAGE: Flow = Flow {
    name: "meter-usage",
    plane: Plane::Billing,
    deployment: "metering 3.5.7",
    owner: "team-billing",
    caller: "scheduler, hourly",
    keyed: false,
    steps: &[
        work("collect", 10 * SECOND, 60 * SECOND),
        work("rate", 5 * SECOND, 30 * SECOND),
        work("post", 2 * SECOND, 10 * SECOND),
    ],
};
