//! Credentials that change while the program runs: after a 401 they are read again from their file or their command,
//! once, before the next read; and no act is sent a second time because of it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::{VERBS_OF_PAUSED, config_of, ended, hub_in, status};
use crate::support::program::{Said, command};
use crate::support::secrets::private;
use crate::support::wait::{eventually_now, seen};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::ItemState;
use quarterdeck::ops::Ops;
use serde_json::Value;

const OLD: &str = "canary-old-19c4";
const NEW: &str = "canary-new-19c5";
const SOON: Duration = Duration::from_secs(30);

/// A server that takes one secret alone, whatever the way in which it is sent; it can be changed.
struct Strict {
    server: FakeRestate,
    taken: Arc<Mutex<String>>,
}

impl Strict {
    fn start() -> Self {
        let server = FakeRestate::start(vec![row("inv_1")]);
        let taken = Arc::new(Mutex::new(OLD.to_owned()));
        let known = Arc::clone(&taken);
        server.guard(move |request| {
            let secret = known.lock().unwrap().clone();
            let basic = format!("Basic {}", STANDARD.encode(format!("jo:{secret}")));
            let sent = request.header("authorization");
            (sent != Some(&format!("Bearer {secret}")) && sent != Some(&basic)).then_some(Behaviour::Unauthorized)
        });
        Self { server, taken }
    }

    fn takes(&self, secret: &str) {
        secret.clone_into(&mut self.taken.lock().unwrap());
    }

    /// How often a secret was sent, however it was.
    fn sent(&self, secret: &str) -> usize {
        let basic = STANDARD.encode(format!("jo:{secret}"));
        let sent = |header: &str| header.ends_with(secret) || header.ends_with(&basic);
        self.server.requests().iter().filter(|request| request.header("authorization").is_some_and(sent)).count()
    }
}

/// Where a secret is kept that may change: its name, and the keys of the config. Each leaves a line in `runs` where a
/// program is run for it.
const PLACES: [(&str, &str); 3] = [
    ("file", "auth = { bearer = { file = \"token\" } }\n"),
    ("basic file", "auth = { basic = { user = \"jo\", password = { file = \"token\" } } }\n"),
    ("command", "auth = { bearer = { command = [\"sh\", \"FOLDER/give\"] } }\n"),
];

fn config(folder: &Path, url: &str, keys: &str) -> String {
    let give = format!("echo run >> {0}/runs; cat {0}/token", folder.display());
    std::fs::write(folder.join("give"), give).unwrap();
    private(&folder.join("token"), OLD);
    let keys = keys.replace("FOLDER", &folder.display().to_string());
    let config = format!("state_dir = \"state\"\n{}poll = \"1s\"\n{keys}", config_of(&[("a", url, "5s")]));
    std::fs::write(folder.join("config.toml"), &config).unwrap();
    config
}

/// How often the command was run.
fn runs(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("runs")).unwrap_or_default().lines().count()
}

/// The program as it keeps asking, and what it says of the source each time.
struct Watched {
    child: Child,
    said: Receiver<Value>,
}

