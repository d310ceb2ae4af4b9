//! Text from outside, made safe for a terminal once, at intake.
//!
//! A terminal obeys what it is sent: escape sequences, bidirectional overrides and zero-width characters in an
//! error text could forge a screen, reach the clipboard or hide a part of an id. So every text that comes from an
//! engine becomes a [`SafeText`] where it enters, and nothing else is drawn, printed, logged or exported.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthChar as _;

/// What stands for a hidden character that has no picture of its own.
pub const SUBSTITUTE: char = '\u{FFFD}';

/// How many combining marks may follow one another; more would climb out of their row.
const MAX_COMBINING: usize = 4;

/// Text that holds no control, hidden or direction-changing character.
///
/// Cheap to clone. Each character that was taken out has become one visible column: a C0 control its control
/// picture (`␛`), any other [`SUBSTITUTE`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafeText(Arc<str>);

impl SafeText {
    /// Scrubs a text. Scrubbing twice changes nothing more.
    pub fn new(raw: &str) -> Self {
        // Without an early end, so that many bytes are looked at in one step.
        if raw.bytes().fold(true, |plain, b| plain & (0x20..0x7F).contains(&b)) {
            return Self(raw.into());
        }
        let mut combining = 0;
        let safe: String = raw
            .chars()
            .map(|c| {
                let safe = substitute(c);
                combining = if is_combining(safe) { combining + 1 } else { 0 };
                if combining > MAX_COMBINING { SUBSTITUTE } else { safe }
            })
            .collect();
        Self(safe.into())
    }

    /// Scrubs at most the first `max` characters; a cut is shown by a final `…`.
    pub fn clipped(raw: &str, max: usize) -> Self {
        // No text has more characters than bytes.
        if raw.len() <= max {
            return Self::new(raw);
        }
        match raw.char_indices().nth(max) {
            None => Self::new(raw),
            Some((end, _)) => {
                let mut safe = Self::new(&raw[..end]).0.to_string();
                safe.push('…');
                Self(safe.into())
            }
        }
    }

    /// Scrubs only the first line that is not blank, at most `max` characters of it.
    pub fn first_line(raw: &str, max: usize) -> Self {
        let line = raw.lines().find(|line| !line.trim().is_empty());
        Self::clipped(line.unwrap_or_default(), max)
    }

