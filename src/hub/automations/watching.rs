//! What became of the instances to which automations would have done something: what the ledger has of acts here, what the
//! engines tell of acts outside, and what is seen of the instances themselves.
//!
//! Nothing is asked of an engine as long as the rows show an instance as it was. One that has moved is read again, many
//! in one question, and what was done outside is asked for at most once a minute.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::super::Hub;
use super::super::journal::Sending;
use super::super::ledger::{DeedOf, LedgerError, OpenShadow, OwnDeed, Scored};
use super::super::runs::Runs;
use super::Before;
use super::scoring::{Case, Deed, Seen, score};
use crate::connect::Sight;
use crate::domain::outside::Outside;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// How often instances that have moved are read again.
const SIGHTS_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// So many instances are read with one question.
const SIGHTS_AT_ONCE: usize = 500;

/// How often it is asked what was done outside.
const OUTSIDE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How far clocks may be apart that were compared a moment ago.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// When instances of a source were read again.
    sighted: HashMap<SafeText, Timestamp>,
    /// The verbs of remediations, which do not change.
    verbs: HashMap<String, Vec<Verb>>,
}

/// Sights of what has moved, by source and instance; a source that did not answer has none.
type Sights = HashMap<(SafeText, SafeText), Option<Sight>>;

/// How the sources stand in one look.
#[derive(Default)]
struct Looked {
    sights: Sights,
    /// Sources that are not live, or did not answer.
    silent: Vec<SafeText>,
    /// What is as it was.
    unmoved: Vec<(String, String, String)>,
}

impl Watching {
    /// Scores what can be scored. Gives whether there was anything.
    pub(super) async fn score(&mut self, hub: &Hub, runs: &Runs) -> Result<bool, LedgerError> {
        let context = hub.gate.context.to_string();
        let open = runs.ledger().open_shadows(context.clone()).await?;
        if open.is_empty() {
            return Ok(false);
        }
        let now = (hub.clock)();
        let own = self.own(runs, runs.ledger().deeds_on_watched(context.clone()).await?).await;
        let looked = self.looked(hub, &open, now).await;
        let outside = if asks_outside(&open, &looked.sights) { hub.outside_lately(OUTSIDE_EVERY).await } else { None };
        let mut scored = Vec::new();
        for of in open {
            let Ok(before) = serde_json::from_str::<Before>(&of.before) else {
                let words = "how it was then can't be read back".to_owned();
                scored.push(Scored { of, score: crate::domain::automation::Score::Unknown, words });
                continue;
            };
            let mut deeds: Vec<Deed> = own
                .iter()
                .filter(|(deed, _)| deed.source == of.source && deed.instance == of.instance && deed.at >= of.at)
                .filter_map(|(deed, verbs)| {
                    // A runbook does the same where it is one of its steps.
                    let same = verbs.iter().find(|verb| **verb == of.verb).or(verbs.first());
                    same.map(|verb| Deed::Here { verb: *verb, state: deed.state, ended: deed.ended })
                })
                .collect();
            deeds.extend(outside.iter().flat_map(|outside| done_to(outside, hub, &of)));
            let case = Case { verb: of.verb, paused: before.paused, before: &before.baseline, until: of.until };
            if let Some((score, words)) = score(case, looked.seen(&of), &deeds, now) {
                scored.push(Scored { of, score, words });
            }
        }
        if scored.is_empty() {
            return Ok(false);
        }
        let written = runs.ledger().write(async move |writing| writing.scored(&context, &scored, now).await).await?;
        Ok(written > 0)
    }

    /// The own acts with their verbs.
    async fn own(&mut self, runs: &Runs, deeds: Vec<OwnDeed>) -> Vec<(OwnDeed, Vec<Verb>)> {
        let mut own = Vec::with_capacity(deeds.len());
        for deed in deeds {
            let verbs = match &deed.what {
                DeedOf::Single(sending) => {
                    serde_json::from_str::<Sending>(sending).map(|sending| vec![sending.verb]).unwrap_or_default()
                }
                DeedOf::Item(id) => match self.verbs.get(id) {
                    Some(known) => known.clone(),
                    None => {
                        let verbs = runs.verbs_of(id).await;
                        self.verbs.insert(id.clone(), verbs.clone());
                        verbs
                    }
                },
            };
            own.push((deed, verbs));
        }
        own
    }

