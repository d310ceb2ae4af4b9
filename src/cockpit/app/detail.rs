//! The open instance's state.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::cockpit::remote::Remote;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::ops::FlowAnswer;

/// How often the open instance is read again.
pub const DETAIL_EVERY: SignedDuration = SignedDuration::from_secs(2);

/// The open instance.
#[derive(Debug, Clone)]
pub struct DetailState {
    /// Who.
    pub id: Option<InstanceId>,
    /// What the list knew of it, until the answer is there.
    pub seed: Option<Arc<JudgedFlow>>,
    /// What its source told.
    pub answer: Remote<FlowAnswer>,
    /// When it was last asked.
    pub asked_at: Option<Timestamp>,
    /// Lines scrolled.
    pub scroll: usize,
    /// Whether the steps are drawn across time, and not told line by line.
    pub chart: bool,
}

impl Default for DetailState {
    fn default() -> Self {
        Self { id: None, seed: None, answer: Remote::Never, asked_at: None, scroll: 0, chart: false }
    }
}
