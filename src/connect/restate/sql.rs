//! The SQL that the connector asks; what each part means is said in the header of [`super`].

use jiff::{SignedDuration, Timestamp};

/// How many instances one page holds.
///
/// Measured with 9,000 open instances among 21,000: a page costs the engine about 0.6 s however many rows it
/// returns, since the journal is scanned once a page; so pages are large, and small enough (some 10 MB) to stay far
/// below the cap on one answer.
pub(super) const PAGE: usize = 20_000;

/// How much of an error's first line crosses the wire, in characters.
const ERROR: usize = crate::domain::flow::FlowError::MAX;

/// A failure whose text is the engine's own for "ended on purpose". The code alone does not tell: applications use
/// 409 too.
const ON_PURPOSE: &str = "('[409] cancelled', '[409] killed')";

/// Which instances a query is about.
pub(super) enum Scope<'a> {
    /// Those open, and those failed within the look-back and not restarted since.
    OpenOrFailed { look_back: SignedDuration },
    /// The same, from the instance after this one on, one page of them in the order of their ids.
    Page { look_back: SignedDuration, after: &'a str },
    /// One, whatever became of it. The id was checked by [`is_id`].
    One(&'a str),
    /// These, whatever became of them. The ids were checked by [`is_id`]; at most [`MANY`].
    Many(&'a [&'a str]),
}

/// How many invocations are asked for by their ids at once.
pub(super) const MANY: usize = 200;

/// Whether a text can be an invocation's id: nothing that could end the quotes of an SQL literal gets through.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// One row for each instance of the scope.
pub(super) fn instances(scope: &Scope<'_>) -> String {
    format!(
        "{}, {} select instance.id as id, target_service_name, target_handler_name, target_service_key, status, \
         completion_result, substr(split_part(completion_failure, chr(10), 1), 1, {ERROR}) as completion_failure, \
         created_at, modified_at, inboxed_at, completed_at, last_start_at, next_retry_at, retry_count, \
         substr(split_part(last_failure, chr(10), 1), 1, {ERROR}) as last_failure, last_failure_error_code, \
         pinned_deployment_id, journal_commands_size, open_commands, entered_at, wakes_at, command, paused_at, \
         pause_message, pause_code, first_failure_at, last_failure_at, step, held, holder, scheduled_start_at, \
         invoked_by_id, pinned_deployment_id is not null and deployment_id is null as deployment_gone, \
         crashes, crashed_at, absent_at, seen_at, gone_at \
         from instance left join failing on failing.id = instance.id \
         left join (select id as deployment_id from sys_deployment) deployment on deployment_id = pinned_deployment_id",
        common(scope),
        failing(scope),
    )
}

/// One row for each flow and step: the engine's own counts.
pub(super) fn counts(look_back: SignedDuration) -> String {
    format!(
        "{} select target_service_name, target_handler_name, step, \
         sum(case when status <> 'completed' then 1 else 0 end) as open, \
         sum(case when status = 'suspended' then 1 else 0 end) as waiting, \
         sum(case when held then 1 else 0 end) as held, \
         sum(case when status = 'completed' then 1 else 0 end) as failed \
         from instance group by target_service_name, target_handler_name, step",
        common(&Scope::OpenOrFailed { look_back }),
    )
}

/// The engine's clock.
pub(super) const CLOCK: &str = "select now() as now";

/// The invocation that was restarted last from this one, since a moment by the engine's clock.
pub(super) fn successor(id: &str, since: Timestamp) -> String {
    format!(
        "select id from sys_invocation where restarted_from = '{id}' \
         and created_at >= to_timestamp_millis({}) order by created_at desc limit 1",
        since.as_millisecond()
    )
}

/// The whole error of an instance, uncut, and facts of the engine's own.
pub(super) fn whole(id: &str) -> String {
    format!(
        "select last_failure, completion_failure, pinned_deployment_id, last_attempt_deployment_id, invoked_by, \
         invoked_by_target, invoked_by_id, restarted_from, idempotency_key, trace_id, journal_size, \
         running_at, scheduled_at, scheduled_start_at, completed_at, current_deployment_id from sys_invocation \
         left join (select name as service, deployment_id as current_deployment_id from sys_service) services \
         on service = target_service_name where id = '{id}'"
    )
}

/// The journal of an instance. Its payloads stay with the engine.
pub(super) fn journal(id: &str) -> String {
    format!(
        "select index, entry_type, name, appended_at, entry_lite_json from sys_journal \
         where id = '{id}' order by index"
    )
}

