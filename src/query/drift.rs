//! The filter language for what drifts: the same form as for flows, over what a finding tells.

use std::fmt;

use super::FilterError;
use super::ast::Pattern;
use super::eval::contains;
use super::lexer::Value;
use super::terms::{Terms, keyed, named, quoted_or_glob, tried};
use crate::domain::drift::{DriftKind, DriftStatus, KnownDrift, Severity};
use crate::domain::text::SafeText;

/// Every key with what it means, for the help and for completion.
pub const DRIFT_KEYS: &[(&str, &str)] = &[
    ("status", "where it stands: drifted, reconciling, not_checked, unsupported, unknown, ignored, adopted, resolved"),
    ("severity", "how bad it is: critical, warning, info, unknown"),
    ("kind", "how it differs: modified, missing, unmanaged, version_skew, expiring"),
    ("source", "the source's name in the config"),
    ("scope", "where; * and ? are wildcards"),
    ("what", "what it is"),
    ("tenant", "the tenant"),
    ("owner", "who is to look after it"),
    ("cause", "the key that those of one cause have in common"),
    ("id", "its id, alone or as source/id"),
];

/// A parsed filter of findings. The empty one matches everything.
///
/// Written with `Display` it reads back as an equal filter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DriftFilter(Terms<Test>);

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Word(Pattern),
    Status(Vec<DriftStatus>),
    Severity(Vec<Severity>),
    Kind(Vec<DriftKind>),
    Text(&'static str, Vec<Pattern>),
}

impl DriftFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The word that is wrong, its column, and the nearest one that would be right.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Terms::parse(text, Test::Word, test).map(Self)
    }

    /// Whether it matches everything.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a finding is such. `status` is where it stands now.
    pub fn matches(&self, known: &KnownDrift, status: DriftStatus) -> bool {
        self.0.all(|test| test.holds(known, status))
    }
}

impl fmt::Display for DriftFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn test(key: &str, column: usize, values: &[Value]) -> Result<Test, FilterError> {
    Ok(match key.to_ascii_lowercase().as_str() {
        "status" => Test::Status(named(values, "status", &DriftStatus::ALL, DriftStatus::name)?),
        "severity" => Test::Severity(named(values, "severity", &Severity::ALL, Severity::name)?),
        "kind" => Test::Kind(named(values, "kind", &DriftKind::ALL, DriftKind::name)?),
        _ => Test::Text(
            keyed(key, column, || DRIFT_KEYS.iter().map(|(name, _)| *name))?,
            values.iter().map(quoted_or_glob).collect(),
        ),
    })
}

impl Test {
    fn holds(&self, known: &KnownDrift, status: DriftStatus) -> bool {
        let finding = &known.finding;
        match self {
            Self::Status(all) => all.contains(&status),
            Self::Severity(all) => all.contains(&known.severity),
            Self::Kind(all) => all.contains(&finding.kind),
            Self::Text(name, patterns) => {
                let told = |text: &SafeText| tried(patterns, text);
                match *name {
                    "source" => told(&finding.id.source),
                    "scope" => told(&finding.scope),
                    "what" => told(&finding.what),
                    "tenant" => finding.tenant.as_ref().is_some_and(told),
                    "owner" => known.owner.as_ref().is_some_and(told),
                    "cause" => told(&finding.cause_key),
                    _ => told(&finding.id.instance) || told(&finding.id.to_string().into()),
                }
            }
            Self::Word(pattern) => {
                let told = [&finding.id.instance, &finding.what, &finding.scope];
                let maybe = [&finding.tenant, &known.owner, &finding.note];
                let mut texts = told.into_iter().chain(maybe.into_iter().flatten());
                texts.any(|text| contains(text, &pattern.folded))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::drift::tests::{at, finding};

    fn known() -> KnownDrift {
        let mut found = finding("web-1:motd");
        (found.scope, found.owner) = ("prod-eu".into(), Some("team-edge".into()));
        KnownDrift::told(found.into(), at(0))
    }

    #[test]
    fn terms_are_joined_by_and_and_values_by_or() {
        let holds = |text: &str| DriftFilter::parse(text).unwrap().matches(&known(), DriftStatus::NotChecked);
        for text in [
            "",
            "status:not_checked",
            "status:Not-Checked,drifted",
            "severity:warning source:salt kind:modified",
            "scope:prod-* owner:TEAM-EDGE",
            "what:/etc/*",
            "-tenant:globex tenant:acme",
            "motd",
            "PROD-EU",
            "id:web-1:motd",
            "id:\"salt/web-1:motd\"",
            &format!("cause:{}", known().finding.cause_key),
        ] {
            assert!(holds(text), "{text}");
        }
        for text in ["status:drifted", "-motd", "tenant:acm", "owner:team-*x", "kind:missing", "nothing", "scope:prod"]
        {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_column_and_what_was_meant() {
        let wrong = |text: &str| DriftFilter::parse(text).unwrap_err();
        let error = wrong("tenant:a ownr:x");
        assert_eq!((error.word.as_str(), error.column, error.suggestion.as_deref()), ("ownr", 10, Some("owner")));
        let error = wrong("status:driftd");
        assert_eq!((error.column, error.suggestion.as_deref()), (8, Some("drifted")));
    }
}
