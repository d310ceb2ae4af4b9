//! What stands beside the remediations: what others did, what is still in force, and what automations would have done.

use std::sync::Arc;

use jiff::Timestamp;

use super::app::App;
use super::command::CommandId;
use super::remote::Remote;
use super::update::reason::ReasonForm;
use crate::domain::automation::AutomationStatus;
use crate::domain::in_force::{Borrowed, BorrowedKind, InForce, SideEffect};
use crate::domain::outside::Outside;

/// A part of the Remediation screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// What waits for approval, runs, and was done.
    #[default]
    Remediations,
    /// What was done by others.
    Outside,
    /// What is switched off, and what ends by itself.
    InForce,
    /// What automations would have done.
    Automations,
}

impl Tab {
    /// Every part, in its order.
    pub const ALL: [Self; 4] = [Self::Remediations, Self::Outside, Self::InForce, Self::Automations];

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Remediations => "Remediations",
            Self::Outside => "Outside",
            Self::InForce => "In force",
            Self::Automations => "Automations",
        }
    }

    /// The command that goes there.
    pub const fn command(self) -> CommandId {
        match self {
            Self::Remediations => CommandId::Remediations,
            Self::Outside => CommandId::Outside,
            Self::InForce => CommandId::InForce,
            Self::Automations => CommandId::Automations,
        }
    }

    /// The one after it; after the last one the first.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// What is known of all that.
#[derive(Debug, Clone)]
pub struct Records {
    /// The part that is shown.
    pub tab: Tab,
    /// The line under the cursor of that part, where it is not the remediations'.
    pub index: usize,
    /// What was done by others.
    pub outside: Remote<Arc<Outside>>,
    /// When it was asked for last.
    pub outside_asked: Option<Timestamp>,
    /// What is still in force.
    pub in_force: Remote<Arc<InForce>>,
    /// When it was asked for last.
    pub in_force_asked: Option<Timestamp>,
    /// The automations.
    pub automations: Remote<Arc<Vec<AutomationStatus>>>,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            tab: Tab::default(),
            index: 0,
            outside: Remote::Never,
            outside_asked: None,
            in_force: Remote::Never,
            in_force_asked: None,
            automations: Remote::Never,
        }
    }
}

/// A line of what is in force.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Held<'a> {
    /// Something that is switched off.
    Off(&'a SideEffect),
    /// An exception that ends by itself, and has not yet.
    Borrowed(&'a Borrowed),
}

impl Records {
    /// What is in force now, what is switched off first.
    pub fn held(&self, now: Timestamp) -> Vec<Held<'_>> {
        let Some(in_force) = self.in_force.value() else { return Vec::new() };
        let off = in_force.side_effects.iter().map(Held::Off);
        // What was heard may be older than the end of it.
        let borrowed = in_force.borrowed.iter().filter(|one| one.until > now).map(Held::Borrowed);
        off.chain(borrowed).collect()
    }

    /// How many lines a part has, where that is known. The remediations have theirs elsewhere.
    pub fn count(&self, tab: Tab, now: Timestamp) -> Option<usize> {
        match tab {
            Tab::Remediations => None,
            Tab::Outside => self.outside.value().map(|outside| outside.acts.len()),
            Tab::InForce => self.in_force.value().map(|_| self.held(now).len()),
            Tab::Automations => self.automations.value().map(|all| all.len()),
        }
    }

    /// How many lines the part that is shown has.
    pub fn lines(&self, now: Timestamp) -> usize {
        self.count(self.tab, now).unwrap_or(0)
    }

    /// How many things are switched off, and how many exceptions end by themselves besides the armed context that the
    /// header tells of anyway.
    pub fn badge(&self, now: Timestamp) -> (usize, usize) {
        let held = self.held(now);
        let off = held.iter().filter(|one| matches!(one, Held::Off(_))).count();
        let armed = |one: &&Held<'_>| matches!(one, Held::Borrowed(one) if one.kind == BorrowedKind::Armed);
        (off, held.len() - off - held.iter().filter(armed).count())
    }
}

/// The reason that is asked for before something is noted as armed again.
#[derive(Debug, Clone)]
pub struct RearmForm {
    /// What is armed again.
    pub effect: SideEffect,
    /// Why, and how it is known.
    pub reason: ReasonForm,
}

/// Whether the remediations themselves are shown, and not what stands beside them.
pub(super) fn at_remediations(app: &App) -> bool {
    app.records.tab == Tab::Remediations
}
