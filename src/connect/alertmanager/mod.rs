//! Alertmanager: alerts as drift where rules of the config say so, and as events; silences as what is to be left alone until
//! a moment, and as what somebody else did.
//!
//! One pass asks for `GET /api/v2/status` (its version), `/silences` and `/alerts`. An alert that is told no more was
//! resolved: the API keeps none of those, so that the connector remembers which ones were there.

mod rows;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use self::rows::{Alert, Silence, Status};
use super::answer::{Object, Parsed, Row};
use super::http::Client;
use super::{Checkup, ConnectError, Connector, Observation, Tells, found, hand_on};
use crate::config::{AlertSetting, Transport};
use crate::domain::drift::DriftFinding;
use crate::domain::event::Event;
use crate::domain::outside::OutsideAct;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

/// The versions that the tests run against.
const TESTED: [&str; 1] = ["0.25.0"];

/// Said where a server answers, but not as this engine does.
const HINT: &str = "is this the URL of an Alertmanager (http://HOST:9093 by default)?";

const STATUS: &str = "/api/v2/status";
const ALERTS: &str = "/api/v2/alerts";
const SILENCES: &str = "/api/v2/silences";

/// An Alertmanager.
pub struct Alertmanager {
    http: Client,
    setting: AlertSetting,
    teller: rows::Teller,
    /// The alerts that were told last, by their ids.
    firing: Mutex<HashMap<SafeText, Event>>,
}

/// What it told.
struct Told {
    findings: Vec<DriftFinding>,
    events: Vec<Event>,
    /// Of the alerts, the events by id.
    firing: HashMap<SafeText, Event>,
    bad: (usize, Option<SafeText>),
    now: Timestamp,
    version: Option<SafeText>,
}

impl Alertmanager {
    /// A connector for the one at `url`. `timeout` bounds each request as a whole.
    ///
    /// # Errors
    /// Where it can't be asked.
    pub fn new(
        source: &str,
        url: &str,
        timeout: Duration,
        transport: impl Into<Transport>,
        setting: AlertSetting,
    ) -> Result<Self, ConnectError> {
        let teller =
            rows::Teller { source: source.into(), redactor: Redactor::default(), tenant: setting.tenant.clone() };
        let http = Client::new(url, timeout, transport)?.hint(HINT);
        Ok(Self { http, setting, teller, firing: Mutex::default() })
    }

    /// Takes these secrets out of what is shown.
    #[must_use]
    pub fn redact(mut self, redactor: Redactor) -> Self {
        self.teller.redactor = redactor;
        self
    }

    fn firing(&self) -> MutexGuard<'_, HashMap<SafeText, Event>> {
        self.firing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn list<T: Row + DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<(Parsed<T>, Option<Timestamp>), ConnectError> {
        let answer = self.http.get_bytes(path).await?;
        Ok((self.http.parse(path, &answer.value)?, answer.date))
    }

    async fn status(&self) -> Result<(SafeText, Option<Timestamp>), ConnectError> {
        let answer = self.http.get_json::<Object<Status>>(STATUS).await?;
        let Object(status) = answer.value;
        Ok((SafeText::clipped(&status.version_info.version, 40), answer.date))
    }

    /// Silences that hold, by id; those that ended lately are told as well.
    async fn silences(&self) -> Result<Parsed<Silence>, ConnectError> {
        self.list(SILENCES).await.map(|(silences, _)| silences)
    }

