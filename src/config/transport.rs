//! How a source is reached, beside its URL: credentials, certificates, a proxy.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::Surroundings;
use super::diagnostic::Diagnostic;
use super::paths;
use super::secret::{self, Auth, SecretPlace, Shape};
use super::section::{Found, Section};

/// How a source is reached. The default is: no credentials, the system's certificate authorities, the usual proxy
/// variables, and certificates verified.
#[derive(Debug, Clone, Default)]
pub struct Transport {
    /// What it says who it is with.
    pub credentials: Option<Credentials>,
    /// The only certificate authority that is believed; `None` for those that the system believes.
    pub authority: Option<Authority>,
    /// The certificate that it shows to the server.
    pub identity: Option<Identity>,
    /// The proxy for every request, an http or https URL without credentials; `None` for the usual variables.
    pub proxy: Option<String>,
    /// Whether the server's certificate is taken unseen. Then nothing is acted on.
    pub unverified: bool,
}

impl Transport {
    /// Everything secret in it, and what may be: whether two are the same can't be told by `Debug`, which shows neither
    /// a token, a password, a key nor the arguments of a command.
    pub fn secrets(&self) -> Vec<SecretString> {
        let credentials = self.credentials.iter().map(|credentials| credentials.secret.clone());
        let commands = self.credentials.iter().filter_map(|credentials| match &credentials.place {
            Some(SecretPlace::Command(words)) => Some(words.iter().map(|word| SecretString::from(word.as_str()))),
            _ => None,
        });
        credentials.chain(self.identity.iter().map(Identity::pem)).chain(commands.flatten()).collect()
    }
}

impl From<Option<SecretString>> for Transport {
    /// With this bearer token, and all else as usual.
    fn from(bearer: Option<SecretString>) -> Self {
        let credentials = bearer.map(|secret| Credentials { scheme: Scheme::Bearer, secret, place: None });
        Self { credentials, ..Self::default() }
    }
}

/// How credentials are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`, for this user.
    Basic {
        /// The user.
        user: String,
    },
    /// By asking the server for a token, which goes along from then on: a salt-api's way.
    Login {
        /// The user.
        user: String,
        /// By what the server looks at the password: `pam`, `sharedsecret`, `ldap` …
        eauth: String,
    },
    /// A header of the server's own, such as `X-API-Key`.
    Header {
        /// Its name.
        name: String,
    },
}

/// What a source is told of who asks. `Debug` does not show the secret.
#[derive(Debug, Clone)]
pub struct Credentials {
    scheme: Scheme,
    secret: SecretString,
    /// Where the secret is kept; `None` where it was handed in.
    place: Option<SecretPlace>,
}

impl Credentials {
    /// Credentials whose secret is handed in, and can't be read again.
    pub fn given(scheme: Scheme, secret: SecretString) -> Self {
        Self { scheme, secret, place: None }
    }

    /// How they are sent.
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The token or the password.
    pub const fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// What they are and where the secret is kept, in words, without the secret.
    pub fn words(&self) -> String {
        let place = self.place.as_ref().map(|place| format!(" from {}", place.words())).unwrap_or_default();
        match &self.scheme {
            Scheme::Bearer => format!("bearer token{place}"),
            Scheme::Basic { user } => format!("user {user}, password{place}"),
            Scheme::Login { user, eauth } => format!("login of {user} by {eauth}, password{place}"),
            Scheme::Header { name } => format!("header {name}{place}"),
        }
    }

    /// Where the secret is kept; `None` where it was handed in.
    pub const fn place(&self) -> Option<&SecretPlace> {
        self.place.as_ref()
    }

    /// Whether reading the secret again may give another one: it is in a file, or a command prints it.
    pub fn renewable(&self) -> bool {
        self.place.as_ref().is_some_and(SecretPlace::renewable)
    }

    /// The same with the secret read again; may take as long as a command may. The error is for people.
    pub fn renew(&self) -> Result<Self, String> {
        let Some(place) = &self.place else { return Ok(self.clone()) };
        let secret = place.fetch(self.shape(), &|name| std::env::var(name).ok())?;
        Ok(Self { secret, ..self.clone() })
    }

    const fn shape(&self) -> Shape {
        match self.scheme {
            Scheme::Bearer | Scheme::Header { .. } => Shape::Token,
            Scheme::Basic { .. } | Scheme::Login { .. } => Shape::Password,
        }
    }
}

/// A certificate authority of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The file that it came from.
    pub file: PathBuf,
    /// One or more certificates, as PEM.
    pub pem: String,
}

/// A certificate for the server, and its key. `Debug` does not show the key.
#[derive(Clone)]
pub struct Identity {
    /// The file of the certificate and those between it and its authority.
    pub certificate_file: PathBuf,
    /// The file of the key, which only its owner may read.
    pub key_file: PathBuf,
    certificate: String,
    key: SecretString,
}

