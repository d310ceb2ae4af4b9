//! Everyday traffic: lanes in which healthy instances follow one another for ever.
//!
//! A lane has a period; its instance number `g` is born at a fixed offset plus `g` periods and ends within two of
//! them. So whoever is open at a time is found by a division, and whoever was there hours ago by its index.

use super::case::{Aspect, Case, Trouble};
use super::cast::{self, SETTLED};
use super::clock::{DAY, HOUR, MINUTE, Ms, SECOND};
use super::dice::Index;
use super::faults::{Cure, Fault};
use super::flows::{
    ADD_DOMAIN, CONNECT_SSO, CREATE_API_KEY, CREATE_PIPELINE, DELETE_TENANT, DELETE_USER, DEPLOY_RELEASE, EXPIRED_CARD,
    EXPORT_AUDIT, EXPORT_DATA, Flow, INVITE_USER, METER_USAGE, NIGHTLY_BACKUP, PROVISION_DATABASE, Plane,
    REFUND_PAYMENT, RENEW_SUBSCRIPTION, RESET_PASSWORD, RESIZE_CLUSTER, RESTORE_BACKUP, ROTATE_CERTIFICATE,
    ROTATE_SECRETS, SEND_INVOICE, START_TRIAL, SYNC_DIRECTORY, StepKind, UPGRADE_PLAN, VERIFY_PHONE,
};

/// Alike lanes.
struct Traffic {
    flow: &'static Flow,
    /// How many lanes.
    lanes: u16,
    /// The least and the most time from one birth to the next in a lane.
    period: (Ms, Ms),
    /// How far ahead its instances are scheduled, where they are.
    ahead: Option<(Ms, Ms)>,
    /// In how many of a hundred instances a step has a hiccup.
    hiccups: u8,
    /// The family whose instance of the same lane holds the key first.
    behind: Option<u8>,
}

impl Traffic {
    const fn new(flow: &'static Flow, lanes: u16, period: (Ms, Ms), hiccups: u8) -> Self {
        Self { flow, lanes, period, ahead: None, hiccups, behind: None }
    }
}

/// The lanes of upgrades, which others queue behind.
const UPGRADES: u8 = cast::FIRST_LANE;

