//! `quarterdeck config check` and `quarterdeck config example`: what is in force and where it comes from, what is
//! wrong, and a file to begin with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::args::Global;
use super::{Failure, Outcome, check, output, report, theme};
use crate::cockpit::command::{Command, TABLE};
use crate::cockpit::theme::DEFAULT as DEFAULT_THEME;
use crate::config::{self, Config, ConfigError, Flags, Layer, PolicySettings};
use crate::domain::text::SafeText;
use crate::domain::time::exact;
use crate::hub::automations::Automations;
use crate::hub::policy::Policies;
use crate::hub::runbooks::Runbooks;

/// The example, with every key that there is.
pub(super) const EXAMPLE: &str = include_str!("../../config.example.toml");

/// Says what is wrong with the config, everything at once, or what is in force and from which layer each value comes.
pub(super) fn check(global: &Global, file: Option<&Path>) -> Result<Outcome, Failure> {
    let file = file.or(global.config.as_deref());
    let flags = global.flags();
    let usage = |error: &ConfigError| Failure::Usage(error.to_string());
    let load = |name: &str| Config::load(file, &Flags { context: Some(name.to_owned()), ..flags.clone() });
    let (config, undecided) = match Config::load(file, &flags) {
        // A file of contexts alone is right, too: each is looked at.
        Err(ConfigError::NoContext { existing, .. }) => {
            let first = existing.first().map_or(config::DEFAULT_CONTEXT, String::as_str);
            (load(first).map_err(|error| usage(&error))?, true)
        }
        other => (other.map_err(|error| usage(&error))?, false),
    };
    let (mut themes, unread) = theme::load(global);
    for warning in unread {
        report::note(&warning);
    }
    if let Some(name) = &config.ui.theme.value {
        // What is wrong with a file of one's own is told of the theme that it should be.
        let _ = theme::add_file(&mut themes, name);
    }
    let mut wrong = check::mistakes(&config.ui, &config.keys, &config.views, &themes);
    wrong.extend(Policies::compile(&config.policies).err().unwrap_or_default());
    wrong.extend(Automations::compile(&config.automations).err().unwrap_or_default());
    wrong.extend(Runbooks::compile(&config.runbooks).err().unwrap_or_default());
    wrong.sort_by_key(|diagnostic| (diagnostic.place.line, diagnostic.place.column));
    if !wrong.is_empty() {
        return Err(usage(&ConfigError::Invalid(wrong)));
    }
    for context in config.contexts.iter().filter(|context| context.name != config.context.name) {
        if let Err(error) = load(&context.name) {
            report::note(&format!("context {} can't be used now: {error}", context.name));
        }
    }
    output::print(|out| {
        writeln!(out, "OK  {}", SafeText::new(&config.file.display().to_string()))?;
        for (name, value, layer) in in_force(&config, undecided) {
            writeln!(out, "  {name:<10} {:<44} {layer}", SafeText::new(&value))?;
        }
        for context in &config.contexts {
            let mark = if context.production { "production" } else { "" };
            let colour = context.colour.as_deref().unwrap_or("");
            writeln!(
                out,
                "  context    {:<20} {} source{} {mark} {colour}",
                SafeText::new(&context.name),
                context.sources,
                if context.sources == 1 { "" } else { "s" },
            )?;
        }
        for source in &config.context.sources {
            let every = exact(source.poll);
            writeln!(
                out,
                "  source     {:<20} {} every {every}",
                SafeText::new(&source.name),
                SafeText::new(&source.url)
            )?;
        }
        Ok(())
    })?;
    Ok(Outcome::Fine)
}

