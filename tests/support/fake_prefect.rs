//! A Prefect server made for tests: it knows some runs, filters and pages as the real one does, and can be told to be bad,
//! as a whole or at one path, and to be good again. It is made of answers of a real one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};

use super::hostile::{Behaviour, Hostile, Reply};
use super::request::Request;

/// The server's clock when the answers were recorded.
pub const NOW: &str = "2026-11-21T09:12:07Z";

/// A recorded exchange: `flow_runs_filter_failed`, say.
pub fn recorded(name: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/prefect");
    serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}

/// The body of a recorded answer.
pub fn body(name: &str) -> Value {
    recorded(name)["response"]["body"].clone()
}

/// An id by its number.
pub fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// A recorded run that failed, with another id and other values: a field within another one as `state.message`.
pub fn run(number: usize, other: &Value) -> Value {
    let mut run = body("flow_runs_filter_failed")[0].clone();
    run["id"] = json!(id(number));
    for (name, value) in other.as_object().unwrap() {
        *name.split('.').fold(&mut run, |at, part| &mut at[part]) = value.clone();
    }
    run
}

/// The same in a state of this type and name.
pub fn run_in(number: usize, kind: &str, name: &str) -> Value {
    run(number, &json!({"state_type": kind, "state_name": name, "state.type": kind, "state.name": name}))
}

/// What it knows.
#[derive(Debug, Clone)]
pub struct World {
    /// Runs.
    pub runs: Vec<Value>,
    /// Task runs.
    pub tasks: Vec<Value>,
    /// What it says to whatever changes something: the status and the body.
    pub act: (u16, Value),
}

impl World {
    fn answer(&self, request: &Request) -> Behaviour {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let path = path.strip_prefix("/api").unwrap_or(path);
        let named = |rows: Value, what: &str| json!(among(rows.as_array().unwrap(), &asked[what]["id"]["any_"], "id"));
        let said = match (request.method.as_str(), path) {
            ("GET", "/admin/version") => json!("3.8.8"),
            ("POST", "/flow_runs/filter") => json!(self.page(&asked)),
            ("POST", "/flow_runs/history") => {
                let count = self.chosen(&asked["flow_runs"]).len();
                json!([{"interval_start": NOW, "interval_end": NOW, "states": [{"count_runs": count}]}])
            }
            ("POST", "/task_runs/filter") => {
                let filter = &asked["task_runs"];
                let of_runs = among(&self.tasks, &filter["flow_run_id"]["any_"], "flow_run_id");
                let mut tasks = among(&of_runs, &filter["state"]["type"]["any_"], "state_type");
                if let Some(after) = filter["end_time"]["after_"].as_str() {
                    let at = |text: &str| text.parse::<Timestamp>().unwrap();
                    let end = |task: &Value| task["end_time"].as_str().map(at);
                    tasks.retain(|task| end(task).is_some_and(|end| end >= at(after)));
                    tasks.sort_by_key(|task| std::cmp::Reverse(end(task)));
                    let from = usize::try_from(asked["offset"].as_u64().unwrap_or(0)).unwrap();
                    let limit = usize::try_from(asked["limit"].as_u64().unwrap_or(200)).unwrap();
                    tasks = tasks.into_iter().skip(from).take(limit).collect();
                }
                json!(tasks)
            }
            ("POST", "/ui/flow_runs/count-task-runs") => {
                let count = |id: &Value| self.tasks.iter().filter(|task| task["flow_run_id"] == *id).count();
                let ids = asked["flow_run_ids"].as_array().unwrap();
                let counts = ids.iter().map(|id| (id.as_str().unwrap().to_owned(), json!(count(id))));
                Value::Object(counts.collect())
            }
            ("POST", "/flows/filter") => named(body("flows_filter"), "flows"),
            ("POST", "/deployments/filter") => named(deployments(), "deployments"),
            ("POST", "/work_pools/filter") => {
                let pools = body("work_pools_filter");
                json!(among(pools.as_array().unwrap(), &asked["work_pools"]["name"]["any_"], "name"))
            }
            ("POST", "/events/filter") => json!({"events": [], "count": 0, "total": 0, "next_page": null}),
            ("POST", path) if path.ends_with("/workers/filter") => body("workers_filter"),
            ("POST", "/logs/filter") | ("GET", "/flow_run_states/" | "/task_run_states/") => json!([]),
            ("GET", path) if path.starts_with("/flow_runs/") => {
                match self.runs.iter().find(|run| path.ends_with(run["id"].as_str().unwrap())) {
                    Some(run) => run.clone(),
                    None => return reply(404, &json!({"detail": "Flow run not found"})),
                }
            }
            _ if changes(request) => return reply(self.act.0, &self.act.1),
            _ => return reply(404, &json!({"detail": "Not Found"})),
        };
        reply(200, &said)
    }

