//! `[[automation]]`: what is watched without anybody looking, what would be done, and whether somebody is asked.
//!
//! A filter is kept as it was written, with its place: the hub reads it, and says what is wrong in it.

use jiff::SignedDuration;

use super::diagnostic::TextPlace;
use super::layers::one_of;
use super::policies::{Names, reason, word};
use super::section::Section;
use crate::domain::automation::{Automation, AutomationMode};
use crate::domain::policy::MOST_TARGETS;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::time::exact;

const KEYS: [&str; 11] =
    ["name", "when", "cohort_at_least", "verb", "mode", "after", "at_most", "cooldown", "per_hour", "reason", "watch"];

const AFTER: SignedDuration = SignedDuration::from_mins(2);
const AT_MOST: u32 = 50;
const COOLDOWN: SignedDuration = SignedDuration::from_mins(15);
const PER_HOUR: u32 = 4;
const WATCH: SignedDuration = SignedDuration::from_mins(30);

/// The longest watch: engines are asked for a day of what was done outside.
const WATCH_MOST: SignedDuration = SignedDuration::from_hours(24);

/// An automation, and where its filter stands.
#[derive(Debug, Clone)]
pub struct AutomationSetting {
    /// The automation.
    pub automation: Automation,
    /// Where its filter stands.
    pub when: TextPlace,
}

/// Reads every `[[automation]]`; what is wrong is noted.
pub(super) fn read(root: &Section<'_>) -> Vec<AutomationSetting> {
    let document = root.document;
    let mut names = Names::new(document, "automation");
    let sections = document.keep(root.tables("automation", &KEYS)).unwrap_or_default();
    sections.iter().filter_map(|section| one(section, &mut names)).collect()
}

fn one<'a>(section: &Section<'a>, names: &mut Names<'a>) -> Option<AutomationSetting> {
    let document = section.document;
    // Each is read before the first of them is given up, so that every mistake is told.
    let name = names.read(section);
    let when = document.keep(section.required_text("when", "an automation"));
    if let Some(when) = when.as_ref().filter(|when| when.value.trim().is_empty()) {
        let message = "\"when\" is empty: an automation for whatever there is would be for nothing";
        document.problems.add(section.wrong(when, message));
    }
    let verb = verb(section);
    let mode = mode(section);
    let length = |key, usual| document.keep(section.duration(key, SignedDuration::ZERO)).map(|it| it.unwrap_or(usual));
    let (after, cooldown, watch) = (length("after", AFTER), length("cooldown", COOLDOWN), length("watch", WATCH));
    if watch.is_some_and(|watch| watch > WATCH_MOST) {
        let message = format!("\"watch\" can be {} at most", exact(WATCH_MOST));
        document.problems.add(document.wrong(&section.place("watch"), message));
    }
    let cohort = document.keep(section.count("cohort_at_least"));
    let count = |key, usual| document.keep(section.count(key)).map(|it| u64::from(it.unwrap_or(usual)));
    let (at_most, per_hour) = (count("at_most", AT_MOST), count("per_hour", PER_HOUR));
    if at_most.is_some_and(|most| most > MOST_TARGETS) {
        let message = format!("\"at_most\" can be {MOST_TARGETS} at most, which is all that a plan takes");
        document.problems.add(document.wrong(&section.place("at_most"), message));
    }
    let reason = reason(section, "an automation");
    let (name, when) = (name?, when?);
    Some(AutomationSetting {
        when: document.text_at(&when.span, when.value),
        automation: Automation {
            name: SafeText::new(name.value),
            when: when.value.to_owned(),
            cohort_at_least: cohort?.map(u64::from),
            verb: verb?,
            mode: mode?,
            after: after?,
            at_most: at_most?,
            cooldown: cooldown?,
            per_hour: per_hour?,
            reason: reason?,
            watch: watch?,
        },
    })
}

/// What it does; a runbook has its own key once there are any.
fn verb(section: &Section<'_>) -> Option<Verb> {
    let document = section.document;
    let found = document.keep(section.required_text("verb", "an automation"))?;
    let words = Verb::OF_FLOWS.map(|verb| (verb.name(), verb));
    document.keep(one_of(&document.at(&found.span, true), "verb", found.value, &words))
}

