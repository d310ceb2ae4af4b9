//! What a plan hurts, added up over its targets: who sees them, what money moves, what is sent again, who waits behind.
//!
//! Whoever plans knows how to find it out; here it is only added up. What is not known of a target stays known as
//! that: a number of which a part is missing is a least one, and never a plain one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::text::SafeText;

/// For how long after a failure its cause is taken to be there still, unless something tells otherwise.
pub const CAUSE_LASTS: SignedDuration = SignedDuration::from_mins(2);

/// A sum of which parts may not be known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// What is known of it: so many at the least.
    pub least: u64,
    /// Of how many targets it is not known.
    pub unknown: u64,
}

impl Tally {
    /// A sum of which everything is known.
    pub const fn exactly(count: u64) -> Self {
        Self { least: count, unknown: 0 }
    }

    /// Adds what is known of one more target; `None` where nothing is.
    pub const fn add(&mut self, count: Option<u64>) {
        match count {
            Some(count) => self.least = self.least.saturating_add(count),
            None => self.unknown = self.unknown.saturating_add(1),
        }
    }

    /// The sum, if everything of it is known.
    pub const fn exact(self) -> Option<u64> {
        if self.unknown == 0 { Some(self.least) } else { None }
    }

    /// `3`, `3 or more`, or `not known`.
    pub fn words(self) -> String {
        match (self.exact(), self.least) {
            (Some(count), _) => count.to_string(),
            (None, 0) => "not known".to_owned(),
            (None, least) => format!("{least} or more"),
        }
    }
}

/// What one target hurts, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hurt {
    /// Its flow.
    pub flow: Option<SafeText>,
    /// Its tenant.
    pub tenant: Option<SafeText>,
    /// The tier of its tenant.
    pub tier: Option<SafeText>,
    /// Where its tenant is served.
    pub region: Option<SafeText>,
    /// Steps that move money and would run.
    pub money_steps: Option<u64>,
    /// Messages to people that would be sent once more.
    pub messages: Option<u64>,
    /// Instances that wait behind it.
    pub behind: Option<u64>,
}

/// What a whole plan hurts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blast {
    /// How many instances.
    pub instances: u64,
    /// Instances by flow.
    #[serde(default)]
    pub flows: BTreeMap<SafeText, u64>,
    /// Each tenant that is known, once, with its tier where that is known.
    pub tenants: BTreeMap<SafeText, Option<SafeText>>,
    /// Instances of which nobody knows the tenant.
    pub without_tenant: u64,
    /// Instances by region.
    pub regions: BTreeMap<SafeText, u64>,
    /// Instances of which nobody knows the region.
    pub without_region: u64,
    /// Steps that move money.
    pub money_steps: Tally,
    /// Messages that are sent again.
    pub messages: Tally,
    /// Instances that wait behind the targets.
    pub behind: Tally,
    /// How much of what is there is lost, for what drifts: lines and values. `None` where that is no question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loses: Option<Tally>,
    /// When something of the same cohorts failed last, by the local clock; `None` where that is not known, or is no
    /// matter for what is to be done. The hub says it of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
}

impl Blast {
    /// What all of these hurt together.
    pub fn of(targets: impl IntoIterator<Item = Hurt>) -> Self {
        let mut blast = Self::default();
        targets.into_iter().for_each(|target| blast.add(target));
        blast
    }

    /// Adds one more target.
    pub fn add(&mut self, target: Hurt) {
        self.instances = self.instances.saturating_add(1);
        if let Some(flow) = target.flow {
            *self.flows.entry(flow).or_default() += 1;
        }
        match target.tenant {
            Some(tenant) => {
                let tier = self.tenants.entry(tenant).or_default();
                // Of one tenant, a tier that is known once is known.
                *tier = tier.take().or(target.tier);
            }
            None => self.without_tenant += 1,
        }
        match target.region {
            Some(region) => *self.regions.entry(region).or_default() += 1,
            None => self.without_region += 1,
        }
        self.money_steps.add(target.money_steps);
        self.messages.add(target.messages);
        self.behind.add(target.behind);
    }

    /// Adds how much of what is there one more target loses; `None` where that is not known.
    pub fn lose(&mut self, count: Option<u64>) {
        self.loses.get_or_insert_default().add(count);
    }

    /// Whether anything of what is there is lost, or nobody knows that nothing is.
    pub fn destroys(&self) -> bool {
        self.loses.is_some_and(|loses| loses.exact() != Some(0))
    }

    /// Whether what made the targets fail makes others fail just now; `None` where nobody has tried lately.
    pub fn cause_failing(&self, now: Timestamp) -> Option<bool> {
        let lately = self.failed_at.is_some_and(|at| super::time::since(at, now) <= CAUSE_LASTS);
        lately.then_some(true)
    }

    /// The same in words: `still failing: 4s ago one of them was tried and failed`.
    pub fn cause_words(&self, now: Timestamp) -> Option<String> {
        let ago = super::time::words(super::time::since(self.failed_at?, now));
        Some(match self.cause_failing(now) {
            Some(true) => format!("still failing: the last try failed {ago} ago"),
            _ => format!("not known to be gone: the last try failed {ago} ago, and nobody has tried since"),
        })
    }

    /// Distinct tenants by tier; `None` where the tier of one of them, or the tenant of an instance, is not known.
    pub fn tiers(&self) -> Option<BTreeMap<SafeText, u64>> {
        if self.without_tenant > 0 {
            return None;
        }
        let mut tiers = BTreeMap::new();
        for tier in self.tenants.values() {
            *tiers.entry(tier.clone()?).or_default() += 1;
        }
        Some(tiers)
    }

    /// How many tenants of a tier are hurt at the least, and whether that is all.
    pub fn of_tier(&self, tier: &str) -> Tally {
        let least = self.tenants.values().filter(|of| of.as_deref() == Some(tier)).count() as u64;
        let unknown = self.tenants.values().filter(|of| of.is_none()).count() as u64;
        Tally { least, unknown: unknown + self.without_tenant }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hurt(tenant: Option<&str>, tier: Option<&str>, messages: Option<u64>) -> Hurt {
        Hurt { tenant: tenant.map(SafeText::from), tier: tier.map(SafeText::from), messages, ..Hurt::default() }
    }

    #[test]
    fn a_tenant_counts_once_and_what_is_unknown_stays_so() {
        let mut blast = Blast::of([hurt(Some("acme"), None, Some(2)), hurt(Some("acme"), Some("gold"), Some(1))]);
        assert_eq!((blast.instances, blast.tenants.len(), blast.messages.exact()), (2, 1, Some(3)));
        assert_eq!(blast.tiers().unwrap(), BTreeMap::from([("gold".into(), 1)]));
        assert_eq!(blast.money_steps.words(), "not known");
        blast.add(hurt(Some("globex"), None, None));
        assert_eq!(blast.tiers(), None, "of one tenant the tier is not known");
        assert_eq!(blast.of_tier("gold"), Tally { least: 1, unknown: 1 });
        assert_eq!((blast.messages.exact(), blast.messages.words().as_str()), (None, "3 or more"));
        blast.add(hurt(None, Some("gold"), Some(0)));
        assert_eq!((blast.without_tenant, blast.of_tier("gold").unknown), (1, 2));
        assert_eq!(Tally::exactly(4).words(), "4");
    }
}
