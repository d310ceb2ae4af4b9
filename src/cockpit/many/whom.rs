//! Whom a plan of many is about, as the operator chose them.

use std::collections::BTreeSet;

use super::words;
use crate::cockpit::app::{App, Pane};
use crate::cockpit::settings::ScreenName;
use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::domain::drift::KnownDrift;
use crate::domain::flow::Status;
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::domain::wide::WideRemediation;
use crate::ops::Selection;
use crate::query::Filter;

/// Instances that somebody chose, and what they are called.
#[derive(Debug, Clone, PartialEq)]
pub struct Whom {
    /// Who.
    pub selection: Selection,
    /// As it is said: `cohort 1a2b3c4d: 298 of tenant-provisioning in database`.
    pub words: SafeText,
    /// The sources they are of; every one where that is not known.
    pub sources: Option<BTreeSet<SafeText>>,
    /// How they stand, where one of them stands for all.
    pub status: Option<Status>,
    /// The finding that stands for all, where it is what drifts.
    pub drift: Option<KnownDrift>,
}

impl Whom {
    /// What is marked on the list, or the cohort under the cursor of the board; `None` elsewhere.
    pub fn here(app: &App) -> Option<Self> {
        match app.screen() {
            ScreenName::Flows => Self::marked(app),
            ScreenName::Board if app.board.pane == Pane::Cohorts => Self::cohort(app),
            ScreenName::Drift => Self::cause(app),
            ScreenName::Finding => app.drift.open.clone().map(Self::finding),
            _ => None,
        }
    }

    fn marked(app: &App) -> Option<Self> {
        let marks = app.flows.marks.as_ref()?;
        let (count, sources) = match &marks.selection {
            Selection::Ids(ids) => {
                let sources = ids.iter().map(|id| id.source.clone()).collect();
                (plural(ids.len() as u64, "marked instance"), Some(sources))
            }
            Selection::Matching { .. } => (format!("what matches: {}", marks.words()), None),
            // No finding is marked: the row of its cause is what is chosen.
            Selection::Cause { .. } => return None,
        };
        Some(Self { selection: marks.selection.clone(), words: count.into(), sources, status: None, drift: None })
    }

    /// The row under the cursor: all of its cause that stand so, and those that do not are left out by the plan.
    fn cause(app: &App) -> Option<Self> {
        let row = app.drift.row()?;
        if row.count < 2 {
            return Some(Self::finding(row.first.clone()));
        }
        let finding = &row.first.finding;
        let places = plural(row.scopes, "place");
        Some(Self {
            selection: Selection::Cause { source: Some(finding.id.source.clone()), key: finding.cause_key.clone() },
            words: format!("{} of {} in {places}", grouped(row.count), finding.what).into(),
            sources: Some(BTreeSet::from([finding.id.source.clone()])),
            status: None,
            drift: Some(row.first.clone()),
        })
    }

    fn finding(known: KnownDrift) -> Self {
        let id = known.finding.id.clone();
        Self {
            words: format!("{} in {}", known.finding.what, known.finding.scope).into(),
            drift: Some(known),
            ..Self::one(id)
        }
    }

    fn cohort(app: &App) -> Option<Self> {
        let cohort = app.board.shown.get(app.board.index).filter(|_| !app.board.gone)?;
        // The id is eight hexadecimal digits, which the language reads as they are.
        let filter = Filter::parse(&format!("cohort:{}", cohort.id)).ok()?;
        let count = grouped(cohort.count);
        Some(Self {
            selection: Selection::Matching { filter, without: BTreeSet::new() },
            words: format!("cohort {}: {count} of {} in {}", cohort.id, cohort.flow, cohort.step).into(),
            sources: Some(BTreeSet::from([cohort.source.clone()])),
            status: Some(cohort.status),
            drift: None,
        })
    }

    /// One instance, for which approvals are needed.
    pub fn one(id: InstanceId) -> Self {
        Self {
            words: id.to_string().into(),
            sources: Some(BTreeSet::from([id.source.clone()])),
            selection: Selection::Ids(BTreeSet::from([id])),
            status: None,
            drift: None,
        }
    }

    /// What a remediation did, to be taken back.
    pub fn of_remediation(head: &WideRemediation) -> Self {
        let ids: BTreeSet<InstanceId> = head.plan.frozen.targets.iter().map(|target| target.id.clone()).collect();
        Self {
            words: format!("{}: {}", head.id, words::what(&head.plan)).into(),
            sources: Some(ids.iter().map(|id| id.source.clone()).collect()),
            selection: Selection::Ids(ids),
            status: None,
            drift: None,
        }
    }

    /// Items of a remediation, to be tried once more.
    pub fn again(ids: BTreeSet<InstanceId>, state: &str, remediation: &str) -> Self {
        Self {
            words: format!("{} of {remediation}", plural(ids.len() as u64, &format!("{state} item"))).into(),
            sources: Some(ids.iter().map(|id| id.source.clone()).collect()),
            selection: Selection::Ids(ids),
            status: None,
            drift: None,
        }
    }
}
