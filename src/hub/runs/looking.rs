//! What became of the items that were sent: looked at together, each until its postcondition was seen or its soak is
//! over.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::super::verify::{Baseline, Effect, Outcome, Seen, WATCH_AT_MOST, effect, final_word};
use super::carry::Carrying;
use super::stepping;
use crate::connect::Sight;
use crate::domain::audit::Action;
use crate::domain::remediation::{ItemState, Verb};
use crate::domain::text::SafeText;

/// An item that was sent, and how it is watched.
pub(super) struct Watched {
    before: Baseline,
    /// The instance that was begun by it, where it was a restart and that is known.
    began: Option<SafeText>,
    begun: Instant,
    /// When its soak is over; not known before the engine answered.
    deadline: Option<Instant>,
}

/// How often so many are looked at: a source is not to be kept busy by it.
pub(super) const fn every(watched: usize) -> Duration {
    match watched {
        0..=50 => Duration::from_secs(1),
        51..=500 => Duration::from_secs(2),
        _ => Duration::from_secs(5),
    }
}

impl Watched {
    /// One that is being sent.
    pub(super) fn sent(before: Baseline) -> Self {
        Self { before, began: None, begun: Instant::now(), deadline: None }
    }

    /// One that was sent by a process that has ended, or whose answer is known.
    pub(super) fn new(before: Baseline, began: Option<String>, now: Instant, soak: SignedDuration) -> Self {
        let mut watched = Self::sent(before);
        watched.answered(began, now, soak);
        watched
    }

    /// Its soak begins.
    pub(super) fn answered(&mut self, began: Option<String>, now: Instant, soak: SignedDuration) {
        self.began = began.map(Into::into);
        self.begun = now;
        self.deadline = Some(now + Duration::try_from(soak).unwrap_or_default());
    }
}

/// An item by its place, what is to be seen of its act, and the version of its target, where it is there.
type Looked = (usize, Result<Effect, String>, Option<String>);

impl Carrying {
    /// What was done to an item last.
    fn verb(&self, at: usize) -> Option<Verb> {
        let step = self.items.get(at)?.step as usize;
        self.plan.frozen.remedy.steps().get(step).map(|step| step.verb)
    }

    fn restarts(&self, at: usize) -> bool {
        self.verb(at) == Some(Verb::RestartAsNew)
    }

    /// Looks at everything that is watched, once.
    pub(super) async fn look(&mut self) {
        let due: Vec<usize> =
            self.watched.iter().filter(|(_, watched)| watched.deadline.is_some()).map(|(at, _)| *at).collect();
        if due.is_empty() {
            return;
        }
        self.find_what_was_begun(&due).await;
        // A restart of which nothing was begun yet has nothing to look at.
        let (seen, unseen): (Vec<usize>, Vec<usize>) = due
            .into_iter()
            .partition(|at| !self.restarts(*at) || self.watched.get(at).is_some_and(|w| w.began.is_some()));
        let began = |at: usize| self.watched.get(&at).and_then(|watched| watched.began.clone());
        let by_number: std::collections::HashMap<u32, Option<SafeText>> =
            seen.iter().filter_map(|at| Some((self.items.get(*at)?.number, began(*at)))).collect();
        let looked = self
            .sights(&seen, |item| {
                by_number.get(&item.number).cloned().flatten().unwrap_or_else(|| item.instance.as_str().into())
            })
            .await;
        let mut effects: Vec<Looked> = Vec::new();
        let mut new_error = None;
        match looked {
            Ok(sights) => {
                for (at, sight) in sights {
                    let Some(watched) = self.watched.get(&at) else { continue };
                    if let Some(new) = sight.as_ref().and_then(|sight| another_error(sight, &watched.before)) {
                        if !self.known.contains(&new) {
                            new_error.get_or_insert_with(|| (at, new.clone()));
                        }
                        if let Some(item) = self.items.get_mut(at) {
                            item.fingerprint = Some(new);
                        }
                    }
                    let Some(verb) = self.verb(at) else { continue };
                    let version = sight.as_ref().map(|sight| sight.flow.version.as_str().to_owned());
                    effects.push((at, Ok(effect(verb, &watched.before, sight.as_ref())), version));
                }
            }
            Err(why) => effects.extend(seen.iter().map(|at| (*at, Err(why.clone()), None))),
        }
        let nothing = || Effect::Pending("no instance was begun from it".into());
        effects.extend(unseen.into_iter().map(|at| (at, Ok(nothing()), None)));
        let changed = self.weigh(effects);
        if !changed.is_empty() {
            self.stands(&changed).await;
        }
        if let Some((at, error)) = new_error {
            let who = self.items.get(at).map(|item| item.instance.clone()).unwrap_or_default();
            // It stops the remediation once: whoever goes on knows of it.
            self.known.insert(error.clone());
            self.hold(&format!("an error that was not there before: {error} ({who})")).await;
        }
        self.stop_where_too_many_failed().await;
    }

