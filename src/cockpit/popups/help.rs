//! The help for a screen: its keys as they are in force, how to filter, what the signs mean, and the rules of "stuck".
//! `/` finds a word in it.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{inside, place};
use crate::cockpit::app::App;
use crate::cockpit::command::{Command, CommandId, TABLE};
use crate::cockpit::screens::detail::Block;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::{Pen, width, wrap};
use crate::domain::remediation::ItemState;
use crate::domain::source::Freshness;
use crate::domain::text::SafeText;
use crate::domain::verdict::{Rule, Verdict};
use crate::domain::wide::WideState;

/// From how many columns inside on the help stands in two columns.
const TWO: usize = 150;

/// Below how many a text stands under its key.
const SMALL: usize = 60;

fn area(app: &App) -> Rect {
    place(app, if app.size.0 >= 170 { 190 } else { 92 }, 60)
}

/// Draws the box around it, with what is looked for.
pub(super) fn frame(app: &App, pen: &mut Pen<'_>, find: &str, typing: bool) {
    let find = SafeText::new(find);
    let title = match (find.is_empty(), typing) {
        (true, false) => format!("help: {}", app.screen().title()),
        (_, true) => format!("help: {} /{find}_", app.screen().title()),
        (false, false) => format!("help: {} /{find}", app.screen().title()),
    };
    let keys = match (find.is_empty(), typing) {
        (_, true) => [("Enter", "done"), ("Esc", "all of it")],
        (false, false) => [("/", "find"), ("Esc", "all of it")],
        (true, false) => [("/", "find"), ("Esc", "close")],
    };
    super::frame(pen, area(app), &title, &keys, pen.styles.popup_border);
}

/// A part of the help: its heading, and what is told below it: a head, and the text beside it.
struct Part {
    heading: &'static str,
    entries: Vec<(String, String)>,
}

/// The columns between two columns of text.
const GAP: usize = 4;

/// How wide the column of keys and words is that the texts stand beside.
const HEAD: usize = 21;

/// What stands before the lines that have none of that.
const INDENT: &str = "                         ";
const _: () = assert!(INDENT.len() == HEAD + 4);

/// What it says, and where. Where something is looked for, what has every word of it.
pub(super) fn content(app: &App, styles: &Styles, find: &str) -> (Block, Rect) {
    let area = inside(area(app));
    let whole = usize::from(area.width);
    let columns = if whole >= TWO { (whole - GAP) / 2 } else { whole };
    let mut block = Block::default();
    let words: Vec<String> = find.to_lowercase().split_whitespace().map(str::to_owned).collect();
    for part in parts(app) {
        let fits = |(head, text): &&(String, String)| {
            let whole = format!("{head} {text} {}", part.heading).to_lowercase();
            words.iter().all(|word| whole.contains(word))
        };
        let entries: Vec<_> = part.entries.iter().filter(fits).collect();
        if entries.is_empty() {
            continue;
        }
        block.gap();
        block.push(vec![Span::styled(part.heading, styles.title)]);
        for (head, text) in entries {
            entry(&mut block, styles, columns, head, text);
        }
    }
    if whole >= TWO && block.len() > usize::from(area.height) {
        block = block.in_two(columns, GAP);
    }
    if block.len() == 0 {
        block.push(vec![Span::styled("nothing in the help has that", styles.warning)]);
    }
    (block, area)
}

fn entry(block: &mut Block, styles: &Styles, columns: usize, head: &str, text: &str) {
    if columns < SMALL {
        block.push(vec![Span::styled(format!("  {head}"), styles.key)]);
        for line in wrap(text, columns.saturating_sub(4)) {
            block.push(vec![Span::styled(format!("    {line}"), styles.text)]);
        }
        return;
    }
    let mut label = format!("  {head}");
    label.extend(std::iter::repeat_n(' ', (HEAD + 2).saturating_sub(width(head))));
    // A wide one has a line of its own.
    if width(head) > HEAD {
        block.push(vec![Span::styled(std::mem::take(&mut label), styles.key)]);
    }
    for line in wrap(text, columns.saturating_sub(HEAD + 4)) {
        let label = std::mem::take(&mut label);
        let label = if label.is_empty() { Span::styled(INDENT, styles.key) } else { Span::styled(label, styles.key) };
        block.push(vec![label, Span::styled(line, styles.text)]);
    }
}

