//! The timeline of an instance as a chart: steps down, time across.
//!
//! Time is drawn to scale, except that a long stretch in which nothing changes is folded into a few columns, marked
//! and told with its length: else an hour of waiting would squeeze the seconds of work before it into nothing.

use jiff::{SignedDuration, Timestamp};

use crate::domain::run::{StepRun, StretchKind};
use crate::domain::time::since;

/// The columns of a folded stretch.
const FOLDED: usize = 6;

/// A stretch is folded where it is so many times as long as all that is drawn beside it.
const TOO_LONG: i32 = 3;

/// What is shorter is never folded: a reader would look for what was left out of a second.
const SHORT: SignedDuration = SignedDuration::from_secs(2);

/// What one cell of a row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Blank,
    /// The step does this.
    Does(StretchKind),
    /// An attempt failed here.
    Failed,
    /// Several attempts failed here.
    FailedOften,
    /// Time was left out here.
    Fold,
    /// It is now, and the instance has not ended.
    Now,
    /// Its promise ends here.
    Promise,
}

/// A piece of the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Its first column.
    pub column: usize,
    /// Its columns.
    pub columns: usize,
    /// Whether its time was left out.
    pub folded: bool,
}

/// Where times stand.
#[derive(Debug, Clone)]
pub struct Scale {
    /// The pieces, one after another.
    pub pieces: Vec<Piece>,
    /// All columns.
    pub columns: usize,
    /// Whether it ends now.
    pub open: bool,
}

impl Scale {
    /// A scale for these runs; `None` where there is nothing to draw, or no room.
    pub fn of(runs: &[StepRun], now: Timestamp, columns: usize) -> Option<Self> {
        let stretches = || runs.iter().flat_map(|run| &run.stretches);
        let open = stretches().any(|stretch| stretch.to.is_none());
        let mut times: Vec<Timestamp> = stretches()
            .flat_map(|stretch| [stretch.from, stretch.to.unwrap_or(now).max(stretch.from)])
            .chain(runs.iter().flat_map(|run| run.failures.iter().copied()))
            .collect();
        times.sort_unstable();
        times.dedup();
        if times.len() < 2 || columns < 2 * FOLDED {
            return None;
        }
        let gaps: Vec<(Timestamp, Timestamp)> = times.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let folded = folded(&gaps, columns);
        Some(Self { pieces: pieces(&gaps, &folded, columns), columns, open })
    }

    /// The column of a time; for the end of all time, the one behind the last.
    pub fn column(&self, at: Timestamp) -> usize {
        let found = self.pieces.partition_point(|piece| piece.to <= at).min(self.pieces.len().saturating_sub(1));
        let Some(piece) = self.pieces.get(found) else { return 0 };
        let whole = since(piece.from, piece.to).as_millis().max(1);
        let part = since(piece.from, at).as_millis().min(whole);
        let into = usize::try_from(part * piece.columns as i128 / whole).unwrap_or(0);
        piece.column + into
    }

    /// The column of a time that must be on the chart.
    fn within(&self, at: Timestamp) -> usize {
        self.column(at).min(self.columns.saturating_sub(1))
    }

    /// One step's row.
    pub fn row(&self, run: &StepRun, promise: Option<SignedDuration>, now: Timestamp) -> Vec<Cell> {
        let mut cells = vec![Cell::Blank; self.columns];
        let last = self.columns.saturating_sub(1);
        for stretch in &run.stretches {
            let from = self.within(stretch.from);
            // An end stands in the column before the next beginning; what is shorter than a column has one.
            let to = match stretch.to {
                Some(to) => self.column(to).max(from + 1),
                None => self.columns,
            };
            for cell in cells.iter_mut().take(to.min(self.columns)).skip(from) {
                *cell = Cell::Does(stretch.kind);
            }
        }
        for piece in self.pieces.iter().filter(|piece| piece.folded) {
            // The row goes on behind the fold, or is not there at all: only what is drawn is broken.
            let middle = piece.column + piece.columns / 2;
            for cell in cells.iter_mut().take(middle + 1).skip(middle.saturating_sub(1)) {
                *cell = Cell::Fold;
            }
        }
        // What is promised is how long it runs, and not how long it queues before.
        let began =
            run.stretches.iter().find(|stretch| stretch.kind == StretchKind::Running).map(|stretch| stretch.from);
        // What ends after the chart does has no place on it.
        let end = self.pieces.last().map_or(now, |piece| piece.to.min(now));
        if let Some((began, promise)) = began.zip(promise)
            && let Ok(limit) = began.checked_add(promise)
            && limit <= end
            && let Some(cell) = cells.get_mut(self.within(limit))
        {
            *cell = Cell::Promise;
        }
        for failure in &run.failures {
            // What failed at the end of a stretch belongs to it.
            let column = self.within(*failure);
            let column = if column > 0 && cells.get(column).is_none_or(|cell| *cell == Cell::Blank) {
                column - 1
            } else {
                column
            };
            if let Some(cell) = cells.get_mut(column) {
                *cell = if matches!(cell, Cell::Failed | Cell::FailedOften) { Cell::FailedOften } else { Cell::Failed };
            }
        }
        if self.open
            && let Some(cell) = cells.get_mut(last)
            && *cell == Cell::Blank
        {
            *cell = Cell::Now;
        }
        cells
    }

