//! Whatever is told in whichever order: rows, counts, cohorts, windows and groups are what a plain look at every row
//! comes to.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::config::{Config, ThresholdBook};
use crate::domain::flow::{FlowError, JudgedFlow, PauseCause, Status, Version, Wait, WaitKind};
use crate::domain::ids::InstanceId;
use crate::domain::signs::{Faults, Parent, Signs, Worker};
use crate::domain::verdict::tests::instance;
use crate::hub::listing::Lists;
use crate::hub::matches::Matches;
use crate::hub::{board, listing};
use crate::ops::{FlowsQuery, GroupBy, GroupKey, Grouping, Page, SortBy};
use crate::query::Filter;

const NOW: i64 = 1_800_000_000;

/// Ids in mixed case, some beyond ASCII, one with the slash of another one in it.
const IDS: [&str; 24] = [
    "inv_1", "inv_10", "inv_2", "INV_3", "inv_4ö", "İnv_5", "inv_6", "inv_7/x", "wf_8", "wf_9", "wf_A", "wf_B", "wf_C",
    "wf_D", "wf_E", "wf_F", "K1", "k2", "K3", "z", "zz", "zzz", "a", "acme",
];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

/// Times around the thresholds: seconds, minutes, hours and days ago, some with a fraction, some to come.
fn time() -> impl Strategy<Value = Option<Timestamp>> {
    let ago = prop_oneof![0_i64..700, 800_i64..1_000, 3_000_i64..90_000, 200_000_i64..300_000, -500_i64..0];
    option::weighted(0.8, (ago, select(vec![0, 0, 0, 7_000_000, 123_456_789])))
        .prop_map(|time| time.map(|(ago, nanos)| Timestamp::new(NOW - ago, nanos).unwrap()))
}

fn wait() -> impl Strategy<Value = Option<Wait>> {
    let kinds = vec![
        WaitKind::Timer,
        WaitKind::Signal,
        WaitKind::Child,
        WaitKind::Approval,
        WaitKind::Lock,
        WaitKind::Lock,
        WaitKind::Consumer,
    ];
    let wait = (select(kinds), option::of(select(IDS.to_vec())), time(), time());
    option::of(wait.prop_map(|(kind, reference, since, until)| Wait {
        kind,
        reference: reference.map(Into::into),
        since,
        until,
    }))
}

fn signs() -> impl Strategy<Value = Signs> {
    let worker = prop_oneof![
        4 => Just(Worker::Unknown),
        1 => Just(Worker::Present),
        1 => time().prop_map(|since| Worker::Absent { since, what: "worker pool eu: no worker".into() }),
        1 => time().prop_map(|since| Worker::Gone { since, what: "deployment dp_1".into() }),
    ];
    let parent =
        option::of(
            (select(IDS.to_vec()), option::weighted(0.2, any::<bool>()), time())
                .prop_map(|(id, ended, ended_at)| Parent { id: id.into(), ended, ended_at: ended.and(ended_at) }),
        );
    let faults = option::weighted(0.2, (option::of(0_u32..4), time()));
    (time(), time(), faults, worker, parent).prop_map(|(due_at, queued_at, faults, worker, parent)| Signs {
        due_at,
        queued_at,
        faults: faults.map(|(count, since)| Faults { count, since }),
        worker,
        parent,
    })
}

fn error() -> impl Strategy<Value = Option<FlowError>> {
    let texts = vec!["connection refused to 10.0.0.1:5432", "connection refused to 10.0.0.2:5432", "Größe fehlt", "no"];
    option::of((select(texts), option::of(select(vec!["500", "E42"])))).prop_map(|error| {
        error.map(|(text, code)| FlowError::new(code, text, &[], &crate::domain::redact::Redactor::default()))
    })
}

/// What of an instance differs from another one's; its id is given.
fn flow() -> BoxedStrategy<FlowInstance> {
    let names = (
        select(vec!["pay/run", "tenant/create", "mail"]),
        select(vec!["database", "(queued)", "sms"]),
        option::of(select(vec!["acme", "globex", "Übersee"])),
        option::of(select(vec!["acme", "k/1", "ключ"])),
    );
    let pause = option::of(select(vec![PauseCause::Exhausted, PauseCause::Held, PauseCause::Unknown]));
    let attempts = option::of(prop_oneof![0_u32..9, Just(65_533), Just(65_534), Just(65_535), Just(70_000)]);
    let times = (time(), time(), time(), time(), time(), time());
    (names, select(Status::ALL.to_vec()), pause, attempts, times, error(), wait(), option::of(signs()), any::<bool>())
        .prop_map(|(names, status, pause, attempts, times, error, wait, signs, exact)| {
            let mut flow = instance();
            (flow.flow, flow.step) = (names.0.into(), names.1.into());
            (flow.tenant, flow.key) = (names.2.map(Into::into), names.3.map(Into::into));
            (flow.status, flow.pause, flow.attempts) = (status, pause, attempts);
            (flow.created_at, flow.entered_step_at, flow.last_transition_at) = (times.0, times.1, times.2);
            (flow.first_failure_at, flow.last_start_at, flow.next_retry_at) = (times.3, times.4, times.5);
            (flow.error, flow.wait, flow.signs) = (error, wait, signs.unwrap_or_default());
            flow.exact_id = exact;
            flow.completed_commands = u64::from(attempts.unwrap_or_default()) << 40;
            flow.version = Version::of(status, pause, flow.completed_commands, "dp");
            flow
        })
        // On the stack it would be too large.
        .boxed()
}

