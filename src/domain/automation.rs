//! Automations: rules that watch rows and say what they would do. None acts by itself: one that observes is only
//! counted, and one that proposes asks, and a person has to agree.
//!
//! What one would have done is scored by what became of the instance, so that it is known what a rule is worth before
//! anybody lets it ask:
//!
//! - **hit**: somebody did the same to the instance, here or outside, and it held.
//! - **miss**: the instance went on or succeeded before anybody did anything, so that the act was not needed; or
//!   somebody did the same and it did not help.
//! - **open**: it is still watched.
//! - **unknown**: the time is over, or the instance is gone, and nothing can be said; so where the source did not answer
//!   at the end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::hash::digest;
use super::remediation::Verb;
use super::text::SafeText;

/// How the name of whoever asks begins, where that is an automation.
pub const PREFIX: &str = "automation:";

/// The name by which an automation asks, and stands in the record.
pub fn actor(name: &str) -> SafeText {
    format!("{PREFIX}{name}").into()
}

/// Whether this is the name of an automation and no person's. Case and space are nothing, as between persons.
pub fn is_automation(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    plain.starts_with(PREFIX)
}

/// What an automation may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutomationMode {
    /// It is only counted what it would have done.
    Observe,
    /// It asks for it, and a person has to agree.
    Propose,
}

impl AutomationMode {
    /// Every mode with its name, the harmless one first.
    pub const ALL: [(&'static str, Self); 2] = [("observe", Self::Observe), ("propose", Self::Propose)];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Propose => "propose",
        }
    }
}

/// An automation of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Automation {
    /// Its name; no other has it.
    pub name: SafeText,
    /// Which instances, in the filter language, as it was written.
    pub when: String,
    /// Only where so many of one cohort match.
    pub cohort_at_least: Option<u64>,
    /// What is to be done.
    pub verb: Verb,
    /// What it may do.
    pub mode: AutomationMode,
    /// For how long an instance has to match first.
    pub after: SignedDuration,
    /// To how many at once.
    pub at_most: u64,
    /// The least time from one time to the next.
    pub cooldown: SignedDuration,
    /// How often within an hour.
    pub per_hour: u64,
    /// Why, for whoever is asked.
    pub reason: SafeText,
    /// For how long it is watched what becomes of an instance.
    pub watch: SignedDuration,
}

impl Automation {
    /// What it would do to whom, as a few digits: what was counted for another rule of this name is not counted for this
    /// one.
    pub fn definition(&self) -> SafeText {
        let cohort = self.cohort_at_least.map_or_else(String::new, |least| least.to_string());
        let (after, watch) = (self.after.to_string(), self.watch.to_string());
        digest(&[&self.when, &cohort, self.verb.name(), &after, &watch], 6)
    }
}

/// What became of an instance to which an automation would have done something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// It is still watched.
    Open,
    /// It was done, and it held.
    Hit,
    /// It was not needed, or did not help.
    Miss,
    /// Nothing can be said.
    Unknown,
}

impl Score {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Hit, Self::Miss, Self::Unknown];

    /// Its name in JSON and in the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Unknown => "unknown",
        }
    }

    /// The score of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|score| score.name() == name)
    }
}

/// How often an automation would have done something, and what that was worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Still watched.
    pub open: u64,
    /// Done, and it held.
    pub hit: u64,
    /// Not needed, or of no help.
    pub miss: u64,
    /// Nothing can be said.
    pub unknown: u64,
}

impl Tally {
    /// Counts so many of a score in.
    pub fn add(&mut self, score: Score, count: u64) {
        let of = match score {
            Score::Open => &mut self.open,
            Score::Hit => &mut self.hit,
            Score::Miss => &mut self.miss,
            Score::Unknown => &mut self.unknown,
        };
        *of = of.saturating_add(count);
    }

    /// How often it would have done something at all.
    pub const fn would(&self) -> u64 {
        self.open.saturating_add(self.hit).saturating_add(self.miss).saturating_add(self.unknown)
    }

    /// How many of a hundred of what can be said were hits; `None` where nothing can be said yet.
    pub const fn hit_rate(&self) -> Option<u64> {
        match self.hit.saturating_add(self.miss) {
            0 => None,
            told => Some(self.hit.saturating_mul(100) / told),
        }
    }
}

/// That something was not let through, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// When, by the local clock.
    pub at: Timestamp,
    /// Why.
    pub why: SafeText,
}

/// An automation, and what it has come to so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomationStatus {
    /// The automation.
    pub automation: Automation,
    /// Since when it is counted as it is now; `None` before the first look.
    pub since: Option<Timestamp>,
    /// When it would have done something last.
    pub last: Option<Timestamp>,
    /// What that was worth.
    pub tally: Tally,
    /// How many requests it has made.
    pub proposed: u64,
    /// When one of them was refused last, and why.
    pub refused: Option<Withheld>,
    /// Why it does not look at anything at this moment, where that is so.
    pub idle: Option<SafeText>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_automation_is_known_by_its_name_however_it_is_written() {
        for name in ["automation:x", "Automation:x", " auto mation:x", "AUTOMATION:", "\u{a0}automation:y"] {
            assert!(is_automation(name), "{name:?}");
        }
        for name in ["ada", "automation", "my automation:x", ""] {
            assert!(!is_automation(name), "{name:?}");
        }
        assert!(is_automation(&actor("retry storms")));
    }

    #[test]
    fn a_tally_adds_up() {
        let mut tally = Tally::default();
        assert_eq!((tally.would(), tally.hit_rate()), (0, None));
        for (score, count) in Score::ALL.into_iter().zip([4, 3, 1, 2]) {
            tally.add(score, count);
        }
        assert_eq!((tally.would(), tally.hit_rate()), (10, Some(75)));
        assert_eq!(Score::ALL.map(|score| Score::named(score.name())), Score::ALL.map(Some));
    }
}
