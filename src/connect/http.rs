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
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
pub use reqwest::{Method, StatusCode};
use reqwest::{RequestBuilder, Response, Url};
use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::Serialize;
use tokio::time::timeout_at;

pub use self::ask::Ask;
use self::build::base;
use self::credentials::Keyring;
use self::patience::Patience;
pub use self::tls::Certificate;
use super::ConnectError;
use crate::config::{Credentials, Scheme, Transport};
use crate::domain::text::SafeText;

mod ask;
mod build;
mod credentials;
mod patience;
mod tls;
mod words;

#[cfg(test)]
mod tests;

/// How many bytes an answer may have, after decompression.
pub const BODY_CAP: usize = 128 * 1024 * 1024;

/// How many bytes the answer to a `GET` may have: those are small facts.
const FACT_CAP: usize = 1024 * 1024;

/// What stands for a header with a key in a request that is copied: a variable that whoever runs it sets to all of it.
pub(super) const HEADER: &str = r#"-H "$API_KEY_HEADER""#;

/// What a body is that is sent.
const JSON: &str = "application/json";

/// The longest name of an answer that is kept, in bytes.
const LONGEST_TAG: usize = 256;

/// How much of the answer to a mutation is kept: it only carries a message.
const ACT_BODY_CAP: usize = 64 * 1024;

/// How much of a refusal is read for its message.
const QUOTE_CAP: usize = 4 * 1024;

/// Why nothing is sent to a server whose certificate is not verified.
const UNVERIFIED: &str = "the server's certificate is not verified (verify = false), so nobody knows who would act";

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
    /// The server's certificate, where the connection was secured.
    pub certificate: Option<Certificate>,
    /// What the server calls this answer, where it can be asked whether it would answer the same again.
    pub tag: Option<Tag>,
    /// The status: 200, or 206 where a part is an answer.
    pub status: u16,
    /// Where the next page of it is, as the header `Link` says.
    pub next: Option<String>,
}

/// What a server calls an answer (its `ETag`), to be asked by whether it would answer the same again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(HeaderValue);

impl Tag {
    fn of(headers: &HeaderMap) -> Option<Self> {
        headers.get(ETAG).filter(|tag| !tag.is_empty() && tag.len() <= LONGEST_TAG).cloned().map(Self)
    }
}

/// What else than a plain 200 is an answer.
#[derive(Debug, Clone, Copy, Default)]
struct Wants {
    /// That there is no need for one, since the request was sent on a condition.
    conditional: bool,
    /// A part (206): some servers say so of a page.
    part: bool,
}

