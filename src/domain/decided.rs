//! A finding of drift with what is known of it here: since when it is there, and what people have decided of it: that it is
//! to be left alone for a while, or that what is there is now what is wanted. One finding has one decision at a time; the
//! later one takes the place of the one before.

use std::sync::Arc;

use jiff::Timestamp;

use super::drift::{DriftFinding, DriftStatus, Severity};
use super::remediation::Verb;
use super::text::SafeText;
use super::time::date_time;

/// That a finding is to be left alone, with a reason and an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// Who said so; taken on trust.
    pub by: SafeText,
    /// When.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: SafeText,
}

/// That what is there is what is wanted from now on, although its source still wants otherwise. It holds for the very
/// difference that was seen, and for no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// Who said so; taken on trust.
    pub by: SafeText,
    /// When.
    pub at: Timestamp,
    /// What differed then: [`DriftFinding::seen`].
    pub seen: SafeText,
    /// Why.
    pub reason: SafeText,
}

/// What was decided of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is left alone until a moment.
    Ignore(Ignore),
    /// What is there is wanted.
    Adopt(Adoption),
}

/// What is to be done about a finding that was adopted: no engine can rewrite what it wants.
pub const CHANGE_THERE: &str = "its source still wants otherwise: change it there";

/// A finding, with what the hub knows of it beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDrift {
    /// What the source told; resolved where it tells it no more.
    pub finding: Arc<DriftFinding>,
    /// How bad it is: as a rule of the config says, or else its source.
    pub severity: Severity,
    /// Who is to look after it: as a rule of the config says, or else its source.
    pub owner: Option<SafeText>,
    /// When it was seen first, by the local clock; engines seldom keep that.
    pub first_seen: Timestamp,
    /// Since when it is as wanted again, by the local clock.
    pub resolved_at: Option<Timestamp>,
    /// Why it is ignored, by whom and until when, where somebody has said so here.
    pub ignore: Option<Ignore>,
    /// Who has said here that what was there then is what is wanted; it may be another thing by now.
    pub adoption: Option<Adoption>,
    /// Whether its check is too old, or its source is silent: it may be otherwise now.
    pub stale: bool,
}

impl KnownDrift {
    /// Since when it differs, as far as is known: by its source's word where that is the earlier one, else since it was seen
    /// first.
    pub fn began(&self) -> Timestamp {
        self.finding.since.map_or(self.first_seen, |since| since.min(self.first_seen))
    }

    /// What its source told, seen first at a time, of which nobody has said anything.
    pub fn told(finding: Arc<DriftFinding>, first_seen: Timestamp) -> Self {
        Self {
            severity: finding.severity,
            owner: finding.owner.clone(),
            finding,
            first_seen,
            resolved_at: None,
            ignore: None,
            adoption: None,
            stale: false,
        }
    }

    /// How much of what is there is lost when it is made what is wanted, where anything is.
    pub fn loses(&self) -> Option<usize> {
        let there = self.finding.status != DriftStatus::Resolved;
        self.finding.difference.removes().filter(|removes| *removes > 0 && there)
    }

    /// The adoption of it that holds: what is there is still what was adopted.
    pub fn adopted(&self) -> Option<&Adoption> {
        self.adoption.as_ref().filter(|adoption| adoption.seen == self.finding.seen())
    }

    /// The same with what was decided of it, as far as that has not ended.
    pub fn decided(&mut self, decision: Option<&Decision>, now: Timestamp) {
        (self.ignore, self.adoption) = match decision {
            Some(Decision::Ignore(ignore)) if now < ignore.until => (Some(ignore.clone()), None),
            Some(Decision::Adopt(adoption)) => (None, Some(adoption.clone())),
            Some(Decision::Ignore(_)) | None => (None, None),
        };
    }

    /// Why what is there can't be made what is wanted by a word; `None` where it can.
    pub fn unadoptable(&self) -> Option<String> {
        let status = self.finding.status;
        if !matches!(status, DriftStatus::Drifted | DriftStatus::Ignored) {
            return Some(format!("only what has drifted is adopted, and it is {}", status.words()));
        }
        if self.stale {
            return Some("its check is too old to decide on: check it anew first".to_owned());
        }
        self.finding.difference.unseen()
    }

    /// Why it can't be acted on by a verb as it stands; `None` where it can. Its source may say more.
    pub fn unfit(&self, verb: Verb, now: Timestamp) -> Option<String> {
        match (self.status(now), &self.ignore) {
            (DriftStatus::Ignored, Some(ignore)) => {
                let until = date_time(ignore.until);
                Some(format!("{} said to leave it alone until {until}: {}", ignore.by, ignore.reason))
            }
            (DriftStatus::Ignored, None) => Some("its source says to leave it alone".to_owned()),
            (DriftStatus::Adopted, _) => Some(match &self.adoption {
                Some(adoption) => format!("{} said that it is wanted as it is: {}", adoption.by, adoption.reason),
                None => "its source says that it is wanted as it is".to_owned(),
            }),
            (status, _) if status.is_blind() => {
                Some(format!("nobody knows whether it differs: it is {}", status.words()))
            }
            (DriftStatus::Reconciling, _) => Some("something is about to bring it back".to_owned()),
            (status, _) if status.is_green() && verb == Verb::Reconcile => Some("it is as wanted".to_owned()),
            _ => self.stale.then(|| "its check is too old to be acted on: check it anew first".to_owned()),
        }
    }

