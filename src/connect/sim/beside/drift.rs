//! What the infrastructure controller finds to be otherwise than wanted: policies of tenants, and environments.
//!
//! A policy was to go from v3 to v4 and got stuck among those who are being provisioned, and here and there elsewhere;
//! somebody has changed security groups by hand; some things can't be checked.

use std::collections::HashMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::cast::{LEAVING, NEW};
use super::super::clock::{DAY, HOUR, MINUTE, Ms, SECOND};
use super::super::dice::Dice;
use super::super::tenants::{BUSY, COUNT};
use super::super::world::Moment;
use super::NAME_OF_INFRA;
use crate::domain::difference::{Difference, Documents};
use crate::domain::drift::{Desired, DriftFinding, DriftKind, DriftStatus, Severity};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// How often each thing is checked.
const INTERVAL: Ms = 5 * MINUTE;

/// By so much a check may come later than that, as one does that is told with the next pass.
const LATE: Ms = MINUTE;

/// The roll-out of the policy goes on, a tenant every five seconds.
const ROLLOUT_GOES_ON: Ms = 40 * MINUTE;

/// What is checked beside policies, and is as wanted where nothing is told of it.
const RESOURCES: u64 = 612;

/// The policy that a tenant has at a time.
pub(super) fn policy(seed: u64, nth: usize, now: Ms) -> &'static str {
    if lags(seed, nth, now) { "v3" } else { "v4" }
}

/// Whether a tenant has still the policy of before.
fn lags(seed: u64, nth: usize, now: Ms) -> bool {
    let dice = Dice::new(seed ^ 0x000D_21F7, nth as u64);
    let of_a_hundred = match nth {
        NEW..LEAVING => 92,
        0..BUSY => 6,
        _ => 1,
    };
    let went_on = ROLLOUT_GOES_ON + Ms::try_from(nth % 120).unwrap_or(0) * 5 * SECOND;
    dice.chance(of_a_hundred) && now < went_on
}

/// So long it takes to make something what is wanted.
const RECONCILE_TAKES: Ms = 2 * SECOND;

/// Which environment's security group nobody has checked for a while.
const UNCHECKED: usize = 3;

/// In so many environments an archive is left out, and in two more nobody knows.
const WITHOUT_ARCHIVE: usize = 40;

/// Those of them that take no change.
const LOCKED: [usize; 2] = [17, 31];

const REGIONS: [&str; 4] = ["eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2"];

/// A finding before it is told, and from when to when it can be found.
struct Found {
    id: String,
    scope: String,
    what: String,
    tenant: Option<String>,
    kind: DriftKind,
    status: DriftStatus,
    severity: Severity,
    owner: &'static str,
    desired: (&'static str, Option<&'static str>),
    documents: Option<(Option<Value>, Option<Value>)>,
    note: Option<String>,
    cause: &'static str,
    since: Option<Ms>,
    there: (Ms, Ms),
    /// When it was checked last, where nobody has checked it by themselves since.
    checked: Option<Ms>,
    /// What is answered to whoever wants to have it made what is wanted, where that is refused.
    refuses: Option<&'static str>,
}

/// How an environment of a number is called.
fn environment(number: usize) -> (String, &'static str) {
    let region = REGIONS[number % REGIONS.len()];
    let letter = char::from(b'a' + u8::try_from(number / REGIONS.len() % 26).unwrap_or(0));
    (format!("prod-{region}-{letter}"), region)
}

impl Found {
    fn new(id: String, scope: String, what: &str, cause: &'static str) -> Self {
        Self {
            id,
            scope,
            what: what.to_owned(),
            tenant: None,
            kind: DriftKind::Modified,
            status: DriftStatus::Drifted,
            severity: Severity::Warning,
            owner: "team-platform",
            desired: ("environments/production", Some("r1184")),
            documents: None,
            note: None,
            cause,
            since: None,
            there: (Ms::MIN, Ms::MAX),
            checked: None,
            refuses: None,
        }
    }

    fn policy(slug: &str, region: &str, nth: usize) -> Self {
        let rules = |version: &str, from: &str| {
            json!({"policy": "network-default", "version": version, "egress": [
                {"to": "db-primary", "port": 5432, "from": from}, {"to": "mail-relay", "port": 587, "from": "workers"},
            ]})
        };
        Self {
            tenant: Some(slug.to_owned()),
            kind: DriftKind::VersionSkew,
            desired: ("policies/network-default", Some("v4")),
            documents: Some((Some(rules("v4", "provisioners")), Some(rules("v3", "workers")))),
            note: Some("has v3, v4 is wanted".to_owned()),
            since: nth.is_multiple_of(3).then(|| -26 * HOUR - Ms::try_from(nth).unwrap_or(0) * MINUTE),
            ..Self::new(format!("policy/{slug}"), format!("{region}/{slug}"), "policy network-default", "policy v4")
        }
    }

