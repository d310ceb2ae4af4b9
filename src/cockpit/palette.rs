//! What the command line offers: commands by any part of their name, places to go to, and what may follow a name.
//!
//! Nothing that is offered changes anything outside the cockpit: the verbs are one entry, which opens their menu.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::app::App;
use super::command::{self, Command, CommandId, TABLE};
use super::update::contexts::{choices, is_current, told};
use crate::config::ContextInfo;
use crate::domain::nearest::nearest;
use crate::domain::text::SafeText;
use crate::query::{Filter, SortBy};

/// One thing that can be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// What it is called.
    pub label: SafeText,
    /// Its key, where it has one.
    pub keys: String,
    /// What it does.
    pub doc: SafeText,
    /// What becomes of the line when it is taken.
    pub line: String,
    /// What is done when it is chosen; `None` where the line is only completed, to be gone on with.
    pub run: Option<CommandId>,
}

/// The most that are offered. A list of more is no help.
const MOST: usize = 60;

/// What is offered for a line, the best first.
pub fn offers(app: &App, line: &str) -> Vec<Offer> {
    let line = line.trim_start();
    let mut offers = match line.split_once(' ') {
        None if elsewhere(app, line).is_some() => Vec::new(),
        None => commands(app, line),
        Some((name, words)) => match meant(app, name) {
            Ok(command) => arguments(app, command, words.trim_start()),
            Err(_) => Vec::new(),
        },
    };
    offers.truncate(MOST);
    offers
}

/// The command that a name stands for: by its whole name or another name that it has, or by the beginning of one name
/// alone. Nothing is guessed. What is wrong with it otherwise is for the operator to read.
pub fn meant(app: &App, name: &str) -> Result<&'static Command, String> {
    if let Some(command) = command::exact(name) {
        return Ok(command);
    }
    let here = || TABLE.iter().filter(|command| offered(command) && command.at(app.screen()));
    if let Some(command) = here().find(|command| command.name == name) {
        return Ok(command);
    }
    let begun: Vec<_> = here().filter(|command| command.names().any(|known| known.starts_with(name))).collect();
    match begun[..] {
        [only] if !name.is_empty() => Ok(only),
        _ => Err(unknown(app, name)),
    }
}

/// The offer that Enter takes where none was moved to: the command that the name stands for.
pub fn leading(app: &App, line: &str) -> Option<usize> {
    let line = line.trim_start();
    let command = meant(app, line).ok().filter(|_| !line.contains(' '))?;
    offers(app, line).iter().position(|offer| offer.run == Some(command.id))
}

/// What to say of a line for which nothing is offered, and for which nothing could be.
pub fn notice(app: &App, line: &str) -> Option<String> {
    let name = line.trim_start().split(' ').next().unwrap_or_default();
    if name.is_empty() || meant(app, name).is_ok() {
        return None;
    }
    Some(elsewhere(app, name).unwrap_or_else(|| format!("no command like {}", SafeText::clipped(name, 40))))
}

/// What a name stands for in other programs, and here for no command: a shell, and what would act.
fn elsewhere(app: &App, name: &str) -> Option<String> {
    const VERBS: [&str; 21] = [
        "resume",
        "cancel",
        "kill",
        "delete",
        "del",
        "rm",
        "terminate",
        "abort",
        "retry",
        "restart",
        "purge",
        "drop",
        "stop",
        "edit",
        "scale",
        "rollback",
        "undo",
        "discard",
        "reset",
        "drain",
        "pause-instance",
    ];
    if name.starts_with('!') {
        return Some("there is no shell here: what is typed are commands of the cockpit".to_owned());
    }
    let verbs = app.keymap.label(CommandId::Verbs);
    let verb = VERBS.contains(&name.trim_end_matches('!').to_lowercase().as_str());
    let away = TABLE.iter().find(|command| command.name == name && !command.at(app.screen()));
    let away = away.map(|command| {
        let places: Vec<_> = command.screens.iter().map(|screen| screen.title()).collect();
        format!(":{name} is a command of {}", places.join(", "))
    });
    away.or_else(|| verb.then(|| format!("verbs are behind {verbs}: on the instance, {verbs} lists what may be done")))
}

/// Why a name is no command, and what is near to it.
fn unknown(app: &App, name: &str) -> String {
    if let Some(why) = elsewhere(app, name) {
        return why;
    }
    let name = SafeText::clipped(name, 40);
    let near = near(app, &name);
    if near.is_empty() {
        let help = app.keymap.label(CommandId::Help);
        format!("no command :{name}; {help} lists those that there are")
    } else {
        format!("no command :{name}; nearest: {}", near.join(", "))
    }
}

/// The names that are nearest to what was typed: what a slip would be, then those that hold its letters.
fn near(app: &App, name: &str) -> Vec<&'static str> {
    let here = || TABLE.iter().filter(|command| offered(command) && command.at(app.screen()));
    let slip = nearest(name, here().flat_map(Command::names)).filter(|_| name.chars().count() > 2);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = fuzzy(name);
    let mut found: Vec<_> = here()
        .filter_map(|command| {
            let rank = rank(name, command, &pattern, &mut matcher).filter(|rank| *rank > DESCRIBED)?;
            Some((rank, command.name))
        })
        .collect();
    found.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    let mut names: Vec<&'static str> = slip.into_iter().collect();
    for (_, name) in found {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(3);
    names
}

/// The letters in their order, with others between; none of them means anything special.
fn fuzzy(wanted: &str) -> Pattern {
    Pattern::new(wanted, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy)
}

