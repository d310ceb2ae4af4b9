//! A real Restate server with a worker whose faults a test switches, both on free ports, gone with the value.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wait::{eventually, eventually_now, seen};

/// The version that these tests were written against; `tests/run` installs it.
pub const VERSION: &str = "1.7.12";

/// How long a server may take to answer; it needs well under a second on an idle machine.
const START: Duration = Duration::from_secs(60);

/// How many requests are under way at once in [`Restate::send_many`].
const CONCURRENCY: usize = 64;

/// The server, its worker and its data.
pub struct Restate {
    server: Option<Child>,
    worker: Option<Child>,
    worker_address: String,
    ports: Ports,
    http: reqwest::Client,
    // Last: dropped when nothing writes to it any more.
    dir: TempDir,
}

/// A further worker, registered as a deployment of its own, with faults of its own. It ends with the value.
pub struct Worker {
    /// The engine's id of the deployment.
    pub deployment: String,
    child: Option<Child>,
    faults: PathBuf,
}

impl Worker {
    /// From now on this worker fails there.
    pub fn fault_on(&self, name: &str) {
        std::fs::write(self.faults.join(name), "").unwrap();
    }

    /// Ends it; the engine keeps its deployment.
    pub fn stop(&mut self) {
        end(&mut self.child);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Ports {
    admin: u16,
    ingress: u16,
    node: u16,
}

impl Restate {
    /// Starts both, registers the worker, and returns when the engine answers questions about its invocations.
    ///
    /// # Panics
    /// Where the server or the worker is not installed, with the command that does it.
    pub async fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("restate-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::create_dir(dir.path().join("faults")).unwrap();
        let http =
            reqwest::Client::builder().no_proxy().pool_max_idle_per_host(CONCURRENCY).timeout(START).build().unwrap();
        let mut restate = Self {
            server: None,
            worker: None,
            worker_address: "127.0.0.1:0".to_owned(),
            ports: free_ports(),
            http,
            dir,
        };
        // Between finding a port free and listening there, somebody else may take it.
        for attempt in 1.. {
            restate.spawn_server();
            match restate.ready().await {
                Ok(()) => break,
                Err(log) if attempt == 3 => panic!("restate-server ended at its start:\n{log}"),
                Err(_) => restate.ports = free_ports(),
            }
        }
        restate.start_worker();
        let uri = format!("http://{}", restate.worker_address);
        restate.register(&json!({"uri": uri})).await;
        restate
    }

    /// Starts one more worker and registers it, with these headers for each call; so it becomes the current deployment
    /// of every service.
    pub async fn deploy(&self, name: &str, headers: &Value) -> Worker {
        let faults = self.dir.path().join(name);
        std::fs::create_dir(&faults).unwrap();
        let (child, address) = spawn_worker("127.0.0.1:0", &faults);
        let uri = format!("http://{address}");
        let body = json!({"uri": uri, "additional_headers": headers, "metadata": {"name": name}});
        // First, so that it ends where registering it fails.
        let mut worker = Worker { deployment: String::new(), child: Some(child), faults };
        worker.deployment = self.register(&body).await;
        worker
    }

    /// What the engine tells of a deployment.
    pub async fn deployment(&self, id: &str) -> Value {
        let response = self.http.get(format!("{}/deployments/{id}", self.admin_url())).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// Its admin API, which connectors use.
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.admin)
    }

    /// Where invocations are sent to.
    pub fn ingress_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.ingress)
    }

    /// Sends an invocation, and does not wait for its end: `send("OrderBook/eu/place", &json!(1))`.
    pub async fn send(&self, path: &str, input: &Value) -> String {
        let (path, query) = path.split_once('?').map_or((path, String::new()), |(p, q)| (p, format!("?{q}")));
        let url = format!("{}/{}/send{query}", self.ingress_url(), path.trim_matches('/'));
        let response = self.http.post(&url).json(input).send().await.unwrap();
        let status = response.status();
        let body = response.text().await.unwrap();
        assert!(status.is_success(), "{status} at {url}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        body["invocationId"].as_str().unwrap().to_owned()
    }

    /// Sends many at once; the ids are in the order of the calls.
    pub async fn send_many(&self, calls: impl IntoIterator<Item = (String, Value)>) -> Vec<String> {
        let sends = calls.into_iter().map(|(path, input)| async move { self.send(&path, &input).await });
        stream::iter(sends).buffered(CONCURRENCY).collect().await
    }

    /// Calls a handler and waits for its end: status and body.
    pub async fn call(&self, path: &str, input: &Value) -> (u16, String) {
        let url = format!("{}/{}", self.ingress_url(), path.trim_matches('/'));
        let response = self.http.post(url).json(input).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The rows that the engine answers to a query. One that was started again may for a moment look for itself as it
    /// was before; then it is asked again.
    pub async fn sql(&self, query: &str) -> Vec<Value> {
        let answer = eventually(START, || async {
            let answer = self.query(query).await;
            seen(answer, |answer| answer.as_ref().err().is_none_or(|why| !why.contains("was shut down or removed")))
        })
        .await;
        answer.unwrap_or_else(|why| panic!("{query}: {why}"))
    }

    /// What the engine says to `PATCH /invocations/{id}/{verb}`: status and body.
    pub async fn patch(&self, id: &str, verb: &str) -> (u16, String) {
        let url = format!("{}/invocations/{id}/{verb}", self.admin_url());
        let response = self.http.patch(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// `DELETE` at a path of the admin API, such as a deployment.
    pub async fn delete(&self, path: &str) {
        let url = format!("{}{path}", self.admin_url());
        let response = self.http.delete(url).send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{status}: {}", response.text().await.unwrap());
    }

    /// From now on the worker fails there, with this error text or one of its own.
    pub fn fault_on(&self, name: &str, text: Option<&str>) {
        // Renamed into place: the worker never sees half a text.
        let half = self.dir.path().join("fault");
        std::fs::write(&half, text.unwrap_or_default()).unwrap();
        std::fs::rename(half, self.faults().join(name)).unwrap();
    }

    /// The worker succeeds there again.
    pub fn fault_off(&self, name: &str) {
        if let Err(error) = std::fs::remove_file(self.faults().join(name)) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }

    /// Ends the server as a power cut would. Its data stay.
    pub fn kill_server(&mut self) {
        end(&mut self.server);
    }

    /// Starts it again on the same ports and data.
    pub async fn restart_server(&mut self) {
        self.kill_server();
        self.spawn_server();
        self.ready().await.unwrap_or_else(|log| panic!("restate-server did not start again:\n{log}"));
    }

    /// Ends the worker. The engine keeps what was sent to it.
    pub fn stop_worker(&mut self) {
        end(&mut self.worker);
    }

    /// Starts the worker, again at the same address.
    pub fn start_worker(&mut self) {
        self.stop_worker();
        let (child, address) = spawn_worker(&self.worker_address, &self.faults());
        self.worker = Some(child);
        self.worker_address = address;
    }

    fn faults(&self) -> PathBuf {
        self.dir.path().join("faults")
    }

    /// Registers a deployment; its id.
    async fn register(&self, body: &Value) -> String {
        let url = format!("{}/deployments", self.admin_url());
        let response = self.http.post(url).json(body).send().await.unwrap();
        let status = response.status();
        let said = response.text().await.unwrap();
        assert!(status.is_success(), "{status}: {said}");
        let said: Value = serde_json::from_str(&said).unwrap();
        said["id"].as_str().unwrap().to_owned()
    }

    fn spawn_server(&mut self) {
        let log = std::fs::File::create(self.dir.path().join("server.log")).unwrap();
        let local = |port: u16| format!("127.0.0.1:{port}");
        let child = Command::new(server_program())
            .args(["--no-logo", "--node-name", "test"])
            .arg("--base-dir")
            .arg(self.dir.path().join("data"))
            .env("RESTATE_ADMIN__BIND_ADDRESS", local(self.ports.admin))
            .env("RESTATE_INGRESS__BIND_ADDRESS", local(self.ports.ingress))
            .env("RESTATE_BIND_PORT", self.ports.node.to_string())
            .env("RESTATE_BIND_IP", "127.0.0.1")
            .env("RESTATE_ADVERTISED_HOST", "127.0.0.1")
            .env("RESTATE_LISTEN_MODE", "tcp")
            .env("RESTATE_DEFAULT_NUM_PARTITIONS", "4")
            .env("RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE", "256MiB")
            .env("RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT", "1s")
            .env("RESTATE_LOG_DISABLE_ANSI_CODES", "true")
            .env("RESTATE_DISABLE_TELEMETRY", "true")
            .env("DO_NOT_TRACK", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(child);
    }

    /// Waits until it is healthy and its partitions answer; the log, where it ended instead.
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
                let health = this.http.get(format!("{}/health", this.admin_url())).send().await;
                match health {
                    Ok(health) if health.status().is_success() => {}
                    other => return Err(format!("health: {other:?}")),
                }
                this.query("select count(*) as n from sys_invocation").await.map(|_| true)
            }
        })
        .await;
        self.server = Some(server);
        if ready { Ok(()) } else { Err(std::fs::read_to_string(log).unwrap_or_default()) }
    }

    async fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let request = self.http.post(format!("{}/query", self.admin_url()));
        let request = request.header("accept", "application/json").json(&json!({"query": query}));
        let response = request.send().await.map_err(|e| e.to_string())?;
        let status = response.status();
        let body = response.text().await.map_err(|e| e.to_string())?;
        if !status.is_success() {
            return Err(format!("{status}: {body}"));
        }
        let mut body: Value = serde_json::from_str(&body).map_err(|e| format!("{e}: {body}"))?;
        serde_json::from_value(body["rows"].take()).map_err(|e| e.to_string())
    }
}

