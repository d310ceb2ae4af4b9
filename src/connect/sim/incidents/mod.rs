//! The incidents of the demo, one file for each control plane: what breaks, whom it hurts, how it grows, and when its
//! cause is over.
//!
//! Several are there at the start and overlap; one begins later. Times are relative to the start of the world.
//!
//! | incident | flow › step | from | to | what ends it |
//! |---|---|---|---|---|
//! | a deploy dropped a relation | schema-migration › apply-0042 | −15 min | 12 min | a roll-back; then a resume each |
//! | the database primaries refuse | tenant-provisioning › database | −13 min | 8 min | they come back by themselves |
//! | the SMS provider answers 503 | reset-password › sms, verify-phone › send-code | −9 min | 22 min | the provider |
//! | the pool that renders is gone | send-invoice › render | −7 min | 18 min | the pool comes back |
//! | workers run out of memory | sync-directory › apply | −9 min | 25 min | a higher limit |
//! | a provider's callbacks are lost | refund-payment › await-provider | −5 h | 30 min | it sends them again |
//! | the scheduler forgot a night | nightly-backup | −35 min | 15 min | a new leader |
//! | deadlocks in the ledger | meter-usage › post | 4 min | 16 min | a query is ended |
//! | a failed upgrade holds its key | upgrade-plan, and those behind it | −26 min | | a resume |
//! | the authority had enough of orders | rotate-certificate › order | −95 min | | a resume |
//! | a build, a drain that hang | create-pipeline, resize-cluster | −53 min | | a cancel |
//! | a zone is locked, cards are declined | delete-tenant, expired-card | | | people elsewhere |

use super::case::Case;
use super::clock::Ms;
use super::dice::Index;
use super::flows::Flow;

pub(super) mod accounts;
pub(super) mod billing;
pub(super) mod platform;

/// A healthy instance of a family, not placed in time yet.
fn newcomer(seed: u64, index: Index, flow: &'static Flow, tenant: usize) -> Case {
    Case::new(seed, index, flow, tenant, 0)
}

/// The number of an instance within its family, as a factor of time.
fn nth(index: Index) -> Ms {
    Ms::from(index.number)
}
