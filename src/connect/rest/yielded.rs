//! What one page comes to: its items, run through the programs on a thread of their own, and read as what they are to be.
//!
//! One item that a program fails on spoils no other. It is told with its path in the answer, and with the place in the
//! program where that can be found: the programs of single fields are tried one by one for that.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{self, Key, Lost};
use super::shape::{self, Teller, Wrong};
use crate::config::jq::{self, LARGEST_ITEM, Program, STACK, Spot};
use crate::config::{RestRequest, Trail, Yielding, Yields};
use crate::domain::drift::{DriftFinding, DriftStatus};
use crate::domain::event::{DeadLetter, Event, NoEvent};
use crate::domain::flow::FlowInstance;
use crate::domain::policy::THREAD;
use crate::domain::raw::Json;
use crate::domain::tenant::Tenant;
use crate::domain::text::SafeText;

/// How far back failures count.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// How many things a program may give for one item.
const OUTPUTS: usize = 10_000;

/// How many items may be in one page.
const ITEMS: usize = 200_000;

/// How many faults of each program are told of a page where somebody tries a source, and for how many it is looked where
/// they are: those with one reason at one place of the program are told once. A pass tells one of each program.
const FAULTS: usize = 5;
const LOOKED_AT: usize = 20;

/// What is wanted of a page, besides what it yields.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish {
    /// Instances that have ended are kept.
    pub(super) ended_too: bool,
    /// Where there are no items where they usually stand, the whole answer is taken for them: it is of one thing alone.
    pub(super) or_whole: bool,
    /// Somebody tries the source: faults are told in full.
    pub(super) trial: bool,
    /// How many outputs of each program are shown as they are.
    pub(super) samples: usize,
}

/// Something that went wrong with one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the program was to yield.
    pub yields: Yields,
    /// On which page of the answer, counted from 1.
    pub page: u32,
    /// Where in that page: `.items[17].created_at`.
    pub path: SafeText,
    /// What is wrong.
    pub why: SafeText,
    /// Line and column in the program, where that is known.
    pub at: Option<(usize, usize)>,
    /// Where that is in the config: `config.toml:12:5`.
    pub place: SafeText,
}

impl Failure {
    /// Whether it is the same fault, of another item.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.yields, &self.why, &self.place) == (other.yields, &other.why, &other.place)
    }

    /// In one line.
    pub fn words(&self) -> String {
        let at = self.at.map(|(line, column)| format!(" (line {line}, column {column})")).unwrap_or_default();
        let page = if self.page > 1 { format!("page {}, ", self.page) } else { String::new() };
        format!("{page}{}: the program \"{}\"{at} at {}: {}", self.path, self.yields.name(), self.place, self.why)
    }
}

/// How much one program has yielded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// What could be read.
    pub good: usize,
    /// Items that it failed on, and outputs that could not be read.
    pub bad: usize,
    /// Instances that have ended, and so are no part of a pass; findings that are as wanted.
    pub passed_over: usize,
    /// The first outputs as they came, without secrets.
    pub samples: Vec<Json>,
}

/// What a page came to.
#[derive(Debug, Default)]
pub(super) struct Yielded {
    pub(super) items: usize,
    pub(super) flows: Vec<FlowInstance>,
    pub(super) tenants: Vec<Tenant>,
    pub(super) drift: Vec<DriftFinding>,
    pub(super) in_sync: u64,
    pub(super) events: Vec<Event>,
    pub(super) letters: Vec<DeadLetter>,
    pub(super) counts: [Count; 4],
    pub(super) failures: Vec<Failure>,
    /// How many items were looked at for where it was that a program failed.
    looked_at: usize,
    /// Whether the time was over before all of them had been looked at.
    pub(super) late: bool,
    /// The items as they came, where an instance was looked for.
    pub(super) kept: Option<Value>,
}

/// Fields of the object that a program makes, each as a program of its own where it is one.
pub(super) type Alone = Vec<(Spot, Option<Program>)>;

