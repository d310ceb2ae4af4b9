//! A real Alertmanager on a free port; gone with the value.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::wait::{eventually, seen};

const PROGRAM: &str = "/usr/bin/prometheus-alertmanager";

const CONFIG: &str = "route: {receiver: nobody, group_wait: 1s}
receivers: [{name: nobody}]
inhibit_rules: [{source_match: {severity: critical}, target_match: {severity: warning}, equal: [tenant]}]
";

/// The server and its data.
pub struct RealAlertmanager {
    server: Option<Child>,
    port: u16,
    http: reqwest::Client,
    // Last: dropped when nothing writes to it any more.
    dir: TempDir,
}

impl RealAlertmanager {
    /// Starts one, and returns when it is ready.
    ///
    /// # Panics
    /// Where it is not installed, with what does it.
    pub async fn start() -> Self {
        assert!(
            std::path::Path::new(PROGRAM).exists(),
            "there is no {PROGRAM}: apt-get install prometheus-alertmanager, or run tests/run, which does"
        );
        let dir = tempfile::Builder::new().prefix("alertmanager-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::write(dir.path().join("config.yml"), CONFIG).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let mut started = Self { server: None, port, http, dir };
        started.start_server().await;
        started
    }

    /// Ends it as a power cut would. It keeps no alerts: whoever sent them has to send them again.
    pub fn kill_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Starts it, again at the same port, and returns when it is ready.
    pub async fn start_server(&mut self) {
        self.kill_server();
        let dir = self.dir.path();
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let server = Command::new(PROGRAM)
            .arg(format!("--config.file={}", dir.join("config.yml").display()))
            .arg(format!("--storage.path={}", dir.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(server);
        eventually(Duration::from_secs(30), || async {
            let ready = self.http.get(format!("{}/-/ready", self.url())).send().await;
            ready.map_err(|error| error.to_string())?.error_for_status().map_err(|error| error.to_string())
        })
        .await;
    }

    /// Its address, which the connector uses.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.url())).json(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Tells it of an alert with these labels, and whether it is over; returns when it lists it so.
    pub async fn alert(&self, labels: &Value, annotations: &Value, over: bool) {
        let now = jiff::Timestamp::now();
        let ends = now.checked_add(jiff::SignedDuration::from_mins(if over { -1 } else { 60 })).unwrap();
        let starts = now.checked_sub(jiff::SignedDuration::from_mins(10)).unwrap();
        let alert = json!([{ "labels": labels, "annotations": annotations, "startsAt": starts, "endsAt": ends }]);
        self.post("/api/v2/alerts", &alert).await;
        eventually(Duration::from_secs(10), || async {
            seen(self.alerts().await, |alerts| alerts.iter().any(|alert| alert["labels"] == *labels) != over)
        })
        .await;
    }

    /// The alerts that it lists.
    pub async fn alerts(&self) -> Vec<Value> {
        let answer = self.http.get(format!("{}/api/v2/alerts", self.url())).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Silences what has this label for an hour; the end of the silence.
    pub async fn silence(&self, label: &str, value: &str, by: &str) -> jiff::Timestamp {
        let now = jiff::Timestamp::now();
        let ends =
            now.checked_add(jiff::SignedDuration::from_mins(60)).unwrap().round(jiff::Unit::Millisecond).unwrap();
        let matcher = json!({ "name": label, "value": value, "isRegex": false, "isEqual": true });
        let silence = json!({
            "matchers": [matcher], "startsAt": now, "endsAt": ends, "createdBy": by, "comment": "CHG-1234",
        });
        self.post("/api/v2/silences", &silence).await;
        eventually(Duration::from_secs(10), || async {
            let silenced = |alert: &Value| alert["status"]["silencedBy"].as_array().is_some_and(|by| !by.is_empty());
            seen(self.alerts().await, |alerts| alerts.iter().any(silenced))
        })
        .await;
        ends
    }
}

impl Drop for RealAlertmanager {
    fn drop(&mut self) {
        self.kill_server();
    }
}
