//! Chance without state: every roll is a hash of what it is rolled for, so no roll depends on the order of asking.
//!
//! The hash is the finaliser of `SplitMix64` (Steele, Lea, Flood 2014). It is a bijection on 64 bits, so an instance's
//! index can be hidden in its id and had back from it.

/// 2^64 divided by the golden ratio: keeps neighbouring numbers apart before they are mixed.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Mixes 64 bits; no two inputs give one output.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The inverse of [`mix`]: the same steps backwards, with the multiplicative inverses of its factors.
const fn unmix(mut z: u64) -> u64 {
    z = (z ^ (z >> 31) ^ (z >> 62)).wrapping_mul(0x3196_42B2_D24D_8EC3);
    z = (z ^ (z >> 27) ^ (z >> 54)).wrapping_mul(0x96DE_1B17_3F11_9089);
    z ^ (z >> 30) ^ (z >> 60)
}

/// A source of chance for one thing. Copied and forked, never advanced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice(u64);

impl Dice {
    /// The chance of thing `what` in the world of this seed.
    pub(super) const fn new(seed: u64, what: u64) -> Self {
        Self(mix(mix(seed ^ GOLDEN) ^ what))
    }

    /// An independent source for one aspect of the thing.
    pub(super) const fn fork(self, aspect: u64) -> Self {
        Self(mix(self.0.wrapping_add(aspect.wrapping_add(1).wrapping_mul(GOLDEN))))
    }

    /// A number from `low` to `high`, both included; `low` where there is none between them.
    pub(super) fn between(self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        low.saturating_add(i64::try_from(mix(self.0) % span).unwrap_or(0))
    }

    /// A number below `end`; 0 where there is none.
    pub(super) fn below(self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        usize::try_from(mix(self.0) % end).unwrap_or(0)
    }

    /// One of the choices; the default where there is none.
    pub(super) fn pick<T: Copy + Default>(self, choices: &[T]) -> T {
        choices.get(self.below(choices.len())).copied().unwrap_or_default()
    }

    /// Whether it happens, in `percent` of all cases.
    pub(super) fn chance(self, percent: u8) -> bool {
        self.below(100) < usize::from(percent)
    }
}

/// Which instance: a family of alike ones, its number there, and which of those that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Index {
    /// The family.
    pub(super) family: u8,
    /// The number within the family.
    pub(super) number: u16,
    /// Its place in the row of those that follow one another there; 0 where nothing follows.
    pub(super) generation: i32,
}

/// Digits of an id: Crockford's base 32, which has no look-alikes.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const PREFIX: &str = "wf_";

impl Index {
    /// As 64 bits.
    pub(super) fn packed(self) -> u64 {
        u64::from(self.family) << 48 | u64::from(self.number) << 32 | u64::from(self.generation.cast_unsigned())
    }

    fn unpacked(packed: u64) -> Option<Self> {
        let [0, family, n1, n0, g3, g2, g1, g0] = packed.to_be_bytes() else { return None };
        let number = u16::from_be_bytes([n1, n0]);
        Some(Self { family, number, generation: i32::from_be_bytes([g3, g2, g1, g0]) })
    }

    /// The opaque id: `wf_` and 80 bits in base 32, of which the last 16 are a checksum.
    pub(super) fn id(self, seed: u64) -> String {
        let hidden = mix(self.packed().wrapping_add(mix(seed)));
        let bits = u128::from(hidden) << 16 | u128::from(checksum(hidden, seed));
        let digits = (0..16).rev().map(|place| {
            let digit = usize::try_from(bits >> (5 * place) & 31).unwrap_or(0);
            DIGITS.get(digit).map_or('0', |digit| char::from(*digit))
        });
        PREFIX.chars().chain(digits).collect()
    }

    /// The index behind an id; `None` where this world never gave such an id.
    pub(super) fn from_id(id: &str, seed: u64) -> Option<Self> {
        let digits = id.strip_prefix(PREFIX).filter(|digits| digits.len() == 16)?;
        let mut bits: u128 = 0;
        for digit in digits.bytes() {
            let value = DIGITS.iter().position(|known| *known == digit)?;
            bits = bits << 5 | u128::try_from(value).ok()?;
        }
        let hidden = u64::try_from(bits >> 16).ok()?;
        if u128::from(checksum(hidden, seed)) != bits & 0xFFFF {
            return None;
        }
        Self::unpacked(unmix(hidden).wrapping_sub(mix(seed)))
    }
}

/// Sixteen bits that a made-up id is unlikely to have right.
fn checksum(hidden: u64, seed: u64) -> u16 {
    u16::try_from(mix(hidden ^ seed.wrapping_mul(GOLDEN)) & 0xFFFF).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_index() {
        for (family, number, generation) in [(0, 0, 0), (3, 108, 0), (17, 60_000, -123_456), (200, 1, i32::MAX)] {
            let index = Index { family, number, generation };
            let id = index.id(7);
            assert_eq!(id.len(), 19, "{id}");
            assert_eq!(Index::from_id(&id, 7), Some(index));
            assert_eq!(Index::from_id(&id, 8), None, "another world has other ids");
        }
        assert_eq!(Index::from_id("wf_0000000000000000", 7), None);
        assert_eq!(Index::from_id("inv_1", 7), None);
    }

    #[test]
    fn rolls_stay_in_range_and_differ() {
        let dice = Dice::new(1, 2);
        let rolls: std::collections::BTreeSet<i64> = (0..1_000).map(|n| dice.fork(n).between(-5, 5)).collect();
        assert_eq!(rolls, (-5..=5).collect());
        assert_eq!(dice.between(4, 3), 4);
    }
}
