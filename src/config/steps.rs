//! What steps do to the world outside, by source, flow and step.

use super::diagnostic::Diagnostic;
use super::section::Section;
use super::thresholds::Place;
use crate::domain::step::{AllSteps, StepEffects};

/// The keys of a `[[step]]`.
pub(super) const KEYS: [&str; 5] = ["source", "flow", "step", "moves_money", "messages"];

/// What steps do by place, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps(Vec<(Place, StepEffects)>);

impl Steps {
    /// What is said of one step: of two entries that say the same, the later one counts, and one that names its step goes
    /// before one for all of a flow.
    pub(super) fn resolve(&self, source: &str, flow: &str, step: &str) -> StepEffects {
        let at = |named: bool| {
            let own = self.0.iter().filter(|(place, _)| place.step.is_some() == named);
            let own = own.filter(|(place, _)| place.matches(source, flow, step));
            own.fold(StepEffects::default(), |said, (_, entry)| entry.or(said))
        };
        at(true).or(at(false))
    }

    /// What all steps of a flow do together: the entries that name a step, where one without a step says that the others
    /// do nothing, or where they do something at all.
    pub(super) fn all(&self, source: &str, flow: &str) -> AllSteps {
        let of = |named: bool| {
            let own = self.0.iter().filter(move |(place, _)| place.step.is_some() == named);
            own.filter(|(place, _)| place.holds_for(source, flow)).map(|(_, entry)| *entry)
        };
        let others = of(false).fold(StepEffects::default(), |said, entry| entry.or(said));
        let money = of(true).filter(|entry| entry.moves_money == Some(true)).count() as u64;
        let messages: u64 = of(true).filter_map(|entry| entry.messages).map(u64::from).sum();
        AllSteps {
            money_steps: (money > 0 || others.moves_money == Some(false)).then_some(money),
            messages: (messages > 0 || others.messages == Some(0)).then_some(messages),
        }
    }

    /// Reads the `[[step]]` entries.
    pub(super) fn read(root: &Section<'_>) -> Result<Self, Diagnostic> {
        root.tables("step", &KEYS)?.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }
}

fn entry(section: &Section<'_>) -> Result<(Place, StepEffects), Diagnostic> {
    let place = Place::read(section)?;
    let effects = StepEffects { moves_money: section.flag("moves_money")?, messages: section.number("messages", 0)? };
    if effects.is_empty() {
        return Err(section.document.wrong(&section.span, "a step needs \"moves_money\" or \"messages\""));
    }
    Ok((place, effects))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::domain::step::{AllSteps, StepEffects};

    const SMALLEST: &str = "[[source]]\nname = \"a\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:9\"\n";

    #[test]
    fn what_is_said_of_a_step_goes_before_what_is_said_of_its_flow() {
        let text = r#"
            [[step]]
            flow = "billing/*"
            moves_money = false
            messages = 0
            [[step]]
            flow = "billing/*"
            step = "charge"
            moves_money = true
            [[step]]
            step = "mail"
            messages = 2
        "#;
        let config = Config::parse(&format!("{SMALLEST}{text}"), "config.toml", None).unwrap();
        let book = &config.thresholds;
        let said = |moves_money, messages| StepEffects { moves_money, messages };
        assert_eq!(book.effects("a", "billing/run", "charge"), said(Some(true), Some(0)));
        assert_eq!(book.effects("a", "billing/run", "mail"), said(Some(false), Some(2)));
        assert_eq!(book.effects("a", "signup/run", "mail"), said(None, Some(2)));
        assert_eq!(book.effects("a", "signup/run", "page"), said(None, None));
        let all = |money_steps, messages| AllSteps { money_steps, messages };
        assert_eq!(book.all_effects("a", "billing/run"), all(Some(1), Some(2)));
        assert_eq!(book.all_effects("a", "signup/run"), all(None, Some(2)), "nobody said that no money moves");
        let error = Config::parse(&format!("{SMALLEST}[[step]]\nflow = \"a\""), "config.toml", None).unwrap_err();
        assert!(error.to_string().contains("a step needs \"moves_money\" or \"messages\""), "{error}");
    }
}