impl Watched {
    fn start(folder: &Path) -> Self {
        let config = folder.join("config.toml");
        let mut command = command(["--config", config.to_str().unwrap(), "get", "sources", "--watch=1s", "-o", "json"]);
        command.env("TOKEN", OLD).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, said) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                assert!(!line.contains("canary"), "{line}");
                if tell.send(serde_json::from_str::<Value>(&line).unwrap()["rows"][0].clone()).is_err() {
                    return;
                }
            }
        });
        Self { child, said }
    }

    /// Waits until it says this.
    #[track_caller]
    fn until(&self, what: &str, so: impl Fn(&Value) -> bool) {
        let mut last = Value::Null;
        loop {
            let Ok(said) = self.said.recv_timeout(SOON) else { panic!("{what}: {last:#}") };
            if so(&said) {
                return;
            }
            last = said;
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_secret_that_was_changed_is_read_again_while_the_program_runs() {
    for (name, keys) in PLACES {
        let folder = tempfile::tempdir().unwrap();
        let strict = Strict::start();
        config(folder.path(), &strict.server.url(), keys);
        let watched = Watched::start(folder.path());
        watched.until(name, |source| source["state"] == "live");
        assert_eq!(runs(folder.path()), usize::from(name == "command"), "read once, at the start");
        // The server takes another one from now on, and whoever keeps the secret is late.
        strict.takes(NEW);
        let refused = |source: &Value| source["error"].as_str().is_some_and(|error| error.contains("refused (401)"));
        watched.until(name, refused);
        assert_eq!(strict.sent(NEW), 0, "{name}");
        private(&folder.path().join("token"), NEW);
        watched.until(name, |source| source["state"] == "live");
        let read = runs(folder.path());
        let (asked, old) = (strict.server.count(), strict.sent(OLD));
        // Nothing is read again any more, and the old one is not sent any more.
        eventually_now(SOON, || seen(strict.server.count(), |count| *count > asked + 8));
        assert_eq!((runs(folder.path()), strict.sent(OLD)), (read, old), "{name}");
    }
}

/// One from a variable can't change, and is not asked for again.
#[test]
fn what_cannot_change_is_told_until_somebody_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let strict = Strict::start();
    config(folder.path(), &strict.server.url(), "auth = { bearer = { env = \"TOKEN\" } }\n");
    let watched = Watched::start(folder.path());
    watched.until("live", |source| source["state"] == "live");
    strict.takes(NEW);
    watched.until("refused", |source| source["error"].as_str().is_some_and(|error| error.contains("refused (401)")));
    strict.takes(OLD);
    watched.until("live again", |source| source["state"] == "live");
}

/// Each 401 leads to one reading, and each reading to one question.
#[tokio::test]
async fn it_is_read_again_once_for_each_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let strict = Strict::start();
    let config = config(folder.path(), &strict.server.url(), PLACES[2].1);
    let hub = hub_in(&config, folder.path()).unwrap();
    strict.takes(NEW);
    for refusals in 1..5 {
        hub.pass().await;
        assert!(status(&hub, "a").await.error.unwrap().contains("refused (401)"));
        assert_eq!((runs(folder.path()), strict.server.count()), (refusals, refusals), "one reading, one question");
    }
    private(&folder.path().join("token"), NEW);
    hub.pass().await;
    let read = runs(folder.path());
    hub.pass().await;
    hub.pass().await;
    assert_eq!((status(&hub, "a").await.error, runs(folder.path())), (None, read));
    // Where it can't be read again, that is said, and nothing is asked with what was refused.
    strict.takes("another");
    hub.pass().await;
    std::fs::remove_file(folder.path().join("give")).unwrap();
    let asked = strict.server.count();
    hub.pass().await;
    let error = status(&hub, "a").await.error.unwrap();
    assert!(error.contains("the server did not accept the credentials, and they can't be read again"), "{error}");
    assert_eq!(strict.server.count(), asked);
}

/// An act is sent with what its plan was read with, once; what a 401 to it says is that it was refused.
#[tokio::test]
async fn an_act_that_is_refused_is_not_sent_again_with_another_secret() {
    for (name, keys) in PLACES {
        for verb in VERBS_OF_PAUSED {
            let folder = tempfile::tempdir().unwrap();
            let strict = Strict::start();
            let config = config(folder.path(), &strict.server.url(), keys);
            let hub = hub_in(&config, folder.path()).unwrap();
            let plan = hub.plan(verb, &InstanceId::new("a", "inv_1")).await.unwrap();
            let read = runs(folder.path());
            // It changes while the act is under way.
            private(&folder.path().join("token"), NEW);
            strict.server.behave_for(Kind::Act, Behaviour::Answers(Reply::new(401, "application/json", "{}")));
            let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
            let act = ended(&hub, &act).await;
            assert_eq!(act.item, ItemState::Failed, "{name}: {act:#?}");
            assert!(act.outcome.contains("401"), "{name}: {}", act.outcome);
            let acts: Vec<_> =
                strict.server.requests().into_iter().filter(|request| request.method == "PATCH").collect();
            assert_eq!((acts.len(), strict.sent(NEW), runs(folder.path())), (1, 0, read), "{name}");
            // And where the reading before it is refused, nothing is sent at all.
            strict.server.be_good();
            let plan = hub.plan(verb, &InstanceId::new("a", "inv_1")).await.unwrap();
            strict.takes(NEW);
            let refused = hub.remediate(&plan.hash, "a test asked for it").await.unwrap_err().to_string();
            assert!(refused.contains("refused (401)"), "{name}: {refused}");
            assert_eq!(strict.server.asked(Kind::Act), 1, "{name}");
            // The plan is still good, and is now read with the new one.
            let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
            strict.server.edit(|world| world.rows.clear());
            ended(&hub, &act).await;
            assert_eq!(strict.server.asked(Kind::Act), 2, "{name}: sent once, by somebody who asked for it again");
        }
    }
}

/// One look is over before anybody could read again; it says what is wrong, and how it ends is as ever.
#[test]
fn a_single_look_tells_that_it_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let strict = Strict::start();
    strict.takes(NEW);
    let path = folder.path().join("config.toml");
    config(folder.path(), &strict.server.url(), PLACES[0].1);
    let said = Said::of(&command(["--config", path.to_str().unwrap(), "get", "flows"]).output().unwrap());
    assert_eq!(said.code, 3);
    assert!(said.err.contains("refused (401): the server does not accept the credentials"), "{said:?}");
    assert_eq!(strict.server.count(), 1, "asked once");
}
