//! The help for a screen: its keys from the table, what the glyphs mean, and the rules of "stuck".

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{inside, place};
use crate::cockpit::app::App;
use crate::cockpit::command::{Command, TABLE};
use crate::cockpit::screens::detail::Block;
use crate::cockpit::settings::ScreenName;
use crate::cockpit::theme::Styles;
use crate::cockpit::widgets::pen::{Pen, width, wrap};
use crate::domain::remediation::ItemState;
use crate::domain::source::Freshness;
use crate::domain::verdict::{Rule, Verdict};

fn area(app: &App) -> Rect {
    place(app, 92, 60)
}

/// Draws the box around it.
pub(super) fn frame(app: &App, pen: &mut Pen<'_>) {
    let title = format!("help: {}", app.screen().title());
    super::frame(pen, area(app), &title, &[("Esc", "close"), ("j k", "scroll")], pen.styles.popup_border);
}

/// How wide the column of keys and words is that the texts stand beside.
const HEAD: usize = 21;

/// What it says, and where.
pub(super) fn content(app: &App, styles: &Styles) -> (Block, Rect) {
    let area = inside(area(app));
    let columns = usize::from(area.width);
    let mut block = Block::default();
    let entry = |block: &mut Block, head: String, text: &str| {
        let indent = " ".repeat(HEAD + 4);
        let beside = format!("  {head}{}", " ".repeat((HEAD + 2).saturating_sub(width(&head))));
        // A wide one has a line of its own.
        let alone = width(&head) > HEAD;
        if alone {
            block.push(vec![Span::styled(beside.clone(), styles.key)]);
        }
        for (at, line) in wrap(text, columns.saturating_sub(HEAD + 4)).into_iter().enumerate() {
            let label = if at == 0 && !alone { &beside } else { &indent };
            block.push(vec![Span::styled(label.clone(), styles.key), Span::styled(line, styles.text)]);
        }
    };
    let heading = |block: &mut Block, text: &str| {
        block.gap();
        block.push(vec![Span::styled(text.to_owned(), styles.title)]);
    };
    let filter = |block: &mut Block| {
        heading(block, "filter");
        for (example, meaning) in [
            ("tenant:acme", "a key and a value; * stands for anything"),
            ("step:dns,database", "a comma is OR; a space is AND"),
            ("-flow:invite-*", "a dash negates"),
            ("age:>10m attempts:>=5", "ages and numbers are compared"),
            ("\"connection refused\"", "a bare word searches names, ids, error, state; quotes keep spaces"),
        ] {
            entry(block, example.to_owned(), meaning);
        }
        for (key, meaning) in crate::query::KEYS {
            entry(block, format!("{key}:"), meaning);
        }
    };
    heading(&mut block, "on this screen");
    for command in TABLE.iter().filter(|command| !command.screens.is_empty() && command.at(app.screen())) {
        entry(&mut block, labels(app, command), command.doc);
    }
    // Where a filter is typed, how to write one is on the first page.
    let filter_first = app.screen() == ScreenName::Flows;
    if filter_first {
        filter(&mut block);
    }
    heading(&mut block, "everywhere");
    for command in TABLE.iter().filter(|command| command.screens.is_empty()) {
        entry(&mut block, labels(app, command), command.doc);
    }
    if !filter_first {
        filter(&mut block);
    }
    heading(&mut block, "a step on the board");
    let g = app.glyphs;
    for (glyph, meaning) in [
        (g.shades[0], "nothing is stuck"),
        (g.shades[1], "fewer than 10 are stuck"),
        (g.shades[2], "fewer than 100 are stuck"),
        (g.shades[3], "100 or more are stuck"),
        (g.waiting, "everything in it waits, as it may"),
        (g.blind, "not known: its source is silent"),
    ] {
        entry(&mut block, glyph.to_owned(), meaning);
    }
    heading(&mut block, "verdicts");
    for (verdict, meaning) in [
        (Verdict::Stuck, "a rule holds"),
        (Verdict::Suspect, "past half of a rule's threshold"),
        (Verdict::Ok, "nothing is wrong"),
        (Verdict::Recheck, "its source is silent: this was so when it was last heard"),
        (Verdict::Unknown, "something that a rule needs is missing"),
    ] {
        entry(&mut block, format!("{} {}", g.verdict(verdict), verdict.name()), meaning);
    }
    heading(&mut block, "stuck means: the first of these rules that holds");
    for rule in Rule::ALL {
        entry(&mut block, rule.words().to_owned(), rule.doc());
    }
    heading(&mut block, "sources");
    for (state, meaning) in [
        (Freshness::Live, "its last pass was complete and is young"),
        (Freshness::Stale, "it has answered before; its last pass failed or is too old: its numbers are ?"),
        (Freshness::Failed, "it has never answered"),
        (Freshness::Never, "it has not been asked yet"),
    ] {
        entry(&mut block, format!("{} {}", g.freshness(state), state.name()), meaning);
    }
    heading(&mut block, "acts");
    for (state, meaning) in [
        (ItemState::Accepted, "the engine took the request"),
        (ItemState::Done, "the engine finished it; its effect is being watched"),
        (ItemState::Verified, "the effect was seen and held"),
        (ItemState::Failed, "refused, or the effect did not come"),
        (ItemState::Skipped, "not sent: the target had changed"),
        (ItemState::Unknown, "nobody can say whether it took effect; nothing is sent a second time"),
    ] {
        entry(&mut block, format!("{} {}", g.item(state), state.name()), meaning);
    }
    (block, area)
}

/// The keys in force of a command, or how it is reached without one.
fn labels(app: &App, command: &Command) -> String {
    let keys = app.keymap.labels(command.id);
    match (keys.is_empty(), command.typed) {
        (false, _) => keys.join(", "),
        (true, true) => format!(":{}", command.name),
        (true, false) => format!("(no key: {})", command.name),
    }
}
