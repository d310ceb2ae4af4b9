//! Secrets in what engines hand out: which fields hold one, and what stands in its place.
//!
//! Inputs, outputs, headers and errors are shown to whoever looks at an instance, so what looks like a secret is taken
//! out where it enters: by the name of its field, and by the look of a text. It is a net with meshes, so a config can
//! add names (`[redact] fields`).

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use wildmatch::WildMatch;

use super::text::SafeText;

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

/// What a name ends in that tells of a fault and holds no secret: `TokenExpiredError: …`.
const FAULTS: [&str; 13] = [
    "error",
    "exception",
    "failure",
    "failed",
    "fault",
    "expired",
    "invalid",
    "denied",
    "missing",
    "notfound",
    "required",
    "mismatch",
    "rejected",
];

/// Words that stand behind a name or a scheme in a sentence, as in `token: expired` and `basic auth required`. They
/// say why something failed, and nobody has one of them as a secret.
const WORDS: [&str; 58] = [
    "a",
    "access",
    "an",
    "and",
    "auth",
    "authentication",
    "authorization",
    "bad",
    "can",
    "cannot",
    "check",
    "could",
    "credential",
    "credentials",
    "denied",
    "does",
    "empty",
    "error",
    "expired",
    "failed",
    "failure",
    "for",
    "forbidden",
    "from",
    "header",
    "in",
    "invalid",
    "is",
    "jwt",
    "malformed",
    "mismatch",
    "missing",
    "must",
    "no",
    "none",
    "not",
    "of",
    "or",
    "permission",
    "realm",
    "refused",
    "rejected",
    "required",
    "revoked",
    "scheme",
    "signature",
    "the",
    "to",
    "token",
    "tokens",
    "too",
    "unable",
    "unauthorized",
    "undefined",
    "unexpected",
    "unknown",
    "user",
    "was",
];

