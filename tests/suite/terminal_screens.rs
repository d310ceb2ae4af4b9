//! What an operator sees and reaches with keys, in a real terminal on the demo world.

use crate::term::{Launch, Seen, Term};
use quarterdeck::cockpit::ScreenName;
use quarterdeck::cockpit::command::TABLE;
use quarterdeck::cockpit::keymap::Keymap;

/// The worst cohort of the demo world, as its row begins.
const WORST: &str = "schema-migration › apply-0042";

fn demo() -> Term {
    let term = Launch::demo().start();
    term.shows_all(&[WORST, "flows need eyes"]);
    term
}

/// `1/485 (of 900)`: how many instances the list of flows says that there are.
fn listed(seen: &Seen) -> Option<u64> {
    let bar = seen.lines.get(2)?.trim_end();
    let bar = bar.split(" (of").next()?;
    bar.rsplit('/').next()?.replace(',', "").parse().ok()
}

#[test]
fn the_board_comes_up_in_every_size() {
    let whole = "1 Board  2 Flows  3 Tenants  4 Drift  5 Remediations  7 Events  8 Sources";
    let short = "1 Board  2 Flows  3 Tenants  4 Drift 2! 5 Acts  7 Events  8 Sources";
    // Where there is no room for all titles, the keys stay.
    for (size, tabs, cohorts) in
        [((80, 24), "1 Board  2  3  4 2! 5  7  8", 6), ((120, 34), short, 11), ((200, 60), whole, 12)]
    {
        let mut term = Launch::demo().size(size).start();
        // The first frame does not wait for the first answer: it says that it is asking.
        let seen = term.until("a board with its last cohort", |seen| {
            seen.has(WORST)
                && !seen.has("asking")
                && seen.lines.iter().any(|line| line.trim_start().starts_with(&format!("{cohorts} ")))
        });
        let header = &seen.lines[0];
        assert!(header.starts_with(" DEMO  APPROVALS 1  platform ") && header.ends_with(" UTC"), "{}", seen.picture());
        assert!(seen.lines[1].starts_with(" STUCK ") && seen.has(" tenants · HELD 4 · FAILED "), "{}", seen.picture());
        assert!(seen.lines[1].ends_with(tabs), "{}", seen.picture());
        let worst = seen.line(WORST).unwrap();
        assert!(worst.starts_with("▸  1      6") && worst.contains("exhausted"), "{worst}");
        assert!(seen.has("relation \"<name>\" does not exist"), "{}", seen.picture());
        assert!(seen.has("flows need eyes"), "{}", seen.picture());
        // What somebody asks for may be told there first; the next key makes room.
        term.press("j k");
        let seen = term.until("the hints", |seen| seen.last().contains("? help"));
        for hint in ["Enter open", "v act", "/ filter"] {
            assert!(seen.last().contains(hint), "{hint}\n{}", seen.picture());
        }
        assert!(seen.screen.alternate_screen() && seen.screen.hide_cursor() && seen.screen.bracketed_paste());
        term.press("q");
        assert_eq!(term.given_back().0.exit_code(), 0);
    }
}

#[test]
fn from_the_start_two_enters_say_why_one_instance_is_stuck() {
    let mut term = demo();
    term.press("enter");
    let seen = term.until("the 61 instances of the cohort", |seen| listed(seen) == Some(61));
    assert!(seen.lines[2].starts_with(" / cohort:"), "{}", seen.picture());
    assert!(seen.lines[4].contains("✗ exhausted") && seen.lines[4].contains("schema-migration"), "{}", seen.picture());
    term.press("enter");
    let seen = term.shows_all(&["✗ STUCK · exhausted", "what may be done (v)", "timeline"]);
    for fact in [
        "why       paused by the engine after 5 attempts at apply-0042",
        "stuck by the rule \"exhausted\", threshold: at once, since ",
        "status    paused",
        "does not exist",
        "→ resume          goes on from the failed step",
    ] {
        assert!(seen.has(fact), "{fact}\n{}", seen.picture());
    }
    let id = seen.lines[2].split_whitespace().nth(1).unwrap().to_owned();
    assert!(id.starts_with("platform/wf_"), "{id}");
    term.press("esc");
    term.until("the list again, on the same row", |seen| listed(seen) == Some(61) && seen.has(&id));
    term.press("esc");
    term.until("the board again, on the same row", |seen| seen.line(WORST).is_some_and(|line| line.starts_with('▸')));
}

#[test]
fn number_keys_go_to_the_screens_that_there_are() {
    let mut term = demo();
    term.press("5");
    term.shows("resume 61 of schema-migration");
    term.press("2");
    term.shows("no filter: every open or failed instance");
    term.press("4");
    term.shows("in sync · by cause");
    term.press("-");
    term.shows("no filter: every open or failed instance");
    term.press("8");
    term.shows_all(&["made up, in this process", "✓ live"]);
    // There is no such screen; the last of these keys shows that the ones before it were taken and did nothing.
    for key in ["6", "9", "x"] {
        term.press(key);
    }
    term.shows("use v");
    term.press("-");
    term.shows("no filter: every open or failed instance");
    term.press("-");
    term.shows("made up, in this process");
    term.press("1");
    term.shows(WORST);
}

