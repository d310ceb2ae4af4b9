//! Everybody who is in the demo: the families of the incident, each placed so that what matters happens on time,
//! and the lanes of everyday traffic.

use super::case::{Aspect, Case, Trouble};
use super::clock::{DAY, HOUR, MINUTE, Ms, SECOND};
use super::dice::{Dice, Index};
use super::faults::{Cure, DATABASE_ENDS, Fault, SCHEMA_ENDS};
use super::flows::{
    CREATE_PIPELINE, DELETE_TENANT, DELETE_USER, EXPIRED_CARD, Flow, INVITE_USER, RESET_PASSWORD, SCHEMA_MIGRATION,
    TENANT_PROVISIONING, UPGRADE_PLAN,
};
use super::lanes;
use super::script::{Script, State};
use crate::domain::flow::Status;

/// Migrations that the deploy breaks: 61 by the start, then one every 15 s until it is rolled back.
const BROKEN_BY_START: u16 = 61;
const BROKEN: u16 = BROKEN_BY_START + 48;

/// Provisionings that meet a dead primary: 40 that retry for long by the start, then one every 25 s.
const STORMING_AT_START: u16 = 40;
const STORMING: u16 = STORMING_AT_START + 24;

/// Tenants by what they are in: those of the main incident and of everyday traffic first, then those being
/// provisioned, then those that wait for their approval, then those being deleted.
pub(super) const SETTLED: usize = 109;
const NEW: usize = SETTLED;
const AWAITING: usize = NEW + 64;
const LEAVING: usize = AWAITING + 16;
const LEAVERS: usize = super::tenants::COUNT - LEAVING;

/// A family of the incident: alike instances that come once.
struct Family {
    size: u16,
    case: fn(u64, Index) -> Case,
}

/// The families. Their order is part of the ids, so new ones come last.
const FAMILIES: [Family; 11] = [
    Family { size: BROKEN, case: broken_migration },
    Family { size: STORMING, case: storming_provisioning },
    Family { size: 2, case: stuck_upgrade },
    Family { size: 6, case: blocked_upgrade },
    Family { size: 12, case: awaiting_approval },
    Family { size: 4, case: held },
    Family { size: 1, case: overslept },
    Family { size: 3, case: hung_build },
    Family { size: 9, case: locked_zone },
    Family { size: 12, case: refused_by_others },
    Family { size: 1, case: hostile },
];

/// Every instance that may be open or failed around a time.
pub(super) fn candidates(seed: u64, now: Ms) -> Vec<Case> {
    let incident = (0_u8..).zip(&FAMILIES).flat_map(move |(family, Family { size, case })| {
        (0..*size).map(move |number| case(seed, Index { family, number, generation: 0 }))
    });
    incident.chain(lanes::candidates(seed, now)).filter(|case| case.born <= now).collect()
}

/// The instance behind an index; `None` where there is none.
pub(super) fn case(seed: u64, index: Index) -> Option<Case> {
    match FAMILIES.get(usize::from(index.family)) {
        Some(family) if index.number < family.size && index.generation == 0 => Some((family.case)(seed, index)),
        Some(_) => None,
        None => lanes::case(seed, index),
    }
}

/// A healthy instance of a family, not placed in time yet.
fn newcomer(seed: u64, index: Index, flow: &'static Flow, tenant: usize) -> Case {
    Case::new(seed, index, flow, tenant, 0)
}

fn broken_migration(seed: u64, index: Index) -> Case {
    let n = Ms::from(index.number);
    let start = Ms::from(BROKEN_BY_START);
    let case = newcomer(seed, index, &SCHEMA_MIGRATION, usize::from(index.number));
    let jitter = case.roll(Aspect::Time).between(0, 3 * SECOND);
    // The first one is paused just after 15 minutes before the start, the 61st a second or more before it.
    let paused =
        if n < start { n * 14_750 - 15 * MINUTE + 2 * jitter } else { (n - start + 1) * 15 * SECOND - SECOND - jitter };
    place(case.with("apply-0042", Trouble::Fault(Fault::Relation, Cure::At(SCHEMA_ENDS))), paused)
}

fn storming_provisioning(seed: u64, index: Index) -> Case {
    let n = Ms::from(index.number);
    let start = Ms::from(STORMING_AT_START);
    let case = newcomer(seed, index, &TENANT_PROVISIONING, NEW + usize::from(index.number));
    let jitter = case.roll(Aspect::Time).between(-6 * SECOND, 6 * SECOND);
    let failed =
        if n < start { n * 16_500 - 810 * SECOND + jitter } else { (n - start) * 25 * SECOND - 105 * SECOND + jitter };
    place(case.with("database", Trouble::Fault(Fault::Refused, Cure::At(DATABASE_ENDS))), failed)
}

/// Its cause is over, so that a resume goes through and lets those behind it go.
fn stuck_upgrade(seed: u64, index: Index) -> Case {
    let tenant = 20 + 11 * usize::from(index.number);
    let case = newcomer(seed, index, &UPGRADE_PLAN, tenant);
    let paused = -26 * MINUTE - Ms::from(index.number) * 15 * MINUTE - case.roll(Aspect::Time).between(0, MINUTE);
    place(case.with("entitlements", Trouble::Fault(Fault::Gateway, Cure::At(paused + 20 * SECOND))), paused)
}