    /// Looks at what is held, and reads again what has moved.
    async fn looked(&mut self, hub: &Hub, open: &[OpenShadow], now: Timestamp) -> Looked {
        let mut looked = Looked::default();
        let mut moved: BTreeMap<SafeText, Vec<SafeText>> = BTreeMap::new();
        for source in &hub.sources {
            let of_source = || open.iter().filter(|of| source.name == *of.source);
            if !source.live() {
                looked.silent.push(source.name.clone());
                continue;
            }
            let held = source.held();
            for of in of_source() {
                let row = held.rows.find(&of.instance).map(|slot| held.rows.flow(slot));
                if row.is_some_and(|flow| *flow.version.as_str() == *of.version) {
                    looked.unmoved.push((of.source.clone(), of.instance.clone(), of.version.clone()));
                } else {
                    moved.entry(source.name.clone()).or_default().push(of.instance.as_str().into());
                }
            }
        }
        let asked = moved.into_iter().filter_map(|(name, mut instances)| {
            let source = hub.source(&name).ok()?;
            let lately = self.sighted.get(&name).is_some_and(|at| now.duration_since(*at) < SIGHTS_EVERY);
            instances.sort_unstable();
            instances.dedup();
            (!lately).then_some((name, source, instances))
        });
        let asked: Vec<_> = asked.collect();
        let answers = join_all(asked.iter().map(|(_, source, instances)| async {
            let mut sights = Vec::with_capacity(instances.len());
            for some in instances.chunks(SIGHTS_AT_ONCE) {
                sights.extend(source.connector.sights(some).await?);
            }
            Ok::<_, crate::connect::ConnectError>(sights)
        }));
        let answers = answers.await;
        for ((name, _, instances), answer) in asked.into_iter().zip(answers) {
            self.sighted.insert(name.clone(), now);
            match answer {
                Ok(sights) => {
                    looked.sights.extend(instances.into_iter().map(|instance| (name.clone(), instance)).zip(sights));
                }
                Err(_) => looked.silent.push(name),
            }
        }
        looked
    }
}

impl Looked {
    fn seen(&self, of: &OpenShadow) -> Seen<'_> {
        if self.silent.iter().any(|name| *name == *of.source) {
            return Seen::Silent;
        }
        let same = |(source, instance, version): &(String, String, String)| {
            *source == of.source && *instance == of.instance && *version == of.version
        };
        if self.unmoved.iter().any(same) {
            return Seen::AsItWas;
        }
        let which = (SafeText::from(of.source.as_str()), SafeText::from(of.instance.as_str()));
        self.sights.get(&which).map_or(Seen::NotYet, |sight| Seen::Read(sight.as_ref()))
    }
}

/// Whether what was done outside would say more: an engine tells it of what has ended on purpose, stands still or was
/// begun anew, and of nothing else.
fn asks_outside(open: &[OpenShadow], sights: &Sights) -> bool {
    use crate::domain::flow::Status::{Cancelled, Paused};
    let told =
        |sight: &Option<Sight>| sight.as_ref().is_none_or(|sight| matches!(sight.flow.status, Cancelled | Paused));
    sights.values().any(told) || open.iter().any(|of| of.verb == Verb::RestartAsNew)
}

/// What was done outside to an instance since it was noted.
fn done_to<'a>(outside: &'a Outside, hub: &Hub, of: &'a OpenShadow) -> impl Iterator<Item = Deed> + use<'a> {
    let offset = hub.source(&of.source).map(super::super::source::Source::clock_offset).unwrap_or_default();
    let from = of.at.saturating_add(offset - SLACK).unwrap_or(of.at);
    let to_it = move |act: &&crate::domain::outside::OutsideAct| {
        *act.source == *of.source && *act.subject == *of.instance && act.at >= from
    };
    outside.acts.iter().filter(to_it).filter_map(|act| act.verb.map(Deed::Outside))
}
