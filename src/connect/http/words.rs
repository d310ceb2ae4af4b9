//! What went wrong in an exchange, in words for whoever is on call.

use std::error::Error as StdError;
use std::io::ErrorKind;

use reqwest::header::{LOCATION, RETRY_AFTER};

use super::{CONNECT_TIMEOUT, CONTENT_TYPE, Client, ConnectError, Duration, HeaderMap, QUOTE_CAP, Response};
use super::{SafeText, StatusCode, Timestamp, Url, patience, tls};
use crate::domain::redact::Redactor;

/// How many characters of a foreign text are quoted.
const QUOTE: usize = 120;

impl Client {
    /// A status other than 200.
    pub(super) async fn refusal(
        &self,
        path: &str,
        response: &mut Response,
        deadline: tokio::time::Instant,
    ) -> ConnectError {
        let status = response.status();
        let at = shown(path);
        if status.is_redirection() {
            let target = response.headers().get(LOCATION).and_then(|l| l.to_str().ok());
            let origin = target
                .and_then(|t| response.url().join(t).ok())
                .map_or("nowhere".to_owned(), |u| self.clip(&origin(&u)));
            return ConnectError::BadAnswer(
                self.safe(&format!("{at}: redirected ({}) to {origin}; redirects are not followed", status.as_u16())),
            );
        }
        let says = self.says(path, response, deadline).await;
        let code = status.as_u16();
        match status {
            StatusCode::UNAUTHORIZED => {
                self.keyring.refuse();
                let why = if self.keyring.any() {
                    "the server does not accept the credentials"
                } else {
                    "the server wants credentials"
                };
                ConnectError::Refused(self.safe(&format!("{at}: refused (401): {why}{says}")))
            }
            StatusCode::FORBIDDEN => {
                let why = if self.keyring.any() {
                    "the credentials do not allow this"
                } else {
                    "the server wants credentials"
                };
                ConnectError::Refused(self.safe(&format!("{at}: refused (403): {why}{says}")))
            }
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                ConnectError::Refused(self.safe(&format!("{at}: {}{says}", self.unwilling())))
            }
            StatusCode::NOT_FOUND => {
                let hint = self.hint.as_ref().map(|h| format!(": {h}")).unwrap_or_default();
                ConnectError::NotFound(self.safe(&format!("404 at {at}{hint}{says}")))
            }
            // What another kind of server says to a path or a method that it has never heard of.
            StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => {
                let hint = self.hint.as_ref().map(|h| format!(": {h}")).unwrap_or_default();
                ConnectError::Refused(self.safe(&format!("{at}: refused ({code}){hint}{says}")))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let asked = response.headers().get(RETRY_AFTER).and_then(|w| w.to_str().ok());
                let wish = asked.map(|w| format!("; it asks to wait: {}", self.clip(w))).unwrap_or_default();
                let wait = patience::wish(response.headers(), Timestamp::now());
                let why = if code == 429 { "refused (429): asked too often" } else { "not available now (503)" };
                let text = self.safe(&format!("{at}: {why}{wish}{says}"));
                if let Some(wait) = wait {
                    self.patience.hold(wait);
                }
                ConnectError::Busy { text, wait }
            }
            _ if status.is_client_error() => ConnectError::Refused(self.safe(&format!("{at}: refused ({code}){says}"))),
            _ if status.is_server_error() => {
                // What a proxy says of a server in the clear looks like what the server says.
                let proxy = self.proxy.as_ref().filter(|_| self.base.scheme() == "http");
                let or = proxy.map(|proxy| format!(", or the proxy {} before it,", origin_host(proxy)));
                let or = or.unwrap_or_default();
                ConnectError::BadAnswer(self.safe(&format!("{at}: the server{or} failed ({code}){says}")))
            }
            _ => ConnectError::BadAnswer(self.safe(&format!("{at}: answered {code} where 200 was due{says}"))),
        }
    }

    /// A 200 whose content type is not JSON.
    pub(super) async fn not_json(
        &self,
        path: &str,
        response: &mut Response,
        deadline: tokio::time::Instant,
    ) -> ConnectError {
        let kind = response.headers().get(CONTENT_TYPE).and_then(|t| t.to_str().ok());
        let kind = kind.map_or("of no named type".to_owned(), |t| self.clip(t.split(';').next().unwrap_or(t).trim()));
        let begin = self.begin(path, response, deadline).await;
        let begins = if begin.is_empty() { "is empty".to_owned() } else { format!("begins with \"{begin}\"") };
        let hint = self.hint.as_ref().map(|h| format!(": {h}")).unwrap_or_default();
        let at = shown(path);
        ConnectError::BadAnswer(self.safe(&format!("{at}: the answer is not JSON: it is {kind} and {begins}{hint}")))
    }

    /// JSON that can't be read, or is not of the shape that was due.
    pub(super) fn unread(&self, path: &str, body: &[u8], error: &serde_json::Error) -> ConnectError {
        use serde_json::error::Category;
        let at = shown(path);
        if body.iter().all(u8::is_ascii_whitespace) {
            return ConnectError::BadAnswer(self.safe(&format!("{at}: the answer is empty")));
        }
        let why = self.reason(error);
        let hint = self.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default();
        ConnectError::BadAnswer(self.safe(&match error.classify() {
            Category::Eof => {
                format!("{at}: the answer broke off after {} bytes: {why}", grouped(body.len()))
            }
            Category::Data => format!("{at}: the answer is not what was due: {why}{hint}"),
            Category::Syntax | Category::Io => {
                let begin = self.quoted(&body[..body.len().min(QUOTE_CAP)]);
                format!("{at}: the answer is malformed JSON: {why}; it begins with \"{begin}\"")
            }
        }))
    }

    /// The deadline passed; `got` bytes of the body had come.
    pub(super) fn late(&self, path: &str, got: usize) -> SafeText {
        let at = shown(path);
        let limit = seconds(self.timeout);
        self.safe(&match got {
            0 => format!("{at}: no answer within {limit}"),
            _ => format!("{at}: no whole answer within {limit}: {} bytes came", grouped(got)),
        })
    }

    /// There is no answer, not even the head of one.
    pub(super) fn no_answer(&self, path: &str, error: reqwest::Error) -> SafeText {
        let error = error.without_url();
        let at = shown(path);
        let host = origin_host(&self.base);
        let (kind, cause) = (io_kind(&error), self.clip(&cause(&error)));
        let parties = tls::Parties {
            host: self.base.host_str().unwrap_or_default(),
            origin: &host,
            identity: self.identity,
            own_authority: self.own_authority,
        };
        if let Some(words) = tls::words(&error, &parties) {
            return self.safe(&words);
        }
        // Whoever is connected to first is the proxy.
        let (host, name) = match &self.proxy {
            Some(proxy) => (format!("the proxy {}", origin_host(proxy)), proxy.host_str()),
            None => (host, self.base.host_str()),
        };
        self.safe(&if error.is_builder() {
            format!("{at}: the request can't be written: {cause}")
        } else if error.is_dns() {
            format!("the name {} can't be resolved: {cause}", name.unwrap_or_default())
        } else if error.is_connect() && error.is_timeout() {
            format!("no connection to {host} within {}", seconds(self.timeout.min(CONNECT_TIMEOUT)))
        } else if error.is_connect() && kind == Some(ErrorKind::ConnectionRefused) {
            format!("connection refused: nothing listens at {host}")
        } else if error.is_connect() && cause.contains("proxy authorization required") {
            self.unwilling()
        } else if error.is_connect() && cause.contains("tunnel error") {
            format!("{host} makes no connection to {}", origin_host(&self.base))
        } else if error.is_connect() {
            format!("no connection to {host}: {cause}")
        } else if error.is_timeout() {
            return self.late(path, 0);
        } else if cause.contains("head is too large") {
            format!("{at}: the answer's header is too large")
        } else if cause.contains("before message completed") || kind == Some(ErrorKind::ConnectionReset) {
            format!("{at}: the server closed the connection before it answered")
        } else {
            // What is behind a TLS port answers an alert, which looks like any garbage.
            let scheme = if self.base.scheme() == "http" { "; is it https:// rather than http://?" } else { "" };
            format!("{at}: no readable HTTP answer: {cause}{scheme}")
        })
    }

    /// The proxy does not take whoever asks.
    fn unwilling(&self) -> String {
        let proxy = self.proxy.as_ref().map(|proxy| format!(" {}", origin_host(proxy))).unwrap_or_default();
        format!(
            "the proxy{proxy} does not accept who asks (407); its credentials are a part of HTTPS_PROXY or HTTP_PROXY"
        )
    }

    /// The body stopped after `got` bytes.
    pub(super) fn broken_off(&self, path: &str, got: usize, error: reqwest::Error) -> SafeText {
        let error = error.without_url();
        let (at, got) = (shown(path), grouped(got));
        self.safe(&match io_kind(&error) {
            Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => {
                format!("{at}: the answer is garbled after {got} bytes: {}", self.clip(&cause(&error)))
            }
            _ => format!("{at}: the answer broke off after {got} bytes"),
        })
    }

    /// `; it says "…"`, or nothing.
    async fn says(&self, path: &str, response: &mut Response, deadline: tokio::time::Instant) -> String {
        let mut body = Vec::new();
        // Whatever came is worth quoting, so how it ended does not matter.
        let _ = self.fill(path, response, &mut body, QUOTE_CAP, deadline).await;
        let says = self.said(&body);
        if says.is_empty() { String::new() } else { format!("; it says \"{says}\"") }
    }

    /// What a body says to people: its message, the text of its page, or its first line; without the credentials.
    pub fn said(&self, body: &[u8]) -> SafeText {
        match message(body).or_else(|| page(body)) {
            Some(message) => self.quoted(message.as_bytes()),
            None => self.quoted(body),
        }
    }

    /// The first line of the body, as far as it came in time.
    async fn begin(&self, path: &str, response: &mut Response, deadline: tokio::time::Instant) -> SafeText {
        let mut body = Vec::new();
        // Whatever came is worth quoting, so how it ended does not matter.
        let _ = self.fill(path, response, &mut body, QUOTE_CAP, deadline).await;
        match message(&body) {
            Some(message) => self.quoted(message.as_bytes()),
            None => self.quoted(&body),
        }
    }

    /// Why JSON can't be read, and where, without the credentials.
    pub fn reason(&self, error: &serde_json::Error) -> String {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        // It may quote the value that it did not expect, at any length.
        self.clip(text.strip_suffix(place.as_str()).unwrap_or(&text)) + &place
    }

    /// Part of a foreign text. Credentials go first: one that is cut in two would not be found any more.
    pub fn clip(&self, raw: &str) -> String {
        SafeText::clipped(&Redactor::default().text(&self.redacted(raw)), QUOTE).to_string()
    }

    fn quoted(&self, body: &[u8]) -> SafeText {
        Redactor::default().first_line(self.redacted(String::from_utf8_lossy(body).trim_start()).trim_end(), QUOTE)
    }
}

