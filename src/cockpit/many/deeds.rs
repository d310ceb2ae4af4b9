//! What may be asked of a remediation of many, and why not.

use super::words;
use crate::cockpit::app::App;
use crate::domain::approval::{Answer, Reviewer};
use crate::domain::policy::Roles;
use crate::domain::remediation::ItemState;
use crate::domain::rollback::{inverse, may_have_held, refused};
use crate::domain::wide::{Control, WideRemediation, WideState};

/// One thing that may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Start, hold, resume or end it.
    Control(Control),
    /// Approve or deny it.
    Answer(Answer),
    /// Plan the items that came to this once more.
    Again(ItemState),
    /// Plan what takes it back.
    RollBack,
}

impl Deed {
    /// Each of them, in the order of the menu.
    pub const ALL: [Self; 9] = [
        Self::Control(Control::Run),
        Self::Control(Control::Hold),
        Self::Control(Control::Resume),
        Self::Control(Control::Abort),
        Self::Answer(Answer::Approve),
        Self::Answer(Answer::Deny),
        Self::Again(ItemState::Failed),
        Self::Again(ItemState::Unknown),
        Self::RollBack,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control(control) => control.name(),
            Self::Answer(answer) => answer.name(),
            Self::Again(ItemState::Unknown) => "unknown only",
            Self::Again(_) => "failed only",
            Self::RollBack => "roll back",
        }
    }

    /// What happens to this one.
    fn words(self, head: &WideRemediation) -> &'static str {
        match self {
            Self::Control(Control::Run) => "starts it: its first wave is sent",
            Self::Control(Control::Hold) => "sends nothing more until it is resumed; Enter does it",
            Self::Control(Control::Resume) => "goes on where it was held; nothing is sent twice",
            Self::Control(Control::Abort) => "sends nothing more, for good; what was sent is watched",
            Self::Answer(Answer::Approve) => "says that this plan may run; a comment comes first",
            Self::Answer(Answer::Deny) => "says that it may not; a comment comes first",
            Self::Again(ItemState::Unknown) => "plans those anew of which nobody knows; nothing is sent",
            Self::Again(_) => "plans those anew that failed; nothing is sent",
            Self::RollBack => inverse(&head.plan.frozen).map_or("takes back what it did", |inverse| inverse.words()),
        }
    }

    /// Whether it is one that is asked of a remediation which stands so, whoever asks.
    pub fn fits(self, head: &WideRemediation) -> bool {
        match self {
            Self::Control(control) => control.refused(head.state).is_none(),
            Self::Answer(_) => head.state == WideState::AwaitingApproval,
            Self::Again(state) => !head.state.runs() && head.counts.get(state) > 0,
            Self::RollBack => {
                refused(&head.plan.frozen, head.state, may_have_held(&head.plan.frozen, &head.counts), None).is_none()
            }
        }
    }
}

/// One thing that may be asked, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeedEntry {
    /// What.
    pub deed: Deed,
    /// What happens.
    pub words: &'static str,
    /// Why it can't be had; `None` where it can.
    pub refusal: Option<String>,
}

/// Everything that may be asked of one, with the reasons why not.
pub fn deeds(app: &App, head: &WideRemediation) -> Vec<DeedEntry> {
    Deed::ALL
        .into_iter()
        .map(|deed| DeedEntry { deed, words: deed.words(head), refusal: refusal(app, head, deed) })
        .collect()
}

fn refusal(app: &App, head: &WideRemediation, deed: Deed) -> Option<String> {
    let read_only = || app.read_only().map(ToString::to_string);
    match deed {
        Deed::Control(control @ (Control::Run | Control::Resume)) => {
            let late = control == Control::Run && !head.approval.in_time(app.now);
            control
                .refused(head.state)
                .or_else(|| late.then(|| "it was not started in time; ask for it anew".to_owned()))
                .or_else(read_only)
        }
        // What stops something is let through always.
        Deed::Control(control) => control.refused(head.state),
        Deed::Answer(_) if head.state != WideState::AwaitingApproval => {
            Some(format!("nothing is waited for: {}", words::next(head)))
        }
        Deed::Answer(Answer::Approve) => match app.remediations.detail_of(&head.id) {
            Some(detail) => detail.cannot_approve.as_ref().map(ToString::to_string),
            None => Some("whether you may is being asked".to_owned()),
        },
        Deed::Answer(answer @ Answer::Deny) => {
            // Whoever may see it may say no, whatever their roles are.
            let roles = Roles::default();
            let reviewer = Reviewer { name: &app.settings.operator, roles: &roles, solo: false };
            head.approval.refuses(&reviewer, answer, &head.requested_by, app.now)
        }
        Deed::Again(state) => {
            let none = head.counts.get(state) == 0;
            let unread = app.remediations.detail_of(&head.id).is_none();
            none.then(|| format!("no item is {}", state.name()))
                .or_else(|| head.state.runs().then(|| "it still runs: hold it, or wait for its end".to_owned()))
                .or_else(|| unread.then(|| "its items are being asked for".to_owned()))
                .or_else(read_only)
        }
        Deed::RollBack => {
            let takes = |other: &&WideRemediation| other.takes_back.as_ref() == Some(&head.id) && !other.state.ended();
            let by = app.remediations.all().map(|other| &**other).find(takes);
            let by = by.map(|other| (other.id.as_str(), other.state));
            let any = may_have_held(&head.plan.frozen, &head.counts);
            refused(&head.plan.frozen, head.state, any, by).or_else(read_only)
        }
    }
}
