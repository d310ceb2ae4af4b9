//! The shape of the file: which tables there are, what their keys mean, and what is refused.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use toml::de::DeTable;

use super::diagnostic::{Diagnostic, Document, Problems};
use super::layers::{Flags, Layer, Setting, variable};
use super::log::LogSettings;
use super::policies::PolicySettings;
use super::redact;
use super::section::{Found, Section};
use super::tenants::TenantBook;
use super::thresholds::ThresholdBook;
use super::ui::{self, Ui};
use super::{
    AlertSetting, Config, ConfigError, Context, ContextInfo, DEFAULT_CONTEXT, Layers, Outline, RestSetting,
    SourceConfig, SourceKind, Surroundings, Transport, alerts, automations, default_state_dir, paths, rest, runbooks,
    salt, transport, webhooks,
};
use crate::domain::nearest::nearest;
use crate::domain::text::SafeText;

const ROOT: [&str; 25] = [
    "log",
    "operator",
    "soak",
    "state_dir",
    "ui",
    "keys",
    "view",
    "source",
    "context",
    "thresholds",
    "threshold",
    "promise",
    "step",
    "wording",
    "drift_rule",
    "tenant",
    "redact",
    "policy",
    "freeze",
    "roles",
    "limits",
    "solo",
    "webhook",
    "automation",
    "runbook",
];
const CONTEXT: [&str; 3] = ["colour", "production", "source"];
const SOURCE: [&str; 24] = [
    "name",
    "kind",
    "url",
    "path",
    "check_interval",
    "poll",
    "timeout",
    "auth",
    "ca_file",
    "client_cert_file",
    "client_key_file",
    "proxy",
    "verify",
    "open",
    "target",
    "states",
    "tenant_grain",
    "scope_grains",
    "jobs_interval",
    rest::REQUEST,
    rest::VERB,
    rest::HEADERS,
    alerts::DRIFT,
    alerts::TENANT,
];
const COLOURS: [&str; 9] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "gray"];

const POLL: SignedDuration = SignedDuration::from_secs(5);
/// Plans are made by the day, and files cost little to look at.
const POLL_PLANS: SignedDuration = SignedDuration::from_secs(30);
const CHECKS: SignedDuration = SignedDuration::from_hours(24);
/// Each check keeps every minion busy for a moment.
const CHECKS_OF_SALT: SignedDuration = SignedDuration::from_mins(5);
pub(super) const POLL_LEAST: SignedDuration = SignedDuration::from_secs(1);
const TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
const SOAK: SignedDuration = SignedDuration::from_secs(60);

/// A context before one is chosen: its secrets are not read.
struct Draft<'a> {
    context: Context,
    /// One for each source, in the same order.
    transports: Vec<Option<transport::Draft<'a>>>,
}

