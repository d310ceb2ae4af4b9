//! The sources of the world beside its workflow engines: the infrastructure controller, which tells of drift and of every
//! release, setting and flag; the directory of tenants; and the monitors.
//!
//! Which change has caused an incident is told by none of them.

mod alerts;
mod causes;
mod changes;
mod directory;
mod drift;
mod news;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;

use self::news::News;
use super::clock::{DAY, Ms, millis};
use super::world::{Moment, World};
use crate::connect::{Act, ActAnswer, Checkup, ConnectError, Connector, Mark, Observation, Tells, hand_on};
use crate::domain::drift::DriftFinding;
use crate::domain::event::Event;
use crate::domain::flow::FlowInstance;
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// The name of the infrastructure controller as a source.
const NAME_OF_INFRA: &str = "infra";

/// What happened before a first look is told for so long back.
const TOLD_BACK: Ms = DAY;

/// What those say through which nothing is done.
const READ_ALONE: &str = "it is read, and nothing is done through it";

/// What one part of a pass holds at most.
const PART: usize = 500;

/// A source beside the workflow engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Environments and policies, and what is changed.
    Infra,
    /// Tenants.
    Directory,
    /// Monitors.
    Alerts,
}

impl Beside {
    pub(super) const ALL: [Self; 3] = [Self::Infra, Self::Directory, Self::Alerts];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Infra => NAME_OF_INFRA,
            Self::Directory => directory::NAME,
            Self::Alerts => "alerts",
        }
    }
}

/// One of them, in a world.
pub(super) struct BesideSource {
    pub(super) world: Arc<World>,
    pub(super) what: Beside,
}

/// Up to when everything was told.
struct ToldUntil(Ms);

impl BesideSource {
    fn news(&self, moment: &Moment<'_>, after: Ms) -> Vec<News> {
        match self.what {
            Beside::Infra => moment.changes(after, moment.now),
            Beside::Directory => {
                // Those that took long to be readable are older than what they are told with.
                let mut news = moment.directory_news(after - news::LATEST, moment.now);
                news.retain(|news| after < news.readable_at() && news.readable_at() <= moment.now);
                news.sort_by_key(|news| (news.readable_at(), news.at));
                news
            }
            Beside::Alerts => moment.alerts(after, moment.now),
        }
    }

    /// A pass: everything, or what is new after what was told before.
    fn pass(&self, before: Option<&ToldUntil>) -> Vec<Observation> {
        let moment = self.world.moment();
        let redactor = Redactor::default();
        let name = SafeText::from(self.what.name());
        // A world that was begun anew is earlier than what was told of the one before.
        let before = before.map(|told| told.0).filter(|told| *told <= moment.now);
        let after = before.unwrap_or(moment.now - TOLD_BACK);
        let mut parts = Vec::new();
        match self.what {
            Beside::Infra => {
                let (drift, in_sync) = moment.drift(&redactor);
                parts.extend(chunks(drift).map(Observation::Drift));
                parts.push(Observation::InSync(in_sync));
            }
            Beside::Directory => {
                if before.is_some_and(|before| moment.directory_news(before, moment.now).is_empty()) {
                    parts.push(Observation::TenantsAsBefore);
                } else {
                    parts.extend(chunks(moment.directory()).map(Observation::Tenants));
                }
            }
            Beside::Alerts => {
                let dead = moment.dead_letters(&name, after, moment.now, &redactor);
                parts.extend(chunks(dead).map(Observation::DeadLetters));
            }
        }
        let news = self.news(&moment, after).into_iter().map(|news| news.event(&name, &moment, &redactor));
        parts.extend(chunks(news.collect()).map(Observation::Events));
        parts.push(Observation::Mark(Arc::new(ToldUntil(moment.now))));
        let engine_now = Some(moment.instant(moment.now));
        parts.push(Observation::End { complete: true, engine_now, version: Some("demo".into()) });
        parts
    }
}

/// In parts that are not too long.
fn chunks<T>(all: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut all = all.into_iter();
    std::iter::from_fn(move || Some(all.by_ref().take(PART).collect::<Vec<T>>()).filter(|part| !part.is_empty()))
}

