//! An engine of each kind at once, each with something stuck, drifted, firing or listed, and how much of it there is as the
//! engine itself counts it: over its own API, and not through a connector.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quarterdeck::config::SourceConfig;
use quarterdeck::connect::Connector;
use quarterdeck::connect::alertmanager::Alertmanager;
use quarterdeck::connect::prefect::Prefect as PrefectConnector;
use quarterdeck::connect::rest::Rest;
use quarterdeck::connect::restate::Restate as RestateConnector;
use quarterdeck::connect::salt::Salt as SaltConnector;
use serde_json::{Value, json};

use super::alertmanager::RealAlertmanager;
use super::metadata::Metadata;
use super::prefect::{Prefect, in_seconds};
use super::restate::Restate;
use super::salt::{Salt, USER};
use super::wait::{eventually, seen};

/// The longest that an engine may take for what it was told to do.
const SOON: Duration = Duration::from_secs(60);

/// The sources in the order of the config; each has the name of its engine.
pub const ALL: [&str; 5] = ["restate", "prefect", "salt", "alerts", "metadata"];

/// The tenant that all but Salt know.
pub const TENANT: &str = "tenant-0001";

/// How much there is of what, by name.
pub type Counts = BTreeMap<String, u64>;

/// One engine of each kind.
pub struct Every {
    pub restate: Restate,
    pub prefect: Prefect,
    pub salt: Salt,
    pub alerts: RealAlertmanager,
    pub metadata: Metadata,
}

impl Every {
    /// Starts all of them at once and fills them, and returns when each stands as it was filled.
    pub async fn start() -> Self {
        let (restate, prefect, salt, alerts, metadata) = tokio::join!(
            restate(),
            prefect(),
            salt(),
            RealAlertmanager::start(),
            tokio::task::spawn_blocking(metadata)
        );
        let every = Self { restate, prefect, salt, alerts, metadata: metadata.unwrap() };
        every.send_alerts().await;
        every
    }

    /// The config of a context with all of them. Salt's password is in the variable `SALT_PASSWORD`.
    pub fn config(&self, metadata: &str) -> String {
        let mut text = String::from("state_dir = \"state\"\n");
        let simple = [
            ("restate", "restate", self.restate.admin_url(), ""),
            ("prefect", "prefect", self.prefect.url(), ""),
            (
                "salt",
                "salt",
                self.salt.url(),
                "tenant_grain = \"tenant\"\ncheck_interval = \"30s\"\njobs_interval = \"1s\"\n",
            ),
            ("alerts", "alertmanager", self.alerts.url(), "drift = ['alertname=\"ConfigDrift\"']\n"),
        ];
        for (name, kind, url, more) in simple {
            write!(text, "[[source]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\n{more}").unwrap();
            text.push_str("poll = \"1s\"\ntimeout = \"30s\"\n");
            if name == "salt" {
                let login = format!("user = \"{USER}\", eauth = \"sharedsecret\"");
                writeln!(text, "auth = {{ login = {{ {login}, password = {{ env = \"SALT_PASSWORD\" }} }} }}").unwrap();
            }
        }
        text + &metadata.replace("kind = \"rest\"\n", "kind = \"rest\"\npoll = \"2s\"\ntimeout = \"30s\"\n")
    }

