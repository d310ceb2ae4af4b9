//! What is changed in the world all day long: releases, settings, flags, hosts; and around each incident what has nothing
//! to do with it.

use serde_json::json;

use super::super::clock::{HOUR, MINUTE, Ms, SECOND};
use super::super::dice::Dice;
use super::super::flows::FLOWS;
use super::super::tenants::{DOOR, Tenant};
use super::super::world::Moment;
use super::causes::{INCIDENTS, Incident};
use super::news::{LATEST, News};
use crate::domain::event::EventClass;

/// Changes of everyday life in each hour.
const AN_HOUR: u64 = 10;

/// Flags that are turned in each hour; these are numbered.
const FLAGS_AN_HOUR: u64 = 3;

/// Of every so many numbered ones the record has lost one.
const LOST: u64 = 41;

const SERVICES: [&str; 26] = [
    "web",
    "api-gateway",
    "search",
    "mailer",
    "cdn",
    "db-primary",
    "sms-gateway",
    "ledger",
    "streams",
    "object-store",
    "vault-agent",
    "dns",
    "scheduler",
    "identity",
    "billing",
    "payments",
    "invoicing",
    "provisioner",
    "schema-svc",
    "pipelines",
    "edge",
    "backups",
    "capacity",
    "exporter",
    "directory-sync",
    "metering",
];
const REGIONS: [&str; 4] = ["eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2"];
const SETTINGS: [&str; 9] = [
    "log level",
    "timeout",
    "pool size",
    "retry limit",
    "cache size",
    "rate limit",
    "replicas",
    "memory request",
    "batch size",
];
const FLAGS: [&str; 10] = [
    "new-checkout",
    "dark-nav",
    "fast-search",
    "beta-exports",
    "audit-v2",
    "usage-page",
    "seat-hints",
    "sso-hints",
    "quick-filters",
    "inline-help",
];
const PEOPLE: [&str; 6] = ["ada", "brook", "chen", "dana", "eli", "farah"];

pub(super) const CI: (&str, &str, EventClass) = ("/ci", "ci.deployment.finished", EventClass::Deployment);
pub(super) const CONFIG: (&str, &str, EventClass) = ("/config", "config.changed", EventClass::Change);
pub(super) const FLAG: (&str, &str, EventClass) = ("/flags", "flag.toggled", EventClass::Change);
pub(super) const HOSTS: (&str, &str, EventClass) = ("/infra", "infra.changed", EventClass::Change);

/// Other code of a service.
pub(super) fn release(at: Ms, dice: Dice, service: &str, versions: Option<(&str, &str)>, region: Option<&str>) -> News {
    let (before, after) = match versions {
        Some((before, after)) => (before.to_owned(), after.to_owned()),
        None => {
            let (line, patch) = (line(service), 500 + at.div_euclid(HOUR));
            (format!("{line}.{}", patch - 1), format!("{line}.{patch}"))
        }
    };
    let text = format!("{service} {after} is out{}", place(region));
    let data = json!({"service": service, "before": {"version": before}, "after": {"version": after}});
    let scope = vec![("service", service.to_owned()), ("version", after)];
    let subject = Some(service.to_owned());
    News { by: Some("ci"), subject, data: Some(data), scope, ..News::new(at, dice, CI, text) }.within(region)
}

/// The line of versions in which a service is maintained: that before the one which its flows run on, where it has any.
fn line(service: &str) -> String {
    let of_flows = FLOWS.into_iter().find(|flow| flow.pool() == service);
    let version = of_flows.and_then(|flow| flow.deployment.split_once(' ')).map(|(_, version)| version);
    let numbers = version.map(|version| version.split('.').filter_map(|number| number.parse::<u32>().ok()));
    let mut numbers = numbers.into_iter().flatten();
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => format!("{major}.{}", minor.saturating_sub(1)),
        _ => format!("{}.{}", 1 + service.len() % 5, service.bytes().map(usize::from).sum::<usize>() % 20),
    }
}