fn parts(app: &App) -> Vec<Part> {
    let here = |command: &&Command| !command.screens.is_empty() && command.at(app.screen());
    let commands = |wanted: &dyn Fn(&&Command) -> bool| {
        TABLE.iter().filter(|command| wanted(command)).map(|command| (keys(app, command), doc(command))).collect()
    };
    let mut parts = vec![Part { heading: "on this screen", entries: commands(&here) }];
    // Where a filter is typed, how to write one is on the first page.
    let filter_first = app.screen() == ScreenName::Flows;
    if filter_first {
        parts.push(filter());
    }
    parts.push(Part { heading: "everywhere", entries: commands(&|command| command.screens.is_empty()) });
    parts.push(lines(app));
    parts.push(mouse(app));
    if !filter_first {
        parts.push(filter());
    }
    parts.extend(signs(app));
    let elsewhere = |command: &&Command| !command.at(app.screen());
    let named = |command: &Command| {
        let places: Vec<_> = command.screens.iter().map(|screen| screen.title()).collect();
        (keys(app, command), format!("{} ({})", doc(command), places.join(", ")))
    };
    let entries = TABLE.iter().filter(elsewhere).map(named).collect();
    parts.push(Part { heading: "on other screens", entries });
    parts
}

/// The keys in force of a command, or how it is reached without one.
fn keys(app: &App, command: &Command) -> String {
    let keys = app.keymap.labels(command.id);
    match (keys.is_empty(), command.typed) {
        (false, _) => keys.join(", "),
        (true, true) => format!(":{}", command.name),
        (true, false) => "no key".to_owned(),
    }
}

/// What a command does, and how it is typed.
fn doc(command: &Command) -> String {
    if !command.typed {
        return command.doc.to_owned();
    }
    let words = command.words.map(|words| format!(" {words}")).unwrap_or_default();
    format!("{} (:{}{words})", command.doc, command.name)
}

fn entries<const N: usize>(all: [(&str, &str); N]) -> Vec<(String, String)> {
    all.map(|(head, text)| (head.to_owned(), text.to_owned())).into()
}

/// What keys do where something lies over the screen or is typed.
fn lines(app: &App) -> Part {
    let label = |id| app.keymap.label(id);
    let mut entries = entries([
        ("Esc, Ctrl-C", "closes a popup, and a line that is typed"),
        ("Enter", "in a list: chooses; in a review: goes on from the reason, or presses the button with the focus"),
        ("Tab", "in a review: to the next button; in a line: completes the word"),
        ("Up, Down", "in a line: what is offered, or what was typed before"),
        ("Ctrl-U, Ctrl-W", "in a line: empties it, takes the last word away"),
    ]);
    let both = |one, other| format!("{}, {}", label(one), label(other));
    entries.push((both(CommandId::Down, CommandId::Up), "in a popup: one line down or up".to_owned()));
    entries.push((both(CommandId::Top, CommandId::Bottom), "in a popup: to its beginning or end".to_owned()));
    entries
        .push((both(CommandId::Quit, CommandId::Back), "in a popup: closes it, unless text is typed there".to_owned()));
    Part { heading: "in popups and lines", entries }
}

fn mouse(app: &App) -> Part {
    if !app.settings.mouse {
        return Part {
            heading: "mouse",
            entries: entries([("off", ":mouse on listens to it; the terminal marks and copies text meanwhile")]),
        };
    }
    Part {
        heading: "mouse",
        entries: entries([
            ("wheel", "moves what is under the pointer"),
            ("click", "on a row: selects it; on the head of a column: sorts by it; on a name or hint: as its key"),
            ("double click", "opens the row"),
            ("click on a button", "gives it the focus and never presses it: only Enter does"),
            ("Shift and drag", "marks text for the terminal's own copying (Option on some); or :mouse off"),
        ]),
    }
}

