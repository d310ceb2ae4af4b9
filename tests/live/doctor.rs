//! The doctor on a real Restate: everything that Quarterdeck asks of it can be had, and a server that has gone is told.

use crate::support::program::{Said, command, list};
use crate::support::restate::{Restate, gone};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_is_well_until_it_is_gone() {
    let mut restate = Restate::start().await;
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    let is_at = |url: &str| {
        let text = format!("state_dir = \"state\"\n[[source]]\nname = \"live\"\nkind = \"restate\"\nurl = \"{url}\"\n");
        std::fs::write(&config, text).unwrap();
    };
    is_at(&restate.admin_url());
    let doctor = |format: &str| {
        let mut command = command(["--config", config.to_str().unwrap(), "doctor", "-o", format]);
        Said::of(&command.env("TERM", "xterm-256color").output().unwrap())
    };
    let report = doctor("json").good().json();
    let of_it: Vec<&Value> = list(&report, "checks").iter().filter(|finding| finding["of"] == "live").collect();
    assert!(of_it.iter().all(|finding| finding["state"] == "ok"), "{of_it:#?}");
    assert_eq!(of_it.iter().filter(|finding| finding["check"] == "can read").count(), 4);
    let source = &report["sources"][0];
    assert_eq!((&source["reachable"], &source["version_tested"]), (&json!(true), &json!(true)), "{source:#}");
    assert!(source["clock_offset_ms"].as_i64().unwrap().abs() < 5_000, "one machine has one clock: {source:#}");
    assert!(source["reads"].as_array().unwrap().iter().all(|read| read["error"].is_null()), "{source:#}");
    // The ingress of the same server is another one, and says so.
    is_at(&restate.ingress_url());
    let said = doctor("table");
    assert!(said.code == 3 && said.out.contains("is this the URL of a Restate admin API"), "{said:?}");
    is_at(&restate.admin_url());
    restate.kill_server();
    gone(&restate.admin_url());
    let said = doctor("table");
    assert!(said.code == 3 && said.out.contains("connection refused: nothing listens at"), "{said:?}");
}
