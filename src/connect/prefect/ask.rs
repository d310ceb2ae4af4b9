//! What is asked: the bodies of questions, and what may be a part of a path.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How many rows a list has at most: more is refused with a 422.
pub(super) const PAGE: usize = 200;

/// How far back failures count.
pub(super) const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// The tag by which a run says from which one it was restarted. Prefect has nothing of its own for that, and tags are the
/// one thing of a run that can be looked for.
pub(super) const RESTARTED_FROM: &str = "restarted-from:";

/// Types of states in which a run has ended.
pub(super) const ENDED: [&str; 4] = ["COMPLETED", "CANCELLED", "FAILED", "CRASHED"];

/// Types of states of a task run that has not completed. What a later version adds is not among them.
const NOT_COMPLETED: [&str; 8] =
    ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING", "FAILED", "CRASHED", "CANCELLED"];

/// The level at which Python logs that a task failed and is tried again, and which number it has.
const INFO: u32 = 20;

/// Whether a text can be the id of something: a UUID as the server writes it.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

/// Which runs a pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that have not ended.
    Open,
    /// Those that ended badly since a moment.
    Failed(Timestamp),
}

impl Which {
    fn filter(self) -> Value {
        match self {
            Self::Open => json!({"state": {"type": {"not_any_": ENDED}}}),
            Self::Failed(since) => {
                json!({"state": {"type": {"any_": ["FAILED", "CRASHED"]}}, "end_time": {"after_": since}})
            }
        }
    }

    /// A page of them in the order in which they were to start, from a moment on.
    ///
    /// That moment is the one thing that the server can both sort and filter by, and it moves to later ones alone: so
    /// what changes meanwhile is met twice rather than never. Those of one moment are told apart by their `offset`.
    pub(super) fn page(self, after: Option<Timestamp>, offset: usize) -> Value {
        let mut filter = self.filter();
        if let (Some(after), Some(filter)) = (after, filter.as_object_mut()) {
            filter.insert("expected_start_time".to_owned(), json!({"after_": after}));
        }
        json!({"flow_runs": filter, "sort": "EXPECTED_START_TIME_ASC", "limit": PAGE, "offset": offset})
    }

    /// The server's own count of them by state: their history in one interval that holds every moment there is.
    pub(super) fn history(self) -> Value {
        const YEARS: u64 = 100 * 366 * 24 * 60 * 60;
        json!({
            "history_start": "2000-01-01T00:00:00Z", "history_end": "2100-01-01T00:00:00Z",
            "history_interval_seconds": YEARS, "flow_runs": self.filter(),
        })
    }
}

/// These things, by their ids: `what` is `flow_runs`, `flows` or `deployments`.
pub(super) fn these(what: &str, ids: &[&str]) -> Value {
    json!({(what): {"id": {"any_": ids}}, "limit": PAGE})
}

/// A page of the task runs of these runs, those that were to start last first.
pub(super) fn task_runs(runs: &[&str], completed_too: bool, offset: usize) -> Value {
    let mut filter = json!({"flow_run_id": {"any_": runs}});
    if let Some(filter) = filter.as_object_mut().filter(|_| !completed_too) {
        filter.insert("state".to_owned(), json!({"type": {"any_": NOT_COMPLETED}}));
    }
    json!({"task_runs": filter, "sort": "EXPECTED_START_TIME_DESC", "limit": PAGE, "offset": offset})
}

/// A page of the tasks that have ended after a moment, the last ones first.
pub(super) fn ended_tasks(after: Timestamp, offset: usize) -> Value {
    let filter = json!({"state": {"type": {"any_": ENDED}}, "end_time": {"after_": after}});
    json!({"task_runs": filter, "sort": "END_TIME_DESC", "limit": PAGE, "offset": offset})
}

/// The last lines of these tasks, among which those are that say why they are tried again. The server can search by text
/// too, and that fails on an older SQLite.
pub(super) fn retries_of(tasks: &[&str]) -> Value {
    let filter = json!({"task_run_id": {"any_": tasks}, "level": {"ge_": INFO, "le_": INFO}});
    json!({"logs": filter, "sort": "TIMESTAMP_DESC", "limit": PAGE})
}

/// The last lines that a run and its tasks have logged.
pub(super) fn logs_of(run: &str) -> Value {
    json!({"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_DESC", "limit": PAGE})
}

/// What was begun from these runs, by Quarterdeck: the newest first, as far as the server can say.
pub(super) fn restarted_from(runs: &[&str]) -> Value {
    let tags: Vec<String> = runs.iter().map(|run| format!("{RESTARTED_FROM}{run}")).collect();
    json!({"flow_runs": {"tags": {"any_": tags}}, "sort": "EXPECTED_START_TIME_DESC", "limit": PAGE})
}

/// Runs that are suspended.
pub(super) fn suspended() -> Value {
    json!({"flow_runs": {"state": {"name": {"any_": ["Suspended"]}}}, "sort": "EXPECTED_START_TIME_DESC", "limit": PAGE})
}

/// What happened to runs since a moment: these kinds of event, the newest first.
pub(super) fn events(names: &[&str], since: Timestamp, until: Timestamp) -> Value {
    let filter = json!({"occurred": {"since": since, "until": until}, "event": {"name": names}, "order": "DESC"});
    json!({"filter": filter, "limit": 50})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_and_nothing_else() {
        assert!(is_id("6b684e25-af33-4bd1-bff1-a4fb8767c5d6"));
        let long = "6b684e25-af33-4bd1-bff1-a4fb8767c5d6/";
        for bad in ["", "inv_1", "6B684E25-AF33-4BD1-BFF1-A4FB8767C5D6", "../admin/settings/../../flow_runs/a-b", long]
        {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_page_goes_on_from_a_moment() {
        let first = Which::Open.page(None, 0);
        assert!(first["flow_runs"].get("expected_start_time").is_none(), "{first}");
        let at: Timestamp = "2026-11-21T09:00:40.931431Z".parse().unwrap();
        let next = Which::Failed(Timestamp::UNIX_EPOCH).page(Some(at), 200);
        assert_eq!(next["flow_runs"]["expected_start_time"]["after_"], "2026-11-21T09:00:40.931431Z");
        assert_eq!(next["flow_runs"]["end_time"]["after_"], "1970-01-01T00:00:00Z");
        assert_eq!((&next["limit"], &next["offset"]), (&json!(200), &json!(200)));
    }
}
