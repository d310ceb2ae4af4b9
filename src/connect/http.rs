//! The one HTTP client that connectors use. Every exchange is bounded: in time, in memory and in where it goes.
//!
//! - One deadline covers the whole exchange, from the connection to the last byte.
//! - A body is counted after decompression while it streams, so neither a huge, an endless nor a cleverly
//!   compressed one can take more memory than the cap.
//! - Redirects are never followed, so credentials and bodies never reach another origin.
//! - A mutation travels on a connection of its own and is never sent twice.
//!
//! It knows nothing of any engine. What it says is for people: scrubbed, and without credentials.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
pub use reqwest::{Method, StatusCode};
use reqwest::{RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::Serialize;
use tokio::time::timeout_at;

use super::ConnectError;
use crate::domain::text::SafeText;

mod words;

#[cfg(test)]
mod tests;

/// How many bytes an answer may have, after decompression.
pub const BODY_CAP: usize = 128 * 1024 * 1024;

/// How many bytes the answer to a `GET` may have: those are small facts.
const FACT_CAP: usize = 1024 * 1024;

/// How much of the answer to a mutation is kept: it only carries a message.
const ACT_BODY_CAP: usize = 64 * 1024;

/// How much of a refusal is read for its message.
const QUOTE_CAP: usize = 4 * 1024;

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the server said, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What it said.
    pub value: T,
    /// From the request to the last byte.
    pub elapsed: Duration,
    /// The server's clock, where it sent it; to the second.
    pub date: Option<Timestamp>,
}

/// What became of a mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActReply {
    /// The server answered, with whatever status.
    Answered {
        /// The HTTP status; a redirect is one too, and was not followed.
        status: u16,
        /// The body, at most its first 64 KiB, without the bearer if it was echoed.
        body: Vec<u8>,
    },
    /// There never was a connection, so nothing can have been delivered.
    NotSent(SafeText),
    /// There was a connection and no whole answer: nobody can say whether it was done.
    Lost(SafeText),
}