/// What is done on the thread.
pub(super) struct Job {
    pub(super) request: Arc<RestRequest>,
    pub(super) body: Vec<u8>,
    pub(super) teller: Teller,
    pub(super) wish: Wish,
    pub(super) until: Instant,
    /// The number of the page, counted from 1.
    pub(super) page: u32,
    /// The fields of each program, each as a program of its own.
    pub(super) alone: [OnceCell<Alone>; 4],
}

/// Runs something on a thread with the stack that programs need. `None` where it could not be run to its end.
pub(super) async fn on_a_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, told) = tokio::sync::oneshot::channel();
    let work = move || {
        // Nobody listens any more where the pass was given up.
        let _ = done.send(work());
    };
    match std::thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn(work) {
        Ok(_) => told.await.ok(),
        Err(error) => {
            tracing::warn!(%error, "no thread for the programs of a source");
            None
        }
    }
}

impl Job {
    /// Does it. Needs a stack of [`STACK`].
    pub(super) fn run(&self) -> Result<Yielded, Lost> {
        match self.along(&self.request.items) {
            Err(_) if self.wish.or_whole => self.along(&Trail::default()),
            outcome => outcome,
        }
    }

    fn along(&self, items: &Trail) -> Result<Yielded, Lost> {
        let mut yielded = Yielded::default();
        let mut many = false;
        answer::items(&self.body, items, &mut |key, item| {
            if yielded.items >= ITEMS {
                many = true;
                return false;
            }
            if Instant::now() > self.until {
                yielded.late = true;
                return false;
            }
            yielded.items += 1;
            self.item(key, item, &mut yielded);
            true
        })?;
        if many {
            return Err(Lost::Missing(format!("more than {ITEMS} items in one page")));
        }
        Ok(yielded)
    }

    fn item(&self, key: Key<'_>, item: &RawValue, yielded: &mut Yielded) {
        let read = if item.get().len() > LARGEST_ITEM {
            Err(format!("it is larger than {} KiB", LARGEST_ITEM / 1024))
        } else {
            serde_json::from_str::<Value>(item.get()).map_err(|error| format!("it can't be read: {error}"))
        };
        let value = match read {
            Ok(value) => value,
            Err(why) => {
                for program in &self.request.programs {
                    let wrong = Wrong { field: None, why: why.clone() };
                    self.failed(program, key, None, &wrong, yielded);
                }
                return;
            }
        };
        for program in &self.request.programs {
            let (outputs, fault) = program.program.outputs(&value, &key.value(), OUTPUTS);
            for output in outputs {
                self.output(program, key, &value, &output, yielded);
            }
            if let Some(jq::Fault(why)) = fault {
                self.failed(program, key, Some(&value), &Wrong { field: None, why }, yielded);
            }
        }
        if self.wish.ended_too {
            yielded.kept = Some(value);
        }
    }

    fn output(&self, program: &Yielding, key: Key<'_>, item: &Value, output: &Value, yielded: &mut Yielded) {
        // `empty` and null alike say that there is nothing.
        if output.is_null() {
            return;
        }
        let count = &mut yielded.counts[program.yields as usize];
        if count.samples.len() < self.wish.samples {
            count.samples.push(Json::of(&impersonal(output), &self.teller.redactor));
        }
        let read = match program.yields {
            Yields::Flows => shape::flow(output, &self.teller).map(|flow| {
                if self.wish.ended_too || still_counts(&flow, self.teller.now) {
                    yielded.flows.push(flow);
                } else {
                    count.passed_over += 1;
                }
            }),
            Yields::Tenants => shape::tenant(output, &self.teller).map(|tenant| yielded.tenants.push(tenant)),
            Yields::Drift => shape::drift(output, &self.teller).map(|finding| {
                if finding.status == DriftStatus::InSync {
                    yielded.in_sync += 1;
                    count.passed_over += 1;
                } else {
                    yielded.drift.push(finding);
                }
            }),
            Yields::Events => shape::event(output, &self.teller).map(|event| yielded.events.push(event)),
        };
        match read {
            Ok(()) => count.good += 1,
            Err(wrong) => {
                if program.yields == Yields::Events {
                    let why = no_event(&wrong);
                    let Teller { source, redactor, now, .. } = &self.teller;
                    yielded.letters.push(DeadLetter::of(source, output, &why, redactor, *now));
                }
                self.failed(program, key, Some(item), &wrong, yielded);
            }
        }
    }