/// What became of a mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActReply {
    /// The server answered, with whatever status.
    Answered {
        /// The HTTP status; a redirect is one too, and was not followed.
        status: u16,
        /// The body, at most its first 64 KiB, without the secrets if they were echoed.
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
    keyring: Keyring,
    patience: Patience,
    own_authority: bool,
    identity: bool,
    proxy: Option<Url>,
    unverified: bool,
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
    /// reach logs and screens. Where the transport names no proxy, those of the usual variables are used, though never
    /// for a loopback address.
    pub fn new(base_url: &str, timeout: Duration, transport: impl Into<Transport>) -> Result<Self, ConnectError> {
        let transport = transport.into();
        let base = base(base_url)?;
        let (reads, acts) = build::clients(&base, timeout, &transport)?;
        let others = credentials::of_proxies(|name| std::env::var(name).ok());
        Ok(Self {
            reads,
            acts,
            proxy: build::proxy(&base, &transport),
            base,
            timeout,
            body_cap: BODY_CAP,
            own_authority: transport.authority.is_some(),
            identity: transport.identity.is_some(),
            unverified: transport.unverified,
            keyring: Keyring::new(transport.credentials, others)?,
            patience: Patience::default(),
            hint: None,
        })
    }

    /// Why nothing can be acted on through this client; `None` where it can.
    pub fn refuses_acts(&self) -> Option<SafeText> {
        self.unverified.then(|| UNVERIFIED.into())
    }

    /// Whether the server's certificate is taken unseen. Over plain http there is none to verify.
    pub const fn unverified(&self) -> bool {
        self.unverified
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

    /// How the credentials are sent; `None` where there are none.
    pub fn scheme(&self) -> Option<Scheme> {
        self.keyring.scheme()
    }

    /// What a login is made of, where that is how the server is told who asks; read again where it was refused.
    pub(super) async fn login_renewed(&self) -> Result<Option<Credentials>, ConnectError> {
        self.keyring.renew().await?;
        Ok(self.keyring.current().filter(|current| matches!(current.scheme(), Scheme::Login { .. })))
    }

    /// Sends this token along from now on; `None` sends none.
    ///
    /// # Errors
    /// Where no header can carry it.
    pub(super) fn carry_token(&self, token: Option<(&'static str, &str)>) -> Result<(), ConnectError> {
        self.keyring.take_token(token.map(|(name, token)| (HeaderName::from_static(name), token)))
    }

    /// Whether the server has refused who asked, and nothing was sent along since that it could take.
    pub(super) fn refused(&self) -> bool {
        self.keyring.is_refused()
    }

    /// Asks for JSON at `path`, which begins with a slash and is already encoded.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, ConnectError> {
        let cap = self.body_cap.min(FACT_CAP);
        self.ready(path).await?;
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
        self.ready(path).await?;
        let request = self.request(&self.reads, Method::POST, path)?.json(body);
        self.read(path, request, self.body_cap).await
    }

    /// As [`Client::post_bytes`], of JSON that is written already; and of a server that gave an earlier answer to the
    /// same question a name, on the condition that it would not be that one again. `None` where it would.
    pub async fn post_text_unless(
        &self,
        path: &str,
        body: String,
        known: Option<&Tag>,
    ) -> Result<Option<Answer<Vec<u8>>>, ConnectError> {
        self.ready(path).await?;
        let mut request = self.request(&self.reads, Method::POST, path)?.header(CONTENT_TYPE, JSON).body(body);
        if let Some(known) = known {
            request = request.header(IF_NONE_MATCH, known.0.clone());
        }
        let wants = Wants { conditional: known.is_some(), part: false };
        self.read_unless(path, request, self.body_cap, wants).await
    }

    /// Reads JSON that came from `path`; the error says where and why, and may borrow nothing of the text.
    pub fn parse<'a, T: Deserialize<'a>>(&self, path: &str, body: &'a [u8]) -> Result<T, ConnectError> {
        serde_json::from_slice(body).map_err(|e| self.unread(path, body, &e))
    }

    /// Asks for JSON at `path` where the answer may be long, for a caller that reads it itself.
    pub async fn get_bytes(&self, path: &str) -> Result<Answer<Vec<u8>>, ConnectError> {
        self.ready(path).await?;
        self.read(path, self.request(&self.reads, Method::GET, path)?, self.body_cap).await
    }

    /// Sends one mutation, once, on a connection that nothing else uses.
    pub async fn act(&self, method: Method, path: &str) -> ActReply {
        self.act_with(method, path, None).await
    }

    /// The same with a body.
    pub async fn act_with(&self, method: Method, path: &str, body: Option<&serde_json::Value>) -> ActReply {
        self.act_under(method, path, &[], body).await
    }

    /// The same with headers, whose names and values were found to be some.
    pub async fn act_under(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<&serde_json::Value>,
    ) -> ActReply {
        if let Some(why) = self.refuses_acts() {
            return ActReply::NotSent(why);
        }
        let deadline = tokio::time::Instant::now() + self.timeout;
        let request = match self.request(&self.acts, method, path) {
            Ok(request) => {
                let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
                match body {
                    Some(body) => request.json(body),
                    None => request,
                }
            }
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

    /// Before a read: whether the server may be asked yet, and with credentials that it has not refused.
    async fn ready(&self, path: &str) -> Result<(), ConnectError> {
        self.patience.over(path)?;
        self.keyring.renew().await
    }

    fn request(&self, client: &reqwest::Client, method: Method, path: &str) -> Result<RequestBuilder, ConnectError> {
        // The path is put behind the base's own, so it can't name another host.
        let joined = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        match Url::parse(&joined) {
            Ok(url) if path.starts_with('/') => {
                let request = client.request(method, url);
                Ok(match self.keyring.header() {
                    Some((name, value)) => request.header(name, value),
                    None => request,
                })
            }
            _ => Err(ConnectError::BadAnswer(self.safe(&format!("{}: not a path to ask at", words::shown(path))))),
        }
    }

    async fn read(&self, path: &str, request: RequestBuilder, cap: usize) -> Result<Answer<Vec<u8>>, ConnectError> {
        let answer = self.read_unless(path, request, cap, Wants::default()).await?;
        answer.ok_or_else(|| ConnectError::BadAnswer(self.safe(&format!("{}: no answer", words::shown(path)))))
    }

    /// Reads an answer. `None` where the request was sent on a condition and there was no need for one.
    async fn read_unless(
        &self,
        path: &str,
        request: RequestBuilder,
        cap: usize,
        wants: Wants,
    ) -> Result<Option<Answer<Vec<u8>>>, ConnectError> {
        let started = Instant::now();
        let deadline = tokio::time::Instant::from_std(started) + self.timeout;
        let mut response = match timeout_at(deadline, request.send()).await {
            Err(_) => return Err(ConnectError::Unreachable(self.late(path, 0))),
            Ok(Err(error)) => return Err(ConnectError::Unreachable(self.no_answer(path, error))),
            Ok(Ok(response)) => response,
        };
        // A 412 is what a server answers to a question by `POST` that goes by the letter.
        if wants.conditional && matches!(response.status(), StatusCode::NOT_MODIFIED | StatusCode::PRECONDITION_FAILED)
        {
            return Ok(None);
        }
        if response.status() != StatusCode::OK && !(wants.part && response.status() == StatusCode::PARTIAL_CONTENT) {
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
            let certificate = tls::certificate(&response, !self.unverified);
            let tag = Tag::of(response.headers());
            let (status, next) = (response.status().as_u16(), ask::next(response.headers()));
            let body = self.keyring.redact(body);
            return Ok(Some(Answer { value: body, elapsed: started.elapsed(), date, certificate, tag, status, next }));
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
        Ok(Answer {
            value,
            elapsed: answer.elapsed,
            date: answer.date,
            certificate: answer.certificate,
            tag: answer.tag.clone(),
            status: answer.status,
            next: answer.next.clone(),
        })
    }

    /// Scrubs a text of ours, in which the server may have had its say, and takes the secrets out of it.
    fn safe(&self, text: &str) -> SafeText {
        SafeText::clipped(&self.redacted(text), 600)
    }

    fn redacted<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        self.keyring.redacted(text)
    }
}
