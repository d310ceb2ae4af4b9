//! The contexts that the cockpit can go to: the config is read anew each time, so that it is the one that stands now;
//! and what it says of the present one, read again.

use async_trait::async_trait;
use tokio::sync::watch;

use super::args::Global;
use super::cockpit::{self, Said};
use super::edits::Edits;
use super::{check, world};
use crate::cockpit::{Contexts, DEMO, Reread, Session, Settings, Stamp};
use crate::config::{self, Config, ConfigError, KeySetting, Outline, Ui, ViewSetting};
use crate::domain::text::SafeText;
use crate::hub::automations::Automations;
use crate::hub::policy::Policies;
use crate::hub::runbooks::Runbooks;

/// The longest line that a problem is told in.
const LONGEST: usize = 300;

/// Opens contexts with what the command line said at the start.
pub(super) struct Book {
    global: Global,
    /// The context that the program was started on. `--write` was said of it, and of no other.
    first: String,
    edits: Edits,
}

impl Book {
    pub(super) fn new(global: &Global, first: &str) -> Self {
        let edits = Edits::of(config::place(global.config.as_deref()).as_deref());
        Self { global: global.clone(), first: first.to_owned(), edits }
    }

    /// What the command line says for a context.
    fn global(&self, name: &str) -> Global {
        let demo = name == DEMO;
        Global {
            demo,
            context: (!demo).then(|| name.to_owned()),
            seed: self.global.seed.filter(|_| demo),
            speed: self.global.speed.filter(|_| demo),
            // Begun anew once, at the start.
            fresh: false,
            write: self.global.write && name == self.first,
            ..self.global.clone()
        }
    }
}

#[async_trait]
impl Contexts for Book {
    async fn open(&self, name: &str) -> Result<Session, SafeText> {
        let global = self.global(name);
        // Secrets may come from files: that waits elsewhere than in the cockpit's own loop.
        let asked = global.clone();
        let built = tokio::task::spawn_blocking(move || world::build(&asked, false)).await;
        let mut world = built.map_err(|error| line(&error))?.map_err(|error| {
            let problem = line(&error);
            tracing::warn!(context = name, %problem, "the context can't be opened");
            problem
        })?;
        tracing::info!(context = name, sources = world.hub.source_names().len(), "a context is opened");
        if global.demo {
            cockpit::as_used_to(&mut world, &global);
        }
        cockpit::session(world, &global).await.map_err(|error| line(&error))
    }

    async fn reread(&self, name: &str, known: Stamp) -> Result<Reread, SafeText> {
        let global = self.global(name);
        let read = tokio::task::spawn_blocking(move || reread(&global, known)).await;
        let read = read.map_err(|error| line(&error))?;
        match &read {
            Ok(Reread::Same) => tracing::debug!(context = name, "the config says what it said before"),
            Ok(Reread::Looks(_)) => {
                tracing::info!(context = name, "the config was read again: other looks, keys or views");
            }
            Ok(Reread::Hub) => {
                tracing::info!(context = name, "the config was read again: the context is to be opened anew");
            }
            // It names places and keys, and quotes no value that could be a secret.
            Err(problem) => tracing::warn!(context = name, %problem, "the config was read again and can't be used"),
        }
        read
    }

    fn edits(&self) -> watch::Receiver<()> {
        self.edits.told()
    }
}

fn line(error: &dyn std::fmt::Display) -> SafeText {
    SafeText::first_line(&error.to_string(), LONGEST)
}

/// Reads the config and compares what it says with what is in force.
fn reread(global: &Global, known: Stamp) -> Result<Reread, SafeText> {
    let file = global.config.as_deref();
    if global.demo {
        // The demo needs none.
        if config::place(file).is_none_or(|file| !file.exists()) {
            return Ok(Reread::Same);
        }
        let outline = Outline::load(file, &global.flags()).map_err(|error| told(&error))?;
        check(&outline.ui, &outline.keys, &outline.views, global)?;
        let Outline { contexts, ui, keys, views } = &outline;
        return compared(&Said { ui, keys, views, contexts, accent: None }, global, known.hub, known);
    }
    let config = Config::load(file, &global.flags()).map_err(|error| told(&error))?;
    check(&config.ui, &config.keys, &config.views, global)?;
    Policies::compile(&config.policies).map_err(|wrong| told(&ConfigError::Invalid(wrong)))?;
    Automations::compile(&config.automations).map_err(|wrong| told(&ConfigError::Invalid(wrong)))?;
    Runbooks::compile(&config.runbooks).map_err(|wrong| told(&ConfigError::Invalid(wrong)))?;
    let Config { contexts, ui, keys, views, .. } = &config;
    let said = Said { ui, keys, views, contexts, accent: config.context.colour.as_ref() };
    compared(&said, global, world::stamp(&config), known)
}

fn check(ui: &Ui, keys: &[KeySetting], views: &[ViewSetting], global: &Global) -> Result<(), SafeText> {
    let wrong = check::mistakes(ui, keys, views, &cockpit::all_themes(ui, global).0);
    if wrong.is_empty() { Ok(()) } else { Err(told(&ConfigError::Invalid(wrong))) }
}

