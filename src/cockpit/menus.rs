//! Small menus: the order, the groups. Each entry has a letter that chooses it at once.

use super::app::App;
use crate::query::{GroupBy, SortBy};

/// Which menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Menu {
    /// What the list is sorted by.
    Sort,
    /// What it is grouped by.
    Group,
}

/// What an entry chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// An order; the one in force is turned round.
    Sort(SortBy),
    /// Groups, or none.
    Group(Option<GroupBy>),
}

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Chooses it at once.
    pub key: char,
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// What it chooses.
    pub chosen: Chosen,
    /// Whether it is in force.
    pub now: bool,
}

impl Menu {
    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sort => "sort by",
            Self::Group => "group by",
        }
    }

    /// What can be chosen.
    pub fn entries(self, app: &App) -> Vec<Entry> {
        match self {
            Self::Sort => SortBy::ALL
                .into_iter()
                .map(|sort| Entry {
                    key: sort_key(sort),
                    name: sort.name(),
                    doc: sort.doc(),
                    chosen: Chosen::Sort(sort),
                    now: app.flows.sort == sort,
                })
                .collect(),
            Self::Group => {
                let now = app.flows.group.as_ref().map(|group| group.by);
                let none =
                    Entry { key: 'n', name: "none", doc: "one list", chosen: Chosen::Group(None), now: now.is_none() };
                let by = |by| Entry {
                    key: group_key(by),
                    name: by.name(),
                    doc: "",
                    chosen: Chosen::Group(Some(by)),
                    now: now == Some(by),
                };
                std::iter::once(none).chain(GroupBy::ALL.into_iter().map(by)).collect()
            }
        }
    }
}

/// None of them is a key that moves the cursor of a menu or closes it.
const fn sort_key(sort: SortBy) -> char {
    match sort {
        SortBy::Worst => 'w',
        SortBy::For => 'd',
        SortBy::Flow => 'f',
        SortBy::Step => 'p',
        SortBy::Tenant => 't',
        SortBy::Status => 's',
        SortBy::Attempts => 'a',
        SortBy::Error => 'e',
        SortBy::Source => 'u',
        SortBy::Created => 'c',
        SortBy::Id => 'i',
    }
}

const fn group_key(by: GroupBy) -> char {
    match by {
        GroupBy::Flow => 'f',
        GroupBy::Step => 'p',
        GroupBy::Rule => 'r',
        GroupBy::Status => 's',
        GroupBy::Tenant => 't',
        GroupBy::Source => 'u',
        GroupBy::Error => 'e',
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_letter_chooses_one_thing_and_moves_nothing() {
        let sorts: Vec<char> = SortBy::ALL.into_iter().map(sort_key).collect();
        let groups: Vec<char> = GroupBy::ALL.into_iter().map(group_key).chain(['n']).collect();
        for keys in [sorts, groups] {
            assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
            assert!(keys.iter().all(|key| !"jkqhl".contains(*key)), "{keys:?}");
        }
    }
}
