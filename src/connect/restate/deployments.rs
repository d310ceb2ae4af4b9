//! Deployments: what a service was registered from, and putting it back to earlier code.
//!
//! `GET /deployments` tells of each deployment which revision of which service came from it; the highest revision is
//! where new invocations begin, and `sys_service` says so itself. There is no call that makes an earlier one current.
//! Of what the engine (1.7.12) has instead, seen on a real one:
//!
//! - `DELETE /deployments/{id}?force=true` of the later one puts each of its services back to its revision before. It
//!   leaves what is pinned to it without code; and while it is current, ever more is pinned to it.
//! - `PATCH /deployments/{id}` with `overwrite` reads the code's services anew and leaves revisions as they are.
//! - `POST /deployments` with `force` and the address of an earlier one gives its services new revisions, the highest
//!   ones. Nothing is removed, what is pinned anywhere goes on there, and the same call takes it back. It forgets what is
//!   not said again, such as the headers that the engine sends with each call.
//!
//! So the last one it is, with everything said again that the engine tells of that deployment; where it tells something
//! that is not known here, nothing is sent. The code is asked what it serves before anything changes: code that can't be
//! reached changes nothing (`META0003`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ConnectError, Restate, answer, sql};
use crate::connect::ActAnswer;
use crate::connect::answer::{Object, Row};
use crate::connect::http::{ActReply, Method};
use crate::domain::deployment::{Deployment, PutBack, service_of};
use crate::domain::plan::{DEPLOYMENT, Parameters};
use crate::domain::redact::Redactor;
use crate::domain::remediation::{Risk, Verb};
use crate::domain::text::SafeText;

/// How many deployments, services and counts an answer may have.
const MOST: usize = 20_000;

/// The longest address, name and version that are shown, in characters.
const SHOWN: usize = 200;

/// Where deployments are listed and registered.
const PATH: &str = "/deployments";

/// What the engine tells of a deployment and found out itself.
const FOUND: [&str; 8] = [
    "id",
    "protocol_type",
    "created_at",
    "min_protocol_version",
    "max_protocol_version",
    "sdk_version",
    "services",
    "info",
];

/// What somebody has said of it, and is said again.
const SAID: [&str; 6] = ["uri", "arn", "additional_headers", "metadata", "auth", "assume_role_arn"];

/// What the engine says where it could not ask the code what it serves. It asks before it changes anything.
const UNREACHED: &str = "META0003";

#[derive(Deserialize)]
struct List {
    deployments: Vec<Object<Listed>>,
}

/// One deployment, as the engine tells of it. The rest may hold credentials, and is not shown.
#[derive(Deserialize)]
struct Listed {
    id: String,
    created_at: Timestamp,
    sdk_version: Option<String>,
    services: Vec<Object<Served>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Served {
    name: String,
    revision: u64,
}

#[derive(Deserialize)]
struct CurrentRow {
    name: String,
    deployment_id: String,
}

#[derive(Deserialize)]
struct PinnedRow {
    deployment_id: String,
    pinned: u64,
    failing: u64,
}

impl Row for CurrentRow {
    const MOST: usize = MOST;
}

impl Row for PinnedRow {
    const MOST: usize = MOST;
}

/// How many open invocations stay on a deployment, and how many of these are paused or wait for their next try.
type Pins = BTreeMap<String, (u64, u64)>;

/// What putting back comes to, and the request that does it.
pub(super) struct Weighed {
    pub(super) told: PutBack,
    body: Value,
}

/// Whether a text can be a deployment's id: nothing else gets into a URL.
fn is_deployment(text: &str) -> bool {
    text.starts_with("dp_") && sql::is_id(text)
}

/// Why a verb can't be had with these parameters; `None` where it can.
pub(super) fn misfit(verb: Verb, parameters: &Parameters) -> Option<SafeText> {
    let bad = |(name, value): (&SafeText, &SafeText)| {
        if *name != *DEPLOYMENT || verb != Verb::Resume {
            return Some(format!("{} takes no {name} at restate", verb.label()));
        }
        (!is_deployment(value)).then(|| format!("{} is no deployment id", SafeText::clipped(value, 40)))
    };
    parameters.iter().find_map(bad).map(SafeText::from)
}

fn refused(why: &str) -> ConnectError {
    ConnectError::Refused(why.into())
}

impl Listed {
    fn revision(&self, service: &str) -> Option<u64> {
        self.services.iter().find(|Object(served)| served.name == service).map(|Object(served)| served.revision)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.services.iter().map(|Object(served)| served.name.as_str())
    }

