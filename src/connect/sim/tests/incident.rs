//! The incident as it was written, in the middle of everyday life.

use super::*;

#[tokio::test]
async fn it_begins_in_the_middle_of_the_incident() {
    for seed in [SEED, 1, 2, 3] {
        let pass = Stage::new(seed).pass().await;
        assert!((2_500..=4_000).contains(&pass.flows.len()), "{} rows", pass.flows.len());
        let tenants: BTreeSet<_> = pass.flows.iter().filter_map(|flow| flow.tenant.as_ref()).collect();
        assert!((170..=200).contains(&tenants.len()), "{} tenants", tenants.len());
        let ids: BTreeSet<_> = pass.flows.iter().map(|flow| &flow.id).collect();
        assert_eq!(ids.len(), pass.flows.len());

        let wanted = [
            ("create-pipeline", "build", Rule::Overdue, 3),
            ("delete-tenant", "release-dns", Rule::Exhausted, 9),
            ("delete-user", "grace-period", Rule::LostWait, 1),
            ("expired-card", "charge", Rule::Exhausted, 7),
            ("invite-user", "mail", Rule::Exhausted, 1),
            ("nightly-backup", "(queued)", Rule::NeverStarted, 9),
            ("refund-payment", "await-provider", Rule::LostWait, 15),
            ("reset-password", "sms", Rule::Exhausted, 5),
            ("reset-password", "sms", Rule::RetryStorm, 24),
            ("resize-cluster", "drain", Rule::Overdue, 2),
            ("rotate-certificate", "order", Rule::Exhausted, 8),
            ("schema-migration", "apply-0042", Rule::Exhausted, 61),
            ("send-invoice", "render", Rule::NoConsumer, 18),
            ("sync-directory", "apply", Rule::TaskFault, 9),
            ("tenant-provisioning", "approval", Rule::LostWait, 2),
            ("tenant-provisioning", "database", Rule::RetryStorm, 40),
            ("upgrade-plan", "(queued)", Rule::BlockedBy, 6),
            ("upgrade-plan", "entitlements", Rule::Exhausted, 2),
            ("verify-phone", "send-code", Rule::RetryStorm, 9),
        ];
        let wanted = wanted.map(|(flow, step, rule, n)| ((flow.to_owned(), step.to_owned(), rule), n));
        assert_eq!(pass.stuck(), BTreeMap::from(wanted), "seed {seed}");

        let unknown = pass.judged().into_iter().filter(|(_, judgement)| judgement.verdict == Verdict::Unknown);
        assert_eq!(unknown.count(), 0, "the demo's engine can say everything");
        let onset = pass.exhausted_migrations().iter().filter_map(|flow| flow.last_transition_at).min().unwrap();
        let age = pass.now.duration_since(onset).as_secs();
        assert!((14 * 60..=15 * 60).contains(&age), "the incident is {age} s old");
    }
}

#[tokio::test]
async fn each_incident_is_one_fingerprint() {
    let pass = Stage::new(SEED).pass().await;
    for (name, wanted) in [
        ("schema-migration", "relation \"<name>\" does not exist (shard <n>)"),
        ("tenant-provisioning", "connect ECONNREFUSED <host> while creating <key>"),
        ("delete-tenant", "zone <key>.<host> is locked by registrar"),
        ("upgrade-plan", "<n> Bad Gateway from <host> while granting seats to <key>"),
        ("rotate-certificate", "<n> too many certificates ordered for <key>.<host>: retry after <n> s"),
    ] {
        let errors = pass.flows.iter().filter(|flow| &*flow.flow == name).filter_map(|flow| flow.error.as_ref());
        let prints: BTreeSet<&str> = errors.map(|error| error.fingerprint.as_str()).collect();
        assert_eq!(prints, BTreeSet::from([wanted]));
    }
}