/// A setting of a service.
pub(super) fn setting(at: Ms, dice: Dice, service: &str, what: &str, region: Option<&str>) -> News {
    let by = Some(dice.fork(13).pick(&PEOPLE));
    let text = format!("{service}: {what}{}", place(region));
    let scope = vec![("service", service.to_owned())];
    let subject = Some(service.to_owned());
    News { subject, by, scope, ..News::new(at, dice, CONFIG, text) }.within(region)
}

fn place(region: Option<&str>) -> String {
    region.map(|region| format!(" in {region}")).unwrap_or_default()
}

impl News {
    /// In one region, or in all of them.
    fn within(mut self, region: Option<&str>) -> Self {
        self.scope.extend(region.map(|region| ("region", region.to_owned())));
        self
    }

    /// Not everybody says all of what they touch: some name the flow, too; some name no service, some nothing at all.
    pub(super) fn told_in_part(mut self, flow: &str) -> Self {
        match self.dice.fork(2).below(100) {
            0..25 => self.scope.push(("flow", flow.to_owned())),
            25..37 => self.scope.retain(|(name, _)| *name != "service"),
            37..45 => {
                self.scope.clear();
                self.subject = None;
            }
            _ => {}
        }
        self
    }
}

/// A setting with what it was and is.
fn some_setting(dice: Dice) -> String {
    let before = 1 << dice.fork(14).between(2, 9);
    let after = if dice.fork(15).chance(50) { before * 2 } else { before / 2 };
    format!("{} {before} \u{2192} {after}", dice.fork(16).pick(&SETTINGS))
}

/// Something of everyday life.
fn everyday(at: Ms, dice: Dice) -> News {
    let service = dice.fork(0).pick(&SERVICES);
    let region = dice.fork(1).chance(40).then(|| dice.fork(2).pick(&REGIONS));
    let told = match dice.fork(3).below(10) {
        0..4 => release(at, dice, service, None, region),
        4..8 => setting(at, dice, service, &some_setting(dice), region),
        _ => {
            let region = dice.fork(4).pick(&REGIONS);
            let text = match dice.fork(5).below(3) {
                0 => format!("node pool of {region} resized {} \u{2192} {}", 8, 8 + dice.fork(6).between(1, 6)),
                1 => format!("kernel of the hosts in {region} patched"),
                _ => format!("load balancer of {region} drained and back"),
            };
            return News { by: Some("infra-bot"), ..News::new(at, dice, HOSTS, text) }.within(Some(region));
        }
    };
    let own: Vec<&str> = FLOWS.into_iter().filter(|flow| flow.pool() == service).map(|flow| flow.name).collect();
    let any: Vec<&str> = FLOWS.into_iter().map(|flow| flow.name).collect();
    told.told_in_part(dice.fork(7).pick(if own.is_empty() { &any } else { &own }))
}

fn flag(at: Ms, dice: Dice, number: u64) -> News {
    let name = dice.fork(0).pick(&FLAGS);
    let share = [1, 5, 25, 50, 100][dice.fork(1).below(5)];
    let text = format!("flag {name} on for {share} % of all tenants");
    let scope = if dice.fork(2).chance(50) { vec![("service", "web".to_owned())] } else { Vec::new() };
    let by = Some(dice.fork(3).pick(&PEOPLE));
    let subject = Some(name.to_owned());
    News { sequence: Some(number), by, subject, scope, ..News::new(at, dice, FLAG, text) }
}

