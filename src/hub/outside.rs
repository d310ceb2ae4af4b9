//! What was done outside: what the engines tell of acts, without those that Quarterdeck's own record explains.
//!
//! An engine does not say who asked. So an act counts as Quarterdeck's own where the audit has one with the same verb on
//! the same instance before it, that was not refused; a cancel is given all the time that a flow takes to compensate. One
//! act may end several instances along their calls: where one of them is explained, all of them are, and where none is,
//! only the outermost caller is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard, PoisonError};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::Hub;
use super::own::{Own, OwnActs};
use crate::domain::flow::{EntryOutcome, FlowDetail, TimelineEntry};
use crate::domain::outside::{OUTSIDE, Outside, OutsideAct};
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::ops::OpsError;

/// How far back it is looked.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// How long before it took effect an act of our own may have been begun, where it takes effect soon.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// How far clocks may be apart that were compared a moment ago.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

impl Hub {
    /// What was done to the sources and not by Quarterdeck. Asks every source, and keeps what they tell.
    pub(super) async fn ask_outside(&self) -> Result<Arc<Outside>, OpsError> {
        let outside = Arc::new(self.done_outside().await?);
        *self.kept_outside() = Some(((self.clock)(), outside.clone()));
        Ok(outside)
    }

    /// The same as it was told within a while, else asked for now; nothing where it can't be had.
    pub(super) async fn outside_lately(&self, within: SignedDuration) -> Option<Arc<Outside>> {
        let now = (self.clock)();
        let kept = self.kept_outside().clone().filter(|(at, _)| now.duration_since(*at) < within);
        match kept {
            Some((_, outside)) => Some(outside),
            None => self.ask_outside().await.ok(),
        }
    }

    /// The same as it was told last, however long ago. Asks nobody.
    pub(super) fn outside_as_told(&self) -> Option<Arc<Outside>> {
        self.kept_outside().as_ref().map(|(_, outside)| outside.clone())
    }

    fn kept_outside(&self) -> MutexGuard<'_, Option<(Timestamp, Arc<Outside>)>> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what was done to an instance outside among what happened to it, as far as it was told before. Asks nobody.
    pub(super) fn tell_outside_of(&self, detail: &mut FlowDetail) {
        let Some((_, outside)) = self.kept_outside().clone() else { return };
        let id = &detail.flow.id;
        let to_it = outside.acts.iter().filter(|act| act.source == id.source && act.subject == id.instance);
        let entries: Vec<TimelineEntry> = to_it.map(entry).collect();
        for entry in entries {
            let after = |other: &TimelineEntry| other.at.zip(entry.at).is_some_and(|(other, at)| other > at);
            let place = detail.timeline.iter().position(after).unwrap_or(detail.timeline.len());
            detail.timeline.insert(place, entry);
        }
    }

    async fn done_outside(&self) -> Result<Outside, OpsError> {
        let Some(executor) = &self.executor else {
            let why = self.gate.read_only.as_deref().unwrap_or("nothing is recorded");
            return Err(OpsError::Refused(
                format!("without its own record Quarterdeck can't say what was done outside: {why}").into(),
            ));
        };
        let now = (self.clock)();
        let back = |from: Timestamp, by: SignedDuration| from.saturating_sub(by).unwrap_or(from);
        // Twice as far, since a flow may take its time to be cancelled.
        let record = executor.own_acts(back(now, LOOK_BACK * 2)).await;
        let OwnActs { acts: own, complete_since } =
            record.map_err(|error| OpsError::Journal(error.to_string().into()))?;
        let since = complete_since.map_or(back(now, LOOK_BACK), |cut| cut.max(back(now, LOOK_BACK)));
        let asked = self.sources.iter().map(|source| async {
            let offset = source.clock_offset();
            let from = since.saturating_add(offset).unwrap_or(since);
            (source.name.clone(), offset, source.connector.outside(from).await)
        });
        let mut outside = Outside { since: Some(since), ..Outside::default() };
        for (source, offset, told) in join_all(asked).await {
            match told {
                Ok(acts) => outside.acts.extend(unexplained(acts, &own, offset)),
                Err(why) => outside.untold.push((source, why.to_string().into())),
            }
        }
        OutsideAct::newest_first(&mut outside.acts);
        Ok(outside)
    }
}

