//! `quarterdeck theme`: which themes there are, and whether one can be read and its states told apart.

use std::path::{Path, PathBuf};

use super::args::{Global, ThemeCommand};
use super::{Failure, Outcome, output};
use crate::cockpit::theme::{Report, Themes, Weight};
use crate::config;

/// The largest file that is taken for a theme, in bytes. Those that there are have three thousand.
const LARGEST: u64 = 256 * 1024;

pub(super) fn run(global: &Global, what: &ThemeCommand) -> Result<Outcome, Failure> {
    let (themes, unread) = load(global);
    for problem in &unread {
        super::report::note(problem);
    }
    match what {
        ThemeCommand::List => {
            output::print(|out| {
                themes.names().iter().try_for_each(|name| {
                    let own = if themes.is_own(name) { "  your own" } else { "" };
                    writeln!(out, "{name}{own}")
                })
            })?;
            Ok(Outcome::Fine)
        }
        ThemeCommand::Check { theme } => {
            let names = match theme {
                Some(name) => vec![name.clone()],
                None => themes.names().iter().map(|name| (*name).to_owned()).collect(),
            };
            let one = names.len() == 1;
            let mut fine = true;
            for name in names {
                let report = check(&themes, &name)?;
                fine &= report.passes();
                output::print(|out| {
                    let text = told(&report, one);
                    writeln!(out, "{}", text.trim_end())
                })?;
            }
            Ok(if fine { Outcome::Fine } else { Outcome::Usage })
        }
    }
}

/// Checks a theme by name, or a file.
fn check(themes: &Themes, name: &str) -> Result<Report, Failure> {
    let path = Path::new(name);
    let file = name.contains(std::path::MAIN_SEPARATOR) || path.extension().is_some_and(|end| end == "toml");
    let report = if file {
        let text = read(path).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
        themes.check_text(&stem(path), &text)
    } else {
        themes.check(name)
    };
    report.map_err(|error| Failure::Usage(format!("theme: {error}")))
}

/// What a check found, for people: for one theme each style, for several the worst of each.
fn told(report: &Report, whole: bool) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    let word = if report.passes() { "passes" } else { "DOES NOT PASS" };
    let apart = |(one, other, distance): &(&str, &str, f64)| format!("{distance:.0} ({one} and {other})");
    line(format!(
        "{}: {word}; worst contrast {:.2}; states {} apart, without the difference of red and green {}",
        report.name,
        report.worst(),
        apart(&report.nearest),
        apart(&report.nearest_without_green)
    ));
    if whole {
        for (style, ratio, ground) in &report.contrasts {
            let on = if style == ground { "its own ground".to_owned() } else { format!("the ground of {ground}") };
            line(format!("  {style:<18} {ratio:>6.2}  on {on}"));
        }
    }
    for finding in &report.findings {
        let sign = if finding.weight == Weight::Fault { "fault" } else { "note " };
        if whole || finding.weight == Weight::Fault {
            line(format!("  {sign}  {}", finding.text));
        }
    }
    text
}

/// The themes that there are: the embedded ones and the operator's own, and what could not be read.
pub(super) fn load(global: &Global) -> (Themes, Vec<String>) {
    let mut themes = Themes::default();
    let mut unread = Vec::new();
    for folder in folders(global) {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
            match read(path) {
                Ok(text) => themes.add(stem(path), text),
                Err(error) => unread.push(format!("theme {}: {error}", path.display())),
            }
        }
    }
    (themes, unread)
}

/// Adds a theme that is named by the path of its file.
pub(super) fn add_file(themes: &mut Themes, name: &str) -> Result<(), String> {
    if name.contains(std::path::MAIN_SEPARATOR) {
        let text = read(Path::new(name)).map_err(|error| format!("{name}: {error}"))?;
        themes.add(name.to_owned(), text);
    }
    Ok(())
}

/// Where themes are looked for: beside the usual config, and beside the one in use, whose win.
fn folders(global: &Global) -> Vec<PathBuf> {
    let named = global.config.clone().or_else(|| std::env::var_os("QUARTERDECK_CONFIG").map(PathBuf::from));
    let files = [config::default_file(), named];
    let mut folders: Vec<PathBuf> = Vec::new();
    for file in files.into_iter().flatten() {
        let folder = file.parent().unwrap_or(Path::new("")).join("themes");
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

fn read(path: &Path) -> std::io::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > LARGEST {
        return Err(std::io::Error::other(format!("too large for a theme: {size} bytes")));
    }
    std::fs::read_to_string(path)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
