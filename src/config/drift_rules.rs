//! How bad something is that drifts, and who is to look after it, by where and what it is.

use wildmatch::WildMatch;

use super::diagnostic::Diagnostic;
use super::section::{Found, Section};
use crate::domain::drift::{DriftFinding, DriftKind, Severity};
use crate::domain::text::SafeText;

/// The keys of a `[[drift_rule]]`.
const KEYS: [&str; 9] = ["source", "scope", "what", "kind", "cause", "tenant", "tier", "severity", "owner"];

/// The severities that a rule may set.
const SEVERITIES: [Severity; 3] = [Severity::Critical, Severity::Warning, Severity::Info];

/// The longest name of an owner, in characters.
const OWNER: usize = 100;

/// The rules, in the order of the file. Without any, it is as its source says.
#[derive(Debug, Clone, Default)]
pub struct DriftRules(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    source: Option<WildMatch>,
    scope: Option<WildMatch>,
    what: Option<WildMatch>,
    cause: Option<WildMatch>,
    tenant: Option<WildMatch>,
    tier: Option<WildMatch>,
    kind: Option<DriftKind>,
    severity: Option<Severity>,
    owner: Option<SafeText>,
}

impl Rule {
    fn holds(&self, finding: &DriftFinding, tier: Option<&str>) -> bool {
        // A fact that it lacks fits no pattern.
        let fits = |glob: &Option<WildMatch>, text: Option<&str>| {
            glob.as_ref().is_none_or(|glob| text.is_some_and(|text| glob.matches(text)))
        };
        self.kind.is_none_or(|kind| kind == finding.kind)
            && fits(&self.source, Some(&finding.id.source))
            && fits(&self.scope, Some(&finding.scope))
            && fits(&self.what, Some(&finding.what))
            && fits(&self.cause, Some(&finding.cause_key))
            && fits(&self.tenant, finding.tenant.as_deref())
            && fits(&self.tier, tier)
    }
}

impl DriftRules {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of them asks for the tier of a tenant.
    pub fn asks_for_tiers(&self) -> bool {
        self.0.iter().any(|rule| rule.tier.is_some())
    }

    /// How bad a finding is and who is to look after it, as far as a rule says: for each of the two the first one that fits.
    pub fn of(&self, finding: &DriftFinding, tier: Option<&str>) -> (Option<Severity>, Option<SafeText>) {
        let holding = || self.0.iter().filter(|rule| rule.holds(finding, tier));
        (holding().find_map(|rule| rule.severity), holding().find_map(|rule| rule.owner.clone()))
    }

    /// Reads the `[[drift_rule]]` entries.
    pub(super) fn read(root: &Section<'_>) -> Result<Self, Diagnostic> {
        root.tables("drift_rule", &KEYS)?.iter().map(rule).collect::<Result<_, _>>().map(Self)
    }
}

fn rule(section: &Section<'_>) -> Result<Rule, Diagnostic> {
    let glob = |key| Ok(section.text(key)?.map(|found| WildMatch::new(found.value)));
    let unknown = |found: &Found<&str>, key: &str, names: &[&'static str]| {
        let message = format!("\"{key}\" is one of {}, not \"{}\"", names.join(", "), found.value);
        section.wrong(found, message).or_rather(found.value, names.iter().copied())
    };
    let kind = match section.text("kind")? {
        None => None,
        Some(found) => Some(
            DriftKind::named(&found.value.replace(['-', ' '], "_"))
                .ok_or_else(|| unknown(&found, "kind", &DriftKind::ALL.map(DriftKind::name)))?,
        ),
    };
    let severity = match section.text("severity")? {
        None => None,
        Some(found) => Some(
            SEVERITIES
                .into_iter()
                .find(|severity| severity.name() == found.value)
                .ok_or_else(|| unknown(&found, "severity", &SEVERITIES.map(Severity::name)))?,
        ),
    };
    let owner = match section.text("owner")? {
        Some(found) if found.value.trim().is_empty() => return Err(section.wrong(&found, "\"owner\" is empty")),
        found => found.map(|found| SafeText::clipped(found.value.trim(), OWNER)),
    };
    if severity.is_none() && owner.is_none() {
        return Err(section.document.wrong(&section.span, "a drift_rule needs \"severity\" or \"owner\""));
    }
    Ok(Rule {
        source: glob("source")?,
        scope: glob("scope")?,
        what: glob("what")?,
        cause: glob("cause")?,
        tenant: glob("tenant")?,
        tier: glob("tier")?,
        kind,
        severity,
        owner,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};
    use crate::domain::drift::tests::finding;

    const SOURCE: &str = "[[source]]\nname = \"a\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";

    fn parse(text: &str) -> Config {
        let text = format!("{SOURCE}{text}");
        Config::parse(&text, "config.toml", None).unwrap_or_else(|error| panic!("{text}\n{error}"))
    }

    fn refused(text: &str) -> String {
        match Config::parse(&format!("{SOURCE}{text}"), "config.toml", None).expect_err(text) {
            ConfigError::Invalid(all) => all.iter().map(ToString::to_string).collect(),
            other => other.to_string(),
        }
    }

    #[test]
    fn rules_say_how_bad_it_is_what_drifts_and_who_looks_after_it() {
        let config = parse(
            "[[drift_rule]]\ntier = \"gold\"\nseverity = \"critical\"\n\
             [[drift_rule]]\nsource = \"sal*\"\nkind = \"modified\"\nwhat = \"/etc/*\"\nseverity = \"info\"\nowner = \"team-os\"\n\
             [[drift_rule]]\nscope = \"web-?\"\ntenant = \"acme\"\nowner = \"team-web\"\n",
        );
        let rules = config.thresholds.drift();
        assert!(rules.asks_for_tiers() && !rules.is_empty());
        let one = finding("a");
        let told = |finding: &DriftFinding, tier: Option<&str>| {
            let (severity, owner) = rules.of(finding, tier);
            (severity, owner.map(|owner| owner.to_string()))
        };
        let owner = |name: &str| Some(name.to_owned());
        assert_eq!(told(&one, None), (Some(Severity::Info), owner("team-os")));
        assert_eq!(
            told(&one, Some("gold")),
            (Some(Severity::Critical), owner("team-os")),
            "each by the first that fits"
        );
        let mut other = one.clone();
        other.what = "nginx".into();
        assert_eq!(told(&other, Some("free")), (None, owner("team-web")));
        other.tenant = None;
        assert_eq!(told(&other, None), (None, None), "what it lacks fits no pattern");
    }

    #[test]
    fn a_rule_on_drift_that_cannot_be_is_told_with_its_place() {
        for (rule, why, meant) in [
            ("severity = \"crtical\"", "\"severity\" is one of critical, warning, info", Some("critical")),
            ("kind = \"missin\"\nowner = \"a\"", "\"kind\" is one of modified", Some("missing")),
            ("owner = \" \"", "\"owner\" is empty", None),
            ("scope = \"a\"", "needs \"severity\" or \"owner\"", None),
            ("owner = \"a\"\nscpe = \"b\"", "unknown key \"scpe\"", Some("scope")),
        ] {
            let wrong = refused(&format!("[[drift_rule]]\n{rule}\n"));
            assert!(wrong.contains(why), "{rule}: {wrong}");
            assert!(meant.is_none_or(|meant| wrong.contains(meant)), "{rule}: {wrong}");
        }
    }
}