    /// What the engine of a source counts itself.
    pub async fn counts(&self, source: &str) -> Counts {
        let counts: Vec<(&str, u64)> = match source {
            "restate" => {
                let [failed, paused] = ["completion_result = 'failure'", "status = 'paused'"];
                let (failed, paused) = (self.invocations(failed).await, self.invocations(paused).await);
                let open = self.invocations("status <> 'completed'").await;
                let waiting = self.invocations("status = 'suspended'").await;
                vec![("open", open), ("waiting", waiting), ("failed", failed), ("stuck", failed + paused)]
            }
            "prefect" => {
                let of = |kinds: &'static [&'static str]| {
                    self.prefect.count(json!({ "state": { "type": { "any_": kinds } } }))
                };
                let failed = of(&["FAILED", "CRASHED"]).await;
                let open = of(&["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"]).await;
                // What has failed waits for nobody, and stays so until somebody comes.
                vec![("open", open), ("waiting", of(&["PAUSED"]).await), ("failed", failed), ("stuck", failed)]
            }
            "salt" => {
                let test = json!({ "test": true, "queue": true });
                let told =
                    json!([{ "client": "local", "tgt": "*", "fun": "state.apply", "kwarg": test, "timeout": 60 }]);
                let told = self.salt.ask(told).await;
                let states: Vec<&Value> = told["return"][0]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .flat_map(|(minion, states)| {
                        states.as_object().unwrap_or_else(|| panic!("{minion}: {states}")).values()
                    })
                    .collect();
                let active = self.salt.ask(json!([{ "client": "runner", "fun": "jobs.active" }])).await;
                let jobs = active["return"][0].as_object().into_iter().flatten();
                let running = jobs.filter_map(|(_, job)| job["Running"].as_array()).map(Vec::len).sum::<usize>();
                let count = |result: &Value| states.iter().filter(|state| state["result"] == *result).count() as u64;
                vec![
                    ("drifted", count(&Value::Null)),
                    ("in sync", count(&json!(true))),
                    ("untold", count(&json!(false))),
                    ("running", running as u64),
                ]
            }
            "alerts" => {
                let alerts = self.alerts.alerts().await;
                let drift = alerts.iter().filter(|alert| alert["labels"]["alertname"] == "ConfigDrift").count();
                vec![("alerts", alerts.len() as u64), ("drifted", drift as u64)]
            }
            "metadata" => {
                let database = self.metadata.database();
                let of =
                    |status: &str| database.count(&format!("select count(*) from tenants where status = '{status}'"));
                let changes = database.count(&format!("select count(*) from changes where tenant_id = '{TENANT}'"));
                vec![
                    ("tenants", database.count("select count(*) from tenants")),
                    ("active", of("active")),
                    ("suspended", of("suspended")),
                    ("provisioning", of("provisioning")),
                    ("changes", changes),
                ]
            }
            other => panic!("there is no {other}"),
        };
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }

    async fn invocations(&self, which: &str) -> u64 {
        let rows = self.restate.sql(&format!("select count(*) as n from sys_invocation where {which}")).await;
        rows[0]["n"].as_u64().unwrap()
    }

    /// Ends an engine as a power cut would.
    pub fn end(&mut self, source: &str) {
        match source {
            "restate" => self.restate.kill_server(),
            "prefect" => self.prefect.kill_server(),
            "salt" => self.salt.kill_master(),
            "alerts" => self.alerts.kill_server(),
            "metadata" => self.metadata.end(),
            other => panic!("there is no {other}"),
        }
    }

    /// Tells Alertmanager of three alerts, two of which are drift.
    pub async fn send_alerts(&self) {
        for (resource, severity) in [("sqs/jobs", "critical"), ("iam/role", "warning")] {
            let labels =
                json!({ "alertname": "ConfigDrift", "tenant": TENANT, "severity": severity, "resource": resource });
            self.alerts.alert(&labels, &json!({ "summary": format!("{resource} differs") }), false).await;
        }
        let down = json!({ "alertname": "Down", "severity": "page", "instance": "web-1" });
        self.alerts.alert(&down, &json!({}), false).await;
    }
}

/// Three migrations that were given up, one flow that failed, one that waits for a callback, and two that are done.
async fn restate() -> Restate {
    let restate = Restate::start().await;
    restate.fault_on("migration", None);
    for shard in 0..3 {
        restate.send("SchemaMigration/migrate", &json!(shard)).await;
    }
    restate.send("DnsCutover/cutover", &json!("acme.test")).await;
    restate.send("BackupRun/run", &json!("acme")).await;
    restate.call("Noop/ping", &json!(1)).await;
    restate.call("Noop/ping", &json!(2)).await;
    let settled = "select count(*) as n from sys_invocation where status in ('paused', 'suspended', 'completed')";
    eventually(SOON, || async { seen(restate.sql(settled).await, |rows| rows[0]["n"] == 7) }).await;
    restate
}

