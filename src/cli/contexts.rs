//! The contexts that the cockpit can go to: the config is read anew each time, so that it is the one that stands now.

use async_trait::async_trait;

use super::args::Global;
use super::{cockpit, world};
use crate::cockpit::{Contexts, DEMO, Session};
use crate::config::ContextInfo;
use crate::domain::text::SafeText;

/// Opens contexts with what the command line said at the start.
pub(super) struct Book {
    global: Global,
    /// The context that the program was started on. `--write` was said of it, and of no other.
    first: String,
    /// The contexts that were known at the start: the demo world knows none by itself.
    known: Vec<ContextInfo>,
}

impl Book {
    pub(super) fn new(global: &Global, first: &str, known: Vec<ContextInfo>) -> Self {
        Self { global: global.clone(), first: first.to_owned(), known }
    }
}

#[async_trait]
impl Contexts for Book {
    async fn open(&self, name: &str) -> Result<Session, SafeText> {
        let demo = name == DEMO;
        let global = Global {
            demo,
            context: (!demo).then(|| name.to_owned()),
            seed: self.global.seed.filter(|_| demo),
            speed: self.global.speed.filter(|_| demo),
            // Begun anew once, at the start.
            fresh: false,
            write: self.global.write && name == self.first,
            ..self.global.clone()
        };
        // Secrets may come from files: that waits elsewhere than in the cockpit's own loop.
        let asked = global.clone();
        let built = tokio::task::spawn_blocking(move || world::build(&asked, false)).await;
        let failed = |error: &dyn std::fmt::Display| SafeText::first_line(&error.to_string(), 300);
        let mut world = built.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        if demo {
            world.contexts.clone_from(&self.known);
        }
        cockpit::session(world, &global).await.map_err(|error| failed(&error))
    }
}
