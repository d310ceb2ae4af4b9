//! What is wrong on the platform: the main incident, dead primaries, a forgotten night, and what hangs or was left.

use super::super::case::{Aspect, Case, Trouble};
use super::super::cast::{AWAITING, LEAVERS, LEAVING, NEW, SETTLED, place};
use super::super::clock::{HOUR, MINUTE, Ms, SECOND};
use super::super::dice::Index;
use super::super::faults::{Cure, Fault};
use super::super::flows::{
    CREATE_PIPELINE, DELETE_TENANT, NIGHTLY_BACKUP, RESIZE_CLUSTER, ROTATE_CERTIFICATE, SCHEMA_MIGRATION,
    TENANT_PROVISIONING,
};
use super::{newcomer, nth};

/// The cause of the main incident ends: somebody elsewhere rolls `schema-svc` back.
pub(in super::super) const SCHEMA_ENDS: Ms = 12 * MINUTE;

/// The primaries take connections again.
const DATABASE_ENDS: Ms = 8 * MINUTE;

/// A new leader of the scheduler finds what the old one forgot.
const SCHEDULER_ENDS: Ms = 15 * MINUTE;

/// Migrations that the deploy breaks: 61 by the start, then one every 15 s until it is rolled back.
const BROKEN_BY_START: u16 = 61;
pub(in super::super) const BROKEN: u16 = BROKEN_BY_START + 48;

/// Provisionings that meet a dead primary: 40 that retry for long by the start, then one every 25 s.
const STORMING_AT_START: u16 = 40;
pub(in super::super) const STORMING: u16 = STORMING_AT_START + 24;

pub(in super::super) fn broken_migration(seed: u64, index: Index) -> Case {
    let n = nth(index);
    let start = Ms::from(BROKEN_BY_START);
    let case = newcomer(seed, index, &SCHEMA_MIGRATION, usize::from(index.number));
    let jitter = case.roll(Aspect::Time).between(0, 3 * SECOND);
    // The first one is paused just after 15 minutes before the start, the 61st a second or more before it.
    let paused =
        if n < start { n * 14_750 - 15 * MINUTE + 2 * jitter } else { (n - start + 1) * 15 * SECOND - SECOND - jitter };
    place(case.with("apply-0042", Trouble::Fault(Fault::Relation, Cure::At(SCHEMA_ENDS))), paused)
}

pub(in super::super) fn storming_provisioning(seed: u64, index: Index) -> Case {
    let n = nth(index);
    let start = Ms::from(STORMING_AT_START);
    let case = newcomer(seed, index, &TENANT_PROVISIONING, NEW + usize::from(index.number));
    let jitter = case.roll(Aspect::Time).between(-6 * SECOND, 6 * SECOND);
    let failed =
        if n < start { n * 16_500 - 810 * SECOND + jitter } else { (n - start) * 25 * SECOND - 105 * SECOND + jitter };
    place(case.with("database", Trouble::Fault(Fault::Refused, Cure::At(DATABASE_ENDS))), failed)
}

/// Two have been forgotten for more than three days.
pub(in super::super) fn awaiting_approval(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &TENANT_PROVISIONING, AWAITING + usize::from(index.number));
    let roll = case.roll(Aspect::Time);
    let since = match index.number {
        0 => 81 * HOUR + roll.between(0, HOUR),
        1 => 74 * HOUR + roll.between(0, HOUR),
        n => Ms::from(n - 1) * 155 * MINUTE + roll.between(0, 2 * HOUR),
    };
    place(case.with("approval", Trouble::Unanswered), -since)
}

pub(in super::super) fn held(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &TENANT_PROVISIONING, AWAITING + 12 + usize::from(index.number));
    let since = 95 * MINUTE + nth(index) * 4 * MINUTE + case.roll(Aspect::Time).between(0, 2 * MINUTE);
    place(case.with("dns", Trouble::Held), -since)
}

pub(in super::super) fn hung_build(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &CREATE_PIPELINE, 40 + 7 * usize::from(index.number));
    let since = [40, 31, 53].get(usize::from(index.number)).map_or(MINUTE, |minutes| minutes * MINUTE);
    place(case.with("build", Trouble::Hang), -since)
}

/// Something that runs there does not let go.
pub(in super::super) fn hung_drain(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &RESIZE_CLUSTER, 15 + 60 * usize::from(index.number));
    place(case.with("drain", Trouble::Hang), -(22 + 12 * nth(index)) * MINUTE)
}

pub(in super::super) fn locked_zone(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &DELETE_TENANT, LEAVING + usize::from(index.number) % LEAVERS);
    let ago = 24 * MINUTE + nth(index) * 58 * MINUTE + case.roll(Aspect::Time).between(0, 30 * MINUTE);
    place(case.with("release-dns", Trouble::Fault(Fault::Registrar, Cure::Never)), -ago)
}

/// Backups of a night that was never begun.
pub(in super::super) fn forgotten_backup(seed: u64, index: Index) -> Case {
    let mut case = newcomer(seed, index, &NIGHTLY_BACKUP, (9 + 11 * usize::from(index.number)) % SETTLED);
    let due = -35 * MINUTE + nth(index) * 3 * MINUTE;
    case.due = Some(due);
    case.born = due - 20 * HOUR;
    let found = SCHEDULER_ENDS + case.roll(Aspect::Time).between(0, 40 * SECOND);
    case.with("snapshot", Trouble::Forgotten(found))
}

/// The authority takes orders again, so that a resume goes through.
pub(in super::super) fn throttled_certificate(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &ROTATE_CERTIFICATE, (4 + 13 * usize::from(index.number)) % SETTLED);
    let paused = -95 * MINUTE + nth(index) * 9 * MINUTE + case.roll(Aspect::Time).between(0, 5 * MINUTE);
    place(case.with("order", Trouble::Fault(Fault::Throttled, Cure::At(paused + 20 * SECOND))), paused)
}
