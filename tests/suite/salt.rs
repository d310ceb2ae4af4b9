//! A salt-api made for tests: what its answers mean, tokens that end, answers that are bad in each way, and acts that are
//! sent once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::fake_salt::{FakeSalt, checked, raw, recorded, reply, state};
use crate::support::hostile::Behaviour;
use crate::support::hub::{setup, status};
use crate::support::ledger::verified;
use crate::support::matrix::record;
use crate::support::runs::{carried, request};
use crate::support::ways::CANARY;
use jiff::SignedDuration;
use quarterdeck::config::{Config, Credentials, SaltSettings, Scheme, Transport};
use quarterdeck::connect::salt::Salt;
use quarterdeck::connect::{Act, ActAnswer, ConnectError, Connector, Observation};
use quarterdeck::domain::difference::Difference;
use quarterdeck::domain::drift::{DriftFinding, DriftKind, DriftStatus};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::plan::{CONTENT, Pace, Parameters};
use quarterdeck::domain::remediation::{ItemState, Risk, Verb};
use quarterdeck::domain::remedy::Remedy;
use quarterdeck::domain::source::Freshness;
use quarterdeck::domain::text::{SafeText, is_hidden};
use quarterdeck::domain::wide::{Control, WideState};
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{DriftQuery, Ops, PlanWish, Selection};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn connector_with(server: &FakeSalt, timeout: Duration, settings: SaltSettings) -> Salt {
    let scheme = Scheme::Login { user: "ops".to_owned(), eauth: "sharedsecret".to_owned() };
    let credentials = Some(Credentials::given(scheme, CANARY.into()));
    let transport = Transport { credentials, ..Transport::default() };
    Salt::new("s", &server.url(), timeout, transport, settings, HOUR).unwrap()
}

pub(crate) fn connector(server: &FakeSalt) -> Salt {
    connector_with(server, Duration::from_secs(20), SaltSettings::default())
}

pub(crate) fn hub_of(connector: Salt, state: Option<&Path>) -> Arc<Hub> {
    let config = "[[source]]\nname = \"s\"\nkind = \"terraform\"\npath = \".\"\n";
    let config = Config::parse(config, "config.toml", None).unwrap();
    let sources = vec![("s".into(), Arc::new(connector) as Arc<dyn Connector>, Duration::from_secs(60))];
    let soak = SignedDuration::ZERO;
    Hub::new(Setup { state_dir: state.map(Path::to_path_buf), soak, ..setup(config, sources) })
}

pub(crate) fn states(all: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(all.into_iter().collect::<Map<_, _>>())
}

/// A state that would change these lines.
pub(crate) fn drifted(id: &str, diff: &str) -> (String, Value) {
    state(id, &Value::Null, &json!({ "diff": diff }))
}

pub(crate) const DIFF: &str = "--- \n+++ \n@@ -1,2 +1,2 @@\n-replicas=1\n+replicas=3\n tier=gold\n";

/// What a pass tells: the findings, how much is in sync, and rows that are bad.
async fn pass(salt: &Salt) -> Result<(Vec<DriftFinding>, u64, usize, Option<SafeText>), ConnectError> {
    let (sink, mut parts) = mpsc::channel(1_000);
    salt.observe(sink).await?;
    let (mut findings, mut in_sync, mut bad, mut first_bad) = (Vec::new(), 0, 0, None);
    while let Some(part) = parts.recv().await {
        match part {
            Observation::Drift(some) => findings.extend(some),
            Observation::InSync(count) => in_sync += count,
            Observation::BadRows { count, first } => (bad, first_bad) = (bad + count, Some(first)),
            _ => {}
        }
    }
    findings.sort_by(|one, other| one.id.cmp(&other.id));
    Ok((findings, in_sync, bad, first_bad))
}