fn commands(app: &App, wanted: &str) -> Vec<Offer> {
    let wanted = wanted.trim_end_matches('!');
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = fuzzy(wanted);
    let exact = command::exact(wanted).map(|command| command.id);
    let mut found: Vec<(u32, &Command)> = TABLE
        .iter()
        .filter(|command| offered(command) && command.at(app.screen()))
        .filter_map(|command| {
            let rank =
                if exact == Some(command.id) { u32::MAX } else { rank(wanted, command, &pattern, &mut matcher)? };
            Some((rank, command))
        })
        .collect();
    // The sort keeps the order of the table among equals.
    found.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    found.into_iter().map(|(_, command)| offer(app, command)).collect()
}

/// The rank of what is found by its description alone.
const DESCRIBED: u32 = 1;

/// How well a command fits: its name begins so, its name holds the letters, or its description the word.
fn rank(wanted: &str, command: &Command, pattern: &Pattern, matcher: &mut Matcher) -> Option<u32> {
    if wanted.is_empty() {
        return Some(0);
    }
    if command.names().any(|name| name.starts_with(wanted)) {
        // Those that are typed by habit go before those that have a key.
        return Some(100_000 + u32::from(command.typed));
    }
    // One letter is in almost every name.
    if wanted.chars().count() < 2 {
        return None;
    }
    if matches!(command.id, CommandId::Arm | CommandId::Disarm) {
        // What lifts a lock is not found by letters that happen to be in its name.
        return command.name.contains(&wanted.to_lowercase()).then_some(1_000);
    }
    let mut buffer = Vec::new();
    let by_name = command.names().filter_map(|name| pattern.score(Utf32Str::new(name, &mut buffer), matcher)).max();
    let wanted = wanted.to_lowercase();
    let by_word = || wanted.len() > 2 && command.doc.to_lowercase().contains(&wanted);
    by_name.map(|score| 1_000 + score).or_else(|| by_word().then_some(DESCRIBED))
}

/// What moves the cursor and what is the line itself are no help in a list.
fn offered(command: &Command) -> bool {
    !matches!(
        command.id,
        CommandId::Up
            | CommandId::Down
            | CommandId::HalfUp
            | CommandId::HalfDown
            | CommandId::PageUp
            | CommandId::PageDown
            | CommandId::Top
            | CommandId::Bottom
            | CommandId::CommandLine
            | CommandId::Interrupt
            | CommandId::UseVerbs
    )
}

fn offer(app: &App, command: &Command) -> Offer {
    let words = command.words.map(|words| format!(" {words}")).unwrap_or_default();
    let gap = if command.words.is_some() { " " } else { "" };
    Offer {
        label: format!("{}{words}", command.name).into(),
        keys: app.keymap.labels(command.id).into_iter().next().unwrap_or_default(),
        doc: command.doc.into(),
        line: format!("{}{gap}", command.name),
        run: Some(command.id),
    }
}

/// What may follow a command's name.
fn arguments(app: &App, command: &Command, words: &str) -> Vec<Offer> {
    let completed = |label: String, doc: String, words: &str| Offer {
        label: label.into(),
        keys: String::new(),
        doc: doc.into(),
        line: format!("{} {words}", command.name),
        run: None,
    };
    let fitting = |names: Vec<(String, String)>| {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = fuzzy(words);
        let mut buffer = Vec::new();
        let mut found: Vec<_> = names
            .into_iter()
            .filter_map(|(name, doc)| {
                Some((pattern.score(Utf32Str::new(&name, &mut buffer), &mut matcher)?, name, doc))
            })
            .collect();
        found.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, name, doc)| completed(name.clone(), doc, &name)).collect()
    };
    match command.id {
        CommandId::Flows | CommandId::Filter => Filter::complete(words, words.chars().count())
            .into_iter()
            .map(|one| {
                let doc = crate::query::KEYS.iter().find(|(key, _)| one.label.strip_suffix(':') == Some(key));
                completed(one.label, doc.map(|(_, doc)| (*doc).to_owned()).unwrap_or_default(), &one.text)
            })
            .collect(),
        CommandId::Theme => {
            let kind = |name: &str| if app.settings.themes.is_own(name) { "your own" } else { "" };
            let names = app.settings.themes.names();
            fitting(names.into_iter().map(|name| (name.to_owned(), kind(name).to_owned())).collect())
        }
        CommandId::Sort => {
            fitting(SortBy::ALL.into_iter().map(|sort| (sort.name().to_owned(), sort.doc().to_owned())).collect())
        }
        CommandId::Mouse => fitting(vec![("on".to_owned(), String::new()), ("off".to_owned(), String::new())]),
        CommandId::Tenant => fitting(tenants(app)),
        CommandId::Contexts => fitting(contexts(app)),
        CommandId::Views => fitting(views(app)),
        _ => Vec::new(),
    }
}

/// The contexts that can be gone to, with what they are.
fn contexts(app: &App) -> Vec<(String, String)> {
    let told = |context: ContextInfo| {
        let mut words = vec![told(&context)];
        words.extend(context.production.then(|| "PRODUCTION".to_owned()));
        words.extend(is_current(app, &context.name).then(|| "shown now".to_owned()));
        (context.name, words.join(", "))
    };
    choices(app).into_iter().map(told).collect()
}

/// The saved views, with their filters.
fn views(app: &App) -> Vec<(String, String)> {
    let filter = |text: String| if text.is_empty() { "everything".to_owned() } else { text };
    super::views::all(app).into_iter().map(|view| (view.name.to_string(), filter(view.text))).collect()
}

/// The tenants that are known here: those of the rows that are held, and of the cohorts.
fn tenants(app: &App) -> Vec<(String, String)> {
    let rows = app.flows.window.value().into_iter().flat_map(|window| &window.rows);
    let mut names: Vec<String> = rows.filter_map(|row| row.flow.tenant.as_ref().map(ToString::to_string)).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| (name, String::new())).collect()
}
