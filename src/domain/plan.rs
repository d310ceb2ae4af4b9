//! Plans of many targets: whom exactly, in which waves and at what pace, frozen under one hash.
//!
//! A plan changes nothing. Whoever approves it, carries it out or reads of it later names it by its hash: made once more
//! while nothing has changed, it has the same one; with any other source, target, version, verb, wave or limit it has
//! another.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::blast::Blast;
use super::hash::sha256;
use super::ids::InstanceId;
use super::policy::PolicyDecision;
use super::remediation::{Risk, Verb};
use super::remedy::{FrozenRemedy, Step, SwitchedOff};
use super::runbook::RunbookRun;
use super::text::SafeText;

/// How long a plan may be carried out, or requested, after it was made.
pub const PLAN_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// How many of the targets one wave takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wave {
    /// One.
    Probe,
    /// So many of a hundred of all targets, and one at the least.
    Share(u8),
    /// All that are left.
    Rest,
}

impl fmt::Display for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probe => f.write_str("probe"),
            Self::Share(percent) => write!(f, "{percent}%"),
            Self::Rest => f.write_str("rest"),
        }
    }
}

/// The waves of a plan, the first one first; the last one takes the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waves(Vec<Wave>);

impl Default for Waves {
    /// One, a twentieth, a quarter, the rest.
    fn default() -> Self {
        Self(vec![Wave::Probe, Wave::Share(5), Wave::Share(25), Wave::Rest])
    }
}

impl FromStr for Waves {
    type Err = String;

    /// `probe,5%,25%,rest`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wave = |word: &str| match word.trim() {
            "probe" => Ok(Wave::Probe),
            "rest" => Ok(Wave::Rest),
            share => {
                let percent = share.strip_suffix('%').and_then(|number| number.parse::<u8>().ok());
                let percent = percent.filter(|percent| (1..=100).contains(percent));
                percent.map(Wave::Share).ok_or_else(|| {
                    format!(
                        "{:?} is no wave: probe, a share such as 5%, or rest",
                        SafeText::clipped(share, 20).as_str()
                    )
                })
            }
        };
        let waves = text.split(',').map(wave).collect::<Result<Vec<_>, _>>()?;
        let [before @ .., last] = waves.as_slice() else { return Err("no wave".to_owned()) };
        if before.contains(&Wave::Rest) {
            return Err("nothing is left after rest".to_owned());
        }
        if *last != Wave::Rest {
            return Err(format!("the last wave has to be rest, and not {last}: no target may be left over"));
        }
        Ok(Self(waves))
    }
}

impl fmt::Display for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&words.join(","))
    }
}

impl Waves {
    /// Whether the first one is a probe.
    pub fn probes(&self) -> bool {
        self.0.first() == Some(&Wave::Probe)
    }

    /// How many of so many targets each wave takes: all of them together, and no wave none.
    pub fn sizes(&self, targets: usize) -> Vec<usize> {
        let mut left = targets;
        let sizes = self.0.iter().map(|wave| {
            let wanted = match wave {
                Wave::Probe => 1,
                Wave::Share(percent) => (targets * usize::from(*percent)).div_ceil(100),
                Wave::Rest => left,
            };
            let size = wanted.min(left);
            left -= size;
            size
        });
        sizes.filter(|size| *size > 0).collect()
    }
}

/// How fast, how many at once, and when to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Acts that wait for their answer at one time.
    pub concurrency: u32,
    /// Acts a second.
    pub per_second: u32,
    /// It is held when more than so many went wrong; in a probe none may.
    pub max_errors: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { concurrency: 5, per_second: 5, max_errors: 3 }
    }
}

/// One target, in the version that was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Who.
    pub id: InstanceId,
    /// What the meaning of the act depends on.
    pub version: SafeText,
}

/// One that was chosen and is no target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Who.
    pub id: InstanceId,
    /// Why.
    pub reason: SafeText,
}

/// What a plan's hash is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// What is to be done to each.
    pub remedy: FrozenRemedy,
    /// To whom, in the order of their ids.
    pub targets: Vec<Target>,
    /// In which waves.
    pub waves: Waves,
    /// At what pace.
    pub pace: Pace,
}

/// What a verb is given besides its target, by name. [`DEPLOYMENT`] is the one there is.
pub type Parameters = BTreeMap<SafeText, SafeText>;

/// The parameter that an act is given which puts back what was there: a digest of that. It is the target's own, and no part
/// of a plan but by its version.
pub const CONTENT: &str = "content";

