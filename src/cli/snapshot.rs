//! `quarterdeck snapshot`: one screen, drawn once and without a terminal.
//!
//! On the demo world the clock stands still, so that the same seed gives the same picture on every machine: the
//! pictures of the README are made so.

use super::args::{Global, Picture, Snapshot};
use super::{Failure, Outcome, demo, output, world};
use crate::cockpit::{self, ScreenName};

pub(super) async fn run(global: &Global, snapshot: &Snapshot) -> Result<Outcome, Failure> {
    let screen: ScreenName = snapshot.screen.parse().map_err(Failure::Usage)?;
    let (width, height) = size(&snapshot.size)?;
    let flows = [ScreenName::Flows, ScreenName::Detail].contains(&screen);
    if let Some(filter) = &snapshot.filter {
        super::get::read_filter(std::slice::from_ref(filter))?;
        if !flows {
            return Err(Failure::Usage("--filter goes with --screen flows or --screen detail".into()));
        }
    }
    let mut world = if global.demo { demo::picture(global)? } else { world::build(global, true)? };
    world.hub.pass().await;
    if let Some(colleague) = world.colleague.take() {
        Box::pin(colleague.asks(&world.hub)).await;
    }
    let mut settings = super::cockpit::settings(&world, global).await?;
    if world.ui.ascii.value.is_none() {
        // There may be no terminal; what shows the picture still has a character set.
        settings.ascii = cockpit::ascii(|name| (name != "TERM").then(|| std::env::var(name).ok()).flatten());
    }
    settings.filter.clone_from(&snapshot.filter);
    let buffer = cockpit::snapshot_after(world.hub.clone(), screen, &snapshot.keys, width, height, &settings)
        .await
        .map_err(|error| Failure::Other(error.into()))?;
    let picture = match snapshot.format {
        Picture::Text => cockpit::text(&buffer),
        Picture::Ansi => cockpit::ansi(&buffer),
        Picture::Svg => cockpit::svg(&buffer, &format!("Quarterdeck: {}", screen.title())),
    };
    output::print(|out| writeln!(out, "{}", picture.trim_end_matches('\n')))?;
    Ok(Outcome::Fine)
}

/// `120x34` as columns and rows, each from 1 to 1,000.
fn size(text: &str) -> Result<(u16, u16), Failure> {
    let read = |text: &str| text.parse::<u16>().ok().filter(|n| (1..=1_000).contains(n));
    let sides = text.split_once(['x', '×']).and_then(|(width, height)| Some((read(width)?, read(height)?)));
    sides.ok_or_else(|| Failure::Usage(format!("--size {text}: columns and rows are wanted, as in 120x34")))
}