#[test]
fn a_filter_narrows_as_it_is_typed_and_esc_takes_it_back() {
    let mut term = demo();
    term.press("2");
    let all = term.until("the list", |seen| listed(seen).is_some_and(|count| count > 400));
    assert!(all.screen.hide_cursor());
    term.press("/");
    let seen = term.shows("Enter keep");
    assert!(!seen.screen.hide_cursor(), "a text cursor shows where one types");
    assert_eq!(seen.screen.cursor_position(), (2, 3));
    term.write("is:stuck flow:upgrade-plan");
    let seen = term.until("the eight that are stuck", |seen| listed(seen) == Some(8));
    assert!(seen.lines[2].contains("1/8 (of "), "{}", seen.picture());
    // Only good so far; one that can't be read says which word, where, and keeps the result.
    term.write(" tennant:x");
    let seen = term.shows("column 28");
    let error = seen.line("column 28").unwrap();
    assert!(error.contains("\"tennant\"") && error.contains("is tenant meant?"), "{error}");
    assert_eq!(listed(&seen), Some(8));
    assert!(seen.has("upgrade-plan › (queued)"), "{}", seen.picture());
    // It can't be kept either.
    term.press("enter");
    term.press("ctrl-w");
    term.until("the mended filter", |seen| !seen.has("column 28") && listed(seen) == Some(8));
    term.press("enter");
    term.lacks("Enter keep");
    term.press("/");
    term.write(" resource");
    term.until("fewer", |seen| listed(seen).is_some_and(|count| count < 8) || seen.has("none of"));
    term.press("esc");
    let seen = term.until("the kept filter", |seen| listed(seen) == Some(8) && !seen.has("Enter keep"));
    assert!(seen.lines[2].starts_with(" / is:stuck flow:upgrade-plan"), "{}", seen.picture());
}

#[test]
fn the_help_is_the_table_of_commands() {
    let mut term = Launch::demo().size((120, 60)).start();
    term.shows(WORST);
    for (keys, title, screen) in [
        ("1", "help: Board", ScreenName::Board),
        ("2", "help: Flows", ScreenName::Flows),
        ("8", "help: Sources", ScreenName::Sources),
    ] {
        term.press(keys);
        term.press("?");
        let seen = term.shows(title);
        // Page by page to its end.
        let mut lines = seen.lines.clone();
        let mut page = seen;
        while page.has("more ↓") {
            let before = page.lines.clone();
            term.press("pgdn");
            page = term.until("another page", |seen| seen.lines != before);
            lines.extend(page.lines.iter().cloned());
        }
        // On the flows the filter comes before what is the same everywhere.
        let filter_first = screen == ScreenName::Flows;
        let line_of = |word: &str| lines.iter().position(|line| line.contains(word)).expect(word);
        assert_eq!(line_of("a comma is OR") < line_of("everywhere"), filter_first, "{}", lines.join("\n"));
        for wide in ["age:>10m attempts:>=5  ", "\"connection refused\"  "] {
            assert!(lines.iter().any(|line| line.contains(wide)), "{wide} has a gap behind it\n{}", lines.join("\n"));
        }
        for command in TABLE {
            let keys = Keymap::default().labels(command.id);
            let keys = if keys.is_empty() { format!(":{}", command.name) } else { keys.join(", ") };
            // Longer ones go on in the next line, and long lists of keys have a line of their own.
            let doc: String = command.doc.chars().take(30).collect();
            let head = |line: &String| line.contains(&format!("│   {keys} "));
            let named = |two: &[String]| head(&two[0]) && two.iter().any(|line| line.contains(&doc));
            let at = lines.windows(2).position(named).expect(&doc);
            // Those of other screens stand behind everything else.
            let here = at < line_of("on other screens");
            assert_eq!(here, command.at(screen), "{keys} {doc} on {screen:?}\n{}", lines.join("\n"));
        }
        term.press("esc");
        term.lacks(title);
    }
}

#[test]
fn commands_are_typed_completed_and_mended() {
    let mut term = demo();
    term.press(":");
    let seen = term.shows("Up Down choose");
    assert!(!seen.screen.hide_cursor());
    term.write("flows");
    term.press("enter");
    term.shows("no filter: every open or failed instance");
    term.write(":sou");
    term.press("tab");
    term.until("the whole name", |seen| seen.last().starts_with(" :sources"));
    term.press("enter");
    term.shows("made up, in this process");
    term.write(":baord");
    term.press("enter");
    term.shows("no command :baord; nearest: board");
    term.press("ctrl-c");
    term.lacks(":baord");
    term.write(":q");
    term.press("enter");
    assert_eq!(term.given_back().0.exit_code(), 0);
}

