//! The characters that stand for states, and what stands for them where only ASCII can be drawn.

use crate::domain::latency::Heat;
use crate::domain::remediation::ItemState;
use crate::domain::source::Freshness;
use crate::domain::verdict::Verdict;
use crate::domain::wide::WideState;

/// One set of characters. Each is one column wide, but for the words that say where the rest is.
#[derive(Debug, Clone, Copy)]
pub struct Glyphs {
    /// Between a flow and its step.
    pub step: &'static str,
    /// Between parts of a line.
    pub part: &'static str,
    /// Nothing to say of it, or not to be done.
    pub dot: &'static str,
    /// Where something was cut off.
    pub ellipsis: &'static str,
    /// Before the row under the cursor.
    pub cursor: &'static str,
    /// A horizontal line.
    pub rule: &'static str,
    /// A vertical line.
    pub bar: &'static str,
    /// The corners of a box: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// Where the rest is that is above. A word where there is no arrow: its letter would read as a key.
    pub above: &'static str,
    /// Where the rest is that is below. A word where there is no arrow.
    pub below: &'static str,
    /// Before the name of an order, and before that of one that is turned round.
    pub order: [&'static str; 2],
    /// Leads to.
    pub arrow: &'static str,
    /// May be done.
    pub can: &'static str,
    /// How full a step is with stuck instances: none, below ten, below a hundred, more.
    pub shades: [&'static str; 4],
    /// A wait that is legitimate.
    pub waiting: &'static str,
    /// Not known.
    pub blind: &'static str,
    /// Nothing to tell yet.
    pub none: &'static str,
    /// Well.
    pub ok: &'static str,
    /// Bad.
    pub bad: &'static str,
    /// Nearly bad.
    pub warn: &'static str,
    /// Going on.
    pub busy: &'static str,
    /// In the queue, in a chart.
    pub queue: &'static str,
    /// Running, in a chart.
    pub run: &'static str,
    /// Waiting for the next attempt, in a chart.
    pub backing_off: &'static str,
    /// Where time was left out of a chart.
    pub fold: &'static str,
    /// Where a promise ends, in a chart.
    pub promise: &'static str,
    /// Between two that are compared.
    pub differs: &'static str,
    /// Before what is folded.
    pub folded: &'static str,
    /// Before what can be folded.
    pub unfolded: &'static str,
    /// Between times.
    pub to: &'static str,
    /// Before what is marked.
    pub mark: &'static str,
    /// Before what the list is grouped by.
    pub groups: &'static str,
    /// How a step did against its promise, in the order of [`Heat::ALL`].
    pub heats: [&'static str; Heat::ALL.len()],
}

/// For terminals that can show Unicode.
pub const UNICODE: Glyphs = Glyphs {
    step: "›",
    part: "·",
    dot: "·",
    ellipsis: "…",
    cursor: "▸",
    rule: "─",
    bar: "│",
    corners: ["╭", "╮", "╰", "╯"],
    above: "↑",
    below: "↓",
    order: ["↓", "↑"],
    arrow: "→",
    can: "→",
    shades: ["·", "░", "▒", "█"],
    waiting: "w",
    blind: "?",
    none: "–",
    ok: "✓",
    bad: "✗",
    warn: "!",
    busy: "◌",
    queue: "░",
    run: "█",
    backing_off: "-",
    fold: "≈",
    promise: "┊",
    differs: "≠",
    folded: "▹",
    unfolded: "▿",
    to: "–",
    mark: "●",
    groups: "≡",
    heats: ["·", "?", "◌", "▫", "░", "▒", "▓", "█"],
};

/// For those that can't.
pub const ASCII: Glyphs = Glyphs {
    step: "/",
    part: "|",
    dot: "-",
    ellipsis: "~",
    cursor: ">",
    rule: "-",
    bar: "|",
    corners: ["+", "+", "+", "+"],
    above: "above",
    below: "below",
    order: ["by", "reversed by"],
    arrow: ">",
    can: "+",
    shades: [".", "-", "+", "#"],
    waiting: "w",
    blind: "?",
    none: "-",
    ok: "*",
    bad: "x",
    warn: "!",
    busy: "o",
    queue: ".",
    run: "#",
    backing_off: "-",
    fold: "~",
    promise: "!",
    differs: "=",
    folded: "+",
    unfolded: "-",
    to: "-",
    mark: "*",
    groups: "grouped",
    heats: {
        let [none, blind, unfinished, unpromised, within, near, over, far] = Heat::ALL;
        [
            none.ascii(),
            blind.ascii(),
            unfinished.ascii(),
            unpromised.ascii(),
            within.ascii(),
            near.ascii(),
            over.ascii(),
            far.ascii(),
        ]
    },
};

impl Glyphs {
    /// The set for a terminal.
    pub const fn of(ascii: bool) -> &'static Self {
        if ascii { &ASCII } else { &UNICODE }
    }

    /// For a verdict.
    pub const fn verdict(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Ok => self.dot,
            Verdict::Suspect => self.warn,
            Verdict::Stuck => self.bad,
            Verdict::Recheck | Verdict::Unknown => self.blind,
        }
    }

    /// For a source.
    pub const fn freshness(&self, state: Freshness) -> &'static str {
        match state {
            Freshness::Live => self.ok,
            Freshness::Stale => self.blind,
            Freshness::Failed => self.bad,
            Freshness::Never => self.busy,
        }
    }

