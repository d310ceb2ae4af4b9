//! The cockpit on a world, and what is said after it has gone.

use std::sync::Arc;
use std::time::Duration;

use super::args::Global;
use super::contexts::{self, Book};
use super::demo::{Calm, Hand};
use super::first::{self, Choice};
use super::world::{self, World};
use super::{Failure, Outcome, check, report, theme};
use crate::cockpit::theme::Themes;
use crate::cockpit::views::{Origin, View};
use crate::cockpit::{self, Badge, Colours, ExitReason, Session, Settings, Stamp, Tempo};
use crate::config::{self, ColourDepth, ConfigError, ContextInfo, KeySetting, LogSettings, Outline, Ui, ViewSetting};
use crate::ops::Ops;
use crate::query::{Filter, GroupBy, SortBy};
use crate::telemetry;

pub(super) async fn run(global: &Global) -> Result<Outcome, Failure> {
    if !global.demo
        && let Some(missing) = config::missing(global.config.as_deref())
        && let Some(choice) = first::ask(&missing)?
    {
        return match choice {
            Choice::Demo => Box::pin(run(&Global { context: None, ..global.clone().for_demo() })).await,
            Choice::Write => super::config::example(global, true),
            Choice::Leave => Ok(Outcome::Fine),
        };
    }
    if global.demo {
        // What can't be shown is not begun either.
        cockpit::can_show().map_err(|error| Failure::Usage(error.to_string()))?;
    }
    let mut world = world::build(global, false)?;
    if global.demo {
        as_used_to(&mut world, global);
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
    let book = Book::new(global, &world.context);
    let exit = cockpit::run_with(session(world, global).await?, Some(Arc::new(book))).await;
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
        report::note(&format!("still running: {} of {}{id}: {next}", act.verb.label(), act.target));
    }
    for held in &exit.held {
        report::note(held);
    }
    tracing::info!("Quarterdeck ends");
    match exit.reason {
        ExitReason::Asked => {}
        ExitReason::Signal(name) => report::note(&format!("ended by {name}")),
        ExitReason::TerminalLost => report::note("the terminal is gone"),
    }
    Ok(Outcome::Fine)
}

/// The demo works without a config; where there is a good one, it looks as the operator is used to.
pub(super) fn as_used_to(world: &mut World, global: &Global) {
    let outline = Outline::load(global.config.as_deref(), &global.flags()).and_then(|outline| {
        let themes = all_themes(&outline.ui, global).0;
        let wrong = check::mistakes(&outline.ui, &outline.keys, &outline.views, &themes);
        if wrong.is_empty() { Ok(outline) } else { Err(ConfigError::Invalid(wrong)) }
    });
    match outline {
        Ok(outline) => {
            Outline { contexts: world.contexts, ui: world.ui, keys: world.keys, views: world.views } = outline;
        }
        Err(ConfigError::None { .. } | ConfigError::NoHome) => {}
        // A file that was named and is not there is no file with a mistake: the demo needs none.
        Err(ConfigError::Unreadable { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            let told = contexts::told(&error);
            let told = told.strip_prefix("config: ").unwrap_or(&told);
            world.unread = Some(format!("config not in force: {told}").into());
        }
    }
}

/// A world that is polled from now on, for the cockpit on this terminal.
pub(super) async fn session(mut world: World, global: &Global) -> Result<Session, Failure> {
    if let Some(colleague) = world.colleague.take() {
        Box::pin(colleague.asks(&world.hub)).await;
    }
    let settings = fitted(settings(&world, global).await?, &world.ui);
    if let Some(book) = telemetry::book() {
        world.hub.tells(book);
    }
    let polling = world.hub.start();
    Ok(Session { ops: world.hub, settings, alive: Box::new((polling, world.demo.map(Calm))) })
}

/// How the cockpit is to look on this world, on a terminal that can show everything.
pub(super) async fn settings(world: &World, global: &Global) -> Result<Settings, Failure> {
    let badge = match (world.demo.is_some(), world.production) {
        (true, _) => Badge::Demo,
        (false, true) => Badge::Production,
        (false, false) => Badge::Normal,
    };
    let read_only = world.hub.overview(&Filter::default()).await.ok();
    let base = Settings {
        badge,
        // What a lock says changes while the cockpit is open: it is asked of the hub.
        read_only: read_only.filter(|board| board.lock.is_none()).and_then(|board| board.read_only.clone()),
        writable: world.writable,
        customer_only: world.hub.is_support_only(),
        clock: world.clock.clone(),
        unread: world.unread.clone(),
        speed: world.demo.as_ref().map(|sim| sim.speed()),
        tempo: world.demo.clone().map(|sim| Arc::new(Hand(sim)) as Arc<dyn Tempo>),
        stamp: Stamp { hub: world.stamp, looks: 0 },
        ..Settings::new(world.context.as_str(), world.operator.as_str())
    };
    let said = Said {
        ui: &world.ui,
        keys: &world.keys,
        views: &world.views,
        contexts: &world.contexts,
        accent: world.accent.as_ref(),
    };
    looks(&said, base, global)
}

/// What a config says of how the cockpit is to look.
pub(super) struct Said<'a> {
    pub(super) ui: &'a Ui,
    pub(super) keys: &'a [KeySetting],
    pub(super) views: &'a [ViewSetting],
    pub(super) contexts: &'a [ContextInfo],
    pub(super) accent: Option<&'a String>,
}

