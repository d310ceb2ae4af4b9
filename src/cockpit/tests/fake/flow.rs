//! One instance as its source tells it, with its steps, its attempts and what may be done.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{ago, now};
use crate::domain::flow::{EntryOutcome, FlowDetail, FlowInstance, TimelineEntry};
use crate::domain::promise::Promise;
use crate::domain::remediation::{Verb, VerbOffer};
use crate::domain::run::{Attempt, Attempts, StepRun, Stretch, StretchKind};
use crate::domain::text::SafeText;
use crate::domain::verdict::{Circumstances, Thresholds, judge};
use crate::ops::FlowAnswer;

fn run(step: &str, stretches: &[(StretchKind, i64, Option<i64>)], failures: &[i64], outcome: EntryOutcome) -> StepRun {
    let stretches = stretches.iter();
    StepRun {
        step: step.into(),
        stretches: stretches
            .map(|(kind, from, to)| Stretch { kind: *kind, from: ago(*from), to: to.map(ago) })
            .collect(),
        failures: failures.iter().copied().map(ago).collect(),
        outcome,
    }
}

pub(in crate::cockpit) fn answer(flow: FlowInstance) -> FlowAnswer {
    let judgement = judge(&flow, &Thresholds::default(), &Circumstances { now: now(), holder: None });
    let entry = |start: i64, end: Option<i64>, what: &str, outcome, note: Option<&str>| TimelineEntry {
        at: Some(ago(start)),
        ended_at: end.map(ago),
        what: what.into(),
        outcome,
        note: note.map(SafeText::from),
    };
    FlowAnswer {
        deployments: true,
        detail: FlowDetail {
            error: vec![
                "relation \"tenant_features\" does not exist (SQLSTATE 42P01) at character 15".into(),
                "  at Migrator.apply (/srv/migrations/dist/apply.js:88:15)".into(),
                "  at async Workflow.run (/srv/migrations/dist/workflow.js:31:5)".into(),
            ],
            timeline: vec![
                entry(960, Some(959), "created", EntryOutcome::Note, None),
                entry(959, Some(958), "validate", EntryOutcome::Done, None),
                entry(958, Some(930), "lock-schema", EntryOutcome::Done, None),
                entry(930, Some(900), "apply", EntryOutcome::Failed, Some("attempt 1: relation does not exist")),
                entry(900, None, "apply", EntryOutcome::Open, Some("paused after attempt 12")),
            ],
            runs: vec![
                run("(queued)", &[(StretchKind::Queued, 960, Some(959))], &[], EntryOutcome::Done),
                run("validate", &[(StretchKind::Running, 959, Some(958))], &[], EntryOutcome::Done),
                run("lock-schema", &[(StretchKind::Running, 958, Some(930))], &[], EntryOutcome::Done),
                run(
                    "apply",
                    &[
                        (StretchKind::Running, 930, Some(925)),
                        (StretchKind::BackingOff, 925, Some(915)),
                        (StretchKind::Running, 915, Some(900)),
                        (StretchKind::Paused, 900, None),
                    ],
                    &[925, 900],
                    EntryOutcome::Open,
                ),
            ],
            attempts: Attempts {
                list: [(1, 930, 925), (2, 915, 900)]
                    .into_iter()
                    .map(|(number, began, failed)| Attempt {
                        number: Some(number),
                        step: Some("apply".into()),
                        began_at: Some(ago(began)),
                        failed_at: Some(ago(failed)),
                        error: Some("relation \"tenant_features\" does not exist".into()),
                    })
                    .collect(),
                note: Some("the engine tells equal failures in a row once".into()),
            },
            facts: vec![
                ("deployment", "dp_14LsPzGz9HBxXIeBoH5wYUh".into()),
                ("invoked by", "ingress".into()),
                ("retention", "24 h".into()),
            ],
            flow,
        },
        judgement,
        verbs: vec![
            VerbOffer { verb: Verb::Resume, refusal: None, needs: None },
            VerbOffer { verb: Verb::Cancel, refusal: Some("its source is stale".into()), needs: None },
        ],
        promises: BTreeMap::from([
            ("validate".into(), Promise { run: Some(SignedDuration::from_secs(5)), queue: None }),
            ("apply".into(), Promise { run: Some(SignedDuration::from_secs(20)), queue: None }),
        ]),
        read_at: now(),
        clock_offset: SignedDuration::ZERO,
    }
}
