//! What the answers to a verb mean, by their status and by what they say.

use std::sync::Arc;

use super::super::jq::Program;

/// By which statuses a verb was taken, was done, or met nothing; and what else an answer may say.
#[derive(Debug, Clone)]
pub struct Answers {
    /// It was taken, and may not be done yet.
    pub accepted: Vec<u16>,
    /// It was done.
    pub done: Vec<u16>,
    /// There is no such instance.
    pub gone: Vec<u16>,
    /// Run on the body of an answer that says that it was taken or done: a text that it gives is why it was not.
    pub refused: Option<Arc<Program>>,
}

impl Default for Answers {
    /// Every usual success was taken, and none of them done: that is for the postcondition to show.
    fn default() -> Self {
        Self { accepted: vec![200, 201, 202, 204], done: Vec::new(), gone: vec![404, 410], refused: None }
    }
}
