//! Tells when the config's file may have changed. Its folder is watched and not the file itself, since editors put
//! another file in its place. Where nothing happens there, nothing runs.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};

/// How long after a change it is told: an editor writes more than once.
const SETTLED: Duration = Duration::from_millis(300);

/// Watches for as long as it lives.
pub(super) struct Edits {
    /// None where it can't be watched: then `:reload` is the way.
    _watcher: Option<RecommendedWatcher>,
    told: watch::Receiver<()>,
}

impl Edits {
    /// Watches the file at `place`, and the one that it leads to where it is a link.
    pub(super) fn of(place: Option<&Path>) -> Self {
        let (tell, told) = watch::channel(());
        let (tell_of, mut notices) = mpsc::unbounded_channel();
        let watcher = place.and_then(|place| watcher(place, tell_of).ok());
        tokio::spawn(async move {
            // Ends with the watcher.
            while notices.recv().await.is_some() {
                tokio::time::sleep(SETTLED).await;
                while notices.try_recv().is_ok() {}
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        Self { _watcher: watcher, told }
    }

    pub(super) fn told(&self) -> watch::Receiver<()> {
        self.told.clone()
    }
}

fn watcher(place: &Path, noticed: mpsc::UnboundedSender<()>) -> notify::Result<RecommendedWatcher> {
    let place = std::path::absolute(place)?;
    let files: Vec<PathBuf> = [Some(place.clone()), place.canonicalize().ok()].into_iter().flatten().collect();
    let names: Vec<OsString> = files.iter().filter_map(|file| Some(file.file_name()?.to_owned())).collect();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An event that got lost may have been one of the file.
        let ours = event.map_or(true, |event| {
            event.need_rescan()
                || changes(event.kind)
                    && event.paths.iter().any(|path| names.iter().any(|name| path.file_name() == Some(name)))
        });
        if ours {
            // Nobody listens any more once the cockpit is being left.
            let _ = noticed.send(());
        }
    })?;
    let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Whether a file may say something else after this. Reading it is none, or each reading would lead to the next.
fn changes(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind, RemoveKind};

    use super::*;

    #[test]
    fn only_what_can_change_a_file_counts() {
        for kind in [
            EventKind::Create(CreateKind::File),
            EventKind::Modify(ModifyKind::Any),
            EventKind::Remove(RemoveKind::File),
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
        ] {
            assert!(changes(kind), "{kind:?}");
        }
        for kind in [AccessKind::Open(AccessMode::Read), AccessKind::Close(AccessMode::Read), AccessKind::Read] {
            assert!(!changes(EventKind::Access(kind)), "{kind:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_written_or_put_in_its_place_is_told_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real.toml");
        std::fs::write(&real, "a").unwrap();
        let other = tempfile::tempdir().unwrap();
        let link = other.path().join("config.toml");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let edits = Edits::of(Some(&link));
        let mut told = edits.told();
        std::fs::write(&real, "b").unwrap();
        told.changed().await.unwrap();
        let new = other.path().join("config.toml.new");
        std::fs::write(&new, "c").unwrap();
        std::fs::rename(&new, &link).unwrap();
        told.changed().await.unwrap();
        std::fs::write(other.path().join("another.toml"), "d").unwrap();
        let _ = std::fs::read(&link).unwrap();
        assert!(tokio::time::timeout(SETTLED * 3, told.changed()).await.is_err(), "nothing of it has changed");
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_no_failure() {
        let edits = Edits::of(Some(Path::new("/nowhere/at/all/config.toml")));
        assert!(edits.told().changed().await.is_err());
    }
}
