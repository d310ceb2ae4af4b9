//! A real Salt: what somebody changed by hand is drift with what differs; it is made what is wanted, put back to what it
//! was, and left alone for a while, each by plans that are recorded and verified by new checks. And what minions are at is
//! told as it runs, and ended.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::hub::{rows, setup};
use crate::support::ledger::{entries, events, verified};
use crate::support::runs::{carried, request, request_back};
use crate::support::salt::{PASSWORD, Salt, USER};
use crate::support::wait::{eventually, seen};
use jiff::{SignedDuration, Timestamp};
use quarterdeck::config::{Config, Flags, Surroundings};
use quarterdeck::connect::Connector;
use quarterdeck::connect::salt::Salt as Connected;
use quarterdeck::domain::difference::Difference;
use quarterdeck::domain::drift::{DriftKind, DriftStatus, KnownDrift};
use quarterdeck::domain::flow::Status;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::outside::Outside;
use quarterdeck::domain::plan::{Pace, Parameters, WidePlan};
use quarterdeck::domain::remediation::{ItemState, Risk, Verb};
use quarterdeck::domain::remedy::Remedy;
use quarterdeck::domain::wide::{Control, WideDetail, WideState};
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{DriftQuery, IgnoreOf, Ops, PlanWish, Selection};
use serde_json::{Value, json};

const SOURCE: &str = "salt";

fn config(url: &str) -> String {
    format!(
        "[[source]]\nname = \"{SOURCE}\"\nkind = \"salt\"\nurl = \"{url}\"\ntenant_grain = \"tenant\"\n\
         scope_grains = [\"region\"]\ncheck_interval = \"5m\"\njobs_interval = \"1s\"\n\
         auth = {{ login = {{ user = \"{USER}\", eauth = \"sharedsecret\", password = {{ env = \"SALT_PASSWORD\" }} }} }}\n"
    )
}

/// A hub on a salt-api, made as a config makes it.
async fn hub(url: &str, state: &Path) -> Arc<Hub> {
    let variable = |name: &str| (name == "SALT_PASSWORD").then(|| PASSWORD.to_owned());
    let surroundings = Surroundings { variable: &variable, folder: Path::new(".") };
    let config = Config::parse_in(&config(url), "config.toml", &Flags::default(), &surroundings).unwrap();
    let source = config.context.sources[0].clone();
    let (timeout, transport) = (Duration::from_secs(20), source.transport.clone());
    let connector = Connected::new(SOURCE, url, timeout, transport, source.salt, source.check_interval).unwrap();
    let sources = vec![(SOURCE.into(), Arc::new(connector) as Arc<dyn Connector>, Duration::from_secs(1))];
    let soak = SignedDuration::from_secs(10);
    let hub = Hub::new(Setup { state_dir: Some(state.to_owned()), soak, ..setup(config, sources) });
    hub.pass().await;
    hub
}

/// The same, once all minions have answered to a check: on a busy machine they may take longer than it waits.
async fn checked_hub(url: &str, state: &Path) -> Arc<Hub> {
    for _ in 0..4 {
        let hub = hub(url, state).await;
        if drift(&hub).await.iter().all(|known| known.finding.status != DriftStatus::NotChecked) {
            return hub;
        }
    }
    panic!("minions that had just applied their states answer to no check");
}

/// A file on each minion, one that a template differs in, a command that always runs and one that says when.
fn states(managed: &Path, replicas: u32) -> String {
    let at = managed.display();
    format!(
        "app-conf:\n  file.managed:\n    - name: {at}/app-{{{{ grains['id'] }}}}.conf\n    - contents: |\n        \
         replicas={replicas}\n        tier=gold\n\
         slow-step:\n  cmd.run: [{{name: 'true'}}]\n\
         guarded:\n  cmd.run: [{{name: 'true', unless: 'true'}}]\n\
         no-source:\n  file.managed: [{{name: {at}/x, source: 'salt://nowhere'}}]\n"
    )
}

async fn drift(hub: &Hub) -> Vec<KnownDrift> {
    let query = DriftQuery { by_cause: false, limit: 1_000, ..DriftQuery::default() };
    hub.drift(&query).await.unwrap().rows.into_iter().map(|row| row.first).collect()
}

fn wish(verb: Verb, selection: Selection) -> PlanWish {
    PlanWish {
        remedy: Remedy::Verb(verb, Parameters::new()),
        selection,
        waves: "probe,rest".parse().unwrap(),
        pace: Pace::default(),
    }
}

fn ids(all: &[&KnownDrift]) -> Selection {
    Selection::Ids(all.iter().map(|known| known.finding.id.clone()).collect())
}

