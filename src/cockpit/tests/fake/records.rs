//! What stands beside the remediations, made by hand: acts of others, what is in force, and automations.

use jiff::SignedDuration;

use super::now;
use crate::domain::automation::{Automation, AutomationMode, AutomationStatus, Tally, Withheld};
use crate::domain::in_force::{Borrowed, BorrowedKind, InForce, SideEffect};
use crate::domain::outside::{Outside, OutsideAct};
use crate::domain::remediation::Verb;

fn ago(minutes: i64) -> jiff::Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// Three acts of others, and a source that does not tell.
pub(in crate::cockpit) fn outside() -> Outside {
    let act = |minutes, subject: &str, verb, what: &str| OutsideAct {
        at: ago(minutes),
        source: "restate".into(),
        subject: subject.into(),
        verb,
        what: what.into(),
        caller: None,
        by: None,
    };
    Outside {
        acts: vec![
            act(4, "inv_1dQ0000mXk7Vb2oZrT9", Some(Verb::Cancel), "cancelled: tenant-provisioning/run"),
            act(38, "dp_15Vqf4tTgDhz", None, "registered from http://worker:9081: schema-migration, billing"),
            OutsideAct {
                by: Some("jo".into()),
                ..act(700, "inv_1dQ0001mXk7Vb2oZrT9", Some(Verb::Pause), "paused: schema-migration/run")
            },
        ],
        since: Some(ago(24 * 60)),
        untold: vec![("billing".into(), "connection refused".into())],
    }
}

/// One thing that is switched off, and one exception of each kind.
pub(in crate::cockpit) fn in_force() -> InForce {
    let borrowed = |kind, what: &str, reason: &str, minutes| Borrowed {
        kind,
        what: what.into(),
        by: "mara".into(),
        reason: reason.into(),
        until: now() + SignedDuration::from_mins(minutes),
    };
    InForce {
        side_effects: vec![SideEffect {
            id: "se-1".into(),
            remediation: "rem-old".into(),
            what: "the nightly schedule of schema-migration".into(),
            way_back: "switch the schedule on again in the scheduler".into(),
            since: ago(130),
            by: "jo".into(),
        }],
        borrowed: vec![
            borrowed(
                BorrowedKind::BreakGlass,
                "freeze launch is overridden as responder by remediation rem-run",
                "customers are waiting",
                12,
            ),
            borrowed(BorrowedKind::Armed, "shop-eu is armed: acts are let through", "the queue is stuck", 26),
            borrowed(BorrowedKind::Claim, "claimed: tenant-provisioning › database, 298 stuck", "", 44),
        ],
    }
}

/// One that observes, and one that asks and was refused.
pub(in crate::cockpit) fn automations() -> Vec<AutomationStatus> {
    let automation = |name: &str, when: &str, verb, mode| Automation {
        name: name.into(),
        when: when.into(),
        cohort_at_least: Some(10),
        verb,
        mode,
        after: SignedDuration::from_mins(2),
        at_most: 50,
        cooldown: SignedDuration::from_mins(15),
        per_hour: 4,
        reason: "the database is back after a minute or two".into(),
        watch: SignedDuration::from_mins(30),
    };
    vec![
        AutomationStatus {
            automation: automation(
                "resume retry storms",
                "rule:retry_storm flow:tenant-provisioning/*",
                Verb::Resume,
                AutomationMode::Observe,
            ),
            since: Some(ago(3 * 24 * 60)),
            last: Some(ago(6)),
            tally: Tally { open: 12, hit: 31, miss: 9, unknown: 4 },
            proposed: 0,
            refused: None,
            idle: None,
        },
        AutomationStatus {
            automation: automation("cancel orphans", "rule:orphan", Verb::Cancel, AutomationMode::Propose),
            since: Some(ago(50)),
            last: Some(ago(20)),
            tally: Tally { open: 2, ..Tally::default() },
            proposed: 1,
            refused: Some(Withheld {
                at: ago(20),
                why: "not allowed: freeze launch: the launch, until 18:00 UTC".into(),
            }),
            idle: None,
        },
    ]
}
