//! Secrets that must not be seen: planted wherever Quarterdeck takes one, told back by the server in every way, and
//! looked for in whatever Quarterdeck writes, prints, shows or keeps.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use crate::support::fake_restate::Kind;
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::{ended, setup};
use crate::support::matrix::record;
use crate::support::program::Said;
use crate::support::request::Request;
use crate::support::secrets::{BASIC, Bench, FROM_COMMAND, FROM_ENV, FROM_FILE, IN_URL, private};
use quarterdeck::config::LogSettings;
use quarterdeck::connect::Connector;
use quarterdeck::connect::restate::Restate;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::log::LogLevel;
use quarterdeck::domain::remediation::Verb;
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::Ops;
use quarterdeck::telemetry;

/// A server that tells back who asked: in the body, as the type, as a target, as a wish, and in a row.
fn echoes() -> Vec<Behaviour> {
    let told = |request: &Request| {
        let whole = request.header("authorization").unwrap_or_default().to_owned();
        let secret = whole.split(' ').next_back().unwrap_or_default().to_owned();
        (whole, secret)
    };
    let by = |answer: fn(&str, &str) -> Reply| {
        Behaviour::by(move |request| {
            let (whole, secret) = told(request);
            Behaviour::Answers(answer(&whole, &secret))
        })
    };
    vec![
        by(|whole, _| Reply::new(500, "application/json", format!("{{\"message\":\"what is {whole}?\"}}"))),
        by(|whole, _| Reply::new(401, "text/plain", format!("no {whole}")).with("x-echo", whole)),
        by(|_, secret| Reply::new(200, secret, secret)),
        by(|_, secret| Reply::new(200, "application/json", format!("\"{secret}\""))),
        by(|_, secret| Reply::new(200, "application/json", secret)),
        by(|_, secret| {
            Reply::new(302, "text/plain", "").with("location", format!("https://{secret}.example/{secret}"))
        }),
        by(|_, secret| Reply::new(429, "text/plain", "").with("retry-after", secret)),
        by(|_, secret| {
            Reply::new(
                200,
                "application/json",
                format!("{{\"version\":\"{secret}\",\"rows\":[{{\"id\":7,\"e\":\"{secret}\"}}]}}"),
            )
        }),
    ]
}

#[test]
fn nothing_that_the_program_prints_holds_a_secret() {
    let bench = Bench::behind_a_proxy();
    let sinks: &[&[&str]] = &[
        &["get", "sources"],
        &["get", "sources", "-o", "json"],
        &["get", "sources", "-o", "ndjson"],
        &["get", "sources", "-o", "csv"],
        &["get", "board", "-o", "json"],
        &["get", "flows", "-o", "json"],
        &["get", "flows"],
        &["get", "flows", "-o", "ndjson"],
        &["get", "flows", "-o", "csv"],
        &["get", "flow", "env/inv_1", "-o", "json"],
        &["get", "flow", "key/inv_1", "--raw", "-o", "json"],
        &["get", "flow", "proxied/inv_1"],
        &["snapshot", "--screen", "sources"],
        &["snapshot", "--screen", "sources", "--format", "ansi"],
        &["snapshot", "--screen", "sources", "--format", "svg"],
        &["snapshot", "--screen", "board"],
        &["snapshot", "--screen", "detail"],
        &["doctor"],
        &["doctor", "-o", "json"],
        &["doctor", "-o", "ndjson"],
        &["doctor", "-o", "csv"],
        &["config", "check"],
        &["config", "example"],
    ];
    let mut cases = 0;
    for sink in sinks {
        // Each command meets two ways of a server to tell secrets back, some at the first question, some later.
        for (at, echo) in echoes().into_iter().cycle().enumerate().skip(cases).take(2) {
            bench.server.be_good();
            if at % 2 == 0 {
                bench.server.behave(echo);
            } else {
                bench.server.behave_for(Kind::Rows, echo.clone());
                bench.server.behave_for(Kind::Version, echo);
            }
            let output = bench.command(sink).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
            assert!(!text.is_empty(), "{sink:?}");
            bench.clean(&sink.join(" "), &text);
            cases += 1;
        }
    }
    let sent = bench.server.requests();
    for secret in [FROM_ENV, FROM_FILE, FROM_COMMAND, BASIC] {
        let is_sent = |request: &Request| request.header("authorization").is_some_and(|sent| sent.contains(secret));
        assert!(sent.iter().any(is_sent), "{secret} goes to whom it belongs");
    }
    assert!(bench.key_was_used() && bench.proxy.wishes().iter().all(|wish| wish.credentials.is_some()));
    assert!(!bench.proxy.wishes().is_empty(), "the proxy was told its own");
    record("canary", cases, 44);
}

