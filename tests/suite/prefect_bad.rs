//! A Prefect server that turns bad, at each of its paths and in every way there is; fields that are not what they should be;
//! and answers to acts that are refusals, none, or lost.

use std::sync::Arc;
use std::time::Duration;

use crate::support::fake_prefect::{FakePrefect, changes, id, raw, recorded, reply, run, run_in};
use crate::support::hostile::Behaviour;
use crate::support::hub::{rows, setup, status};
use crate::support::matrix::record;
use crate::support::ways::CANARY;
use quarterdeck::config::Config;
use quarterdeck::connect::prefect::Prefect;
use quarterdeck::connect::{Act, ActAnswer, ConnectError, Connector};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::domain::source::Freshness;
use quarterdeck::domain::text::is_hidden;
use quarterdeck::domain::verdict::Verdict;
use quarterdeck::hub::Hub;
use quarterdeck::ops::Ops;
use serde_json::{Value, json};
use tokio::task::JoinSet;

fn connector(server: &FakePrefect, timeout: Duration) -> Prefect {
    Prefect::new("p", &server.url(), timeout, Some(CANARY.into())).unwrap()
}

fn hub(server: &FakePrefect, timeout: Duration) -> Arc<Hub> {
    let config = format!("[[source]]\nname = \"p\"\nkind = \"prefect\"\nurl = \"{}\"\n", server.url());
    let config = Config::parse(&config, "config.toml", None).unwrap();
    let connector: Arc<dyn Connector> = Arc::new(connector(server, timeout));
    Hub::new(setup(config, vec![("p".into(), connector, Duration::from_secs(60))]))
}

/// What a pass asks for, by a part of its path.
const PATHS: [&str; 8] = [
    "/admin/version",
    "/flow_runs/filter",
    "/flow_runs/history",
    "/task_runs/filter",
    "/count-task-runs",
    "/flows/filter",
    "/deployments/filter",
    "/work_pools/filter",
];

/// Runs because of which all of that is asked.
fn runs() -> Vec<Value> {
    let late = crate::support::fake_prefect::body("flow_runs_filter_late_by_name")[0].clone();
    vec![run(1, &json!({})), run_in(2, "RUNNING", "Running"), late]
}

