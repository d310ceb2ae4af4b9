//! Freezes: times in which something may not be acted on, or nothing else may.
//!
//! Where clocks are put forward or back, a freeze is rather too long than too short. A civil time that does not exist,
//! or exists twice, begins a freeze as early and ends it as late as it can be read. One that repeats lasts as long by
//! the clock on the wall: from 22:00 for 10 hours is until 08:00, whatever the night.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::text::SafeText;

/// The longest that one window of a freeze that repeats may last.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 31);

/// How many starts before a moment are looked at: where clocks go back, an earlier one may end later.
const STARTS: usize = 4;

/// What a freeze does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreezeKind {
    /// What it selects may not be acted on.
    Deny,
    /// Nothing but what it selects may be acted on.
    AllowOnly,
}

impl FreezeKind {
    /// Every kind with its name.
    pub const ALL: [(&'static str, Self); 2] = [("deny", Self::Deny), ("allow-only", Self::AllowOnly)];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::AllowOnly => "allow-only",
        }
    }
}

/// What becomes of a run that is on its way when a freeze begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InFlight {
    /// It goes on to its end.
    Finish,
    /// It is held until the freeze is over.
    Hold,
}

impl InFlight {
    /// Both with their names.
    pub const ALL: [(&'static str, Self); 2] = [("finish", Self::Finish), ("hold", Self::Hold)];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finish => "finish",
            Self::Hold => "hold",
        }
    }
}

/// When a freeze repeats: five fields as in crontab, and how long each time.
#[derive(Clone)]
pub struct Repeating {
    // A pattern keeps a bit for each year: much larger than all the rest.
    cron: Box<Cron>,
    lasting: SignedDuration,
}

impl fmt::Debug for Repeating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Repeating").field(&self.cron.as_str()).field(&self.lasting).finish()
    }
}

impl Repeating {
    /// Reads a pattern.
    ///
    /// # Errors
    /// In words, where it can't be read or never comes.
    pub fn new(pattern: &str, lasting: SignedDuration) -> Result<Self, String> {
        // No pattern of five fields is longer that anybody could read.
        if pattern.len() > 200 {
            return Err("it is longer than 200 bytes".to_owned());
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(pattern).map_err(|error| told(&error))?;
        let first = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        match cron.find_next_occurrence(&first, true) {
            Ok(_) => Ok(Self { cron: Box::new(cron), lasting }),
            Err(_) => Err("it never comes".to_owned()),
        }
    }

    /// As it was written.
    pub fn pattern(&self) -> &str {
        self.cron.as_str()
    }

    /// How long each time, by the clock on the wall.
    pub const fn lasting(&self) -> SignedDuration {
        self.lasting
    }

    fn from(&self, start: &Zoned) -> Window {
        let end = start.datetime().saturating_add(self.lasting);
        Window { from: start.timestamp(), until: latest(end, start.time_zone()).unwrap_or(Timestamp::MAX) }
    }

    fn at(&self, now: &Zoned) -> Result<Option<Window>, String> {
        let mut last: Option<Window> = None;
        let (mut start, mut inclusive) = (now.clone(), true);
        for _ in 0..STARTS {
            start = match self.cron.find_previous_occurrence(&start, inclusive) {
                Ok(start) => start,
                Err(CronError::TimeSearchLimitExceeded) => break,
                Err(error) => return Err(told(&error)),
            };
            inclusive = false;
            let window = self.from(&start);
            if window.until > now.timestamp() && last.is_none_or(|last| last.until < window.until) {
                last = Some(window);
            }
        }
        Ok(last)
    }

    fn after(&self, now: &Zoned) -> Result<Option<Window>, String> {
        match self.cron.find_next_occurrence(now, false) {
            Ok(start) => Ok(Some(self.from(&start))),
            Err(CronError::TimeSearchLimitExceeded) => Ok(None),
            Err(error) => Err(told(&error)),
        }
    }
}

fn told(error: &CronError) -> String {
    match error {
        CronError::EmptyPattern => "it is empty".to_owned(),
        CronError::InvalidPattern(why) | CronError::IllegalCharacters(why) | CronError::ComponentError(why) => {
            // Its own name for what was written.
            why.replace("CronPattern", "it").replace("Pattern", "it")
        }
        CronError::InvalidDate | CronError::InvalidTime => "it makes a time that does not exist".to_owned(),
        CronError::TimeSearchLimitExceeded => "it never comes".to_owned(),
    }
}

/// One time of a freeze: from a moment on, and until just before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl Window {
    /// Whether a moment lies in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// When a freeze holds.
#[derive(Debug, Clone)]
pub enum When {
    /// Once.
    Once(Window),
    /// Again and again.
    Repeating(Repeating),
}

/// A freeze of the config.
#[derive(Debug, Clone)]
pub struct Freeze {
    /// Its name; no other has it.
    pub name: SafeText,
    /// When it holds.
    pub when: When,
    /// By which clocks.
    pub zone: TimeZone,
    /// What it selects, in the filter language, as it was written. The empty one selects everything.
    pub selector: String,
    /// What it does.
    pub kind: FreezeKind,
    /// Who may act in it all the same, with a reason and an end.
    pub override_roles: BTreeSet<SafeText>,
    /// What becomes of a run that is on its way when it begins.
    pub in_flight: InFlight,
    /// Why, for whoever meets it.
    pub reason: SafeText,
}

impl Freeze {
    /// The window that a moment lies in; of several the one that ends last.
    ///
    /// # Errors
    /// In words, where nobody can say.
    pub fn at(&self, moment: Timestamp) -> Result<Option<Window>, String> {
        match &self.when {
            When::Once(window) => Ok(Some(*window).filter(|window| window.holds(moment))),
            When::Repeating(repeating) => repeating.at(&moment.to_zoned(self.zone.clone())),
        }
    }

