//! Borrowed time: every exception that ends by itself. An armed context, whichever process armed it, as the record has it;
//! freezes that a remediation overrides and that is not over; cohorts that somebody has claimed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use super::Hub;
use super::ledger::LedgerError;
use crate::domain::audit::{Action, Entry};
use crate::domain::claim::Claim;
use crate::domain::cohort::Cohort;
use crate::domain::in_force::{Borrowed, BorrowedKind};
use crate::domain::text::SafeText;
use crate::domain::wide::WideRemediation;
use crate::ops::OpsError;

/// So many entries on armings are read: far more than half an hour has.
const ARMINGS: u32 = 500;

impl Hub {
    /// What ends by itself, the next one to end first.
    pub(super) async fn borrowed(&self) -> Result<Vec<Borrowed>, OpsError> {
        let now = (self.clock)();
        let mut all = Vec::new();
        if let Some(runs) = &self.runs {
            let unread = |error: LedgerError| OpsError::Journal(error.to_string().into());
            let entries = runs.ledger().newest([Action::Arm, Action::Disarm], ARMINGS).await.map_err(unread)?;
            all.extend(armings(&entries, &self.gate.context, now));
            all.extend(runs.list().await?.iter().flat_map(|one| overrides(one, now)));
        }
        self.claims.first_look().await;
        let claims = self.claims.in_force(now);
        if !claims.is_empty() {
            let cohorts: Vec<Cohort> =
                self.sources.iter().flat_map(|source| source.grown_board(&self.book, now).cohorts).collect();
            all.extend(claims.into_iter().map(|claim| of_claim(claim, &cohorts)));
        }
        all.sort_by(|one, other| (one.until, one.kind, &one.what).cmp(&(other.until, other.kind, &other.what)));
        Ok(all)
    }
}

/// The armings that hold, of entries of which the newest stands first. Who arms anew has the newer one alone.
fn armings(entries: &[Entry], context: &str, now: Timestamp) -> Vec<Borrowed> {
    #[derive(Deserialize)]
    struct Detail {
        until: Timestamp,
        #[serde(default)]
        reason: String,
    }
    let (mut over, mut armed) = (BTreeSet::new(), BTreeMap::new());
    for entry in entries.iter().filter(|entry| entry.context == context) {
        if entry.action == Action::Disarm.name() {
            over.insert(&entry.remediation);
        } else if let Ok(detail) = serde_json::from_str::<Detail>(&entry.detail) {
            let ended = over.contains(&entry.remediation) || detail.until <= now;
            armed.entry(&entry.actor).or_insert((!ended).then_some(detail));
        }
    }
    let one = |(by, detail): (&String, Option<Detail>)| {
        let Detail { until, reason } = detail?;
        Some(Borrowed {
            kind: BorrowedKind::Armed,
            what: format!("{context} is armed: acts are let through").into(),
            by: by.as_str().into(),
            reason: reason.into(),
            until,
        })
    };
    armed.into_iter().filter_map(one).collect()
}

/// The freezes that a remediation overrides, as long as neither it nor the override is over.
fn overrides(of: &WideRemediation, now: Timestamp) -> Vec<Borrowed> {
    let holds = of.plan.policy.borrowed.iter().filter(|one| !of.state.ended() && one.until > now);
    let told = holds.map(|one| Borrowed {
        kind: BorrowedKind::BreakGlass,
        what: format!("freeze {} is overridden as {} by remediation {}", one.freeze, one.role, of.id).into(),
        by: one.by.clone(),
        reason: one.reason.clone(),
        until: one.until,
    });
    told.collect()
}

fn of_claim(claim: Claim, cohorts: &[Cohort]) -> Borrowed {
    let cohort = cohorts.iter().find(|cohort| cohort.id == claim.cohort);
    let place = match cohort {
        Some(cohort) => format!("{} › {}, {} stuck", cohort.flow, cohort.step, cohort.count),
        None => format!("cohort {}, which is not on the board", claim.cohort),
    };
    Borrowed {
        kind: BorrowedKind::Claim,
        what: SafeText::from(format!("{}: {place}", claim.kind.done())),
        by: claim.by,
        reason: claim.note.unwrap_or_default(),
        until: claim.until,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(NOW + minutes * 60).unwrap()
    }

    fn entry(action: Action, id: &str, by: &str, detail: &Value) -> Entry {
        Entry {
            sequence: 1,
            at_ms: NOW * 1_000,
            actor: by.into(),
            trusted: None,
            context: "prod".into(),
            action: action.name().into(),
            subject: "prod".into(),
            remediation: Some(id.into()),
            plan_hash: None,
            detail: detail.to_string(),
            previous: String::new(),
            hash: String::new(),
        }
    }

    fn arm(id: &str, by: &str, minutes: i64) -> Entry {
        entry(Action::Arm, id, by, &json!({ "until": at(minutes), "reason": "the queue is stuck" }))
    }

    fn told(entries: &[Entry]) -> Vec<(String, i64)> {
        let minutes = |one: &Borrowed| (one.until.as_second() - NOW) / 60;
        armings(entries, "prod", at(0)).iter().map(|one| (one.by.to_string(), minutes(one))).collect()
    }

    #[test]
    fn what_is_armed_by_whomever_is_listed_until_it_is_over() {
        let disarm = |id: &str, by: &str| entry(Action::Disarm, id, by, &json!({ "text": "by hand" }));
        // The newest first.
        assert_eq!(told(&[arm("2", "ben", 20), arm("1", "ada", 10)]), [("ada".into(), 10), ("ben".into(), 20)]);
        assert_eq!(told(&[disarm("1", "ada"), arm("2", "ben", 20), arm("1", "ada", 10)]), [("ben".into(), 20)]);
        assert!(told(&[arm("1", "ada", 0)]).is_empty() && told(&[disarm("1", "ada")]).is_empty());
        // Armed anew, for a shorter time: the older one holds no longer, whichever ends first.
        assert_eq!(told(&[arm("2", "ada", 5), arm("1", "ada", 10)]), [("ada".into(), 5)]);
        assert!(told(&[disarm("2", "ada"), arm("2", "ada", 5), arm("1", "ada", 10)]).is_empty());
        let elsewhere = Entry { context: "test".into(), ..arm("1", "ada", 10) };
        let unread = Entry { detail: "{".into(), ..arm("1", "ada", 10) };
        assert!(told(&[elsewhere, unread]).is_empty());
    }
}
