//! Which change came before a cohort got stuck, and what speaks for it: changes ranked as suspects, with what is known in
//! words, and never more certain than that.
//!
//! Most outages follow a change of a running system (some 70 % at Google: Beyer et al., *Site Reliability Engineering*,
//! 2016, introduction), so that of everything that happened before an onset changes are looked at first. Each kind of
//! evidence multiplies the weight of a change, as in a naive Bayes classifier (Duda, Hart, Stork, *Pattern Classification*,
//! 2001, ch. 2), and is counted once:
//!
//! - **time**: τ ÷ (τ + lag), with τ = 4 min: what broke something mostly shows within minutes, and now and then much
//!   later, so that it falls off as 1 ÷ t and not as an exponential does. What came after the onset is no cause, but for
//!   half a minute by which clocks are off.
//! - **place**: whether it says that it touches the flow or the step; and whether the words of what it touches are those of
//!   the flow, its step, its source or its error. A word weighs by how rare it is among all changes at hand (inverse
//!   document frequency: Spärck Jones, *A statistical interpretation of term specificity*, 1972).
//!   Services whose other changes have named the flow are known to have to do with it.
//! - **reach**: a change in one region (or for one tier, on one cell, for one tenant) can't explain those who are elsewhere;
//!   where nearly all who are stuck are there and most others are not, that speaks for it.
//!
//! The weights of all suspects, and of *none of them*, are then shares of one whole.

mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::words::{alike, tokens};
use super::event::Event;
use super::ids::InstanceId;
use super::text::SafeText;
use super::time;

/// Changes are looked for so long before an onset.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(6);

/// Clocks may be off by so much: what came later than that after the onset is no cause.
pub const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// So many suspects are told.
pub const TOLD: usize = 5;

/// After so long the weight of a change is half of what it is at once.
const TAU: f64 = 4.0 * 60.0;

/// What a change loses that names another flow, or another step. It may still touch this one: what flows share.
const ELSEWHERE: f64 = 0.3;

/// What a change loses that names a service with nothing in common with the flow: the names may mislead.
const STRANGER: f64 = 0.5;

/// By how much whole likeness makes a change weigh more.
const LIKENESS: f64 = 30.0;

/// How much likeness it is to name the flow, and to be of a service whose other changes have named it.
const NAMED: f64 = 0.8;
const TIED: f64 = 0.7;

/// Less than so much in common by words is nothing in common.
const FEW_WORDS: f64 = 0.15;

/// What is left of a change that reaches none of those who are stuck.
const NOBODY: f64 = 0.02;

/// The weight of *none of these*: that of a change of which only the time fits, and that came just before.
const NONE: f64 = 1.0;

/// From which share of the whole on a suspect is called likely, and possible.
const LIKELY: f64 = 0.6;
const POSSIBLE: f64 = 0.15;

/// How sure it is that a change is the cause. There is no word for certain: nobody has tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Only the time fits.
    TimeAlone,
    /// More than the time fits, and others fit much better.
    Unlikely,
    /// More than the time fits, and others fit, too, or something is not known.
    Possible,
    /// It fits in every way that is known, and much better than all others.
    Likely,
}

impl Certainty {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::TimeAlone => "only the time fits",
            Self::Unlikely => "others fit better",
            Self::Possible => "possible",
            Self::Likely => "likely",
        }
    }
}

/// A tenant of a cohort, as far as its directory tells: names and values such as `region` and `eu-west-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hurt {
    /// Its id.
    pub tenant: SafeText,
    /// What is known of it; none where no directory has it.
    pub traits: Vec<(&'static str, SafeText)>,
}

/// Which services have to do with which flows, as their changes have told: who names both a service and a flow ties them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ties(HashMap<SafeText, BTreeMap<SafeText, u32>>);

