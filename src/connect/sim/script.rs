//! The script of an instance: every phase that it passes through, past and to come, were nobody to act on it again.
//!
//! An act cuts the script where it happens and writes it on from there. What was before an act is never rewritten.

use super::case::{Aspect, Case, Trouble};
use super::clock::{Ms, SECOND};
use super::dice::Index;
use super::faults::Cure;
use super::flows::StepKind;
use crate::domain::flow::{PauseCause, Status};
use crate::domain::remediation::Verb;

/// From the request to cancel to the end.
pub(super) const CANCEL_TAKES: Ms = 1_500;

/// Where an instance stands in one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// To begin at a time.
    Scheduled {
        due: Ms,
    },
    /// To begin as soon as its key is free, or at once.
    Queued {
        behind: Option<Index>,
    },
    /// In its step, and no worker takes it.
    Starved,
    Running {
        attempt: u32,
        first_failure: Option<Ms>,
    },
    BackingOff {
        attempt: u32,
        first_failure: Ms,
        next: Ms,
    },
    Waiting {
        until: Option<Ms>,
    },
    Paused {
        cause: PauseCause,
        attempt: u32,
        first_failure: Option<Ms>,
    },
    Compensating,
    /// With the attempt that ended it badly, where one did.
    Ended {
        status: Status,
        attempt: Option<u32>,
    },
}

impl State {
    /// The status that an engine would tell.
    pub(super) const fn status(self) -> Status {
        match self {
            Self::Scheduled { .. } => Status::Scheduled,
            Self::Queued { .. } | Self::Starved => Status::Queued,
            Self::Running { .. } => Status::Running,
            Self::BackingOff { .. } => Status::BackingOff,
            Self::Waiting { .. } => Status::Waiting,
            Self::Paused { .. } => Status::Paused,
            Self::Compensating => Status::Compensating,
            Self::Ended { status, .. } => status,
        }
    }

    /// Whether an instance has entered its step in such a state.
    pub(super) const fn in_step(self) -> bool {
        matches!(
            self,
            Self::Starved | Self::Running { .. } | Self::BackingOff { .. } | Self::Waiting { .. } | Self::Paused { .. }
        )
    }
}

/// A stretch of time in which an instance stands in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Phase {
    /// When it begins; it ends with the next one.
    pub(super) at: Ms,
    /// Steps completed, which is the index of the open one.
    pub(super) step: usize,
    pub(super) state: State,
}

/// An act that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) at: Ms,
    pub(super) verb: Verb,
    /// Whether it goes on on the code before the one that fails.
    pub(super) earlier: bool,
}

/// A row of attempts: which one comes next, since when they fail, and whether somebody asked for the next one.
#[derive(Debug, Clone, Copy)]
struct Row {
    attempt: u32,
    first_failure: Option<Ms>,
    asked: bool,
    /// Whether it is on the code before the one that fails.
    earlier: bool,
}

impl Row {
    const FRESH: Self = Self { attempt: 1, first_failure: None, asked: false, earlier: false };
    const RESUMED: Self = Self { asked: true, ..Self::FRESH };
    const ON_EARLIER_CODE: Self = Self { earlier: true, ..Self::RESUMED };
}

/// The phases of an instance, in order of time. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    phases: Vec<Phase>,
}

impl Script {
    /// Plays an instance from its birth, with what was done to it. `release` tells when those before it for the same
    /// key are out of its way; `None` where they never are by themselves.
    pub(super) fn of(case: &Case, deeds: &[Deed], release: impl Fn(Index) -> Option<Ms>) -> Self {
        let mut player = Player { case, phases: Vec::new(), now: case.born };
        if player.enter(release) {
            player.play(0, Row::FRESH);
        }
        for deed in deeds {
            player.act(*deed);
            // Whoever asks to cancel a second time must not put the end off.
            if matches!(deed.verb, Verb::Cancel | Verb::Kill) {
                break;
            }
        }
        Self { phases: player.phases }
    }

