//! A redirect to another origin: nothing is asked there, no secret goes there, and no act is ever sent there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; clippy's own exception covers test functions only"
)]

mod support;

use std::time::Duration;

use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::domain::source::Freshness;
use quarterdeck::ops::Ops;
use support::binary::Binary;
use support::fake_restate::{FakeRestate, Kind, row};
use support::hostile::{Behaviour, Hostile, Reply};
use support::hub::{config_of, ended, hub_of, status};
use support::matrix::record;
use support::ways::CANARY;

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Where a redirect leads, and what is said of it.
fn targets(other: &Hostile, own: &str) -> Vec<(&'static str, String, String)> {
    let (_, port) = other.url().rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned())).unwrap();
    let (_, own_port) = own.rsplit_once(':').unwrap();
    vec![
        ("another port", format!("{}/query", other.url()), format!("http://127.0.0.1:{port};")),
        ("another host", format!("http://localhost:{port}/query"), format!("http://localhost:{port};")),
        ("another scheme", format!("https://127.0.0.1:{port}/query"), format!("https://127.0.0.1:{port};")),
        ("only the port left out", "//127.0.0.1/query".to_owned(), "http://127.0.0.1:80;".to_owned()),
        (
            "with a password",
            format!("http://user:{CANARY}@127.0.0.1:{port}/?token={CANARY}"),
            format!("http://127.0.0.1:{port};"),
        ),
        ("its own origin", "/elsewhere".to_owned(), format!("http://127.0.0.1:{own_port};")),
        ("nowhere", "http://[".to_owned(), "nowhere;".to_owned()),
    ]
}

/// A server that would answer, and remembers who asked.
fn trap() -> Hostile {
    Hostile::start(Behaviour::Answers(Reply::rows(&[])))
}

#[tokio::test]
async fn a_read_is_never_sent_on() {
    let mut cases = 0;
    for kind in [Kind::Version, Kind::Clock, Kind::Rows] {
        for code in STATUSES {
            let other = trap();
            let server = FakeRestate::start(vec![row("inv_1")]);
            let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), Some(CANARY), Duration::from_secs(60));
            for (name, to, origin) in targets(&other, &server.url()) {
                server.behave_for(kind, Behaviour::Redirect(code, to));
                let before = server.count();
                hub.pass().await;
                let told = status(&hub, "a").await;
                let error = told.error.as_deref().unwrap();
                let wanted = format!("redirected ({code}) to {origin} redirects are not followed");
                assert!(error.contains(&wanted), "{name}: {error}");
                assert!(!error.contains(CANARY), "{name}: {error}");
                assert_eq!(told.state, Freshness::Failed, "{name}");
                let asked = &server.requests()[before..];
                assert!(asked.iter().all(|request| request.path != "/elsewhere"), "{name}: {asked:?}");
                // The secret does go to whom it belongs.
                let bearer = format!("Bearer {CANARY}");
                assert!(asked.iter().all(|request| request.header("authorization") == Some(&bearer)), "{name}");
                cases += 1;
            }
            assert_eq!((other.count(), other.connections()), (0, 0), "{kind:?} {code}");
        }
    }
    record("redirects", cases, 105);
}

#[tokio::test]
async fn an_act_is_never_sent_on() {
    let mut cases = 0;
    for code in STATUSES {
        let other = trap();
        let server = FakeRestate::start(vec![row("inv_1")]);
        let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), Some(CANARY), Duration::from_secs(60));
        for (name, to, _) in targets(&other, &server.url()) {
            server.be_good();
            hub.pass().await;
            server.behave_for(Kind::Act, Behaviour::Redirect(code, to));
            for verb in Verb::ALL {
                let before = server.asked(Kind::Act);
                let plan = hub.plan(verb, &InstanceId::new("a", "inv_1")).await.unwrap();
                let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
                let act = ended(&hub, &act).await;
                assert_eq!(act.item, ItemState::Failed, "{name}: {act:#?}");
                let words = format!("refused: redirected ({code}); redirects are not followed");
                assert_eq!(act.outcome, *words, "{name}");
                assert_eq!(server.asked(Kind::Act), before + 1, "{name}: sent once");
                cases += 1;
            }
        }
        assert!(server.requests().iter().all(|request| request.path != "/elsewhere"));
        assert_eq!((other.count(), other.connections()), (0, 0), "{code}");
    }
    record("redirects", cases, 70);
}

#[test]
fn the_program_follows_none_either() {
    let other = trap();
    for code in STATUSES {
        let server = Hostile::start(Behaviour::Redirect(code, format!("{}/version", other.url())));
        let auth = "auth = { bearer = { env = \"TOKEN\" } }\n";
        let ran = Binary::new(&(config_of(&[("a", &server.url(), "10s")]) + auth)).run(&["get", "sources"]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stdout.contains(&format!("redirected ({code})")), "{ran:?}");
        assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{ran:?}");
        assert_eq!(server.requests()[0].header("authorization"), Some(&*format!("Bearer {CANARY}")));
    }
    assert_eq!((other.count(), other.connections()), (0, 0));
}

/// A server that tells back what it was sent must not bring the secret to the screen or into the record.
#[tokio::test]
async fn an_echoed_secret_is_taken_out() {
    for code in [400, 401, 403, 404, 409, 500] {
        let server = FakeRestate::start(vec![row("inv_1")]);
        let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), Some(CANARY), Duration::from_secs(60));
        let echo = move |kind: &str| {
            let body = format!("{{\"message\":\"what is Bearer {CANARY}?\"}}");
            Behaviour::Answers(Reply::new(code, kind, body))
        };
        server.behave_for(Kind::Act, echo("application/json"));
        let plan = hub.plan(Verb::Cancel, &InstanceId::new("a", "inv_1")).await.unwrap();
        let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
        let act = ended(&hub, &act).await;
        let said = format!("{act:?}");
        assert!(said.contains("[redacted]") && !said.contains(CANARY), "{code}: {said}");
        for kind in ["application/json", "text/html"] {
            server.behave(echo(kind));
            hub.pass().await;
            let error = status(&hub, "a").await.error.unwrap();
            assert!(error.contains("[redacted]") && !error.contains(CANARY), "{code}: {error}");
        }
    }
    // In a row that can't be read, too.
    let server = FakeRestate::start(vec![serde_json::json!({"id": 7, "echo": format!("Bearer {CANARY}")})]);
    server.edit(|world| world.counts = Some(vec![]));
    let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), Some(CANARY), Duration::from_secs(60));
    hub.pass().await;
    let told = status(&hub, "a").await;
    let why = told.bad_row.as_deref().unwrap_or_else(|| panic!("{told:?}"));
    assert!(why.contains("[redacted]") && !why.contains(CANARY), "{why}");
}
