//! Times and how they are written. Times are UTC; ages are whole units, as short as they can be read.

use std::fmt::Write as _;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use thiserror::Error;

/// A text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DurationError {
    /// It can't be read at all, or counts in months or years, whose length differs.
    #[error("not a duration; write it as 90s, 10m, 2h30m or 3d")]
    Unreadable,
    /// A number alone says nothing.
    #[error("a unit is missing; write it as 90s, 10m, 2h30m or 3d")]
    NoUnit,
    /// It is longer than [`LONGEST`].
    #[error("longer than ten thousand years")]
    TooLong,
    /// It runs backwards.
    #[error("a duration can't be negative")]
    Negative,
}

/// The longest duration that is read, so that each can be written and read again in every mix of units.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 365 * 10_000);

/// Reads a duration as people write it: `90s`, `10m`, `2h30m`, `3d`, `1w`, `250ms`. A day is 24 hours.
pub fn parse_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(DurationError::NoUnit);
    }
    let duration = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| DurationError::Unreadable)?;
    if duration.is_negative() {
        Err(DurationError::Negative)
    } else if duration > LONGEST {
        Err(DurationError::TooLong)
    } else {
        Ok(duration)
    }
}

/// A duration to the last nanosecond, as [`parse_duration`] reads it: `2h30m`, `3d`, `0s`. Negative ones are `0s`.
pub fn exact(duration: SignedDuration) -> String {
    let duration = duration.max(SignedDuration::ZERO);
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (i64::from(nanos) / 1_000_000, "ms"),
        (i64::from(nanos) / 1_000 % 1_000, "us"),
        (i64::from(nanos) % 1_000, "ns"),
    ];
    let mut text = String::new();
    for (n, unit) in parts.into_iter().filter(|(n, _)| *n > 0) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{n}{unit}");
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// How much later `later` is than `earlier`; zero where it is not.
pub fn since(earlier: Timestamp, later: Timestamp) -> SignedDuration {
    later.duration_since(earlier).max(SignedDuration::ZERO)
}

/// An age in its largest whole unit: `0s`, `59s`, `12m`, `3h`, `2d`, `400d`.
pub fn age(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long a step took, in three characters or so: `12ms`, `1.4s`, `3m`.
pub fn short(duration: SignedDuration) -> String {
    let millis = duration.as_millis().max(0);
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..60_000 => format!("{}.{}s", millis / 1_000, millis % 1_000 / 100),
        _ => age(duration),
    }
}

/// A duration in words for evidence: `59 s`, `12 min`, `3 h 20 min`, `2 d`.
pub fn words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 if seconds % 3_600 < 60 => format!("{} h", seconds / 3_600),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The time of day, UTC, to the minute: `03:12`.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M").to_string()
}

/// Date and time, UTC, to the second: `2026-01-15 03:12:07`.
pub fn date_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A moment as it is read next to `now`, UTC: the time alone on the same day, else date and time.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    let same_day = at.strftime("%F").to_string() == now.strftime("%F").to_string();
    if same_day { at.strftime("%H:%M:%S").to_string() } else { date_time(at) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_of_another_day_has_its_date() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(moment(at("2026-01-15T00:00:00Z"), at("2026-01-15T23:59:59Z")), "00:00:00");
        assert_eq!(moment(at("2026-01-14T23:59:59Z"), at("2026-01-15T00:00:00Z")), "2026-01-14 23:59:59");
    }

    fn secs(n: i64) -> SignedDuration {
        SignedDuration::from_secs(n)
    }

    #[test]
    fn an_age_is_in_its_largest_whole_unit() {
        for (seconds, expected) in [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (119, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (400 * 86_400, "400d"),
        ] {
            assert_eq!(age(secs(seconds)), expected, "{seconds} s");
        }
    }

    #[test]
    fn words_are_exact_enough_for_evidence() {
        for (seconds, expected) in [
            (-5, "0 s"),
            (0, "0 s"),
            (59, "59 s"),
            (119, "119 s"),
            (120, "2 min"),
            (12 * 60, "12 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (3_659, "1 h"),
            (3_660, "1 h 1 min"),
            (3 * 3_600 + 20 * 60, "3 h 20 min"),
            (86_399, "23 h 59 min"),
            (2 * 86_400, "2 d"),
        ] {
            assert_eq!(words(secs(seconds)), expected, "{seconds} s");
        }
    }

    #[test]
    fn since_never_runs_backwards() {
        let (a, b) = (Timestamp::from_second(100).unwrap(), Timestamp::from_second(160).unwrap());
        assert_eq!(since(a, b), secs(60));
        assert_eq!(since(b, a), SignedDuration::ZERO);
        assert!(since(Timestamp::MIN, Timestamp::MAX) > secs(0), "the whole range of times has a length");
    }

    #[test]
    fn times_are_written_in_utc() {
        let at: Timestamp = "2026-01-15T05:12:07+02:00".parse().unwrap();
        assert_eq!(clock(at), "03:12");
        assert_eq!(date_time(at), "2026-01-15 03:12:07");
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, expected) in [
            ("90s", secs(90)),
            ("10m", secs(600)),
            ("2h30m", secs(9_000)),
            ("2h 30m", secs(9_000)),
            ("3d", secs(3 * 86_400)),
            ("1w", secs(7 * 86_400)),
            ("250ms", SignedDuration::from_millis(250)),
            ("0s", secs(0)),
            ("10 minutes", secs(600)),
        ] {
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_duration_is_refused_with_the_reason() {
        for (text, expected) in [
            ("", DurationError::Unreadable),
            ("soon", DurationError::Unreadable),
            ("10", DurationError::NoUnit),
            ("1.5", DurationError::NoUnit),
            ("-10m", DurationError::Negative),
            ("10m ago", DurationError::Negative),
            ("1y", DurationError::Unreadable),
            ("2mo", DurationError::Unreadable),
            ("99999999999999999999d", DurationError::Unreadable),
        ] {
            assert_eq!(parse_duration(text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_exact_duration_is_read_back_the_same(seconds in 0..100_000_000_i64, nanos in 0..1_000_000_000_i32) {
            for nanos in [0, nanos] {
                let duration = SignedDuration::new(seconds, nanos);
                prop_assert_eq!(parse_duration(&exact(duration)), Ok(duration));
            }
        }
    }
}
