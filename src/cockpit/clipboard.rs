//! Texts for the clipboard, which only the terminal can reach: by OSC 52, wrapped where a multiplexer lies between.
//!
//! Whether the terminal takes it, nobody tells. So what is said is that it was sent.

use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;
use serde_json::Value;

use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// The most bytes of one text. Terminals drop what is longer than some 100,000 characters of base64, without a word.
pub const MOST: usize = 74_994;

/// How many characters of base64 go into one part for GNU screen, which drops longer ones.
const SCREEN_PART: usize = 700;

/// A text for the clipboard: safe for a terminal, but for line ends and tabs between parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip(String);

impl Clip {
    /// One text, as one line.
    pub fn word(text: &SafeText) -> Self {
        Self(text.to_string())
    }

    /// Texts, one a line.
    pub fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Self {
        let lines = lines.into_iter().map(|line| SafeText::new(line.as_ref()).to_string());
        Self(lines.collect::<Vec<_>>().join("\n"))
    }

    /// A text of several lines.
    pub fn text(text: &str) -> Self {
        Self::lines(text.lines())
    }

    /// Rows, one a line, with tabs between their cells.
    pub fn rows(rows: impl IntoIterator<Item = Vec<SafeText>>) -> Self {
        let row = |cells: Vec<SafeText>| cells.iter().map(SafeText::as_str).collect::<Vec<_>>().join("\t");
        Self(rows.into_iter().map(row).collect::<Vec<_>>().join("\n"))
    }

    /// JSON, as `-o json` prints it.
    pub fn json(value: &Value) -> Self {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        Self::lines(text.lines())
    }

    /// The same without what looks like a secret: error texts go into chats.
    #[must_use]
    pub fn without_secrets(self) -> Self {
        Self(Redactor::default().text(&self.0).into_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What to say of it: how many characters go out, or why none do.
    pub fn told(&self) -> Result<String, String> {
        let count = self.0.chars().count();
        let grouped = super::widgets::numbers::grouped(count as u64);
        if self.0.len() > MOST {
            let bytes = super::raw::bytes(self.0.len() as u64);
            return Err(format!(
                "not copied: {bytes} are more than a terminal takes (75 kB); print it: quarterdeck get flow"
            ));
        }
        Ok(format!("{grouped} characters sent to the clipboard; the terminal may refuse them"))
    }
}

/// What lies between Quarterdeck and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Between {
    /// Nothing.
    #[default]
    Nothing,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

impl Between {
    /// By the environment: `TMUX`, `STY`.
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| var(name).is_some_and(|value| !value.is_empty());
        match (set("TMUX"), set("STY")) {
            (true, _) => Self::Tmux,
            (false, true) => Self::Screen,
            (false, false) => Self::Nothing,
        }
    }
}

/// What is sent to the terminal so that a text comes to the clipboard; nothing where it is too long.
pub fn sequence(clip: &Clip, between: Between) -> String {
    let mut plain = String::new();
    let fits = clip.0.len() <= MOST;
    if !fits || CopyToClipboard::to_clipboard_from(&clip.0).write_ansi(&mut plain).is_err() {
        return String::new();
    }
    match between {
        Between::Nothing => plain,
        // tmux takes the plain one itself where `set-clipboard` is on, and hands the wrapped one through where
        // `allow-passthrough` is: which of them is on can't be seen from within.
        Between::Tmux => format!("{plain}\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
        Between::Screen => screen(&plain),
    }
}

/// In parts, each of them handed through; the end of one must not end the sequence within it.
fn screen(plain: &str) -> String {
    let base64 = plain.trim_start_matches("\x1b]52;c;").trim_end_matches("\x1b\\").trim_end_matches('\x07');
    let mut out = String::from("\x1bP\x1b]52;c;\x1b\\");
    for part in base64.as_bytes().chunks(SCREEN_PART) {
        out.push_str("\x1bP");
        out.extend(part.iter().map(|byte| char::from(*byte)));
        out.push_str("\x1b\\");
    }
    out.push_str("\x1bP\x07\x1b\\");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_out_plain_or_wrapped() {
        let clip = Clip::word(&"abc".into());
        let plain = "\x1b]52;c;YWJj\x1b\\";
        assert_eq!(sequence(&clip, Between::Nothing), plain);
        assert_eq!(sequence(&clip, Between::Tmux), format!("{plain}\x1bPtmux;\x1b\x1b]52;c;YWJj\x1b\x1b\\\x1b\\"));
        assert_eq!(sequence(&clip, Between::Screen), "\x1bP\x1b]52;c;\x1b\\\x1bPYWJj\x1b\\\x1bP\x07\x1b\\");
        let long = Clip::word(&"x".repeat(3_000).as_str().into());
        let parts = sequence(&long, Between::Screen);
        assert!(parts.split("\x1b\\").all(|part| part.len() <= SCREEN_PART + 10));
    }

    #[test]
    fn what_is_too_long_does_not_go_out_and_is_told() {
        let fits = Clip::word(&"x".repeat(MOST).as_str().into());
        assert!(fits.told().unwrap().starts_with("74,994 characters"));
        let long = Clip::word(&"x".repeat(MOST + 1).as_str().into());
        assert!(long.told().unwrap_err().contains("75 kB"));
        assert_eq!(sequence(&long, Between::Nothing), "");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_in_a_text() {
        let clip = Clip::lines(["a\x1b]52;c;x\x07b", "c\u{202E}d"]);
        assert_eq!(clip.as_str(), "a␛]52;c;x␇b\nc\u{FFFD}d");
        let rows = Clip::rows([vec!["a\tb".into(), "c".into()], vec!["d".into()]]);
        assert_eq!(rows.as_str(), "a␉b\tc\nd");
        let json = Clip::json(&serde_json::json!({"a": "\u{9B}31m\u{202E}"}));
        assert_eq!(json.as_str(), "{\n  \"a\": \"\u{FFFD}31m\u{FFFD}\"\n}");
    }

    #[test]
    fn secrets_in_errors_stay_here() {
        let clip = Clip::lines(["why: connect to postgres://app:hunter2@db failed", "whom: acme"]).without_secrets();
        assert_eq!(clip.as_str(), "why: connect to postgres://app:[redacted]@db failed\nwhom: acme");
    }

    #[test]
    fn what_lies_between_is_told_by_the_environment() {
        let env = |names: &'static [&'static str]| move |name: &str| names.contains(&name).then(|| "x".to_owned());
        assert_eq!(Between::of(env(&["TMUX", "STY"])), Between::Tmux);
        assert_eq!(Between::of(env(&["STY"])), Between::Screen);
        assert_eq!(Between::of(env(&[])), Between::Nothing);
    }
}
