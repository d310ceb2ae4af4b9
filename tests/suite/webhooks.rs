//! Webhooks against servers that are good and bad: told once, tried again only where that can't tell twice, never in the
//! way of anybody, and no secret gets out.

use crate::support::crowd::Crowd;
use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::hub::SOON;
use crate::support::runs::{Place, TWO_PEOPLE, asked, carried, review, stands, wish, wish_for};
use crate::support::wait::eventually;
use quarterdeck::config::Config;
use quarterdeck::domain::approval::Answer;
use quarterdeck::domain::notice::{Notice, Occasion};
use quarterdeck::domain::redact::Redactor;
use quarterdeck::domain::wide::{Control, WideState};
use quarterdeck::hub::webhook::Webhooks;
use quarterdeck::ops::Ops;
use serde_json::{Value, json};

/// A webhook at a place below a server, as the config writes it.
fn webhook(name: &str, url: &str, more: &str) -> String {
    format!("[[webhook]]\nname = \"{name}\"\nurl = \"{url}/hook/hunter2\"\ntimeout = \"1s\"\n{more}\n")
}

fn webhooks(config: &str) -> Webhooks {
    let source = "[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";
    let config = Config::parse(&format!("{source}{config}"), "c.toml", None).unwrap();
    Webhooks::new(config.webhooks, Redactor::default())
}

fn answers(status: u16) -> Behaviour {
    Behaviour::Answers(Reply::new(status, "text/plain", "hunter2"))
}

/// What a server was told, in the order in which it came.
fn events(server: &Hostile) -> Vec<String> {
    let event = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["event"].as_str().unwrap().to_owned();
    server.requests().iter().map(|request| event(&request.body)).collect()
}

/// Waits until a server was told this, and nothing else.
async fn told_all(server: &Hostile, expected: &[&str]) {
    eventually(SOON, || async {
        let events = events(server);
        if events == expected { Ok(()) } else { Err(events) }
    })
    .await;
}

/// What came to be of telling one: what was said of a failure, and how often it was asked.
async fn told(behaviour: Behaviour) -> (Option<String>, usize) {
    let server = Hostile::start(behaviour);
    let failed = webhooks(&webhook("chat", &server.url(), "")).tell(&Notice::example()).await;
    assert!(failed.iter().all(|(name, why)| *name == *"chat" && !why.contains("hunter2")), "{failed:?}");
    (failed.first().map(|(_, why)| why.to_string()), server.requests().len())
}

#[tokio::test]
async fn it_is_posted_once_with_its_blanks_filled() {
    let server = Hostile::start(answers(204));
    let body = r#"body = '{"text": "{text}", "channel": "ops"}'"#;
    let notice = Notice { reason: "said \"no\", token=hunter3".into(), ..Notice::example() };
    assert!(webhooks(&webhook("chat", &server.url(), body)).tell(&notice).await.is_empty());
    let [request] = &server.requests()[..] else { panic!("{:?}", server.requests()) };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook/hunter2"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let said: Value = serde_json::from_slice(&request.body).unwrap();
    let text = "anna asks for resume of 298 instances in prod (r1): said \"no\", token=[redacted]";
    assert_eq!(said, json!({"text": text, "channel": "ops"}));
}

#[tokio::test]
async fn only_who_wants_to_know_is_told() {
    let server = Hostile::start(answers(200));
    let hooks = webhooks(&webhook("chat", &server.url(), "events = [\"waiting\", \"outcome\"]"));
    for occasion in Occasion::ALL {
        assert!(hooks.tell(&Notice { occasion, ..Notice::example() }).await.is_empty());
    }
    assert_eq!(events(&server), ["waiting", "outcome"]);
}

