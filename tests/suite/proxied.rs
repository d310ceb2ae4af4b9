//! Sources behind a proxy, through the program itself: every request goes through it, with its own credentials and no
//! others, and none goes past it; a proxy that is down, unwilling or lost is told as that.

use std::path::Path;
use std::process::Command;

use crate::support::fake_restate::{FakeRestate, row};
use crate::support::forward::{Forward, WILDCARD, name_of};
use crate::support::hub::config_of;
use crate::support::program::{Said, command, list};
use crate::support::tls::{Authority, Mute, TlsFront, Validity};
use crate::support::ways::CANARY;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ALL_VERSIONS;
use serde_json::json;
use tempfile::TempDir;

const PASSWORD: &str = "canary-proxy-5f1d";
const BEARER: &str = "auth = { bearer = { env = \"TOKEN\" } }\n";

/// What the proxy is told.
fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("jo:{PASSWORD}")))
}

struct Bench {
    home: TempDir,
    server: FakeRestate,
    front: TlsFront,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = FakeRestate::start(vec![row("inv_1")]);
        let authority = Authority::root("own");
        std::fs::write(home.path().join("own.pem"), authority.pem()).unwrap();
        let pair = authority.server(&[WILDCARD], Validity::Present);
        let front = TlsFront::start(&pair, None, ALL_VERSIONS, &server.url());
        Self { home, server, front }
    }

    /// The source as the proxy knows it: plain, and secured.
    fn plain(&self) -> String {
        format!("http://{}:9070", name_of(&self.server.url()))
    }

    fn secured(&self) -> String {
        format!("https://{}:9070", name_of(&self.front.url()))
    }

    /// The program on one source at a URL with these keys, and with these variables.
    fn run(&self, url: &str, keys: &str, variables: &[(&str, &str)], args: &[&str]) -> Said {
        let keys = if url.starts_with("https") { format!("ca_file = \"own.pem\"\n{keys}") } else { keys.to_owned() };
        let config = self.home.path().join("config.toml");
        std::fs::write(&config, config_of(&[("a", url, "5s")]) + &keys).unwrap();
        let mut command = program(&config, args);
        let said = Said::of(&command.envs(variables.iter().copied()).output().unwrap());
        assert!(!format!("{said:?}").contains("canary"), "{said:?}");
        said
    }
}

/// The program with no proxy in its environment.
fn program(config: &Path, args: &[&str]) -> Command {
    let mut command = command(["--config", config.to_str().unwrap()].iter().chain(args));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env("TOKEN", CANARY);
    command
}

#[test]
fn every_request_goes_through_the_proxy_that_the_config_names() {
    let bench = Bench::new();
    for (url, ways) in [(bench.plain(), &["GET", "POST"][..]), (bench.secured(), &["CONNECT"])] {
        let proxy = Forward::start();
        let keys = format!("proxy = \"{}\"\n{BEARER}", proxy.url());
        // One that the environment names does not matter then.
        let other = Forward::start();
        let variables = [("HTTP_PROXY", &*other.url()), ("HTTPS_PROXY", &other.url()), ("ALL_PROXY", &other.url())];
        let said = bench.run(&url, &keys, &variables, &["get", "flows", "-o", "json"]).good();
        assert_eq!(list(&said.json(), "rows")[0]["instance"], "inv_1");
        bench.run(&url, &keys, &variables, &["get", "flow", "a/inv_1"]).good();
        bench.run(&url, &keys, &variables, &["doctor"]);
        let wishes = proxy.wishes();
        let own = url.split_once("://").unwrap().1;
        assert!(wishes.len() >= 3 && wishes.iter().all(|wish| wish.target == own), "{wishes:?}");
        assert!(wishes.iter().all(|wish| ways.contains(&&*wish.method)), "{wishes:?}");
        assert!(wishes.iter().all(|wish| wish.credentials.is_none()), "{wishes:?}");
        assert!(other.wishes().is_empty());
    }
    let bearer = format!("Bearer {CANARY}");
    assert!(bench.server.requests().iter().all(|request| request.header("authorization") == Some(&bearer)));
}

