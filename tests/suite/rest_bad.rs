//! What an API and the programs on it may do wrong: it costs the item that it is about, and never what else is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::hub::{rows, setup, status};
use quarterdeck::cockpit::{ScreenName, Settings, snapshot_after, text};
use quarterdeck::config::{Config, Flags, Surroundings};
use quarterdeck::connect::Connector;
use quarterdeck::connect::rest::Rest;
use quarterdeck::domain::drift::DriftStatus;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::source::Freshness;
use quarterdeck::hub::Hub;
use quarterdeck::ops::json::finding_json;
use quarterdeck::ops::{DriftQuery, EventsQuery, Ops as _, TenantsQuery};
use quarterdeck::query::{EventFilter, Filter};
use serde_json::{Value, json};

/// A config of sources, each by its name, at one server.
fn parsed(server: &Hostile, sources: &[(&str, String)]) -> Result<Config, String> {
    let one = |(name, keys): &(&str, String)| {
        format!("[[source]]\nname = \"{name}\"\nkind = \"rest\"\nurl = \"{}/{name}\"\n{keys}\n", server.url())
    };
    let text: String = sources.iter().map(one).collect();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let surroundings = Surroundings { variable: &|_| None, folder };
    Config::parse_in(&text, "config.toml", &Flags::default(), &surroundings).map_err(|error| error.to_string())
}

fn hub(server: &Hostile, sources: &[(&str, String)]) -> Arc<Hub> {
    let config = parsed(server, sources).unwrap_or_else(|error| panic!("{error}"));
    let connect = |source: &quarterdeck::config::SourceConfig| {
        let setting = source.rest.clone().unwrap();
        let rest = Rest::new(&source.name, &source.url, Duration::from_secs(20), source.transport.clone(), setting);
        (source.name.clone(), Arc::new(rest.unwrap()) as Arc<dyn Connector>, Duration::from_secs(60))
    };
    let connected = config.context.sources.iter().map(connect).collect();
    Hub::new(setup(config, connected))
}

fn request(yields: &str, program: &str) -> String {
    format!("[[source.request]]\npath = \"/all\"\n{yields} = '''{program}'''")
}

