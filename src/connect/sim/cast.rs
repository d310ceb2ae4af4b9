//! Everybody who is in the demo: the families of the incidents, each placed so that what matters happens on time,
//! and the lanes of everyday traffic.

use super::case::{Case, Trouble};
use super::clock::Ms;
use super::dice::{Dice, Index};
use super::faults::{Cure, Fault};
use super::flows::Plane;
use super::incidents::{accounts, billing, platform};
use super::lanes;
use super::script::{Script, State};
use crate::domain::flow::Status;

/// Tenants by what they are in: those of the main incident and of everyday traffic first, then those being
/// provisioned, then those that wait for their approval, then those being deleted.
pub(super) const SETTLED: usize = 109;
pub(super) const NEW: usize = SETTLED;
pub(super) const AWAITING: usize = NEW + 64;
pub(super) const LEAVING: usize = AWAITING + 16;
pub(super) const LEAVERS: usize = super::tenants::BUSY - LEAVING;

/// A family of an incident: alike instances that come once.
struct Family {
    plane: Plane,
    size: u16,
    case: fn(u64, Index) -> Case,
}

const fn family(plane: Plane, size: u16, case: fn(u64, Index) -> Case) -> Family {
    Family { plane, size, case }
}

/// The family of those upgrades that hold a key.
pub(super) const HOLDERS: u8 = 2;

/// The families. Their order is part of the ids, so new ones come last.
const FAMILIES: [Family; 21] = [
    family(Plane::Platform, platform::BROKEN, platform::broken_migration),
    family(Plane::Platform, platform::STORMING, platform::storming_provisioning),
    family(Plane::Billing, 2, billing::stuck_upgrade),
    family(Plane::Billing, 6, billing::blocked_upgrade),
    family(Plane::Platform, 12, platform::awaiting_approval),
    family(Plane::Platform, 4, platform::held),
    family(Plane::Accounts, 1, accounts::overslept),
    family(Plane::Platform, 3, platform::hung_build),
    family(Plane::Platform, 9, platform::locked_zone),
    family(Plane::Billing, 7, billing::declined),
    family(Plane::Accounts, 1, accounts::hostile),
    family(Plane::Accounts, 5, accounts::opted_out),
    family(Plane::Accounts, accounts::SILENT_RESETS, accounts::silent_reset),
    family(Plane::Accounts, accounts::SILENT_CODES, accounts::silent_code),
    family(Plane::Accounts, accounts::CRASHING, accounts::crashing_sync),
    family(Plane::Billing, billing::STARVED, billing::starved_invoice),
    family(Plane::Billing, billing::LOST_REFUNDS, billing::lost_refund),
    family(Plane::Billing, billing::DEADLOCKED, billing::deadlocked_usage),
    family(Plane::Platform, 9, platform::forgotten_backup),
    family(Plane::Platform, 2, platform::hung_drain),
    family(Plane::Platform, 8, platform::throttled_certificate),
];

/// Every instance of a control plane that may be open or failed around a time.
pub(super) fn candidates(seed: u64, plane: Plane, now: Ms) -> impl Iterator<Item = Case> {
    incidents(seed, plane).chain(lanes::candidates(seed, plane, now)).filter(move |case| case.born <= now)
}

/// Every instance of the incidents of a control plane, whenever it is born.
pub(super) fn incidents(seed: u64, plane: Plane) -> impl Iterator<Item = Case> {
    let families = (0_u8..).zip(&FAMILIES).filter(move |(_, family)| family.plane == plane);
    families.flat_map(move |(family, Family { size, case, .. })| {
        (0..*size).map(move |number| case(seed, Index { family, number, generation: 0 }))
    })
}

/// The instance behind an index; `None` where there is none.
pub(super) fn case(seed: u64, index: Index) -> Option<Case> {
    match FAMILIES.get(usize::from(index.family)) {
        Some(family) if index.number < family.size && index.generation == 0 => Some((family.case)(seed, index)),
        Some(_) => None,
        None => lanes::case(seed, index),
    }
}

/// Gives a case the birth with which its trouble begins at `target`.
pub(super) fn place(mut case: Case, target: Ms) -> Case {
    // As long as it is placed, nothing may be over yet: the end of a trouble is a time, and it has no times yet.
    let endless = |trouble| match trouble {
        Trouble::Fault(fault, Cure::At(_)) => Trouble::Fault(fault, Cure::Never),
        Trouble::Late(_) => Trouble::Late(Ms::MAX),
        Trouble::NoWorker(_) => Trouble::NoWorker(Ms::MAX),
        other => other,
    };
    let trouble = case.trouble;
    case.trouble = trouble.map(|(step, what)| (step, endless(what)));
    let script = Script::of(&case, &[], |_| None);
    let onset = script.phases().iter().find(|phase| match trouble {
        Some((step, what)) => phase.step == step && begins(what, phase.state),
        None => false,
    });
    case.trouble = trouble;
    case.born = onset.map_or(target, |phase| target.saturating_sub(phase.at));
    case
}

/// When the trouble of a case first shows, were nobody to act on it; a forgotten one is due then.
pub(super) fn meets(case: &Case) -> Option<Ms> {
    let (step, what) = case.trouble?;
    let script = Script::of(case, &[], |_| None);
    let shows = script.phases().iter().find(|phase| phase.step == step && begins(what, phase.state));
    match what {
        Trouble::Forgotten(_) => case.due,
        _ => shows.map(|phase| phase.at),
    }
}

/// Whether a state is the one in which a trouble shows.
fn begins(trouble: Trouble, state: State) -> bool {
    match trouble {
        Trouble::Fault(fault, _) if fault.crashes() => matches!(state, State::Running { attempt: 2, .. }),
        Trouble::Fault(Fault::Refused | Fault::Hiccup | Fault::SmsDown | Fault::Deadlock, _) => {
            matches!(state, State::BackingOff { .. })
        }
        Trouble::Fault(..) => matches!(state.status(), Status::Paused | Status::Failed),
        Trouble::Hang => matches!(state, State::Running { .. }),
        Trouble::Held => matches!(state, State::Paused { .. }),
        Trouble::Unanswered | Trouble::Late(_) => matches!(state, State::Waiting { .. }),
        Trouble::NoWorker(_) => matches!(state, State::Starved),
        Trouble::Forgotten(_) => matches!(state, State::Scheduled { .. }),
    }
}

/// The first family number of the lanes.
pub(super) const FIRST_LANE: u8 = 64;

/// Where a case is rolled from, for lanes that need chance before they have a case.
pub(super) const fn lane_dice(seed: u64, lane: Index) -> Dice {
    Dice::new(seed ^ 0x1A4E, ((lane.family as u64) << 16) | lane.number as u64)
}
