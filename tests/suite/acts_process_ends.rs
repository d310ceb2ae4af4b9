//! A process that ends while it acts: at every step of the act, and anywhere in what it writes to the ledger. Whoever
//! comes next says that nobody knows what became of the act, looks, and never sends it again.
//!
//! A process is a runtime of its own here, with a hub on the record that the one before has left. Where it is dropped,
//! everything that ran in it ends there, and nothing has a chance to put itself in order. Time is made up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::engine::{After, Answer, Engine, Wire};
use crate::support::hub::{SOON, VERBS_OF_PAUSED, ended, setup};
use crate::support::ledger::{apart, commits, copied, entries, folder, note, put, unfinished, verified};
use crate::support::matrix::record;
use crate::support::wait::{eventually, seen};
use quarterdeck::config::Config;
use quarterdeck::connect::{ActAnswer, Connector};
use quarterdeck::domain::audit::Head;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::remediation::{ItemState, Remediation, Verb};
use quarterdeck::hub::ledger::Book;
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::Ops;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
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

fn named(state: &Path, action: &str) -> usize {
    entries(state).iter().filter(|entry| entry.action == action).count()
}

fn sent_once_at_most(engine: &Engine, what: &str) {
    let sent = engine.sent();
    assert!(sent.values().all(|times| *times == 1), "{what}: {sent:?}");
}