fn blocked_upgrade(seed: u64, index: Index) -> Case {
    // Four wait for the first key and two for the second, each behind those that came before it.
    let (holder, first) = if index.number < 4 { (0, 0) } else { (1, 4) };
    let holder = stuck_upgrade(seed, Index { family: 2, number: holder, generation: 0 });
    let mut case = newcomer(seed, index, &UPGRADE_PLAN, holder.tenant);
    let place_in_queue = Ms::from(index.number - first);
    case.born = -21 * MINUTE + place_in_queue * 5 * MINUTE + case.roll(Aspect::Time).between(0, 4 * MINUTE);
    case.before = vec![holder.index];
    case.before.extend((first..index.number).map(|number| Index { number, ..index }));
    case
}

/// Two have been forgotten for more than three days.
fn awaiting_approval(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &TENANT_PROVISIONING, AWAITING + usize::from(index.number));
    let roll = case.roll(Aspect::Time);
    let since = match index.number {
        0 => 81 * HOUR + roll.between(0, HOUR),
        1 => 74 * HOUR + roll.between(0, HOUR),
        n => Ms::from(n - 1) * 155 * MINUTE + roll.between(0, 2 * HOUR),
    };
    place(case.with("approval", Trouble::Unanswered), -since)
}

fn held(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &TENANT_PROVISIONING, AWAITING + 12 + usize::from(index.number));
    let since = 95 * MINUTE + Ms::from(index.number) * 4 * MINUTE + case.roll(Aspect::Time).between(0, 2 * MINUTE);
    place(case.with("dns", Trouble::Held), -since)
}

fn overslept(seed: u64, index: Index) -> Case {
    place(newcomer(seed, index, &DELETE_USER, 31).with("grace-period", Trouble::Unanswered), -14 * DAY - 22 * MINUTE)
}

fn hung_build(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &CREATE_PIPELINE, 40 + 7 * usize::from(index.number));
    let since = [40, 31, 53].get(usize::from(index.number)).map_or(MINUTE, |minutes| minutes * MINUTE);
    place(case.with("build", Trouble::Hang), -since)
}

fn locked_zone(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &DELETE_TENANT, LEAVING + usize::from(index.number) % LEAVERS);
    let ago = 24 * MINUTE + Ms::from(index.number) * 58 * MINUTE + case.roll(Aspect::Time).between(0, 30 * MINUTE);
    place(case.with("release-dns", Trouble::Fault(Fault::Registrar, Cure::Never)), -ago)
}

/// Declined cards and numbers that take no messages: failures of the outside world.
fn refused_by_others(seed: u64, index: Index) -> Case {
    let card = index.number < 7;
    let flow = if card { &EXPIRED_CARD } else { &RESET_PASSWORD };
    let mut case = newcomer(seed, index, flow, 0);
    case.tenant = case.roll(Aspect::Tenant).below(SETTLED);
    let ago = if card {
        // The nightly run.
        72 * MINUTE + case.roll(Aspect::Time).between(0, 9 * MINUTE)
    } else {
        case.roll(Aspect::Time).between(20 * MINUTE, 7 * HOUR)
    };
    let (step, fault) = if card { ("charge", Fault::Declined) } else { ("sms", Fault::OptedOut) };
    place(case.with(step, Trouble::Fault(fault, Cure::Never)), -ago)
}

fn hostile(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &INVITE_USER, 17);
    place(case.with("mail", Trouble::Fault(Fault::Hostile, Cure::Never)), -107 * MINUTE)
}
/// Gives a case the birth with which its trouble begins at `target`.
fn place(mut case: Case, target: Ms) -> Case {
    let cure_later = |trouble| match trouble {
        // As long as it is placed, nothing may be over yet: the cure is a time, and it has no times yet.
        Trouble::Fault(fault, Cure::At(_)) => Trouble::Fault(fault, Cure::Never),
        other => other,
    };
    let trouble = case.trouble;
    case.trouble = trouble.map(|(step, what)| (step, cure_later(what)));
    let script = Script::of(&case, &[], |_| None);
    let onset = script.phases().iter().find(|phase| match trouble {
        Some((step, what)) => phase.step == step && begins(what, phase.state),
        None => false,
    });
    case.trouble = trouble;
    case.born = onset.map_or(target, |phase| target.saturating_sub(phase.at));
    case
}

/// Whether a state is the one in which a trouble shows.
fn begins(trouble: Trouble, state: State) -> bool {
    match trouble {
        Trouble::Fault(Fault::Refused | Fault::Hiccup, _) => matches!(state, State::BackingOff { .. }),
        Trouble::Fault(..) => matches!(state.status(), Status::Paused | Status::Failed),
        Trouble::Hang => matches!(state, State::Running { .. }),
        Trouble::Held => matches!(state, State::Paused { .. }),
        Trouble::Unanswered => matches!(state, State::Waiting { .. }),
    }
}

/// The first family number of the lanes.
pub(super) const FIRST_LANE: u8 = 64;

/// Where a case is rolled from, for lanes that need chance before they have a case.
pub(super) const fn lane_dice(seed: u64, lane: Index) -> Dice {
    Dice::new(seed ^ 0x1A4E, ((lane.family as u64) << 16) | lane.number as u64)
}