/// The events of an instance: failures and pauses.
pub(super) fn events(id: &str) -> String {
    format!(
        "select after_journal_entry_index, appended_at, event_type, event_json from sys_journal_events \
         where id = '{id}' order by appended_at"
    )
}

/// Everything that the engine's table has of an instance.
pub(super) fn all_of(id: &str) -> String {
    format!("select * from sys_invocation where id = '{id}'")
}

/// The last events of an instance, as they are.
pub(super) fn all_events(id: &str) -> String {
    format!(
        "select * from (select after_journal_entry_index, appended_at, event_type, event_json \
         from sys_journal_events where id = '{id}' order by appended_at desc limit 1000) order by appended_at"
    )
}

/// The first entry of a journal and those from an index on, with their payloads: at most `large` characters of the
/// input and the output, `small` of the others.
pub(super) fn raw_journal(id: &str, from: u64, large: usize, small: usize) -> String {
    format!(
        "select index, entry_type, name, appended_at, character_length(entry_json) as length, \
         case when entry_type in ('Command: Input', 'Command: Output') then substr(entry_json, 1, {large}) \
         else substr(entry_json, 1, {small}) end as entry_json \
         from sys_journal where id = '{id}' and (index = 0 or index >= {from}) order by index limit 1000"
    )
}

/// The longest input or value of a state that is asked for, in bytes: programs are given no more.
const PAYLOAD: usize = 32 * 1024;

/// What invocations were begun with. Their ids were checked by [`is_id`].
pub(super) fn inputs(ids: &[&str]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
    format!(
        "select id, entry_json from sys_journal where index = 0 and entry_type = 'Command: Input' \
         and raw_length <= {PAYLOAD} and id in ({})",
        ids.join(", ")
    )
}

/// What keys hold: of each service and key.
pub(super) fn states(places: &[(String, String)]) -> String {
    let one = |(service, key): &(String, String)| {
        format!("(service_name = {} and service_key = {})", quoted(service), quoted(key))
    };
    let places: Vec<String> = places.iter().map(one).collect();
    format!(
        "select service_name, service_key, key, value_utf8 from state where value_length <= {PAYLOAD} and ({})",
        places.join(" or ")
    )
}

/// The deployment on which new invocations of each service begin.
pub(super) const CURRENT: &str = "select name, deployment_id from sys_service order by name";

/// How many open invocations of a service stay on which deployment.
pub(super) fn pinned(service: &str) -> String {
    format!(
        "select pinned_deployment_id as deployment_id, count(*) as pinned, \
         count(case when status in ('paused', 'backing-off') then 1 end) as failing from sys_invocation \
         where target_service_name = {} and status <> 'completed' and pinned_deployment_id is not null \
         group by pinned_deployment_id",
        quoted(service)
    )
}

/// A moment as a literal.
fn moment(at: Timestamp) -> String {
    format!("to_timestamp_millis({})", at.as_millisecond())
}

/// What was cancelled or killed since a moment, with the caller that ended in the same way; the newest ones.
pub(super) fn ended_on_purpose(since: Timestamp, most: usize) -> String {
    format!(
        "select id, target_service_name, target_handler_name, completion_failure, completed_at, caller \
         from sys_invocation left join (select id as caller from sys_invocation \
         where completion_failure in {ON_PURPOSE}) callers on caller = invoked_by_id \
         where completion_failure in {ON_PURPOSE} and completed_at >= {} order by completed_at desc, id limit {most}",
        moment(since)
    )
}

/// What was restarted as new since a moment; the newest ones.
pub(super) fn restarted(since: Timestamp, most: usize) -> String {
    format!(
        "select id, restarted_from, target_service_name, target_handler_name, created_at from sys_invocation \
         where restarted_from is not null and created_at >= {} order by created_at desc, id limit {most}",
        moment(since)
    )
}

/// What a person has paused since a moment and is paused yet; the newest ones.
pub(super) fn paused_by_hand(since: Timestamp, most: usize) -> String {
    format!(
        "select inv.id as id, target_service_name, target_handler_name, paused_at from sys_invocation inv \
         join (select id as paused_id, max(appended_at) as paused_at, \
         last_value(event_json like '%\"error_message\"%' order by appended_at) as failed from sys_journal_events \
         where event_type = 'Paused' and appended_at >= {} group by id) pauses on paused_id = inv.id \
         where status = 'paused' and (not failed or next_retry_at is not null) \
         order by paused_at desc, id limit {most}",
        moment(since)
    )
}

