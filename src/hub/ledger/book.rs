//! The audit as it is read: listed, exported, and verified against the note of its end.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Connection as _, SqliteConnection};

use super::error::LedgerError;
use super::{audit, file, head, migrations, sqlite};
use crate::domain::audit::{Action, Broken, Entry, Head, Walk};

/// What a look along the whole chain came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many entries there are, up to the first broken link.
    pub count: u64,
    /// The last of them.
    pub head: Head,
    /// What `audit.head` says is the last one; `None` where it says nothing.
    pub noted: Option<Head>,
    /// How many entries come after the noted one and go on from it: a process ended before it could note them.
    pub behind: u64,
    /// The entries before which the note was missing: whether an end was cut there, nobody can tell.
    pub unanchored: BTreeSet<u64>,
    /// The first broken link.
    pub broken: Option<Broken>,
}

/// The audit of a state directory, open for reading alone.
#[derive(Debug)]
pub struct Book {
    directory: PathBuf,
    /// `None` where nothing was ever recorded.
    connection: Option<SqliteConnection>,
}

/// A chosen part of the audit.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only what happened since then.
    pub since: Option<Timestamp>,
    /// Only what belongs to this context.
    pub context: Option<String>,
    /// Of a list: the last ones, at most so many.
    pub last: Option<usize>,
}

impl Choice {
    fn takes(&self, entry: &Entry) -> bool {
        self.since.is_none_or(|since| entry.at_ms >= since.as_millisecond())
            && self.context.as_ref().is_none_or(|context| entry.context == *context)
    }
}

impl Book {
    /// Opens the audit of a state directory. Nothing is made or changed there.
    ///
    /// # Errors
    /// Where there is a ledger that can't be read, in words.
    pub async fn open(directory: &Path) -> Result<Self, LedgerError> {
        let path = file(directory);
        let connection = if path.exists() {
            let opened = async {
                sqlite::private(&path)?;
                let mut connection = sqlite::connect_to_read(&path).await?;
                let found = migrations::version(&mut connection, &path).await?;
                migrations::not_newer(found, migrations::ALL, &path)?;
                Ok((found > 0).then_some(connection))
            };
            opened.await.map_err(|error: LedgerError| error.at(&path))?
        } else {
            None
        };
        Ok(Self { directory: directory.to_owned(), connection })
    }

