//! From text to words: `-` or `!`, a key before a colon, and values, each with its column.

use super::FilterError;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    /// As it is written, with its quotes.
    pub(super) raw: String,
    pub(super) quoted: bool,
    /// Its first character, counted from 1.
    pub(super) column: usize,
}

/// A word of a filter, cut but not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) negated: bool,
    /// The key and its column; `None` for a bare word, which has one value.
    pub(super) key: Option<(String, usize)>,
    /// At least one, none of them empty.
    pub(super) values: Vec<Value>,
}

/// Cuts a filter into words.
pub(super) fn words(text: &str) -> Result<Vec<Word>, FilterError> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0 };
    let mut words = Vec::new();
    while lexer.skip_space() {
        words.push(lexer.word()?);
    }
    Ok(words)
}

/// Whether a text before a colon is meant as a key. `10:30`, `10.0.0.1:80` and `::` are no keys.
pub fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic()) && text.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-'))
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// The characters from `from` up to where `end` first holds, or to the end.
    fn until(&self, from: usize, end: impl Fn(char) -> bool) -> String {
        self.chars[from..].iter().copied().take_while(|c| !end(*c)).collect()
    }

    /// Goes to the next word; false at the end.
    fn skip_space(&mut self) -> bool {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.peek().is_some()
    }

    fn error(&self, at: usize, message: &str) -> FilterError {
        FilterError {
            word: self.until(at, char::is_whitespace),
            column: at + 1,
            message: message.to_owned(),
            suggestion: None,
        }
    }

    fn word(&mut self) -> Result<Word, FilterError> {
        let start = self.at;
        let negated = matches!(self.peek(), Some('-' | '!'));
        self.at += usize::from(negated);
        let head = self.until(self.at, |c| c.is_whitespace() || matches!(c, ':' | '"'));
        let after_head = self.at + head.chars().count();
        if self.chars.get(after_head) == Some(&':') && is_key(&head) {
            let key = (head, self.at + 1);
            self.at = after_head + 1;
            let mut values = vec![self.value(start)?];
            while self.peek() == Some(',') {
                self.at += 1;
                values.push(self.value(start)?);
            }
            return Ok(Word { negated, key: Some(key), values });
        }
        let value = if self.peek() == Some('"') { self.quoted(|_| false)? } else { self.run(char::is_whitespace) };
        if value.text.is_empty() {
            return Err(self.error(start, "there is nothing to search for"));
        }
        Ok(Word { negated, key: None, values: vec![value] })
    }

    /// One value of the word that begins at `start`.
    fn value(&mut self, start: usize) -> Result<Value, FilterError> {
        let at = self.at;
        let value = if self.peek() == Some('"') {
            self.quoted(|c| c == ',')?
        } else {
            self.run(|c| c.is_whitespace() || c == ',')
        };
        if value.text.is_empty() {
            let mut error = self.error(at, "a value is missing");
            error.word = self.until(start, char::is_whitespace);
            return Err(error);
        }
        Ok(value)
    }

    fn run(&mut self, end: impl Fn(char) -> bool) -> Value {
        let column = self.at + 1;
        let text = self.until(self.at, end);
        self.at += text.chars().count();
        Value { raw: text.clone(), text, quoted: false, column }
    }

    /// A value in quotes, in which `\"` is a quote and `\\` a backslash. Space may follow it, or what `next` allows.
    fn quoted(&mut self, next: impl Fn(char) -> bool) -> Result<Value, FilterError> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            match (self.peek(), self.chars.get(self.at + 1)) {
                (None, _) => return Err(self.error(start, "the quote is not closed")),
                (Some('"'), _) => break,
                (Some('\\'), Some(&c @ ('"' | '\\'))) => {
                    text.push(c);
                    self.at += 2;
                }
                (Some(c), _) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        if self.peek().is_some_and(|c| !c.is_whitespace() && !next(c)) {
            return Err(self.error(self.at, "a space is missing after the closing quote"));
        }
        let raw = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
        Ok(Value { text, raw, quoted: true, column: start + 1 })
    }
}
