//! What may be done: policies, freezes and limits, compiled once and asked before each act.
//!
//! Everything that says something is listed. What can't be evaluated denies, with its name and why.

mod bound;
mod cel;
mod defaults;
mod facts;
mod freezing;

use std::sync::Arc;

use self::cel::Program;
use self::facts::Facts;
pub use self::facts::{FIELDS, Field, Kind};
use crate::config::{Diagnostic, PolicySettings};
use crate::domain::flow::JudgedFlow;
use crate::domain::freeze::{Freeze, InFlight};
use crate::domain::policy::{Circumstances, Decision, Limits, Policy, PolicyDecision, Reason, Request, Roles};
use crate::query::Filter;

pub use self::defaults::{Rule, rules};

/// Policies, freezes and limits in force. The default has those alone that hold without any config.
#[derive(Debug, Default)]
pub struct Policies {
    compiled: Vec<(Policy, Program)>,
    freezes: Vec<(Freeze, Filter)>,
    roles: Roles,
    limits: Limits,
    solo: bool,
}

impl Policies {
    /// Compiles what the config says.
    ///
    /// # Errors
    /// Every expression and every filter that can't be read, with its place.
    pub fn compile(settings: &PolicySettings) -> Result<Self, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let mut compiled = Vec::new();
        for setting in &settings.policies {
            if defaults::rules(&settings.limits).iter().any(|rule| setting.policy.name == *rule.name) {
                let name = &setting.policy.name;
                wrong.push(setting.name.wrong(0, format!("\"{name}\" is the name of a rule that always holds")));
            }
            match Program::compile(&setting.policy.when) {
                Ok(program) => compiled.push((setting.policy.clone(), program)),
                Err(mistake) => {
                    let mut diagnostic = setting.when.wrong(mistake.at, format!("\"when\": {}", mistake.why));
                    diagnostic.suggestion = mistake.meant;
                    wrong.push(diagnostic);
                }
            }
        }
        let mut freezes = Vec::new();
        for setting in &settings.freezes {
            match (Filter::parse(&setting.freeze.selector), &setting.selector) {
                (Ok(filter), _) => freezes.push((setting.freeze.clone(), filter)),
                (Err(error), Some(place)) => {
                    let text = &setting.freeze.selector;
                    let at = text.char_indices().nth(error.column - 1).map_or(text.len(), |(at, _)| at);
                    let mut diagnostic = place.wrong(at, format!("\"selector\": {}", error.message));
                    diagnostic.suggestion = error.suggestion;
                    wrong.push(diagnostic);
                }
                // What is not there can be read.
                (Err(_), None) => {}
            }
        }
        if wrong.is_empty() {
            Ok(Self {
                compiled,
                freezes,
                roles: settings.roles.clone(),
                limits: settings.limits.clone(),
                solo: settings.solo,
            })
        } else {
            wrong.sort_by_key(|diagnostic| (diagnostic.place.line, diagnostic.place.column));
            Err(wrong)
        }
    }

    /// The policies of the config, in its order.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.compiled.iter().map(|(policy, _)| policy)
    }

    /// The freezes of the config, in its order.
    pub fn freezes(&self) -> impl Iterator<Item = &Freeze> {
        self.freezes.iter().map(|(freeze, _)| freeze)
    }

    /// Who has which role.
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// How much one plan may hold.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether one operator works alone.
    pub const fn solo(&self) -> bool {
        self.solo
    }

    /// What is decided of a request, with every reason. `targets` are those of its plan, for the filters of freezes.
    ///
    /// May take as long as its policies are allowed to: some hundred milliseconds at the very most, for a plan of
    /// ten thousand targets.
    pub fn decide(&self, request: &Request, targets: &[Arc<JudgedFlow>], at: &Circumstances) -> PolicyDecision {
        let roles = self.roles.of(&request.by);
        let mut reasons = defaults::reasons(&self.limits, request, &roles, at);
        let mut borrowed = Vec::new();
        for (freeze, filter) in &self.freezes {
            // What was on its way when it began is let through to its end, where it says so.
            if at.under_way && freeze.in_flight == InFlight::Finish {
                continue;
            }
            let limits = &self.limits;
            freezing::Asked { freeze, filter, request, targets, roles: &roles, limits, now: at.at }
                .say(&mut reasons, &mut borrowed);
        }
        let programs: Vec<&Program> = self.compiled.iter().map(|(_, program)| program).collect();
        let facts = Facts { request, roles: &self.roles, solo: self.solo, zone: &self.limits.zone, at };
        for ((policy, program), holds) in self.compiled.iter().zip(cel::evaluate(&programs, &facts)) {
            let says = |decision, reason| Reason { policy: policy.name.clone(), decision, reason, mode: policy.mode };
            match holds {
                Ok(false) => {}
                // It is asked again with the reason, before anything is done.
                _ if request.reason.is_none() && program.needs_reason() => {
                    let words = format!("it looks at the reason, which is not given yet: {}", policy.reason);
                    reasons.push(says(Decision::Warn, words.into()));
                }
                Ok(true) => reasons.push(says(policy.decision.clone(), policy.reason.clone())),
                Err(why) => {
                    reasons.push(says(Decision::Deny, format!("it can't be evaluated, so it denies: {why}").into()));
                }
            }
        }
        PolicyDecision::of(reasons, borrowed)
    }
}

#[cfg(test)]
mod tests;