impl Said<'_> {
    /// A hash of its values: where they stand does not matter.
    fn stamp(&self, themes: &Themes) -> u64 {
        let ui = self.ui;
        let keys = self.keys.iter().map(|set| (&set.command.value, set.keys.iter().map(|key| &key.value)));
        let keys: Vec<_> = keys.map(|(command, keys)| (command, keys.collect::<Vec<_>>())).collect();
        let views: Vec<_> = self.views.iter().map(view).collect();
        let ui = (&ui.theme.value, ui.colours.value, ui.ascii.value, ui.mouse.value, ui.times.value, ui.frame.value);
        world::hash(&format!("{:?}", (ui, keys, views, self.contexts, self.accent, themes)))
    }
}

/// Every theme that there is, with the one of a file of one's own; and what could not be read.
pub(super) fn all_themes(ui: &Ui, global: &Global) -> (Themes, Vec<String>) {
    let (mut themes, mut unread) = theme::load(global);
    unread.extend(ui.theme.value.iter().filter_map(|name| theme::add_file(&mut themes, name).err()));
    (themes, unread)
}

/// The same settings with these looks, on a terminal that can show everything.
pub(super) fn looks(said: &Said<'_>, base: Settings, global: &Global) -> Result<Settings, Failure> {
    let (themes, mut warnings) = all_themes(said.ui, global);
    let (keymap, wrong_keys) = check::keymap(said.keys);
    // Keys that can't be taken are told and leave the default ones in force: whoever is called at night needs a cockpit
    // more than a lesson.
    warnings.extend(wrong_keys.iter().map(|wrong| format!("{}: [keys] {}", wrong.place, wrong.message)));
    let wrong = check::mistakes(said.ui, &[], said.views, &themes);
    if !wrong.is_empty() {
        return Err(Failure::Usage(ConfigError::Invalid(wrong).to_string()));
    }
    let warning = match &warnings[..] {
        [] => None,
        [only] => Some(only.as_str().into()),
        [first, rest @ ..] => Some(format!("{first} (and {} more: `quarterdeck config check`)", rest.len()).into()),
    };
    let settings = Settings {
        accent: said.accent.cloned(),
        contexts: said.contexts.to_vec(),
        views: said.views.iter().filter_map(view).collect(),
        theme: said.ui.theme.value.clone(),
        stamp: Stamp { looks: said.stamp(&themes), ..base.stamp },
        themes,
        keymap,
        mouse: said.ui.mouse.value,
        warning,
        frame_every: Duration::try_from(said.ui.frame.value).unwrap_or_default(),
        ..base
    };
    Ok(overridden(settings, said.ui))
}

/// The same settings, as far as this terminal can show them.
pub(super) fn fitted(settings: Settings, ui: &Ui) -> Settings {
    overridden(settings.fit_terminal(), ui)
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
