//! A server that misbehaves in one of the ways in which servers have been seen to, and keeps what it was sent.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::background::Background;
use super::request::Request;

mod wire;

/// An answer with a length, as an honest server gives it.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names and values, besides the length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// With a content type.
    pub fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: body.into() }
    }

    /// A 200 with JSON.
    pub fn json(body: &Value) -> Self {
        Self::new(200, "application/json", body.to_string())
    }

    /// A 200 whose body is these rows, as Restate answers a query.
    pub fn rows(rows: &[Value]) -> Self {
        Self::json(&serde_json::json!({ "rows": rows }))
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What answers a request of [`Behaviour::By`].
pub type Answerer = Arc<dyn Fn(&Request) -> Behaviour + Send + Sync>;

/// What the server does with every request.
#[derive(Clone)]
pub enum Behaviour {
    /// Reads it and never answers.
    Silent,
    /// Reads it and closes the connection.
    Close,
    /// Answers well.
    Answers(Reply),
    /// Answers bytes that are not HTTP.
    NotHttp,
    /// 401, with the body that many servers send.
    Unauthorized,
    /// 404 in JSON, by a server that is another one.
    NotFoundJson,
    /// 404 in HTML.
    NotFoundHtml,
    /// 500 in HTML.
    ErrorHtml,
    /// 200 in HTML: a sign-in page, say.
    Html,
    /// Good JSON, named `text/plain`.
    WrongKind,
    /// 200 with no body.
    Empty,
    /// JSON cut off, with the length of the whole.
    CutLength,
    /// JSON cut off within a chunk.
    CutChunk,
    /// JSON cut off by an honest end: only the JSON itself shows it.
    CutQuietly,
    /// What is named JSON and is none.
    NotJson,
    /// Rows that have every field Restate has, each of another type.
    WrongTypes,
    /// Rows that are null, and rows whose fields are.
    Nulls,
    /// Arrays in arrays, so many.
    Deep(usize),
    /// One JSON string of so many bytes; made while it is sent.
    Huge(u64),
    /// A gzip stream of a few megabytes that unpacks to so many MiB of JSON.
    GzipBomb(u64),
    /// A body with neither length nor end, as fast as it is taken.
    Endless,
    /// A header that comes byte by byte and never ends.
    SlowHead,
    /// A body that comes byte by byte.
    SlowBody,
    /// The beginning of a good answer, then nothing, on a connection that stays open: its peer is gone, and nobody
    /// says so.
    Stall,
    /// A header that never ends, as fast as it is taken.
    HeaderFlood,
    /// A redirect with this status, to this URL.
    Redirect(u16, String),
    /// 429 with this `Retry-After`.
    TooMany(String),
    /// By the beginning of the path: each answer once, in their order, and the last one for ever. Else a 404.
    Scripted(Vec<(&'static str, Vec<Behaviour>)>),
    /// As the function says.
    By(Answerer),
}

impl Behaviour {
    /// Decides by the request.
    pub fn by(answer: impl Fn(&Request) -> Behaviour + Send + Sync + 'static) -> Self {
        Self::By(Arc::new(answer))
    }

    /// Every way in which an answer can be bad, with its name, where there is nothing to choose.
    pub fn bad() -> Vec<(&'static str, Self)> {
        vec![
            ("silent", Self::Silent),
            ("close", Self::Close),
            ("not http", Self::NotHttp),
            ("401", Self::Unauthorized),
            ("404 json", Self::NotFoundJson),
            ("404 html", Self::NotFoundHtml),
            ("500 html", Self::ErrorHtml),
            ("200 html", Self::Html),
            ("wrong kind", Self::WrongKind),
            ("empty", Self::Empty),
            ("cut length", Self::CutLength),
            ("cut chunk", Self::CutChunk),
            ("cut quietly", Self::CutQuietly),
            ("not json", Self::NotJson),
            ("deep", Self::Deep(100_000)),
            ("200 MB", Self::Huge(200_000_000)),
            ("gzip bomb", Self::GzipBomb(1024)),
            ("endless", Self::Endless),
            ("slow head", Self::SlowHead),
            ("slow body", Self::SlowBody),
            ("stall", Self::Stall),
            ("header flood", Self::HeaderFlood),
            ("redirect", Self::Redirect(307, "http://127.0.0.1:9/".to_owned())),
            ("429", Self::TooMany("30".to_owned())),
        ]
    }
}

#[derive(Default)]
struct Log {
    requests: Vec<Request>,
    connections: usize,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    log: Mutex<Log>,
    sent: AtomicU64,
}

/// The server. It may be told to behave otherwise, to vanish, and to come back, at any time.
pub struct Hostile {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: Option<Background>,
}

impl Hostile {
    /// On a free port of the loopback interface.
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared =
            Arc::new(Shared { behaviour: Mutex::new(behaviour), log: Mutex::default(), sent: AtomicU64::new(0) });
        let server = Some(run(listener, Arc::clone(&shared)));
        Self { address, shared, server }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From the next request on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// Closes every connection and listens no more.
    pub fn vanish(&mut self) {
        self.server = None;
    }

    /// Listens again at the same address.
    pub fn come_back(&mut self) {
        self.vanish();
        let listener = StdListener::bind(self.address).unwrap();
        self.server = Some(run(listener, Arc::clone(&self.shared)));
    }

    /// What it was sent, in its order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.lock().unwrap().requests.clone()
    }

    /// How many requests it was sent.
    pub fn count(&self) -> usize {
        self.shared.log.lock().unwrap().requests.len()
    }

    /// How many bytes of answers it could write, apart from what it writes byte by byte.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.shared.log.lock().unwrap().connections
    }
}

fn run(listener: StdListener, shared: Arc<Shared>) -> Background {
    listener.set_nonblocking(true).unwrap();
    Background::run(move || async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            shared.log.lock().unwrap().connections += 1;
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                // The client may leave at any time.
                let _ = converse(stream, &shared).await;
            });
        }
    })
}

async fn converse(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    while let Some(request) = Request::read(&mut stream).await {
        shared.log.lock().unwrap().requests.push(request.clone());
        let behaviour = chosen(&request, &shared.behaviour);
        if !wire::perform(&mut stream, behaviour, &shared.sent).await? {
            break;
        }
    }
    Ok(())
}

/// What to do with a request: never a script or a function any more.
fn chosen(request: &Request, behaviour: &Mutex<Behaviour>) -> Behaviour {
    let mut current = behaviour.lock().unwrap();
    let next = match &mut *current {
        Behaviour::Scripted(script) => script
            .iter_mut()
            .find(|(path, answers)| request.path.starts_with(path) && !answers.is_empty())
            .map_or(Behaviour::NotFoundJson, |(_, answers)| match answers.len() {
                1 => answers[0].clone(),
                _ => answers.remove(0),
            }),
        other => other.clone(),
    };
    // A function may take its time, or ask the server what it was sent.
    drop(current);
    match next {
        Behaviour::By(answer) => answer(request),
        next => next,
    }
}
