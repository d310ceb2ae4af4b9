//! What each behaviour puts on the wire. Nothing large is ever held: it is made while it is sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flate2::{Compress, Compression, Crc, FlushCompress};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Behaviour, Reply};

const JSON: &str = "application/json";
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>nginx</title></head><body>\u{1b}[2J</body></html>";
const GOOD: &str = r#"{"rows":[{"id":"inv_1","status":"paused"},{"id":"inv_2","status":"running"}]}"#;
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const DRIP: Duration = Duration::from_millis(20);
const MIB: usize = 1 << 20;

/// Answers once; whether the connection can take another request.
pub async fn perform(stream: &mut TcpStream, behaviour: Behaviour, sent: &AtomicU64) -> std::io::Result<bool> {
    use Behaviour as B;
    let answered = match behaviour {
        B::Answers(reply) => reply,
        B::Unauthorized => Reply::new(401, JSON, r#"{"message":"Missing or invalid token"}"#),
        B::NotFoundJson => Reply::new(404, JSON, r#"{"detail":"Not Found"}"#),
        B::NotFoundHtml => Reply::new(404, "text/html", PAGE),
        B::ErrorHtml => Reply::new(500, "text/html; charset=utf-8", PAGE),
        B::Html => Reply::new(200, "text/html; charset=utf-8", PAGE),
        B::WrongKind => Reply::new(200, "text/plain", GOOD),
        B::Empty => Reply::new(200, JSON, ""),
        B::CutQuietly => Reply::new(200, JSON, &GOOD[..GOOD.len() - 30]),
        B::NotJson => Reply::new(200, JSON, "rows: paused\n"),
        B::WrongTypes => Reply::rows(&[
            json!({"id": 7, "status": ["paused"], "target": {}, "created_at": true, "retry_count": "many"}),
            json!("inv_1"),
            json!([[]]),
            json!({"id": {"id": "inv_1"}, "status": -1, "created_at": 1e300, "retry_count": -4.5}),
        ]),
        B::Nulls => Reply::rows(&[json!(null), json!({}), json!({"id": null, "status": null, "created_at": null})]),
        B::Deep(depth) => Reply::new(200, JSON, ["[".repeat(depth), "]".repeat(depth)].concat()),
        B::Redirect(status, to) => Reply::new(status, "text/plain", "elsewhere").with("location", to),
        B::TooMany(wait) => Reply::new(429, JSON, r#"{"message":"slow down"}"#).with("retry-after", wait),
        B::Scripted(_) | B::By(_) => Reply::new(500, "text/plain", "a script within a script"),
        other => {
            misbehave(stream, other, sent).await?;
            return Ok(false);
        }
    };
    repeat(stream, &bytes(&answered), 1, sent).await?;
    Ok(true)
}

/// Those after which the connection is of no use.
async fn misbehave(stream: &mut TcpStream, behaviour: Behaviour, sent: &AtomicU64) -> std::io::Result<()> {
    use Behaviour as B;
    match behaviour {
        B::NotHttp => stream.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").await?,
        B::CutLength => {
            let cut = &GOOD[..GOOD.len() - 30];
            stream.write_all(format!("{HEAD}content-length: {}\r\n\r\n{cut}", GOOD.len()).as_bytes()).await?;
        }
        B::CutChunk => {
            let cut = &GOOD[..GOOD.len() - 30];
            let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n{:x}\r\n{cut}", GOOD.len());
            stream.write_all(head.as_bytes()).await?;
        }
        B::Huge(length) => huge(stream, length, sent).await?,
        B::GzipBomb(mib) => gzip_bomb(stream, mib, sent).await?,
        B::Endless => {
            stream.write_all(format!("{HEAD}\r\n\"").as_bytes()).await?;
            repeat(stream, &vec![b'x'; 64 * 1024], u64::MAX, sent).await?;
        }
        B::SlowHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-slow: ").await?;
            drip(stream).await?;
        }
        B::SlowBody => {
            stream.write_all(format!("{HEAD}content-length: 1000000\r\n\r\n\"").as_bytes()).await?;
            drip(stream).await?;
        }
        B::Stall => {
            stream.write_all(format!("{HEAD}content-length: 1000000\r\n\r\n{{\"rows\":[").as_bytes()).await?;
            return std::future::pending().await;
        }
        B::HeaderFlood => {
            stream.write_all(HEAD.as_bytes()).await?;
            repeat(stream, "x-flood: all work and no play\r\n".repeat(1000).as_bytes(), u64::MAX, sent).await?;
        }
        // Silent, and those that `perform` has answered.
        B::Close => {}
        _ => std::future::pending().await,
    }
    // An end in good order: closing with bytes unread would reset the connection, and take away what was sent.
    stream.shutdown().await?;
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

fn bytes(reply: &Reply) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut head = format!("HTTP/1.1 {} Whatever\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    [head.as_bytes(), &reply.body].concat()
}

async fn repeat(stream: &mut TcpStream, part: &[u8], times: u64, sent: &AtomicU64) -> std::io::Result<()> {
    for _ in 0..times {
        stream.write_all(part).await?;
        sent.fetch_add(part.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

async fn drip(stream: &mut TcpStream) -> std::io::Result<()> {
    loop {
        stream.write_all(b"x").await?;
        tokio::time::sleep(DRIP).await;
    }
}

async fn huge(stream: &mut TcpStream, length: u64, sent: &AtomicU64) -> std::io::Result<()> {
    // In chunks: a length would let the client refuse before it has read anything.
    stream.write_all(format!("{HEAD}transfer-encoding: chunked\r\n\r\n1\r\n\"\r\n").as_bytes()).await?;
    let chunk = format!("{MIB:x}\r\n{}\r\n", "x".repeat(MIB));
    repeat(stream, chunk.as_bytes(), length.div_ceil(MIB as u64), sent).await?;
    stream.write_all(b"1\r\n\"\r\n0\r\n\r\n").await
}

/// One mebibyte is compressed once, flushed so that it stands alone, and then sent again and again.
async fn gzip_bomb(stream: &mut TcpStream, mib: u64, sent: &AtomicU64) -> std::io::Result<()> {
    let spaces = vec![b' '; MIB];
    let mut deflated = Vec::with_capacity(MIB);
    Compress::new(Compression::best(), false).compress_vec(&spaces, &mut deflated, FlushCompress::Full)?;
    let mut crc = Crc::new();
    let mut one = Crc::new();
    one.update(&spaces);
    (0..mib).for_each(|_| crc.combine(&one));
    stream.write_all(format!("{HEAD}content-encoding: gzip\r\n\r\n").as_bytes()).await?;
    stream.write_all(&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]).await?;
    repeat(stream, &deflated, mib, sent).await?;
    // The last block: `{}`, so that it is good JSON after all; stored, with its length and the complement of that.
    crc.update(b"{}");
    stream.write_all(&[1, 2, 0, 0xFD, 0xFF, b'{', b'}']).await?;
    stream.write_all(&crc.sum().to_le_bytes()).await?;
    // Its length modulo 2³².
    let length = u32::try_from((mib * MIB as u64 + 2) & u64::from(u32::MAX)).unwrap_or_default();
    stream.write_all(&length.to_le_bytes()).await
}