    fn chosen(&self, filter: &Value) -> Vec<Value> {
        let state = &filter["state"];
        let not = state["type"]["not_any_"].as_array().cloned().unwrap_or_default();
        let runs = among(&self.runs, &filter["id"]["any_"], "id");
        let runs = among(&runs, &state["type"]["any_"], "state_type");
        let runs = among(&runs, &state["name"]["any_"], "state_name");
        let after = filter["expected_start_time"]["after_"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        let tags = filter["tags"]["any_"].as_array();
        let tagged = |run: &Value| {
            let has = |tag: &Value| run["tags"].as_array().is_some_and(|own| own.contains(tag));
            tags.is_none_or(|tags| tags.iter().any(has))
        };
        runs.into_iter().filter(|run| !not.contains(&run["state_type"]) && start(run) >= after && tagged(run)).collect()
    }

    fn page(&self, asked: &Value) -> Vec<Value> {
        let mut runs = self.chosen(&asked["flow_runs"]);
        runs.sort_by_key(start);
        let number = |name: &str| usize::try_from(asked[name].as_u64().unwrap_or_default()).unwrap();
        runs.into_iter().skip(number("offset")).take(number("limit")).collect()
    }
}

/// Those of the recording, and the one that late runs wait for.
fn deployments() -> Value {
    let mut all = body("deployments_filter");
    let of_late = &body("flow_runs_filter_late_by_name")[0];
    let late = json!({
        "id": of_late["deployment_id"], "name": "prod", "status": "NOT_READY", "last_polled": null,
        "created": NOW, "work_pool_name": "eu-west-pool", "paused": false,
    });
    all.as_array_mut().unwrap().push(late);
    all
}

fn start(run: &Value) -> Option<Timestamp> {
    run["expected_start_time"].as_str().and_then(|at| at.parse().ok())
}

/// Those of which a field is one of these; all where nothing is said.
fn among(rows: &[Value], any: &Value, field: &str) -> Vec<Value> {
    let any = any.as_array();
    rows.iter().filter(|row| any.is_none_or(|any| any.contains(&row[field]))).cloned().collect()
}

/// Whether a request changes something.
pub fn changes(request: &Request) -> bool {
    let last = request.path.rsplit('/').next().unwrap_or_default();
    request.method == "DELETE" || matches!(last, "resume" | "set_state" | "create_flow_run")
}

/// An answer with the recorded clock.
pub fn reply(status: u16, body: &Value) -> Behaviour {
    raw(status, body.to_string())
}

/// The same of what may be no JSON at all.
pub fn raw(status: u16, body: impl Into<Vec<u8>>) -> Behaviour {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&NOW.parse().unwrap()).unwrap();
    Behaviour::Answers(Reply::new(status, "application/json", body).with("date", date))
}

/// What is answered before anything else.
type Guard = Arc<dyn Fn(&Request) -> Option<Behaviour> + Send + Sync>;

struct State {
    world: World,
    guard: Option<Guard>,
    all: Option<Behaviour>,
    paths: HashMap<&'static str, Behaviour>,
}

/// The server.
pub struct FakePrefect {
    state: Arc<Mutex<State>>,
    server: Hostile,
}

impl FakePrefect {
    /// A good one with these runs.
    pub fn start(runs: Vec<Value>) -> Self {
        let world = World { runs, tasks: Vec::new(), act: (500, Value::Null) };
        let state = Arc::new(Mutex::new(State { world, guard: None, all: None, paths: HashMap::new() }));
        let asked = Arc::clone(&state);
        let server = Hostile::start(Behaviour::by(move |request| {
            let state = asked.lock().unwrap();
            if let Some(refused) = state.guard.as_ref().and_then(|guard| guard(request)) {
                return refused;
            }
            let at = state.paths.iter().find(|(path, _)| request.path.contains(*path)).map(|(_, bad)| bad);
            match at.or(state.all.as_ref()) {
                Some(Behaviour::By(answer)) => answer(request),
                Some(bad) => bad.clone(),
                None => state.world.answer(request),
            }
        }));
        Self { state, server }
    }

    /// Its API.
    pub fn url(&self) -> String {
        format!("{}/api", self.server.url())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes what it knows.
    pub fn edit(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.state().world);
    }

    /// Misbehaves from the next request on, whatever is asked.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state().all = Some(behaviour);
    }

    /// Misbehaves from the next request on whose path holds this.
    pub fn behave_at(&self, path: &'static str, behaviour: Behaviour) {
        self.state().paths.insert(path, behaviour);
    }

    /// Lets this have a look at each request first.
    pub fn guard(&self, guard: impl Fn(&Request) -> Option<Behaviour> + Send + Sync + 'static) {
        self.state().guard = Some(Arc::new(guard));
    }

    /// Answers well again.
    pub fn be_good(&self) {
        let mut state = self.state();
        (state.guard, state.all) = (None, None);
        state.paths.clear();
    }

    /// Closes every connection and listens no more.
    pub fn vanish(&mut self) {
        self.server.vanish();
    }

    /// What it was sent, in its order.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }
}