    /// Columns at which the axis may name a time: the beginning, behind each fold, and the end.
    pub fn ticks(&self) -> Vec<(usize, Timestamp)> {
        let first = self.pieces.first().map(|piece| (0, piece.from));
        let behind = self.pieces.windows(2).filter(|pair| pair[0].folded).map(|pair| (pair[1].column, pair[1].from));
        let end = self.pieces.last().map(|piece| (self.columns, piece.to));
        first.into_iter().chain(behind).chain(end).collect()
    }
}

/// Which gaps are folded: the longest ones, while each is much longer than all that is left.
fn folded(gaps: &[(Timestamp, Timestamp)], columns: usize) -> Vec<bool> {
    let length = |at: usize| gaps.get(at).map_or(SignedDuration::ZERO, |(from, to)| since(*from, *to));
    let mut order: Vec<usize> = (0..gaps.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(length(*at)));
    let mut rest: SignedDuration =
        order.iter().map(|at| length(*at)).fold(SignedDuration::ZERO, SignedDuration::saturating_add);
    let mut folded = vec![false; gaps.len()];
    for (count, at) in order.into_iter().enumerate() {
        rest = rest.saturating_sub(length(at));
        let too_long = rest > SignedDuration::ZERO && length(at) >= SHORT && length(at) > rest.saturating_mul(TOO_LONG);
        // Folds must leave most of the room to what is drawn.
        if !too_long || (count + 1) * FOLDED * 2 > columns {
            break;
        }
        if let Some(folded) = folded.get_mut(at) {
            *folded = true;
        }
    }
    folded
}

