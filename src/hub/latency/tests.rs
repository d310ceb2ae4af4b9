//! What was told bit by bit comes to what is told at once, each step once; and what is not known is said.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::*;
use crate::config::{TenantBook, ThresholdBook};
use crate::connect::{Act, ActAnswer, ConnectError, Connector, Observation, Reading};
use crate::domain::flow::{FlowInstance, Status};
use crate::domain::ids::InstanceId;
use crate::domain::promise::Promise;
use crate::domain::raw::RawFlow;
use crate::domain::remediation::Verb;
use crate::domain::ways::Ways;
use crate::hub::{Clock, Policing, Setup};
use crate::ops::Ops as _;

/// The beginning of a slot.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_768_446_000 + second).unwrap()
}

fn time(from: i64, to: i64) -> StepTime {
    StepTime {
        flow: "shop".into(),
        step: "charge".into(),
        measure: Measure::Run,
        from: at(from),
        to: at(to),
        well: true,
    }
}

proptest! {
    /// However often it is asked, each step that ended counts once, also where it is told late.
    #[test]
    fn what_is_told_bit_by_bit_comes_to_what_is_told_at_once(
        ended in proptest::collection::vec((-3_000_i64..0, 0_i64..4_000, 0_i64..100), 0..40),
        asks in proptest::collection::btree_set(0_i64..4_500, 0..12),
    ) {
        let rows = Rows::new("eu".into());
        let last = 4_600;
        let told = |after: Timestamp, now: i64| {
            let known = ended.iter().filter(|(_, to, late)| to + late <= now);
            let times = known.map(|(from, to, _)| time(from + to, *to)).filter(|time| time.to >= after).collect();
            StepTimes { times, complete_since: after, until: at(now) }
        };
        let (mut bits, mut whole) = (Times::default(), Times::default());
        for now in asks.iter().copied().chain([last]) {
            let after = bits.after(at(now));
            bits.take(told(after, now), after, at(now));
        }
        let after = whole.after(at(last));
        whole.take(told(after, last), after, at(last));
        let all = |_: &str| true;
        let (bits, whole) = (
            bits.places(&rows, SignedDuration::ZERO, at(last), &all),
            whole.places(&rows, SignedDuration::ZERO, at(last), &all),
        );
        prop_assert_eq!(bits, whole);
    }
}

#[test]
fn names_without_end_fill_no_memory() {
    let mut times = Times::default();
    let told = (0..PLACES + 50).map(|nth| StepTime { step: nth.to_string().into(), ..time(-600, -500) }).collect();
    let after = times.after(at(0));
    times.take(StepTimes { times: told, complete_since: after, until: at(0) }, after, at(0));
    assert_eq!((times.settled.len(), times.left_out), (PLACES, 50));
    // Hours later nothing is left of them.
    let later = at(8 * 3_600);
    let after = times.after(later);
    times.take(StepTimes { times: Vec::new(), complete_since: after, until: later }, after, later);
    assert_eq!(times.settled.len(), 0);
}

/// An engine of one flow, and what it was asked.
struct Engine {
    now: Arc<AtomicI64>,
    flows: Vec<FlowInstance>,
    times: Mutex<Result<Option<Vec<StepTime>>, ConnectError>>,
    complete_since: Option<Timestamp>,
    asked: Mutex<Vec<Timestamp>>,
}

#[async_trait]
impl Connector for Engine {
    fn kind(&self) -> &'static str {
        "engine"
    }

    fn address(&self) -> SafeText {
        "nowhere".into()
    }

    fn verbs(&self) -> &'static [Verb] {
        &[]
    }

    fn effect(&self, _: Verb, _: &FlowInstance) -> SafeText {
        SafeText::default()
    }

    fn ways(&self, _: &str, _: &str) -> Ways {
        Ways::default()
    }

    async fn check(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let engine_now = Some(at(self.now.load(Ordering::SeqCst)));
        for part in [
            Observation::Flows(self.flows.clone()),
            Observation::Counts(Vec::new()),
            Observation::End { complete: true, engine_now, version: None },
        ] {
            sink.send(part).await.map_err(|_| ConnectError::Ended)?;
        }
        Ok(())
    }

    async fn read(&self, _: &str) -> Result<Option<Reading>, ConnectError> {
        Ok(None)
    }

    async fn raw(&self, _: &str) -> Result<Option<RawFlow>, ConnectError> {
        Ok(None)
    }

    async fn act(&self, _: &Act) -> ActAnswer {
        ActAnswer::Refused("no".into())
    }

    async fn step_times(&self, after: Timestamp) -> Result<Option<StepTimes>, ConnectError> {
        self.asked.lock().unwrap().push(after);
        let times = self.times.lock().unwrap().clone()?;
        let until = at(self.now.load(Ordering::SeqCst));
        Ok(times.map(|times| StepTimes { times, complete_since: self.complete_since.unwrap_or(after), until }))
    }
}