/// What is in force: name, value, and the layer that it comes from. No secret is among it.
fn in_force(config: &Config, undecided: bool) -> Vec<(&'static str, String, String)> {
    let (ui, layers) = (&config.ui, &config.layers);
    let auto = |value: Option<String>| value.unwrap_or_else(|| "as the terminal can".to_owned());
    let on = |on: bool| if on { "on" } else { "off" }.to_owned();
    let row = |name, value, layer: &Layer| (name, value, layer.name());
    let context = if undecided { "none: name one with --context".to_owned() } else { config.context.name.clone() };
    vec![
        row("context", context, &layers.context),
        row("operator", config.operator.clone(), &layers.operator),
        row("state_dir", config.state_dir.display().to_string(), &layers.state_dir),
        row("soak", exact(config.soak), &layers.soak),
        row("theme", ui.theme.value.clone().unwrap_or_else(|| DEFAULT_THEME.to_owned()), &ui.theme.from),
        row("colours", auto(ui.colours.value.map(|depth| depth.name().to_owned())), &ui.colours.from),
        row("ascii", auto(ui.ascii.value.map(on)), &ui.ascii.from),
        row("mouse", on(ui.mouse.value), &ui.mouse.from),
        row("times", ui.times.value.name().to_owned(), &ui.times.from),
        row("frame", exact(ui.frame.value), &ui.frame.from),
        ("keys", format!("{} commands have keys of their own", config.keys.len()), String::new()),
        ("views", format!("{} saved", config.views.len()), String::new()),
        ("policies", policies(config), String::new()),
        ("runbooks", runbooks(config), String::new()),
    ]
}

/// How much is said of who may do what; `quarterdeck policy check` says it whole.
fn policies(config: &Config) -> String {
    let PolicySettings { policies, freezes, roles, solo, .. } = &config.policies;
    let solo = if *solo { ", solo" } else { "" };
    format!("policies: {}, freezes: {}, roles: {}{solo}", policies.len(), freezes.len(), roles.0.len())
}

/// The runbooks, by name and version.
fn runbooks(config: &Config) -> String {
    let names: Vec<String> = config.runbooks.iter().map(|setting| setting.runbook.id.to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Prints the example, or writes it to where the config is looked for.
pub(super) fn example(global: &Global, write: bool) -> Result<Outcome, Failure> {
    if !write {
        output::print(|out| write!(out, "{}", example_text()))?;
        return Ok(Outcome::Fine);
    }
    let path = write_example(global)?;
    report::note(&written(&path));
    Ok(Outcome::Fine)
}

/// The example, and behind it every command with its keys, for `[keys]`.
fn example_text() -> String {
    let head =
        "# Every command with its keys by default. What is to be another goes under [keys]; \"none\" takes them away.";
    let line = |command: &Command| {
        let keys: Vec<String> = command.keys.iter().map(|key| format!("{key:?}")).collect();
        let keys = if keys.is_empty() { "\"none\"".to_owned() } else { format!("[{}]", keys.join(", ")) };
        format!("#   {:<18} = {keys}  # {}\n", command.name, command.doc)
    };
    std::iter::once(format!("{EXAMPLE}\n{head}\n")).chain(TABLE.iter().map(line)).collect()
}

/// What is said after the example was written.
pub(super) fn written(path: &Path) -> String {
    format!(
        "the example config is now in {}\nput the URL of your server into it; `quarterdeck config check` says whether it is right",
        path.display()
    )
}

/// Writes the example for its owner alone, where no file is yet.
pub(super) fn write_example(global: &Global) -> Result<PathBuf, Failure> {
    let path =
        config::place(global.config.as_deref()).ok_or_else(|| Failure::Usage(ConfigError::NoHome.to_string()))?;
    let failed = |error: std::io::Error| {
        Failure::Usage(match error.kind() {
            ErrorKind::AlreadyExists => format!("{} exists already; it is not overwritten", path.display()),
            _ => format!("{}: {error}", path.display()),
        })
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(example_text().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_has_every_command_in_a_comment_that_is_right_under_keys() {
        let text = example_text();
        let (_, list) = text.split_once("# Every command").unwrap();
        let lines: Vec<&str> = list.lines().skip(1).map(|line| line.trim_start_matches("# ")).collect();
        assert_eq!(lines.len(), TABLE.len());
        let keys: toml::Table = toml::from_str(&lines.join("\n")).unwrap();
        assert_eq!(keys.len(), TABLE.len());
        assert_eq!(keys["board"].as_array().unwrap().len(), 1);
    }
}
