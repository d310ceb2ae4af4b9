//! The log over a screen: what is wrong, what happened, and where the files are.

use super::Desk;
use super::fake::{FakeOps, now};
use crate::cockpit::app::Popup;
use crate::domain::log::{LogBook, LogEntry, LogLevel};

pub(super) fn filled() -> LogBook {
    let book = LogBook::default();
    book.set_place("/home/mara/.local/state/quarterdeck/log");
    let levels = [LogLevel::Info, LogLevel::Warning, LogLevel::Debug, LogLevel::Error];
    for n in 0..40_usize {
        let level = levels[n % 4];
        book.push(LogEntry {
            at: now() - jiff::SignedDuration::from_secs(400 - 10 * i64::try_from(n).unwrap()),
            level,
            source: (level != LogLevel::Error).then(|| "restate-eu".into()),
            text: match level {
                LogLevel::Info => "a pass is good again".into(),
                LogLevel::Warning => "a pass failed".into(),
                LogLevel::Debug => "a pass was good".into(),
                LogLevel::Error => "the record of acts can't be read back".into(),
            },
            fields: vec![("error", "connection refused: nothing listens at restate-eu:9070".into())],
        });
    }
    book
}

fn desk(size: (u16, u16)) -> Desk {
    let mut desk = Desk::with(FakeOps { log: filled(), ..FakeOps::default() });
    desk.app.size = size;
    desk.keys("L");
    desk
}

fn above(desk: &Desk) -> usize {
    let Some(Popup::Log(look)) = &desk.app.popup else { panic!("no log") };
    look.above
}

#[test]
fn it_is_read_by_level_and_one_event_in_full() {
    let mut desk = desk((120, 34));
    let text = desk.picture();
    assert!(text.contains("restate-eu 10 times"), "{text}");
    assert!(text.contains("files: /home/mara/.local/state/quarterdeck/log"), "{text}");
    assert!(text.contains("INFO") && text.contains("ERROR") && !text.contains("DEBUG"), "{text}");
    for (level, shown, hidden) in [
        ("all levels", "DEBUG", "nothing of this level"),
        ("errors only", "ERROR", "INFO"),
        ("errors and warnings", "WARNING", "INFO"),
    ] {
        desk.keys("tab");
        let text = desk.picture();
        assert!(text.contains(level) && text.contains(shown) && !text.contains(hidden), "{level}: {text}");
    }
    desk.keys("k enter");
    let text = desk.picture();
    assert!(text.contains("one event") && text.contains("what      a pass failed"), "{text}");
    desk.keys("esc esc");
    assert!(desk.app.popup.is_none());
}

#[test]
fn the_cursor_stays_on_its_event_when_others_come() {
    let mut desk = desk((80, 24));
    desk.keys("k k");
    assert_eq!(above(&desk), 2);
    let more = || LogEntry { at: now(), level: LogLevel::Info, source: None, text: "new".into(), fields: vec![] };
    desk.ops.log.push(more());
    desk.wait(1);
    assert_eq!(above(&desk), 3);
    desk.keys("G");
    desk.ops.log.push(more());
    desk.wait(1);
    assert_eq!(above(&desk), 0);
}

#[test]
fn files_that_cannot_be_written_are_told() {
    let mut desk = desk((80, 24));
    desk.ops.log.set_problem(Some("/state/log/quarterdeck.log can't be written: No space left on device".into()));
    desk.wait(1);
    assert!(desk.picture().contains("NOT WRITTEN: /state/log/quarterdeck.log can't be written"), "{}", desk.picture());
}

#[test]
fn it_fits_every_terminal() {
    for size in [(1, 1), (2, 2), (10, 5), (40, 8), (80, 24), (200, 60), (500, 200)] {
        let mut desk = desk(size);
        desk.picture();
        desk.keys("g enter");
        desk.picture();
    }
    insta::assert_snapshot!("log-80x24", desk((80, 24)).picture());
}