    fn security_group(number: usize) -> Self {
        let (scope, _) = environment(number);
        let group = |open: Value| json!({"name": "sg-workers", "ingress": open, "tags": {"managed-by": "infra"}});
        let wanted = group(json!([{"port": 443, "from": "10.0.0.0/8"}]));
        let there = group(json!([{"port": 443, "from": "10.0.0.0/8"}, {"port": 22, "from": "0.0.0.0/0"}]));
        Self {
            owner: "team-edge",
            documents: Some((Some(wanted), Some(there))),
            note: Some("port 22 was opened by hand".to_owned()),
            since: Some(-31 * HOUR + Ms::try_from(number).unwrap_or(0) * 3 * MINUTE),
            checked: (number == UNCHECKED).then_some(-25 * MINUTE),
            ..Self::new(format!("sg/{scope}"), scope, "security group sg-workers", "port 22")
        }
    }

    /// One cause in many environments: a release has left the archive out. Two can't be reached, and two take no change.
    fn archive(number: usize) -> Self {
        let (scope, _) = environment(number);
        let there = json!({"setting": "audit-log", "enabled": true});
        let wanted = json!({"setting": "audit-log", "archive": "other-region", "enabled": true});
        let cut_off = number >= WITHOUT_ARCHIVE;
        Self {
            status: if cut_off { DriftStatus::NotChecked } else { DriftStatus::Drifted },
            severity: if cut_off { Severity::Unknown } else { Severity::Warning },
            owner: "team-security",
            documents: (!cut_off).then_some((Some(wanted), Some(there))),
            note: Some(
                if cut_off { "its agent was not reached" } else { "release r1184 left the archive out" }.to_owned(),
            ),
            // The release went around, from one environment to the next.
            since: (!cut_off).then(|| -5 * HOUR + Ms::try_from(number).unwrap_or(0) * MINUTE),
            refuses: LOCKED.contains(&number).then_some("the environment is locked for an audit of its own"),
            ..Self::new(format!("archive/{scope}"), scope, "setting audit-log", "archive left out")
        }
    }

    fn no_backup(number: usize) -> Self {
        let (scope, _) = environment(number);
        Self {
            kind: DriftKind::Missing,
            severity: Severity::Critical,
            owner: "team-data",
            documents: Some((Some(json!({"rule": "nightly-copy", "keep_days": 35, "region": "other"})), None)),
            note: Some("the copy to another region has no rule".to_owned()),
            since: Some(-9 * HOUR - Ms::try_from(number).unwrap_or(0) * MINUTE),
            ..Self::new(format!("copy/{scope}"), scope, "backup rule nightly-copy", "no copy rule")
        }
    }

    fn unmanaged(number: usize) -> Self {
        let (scope, _) = environment(number * 3 + 1);
        Self {
            kind: DriftKind::Unmanaged,
            severity: Severity::Info,
            documents: Some((None, Some(json!({"host": format!("debug-{number}"), "size": "m.large"})))),
            since: Some(-3 * DAY - Ms::try_from(number).unwrap_or(0) * HOUR),
            ..Self::new(format!("host/debug-{number}"), scope, &format!("host debug-{number}"), "by hand")
        }
    }

    fn expiring(number: usize) -> Self {
        let (scope, region) = environment(number);
        let days = 3 + number;
        Self {
            kind: DriftKind::Expiring,
            owner: "team-edge",
            note: Some(format!("valid for {days} more days, 30 are wanted")),
            since: Some(-DAY * Ms::try_from(27 - number).unwrap_or(1)),
            ..Self::new(
                format!("cert/{scope}"),
                scope,
                &format!("certificate *.{region}.example-apps.net"),
                "renewal order",
            )
        }
    }

    fn blind(status: DriftStatus, number: usize) -> Self {
        let (what, note, cause) = match status {
            DriftStatus::Unsupported => ("firmware", "this kind of host can't be checked", "old hosts"),
            DriftStatus::Unknown => ("quota", "the check told nothing", "empty answer"),
            _ => ("node pool", "its agent was not reached", "agent"),
        };
        let scope = format!("prod-ap-southeast-2-{}", char::from(b'a' + u8::try_from(number % 26).unwrap_or(0)));
        Self {
            status,
            severity: Severity::Unknown,
            note: Some(note.to_owned()),
            ..Self::new(format!("{}/{scope}", status.name()), scope, what, cause)
        }
    }