impl Drop for Restate {
    fn drop(&mut self) {
        self.stop_worker();
        self.kill_server();
    }
}

/// Starts a worker, which tells where it listens.
fn spawn_worker(address: &str, faults: &Path) -> (Child, String) {
    let mut worker = Command::new(worker_program())
        .arg(address)
        .arg(faults)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(worker.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line.trim().is_empty() {
        end(&mut Some(worker));
        panic!("the worker ended at its start; its address was {address}");
    }
    (worker, line.trim().to_owned())
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Three ports that were free a moment ago.
fn free_ports() -> Ports {
    let bind = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners = [bind(), bind(), bind()];
    let [admin, ingress, node] = listeners.each_ref().map(|l| l.local_addr().unwrap().port());
    Ports { admin, ingress, node }
}

/// The native program: the one in `.bin` is a script that starts it, and would leave it behind when killed.
fn server_program() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/npm");
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let program = root.join(format!("node_modules/@restatedev/restate-server-{os}-{arch}/bin/restate-server"));
    assert!(
        program.exists(),
        "restate-server is not installed; run tests/run, or \
         npm install --prefix target/npm --no-audit --no-fund --ignore-scripts @restatedev/restate-server@{VERSION}"
    );
    program
}

/// Built into the directory above that of the test itself.
fn worker_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("quarterdeck-test-worker");
    assert!(program.exists(), "{} is missing; run cargo build --workspace", program.display());
    program
}

/// For tests without a runtime: waits until nothing accepts connections at an address such as `http://127.0.0.1:1`.
pub fn gone(url: &str) {
    let address = url.trim_start_matches("http://");
    eventually_now(Duration::from_secs(10), || match std::net::TcpStream::connect(address) {
        Ok(_) => Err(format!("{address} still accepts connections")),
        Err(_) => Ok(()),
    });
}
