//! The cockpit on a world, and what is said after it has gone.

use std::sync::Arc;
use std::time::Duration;

use super::args::Global;
use super::contexts::Book;
use super::demo::{Calm, Hand};
use super::first::{self, Choice};
use super::{Failure, Outcome, check, report, theme, world};
use crate::cockpit::views::{Origin, View};
use crate::cockpit::{self, Badge, Colours, ExitReason, Session, Settings, Tempo};
use crate::config::{self, ColourDepth, ConfigError, LogSettings, Outline, Ui, ViewSetting};
use crate::ops::Ops;
use crate::query::{Filter, GroupBy, SortBy};
use crate::telemetry;

pub(super) async fn run(global: &Global) -> Result<Outcome, Failure> {
    if !global.demo
        && let Some(missing) = config::missing(global.config.as_deref())
        && let Some(choice) = first::ask(&missing)?
    {
        return match choice {
            Choice::Demo => Box::pin(run(&global.clone().for_demo())).await,
            Choice::Write => super::config::example(global, true),
            Choice::Leave => Ok(Outcome::Fine),
        };
    }
    if global.demo {
        // What can't be shown is not begun either.
        cockpit::can_show().map_err(|error| Failure::Usage(error.to_string()))?;
    }
    let mut world = world::build(global, false)?;
    if global.demo
        && let Ok(outline) = Outline::load(global.config.as_deref(), &global.flags())
        && check::mistakes(&outline.ui, &outline.keys, &outline.views, &theme::load(global).0).is_empty()
    {
        // The demo works without a config; where there is a good one, it looks as the operator is used to.
        Outline { contexts: world.contexts, ui: world.ui, keys: world.keys, views: world.views } = outline;
    }
    // Kept to the end: what was told is on the disk when it goes.
    let _telemetry = match &world.log {
        Some((settings, dir)) => telemetry::start(settings, Some(dir)),
        None => {
            let settings = LogSettings::without_file(&|name| std::env::var(name).ok())
                .map_err(|wrong| Failure::Usage(ConfigError::Invalid(wrong).to_string()))?;
            telemetry::start(&settings, None)
        }
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), context = %world.context, "Quarterdeck starts");
    let contexts = Book::new(global, &world.context, world.contexts.clone());
    let exit = cockpit::run_with(session(world, global).await?, Some(Arc::new(contexts))).await;
    let exit = exit.map_err(|error| match error {
        cockpit::CockpitError::NoTerminal | cockpit::CockpitError::Dumb(_) => Failure::Usage(error.to_string()),
        other => Failure::Other(other.into()),
    })?;
    for act in &exit.running {
        let id = act.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        let next = if exit.demo {
            "it goes on in the demo, and is looked at again at the next start"
        } else {
            "it is recorded, is not sent again, and is looked at again at the next start"
        };
        report::note(&format!("still running: {} of {}{id}: {next}", act.verb.name(), act.target));
    }
    tracing::info!("Quarterdeck ends");
    match exit.reason {
        ExitReason::Asked => {}
        ExitReason::Signal(name) => report::note(&format!("ended by {name}")),
        ExitReason::TerminalLost => report::note("the terminal is gone"),
    }
    Ok(Outcome::Fine)
}

/// A world that is polled from now on, for the cockpit on this terminal.
pub(super) async fn session(world: world::World, global: &Global) -> Result<Session, Failure> {
    let settings = overridden(settings(&world, global).await?.fit_terminal(), &world.ui);
    if let Some(book) = telemetry::book() {
        world.hub.tells(book);
    }
    let polling = world.hub.start();
    Ok(Session { ops: world.hub, settings, alive: Box::new((polling, world.demo.map(Calm))) })
}

/// How the cockpit is to look on this world, on a terminal that can show everything.
pub(super) async fn settings(world: &world::World, global: &Global) -> Result<Settings, Failure> {
    let badge = match (world.demo.is_some(), world.production) {
        (true, _) => Badge::Demo,
        (false, true) => Badge::Production,
        (false, false) => Badge::Normal,
    };
    let (mut themes, unread) = theme::load(global);
    let unread = unread
        .into_iter()
        .chain(world.ui.theme.value.iter().filter_map(|name| theme::add_file(&mut themes, name).err()));
    let mut warnings: Vec<String> = unread.collect();
    let (keymap, wrong_keys) = check::keymap(&world.keys);
    // Keys that can't be taken are told and leave the default ones in force: whoever is called at night needs a cockpit
    // more than a lesson.
    warnings.extend(wrong_keys.iter().map(|wrong| format!("{}: [keys] {}", wrong.place, wrong.message)));
    let wrong = check::mistakes(&world.ui, &[], &world.views, &themes);
    if !wrong.is_empty() {
        return Err(Failure::Usage(ConfigError::Invalid(wrong).to_string()));
    }
    let warning = match &warnings[..] {
        [] => None,
        [only] => Some(only.as_str().into()),
        [first, rest @ ..] => Some(format!("{first} (and {} more: `quarterdeck config check`)", rest.len()).into()),
    };
    let read_only = world.hub.overview(&Filter::default()).await.ok();
    let settings = Settings {
        badge,
        // What a lock says changes while the cockpit is open: it is asked of the hub.
        read_only: read_only.filter(|board| board.lock.is_none()).and_then(|board| board.read_only.clone()),
        accent: world.accent.clone(),
        writable: world.writable,
        contexts: world.contexts.clone(),
        clock: world.clock.clone(),
        speed: world.demo.as_ref().map(|sim| sim.speed()),
        tempo: world.demo.clone().map(|sim| Arc::new(Hand(sim)) as Arc<dyn Tempo>),
        views: world.views.iter().filter_map(view).collect(),
        theme: world.ui.theme.value.clone(),
        themes,
        keymap,
        mouse: world.ui.mouse.value,
        warning,
        frame_every: Duration::try_from(world.ui.frame.value).unwrap_or_default(),
        ..Settings::new(world.context.as_str(), world.operator.as_str())
    };
    Ok(overridden(settings, &world.ui))
}

/// A view of the config, which has been checked.
fn view(setting: &ViewSetting) -> Option<View> {
    let text = setting.filter.as_ref().map(|filter| filter.value.clone()).unwrap_or_default();
    Some(View {
        name: setting.name.value.as_str().into(),
        filter: Filter::parse(&text).ok()?,
        text,
        sort: setting.sort.as_ref().and_then(|sort| SortBy::by_name(&sort.value)).unwrap_or_default(),
        reverse: setting.reverse,
        group: setting.group.as_ref().and_then(|group| GroupBy::by_name(&group.value)),
        origin: Origin::Config,
    })
}

/// What the config, the environment or the command line say goes before what the terminal seems to be able to do.
fn overridden(mut settings: Settings, ui: &Ui) -> Settings {
    if let Some(depth) = ui.colours.value {
        settings.colours = match depth {
            ColourDepth::None => Colours::None,
            ColourDepth::Sixteen => Colours::Sixteen,
            ColourDepth::Indexed => Colours::Indexed,
            ColourDepth::True => Colours::TrueColour,
        };
    }
    settings.times = ui.times.value;
    if let Some(ascii) = ui.ascii.value {
        settings.ascii = ascii;
    }
    settings
}
