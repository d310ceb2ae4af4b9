//! Times as the operator wants to read them: UTC, or the zone of this machine. Each is shown with its zone's name
//! near it.

use std::sync::{Arc, OnceLock};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::config::Times as By;

/// The zone of this machine. It is found out when it is first needed: that is a walk through some hundred files, for
/// which no first frame has to wait.
#[derive(Debug, Clone, Default)]
pub struct LocalZone(Arc<OnceLock<TimeZone>>);

impl LocalZone {
    fn get(&self) -> &TimeZone {
        self.0.get_or_init(TimeZone::system)
    }
}

impl From<TimeZone> for LocalZone {
    fn from(zone: TimeZone) -> Self {
        Self(Arc::new(OnceLock::from(zone)))
    }
}

/// How times are shown.
#[derive(Debug, Clone)]
pub struct Times {
    /// By which clock.
    pub by: By,
    local: LocalZone,
}

impl Times {
    /// Times by a clock, with the local zone for whoever turns to it.
    pub fn new(by: By, local: impl Into<LocalZone>) -> Self {
        Self { by, local: local.into() }
    }

    /// Turns to the other clock. Refuses where the zone of this machine is not known, or is UTC.
    pub fn turn(&mut self) -> Result<(), &'static str> {
        match self.by {
            By::Local => self.by = By::Utc,
            By::Utc if self.local.get().is_unknown() => {
                return Err("the time zone of this machine is not known; TZ=Europe/Vienna, for one, would set it");
            }
            By::Utc => self.by = By::Local,
        }
        Ok(())
    }

    fn zoned(&self, at: Timestamp) -> Zoned {
        match self.by {
            By::Local if !self.local.get().is_unknown() => at.to_zoned(self.local.get().clone()),
            _ => at.to_zoned(TimeZone::UTC),
        }
    }

    /// The zone's name at a time: `UTC`, `CET`, `+0530`.
    pub fn zone(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Z").to_string()
    }

    /// The time of day to the minute: `03:12`.
    pub fn clock(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%H:%M").to_string()
    }

    /// The time of day to the second: `03:12:07`.
    pub fn second(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%H:%M:%S").to_string()
    }

    /// The day without the year: `01-15`.
    pub fn day(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%m-%d").to_string()
    }

    /// Date, time and zone: `2026-01-15 03:12:07 UTC`.
    pub fn date_time(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%F %H:%M:%S %Z").to_string()
    }

    /// A time to the minute, as one reads it at `now`: without its date on the same day, and with its zone.
    pub fn minute(&self, at: Timestamp, now: Timestamp) -> String {
        let (zoned, now) = (self.zoned(at), self.zoned(now));
        let form = if zoned.date() == now.date() { "%H:%M %Z" } else { "%m-%d %H:%M %Z" };
        zoned.strftime(form).to_string()
    }

    /// The next moment after `now` at which the clock shows this hour and minute.
    pub fn next(&self, hour: i8, minute: i8, now: Timestamp) -> Option<Timestamp> {
        let zoned = self.zoned(now);
        let time = Time::new(hour, minute, 0, 0).ok()?;
        let on = |day: Date| Some(day.to_datetime(time).to_zoned(zoned.time_zone().clone()).ok()?.timestamp());
        on(zoned.date()).filter(|at| *at > now).or_else(|| on(zoned.date().tomorrow().ok()?))
    }

    /// A time in a column of them, as one reads it at `now`: to the second on the same day, else with its day and to the
    /// minute, and with its year where that is another one.
    pub fn stamp(&self, at: Timestamp, now: Timestamp) -> String {
        let (zoned, now) = (self.zoned(at), self.zoned(now));
        let form = if zoned.date() == now.date() {
            "%H:%M:%S"
        } else if zoned.year() == now.year() {
            "%m-%d %H:%M"
        } else {
            "%F"
        };
        zoned.strftime(form).to_string()
    }

    /// A time as one reads it at `now`: without its date on the same day, and with its zone.
    pub fn moment(&self, at: Timestamp, now: Timestamp) -> String {
        let (zoned, now) = (self.zoned(at), self.zoned(now));
        let form = if zoned.date() == now.date() { "%H:%M:%S %Z" } else { "%F %H:%M:%S %Z" };
        zoned.strftime(form).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_by_either_clock_and_name_their_zone() {
        let at: Timestamp = "2026-01-15T23:12:07Z".parse().unwrap();
        let vienna = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let mut times = Times::new(By::Utc, vienna);
        assert_eq!((times.clock(at), times.zone(at), times.day(at)), ("23:12".into(), "UTC".into(), "01-15".into()));
        times.turn().unwrap();
        assert_eq!((times.clock(at), times.zone(at), times.day(at)), ("00:12".into(), "CET".into(), "01-16".into()));
        assert_eq!(times.date_time(at), "2026-01-16 00:12:07 CET");
        let summer: Timestamp = "2026-07-15T10:00:00Z".parse().unwrap();
        assert_eq!(times.zone(summer), "CEST");
        // The day changes by the clock that is shown.
        assert_eq!(times.moment(at, "2026-01-15T22:59:00Z".parse().unwrap()), "2026-01-16 00:12:07 CET");
        assert_eq!(times.moment(at, "2026-01-16T05:00:00Z".parse().unwrap()), "00:12:07 CET");
        assert_eq!(times.minute(at, at), "00:12 CET");
        assert_eq!(times.minute(summer, at), "07-15 12:00 CEST");
        let stamps = ["2026-01-15T22:59:07Z", "2026-01-14T12:00:00Z", "2025-12-31T12:00:00Z"];
        let stamps = stamps.map(|then| times.stamp(then.parse().unwrap(), "2026-01-15T22:59:59Z".parse().unwrap()));
        assert_eq!(stamps, ["23:59:07", "01-14 13:00", "2025-12-31"]);
        times.turn().unwrap();
        assert_eq!(times.by, By::Utc);
        assert!(Times::new(By::Utc, TimeZone::unknown()).turn().is_err());
    }

    #[test]
    fn the_next_time_of_day_is_by_the_clock_that_is_shown() {
        let now: Timestamp = "2026-03-28T22:30:00Z".parse().unwrap();
        let vienna = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let next = |by, hour, minute| Times::new(by, vienna.clone()).next(hour, minute, now).unwrap().to_string();
        assert_eq!(next(By::Utc, 23, 0), "2026-03-28T23:00:00Z");
        assert_eq!(next(By::Utc, 22, 30), "2026-03-29T22:30:00Z", "not the present one");
        assert_eq!(next(By::Local, 23, 45), "2026-03-28T22:45:00Z");
        // The clock goes from 02:00 to 03:00 in this night: half past two is an hour later.
        assert_eq!(next(By::Local, 2, 30), "2026-03-29T01:30:00Z");
        assert_eq!(next(By::Local, 8, 0), "2026-03-29T06:00:00Z");
    }
}