/// The runs whose results came after a moment, with when their commands were written; the newest ones.
pub(super) fn ended_runs(after: Timestamp, most: usize) -> String {
    let completion = |field: &str| format!("regexp_match(entry_lite_json, '\"(?:{field})\":([0-9]+)')[1]");
    format!(
        "select target_service_name, target_handler_name, name, began, ended, failed from \
         (select id as of_note, appended_at as ended, {} as completed, \
         entry_lite_json like '%\"result\":\"Failure\"%' as failed from sys_journal \
         where entry_type = 'Notification: Run' and appended_at > {}) note \
         join (select id as of_run, name, appended_at as began, {} as completion from sys_journal \
         where entry_type = 'Command: Run') run on of_run = of_note and completion = completed \
         join (select id as invocation, target_service_name, target_handler_name from sys_invocation) inv \
         on invocation = of_note order by ended desc limit {most}",
        completion("CompletionId"),
        moment(after),
        completion("result_completion_id|completion_id"),
    )
}

/// What was registered since a moment; the newest ones.
pub(super) fn deployed(since: Timestamp, most: usize) -> String {
    format!(
        "select id, endpoint, created_at, services from sys_deployment where created_at >= {} \
         order by created_at desc, id limit {most}",
        moment(since)
    )
}

/// A literal: the one character that could end it is doubled.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A condition that keeps a table to these ids.
fn among(ids: &[&str]) -> String {
    format!("id in ('{}')", ids.join("', '"))
}

/// A condition that keeps a table to the scope, where that is one invocation.
///
/// For many it is always true: with `id in (select id from inv)` in more than one of the tables the engine (1.7.12)
/// was seen to answer never, on small data; and it scans the journal whole either way.
fn only(scope: &Scope<'_>) -> String {
    match scope {
        Scope::One(id) => format!("id = '{id}'"),
        Scope::Many(ids) => among(ids),
        Scope::OpenOrFailed { .. } | Scope::Page { .. } => "true".to_owned(),
    }
}

fn invocations(scope: &Scope<'_>) -> String {
    let open_or_failed = |look_back: &SignedDuration| {
        format!(
            "(status <> 'completed' or (completion_result = 'failure' and completion_failure not in {ON_PURPOSE} \
             and completed_at > now() - interval '{} seconds' \
             and id not in (select restarted_from from sys_invocation where restarted_from is not null)))",
            look_back.as_secs()
        )
    };
    match scope {
        Scope::OpenOrFailed { look_back } => open_or_failed(look_back),
        Scope::Page { look_back, after } => {
            format!("{} and id > '{after}' order by id limit {PAGE}", open_or_failed(look_back))
        }
        Scope::One(id) => format!("id = '{id}'"),
        Scope::Many(ids) => among(ids),
    }
}

