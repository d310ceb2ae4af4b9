//! A salt-api made for tests: it knows some minions and what they would change, gives tokens and takes them away, runs jobs as
//! the real one does, and can be told to be bad. It is made of answers of a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Map, Value, json};

use super::hostile::{Behaviour, Hostile, Reply};
use super::request::Request;

/// The server's clock when the answers were recorded; that of the master is by another zone.
pub const NOW: &str = "2026-11-21T09:48:14Z";

/// A recorded exchange: `drift_test_true`, say.
pub fn recorded(name: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/salt");
    serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}

/// What the recorded minion returned of its states when it was asked what it would change.
pub fn checked() -> Value {
    recorded("drift_test_true")["response"]["body"]["return"][0]["cp-eu-1"].clone()
}

/// A state as a minion returns it.
pub fn state(id: &str, result: &Value, changes: &Value) -> (String, Value) {
    let key = format!("file_|-{id}_|-/etc/{id}_|-managed");
    let told = json!({
        "result": result, "changes": changes, "comment": format!("about {id}"), "name": format!("/etc/{id}"),
        "__sls__": "cp", "__run_num__": 0, "start_time": "09:48:14.053122", "duration": 7.1, "__id__": id,
    });
    (key, told)
}

/// What a file on a minion holds, the newest copy of it first.
#[derive(Debug, Clone, Default)]
pub struct File {
    pub there: String,
    pub copies: Vec<String>,
}

/// What it knows.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// What each minion returns of its states, as it is written on the wire.
    pub minions: BTreeMap<String, String>,
    /// What each of them is at.
    pub running: BTreeMap<String, Value>,
    /// The same of those that tell something odd, as it is written on the wire.
    pub odd: BTreeMap<String, String>,
    /// What the master keeps of other jobs, by their ids.
    pub kept: BTreeMap<String, Value>,
    /// So many checks from now on another run of states is under way.
    pub busy_for: usize,
    /// Those that return nothing.
    pub silent: BTreeSet<String>,
    /// What `state.show_lowstate` tells.
    pub low: Value,
    /// The file that every state is about.
    pub file: File,
    /// What a job that changes something returns; `None` for what follows from the world.
    pub acted: Option<Value>,
    /// Tokens that are good.
    tokens: BTreeSet<String>,
    /// How many logins there were.
    pub logins: usize,
    /// Whether logins are refused.
    pub locked: bool,
    /// So many questions from now on the tokens are taken away.
    pub forget_after: Option<usize>,
    jobs: BTreeMap<String, (String, Value)>,
}

