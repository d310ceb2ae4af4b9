//! `[[webhook]]`: who is told of remediations by HTTP, on which occasions, and in which words.
//!
//! Many such addresses are secrets themselves. So one may be kept where secrets are, and no message shows one. It is
//! fetched when somebody is told: whoever only looks needs none, and one that can't be had keeps nobody from looking.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use jiff::SignedDuration;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::diagnostic::Diagnostic;
use super::layers::one_of;
use super::secret::{self, SecretPlace, Shape};
use super::section::Section;
use crate::domain::notice::{Notice, Occasion, USUAL};
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

const KEYS: [&str; 5] = ["name", "url", "events", "body", "timeout"];

/// The longest name, in characters.
const NAME: usize = 60;

const TIMEOUT: SignedDuration = SignedDuration::from_secs(5);
const TIMEOUT_MOST: SignedDuration = SignedDuration::from_secs(60);

/// Somebody who is told. `Debug` does not show where.
#[derive(Debug, Clone)]
pub struct WebhookSetting {
    /// What it is called where it fails.
    pub name: SafeText,
    /// Where it is told.
    pub address: WebhookAddress,
    /// When.
    pub occasions: BTreeSet<Occasion>,
    /// What is sent: JSON with blanks, as [`Notice::fill`] fills them.
    pub body: String,
    /// For one request, from the connection to the last byte.
    pub timeout: SignedDuration,
}

/// Where somebody is told: an http or https URL, or the place where it is kept. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct WebhookAddress(Address);

#[derive(Debug, Clone)]
enum Address {
    Written(SecretString),
    Kept(SecretPlace),
}

impl WebhookAddress {
    /// Fetches it, which may take as long as a command may. The error is for people, and does not show it.
    pub fn fetch(&self) -> Result<SecretString, String> {
        match &self.0 {
            Address::Written(url) => Ok(url.clone()),
            Address::Kept(place) => {
                let url = place.fetch(Shape::Token, &|name| std::env::var(name).ok())?;
                match usable(url.expose_secret()) {
                    Ok(_) => Ok(url),
                    Err(why) => Err(format!("{}: the address that it holds {why}", place.words())),
                }
            }
        }
    }
}

/// Reads every `[[webhook]]`. What is wrong is noted.
pub(super) fn read(root: &Section<'_>, folder: &Path) -> Vec<WebhookSetting> {
    let document = root.document;
    let mut lines = HashMap::new();
    let sections = document.keep(root.tables("webhook", &KEYS)).unwrap_or_default();
    sections.into_iter().filter_map(|section| webhook(&section, folder, &mut lines)).collect()
}

fn webhook(section: &Section<'_>, folder: &Path, lines: &mut HashMap<String, usize>) -> Option<WebhookSetting> {
    // Each is read before the first of them is given up, so that every mistake is told.
    let document = section.document;
    let name = document.keep(section.required_text("name", "a webhook"));
    if let Some(name) = &name {
        let wrong = |message: String| document.problems.add(section.wrong(name, message));
        if name.value.trim().is_empty() {
            wrong("a webhook's name can't be empty".to_owned());
        } else if name.value.chars().count() > NAME || SafeText::new(name.value) != *name.value {
            wrong(format!("a webhook's name can't be longer than {NAME} characters or hold hidden ones"));
        }
        let (line, _) = document.position(name.span.start);
        if let Some(first) = lines.insert(name.value.to_owned(), line) {
            wrong(format!("a second webhook \"{}\"; the first is on line {first}", name.value));
        }
    }
    let address = document.keep(address(section, folder));
    let occasions = document.keep(occasions(section));
    let body = document.keep(body(section));
    let timeout = document.keep(section.duration("timeout", SignedDuration::ZERO)).flatten().unwrap_or(TIMEOUT);
    if timeout > TIMEOUT_MOST {
        let message = "\"timeout\" can be 60s at most";
        document.problems.add(document.wrong(&section.place("timeout"), message));
    }
    let address = WebhookAddress(address?);
    Some(WebhookSetting { name: SafeText::new(name?.value), address, occasions: occasions?, body: body?, timeout })
}

fn address(section: &Section<'_>, folder: &Path) -> Result<Address, Diagnostic> {
    if section.has("url") && !section.is_text("url") {
        return Ok(Address::Kept(secret::reference(section, "url", Shape::Token)?.place(folder)));
    }
    let found = section.required_text("url", "a webhook")?;
    match usable(found.value) {
        Err(why) => Err(section.wrong(&found, format!("\"url\" {why}"))),
        Ok(url) if !url.username().is_empty() || url.password().is_some() || url.query().is_some() => {
            let message = "\"url\" can't hold credentials or a query: what is secret in it does not belong in this file; \
                           use url = { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\"] }";
            Err(section.wrong(&found, message))
        }
        Ok(_) => Ok(Address::Written(SecretString::from(found.value.trim()))),
    }
}

/// An address that can be asked; the error does not show it.
fn usable(text: &str) -> Result<Url, &'static str> {
    match Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => Ok(url),
        Ok(_) => Err("must begin with http:// or https://"),
        Err(_) => Err("can't be read; write it as https://host/path"),
    }
}