/// The client itself can't be made.
pub(super) fn unbuilt(error: &reqwest::Error) -> ConnectError {
    ConnectError::Unreachable(SafeText::clipped(&format!("no HTTP client: {}", cause(error)), 300))
}

/// A path as it is shown: without its query, which may hold a secret.
pub(super) fn shown(path: &str) -> String {
    SafeText::clipped(path.split(['?', '#']).next().unwrap_or_default(), QUOTE).to_string()
}

/// Whether the content type is JSON of any kind.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|t| t.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind == "text/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The time in a `Date` header.
pub(super) fn date(raw: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(raw).ok()
}

/// A number of bytes in the largest unit that is whole.
pub(super) fn bytes(count: usize) -> String {
    match count {
        _ if count >= 1 << 20 && count.is_multiple_of(1 << 20) => format!("{} MiB", grouped(count >> 20)),
        _ if count >= 1 << 10 && count.is_multiple_of(1 << 10) => format!("{} KiB", grouped(count >> 10)),
        _ => format!("{} bytes", grouped(count)),
    }
}

/// The message of a JSON error body: many servers have one, under one of these names.
fn message(body: &[u8]) -> Option<String> {
    let body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let named = ["message", "detail", "title", "error"].iter().find_map(|name| body.get(*name)?.as_str());
    named.map(str::to_owned)
}

