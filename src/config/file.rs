//! The shape of the file: which tables there are, what their keys mean, and what is refused.

use std::collections::HashMap;

use jiff::SignedDuration;
use toml::de::DeTable;

use super::diagnostic::{Diagnostic, Document};
use super::section::{Found, Section};
use super::thresholds::ThresholdBook;
use super::{
    Config, ConfigError, Context, DEFAULT_CONTEXT, SourceConfig, SourceKind, Surroundings, Transport,
    default_state_dir, paths, transport,
};
use crate::domain::nearest::nearest;
use crate::domain::text::SafeText;

const ROOT: [&str; 7] = ["operator", "soak", "state_dir", "source", "context", "thresholds", "threshold"];
const CONTEXT: [&str; 3] = ["colour", "production", "source"];
const SOURCE: [&str; 11] = [
    "name",
    "kind",
    "url",
    "poll",
    "timeout",
    "auth",
    "ca_file",
    "client_cert_file",
    "client_key_file",
    "proxy",
    "verify",
];
const COLOURS: [&str; 9] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "gray"];

const POLL: SignedDuration = SignedDuration::from_secs(5);
const POLL_LEAST: SignedDuration = SignedDuration::from_secs(1);
const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
const SOAK: SignedDuration = SignedDuration::from_secs(60);

/// A context before one is chosen: its secrets are not read.
struct Draft<'a> {
    context: Context,
    /// One for each source, in the same order.
    transports: Vec<transport::Draft<'a>>,
}

/// Reads a config.
pub(super) fn read(
    text: &str,
    file_name: &str,
    wanted: Option<&str>,
    surroundings: &Surroundings<'_>,
) -> Result<Config, ConfigError> {
    let document = Document { name: file_name, text };
    let root = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        ConfigError::Invalid(document.wrong(&span, error.message().trim().replace('\n', "; ")))
    })?;
    let root = Section::new(document, 0..0, root.get_ref(), &ROOT).map_err(ConfigError::Invalid)?;
    let operator = operator(&root, surroundings).map_err(ConfigError::Invalid)?;
    let soak = root.duration("soak", SignedDuration::ZERO).map_err(ConfigError::Invalid)?.unwrap_or(SOAK);
    let state_dir = root.text("state_dir").map_err(ConfigError::Invalid)?;
    let thresholds = ThresholdBook::read(&root).map_err(ConfigError::Invalid)?;
    let drafts = contexts(&root).map_err(ConfigError::Invalid)?;
    let Draft { mut context, transports } = choose(drafts, file_name, wanted)?;
    for (source, draft) in context.sources.iter_mut().zip(transports) {
        source.transport = draft.read(surroundings).map_err(ConfigError::Invalid)?;
    }
    let state_dir = state_dir.map_or_else(default_state_dir, |dir| paths::resolve(dir.value, surroundings.folder));
    Ok(Config { operator, context, thresholds, soak, state_dir })
}

/// Who acts: `QUARTERDECK_OPERATOR`, else the file, else `USER` or `LOGNAME`, else the number of the user.
fn operator(root: &Section<'_>, surroundings: &Surroundings<'_>) -> Result<String, Diagnostic> {
    let in_file = root.text("operator")?;
    if let Some(found) = in_file.as_ref().filter(|found| found.value.trim().is_empty()) {
        return Err(root.wrong(found, "\"operator\" is empty"));
    }
    let variable = |name| (surroundings.variable)(name).filter(|value| !value.trim().is_empty());
    Ok(variable("QUARTERDECK_OPERATOR")
        .or_else(|| in_file.map(|found| found.value.to_owned()))
        .or_else(|| variable("USER"))
        .or_else(|| variable("LOGNAME"))
        .map_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()), |name| name.trim().to_owned()))
}

/// Every context of the file. What stands at the top level is the context `default`.
fn contexts<'a>(root: &Section<'a>) -> Result<Vec<Draft<'a>>, Diagnostic> {
    let mut contexts = Vec::new();
    let mut top = root.tables("source", &SOURCE)?;
    for (name, section) in root.named_tables("context", &CONTEXT)? {
        check_name(&section, &name, "a context's name")?;
        let mut sources = if name.value == DEFAULT_CONTEXT { std::mem::take(&mut top) } else { Vec::new() };
        sources.extend(section.tables("source", &SOURCE)?);
        contexts.push(draft(name.value, colour(&section)?, section.flag("production")?.unwrap_or(false), sources)?);
    }
    if !top.is_empty() {
        contexts.insert(0, draft(DEFAULT_CONTEXT, None, false, top)?);
    }
    Ok(contexts)
}

