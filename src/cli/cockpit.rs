//! The cockpit on a world, and what is said after it has gone.

use super::args::Global;
use super::{Failure, Outcome, report, world};
use crate::cockpit::{self, Badge, ExitReason, Settings};
use crate::ops::Ops;

pub(super) async fn run(global: &Global) -> Result<Outcome, Failure> {
    let world = world::build(global, false)?;
    let settings = settings(&world).await.fit_terminal();
    let polling = world.hub.start();
    let exit = cockpit::run(world.hub.clone(), settings).await;
    drop(polling);
    let exit = exit.map_err(|error| match error {
        cockpit::CockpitError::NoTerminal | cockpit::CockpitError::Dumb(_) => Failure::Usage(error.to_string()),
        other => Failure::Other(other.into()),
    })?;
    for act in &exit.running {
        let id = act.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        let next = if world.demo {
            "the demo world is gone, and the act with it"
        } else {
            "it is recorded, is not sent again, and is looked at again at the next start"
        };
        report::note(&format!("still running: {} of {}{id}: {next}", act.verb.name(), act.target));
    }
    match exit.reason {
        ExitReason::Asked => {}
        ExitReason::Signal(name) => report::note(&format!("ended by {name}")),
        ExitReason::TerminalLost => report::note("the terminal is gone"),
    }
    Ok(Outcome::Fine)
}

/// How the cockpit is to look on this world.
pub(super) async fn settings(world: &world::World) -> Settings {
    let badge = match (world.demo, world.production) {
        (true, _) => Badge::Demo,
        (false, true) => Badge::Production,
        (false, false) => Badge::Normal,
    };
    let read_only = world.hub.overview(&crate::query::Filter::default()).await.ok();
    Settings {
        badge,
        read_only: read_only.and_then(|overview| overview.read_only.clone()),
        clock: world.clock.clone(),
        ..Settings::new(world.context.as_str(), world.operator.as_str())
    }
}