#[async_trait]
impl Connector for BesideSource {
    fn kind(&self) -> &'static str {
        "sim"
    }

    fn address(&self) -> SafeText {
        "made up, in this process".into()
    }

    fn tells(&self) -> Tells {
        let events = Tells { events: true, ..Tells::NOTHING };
        match self.what {
            Beside::Infra => Tells { drift: true, ..events },
            Beside::Directory => Tells { tenants: true, ..events },
            Beside::Alerts => events,
        }
    }

    fn verbs(&self) -> &'static [Verb] {
        if self.what == Beside::Infra { &[Verb::Reconcile] } else { &[] }
    }

    fn refuses_acts(&self) -> Option<SafeText> {
        (self.what != Beside::Infra).then(|| READ_ALONE.into())
    }

    fn own_rule(&self, _verb: Verb, flow: &FlowInstance) -> Option<Result<(), SafeText>> {
        let why = match flow.id.instance.split_once('/')?.0 {
            "policy" => "the roll-out brings it, one tenant after the other",
            "cert" => "who issues it has to be asked first, by a person",
            _ => return None,
        };
        Some(Err(why.into()))
    }

    fn effect(&self, verb: Verb, flow: &FlowInstance) -> SafeText {
        match (verb, self.what) {
            (Verb::Reconcile, Beside::Infra) => format!("makes {} what is wanted", flow.flow).into(),
            _ => format!("nothing: there is no {} here", verb.label()).into(),
        }
    }

    async fn check(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn examine(&self) -> Result<Checkup, ConnectError> {
        let moment = self.world.moment();
        let engine_now = Some(moment.instant(moment.now));
        Ok(Checkup { version: Some("demo".into()), engine_now, ..Checkup::default() })
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        hand_on(&sink, self.pass(None)).await
    }

    async fn observe_again(&self, since: &Mark, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        hand_on(&sink, self.pass(since.downcast_ref::<ToldUntil>())).await
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        if self.what != Beside::Infra || act.verb != Verb::Reconcile {
            return ActAnswer::Refused(READ_ALONE.into());
        }
        // What is refused because it drifts no more may be the act whose answer was lost: then it has that answer.
        self.world.reconcile(act, self.world.moment().may_reconcile(&act.instance).err())
    }

    async fn recheck(&self, findings: &[SafeText]) -> Result<Vec<Option<DriftFinding>>, ConnectError> {
        if self.what != Beside::Infra {
            return Err(ConnectError::Refused(format!("{} checks nothing", self.what.name()).into()));
        }
        let moment = self.world.moment();
        self.world.checks(findings, moment.now);
        Ok(moment.checked(findings, &Redactor::default()))
    }

    async fn past(&self, tenant: &SafeText, before: Timestamp, limit: usize) -> Result<Vec<Event>, ConnectError> {
        if self.what != Beside::Directory {
            return Ok(Vec::new());
        }
        let moment = self.world.moment();
        let before = millis(self.world.epoch, before);
        Ok(moment.directory_past(tenant, before, limit, &Redactor::default()))
    }
}

/// What the world alone knows, for tests: the place of an incident, and the origin and id of the change that caused it.
#[cfg(test)]
pub(crate) struct Truth {
    pub(crate) flow: &'static str,
    pub(crate) step: &'static str,
    pub(crate) cause: (&'static str, String),
    /// When the first instance met it.
    pub(crate) onset: Timestamp,
}

#[cfg(test)]
impl World {
    /// The cause of each incident.
    pub(crate) fn truth(&self) -> Vec<Truth> {
        let all = causes::INCIDENTS.iter().flat_map(|incident| {
            incident.steps.iter().map(move |(flow, step)| {
                let cause = incident.cause(self.seed);
                let onset = super::clock::instant(self.epoch, incident.onset(self.seed));
                Truth { flow, step, cause: (cause.origin, cause.id()), onset }
            })
        });
        all.collect()
    }
}