/// The next process: it takes up what has no end in the record, says that nobody knows, looks, and sends nothing. Gives
/// what was said in the end.
fn takes_up(state: &Path, engine: &Arc<Engine>, what: &str) -> Vec<Remediation> {
    let open = unfinished(state);
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
    assert_eq!(unfinished(state), Vec::<String>::new(), "{what}: the end is in the record");
    assert_eq!(verified(state).broken, None, "{what}: the audit is whole");
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
                let is_answered = || async { seen(named(state, "answer"), |answers| *answers == 1) };
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
                let state = folder();
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
                let state = folder();
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

/// What a process leaves that acted once, from the request to its end, and was stopped with the machine: everything is
/// in the database's log. And which acts have no end, and the audit's end, after each commit of it.
struct Left {
    state: TempDir,
    wal: Vec<u8>,
    /// Where a commit ends in the log; what there is then.
    steps: Vec<(usize, Vec<String>, Head)>,
}

impl Left {
    fn of(verb: Verb, reason: &str) -> Self {
        let state = folder();
        let engine = Engine::new(Answer::Is(ActAnswer::Accepted), After::PausedAgain);
        if verb == Verb::Cancel {
            engine.becomes(Answer::Is(ActAnswer::Accepted), After::Failed);
        }
        let left = process(state.path(), &engine, async |hub| {
            let act = send(&hub, verb, "inv_1", reason).await;
            ended(&hub, &act).await;
            // The last one to close it would write everything into the database itself.
            copied(state.path())
        });
        let wal = std::fs::read(left.path().join("ledger.sqlite-wal")).unwrap();
        let steps = commits(&wal).into_iter().map(|end| {
            let part = copied(left.path());
            put(part.path(), "ledger.sqlite-wal", &wal[..end]);
            let open = unfinished(part.path());
            (end, open, verified(part.path()).head)
        });
        let steps: Vec<_> = steps.collect();
        // The tables, and then: the plan, the attempt, the act, its answer and its end, and the second attempt refused.
        assert!(steps.len() >= 7, "{}", steps.len());
        let open = steps.iter().filter(|(_, open, _)| open.len() == 1).count();
        // The second attempt is refused while the first one runs, or afterwards.
        assert!((2..=3).contains(&open), "from the act to its end: {steps:?}");
        Self { state: left, wal, steps }
    }

    /// Which step the log is at that is good so far.
    fn at(&self, good: usize) -> (Vec<String>, Head) {
        let step = self.steps.iter().rev().find(|(end, ..)| *end <= good);
        step.map_or((Vec::new(), Head::default()), |(_, open, head)| (open.clone(), head.clone()))
    }

    /// What is left of it with this log, and this noted as the audit's end.
    fn with(&self, wal: &[u8], noted: &Head) -> TempDir {
        let state = copied(self.state.path());
        put(state.path(), "ledger.sqlite-wal", wal);
        note(state.path(), noted);
        state
    }

    /// The end of the audit as it was noted one step before: a process may end between the two.
    fn before(&self, head: &Head) -> Head {
        let earlier = self.steps.iter().rev().find(|(.., other)| other.sequence < head.sequence);
        earlier.map_or(Head::default(), |(.., head)| head.clone())
    }
}

/// A machine that stops leaves any part of what was being written to the log, and maybe not as it was written. What was
/// whole is there, what was not is passed over, and the next act is in the record like any other.
fn ends_anywhere(verb: Verb, reason: &str, cases_due: usize, seed: u64) -> usize {
    let left = Left::of(verb, reason);
    let mut dice = StdRng::seed_from_u64(seed);
    // At each end of a commit and beside it, and anywhere.
    let ends = left.steps.iter().flat_map(|(end, ..)| [end - 1, *end, end + 1]);
    let mut places: Vec<usize> = ends.filter(|at| *at <= left.wal.len()).chain([0, 1, 31, 32]).collect();
    while places.len() < cases_due {
        places.push(dice.random_range(0..left.wal.len()));
    }
    let mut cases = 0;
    for (place, after) in places.into_iter().zip(After::ALL.into_iter().cycle()) {
        // Cut there, or one bit of it is another one.
        let flipped = dice.random_bool(0.5) && place < left.wal.len();
        let wal = if flipped {
            let mut wal = left.wal.clone();
            wal[place] ^= 1 << dice.random_range(0..8);
            wal
        } else {
            left.wal[..place].to_vec()
        };
        let what = format!("{verb:?}, {place} of {} bytes, flipped: {flipped}, then {after:?}", left.wal.len());
        let (due, head) = left.at(place);
        // The note comes after the commit: a process that ended in between has left the one before.
        let noted = if dice.random_bool(0.5) { head.clone() } else { left.before(&head) };
        let state = left.with(&wal, &noted);
        // It was sent before, where the record is as far as that.
        let engine = Engine::new(Answer::Never, after);
        engine.was_acted_on();
        assert_eq!(unfinished(state.path()), due, "{what}");
        let acts = takes_up(state.path(), &engine, &what);
        assert_eq!(acts.iter().map(|act| act.id.to_string()).collect::<Vec<_>>(), due, "{what}");
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
fn the_record_of_a_resume_may_end_anywhere() {
    record("acts-once", ends_anywhere(Verb::Resume, REASONS[1], 750, 1), 750);
}

#[test]
fn the_record_of_a_cancel_may_end_anywhere() {
    record("acts-once", ends_anywhere(Verb::Cancel, REASONS[2], 750, 2), 750);
}

/// Nothing can be planned or sent, and that is said in words.
fn refuses(state: &Path, words: &[&str], what: &str) {
    let engine = Engine::new(Answer::Is(ActAnswer::Accepted), After::Succeeded);
    process(state, &engine, async |hub| {
        let _polling = hub.start();
        let plan = hub.plan(Verb::Resume, &InstanceId::new("engine", "inv_1")).await;
        let Err(refused) = plan.map_err(|why| why.to_string()) else { panic!("{what}: it is planned") };
        assert!(refused.starts_with("acts can't be recorded: "), "{what}: {refused}");
        assert!(words.iter().any(|words| refused.contains(words)), "{what}: {refused}");
    });
    assert_eq!(engine.begun(), 0, "{what}");
}

#[test]
fn a_record_that_lost_what_was_on_the_disk_is_not_written_to() {
    let mut cases = 0;
    for verb in VERBS_OF_PAUSED {
        let left = Left::of(verb, REASONS[0]);
        let (_, _, last) = left.steps.last().unwrap();
        for (end, _, head) in &left.steps {
            if head.sequence == last.sequence {
                continue;
            }
            // The note is of what was on the disk, and the ledger is an older one.
            let what = format!("{verb:?}, {end} bytes");
            let state = left.with(&left.wal[..*end], last);
            refuses(state.path(), &["the end of the audit is missing"], &what);
            assert_eq!(verified(state.path()).broken.unwrap().sequence, head.sequence + 1, "{what}");
            cases += 1;
        }
    }
    record("acts-once", cases, 10);
}

#[test]
fn a_ledger_that_was_cut_or_overwritten_is_not_acted_upon() {
    let state = folder();
    let engine = Engine::new(Answer::Is(ActAnswer::Accepted), After::Succeeded);
    process(state.path(), &engine, async |hub| {
        for n in 0..20 {
            engine.is_new();
            let act = send(&hub, Verb::Resume, &format!("inv_{n}"), REASONS[3]).await;
            ended(&hub, &act).await;
        }
    });
    // It was closed: everything is in the database itself.
    let whole = std::fs::read(state.path().join("ledger.sqlite")).unwrap();
    assert!(!state.path().join("ledger.sqlite-wal").exists() && whole.len() > 20_000);
    let mut dice = StdRng::seed_from_u64(3);
    let mut cases = 0;
    for n in 0..120 {
        let place = if n % 8 == 0 {
            4096 * dice.random_range(0..whole.len() / 4096)
        } else {
            dice.random_range(0..whole.len())
        };
        let left = copied(state.path());
        put(left.path(), "ledger.sqlite", &whole[..place]);
        let what = format!("{place} of {} bytes", whole.len());
        refuses(left.path(), &["is damaged", "the end of the audit is missing", "is no ledger"], &what);
        assert!(
            apart(async || match Book::open(left.path()).await {
                Ok(mut book) => book.verify().await.is_ok_and(|found| found.broken.is_some()),
                Err(error) => error.to_string().contains("is damaged"),
            }),
            "{what}"
        );
        cases += 1;
    }
    record("acts-once", cases, 120);
}
