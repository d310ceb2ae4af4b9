//! What integration tests share: real engines, hostile servers, a proxy that loses answers, and waiting without sleeping.
//!
//! `mod support;` in a test takes all of it, so each binary leaves some of it unused.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test binary compiles this module on its own and uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails ends its test; clippy's own exception covers test functions only"
)]

pub mod alertmanager;
pub mod background;
pub mod binary;
pub mod bulk_engine;
pub mod crowd;
pub mod engine;
pub mod every;
pub mod fake_prefect;
pub mod fake_restate;
pub mod fake_salt;
pub mod fleet;
pub mod forward;
pub mod hostile;
pub mod hub;
pub mod ledger;
pub mod matrix;
pub mod metadata;
pub mod moments;
pub mod payloads;
pub mod prefect;
pub mod program;
pub mod proxy;
pub mod request;
pub mod restate;
pub mod runs;
pub mod salt;
pub mod secrets;
pub mod tls;
pub mod wait;
pub mod ways;
