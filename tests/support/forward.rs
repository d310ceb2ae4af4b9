//! A forward proxy, as a company has one before everything outside: it is told where to go, whether in the request or by
//! `CONNECT`, and keeps what it was told. The names that it knows lead to this machine and exist nowhere else, so that
//! whatever arrives behind it came through it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::background::Background;
use super::request::Request;

/// What the names end with that the proxy knows; before it stands the port on this machine.
const DOMAIN: &str = "quarterdeck.test";

/// The certificate for a server behind the proxy is for this name.
pub const WILDCARD: &str = "*.quarterdeck.test";

/// The name by which the proxy knows a server of this machine.
pub fn name_of(url: &str) -> String {
    let (_, port) = url.rsplit_once(':').unwrap();
    format!("p{port}.{DOMAIN}")
}

/// One wish that the proxy was told.
#[derive(Debug, Clone)]
pub struct Wish {
    /// `CONNECT`, or the method that was to be handed on.
    pub method: String,
    /// The host and the port.
    pub target: String,
    /// What it was told of who asks.
    pub credentials: Option<String>,
}

/// The proxy.
pub struct Forward {
    address: SocketAddr,
    wishes: Arc<Mutex<Vec<Wish>>>,
    _server: Background,
}

impl Forward {
    /// One that takes everybody.
    pub fn start() -> Self {
        Self::start_for(None)
    }

    /// One that wants this as `Proxy-Authorization`, and else answers 407.
    pub fn start_for(wanted: Option<&str>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let wishes = Arc::new(Mutex::new(Vec::new()));
        let (kept, wanted) = (Arc::clone(&wishes), wanted.map(str::to_owned));
        let server = Background::run(move || async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let (kept, wanted) = (Arc::clone(&kept), wanted.clone());
                tokio::spawn(async move {
                    // However it ends, both connections are closed.
                    let _ = pass(client, wanted.as_deref(), &kept).await;
                });
            }
        });
        Self { address, wishes, _server: server }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same with a user and a password.
    pub fn url_with(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.address)
    }

    /// What it was told, in its order.
    pub fn wishes(&self) -> Vec<Wish> {
        self.wishes.lock().unwrap().clone()
    }
}

async fn pass(client: TcpStream, wanted: Option<&str>, wishes: &Mutex<Vec<Wish>>) -> std::io::Result<()> {
    let (from_client, mut to_client) = client.into_split();
    let mut from_client = BufReader::new(from_client);
    let mut server: Option<(String, OwnedWriteHalf)> = None;
    let mut answers: Option<OwnedReadHalf> = None;
    loop {
        let request = tokio::select! {
            request = Request::read(&mut from_client) => request,
            // Whatever the server says goes back; where it ends, the client's connection does.
            ended = answer(&mut answers, &mut to_client) => return ended,
        };
        let Some(request) = request else { return Ok(()) };
        let (target, path) = aim(&request);
        let credentials = request.header("proxy-authorization").map(str::to_owned);
        let let_in = wanted.is_none_or(|wanted| credentials.as_deref() == Some(wanted));
        wishes.lock().unwrap().push(Wish { method: request.method.clone(), target: target.clone(), credentials });
        if !let_in {
            to_client.write_all(b"HTTP/1.1 407 Who Are You\r\ncontent-length: 0\r\n\r\n").await?;
            continue;
        }
        let Some(port) = port(&target) else {
            to_client.write_all(b"HTTP/1.1 502 No Such Place\r\ncontent-length: 0\r\n\r\n").await?;
            continue;
        };
        if server.as_ref().is_none_or(|(known, _)| *known != target) {
            let (reads, writes) = TcpStream::connect(("127.0.0.1", port)).await?.into_split();
            server = Some((target, writes));
            answers = Some(reads);
        }
        let Some((_, to_server)) = &mut server else { return Ok(()) };
        if request.method == "CONNECT" {
            to_client.write_all(b"HTTP/1.1 200 Go On\r\n\r\n").await?;
            return tokio::select! {
                ended = answer(&mut answers, &mut to_client) => ended,
                ended = tokio::io::copy(&mut from_client, to_server) => ended.map(|_| ()),
            };
        }
        // What is meant for the proxy ends here, as with every honest one.
        let mine = ["proxy-authorization", "proxy-connection"];
        let kept = request.headers.iter().filter(|(name, _)| !mine.contains(&&**name));
        let mut head = format!("{} {path} HTTP/1.1\r\n", request.method);
        for (name, value) in kept {
            head.extend([name, ": ", value, "\r\n"]);
        }
        to_server.write_all((head + "\r\n").as_bytes()).await?;
        to_server.write_all(&request.body).await?;
    }
}

/// Hands on what the server says, until it ends.
async fn answer(from: &mut Option<OwnedReadHalf>, to: &mut OwnedWriteHalf) -> std::io::Result<()> {
    match from {
        Some(from) => tokio::io::copy(from, to).await.map(|_| ()),
        None => std::future::pending().await,
    }
}

/// Where a request is to go, and the path there.
fn aim(request: &Request) -> (String, String) {
    let Some((_, rest)) = request.path.split_once("://") else { return (request.path.clone(), String::new()) };
    let at = rest.find('/').unwrap_or(rest.len());
    let (target, path) = rest.split_at(at);
    (target.to_owned(), if path.is_empty() { "/".to_owned() } else { path.to_owned() })
}

/// The port on this machine that a name means.
fn port(target: &str) -> Option<u16> {
    let host = target.split(':').next()?;
    host.strip_suffix(DOMAIN)?.strip_suffix('.')?.strip_prefix('p')?.parse().ok()
}
