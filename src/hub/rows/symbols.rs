//! Texts that many rows share, each kept once and counted.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// A text among [`Symbols`].
pub(in crate::hub) type Symbol = u32;

/// No text.
pub(in crate::hub) const NONE: Symbol = u32::MAX;

/// Values that many rows share. One that no row uses any more gives its place to another.
#[derive(Debug)]
pub(in crate::hub) struct Symbols<T> {
    values: Vec<Option<T>>,
    uses: Vec<u32>,
    free: Vec<Symbol>,
    by_value: HashTable<Symbol>,
    hasher: DefaultHashBuilder,
    /// How often a value came or went.
    revision: u64,
}

impl<T> Default for Symbols<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            uses: Vec::new(),
            free: Vec::new(),
            by_value: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            revision: 0,
        }
    }
}

impl<T: Eq + std::hash::Hash> Symbols<T> {
    /// The symbol of a value, used once more. It is copied where it is new.
    pub(in crate::hub) fn take_like(&mut self, value: &T) -> Symbol
    where
        T: Clone,
    {
        self.take_as(value, |known| known == value, || value.clone())
    }

    /// The symbol of a value that is made where it is new. `like` hashes as the value does.
    pub(in crate::hub) fn take_as(
        &mut self,
        like: &impl Hash,
        same: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Symbol {
        let hash = self.hasher.hash_one(like);
        let values = &self.values;
        let known = |symbol: &Symbol| values.get(*symbol as usize).and_then(Option::as_ref).is_some_and(&same);
        if let Some(symbol) = self.by_value.find(hash, known).copied() {
            if let Some(uses) = self.uses.get_mut(symbol as usize) {
                *uses += 1;
            }
            return symbol;
        }
        self.revision += 1;
        let symbol = self.free.pop().unwrap_or_else(|| {
            self.values.push(None);
            self.uses.push(0);
            // Each row adds a few at most, and a store holds fewer than four billion rows.
            u32::try_from(self.values.len() - 1).unwrap_or(NONE)
        });
        if let (Some(slot), Some(uses)) = (self.values.get_mut(symbol as usize), self.uses.get_mut(symbol as usize)) {
            (*slot, *uses) = (Some(make()), 1);
        }
        let (values, hasher) = (&self.values, &self.hasher);
        self.by_value.insert_unique(hash, symbol, |other| {
            values.get(*other as usize).and_then(Option::as_ref).map_or(0, |value| hasher.hash_one(value))
        });
        symbol
    }

    /// One use less. Tells whether it was the last one.
    pub(in crate::hub) fn release(&mut self, symbol: Symbol) -> bool {
        let Some(uses) = self.uses.get_mut(symbol as usize) else { return false };
        *uses = uses.saturating_sub(1);
        if *uses > 0 {
            return false;
        }
        let Some(value) = self.values.get_mut(symbol as usize).and_then(Option::take) else { return false };
        if let Ok(entry) = self.by_value.find_entry(self.hasher.hash_one(&value), |other| *other == symbol) {
            entry.remove();
        }
        self.free.push(symbol);
        self.revision += 1;
        true
    }

    /// The symbol of a value, where it is in use.
    pub(in crate::hub) fn find(&self, value: &T) -> Option<Symbol> {
        let known = |symbol: &Symbol| self.values.get(*symbol as usize).and_then(Option::as_ref) == Some(value);
        self.by_value.find(self.hasher.hash_one(value), known).copied()
    }

    /// The value of a symbol.
    pub(in crate::hub) fn get(&self, symbol: Symbol) -> Option<&T> {
        self.values.get(symbol as usize)?.as_ref()
    }

    /// Every value in use.
    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = (Symbol, &T)> {
        (0..).zip(&self.values).filter_map(|(symbol, value)| Some((symbol, value.as_ref()?)))
    }

    /// How often a value came or went: as long as it is the same, so are they.
    pub(in crate::hub) const fn revision(&self) -> u64 {
        self.revision
    }

    /// One more than the largest symbol.
    pub(in crate::hub) fn end(&self) -> usize {
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::SafeText;

    impl<T: Clone + Eq + Hash> Symbols<T> {
        fn take(&mut self, value: T) -> Symbol {
            let like = value.clone();
            self.take_as(&like, |known| *known == like, || value)
        }
    }

    #[test]
    fn what_hashes_alike_is_found_as_it() {
        let mut symbols = Symbols::<(SafeText, SafeText)>::default();
        let (one, other): (SafeText, SafeText) = ("a".into(), "b".into());
        let symbol = symbols.take((one.clone(), other.clone()));
        let same = |known: &(SafeText, SafeText)| known.0 == one && known.1 == other;
        assert_eq!(symbols.take_as(&(&one, &other), same, || unreachable!("it is known")), symbol);
    }

    #[test]
    fn what_nobody_uses_gives_its_place_away() {
        let mut symbols = Symbols::<SafeText>::default();
        let a = symbols.take("a".into());
        let b = symbols.take("b".into());
        assert_eq!(symbols.take("a".into()), a);
        assert_ne!(a, b);
        symbols.release(a);
        assert_eq!(symbols.get(a), Some(&"a".into()));
        symbols.release(a);
        assert_eq!((symbols.get(a), symbols.find(&"a".into()), symbols.find(&"b".into())), (None, None, Some(b)));
        assert_eq!(symbols.take("c".into()), a);
        assert_eq!(symbols.iter().map(|(_, text)| text.to_string()).collect::<Vec<_>>(), ["c", "b"]);
        for n in 0..10_000 {
            let symbol = symbols.take(n.to_string().into());
            symbols.release(symbol);
        }
        assert!(symbols.end() < 4);
    }
}
