//! What is told of each instance, in a pass and in full.

use super::*;

#[tokio::test]
async fn one_seed_and_one_time_make_one_picture() {
    let (one, other) = (Stage::new(SEED), Stage::new(SEED));
    // The other one is asked at other times in between, and must not be swayed by that.
    for time in [3 * SECOND, 40 * MINUTE] {
        other.at(time);
        other.parts().await;
    }
    for time in [0, 7 * MINUTE + 321] {
        one.at(time);
        other.at(time);
        assert_eq!(format!("{:?}", one.parts().await), format!("{:?}", other.parts().await));
    }
    let stranger = Stage::new(SEED + 1);
    stranger.at(7 * MINUTE + 321);
    assert_ne!(format!("{:?}", one.parts().await), format!("{:?}", stranger.parts().await));
}

#[tokio::test]
async fn the_engines_counts_are_the_counts_of_its_rows() {
    let stage = Stage::new(SEED);
    for n in 0..8 {
        stage.at(n * 197 * SECOND + n * n * 1_113);
        let pass = stage.pass().await;
        let mut rows: BTreeMap<(SafeText, SafeText), [u64; 4]> = BTreeMap::new();
        for flow in &pass.flows {
            let row = rows.entry((flow.flow.clone(), flow.step.clone())).or_default();
            row[0] += u64::from(!flow.status.ended());
            row[1] += u64::from(flow.status == Status::Waiting);
            row[2] += u64::from(flow.pause == Some(PauseCause::Held));
            row[3] += u64::from(flow.status.failed());
        }
        let told = pass
            .counts
            .into_iter()
            .map(|count| ((count.flow, count.step), [count.open, count.waiting, count.held, count.failed]));
        assert_eq!(told.collect::<BTreeMap<_, _>>(), rows);
    }
}

#[tokio::test]
async fn rows_are_as_an_honest_engine_tells_them() {
    let stage = Stage::new(SEED);
    for time in [0, 4 * MINUTE, 13 * MINUTE, 2 * HOUR] {
        stage.at(time);
        let pass = stage.pass().await;
        for flow in &pass.flows {
            let who = format!("{flow:?}");
            assert_eq!(flow.observed_at, pass.now);
            assert!(flow.created_at <= flow.entered_step_at || flow.entered_step_at.is_none(), "{who}");
            assert!(flow.last_transition_at.unwrap() <= pass.now && flow.last_start_at <= Some(pass.now), "{who}");
            assert_eq!(flow.status == Status::Paused, flow.pause.is_some(), "{who}");
            let lost_a_worker = flow.error.as_ref().is_some_and(|error| error.code == Some("137".into()));
            let failed = flow.first_failure_at.is_some() || flow.status.failed();
            assert_eq!(failed || lost_a_worker, flow.error.is_some(), "{who}");
            assert!(flow.first_failure_at.is_none_or(|first| Some(first) >= flow.entered_step_at), "{who}");
            assert_eq!(flow.status == Status::Waiting, flow.wait.is_some() && flow.status != Status::Queued, "{who}");
            assert!(flow.status != Status::BackingOff || flow.next_retry_at > Some(pass.now), "{who}");
            let steps = super::super::flows::flow(&flow.flow).unwrap().steps;
            let at = usize::try_from(flow.completed_commands).unwrap();
            assert!(&*flow.step == "(queued)" && at == 0 || steps[at].name == &*flow.step, "{who}");
        }
    }
}

#[tokio::test]
async fn ended_ones_are_read_and_strangers_are_not() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let short = pass.first(|flow| &*flow.flow == "create-api-key" && flow.status == Status::Running);
    stage.at(10 * MINUTE);
    let reading = stage.read(&short.id.instance).await.unwrap();
    assert_eq!(reading.detail.flow.status, Status::Succeeded);
    assert!(reading.detail.timeline.iter().all(|entry| entry.outcome != EntryOutcome::Open));
    stage.at(26 * HOUR);
    assert!(stage.read(&short.id.instance).await.is_none(), "kept for a day");
    assert!(stage.read("inv_1").await.is_none());
    assert!(stage.read("wf_0000000000000000").await.is_none());
    let pass = stage.pass().await;
    assert!(pass.flows.iter().all(|flow| !flow.status.failed()), "failed ones leave after the look-back");
}

#[tokio::test]
async fn a_detail_tells_the_whole_story() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let storm = pass.first(|flow| &*flow.flow == "tenant-provisioning" && flow.attempts > Some(8));
    let detail = stage.read(&storm.id.instance).await.unwrap().detail;
    assert_eq!(detail.flow, *storm);
    let what: Vec<(&str, EntryOutcome)> =
        detail.timeline.iter().map(|entry| (entry.what.as_str(), entry.outcome)).collect();
    assert_eq!(
        what[..4],
        [
            ("queued", EntryOutcome::Done),
            ("network", EntryOutcome::Done),
            ("database", EntryOutcome::Open),
            ("attempt 1 failed", EntryOutcome::Failed),
        ]
    );
    assert!(what[4].0.ends_with("more attempts failed") && what.len() == 6, "{what:?}");
    assert!(detail.timeline.is_sorted_by_key(|entry| entry.at));
    assert!(detail.error.len() > 3 && detail.error.iter().any(|line| line.contains("    at Pool.connect")));
    let facts: Vec<&str> = detail.facts.iter().map(|(label, _)| *label).collect();
    assert_eq!(facts, ["deployment", "worker", "region", "tier", "owner", "caller", "retries", "kept"]);
}

#[tokio::test]
async fn hostile_text_arrives_scrubbed() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let hostile: Vec<_> =
        pass.flows.iter().filter(|flow| flow.error.as_ref().is_some_and(|error| error.text.contains('␛'))).collect();
    let [flow] = hostile.as_slice() else { panic!("{} hostile errors", hostile.len()) };
    let text = &flow.error.as_ref().unwrap().text;
    assert!(text.contains("␛]52;c;") && text.contains("pay\u{FFFD}roll"), "{text}");
    let detail = stage.read(&flow.id.instance).await.unwrap().detail;
    assert!(!detail.error.is_empty());
    assert!(detail.error.iter().chain([text]).all(|line| !line.chars().any(is_hidden)));
}

#[tokio::test]
async fn effects_are_told_in_plain_words() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let migration = pass.exhausted_migrations()[0];
    assert_eq!(
        stage.plane("platform").effect(Verb::Resume, migration).as_str(),
        "tries apply-0042 again at once, with a new row of retries; lock has completed and is not run again"
    );
    let held = pass.first(|flow| flow.pause == Some(PauseCause::Held));
    assert_eq!(
        stage.plane("platform").effect(Verb::Cancel, held).as_str(),
        "stops dns and undoes database, then network; it can't be resumed afterwards"
    );
}

#[tokio::test]
async fn a_pass_that_nobody_listens_to_ends() {
    let (sink, source) = mpsc::channel(1);
    drop(source);
    assert_eq!(Stage::new(SEED).plane("billing").observe(sink).await, Err(ConnectError::Ended));
}
