//! The claim menu's state: what is to be said of a cohort, until when, and whose word it would replace.

use jiff::{SignedDuration, Timestamp};
use tui_input::Input;

use super::times::Times;
use crate::domain::claim::{Claim, ClaimChange, ClaimKind, ClaimRequest, LONGEST, SHORTEST};
use crate::domain::cohort::Cohort;
use crate::domain::text::SafeText;
use crate::domain::time::{age, parse_duration, since};

/// The ends that keys step through.
pub const ENDS: [&str; 5] = ["30m", "1h", "2h", "4h", "8h"];

/// What can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// To say something.
    Make(ClaimKind),
    /// To take back what was said.
    Release,
}

impl Choice {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Make(kind) => kind.name(),
            Self::Release => "release",
        }
    }

    /// What it says.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Make(kind) => kind.doc(),
            Self::Release => "nobody has it any more",
        }
    }

    /// How long it lasts where nothing else is said.
    const fn end(self) -> &'static str {
        match self {
            Self::Make(ClaimKind::Claim) | Self::Release => "30m",
            Self::Make(ClaimKind::Acknowledge) => "4h",
            Self::Make(ClaimKind::Snooze) => "1h",
        }
    }
}

/// Where the focus is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// What is said.
    What,
    /// Until when.
    End,
    /// What else is said.
    Note,
}

impl Field {
    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::What => Self::End,
            Self::End => Self::Note,
            Self::Note => Self::What,
        }
    }
}

/// What can be clicked on in the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimPart {
    /// What can be chosen, by its index.
    Choice(usize),
    /// One of [`ENDS`], by its index.
    End(usize),
    /// A field that is typed into.
    Field(Field),
    /// A button of the question whether the claim of another is taken over: the one that does it, or the other.
    Over(bool),
}

/// The menu.
#[derive(Debug, Clone)]
pub struct ClaimMenu {
    /// The cohort, as the board knows it.
    pub cohort: Cohort,
    /// Who is at the keyboard.
    pub operator: SafeText,
    /// The index of what is chosen.
    pub index: usize,
    /// Until when: a duration or a time of day.
    pub end: Input,
    /// Whether somebody typed the end: then it stays when something else is chosen.
    pub end_typed: bool,
    /// What else is said.
    pub note: Input,
    /// Where the focus is.
    pub field: Field,
    /// Why it was not taken.
    pub error: Option<SafeText>,
    /// The claim of somebody else that would be replaced, while that is asked; and whether yes has the focus.
    pub over: Option<(Claim, bool)>,
    /// Whether it was sent and not answered yet.
    pub sent: bool,
}

impl ClaimMenu {
    /// The menu of a cohort.
    pub fn new(cohort: Cohort, operator: SafeText) -> Self {
        Self {
            cohort,
            operator,
            index: 0,
            end: Input::new(ENDS[0].to_owned()),
            end_typed: false,
            note: Input::default(),
            field: Field::What,
            error: None,
            over: None,
            sent: false,
        }
    }

    /// What can be chosen now.
    pub fn choices(&self) -> Vec<Choice> {
        let release = self.cohort.claim.is_some().then_some(Choice::Release);
        ClaimKind::ALL.map(Choice::Make).into_iter().chain(release).collect()
    }

    /// What is chosen.
    pub fn choice(&self) -> Choice {
        self.choices().get(self.index).copied().unwrap_or(Choice::Make(ClaimKind::Claim))
    }

    /// Chooses.
    pub fn choose(&mut self, index: usize) {
        self.index = index.min(self.choices().len().saturating_sub(1));
        self.error = None;
        if !self.end_typed {
            self.end = Input::new(self.choice().end().to_owned());
        }
    }

    /// The next end, or the one before.
    pub fn step_end(&mut self, forth: bool) {
        let at = ENDS.iter().position(|end| *end == self.end.value());
        let at = match (at, forth) {
            (Some(at), true) => (at + 1).min(ENDS.len() - 1),
            (Some(at), false) => at.saturating_sub(1),
            (None, _) => 0,
        };
        self.set_end(at);
    }

    /// One of [`ENDS`].
    pub fn set_end(&mut self, at: usize) {
        self.end = Input::new(ENDS[at.min(ENDS.len() - 1)].to_owned());
        self.end_typed = true;
        self.error = None;
    }

    /// Until when it would hold.
    pub fn until(&self, times: &Times, now: Timestamp) -> Result<Timestamp, String> {
        let until = end(self.end.value(), times, now)?;
        let length = until.duration_since(now);
        if length < SHORTEST {
            return Err("a claim needs an end that is a minute ahead at least".to_owned());
        }
        if length > LONGEST {
            return Err("a claim lasts a week at most".to_owned());
        }
        Ok(until)
    }

