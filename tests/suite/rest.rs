//! Any JSON API: how pages follow one another, what ends a pass, what one bad item costs, and what is sent for a verb.

use std::sync::Arc;
use std::time::Duration;

use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::hub::{rows, setup, status};
use crate::support::matrix::record;
use crate::support::request::Request;
use crate::support::ways::CANARY;
use quarterdeck::config::{Config, Flags, Surroundings};
use quarterdeck::connect::rest::{Rest, Told as Yielded};
use quarterdeck::connect::{Act, ActAnswer, ConnectError, Connector, EngineCount, Mark, Observation};
use quarterdeck::domain::event::{DeadLetter, Event};
use quarterdeck::domain::flow::FlowInstance;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::plan::Parameters;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::domain::source::Freshness;
use quarterdeck::domain::tenant::Tenant;
use quarterdeck::domain::text::is_hidden;
use quarterdeck::hub::Hub;
use quarterdeck::ops::Ops as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A config of one source at a server.
fn config(server: &Hostile, keys: &str) -> Config {
    let text = format!("[[source]]\nname = \"api\"\nkind = \"rest\"\nurl = \"{}/v1\"\n{keys}", server.url());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
    let file = folder.join("token");
    std::fs::write(&file, format!("{CANARY}-1")).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let surroundings = Surroundings { variable: &|name| (name == "TOKEN").then(|| CANARY.to_owned()), folder: &folder };
    Config::parse_in(&text, "config.toml", &Flags::default(), &surroundings).unwrap_or_else(|error| panic!("{error}"))
}

fn connector_of(config: &Config, timeout: Duration) -> Rest {
    let source = &config.context.sources[0];
    Rest::new("api", &source.url, timeout, source.transport.clone(), source.rest.clone().unwrap()).unwrap()
}

fn connector(server: &Hostile, keys: &str) -> Rest {
    connector_of(&config(server, keys), Duration::from_secs(20))
}

/// Everything that a pass tells.
#[derive(Default, Debug)]
struct Told {
    flows: Vec<FlowInstance>,
    tenants: Vec<Tenant>,
    events: Vec<Event>,
    letters: Vec<DeadLetter>,
    counts: Vec<EngineCount>,
    bad: Option<(usize, String)>,
    as_before: Vec<&'static str>,
    mark: Option<Mark>,
}

