//! Acts are felt: as the cause says, once for each key, and by those behind.

use super::*;

#[tokio::test]
async fn a_resume_fails_again_while_the_cause_lasts() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let target = pass.exhausted_migrations()[7].clone();
    let id = target.id.instance.clone();
    stage.at(MINUTE);
    assert_eq!(stage.act(Verb::Resume, &id, "k1").await, ActAnswer::Accepted);
    stage.at(MINUTE + 900);
    let reading = stage.read(&id).await.unwrap();
    assert_eq!((reading.detail.flow.status, reading.detail.flow.attempts), (Status::Running, Some(1)));
    assert_ne!(reading.detail.flow.version, target.version);

    stage.at(MINUTE + 3_001);
    let reading = stage.read(&id).await.unwrap();
    let failed = reading.last_failure_at.unwrap();
    let after = failed.duration_since(instant(stage.world.epoch, MINUTE)).as_millis();
    assert!((1_000..=3_000).contains(&after), "failed {after} ms after the resume");
    assert_eq!(reading.detail.flow.error, target.error);

    stage.at(2 * MINUTE);
    let again = stage.read(&id).await.unwrap().detail.flow;
    assert_eq!((again.status, again.pause), (Status::Paused, Some(PauseCause::Exhausted)));
    assert_eq!(again.version, target.version);
    assert_eq!(stage.pass().await.exhausted_migrations().len(), 61 + 8);
}

#[tokio::test]
async fn a_resume_after_the_cause_has_ended_goes_through() {
    let stage = Stage::new(SEED);
    stage.at(13 * MINUTE);
    let id = stage.pass().await.exhausted_migrations()[0].id.instance.clone();
    assert_eq!(stage.act(Verb::Resume, &id, "k1").await, ActAnswer::Accepted);
    stage.at(13 * MINUTE + 20 * SECOND);
    let detail = stage.read(&id).await.unwrap().detail;
    assert_eq!((detail.flow.status, &*detail.flow.step), (Status::Succeeded, "(last step)"));
    assert_eq!(detail.flow.completed_commands, 3);
    assert!(detail.timeline.iter().any(|entry| &*entry.what == "resume asked"));
    assert_eq!(
        stage.act(Verb::Resume, &id, "k2").await,
        ActAnswer::Refused(format!("{id} is completed, cannot be resumed.").into())
    );
    assert_eq!(stage.pass().await.exhausted_migrations().len(), 108);
}

#[tokio::test]
async fn the_timeline_tells_each_run_by_itself_with_the_engines_numbers() {
    let stage = Stage::new(SEED);
    let id = stage.pass().await.exhausted_migrations()[7].id.instance.clone();
    stage.at(MINUTE);
    assert_eq!(stage.act(Verb::Resume, &id, "k1").await, ActAnswer::Accepted);
    let story = async || {
        let detail = stage.read(&id).await.unwrap().detail;
        assert!(detail.timeline.is_sorted_by_key(|entry| entry.at));
        let what: Vec<String> = detail.timeline.iter().skip(3).map(|entry| entry.what.to_string()).collect();
        // One that runs has yet to fail.
        let failed = detail.flow.attempts.unwrap() - u32::from(detail.flow.status == Status::Running);
        (failed, what)
    };
    let first_run =
        ["attempt 1 failed", "3 more attempts failed", "attempt 5 failed", "paused by the engine", "resume asked"];
    stage.at(MINUTE + 3_500);
    let (failed, what) = story().await;
    let last = format!("attempt {failed} failed");
    assert_eq!(what[..5], first_run);
    assert!((1..=4).contains(&(what.len() - 5)) && *what.last().unwrap() == last, "{what:?}, and then {last}");
    stage.at(2 * MINUTE);
    let (failed, what) = story().await;
    assert_eq!(failed, 5);
    assert_eq!(what, [&first_run[..], &first_run[..4]].concat());
}

#[tokio::test]
async fn a_resume_of_one_that_backs_off_tries_at_once_and_keeps_the_row() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let target = pass.first(|flow| {
        &*flow.flow == "tenant-provisioning"
            && flow.status == Status::BackingOff
            && flow.next_retry_at > Some(instant(stage.world.epoch, 10 * SECOND))
    });
    assert_eq!(stage.act(Verb::Resume, &target.id.instance, "k").await, ActAnswer::Accepted);
    stage.at(500);
    let flow = stage.read(&target.id.instance).await.unwrap().detail.flow;
    assert_eq!((flow.status, flow.attempts), (Status::Running, target.attempts.map(|n| n + 1)));
    assert_eq!((flow.first_failure_at, &flow.version), (target.first_failure_at, &target.version));
    stage.at(3_500);
    assert_eq!(stage.status(&target.id.instance).await, Status::BackingOff);
    assert_eq!(
        stage.act(Verb::Resume, &target.id.instance, "k").await,
        ActAnswer::Accepted,
        "one key is one act, so this is the first answer again"
    );
    stage.at(3_600);
    assert_eq!(stage.status(&target.id.instance).await, Status::BackingOff);
}

