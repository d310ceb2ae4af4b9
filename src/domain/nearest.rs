//! What somebody probably meant: the nearest of the words that would have been right.

use strsim::damerau_levenshtein;

/// The candidate nearest to `word`, letters' case aside; `None` where none is near enough to be meant.
///
/// Near enough is one slip in three characters, and one slip always. A word that a candidate begins with is near too.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let distance = damerau_levenshtein(&word, &candidate.to_lowercase());
            let longest = length.max(candidate.chars().count());
            let begins = length >= 2 && candidate.to_lowercase().starts_with(&word);
            (begins || distance <= (longest / 3).max(1)).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_understood_and_nonsense_is_not() {
        let keys = ["state", "step", "source", "kind"];
        assert_eq!(nearest("stat", keys), Some("state"));
        assert_eq!(nearest("knd", keys), Some("kind"));
        assert_eq!(nearest("ikdn", keys), None);
        assert_eq!(nearest("SOURCE", keys), Some("source"));
        assert_eq!(nearest("so", keys), Some("source"), "the beginning of a word is meant as that word");
        assert_eq!(nearest("region", keys), None);
        assert_eq!(nearest("", keys), None);
    }
}
