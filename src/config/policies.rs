//! Who has which role, what policies say, and how much one plan may hold.
//!
//! An expression is kept as it was written, with its place: the hub compiles it, and says what is wrong in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::diagnostic::{Diagnostic, Document, TextPlace};
use super::freezes::{self, FreezeSetting};
use super::layers::one_of;
use super::section::{Found, Section};
use crate::domain::nearest::nearest;
use crate::domain::policy::{Cap, Decision, Limits, Mode, Needed, Policy, Roles};
use crate::domain::text::SafeText;

const POLICY: [&str; 7] = ["name", "when", "decision", "approvals", "roles", "reason", "mode"];
const LIMITS: [&str; 4] = ["approval_above", "break_glass", "zone", "cap"];
const CAP: [&str; 3] = ["roles", "tier", "most"];

/// The longest name of a policy, freeze or role, in characters.
const NAME: usize = 60;

/// The longest reason, in characters.
const REASON: usize = 300;

/// What the config says of who may do what, and when.
#[derive(Debug, Clone, Default)]
pub struct PolicySettings {
    /// The policies, in the order of the file.
    pub policies: Vec<PolicySetting>,
    /// The freezes, in the order of the file.
    pub freezes: Vec<FreezeSetting>,
    /// Who has which role.
    pub roles: Roles,
    /// How much one plan may hold.
    pub limits: Limits,
    /// Whether one operator works alone, and approves by the typed code.
    pub solo: bool,
}

/// A policy, and where it stands.
#[derive(Debug, Clone)]
pub struct PolicySetting {
    /// The policy.
    pub policy: Policy,
    /// Where its expression stands.
    pub when: TextPlace,
    /// Where its name stands.
    pub name: TextPlace,
}

impl PolicySettings {
    /// Reads `[roles]`, `[limits]`, `solo` and every `[[policy]]` and `[[freeze]]`. What is wrong is noted.
    pub(super) fn read(root: &Section<'_>) -> Self {
        let document = root.document;
        let roles = roles(root);
        let limits = limits(root, &roles);
        let mut names = Names::new(document, "policy");
        let mut policies = Vec::new();
        for section in document.keep(root.tables("policy", &POLICY)).unwrap_or_default() {
            policies.extend(policy(&section, &roles, &mut names));
        }
        Self {
            policies,
            freezes: freezes::read(root, &roles, &limits.zone),
            solo: document.keep(root.flag("solo")).flatten().unwrap_or(false),
            roles,
            limits,
        }
    }
}

/// Names that are taken, with the lines that they stand on.
pub(super) struct Names<'a> {
    document: Document<'a>,
    what: &'static str,
    lines: HashMap<String, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(document: Document<'a>, what: &'static str) -> Self {
        Self { document, what, lines: HashMap::new() }
    }

    /// Reads a name that nothing of its kind has yet.
    pub(super) fn read(&mut self, section: &Section<'a>) -> Option<Found<&'a str>> {
        let what = match self.what {
            "policy" => "a policy",
            "automation" => "an automation",
            _ => "a freeze",
        };
        let name = self.document.keep(section.required_text("name", what))?;
        let wrong = |message: String| self.document.problems.add(section.wrong(&name, message));
        if name.value.trim().is_empty() {
            wrong(format!("{what}'s name can't be empty"));
        } else if name.value.chars().count() > NAME || SafeText::new(name.value) != *name.value {
            wrong(format!("{what}'s name can't be longer than {NAME} characters or hold hidden ones"));
        }
        let (line, _) = self.document.position(name.span.start);
        if let Some(first) = self.lines.insert(name.value.to_owned(), line) {
            self.document.problems.add(
                section
                    .wrong(&name, format!("a second {} \"{}\"; the first is on line {first}", self.what, name.value)),
            );
        }
        Some(name)
    }
}

/// The reason that whoever is refused will read.
pub(super) fn reason(section: &Section<'_>, what: &str) -> Option<SafeText> {
    let document = section.document;
    let found = document.keep(section.required_text("reason", what))?;
    if found.value.trim().is_empty() {
        document.problems.add(section.wrong(&found, "\"reason\" is empty; whoever is refused will read it"));
    }
    Some(SafeText::clipped(found.value.trim(), REASON))
}

/// One of some words; the first of them where the key is missing.
pub(super) fn word<T: Copy>(section: &Section<'_>, key: &str, what: &str, words: &[(&'static str, T)]) -> Option<T> {
    let document = section.document;
    match document.keep(section.text(key))? {
        None => words.first().map(|(_, first)| *first),
        Some(found) => document.keep(one_of(&document.at(&found.span, true), what, found.value, words)),
    }
}

/// The roles of a key, each of which has to be one of `[roles]`.
pub(super) fn named_roles(section: &Section<'_>, key: &str, roles: &Roles) -> Option<BTreeSet<SafeText>> {
    let document = section.document;
    let mut named = BTreeSet::new();
    for found in document.keep(section.texts(key))? {
        if !roles.0.contains_key(&SafeText::new(found.value)) {
            let all: Vec<&str> = roles.0.keys().map(SafeText::as_str).collect();
            let there = if all.is_empty() {
                "; [roles] names none".to_owned()
            } else {
                format!("; there are: {}", all.join(", "))
            };
            let wrong = document.at(&found.span, true).wrong(format!("unknown role \"{}\"{there}", found.value));
            document.problems.add(wrong.or_rather(found.value, all));
        }
        named.insert(SafeText::new(found.value));
    }
    Some(named)
}

