//! What a server is told of who asks, read again where the server does not accept it any more, and taken out of
//! every text that is shown.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::ConnectError;
use crate::config::{Credentials, Scheme};
use crate::domain::text::SafeText;

/// How many credentials that are no longer in use are still taken out of texts: a server may repeat an old one.
const FORMER: usize = 4;

/// From so many bytes on a secret is taken out of answers too.
const LONG: usize = 8;

/// The credentials of one client; clones share them.
#[derive(Clone, Default)]
pub(super) struct Keyring {
    held: Arc<Mutex<Held>>,
    /// Whether the server has refused them since they were read.
    refused: Arc<AtomicBool>,
}

#[derive(Default)]
struct Held {
    /// The credentials, and the header that they are sent as, where they are one.
    current: Option<(Credentials, HeaderName, Option<HeaderValue>)>,
    /// What the server gave for a login, and the header that it is sent as.
    token: Option<(HeaderName, HeaderValue)>,
    /// Such tokens, the newest last: they are taken out of texts as well.
    tokens: Vec<SecretString>,
    /// What is taken out of texts: the newest last.
    secrets: Vec<SecretString>,
    /// Secrets that the surroundings brought in, such as the password of a proxy.
    others: Vec<SecretString>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

impl Keyring {
    /// With these credentials, and `others` that are taken out of texts as well.
    pub(super) fn new(credentials: Option<Credentials>, others: Vec<SecretString>) -> Result<Self, ConnectError> {
        let keyring = Self::default();
        keyring.held().others = others;
        if let Some(credentials) = credentials {
            keyring.take(credentials)?;
        }
        Ok(keyring)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, credentials: Credentials) -> Result<(), ConnectError> {
        let secret = credentials.secret().expose_secret().trim();
        let mut name = AUTHORIZATION;
        let (word, secrets) = match credentials.scheme() {
            Scheme::Header { name: own } => {
                let refused = |_| ConnectError::Refused("the name of the header for the key is none".into());
                name = HeaderName::try_from(own).map_err(refused)?;
                (secret.to_owned(), vec![secret.to_owned()])
            }
            Scheme::Bearer => (format!("Bearer {secret}"), vec![secret.to_owned()]),
            Scheme::Basic { user } => {
                let both = STANDARD.encode(format!("{user}:{secret}"));
                (format!("Basic {both}"), vec![secret.to_owned(), both])
            }
            Scheme::Login { .. } => (String::new(), vec![secret.to_owned()]),
        };
        let Ok(mut header) = HeaderValue::from_str(&word) else {
            let what = match credentials.scheme() {
                Scheme::Header { .. } => "key holds",
                Scheme::Bearer => "bearer token holds",
                Scheme::Basic { .. } | Scheme::Login { .. } => "user or password hold",
            };
            return Err(ConnectError::Refused(format!("the {what} characters that no header can carry").into()));
        };
        header.set_sensitive(true);
        let header = Some(header).filter(|header| !header.is_empty());
        let mut held = self.held();
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            if !held.secrets.iter().any(|known| known.expose_secret() == secret) {
                held.secrets.push(SecretString::from(secret));
            }
        }
        let surplus = held.secrets.len().saturating_sub(2 * (FORMER + 1));
        held.secrets.drain(..surplus);
        held.current = Some((credentials, name, header));
        Ok(())
    }

