//! A Restate that holds very many instances: the ones of `demo --instances`, answered as the engine answers what the
//! connector asks. Made while it is sent, so that a million of them take a few megabytes here.
//!
//! It can answer conditionally, as a proxy before an engine may and the engine itself does not: each answer carries an
//! `ETag`, and a request that names it gets a 304 as long as nothing has changed.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher as _};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use quarterdeck::connect::sim::Bulk;
use quarterdeck::domain::flow::{FlowInstance, PauseCause, Status};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};

use super::background::Background;
use super::fake_restate::{Kind, quoted, sql};
use super::request::Request;

/// So many bytes of an answer are made before they are sent.
const PART: usize = 64 * 1024;

/// A row as the engine writes it: what is null is left out.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    target_service_name: &'a str,
    target_handler_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_service_key: Option<&'a str>,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_failure: Option<String>,
    created_at: Option<String>,
    modified_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inboxed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_start_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure_error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_deployment_id: Option<&'a str>,
    journal_commands_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_commands: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wakes_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_failure_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure_at: Option<String>,
    step: &'a str,
    held: bool,
    deployment_gone: bool,
}

/// A time as the engine writes it.
fn told(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| format!("{at:.3}"))
}

fn written(flow: &FlowInstance, into: &mut Vec<u8>) {
    let (service, handler) = flow.flow.split_once('/').unwrap();
    let (error, code) = (flow.error.as_ref(), flow.error.as_ref().and_then(|error| error.code.as_deref()));
    let failure = error.map(|error| format!("[{} Internal] {}", code.unwrap_or("500"), error.text));
    let (queued, ended) = (flow.status == Status::Queued, flow.status == Status::Failed);
    let (retrying, paused) = (flow.status == Status::BackingOff, flow.status == Status::Paused);
    let row = Row {
        id: &flow.id.instance,
        target_service_name: service,
        target_handler_name: handler,
        target_service_key: flow.key.as_deref(),
        status: match flow.status {
            Status::Running => "running",
            Status::Waiting => "suspended",
            Status::Queued => "pending",
            Status::BackingOff => "backing-off",
            Status::Paused => "paused",
            Status::Failed => "completed",
            other => panic!("there are none of {other:?}"),
        },
        completion_result: ended.then_some("failure"),
        completion_failure: failure.clone().filter(|_| ended),
        created_at: told(flow.created_at),
        modified_at: told(flow.last_transition_at),
        inboxed_at: told(flow.entered_step_at.filter(|_| queued)),
        completed_at: told(flow.last_transition_at.filter(|_| ended)),
        last_start_at: told(flow.last_start_at),
        retry_count: flow.attempts,
        last_failure: failure.clone().filter(|_| retrying),
        last_failure_error_code: code.filter(|_| retrying),
        pinned_deployment_id: Some("dp_11nGQpCRmau6ypL82KH2TnP").filter(|_| !queued),
        journal_commands_size: flow.completed_commands + u64::from(!queued),
        open_commands: Some(1).filter(|_| !queued),
        entered_at: told(flow.entered_step_at.filter(|_| !queued)),
        wakes_at: flow.wait.as_ref().and_then(|wait| wait.until).map(Timestamp::as_millisecond),
        command: match flow.status {
            Status::Queued => None,
            Status::Waiting => Some("Sleep"),
            _ => Some("Run"),
        },
        paused_at: told(flow.last_transition_at.filter(|_| paused)),
        pause_message: error.filter(|_| paused).map(|error| error.text.as_str()),
        pause_code: code.filter(|_| paused),
        first_failure_at: told(flow.first_failure_at),
        last_failure_at: told(flow.last_start_at.filter(|_| retrying)),
        step: &flow.step,
        held: flow.pause == Some(PauseCause::Held),
        deployment_gone: false,
    };
    serde_json::to_writer(into, &row).unwrap();
}

/// The instances in the order of their ids and the counts, as of so many changes.
struct Index {
    changes: u32,
    order: Vec<u32>,
    counts: Vec<Value>,
}

