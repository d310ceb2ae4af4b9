//! What is said on standard error.

use std::io::Write;

use crate::domain::text::SafeText;

/// Says what went wrong, line by line, scrubbed. Where standard error is closed nothing can be said.
pub(super) fn error(text: &str) {
    let mut stderr = std::io::stderr().lock();
    for (n, line) in SafeText::lines(text).iter().enumerate() {
        let _ = if n == 0 { writeln!(stderr, "quarterdeck: {line}") } else { writeln!(stderr, "  {line}") };
    }
}

/// Says something that is no error.
pub(super) fn note(text: &str) {
    let mut stderr = std::io::stderr().lock();
    for line in SafeText::lines(text) {
        let _ = writeln!(stderr, "{line}");
    }
}
