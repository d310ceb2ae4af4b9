//! How the program lives in a terminal: it is stopped, resumed, resized, told to end and cut off, and leaves the
//! terminal as it was each time.

use crate::support::matrix::record;

use crate::term::{GONE, Launch, Seen, Term, assert_sane, process, wait};
use rustix::process::Signal;

const WORST: &str = "schema-migration › apply-0042";

fn up(launch: Launch) -> Term {
    let term = launch.start();
    term.shows_all(&[WORST, "? help"]);
    term
}

/// The cockpit as a job of a shell with job control.
fn job() -> Term {
    let mut term = Launch::shell().start();
    term.shows("ready>");
    term.write("\"$PROGRAM\" demo\n");
    term.shows_all(&[WORST, "? help"]);
    term
}

/// Waits until the shell has its terminal back, and looks whether it is worth having.
#[track_caller]
fn back_in_the_shell(term: &mut Term, jobs: &str) {
    let seen = term.until("the shell", |seen| seen.has(jobs) && seen.lines.iter().any(|line| line == "ready>"));
    assert_sane(&seen);
    // The shell's own: it edits no lines, so they are what they were before it.
    assert_eq!(term.modes(), term.modes_before());
    term.write("echo still $((40 + 2))\n");
    term.shows("still 42");
}

/// Brings the job back, and looks whether all of it is there and keys reach it.
#[track_caller]
fn back_in_the_cockpit(term: &mut Term) {
    let mark = term.mark();
    term.write("fg\n");
    let seen = term.painted_since(mark);
    assert!(seen.screen.alternate_screen(), "{}", seen.picture());
    let seen = term.until("the whole board", whole_board);
    assert!(!seen.has("ready>"), "{}", seen.picture());
    assert!(seen.screen.hide_cursor() && seen.screen.bracketed_paste());
    // The signal to go on comes in beside the way back from the stop, and has the modes set once more.
    term.until_modes(|modes| modes != term.modes_before());
    // Without an Enter after it.
    term.press("2");
    let seen = term.shows("no filter: every open or failed instance");
    assert_ne!(seen.screen.cursor_position(), (33, 0));
    term.press("1");
    term.until("the board", whole_board);
}

/// Header, worst cohort, rule and hints, each on its line of 120x34.
fn whole_board(seen: &Seen) -> bool {
    seen.lines.len() == 34
        && seen.lines[0].starts_with(" DEMO ")
        && seen.lines[1].starts_with(" STUCK ")
        && seen.lines[2].starts_with("   #   STUCK ")
        && seen.lines[3].contains(WORST)
        && seen.has("flows need eyes")
        && seen.lines[33].starts_with(" Enter open   v act")
        && seen.lines[33].ends_with("? help")
}

#[test]
fn q_goes_back_layer_by_layer_and_leaves_the_terminal_as_it_was() {
    let mut term = Launch::script("echo before; exec \"$PROGRAM\" demo").start();
    term.shows(WORST);
    term.press("enter");
    // The rows come after the filter: before them there is nothing to open.
    term.shows("under the cursor");
    term.press("enter");
    term.shows("STUCK · exhausted");
    term.press("q");
    term.shows(" / cohort:");
    term.press("q");
    term.shows(WORST);
    // Esc leaves nothing that is the last layer.
    term.press("esc");
    term.shows("this is the first screen; q quits");
    term.press("q");
    let (status, seen) = term.given_back();
    assert_eq!(status.exit_code(), 0);
    assert_eq!(seen.lines[0], "before", "what was on the screen is there again\n{}", seen.picture());
    assert!(seen.lines[1..].iter().all(String::is_empty), "{}", seen.picture());
    record("terminal", 1, 1);
}

#[test]
fn ctrl_c_closes_and_quits_only_twice() {
    let mut term = up(Launch::demo());
    term.press("?");
    term.shows("help: Board");
    term.press("ctrl-c");
    term.lacks("help: Board");
    term.press("ctrl-c");
    term.shows("Ctrl-C again quits");
    // Another key lies between: it counts from the beginning.
    term.press("j ctrl-c");
    term.until("the second row", |seen| seen.lines.iter().any(|line| line.starts_with("▸  2 ")));
    term.press("r");
    term.shows("the sources are being asked");
    term.press("ctrl-c ctrl-c");
    assert_eq!(term.given_back().0.exit_code(), 0);
    record("terminal", 1, 1);
}

#[test]
fn signals_to_end_are_obeyed_and_named() {
    let mut cases = 0;
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP"), (Signal::QUIT, "SIGQUIT")] {
        let mut term = up(Launch::demo());
        assert_ne!(term.modes(), term.modes_before(), "raw mode, as long as it runs");
        term.press("/");
        term.shows("Enter keep");
        term.signal(signal);
        let (status, seen) = term.given_back();
        assert_eq!((status.exit_code(), status.signal()), (0, None), "{name}");
        assert_eq!(seen.lines[0], format!("ended by {name}"), "{}", seen.picture());
        cases += 1;
    }
    record("terminal", cases, 3);
}

