//! A TCP proxy in front of an engine that loses mutations on command: before they arrive, or only their answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::background::Background;
use super::request::Request;

#[derive(Default)]
struct Orders {
    cut_before: usize,
    cut_after: usize,
    seen: Vec<String>,
    reached: Vec<String>,
    held: usize,
}

struct Shared {
    orders: Mutex<Orders>,
    hold: watch::Sender<bool>,
}

/// Passes everything, until it is told otherwise. All orders concern requests that change something: `PATCH`, and `POST`
/// of a deployment.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: Background,
}

impl Proxy {
    /// In front of `upstream`, a `http://` URL.
    pub fn start(upstream: &str) -> Self {
        let upstream = upstream.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { orders: Mutex::default(), hold: watch::Sender::new(false) });
        let here = Arc::clone(&shared);
        let server = Background::run(move || async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let (upstream, shared) = (upstream.clone(), Arc::clone(&here));
                tokio::spawn(async move {
                    // However it ends, both connections are closed.
                    let _ = pass(client, &upstream, &shared).await;
                });
            }
        });
        Self { address, shared, _server: server }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next `count` are forwarded, the engine answers, and the connection is cut instead of passing that on.
    pub fn cut_after(&self, count: usize) {
        self.shared.orders.lock().unwrap().cut_after = count;
    }

    /// The next `count` are not forwarded: the connection is cut when they were read.
    pub fn cut_before(&self, count: usize) {
        self.shared.orders.lock().unwrap().cut_before = count;
    }

    /// From now on each waits here, before it is forwarded.
    pub fn hold(&self) {
        self.shared.hold.send_replace(true);
    }

    /// Forwards those that wait, and all later ones.
    pub fn release(&self) {
        self.shared.hold.send_replace(false);
    }

    /// How many wait here.
    pub fn held(&self) -> usize {
        self.shared.orders.lock().unwrap().held
    }

    /// The paths of those that came here.
    pub fn seen(&self) -> Vec<String> {
        self.shared.orders.lock().unwrap().seen.clone()
    }

    /// The paths of those that were forwarded to the engine.
    pub fn reached(&self) -> Vec<String> {
        self.shared.orders.lock().unwrap().reached.clone()
    }
}

async fn pass(client: TcpStream, upstream: &str, shared: &Shared) -> std::io::Result<()> {
    let upstream = TcpStream::connect(upstream).await?;
    let (mut from_engine, mut to_engine) = upstream.into_split();
    let (from_client, mut to_client) = client.into_split();
    let mut from_client = BufReader::new(from_client);
    // Whether what the engine says next is lost.
    let lose = watch::Sender::new(false);
    let losing = lose.subscribe();
    let answers = async move {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match from_engine.read(&mut buffer).await? {
                0 => return Ok(()),
                _ if *losing.borrow() => return Ok(()),
                read => to_client.write_all(&buffer[..read]).await?,
            }
        }
    };
    let requests = async move {
        while let Some(request) = Request::read(&mut from_client).await {
            let changes = changes(&request);
            if changes && !admit(&request, &lose, shared).await {
                return Ok(());
            }
            to_engine.write_all(&request.raw).await?;
            if changes {
                shared.orders.lock().unwrap().reached.push(request.path);
            }
        }
        Ok(())
    };
    // Whichever ends, ends the other: the halves are dropped, and with them both connections.
    tokio::select! {
        ended = answers => ended,
        ended = requests => ended,
    }
}

/// Whether a request changes something.
fn changes(request: &Request) -> bool {
    request.method == "PATCH" || request.method == "POST" && request.path == "/deployments"
}

/// Follows the orders for one that changes something; whether it is to be forwarded.
async fn admit(request: &Request, lose: &watch::Sender<bool>, shared: &Shared) -> bool {
    {
        let mut orders = shared.orders.lock().unwrap();
        orders.seen.push(request.path.clone());
        orders.held += 1;
    }
    let _ = shared.hold.subscribe().wait_for(|hold| !hold).await;
    let mut orders = shared.orders.lock().unwrap();
    orders.held -= 1;
    if orders.cut_before > 0 {
        orders.cut_before -= 1;
        return false;
    }
    if orders.cut_after > 0 {
        orders.cut_after -= 1;
        lose.send_replace(true);
    }
    true
}
