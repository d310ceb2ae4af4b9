//! Files for the log: private, of bounded size and number, and never a reason to stop.
//!
//! Several processes may write at once: each appends whole lines, and whoever finds a file full moves it aside once.
//! `tracing-appender` bounds the number of files and not their size, and leaves their modes to the umask.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::domain::log::LogBook;
use crate::domain::text::SafeText;

/// A log in files `quarterdeck.log`, `quarterdeck.1.log` and so on, the last one the oldest.
pub(super) struct Capped {
    folder: PathBuf,
    /// How many files there are at most.
    files: u32,
    /// How many bytes each has at most.
    size: u64,
    open: Option<File>,
    /// What it tells of its own troubles.
    book: LogBook,
}

impl Capped {
    pub(super) fn new(folder: &Path, files: u32, size: u64, book: LogBook) -> Self {
        Self { folder: folder.to_owned(), files: files.max(1), size, open: None, book }
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(if number == 0 { "quarterdeck.log".to_owned() } else { format!("quarterdeck.{number}.log") })
    }

    fn line(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(self.begin()?);
        }
        let length = self.open.as_ref().map(File::metadata).transpose()?.map_or(0, |metadata| metadata.len());
        if length > 0 && length + bytes.len() as u64 > self.size {
            self.turn_over()?;
        }
        match &mut self.open {
            // One write, so that the lines of two processes do not mix.
            Some(file) => file.write_all(bytes),
            None => Ok(()),
        }
    }

    fn begin(&self) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // What others have made wider is made narrow again: it is ours, and nobody else's to read.
        std::fs::set_permissions(&self.folder, PermissionsExt::from_mode(0o700))?;
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.path(0))?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.mode() & 0o077 != 0 {
            file.set_permissions(PermissionsExt::from_mode(0o600))?;
        }
        Ok(file)
    }

    /// Moves the full file aside and begins a new one. Where another process has done so, that one's is taken.
    fn turn_over(&mut self) -> io::Result<()> {
        let own = self.open.take().as_ref().map(File::metadata).transpose()?.map(|metadata| metadata.ino());
        let there = std::fs::metadata(self.path(0)).ok().map(|metadata| metadata.ino());
        if own.is_some() && own == there {
            for number in (0..self.files.saturating_sub(1)).rev() {
                match std::fs::rename(self.path(number), self.path(number + 1)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            if self.files == 1 {
                std::fs::remove_file(self.path(0))?;
            }
        }
        self.open = Some(self.begin()?);
        Ok(())
    }
}

impl Write for Capped {
    /// Takes every line, whether it could be written or not: the program lives on, and the log in memory says why.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.line(bytes) {
            Ok(()) => self.book.set_problem(None),
            Err(error) => {
                self.open = None;
                let words = format!("{} can't be written: {error}", self.path(0).display());
                self.book.set_problem(Some(SafeText::new(&words)));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_private_few_and_small() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/log");
        let mut log = Capped::new(&folder, 3, 100, LogBook::default());
        for n in 0..100 {
            log.write_all(format!("line {n:03} {}\n", "x".repeat(20)).as_bytes()).unwrap();
        }
        assert_eq!(names(&folder), ["quarterdeck.1.log", "quarterdeck.2.log", "quarterdeck.log"]);
        for name in names(&folder) {
            let metadata = std::fs::metadata(folder.join(name)).unwrap();
            assert!(metadata.len() <= 100 && metadata.mode() & 0o777 == 0o600, "{metadata:?}");
        }
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert!(std::fs::read_to_string(folder.join("quarterdeck.log")).unwrap().contains("line 099"));
        assert!(std::fs::read_to_string(folder.join("quarterdeck.1.log")).unwrap().contains("line 096"));
    }

    #[test]
    fn two_processes_lose_no_line() {
        let home = tempfile::tempdir().unwrap();
        let log = || Capped::new(home.path(), 10, 200, LogBook::default());
        let (mut a, mut b) = (log(), log());
        for n in 0..20 {
            a.write_all(format!("a{n:02} {}\n", "x".repeat(15)).as_bytes()).unwrap();
            b.write_all(format!("b{n:02} {}\n", "x".repeat(15)).as_bytes()).unwrap();
        }
        let text: String =
            names(home.path()).iter().map(|name| std::fs::read_to_string(home.path().join(name)).unwrap()).collect();
        for n in 0..20 {
            assert!(text.contains(&format!("a{n:02} ")) && text.contains(&format!("b{n:02} ")), "{n}: {text}");
        }
    }

    #[test]
    fn a_disk_that_is_full_or_a_folder_that_cannot_be_made_stops_nothing() {
        let home = tempfile::tempdir().unwrap();
        let book = LogBook::default();
        let in_the_way = home.path().join("file");
        std::fs::write(&in_the_way, "").unwrap();
        let mut log = Capped::new(&in_the_way.join("log"), 3, 100, book.clone());
        log.write_all(b"a line\n").unwrap();
        let problem = book.view().problem.unwrap();
        assert!(problem.contains("can't be written"), "{problem}");
        // Once it can be written again, nothing is wrong any more.
        std::fs::remove_file(&in_the_way).unwrap();
        log.write_all(b"a line\n").unwrap();
        assert_eq!(book.view().problem, None);
        // A device that is full.
        let full = home.path().join("full");
        std::fs::create_dir(&full).unwrap();
        std::os::unix::fs::symlink("/dev/full", full.join("quarterdeck.log")).unwrap();
        let mut log = Capped::new(&full, 3, 100, book.clone());
        log.write_all(b"a line\n").unwrap();
        let problem = book.view().problem.unwrap();
        assert!(problem.contains("No space left"), "{problem}");
    }
}
