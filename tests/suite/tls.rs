//! Secure connections: whoever can't prove who they are is refused in words that a person understands, whoever can is
//! read, and nothing is acted on where nobody proved anything.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::hub::{ended, hub_in, status};
use crate::support::matrix::record;
use crate::support::tls::{Authority, Mute, Pair, TlsFront, Validity};
use quarterdeck::connect::Connector;
use quarterdeck::connect::restate::Restate;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::plan::Parameters;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::domain::source::Freshness;
use quarterdeck::hub::Hub;
use quarterdeck::ops::Ops;
use rcgen::ExtendedKeyUsagePurpose;
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, SupportedProtocolVersion};

/// A hub on one source with these further keys, of which files are in this folder.
fn hub(url: &str, keys: &str, folder: &Path) -> Result<Arc<Hub>, String> {
    let config = format!("[[source]]\nname = \"a\"\nkind = \"restate\"\nurl = \"{url}\"\ntimeout = \"5s\"\n{keys}\n");
    hub_in(&config, folder)
}

/// What the hub says of the source after one pass: its error, or nothing where it is live.
async fn told(url: &str, keys: &str, folder: &Path) -> String {
    let hub = hub(url, keys, folder).unwrap();
    hub.pass().await;
    let status = status(&hub, "a").await;
    match status.state {
        Freshness::Live => String::new(),
        Freshness::Failed => status.error.unwrap().to_string(),
        other => panic!("{other:?}: {status:?}"),
    }
}

const LOCALHOST: [&str; 1] = ["localhost"];
const OWN: &str = "ca_file = \"own.pem\"";
const BOTH: &str = "ca_file = \"own.pem\"\nclient_cert_file = \"me.pem\"\nclient_key_file = \"me.key\"";

struct Bench {
    folder: tempfile::TempDir,
    own: Authority,
    other: Authority,
    behind: FakeRestate,
    cases: usize,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (Authority::root("own"), Authority::root("other"));
        std::fs::write(folder.path().join("own.pem"), own.pem()).unwrap();
        std::fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
        Self { folder, own, other, behind: FakeRestate::start(vec![row("inv_1")]), cases: 0 }
    }

    /// A server that shows this certificate, looked at with these keys: what is said begins with `no …` or is as given.
    async fn server(&mut self, pair: &Pair, keys: &str, says: &[&str]) {
        let front = TlsFront::start(pair, None, ALL_VERSIONS, &self.behind.url());
        self.check(&front.url(), keys, says).await;
        let let_in = usize::from(says.is_empty());
        assert!(front.handshakes() >= let_in && (let_in == 1 || front.handshakes() == 0), "{says:?}");
    }

    /// A server that wants a client certificate of its own authority, by a client with this one.
    async fn client(&mut self, pair: Option<&Pair>, versions: &[&'static SupportedProtocolVersion], says: &[&str]) {
        let keys = match pair {
            Some(pair) => {
                pair.write(self.folder.path(), "me");
                BOTH
            }
            None => OWN,
        };
        let certificate = self.own.server(&LOCALHOST, Validity::Present);
        let front = TlsFront::start(&certificate, Some(&self.own), versions, &self.behind.url());
        self.check(&front.url(), keys, says).await;
    }

    async fn check(&mut self, url: &str, keys: &str, says: &[&str]) {
        let asked = self.behind.count();
        let told = told(url, keys, self.folder.path()).await;
        if says.is_empty() {
            assert_eq!(told, "", "{url} {keys}");
            assert!(self.behind.count() > asked);
        } else {
            for words in says {
                assert!(told.contains(words), "{keys}: {words:?} is missing in {told:?}");
            }
            let jargon = ["UnknownIssuer", "InvalidCertificate", "peer", "os error", "Error", "UNIX"];
            assert!(!jargon.iter().any(|word| told.contains(word)), "{told}");
            assert_eq!(self.behind.count(), asked, "nothing is asked of whoever can't prove who they are");
        }
        self.cases += 1;
    }
}

