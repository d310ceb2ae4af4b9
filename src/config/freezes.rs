//! Freezes: once or again and again, by the clocks of a zone, and what they select.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::diagnostic::TextPlace;
use super::policies::{Names, named_roles, reason, word, zone};
use super::section::Section;
use crate::domain::freeze::{self, End, Freeze, FreezeKind, InFlight, LONGEST, Repeating, When, Window};
use crate::domain::policy::Roles;
use crate::domain::text::SafeText;
use crate::domain::time::exact;

const FREEZE: [&str; 11] =
    ["name", "from", "until", "cron", "for", "zone", "selector", "kind", "override_roles", "in_flight", "reason"];

/// The shortest window of a freeze that repeats.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// A freeze, and where it stands.
#[derive(Debug, Clone)]
pub struct FreezeSetting {
    /// The freeze.
    pub freeze: Freeze,
    /// Where its selector stands; `None` where it has none.
    pub selector: Option<TextPlace>,
}

/// Reads every `[[freeze]]`; what is wrong is noted. `usual` is the zone of those that name none.
pub(super) fn read(root: &Section<'_>, roles: &Roles, usual: &TimeZone) -> Vec<FreezeSetting> {
    let document = root.document;
    let mut names = Names::new(document, "freeze");
    let sections = document.keep(root.tables("freeze", &FREEZE)).unwrap_or_default();
    sections.iter().filter_map(|section| one(section, roles, usual, &mut names)).collect()
}

fn one<'a>(section: &Section<'a>, roles: &Roles, usual: &TimeZone, names: &mut Names<'a>) -> Option<FreezeSetting> {
    let document = section.document;
    // Each is read before the first of them is given up, so that every mistake is told.
    let name = names.read(section);
    let zone = document.keep(zone(section)).map(|zone| zone.unwrap_or_else(|| usual.clone()));
    let when = when(section, zone.as_ref().unwrap_or(usual));
    let selector = document.keep(section.text("selector"));
    let kind = word(section, "kind", "kind of freeze", &FreezeKind::ALL);
    let override_roles = named_roles(section, "override_roles", roles);
    let in_flight = word(section, "in_flight", "rule for what is on its way", &InFlight::ALL);
    let reason = reason(section, "a freeze");
    let selector = selector?;
    let blank = selector.as_ref().is_none_or(|selector| selector.value.trim().is_empty());
    if kind == Some(FreezeKind::AllowOnly) && blank {
        let message = "kind = \"allow-only\" needs a \"selector\": without one it would allow everything";
        document.problems.add(document.wrong(&section.place("kind"), message));
    }
    Some(FreezeSetting {
        selector: selector.as_ref().map(|selector| document.text_at(&selector.span, selector.value)),
        freeze: Freeze {
            name: SafeText::new(name?.value),
            when: when?,
            zone: zone?,
            selector: selector.map(|selector| selector.value.to_owned()).unwrap_or_default(),
            kind: kind?,
            override_roles: override_roles?,
            in_flight: in_flight?,
            reason: reason?,
        },
    })
}

fn when(section: &Section<'_>, zone: &TimeZone) -> Option<When> {
    let document = section.document;
    let (once, again) = (section.has("from") || section.has("until"), section.has("cron") || section.has("for"));
    if once == again {
        let message = "a freeze has either \"from\" and \"until\", or \"cron\" and \"for\"";
        document.problems.add(document.wrong(&section.span, message));
        return None;
    }
    let missing = |key: &str| {
        let message = format!("a freeze needs \"{key}\", too");
        document.problems.add(document.wrong(&section.span, message));
    };
    if once {
        let from = document.keep(section.moment("from"));
        let until = document.keep(section.moment("until"));
        let (from, until) = (from?, until?);
        for (key, found) in [("from", &from), ("until", &until)] {
            if found.is_none() {
                missing(key);
            }
        }
        let (from, until) = (from?, until?);
        return match freeze::moments(&from.value, &until.value, zone) {
            Ok((from, until)) => Some(When::Once(Window { from, until })),
            Err((end, why)) => {
                let (key, found) = if end == End::From { ("from", &from) } else { ("until", &until) };
                document.problems.add(document.at(&found.span, true).wrong(format!("\"{key}\": {why}")));
                None
            }
        };
    }
    let pattern = document.keep(section.text("cron"));
    let lasting = document.keep(section.duration("for", SHORTEST));
    let (pattern, lasting) = (pattern?, lasting?);
    if lasting.is_none() {
        missing("for");
    }
    let Some(pattern) = pattern else {
        missing("cron");
        return None;
    };
    if lasting.is_some_and(|lasting| lasting > LONGEST) {
        let message = format!("\"for\" can be {} at most", exact(LONGEST));
        document.problems.add(document.wrong(&section.place("for"), message));
    }
    match Repeating::new(pattern.value, lasting.unwrap_or(SHORTEST)) {
        Ok(repeating) => lasting.map(|_| When::Repeating(repeating)),
        Err(why) => {
            document.problems.add(document.at(&pattern.span, true).wrong(format!("\"cron\": {why}")));
            None
        }
    }
}