#[test]
fn a_program_that_may_never_end_is_refused_before_anybody_is_asked() {
    let server = Hostile::start(Behaviour::Answers(Reply::json(&json!([]))));
    for program in [
        "def f: f; f",
        "repeat(.)",
        "recurse(.)",
        "while(true; .)",
        "until(false; .)",
        "range(10000000) | {id: .}",
        "limit(3; repeat(.))",
        "error(.id)",
        ". as $x | input",
        // Ten million of an item with a few thousand parts.
        ".of[] as $a | .of[] as $b | {id: ($a + $b)}",
        "[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|first",
    ] {
        let error = parsed(&server, &[("api", request("tenants", program))]).map(|_| ()).unwrap_err();
        assert!(error.contains("config.toml:") && error.contains("tenants"), "{program}: {error}");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_program_that_fails_or_gives_something_else_costs_its_item_alone() {
    // One that gives more than may be given of one item, one on which the program fails, one that it makes nothing of.
    let many: Vec<String> = (0..20_000).map(|n| format!("hunter2-{n}")).collect();
    let items =
        json!([{"id": "good", "of": []}, {"id": "many", "of": many}, {"id": 7, "of": 5}, {"id": "last", "of": []}]);
    let server = Hostile::start(Behaviour::Answers(Reply::json(&items)));
    for (yields, program) in [
        ("tenants", "{id}, (.of[] | {id: .})"),
        ("tenants", "if .id == \"many\" then {id: (.of - 1)} else {id} end"),
        (
            "tenants",
            "if .id == \"many\" then (1, \"hunter2\", true, [], [{}], {}, {id: null}, {id: {}}, {id: \"\"}) else {id} end",
        ),
        ("tenants", "if .id == \"many\" then {id, name: {a: .of}} else {id} end"),
    ] {
        let hub = hub(&server, &[("api", request(yields, program))]);
        let began = Instant::now();
        hub.pass().await;
        let told = status(&hub, "api").await;
        assert!(told.error.is_none() && told.state == Freshness::Live, "{program}: {told:?}");
        let why = told.bad_row.unwrap_or_else(|| panic!("{program}: nothing is said"));
        assert!(told.bad_rows >= 1 && !why.contains("hunter2"), "{program}: {why}");
        // A number of the server's own is an id, or one more that can't be read.
        let window = hub.tenants(&TenantsQuery { text: "".into(), offset: 0, limit: 20_000 }).await.unwrap();
        let ids: Vec<&str> = window.rows.iter().map(|row| row.tenant.id.instance.as_str()).collect();
        assert!(ids.contains(&"good") && ids.contains(&"last"), "{program}: {:?}", &ids[..ids.len().min(5)]);
        assert!(ids.len() <= 10_010 && began.elapsed() < Duration::from_secs(60), "{program}: {}", ids.len());
    }
}

const EVERYTHING: &str = r#"
[[source.request]]
name = "flows"
path = "/all"
items = ".flows"
flows = '''{ id, flow: "import", step: .at, status: "running", tenant: "acme" }'''

[[source.request]]
name = "tenants"
path = "/all"
items = ".tenants"
tenants = '''{ id, name: .name }'''

[[source.request]]
name = "drift"
path = "/all"
items = ".drift"
drift = '''{ id, what: .what, tenant: "acme" }'''

[[source.request]]
name = "events"
path = "/all"
items = ".events"
events = '''{ id, type: "com.example.changed", time: .at, tenant: "acme", summary: .what }'''
"#;

#[tokio::test]
async fn one_id_in_two_sources_is_two_things_and_twice_in_one_is_one() {
    let server = Hostile::start(Behaviour::by(|request| {
        let name = if request.path.starts_with("/one/") { "one" } else { "two" };
        let at = |minutes: i64| jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
        let event = |id: &str, minutes: i64| json!({"id": id, "at": at(minutes), "what": format!("{id} of {name}")});
        let mut flows = vec![json!({"id": "x", "at": "copy"})];
        let mut drift = vec![json!({"id": "f", "what": name})];
        let mut tenants = vec![json!({"id": "acme", "name": name})];
        if name == "two" {
            // What moves to another page while it is read is met on both.
            flows.push(json!({"id": "x", "at": "verify"}));
            drift.push(json!({"id": "f", "what": "another"}));
            tenants.push(json!({"id": "acme", "name": "another"}));
        }
        let events = json!([event("e", -3), event("late", -90), event("e", -3), event("future", 60 * 24 * 365)]);
        Behaviour::Answers(Reply::json(&json!({"flows": flows, "tenants": tenants, "drift": drift, "events": events})))
    }));
    let hub = hub(&server, &[("one", EVERYTHING.to_owned()), ("two", EVERYTHING.to_owned())]);
    for _ in 0..2 {
        hub.pass().await;
    }
    for (source, bad) in [("one", 0), ("two", 2)] {
        let told = status(&hub, source).await;
        assert_eq!((told.error, told.bad_rows), (None, bad), "{source}: {:?}", told.bad_row);
        assert_eq!(told.bad_row.is_some_and(|why| why.contains("more than once")), bad > 0);
    }
    let (one, two) = (rows(&hub, "one").await, rows(&hub, "two").await);
    let [one, two] = [one, two].map(|rows| rows.iter().map(|row| row.flow.step.to_string()).collect::<Vec<_>>());
    assert_eq!((one, two), (vec!["copy".to_owned()], vec!["verify".to_owned()]));
    let board = hub.overview(&Filter::default()).await.unwrap();
    let open: Vec<(String, u64)> = board
        .cells
        .iter()
        .filter(|cell| cell.counts.open > 0)
        .map(|cell| (cell.source.to_string(), cell.counts.open))
        .collect();
    assert_eq!(open, [("one".to_owned(), 1), ("two".to_owned(), 1)], "what is counted is what there is");

    let window = hub.drift(&DriftQuery { limit: 10, ..DriftQuery::default() }).await.unwrap();
    let found: Vec<(String, String)> =
        window.rows.iter().map(|row| (row.first.finding.id.to_string(), row.first.finding.what.to_string())).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    for source in ["one", "two"] {
        let id = InstanceId::new(source, "f");
        assert_eq!(hub.finding(&id).await.unwrap().finding.what, source, "each is asked for by its own source");
    }
    let tenants = hub.tenants(&TenantsQuery { text: "".into(), offset: 0, limit: 10 }).await.unwrap();
    let mut names: Vec<String> = tenants.rows.iter().map(|row| row.tenant.id.to_string()).collect();
    names.sort_unstable();
    assert_eq!(names, ["one/acme", "two/acme"]);

    let query = EventsQuery { filter: EventFilter::default(), until: None, offset: 0, limit: 50 };
    let told = hub.events(&query).await.unwrap();
    let mut events: Vec<(String, String, bool)> =
        told.rows.iter().map(|row| (row.event.source.to_string(), row.event.id.to_string(), row.ahead)).collect();
    events.sort_unstable();
    let of = |source: &str| ["e", "future", "late"].map(|id| (source.to_owned(), id.to_owned(), id == "future"));
    assert_eq!(events, [of("one"), of("two")].concat(), "once each, and what is of the future says so");
    assert!(told.lags.iter().all(|lag| !lag.median.is_negative() && !lag.longest.is_negative()), "{:?}", told.lags);
}

#[tokio::test]
async fn what_differs_may_be_long_deep_or_no_text() {
    let lines = |last: &str| format!("{}{last}\n", "a line of it\n".repeat(50_000));
    let deep = |last: Value| {
        (0..90).fold(last, |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"in": inner}) })
    };
    let binary = |last: char| format!("\u{0}\u{1}\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{fffd}{last}").repeat(2_000);
    let items = json!([
        // More than a program is given at once.
        {"id": "long", "was": lines("x"), "is": lines("y")},
        {"id": "shorter", "was": "a\n".repeat(50_000), "is": "b\n".repeat(50_000)},
        {"id": "deep", "was": deep(json!(1)), "is": deep(json!(2))},
        {"id": "binary", "was": binary('a'), "is": binary('b')},
        {"id": "patch", "patch": format!("@@ -1 +1 @@\n{}+b\n", "-a\n".repeat(50_000))},
        {"id": "plain", "was": {"replicas": 2}, "is": {"replicas": 3}},
    ]);
    let server = Hostile::start(Behaviour::Answers(Reply::json(&items)));
    let program = "if .patch then {id, patch} else {id, what: .id, wanted: .was, there: .is} end";
    let hub = hub(&server, &[("api", request("drift", program))]);
    hub.pass().await;
    let told = status(&hub, "api").await;
    assert_eq!((told.state, told.error.clone(), told.bad_rows), (Freshness::Live, None, 1), "{:?}", told.bad_row);
    assert!(told.bad_row.is_some_and(|why| why.contains("larger than 512 KiB")));
    let window = hub.drift(&DriftQuery { limit: 10, ..DriftQuery::default() }).await.unwrap();
    let mut ids: Vec<&str> = window.rows.iter().map(|row| row.first.finding.id.instance.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["binary", "deep", "patch", "plain", "shorter"]);
    for row in &window.rows {
        assert_eq!(row.first.finding.status, DriftStatus::Drifted);
        let json = finding_json(&row.first, window.at).to_string();
        assert!(json.len() < 4 * 1024 * 1024, "{}", json.len());
        assert!(!json.contains('\u{1b}') && !json.contains('\u{202e}') && !json.contains("\\u001b"), "{json:.300}");
    }
    // Each of them is drawn, at its beginning and at its end.
    for keys in
        ["4", "4 j", "4 enter", "4 j enter G", "4 j j enter G tab", "4 j j j enter tab G", "4 j j j j enter tab G"]
    {
        for (width, height) in [(80, 24), (200, 60)] {
            let settings = Settings::new("test", "you");
            let buffer = snapshot_after(hub.clone(), ScreenName::Board, keys, width, height, &settings).await.unwrap();
            let drawn = text(&buffer);
            assert!(!drawn.chars().any(|c| c.is_control() && c != '\n') && drawn.contains("Drift"), "{keys}: {drawn}");
        }
    }
}