/// The parameter that names the deployment on which a resumed instance goes on.
pub const DEPLOYMENT: &str = "deployment";

/// The parameter that names the deployment from which the targets' service is put back to [`DEPLOYMENT`], once every
/// target is verified.
pub const PUT_BACK: &str = "put_back_from";

/// The parameter that names the flow whose service that is; whoever plans fills it in.
pub const SERVICE: &str = "service";

/// The parameters that each target's act is given.
pub fn of_each(parameters: &Parameters) -> Parameters {
    let own = |name: &str| name != PUT_BACK && name != SERVICE;
    parameters.iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The deployment that parameters name.
pub fn deployment(parameters: &Parameters) -> Option<&SafeText> {
    parameters.get(&SafeText::from(DEPLOYMENT))
}

impl Frozen {
    /// Freezes a verb: targets stand in the order of their ids, each once.
    pub fn new(verb: Verb, parameters: Parameters, targets: Vec<Target>, waves: Waves, pace: Pace) -> Self {
        Self::of(FrozenRemedy::Verb(Step { verb, parameters }), targets, waves, pace)
    }

    /// The same of a runbook.
    pub fn of_runbook(run: RunbookRun, targets: Vec<Target>, waves: Waves, pace: Pace) -> Self {
        Self::of(FrozenRemedy::Runbook(Box::new(run)), targets, waves, pace)
    }

    /// The same of either.
    pub fn of(remedy: FrozenRemedy, mut targets: Vec<Target>, waves: Waves, pace: Pace) -> Self {
        targets.sort_unstable();
        targets.dedup_by(|one, other| one.id == other.id);
        Self { remedy, targets, waves, pace }
    }

    /// What is put back in the end: the flow whose service it is, from which deployment, to which.
    pub fn puts_back(&self) -> Option<(&SafeText, &SafeText, &SafeText)> {
        self.remedy.puts_back()
    }

    /// What it may cost.
    pub fn risk(&self) -> Risk {
        self.remedy.risk()
    }

    /// The wave of each target, from 0, in the order of the targets.
    pub fn wave_of_each(&self) -> impl Iterator<Item = u32> {
        let sizes = self.waves.sizes(self.targets.len());
        (0_u32..).zip(sizes).flat_map(|(wave, size)| std::iter::repeat_n(wave, size))
    }

    /// Its hash, in hexadecimal: SHA-256 over the canonical JSON (RFC 8785).
    pub fn hash(&self) -> SafeText {
        let targets: Vec<_> = self
            .targets
            .iter()
            .map(|target| json!([target.id.source.as_str(), target.id.instance.as_str(), target.version.as_str()]))
            .collect();
        let mut hashed = vec![
            (
                "limits",
                json!({
                    "concurrency": self.pace.concurrency,
                    "max_errors": self.pace.max_errors,
                    "per_second": self.pace.per_second,
                }),
            ),
            ("targets", json!(targets)),
            ("waves", json!(self.waves.to_string())),
        ];
        hashed.extend(self.remedy.hashed());
        hashed.sort_unstable_by_key(|(key, _)| *key);
        let object: Value = hashed.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        match self.remedy {
            // Keys in their order, no white space, small whole numbers, and texts without control characters: that is
            // the canonical form.
            FrozenRemedy::Verb(_) => sha256(&object.to_string()),
            // Of what a runbook is given that is not so: numbers and keys are as somebody wrote them. What can't be
            // written canonically could not be read as JSON either.
            FrozenRemedy::Runbook(_) => {
                sha256(&serde_json_canonicalizer::to_string(&object).unwrap_or_else(|_| object.to_string()))
            }
        }
    }
}

impl WidePlan {
    /// What it may cost: where something of what is there is lost, nothing takes that back for certain.
    pub fn risk(&self) -> Risk {
        risk_of(&self.frozen, &self.blast)
    }
}

/// What a plan may cost that hurts so.
pub fn risk_of(frozen: &Frozen, blast: &Blast) -> Risk {
    if blast.destroys() { Risk::Irreversible } else { frozen.risk() }
}

/// A plan of many targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WidePlan {
    /// What it is named by.
    pub hash: SafeText,
    /// What its hash is of.
    pub frozen: Frozen,
    /// Who was chosen and is left out, and why.
    pub skipped: Vec<Skipped>,
    /// What each target goes through, in words: each of them once, and of how many targets.
    pub effects: Vec<(SafeText, usize)>,
    /// What stays switched off by it until somebody arms it again.
    pub switches_off: Vec<SwitchedOff>,
    /// What it hurts.
    pub blast: Blast,
    /// What is decided of it.
    pub policy: PolicyDecision,
    /// When it was made, by the local clock.
    pub made_at: Timestamp,
    /// Until when it may be requested.
    pub expires_at: Timestamp,
}

