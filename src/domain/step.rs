//! What steps do to the world outside: whether money moves in them, and how many messages people get.
//!
//! An engine does not know, so the config says it. What nobody has said is not known, and is told as that.

use super::blast::Hurt;
use super::remediation::Verb;

/// What one run of a step does, as far as somebody has said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepEffects {
    /// Whether it moves money.
    pub moves_money: Option<bool>,
    /// How many messages it sends to people.
    pub messages: Option<u32>,
}

impl StepEffects {
    /// Whether nothing is said.
    pub const fn is_empty(self) -> bool {
        self.moves_money.is_none() && self.messages.is_none()
    }

    /// What `self` says, or else what `other` says.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { moves_money: self.moves_money.or(other.moves_money), messages: self.messages.or(other.messages) }
    }

    /// Notes in `hurt` what runs again when an instance is acted on. `here` is its step, `all` all steps of its flow
    /// together.
    ///
    /// A resume runs the step once more at which it stands, a restart every step. What a flow does when it is cancelled
    /// is its own affair and not known; a pause, a kill and a purge run nothing.
    pub fn again(verb: Verb, here: Self, all: AllSteps, hurt: &mut Hurt) {
        (hurt.money_steps, hurt.messages) = match verb {
            Verb::Resume => (here.moves_money.map(u64::from), here.messages.map(u64::from)),
            Verb::RestartAsNew => (all.money_steps, all.messages),
            Verb::Cancel => (None, None),
            // What drifts has no steps.
            Verb::Pause | Verb::Kill | Verb::Purge | Verb::Reconcile | Verb::Restore => (Some(0), Some(0)),
        };
    }
}

/// What all steps of a flow do together, as far as somebody has said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AllSteps {
    /// How many of them move money.
    pub money_steps: Option<u64>,
    /// How many messages they send.
    pub messages: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_runs_other_steps_again() {
        let here = StepEffects { moves_money: Some(true), messages: None };
        let all = AllSteps { money_steps: Some(2), messages: Some(3) };
        let again = |verb| {
            let mut hurt = Hurt::default();
            StepEffects::again(verb, here, all, &mut hurt);
            (hurt.money_steps, hurt.messages)
        };
        assert_eq!(again(Verb::Resume), (Some(1), None));
        assert_eq!(again(Verb::RestartAsNew), (Some(2), Some(3)));
        assert_eq!(again(Verb::Cancel), (None, None));
        for verb in [Verb::Pause, Verb::Kill, Verb::Purge] {
            assert_eq!(again(verb), (Some(0), Some(0)), "{verb:?}");
        }
    }
}
