//! What a customer is told of what happens to them: by rules, and never in the words of an error that is not theirs.

use jiff::{SignedDuration, Timestamp, ToSpan as _, Unit};

use super::flow::{FlowInstance, JudgedFlow, Status};
use super::text::SafeText;
use super::verdict::Verdict;

/// What is said where no rule fits and something is late. The source is the product's own default.
pub const DELAYED: &str = "{Step} is delayed since {since}. Reference {reference}. Next update {next}.";

/// The names that a wording may have in braces, and what stands in their place.
pub const NAMES: [(&str, &str); 6] = [
    ("flow", "the flow's name"),
    ("step", "the step's name"),
    ("Step", "the same with a capital"),
    ("since", "since when it has been so, in UTC"),
    ("reference", "the instance's id, for whoever calls again"),
    ("next", "when there will be news"),
];

/// Until when the next news is promised.
const NEXT: SignedDuration = SignedDuration::from_mins(30);

/// The longest error of a customer's own that is shown, in characters.
const ERROR: usize = 300;

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// These words, with names in braces.
    Words(SafeText),
    /// The error itself: it is of the customer's own making.
    Error,
    /// Nothing at all.
    Nothing,
}

/// Why a wording can't be used: a name in braces that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{{{0}}} means nothing in a wording")]
pub struct NoName(pub String);

/// Checks the names of a wording.
///
/// # Errors
/// The first name that means nothing.
pub fn check(words: &str) -> Result<(), NoName> {
    let mut rest = words;
    while let Some((_, behind)) = rest.split_once('{') {
        let Some((name, after)) = behind.split_once('}') else { return Ok(()) };
        if !NAMES.iter().any(|(known, _)| *known == name) {
            return Err(NoName(name.to_owned()));
        }
        rest = after;
    }
    Ok(())
}

/// What a customer is told of an instance; `None` where there is nothing to tell: it is on its way, or ended well.
///
/// A step in brackets is Quarterdeck's own word for where an instance stands, and is told as the flow.
pub fn told(judged: &JudgedFlow, says: Option<&Says>, now: Timestamp) -> Option<SafeText> {
    let flow = &judged.flow;
    let late = judged.judgement.verdict == Verdict::Stuck || flow.status.failed();
    match says {
        Some(Says::Nothing) => None,
        Some(Says::Words(words)) => Some(filled(words, judged, now)),
        Some(Says::Error) => match &flow.error {
            Some(error) => Some(SafeText::clipped(&error.text, ERROR)),
            None => late.then(|| filled(DELAYED, judged, now)),
        },
        None => late.then(|| filled(DELAYED, judged, now)),
    }
}

/// What stands in the place of a flow's or a step's name: the engine's own name without signs of its trade.
fn plain(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.replace(['_', '-', '.'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn filled(words: &str, judged: &JudgedFlow, now: Timestamp) -> SafeText {
    let flow = &judged.flow;
    let step = if flow.step.starts_with('(') { flow_name(flow) } else { plain(&flow.step) };
    let since = judged.began().map_or_else(|| "some time".to_owned(), minute);
    let next = next_update(now);
    words
        .replace("{flow}", &flow_name(flow))
        .replace("{Step}", &capital(&step))
        .replace("{step}", &step)
        .replace("{since}", &since)
        .replace("{reference}", &flow.id.instance)
        .replace("{next}", &minute(next))
        .into()
}

/// A flow's name as people say it: of `service/handler` the service, where the handler is only called `run`.
fn flow_name(flow: &FlowInstance) -> String {
    match flow.flow.split_once('/') {
        Some((service, "run" | "main" | "execute")) => plain(service),
        _ => plain(&flow.flow),
    }
}

/// A moment as it is told to people elsewhere: to the minute, and in which time.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// When there will be news: in half an hour, at the next five minutes of the clock.
fn next_update(now: Timestamp) -> Timestamp {
    let at = now.saturating_add(NEXT).unwrap_or(now);
    let down = at.round(jiff::TimestampRound::new().smallest(Unit::Minute).increment(5).mode(jiff::RoundMode::Ceil));
    down.unwrap_or_else(|_| at.checked_add(5.minutes()).unwrap_or(at))
}

/// What a customer is told of where an instance stands, where nothing is wrong with it.
pub const fn standing(status: Status) -> &'static str {
    match status {
        Status::Scheduled | Status::Queued => "planned",
        Status::Running | Status::BackingOff => "in progress",
        Status::Waiting => "waiting",
        Status::Paused => "on hold",
        Status::Compensating => "being taken back",
        Status::Succeeded => "done",
        Status::Cancelled => "cancelled",
        Status::Failed | Status::TimedOut => "not completed",
        Status::Unknown => "being looked into",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::FlowError;
    use crate::domain::redact::Redactor;
    use crate::domain::verdict::Judgement;
    use crate::domain::verdict::tests::instance;

    const NOW: &str = "2026-03-04T03:12:30Z";

    fn judged(verdict: Verdict, error: Option<&str>) -> JudgedFlow {
        let mut flow = instance();
        flow.flow = "reset-password/run".into();
        flow.step = "send_sms".into();
        flow.error = error.map(|text| FlowError::new(None, text, &[], &Redactor::default()));
        flow.last_transition_at = Some("2026-03-04T02:50:00Z".parse().unwrap());
        flow.status = Status::Paused;
        JudgedFlow { flow, judgement: Judgement { verdict, findings: Vec::new() } }
    }

    #[test]
    fn without_a_rule_no_internal_word_is_told() {
        let now = NOW.parse().unwrap();
        let one = judged(Verdict::Stuck, Some("connection refused by db-7.internal:5432"));
        let told = told(&one, None, now).unwrap();
        let reference = &one.flow.id.instance;
        assert_eq!(
            told.as_str(),
            format!(
                "Send sms is delayed since 2026-03-04 02:50 UTC. Reference {reference}. Next update 2026-03-04 03:45 UTC."
            )
        );
        assert!(!told.contains("internal"), "{told}");
        assert_eq!(super::told(&judged(Verdict::Ok, Some("x")), None, now), None);
    }

    #[test]
    fn a_rule_says_it_in_its_own_words_or_shows_what_is_the_customers_own() {
        let now = NOW.parse().unwrap();
        let one = judged(Verdict::Stuck, Some("domain acme.example has no MX record"));
        let words = Says::Words("We are on {flow}: {step}. ({reference})".into());
        assert_eq!(
            told(&one, Some(&words), now).unwrap().as_str(),
            format!("We are on reset password: send sms. ({})", one.flow.id.instance)
        );
        assert_eq!(told(&one, Some(&Says::Error), now).unwrap(), "domain acme.example has no MX record");
        assert_eq!(told(&one, Some(&Says::Nothing), now), None);
    }

    #[test]
    fn a_name_that_means_nothing_is_told() {
        assert_eq!(check("{Step} since {since}"), Ok(()));
        assert_eq!(check("{stp} since").unwrap_err().to_string(), "{stp} means nothing in a wording");
    }

    #[test]
    fn a_step_in_brackets_is_told_as_the_flow() {
        let mut one = judged(Verdict::Stuck, None);
        one.flow.step = "(queued)".into();
        assert!(told(&one, None, NOW.parse().unwrap()).unwrap().starts_with("Reset password is delayed"));
    }
}
