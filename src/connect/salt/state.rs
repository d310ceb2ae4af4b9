//! What a check tells of one state on one minion, and what that means.
//!
//! `state.apply test=True` gives a state as `MODULE_|-ID_|-NAME_|-FUNCTION` with a result: `null` that it would change
//! something, `true` that it would not, `false` that it can't be told.
//! (<https://docs.saltproject.io/en/latest/ref/states/testing.html>)

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::difference::{Difference, Documents, Patch};
use crate::domain::drift::{Desired, DriftFinding, DriftKind, DriftStatus, Severity};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::text::SafeText;

use super::{Checked, NAME, NOTE};

/// What parts a state's name in an answer.
const PARTS: &str = "_|-";

/// Modules of states that do what they do each time, unless something is declared that says when.
const ALWAYS: [&str; 2] = ["cmd", "module"];

/// What says when such a state is to do it.
pub(super) const CONDITIONS: [&str; 4] = ["onlyif", "unless", "creates", "check_cmd"];

/// A state on a minion, as an id names it: `MINION:SLS:MODULE.FUNCTION:ID`, and `_|-NAME` behind where its name is
/// another one than its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StateId {
    pub(super) minion: String,
    pub(super) sls: String,
    /// `file.managed`.
    pub(super) function: String,
    pub(super) id: String,
    pub(super) name: String,
}

impl StateId {
    /// Reads an id; `None` where it names no state.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, ':');
        let [minion, sls, function, rest] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let (id, name) = rest.split_once(PARTS).unwrap_or((rest, rest));
        let whole = [minion, sls, function, id, name].iter().all(|part| !part.is_empty());
        (whole && function.contains('.')).then(|| Self {
            minion: minion.to_owned(),
            sls: sls.to_owned(),
            function: function.to_owned(),
            id: id.to_owned(),
            name: name.to_owned(),
        })
    }

    pub(super) fn text(&self) -> String {
        let Self { minion, sls, function, id, name } = self;
        let behind = if id == name { String::new() } else { format!("{PARTS}{name}") };
        format!("{minion}:{sls}:{function}:{id}{behind}")
    }

    /// The file that it is about; `None` where it is about none.
    pub(super) fn file(&self) -> Option<&str> {
        (self.function.starts_with("file.") && self.name.starts_with('/')).then_some(self.name.as_str())
    }

    /// Whether it does what it does each time, unless something says when.
    pub(super) fn may_always_run(&self) -> bool {
        self.function.split('.').next().is_some_and(|module| ALWAYS.contains(&module))
    }
}

/// What is told of a state.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    result: Option<bool>,
    #[serde(default)]
    comment: Value,
    #[serde(default)]
    changes: Value,
    #[serde(rename = "__id__")]
    id: Option<String>,
    #[serde(rename = "__sls__")]
    sls: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

impl Told {
    /// Which state this is; `None` where it can't be told.
    pub(super) fn state(&self, minion: &str, key: &str) -> Option<StateId> {
        let parts: Vec<&str> = key.split(PARTS).collect();
        let [module, id, name, function] = parts[..] else { return None };
        let state = StateId {
            minion: minion.to_owned(),
            sls: self.sls.clone()?,
            function: format!("{module}.{function}"),
            id: self.id.clone().unwrap_or_else(|| id.to_owned()),
            name: self.name.clone().unwrap_or_else(|| name.to_owned()),
        };
        // What can't be read back names something else.
        StateId::parse(&state.text()).filter(|read| *read == state)
    }

    /// Whether it is as wanted.
    pub(super) fn in_sync(&self) -> bool {
        self.result == Some(true)
    }

    /// Whether it says that it would do something.
    pub(super) const fn would_change(&self) -> bool {
        self.result.is_none()
    }

    /// What it says of itself, in one line.
    pub(super) fn words(&self, redactor: &Redactor) -> Option<SafeText> {
        let text = match &self.comment {
            Value::String(text) => text.clone(),
            Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
            _ => return None,
        };
        Some(redactor.first_line(&text, NOTE)).filter(|text| !text.is_empty())
    }

    /// What it tells as a finding. `always` is whether it does what it does each time, as far as that is known.
    pub(super) fn finding(
        &self,
        state: &StateId,
        of: &Checked<'_>,
        redactor: &Redactor,
        always: Option<bool>,
    ) -> DriftFinding {
        let (kind, difference) = changes(&self.changes, redactor);
        let comment = self.words(redactor);
        let (status, severity, note) = match (self.result, always) {
            (Some(true), _) => (DriftStatus::InSync, Severity::Unknown, comment),
            (Some(false), _) => (DriftStatus::Unknown, Severity::Unknown, comment),
            (None, Some(true)) => {
                let why = "it runs each time, so that a check does not tell whether anything differs";
                (DriftStatus::Unsupported, Severity::Info, Some(why.into()))
            }
            (None, _) => (DriftStatus::Drifted, Severity::Warning, comment),
        };
        let own = state.text();
        let id = SafeText::clipped(&own, NAME);
        let digest = difference.digest();
        let error = note.as_deref().filter(|_| status == DriftStatus::Unknown).unwrap_or_default();
        let cause = DriftFinding::cause(&[&state.id, &state.sls, &state.function, status.name(), &digest, error]);
        DriftFinding {
            exact_id: *id == *own,
            id: InstanceId::new(of.source.clone(), id),
            scope: of.scope.clone(),
            what: SafeText::clipped(&state.id, NAME),
            tenant: of.tenant.clone(),
            kind,
            status,
            severity,
            owner: None,
            desired: Desired {
                reference: Some(SafeText::clipped(&format!("{} in {}", state.function, state.sls), NAME)),
                revision: None,
            },
            difference: if status == DriftStatus::InSync { Difference::Untold } else { difference },
            note,
            cause_key: cause,
            since: None,
            last_checked: of.at,
            check_interval: Some(of.interval),
            ignored_until: None,
        }
    }
}

