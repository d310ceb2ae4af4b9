//! A real Prefect server on a free port, with a process that serves flows where a test wants real runs; gone with the value.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wait::{eventually, seen};

/// How long a server may take to answer: it needs some ten seconds on an idle machine.
const START: Duration = Duration::from_secs(120);

/// The server, what serves its flows, and its data.
pub struct Prefect {
    server: Option<Child>,
    runner: Option<Child>,
    port: u16,
    auth: Option<(&'static str, &'static str)>,
    http: reqwest::Client,
    // Last: dropped when nothing writes to it any more.
    dir: TempDir,
}

impl Prefect {
    /// Starts one, and returns when it answers.
    ///
    /// # Panics
    /// Where it is not installed, with the command that does it.
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// One that wants this user and password.
    pub async fn start_with(auth: Option<(&'static str, &'static str)>) -> Self {
        let dir = tempfile::Builder::new().prefix("prefect-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::create_dir(dir.path().join("faults")).unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(START).build().unwrap();
        let mut prefect = Self { server: None, runner: None, port: free_port(), auth, http, dir };
        // Between finding a port free and listening there, somebody else may take it.
        for attempt in 1.. {
            prefect.spawn_server();
            match prefect.ready().await {
                Ok(()) => break,
                Err(log) if attempt == 3 => panic!("prefect ended at its start:\n{log}"),
                Err(_) => prefect.port = free_port(),
            }
        }
        prefect
    }

    /// Its API, which connectors use.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }

    /// What it answers: the status and the body.
    pub async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.request(method, format!("{}{path}", self.url())).json(body);
        let request = match self.auth {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// What it answers to a `POST` that it takes.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        // A server on SQLite says 503 while its database is busy, and has done nothing then.
        let (status, body) = eventually(START, || async {
            seen(self.send(reqwest::Method::POST, path, body).await, |(status, _)| *status != 503)
        })
        .await;
        assert!((200..300).contains(&status), "{status} at {path}: {body}");
        body
    }

    /// A run as the server tells it; null where there is none.
    pub async fn run(&self, id: &str) -> Value {
        let (status, body) = self.send(reqwest::Method::GET, &format!("/flow_runs/{id}"), &Value::Null).await;
        if status == 404 { Value::Null } else { body }
    }

    /// Its own count of runs.
    pub async fn count(&self, filter: Value) -> u64 {
        self.post("/flow_runs/count", &json!({ "flow_runs": filter })).await.as_u64().unwrap()
    }

    /// A flow; its id.
    pub async fn flow(&self, name: &str) -> String {
        id_of(&self.post("/flows/", &json!({ "name": name })).await)
    }

    /// A deployment of a flow, in a work pool where one is named; its id.
    pub async fn deployment(&self, flow: &str, name: &str, pool: Option<&str>) -> String {
        let body = json!({"name": name, "flow_id": flow, "work_pool_name": pool, "entrypoint": "x.py:f"});
        id_of(&self.post("/deployments/", &body).await)
    }

    /// A run that went through these states, the last of which it has now. No worker knows of it. Its id.
    pub async fn made(&self, run: &Value, states: &[Value]) -> String {
        let id = id_of(&self.post("/flow_runs/", run).await);
        for state in states {
            self.becomes(&id, state, false).await;
        }
        id
    }

    /// Gives a run another state, which the server must take.
    pub async fn becomes(&self, id: &str, state: &Value, force: bool) {
        let body = json!({"state": state, "force": force});
        let said = self.post(&format!("/flow_runs/{id}/set_state"), &body).await;
        assert!(said["status"] == "ACCEPT" || said["status"] == "REJECT", "{state}: {said}");
    }

    /// The id of the deployment of a flow that is served.
    pub async fn served(&self, flow: &str) -> String {
        let body = json!({"flows": {"name": {"any_": [flow]}}});
        let found = eventually(START, || async {
            seen(self.post("/deployments/filter", &body).await, |found| found[0]["id"].is_string())
        })
        .await;
        id_of(&found[0])
    }

    /// Begins a run of a deployment.
    pub async fn begin(&self, deployment: &str, body: &Value) -> String {
        id_of(&self.post(&format!("/deployments/{deployment}/create_flow_run"), body).await)
    }

    /// From now on flows fail there.
    pub fn fault_on(&self, name: &str) {
        std::fs::write(self.faults().join(name), "").unwrap();
    }

    /// They succeed there again.
    pub fn fault_off(&self, name: &str) {
        std::fs::remove_file(self.faults().join(name)).unwrap();
    }

    fn faults(&self) -> PathBuf {
        self.dir.path().join("faults")
    }

    /// Ends the server as a power cut would. Its data stay.
    pub fn kill_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Starts it again at the same port and on the same data.
    pub async fn restart_server(&mut self) {
        self.kill_server();
        self.spawn_server();
        self.ready().await.unwrap_or_else(|log| panic!("prefect did not start again:\n{log}"));
    }

    /// Starts the process that serves the flows of `prefect/flows.py`.
    pub fn serve(&mut self) {
        let flows = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/prefect/flows.py");
        let mut command = self.command("python");
        command
            .arg(flows)
            .env("TEST_FAULTS", self.faults())
            .env("PREFECT_RUNNER_POLL_FREQUENCY", "1")
            .env("PREFECT_LOGGING_LEVEL", "INFO");
        let log = std::fs::File::create(self.dir.path().join("runner.log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        // A group of its own: each run is a process that it starts.
        self.runner = Some(command.process_group(0).spawn().unwrap());
    }

    /// Ends that process and the runs in it, at once.
    pub fn stop_serving(&mut self) {
        if let Some(mut runner) = self.runner.take() {
            let group = rustix::process::Pid::from_child(&runner);
            // They may have ended by themselves.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = runner.wait();
        }
    }

    fn spawn_server(&mut self) {
        let log = std::fs::File::create(self.dir.path().join("server.log")).unwrap();
        let mut command = self.command("prefect");
        command.args(["server", "start", "--host", "127.0.0.1", "--no-ui", "--port", &self.port.to_string()]);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.server = Some(command.spawn().unwrap());
    }

    /// A program of its virtual environment, that knows this server and writes nowhere else.
    fn command(&self, program: &str) -> Command {
        let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venvs/prefect/bin");
        assert!(
            bin.join("prefect").exists(),
            "prefect is not installed; run tests/run, or python3 -m venv target/venvs/prefect && \
             target/venvs/prefect/bin/pip install -r tests/support/prefect/requirements.txt"
        );
        let mut command = Command::new(bin.join(program));
        command
            .current_dir(self.dir.path())
            .env("PREFECT_HOME", self.dir.path().join("home"))
            .env("PREFECT_API_URL", self.url())
            .env("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
            .env("PREFECT_LOGGING_LEVEL", "WARNING")
            .env("PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS", "1")
            .env("PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS", "1")
            .env("DO_NOT_TRACK", "1")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null());
        if let Some((user, password)) = self.auth {
            let both = format!("{user}:{password}");
            command.env("PREFECT_SERVER_API_AUTH_STRING", &both).env("PREFECT_API_AUTH_STRING", &both);
        }
        command
    }

    /// Waits until it is healthy; the log, where it ended instead.
    async fn ready(&mut self) -> Result<(), String> {
        let log = self.dir.path().join("server.log");
        let mut server = self.server.take().unwrap();
        let this = &*self;
        let ready = eventually(START, || {
            let ended = server.try_wait().unwrap().is_some();
            async move {
                if ended {
                    return Ok(false);
                }
                let health = this.http.get(format!("{}/health", this.url())).send().await;
                match health {
                    Ok(health) if health.status().is_success() => Ok(true),
                    other => Err(format!("health: {other:?}")),
                }
            }
        })
        .await;
        self.server = Some(server);
        if ready { Ok(()) } else { Err(std::fs::read_to_string(log).unwrap_or_default()) }
    }
}

impl Drop for Prefect {
    fn drop(&mut self) {
        self.stop_serving();
        self.kill_server();
    }
}

/// The time so many seconds from now.
pub fn in_seconds(seconds: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(seconds)).to_string()
}

fn id_of(body: &Value) -> String {
    body["id"].as_str().unwrap_or_else(|| panic!("no id in {body}")).to_owned()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