fn compared(said: &Said<'_>, global: &Global, hub: u64, known: Stamp) -> Result<Reread, SafeText> {
    if hub != known.hub {
        return Ok(Reread::Hub);
    }
    let base = Settings { stamp: known, ..Settings::new("", "") };
    let settings = cockpit::looks(said, base, global).map_err(|error| line(&error))?;
    let settings = cockpit::fitted(settings, said.ui);
    Ok(if settings.stamp == known { Reread::Same } else { Reread::Looks(Box::new(settings)) })
}

/// What is wrong with a config, in one line: the first thing, where, and how many more there are.
pub(super) fn told(error: &ConfigError) -> SafeText {
    let ConfigError::Invalid(wrong) = error else {
        // It names the file itself.
        return line(error);
    };
    let Some(first) = wrong.first() else { return "config: something is wrong".into() };
    let place = if first.place.line > 0 { format!("line {}", first.place.line) } else { first.place.to_string() };
    let meant = first.suggestion.as_ref().map(|meant| format!(" (did you mean \"{meant}\"?)")).unwrap_or_default();
    let more = match wrong.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    SafeText::first_line(&format!("config: {place}: {}{more}{meant}", first.message), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "operator = \"jo\"\n[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";

    fn stamp(text: &str) -> u64 {
        world::stamp(&Config::parse(text, "config.toml", None).unwrap())
    }

    #[test]
    fn looks_and_lines_make_no_other_hub_and_everything_else_does() {
        let same = [
            format!("# where it stands\n\n{GOOD}"),
            format!("{GOOD}[ui]\ntheme = \"light\"\n[keys]\nboard = \"Z\"\n[[view]]\nname = \"mine\"\n"),
        ];
        assert!(same.iter().all(|text| stamp(text) == stamp(GOOD)));
        let other = [
            GOOD.replace("\"eu\"", "\"us\""),
            GOOD.replace("9070", "9071"),
            GOOD.replace("jo", "mara"),
            format!("soak = \"9s\"\n{GOOD}"),
            format!("{GOOD}[thresholds]\nretry_attempts = 7\n"),
        ];
        assert!(other.iter().all(|text| stamp(text) != stamp(GOOD)));
    }

    #[test]
    fn another_secret_makes_another_hub_wherever_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        let keep = |secret: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::write(&file, secret).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        let stamp_of = |auth: &str, variable: &str| {
            let variable = |name: &str| (name == "TOKEN").then(|| variable.to_owned());
            let surroundings = config::Surroundings { variable: &variable, folder: dir.path() };
            let text = format!(
                "operator = \"jo\"\nstate_dir = \"state\"\n[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\nauth = {auth}\n"
            );
            world::stamp(&Config::parse_in(&text, "config.toml", &config::Flags::default(), &surroundings).unwrap())
        };
        for auth in
            ["{ bearer = { env = \"TOKEN\" } }", "{ basic = { user = \"jo\", password = { env = \"TOKEN\" } } }"]
        {
            assert_eq!(stamp_of(auth, "one"), stamp_of(auth, "one"), "{auth}");
            assert_ne!(stamp_of(auth, "one"), stamp_of(auth, "two"), "{auth}");
        }
        for auth in [
            "{ bearer = { file = \"secret\" } }",
            "{ basic = { user = \"jo\", password = { file = \"secret\" } } }",
            &format!("{{ bearer = {{ command = [\"cat\", \"{}\"] }} }}", file.display()),
            &format!("{{ basic = {{ user = \"jo\", password = {{ command = [\"cat\", \"{}\"] }} }} }}", file.display()),
        ] {
            keep("one");
            let before = stamp_of(auth, "");
            assert_eq!(before, stamp_of(auth, ""), "{auth}");
            keep("two");
            assert_ne!(before, stamp_of(auth, ""), "{auth}");
        }
        // The same secret by another way, by another user, from other arguments.
        keep("one");
        let same = [
            "{ bearer = { file = \"secret\" } }".to_owned(),
            "{ bearer = { command = [\"printf\", \"one\"] } }".to_owned(),
            "{ bearer = { command = [\"printf\", \"on%s\", \"e\"] } }".to_owned(),
            "{ bearer = { command = [\"printf\", \"o%se\", \"n\"] } }".to_owned(),
            "{ basic = { user = \"jo\", password = { file = \"secret\" } } }".to_owned(),
            "{ basic = { user = \"mara\", password = { file = \"secret\" } } }".to_owned(),
        ];
        let stamps: std::collections::HashSet<u64> = same.iter().map(|auth| stamp_of(auth, "")).collect();
        assert_eq!(stamps.len(), same.len());
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_how_many_more_there_are() {
        let error = Config::parse(&format!("{GOOD}pol = \"5s\"\nx = 1\n"), "config.toml", None).unwrap_err();
        let text = told(&error).to_string();
        assert!(
            text.starts_with("config: line 6: ") && text.contains("(and 1 more)") && text.contains("\"poll\""),
            "{text}"
        );
    }
}
