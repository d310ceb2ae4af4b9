//! Quarterdeck: a terminal cockpit for the people who keep a SaaS running.
//!
//! # The dependency rule
//! `domain` ← `query` ← `ops` ← {`hub`, `cockpit`}; `connect` → `domain`, `config`; `hub` → `connect`'s trait, `config`;
//! `telemetry` → `domain`, `config`;
//! `cockpit` → `ops`, `query`, `domain`, `config`, and never `hub` or `connect`; only `cli` sees everything.
//! `tests/suite/dependency_rule.rs` fails on any other edge.

pub mod cli;
pub mod cockpit;
pub mod config;
pub mod connect;
pub mod domain;
pub mod hub;
pub mod ops;
pub mod query;
pub mod telemetry;
