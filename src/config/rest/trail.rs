//! Where something stands in an answer: `.data.items`, `.meta.next`, `.`.

use std::fmt;

/// The most names of a trail.
const LONGEST: usize = 20;

/// A trail of names through objects. It is no program: following it costs as much as reading the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    names: Vec<String>,
    each: bool,
}

impl Trail {
    /// Reads one: `.`, or names with a dot before each, in quotes where they hold anything but letters, digits, `_` and
    /// `-`. With a `[]` at its end each value of an object is meant; those of a list are in any case.
    ///
    /// ```
    /// use quarterdeck::config::Trail;
    ///
    /// assert_eq!(Trail::read(r#".data."odd name".items[]"#).unwrap().names(), ["data", "odd name", "items"]);
    /// assert!(Trail::read(".").unwrap().names().is_empty());
    /// assert!(Trail::read(".items | map(.)").is_err());
    /// ```
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "is a path such as .data.items, and no program";
        let mut rest = text.trim();
        let each = rest.ends_with("[]");
        rest = rest.strip_suffix("[]").unwrap_or(rest);
        let mut names = Vec::new();
        if matches!(rest, "" | ".") {
            return if text.trim().is_empty() {
                Err("is empty; the whole answer is .")
            } else {
                Ok(Self { names, each })
            };
        }
        while !rest.is_empty() {
            let after = rest.strip_prefix('.').ok_or(WANTED)?;
            let (name, left) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or(WANTED)?,
                None => {
                    let end = after.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')));
                    after.split_at(end.unwrap_or(after.len()))
                }
            };
            if name.is_empty() || names.len() >= LONGEST {
                return Err(WANTED);
            }
            names.push(name.to_owned());
            rest = left;
        }
        Ok(Self { names, each })
    }

    /// The names, from the outermost on.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether each value of an object is meant, and not the object.
    pub const fn each(&self) -> bool {
        self.each
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() {
            return f.write_str(".");
        }
        for name in &self.names {
            let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
            if plain { write!(f, ".{name}")? } else { write!(f, ".{name:?}")? }
        }
        Ok(())
    }
}