#[tokio::test]
async fn every_kind_of_everyday_life_is_there_and_none_of_it_is_stuck() {
    let pass = Stage::new(SEED).pass().await;
    let judged = pass.judged();
    let healthy = |wanted: &dyn Fn(&FlowInstance) -> bool| {
        judged.iter().filter(|(flow, judgement)| wanted(flow) && !judgement.stuck()).count()
    };
    let waits = |kind| move |flow: &FlowInstance| flow.wait.as_ref().is_some_and(|wait| wait.kind == kind);
    assert!(healthy(&|flow| flow.status == Status::Running) > 100);
    assert!(healthy(&|flow| flow.status == Status::BackingOff && flow.attempts <= Some(2)) >= 2);
    assert!(healthy(&|flow| flow.status == Status::Scheduled) >= 10);
    assert!(healthy(&|flow| flow.status == Status::Queued && flow.wait.is_none()) >= 1);
    assert!(healthy(&waits(WaitKind::Lock)) >= 1);
    assert!(healthy(&waits(WaitKind::Signal)) >= 50);
    assert!(healthy(&waits(WaitKind::Timer)) >= 30);
    assert!(healthy(&waits(WaitKind::Approval)) >= 15);
    assert_eq!(healthy(&|flow| flow.pause == Some(PauseCause::Held)), 4);
    let flows: BTreeSet<_> = pass.flows.iter().map(|flow| &flow.flow).collect();
    assert!(flows.len() >= 24, "{flows:?}");
    let queued = judged.iter().filter(|(flow, _)| flow.status == Status::Queued && flow.wait.is_none());
    for (flow, _) in queued {
        let age = pass.now.duration_since(flow.entered_step_at.unwrap());
        assert!(age.as_millis() < 1_000, "queued for {age}");
    }
}

#[tokio::test]
async fn everyday_life_never_gets_stuck_and_nothing_exists_twice() {
    let stage = Stage::new(SEED);
    for n in 0..14 {
        stage.at(n * 341 * SECOND);
        let pass = stage.pass().await;
        let ids: BTreeSet<_> = pass.flows.iter().map(|flow| &flow.id).collect();
        assert_eq!(ids.len(), pass.flows.len());
        let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
        for ((flow, step, _), count) in pass.stuck() {
            *places.entry((flow, step)).or_default() += count;
        }
        for ((flow, step), count) in places {
            let most = match (flow.as_str(), step.as_str()) {
                ("schema-migration", "apply-0042") => 109,
                ("tenant-provisioning", "database") => 64,
                ("create-pipeline", "build") => 3,
                ("delete-tenant", "release-dns") | ("nightly-backup", "(queued)") => 9,
                ("expired-card", "charge") => 7,
                ("upgrade-plan", "(queued)") => 6,
                ("reset-password", "sms") => 75,
                ("verify-phone", "send-code") => 36,
                ("sync-directory", "apply") => 40,
                ("send-invoice", "render") => 61,
                ("refund-payment", "await-provider") => 22,
                ("meter-usage", "post") => 34,
                ("rotate-certificate", "order") => 8,
                ("tenant-provisioning", "approval")
                | ("upgrade-plan", "entitlements")
                | ("resize-cluster", "drain") => 2,
                ("delete-user", "grace-period") | ("invite-user", "mail") => 1,
                _ => 0,
            };
            assert!(count <= most, "{count} of {flow} › {step} are stuck at {n}");
        }
        // One key, one holder.
        let holds = |flow: &&FlowInstance| flow.key.is_some() && !flow.status.ended();
        let working =
            pass.flows.iter().filter(holds).filter(|flow| !matches!(flow.status, Status::Queued | Status::Scheduled));
        let mut keys = BTreeSet::new();
        for flow in working {
            assert!(keys.insert(flow.key.clone()), "two hold the key {:?}", flow.key);
        }
    }
}

#[tokio::test]
async fn the_main_incident_grows_by_twenty_in_five_minutes_until_its_cause_ends() {
    let stage = Stage::new(SEED);
    let mut sizes = Vec::new();
    for minutes in [0, 5, 10, 12, 13, 60] {
        stage.at(minutes * MINUTE);
        sizes.push(stage.pass().await.stuck_in("schema-migration", "apply-0042", Rule::Exhausted));
    }
    assert_eq!(sizes, [61, 81, 101, 109, 109, 109]);
}

#[tokio::test]
async fn the_second_incident_grows_and_then_heals_by_itself() {
    let stage = Stage::new(SEED);
    let mut sizes = Vec::new();
    for minutes in [0, 4, 8, 9, 11, 30] {
        stage.at(minutes * MINUTE);
        sizes.push(stage.pass().await.stuck_in("tenant-provisioning", "database", Rule::RetryStorm));
    }
    assert!(sizes[0] == 40 && sizes[1] > 45 && sizes[2] > 55, "{sizes:?}");
    assert!(sizes[3] < sizes[2] && sizes[3] > 5, "one after another: {sizes:?}");
    assert_eq!(sizes[4..], [0, 0], "{sizes:?}");
}