    /// The header that says who asks: `Authorization`, the server's own, or what it gave for a login.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let held = self.held();
        let plain = held.current.as_ref().and_then(|(_, name, header)| Some((name.clone(), header.clone()?)));
        plain.or_else(|| held.token.clone())
    }

    /// Takes what the server gave for a login; `None` where it is of no use any more.
    pub(super) fn take_token(&self, token: Option<(HeaderName, &str)>) -> Result<(), ConnectError> {
        let token = token.map(|(name, token)| match HeaderValue::from_str(token) {
            Ok(mut value) => {
                value.set_sensitive(true);
                Ok((name, value, SecretString::from(token)))
            }
            Err(_) => Err(ConnectError::BadAnswer("the server gave a token that no header can carry".into())),
        });
        let token = token.transpose()?;
        let mut held = self.held();
        held.token = token.map(|(name, value, secret)| {
            held.tokens.push(secret);
            let surplus = held.tokens.len().saturating_sub(FORMER + 1);
            held.tokens.drain(..surplus);
            (name, value)
        });
        if held.token.is_some() {
            self.refused.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The credentials themselves, for a login.
    pub(super) fn current(&self) -> Option<Credentials> {
        self.held().current.as_ref().map(|(credentials, ..)| credentials.clone())
    }

    /// Whether the server has refused what was sent last.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// How they are sent.
    pub(super) fn scheme(&self) -> Option<Scheme> {
        self.held().current.as_ref().map(|(credentials, ..)| credentials.scheme().clone())
    }

    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        self.held().current.is_some()
    }

    /// Remembers that the server did not accept them.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Reads them again where the server has refused them and they may have changed: tokens are rotated. Called
    /// before a read, never for an act: an act goes out with what its plan was read with, or not at all.
    pub(super) async fn renew(&self) -> Result<(), ConnectError> {
        if !self.refused.load(Ordering::Relaxed) {
            return Ok(());
        }
        let current = self.held().current.as_ref().map(|(credentials, ..)| credentials.clone());
        let Some(current) = current.filter(Credentials::renewable) else { return Ok(()) };
        let fresh = tokio::task::spawn_blocking(move || current.renew()).await;
        let failed = |why: String| {
            let words = format!("the server did not accept the credentials, and they can't be read again: {why}");
            ConnectError::Refused(SafeText::clipped(&words, 600))
        };
        let fresh = fresh.map_err(|error| failed(error.to_string()))?.map_err(failed)?;
        self.take(fresh)?;
        self.refused.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// An answer without any of the secrets: a server that tells them back, in whatever field, must not bring them to
    /// the screen. What is as short as a word could be one, and is left.
    pub(super) fn redact(&self, body: Vec<u8>) -> Vec<u8> {
        let held = self.held();
        let told = |text: &str| {
            let all = held.secrets.iter().chain(&held.others).chain(&held.tokens);
            let long = all.map(secrecy::ExposeSecret::expose_secret);
            long.filter(|secret| secret.len() >= LONG && text.contains(*secret)).map(str::to_owned).collect::<Vec<_>>()
        };
        let Ok(text) = str::from_utf8(&body) else { return body };
        let told = told(text);
        if told.is_empty() {
            return body;
        }
        let clean = told.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[redacted]"));
        clean.into_bytes()
    }

    /// A text without any of the secrets.
    pub(super) fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let held = self.held();
        let mut text = Cow::from(text);
        for secret in held.secrets.iter().chain(&held.others).chain(&held.tokens) {
            let secret = secret.expose_secret();
            if text.contains(secret) {
                text = text.replace(secret, "[redacted]").into();
            }
        }
        text
    }
}

/// The secrets in the proxies that the environment names: the password, as it stands and as it is sent.
pub(super) fn of_proxies(variable: impl Fn(&str) -> Option<String>) -> Vec<SecretString> {
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let mut secrets = Vec::new();
    for url in names.into_iter().filter_map(variable).filter_map(|proxy| reqwest::Url::parse(&proxy).ok()) {
        let Some(password) = url.password().filter(|password| !password.is_empty()) else { continue };
        let plain = percent_decoded(password);
        let both = STANDARD.encode(format!("{}:{plain}", percent_decoded(url.username())));
        secrets.extend([password.to_owned(), plain, both].map(SecretString::from));
    }
    secrets
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut rest = bytes.clone();
        let digits = (byte == b'%').then(|| [rest.next(), rest.next()].map(|digit| char::from(digit?).to_digit(16)));
        match digits {
            Some([Some(high), Some(low)]) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(byte));
                bytes = rest;
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_proxy_is_taken_out_however_it_is_written() {
        let secrets = of_proxies(|name| (name == "HTTPS_PROXY").then(|| "http://u:p%40ss@proxy:1".to_owned()));
        let keyring = Keyring::new(None, secrets).unwrap();
        let sent = STANDARD.encode("u:p@ss");
        assert_eq!(keyring.redacted(&format!("a p@ss b p%40ss c {sent}")), "a [redacted] b [redacted] c [redacted]");
        assert!(of_proxies(|_| Some("http://proxy:1".to_owned())).is_empty());
    }

    #[test]
    fn a_former_secret_is_still_taken_out() {
        let given = |secret: &str| Credentials::given(Scheme::Bearer, secret.into());
        let keyring = Keyring::new(Some(given("one")), vec![]).unwrap();
        keyring.take(given("two")).unwrap();
        assert_eq!(keyring.redacted("one two three"), "[redacted] [redacted] three");
        assert_eq!(keyring.header().unwrap().1, "Bearer two");
    }
}