/// An act outside, as an entry of what happened to an instance.
fn entry(act: &OutsideAct) -> TimelineEntry {
    let by = act.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    TimelineEntry {
        at: Some(act.at),
        ended_at: None,
        outcome: EntryOutcome::Note,
        what: format!("{OUTSIDE}: {}{by}", act.what).into(),
        note: Some("not by Quarterdeck".into()),
    }
}

/// Whether an act of our own can have been the cause. The engine's clock is ahead by `offset`.
fn explains(own: &Own, act: &OutsideAct, offset: SignedDuration) -> bool {
    let subject = format!("{}/{}", act.source, act.subject);
    if own.subject != subject || own.verb != act.verb {
        return false;
    }
    let begun = own.at.saturating_add(offset).unwrap_or(own.at);
    let after = act.at.duration_since(begun);
    let lasting = match act.verb {
        // It ends once, and however late.
        Some(Verb::Cancel | Verb::Kill) => SignedDuration::MAX,
        _ => SOON,
    };
    after >= -SLACK && after <= lasting
}

/// Those that nothing of our own explains.
fn unexplained(acts: Vec<OutsideAct>, own: &[Own], offset: SignedDuration) -> Vec<OutsideAct> {
    let mut by_subject: BTreeMap<&str, Vec<&Own>> = BTreeMap::new();
    for act in own {
        by_subject.entry(&act.subject).or_default().push(act);
    }
    let mut outermost = Outermost::default();
    for act in &acts {
        if let Some(caller) = &act.caller {
            outermost.of.insert(act.subject.clone(), caller.clone());
        }
    }
    let explained: Vec<bool> = acts
        .iter()
        .map(|act| {
            let own = by_subject.get(format!("{}/{}", act.source, act.subject).as_str());
            own.is_some_and(|own| own.iter().any(|own| explains(own, act, offset)))
        })
        .collect();
    let along_calls: BTreeSet<SafeText> = acts
        .iter()
        .zip(&explained)
        .filter(|(act, explained)| **explained && ends(act))
        .map(|(act, _)| outermost.find(&act.subject))
        .collect();
    let listed: BTreeSet<SafeText> = acts.iter().filter(|act| ends(act)).map(|act| act.subject.clone()).collect();
    let is_outside = |act: &OutsideAct, explained: bool| {
        if explained || !ends(act) {
            return !explained;
        }
        let top = outermost.find(&act.subject);
        // A caller that ended so before what was looked at is not listed, so that what it called is.
        !along_calls.contains(&top) && (top == act.subject || !listed.contains(&top))
    };
    let kept: Vec<bool> = acts.iter().zip(&explained).map(|(act, explained)| is_outside(act, *explained)).collect();
    acts.into_iter().zip(kept).filter_map(|(act, kept)| kept.then_some(act)).collect()
}

/// Whether it ended an instance, which may end its callers and what it called.
fn ends(act: &OutsideAct) -> bool {
    matches!(act.verb, Some(Verb::Cancel | Verb::Kill))
}

/// Who called whom, of those that ended in the same way.
#[derive(Default)]
struct Outermost {
    of: BTreeMap<SafeText, SafeText>,
}