impl Index {
    fn of(bulk: &Bulk) -> Self {
        let changes = bulk.changes();
        let mut ids: Vec<_> = (0..bulk.places()).map(|place| (bulk.id_at(place).unwrap(), place)).collect();
        ids.sort_unstable();
        let mut counts = BTreeMap::<_, [u32; 4]>::new();
        for place in 0..bulk.places() {
            let flow = bulk.at(place).unwrap();
            let of = counts.entry((flow.flow, flow.step)).or_default();
            of[0] += u32::from(!flow.status.ended());
            of[1] += u32::from(flow.status == Status::Waiting);
            of[2] += u32::from(flow.pause == Some(PauseCause::Held));
            of[3] += u32::from(flow.status.failed());
        }
        let row = |((flow, step), [open, waiting, held, failed]): ((_, _), [u32; 4])| {
            let flow: quarterdeck::domain::text::SafeText = flow;
            let (service, handler) = flow.split_once('/').unwrap();
            json!({
                "target_service_name": service, "target_handler_name": handler, "step": step,
                "open": open, "waiting": waiting, "held": held, "failed": failed,
            })
        };
        Self {
            changes,
            order: ids.into_iter().map(|(_, place)| place).collect(),
            counts: counts.into_iter().map(row).collect(),
        }
    }
}

struct Shared {
    bulk: Arc<Bulk>,
    index: Mutex<Arc<Index>>,
    conditional: bool,
    asked: Mutex<HashMap<Kind, usize>>,
    tags: Mutex<HashMap<(u32, String), String>>,
    unchanged: AtomicU64,
    sent: AtomicU64,
}

impl Shared {
    fn index(&self) -> Arc<Index> {
        let mut index = self.index.lock().unwrap();
        if index.changes != self.bulk.changes() {
            *index = Arc::new(Index::of(&self.bulk));
        }
        Arc::clone(&index)
    }

    /// What the answer to a question is called: another name for another answer.
    fn tag(&self, index: &Index, sql: &str, kind: Kind) -> String {
        let known = (index.changes, sql.to_owned());
        if let Some(tag) = self.tags.lock().unwrap().get(&known) {
            return tag.clone();
        }
        let mut hash = DefaultHasher::new();
        if kind == Kind::Rows {
            Parts::new(&self.bulk, &index.order[self.page(index, sql)]).for_each(|part| hash.write(&part));
        } else {
            index.counts.iter().for_each(|count| hash.write(count.to_string().as_bytes()));
        }
        let tag = format!("\"{:x}\"", hash.finish());
        let mut tags = self.tags.lock().unwrap();
        tags.retain(|(changes, _), _| *changes == index.changes);
        tags.insert(known, tag.clone());
        tag
    }

    /// The places of a page.
    fn page(&self, index: &Index, sql: &str) -> std::ops::Range<usize> {
        let after = quoted(sql, "and id > '").unwrap_or_default();
        let limit = sql.split_once(" order by id limit ").and_then(|(_, rest)| rest.split([' ', ')', '\n']).next());
        let begin = index.order.partition_point(|place| self.bulk.id_at(*place).unwrap().as_str() <= after);
        let end = limit.unwrap().parse::<usize>().unwrap() + begin;
        begin..end.min(index.order.len())
    }
}

/// The server.
pub struct BulkEngine {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: Background,
}

impl BulkEngine {
    /// Serves these instances on a free port of the loopback interface.
    pub fn start(bulk: Arc<Bulk>, conditional: bool) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let index = Mutex::new(Arc::new(Index::of(&bulk)));
        let shared = Arc::new(Shared {
            bulk,
            index,
            conditional,
            asked: Mutex::default(),
            tags: Mutex::default(),
            unchanged: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        });
        let server = {
            let shared = Arc::clone(&shared);
            Background::run(move || async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let shared = Arc::clone(&shared);
                    // The client may leave at any time.
                    tokio::spawn(async move { drop(converse(stream, &shared).await) });
                }
            })
        };
        Self { address, shared, _server: server }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it serves.
    pub fn bulk(&self) -> &Arc<Bulk> {
        &self.shared.bulk
    }

    /// How many requests of one kind it was sent.
    pub fn asked(&self, kind: Kind) -> usize {
        self.shared.asked.lock().unwrap().get(&kind).copied().unwrap_or_default()
    }

    /// How many requests it was sent.
    pub fn count(&self) -> usize {
        self.shared.asked.lock().unwrap().values().sum()
    }

    /// How many of them it answered with a 304.
    pub fn unchanged(&self) -> u64 {
        self.shared.unchanged.load(Ordering::Relaxed)
    }

    /// How many bytes of answers it has written.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// The answer to the question for a page of instances, which begins with the `from`th of them.
    pub fn page(&self, from: usize, most: usize) -> Vec<u8> {
        let index = self.shared.index();
        let end = index.order.len().min(from + most);
        Parts::new(&self.shared.bulk, index.order.get(from..end).unwrap_or_default()).collect::<Vec<_>>().concat()
    }
}

