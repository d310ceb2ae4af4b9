//! A server that asks to be left alone is left alone: `Retry-After`, read with distrust and kept to.
//!
//! The wish may be in seconds or be a date. A date is measured against the server's own `Date`, so that two clocks
//! that disagree make it neither longer nor shorter. What is absurd is cut to [`LONGEST`]; what is no wish at all
//! (negative, past, unreadable) is `None`, and the usual back-off holds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

use super::{ConnectError, SafeText, words};

/// The longest time for which a server is left alone because it asks for it: blind for longer is of no use to anybody.
pub(super) const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How long the server asks to be left alone, by these headers. `now` is the local clock, for one that sends no `Date`.
pub(super) fn wish(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wish = text(RETRY_AFTER)?;
    if !wish.is_empty() && wish.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time.
        let seconds = wish.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST)).filter(|wait| !wait.is_zero());
    }
    let until = words::date(wish)?;
    let from = text(DATE).and_then(words::date).unwrap_or(now);
    let wait = Duration::try_from(until.duration_since(from)).ok()?;
    Some(wait.min(LONGEST)).filter(|wait| !wait.is_zero())
}

/// Until when one server is left alone; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Patience(Arc<Mutex<Option<Instant>>>);

impl Patience {
    /// Leaves it alone for so long from now on.
    pub(super) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = (*held).max(Some(until));
    }

    /// Whether it may be asked again; how long not, where it may not.
    pub(super) fn over(&self, path: &str) -> Result<(), ConnectError> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default();
        if left.is_zero() {
            return Ok(());
        }
        let seconds = left.as_millis().div_ceil(1000);
        let text = format!("{}: not asked: the server wants to be left alone for {seconds} s more", words::shown(path));
        Err(ConnectError::Busy { text: SafeText::new(&text), wait: Some(left) })
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    const NOW: &str = "Thu, 15 Jan 2026 03:12:00 GMT";

    /// What a server says, and how many seconds that is. Without a `Date` the local clock is taken.
    pub(in crate::connect::http) const WISHES: [(&str, Option<&str>, Option<u64>); 22] = [
        ("30", None, Some(30)),
        (" 7 ", None, Some(7)),
        ("0", None, None),
        ("900", None, Some(900)),
        ("901", None, Some(900)),
        ("86400", None, Some(900)),
        ("99999999999999999999999999", None, Some(900)),
        ("-5", None, None),
        ("+5", None, None),
        ("1.5", None, None),
        ("", None, None),
        ("soon", None, None),
        ("1e3", None, None),
        ("30, 60", None, None),
        ("Thu, 15 Jan 2026 03:12:45 GMT", None, Some(45)),
        ("Thu, 15 Jan 2026 03:11:15 GMT", None, None),
        ("Thu, 15 Jan 2026 03:12:45 GMT", Some("Thu, 15 Jan 2026 03:12:15 GMT"), Some(30)),
        // The server's clock is an hour ahead, and an hour behind.
        ("Thu, 15 Jan 2026 04:12:30 GMT", Some("Thu, 15 Jan 2026 04:12:00 GMT"), Some(30)),
        ("Thu, 15 Jan 2026 02:12:30 GMT", Some("Thu, 15 Jan 2026 02:12:00 GMT"), Some(30)),
        // The same, of a server that does not tell its time: too long is cut, past is no wish.
        ("Thu, 15 Jan 2026 04:12:30 GMT", None, Some(900)),
        ("Thu, 15 Jan 2026 02:12:30 GMT", None, None),
        ("Fri, 31 Dec 2100 23:59:59 GMT", None, Some(900)),
    ];

    #[test]
    fn a_wish_is_read_with_distrust() {
        for (wish_text, date, seconds) in WISHES {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(wish_text).unwrap());
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_str(date).unwrap());
            }
            let wait = wish(&headers, words::date(NOW).unwrap());
            assert_eq!(wait, seconds.map(Duration::from_secs), "{wish_text:?} at {date:?}");
        }
        assert_eq!(wish(&HeaderMap::new(), words::date(NOW).unwrap()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_left_alone_until_the_wish_is_over() {
        let patience = Patience::default();
        patience.over("/x").unwrap();
        patience.hold(Duration::from_secs(30));
        // A shorter wish does not end a longer one.
        patience.hold(Duration::from_secs(5));
        tokio::time::advance(Duration::from_millis(29_500)).await;
        let error = patience.over("/x?token=1").unwrap_err();
        assert_eq!(error.to_string(), "/x: not asked: the server wants to be left alone for 1 s more");
        tokio::time::advance(Duration::from_millis(500)).await;
        patience.over("/x").unwrap();
    }
}
