//! What is told of a remediation to those who are not looking: on which occasion, and the facts that go with it.
//!
//! What is sent is a template, JSON with `{blanks}` in its texts. A blank is filled with a text as JSON writes it, so that
//! nothing that somebody typed ends the text it stands in.

use jiff::Timestamp;
use serde_json::Value;

use super::redact::Redactor;
use super::text::SafeText;
use super::wide::WideRemediation;

/// When something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Occasion {
    /// Somebody asked for it.
    Request,
    /// It has waited for approval for a while.
    Waiting,
    /// It has come to an end.
    Outcome,
}

impl Occasion {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Request, Self::Waiting, Self::Outcome];

    /// Its name in the config and in what is sent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Waiting => "waiting",
            Self::Outcome => "outcome",
        }
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// When it is told.
    pub occasion: Occasion,
    /// The remediation's id.
    pub id: SafeText,
    /// The context.
    pub context: SafeText,
    /// What is to be done.
    pub verb: SafeText,
    /// To how many.
    pub targets: usize,
    /// Who asked; taken on trust.
    pub by: SafeText,
    /// Why.
    pub reason: SafeText,
    /// The ticket; empty where none was named.
    pub ticket: SafeText,
    /// How it stands.
    pub state: &'static str,
    /// What it came to so far.
    pub outcome: SafeText,
    /// The moment, by the local clock.
    pub at: Timestamp,
}

/// What is sent where the config does not say: every fact under its name.
pub const USUAL: &str = r#"{"event":"{event}","id":"{id}","context":"{context}","verb":"{verb}","targets":"{targets}","by":"{by}","reason":"{reason}","ticket":"{ticket}","state":"{state}","outcome":"{outcome}","at":"{at}","text":"{text}"}"#;

impl Notice {
    /// What there is to tell of a remediation.
    pub fn of(occasion: Occasion, remediation: &WideRemediation, at: Timestamp) -> Self {
        Self {
            occasion,
            id: remediation.id.clone(),
            context: remediation.context.clone(),
            verb: remediation.plan.frozen.remedy.label(),
            targets: remediation.plan.frozen.targets.len(),
            by: remediation.requested_by.clone(),
            reason: remediation.reason.clone(),
            ticket: remediation.ticket.clone().unwrap_or_default(),
            state: remediation.state.name(),
            outcome: remediation.outcome.clone(),
            at,
        }
    }

    /// One sentence for people.
    pub fn text(&self) -> String {
        let Self { id, context, verb, targets, by, reason, outcome, .. } = self;
        let instances = if *targets == 1 { "instance" } else { "instances" };
        let what = format!("{verb} of {targets} {instances} in {context} ({id})");
        match self.occasion {
            Occasion::Request => format!("{by} asks for {what}: {reason}"),
            Occasion::Waiting => format!("{what}, asked for by {by}, still waits for approval: {reason}"),
            Occasion::Outcome if outcome.is_empty() => format!("{what}: {}", self.state),
            Occasion::Outcome => format!("{what}: {}, {outcome}", self.state),
        }
    }

    /// The blanks, and what fills them.
    fn blanks(&self) -> [(&'static str, String); 12] {
        [
            ("event", self.occasion.name().to_owned()),
            ("id", self.id.to_string()),
            ("context", self.context.to_string()),
            ("verb", self.verb.to_string()),
            ("targets", self.targets.to_string()),
            ("by", self.by.to_string()),
            ("reason", self.reason.to_string()),
            ("ticket", self.ticket.to_string()),
            ("state", self.state.to_owned()),
            ("outcome", self.outcome.to_string()),
            ("at", self.at.to_string()),
            ("text", self.text()),
        ]
    }

    /// A template with its blanks filled; what looks like a secret is taken out of each text before.
    ///
    /// # Errors
    /// Where the template has a blank that there is nothing for, or is no JSON once it is filled: what is wrong.
    pub fn fill(&self, template: &str, redactor: &Redactor) -> Result<String, String> {
        let blanks = self.blanks();
        let mut filled = String::with_capacity(template.len() + 256);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            // What is no word in braces is JSON's own.
            let word = after.split_once('}').filter(|(word, _)| is_word(word));
            let Some((word, behind)) = word else {
                filled.push('{');
                rest = after;
                continue;
            };
            let Some((_, text)) = blanks.iter().find(|(name, _)| *name == word) else {
                let names: Vec<&str> = blanks.iter().map(|(name, _)| *name).collect();
                return Err(format!("there is nothing for {{{word}}}; there are: {}", names.join(", ")));
            };
            let json = Value::String(redactor.text(text).into_owned()).to_string();
            filled.push_str(json.trim_start_matches('"').strip_suffix('"').unwrap_or_default());
            rest = behind;
        }
        filled.push_str(rest);
        match serde_json::from_str::<Value>(&filled) {
            Ok(_) => Ok(filled),
            Err(why) => Err(format!("it is no JSON once its blanks are filled: {why}")),
        }
    }

