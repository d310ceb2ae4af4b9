//! What the world promises: the incident as it was written, counts that agree, acts that are felt, and no surprises.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::clock::{Clock, HOUR, MINUTE, Ms, SECOND, instant};
use super::{SEED, World};
use crate::connect::{Act, ActAnswer, ConnectError, Connector, EngineCount, Observation, Reading};
use crate::domain::flow::{EntryOutcome, FlowInstance, PauseCause, Status, WaitKind};
use crate::domain::remediation::Verb;
use crate::domain::text::{SafeText, is_hidden};
use crate::domain::verdict::{Circumstances, Judgement, Rule, Thresholds, Verdict, judge};

/// A world and the hand on its clock.
struct Stage {
    world: World,
    time: Arc<AtomicI64>,
}

struct Pass {
    flows: Vec<FlowInstance>,
    counts: Vec<EngineCount>,
    now: Timestamp,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let time = Arc::new(AtomicI64::new(0));
        let hand = Arc::clone(&time);
        let epoch: Timestamp = "2026-01-15T03:12:00Z".parse().unwrap();
        let clock: Clock = Arc::new(move || instant(epoch, hand.load(Ordering::SeqCst)));
        Self { world: World::start(seed, clock), time }
    }

    fn at(&self, time: Ms) {
        self.time.store(time, Ordering::SeqCst);
    }

    async fn parts(&self) -> Vec<Observation> {
        let (sink, mut source) = mpsc::channel(2);
        let collect = async {
            let mut parts = Vec::new();
            while let Some(part) = source.recv().await {
                parts.push(part);
            }
            parts
        };
        let (done, parts) = tokio::join!(self.world.observe(sink), collect);
        done.unwrap();
        parts
    }

    async fn pass(&self) -> Pass {
        let mut pass = Pass { flows: Vec::new(), counts: Vec::new(), now: Timestamp::UNIX_EPOCH };
        for part in self.parts().await {
            match part {
                Observation::Flows(flows) => {
                    assert!(flows.len() <= 200);
                    pass.flows.extend(flows);
                }
                Observation::Counts(counts) => pass.counts = counts,
                Observation::End { complete, engine_now, version } => {
                    assert!(complete);
                    assert_eq!(version, Some("demo".into()));
                    pass.now = engine_now.unwrap();
                }
                Observation::BadRows { .. } => panic!("the world has no bad rows"),
            }
        }
        pass
    }

    async fn read(&self, id: &str) -> Option<Reading> {
        self.world.read(id).await.unwrap()
    }

    async fn status(&self, id: &str) -> Status {
        self.read(id).await.unwrap().detail.flow.status
    }

    async fn act(&self, verb: Verb, id: &str, key: &str) -> ActAnswer {
        self.world.act(&Act { verb, instance: id.into(), key: key.into() }).await
    }
}

impl Pass {
    /// Every row with what the rules say of it, holders before those behind them.
    fn judged(&self) -> Vec<(&FlowInstance, Judgement)> {
        let by_id: HashMap<&str, &FlowInstance> = self.flows.iter().map(|flow| (&*flow.id.instance, flow)).collect();
        let limits = Thresholds::default();
        let plain = |flow| judge(flow, &limits, &Circumstances { now: self.now, holder: None });
        let judged = |flow: &FlowInstance| {
            let holder = flow.wait.as_ref().filter(|wait| wait.kind == WaitKind::Lock);
            let holder =
                holder.and_then(|wait| by_id.get(&**wait.reference.as_ref()?)).map(|held| (&held.id, plain(held)));
            let holder = holder.as_ref().map(|(id, judgement)| (*id, judgement));
            judge(flow, &limits, &Circumstances { now: self.now, holder })
        };
        self.flows.iter().map(|flow| (flow, judged(flow))).collect()
    }

    /// Stuck instances by flow, step and rule.
    fn stuck(&self) -> BTreeMap<(String, String, Rule), usize> {
        let mut stuck = BTreeMap::new();
        for (flow, judgement) in self.judged() {
            if judgement.stuck() {
                let place = (flow.flow.to_string(), flow.step.to_string(), judgement.rule().unwrap());
                *stuck.entry(place).or_default() += 1;
            }
        }
        stuck
    }

    fn stuck_in(&self, flow: &str, step: &str, rule: Rule) -> usize {
        self.stuck().get(&(flow.into(), step.into(), rule)).copied().unwrap_or(0)
    }

    fn first(&self, wanted: impl Fn(&FlowInstance) -> bool) -> &FlowInstance {
        self.flows.iter().find(|flow| wanted(flow)).expect("the world has such an instance")
    }

