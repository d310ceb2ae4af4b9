//! Promises by source, flow and step.

use jiff::SignedDuration;
use wildmatch::WildMatch;

use super::diagnostic::Diagnostic;
use super::section::Section;
use super::thresholds::Place;
use crate::domain::promise::Promise;

/// The keys of a `[[promise]]`.
pub(super) const KEYS: [&str; 5] = ["source", "flow", "step", "run", "queue"];

/// Promises by place, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Promises(Vec<(Place, Promise)>);

impl Promises {
    /// What is promised in one place: of two entries that promise the same, the later one counts.
    pub(super) fn resolve(&self, source: &str, flow: &str, step: &str) -> Promise {
        let mut promise = Promise::default();
        for (_, entry) in self.0.iter().filter(|(place, _)| place.matches(source, flow, step)) {
            promise.run = entry.run.or(promise.run);
            promise.queue = entry.queue.or(promise.queue);
        }
        promise
    }

    /// Adds one behind the others.
    pub(super) fn push(&mut self, place: Place, promise: Promise) {
        self.0.push((place, promise));
    }

    /// Reads the `[[promise]]` entries.
    pub(super) fn read(root: &Section<'_>) -> Result<Self, Diagnostic> {
        root.tables("promise", &KEYS)?.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }
}

fn entry(section: &Section<'_>) -> Result<(Place, Promise), Diagnostic> {
    let place = Place::read(section)?;
    let duration = |key| section.duration(key, SignedDuration::ZERO);
    let promise = Promise { run: duration("run")?, queue: duration("queue")? };
    if promise.is_empty() {
        return Err(section.document.wrong(&section.span, "a promise needs \"run\" or \"queue\""));
    }
    Ok((place, promise))
}

impl Place {
    /// Reads where an entry holds.
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Diagnostic> {
        let glob = |key| Ok(section.text(key)?.map(|found| WildMatch::new(found.value)));
        Ok(Self { source: glob("source")?, flow: glob("flow")?, step: glob("step")? })
    }
}
