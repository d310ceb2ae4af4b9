use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const SECRET: &str = "canary-5f1d2c";

/// A server that reads a request and hands the connection to `answer`; counts connections and keeps what it read.
struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    heads: Arc<std::sync::Mutex<Vec<String>>>,
}

async fn serve<F, Fut>(answer: F) -> Server
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (connections, heads) = (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Mutex::new(Vec::new())));
    let server = Server { url, connections: Arc::clone(&connections), heads: Arc::clone(&heads) };
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let (heads, answer) = (Arc::clone(&heads), Arc::clone(&answer));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                heads.lock().unwrap().push(String::from_utf8(head).unwrap());
                answer(stream).await;
            });
        }
    });
    server
}

/// Serves the same bytes to everyone, then closes.
async fn fixed(bytes: impl Into<Vec<u8>>) -> Server {
    let bytes = Arc::new(bytes.into());
    serve(move |mut stream| {
        let bytes = Arc::clone(&bytes);
        async move {
            let _ = stream.write_all(&bytes).await;
            // Read what is still to come, so that closing does not reset the connection.
            let _ = stream.shutdown().await;
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    })
    .await
}

fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

fn client(url: &str) -> Client {
    Client::new(url, Duration::from_secs(2), None).unwrap()
}

async fn error(bytes: impl Into<Vec<u8>>) -> ConnectError {
    let server = fixed(bytes).await;
    let client = client(&server.url).hint("is this a Restate admin URL?");
    client.post_json::<Value>("/query?token=canary", &json!({})).await.unwrap_err()
}

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn a_good_answer_is_read_with_the_servers_clock() {
    let headers = format!("{JSON}date: Thu, 15 Jan 2026 03:12:07 GMT\r\n");
    let server = fixed(response("200 OK", &headers, r#"{"rows":[1]}"#)).await;
    let answer = client(&server.url).post_json::<Value>("/query", &json!({"query": "select 1"})).await.unwrap();
    assert_eq!(answer.value, json!({"rows": [1]}));
    assert_eq!(answer.date.unwrap().to_string(), "2026-01-15T03:12:07Z");
    let head = server.heads.lock().unwrap()[0].to_lowercase();
    assert!(head.starts_with("post /query http/1.1\r\n"), "{head}");
    for line in [concat!("user-agent: quarterdeck/", env!("CARGO_PKG_VERSION")), "accept: application/json"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
    }
}

#[tokio::test]
async fn each_bad_answer_is_told_in_words() {
    let html = "content-type: text/html; charset=utf-8\r\n";
    let page = "<html>\n<body>nginx</body>";
    let cases: &[(Vec<u8>, &str)] = &[
        (response("401 Unauthorized", "", ""), "/query: refused (401): the server wants credentials"),
        (
            response("403 Forbidden", JSON, r#"{"message":"not\u001b[2J yours"}"#),
            "/query: refused (403): the server wants credentials; it says \"not␛[2J yours\"",
        ),
        (response("404 Not Found", "", ""), "404 at /query: is this a Restate admin URL?"),
        (response("404 Not Found", html, page), "404 at /query: is this a Restate admin URL?; it says \"nginx\""),
        (response("500 Internal", html, page), "/query: the server failed (500); it says \"nginx\""),
        (
            response("429 Slow", "retry-after: 30\r\n", ""),
            "/query: refused (429): asked too often; it asks to wait: 30",
        ),
        (response("409 Conflict", JSON, r#"{"message":"busy"}"#), "/query: refused (409); it says \"busy\""),
        (response("204 No Content", "", ""), "/query: answered 204 where 200 was due"),
        (
            response("307 Over", "location: https://u:p@other.example/x?token=canary\r\n", ""),
            "/query: redirected (307) to https://other.example:443; redirects are not followed",
        ),
        (
            response("200 OK", html, page),
            "/query: the answer is not JSON: it is text/html and begins with \"<html>\": is this a Restate admin URL?",
        ),
        (
            response("200 OK", "", "{}"),
            "/query: the answer is not JSON: it is of no named type and begins with \"{}\": is this a Restate admin URL?",
        ),
        (response("200 OK", JSON, ""), "/query: the answer is empty"),
        (
            response("200 OK", JSON, r#"{"a":[1,"#),
            "/query: the answer broke off after 8 bytes: EOF while parsing a value at line 1 column 8",
        ),
        (
            response("200 OK", JSON, "{\"a\":\n nope}"),
            "/query: the answer is malformed JSON: expected ident at line 2 column 3; it begins with \"{\"a\":\"",
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 5000\r\n\r\n{}", "[".repeat(1234)).into_bytes(),
            "/query: the answer broke off after 1,234 bytes",
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{JSON}transfer-encoding: chunked\r\n\r\n3\r\n[1,\r\n").into_bytes(),
            "/query: the answer broke off after 3 bytes",
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{JSON}content-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd").into_bytes(),
            "/query: the answer is garbled after 0 bytes: Invalid gzip header",
        ),
        (vec![], "/query: the server closed the connection before it answered"),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            "/query: no readable HTTP answer: invalid HTTP version parsed; is it https:// rather than http://?",
        ),
        (
            format!("HTTP/1.1 200 OK\r\nx: {}\r\n", "x".repeat(1 << 20)).into_bytes(),
            "/query: the answer's header is too large",
        ),
    ];
    let mut seen = HashMap::new();
    for (bytes, words) in cases {
        let error = error(bytes.clone()).await.to_string();
        assert!(!error.contains("canary"), "{error}");
        seen.insert(*words, error);
    }
    for (words, error) in &seen {
        assert_eq!(error, words);
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_quoted_in_part_only() {
    let server = fixed(response("200 OK", JSON, &format!("\"{}\"", "x".repeat(10_000)))).await;
    let error = client(&server.url).get_json::<u32>("/n").await.unwrap_err().to_string();
    assert!(error.starts_with("/n: the answer is not what was due: invalid type: string \"xxx"), "{error}");
    assert!(error.ends_with("… at line 1 column 10002") && error.len() < 300, "{error}");
}

#[tokio::test]
async fn nothing_listens() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client(&format!("http://{address}"));
    let words = format!("connection refused: nothing listens at {address}");
    let error = client.get_json::<Value>("/version").await.unwrap_err();
    assert_eq!(error, ConnectError::Unreachable(SafeText::new(&words)));
    assert_eq!(client.act(Method::PATCH, "/invocations/x/resume").await, ActReply::NotSent(words.as_str().into()));
}

#[tokio::test]
async fn the_deadline_covers_the_whole_exchange() {
    let silent = serve(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let drip = serve(|mut stream| async move {
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 100000\r\n\r\n").as_bytes()).await;
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let slow_head = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx-slow: ").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for (server, words) in [
        (silent, "/x: no answer within 300 ms"),
        (slow_head, "/x: no answer within 300 ms"),
        (drip, "/x: no whole answer within 300 ms: "),
    ] {
        let started = Instant::now();
        let client = Client::new(&server.url, Duration::from_millis(300), None).unwrap();
        let error = client.get_json::<Value>("/x").await.unwrap_err();
        assert!(matches!(&error, ConnectError::Unreachable(text) if text.starts_with(words)), "{error}");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        let reply = client.act(Method::PATCH, "/x").await;
        assert!(matches!(&reply, ActReply::Lost(text) if text.starts_with(words)), "{reply:?}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_refused_however_it_comes() {
    let endless = serve(|mut stream| async move {
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{JSON}\r\n").as_bytes()).await;
        while stream.write_all(&[b' '; 8192]).await.is_ok() {}
    })
    .await;
    let announced = fixed(format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 1048577\r\n\r\n").into_bytes()).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let spaces = vec![b' '; 1 << 20];
    (0..4).for_each(|_| gzip.write_all(&spaces).unwrap());
    let gzip = gzip.finish().unwrap();
    assert!(gzip.len() < 1 << 17, "{}", gzip.len());
    let head = format!("HTTP/1.1 200 OK\r\n{JSON}content-encoding: gzip\r\ncontent-length: {}\r\n\r\n", gzip.len());
    let bomb = fixed([head.into_bytes(), gzip].concat()).await;
    for server in [endless, announced, bomb] {
        let client = client(&server.url).body_cap(1 << 20);
        let error = client.get_json::<Value>("/x").await.unwrap_err();
        assert_eq!(error, ConnectError::BadAnswer("/x: the answer is larger than 1 MiB".into()));
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_cap_is_read() {
    let body = format!("\"{}\"", "x".repeat(4094));
    let server = fixed(response("200 OK", JSON, &body)).await;
    let answer = client(&server.url).body_cap(4096).post_bytes("/x", &json!(null)).await.unwrap();
    assert_eq!(answer.value.len(), 4096);
    assert_eq!(answer.value.capacity(), 4096);
    let error = client(&server.url).body_cap(4095).post_bytes("/x", &json!(null)).await.unwrap_err();
    assert_eq!(error.to_string(), "/x: the answer is larger than 4,095 bytes");
}

#[tokio::test]
async fn the_bearer_is_sent_and_never_shown() {
    let bearer = || Some(SecretString::from(SECRET));
    let body = format!("token {SECRET} {} unknown", "é".repeat(200));
    let server =
        fixed(response("401 Unauthorized", &format!("content-type: text/plain\r\nx: {SECRET}\r\n"), &body)).await;
    let client = Client::new(&server.url, Duration::from_secs(2), bearer()).unwrap();
    let error = client.get_json::<Value>(&format!("/x?token={SECRET}")).await.unwrap_err();
    assert!(server.heads.lock().unwrap()[0].contains(&format!("Bearer {SECRET}")));
    let words = error.to_string();
    assert!(
        words.starts_with("/x: refused (401): the server does not accept the credentials; it says \"token [redacted]"),
        "{words}"
    );
    for text in [words, format!("{error:?} {client:?}")] {
        assert!(!text.contains(SECRET), "{text}");
    }
    // As the type, as a value of another type, as malformed JSON, and as the target of a redirect.
    for bytes in [
        response("200 OK", &format!("content-type: {SECRET}\r\n"), SECRET),
        response("200 OK", JSON, &format!("\"{SECRET}\"")),
        response("200 OK", JSON, &format!("x{SECRET}")),
        response("302 Found", &format!("location: https://{SECRET}.example/\r\n"), ""),
        response("429 Slow", &format!("retry-after: {SECRET}\r\n"), ""),
    ] {
        let server = fixed(bytes).await;
        let client = Client::new(&server.url, Duration::from_secs(2), bearer()).unwrap();
        let error = client.get_json::<u32>("/x").await.unwrap_err();
        assert!(error.to_string().contains("[redacted]"), "{error}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    }
}

#[test]
fn urls_that_hold_secrets_or_are_none_are_refused_without_quoting_them() {
    for url in [
        format!("http://u:{SECRET}@127.0.0.1:1"),
        format!("http://{SECRET}@127.0.0.1:1"),
        format!("http://127.0.0.1:1/?token={SECRET}"),
        format!("http://127.0.0.1:1/#{SECRET}"),
        format!("ftp://{SECRET}"),
        format!("http://[{SECRET}"),
        SECRET.to_owned(),
    ] {
        let error = Client::new(&url, Duration::from_secs(1), None).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
    }
    let error = Client::new("http://h", Duration::from_secs(1), Some("a\nb".into())).unwrap_err();
    assert_eq!(error.to_string(), "the bearer token holds characters that no header can carry");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = fixed(response("200 OK", JSON, "{}")).await;
    let server = fixed(response("307 Over", &format!("location: {}/x\r\n", other.url), "")).await;
    let client = Client::new(&server.url, Duration::from_secs(2), Some(SECRET.into())).unwrap();
    client.post_json::<Value>("/query", &json!({})).await.unwrap_err();
    let reply = client.act(Method::PATCH, "/x").await;
    assert_eq!(reply, ActReply::Answered { status: 307, body: vec![] });
    assert_eq!(other.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_mutation_has_a_connection_of_its_own_and_is_sent_once() {
    // Keeps connections open: a client with a pool would use one again.
    let server = serve(|mut stream| async move {
        loop {
            if stream.write_all(&response("202 Accepted", JSON, "{}")).await.is_err() {
                return;
            }
            let mut next = [0; 1024];
            if !matches!(stream.read(&mut next).await, Ok(1..)) {
                return;
            }
        }
    })
    .await;
    let client = client(&server.url);
    for count in 1..=5 {
        let reply = client.act(Method::PATCH, "/invocations/x/resume").await;
        assert_eq!(reply, ActReply::Answered { status: 202, body: b"{}".to_vec() });
        assert_eq!(server.connections.load(Ordering::SeqCst), count);
    }
    for _ in 0..5 {
        client.get_json::<Value>("/").await.unwrap_err();
    }
}

#[tokio::test]
async fn a_lost_answer_is_lost_and_the_mutation_is_not_repeated() {
    for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", b"HTTP/1.1 200"] {
        let server = fixed(bytes).await;
        let reply = client(&server.url).act(Method::PATCH, "/x").await;
        assert!(matches!(reply, ActReply::Lost(_)), "{reply:?}");
        assert_eq!(server.connections.load(Ordering::SeqCst), 1);
        assert_eq!(server.heads.lock().unwrap().len(), 1);
    }
}

#[test]
fn what_is_no_path_goes_nowhere() {
    let client = client("http://127.0.0.1:1");
    for path in ["", "x", "@example.com/", ":80/x"] {
        assert!(client.request(&client.reads, Method::GET, path).is_err(), "{path}");
    }
    let url = client.request(&client.reads, Method::GET, "//example.com/").unwrap().build().unwrap();
    assert_eq!(url.url().host_str(), Some("127.0.0.1"));
}

#[test]
fn loopback_addresses_never_go_through_a_proxy() {
    for (url, loopback) in [
        ("http://127.0.0.1:9070", true),
        ("http://127.8.8.8", true),
        ("http://[::1]:9070", true),
        ("http://localhost", true),
        ("http://a.localhost", true),
        ("http://localhost.example", false),
        ("http://10.0.0.1", false),
    ] {
        assert_eq!(build::is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
    }
}

#[tokio::test]
async fn a_caller_may_read_row_by_row() {
    let server = fixed(response("200 OK", JSON, r#"{"rows":[{"id":1},null,{"id":2}]}"#)).await;
    let client = client(&server.url);
    let answer = client.post_bytes("/query", &json!({})).await.unwrap();
    let rows: HashMap<&str, Vec<&serde_json::value::RawValue>> = client.parse("/query", &answer.value).unwrap();
    assert_eq!(rows["rows"].len(), 3);
}
