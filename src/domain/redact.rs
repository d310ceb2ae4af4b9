//! Secrets in what engines hand out: which fields hold one, and what stands in its place.
//!
//! Inputs, outputs and headers are shown to whoever looks at an instance, so what looks like a secret is taken out
//! where it enters: by the name of its field, and by the look of a text. It is a net with meshes, so a config can add
//! names (`[redact] fields`).

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use wildmatch::WildMatch;

/// What stands in the place of a secret.
pub const HIDDEN: &str = "[redacted]";

/// Parts of names whose field holds a secret, without dashes, underscores and capitals.
const PARTS: [&str; 17] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "authorization",
    "apikey",
    "cookie",
    "credential",
    "privatekey",
    "accesskey",
    "signingkey",
    "encryptionkey",
    "sessionid",
    "bearer",
    "connectionstring",
];

/// Whole names whose field holds a secret.
const NAMES: [&str; 8] = ["pin", "otp", "cvv", "cvc", "jwt", "auth", "totp", "pass"];

/// Knows which fields hold secrets.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    more: Vec<WildMatch>,
}

/// What a pattern was written for is in its name; each is built once.
fn pattern(text: &'static str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// `Bearer abc`, as it stands in headers.
static SCHEME: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)\b(bearer|basic|digest|apikey)(\s+)[A-Za-z0-9\-._~+/]{4,}=*"));
/// `scheme://user:password@host`.
static IN_URL: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"(?i)(\b[a-z][a-z0-9+.\-]*://[^\s/:@]*):[^\s/@]+@"));
/// Texts that are secrets by their look: a signed token, a cloud's key, a private key.
static BY_LOOK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    )
});
/// `name=value` and `"name": "value"`, in a text that is no JSON, or no whole one.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r#"([A-Za-z0-9_.\-]{2,64})\\?"?\s*[=:]\s*("(?:[^"\\]|\\.)*"?|\\"(?:[^"\\]|\\[^"])*(?:\\")?|[^\s,;&"\\]+)"#)
});

impl Redactor {
    /// Hides the usual fields and these. `*` and `?` stand for parts of a name; capitals, dashes and underscores do
    /// not matter.
    pub fn new<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        Self { more: fields.into_iter().map(|field| WildMatch::new(&bare(field))).collect() }
    }

    /// Whether a field of this name holds a secret.
    ///
    /// ```
    /// use quarterdeck::domain::redact::Redactor;
    ///
    /// let redactor = Redactor::new(["iban"]);
    /// assert!(redactor.hides("X-Api-Key") && redactor.hides("db_password") && redactor.hides("IBAN"));
    /// assert!(!redactor.hides("tenant"));
    /// ```
    pub fn hides(&self, name: &str) -> bool {
        let name = bare(name);
        PARTS.iter().any(|part| name.contains(part))
            || NAMES.contains(&name.as_str())
            || self.more.iter().any(|more| more.matches(&name))
    }

    /// Takes what looks like a secret out of a text.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for (regex, by) in [(&SCHEME, "${1}${2}[redacted]"), (&IN_URL, "${1}:[redacted]@"), (&BY_LOOK, HIDDEN)] {
            text = replaced(regex.as_ref(), text, by);
        }
        self.pairs(text)
    }

    /// Takes the values out of `name=value` where the name says that they are secret.
    fn pairs<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        let Some(regex) = PAIR.as_ref().filter(|_| text.contains(['=', ':'])) else { return text };
        let mut hidden = String::new();
        let (mut from, mut copied) = (0, 0);
        while let Some(found) = regex.captures_at(&text, from) {
            let (Some(name), Some(value)) = (found.get(1), found.get(2)) else { break };
            from = value.end();
            if !self.hides(name.as_str()) {
                continue;
            }
            let name = bare(name.as_str());
            // A cookie has many parts, and a scheme of authorization may have blanks.
            if (name.contains("cookie") || name.contains("authorization")) && !value.as_str().contains('"') {
                from = text[from..].find(['\r', '\n']).map_or(text.len(), |end| from + end);
            }
            hidden.push_str(&text[copied..value.start()]);
            hidden.push_str(HIDDEN);
            copied = from;
        }
        if copied == 0 {
            return text;
        }
        hidden.push_str(&text[copied..]);
        Cow::Owned(hidden)
    }
}

fn replaced<'t>(regex: Option<&Regex>, text: Cow<'t, str>, by: &str) -> Cow<'t, str> {
    let Some(regex) = regex else { return text };
    match regex.replace_all(&text, by) {
        Cow::Borrowed(_) => text,
        Cow::Owned(hidden) => Cow::Owned(hidden),
    }
}

/// A name without what people write differently.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '*' | '?')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_hidden_by_name_however_it_is_written() {
        let redactor = Redactor::new(["iban", "customer-*"]);
        for name in
            ["password", "DB_PASSWORD", "x-api-key", "apiKey", "Authorization", "set-cookie", "refreshToken", "pin"]
        {
            assert!(redactor.hides(name), "{name}");
        }
        assert!(redactor.hides("IBAN") && redactor.hides("customer_name"));
        for name in ["tenant", "spinner", "region", "key", "id", "authored_by", "iban_country"] {
            assert!(!redactor.hides(name), "{name}");
        }
        assert!(!Redactor::default().hides("iban"));
    }

    #[test]
    fn secrets_are_taken_out_of_texts() {
        let redactor = Redactor::new(["iban"]);
        for (text, expected) in [
            ("authorization: Bearer abc.def-123", "authorization: [redacted]"),
            ("sent Basic dXNlcjpwYXNz== to it", "sent Basic [redacted] to it"),
            ("postgres://app:hunter2@db:5432/x failed", "postgres://app:[redacted]@db:5432/x failed"),
            ("password=hunter2 user=jo", "password=[redacted] user=jo"),
            ("user=jo&api_key=hunter2&x=1", "user=jo&api_key=[redacted]&x=1"),
            (r#"{"user":"jo","password":"hun\"ter2","x":1"#, r#"{"user":"jo","password":[redacted],"x":1"#),
            (r#"{\"token\":\"hunter2\",\"x\":1"#, r#"{\"token\":[redacted],\"x\":1"#),
            (r#"{"password":"hunter2"#, r#"{"password":[redacted]"#),
            ("Cookie: a=hunter2; b=hunter2", "Cookie: [redacted]"),
            ("iban: DE00 is his", "iban: [redacted] is his"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghij end", "[redacted] end"),
            ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- end", "[redacted] end"),
            ("connection refused (os error 111): tcp connect to db:5432", ""),
            ("12:30:05 tenant=acme", ""),
        ] {
            let expected = if expected.is_empty() { text } else { expected };
            assert_eq!(redactor.text(text), expected);
        }
    }
}
