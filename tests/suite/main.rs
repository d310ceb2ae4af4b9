//! Every test that starts no engine: what the library does, and what the program does on the command line and in a
//! terminal. One binary, since each links the whole of Quarterdeck.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails ends its test; clippy's own exception covers test functions only"
)]

#[path = "../support/mod.rs"]
mod support;
#[path = "../term/mod.rs"]
mod term;

mod acts_once;
mod acts_process_ends;
mod alertmanager_bad;
mod audit;
mod automations;
mod bad_input;
mod bad_input_get;
mod bad_rows;
mod bulk_engine;
mod canary;
mod canary_panic;
mod cli_audit;
mod cli_config;
mod cli_config_check;
mod cli_demo;
mod cli_doctor;
mod cli_drift;
mod cli_exits;
mod cli_filters;
mod cli_formats;
mod cli_latency;
mod cli_plan;
mod cli_policy;
mod cli_raw;
mod cli_readme;
mod cli_records;
mod cli_rollback;
mod cli_runbooks;
mod cli_tenants;
mod cli_watch;
mod dependency_rule;
mod escapes;
mod fuzz_corpus;
mod hostile_text;
mod json_corpus;
mod licences;
mod naughty_strings;
mod policy_acts;
mod prefect_bad;
mod prefect_reads;
mod proxied;
mod readme_keys;
mod redirects;
mod reliability;
mod rest;
mod rest_bad;
mod retry_after;
mod rotated;
mod salt;
mod salt_jobs;
mod screenshots;
mod slow_steps;
mod soak;
mod support_selftest;
mod terminal_acting;
mod terminal_claims;
mod terminal_contexts;
mod terminal_demo;
mod terminal_drift;
mod terminal_hostile;
mod terminal_instance;
mod terminal_life;
mod terminal_panic;
mod terminal_plain;
mod terminal_screens;
mod terminal_tenants;
mod terraform;
mod tls;
mod trend_kept;
mod unchanged;
mod webhooks;
mod wide_approvals;
mod wide_interleavings;
mod wide_plans;
mod wide_rollback;
mod wide_runbooks;
mod wide_runs;
