//! What a freeze says of a request, and who may act in it all the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::automation::is_automation;
use crate::domain::flow::JudgedFlow;
use crate::domain::freeze::{Freeze, FreezeKind, Window, told_at};
use crate::domain::policy::{Borrowed, BreakGlass, Decision, Limits, Reason, Request};
use crate::domain::text::SafeText;
use crate::domain::time::exact;
use crate::ops::is_reason;
use crate::query::Filter;

/// A request, and one freeze that is asked about it.
pub(super) struct Asked<'a> {
    pub(super) freeze: &'a Freeze,
    pub(super) filter: &'a Filter,
    pub(super) request: &'a Request,
    pub(super) targets: &'a [Arc<JudgedFlow>],
    pub(super) roles: &'a BTreeSet<SafeText>,
    pub(super) limits: &'a Limits,
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    /// Adds what it says, if anything.
    pub(super) fn say(&self, reasons: &mut Vec<Reason>, borrowed: &mut Vec<Borrowed>) {
        let name = format!("freeze {}", self.freeze.name);
        let window = match self.freeze.at(self.now) {
            Ok(Some(window)) => window,
            Ok(None) => return,
            Err(why) => {
                let words = format!("nobody can say whether it holds, so it denies: {why}");
                return reasons.push(Reason::new(name, Decision::Deny, words));
            }
        };
        let Some(against) = self.against(&window) else { return };
        match &self.request.break_glass {
            None => {
                let may = roles(&self.freeze.override_roles);
                let hint = if may.is_empty() { String::new() } else { format!("; {may} may override it") };
                reasons.push(Reason::new(name, Decision::Deny, format!("{against}{hint}")));
            }
            Some(asked) => match self.refuses(asked) {
                Some(why) => reasons.push(Reason::new(name, Decision::Deny, format!("{against}; {why}"))),
                None => {
                    let until = told_at(asked.until, &self.freeze.zone);
                    let words = format!("overridden as {} until {until}: {}", asked.role, asked.reason);
                    reasons.push(Reason::new(name, Decision::Warn, words));
                    borrowed.push(Borrowed {
                        freeze: self.freeze.name.clone(),
                        by: self.request.by.clone(),
                        role: asked.role.clone(),
                        reason: asked.reason.clone(),
                        until: asked.until,
                    });
                }
            },
        }
    }

    /// What the freeze has against the request while it holds; nothing where that is not its matter.
    fn against(&self, window: &Window) -> Option<String> {
        let selected = self.targets.iter().filter(|target| self.filter.matches(target, self.now)).count() as u64;
        let all = self.request.plan.targets;
        let unnamed = all.saturating_sub(self.targets.len() as u64);
        let of = match (all, unnamed) {
            (1, 0) => String::new(),
            (all, 0) => format!(" ({selected} of {all} targets)"),
            (all, unnamed) => format!(" (of {unnamed} of {all} targets it is not known whether it selects them)"),
        };
        let until = told_at(window.until, &self.freeze.zone);
        let reason = &self.freeze.reason;
        match self.freeze.kind {
            // Without any filter it holds for whatever there is.
            FreezeKind::Deny if self.filter.is_empty() => Some(format!("{reason}, until {until}")),
            FreezeKind::Deny => (selected > 0 || unnamed > 0).then(|| format!("{reason}, until {until}{of}")),
            FreezeKind::AllowOnly => {
                let only = || format!("{reason}; only {} may be acted on until {until}{of}", self.filter);
                // Nothing but what it selects: what nobody has named is not among it.
                (selected == 0 || selected < all).then(only)
            }
        }
    }

    /// Why an override does not hold.
    fn refuses(&self, asked: &BreakGlass) -> Option<String> {
        let may = &self.freeze.override_roles;
        let latest = self.now.saturating_add(self.limits.break_glass).unwrap_or(self.now);
        if is_automation(&self.request.by) {
            Some("no automation overrides it".to_owned())
        } else if may.is_empty() {
            Some("nobody may override it".to_owned())
        } else if !may.contains(&asked.role) {
            Some(format!("{} may not override it, {} may", asked.role, roles(may)))
        } else if !self.roles.contains(&asked.role) {
            Some(format!("{} is not one of {}", self.request.by, asked.role))
        } else if !is_reason(&asked.reason) {
            Some("an override needs a reason".to_owned())
        } else if asked.until <= self.now {
            Some("the override has ended".to_owned())
        } else if asked.until > latest {
            Some(format!("an override lasts {} at most", exact(self.limits.break_glass)))
        } else {
            None
        }
    }
}

fn roles(of: &BTreeSet<SafeText>) -> String {
    of.iter().map(SafeText::as_str).collect::<Vec<_>>().join(" or ")
}