    /// Notes what was seen of each item, and gives those of which something is new.
    fn weigh(&mut self, effects: Vec<Looked>) -> Vec<(usize, Option<Action>)> {
        let now = Instant::now();
        let soak = Duration::try_from(self.runs.soak).unwrap_or_default();
        let mut changed = Vec::new();
        let steps = self.plan.frozen.remedy.steps();
        for (at, effect, version) in effects {
            let (Some(item), Some(watched)) = (self.items.get_mut(at), self.watched.get_mut(&at)) else { continue };
            let final_now = match &effect {
                Ok(Effect::Held(words)) => Some((Outcome::Held, words.clone())),
                Ok(Effect::Missed(words)) => Some((Outcome::Missed, words.clone())),
                _ => None,
            };
            if item.answered && matches!(effect, Ok(Effect::Pending(_))) {
                // The soak of a step that takes long has not begun.
                let later = (now + soak).min(watched.begun + WATCH_AT_MOST);
                watched.deadline = watched.deadline.map(|deadline| deadline.max(later));
            }
            let over = watched.deadline.is_some_and(|deadline| deadline <= now);
            let ended = final_now.or_else(|| {
                over.then(|| match effect.clone() {
                    Ok(effect) => effect.at_the_end(),
                    Err(why) => (Outcome::Unseen, why.into()),
                })
            });
            if let Some((outcome, seen)) = ended {
                let (state, words) = final_word(outcome, item.answered, self.runs.soak, &seen);
                if state == ItemState::Verified {
                    stepping::verified(steps, item, &words, version);
                } else {
                    item.state = state;
                    item.words = stepping::told_at_the_end(steps, item, &words);
                    item.ended = true;
                }
                self.watched.remove(&at);
                changed.push((at, Some(Action::Outcome)));
                continue;
            }
            let words = match &effect {
                Ok(effect) => effect.words().to_string(),
                Err(why) => format!("it can't be looked at: {why}"),
            };
            let words = stepping::told(steps, item, &words);
            if item.words != words && item.state != ItemState::Unknown {
                item.words = words;
                changed.push((at, None));
            }
        }
        changed
    }

    /// Finds the instances that restarts have begun whose answers did not tell.
    async fn find_what_was_begun(&mut self, due: &[usize]) {
        for at in due.iter().filter(|at| self.restarts(**at)).copied().collect::<Vec<_>>() {
            let (Some(item), Some(watched)) = (self.items.get_mut(at), self.watched.get_mut(&at)) else { continue };
            let Some(connector) = self.runs.connector(&item.source).filter(|_| watched.began.is_none()) else {
                continue;
            };
            // What can't be found now is looked for again.
            if let Ok(Some(began)) = connector.successor(&item.instance, watched.before.engine_now).await {
                item.began = Some(began.to_string());
                watched.began = Some(began);
            }
        }
    }
}

/// What an instance fails with since it was acted on, where that is another error than the one before.
fn another_error(sight: &Sight, before: &Baseline) -> Option<String> {
    if !Seen::from(sight).failed_since(before) {
        return None;
    }
    let now = sight.flow.error.as_ref()?.fingerprint.to_string();
    (before.fingerprint.as_deref() != Some(now.as_str())).then_some(now)
}
