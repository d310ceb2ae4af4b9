//! Secrets in every place from which Quarterdeck takes one, and what looks for them in a text.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use quarterdeck::config::{Config, Flags, Surroundings};
use rustls::ALL_VERSIONS;

use super::fake_restate::{FakeRestate, row};
use super::forward::{Forward, name_of};
use super::program::command;
use super::tls::{Authority, TlsFront, Validity};

/// In the variable `TOKEN`.
pub const FROM_ENV: &str = "canary-env-77a1";
/// In the file `token`.
pub const FROM_FILE: &str = "canary-file-77a2";
/// A command prints it.
pub const FROM_COMMAND: &str = "canary-command-77a3";
/// In the file `password`.
pub const PASSWORD: &str = "canary-password-77a4";
/// `jo:canary-password-77a4`, as it is sent.
pub const BASIC: &str = "am86Y2FuYXJ5LXBhc3N3b3JkLTc3YTQ=";
/// In the variables that name a proxy.
pub const IN_PROXY: &str = "canary-proxy-77a5";
/// `jo:canary-proxy-77a5`, as it is sent.
pub const PROXY_BASIC: &str = "am86Y2FuYXJ5LXByb3h5LTc3YTU=";
/// Where a test puts it where none belongs.
pub const IN_URL: &str = "canary-url-77a6";

const ALL: [&str; 8] = [FROM_ENV, FROM_FILE, FROM_COMMAND, PASSWORD, BASIC, IN_PROXY, PROXY_BASIC, IN_URL];

/// How many secrets a look at a text looks for; the lines of a key count as one.
pub const LOOKED_FOR: usize = ALL.len() + 1;

/// The sources, one for each way to keep a secret.
const WAYS: [(&str, &str); 5] = [
    ("env", "auth = { bearer = { env = \"TOKEN\" } }"),
    ("file", "auth = { bearer = { file = \"token\" } }"),
    ("command", "auth = { bearer = { command = [\"printf\", \"canary-command-77a3\"] } }"),
    ("basic", "auth = { basic = { user = \"jo\", password = { file = \"password\" } } }"),
    ("key", "ca_file = \"own.pem\"\nclient_cert_file = \"me.pem\"\nclient_key_file = \"me.key\""),
];

/// A folder with a config and everything that it names, and the server that its sources are.
pub struct Bench {
    home: tempfile::TempDir,
    /// It stands behind every source.
    pub server: FakeRestate,
    front: TlsFront,
    /// The one that the variables name; it wants the password.
    pub proxy: Forward,
    /// What the config says.
    pub config: String,
    key: String,
}

impl Bench {
    /// With a source for each secret but the one of the proxy.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// With one more source, `proxied`, that can be had through the proxy alone.
    pub fn behind_a_proxy() -> Self {
        Self::with(Some("proxied"))
    }

    fn with(proxied: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        for (name, secret) in [("token", FROM_FILE), ("password", PASSWORD)] {
            private(&home.path().join(name), secret);
        }
        let server = FakeRestate::start(vec![row("inv_1")]);
        let authority = Authority::root("own");
        std::fs::write(home.path().join("own.pem"), authority.pem()).unwrap();
        let pair = authority.client(Validity::Present);
        pair.write(home.path(), "me");
        let certificate = authority.server(&["localhost"], Validity::Present);
        let front = TlsFront::start(&certificate, Some(&authority), ALL_VERSIONS, &server.url());
        let source = |name: &str, url: &str, keys: &str| {
            format!("[[source]]\nname = \"{name}\"\nkind = \"restate\"\nurl = \"{url}\"\n{keys}\n")
        };
        let mut config = "state_dir = \"state\"\n".to_owned();
        for (name, keys) in WAYS {
            config += &source(name, &if name == "key" { front.url() } else { server.url() }, keys);
        }
        if let Some(name) = proxied {
            config += &source(name, &format!("http://{}:9070", name_of(&server.url())), "");
        }
        std::fs::write(home.path().join("config.toml"), &config).unwrap();
        let proxy = Forward::start_for(Some(&format!("Basic {PROXY_BASIC}")));
        Self { home, server, front, proxy, config, key: pair.key }
    }

    /// The folder of the config.
    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// The names of the sources.
    pub fn sources() -> impl Iterator<Item = &'static str> {
        WAYS.into_iter().map(|(name, _)| name)
    }

    /// Whether the client certificate was shown.
    pub fn key_was_used(&self) -> bool {
        self.front.handshakes() > 0
    }

    /// The variables with every secret that is in one.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let proxy = self.proxy.url_with("jo", IN_PROXY);
        let mut variables: Vec<_> =
            ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, proxy.clone())).into();
        variables.push(("TOKEN", FROM_ENV.to_owned()));
        variables
    }

    /// The program with every secret in reach.
    pub fn command(&self, args: &[&str]) -> Command {
        let config = self.path().join("config.toml");
        let mut command = command(["--config", config.to_str().unwrap()].iter().chain(args));
        command.envs(self.variables()).env_remove("NO_PROXY").env_remove("no_proxy");
        command
    }

    /// The config, read in this process.
    pub fn config(&self) -> Config {
        let variable = |name: &str| (name == "TOKEN").then(|| FROM_ENV.to_owned());
        let surroundings = Surroundings { variable: &variable, folder: self.path() };
        Config::parse_in(&self.config, "config.toml", &Flags::default(), &surroundings).unwrap()
    }

    /// # Panics
    /// Where one of the secrets stands in a text, or a line of the key.
    #[track_caller]
    pub fn clean(&self, sink: &str, text: &str) {
        let lines = self.key.lines().filter(|line| !line.starts_with('-') && line.len() > 8);
        for secret in ALL.into_iter().chain(lines) {
            assert!(!text.contains(secret), "{secret} shows in {sink}:\n{text}");
        }
    }
}

/// Writes a file that only its owner may read.
pub fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
