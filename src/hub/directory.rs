//! The tenants of one source: what its directory told last, and who has vanished from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::tenant::Tenant;
use crate::domain::text::SafeText;
use crate::domain::time::since;

/// For how long a tenant is still known that is told no more: somebody may be looking at it.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(24);

/// A tenant, as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// What was told of it last.
    pub(super) tenant: Arc<Tenant>,
    /// Since when it is told no more; by the local clock.
    pub(super) gone_at: Option<Timestamp>,
}

/// The tenants of one source.
#[derive(Debug, Default)]
pub(super) struct Directory {
    by_id: BTreeMap<SafeText, Listed>,
    /// How many are told now.
    there: usize,
    /// Grows with each pass that told them.
    revision: u64,
}

impl Directory {
    /// Takes what a complete pass has told as the new truth. Of two with one id the first one holds; gives how many were
    /// left out for that, and the id of the first of them.
    pub(super) fn take(&mut self, told: Vec<Tenant>, now: Timestamp) -> (usize, Option<SafeText>) {
        let mut before = std::mem::take(&mut self.by_id);
        let mut twice = (0, None);
        for tenant in told {
            let id = tenant.id.instance.clone();
            if self.by_id.contains_key(&id) {
                twice.0 += 1;
                twice.1.get_or_insert(id);
                continue;
            }
            let tenant = match before.remove(&id) {
                Some(listed) if same(&listed.tenant, &tenant) => listed.tenant,
                _ => Arc::new(tenant),
            };
            self.by_id.insert(id, Listed { tenant, gone_at: None });
        }
        self.there = self.by_id.len();
        self.revision += 1;
        for (id, mut listed) in before {
            if self.by_id.contains_key(&id) {
                continue;
            }
            let gone_at = *listed.gone_at.get_or_insert(now);
            if gone_at <= now && since(gone_at, now) <= KNOWN_FOR {
                self.by_id.insert(id, listed);
            }
        }
        twice
    }

    /// Every tenant that is told now.
    pub(super) fn each(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.by_id.values().filter(|listed| listed.gone_at.is_none()).map(|listed| &listed.tenant)
    }

    /// How many are told now.
    pub(super) const fn len(&self) -> usize {
        self.there
    }

    /// Grows with each pass that told them.
    pub(super) const fn revision(&self) -> u64 {
        self.revision
    }

    /// A tenant by its directory's id, one that has vanished lately among them.
    pub(super) fn get(&self, id: &SafeText) -> Option<&Listed> {
        self.by_id.get(id)
    }
}

/// Whether nothing was told otherwise; when it was told is no part of it.
fn same(one: &Tenant, other: &Tenant) -> bool {
    let mut later = one.clone();
    later.observed_at = other.observed_at;
    later == *other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tenant::tests::tenant;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn names(directory: &Directory) -> Vec<&str> {
        directory.each().map(|tenant| tenant.id.instance.as_str()).collect()
    }

    #[test]
    fn a_pass_is_the_truth_and_who_vanished_is_known_for_a_day() {
        let mut directory = Directory::default();
        directory.take(vec![tenant("b", "B"), tenant("a", "A")], at(0));
        assert_eq!((names(&directory), directory.len()), (vec!["a", "b"], 2));
        directory.take(vec![tenant("b", "B")], at(60));
        assert_eq!((names(&directory), directory.len()), (vec!["b"], 1));
        assert_eq!(directory.get(&"a".into()).unwrap().gone_at, Some(at(60)));
        directory.take(vec![tenant("b", "B")], at(120));
        assert_eq!(
            directory.get(&"a".into()).unwrap().gone_at,
            Some(at(60)),
            "since then, and not since the last look"
        );
        directory.take(vec![tenant("b", "B")], at(60 + 25 * 3_600));
        assert_eq!(directory.get(&"a".into()), None);
        directory.take(vec![tenant("a", "A")], at(60 + 26 * 3_600));
        assert_eq!(directory.get(&"a".into()).unwrap().gone_at, None);
    }

    #[test]
    fn of_two_with_one_id_the_first_one_holds_and_that_is_told() {
        let mut directory = Directory::default();
        let twice = directory.take(vec![tenant("a", "One"), tenant("a", "Two"), tenant("b", "B")], at(0));
        assert_eq!(twice, (1, Some("a".into())));
        assert_eq!(directory.get(&"a".into()).unwrap().tenant.name, "One");
    }

    #[test]
    fn who_has_not_changed_is_held_once() {
        let mut directory = Directory::default();
        directory.take(vec![tenant("a", "A")], at(0));
        let before = directory.get(&"a".into()).unwrap().tenant.clone();
        let mut again = tenant("a", "A");
        again.observed_at = at(60);
        directory.take(vec![again], at(60));
        assert!(Arc::ptr_eq(&before, &directory.get(&"a".into()).unwrap().tenant));
    }
}