#[test]
fn the_list_is_sorted_turned_round_and_moved_in() {
    let mut term = demo();
    term.press("2");
    term.until("the one that is stuck longest", |seen| {
        seen.lines[2].contains("↓ worst")
            && seen.lines[4].starts_with("▸ ✗ lost wait ")
            && seen.lines[4].contains("  3d ")
    });
    term.press("s d");
    term.until("the longest wait", |seen| seen.has("↓ for") && seen.lines[3].contains("FOR↓"));
    term.press("down down s f");
    term.until("the top in another order", |seen| {
        seen.lines[2].contains("↓ flow") && seen.lines[2].contains("   1/") && seen.lines[4].starts_with('▸')
    });
    term.press("S");
    term.shows("↑ flow");
    term.press("s w");
    term.until("the first order again", |seen| {
        seen.has("↓ worst") && seen.lines[4..].iter().any(|line| line.starts_with('▸'))
    });
    term.press("G");
    term.until("the last row", |seen| {
        let bar = &seen.lines[2];
        let row =
            bar.rsplit(' ').next().and_then(|place| place.split('/').next()?.replace(',', "").parse::<u64>().ok());
        let (Some(row), Some(end)) = (row, listed(seen)) else { return false };
        // Instances come and end meanwhile.
        row > 400 && end - row < 100
    });
    term.press("g");
    // What may follow is told.
    term.until("what g may be the start of", |seen| seen.has("g  to the first"));
    term.press("g");
    term.until("the first row", |seen| seen.lines[2].contains("   1/") && seen.lines[4].starts_with('▸'));
    term.press("down down down");
    term.until("the fourth row", |seen| seen.lines[2].contains("   4/") && seen.lines[7].starts_with('▸'));
    term.press("home");
    term.until("the first row", |seen| seen.lines[4].starts_with('▸'));
}

#[test]
fn what_is_pasted_is_no_row_of_keys() {
    let mut term = demo();
    // As keys these would leave the program.
    term.paste("q\nq\r:q\r");
    term.press("2");
    term.shows("no filter: every open or failed instance");
    term.press("/");
    term.shows("Enter keep");
    term.paste("is:stuck\nflow:upgrade-plan\r");
    let seen = term.until("one line of both", |seen| listed(seen) == Some(8));
    assert!(seen.lines[2].starts_with(" / is:stuck flow:upgrade-plan"), "{}", seen.picture());
    assert!(seen.has("Enter keep"), "a line end that is pasted is no Enter\n{}", seen.picture());
}

#[test]
fn the_id_is_copied_through_the_terminal() {
    let mut term = demo();
    term.press("2");
    term.until("the list", |seen| seen.lines[4].starts_with('▸'));
    let mark = term.mark();
    term.press("y");
    term.press("y");
    term.shows("sent to the clipboard");
    assert_eq!(crate::term::bytes::count(&term.raw_since(mark), "\x1b]52;c;d2Zf"), 1, "OSC 52 with wf_… in base 64");
}

/// `platform 7s`: how old the source's data is.
fn age(seen: &Seen) -> Option<u64> {
    seen.lines[0].split("platform ").nth(1)?.split('s').next()?.parse().ok()
}

#[test]
fn the_screen_lives_until_it_is_paused() {
    let mut term = demo();
    term.press("2");
    let first = term.until("the list", |seen| listed(seen).is_some_and(|count| count > 400));
    // Nothing is pressed: instances come and end in the demo world.
    // Ages go on, which is why ids are compared.
    let rows = |seen: &Seen| {
        let id = |line: &String| line.split_whitespace().last().map(str::to_owned);
        seen.lines[4..23].iter().map(id).collect::<Vec<_>>()
    };
    term.until("other numbers", |seen| listed(seen).is_some() && listed(seen) != listed(&first));
    term.press("P");
    term.shows_all(&[" PAUSED ", "live updates are paused"]);
    let paused = term.until("data that is older than a pass", |seen| age(seen).is_some_and(|age| age >= 5));
    term.until("data that is older still", |seen| age(seen) > age(&paused));
    let still = term.seen();
    assert_eq!((listed(&still), rows(&still)), (listed(&paused), rows(&paused)), "{}", still.picture());
    term.press("P");
    term.until("young data", |seen| age(seen).is_some_and(|age| age < 5) && !seen.has("PAUSED"));
}

#[test]
fn a_refresh_is_asked_for() {
    let mut term = demo();
    term.press("r");
    term.shows("the sources are being asked");
    // The message goes by itself and gives the hints their place back.
    term.until("the hints", |seen| seen.last().contains("? help"));
    term.press("ctrl-r");
    term.shows("the sources are being asked");
}
