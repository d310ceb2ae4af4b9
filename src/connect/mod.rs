//! Connectors: one control plane each, behind one trait.
//!
//! A connector reads an engine and acts on it, one instance at a time. It knows nothing of the hub that polls it,
//! of other sources, or of the terminal. Every text that it hands on is scrubbed.

mod act;
pub mod alertmanager;
mod answer;
pub mod http;
mod observation;
pub mod prefect;
pub mod rest;
pub mod restate;
pub mod salt;
pub mod sim;
pub mod terraform;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::mpsc;

pub use self::act::{Act, ActAnswer, Contents, Reading, Sight};
use self::observation::found;
pub use self::observation::{Changes, EngineCount, Mark, Observation, StepTimes, Tells, hand_on};
use crate::config::jq::Names;
use crate::domain::deployment::{Deployment, PutBack};
use crate::domain::drift::DriftFinding;
use crate::domain::event::Event;
use crate::domain::flow::FlowInstance;
use crate::domain::outside::OutsideAct;
use crate::domain::plan::Parameters;
use crate::domain::raw::RawFlow;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::ways::Ways;

/// Why a source did not answer as it should. The text is for people, and scrubbed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// It can't be reached, or the answer did not come whole in time.
    #[error("{0}")]
    Unreachable(SafeText),
    /// It answered, and not as such an engine does.
    #[error("{0}")]
    BadAnswer(SafeText),
    /// It refused, in its own words.
    #[error("{0}")]
    Refused(SafeText),
    /// It has no time now, and may have said for how long.
    #[error("{text}")]
    Busy {
        /// What it said.
        text: SafeText,
        /// How long it is to be left alone from now on; `None` where it did not say, or said what can't be meant.
        wait: Option<Duration>,
    },
    /// It has no such instance.
    #[error("{0}")]
    NotFound(SafeText),
    /// Whoever listened has gone.
    #[error("the pass was ended")]
    Ended,
}

/// What a source says of itself, for whoever asks whether all is well.
#[derive(Debug, Clone, Default)]
pub struct Checkup {
    /// The engine's version.
    pub version: Option<SafeText>,
    /// Whether Quarterdeck was tested with that version; `None` where that is no question.
    pub tested: Option<bool>,
    /// The present, by the engine's clock.
    pub engine_now: Option<Timestamp>,
    /// The server's certificate, where the connection was secured.
    pub certificate: Option<http::Certificate>,
    /// What is read in a pass, and why it can't be read where that is so.
    pub reads: Vec<(SafeText, Option<SafeText>)>,
}

/// An instance of which it is asked what it was begun with.
#[derive(Debug, Clone, Copy)]
pub struct PayloadOf<'a> {
    /// The engine's own id of it.
    pub instance: &'a SafeText,
    /// Its flow.
    pub flow: &'a SafeText,
    /// Its key.
    pub key: Option<&'a SafeText>,
}

impl<'a> PayloadOf<'a> {
    /// Of this instance.
    pub const fn of(flow: &'a FlowInstance) -> Self {
        Self { instance: &flow.id.instance, flow: &flow.flow, key: flow.key.as_ref() }
    }
}

/// What an instance was begun with and what its key holds, as far as it was asked for and the engine tells it. Not for
/// the screen: it is neither scrubbed nor masked.
#[derive(Clone, Default)]
pub struct Payload {
    /// The engine's own id of the instance.
    pub instance: SafeText,
    /// Its input.
    pub input: Option<serde_json::Value>,
    /// The headers that came with it, by name; without those that hold credentials.
    pub headers: Option<serde_json::Value>,
    /// What its key holds, by name.
    pub state: Option<serde_json::Value>,
}