impl Outermost {
    /// The first of the callers of an instance, itself where it has none.
    fn find(&self, subject: &SafeText) -> SafeText {
        let mut at = subject;
        // No chain is longer than all of them: an engine that tells of a ring is not followed round it.
        for _ in 0..self.of.len() {
            match self.of.get(at) {
                Some(caller) => at = caller,
                None => break,
            }
        }
        at.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn told(subject: &str, verb: Option<Verb>, seconds: i64) -> OutsideAct {
        let source = "a".into();
        let (at, subject) = (at(seconds), subject.into());
        OutsideAct { at, source, subject, verb, what: "x".into(), caller: None, by: None }
    }

    fn called(by: &str, act: OutsideAct) -> OutsideAct {
        OutsideAct { caller: Some(by.into()), ..act }
    }

    fn own(subject: &str, verb: Option<Verb>, seconds: i64) -> Own {
        Own { subject: format!("a/{subject}"), verb, at: at(seconds) }
    }

    fn left(acts: Vec<OutsideAct>, own: &[Own]) -> Vec<String> {
        unexplained(acts, own, SignedDuration::ZERO).into_iter().map(|act| act.subject.to_string()).collect()
    }

    #[test]
    fn only_the_same_verb_on_the_same_instance_in_time_explains() {
        let cancel = Some(Verb::Cancel);
        assert!(left(vec![told("i", cancel, 5)], &[own("i", cancel, 0)]).is_empty());
        assert_eq!(left(vec![told("i", cancel, 5)], &[]), ["i"]);
        assert_eq!(left(vec![told("i", cancel, 5)], &[own("j", cancel, 0)]), ["i"]);
        assert_eq!(left(vec![told("i", cancel, 5)], &[own("i", Some(Verb::Kill), 0)]), ["i"]);
        // What happened before it was asked for had another cause; a minute is left to the clocks.
        assert!(left(vec![told("i", cancel, 0)], &[own("i", cancel, 59)]).is_empty());
        assert_eq!(left(vec![told("i", cancel, 0)], &[own("i", cancel, 61)]), ["i"]);
        // Compensating takes its time; a pause does not.
        let pause = Some(Verb::Pause);
        assert!(left(vec![told("i", cancel, 40_000)], &[own("i", cancel, 0)]).is_empty());
        assert!(left(vec![told("i", pause, 900)], &[own("i", pause, 0)]).is_empty());
        assert_eq!(left(vec![told("i", pause, 901)], &[own("i", pause, 0)]), ["i"]);
        let same_id_elsewhere = OutsideAct { source: "b".into(), ..told("i", cancel, 5) };
        assert_eq!(left(vec![same_id_elsewhere], &[own("i", cancel, 0)]), ["i"]);
    }

    #[test]
    fn the_engines_clock_is_reckoned_with() {
        let act = || vec![told("i", Some(Verb::Pause), 3_600)];
        let own = [own("i", Some(Verb::Pause), 0)];
        assert!(unexplained(act(), &own, SignedDuration::from_hours(1)).is_empty());
        assert_eq!(unexplained(act(), &own, SignedDuration::ZERO).len(), 1);
    }

    #[test]
    fn a_deployment_is_explained_by_a_putting_back_alone() {
        assert_eq!(left(vec![told("dp_1", None, 5)], &[own("dp_1", Some(Verb::Kill), 0)]), ["dp_1"]);
        assert!(left(vec![told("dp_1", None, 5)], &[own("dp_1", None, 0)]).is_empty());
    }

    #[test]
    fn one_act_along_calls_is_listed_once() {
        let kill = Some(Verb::Kill);
        let chain =
            || vec![called("top", told("mid", kill, 1)), called("mid", told("leaf", kill, 0)), told("top", kill, 2)];
        assert_eq!(left(chain(), &[]), ["top"]);
        // Whichever of them it was, the others ended with it.
        for ours in ["top", "mid", "leaf"] {
            assert!(left(chain(), &[own(ours, kill, 0)]).is_empty(), "{ours}");
        }
        // Another one beside them is none of theirs.
        let mut more = chain();
        more.push(told("other", kill, 1));
        assert_eq!(left(more, &[own("mid", kill, 0)]), ["other"]);
        // The caller ended before what is looked at.
        assert_eq!(left(vec![called("gone", told("leaf", kill, 0))], &[]), ["leaf"]);
        // Nobody calls themselves; who says so is not followed for ever.
        let ring = vec![called("b", told("a", kill, 0)), called("a", told("b", kill, 0))];
        assert_eq!(left(ring, &[]), ["a", "b"]);
    }
}