/// An HTTP client for one server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    reads: reqwest::Client,
    acts: reqwest::Client,
    base: Url,
    timeout: Duration,
    body_cap: usize,
    bearer: Option<SecretString>,
    hint: Option<SafeText>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .field("timeout", &self.timeout)
            .field("body_cap", &self.body_cap)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the server at `base_url`. Nothing is sent yet.
    ///
    /// Refuses what is no http(s) URL, and one with a user name, password, query or fragment: a secret there would
    /// reach logs and screens. The proxies of the usual variables are used, though never for a loopback address.
    pub fn new(base_url: &str, timeout: Duration, bearer: Option<SecretString>) -> Result<Self, ConnectError> {
        let base = base(base_url)?;
        let headers = headers(bearer.as_ref())?;
        let builder = || {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")))
                .default_headers(headers.clone())
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                .connect_timeout(timeout.min(CONNECT_TIMEOUT));
            if is_loopback(&base) { builder.no_proxy() } else { builder }
        };
        let build = |builder: reqwest::ClientBuilder| builder.build().map_err(|e| words::unbuilt(&e));
        Ok(Self {
            reads: build(builder())?,
            // Without idle connections each request opens its own: none is sent on one that may be half dead, which
            // is the only case in which the pool would send it a second time.
            acts: build(builder().pool_max_idle_per_host(0).http1_only())?,
            base,
            timeout,
            body_cap: BODY_CAP,
            bearer,
            hint: None,
        })
    }

    /// What to ask a person who reads of a 404 or of an answer that is no JSON: `is this a Restate admin URL?`.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<SafeText>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Another limit than [`BODY_CAP`], in bytes.
    #[must_use]
    pub fn body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }

    /// Where it asks, without a final slash.
    pub fn address(&self) -> SafeText {
        SafeText::new(self.base.as_str().trim_end_matches('/'))
    }

    /// Whether it sends a token.
    pub fn has_bearer(&self) -> bool {
        self.bearer.is_some()
    }

    /// Asks for JSON at `path`, which begins with a slash and is already encoded.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, ConnectError> {
        let cap = self.body_cap.min(FACT_CAP);
        let answer = self.read(path, self.request(&self.reads, Method::GET, path)?, cap).await?;
        self.parsed(path, &answer)
    }

    /// Sends JSON to `path` and reads JSON. Only for questions: it says nothing of whether a failed one arrived.
    pub async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Answer<T>, ConnectError> {
        let answer = self.post_bytes(path, body).await?;
        self.parsed(path, &answer)
    }

    /// As [`Client::post_json`], for a caller that reads the JSON itself, part by part.
    pub async fn post_bytes(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Answer<Vec<u8>>, ConnectError> {
        let request = self.request(&self.reads, Method::POST, path)?.json(body);
        self.read(path, request, self.body_cap).await
    }

    /// Reads JSON that came from `path`; the error says where and why, and may borrow nothing of the text.
    pub fn parse<'a, T: Deserialize<'a>>(&self, path: &str, body: &'a [u8]) -> Result<T, ConnectError> {
        serde_json::from_slice(body).map_err(|e| self.unread(path, body, &e))
    }

    /// Sends one mutation, once, on a connection that nothing else uses.
    pub async fn act(&self, method: Method, path: &str) -> ActReply {
        let deadline = tokio::time::Instant::now() + self.timeout;
        let request = match self.request(&self.acts, method, path) {
            Ok(request) => request,
            Err(error) => return ActReply::NotSent(SafeText::new(&error.to_string())),
        };
        let mut response = match timeout_at(deadline, request.send()).await {
            // Conservative: the connection may just have been made.
            Err(_) => return ActReply::Lost(self.late(path, 0)),
            Ok(Err(error)) if error.is_connect() || error.is_builder() => {
                return ActReply::NotSent(self.no_answer(path, error));
            }
            Ok(Err(error)) => return ActReply::Lost(self.no_answer(path, error)),
            Ok(Ok(response)) => response,
        };
        let status = response.status().as_u16();
        let mut body = Vec::new();
        match self.fill(path, &mut response, &mut body, ACT_BODY_CAP, deadline).await {
            Ok(_) => {
                ActReply::Answered { status, body: self.redacted(&String::from_utf8_lossy(&body)).as_bytes().to_vec() }
            }
            Err(text) => ActReply::Lost(self.safe(&format!("{text}; its status was {status}"))),
        }
    }

    fn request(&self, client: &reqwest::Client, method: Method, path: &str) -> Result<RequestBuilder, ConnectError> {
        // The path is put behind the base's own, so it can't name another host.
        let joined = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        match Url::parse(&joined) {
            Ok(url) if path.starts_with('/') => Ok(client.request(method, url)),
            _ => Err(ConnectError::BadAnswer(self.safe(&format!("{}: not a path to ask at", words::shown(path))))),
        }
    }

    async fn read(&self, path: &str, request: RequestBuilder, cap: usize) -> Result<Answer<Vec<u8>>, ConnectError> {
        let started = Instant::now();
        let deadline = tokio::time::Instant::from_std(started) + self.timeout;
        let mut response = match timeout_at(deadline, request.send()).await {
            Err(_) => return Err(ConnectError::Unreachable(self.late(path, 0))),
            Ok(Err(error)) => return Err(ConnectError::Unreachable(self.no_answer(path, error))),
            Ok(Ok(response)) => response,
        };
        if response.status() != StatusCode::OK {
            return Err(self.refusal(path, &mut response, deadline).await);
        }
        if !words::is_json(response.headers()) {
            return Err(self.not_json(path, &mut response, deadline).await);
        }
        let announced = response.content_length().unwrap_or(0);
        let mut body = Vec::new();
        if usize::try_from(announced).is_ok_and(|n| n <= cap)
            && self.fill(path, &mut response, &mut body, cap, deadline).await.map_err(ConnectError::Unreachable)?
        {
            let date = response.headers().get(DATE).and_then(|d| words::date(d.to_str().ok()?));
            return Ok(Answer { value: body, elapsed: started.elapsed(), date });
        }
        let cap = words::bytes(cap);
        Err(ConnectError::BadAnswer(self.safe(&format!("{}: the answer is larger than {cap}", words::shown(path)))))
    }

    /// Reads the body into `body`, at most `cap` bytes; whether that was all of it.
    async fn fill(
        &self,
        path: &str,
        response: &mut Response,
        body: &mut Vec<u8>,
        cap: usize,
        deadline: tokio::time::Instant,
    ) -> Result<bool, SafeText> {
        loop {
            // A server that always has the next chunk ready never lets the timer have its turn.
            if tokio::time::Instant::now() >= deadline {
                return Err(self.late(path, body.len()));
            }
            let chunk = match timeout_at(deadline, response.chunk()).await {
                Err(_) => return Err(self.late(path, body.len())),
                Ok(Err(error)) => return Err(self.broken_off(path, body.len(), error)),
                Ok(Ok(None)) => return Ok(true),
                Ok(Ok(Some(chunk))) => chunk,
            };
            let room = cap - body.len();
            if body.capacity() - body.len() < chunk.len() {
                let grown = (body.capacity() * 2).clamp((body.len() + chunk.len()).min(cap), cap);
                body.reserve_exact(grown - body.len());
            }
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                return Ok(false);
            }
        }
    }

    fn parsed<T: DeserializeOwned>(&self, path: &str, answer: &Answer<Vec<u8>>) -> Result<Answer<T>, ConnectError> {
        let value = self.parse(path, &answer.value)?;
        Ok(Answer { value, elapsed: answer.elapsed, date: answer.date })
    }

    /// Scrubs a text of ours, in which the server may have had its say, and takes the bearer out of it.
    fn safe(&self, text: &str) -> SafeText {
        SafeText::clipped(&self.redacted(text), 600)
    }

    fn redacted<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        match self.bearer.as_ref().map(|bearer| bearer.expose_secret().trim()) {
            Some(secret) if !secret.is_empty() && text.contains(secret) => text.replace(secret, "[redacted]").into(),
            _ => text.into(),
        }
    }
}

/// One segment of a path, encoded; `None` for what no path can hold as a segment (empty, `.` and `..`).
pub fn segment(raw: &str) -> Option<String> {
    use fmt::Write as _;
    if matches!(raw, "" | "." | "..") {
        return None;
    }
    let mut encoded = String::with_capacity(raw.len());
    for byte in raw.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Some(encoded)
}

fn base(raw: &str) -> Result<Url, ConnectError> {
    // What was wrong is said without the text itself: it may hold a password.
    let refuse = |why: &str| Err(ConnectError::Refused(SafeText::new(why)));
    let Ok(url) = Url::parse(raw.trim()) else {
        return refuse("the source's URL can't be read: it looks like http://host:9070");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return refuse("the source's URL must begin with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("the source's URL holds a user name or password: credentials belong in `auth`");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("the source's URL holds a `?` or `#`: it ends with the path; credentials belong in `auth`");
    }
    Ok(url)
}

fn headers(bearer: Option<&SecretString>) -> Result<HeaderMap, ConnectError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(bearer) = bearer {
        let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", bearer.expose_secret().trim())) else {
            return Err(ConnectError::Refused("the bearer token holds characters that no header can carry".into()));
        };
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.ends_with(".localhost") || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}