/// The text of a page in HTML, without what is no text of it; `None` where it is no page.
fn page(body: &[u8]) -> Option<String> {
    let body = String::from_utf8_lossy(body);
    let lower = body.trim_start().to_ascii_lowercase();
    if !lower.starts_with("<!doctype html") && !lower.starts_with("<html") {
        return None;
    }
    let mut rest = body.trim_start();
    // A title says what the page says itself, and what follows is how it looks.
    for end in ["</head>", "</HEAD>"] {
        rest = rest.split_once(end).map_or(rest, |(_, rest)| rest);
    }
    let mut text = String::new();
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let Some((_, after)) = tag.split_once('>') else {
            rest = "";
            break;
        };
        rest = after;
    }
    text.push_str(rest);
    for (name, sign) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
    {
        text = text.replace(name, sign);
    }
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), origin_host(url))
}

fn origin_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The innermost cause: the outer ones only say that there is one.
pub(super) fn cause(error: &reqwest::Error) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let kinds = chain(error).filter_map(|e| e.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    // Layers wrap one error in another of kind `Other`.
    kinds.filter(|kind| *kind != ErrorKind::Other).last()
}

fn chain<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error as &'a (dyn StdError + 'static)), |e: &&'a (dyn StdError + 'static)| (*e).source())
}

fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{} ms", duration.as_millis()),
    }
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