/// Reads a config. What is wrong in it is told all at once.
pub(super) fn read(
    text: &str,
    file_name: &str,
    flags: &Flags,
    surroundings: &Surroundings<'_>,
) -> Result<Config, ConfigError> {
    let problems = Problems::default();
    let document = Document { name: file_name, text, problems: &problems };
    let invalid = || ConfigError::Invalid(problems.take());
    let parsed = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        problems.add(document.wrong(&span, error.message().trim().replace('\n', "; ")));
    });
    let Ok(table) = parsed else { return Err(invalid()) };
    let root = Section::new(document, 0..0, table.get_ref(), &ROOT);
    let operator = operator(&root, surroundings);
    let soak = match document.keep(root.duration("soak", SignedDuration::ZERO)).flatten() {
        Some(value) => Setting { value, from: Layer::File(document.at(&root.place("soak"), true)) },
        None => Setting::default(SOAK),
    };
    let state_dir = state_dir(&root, surroundings);
    let thresholds = document.keep(ThresholdBook::read(&root)).unwrap_or_default();
    let tenants = document.keep(TenantBook::read(&root)).unwrap_or_default();
    let ui = Ui::read(&root, flags, surroundings);
    let redact = document.keep(redact::read(&root)).unwrap_or_default();
    let log = LogSettings::read(&root, surroundings);
    let (keys, views) = (ui::keys(&root), ui::views(&root));
    let policies = PolicySettings::read(&root);
    let automations = automations::read(&root);
    let runbooks = runbooks::read(&root);
    let webhooks = webhooks::read(&root, surroundings.folder);
    let drafts = contexts(&root, surroundings.folder);
    let problems_so_far = problems.take();
    if !problems_so_far.is_empty() {
        return Err(ConfigError::Invalid(problems_so_far));
    }
    let existing: Vec<ContextInfo> = drafts.iter().map(|draft| ContextInfo::of(&draft.context)).collect();
    let (wanted, layer) = wanted_context(flags, surroundings);
    let Draft { mut context, transports } = choose(drafts, file_name, wanted.as_deref())?;
    for (source, draft) in context.sources.iter_mut().zip(transports) {
        if let Some(transport) = draft.and_then(|draft| document.keep(draft.read(surroundings))) {
            source.transport = transport;
        }
    }
    let secrets_missing = problems.take();
    if !secrets_missing.is_empty() {
        return Err(ConfigError::Invalid(secrets_missing));
    }
    let layers = Layers { operator: operator.from, soak: soak.from, state_dir: state_dir.from, context: layer };
    Ok(Config {
        file: PathBuf::from(file_name),
        operator: operator.value,
        context,
        contexts: existing,
        thresholds,
        tenants,
        soak: soak.value,
        state_dir: state_dir.value,
        ui,
        keys,
        views,
        redact,
        policies,
        automations,
        runbooks,
        webhooks,
        log,
        layers,
    })
}

/// Reads what holds whatever the context. The whole file has to be right.
pub(super) fn outline(
    text: &str,
    file_name: &str,
    flags: &Flags,
    surroundings: &Surroundings<'_>,
) -> Result<Outline, ConfigError> {
    // Any context does, and one without sources too.
    let first = match read(text, file_name, flags, surroundings) {
        Ok(Config { contexts, ui, keys, views, .. }) => return Ok(Outline { contexts, ui, keys, views }),
        Err(ConfigError::NoContext { existing, .. } | ConfigError::UnknownContext { existing, .. }) => {
            existing.into_iter().next()
        }
        Err(error) => return Err(error),
    };
    let flags = Flags { context: first, ..flags.clone() };
    let Config { contexts, ui, keys, views, .. } = read(text, file_name, &flags, surroundings)?;
    Ok(Outline { contexts, ui, keys, views })
}

/// The context that is asked for, and by what.
fn wanted_context(flags: &Flags, surroundings: &Surroundings<'_>) -> (Option<String>, Layer) {
    match (&flags.context, variable(surroundings, "QUARTERDECK_CONTEXT")) {
        (Some(name), _) => (Some(name.clone()), Layer::Flag("--context")),
        (None, Some(name)) => (Some(name), Layer::Environment("QUARTERDECK_CONTEXT")),
        (None, None) => (None, Layer::Default),
    }
}

/// Where acts are recorded: `QUARTERDECK_STATE_DIR`, else the file, else the usual place.
fn state_dir(root: &Section<'_>, surroundings: &Surroundings<'_>) -> Setting<PathBuf> {
    let in_file = root.document.keep(root.text("state_dir")).flatten();
    if let Some(path) = variable(surroundings, "QUARTERDECK_STATE_DIR") {
        return Setting { value: PathBuf::from(path), from: Layer::Environment("QUARTERDECK_STATE_DIR") };
    }
    match in_file {
        Some(found) => Setting {
            value: paths::resolve(found.value, surroundings.folder),
            from: Layer::File(root.document.at(&found.span, true)),
        },
        None => Setting::default(default_state_dir()),
    }
}

