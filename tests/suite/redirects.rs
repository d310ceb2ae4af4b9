//! A redirect to another origin: nothing is asked there, no secret goes there, and no act is ever sent there.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use crate::support::binary::Binary;
use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::forward::{Forward, WILDCARD, name_of};
use crate::support::hostile::{Behaviour, Hostile, Reply};
use crate::support::hub::{VERBS_OF_PAUSED, config_of, ended, hub_in, hub_of, status};
use crate::support::matrix::record;
use crate::support::tls::{Authority, TlsFront, Validity};
use crate::support::ways::CANARY;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::domain::source::Freshness;
use quarterdeck::hub::Hub;
use quarterdeck::ops::Ops;
use rustls::ALL_VERSIONS;
use tempfile::TempDir;

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// What a proxy is told of who asks.
const PROXY_PASSWORD: &str = "canary-proxy-81c2";

/// How a source is reached, and what it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Bearer,
    Basic,
    Command,
    Certificate,
    /// Through the proxy that the config names.
    Proxy,
    /// Through the proxy that the environment names, with a password.
    PasswordProxy,
    /// The same to a secured server, through a tunnel.
    Tunnel,
}

/// A server that is reached in one way, and another one that would answer.
struct Place {
    way: Way,
    _folder: TempDir,
    server: FakeRestate,
    front: Option<TlsFront>,
    proxy: Option<Forward>,
    other: Hostile,
    hub: Arc<Hub>,
    /// Scheme, host and port of the source.
    origin: (&'static str, String, u16),
}

impl Place {
    fn new(way: Way) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = FakeRestate::start(vec![row("inv_1")]);
        let other = Hostile::start(Behaviour::Answers(Reply::rows(&[])));
        let authority = Authority::root("own");
        std::fs::write(folder.path().join("own.pem"), authority.pem()).unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, CANARY).unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let front = match way {
            Way::Certificate => {
                authority.client(Validity::Present).write(folder.path(), "me");
                let pair = authority.server(&["localhost", "127.0.0.1"], Validity::Present);
                Some(TlsFront::start(&pair, Some(&authority), ALL_VERSIONS, &server.url()))
            }
            Way::Tunnel => {
                let pair = authority.server(&[WILDCARD], Validity::Present);
                Some(TlsFront::start(&pair, None, ALL_VERSIONS, &server.url()))
            }
            _ => None,
        };
        let proxy = (way == Way::Proxy).then(Forward::start);
        let port = |url: &str| url.rsplit_once(':').unwrap().1.parse().unwrap();
        let origin = match (way, &front) {
            (Way::Certificate, Some(front)) => ("https", "localhost".to_owned(), port(&front.url())),
            (Way::Tunnel, Some(front)) => ("https", name_of(&front.url()), 9070),
            (Way::Proxy | Way::PasswordProxy, _) => ("http", name_of(&server.url()), 9070),
            _ => ("http", "127.0.0.1".to_owned(), port(&server.url())),
        };
        let bearer = "auth = { bearer = { env = \"TOKEN\" } }";
        let keys = match (way, &proxy) {
            (Way::Basic, _) => "auth = { basic = { user = \"jo\", password = { file = \"password\" } } }".to_owned(),
            (Way::Command, _) => format!("auth = {{ bearer = {{ command = [\"printf\", \"{CANARY}\"] }} }}"),
            (Way::Certificate, _) => {
                "ca_file = \"own.pem\"\nclient_cert_file = \"me.pem\"\nclient_key_file = \"me.key\"".to_owned()
            }
            (Way::Tunnel, _) => format!("ca_file = \"own.pem\"\n{bearer}"),
            (_, Some(proxy)) => format!("proxy = \"{}\"\n{bearer}", proxy.url()),
            _ => bearer.to_owned(),
        };
        let (scheme, host, port) = &origin;
        let config = config_of(&[("a", &format!("{scheme}://{host}:{port}"), "10s")]) + &keys + "\n";
        let hub = hub_in(&config, folder.path()).unwrap();
        Self { way, _folder: folder, server, front, proxy, other, hub, origin }
    }

    /// Where a redirect leads, and what is said of it.
    fn targets(&self) -> Vec<(&'static str, String, String)> {
        let (scheme, host, port) = (self.origin.0, self.origin.1.as_str(), self.origin.2);
        let (_, trap) =
            self.other.url().rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned())).unwrap();
        let elsewhere = if host == "localhost" { "127.0.0.1" } else { "localhost" };
        let (otherwise, by_default) = if scheme == "http" { ("https", 80) } else { ("http", 443) };
        let to = |name, origin: String| (name, format!("{origin}/elsewhere"), format!("{origin};"));
        vec![
            to("another port", format!("{scheme}://{host}:{trap}")),
            to("another host", format!("{scheme}://{elsewhere}:{trap}")),
            to("another host and no other port", format!("{scheme}://{elsewhere}:{port}")),
            to("another scheme", format!("{otherwise}://{host}:{trap}")),
            to("another scheme and no other port", format!("{otherwise}://{host}:{port}")),
            to("another server in the clear", format!("http://127.0.0.1:{trap}")),
            ("only the port left out", format!("//{host}/elsewhere"), format!("{scheme}://{host}:{by_default};")),
            (
                "with a password",
                format!("{scheme}://user:{CANARY}@{elsewhere}:{trap}/elsewhere?token={CANARY}"),
                format!("{scheme}://{elsewhere}:{trap};"),
            ),
            ("its own origin", "/elsewhere".to_owned(), format!("{scheme}://{host}:{port};")),
            ("nowhere", "http://[".to_owned(), "nowhere;".to_owned()),
        ]
    }

    /// Whether what came to the source since then is what is for it, and nothing has come anywhere else.
    fn kept_to_itself(&self, before: usize, what: &str) {
        let asked = &self.server.requests()[before..];
        assert!(!asked.is_empty(), "{what}");
        let sent = match self.way {
            Way::Basic => Some(format!("Basic {}", STANDARD.encode(format!("jo:{CANARY}")))),
            Way::Certificate => None,
            _ => Some(format!("Bearer {CANARY}")),
        };
        for request in asked {
            assert_ne!(request.path, "/elsewhere", "{what}");
            // The secret does go to whom it belongs, and the one of the proxy never goes beyond it.
            assert_eq!(request.header("authorization"), sent.as_deref(), "{what}");
            assert_eq!(request.header("proxy-authorization"), None, "{what}");
            let raw = String::from_utf8_lossy(&request.raw).into_owned();
            assert!(!raw.contains(PROXY_PASSWORD) && !raw.contains(&STANDARD.encode(PROXY_PASSWORD)), "{what}: {raw}");
        }
        let own = format!("{}:{}", self.origin.1, self.origin.2);
        let wishes = self.proxy.as_ref().map(Forward::wishes).unwrap_or_default();
        assert!(wishes.iter().all(|wish| wish.target == own && wish.credentials.is_none()), "{what}: {wishes:?}");
        assert_eq!((self.other.count(), self.other.connections()), (0, 0), "{what}");
        if let Some(front) = &self.front {
            assert!(front.handshakes() > 0, "{what}: it was shown the certificate");
        }
    }

    /// Reads, and is sent on with each status to each place; how often.
    async fn is_not_followed_by_reads(&self) -> usize {
        let mut cases = 0;
        for kind in [Kind::Version, Kind::Rows] {
            for code in STATUSES {
                for (name, to, origin) in self.targets() {
                    self.server.be_good();
                    self.server.behave_for(kind, Behaviour::Redirect(code, to));
                    let before = self.server.count();
                    self.hub.pass().await;
                    let what = format!("{:?}, {kind:?}, {code}, {name}", self.way);
                    let told = status(&self.hub, "a").await;
                    let error = told.error.as_deref().unwrap_or_default();
                    let wanted = format!("redirected ({code}) to {origin} redirects are not followed");
                    assert!(error.contains(&wanted), "{what}: {error}");
                    assert!(!error.contains(CANARY) && !error.contains(PROXY_PASSWORD), "{what}: {error}");
                    assert_eq!(told.state, Freshness::Failed, "{what}");
                    self.kept_to_itself(before, &what);
                    cases += 1;
                }
            }
        }
        cases
    }

    /// Acts, and is sent on with each status to each place; how often.
    async fn is_not_followed_by_acts(&self) -> usize {
        let mut cases = 0;
        for (code, verb) in STATUSES.into_iter().zip(VERBS_OF_PAUSED.into_iter().cycle()) {
            for (name, to, _) in self.targets() {
                self.server.be_good();
                self.server.behave_for(Kind::Act, Behaviour::Redirect(code, to));
                let (before, sent) = (self.server.count(), self.server.asked(Kind::Act));
                let what = format!("{:?}, {verb:?}, {code}, {name}", self.way);
                let plan = self.hub.plan(verb, &InstanceId::new("a", "inv_1")).await.unwrap();
                let act = self.hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
                let act = ended(&self.hub, &act).await;
                assert_eq!(act.item, ItemState::Failed, "{what}: {act:#?}");
                let words = format!("refused: redirected ({code}); redirects are not followed");
                assert_eq!(act.outcome, *words, "{what}");
                assert_eq!(self.server.asked(Kind::Act), sent + 1, "{what}: sent once");
                self.kept_to_itself(before, &what);
                cases += 1;
            }
        }
        cases
    }
}

