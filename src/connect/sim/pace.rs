//! The world's own time: the clock that it was handed, run slower or faster from some moment on.

use jiff::{SignedDuration, Timestamp};

/// The slowest and the fastest that a demo may run, in its seconds a second.
pub const SPEEDS: (f64, f64) = (0.1, 1_000.0);

/// Whether a world can run so fast; in words why not.
pub fn check_speed(speed: f64) -> Result<f64, String> {
    let (least, most) = SPEEDS;
    // What is no number is in no range.
    if (least..=most).contains(&speed) {
        Ok(speed)
    } else {
        Err(format!("a demo runs from {least} to {most} times as fast as time does, and not {speed} times"))
    }
}

/// From a moment of the clock on, the world's time goes on from a moment of its own, so many times as fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    pub(super) outer: Timestamp,
    pub(super) inner: Timestamp,
    pub(super) speed: f64,
}

impl Pace {
    /// The world begins, as fast as time itself.
    pub(super) const fn begin(at: Timestamp) -> Self {
        Self { outer: at, inner: at, speed: 1.0 }
    }

    /// The world's time at a time of the clock; where it can't be told, that of the last change.
    pub(super) fn at(&self, outer: Timestamp) -> Timestamp {
        let passed = outer.duration_since(self.outer);
        #[allow(clippy::float_cmp, reason = "exactly one is what an unchanged speed is, and needs no rounding")]
        let passed = if self.speed == 1.0 {
            Some(passed)
        } else {
            SignedDuration::try_from_secs_f64(passed.as_secs_f64() * self.speed).ok()
        };
        passed.and_then(|passed| self.inner.checked_add(passed).ok()).unwrap_or(self.inner)
    }

    /// The same time, from here on at another speed.
    pub(super) fn turn(&self, outer: Timestamp, speed: f64) -> Self {
        Self { outer, inner: self.at(outer), speed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_768_446_720 + second).unwrap()
    }

    #[test]
    fn time_goes_on_where_its_speed_changes() {
        let pace = Pace::begin(at(0));
        assert_eq!(pace.at(at(60)), at(60));
        let fast = pace.turn(at(60), 10.0);
        assert_eq!((fast.at(at(60)), fast.at(at(66))), (at(60), at(120)));
        let slow = fast.turn(at(66), 0.5);
        assert_eq!(slow.at(at(76)), at(125));
        assert_eq!(slow.turn(at(76), 1.0).at(at(86)), at(135));
    }

    #[test]
    fn no_time_is_too_long_and_no_speed_too_odd() {
        let pace = Pace::begin(at(0)).turn(at(0), 1_000.0);
        assert_eq!(pace.at(Timestamp::MAX), at(0));
        for odd in [0.0, -1.0, 1_000.1, f64::NAN, f64::INFINITY] {
            assert!(check_speed(odd).is_err(), "{odd}");
        }
        assert_eq!(check_speed(0.1), Ok(0.1));
    }
}
