//! The least that reading an answer can cost: its rows as `serde_json` reads them, texts borrowed, nothing made of them.

use serde::Deserialize;

/// An answer with rows.
#[derive(Deserialize)]
pub(crate) struct Bare<'a> {
    #[serde(borrow)]
    pub(crate) rows: Vec<Row<'a>>,
}

/// Every field that the connector reads.
#[derive(Deserialize)]
#[expect(dead_code, reason = "to be read is all they are for")]
pub(crate) struct Row<'a> {
    id: &'a str,
    target_service_name: &'a str,
    target_handler_name: &'a str,
    target_service_key: Option<&'a str>,
    status: &'a str,
    completion_result: Option<&'a str>,
    completion_failure: Option<&'a str>,
    created_at: Option<&'a str>,
    modified_at: Option<&'a str>,
    inboxed_at: Option<&'a str>,
    completed_at: Option<&'a str>,
    last_start_at: Option<&'a str>,
    next_retry_at: Option<&'a str>,
    retry_count: Option<u32>,
    last_failure: Option<&'a str>,
    last_failure_error_code: Option<&'a str>,
    pinned_deployment_id: Option<&'a str>,
    journal_commands_size: Option<u64>,
    open_commands: Option<u64>,
    entered_at: Option<&'a str>,
    wakes_at: Option<i64>,
    command: Option<&'a str>,
    paused_at: Option<&'a str>,
    pause_message: Option<&'a str>,
    pause_code: Option<&'a str>,
    first_failure_at: Option<&'a str>,
    last_failure_at: Option<&'a str>,
    step: &'a str,
    held: Option<bool>,
    holder: Option<&'a str>,
    scheduled_start_at: Option<&'a str>,
    invoked_by_id: Option<&'a str>,
    deployment_gone: Option<bool>,
    crashes: Option<u32>,
    crashed_at: Option<&'a str>,
    absent_at: Option<&'a str>,
    seen_at: Option<&'a str>,
    gone_at: Option<&'a str>,
}