/// The traffic. Its order is part of the ids, so new kinds come last.
static TRAFFIC: [Traffic; 29] = [
    Traffic::new(&UPGRADE_PLAN, 24, (105 * SECOND, 130 * SECOND), 0),
    Traffic { behind: Some(UPGRADES), ..Traffic::new(&UPGRADE_PLAN, 12, (0, 0), 0) },
    Traffic::new(&RESET_PASSWORD, 116, (60 * SECOND, 90 * SECOND), 20),
    Traffic::new(&INVITE_USER, 1_100, (41 * HOUR, 47 * HOUR), 0),
    Traffic::new(&EXPIRED_CARD, 260, (11 * HOUR, 14 * HOUR), 0),
    Traffic::new(&CREATE_API_KEY, 72, (15 * SECOND, 24 * SECOND), 25),
    Traffic::new(&CREATE_PIPELINE, 56, (6 * MINUTE, 8 * MINUTE), 8),
    Traffic::new(&PROVISION_DATABASE, 78, (9 * MINUTE, 11 * MINUTE), 15),
    Traffic::new(&DELETE_USER, 160, (15 * DAY, 16 * DAY), 0),
    Traffic::new(&DELETE_TENANT, 12, (31 * DAY, 33 * DAY), 0),
    Traffic {
        ahead: Some((HOUR, 9 * HOUR)),
        ..Traffic::new(&UPGRADE_PLAN, 14, (9 * HOUR + 10 * MINUTE, 11 * HOUR), 0)
    },
    Traffic {
        ahead: Some((30 * MINUTE, 3 * HOUR)),
        ..Traffic::new(&CREATE_PIPELINE, 16, (3 * HOUR + 20 * MINUTE, 4 * HOUR), 0)
    },
    Traffic::new(&DEPLOY_RELEASE, 48, (390 * SECOND, 8 * MINUTE), 4),
    Traffic { ahead: Some((HOUR, 20 * HOUR)), ..Traffic::new(&ROTATE_CERTIFICATE, 60, (21 * HOUR, DAY), 0) },
    Traffic::new(&ADD_DOMAIN, 40, (8 * HOUR, 10 * HOUR), 0),
    Traffic::new(&RESTORE_BACKUP, 12, (6 * MINUTE, 9 * MINUTE), 0),
    Traffic { ahead: Some((30 * MINUTE, 20 * HOUR)), ..Traffic::new(&NIGHTLY_BACKUP, 150, (21 * HOUR, 23 * HOUR), 0) },
    Traffic::new(&RESIZE_CLUSTER, 10, (8 * MINUTE, 11 * MINUTE), 0),
    Traffic::new(&EXPORT_DATA, 40, (4 * MINUTE, 6 * MINUTE), 5),
    Traffic::new(&VERIFY_PHONE, 60, (150 * SECOND, 260 * SECOND), 10),
    Traffic::new(&CONNECT_SSO, 30, (41 * HOUR, 47 * HOUR), 0),
    Traffic::new(&ROTATE_SECRETS, 60, (25 * HOUR, 27 * HOUR), 0),
    Traffic::new(&SYNC_DIRECTORY, 60, (100 * SECOND, 140 * SECOND), 5),
    Traffic::new(&EXPORT_AUDIT, 24, (170 * SECOND, 220 * SECOND), 0),
    Traffic { ahead: Some((HOUR, 20 * DAY)), ..Traffic::new(&RENEW_SUBSCRIPTION, 900, (21 * DAY, 23 * DAY), 0) },
    Traffic::new(&SEND_INVOICE, 60, (30 * SECOND, 45 * SECOND), 10),
    Traffic::new(&REFUND_PAYMENT, 50, (80 * MINUTE, 110 * MINUTE), 0),
    Traffic::new(&START_TRIAL, 900, (15 * DAY, 16 * DAY), 0),
    Traffic::new(&METER_USAGE, 60, (90 * SECOND, 120 * SECOND), 5),
];

/// Tenants whose key an upgrade of the everyday kind may hold: apart from those whose key is stuck.
const UPGRADING: usize = 60;

/// Every instance of every lane of a control plane that may be open at a time.
pub(super) fn candidates(seed: u64, plane: Plane, now: Ms) -> impl Iterator<Item = Case> {
    let lanes = (cast::FIRST_LANE..).zip(&TRAFFIC).filter(move |(_, traffic)| traffic.flow.plane == plane);
    lanes.flat_map(move |(family, traffic)| {
        (0..traffic.lanes).flat_map(move |number| {
            let (offset, period) = rhythm(seed, traffic, Index { family, number, generation: 0 });
            let newest = (now - offset).div_euclid(period);
            [newest - 1, newest].into_iter().filter_map(move |generation| {
                let generation = i32::try_from(generation).ok()?;
                case(seed, Index { family, number, generation })
            })
        })
    })
}

/// How many steps end between two times in the lanes of a control plane, at most.
pub(super) fn steps_between(seed: u64, plane: Plane, after: Ms, now: Ms) -> u64 {
    let lanes = (cast::FIRST_LANE..).zip(&TRAFFIC).filter(|(_, traffic)| traffic.flow.plane == plane);
    let steps = lanes.map(|(family, traffic)| {
        let (_, period) = rhythm(seed, traffic, Index { family, number: 0, generation: 0 });
        let born = u64::try_from((now - after).max(0) / period + 1).unwrap_or(u64::MAX);
        let steps = traffic.flow.steps.len() as u64 + 1;
        born.saturating_mul(u64::from(traffic.lanes)).saturating_mul(steps)
    });
    steps.fold(0, u64::saturating_add)
}

