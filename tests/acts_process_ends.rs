//! A process that ends while it acts: at every step of the act, and after every byte of its record. Whoever comes next
//! says that nobody knows what became of the act, looks, and never sends it again.
//!
//! A process is a runtime of its own here, with a hub on the record that the one before has left. Where it is dropped,
//! everything that ran in it ends there, and nothing has a chance to put itself in order. Time is made up.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; clippy's own exception covers test functions only"
)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quarterdeck::config::Config;
use quarterdeck::connect::{ActAnswer, Connector};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::{ItemState, Remediation, Verb};
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::Ops;
use serde_json::Value;
use support::engine::{After, Answer, Engine, Wire};
use support::hub::{SOON, VERBS_OF_PAUSED, ended, setup};
use support::matrix::record;
use support::secrets::private;
use support::wait::{eventually, seen};
use tempfile::TempDir;

/// Reasons that a person may give, with letters of one to four bytes, and what JSON has to quote.
const REASONS: [&str; 4] = ["because", "wegen \"Größe\"", "理由\\\n\t二", "🙂 \u{7f} }{"];

/// A process: everything that ran in it is gone when this returns.
fn process<T>(state: &Path, engine: &Arc<Engine>, runs: impl AsyncFnOnce(Arc<Hub>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let config = "[[source]]\nname = \"engine\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:1\"\n";
        let config = Config::parse(config, "config.toml", None).unwrap();
        let wire: Arc<dyn Connector> = Arc::new(Wire(Arc::clone(engine)));
        let sources = vec![("engine".to_owned(), wire, Duration::from_secs(5))];
        let hub = Hub::new(Setup { state_dir: Some(state.to_path_buf()), ..setup(config, sources) });
        runs(hub).await
    })
}

async fn send(hub: &Hub, verb: Verb, instance: &str, reason: &str) -> Remediation {
    let plan = hub.plan(verb, &InstanceId::new("engine", instance)).await.unwrap();
    let act = hub.remediate(&plan.hash, &format!("{reason} and so on")).await.unwrap();
    assert!(hub.remediate(&plan.hash, "once more").await.is_err(), "a plan is good once");
    act
}

/// The lines of the record that can be read.
fn lines(state: &Path) -> Vec<Value> {
    let text = std::fs::read(state.join("journal.jsonl")).unwrap_or_default();
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn named<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

/// The acts that were begun and have no end in the record.
fn unfinished(lines: &[Value]) -> Vec<&str> {
    let has_ended = |id: &Value| named(lines, "ended").iter().any(|line| line["id"] == *id);
    named(lines, "sending")
        .iter()
        .map(|line| &line["id"])
        .filter(|id| !has_ended(id))
        .map(|id| id.as_str().unwrap())
        .collect()
}

fn sent_once_at_most(engine: &Engine, what: &str) {
    let sent = engine.sent();
    assert!(sent.values().all(|times| *times == 1), "{what}: {sent:?}");
}

/// The next process: it takes up what has no end in the record, says that nobody knows, looks, and sends nothing. Gives
/// what was said in the end.
fn takes_up(state: &Path, engine: &Arc<Engine>, what: &str) -> Vec<Remediation> {
    let open: Vec<String> = unfinished(&lines(state)).into_iter().map(str::to_owned).collect();
    let (sent, begun, looks) = (engine.sent(), engine.begun(), engine.looks());
    let acts = process(state, engine, async |hub| {
        let _polling = hub.start();
        // Before anything was seen.
        let acts = hub.remediations().await.unwrap();
        let mut taken: Vec<&str> = acts.iter().map(|act| act.id.as_str()).collect();
        let mut due: Vec<&str> = open.iter().map(String::as_str).collect();
        taken.sort_unstable();
        due.sort_unstable();
        assert_eq!(taken, due, "{what}");
        for act in &acts {
            assert_eq!((act.item, act.ended), (ItemState::Unknown, false), "{what}: {act:#?}");
            assert_eq!(act.outcome, *"the process ended while it ran; looking what became of it", "{what}");
        }
        for act in &acts {
            ended(&hub, act).await;
        }
        // It goes on asking for a while, and still sends nothing.
        tokio::time::sleep(Duration::from_secs(30)).await;
        hub.remediations().await.unwrap()
    });
    assert_eq!((engine.sent(), engine.begun()), (sent, begun), "{what}: it is not sent again");
    assert!(open.is_empty() || engine.looks() > looks, "{what}: it was looked at");
    assert_eq!(unfinished(&lines(state)), Vec::<&str>::new(), "{what}: the end is in the record");
    acts
}

/// Whether the end of an act of which no answer is known is what was seen, and says that nobody knows where it is so.
fn is_told(act: &Remediation, verb: Verb, after: After, what: &str) {
    assert_eq!(act.item, after.without_an_answer(verb), "{what}: {act:#?}");
    let words = match act.item {
        ItemState::Verified => "verified, though its answer was lost: ",
        _ => "UNKNOWN whether the engine took it; nothing was sent again. Seen: ",
    };
    assert!(act.outcome.starts_with(words), "{what}: {}", act.outcome);
}

/// How far the first process comes.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// The request is in the record, and has not left the process.
    Recorded,
    /// It was sent, and the process ends before an answer comes.
    Sent,
    /// The answer is in the record; the first look never ends.
    Answered(ActAnswer),
    /// It was looked at so many times.
    Watched(ActAnswer, usize),
}

