//! Who is there: 2,000 tenants with names of plausible companies, and where each one lives. The first 200 of them are
//! those for whom flows run.

use std::collections::BTreeSet;

use super::cast::{AWAITING, NEW};
use super::dice::Dice;

/// How many tenants there are.
pub(super) const COUNT: usize = 2_000;

/// For how many of them, the first ones, flows run.
pub(super) const BUSY: usize = 200;

/// Stands first in the world's order, so that the tenant everybody types is in the main incident.
const FIRST: &str = "acme";

const CLASSICS: [&str; 48] = [
    "globex",
    "initech",
    "umbrella-eu",
    "umbrella-us",
    "hooli",
    "wonka",
    "soylent",
    "vandelay",
    "cyberdyne",
    "tyrell",
    "nakatomi",
    "oceanic",
    "bluth",
    "duff",
    "rekall",
    "virtucon",
    "zorg",
    "aperture",
    "blackmesa",
    "weyland",
    "yutani",
    "oscorp",
    "dharma",
    "gringotts",
    "monsters-inc",
    "pied-piper",
    "los-pollos",
    "gekko",
    "sterling",
    "prestige",
    "paper-street",
    "massive-dyn",
    "ollivander",
    "tricell",
    "abstergo",
    "encom",
    "sirius",
    "omni-co",
    "planet-ex",
    "kwik-mart",
    "bubba-gump",
    "central-perk",
    "stay-puft",
    "mooby",
    "cheers",
    "entrode",
    "gizmonic",
    "spacely",
];
const HEADS: [&str; 36] = [
    "nor", "vel", "kest", "bram", "lum", "cor", "alt", "ferro", "quant", "hel", "pine", "north", "blue", "river",
    "sol", "mar", "tor", "ever", "clear", "stone", "bright", "cedar", "iron", "data", "cloud", "swift", "amber",
    "fjord", "delta", "harbor", "copper", "zen", "orbit", "maple", "vertex", "ocean",
];
const TAILS: [&str; 24] = [
    "dale", "ware", "soft", "metrics", "forge", "works", "bank", "health", "logic", "freight", "foods", "mobility",
    "insure", "point", "grid", "vale", "tech", "legal", "media", "retail", "care", "pay", "wind", "labs",
];
const SUFFIXES: [&str; 4] = ["-eu", "-us", "-group", "-io"];

/// What tells those apart who have nothing running here.
const KINDS: [&str; 8] = ["-eu", "-us", "-group", "-io", "-north", "-south", "-hq", "-shop"];

/// Where tenants live, the busiest region more than once.
const REGIONS: [&str; 6] = ["eu-west-1", "eu-west-1", "eu-central-1", "us-east-1", "us-east-1", "ap-southeast-2"];

/// The region in which new tenants are provisioned.
pub(super) const DOOR: &str = "eu-west-1";

/// One tenant.
#[derive(Debug, Clone)]
pub(super) struct Tenant {
    /// Its name in the engine.
    pub(super) slug: String,
    /// Its region.
    pub(super) region: &'static str,
    /// What it pays for: gold, silver or bronze.
    pub(super) tier: &'static str,
}

/// All tenants of the world of this seed, in an order in which the classics are spread.
pub(super) fn tenants(seed: u64) -> Vec<Tenant> {
    let dice = Dice::new(seed, u64::MAX);
    let mut slugs: Vec<String> = CLASSICS.iter().map(|name| (*name).to_owned()).collect();
    let mut taken: BTreeSet<String> = slugs.iter().cloned().chain([FIRST.to_owned()]).collect();
    let mut roll = 0;
    // There are 864 pairs, so both loops come to their end long before the names do.
    while slugs.len() + 1 < BUSY {
        roll += 1;
        let dice = dice.fork(roll);
        let mut slug = format!("{}{}", dice.fork(0).pick(&HEADS), dice.fork(1).pick(&TAILS));
        if dice.fork(2).chance(15) {
            slug.push_str(dice.fork(3).pick(&SUFFIXES));
        }
        if taken.insert(slug.clone()) {
            slugs.push(slug);
        }
    }
    for last in (1..slugs.len()).rev() {
        let other = dice.fork(u64::MAX - u64::try_from(last).unwrap_or(0)).below(last + 1);
        slugs.swap(last, other);
    }
    slugs.insert(0, FIRST.to_owned());
    // Six in seven of the quiet ones have a kind behind their name, so that there are names enough.
    while slugs.len() < COUNT {
        roll += 1;
        let dice = dice.fork(roll);
        let mut slug = format!("{}{}", dice.fork(0).pick(&HEADS), dice.fork(1).pick(&TAILS));
        if dice.fork(2).below(7) > 0 {
            slug.push_str(dice.fork(3).pick(&KINDS));
        }
        if taken.insert(slug.clone()) {
            slugs.push(slug);
        }
    }
    let tenant = |slug: String| Tenant { region: region(dice, &slug), tier: tier(dice, &slug), slug };
    let mut all: Vec<Tenant> = slugs.into_iter().map(tenant).collect();
    // Those who are being provisioned come in through one door, but for those who named another one.
    for new in all.iter_mut().skip(NEW).take(AWAITING - NEW) {
        if !new.slug.ends_with("-us") && !new.slug.ends_with("-eu") {
            new.region = DOOR;
        }
    }
    all
}

/// Chance that hangs on a name alone.
fn of_name(dice: Dice, slug: &str) -> Dice {
    dice.fork(slug.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))))
}

/// One in ten is gold, three are silver.
fn tier(dice: Dice, slug: &str) -> &'static str {
    match of_name(dice, slug).fork(1).below(10) {
        0 => "gold",
        1..=3 => "silver",
        _ => "bronze",
    }
}

/// A name that ends in a region's own short name lives there.
fn region(dice: Dice, slug: &str) -> &'static str {
    let dice = of_name(dice, slug);
    if slug.ends_with("-eu") {
        dice.pick(&["eu-west-1", "eu-central-1"])
    } else if slug.ends_with("-us") {
        "us-east-1"
    } else {
        dice.pick(&REGIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_thousand_distinct_names_that_are_long_enough_to_be_masked() {
        let all = tenants(5);
        let distinct: BTreeSet<&str> = all.iter().map(|tenant| tenant.slug.as_str()).collect();
        assert_eq!((all.len(), distinct.len()), (COUNT, COUNT));
        assert!(all.iter().all(|tenant| tenant.slug.len() >= 3), "a fingerprint masks names from three characters on");
        assert_eq!(all[0].slug, "acme");
    }
}
