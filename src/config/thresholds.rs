//! What the config says of flows and their steps: thresholds, the promises that make some of them, what steps do, and
//! what customers are told of them; and how bad it is what drifts.

use jiff::SignedDuration;
use wildmatch::WildMatch;

use super::diagnostic::Diagnostic;
use super::drift_rules::DriftRules;
use super::promises::Promises;
use super::section::Section;
use super::steps::Steps;
use super::wording::Wordings;
use crate::domain::promise::Promise;
use crate::domain::step::{AllSteps, StepEffects};
use crate::domain::verdict::{Limit, Thresholds};
use crate::domain::wording::Says;

/// The keys of `[thresholds]`.
const KEYS: [&str; 12] = [
    "retry_attempts",
    "retry_min_age",
    "retry_max_age",
    "fault_count",
    "no_worker",
    "queue",
    "wait_grace",
    "wait_callback",
    "wait_person",
    "overdue",
    "never_started",
    "orphan",
];

/// Where an entry of the file holds: the keys of [`Place`].
pub(super) const PLACE_KEYS: [&str; 3] = ["source", "flow", "step"];

/// Thresholds by source, flow and step. The empty book gives the product's defaults everywhere.
#[derive(Debug, Clone, Default)]
pub struct ThresholdBook {
    /// What `[thresholds]` says.
    general: Entry,
    promises: Promises,
    steps: Steps,
    wordings: Wordings,
    drift: DriftRules,
    /// The `[[threshold]]` entries.
    special: Vec<(Place, Entry)>,
}

/// Where an entry holds: patterns, each of them optional.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) source: Option<WildMatch>,
    pub(super) flow: Option<WildMatch>,
    pub(super) step: Option<WildMatch>,
}

impl Place {
    /// Whether it holds there.
    pub(super) fn matches(&self, source: &str, flow: &str, step: &str) -> bool {
        self.holds_for(source, flow) && fits(self.step.as_ref(), step)
    }

    /// Whether it holds for some step of a flow.
    pub(super) fn holds_for(&self, source: &str, flow: &str) -> bool {
        fits(self.source.as_ref(), source) && fits(self.flow.as_ref(), flow)
    }
}

fn fits(glob: Option<&WildMatch>, text: &str) -> bool {
    glob.is_none_or(|glob| glob.matches(text))
}

/// Which thresholds differ.
#[derive(Debug, Clone, Default)]
struct Entry {
    retry_attempts: Option<u32>,
    retry_min_age: Option<SignedDuration>,
    retry_max_age: Option<SignedDuration>,
    fault_count: Option<u32>,
    no_worker: Option<SignedDuration>,
    queue: Option<SignedDuration>,
    wait_grace: Option<SignedDuration>,
    wait_callback: Option<SignedDuration>,
    wait_person: Option<SignedDuration>,
    overdue: Option<SignedDuration>,
    never_started: Option<SignedDuration>,
    orphan: Option<SignedDuration>,
}

impl ThresholdBook {
    /// The thresholds for one place, of a source that is looked at once in `poll`.
    ///
    /// The defaults are changed by `[thresholds]`, then by what is promised there, then by each `[[threshold]]` that
    /// matches, in order: the more special goes before the more general, and of two entries that set the same key the
    /// later one wins.
    pub fn resolve(&self, source: &str, flow: &str, step: &str, poll: SignedDuration) -> Thresholds {
        let mut limits = Thresholds::default();
        self.general.apply(&mut limits);
        limits.promised(self.promise(source, flow, step), poll);
        for (_, entry) in self.special.iter().filter(|(place, _)| place.matches(source, flow, step)) {
            entry.apply(&mut limits);
        }
        limits
    }

    /// With one more promise, as a `[[promise]]` for patterns of a source, a flow and a step makes it.
    #[must_use]
    pub fn promising(mut self, source: &str, flow: &str, step: &str, promise: Promise) -> Self {
        let glob = |text| Some(WildMatch::new(text));
        self.promises.push(Place { source: glob(source), flow: glob(flow), step: glob(step) }, promise);
        self
    }

    /// What a step promises; nothing where nobody promised anything.
    pub fn promise(&self, source: &str, flow: &str, step: &str) -> Promise {
        self.promises.resolve(source, flow, step)
    }

    /// What a step does to the world outside, as far as somebody has said.
    pub fn effects(&self, source: &str, flow: &str, step: &str) -> StepEffects {
        self.steps.resolve(source, flow, step)
    }

    /// What all steps of a flow do together, as far as somebody has said.
    pub fn all_effects(&self, source: &str, flow: &str) -> AllSteps {
        self.steps.all(source, flow)
    }

    /// What a customer is told of an instance that stands there, where somebody has said.
    pub fn wording(&self, source: &str, flow: &str, step: &str, error: Option<&str>) -> Option<&Says> {
        self.wordings.resolve(source, flow, step, error)
    }

    /// How bad it is what drifts, and who is to look after it, where somebody has said.
    pub const fn drift(&self) -> &DriftRules {
        &self.drift
    }

    /// Reads `[thresholds]`, the `[[drift_rule]]`, the `[[promise]]`, the `[[step]]`, the `[[wording]]` and the `[[threshold]]` entries.
    pub(super) fn read(root: &Section<'_>) -> Result<Self, Diagnostic> {
        let general = root.table("thresholds", &KEYS)?;
        let special = root.tables("threshold", &[&PLACE_KEYS[..], &KEYS].concat())?;
        let special = special.iter().map(|section| Ok((Place::read(section)?, Entry::read(section)?)));
        Ok(Self {
            general: general.as_ref().map(Entry::read).transpose()?.unwrap_or_default(),
            promises: Promises::read(root)?,
            steps: Steps::read(root)?,
            wordings: Wordings::read(root)?,
            drift: DriftRules::read(root)?,
            special: special.collect::<Result<_, _>>()?,
        })
    }
}

impl Entry {
    fn read(section: &Section<'_>) -> Result<Self, Diagnostic> {
        let duration = |key| section.duration(key, SignedDuration::ZERO);
        Ok(Self {
            retry_attempts: section.count("retry_attempts")?,
            retry_min_age: duration("retry_min_age")?,
            retry_max_age: duration("retry_max_age")?,
            fault_count: section.count("fault_count")?,
            no_worker: duration("no_worker")?,
            queue: duration("queue")?,
            wait_grace: duration("wait_grace")?,
            wait_callback: duration("wait_callback")?,
            wait_person: duration("wait_person")?,
            overdue: duration("overdue")?,
            never_started: duration("never_started")?,
            orphan: duration("orphan")?,
        })
    }

    fn apply(&self, limits: &mut Thresholds) {
        fn set<T>(limit: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *limit = value;
            }
        }
        set(&mut limits.retry_attempts, self.retry_attempts);
        set(&mut limits.retry_min_age, self.retry_min_age);
        set(&mut limits.retry_max_age, self.retry_max_age);
        set(&mut limits.fault_count, self.fault_count);
        set(&mut limits.no_worker, self.no_worker);
        set(&mut limits.queue, self.queue.map(|queue| Some(Limit::set(queue))));
        set(&mut limits.wait_grace, self.wait_grace);
        set(&mut limits.wait_callback, self.wait_callback);
        set(&mut limits.wait_person, self.wait_person);
        set(&mut limits.overdue, self.overdue.map(Limit::set));
        set(&mut limits.overdue_queued, self.overdue.map(Limit::set));
        set(&mut limits.never_started, self.never_started);
        set(&mut limits.orphan, self.orphan.map(Some));
    }
}
