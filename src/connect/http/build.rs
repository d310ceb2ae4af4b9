//! How the client is made: where it may go, whom it believes, and what it shows of itself.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Certificate, ClientBuilder, Identity, Proxy, Url};
use secrecy::ExposeSecret as _;

use super::{CONNECT_TIMEOUT, ConnectError, words};
use crate::config::Transport;
use crate::domain::text::SafeText;

/// The clients for reads and for acts.
pub(super) fn clients(
    base: &Url,
    timeout: Duration,
    transport: &Transport,
) -> Result<(reqwest::Client, reqwest::Client), ConnectError> {
    let build = |builder: ClientBuilder| builder.build().map_err(|error| unbuilt(&error, transport));
    let reads = build(builder(base, timeout, transport)?)?;
    // Without idle connections each request opens its own: none is sent on one that may be half dead, which is the
    // only case in which the pool would send it a second time.
    let acts = build(builder(base, timeout, transport)?.pool_max_idle_per_host(0).http1_only())?;
    Ok((reads, acts))
}

fn builder(base: &Url, timeout: Duration, transport: &Transport) -> Result<ClientBuilder, ConnectError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .tls_info(true)
        .connect_timeout(timeout.min(CONNECT_TIMEOUT));
    builder = match &transport.proxy {
        Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(|error| words::unbuilt(&error))?),
        None if is_loopback(base) => builder.no_proxy(),
        None => builder,
    };
    if let Some(authority) = &transport.authority {
        let certificates = Certificate::from_pem_bundle(authority.pem.as_bytes())
            .map_err(|error| unread("ca_file", &authority.file, &words::cause(&error)))?;
        if certificates.is_empty() {
            return Err(unread("ca_file", &authority.file, "there is no certificate in it"));
        }
        // Instead of the system's: who runs an authority of their own wants no other to vouch for this server.
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(identity) = &transport.identity {
        let read = Identity::from_pem(identity.pem().expose_secret().as_bytes());
        builder = builder.identity(read.map_err(|_| not_a_pair(identity))?);
    }
    Ok(builder.tls_danger_accept_invalid_certs(transport.unverified))
}

/// The proxy that the server is asked through, as the builder above decides it; without its credentials.
pub(super) fn proxy(base: &Url, transport: &Transport) -> Option<Url> {
    let named = match &transport.proxy {
        Some(named) => named.clone(),
        None if is_loopback(base) => return None,
        // What the HTTP client itself asks: all the variables, and what they except.
        None => Matcher::from_env().intercept(&base.as_str().parse().ok()?)?.uri().to_string(),
    };
    let mut proxy = Url::parse(&named).ok()?;
    proxy.set_username("").and_then(|()| proxy.set_password(None)).ok()?;
    Some(proxy)
}

/// What a file could not be read as. The cause comes from the library and quotes no key.
fn unread(key: &str, file: &Path, why: &str) -> ConnectError {
    ConnectError::Refused(SafeText::clipped(&format!("{key} {}: {why}", file.display()), 300))
}

fn not_a_pair(identity: &crate::config::Identity) -> ConnectError {
    let (certificate, key) = (identity.certificate_file.display(), identity.key_file.display());
    let words = format!("{certificate} and {key} are no client certificate and its key");
    ConnectError::Refused(SafeText::clipped(&words, 300))
}

/// The client can't be made. Where there are files, they are why.
fn unbuilt(error: &reqwest::Error, transport: &Transport) -> ConnectError {
    let cause = words::cause(error);
    match (&transport.authority, &transport.identity) {
        (_, Some(identity)) if cause.contains("key") || cause.contains("Key") => not_a_pair(identity),
        (Some(authority), _) => unread("ca_file", &authority.file, &cause),
        (None, Some(identity)) => not_a_pair(identity),
        (None, None) => words::unbuilt(error),
    }
}

/// The URL that every path is put behind.
pub(super) fn base(raw: &str) -> Result<Url, ConnectError> {
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

pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.ends_with(".localhost") || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}