#[test]
fn a_secret_in_the_config_is_refused_and_not_repeated() {
    let bench = Bench::new();
    let mut cases = 0;
    for line in [
        format!("url = \"http://jo:{IN_URL}@127.0.0.1:9\""),
        format!("url = \"http://127.0.0.1:9/?token={IN_URL}\""),
        format!("url = \"http://127.0.0.1:9\"\nproxy = \"http://jo:{IN_URL}@127.0.0.1:9\""),
        format!("url = \"http://127.0.0.1:9\"\nauth = {{ bearer = \"{IN_URL}\" }}"),
        format!("url = \"http://127.0.0.1:9\"\nauth = \"{IN_URL}\""),
        format!("url = \"http://127.0.0.1:9\"\nauth = {{ basic = {{ user = \"jo\", password = \"{IN_URL}\" }} }}"),
        format!("url = \"http://127.0.0.1:9\"\nauth = {{ basic = \"jo:{IN_URL}\" }}"),
        format!("url = \"http://127.0.0.1:9\"\nauth = {{ bearer = {{ command = \"echo {IN_URL}\" }} }}"),
    ] {
        let text = format!("[[source]]\nname = \"a\"\nkind = \"restate\"\n{line}\n");
        std::fs::write(bench.path().join("config.toml"), text).unwrap();
        for args in [&["get", "sources"][..], &["doctor"]] {
            let said = Said::of(&bench.command(args).output().unwrap());
            assert_eq!(said.code, 2, "{said:?}");
            bench.clean(&args.join(" "), &(said.out + &said.err));
            cases += 1;
        }
    }
    for name in ["token", "password"] {
        std::fs::write(bench.path().join("config.toml"), &bench.config).unwrap();
        std::fs::set_permissions(bench.path().join(name), std::fs::Permissions::from_mode(0o644)).unwrap();
        let said = Said::of(&bench.command(&["get", "sources"]).output().unwrap());
        said.refused(&["chmod 600"]);
        bench.clean("a file that others can read", &said.err);
        cases += 1;
    }
    record("canary", cases, 18);
}

/// Keys that can't be used: what is in them is nobody's business either.
#[test]
fn a_client_key_that_cannot_be_used_is_not_repeated() {
    let bench = Bench::new();
    let key = std::fs::read_to_string(bench.path().join("me.key")).unwrap();
    let block = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    let body = key.lines().nth(1).unwrap();
    let mut cases = 0;
    for text in [
        block("ENCRYPTED PRIVATE KEY", IN_URL),
        block("PRIVATE KEY", IN_URL),
        block("PRIVATE KEY", &format!("{body}{IN_URL}")),
        block("PRIVATE KEY", body),
        block("RSA PRIVATE KEY", &format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{IN_URL}\n\n{body}")),
        key.replace("-----END PRIVATE KEY-----", IN_URL),
        key.replace("PRIVATE KEY", IN_URL),
        IN_URL.to_owned(),
    ] {
        private(&bench.path().join("me.key"), &text);
        for args in [&["get", "sources"][..], &["doctor", "-o", "json"], &["snapshot", "--screen", "sources"]] {
            let said = Said::of(&bench.command(args).output().unwrap());
            let text = said.out + &said.err;
            assert!(said.code >= 2 && text.contains("me.key"), "{text}");
            bench.clean(&args.join(" "), &text);
            cases += 1;
        }
        let said = Said::of(&bench.command(&["config", "check"]).output().unwrap());
        bench.clean("config check", &(said.out + &said.err));
        cases += 1;
    }
    assert!(!bench.key_was_used());
    record("canary", cases, 32);
}

#[tokio::test]
async fn log_record_debug_and_copies_hold_no_secret() {
    let bench = Bench::new();
    let state = bench.path().join("state");
    let settings = LogSettings { level: LogLevel::Debug, ..LogSettings::default() };
    let telemetry = telemetry::start(&settings, Some(&state));
    let config = bench.config();
    let mut cases = 0;
    bench.clean("the debug print of the config", &format!("{config:?} {config:#?}"));
    cases += 1;
    let mut sources: Vec<(String, Arc<dyn Connector>, Duration)> = Vec::new();
    for source in &config.context.sources {
        let timeout = source.timeout.try_into().unwrap();
        let restate = Restate::new(&source.name, &source.url, timeout, source.transport.clone()).unwrap();
        let copied = restate.ways("inv_1", "flow").request.unwrap().curl();
        bench.clean("the request as curl", &copied);
        cases += 1;
        sources.push((source.name.clone(), Arc::new(restate), Duration::from_secs(60)));
    }
    let hub = Hub::new(Setup { state_dir: Some(state.clone()), ..setup(config, sources) });
    hub.tells(telemetry.book().clone());
    for source in Bench::sources() {
        bench.server.be_good();
        hub.pass().await;
        let echo = echoes().swap_remove(0);
        bench.server.behave_for(Kind::Act, echo);
        let plan = hub.plan(Verb::Cancel, &InstanceId::new(source, "inv_1")).await.unwrap();
        let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
        bench.clean("an act", &format!("{:?}", ended(&hub, &act).await));
        cases += 1;
    }
    for echo in echoes() {
        bench.server.behave(echo);
        hub.pass().await;
        let told = format!("{:?}", hub.overview(&quarterdeck::query::Filter::default()).await.unwrap().sources);
        bench.clean("what is told of the sources", &told);
        bench.clean("the log in the cockpit", &format!("{:?}", hub.log().await.unwrap()));
        cases += 2;
    }
    // What is told is on the disk once nobody tells any more.
    drop(telemetry);
    let mut files = 0;
    for folder in [state.clone(), state.join("log")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                let locks = path.extension().is_some_and(|end| end == "lock" || end == "new");
                assert!(!text.is_empty() || locks, "{}", path.display());
                bench.clean(&path.display().to_string(), &text);
                let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files >= 2, "the record and the log");
    record("canary", cases + files, 29);
}
