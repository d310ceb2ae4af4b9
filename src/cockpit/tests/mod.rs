//! The cockpit against a hub of hand-made data.

mod fake;
mod pictures;