/// One that has been running since a moment.
fn running(since: i64) -> FlowInstance {
    let mut flow = crate::domain::verdict::tests::instance();
    flow.id = InstanceId::new("eu", since.to_string());
    (flow.flow, flow.step) = ("shop".into(), "charge".into());
    (flow.status, flow.pause, flow.first_failure_at, flow.error) = (Status::Running, None, None, None);
    (flow.created_at, flow.entered_step_at) = (Some(at(since)), Some(at(since)));
    flow.observed_at = at(0);
    flow
}

fn engine(times: Result<Option<Vec<StepTime>>, ConnectError>) -> Engine {
    Engine {
        now: Arc::new(AtomicI64::new(150)),
        flows: vec![running(-700)],
        times: times.into(),
        complete_since: None,
        asked: Mutex::default(),
    }
}

async fn hub(engine: &Arc<Engine>) -> Arc<Hub> {
    let now = engine.now.clone();
    let clock: Clock = Arc::new(move || at(now.load(Ordering::SeqCst)));
    let promise = Promise { run: Some(SignedDuration::from_secs(60)), queue: None };
    let hub = Hub::new(Setup {
        context: "test".to_owned(),
        operator: "you".to_owned(),
        read_only: None,
        locked: false,
        thresholds: ThresholdBook::default().promising("*", "shop", "charge", promise),
        tenants: TenantBook::default(),
        policing: Policing::default(),
        soak: SignedDuration::from_secs(10),
        state_dir: None,
        read_dir: None,
        clock,
        sources: vec![("eu".to_owned(), engine.clone() as Arc<dyn Connector>, Duration::from_secs(2))],
    });
    hub.pass().await;
    hub
}

/// How the last slots of the one row are, from the fourth last one on.
async fn heats(hub: &Hub) -> (Vec<Heat>, Latency) {
    let latency = hub.latency(&LatencyQuery::default()).await.unwrap();
    assert_eq!((latency.slots.len(), latency.rows.len()), (SLOTS, 1), "{latency:?}");
    let heats = latency.rows[0].cells[SLOTS - 4..].iter().map(|cell| cell.heat).collect();
    (heats, latency)
}

#[tokio::test]
async fn a_source_is_asked_while_somebody_looks_and_for_what_has_not_settled() {
    let engine = Arc::new(engine(Ok(Some(vec![time(-1_000, -990), time(-400, -250), time(100, 130)]))));
    let hub = hub(&engine).await;
    assert_eq!(engine.asked.lock().unwrap().len(), 0, "nobody has looked");
    let (told, latency) = heats(&hub).await;
    // The one that still runs has taken longer than its promise at the end of each slot since it began.
    assert_eq!(told, [Heat::Over, Heat::FarOver, Heat::FarOver, Heat::FarOver], "{latency:?}");
    let cells = &latency.rows[0].cells;
    let counts: Vec<(u64, u64)> = cells[SLOTS - 4..].iter().map(|cell| (cell.finished, cell.going)).collect();
    // Of the slots that begin at -900, -600, -300 and 0: the second run was going on at the end of the second one.
    assert_eq!(counts, [(0, 1), (0, 2), (1, 1), (1, 1)]);
    assert_eq!(cells[SLOTS - 5].heat, Heat::Within, "the first run ended in it, and was fast");
    assert!(cells[SLOTS - 1].at_least && latency.rows[0].promise == Some(SignedDuration::from_secs(60)));
    for second in [151, 160] {
        engine.now.store(second, Ordering::SeqCst);
        heats(&hub).await;
    }
    engine.now.store(171, Ordering::SeqCst);
    let (_, latency) = heats(&hub).await;
    let asked = engine.asked.lock().unwrap().clone();
    let after = [slot_begins(first_slot(at(150))), at(0)].map(|at| earlier(at, JUST));
    assert_eq!(asked, after, "the slot before has settled");
    let finished: u64 = latency.rows[0].cells.iter().map(|cell| cell.finished).sum();
    assert_eq!(finished, 3, "none is counted twice");
}

