//! A source of the kind `alertmanager`: which alerts are drift, and which label says whom they are for.
//!
//! Rules are written as Alertmanager writes matchers: `alertname=~"Config.*", severity!="info"`, in braces or not. A
//! pattern has to match the whole of a value, and a label that is not there is an empty one.

use std::fmt;

use regex::Regex;

use super::diagnostic::Diagnostic;
use super::section::Section;

/// The keys of a source that only this kind has.
pub(super) const DRIFT: &str = "drift";
pub(super) const TENANT: &str = "tenant";

/// The longest rule, in bytes; a pattern of it is linear in what it looks at.
const LONGEST: usize = 2_000;

/// The label that usually says whom an alert is for.
const USUAL_TENANT: &str = "tenant";

/// What is said of such a source beside what is said of any.
#[derive(Debug, Clone)]
pub struct AlertSetting {
    /// An alert that all matchers of one of these match is drift.
    pub drift: Vec<Matchers>,
    /// The label that says whom an alert is for.
    pub tenant: String,
}

impl Default for AlertSetting {
    fn default() -> Self {
        Self { drift: Vec::new(), tenant: USUAL_TENANT.to_owned() }
    }
}

/// Matchers, all of which have to match.
#[derive(Clone)]
pub struct Matchers {
    text: String,
    all: Vec<Matcher>,
}

impl fmt::Debug for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Matchers").field(&self.text).finish()
    }
}

#[derive(Clone)]
struct Matcher {
    label: String,
    wanted: bool,
    value: Wanted,
}

#[derive(Clone)]
enum Wanted {
    Equal(String),
    Like(Regex),
}

impl Matchers {
    /// Reads them.
    ///
    /// ```
    /// use quarterdeck::config::Matchers;
    ///
    /// let rule = Matchers::read(r#"{alertname=~"Config.*", severity!="info"}"#).unwrap();
    /// let label = |name: &str| Some(if name == "alertname" { "ConfigDrift" } else { "warning" });
    /// assert!(rule.match_all(label));
    /// ```
    ///
    /// # Errors
    /// The byte at which it is wrong, and why.
    pub fn read(text: &str) -> Result<Self, (usize, String)> {
        if text.len() > LONGEST {
            return Err((LONGEST, format!("it is longer than {LONGEST} bytes")));
        }
        let mut reader = Reader { text, at: 0 };
        let braced = reader.skip("{");
        let mut all = vec![reader.matcher()?];
        while reader.skip(",") {
            // One at the end is no mistake.
            if reader.rest().is_empty() || reader.rest().starts_with('}') {
                break;
            }
            all.push(reader.matcher()?);
        }
        if braced && !reader.skip("}") {
            return Err((reader.at, "expected a comma or a closing brace".to_owned()));
        }
        match reader.rest() {
            "" => Ok(Self { text: text.to_owned(), all }),
            _ => Err((reader.at, "expected a comma or the end".to_owned())),
        }
    }

    /// Whether all of them match. `label` gives the value of a label, if there is one.
    pub fn match_all<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.all.iter().all(|matcher| {
            let value = label(&matcher.label).unwrap_or_default();
            let is = match &matcher.value {
                Wanted::Equal(wanted) => value == wanted,
                Wanted::Like(pattern) => pattern.is_match(value),
            };
            is == matcher.wanted
        })
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    /// What is left, without the blanks before it.
    fn rest(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.len() - rest.trim_start().len();
        rest.trim_start().trim_end()
    }

    fn skip(&mut self, word: &str) -> bool {
        let there = self.rest().starts_with(word);
        self.at += if there { word.len() } else { 0 };
        there
    }

