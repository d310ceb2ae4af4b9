//! What a context is looked at through, and where another one is had from: the cockpit knows no hub, so whoever starts
//! it hands both in.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;

use super::settings::Settings;
use crate::domain::text::SafeText;
use crate::ops::Ops;

/// A context that is open.
pub struct Session {
    /// Who answers.
    pub ops: Arc<dyn Ops>,
    /// How it is to look.
    pub settings: Settings,
    /// What has to live as long as the context is shown, such as the tasks that poll its sources.
    pub alive: Box<dyn Any + Send>,
}

/// Where contexts are had from.
#[async_trait]
pub trait Contexts: Send + Sync {
    /// Opens a context by name, from the config as it stands now. The error is one line for people.
    async fn open(&self, name: &str) -> Result<Session, SafeText>;
}
