use serde_json::json;

use super::*;
use crate::domain::drift::Severity;
use crate::domain::redact::Redactor;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn event(id: &str, kind: &str, tenant: Option<&str>, second: i64) -> Event {
    let value = json!({
        "specversion": "1.0", "id": id, "source": "/bus", "type": kind, "time": at(second), "tenant": tenant,
        "service": "schema-svc", "data": { "summary": format!("{kind} it is"), "before": 1, "after": 2 },
    });
    Event::read(&"bus".into(), &value, &Redactor::default(), at(second)).unwrap()
}

fn query(filter: &str, until: Option<u64>) -> EventsQuery {
    EventsQuery { filter: EventFilter::parse(filter).unwrap(), until, offset: 0, limit: 100 }
}

fn ids(ring: &mut Ring, filter: &str, until: Option<u64>) -> (Vec<String>, usize, usize) {
    let window = ring.window(&query(filter, until), at(0));
    (window.rows.iter().map(|row| row.event.id.to_string()).collect(), window.total, window.newer)
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn an_event_comes_out_as_it_went_in() {
    let value = json!({
        "specversion": "1.0", "id": "1", "source": "/ci", "type": "com.example.changed", "time": at(5).to_string(),
        "recordedtime": at(6).to_string(), "sequence": "42", "correlationid": "c", "causationid": "0", "authid": "ci",
        "severity": "critical", "subject": "schema-svc", "tenant": "acme", "region": "eu", "traceparent": "00-1-2-01",
        "data": { "summary": "4.2.1 is out", "before": { "version": "4.2.0" }, "password": "hunter2" },
    });
    let one = Event::read(&"bus".into(), &value, &Redactor::default(), at(7)).unwrap();
    let mut ring = Ring::new(10);
    ring.take(std::slice::from_ref(&one), at(7));
    let row = ring.get(1).unwrap();
    assert_eq!(*row.event, one);
    assert_eq!((row.received_at, row.times, row.again, row.ahead), (at(7), 1, 0, false));
    assert!(!format!("{row:?}").contains("hunter2"));
}

#[test]
fn the_oldest_makes_room_and_nothing_of_it_is_left() {
    let mut ring = Ring::new(3);
    for n in 0..1_000 {
        let tenant = format!("tenant-{}", n % 7);
        ring.take(&[event(&n.to_string(), "com.example.changed", Some(&tenant), n)], at(n));
    }
    assert_eq!(ids(&mut ring, "", None), (texts(&["999", "998", "997"]), 3, 0));
    assert_eq!(ring.changes.len(), 3);
    assert_eq!(ring.by_tenant.len(), 3);
    assert_eq!(ring.ids.len(), 3);
    assert!(ring.texts.end() < 20, "{}", ring.texts.end());
    assert_eq!(ring.window(&query("", None), at(0)).let_go, 997);
    assert_eq!(ring.of_tenant("tenant-5", None, 9).0, 1);
    assert_eq!(ring.of_tenant("tenant-0", None, 9), (0, Vec::new()));
}

#[test]
fn what_comes_twice_is_one_and_what_goes_on_is_one_line_until_it_was_quiet() {
    let mut ring = Ring::new(10);
    let alert = |id: &str, second| event(id, "com.example.alert", Some("acme"), second);
    assert!(ring.take(&[alert("a", 0)], at(0)));
    assert!(!ring.take(&[alert("a", 0)], at(1)), "one origin and one id are one event");
    assert!(ring.take(&[alert("b", 60), alert("c", 600)], at(600)));
    ring.take(&[alert("d", 1_201)], at(1_201));
    let rows = ring.window(&query("", None), at(0)).rows;
    let told: Vec<_> = rows.iter().map(|row| (row.event.id.as_str(), row.times, row.again, row.last_at)).collect();
    assert_eq!(told, [("d", 1, 1, at(1_201)), ("a", 3, 0, at(600))], "after ten quiet minutes it is open again");
    assert_eq!(ring.repeated, 1);
    let change = |id: &str| event(id, "com.example.changed", Some("acme"), 5);
    ring.take(&[change("x"), change("y")], at(5));
    assert_eq!(ids(&mut ring, "class:change", None).1, 2, "what changed something is told each time");
}

#[test]
fn a_filter_is_kept_up_to_date_and_who_pauses_misses_nothing() {
    let mut ring = Ring::new(4);
    let change = |id: &str, tenant: &str, second| event(id, "com.example.changed", Some(tenant), second);
    ring.take(&[change("1", "acme", 1), change("2", "globex", 2), change("3", "acme", 3)], at(3));
    assert_eq!(ids(&mut ring, "tenant:acme", None), (texts(&["3", "1"]), 2, 0));
    ring.take(&[change("4", "acme", 4)], at(4));
    assert_eq!(ids(&mut ring, "tenant:acme", Some(3)), (texts(&["3", "1"]), 2, 1));
    assert_eq!(ids(&mut ring, "", Some(3)), (texts(&["3", "2", "1"]), 3, 1));
    ring.take(&[change("5", "globex", 5)], at(5));
    assert_eq!(ids(&mut ring, "tenant:acme", None), (texts(&["4", "3"]), 2, 0), "the first one made room");
    for filter in ["tenant:globex", "id:2", "id:3", "id:4", "id:5", "tenant:acme"] {
        let total = ids(&mut ring, filter, None).1;
        assert_eq!(total, if filter.starts_with("id") { 1 } else { 2 }, "{filter}");
    }
    assert_eq!(ring.kept.len(), FILTERS);
}

#[test]
fn a_tenants_events_are_in_the_order_of_time_however_they_came() {
    let mut ring = Ring::new(10);
    let change = |id: &str, second| event(id, "com.example.changed", Some("acme"), second);
    ring.take(&[change("late", 50), change("early", 10), change("future", 99_999), change("middle", 30)], at(60));
    let told = |before, limit| -> Vec<String> {
        ring.of_tenant("acme", before, limit).1.iter().map(|row| row.event.id.to_string()).collect()
    };
    assert_eq!(told(None, 9), ["future", "late", "middle", "early"]);
    assert_eq!(told(None, 1), ["future"]);
    assert_eq!(told(Some((at(50), 1)), 9), ["middle", "early"]);
    assert!(ring.of_tenant("acme", None, 1).1[0].ahead, "what is ahead of the clock is called out");
    let between: Vec<_> = ring.changes(at(10), at(50), 9).iter().map(|row| row.event.id.to_string()).collect();
    assert_eq!(between, ["late", "middle", "early"]);
}

#[test]
fn lags_gaps_and_dead_letters_are_told() {
    let mut ring = Ring::new(10);
    let numbered = |id: &str, sequence: u64, second| {
        let mut one = event(id, "com.example.changed", None, second);
        one.sequence = Some(sequence);
        one.severity = Severity::Info;
        one
    };
    ring.take(&[numbered("a", 1, 0), numbered("b", 4, 8)], at(10));
    let letter = DeadLetter { source: "bus".into(), at: at(1), why: "id: it is missing".into(), body: "{}".into() };
    ring.dead(vec![letter.clone(), letter]);
    let window = ring.window(&query("", None), at(10));
    assert_eq!((window.missing, window.gaps[0].from, window.gaps[0].to), (2, 2, 3));
    let lag = &window.lags[0];
    assert_eq!((lag.median.as_secs(), lag.longest.as_secs()), (10, 10));
    assert_eq!((window.dead.len(), window.dead_in_all), (1, 2));
}

#[test]
fn what_sources_tell_of_the_time_before_is_in_one_order_until_something_happens() {
    let mut ring = Ring::new(10);
    let change = |id: &str, second| event(id, "com.example.changed", Some("acme"), second);
    let alert = |id: &str, second| event(id, "alert.firing", Some("globex"), second);
    ring.take_past(&[change("a1", 10), change("a2", 50)], at(60));
    ring.take_past(&[alert("b1", 5), alert("b2", 30), change("b3", 40)], at(61));
    assert_eq!(ids(&mut ring, "", None).0, texts(&["a2", "b3", "b1", "a1"]), "two alerts of a kind are one line");
    let told = |ring: &Ring, tenant| -> Vec<String> {
        ring.of_tenant(tenant, None, 9).1.iter().map(|row| row.event.id.to_string()).collect()
    };
    assert_eq!((told(&ring, "acme"), told(&ring, "globex")), (texts(&["a2", "b3", "a1"]), texts(&["b1"])));
    let changes: Vec<_> = ring.changes(at(0), at(99), 9).iter().map(|row| row.event.id.to_string()).collect();
    assert_eq!(changes, ["a2", "b3", "a1"]);
    assert!(ring.window(&query("", None), at(61)).lags.is_empty(), "how old the past is says nothing of lag");
    assert_eq!(ids(&mut ring, "tenant:globex", None).0, texts(&["b1"]));

    // The same alert again is counted where it stands now. From then on nothing moves under who reads.
    ring.take(&[alert("b4", 62)], at(62));
    let window = ring.window(&query("tenant:globex", None), at(62));
    assert_eq!((window.rows[0].times, window.lags.len()), (3, 1));
    ring.take(&[change("a3", 63)], at(63));
    ring.take_past(&[change("c1", 20)], at(64));
    assert_eq!(ids(&mut ring, "", None).0, texts(&["c1", "a3", "a2", "b3", "b1", "a1"]));
}

#[test]
fn data_of_four_mebibytes_does_not_fill_the_ring() {
    let mut ring = Ring::new(10);
    let mut value = json!({ "specversion": "1.0", "id": "1", "source": "/bus", "type": "com.example.changed" });
    value["data"] = json!({ "parts": vec!["x".repeat(60_000); 70] });
    let one = Event::read(&"bus".into(), &value, &Redactor::default(), at(0)).unwrap();
    ring.take(&[one], at(0));
    assert!(ring.lines[0].packed.len() < 1_000, "{}", ring.lines[0].packed.len());
    assert_eq!(
        serde_json::to_string(ring.get(1).unwrap().event.data.as_deref().unwrap()).unwrap(),
        "\"too long to be kept\""
    );
}