/// Every instance of every lane of a control plane of which a step may end between two times.
pub(super) fn born_between(seed: u64, plane: Plane, after: Ms, now: Ms) -> impl Iterator<Item = Case> {
    let lanes = (cast::FIRST_LANE..).zip(&TRAFFIC).filter(move |(_, traffic)| traffic.flow.plane == plane);
    lanes.flat_map(move |(family, traffic)| {
        (0..traffic.lanes).flat_map(move |number| {
            let (offset, period) = rhythm(seed, traffic, Index { family, number, generation: 0 });
            // It ends within two periods of its birth.
            let generations = (after - offset).div_euclid(period) - 2..=(now - offset).div_euclid(period);
            generations.filter_map(move |generation| {
                let generation = i32::try_from(generation).ok()?;
                case(seed, Index { family, number, generation })
            })
        })
    })
}

/// The instance behind an index; `None` where there is none.
pub(super) fn case(seed: u64, index: Index) -> Option<Case> {
    let traffic = TRAFFIC.get(usize::from(index.family.checked_sub(cast::FIRST_LANE)?))?;
    if index.number >= traffic.lanes {
        return None;
    }
    let (offset, period) = rhythm(seed, traffic, index);
    let born = offset.saturating_add(period.saturating_mul(Ms::from(index.generation)));
    let mut case = Case::new(seed, index, traffic.flow, 0, born);
    case.tenant = if traffic.flow.keyed {
        // One lane, one key: two lanes never meet.
        let lane = usize::from(index.number) + if traffic.ahead.is_some() { 30 } else { 0 };
        UPGRADING + lane
    } else {
        case.roll(Aspect::Tenant).below(SETTLED)
    };
    if let Some((least, most)) = traffic.ahead {
        case.due = Some(born.saturating_add(case.roll(Aspect::Time).between(least, most)));
    }
    if let Some(family) = traffic.behind {
        case.born = born.saturating_add(case.roll(Aspect::Time).between(2 * SECOND, 6 * SECOND));
        case.before = vec![Index { family, ..index }];
    }
    let hiccup = case.roll(Aspect::Hiccup);
    if hiccup.chance(traffic.hiccups) {
        let step = hiccup.fork(0).below(traffic.flow.steps.len());
        let cure = Cure::Attempt(if hiccup.fork(1).chance(35) { 3 } else { 2 });
        if traffic.flow.steps.get(step).is_some_and(|step| step.kind == StepKind::Work) {
            case.trouble = Some((step, Trouble::Fault(Fault::Hiccup, cure)));
        }
    }
    Some(case)
}

/// When instance 0 of a lane is born, and the time from one birth to the next.
fn rhythm(seed: u64, traffic: &Traffic, lane: Index) -> (Ms, Ms) {
    // Whoever queues behind another lane keeps its time.
    let family = traffic.behind.unwrap_or(lane.family);
    let leader = TRAFFIC.get(usize::from(family - cast::FIRST_LANE)).unwrap_or(traffic);
    let dice = cast::lane_dice(seed, Index { family, ..lane });
    let period = dice.fork(0).between(leader.period.0, leader.period.1).max(1);
    (dice.fork(1).between(-period, 0), period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::sim::script::Script;

    #[test]
    fn everyday_instances_end_within_two_periods() {
        for seed in 0..4 {
            for (family, traffic) in (cast::FIRST_LANE..).zip(&TRAFFIC) {
                for number in 0..traffic.lanes {
                    for generation in -3..3 {
                        let index = Index { family, number, generation };
                        let case = case(seed, index).unwrap();
                        let holder = |before| Script::of(&super::case(seed, before).unwrap(), &[], |_| None).ends();
                        let ends = Script::of(&case, &[], holder).ends().unwrap();
                        let (offset, period) = rhythm(seed, traffic, index);
                        let born = offset + i64::from(generation) * period;
                        assert!(ends < born + 2 * period, "{index:?} lives {} ms of {period}", ends - born);
                        if traffic.flow.keyed {
                            assert!(ends < born + period, "{index:?} still holds the key of the next one");
                        }
                    }
                }
            }
        }
    }
}