    fn exhausted_migrations(&self) -> Vec<&FlowInstance> {
        let paused = |flow: &&FlowInstance| &*flow.flow == "schema-migration" && flow.status == Status::Paused;
        self.flows.iter().filter(paused).collect()
    }
}

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
    for n in 0..20 {
        stage.at(n * 97 * SECOND + n * n * 1_113);
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
async fn it_begins_in_the_middle_of_the_incident() {
    for seed in [SEED, 1, 2, 3] {
        let pass = Stage::new(seed).pass().await;
        assert!((450..=600).contains(&pass.flows.len()), "{} rows", pass.flows.len());
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
            ("reset-password", "sms", Rule::Exhausted, 5),
            ("schema-migration", "apply-0042", Rule::Exhausted, 61),
            ("tenant-provisioning", "approval", Rule::LostWait, 2),
            ("tenant-provisioning", "database", Rule::RetryStorm, 40),
            ("upgrade-plan", "(queued)", Rule::BlockedBy, 6),
            ("upgrade-plan", "entitlements", Rule::Exhausted, 2),
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
    assert_eq!(healthy(&waits(WaitKind::Approval)), 10);
    assert_eq!(healthy(&|flow| flow.pause == Some(PauseCause::Held)), 4);
    let queued = judged.iter().filter(|(flow, _)| flow.status == Status::Queued && flow.wait.is_none());
    for (flow, _) in queued {
        let age = pass.now.duration_since(flow.entered_step_at.unwrap());
        assert!(age.as_millis() < 1_000, "queued for {age}");
    }
}

#[tokio::test]
async fn everyday_life_never_gets_stuck_and_nothing_exists_twice() {
    let stage = Stage::new(SEED);
    for n in 0..30 {
        stage.at(n * 171 * SECOND);
        let pass = stage.pass().await;
        let ids: BTreeSet<_> = pass.flows.iter().map(|flow| &flow.id).collect();
        assert_eq!(ids.len(), pass.flows.len());
        for ((flow, step, rule), count) in pass.stuck() {
            let most = match (flow.as_str(), step.as_str()) {
                ("schema-migration", "apply-0042") => 109,
                ("tenant-provisioning", "database") => 64,
                ("create-pipeline", "build") => 3,
                ("delete-tenant", "release-dns") => 9,
                ("expired-card", "charge") => 7,
                ("upgrade-plan", "(queued)") => 6,
                ("reset-password", "sms") => 5,
                ("tenant-provisioning", "approval") | ("upgrade-plan", "entitlements") => 2,
                ("delete-user", "grace-period") | ("invite-user", "mail") => 1,
                _ => 0,
            };
            assert!(count <= most, "{count} of {flow} › {step} are stuck by {rule:?} at {n}");
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
async fn rows_are_as_an_honest_engine_tells_them() {
    let stage = Stage::new(SEED);
    for time in [0, 5 * MINUTE, 13 * MINUTE, 2 * HOUR] {
        stage.at(time);
        let pass = stage.pass().await;
        for flow in &pass.flows {
            let who = format!("{flow:?}");
            assert_eq!(flow.observed_at, pass.now);
            assert!(flow.created_at <= flow.entered_step_at || flow.entered_step_at.is_none(), "{who}");
            assert!(flow.last_transition_at.unwrap() <= pass.now && flow.last_start_at <= Some(pass.now), "{who}");
            assert_eq!(flow.status == Status::Paused, flow.pause.is_some(), "{who}");
            assert_eq!(flow.first_failure_at.is_some() || flow.status.failed(), flow.error.is_some(), "{who}");
            assert!(flow.first_failure_at.is_none_or(|first| Some(first) >= flow.entered_step_at), "{who}");
            assert_eq!(flow.status == Status::Waiting, flow.wait.is_some() && flow.status != Status::Queued, "{who}");
            assert!(flow.status != Status::BackingOff || flow.next_retry_at > Some(pass.now), "{who}");
            let steps = super::flows::flow(&flow.flow).unwrap().steps;
            let at = usize::try_from(flow.completed_commands).unwrap();
            assert!(&*flow.step == "(queued)" && at == 0 || steps[at].name == &*flow.step, "{who}");
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
    stage.at(6 * MINUTE);
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
    stage.at(1_600);
    assert!(stage.pass().await.flows.iter().all(|flow| flow.id != hung.id));
    assert_eq!(stage.status(id).await, Status::Cancelled);
    let refused = ActAnswer::Refused(format!("{id} is completed, cannot be cancelled.").into());
    assert_eq!(stage.act(Verb::Cancel, id, "k2").await, refused);
    assert_eq!(stage.act(Verb::Cancel, id, "k").await, ActAnswer::Accepted, "the same key, the same answer");
    assert!(matches!(stage.act(Verb::Resume, id, "k").await, ActAnswer::Refused(why) if why.contains("key k")));
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
        left.len() < pass.flows.len() + 20 && !left.contains(&pass.first(|flow| flow.status == Status::Scheduled).id)
    );
    assert!(matches!(stage.act(Verb::Cancel, "wf_0000000000000000", "x").await, ActAnswer::Gone(_)));
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
    assert_eq!(facts, ["deployment", "worker", "region", "caller", "retries", "kept"]);
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
        stage.world.effect(Verb::Resume, migration).as_str(),
        "tries apply-0042 again at once, with a new row of retries; lock has completed and is not run again"
    );
    let held = pass.first(|flow| flow.pause == Some(PauseCause::Held));
    assert_eq!(
        stage.world.effect(Verb::Cancel, held).as_str(),
        "stops dns and undoes database, then network; it can't be resumed afterwards"
    );
}

#[tokio::test]
async fn a_pass_that_nobody_listens_to_ends() {
    let (sink, source) = mpsc::channel(1);
    drop(source);
    assert_eq!(Stage::new(SEED).world.observe(sink).await, Err(ConnectError::Ended));
}