#[tokio::test]
async fn what_a_salt_wrote_is_read() {
    let server = FakeSalt::start([("cp-eu-1", checked())]);
    let settings = SaltSettings {
        tenant_grain: Some("tenant".to_owned()),
        scope_grains: vec!["region".to_owned()],
        ..SaltSettings::default()
    };
    let salt = connector_with(&server, Duration::from_secs(20), settings);
    let (findings, in_sync, bad, _) = pass(&salt).await.unwrap();
    assert_eq!((findings.len(), in_sync, bad), (2, 1, 0), "{findings:#?}");
    let [always, file] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((always.what.as_str(), always.status), ("slow-step", DriftStatus::Unsupported));
    assert_eq!(file.id.instance, "cp-eu-1:cp:file.managed:/srv/lab/salt/managed/app.conf");
    assert_eq!((file.scope.as_str(), file.tenant.as_deref()), ("cp-eu-1 (eu-west-1)", Some("acme-eu")));
    assert_eq!(
        (file.status, file.kind, file.difference.removes()),
        (DriftStatus::Drifted, DriftKind::Modified, Some(1))
    );
    assert_eq!(file.desired.reference.as_deref(), Some("file.managed in cp"));
    assert_eq!(file.last_checked.unwrap().to_string(), "2026-11-21T09:48:14Z", "by the server's clock");
    let checkup = salt.examine().await.unwrap();
    assert_eq!((checkup.version.as_deref(), checkup.tested), (Some("3008.3"), Some(true)));
    assert!(checkup.reads.iter().all(|(_, why)| why.is_none()), "{checkup:?}");
}

#[tokio::test]
async fn what_says_when_it_runs_is_drift_where_it_would() {
    let server = FakeSalt::start([("cp-eu-1", checked())]);
    server.edit(|world| {
        world.low = json!([
            {"state": "cmd", "fun": "run", "__id__": "slow-step", "__sls__": "cp", "name": "true", "unless": "test -e x"},
        ]);
    });
    let (findings, ..) = pass(&connector(&server)).await.unwrap();
    assert_eq!((findings[0].what.as_str(), findings[0].status), ("slow-step", DriftStatus::Drifted));
}

#[tokio::test]
async fn each_kind_of_change_is_told() {
    use DriftStatus::{Drifted, Unknown};
    let null = Value::Null;
    let long = format!("--- \n+++ \n@@ -1 +1 @@\n{}+b\n", "-a\n".repeat(50_000));
    let all = [
        state("absent", &null, &json!({"removed": "/etc/absent"})),
        state("binary", &null, &json!({"diff": "Replace binary file"})),
        state("broken", &json!(false), &json!({})),
        drifted("long", &long),
        state("mode", &null, &json!({"diff": DIFF, "mode": "0640"})),
        state("new", &null, &json!({"newfile": "/etc/new"})),
        state("pkg", &null, &json!({"nginx": {"old": "1.2.3", "new": "1.2.4"}})),
        state("untold", &null, &json!({})),
        state("well", &json!(true), &json!({})),
    ];
    let server = FakeSalt::start([("m", states(all))]);
    let (findings, in_sync, ..) = pass(&connector(&server)).await.unwrap();
    let told: Vec<(&str, DriftStatus, DriftKind, Option<usize>)> = findings
        .iter()
        .map(|finding| (finding.what.as_str(), finding.status, finding.kind, finding.difference.removes()))
        .collect();
    assert_eq!(
        told,
        [
            ("absent", Drifted, DriftKind::Unmanaged, Some(1)),
            ("binary", Drifted, DriftKind::Modified, None),
            ("broken", Unknown, DriftKind::Modified, None),
            ("long", Drifted, DriftKind::Modified, Some(50_000)),
            ("mode", Drifted, DriftKind::Modified, Some(1)),
            ("new", Drifted, DriftKind::Missing, Some(0)),
            ("pkg", Drifted, DriftKind::VersionSkew, Some(1)),
            ("untold", Drifted, DriftKind::Modified, None),
        ]
    );
    assert_eq!(in_sync, 1);
    assert_eq!(findings[1].difference, Difference::Binary);
    assert_eq!(findings[2].note.as_deref(), Some("about broken"));
    let lines: Vec<String> = findings[4].difference.lines().iter().map(|line| line.text.to_string()).collect();
    assert!(lines.iter().any(|line| line.contains("\"mode\": \"0640\"")), "what is besides is told, too: {lines:?}");
}