impl World {
    fn answer(&mut self, request: &Request) -> Behaviour {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/") => reply(200, &json!({"return": "Welcome", "clients": ["local", "local_async", "runner"]})),
            ("POST", "/login") if self.locked => refused("Could not authenticate using provided credentials"),
            ("POST", "/login") => {
                self.logins += 1;
                let token = format!("token-number-{}", self.logins);
                self.tokens.insert(token.clone());
                let mut body = recorded("login")["response"]["body"].clone();
                body["return"][0]["token"] = token.into();
                reply(200, &body)
            }
            ("POST", "/") => {
                if let Some(left) = &mut self.forget_after {
                    if *left == 0 {
                        self.tokens.clear();
                        self.forget_after = None;
                    } else {
                        *left -= 1;
                    }
                }
                if !request.header("x-auth-token").is_some_and(|token| self.tokens.contains(token)) {
                    return refused("No permission -- see authorization schemes");
                }
                let answer = self.run(&asked[0]);
                raw(200, format!("{{\"return\": [{answer}]}}"))
            }
            _ => reply(404, &json!({})),
        }
    }

    /// What one question is answered with, as it is written.
    fn run(&mut self, asked: &Value) -> String {
        let function = asked["fun"].as_str().unwrap_or_default();
        match asked["client"].as_str() {
            Some("local_async") => {
                let names: BTreeSet<String> = self.minions.keys().chain(&self.silent).cloned().collect();
                let wanted: Vec<String> = match &asked["tgt"] {
                    Value::Array(ids) => ids.iter().filter_map(|id| Some(id.as_str()?.to_owned())).collect(),
                    _ => names.iter().cloned().collect(),
                };
                let minions: Vec<String> = wanted.into_iter().filter(|id| names.contains(id)).collect();
                if minions.is_empty() {
                    return "{}".to_owned();
                }
                // By a clock that is an hour ahead.
                let jid = format!("2026112110481416{:04}", self.jobs.len());
                let mut returns = String::new();
                for minion in &minions {
                    if self.silent.contains(minion) {
                        continue;
                    }
                    let value = self.returns(minion, function, asked);
                    let comma = if returns.is_empty() { "" } else { ", " };
                    returns += comma;
                    returns += &json!(minion).to_string();
                    returns.extend([": {\"return\": ", value.as_str(), "}"]);
                }
                self.jobs.insert(jid.clone(), (format!("{{{returns}}}"), asked.clone()));
                json!({"jid": jid, "minions": minions}).to_string()
            }
            Some("runner") => match function {
                "jobs.list_job" => {
                    let jid = asked["arg"][0].as_str().unwrap_or_default();
                    if let Some(kept) = self.kept.get(jid) {
                        return kept.to_string();
                    }
                    let result = self.jobs.get(jid).map_or("{}", |(returns, _)| returns.as_str());
                    format!("{{\"jid\": {}, \"Result\": {result}}}", json!(jid))
                }
                "jobs.list_jobs" => recorded("jobs")["response"]["body"]["return"][0].to_string(),
                "salt.cmd" => "\"3008.3\"".to_owned(),
                "cache.grains" => {
                    let of = |id: &Value| Some((id.as_str()?.to_owned(), json!({"tenant": "kept", "region": "r"})));
                    let ids = asked["kwarg"]["tgt"].as_array().cloned().unwrap_or_default();
                    Value::Object(ids.iter().filter_map(of).collect::<Map<_, _>>()).to_string()
                }
                other => json!(format!("Exception occurred in runner {other}: no such function")).to_string(),
            },
            _ => "null".to_owned(),
        }
    }

    /// What a minion returns.
    fn returns(&mut self, minion: &str, function: &str, asked: &Value) -> String {
        let test = asked["kwarg"]["test"] == json!(true);
        let of_id = |text: &str| {
            let all: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
            let mine = all.into_iter().filter(|(_, told)| told["__id__"] == asked["arg"][0]);
            mine.collect::<Map<String, Value>>()
        };
        let states = self.minions.get(minion).cloned().unwrap_or_default();
        match function {
            "state.apply" if self.busy_for > 0 => {
                self.busy_for -= 1;
                json!(["The function \"state.apply\" is running as PID 7 with jid 1"]).to_string()
            }
            "state.apply" => states,
            "state.sls_id" if test => {
                let mine = of_id(&states);
                if mine.is_empty() {
                    json!(["No matching sls found"]).to_string()
                } else {
                    Value::Object(mine).to_string()
                }
            }
            "state.sls_id" => {
                if let Some(acted) = &self.acted {
                    return acted.to_string();
                }
                let mut all: Map<String, Value> = serde_json::from_str(&states).unwrap_or_default();
                let mut done = of_id(&states);
                for told in done.values_mut() {
                    told["result"] = json!(true);
                }
                for told in all.values_mut().filter(|told| told["__id__"] == asked["arg"][0]) {
                    told["result"] = json!(true);
                    told["changes"] = json!({});
                }
                self.minions.insert(minion.to_owned(), Value::Object(all).to_string());
                Value::Object(done).to_string()
            }
            "state.show_lowstate" => self.low.to_string(),
            "grains.item" => recorded("grains")["response"]["body"]["return"][0]["cp-eu-1"].to_string(),
            "saltutil.running" if self.odd.contains_key(minion) => self.odd[minion].clone(),
            "saltutil.running" => self.running.get(minion).cloned().unwrap_or_else(|| json!([])).to_string(),
            "saltutil.kill_job" => {
                let jid = asked["arg"][0].clone();
                let running = self.running.get_mut(minion).and_then(Value::as_array_mut);
                let at = running.as_ref().and_then(|jobs| jobs.iter().position(|job| job["jid"] == jid));
                let said = running.zip(at).map(|(jobs, at)| {
                    let pid = jobs.remove(at)["pid"].clone();
                    format!("Signal 9 sent to job {} at pid {pid}", jid.as_str().unwrap_or_default())
                });
                json!(said.unwrap_or_default()).to_string()
            }
            "file.list_backups" => {
                let copy = |n: usize| {
                    let name = format!("/copies/{n}");
                    (n.to_string(), json!({"Backup Time": "Sat Nov 21 2026 09:48:14", "Size": 21, "Location": name}))
                };
                Value::Object((0..self.file.copies.len()).map(copy).collect()).to_string()
            }
            "file.get_hash" => {
                let path = asked["arg"][0].as_str().unwrap_or_default();
                let number = path.strip_prefix("/copies/").and_then(|n| n.parse::<usize>().ok());
                let contents = number.map_or(Some(&self.file.there), |n| self.file.copies.get(n));
                json!(contents.map(|contents| hash(contents)).unwrap_or_default()).to_string()
            }
            "file.restore_backup" => {
                let number = asked["arg"][1].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
                let put_back = self.file.copies[number].clone();
                let replaced = std::mem::replace(&mut self.file.there, put_back);
                self.file.copies.insert(0, replaced);
                json!({"result": true, "comment": "Successfully restored"}).to_string()
            }
            other => json!(format!("'{other}' is not available.")).to_string(),
        }
    }
}

