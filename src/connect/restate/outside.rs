//! What was done to a Restate, whoever did it: what its tables keep of it.
//!
//! - cancelled and killed: completions with the engine's own text for that. What was cancelled before it began, and what
//!   was purged, has left no trace. Where a caller ended in the same way it is named: one act ends both.
//! - restarted as new: `restarted_from`.
//! - paused by a person, as long as it is paused: as the header of [`super`] says.
//! - deployments: `sys_deployment`. One that was registered anew has the time of that.
//!
//! A resume leaves no trace.

use jiff::Timestamp;
use serde::Deserialize;

use super::row::flow_name;
use super::{ConnectError, Restate, sql};
use crate::connect::answer::Row;
use crate::domain::outside::OutsideAct;
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// How many of each kind are read, the newest ones. Large, since what Quarterdeck did itself is among them.
pub(super) const MOST: usize = 5_000;

/// The longest id and name that are shown, in characters.
const SHOWN: usize = 200;

/// How many services of a deployment are named.
const NAMED: usize = 3;

#[derive(Deserialize)]
struct EndedRow {
    id: String,
    target_service_name: String,
    target_handler_name: String,
    completion_failure: String,
    completed_at: Timestamp,
    caller: Option<String>,
}

#[derive(Deserialize)]
struct RestartedRow {
    id: String,
    restarted_from: String,
    target_service_name: String,
    target_handler_name: String,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct PausedRow {
    id: String,
    target_service_name: String,
    target_handler_name: String,
    paused_at: Timestamp,
}

#[derive(Deserialize)]
struct DeployedRow {
    id: String,
    endpoint: Option<String>,
    created_at: Timestamp,
    services: Option<Vec<String>>,
}

impl Row for EndedRow {
    const MOST: usize = MOST;
}

impl Row for RestartedRow {
    const MOST: usize = MOST;
}

impl Row for PausedRow {
    const MOST: usize = MOST;
}

impl Row for DeployedRow {
    const MOST: usize = MOST;
}

fn id(id: &str) -> SafeText {
    SafeText::clipped(id, SHOWN)
}

impl Restate {
    pub(super) async fn done_since(&self, since: Timestamp) -> Result<Vec<OutsideAct>, ConnectError> {
        let (ended, restarted) = (sql::ended_on_purpose(since, MOST), sql::restarted(since, MOST));
        let (paused, deployed) = (sql::paused_by_hand(since, MOST), sql::deployed(since, MOST));
        let (ended, restarted, paused, deployed) = tokio::try_join!(
            self.strict::<EndedRow>(&ended),
            self.strict::<RestartedRow>(&restarted),
            self.strict::<PausedRow>(&paused),
            self.strict::<DeployedRow>(&deployed),
        )?;
        let act = |at, subject: &str, verb, what: String| OutsideAct {
            at,
            source: self.source.clone(),
            subject: id(subject),
            verb,
            what: what.into(),
            caller: None,
            by: None,
        };
        let ended = ended.iter().map(|row| {
            let flow = flow_name(&row.target_service_name, &row.target_handler_name);
            let killed = row.completion_failure.ends_with("killed");
            let (verb, word) = if killed { (Verb::Kill, "killed") } else { (Verb::Cancel, "cancelled") };
            let act = act(row.completed_at, &row.id, Some(verb), format!("{word}: {flow}"));
            OutsideAct { caller: row.caller.as_deref().map(id), ..act }
        });
        let restarted = restarted.iter().map(|row| {
            let flow = flow_name(&row.target_service_name, &row.target_handler_name);
            let what = format!("restarted as {}: {flow}", id(&row.id));
            act(row.created_at, &row.restarted_from, Some(Verb::RestartAsNew), what)
        });
        let paused = paused.iter().map(|row| {
            let flow = flow_name(&row.target_service_name, &row.target_handler_name);
            act(row.paused_at, &row.id, Some(Verb::Pause), format!("paused: {flow}"))
        });
        let deployed = deployed.iter().map(|row| {
            let address =
                Redactor::default().first_line(row.endpoint.as_deref().unwrap_or("an unknown address"), SHOWN);
            let services = services(row.services.as_deref().unwrap_or_default());
            act(row.created_at, &row.id, None, format!("registered from {address}: {services}"))
        });
        let mut acts: Vec<OutsideAct> = ended.chain(restarted).chain(paused).chain(deployed).collect();
        OutsideAct::newest_first(&mut acts);
        Ok(acts)
    }
}

/// `A, B, C and 7 more`.
fn services(of: &[String]) -> String {
    let mut names: Vec<SafeText> = of.iter().map(|name| id(name)).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let first = names.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ");
    match (first.is_empty(), more) {
        (true, _) => "no service".to_owned(),
        (false, 0) => first,
        (false, more) => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_services_are_named_and_the_rest_is_counted() {
        let told = |names: &[&str]| services(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(told(&[]), "no service");
        assert_eq!(told(&["b", "a", "c"]), "a, b, c");
        assert_eq!(told(&["d", "b", "a", "c", "e"]), "a, b, c and 2 more");
    }
}
