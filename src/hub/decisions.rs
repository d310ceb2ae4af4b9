//! What people decide of what drifts: that it is to be left alone for a while, said with a reason and an end, or that what
//! is there is what is wanted, said of the very difference that was seen. Kept in the ledger, told in the audit.
//!
//! What holds is kept in memory, and read anew once somebody else has written, as claims are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Hub;
use super::journal::{Journal, kept};
use super::ledger::{Decided, Reader, Version};
use crate::domain::audit::Action;
use crate::domain::decided::{Adoption, Decision, Ignore};
use crate::domain::drift::{DriftStatus, KnownDrift};
use crate::domain::ids::InstanceId;
use crate::domain::text::SafeText;
use crate::ops::{AdoptOf, IgnoreOf, OpsError, is_reason};

/// How often it is looked whether somebody else has said something.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Nothing is left alone for longer at one time.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 90);

/// And for no shorter.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// The longest reason that is kept, in characters.
const REASON: usize = 500;

/// What is decided in a context.
pub(super) struct Decisions {
    context: String,
    /// Where something can be said, or why it can't.
    journal: Result<Arc<Journal>, SafeText>,
    /// Where it can be seen what was said; `None` where nobody says anything.
    reader: Option<Reader>,
    known: Mutex<Known>,
}

/// What is known of it.
#[derive(Default)]
struct Known {
    /// As of which version of the ledger.
    version: Option<Version>,
    decided: Decided,
    /// How often it was found to be another one.
    changes: u64,
}

impl Decisions {
    pub(super) fn new(context: &str, journal: Result<Arc<Journal>, SafeText>, reader: Option<Reader>) -> Self {
        Self { context: context.to_owned(), journal, reader, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says of findings what was decided of them.
    pub(super) fn put_on(&self, findings: &mut [KnownDrift], now: Timestamp) {
        let known = self.known();
        for finding in findings {
            finding.decided(known.decided.get(&finding.finding.id), now);
        }
    }

    /// How often what is decided has become another one.
    pub(super) fn changes(&self) -> u64 {
        self.known().changes
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
        if lasting && version.is_some() && version == self.known().version {
            return false;
        }
        match reader.decisions(self.context.clone()).await {
            Ok(decided) => {
                let decided = decided.unwrap_or_default();
                let mut known = self.known();
                let changed = known.decided != decided;
                *known = Known { version, decided, changes: known.changes + u64::from(changed) };
                changed
            }
            Err(error) => {
                // What was known may still hold.
                tracing::warn!(%error, "what was decided of what drifts can't be read");
                false
            }
        }
    }
}

/// What is to be decided of a finding.
enum Wish {
    /// Something, in place of what was decided before.
    This(Decision),
    /// That it is not left alone any more.
    Heed,
    /// That what is there is not wanted any more.
    Disown,
}

impl Hub {
    /// Leaves a finding alone until a moment, or not any more.
    pub(super) async fn leave_alone(&self, ignore: &IgnoreOf) -> Result<KnownDrift, OpsError> {
        let now = (self.clock)();
        let (known, reason) = self.to_decide(&ignore.id, &ignore.reason)?;
        let wish = match ignore.until {
            None => Wish::Heed,
            Some(until) => {
                let lasting = until.duration_since(now);
                if lasting < SHORTEST || lasting > LONGEST {
                    return Err(refused("an end is needed: a minute to 90 days from now"));
                }
                let status = known.finding.status;
                if !matches!(status, DriftStatus::Drifted | DriftStatus::Ignored) {
                    return Err(refused(format!("only what has drifted is left alone, and it is {}", status.words())));
                }
                let by = self.gate.operator.clone();
                Wish::This(Decision::Ignore(Ignore { by, at: now, until, reason: reason.clone() }))
            }
        };
        let detail = json!({ "until": ignore.until, "reason": reason });
        self.write_down(&ignore.id, wish, Action::Ignore, detail).await
    }

    /// Says that what is there is what is wanted from now on, or not any more.
    pub(super) async fn adopted(&self, adopt: &AdoptOf) -> Result<KnownDrift, OpsError> {
        let now = (self.clock)();
        let (known, reason) = self.to_decide(&adopt.id, &adopt.reason)?;
        let wish = match &adopt.seen {
            None => Wish::Disown,
            Some(seen) => {
                if let Some(why) = self.refusal() {
                    return Err(OpsError::Refused(why));
                }
                if let Some(why) = known.unadoptable() {
                    return Err(refused(why));
                }
                if *seen != known.finding.seen() {
                    return Err(refused("it differs otherwise now than it did when it was looked at: look again"));
                }
                let by = self.gate.operator.clone();
                Wish::This(Decision::Adopt(Adoption { by, at: now, seen: seen.clone(), reason: reason.clone() }))
            }
        };
        let detail = json!({ "seen": adopt.seen, "reason": reason });
        self.write_down(&adopt.id, wish, Action::Adopt, detail).await
    }

    /// A finding of which something is to be decided, and why, as it is kept.
    fn to_decide(&self, id: &InstanceId, reason: &SafeText) -> Result<(KnownDrift, SafeText), OpsError> {
        if let Err(why) = &self.decisions.journal {
            return Err(refused(format!("nothing can be decided of it: {why}")));
        }
        let known = self.found(id)?;
        let reason = SafeText::clipped(&kept(reason.trim()), REASON);
        if !is_reason(&reason) {
            return Err(refused("a reason is needed, for the record"));
        }
        if !known.finding.exact_id {
            return Err(refused(super::executor::INEXACT));
        }
        Ok((known, reason))
    }

    /// Writes it down together with its entry of the audit. Gives the finding as it stands then.
    async fn write_down(
        &self,
        id: &InstanceId,
        wish: Wish,
        action: Action,
        detail: serde_json::Value,
    ) -> Result<KnownDrift, OpsError> {
        let decisions = &self.decisions;
        let journal = decisions.journal.as_ref().map_err(|why| OpsError::Refused(why.clone()))?;
        let draft = journal.draft((self.clock)(), action, id.to_string(), detail);
        let (context, own) = (decisions.context.clone(), id.clone());
        let done = journal
            .ledger()
            .write(async move |writing| {
                match &wish {
                    Wish::This(decision) => writing.decide(&context, &own, decision).await?,
                    Wish::Heed | Wish::Disown => {
                        // What somebody else has decided instead is not ended by this.
                        let nothing = match (writing.decided(&context, &own).await?, &wish) {
                            (Some(Decision::Ignore(_)), Wish::Heed) | (Some(Decision::Adopt(_)), Wish::Disown) => None,
                            (_, Wish::Disown) => Some("nobody has adopted it"),
                            _ => Some("nobody has said to leave it alone"),
                        };
                        if nothing.is_some() {
                            return Ok(nothing);
                        }
                        writing.forget(&context, &own).await?;
                    }
                }
                writing.audit(draft).await?;
                Ok(None)
            })
            .await;
        let nothing = done.map_err(|error| {
            OpsError::Journal(format!("nothing was done, because it can't be recorded: {error}").into())
        })?;
        if let Some(why) = nothing {
            return Err(refused(why));
        }
        // The ledger's version tells of what others write alone.
        decisions.known().version = None;
        decisions.look().await;
        self.changed();
        self.found(id)
    }
}

fn refused(why: impl Into<String>) -> OpsError {
    OpsError::Refused(why.into().into())
}
