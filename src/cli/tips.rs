//! What to tell those who type a word or an option of another program: which one does that here.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};

/// Words of kubectl, k9s and others, with what does that here. Two words go before one.
const WORDS: [(&str, &str); 31] = [
    ("config view", "quarterdeck config check"),
    ("config show", "quarterdeck config check"),
    ("config list", "quarterdeck config check"),
    ("config get-contexts", "quarterdeck config check"),
    ("config current-context", "quarterdeck config check"),
    ("config init", "quarterdeck config example --write"),
    ("get pods", "quarterdeck get flows"),
    ("get pod", "quarterdeck get flow SOURCE/ID"),
    ("get po", "quarterdeck get flows"),
    ("get all", "quarterdeck get flows --all"),
    ("get instances", "quarterdeck get flows"),
    ("get workflows", "quarterdeck get flows"),
    ("get jobs", "quarterdeck get flows"),
    ("get cohorts", "quarterdeck get board"),
    ("get nodes", "quarterdeck get sources"),
    ("get ns", "quarterdeck get flows --group-by tenant"),
    ("get tenants", "quarterdeck get flows --group-by tenant"),
    ("gte", "quarterdeck get"),
    ("ls", "quarterdeck get flows"),
    ("list", "quarterdeck get flows"),
    ("ps", "quarterdeck get flows"),
    ("top", "quarterdeck get board --watch"),
    ("describe", "quarterdeck get flow SOURCE/ID"),
    ("show", "quarterdeck get flow SOURCE/ID"),
    ("logs", "quarterdeck get flow SOURCE/ID has its error and what happened to it"),
    ("log", "quarterdeck get flow SOURCE/ID has its error and what happened to it"),
    ("version", "quarterdeck --version; of the engines: quarterdeck get sources"),
    ("check", "quarterdeck config check, or quarterdeck doctor"),
    ("watch", "quarterdeck get board --watch"),
    ("delete", "the cockpit: verbs are behind v there, with a review; no command acts"),
    ("resume", "the cockpit: verbs are behind v there, with a review; no command acts"),
];

/// Options of theirs.
const OPTIONS: [(&str, &str); 9] = [
    ("-l", FILTERS),
    ("--selector", FILTERS),
    ("-n", FILTERS),
    ("--namespace", FILTERS),
    ("-A", "every tenant is the default; filters are bare words: tenant:encom"),
    ("--all-namespaces", "every tenant is the default; filters are bare words: tenant:encom"),
    ("--field-selector", FILTERS),
    ("--sort-by", "--sort COLUMN, as in --sort tenant"),
    ("--filter", FILTERS),
];

const FILTERS: &str = "filters are bare words: tenant:encom";

/// Puts a tip into the message, where what was typed is known from elsewhere.
pub(super) fn put_into(error: &mut clap::Error, arguments: &[OsString]) {
    let typed: Vec<&str> = arguments.iter().skip(1).filter_map(|argument| argument.to_str()).collect();
    let known = match error.kind() {
        clap::error::ErrorKind::InvalidSubcommand => word(&typed).map(|does| format!("did you mean {does}?")),
        clap::error::ErrorKind::UnknownArgument => option(error),
        _ => None,
    };
    if let Some(tip) = known {
        let tip =
            tip.replace("mean quarterdeck get flow SOURCE/ID has", "mean quarterdeck get flow SOURCE/ID, which has");
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
}

fn word(typed: &[&str]) -> Option<&'static str> {
    let mut words = typed.iter().filter(|word| !word.starts_with('-'));
    let first = words.next()?;
    let two = words.next().map(|second| format!("{first} {second}"));
    let named = |wanted: &str| WORDS.iter().find(|(word, _)| *word == wanted).map(|(_, does)| *does);
    two.and_then(|two| named(&two)).or_else(|| named(first))
}

fn option(error: &clap::Error) -> Option<String> {
    let ContextValue::String(wrong) = error.get(ContextKind::InvalidArg)? else { return None };
    let name = wrong.split(['=', ' ']).next().unwrap_or_default();
    OPTIONS.iter().find(|(option, _)| *option == name).map(|(_, tip)| (*tip).to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::args::{Args, filters_last};
    use super::*;

    fn told(line: &str) -> String {
        let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let mut error = Args::try_parse_from(filters_last(arguments.clone().into_iter())).unwrap_err();
        put_into(&mut error, &arguments);
        error.render().to_string()
    }

    #[test]
    fn words_of_other_programs_are_told_what_does_that_here() {
        for (line, tip) in [
            ("quarterdeck gte board", "did you mean quarterdeck get?"),
            ("quarterdeck ls", "quarterdeck get flows"),
            ("quarterdeck list", "quarterdeck get flows"),
            ("quarterdeck describe x/y", "quarterdeck get flow SOURCE/ID"),
            ("quarterdeck logs x", "its error and what happened"),
            ("quarterdeck version", "quarterdeck --version"),
            ("quarterdeck config view", "quarterdeck config check"),
            ("quarterdeck get pods", "quarterdeck get flows"),
            ("quarterdeck --demo get pods", "quarterdeck get flows"),
            ("quarterdeck get flows -l app=x", "filters are bare words: tenant:encom"),
            ("quarterdeck get flows -n acme", "filters are bare words: tenant:encom"),
            ("quarterdeck get flows -A", "filters are bare words: tenant:encom"),
            ("quarterdeck get flows --sort-by=age", "--sort COLUMN"),
        ] {
            let told = told(line);
            assert!(told.contains("tip: ") && told.contains(tip), "{line}: {told}");
        }
    }
}