/// What a pattern was written for is in its name; each is built once.
fn pattern(text: &'static str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// `Bearer abc`, as it stands in headers.
static SCHEME: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)\b((?:bearer|basic|digest|apikey)\s+)([A-Za-z0-9\-._~+/]{4,}=*)"));
/// `--password abc`, as it stands in the line of a command.
static OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r#"(?i)(--[a-z0-9\-]*(?:password|passwd|passphrase|secret|token|api-?key)[a-z0-9\-]*\s+)([^\s"'`]+)"#)
});
/// `scheme://user:password@host`. The end may have been cut off, behind the beginning of the password.
static IN_URL: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)(\b[a-z][a-z0-9+.\-]*://[^\s/:@]*:)([^\s/@]+)(@|\z)"));
/// Texts that are secrets by their look: a signed token, the keys of some services, a private key.
static BY_LOOK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[a-z]_[A-Za-z0-9]{20,}|\bxox[a-z]-[A-Za-z0-9-]{10,}|\b[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    )
});
/// The `name=` of `name=value` and of `"name": "value"`, in a text that is no JSON, or no whole one.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"([A-Za-z0-9_.\-]{2,64})(\\?"?\s*[=:]\s*)"#));
/// The value behind it.
static VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"\A(?:"(?:[^"\\]|\\.)*"?|\\"(?:[^"\\]|\\[^"])*(?:\\")?|[^\s,;&"\\]+)"#));

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

    /// Takes what looks like a secret out of a text. Twice takes out no more than once.
    ///
    /// ```
    /// use quarterdeck::domain::redact::Redactor;
    ///
    /// let text = Redactor::default().text("password=hunter2: invalid token: expired").into_owned();
    /// assert_eq!(text, "password=[redacted] invalid token: expired");
    /// ```
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        let by_scheme = |found: &Captures<'_>| (!is_word(&found[2])).then(|| format!("{}{HIDDEN}", &found[1]));
        text = replaced(SCHEME.as_ref(), text, by_scheme);
        text = replaced(OPTION.as_ref(), text, by_scheme);
        text = replaced(IN_URL.as_ref(), text, |found| {
            // `http://host:8080` at the end of a text is no password that was cut off.
            let port =
                || found[2].trim_end_matches(|c: char| c.is_ascii_punctuation()).bytes().all(|c| c.is_ascii_digit());
            (!found[3].is_empty() || !port()).then(|| format!("{}{HIDDEN}{}", &found[1], &found[3]))
        });
        text = replaced(BY_LOOK.as_ref(), text, |_| Some(HIDDEN.to_owned()));
        self.pairs(text)
    }

    /// The first line of a text without secrets, in at most `most` characters. It is cut last: a cut could take away
    /// what a secret is known by.
    pub fn first_line(&self, text: &str, most: usize) -> SafeText {
        SafeText::first_line(&self.text(text), most)
    }

    /// Takes the values out of `name=value` where the name says that they are secret.
    fn pairs<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        let (Some(names), Some(values)) = (NAME.as_ref(), VALUE.as_ref()) else { return text };
        if !text.contains(['=', ':']) {
            return text;
        }
        let mut hidden = String::new();
        let (mut from, mut copied) = (0, 0);
        while let Some(found) = names.captures_at(&text, from) {
            let (Some(name), Some(between)) = (found.get(1), found.get(2)) else { break };
            let begin = between.end();
            from = begin;
            if !self.hides(name.as_str()) {
                continue;
            }
            let Some(value) = values.find(&text[begin..]) else { continue };
            let name = bare(name.as_str());
            // `name: word` may be a sentence, and a name may be an error's.
            let sentence = between.as_str().starts_with(": ") && !value.as_str().contains('"');
            if sentence && (is_word(value.as_str()) || FAULTS.iter().any(|fault| name.ends_with(fault))) {
                continue;
            }
            from = begin + value.end();
            // A cookie has many parts, and a scheme of authorization may have blanks.
            if (name.contains("cookie") || name.contains("authorization")) && !value.as_str().contains('"') {
                from = text[from..].find(['\r', '\n']).map_or(text.len(), |end| from + end);
            }
            hidden.push_str(&text[copied..begin]);
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

/// Whether this is a word of a sentence, and no secret.
fn is_word(text: &str) -> bool {
    let word = text.trim_end_matches(|c: char| c.is_ascii_punctuation()).to_lowercase();
    WORDS.binary_search(&word.as_str()).is_ok()
}

/// Puts what `by` makes of it in the place of each find; `None` leaves it as it is.
fn replaced<'t>(
    regex: Option<&Regex>,
    text: Cow<'t, str>,
    by: impl Fn(&Captures<'_>) -> Option<String>,
) -> Cow<'t, str> {
    let Some(regex) = regex else { return text };
    match regex.replace_all(&text, |found: &Captures<'_>| by(found).unwrap_or_else(|| found[0].to_owned())) {
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
            ("error: password=hunter2", "error: password=[redacted]"),
            ("cut off: postgres://app:hunt", "cut off: postgres://app:[redacted]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzd", "[redacted]"),
            ("psql --password hunter2 -h db", "psql --password [redacted] -h db"),
            ("used ghp_abcdefghijklmnopqrst0123 here", "used [redacted] here"),
        ] {
            let expected = if expected.is_empty() { text } else { expected };
            assert_eq!(redactor.text(text), expected);
            assert_eq!(redactor.text(expected), expected, "twice takes out no more");
        }
    }

    #[test]
    fn sentences_about_secrets_are_left_whole() {
        let redactor = Redactor::default();
        for text in [
            "invalid token: expired",
            "TokenExpiredError: jwt expired",
            "AuthorizationError: User arn:aws:iam::1:user/x is not authorized to perform it",
            "authorization: denied for the role deployer",
            "FATAL: password authentication failed for user \"app\"",
            "basic auth required by http://proxy:3128",
            "layer digest mismatch",
            "basic authentication failed.",
            "psql --password is required",
        ] {
            assert_eq!(redactor.text(text), text);
        }
        assert!(WORDS.is_sorted());
    }

    #[test]
    fn a_long_text_of_pairs_takes_no_longer_than_its_length() {
        let text = "a=".repeat(200_000);
        assert_eq!(Redactor::default().text(&text), text);
        let text = "password=a ".repeat(20_000);
        assert_eq!(Redactor::default().text(&text), "password=[redacted] ".repeat(20_000));
    }
}