fn draft<'a>(
    name: &str,
    colour: Option<String>,
    production: bool,
    sections: Vec<Section<'a>>,
) -> Result<Draft<'a>, Diagnostic> {
    let mut lines: HashMap<String, usize> = HashMap::new();
    let mut sources = Vec::new();
    let mut transports = Vec::new();
    for section in sections {
        let (source, transport, name) = source(&section)?;
        let (line, _) = section.document.position(name.span.start);
        if let Some(first) = lines.insert(source.name.clone(), line) {
            let message = format!("a second source \"{}\"; the first is on line {first}", source.name);
            return Err(section.wrong(&name, message));
        }
        sources.push(source);
        transports.push(transport);
    }
    Ok(Draft { context: Context { name: name.to_owned(), production, colour, sources }, transports })
}

/// The context that is wanted; without a wish the default one, or the only one.
fn choose<'a>(mut drafts: Vec<Draft<'a>>, file: &str, wanted: Option<&str>) -> Result<Draft<'a>, ConfigError> {
    let file = file.to_owned();
    let existing: Vec<String> = drafts.iter().map(|draft| draft.context.name.clone()).collect();
    let name = match wanted {
        Some(name) => name,
        None if existing.len() == 1 => &existing[0],
        None if existing.is_empty() || existing.iter().any(|name| name == DEFAULT_CONTEXT) => DEFAULT_CONTEXT,
        None => return Err(ConfigError::NoContext { file, existing }),
    };
    let Some(at) = existing.iter().position(|existing| existing == name) else {
        if existing.is_empty() && name == DEFAULT_CONTEXT {
            return Err(ConfigError::NoSource { file, context: name.to_owned() });
        }
        let nearest = nearest(name, existing.iter().map(String::as_str)).map(str::to_owned);
        return Err(ConfigError::UnknownContext { file, wanted: name.to_owned(), nearest, existing });
    };
    let draft = drafts.swap_remove(at);
    if draft.context.sources.is_empty() {
        return Err(ConfigError::NoSource { file, context: name.to_owned() });
    }
    Ok(draft)
}

type SourceParts<'a> = (SourceConfig, transport::Draft<'a>, Found<&'a str>);

fn source<'a>(section: &Section<'a>) -> Result<SourceParts<'a>, Diagnostic> {
    let name = section.required_text("name", "a source")?;
    check_name(section, &name, "a source's name")?;
    let source = SourceConfig {
        name: name.value.to_owned(),
        kind: kind(section)?,
        url: url(section)?,
        poll: section.duration("poll", POLL_LEAST)?.unwrap_or(POLL),
        timeout: section.duration("timeout", SignedDuration::ZERO)?.unwrap_or(TIMEOUT),
        transport: Transport::default(),
    };
    Ok((source, transport::draft(section)?, name))
}

/// Names are parts of ids and of shell commands: a slash would end them, and a space too.
fn check_name(section: &Section<'_>, name: &Found<&str>, what: &str) -> Result<(), Diagnostic> {
    let message = if name.value.is_empty() {
        "can't be empty"
    } else if name.value.contains('/') {
        "can't hold a slash"
    } else if name.value.contains(char::is_whitespace) {
        "can't hold white space"
    } else if SafeText::new(name.value) != *name.value {
        "can't hold hidden characters"
    } else {
        return Ok(());
    };
    Err(section.wrong(name, format!("{what} {message}")))
}

fn kind(section: &Section<'_>) -> Result<SourceKind, Diagnostic> {
    let found = section.required_text("kind", "a source")?;
    SourceKind::ALL.into_iter().find(|kind| kind.name() == found.value).ok_or_else(|| {
        let names = SourceKind::ALL.map(SourceKind::name);
        let message = format!("unknown kind \"{}\"; there are: {}", found.value, names.join(", "));
        let mut wrong = section.wrong(&found, message);
        wrong.suggestion = nearest(found.value, names).map(str::to_owned);
        wrong
    })
}

/// An address without secrets. No message shows it: what is refused may hold one.
fn url(section: &Section<'_>) -> Result<String, Diagnostic> {
    let found = section.required_text("url", "a source")?;
    let wrong = |message: &str| Err(section.wrong(&found, message));
    let Ok(url) = reqwest::Url::parse(found.value) else {
        return wrong("\"url\" can't be read; write it as http://host:port or https://host");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong("\"url\" must begin with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("\"url\" can't hold credentials; use auth = { bearer = { env = \"NAME\" } }");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("\"url\" can't hold a query or a fragment; leave out what follows ? or #");
    }
    Ok(found.value.trim().trim_end_matches('/').to_owned())
}

fn colour(section: &Section<'_>) -> Result<Option<String>, Diagnostic> {
    let Some(found) = section.text("colour")? else { return Ok(None) };
    let hex =
        found.value.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if hex || COLOURS.contains(&found.value) {
        return Ok(Some(found.value.to_owned()));
    }
    let message = format!("unknown colour \"{}\"; use #rrggbb or one of: {}", found.value, COLOURS.join(", "));
    let mut wrong = section.wrong(&found, message);
    wrong.suggestion = nearest(found.value, COLOURS).map(str::to_owned);
    Err(wrong)
}
