//! A part of the program that fails in a way that must not happen gives the terminal back before it is told.
//!
//! The program has no way in for that. So this test is started a second time, in a pseudo-terminal, and shows the
//! cockpit there on a hub of its own that panics when it is asked for one instance.

use std::sync::Arc;

use crate::term::Launch;
use async_trait::async_trait;
use quarterdeck::cockpit::{self, CockpitError, Settings};
use quarterdeck::connect::Connector;
use quarterdeck::connect::sim::{SEED, World, system_clock};
use quarterdeck::domain::claim::{Claim, ClaimRequest};
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::raw::RawFlow;
use quarterdeck::domain::remediation::{Plan, Remediation, Verb};
use quarterdeck::domain::ways::Ways;
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{FlowAnswer, FlowCount, FlowWindow, FlowsQuery, Ops, OpsError, Overview, Selected, Selection};
use quarterdeck::query::Filter;
use tokio::sync::watch;

/// Set where the test is to be the program in the terminal.
const INSIDE: &str = "TEST_SHOWS_THE_COCKPIT";

/// The demo world's hub, except that it panics.
struct Faulty(Arc<Hub>);

#[async_trait]
impl Ops for Faulty {
    async fn overview(&self, filter: &Filter) -> Result<Arc<Overview>, OpsError> {
        self.0.overview(filter).await
    }

    async fn flows(&self, query: FlowsQuery) -> Result<FlowWindow, OpsError> {
        self.0.flows(query).await
    }

    async fn counts(&self, filters: &[Filter]) -> Result<Vec<FlowCount>, OpsError> {
        self.0.counts(filters).await
    }

    async fn select(&self, selection: &Selection, limit: usize) -> Result<Selected, OpsError> {
        self.0.select(selection, limit).await
    }

    async fn flow(&self, _: &InstanceId) -> Result<FlowAnswer, OpsError> {
        panic!("this must not happen")
    }

    async fn raw(&self, id: &InstanceId) -> Result<RawFlow, OpsError> {
        self.0.raw(id).await
    }

    async fn ways(&self, id: &InstanceId) -> Result<Ways, OpsError> {
        self.0.ways(id).await
    }

    async fn refresh(&self, source: Option<&str>) -> Result<(), OpsError> {
        self.0.refresh(source).await
    }

    async fn plan(&self, verb: Verb, target: &InstanceId) -> Result<Plan, OpsError> {
        self.0.plan(verb, target).await
    }

    async fn remediate(&self, plan_hash: &str, reason: &str) -> Result<Remediation, OpsError> {
        self.0.remediate(plan_hash, reason).await
    }

    async fn remediations(&self) -> Result<Vec<Remediation>, OpsError> {
        self.0.remediations().await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, OpsError> {
        self.0.claim(request).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes()
    }
}

async fn show() -> Result<cockpit::Exit, CockpitError> {
    let world = Arc::new(World::start(SEED, system_clock()));
    let source =
        |(name, plane): (&str, Arc<dyn Connector>)| (name.to_owned(), plane, std::time::Duration::from_secs(2));
    let hub = Hub::new(Setup {
        context: "demo".to_owned(),
        operator: "you".to_owned(),
        read_only: None,
        locked: false,
        thresholds: quarterdeck::config::ThresholdBook::default(),
        tenants: quarterdeck::config::TenantBook::default(),
        policing: quarterdeck::hub::Policing::default(),
        soak: jiff::SignedDuration::from_secs(10),
        state_dir: None,
        read_dir: None,
        clock: Arc::new(jiff::Timestamp::now),
        sources: world.planes().into_iter().map(source).collect(),
    });
    let _polling = hub.start();
    cockpit::run(Arc::new(Faulty(hub)), Settings::new("demo", "you")).await
}

#[test]
fn a_panic_is_told_on_a_terminal_that_was_given_back() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let result = runtime.block_on(show());
        assert!(matches!(result, Err(CockpitError::Panicked)), "{result:?}");
        runtime.shutdown_background();
        return;
    }
    let this = std::env::current_exe().unwrap();
    let name = "terminal_panic::a_panic_is_told_on_a_terminal_that_was_given_back";
    let command = [this.to_str().unwrap(), "--exact", name, "--nocapture", "--test-threads", "1"];
    let mut term = Launch::command(&command).env(INSIDE, "1").env("RUST_BACKTRACE", "0").start();
    term.shows("flows need eyes");
    term.press("2");
    term.until("the list", |seen| seen.lines[4].starts_with('▸'));
    assert!(term.seen().screen.alternate_screen());
    term.press("enter");
    let (status, seen) = term.given_back();
    assert_eq!(status.exit_code(), 0, "the cockpit said that it had to be left\n{}", seen.picture());
    assert!(seen.has("this must not happen") && seen.has("tests/suite/terminal_panic.rs"), "{}", seen.picture());
    // Where it was told, there were line ends again: it stands at the beginning of a line.
    assert!(seen.lines.iter().any(|line| line.starts_with("this must not happen")), "{}", seen.picture());
    crate::support::matrix::record("terminal", 1, 1);
}