    /// One to try a template on.
    pub fn example() -> Self {
        Self {
            occasion: Occasion::Request,
            id: "r1".into(),
            context: "prod".into(),
            verb: "resume".into(),
            targets: 298,
            by: "anna".into(),
            reason: "the database is back".into(),
            ticket: "OPS-7".into(),
            state: "awaiting_approval",
            outcome: "none yet".into(),
            at: Timestamp::UNIX_EPOCH,
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn filled(notice: &Notice, template: &str) -> Value {
        serde_json::from_str(&notice.fill(template, &Redactor::default()).unwrap()).unwrap()
    }

    #[test]
    fn each_occasion_has_its_sentence() {
        let told = |occasion| Notice { occasion, ..Notice::example() }.text();
        assert_eq!(
            Occasion::ALL.map(told),
            [
                "anna asks for resume of 298 instances in prod (r1): the database is back",
                "resume of 298 instances in prod (r1), asked for by anna, still waits for approval: the database is back",
                "resume of 298 instances in prod (r1): awaiting_approval, none yet",
            ]
        );
        let one = Notice { occasion: Occasion::Outcome, targets: 1, outcome: SafeText::default(), ..Notice::example() };
        assert_eq!(one.text(), "resume of 1 instance in prod (r1): awaiting_approval");
    }

    #[test]
    fn the_usual_body_has_every_fact() {
        let body = filled(&Notice::example(), USUAL);
        for (name, text) in Notice::example().blanks() {
            assert_eq!(body[name], json!(text), "{name}");
        }
        assert_eq!(body.as_object().unwrap().len(), 12);
    }

    #[test]
    fn blanks_are_words_in_braces_and_the_rest_is_jsons_own() {
        let body = filled(&Notice::example(), r#"{"a":{"b":"{verb} {targets}"},"c":[{}],"d":"{ id } {}"}"#);
        assert_eq!(body, json!({"a": {"b": "resume 298"}, "c": [{}], "d": "{ id } {}"}));
        for (template, why) in [
            (r#"{"text":"{txet}"}"#, "there is nothing for {txet}; there are: event, id,"),
            (r#"{"text":{text}}"#, "it is no JSON once its blanks are filled: "),
            ("{text}", "it is no JSON once its blanks are filled: "),
            ("", "it is no JSON once its blanks are filled: "),
        ] {
            let wrong = Notice::example().fill(template, &Redactor::default()).unwrap_err();
            assert!(wrong.starts_with(why), "{template}: {wrong}");
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_not_told() {
        let notice = Notice { reason: "password=hunter2 was wrong, iban: DE0".into(), ..Notice::example() };
        let told = notice.fill(USUAL, &Redactor::new(["iban"])).unwrap();
        assert!(!told.contains("hunter2") && !told.contains("DE0") && told.contains("[redacted]"), "{told}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_gets_out_of_its_text(reason in any::<String>(), by in "[\"\\\\{}a-z:,]{0,20}") {
            let notice = Notice { reason: SafeText::new(&reason), by: SafeText::new(&by), ..Notice::example() };
            let body = filled(&notice, r#"{"reason":"{reason}","by":"{by}"}"#);
            let none = Redactor::default();
            prop_assert_eq!(body, json!({"reason": none.text(&notice.reason), "by": none.text(&notice.by)}));
        }
    }
}
