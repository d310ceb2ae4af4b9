//! What drifts and is to be left alone for a while: said with a reason and an end, kept in the ledger, told in the audit.
//!
//! What holds is kept in memory, and read anew once somebody else has written, as claims are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Hub;
use super::journal::{Journal, kept};
use super::ledger::{Ignored, Reader, Version};
use crate::domain::audit::Action;
use crate::domain::drift::{DriftStatus, Ignore, KnownDrift};
use crate::domain::text::SafeText;
use crate::ops::{IgnoreOf, OpsError, is_reason};

/// How often it is looked whether somebody else has said something.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Nothing is left alone for longer at one time.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 90);

/// And for no shorter.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// The longest reason that is kept, in characters.
const REASON: usize = 500;

/// What is left alone in a context.
pub(super) struct Ignores {
    context: String,
    /// Where something can be said, or why it can't.
    journal: Result<Arc<Journal>, SafeText>,
    /// Where it can be seen what was said; `None` where nobody says anything.
    reader: Option<Reader>,
    known: Mutex<(Option<Version>, Ignored)>,
}

impl Ignores {
    pub(super) fn new(context: &str, journal: Result<Arc<Journal>, SafeText>, reader: Option<Reader>) -> Self {
        Self { context: context.to_owned(), journal, reader, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, (Option<Version>, Ignored)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says of findings whether they are left alone.
    pub(super) fn put_on(&self, findings: &mut [KnownDrift], now: Timestamp) {
        let known = self.known();
        for finding in findings {
            finding.ignore = known.1.get(&finding.finding.id).filter(|ignore| now < ignore.until).cloned();
        }
    }

    /// Looks for what others say, for as long as it is awaited.
    pub(super) async fn mind(self: Arc<Self>, changed: impl Fn()) {
        loop {
            if self.look().await {
                changed();
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Looks for what others say. Gives whether anything is another one now.
    pub(super) async fn look(&self) -> bool {
        let Some(reader) = &self.reader else { return false };
        let version = reader.version().await.ok().flatten();
        let lasting = reader.directory().is_some();
        if lasting && version.is_some() && version == self.known().0 {
            return false;
        }
        match reader.ignores(self.context.clone()).await {
            Ok(ignored) => {
                let ignored = ignored.unwrap_or_default();
                let mut known = self.known();
                let changed = known.1 != ignored;
                *known = (version, ignored);
                changed
            }
            Err(error) => {
                // What was known may still hold.
                tracing::warn!(%error, "what is left alone can't be read");
                false
            }
        }
    }
}

impl Hub {
    /// Leaves a finding alone until a moment, or not any more.
    pub(super) async fn leave_alone(&self, ignore: &IgnoreOf) -> Result<KnownDrift, OpsError> {
        let refused = |why: String| OpsError::Refused(why.into());
        let ignores = &self.ignores;
        let journal = ignores.journal.as_ref().map_err(|why| refused(format!("nothing can be left alone: {why}")))?;
        let (id, now) = (&ignore.id, (self.clock)());
        let known = self.found(id)?;
        let reason = SafeText::clipped(&kept(ignore.reason.trim()), REASON);
        if !is_reason(&reason) {
            return Err(refused("a reason is needed, for the record".to_owned()));
        }
        let said = match ignore.until {
            None => None,
            Some(until) => {
                let lasting = until.duration_since(now);
                if lasting < SHORTEST || lasting > LONGEST {
                    return Err(refused("an end is needed: a minute to 90 days from now".to_owned()));
                }
                let status = known.finding.status;
                if !matches!(status, DriftStatus::Drifted | DriftStatus::Ignored) {
                    let why = format!("only what has drifted is left alone, and it is {}", status.words());
                    return Err(refused(why));
                }
                if !known.finding.exact_id {
                    return Err(refused(super::executor::INEXACT.to_owned()));
                }
                Some(Ignore { by: self.gate.operator.clone(), at: now, until, reason: reason.clone() })
            }
        };
        let detail = json!({ "until": ignore.until, "reason": reason });
        let draft = journal.draft(now, Action::Ignore, id.to_string(), detail);
        let (context, own) = (ignores.context.clone(), id.clone());
        let there = journal
            .ledger()
            .write(async move |writing| {
                match &said {
                    Some(said) => writing.ignore(&context, &own, said).await?,
                    None => {
                        if !writing.end_ignore(&context, &own).await? {
                            return Ok(false);
                        }
                    }
                }
                writing.audit(draft).await?;
                Ok(true)
            })
            .await;
        let there = there.map_err(|error| {
            OpsError::Journal(format!("nothing was done, because it can't be recorded: {error}").into())
        })?;
        if !there {
            return Err(refused("nobody has said to leave it alone".to_owned()));
        }
        // The ledger's version tells of what others write alone.
        ignores.known().0 = None;
        ignores.look().await;
        self.changed();
        self.found(id)
    }
}
