//! Reads what the file says of a source of the kind `rest`.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use toml::de::DeValue;

use super::super::diagnostic::{Diagnostic, TextPlace};
use super::super::jq::Program;
use super::super::section::{Found, Section};
use super::{Answers, Paging, RestRequest, RestSetting, RestVerb, Trail, Yielding, Yields};
use crate::domain::flow::Status;
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::text::SafeText;

/// The keys of a source that only this kind has.
pub(crate) const REQUEST: &str = "request";
pub(crate) const VERB: &str = "verb";
pub(crate) const HEADERS: &str = "headers";

const REQUEST_KEYS: [&str; 17] = [
    "name",
    "method",
    "path",
    "body",
    "headers",
    "paging",
    "most_pages",
    "items",
    "flows",
    "tenants",
    "drift",
    "events",
    "look_back",
    "conditional",
    "one",
    "one_items",
    "past",
];
const VERB_KEYS: [&str; 11] =
    ["name", "method", "path", "headers", "body", "accepted", "done", "gone", "refused", "when", "effect"];
const PAGING_KEYS: [&str; 8] = ["offset", "page", "first", "cursor", "from", "next", "link", "limit"];

/// How far back the first look goes, where a request asks for what happened since a moment.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24);

/// The most pages of a request, where the config does not say.
const PAGES: u32 = 1_000;

/// What may stand in braces.
const SINCE: [&str; 2] = ["since", "since_unix"];
const ONE: [&str; 1] = ["id"];
const PAST: [&str; 4] = ["tenant", "before", "before_unix", "limit"];
const SENT: [&str; 2] = ["id", "key"];

/// Reads the requests, the verbs and the headers of a source. What is wrong is noted.
pub(crate) fn read(source: &Section<'_>) -> Result<RestSetting, Diagnostic> {
    let document = source.document;
    let headers = document.keep(headers(source, &[])).unwrap_or_default();
    let mut lines = HashMap::new();
    let sections = source.tables(REQUEST, &REQUEST_KEYS)?;
    if sections.is_empty() {
        let message = "a source of the kind \"rest\" needs a request: [[source.request]] with a \"path\" and a program";
        return Err(document.wrong(&source.span, message));
    }
    let requests = sections.iter().map(|section| request(section, &mut lines)).collect();
    let mut verbs: Vec<RestVerb> = Vec::new();
    for section in source.tables(VERB, &VERB_KEYS)? {
        let Some(verb) = document.keep(verb(&section)) else { continue };
        if verbs.iter().any(|known| known.verb == verb.verb) {
            let message = format!("a second verb \"{}\"", verb.verb.name());
            document.problems.add(document.wrong(&section.place("name"), message));
        }
        verbs.push(verb);
    }
    Ok(RestSetting { requests, verbs, headers })
}

