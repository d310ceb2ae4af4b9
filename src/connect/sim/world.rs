//! The world itself: the seed, the clock, the tenants, and the acts that it has accepted.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::beside::{Beside, BesideSource};
use super::case::Case;
use super::cast;
use super::clock::{Clock, DAY, HOUR, MINUTE, Ms, SECOND, instant, millis};
use super::connector::ControlPlane;
use super::deployments::{goes_back, misfit};
use super::dice::Index;
use super::flows::Plane;
use super::pace::{Pace, check_speed};
use super::script::{Deed, Phase, Script, State};
use super::store::{Line, Opened, Store};
use super::tenants::{BUSY, Tenant, tenants};
use crate::connect::{Act, ActAnswer, Connector};
use crate::domain::flow::FlowInstance;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// How long an ended instance is kept, which is the look-back for failed ones too.
pub(super) const RETENTION: Ms = DAY;

/// When a control plane first goes silent, and for how long.
const AWAY_FROM: Ms = 5 * MINUTE;
const AWAY_FOR: Ms = 3 * MINUTE;

/// When a control plane throttles first, how often, and for how long.
const THROTTLED_FROM: Ms = 12 * MINUTE + 30 * SECOND;
const THROTTLED_EVERY: Ms = 20 * MINUTE;
const THROTTLED_FOR: Ms = 6 * SECOND;

/// A made-up SaaS in the middle of its incidents, and the control planes that run it.
///
/// ```
/// use std::sync::Arc;
///
/// use quarterdeck::connect::Connector;
/// use quarterdeck::connect::sim::{SEED, World, system_clock};
///
/// let world = Arc::new(World::start(SEED, system_clock()));
/// let (name, plane) = &world.planes()[0];
/// assert_eq!((*name, plane.kind()), ("platform", "sim"));
/// ```
pub struct World {
    pub(super) seed: u64,
    pub(super) epoch: Timestamp,
    /// Tells the time that the world's own one is made of.
    outer: Clock,
    pub(super) tenants: Vec<Tenant>,
    log: Mutex<Log>,
    /// When somebody had a finding checked, by its id.
    checked: Mutex<HashMap<String, Ms>>,
    /// Pictures of the last pass over each control plane. What an instance looks like changes with its phase alone.
    pictures: Mutex<HashMap<Plane, Pictures>>,
}

/// Who was pictured: in the phase that began when, after how many acts.
pub(super) type Pictures = HashMap<Index, (Ms, usize, FlowInstance)>;

/// Everything that was done: all the state there is.
struct Log {
    pace: Pace,
    deeds: Deeds,
    /// What each key was used for, and what was answered.
    answers: HashMap<String, (Verb, String, ActAnswer)>,
    /// When somebody put the service of the main incident back to its earlier code.
    put_back: Option<Ms>,
    /// Since when what findings are about is being made what is wanted, by id.
    reconciled: HashMap<String, Ms>,
    /// Where it is kept, where it is.
    store: Option<Store>,
}

impl Log {
    fn begin(at: Timestamp) -> Self {
        Self {
            pace: Pace::begin(at),
            deeds: Deeds::new(),
            answers: HashMap::new(),
            put_back: None,
            reconciled: HashMap::new(),
            store: None,
        }
    }

    /// Takes in what happened, here or in another process.
    fn take(&mut self, line: Line, seed: u64) {
        match line {
            Line::Began { .. } => {}
            Line::Speed { speed, outer, inner } => self.pace = Pace { outer, inner, speed },
            Line::PutBack { at } => _ = self.put_back.get_or_insert(at),
            Line::Reconciled { at, finding, key } => {
                self.reconciled.entry(finding.clone()).or_insert(at);
                self.answers.entry(key).or_insert((Verb::Reconcile, finding, ActAnswer::Accepted));
            }
            Line::Act { at, verb, instance, key, earlier } => {
                if let Some(index) = Index::from_id(&instance, seed).filter(|_| !self.answers.contains_key(&key)) {
                    let deeds = self.deeds.entry(index).or_default();
                    // Were the clock set back, what was done would still come after what was done before.
                    let at = deeds.last().map_or(at, |last| last.at.max(at));
                    deeds.push(Deed { at, verb, earlier });
                    self.answers.insert(key, (verb, instance, ActAnswer::Accepted));
                }
            }
        }
    }

    /// Takes in what others have appended.
    fn catch_up(&mut self, seed: u64) {
        let news = self.store.as_mut().map(Store::news).unwrap_or_default();
        for line in news {
            self.take(line, seed);
        }
    }

    /// Writes down what happens, and takes it in. What can't be written down does not happen.
    fn happen(&mut self, line: Line, seed: u64) -> io::Result<()> {
        match &mut self.store {
            Some(store) => store.append(&line)?,
            None => self.take(line, seed),
        }
        self.catch_up(seed);
        Ok(())
    }
}

