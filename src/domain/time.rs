//! Times and how they are written. Times are UTC; ages are whole units, as short as they can be read.

use jiff::{SignedDuration, Timestamp};

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
