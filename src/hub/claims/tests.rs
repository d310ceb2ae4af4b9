use jiff::SignedDuration;

use super::*;

fn now() -> Timestamp {
    "2026-01-15T03:12:00Z".parse().unwrap()
}

fn cohort(count: u64) -> Cohort {
    crate::domain::claim::tests::cohort(count, 4)
}

fn make(kind: ClaimKind, minutes: i64) -> ClaimRequest {
    let until = now() + SignedDuration::from_mins(minutes);
    let what = ClaimChange::Make { kind, until, note: " on it\u{1b}[31m ".to_owned() };
    ClaimRequest { cohort: "39c1f89c".into(), what, over: None }
}

fn release() -> ClaimRequest {
    ClaimRequest { cohort: "39c1f89c".into(), what: ClaimChange::Release, over: None }
}

/// What somebody sees of the cohort at a time.
fn seen(claims: &Claims, count: u64, at: Timestamp) -> Option<Claim> {
    let mut cohorts = [cohort(count)];
    assert_eq!(claims.put_on(&mut cohorts, true, at), None);
    cohorts[0].claim.take()
}

#[test]
fn whoever_shares_the_directory_sees_it_until_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let a = Claims::new("op-a", Some(dir.path()));
    let b = Claims::new("op-b", Some(dir.path()));
    assert_eq!(seen(&b, 10, now()), None);
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "looking writes nothing");
    let made = a.change(&make(ClaimKind::Claim, 30), &cohort(10), now()).unwrap().unwrap();
    assert_eq!((&*made.by, made.note.as_deref()), ("op-a", Some("on it␛[31m")));
    let at_its_end = now() + SignedDuration::from_mins(30);
    for claims in [&a, &b, &Claims::new("op-c", Some(dir.path()))] {
        assert_eq!(seen(claims, 10, now()).as_ref(), Some(&made));
        assert_eq!(seen(claims, 10, at_its_end), None);
    }
    let access = std::fs::metadata(dir.path().join("claims.jsonl")).unwrap().permissions().mode();
    assert_eq!(access & 0o777, 0o600);
}

#[test]
fn the_claim_of_another_is_not_overwritten_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let a = Claims::new("op-a", Some(dir.path()));
    let b = Claims::new("op-b", Some(dir.path()));
    // Nobody has told b of it when b asks for the same.
    let first = a.change(&make(ClaimKind::Claim, 28), &cohort(10), now()).unwrap().unwrap();
    let refused = b.change(&make(ClaimKind::Snooze, 60), &cohort(10), now()).unwrap_err();
    assert_eq!(refused.to_string(), "op-a has it until 03:40 UTC; nothing was changed");
    assert!(b.change(&release(), &cohort(10), now()).is_err());
    let over = ClaimRequest { over: Some(first.id.clone()), ..make(ClaimKind::Claim, 60) };
    let second = b.change(&over, &cohort(10), now()).unwrap().unwrap();
    assert_eq!(seen(&a, 10, now()), Some(second));
    // The id of a claim that has been replaced since is no leave to replace the present one.
    let stale = ClaimRequest { over: Some(first.id), ..make(ClaimKind::Claim, 30) };
    assert!(matches!(a.change(&stale, &cohort(10), now()), Err(OpsError::Changed(_))));
    // One's own may be made longer, and taken back.
    b.change(&make(ClaimKind::Claim, 120), &cohort(10), now()).unwrap();
    assert_eq!(b.change(&release(), &cohort(10), now()).unwrap(), None);
    assert_eq!(seen(&a, 10, now()), None);
    assert!(matches!(b.change(&release(), &cohort(10), now()), Err(OpsError::Refused(_))));
}

#[test]
fn what_has_ended_is_in_nobodys_way() {
    let a = Claims::new("op-a", None);
    a.change(&make(ClaimKind::Claim, 30), &cohort(10), now()).unwrap();
    let later = now() + SignedDuration::from_mins(31);
    assert!(matches!(a.change(&release(), &cohort(10), later), Err(OpsError::Refused(_))));
}

