//! Verbs that the config declares: what is sent for one, and what the answer means.
//!
//! A status that is said to mean nothing is a refusal below 500, but for 408; from there on, as with every connection that
//! is lost, nobody knows.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::{Value, json};

use super::Rest;
use super::yielded::on_a_large_stack;
use crate::config::jq::{Fault, Program};
use crate::config::{RestSetting, RestVerb};
use crate::connect::http::ActReply;
use crate::connect::{Act, ActAnswer};
use crate::domain::flow::FlowInstance;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;
use crate::domain::ways::encoded;

/// Every set of verbs, by the bits of those that are in it.
static SETS: LazyLock<Vec<Vec<Verb>>> = LazyLock::new(|| {
    let of = move |bits: usize| {
        Verb::OF_FLOWS.into_iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1).map(|(_, verb)| verb)
    };
    (0..1 << Verb::OF_FLOWS.len()).map(|bits| of(bits).collect()).collect()
});

/// The verbs that are declared.
pub(super) fn verbs(setting: &RestSetting) -> &'static [Verb] {
    let declared = |verb: Verb| setting.verbs.iter().any(|known| known.verb == verb);
    let bits = Verb::OF_FLOWS
        .into_iter()
        .enumerate()
        .filter(|(_, verb)| declared(*verb))
        .map(|(at, _)| 1 << at)
        .sum::<usize>();
    SETS.get(bits).map_or(&[], Vec::as_slice)
}

/// The first output of a program, on a stack that it needs.
async fn first(program: &std::sync::Arc<Program>, given: Value) -> Result<Option<Value>, String> {
    let program = program.clone();
    let ran = on_a_large_stack(move || program.outputs(&given, &Value::Null, 1)).await;
    match ran {
        Some((outputs, fault)) => match (outputs.into_iter().next(), fault) {
            (Some(output), _) => Ok(Some(output)),
            (None, Some(Fault(why))) => Err(why),
            (None, None) => Ok(None),
        },
        None => Err("its program can't be run".to_owned()),
    }
}

impl Rest {
    fn declared(&self, verb: Verb) -> Option<&RestVerb> {
        self.setting.verbs.iter().find(|known| known.verb == verb)
    }

    /// What a verb does, in words.
    pub(super) fn effect_of(&self, verb: Verb) -> SafeText {
        match self.declared(verb) {
            Some(RestVerb { effect: Some(effect), .. }) => effect.as_str().into(),
            Some(RestVerb { method, path, .. }) => {
                format!("{method} {} is sent", path.split('?').next().unwrap_or_default()).into()
            }
            None => format!("nothing: the config declares no {}", verb.label()).into(),
        }
    }

    /// Whether a verb can be had for an instance that stands so, where the config says for which.
    pub(super) fn rule_of(&self, verb: Verb, flow: &FlowInstance) -> Option<Result<(), SafeText>> {
        let declared = self.declared(verb)?;
        if declared.when.is_empty() {
            return None;
        }
        Some(if declared.when.contains(&flow.status) {
            Ok(())
        } else {
            let when = declared.when.iter().map(|status| status.words()).collect::<Vec<_>>().join(" or ");
            Err(format!("the config has it for what is {when} alone").into())
        })
    }

    /// Sends what an act needs, once.
    pub(super) async fn do_once(&self, act: &Act) -> ActAnswer {
        let refused = |why: &str| ActAnswer::Refused(format!("nothing was sent: {why}").into());
        let Some(verb) = self.declared(act.verb) else { return refused("the config declares no such verb") };
        if let Some(name) = act.parameters.keys().next() {
            return refused(&format!("{} takes no {name} here", act.verb.label()));
        }
        let (Some(id), Some(key)) = (encoded(&act.instance), encoded(&act.key)) else {
            return refused("this id can't be a part of a path");
        };
        let path = verb.path.replace("{id}", &id).replace("{key}", &key);
        let mut headers = Vec::new();
        for (name, value) in self.setting.headers.iter().chain(&verb.headers) {
            let value = value.replace("{id}", &act.instance).replace("{key}", &act.key);
            if reqwest::header::HeaderValue::try_from(&value).is_err() {
                return refused(&format!("this id can't be a part of the header {name}"));
            }
            headers.push((name.clone(), value));
        }
        let given = json!({ "id": act.instance, "key": act.key, "verb": act.verb.name() });
        let body = match &verb.body {
            None => None,
            Some(program) => match first(program, given).await {
                Ok(body) => body,
                Err(why) => return refused(&format!("the body can't be made: {why}")),
            },
        };
        let Ok(method) = Method::from_bytes(verb.method.as_bytes()) else { return refused("there is no such method") };
        match self.http.act_under(method, &path, &headers, body.as_ref()).await {
            ActReply::NotSent(why) => refused(&why),
            ActReply::Lost(why) => ActAnswer::Unknown(why),
            ActReply::Answered { status, body } => self.meant(verb, status, &body).await,
        }
    }

    /// What an answer means.
    async fn meant(&self, verb: &RestVerb, status: u16, body: &[u8]) -> ActAnswer {
        let answers = &verb.answers;
        let said = || {
            let text = String::from_utf8_lossy(body);
            match self.redactor.first_line(&text, 120) {
                nothing if nothing.is_empty() => SafeText::from(format!("the server answered {status}")),
                words => format!("the server answered {status}: {words}").into(),
            }
        };
        let (accepted, done) = (answers.accepted.contains(&status), answers.done.contains(&status));
        if accepted || done {
            if let Some(program) = &answers.refused {
                let value = serde_json::from_slice(body).unwrap_or(Value::Null);
                match first(program, value).await {
                    Ok(None | Some(Value::Null | Value::Bool(false))) => {}
                    Ok(Some(Value::String(why))) => return ActAnswer::Refused(self.redactor.first_line(&why, 300)),
                    Ok(Some(_)) => return ActAnswer::Refused(said()),
                    // It was taken, and whether it was meant to be nobody can say.
                    Err(why) => return ActAnswer::Unknown(format!("what it answered is not known: {why}").into()),
                }
            }
            return if done { ActAnswer::Done } else { ActAnswer::Accepted };
        }
        match status {
            _ if answers.gone.contains(&status) => ActAnswer::Gone(said()),
            300..=399 => ActAnswer::Refused(format!("redirected ({status}); redirects are not followed").into()),
            400..=407 | 409..=499 => ActAnswer::Refused(said()),
            _ => ActAnswer::Unknown(said()),
        }
    }
}
