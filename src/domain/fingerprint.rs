//! Error fingerprints: what an error says once everything that differs from instance to instance is masked.
//!
//! The masks err on the side of words: a word that stays too much splits a cohort, a word that is masked too much
//! joins two causes, and only the second sends the wrong repair to somebody.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::text::SafeText;

/// What differs from instance to instance, in the order in which it is looked for.
///
/// One alternation, so that each character is looked at once and a mask never masks a mask. Where a pattern alone
/// can't tell a name from a word, [`mask`] decides.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?P<mask> <[a-z]{1,5}> )
      | (?P<time> \b\d{4}-\d{2}-\d{2}(?:[T\x20]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?(?:\x20?(?:Z|UTC|[+-]\d{2}:?\d{2})\b)? )
      | (?P<uuid> \b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b )
      | (?P<url>  \b[a-zA-Z][a-zA-Z0-9+.-]*://(?:<[a-z]{1,5}>|[^\s"'`<>])+ )
      | (?P<mail> \b[\w.+-]+@[\w-]+(?:\.[\w-]+)+ )
      | (?P<dq>   "(?:[^"\\]|\\.)*" )
      | (?P<sq>   (?P<sql>^|[^\w])'(?:[^']|'\w)*' )
      | (?P<bq>   `[^`]*` )
      | (?P<ip4>  \b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}|:\d+)?\b )
      | (?P<ip6>  \[[0-9a-fA-F:]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*\](?::\d+)?
                | \b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b
                | \b(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}\b )
      | (?P<hour> \b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)? )
      | (?P<dots> \b[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+(?::\d+)*(?:/[\w.@%+~-]+)*/? )
      | (?P<here> \blocalhost(?::\d+)? )
      | (?P<path> (?P<pathl>^|[^\w/.~<>])(?:~|\.{1,2})?(?:/[\w.@%+~-]+){2,}/? )
      | (?P<pid>  \b[a-z]{2,6}_[0-9A-Za-z]{8,}\b )
      | (?P<hex>  \b0x[0-9a-fA-F]+\b )
      | (?P<span> \b(?:\d+(?:[.,]\d+)?(?:ns|us|µs|ms|s|m|h|d))+\b )
      | (?P<word> \b[0-9A-Za-z]{7,}\b )
      | (?P<num>  \d+(?:[.,]\d+)* )
        "#,
    )
    .ok()
});

/// Numbers, where nothing else is to be masked.
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d+(?:[.,]\d+)*").ok());

/// Last labels that make dotted words a host. Not every top-level domain: some are words or the endings of files.
const HOST_ENDINGS: [&str; 38] = [
    "com", "net", "org", "io", "dev", "app", "cloud", "internal", "local", "svc", "test", "example", "invalid", "lan",
    "corp", "arpa", "edu", "gov", "info", "biz", "xyz", "ai", "co", "eu", "de", "uk", "fr", "nl", "ch", "dk", "fi",
    "pl", "jp", "cn", "ca", "au", "br", "nz",
];

/// Last labels that make dotted words a file of source code, whose name says more than its place.
const CODE_ENDINGS: [&str; 18] = [
    "rs", "py", "js", "mjs", "cjs", "ts", "tsx", "java", "kt", "scala", "go", "rb", "php", "cs", "c", "cc", "cpp", "ex",
];

/// An error text with ids, numbers, uuids, hosts, addresses, paths, timestamps and quoted strings masked.
///
/// Two errors with the same cause have the same fingerprint. Masking twice changes nothing more. Only the first line
/// that is not blank counts, so that a stack trace does not.
pub fn fingerprint(text: &str) -> SafeText {
    fingerprint_of(text, &[])
}

/// [`fingerprint`], with names masked too that are known to be the instance's own: its key, its tenant.
///
/// Single characters are left, as they stand in too many texts, and so are names with an angle bracket, which could
/// not be told from masks. A name that is a number is masked as one: order 17 may fail after 17 attempts, or after 18.
pub fn fingerprint_of(text: &str, own: &[&str]) -> SafeText {
    // Scrubbed first: what is masked must not depend on whether the text has been through here before.
    let mut line = SafeText::first_line(text, usize::MAX).to_string();
    let number = |name: &str| name.bytes().all(|b| b.is_ascii_digit());
    let usable = |name: &&str| name.chars().count() >= 2 && !number(name) && !name.contains(['<', '>']);
    let mut own: Vec<&str> = own.iter().copied().filter(usable).collect();
    // The longest first: a key may hold the tenant's name.
    own.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in own {
        line = replace_word(&line, name, "<key>");
    }
    let Some(variable) = &*VARIABLE else { return line.into() };
    variable.replace_all(&line, mask).as_ref().into()
}

/// What stands for one find.
fn mask(found: &Captures<'_>) -> String {
    let has = |name: &str| found.name(name).is_some();
    let text = found.get(0).map_or("", |all| all.as_str());
    // A pattern that had to look at the character before its text gives that character back.
    let lead = |name: &str| found.name(name).map_or("", |lead| lead.as_str());
    if has("mask") {
        text.to_owned()
    } else if has("time") || has("hour") {
        "<time>".to_owned()
    } else if has("uuid") || has("hex") {
        "<id>".to_owned()
    } else if has("url") {
        let address = text.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']);
        format!("<url>{}", &text[address.len()..])
    } else if has("mail") {
        "<mail>".to_owned()
    } else if has("dq") {
        "\"<name>\"".to_owned()
    } else if has("sq") {
        format!("{}'<name>'", lead("sql"))
    } else if has("bq") {
        "`<name>`".to_owned()
    } else if has("ip6") && !text.contains(|c: char| c == '[' || c.is_ascii_digit()) {
        // `cafe::add` is a path in a program.
        text.to_owned()
    } else if has("ip4") || has("ip6") || has("here") {
        "<host>".to_owned()
    } else if has("dots") {
        dotted(text)
    } else if has("path") {
        format!("{}<path>", lead("pathl"))
    } else if has("pid") && text.contains(|c: char| c.is_ascii_digit()) || has("word") && is_id(text) {
        "<id>".to_owned()
    } else if has("span") && text.len() >= 7 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        // `0000d00d` reads as days, and no wait is that long.
        "<id>".to_owned()
    } else if has("num") || has("span") {
        "<n>".to_owned()
    } else {
        numbers(text)
    }
}

/// Dotted words: a host with what follows it, or else words in which only numbers are masked.
fn dotted(text: &str) -> String {
    let (place, path) = text.find('/').map_or((text, ""), |at| text.split_at(at));
    let (labels, port) = place.split_once(':').map_or((place, None), |(labels, port)| (labels, Some(port)));
    let ending = labels.rsplit('.').next().unwrap_or_default();
    let named = HOST_ENDINGS.contains(&ending);
    let code = CODE_ENDINGS.contains(&ending);
    let port = port.is_some_and(|port| !port.contains(':')) && ending.starts_with(|c: char| c.is_ascii_alphabetic());
    if named || port && !code { "<host>".to_owned() } else { numbers(place) + &numbers(path) }
}

/// Whether a run of letters and digits is an id and not a word: hexadecimal with digits among its letters, or long
/// and changing between letters and digits at least three times, as no word and no version does.
fn is_id(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || digits == word.len() {
        return false;
    }
    let changes =
        word.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    word.bytes().all(|b| b.is_ascii_hexdigit()) || word.len() >= 10 && changes >= 3
}

fn numbers(text: &str) -> String {
    NUMBER.as_ref().map_or_else(|| text.to_owned(), |number| number.replace_all(text, "<n>").into_owned())
}

/// Replaces `word` where no letter, digit or joining sign stands beside it, and where it is no mask already.
fn replace_word(text: &str, word: &str, with: &str) -> String {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let end = at + word.len();
        let before = rest[..at].chars().next_back().or_else(|| out.chars().next_back());
        let after = rest[end..].chars().next();
        let masked = before == Some('<') && after == Some('>');
        out.push_str(&rest[..at]);
        out.push_str(if masked || before.is_some_and(joins) || after.is_some_and(joins) { word } else { with });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