/// Shares the columns out: a few for each fold, the others by time.
fn pieces(gaps: &[(Timestamp, Timestamp)], folded: &[bool], columns: usize) -> Vec<Piece> {
    let folds = folded.iter().filter(|folded| **folded).count();
    let room = columns.saturating_sub(folds * FOLDED).max(1);
    let drawn = gaps.iter().zip(folded).filter(|(_, folded)| !**folded);
    let whole: i128 = drawn.map(|((from, to), _)| since(*from, *to).as_millis()).sum::<i128>().max(1);
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut passed, mut folds_passed) = (0_i128, 0_usize);
    for ((from, to), folded) in gaps.iter().zip(folded) {
        let column_of = |passed: i128| usize::try_from(passed * room as i128 / whole).unwrap_or(0);
        let column = column_of(passed) + folds_passed * FOLDED;
        let end = if *folded {
            folds_passed += 1;
            column + FOLDED
        } else {
            passed += since(*from, *to).as_millis();
            column_of(passed) + folds_passed * FOLDED
        };
        pieces.push(Piece { from: *from, to: *to, column, columns: end - column, folded: *folded });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::flow::EntryOutcome;
    use crate::domain::run::Stretch;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn run(stretches: &[(StretchKind, i64, Option<i64>)], failures: &[i64]) -> StepRun {
        let stretches = stretches.iter();
        StepRun {
            step: "s".into(),
            stretches: stretches
                .map(|(kind, from, to)| Stretch { kind: *kind, from: at(*from), to: to.map(at) })
                .collect(),
            failures: failures.iter().copied().map(at).collect(),
            outcome: EntryOutcome::Open,
        }
    }

    fn drawn(scale: &Scale, run: &StepRun, promise: Option<i64>, now: i64) -> String {
        let cells = scale.row(run, promise.map(SignedDuration::from_secs), at(now));
        let sign = |cell: &Cell| match cell {
            Cell::Blank => ' ',
            Cell::Does(StretchKind::Queued) => '.',
            Cell::Does(StretchKind::Running) => '#',
            Cell::Does(StretchKind::BackingOff) => '-',
            Cell::Does(StretchKind::Waiting) => 'w',
            Cell::Does(StretchKind::Paused) => 'p',
            Cell::Does(StretchKind::Undoing) => 'u',
            Cell::Failed => 'x',
            Cell::FailedOften => 'X',
            Cell::Fold => '~',
            Cell::Now => '|',
            Cell::Promise => '!',
        };
        cells.iter().map(sign).collect()
    }

    #[test]
    fn steps_stand_where_their_time_is() {
        use StretchKind::{BackingOff, Queued, Running};
        let runs = [
            run(&[(Queued, 0, Some(10))], &[]),
            run(&[(Running, 10, Some(20))], &[]),
            run(&[(Running, 20, Some(24)), (BackingOff, 24, Some(30)), (Running, 30, None)], &[24]),
        ];
        let scale = Scale::of(&runs, at(40), 40).unwrap();
        assert_eq!(drawn(&scale, &runs[0], None, 40), "..........                             |");
        assert_eq!(drawn(&scale, &runs[1], Some(5), 40), "          #####!####                   |");
        assert_eq!(drawn(&scale, &runs[2], None, 40), "                    ####x-----##########");
        // A step that kept its promise has its tick behind it; a promise that ends later has none.
        assert_eq!(drawn(&scale, &runs[1], Some(15), 40), "          ##########     !             |");
        assert_eq!(drawn(&scale, &runs[1], Some(31), 40), "          ##########                   |");
    }

    #[test]
    fn a_long_wait_is_folded_and_told() {
        use StretchKind::{Running, Waiting};
        let day = 86_400;
        let runs = [
            run(&[(Running, 0, Some(10))], &[]),
            run(&[(Waiting, 10, Some(day))], &[]),
            run(&[(Running, day, Some(day + 10))], &[]),
        ];
        let scale = Scale::of(&runs, at(2 * day), 26).unwrap();
        assert_eq!(drawn(&scale, &runs[0], None, 0), "##########  ~~            ");
        assert_eq!(drawn(&scale, &runs[1], None, 0), "          ww~~ww          ");
        assert_eq!(drawn(&scale, &runs[2], None, 0), "            ~~  ##########");
        assert!(!scale.open);
        let folds: Vec<_> = scale.pieces.iter().filter(|piece| piece.folded).collect();
        assert_eq!((folds.len(), since(folds[0].from, folds[0].to).as_secs()), (1, day - 10));
        assert_eq!(scale.ticks(), [(0, at(0)), (16, at(day)), (26, at(day + 10))]);
    }

    #[test]
    fn nothing_is_drawn_where_there_is_nothing_or_no_room() {
        assert!(Scale::of(&[], at(0), 40).is_none());
        let runs = [run(&[(StretchKind::Running, 0, None)], &[])];
        assert!(Scale::of(&runs, at(0), 40).is_none(), "no time has passed");
        assert!(Scale::of(&runs, at(5), 3).is_none());
        assert!(Scale::of(&runs, at(5), 20).is_some());
    }

    proptest! {
        #[test]
        fn every_scale_is_whole_and_in_order(
            spans in proptest::collection::vec((0_i64..100_000, 0_i64..1_000_000, any::<bool>()), 1..40),
            columns in 12_usize..180,
        ) {
            let runs: Vec<StepRun> = spans
                .iter()
                .map(|(from, long, open)| run(&[(StretchKind::Running, *from, (!open).then_some(from + long))], &[from + long / 2]))
                .collect();
            let now = at(2_000_000);
            let Some(scale) = Scale::of(&runs, now, columns) else { return Ok(()) };
            prop_assert_eq!(scale.pieces.last().map(|piece| piece.column + piece.columns), Some(columns));
            for pair in scale.pieces.windows(2) {
                prop_assert_eq!(pair[0].column + pair[0].columns, pair[1].column);
                prop_assert!(scale.column(pair[0].from) <= scale.column(pair[1].from));
            }
            for run in &runs {
                let cells = scale.row(run, Some(SignedDuration::from_secs(5)), now);
                prop_assert_eq!(cells.len(), columns);
                prop_assert!(cells.iter().any(|cell| *cell != Cell::Blank), "each step can be seen");
            }
        }
    }
}
