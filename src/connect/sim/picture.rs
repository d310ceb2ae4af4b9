//! How an instance looks to whoever asks: the fields that an honest engine would fill.

use super::clock::Ms;
use super::faults::Fault;
use super::flows::StepKind;
use super::incidents::billing::POOL_GONE;
use super::script::{Phase, State};
use super::world::{Moment, Played};
use crate::domain::flow::{FlowError, FlowInstance, Status, Version, Wait, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::signs::{Faults, Signs, Worker};
use crate::domain::text::SafeText;

impl Moment<'_> {
    /// The engine's own id of an instance.
    pub(super) fn id(&self, index: super::dice::Index) -> SafeText {
        index.id(self.world.seed).into()
    }

    /// An instance in one of its phases, as of now.
    pub(super) fn picture(&self, played: &Played, phase: &Phase) -> FlowInstance {
        let Played { case, script, .. } = played;
        let tenant = self.tenant(case);
        let phases = script.until(self.now);
        let begun = |status: Status| began(phases, |earlier| earlier.state.status() == status);
        let status = phase.state.status();
        let in_step = |earlier: &Phase| earlier.step == phase.step && earlier.state.in_step();
        let failures = Failures::of(phase.state, case.fault().is_some_and(Fault::crashes));
        let pause = match phase.state {
            State::Paused { cause, .. } => Some(cause),
            _ => None,
        };
        let entered_at = match phase.state {
            State::Scheduled { .. } => None,
            State::Queued { .. } => begun(Status::Queued),
            _ => phases.iter().find(|earlier| in_step(earlier)).map(|earlier| earlier.at),
        };
        let next = match phase.state {
            State::BackingOff { next, .. } => Some(next),
            State::Scheduled { due } => Some(due),
            _ => None,
        };
        let last_start = phases
            .iter()
            .rev()
            .find(|earlier| matches!(earlier.state, State::Running { .. }))
            .map(|earlier| earlier.at);
        let instant = |at: Option<Ms>| at.map(|at| self.instant(at));
        let completed = u64::try_from(phase.step).unwrap_or(0);
        FlowInstance {
            id: InstanceId::new(case.flow.plane.name(), self.id(case.index)),
            exact_id: true,
            flow: case.flow.name.into(),
            step: step_name(played, phase),
            tenant: Some(tenant.slug.as_str().into()),
            key: case.flow.keyed.then(|| tenant.slug.as_str().into()),
            status,
            pause,
            attempts: failures.attempt,
            created_at: instant(Some(case.born)),
            entered_step_at: instant(entered_at),
            last_transition_at: instant(begun(status)),
            first_failure_at: instant(failures.first),
            last_start_at: instant(last_start),
            next_retry_at: instant(next),
            error: failures.has_error.then(|| self.error(played)).flatten(),
            wait: self.wait(played, phase, begun(status)),
            signs: Signs {
                due_at: match phase.state {
                    State::Scheduled { due } => Some(self.instant(due)),
                    _ => None,
                },
                queued_at: instant(begun(Status::Queued).filter(|_| status == Status::Queued)),
                faults: self.faults(played, phase),
                worker: match phase.state {
                    State::Starved => {
                        let what = format!("no worker in pool {}", case.flow.pool()).into();
                        Worker::Absent { since: Some(self.instant(POOL_GONE)), what }
                    }
                    _ => Worker::Present,
                },
                parent: None,
            },
            completed_commands: completed,
            version: Version::of(status, pause, completed, case.flow.deployment),
            observed_at: self.instant(self.now),
        }
    }

    /// The error of an instance, cut and scrubbed; `None` where it never has one.
    pub(super) fn error(&self, played: &Played) -> Option<FlowError> {
        let case = &played.case;
        let dice = case.roll(super::case::Aspect::Words);
        let tenant = self.tenant(case);
        case.fault().map(|fault| {
            FlowError::new(Some(fault.code(dice)), &fault.raw(tenant, dice), &[&tenant.slug], &Redactor::default())
        })
    }

    /// The workers that it lost one after another.
    fn faults(&self, played: &Played, phase: &Phase) -> Option<Faults> {
        let State::Running { attempt, .. } = phase.state else { return None };
        let count = attempt.checked_sub(1).filter(|count| *count > 0 && played.crashes())?;
        let since = played.failures(phase.at).first().map(|failure| self.instant(failure.failed));
        Some(Faults { count: Some(count), since })
    }

    fn wait(&self, played: &Played, phase: &Phase, since: Option<Ms>) -> Option<Wait> {
        let instant = |at: Option<Ms>| at.map(|at| self.instant(at));
        let step = played.case.flow.steps.get(phase.step);
        let (kind, reference, until) = match phase.state {
            State::Queued { behind: Some(holder) } => (WaitKind::Lock, Some(self.id(holder)), None),
            State::Starved => (WaitKind::Consumer, Some(played.case.flow.pool().into()), None),
            State::Waiting { until } => {
                let kind = match step.map(|step| step.kind) {
                    Some(StepKind::Timer) => WaitKind::Timer,
                    Some(StepKind::Callback(_)) => WaitKind::Signal,
                    _ => WaitKind::Approval,
                };
                (kind, step.filter(|_| kind != WaitKind::Timer).map(|step| step.name.into()), until)
            }
            _ => return None,
        };
        Some(Wait { kind, reference, since: instant(since), until: instant(until) })
    }
}

/// The step's name; a word in brackets before the first one and behind the last.
pub(super) fn step_name(played: &Played, phase: &Phase) -> SafeText {
    let begun = played.script.until(phase.at).iter().any(|earlier| earlier.state.in_step());
    if begun { played.case.flow.step_name(phase.step).into() } else { "(queued)".into() }
}

/// When the last unbroken row of phases that are alike began.
fn began(phases: &[Phase], alike: impl Fn(&Phase) -> bool) -> Option<Ms> {
    phases.iter().rev().take_while(|phase| alike(phase)).last().map(|phase| phase.at)
}

/// What a state tells of failures.
struct Failures {
    attempt: Option<u32>,
    first: Option<Ms>,
    has_error: bool,
}

impl Failures {
    /// `crashes`: each attempt but the first follows a worker that went down.
    fn of(state: State, crashes: bool) -> Self {
        let (attempt, first, has_error) = match state {
            State::BackingOff { attempt, first_failure, .. } => (Some(attempt), Some(first_failure), true),
            State::Running { attempt, first_failure: None } if crashes => (Some(attempt), None, attempt > 1),
            State::Running { attempt, first_failure } | State::Paused { attempt, first_failure, .. } => {
                (Some(attempt), first_failure, first_failure.is_some())
            }
            State::Ended { status: Status::Failed, attempt } => (attempt, None, true),
            State::Ended { .. }
            | State::Scheduled { .. }
            | State::Queued { .. }
            | State::Starved
            | State::Waiting { .. }
            | State::Compensating => (None, None, false),
        };
        Self { attempt, first, has_error }
    }
}