impl Step {
    fn all() -> Vec<Self> {
        let unknown = ActAnswer::Unknown("the connection was closed".into());
        let mut steps = vec![Self::Recorded, Self::Sent];
        for answer in [ActAnswer::Accepted, ActAnswer::Done, unknown] {
            steps.push(Self::Answered(answer.clone()));
            steps.extend([1, 2].map(|looks| Self::Watched(answer.clone(), looks)));
        }
        steps
    }

    /// Acts, and ends here.
    fn is_reached(&self, state: &Path, engine: &Arc<Engine>, verb: Verb, reason: &str) {
        match self {
            Self::Recorded => engine.becomes(Answer::NotSentYet, After::TheSame),
            Self::Sent => engine.becomes(Answer::Never, After::TheSame),
            Self::Answered(answer) | Self::Watched(answer, _) => {
                engine.becomes(Answer::Is(answer.clone()), After::TheSame);
                engine.looks_left(if let Self::Watched(_, looks) = self { *looks } else { 0 });
            }
        }
        process(state, engine, async |hub| {
            let _polling = hub.start();
            let act = send_held(&hub, verb, reason).await;
            eventually(SOON, || async { seen(engine.begun(), |begun| *begun == 1) }).await;
            if matches!(self, Self::Answered(_) | Self::Watched(..)) {
                let is_answered = || async { seen(lines(state), |lines| named(lines, "answered").len() == 1) };
                eventually(SOON, is_answered).await;
            }
            if let Self::Watched(_, looks) = self {
                tokio::time::sleep(Duration::from_secs(*looks as u64)).await;
            }
            let now = hub.remediations().await.unwrap();
            assert!(!now[0].ended && now[0].id == act.id, "{self:?}: it ends in the middle: {now:#?}");
        });
        assert_eq!(engine.sent().len(), usize::from(*self != Self::Recorded), "{self:?}");
    }
}

/// As [`send`], where nothing may be looked at any more once it was sent.
async fn send_held(hub: &Hub, verb: Verb, reason: &str) -> Remediation {
    let plan = hub.plan(verb, &InstanceId::new("engine", "inv_1")).await.unwrap();
    hub.remediate(&plan.hash, &format!("{reason} and so on")).await.unwrap()
}

#[test]
fn a_process_that_ends_at_any_step_is_followed_by_one_that_looks_and_never_sends() {
    let mut cases = 0;
    for verb in VERBS_OF_PAUSED {
        for (step, reason) in Step::all().into_iter().zip(REASONS.into_iter().cycle()) {
            for after in After::ALL {
                let what = format!("{verb:?}, {step:?}, then {after:?}");
                let state = tempfile::tempdir().unwrap();
                let engine = Engine::new(Answer::Never, After::TheSame);
                step.is_reached(state.path(), &engine, verb, reason);
                engine.becomes(Answer::Is(ActAnswer::Accepted), after);
                let acts = takes_up(state.path(), &engine, &what);
                assert_eq!(acts.len(), 1, "{what}");
                is_told(&acts[0], verb, after, &what);
                assert_eq!(
                    acts[0].reason,
                    *quarterdeck::domain::text::SafeText::clipped(&format!("{reason} and so on"), 500)
                );
                // What has ended is over: the one after that has nothing to look at.
                assert!(takes_up(state.path(), &engine, &what).is_empty(), "{what}");
                sent_once_at_most(&engine, &what);
                cases += 1;
            }
        }
    }
    record("acts-once", cases, 220);
}

