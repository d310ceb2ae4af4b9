//! The helpers that other tests lean on: do they do what they say?

use std::cell::Cell;
use std::io::Read as _;
use std::time::{Duration, Instant};

use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::proxy::Proxy;
use crate::support::wait::{eventually, eventually_now, seen};
use quarterdeck::connect::ConnectError;
use quarterdeck::connect::http::{ActReply, Client, Method};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(2);

fn client(url: &str) -> Client {
    Client::new(url, LIMIT, None).unwrap()
}

async fn ask(url: &str) -> Result<Value, ConnectError> {
    client(url).body_cap(1 << 20).post_json("/query", &json!({"query": "select 1"})).await.map(|answer| answer.value)
}

/// Asks without the client, and keeps all that comes.
fn raw(url: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn waiting_ends_when_it_is_so() {
    let looks = Cell::new(0);
    let look = || {
        looks.set(looks.get() + 1);
        seen(looks.get(), |n| *n >= 3)
    };
    assert_eq!(eventually_now(LIMIT, look), 3);
    assert_eq!(eventually(LIMIT, || async { look() }).await, 4);
}

#[test]
#[should_panic(expected = "still so after 1ms: \"not yet\"")]
fn waiting_in_vain_tells_what_was_seen() {
    eventually_now(Duration::from_millis(1), || Err::<(), _>("not yet"));
}

#[tokio::test]
async fn every_bad_behaviour_is_an_error_in_time() {
    for (name, behaviour) in Behaviour::bad() {
        let server = Hostile::start(behaviour);
        let started = Instant::now();
        let error = ask(&server.url()).await.expect_err(name);
        assert!(started.elapsed() < LIMIT * 2, "{name}: {:?}", started.elapsed());
        assert!(!error.to_string().contains('\u{1b}'), "{name}: {error}");
        let requests = server.requests();
        assert_eq!((requests.len(), server.connections()), (1, 1), "{name}");
        assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/query"));
        assert_eq!(requests[0].header("accept"), Some("application/json"));
        assert_eq!(requests[0].text(), r#"{"query":"select 1"}"#);
    }
}

#[tokio::test]
async fn rows_of_wrong_types_are_good_json() {
    for (behaviour, rows) in [(Behaviour::WrongTypes, 4), (Behaviour::Nulls, 3)] {
        let server = Hostile::start(behaviour);
        assert_eq!(ask(&server.url()).await.unwrap()["rows"].as_array().map(Vec::len), Some(rows));
    }
}

#[test]
fn a_bomb_is_small_and_unpacks_to_what_it_says() {
    let server = Hostile::start(Behaviour::GzipBomb(3));
    let answer = raw(&server.url());
    let start = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.len() < 20_000, "{}", answer.len());
    let mut unpacked = String::new();
    // The decoder compares length and checksum.
    flate2::read::GzDecoder::new(&answer[start..]).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked.len(), (3 << 20) + 2);
    assert_eq!(serde_json::from_str::<Value>(&unpacked).unwrap(), json!({}));
}

#[tokio::test]
async fn a_script_is_played_to_its_end_and_the_server_vanishes_and_returns() {
    let rows = |n: i32| Behaviour::Answers(Reply::rows(&[json!({"id": n})]));
    let mut server = Hostile::start(Behaviour::Scripted(vec![("/query", vec![rows(1), Behaviour::Close, rows(2)])]));
    let url = server.url();
    let first = |answer: Value| answer["rows"][0]["id"].clone();
    assert_eq!(first(ask(&url).await.unwrap()), 1);
    ask(&url).await.unwrap_err();
    assert_eq!(first(ask(&url).await.unwrap()), 2);
    assert_eq!(first(ask(&url).await.unwrap()), 2);
    let error = client(&url).get_json::<Value>("/version").await.unwrap_err();
    assert!(matches!(error, ConnectError::NotFound(_)), "{error}");
    server.vanish();
    let error = ask(&url).await.unwrap_err().to_string();
    assert!(error.starts_with("connection refused"), "{error}");
    server.come_back();
    assert_eq!(first(ask(&url).await.unwrap()), 2);
    assert_eq!(server.count(), 6);
    server.behave(Behaviour::by(|request| Behaviour::Answers(Reply::json(&json!({"rows": [{"id": request.path}]})))));
    assert_eq!(first(ask(&url).await.unwrap()), "/query");
}

#[tokio::test]
async fn a_redirect_leads_to_a_server_that_would_tell() {
    let other = Hostile::start(Behaviour::Empty);
    let server = Hostile::start(Behaviour::Redirect(308, format!("{}/query", other.url())));
    ask(&server.url()).await.unwrap_err();
    assert_eq!((other.count(), other.connections()), (0, 0));
    // And it does tell, of a client that follows.
    reqwest::Client::builder().no_proxy().build().unwrap().get(server.url()).send().await.unwrap();
    assert_eq!(other.requests()[0].path, "/query");
}

#[tokio::test]
async fn the_proxy_passes_cuts_and_holds() {
    let engine = Hostile::start(Behaviour::Answers(Reply::json(&json!({"ok": true}))));
    let proxy = Proxy::start(&engine.url());
    let client = client(&proxy.url());
    let act = |path: &'static str| {
        let client = client.clone();
        async move { client.act(Method::PATCH, path).await }
    };
    let done = ActReply::Answered { status: 200, body: br#"{"ok":true}"#.to_vec() };
    assert_eq!(ask(&proxy.url()).await.unwrap(), json!({"ok": true}));
    assert_eq!(act("/1").await, done);

    proxy.cut_before(1);
    assert!(matches!(act("/2").await, ActReply::Lost(_)));
    assert_eq!(proxy.reached(), ["/1"]);

    proxy.cut_after(1);
    assert!(matches!(act("/3").await, ActReply::Lost(_)));
    assert_eq!(proxy.reached(), ["/1", "/3"]);
    assert_eq!(act("/4").await, done);

    proxy.hold();
    let held = tokio::spawn(act("/5"));
    eventually(LIMIT, || async { seen(proxy.held(), |n| *n == 1) }).await;
    assert_eq!(proxy.reached().len(), 3);
    proxy.release();
    assert_eq!(held.await.unwrap(), done);
    assert_eq!(proxy.seen(), ["/1", "/2", "/3", "/4", "/5"]);
    assert_eq!(engine.count(), 5);
}
