//! What is kept from frame to frame changes nothing of what is seen, and makes frames small.

use jiff::SignedDuration;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::Desk;
use super::fake::settings;
use crate::cockpit::draw::draw;
use crate::cockpit::frames::Frames;
use crate::cockpit::frames::tests::assert_shows;
use crate::cockpit::msg::Msg;
use crate::cockpit::theme::Styles;
use crate::cockpit::update::{next_tick, update};
use crate::domain::source::SourceStatus;

/// A cockpit with a terminal.
struct Seat {
    desk: Desk,
    styles: Styles,
    frames: Frames,
    terminal: vt100::Parser,
}

impl Seat {
    fn new(size: (u16, u16)) -> Self {
        let desk = Desk::new();
        let terminal = vt100::Parser::new(size.1.try_into().unwrap(), size.0.try_into().unwrap(), 0);
        let styles = settings().styles(None).unwrap();
        let mut seat = Self { desk, styles, frames: Frames::default(), terminal };
        seat.resize(size);
        seat
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.terminal.screen_mut().set_size(size.1.try_into().unwrap(), size.0.try_into().unwrap());
        let effects = update(&mut self.desk.app, Msg::Resize(size.0, size.1), self.desk.now);
        self.desk.settle(effects);
    }

    /// Shows a frame, and tells how many bytes it took.
    fn frame(&mut self) -> usize {
        let bytes = self.frames.next(&self.desk.app, &self.styles);
        self.terminal.process(bytes);
        bytes.len()
    }

    /// Looks whether what is shown is what is drawn anew.
    fn assert_right(&self) {
        let (width, height) = self.desk.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let cursor = draw(&self.desk.app, &self.styles, &mut buffer);
        let screen = self.terminal.screen();
        assert_shows(screen, &buffer);
        assert_eq!(screen.hide_cursor(), cursor.is_none());
        if let Some(Position { x, y }) = cursor {
            assert_eq!(screen.cursor_position(), (y, x));
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Key(&'static str),
    /// A second goes by.
    Second,
    /// A number on the board is another one.
    Count(usize, u64),
    /// A row is gone, or comes back.
    Row(usize),
    Resize(u16, u16),
    /// Nobody knows what is on the terminal.
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let keys = [
        "1",
        "2",
        "3",
        "4",
        "j",
        "down",
        "up",
        "pgdn",
        "pgup",
        "home",
        "end",
        "tab",
        "enter",
        "esc",
        "esc",
        "esc",
        "?",
        "v",
        "/",
        "a",
        "space",
        "backspace",
        "=",
        "F",
        "#",
        "s",
        "S",
        "y",
        "t",
        "T",
        ":",
        "g",
        "J",
        "p",
        "C",
        "x",
    ];
    prop_oneof![
        12 => prop::sample::select(keys.to_vec()).prop_map(Step::Key),
        2 => Just(Step::Second),
        2 => (0_usize..60, 0_u64..1_200).prop_map(|(at, count)| Step::Count(at, count)),
        1 => (0_usize..60).prop_map(Step::Row),
        1 => (prop::sample::select(vec![30_u16, 60, 84, 120, 170]), 8_u16..40).prop_map(|(x, y)| Step::Resize(x, y)),
        1 => Just(Step::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn frames_show_what_is_drawn_anew(steps in prop::collection::vec(step(), 1..24)) {
        let mut seat = Seat::new((120, 34));
        let all = seat.desk.ops.rows.lock().unwrap().clone();
        for step in steps {
            match step {
                Step::Key(key) => seat.desk.keys(key),
                Step::Second => seat.desk.wait(1),
                Step::Count(at, count) => {
                    if let Ok(overview) = &mut *seat.desk.ops.overview.lock().unwrap() {
                        let cells = overview.cells.len();
                        overview.cells[at % cells].counts.stuck = count;
                    }
                    seat.desk.change();
                }
                Step::Row(at) => {
                    let mut rows = all.clone();
                    rows.remove(at);
                    *seat.desk.ops.rows.lock().unwrap() = rows;
                    seat.desk.change();
                }
                Step::Resize(width, height) => seat.resize((width, height)),
                Step::Forget => seat.frames.forget(),
            }
            seat.frame();
            seat.assert_right();
            prop_assert_eq!(seat.frame(), 0, "nothing has changed since");
            prop_assert_eq!(seat.frames.work().lines, 0);
        }
    }
}

#[test]
fn what_is_not_to_be_seen_is_no_byte() {
    let mut seat = Seat::new((200, 60));
    assert!(seat.frame() > 1_000, "the whole screen");
    assert_eq!(seat.frames.work().lines, 60);
    seat.desk.change();
    assert_eq!(seat.frame(), 0, "asked and told the same");
    assert_eq!(seat.frames.work().lines, 0);
}

#[test]
fn a_change_takes_the_bytes_of_what_changes() {
    let mut seat = Seat::new((200, 60));
    seat.frame();
    if let Ok(overview) = &mut *seat.desk.ops.overview.lock().unwrap() {
        overview.cells[1].counts.open += 1;
    }
    seat.desk.change();
    let counter = seat.frame();
    assert!((1..=40).contains(&counter), "a counter: {counter} B");
    assert_eq!(seat.frames.work().lines, 1);
    seat.assert_right();
    seat.desk.now += SignedDuration::from_secs(1);
    seat.desk.app.now = seat.desk.now;
    let second = seat.frame();
    assert!((1..=400).contains(&second), "the ages of a second later: {second} B");
    seat.assert_right();
    seat.desk.keys("2");
    seat.frame();
    seat.desk.keys("down");
    let moved = seat.frame();
    // Two rows of 200 columns in another look, and what is told of the row under the cursor.
    assert!((1..=2_400).contains(&moved), "the cursor: {moved} B");
    assert!(seat.frames.work().lines <= 2 + 1 + 11);
    seat.assert_right();
}

/// Ten sources that are heard every ten seconds, and nothing changes: what wakes the cockpit besides is what is to be
/// seen to change.
#[test]
fn at_rest_nothing_wakes_it_but_a_label_that_changes() {
    for screen in ["1", "2", "8", "2 enter"] {
        let mut seat = Seat::new((200, 60));
        let heard = |seat: &mut Seat| {
            if let Ok(overview) = &mut *seat.desk.ops.overview.lock().unwrap() {
                let source = SourceStatus { last_good_at: Some(seat.desk.now), ..overview.sources[0].clone() };
                let named = |n| SourceStatus { name: format!("engine-{n}").into(), ..source.clone() };
                overview.sources = std::iter::once(source.clone()).chain((1..10).map(named)).collect();
                overview.at = seat.desk.now;
            }
            seat.desk.change();
        };
        heard(&mut seat);
        seat.desk.keys(screen);
        seat.frame();
        let begin = seat.desk.now;
        let mut wake_ups = 0;
        for _ in 0..70 {
            let next = next_tick(&seat.desk.app, seat.desk.now);
            if next > begin + SignedDuration::from_secs(60) {
                break;
            }
            assert!(next > seat.desk.now);
            seat.desk.now = next;
            let effects = update(&mut seat.desk.app, Msg::Tick, next);
            seat.desk.settle(effects);
            let bytes = seat.frame();
            assert!((1..=1_000).contains(&bytes), "{screen}: a label has changed, and little else: {bytes} B");
            wake_ups += 1;
            if wake_ups % 10 == 0 {
                heard(&mut seat);
                seat.frame();
            }
        }
        seat.assert_right();
        assert!((1..=60).contains(&wake_ups), "{screen}: {wake_ups}");
    }
}