    /// Where it stands, with what was said here.
    pub fn status(&self, now: Timestamp) -> DriftStatus {
        let ignored = self.ignore.as_ref().is_some_and(|ignore| now < ignore.until)
            || self.finding.ignored_until.is_some_and(|until| now < until);
        match self.finding.status {
            DriftStatus::Drifted | DriftStatus::Ignored if self.adopted().is_some() => DriftStatus::Adopted,
            DriftStatus::Drifted if ignored => DriftStatus::Ignored,
            status => status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::difference::{Difference, LINES, Patch};
    use crate::domain::drift::DriftKind;
    use crate::domain::drift::tests::{at, differs, finding};
    use crate::domain::redact::Redactor;

    #[test]
    fn an_ignore_ends() {
        let ignore = Ignore { by: "ada".into(), at: at(0), until: at(60), reason: "until the move".into() };
        let mut known = KnownDrift { ignore: Some(ignore), ..KnownDrift::told(Arc::new(finding("a")), at(0)) };
        assert_eq!((known.status(at(59)), known.status(at(60))), (DriftStatus::Ignored, DriftStatus::Drifted));
        known.ignore = None;
        Arc::make_mut(&mut known.finding).ignored_until = Some(at(90));
        assert_eq!((known.status(at(89)), known.status(at(90))), (DriftStatus::Ignored, DriftStatus::Drifted));
        Arc::make_mut(&mut known.finding).status = DriftStatus::Unknown;
        assert_eq!(known.status(at(0)), DriftStatus::Unknown, "what is not known is not made better by being ignored");
    }

    #[test]
    fn an_adoption_holds_for_the_very_difference_that_was_seen() {
        let one = finding("a");
        let adoption = Adoption { by: "ada".into(), at: at(0), seen: one.seen(), reason: "it is better so".into() };
        let known = |finding: DriftFinding| KnownDrift {
            stale: finding.is_stale(at(0)),
            adoption: Some(adoption.clone()),
            ..KnownDrift::told(Arc::new(finding), at(0))
        };
        let changed = |change: fn(&mut DriftFinding)| {
            let mut other = one.clone();
            change(&mut other);
            known(other).status(at(0))
        };
        assert_eq!(changed(|_| {}), DriftStatus::Adopted);
        assert!(!DriftStatus::Adopted.is_green(), "its source wants otherwise");
        assert_eq!(changed(|one| one.desired.revision = Some("r2".into())), DriftStatus::Adopted);
        assert_eq!(changed(|one| one.last_checked = Some(at(-9_999))), DriftStatus::Adopted);
        assert_eq!(changed(|one| one.difference = differs("older")), DriftStatus::Drifted);
        assert_eq!(changed(|one| one.kind = DriftKind::Missing), DriftStatus::Drifted);
        for status in [DriftStatus::Unknown, DriftStatus::NotChecked, DriftStatus::Resolved] {
            let mut other = one.clone();
            other.status = status;
            assert_eq!(known(other).status(at(0)), status, "nobody has adopted what is not known");
        }
        let why = known(one.clone()).unfit(Verb::Reconcile, at(0)).unwrap();
        assert_eq!(why, "ada said that it is wanted as it is: it is better so");
    }

    #[test]
    fn only_what_was_seen_whole_and_lately_is_adopted() {
        let refused = |change: fn(&mut DriftFinding)| {
            let mut one = finding("a");
            change(&mut one);
            let stale = one.is_stale(at(0));
            KnownDrift { stale, ..KnownDrift::told(Arc::new(one), at(0)) }.unadoptable().unwrap_or_default()
        };
        assert_eq!(refused(|_| {}), "");
        assert!(refused(|one| one.last_checked = Some(at(-9_999))).contains("check it anew first"));
        assert!(refused(|one| one.status = DriftStatus::NotChecked).contains("it is not checked"));
        assert!(refused(|one| one.status = DriftStatus::Resolved).contains("it is resolved"));
        assert!(refused(|one| one.difference = Difference::Untold).contains("does not tell"));
        assert!(refused(|one| one.difference = Difference::Binary).contains("no text"));
        let long = |one: &mut DriftFinding| {
            let text = format!("@@ -1 +1 @@\n{}", "-a\n".repeat(LINES));
            one.difference = Difference::Patch(Patch::read(&text, &Redactor::default()));
        };
        assert!(refused(long).contains("1 line"), "{}", refused(long));
    }
}
