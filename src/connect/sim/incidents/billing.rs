//! What is wrong with the money: keys held by failed upgrades, a pool that is gone, lost callbacks, deadlocks.

use super::super::case::{Aspect, Case, Trouble};
use super::super::cast::{HOLDERS, SETTLED, place};
use super::super::clock::{HOUR, MINUTE, Ms, SECOND};
use super::super::dice::Index;
use super::super::faults::{Cure, Fault};
use super::super::flows::{EXPIRED_CARD, METER_USAGE, REFUND_PAYMENT, SEND_INVOICE, UPGRADE_PLAN};
use super::{newcomer, nth};

/// The pool that renders loses its last worker.
pub(in super::super) const POOL_GONE: Ms = -7 * MINUTE - 20 * SECOND;

/// It has workers again.
const POOL_ENDS: Ms = 18 * MINUTE;

/// The provider sends its callbacks once more.
const CALLBACKS_END: Ms = 30 * MINUTE;

/// Somebody ends the query that holds the ledger's locks.
const DEADLOCKS_END: Ms = 16 * MINUTE;

/// Invoices that nobody renders: one every 24 s.
pub(in super::super) const STARVED: u16 = 61;

/// Refunds that the provider answered, and nobody heard it: one every twelve minutes.
pub(in super::super) const LOST_REFUNDS: u16 = 22;

/// Hours of usage that can't be posted: one every 20 s.
pub(in super::super) const DEADLOCKED: u16 = 34;

/// Its cause is over, so that a resume goes through and lets those behind it go.
pub(in super::super) fn stuck_upgrade(seed: u64, index: Index) -> Case {
    let tenant = 20 + 11 * usize::from(index.number);
    let case = newcomer(seed, index, &UPGRADE_PLAN, tenant);
    let paused = -26 * MINUTE - nth(index) * 15 * MINUTE - case.roll(Aspect::Time).between(0, MINUTE);
    place(case.with("entitlements", Trouble::Fault(Fault::Gateway, Cure::At(paused + 20 * SECOND))), paused)
}

pub(in super::super) fn blocked_upgrade(seed: u64, index: Index) -> Case {
    // Four wait for the first key and two for the second, each behind those that came before it.
    let (holder, first) = if index.number < 4 { (0, 0) } else { (1, 4) };
    let holder = stuck_upgrade(seed, Index { family: HOLDERS, number: holder, generation: 0 });
    let mut case = newcomer(seed, index, &UPGRADE_PLAN, holder.tenant);
    let place_in_queue = Ms::from(index.number - first);
    case.born = -21 * MINUTE + place_in_queue * 5 * MINUTE + case.roll(Aspect::Time).between(0, 4 * MINUTE);
    case.before = vec![holder.index];
    case.before.extend((first..index.number).map(|number| Index { number, ..index }));
    case
}

/// The nightly run met cards that the bank declines.
pub(in super::super) fn declined(seed: u64, index: Index) -> Case {
    let mut case = newcomer(seed, index, &EXPIRED_CARD, 0);
    case.tenant = case.roll(Aspect::Tenant).below(SETTLED);
    let ago = 72 * MINUTE + case.roll(Aspect::Time).between(0, 9 * MINUTE);
    place(case.with("charge", Trouble::Fault(Fault::Declined, Cure::Never)), -ago)
}

pub(in super::super) fn starved_invoice(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &SEND_INVOICE, (6 + 5 * usize::from(index.number)) % SETTLED);
    let roll = case.roll(Aspect::Time);
    let queued = nth(index) * 24 * SECOND - 7 * MINUTE + roll.fork(0).between(0, 10 * SECOND);
    // The workers that come back take them one after another.
    let taken = POOL_ENDS + roll.fork(1).between(0, MINUTE);
    place(case.with("render", Trouble::NoWorker(taken)), queued)
}

pub(in super::super) fn lost_refund(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &REFUND_PAYMENT, (2 + 7 * usize::from(index.number)) % SETTLED);
    let roll = case.roll(Aspect::Time);
    let since = nth(index) * 12 * MINUTE - 5 * HOUR + roll.fork(0).between(0, 3 * MINUTE);
    let heard = CALLBACKS_END + roll.fork(1).between(0, 90 * SECOND);
    place(case.with("await-provider", Trouble::Late(heard)), since)
}

pub(in super::super) fn deadlocked_usage(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &METER_USAGE, (1 + 3 * usize::from(index.number)) % SETTLED);
    let failed = 4 * MINUTE + nth(index) * 20 * SECOND + case.roll(Aspect::Time).between(0, 8 * SECOND);
    place(case.with("post", Trouble::Fault(Fault::Deadlock, Cure::At(DEADLOCKS_END))), failed)
}
