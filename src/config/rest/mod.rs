//! A source of the kind `rest`: any JSON API, by the requests that are asked, the programs that make flows, tenants, drift
//! and events of what comes, and the verbs that are sent.
//!
//! Programs are compiled here, so that what is wrong in one is told at its place in the file. What is secret is no part of
//! any of this: it belongs into `auth`.

mod answers;
mod read;
#[cfg(test)]
mod tests;
mod trail;

use std::sync::Arc;

use jiff::SignedDuration;

pub use self::answers::Answers;
pub(super) use self::read::{HEADERS, REQUEST, VERB, read};
pub use self::trail::Trail;
use super::diagnostic::TextPlace;
use super::jq::Program;
use crate::domain::flow::Status;
use crate::domain::remediation::Verb;

/// What a program yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Yields {
    /// Instances of flows.
    Flows,
    /// Tenants.
    Tenants,
    /// Drift.
    Drift,
    /// Events: what was changed, deployed, or otherwise happened.
    Events,
}

impl Yields {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Flows, Self::Tenants, Self::Drift, Self::Events];

    /// The key of the config, and its word on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Tenants => "tenants",
            Self::Drift => "drift",
            Self::Events => "events",
        }
    }
}

/// A program, what it yields, and where it stands in the file.
#[derive(Debug, Clone)]
pub struct Yielding {
    /// What it yields.
    pub yields: Yields,
    /// The program, which is run on each item.
    pub program: Arc<Program>,
    /// Where it stands.
    pub place: TextPlace,
}

/// How the pages of an answer follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// There is one page.
    None,
    /// By how many items come before: until a page has none.
    Offset {
        /// The parameter of that number.
        offset: String,
        /// The parameter of how many a page may have, and how many.
        size: Option<(String, u32)>,
    },
    /// By the page's number: until a page has no item.
    Page {
        /// The parameter of the number.
        page: String,
        /// The number of the first page.
        first: u32,
        /// The parameter of how many a page may have, and how many.
        size: Option<(String, u32)>,
    },
    /// By a word in the answer: until there is none.
    Cursor {
        /// The parameter of the word.
        cursor: String,
        /// Where the word stands in the answer.
        from: Trail,
        /// The parameter of how many a page may have, and how many.
        size: Option<(String, u32)>,
    },
    /// By an address in the answer: until there is none.
    Next(Trail),
    /// By the header `Link` with `rel="next"` (RFC 8288): until there is none.
    Link,
}

/// One request, with what is made of its answer.
#[derive(Debug, Clone)]
pub struct RestRequest {
    /// What it is called where something is said of it.
    pub name: String,
    /// Whether it is sent by `POST`; else by `GET`.
    pub post: bool,
    /// The path and the query behind the source's URL. `{since}` and `{since_unix}` stand for a moment.
    pub path: String,
    /// The body of a `POST`: JSON, in which `{since}` may stand too.
    pub body: Option<String>,
    /// Headers besides the usual ones.
    pub headers: Vec<(String, String)>,
    /// How its pages follow one another.
    pub paging: Paging,
    /// The most pages of one pass.
    pub most_pages: u32,
    /// Where the items stand in an answer.
    pub items: Trail,
    /// What is made of each item.
    pub programs: Vec<Yielding>,
    /// How far back `{since}` lies at first.
    pub look_back: SignedDuration,
    /// Whether it is asked on the condition of the answer's `ETag`.
    pub conditional: bool,
    /// By which path one instance is read, with `{id}` in it.
    pub one: Option<String>,
    /// Where it stands in the answer of that; where the items of all stand, unless it is said.
    pub one_items: Option<Trail>,
    /// By which path the older events of one tenant are read, with `{tenant}`, `{before}` and `{limit}` in it.
    pub past: Option<String>,
}

impl RestRequest {
    /// The program that yields one kind.
    pub fn program(&self, yields: Yields) -> Option<&Yielding> {
        self.programs.iter().find(|program| program.yields == yields)
    }

    /// Whether it asks for what happened since a moment.
    pub fn since(&self) -> bool {
        let blank = |text: &str| text.contains("{since}") || text.contains("{since_unix}");
        blank(&self.path) || self.body.as_deref().is_some_and(blank)
    }
}

/// One verb, and how it is sent.
#[derive(Debug, Clone)]
pub struct RestVerb {
    /// The verb.
    pub verb: Verb,
    /// The method.
    pub method: String,
    /// The path, with `{id}` and `{key}` in it.
    pub path: String,
    /// Headers besides the usual ones, with `{id}` and `{key}` in them.
    pub headers: Vec<(String, String)>,
    /// What makes the body: it is given `id`, `key` and `verb`.
    pub body: Option<Arc<Program>>,
    /// What the answers mean.
    pub answers: Answers,
    /// The statuses of an instance for which it can be had; what holds for all engines where there is none.
    pub when: Vec<Status>,
    /// What it does, in words.
    pub effect: Option<String>,
}

/// Everything that is said of such a source, beside what is said of any.
#[derive(Debug, Clone, Default)]
pub struct RestSetting {
    /// The requests of a pass, in the order of the file.
    pub requests: Vec<RestRequest>,
    /// The verbs.
    pub verbs: Vec<RestVerb>,
    /// Headers of each request, besides its own.
    pub headers: Vec<(String, String)>,
}

impl RestSetting {
    /// Whether any program yields these.
    pub fn yields(&self, yields: Yields) -> bool {
        self.requests.iter().any(|request| request.program(yields).is_some())
    }
}
