//! The ways to an instance from outside: the engine's own page of it, and the request by which it is read.

use std::fmt::Write as _;

use super::text::SafeText;

/// The request by which Quarterdeck reads one instance, without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRequest {
    /// The method.
    pub method: &'static str,
    /// Where.
    pub url: SafeText,
    /// Headers that hold no secret: name and value.
    pub headers: Vec<(&'static str, &'static str)>,
    /// What stands for the credentials: options of curl that name environment variables.
    pub credentials: Vec<&'static str>,
    /// The body.
    pub body: Option<SafeText>,
}

/// The ways to an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    /// The engine's own page of it.
    pub page: Option<SafeText>,
    /// How it is read.
    pub request: Option<ReadRequest>,
}

impl ReadRequest {
    /// The request as a command for a POSIX shell.
    pub fn curl(&self) -> SafeText {
        let mut command = format!("curl -sS -X {} {}", self.method, quoted(&self.url));
        for (name, value) in &self.headers {
            // Writing to a string cannot fail.
            let _ = write!(command, " -H {}", quoted(&format!("{name}: {value}")));
        }
        for option in &self.credentials {
            let _ = write!(command, " {option}");
        }
        if let Some(body) = &self.body {
            let _ = write!(command, " --data-raw {}", quoted(body));
        }
        command.into()
    }
}

/// A word that a POSIX shell takes as it is.
///
/// ```
/// use quarterdeck::domain::ways::quoted;
///
/// assert_eq!(quoted("it's $HOME"), r#"'it'\''s $HOME'"#);
/// ```
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A template of a page's URL, filled in: `{id}`, `{flow}` and `{source}` become encoded segments. `None` where a
/// value can't be a part of a URL, or the result is none that a browser should open.
pub fn page(template: &str, id: &str, flow: &str, source: &str) -> Option<SafeText> {
    let mut url = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (blank, after) = after.split_once('}')?;
        url.push_str(before);
        url.push_str(&match blank {
            "id" => encoded(id)?,
            "flow" => encoded(flow)?,
            "source" => encoded(source)?,
            _ => return None,
        });
        rest = after;
    }
    url.push_str(rest);
    let web = url.starts_with("http://") || url.starts_with("https://");
    let plain = url.bytes().all(|b| b.is_ascii_graphic());
    (web && plain).then(|| url.into())
}

/// One segment of a path, encoded; `None` for what no path can hold as a segment (empty, `.` and `..`).
pub fn encoded(raw: &str) -> Option<String> {
    if matches!(raw, "" | "." | "..") {
        return None;
    }
    let mut encoded = String::with_capacity(raw.len());
    for byte in raw.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_encoded() {
        assert_eq!(encoded("inv_1a-B~.").as_deref(), Some("inv_1a-B~."));
        assert_eq!(encoded("a/../b?c#d é").as_deref(), Some("a%2F..%2Fb%3Fc%23d%20%C3%A9"));
        for none in ["", ".", ".."] {
            assert_eq!(encoded(none), None);
        }
    }

    #[test]
    fn a_page_is_filled_in_and_encoded() {
        let fill = |template| page(template, "inv_1", "Svc/run now", "eu");
        assert_eq!(fill("http://h:9070/ui/invocations/{id}").unwrap(), "http://h:9070/ui/invocations/inv_1");
        assert_eq!(fill("https://ui/{source}/{flow}?x={id}").unwrap(), "https://ui/eu/Svc%2Frun%20now?x=inv_1");
        for bad in
            ["file:///{id}", "javascript:{id}", "http://h/{name}", "http://h/{id", "http://h/ {id}", "http://h/ü"]
        {
            assert_eq!(fill(bad), None, "{bad}");
        }
        assert_eq!(page("http://h/{id}", "..", "f", "s"), None);
        assert_eq!(page("http://h/{id}", "a/../../b?c#d", "f", "s").unwrap(), "http://h/a%2F..%2F..%2Fb%3Fc%23d");
    }

    #[test]
    fn a_request_is_a_command_whose_words_stay_words() {
        let request = ReadRequest {
            method: "POST",
            url: "http://h:9070/query".into(),
            headers: vec![("accept", "application/json")],
            credentials: vec![r#"-H "Authorization: Bearer $RESTATE_TOKEN""#],
            body: Some(r#"{"query":"select 'a' where id = 'x'"}"#.into()),
        };
        assert_eq!(
            request.curl(),
            r#"curl -sS -X POST 'http://h:9070/query' -H 'accept: application/json' -H "Authorization: Bearer $RESTATE_TOKEN" --data-raw '{"query":"select '\''a'\'' where id = '\''x'\''"}'"#
        );
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in ["plain", "it's", "$(reboot)", "`x`", "a\\b", "\"q\"", "'", "''", "!event"] {
            let output =
                std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(text))]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
