//! The audit: what was tried, refused, sent, answered and came of it, as a chain in which each entry names the one
//! before by its hash.
//!
//! An entry's hash is SHA-256 over its canonical JSON (RFC 8785) with the hash of the one before and without its own. So
//! whoever has an export can check it with any other program, and a change of one letter breaks the chain there. A
//! chain does not notice that its end was cut: its [`Head`] is kept elsewhere, too.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// What the identities of a hub in process are worth.
pub const ON_TRUST: &str = "the operator's name is taken on trust";

/// What the identity of an automation is worth.
pub const BY_RULE: &str = "no person asked, but an automation of the config, which is taken on trust";

/// What stands for the hash before the first entry.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What an entry tells of. The set grows: entries of actions that this version does not know are read all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Somebody asked for something that changes an engine.
    Attempt,
    /// It was not let through, with the reason.
    Refusal,
    /// It is about to be sent.
    Act,
    /// What the engine answered, or that the answer was lost.
    Answer,
    /// What it came to.
    Outcome,
    /// Acts on a production context are let through for a while.
    Arm,
    /// And not any more.
    Disarm,
    /// It was worked out what an act would do, and nothing was asked for.
    DryRun,
    /// Somebody asked that a plan be carried out.
    Request,
    /// What the policies said of it.
    Decision,
    /// Somebody approved or denied it.
    Approval,
    /// Somebody, or a limit, started, held, resumed or aborted it.
    Control,
    /// Somebody has armed again what a remediation had switched off.
    Rearm,
    /// Somebody has claimed a cohort, has acknowledged it or has put it aside.
    Claim,
    /// And not any more: it was taken back, or the cohort outgrew it.
    Release,
    /// Somebody has said that something that drifts is to be left alone for a while, or not any more.
    Ignore,
    /// Somebody has said that what drifts is what is wanted from now on, or has taken that back.
    Adopt,
    /// Somebody was shown what is personal.
    Reveal,
    /// The record of an older version was taken over.
    Takeover,
    /// The note of the chain's end was missing: of what came before, an end may have been cut.
    Unanchored,
}

impl Action {
    /// Each of them.
    pub const ALL: [Self; 20] = [
        Self::Attempt,
        Self::Refusal,
        Self::Act,
        Self::Answer,
        Self::Outcome,
        Self::Arm,
        Self::Disarm,
        Self::DryRun,
        Self::Request,
        Self::Decision,
        Self::Approval,
        Self::Control,
        Self::Rearm,
        Self::Claim,
        Self::Release,
        Self::Ignore,
        Self::Adopt,
        Self::Reveal,
        Self::Takeover,
        Self::Unanchored,
    ];

    /// Its name, which is part of the record and never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Refusal => "refusal",
            Self::Act => "act",
            Self::Answer => "answer",
            Self::Outcome => "outcome",
            Self::Arm => "arm",
            Self::Disarm => "disarm",
            Self::DryRun => "dry_run",
            Self::Request => "request",
            Self::Decision => "decision",
            Self::Approval => "approval",
            Self::Control => "control",
            Self::Rearm => "rearm",
            Self::Claim => "claim",
            Self::Release => "release",
            Self::Ignore => "ignore",
            Self::Adopt => "adopt",
            Self::Reveal => "reveal",
            Self::Takeover => "takeover",
            Self::Unanchored => "unanchored",
        }
    }

    /// The action of a name; `None` where a later version has written it.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// What is to be recorded, before it has its place in the chain. Texts are scrubbed and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// When it happened, by the local clock. Kept to the millisecond.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Why that is believed, where nobody proved it; `None` where it was proven.
    pub trusted: Option<String>,
    /// The context.
    pub context: String,
    /// What.
    pub action: Action,
    /// To what: `source/instance`, or the context.
    pub subject: String,
    /// The act that it belongs to.
    pub remediation: Option<String>,
    /// The plan that it belongs to.
    pub plan_hash: Option<String>,
    /// What else there is to tell.
    pub detail: serde_json::Value,
}

/// An entry as it is kept. Texts are as they were found, which may not be as they were written: print them through
/// [`SafeText`](super::text::SafeText) alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: 1, 2, 3, without a gap.
    pub sequence: u64,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who.
    pub actor: String,
    /// Why that is believed; `None` where it was proven.
    pub trusted: Option<String>,
    /// The context.
    pub context: String,
    /// What, by name; see [`Action`].
    pub action: String,
    /// To what.
    pub subject: String,
    /// The act that it belongs to.
    pub remediation: Option<String>,
    /// The plan that it belongs to.
    pub plan_hash: Option<String>,
    /// What else there is to tell, as canonical JSON.
    pub detail: String,
    /// The hash of the entry before; [`BEGINNING`] for the first one.
    pub previous: String,
    /// Its own.
    pub hash: String,
}