/// The tables that rows and counts share, so that both give an instance the same step.
fn common(scope: &Scope<'_>) -> String {
    format!(
        r#"with inv as (
  select id, target_service_name, target_handler_name, target_service_key, status, completion_result,
    completion_failure, created_at, modified_at, inboxed_at, completed_at, last_start_at, next_retry_at, retry_count,
    last_failure, last_failure_error_code, pinned_deployment_id, journal_commands_size, suspended_waiting_future_json,
    case when scheduled_at is not null then scheduled_start_at end as scheduled_start_at, invoked_by_id
  from sys_invocation where {inv}
), entry as (
  select id, index, entry_type, name, appended_at, entry_lite_json,
    cast(regexp_match(entry_lite_json, '"wake_up_time":([0-9]+)')[1] as bigint) as wakes_at,
    entry_type like 'Command: %' as is_command,
    regexp_match(entry_lite_json, '"(?:result_completion_id|completion_id|CompletionId)":([0-9]+)')[1] as completion
  from sys_journal where entry_type <> 'Command: Input' and {mine}
), open_command as (
  select id, completion, max(index) as index, max(entry_type) as entry_type, max(name) as name,
    max(appended_at) as appended_at, max(wakes_at) as wakes_at, max(entry_lite_json) as json
  from entry where completion is not null group by id, completion having bool_and(is_command)
), step as (
  select id, max(index) as index, count(*) as open_commands,
    last_value(appended_at order by index) as entered_at,
    last_value(wakes_at order by index) as wakes_at,
    last_value(substr(entry_type, 10) order by index) as command,
    last_value(case
      when name <> '' then name
      when entry_type = 'Command: Run' then 'run'
      when entry_type = 'Command: Sleep' then 'sleep'
      when entry_type like 'Command: %Promise'
        then concat('promise:', regexp_match(json, '"key":"((?:[^"\\]|\\.)*)"')[1])
      when entry_type = 'Command: Call'
        then concat('call:', regexp_match(json, '"name":"([^"]*)"')[1], '/', regexp_match(json, '"handler":"([^"]*)"')[1])
      else lower(substr(entry_type, 10)) end order by index) as step
  from open_command group by id
), pause as (
  select id, max(appended_at) as paused_at,
    last_value(substr(regexp_match(event_json, '"error_message":"((?:[^"\\]|\\[^n])*)')[1], 1, {ERROR}) order by appended_at)
      as pause_message,
    last_value(regexp_match(event_json, '"error_code":([0-9]+)')[1] order by appended_at) as pause_code
  from sys_journal_events where event_type = 'Paused' and {mine} group by id
), instance as (
  select inv.*, step.open_commands, step.entered_at, step.wakes_at, step.command,
    pause.paused_at, pause.pause_message, pause.pause_code, held_key.invocation_id as holder,
    case when step.step is not null then step.step
      when inv.status = 'suspended' and regexp_like(inv.suspended_waiting_future_json,
        '"SignalIndex":(?:[2-9]|1[0-9])|"SignalName"') then 'awakeable'
      when coalesce(inv.journal_commands_size, 0) > 1 then '(last step)'
      when inv.status = 'completed' then '(unknown)'
      else '(queued)' end as step,
    inv.status = 'paused' and pause.paused_at is not null
      and (pause.pause_message is null or inv.next_retry_at is not null) as held
  from inv left join step on step.id = inv.id
    left join pause on pause.id = inv.id and inv.status = 'paused'
    left join sys_keyed_service_status held_key on inv.status = 'pending'
      and held_key.service_name = inv.target_service_name and held_key.service_key = inv.target_service_key
)"#,
        inv = invocations(scope),
        mine = only(scope),
    )
}

/// What a failure tells of the worker, as `kind`: it `crashed` while it answered, it was `absent` when it was called,
/// its deployment is `gone`, or it was there (`other`). Texts and codes of version 1.7.12.
const KIND: &str = r#"case
      when event_json like '%"restate_doc_error_code":"RT0011"%' then 'gone'
      when event_json not like '%"restate_doc_error_code":"RT0010"%' then 'other'
      when event_json like '%"error_message":"error when calling %' then 'absent'
      when event_json like '%"error_message":"unexpected error while reading the response body%' then 'crashed'
      else 'other' end"#;

/// The present row of failures, which stand at the journal's last failing position: when it began, how often the
/// worker crashed since it last failed otherwise, and since when it has been absent.
fn failing(scope: &Scope<'_>) -> String {
    format!(
        "failing as (select id, last_value(first_at order by position) as first_failure_at, \
         max(last_at) as last_failure_at, last_value(crashes order by position) as crashes, \
         last_value(crashed_at order by position) as crashed_at, last_value(absent_at order by position) as absent_at, \
         last_value(seen_at order by position) as seen_at, last_value(gone_at order by position) as gone_at \
         from (select id, position, min(appended_at) as first_at, max(appended_at) as last_at, \
         sum(case when kind = 'crashed' and (other_at is null or appended_at > other_at) then 1 else 0 end) as crashes, \
         min(case when kind = 'crashed' and (other_at is null or appended_at > other_at) then appended_at end) as crashed_at, \
         max(case when kind = 'absent' then appended_at end) as absent_at, \
         max(case when kind <> 'absent' then appended_at end) as seen_at, \
         max(case when kind = 'gone' then appended_at end) as gone_at \
         from (select *, max(case when kind in ('other', 'gone') then appended_at end) over (partition by id, position) as other_at \
         from (select id, after_journal_entry_index as position, appended_at, {KIND} as kind \
         from sys_journal_events where event_type = 'TransientError' and {})) \
         group by id, position) group by id)",
        only(scope)
    )
}

/// The tables that are read.
pub(super) const TABLES: [&str; 4] =
    ["sys_invocation", "sys_journal", "sys_journal_events", "sys_keyed_service_status"];

/// Whether a table can be read, asked as cheaply as can be.
pub(super) fn probe(table: &str) -> String {
    format!("select 1 as one from {table} limit 1")
}
