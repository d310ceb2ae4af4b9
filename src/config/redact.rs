//! What is shown of instances: the fields that hold secrets, and where the engine's own page of one is.

use super::diagnostic::Diagnostic;
use super::section::Section;

const KEYS: [&str; 1] = ["fields"];

/// What may stand in braces in the place of a page.
const BLANKS: [&str; 3] = ["id", "flow", "source"];

/// Reads `[redact]`: names of fields that hold secrets, besides the usual ones.
pub(super) fn read(root: &Section<'_>) -> Result<Vec<String>, Diagnostic> {
    let Some(section) = root.table("redact", &KEYS)? else { return Ok(Vec::new()) };
    let mut fields = Vec::new();
    for field in section.texts("fields")? {
        if field.value.trim_matches(['*', '?']).trim().is_empty() {
            return Err(section.wrong(&field, "a field's name is wanted; this one would hide everything"));
        }
        fields.push(field.value.trim().to_owned());
    }
    Ok(fields)
}

/// Reads a source's `open`: where the page of an instance is.
pub(super) fn open(section: &Section<'_>) -> Result<Option<String>, Diagnostic> {
    let Some(found) = section.text("open")? else { return Ok(None) };
    let template = found.value.trim();
    if !(template.starts_with("http://") || template.starts_with("https://")) {
        return Err(section.wrong(&found, "\"open\" must begin with http:// or https://"));
    }
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}').filter(|(blank, _)| BLANKS.contains(blank)) else {
            return Err(section.wrong(&found, "in \"open\" only {id}, {flow} and {source} may stand in braces"));
        };
        rest = after;
    }
    if template.contains(char::is_whitespace) {
        return Err(section.wrong(&found, "\"open\" can't hold white space"));
    }
    Ok(Some(template.to_owned()))
}
