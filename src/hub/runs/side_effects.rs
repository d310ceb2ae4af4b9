//! What remediations have switched off: listed until somebody arms it again, or takes the remediation back.

use serde_json::json;

use super::super::journal::kept as without_secrets;
use super::{Runs, unread, unwritten};
use crate::domain::audit::{Action, Draft};
use crate::domain::in_force::SideEffect;
use crate::domain::text::SafeText;
use crate::domain::time::date_time;
use crate::ops::{OpsError, REASON_LEAST};

/// The longest reason that is kept, in characters.
const REASON: usize = 500;

impl Runs {
    /// What is switched off, the oldest first.
    pub(in crate::hub) async fn side_effects(&self) -> Result<Vec<SideEffect>, OpsError> {
        self.ledger().side_effects(self.context()).await.map_err(|error| unread(&error))
    }

    /// Notes that somebody has armed one again.
    pub(in crate::hub) async fn rearmed(&self, id: &str, reason: &str) -> Result<(), OpsError> {
        let id = SafeText::clipped(id, 40);
        let reason = SafeText::clipped(&without_secrets(reason.trim()), REASON);
        if reason.chars().filter(|c| !c.is_whitespace()).count() < REASON_LEAST {
            return Err(OpsError::Refused("a reason is needed, for the record".into()));
        }
        let (context, named, now) = (self.context(), id.to_string(), self.now());
        let by = self.gate.operator.to_string();
        let draft = self.journal.draft(now, Action::Rearm, format!("side effect {id}"), serde_json::Value::Null);
        let step = self.ledger().write(async move |writing| {
            let Some(kept) = writing.side_effect(&context, &named).await? else { return Ok(None) };
            if let Some((at, by)) = kept.ended {
                return Ok(Some(Err(format!("{named} was armed again at {} by {by}", date_time(at)))));
            }
            writing.rearmed(&named, now, &by, &reason).await?;
            let detail = json!({ "what": kept.effect.what, "text": reason });
            let remediation = Some(kept.effect.remediation.to_string());
            writing.audit(Draft { remediation, detail, ..draft }).await?;
            Ok(Some(Ok(())))
        });
        let done = step.await.map_err(|error| unwritten(&error))?;
        self.touched();
        match done {
            Some(done) => done.map_err(|why: String| OpsError::Refused(why.into())),
            None => Err(OpsError::NotFound(format!("there is no side effect {id}").into())),
        }
    }
}