    /// The first window that begins after a moment; `None` where none does.
    ///
    /// # Errors
    /// In words, where nobody can say.
    pub fn after(&self, moment: Timestamp) -> Result<Option<Window>, String> {
        match &self.when {
            When::Once(window) => Ok(Some(*window).filter(|window| window.from > moment)),
            When::Repeating(repeating) => repeating.after(&moment.to_zoned(self.zone.clone())),
        }
    }
}

/// A moment by the clocks of a zone, for people: `2026-12-24 18:00 Europe/Berlin`.
pub fn told_at(moment: Timestamp, zone: &TimeZone) -> String {
    let zoned = moment.to_zoned(zone.clone());
    let name = zone.iana_name().map_or_else(|| zoned.strftime("%:z").to_string(), str::to_owned);
    format!("{} {name}", zoned.strftime("%Y-%m-%d %H:%M"))
}

/// The moments that begin and end a freeze, as they are written: RFC 3339, or without an offset by the clocks of `zone`.
///
/// # Errors
/// In words, where a text is no moment.
pub fn moments(from: &str, until: &str, zone: &TimeZone) -> Result<(Timestamp, Timestamp), (End, String)> {
    let wrong =
        "it is no moment; write it as 2026-12-24T18:00:00+01:00, or without the offset by the clocks of \"zone\"";
    let read = |text: &str, civil: fn(DateTime, &TimeZone) -> Option<Timestamp>| {
        let text = text.trim();
        let moment = Timestamp::from_str(text).ok().or_else(|| civil(DateTime::from_str(text).ok()?, zone));
        moment.ok_or_else(|| wrong.to_owned())
    };
    let from = read(from, earliest).map_err(|why| (End::From, why))?;
    let until = read(until, latest).map_err(|why| (End::Until, why))?;
    if until <= from {
        return Err((End::Until, "it ends before it begins".to_owned()));
    }
    Ok((from, until))
}

/// Which end of a freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its beginning.
    From,
    /// Its end.
    Until,
}

fn earliest(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_zoned(civil).earlier().ok().map(|zoned| zoned.timestamp())
}