    /// For an act.
    pub const fn item(&self, state: ItemState) -> &'static str {
        match state {
            ItemState::Pending | ItemState::Accepted | ItemState::Done => self.busy,
            ItemState::Skipped => self.dot,
            ItemState::Verified => self.ok,
            ItemState::Failed => self.bad,
            ItemState::Unknown => self.blind,
        }
    }

    /// For a remediation of many.
    pub const fn wide(&self, state: WideState) -> &'static str {
        match state {
            WideState::AwaitingApproval | WideState::Held | WideState::Partial => self.warn,
            WideState::Approved => self.can,
            WideState::Running | WideState::Verifying => self.busy,
            WideState::Succeeded => self.ok,
            WideState::Failed | WideState::Aborted | WideState::Rejected => self.bad,
            WideState::Expired | WideState::Stale | WideState::RolledBack => self.dot,
            WideState::Unknown => self.blind,
        }
    }

    /// For how a step did in a slot of time.
    pub const fn heat(&self, heat: Heat) -> &'static str {
        self.heats[heat as usize]
    }

    /// For a number of stuck instances.
    pub const fn shade(&self, stuck: u64) -> &'static str {
        match stuck {
            0 => self.shades[0],
            1..10 => self.shades[1],
            10..100 => self.shades[2],
            _ => self.shades[3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_ascii_and_every_glyph_is_one_column() {
        use unicode_width::UnicodeWidthStr;
        for set in [&UNICODE, &ASCII] {
            let all = [
                set.step,
                set.part,
                set.dot,
                set.ellipsis,
                set.cursor,
                set.rule,
                set.bar,
                set.arrow,
                set.can,
                set.waiting,
                set.blind,
                set.ok,
                set.bad,
                set.warn,
                set.busy,
                set.to,
                set.folded,
                set.differs,
                set.queue,
                set.run,
                set.backing_off,
                set.fold,
                set.promise,
                set.unfolded,
            ];
            for glyph in all.into_iter().chain(set.corners).chain(set.shades).chain(set.heats) {
                assert_eq!(glyph.width(), 1, "{glyph}");
                assert!(set.step == "›" || glyph.is_ascii(), "{glyph}");
            }
            for word in [set.above, set.below].into_iter().chain(set.order) {
                assert!(set.step == "›" || word.is_ascii(), "{word}");
                assert!(word.width() == 1 || set.step != "›", "{word}");
            }
        }
    }

    #[test]
    fn no_ascii_sign_of_a_row_stands_for_two_things() {
        let signs = [ASCII.cursor, ASCII.step, ASCII.part, ASCII.dot, ASCII.can, ASCII.ok, ASCII.bad];
        let distinct: std::collections::HashSet<_> = signs.into_iter().collect();
        assert_eq!(distinct.len(), signs.len());
    }
}