/// What is wrong is noted; what it would stand for matters no more then.
fn request(section: &Section<'_>, lines: &mut HashMap<String, usize>) -> RestRequest {
    let document = section.document;
    let path = document.keep(path(section, "path", &SINCE, &[]).and_then(|path| {
        path.ok_or_else(|| document.wrong(&section.span, "a request needs a \"path\", such as \"/tenants\""))
    }));
    let name = document.keep(section.text("name")).flatten();
    let called = name.as_ref().map(|name| name.value.to_owned()).or_else(|| {
        let path = path.as_deref()?.split('?').next()?;
        Some(path.trim_matches('/').to_owned()).filter(|path| !path.is_empty()).or_else(|| Some("/".to_owned()))
    });
    let called = called.unwrap_or_default();
    let place = if name.is_some() { section.place("name") } else { section.place("path") };
    if SafeText::new(&called) != *called || called.chars().count() > 80 {
        let message = "the name of a request can't be longer than 80 characters or hold hidden ones";
        document.problems.add(document.wrong(&place, message));
    }
    let (line, _) = document.position(place.start);
    if let Some(first) = lines.insert(called.clone(), line) {
        let message =
            format!("a second request \"{called}\"; the first is on line {first}: give it a \"name\" of its own");
        document.problems.add(document.wrong(&place, message));
    }
    let post = document.keep(post(section)).unwrap_or_default();
    let body = document.keep(request_body(section, post)).flatten();
    let headers = document.keep(headers(section, &[])).unwrap_or_default();
    let paging = document.keep(paging(section)).unwrap_or(Paging::None);
    let most_pages = document.keep(section.count("most_pages")).flatten().unwrap_or(PAGES);
    let items = document.keep(trail(section, "items")).flatten().unwrap_or_default();
    let mut programs = Vec::new();
    for yields in Yields::ALL {
        let found = document.keep(program(section, yields.name())).flatten();
        programs.extend(found.map(|(program, place)| Yielding { yields, program, place }));
    }
    if !Yields::ALL.iter().any(|yields| section.has(yields.name())) {
        let message = "a request needs a program: \"flows\", \"tenants\", \"drift\" or \"events\"";
        document.problems.add(document.wrong(&section.span, message));
    }
    let look_back = document.keep(section.duration("look_back", SignedDuration::ZERO)).flatten().unwrap_or(LOOK_BACK);
    let conditional = document.keep(section.flag("conditional")).flatten().unwrap_or(true);
    let one = document.keep(self::path(section, "one", &ONE, &["id"])).flatten();
    let one_items = document.keep(trail(section, "one_items")).flatten();
    if one_items.is_some() && !section.has("one") {
        let message = "\"one_items\" says where an instance stands in the answer of \"one\", and there is none";
        document.problems.add(document.wrong(&section.place("one_items"), message));
    }
    let older = document.keep(self::path(section, "past", &PAST, &["tenant"])).flatten();
    for (key, with) in [("one", Yields::Flows), ("past", Yields::Events)] {
        if section.has(key) && !section.has(with.name()) {
            let message = format!("\"{key}\" goes with \"{}\", whose program is run on what comes", with.name());
            document.problems.add(document.wrong(&section.place(key), message));
        }
    }
    let request = RestRequest {
        name: called,
        post,
        path: path.unwrap_or_default(),
        body,
        headers,
        paging,
        most_pages,
        items,
        programs,
        look_back,
        conditional,
        one,
        one_items,
        past: older,
    };
    if request.since() && request.programs.iter().any(|program| program.yields != Yields::Events) {
        let message = "{since} goes with \"events\" alone: of everything else a pass has to see all that there is";
        document.problems.add(document.wrong(&section.place("path"), message));
    }
    request
}

fn post(section: &Section<'_>) -> Result<bool, Diagnostic> {
    match section.text("method")? {
        None => Ok(false),
        Some(found) if found.value.eq_ignore_ascii_case("get") => Ok(false),
        Some(found) if found.value.eq_ignore_ascii_case("post") => Ok(true),
        Some(found) => Err(section.wrong(&found, "a request is a \"GET\", or a \"POST\" that only asks")),
    }
}

fn request_body(section: &Section<'_>, post: bool) -> Result<Option<String>, Diagnostic> {
    let Some(found) = section.text("body")? else { return Ok(None) };
    if !post {
        return Err(section.wrong(&found, "\"body\" goes with method = \"POST\""));
    }
    // What stands for a blank is part of a text, or a number.
    let filled = SINCE.iter().fold(found.value.to_owned(), |text, blank| text.replace(&format!("{{{blank}}}"), "0"));
    match serde_json::from_str::<serde_json::Value>(&filled) {
        Ok(_) => Ok(Some(found.value.to_owned())),
        Err(error) => Err(section.wrong(&found, format!("\"body\" is no JSON: {error}"))),
    }
}

/// A path with its query, and the blanks that may and that have to stand in it.
fn path(section: &Section<'_>, key: &str, blanks: &[&str], needed: &[&str]) -> Result<Option<String>, Diagnostic> {
    let Some(found) = section.text(key)? else { return Ok(None) };
    let wrong = |message: String| Err(section.wrong(&found, message));
    if !found.value.starts_with('/') {
        return wrong(format!("\"{key}\" begins with a slash: it is put behind the source's \"url\""));
    }
    if found.value.contains('#') || !found.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong(format!(
            "\"{key}\" can't hold a # or white space; write what is not ASCII as %C3%BC, a space as %20"
        ));
    }
    unfilled(section, &found, key, blanks, needed)?;
    Ok(Some(found.value.to_owned()))
}

fn unfilled(
    section: &Section<'_>,
    found: &Found<&str>,
    key: &str,
    blanks: &[&str],
    needed: &[&str],
) -> Result<(), Diagnostic> {
    let mut rest = found.value;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}').filter(|(blank, _)| blanks.contains(blank)) else {
            let names = blanks.iter().map(|blank| format!("{{{blank}}}")).collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { "nothing".to_owned() } else { names };
            return Err(section.wrong(found, format!("in \"{key}\" only {names} may stand in braces")));
        };
        rest = after;
    }
    match needed.iter().find(|blank| !found.value.contains(&format!("{{{blank}}}"))) {
        Some(blank) => Err(section.wrong(found, format!("\"{key}\" needs {{{blank}}}"))),
        None => Ok(()),
    }
}

