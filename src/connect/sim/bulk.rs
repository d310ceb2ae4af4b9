//! Very many instances and no story behind them: what size and speed are measured on.
//!
//! What is told is a pure function of the seed, of the number of instances and of how many changes there have been;
//! the last change of each place is all the state there is. So whoever is fed the same changes can say what every row
//! must be.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::Clock;
use super::dice::Dice;
use crate::connect::{Changes, ConnectError, Connector, Observation, Reading, hand_on};
use crate::domain::flow::{FlowDetail, FlowError, FlowInstance, PauseCause, Status, Version, Wait, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::run::Attempts;
use crate::domain::signs::Signs;
use crate::domain::text::SafeText;

/// The name of the source.
pub const BULK: &str = "bulk";

/// Rows in one part of a pass.
const CHUNK: u32 = 512;

/// From one part of the feed to the next.
const BEAT: Duration = Duration::from_millis(33);

/// One change in so many ends an instance, and another one begins in its place.
const ENDS: usize = 8;

const TENANTS: usize = 2_000;

const FLOWS: [(&str, &[&str]); 8] = [
    ("tenant/provision", &["database", "network", "certificate", "seed-data", "welcome-mail"]),
    ("billing/invoice", &["collect", "price", "render", "mail"]),
    ("billing/charge", &["authorise", "capture", "receipt"]),
    ("identity/verify", &["send-code", "await-code", "confirm"]),
    ("search/reindex", &["read", "index", "swap"]),
    ("mail/campaign", &["select", "render", "send", "report"]),
    ("backup/run", &["freeze", "copy", "thaw", "verify"]),
    ("export/data", &["collect", "pack", "upload"]),
];

const ERRORS: [&str; 6] = [
    "connection refused to db-{}.internal:5432",
    "deadline exceeded after {} ms",
    "409 Conflict: zone {} is locked",
    "quota exceeded for project {}",
    "no such table: migration_{}",
    "TLS handshake failed with 10.0.3.{}",
];

/// How many numbers there are to an error.
const NUMBERS: usize = 400;

/// Which instance stands in a place, and in which shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The change with which the instance began, or 0.
    born: u32,
    /// The last change of it, or 0.
    last: u32,
}

impl Place {
    /// As it is kept.
    fn kept(self) -> u64 {
        u64::from(self.born) << 32 | u64::from(self.last)
    }

    fn of(kept: u64) -> Self {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default();
        Self { born: half(kept >> 32), last: half(kept) }
    }
}

/// A source of very many instances.
pub struct Bulk {
    seed: u64,
    rate: u32,
    clock: Clock,
    started: Timestamp,
    tenants: Vec<SafeText>,
    /// Each error with each number, made when it is first told.
    errors: Vec<OnceLock<FlowError>>,
    state: Mutex<State>,
}

struct State {
    /// As numbers, so that those in which nothing has changed take no memory.
    places: Vec<u64>,
    /// How many changes there have been.
    changes: u32,
    /// Whether there are to be no more.
    held: bool,
}