fn filter() -> Part {
    let mut all = entries([
        ("tenant:acme", "a key and a value; * stands for anything"),
        ("step:dns,database", "a comma is OR; a space is AND"),
        ("-flow:invite-*", "a dash negates"),
        ("age:>10m attempts:>=5", "ages and numbers are compared"),
        ("\"connection refused\"", "a bare word searches names, ids, error, state; quotes keep spaces"),
    ]);
    all.extend(crate::query::KEYS.iter().map(|(key, meaning)| (format!("{key}:"), (*meaning).to_owned())));
    Part { heading: "filter", entries: all }
}

/// What the signs and words on the screens mean.
fn signs(app: &App) -> Vec<Part> {
    let g = app.glyphs;
    let named = |glyph: &str, name: &str| format!("{glyph} {name}");
    let verdicts = [
        (Verdict::Stuck, "a rule holds"),
        (Verdict::Suspect, "past half of a rule's threshold"),
        (Verdict::Ok, "nothing is wrong"),
        (Verdict::Recheck, "its source is silent: this was so when it was last heard"),
        (Verdict::Unknown, "something that a rule needs is missing"),
    ];
    let sources = [
        (Freshness::Live, "its last pass was complete and is young"),
        (Freshness::Stale, "it has answered before; its last pass failed or is too old: its numbers are ?"),
        (Freshness::Failed, "it has never answered"),
        (Freshness::Never, "it has not been asked yet"),
    ];
    let acts = [
        (ItemState::Accepted, "the engine took the request"),
        (ItemState::Done, "the engine finished it; its effect is being watched"),
        (ItemState::Verified, "the effect was seen and held"),
        (ItemState::Failed, "refused, or the effect did not come"),
        (ItemState::Skipped, "not sent: the target had changed"),
        (ItemState::Unknown, "nobody can say whether it took effect; nothing is sent a second time"),
    ];
    let remediations = [
        (WideState::AwaitingApproval, "asked for; somebody has to agree, in time"),
        (WideState::Approved, "it may be started, in time; an open cockpit does that by itself"),
        (WideState::Running, "sent wave by wave, each after the one before is verified"),
        (WideState::Held, "nothing is sent until somebody resumes it"),
        (WideState::Verifying, "everything is sent; its effects are being watched"),
        (WideState::Succeeded, "everything that was sent is verified"),
        (WideState::Partial, "some are verified, and some are not"),
        (WideState::Failed, "none is verified"),
        (WideState::Unknown, "none is verified, and of some nobody knows"),
        (WideState::Aborted, "somebody ended it; what was sent was sent"),
        (WideState::Rejected, "somebody who was asked said no"),
        (WideState::Expired, "not approved, or not started, in time"),
        (WideState::Stale, "every target had changed; nothing was sent"),
        (WideState::RolledBack, "taken back by another one"),
    ];
    vec![
        Part {
            heading: "a step on the board",
            entries: entries([
                (g.shades[0], "nothing is stuck"),
                (g.shades[1], "fewer than 10 are stuck"),
                (g.shades[2], "fewer than 100 are stuck"),
                (g.shades[3], "100 or more are stuck"),
                (g.waiting, "everything in it waits, as it may"),
                (g.blind, "not known: its source is silent"),
            ]),
        },
        Part {
            heading: "how a cohort has grown",
            entries: entries([
                ("+12", "12 more than five minutes ago"),
                (g.none, "too soon: five minutes of it have not been seen yet"),
                (g.blind, "not known: its source is silent"),
            ]),
        },
        Part {
            heading: "verdicts",
            entries: verdicts.map(|(one, text)| (named(g.verdict(one), one.name()), text.to_owned())).into(),
        },
        Part {
            heading: "stuck means: the first of these rules that holds",
            entries: Rule::ALL.iter().map(|rule| (rule.words().to_owned(), rule.doc().to_owned())).collect(),
        },
        Part {
            heading: "sources",
            entries: sources.map(|(one, text)| (named(g.freshness(one), one.name()), text.to_owned())).into(),
        },
        Part {
            heading: "acts",
            entries: acts.map(|(one, text)| (named(g.item(one), one.name()), text.to_owned())).into(),
        },
        Part {
            heading: "remediations of many",
            entries: remediations.map(|(one, text)| (named(g.wide(one), one.words()), text.to_owned())).into(),
        },
    ]
}
