//! Thresholds by source, flow and step.

use jiff::SignedDuration;
use wildmatch::WildMatch;

use super::diagnostic::Diagnostic;
use super::section::Section;
use crate::domain::verdict::Thresholds;

/// The keys of `[thresholds]`.
pub(super) const KEYS: [&str; 7] =
    ["retry_attempts", "retry_min_age", "retry_max_age", "wait_grace", "wait_callback", "wait_person", "overdue"];

/// The keys of a `[[threshold]]`: where it holds, and the same.
pub(super) const ENTRY_KEYS: [&str; 10] = [
    "source",
    "flow",
    "step",
    "retry_attempts",
    "retry_min_age",
    "retry_max_age",
    "wait_grace",
    "wait_callback",
    "wait_person",
    "overdue",
];

/// Thresholds by source, flow and step. The empty book gives the product's defaults everywhere.
#[derive(Debug, Clone, Default)]
pub struct ThresholdBook {
    entries: Vec<Entry>,
}

/// Where some thresholds differ, and which.
#[derive(Debug, Clone, Default)]
struct Entry {
    source: Option<WildMatch>,
    flow: Option<WildMatch>,
    step: Option<WildMatch>,
    retry_attempts: Option<u32>,
    retry_min_age: Option<SignedDuration>,
    retry_max_age: Option<SignedDuration>,
    wait_grace: Option<SignedDuration>,
    wait_callback: Option<SignedDuration>,
    wait_person: Option<SignedDuration>,
    overdue: Option<SignedDuration>,
}

impl ThresholdBook {
    /// The thresholds for one place: the defaults, changed by each entry that matches it, in order, so that of two
    /// entries that set the same key the later one wins.
    pub fn resolve(&self, source: &str, flow: &str, step: &str) -> Thresholds {
        let mut limits = Thresholds::default();
        for entry in self.entries.iter().filter(|entry| entry.matches(source, flow, step)) {
            entry.apply(&mut limits);
        }
        limits
    }

    /// Reads `[thresholds]`, which holds everywhere and comes first, and the `[[threshold]]` entries.
    pub(super) fn read(root: &Section<'_>) -> Result<Self, Diagnostic> {
        let general = root.table("thresholds", &KEYS)?;
        let special = root.tables("threshold", &ENTRY_KEYS)?;
        let entries = general.iter().chain(&special).map(Entry::read).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }
}

impl Entry {
    fn read(section: &Section<'_>) -> Result<Self, Diagnostic> {
        let glob = |key| Ok(section.text(key)?.map(|found| WildMatch::new(found.value)));
        let duration = |key| section.duration(key, SignedDuration::ZERO);
        Ok(Self {
            source: glob("source")?,
            flow: glob("flow")?,
            step: glob("step")?,
            retry_attempts: section.count("retry_attempts")?,
            retry_min_age: duration("retry_min_age")?,
            retry_max_age: duration("retry_max_age")?,
            wait_grace: duration("wait_grace")?,
            wait_callback: duration("wait_callback")?,
            wait_person: duration("wait_person")?,
            overdue: duration("overdue")?,
        })
    }

    fn matches(&self, source: &str, flow: &str, step: &str) -> bool {
        let fits = |glob: &Option<WildMatch>, text: &str| glob.as_ref().is_none_or(|glob| glob.matches(text));
        fits(&self.source, source) && fits(&self.flow, flow) && fits(&self.step, step)
    }

    fn apply(&self, limits: &mut Thresholds) {
        fn set<T: Copy>(limit: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *limit = value;
            }
        }
        set(&mut limits.retry_attempts, self.retry_attempts);
        set(&mut limits.retry_min_age, self.retry_min_age);
        set(&mut limits.retry_max_age, self.retry_max_age);
        set(&mut limits.wait_grace, self.wait_grace);
        set(&mut limits.wait_callback, self.wait_callback);
        set(&mut limits.wait_person, self.wait_person);
        set(&mut limits.overdue, self.overdue);
    }
}
