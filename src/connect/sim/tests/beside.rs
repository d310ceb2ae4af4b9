//! The sources beside the engines: tenants, drift, and what happens; and that the cause of an incident is told by nobody.

use super::*;
use crate::connect::Mark;
use crate::domain::drift::{DriftFinding, DriftKind, DriftStatus};
use crate::domain::event::{Event, EventClass};
use crate::domain::tenant::{FieldClass, Tenant, TenantStatus};

/// What one of them tells in a pass.
#[derive(Default)]
struct Told {
    events: Vec<Event>,
    drift: Vec<DriftFinding>,
    in_sync: u64,
    tenants: Vec<Tenant>,
    dead: usize,
    as_before: bool,
    mark: Option<Mark>,
}

impl Stage {
    async fn told(&self, name: &str, since: Option<&Mark>) -> Told {
        let source = self.world.sources().into_iter().find(|(known, _)| *known == name).unwrap().1;
        let (sink, mut parts) = mpsc::channel(2);
        let mut told = Told::default();
        let observe = async {
            match since {
                Some(mark) => source.observe_again(mark, sink).await,
                None => source.observe(sink).await,
            }
        };
        let collect = async {
            while let Some(part) = parts.recv().await {
                match part {
                    Observation::Events(mut events) => told.events.append(&mut events),
                    Observation::Drift(mut drift) => told.drift.append(&mut drift),
                    Observation::InSync(count) => told.in_sync += count,
                    Observation::Tenants(mut tenants) => told.tenants.append(&mut tenants),
                    Observation::TenantsAsBefore => told.as_before = true,
                    Observation::DeadLetters(letters) => told.dead += letters.len(),
                    Observation::Mark(mark) => told.mark = Some(mark),
                    Observation::End { complete, .. } => assert!(complete),
                    other => panic!("it tells of no {other:?}"),
                }
            }
        };
        let (done, ()) = tokio::join!(observe, collect);
        done.unwrap();
        told
    }

    async fn events(&self) -> Vec<Event> {
        let mut all = Vec::new();
        for name in ["infra", "directory", "alerts"] {
            all.extend(self.told(name, None).await.events);
        }
        all
    }
}

#[tokio::test]
async fn what_is_told_bit_by_bit_is_what_is_told_at_once() {
    for name in ["infra", "directory", "alerts"] {
        let (one, other) = (Stage::new(SEED), Stage::new(SEED));
        let mut told = one.told(name, None).await;
        let mut ids: Vec<SafeText> = told.events.iter().map(|event| event.id.clone()).collect();
        for minutes in [1, 2, 9, 10, 31] {
            one.at(minutes * MINUTE);
            told = one.told(name, told.mark.as_ref()).await;
            ids.extend(told.events.iter().map(|event| event.id.clone()));
        }
        other.at(31 * MINUTE);
        // It tells a day back, so that of the first half-hour of the one nothing is told by the other.
        let at_once: BTreeSet<SafeText> =
            other.told(name, None).await.events.into_iter().map(|event| event.id).collect();
        let bit_by_bit: BTreeSet<SafeText> = ids.iter().cloned().collect();
        assert_eq!(bit_by_bit.len(), ids.len(), "{name} tells nothing twice");
        assert!(at_once.is_subset(&bit_by_bit), "{name}");
        assert!(!at_once.is_empty());
        assert_eq!(told.dead, 0);
    }
    assert_eq!(Stage::new(SEED).told("alerts", None).await.dead, 1);
}

#[tokio::test]
async fn there_are_two_thousand_tenants_and_what_changes_about_them_is_told_as_an_event() {
    let stage = Stage::new(SEED);
    let told = stage.told("directory", None).await;
    assert_eq!(told.tenants.iter().map(|tenant| &tenant.id.instance).collect::<BTreeSet<_>>().len(), 2_000);
    let of = |status| told.tenants.iter().filter(|tenant| tenant.status == status).count();
    assert!(
        of(TenantStatus::Active) > 1_800 && of(TenantStatus::Suspended) > 10 && of(TenantStatus::Provisioning) > 64
    );
    for tenant in &told.tenants {
        assert!(
            tenant.tier.is_some() && tenant.region.is_some() && tenant.plan.is_some() && tenant.placement.is_some()
        );
        assert!(
            tenant.usage.iter().all(|usage| usage.limit.is_none_or(|limit| usage.used <= Some(limit))),
            "{tenant:?}"
        );
        let secret = tenant.fields.iter().filter(|field| field.class == FieldClass::Secret);
        assert!(secret.into_iter().all(|field| field.value.is_empty()), "a secret is not held");
        assert!(tenant.created_at <= tenant.changed_at || tenant.changed_at.is_none());
    }
    stage.at(SECOND);
    assert!(stage.told("directory", told.mark.as_ref()).await.as_before, "nobody has changed");
    // A plan that was changed is the plan from then on.
    stage.at(24 * HOUR);
    let later = stage.told("directory", told.mark.as_ref()).await;
    let changed: Vec<&Event> = later.events.iter().filter(|event| &*event.kind == "tenant.plan.changed").collect();
    assert!(changed.len() > 5, "{}", changed.len());
    for event in changed {
        let tenant = later.tenants.iter().find(|tenant| Some(&tenant.id.instance) == event.tenant.as_ref()).unwrap();
        assert!(event.text.ends_with(tenant.plan.as_deref().unwrap()), "{} and {:?}", event.text, tenant.plan);
    }
}