/// None acts by itself.
fn mode(section: &Section<'_>) -> Option<AutomationMode> {
    let document = section.document;
    if let Some(found) = document.keep(section.text("mode")).flatten().filter(|found| found.value == "act") {
        let message =
            "mode = \"act\" can't be had: no automation acts by itself; \"propose\" asks, and a person agrees";
        document.problems.add(document.at(&found.span, true).wrong(message));
        return None;
    }
    word(section, "mode", "mode of an automation", &AutomationMode::ALL)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const SOURCE: &str = "[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";

    fn read(text: &str) -> Result<Vec<AutomationSetting>, String> {
        let config = Config::parse(&format!("{SOURCE}{text}"), "c.toml", None);
        config.map(|config| config.automations).map_err(|error| error.to_string())
    }

    const LEAST: &str =
        "[[automation]]\nname = \"a\"\nwhen = \"rule:exhausted\"\nverb = \"resume\"\nreason = \"it mostly helps\"\n";

    #[test]
    fn what_is_not_said_is_the_usual_and_harmless() {
        let read = read(LEAST).unwrap();
        let [AutomationSetting { automation, .. }] = &read[..] else { panic!("{read:?}") };
        let usual = Automation {
            name: "a".into(),
            when: "rule:exhausted".into(),
            cohort_at_least: None,
            verb: Verb::Resume,
            mode: AutomationMode::Observe,
            after: AFTER,
            at_most: 50,
            cooldown: COOLDOWN,
            per_hour: 4,
            reason: "it mostly helps".into(),
            watch: WATCH,
        };
        assert_eq!(*automation, usual);
        assert!(self::read("").unwrap().is_empty());
    }

    #[test]
    fn everything_can_be_said() {
        let more = "mode = \"propose\"\ncohort_at_least = 10\nafter = \"30s\"\nat_most = 7\ncooldown = \"1h\"\n\
                    per_hour = 2\nwatch = \"2h\"\n";
        let read = read(&format!("{LEAST}{more}")).unwrap();
        let it = &read[0].automation;
        assert_eq!((it.mode, it.cohort_at_least, it.at_most, it.per_hour), (AutomationMode::Propose, Some(10), 7, 2));
        assert_eq!(
            (it.after, it.cooldown, it.watch),
            (SignedDuration::from_secs(30), SignedDuration::from_hours(1), SignedDuration::from_hours(2))
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (keys, why) in [
            ("mode = \"act\"", "c.toml:10:8: mode = \"act\" can't be had: no automation acts by itself"),
            ("mode = \"observ\"", "did you mean \"observe\"?"),
            ("watch = \"25h\"", "c.toml:10:9: \"watch\" can be 1d at most"),
            ("at_most = 10001", "\"at_most\" can be 10000 at most"),
            ("at_most = 0", "\"at_most\" must be 1 or more"),
            ("cohort_at_least = -3", "\"cohort_at_least\" must be 1 or more"),
            ("after = \"0s\"", "\"after\" must be longer than nothing"),
            ("cohort_least = 3", "unknown key \"cohort_least\" (did you mean \"cohort_at_least\"?)"),
        ] {
            let wrong = read(&format!("{LEAST}{keys}\n")).unwrap_err();
            assert!(wrong.contains(why), "{keys}: {wrong}");
        }
        for (text, why) in [
            ("[[automation]]\nwhen = \"\"\nverb = \"resum\"\n", "did you mean \"resume\"?"),
            ("[[automation]]\nwhen = \"\"\nverb = \"resum\"\n", "\"when\" is empty"),
            ("[[automation]]\nwhen = \"\"\nverb = \"resum\"\n", "an automation needs \"name\""),
            ("[[automation]]\nwhen = \"\"\nverb = \"resum\"\n", "an automation needs \"reason\""),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.contains(why), "{wrong}");
        }
        let wrong = read(&format!("{LEAST}{LEAST}")).unwrap_err();
        assert!(wrong.contains("a second automation \"a\"; the first is on line 6"), "{wrong}");
    }
}
