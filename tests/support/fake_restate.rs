//! A stand-in for a Restate server: it answers what the connector asks with chosen good rows, and can be made to
//! misbehave, as a whole or for one kind of question, and to be good again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::hostile::{Behaviour, Hostile, Reply};
use super::request::Request;

/// What the connector asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `GET /version`.
    Version,
    /// The engine's clock.
    Clock,
    /// The counts by flow and step.
    Counts,
    /// A page of instances.
    Rows,
    /// One instance.
    One,
    /// Its whole error and facts.
    Whole,
    /// Its journal.
    Journal,
    /// Its events.
    Events,
    /// `PATCH …/resume|cancel`.
    Act,
    /// Whether a table can be read.
    Probe,
    /// Anything else.
    Other,
}

impl Kind {
    /// What one pass asks for, in this order.
    pub const PASS: [Self; 4] = [Self::Version, Self::Clock, Self::Counts, Self::Rows];

    /// Which one a request is.
    pub fn of(request: &Request) -> Self {
        if request.method == "PATCH" {
            return Self::Act;
        }
        if request.path == "/version" {
            return Self::Version;
        }
        let sql = sql(request);
        let begins = |start: &str| sql.starts_with(start);
        match () {
            () if begins("select now()") => Self::Clock,
            () if begins("select last_failure,") => Self::Whole,
            () if begins("select index, entry_type") => Self::Journal,
            () if begins("select after_journal_entry_index") => Self::Events,
            () if sql.contains("sum(case when status") => Self::Counts,
            () if sql.contains(" order by id limit ") => Self::Rows,
            () if begins("with inv as") => Self::One,
            () if begins("select 1 as one from") => Self::Probe,
            () => Self::Other,
        }
    }
}

/// The query of a request.
pub fn sql(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    body["query"].as_str().unwrap_or_default().to_owned()
}

/// What stands between `'`s after `before` in a text.
pub fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split('\'').next()
}

/// What the server knows.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The open and failed instances.
    pub rows: Vec<Value>,
    /// The engine's counts; counted from the rows where none are chosen.
    pub counts: Option<Vec<Value>>,
    /// The whole error and facts of any instance.
    pub whole: Vec<Value>,
    /// The journal of any instance.
    pub journal: Vec<Value>,
    /// The events of any instance.
    pub events: Vec<Value>,
}

impl World {
    fn answer(&self, kind: Kind, request: &Request) -> Behaviour {
        let sql = sql(request);
        let id = |row: &Value| row["id"].as_str().unwrap_or_default().to_owned();
        let rows = match kind {
            Kind::Version => return Behaviour::Answers(Reply::json(&json!({"version": "1.7.12"}))),
            Kind::Act => return Behaviour::Answers(Reply::new(202, "application/json", "")),
            Kind::Other => return Behaviour::NotFoundJson,
            Kind::Probe => vec![json!({"one": 1})],
            Kind::Clock => vec![json!({"now": Timestamp::now().to_string()})],
            Kind::Counts => self.counts.clone().unwrap_or_else(|| counts(&self.rows)),
            Kind::Rows => {
                let after = quoted(&sql, "and id > '").unwrap_or_default();
                self.rows.iter().filter(|row| after.is_empty() || id(row).as_str() > after).cloned().collect()
            }
            Kind::One => {
                let wanted = quoted(&sql, "from sys_invocation where id = '").unwrap_or_default();
                self.rows.iter().filter(|row| id(row) == wanted).cloned().collect()
            }
            Kind::Whole => self.whole.clone(),
            Kind::Journal => self.journal.clone(),
            Kind::Events => self.events.clone(),
        };
        Behaviour::Answers(Reply::rows(&rows))
    }
}

/// One count for each instance: the hub adds those of one place.
fn counts(rows: &[Value]) -> Vec<Value> {
    let count = |row: &Value| {
        let is = |status: &str| u64::from(row["status"] == status);
        json!({
            "target_service_name": row["target_service_name"], "target_handler_name": row["target_handler_name"],
            "step": row["step"], "open": 1 - is("completed"), "waiting": is("suspended"),
            "held": u64::from(row["held"] == true), "failed": is("completed"),
        })
    };
    rows.iter().map(count).collect()
}

