//! JSON that parsers disagree about, from a server: the files of the `JSONTestSuite` as the value of a field that
//! nobody knows, as a row, and as a whole answer.
//!
//! `y_` files are JSON, `n_` files are none, and of `i_` files a parser may think either.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::fake_restate::{FakeRestate, Kind, row};
use crate::support::hostile::{Behaviour, Reply};
use crate::support::hub::{config_of, hub_of, rows, status};
use crate::support::matrix::record;
use quarterdeck::domain::source::{Freshness, SourceStatus};
use quarterdeck::domain::text::is_hidden;
use quarterdeck::hub::Hub;

/// A file: its name, and its bytes, which need not be UTF-8.
type Sample = (String, Vec<u8>);

fn folder(name: &str) -> Vec<Sample> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/json").join(name);
    let mut samples: Vec<Sample> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    samples.sort();
    samples
}

fn parsing() -> Vec<Sample> {
    let mut samples = folder("test_parsing");
    // The two large ones are made here.
    samples.push(("n_structure_100000_opening_arrays.json".into(), b"[".repeat(100_000)));
    samples.push(("n_structure_open_array_object.json".into(), b"[{\"\":".repeat(50_000)));
    assert_eq!(samples.len(), 318);
    samples
}

/// A server that answers one kind of question with chosen bytes, and a hub on it.
struct Place {
    server: FakeRestate,
    hub: Arc<Hub>,
}

impl Place {
    fn new() -> Self {
        let server = FakeRestate::start(vec![row("inv_1")]);
        let hub = hub_of(&config_of(&[("a", &server.url(), "20s")]), None, Duration::from_secs(60));
        Self { server, hub }
    }

    /// One pass in which `kind` is answered so, after one that was good.
    async fn told(&self, kind: Kind, body: Vec<u8>) -> SourceStatus {
        self.server.behave_for(kind, Behaviour::Answers(Reply::new(200, "application/json", body)));
        self.hub.pass().await;
        let told = status(&self.hub, "a").await;
        for text in [&told.error, &told.bad_row].into_iter().flatten() {
            assert!(!text.chars().any(is_hidden) && text.chars().count() < 700, "{text}");
        }
        told
    }

    /// As good as new.
    async fn mend(&self) {
        self.server.be_good();
        self.hub.pass().await;
        assert_eq!(status(&self.hub, "a").await.state, Freshness::Live, "one failure is forgiven by one good pass");
    }
}

fn has_place(error: &str) -> bool {
    let number = |after: &str| {
        let rest = error.split_once(after).map(|(_, rest)| rest);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    number(" line ") && number(" column ")
}

/// A good answer in which a row, and the answer itself, has one more field.
fn with_field(value: &[u8], inside: bool) -> Vec<u8> {
    let mut good = row("inv_1").to_string();
    good.pop();
    let (before, after) = if inside {
        (format!("{{\"rows\":[{good},\"extra\":"), "}]}")
    } else {
        (format!("{{\"rows\":[{good}}}],\"extra\":"), "}")
    };
    [before.as_bytes(), value, after.as_bytes()].concat()
}

#[tokio::test]
async fn as_the_value_of_a_field_that_nobody_knows() {
    let place = Place::new();
    place.mend().await;
    let (mut accepted, mut refused) = (0, 0);
    for (name, bytes) in parsing() {
        for inside in [true, false] {
            let told = place.told(Kind::Rows, with_field(&bytes, inside)).await;
            let good = told.state == Freshness::Live && told.bad_rows == 0;
            match name.split('_').next() {
                Some("y") => assert!(good, "{name}, {inside}: {told:?}"),
                Some("n") => assert!(!good, "{name}, {inside}: {told:?}"),
                Some("i") => {}
                _ => panic!("{name}"),
            }
            let why = told.error.as_deref().or(told.bad_row.as_deref());
            assert_eq!(why.is_none(), good, "{name}: {told:?}");
            assert!(good || why.is_some_and(has_place), "{name}: {told:?}");
            // Whatever came, the row that was there is there.
            assert_eq!(rows(&place.hub, "a").await.len(), usize::from(told.bad_rows == 0), "{name}");
            if good {
                accepted += 1;
            } else {
                refused += 1;
                place.mend().await;
            }
        }
    }
    assert_eq!(accepted + refused, 2 * 318);
    record("json-corpus", accepted + refused, 636);
    assert!(accepted >= 2 * 95 && refused >= 2 * 187, "{accepted} accepted, {refused} refused");
}

#[tokio::test]
async fn as_a_row() {
    let place = Place::new();
    let mut cases = 0;
    for (name, bytes) in parsing().into_iter().chain(folder("test_transform")) {
        let told = place.told(Kind::Rows, [b"{\"rows\":[", bytes.as_slice(), b"]}"].concat()).await;
        // None of them is an instance; what is JSON spoils its row, and what is none the answer.
        let why = told.error.as_deref().or(told.bad_row.as_deref());
        let empty = told.rows == 0 && told.bad_rows == 0;
        assert!(why.is_some_and(has_place) || empty, "{name}: {told:?}");
        if name.starts_with("y_") {
            assert_eq!((told.state, told.rows, told.bad_rows), (Freshness::Live, 0, 1), "{name}: {told:?}");
        }
        if name.starts_with("n_") {
            // Such as `1,2`, which is good JSON between brackets.
            let rows = told.error.is_none();
            assert!(!rows || told.rows == 0, "{name}: {told:?}");
        }
        if told.error.is_some() {
            place.mend().await;
        }
        cases += 1;
    }
    record("json-corpus", cases, 340);
}

#[tokio::test]
async fn as_a_whole_answer() {
    let mut cases = 0;
    let place = Place::new();
    place.mend().await;
    for (name, bytes) in parsing().into_iter().chain(folder("test_transform")) {
        for kind in [Kind::Version, Kind::Rows] {
            place.server.be_good();
            let told = place.told(kind, bytes.clone()).await;
            // None of them is what a Restate sends.
            assert_eq!(told.state, Freshness::Stale, "{name}: {told:?}");
            let error = told.error.as_deref().unwrap();
            assert!(
                error.starts_with(if kind == Kind::Version { "/version: " } else { "/query: " }),
                "{name}: {error}"
            );
            assert!(has_place(error) || error.ends_with("the answer is empty"), "{name}: {error}");
            assert_eq!(rows(&place.hub, "a").await.len(), 1, "{name}: the last row stays");
            cases += 1;
        }
    }
    record("json-corpus", cases, 680);
}
