//! Times as the operator wants to read them: UTC, or the zone of this machine. Each is shown with its zone's name
//! near it.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::config::Times as By;

/// How times are shown.
#[derive(Debug, Clone)]
pub struct Times {
    /// By which clock.
    pub by: By,
    local: TimeZone,
}

impl Times {
    /// Times by a clock, with the local zone for whoever turns to it.
    pub fn new(by: By, local: TimeZone) -> Self {
        Self { by, local }
    }

    /// Turns to the other clock. Refuses where the zone of this machine is not known, or is UTC.
    pub fn turn(&mut self) -> Result<(), &'static str> {
        match self.by {
            By::Local => self.by = By::Utc,
            By::Utc if self.local.is_unknown() => {
                return Err("the time zone of this machine is not known; TZ=Europe/Vienna, for one, would set it");
            }
            By::Utc => self.by = By::Local,
        }
        Ok(())
    }

    fn zoned(&self, at: Timestamp) -> Zoned {
        match self.by {
            By::Local if !self.local.is_unknown() => at.to_zoned(self.local.clone()),
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
        times.turn().unwrap();
        assert_eq!(times.by, By::Utc);
        assert!(Times::new(By::Utc, TimeZone::unknown()).turn().is_err());
    }
}