/// Good, then bad at one path, then good again.
async fn turns(path: &'static str, name: &'static str, bad: Behaviour) {
    let server = FakePrefect::start(runs());
    let late = matches!(bad, Behaviour::Silent | Behaviour::SlowHead | Behaviour::SlowBody | Behaviour::Stall);
    let hub = hub(&server, if late { Duration::from_secs(2) } else { Duration::from_secs(60) });
    hub.pass().await;
    let before = rows(&hub, "p").await;
    assert_eq!(before.len(), 3, "{path} {name}: {:?}", status(&hub, "p").await);
    server.behave_at(path, bad);
    hub.pass().await;
    let told = status(&hub, "p").await;
    // A list of what is no run is a list: its rows are bad ones, and the server is well.
    if path == "/flow_runs/filter" && matches!(name, "deep" | "a list of lists") {
        assert_eq!((told.state, told.bad_rows), (Freshness::Live, 2), "{name}: {told:?}");
        assert!(told.bad_row.unwrap().starts_with("row 1 can't be read: "), "{name}");
        return;
    }
    let error = told.error.unwrap_or_else(|| panic!("{path} {name}: nothing is said"));
    assert_eq!(told.state, Freshness::Stale, "{path} {name}: {error}");
    assert!(!error.contains(CANARY) && !error.chars().any(is_hidden) && error.chars().count() < 620, "{error}");
    let kept = rows(&hub, "p").await;
    let flows = |rows: &[Arc<quarterdeck::domain::flow::JudgedFlow>]| {
        rows.iter().map(|row| (row.flow.id.clone(), row.flow.status, row.flow.error.clone())).collect::<Vec<_>>()
    };
    assert_eq!(flows(&kept), flows(&before), "{path} {name}");
    assert!(kept.iter().all(|row| row.judgement.verdict == Verdict::Recheck), "{path} {name}");
    server.be_good();
    if name == "429" {
        // It asked to be left alone for longer than a test waits.
        assert!(told.left_alone.is_some(), "{path}: {error}");
        return;
    }
    hub.pass().await;
    assert_eq!(status(&hub, "p").await.state, Freshness::Live, "{path} {name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_turns_bad_at_any_path_is_stale_and_live_again() {
    let heavy = |name: &str| ["endless", "200 MB", "bomb", "flood"].iter().any(|part| name.contains(part));
    let json = |body: &str| raw(200, body);
    let mut cases = 0;
    for path in PATHS {
        let mut ways = Behaviour::bad();
        ways.retain(|(name, _)| !heavy(name) || path == "/flow_runs/filter");
        for (name, body) in [
            ("null", "null"),
            ("a number where a list is due", "7.5"),
            ("a list of lists", "[[[]]]"),
            ("an object with an error", r#"{"exception_message":"no"}"#),
            ("two values", "[][]"),
        ] {
            ways.push((name, json(body)));
        }
        ways.push(("403", reply(403, &json!({"detail": "Forbidden"}))));
        ways.push(("422", reply(422, &json!({"detail": [{"msg": "Field required"}]}))));
        ways.push(("503", reply(503, &json!({"exception_message": "Service Unavailable"}))));
        let limit = recorded("limit_too_big_err")["response"].clone();
        ways.push(("the limit", reply(422, &limit["body"])));
        ways.push(("401 as it says it", reply(401, &recorded("auth_missing_err")["response"]["body"])));
        let mut running = JoinSet::new();
        for (name, bad) in ways {
            if running.len() >= 6 {
                running.join_next().await.unwrap().unwrap();
            }
            running.spawn(turns(path, name, bad));
            cases += 1;
        }
        while let Some(ended) = running.join_next().await {
            ended.unwrap();
        }
    }
    record("hostile-http", cases, 200);
}

#[tokio::test]
async fn a_server_that_goes_in_the_middle_of_a_pass_leaves_what_was_known() {
    let running = |n| run(n, &json!({"expected_start_time": format!("2026-11-21T08:{:02}:{:02}Z", n / 60, n % 60)}));
    let server = FakePrefect::start((0..500).map(running).collect());
    let hub = hub(&server, Duration::from_secs(20));
    hub.pass().await;
    assert_eq!(rows(&hub, "p").await.len(), 500);
    let page = (0..200).map(running).collect::<Vec<_>>();
    let first = std::sync::atomic::AtomicBool::new(true);
    server.behave_at(
        "/flow_runs/filter",
        Behaviour::by(move |request| {
            let open = request.text().contains("not_any_");
            match (open, first.swap(open, std::sync::atomic::Ordering::SeqCst)) {
                (true, _) => reply(200, &json!([])),
                (false, true) => reply(200, &json!(page)),
                (false, false) => Behaviour::Close,
            }
        }),
    );
    hub.pass().await;
    assert_eq!((rows(&hub, "p").await.len(), status(&hub, "p").await.state), (500, Freshness::Stale));
}

/// Values that are of no type that the field has.
fn wrong(kind: &str) -> Vec<Value> {
    let all = [
        json!(true),
        json!(-1),
        json!(1.5),
        json!("x"),
        json!([]),
        json!({}),
        json!([["x"]]),
        json!(4_294_967_296_u64),
    ];
    let fits = |value: &Value| match kind {
        "text" => value.is_string(),
        "flag" => value.is_boolean(),
        "list" => *value == json!([]),
        "object" => value.is_object() || *value == json!([]),
        _ => false,
    };
    all.into_iter().filter(|value| !fits(value)).collect()
}

#[tokio::test]
async fn a_field_that_is_none_spoils_its_own_row_alone() {
    const FIELDS: [(&str, &str); 20] = [
        ("id", "text"),
        ("name", "text"),
        ("flow_id", "text"),
        ("deployment_id", "text"),
        ("work_pool_name", "text"),
        ("work_queue_name", "text"),
        ("run_count", "count"),
        ("tags", "list"),
        ("created", "time"),
        ("start_time", "time"),
        ("end_time", "time"),
        ("next_scheduled_start_time", "time"),
        ("parent_task_run_id", "text"),
        ("empirical_policy.pause_keys", "list"),
        ("empirical_policy.retry_type", "text"),
        ("state.timestamp", "time"),
        ("state.message", "text"),
        ("state.state_details.pause_timeout", "time"),
        ("state.state_details.pause_reschedule", "flag"),
        ("state.state_details.pause_key", "text"),
    ];
    let mut cases = 0;
    for (field, kind) in FIELDS {
        for value in wrong(kind) {
            let server = FakePrefect::start(vec![run(1, &json!({(field): value})), run(2, &json!({}))]);
            let hub = hub(&server, Duration::from_secs(20));
            hub.pass().await;
            let told = status(&hub, "p").await;
            assert_eq!((told.state, told.bad_rows), (Freshness::Live, 1), "{field} {value}: {told:?}");
            let why = told.bad_row.unwrap();
            assert!(
                why.starts_with("row 1 can't be read: ") && why.contains("at line 1 column"),
                "{field} {value}: {why}"
            );
            assert_eq!(rows(&hub, "p").await.len(), 1, "{field} {value}");
            cases += 1;
        }
    }
    // What is missing or null is not known, and spoils nothing.
    for (field, _) in FIELDS.iter().filter(|(field, _)| !matches!(*field, "id" | "flow_id" | "run_count" | "tags")) {
        let server = FakePrefect::start(vec![run(1, &json!({(*field): null})), run(2, &json!({}))]);
        let hub = hub(&server, Duration::from_secs(20));
        hub.pass().await;
        assert_eq!((rows(&hub, "p").await.len(), status(&hub, "p").await.bad_rows), (2, 0), "{field}");
        cases += 1;
    }
    record("typed-edges", cases, 100);
}

#[tokio::test]
async fn an_id_that_is_none_is_shown_and_not_acted_on() {
    let server = FakePrefect::start(vec![run(1, &json!({"id": "../admin/settings"})), run(2, &json!({}))]);
    let hub = hub(&server, Duration::from_secs(20));
    hub.pass().await;
    let odd = rows(&hub, "p").await.into_iter().find(|row| !row.flow.exact_id).unwrap();
    assert_eq!(*odd.flow.id.instance, *"../admin/settings");
    assert!(hub.plan(Verb::Kill, &InstanceId::new("p", "../admin/settings")).await.is_err());
    let asked = connector(&server, Duration::from_secs(5));
    assert!(asked.read("../admin/settings").await.unwrap().is_none());
    assert!(matches!(asked.act(&act(Verb::Kill, "../admin/settings")).await, ActAnswer::Refused(_)));
    assert!(server.requests().iter().all(|request| !request.path.contains("settings") && !changes(request)));
}

fn act(verb: Verb, instance: &str) -> Act {
    Act {
        verb,
        parameters: quarterdeck::domain::plan::Parameters::new(),
        instance: instance.into(),
        key: "key-1".into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_to_an_act_means_one_thing_and_nothing_is_sent_twice() {
    let exchange = |name: &str| {
        let response = recorded(name)["response"].clone();
        reply(response["status"].as_u64().unwrap().try_into().unwrap(), &response["body"])
    };
    let is = |wanted: &'static str| move |answer: &ActAnswer| format!("{answer:?}").starts_with(wanted);
    let cases: Vec<(Verb, Behaviour, &str)> = vec![
        (
            Verb::Resume,
            exchange("action_resume_not_paused_err"),
            "Refused(\"Cannot resume a flow run that is not paused.\")",
        ),
        (Verb::Resume, exchange("action_retry_failed"), "Done"),
        (Verb::Kill, exchange("action_cancel_done_rejected"), "Done"),
        (Verb::Kill, reply(409, &json!({"detail": "no"})), "Refused(\"no\")"),
        (Verb::Kill, exchange("limit_too_big_err"), "Refused(\"Invalid limit"),
        (Verb::Kill, exchange("auth_missing_err"), "Refused(\"Unauthorized\")"),
        (Verb::Kill, exchange("not_found_err"), "Gone(\"Flow run not found\")"),
        (Verb::Purge, exchange("not_found_err"), "Gone("),
        (Verb::Purge, raw(204, ""), "Done"),
        (Verb::Kill, reply(500, &json!({"exception_message": "Internal Server Error"})), "Unknown("),
        (Verb::Kill, reply(503, &json!({"exception_message": "Service Unavailable"})), "Unknown("),
        (Verb::Kill, Behaviour::TooMany("30".into()), "Refused("),
        (Verb::Kill, Behaviour::Html, "Unknown("),
        (Verb::Kill, Behaviour::ErrorHtml, "Unknown("),
        (Verb::Kill, Behaviour::Close, "Unknown("),
        (Verb::Kill, Behaviour::Silent, "Unknown("),
        (Verb::Kill, Behaviour::Stall, "Unknown("),
        (Verb::Kill, Behaviour::CutLength, "Unknown("),
        (Verb::Kill, Behaviour::Deep(100_000), "Unknown("),
        (Verb::Kill, Behaviour::NotHttp, "Unknown("),
        (Verb::Kill, Behaviour::Redirect(307, "http://127.0.0.1:9/".into()), "Refused(\"redirected (307)"),
        (Verb::RestartAsNew, reply(201, &json!({"id": id(9)})), "Began("),
        (Verb::RestartAsNew, reply(201, &json!({})), "Unknown("),
        (Verb::RestartAsNew, Behaviour::Close, "Unknown("),
        (Verb::RestartAsNew, reply(404, &json!({"detail": "Deployment not found"})), "Gone(\"Deployment not found\")"),
    ];
    for (verb, behaviour, wanted) in cases {
        let server =
            FakePrefect::start(vec![run(1, &json!({"tags": ["tenant:acme", "auto-scheduled", "restarted-from:x"]}))]);
        // A look at the run before is none of it.
        for path in ["/set_state", "/resume", "/create_flow_run"] {
            server.behave_at(path, behaviour.clone());
        }
        if verb == Verb::Purge {
            server.behave(behaviour);
        }
        let answer = connector(&server, Duration::from_secs(2)).act(&act(verb, &id(1))).await;
        assert!(is(wanted)(&answer), "{verb:?}: {answer:?}, and {wanted} was due");
        assert!(!format!("{answer:?}").contains(CANARY), "{answer:?}");
        let sent: Vec<_> = server.requests().into_iter().filter(changes).collect();
        assert_eq!(sent.len(), 1, "{verb:?} {wanted}: {sent:?}");
        if verb == Verb::RestartAsNew {
            let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
            assert_eq!(body["tags"], json!(["tenant:acme", format!("restarted-from:{}", id(1))]));
            assert_eq!(
                (&body["idempotency_key"], &body["parameters"]),
                (&json!("key-1"), &json!({"tenant": "globex"}))
            );
        }
    }
    let mut gone = FakePrefect::start(vec![]);
    let connected = connector(&gone, Duration::from_secs(2));
    assert!(matches!(connected.act(&act(Verb::Resume, &id(1))).await, ActAnswer::Gone(_)), "there is no such run");
    assert!(gone.requests().iter().all(|request| !changes(request)));
    gone.vanish();
    for verb in Verb::OF_FLOWS {
        let answer = connected.act(&act(verb, &id(1))).await;
        assert!(
            matches!(&answer, ActAnswer::Refused(why) if why.starts_with("nothing was sent: ")),
            "{verb:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn another_server_is_no_prefect_without_that_run() {
    let server = FakePrefect::start(vec![]);
    let connected = connector(&server, Duration::from_secs(5));
    assert!(connected.read(&id(1)).await.unwrap().is_none());
    server.behave(Behaviour::NotFoundHtml);
    let error = connected.read(&id(1)).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::NotFound(why) if why.contains("is this the URL of a Prefect API")),
        "{error}"
    );
    server.be_good();
    // It tells of another run than the one it was asked for.
    server.behave_at("/flow_runs/0", reply(200, &run(2, &json!({}))));
    let error = connected.read(&id(1)).await.unwrap_err().to_string();
    assert!(error.contains("asked for") && error.contains("told of"), "{error}");
}

#[tokio::test]
async fn a_key_that_ends_between_two_pages_leaves_all_that_was_told_before() {
    let server = FakePrefect::start((0..250).map(|n| run(n, &json!({}))).collect());
    let hub = hub(&server, Duration::from_secs(60));
    hub.pass().await;
    assert_eq!(rows(&hub, "p").await.len(), 250);
    server.edit(|world| world.runs.truncate(230));
    server.guard(|request| {
        let second = serde_json::from_slice::<Value>(&request.body).is_ok_and(|body| body["offset"].as_u64() > Some(0));
        second.then_some(Behaviour::Unauthorized)
    });
    hub.pass().await;
    let status = status(&hub, "p").await;
    let error = status.error.unwrap();
    assert!(error.contains("refused (401)") && !error.contains(CANARY), "{error}");
    assert_eq!(rows(&hub, "p").await.len(), 250, "no half of a pass is shown");
    server.be_good();
    for _ in 0..2 {
        hub.pass().await;
    }
    assert_eq!(rows(&hub, "p").await.len(), 230);
}
