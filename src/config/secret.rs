//! Secrets: named in the config, read from the environment or from a private file, shown nowhere.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use secrecy::SecretString;

use super::Surroundings;
use super::diagnostic::Diagnostic;
use super::paths;
use super::section::{Found, Section};

const HINT: &str = "a secret does not belong in this file; use auth = { bearer = { env = \"NAME\" } } or \
                    { bearer = { file = \"PATH\" } }";

/// No token is longer: what is, is some other file.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a secret is.
pub(super) enum Reference<'a> {
    Variable(Found<&'a str>),
    File(Found<&'a str>),
}

/// Reads the `auth` of a source; `None` where it has none.
pub(super) fn bearer<'a>(source: &Section<'a>) -> Result<Option<Reference<'a>>, Diagnostic> {
    if source.is_text("auth") {
        return Err(source.document.wrong(&source.place("auth"), HINT));
    }
    let Some(auth) = source.table("auth", &["bearer"])? else { return Ok(None) };
    if auth.is_text("bearer") {
        return Err(auth.document.wrong(&auth.place("bearer"), HINT));
    }
    let bearer = auth.table("bearer", &["env", "file"])?;
    match bearer.as_ref().map(|bearer| Ok((bearer.text("env")?, bearer.text("file")?))).transpose()? {
        Some((Some(name), None)) => Ok(Some(Reference::Variable(name))),
        Some((None, Some(path))) => Ok(Some(Reference::File(path))),
        _ => Err(auth.document.wrong(&auth.place("bearer"), "\"bearer\" needs either \"env\" or \"file\"")),
    }
}

/// Fetches a secret.
pub(super) fn read(
    source: &Section<'_>,
    reference: &Reference<'_>,
    surroundings: &Surroundings<'_>,
) -> Result<SecretString, Diagnostic> {
    let (found, secret) = match reference {
        Reference::Variable(name) => {
            let secret = (surroundings.variable)(name.value).filter(|value| !value.is_empty());
            (name, secret.ok_or_else(|| format!("the environment variable {} is not set", name.value)))
        }
        Reference::File(path) => (path, read_private(&paths::resolve(path.value, surroundings.folder))),
    };
    let secret = secret.map_err(|message| source.wrong(found, message))?;
    let secret = secret.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(source.wrong(found, "what it holds is no token: it must be one line of visible ASCII"));
    }
    Ok(SecretString::from(secret))
}

/// Reads a file that only its owner may read.
fn read_private(path: &Path) -> Result<String, String> {
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
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(format!("others can reach {0}; mend it with: chmod 600 {0}", path.display()));
        }
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("{} is too long for a token", path.display()));
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