    fn matcher(&mut self) -> Result<Matcher, (usize, String)> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (label, _) = rest.split_at(end);
        if label.is_empty() || label.starts_with(|c: char| c.is_ascii_digit()) {
            return Err((self.at, "expected the name of a label".to_owned()));
        }
        self.at += end;
        let signs = [("=~", true, true), ("!~", false, true), ("!=", false, false), ("=", true, false)];
        let Some((_, wanted, like)) = signs.into_iter().find(|(sign, ..)| self.skip(sign)) else {
            return Err((self.at, "expected = != =~ or !~".to_owned()));
        };
        let began = self.at;
        let value = self.value()?;
        let value = if like {
            let pattern = Regex::new(&format!("^(?:{value})$"));
            Wanted::Like(pattern.map_err(|_| (began, "this is no pattern (RE2)".to_owned()))?)
        } else {
            Wanted::Equal(value)
        };
        Ok(Matcher { label: label.to_owned(), wanted, value })
    }

    /// A value in quotes, or as it is up to a comma or a brace.
    fn value(&mut self) -> Result<String, (usize, String)> {
        let rest = self.rest();
        if !rest.starts_with('"') {
            let end = rest.find([',', '}']).unwrap_or(rest.len());
            let value = rest.get(..end).unwrap_or_default();
            if value.contains('"') {
                return Err((self.at, "a quote stands within a value".to_owned()));
            }
            self.at += end;
            return Ok(value.trim().to_owned());
        }
        let (mut value, mut escaped) = (String::new(), false);
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => {
                    // As in Go: what is no escape stays as it is, so that patterns need not be doubled.
                    match c {
                        'n' => value.push('\n'),
                        '"' | '\\' => value.push(c),
                        other => value.extend(['\\', other]),
                    }
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.at += at + 1;
                    return Ok(value);
                }
                c => value.push(c),
            }
        }
        Err((self.at, "the quote has no end".to_owned()))
    }
}

/// Reads what the file says. What is wrong is noted.
pub(super) fn read(source: &Section<'_>) -> Result<AlertSetting, Diagnostic> {
    let document = source.document;
    let mut drift = Vec::new();
    for found in source.texts(DRIFT)? {
        match Matchers::read(found.value) {
            Ok(matchers) => drift.push(matchers),
            Err((at, why)) => {
                document
                    .problems
                    .add(document.text_at(&found.span, found.value).wrong(at, format!("\"drift\": {why}")));
            }
        }
    }
    let usual = AlertSetting::default().tenant;
    let tenant = source.text(TENANT)?.map_or(usual, |found| found.value.to_owned());
    Ok(AlertSetting { drift, tenant })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(rule: &str, labels: &[(&'static str, &'static str)]) -> bool {
        let rule = Matchers::read(rule).unwrap_or_else(|wrong| panic!("{rule}: {wrong:?}"));
        rule.match_all(|name| labels.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    }

    #[test]
    fn matchers_are_those_of_alertmanager() {
        let labels = [("alertname", "ConfigDrift"), ("severity", "warning"), ("path", "a\"b\\c")];
        for (rule, wanted) in [
            ("alertname=ConfigDrift", true),
            ("alertname=\"ConfigDrift\"", true),
            ("{ alertname = \"ConfigDrift\" , severity != info, }", true),
            ("alertname=~\"Config.*\"", true),
            ("alertname=~\"onfig\"", false),
            ("alertname!~\"Config|Other\"", true),
            ("alertname!~\"Config.*\"", false),
            ("alertname=\"ConfigDrift\",severity=\"info\"", false),
            ("tenant=\"\"", true),
            ("tenant!=\"\"", false),
            ("tenant=~\"\"", true),
            ("path=\"a\\\"b\\\\c\"", true),
            ("severity=~\"\\\\w+\"", true),
            ("severity=~\"\\w+\"", true),
        ] {
            assert_eq!(matches(rule, &labels), wanted, "{rule}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (rule, at, why) in [
            ("", 0, "name of a label"),
            ("{}", 1, "name of a label"),
            ("1a=b", 0, "name of a label"),
            ("alertname", 9, "expected = != =~ or !~"),
            ("alertname ~ x", 10, "expected = != =~ or !~"),
            ("a=\"b", 2, "the quote has no end"),
            ("a=b\"c", 2, "a quote stands within"),
            ("a=~\"(\"", 3, "no pattern"),
            ("{a=b", 4, "closing brace"),
            ("a=\"b\" c=d", 6, "a comma or the end"),
            (&format!("a={}", "b".repeat(LONGEST)), LONGEST, "longer than"),
        ] {
            let (told, said) = Matchers::read(rule).unwrap_err();
            assert!(told == at && said.contains(why), "{rule}: {told} {said}");
        }
    }
}
