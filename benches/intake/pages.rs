//! A source whose answers are made in this process, so that what reading them costs is all there is to be measured.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use quarterdeck::connect::restate::{Lately, Restate};
use quarterdeck::connect::{ConnectError, Connector, Observation};
use quarterdeck::domain::text::SafeText;
use tokio::sync::mpsc;

use super::support::bulk_engine::BulkEngine;
use super::{PAGE, spent};

/// Reads pages as the connector for Restate does.
pub(crate) struct Pages {
    engine: Arc<BulkEngine>,
    instances: usize,
    restate: Restate,
    made: Mutex<Duration>,
}

impl Pages {
    pub(crate) fn new(engine: Arc<BulkEngine>, instances: usize) -> Self {
        let restate = Restate::new("a", "http://127.0.0.1:9", Duration::from_secs(1), None).unwrap();
        Self { engine, instances, restate, made: Mutex::default() }
    }

    /// How long it has taken to make the answers, since this was asked last.
    pub(crate) fn made(&self) -> Duration {
        std::mem::take(&mut *self.made.lock().unwrap())
    }
}

#[async_trait]
impl Connector for Pages {
    fn kind(&self) -> &'static str {
        "restate"
    }

    fn address(&self) -> SafeText {
        "made up, in this process".into()
    }

    async fn check(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let now = Timestamp::now();
        let mut lately = Lately::new();
        for from in (0..self.instances).step_by(PAGE) {
            let before = spent();
            let page = self.engine.page(from, PAGE);
            *self.made.lock().unwrap() += spent().saturating_sub(before);
            let mut parts = self.restate.parts(&page, now, &mut lately);
            loop {
                let part = parts.next(1_000)?;
                let ended = part.len() < 1_000;
                sink.send(Observation::Flows(part)).await.map_err(|_| ConnectError::Ended)?;
                if ended {
                    break;
                }
            }
        }
        let end = Observation::End { complete: true, engine_now: Some(now), version: None };
        sink.send(end).await.map_err(|_| ConnectError::Ended)
    }
}
