//! What customers are told, by source, flow, step and error.

use wildmatch::WildMatch;

use super::diagnostic::Diagnostic;
use super::section::Section;
use super::thresholds::Place;
use crate::domain::wording::{Says, check};

/// The keys of a `[[wording]]`.
pub(super) const KEYS: [&str; 6] = ["source", "flow", "step", "error", "text", "show"];

/// The values of `show`.
const SHOW: [&str; 2] = ["error", "nothing"];

/// What is said by place, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Wordings(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    place: Place,
    error: Option<WildMatch>,
    says: Says,
}

impl Wordings {
    /// What is said of an instance: of two entries that hold, the later one counts.
    pub(super) fn resolve(&self, source: &str, flow: &str, step: &str, error: Option<&str>) -> Option<&Says> {
        let holds = |entry: &&Entry| {
            entry.place.matches(source, flow, step)
                && entry
                    .error
                    .as_ref()
                    .is_none_or(|glob| error.is_some_and(|error| glob.matches(&error.to_lowercase())))
        };
        self.0.iter().rev().find(holds).map(|entry| &entry.says)
    }

    /// Reads the `[[wording]]` entries.
    pub(super) fn read(root: &Section<'_>) -> Result<Self, Diagnostic> {
        root.tables("wording", &KEYS)?.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }
}

fn entry(section: &Section<'_>) -> Result<Entry, Diagnostic> {
    let place = Place::read(section)?;
    let error = section.text("error")?.map(|found| WildMatch::new(&found.value.to_lowercase()));
    let says = match (section.text("text")?, section.text("show")?) {
        (Some(text), None) => {
            check(text.value).map_err(|error| section.wrong(&text, error.to_string()))?;
            Says::Words(text.value.into())
        }
        (None, Some(show)) if show.value == "error" => Says::Error,
        (None, Some(show)) if show.value == "nothing" => Says::Nothing,
        (None, Some(show)) => {
            let message = format!("\"show\" is \"error\" or \"nothing\", not \"{}\"", show.value);
            return Err(section.wrong(&show, message).or_rather(show.value, SHOW));
        }
        _ => return Err(section.document.wrong(&section.span, "a wording needs \"text\" or \"show\", and not both")),
    };
    Ok(Entry { place, error, says })
}