#[test]
fn one_process_after_the_other_may_end_while_it_looks() {
    let mut cases = 0;
    for verb in VERBS_OF_PAUSED {
        for after in After::ALL {
            for (looks, reason) in REASONS.into_iter().enumerate().take(3) {
                let what = format!("{verb:?}, {after:?}, after {looks} looks");
                let state = tempfile::tempdir().unwrap();
                let engine = Engine::new(Answer::Never, After::TheSame);
                Step::Sent.is_reached(state.path(), &engine, verb, reason);
                for _ in 0..3 {
                    engine.becomes(Answer::Is(ActAnswer::Accepted), After::TheSame);
                    engine.looks_left(looks);
                    process(state.path(), &engine, async |hub| {
                        let _polling = hub.start();
                        tokio::time::sleep(Duration::from_millis(2_500)).await;
                        let acts = hub.remediations().await.unwrap();
                        assert!(acts.len() == 1 && acts[0].item == ItemState::Unknown && !acts[0].ended, "{what}");
                    });
                }
                engine.becomes(Answer::Is(ActAnswer::Accepted), after);
                let acts = takes_up(state.path(), &engine, &what);
                is_told(&acts[0], verb, after, &what);
                sent_once_at_most(&engine, &what);
                assert_eq!(engine.begun(), 1, "{what}");
                cases += 1;
            }
        }
    }
    record("acts-once", cases, 60);
}

/// The whole record of one act, from the request to its end.
fn whole(verb: Verb, reason: &str) -> Vec<u8> {
    let state = tempfile::tempdir().unwrap();
    let engine = Engine::new(Answer::Is(ActAnswer::Accepted), After::PausedAgain);
    if verb == Verb::Cancel {
        engine.becomes(Answer::Is(ActAnswer::Accepted), After::Failed);
    }
    process(state.path(), &engine, async |hub| {
        let act = send(&hub, verb, "inv_1", reason).await;
        ended(&hub, &act).await;
    });
    assert_eq!(lines(state.path()).len(), 3);
    std::fs::read(state.path().join("journal.jsonl")).unwrap()
}

/// A folder with the first bytes of a record.
fn left_behind(record: &[u8]) -> TempDir {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("journal.jsonl");
    private(&path, "");
    std::fs::write(&path, record).unwrap();
    state
}

/// A disk that is full, or a machine that stops, leaves any part of the last line. That part is passed over, and what
/// is written behind it can be read: the next act is in the record like any other.
fn ends_after_any_byte(verb: Verb, reason: &str) -> usize {
    let mut cases = 0;
    let record_of_it = whole(verb, reason);
    for (cut, after) in (0..=record_of_it.len()).zip(After::ALL.into_iter().cycle()) {
        let what = format!("{verb:?}, cut after {cut} of {} bytes, then {after:?}", record_of_it.len());
        let state = left_behind(&record_of_it[..cut]);
        // It was sent before, where the record is as far as that.
        let engine = Engine::new(Answer::Never, after);
        let due = unfinished(&lines(state.path())).len();
        engine.was_acted_on();
        let acts = takes_up(state.path(), &engine, &what);
        assert_eq!(acts.len(), due, "{what}");
        for act in &acts {
            is_told(act, verb, after, &what);
        }
        // The next one is sent, and its process ends at once.
        engine.becomes(Answer::Never, After::TheSame);
        let next = process(state.path(), &engine, async |hub| {
            let act = send_held(&hub, verb, reason).await;
            eventually(SOON, || async { seen(engine.sent().len(), |sent| *sent == 1) }).await;
            act.id
        });
        engine.becomes(Answer::Never, after);
        let acts = takes_up(state.path(), &engine, &what);
        assert_eq!(acts.iter().map(|act| &act.id).collect::<Vec<_>>(), [&next], "{what}");
        is_told(&acts[0], verb, after, &what);
        sent_once_at_most(&engine, &what);
        cases += 1;
    }
    cases
}

#[test]
fn the_record_of_a_resume_may_end_after_any_byte() {
    record("acts-once", ends_after_any_byte(Verb::Resume, REASONS[1]), 700);
}

#[test]
fn the_record_of_a_cancel_may_end_after_any_byte() {
    record("acts-once", ends_after_any_byte(Verb::Cancel, REASONS[2]), 700);
}