    async fn told(&self) -> Result<Told, ConnectError> {
        let (version, _) = self.status().await?;
        let silences = self.silences().await?;
        let (alerts, date): (Parsed<Alert>, _) = self.list(ALERTS).await?;
        let now = date.unwrap_or_else(Timestamp::now);
        let until: HashMap<&str, Timestamp> =
            silences.rows.iter().filter_map(|silence| Some((silence.id.as_str(), silence.ends_at?))).collect();
        let mut told = Told {
            findings: Vec::new(),
            events: Vec::new(),
            firing: HashMap::new(),
            bad: (alerts.bad + silences.bad, None),
            now,
            version: Some(version),
        };
        let rows = [(&alerts.first_bad, "alert"), (&silences.first_bad, "silence")];
        told.bad.1 = rows.into_iter().find_map(|(bad, what)| {
            let bad = bad.as_ref()?;
            let (why, row) = (self.http.reason(&bad.why), self.http.clip(&bad.raw));
            Some(format!("{what} {} can't be read: {why} in {row}", bad.number).into())
        });
        for alert in &alerts.rows {
            let left_alone = alert.status.silenced_by.iter().filter_map(|id| until.get(id.as_str()).copied()).max();
            let is_drift = self.setting.drift.iter().any(|rule| rule.match_all(|name| alert.label(name)));
            if is_drift {
                told.findings.push(alert.finding(&self.teller, left_alone, now));
            }
            let event = alert.event(&self.teller, now);
            told.firing.insert(event.id.clone(), event.clone());
            told.events.push(event);
        }
        told.events.extend(silences.rows.iter().filter_map(|silence| silence.event(&self.teller, now)));
        Ok(told)
    }
}

#[async_trait]
impl Connector for Alertmanager {
    fn kind(&self) -> &'static str {
        "alertmanager"
    }

    fn address(&self) -> SafeText {
        self.http.address()
    }

    fn tells(&self) -> Tells {
        Tells { drift: !self.setting.drift.is_empty(), events: true, ..Tells::NOTHING }
    }

    fn refuses_acts(&self) -> Option<SafeText> {
        self.http.refuses_acts().or_else(|| Some("alerts are read, and not silenced from here".into()))
    }

    fn unverified(&self) -> bool {
        self.http.unverified()
    }

    async fn check(&self) -> Result<(), ConnectError> {
        self.status().await.map(|_| ())
    }

    async fn examine(&self) -> Result<Checkup, ConnectError> {
        let (version, date) = self.status().await?;
        let (alerts, silences) = (self.list::<Alert>(ALERTS).await, self.silences().await);
        let words = |error: ConnectError| SafeText::new(&error.to_string());
        let reads = vec![("alerts".into(), alerts.err().map(words)), ("silences".into(), silences.err().map(words))];
        let tested = Some(TESTED.contains(&version.as_str()));
        Ok(Checkup { version: Some(version), tested, engine_now: date, reads, ..Checkup::default() })
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let mut told = self.told().await?;
        // Of a list with rows that can't be read nobody knows what it has no more.
        let before =
            if told.bad.0 == 0 { std::mem::replace(&mut *self.firing(), told.firing.clone()) } else { HashMap::new() };
        let gone = before.into_iter().filter(|(id, _)| !told.firing.contains_key(id));
        told.events.extend(gone.map(|(_, event)| rows::resolved(event, told.now)));
        let findings = if self.tells().drift { told.findings } else { Vec::new() };
        let mut parts = found(0, findings, told.bad);
        parts.push(Observation::Events(told.events));
        parts.push(Observation::End { complete: true, engine_now: Some(told.now), version: told.version });
        hand_on(&sink, parts).await
    }

    /// Asks for the alerts anew: one that is not told any more is not there any more.
    async fn recheck(&self, findings: &[SafeText]) -> Result<Vec<Option<DriftFinding>>, ConnectError> {
        let told = self.told().await?;
        let mut found: HashMap<SafeText, DriftFinding> =
            told.findings.into_iter().map(|finding| (finding.id.instance.clone(), finding)).collect();
        Ok(findings.iter().map(|id| found.remove(id)).collect())
    }

    async fn outside(&self, since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        let silences = self.silences().await?;
        let mut acts: Vec<OutsideAct> = silences
            .rows
            .iter()
            .filter_map(|silence| silence.act(&self.teller))
            .filter(|act| act.at >= since)
            .collect();
        OutsideAct::newest_first(&mut acts);
        Ok(acts)
    }
}