/// What an entry's hash is made of. The fields stand in the order of their names, as the canonical form has it.
#[derive(Serialize)]
struct Canonical<'a> {
    action: &'a str,
    actor: &'a str,
    at: Timestamp,
    context: &'a str,
    detail: &'a RawValue,
    plan_hash: Option<&'a str>,
    previous: &'a str,
    remediation: Option<&'a str>,
    sequence: u64,
    subject: &'a str,
    trusted: Trusted<'a>,
}

/// Words, or `false` where nothing had to be taken on trust.
#[derive(Serialize)]
#[serde(untagged)]
enum Trusted<'a> {
    Words(&'a str),
    No(bool),
}

/// Why an entry has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Its detail is no JSON.
    #[error("its detail is no JSON")]
    Detail,
    /// Its time is none.
    #[error("its time is none")]
    Time,
}

impl Entry {
    /// The entry that comes after the one that `head` names.
    ///
    /// # Errors
    /// Where a number in the detail has no canonical form.
    pub fn after(head: &Head, draft: Draft) -> Result<Self, Malformed> {
        let detail = serde_json_canonicalizer::to_string(&draft.detail).map_err(|_| Malformed::Detail)?;
        let mut entry = Self {
            sequence: head.sequence + 1,
            at_ms: draft.at.as_millisecond(),
            actor: draft.actor,
            trusted: draft.trusted,
            context: draft.context,
            action: draft.action.name().to_owned(),
            subject: draft.subject,
            remediation: draft.remediation,
            plan_hash: draft.plan_hash,
            detail,
            previous: head.hash.clone(),
            hash: String::new(),
        };
        let mut bytes = Vec::new();
        entry.hash = entry.digest(&mut bytes)?;
        Ok(entry)
    }

    /// When it happened.
    ///
    /// # Errors
    /// Where what is kept is no time.
    pub fn at(&self) -> Result<Timestamp, Malformed> {
        Timestamp::from_millisecond(self.at_ms).map_err(|_| Malformed::Time)
    }

    /// What it names as its end of the chain.
    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash.clone() }
    }

    /// Its canonical JSON, without its own hash, into `bytes`.
    fn canonical(&self, bytes: &mut Vec<u8>) -> Result<(), Malformed> {
        let detail: &RawValue = serde_json::from_str(&self.detail).map_err(|_| Malformed::Detail)?;
        if detail.get().len() != self.detail.len() {
            return Err(Malformed::Detail);
        }
        let canonical = Canonical {
            action: &self.action,
            actor: &self.actor,
            at: self.at()?,
            context: &self.context,
            detail,
            plan_hash: self.plan_hash.as_deref(),
            previous: &self.previous,
            remediation: self.remediation.as_deref(),
            sequence: self.sequence,
            subject: &self.subject,
            trusted: self.trusted.as_deref().map_or(Trusted::No(false), Trusted::Words),
        };
        bytes.clear();
        serde_json::to_writer(bytes, &canonical).map_err(|_| Malformed::Detail)
    }

    /// What its hash must be. `bytes` is room that can be used again.
    fn digest(&self, bytes: &mut Vec<u8>) -> Result<String, Malformed> {
        self.canonical(bytes)?;
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(&*bytes) {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Ok(hex)
    }
}

/// The end of a chain: the last entry's place and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its place; 0 where there is no entry yet.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { sequence: 0, hash: BEGINNING.to_owned() }
    }
}

/// Where a chain is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The first entry that is not as it was written, or is not there.
    pub sequence: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Goes along a chain from its beginning.
#[derive(Debug, Default)]
pub struct Walk {
    head: Head,
    room: Vec<u8>,
}

impl Walk {
    /// Looks at the next entry.
    ///
    /// # Errors
    /// The first broken link. What comes after it says nothing any more.
    pub fn step(&mut self, entry: &Entry) -> Result<(), Broken> {
        let due = self.head.sequence + 1;
        let broken = |why: String| Err(Broken { sequence: due, why });
        if entry.sequence != due {
            let sequence = entry.sequence;
            return broken(format!("it is missing: what comes in its place says that it is entry {sequence}"));
        }
        if entry.previous != self.head.hash {
            let due = &self.head.hash;
            return broken(format!("it does not follow the entry before: it names {}, which is {due}", entry.previous));
        }
        match entry.digest(&mut self.room) {
            Err(malformed) => broken(malformed.to_string()),
            Ok(hash) if hash != entry.hash => {
                broken(format!("it was changed: its hash is {hash}, and it was written as {}", entry.hash))
            }
            Ok(hash) => {
                self.head = Head { sequence: due, hash };
                Ok(())
            }
        }
    }