fn latest(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_zoned(civil).later().ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn freeze(when: When) -> Freeze {
        Freeze {
            name: "nights".into(),
            when,
            zone: berlin(),
            selector: String::new(),
            kind: FreezeKind::Deny,
            override_roles: BTreeSet::new(),
            in_flight: InFlight::Finish,
            reason: "people sleep".into(),
        }
    }

    fn repeating(pattern: &str, hours: i64) -> Freeze {
        freeze(When::Repeating(Repeating::new(pattern, SignedDuration::from_hours(hours)).unwrap()))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The window that a moment lies in, by the clocks of Berlin with their offset.
    fn window(freeze: &Freeze, moment: &str) -> Option<(String, String)> {
        let told = |at: Timestamp| at.to_zoned(berlin()).strftime("%d %H:%M %:z").to_string();
        freeze.at(at(moment)).unwrap().map(|window| (told(window.from), told(window.until)))
    }

    #[test]
    fn a_range_holds_from_its_first_moment_until_just_before_its_end() {
        let (from, until) = moments("2026-12-24T18:00:00+01:00", "2026-12-27T08:00:00", &berlin()).unwrap();
        let freeze = freeze(When::Once(Window { from, until }));
        assert_eq!(until, at("2026-12-27T07:00:00Z"), "without an offset it is by the clocks of the zone");
        for (moment, inside) in [
            ("2026-12-24T16:59:59.999Z", false),
            ("2026-12-24T17:00:00Z", true),
            ("2026-12-27T06:59:59.999Z", true),
            ("2026-12-27T07:00:00Z", false),
        ] {
            assert_eq!(freeze.at(at(moment)).unwrap().is_some(), inside, "{moment}");
        }
        assert!(freeze.after(at("2026-12-01T00:00:00Z")).unwrap().is_some());
        assert!(freeze.after(from).unwrap().is_none());
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_end_that_is_wrong() {
        for (from, until, end) in [
            ("tomorrow", "2026-12-27T08:00:00Z", End::From),
            ("2026-12-24T18:00:00Z", "", End::Until),
            ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z", End::Until),
            ("2026-02-30T18:00:00Z", "2026-12-24T18:00:00Z", End::From),
        ] {
            assert_eq!(moments(from, until, &berlin()).unwrap_err().0, end, "{from} {until}");
        }
    }

    #[test]
    fn an_end_that_does_not_exist_or_exists_twice_makes_the_freeze_longer() {
        // 02:30 does not exist on the 29th of March, and exists twice on the 25th of October.
        let (from, until) = moments("2026-03-29T02:30:00", "2026-10-25T02:30:00", &berlin()).unwrap();
        assert_eq!((from, until), (at("2026-03-29T00:30:00Z"), at("2026-10-25T01:30:00Z")));
        let (from, until) = moments("2026-10-25T02:30:00", "2027-03-28T02:30:00", &berlin()).unwrap();
        assert_eq!((from, until), (at("2026-10-25T00:30:00Z"), at("2027-03-28T01:30:00Z")));
    }

    #[test]
    fn a_night_ends_at_the_same_hour_when_clocks_are_put_forward_or_back() {
        let nights = repeating("0 22 * * *", 10);
        let spring = Some(("28 22:00 +01:00".to_owned(), "29 08:00 +02:00".to_owned()));
        let autumn = Some(("24 22:00 +02:00".to_owned(), "25 08:00 +01:00".to_owned()));
        assert_eq!(window(&nights, "2026-03-28T21:00:00Z"), spring);
        assert_eq!(window(&nights, "2026-03-29T05:59:59Z"), spring);
        assert_eq!(window(&nights, "2026-03-29T06:00:00Z"), None);
        assert_eq!(window(&nights, "2026-10-24T20:00:00Z"), autumn);
        assert_eq!(window(&nights, "2026-10-25T06:59:59Z"), autumn);
        assert_eq!(window(&nights, "2026-10-25T07:00:00Z"), None);
    }

    #[test]
    fn a_start_that_does_not_exist_comes_all_the_same_and_one_that_exists_twice_covers_both() {
        let early = repeating("30 2 * * *", 1);
        let spring = early.after(at("2026-03-28T12:00:00Z")).unwrap().unwrap();
        assert!(spring.from >= at("2026-03-29T00:30:00Z") && spring.from <= at("2026-03-29T01:30:00Z"), "{spring:?}");
        assert!(spring.until >= spring.from + SignedDuration::from_hours(1));
        // 02:30 in summer time, and 02:30 an hour later: both are frozen.
        for moment in ["2026-10-25T00:30:00Z", "2026-10-25T01:29:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:29:59Z"] {
            assert!(early.at(at(moment)).unwrap().is_some(), "{moment}");
        }
        assert!(early.at(at("2026-10-25T02:30:00Z")).unwrap().is_none());
    }

    #[test]
    fn windows_that_overlap_hold_together() {
        // Each hour for two: never a gap, and the one that ends last is told.
        let always = repeating("0 * * * *", 2);
        let now = at("2026-10-25T00:45:00Z");
        for minute in 0..600 {
            let moment = now + SignedDuration::from_mins(minute);
            let window = always.at(moment).unwrap().unwrap();
            assert!(window.holds(moment) && window.until >= moment + SignedDuration::from_hours(1), "{moment}");
        }
    }

    #[test]
    fn the_weekend_is_found_from_within_and_from_before() {
        let weekend = repeating("0 18 * * FRI", 62);
        let (from, until) = (at("2026-11-20T17:00:00Z"), at("2026-11-23T07:00:00Z"));
        assert_eq!(weekend.at(at("2026-11-22T12:00:00Z")).unwrap(), Some(Window { from, until }));
        assert_eq!(weekend.after(at("2026-11-18T12:00:00Z")).unwrap(), Some(Window { from, until }));
        assert_eq!(weekend.at(at("2026-11-18T12:00:00Z")).unwrap(), None);
        assert_eq!(told_at(until, &berlin()), "2026-11-23 08:00 Europe/Berlin");
    }

    #[test]
    fn a_pattern_that_is_none_or_never_comes_is_refused() {
        for pattern in [
            "",
            "* * * *",
            "0 0 0 1 1 *",
            "61 * * * *",
            "0 0 30 2 *",
            "a b c d e",
            "0 22 * * * * 2030",
            &"*".repeat(400),
        ] {
            let error = Repeating::new(pattern, SignedDuration::from_hours(1)).unwrap_err();
            assert!(!error.is_empty() && !error.contains("CronPattern"), "{pattern}: {error}");
        }
    }
}
