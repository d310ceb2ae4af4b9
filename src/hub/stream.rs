//! What has happened, as it is asked for.

use super::Hub;
use crate::domain::text::SafeText;
use crate::ops::{EventWindow, EventsQuery};

impl Hub {
    /// A window on what has happened.
    pub(super) fn happened(&self, query: &EventsQuery) -> EventWindow {
        let mut window = self.ring().window(query, (self.clock)());
        (window.sources, window.blind) = self.silent(|tells| tells.events);
        window
    }

    /// How many sources tell of something, and those of them that are not live, each with why.
    pub(super) fn silent(&self, of: impl Fn(crate::connect::Tells) -> bool) -> (usize, Vec<(SafeText, SafeText)>) {
        let all = || self.sources.iter().filter(|source| of(source.connector.tells()));
        let why = |source: &super::Source| {
            let why = source.status().error.unwrap_or_else(|| "it has not answered yet".into());
            (source.name.clone(), why)
        };
        (all().count(), all().filter(|source| !source.live()).map(why).collect())
    }
}