impl Ties {
    /// Of these changes.
    pub fn of<'a>(changes: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut ties = Self::default();
        for event in changes {
            let scope = |name: &str| event.scope.iter().find(|(known, _)| *known == *name).map(|(_, value)| value);
            if let (Some(service), Some(flow)) = (scope("service"), scope("flow")) {
                *ties.0.entry(service.clone()).or_default().entry(flow.clone()).or_default() += 1;
            }
        }
        ties
    }

    /// How much a service has to do with a flow, from 0 to 1: which part of what its changes name it is, and less where
    /// they are few, since one may be chance.
    fn share(&self, service: &SafeText, flow: &SafeText) -> f64 {
        let Some(flows) = self.0.get(service) else { return 0.0 };
        let (here, all) = (flows.get(flow).copied().unwrap_or(0), flows.values().sum::<u32>());
        f64::from(here) / (f64::from(all) + 0.5)
    }
}

/// What is known of a cohort.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its source.
    pub source: SafeText,
    /// Its flow.
    pub flow: SafeText,
    /// Its step.
    pub step: SafeText,
    /// What is told of why: an error, the evidence.
    pub why: Vec<SafeText>,
    /// When it began, by the engine's own times; `None` where that is not known.
    pub onset: Option<Timestamp>,
    /// Its tenants.
    pub hurt: Vec<Hurt>,
    /// How many instances are in it.
    pub count: u64,
    /// What changes have told of services and flows.
    pub ties: Arc<Ties>,
    /// Of all tenants that any directory tells, which share has a trait; by name and value.
    pub common: Arc<BTreeMap<(&'static str, SafeText), f64>>,
}

/// A change that may be the cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// What happened.
    pub event: Arc<Event>,
    /// Its share of the whole, from 0 to 1.
    pub share: f64,
    /// How sure it is.
    pub certainty: Certainty,
    /// How long before the onset; negative where it came after.
    pub lag: SignedDuration,
    /// What speaks for it and against it, in words.
    pub evidence: Vec<SafeText>,
}

impl Suspect {
    /// How long before the onset, in words.
    pub fn when(&self) -> String {
        when(self.lag)
    }
}

fn when(lag: SignedDuration) -> String {
    if lag.is_negative() {
        format!("{} after the onset, within what clocks are off", time::words(-lag))
    } else if lag < SignedDuration::from_mins(1) {
        "same minute as the onset".to_owned()
    } else {
        format!("{} before the onset", time::words(lag))
    }
}

/// What came of looking for a cause.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Suspects {
    /// When the cohort began; `None` where that is not known, and then there are no suspects.
    pub onset: Option<Timestamp>,
    /// The changes that may be the cause, the one of which most speaks first; [`TOLD`] at most.
    pub ranked: Vec<Suspect>,
    /// How many changes were looked at.
    pub considered: usize,
    /// What is not known, in words: why nothing is surer than it is.
    pub unknown: Vec<SafeText>,
}

impl Suspects {
    /// The first one, where enough speaks for it.
    pub fn first(&self) -> Option<&Suspect> {
        self.ranked.first().filter(|first| first.certainty >= Certainty::Possible)
    }

    /// The first one in short.
    pub fn near(&self) -> Option<Near> {
        self.first().map(|first| Near {
            what: first.event.text.clone(),
            at: first.event.at,
            when: first.when().into(),
            certainty: first.certainty,
        })
    }

    /// In one word what it came to.
    pub fn verdict(&self) -> &'static str {
        match self.first() {
            Some(first) => first.certainty.words(),
            None if self.onset.is_none() => "the onset is not known",
            None => "nothing known points at it",
        }
    }
}

/// The first suspect in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Near {
    /// What was changed, in its own words.
    pub what: SafeText,
    /// When, by the clock of its origin.
    pub at: Timestamp,
    /// How long before the onset, in words.
    pub when: SafeText,
    /// How sure it is.
    pub certainty: Certainty,
}

/// That many tenants of a cohort have the same drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SharedDrift {
    /// What is not as wanted.
    pub what: SafeText,
    /// What its source says of it.
    pub note: Option<SafeText>,
    /// How many tenants of the cohort have it.
    pub tenants: u64,
    /// Of how many.
    pub of: u64,
    /// How many other tenants have it.
    pub others: u64,
    /// Of how many, where a directory tells; `None` where none does.
    pub of_others: Option<u64>,
    /// One of the findings.
    pub finding: InstanceId,
}