impl Bulk {
    /// So many instances, of which so many change each second.
    pub fn new(seed: u64, instances: u32, rate: u32, clock: Clock) -> Arc<Self> {
        let started = clock();
        let places = vec![0; instances as usize];
        let tenants = (0..TENANTS).map(|n| format!("tenant-{n:04}").into()).collect();
        let errors = vec![OnceLock::new(); ERRORS.len() * NUMBERS];
        Arc::new(Self {
            seed,
            rate,
            clock,
            started,
            tenants,
            errors,
            state: Mutex::new(State { places, changes: 0, held: false }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing changes from now on.
    pub fn hold(&self) {
        self.state().held = true;
    }

    /// Every instance as it is now: what all changes so far come to.
    pub fn instances(&self) -> Vec<FlowInstance> {
        let now = (self.clock)();
        let state = self.state();
        (0..).zip(&state.places).map(|(at, place)| self.instance(at, Place::of(*place), now)).collect()
    }

    /// An error with a number in it.
    fn error(&self, which: usize, number: usize) -> Option<FlowError> {
        let text = ERRORS.get(which)?;
        let make = || {
            let text = text.replace("{}", &number.to_string());
            FlowError::new(Some("500"), &text, &[], &Redactor::default())
        };
        Some(self.errors.get(which * NUMBERS + number)?.get_or_init(make).clone())
    }

    /// The present, by its clock.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// How many instances there are at any time.
    pub fn places(&self) -> u32 {
        u32::try_from(self.state().places.len()).unwrap_or(u32::MAX)
    }

    /// How many changes there have been.
    pub fn changes(&self) -> u32 {
        self.state().changes
    }

    /// The instance in a place as it is now; `None` where there is no such place.
    pub fn at(&self, place: u32) -> Option<FlowInstance> {
        let known = self.state().places.get(place as usize).copied()?;
        Some(self.instance(place, Place::of(known), (self.clock)()))
    }

    /// The id of the instance in a place; `None` where there is no such place.
    pub fn id_at(&self, place: u32) -> Option<SafeText> {
        let place_of = self.state().places.get(place as usize).copied()?;
        Some(self.id(place as usize, Place::of(place_of).born))
    }

    /// The instance of this id as it is now.
    pub fn named(&self, instance: &str) -> Option<FlowInstance> {
        let tail = instance.get(instance.len().checked_sub(12)?..)?;
        let at = u32::from_str_radix(tail.get(..6)?, 16).ok()?;
        let place = Place::of(self.state().places.get(at as usize).copied()?);
        (self.id(at as usize, place.born) == *instance).then(|| self.instance(at, place, (self.clock)()))
    }

    /// The next so many changes.
    pub fn advance(&self, by: u32) -> Changes {
        let now = (self.clock)();
        let mut changes = Changes { engine_now: Some(now), ..Changes::default() };
        let mut state = self.state();
        let by = if state.held { 0 } else { by };
        for _ in 0..by {
            state.changes = state.changes.wrapping_add(1).max(1);
            let change = state.changes;
            let dice = Dice::new(self.seed ^ 0xB17E, change.into());
            let at = dice.below(state.places.len());
            let Some(kept) = state.places.get_mut(at) else { break };
            let mut place = Place::of(*kept);
            if dice.fork(1).below(ENDS) == 0 {
                changes.gone.push(self.id(at, place.born));
                place.born = change;
            }
            place.last = change;
            *kept = place.kept();
            let at = u32::try_from(at).unwrap_or_default();
            changes.flows.push(self.instance(at, place, now));
        }
        // One that began and ended between two looks was never there.
        let flows = std::mem::take(&mut changes.flows);
        changes.flows = flows.into_iter().filter(|flow| !changes.gone.contains(&flow.id.instance)).collect();
        changes
    }

    /// The id of the instance in a place that began with a change.
    fn id(&self, at: usize, born: u32) -> SafeText {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let dice = Dice::new(self.seed ^ 0x1D, (at as u64) << 32 | u64::from(born));
        let middle: String = (0..21).map(|digit| char::from(dice.fork(digit).pick(DIGITS))).collect();
        // The end is what makes two of them different for certain.
        format!("inv_1{middle}{at:06x}{born:06x}").into()
    }

    /// The instance in a place.
    fn instance(&self, at: u32, place: Place, now: Timestamp) -> FlowInstance {
        let who = Dice::new(self.seed ^ 0x3E, u64::from(at) << 32 | u64::from(place.born));
        let how = Dice::new(self.seed ^ 0x77, u64::from(at) << 32 | u64::from(place.last));
        let (flow, steps) = FLOWS[who.fork(1).below(FLOWS.len())];
        let step = how.fork(1).pick(steps);
        let tenant = self.tenants.get(who.fork(2).below(TENANTS)).cloned().unwrap_or_default();
        let ago = |dice: Dice, most: i64| {
            let millis = SignedDuration::from_millis(dice.between(0, most * 1_000));
            self.started.checked_sub(millis).unwrap_or(self.started)
        };
        let created = ago(who.fork(3), 86_400);
        let entered = ago(how.fork(2), 600).max(created);
        let mut told = FlowInstance {
            id: InstanceId::new(BULK, self.id(at as usize, place.born)),
            exact_id: true,
            flow: flow.into(),
            step: step.into(),
            tenant: Some(tenant.clone()),
            key: Some(tenant.clone()),
            status: Status::Running,
            pause: None,
            attempts: Some(1),
            created_at: Some(created),
            entered_step_at: Some(entered),
            last_transition_at: Some(entered),
            first_failure_at: None,
            last_start_at: Some(entered),
            next_retry_at: None,
            error: None,
            wait: None,
            signs: Signs::default(),
            completed_commands: u64::from(place.last % 40),
            version: Version::told(""),
            observed_at: now,
        };
        let text = || {
            let dice = how.fork(3);
            self.error(dice.below(ERRORS.len()), dice.fork(1).below(NUMBERS))
        };
        match how.fork(4).below(100) {
            0..=61 => {}
            62..=85 => {
                told.status = Status::Waiting;
                told.attempts = None;
                told.wait = Some(Wait {
                    kind: WaitKind::Timer,
                    reference: None,
                    since: Some(entered),
                    until: self.started.checked_add(SignedDuration::from_hours(24)).ok(),
                });
            }
            86..=91 => told.status = Status::Queued,
            92..=95 => {
                told.status = Status::BackingOff;
                told.attempts = u32::try_from(how.fork(5).between(2, 9)).ok();
                told.first_failure_at = Some(entered);
                told.error = text();
            }
            96..=97 => {
                told.status = Status::Paused;
                told.pause = Some(PauseCause::Exhausted);
                told.error = text();
            }
            98 => {
                told.status = Status::Paused;
                told.pause = Some(PauseCause::Held);
            }
            _ => {
                told.status = Status::Failed;
                told.error = text();
            }
        }
        told.version = Version::of(told.status, told.pause, told.completed_commands, "dp_1");
        told
    }
}

#[async_trait]
impl Connector for Bulk {
    fn kind(&self) -> &'static str {
        "bulk"
    }

    fn address(&self) -> SafeText {
        "made up, in this process".into()
    }

    async fn check(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let now = (self.clock)();
        let places = self.state().places.len();
        let mut from = 0;
        while (from as usize) < places {
            let part: Vec<FlowInstance> = {
                let state = self.state();
                let places = state.places.get(from as usize..).unwrap_or_default();
                (from..)
                    .zip(places.iter().take(CHUNK as usize))
                    .map(|(at, place)| self.instance(at, Place::of(*place), now))
                    .collect()
            };
            from += CHUNK;
            hand_on(&sink, [Observation::Flows(part)]).await?;
        }
        let end = Observation::End { complete: true, engine_now: Some(now), version: None };
        hand_on(&sink, [end]).await
    }

    fn feeds(&self) -> bool {
        true
    }

    async fn watch(&self, sink: mpsc::Sender<Changes>) -> Result<(), ConnectError> {
        if self.rate == 0 {
            sink.closed().await;
            return Err(ConnectError::Ended);
        }
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let began = tokio::time::Instant::now();
        let mut told = 0_u64;
        loop {
            beat.tick().await;
            // By the time that has passed, so that a late beat makes up for it.
            let due =
                u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_mul(self.rate.into()) / 1_000;
            let changes = self.advance(u32::try_from(due - told).unwrap_or(u32::MAX));
            told = due;
            sink.send(changes).await.map_err(|_| ConnectError::Ended)?;
        }
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        Ok(self.named(instance).map(|flow| Reading {
            detail: FlowDetail {
                error: flow.error.iter().map(|error| error.text.clone()).collect(),
                flow,
                timeline: Vec::new(),
                runs: Vec::new(),
                attempts: Attempts::default(),
                facts: Vec::new(),
            },
            engine_now: (self.clock)(),
            last_failure_at: None,
            pinned: None,
        }))
    }
}