fn of(id: &str, flow: &FlowInstance) -> FlowInstance {
    FlowInstance { id: InstanceId::new("src", id), ..flow.clone() }
}

fn filters() -> impl Strategy<Value = Filter> {
    let terms = vec![
        "state:open",
        "state:held,failed",
        "-state:waiting",
        "state:backing-off,paused",
        "is:stuck",
        "is:suspect,recheck",
        "is:ok,unknown",
        "rule:exhausted,overdue",
        "rule:blocked_by,orphan",
        "flow:pay*",
        "-flow:mail",
        "step:SMS",
        "tenant:ACME",
        "-tenant:acme",
        "tenant:über*",
        "source:src",
        "source:other",
        "-source:s*",
        "key:k/1",
        "key:КЛЮЧ",
        "key:*c*",
        "id:INV_1",
        "id:src/wf_a",
        "id:SRC/inv_*",
        "id:inv_7/x",
        "id:k1",
        "error:REFUSED",
        "error:*fehlt",
        "error:größe",
        "-error:no",
        "age:>10m",
        "age:<1h",
        "for:>=15m",
        "for:1d",
        "attempts:>=5",
        "attempts:65534",
        "attempts:>65534",
        "inv",
        "K1",
        "acme",
        "src",
        "rc/in",
        "src/wf",
        "/",
        "refused",
        "GRÖSSE",
        "größe",
        "wait",
        "stuck",
        "held",
        "storm",
        "backing",
        "İnv",
        "ö",
        "5432",
        "-z",
        "-paused",
        "c/i",
    ];
    vec(select(terms), 0..4).prop_map(|terms| Filter::parse(&terms.join(" ")).unwrap())
}

fn queries() -> impl Strategy<Value = FlowsQuery> {
    let by = vec![
        GroupBy::Flow,
        GroupBy::Step,
        GroupBy::Rule,
        GroupBy::Status,
        GroupBy::Tenant,
        GroupBy::Source,
        GroupBy::Error,
    ];
    let keys = vec![None, Some("acme"), Some("pay/run"), Some("sms"), Some("exhausted"), Some("paused"), Some("src")];
    let key = select(keys).prop_map(|key| GroupKey(key.map(Into::into)));
    let group = option::of(
        (select(by), vec(key.clone(), 0..4))
            .prop_map(|(by, unfolded)| Grouping { by, unfolded: unfolded.into_iter().collect() }),
    );
    let id = || select(IDS.to_vec()).prop_map(|id| InstanceId::new("src", id));
    let page = prop_oneof![
        (0_usize..30).prop_map(Page::Offset),
        (id(), 0_usize..6, 0_usize..9).prop_map(|(id, before, otherwise)| Page::Anchor { id, before, otherwise }),
        (key, 0_usize..6, 0_usize..9).prop_map(|(key, before, otherwise)| Page::Head { key, before, otherwise }),
        (id(), id()).prop_map(|(one, other)| Page::Between(one, other)),
    ];
    (filters(), select(SortBy::ALL.to_vec()), any::<bool>(), group, page, 1_usize..30).prop_map(
        |(filter, sort, reverse, group, page, limit)| FlowsQuery { filter, sort, reverse, group, page, limit },
    )
}