/// A finding on a minion as a whole: that nobody has checked it, or that its check told nothing.
pub(super) fn of_minion(minion: &str, of: &Checked<'_>, status: DriftStatus, note: SafeText) -> DriftFinding {
    let id = SafeText::clipped(minion, NAME);
    DriftFinding {
        exact_id: *id == *minion,
        cause_key: DriftFinding::cause(&["minion", status.name(), &note]),
        id: InstanceId::new(of.source.clone(), id),
        scope: of.scope.clone(),
        what: "all of its states".into(),
        tenant: of.tenant.clone(),
        kind: DriftKind::Modified,
        status,
        severity: Severity::Unknown,
        owner: None,
        desired: Desired::default(),
        difference: Difference::Untold,
        note: Some(note),
        since: None,
        last_checked: of.at.filter(|_| status != DriftStatus::NotChecked),
        check_interval: Some(of.interval),
        ignored_until: None,
    }
}

/// What a state would change, and of which kind that is.
fn changes(changes: &Value, redactor: &Redactor) -> (DriftKind, Difference) {
    let Value::Object(changes) = changes else { return (DriftKind::Modified, Difference::Untold) };
    if changes.is_empty() {
        return (DriftKind::Modified, Difference::Untold);
    }
    let diff = changes.get("diff").and_then(Value::as_str);
    let others: Map<String, Value> = changes
        .iter()
        .filter(|(name, _)| *name != "diff" || diff.is_none())
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    match diff {
        Some("New file") => (DriftKind::Missing, documents(&others, true, redactor)),
        Some(text) if text.contains("\n@@") || text.starts_with("@@") => {
            let mut text = text.to_owned();
            if !others.is_empty() {
                let more = serde_json::to_string_pretty(&others).unwrap_or_default();
                let more = more.lines().flat_map(|line| ["+", line, "\n"]);
                text.extend(["@@ besides @@\n"].into_iter().chain(more));
            }
            (DriftKind::Modified, Difference::Patch(Patch::read(&text, redactor)))
        }
        // "Replace binary file", "Replace text file with binary file" …
        Some(_) => (DriftKind::Modified, Difference::Binary),
        None => {
            let missing = ["newfile", "new"].iter().any(|key| others.contains_key(*key) && !others.contains_key("old"))
                || others.values().all(|value| value.get("directory").is_some_and(|what| what == "new"));
            let kind = kind_of(&others, missing);
            (kind, documents(&others, kind == DriftKind::Missing, redactor))
        }
    }
}

fn kind_of(changes: &Map<String, Value>, missing: bool) -> DriftKind {
    let old = |value: &Value| value.get("old").and_then(Value::as_str).map(str::to_owned);
    let new = |value: &Value| value.get("new").and_then(Value::as_str).map(str::to_owned);
    let all = |fits: &dyn Fn(&Value) -> bool| changes.values().all(fits);
    let version = |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.');
    if missing || all(&|value| old(value).is_some_and(|old| old.is_empty())) {
        DriftKind::Missing
    } else if changes.keys().all(|key| key.starts_with("removed"))
        || all(&|value| new(value).is_some_and(|new| new.is_empty()))
    {
        DriftKind::Unmanaged
    } else if all(&|value| old(value).zip(new(value)).is_some_and(|(old, new)| version(&old) && version(&new))) {
        DriftKind::VersionSkew
    } else {
        DriftKind::Modified
    }
}

/// What is told of something that is there, and not what it is.
const UNTOLD: &str = "(not told)";

/// Changes as what is wanted and what is there.
fn documents(changes: &Map<String, Value>, missing: bool, redactor: &Redactor) -> Difference {
    let (mut wanted, mut there) = (Map::new(), Map::new());
    for (name, change) in changes {
        match (change.get("old"), change.get("new")) {
            (None, None) if name.starts_with("removed") => _ = there.insert(name.clone(), change.clone()),
            (None, None) => {
                wanted.insert(name.clone(), change.clone());
                if !missing {
                    there.insert(name.clone(), UNTOLD.into());
                }
            }
            (old, new) => {
                let side =
                    |value: Option<&Value>| value.filter(|value| **value != Value::String(String::new())).cloned();
                wanted.extend(side(new).map(|new| (name.clone(), new)));
                there.extend(side(old).map(|old| (name.clone(), old)));
            }
        }
    }
    let side = |map: Map<String, Value>| Some(Value::Object(map)).filter(|map| *map != Value::Object(Map::new()));
    let (wanted, there) = (side(wanted), side(there));
    if wanted.is_none() && there.is_none() {
        return Difference::Untold;
    }
    Difference::Documents(Documents::of(wanted.as_ref(), there.as_ref(), redactor))
}
