//! Every dependency's licence is one that `deny.toml` allows. That file is the one list; `cargo deny` reads it too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

impl Licenses {
    fn read() -> Self {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).unwrap();
        toml::from_str::<Deny>(&text).unwrap().licenses
    }

    /// Why a crate is not allowed; `None` where it is.
    fn objection(&self, name: &str, licence: &str) -> Option<String> {
        if licence.is_empty() {
            return Some(format!("{name} names no licence"));
        }
        let expression = match Expression::parse_mode(licence, ParseMode::LAX) {
            Ok(expression) => expression,
            Err(error) => return Some(format!("{name}: \"{licence}\" is no licence expression: {}", error.reason)),
        };
        let exceptions = self.exceptions.iter().filter(|e| e.name == name).flat_map(|e| &e.allow);
        let allowed: Vec<_> = self.allow.iter().chain(exceptions).map(|l| Licensee::parse(l).unwrap()).collect();
        let good = expression.evaluate(|wanted| allowed.iter().any(|l| l.satisfies(wanted)));
        (!good).then(|| format!("{name}: {licence}"))
    }
}

/// Name and version to licence of all that any target's build, tests included, is made of.
fn dependencies() -> BTreeMap<String, String> {
    // Of all that the lock file lists, `cargo metadata` also tells what no feature in use asks for; the tree does not.
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--target", "all", "--edges", "normal,build,dev", "--prefix", "none"])
        .args(["--no-dedupe", "--locked", "--offline", "--format", "{p}\t{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "run `cargo fetch --locked` first\n{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let pairs = lines.lines().filter(|line| !line.trim().is_empty()).map(|line| line.split_once('\t').unwrap());
    pairs.map(|(package, licence)| (package.to_owned(), licence.to_owned())).collect()
}

fn name(package: &str) -> &str {
    package.split(' ').next().unwrap()
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed() {
    let licenses = Licenses::read();
    let dependencies = dependencies();
    assert!(dependencies.len() > 100, "{dependencies:?}");
    let objections: Vec<_> = dependencies.iter().filter_map(|(p, l)| licenses.objection(name(p), l)).collect();
    assert!(objections.is_empty(), "not allowed by deny.toml:\n{}", objections.join("\n"));
}

#[test]
fn no_exception_outlives_its_crate() {
    let dependencies = dependencies();
    let names: BTreeSet<_> = dependencies.keys().map(|package| name(package)).collect();
    for exception in Licenses::read().exceptions {
        assert!(names.contains(exception.name.as_str()), "{} is not used any more", exception.name);
    }
}

#[test]
fn what_is_not_allowed_is_found() {
    let licenses = Licenses {
        allow: vec!["MIT".to_owned(), "Apache-2.0".to_owned()],
        exceptions: vec![Exception { name: "odd".to_owned(), allow: vec!["MPL-2.0".to_owned()] }],
    };
    for (name, licence, good) in [
        ("a", "MIT", true),
        ("a", "GPL-3.0-only", false),
        ("a", "GPL-3.0-only OR MIT", true),
        ("a", "GPL-3.0-only AND MIT", false),
        ("a", "MIT/Apache-2.0", true),
        ("a", "Apache-2.0 WITH LLVM-exception", false),
        ("a", "", false),
        ("a", "my own", false),
        ("a", "MPL-2.0", false),
        ("odd", "MPL-2.0", true),
    ] {
        assert_eq!(licenses.objection(name, licence).is_none(), good, "{name}: {licence}");
    }
}