impl Identity {
    /// Certificates and key as one PEM text.
    pub fn pem(&self) -> SecretString {
        SecretString::from(format!("{}\n{}", self.certificate, self.key.expose_secret()))
    }

    /// The certificates as PEM.
    pub fn certificates(&self) -> &str {
        &self.certificate
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

/// What a source says of its transport, before anything is read that it names.
pub(super) struct Draft<'a> {
    section: Section<'a>,
    auth: Option<Auth<'a>>,
    authority: Option<Found<&'a str>>,
    identity: Option<(Found<&'a str>, Found<&'a str>)>,
    proxy: Option<String>,
    unverified: bool,
}

/// Reads the keys, and no file, variable or command that they name.
pub(super) fn draft<'a>(section: &Section<'a>) -> Result<Draft<'a>, Diagnostic> {
    let certificate = section.text("client_cert_file")?;
    let key = section.text("client_key_file")?;
    let alone = |found: &Found<&str>, other: &str| {
        section.wrong(found, format!("a client certificate needs \"{other}\" as well"))
    };
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (Some(certificate), None) => return Err(alone(&certificate, "client_key_file")),
        (None, Some(key)) => return Err(alone(&key, "client_cert_file")),
        (None, None) => None,
    };
    let authority = section.text("ca_file")?;
    let unverified = section.flag("verify")? == Some(false);
    if let Some(authority) = authority.as_ref().filter(|_| unverified) {
        let message = "\"ca_file\" has no effect beside verify = false; leave one of them out";
        return Err(section.wrong(authority, message));
    }
    Ok(Draft {
        section: section.clone(),
        auth: secret::auth(section)?,
        authority,
        identity,
        proxy: proxy(section)?,
        unverified,
    })
}

impl Draft<'_> {
    /// Whether it asks for a token.
    pub(super) const fn logs_in(&self) -> bool {
        matches!(self.auth, Some(Auth::Login { .. }))
    }

    /// Reads what the keys name.
    pub(super) fn read(self, surroundings: &Surroundings<'_>) -> Result<Transport, Diagnostic> {
        let section = &self.section;
        let credentials = match self.auth {
            None => None,
            Some(Auth::Bearer(reference)) => {
                let (secret, place) = reference.read(section, surroundings)?;
                Some(Credentials { scheme: Scheme::Bearer, secret, place: Some(place) })
            }
            Some(Auth::Header { name, value }) => {
                let (secret, place) = value.read(section, surroundings)?;
                Some(Credentials { scheme: Scheme::Header { name: name.to_owned() }, secret, place: Some(place) })
            }
            Some(Auth::Basic { user, password }) => {
                let (secret, place) = password.read(section, surroundings)?;
                Some(Credentials { scheme: Scheme::Basic { user: user.to_owned() }, secret, place: Some(place) })
            }
            Some(Auth::Login { user, eauth, password }) => {
                let (secret, place) = password.read(section, surroundings)?;
                let scheme = Scheme::Login { user: user.to_owned(), eauth: eauth.to_owned() };
                Some(Credentials { scheme, secret, place: Some(place) })
            }
        };
        let pem = |found: &Found<&str>, private: bool, what: &str| {
            let file = paths::resolve(found.value, surroundings.folder);
            let text = secret::read_file(&file, private).map_err(|message| section.wrong(found, message))?;
            if text.contains(&format!("{what}-----")) {
                Ok((file, text))
            } else {
                let what = what.to_lowercase();
                Err(section.wrong(found, format!("{} holds no {what} in PEM form", file.display())))
            }
        };
        let authority = self.authority.as_ref().map(|found| pem(found, false, "CERTIFICATE")).transpose()?;
        let identity = match &self.identity {
            None => None,
            Some((certificate, key)) => {
                let (certificate_file, certificate) = pem(certificate, false, "CERTIFICATE")?;
                let (key_file, key) = pem(key, true, "PRIVATE KEY")?;
                Some(Identity { certificate_file, key_file, certificate, key: SecretString::from(key) })
            }
        };
        Ok(Transport {
            credentials,
            authority: authority.map(|(file, pem)| Authority { file, pem }),
            identity,
            proxy: self.proxy,
            unverified: self.unverified,
        })
    }
}

/// The address of a proxy, without secrets. No message shows it: what is refused may hold one.
fn proxy(section: &Section<'_>) -> Result<Option<String>, Diagnostic> {
    let Some(found) = section.text("proxy")? else { return Ok(None) };
    let wrong = |message: &str| Err(section.wrong(&found, message));
    let Ok(url) = reqwest::Url::parse(found.value) else {
        return wrong("\"proxy\" can't be read; write it as http://host:port");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return wrong("\"proxy\" must begin with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(
            "\"proxy\" can't hold credentials: this file is no place for a secret; a proxy that wants them is named \
             by the variable HTTPS_PROXY",
        );
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return wrong("\"proxy\" is a host and a port, with nothing behind them");
    }
    Ok(Some(found.value.trim().trim_end_matches('/').to_owned()))
}
