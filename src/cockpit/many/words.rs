//! Remediations of many in a few words.

use jiff::Timestamp;

use crate::cockpit::widgets::numbers::{grouped, plural};
use crate::domain::approval::{Answer, Approval, ApprovalState};
use crate::domain::blast::{Blast, Tally};
use crate::domain::plan::WidePlan;
use crate::domain::remediation::ItemState;
use crate::domain::time::since;
use crate::domain::wide::{ItemCounts, WideRemediation, WideState};

/// How much of a hash is shown where it is only to be recognised.
const SHORT: usize = 12;

/// The head of a hash.
pub(crate) fn short(hash: &str) -> String {
    hash.chars().take(SHORT).collect()
}

/// The flow of a plan's targets: its name, how many they are, or nothing where that is not known.
pub(crate) fn flow(plan: &WidePlan) -> Option<String> {
    let mut flows = plan.blast.flows.keys();
    let first = flows.next()?;
    Some(match flows.len() {
        0 => first.to_string(),
        more => grouped(more as u64 + 1) + " flows",
    })
}

/// `resume 298 of tenant-provisioning`.
pub(crate) fn what(plan: &WidePlan) -> String {
    let count = grouped(plan.frozen.targets.len() as u64);
    let of = flow(plan).map(|flow| format!(" of {flow}")).unwrap_or_default();
    format!("{} {count}{of}", plan.frozen.remedy.label())
}

/// How many of the items have come to an end: they are not sent any more, and are not watched.
pub(crate) fn through(counts: &ItemCounts) -> u64 {
    let open = [ItemState::Pending, ItemState::Accepted, ItemState::Done];
    counts.total() - open.into_iter().map(|state| counts.get(state)).sum::<u64>()
}

/// `40 verified · 258 pending, 298 in all`: the numbers add up to the last one.
pub(crate) fn counts(counts: &ItemCounts, between: &str) -> String {
    let parts: Vec<String> = counts
        .each()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{} {}", grouped(count), state.name()))
        .collect();
    match parts.as_slice() {
        [] => "no items".to_owned(),
        [one] => one.clone(),
        _ => format!("{}, {} in all", parts.join(&format!(" {between} ")), grouped(counts.total())),
    }
}

/// `wave 2 of 4`; nothing where nothing has begun.
pub(crate) fn wave(head: &WideRemediation) -> Option<String> {
    let waves = head.waves();
    head.started_at?;
    Some(format!("wave {} of {waves}", (head.wave as usize + 1).min(waves)))
}

/// How fast items come to an end since the start, and how long the rest takes at that: `12 a minute; the rest takes
/// about 21 min`. Holds and the time for which effects are watched are a part of it.
pub(crate) fn rate(head: &WideRemediation, now: Timestamp) -> Option<String> {
    let began = head.started_at.filter(|_| head.state.runs())?;
    let through = through(&head.counts);
    let left = head.counts.total() - through;
    let seconds = u64::try_from(since(began, now).as_secs()).unwrap_or(0);
    if through == 0 || seconds == 0 {
        return Some("not known yet: no item has come to its end".to_owned());
    }
    let a_minute = through.saturating_mul(60) / seconds;
    let speed = if a_minute == 0 {
        format!("{} an hour", grouped(through.saturating_mul(3_600) / seconds))
    } else {
        format!("{} a minute", grouped(a_minute))
    };
    let rest = i64::try_from(left.saturating_mul(seconds) / through).unwrap_or(i64::MAX);
    let rest = crate::domain::time::words(jiff::SignedDuration::from_secs(rest));
    Some(format!("{speed} since it began; at that the rest takes about {rest}"))
}

/// What a plan hurts.
pub(crate) fn blast(blast: &Blast) -> String {
    let mut parts = vec![plural(blast.instances, "instance")];
    if !blast.tenants.is_empty() || blast.without_tenant == 0 {
        let tiers = blast.tiers().filter(|tiers| !tiers.is_empty()).map(|tiers| {
            let each: Vec<String> = tiers.iter().map(|(tier, count)| format!("{} {tier}", grouped(*count))).collect();
            format!(" ({})", each.join(", "))
        });
        parts.push(format!("{}{}", plural(blast.tenants.len() as u64, "tenant"), tiers.unwrap_or_default()));
    }
    if blast.without_tenant > 0 {
        parts.push(format!("{} whose tenant is not known", grouped(blast.without_tenant)));
    }
    let told = |tally: Tally| tally.exact() != Some(0);
    for (tally, words) in [
        (blast.behind, "waiting behind them"),
        (blast.money_steps, "steps that move money"),
        (blast.messages, "messages sent again"),
    ] {
        if told(tally) {
            parts.push(match tally.words().as_str() {
                "not known" => format!("{words}: not known"),
                count => format!("{count} {words}"),
            });
        }
    }
    if !blast.regions.is_empty() {
        let regions: Vec<String> =
            blast.regions.iter().map(|(region, count)| format!("{} in {region}", grouped(*count))).collect();
        parts.push(regions.join(", "));
    }
    parts.join(", ")
}

/// Who was left out and why, most of them first: each reason once, with how many.
pub(crate) fn skipped(plan: &WidePlan) -> Vec<(String, usize)> {
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for skipped in &plan.skipped {
        match reasons.iter_mut().find(|(reason, _)| *reason == *skipped.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((skipped.reason.to_string(), 1)),
        }
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reasons
}

/// Which approvals are asked for: `1 of lead, and 2 of anybody else`.
pub(crate) fn needed(approval: &Approval) -> String {
    let needed: Vec<String> = approval.needed.iter().map(ToString::to_string).collect();
    if needed.is_empty() { "none is needed".to_owned() } else { needed.join(", and ") }
}

/// How an approval stands.
pub(crate) const fn approval(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::NotNeeded => "none is needed",
        ApprovalState::Pending => "waited for",
        ApprovalState::Approved => "given",
        ApprovalState::Denied => "denied",
        ApprovalState::Expired => "its time is over",
        ApprovalState::Spent => "given, and used by the start",
        ApprovalState::Void => "void: what it was for has changed",
    }
}

/// What a reviewer did.
pub(crate) const fn said(answer: Answer) -> &'static str {
    match answer {
        Answer::Approve => "approved",
        Answer::Deny => "denied",
    }
}

/// What happens next to one that stands so.
pub(crate) fn next(head: &WideRemediation) -> String {
    match head.state {
        WideState::AwaitingApproval => format!("it waits for approval: {}", needed(&head.approval)),
        // The hub of a cockpit minds what may be started, one after the other.
        WideState::Approved => "it starts by itself once nothing else runs".to_owned(),
        other => other.told(),
    }
}