    /// The claim of somebody else that holds now.
    pub fn others(&self, now: Timestamp) -> Option<&Claim> {
        self.cohort.claim.as_ref().filter(|claim| claim.by != self.operator && !claim.expired(now))
    }

    /// What would be asked for.
    pub fn request(&self, times: &Times, now: Timestamp) -> Result<ClaimRequest, String> {
        let what = match self.choice() {
            Choice::Release => ClaimChange::Release,
            Choice::Make(kind) => {
                ClaimChange::Make { kind, until: self.until(times, now)?, note: self.note.value().trim().to_owned() }
            }
        };
        let over = self.over.as_ref().map(|(claim, _)| claim.id.clone());
        Ok(ClaimRequest { cohort: self.cohort.id.clone(), what, over })
    }
}

/// A moment ahead, as people write it: `45m`, `2h30m`, or the next time that the clock on screen shows `03:40`.
fn end(text: &str, times: &Times, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let unreadable = || format!("{text:?} is no end; write 45m, 2h30m, or a time of day such as 03:40");
    if let Some((hours, minutes)) = text.split_once(':') {
        let number = |text: &str| {
            let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i8>().ok().filter(|_| digits)
        };
        let (hours, minutes) = number(hours).zip(number(minutes)).ok_or_else(unreadable)?;
        return times.next(hours, minutes, now).ok_or_else(unreadable);
    }
    let length = parse_duration(text).map_err(|_| unreadable())?;
    now.checked_add(length.min(SignedDuration::from_hours(24 * 366))).map_err(|_| unreadable())
}

/// Who has a cohort and for how much longer, in at most `room` columns: `you 24m`, `op-b 4m`, `seen you 3h`.
pub fn owner(claim: Option<&Claim>, operator: &str, now: Timestamp, room: usize) -> String {
    let Some(claim) = claim else { return if room < 9 { String::new() } else { "unclaimed".to_owned() } };
    let left = age(since(now, claim.until));
    let who = if claim.by == *operator { "you" } else { &claim.by };
    let word = match claim.kind {
        ClaimKind::Claim => "",
        ClaimKind::Acknowledge => "seen ",
        ClaimKind::Snooze => "snoozed ",
    };
    let whole = format!("{word}{who} {left}");
    if super::widgets::pen::width(&whole) <= room {
        return whole;
    }
    if !word.is_empty() {
        return format!("{word}{left}");
    }
    let name = super::widgets::pen::fit(who, room.saturating_sub(left.len() + 1), "~").into_owned();
    format!("{name} {left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc() -> Times {
        Times::new(crate::config::Times::Utc, jiff::tz::TimeZone::UTC)
    }

    fn now() -> Timestamp {
        "2026-01-15T03:12:07Z".parse().unwrap()
    }

    #[test]
    fn an_end_is_a_duration_or_the_next_time_the_clock_shows_it() {
        for (text, expected) in [
            ("45m", "2026-01-15T03:57:07Z"),
            (" 2h30m ", "2026-01-15T05:42:07Z"),
            ("03:40", "2026-01-15T03:40:00Z"),
            ("3:12", "2026-01-16T03:12:00Z"),
            ("00:00", "2026-01-16T00:00:00Z"),
        ] {
            assert_eq!(end(text, &utc(), now()).unwrap(), expected.parse::<Timestamp>().unwrap(), "{text}");
        }
        for text in ["", "45", "soon", "25:00", "03:60", "3:-1", "-5m", "03:40:00", "+3:40"] {
            assert!(end(text, &utc(), now()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_owner_is_told_in_the_room_there_is() {
        let claim = |kind, by: &str| Claim {
            id: "1".into(),
            cohort: "c".into(),
            kind,
            by: by.into(),
            at: now(),
            until: now() + SignedDuration::from_mins(24),
            note: None,
            count: 1,
            tenants: 1,
        };
        let told = |kind, by, room| owner(Some(&claim(kind, by)), "mara", now(), room);
        assert_eq!(owner(None, "mara", now(), 10), "unclaimed");
        assert_eq!(owner(None, "mara", now(), 8), "");
        assert_eq!(told(ClaimKind::Claim, "mara", 8), "you 24m");
        assert_eq!(told(ClaimKind::Claim, "op-b", 8), "op-b 24m");
        assert_eq!(told(ClaimKind::Claim, "christopher", 10), "chris~ 24m");
        assert_eq!(told(ClaimKind::Acknowledge, "op-b", 13), "seen op-b 24m");
        assert_eq!(told(ClaimKind::Acknowledge, "op-b", 8), "seen 24m");
        assert_eq!(told(ClaimKind::Snooze, "mara", 11), "snoozed 24m");
    }
}
