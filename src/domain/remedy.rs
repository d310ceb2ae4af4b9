//! What is done to each target of a plan: one verb, or the steps of a runbook one after the other. What each of them may
//! cost, what takes it back, and what it switches off is the same question for both.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plan::{DEPLOYMENT, PUT_BACK, Parameters, SERVICE};
use super::remediation::{Risk, Verb};
use super::runbook::{Given, RunbookRun};
use super::text::SafeText;

/// One act on a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub verb: Verb,
    /// With what else, by name; nothing for most verbs.
    pub parameters: Parameters,
}

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Remedy {
    /// A verb, with what else it is given.
    Verb(Verb, Parameters),
    /// A runbook.
    Runbook(Wished),
}

/// A runbook that somebody wants to be carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Wished {
    /// Its name.
    pub name: SafeText,
    /// Its version; `None` for the only one that there is.
    pub version: Option<SafeText>,
    /// What it is given.
    pub parameters: Given,
}

impl Remedy {
    /// Its name, as people say it.
    pub fn label(&self) -> SafeText {
        match self {
            Self::Verb(verb, _) => verb.label().into(),
            Self::Runbook(Wished { name, version: None, .. }) => name.clone(),
            Self::Runbook(Wished { name, version: Some(version), .. }) => format!("{name}@{version}").into(),
        }
    }
}

/// The same as a plan freezes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrozenRemedy {
    /// A verb.
    Verb(Step),
    /// A runbook; it has a step at least.
    Runbook(Box<RunbookRun>),
}

/// Something that stays switched off until somebody arms it again, as it is told before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchedOff {
    /// What, in words.
    pub what: SafeText,
    /// How it is armed again, in words.
    pub way_back: SafeText,
}

impl FrozenRemedy {
    /// What is done to each target, one after the other.
    pub fn steps(&self) -> &[Step] {
        match self {
            Self::Verb(step) => std::slice::from_ref(step),
            Self::Runbook(run) => &run.steps,
        }
    }

    /// The runbook, where it is one.
    pub fn runbook(&self) -> Option<&RunbookRun> {
        match self {
            Self::Verb(_) => None,
            Self::Runbook(run) => Some(run),
        }
    }

    /// Whether one of its steps is this verb.
    pub fn does(&self, verb: Verb) -> bool {
        self.steps().iter().any(|step| step.verb == verb)
    }

    /// Whether it is done to what drifts, and not to instances of flows.
    pub fn is_of_drift(&self) -> bool {
        self.steps().iter().any(|step| step.verb.is_of_drift())
    }

    /// Whether it is what was wished for; what a plan fills in by itself aside.
    pub fn is_of(&self, wished: &Remedy) -> bool {
        match (self, wished) {
            (Self::Verb(step), Remedy::Verb(verb, _)) => step.verb == *verb,
            (Self::Runbook(run), Remedy::Runbook(wished)) => {
                run.id.name == wished.name && wished.version.as_ref().is_none_or(|version| *version == run.id.version)
            }
            _ => false,
        }
    }

    /// Whether what it is given holds all that was wished for, and for a verb nothing else.
    pub fn gives(&self, wished: &Remedy) -> bool {
        match (self, wished) {
            (Self::Verb(step), Remedy::Verb(_, parameters)) => step.parameters == *parameters,
            (Self::Runbook(run), Remedy::Runbook(wished)) => {
                wished.parameters.iter().all(|(name, value)| run.parameters.get(name) == Some(value))
            }
            _ => false,
        }
    }

    /// Its name in JSON and in the record: that of the verb, or `runbook@version`.
    pub fn name(&self) -> SafeText {
        match self {
            Self::Verb(step) => step.verb.name().into(),
            Self::Runbook(run) => run.id.to_string().into(),
        }
    }

    /// Its name as people say it.
    pub fn label(&self) -> SafeText {
        match self {
            Self::Verb(step) => step.verb.label().into(),
            Self::Runbook(run) => run.id.to_string().into(),
        }
    }