#[tokio::test]
async fn the_past_of_a_tenant_goes_on_where_the_pass_ends() {
    let stage = Stage::new(SEED);
    let directory = stage.world.sources().into_iter().find(|(name, _)| *name == "directory").unwrap().1;
    let before = stage.world.epoch;
    let all = directory.past(&"acme".into(), before, 40).await.unwrap();
    assert!(all.len() > 5 && all.is_sorted_by_key(|event| std::cmp::Reverse(event.at)), "{all:?}");
    assert!(all.iter().all(|event| event.tenant == Some("acme".into()) && event.at < before));
    let first = directory.past(&"acme".into(), before, 2).await.unwrap();
    let rest = directory.past(&"acme".into(), first[1].at, 38).await.unwrap();
    assert_eq!([first, rest].concat(), all);
    assert!(directory.past(&"nobody".into(), before, 40).await.unwrap().is_empty());
}

#[tokio::test]
async fn drift_is_told_with_what_differs_and_is_joined_to_who_is_stuck() {
    let stage = Stage::new(SEED);
    let told = stage.told("infra", None).await;
    let pass = stage.pass().await;
    for status in [DriftStatus::Drifted, DriftStatus::NotChecked, DriftStatus::Unsupported, DriftStatus::Unknown] {
        assert!(told.drift.iter().any(|finding| finding.status == status), "{status:?}");
    }
    for kind in DriftKind::ALL {
        assert!(told.drift.iter().any(|finding| finding.kind == kind), "{kind:?}");
    }
    assert!(told.in_sync > 2_000 && told.drift.len() > 90);
    let ids: BTreeSet<_> = told.drift.iter().map(|finding| &finding.id.instance).collect();
    assert_eq!(ids.len(), told.drift.len());
    let differs = told.drift.iter().filter(|finding| !finding.difference.lines().is_empty());
    assert!(differs.count() > 60);
    let behind: BTreeSet<&SafeText> = told
        .drift
        .iter()
        .filter(|finding| finding.kind == DriftKind::VersionSkew)
        .filter_map(|f| f.tenant.as_ref())
        .collect();
    let share = |flow: &str, step: &str| {
        let stuck = pass
            .judged()
            .into_iter()
            .filter(|(row, judged)| judged.stuck() && &*row.flow == flow && &*row.step == step);
        let tenants: BTreeSet<&SafeText> = stuck.filter_map(|(row, _)| row.tenant.as_ref()).collect();
        (tenants.intersection(&behind).count(), tenants.len())
    };
    let (drifted, all) = share("tenant-provisioning", "database");
    assert!(drifted * 10 >= all * 8, "{drifted} of {all}");
    let (drifted, all) = share("schema-migration", "apply-0042");
    assert!(drifted * 10 <= all * 2, "{drifted} of {all}");
    // What the directory says of its version is the same.
    let tenants = stage.told("directory", None).await.tenants;
    let v3 = tenants.iter().filter(|tenant| tenant.versions.contains(&("policy".into(), "v3".into())));
    assert_eq!(v3.count(), behind.len());
}

#[tokio::test]
async fn a_finding_is_checked_anew_and_some_come_and_go() {
    let stage = Stage::new(SEED);
    let (name, source) = stage.world.sources().swap_remove(3);
    assert_eq!(name, "infra");
    stage.at(17 * SECOND);
    let told = stage.told("infra", None).await.drift;
    let one = told.iter().find(|finding| finding.kind == DriftKind::VersionSkew).unwrap();
    let now = instant(stage.world.epoch, 17 * SECOND);
    assert!(one.last_checked < Some(now));
    let answer = source.recheck(&[one.id.instance.clone(), "nothing".into()]).await.unwrap();
    assert_eq!(answer[0].as_ref().unwrap().last_checked, Some(now));
    assert_eq!((answer[0].as_ref().unwrap().version(), answer[1].is_none()), (one.version(), true));
    // A later pass has not forgotten it.
    stage.at(18 * SECOND);
    let later = stage.told("infra", None).await.drift;
    assert_eq!(later.iter().find(|finding| finding.id == one.id).unwrap().last_checked, Some(now));
    let replicas =
        |drift: &[DriftFinding]| drift.iter().filter(|finding| &*finding.what == "deployment search").count();
    let mut seen = Vec::new();
    for minutes in [0, 4, 25] {
        stage.at(minutes * MINUTE);
        seen.push(replicas(&stage.told("infra", None).await.drift));
    }
    assert_eq!(seen, [0, 2, 0]);
}