/// What is gone through before a plan is whole.
#[derive(Debug, Default)]
pub struct Draft {
    /// Who was chosen and is left out, and why.
    pub skipped: Vec<Skipped>,
    /// What targets go through, in words, and how many of them.
    pub effects: BTreeMap<SafeText, usize>,
    /// What stays switched off by it.
    pub switches_off: Vec<SwitchedOff>,
    /// What it hurts.
    pub blast: Blast,
}

impl Draft {
    /// The plan: who is left out by their ids, and what happens to most first.
    pub fn done(self, frozen: Frozen, policy: PolicyDecision, made_at: Timestamp) -> WidePlan {
        let Self { mut skipped, effects, switches_off, blast } = self;
        skipped.sort_unstable();
        let mut effects: Vec<_> = effects.into_iter().collect();
        effects.sort_by(|(one, few), (other, more)| more.cmp(few).then_with(|| one.cmp(other)));
        WidePlan {
            hash: frozen.hash(),
            frozen,
            skipped,
            effects,
            switches_off,
            blast,
            policy,
            made_at,
            expires_at: made_at.saturating_add(PLAN_LIFE).unwrap_or(made_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::runbook::{Given, Undo};

    fn target(n: u8, version: &str) -> Target {
        Target { id: InstanceId::new("a", format!("i{n:03}")), version: version.into() }
    }

    fn frozen(targets: Vec<Target>) -> Frozen {
        Frozen::new(Verb::Resume, Parameters::new(), targets, Waves::default(), Pace::default())
    }

    #[test]
    fn waves_are_read_as_they_are_written() {
        for text in ["rest", "probe,rest", "probe,5%,25%,rest", "100%,rest"] {
            assert_eq!(text.parse::<Waves>().unwrap().to_string(), text);
        }
        assert_eq!(" probe , rest".parse::<Waves>().unwrap().to_string(), "probe,rest");
        assert_eq!(Waves::default().to_string(), "probe,5%,25%,rest");
        for (text, why) in [
            ("", "\"\" is no wave: probe, a share such as 5%, or rest"),
            ("probe", "the last wave has to be rest, and not probe: no target may be left over"),
            ("rest,rest", "nothing is left after rest"),
            ("0%,rest", "\"0%\" is no wave: probe, a share such as 5%, or rest"),
            ("101%,rest", "\"101%\" is no wave: probe, a share such as 5%, or rest"),
            ("5,rest", "\"5\" is no wave: probe, a share such as 5%, or rest"),
        ] {
            assert_eq!(text.parse::<Waves>().unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn shares_are_of_all_targets_and_rounded_up() {
        assert_eq!(Waves::default().sizes(298), [1, 15, 75, 207]);
        assert_eq!(Waves::default().sizes(1), [1]);
        assert_eq!(Waves::default().sizes(3), [1, 1, 1]);
        assert!(Waves::default().sizes(0).is_empty());
    }

    #[test]
    fn the_hash_is_the_one_of_the_canonical_text() {
        let plan = frozen(vec![target(1, "v")]);
        let text = r#"{"limits":{"concurrency":5,"max_errors":3,"per_second":5},"parameters":{},"targets":[["a","i001","v"]],"verb":"resume","waves":"probe,5%,25%,rest"}"#;
        assert_eq!(plan.hash(), sha256(text));
        // By another program: sha256sum.
        assert_eq!(plan.hash(), "3b9f94d9b1174032135ff8a2d63dc40de78acdba0c82d9c3fe00fc0d965decb1");
    }

    fn run() -> RunbookRun {
        let step = |verb| Step { verb, parameters: Parameters::new() };
        RunbookRun {
            id: "drain@1".parse().unwrap(),
            parameters: serde_json::from_str(r#"{"minutes": 5, "b": 1e2}"#).unwrap(),
            steps: vec![step(Verb::Pause), step(Verb::Resume)],
            switches_off: vec!["retries".into()],
            rearm: "deploy".into(),
            undo: Some(Undo { id: "fill@1".parse().unwrap(), parameters: Given::new() }),
        }
    }

    #[test]
    fn of_a_runbook_the_hash_is_over_all_that_it_does() {
        let plan = Frozen::of_runbook(run(), vec![target(1, "v")], Waves::default(), Pace::default());
        let text = r#"{"limits":{"concurrency":5,"max_errors":3,"per_second":5},"parameters":{"b":100,"minutes":5},"rearm":"deploy","runbook":"drain@1","steps":[{"parameters":{},"verb":"pause"},{"parameters":{},"verb":"resume"}],"switches_off":["retries"],"targets":[["a","i001","v"]],"undo":{"id":{"name":"fill","version":"1"},"parameters":{}},"waves":"probe,5%,25%,rest"}"#;
        assert_eq!(plan.hash(), sha256(text));
        // By another program: sha256sum.
        assert_eq!(plan.hash(), "dc73416391aac5234d299ac850bbf03ca73a94d0b0fd44171bc46050f638635d");
        assert_eq!((plan.risk(), plan.remedy.name().as_str()), (Risk::Reversible, "drain@1"));
        assert_eq!(plan.remedy.way_back(), "fill@1, by a plan of its own");
    }

    #[test]
    fn whatever_is_another_plan_has_another_hash() {
        let plan = frozen(vec![target(1, "v"), target(2, "v")]);
        let pace = |change: fn(&mut Pace)| {
            let mut other = plan.clone();
            change(&mut other.pace);
            other
        };
        let verb =
            |verb, parameters| Frozen::new(verb, parameters, plan.targets.clone(), plan.waves.clone(), plan.pace);
        let runbook = |change: fn(&mut RunbookRun)| {
            let mut run = run();
            change(&mut run);
            Frozen::of_runbook(run, plan.targets.clone(), plan.waves.clone(), plan.pace)
        };
        let others = [
            runbook(|_| {}),
            runbook(|run| run.id.version = "2".into()),
            runbook(|run| run.id.name = "drains".into()),
            runbook(|run| run.steps.reverse()),
            runbook(|run| _ = run.steps.pop()),
            runbook(|run| run.steps[1].verb = Verb::Cancel),
            runbook(|run| _ = run.steps[1].parameters.insert(DEPLOYMENT.into(), "dp_2".into())),
            runbook(|run| _ = run.parameters.insert("minutes".to_owned(), json!(6))),
            runbook(|run| _ = run.parameters.insert("minutes".to_owned(), json!("5"))),
            runbook(|run| run.switches_off.push("alerts".into())),
            runbook(|run| run.rearm = "by hand".into()),
            runbook(|run| run.undo = None),
            frozen(vec![target(1, "v")]),
            frozen(vec![target(1, "v"), target(3, "v")]),
            frozen(vec![target(1, "v"), target(2, "w")]),
            frozen(vec![target(1, "v"), Target { id: InstanceId::new("b", "i002"), version: "v".into() }]),
            verb(Verb::Cancel, Parameters::new()),
            verb(Verb::Resume, [(DEPLOYMENT.into(), "dp_1".into())].into()),
            Frozen { waves: "probe,rest".parse().unwrap(), ..plan.clone() },
            pace(|pace| pace.concurrency += 1),
            pace(|pace| pace.per_second += 1),
            pace(|pace| pace.max_errors += 1),
        ];
        let mut hashes: Vec<SafeText> = others.iter().map(Frozen::hash).chain([plan.hash()]).collect();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), others.len() + 1);
    }

    proptest! {
        #[test]
        fn waves_take_each_target_once(targets in 0_usize..20_000, shares in vec(1_u8..=100, 0..5), probe: bool) {
            let mut waves: Vec<Wave> = probe.then_some(Wave::Probe).into_iter().collect();
            waves.extend(shares.into_iter().map(Wave::Share));
            waves.push(Wave::Rest);
            let sizes = Waves(waves).sizes(targets);
            prop_assert_eq!(sizes.iter().sum::<usize>(), targets);
            prop_assert!(sizes.iter().all(|size| *size > 0));
            prop_assert!(!probe || targets == 0 || sizes[0] == 1);
        }

        #[test]
        fn the_order_in_which_targets_were_found_does_not_matter(
            mut found in vec(any::<u8>(), 0..20).prop_map(|found| {
                found.into_iter().map(|n| target(n, "v")).collect::<Vec<_>>()
            })
        ) {
            let one = frozen(found.clone());
            found.reverse();
            prop_assert_eq!(one.hash(), frozen(found).hash());
        }
    }
}
