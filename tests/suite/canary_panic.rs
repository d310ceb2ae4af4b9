//! What a crash leaves behind holds no secret: neither what is told on the terminal, nor the log, nor the record.
//!
//! The program has no way in for that. So this test is started a second time, in a pseudo-terminal, with every secret in
//! reach, and shows the cockpit on sources that fall over when they are asked for one instance, and say all they know.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::fake_restate::Kind;
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::setup;
use crate::support::matrix::record;
use crate::support::secrets::{Bench, LOOKED_FOR};
use crate::term::Launch;
use async_trait::async_trait;
use quarterdeck::cockpit::{self, CockpitError, Settings};
use quarterdeck::config::{Config, Flags, LogSettings, SourceConfig};
use quarterdeck::connect::restate::Restate;
use quarterdeck::connect::{Act, ActAnswer, ConnectError, Connector, Observation, Reading};
use quarterdeck::domain::flow::FlowInstance;
use quarterdeck::domain::log::LogLevel;
use quarterdeck::domain::raw::RawFlow;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::text::SafeText;
use quarterdeck::domain::ways::Ways;
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::telemetry;
use tokio::sync::mpsc;

/// Set to the folder of the config where this test is to be the program in the terminal.
const INSIDE: &str = "TEST_FALLS_OVER_WITH";

/// A Restate, except that it falls over when it is asked for one instance, with everything that it holds in its mouth.
struct Faulty {
    restate: Restate,
    config: SourceConfig,
}

#[async_trait]
impl Connector for Faulty {
    fn kind(&self) -> &'static str {
        self.restate.kind()
    }

    fn address(&self) -> SafeText {
        self.restate.address()
    }

    fn verbs(&self) -> &'static [Verb] {
        self.restate.verbs()
    }

    fn effect(&self, verb: Verb, flow: &FlowInstance) -> SafeText {
        self.restate.effect(verb, flow)
    }

    async fn check(&self) -> Result<(), ConnectError> {
        self.restate.check().await
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        self.restate.observe(sink).await
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        let said = self.restate.read(instance).await;
        let credentials = self.config.transport.credentials.as_ref().map(|held| (held.words(), held.secret().clone()));
        let ways = self.restate.ways(instance, "flow").request.map(|request| request.curl());
        panic!(
            "this must not happen: {:?} {:?} {credentials:?} {ways:?} {said:?}",
            self.config, self.config.transport.identity
        );
    }

    async fn raw(&self, instance: &str) -> Result<Option<RawFlow>, ConnectError> {
        self.restate.raw(instance).await
    }

    fn ways(&self, instance: &str, flow: &str) -> Ways {
        self.restate.ways(instance, flow)
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        self.restate.act(act).await
    }
}

async fn show(folder: &Path) -> Result<cockpit::Exit, CockpitError> {
    let config = Config::load(Some(&folder.join("config.toml")), &Flags::default()).unwrap();
    let state = folder.join("state");
    let log = LogSettings { level: LogLevel::Debug, ..LogSettings::default() };
    let telemetry = telemetry::start(&log, Some(&state));
    let source = |source: &SourceConfig| -> (String, Arc<dyn Connector>, std::time::Duration) {
        let timeout = source.timeout.try_into().unwrap();
        let restate = Restate::new(&source.name, &source.url, timeout, source.transport.clone()).unwrap();
        let faulty = Faulty { restate, config: source.clone() };
        (source.name.clone(), Arc::new(faulty), std::time::Duration::from_secs(1))
    };
    let sources = config.context.sources.iter().map(source).collect();
    let hub = Hub::new(Setup { state_dir: Some(state), ..setup(config, sources) });
    hub.tells(telemetry.book().clone());
    let _polling = hub.start();
    cockpit::run(hub, Settings::new("demo", "you")).await
}

/// Every file beneath a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_crash_tells_no_secret() {
    if let Some(folder) = std::env::var_os(INSIDE) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let result = runtime.block_on(show(Path::new(&folder)));
        assert!(matches!(result, Err(CockpitError::Panicked)), "{result:?}");
        runtime.shutdown_background();
        return;
    }
    let mut cases = 0;
    for backtrace in ["0", "full"] {
        let bench = Bench::behind_a_proxy();
        // What is asked for one instance is answered with whatever was sent.
        let echo = Behaviour::by(|request| {
            let sent = request.header("authorization").unwrap_or_default().to_owned();
            Behaviour::Answers(Reply::new(500, "text/plain", format!("what is {sent}?")))
        });
        bench.server.behave_for(Kind::One, echo);
        let this = std::env::current_exe().unwrap();
        let command = [this.to_str().unwrap(), "--exact", "canary_panic::a_crash_tells_no_secret", "--nocapture"];
        let mut launch = Launch::command(&command).env("RUST_BACKTRACE", backtrace).size((200, 60));
        launch = launch.env(INSIDE, bench.path().to_str().unwrap());
        for (name, value) in bench.variables() {
            launch = launch.env(name, &value);
        }
        let mut term = launch.start();
        term.shows("apply-0042");
        term.press("2");
        term.until("the list", |seen| seen.lines[4].starts_with('▸'));
        term.press("enter");
        let (status, seen) = term.given_back();
        assert_eq!(status.exit_code(), 0, "{}", seen.picture());
        let told = String::from_utf8_lossy(&term.raw()).into_owned();
        assert!(told.contains("this must not happen") && told.contains("tests/suite/canary_panic.rs"), "{told}");
        // It did have the secrets in hand.
        assert!(told.contains("Transport") && told.contains("REDACTED"), "{told}");
        bench.clean("what a crash tells", &told);
        let left = files(&bench.path().join("state"));
        assert!(left.iter().any(|file| file.starts_with(bench.path().join("state/log"))), "{left:?}");
        for file in left {
            bench.clean(&file.display().to_string(), &String::from_utf8_lossy(&std::fs::read(&file).unwrap()));
        }
        cases += LOOKED_FOR;
    }
    record("canary", cases, 18);
}