    /// The last entry that was good.
    pub fn head(&self) -> &Head {
        &self.head
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn draft(n: u64) -> Draft {
        Draft {
            at: Timestamp::from_millisecond(1_768_446_720_000 + i64::try_from(n).unwrap()).unwrap(),
            actor: "mara \"M\" ü".into(),
            trusted: n.is_multiple_of(2).then(|| ON_TRUST.to_owned()),
            context: "prod".into(),
            action: Action::ALL[usize::try_from(n).unwrap() % Action::ALL.len()],
            subject: format!("eu/inv_{n}"),
            remediation: n.is_multiple_of(3).then(|| format!("{n}")),
            plan_hash: None,
            detail: json!({"z": 1, "a": {"reason": "because\\ 理由", "€": [1.5, null, -3]}}),
        }
    }

    fn chain(count: u64) -> Vec<Entry> {
        let mut head = Head::default();
        (0..count)
            .map(|n| {
                let entry = Entry::after(&head, draft(n)).unwrap();
                head = entry.head();
                entry
            })
            .collect()
    }

    fn walk(entries: &[Entry]) -> Result<Head, Broken> {
        let mut walk = Walk::default();
        entries.iter().try_for_each(|entry| walk.step(entry))?;
        Ok(walk.head().clone())
    }

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in Action::ALL {
            assert_eq!(Action::by_name(action.name()), Some(action));
        }
        assert_eq!(Action::by_name("later"), None);
    }

    #[test]
    fn a_chain_that_nobody_touched_is_whole() {
        let entries = chain(30);
        assert_eq!(walk(&entries), Ok(entries[29].head()));
        assert_eq!(walk(&[]), Ok(Head::default()));
    }

    #[test]
    fn what_is_hashed_is_written_down_and_does_not_change_with_versions() {
        let mut entry = Entry::after(&Head::default(), Draft { trusted: None, ..draft(3) }).unwrap();
        let mut bytes = Vec::new();
        entry.canonical(&mut bytes).unwrap();
        let due = r#"{"action":"answer","actor":"mara \"M\" ü","at":"2026-01-15T03:12:00.003Z","context":"prod","detail":{"a":{"reason":"because\\ 理由","€":[1.5,null,-3]},"z":1},"plan_hash":null,"previous":"0000000000000000000000000000000000000000000000000000000000000000","remediation":"3","sequence":1,"subject":"eu/inv_3","trusted":false}"#;
        assert_eq!(String::from_utf8(bytes).unwrap(), due);
        entry.at_ms = i64::MAX;
        assert_eq!(walk(&[entry]).unwrap_err().why, "its time is none");
    }

    #[test]
    fn every_place_is_held() {
        let good = chain(4);
        let changes: [fn(&mut Entry); 12] = [
            |entry| entry.at_ms += 1,
            |entry| entry.actor.push('x'),
            |entry| entry.trusted = None,
            |entry| entry.trusted = Some(String::new()),
            |entry| entry.context.clear(),
            |entry| entry.action = "answer".into(),
            |entry| entry.subject.push(' '),
            |entry| entry.remediation = Some(String::new()),
            |entry| entry.plan_hash = Some("h".into()),
            |entry| entry.detail.push(' '),
            |entry| entry.detail = "{".into(),
            |entry| entry.hash.replace_range(0..1, "g"),
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let mut entries = good.clone();
            change(&mut entries[2]);
            assert_ne!(entries, good, "{n}");
            assert_eq!(walk(&entries).unwrap_err().sequence, 3, "{n}");
        }
        let mut entries = good;
        entries.swap(1, 2);
        assert_eq!(walk(&entries).unwrap_err().sequence, 2);
    }

    proptest! {
        /// Ours is the form that another implementation of RFC 8785 writes.
        #[test]
        fn the_form_is_the_canonical_one(texts in proptest::collection::vec(any::<String>(), 6), n in any::<i32>()) {
            let detail = json!({ texts[0].clone(): texts[1], "n": n, "later": {"b": texts[2], "a": [true, null]} });
            let draft = Draft {
                actor: texts[3].clone(), subject: texts[4].clone(), remediation: Some(texts[5].clone()), detail,
                ..draft(1)
            };
            let entry = Entry::after(&Head::default(), draft).unwrap();
            let mut bytes = Vec::new();
            entry.canonical(&mut bytes).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json_canonicalizer::to_string(&value).unwrap(), text);
        }
    }
}
