//! The pictures in `screenshots/` are made by the program from the demo world, and are up to date.
//!
//! To make them anew: `QUARTERDECK_SCREENSHOTS=update cargo nextest run --test suite -E 'test(/^screenshots::/)'`.

use std::path::PathBuf;
use std::process::Command;

/// Name of the picture, screen, size, and what else it is made with.
const PICTURES: [(&str, &str, &str, &[&str]); 11] = [
    ("board", "board", "120x34", &[]),
    ("board-wide", "board", "200x60", &[]),
    ("board-light", "board", "120x34", &["--theme", "light"]),
    ("flows", "flows", "120x34", &[]),
    ("detail", "detail", "120x34", &[]),
    ("chart", "flows", "120x34", &["--filter", "rule:exhausted flow:delete-tenant", "--keys", "enter tab"]),
    ("compare", "flows", "120x34", &["--keys", "= j ="]),
    ("remediation", "remediation", "120x34", &[]),
    ("tenant", "tenants", "120x34", &["--keys", "enter"]),
    ("drift", "drift", "120x34", &["--keys", "j j j"]),
    ("latency", "board", "120x34", &["--keys", "j H"]),
];

#[test]
fn pictures_are_what_the_program_draws() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let update = std::env::var("QUARTERDECK_SCREENSHOTS").is_ok_and(|wish| wish == "update");
    let mut stale = Vec::new();
    for (name, screen, size, more) in PICTURES {
        let output = Command::new(env!("CARGO_BIN_EXE_quarterdeck"))
            .args(["--demo", "snapshot", "--screen", screen, "--size", size, "--format", "svg"])
            .args(more)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.starts_with(b"<svg"), "{name} is no picture");
        let path = folder.join(format!("{name}.svg"));
        if update {
            std::fs::write(&path, &output.stdout).unwrap();
        } else if std::fs::read(&path).unwrap_or_default() != output.stdout {
            stale.push(name);
        }
    }
    let mend = "QUARTERDECK_SCREENSHOTS=update cargo nextest run --test suite -E 'test(/^screenshots::/)'";
    assert!(stale.is_empty(), "out of date: {stale:?}; look at what changed, then: {mend}");
}
