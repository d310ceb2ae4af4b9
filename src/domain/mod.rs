//! What exists, in the field's words: flows, verdicts, cohorts, remediations.
//!
//! Pure: this module knows no runtime, no terminal, no network and no database, so each rule in it can be
//! tested with plain values.

pub mod approval;
pub mod audit;
pub mod automation;
pub mod blast;
pub mod claim;
pub mod code;
pub mod cohort;
pub mod correlation;
pub mod decided;
pub mod deployment;
pub mod difference;
pub mod drift;
pub mod event;
mod fingerprint;
pub mod flow;
pub mod freeze;
pub mod hash;
pub mod ids;
pub mod in_force;
pub mod latency;
pub mod log;
pub mod nearest;
pub mod notice;
pub mod outside;
pub mod plan;
pub mod policy;
pub mod promise;
pub mod raw;
pub mod redact;
pub mod remediation;
pub mod remedy;
pub mod rollback;
pub mod run;
pub mod runbook;
pub mod signs;
pub mod source;
pub mod step;
pub mod tenant;
pub mod text;
pub mod time;
pub mod trend;
pub mod verdict;
pub mod ways;
pub mod wide;
pub mod wording;