/// A time zone by its IANA name.
pub(super) fn zone(section: &Section<'_>) -> Result<Option<TimeZone>, Diagnostic> {
    let Some(found) = section.text("zone")? else { return Ok(None) };
    TimeZone::get(found.value).map(Some).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let message =
            format!("unknown time zone \"{}\"; write it as Europe/Berlin, America/New_York or UTC", found.value);
        let mut wrong = section.document.at(&found.span, true).wrong(message);
        wrong.suggestion = nearest(found.value, known.iter().map(String::as_str)).map(str::to_owned);
        wrong
    })
}

fn policy<'a>(section: &Section<'a>, roles: &Roles, names: &mut Names<'a>) -> Option<PolicySetting> {
    let document = section.document;
    // Each is read before the first of them is given up, so that every mistake is told.
    let name = names.read(section);
    let when = document.keep(section.required_text("when", "a policy"));
    let decision = decision(section, roles);
    let reason = reason(section, "a policy");
    let mode = word(section, "mode", "mode of a policy", &Mode::ALL);
    let (name, when) = (name?, when?);
    Some(PolicySetting {
        policy: Policy {
            name: SafeText::new(name.value),
            when: when.value.to_owned(),
            decision: decision?,
            reason: reason?,
            mode: mode?,
        },
        when: document.text_at(&when.span, when.value),
        name: document.text_at(&name.span, name.value),
    })
}

fn decision(section: &Section<'_>, roles: &Roles) -> Option<Decision> {
    let document = section.document;
    let approvals = document.keep(section.count("approvals"))?;
    let of = named_roles(section, "roles", roles)?;
    let found = document.keep(section.required_text("decision", "a policy"))?;
    let place = document.at(&found.span, true);
    let words: Vec<(&'static str, usize)> = Decision::NAMES.into_iter().zip(0..).collect();
    let which = document.keep(one_of(&place, "decision", found.value, &words))?;
    if which != 2 {
        for key in ["approvals", "roles"].into_iter().filter(|key| section.has(key)) {
            let message = format!("\"{key}\" goes with decision = \"require-approval\" alone");
            document.problems.add(document.wrong(&section.place(key), message));
        }
    }
    Some(match which {
        0 => Decision::Allow,
        1 => Decision::Warn,
        2 => {
            let needed = Needed { approve: approvals.unwrap_or(1), roles: of };
            document.keep(enough(section, &needed, roles))?;
            Decision::RequireApproval(needed)
        }
        _ => Decision::Deny,
    })
}

/// Approvals that there are not people enough for would never come.
fn enough(section: &Section<'_>, needed: &Needed, roles: &Roles) -> Result<(), Diagnostic> {
    let people: BTreeSet<_> = needed.roles.iter().filter_map(|role| roles.0.get(role)).flatten().collect();
    if needed.roles.is_empty() || people.len() >= usize::try_from(needed.approve).unwrap_or(usize::MAX) {
        return Ok(());
    }
    let has = if people.len() == 1 { "is" } else { "are" };
    let message =
        format!("{} approvals are asked for, and there {has} {} in these roles", needed.approve, people.len());
    Err(section.document.wrong(&section.place(if section.has("approvals") { "approvals" } else { "roles" }), message))
}

fn roles(root: &Section<'_>) -> Roles {
    let document = root.document;
    let mut roles = BTreeMap::new();
    for (name, section, _) in document.keep(root.entries("roles")).unwrap_or_default() {
        let plain = !name.value.trim().is_empty()
            && name.value.chars().count() <= NAME
            && !name.value.contains(char::is_whitespace)
            && SafeText::new(name.value) == *name.value;
        if !plain {
            document.problems.add(section.wrong(&name, "a role's name can't be empty or hold white space"));
        }
        let people = document.keep(section.texts(name.value)).unwrap_or_default();
        for person in people.iter().filter(|person| person.value.trim().is_empty()) {
            document.problems.add(section.wrong(person, "an operator's name can't be empty"));
        }
        roles.insert(SafeText::new(name.value), people.iter().map(|person| SafeText::new(person.value)).collect());
    }
    Roles(roles)
}

fn limits(root: &Section<'_>, roles: &Roles) -> Limits {
    let document = root.document;
    let mut limits = Limits::default();
    let Some(section) = document.keep(root.table("limits", &LIMITS)).flatten() else { return limits };
    if let Some(above) = document.keep(section.count("approval_above")).flatten() {
        limits.approval_above = above.into();
    }
    if let Some(lasting) = document.keep(section.duration("break_glass", SignedDuration::ZERO)).flatten() {
        limits.break_glass = lasting;
    }
    if let Some(zone) = document.keep(zone(&section)).flatten() {
        limits.zone = zone;
    }
    for cap in document.keep(section.tables("cap", &CAP)).unwrap_or_default() {
        let roles = named_roles(&cap, "roles", roles);
        let tier = document.keep(cap.text("tier")).map(|tier| tier.map(|tier| SafeText::new(tier.value)));
        let most = document.keep(cap.count("most")).and_then(|most| {
            if most.is_none() {
                document.problems.add(document.wrong(&cap.span, "a cap needs \"most\""));
            }
            most
        });
        if let (Some(roles), Some(tier), Some(most)) = (roles, tier, most) {
            limits.caps.push(Cap { roles, tier, most: most.into() });
        }
    }
    limits
}

#[cfg(test)]
mod tests;
