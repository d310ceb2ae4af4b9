//! What has to be typed before a plan is asked for: the more it may hurt, the more it takes.

use crate::cockpit::widgets::numbers::grouped;
use crate::domain::code::words;
use crate::domain::plan::WidePlan;
use crate::domain::remediation::Risk;

/// The four words of a plan, by which whoever types them shows that they have had this one before their eyes.
pub fn code(plan: &WidePlan) -> String {
    words(&plan.hash)
}

/// What has to be typed for a plan to be asked for: its code where nothing takes it back, the number of its targets
/// and their flow where they are several; `None` where a reason is enough.
pub fn confirmation(plan: &WidePlan) -> Option<String> {
    match (plan.risk(), plan.frozen.targets.len()) {
        (Risk::Irreversible, _) => Some(code(plan)),
        (_, 2..) => Some(count_and_flow(plan)),
        _ => None,
    }
}

/// Whether what was typed is what has to be, but for case and the blanks around its words.
pub fn confirms(typed: &str, wanted: &str) -> bool {
    let mut typed = typed.split_whitespace();
    wanted.split_whitespace().all(|word| typed.next().is_some_and(|typed| typed.eq_ignore_ascii_case(word)))
        && typed.next().is_none()
}

/// `298 tenant-provisioning`, `12 of 3 flows`.
fn count_and_flow(plan: &WidePlan) -> String {
    let count = plan.frozen.targets.len();
    let mut flows = plan.blast.flows.keys();
    match (flows.next(), flows.len()) {
        (Some(flow), 0) => format!("{count} {flow}"),
        (Some(_), more) => format!("{count} of {} flows", grouped(more as u64 + 1)),
        // Of a plan of an older version the flows are not known.
        (None, _) => format!("{count} {}", plan.frozen.remedy.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::tests::fake::wide::plan_for;
    use crate::domain::remediation::Verb;

    #[test]
    fn the_more_it_may_hurt_the_more_has_to_be_typed() {
        assert_eq!(confirmation(&plan_for(Verb::Resume, 1)), None);
        assert_eq!(confirmation(&plan_for(Verb::Resume, 298)).unwrap(), "298 tenant-provisioning");
        assert_eq!(confirmation(&plan_for(Verb::RestartAsNew, 2)).unwrap(), "2 tenant-provisioning");
        for count in [1, 2] {
            let plan = plan_for(Verb::Kill, count);
            let wanted = confirmation(&plan).unwrap();
            assert_eq!((&wanted, wanted.split(' ').count()), (&code(&plan), 4));
            assert!(crate::domain::code::matches(&plan.hash, &wanted));
        }
        assert_ne!(code(&plan_for(Verb::Kill, 1)), code(&plan_for(Verb::Kill, 2)));
        let mut of_old = plan_for(Verb::Resume, 3);
        of_old.blast.flows.clear();
        assert_eq!(confirmation(&of_old).unwrap(), "3 resume");
    }

    #[test]
    fn every_word_has_to_be_there_and_no_more() {
        assert!(confirms("  298   Tenant-Provisioning ", "298 tenant-provisioning"));
        for typed in ["", "298", "tenant-provisioning 298", "298 tenant-provisioning x", "299 tenant-provisioning"] {
            assert!(!confirms(typed, "298 tenant-provisioning"), "{typed}");
        }
    }
}