impl SharedDrift {
    /// `37 of 41 tenants have drift in policy network-default: has v3, v4 is wanted; 29 of 1,959 others have it, too`.
    pub fn words(&self) -> String {
        let note = self.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let others = match self.of_others {
            Some(of) => format!("{} of {of} others have it, too", self.others),
            None => format!("{} others have it, too", self.others),
        };
        format!("{} of {} tenants have drift in {}{note}; {others}", self.tenants, self.of, self.what)
    }
}

/// What is known of the past of changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Since when changes are known; `None` where none is.
    pub since: Option<Timestamp>,
    /// Sources of events that are silent: what they would have told is missing.
    pub silent: Vec<SafeText>,
}

/// Which part of a cohort a change reaches, in words and as a factor.
struct Reach {
    factor: f64,
    /// Whether it is known whom it reaches.
    known: bool,
    words: Option<SafeText>,
}

/// Looks for the cause of a cohort among changes.
pub fn suspects(facts: &Facts, changes: &[Arc<Event>], known: &Known) -> Suspects {
    let Some(onset) = facts.onset else {
        return Suspects { unknown: vec!["since when it is so is not known".into()], ..Suspects::default() };
    };
    let in_time = |event: &&Arc<Event>| {
        let lag = onset.duration_since(event.at);
        event.class.is_change() && (-SKEW..=LOOK_BACK).contains(&lag)
    };
    let changes: Vec<&Arc<Event>> = changes.iter().filter(in_time).collect();
    let places: BTreeSet<String> = facts.common.keys().flat_map(|(_, value)| tokens(value)).collect();
    let told: Vec<Told> = changes.iter().map(|event| Told::of(event, &places)).collect();
    let mut held: HashMap<&str, usize> = HashMap::new();
    for token in told.iter().flat_map(|told| &told.tokens) {
        *held.entry(token.0.as_str()).or_default() += 1;
    }
    let own = Own::of(facts, &places);
    let mut unknown = Vec::new();
    let reaches_back = onset.checked_sub(SignedDuration::from_mins(30)).unwrap_or(onset);
    let cut_off = known.since.is_none_or(|since| since > reaches_back);
    if cut_off {
        unknown.push(match known.since {
            Some(since) => format!("what was changed before {} is not known", time::date_time(since)).into(),
            None => "no change is known at all".into(),
        });
    }
    let silent = known.silent.iter().map(|name| format!("{name} is silent: what it would have told is missing").into());
    unknown.extend(silent);
    let told_of = facts.hurt.iter().filter(|hurt| !hurt.traits.is_empty()).count();
    if told_of < facts.hurt.len() {
        let text = format!("where {} of {} tenants are is not known", facts.hurt.len() - told_of, facts.hurt.len());
        unknown.push(text.into());
    }
    let weighed = changes.iter().zip(&told).map(|(event, told)| {
        let lag = onset.duration_since(event.at);
        let (place, place_words) = own.place(event, told, &held, changes.len());
        let reach = reach(facts, event, told);
        let weight = in_time_weight(lag) * place * reach.factor;
        (*event, weight, lag, place, place_words, reach)
    });
    let mut weighed: Vec<_> = weighed.collect();
    // Of equals the later one: it is nearer.
    weighed.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.2.abs().cmp(&other.2.abs())));
    let whole: f64 = NONE + weighed.iter().map(|one| one.1).sum::<f64>();
    let considered = weighed.len();
    let sure = !cut_off && known.silent.is_empty() && facts.count > 1;
    let ranked = weighed.into_iter().take(TOLD).map(|(event, weight, lag, place, place_words, reach)| {
        let share = weight / whole;
        let certainty = match share {
            LIKELY.. if sure && reach.known && place > 1.0 => Certainty::Likely,
            POSSIBLE.. if place > 1.0 => Certainty::Possible,
            _ if place > 1.0 => Certainty::Unlikely,
            _ => Certainty::TimeAlone,
        };
        let evidence = place_words.into_iter().chain([when(lag).into()]).chain(reach.words).collect();
        Suspect { event: event.clone(), share, certainty, lag, evidence }
    });
    Suspects { onset: Some(onset), ranked: ranked.collect(), considered, unknown }
}

