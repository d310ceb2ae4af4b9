//! Tests against real engines, which each test starts for itself. What they need is installed by `tests/run`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails ends its test; clippy's own exception covers test functions only"
)]

#[path = "../support/mod.rs"]
mod support;

mod acts;
mod alertmanager;
mod doctor;
mod engine_support;
mod freshness;
mod latency;
mod outside;
mod prefect;
mod raw;
mod rest;
mod rollback;
mod runbooks;
mod runs;
mod salt;
mod states;
mod terraform;
mod truth;
mod verbs;
mod whole;
mod workers;