    fn address(&self) -> SafeText {
        let address = ["uri", "arn"].iter().find_map(|name| self.rest.get(*name)?.as_str());
        Redactor::default().first_line(address.unwrap_or("(unknown)"), SHOWN)
    }

    /// What registers it anew as it is.
    fn again(&self) -> Result<Value, ConnectError> {
        let mut body = Map::new();
        for (name, value) in &self.rest {
            match name.as_str() {
                _ if value.is_null() => {}
                said if SAID.contains(&said) => {
                    body.insert(name.clone(), value.clone());
                }
                // By default the engine asks by HTTP/2.
                "http_version" if value.as_str() == Some("HTTP/2.0") => {}
                "http_version" if value.as_str() == Some("HTTP/1.1") => {
                    body.insert("use_http_11".to_owned(), Value::Bool(true));
                }
                // Its own choice, by what it is told of a Lambda function.
                "compression" => {}
                found if FOUND.contains(&found) => {}
                other => {
                    let other = SafeText::clipped(other, 40);
                    return Err(refused(&format!(
                        "Restate tells of {} something that would be lost: {other}",
                        SafeText::clipped(&self.id, SHOWN)
                    )));
                }
            }
        }
        if body.contains_key("uri") == body.contains_key("arn") {
            return Err(refused("Restate does not tell where its code is reached"));
        }
        body.insert("force".to_owned(), json!(true));
        Ok(Value::Object(body))
    }

    /// What of it may be secret, so that no refusal repeats it.
    fn secrets(body: &Value) -> Vec<&str> {
        let headers = body.get("additional_headers").and_then(Value::as_object);
        headers.into_iter().flat_map(Map::values).filter_map(Value::as_str).filter(|value| !value.is_empty()).collect()
    }
}

impl Restate {
    async fn listed(&self) -> Result<Vec<Listed>, ConnectError> {
        let bytes = self.http.get_bytes(PATH).await?.value;
        let Object(List { deployments }) = self.http.parse(PATH, &bytes)?;
        if deployments.len() > MOST {
            return Err(ConnectError::BadAnswer(format!("{PATH}: more than {MOST} deployments").into()));
        }
        Ok(deployments.into_iter().map(|Object(listed)| listed).collect())
    }

    /// The deployment on which each service begins.
    async fn current(&self) -> Result<BTreeMap<String, String>, ConnectError> {
        let rows: Vec<CurrentRow> = self.strict(sql::CURRENT).await?;
        Ok(rows.into_iter().map(|row| (row.name, row.deployment_id)).collect())
    }

    async fn pinned(&self, service: &str) -> Result<Pins, ConnectError> {
        let rows: Vec<PinnedRow> = self.strict(&sql::pinned(service)).await?;
        Ok(rows.into_iter().map(|row| (row.deployment_id, (row.pinned, row.failing))).collect())
    }

    pub(super) async fn deployments_of(&self, flow: &str) -> Result<Vec<Deployment>, ConnectError> {
        let service = service_of(flow);
        let (listed, current, pinned) = tokio::try_join!(self.listed(), self.current(), self.pinned(service))?;
        Ok(of_service(service, &listed, &current, &pinned))
    }

    /// Looks what putting back comes to; [`ConnectError::Refused`] where it can't be had.
    pub(super) async fn weigh(&self, flow: &str, from: &str, to: &str) -> Result<Weighed, ConnectError> {
        for id in [from, to] {
            if !is_deployment(id) {
                return Err(refused(&format!("{} is no deployment id", SafeText::clipped(id, 40))));
            }
        }
        if from == to {
            return Err(refused(&format!("{to} is where it is")));
        }
        let service = service_of(flow);
        let (listed, current, pinned) = tokio::try_join!(self.listed(), self.current(), self.pinned(service))?;
        weighed(service, &listed, &current, &pinned, (from, to))
    }

