//! What has to be typed before a plan is asked for: the more it may hurt, the more it takes.

use crate::cockpit::widgets::numbers::grouped;
use crate::domain::plan::WidePlan;
use crate::domain::remediation::Risk;

/// The code of a plan, by which whoever types it shows that they have read which plan it is.
pub fn code(plan: &WidePlan) -> String {
    count_and_flow(plan)
}

/// What has to be typed for a plan to be asked for: its code where nothing takes it back, the number of its targets
/// and their flow where they are several; `None` where a reason is enough.
pub fn confirmation(plan: &WidePlan) -> Option<String> {
    match (plan.frozen.verb.risk(), plan.frozen.targets.len()) {
        (Risk::Irreversible, _) => Some(code(plan)),
        (_, 2..) => Some(count_and_flow(plan)),
        _ => None,
    }
}

/// Whether what was typed is what has to be, but for the blanks around its words.
pub fn confirms(typed: &str, wanted: &str) -> bool {
    typed.split_whitespace().eq(wanted.split_whitespace())
}

/// `298 tenant-provisioning`, `12 of 3 flows`.
fn count_and_flow(plan: &WidePlan) -> String {
    let count = plan.frozen.targets.len();
    let mut flows = plan.blast.flows.keys();
    match (flows.next(), flows.len()) {
        (Some(flow), 0) => format!("{count} {flow}"),
        (Some(_), more) => format!("{count} of {} flows", grouped(more as u64 + 1)),
        // Of a plan of an older version the flows are not known.
        (None, _) => format!("{count} {}", plan.frozen.verb.name()),
    }
}
