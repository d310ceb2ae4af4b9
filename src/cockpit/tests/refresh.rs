//! `r` asks the sources now, save those that want to be left alone: and says so.

use jiff::SignedDuration;

use super::Desk;
use super::fake::{FakeOps, overview};

/// A desk on this many sources of the board, the first of which want to be left alone for so many seconds.
fn desk(sources: usize, left: &[i64]) -> Desk {
    let mut board = overview();
    board.sources.truncate(sources);
    for (source, left) in board.sources.iter_mut().zip(left) {
        source.left_alone = Some(SignedDuration::from_secs(*left));
    }
    Desk::with(FakeOps { overview: std::sync::Mutex::new(Ok(board)), ..FakeOps::default() })
}

fn said(desk: &mut Desk) -> String {
    desk.keys("r");
    desk.app.message.as_ref().unwrap().text.to_string()
}

#[test]
fn what_wants_to_be_left_alone_is_not_said_to_be_asked() {
    assert_eq!(said(&mut desk(2, &[])), "the sources are being asked");
    let name = overview().sources[0].name.clone();
    assert_eq!(said(&mut desk(1, &[30])), format!("not asked: {name} wants to be left alone for 30 s more"));
    assert_eq!(
        said(&mut desk(2, &[300])),
        format!("the others are being asked: {name} wants to be left alone for 5 min more")
    );
    let mut both = desk(2, &[30, 300]);
    assert_eq!(said(&mut both), format!("not asked: {name} wants to be left alone for 30 s more, and so do 1 more"));
    // Time goes by; what was told is older then.
    let mut desk = desk(1, &[30]);
    desk.wait(20);
    assert_eq!(said(&mut desk), format!("not asked: {name} wants to be left alone for 10 s more"));
    desk.wait(20);
    assert_eq!(said(&mut desk), "the sources are being asked");
}
