//! The demo world: a made-up SaaS in the middle of several incidents, and the control planes that run it, behind the
//! same trait as any engine.
//!
//! It exists so that the cockpit can be tried, shown and tested with no server and no config. What it says is a pure
//! function of the seed, the time and the acts that it accepted: each instance is a *script* of phases, computed from
//! a hash of seed and index whenever it is asked for, and the acts are all the state there is. So two worlds with one
//! seed agree to the byte, however often and in whatever order each was asked, and an instance that ended hours ago
//! is still found by its id though nothing remembers it.
//!
//! Like every connector it must not know the hub that polls it, nor the terminal. It reads no clock but its own.

mod beside;
mod bulk;
mod case;
mod cast;
mod clock;
mod connector;
mod deployments;
mod dice;
mod failures;
mod faults;
mod flows;
mod incidents;
mod lanes;
mod pace;
mod picture;
mod promises;
mod raw;
mod runs;
mod script;
mod step_times;
mod store;
mod tenants;
mod timeline;
mod world;

#[cfg(test)]
mod tests;

pub use bulk::{BULK, Bulk};
pub use clock::{Clock, system_clock};
pub use pace::{SPEEDS, check_speed};
pub use promises::promises;
pub use world::World;

/// The seed of the world that `quarterdeck demo` opens.
pub const SEED: u64 = 312;
