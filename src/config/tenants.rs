//! Whom an instance is for: from its key, or by a jq program over what is known of it.

use std::sync::Arc;

use wildmatch::WildMatch;

use super::diagnostic::Diagnostic;
use super::jq::Program;
use super::section::{Found, Section};

/// The keys of a `[[tenant]]`.
pub(super) const KEYS: [&str; 4] = ["source", "flow", "jq", "from"];

/// How tenants are told, by source and flow. The empty book leaves it to what the source says.
#[derive(Debug, Clone, Default)]
pub struct TenantBook(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    source: Option<WildMatch>,
    flow: Option<WildMatch>,
    rule: TenantRule,
}

/// How the tenant of an instance is told.
#[derive(Debug, Clone)]
pub enum TenantRule {
    /// It is the instance's key.
    Key,
    /// A program says.
    Jq(Arc<Program>),
}

impl TenantBook {
    /// Whether nothing is said of anybody.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How the tenant is told for a flow: by the last entry that matches.
    pub fn rule(&self, source: &str, flow: &str) -> Option<&TenantRule> {
        let fits = |glob: &Option<WildMatch>, text: &str| glob.as_ref().is_none_or(|glob| glob.matches(text));
        self.0
            .iter()
            .rev()
            .find(|entry| fits(&entry.source, source) && fits(&entry.flow, flow))
            .map(|entry| &entry.rule)
    }

    /// Reads the `[[tenant]]` entries, and compiles their programs.
    pub(super) fn read(root: &Section<'_>) -> Result<Self, Diagnostic> {
        root.tables("tenant", &KEYS)?.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }
}

fn entry(section: &Section<'_>) -> Result<Entry, Diagnostic> {
    let glob = |key| Ok(section.text(key)?.map(|found| WildMatch::new(found.value)));
    let rule = match (section.text("jq")?, section.text("from")?) {
        (Some(program), None) => TenantRule::Jq(Arc::new(compiled(section, &program)?)),
        (None, Some(from)) if from.value == "key" => TenantRule::Key,
        (None, Some(from)) => {
            return Err(section.wrong(&from, "\"from\" can only be \"key\"; anything else is a jq program"));
        }
        (None, None) => return Err(section.document.wrong(&section.span, "a tenant needs \"jq\" or from = \"key\"")),
        (Some(_), Some(from)) => return Err(section.wrong(&from, "a tenant has \"jq\" or \"from\", not both")),
    };
    Ok(Entry { source: glob("source")?, flow: glob("flow")?, rule })
}

/// A mistake is told at its place in the file, where the program stands there as it is, without escapes.
fn compiled(section: &Section<'_>, program: &Found<&str>) -> Result<Program, Diagnostic> {
    Program::compile(program.value).map_err(|mistake| {
        let quoted = section.document.text.get(program.span.clone()).unwrap_or_default();
        let start = match quoted.find(program.value) {
            Some(inside) => program.span.start + inside + mistake.at.min(program.value.len()),
            None => program.span.start,
        };
        section.document.wrong(&(start..start), format!("the jq program: {}", mistake.why))
    })
}