/// An instance that the engine paused after its last attempt, with every field that a row has.
pub fn row(id: &str) -> Value {
    json!({
        "id": id, "target_service_name": "SchemaMigration", "target_handler_name": "migrate",
        "target_service_key": "acme", "status": "paused", "completion_result": null, "completion_failure": null,
        "created_at": "2026-01-15T03:00:00.000Z", "modified_at": "2026-01-15T03:10:00.000Z", "inboxed_at": null,
        "completed_at": null, "last_start_at": "2026-01-15T03:09:00.000Z", "next_retry_at": null, "retry_count": 5,
        "last_failure": "[500 Internal] relation \"plans\" does not exist", "last_failure_error_code": "RT0007",
        "pinned_deployment_id": "dp_1", "journal_commands_size": 3, "open_commands": 1,
        "entered_at": "2026-01-15T03:05:00.000Z", "wakes_at": null, "command": "Run",
        "paused_at": "2026-01-15T03:10:00.000Z", "pause_message": "relation does not exist", "pause_code": "500",
        "first_failure_at": "2026-01-15T03:06:00.000Z", "last_failure_at": "2026-01-15T03:09:30.000Z",
        "step": "apply-0042", "held": false, "holder": null, "scheduled_start_at": "2026-01-15T03:01:00.000Z",
        "invoked_by_id": "inv_0", "deployment_gone": false, "crashes": 1, "crashed_at": "2026-01-15T03:06:00.000Z",
        "absent_at": null, "seen_at": "2026-01-15T03:09:30.000Z", "gone_at": null,
    })
}

/// The same with other values.
pub fn row_with(id: &str, other: &Value) -> Value {
    let mut row = row(id);
    for (name, value) in other.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

/// What is done with a request before it is even looked at what it asks; nothing where it may go on.
type Guard = Arc<dyn Fn(&Request) -> Option<Behaviour> + Send + Sync>;

#[derive(Default)]
struct State {
    world: World,
    guard: Option<Guard>,
    all: Option<Behaviour>,
    kinds: HashMap<Kind, Behaviour>,
}

/// The server.
pub struct FakeRestate {
    state: Arc<Mutex<State>>,
    server: Hostile,
}

impl FakeRestate {
    /// A good one with these instances.
    pub fn start(rows: Vec<Value>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        state.lock().unwrap().world.rows = rows;
        let asked = Arc::clone(&state);
        let server = Hostile::start(Behaviour::by(move |request| {
            let kind = Kind::of(request);
            let (guard, chosen, world) = {
                let state = asked.lock().unwrap();
                let chosen = state.kinds.get(&kind).or(state.all.as_ref()).cloned();
                (state.guard.clone(), chosen, state.world.clone())
            };
            if let Some(refused) = guard.and_then(|guard| guard(request)) {
                return refused;
            }
            match chosen {
                Some(Behaviour::By(answer)) => answer(request),
                Some(behaviour) => behaviour,
                None => world.answer(kind, request),
            }
        }));
        Self { state, server }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.server.url()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes what it knows.
    pub fn edit(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.state().world);
    }

    /// What it would answer to a question of some kind, as it is now whenever it is asked.
    pub fn world(&self) -> impl Fn(Kind, &Request) -> Behaviour + Send + Sync + 'static {
        let state = Arc::clone(&self.state);
        move |kind, request| state.lock().unwrap().world.answer(kind, request)
    }

    /// Misbehaves from the next request on, whatever is asked.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state().all = Some(behaviour);
    }

    /// Misbehaves from the next request of one kind on.
    pub fn behave_for(&self, kind: Kind, behaviour: Behaviour) {
        self.state().kinds.insert(kind, behaviour);
    }

    /// Lets this have a look at each request first.
    pub fn guard(&self, guard: impl Fn(&Request) -> Option<Behaviour> + Send + Sync + 'static) {
        self.state().guard = Some(Arc::new(guard));
    }

    /// Answers well again, whatever is asked and the guard lets through.
    pub fn be_good(&self) {
        let mut state = self.state();
        state.all = None;
        state.kinds.clear();
    }

    /// Closes every connection and listens no more.
    pub fn vanish(&mut self) {
        self.server.vanish();
    }

    /// Listens again at the same address.
    pub fn come_back(&mut self) {
        self.server.come_back();
    }

    /// What it was sent, in its order.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// How many requests it was sent.
    pub fn count(&self) -> usize {
        self.server.count()
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// How many requests of one kind it was sent.
    pub fn asked(&self, kind: Kind) -> usize {
        self.requests().iter().filter(|request| Kind::of(request) == kind).count()
    }

    /// How many bytes it has written.
    pub fn sent(&self) -> u64 {
        self.server.sent()
    }
}
