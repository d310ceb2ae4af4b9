//! Hubs on real and on made-up Restates, and what tests ask them again and again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use quarterdeck::config::{Config, Flags, SourceConfig, Surroundings};
use quarterdeck::connect::Connector;
use quarterdeck::connect::restate::Restate;
use quarterdeck::domain::flow::JudgedFlow;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::{Remediation, Verb};
use quarterdeck::domain::source::SourceStatus;
use quarterdeck::hub::policy::Policies;
use quarterdeck::hub::runbooks::Runbooks;
use quarterdeck::hub::{Hub, Policing, Setup};
use quarterdeck::ops::{FlowsQuery, Ops, OpsError, Page, SortBy};
use quarterdeck::query::Filter;
use secrecy::SecretString;

use super::wait::eventually;
use super::ways::CANARY;

/// The longest that anything on a small machine may take.
pub const SOON: Duration = Duration::from_secs(30);

/// The soak that tests wait for.
pub const SOAK: SignedDuration = SignedDuration::from_secs(3);

/// The name of the source.
pub const SOURCE: &str = "restate";

/// A hub on the admin API at `url`, with these thresholds as the config writes them, that records in `state_dir`.
pub fn hub(url: &str, thresholds: &str, state_dir: Option<&Path>) -> Arc<Hub> {
    let config = format!("{thresholds}\n[[source]]\nname = \"{SOURCE}\"\nkind = \"restate\"\nurl = \"{url}\"\n");
    let config = Config::parse(&config, "config.toml", None).unwrap();
    let connector = Restate::new(SOURCE, url, Duration::from_secs(5), None).unwrap();
    let sources = vec![(SOURCE.into(), Arc::new(connector) as Arc<dyn Connector>, Duration::from_secs(1))];
    Hub::new(Setup { state_dir: state_dir.map(Path::to_path_buf), ..setup(config, sources) })
}

/// What a hub is made of: a config, and the sources that were made from it. It records nothing.
pub fn setup(config: Config, sources: Vec<(String, Arc<dyn Connector>, Duration)>) -> Setup {
    Setup {
        context: config.context.name,
        operator: "tester".into(),
        read_only: None,
        locked: false,
        thresholds: config.thresholds,
        tenants: config.tenants,
        policing: Policing {
            policies: Policies::compile(&config.policies).unwrap(),
            runbooks: Runbooks::compile(&config.runbooks).unwrap(),
            production: config.context.production,
        },
        soak: SOAK,
        state_dir: None,
        read_dir: None,
        clock: Arc::new(Timestamp::now),
        sources,
    }
}

/// The config of Restate servers: name, URL, and how long each request may take.
pub fn config_of(sources: &[(&str, &str, &str)]) -> String {
    let source = |(name, url, timeout): &(&str, &str, &str)| {
        format!("[[source]]\nname = \"{name}\"\nkind = \"restate\"\nurl = \"{url}\"\ntimeout = \"{timeout}\"\n")
    };
    sources.iter().map(source).collect()
}

/// A hub on what a config says, with this time from one pass to the next: the config allows no less than a second.
pub fn hub_of(config: &str, bearer: Option<&str>, poll: Duration) -> Arc<Hub> {
    let config = Config::parse(config, "config.toml", None).unwrap();
    let connect = |source: &SourceConfig| -> (String, Arc<dyn Connector>, Duration) {
        let timeout = source.timeout.try_into().unwrap();
        let connector = Restate::new(&source.name, &source.url, timeout, bearer.map(SecretString::from)).unwrap();
        (source.name.clone(), Arc::new(connector), poll)
    };
    let sources = config.context.sources.iter().map(connect).collect();
    Hub::new(setup(config, sources))
}

/// A hub on what a config says, whose files are in this folder and whose variable `TOKEN` holds the canary. It is asked
/// by hand. The error is in words.
pub fn hub_in(config: &str, folder: &Path) -> Result<Arc<Hub>, String> {
    let variable = |name: &str| (name == "TOKEN").then(|| CANARY.to_owned());
    let surroundings = Surroundings { variable: &variable, folder };
    let config =
        Config::parse_in(config, "config.toml", &Flags::default(), &surroundings).map_err(|error| error.to_string())?;
    let connect = |source: &SourceConfig| -> Result<(String, Arc<dyn Connector>, Duration), String> {
        let timeout = source.timeout.try_into().unwrap();
        let connector = Restate::new(&source.name, &source.url, timeout, source.transport.clone());
        Ok((source.name.clone(), Arc::new(connector.map_err(|error| error.to_string())?), Duration::from_secs(60)))
    };
    let sources = config.context.sources.iter().map(connect).collect::<Result<_, _>>()?;
    Ok(Hub::new(setup(config, sources)))
}

/// What a hub knows of a source.
pub async fn status(hub: &Hub, source: &str) -> SourceStatus {
    hub.overview(&Filter::default()).await.unwrap().source(source).unwrap().clone()
}

/// Every row of a source.
pub async fn rows(hub: &Hub, source: &str) -> Vec<Arc<JudgedFlow>> {
    let filter = Filter::parse(&format!("source:{source}")).unwrap();
    let query =
        FlowsQuery { filter, sort: SortBy::Id, reverse: false, group: None, page: Page::Offset(0), limit: usize::MAX };
    hub.flows(query).await.unwrap().rows
}

/// The verbs that can be had for an instance that the engine paused.
pub const VERBS_OF_PAUSED: [Verb; 3] = [Verb::Resume, Verb::Cancel, Verb::Kill];

/// The id of an instance of that source.
pub fn id(instance: &str) -> InstanceId {
    InstanceId::new(SOURCE, instance)
}

/// An instance as a new pass shows it; `None` where it is neither open nor failed.
pub async fn row(hub: &Hub, instance: &str) -> Option<Arc<JudgedFlow>> {
    hub.pass().await;
    let filter = Filter::parse(&format!("id:{instance}")).unwrap();
    let query =
        FlowsQuery { filter, sort: SortBy::Worst, reverse: false, group: None, page: Page::Offset(0), limit: 10 };
    hub.flows(query).await.unwrap().rows.into_iter().next()
}

/// Waits until an instance is as wanted, and gives it.
pub async fn becomes(hub: &Hub, instance: &str, wanted: impl Fn(&JudgedFlow) -> bool) -> Arc<JudgedFlow> {
    eventually(SOON, || async {
        match row(hub, instance).await {
            Some(row) if wanted(&row) => Ok(row),
            other => Err((other, hub.overview(&Filter::default()).await.map(|overview| overview.sources.clone()))),
        }
    })
    .await
}

/// Waits until an instance is neither open nor failed.
pub async fn gone(hub: &Hub, instance: &str) {
    eventually(SOON, || async { row(hub, instance).await.map_or(Ok(()), Err) }).await;
}

/// Plans and carries out.
pub async fn act(hub: &Hub, verb: Verb, instance: &str) -> Result<Remediation, OpsError> {
    let plan = hub.plan(verb, &id(instance)).await?;
    hub.remediate(&plan.hash, "a test asked for it").await
}

/// Waits until nothing more happens to an act by itself.
pub async fn ended(hub: &Hub, act: &Remediation) -> Remediation {
    eventually(SOON, || async {
        let acts = hub.remediations().await.unwrap();
        let found = acts.into_iter().find(|other| other.id == act.id);
        match found {
            Some(act) if act.ended => Ok(act),
            other => Err(other),
        }
    })
    .await
}