type Deeds = BTreeMap<Index, Vec<Deed>>;

/// One instance with its script and what was done to it.
pub(super) struct Played {
    pub(super) case: Case,
    pub(super) script: Script,
    pub(super) deeds: Vec<Deed>,
}

/// An attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    /// How many times it had been resumed before.
    pub(super) run: usize,
    /// Its number as the engine counts: a row of retries that is begun anew begins with 1 again.
    pub(super) attempt: u32,
    pub(super) began: Ms,
    pub(super) failed: Ms,
}

/// What the world is at one time.
pub(super) struct Moment<'a> {
    pub(super) world: &'a World,
    pub(super) now: Ms,
    pub(super) put_back: Option<Ms>,
    deeds: Deeds,
}

impl World {
    /// Starts a world now, by `clock`. The main incident began a quarter of an hour ago.
    ///
    /// Worlds with one seed that start at one time say the same whenever their clocks agree.
    pub fn start(seed: u64, clock: Clock) -> Self {
        let epoch = clock();
        Self::of(seed, clock, epoch, Log::begin(epoch))
    }

    /// Opens the world that is kept in a folder, or begins one there: where there is none, where nobody has used it for
    /// hours, where it can't be read, and where `fresh` asks for it. Beside the world there may be a sentence for
    /// people: why it was begun anew.
    ///
    /// # Errors
    /// Where the folder can't be used; of kind [`io::ErrorKind::ResourceBusy`] where a fresh one is asked for, and
    /// another process has this one open.
    pub fn kept(seed: u64, clock: Clock, folder: &Path, fresh: bool) -> io::Result<(Self, Option<String>)> {
        let Opened { store, began, lines, note } = Store::open(folder, seed, clock(), fresh)?;
        let mut log = Log::begin(began);
        for line in lines {
            log.take(line, seed);
        }
        log.store = Some(store);
        Ok((Self::of(seed, clock, began, log), note))
    }

    /// Looks at the world that is kept in a folder and leaves everything there as it is; `None` where there is none
    /// that is still in use.
    ///
    /// # Errors
    /// Where there is one that can't be read.
    pub fn glimpse(seed: u64, clock: Clock, folder: &Path) -> io::Result<Option<Self>> {
        let Some((began, lines)) = Store::glimpse(folder, seed, clock())? else { return Ok(None) };
        let mut log = Log::begin(began);
        for line in lines {
            log.take(line, seed);
        }
        Ok(Some(Self::of(seed, clock, began, log)))
    }

    fn of(seed: u64, outer: Clock, epoch: Timestamp, log: Log) -> Self {
        Self {
            seed,
            epoch,
            outer,
            tenants: tenants(seed),
            log: Mutex::new(log),
            checked: Mutex::default(),
            pictures: Mutex::default(),
        }
    }

    /// The world's own time, which may run slower or faster than the clock that it was handed.
    pub fn clock(self: &Arc<Self>) -> Clock {
        let world = self.clone();
        Arc::new(move || {
            let outer = (world.outer)();
            world.with_log(|log| log.pace.at(outer))
        })
    }

    /// How many of its seconds pass in one.
    pub fn speed(&self) -> f64 {
        self.with_log(|log| log.pace.speed)
    }

    /// Makes its time run slower or faster from now on, for everybody who has it open.
    ///
    /// # Errors
    /// In words for people: where it can't run so fast, and where that can't be written down.
    pub fn set_speed(&self, speed: f64) -> Result<(), String> {
        check_speed(speed)?;
        if (speed - self.speed()).abs() < f64::EPSILON {
            return Ok(());
        }
        let outer = (self.outer)();
        self.with_log(|log| {
            let Pace { inner, .. } = log.pace.turn(outer, speed);
            log.happen(Line::Speed { speed, outer, inner }, self.seed)
        })
        .map_err(|error| format!("the speed can't be kept: {error}"))
    }

    /// Its control planes: the name of each as a source, and how it is asked.
    pub fn planes(self: &Arc<Self>) -> Vec<(&'static str, Arc<dyn Connector>)> {
        let connector = |plane| Arc::new(ControlPlane { world: self.clone(), plane }) as Arc<dyn Connector>;
        Plane::ALL.into_iter().map(|plane| (plane.name(), connector(plane))).collect()
    }

    /// Every source: its control planes, and what there is beside them.
    pub fn sources(self: &Arc<Self>) -> Vec<(&'static str, Arc<dyn Connector>)> {
        let source = |what: Beside| {
            let source = Arc::new(BesideSource { world: self.clone(), what }) as Arc<dyn Connector>;
            (what.name(), source)
        };
        self.planes().into_iter().chain(Beside::ALL.map(source)).collect()
    }

