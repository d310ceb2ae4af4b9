//! Where things are by custom.

use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "quarterdeck")
}

/// The config file where none is named: `$XDG_CONFIG_HOME/quarterdeck/config.toml`. `None` without a home directory.
pub fn default_file() -> Option<PathBuf> {
    project().map(|project| project.config_dir().join("config.toml"))
}

/// Where acts are recorded where the config names no place: `$XDG_STATE_HOME/quarterdeck`, or the local data
/// directory on systems that have none for state. Without a home directory `quarterdeck-state` where the program
/// was started.
pub fn default_state_dir() -> PathBuf {
    project().map_or_else(
        || PathBuf::from("quarterdeck-state"),
        |project| project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_owned(),
    )
}

/// A path as written in the config: `~/` is the home directory, and what is relative starts from `folder`.
pub(super) fn resolve(text: &str, folder: &Path) -> PathBuf {
    match (text.strip_prefix("~/"), BaseDirs::new()) {
        (Some(rest), Some(dirs)) => dirs.home_dir().join(rest),
        _ => folder.join(text),
    }
}
