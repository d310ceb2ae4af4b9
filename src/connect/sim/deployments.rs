//! The two deployments of the service that the main incident is about: the one that a deploy brought, which fails, and
//! the one before it. What is stuck goes on on the earlier one, and the service may be put back to it.

use super::case::{Case, Trouble};
use super::clock::{DAY, MINUTE, Ms};
use super::faults::{Cure, Fault};
use super::flows::{Plane, SCHEMA_MIGRATION};
use super::incidents::platform::SCHEMA_ENDS;
use super::script::State;
use super::world::{Moment, Played};
use crate::connect::{ActAnswer, ConnectError};
use crate::domain::deployment::{Deployment, PutBack};
use crate::domain::plan::{DEPLOYMENT, Parameters};
use crate::domain::remediation::{Risk, Verb};
use crate::domain::text::SafeText;

/// The deployment that fails.
pub(super) const BAD: &str = "schema-svc-4.2.1";

/// The one before it.
pub(super) const GOOD: &str = "schema-svc-4.2.0";

/// When the one that fails was registered, just before the first migration met it.
pub(super) const REGISTERED: Ms = -16 * MINUTE;

/// Whether these have an instance go on on the code before the one that fails.
pub(super) fn goes_back(parameters: &Parameters) -> bool {
    parameters.get(&SafeText::from(DEPLOYMENT)).is_some_and(|id| *id == *GOOD)
}

/// Why a verb can't be had with these parameters; `None` where it can.
pub(super) fn misfit(verb: Verb, parameters: &Parameters) -> Option<SafeText> {
    let bad = |(name, id): (&SafeText, &SafeText)| {
        if *name != *DEPLOYMENT || verb != Verb::Resume {
            return Some(format!("{} takes no {name} at sim", verb.label()));
        }
        let known = [BAD, GOOD].iter().any(|known| *id == **known);
        (!known).then(|| format!("there is no deployment {}", SafeText::clipped(id, 40)))
    };
    parameters.iter().find_map(bad).map(SafeText::from)
}

/// The same for an instance of a flow: only one of them has deployments to choose from.
pub(super) fn misfit_of(verb: Verb, parameters: &Parameters, flow: &str) -> Option<SafeText> {
    let elsewhere = !parameters.is_empty() && flow != SCHEMA_MIGRATION.name;
    misfit(verb, parameters).or_else(|| elsewhere.then(|| format!("{flow} was registered from nothing else").into()))
}

impl Moment<'_> {
    /// A case with the cause of its trouble gone from when the service was put back.
    pub(super) fn mended(&self, mut case: Case) -> Case {
        if let (Some(at), Some((_, Trouble::Fault(Fault::Relation, cure)))) = (self.put_back, &mut case.trouble)
            && let Cure::At(ends) = cure
        {
            *cure = Cure::At(at.min(*ends));
        }
        case
    }

    /// Since when the service is on the earlier code again, where it is by now.
    fn back_since(&self) -> Option<Ms> {
        let back = self.put_back.map_or(SCHEMA_ENDS, |at| at.min(SCHEMA_ENDS));
        (back <= self.now).then_some(back)
    }

    /// On which of them an instance stays.
    fn on(&self, played: &Played) -> &'static str {
        let moved = played.deeds.iter().rev().find(|deed| deed.verb == Verb::Resume);
        let registered = self.back_since().is_some_and(|back| played.case.born >= back);
        if moved.is_some_and(|deed| deed.earlier) || registered || played.case.born < REGISTERED - MINUTE {
            GOOD
        } else {
            BAD
        }
    }

    /// The deployments of a flow, the newest first.
    pub(super) fn deployments(&self, plane: Plane, flow: &str) -> Vec<Deployment> {
        if plane != SCHEMA_MIGRATION.plane || flow != SCHEMA_MIGRATION.name {
            return Vec::new();
        }
        let back = self.back_since();
        let open = self.open_and_failed(plane);
        let open: Vec<_> = open
            .iter()
            .filter(|(played, phase)| played.case.flow.name == flow && !phase.state.status().ended())
            .collect();
        let tells = |id: &'static str, revision, at: Ms, current| {
            let on: Vec<_> = open.iter().filter(|(played, _)| self.on(played) == id).collect();
            let fails = |state: State| matches!(state, State::Paused { .. } | State::BackingOff { .. });
            Deployment {
                id: id.into(),
                revision,
                created_at: self.instant(at),
                current,
                pinned: on.len() as u64,
                failing: on.iter().filter(|(_, phase)| fails(phase.state)).count() as u64,
                address: format!("http://{id}.internal:9080/").into(),
                sdk: None,
            }
        };
        let (revision, registered) = back.map_or((41, -9 * DAY), |back| (43, back));
        let mut all = [tells(BAD, 42, REGISTERED, back.is_none()), tells(GOOD, revision, registered, back.is_some())];
        Deployment::newest_first(&mut all);
        all.into()
    }

    /// What it would do to put the service back.
    pub(super) fn plan_put_back(
        &self,
        plane: Plane,
        flow: &str,
        from: &str,
        to: &str,
    ) -> Result<PutBack, ConnectError> {
        let refused = |why: String| Err(ConnectError::Refused(why.into()));
        let mut all = self.deployments(plane, flow);
        if all.is_empty() {
            return refused(format!("{} was registered from nothing else", SafeText::clipped(flow, 80)));
        }
        if self.back_since().is_some() {
            return refused(format!("the service is on {GOOD} already"));
        }
        if (from, to) != (BAD, GOOD) {
            return refused(format!("it can be put back from {BAD} to {GOOD} alone"));
        }
        all.retain(|deployment| deployment.id == *BAD || deployment.id == *GOOD);
        let [from, to] = <[Deployment; 2]>::try_from(all)
            .map_err(|_| ConnectError::BadAnswer("there are not two deployments".into()))?;
        Ok(PutBack {
            service: flow.into(),
            effect: format!("{flow} is registered from {GOOD} anew, as revision 43; new instances begin on it").into(),
            switches_off: format!("{BAD} gets nothing new of {flow}; it stays registered").into(),
            way_back: format!("the same from {GOOD} to {BAD}; what began on {GOOD} stays there").into(),
            moves: vec![flow.into()],
            risk: Risk::Costly,
            from,
            to,
        })
    }
}

/// What became of putting it back.
pub(super) fn became(done: std::io::Result<()>) -> ActAnswer {
    match done {
        Ok(()) => ActAnswer::Done,
        Err(error) => ActAnswer::Refused(format!("it can't be kept: {error}").into()),
    }
}