#[tokio::test]
async fn a_freed_key_goes_to_the_next_in_the_queue() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let holder = pass.first(|flow| &*flow.flow == "upgrade-plan" && flow.status == Status::Paused);
    let behind = |pass: &Pass| {
        let key = holder.key.clone();
        pass.flows.iter().filter(|flow| flow.key == key && flow.wait.is_some()).count()
    };
    assert_eq!(behind(&pass), 4);
    assert_eq!(stage.act(Verb::Resume, &holder.id.instance, "k").await, ActAnswer::Accepted);
    stage.at(MINUTE);
    assert_eq!(stage.status(&holder.id.instance).await, Status::Succeeded);
    let pass = stage.pass().await;
    assert!(behind(&pass) < 4);
    // From 5 to 8 minutes billing answers nobody.
    stage.at(9 * MINUTE);
    assert_eq!(behind(&stage.pass().await), 0);
}

#[tokio::test]
async fn a_cancelled_one_leaves_the_rows_and_is_still_found() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let hung =
        pass.first(|flow| &*flow.step == "build" && flow.created_at < Some(instant(stage.world.epoch, -30 * MINUTE)));
    let id = &hung.id.instance;
    assert_eq!(stage.act(Verb::Cancel, id, "k").await, ActAnswer::Accepted);
    stage.at(1_000);
    assert_eq!(stage.status(id).await, Status::Compensating);
    assert_eq!(stage.act(Verb::Cancel, id, "impatient").await, ActAnswer::Accepted);
    assert!(matches!(stage.act(Verb::Resume, id, "regret").await, ActAnswer::Refused(_)));
    stage.at(1_600);
    assert!(stage.pass().await.flows.iter().all(|flow| flow.id != hung.id));
    assert_eq!(stage.status(id).await, Status::Cancelled);
    let refused = ActAnswer::Refused(format!("{id} is completed, cannot be cancelled.").into());
    assert_eq!(stage.act(Verb::Cancel, id, "k2").await, refused);
    assert_eq!(stage.act(Verb::Cancel, id, "k").await, ActAnswer::Accepted, "the same key, the same answer");
    assert!(matches!(stage.act(Verb::Resume, id, "k").await, ActAnswer::Refused(why) if why.contains("key k")));
}

#[tokio::test]
async fn a_pause_holds_it_and_a_resume_takes_that_back() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let retried = pass.first(|flow| flow.status == Status::BackingOff);
    let id = &retried.id.instance;
    assert_eq!(stage.act(Verb::Pause, id, "p").await, ActAnswer::Accepted);
    stage.at(30 * MINUTE);
    let held = stage.pass().await;
    let held = held.first(|flow| flow.id == retried.id);
    assert_eq!((held.status, held.pause), (Status::Paused, Some(PauseCause::Held)), "nothing tries it any more");
    let refused = ActAnswer::Refused(format!("{id} is paused already, cannot be paused.").into());
    assert_eq!(stage.act(Verb::Pause, id, "again").await, refused);
    assert_eq!(stage.act(Verb::Resume, id, "r").await, ActAnswer::Accepted);
    stage.at(30 * MINUTE + 1_000);
    assert_ne!(stage.status(id).await, Status::Paused);
}

#[tokio::test]
async fn a_kill_ends_it_at_once_and_compensates_nothing() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let killed = pass.first(|flow| flow.status == Status::BackingOff && flow.completed_commands > 0);
    let id = &killed.id.instance;
    assert_eq!(stage.act(Verb::Kill, id, "k").await, ActAnswer::Accepted);
    stage.at(100);
    assert_eq!(stage.status(id).await, Status::Cancelled, "without a time in which it compensates");
    assert!(stage.pass().await.flows.iter().all(|flow| flow.id != killed.id));
    let refused = ActAnswer::Refused(format!("{id} is completed, cannot be killed.").into());
    assert_eq!(stage.act(Verb::Kill, id, "k2").await, refused);
    for (n, verb) in [Verb::RestartAsNew, Verb::Purge].into_iter().enumerate() {
        let refused = ActAnswer::Refused(format!("this engine knows no {}.", verb.label()).into());
        assert_eq!(stage.act(verb, id, &format!("n{n}")).await, refused);
    }
}

#[tokio::test]
async fn what_has_not_begun_is_cancelled_and_never_resumed() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    for (n, status) in [Status::Scheduled, Status::Queued].into_iter().enumerate() {
        let target = pass.first(|flow| flow.status == status && (status == Status::Scheduled || flow.wait.is_some()));
        let id = &target.id.instance;
        assert_eq!(
            stage.act(Verb::Resume, id, &format!("r{n}")).await,
            ActAnswer::Refused(format!("{id} is not running yet, cannot be resumed.").into())
        );
        assert_eq!(stage.act(Verb::Cancel, id, &format!("c{n}")).await, ActAnswer::Accepted);
    }
    stage.at(1_600);
    let left: BTreeSet<_> = stage.pass().await.flows.into_iter().map(|flow| flow.id).collect();
    assert!(
        left.len() < pass.flows.len() + 40 && !left.contains(&pass.first(|flow| flow.status == Status::Scheduled).id)
    );
    assert!(matches!(stage.act(Verb::Cancel, "wf_0000000000000000", "x").await, ActAnswer::Gone(_)));
}
