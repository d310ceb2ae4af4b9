//! Claims: who has a cohort in hand, has seen it or has put it aside, and until when, as the ledger has it.
//!
//! What holds is kept in memory and read anew once somebody else has written, so that a board asks no disk. What is said
//! is decided in the ledger's transaction: two who press Enter in one moment are not both told yes. Who may not write,
//! or can't, sees what others say and says nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::journal::{Journal, kept};
use super::ledger::{CLAIMS_BEFORE, How, ITSELF, LedgerError, Reader, Said, Version, Writing};
use crate::domain::audit::{Action, Draft};
use crate::domain::claim::{Claim, ClaimChange, ClaimRequest, LONGEST, NOTE_MAX, SHORTEST};
use crate::domain::cohort::Cohort;
use crate::domain::hash::digest;
use crate::domain::text::SafeText;
use crate::domain::time::clock;
use crate::ops::OpsError;

/// How often it is looked whether somebody else has said something.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// As the audit tells what was said of a cohort, and in place of what.
pub(super) fn told_of_making(claim: &Claim, before: Option<&Claim>) -> Value {
    json!({
        "claim": claim.id, "kind": claim.kind.name(), "until": claim.until, "note": claim.note, "count": claim.count,
        "tenants": claim.tenants, "replaces": before.filter(|before| !before.expired(claim.at)).map(|before| &before.id),
    })
}

/// As the audit tells that it counts no longer.
pub(super) fn told_of_end(claim: Option<&Claim>, how: How) -> Value {
    json!({
        "claim": claim.map(|claim| &claim.id), "kind": claim.map(|claim| claim.kind.name()),
        "by": claim.map(|claim| &claim.by), "how": how.name(),
    })
}

/// Every claim that may still hold.
#[derive(Debug)]
pub(super) struct Claims {
    context: SafeText,
    operator: SafeText,
    /// Where something can be said, or why it can't.
    journal: Result<Arc<Journal>, SafeText>,
    /// Where it can be seen what was said; `None` where nobody says anything.
    reader: Option<Reader>,
    known: Mutex<Known>,
    /// Held while the ledger is looked at or written, so that nothing older takes the place of what was written last.
    turn: tokio::sync::Mutex<()>,
    made: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    /// Whether it was ever looked.
    looked: bool,
    /// As of which version of the ledger; `None` where that is not known.
    version: Option<Version>,
    by_cohort: HashMap<SafeText, Claim>,
    /// Claims that were seen to be outgrown, by their ids, and when: they count no longer, whether or not that is recorded
    /// yet.
    outgrown: BTreeMap<SafeText, (Claim, Timestamp)>,
    /// Why what was outgrown can't be recorded.
    unrecorded: Option<SafeText>,
    /// What is wrong with what is known.
    note: Option<SafeText>,
}

