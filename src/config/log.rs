//! `[log]`: how much the program tells of itself, and how much of it is kept.

use super::Surroundings;
use super::diagnostic::Diagnostic;
use super::layers::{one_of, variable};
use super::section::Section;
use crate::domain::log::LogLevel;

/// The keys of `[log]`.
pub(super) const LOG: [&str; 3] = ["level", "files", "size"];

const KIB: u64 = 1024;
const SIZE: u64 = 5 * KIB * KIB;
const LEAST: u64 = 4 * KIB;
const MOST: u64 = 1024 * KIB * KIB;
const FILES_MOST: u32 = 100;

/// What is told, and how much of it is kept on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// The smallest level that is told.
    pub level: LogLevel,
    /// How many files there are at most.
    pub files: u32,
    /// How many bytes each of them has at most.
    pub size: u64,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: LogLevel::Info, files: 7, size: SIZE }
    }
}

impl LogSettings {
    /// Reads `[log]`, with `QUARTERDECK_LOG` over it.
    pub(super) fn read(root: &Section<'_>, surroundings: &Surroundings<'_>) -> Self {
        let document = root.document;
        let mut settings = Self::default();
        if let Some(section) = document.keep(root.table("log", &LOG)).flatten() {
            if let Some(found) = document.keep(section.text("level")).flatten() {
                let place = document.at(&found.span, true);
                settings.level = document.keep(level(&place, found.value)).unwrap_or(settings.level);
            }
            if let Some(files) = document.keep(section.count("files")).flatten() {
                settings.files = files;
                if files > FILES_MOST {
                    let message = format!("\"files\" must be {FILES_MOST} at most");
                    document.problems.add(document.wrong(&section.place("files"), message));
                }
            }
            if let Some(found) = document.keep(section.text("size")).flatten() {
                match bytes(found.value) {
                    Some(size) if (LEAST..=MOST).contains(&size) => settings.size = size,
                    Some(_) => document.problems.add(section.wrong(&found, "\"size\" must be from 4 KB to 1 GB")),
                    None => document.problems.add(section.wrong(&found, "\"size\" must be a size such as \"5 MB\"")),
                }
            }
        }
        settings.overlay(&|name| variable(surroundings, name), &mut |wrong| document.problems.add(wrong));
        settings
    }

    /// What the environment says where there is no file.
    pub fn without_file(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Diagnostic>> {
        let mut settings = Self::default();
        let mut wrong = Vec::new();
        settings.overlay(&|name| variable(name).filter(|value| !value.is_empty()), &mut |found| wrong.push(found));
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }

    fn overlay(&mut self, variable: &dyn Fn(&str) -> Option<String>, wrong: &mut dyn FnMut(Diagnostic)) {
        const NAME: &str = "QUARTERDECK_LOG";
        let Some(text) = variable(NAME) else { return };
        match level(&super::Place::outside(NAME), &text) {
            Ok(level) => self.level = level,
            Err(found) => wrong(found),
        }
    }
}

fn level(place: &super::Place, text: &str) -> Result<LogLevel, Diagnostic> {
    one_of(place, "level", text, &LogLevel::ALL.map(|level| (level.name(), level)))
}

/// `5 MB`, `512KiB`, `1000000`: a thousand and 1024 are taken for the same, as people mean them.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => KIB,
        "m" | "mb" | "mib" => KIB * KIB,
        "g" | "gb" | "gib" => KIB * KIB * KIB,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in [("5 MB", 5 * KIB * KIB), ("512KiB", 512 * KIB), ("4096", 4096), ("1g", 1 << 30)] {
            assert_eq!(bytes(text), Some(size), "{text}");
        }
        for text in ["", "MB", "-1 MB", "1.5 MB", "5 XB", "99999999999999999999"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