    pub(super) async fn send_back(&self, flow: &str, from: &str, to: &str) -> ActAnswer {
        let Weighed { told, body } = match self.weigh(flow, from, to).await {
            Ok(weighed) => weighed,
            Err(why) => return ActAnswer::Refused(format!("nothing was sent: {why}").into()),
        };
        match self.http.act_with(Method::POST, PATH, Some(&body)).await {
            ActReply::NotSent(why) => ActAnswer::Refused(format!("nothing was sent: {why}").into()),
            ActReply::Lost(why) => ActAnswer::Unknown(why),
            ActReply::Answered { status, body: said } => without(&Listed::secrets(&body), became(status, &said, &told)),
        }
    }
}

/// What putting a service back comes to, by what the engine tells.
fn weighed(
    service: &str,
    listed: &[Listed],
    current: &BTreeMap<String, String>,
    pinned: &Pins,
    (from, to): (&str, &str),
) -> Result<Weighed, ConnectError> {
    let mut all = of_service(service, listed, current, pinned);
    let mut take = |id: &str| {
        let at = all.iter().position(|deployment| deployment.id == *id);
        at.map(|at| all.swap_remove(at))
            .ok_or_else(|| refused(&format!("{} was not registered from {id}", SafeText::clipped(service, SHOWN))))
    };
    let (from, to) = (take(from)?, take(to)?);
    if !from.current {
        let on = current.get(service).map_or("none", String::as_str);
        return Err(refused(&format!(
            "{} is not the current deployment any more: that is {}",
            from.id,
            SafeText::clipped(on, SHOWN)
        )));
    }
    let Some(target) = listed.iter().find(|listed| *to.id == *listed.id) else {
        return Err(refused(&format!("{} is gone", to.id)));
    };
    // All that it serves goes with it, so what is on a third one would be put back unasked.
    let mut moves = BTreeSet::new();
    for name in target.names() {
        let shown = SafeText::clipped(name, SHOWN);
        match current.get(name) {
            Some(on) if *to.id == **on => {}
            Some(on) if *from.id != **on => {
                return Err(refused(&format!(
                    "it would put {shown} back too, which is on {}",
                    SafeText::clipped(on, SHOWN)
                )));
            }
            _ => {
                moves.insert(shown);
            }
        }
    }
    let body = target.again()?;
    let told = told(service, from, to, moves.into_iter().collect());
    Ok(Weighed { told, body })
}

/// What the engine's answer to the request means.
fn became(status: u16, body: &[u8], told: &PutBack) -> ActAnswer {
    #[derive(Deserialize)]
    struct Failure {
        message: String,
        restate_code: Option<String>,
    }
    if status == 201 {
        let to = &told.to;
        return ActAnswer::Unknown(
            format!("Restate registered {} as a new deployment, and not as {}", to.address, to.id).into(),
        );
    }
    let failure = serde_json::from_slice::<Failure>(body).ok();
    let unreached = failure.filter(|failure| failure.restate_code.as_deref() == Some(UNREACHED));
    match unreached {
        Some(failure) if status >= 400 => ActAnswer::Refused(Redactor::default().first_line(&failure.message, 300)),
        _ => answer(status, body),
    }
}

/// The same answer, unless its words repeat one of these.
fn without(secrets: &[&str], answer: ActAnswer) -> ActAnswer {
    let clean = |words: SafeText| {
        if secrets.iter().any(|secret| words.contains(secret)) {
            "the server's words held a secret".into()
        } else {
            words
        }
    };
    match answer {
        ActAnswer::Gone(words) => ActAnswer::Gone(clean(words)),
        ActAnswer::Refused(words) => ActAnswer::Refused(clean(words)),
        ActAnswer::Unknown(words) => ActAnswer::Unknown(clean(words)),
        other @ (ActAnswer::Accepted | ActAnswer::Done | ActAnswer::Began(_)) => other,
    }
}

/// What it comes to, in words.
fn told(service: &str, from: Deployment, to: Deployment, moves: Vec<SafeText>) -> PutBack {
    let names = moves.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ");
    let (old, new) = (&from.id, &to.id);
    let revision = from.revision.saturating_add(1);
    let effect = format!(
        "Restate asks {} what it serves and registers {names} from {new} anew, as revision {revision} or later: what begins \
         from then on begins on {new}; what stays on {old} goes on there until it is resumed on another one",
        to.address
    );
    PutBack {
        service: SafeText::clipped(service, SHOWN),
        effect: effect.into(),
        // What begins meanwhile runs other code, and nobody takes back what that does.
        risk: Risk::Costly,
        switches_off: format!("{old} gets nothing new of {names}; it stays registered").into(),
        way_back: format!("the same from {new} to {old}; what began on {new} stays there").into(),
        from,
        to,
        moves,
    }
}

fn of_service(service: &str, listed: &[Listed], current: &BTreeMap<String, String>, pinned: &Pins) -> Vec<Deployment> {
    let on = current.get(service);
    let own = listed.iter().filter_map(|listed| {
        let (stay, failing) = pinned.get(&listed.id).copied().unwrap_or_default();
        Some(Deployment {
            id: SafeText::clipped(&listed.id, SHOWN),
            revision: listed.revision(service)?,
            created_at: listed.created_at,
            current: on == Some(&listed.id),
            pinned: stay,
            failing,
            address: listed.address(),
            sdk: listed.sdk_version.as_deref().map(|sdk| SafeText::clipped(sdk, SHOWN)),
        })
    });
    let mut own: Vec<Deployment> = own.collect();
    Deployment::newest_first(&mut own);
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(value: Value) -> Listed {
        serde_json::from_value(value).unwrap()
    }

    fn one() -> Value {
        json!({
            "id": "dp_1", "uri": "http://user:hunter2@worker.test:9080/", "protocol_type": "BidiStream",
            "http_version": "HTTP/2.0", "additional_headers": {"x-api-key": "hunter2"}, "metadata": {"build": "7"},
            "created_at": "2026-01-15T03:00:00.000000000Z", "min_protocol_version": 5, "max_protocol_version": 7,
            "sdk_version": "restate-sdk-rust/0.13.0", "services": [{"name": "A", "revision": 1}],
        })
    }

    #[test]
    fn what_is_registered_anew_keeps_what_somebody_said_of_it() {
        let again = listed(one()).again().unwrap();
        assert_eq!(
            again,
            json!({
                "uri": "http://user:hunter2@worker.test:9080/", "additional_headers": {"x-api-key": "hunter2"},
                "metadata": {"build": "7"}, "force": true,
            })
        );
        let mut old = one();
        old["http_version"] = json!("HTTP/1.1");
        assert_eq!(listed(old).again().unwrap()["use_http_11"], json!(true));
        let lambda = json!({
            "id": "dp_2", "arn": "arn:aws:lambda:eu-west-1:1:function:f:1", "assume_role_arn": "r", "compression": "zstd",
            "created_at": "2026-01-15T03:00:00Z", "min_protocol_version": 5, "max_protocol_version": 7,
            "services": [], "info": [],
        });
        let lambda = listed(lambda).again().unwrap();
        let expected = json!({"arn": "arn:aws:lambda:eu-west-1:1:function:f:1", "assume_role_arn": "r", "force": true});
        assert_eq!(lambda, expected);
    }

    #[test]
    fn what_would_be_lost_stops_it() {
        for (name, value, words) in [
            ("tunnel", json!("eu"), "Restate tells of dp_1 something that would be lost: tunnel"),
            ("http_version", json!("HTTP/3.0"), "Restate tells of dp_1 something that would be lost: http_version"),
            ("uri", json!(null), "Restate does not tell where its code is reached"),
            ("arn", json!("arn:x"), "Restate does not tell where its code is reached"),
        ] {
            let mut odd = one();
            odd[name] = value;
            assert_eq!(listed(odd).again().unwrap_err().to_string(), words, "{name}");
        }
    }

    #[test]
    fn no_credentials_are_shown() {
        let one = listed(one());
        assert!(!one.address().contains("hunter2"), "{}", one.address());
        let body = one.again().unwrap();
        let said = ActAnswer::Refused("the header hunter2 is bad".into());
        assert_eq!(
            without(&Listed::secrets(&body), said),
            ActAnswer::Refused("the server's words held a secret".into())
        );
        let other = ActAnswer::Refused("no".into());
        assert_eq!(without(&Listed::secrets(&body), other.clone()), other);
    }

    #[test]
    fn only_a_resume_is_given_a_deployment_and_only_one_that_can_be() {
        let with = |name: &str, value: &str| Parameters::from([(name.into(), value.into())]);
        assert_eq!(misfit(Verb::Resume, &Parameters::new()), None);
        assert_eq!(misfit(Verb::Resume, &with(DEPLOYMENT, "dp_17MOCZ3Pt5Wrp8GSbJVw2SR")), None);
        for verb in Verb::OF_FLOWS.into_iter().filter(|verb| *verb != Verb::Resume) {
            let why = misfit(verb, &with(DEPLOYMENT, "dp_1")).unwrap();
            assert_eq!(*why, format!("{} takes no deployment at restate", verb.label()));
        }
        assert_eq!(misfit(Verb::Resume, &with("force", "true")).unwrap(), "resume takes no force at restate");
        for bad in ["", "latest", "dp_1&force=true", "dp_1/../x", "dp_1?x", "dp_%31", "dp_é", "dp 1"] {
            assert!(misfit(Verb::Resume, &with(DEPLOYMENT, bad)).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_service_sees_its_own_deployments() {
        let named = |id: &str, services: Value| {
            let mut value = one();
            value["id"] = json!(id);
            value["services"] = services;
            listed(value)
        };
        let all = [
            named("dp_1", json!([{"name": "A", "revision": 1}, {"name": "B", "revision": 1}])),
            named("dp_2", json!([{"name": "B", "revision": 2}])),
            named("dp_3", json!([{"name": "A", "revision": 2}])),
        ];
        let current = [("A", "dp_3"), ("B", "dp_2")].map(|(name, id)| (name.to_owned(), id.to_owned())).into();
        let pinned = [("dp_1".to_owned(), (7, 3)), ("dp_gone".to_owned(), (1, 1))].into();
        let told = of_service("A", &all, &current, &pinned);
        let told: Vec<_> = told.iter().map(|d| (d.id.as_str(), d.revision, d.current, d.pinned, d.failing)).collect();
        assert_eq!(told, [("dp_3", 2, true, 0, 0), ("dp_1", 1, false, 7, 3)]);
        assert!(of_service("C", &all, &current, &pinned).is_empty());
    }

    #[test]
    fn only_what_is_on_the_bad_code_is_put_back() {
        let named = |id: &str, services: Value| {
            let mut value = one();
            value["id"] = json!(id);
            value["services"] = services;
            listed(value)
        };
        let served = |names: &[&str], revision: u64| {
            names.iter().map(|name| json!({"name": name, "revision": revision})).collect::<Value>()
        };
        let all = [named("dp_1", served(&["A", "B", "C"], 1)), named("dp_2", served(&["A", "B", "D"], 2))];
        let weigh = |on: [(&str, &str); 4]| {
            let current = on.map(|(name, id)| (name.to_owned(), id.to_owned())).into();
            weighed("A", &all, &current, &BTreeMap::new(), ("dp_2", "dp_1"))
        };
        // B goes with it; C is there already, and D is not served by it.
        let good =
            weigh([("A", "dp_2"), ("B", "dp_2"), ("C", "dp_1"), ("D", "dp_2")]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(good.told.moves, [SafeText::from("A"), "B".into()]);
        assert_eq!(*good.told.switches_off, *"dp_2 gets nothing new of A, B; it stays registered");
        let why = weigh([("A", "dp_2"), ("B", "dp_3"), ("C", "dp_1"), ("D", "dp_2")]).err().unwrap();
        assert_eq!(why.to_string(), "it would put B back too, which is on dp_3");
        let why = weigh([("A", "dp_3"), ("B", "dp_2"), ("C", "dp_1"), ("D", "dp_2")]).err().unwrap();
        assert_eq!(why.to_string(), "dp_2 is not the current deployment any more: that is dp_3");
    }

    #[test]
    fn a_failure_to_reach_the_code_is_a_refusal_and_any_other_one_unknown() {
        let deployment = |id: &str| Deployment {
            id: id.into(),
            revision: 1,
            created_at: Timestamp::UNIX_EPOCH,
            current: false,
            pinned: 0,
            failing: 0,
            address: "http://worker.test/".into(),
            sdk: None,
        };
        let told = told("A", deployment("dp_2"), deployment("dp_1"), vec!["A".into()]);
        let unreached = br#"{"message":"[META0003] error when calling","restate_code":"META0003"}"#;
        assert_eq!(became(500, unreached, &told), ActAnswer::Refused("[META0003] error when calling".into()));
        let other = br#"{"message":"no leader","restate_code":null}"#;
        assert!(matches!(became(500, other, &told), ActAnswer::Unknown(_)));
        assert!(matches!(became(200, unreached, &told), ActAnswer::Done));
        assert!(matches!(became(200, b"{\"id\":\"dp_1\"}", &told), ActAnswer::Done));
        assert!(matches!(became(201, b"{\"id\":\"dp_9\"}", &told), ActAnswer::Unknown(_)));
        assert_eq!(became(409, other, &told), ActAnswer::Refused("no leader".into()));
    }
}