/// Who acts: `QUARTERDECK_OPERATOR`, else the file, else `USER` or `LOGNAME`, else the number of the user.
fn operator(root: &Section<'_>, surroundings: &Surroundings<'_>) -> Setting<String> {
    let in_file = root.document.keep(root.text("operator")).flatten();
    if let Some(found) = in_file.as_ref().filter(|found| found.value.trim().is_empty()) {
        root.document.problems.add(root.wrong(found, "\"operator\" is empty"));
    }
    let from = |name| variable(surroundings, name).map(|value| Setting { value, from: Layer::Environment(name) });
    from("QUARTERDECK_OPERATOR")
        .or_else(|| in_file.map(|found| Setting::text(root, &found)))
        .or_else(|| from("USER"))
        .or_else(|| from("LOGNAME"))
        .unwrap_or_else(|| Setting::default(format!("uid {}", rustix::process::getuid().as_raw())))
}

/// Every context of the file. What stands at the top level is the context `default`.
fn contexts<'a>(root: &Section<'a>, folder: &Path) -> Vec<Draft<'a>> {
    let mut contexts = Vec::new();
    let mut top = root.document.keep(root.tables("source", &SOURCE)).unwrap_or_default();
    for (name, section) in root.document.keep(root.named_tables("context", &CONTEXT)).unwrap_or_default() {
        let document = root.document;
        document.keep(check_name(&section, &name, "a context's name"));
        let mut sources = if name.value == DEFAULT_CONTEXT { std::mem::take(&mut top) } else { Vec::new() };
        sources.extend(document.keep(section.tables("source", &SOURCE)).unwrap_or_default());
        let colour = document.keep(colour(&section)).flatten();
        let production = document.keep(section.flag("production")).flatten().unwrap_or(false);
        contexts.push(draft(name.value, colour, production, sources, folder));
    }
    if !top.is_empty() {
        contexts.insert(0, draft(DEFAULT_CONTEXT, None, false, top, folder));
    }
    contexts
}

fn draft<'a>(
    name: &str,
    colour: Option<String>,
    production: bool,
    sections: Vec<Section<'a>>,
    folder: &Path,
) -> Draft<'a> {
    let mut lines: HashMap<String, usize> = HashMap::new();
    let mut sources = Vec::new();
    let mut transports = Vec::new();
    for section in sections {
        let Some((source, transport, name)) = section.document.keep(source(&section, folder)) else { continue };
        let (line, _) = section.document.position(name.span.start);
        if let Some(first) = lines.insert(source.name.clone(), line) {
            let message = format!("a second source \"{}\"; the first is on line {first}", source.name);
            section.document.problems.add(section.wrong(&name, message));
        }
        sources.push(source);
        transports.push(transport);
    }
    Draft { context: Context { name: name.to_owned(), production, colour, sources }, transports }
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

/// What a source says of its transport is nothing where it is wrong; then the config is refused.
type SourceParts<'a> = (SourceConfig, Option<transport::Draft<'a>>, Found<&'a str>);

fn source<'a>(section: &Section<'a>, folder: &Path) -> Result<SourceParts<'a>, Diagnostic> {
    // Each is read before the first of them is given up, so that every mistake is told.
    let document = section.document;
    let name = section.required_text("name", "a source").and_then(|name| {
        check_name(section, &name, "a source's name")?;
        Ok(name)
    });
    if let Err(wrong) = &name {
        document.problems.add(wrong.clone());
    }
    let kind = kind(section).map_err(|wrong| document.problems.add(wrong));
    let path = document.keep(path(section, kind.ok(), folder)).flatten();
    let url = match path {
        Some(_) => Ok(String::new()),
        None => url(section).map_err(|wrong| document.problems.add(wrong)),
    };
    let usual = if kind == Ok(SourceKind::Terraform) { POLL_PLANS } else { POLL };
    let poll = document.keep(section.duration("poll", POLL_LEAST)).flatten().unwrap_or(usual);
    let is_salt = kind == Ok(SourceKind::Salt);
    let checks = if is_salt { CHECKS_OF_SALT } else { CHECKS };
    let check_interval = document.keep(section.duration("check_interval", POLL_LEAST)).flatten().unwrap_or(checks);
    let timeout = document.keep(section.duration("timeout", SignedDuration::ZERO)).flatten().unwrap_or(TIMEOUT);
    let transport = document.keep(transport::draft(section));
    if let (Some(transport), Ok(kind)) = (&transport, kind) {
        document.keep(who_asks(section, kind, transport.logs_in()));
    }
    let open = document.keep(redact::open(section)).flatten();
    let salt = document.keep(salt::read(section, is_salt)).unwrap_or_default();
    let rest = document.keep(rest_of(section, kind.ok())).flatten();
    let alerts = document.keep(alerts_of(section, kind.ok())).flatten();
    let name = name?;
    let source = SourceConfig {
        name: name.value.to_owned(),
        kind: kind.unwrap_or(SourceKind::Restate),
        url: url.unwrap_or_default(),
        path,
        check_interval,
        poll,
        timeout,
        transport: Transport::default(),
        open,
        salt,
        rest,
        alerts,
    };
    Ok((source, transport, name))
}

