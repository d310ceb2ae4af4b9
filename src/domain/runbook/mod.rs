//! Runbooks: verbs in a fixed order under a name and a version, with typed parameters that are filled into them, what
//! they switch off, and what takes them back.
//!
//! A runbook is what somebody wrote; [`RunbookRun`] is what a plan freezes of it: the very steps, so that what was
//! approved is what is done, whatever becomes of the config.

pub mod schema;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::schema::{Breach, Fault, Field, Given, Kind, Schema};
use super::plan::Parameters;
use super::remediation::Verb;
use super::remedy::Step;
use super::text::SafeText;

/// The name and the version of a runbook: `drain@2`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunbookId {
    /// Its name.
    pub name: SafeText,
    /// Its version, as it was written.
    pub version: SafeText,
}

impl fmt::Display for RunbookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl FromStr for RunbookId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('@').filter(|(name, version)| !name.is_empty() && !version.is_empty());
        let (name, version) = parts.ok_or_else(|| "a runbook is named as name@version".to_owned())?;
        Ok(Self { name: name.into(), version: version.into() })
    }
}

/// A text with parameters in it: `{deployment}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let name = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let (name, after) = name
                .filter(|(name, _)| !name.is_empty() && !name.contains('{'))
                .ok_or_else(|| "a parameter is written as {name}".to_owned())?;
            pieces.push(Piece::Parameter(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Parameter(name) => write!(f, "{{{name}}}"),
        })
    }
}

impl Pattern {
    /// The parameters in it.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    fn fill(&self, given: &Given) -> SafeText {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Parameter(name) => given.get(name).map(schema::told).unwrap_or_default(),
        };
        self.0.iter().map(piece).collect::<String>().into()
    }
}

/// A step as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// What is done.
    pub verb: Verb,
    /// With what else, by name.
    pub with: BTreeMap<SafeText, Pattern>,
}

impl fmt::Display for Template {
    /// `resume with deployment {deployment}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb.label())?;
        let with: Vec<String> = self.with.iter().map(|(name, pattern)| format!("{name} {pattern}")).collect();
        if with.is_empty() { Ok(()) } else { write!(f, " with {}", with.join(", ")) }
    }
}

/// A runbook as the config has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Runbook {
    /// Its name and version.
    pub id: RunbookId,
    /// What it is for.
    pub description: SafeText,
    /// What it is given.
    pub schema: Schema,
    /// What it does, one after the other; never empty.
    pub steps: Vec<Template>,
    /// Filters: what it is suggested for.
    pub suggested_for: Vec<SafeText>,
    /// What it switches off until somebody arms it again.
    pub switches_off: Vec<SafeText>,
    /// How that is armed again; empty where nothing is switched off.
    pub rearm: SafeText,
    /// The runbook that takes it back; `None` where nothing does.
    pub undo: Option<RunbookId>,
}

/// A runbook as it is offered for some instances.
#[derive(Debug, Clone, PartialEq)]
pub struct RunbookOffer {
    /// The runbook.
    pub runbook: Arc<Runbook>,
    /// For how many of them it is suggested.
    pub suggested: u64,
}

/// What takes a runbook back, with what it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Which runbook.
    pub id: RunbookId,
    /// With the parameters that both of them have by name.
    pub parameters: Given,
}

/// What a plan freezes of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunbookRun {
    /// Which.
    pub id: RunbookId,
    /// What it is given, with what holds by default.
    pub parameters: Given,
    /// What is done, one after the other.
    pub steps: Vec<Step>,
    /// What it switches off until somebody arms it again.
    pub switches_off: Vec<SafeText>,
    /// How that is armed again.
    pub rearm: SafeText,
    /// What takes it back.
    pub undo: Option<Undo>,
}

impl Runbook {
    /// Its steps with what was given. `undo` is the runbook that takes it back, where it names one.
    ///
    /// # Errors
    /// What is wrong with what was given, by its path.
    pub fn run(&self, given: &Given, undo: Option<&Self>) -> Result<RunbookRun, Vec<Breach>> {
        let parameters = self.schema.read(given)?;
        let fill = |step: &Template| Step {
            verb: step.verb,
            parameters: step
                .with
                .iter()
                .map(|(name, with)| (name.clone(), with.fill(&parameters)))
                .collect::<Parameters>(),
        };
        let steps = self.steps.iter().map(fill).collect();
        let undo = undo.filter(|undo| self.undo.as_ref() == Some(&undo.id)).map(|undo| {
            let fields = undo.schema.fields();
            let both = |name: &String| fields.iter().any(|field| *field.name == **name);
            let parameters = parameters.iter().filter(|(name, _)| both(name));
            let parameters = parameters.map(|(name, value)| (name.clone(), value.clone())).collect();
            Undo { id: undo.id.clone(), parameters }
        });
        Ok(RunbookRun {
            id: self.id.clone(),
            parameters,
            steps,
            switches_off: self.switches_off.clone(),
            rearm: self.rearm.clone(),
            undo,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_version() {
        let id: RunbookId = "drain@2".parse().unwrap();
        assert_eq!((id.name.as_str(), id.version.as_str(), id.to_string().as_str()), ("drain", "2", "drain@2"));
        for wrong in ["drain", "@2", "drain@", ""] {
            assert!(wrong.parse::<RunbookId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn parameters_are_filled_in() {
        let pattern: Pattern = "on {deployment}-{n}".parse().unwrap();
        assert_eq!(pattern.parameters().collect::<Vec<_>>(), ["deployment", "n"]);
        assert_eq!(pattern.to_string(), "on {deployment}-{n}");
        let given: Given = serde_json::from_str(r#"{"deployment": "dp_1", "n": 7}"#).unwrap();
        assert_eq!(pattern.fill(&given), "on dp_1-7");
        for wrong in ["{", "}", "{}", "a{b", "a}b", "{a{b}"] {
            assert_eq!(wrong.parse::<Pattern>().unwrap_err(), "a parameter is written as {name}", "{wrong}");
        }
    }
}
