//! How a page is opened: by the browser that the environment names, by the system, or not at all.

use std::process::{Command, Stdio};

use crate::domain::text::SafeText;

/// Who opens pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opener {
    /// The program that `BROWSER` names, with its arguments.
    Browser(Vec<String>),
    /// The system.
    System,
}

impl Opener {
    /// By the environment: `BROWSER`; else the system, where there is a screen that it could open something on.
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Result<Self, SafeText> {
        let set = |name: &str| var(name).filter(|value| !value.trim().is_empty());
        if let Some(browser) = set("BROWSER") {
            // Several stand with colons between them, the first of which is asked.
            let first = browser.split(':').next().unwrap_or_default();
            let words: Vec<String> = first.split_whitespace().map(str::to_owned).collect();
            if !words.is_empty() {
                return Ok(Self::Browser(words));
            }
        }
        let screen = cfg!(target_os = "macos") || set("DISPLAY").is_some() || set("WAYLAND_DISPLAY").is_some();
        let far = set("SSH_CONNECTION").is_some() || set("SSH_TTY").is_some();
        match (screen, far) {
            (true, false) => Ok(Self::System),
            // A display that came along is used; a desk of macOS is not where the operator sits.
            (true, true) if !cfg!(target_os = "macos") => Ok(Self::System),
            (_, true) => Err("over SSH there is no browser here: copy it".into()),
            (false, false) => Err("there is no screen here for a browser, and BROWSER names none: copy it".into()),
        }
    }

    /// Who it is, for the confirmation.
    pub fn words(&self) -> String {
        match self {
            Self::Browser(words) => format!("$BROWSER: {}", SafeText::new(&words.join(" "))),
            Self::System => "the system's browser".to_owned(),
        }
    }

    /// Opens a page, and does not wait for it. The URL is one argument, and no shell reads it.
    pub fn open(&self, url: &str) -> std::io::Result<()> {
        let mut commands = match self {
            Self::Browser(words) => vec![browser(words, url)],
            Self::System => open::commands(url),
        };
        let mut result = Err(std::io::Error::other("there is nothing to open it with"));
        for command in &mut commands {
            // It must neither write over the screen nor read its keys.
            let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            match command.spawn() {
                Ok(mut child) => {
                    // Somebody has to hear of its end.
                    std::thread::spawn(move || child.wait());
                    return Ok(());
                }
                Err(error) => result = Err(error),
            }
        }
        result
    }
}

fn browser(words: &[String], url: &str) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map_or("", String::as_str));
    let mut placed = false;
    for word in words {
        placed |= word.contains("%s");
        command.arg(word.replace("%s", url));
    }
    if !placed {
        command.arg(url);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&'static str, &'static str)]) -> Result<Opener, SafeText> {
        Opener::of(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_environment_says_who_opens() {
        assert_eq!(
            env(&[("BROWSER", "firefox --new-tab:lynx")]),
            Ok(Opener::Browser(vec!["firefox".into(), "--new-tab".into()]))
        );
        assert_eq!(env(&[("DISPLAY", ":0")]), Ok(Opener::System));
        assert_eq!(env(&[("DISPLAY", ":10"), ("SSH_CONNECTION", "x")]), Ok(Opener::System));
        assert!(env(&[("SSH_TTY", "x")]).unwrap_err().contains("SSH"));
        assert!(env(&[]).unwrap_err().contains("BROWSER"));
    }

    #[test]
    fn the_url_is_one_argument() {
        let arguments = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let command = browser(&words, "http://h/$(reboot) x");
            command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(arguments(&["b"]), ["http://h/$(reboot) x"]);
        assert_eq!(arguments(&["b", "-u", "x=%s"]), ["-u", "x=http://h/$(reboot) x"]);
    }

    #[test]
    fn a_browser_that_is_not_there_is_told() {
        assert!(Opener::Browser(vec!["/nonexistent/browser".into()]).open("http://h/").is_err());
    }
}