#[tokio::test]
async fn forty_minions_with_one_cause_are_one_row() {
    let names: Vec<String> = (0..40).map(|n| format!("web-{n:02}")).collect();
    let server = FakeSalt::start(names.iter().map(|name| (name.as_str(), states([drifted("motd", DIFF)]))));
    server.edit(|world| {
        let other = states([drifted("motd", &DIFF.replace("replicas=1", "replicas=2"))]);
        world.minions.insert("web-40".to_owned(), other.to_string());
    });
    let hub = hub_of(connector(&server), None);
    hub.pass().await;
    let rows = hub.drift(&DriftQuery { by_cause: true, limit: 10, ..DriftQuery::default() }).await.unwrap().rows;
    let counts: Vec<u64> = rows.iter().map(|row| row.count).collect();
    assert_eq!(counts.iter().sum::<u64>(), 41);
    assert_eq!(counts.len(), 2, "another difference is another cause");
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_pass_is_renewed_once() {
    for after in 0..5 {
        let server = FakeSalt::start([("cp-eu-1", checked())]);
        let salt = connector(&server);
        pass(&salt).await.unwrap();
        server.edit(|world| world.forget_after = Some(after));
        let (findings, ..) = pass(&salt).await.unwrap();
        assert_eq!(findings.len(), 2, "{after}");
        assert_eq!(server.edit(|world| world.logins), 2, "{after}");
    }
}

#[tokio::test]
async fn a_login_that_is_refused_says_so_in_plain_words_and_is_not_tried_on_and_on() {
    let server = FakeSalt::start([("cp-eu-1", checked())]);
    server.edit(|world| world.locked = true);
    let error = pass(&connector(&server)).await.unwrap_err().to_string();
    assert!(
        error.contains("401 Unauthorized Could not authenticate using provided credentials") && !error.contains('<'),
        "{error}"
    );
    assert!(!error.contains(CANARY), "{error}");
    let server = FakeSalt::start([("cp-eu-1", checked())]);
    let salt = connector(&server);
    pass(&salt).await.unwrap();
    server.edit(|world| (world.forget_after, world.locked) = (Some(0), true));
    let error = pass(&salt).await.unwrap_err().to_string();
    assert!(error.contains("refused (401)"), "{error}");
}

#[tokio::test]
async fn a_minion_that_does_not_answer_is_told_as_not_checked() {
    let server = FakeSalt::start([("m1", states([drifted("motd", DIFF)]))]);
    server.edit(|world| _ = world.silent.insert("m2".to_owned()));
    let settings = SaltSettings { tenant_grain: Some("tenant".to_owned()), ..SaltSettings::default() };
    let salt = connector_with(&server, Duration::from_secs(20), settings);
    let (findings, ..) = pass(&salt).await.unwrap();
    let [there, silent] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((silent.id.instance.as_str(), silent.status), ("m2", DriftStatus::NotChecked), "{findings:#?}");
    assert_eq!((silent.last_checked, silent.tenant.as_deref()), (None, Some("kept")));
    let again = salt.recheck(&["m1:cp:file.managed:motd_|-/etc/motd".into(), "gone:cp:file.managed:x".into()]).await;
    let again = again.unwrap();
    assert_eq!(again[0].as_ref().unwrap().version(), there.version());
    assert_eq!(again[1], None, "a minion that nobody knows");
}

#[tokio::test]
async fn what_one_minion_returns_spoils_no_other() {
    let good = states([drifted("motd", DIFF)]);
    let twice = format!("{{{0}: {1}, {0}: {1}}}", json!("file_|-a_|-/a_|-managed"), drifted("a", DIFF).1);
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let odd = [
        ("a text", json!("Minion did not return").to_string(), "Minion did not return"),
        ("an error", json!("ERROR executing 'state.apply': no").to_string(), "ERROR executing"),
        (
            "a traceback",
            json!("x: Traceback (most recent call last):\n  a\nKeyError: 'y'").to_string(),
            "KeyError: 'y'",
        ),
        ("lines", json!(["Rendering SLS 'base:cp' failed: x"]).to_string(), "Rendering SLS"),
        ("nothing", "null".to_owned(), "no states"),
        ("a number", "7".to_owned(), "no states"),
        ("no states", "{}".to_owned(), "no states"),
        ("deep", deep, "can't be read"),
        ("rows that are none", json!({"file_|-a_|-/a_|-managed": 7}).to_string(), "can't be read"),
        ("a key that is none", json!({"x": {"result": null, "changes": {}}}).to_string(), "x"),
        (
            "no top file",
            json!({"no_|-states_|-states_|-None": {"result": false, "comment": "No Top file"}}).to_string(),
            "No Top",
        ),
        ("conflict", json!(["The function \"state.apply\" is running as PID 7"]).to_string(), "running as PID"),
        ("hostile", json!("\u{1b}[2Jboo\u{202e}").to_string(), "boo"),
    ];
    for (name, told, words) in &odd {
        let server = FakeSalt::start([("good", good.clone())]);
        server.edit(|world| _ = world.minions.insert("odd".to_owned(), told.clone()));
        let (findings, ..) = pass(&connector(&server)).await.unwrap();
        let [fine, bad] = &findings[..] else { panic!("{name}: {findings:#?}") };
        assert_eq!(fine.status, DriftStatus::Drifted, "{name}");
        assert!(bad.status.is_blind() && bad.id.instance == *"odd", "{name}: {bad:#?}");
        let note = bad.note.as_deref().unwrap();
        assert!(note.contains(words) && !note.contains(is_hidden), "{name}: {note}");
    }
    let server = FakeSalt::start([("good", good)]);
    server.edit(|world| _ = world.minions.insert("odd".to_owned(), twice));
    let (findings, _, bad, _) = pass(&connector(&server)).await.unwrap();
    assert_eq!((findings.len(), bad), (2, 0), "of two of one name one is told: {findings:#?}");
    record("typed-edges", odd.len() + 1, 10);
}

/// Good, then bad, then good again.
async fn turns(name: &'static str, bad: Behaviour) {
    let well = state("well", &json!(true), &json!({}));
    let server = FakeSalt::start([("m", states([drifted("motd", DIFF), well]))]);
    let late = matches!(bad, Behaviour::Silent | Behaviour::SlowHead | Behaviour::SlowBody | Behaviour::Stall);
    let timeout = Duration::from_secs(if late { 2 } else { 60 });
    let hub = hub_of(connector_with(&server, timeout, SaltSettings::default()), None);
    hub.pass().await;
    assert_eq!(status(&hub, "s").await.state, Freshness::Live, "{name}");
    server.behave(Some(bad));
    hub.pass().await;
    let told = status(&hub, "s").await;
    let error = told.error.unwrap_or_else(|| panic!("{name}: nothing is said"));
    assert_eq!(told.state, Freshness::Stale, "{name}: {error}");
    assert!(!error.contains(CANARY) && !error.chars().any(is_hidden) && error.chars().count() < 620, "{error}");
    let window = hub.drift(&DriftQuery { by_cause: false, limit: 10, ..DriftQuery::default() }).await.unwrap();
    assert_eq!((window.rows.len(), window.blind.len()), (1, 1), "{name}: the last good ones stay");
    assert!(window.rows[0].first.stale, "{name}: it is of before, however lately it was checked");
    let in_sync = (window.in_sync, window.in_sync_was, window.knows_in_sync());
    assert_eq!(in_sync, (0, Some(1), false), "{name}: what was as wanted is not known to be so any more");
    let wish = wish(Verb::Reconcile, &window.rows[0].first.finding.id);
    let refused = hub.plan_of_many(&wish).await.unwrap_err().to_string();
    assert!(refused.contains("its source is not live"), "{name}: {refused}");
    server.behave(None);
    if told.left_alone.is_none() {
        hub.pass().await;
        assert_eq!(status(&hub, "s").await.state, Freshness::Live, "{name}");
    }
    assert!(server.changes().is_empty(), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_turns_bad_is_stale_and_live_again() {
    let mut ways = Behaviour::bad();
    ways.push(("503 as it says it", reply(503, &json!({}))));
    ways.push(("another shape", raw(200, "[[]]")));
    ways.push(("no return", raw(200, "{}")));
    ways.push(("two returns", raw(200, r#"{"return": [{}, {}]}"#)));
    let cases = ways.len();
    let mut running = JoinSet::new();
    for (name, bad) in ways {
        if running.len() >= 6 {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(turns(name, bad));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    for (name, body) in [("another shape", "[[]]"), ("no return", "{}"), ("two", r#"{"return": [{}, {}]}"#)] {
        let server = FakeSalt::start([("m", checked())]);
        let salt = connector(&server);
        pass(&salt).await.unwrap();
        server.behave(Some(raw(200, body)));
        let error = pass(&salt).await.unwrap_err();
        assert!(matches!(error, ConnectError::BadAnswer(_)), "{name}: {error:?}");
    }
    record("hostile-http", cases, 25);
}

pub(crate) fn wish(verb: Verb, id: &InstanceId) -> PlanWish {
    PlanWish {
        remedy: Remedy::Verb(verb, Parameters::new()),
        selection: Selection::Ids([id.clone()].into()),
        waves: "rest".parse().unwrap(),
        pace: Pace { per_second: 100, ..Pace::default() },
    }
}

const MOTD: &str = "m:cp:file.managed:motd_|-/etc/motd";

async fn run(hub: &Hub, verb: Verb) -> quarterdeck::domain::wide::WideDetail {
    let plan = hub.plan_of_many(&wish(verb, &InstanceId::new("s", MOTD))).await.unwrap();
    let asked = request(hub, &plan).await.unwrap();
    carried(hub, &asked.id, Control::Run).await
}

#[tokio::test]
async fn a_state_is_applied_alone_once_and_verified_by_a_new_check() {
    let state = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let server = FakeSalt::start([("m", states([drifted("motd", DIFF), drifted("other", DIFF)]))]);
    let hub = hub_of(connector(&server), Some(state.path()));
    hub.pass().await;
    let plan = hub.plan_of_many(&wish(Verb::Reconcile, &InstanceId::new("s", MOTD))).await.unwrap();
    assert_eq!((plan.risk(), plan.blast.loses.unwrap().exact()), (Risk::Irreversible, Some(1)));
    let done = run(&hub, Verb::Reconcile).await;
    assert_eq!(done.head.state, WideState::Succeeded, "{done:#?}");
    let sent = server.changes();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    let own = json!({"quarterdeck": MOTD, "verb": "reconcile"});
    assert_eq!((&sent[0]["arg"], &sent[0]["tgt"], &sent[0]["metadata"]), (&json!(["motd", "cp"]), &json!(["m"]), &own));
    assert_eq!(sent[0]["kwarg"], json!({"queue": true}));
    assert_eq!(verified(state.path()).broken, None);
    let why = hub.plan_of_many(&wish(Verb::Reconcile, &InstanceId::new("s", MOTD))).await.unwrap_err();
    assert!(why.to_string().contains("it is as wanted"), "{why}");
}

#[tokio::test]
async fn what_is_put_back_is_verified_by_what_is_there() {
    let server = FakeSalt::start([("m", states([drifted("motd", DIFF)]))]);
    server.edit(|world| {
        world.file.there = "by hand".to_owned();
        world.file.copies = vec!["by hand".to_owned(), "before".to_owned()];
    });
    let hub = hub_of(connector(&server), None);
    hub.pass().await;
    let done = run(&hub, Verb::Restore).await;
    assert_eq!(done.head.state, WideState::Succeeded, "{done:#?}");
    let sent = server.changes();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["arg"], json!(["/etc/motd", 1]), "the newest copy that is another one");
    assert_eq!(server.edit(|world| world.file.there.clone()), "before");
    // Another copy than the one that was planned is another plan.
    let plan = hub.plan_of_many(&wish(Verb::Restore, &InstanceId::new("s", MOTD))).await.unwrap();
    server.edit(|world| world.file.copies.insert(0, "somebody else's".to_owned()));
    let asked = request(&hub, &plan).await.unwrap();
    let void = carried(&hub, &asked.id, Control::Run).await;
    assert_eq!(void.head.state, WideState::Stale, "{void:#?}");
    assert_eq!(server.changes().len(), 1);
    server.edit(|world| world.file.copies.clear());
    let why = hub.plan_of_many(&wish(Verb::Restore, &InstanceId::new("s", MOTD))).await.unwrap_err().to_string();
    assert!(why.contains("nothing is kept of what was there before"), "{why}");
}

#[tokio::test]
async fn a_state_that_fails_is_told_with_why() {
    let server = FakeSalt::start([("m", states([drifted("motd", DIFF)]))]);
    server.edit(|world| {
        let failed = state("motd", &json!(false), &json!({}));
        world.acted = Some(states([failed]));
    });
    let hub = hub_of(connector(&server), None);
    hub.pass().await;
    let done = run(&hub, Verb::Reconcile).await;
    assert_eq!((done.head.state, done.items[0].state), (WideState::Failed, ItemState::Failed), "{done:#?}");
    assert!(done.items[0].words.contains("it failed: about motd"), "{done:#?}");
    assert_eq!(server.changes().len(), 1);
}

pub(crate) fn act(verb: Verb, instance: &str) -> Act {
    let parameters = [(CONTENT.into(), "0".repeat(64).as_str().into())].into();
    Act { verb, instance: instance.into(), parameters, key: "k".into() }
}

#[tokio::test]
async fn an_act_is_sent_once_whatever_is_answered() {
    let server = FakeSalt::start([("m", states([drifted("motd", DIFF)]))]);
    let salt = connector(&server);
    pass(&salt).await.unwrap();
    assert!(matches!(salt.act(&act(Verb::Reconcile, "no-such:cp:file.managed:x")).await, ActAnswer::Gone(_)));
    for (verb, instance) in
        [(Verb::Reconcile, "m"), (Verb::Restore, MOTD), (Verb::Kill, MOTD), (Verb::Restore, "m:cp:pkg.latest:x")]
    {
        let answer = salt.act(&act(verb, instance)).await;
        assert!(matches!(answer, ActAnswer::Refused(_)), "{verb:?} {instance}: {answer:?}");
    }
    let before = server.changes().len();
    let html = recorded("no_auth_err")["response"]["body"].as_str().unwrap().to_owned();
    let page = move || Behaviour::Answers(crate::support::hostile::Reply::new(401, "text/html", html.clone()));
    let cases: [(&str, Behaviour, bool); 5] = [
        ("401", page(), true),
        ("500", Behaviour::ErrorHtml, false),
        ("closed", Behaviour::Close, false),
        ("not json", Behaviour::NotJson, false),
        ("cut", Behaviour::CutLength, false),
    ];
    for (n, (name, bad, refused)) in (1..).zip(cases) {
        server.behave(Some(bad));
        let answer = salt.act(&act(Verb::Reconcile, MOTD)).await;
        let fits =
            if refused { matches!(answer, ActAnswer::Refused(_)) } else { matches!(answer, ActAnswer::Unknown(_)) };
        assert!(fits, "{name}: {answer:?}");
        if let ActAnswer::Refused(why) | ActAnswer::Unknown(why) = &answer {
            assert!(!why.contains('<') && !why.contains(is_hidden), "{name}: {why}");
        }
        assert_eq!(server.changes().len(), before + n, "{name}");
        server.behave(None);
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_named_exactly_is_shown_and_never_acted_on() {
    let odd = ["\u{1b}[2Jx", "a\u{202e}b", &"x".repeat(600)];
    for id in odd {
        let server = FakeSalt::start([("m", states([drifted(id, DIFF)]))]);
        let hub = hub_of(connector(&server), None);
        hub.pass().await;
        let rows = hub.drift(&DriftQuery { by_cause: false, limit: 10, ..DriftQuery::default() }).await.unwrap().rows;
        let finding = &rows[0].first.finding;
        assert!(!finding.exact_id && !finding.what.contains(is_hidden), "{finding:?}");
        let why = hub.plan_of_many(&wish(Verb::Reconcile, &finding.id)).await.unwrap_err().to_string();
        assert!(why.contains("can't be named exactly"), "{why}");
    }
}

#[tokio::test]
async fn what_others_did_is_told_by_the_masters_clock() {
    let server = FakeSalt::start([("m", checked())]);
    let salt = connector(&server);
    pass(&salt).await.unwrap();
    let acts = salt.outside("2026-11-20T00:00:00Z".parse().unwrap()).await.unwrap();
    // The master's clock is an hour ahead of UTC, by the job that was begun; tests change nothing.
    let told: Vec<(String, &str, Option<&str>)> =
        acts.iter().map(|act| (act.at.to_string(), act.what.as_str(), act.by.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("2026-11-21T08:48:14Z".to_owned(), "state.apply cp on cp-eu-1", Some("ops")),
            ("2026-11-21T08:48:13Z".to_owned(), "state.apply cp on cp-eu-1", Some("ops")),
        ]
    );
    let later = salt.outside("2026-11-21T08:48:14Z".parse().unwrap()).await.unwrap();
    assert_eq!(later.len(), 1);
}
