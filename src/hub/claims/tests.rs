use std::path::Path;

use jiff::SignedDuration;

use super::*;
use crate::domain::audit::Entry;
use crate::domain::claim::ClaimKind;
use crate::hub::ledger::{Book, Choice, Ledger};

fn now() -> Timestamp {
    "2026-01-15T03:12:00Z".parse().unwrap()
}

fn later(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

fn cohort(count: u64) -> Cohort {
    crate::domain::claim::tests::cohort(count, 4)
}

fn make(kind: ClaimKind, minutes: i64) -> ClaimRequest {
    let what = ClaimChange::Make { kind, until: later(minutes), note: " on it\u{1b}[31m ".to_owned() };
    ClaimRequest { cohort: "39c1f89c".into(), what, over: None }
}

fn release() -> ClaimRequest {
    ClaimRequest { cohort: "39c1f89c".into(), what: ClaimChange::Release, over: None }
}

/// The claims as somebody has them who writes to this ledger.
fn on(ledger: Ledger, operator: &str) -> Claims {
    let reader = ledger.reader();
    Claims::new("prod", operator, Ok(Arc::new(Journal::new(ledger, "prod", operator))), Some(reader))
}

/// The same in a process of their own.
fn claims(dir: &Path, operator: &str) -> Claims {
    on(Ledger::open(dir).unwrap(), operator)
}

/// The claims as somebody sees them who writes nothing.
fn reader(dir: &Path) -> Claims {
    Claims::new("prod", "op-r", Err("started with --read-only".into()), Some(Reader::of(dir)))
}

/// What somebody sees of the cohort at a time.
async fn seen(claims: &Claims, count: u64, at: Timestamp) -> Option<Claim> {
    claims.look().await;
    let mut cohorts = [cohort(count)];
    assert_eq!(claims.put_on(&mut cohorts, true, at), None);
    cohorts[0].claim.take()
}

/// What the audit has of claims, the oldest first.
async fn entries(dir: &Path) -> Vec<Entry> {
    let (mut entries, _) = Book::open(dir).await.unwrap().entries(&Choice::default()).await.unwrap();
    entries.reverse();
    entries
}

/// How each claim ended, in the order in which they were made.
async fn ends(dir: &Path) -> Vec<(Option<String>, Option<String>)> {
    let mut connection = crate::hub::ledger::tests::connect(dir).await;
    let rows = sqlx::query_as("SELECT how, ended_by FROM claims ORDER BY claimed_at, rowid");
    rows.fetch_all(&mut connection).await.unwrap()
}

#[tokio::test]
async fn whoever_shares_the_ledger_sees_it_until_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let looking = reader(dir.path());
    assert_eq!(seen(&looking, 10, now()).await, None);
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "looking makes nothing");
    let (a, b) = (claims(dir.path(), "op-a"), claims(dir.path(), "op-b"));
    assert_eq!(seen(&b, 10, now()).await, None);
    let made = a.change(make(ClaimKind::Claim, 30), &cohort(10), now()).await.unwrap().unwrap();
    assert_eq!((&*made.by, made.note.as_deref()), ("op-a", Some("on it␛[31m")));
    for claims in [&a, &b, &looking, &claims(dir.path(), "op-c"), &reader(dir.path())] {
        assert_eq!(seen(claims, 10, now()).await.as_ref(), Some(&made));
        assert_eq!(claims.in_force(now()), std::slice::from_ref(&made));
        assert_eq!(seen(claims, 10, later(30)).await, None);
        assert!(!claims.look().await, "nothing is another one");
    }
    // Another context has claims of its own.
    let elsewhere = Claims::new("staging", "op-a", Err("".into()), Some(Reader::of(dir.path())));
    assert_eq!(seen(&elsewhere, 10, now()).await, None);
    let all = entries(dir.path()).await;
    let [entry] = &all[..] else { panic!("{all:?}") };
    assert_eq!(
        (entry.action.as_str(), entry.actor.as_str(), entry.subject.as_str()),
        ("claim", "op-a", "cohort 39c1f89c")
    );
    assert_eq!(entry.context, "prod");
    assert!(entry.detail.contains(&*made.id) && entry.detail.contains("\"kind\":\"claim\""), "{}", entry.detail);
}

