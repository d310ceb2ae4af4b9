//! The four words of a plan: what a person types before something that nothing takes back.
//!
//! They are made from the plan's hash, so whoever types them has had that plan before their eyes and no other one. They
//! are no secret. The words are the English list of BIP-39: 2048 common ones that no one mistakes for another, since
//! their first four letters differ.

use bip39::Language;
use sha2::{Digest, Sha256};

/// How many words.
const WORDS: u32 = 4;

/// How many bits of the hash one word stands for: there are 2048 words.
const BITS: u32 = 11;

/// The words of the plan of this hash, in lower case, a space between them: 44 bits of the SHA-256 over the hash.
pub fn words(hash: &str) -> String {
    four(hash).join(" ")
}

/// Whether somebody typed the words of the plan of this hash. Case and the space around words are forgiven, nothing else.
pub fn matches(hash: &str, typed: &str) -> bool {
    let mut typed = typed.split_whitespace();
    let all = four(hash).iter().all(|word| typed.next().is_some_and(|typed| typed.eq_ignore_ascii_case(word)));
    all && typed.next().is_none()
}

fn four(hash: &str) -> Vec<&'static str> {
    // Hashed once more, so that any text has its words, however long it is and whatever it is written in.
    let bits = Sha256::digest(hash.as_bytes()).iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let list = Language::English.word_list();
    let word = |n: u32| {
        let index = bits >> (u64::BITS - BITS * (n + 1)) & ((1 << BITS) - 1);
        // Eleven bits always name one of 2048.
        usize::try_from(index).ok().and_then(|index| list.get(index)).copied().unwrap_or_default()
    };
    (0..WORDS).map(word).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::hash::sha256;
    use super::*;

    #[test]
    fn the_list_is_the_published_one() {
        let list = Language::English.word_list();
        let text = format!("{}\n", list.join("\n"));
        // The hash of english.txt as BIP-39 has it.
        assert_eq!(sha256(&text), "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
        let begin: BTreeSet<&str> = list.iter().map(|word| word.get(..4).unwrap_or(word)).collect();
        assert_eq!(begin.len(), list.len());
    }

    #[test]
    fn the_words_are_the_first_bits_of_the_hash() {
        // SHA-256 of "abc" begins with ba7816bf8f01: 10111010011 11000000101 10101111111 00011110000.
        let list = Language::English.word_list();
        let by_hand = [0b101_1101_0011, 0b110_0000_0101, 0b101_0111_1111, 0b000_1111_0000].map(|n: usize| list[n]);
        assert_eq!(words("abc"), by_hand.join(" "));
    }

    #[test]
    fn case_and_space_are_forgiven_and_nothing_else() {
        let told = words("abc");
        let [one, two, three, four] = told.split(' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
        for good in [
            told.clone(),
            told.to_uppercase(),
            format!("  {one}\t{two}   {three} \n {four} "),
            format!("{one}\u{a0}{two} {three} {four}"),
        ] {
            assert!(matches("abc", &good), "{good:?}");
        }
        for bad in [
            String::new(),
            " ".to_owned(),
            format!("{one} {two} {three}"),
            format!("{told} {four}"),
            format!("{two} {one} {three} {four}"),
            format!("{one}{two} {three} {four}"),
            format!("{one}-{two}-{three}-{four}"),
            format!("{one}, {two}, {three}, {four}"),
            // The first letters of each would do for a wallet, and do not here.
            told.split(' ').map(|word| &word[..3]).collect::<Vec<_>>().join(" "),
            words("abd"),
        ] {
            assert!(!matches("abc", &bad), "{bad:?}");
        }
        // No letter that only looks like one in the other case: the sign for kelvin is no k.
        let with_k = (0..1_000).map(|n| format!("plan {n}")).find(|hash| words(hash).contains('k')).unwrap();
        assert!(!matches(&with_k, &words(&with_k).replace('k', "\u{212a}")));
    }

    proptest! {
        #[test]
        fn every_plan_has_four_words_of_the_list(hash in any::<String>()) {
            let told = words(&hash);
            let each: Vec<&str> = told.split(' ').collect();
            prop_assert_eq!(each.len(), 4);
            for word in each {
                prop_assert!(Language::English.word_list().binary_search(&word).is_ok(), "{}", word);
            }
            prop_assert!(matches(&hash, &told));
            prop_assert_eq!(words(&hash), told);
        }

        #[test]
        fn what_is_typed_for_one_plan_is_not_taken_for_another(one in "[0-9a-f]{64}", other in "[0-9a-f]{64}") {
            prop_assume!(one != other);
            prop_assert!(!matches(&one, &words(&other)));
        }

        #[test]
        fn a_word_that_is_another_one_is_refused(hash in "[0-9a-f]{64}", at in 0_usize..4, by in 1_usize..2048) {
            let list = Language::English.word_list();
            let mut typed: Vec<String> = words(&hash).split(' ').map(str::to_owned).collect();
            let was = list.binary_search(&typed[at].as_str()).unwrap();
            typed[at] = list[(was + by) % list.len()].to_owned();
            prop_assert!(!matches(&hash, &typed.join(" ")));
        }

        #[test]
        fn whatever_else_is_typed_is_refused(hash in "[0-9a-f]{64}", typed in any::<String>()) {
            prop_assert!(!matches(&hash, &typed));
        }
    }
}
