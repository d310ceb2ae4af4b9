//! What of a Salt is looked at: which minions, by which states, and which of their grains tell whom and where they are.

use std::time::Duration;

use super::diagnostic::Diagnostic;
use super::file::POLL_LEAST;
use super::section::{Found, Section};

/// What of a Salt is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaltSettings {
    /// The minions, as a glob.
    pub target: String,
    /// The states that are checked; none for the highstate.
    pub states: Vec<String>,
    /// The grain that names the tenant of a minion.
    pub tenant_grain: Option<String>,
    /// Grains that tell where a minion is, beside its id.
    pub scope_grains: Vec<String>,
    /// How often minions are asked what they are at; `check_interval` is of their states.
    pub jobs_interval: Duration,
}

/// Minions are asked what they are at: seldom enough for thousands of them, since each question is a job to Salt.
const JOBS: Duration = Duration::from_secs(30);

impl Default for SaltSettings {
    fn default() -> Self {
        Self {
            target: "*".to_owned(),
            states: Vec::new(),
            tenant_grain: None,
            scope_grains: Vec::new(),
            jobs_interval: JOBS,
        }
    }
}

/// The keys of a source that only a Salt has.
const KEYS: [&str; 5] = ["target", "states", "tenant_grain", "scope_grains", "jobs_interval"];

/// Reads them; for a source of another kind they are refused.
pub(super) fn read(section: &Section<'_>, is_salt: bool) -> Result<SaltSettings, Diagnostic> {
    if let Some(key) = KEYS.into_iter().find(|key| !is_salt && section.has(key)) {
        let message = format!("only a source of the kind \"salt\" has \"{key}\"");
        return Err(section.document.wrong(&section.place(key), message));
    }
    let name = |found: Found<&str>, what: &str| {
        let plain = !found.value.trim().is_empty() && !found.value.contains(char::is_control);
        if plain { Ok(found.value.to_owned()) } else { Err(section.wrong(&found, format!("{what} is no name"))) }
    };
    let usual = SaltSettings::default();
    let each = |key: &str| -> Result<Vec<String>, Diagnostic> {
        let what = format!("\"{key}\"");
        section.texts(key)?.into_iter().map(|found| name(found, &what)).collect()
    };
    Ok(SaltSettings {
        target: section.text("target")?.map_or(Ok(usual.target), |found| name(found, "\"target\""))?,
        states: each("states")?,
        tenant_grain: section.text("tenant_grain")?.map(|found| name(found, "\"tenant_grain\"")).transpose()?,
        scope_grains: each("scope_grains")?,
        jobs_interval: section
            .duration("jobs_interval", POLL_LEAST)?
            .and_then(|every| every.try_into().ok())
            .unwrap_or(usual.jobs_interval),
    })
}