/// What a pass tells: by id, with whether a row could not be read.
type Told = (BTreeMap<&'static str, FlowInstance>, bool, i64);

fn passes() -> impl Strategy<Value = Vec<Told>> {
    vec((btree_map(select(IDS.to_vec()), flow(), 0..24), any::<bool>(), 0_i64..4_000), 1..4)
}

fn book() -> ThresholdBook {
    let text = "[[source]]\nname = \"src\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:9070\"\n[thresholds]\norphan = \"10m\"\n[[threshold]]\nflow = \"pay/*\"\noverdue = \"5m\"\n";
    Config::parse(text, "test.toml", None).unwrap().thresholds
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn columns_tell_what_a_plain_look_at_every_row_tells(
        passes in passes(),
        again in vec(any::<bool>(), 24),
        fed in vec(option::weighted(0.2, flow()), 24),
        queries in vec(queries(), 6),
        later in 0_i64..40_000,
        live in any::<bool>(),
    ) {
        let book = book();
        let limits = Limits { book: &book, poll: SignedDuration::from_secs(5) };
        let mut held = Rows::new("src".into());
        let mut known: BTreeMap<&str, FlowInstance> = BTreeMap::new();
        let (mut bad, mut now) = (false, at(0));
        // What was found and listed before is kept and brought up to date.
        let (matches, lists) = (Matches::default(), Lists::default());
        let listed = |held: &Rows, query: &FlowsQuery, now: Timestamp, live: bool| {
            let found = matches.of(held, &query.filter, limits, now, live);
            let parts = [listing::Part { rows: held, found: found.clone(), limits, live }];
            (found, lists.window(&parts, query, held.len(), 3))
        };
        for ((told, bad_rows, after), lives) in passes.into_iter().zip([true, live, true, live]) {
            now += SignedDuration::from_secs(after);
            // Some of what was known is told again as it was.
            let mut whole: BTreeMap<&str, FlowInstance> =
                known.iter().zip(&again).filter(|(_, again)| **again).map(|((id, flow), _)| (*id, flow.clone())).collect();
            whole.extend(told);
            for flow in whole.values_mut() {
                flow.observed_at = now;
            }
            let mut pass = Pass { bad_rows: usize::from(bad_rows), ..Pass::default() };
            let flows: Vec<FlowInstance> = whole.iter().map(|(id, flow)| of(id, flow)).collect();
            for part in flows.chunks(5) {
                pass.flows(&held, part.to_vec(), limits);
            }
            pass.take(&mut held, limits, now);
            (known, bad) = (whole, bad_rows);
            for query in queries.iter().take(3) {
                listed(&held, query, now, lives);
            }
        }
        // A few of them are told between two passes.
        for ((id, flow), changed) in known.iter_mut().zip(&fed) {
            if let Some(changed) = changed {
                *flow = FlowInstance { observed_at: now, exact_id: flow.exact_id, ..changed.clone() };
                held.put(&of(id, flow), limits);
            }
        }
        held.advance(limits, now);
        for query in queries.iter().skip(1).take(3) {
            listed(&held, query, now, live);
        }
        // Time goes on, and nothing is told.
        now += SignedDuration::from_secs(later);
        held.advance(limits, now);

        let mut flows: Vec<FlowInstance> = known.iter().map(|(id, flow)| of(id, flow)).collect();
        if !bad {
            oracle::know_parents(&mut flows);
        }
        let judged = oracle::judge_all(flows, &book, limits.poll, now);
        prop_assert_eq!(held.len(), judged.len());
        let expected = board::oracle::of_source(&"src".into(), &judged.iter(), None);
        let board = board::of_rows(&held, held.facets(), None, limits, true);
        prop_assert_eq!(&board.cells, &expected.cells);
        prop_assert_eq!(&board.cohorts, &expected.cohorts);
        prop_assert_eq!(&board.stuck_tenants, &expected.stuck_tenants);

        let shown: Vec<Arc<JudgedFlow>> = judged
            .into_iter()
            .map(|row| if live { row } else { JudgedFlow { judgement: row.judgement.outdated(), flow: row.flow } })
            .map(Arc::new)
            .collect();
        for row in &shown {
            let slot = held.find(&row.flow.id.instance).unwrap();
            prop_assert_eq!(&held.judged(slot, limits, live), &**row);
        }
        for query in queries {
            let matching: Vec<Arc<JudgedFlow>> =
                shown.iter().filter(|row| query.filter.matches(row, now)).cloned().collect();
            let bits = held.matching(&query.filter, now, live);
            let mut found: Vec<&str> = bits.iter().map(|slot| held.id(slot)).collect();
            found.sort_unstable();
            let mut wanted: Vec<&str> = matching.iter().map(|row| row.flow.id.instance.as_str()).collect();
            wanted.sort_unstable();
            prop_assert_eq!(found, wanted, "{}", query.filter);
            let part = board::of_rows(&held, &held.facets_of(&bits, live), None, limits, live);
            let expected = board::oracle::of_source(&"src".into(), &matching.iter().map(|row| &**row), None);
            prop_assert_eq!(&part.cells, &expected.cells, "{}", query.filter);
            prop_assert_eq!(&part.cohorts, &expected.cohorts, "{}", query.filter);
            let expected = listing::oracle::window(matching, &query, shown.len(), 3);
            let (found, window) = listed(&held, &query, now, live);
            prop_assert_eq!(&*found.bits, &bits, "{}", query.filter);
            prop_assert_eq!(found.count, bits.count());
            prop_assert_eq!(&window, &expected, "{:?}", query);
            prop_assert_eq!(&listed(&held, &query, now, live).1, &expected, "again: {:?}", query);
        }
    }
}