#[tokio::test]
async fn what_happened_while_a_source_could_not_be_asked_is_not_known() {
    let mut engine = engine(Ok(Some(vec![time(100, 130)])));
    engine.flows = Vec::new();
    let engine = Arc::new(engine);
    let hub = hub(&engine).await;
    let (told, _) = heats(&hub).await;
    assert_eq!(told, [Heat::NoData, Heat::NoData, Heat::NoData, Heat::Within]);
    *engine.times.lock().unwrap() = Err(ConnectError::Unreachable("gone".into()));
    engine.now.store(650, Ordering::SeqCst);
    let (told, latency) = heats(&hub).await;
    assert_eq!(told, [Heat::NoData, Heat::Blind, Heat::Blind, Heat::Blind], "{latency:?}");
    assert_eq!(latency.sources[0].error.as_deref(), Some("gone"));
    *engine.times.lock().unwrap() = Ok(Some(vec![time(100, 130), time(640, 645)]));
    engine.now.store(680, Ordering::SeqCst);
    let (told, _) = heats(&hub).await;
    assert_eq!(told, [Heat::NoData, Heat::Within, Heat::NoData, Heat::Within], "the engine kept it");
}

#[tokio::test]
async fn of_who_tells_no_ends_only_what_goes_on_is_known() {
    let engine = Arc::new(engine(Ok(None)));
    let hub = hub(&engine).await;
    let (told, latency) = heats(&hub).await;
    assert_eq!(told, [Heat::Over, Heat::FarOver, Heat::FarOver, Heat::FarOver]);
    assert_eq!(latency.rows[0].cells[0].heat, Heat::Blind, "nobody knows what was before");
    assert_eq!(latency.sources[0].tells, Some(false));
}

#[tokio::test]
async fn what_was_too_much_to_be_read_is_not_known() {
    let mut engine = engine(Ok(Some(vec![time(-100, -50), time(100, 130)])));
    (engine.flows, engine.complete_since) = (Vec::new(), Some(at(-200)));
    let hub = hub(&Arc::new(engine)).await;
    let (told, latency) = heats(&hub).await;
    assert_eq!(told, [Heat::Blind, Heat::Blind, Heat::Blind, Heat::Within]);
    assert_eq!((latency.rows[0].cells[SLOTS - 2].finished, latency.sources[0].known_from), (1, Some(at(-200))));
}

#[tokio::test]
async fn the_incident_of_the_demo_is_to_be_seen() {
    let epoch: Timestamp = "2026-01-15T03:12:00Z".parse().unwrap();
    let clock: Clock = Arc::new(move || epoch);
    let world = Arc::new(crate::connect::sim::World::start(7, clock.clone()));
    let thresholds = crate::connect::sim::promises()
        .fold(ThresholdBook::default(), |book, (source, flow, step, promise)| {
            book.promising(source, flow, step, promise)
        });
    let hub = Hub::new(Setup {
        context: "demo".to_owned(),
        operator: "you".to_owned(),
        read_only: None,
        locked: false,
        thresholds,
        tenants: TenantBook::default(),
        policing: Policing::default(),
        soak: SignedDuration::from_secs(10),
        state_dir: None,
        read_dir: None,
        clock,
        sources: world.sources().into_iter().map(|(name, it)| (name.to_owned(), it, Duration::from_secs(2))).collect(),
    });
    hub.pass().await;
    let query = LatencyQuery { flow: Some("tenant-prov*".into()) };
    let latency = hub.latency(&query).await.unwrap();
    assert!(latency.rows.iter().all(|row| row.flow == "tenant-provisioning"), "{latency:?}");
    let database = latency.rows.iter().find(|row| row.step == "database" && row.measure == Measure::Run).unwrap();
    let last = database.cells.last().unwrap();
    assert_eq!((last.heat, last.at_least), (Heat::FarOver, true), "{database:?}");
    assert!(last.going >= 40, "{last:?}");
    // An hour ago nothing was wrong with it.
    assert!(database.cells[SLOTS - 20..SLOTS - 8].iter().all(|cell| cell.heat <= Heat::Within), "{database:?}");
    let all = hub.latency(&LatencyQuery::default()).await.unwrap();
    assert!(all.sources.iter().all(|source| source.tells == Some(true)), "{:?}", all.sources);
}
