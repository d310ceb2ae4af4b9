//! One instance as it was written into the world: who, for whom, since when, and what goes wrong with it.

use super::clock::Ms;
use super::dice::{Dice, Index};
use super::faults::{Cure, Fault};
use super::flows::Flow;

/// What goes wrong in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Attempts fail until the cure.
    Fault(Fault, Cure),
    /// It runs and never comes back.
    Hang,
    /// A person paused it.
    Held,
    /// Nobody and nothing ends the wait.
    Unanswered,
    /// What it waits for comes at this time, whatever end the wait has of its own.
    Late(Ms),
    /// No worker takes it before this time.
    NoWorker(Ms),
    /// It is due, and nothing begins it before this time.
    Forgotten(Ms),
}

/// Aspects that an instance rolls for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aspect {
    /// How long a step takes.
    Takes,
    /// How long an attempt takes.
    Attempt,
    /// How long it is queued with nobody before it.
    Queue,
    /// Its retry policy.
    Policy,
    /// The words of its error.
    Words,
    /// Where it runs.
    Worker,
    /// Its tenant.
    Tenant,
    /// When something happens.
    Time,
    /// Whether it has a hiccup, and in which step.
    Hiccup,
}

/// An instance before anybody acted on it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Who it is.
    pub(super) index: Index,
    /// Its own chance.
    pub(super) dice: Dice,
    /// Its flow.
    pub(super) flow: &'static Flow,
    /// The index of its tenant.
    pub(super) tenant: usize,
    /// When it came to be.
    pub(super) born: Ms,
    /// When it is to begin, where that is later.
    pub(super) due: Option<Ms>,
    /// What goes wrong, and in which step.
    pub(super) trouble: Option<(usize, Trouble)>,
    /// Whoever came before it for the same key, the holder first.
    pub(super) before: Vec<Index>,
}

impl Case {
    /// A healthy instance.
    pub(super) fn new(seed: u64, index: Index, flow: &'static Flow, tenant: usize, born: Ms) -> Self {
        let dice = Dice::new(seed, index.packed());
        Self { index, dice, flow, tenant, born, due: None, trouble: None, before: Vec::new() }
    }

    /// The same with something wrong in a step.
    pub(super) fn with(mut self, step: &str, trouble: Trouble) -> Self {
        self.trouble = Some((self.flow.step(step), trouble));
        self
    }

    /// Chance for one aspect of it.
    pub(super) const fn roll(&self, aspect: Aspect) -> Dice {
        self.dice.fork(aspect as u64)
    }

    /// How long a step takes when nothing is wrong.
    pub(super) fn takes(&self, step: usize) -> Ms {
        let (least, most) = self.flow.steps.get(step).map_or((0, 0), |step| step.takes);
        self.roll(Aspect::Takes).fork(u64::try_from(step).unwrap_or(0)).between(least, most)
    }

    /// What goes wrong in a step.
    pub(super) fn trouble_at(&self, step: usize) -> Option<Trouble> {
        self.trouble.filter(|(at, _)| *at == step).map(|(_, trouble)| trouble)
    }

    /// Its fault, where it has one.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self.trouble {
            Some((_, Trouble::Fault(fault, _))) => Some(fault),
            _ => None,
        }
    }
}
