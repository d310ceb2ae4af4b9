//! A server that asks to be left alone (429, 503 with `Retry-After`) is: whatever it writes, and however wrong a clock is.

use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, row};
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::{config_of, hub_of, status};
use crate::support::matrix::record;
use jiff::{SignedDuration, Timestamp};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::ops::Ops;

/// A time as HTTP writes it, so many seconds from now.
fn in_seconds(seconds: i64) -> String {
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

const HOUR: i64 = 3_600;

/// A name, `Retry-After`, `Date`, and for how many seconds at least and at most.
type Wish = (&'static str, String, Option<String>, Option<(u64, u64)>);

/// What the server writes as `Retry-After` and as `Date`, and for how many seconds it is left alone: none where that
/// can't be meant. A second is lost where a date is told in whole ones.
fn wishes() -> Vec<Wish> {
    let exactly = |seconds| Some((seconds, seconds));
    let text = str::to_owned;
    vec![
        ("seconds", text("30"), None, exactly(30)),
        ("seconds with spaces", text(" 30 "), None, exactly(30)),
        ("the most", text("900"), None, exactly(900)),
        ("a day", text("86400"), None, exactly(900)),
        ("absurd", text("99999999999999999999999999999"), None, exactly(900)),
        ("none", text("0"), None, None),
        ("negative", text("-30"), None, None),
        ("with a sign", text("+30"), None, None),
        ("a fraction", text("1.5"), None, None),
        ("a word", text("soon"), None, None),
        ("empty", text(""), None, None),
        ("a list", text("30, 60"), None, None),
        ("a date to come", in_seconds(60), None, Some((50, 60))),
        ("a date far off", in_seconds(1_000_000), None, exactly(900)),
        ("a date that has passed", in_seconds(-60), None, None),
        ("a clock an hour ahead", in_seconds(HOUR + 60), Some(in_seconds(HOUR)), Some((59, 61))),
        ("a clock an hour behind", in_seconds(60 - HOUR), Some(in_seconds(-HOUR)), Some((59, 61))),
        ("an hour ahead, untold", in_seconds(HOUR + 60), None, exactly(900)),
        ("an hour behind, untold", in_seconds(60 - HOUR), None, None),
        ("a garbled date", text("Thu, 99 Foo 2026 03:12:00 GMT"), None, None),
    ]
}

/// For how long the program says that it leaves the server alone yet.
fn seconds_left(error: &str) -> Option<u64> {
    let (_, rest) = error.split_once("not asked: the server wants to be left alone for ")?;
    rest.split(' ').next()?.parse().ok()
}

#[tokio::test]
async fn it_is_left_alone_whatever_it_writes() {
    let mut cases = 0;
    for status_code in [429, 503] {
        for (name, wish, date, left_alone) in wishes() {
            let server = FakeRestate::start(vec![row("inv_1")]);
            let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), None, Duration::from_secs(60));
            let mut reply = Reply::new(status_code, "application/json", "{}").with("retry-after", wish.clone());
            if let Some(date) = date {
                reply = reply.with("date", date);
            }
            server.behave(Behaviour::Answers(reply));
            hub.pass().await;
            let said = status(&hub, "a").await.error.unwrap();
            assert!(said.contains(&format!("({status_code})")), "{name}: {said}");
            assert!(wish.trim().is_empty() || said.contains(wish.trim()), "{name}: {said}");
            assert_eq!(server.count(), 1, "{name}");
            // It would answer well now, and is not asked: neither for a pass nor for one instance.
            server.be_good();
            hub.pass().await;
            let error = status(&hub, "a").await.error.unwrap_or_default();
            match left_alone {
                Some((least, most)) => {
                    let left = seconds_left(&error).unwrap_or_else(|| panic!("{name}: {error:?}"));
                    assert!((least.saturating_sub(10)..=most).contains(&left), "{name}: {left} s");
                    let one = hub.flow(&InstanceId::new("a", "inv_1")).await.unwrap_err().to_string();
                    assert!(seconds_left(&one).is_some(), "{name}: {one}");
                    assert_eq!(server.count(), 1, "{name}: asked too early");
                }
                None => {
                    assert_eq!(error, "", "{name}");
                    assert!(server.count() > 1, "{name}: asked again");
                }
            }
            cases += 1;
        }
    }
    record("retry-after", cases, 40);
}

#[tokio::test]
async fn it_is_asked_again_when_the_time_is_over() {
    let server = FakeRestate::start(vec![row("inv_1")]);
    let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), None, Duration::from_millis(50));
    server.behave(Behaviour::TooMany("2".to_owned()));
    let began = tokio::time::Instant::now();
    let polling = hub.start();
    crate::support::wait::eventually(crate::support::hub::SOON, || async {
        if server.count() > 0 { Ok(()) } else { Err("not asked yet") }
    })
    .await;
    server.be_good();
    crate::support::wait::eventually(crate::support::hub::SOON, || async {
        // Somebody presses a key all the while.
        hub.refresh(None).await.unwrap();
        let told = status(&hub, "a").await;
        if told.error.is_none() && told.rows == 1 { Ok(()) } else { Err(told) }
    })
    .await;
    assert!(began.elapsed() >= Duration::from_secs(2), "it came back after {:?}", began.elapsed());
    drop(polling);
    record("retry-after", 1, 1);
}
