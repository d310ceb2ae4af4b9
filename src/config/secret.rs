//! Secrets: named in the config, read from the environment, a private file or a command's output, shown nowhere.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Surroundings;
use super::command;
use super::diagnostic::Diagnostic;
use super::paths;
use super::section::Section;

/// Said where the secret itself stands in the file.
const HINT: &str = "a secret does not belong in this file; use auth = { bearer = { env = \"NAME\" } }, \
                    { bearer = { file = \"PATH\" } } or { bearer = { command = [\"PROGRAM\", \"ARGUMENT\"] } }";

/// No secret is longer: what is, is some other file.
pub(super) const MAX_BYTES: u64 = 64 * 1024;

/// What a secret may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One word of visible ASCII, as a header can carry it.
    Token,
    /// One line: letters of any kind and spaces too.
    Password,
}

/// Where a secret is kept, beside the config. `Debug` shows a command without its arguments: they could be secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In this environment variable.
    Variable(String),
    /// In this file, which only its owner may read.
    File(PathBuf),
    /// It is what this program prints; its arguments follow.
    Command(Vec<String>),
}

impl fmt::Debug for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())
    }
}

impl SecretPlace {
    /// In words, without anything that could be a secret: a command's arguments are left out.
    pub fn words(&self) -> String {
        match self {
            Self::Variable(name) => format!("the environment variable {name}"),
            Self::File(path) => format!("the file {}", path.display()),
            Self::Command(words) => format!("the output of {}", words.first().map_or("a command", String::as_str)),
        }
    }

    /// Whether it may hold another value later, while this process runs.
    pub const fn renewable(&self) -> bool {
        !matches!(self, Self::Variable(_))
    }

    /// Fetches what is kept there. The error is for people and holds no secret. May take as long as a command may.
    pub(super) fn fetch(
        &self,
        shape: Shape,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SecretString, String> {
        let text = match self {
            Self::Variable(name) => variable(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("the environment variable {name} is not set"))?,
            Self::File(path) => read_file(path, true)?,
            Self::Command(words) => command::output(words)?.trim().to_owned(),
        };
        let secret = text.trim_end_matches(['\r', '\n']);
        let fits = match shape {
            Shape::Token => secret.bytes().all(|b| b.is_ascii_graphic()),
            Shape::Password => !secret.contains(char::is_control),
        };
        match (secret.is_empty() || !fits, shape) {
            (false, _) => Ok(SecretString::from(secret)),
            (true, Shape::Token) => {
                Err(format!("{}: what it holds is no token: it must be one line of visible ASCII", self.words()))
            }
            (true, Shape::Password) => {
                Err(format!("{}: what it holds is no password: it must be one line of text", self.words()))
            }
        }
    }
}

/// Where the config says that a secret is.
pub(super) struct Reference<'a> {
    named: Named<'a>,
    span: Range<usize>,
    shape: Shape,
}