#[test]
fn an_interrupt_from_outside_is_ctrl_c() {
    let mut term = up(Launch::demo());
    term.signal(Signal::INT);
    term.shows("Ctrl-C again quits");
    term.signal(Signal::INT);
    assert_eq!(term.given_back().0.exit_code(), 0);
    record("terminal", 1, 1);
}

#[test]
fn the_end_of_the_terminal_is_the_end_of_the_program() {
    // Told of it by the kernel; told, and deaf to it as after nohup; not told at all.
    let run = "exec \"$PROGRAM\" demo 2>said";
    let told = Launch::script(run);
    let deaf = Launch::script(&format!("trap '' HUP; {run}"));
    let not_told = Launch::script(run).not_controlling();
    let mut cases = 0;
    for (launch, words) in [
        (told, &["ended by SIGHUP", "the terminal is gone"][..]),
        (deaf, &["ended by SIGHUP", "the terminal is gone"]),
        (not_told, &["the terminal is gone"]),
    ] {
        let mut term = up(launch);
        let pid = term.pid();
        term.hang_up();
        let status = term.ended();
        assert!(process::is_gone(pid));
        let said = std::fs::read_to_string(term.home().join("said")).unwrap();
        assert_eq!((status.exit_code(), status.signal()), (0, None), "{said}");
        assert!(words.contains(&said.trim_end()), "{said:?} is none of {words:?}");
        cases += 1;
    }
    record("terminal", cases, 3);
}

#[test]
fn ctrl_z_gives_the_shell_a_sane_terminal_and_fg_comes_back() {
    let mut term = job();
    let mut cases = 0;
    for _ in 0..3 {
        term.press("ctrl-z");
        back_in_the_shell(&mut term, "Stopped");
        back_in_the_cockpit(&mut term);
        term.write("?");
        term.shows("help: Board");
        // It works over a popup too, which is there again.
        term.press("ctrl-z");
        back_in_the_shell(&mut term, "Stopped");
        let mark = term.mark();
        term.write("fg\n");
        term.painted_since(mark);
        term.shows("help: Board");
        term.press("esc");
        term.until("the board", whole_board);
        cases += 2;
    }
    term.press("q");
    term.until("the shell", |seen| !seen.screen.alternate_screen() && seen.lines.iter().any(|line| line == "ready>"));
    assert_eq!(term.modes(), term.modes_before());
    term.write("echo code $?\n");
    term.shows("code 0");
    record("terminal", cases, 6);
}

#[test]
fn a_stop_from_outside_is_as_ctrl_z() {
    let mut term = job();
    let pid = term.pid_of("quarterdeck");
    process::send(pid, Signal::TSTP);
    back_in_the_shell(&mut term, "Stopped");
    back_in_the_cockpit(&mut term);
    record("terminal", 1, 1);
}

#[test]
fn a_stop_that_can_not_be_caught_is_survived() {
    let mut term = job();
    let pid = term.pid_of("quarterdeck");
    process::send(pid, Signal::STOP);
    // Nothing could be given back: the shell takes what it needs.
    term.until_modes(|modes| modes == term.modes_before());
    back_in_the_cockpit(&mut term);
    term.press("q");
    term.until("the shell", |seen| !seen.screen.alternate_screen());
    term.until_modes(|modes| modes == term.modes_before());
    record("terminal", 1, 1);
}

#[test]
fn in_the_background_it_leaves_the_terminal_alone() {
    let mut term = job();
    term.press("ctrl-z");
    back_in_the_shell(&mut term, "Stopped");
    let mark = term.mark();
    term.write("bg\n");
    // It would have to take the terminal, which belongs to the shell, and is stopped again. The shell tells that stop
    // from the one before.
    term.write("until jobs -l | grep -q 'Stopped (tty'; do sleep 0.05; done; echo still $((50 + 2))\n");
    let seen = term.shows("still 52");
    assert_sane(&seen);
    let said = String::from_utf8_lossy(&term.raw_since(mark)).into_owned();
    assert!(!said.contains('\u{1b}'), "{said:?}");
    back_in_the_cockpit(&mut term);
    record("terminal", 1, 1);
}

#[test]
fn where_no_shell_waits_nothing_stops() {
    let mut term = up(Launch::demo());
    term.press("ctrl-z");
    term.shows("there is no shell here to go back to");
    term.press("2");
    term.shows("no filter: every open or failed instance");
    term.signal(Signal::TSTP);
    term.shows("there is no shell here to go back to");
    // Stopped by force and resumed, it paints everything anew.
    let pid = term.pid();
    term.signal(Signal::STOP);
    wait::eventually_now(GONE, || {
        wait::seen(process::Process::of(pid), |now| now.as_ref().is_some_and(|it| it.state == 'T'))
    });
    let mark = term.mark();
    term.signal(Signal::CONT);
    term.painted_since(mark);
    term.press("1");
    term.until("the board", whole_board);
    // Its own key, the signal, and the one that can't be caught.
    record("terminal", 3, 3);
}

