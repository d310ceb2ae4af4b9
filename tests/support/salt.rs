//! A real Salt on free ports of 127.0.0.1: a master, a salt-api and minions, all as whoever runs the test; gone with the value.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::wait::eventually;

/// How long it may take until all minions answer.
const START: Duration = Duration::from_secs(180);

/// The user, and the secret that it shares with the master.
pub const USER: &str = "ops";
/// The password of [`USER`].
pub const PASSWORD: &str = "a-secret-of-this-test";

/// A master, a salt-api, and minions.
pub struct Salt {
    master: Option<Child>,
    api: Option<Child>,
    minions: Vec<(String, Option<Child>)>,
    api_port: u16,
    http: reqwest::Client,
    /// Sockets have short paths.
    _sockets: TempDir,
    // Last: dropped when nothing writes to it any more.
    dir: TempDir,
}

impl Salt {
    /// Starts one with minions of these names, and returns when all of them answer. Each has the grains `tenant`, which is
    /// `acme-NAME`, and `region`.
    ///
    /// # Panics
    /// Where it is not installed, with the command that does it.
    pub async fn start(minions: &[&str], states: impl FnOnce(&Path) -> String) -> Self {
        let dir = tempfile::Builder::new().prefix("salt-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let sockets = tempfile::Builder::new().prefix("qd").tempdir().unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(START).build().unwrap();
        let root = dir.path().to_owned();
        for folder in ["master", "states", "managed"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        std::fs::write(root.join("states/cp.sls"), states(&root.join("managed"))).unwrap();
        std::fs::write(root.join("states/top.sls"), "base: {'*': [cp]}\n").unwrap();
        let [publish, ret, api_port] = [free_port(), free_port(), free_port()];
        let user = whoami();
        let shown = root.display();
        let master = format!(
            "root_dir: {shown}/master\npki_dir: {shown}/master/pki\ncachedir: {shown}/master/cache\n\
             sock_dir: {sockets}/m\nlog_file: {shown}/master/log\npidfile: {shown}/master/pid\ninterface: 127.0.0.1\n\
             publish_port: {publish}\nret_port: {ret}\nauto_accept: True\nworker_threads: 3\nuser: {user}\n\
             file_roots: {{base: [{shown}/states]}}\nsharedsecret: {PASSWORD}\n\
             external_auth: {{sharedsecret: {{{USER}: ['.*', '@runner', '@jobs']}}}}\n\
             netapi_enable_clients: [local, local_async, runner]\n\
             rest_cherrypy: {{port: {api_port}, host: 127.0.0.1, disable_ssl: True, thread_pool: 8}}\n",
            sockets = sockets.path().display()
        );
        std::fs::write(root.join("master/master"), master).unwrap();
        for (n, name) in minions.iter().enumerate() {
            let home = root.join(name);
            std::fs::create_dir(&home).unwrap();
            let minion = format!(
                "root_dir: {home}\nid: {name}\nmaster: 127.0.0.1\nmaster_port: {ret}\npublish_port: {publish}\n\
                 pki_dir: {home}/pki\ncachedir: {home}/cache\nsock_dir: {sockets}/{n}\nlog_file: {home}/log\n\
                 pidfile: {home}/pid\nuser: {user}\nbackup_mode: minion\ngrains: {{tenant: acme-{name}, region: eu-1}}\n",
                home = home.display(),
                sockets = sockets.path().display()
            );
            std::fs::write(home.join("minion"), minion).unwrap();
        }
        let mut salt = Self {
            master: None,
            api: None,
            minions: minions.iter().map(|name| ((*name).to_owned(), None)).collect(),
            api_port,
            http,
            _sockets: sockets,
            dir,
        };
        salt.master = Some(salt.spawn("salt-master", "master"));
        salt.api = Some(salt.spawn("salt-api", "master"));
        for name in minions {
            salt.start_minion(name);
        }
        salt.ready(minions.len()).await;
        salt
    }

    /// The salt-api.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }

    /// Where the managed files are.
    pub fn managed(&self) -> PathBuf {
        self.dir.path().join("managed")
    }

    /// Declares other states from now on.
    pub fn declare(&self, states: &str) {
        std::fs::write(self.dir.path().join("states/cp.sls"), states).unwrap();
    }

    /// Ends a minion as a power cut would.
    pub fn kill_minion(&mut self, name: &str) {
        let minion = self.minions.iter_mut().find(|(own, _)| own == name).unwrap();
        end(&mut minion.1);
    }

    /// Ends the salt-api and the master, as a power cut would. Minions stay, and try to reach it.
    pub fn kill_master(&mut self) {
        end(&mut self.api);
        end(&mut self.master);
    }

    /// Starts a minion.
    pub fn start_minion(&mut self, name: &str) {
        let child = self.spawn("salt-minion", name);
        self.minions.iter_mut().find(|(own, _)| own == name).unwrap().1 = Some(child);
    }

    /// Takes away every token that was given.
    pub fn forget_tokens(&self) {
        let tokens = self.dir.path().join("master/cache/tokens");
        std::fs::remove_dir_all(&tokens).unwrap();
    }

    /// What an administrator does: applies the states, past Quarterdeck.
    pub async fn apply(&self, minion: &str) -> Value {
        self.ask(json!([{"client": "local", "tgt": minion, "fun": "state.apply", "timeout": 60}])).await
    }

    /// What it answers.
    pub async fn ask(&self, body: Value) -> Value {
        self.try_ask(&body).await.unwrap()
    }

    async fn try_ask(&self, body: &Value) -> Result<Value, String> {
        let login = json!({"username": USER, "password": PASSWORD, "eauth": "sharedsecret"});
        let login = self.post("/login", &login, None).await?;
        self.post("/", body, login["return"][0]["token"].as_str()).await
    }

    async fn post(&self, path: &str, body: &Value, token: Option<&str>) -> Result<Value, String> {
        let request = self.http.post(format!("{}{path}", self.url())).header("accept", "application/json").json(body);
        let request = token.into_iter().fold(request, |request, token| request.header("x-auth-token", token));
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}: {text}"))
    }

    async fn ready(&self, minions: usize) {
        eventually(START, || async {
            let ping = json!([{"client": "local", "tgt": "*", "fun": "test.ping", "timeout": 2}]);
            let answer = self.try_ask(&ping).await.map_err(|error| [vec![error], self.logs()].concat())?;
            let all = answer["return"][0].as_object().is_some_and(|minions_there| {
                minions_there.len() == minions && minions_there.values().all(|value| *value == json!(true))
            });
            if all { Ok(()) } else { Err(vec![answer.to_string()]) }
        })
        .await;
    }

    fn logs(&self) -> Vec<String> {
        ["master", "minion", "api"]
            .map(|name| std::fs::read_to_string(self.dir.path().join(format!("salt-{name}.out"))).unwrap_or_default())
            .into()
    }

    /// A program of its virtual environment, in a group of its own.
    fn spawn(&self, program: &str, home: &str) -> Child {
        let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venvs/salt/bin");
        assert!(
            bin.join(program).exists(),
            "salt is not installed; run tests/run, or python3 -m venv target/venvs/salt && \
             target/venvs/salt/bin/pip install -r tests/support/salt/requirements.txt"
        );
        let out = std::fs::File::create(self.dir.path().join(format!("{program}.out"))).unwrap();
        let mut command = Command::new(bin.join(program));
        command.arg("-c").arg(self.dir.path().join(home)).current_dir(self.dir.path()).stdin(Stdio::null());
        command.env("NO_PROXY", "127.0.0.1").stdout(out.try_clone().unwrap()).stderr(out);
        command.process_group(0).spawn().unwrap()
    }
}

impl Drop for Salt {
    fn drop(&mut self) {
        for (_, minion) in &mut self.minions {
            end(minion);
        }
        end(&mut self.api);
        end(&mut self.master);
    }
}

/// Ends a process with what it started, at once.
fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let group = rustix::process::Pid::from_child(&child);
        // They may have ended by themselves.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = child.wait();
    }
}

/// The name of whoever runs the test: Salt wants to know it.
fn whoami() -> String {
    let out = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
