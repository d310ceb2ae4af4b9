//! Putting a service back to earlier code, once all that was stuck on the bad code is verified on the earlier one. Asked
//! for once, recorded before and after, and seen by what the engine tells of its deployments.

use std::time::Duration;

use serde_json::json;

use super::super::ledger::LedgerError;
use super::carry::Carrying;
use crate::connect::ActAnswer;
use crate::domain::audit::Action;
use crate::domain::deployment::service_of;
use crate::domain::remedy::SwitchedOff;
use crate::domain::text::SafeText;
use crate::domain::wide::WideState;
use crate::hub::own::PUT_BACK_VERB;

/// What stands in the ledger from before it is asked for until it is known what became of it.
const SENDING: &str = "sending";

/// How often, and how many times, it is looked whether it holds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOKS: usize = 15;

/// What came of putting a service back.
pub(super) struct Back {
    /// How the whole stands then.
    pub(super) state: WideState,
    /// In which words.
    pub(super) words: String,
    /// Whether what it switches off is off now; `None` where nobody knows.
    switched: Option<bool>,
}

impl Back {
    /// What is switched off by it, as the ledger tells it.
    pub(super) fn switched_off(&self, off: &[SwitchedOff]) -> Vec<SwitchedOff> {
        let unknown = |off: &SwitchedOff| SwitchedOff {
            what: format!("UNKNOWN whether: {}", off.what).into(),
            way_back: off.way_back.clone(),
        };
        match self.switched {
            Some(true) => off.to_vec(),
            Some(false) => Vec::new(),
            None => off.iter().map(unknown).collect(),
        }
    }
}

impl Carrying {
    /// Puts the service back where the plan says so; gives what came of it.
    pub(super) async fn put_back(&mut self) -> Option<Back> {
        let (flow, from, to) = self.plan.frozen.puts_back()?;
        let (flow, from, to) = (flow.clone(), from.clone(), to.clone());
        let source = self.items.first()?.source.clone();
        let connector = self.runs.connector(&source)?.clone();
        let subject = format!("{source}/{}", service_of(&flow));
        let mut answered = false;
        if self.head.put_back.is_none() {
            let detail = json!({ "verb": PUT_BACK_VERB, "service": service_of(&flow), "from": from, "to": to });
            match self.note(Some(SENDING), Action::Act, &subject, detail).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.broken(&error);
                    return None;
                }
            }
            let answer = connector.put_back(&flow, &from, &to).await;
            let words = match &answer {
                ActAnswer::Accepted | ActAnswer::Done | ActAnswer::Began(_) => "taken by the engine".to_owned(),
                ActAnswer::Refused(why) | ActAnswer::Gone(why) => format!("refused: {why}"),
                ActAnswer::Unknown(why) => format!("UNKNOWN whether the engine took it: {why}"),
            };
            answered = !matches!(answer, ActAnswer::Unknown(_));
            let detail = json!({ "text": words });
            if let Err(error) = self.note(Some(SENDING), Action::Answer, &subject, detail).await {
                tracing::error!(%error, "the answer can't be recorded");
            }
            if let ActAnswer::Refused(why) | ActAnswer::Gone(why) = answer {
                let words = format!("the service was NOT put back: {why}");
                return Some(Back { state: WideState::Partial, words, switched: Some(false) });
            }
        }
        let mut seen = SafeText::default();
        for _ in 0..LOOKS {
            match connector.deployments(&flow).await {
                Ok(all) => match all.iter().find(|one| one.current) {
                    Some(current) if current.id == to => {
                        let words = format!("the service is back on {to}, from {from}");
                        return Some(Back { state: WideState::Succeeded, words, switched: Some(true) });
                    }
                    Some(current) => seen = format!("it is on {}", current.id).into(),
                    None => seen = "it is on no deployment".into(),
                },
                Err(error) => seen = format!("it can't be looked at: {error}").into(),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Some(if answered {
            // The engine took it: what it switches off may be off, whatever is to be seen of it.
            let words = format!("the service is NOT back: {seen}");
            Back { state: WideState::Partial, words, switched: None }
        } else {
            let words = format!("UNKNOWN whether the service was put back; not asked again: {seen}");
            Back { state: WideState::Unknown, words, switched: None }
        })
    }

    /// Records a step of it, where the remediation still runs; gives whether it does.
    async fn note(
        &mut self,
        stands: Option<&str>,
        action: Action,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<bool, LedgerError> {
        let entry = self.runs.entry(action, &self.head, subject.to_owned(), detail);
        let (id, stands) = (self.head.id.clone(), stands.map(str::to_owned));
        let first = action == Action::Act;
        let noted = self
            .runs
            .ledger()
            .write(async move |writing| {
                let Some(mut there) = writing.remediation(&id).await? else { return Ok(None) };
                if first && (!there.state.runs() || there.put_back.is_some()) {
                    return Ok(Some((false, there)));
                }
                there.put_back = stands;
                writing.stands(&there).await?;
                writing.audit(entry).await?;
                Ok(Some((true, there)))
            })
            .await?;
        let Some((goes_on, there)) = noted else { return Ok(false) };
        if first || !there.state.runs() {
            self.head = there;
        } else {
            self.head.put_back = there.put_back;
        }
        Ok(goes_on)
    }
}
