//! Saved views: a filter with its order and groups, under a name.

use super::app::App;
use crate::domain::claim::ClaimKind;
use crate::domain::text::SafeText;
use crate::query::{Filter, GroupBy, SortBy};

/// A view.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its name.
    pub name: SafeText,
    /// Its filter, as it was written.
    pub text: String,
    /// The filter.
    pub filter: Filter,
    /// Its order.
    pub sort: SortBy,
    /// Whether that is turned round.
    pub reverse: bool,
    /// Its groups.
    pub group: Option<GroupBy>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a view comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is always there.
    BuiltIn,
    /// The config.
    Config,
    /// It was saved in this session, and is gone with it.
    Session,
}

impl Origin {
    /// What stands behind a view in the list.
    pub const fn words(self) -> &'static str {
        match self {
            Self::BuiltIn => "",
            Self::Config => "  (config)",
            Self::Session => "  (this session)",
        }
    }
}

impl View {
    fn built_in(name: &str, text: String, sort: SortBy) -> Option<Self> {
        let filter = Filter::parse(&text).ok()?;
        Some(Self { name: name.into(), text, filter, sort, reverse: false, group: None, origin: Origin::BuiltIn })
    }

    /// How it is written in the config.
    pub fn toml(&self) -> Vec<String> {
        // A basic string of TOML has the escapes of a JSON string.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut lines = vec!["[[view]]".to_owned(), format!("name = {}", quoted(&self.name))];
        lines.push(format!("filter = {}", quoted(&self.text)));
        lines.push(format!("sort = {}", quoted(self.sort.name())));
        if self.reverse {
            lines.push("reverse = true".to_owned());
        }
        lines.extend(self.group.map(|group| format!("group = {}", quoted(group.name()))));
        lines
    }
}

/// Every view: those that are always there, those of the config, those of this session. A later one of the same name
/// takes the place of an earlier one.
pub fn all(app: &App) -> Vec<View> {
    let mut views: Vec<View> = [
        View::built_in("stuck", "is:stuck".to_owned(), SortBy::Worst),
        View::built_in("mine", mine(app), SortBy::Worst),
        View::built_in("blocked", "rule:blocked_by".to_owned(), SortBy::Worst),
        View::built_in("unknown", "is:unknown,recheck".to_owned(), SortBy::Worst),
        View::built_in("oldest", "state:open".to_owned(), SortBy::Created),
    ]
    .into_iter()
    .flatten()
    .collect();
    for view in app.settings.views.iter().chain(&app.views) {
        match views.iter_mut().find(|known| known.name == view.name) {
            Some(known) => *known = view.clone(),
            None => views.push(view.clone()),
        }
    }
    views
}

/// The filter of the cohorts that are claimed by whoever is at the keyboard. No cohort has the id `none`.
fn mine(app: &App) -> String {
    let cohorts = app.overview.value().into_iter().flat_map(|overview| &overview.cohorts);
    let ids: Vec<&str> = cohorts
        .filter_map(|cohort| cohort.claim.as_ref())
        .filter(|claim| claim.kind == ClaimKind::Claim && claim.by == app.settings.operator)
        .map(|claim| claim.cohort.as_str())
        .collect();
    format!("cohort:{}", if ids.is_empty() { "none".to_owned() } else { ids.join(",") })
}
