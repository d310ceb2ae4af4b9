//! The worked example of `docs/rest.md` on a real PostgreSQL 15: what Quarterdeck tells is what the database says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::support::metadata::Metadata;
use crate::support::program::{Said, command, finish};
use quarterdeck::config::Config;
use quarterdeck::connect::rest::Rest;
use quarterdeck::connect::{Connector, Observation};
use quarterdeck::domain::event::Event;
use quarterdeck::domain::tenant::{FieldClass, Tenant, TenantStatus};
use serde_json::Value;
use tokio::sync::mpsc;

/// The example as the documentation has it, at another address.
pub(crate) fn example(url: &str) -> String {
    let docs = include_str!("../../docs/rest.md");
    let begin = docs.find("<!-- The worked example; tests/live/rest.rs runs it. -->").unwrap();
    let (_, rest) = docs[begin..].split_once("```toml\n").unwrap();
    let (toml, _) = rest.split_once("```").unwrap();
    assert_eq!(toml.matches("http://127.0.0.1:3000").count(), 1);
    toml.replace("http://127.0.0.1:3000", url)
}

fn connector(url: &str) -> Rest {
    let config = Config::parse(&example(url), "config.toml", None).unwrap_or_else(|error| panic!("{error}"));
    let source = &config.context.sources[0];
    Rest::new(&source.name, &source.url, Duration::from_secs(30), None, source.rest.clone().unwrap()).unwrap()
}

/// Everything that a pass tells.
#[derive(Default)]
struct Told {
    tenants: Vec<Tenant>,
    events: Vec<Event>,
    bad_rows: Vec<String>,
    tenants_as_before: bool,
    mark: Option<quarterdeck::connect::Mark>,
    ended: bool,
}

async fn pass(connector: &Rest, mark: Option<&quarterdeck::connect::Mark>) -> Told {
    let (sink, mut parts) = mpsc::channel(4);
    let mut told = Told::default();
    let receive = async {
        while let Some(part) = parts.recv().await {
            match part {
                Observation::Tenants(mut tenants) => told.tenants.append(&mut tenants),
                Observation::TenantsAsBefore => told.tenants_as_before = true,
                Observation::Events(mut events) => told.events.append(&mut events),
                Observation::BadRows { first, .. } => told.bad_rows.push(first.to_string()),
                Observation::DeadLetters(letters) => told.bad_rows.push(format!("{letters:?}")),
                Observation::Mark(mark) => told.mark = Some(mark),
                Observation::End { complete, .. } => told.ended = complete,
                _ => {}
            }
        }
    };
    let observe = async {
        match mark {
            Some(mark) => connector.observe_again(mark, sink).await,
            None => connector.observe(sink).await,
        }
    };
    let (outcome, ()) = tokio::join!(observe, receive);
    outcome.unwrap();
    assert!(told.ended && told.bad_rows.is_empty(), "{:?}", told.bad_rows);
    told
}

#[tokio::test]
async fn what_is_told_is_what_the_database_says() {
    let metadata = Metadata::start();
    let database = metadata.database();
    let connector = connector(&metadata.view().url());
    let told = pass(&connector, None).await;

    // Counts, by everything that a directory is asked by.
    assert_eq!(told.tenants.len() as u64, database.count("select count(*) from tenants"));
    for (column, of) in [
        ("status", (|tenant: &Tenant| tenant.status.name().to_owned()) as fn(&Tenant) -> String),
        ("plan", |tenant| tenant.plan.clone().unwrap().to_string()),
        ("tier", |tenant| tenant.tier.clone().unwrap().to_string()),
        ("region", |tenant| tenant.region.clone().unwrap().to_string()),
    ] {
        let counted =
            database.query(&format!("select {column} || ' ' || count(*) from tenants group by {column} order by 1"));
        let mut ours = std::collections::BTreeMap::new();
        for tenant in &told.tenants {
            *ours.entry(of(tenant)).or_insert(0) += 1;
        }
        let ours: Vec<String> = ours.iter().map(|(value, count)| format!("{value} {count}")).collect();
        assert_eq!(ours, counted.lines().collect::<Vec<_>>(), "{column}");
    }
    // Limits: what is used and what may be.
    let used = |what: &str| {
        told.tenants
            .iter()
            .flat_map(|tenant| &tenant.usage)
            .filter(|usage| usage.what == *what)
            .map(|usage| usage.used.unwrap())
            .sum::<u64>()
    };
    for what in ["seats", "storage_gb"] {
        assert_eq!(
            used(what),
            database.count(&format!("select sum(used) from limits where what = '{what}'")),
            "{what}"
        );
    }
    let most: u64 = told.tenants.iter().flat_map(|tenant| &tenant.usage).filter_map(|usage| usage.limit).sum();
    assert_eq!(most, database.count("select sum(most) from limits"));
    // Users: the owner's address is there to be found by, and is personal.
    let emails: Vec<_> =
        told.tenants.iter().flat_map(|tenant| &tenant.fields).filter(|field| field.name == *"email").collect();
    assert_eq!(emails.len() as u64, database.count("select count(*) from users where role = 'owner'"));
    assert!(emails.iter().all(|field| field.class == FieldClass::Personal));
    // Changes of the last day.
    let lately = database.count("select count(*) from changes where at > now() - interval '24 hours'");
    assert!(told.events.len().abs_diff(usize::try_from(lately).unwrap()) <= 1, "{} and {lately}", told.events.len());
    let one = told.events.iter().find(|event| event.tenant.as_deref() == Some("tenant-0001")).unwrap();
    assert_eq!((one.by.as_deref(), one.class.is_change()), (Some("ada"), true));

    // Nothing has changed: nothing is told again, but for what may have happened meanwhile.
    let asked = metadata.view().count();
    let again = pass(&connector, told.mark.as_ref()).await;
    assert!(again.tenants_as_before && again.tenants.is_empty());
    assert!(again.events.len() <= 1, "only what happened since the last one is asked for: {}", again.events.len());
    assert!(metadata.view().count() - asked <= 7, "{}", metadata.view().count() - asked);

    // One tenant is suspended, one comes and one goes.
    database.query("update tenants set status = 'suspended', changed_at = now() where id = 'tenant-0010'");
    database.query("delete from tenants where id = 'tenant-0002'");
    database
        .query("insert into tenants values ('new', 'New', 'provisioning', 'free', 'gold', 'eu-west-1', now(), now())");
    database.query("insert into changes (tenant_id, who, what) values ('tenant-0010', 'bob', 'tenant.suspended')");
    let changed = pass(&connector, again.mark.as_ref()).await;
    assert_eq!(changed.tenants.len() as u64, database.count("select count(*) from tenants"));
    let status = |id: &str| changed.tenants.iter().find(|tenant| tenant.id.instance == *id).map(|tenant| tenant.status);
    assert_eq!(status("tenant-0010"), Some(TenantStatus::Suspended));
    assert_eq!((status("new"), status("tenant-0002")), (Some(TenantStatus::Provisioning), None));
    assert!(changed.events.iter().any(|event| event.by.as_deref() == Some("bob")), "{:?}", changed.events);

    // Older changes of one tenant, for its timeline.
    let before = "2100-01-01T00:00:00Z".parse().unwrap();
    let past = connector.past(&"tenant-0010".into(), before, 10).await.unwrap();
    assert_eq!(past.len() as u64, database.count("select count(*) from changes where tenant_id = 'tenant-0010'"));
    assert_eq!(past[0].by.as_deref(), Some("bob"), "the newest comes first");
}

fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("config.toml");
    std::fs::write(&path, format!("state_dir = \"state\"\n{text}")).unwrap();
    path
}

fn tried(config: &Path, words: &[&str]) -> Said {
    finish(command(["source", "try"].iter().chain(words)).arg("--config").arg(config))
}

#[tokio::test]
async fn a_trial_tells_what_each_program_yields_and_where_it_fails() {
    let metadata = Metadata::start();
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let example = example(&metadata.view().url());
    let config = file(home.path(), &example);
    let good = tried(&config, &["metadata"]).good();
    assert!(good.out.contains("1000 items") && good.out.contains("  tenants  1000\n"), "{}", good.out);
    assert!(!good.out.contains("owner@"), "what is personal is not shown: {}", good.out);
    let told = tried(&config, &["metadata", "-o", "json", "--show", "1"]).good().json();
    assert_eq!(
        (&told["schema"], &told["requests"][0]["told"][0]["good"]),
        (&"quarterdeck.source-try/1".into(), &1000.into())
    );
    assert_eq!(told["requests"][0]["told"][0]["first"][0]["id"], "tenant-0001");

    // The same with a slip in the program: a column that is named otherwise.
    let slip = example.replace("created_at,", "created_at: .name,");
    assert_ne!(slip, example);
    let bad = tried(&file(home.path(), &slip), &["metadata"]);
    assert_eq!(bad.code, 3, "{bad:?}");
    let line = slip.lines().position(|line| line.contains("created_at: .name")).unwrap() + 2;
    for words in [
        "tenants  0, FAILED on 1000".to_owned(),
        "FAILED at page 1, .[0].name: \"created_at\" is \"Tenant 1\", which is no time of RFC 3339".to_owned(),
        format!("config.toml:{line}:"),
        "of the program".to_owned(),
        "FAILED on 990 more".to_owned(),
    ] {
        assert!(bad.out.contains(&words), "{words:?} is missing in:\n{}", bad.out);
    }
    let json: Value = tried(&config, &["metadata", "-o", "json"]).json();
    assert_eq!(json["requests"][0]["failures"][0]["path"], ".[0].name");
    // The doctor tells it, too.
    let doctor = finish(command(["doctor"]).arg("--config").arg(&config));
    assert!(doctor.code == 3 && doctor.out.contains("1000 failed, the first at .[0].name"), "{doctor:?}");
    let unknown = tried(&config, &["metadat"]);
    assert!(unknown.code == 2 && unknown.err.contains("did you mean metadata?"), "{unknown:?}");
}

#[tokio::test]
async fn a_hub_holds_the_tenants_and_keeps_them_when_the_database_is_gone() {
    use crate::support::hub::{setup, status};
    use quarterdeck::hub::Hub;
    let mut metadata = Metadata::start();
    let config = Config::parse(&example(&metadata.view().url()), "config.toml", None).unwrap();
    let connector: Arc<dyn Connector> = Arc::new(connector(&metadata.view().url()));
    let hub = Hub::new(setup(config, vec![("metadata".into(), connector, Duration::from_secs(60))]));
    hub.pass().await;
    let told = status(&hub, "metadata").await;
    assert_eq!((told.tenants, told.flows, told.events), (Some(1000), false, true), "{told:?}");
    metadata.end();
    hub.pass().await;
    let told = status(&hub, "metadata").await;
    assert_eq!(told.tenants, Some(1000), "what was told last stays");
    let error = told.error.unwrap();
    assert!(error.starts_with("tenants: /tenant_cards: refused (400)"), "{error}");
}