#[tokio::test]
async fn the_claim_of_another_is_not_overwritten_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (claims(dir.path(), "op-a"), claims(dir.path(), "op-b"));
    // Nobody has told b of it when b asks for the same.
    let first = a.change(make(ClaimKind::Claim, 28), &cohort(10), now()).await.unwrap().unwrap();
    let refused = b.change(make(ClaimKind::Snooze, 60), &cohort(10), now()).await.unwrap_err();
    assert_eq!(refused.to_string(), "op-a has it until 03:40 UTC; nothing was changed");
    assert!(b.change(release(), &cohort(10), now()).await.is_err());
    let over = ClaimRequest { over: Some(first.id.clone()), ..make(ClaimKind::Claim, 60) };
    let second = b.change(over, &cohort(10), now()).await.unwrap().unwrap();
    assert_eq!(seen(&a, 10, now()).await, Some(second.clone()));
    // The id of a claim that has been replaced since is no leave to replace the present one.
    let stale = ClaimRequest { over: Some(first.id.clone()), ..make(ClaimKind::Claim, 30) };
    assert!(matches!(a.change(stale, &cohort(10), now()).await, Err(OpsError::Changed(_))));
    // One's own may be made longer, and taken back.
    b.change(make(ClaimKind::Claim, 120), &cohort(10), later(1)).await.unwrap();
    assert_eq!(b.change(release(), &cohort(10), later(2)).await.unwrap(), None);
    assert_eq!(seen(&b, 10, later(2)).await, None);
    assert_eq!(seen(&a, 10, later(2)).await, None);
    assert!(matches!(b.change(release(), &cohort(10), later(2)).await, Err(OpsError::Refused(_))));
    let end = |how: &str, by: &str| (Some(how.to_owned()), Some(by.to_owned()));
    let due = [end("replaced", "op-b"), end("replaced", "op-b"), end("released", "op-b")];
    assert_eq!(ends(dir.path()).await, due);
    let told = entries(dir.path()).await;
    assert_eq!(
        told.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(),
        ["claim", "claim", "claim", "release"]
    );
    assert!(told[1].detail.contains(&format!("\"replaces\":\"{}\"", first.id)), "{}", told[1].detail);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_press_enter_in_one_moment_one_is_told_yes() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (claims(dir.path(), "op-a"), claims(dir.path(), "op-b"));
    for n in 0..20 {
        let cohort = Cohort { id: format!("{n:08x}").into(), ..cohort(10) };
        let request = ClaimRequest { cohort: cohort.id.clone(), ..make(ClaimKind::Claim, 30) };
        let (one, other) =
            tokio::join!(a.change(request.clone(), &cohort, now()), b.change(request.clone(), &cohort, now()));
        let yes = [&one, &other].into_iter().flatten().flatten().collect::<Vec<_>>();
        assert_eq!(yes.len(), 1, "{n}: {one:?} {other:?}");
        for claims in [&a, &b] {
            claims.look().await;
            assert!(claims.in_force(now()).contains(yes[0]), "{n}");
        }
    }
    assert_eq!(entries(dir.path()).await.len(), 20);
}

#[tokio::test]
async fn what_has_ended_is_in_nobodys_way_and_no_clock_brings_back_what_was_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (claims(dir.path(), "op-a"), claims(dir.path(), "op-b"));
    let first = a.change(make(ClaimKind::Claim, 30), &cohort(10), now()).await.unwrap().unwrap();
    assert!(matches!(a.change(release(), &cohort(10), later(31)).await, Err(OpsError::Refused(_))));
    // The clock jumps ahead and back again: as long as nobody says anything else, it holds until its end.
    assert_eq!(seen(&a, 10, later(60 * 24 * 400)).await, None);
    assert_eq!(seen(&a, 10, later(5)).await, Some(first));
    let second = b.change(make(ClaimKind::Claim, 90), &cohort(10), later(45)).await.unwrap().unwrap();
    assert_eq!(ends(dir.path()).await[0], (Some("expired".to_owned()), None));
    assert_eq!(seen(&a, 10, later(5)).await, Some(second));
}

#[tokio::test]
async fn what_was_outgrown_stays_so_when_the_cohort_shrinks_again_and_is_recorded_once() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b, looking) = (claims(dir.path(), "op-a"), claims(dir.path(), "op-b"), reader(dir.path()));
    a.change(make(ClaimKind::Snooze, 60), &cohort(10), now()).await.unwrap();
    for claims in [&a, &b, &looking] {
        assert!(seen(claims, 19, now()).await.is_some());
    }
    let mut part = [cohort(40)];
    a.put_on(&mut part, false, now());
    assert!(part[0].claim.is_some(), "a filtered board says nothing of growth");
    // Both see it before either has recorded it; who may not write only sees it.
    for claims in [&a, &b, &looking] {
        let mut grown = [cohort(20)];
        claims.put_on(&mut grown, true, now());
        assert_eq!(grown[0].claim, None);
    }
    for claims in [&looking, &a, &b, &looking] {
        assert_eq!(seen(claims, 10, now()).await, None);
    }
    assert_eq!(seen(&claims(dir.path(), "op-c"), 10, now()).await, None);
    let told = entries(dir.path()).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[1].action.as_str(), told[1].actor.as_str()), ("release", "quarterdeck"));
    assert!(told[1].trusted.is_none() && told[1].detail.contains("\"how\":\"outgrown\""), "{:?}", told[1]);
    // It is in nobody's way, also before it is recorded.
    b.change(make(ClaimKind::Acknowledge, 60), &cohort(20), now()).await.unwrap();
    assert_eq!(seen(&a, 41, now()).await, None);
    a.change(make(ClaimKind::Claim, 60), &cohort(41), now()).await.unwrap();
    let how: Vec<_> = ends(dir.path()).await.into_iter().map(|(how, _)| how).collect();
    assert_eq!(how, [Some("outgrown".to_owned()), Some("outgrown".to_owned()), None]);
}