/// A salt-api gives a token for a login; nobody else does.
fn who_asks(section: &Section<'_>, kind: SourceKind, logs_in: bool) -> Result<(), Diagnostic> {
    let message = match (kind == SourceKind::Salt, logs_in) {
        (true, false) => {
            "a salt-api wants auth = { login = { user = \"NAME\", eauth = \"pam\", password = { env = \"NAME\" } } }"
        }
        (false, true) => {
            "\"login\" is for a source of the kind \"salt\"; others take \"bearer\", \"basic\" or \"header\""
        }
        _ => return Ok(()),
    };
    let at = if section.has("auth") { "auth" } else { "kind" };
    Err(section.document.wrong(&section.place(at), message))
}

/// What only a source of the kind `rest` has.
fn rest_of(section: &Section<'_>, kind: Option<SourceKind>) -> Result<Option<Arc<RestSetting>>, Diagnostic> {
    match kind {
        Some(SourceKind::Rest) => Ok(Some(Arc::new(rest::read(section)?))),
        None => Ok(None),
        Some(_) => match [rest::REQUEST, rest::VERB, rest::HEADERS].into_iter().find(|key| section.has(key)) {
            Some(key) => {
                let message = format!("only a source of the kind \"rest\" has \"{key}\"");
                Err(section.document.wrong(&section.place(key), message))
            }
            None => Ok(None),
        },
    }
}

/// What only a source of the kind `alertmanager` has.
fn alerts_of(section: &Section<'_>, kind: Option<SourceKind>) -> Result<Option<AlertSetting>, Diagnostic> {
    match kind {
        Some(SourceKind::Alertmanager) => alerts::read(section).map(Some),
        None => Ok(None),
        Some(_) => match [alerts::DRIFT, alerts::TENANT].into_iter().find(|key| section.has(key)) {
            Some(key) => {
                let message = format!("only a source of the kind \"alertmanager\" has \"{key}\"");
                Err(section.document.wrong(&section.place(key), message))
            }
            None => Ok(None),
        },
    }
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
        section.document.at(&found.span, true).wrong(message).or_rather(found.value, names)
    })
}

/// The file or the folder that a source is read from, for the kind that can be.
fn path(section: &Section<'_>, kind: Option<SourceKind>, folder: &Path) -> Result<Option<PathBuf>, Diagnostic> {
    let Some(found) = section.text("path")? else { return Ok(None) };
    if kind.is_some_and(|kind| kind != SourceKind::Terraform) {
        return Err(
            section.wrong(&found, "only a source of the kind \"terraform\" has a \"path\"; others have a \"url\"")
        );
    }
    if section.text("url")?.is_some() {
        return Err(section.wrong(&found, "a source has a \"path\" or a \"url\", and not both"));
    }
    if found.value.trim().is_empty() {
        return Err(section.wrong(&found, "\"path\" is empty"));
    }
    Ok(Some(paths::resolve(found.value, folder)))
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
    Err(section.document.at(&found.span, true).wrong(message).or_rather(found.value, COLOURS))
}