/// Names and values of headers. What holds a secret has no place among them.
fn headers(section: &Section<'_>, blanks: &[&str]) -> Result<Vec<(String, String)>, Diagnostic> {
    let mut headers = Vec::new();
    for (name, table, value) in section.entries(HEADERS)? {
        if Redactor::default().hides(name.value) {
            let message = "a secret does not belong in this file; use auth = { header = { name = \"X-API-Key\", value = \
                           { env = \"NAME\" } } }";
            return Err(table.wrong(&name, message));
        }
        let DeValue::String(text) = value.get_ref() else {
            return Err(table.document.wrong(&value.span(), "a header is a text in quotes"));
        };
        if HeaderName::try_from(name.value).is_err() || HeaderValue::try_from(&**text).is_err() {
            return Err(table.wrong(&name, "this can't be sent as a header"));
        }
        let found = Found { value: &**text, span: value.span() };
        if !blanks.is_empty() {
            unfilled(&table, &found, name.value, blanks, &[])?;
        }
        headers.push((name.value.to_owned(), text.to_string()));
    }
    Ok(headers)
}

fn trail(section: &Section<'_>, key: &str) -> Result<Option<Trail>, Diagnostic> {
    let Some(found) = section.text(key)? else { return Ok(None) };
    Trail::read(found.value).map(Some).map_err(|why| section.wrong(&found, format!("\"{key}\" {why}")))
}

fn paging(section: &Section<'_>) -> Result<Paging, Diagnostic> {
    const KINDS: &str = "\"paging\" is one of { offset = \"offset\" }, { page = \"page\" }, { cursor = \"cursor\", from = \
                         \".next\" }, { next = \".next\" } and { link = true }";
    let Some(paging) = section.table("paging", &[&PAGING_KEYS[..], &["size"]].concat())? else {
        return Ok(Paging::None);
    };
    let document = paging.document;
    let chosen: Vec<&str> =
        ["offset", "page", "cursor", "next", "link"].into_iter().filter(|key| paging.has(key)).collect();
    let [chosen] = chosen[..] else { return Err(document.wrong(&section.place("paging"), KINDS)) };
    let allowed: &[&str] = match chosen {
        "page" => &["page", "first", "limit", "size"],
        "cursor" => &["cursor", "from", "limit", "size"],
        "offset" => &["offset", "limit", "size"],
        other => &[other],
    };
    if let Some(key) = PAGING_KEYS.iter().chain(&["size"]).find(|key| paging.has(key) && !allowed.contains(key)) {
        return Err(document.wrong(&paging.place(key), format!("\"{key}\" does not go with \"{chosen}\"")));
    }
    let parameter = |key: &str| -> Result<String, Diagnostic> {
        let found = paging.required_text(key, "\"paging\"")?;
        let plain = found.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.[]$".contains(&b));
        if plain && !found.value.is_empty() {
            Ok(found.value.to_owned())
        } else {
            Err(paging.wrong(&found, format!("\"{key}\" is the name of a parameter of the query")))
        }
    };
    let size = || match (paging.has("limit"), paging.count("size")?) {
        (false, None) => Ok(None),
        (true, Some(size)) => Ok(Some((parameter("limit")?, size))),
        (true, None) => {
            Err(document.wrong(&paging.place("limit"), "\"limit\" needs \"size\": how many a page may have"))
        }
        (false, Some(_)) => {
            Err(document.wrong(&paging.place("size"), "\"size\" needs \"limit\": the parameter that says it"))
        }
    };
    let trail = |key: &str| {
        trail(&paging, key)?.filter(|trail| !trail.names().is_empty()).ok_or_else(|| {
            document.wrong(
                &paging.place(key),
                format!("\"{key}\" is where in the answer it stands, such as \".meta.next\""),
            )
        })
    };
    Ok(match chosen {
        "offset" => Paging::Offset { offset: parameter("offset")?, size: size()? },
        "page" => {
            Paging::Page { page: parameter("page")?, first: paging.number("first", 0)?.unwrap_or(1), size: size()? }
        }
        "cursor" => Paging::Cursor { cursor: parameter("cursor")?, from: trail("from")?, size: size()? },
        "next" => Paging::Next(trail("next")?),
        _ if paging.flag("link")? == Some(true) => Paging::Link,
        _ => return Err(document.wrong(&paging.place("link"), KINDS)),
    })
}