    /// Scrubs line by line: what separated lines is not text.
    pub fn lines(raw: &str) -> Vec<Self> {
        raw.lines().map(Self::new).collect()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The character shown for `c`: itself, a control picture, or [`SUBSTITUTE`].
fn substitute(c: char) -> char {
    match c {
        '\u{0}'..='\u{1F}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(SUBSTITUTE),
        '\u{7F}' => '\u{2421}',
        _ if is_hidden(c) => SUBSTITUTE,
        _ => c,
    }
}

/// Whether a character shows nothing, moves the text around it, or commands the terminal.
///
/// Covers the general categories Cc, Cf, Zl, Zp, Co and Cn, and the code points with the property
/// `Default_Ignorable_Code_Point` (Unicode 16, `DerivedCoreProperties.txt`) outside them.
pub fn is_hidden(c: char) -> bool {
    use GeneralCategory as G;
    matches!(
        c,
        '\u{034F}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FFA0}'
            | '\u{2800}'
            | '\u{E0100}'..='\u{E01EF}'
    ) || matches!(
        c.general_category(),
        G::Control
            | G::Format
            | G::LineSeparator
            | G::ParagraphSeparator
            | G::PrivateUse
            | G::Surrogate
            | G::Unassigned
    )
}

/// Whether a character has no column of its own: marks, and the few letters that join the one beside them.
fn is_combining(c: char) -> bool {
    use GeneralCategory as G;
    matches!(c.general_category(), G::NonspacingMark | G::EnclosingMark | G::SpacingMark) || c.width() == Some(0)
}

impl Deref for SafeText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Default for SafeText {
    fn default() -> Self {
        Self("".into())
    }
}

impl From<&str> for SafeText {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for SafeText {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

impl PartialEq<str> for SafeText {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for SafeText {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl<'de> Deserialize<'de> for SafeText {
    /// Scrubs it anew: what was kept outside may have been changed there.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

impl Serialize for SafeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text that is full of what terminals obey.
    fn any_text() -> impl Strategy<Value = String> {
        let c = prop_oneof![
            any::<char>(),
            proptest::char::range('\u{0}', '\u{FF}'),
            proptest::char::range('\u{2000}', '\u{206F}'),
            proptest::char::range('\u{300}', '\u{36F}'),
            proptest::char::range('\u{1100}', '\u{11FF}'),
            proptest::char::range('\u{FE00}', '\u{FE0F}'),
            proptest::char::range('\u{E0000}', '\u{E01FF}'),
        ];
        proptest::collection::vec(c, 0..40).prop_map(String::from_iter)
    }

    fn assert_safe(raw: &str, safe: &SafeText) {
        for c in safe.chars() {
            assert!(!is_hidden(c) && !c.is_control(), "{c:?} is left of {raw:?}");
        }
        let mut without_column = 0;
        for c in safe.chars() {
            without_column = if c.width() == Some(0) { without_column + 1 } else { 0 };
            assert!(without_column <= MAX_COMBINING, "{raw:?} climbs out of its row");
        }
        assert_eq!(SafeText::new(safe), *safe, "scrubbing {raw:?} again changes it");
    }

    #[test]
    fn plain_text_stays() {
        for text in ["", "Connection refused", "Übung 東京 🚀", "e\u{301}", "a\u{300}\u{301}\u{302}\u{303}"] {
            assert_eq!(SafeText::new(text), *text);
        }
    }

    #[test]
    fn what_a_terminal_obeys_becomes_visible() {
        for (raw, safe) in [
            ("\u{1B}[31mred", "␛[31mred"),
            ("a\tb\r\n", "a␉b␍␊"),
            ("\u{7F}\u{0}", "␡␀"),
            ("\u{9B}31m", "\u{FFFD}31m"),
            ("a\u{202E}b", "a\u{FFFD}b"),
            ("a\u{200B}\u{FEFF}b", "a\u{FFFD}\u{FFFD}b"),
            ("x\u{2028}y\u{E000}", "x\u{FFFD}y\u{FFFD}"),
            ("\u{1F468}\u{200D}\u{1F469}", "\u{1F468}\u{FFFD}\u{1F469}"),
            ("z\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}", "z\u{300}\u{300}\u{300}\u{300}\u{FFFD}\u{FFFD}"),
        ] {
            assert_eq!(SafeText::new(raw), *safe, "{raw:?}");
        }
    }

    #[test]
    fn a_text_is_cut_by_characters_and_the_cut_is_shown() {
        assert_eq!(SafeText::clipped("東京都", 3), *"東京都");
        assert_eq!(SafeText::clipped("東京都", 2), *"東京…");
        assert_eq!(SafeText::clipped("\u{1B}\u{1B}", 1), *"␛…");
        assert_eq!(SafeText::clipped("abc", 0), *"…");
        assert_eq!(SafeText::clipped("", 0), *"");
    }

    #[test]
    fn the_first_line_is_the_first_that_says_something() {
        assert_eq!(SafeText::first_line("one\ntwo", 9), *"one");
        assert_eq!(SafeText::first_line("\n  \r\nError: no\r\nat x", 20), *"Error: no");
        assert_eq!(SafeText::first_line("\n\n", 9), *"");
        assert_eq!(SafeText::lines("a\n\u{1B}b\r\n"), ["a", "␛b"]);
    }

    #[test]
    fn every_naughty_string_is_tamed() {
        let strings: Vec<String> = serde_json::from_str(include_str!("../../tests/corpora/blns.json")).unwrap();
        assert_eq!(strings.len(), 515);
        for raw in &strings {
            let safe = SafeText::new(raw);
            assert_safe(raw, &safe);
            assert_eq!(safe.chars().count(), raw.chars().count(), "nothing vanishes from {raw:?}");
            for line in SafeText::lines(raw) {
                assert_safe(raw, &line);
            }
            assert_safe(raw, &SafeText::clipped(raw, 10));
        }
    }

    /// Not a sample: each of the 1,112,064 characters there are.
    #[test]
    fn every_single_character_is_shown_or_replaced_by_one_column() {
        for c in '\u{0}'..=char::MAX {
            let safe = substitute(c);
            assert!(!is_hidden(safe) && !safe.is_control(), "{c:?} is left");
            if safe != c {
                assert_eq!(safe.width(), Some(1), "{c:?} became {safe:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_scrubbing_is_idempotent(raw in any_text(), max in 0..50_usize) {
            let safe = SafeText::new(&raw);
            assert_safe(&raw, &safe);
            prop_assert_eq!(safe.chars().count(), raw.chars().count());
            let clipped = SafeText::clipped(&raw, max);
            assert_safe(&raw, &clipped);
            prop_assert!(clipped.chars().count() <= max + 1);
            prop_assert_eq!(SafeText::clipped(&clipped, max), clipped);
        }
    }
}