/// A place as the file writes it.
enum Named<'a> {
    Variable(&'a str),
    File(&'a str),
    Command(Vec<&'a str>),
}

/// The credentials of a source before they are read.
pub(super) enum Auth<'a> {
    Bearer(Reference<'a>),
    Basic { user: &'a str, password: Reference<'a> },
    Login { user: &'a str, eauth: &'a str, password: Reference<'a> },
    Header { name: &'a str, value: Reference<'a> },
}

/// Reads the `auth` of a source; `None` where it has none.
pub(super) fn auth<'a>(source: &Section<'a>) -> Result<Option<Auth<'a>>, Diagnostic> {
    if source.is_text("auth") {
        return Err(source.document.wrong(&source.place("auth"), HINT));
    }
    let Some(auth) = source.table("auth", &["bearer", "basic", "header", "login"])? else { return Ok(None) };
    if let Some(key) = ["basic", "header", "login"].into_iter().find(|key| auth.is_text(key)) {
        return Err(auth.document.wrong(&auth.place(key), HINT));
    }
    let given: Vec<&str> = ["bearer", "basic", "header", "login"].into_iter().filter(|key| auth.has(key)).collect();
    if let [first, second, ..] = given[..] {
        let message = format!("\"auth\" holds both \"{first}\" and \"{second}\": a server takes one of them");
        return Err(auth.document.wrong(&auth.place(second), message));
    }
    if let Some(header) = auth.table("header", &["name", "value"])? {
        let name = header.required_text("name", "\"header\"")?;
        if reqwest::header::HeaderName::try_from(name.value).is_err() {
            return Err(header.wrong(&name, "\"name\" is no name of a header"));
        }
        return Ok(Some(Auth::Header { name: name.value, value: reference(&header, "value", Shape::Token)? }));
    }
    if let Some(login) = auth.table("login", &["user", "eauth", "password"])? {
        let user = login.required_text("user", "\"login\"")?.value;
        let eauth = login.text("eauth")?.map_or("pam", |found| found.value);
        return Ok(Some(Auth::Login { user, eauth, password: reference(&login, "password", Shape::Password)? }));
    }
    match auth.table("basic", &["user", "password"])? {
        Some(basic) => {
            let user = basic.required_text("user", "\"basic\"")?;
            if user.value.contains(':') || user.value.contains(char::is_control) {
                return Err(basic.wrong(&user, "\"user\" can't hold a colon or a control character"));
            }
            let password = reference(&basic, "password", Shape::Password)?;
            Ok(Some(Auth::Basic { user: user.value, password }))
        }
        None => Ok(Some(Auth::Bearer(reference(&auth, "bearer", Shape::Token)?))),
    }
}

/// Reads where the secret `key` of a table is.
pub(super) fn reference<'a>(table: &Section<'a>, key: &str, shape: Shape) -> Result<Reference<'a>, Diagnostic> {
    if table.is_text(key) {
        return Err(table.document.wrong(&table.place(key), HINT));
    }
    let needs = || {
        let message = format!("\"{key}\" needs either \"env\", \"file\" or \"command\"");
        table.document.wrong(&table.place(key), message)
    };
    let place = table.table(key, &["env", "file", "command"])?.ok_or_else(needs)?;
    let named = [
        place.text("env")?.map(|found| (Named::Variable(found.value), found.span)),
        place.text("file")?.map(|found| (Named::File(found.value), found.span)),
        place.words("command")?.map(|found| (Named::Command(found.value), found.span)),
    ];
    let mut named = named.into_iter().flatten();
    match (named.next(), named.next()) {
        (Some((named, span)), None) => Ok(Reference { named, span, shape }),
        _ => Err(needs()),
    }
}

impl Reference<'_> {
    /// Where it is; a relative path starts from the folder.
    pub(super) fn place(&self, folder: &Path) -> SecretPlace {
        match &self.named {
            Named::Variable(name) => SecretPlace::Variable((*name).to_owned()),
            Named::File(path) => SecretPlace::File(paths::resolve(path, folder)),
            Named::Command(words) => {
                // A program that is named by a path is found as files are; any other in PATH.
                let program = |word: &str| paths::resolve(word, folder).display().to_string();
                let word = |(at, word): (usize, &str)| {
                    if at == 0 && word.contains('/') { program(word) } else { word.to_owned() }
                };
                SecretPlace::Command(words.iter().copied().enumerate().map(word).collect())
            }
        }
    }

    /// Fetches the secret, and says where it was.
    pub(super) fn read(
        self,
        source: &Section<'_>,
        surroundings: &Surroundings<'_>,
    ) -> Result<(SecretString, SecretPlace), Diagnostic> {
        let place = self.place(surroundings.folder);
        let secret = place.fetch(self.shape, surroundings.variable);
        let secret = secret.map_err(|message| source.document.wrong(&self.span, message))?;
        Ok((secret, place))
    }
}

/// Reads a small file, where `private` only one that its owner alone may read.
pub(super) fn read_file(path: &Path, private: bool) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    // Asked of the open file, so that nobody can swap it in between.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if private && metadata.permissions().mode() & 0o077 != 0 {
            return Err(format!("others can reach {0}; mend it with: chmod 600 {0}", path.display()));
        }
    }
    let limit = if private { MAX_BYTES } else { 16 * MAX_BYTES };
    if metadata.len() > limit {
        return Err(format!("{} is too long for what it should hold", path.display()));
    }
    let mut text = String::new();
    file.take(limit).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