#[tokio::test]
async fn what_was_perhaps_taken_is_not_sent_again_and_what_was_refused_for_now_is_once() {
    let again = |status: u16| Some(format!("it answered {status}; and again: it answered {status}"));
    assert_eq!(told(answers(503)).await, (again(503), 2));
    assert_eq!(told(answers(429)).await, (again(429), 2));
    for status in [400, 401, 404, 410] {
        assert_eq!(told(answers(status)).await, (Some(format!("it answered {status}")), 1));
    }
    assert_eq!(told(Behaviour::Silent).await, (Some("no answer in time".to_owned()), 1));
    assert_eq!(told(Behaviour::Close).await, (Some("the connection broke off".to_owned()), 1));
    assert_eq!(told(Behaviour::NotHttp).await, (Some("the connection broke off".to_owned()), 1));
    // Failing once and then not is told.
    let then = Behaviour::Scripted(vec![("/", vec![answers(502), answers(200)])]);
    assert_eq!(told(then).await, (None, 2));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Hostile::start(answers(200));
    let (why, asked) = told(Behaviour::Redirect(307, other.url())).await;
    assert_eq!((why.unwrap().as_str(), asked), ("redirected (307); redirects are not followed", 1));
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn one_that_fails_is_in_nobodys_way() {
    let server = Hostile::start(answers(200));
    let gone = {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", closed.local_addr().unwrap())
    };
    let config = webhook("gone", &gone, "") + &webhook("chat", &server.url(), "");
    let failed = webhooks(&config).tell(&Notice::example()).await;
    let [(name, why)] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!((name.as_str(), why.as_str()), ("gone", "it can't be reached; and again: it can't be reached"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_approval_is_told_of_at_once_after_ten_minutes_and_at_the_end() {
    let server = Hostile::start(answers(204));
    let place = Place::new(Crowd::of(5), &(TWO_PEOPLE.to_owned() + &webhook("chat", &server.url(), "")));
    let (ada, ben) = (place.hub("ada").await, place.hub("ben").await);
    let _polling = ada.start();
    let one = asked(&ada, &wish("rest")).await;
    assert_eq!(one.state, WideState::AwaitingApproval);
    told_all(&server, &["request"]).await;
    place.wait(9 * 60);
    // Whoever minds them has looked meanwhile: it is told by what another one came to.
    let other = asked(&ada, &wish_for([0], "rest")).await;
    eventually(SOON, || async {
        let now = ada.wide_remediation(&other.id).await.unwrap().head.state;
        if now == WideState::Succeeded { Ok(()) } else { Err(now) }
    })
    .await;
    told_all(&server, &["request", "outcome"]).await;
    place.wait(2 * 60);
    told_all(&server, &["request", "outcome", "waiting"]).await;
    review(&ben, &one, Answer::Approve).await.unwrap();
    told_all(&server, &["request", "outcome", "waiting", "outcome"]).await;
    let last: Value = serde_json::from_slice(&server.requests()[3].body).unwrap();
    assert_eq!((&last["id"], &last["state"]), (&json!(one.id), &json!("succeeded")), "{last}");
    assert!(last["outcome"].as_str().unwrap().contains("4 verified"), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_needs_no_approval_nothing_is_told_before_its_end() {
    let server = Hostile::start(answers(204));
    let place = Place::new(Crowd::of(2), &(TWO_PEOPLE.to_owned() + &webhook("chat", &server.url(), "")));
    let hub = place.hub("ada").await;
    let one = asked(&hub, &wish("rest")).await;
    assert_eq!((one.state, events(&server)), (WideState::Approved, Vec::new()));
    let done = carried(&hub, &one.id, Control::Run).await;
    assert_eq!(stands(&done), (WideState::Succeeded, "2 verified".to_owned()));
    told_all(&server, &["outcome"]).await;
}

/// One answers after a minute at the soonest, which is longer than this waits for anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_hangs_or_fails_delays_nothing() {
    let (hangs, fails) = (Hostile::start(Behaviour::Silent), Hostile::start(answers(500)));
    let config = webhook("hangs", &hangs.url(), "").replace("1s", "60s") + &webhook("fails", &fails.url(), "");
    let place = Place::new(Crowd::of(5), &(TWO_PEOPLE.to_owned() + &config));
    let (ada, ben) = (place.hub("ada").await, place.hub("ben").await);
    let one = asked(&ada, &wish("rest")).await;
    review(&ben, &one, Answer::Approve).await.unwrap();
    let done = tokio::time::timeout(SOON, carried(&ada, &one.id, Control::Run)).await.unwrap();
    assert_eq!(stands(&done), (WideState::Succeeded, "5 verified".to_owned()));
    told_all(&hangs, &["request", "outcome"]).await;
    // One that says that it can't is asked once more.
    eventually(SOON, || async {
        let events = events(&fails);
        let counts = ["request", "outcome"].map(|name| events.iter().filter(|event| *event == name).count());
        if counts == [2, 2] { Ok(()) } else { Err(events) }
    })
    .await;
}
