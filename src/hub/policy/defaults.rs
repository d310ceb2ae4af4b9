//! What holds without any config: approvals for much, for money, for messages and for what nothing takes back; and caps.

use std::collections::BTreeSet;

use crate::domain::automation::is_automation;
use crate::domain::policy::{Circumstances, Decision, Limits, Needed, Reason, Request};
use crate::domain::text::SafeText;

/// A rule that always holds, for a list of what is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// When it says something, in words.
    pub when: String,
    /// What it says.
    pub decision: Decision,
    /// Why.
    pub reason: &'static str,
}

const MANY: (&str, &str) = ("many targets", "a mistake in it would hurt many");
const MONEY: (&str, &str) = ("money", "money moves");
const MESSAGES: (&str, &str) = ("messages", "messages are sent to people once more");
const IRREVERSIBLE: (&str, &str) = ("irreversible", "nothing takes it back, and this is production");
const AUTOMATION: (&str, &str) = ("automation", "nobody asks but a rule of the config, so a person has to agree");
const CAP: (&str, &str) = ("cap", "it is more than one plan may hold");
const UNKNOWN: (&str, &str) = ("not known", "whether money moves or messages are sent again is not known of all of it");

/// One approval, by anybody else.
fn approval() -> Decision {
    Decision::RequireApproval(Needed { approve: 1, roles: BTreeSet::new() })
}

/// Every rule that always holds.
pub fn rules(limits: &Limits) -> Vec<Rule> {
    let rule =
        |(name, reason): (&'static str, &'static str), when: String, decision| Rule { name, when, decision, reason };
    let mut rules = vec![
        rule(AUTOMATION, "an automation asks".to_owned(), approval()),
        rule(MANY, format!("more than {} targets", limits.approval_above), approval()),
        rule(MONEY, "a step that moves money would run".to_owned(), approval()),
        rule(MESSAGES, "a message would be sent again".to_owned(), approval()),
        rule(IRREVERSIBLE, "several targets of an irreversible verb, in production".to_owned(), approval()),
        rule(UNKNOWN, "a costly verb, or several targets of an irreversible one".to_owned(), Decision::Warn),
    ];
    let general = limits.cap(None, &BTreeSet::new()).unwrap_or_default();
    rules.push(rule(CAP, format!("more than {general} targets"), Decision::Deny));
    for cap in &limits.caps {
        let what = cap.tier.as_ref().map_or_else(|| "targets".to_owned(), |tier| format!("tenants of tier {tier}"));
        let named: Vec<&str> = cap.roles.iter().map(SafeText::as_str).collect();
        if !named.is_empty() || cap.tier.is_some() {
            let whom = if named.is_empty() { String::new() } else { format!(", for {}", named.join(" and ")) };
            rules.push(rule(CAP, format!("more than {} {what}{whom}", cap.most), Decision::Deny));
        }
    }
    rules
}

/// What the rules say of a request.
pub(super) fn reasons(
    limits: &Limits,
    request: &Request,
    roles: &BTreeSet<SafeText>,
    at: &Circumstances,
) -> Vec<Reason> {
    let (plan, mut reasons) = (&request.plan, Vec::new());
    let blast = &plan.blast;
    let mut says = |name: &str, decision, words: String| reasons.push(Reason::new(name, decision, words));
    if is_automation(&request.by) {
        says(AUTOMATION.0, approval(), AUTOMATION.1.to_owned());
    }
    if plan.targets > limits.approval_above {
        says(MANY.0, approval(), format!("{} targets, more than {}: {}", plan.targets, limits.approval_above, MANY.1));
    }
    if blast.money_steps.least > 0 {
        says(MONEY.0, approval(), format!("{}: {} steps", MONEY.1, blast.money_steps.words()));
    }
    if blast.messages.least > 0 {
        says(MESSAGES.0, approval(), format!("{}: {}", MESSAGES.1, blast.messages.words()));
    }
    let reversible = request.risk == *"reversible";
    // One alone is for whoever reviews it to decide, at night too; what is neither of the words that are known is not
    // taken for harmless.
    let lasting = request.risk == *"irreversible" && plan.targets > 1;
    let unheard = !reversible && request.risk != *"costly" && request.risk != *"irreversible";
    if at.production && (lasting || unheard) {
        says(IRREVERSIBLE.0, approval(), IRREVERSIBLE.1.to_owned());
    }
    let known = blast.money_steps.exact().is_some() && blast.messages.exact().is_some();
    if !known && !reversible && (plan.targets > 1 || request.risk == *"costly") {
        says(UNKNOWN.0, Decision::Warn, UNKNOWN.1.to_owned());
    }
    if let Some(most) = limits.cap(None, roles).filter(|most| plan.targets > *most) {
        says(CAP.0, Decision::Deny, format!("{} targets, and one plan may hold {most}", plan.targets));
    }
    for tier in limits.tiers() {
        let Some(most) = limits.cap(Some(tier), roles) else { continue };
        let hurt = blast.of_tier(tier);
        let (least, unknown) = (hurt.least, hurt.unknown);
        if least > most {
            says(CAP.0, Decision::Deny, format!("{least} tenants of tier {tier}, and one plan may hold {most}"));
        } else if least.saturating_add(unknown) > most {
            let words =
                format!("of {unknown} the tier is not known, and one plan may hold {most} tenants of tier {tier}");
            says(CAP.0, Decision::Deny, words);
        }
    }
    reasons
}
