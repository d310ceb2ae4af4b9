//! Taking a remediation back: by what, and what is in the way of it.
//!
//! A rollback is a remediation of its own, with targets, waves, a policy and a record of its own. What nothing takes back
//! says so before it is done, and says it again here.

use super::flow::{FlowInstance, Status};
use super::plan::Frozen;
use super::remediation::{ItemState, Verb};
use super::remedy::Remedy;
use super::text::SafeText;
use super::wide::{ItemCounts, WideState};

/// What policies are asked as `request.verb` for what takes another remediation back, besides the verb that it is done by.
pub const ROLLBACK: &str = "rollback";

/// What takes a plan back.
#[derive(Debug, Clone, PartialEq)]
pub struct Inverse(pub Remedy);

/// What takes a plan back; why there is none.
///
/// This is the one place that says so: a runbook has the way back that it declares, or none.
///
/// # Errors
/// In words, where nothing takes it back.
pub fn inverse(frozen: &Frozen) -> Result<Inverse, String> {
    let why = match frozen.remedy.undo() {
        Ok(remedy) => return Ok(Inverse(remedy)),
        Err(why) => why,
    };
    Err(match frozen.puts_back() {
        Some((_, from, to)) => format!("{why}; the service is put back by a plan of its own, from {to} to {from}"),
        None => why,
    })
}

impl Inverse {
    /// What it does to those that are as they were left, in a menu's few words.
    pub const fn words(&self) -> &'static str {
        match self.0 {
            Remedy::Verb(Verb::Resume, _) => {
                "resumes those that it paused and that still are; plans it, nothing is sent"
            }
            Remedy::Verb(Verb::Restore, _) => {
                "puts back what was there before, where that is kept and it is as it was left; plans it, nothing is sent"
            }
            Remedy::Verb(..) => "plans what takes it back; nothing is sent",
            Remedy::Runbook(_) => "plans the runbook that it names for that; nothing is sent",
        }
    }

    /// Whether a plan is what takes one back that has this inverse.
    pub fn is(&self, frozen: &Frozen) -> bool {
        frozen.remedy.is_of(&self.0) && frozen.remedy.gives(&self.0)
    }

    /// Why there is nothing to take back of an instance as it is now; `None` where there is.
    pub fn undone(&self, flow: &FlowInstance) -> Option<SafeText> {
        let is = flow.status;
        if matches!(self.0, Remedy::Verb(Verb::Restore, _)) {
            return (is != Status::Succeeded).then(|| format!("it is not as it was left: {}", flow.step).into());
        }
        (matches!(self.0, Remedy::Verb(Verb::Resume, _)) && is != Status::Paused)
            .then(|| format!("it is not paused any more: {}", is.words()).into())
    }
}

/// Why an item that came to this is no target of what takes its remediation back; `None` where it is one. `steps` is how
/// many steps of a runbook held before it came to it: one that failed after some of them has those to take back.
pub const fn left_out(state: ItemState, steps: u32) -> Option<&'static str> {
    match state {
        ItemState::Verified | ItemState::Done => None,
        ItemState::Pending | ItemState::Skipped => Some("nothing was sent to it, so there is nothing to take back"),
        ItemState::Failed if steps > 0 => None,
        ItemState::Failed => Some("it failed, so there is nothing to take back"),
        ItemState::Accepted => Some("it is not known yet whether it held"),
        ItemState::Unknown => Some("nobody knows whether it held: look at it first"),
    }
}

/// Whether there can be anything to take back, as far as counts tell: of a runbook, one that failed may have steps behind
/// it that held.
pub fn may_have_held(frozen: &Frozen, counts: &ItemCounts) -> bool {
    let several = u32::from(frozen.remedy.steps().len() > 1);
    ItemState::ALL.into_iter().any(|state| left_out(state, several).is_none() && counts.get(state) > 0)
}

/// Why a remediation can't be taken back now; `None` where it can. `held` is whether any of its items is a target of that;
/// `by` is who takes it back already and has not ended.
pub fn refused(frozen: &Frozen, state: WideState, held: bool, by: Option<(&str, WideState)>) -> Option<String> {
    if let Err(why) = inverse(frozen) {
        return Some(why);
    }
    if state == WideState::RolledBack {
        return Some("it was taken back already".to_owned());
    }
    if !state.ended() {
        return Some(format!("it has not ended: {}", state.told()));
    }
    if let Some((id, state)) = by.filter(|(_, state)| !state.ended()) {
        return Some(format!("{id} takes it back already: {}", state.told()));
    }
    (!held).then(|| "none of its items held, so there is nothing to take back".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::{DEPLOYMENT, PUT_BACK, Pace, Parameters, SERVICE, Waves};
    use crate::domain::verdict::tests::instance;

    fn frozen(verb: Verb) -> Frozen {
        Frozen::new(verb, Parameters::new(), Vec::new(), Waves::default(), Pace::default())
    }

    #[test]
    fn a_pause_has_a_way_back_and_nothing_else_does() {
        let inverse_of = |verb| inverse(&frozen(verb));
        assert_eq!(inverse_of(Verb::Pause).unwrap(), Inverse(Remedy::Verb(Verb::Resume, Parameters::new())));
        assert_eq!(inverse_of(Verb::Reconcile).unwrap(), Inverse(Remedy::Verb(Verb::Restore, Parameters::new())));
        for verb in Verb::ALL.into_iter().filter(|verb| !matches!(verb, Verb::Pause | Verb::Reconcile)) {
            let why = inverse_of(verb).unwrap_err();
            assert!(why.starts_with("none: ") && why.contains(verb.label()), "{why}");
        }
        let why = inverse_of(Verb::Kill).unwrap_err();
        assert_eq!(why, "none: a kill has no way back: a killed instance cannot be resumed, and what it did stays");
        let parameters =
            [(DEPLOYMENT, "dp_1"), (PUT_BACK, "dp_2"), (SERVICE, "a/b")].map(|(k, v)| (k.into(), v.into())).into();
        let put_back = Frozen::new(Verb::Resume, parameters, Vec::new(), Waves::default(), Pace::default());
        let why = inverse(&put_back).unwrap_err();
        assert!(why.ends_with("the service is put back by a plan of its own, from dp_1 to dp_2"), "{why}");
    }

    #[test]
    fn only_what_has_ended_and_held_is_taken_back_and_only_once() {
        let refused = |state, held, by| super::refused(&frozen(Verb::Pause), state, held, by);
        for state in WideState::ALL {
            let why = refused(state, true, None);
            assert_eq!(why.is_none(), state.ended() && state != WideState::RolledBack, "{state:?}: {why:?}");
        }
        assert!(refused(WideState::Aborted, false, None).unwrap().contains("none of its items held"));
        let may = |states: &[ItemState]| may_have_held(&frozen(Verb::Pause), &ItemCounts::of(states.iter().copied()));
        assert!(may(&[ItemState::Failed, ItemState::Verified]));
        assert!(!may(&[ItemState::Skipped, ItemState::Unknown, ItemState::Failed]));
        for state in WideState::ALL {
            let why = refused(WideState::Succeeded, true, Some(("r2", state)));
            assert_eq!(why.is_some(), !state.ended(), "{state:?}: {why:?}");
        }
    }

    #[test]
    fn who_goes_on_already_is_not_taken_back() {
        let back = inverse(&frozen(Verb::Pause)).unwrap();
        let mut flow = instance();
        for status in Status::ALL {
            flow.status = status;
            assert_eq!(back.undone(&flow).is_none(), status == Status::Paused, "{status:?}");
        }
    }
}
