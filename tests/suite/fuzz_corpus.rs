//! What the fuzzer has found worth keeping, and random changes of it, through the checks of the fuzzer, in every run.

#[path = "../../fuzz/checks.rs"]
mod checks;

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

/// What must be so, whatever comes.
type Check = fn(&[u8]);

/// Every target: its name, its check, and how many random changes are tried.
const TARGETS: [(&str, Check, u32); 6] = [
    ("config", checks::config, 256),
    ("filter", checks::filter, 1024),
    ("intake", checks::intake, 256),
    ("look", checks::look, 256),
    ("scrubber", checks::scrubber, 512),
    ("secrets", checks::secrets, 128),
];

/// The files of a target's corpus.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn what_was_found_once_is_tried_again() {
    let mut targets = 0;
    for (target, check, _) in TARGETS {
        let files = corpus(target);
        assert!(files.len() >= 10, "{target}: {} files", files.len());
        for (name, data) in files {
            let tried = std::panic::catch_unwind(|| check(&data));
            assert!(tried.is_ok(), "fuzz/corpus/{target}/{name}");
        }
        targets += 1;
    }
    crate::support::matrix::record("fuzz", targets, 5);
    // Each target has its check here.
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets")).unwrap();
    assert_eq!(files.count(), targets);
}

/// A file of the corpus, of which pieces are taken out, doubled, replaced by others, or by pieces of another file.
fn changed(files: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let place = any::<prop::sample::Index>();
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..4),
        "\\PC{0,6}".prop_map(String::into_bytes),
        select(vec!["\"", "\\", "{", "}", "[", "]", ":", ",", "-", "(", "'", "\u{1b}", "\u{202e}", "\u{0}", "\n", "*"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    let change = (place.clone(), 0_usize..12, piece, place);
    (select(files.clone()), proptest::collection::vec(change, 1..6), select(files)).prop_map(
        |(mut data, changes, other)| {
            for (at, gone, piece, from) in changes {
                let at = at.index(data.len() + 1);
                let end = (at + gone).min(data.len());
                let piece = if piece.is_empty() && !other.is_empty() {
                    let from = from.index(other.len());
                    other[from..(from + 40).min(other.len())].to_vec()
                } else {
                    piece
                };
                data.splice(at..end, piece);
            }
            data
        },
    )
}

#[test]
fn random_changes_of_it_are_tried() {
    for (target, check, cases) in TARGETS {
        let files = corpus(target).into_iter().map(|(_, data)| data).collect();
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let tried = runner.run(&changed(files), |data| {
            check(&data);
            Ok(())
        });
        if let Err(error) = tried {
            panic!("{target}: {error}");
        }
    }
}