fn occasions(section: &Section<'_>) -> Result<BTreeSet<Occasion>, Diagnostic> {
    if !section.has("events") {
        return Ok(Occasion::ALL.into());
    }
    let words = Occasion::ALL.map(|occasion| (occasion.name(), occasion));
    let named = section.texts("events")?;
    if named.is_empty() {
        return Err(section.document.wrong(&section.place("events"), "\"events\" is empty: nothing would be told"));
    }
    named.iter().map(|found| one_of(&section.document.at(&found.span, true), "event", found.value, &words)).collect()
}

fn body(section: &Section<'_>) -> Result<String, Diagnostic> {
    let Some(found) = section.text("body")? else { return Ok(USUAL.to_owned()) };
    match Notice::example().fill(found.value, &Redactor::default()) {
        Ok(_) => Ok(found.value.to_owned()),
        Err(why) => Err(section.wrong(&found, format!("\"body\": {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::Config;
    use super::*;

    const SOURCE: &str = "[[source]]\nname = \"eu\"\nkind = \"restate\"\nurl = \"http://localhost:9070\"\n";

    fn read(webhook: &str) -> Result<Vec<WebhookSetting>, String> {
        let config = Config::parse(&format!("{SOURCE}{webhook}"), "c.toml", None);
        config.map(|config| config.webhooks).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_the_usual() {
        let hooks = read("[[webhook]]\nname = \"chat\"\nurl = \"https://hooks.test/ops\"\n").unwrap();
        let [hook] = &hooks[..] else { panic!("{hooks:?}") };
        let url = hook.address.fetch().unwrap();
        assert_eq!((hook.name.as_str(), url.expose_secret()), ("chat", "https://hooks.test/ops"));
        assert_eq!((hook.occasions.len(), hook.body.as_str(), hook.timeout), (3, USUAL, TIMEOUT));
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn an_address_may_be_kept_where_secrets_are_and_shows_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hook");
        let keep = |text: &str| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        let more = "events = [\"outcome\"]\ntimeout = \"2s\"\nbody = '{\"text\": \"{text}\"}'";
        let place = format!("{{ file = \"{}\" }}", file.display());
        let hooks = read(&format!("[[webhook]]\nname = \"chat\"\nurl = {place}\n{more}\n")).unwrap();
        let [hook] = &hooks[..] else { panic!("{hooks:?}") };
        assert_eq!(hook.occasions, [Occasion::Outcome].into());
        // It is fetched when it is needed, and no earlier.
        assert!(hook.address.fetch().unwrap_err().contains("No such file"));
        keep("https://hooks.test/T0/hunter2?x=1\n");
        assert_eq!(hook.address.fetch().unwrap().expose_secret(), "https://hooks.test/T0/hunter2?x=1");
        assert!(!format!("{hooks:?}").contains("hunter2"), "{hooks:?}");
        keep("hunter2");
        let wrong = hook.address.fetch().unwrap_err();
        assert!(wrong.ends_with("the address that it holds can't be read; write it as https://host/path"), "{wrong}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (keys, why) in [
            ("url = \"https://hooks.test\"", "c.toml:5:1: a webhook needs \"name\""),
            ("name = \"chat\"", "c.toml:5:1: a webhook needs \"url\""),
            ("name = \" \"\nurl = \"https://hooks.test\"", "c.toml:6:8: a webhook's name can't be empty"),
            ("name = \"a\"\nurl = \"ftp://hooks.test\"", "c.toml:7:7: \"url\" must begin with http:// or https://"),
            ("name = \"a\"\nurl = \"hooks\"", "c.toml:7:7: \"url\" can't be read"),
            ("name = \"a\"\nurl = \"https://u:hunter2@hooks.test\"", "c.toml:7:7: \"url\" can't hold credentials"),
            ("name = \"a\"\nurl = \"https://hooks.test?key=hunter2\"", "c.toml:7:7: \"url\" can't hold credentials"),
            ("name = \"a\"\nurl = {}", "needs either \"env\", \"file\" or \"command\""),
            ("name = \"a\"\nurl = \"https://h.test\"\nevents = []", "\"events\" is empty: nothing would be told"),
            ("name = \"a\"\nurl = \"https://h.test\"\nevents = [\"outcom\"]", "did you mean \"outcome\"?"),
            (
                "name = \"a\"\nurl = \"https://h.test\"\nbody = \"{txt}\"",
                "c.toml:8:8: \"body\": there is nothing for {txt}",
            ),
            ("name = \"a\"\nurl = \"https://h.test\"\nbody = \"{text}\"", "\"body\": it is no JSON once its blanks"),
            ("name = \"a\"\nurl = \"https://h.test\"\ntimeout = \"2m\"", "\"timeout\" can be 60s at most"),
            ("name = \"a\"\nurl = \"https://h.test\"\nevnts = []", "unknown key \"evnts\" (did you mean \"events\"?)"),
        ] {
            let wrong = read(&format!("[[webhook]]\n{keys}\n")).unwrap_err();
            assert!(wrong.contains(why) && !wrong.contains("hunter2"), "{keys}: {wrong}");
        }
        let one = "[[webhook]]\nname = \"a\"\nurl = \"https://h.test\"\n";
        let wrong = read(&format!("{one}{one}")).unwrap_err();
        assert!(wrong.contains("c.toml:9:8: a second webhook \"a\"; the first is on line 6"), "{wrong}");
    }
}