    /// Begins while one looks on, and ends by itself.
    fn replicas(number: usize) -> Self {
        let (scope, _) = environment(number * 5 + 2);
        let pool = |replicas: u32| json!({"deployment": "search", "replicas": replicas});
        Self {
            owner: "team-search",
            documents: Some((Some(pool(6)), Some(pool(2)))),
            note: Some("scaled by hand".to_owned()),
            there: (3 * MINUTE, 20 * MINUTE),
            ..Self::new(format!("replicas/{scope}"), scope, "deployment search", "replicas of search")
        }
    }
}

impl Moment<'_> {
    fn found(&self) -> Vec<Found> {
        let seed = self.world.seed;
        let tenants = self.world.tenants.iter().enumerate();
        let lagging = tenants.filter(|(nth, _)| lags(seed, *nth, self.now));
        let mut all: Vec<Found> =
            lagging.map(|(nth, tenant)| Found::policy(&tenant.slug, tenant.region, nth)).collect();
        all.extend((0..12).map(Found::security_group));
        all.extend((0..WITHOUT_ARCHIVE + 2).map(Found::archive));
        all.extend((0..2).map(Found::no_backup));
        all.extend((0..4).map(Found::unmanaged));
        all.extend((0..6).map(Found::expiring));
        all.extend((0..9).map(|n| Found::blind(DriftStatus::NotChecked, n)));
        all.extend((0..4).map(|n| Found::blind(DriftStatus::Unsupported, n)));
        all.extend((0..2).map(|n| Found::blind(DriftStatus::Unknown, n)));
        all.extend((0..2).map(Found::replicas));
        all.retain(|found| found.there.0 <= self.now && self.now < found.there.1);
        let reconciled = self.world.reconciled();
        for found in &mut all {
            let Some(at) = reconciled.get(&found.id).filter(|at| **at <= self.now) else { continue };
            if self.now < at + RECONCILE_TAKES {
                found.status = DriftStatus::Reconciling;
            } else {
                (found.status, found.documents) = (DriftStatus::InSync, None);
            }
        }
        all
    }

    /// Whether something can be made what is wanted; `Err` says why not.
    pub(super) fn may_reconcile(&self, id: &str) -> Result<(), &'static str> {
        let found = self.found().into_iter().find(|found| found.id == id && found.status == DriftStatus::Drifted);
        found.ok_or("it does not drift")?.refuses.map_or(Ok(()), Err)
    }

    /// Findings by their ids, what is as wanted among them.
    pub(super) fn checked(&self, ids: &[SafeText], redactor: &Redactor) -> Vec<Option<DriftFinding>> {
        let mut told: HashMap<String, Found> =
            self.found().into_iter().map(|found| (found.id.clone(), found)).collect();
        ids.iter().map(|id| told.remove(id.as_str()).map(|found| self.finding(found, redactor))).collect()
    }

    /// Everything that is not, or is not known to be, as wanted; and how much is.
    pub(super) fn drift(&self, redactor: &Redactor) -> (Vec<DriftFinding>, u64) {
        let found = self.found().into_iter().filter(|found| found.status != DriftStatus::InSync);
        let found: Vec<DriftFinding> = found.map(|found| self.finding(found, redactor)).collect();
        let checked = COUNT as u64 + RESOURCES;
        let in_sync = checked.saturating_sub(found.len() as u64);
        (found, in_sync)
    }

    fn finding(&self, found: Found, redactor: &Redactor) -> DriftFinding {
        let dice =
            Dice::new(self.world.seed, found.id.bytes().fold(7, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte)));
        let phase = dice.between(0, INTERVAL - 1);
        let by_itself = found.checked.unwrap_or(self.now - (self.now - phase).rem_euclid(INTERVAL));
        let checked = self.world.checked_at(&found.id).map_or(by_itself, |at| at.max(by_itself));
        let (reference, revision) = found.desired;
        let documents = found.documents;
        DriftFinding {
            id: InstanceId::new(NAME_OF_INFRA, found.id),
            exact_id: true,
            scope: found.scope.into(),
            what: found.what.into(),
            tenant: found.tenant.map(Into::into),
            kind: found.kind,
            status: found.status,
            severity: found.severity,
            owner: Some(found.owner.into()),
            desired: Desired { reference: Some(reference.into()), revision: revision.map(Into::into) },
            difference: documents.map_or(Difference::Untold, |(wanted, there)| {
                Difference::Documents(Documents::of(wanted.as_ref(), there.as_ref(), redactor))
            }),
            note: found.note.map(Into::into),
            cause_key: DriftFinding::cause(&[found.cause]),
            since: found.since.map(|at| self.instant(at)),
            // Whoever can't be reached or can't be checked never was.
            last_checked: (!found.status.is_blind() || found.status == DriftStatus::Unknown)
                .then(|| self.instant(checked)),
            check_interval: Some(SignedDuration::from_millis(INTERVAL + LATE)),
            ignored_until: None,
        }
    }
}
