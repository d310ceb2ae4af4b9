//! Two instances side by side: what differs first, then their steps by name, then their errors.
//!
//! The comparison itself is made here, without a screen, so that it can be tested with plain values.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use similar::{ChangeTag, TextDiff};

use super::remote::Remote;
use crate::domain::flow::EntryOutcome;
use crate::domain::ids::InstanceId;
use crate::domain::run::{StepRun, StretchKind};
use crate::domain::text::SafeText;
use crate::domain::time::{age, since};
use crate::ops::FlowAnswer;

/// The most lines of an error that are compared.
const LINES: usize = 400;

/// The comparison on screen.
#[derive(Debug, Clone)]
pub struct CompareState {
    /// The one that was remembered, until another one is chosen.
    pub first: Option<InstanceId>,
    /// Who are compared.
    pub pair: Option<[InstanceId; 2]>,
    /// What their sources told.
    pub answers: [Remote<FlowAnswer>; 2],
    /// Lines scrolled.
    pub scroll: usize,
}

impl Default for CompareState {
    fn default() -> Self {
        Self { first: None, pair: None, answers: [Remote::Never, Remote::Never], scroll: 0 }
    }
}

/// A fact of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub name: SafeText,
    /// What each has; nothing where its source does not tell.
    pub values: [Option<SafeText>; 2],
}

impl Field {
    /// Whether they differ.
    pub fn differs(&self) -> bool {
        self.values[0] != self.values[1]
    }
}

/// A step of one of them, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOf {
    /// How it ended.
    pub outcome: EntryOutcome,
    /// How long it took, or has taken.
    pub took: SignedDuration,
    /// How long of that it worked.
    pub ran: SignedDuration,
    /// How many of its attempts failed, as far as they are told.
    pub failures: usize,
}

/// A step that one or both have been in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: SafeText,
    /// How it went; nothing where one has not been in it.
    pub of: [Option<StepOf>; 2],
}

/// A line of the errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorLine {
    /// Whose: both, the first's, the second's.
    pub whose: Whose,
    /// The line in pieces, each with whether it is what makes the difference.
    pub pieces: Vec<(bool, SafeText)>,
}

/// Who has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Both.
    Both,
    /// The first.
    First,
    /// The second.
    Second,
}

/// Two instances compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Facts; those that differ come first.
    pub fields: Vec<Field>,
    /// Steps, in the order in which they come.
    pub steps: Vec<Step>,
    /// Both errors, line by line.
    pub error: Vec<ErrorLine>,
}

/// Compares two. `show` writes a time.
pub fn compare(both: [&FlowAnswer; 2], nows: [Timestamp; 2], show: &dyn Fn(Timestamp) -> String) -> Comparison {
    let mut fields = fields(both, nows, show);
    // Stable: within each half they keep their order.
    fields.sort_by_key(|field| !field.differs());
    Comparison { fields, steps: steps(both, nows), error: errors(both) }
}

fn fields(both: [&FlowAnswer; 2], nows: [Timestamp; 2], show: &dyn Fn(Timestamp) -> String) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let mut add = |name: &str, value: &dyn Fn(usize) -> Option<SafeText>| {
        let values = [value(0), value(1)];
        if values.iter().any(Option::is_some) {
            fields.push(Field { name: name.into(), values });
        }
    };
    let flow = |nth: usize| &both[nth].detail.flow;
    add("verdict", &|nth| Some(both[nth].judgement.verdict.name().into()));
    add("rule", &|nth| both[nth].judgement.rule().map(|rule| rule.words().into()));
    add("status", &|nth| Some(flow(nth).status.words().into()));
    add("for", &|nth| flow(nth).last_transition_at.map(|at| age(since(at, nows[nth])).into()));
    add("flow", &|nth| Some(flow(nth).flow.clone()));
    add("step", &|nth| Some(flow(nth).step.clone()));
    add("tenant", &|nth| flow(nth).tenant.clone());
    add("key", &|nth| flow(nth).key.clone());
    add("attempts", &|nth| flow(nth).attempts.map(|count| count.to_string().into()));
    add("error", &|nth| flow(nth).error.as_ref().map(|error| error.fingerprint.clone()));
    add("waits for", &|nth| {
        let wait = flow(nth).wait.as_ref()?;
        Some(match wait.name() {
            Some(name) => format!("{}: {name}", wait.kind.words()).into(),
            None => wait.kind.words().into(),
        })
    });
    add("created", &|nth| flow(nth).created_at.map(|at| show(at).into()));
    add("completed", &|nth| Some(flow(nth).completed_commands.to_string().into()));
    add("source", &|nth| Some(flow(nth).id.source.clone()));
    let mut labels: Vec<&'static str> = Vec::new();
    for (label, _) in both.iter().flat_map(|answer| &answer.detail.facts) {
        if !labels.contains(label) {
            labels.push(label);
        }
    }
    for label in labels {
        let of =
            |nth: usize| both[nth].detail.facts.iter().find(|(name, _)| *name == label).map(|(_, value)| value.clone());
        add(label, &of);
    }
    fields
}

