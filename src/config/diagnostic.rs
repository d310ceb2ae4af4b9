//! Where something is wrong in the file, and what was probably meant.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthStr as _;

use crate::domain::nearest::nearest;
use crate::domain::text::SafeText;

/// A place in the config, to point at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file; or, where `line` is 0, the environment variable or the option of the command line.
    pub file: String,
    /// The line, counted from 1; 0 where it is no file.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What stands there, as far as it may be shown.
    excerpt: Option<Box<Excerpt>>,
}

impl Place {
    /// A place that is no file: an environment variable, or an option of the command line.
    pub fn outside(name: &str) -> Self {
        Self { file: name.to_owned(), line: 0, column: 0, excerpt: None }
    }

    /// Says what is wrong there.
    pub fn wrong(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic { place: self.clone(), message: message.into(), suggestion: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 { write!(f, ":{}:{}", self.line, self.column) } else { Ok(()) }
    }
}

/// A line of the file, without any value that is not itself what is pointed at: it could be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    /// How many columns stand before what is pointed at, and how many it takes.
    before: usize,
    wide: usize,
}

/// Where a text of the file stands that somebody else reads: a place within it can be pointed at.
///
/// Such a text holds no secret, so that its lines are shown.
#[derive(Clone)]
pub struct TextPlace {
    start: Place,
    /// The lines that it stands on, with the byte of the text that each begins with, and what the file has before it;
    /// none where the text does not stand in the file as it is, since it has escapes.
    lines: Vec<(usize, String, String)>,
}

impl TextPlace {
    /// Says what is wrong at a byte of the text.
    pub fn wrong(&self, byte: usize, message: impl Into<String>) -> Diagnostic {
        let row = self.lines.iter().rposition(|(begins, ..)| *begins <= byte).unwrap_or_default();
        let Some((begins, head, line)) = self.lines.get(row) else { return self.start.wrong(message) };
        let mut at = byte.saturating_sub(*begins).min(line.len());
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        let excerpt = Excerpt {
            text: SafeText::new(&format!("{head}{line}")).to_string(),
            before: SafeText::new(head).width() + SafeText::new(&line[..at]).width(),
            wide: 1,
        };
        Place {
            file: self.start.file.clone(),
            line: self.start.line + row,
            column: head.chars().count() + line[..at].chars().count() + 1,
            excerpt: Some(Box::new(excerpt)),
        }
        .wrong(message)
    }
}

/// Places change with every line above; what is made of a text does not.
impl fmt::Debug for TextPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextPlace")
    }
}

/// One thing that is wrong in the config. `Display` gives
/// `config.toml:3:1: unknown key "knd" (did you mean "kind"?)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub place: Place,
    /// What is wrong, in words. Never holds a value that could be a secret.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// The same, with the candidate nearest to `word` as what was probably meant.
    #[must_use]
    pub fn or_rather<'a>(mut self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        self.suggestion = nearest(word, candidates).map(str::to_owned);
        self
    }

    /// The same with the line it is about and a mark under it, for people.
    pub fn explained(&self) -> String {
        let Some(Excerpt { text, before, wide }) = self.place.excerpt.as_deref() else { return self.to_string() };
        let line = self.place.line;
        let gutter = line.to_string().len();
        let mark = "^".repeat((*wide).max(1));
        format!("{self}\n  {line} | {text}\n  {:gutter$} | {:before$}{mark}", "", "")
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " (did you mean \"{suggestion}\"?)"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a config, collected: whoever mends it wants to know everything at once.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Diagnostic>>);

impl Problems {
    pub(super) fn add(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    /// Everything that is wrong, from the first line to the last.
    pub(super) fn take(&self) -> Vec<Diagnostic> {
        let mut all: Vec<Diagnostic> = Vec::new();
        for diagnostic in self.0.take() {
            if !all.contains(&diagnostic) {
                all.push(diagnostic);
            }
        }
        all.sort_by_key(|diagnostic| (diagnostic.place.line, diagnostic.place.column));
        all
    }
}

/// The text of a config, what it is called, and what is wrong with it so far.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) problems: &'a Problems,
}

impl Document<'_> {
    /// Says what is wrong with a part of the text.
    pub(super) fn wrong(&self, span: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        self.at(span, false).wrong(message)
    }

    /// What was read, or nothing where it is wrong; what is wrong is kept.
    pub(super) fn keep<T>(&self, read: Result<T, Diagnostic>) -> Option<T> {
        read.map_err(|diagnostic| self.problems.add(diagnostic)).ok()
    }

    /// The place of a part of the text. `harmless`: it can't be a secret, so it may be shown.
    pub(super) fn at(&self, span: &Range<usize>, harmless: bool) -> Place {
        let (line, column) = self.position(span.start);
        Place { file: self.name.to_owned(), line, column, excerpt: self.excerpt(span, harmless) }
    }

    /// Where a text stands of which a part may be wrong. `span` is that of the value with its quotes.
    pub(super) fn text_at(&self, span: &Range<usize>, value: &str) -> TextPlace {
        let start = self.at(span, true);
        let quoted = self.text.get(span.clone()).unwrap_or_default();
        let Some(inside) = quoted.find(value).filter(|_| !value.is_empty()) else {
            return TextPlace { start, lines: Vec::new() };
        };
        let begin = span.start + inside;
        let line = self.text[..begin].rfind('\n').map_or(0, |at| at + 1);
        let (row, _) = self.position(begin);
        let mut head = self.text[line..begin].to_owned();
        let (mut lines, mut at) = (Vec::new(), 0);
        for part in value.split_inclusive('\n') {
            lines.push((at, std::mem::take(&mut head), part.trim_end_matches(['\r', '\n']).to_owned()));
            at += part.len();
        }
        // The quotes that end it belong to what is shown.
        if let (Some((.., last)), Some(end)) = (lines.last_mut(), quoted.get(inside + value.len()..)) {
            last.push_str(end);
        }
        TextPlace { start: Place { line: row, ..start }, lines }
    }

    /// Line and column of a byte, both counted from 1.
    pub(super) fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..self.boundary(byte)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    fn boundary(&self, byte: usize) -> usize {
        let mut end = byte.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        end
    }

    /// The header of a table, or a key with the value that is pointed at and no other. Nothing of a line that is
    /// neither: it may be the inside of a longer text.
    fn excerpt(&self, span: &Range<usize>, harmless: bool) -> Option<Box<Excerpt>> {
        let start = self.boundary(span.start);
        let begin = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[begin..].lines().next()?;
        let (at, end) = (start - begin, (self.boundary(span.end).max(start) - begin).min(line.len()));
        let columns = |text: &str| SafeText::new(text).width();
        let pointed = |text: &str, at: usize, end: usize| {
            Some(Box::new(Excerpt {
                text: SafeText::new(text).to_string(),
                before: columns(text.get(..at)?),
                wide: columns(text.get(at..end.max(at))?),
            }))
        };
        let bare = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-. ".contains(c));
        let Some((head, _)) = line.split_once('=') else {
            let header = line.trim().trim_start_matches('[').trim_end_matches(']');
            return if bare(header) && line.starts_with('[') { pointed(line, at.min(line.len()), end) } else { None };
        };
        let head = head.trim_end();
        if !bare(head.trim_start()) {
            return None;
        }
        if at < head.len() {
            return pointed(&format!("{head} = …"), at, end.min(head.len()));
        }
        let value = if harmless { line.get(at..end)? } else { "…" };
        let shown = format!("{head} = {value}");
        pointed(&shown, head.len() + 3, shown.len())
    }
}
