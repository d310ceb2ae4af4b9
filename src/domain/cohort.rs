//! Cohorts: instances stuck in the same flow and step for the same reason, which one repair would serve.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::{Captures, Regex};
use serde::Serialize;

use super::hash::digest;
use super::text::SafeText;
use super::verdict::Rule;

/// Instances of one source with the same flow, step and error fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// Stable over time and over restarts: a hash of source, flow, step and fingerprint.
    pub id: SafeText,
    /// The source's name.
    pub source: SafeText,
    /// The flow.
    pub flow: SafeText,
    /// The step.
    pub step: SafeText,
    /// The masked error, or the rule in brackets where the instances have no error.
    pub fingerprint: SafeText,
    /// How many instances.
    pub count: u64,
    /// How many distinct tenants, among those whose tenant is known.
    pub tenants: u64,
    /// Instances whose tenant is not known.
    pub without_tenant: u64,
    /// Since when the first of them has been stuck.
    pub since: Option<Timestamp>,
    /// The rule that most of them have as their primary one.
    pub rule: Rule,
    /// An error as it stands in one of them.
    pub sample: Option<SafeText>,
    /// Evidence of the one that has been stuck longest.
    pub evidence: SafeText,
}

/// The id of a cohort: eight hexadecimal digits.
pub fn cohort_id(source: &str, flow: &str, step: &str, fingerprint: &str) -> SafeText {
    digest(&[source, flow, step, fingerprint], 4)
}

/// What of an error text differs from instance to instance, in the order in which it is looked for.
///
/// One alternation, so that each character is looked at once and a mask never masks a mask.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?P<mask> <[a-z]{1,5}> )                                                       # already masked
      | (?P<time> \b\d{4}-\d{2}-\d{2}(?:[T\x20]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?
                | \b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)? )
      | (?P<uuid> \b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b )
      | (?P<url>  \b[a-z][a-z0-9+.-]*://[^\s"'`<>]+ )
      | (?P<mail> \b[\w.+-]+@[\w-]+(?:\.[\w-]+)+ )
      | (?P<dq>   "[^"]*" ) | (?P<sq> (?:^|[\s(=:,])'[^']*' ) | (?P<bq> `[^`]*` )
      | (?P<addr> \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b | \[[0-9a-fA-F:]*:[0-9a-fA-F:.]*\](?::\d+)? )
      | (?P<host> \b[a-zA-Z0-9][a-zA-Z0-9-]*(?:\.[a-zA-Z0-9-]+)*\.[a-zA-Z][a-zA-Z0-9-]*(?::\d+)\b
                | \b[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*\.(?:com|net|org|io|dev|app|cloud|internal|local|svc|test|example)\b
                | \blocalhost(?::\d+)? )
      | (?P<path> (?:^|[\s(=:,])(?:/[\w.@%+-]+){2,}/? )
      | (?P<id>   \b[a-z]{2,6}_[0-9A-Za-z]{8,}\b | \b0x[0-9a-fA-F]+\b | \b[0-9a-fA-F]*\d[0-9a-fA-F]*[a-fA-F][0-9a-fA-F]{6,}\b
                | \b[0-9a-fA-F]*[a-fA-F][0-9a-fA-F]*\d[0-9a-fA-F]{6,}\b )
      | (?P<num>  \d+(?:[.,]\d+)* )
        "#,
    )
    .ok()
});

/// An error text with ids, numbers, uuids, hosts, addresses, paths, timestamps and quoted strings masked.
///
/// Two errors with the same cause have the same fingerprint. Masking twice changes nothing more.
pub fn fingerprint(text: &str) -> SafeText {
    fingerprint_of(text, &[])
}

/// [`fingerprint`], with names masked too that are known to be the instance's own: its key, its tenant.
pub fn fingerprint_of(text: &str, own: &[&str]) -> SafeText {
    let line = text.lines().next().unwrap_or_default();
    let mut line = line.to_owned();
    for name in own.iter().filter(|name| name.chars().count() >= 3) {
        line = replace_word(&line, name, "<key>");
    }
    let Some(variable) = &*VARIABLE else { return line.into() };
    variable.replace_all(&line, mask).as_ref().into()
}

fn mask(found: &Captures<'_>) -> String {
    let whole = found.get(0).map_or("", |all| all.as_str());
    // A group that had to look at the character before its text gives that character back.
    let lead = |mask: &str| {
        let first = whole.chars().next().filter(|c| !matches!(c, '\'' | '/'));
        first.map(String::from).unwrap_or_default() + mask
    };
    if found.name("mask").is_some() {
        whole.to_owned()
    } else if found.name("time").is_some() {
        "<time>".to_owned()
    } else if found.name("uuid").is_some() || found.name("id").is_some() {
        "<id>".to_owned()
    } else if found.name("dq").is_some() {
        "\"<name>\"".to_owned()
    } else if found.name("bq").is_some() {
        "`<name>`".to_owned()
    } else if found.name("sq").is_some() {
        lead("'<name>'")
    } else if found.name("path").is_some() {
        lead("<path>")
    } else if found.name("mail").is_some() {
        "<mail>".to_owned()
    } else if found.name("num").is_some() {
        "<n>".to_owned()
    } else {
        "<host>".to_owned()
    }
}

/// Replaces `word` where no letter, digit or joining sign stands beside it.
fn replace_word(text: &str, word: &str, with: &str) -> String {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let end = at + word.len();
        let before = rest[..at].chars().next_back().or_else(|| out.chars().next_back());
        let after = rest[end..].chars().next();
        out.push_str(&rest[..at]);
        out.push_str(if before.is_some_and(joins) || after.is_some_and(joins) { word } else { with });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// A count of instances per kind, for one flow and step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Not ended.
    pub open: u64,
    /// Open or failed, with verdict stuck.
    pub stuck: u64,
    /// Open, in a legitimate wait.
    pub waiting: u64,
    /// Paused by a person, a freeze or maintenance.
    pub held: u64,
    /// Ended badly within the look-back.
    pub failed: u64,
    /// The source can't say.
    pub unknown: u64,
    /// The stuck ones, by their primary rule.
    pub by_rule: std::collections::BTreeMap<Rule, u64>,
}

impl Counts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.open += other.open;
        self.stuck += other.stuck;
        self.waiting += other.waiting;
        self.held += other.held;
        self.failed += other.failed;
        self.unknown += other.unknown;
        for (rule, n) in &other.by_rule {
            *self.by_rule.entry(*rule).or_default() += n;
        }
    }
}
