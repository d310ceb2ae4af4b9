//! `claims.jsonl`: a line for each claim that was made, taken back or outgrown.

use jiff::Timestamp;
use serde::Deserialize;

use super::super::claims::{ANY, How};
use super::super::error::LedgerError;
use super::super::{ITSELF, Writing};
use super::told;
use crate::domain::audit::Action;
use crate::domain::claim::{Claim, ClaimKind, NOTE_MAX};
use crate::domain::text::SafeText;
use crate::hub::claims::{told_of_end, told_of_making};

/// Its name.
pub(in crate::hub) const NAME: &str = "claims.jsonl";

/// A line.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    at: Timestamp,
    cohort: String,
    by: String,
    #[serde(flatten)]
    event: Event,
}

/// What it tells of a cohort.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    /// A claim is made, in place of the one there was.
    Made {
        id: String,
        kind: ClaimKind,
        until: Timestamp,
        #[serde(default)]
        note: String,
        count: u64,
        tenants: u64,
    },
    /// It is taken back.
    Released,
    /// The cohort outgrew the claim of this id.
    Outgrown { id: String },
}

/// Takes its lines over.
pub(super) async fn take(writing: &mut Writing<'_>, lines: Vec<Line>) -> Result<(), LedgerError> {
    for Line { at, cohort, by, event } in lines {
        let before = writing.claim_on(ANY, &cohort).await?;
        let (actor, action, detail) = match event {
            Event::Made { id, kind, until, note, count, tenants } => {
                let claim = Claim {
                    id: id.into(),
                    cohort: cohort.as_str().into(),
                    kind,
                    by: SafeText::clipped(&by, NOTE_MAX),
                    at,
                    until,
                    note: Some(SafeText::clipped(&note, NOTE_MAX)).filter(|note| !note.is_empty()),
                    count,
                    tenants,
                };
                writing.make_claim(ANY, &claim).await?;
                (by, Action::Claim, told_of_making(&claim, before.as_ref()))
            }
            Event::Released => {
                if let Some(before) = &before {
                    writing.end_claim(&before.id, at, &by, How::Released).await?;
                }
                (by, Action::Release, told_of_end(before.as_ref(), How::Released))
            }
            Event::Outgrown { id } => {
                writing.end_claim(&id, at, ITSELF, How::Outgrown).await?;
                let of = before.filter(|before| *before.id == *id);
                (ITSELF.to_owned(), Action::Release, told_of_end(of.as_ref(), How::Outgrown))
            }
        };
        let actor = SafeText::clipped(&actor, NOTE_MAX).to_string();
        writing.audit(told(NAME, at, actor, action, format!("cohort {cohort}"), detail)).await?;
    }
    Ok(())
}
