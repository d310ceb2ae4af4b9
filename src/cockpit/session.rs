//! What a context is looked at through, and where another one is had from: the cockpit knows no hub, so whoever starts
//! it hands both in.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::settings::{Settings, Stamp};
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

/// What a config that was read again says.
#[derive(Debug, Clone)]
pub enum Reread {
    /// What it said before.
    Same,
    /// The same about the sources, and something else about how the cockpit is to look: the hub stays.
    Looks(Box<Settings>),
    /// Something else about what the hub is made of: the context has to be opened anew.
    Hub,
}

/// Where contexts are had from.
#[async_trait]
pub trait Contexts: Send + Sync {
    /// Opens a context by name, from the config as it stands now. The error is one line for people.
    async fn open(&self, name: &str) -> Result<Session, SafeText>;

    /// Reads the config again for the context that is shown, and compares it with what that was made of. The error is
    /// one line for people, and says where.
    async fn reread(&self, name: &str, known: Stamp) -> Result<Reread, SafeText>;

    /// Changes whenever the config's file may have.
    fn edits(&self) -> watch::Receiver<()>;
}
