//! The runbooks of the config, with their filters compiled: which one is meant by a name, and which are suggested for what.

use std::sync::Arc;

use jiff::Timestamp;

use crate::config::{Diagnostic, RunbookSetting};
use crate::domain::flow::JudgedFlow;
use crate::domain::nearest::nearest;
use crate::domain::remedy::Wished;
use crate::domain::runbook::{Breach, Runbook, RunbookOffer, RunbookRun};
use crate::query::Filter;

/// Every runbook, in the order of the config.
#[derive(Debug, Default)]
pub struct Runbooks(Vec<(Arc<Runbook>, Vec<Filter>)>);

impl Runbooks {
    /// Compiles what the config says.
    ///
    /// # Errors
    /// Every filter that can't be read, with its place.
    pub fn compile(settings: &[RunbookSetting]) -> Result<Self, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let mut all = Vec::new();
        for setting in settings {
            let mut filters = Vec::new();
            for (text, place) in setting.runbook.suggested_for.iter().zip(&setting.suggested_for) {
                match Filter::parse(text) {
                    Ok(filter) => filters.push(filter),
                    Err(error) => {
                        let at = text.char_indices().nth(error.column - 1).map_or(text.len(), |(at, _)| at);
                        let mut diagnostic = place.wrong(at, format!("\"suggested_for\": {}", error.message));
                        diagnostic.suggestion = error.suggestion;
                        wrong.push(diagnostic);
                    }
                }
            }
            all.push((Arc::new(setting.runbook.clone()), filters));
        }
        if wrong.is_empty() { Ok(Self(all)) } else { Err(wrong) }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The runbook that is meant.
    ///
    /// # Errors
    /// Where there is none of that name and version, or no version was named and there are several.
    fn find(&self, wished: &Wished) -> Result<&Arc<Runbook>, String> {
        let of_name: Vec<&Arc<Runbook>> =
            self.0.iter().map(|(runbook, _)| runbook).filter(|runbook| runbook.id.name == wished.name).collect();
        let list = |all: &mut dyn Iterator<Item = &Arc<Runbook>>| {
            let names: Vec<String> = all.map(|runbook| runbook.id.to_string()).collect();
            names.join(", ")
        };
        match (&wished.version, &of_name[..]) {
            (None, [only]) => Ok(only),
            (None, []) => {
                let names = self.0.iter().map(|(runbook, _)| runbook.id.name.as_str());
                let near = nearest(&wished.name, names).map(|near| format!(" (did you mean \"{near}\"?)"));
                let there = list(&mut self.0.iter().map(|(runbook, _)| runbook));
                let there =
                    if there.is_empty() { "; the config has none".to_owned() } else { format!("; there are: {there}") };
                Err(format!("there is no runbook {}{}{there}", wished.name, near.unwrap_or_default()))
            }
            (None, several) => {
                let several = list(&mut several.iter().copied());
                Err(format!("there are several versions of {}: name one of {several}", wished.name))
            }
            (Some(version), of_name) => {
                of_name.iter().find(|runbook| runbook.id.version == *version).copied().ok_or_else(|| {
                    let there = list(&mut of_name.iter().copied());
                    let there = if there.is_empty() { String::new() } else { format!("; there is {there}") };
                    format!("there is no runbook {}@{version}{there}", wished.name)
                })
            }
        }
    }

    /// The steps of the runbook that is meant, with what it is given.
    ///
    /// # Errors
    /// Where there is none, or what is given breaks its schema: where, and why.
    pub(super) fn run(&self, wished: &Wished) -> Result<RunbookRun, String> {
        let runbook = self.find(wished)?;
        let undo = self.0.iter().map(|(other, _)| other).find(|other| runbook.undo.as_ref() == Some(&other.id));
        runbook.run(&wished.parameters, undo.map(|undo| &**undo)).map_err(|wrong| {
            let wrong: Vec<String> = wrong.iter().map(Breach::to_string).collect();
            format!("the parameters of {} are not as it wants them: {}", runbook.id, wrong.join("; "))
        })
    }

    /// Every runbook, those first that are suggested for most of these.
    pub(super) fn offers(&self, rows: &[Arc<JudgedFlow>], now: Timestamp) -> Vec<RunbookOffer> {
        let offer = |(runbook, filters): &(Arc<Runbook>, Vec<Filter>)| {
            let suits = |row: &&Arc<JudgedFlow>| filters.iter().any(|filter| filter.matches(row, now));
            let suggested = rows.iter().filter(suits).count() as u64;
            RunbookOffer { runbook: runbook.clone(), suggested }
        };
        let mut offers: Vec<RunbookOffer> = self.0.iter().map(offer).collect();
        offers.sort_by_key(|offer| std::cmp::Reverse(offer.suggested));
        offers
    }
}