#[tokio::test]
async fn around_each_incident_is_much_that_has_nothing_to_do_with_it_and_some_of_it_is_nearer() {
    for seed in [SEED, 1, 2, 3] {
        let stage = Stage::new(seed);
        stage.at(30 * MINUTE);
        let events = stage.events().await;
        let truth = stage.world.truth();
        assert_eq!(truth.len(), 14);
        for one in truth {
            let cause = events.iter().find(|event| event.id == *one.cause.1 && event.origin == *one.cause.0);
            let cause = cause.unwrap_or_else(|| panic!("the cause of {} is told", one.flow));
            assert!(cause.class.is_change());
            let window =
                (one.onset - jiff::SignedDuration::from_mins(25))..(one.onset + jiff::SignedDuration::from_secs(30));
            let others: Vec<_> = events
                .iter()
                .filter(|event| event.class.is_change() && window.contains(&event.at) && event.id != cause.id)
                .collect();
            assert!(others.len() >= 5, "{} of {seed}: {}", one.flow, others.len());
            let nearer = others
                .iter()
                .filter(|event| event.at > cause.at && event.at < one.onset + jiff::SignedDuration::from_secs(5));
            assert!(nearer.count() >= 1, "{} of {seed}", one.flow);
        }
    }
}

#[tokio::test]
async fn the_truth_is_in_nothing_that_is_told() {
    let stage = Stage::new(SEED);
    let events = stage.events().await;
    let causes: BTreeSet<String> = stage.world.truth().into_iter().map(|truth| truth.cause.1).collect();
    let (of_causes, others): (Vec<&Event>, Vec<&Event>) = events.iter().partition(|event| causes.contains(&*event.id));
    // One cause comes later, one stands behind two flows.
    assert!(of_causes.len() >= 11, "{}", of_causes.len());
    for event in &events {
        assert_eq!((&event.causation, &event.correlation, &event.trace), (&None, &None, &None));
        let whole = format!("{event:?}").to_lowercase().replace("causation", "");
        for word in ["cause", "truth", "hidden", "culprit", "incident", "decoy"] {
            assert!(!whole.contains(word), "{word} in {whole}");
        }
    }
    // Neither their ids, their origins, their kinds nor who did them tell them apart.
    for event in of_causes {
        let alike = others
            .iter()
            .filter(|other| (&other.origin, &other.kind, &other.class) == (&event.origin, &event.kind, &event.class));
        assert!(alike.clone().count() >= 20, "{event:?}");
        assert!(alike.clone().any(|other| other.by == event.by), "{event:?}");
        assert!(alike.clone().all(|other| other.id.len() == event.id.len()), "{event:?}");
        let names = |event: &Event| event.scope.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
        assert!(others.iter().any(|other| names(other).is_superset(&names(event))), "{event:?}");
    }
}

#[tokio::test]
async fn clocks_are_off_news_take_their_time_and_numbers_are_missing() {
    let events = Stage::new(SEED).told("infra", None).await.events;
    let lag = |event: &Event| event.recorded_at.unwrap().duration_since(event.at).as_secs();
    assert!(events.iter().any(|event| lag(event) > 60) && events.iter().all(|event| (0..=700).contains(&lag(event))));
    assert!(!events.is_sorted_by_key(|event| event.at), "some come after what happened later");
    let changes = events.iter().filter(|event| event.class == EventClass::Change && event.scope.is_empty());
    assert!(changes.count() > 5, "not all say what they touch");
    let numbers: BTreeSet<u64> = events.iter().filter_map(|event| event.sequence).collect();
    let (first, last) = (*numbers.first().unwrap(), *numbers.last().unwrap());
    let missing = usize::try_from(last - first).unwrap() + 1 - numbers.len();
    assert!((1..=6).contains(&missing), "{missing}");
}

#[tokio::test]
async fn billing_throttles_now_and_then_and_what_it_refuses_is_not_done() {
    let stage = Stage::new(SEED);
    let pass = stage.pass().await;
    let id = pass.first(|flow| &*flow.flow == "upgrade-plan" && flow.status == Status::Paused).id.instance.to_string();
    for (seconds, throttled) in [(749, false), (750, true), (755, true), (756, false), (1_951, true)] {
        stage.at(seconds * SECOND);
        let asked = stage.plane("billing").check().await;
        assert_eq!(matches!(asked, Err(ConnectError::Busy { wait: Some(_), .. })), throttled, "{asked:?}");
        assert!(stage.plane("platform").check().await.is_ok());
        if throttled {
            let answer = stage.act(Verb::Resume, &id, &format!("k{seconds}")).await;
            assert!(matches!(answer, ActAnswer::Refused(_)), "{answer:?}");
        }
    }
    stage.at(2_000 * SECOND);
    assert_eq!(stage.status(&id).await, Status::Paused);
}