    fn failed(&self, program: &Yielding, key: Key<'_>, item: Option<&Value>, wrong: &Wrong, yielded: &mut Yielded) {
        yielded.counts[program.yields as usize].bad += 1;
        let faults = if self.wish.trial { FAULTS } else { 1 };
        let told = yielded.failures.iter().filter(|failure| failure.yields == program.yields).count();
        if told >= faults || yielded.looked_at >= LOOKED_AT {
            return;
        }
        yielded.looked_at += 1;
        let alone = self.alone.get(program.yields as usize);
        let fields = alone.map(|alone| alone.get_or_init(|| fields(&program.program))).map_or(&[][..], Vec::as_slice);
        let spot = match &wrong.field {
            Some(field) => fields.iter().find(|(spot, _)| spot.name == *field),
            // Which of the fields is it that fails by itself?
            None => item.and_then(|item| {
                let fails = |alone: &Program| alone.outputs(item, &key.value(), 1).1.is_some();
                fields.iter().find(|(_, alone)| alone.as_ref().is_some_and(fails))
            }),
        };
        let spot = spot.map(|(spot, _)| spot);
        let text = program.program.text();
        let at = spot.map(|spot| spot.line_and_column(text));
        let mut path = answer::path(&self.request.items, key);
        let more = spot.map(|spot| spot.path.as_str()).filter(|path| *path != ".").unwrap_or_default();
        if path == "." && !more.is_empty() {
            path.clear();
        }
        let place = program.place.wrong(spot.map_or(0, |spot| spot.at), "").place;
        let failure = Failure {
            yields: program.yields,
            page: self.page,
            path: SafeText::clipped(&format!("{path}{more}"), 200),
            why: SafeText::clipped(&self.teller.redactor.text(&wrong.why), 300),
            at,
            place: place.to_string().into(),
        };
        if !yielded.failures.iter().any(|known| known.is_like(&failure)) {
            yielded.failures.push(failure);
        }
    }
}

/// What is wrong with it, as one says it of an event.
fn no_event(wrong: &Wrong) -> NoEvent {
    let Some(field) = &wrong.field else {
        return NoEvent { attribute: "event".into(), why: wrong.why.as_str().into() };
    };
    let named = format!("\"{field}\"");
    let why = match wrong.why.strip_prefix(&named) {
        Some(rest) => rest.strip_prefix(": ").map_or_else(|| format!("it{rest}"), str::to_owned),
        None => wrong.why.clone(),
    };
    NoEvent { attribute: SafeText::clipped(field, 60), why: why.into() }
}

/// The fields of the object that a program makes, each as a program of its own.
fn fields(program: &Program) -> Alone {
    let alone = |spot: Spot| {
        let program = Program::of_items(&spot.alone).ok();
        (spot, program)
    };
    jq::entries(program.text()).into_iter().map(alone).collect()
}

/// An output without what it says itself to be personal or secret.
fn impersonal(output: &Value) -> Value {
    let mut output = output.clone();
    let fields = output.get_mut("fields").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, field) in fields {
        let Some(class) = field.get("class").and_then(Value::as_str).filter(|class| *class != "plain") else {
            continue;
        };
        let hidden = format!("[{}]", SafeText::clipped(class, 20));
        field["value"] = hidden.into();
    }
    output
}

/// Whether a pass is to tell of an instance: it is open, or it failed lately.
fn still_counts(flow: &FlowInstance, now: Timestamp) -> bool {
    let lately = || flow.last_transition_at.is_none_or(|at| now.duration_since(at) <= LOOK_BACK);
    !flow.status.ended() || flow.status.failed() && lately()
}