    /// The chosen entries, the newest first, and how many of the rows that were looked at are no entries.
    ///
    /// # Errors
    /// Where the ledger can't be read.
    pub async fn entries(&mut self, choice: &Choice) -> Result<(Vec<Entry>, usize), LedgerError> {
        let path = file(&self.directory);
        let mut taken = Taken::of(choice);
        if let Some(connection) = &mut self.connection {
            let read = audit::each(connection, true, |entry| {
                taken.look(entry.as_ref());
                let enough = choice.last.is_some_and(|last| taken.entries.len() >= last);
                if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            read.await.map_err(|error| error.at(&path))?;
        }
        Ok((taken.entries, taken.unreadable))
    }

    /// Goes along the whole chain, and holds its end against the note.
    ///
    /// # Errors
    /// Where the ledger can't be read for a reason that says nothing about the chain: it is locked, or not to be had.
    /// What is damaged or missing is a broken link.
    pub async fn verify(&mut self) -> Result<Verification, LedgerError> {
        self.verify_against(None).await
    }

    /// As [`Book::verify`], and also whether the entry is in the chain that was its end at another time, from an export
    /// or an earlier look.
    ///
    /// # Errors
    /// As [`Book::verify`].
    pub async fn verify_against(&mut self, elsewhere: Option<&Head>) -> Result<Verification, LedgerError> {
        self.look(elsewhere, |_| {}).await
    }

    /// As [`Book::verify`], and the chosen entries of the same moment, the oldest first.
    ///
    /// # Errors
    /// As [`Book::verify`].
    pub async fn whole(&mut self, choice: &Choice) -> Result<(Verification, Vec<Entry>, usize), LedgerError> {
        let mut taken = Taken::of(choice);
        let found = self.look(None, |entry| taken.look(entry)).await?;
        Ok((found, taken.entries, taken.unreadable))
    }

    async fn look(
        &mut self,
        elsewhere: Option<&Head>,
        mut take: impl FnMut(Result<&Entry, &audit::Unreadable>),
    ) -> Result<Verification, LedgerError> {
        let path = file(&self.directory);
        let (noted, unnoted) = match head::read(&self.directory) {
            Ok(noted) => (noted, None),
            Err(LedgerError::Broken { why, .. }) => (None, Some(why)),
            Err(error) => return Err(error),
        };
        let ends = [(noted.as_ref(), "audit.head says"), (elsewhere, "the end that was given says")];
        let ends: Vec<(&Head, &str)> = ends.into_iter().filter_map(|(head, name)| Some((head?, name))).collect();
        let mut walk = Walk::default();
        let mut broken: Option<Broken> = None;
        let mut unanchored = BTreeSet::new();
        if let Some(connection) = &mut self.connection {
            let looked = async {
                // The note is older than what is read from here on: what is written meanwhile is none of this.
                let mut moment = connection.begin().await?;
                sqlite::check(&mut moment, &path).await?;
                audit::each(&mut moment, false, |entry| {
                    take(entry.as_ref());
                    if broken.is_some() {
                        return ControlFlow::Continue(());
                    }
                    let due = walk.head().sequence + 1;
                    let step =
                        entry.map_err(|audit::Unreadable(why)| Broken { sequence: due, why }).and_then(|entry| {
                            walk.step(&entry)?;
                            if entry.action == Action::Unanchored.name() {
                                unanchored.insert(due);
                            }
                            match ends.iter().find(|(end, _)| end.sequence == due && end.hash != entry.hash) {
                                Some((_, name)) => {
                                    Err(Broken { sequence: due, why: format!("it is another one than {name}") })
                                }
                                None => Ok(()),
                            }
                        });
                    broken = step.err();
                    ControlFlow::Continue(())
                })
                .await
            };
            match looked.await.map_err(|error| error.at(&path)) {
                Ok(()) => {}
                Err(LedgerError::Corrupt { why, .. }) => {
                    let why = format!("the ledger is damaged: {why}");
                    broken.get_or_insert(Broken { sequence: walk.head().sequence + 1, why });
                }
                Err(error) => return Err(error),
            }
        }
        let head = walk.head().clone();
        if broken.is_none() {
            broken = without_end(&head, &ends, noted.is_none(), unnoted);
        }
        let behind = noted.as_ref().map_or(0, |noted| head.sequence.saturating_sub(noted.sequence));
        Ok(Verification { count: head.sequence, head, noted, behind, unanchored, broken })
    }
}

/// What is missing behind the last entry.
fn without_end(head: &Head, ends: &[(&Head, &str)], unnoted: bool, why: Option<String>) -> Option<Broken> {
    let sequence = head.sequence + 1;
    if let Some((end, name)) = ends.iter().find(|(end, _)| end.sequence > head.sequence) {
        let (due, there) = (end.sequence, head.sequence);
        let why = format!(
            "it is missing, with all that came after: {name} that there are {due} entries, and there are {there}"
        );
        return Some(Broken { sequence, why });
    }
    if unnoted && (head.sequence > 0 || why.is_some()) {
        let why = why.unwrap_or_else(|| "audit.head is missing".to_owned());
        return Some(Broken { sequence, why: format!("{why}: whether an end was cut, nobody can tell") });
    }
    None
}

/// Keeps what was chosen of the entries that come by.
struct Taken<'a> {
    choice: &'a Choice,
    entries: Vec<Entry>,
    unreadable: usize,
}

impl<'a> Taken<'a> {
    fn of(choice: &'a Choice) -> Self {
        Self { choice, entries: Vec::new(), unreadable: 0 }
    }

    fn look(&mut self, entry: Result<&Entry, &audit::Unreadable>) {
        match entry {
            Err(_) => self.unreadable += 1,
            Ok(entry) if self.choice.takes(entry) => {
                self.entries.push(entry.clone());
            }
            Ok(_) => {}
        }
    }
}
