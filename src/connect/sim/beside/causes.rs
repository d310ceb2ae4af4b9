//! The hidden cause of each incident: a change like any other, which nothing that is told marks as the cause.

use super::super::cast;
use super::super::clock::{MINUTE, Ms, SECOND};
use super::super::deployments::REGISTERED;
use super::super::dice::{Dice, Index};
use super::changes::{release, setting};
use super::news::News;

/// What a cause is told as.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// Other code, of these versions where they matter.
    Release(Option<(&'static str, &'static str)>),
    /// A setting, in these words.
    Setting(&'static str),
}

/// An incident that a change has caused.
#[derive(Debug)]
pub(super) struct Incident {
    pub(super) nth: u64,
    pub(super) flow: &'static str,
    /// Its step; where it is another flow's, too, that one's.
    #[cfg_attr(not(test), allow(dead_code, reason = "what the world's truth says of it is for tests"))]
    pub(super) steps: &'static [(&'static str, &'static str)],
    /// The family of its instances, and the number of the one that met it first.
    first: (u8, u16),
    /// Which service was changed, in one way or another.
    ways: &'static [(&'static str, Change)],
    /// In which region alone.
    region: Option<&'static str>,
    /// When it was changed, where that is no matter of chance.
    at: Option<Ms>,
}

const fn incident(
    nth: u64,
    steps: &'static [(&'static str, &'static str)],
    first: (u8, u16),
    ways: &'static [(&'static str, Change)],
) -> Incident {
    Incident { nth, flow: steps[0].0, steps, first, ways, region: None, at: None }
}

use Change::{Release, Setting};

/// The incidents that a change has caused; see [`incidents`](super::super::incidents) for what they are.
pub(super) const INCIDENTS: [Incident; 13] = [
    Incident {
        at: Some(REGISTERED),
        ..incident(
            0,
            &[("schema-migration", "apply-0042")],
            (0, 0),
            &[("schema-svc", Release(Some(("4.2.0", "4.2.1"))))],
        )
    },
    Incident {
        region: Some(super::super::tenants::DOOR),
        ..incident(
            1,
            &[("tenant-provisioning", "database")],
            (1, 0),
            &[
                ("db-primary", Setting("connections 400 \u{2192} 40")),
                ("db-primary", Setting("policy v4 is asked of whoever connects")),
                ("db-primary", Release(None)),
            ],
        )
    },
    incident(
        2,
        &[("reset-password", "sms"), ("verify-phone", "send-code")],
        (12, 0),
        &[("sms-gateway", Setting("route carrier-a \u{2192} carrier-b")), ("sms-gateway", Release(None))],
    ),
    incident(
        3,
        &[("send-invoice", "render")],
        (15, 0),
        &[("invoicing", Setting("workers 6 \u{2192} 0")), ("invoicing", Release(None))],
    ),
    incident(
        4,
        &[("sync-directory", "apply")],
        (14, 0),
        &[
            ("directory-sync", Release(Some(("0.9.5", "0.9.6")))),
            ("directory-sync", Setting("memory limit 2048 \u{2192} 512 MiB")),
        ],
    ),
    incident(
        5,
        &[("refund-payment", "await-provider")],
        (16, 0),
        &[("payments", Setting("address for the provider's callbacks moved")), ("payments", Release(None))],
    ),
    incident(
        6,
        &[("nightly-backup", "(queued)")],
        (18, 0),
        &[
            ("backups", Setting("schedule of the night moved to another leader")),
            ("scheduler", Setting("nightly runs moved to another leader")),
        ],
    ),
    incident(
        7,
        &[("meter-usage", "post")],
        (17, 0),
        &[("ledger", Setting("index on ledger_entries dropped")), ("metering", Release(None))],
    ),
    incident(
        8,
        &[("upgrade-plan", "entitlements")],
        (2, 1),
        &[("payments", Setting("gateway timeout 30 \u{2192} 2 s")), ("entitlements", Release(None))],
    ),
    incident(
        9,
        &[("rotate-certificate", "order")],
        (20, 0),
        &[("edge", Setting("certificates are renewed 60 days before their end, was 30")), ("edge", Release(None))],
    ),
    incident(
        10,
        &[("create-pipeline", "build")],
        (7, 2),
        &[("pipelines", Release(None)), ("pipelines", Setting("image of builds 22.04 \u{2192} 24.04"))],
    ),
    incident(
        11,
        &[("resize-cluster", "drain")],
        (19, 1),
        &[("capacity", Setting("disruption budget while nodes drain 1 \u{2192} 0")), ("capacity", Release(None))],
    ),
    incident(
        12,
        &[("delete-tenant", "release-dns")],
        (8, 8),
        &[("dns", Setting("registrar lock on for every zone")), ("dns", Release(None))],
    ),
];

impl Incident {
    fn dice(&self, seed: u64) -> Dice {
        Dice::new(seed ^ 0x00CA_05E5, self.nth)
    }

    /// The service by which it usually comes.
    pub(super) fn service(&self) -> &'static str {
        self.ways.first().map_or("web", |(service, _)| service)
    }

    /// When the first instance met it.
    pub(super) fn onset(&self, seed: u64) -> Ms {
        let (family, number) = self.first;
        let case = cast::case(seed, Index { family, number, generation: 0 });
        case.and_then(|case| cast::meets(&case)).unwrap_or(0)
    }

    /// When its cause took effect: within a minute before the first instance met it, or within twenty.
    pub(super) fn caused_at(&self, seed: u64) -> Ms {
        let dice = self.dice(seed).fork(0);
        let (least, most) = match dice.fork(0).below(10) {
            0..3 => (8 * SECOND, MINUTE),
            3..8 => (MINUTE, 6 * MINUTE),
            _ => (6 * MINUTE, 20 * MINUTE),
        };
        self.at.unwrap_or_else(|| self.onset(seed) - dice.fork(1).between(least, most))
    }

    /// Its cause.
    pub(super) fn cause(&self, seed: u64) -> News {
        let dice = self.dice(seed);
        let at = self.caused_at(seed);
        let way = self.ways.get(dice.fork(1).below(self.ways.len())).or(self.ways.first());
        let news = match way {
            Some((service, Release(versions))) => release(at, dice, service, *versions, self.region),
            Some((service, Setting(what))) => setting(at, dice, service, what, self.region),
            None => setting(at, dice, self.service(), "changed", self.region),
        };
        news.told_in_part(self.flow)
    }
}