#[tokio::test]
async fn incidents_overlap_and_each_comes_to_its_end() {
    let stage = Stage::new(SEED);
    let mut stories: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    // Not between 5 and 8 minutes, when billing answers nobody.
    for minutes in [0, 4, 10, 15, 21, 29, 35] {
        stage.at(minutes * MINUTE);
        let pass = stage.pass().await;
        let of = |wanted: &dyn Fn(&FlowInstance) -> bool| pass.flows.iter().filter(|flow| wanted(flow)).count();
        let code = |wanted: &'static str| {
            move |flow: &FlowInstance| flow.error.as_ref().and_then(|error| error.code.as_deref()) == Some(wanted)
        };
        let waits = |kind| move |flow: &FlowInstance| flow.wait.as_ref().is_some_and(|wait| wait.kind == kind);
        let overslept = |flow: &FlowInstance| flow.wait.as_ref().is_some_and(|wait| wait.until < Some(pass.now));
        for (name, count) in [
            ("no worker", of(&waits(WaitKind::Consumer))),
            ("no messages", of(&|flow| code("503")(flow) && flow.attempts > Some(4))),
            ("deadlocks", of(&code("40P01"))),
            ("crashes", of(&code("137"))),
            ("no database", of(&code("ECONNREFUSED"))),
            ("callbacks", of(&|flow| &*flow.flow == "refund-payment" && overslept(flow))),
            ("forgotten", of(&|flow| flow.status == Status::Scheduled && flow.next_retry_at < Some(pass.now))),
        ] {
            stories.entry(name).or_default().push(count);
        }
    }
    for (name, story) in &stories {
        let most = *story.iter().max().unwrap();
        assert!(most >= 9, "{name}: {story:?}");
        assert_eq!(story.last(), Some(&0), "{name} ends: {story:?}");
    }
    for at in 0..4 {
        let going_on = stories.values().filter(|story| story[at] > 0).count();
        assert!(going_on >= 5, "{going_on} at once: {stories:?}");
    }
    assert_eq!(stories["deadlocks"][0], 0, "one begins after the start");
    for growing in ["no worker", "no messages", "crashes"] {
        assert!(stories[growing][2] > stories[growing][0], "{growing}: {stories:?}");
    }
}

#[tokio::test]
async fn a_control_plane_goes_silent_and_comes_back() {
    let stage = Stage::new(SEED);
    let held = stage.pass().await.first(|flow| &*flow.flow == "upgrade-plan" && flow.status == Status::Paused).clone();
    let id = &*held.id.instance;
    for (minutes, away) in [(0, false), (5, true), (7, true), (8, false), (64, false), (66, true), (68, false)] {
        stage.at(minutes * MINUTE);
        assert_eq!(stage.parts().await.1, if away { vec!["billing"] } else { vec![] }, "at {minutes} min");
        assert_eq!(stage.plane("billing").check().await.is_err(), away);
        assert_eq!(stage.plane("billing").read(id).await.is_err(), away);
        assert_eq!(stage.plane("platform").read(id).await.unwrap().map(|reading| reading.detail), None);
        if away {
            assert!(matches!(stage.act(Verb::Resume, id, &format!("k{minutes}")).await, ActAnswer::Unknown(_)));
        }
    }
    assert_eq!(stage.status(id).await, Status::Paused, "what was sent into the silence was never done");
}

#[tokio::test]
async fn a_crash_loop_is_workers_that_vanish_one_after_another() {
    let stage = Stage::new(SEED);
    stage.at(4 * MINUTE);
    let pass = stage.pass().await;
    let sync = pass.first(|flow| &*flow.flow == "sync-directory" && flow.attempts > Some(6));
    assert_eq!((sync.status, sync.first_failure_at), (Status::Running, None), "no failure is told, only lost workers");
    let detail = stage.read(&sync.id.instance).await.unwrap().detail;
    let what: Vec<&str> = detail.timeline.iter().map(|entry| entry.what.as_str()).collect();
    assert!(what.contains(&"attempt 1 lost its worker"), "{what:?}");
    assert!(what.iter().any(|what| what.ends_with("more attempts lost their worker")), "{what:?}");
    assert!(detail.error[0].contains("out of memory"), "{:?}", detail.error);
    stage.at(30 * MINUTE);
    assert_eq!(stage.status(&sync.id.instance).await, Status::Succeeded);
}
