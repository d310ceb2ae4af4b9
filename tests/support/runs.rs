//! Hubs of several operators on one ledger and one crowd, and what tests of remediations of many ask them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use quarterdeck::config::Config;
use quarterdeck::connect::Connector;
use quarterdeck::domain::approval::Answer;
use quarterdeck::domain::ids::InstanceId;
use quarterdeck::domain::plan::{Pace, Parameters, WidePlan};
use quarterdeck::domain::redact::Redactor;
use quarterdeck::domain::remediation::{ItemState, Verb};
use quarterdeck::domain::remedy::Remedy;
use quarterdeck::domain::wide::{Control, Item, WideDetail, WideRemediation, WideState};
use quarterdeck::hub::webhook::Webhooks;
use quarterdeck::hub::{Hub, Setup};
use quarterdeck::ops::{Ops, OpsError, PlanWish, RequestOf, ReviewOf, Selection};
use quarterdeck::query::Filter;

use super::crowd::{CROWD, Crowd, Wire, name};
use super::hub::setup;

/// Who may do what: more than three targets need somebody's approval.
pub const TWO_PEOPLE: &str = "[limits]\napproval_above = 3\n[roles]\nsre = [\"ben\", \"cleo\"]\nlead = [\"cleo\"]\n";

/// Hubs on one state directory, and the clock that all of them go by.
pub struct Place {
    pub dir: tempfile::TempDir,
    pub crowd: Arc<Crowd>,
    /// Seconds that were added to the present.
    ahead: Arc<AtomicI64>,
    config: String,
}

impl Place {
    pub fn new(crowd: Arc<Crowd>, config: &str) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { dir, crowd, ahead: Arc::default(), config: config.to_owned() }
    }

    /// Another place that has what this one has on its disk at this moment.
    pub fn copied(&self, from: &Path, crowd: Arc<Crowd>) -> Self {
        let place = Self::new(crowd, &self.config);
        for file in std::fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), place.dir.path().join(file.file_name())).unwrap();
        }
        place
    }

    /// Time passes for every hub.
    pub fn wait(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The config is another one for hubs from now on.
    pub fn config(&mut self, config: &str) {
        config.clone_into(&mut self.config);
    }

    /// A hub of this operator, that has looked at everything once.
    pub async fn hub(&self, operator: &str) -> Arc<Hub> {
        let source = format!("[[source]]\nname = \"{CROWD}\"\nkind = \"restate\"\nurl = \"http://127.0.0.1:9\"\n");
        let config = Config::parse(&format!("{}{source}", self.config), "config.toml", None).unwrap();
        let hooks = config.webhooks.clone();
        let wire = Arc::new(Wire(Arc::clone(&self.crowd))) as Arc<dyn Connector>;
        let ahead = Arc::clone(&self.ahead);
        let hub = Hub::new(Setup {
            operator: operator.into(),
            soak: SignedDuration::ZERO,
            state_dir: Some(self.dir.path().to_owned()),
            clock: Arc::new(move || Timestamp::now() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst))),
            ..setup(config, vec![(CROWD.to_owned(), wire, Duration::from_secs(1))])
        });
        hub.tells_webhooks(Webhooks::new(hooks, Redactor::default()));
        hub.pass().await;
        hub
    }
}

/// A wish for all that are paused.
pub fn wish(waves: &str) -> PlanWish {
    PlanWish {
        remedy: Remedy::Verb(Verb::Resume, Parameters::new()),
        selection: Selection::Matching { filter: Filter::parse("state:paused").unwrap(), without: BTreeSet::new() },
        waves: waves.parse().unwrap(),
        pace: Pace { concurrency: 5, per_second: 100, max_errors: 3 },
    }
}

/// A wish for these.
pub fn wish_for(those: impl IntoIterator<Item = usize>, waves: &str) -> PlanWish {
    let ids = those.into_iter().map(|n| InstanceId::new(CROWD, name(n))).collect();
    PlanWish { selection: Selection::Ids(ids), ..wish(waves) }
}

/// Asks for a plan.
pub async fn request(hub: &Hub, plan: &WidePlan) -> Result<Arc<WideRemediation>, OpsError> {
    let reason = "a test asked for it".into();
    hub.request(&RequestOf { plan_hash: plan.hash.clone(), reason, ticket: None, takes_back: None, break_glass: None })
        .await
}

/// Asks for a plan as what takes a remediation back.
pub async fn request_back(hub: &Hub, plan: &WidePlan, of: &str) -> Result<Arc<WideRemediation>, OpsError> {
    let (reason, takes_back) = ("it was a mistake".into(), Some(of.into()));
    hub.request(&RequestOf { plan_hash: plan.hash.clone(), reason, ticket: None, takes_back, break_glass: None }).await
}

/// Plans and asks for it.
pub async fn asked(hub: &Hub, wish: &PlanWish) -> Arc<WideRemediation> {
    let plan = hub.plan_of_many(wish).await.unwrap();
    request(hub, &plan).await.unwrap()
}

/// Says something of it.
pub async fn review(hub: &Hub, of: &WideRemediation, answer: Answer) -> Result<Arc<WideRemediation>, OpsError> {
    let comment = "looked at it".into();
    hub.review(&ReviewOf { id: of.id.clone(), plan_hash: of.plan.hash.clone(), answer, comment, code: None }).await
}

/// Starts it and waits until this hub has nothing more to do for it.
pub async fn carried(hub: &Hub, id: &str, control: Control) -> WideDetail {
    hub.control(id, control).await.unwrap();
    settled(hub, id).await
}

/// Waits until this hub has nothing more to do for it. Its counts add up at each look.
pub async fn settled(hub: &Hub, id: &str) -> WideDetail {
    for _ in 0..100_000 {
        let detail = hub.wide_remediation(id).await.unwrap();
        adds_up(&detail);
        if !hub.carries(id) && !detail.head.state.runs() {
            return detail;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{id} never settles: {:#?}", hub.wide_remediation(id).await);
}

/// Each item is in one state, and all of them are there.
pub fn adds_up(detail: &WideDetail) {
    let counts = &detail.head.counts;
    assert_eq!(counts.total(), detail.head.plan.frozen.targets.len() as u64, "{counts:?}");
    assert_eq!(counts.each().map(|(_, count)| count).sum::<u64>(), counts.total());
}

/// The state and the words of every item that is not as the first says.
pub fn but(detail: &WideDetail, state: ItemState) -> Vec<(String, ItemState, String)> {
    let told = |item: &Item| (item.target.id.instance.to_string(), item.state, item.words.to_string());
    detail.items.iter().filter(|item| item.state != state).map(told).collect()
}

/// How it stands, in short.
pub fn stands(detail: &WideDetail) -> (WideState, String) {
    (detail.head.state, detail.head.counts.words())
}
