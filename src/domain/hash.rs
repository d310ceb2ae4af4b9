//! Short names for things: the head of a SHA-256 over their parts.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::text::SafeText;

/// The first `bytes` bytes of the SHA-256 over the parts, in hexadecimal. A length stands before each part, so that
/// no two lists of parts run together into the same text.
pub fn digest(parts: &[&str], bytes: usize) -> SafeText {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(hash.finalize().iter().take(bytes))
}

/// The SHA-256 of a text, in hexadecimal.
pub fn sha256(text: &str) -> SafeText {
    hex(Sha256::digest(text.as_bytes()).iter())
}

fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> SafeText {
    let mut hex = String::with_capacity(64);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.into()
}