async fn run(hub: &Hub, plan: &WidePlan) -> WideDetail {
    let asked = request(hub, plan).await.unwrap();
    carried(hub, &asked.id, Control::Run).await
}

fn told(known: &KnownDrift) -> String {
    known.finding.difference.lines().iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{}{}", line.side.sign(), line.text).unwrap();
        text
    })
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a Salt takes long to start, so that one goes through all of it")]
async fn what_was_changed_by_hand_is_brought_back_and_put_back_again() {
    let mut salt = Salt::start(&["cp-eu", "cp-us"], |managed| states(managed, 3)).await;
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let state = home.path();
    let file = |minion: &str| salt.managed().join(format!("app-{minion}.conf"));
    let text = |minion: &str| std::fs::read_to_string(file(minion)).unwrap();
    salt.apply("*").await;
    assert_eq!(text("cp-eu"), "replicas=3\ntier=gold\n");
    let by_hand = "replicas=1\ntier=gold\nextra=yes\n";
    for minion in ["cp-eu", "cp-us"] {
        std::fs::write(file(minion), by_hand).unwrap();
    }

    // What differs, where, for whom.
    let hub = checked_hub(&salt.url(), state).await;
    let all = drift(&hub).await;
    let of = |status: DriftStatus| all.iter().filter(|known| known.finding.status == status).collect::<Vec<_>>();
    let drifted = of(DriftStatus::Drifted);
    assert_eq!(drifted.len(), 2, "{all:#?}");
    let one = drifted.iter().find(|known| known.finding.scope.starts_with("cp-eu")).unwrap();
    assert_eq!(one.finding.scope, "cp-eu (eu-1)");
    assert_eq!(one.finding.tenant.as_deref(), Some("acme-cp-eu"));
    assert_eq!((one.finding.kind, one.finding.what.as_str()), (DriftKind::Modified, "app-conf"));
    assert!(matches!(one.finding.difference, Difference::Patch(_)));
    assert!(told(one).contains("-replicas=1\n+replicas=3\n tier=gold\n-extra=yes\n"), "{}", told(one));
    assert_eq!(drifted[0].finding.cause_key, drifted[1].finding.cause_key, "one cause");
    let always: Vec<&str> = of(DriftStatus::Unsupported).iter().map(|known| known.finding.what.as_str()).collect();
    assert_eq!(always, ["slow-step", "slow-step"], "a command that says when is as wanted");
    let unknown = of(DriftStatus::Unknown);
    assert!(unknown[0].finding.note.as_deref().unwrap().contains("salt://nowhere not found"), "{unknown:?}");
    let rows = hub.drift(&DriftQuery { by_cause: true, limit: 10, ..DriftQuery::default() }).await.unwrap().rows;
    assert_eq!((rows[0].count, rows[0].scopes, rows[0].tenants), (2, 2, 2));

    // Both are made what is wanted, by one plan for their cause. It says what is lost.
    let cause = Selection::Cause { source: Some(SOURCE.into()), key: one.finding.cause_key.clone() };
    let plan = hub.plan_of_many(&wish(Verb::Reconcile, cause)).await.unwrap();
    assert_eq!((plan.frozen.targets.len(), plan.risk()), (2, Risk::Irreversible), "{plan:#?}");
    assert_eq!(plan.blast.loses.unwrap().exact(), Some(4));
    assert!(plan.effects[0].0.contains("2 of what is there are LOST"), "{:?}", plan.effects);
    let unfit = hub.plan_of_many(&wish(Verb::Reconcile, ids(&unknown))).await.unwrap_err().to_string();
    assert!(unfit.contains("nobody knows whether it differs"), "{unfit}");
    let done = run(&hub, &plan).await;
    assert_eq!(done.head.state, WideState::Succeeded, "{done:#?}");
    for item in done.items.iter() {
        assert_eq!(item.state, ItemState::Verified);
        assert_eq!(item.words, "verified: a new check finds it as wanted");
    }
    assert_eq!(text("cp-eu"), "replicas=3\ntier=gold\n");
    assert_eq!(text("cp-us"), text("cp-eu"));
    let status = |known: KnownDrift| known.status(Timestamp::now());
    assert_eq!(status(hub.finding(&one.finding.id).await.unwrap()), DriftStatus::Resolved);

    // That is taken back: what was there before is there again, and is drift again.
    let back = hub.plan_rollback(&done.head.id).await.unwrap();
    assert_eq!((back.frozen.targets.len(), back.risk()), (2, Risk::Costly), "{back:#?}");
    assert!(back.effects[0].0.contains("31 bytes"), "{:?}", back.effects);
    let asked = request_back(&hub, &back, &done.head.id).await.unwrap();
    let undone = carried(&hub, &asked.id, Control::Run).await;
    assert_eq!(undone.head.state, WideState::Succeeded, "{undone:#?}");
    assert!(undone.items.iter().all(|item| item.words == "verified: what was to be put back is there"), "{undone:#?}");
    assert_eq!(text("cp-eu"), by_hand);
    assert_eq!(status(hub.finding(&one.finding.id).await.unwrap()), DriftStatus::Drifted);
    assert_eq!(hub.wide_remediation(&done.head.id).await.unwrap().head.state, WideState::RolledBack);

    // What has changed since the plan was made is left out; alone, nothing is sent at all. The token is gone meanwhile.
    salt.forget_tokens();
    let too_old = hub.plan_of_many(&wish(Verb::Reconcile, ids(&[one]))).await.unwrap();
    std::fs::write(file("cp-eu"), "replicas=7\n").unwrap();
    let void = run(&hub, &too_old).await;
    assert_eq!(void.head.state, WideState::Stale, "{void:#?}");
    assert!(void.items[0].words.starts_with("changed: a new check finds it drifted"), "{void:#?}");
    assert_eq!(text("cp-eu"), "replicas=7\n");

    // One is left alone for a while: no plan takes it.
    let until = Timestamp::now() + SignedDuration::from_hours(1);
    let ignore = |until| IgnoreOf { id: one.finding.id.clone(), until, reason: "until the move".into() };
    assert_eq!(status(hub.ignore(&ignore(Some(until))).await.unwrap()), DriftStatus::Ignored);
    let plan = hub.plan_of_many(&wish(Verb::Reconcile, ids(&drifted))).await.unwrap();
    assert_eq!(plan.frozen.targets.len(), 1);
    assert!(plan.skipped[0].reason.contains("until the move"), "{:?}", plan.skipped);

    // A minion that is gone is not green, and what can't be done is told with why.
    salt.kill_minion("cp-us");
    let failed = run(&hub, &plan).await;
    assert_eq!(failed.head.state, WideState::Stale, "{failed:#?}");
    assert!(failed.items[0].words.contains("not checked"), "{failed:#?}");
    let ended = hub.ignore(&ignore(None)).await.unwrap();
    assert_eq!(status(ended), DriftStatus::Drifted);

    // Another process sees the same, and all that was done was Quarterdeck's own.
    drop(hub);
    let hub = self::hub(&salt.url(), state).await;
    let silent = hub.finding(&InstanceId::new(SOURCE, "cp-us")).await.unwrap();
    assert_eq!(silent.finding.status, DriftStatus::NotChecked);
    assert_eq!(silent.finding.tenant.as_deref(), Some("acme-cp-us"), "the master has kept its grains");
    let Outside { acts, untold, .. } = hub.outside(100).await.unwrap();
    assert!(untold.is_empty(), "{untold:?}");
    let by_others: BTreeSet<&str> = acts.iter().map(|act| act.what.as_str()).collect();
    assert_eq!(by_others, BTreeSet::from(["state.apply on *"]), "{acts:#?}");
    let entries = entries(state);
    assert_eq!(entries.iter().filter(|entry| entry.action == "ignore").count(), 2);
    let told = events(&entries, &done.head.id);
    assert!(["request", "act", "answer", "outcome"].iter().all(|what| told.iter().any(|t| t == what)), "{told:?}");
    assert_eq!(verified(state).broken, None);
}