#[test]
fn a_proxy_of_the_environment_is_told_its_own_password_and_nobody_else_is() {
    let bench = Bench::new();
    let proxy = Forward::start_for(Some(&basic()));
    let named = proxy.url_with("jo", PASSWORD);
    for (url, variable) in [
        (bench.plain(), "HTTP_PROXY"),
        (bench.plain(), "http_proxy"),
        (bench.secured(), "HTTPS_PROXY"),
        (bench.secured(), "ALL_PROXY"),
    ] {
        let before = proxy.wishes().len();
        let said = bench.run(&url, BEARER, &[(variable, &named)], &["get", "flows", "-o", "json"]).good();
        assert_eq!(list(&said.json(), "rows")[0]["instance"], "inv_1", "{variable}");
        let wishes = proxy.wishes().split_off(before);
        assert!(!wishes.is_empty() && wishes.iter().all(|wish| wish.credentials == Some(basic())), "{wishes:?}");
    }
    for request in bench.server.requests() {
        let raw = String::from_utf8_lossy(&request.raw).to_lowercase();
        assert!(
            !raw.contains("proxy-authorization") && !raw.contains(PASSWORD) && !raw.contains(&basic().to_lowercase())
        );
    }
    // A server of this machine is never asked through one, and one that is excepted is not either.
    let before = proxy.wishes().len();
    bench.run(&bench.server.url(), BEARER, &[("HTTP_PROXY", &named), ("ALL_PROXY", &named)], &["get", "flows"]).good();
    let excepted = [("HTTP_PROXY", &*named), ("NO_PROXY", "quarterdeck.test")];
    let said = bench.run(&bench.plain(), BEARER, &excepted, &["get", "sources"]);
    assert!(said.code == 3 && said.out.contains("can't be resolved"), "{said:?}");
    assert_eq!(proxy.wishes().len(), before);
}

/// Whatever is wrong with the proxy is told of the proxy, and the server that could be reached without it is not asked.
#[test]
fn a_proxy_that_fails_is_named_and_nothing_goes_past_it() {
    let bench = Bench::new();
    let mut gone = FakeRestate::start(vec![]);
    let down = gone.url();
    gone.vanish();
    let address = down.trim_start_matches("http://").to_owned();
    let unwilling = Forward::start_for(Some("Basic of-somebody-else"));
    let lost = Forward::start();
    let mute = Mute::start(b"SSH-2.0-OpenSSH_9.2p1\r\n");
    let mute = mute.url().replace("https://localhost", "http://127.0.0.1");
    let of = |url: &str| url.trim_start_matches("http://").to_owned();
    // The server itself listens at this one, and could be had.
    let direct = bench.server.url();
    let refused = format!("connection refused: nothing listens at the proxy {address}");
    let cases: Vec<(&str, String, String, Vec<String>)> = vec![
        ("down, plain", bench.plain(), down.clone(), vec![refused.clone()]),
        ("down, secured", bench.secured(), down.clone(), vec![refused.clone()]),
        ("down, and the server near", direct.clone(), down.clone(), vec![refused]),
        (
            "unwilling, plain",
            bench.plain(),
            unwilling.url(),
            vec!["(407)".into(), format!("the proxy {}", of(&unwilling.url()))],
        ),
        (
            "unwilling, secured",
            bench.secured(),
            unwilling.url(),
            vec!["(407)".into(), format!("the proxy {}", of(&unwilling.url()))],
        ),
        (
            "knows no way, plain",
            direct,
            lost.url(),
            vec![format!("the server, or the proxy {} before it, failed (502)", of(&lost.url()))],
        ),
        (
            "knows no way, secured",
            "https://nowhere.example:9070".into(),
            lost.url(),
            vec![format!("the proxy {} makes no connection to nowhere.example:9070", of(&lost.url()))],
        ),
        ("none at all, plain", bench.plain(), mute.clone(), vec!["no readable HTTP answer".into()]),
        (
            "none at all, secured",
            bench.secured(),
            mute.clone(),
            vec![format!("the proxy {} makes no connection to p", of(&mute))],
        ),
    ];
    for (name, url, proxy, says) in cases {
        let by_config = (format!("proxy = \"{proxy}\"\n{BEARER}"), vec![]);
        let with_password = proxy.replace("http://", &format!("http://jo:{PASSWORD}@"));
        let by_variable =
            (BEARER.to_owned(), vec![("ALL_PROXY", with_password.as_str()), ("HTTP_PROXY", &with_password)]);
        for (by, (keys, variables)) in [("the config", by_config), ("the environment", by_variable)] {
            if by == "the environment" && url.contains("127.0.0.1") {
                continue;
            }
            let said = bench.run(&url, &keys, &variables, &["get", "sources", "-o", "json"]);
            assert_eq!(said.code, 3, "{name}, by {by}: {said:?}");
            let source = list(&said.json(), "rows")[0].clone();
            assert_eq!(source["state"], json!("failed"), "{name}, by {by}: {source}");
            let error = source["error"].as_str().unwrap();
            for words in &says {
                assert!(error.contains(words), "{name}, by {by}: {words:?} is missing in {error:?}");
            }
        }
    }
    assert_eq!((bench.server.count(), bench.server.connections()), (0, 0), "nobody went past the proxy");
}