async fn pass(connector: &Rest, mark: Option<&Mark>) -> Result<Told, ConnectError> {
    let (sink, mut parts) = mpsc::channel(4);
    let mut told = Told::default();
    let receive = async {
        while let Some(part) = parts.recv().await {
            match part {
                Observation::Flows(mut flows) => told.flows.append(&mut flows),
                Observation::Tenants(mut tenants) => told.tenants.append(&mut tenants),
                Observation::Events(mut events) => told.events.append(&mut events),
                Observation::DeadLetters(mut letters) => told.letters.append(&mut letters),
                Observation::Counts(counts) => told.counts = counts,
                Observation::FlowsAsBefore { .. } => told.as_before.push("flows"),
                Observation::TenantsAsBefore => told.as_before.push("tenants"),
                Observation::BadRows { count, first } => told.bad = Some((count, first.to_string())),
                Observation::Mark(mark) => told.mark = Some(mark),
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
    outcome.map(|()| told)
}

fn parameter(request: &Request, name: &str) -> Option<String> {
    let (_, query) = request.path.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(str::to_owned)
}

fn number(request: &Request, name: &str) -> usize {
    parameter(request, name).map_or(0, |number| number.parse().unwrap())
}

fn tenants(from: usize, to: usize) -> Value {
    (from..to).map(|n| json!({"id": format!("t{n:04}")})).collect()
}

fn ids(told: &Told) -> Vec<&str> {
    told.tenants.iter().map(|tenant| tenant.id.instance.as_str()).collect()
}

const ALL: usize = 25;

#[tokio::test]
async fn each_kind_of_paging_reads_every_item_once() {
    let page = |from: usize, size: usize| tenants(from, (from + size).min(ALL).max(from));
    let server = Hostile::start(Behaviour::by(move |request| {
        let at = number(request, "at");
        let (size, next) = (10, (at + 10 < ALL).then_some(at + 10));
        Behaviour::Answers(match request.path.split(['?', '/']).nth(2).unwrap() {
            // It gives fewer than it is asked for.
            "offset" => Reply::json(&page(number(request, "offset"), number(request, "limit").min(7))),
            "page" => Reply::json(&page((number(request, "page") - 1) * size, size)),
            "cursor" => Reply::json(&json!({"data": {"rows": page(at, size)}, "meta": {"next": next}})),
            "next" => {
                let next = next.map(|next| format!("/v1/next?x=1&at={next}"));
                Reply::json(&json!({"data": {"rows": page(at, size)}, "links": {"next": next}}))
            }
            "link" => {
                let reply = Reply::new(206, "application/json", page(at, size).to_string());
                match next {
                    Some(next) => {
                        reply.with("link", format!("</v1/link?at=0>; rel=\"first\", <?at={next}>; rel=\"next\""))
                    }
                    None => reply,
                }
            }
            other => panic!("{other}"),
        })
    }));
    for (path, keys, requests) in [
        ("offset?sort=a", "paging = { offset = \"offset\", limit = \"limit\", size = 10 }", 5),
        ("page", "paging = { page = \"page\" }", 4),
        ("cursor", "paging = { cursor = \"at\", from = \".meta.next\" }\nitems = \".data.rows\"", 3),
        ("next", "paging = { next = \".links.next\" }\nitems = \".data.rows[]\"", 3),
        ("link", "paging = { link = true }", 3),
    ] {
        let before = server.count();
        let keys = format!("[[source.request]]\npath = \"/{path}\"\n{keys}\ntenants = \".\"");
        let told = pass(&connector(&server, &keys), None).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let all = tenants(0, ALL);
        let all: Vec<&str> = all.as_array().unwrap().iter().map(|tenant| tenant["id"].as_str().unwrap()).collect();
        assert_eq!(ids(&told), all, "{path}");
        let asked: Vec<String> = server.requests().split_off(before).into_iter().map(|request| request.path).collect();
        assert_eq!(asked.len(), requests, "{path}: {asked:?}");
        assert!(asked.iter().all(|asked| !path.contains('?') || asked.contains("sort=a")), "{asked:?}");
    }
}

#[tokio::test]
async fn what_never_ends_is_a_failure_that_says_so() {
    let server = Hostile::start(Behaviour::by(|request| {
        let at = number(request, "at");
        Behaviour::Answers(match request.path.split(['?', '/']).nth(2).unwrap() {
            "same" => Reply::json(&json!({"rows": [], "next": "5"})),
            "circle" => Reply::json(&json!({"rows": [], "next": (at + 1) % 3})),
            "ever" => Reply::json(&json!({"rows": [{"id": at}], "next": at + 1})),
            "away" => Reply::json(&json!([])).with("link", "<http://127.0.0.1:9/x?token=hunter2>; rel=next"),
            "odd" => Reply::json(&json!({"rows": [], "next": {"a": 1}})),
            "many" => Reply::new(200, "application/json", format!("[{}1]", "1,".repeat(250_000))),
            other => panic!("{other}"),
        })
    }));
    let by_cursor = "paging = { cursor = \"at\", from = \".next\" }\nitems = \".rows\"";
    for (path, keys, why) in [
        ("same", by_cursor, "leads back to one that was read already"),
        ("circle", by_cursor, "leads back to one that was read already"),
        ("ever", &format!("{by_cursor}\nmost_pages = 20"), "there are more than 20 pages (most_pages)"),
        (
            "away",
            "paging = { link = true }",
            "the next page is at another server, which is not asked: http://127.0.0.1:9",
        ),
        ("odd", by_cursor, ".next is neither a text nor a number"),
        ("many", "", "more than 200000 items in one page"),
    ] {
        let keys = format!("[[source.request]]\npath = \"/{path}\"\n{keys}\ntenants = \".\"");
        let error = pass(&connector(&server, &keys), None).await.unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(path) && !error.contains("hunter2"), "{path}: {error}");
    }
    assert!(server.count() < 40, "{}", server.count());
}

const JOBS: &str = r#"
[[source.request]]
path = "/jobs"
items = ".jobs"
one = "/jobs/{id}"
flows = '''{ id, flow: "import", step: .at, status, tenant: .for, error: .why, changed_at: .since }'''
"#;

fn job(id: &str, status: &str) -> Value {
    json!({"id": id, "at": "copy", "status": status, "for": "acme", "why": "disk full", "since": jiff::Timestamp::now()})
}

fn jobs() -> Value {
    json!({"jobs": [job("a", "failed"), job("b", "running"), job("c", "waiting"), job("d", "succeeded")]})
}

/// What a try tells of each request: its name, how much is good, and why it failed.
async fn tried(server: &Hostile) -> Vec<(String, usize, Option<String>)> {
    let trials = connector(server, JOBS).try_out(1).await;
    let good = |told: &[Yielded]| told.iter().map(|told| told.count.good).sum();
    trials.into_iter().map(|t| (t.name.to_string(), good(&t.told), t.error.map(|why| why.to_string()))).collect()
}

#[tokio::test]
async fn a_word_for_the_next_page_that_is_nowhere_is_told_by_a_try() {
    let keys = |from: &str| {
        format!(
            "[[source.request]]\npath = \"/t\"\nitems = \".t\"\ntenants = \".\"\npaging = {{ cursor = \"after\", from = \"{from}\" }}"
        )
    };
    let server = Hostile::start(Behaviour::Answers(Reply::json(&json!({"t": tenants(0, 3), "page": {"next": null}}))));
    for (from, told) in [(".page.next", false), (".next", true)] {
        let trials = connector(&server, &keys(from)).try_out(0).await;
        let [trial] = &trials[..] else { panic!("{trials:?}") };
        assert_eq!((trial.items, trial.failed(), trial.note.is_some()), (3, false, told), "{from}: {trial:?}");
    }
}

#[tokio::test]
async fn a_try_reads_one_instance_alone_as_well() {
    let one = |answer: Behaviour| {
        Hostile::start(Behaviour::by(move |request| match request.path.as_str() {
            "/v1/jobs" => Behaviour::Answers(Reply::json(&jobs())),
            "/v1/jobs/a" => answer.clone(),
            _ => Behaviour::NotFoundJson,
        }))
    };
    let fine = tried(&one(Behaviour::Answers(Reply::json(&job("a", "failed"))))).await;
    assert_eq!(fine, [("jobs".to_owned(), 4, None), ("jobs one".to_owned(), 1, None)]);
    for (answer, why) in [
        (Behaviour::NotFoundJson, "counts as gone"),
        (Behaviour::Answers(Reply::json(&json!({"id": "a", "status": "odd"}))), "odd"),
        (Behaviour::Answers(Reply::json(&job("another", "running"))), "counts as gone"),
        (Behaviour::NotJson, "JSON"),
    ] {
        let told = tried(&one(answer)).await;
        let [(.., None), (name, 0, Some(said))] = &told[..] else { panic!("{told:?}") };
        assert!(name == "jobs one" && said.contains(why), "{why}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_answer_is_told_and_what_was_told_last_stays() {
    let mut cases = JoinSet::new();
    let shapes = [("a list", json!([])), ("null jobs of another name", json!({"job": []})), ("a number", json!(5))];
    let shapes = shapes.map(|(name, body)| (name, Behaviour::Answers(Reply::json(&body))));
    let bad: Vec<_> = Behaviour::bad().into_iter().chain(shapes).collect();
    let all = bad.len();
    for (name, bad) in bad {
        cases.spawn(async move {
            let server = Hostile::start(Behaviour::Answers(Reply::json(&jobs())));
            let late = matches!(bad, Behaviour::Silent | Behaviour::SlowHead | Behaviour::SlowBody | Behaviour::Stall);
            // Long enough for a good answer beside those that keep the machine busy.
            let timeout = if late { Duration::from_secs(8) } else { Duration::from_secs(60) };
            let config = config(&server, &format!("auth = {{ bearer = {{ env = \"TOKEN\" }} }}\n{JOBS}"));
            let connector: Arc<dyn Connector> = Arc::new(connector_of(&config, timeout));
            let hub = Hub::new(setup(config, vec![("api".into(), connector, Duration::from_secs(60))]));
            hub.pass().await;
            let before = rows(&hub, "api").await;
            assert_eq!(before.len(), 3, "{name}: {:?}", status(&hub, "api").await);
            server.behave(bad);
            hub.pass().await;
            let told = status(&hub, "api").await;
            let error = told.error.unwrap_or_else(|| panic!("{name}: nothing is said"));
            assert_eq!(told.state, Freshness::Stale, "{name}: {error}");
            let clean = !error.contains(CANARY) && !error.chars().any(is_hidden) && error.chars().count() < 640;
            assert!(clean && error.contains("jobs"), "{name}: {error}");
            assert_eq!(rows(&hub, "api").await.len(), 3, "{name}");
        });
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
    record("hostile-http", all, 24);
}

#[tokio::test]
async fn counts_are_of_what_was_read_and_ended_ones_are_passed_over() {
    let server = Hostile::start(Behaviour::Answers(Reply::json(&jobs())));
    let told = pass(&connector(&server, JOBS), None).await.unwrap();
    let ids: Vec<&str> = told.flows.iter().map(|flow| flow.id.instance.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let [count] = &told.counts[..] else { panic!("{:?}", told.counts) };
    assert_eq!((count.open, count.waiting, count.held, count.failed), (2, 1, 0, 1));
    assert_eq!((count.flow.as_str(), count.step.as_str()), ("import", "copy"));
}

#[tokio::test]
async fn one_bad_item_spoils_no_other_and_is_told_with_both_places() {
    let mut all = jobs();
    let bad = [
        json!({"id": "e", "status": "odd"}),
        json!({"id": "f", "status": "running", "why": 7}),
        json!("no object"),
        json!({"id": "g", "status": "running", "at": {"deep": (0..200).fold(json!(1), |inner, _| json!([inner]))}}),
        json!({"id": "h", "status": "running", "why": "x".repeat(600 * 1024)}),
    ];
    all["jobs"].as_array_mut().unwrap().extend(bad);
    let server = Hostile::start(Behaviour::Answers(Reply::json(&all).with("etag", "\"1\"")));
    let connector = connector(&server, JOBS);
    let told = pass(&connector, None).await.unwrap();
    assert_eq!(told.flows.len(), 3);
    let (count, first) = told.bad.unwrap();
    assert_eq!(count, 5, "{first}");
    let words = "jobs: .jobs[4].status: the program \"flows\" (line 1, column 34) at config.toml:10:45:";
    assert!(first.starts_with(words), "{first}");
    assert!(first.contains("\"status\" is \"odd\", which is none of: scheduled"), "{first}");
    let again = pass(&connector, told.mark.as_ref()).await.unwrap();
    assert_eq!(again.bad.unwrap(), (5, first), "what is bad is told again in each pass");
}

#[tokio::test]
async fn a_token_that_ends_between_two_pages_is_read_again() {
    for (renewed, good) in [(true, true), (false, false)] {
        let server = Hostile::start(Behaviour::Silent);
        let config = config(
            &server,
            "auth = { bearer = { file = \"token\" } }\n[[source.request]]\npath = \"/t\"\ntenants = \".\"\npaging = { offset = \"offset\" }",
        );
        let place = config.context.sources[0].transport.credentials.as_ref().unwrap().place().unwrap().clone();
        let quarterdeck::config::SecretPlace::File(file) = place else { panic!("{place:?}") };
        let spent = std::sync::atomic::AtomicBool::new(false);
        server.behave(Behaviour::by(move |request| {
            let old = request.header("authorization") == Some(&format!("Bearer {CANARY}-1"));
            if number(request, "offset") == 10 && !spent.swap(true, std::sync::atomic::Ordering::Relaxed) && renewed {
                std::fs::write(&file, format!("{CANARY}-2")).unwrap();
            }
            if old && number(request, "offset") >= 10 {
                return Behaviour::Unauthorized;
            }
            let from = number(request, "offset");
            Behaviour::Answers(Reply::json(&tenants(from, (from + 10).min(ALL).max(from))))
        }));
        let outcome = pass(&connector_of(&config, Duration::from_secs(20)), None).await;
        match outcome {
            Ok(told) => assert!(good && ids(&told).len() == ALL, "{:?}", ids(&told)),
            Err(error) => {
                let error = error.to_string();
                assert!(!good && error.contains("t: /v1/t: refused (401)") && !error.contains(CANARY), "{error}");
            }
        }
        assert!(server.count() <= 5, "asked once more, and not again and again: {}", server.count());
    }
}

const EVENTS: &str = r#"
[[source.request]]
path = "/events?since={since}"
events = '''if .specversion then . else { id, type: .kind, time: .at, tenant: .for, summary: .what } end'''
"#;

#[tokio::test]
async fn events_that_are_late_early_repeated_or_none() {
    let at = |minutes: i64| jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
    let one = |id: &str, minutes: i64| json!({"id": id, "kind": "com.example.changed", "at": at(minutes), "for": "acme", "what": id});
    let events = json!([
        one("late", -30),
        one("newest", -10),
        one("out of order", -20),
        one("newest", -10),
        one("from the future", 60 * 24 * 400),
        {"specversion": "1.0", "id": "cloud", "source": "/ci", "type": "com.example.deployed", "time": at(-40)},
        {"id": "none", "kind": null, "password": "hunter2"},
        {"specversion": "0.3", "id": "old"},
        {"id": "huge", "kind": "x", "what": "y".repeat(4 * 1024 * 1024)},
    ]);
    let server = Hostile::start(Behaviour::Answers(Reply::json(&events)));
    let connector = connector(&server, EVENTS);
    let told = pass(&connector, None).await.unwrap();
    assert_eq!(told.events.len(), 6, "what comes twice is for whoever holds it");
    assert_eq!(told.letters.len(), 2, "{:?}", told.letters);
    assert!(told.letters.iter().any(|letter| letter.why == *"type: it is null or empty"), "{:?}", told.letters);
    assert!(!format!("{told:?}").contains("hunter2"));
    // The next look begins before the newest one, and not in the future.
    pass(&connector, told.mark.as_ref()).await.unwrap();
    let since = parameter(server.requests().last().unwrap(), "since").unwrap().replace("%3A", ":");
    let since: jiff::Timestamp = since.parse().unwrap();
    let minutes = jiff::Timestamp::now().duration_since(since).as_mins();
    assert!((11..=13).contains(&minutes), "{since}");
    let first = parameter(&server.requests()[0], "since").unwrap().replace("%3A", ":");
    let hours = jiff::Timestamp::now().duration_since(first.parse().unwrap()).as_hours();
    assert!((23..=24).contains(&hours), "{first}");
}

#[tokio::test]
async fn what_the_server_says_is_as_before_is_not_told_again() {
    let etag = |tag: &'static str, body: Value| {
        move |request: &Request| {
            if request.header("if-none-match") == Some(tag) {
                return Behaviour::Answers(Reply {
                    status: 304,
                    headers: vec![("etag", tag.to_owned())],
                    body: Vec::new(),
                });
            }
            Behaviour::Answers(Reply::json(&body).with("etag", tag))
        }
    };
    let two = format!(
        "{JOBS}\n[[source.request]]\npath = \"/more\"\nitems = \".jobs\"\nflows = '{{ id: (\"m\" + .id), flow: \"x\", status }}'\n[[source.request]]\npath = \"/t\"\ntenants = \".\""
    );
    let serve = move |more: &'static str| {
        Behaviour::by(move |request| match request.path.as_str() {
            "/v1/jobs" => etag("\"1\"", jobs())(request),
            "/v1/more" => etag(more, jobs())(request),
            "/v1/t" => etag("\"t\"", tenants(0, 3))(request),
            _ => Behaviour::NotFoundJson,
        })
    };
    let server = Hostile::start(serve("\"2\""));
    let connector = connector(&server, &two);
    let first = pass(&connector, None).await.unwrap();
    assert_eq!((first.flows.len(), first.tenants.len(), first.as_before.len()), (6, 3, 0));
    let second = pass(&connector, first.mark.as_ref()).await.unwrap();
    assert_eq!((second.flows.len(), second.tenants.len()), (0, 0));
    assert_eq!(second.as_before, ["flows", "tenants"]);
    // One of two requests that tell flows has changed: all flows are told, and the tenants are as before.
    server.behave(serve("\"3\""));
    let before = server.count();
    let third = pass(&connector, second.mark.as_ref()).await.unwrap();
    assert_eq!((third.flows.len(), &third.as_before[..]), (6, &["tenants"][..]));
    assert_eq!(server.count() - before, 4, "each is asked once, and what is needed once more");
    let fourth = pass(&connector, third.mark.as_ref()).await.unwrap();
    assert_eq!(fourth.as_before, ["flows", "tenants"]);
}

const VERBS: &str = r#"
headers = { "x-tool" = "quarterdeck" }
auth = { header = { name = "X-Api-Key", value = { env = "TOKEN" } } }
[[source.verb]]
name = "resume"
path = "/jobs/{id}/retry"
headers = { "idempotency-key" = "{key}" }
body = '{ request: .key, job: .id }'
done = [200]
refused = '.error'
when = ["failed"]
effect = "the job is begun again"
[[source.verb]]
name = "cancel"
method = "DELETE"
path = "/jobs/{id}"
"#;

fn act(verb: Verb, instance: &str) -> Act {
    Act { verb, parameters: Parameters::default(), instance: instance.into(), key: "k-1".into() }
}

#[tokio::test]
async fn a_verb_is_one_request_and_its_answer_means_what_the_config_says() {
    let server = Hostile::start(Behaviour::Answers(Reply::json(&json!({}))));
    let connector = connector(&server, &format!("{VERBS}{JOBS}"));
    assert_eq!(connector.verbs(), [Verb::Resume, Verb::Cancel]);
    assert_eq!(connector.act(&act(Verb::Resume, "a/../b c")).await, ActAnswer::Done);
    let [sent] = &server.requests()[..] else { panic!("one request") };
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/v1/jobs/a%2F..%2Fb%20c/retry"));
    let header = |name: &str| sent.header(name).unwrap().to_owned();
    assert_eq!(
        (header("idempotency-key"), header("x-tool"), header("x-api-key")),
        ("k-1".into(), "quarterdeck".into(), CANARY.into())
    );
    assert_eq!(serde_json::from_str::<Value>(&sent.text()).unwrap(), json!({"request": "k-1", "job": "a/../b c"}));
    assert_eq!(sent.header("authorization"), None);
    let answers = [
        (
            Behaviour::Answers(Reply::json(&json!({"error": "it runs already"}))),
            Verb::Resume,
            ActAnswer::Refused("it runs already".into()),
        ),
        (Behaviour::Answers(Reply::new(202, "application/json", "")), Verb::Resume, ActAnswer::Accepted),
        (Behaviour::Answers(Reply::new(204, "application/json", "")), Verb::Cancel, ActAnswer::Accepted),
    ];
    for (behaviour, verb, answer) in answers {
        server.behave(behaviour);
        assert_eq!(connector.act(&act(verb, "a")).await, answer);
    }
    for (status, wanted) in [
        (404, "Gone"),
        (409, "Refused"),
        (401, "Refused"),
        (307, "Refused"),
        (408, "Unknown"),
        (500, "Unknown"),
        (203, "Unknown"),
    ] {
        server.behave(Behaviour::Answers(Reply::new(
            status,
            "application/json",
            format!("{{\"message\":\"{CANARY}\"}}"),
        )));
        let before = server.count();
        let answer = format!("{:?}", connector.act(&act(Verb::Cancel, "a")).await);
        assert!(answer.starts_with(wanted) && !answer.contains(CANARY), "{status}: {answer}");
        assert_eq!(server.count() - before, 1, "never a second one");
    }
    server.behave(Behaviour::Close);
    assert!(matches!(connector.act(&act(Verb::Cancel, "a")).await, ActAnswer::Unknown(_)));
    let sent = server.count();
    for (verb, id) in [(Verb::Kill, "a"), (Verb::Cancel, ".."), (Verb::Cancel, "")] {
        assert!(matches!(connector.act(&act(verb, id)).await, ActAnswer::Refused(_)), "{verb:?} {id}");
    }
    assert_eq!(server.count(), sent, "nothing was sent");
}

#[tokio::test]
async fn one_instance_is_read_by_itself_or_found_among_all() {
    let server = Hostile::start(Behaviour::by(|request| match request.path.as_str() {
        "/v1/jobs" => Behaviour::Answers(Reply::json(&jobs())),
        "/v1/jobs/d" => Behaviour::Answers(Reply::json(&job("d", "succeeded"))),
        "/v1/jobs/x" => Behaviour::Answers(Reply::json(&job("another", "running"))),
        _ => Behaviour::NotFoundJson,
    }));
    let alone = connector(&server, JOBS);
    let read = alone.read("d").await.unwrap().unwrap();
    assert_eq!((read.detail.flow.status.name(), server.count()), ("succeeded", 1));
    assert!(
        alone.read("x").await.unwrap().is_none(),
        "what is planned from this is done to the one that was asked for"
    );
    assert!(alone.read("nobody").await.unwrap().is_none());
    let raw = alone.raw("d").await.unwrap().unwrap();
    assert!(format!("{raw:?}").contains("disk full"));
    // Where it stands elsewhere than in a list; and what can't be read is not gone.
    server.behave(Behaviour::by(|request| match request.path.as_str() {
        "/v1/jobs/d" => Behaviour::Answers(Reply::json(&json!({"job": job("d", "succeeded")}))),
        "/v1/jobs/x" => Behaviour::Answers(Reply::json(&json!({"job": job("x", "done")}))),
        _ => Behaviour::NotFoundJson,
    }));
    let elsewhere = connector(&server, &JOBS.replace("one =", "one_items = \".job\"\none ="));
    assert_eq!(elsewhere.read("d").await.unwrap().unwrap().detail.flow.status.name(), "succeeded");
    assert!(elsewhere.read("nobody").await.unwrap().is_none());
    let odd = elsewhere.read("x").await.unwrap_err().to_string();
    assert!(odd.contains(".job") && odd.contains("\"done\", which is none of: scheduled"), "{odd}");
    server.behave(Behaviour::Answers(Reply::json(&jobs())));
    let among = connector(&server, &JOBS.replace("one = \"/jobs/{id}\"", ""));
    let before = server.count();
    let seen = among.sights(&["d".into(), "nobody".into(), "a".into()]).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|sight| sight.as_ref().map(|sight| sight.flow.status.name())).collect();
    assert_eq!((seen, server.count() - before), (vec![Some("succeeded"), None, Some("failed")], 1));
    let url = alone.ways("d", "import").request.unwrap().url;
    assert_eq!(url.as_str(), format!("{}/v1/jobs/d", server.url()));
}

#[tokio::test]
async fn an_act_through_the_hub_is_planned_sent_once_and_verified() {
    let server = Hostile::start(Behaviour::Silent);
    let retried = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = retried.clone();
    server.behave(Behaviour::by(move |request| {
        let done = retried.load(std::sync::atomic::Ordering::Relaxed);
        let one = job("a", if done { "succeeded" } else { "failed" });
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/jobs") => Behaviour::Answers(Reply::json(&json!({ "jobs": [one] }))),
            ("GET", "/v1/jobs/a") => Behaviour::Answers(Reply::json(&one)),
            ("POST", "/v1/jobs/a/retry") => {
                retried.store(true, std::sync::atomic::Ordering::Relaxed);
                Behaviour::Answers(Reply::new(202, "application/json", ""))
            }
            _ => Behaviour::NotFoundJson,
        }
    }));
    let config = config(&server, &format!("{VERBS}{JOBS}"));
    let made: Arc<dyn Connector> = Arc::new(connector_of(&config, Duration::from_secs(20)));
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let sources = vec![("api".into(), made, Duration::from_secs(1))];
    let hub = Hub::new(quarterdeck::hub::Setup { state_dir: Some(home.path().into()), ..setup(config, sources) });
    hub.pass().await;
    let id = InstanceId::new("api", "a");
    assert!(hub.plan(Verb::Kill, &id).await.is_err(), "what is not declared can't be had");
    let plan = hub.plan(Verb::Resume, &id).await.unwrap();
    assert_eq!(plan.effect, *"the job is begun again");
    let act = hub.remediate(&plan.hash, "the disk has room again").await.unwrap();
    let ended = crate::support::hub::ended(&hub, &act).await;
    assert_eq!(ended.item, ItemState::Verified, "{ended:?}");
    let sent = server.requests().into_iter().filter(|request| request.method == "POST").count();
    assert!(sent == 1 && seen.load(std::sync::atomic::Ordering::Relaxed));
}