/// A control plane.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Its kind, as the config names it.
    fn kind(&self) -> &'static str;

    /// Where it asks, without credentials.
    fn address(&self) -> SafeText;

    /// What it tells at all.
    fn tells(&self) -> Tells {
        Tells::FLOWS
    }

    /// Whether the engine runs code that was deployed to it, of which there may be several at a time.
    fn has_deployments(&self) -> bool {
        false
    }

    /// The verbs that the engine has; none where it is only read.
    fn verbs(&self) -> &'static [Verb] {
        &[]
    }

    /// Why nothing may be acted on through it, where that is so whatever the instance.
    fn refuses_acts(&self) -> Option<SafeText> {
        None
    }

    /// Whether its server is believed without its certificate having been verified.
    fn unverified(&self) -> bool {
        false
    }

    /// What a verb makes the engine do, in words, for one instance. Whoever has verbs says it for each of them.
    fn effect(&self, verb: Verb, _flow: &FlowInstance) -> SafeText {
        format!("nothing: {} knows no {}", self.kind(), verb.label()).into()
    }

    /// The same for a verb that is given more than its target.
    fn effect_with(&self, verb: Verb, _parameters: &Parameters, flow: &FlowInstance) -> SafeText {
        self.effect(verb, flow)
    }

    /// Why a verb can't be had with these parameters for one instance; `None` where it can. Without any it always can.
    fn objection(&self, verb: Verb, parameters: &Parameters, _flow: &FlowInstance) -> Option<SafeText> {
        let name = parameters.keys().next()?;
        Some(format!("{} takes no {name} at {}", verb.label(), self.kind()).into())
    }

    /// Whether a verb can be had for an instance that stands so, where that is otherwise with this engine than with engines
    /// at large; `Err` says why not. `None` leaves it to what holds for all.
    fn own_rule(&self, _verb: Verb, _flow: &FlowInstance) -> Option<Result<(), SafeText>> {
        None
    }

    /// Whether it answers at all, asked as cheaply as can be: what a pause between two passes is filled with.
    async fn check(&self) -> Result<(), ConnectError>;

    /// What it is and what can be read of it, asked in small questions.
    async fn examine(&self) -> Result<Checkup, ConnectError> {
        self.check().await.map(|()| Checkup::default())
    }

    /// One pass: every open and failed instance and the engine's own counts; what has drifted, where it tells that.
    ///
    /// The hub keeps what it had until it has seen [`Observation::End`]; an error ends the pass.
    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError>;

    /// The instance that the engine began last from this one, after a moment by the engine's clock; `None` where there is
    /// none. It tells what became of a restart whose answer was lost.
    async fn successor(&self, _instance: &str, _after: Timestamp) -> Result<Option<SafeText>, ConnectError> {
        Ok(None)
    }

    /// The same, for a hub that holds what the pass told that gave this mark: what has not changed since need not be told
    /// again.
    async fn observe_again(&self, _since: &Mark, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        self.observe(sink).await
    }

    /// Whether the engine has a feed, so that it is not asked for everything again and again.
    fn feeds(&self) -> bool {
        false
    }

    /// Tells what changes after a pass, for as long as the engine tells it; an error ends it, and a pass begins anew.
    async fn watch(&self, _sink: mpsc::Sender<Changes>) -> Result<(), ConnectError> {
        Ok(())
    }

    /// One instance, ended ones too. `Ok(None)` where the engine has no such instance, as where it tells of no flows.
    async fn read(&self, _instance: &str) -> Result<Option<Reading>, ConnectError> {
        Ok(None)
    }

    /// Many instances, ended ones too, in the order of the question; `None` for one that the engine has not got.
    async fn sights(&self, instances: &[SafeText]) -> Result<Vec<Option<Sight>>, ConnectError> {
        let mut seen = Vec::with_capacity(instances.len());
        for instance in instances {
            seen.push(self.read(instance).await?.map(Sight::from));
        }
        Ok(seen)
    }

    /// Checks these things anew, and tells what was found, in the order of the question; `None` for what there is not any
    /// more. Changes nothing. What is as wanted now is told so.
    async fn recheck(&self, _findings: &[SafeText]) -> Result<Vec<Option<DriftFinding>>, ConnectError> {
        Err(ConnectError::Refused(format!("{} checks nothing", self.kind()).into()))
    }

    /// What is there of these things and what was there before, in the order of the question; `None` where that is no
    /// question, or there is no such thing. Changes nothing. Asked of what is to be put back, before it and after it.
    async fn contents(&self, _findings: &[SafeText]) -> Result<Vec<Option<Contents>>, ConnectError> {
        Err(ConnectError::Refused(format!("{} keeps nothing of what was there before", self.kind()).into()))
    }

    /// What the engine keeps of one instance, as it gave it, with secrets taken out. `Ok(None)` where the engine has no
    /// such instance.
    async fn raw(&self, _instance: &str) -> Result<Option<RawFlow>, ConnectError> {
        Ok(None)
    }

    /// The engine's own page of an instance of this flow, and the request by which it is read; nothing is asked.
    fn ways(&self, _instance: &str, _flow: &str) -> Ways {
        Ways::default()
    }

    /// What instances were begun with and what their keys hold, as far as `names` says. Nothing where the engine does
    /// not tell.
    async fn payloads(&self, _of: &[PayloadOf<'_>], _names: Names) -> Result<Vec<Payload>, ConnectError> {
        Ok(Vec::new())
    }

    /// Sends exactly one request for exactly one instance, and never a second one. Who has no verbs sends nothing.
    async fn act(&self, _act: &Act) -> ActAnswer {
        let why = self.refuses_acts().unwrap_or_else(|| format!("{} is only read", self.kind()).into());
        ActAnswer::Refused(format!("nothing was sent: {why}").into())
    }

    /// What happened to one tenant before a moment, by the source's clock, as far as it tells and besides what a pass has
    /// told: the newest first, `limit` at most. Fewer than that are all that there are.
    async fn past(&self, _tenant: &SafeText, _before: Timestamp, _limit: usize) -> Result<Vec<Event>, ConnectError> {
        Ok(Vec::new())
    }

    /// What was done to the engine since a moment by its own clock, by whomever, as far as it tells: acts of Quarterdeck's
    /// own are among them. The newest first; of very many the newest ones.
    async fn outside(&self, _since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        Ok(Vec::new())
    }

    /// Which steps have ended after a moment by the engine's clock, and how long they took: of very many the last ones.
    /// `None` where it does not tell when steps began and ended. Asked only while somebody looks.
    async fn step_times(&self, _after: Timestamp) -> Result<Option<StepTimes>, ConnectError> {
        Ok(None)
    }

    /// The deployments from which the service of a flow was registered, the newest first. None where the engine knows no
    /// such thing, or no such service.
    async fn deployments(&self, _flow: &str) -> Result<Vec<Deployment>, ConnectError> {
        Ok(Vec::new())
    }

    /// What it would do to put the service of a flow back from one deployment, its current one, to another. Changes
    /// nothing. [`ConnectError::Refused`] says why it can't be had.
    async fn plan_put_back(&self, _flow: &str, _from: &str, _to: &str) -> Result<PutBack, ConnectError> {
        Err(ConnectError::Refused(format!("not supported by {}", self.kind()).into()))
    }

    /// Puts the service of a flow back from one deployment, its current one, to another. Sends exactly one request that
    /// changes something, and never a second one; looks before it does. [`Connector::deployments`], read again, tells
    /// whether it holds.
    async fn put_back(&self, _flow: &str, _from: &str, _to: &str) -> ActAnswer {
        ActAnswer::Refused(format!("not supported by {}", self.kind()).into())
    }
}