#[tokio::test]
async fn whoever_cannot_prove_who_they_are_is_refused_in_words() {
    let mut bench = Bench::new();
    let own = |names: &[&str], validity| bench.own.server(names, validity);
    let good = own(&LOCALHOST, Validity::Present);
    let past = own(&LOCALHOST, Validity::Past);
    let future = own(&LOCALHOST, Validity::Future);
    let elsewhere = own(&["other.example", "more.example"], Validity::Present);
    let numbered = own(&["127.0.0.1"], Validity::Present);
    let nameless = own(&[], Validity::Present);
    let for_clients = bench.own.issue(&LOCALHOST, Validity::Present, ExtendedKeyUsagePurpose::ClientAuth);
    let foreign = bench.other.server(&LOCALHOST, Validity::Present);
    let beneath = bench.own.beneath("between").server(&LOCALHOST, Validity::Present);

    bench.server(&good, OWN, &[]).await;
    bench.server(&beneath, OWN, &[]).await;
    bench.server(&past, OWN, &["the certificate of localhost expired on 2024-01-01 00:00:00; here it is 20"]).await;
    bench
        .server(&future, OWN, &["the certificate of localhost is not valid before 2090-01-01", "is a clock wrong?"])
        .await;
    let names = "the certificate shown is not for localhost but for other.example, more.example";
    bench.server(&elsewhere, OWN, &[names]).await;
    bench.server(&numbered, OWN, &["the certificate shown is not for localhost but for 127.0.0.1"]).await;
    bench.server(&nameless, OWN, &["the certificate shown is not for localhost"]).await;
    bench.server(&for_clients, OWN, &["the certificate of localhost is not meant for a server"]).await;
    let not_own = "the certificate of localhost was not issued by the authority of ca_file, the only one believed";
    bench.server(&foreign, OWN, &[not_own]).await;
    bench.server(&good, "ca_file = \"other.pem\"", &[not_own]).await;
    bench.server(&beneath.without_chain(), OWN, &[not_own]).await;
    bench.server(&Pair::self_signed(&LOCALHOST), OWN, &[not_own]).await;
    // Without an authority of one's own.
    let unknown = "the certificate of localhost was issued by itself or by an authority that is not known here";
    bench.server(&good, "", &[unknown, "ca_file"]).await;
    bench.server(&Pair::self_signed(&LOCALHOST), "", &[unknown]).await;
    // By its number the name does not count.
    let front = TlsFront::start(&good, None, ALL_VERSIONS, &bench.behind.url());
    bench.check(&front.numbered_url(), OWN, &["not for 127.0.0.1 but for localhost"]).await;
    record("tls", bench.cases, 15);
}

#[tokio::test]
async fn a_server_may_want_a_certificate_too() {
    let mut bench = Bench::new();
    let (right, past) = (bench.own.client(Validity::Present), bench.own.client(Validity::Past));
    let wrong = bench.other.client(Validity::Present);
    for version in [&[&TLS12], &[&TLS13]] {
        bench.client(Some(&right), version, &[]).await;
        bench.client(Some(&past), version, &["the server refuses the client certificate: it has expired"]).await;
        let unknown = "the server refuses the client certificate: it does not know the authority that issued it";
        bench.client(Some(&wrong), version, &[unknown]).await;
        bench.client(None, version, &["client certificate", "client_cert_file"]).await;
    }
    record("tls", bench.cases, 8);
}