/// Three runs that failed, one of them for [`TENANT`], two that run, one that waits for a person, and two that are due later.
async fn prefect() -> Prefect {
    let prefect = Prefect::start().await;
    let flow = prefect.flow("config-reconcile").await;
    let deployment = prefect.deployment(&flow, "prod", None).await;
    let running = json!({ "type": "RUNNING" });
    let failed = json!({ "type": "FAILED", "message": "Apply failed: 3 resources differ" });
    let paused = json!({ "type": "PAUSED", "name": "Paused" });
    let ends = [vec![&failed], vec![&failed], vec![&failed], vec![], vec![], vec![&paused]];
    for (n, end) in ends.into_iter().enumerate() {
        let tags = if n == 0 { json!([format!("tenant:{TENANT}")]) } else { json!([]) };
        let run = json!({ "flow_id": flow, "deployment_id": deployment, "name": format!("run {n}"), "tags": tags });
        let states: Vec<Value> = [&running].into_iter().chain(end).cloned().collect();
        prefect.made(&run, &states).await;
    }
    for _ in 0..2 {
        let later = json!({ "type": "SCHEDULED", "state_details": { "scheduled_time": in_seconds(7_200) } });
        prefect.begin(&deployment, &json!({ "state": later })).await;
    }
    prefect
}

/// Two machines with two files each, one of which somebody has changed.
async fn salt() -> Salt {
    let states = |managed: &Path| {
        ["app", "motd"].iter().fold(String::new(), |mut text, name| {
            let at = format!("{}/{name}-{{{{ grains['id'] }}}}", managed.display());
            writeln!(text, "{name}:\n  file.managed:\n    - name: {at}\n    - contents: as wanted").unwrap();
            text
        })
    };
    let salt = Salt::start(&["cp-eu", "cp-us"], states).await;
    salt.apply("*").await;
    std::fs::write(salt.managed().join("app-cp-eu"), "by hand\n").unwrap();
    // A command that does not return.
    salt.ask(json!([{"client": "local_async", "tgt": "cp-us", "fun": "cmd.run", "arg": ["sleep 3000"]}])).await;
    salt
}

/// A thousand tenants, one of which has been changed three times.
fn metadata() -> Metadata {
    let metadata = Metadata::start();
    for what in ["tenant.moved", "tenant.renamed"] {
        let change = format!("insert into changes (tenant_id, who, what) values ('{TENANT}', 'bob', '{what}')");
        metadata.database().query(&change);
    }
    metadata
}

/// The connector of a source, as the program makes it.
pub fn connector(source: &SourceConfig) -> (String, Arc<dyn Connector>, Duration) {
    let (name, url, transport) = (&source.name, &source.url, source.transport.clone());
    let timeout = Duration::try_from(source.timeout).unwrap();
    let connector: Arc<dyn Connector> = match name.as_str() {
        "restate" => Arc::new(RestateConnector::new(name, url, timeout, transport).unwrap()),
        "prefect" => Arc::new(PrefectConnector::new(name, url, timeout, transport).unwrap()),
        "salt" => {
            let (settings, interval) = (source.salt.clone(), source.check_interval);
            Arc::new(SaltConnector::new(name, url, timeout, transport, settings, interval).unwrap())
        }
        "alerts" => Arc::new(Alertmanager::new(name, url, timeout, transport, source.alerts.clone().unwrap()).unwrap()),
        "metadata" => Arc::new(Rest::new(name, url, timeout, transport, source.rest.clone().unwrap()).unwrap()),
        other => panic!("there is no {other}"),
    };
    (name.clone(), connector, source.poll.try_into().unwrap())
}