impl Claims {
    /// The claims of a context. Where there is no journal, it says why.
    pub(super) fn new(
        context: &str,
        operator: &str,
        journal: Result<Arc<Journal>, SafeText>,
        reader: Option<Reader>,
    ) -> Self {
        Self {
            context: context.into(),
            operator: operator.into(),
            journal,
            reader,
            known: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            made: AtomicU64::new(0),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the claims that hold on the cohorts; those of a `whole` board, which no filter chose, may have outgrown
    /// theirs, which is recorded with the next look. Tells what went wrong.
    pub(super) fn put_on(&self, cohorts: &mut [Cohort], whole: bool, now: Timestamp) -> Option<SafeText> {
        let mut known = self.known();
        for cohort in cohorts {
            let Some(claim) = known.by_cohort.get(&cohort.id).filter(|claim| !claim.expired(now)).cloned() else {
                continue;
            };
            // What a filter leaves of a cohort says nothing of its growth.
            if whole && claim.outgrown(cohort) {
                known.by_cohort.remove(&cohort.id);
                known.outgrown.insert(claim.id.clone(), (claim, now));
            } else {
                cohort.claim = Some(claim);
            }
        }
        known.unrecorded.clone().or_else(|| known.note.clone())
    }

    /// Every claim that holds, whatever has become of its cohort.
    pub(super) fn in_force(&self, now: Timestamp) -> Vec<Claim> {
        self.known().by_cohort.values().filter(|claim| !claim.expired(now)).cloned().collect()
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

    /// Looks for what others say, unless it was looked before.
    pub(super) async fn first_look(&self) {
        if !self.known().looked {
            self.look().await;
        }
    }

    /// Looks for what others say, and records what was outgrown. Gives whether anything is another one now.
    pub(super) async fn look(&self) -> bool {
        let _turn = self.turn.lock().await;
        let Some(reader) = &self.reader else { return false };
        self.record_outgrown().await;
        let (told, version) = match self.read(reader).await {
            Ok(None) => {
                self.known().looked = true;
                return false;
            }
            Ok(Some((said, version))) => (Ok(said), version),
            Err(error) => (Err(SafeText::from(format!("claims: {error}"))), None),
        };
        let mut known = self.known();
        known.looked = true;
        known.version = version;
        let (said, note) = match told {
            Ok(Some(said)) => {
                let rows = if said.unreadable == 1 { "claim" } else { "claims" };
                let note = (said.unreadable > 0).then(|| format!("{} {rows} can't be read", said.unreadable).into());
                (said.claims, note)
            }
            Ok(None) => (Vec::new(), old_record(reader)),
            // What was known may still hold.
            Err(why) => {
                let new = known.note.replace(why);
                return new != known.note;
            }
        };
        known.outgrown.retain(|id, _| said.iter().any(|claim| claim.id == *id));
        let by_cohort: HashMap<SafeText, Claim> = said
            .into_iter()
            .filter(|claim| !known.outgrown.contains_key(&claim.id))
            .map(|claim| (claim.cohort.clone(), claim))
            .collect();
        let changed = known.by_cohort != by_cohort || known.note != note;
        (known.by_cohort, known.note) = (by_cohort, note);
        changed
    }

    /// What is said now and as of which version; `None` where nobody has written since it was read.
    async fn read(&self, reader: &Reader) -> Result<Option<(Option<Said>, Option<Version>)>, LedgerError> {
        let version = reader.version().await?;
        // One in memory may have more than one hub, of which nobody tells the other.
        let lasting = reader.directory().is_some();
        if lasting && version.is_some() && version == self.known().version {
            return Ok(None);
        }
        let said = reader.claims(self.context.to_string()).await?;
        // Nothing says when a ledger of an older version has become one of this.
        let version = version.filter(|_| said.is_some());
        Ok(Some((said, version)))
    }

    /// Records what was outgrown. Where that can't be done it is tried again with the next look.
    async fn record_outgrown(&self) {
        let Ok(journal) = &self.journal else { return };
        let outgrown = self.outgrown();
        if outgrown.is_empty() {
            return;
        }
        let entries = ends_of(journal, &outgrown);
        let recorded = journal.ledger().write(async move |writing| end_outgrown(writing, entries).await).await;
        if recorded.is_ok() {
            self.forget(&outgrown);
        }
        let why = recorded.err().map(|error| SafeText::from(format!("what was outgrown can't be recorded: {error}")));
        let before = std::mem::replace(&mut self.known().unrecorded, why.clone());
        // It is tried each second, and told once.
        if let (Some(why), None) = (why, before) {
            tracing::warn!(%why, "claims");
        }
    }

    fn outgrown(&self) -> Vec<(Claim, Timestamp)> {
        self.known().outgrown.values().cloned().collect()
    }

    fn forget(&self, outgrown: &[(Claim, Timestamp)]) {
        let mut known = self.known();
        for (claim, _) in outgrown {
            known.outgrown.remove(&claim.id);
        }
    }

    /// Makes a claim or takes it back. `cohort` is as it is now.
    pub(super) async fn change(
        &self,
        request: ClaimRequest,
        cohort: &Cohort,
        now: Timestamp,
    ) -> Result<Option<Claim>, OpsError> {
        let refused = |why: String| OpsError::Refused(why.into());
        let journal = self.journal.as_ref().map_err(|why| refused(format!("claims can't be changed: {why}")))?;
        let claim = match &request.what {
            ClaimChange::Release => None,
            ClaimChange::Make { kind, until, note } => {
                let length = until.duration_since(now);
                if length < SHORTEST || length > LONGEST {
                    return Err(refused("a claim needs an end: a minute to a week from now".into()));
                }
                let made = self.made.fetch_add(1, Ordering::Relaxed);
                let serial = format!("{} {} {made}", now.as_nanosecond(), std::process::id());
                Some(Claim {
                    id: digest(&[&request.cohort, &self.operator, &serial], 6),
                    cohort: request.cohort.clone(),
                    kind: *kind,
                    by: self.operator.clone(),
                    at: now,
                    until: *until,
                    note: Some(SafeText::clipped(kept(note.trim()).as_str(), NOTE_MAX)).filter(|note| !note.is_empty()),
                    count: cohort.count,
                    tenants: cohort.tenants,
                })
            }
        };
        let _turn = self.turn.lock().await;
        let outgrown = self.outgrown();
        let change = Change {
            context: self.context.to_string(),
            operator: self.operator.clone(),
            request,
            claim: claim.clone(),
            ends: ends_of(journal, &outgrown),
            now,
        };
        let drafts = journal.clone();
        // It is carried through even where nobody waits for it any more: then what is known is to be read anew.
        self.known().version = None;
        let written = journal.ledger().write(async move |writing| change.carried_out(writing, &drafts).await).await;
        written.map_err(|error| OpsError::Journal(format!("the claim can't be recorded: {error}").into()))??;
        self.forget(&outgrown);
        let mut known = self.known();
        match &claim {
            Some(claim) => known.by_cohort.insert(claim.cohort.clone(), claim.clone()),
            None => known.by_cohort.remove(&cohort.id),
        };
        Ok(claim)
    }
}

/// What somebody asks for, as it is decided where nobody else can write.
struct Change {
    context: String,
    operator: SafeText,
    request: ClaimRequest,
    /// What is to be said; `None` to take it back.
    claim: Option<Claim>,
    /// What was outgrown before.
    ends: Vec<(Claim, Draft)>,
    now: Timestamp,
}

impl Change {
    /// The outer error is the ledger's; with the inner one nothing was changed.
    async fn carried_out(
        self,
        writing: &mut Writing<'_>,
        journal: &Journal,
    ) -> Result<Result<(), OpsError>, LedgerError> {
        end_outgrown(writing, self.ends).await?;
        let (now, cohort) = (self.now, &self.request.cohort);
        let last = writing.claim_on(&self.context, cohort).await?;
        let holds = last.filter(|claim| !claim.expired(now));
        if let Some(other) = &holds
            && other.by != self.operator
            && self.request.over.as_ref() != Some(&other.id)
        {
            let (by, until) = (&other.by, clock(other.until));
            return Ok(Err(OpsError::Changed(format!("{by} has it until {until} UTC; nothing was changed").into())));
        }
        let (action, detail) = match (&self.claim, &holds) {
            (Some(claim), before) => {
                writing.make_claim(&self.context, claim).await?;
                (Action::Claim, told_of_making(claim, before.as_ref()))
            }
            (None, Some(claim)) => {
                writing.end_claim(&claim.id, now, &self.operator, How::Released).await?;
                (Action::Release, told_of_end(Some(claim), How::Released))
            }
            (None, None) => return Ok(Err(OpsError::Refused("nobody has claimed it".into()))),
        };
        writing.audit(journal.draft(now, action, subject(cohort), detail)).await?;
        Ok(Ok(()))
    }
}

fn subject(cohort: &str) -> String {
    format!("cohort {cohort}")
}

/// The entries that claims were outgrown.
fn ends_of(journal: &Journal, outgrown: &[(Claim, Timestamp)]) -> Vec<(Claim, Draft)> {
    let end = |(claim, at): &(Claim, Timestamp)| {
        let detail = told_of_end(Some(claim), How::Outgrown);
        let draft = journal.draft(*at, Action::Release, subject(&claim.cohort), detail);
        // Nobody did it, whoever looks.
        (claim.clone(), Draft { actor: ITSELF.to_owned(), trusted: None, ..draft })
    };
    outgrown.iter().map(end).collect()
}

/// Ends claims that were outgrown, unless another process has done so, and records it.
async fn end_outgrown(writing: &mut Writing<'_>, ends: Vec<(Claim, Draft)>) -> Result<(), LedgerError> {
    for (claim, draft) in ends {
        if writing.end_claim(&claim.id, draft.at, ITSELF, How::Outgrown).await? {
            writing.audit(draft).await?;
        }
    }
    Ok(())
}

/// That there are claims of an older version, which only who writes takes over.
fn old_record(reader: &Reader) -> Option<SafeText> {
    let path = reader.directory()?.join(CLAIMS_BEFORE);
    let told =
        || format!("{} is of an older version: its claims are seen once a cockpit has taken them over", path.display());
    path.exists().then(|| told().into())
}

#[cfg(test)]
mod tests;
