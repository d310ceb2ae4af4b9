//! Why a secure connection did not come about, in words for whoever is on call, and what is known of one that did.

use std::error::Error as StdError;

use jiff::Timestamp;
use reqwest::Response;
use reqwest::tls::TlsInfo;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, InvalidMessage};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::domain::time::date_time;

/// What is known of the certificate of a server that answered over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// When it is no longer valid; `None` where that can't be read.
    pub expires_at: Option<Timestamp>,
    /// Whether it was verified.
    pub verified: bool,
}

/// The certificate of the server that gave this answer; `None` where the connection was not secured.
pub(super) fn certificate(response: &Response, verified: bool) -> Option<Certificate> {
    let info = response.extensions().get::<TlsInfo>()?;
    let der = info.peer_certificate()?;
    let expires_at = X509Certificate::from_der(der)
        .ok()
        .and_then(|(_, certificate)| Timestamp::from_second(certificate.validity().not_after.timestamp()).ok());
    Some(Certificate { expires_at, verified })
}

/// Who took part in a connection that failed.
pub(super) struct Parties<'a> {
    /// The server's name, as the URL has it.
    pub(super) host: &'a str,
    /// The server's name and port.
    pub(super) origin: &'a str,
    /// Whether a client certificate was shown.
    pub(super) identity: bool,
    /// Whether an authority of one's own is the only one believed.
    pub(super) own_authority: bool,
}

/// Why TLS failed; `None` where it was something else.
pub(super) fn words(error: &reqwest::Error, parties: &Parties<'_>) -> Option<String> {
    let Parties { host, origin, identity, own_authority } = parties;
    let failed = |why: &str| Some(format!("no secure connection to {origin}: {why}"));
    match find(error)? {
        rustls::Error::InvalidCertificate(why) => Some(certificate_words(why, host, *own_authority)),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            Some(format!("no connection to {origin}: it does not speak TLS; is it http:// rather than https://?"))
        }
        rustls::Error::AlertReceived(alert) => {
            let refuses = "the server refuses the client certificate";
            match alert {
                AlertDescription::ProtocolVersion => {
                    failed("it speaks no version of TLS that is safe; 1.2 at least is needed")
                }
                AlertDescription::CertificateRequired => {
                    failed("the server wants a client certificate; name it with client_cert_file and client_key_file")
                }
                AlertDescription::CertificateExpired if *identity => failed(&format!("{refuses}: it has expired")),
                AlertDescription::UnknownCA if *identity => {
                    failed(&format!("{refuses}: it does not know the authority that issued it"))
                }
                AlertDescription::CertificateRevoked if *identity => failed(&format!("{refuses}: it was revoked")),
                AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::DecryptError
                | AlertDescription::AccessDenied
                    if *identity =>
                {
                    failed(refuses)
                }
                AlertDescription::HandshakeFailure | AlertDescription::BadCertificate if !identity => failed(
                    "the server ended the handshake; it may want a client certificate (client_cert_file, \
                     client_key_file)",
                ),
                AlertDescription::UnrecognisedName => failed(&format!("it does not know the name {host}")),
                other => failed(&format!("the server ended the handshake ({})", spaced(&format!("{other:?}")))),
            }
        }
        rustls::Error::PeerIncompatible(_) => {
            failed("it speaks no version of TLS that is safe; 1.2 at least is needed")
        }
        rustls::Error::NoCertificatesPresented => failed("it shows no certificate"),
        other => failed(&format!("what it sends is no TLS that can be read ({other})")),
    }
}

fn certificate_words(why: &CertificateError, host: &str, own_authority: bool) -> String {
    let whose = format!("the certificate of {host}");
    match why {
        CertificateError::ExpiredContext { not_after, time } => {
            format!("{whose} expired on {}; here it is {}", moment(*not_after), moment(*time))
        }
        CertificateError::Expired => format!("{whose} has expired"),
        CertificateError::NotValidYetContext { not_before, time } => {
            format!(
                "{whose} is not valid before {}; here it is {}: is a clock wrong?",
                moment(*not_before),
                moment(*time)
            )
        }
        CertificateError::NotValidYet => format!("{whose} is not valid yet: is a clock wrong?"),
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            let names: Vec<String> = presented.iter().take(4).map(|name| plain_name(name)).collect();
            let more = if presented.len() > 4 { " and others" } else { "" };
            format!("the certificate shown is not for {host} but for {}{more}", names.join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate shown is not for {host}")
        }
        CertificateError::UnknownIssuer if own_authority => {
            format!("{whose} was not issued by the authority of ca_file, the only one believed for this source")
        }
        CertificateError::UnknownIssuer => format!(
            "{whose} was issued by itself or by an authority that is not known here; if it is your own, name it with \
             ca_file"
        ),
        CertificateError::Revoked => format!("{whose} was revoked"),
        CertificateError::BadSignature => format!("{whose} is not signed by whom it names"),
        CertificateError::BadEncoding => format!("{whose} can't be read"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("{whose} is not meant for a server")
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            format!("{whose} is that of an authority, which can't be a server's own")
        }
        other => format!("{whose} is refused ({other})"),
    }
}

/// The names of a certificate as people write them: `DnsName("a.example")` is how the library shows one.
fn plain_name(name: &str) -> String {
    match name.split_once('"').and_then(|(_, rest)| rest.split_once('"')) {
        Some((name, _)) => name.to_owned(),
        None => name.trim_start_matches("IpAddress(").trim_end_matches(')').to_owned(),
    }
}

fn moment(at: UnixTime) -> String {
    i64::try_from(at.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| "an unknown day".to_owned(), date_time)
}

/// `HandshakeFailure` as `handshake failure`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// The error of TLS somewhere beneath. An I/O error hides what it wraps from `source`, so it is asked for it.
fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next: Option<&'a (dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