    /// What it may cost: as much as the worst of its steps.
    pub fn risk(&self) -> Risk {
        let worst = self.steps().iter().map(|step| step.verb.risk()).max().unwrap_or(Risk::Irreversible);
        if self.puts_back().is_some() { worst.max(Risk::Costly) } else { worst }
    }

    /// Whether there is a way back, in words.
    pub fn way_back(&self) -> SafeText {
        match self {
            Self::Verb(step) => step.verb.way_back().into(),
            Self::Runbook(run) => match &run.undo {
                Some(undo) => format!("{}, by a plan of its own", undo.id).into(),
                None => "none: nothing is declared that takes it back".into(),
            },
        }
    }

    /// What is given besides, by name, as it is told.
    pub fn parameters(&self) -> Vec<(SafeText, SafeText)> {
        match self {
            Self::Verb(step) => step.parameters.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            Self::Runbook(run) => {
                let told = |(name, value): (&String, &Value)| {
                    (name.as_str().into(), super::runbook::schema::told(value).into())
                };
                run.parameters.iter().map(told).collect()
            }
        }
    }

    /// The same as JSON, typed.
    pub fn parameters_json(&self) -> Value {
        match self {
            Self::Verb(step) => json!(step.parameters),
            Self::Runbook(run) => Value::Object(run.parameters.clone()),
        }
    }

    /// What it declares to switch off. What a connector tells of it beside that is the plan's.
    pub fn switches_off(&self) -> Vec<SwitchedOff> {
        let Self::Runbook(run) = self else { return Vec::new() };
        run.switches_off.iter().map(|what| SwitchedOff { what: what.clone(), way_back: run.rearm.clone() }).collect()
    }

    /// What is put back in the end: the flow whose service it is, from which deployment, to which.
    pub fn puts_back(&self) -> Option<(&SafeText, &SafeText, &SafeText)> {
        let Self::Verb(step) = self else { return None };
        let value = |name: &str| step.parameters.get(&SafeText::from(name));
        Some((value(SERVICE)?, value(PUT_BACK)?, value(DEPLOYMENT)?))
    }

    /// The same once more, for others.
    pub fn again(&self) -> Remedy {
        match self {
            Self::Verb(step) => Remedy::Verb(step.verb, step.parameters.clone()),
            Self::Runbook(run) => Remedy::Runbook(Wished {
                name: run.id.name.clone(),
                version: Some(run.id.version.clone()),
                parameters: run.parameters.clone(),
            }),
        }
    }

    /// What takes it back.
    ///
    /// # Errors
    /// Why nothing does.
    pub fn undo(&self) -> Result<Remedy, String> {
        match self {
            Self::Verb(step) => {
                let verb = step.verb;
                let undo = verb.undo().map(|undo| Remedy::Verb(undo, Parameters::new()));
                undo.ok_or_else(|| {
                    let (verb, way_back) = (verb.label(), verb.way_back());
                    match way_back.strip_prefix("none: ") {
                        Some(why) => format!("none: a {verb} has no way back: {why}"),
                        None => format!("none: nothing takes a {verb} back; way back: {way_back}"),
                    }
                })
            }
            Self::Runbook(run) => match &run.undo {
                Some(undo) => Ok(Remedy::Runbook(Wished {
                    name: undo.id.name.clone(),
                    version: Some(undo.id.version.clone()),
                    parameters: undo.parameters.clone(),
                })),
                None => Err(format!("none: {} names nothing that takes it back", run.id)),
            },
        }
    }

    /// Its part of what a plan's hash is of, as keys and values of an object.
    pub(super) fn hashed(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Verb(step) => vec![("parameters", json!(step.parameters)), ("verb", json!(step.verb.name()))],
            Self::Runbook(run) => {
                let steps =
                    run.steps.iter().map(|step| json!({"parameters": step.parameters, "verb": step.verb.name()}));
                vec![
                    ("parameters", Value::Object(run.parameters.clone())),
                    ("rearm", json!(run.rearm)),
                    ("runbook", json!(run.id.to_string())),
                    ("steps", steps.collect()),
                    ("switches_off", json!(run.switches_off)),
                    ("undo", json!(run.undo)),
                ]
            }
        }
    }
}