fn in_time_weight(lag: SignedDuration) -> f64 {
    let seconds = lag.as_secs_f64();
    // What seems to have come after has to be explained by clocks besides.
    if seconds < 0.0 { 0.5 } else { TAU / (TAU + seconds) }
}

/// What a change tells, in words to compare.
struct Told {
    /// Each word once, with how much it says of what is touched.
    tokens: BTreeMap<String, f64>,
    text: String,
}

impl Told {
    /// Without the names of regions and the like: where it was made is looked at on its own.
    fn of(event: &Event, places: &BTreeSet<String>) -> Self {
        let mut all: BTreeMap<String, f64> = BTreeMap::new();
        let mut take = |text: &str, weight: f64| {
            for token in tokens(text).filter(|token| !places.contains(token)) {
                let held = all.entry(token).or_default();
                *held = held.max(weight);
            }
        };
        take(&event.text, 0.6);
        event.subject.iter().for_each(|subject| take(subject, 1.0));
        // Which region or which version it is says nothing of what is touched there.
        let names = ["service", "flow", "step", "deployment"];
        let scope = event.scope.iter().filter(|(name, _)| names.contains(&name.as_str()));
        scope.for_each(|(_, value)| take(value, 1.0));
        Self { tokens: all, text: event.text.to_lowercase() }
    }
}

/// The words of a cohort, with how much each says of where it is, and where it stands.
struct Own<'a> {
    facts: &'a Facts,
    words: Vec<(String, f64, &'static str)>,
}

impl<'a> Own<'a> {
    fn of(facts: &'a Facts, places: &BTreeSet<String>) -> Self {
        let tenants: HashSet<&str> = facts.hurt.iter().map(|hurt| hurt.tenant.as_str()).collect();
        let mut seen = BTreeSet::new();
        let mut words = Vec::new();
        let own_places = [(&facts.step, 1.0, "the step"), (&facts.flow, 1.0, "the flow")];
        let why = facts.why.iter().map(|why| (why, 0.8, "the error"));
        for (text, weight, place) in own_places.into_iter().chain(why).chain([(&facts.source, 0.3, "the source")]) {
            // What is masked stands in angle brackets and is nobody's word; so are the tenants' own names.
            let own = |token: &String| !places.contains(token) && !tenants.contains(token.as_str());
            words.extend(
                tokens(text).filter(own).filter(|token| seen.insert(token.clone())).map(|token| (token, weight, place)),
            );
        }
        Self { facts, words }
    }

    /// How well the place of a change fits, and what says so.
    fn place(&self, event: &Event, told: &Told, held: &HashMap<&str, usize>, changes: usize) -> (f64, Vec<SafeText>) {
        let scope = |name: &str| event.scope.iter().find(|(known, _)| *known == *name).map(|(_, value)| value);
        let same = |value: &SafeText, own: &SafeText| value.to_lowercase() == own.to_lowercase();
        let flow = scope("flow").map(|value| (value, same(value, &self.facts.flow)));
        let step = scope("step").map(|value| (value, same(value, &self.facts.step)));
        let mut evidence: Vec<SafeText> = Vec::new();
        let mut unlike = 1.0;
        if let Some((_, true)) = flow {
            unlike *= 1.0 - NAMED;
            let place = step.filter(|(_, same)| *same).map(|(step, _)| format!(" \u{203a} {step}")).unwrap_or_default();
            evidence.push(format!("touches {}{place}", self.facts.flow).into());
        }
        let service = scope("service").or(event.subject.as_ref());
        if let Some(service) = service.filter(|_| flow.is_none()) {
            let tie = self.facts.ties.share(service, &self.facts.flow);
            if tie > 0.0 {
                unlike *= 1.0 - TIED * tie;
                evidence.push(format!("{service} has touched {} at other times", self.facts.flow).into());
            }
        }
        let (words, word) = self.words_in_common(told, held, changes);
        // What it has in common by its commonest words alone is no evidence.
        if words >= FEW_WORDS {
            unlike *= 1.0 - words;
            evidence.extend(word);
        }
        let likeness = 1.0 - unlike;
        let other = [("flow", flow), ("step", step)].into_iter().find_map(|(name, named)| {
            let (other, _) = named.filter(|(_, same)| !same)?;
            Some(SafeText::from(format!("names another {name}: {other}")))
        });
        let factor = match other {
            Some(_) => ELSEWHERE,
            None if likeness <= 0.0 && scope("service").is_some() => STRANGER,
            None => 1.0,
        };
        evidence.extend(other);
        (factor * (1.0 + LIKENESS * likeness), evidence)
    }