#[test]
fn what_was_outgrown_stays_so_when_the_cohort_shrinks_again() {
    let dir = tempfile::tempdir().unwrap();
    let a = Claims::new("op-a", Some(dir.path()));
    a.change(&make(ClaimKind::Snooze, 60), &cohort(10), now()).unwrap();
    assert!(seen(&a, 19, now()).is_some());
    let mut part = [cohort(40)];
    a.put_on(&mut part, false, now());
    assert!(part[0].claim.is_some(), "a filtered board says nothing of growth");
    assert_eq!(seen(&a, 20, now()), None);
    assert_eq!(seen(&a, 10, now()), None);
    assert_eq!(seen(&Claims::new("op-b", Some(dir.path())), 10, now()), None);
}

#[test]
fn an_end_is_needed_and_not_too_far() {
    let claims = Claims::new("op-a", None);
    for minutes in [-5, 0, 7 * 24 * 60 + 1] {
        let refused = claims.change(&make(ClaimKind::Claim, minutes), &cohort(1), now());
        assert!(matches!(refused, Err(OpsError::Refused(_))), "{minutes}");
    }
    assert!(claims.change(&make(ClaimKind::Claim, 1), &cohort(1), now()).is_ok());
}

#[test]
fn broken_lines_are_counted_and_hide_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("claims.jsonl");
    let a = Claims::new("op-a", Some(dir.path()));
    a.change(&make(ClaimKind::Claim, 30), &cohort(10), now()).unwrap();
    let good = std::fs::read(&path).unwrap();
    let mut text = b"not json\n\xff\xfe\n{\"at\":1}\n".to_vec();
    text.extend(&good);
    // Whoever wrote this was ended in the middle of it.
    text.extend(&good[..good.len() / 2]);
    std::fs::write(&path, &text).unwrap();
    let b = Claims::new("op-a", Some(dir.path()));
    let mut cohorts = [cohort(10)];
    let note = b.put_on(&mut cohorts, true, now());
    assert_eq!(note.as_deref(), Some("3 lines of the claims can't be read"));
    assert!(cohorts[0].claim.is_some());
    b.change(&make(ClaimKind::Snooze, 90), &cohort(10), now()).unwrap();
    let note = b.put_on(&mut cohorts, true, now());
    assert_eq!(note.as_deref(), Some("4 lines of the claims can't be read"), "the half line was ended first");
    assert_eq!(cohorts[0].claim.as_ref().unwrap().kind, ClaimKind::Snooze);
}

#[test]
fn a_file_that_was_replaced_or_cut_is_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("claims.jsonl");
    let a = Claims::new("op-a", Some(dir.path()));
    a.change(&make(ClaimKind::Claim, 30), &cohort(10), now()).unwrap();
    let b = Claims::new("op-b", Some(dir.path()));
    assert!(seen(&b, 10, now()).is_some());
    std::fs::write(&path, "").unwrap();
    assert_eq!(seen(&b, 10, now()), None);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(seen(&a, 10, now()), None);
}

#[test]
fn others_may_not_read_it_and_a_locked_one_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("claims.jsonl");
    let a = Claims::new("op-a", Some(dir.path()));
    a.change(&make(ClaimKind::Claim, 30), &cohort(10), now()).unwrap();
    let other = File::open(&path).unwrap();
    other.lock().unwrap();
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| a.change(&make(ClaimKind::Claim, 60), &cohort(10), now()));
        // It has begun, and stays in the middle of it.
        while a.state.try_lock().is_ok() {
            std::thread::yield_now();
        }
        assert!(!waiting.is_finished());
        other.unlock().unwrap();
        waiting.join().unwrap()
    });
    assert!(waiting.is_ok());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = a.change(&make(ClaimKind::Claim, 60), &cohort(10), now()).unwrap_err();
    assert!(refused.to_string().contains("chmod 600"), "{refused}");
}
