//! What monitors say: that an incident is there, again and again while it is, and that it is over; and every so often
//! that something is wrong which is not.

use serde_json::{Value, json};

use super::super::clock::{DAY, HOUR, MINUTE, Ms, SECOND};
use super::super::dice::Dice;
use super::super::world::Moment;
use super::causes::INCIDENTS;
use super::news::{LATEST, News};
use crate::domain::drift::Severity;
use crate::domain::event::{DeadLetter, EventClass, NoEvent};
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// From one telling of the same to the next.
const REPEATED: Ms = 4 * MINUTE;

/// Monitors tell of an incident until it is over, or for so long.
const TOLD_FOR: Ms = 40 * MINUTE;

/// What monitors say of nothing: each comes and goes at a beat of its own.
const FLAPPING: [(&str, &str); 5] = [
    ("DiskAlmostFull", "disk of object-store-7 is 81 % full"),
    ("HighLatency", "p99 of web is 1.4 s, 1 s is promised"),
    ("ReplicaLag", "a replica of search is 40 s behind"),
    ("CertificateSoon", "a certificate of cdn ends in 20 days"),
    ("QueueLong", "the queue of mailer holds 9,000"),
];

fn alert(at: Ms, dice: Dice, name: &str, (text, severity): (String, Severity), firing: bool) -> News {
    let kind = if firing { "alert.firing" } else { "alert.resolved" };
    let data = json!({"alert": name, "state": if firing { "firing" } else { "resolved" }});
    let severity = if firing { severity } else { Severity::Info };
    let news = News::new(at, dice, ("/monitors", kind, EventClass::Alert), text);
    News { subject: Some(name.to_owned()), severity, data: Some(data), ..news }
}

/// One that comes at a time, is told again while it is there, and goes.
fn row(from: Ms, to: Ms, dice: Dice, name: &str, text: &str, severity: Severity) -> Vec<News> {
    let count = (to - from) / REPEATED;
    let mut all: Vec<News> = (0..=count)
        .map(|n| alert(from + n * REPEATED, dice.fork(n.cast_unsigned()), name, (text.to_owned(), severity), true))
        .collect();
    all.push(alert(to, dice.fork(u64::MAX), name, (text.to_owned(), severity), false));
    all
}

impl Moment<'_> {
    /// What monitors have said that became readable after a time and up to another.
    pub(super) fn alerts(&self, after: Ms, until: Ms) -> Vec<News> {
        let dice = Dice::new(self.world.seed ^ 0x0A1E_7075, 0);
        let mut news = Vec::new();
        for incident in &INCIDENTS {
            let dice = dice.fork(incident.nth);
            let from = incident.onset(self.world.seed) + dice.fork(0).between(40 * SECOND, 3 * MINUTE);
            let text = format!("{}: more of it fails than is promised", incident.flow);
            let severity = if incident.nth < 3 { Severity::Critical } else { Severity::Warning };
            news.extend(row(from, from + TOLD_FOR, dice.fork(1), "FlowFailing", &text, severity));
        }
        for ((name, text), nth) in FLAPPING.into_iter().zip(100..) {
            let dice = dice.fork(nth);
            let period = dice.fork(0).between(2 * HOUR, 7 * HOUR);
            let first = (after - LATEST - HOUR).div_euclid(period);
            for number in first..=until.div_euclid(period) {
                let dice = dice.fork(1).fork(number.cast_unsigned());
                let from = number * period + dice.fork(0).between(0, HOUR);
                let to = from + dice.fork(1).between(3 * MINUTE, 25 * MINUTE);
                news.extend(row(from, to, dice.fork(2), name, text, Severity::Warning));
            }
        }
        news.retain(|news| after < news.readable_at() && news.readable_at() <= until);
        news.sort_by_key(|news| (news.readable_at(), news.at));
        news
    }

    /// A letter that is no event: a monitor that is set up wrongly sends one each day.
    pub(super) fn dead_letters(&self, source: &SafeText, after: Ms, until: Ms, redactor: &Redactor) -> Vec<DeadLetter> {
        const AT: Ms = -50 * MINUTE;
        let days = (after - AT).div_euclid(DAY) + 1..=(until - AT).div_euclid(DAY);
        let letter = |day: Ms| {
            let id = format!("probe-{}", day + 1_000);
            let body: Value = json!({"specversion": "1.0", "id": id, "source": "/probes", "data": {"up": false}});
            let why = NoEvent { attribute: "type".into(), why: "it is missing".into() };
            DeadLetter::of(source, &body, &why, redactor, self.instant(day * DAY + AT))
        };
        days.map(letter).collect()
    }
}
