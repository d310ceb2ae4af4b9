//! Text from outside, made safe for a terminal once, at intake.
//!
//! A terminal obeys what it is sent: escape sequences, bidirectional overrides and zero-width characters in an
//! error text could forge a screen, reach the clipboard or hide a part of an id. So every text that comes from an
//! engine becomes a [`SafeText`] where it enters, and nothing else is drawn, printed, logged or exported.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

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
        if raw.bytes().all(|b| (0x20..0x7F).contains(&b)) {
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

fn is_combining(c: char) -> bool {
    use GeneralCategory as G;
    matches!(c.general_category(), G::NonspacingMark | G::EnclosingMark | G::SpacingMark)
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

impl Serialize for SafeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