const WAYS: [Way; 5] = [Way::Bearer, Way::Basic, Way::Command, Way::Certificate, Way::Proxy];

#[tokio::test]
async fn a_read_is_never_sent_on() {
    let mut cases = 0;
    for way in WAYS {
        cases += Place::new(way).is_not_followed_by_reads().await;
    }
    record("redirects", cases, 500);
}

#[tokio::test]
async fn an_act_is_never_sent_on() {
    let mut cases = 0;
    for way in WAYS {
        cases += Place::new(way).is_not_followed_by_acts().await;
    }
    record("redirects", cases, 250);
}

/// Set where this test is the process behind the proxy.
const INSIDE: &str = "TEST_IS_BEHIND_A_PROXY";

/// A proxy that wants a password is named by the environment alone, and no process may change its own. So the test is
/// started a second time.
#[test]
fn the_password_of_a_proxy_goes_to_the_proxy_alone() {
    let ways = [Way::PasswordProxy, Way::Tunnel];
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cases = runtime.block_on(async {
            let mut cases = 0;
            for place in ways.map(Place::new) {
                cases += place.is_not_followed_by_reads().await + place.is_not_followed_by_acts().await;
            }
            cases
        });
        record("redirects", cases, 300);
        return;
    }
    let sent = format!("Basic {}", STANDARD.encode(format!("jo:{PROXY_PASSWORD}")));
    let proxy = Forward::start_for(Some(&sent));
    let this = std::env::current_exe().unwrap();
    let mut inside = std::process::Command::new(this);
    inside.args(["--exact", "redirects::the_password_of_a_proxy_goes_to_the_proxy_alone"]).env(INSIDE, "1");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"] {
        inside.env(name, proxy.url_with("jo", PROXY_PASSWORD));
    }
    for name in ["ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        inside.env_remove(name);
    }
    let output = inside.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let wishes = proxy.wishes();
    for way in ["CONNECT", "POST", "PATCH", "GET"] {
        assert!(wishes.iter().any(|wish| wish.method == way), "{way}: {wishes:?}");
    }
    let targets: BTreeSet<&str> = wishes.iter().map(|wish| wish.target.as_str()).collect();
    // Two sources, and nobody else.
    assert!(targets.len() == 2 && targets.iter().all(|target| target.ends_with(":9070")), "{targets:?}");
    assert!(wishes.iter().all(|wish| wish.credentials.as_deref() == Some(&sent)), "{wishes:?}");
}