#[test]
fn any_size_can_be_lived_in() {
    let mut term = up(Launch::demo());
    let mut cases = 0;
    for (size, shown) in
        [((30, 5), "too small: 30x5 of 40x10"), ((6, 1), "too s…"), ((1, 1), "t"), ((39, 34), "too small")]
    {
        term.resize(size);
        let seen = term.until("what it is too small for", |seen| seen.has(shown) && !seen.has("STUCK"));
        assert_eq!(seen.lines.iter().filter(|line| !line.is_empty()).count(), 1, "{}", seen.picture());
        cases += 1;
    }
    term.resize((40, 10));
    term.until("the least that can be shown", |seen| seen.lines[0].starts_with(" DEMO ") && seen.has("STUCK 2"));
    // Keys count in a terminal that is too small to show what they do.
    term.resize((10, 3));
    term.shows("too small…");
    term.press("2");
    term.resize((120, 34));
    term.shows("no filter: every open or failed instance");
    term.press("1");
    term.until("the board", whole_board);
    term.resize((0, 0));
    for size in [(200, 60), (500, 200), (1000, 40)] {
        term.resize(size);
        let rows = usize::from(size.1);
        term.until("the board", |seen| seen.lines.len() == rows && seen.last().starts_with(" Enter open"));
        cases += 1;
    }
    record("terminal", cases, 7);
}

#[test]
fn a_terminal_that_does_not_know_its_size_at_first_is_waited_for() {
    let mut term = Launch::demo().size((0, 0)).start();
    term.until("the alternate screen", |seen| seen.screen.alternate_screen());
    term.resize((120, 34));
    term.until("the board", whole_board);
    record("terminal", 1, 1);
}

#[test]
fn three_hundred_sizes_later_the_screen_is_right() {
    let mut term = up(Launch::demo());
    for n in 0..300_u16 {
        term.resize((1 + n * 7 % 230, 1 + n * 11 % 70));
    }
    term.resize((1, 1));
    term.resize((120, 34));
    term.until("the board", whole_board);
    // It stands still, so that what is on the screen can be compared with the same painted anew.
    term.press("P");
    term.shows(" PAUSED ");
    let body = |seen: &Seen| seen.lines[2..33].to_vec();
    let (mut before, mut after) = (term.seen(), term.repainted());
    // A minute may have ended between the two: no second one ends so soon after it.
    if body(&before) != body(&after) {
        (before, after) = (term.seen(), term.repainted());
    }
    assert_eq!(body(&before), body(&after), "{}\n{}", before.picture(), after.picture());
    record("terminal", 1, 1);
}

#[test]
fn the_same_size_again_is_not_the_same_screen() {
    let mut term = up(Launch::demo());
    // A terminal cuts off what it has no room for, also where it grows back before anybody has looked.
    for _ in 0..20 {
        term.resize((20, 8));
        term.resize((120, 34));
        term.until("the board", whole_board);
    }
}

#[test]
fn a_key_pressed_while_the_size_changes_is_not_lost() {
    let mut term = up(Launch::demo());
    for n in 0..40 {
        term.resize((120, 33));
        term.resize((120, 34));
        let (key, shown) = [("2", "no filter: every open or failed instance"), ("1", WORST)][n % 2];
        term.press(key);
        term.until(shown, |seen| seen.has(shown) && seen.has("flows need eyes") == (key == "1"));
    }
}

/// The mouse is listened to while the cockpit is there, and given back in the background and at the end.
#[test]
fn the_mouse_is_given_back() {
    use vt100::MouseProtocolMode as Mode;
    let mut term = up(Launch::demo());
    let on = |seen: &Seen| seen.screen.mouse_protocol_mode() == Mode::PressRelease;
    assert!(on(&term.seen()), "clicks and the wheel, and not every move");
    term.write(":mouse off");
    term.press("enter");
    term.until("no mouse", |seen| !on(seen));
    term.write(":mouse on");
    term.press("enter");
    term.until("the mouse again", on);
    // A click on the last of the screens' names, `8 Sources`, as a terminal tells it: how wide they are depends on what
    // stands before them.
    let column = term.seen().lines[1].trim_end().chars().count();
    term.write(&format!("\x1b[<0;{column};2M\x1b[<0;{column};2m"));
    term.shows("made up, in this process");
    term.press("q q");
    let (status, seen) = term.given_back();
    assert_eq!(status.exit_code(), 0);
    assert_eq!(seen.screen.mouse_protocol_mode(), Mode::None);
}

#[test]
fn a_terminal_that_may_not_know_a_mouse_is_not_asked_for_it() {
    let mut term = Launch::demo().env("TERM", "linux").start();
    term.shows("? help");
    assert!(!term.raw().windows(8).any(|bytes| bytes == b"\x1b[?1000h"));
    term.press("q");
    assert_eq!(term.given_back().0.exit_code(), 0);
}
