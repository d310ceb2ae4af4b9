//! What is wrong around people: no SMS go out, directory syncs crash, and single ones that the world refused.

use super::super::case::{Aspect, Case, Trouble};
use super::super::cast::{SETTLED, place};
use super::super::clock::{DAY, HOUR, MINUTE, Ms, SECOND};
use super::super::dice::Index;
use super::super::faults::{Cure, Fault};
use super::super::flows::{DELETE_USER, INVITE_USER, RESET_PASSWORD, SYNC_DIRECTORY, VERIFY_PHONE};
use super::{newcomer, nth};

/// The provider sends messages again.
const SMS_ENDS: Ms = 22 * MINUTE;

/// Workers are given the memory that a sync needs since the last release.
const MEMORY_ENDS: Ms = 25 * MINUTE;

/// Resets without their SMS: every 18 s until two minutes before the start, then every 30 s.
const RESETS_EARLY: u16 = 24;
pub(in super::super) const SILENT_RESETS: u16 = RESETS_EARLY + 46;

/// Phones that get no code: one every 50 s.
pub(in super::super) const SILENT_CODES: u16 = 36;

/// Syncs that crash: one every 50 s.
pub(in super::super) const CRASHING: u16 = 40;

pub(in super::super) fn silent_reset(seed: u64, index: Index) -> Case {
    let n = nth(index);
    let early = Ms::from(RESETS_EARLY);
    let case = newcomer(seed, index, &RESET_PASSWORD, (3 + 2 * usize::from(index.number)) % SETTLED);
    let jitter = case.roll(Aspect::Time).between(-5 * SECOND, 5 * SECOND);
    let failed = if n < early { n * 18 * SECOND - 9 * MINUTE } else { (n - early) * 30 * SECOND - 108 * SECOND };
    place(case.with("sms", Trouble::Fault(Fault::SmsDown, Cure::At(SMS_ENDS))), failed + jitter)
}

pub(in super::super) fn silent_code(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &VERIFY_PHONE, (8 + 3 * usize::from(index.number)) % SETTLED);
    let failed = nth(index) * 50 * SECOND - 9 * MINUTE + case.roll(Aspect::Time).between(0, 20 * SECOND);
    place(case.with("send-code", Trouble::Fault(Fault::SmsDown, Cure::At(SMS_ENDS))), failed)
}

pub(in super::super) fn crashing_sync(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &SYNC_DIRECTORY, (5 + 4 * usize::from(index.number)) % SETTLED);
    let crashed = nth(index) * 50 * SECOND - 505 * SECOND + case.roll(Aspect::Time).between(0, 20 * SECOND);
    place(case.with("apply", Trouble::Fault(Fault::OutOfMemory, Cure::At(MEMORY_ENDS))), crashed)
}

/// Numbers that take no messages.
pub(in super::super) fn opted_out(seed: u64, index: Index) -> Case {
    let mut case = newcomer(seed, index, &RESET_PASSWORD, 0);
    case.tenant = case.roll(Aspect::Tenant).below(SETTLED);
    let ago = case.roll(Aspect::Time).between(20 * MINUTE, 7 * HOUR);
    place(case.with("sms", Trouble::Fault(Fault::OptedOut, Cure::Never)), -ago)
}

pub(in super::super) fn overslept(seed: u64, index: Index) -> Case {
    place(newcomer(seed, index, &DELETE_USER, 31).with("grace-period", Trouble::Unanswered), -14 * DAY - 22 * MINUTE)
}

pub(in super::super) fn hostile(seed: u64, index: Index) -> Case {
    let case = newcomer(seed, index, &INVITE_USER, 17);
    place(case.with("mail", Trouble::Fault(Fault::Hostile, Cure::Never)), -107 * MINUTE)
}
