//! Whether an instance meets a filter.

use jiff::{SignedDuration, Timestamp};

use super::ast::{Bound, Field, Pattern, State, Term, Test};
use crate::domain::cohort::cohort_of;
use crate::domain::flow::{FlowInstance, JudgedFlow, PauseCause, Status};
use crate::domain::time::since;
use crate::domain::verdict::{Rule, Verdict};

impl Term {
    pub(super) fn matches(&self, judged: &JudgedFlow, now: Timestamp) -> bool {
        self.test.holds(judged, now) != self.negated
    }
}

impl Test {
    fn holds(&self, judged: &JudgedFlow, now: Timestamp) -> bool {
        let JudgedFlow { flow, judgement } = judged;
        match self {
            Self::Word(word) => anywhere(word, judged),
            Self::State(states) => states.iter().any(|state| state.holds(flow)),
            Self::Verdict(verdicts) => verdicts.contains(&judgement.verdict),
            Self::Rule(rules) => judgement.stuck_rule().is_some_and(|rule| rules.contains(&rule)),
            Self::Text(field, patterns) => text(*field, patterns, judged),
            Self::Age(bounds) => within(bounds, flow.created_at, now),
            Self::For(bounds) => within(bounds, judgement.since(), now),
            Self::Attempts(bounds) => flow.attempts.is_some_and(|n| bounds.iter().any(|bound| bound.holds(&n))),
        }
    }
}

impl State {
    fn holds(self, flow: &FlowInstance) -> bool {
        self.is(flow.status, flow.pause)
    }

    /// Whether an instance of this status, paused by whom, is in it.
    pub(crate) fn is(self, status: Status, pause: Option<PauseCause>) -> bool {
        match self {
            Self::Open => !status.ended(),
            Self::Held => status == Status::Paused && pause == Some(PauseCause::Held),
            Self::Failed => status.failed(),
            Self::Status(other) => status == other,
        }
    }
}

/// Whether something that began then has lasted within the bounds.
pub(crate) fn within(bounds: &[Bound<SignedDuration>], began: Option<Timestamp>, now: Timestamp) -> bool {
    began.is_some_and(|began| bounds.iter().any(|bound| bound.holds(&since(began, now))))
}

/// Looked for in what a list shows of an instance: its names, its error, and the words for its state.
fn anywhere(word: &Pattern, judged: &JudgedFlow) -> bool {
    let JudgedFlow { flow, judgement } = judged;
    let words = words_for(flow.status, flow.pause, judgement.verdict, judgement.rule());
    let FlowInstance { id, flow: name, step, tenant, key, error, .. } = flow;
    let error = error.as_ref().map(|error| &*error.text);
    let names = [Some(&**name), Some(&**step), tenant.as_deref(), key.as_deref(), error, Some(&*id.instance)];
    names.into_iter().chain(words).flatten().any(|text| contains(text, &word.folded))
        // The two halves as one text: only a word that reaches over the slash, or sits in the source, needs it.
        || contains(&id.to_string(), &word.folded)
}

/// The words that a list has for where an instance stands and what the rules say.
pub(crate) fn words_for(
    status: Status,
    pause: Option<PauseCause>,
    verdict: Verdict,
    rule: Option<Rule>,
) -> [Option<&'static str>; 4] {
    let said = matches!(verdict, Verdict::Stuck | Verdict::Suspect).then(|| verdict.name());
    let held = State::Held.is(status, pause).then_some("held");
    [Some(status.words()), said, rule.map(Rule::words), held]
}

fn text(field: Field, patterns: &[Pattern], judged: &JudgedFlow) -> bool {
    let flow = &judged.flow;
    let any = |text: &str| patterns.iter().any(|pattern| pattern.is(text));
    match field {
        Field::Flow => any(&flow.flow),
        Field::Step => any(&flow.step),
        Field::Source => any(&flow.id.source),
        Field::Tenant => flow.tenant.as_deref().is_some_and(any),
        Field::Key => flow.key.as_deref().is_some_and(any),
        Field::Id => any(&flow.id.instance) || any(&flow.id.to_string()),
        Field::Cohort => cohort_of(judged).as_deref().is_some_and(any),
        Field::Error => {
            flow.error.as_ref().is_some_and(|error| patterns.iter().any(|pattern| pattern.in_error(&error.text)))
        }
    }
}

impl Pattern {
    /// Whether an error's text has it: all of it where there are wildcards, or else a part.
    pub(crate) fn in_error(&self, text: &str) -> bool {
        if self.glob.is_some() { self.is(text) } else { contains(text, &self.folded) }
    }

    /// Whether it is the whole of a text, letters' case aside.
    pub(crate) fn is(&self, text: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.matches(&text.to_lowercase()),
            None if text.is_ascii() => text.eq_ignore_ascii_case(&self.folded),
            None => text.to_lowercase() == self.folded,
        }
    }
}

/// Whether a text holds another, which is in lower case already.
pub(crate) fn contains(text: &str, folded: &str) -> bool {
    if text.is_ascii() && folded.is_ascii() && !folded.is_empty() {
        // Most texts are ASCII, and a filter looks at every row: no copy is made.
        let (text, folded) = (text.as_bytes(), folded.as_bytes());
        return text.windows(folded.len()).any(|part| part.eq_ignore_ascii_case(folded));
    }
    text.to_lowercase().contains(folded)
}