#[test]
fn the_program_follows_none_either() {
    let other = Hostile::start(Behaviour::Answers(Reply::rows(&[])));
    for code in STATUSES {
        let server = Hostile::start(Behaviour::Redirect(code, format!("{}/version", other.url())));
        let auth = "auth = { bearer = { env = \"TOKEN\" } }\n";
        let ran = Binary::new(&(config_of(&[("a", &server.url(), "10s")]) + auth)).run(&["get", "sources"]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stdout.contains(&format!("redirected ({code})")), "{ran:?}");
        assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{ran:?}");
        assert_eq!(server.requests()[0].header("authorization"), Some(&*format!("Bearer {CANARY}")));
    }
    assert_eq!((other.count(), other.connections()), (0, 0));
}

/// A server that tells back what it was sent must not bring the secret to the screen or into the record.
#[tokio::test]
async fn an_echoed_secret_is_taken_out() {
    for code in [400, 401, 403, 404, 409, 500] {
        let server = FakeRestate::start(vec![row("inv_1")]);
        let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), Some(CANARY), Duration::from_secs(60));
        let echo = move |kind: &str| {
            let body = format!("{{\"message\":\"what is Bearer {CANARY}?\"}}");
            Behaviour::Answers(Reply::new(code, kind, body))
        };
        server.behave_for(Kind::Act, echo("application/json"));
        let plan = hub.plan(Verb::Cancel, &InstanceId::new("a", "inv_1")).await.unwrap();
        let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
        let act = ended(&hub, &act).await;
        let said = format!("{act:?}");
        assert!(said.contains("[redacted]") && !said.contains(CANARY), "{code}: {said}");
        for kind in ["application/json", "text/html"] {
            server.behave(echo(kind));
            hub.pass().await;
            let error = status(&hub, "a").await.error.unwrap();
            assert!(error.contains("[redacted]") && !error.contains(CANARY), "{code}: {error}");
        }
    }
    // In a row that can't be read, too.
    let server = FakeRestate::start(vec![serde_json::json!({"id": 7, "echo": format!("Bearer {CANARY}")})]);
    server.edit(|world| world.counts = Some(vec![]));
    let hub = hub_of(&config_of(&[("a", &server.url(), "10s")]), Some(CANARY), Duration::from_secs(60));
    hub.pass().await;
    let told = status(&hub, "a").await;
    let why = told.bad_row.as_deref().unwrap_or_else(|| panic!("{told:?}"));
    assert!(why.contains("[redacted]") && !why.contains(CANARY), "{why}");
}