/// What happens around an incident and is not its cause. At least five, one of them after the cause and before the onset.
fn around(incident: &Incident, seed: u64, tenants: &[Tenant]) -> Vec<News> {
    let dice = Dice::new(seed ^ 0x0AB0_0BAD, incident.nth);
    let onset = incident.onset(seed);
    let lag = onset - incident.caused_at(seed);
    let service = incident.service();
    let other = |n: u64| {
        let others: Vec<&str> = SERVICES.into_iter().filter(|other| *other != service).collect();
        dice.fork(n).pick(&others)
    };
    let before = |n: u64, least: Ms, most: Ms| onset - dice.fork(n).between(least, most.max(least));
    let mut all = vec![
        // Nearer to the onset than the cause.
        release(before(0, lag / 8, lag * 3 / 5), dice.fork(20), other(1), None, None),
        // In a region where many of those who are hurt live.
        setting(before(2, MINUTE, 15 * MINUTE), dice.fork(21), other(3), &some_setting(dice.fork(22)), Some(DOOR)),
        // The same service, where few of them live.
        release(before(4, MINUTE, 20 * MINUTE), dice.fork(23), service, None, Some("ap-southeast-2"))
            .told_in_part(incident.flow),
        // The same service, long before.
        release(before(5, 90 * MINUTE, 240 * MINUTE), dice.fork(24), service, None, None).told_in_part(incident.flow),
        // Another flow's.
        {
            let at = before(6, 2 * MINUTE, 20 * MINUTE);
            let news = setting(at, dice.fork(25), other(7), &some_setting(dice.fork(26)), None);
            let flows: Vec<&str> =
                FLOWS.into_iter().map(|flow| flow.name).filter(|flow| *flow != incident.flow).collect();
            let mut scope = news.scope;
            scope.push(("flow", dice.fork(27).pick(&flows).to_owned()));
            News { scope, ..news }
        },
        // One tenant's own.
        {
            let at = before(8, 10 * SECOND, 5 * MINUTE);
            let tenant = tenants.get(dice.fork(9).below(tenants.len())).map(|tenant| tenant.slug.clone());
            let text = "limit of requests 600 \u{2192} 900 a minute".to_owned();
            News { by: Some(dice.fork(28).pick(&PEOPLE)), tenant, ..News::new(at, dice.fork(29), CONFIG, text) }
        },
    ];
    // Somebody answers to what they see.
    if dice.fork(30).chance(50) {
        let after = onset + dice.fork(31).between(2 * MINUTE, 9 * MINUTE);
        all.push(
            setting(after, dice.fork(32), service, "log level info \u{2192} debug", None).told_in_part(incident.flow),
        );
    }
    // The same service everywhere, and harmless; before the cause.
    if dice.fork(33).chance(35) {
        let earlier = before(34, lag + 12 * MINUTE, lag + 55 * MINUTE);
        all.push(
            setting(earlier, dice.fork(35), service, &some_setting(dice.fork(36)), None).told_in_part(incident.flow),
        );
    }
    all
}

impl Moment<'_> {
    /// What was changed and became readable after a time and up to another.
    pub(super) fn changes(&self, after: Ms, until: Ms) -> Vec<News> {
        let seed = self.world.seed;
        let mut news: Vec<News> = Vec::new();
        for hour in (after - LATEST - MINUTE).div_euclid(HOUR)..=until.div_euclid(HOUR) {
            let dice = Dice::new(seed ^ 0x0C8A_46E5, hour.cast_unsigned());
            let at = |dice: Dice| hour * HOUR + dice.fork(80).between(0, HOUR - 1);
            news.extend((0..AN_HOUR).map(|n| dice.fork(n)).map(|dice| everyday(at(dice), dice)));
            // In the order of their numbers.
            let span = HOUR / Ms::try_from(FLAGS_AN_HOUR).unwrap_or(1);
            let first = u64::try_from(hour + 1_000_000).unwrap_or(0) * FLAGS_AN_HOUR;
            news.extend((0..FLAGS_AN_HOUR).filter(|n| !(first + n).is_multiple_of(LOST)).map(|n| {
                let dice = dice.fork(40 + n);
                let at = hour * HOUR + Ms::try_from(n).unwrap_or(0) * span + dice.fork(81).between(0, span - MINUTE);
                flag(at, dice, first + n - 2_990_000)
            }));
        }
        for incident in &INCIDENTS {
            news.push(incident.cause(seed));
            news.extend(around(incident, seed, &self.world.tenants));
        }
        news.retain(|news| after < news.readable_at() && news.readable_at() <= until);
        // Whoever reads them gets them as they become readable, which is not the order in which they happened.
        news.sort_by_key(|news| (news.readable_at(), news.at));
        news
    }
}