#[tokio::test]
async fn an_end_is_needed_and_not_too_far() {
    let claims = on(Ledger::in_memory(), "op-a");
    for minutes in [-5, 0, 7 * 24 * 60 + 1] {
        let refused = claims.change(make(ClaimKind::Claim, minutes), &cohort(1), now()).await;
        assert!(matches!(refused, Err(OpsError::Refused(_))), "{minutes}");
    }
    assert!(claims.change(make(ClaimKind::Claim, 1), &cohort(1), now()).await.is_ok());
    assert!(seen(&claims, 1, now()).await.is_some());
}

#[tokio::test]
async fn where_it_cannot_be_recorded_it_is_not_said() {
    let full = on(Ledger::full(), "op-a");
    let refused = full.change(make(ClaimKind::Claim, 30), &cohort(10), now()).await.unwrap_err();
    assert!(matches!(&refused, OpsError::Journal(why) if why.contains("the disk is full")), "{refused}");
    assert_eq!(seen(&full, 10, now()).await, None);
    let refused = Claims::new("prod", "op-a", Err("it is locked".into()), None);
    let refused = refused.change(release(), &cohort(10), now()).await.unwrap_err();
    assert_eq!(refused.to_string(), "claims can't be changed: it is locked");
    // What was seen stays, and whoever can't look says so.
    let dir = tempfile::tempdir().unwrap();
    let a = claims(dir.path(), "op-a");
    a.change(make(ClaimKind::Claim, 30), &cohort(10), now()).await.unwrap();
    assert!(seen(&a, 10, now()).await.is_some());
    assert!(seen(&reader(dir.path()), 10, now()).await.is_some());
    let mut connection = crate::hub::ledger::tests::connect(dir.path()).await;
    sqlx::raw_sql("ALTER TABLE claims RENAME TO elsewhere").execute(&mut connection).await.unwrap();
    assert!(a.look().await);
    let mut cohorts = [cohort(10)];
    let note = a.put_on(&mut cohorts, true, now()).unwrap();
    assert!(note.contains("no such table") && cohorts[0].claim.is_some(), "{note}");
    sqlx::raw_sql("ALTER TABLE elsewhere RENAME TO claims").execute(&mut connection).await.unwrap();
    assert!(a.look().await && seen(&a, 10, now()).await.is_some());
}

#[tokio::test]
async fn what_was_outgrown_counts_no_longer_and_is_recorded_once_that_can_be_done() {
    let dir = tempfile::tempdir().unwrap();
    let a = claims(dir.path(), "op-a");
    a.change(make(ClaimKind::Snooze, 60), &cohort(10), now()).await.unwrap();
    let mut connection = crate::hub::ledger::tests::connect(dir.path()).await;
    sqlx::raw_sql("ALTER TABLE claims RENAME TO elsewhere").execute(&mut connection).await.unwrap();
    let mut grown = [cohort(20)];
    for _ in 0..2 {
        a.put_on(&mut grown, true, now());
        a.look().await;
        let note = a.put_on(&mut grown, true, now()).unwrap();
        assert!(grown[0].claim.is_none() && note.starts_with("what was outgrown can't be recorded: "), "{note}");
    }
    sqlx::raw_sql("ALTER TABLE elsewhere RENAME TO claims").execute(&mut connection).await.unwrap();
    assert_eq!(seen(&a, 10, now()).await, None);
    let actions: Vec<String> = entries(dir.path()).await.into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["claim", "release"]);
}

#[tokio::test]
async fn rows_that_are_no_claims_are_counted_and_hide_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let a = claims(dir.path(), "op-a");
    for cohort_id in ["39c1f89c", "other"] {
        let request = ClaimRequest { cohort: cohort_id.into(), ..make(ClaimKind::Claim, 30) };
        a.change(request, &Cohort { id: cohort_id.into(), ..cohort(10) }, now()).await.unwrap();
    }
    let mut connection = crate::hub::ledger::tests::connect(dir.path()).await;
    sqlx::raw_sql("UPDATE claims SET kind = 'later' WHERE cohort = 'other'").execute(&mut connection).await.unwrap();
    assert!(a.look().await);
    let mut cohorts = [cohort(10)];
    assert_eq!(a.put_on(&mut cohorts, true, now()).as_deref(), Some("1 claim can't be read"));
    assert!(cohorts[0].claim.is_some());
    let again = ClaimRequest { cohort: "other".into(), ..make(ClaimKind::Claim, 30) };
    a.change(again, &Cohort { id: "other".into(), ..cohort(10) }, now()).await.unwrap();
    a.look().await;
    assert_eq!((a.put_on(&mut cohorts, true, now()), a.in_force(now()).len()), (None, 2));
}

#[tokio::test]
async fn who_only_looks_says_that_there_are_claims_of_an_older_version() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("claims.jsonl"), "").unwrap();
    let looking = reader(dir.path());
    assert!(looking.look().await);
    let note = looking.put_on(&mut [], true, now()).unwrap();
    assert!(note.contains("claims.jsonl is of an older version"), "{note}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 1);
}