/// A text that stands for a hash: as long as one, and another one for another text.
fn hash(text: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:064x}", hasher.finish())
}

/// A refusal in HTML, as a salt-api writes it.
fn refused(why: &str) -> Behaviour {
    let page = recorded("no_auth_err")["response"]["body"].as_str().unwrap().to_owned();
    let page = page.replace("No permission -- see authorization schemes", why);
    Behaviour::Answers(Reply::new(401, "text/html;charset=utf-8", page))
}

/// An answer with the recorded clock.
pub fn reply(status: u16, body: &Value) -> Behaviour {
    raw(status, body.to_string())
}

/// The same of what may be no JSON at all.
pub fn raw(status: u16, body: impl Into<Vec<u8>>) -> Behaviour {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&NOW.parse::<Timestamp>().unwrap()).unwrap();
    Behaviour::Answers(Reply::new(status, "application/json", body).with("date", date))
}

struct State {
    world: World,
    all: Option<Behaviour>,
}

/// The server.
pub struct FakeSalt {
    state: Arc<Mutex<State>>,
    server: Hostile,
}

impl FakeSalt {
    /// A good one, whose minions return this.
    pub fn start<'a>(minions: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let minions = minions.into_iter().map(|(name, states)| (name.to_owned(), states.to_string())).collect();
        let world = World { minions, low: json!([]), ..World::default() };
        let state = Arc::new(Mutex::new(State { world, all: None }));
        let asked = Arc::clone(&state);
        let server = Hostile::start(Behaviour::by(move |request| {
            let mut state = asked.lock().unwrap();
            match state.all.clone() {
                Some(Behaviour::By(answer)) => answer(request),
                Some(bad) => bad,
                None => state.world.answer(request),
            }
        }));
        Self { state, server }
    }

    /// The salt-api.
    pub fn url(&self) -> String {
        self.server.url()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes what it knows.
    pub fn edit<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.state().world)
    }

    /// Misbehaves from the next request on, whatever is asked; `None` is good again.
    pub fn behave(&self, behaviour: Option<Behaviour>) {
        self.state().all = behaviour;
    }

    /// What was asked of functions that change something, as it was sent.
    pub fn changes(&self) -> Vec<Value> {
        let bodies = self.server.requests().into_iter().filter(|request| request.path == "/");
        let asked = bodies.filter_map(|request| serde_json::from_slice::<Value>(&request.body).ok());
        let changes = |asked: &Value| {
            let function = asked[0]["fun"].as_str().unwrap_or_default();
            matches!(function, "file.restore_backup" | "saltutil.kill_job")
                || function == "state.sls_id" && asked[0]["kwarg"]["test"].is_null()
        };
        asked.filter(changes).map(|asked| asked[0].clone()).collect()
    }
}