    /// The phases that have begun by a time.
    pub(super) fn until(&self, now: Ms) -> &[Phase] {
        let begun = self.phases.partition_point(|phase| phase.at <= now);
        &self.phases[..begun]
    }

    /// All phases.
    pub(super) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// The phase at a time; `None` before its birth.
    pub(super) fn at(&self, now: Ms) -> Option<Phase> {
        self.until(now).last().copied()
    }

    /// When it ends, if it does by itself.
    pub(super) fn ends(&self) -> Option<Ms> {
        self.phases.last().filter(|phase| phase.state.status().ended()).map(|phase| phase.at)
    }
}

struct Player<'a> {
    case: &'a Case,
    phases: Vec<Phase>,
    now: Ms,
}

impl Player<'_> {
    fn push(&mut self, step: usize, state: State) {
        self.phases.push(Phase { at: self.now, step, state });
    }

    /// Everything before the first step. False where its turn never comes.
    fn enter(&mut self, release: impl Fn(Index) -> Option<Ms>) -> bool {
        if let Some(due) = self.case.due.filter(|due| *due > self.now) {
            self.push(0, State::Scheduled { due });
            self.now = match self.case.trouble {
                Some((_, Trouble::Forgotten(found))) => due.max(found),
                _ => due,
            };
        }
        for before in &self.case.before {
            let released = release(*before);
            if released.is_none_or(|at| at > self.now) {
                self.push(0, State::Queued { behind: Some(*before) });
                match released {
                    Some(at) => self.now = at,
                    None => return false,
                }
            }
        }
        self.push(0, State::Queued { behind: None });
        self.now += self.case.roll(Aspect::Queue).between(30, 850);
        true
    }

    /// Plays from a step to the end, or to where it stops.
    fn play(&mut self, from: usize, mut row: Row) {
        for step in from..self.case.flow.steps.len() {
            if !self.play_step(step, row) {
                return;
            }
            row = Row::FRESH;
        }
        self.push(self.case.flow.steps.len(), State::Ended { status: Status::Succeeded, attempt: None });
    }

    /// Plays one step; false where it does not come to its end.
    fn play_step(&mut self, step: usize, row: Row) -> bool {
        let kind = self.case.flow.steps.get(step).map_or(StepKind::Work, |step| step.kind);
        let takes = self.case.takes(step);
        let trouble = self.case.trouble_at(step);
        let Row { attempt, first_failure, asked, .. } = row;
        match (trouble, kind) {
            (Some(Trouble::Fault(_, cure)), StepKind::Work) => return self.attempts(step, row, cure, takes),
            (Some(Trouble::Hang), StepKind::Work) => {
                self.push(step, State::Running { attempt, first_failure });
                return false;
            }
            (Some(Trouble::Held), StepKind::Work) if !asked => {
                self.push(step, State::Running { attempt, first_failure });
                self.now += takes / 2;
                self.push(step, State::Paused { cause: PauseCause::Held, attempt, first_failure: None });
                return false;
            }
            (Some(Trouble::NoWorker(until)), StepKind::Work) if until > self.now => {
                self.push(step, State::Starved);
                if until == Ms::MAX {
                    return false;
                }
                self.now = until;
                self.push(step, State::Running { attempt, first_failure });
            }
            (_, StepKind::Work) => self.push(step, State::Running { attempt, first_failure }),
            (_, StepKind::Timer) => self.push(step, State::Waiting { until: Some(self.now.saturating_add(takes)) }),
            (_, StepKind::Callback(limit)) => {
                self.push(step, State::Waiting { until: limit.map(|limit| self.now.saturating_add(limit)) });
            }
            (_, StepKind::Person) => self.push(step, State::Waiting { until: None }),
        }
        match trouble {
            Some(Trouble::Unanswered | Trouble::Late(Ms::MAX)) if kind != StepKind::Work => return false,
            Some(Trouble::Late(comes)) if kind != StepKind::Work && comes > self.now => self.now = comes,
            _ => self.now = self.now.saturating_add(takes),
        }
        true
    }

    /// Attempt after attempt, until the cure or the policy's end.
    fn attempts(&mut self, step: usize, row: Row, cure: Cure, takes: Ms) -> bool {
        let Some(fault) = self.case.fault() else { return true };
        let policy = fault.policy(self.case.roll(Aspect::Policy));
        let Row { mut attempt, mut first_failure, mut asked, earlier } = row;
        loop {
            self.push(step, State::Running { attempt, first_failure });
            let dice = self.case.roll(Aspect::Attempt).fork(u64::from(attempt));
            // An attempt that somebody asked for takes long enough to be seen.
            let (least, most) = if asked { (SECOND, 3 * SECOND) } else { policy.takes };
            let fails_at = self.now.saturating_add(dice.between(least, most));
            let cured = match cure {
                Cure::At(time) => fails_at >= time,
                Cure::Attempt(number) => attempt >= number,
                Cure::Never => false,
            };
            if cured || (earlier && fault.is_in_the_code()) {
                self.now = self.now.saturating_add(takes);
                return true;
            }
            self.now = fails_at;
            asked = false;
            if fault.crashes() {
                // The engine hears nothing of a failure: it misses a worker, and gives the step to another one.
                if policy.attempts.is_some_and(|allowed| attempt < allowed) {
                    attempt += 1;
                    continue;
                }
            }
            let first = *first_failure.get_or_insert(fails_at);
            match policy.attempts {
                None => {
                    self.push(step, State::Ended { status: Status::Failed, attempt: Some(attempt) });
                    return false;
                }
                Some(allowed) if attempt >= allowed => {
                    let cause = PauseCause::Exhausted;
                    self.push(step, State::Paused { cause, attempt, first_failure: Some(first) });
                    return false;
                }
                Some(_) => {}
            }
            let next = self.now.saturating_add(policy.backoff(attempt));
            self.push(step, State::BackingOff { attempt, first_failure: first, next });
            self.now = next;
            attempt += 1;
        }
    }

    /// A person holds it where it is.
    fn hold(&mut self, step: usize, attempt: u32, first_failure: Option<Ms>) {
        self.push(step, State::Paused { cause: PauseCause::Held, attempt, first_failure });
    }

    /// Cuts the script where an act happens and writes it on.
    fn act(&mut self, deed: Deed) {
        let begun = self.phases.partition_point(|phase| phase.at <= deed.at);
        let Some(Phase { step, state, .. }) = begun.checked_sub(1).and_then(|last| self.phases.get(last)).copied()
        else {
            return;
        };
        self.phases.truncate(begun);
        self.now = deed.at;
        match (deed.verb, state) {
            (Verb::Resume, State::Paused { .. }) if deed.earlier => self.play(step, Row::ON_EARLIER_CODE),
            (Verb::Resume, State::Paused { .. }) => self.play(step, Row::RESUMED),
            (Verb::Resume, State::BackingOff { attempt, first_failure, .. }) => {
                let row = Row { attempt: attempt + 1, first_failure: Some(first_failure), ..Row::RESUMED };
                self.play(step, row);
            }
            (Verb::Pause, State::Running { attempt, .. }) => self.hold(step, attempt, None),
            (Verb::Pause, State::BackingOff { attempt, first_failure, .. }) => {
                self.hold(step, attempt, Some(first_failure));
            }
            (Verb::Pause, State::Starved | State::Waiting { .. }) => self.hold(step, 1, None),
            (Verb::Resume | Verb::Pause | Verb::RestartAsNew | Verb::Purge | Verb::Reconcile | Verb::Restore, _) => {}
            (Verb::Kill, _) => self.push(step, State::Ended { status: Status::Cancelled, attempt: None }),
            (Verb::Cancel, _) => {
                // What has begun undoes what it did; what has not, only ends.
                if !matches!(state, State::Scheduled { .. } | State::Queued { .. }) {
                    self.push(step, State::Compensating);
                }
                self.now += CANCEL_TAKES;
                self.push(step, State::Ended { status: Status::Cancelled, attempt: None });
            }
        }
    }
}