    /// How much the words of a change are those of the cohort, from 0 to 1, and the one that says most.
    fn words_in_common(&self, told: &Told, held: &HashMap<&str, usize>, changes: usize) -> (f64, Option<SafeText>) {
        let rare = |held: usize| {
            let all = (changes + 1) as f64;
            ((all / (held as f64 + 0.5)).ln() / (all + 1.0).ln()).clamp(0.0, 1.0)
        };
        let (mut sum, mut best) = (0.0, None::<(f64, SafeText)>);
        for (token, weight) in &told.tokens {
            let shared = self.words.iter().filter(|(own, ..)| alike(own, token));
            let Some((own, own_weight, place)) = shared.max_by(|one, other| one.1.total_cmp(&other.1)) else {
                continue;
            };
            let says = weight * own_weight * rare(held.get(token.as_str()).copied().unwrap_or(1));
            sum += says;
            if best.as_ref().is_none_or(|(least, _)| says > *least) {
                let text = if own == token {
                    format!("\"{token}\" is in {place}")
                } else {
                    format!("\"{token}\" is like \"{own}\" in {place}")
                };
                best = Some((says, text.into()));
            }
        }
        (1.0 - (-sum).exp(), best.map(|(_, text)| text))
    }
}

/// Whom a change reaches of those who are hurt.
fn reach(facts: &Facts, event: &Event, told: &Told) -> Reach {
    let all = facts.hurt.len();
    if let Some(tenant) = &event.tenant {
        let among = facts.hurt.iter().any(|hurt| hurt.tenant == *tenant);
        let share = if among { 1.0 / all.max(1) as f64 } else { 0.0 };
        let words = if among {
            format!("is for {tenant} alone, 1 of {all} tenants")
        } else {
            format!("is for {tenant}, who is not hurt")
        };
        return Reach { factor: factor(share, 0.01), known: true, words: Some(words.into()) };
    }
    let named = event.scope.iter().find_map(|(name, value)| {
        let name = facts.common.keys().map(|(name, _)| *name).find(|known| *known == name.as_str())?;
        Some((name, value.clone()))
    });
    // Where it is told in words alone, the names of places that a directory knows are looked for.
    let said = || {
        facts
            .common
            .keys()
            .find(|(name, value)| *name == "region" && told.text.contains(&value.to_lowercase()))
            .cloned()
    };
    let Some((name, value)) = named.or_else(said) else {
        return Reach { factor: 1.0, known: true, words: None };
    };
    let known: Vec<_> = facts.hurt.iter().filter(|hurt| hurt.traits.iter().any(|(known, _)| *known == name)).collect();
    if known.is_empty() {
        return Reach {
            factor: 0.7,
            known: false,
            words: Some(format!("is for {name} {value} alone; where the tenants are is not known").into()),
        };
    }
    let there =
        known.iter().filter(|hurt| hurt.traits.iter().any(|(known, held)| *known == name && *held == value)).count();
    let share = there as f64 / known.len() as f64;
    let common = facts.common.get(&(name, value.clone())).copied().unwrap_or(0.01);
    let where_ = if name == "region" { format!("in {value}") } else { format!("{name} {value}") };
    let words = format!("{there} of {} tenants are {where_}", known.len());
    Reach { factor: factor(share, common), known: true, words: Some(words.into()) }
}

/// What it says of a change that so many of those who are hurt are where it was made, and so many of all tenants.
fn factor(share: f64, common: f64) -> f64 {
    let specific = if share >= 0.9 { 1.0 + (1.0 / common.clamp(0.01, 1.0)).ln() } else { 1.0 };
    (share * share * specific).max(NOBODY)
}

#[cfg(test)]
mod tests;
