//! Acts of our own, as the audit has them: whichever process sent them, one by one or as items of many.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;

use crate::domain::audit::{Action, Entry};
use crate::domain::remediation::{ItemState, Verb};

/// An act of our own, as the audit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    /// `source/instance`.
    pub(super) subject: String,
    /// `None` for what is no verb on an instance.
    pub(super) verb: Option<Verb>,
    /// When it was begun, by the local clock.
    pub(super) at: Timestamp,
}

/// The acts of our own that the audit has, since a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OwnActs {
    pub(super) acts: Vec<Own>,
    /// Since when they are all there, where there were too many to read; `None` where all are there.
    pub(super) complete_since: Option<Timestamp>,
}

/// The word of the record for putting a service back to earlier code.
pub(super) const PUT_BACK_VERB: &str = "put_back";

/// How many entries are read for [`Journal::own_acts`].
pub(super) const READ: u32 = 20_000;

/// The acts among entries, of which the newest stands first.
pub(super) fn own_acts(entries: &[Entry], context: &str, since: Timestamp) -> OwnActs {
    #[derive(Deserialize)]
    struct Detail {
        verb: Option<String>,
        to: Option<String>,
        state: Option<ItemState>,
    }
    let mut own = OwnActs::default();
    let mut refused = HashSet::new();
    for entry in entries {
        let Ok(at) = entry.at() else { continue };
        if entry.context != context || at < since {
            continue;
        }
        let Ok(detail) = serde_json::from_str::<Detail>(&entry.detail) else { continue };
        let which = (&entry.remediation, &entry.subject);
        if entry.action == Action::Answer.name() {
            if detail.state == Some(ItemState::Failed) {
                refused.insert(which);
            }
        } else if let Some(verb) = detail.verb
            && !refused.contains(&which)
        {
            // The engine tells of the deployment that was registered anew, and the record of whose service went back to it.
            let subject = match (&detail.to, entry.subject.rsplit_once('/')) {
                (Some(to), Some((source, _))) if verb == PUT_BACK_VERB => format!("{source}/{to}"),
                _ => entry.subject.clone(),
            };
            own.acts.push(Own { subject, verb: Verb::named(&verb), at });
        }
    }
    let cut = entries.len() >= usize::try_from(READ).unwrap_or(usize::MAX);
    own.complete_since = entries.last().filter(|_| cut).and_then(|entry| entry.at().ok());
    own
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SINCE: i64 = 1_800_000_000;

    fn entry(action: Action, id: &str, subject: &str, seconds: i64, detail: &Value) -> Entry {
        Entry {
            sequence: 1,
            at_ms: (SINCE + seconds) * 1_000,
            actor: "tester".into(),
            trusted: None,
            context: "prod".into(),
            action: action.name().into(),
            subject: subject.into(),
            remediation: Some(id.into()),
            plan_hash: None,
            detail: detail.to_string(),
            previous: String::new(),
            hash: String::new(),
        }
    }

    fn act(id: &str, subject: &str, seconds: i64) -> Entry {
        entry(Action::Act, id, subject, seconds, &json!({ "verb": "cancel" }))
    }

    fn answer(id: &str, subject: &str, state: ItemState) -> Entry {
        entry(Action::Answer, id, subject, 9, &json!({ "state": state.name(), "text": "x" }))
    }

    fn told(entries: &[Entry]) -> Vec<String> {
        let own = own_acts(entries, "prod", Timestamp::from_second(SINCE).unwrap());
        own.acts.into_iter().map(|own| own.subject).collect()
    }

    #[test]
    fn what_was_sent_and_not_refused_is_our_own() {
        for (state, ours) in [
            (ItemState::Accepted, true),
            (ItemState::Done, true),
            (ItemState::Unknown, true),
            (ItemState::Failed, false),
        ] {
            let entries = [answer("r", "a/i", state), act("r", "a/i", 1)];
            assert_eq!(told(&entries).len(), usize::from(ours), "{state:?}");
        }
        // Without an answer it may have arrived.
        assert_eq!(told(&[act("r", "a/i", 1)]), ["a/i"]);
        // Of the items of many only the refused one is left out, and of two acts on one instance only that one.
        let entries =
            [answer("r", "a/i", ItemState::Failed), act("r", "a/j", 2), act("r", "a/i", 1), act("q", "a/i", 0)];
        assert_eq!(told(&entries), ["a/j", "a/i"]);
    }

    #[test]
    fn other_contexts_other_times_and_what_cannot_be_read_are_left_out() {
        let elsewhere = Entry { context: "test".into(), ..act("r", "a/i", 1) };
        let unread = Entry { detail: "{".into(), ..act("r", "a/i", 1) };
        let verbless = entry(Action::Act, "r", "a/i", 1, &json!({}));
        assert!(told(&[elsewhere, unread, verbless, act("r", "a/i", -1)]).is_empty());
    }

    #[test]
    fn what_is_no_verb_here_is_kept_as_such() {
        // By its service's name, and as older versions wrote it.
        for subject in ["a/Billing", "a/dp_1"] {
            let back =
                entry(Action::Act, "r", subject, 1, &json!({ "verb": "put_back", "from": "dp_2", "to": "dp_1" }));
            let own = own_acts(&[back], "prod", Timestamp::from_second(SINCE).unwrap());
            assert_eq!((own.acts[0].verb, own.complete_since), (None, None));
            assert_eq!(own.acts[0].subject, "a/dp_1");
        }
    }

    #[test]
    fn a_record_that_was_not_read_whole_says_from_when_on_it_was() {
        let mut entries = vec![act("r", "a/i", 5); usize::try_from(READ).unwrap()];
        entries.last_mut().unwrap().at_ms = (SINCE + 3) * 1_000;
        let own = own_acts(&entries, "prod", Timestamp::from_second(SINCE).unwrap());
        assert_eq!(own.complete_since, Some(Timestamp::from_second(SINCE + 3).unwrap()));
        entries.pop();
        let own = own_acts(&entries, "prod", Timestamp::from_second(SINCE).unwrap());
        assert_eq!(own.complete_since, None);
    }
}