#[tokio::test]
async fn what_speaks_no_tls_is_told_as_that() {
    let mut bench = Bench::new();
    let plain = bench.behind.url().replace("http://127.0.0.1", "https://localhost");
    bench.check(&plain, OWN, &["within 5 s"]).await;
    let answers = Mute::start(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    bench.check(&answers.url(), OWN, &["it does not speak TLS; is it http:// rather than https://?"]).await;
    let greeting = Mute::start(b"SSH-2.0-OpenSSH_9.2p1\r\n");
    bench.check(&greeting.url(), OWN, &["it does not speak TLS"]).await;
    // TLS 1.1 alone: it ends the handshake of one that wants more with an alert, or begins one of its own.
    let old = Mute::start(&[0x15, 3, 2, 0, 2, 2, 70]);
    let too_old = "it speaks no version of TLS that is safe; 1.2 at least is needed";
    bench.check(&old.url(), OWN, &[too_old]).await;
    let older = Mute::start(SERVER_HELLO_1_1);
    bench.check(&older.url(), OWN, &[too_old]).await;
    let garbage = Mute::start(&[0x16, 3, 3, 0, 8, 2, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]);
    bench.check(&garbage.url(), OWN, &["no secure connection to localhost:"]).await;
    let silent = Mute::start(b"");
    bench.check(&silent.url(), OWN, &["within 5 s"]).await;
    // The other way round.
    let good = bench.own.server(&LOCALHOST, Validity::Present);
    let front = TlsFront::start(&good, None, ALL_VERSIONS, &bench.behind.url());
    bench.check(&front.url().replace("https", "http"), "", &["is it https:// rather than http://?"]).await;
    record("tls", bench.cases, 8);
}

/// A `ServerHello` that chooses TLS 1.1.
const SERVER_HELLO_1_1: &[u8] = &[
    0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 0, 0xc0, 0x13, 0,
];

#[tokio::test]
async fn unverified_is_read_shown_and_never_acted_on() {
    let bench = Bench::new();
    let certificates = [
        Pair::self_signed(&LOCALHOST),
        bench.own.server(&LOCALHOST, Validity::Past),
        bench.own.server(&["other.example"], Validity::Present),
    ];
    let mut cases = 0;
    for pair in certificates {
        let front = TlsFront::start(&pair, None, ALL_VERSIONS, &bench.behind.url());
        let hub = hub(&front.url(), "verify = false", bench.folder.path()).unwrap();
        hub.pass().await;
        let told = status(&hub, "a").await;
        assert!(told.state == Freshness::Live && told.unverified, "{told:?}");
        let why = "the server's certificate is not verified (verify = false), so nobody knows who would act";
        for verb in Verb::OF_FLOWS {
            let refused = hub.plan(verb, &InstanceId::new("a", "inv_1")).await.unwrap_err().to_string();
            assert_eq!(refused, format!("{} can't be had: {why}", verb.label()));
            cases += 1;
        }
        // The client itself sends nothing, whoever may ask.
        let transport = quarterdeck::config::Transport { unverified: true, ..Default::default() };
        let restate = Restate::new("a", &front.url(), Duration::from_secs(5), transport).unwrap();
        let act = quarterdeck::connect::Act {
            verb: Verb::Resume,
            parameters: Parameters::new(),
            instance: "inv_1".into(),
            key: "k".into(),
        };
        let answer = format!("{:?}", restate.act(&act).await);
        assert!(answer.contains("nothing was sent") && answer.contains(why), "{answer}");
        cases += 1;
    }
    assert_eq!(bench.behind.asked(Kind::Act), 0);
    record("tls", cases, 9);
}

#[tokio::test]
async fn with_the_right_certificates_a_repair_goes_through() {
    let bench = Bench::new();
    bench.own.client(Validity::Present).write(bench.folder.path(), "me");
    let pair = bench.own.server(&LOCALHOST, Validity::Present);
    let front = TlsFront::start(&pair, Some(&bench.own), ALL_VERSIONS, &bench.behind.url());
    let hub = hub(&front.url(), BOTH, bench.folder.path()).unwrap();
    let plan = hub.plan(Verb::Cancel, &InstanceId::new("a", "inv_1")).await.unwrap();
    // The engine forgets it, as one that was cancelled.
    bench.behind.edit(|world| world.rows[0]["status"] = "completed".into());
    bench.behind.edit(|world| world.rows[0]["status"] = "paused".into());
    let act = hub.remediate(&plan.hash, "a test asked for it").await.unwrap();
    bench.behind.edit(|world| world.rows.clear());
    let act = ended(&hub, &act).await;
    assert_eq!(act.item, ItemState::Verified, "{act:?}");
    assert_eq!(bench.behind.asked(Kind::Act), 1);
    record("tls", 1, 1);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let folder = bench.folder.path();
    let pair = bench.own.client(Validity::Present);
    let (_, key) = pair.write(folder, "me");
    bench.own.client(Validity::Present).write(folder, "you");
    std::fs::write(folder.join("no.pem"), "not a certificate").unwrap();
    std::fs::write(folder.join("broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .unwrap();
    let refused = |keys: &str| match hub("https://localhost:1", keys, folder) {
        Ok(_) => panic!("{keys} was taken"),
        Err(why) => why,
    };
    let mut cases = 0;
    for (keys, says) in [
        ("ca_file = \"no.pem\"", "no.pem holds no certificate in PEM form"),
        ("ca_file = \"none.pem\"", "none.pem: No such file"),
        ("ca_file = \"broken.pem\"", "broken.pem: "),
        ("client_cert_file = \"me.pem\"", "a client certificate needs \"client_key_file\" as well"),
        ("client_key_file = \"me.key\"", "a client certificate needs \"client_cert_file\" as well"),
        ("client_cert_file = \"me.pem\"\nclient_key_file = \"no.pem\"", "others can reach"),
        ("client_cert_file = \"me.pem\"\nclient_key_file = \"you.key\"", "are no client certificate and its key"),
        ("client_cert_file = \"me.key\"\nclient_key_file = \"me.key\"", "me.key holds no certificate in PEM form"),
        ("ca_file = \"own.pem\"\nverify = false", "\"ca_file\" has no effect beside verify = false"),
        ("verify = \"no\"", "must be true or false"),
        ("proxy = \"http://u:canary@proxy:1\"", "\"proxy\" can't hold credentials"),
        ("proxy = \"socks5://proxy\"", "must begin with http:// or https://"),
        ("proxy = \"http://proxy/path\"", "a host and a port"),
    ] {
        let why = refused(keys);
        assert!(why.contains(says) && !why.contains("canary"), "{keys}: {why}");
        cases += 1;
    }
    for mode in [0o640, 0o604, 0o644] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let why = refused("client_cert_file = \"me.pem\"\nclient_key_file = \"me.key\"");
        assert!(why.contains(&format!("chmod 600 {}", key.display())), "{why}");
        cases += 1;
    }
    record("tls", cases, 16);
}