/// An answer with these rows, part by part.
struct Parts<'a> {
    bulk: &'a Bulk,
    places: std::slice::Iter<'a, u32>,
    before: &'static [u8],
    ended: bool,
}

impl<'a> Parts<'a> {
    fn new(bulk: &'a Bulk, places: &'a [u32]) -> Self {
        Self { bulk, places: places.iter(), before: b"{\"rows\":[", ended: false }
    }
}

impl Iterator for Parts<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let mut part = Vec::with_capacity(PART + 1_024);
        while part.len() < PART {
            let Some(place) = self.places.next() else {
                part.extend_from_slice(if self.before == b"," { b"]}" } else { b"{\"rows\":[]}" });
                self.ended = true;
                break;
            };
            part.extend_from_slice(self.before);
            self.before = b",";
            written(&self.bulk.at(*place).unwrap(), &mut part);
        }
        Some(part)
    }
}

async fn converse(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufStream::new(stream);
    while let Some(request) = Request::read(&mut stream).await {
        let kind = Kind::of(&request);
        *shared.asked.lock().unwrap().entry(kind).or_default() += 1;
        let index = shared.index();
        let lasting = shared.conditional && matches!(kind, Kind::Counts | Kind::Rows);
        let tag = if lasting { shared.tag(&index, &sql(&request), kind) } else { String::new() };
        if lasting && request.header("if-none-match") == Some(&tag) {
            shared.unchanged.fetch_add(1, Ordering::Relaxed);
            stream.write_all(format!("HTTP/1.1 304 Not Modified\r\netag: {tag}\r\n\r\n").as_bytes()).await?;
            stream.flush().await?;
            continue;
        }
        let status = if kind == Kind::Other { "404 Not Found" } else { "200 OK" };
        let tag = if lasting { format!("etag: {tag}\r\n") } else { String::new() };
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{tag}transfer-encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        if kind == Kind::Rows {
            let page = shared.page(&index, &sql(&request));
            for part in Parts::new(&shared.bulk, &index.order[page]) {
                chunk(&mut stream, &part, &shared.sent).await?;
            }
        } else {
            chunk(&mut stream, small(shared, &index, kind, &request).to_string().as_bytes(), &shared.sent).await?;
        }
        stream.write_all(b"0\r\n\r\n").await?;
        stream.flush().await?;
    }
    Ok(())
}

/// The answer to a question for a few rows.
fn small(shared: &Shared, index: &Index, kind: Kind, request: &Request) -> Value {
    let one = || {
        let sql = sql(request);
        shared.bulk.named(quoted(&sql, "where id = '").unwrap_or_default())
    };
    let rows = match kind {
        Kind::Version => return json!({"version": "1.7.12"}),
        Kind::Clock => vec![json!({"now": shared.bulk.now().to_string()})],
        Kind::Counts => index.counts.clone(),
        Kind::Probe => vec![json!({"one": 1})],
        Kind::One => one().iter().map(row).collect(),
        Kind::Whole => one().map(|flow| json!({"journal_size": flow.completed_commands})).into_iter().collect(),
        Kind::Journal | Kind::Events => Vec::new(),
        Kind::Rows | Kind::Act | Kind::Other => return json!({"message": "Not Found"}),
    };
    json!({ "rows": rows })
}

fn row(flow: &FlowInstance) -> Value {
    let mut row = Vec::new();
    written(flow, &mut row);
    serde_json::from_slice(&row).unwrap()
}

async fn chunk(stream: &mut BufStream<TcpStream>, part: &[u8], sent: &AtomicU64) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n", part.len()).as_bytes()).await?;
    stream.write_all(part).await?;
    stream.write_all(b"\r\n").await?;
    sent.fetch_add(part.len() as u64, Ordering::Relaxed);
    Ok(())
}