    /// Notes that these findings are checked at a time.
    pub(super) fn checks(&self, findings: &[SafeText], now: Ms) {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.extend(findings.iter().map(|id| (id.to_string(), now)));
    }

    /// When somebody had a finding checked last.
    pub(super) fn checked_at(&self, id: &str) -> Option<Ms> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }

    /// The world at its clock's present.
    pub(super) fn moment(&self) -> Moment<'_> {
        let outer = (self.outer)();
        self.with_log(|log| {
            log.catch_up(self.seed);
            let now = millis(self.epoch, log.pace.at(outer));
            Moment { world: self, now, put_back: log.put_back, deeds: log.deeds.clone() }
        })
    }

    /// Whether a control plane answers nobody at a time: billing is away for three minutes of each hour.
    pub(super) fn away(plane: Plane, now: Ms) -> bool {
        plane == Plane::Billing && now >= AWAY_FROM && (now - AWAY_FROM).rem_euclid(HOUR) < AWAY_FOR
    }

    /// For how long a control plane has no time for anybody, where it has none: billing throttles for some seconds three
    /// times an hour.
    pub(super) fn throttled(plane: Plane, now: Ms) -> Option<Ms> {
        let into = (now - THROTTLED_FROM).rem_euclid(THROTTLED_EVERY);
        (plane == Plane::Billing && now >= THROTTLED_FROM && into < THROTTLED_FOR).then(|| THROTTLED_FOR - into)
    }

    /// The log, held for as long as `work` takes, which never waits.
    fn with_log<T>(&self, work: impl FnOnce(&mut Log) -> T) -> T {
        work(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Carries an act out, once for each key.
    pub(super) fn carry_out(&self, plane: Plane, act: &Act) -> ActAnswer {
        let outer = (self.outer)();
        self.with_log(|log| {
            log.catch_up(self.seed);
            let now = millis(self.epoch, log.pace.at(outer));
            if let Some((verb, instance, answer)) = log.answers.get(&*act.key) {
                return if *verb == act.verb && **instance == *act.instance {
                    answer.clone()
                } else {
                    ActAnswer::Refused(format!("key {} was used for another act.", act.key).into())
                };
            }
            let put_back = log.put_back;
            let moment = Moment { world: self, now, put_back, deeds: std::mem::take(&mut log.deeds) };
            let answer = moment.answer(plane, act);
            log.deeds = moment.deeds;
            if answer == ActAnswer::Accepted {
                let (instance, key) = (act.instance.to_string(), act.key.to_string());
                let earlier = goes_back(&act.parameters);
                let line = Line::Act { at: now, verb: act.verb, instance, key, earlier };
                if let Err(error) = log.happen(line, self.seed) {
                    return ActAnswer::Refused(format!("the act can't be kept: {error}").into());
                }
            }
            log.answers.insert(act.key.to_string(), (act.verb, act.instance.to_string(), answer.clone()));
            answer
        })
    }
}

impl World {
    /// Since when what a finding is about is being made what is wanted.
    pub(super) fn reconciled(&self) -> HashMap<String, Ms> {
        self.with_log(|log| log.reconciled.clone())
    }

    /// Begins to make what a finding is about what is wanted, once for each key. `refused` is why not, where it can't be.
    pub(super) fn reconcile(&self, act: &Act, refused: Option<&str>) -> ActAnswer {
        let outer = (self.outer)();
        self.with_log(|log| {
            log.catch_up(self.seed);
            if let Some((_, finding, answer)) = log.answers.get(&*act.key) {
                return if **finding == *act.instance {
                    answer.clone()
                } else {
                    ActAnswer::Refused(format!("key {} was used for another act.", act.key).into())
                };
            }
            if let Some(why) = refused {
                let answer = ActAnswer::Refused(why.into());
                log.answers.insert(act.key.to_string(), (act.verb, act.instance.to_string(), answer.clone()));
                return answer;
            }
            let at = millis(self.epoch, log.pace.at(outer));
            let line = Line::Reconciled { at, finding: act.instance.to_string(), key: act.key.to_string() };
            match log.happen(line, self.seed) {
                Ok(()) => ActAnswer::Accepted,
                Err(error) => ActAnswer::Refused(format!("the act can't be kept: {error}").into()),
            }
        })
    }

    /// Puts the service of the main incident back, once.
    pub(super) fn put_back(&self) -> io::Result<()> {
        let outer = (self.outer)();
        self.with_log(|log| {
            log.catch_up(self.seed);
            let at = millis(self.epoch, log.pace.at(outer));
            log.happen(Line::PutBack { at }, self.seed)
        })
    }
}

impl Moment<'_> {
    /// Every open instance of a control plane and every failed one within the look-back, with where it stands.
    pub(super) fn open_and_failed(&self, plane: Plane) -> Vec<(Played, Phase)> {
        let mut rows: Vec<(Played, Phase)> = cast::candidates(self.world.seed, plane, self.now)
            .filter_map(|case| {
                let played = self.play(case);
                let phase = played.script.at(self.now)?;
                let status = phase.state.status();
                let recent = phase.at > self.now - RETENTION;
                (!status.ended() || status.failed() && recent).then_some((played, phase))
            })
            .collect();
        rows.sort_by_key(|(played, _)| played.case.index);
        rows
    }

    /// One instance of a control plane, open or ended within the retention.
    pub(super) fn find(&self, plane: Plane, id: &str) -> Option<(Played, Phase)> {
        let case = cast::case(self.world.seed, Index::from_id(id, self.world.seed)?)?;
        if case.flow.plane != plane {
            return None;
        }
        let played = self.play(case);
        let phase = played.script.at(self.now)?;
        let kept = !phase.state.status().ended() || phase.at > self.now - RETENTION;
        kept.then_some((played, phase))
    }

    /// The instant of a time of the world.
    pub(super) fn instant(&self, at: Ms) -> Timestamp {
        instant(self.world.epoch, at)
    }

    /// The tenant of a case.
    pub(super) fn tenant(&self, case: &Case) -> &Tenant {
        &self.world.tenants[case.tenant % BUSY]
    }

    pub(super) fn play(&self, case: Case) -> Played {
        let case = self.mended(case);
        let deeds = self.deeds.get(&case.index).cloned().unwrap_or_default();
        let script = Script::of(&case, &deeds, |before| self.release(before));
        Played { case, script, deeds }
    }

    /// Pictures of what a pass has found, in its order. One that has not moved on is not drawn again.
    pub(super) fn pictures(&self, plane: Plane, rows: &[(Played, Phase)]) -> Vec<FlowInstance> {
        let known = |all: &mut HashMap<Plane, Pictures>| all.remove(&plane).unwrap_or_default();
        let mut before = known(&mut self.world.pictures.lock().unwrap_or_else(PoisonError::into_inner));
        let mut now = HashMap::with_capacity(rows.len());
        let observed_at = self.instant(self.now);
        let mut flows = Vec::with_capacity(rows.len());
        for (played, phase) in rows {
            let index = played.case.index;
            let mut flow = match before.remove(&index) {
                Some((at, deeds, flow)) if (at, deeds) == (phase.at, played.deeds.len()) => flow,
                _ => self.picture(played, phase),
            };
            flow.observed_at = observed_at;
            now.insert(index, (phase.at, played.deeds.len(), flow.clone()));
            flows.push(flow);
        }
        self.world.pictures.lock().unwrap_or_else(PoisonError::into_inner).insert(plane, now);
        flows
    }

    /// When an instance no longer holds its key; at once where there is no such instance.
    fn release(&self, index: Index) -> Option<Ms> {
        match cast::case(self.world.seed, index) {
            Some(case) => self.play(case).script.ends(),
            None => Some(Ms::MIN),
        }
    }

    fn answer(&self, plane: Plane, act: &Act) -> ActAnswer {
        let id = &act.instance;
        let Some((_, phase)) = self.find(plane, id) else {
            return ActAnswer::Gone(format!("there is no instance {id}.").into());
        };
        let done = match act.verb {
            Verb::Resume => "resumed",
            Verb::Pause => "paused",
            Verb::Cancel => "cancelled",
            Verb::Kill => "killed",
            Verb::RestartAsNew | Verb::Purge | Verb::Reconcile | Verb::Restore => {
                return ActAnswer::Refused(format!("this engine knows no {}.", act.verb.label()).into());
            }
        };
        if let Some(why) = misfit(act.verb, &act.parameters) {
            return ActAnswer::Refused(why);
        }
        let refused = |why: &str| ActAnswer::Refused(format!("{id} is {why}, cannot be {done}.").into());
        match (act.verb, phase.state) {
            (_, State::Ended { .. }) => refused("completed"),
            (Verb::Resume | Verb::Pause, State::Scheduled { .. } | State::Queued { .. }) => refused("not running yet"),
            (Verb::Resume, State::Starved) => refused("waiting for a worker, not paused"),
            (Verb::Resume, State::Running { .. }) => refused("running already"),
            (Verb::Resume, State::Waiting { .. }) => refused("waiting, not paused"),
            (Verb::Resume | Verb::Pause, State::Compensating) => refused("being cancelled"),
            (Verb::Pause, State::Paused { .. }) => refused("paused already"),
            (_, _) => ActAnswer::Accepted,
        }
    }
}