/// What the minions are at, as the master finds out: each job on each of them.
async fn at_work(salt: &Salt) -> BTreeSet<String> {
    let active = salt.ask(json!([{"client": "runner", "fun": "jobs.active"}])).await;
    let jobs = active["return"][0].as_object().unwrap();
    let minions = |job: &Value| -> Vec<String> {
        let running = job["Running"].as_array().into_iter().flatten();
        running.filter_map(|one| Some(one.as_object()?.keys().next()?.clone())).collect()
    };
    jobs.iter().flat_map(|(jid, job)| minions(job).into_iter().map(move |minion| format!("{jid}@{minion}"))).collect()
}

#[tokio::test]
async fn a_job_that_hangs_is_told_and_killed() {
    let slow = "slow:\n  cmd.run:\n    - name: sleep 600\n    - unless: test -e {at}/done\n";
    let salt = Salt::start(&["cp-eu", "cp-us"], |managed| slow.replace("{at}", &managed.display().to_string())).await;
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let begin = |minion: &str, function: &str, arguments: Value| {
        let job = json!([{"client": "local_async", "tgt": minion, "fun": function, "arg": arguments}]);
        let answer = salt.ask(job);
        async move { answer.await["return"][0]["jid"].as_str().unwrap().to_owned() }
    };
    let hung = begin("cp-eu", "state.apply", json!(["cp"])).await;
    let other = begin("*", "cmd.run", json!(["sleep 600"])).await;
    let expected: BTreeSet<String> =
        [format!("{hung}@cp-eu"), format!("{other}@cp-eu"), format!("{other}@cp-us")].into();
    eventually(Duration::from_secs(30), || async { seen(at_work(&salt).await, |there| *there == expected) }).await;

    // They are on the board, as many as the master itself finds, and no command is shown as a step.
    let hub = hub(&salt.url(), home.path()).await;
    let told = rows(&hub, SOURCE).await;
    assert_eq!(told.iter().map(|judged| judged.flow.id.instance.to_string()).collect::<BTreeSet<_>>(), expected);
    let of = |id: &str| told.iter().map(|judged| &judged.flow).find(|flow| *flow.id.instance == *id).unwrap();
    let apply = of(&format!("{hung}@cp-eu"));
    assert_eq!((apply.flow.as_str(), apply.step.as_str(), apply.status), ("state.apply", "cp", Status::Running));
    assert_eq!((apply.key.as_deref(), apply.tenant.as_deref()), (Some("cp-eu"), None), "nobody has told of it yet");
    let age = Timestamp::now().duration_since(apply.created_at.unwrap());
    assert!(age.as_secs() < 120 && !age.is_negative(), "{age}");
    assert_eq!(of(&format!("{other}@cp-us")).step, "[running]");
    let answer = hub.flow(&apply.id).await.unwrap();
    assert!(answer.detail.facts.iter().any(|(name, value)| *name == "begun by" && **value == *USER), "{answer:?}");

    // A minion that is at its states can't be checked, and that is said with why; the other one is.
    let all = drift(&hub).await;
    let blind: Vec<_> =
        all.iter().map(|known| &known.finding).filter(|f| f.status == DriftStatus::NotChecked).collect();
    let [blind] = blind[..] else { panic!("{all:#?}") };
    assert_eq!(blind.id.instance, "cp-eu");
    assert!(blind.note.as_deref().unwrap().contains(&hung), "{blind:?}");
    assert!(all.iter().any(|known| known.finding.scope.starts_with("cp-us")), "{all:#?}");

    // It is ended there, and only it. A new look finds it gone.
    let kill = |id: &InstanceId| wish(Verb::Kill, Selection::Ids([id.clone()].into()));
    let plan = hub.plan_of_many(&kill(&apply.id)).await.unwrap();
    assert_eq!((plan.frozen.targets.len(), plan.risk()), (1, Risk::Irreversible), "{plan:#?}");
    let late = hub.plan_of_many(&kill(&of(&format!("{other}@cp-us")).id)).await.unwrap();
    let done = run(&hub, &plan).await;
    assert_eq!((done.head.state, &*done.items[0].words), (WideState::Succeeded, "verified: it is gone"), "{done:#?}");
    let left: BTreeSet<String> = [format!("{other}@cp-eu"), format!("{other}@cp-us")].into();
    assert_eq!(at_work(&salt).await, left);

    // Somebody else ends another one: what was planned is not sent, and who did it is told.
    let by_hand = begin("cp-us", "saltutil.kill_job", json!([other])).await;
    assert!(!by_hand.is_empty());
    eventually(Duration::from_secs(30), || async { seen(at_work(&salt).await, |there| there.len() == 1) }).await;
    let void = run(&hub, &late).await;
    assert_eq!(void.items[0].state, ItemState::Skipped, "{void:#?}");
    let acts = hub.outside(100).await.unwrap().acts;
    let ended = acts.iter().find(|act| act.verb == Some(Verb::Kill)).unwrap_or_else(|| panic!("{acts:#?}"));
    assert_eq!((&*ended.subject, ended.by.as_deref()), (&*format!("{other}@cp-us"), Some(USER)), "{acts:#?}");

    // The minion is checked again, and its job is no more on the board.
    hub.refresh(Some(SOURCE)).await.unwrap();
    eventually(Duration::from_secs(60), || async {
        hub.pass().await;
        let told = rows(&hub, SOURCE).await;
        seen(told, |told| told.len() == 1)
    })
    .await;
    hub.recheck(&blind.id).await.unwrap();
    assert!(!drift(&hub).await.iter().any(|known| known.finding.status == DriftStatus::NotChecked));
    assert_eq!(verified(home.path()).broken, None);
}