/// A program and where it stands.
fn program(section: &Section<'_>, key: &str) -> Result<Option<(Arc<Program>, TextPlace)>, Diagnostic> {
    let Some(found) = section.text(key)? else { return Ok(None) };
    let place = section.document.text_at(&found.span, found.value);
    match Program::of_items(found.value) {
        Ok(program) => Ok(Some((Arc::new(program), place))),
        Err(mistake) => Err(place.wrong(mistake.at, format!("the jq program \"{key}\": {}", mistake.why))),
    }
}

fn verb(section: &Section<'_>) -> Result<RestVerb, Diagnostic> {
    let document = section.document;
    let name = section.required_text("name", "a verb")?;
    let names = Verb::OF_FLOWS.map(Verb::name);
    let verb = Verb::named(name.value).filter(|verb| !verb.is_of_drift()).ok_or_else(|| {
        let message = format!("unknown verb \"{}\"; there are: {}", name.value, names.join(", "));
        document.at(&name.span, true).wrong(message).or_rather(name.value, names)
    })?;
    let method = match section.text("method")? {
        None => Method::POST,
        Some(found) => {
            let known = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
            let method = known.into_iter().find(|method| found.value.eq_ignore_ascii_case(method.as_str()));
            method
                .ok_or_else(|| section.wrong(&found, "a verb is sent by \"POST\", \"PUT\", \"PATCH\" or \"DELETE\""))?
        }
    };
    let path = path(section, "path", &SENT, &[])?
        .ok_or_else(|| document.wrong(&section.span, "a verb needs a \"path\", such as \"/jobs/{id}/retry\""))?;
    let body = program(section, "body")?;
    if !path.contains("{id}") && body.is_none() {
        let message = "\"path\" needs {id}, unless a \"body\" says whom it is about";
        return Err(document.wrong(&section.place("path"), message));
    }
    let usual = Answers::default();
    let told = |key, usual| Ok::<_, Diagnostic>(statuses(section, key)?.unwrap_or(usual));
    let done = told("done", usual.done)?;
    let accepted = told("accepted", usual.accepted.into_iter().filter(|status| !done.contains(status)).collect())?;
    let gone = told("gone", usual.gone)?;
    if let Some(status) = accepted.iter().find(|status| done.contains(status) || gone.contains(status)) {
        let message = format!("{status} can't mean two things: \"accepted\", \"done\" and \"gone\" share none");
        return Err(document.wrong(&section.place("accepted"), message));
    }
    let refused = program(section, "refused")?.map(|(program, _)| program);
    let when = section.texts("when")?.iter().map(|found| status(section, found)).collect::<Result<_, _>>()?;
    let effect = section.text("effect")?.map(|found| SafeText::clipped(found.value, 200).to_string());
    Ok(RestVerb {
        verb,
        method: method.as_str().to_owned(),
        path,
        headers: headers(section, &SENT)?,
        body: body.map(|(program, _)| program),
        answers: Answers { accepted, done, gone, refused },
        when,
        effect,
    })
}

fn status(section: &Section<'_>, found: &Found<&str>) -> Result<Status, Diagnostic> {
    let names = Status::ALL.map(Status::name);
    Status::ALL.into_iter().find(|status| status.name() == found.value).ok_or_else(|| {
        let message = format!("unknown status \"{}\"; there are: {}", found.value, names.join(", "));
        section.document.at(&found.span, true).wrong(message).or_rather(found.value, names)
    })
}

/// A list of HTTP statuses.
fn statuses(section: &Section<'_>, key: &str) -> Result<Option<Vec<u16>>, Diagnostic> {
    let Some(value) = section.value(key) else { return Ok(None) };
    let wrong =
        || section.document.wrong(&value.span(), format!("\"{key}\" is a list of HTTP statuses, such as [200, 202]"));
    let DeValue::Array(entries) = value.get_ref() else { return Err(wrong()) };
    let read = |entry: &toml::Spanned<DeValue<'_>>| match entry.get_ref() {
        DeValue::Integer(number) => u16::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    let statuses: Option<Vec<u16>> =
        entries.iter().map(|entry| read(entry).filter(|s| (200..600).contains(s))).collect();
    statuses.map(Some).ok_or_else(wrong)
}
