//! What a filter that matches nothing was near to: the same one, with a name that is only begun.

use super::Filter;
use super::ast::{Field, Pattern, Test};

/// A filter that may match where another did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Wider {
    /// It.
    pub filter: Filter,
    /// The word that was changed, as it is written.
    pub term: String,
    /// Which fact it is about, and what that now only has to begin with, in words.
    pub words: String,
}

impl Filter {
    /// The filters in which one of the names that are asked for in full may go on: `tenant:blu*` for `tenant:blu`.
    pub fn wider(&self) -> Vec<Wider> {
        let wider = |at: usize| {
            let mut filter = self.clone();
            let term = filter.terms.get_mut(at).filter(|term| !term.negated)?;
            let Test::Text(field, patterns) = &mut term.test else { return None };
            let [pattern] = &patterns[..] else { return None };
            let named = matches!(field, Field::Flow | Field::Step | Field::Tenant | Field::Key | Field::Id);
            if !named || pattern.glob.is_some() || pattern.folded.contains(['*', '?']) {
                return None;
            }
            let begin = pattern.text().to_owned();
            *patterns = vec![Pattern::value(format!("{begin}*"))];
            let words = format!("{} that begins with {begin}", article(*field));
            let term = term.to_string();
            Some(Wider { filter, term, words })
        };
        (0..self.terms.len()).filter_map(wider).collect()
    }
}

const fn article(field: Field) -> &'static str {
    match field {
        Field::Flow => "a flow",
        Field::Step => "a step",
        Field::Tenant => "a tenant",
        Field::Key => "a key",
        _ => "an id",
    }
}

#[cfg(test)]
mod tests {
    use crate::query::Filter;

    #[test]
    fn a_name_that_was_asked_for_in_full_may_be_only_begun() {
        let wider = Filter::parse("is:stuck tenant:blu -flow:x step:a,b id:inv_*").unwrap().wider();
        let told: Vec<_> = wider.iter().map(|one| (one.term.as_str(), one.words.as_str())).collect();
        assert_eq!(told, [("tenant:blu*", "a tenant that begins with blu")]);
        assert_eq!(wider[0].filter, Filter::parse("is:stuck tenant:blu* -flow:x step:a,b id:inv_*").unwrap());
    }
}