/// Steps of one name stand beside each other, the second of a name beside the second.
fn steps(both: [&FlowAnswer; 2], nows: [Timestamp; 2]) -> Vec<Step> {
    let named = |nth: usize| {
        let mut seen: HashMap<SafeText, usize> = HashMap::new();
        let runs = both[nth].detail.runs.iter();
        runs.map(move |run| {
            let count = seen.entry(run.step.clone()).or_default();
            *count += 1;
            ((run.step.clone(), *count), StepOf::of(run, nows[nth]))
        })
        .collect::<Vec<_>>()
    };
    let (first, second) = (named(0), named(1));
    let keys = [&first, &second].map(|steps| steps.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
    let mut merged: Vec<Step> = Vec::new();
    let mut push = |one: Option<&((SafeText, usize), StepOf)>, other: Option<&((SafeText, usize), StepOf)>| {
        if let Some(((name, _), _)) = one.or(other) {
            let of = [one, other].map(|step| step.map(|(_, step)| step.clone()));
            merged.push(Step { name: name.clone(), of });
        }
    };
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &keys[0], &keys[1]) {
        let (tag, ours, theirs) = op.as_tag_tuple();
        if tag == similar::DiffTag::Equal {
            ours.zip(theirs).for_each(|(ours, theirs)| push(first.get(ours), second.get(theirs)));
        } else {
            ours.for_each(|at| push(first.get(at), None));
            theirs.for_each(|at| push(None, second.get(at)));
        }
    }
    merged
}

impl StepOf {
    fn of(run: &StepRun, now: Timestamp) -> Self {
        let took = run.began().map_or(SignedDuration::ZERO, |began| since(began, run.ended().unwrap_or(now)));
        Self { outcome: run.outcome, took, ran: run.spent(&[StretchKind::Running], now), failures: run.failures.len() }
    }
}

/// The errors line by line; in lines that nearly agree, what makes the difference stands out.
fn errors(both: [&FlowAnswer; 2]) -> Vec<ErrorLine> {
    let text = |nth: usize| {
        let detail = &both[nth].detail;
        let short = detail.flow.error.as_ref().map(|error| error.text.clone());
        let lines: Vec<SafeText> =
            if detail.error.is_empty() { short.into_iter().collect() } else { detail.error.clone() };
        lines.iter().take(LINES).flat_map(|line| [line.as_str(), "\n"]).collect::<String>()
    };
    let (first, second) = (text(0), text(1));
    let diff = TextDiff::from_lines(&first, &second);
    let mut lines = Vec::new();
    for op in diff.ops() {
        for change in diff.iter_inline_changes(op) {
            let whose = match change.tag() {
                ChangeTag::Equal => Whose::Both,
                ChangeTag::Delete => Whose::First,
                ChangeTag::Insert => Whose::Second,
            };
            let pieces = change.iter_strings_lossy();
            let pieces = pieces.map(|(differs, text)| (differs, SafeText::new(text.trim_end_matches('\n'))));
            lines.push(ErrorLine { whose, pieces: pieces.filter(|(_, text)| !text.is_empty()).collect() });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cockpit::tests::fake::{answer, instance, now};

    fn shown(at: Timestamp) -> String {
        at.to_string()
    }

    #[test]
    fn what_differs_comes_first() {
        let (one, other) = (answer(instance(0)), answer(instance(4)));
        let compared = compare([&one, &other], [now(); 2], &shown);
        let same = compared.fields.iter().position(|field| !field.differs()).unwrap();
        assert!(compared.fields[..same].iter().all(Field::differs));
        assert!(compared.fields[same..].iter().all(|field| !field.differs()));
        let names: Vec<&str> = compared.fields[..same].iter().map(|field| field.name.as_str()).collect();
        assert!(names.contains(&"tenant") && !names.contains(&"flow"), "{names:?}");
        assert!(compared.error.iter().all(|line| line.whose == Whose::Both));
    }

    #[test]
    fn steps_stand_beside_those_of_their_name() {
        let one = answer(instance(0));
        let mut other = answer(instance(4));
        other.detail.runs.remove(2);
        other.detail.runs.last_mut().unwrap().step = "verify".into();
        let compared = compare([&one, &other], [now(); 2], &shown);
        let told: Vec<(String, bool, bool)> = compared
            .steps
            .iter()
            .map(|step| (step.name.to_string(), step.of[0].is_some(), step.of[1].is_some()))
            .collect();
        let expected = [
            ("(queued)", true, true),
            ("validate", true, true),
            ("lock-schema", true, false),
            ("apply", true, false),
            ("verify", false, true),
        ];
        assert_eq!(told, expected.map(|(name, one, other)| (name.to_owned(), one, other)));
        assert_eq!(compared.steps[3].of[0].as_ref().unwrap().failures, 2);
    }

    #[test]
    fn errors_are_compared_word_by_word() {
        let mut one = answer(instance(0));
        let mut other = one.clone();
        one.detail.error = vec!["connect to pg-17: refused".into(), "  at open".into()];
        other.detail.error = vec!["connect to pg-18: refused".into(), "  at open".into(), "  at run".into()];
        let compared = compare([&one, &other], [now(); 2], &shown);
        let whose: Vec<Whose> = compared.error.iter().map(|line| line.whose).collect();
        assert_eq!(whose, [Whose::First, Whose::Second, Whose::Both, Whose::Second]);
        let differs: String =
            compared.error[1].pieces.iter().filter(|(differs, _)| *differs).map(|(_, text)| text.as_str()).collect();
        assert!(differs.contains("18") && !differs.contains("refused"), "{differs}");
    }
}
