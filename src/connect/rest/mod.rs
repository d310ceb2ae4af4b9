//! Any JSON API, by configuration: what is asked, how its pages follow one another, and the jq programs that make flows,
//! tenants, drift and events of what comes. `docs/rest.md` is for whoever writes one.
//!
//! - `answer.rs` follows an answer to its items, `walk.rs` goes from page to page, `yielded.rs` runs the programs over the
//!   items of a page, `shape/` reads what they give, `acts.rs` sends verbs, `trial.rs` is for `quarterdeck source try`.
//! - A pass that meets a request which fails is a failed pass: what was told last stays. An item that a program fails on is
//!   counted, and told with its path and the program's line.
//! - A kind of thing is told to be as before where the server says so (304) of every page of each request that yields it.

mod acts;
mod answer;
mod shape;
mod trial;
mod walk;
mod yielded;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use tokio::sync::mpsc;

pub use self::trial::{Told, Trial};
use self::walk::{Walk, first_page};
pub use self::yielded::{Count, Failure};
use self::yielded::{Wish, Yielded};
use super::http::{Answer, Ask, Client, HEADER, Tag};
use super::{
    Act, ActAnswer, Checkup, ConnectError, Connector, EngineCount, Mark, Observation, Reading, Sight, Tells, hand_on,
};
use crate::config::{Paging, RestRequest, RestSetting, Scheme, Transport, Yields};
use crate::domain::event::Event;
use crate::domain::flow::{FlowDetail, FlowInstance, PauseCause, Status};
use crate::domain::raw::{Json, RawFlow, RawPart, Told as RawTold};
use crate::domain::redact::Redactor;
use crate::domain::remediation::Verb;
use crate::domain::run::Attempts;
use crate::domain::text::SafeText;
use crate::domain::ways::{self, ReadRequest, Ways, encoded};

/// The longest answer that is read, in bytes.
const ANSWER: usize = 64 * 1024 * 1024;

/// How long the programs may run over all pages of one request.
const RUN: Duration = Duration::from_secs(20);

/// What happened so long before the last event that was told is asked for once more: clocks differ, and rows are written
/// later than they say.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);

/// An API.
pub struct Rest {
    source: SafeText,
    http: Client,
    requests: Vec<Arc<RestRequest>>,
    setting: Arc<RestSetting>,
    redactor: Redactor,
    check_interval: SignedDuration,
    open: Option<String>,
}

/// What a pass has seen, for the next one.
#[derive(Debug, Default)]
struct Seen {
    /// What the server has called each page of a request.
    pages: HashMap<usize, Vec<(Url, Tag)>>,
    /// Up to when a request has told what happened.
    until: HashMap<usize, Timestamp>,
}

/// What came of asking for a request again.
enum Again {
    /// Every page is as it was.
    AsBefore,
    /// It is read anew; the first page may have come already.
    Anew(Option<Answer<Vec<u8>>>),
}

impl Rest {
    /// A connector for the API at `url`. `timeout` bounds each request as a whole.
    ///
    /// # Errors
    /// Where it can't be asked.
    pub fn new(
        source: &str,
        url: &str,
        timeout: Duration,
        transport: impl Into<Transport>,
        setting: Arc<RestSetting>,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            source: source.into(),
            http: Client::new(url, timeout, transport)?.body_cap(ANSWER),
            requests: setting.requests.iter().cloned().map(Arc::new).collect(),
            setting,
            redactor: Redactor::default(),
            check_interval: SignedDuration::from_hours(24),
            open: None,
        })
    }

    /// Takes these secrets out of what is shown.
    #[must_use]
    pub fn redact(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// How often what is told of drift is to be checked, where a finding says when it was.
    #[must_use]
    pub fn check_interval(mut self, interval: SignedDuration) -> Self {
        self.check_interval = interval;
        self
    }

    /// Where the page of an instance is.
    #[must_use]
    pub fn open_at(mut self, template: Option<String>) -> Self {
        self.open = template;
        self
    }

    fn headers(&self, request: &RestRequest) -> Vec<(String, String)> {
        let own = |name: &str| request.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let common = self.setting.headers.iter().filter(|(name, _)| !own(name));
        common.chain(&request.headers).cloned().collect()
    }

    /// From when on a request is asked for what happened.
    fn since(&self, at: usize, before: Option<&Seen>) -> Timestamp {
        let told = before.and_then(|before| before.until.get(&at).copied());
        let (from, back) = match told {
            Some(until) => (until, OVERLAP),
            None => (Timestamp::now(), self.requests.get(at).map_or(OVERLAP, |request| request.look_back)),
        };
        from.checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Asks whether the pages of a request are as they were.
    async fn again(&self, at: usize, request: &RestRequest, before: Option<&Seen>) -> Result<Again, ConnectError> {
        // That there is a next page may stand in a header alone: a page can be as it was, and have got one.
        let conditional = request.conditional && request.paging != Paging::Link;
        let pages = before.and_then(|before| before.pages.get(&at)).filter(|_| conditional);
        let Some(pages) = pages.filter(|pages| !pages.is_empty()) else { return Ok(Again::Anew(None)) };
        let headers = self.headers(request);
        for (number, (url, tag)) in pages.iter().enumerate() {
            let body = request.post.then(|| request.body.as_deref().unwrap_or("{}"));
            let ask = Ask { url, headers: &headers, body, known: Some(tag) };
            let answer = self.http.ask(ask).await.map_err(|error| walk::named(&request.name, error))?;
            if answer.is_some() {
                return Ok(Again::Anew(answer.filter(|_| number == 0)));
            }
        }
        Ok(Again::AsBefore)
    }

    async fn pass(&self, before: Option<&Seen>, sink: &mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        let send = |part| hand_on(sink, [part]);
        let mut again = Vec::with_capacity(self.requests.len());
        for (at, request) in self.requests.iter().enumerate() {
            again.push(self.again(at, request, before).await?);
        }
        let unchanged = |yields: Yields| {
            let mut of = self.requests.iter().zip(&again).filter(|(request, _)| request.program(yields).is_some());
            self.setting.yields(yields) && of.all(|(_, again)| matches!(again, Again::AsBefore))
        };
        let as_before = Yields::ALL.map(unchanged);
        let is_as_before = |yields: Yields| as_before[yields as usize];
        let mut seen = Seen::default();
        let (mut counts, mut bad, mut now) = (Counts::default(), (0, None), None);
        for (at, (request, again)) in self.requests.iter().zip(again).enumerate() {
            let told = before.and_then(|before| before.until.get(&at).copied());
            seen.until.extend(told.map(|told| (at, told)));
            let first = match again {
                Again::AsBefore if request.programs.iter().all(|program| is_as_before(program.yields)) => {
                    let pages = before.and_then(|before| before.pages.get(&at)).cloned();
                    seen.pages.extend(pages.map(|pages| (at, pages)));
                    continue;
                }
                Again::AsBefore => None,
                Again::Anew(first) => first,
            };
            let since = self.since(at, before);
            let mut walk = Walk::new(self, request, since, Wish::default())?;
            // Where it asks for what happened since a moment, that was another moment.
            if let Some(first) = first.filter(|_| !request.since()) {
                walk = walk.from(first);
            }
            while let Some(page) = walk.next().await? {
                // Those of the future say nothing of how far it was told.
                let here = walk.now.unwrap_or_else(Timestamp::now);
                let newest = page.events.iter().map(|event| event.at).filter(|at| *at <= here).max();
                if let Some(newest) = newest {
                    let until = seen.until.entry(at).or_insert(newest);
                    *until = newest.max(*until);
                }
                let failed = page.counts.iter().enumerate().filter(|(kind, _)| *kind != Yields::Events as usize);
                bad.0 += failed.map(|(_, count)| count.bad).sum::<usize>();
                if bad.1.is_none() && bad.0 > 0 {
                    let first = page.failures.iter().find(|failure| failure.yields != Yields::Events);
                    bad.1 = first.map(|failure| format!("{}: {}", request.name, failure.words()));
                }
                counts.add(&page.flows);
                self.tell(page, is_as_before, &send).await?;
            }
            now = now.max(walk.now);
            if let Some(tags) = walk.tags.filter(|_| !request.since()) {
                seen.pages.insert(at, tags);
            }
        }
        if is_as_before(Yields::Flows) {
            send(Observation::FlowsAsBefore { after: String::new(), until: None }).await?;
            send(Observation::CountsAsBefore).await?;
        } else if self.setting.yields(Yields::Flows) {
            send(Observation::Counts(counts.told())).await?;
        }
        if is_as_before(Yields::Tenants) {
            send(Observation::TenantsAsBefore).await?;
        }
        if is_as_before(Yields::Drift) {
            send(Observation::DriftAsBefore).await?;
        }
        if bad.0 > 0 {
            let first = bad.1.unwrap_or_else(|| "an item".to_owned());
            send(Observation::BadRows { count: bad.0, first: SafeText::clipped(&first, 600) }).await?;
            // What could not be read is told again in each pass, and so asked for.
            seen.pages.clear();
        }
        send(Observation::Mark(Arc::new(seen) as Mark)).await?;
        send(Observation::End { complete: true, engine_now: now, version: None }).await
    }

    /// Hands over what a page came to, but for what is told to be as before.
    async fn tell<F: Future<Output = Result<(), ConnectError>>>(
        &self,
        page: Yielded,
        as_before: impl Fn(Yields) -> bool,
        send: &impl Fn(Observation) -> F,
    ) -> Result<(), ConnectError> {
        if !page.flows.is_empty() && !as_before(Yields::Flows) {
            send(Observation::Flows(page.flows)).await?;
        }
        if !page.tenants.is_empty() && !as_before(Yields::Tenants) {
            send(Observation::Tenants(page.tenants)).await?;
        }
        if !as_before(Yields::Drift) {
            if !page.drift.is_empty() {
                send(Observation::Drift(page.drift)).await?;
            }
            if page.in_sync > 0 {
                send(Observation::InSync(page.in_sync)).await?;
            }
        }
        if !page.events.is_empty() {
            send(Observation::Events(page.events)).await?;
        }
        if !page.letters.is_empty() {
            send(Observation::DeadLetters(page.letters)).await?;
        }
        Ok(())
    }

    /// Every instance that the requests tell, ended ones too, with the moment of it; those of `wanted` alone where there is
    /// a request for one.
    async fn look(&self, wanted: &[SafeText]) -> Result<Vec<Option<Found>>, ConnectError> {
        let wish = Wish { ended_too: true, ..Wish::default() };
        let mut found: BTreeMap<SafeText, Found> = BTreeMap::new();
        for (at, request) in self.requests.iter().enumerate() {
            if request.program(Yields::Flows).is_none() {
                continue;
            }
            let mut walks = Vec::new();
            match &request.one {
                Some(one) => {
                    for id in wanted.iter().filter(|id| !found.contains_key(*id)) {
                        let Some(id) = encoded(id) else { continue };
                        let url = self.http.at(&one.replace("{id}", &id))?;
                        let mut single = RestRequest { paging: Paging::None, post: false, ..(**request).clone() };
                        // Where nothing is said of it, an answer of one thing alone may be that thing.
                        let wish = Wish { or_whole: single.one_items.is_none(), ..wish };
                        single.items = single.one_items.take().unwrap_or(single.items);
                        walks.push(Walk::at(self, &Arc::new(single), url, None, wish));
                    }
                }
                None => walks.push(Walk::new(self, request, self.since(at, None), wish)?),
            }
            for mut walk in walks {
                loop {
                    let page = match walk.next().await {
                        Ok(Some(page)) => page,
                        Ok(None) => break,
                        Err(ConnectError::NotFound(_)) if request.one.is_some() => break,
                        Err(error) => return Err(error),
                    };
                    let now = walk.now.unwrap_or_else(Timestamp::now);
                    let item = page.kept.filter(|_| page.items == 1);
                    let item = item.map(|item| Json::of(&item, &self.redactor));
                    // What can't be read is not gone.
                    if let Some(failure) = page.failures.first().filter(|_| request.one.is_some()) {
                        return Err(ConnectError::BadAnswer(failure.words().into()));
                    }
                    for flow in page.flows.into_iter().filter(|flow| wanted.contains(&flow.id.instance)) {
                        let id = flow.id.instance.clone();
                        found.entry(id).or_insert_with(|| Found { flow, now, item: item.clone() });
                    }
                }
            }
        }
        Ok(wanted.iter().map(|id| found.remove(id)).collect())
    }
}

/// An instance that was looked for.
struct Found {
    flow: FlowInstance,
    now: Timestamp,
    /// What the API tells of it, where it was told alone.
    item: Option<Json>,
}

/// Counts by flow and step, of all that was read: these APIs count nothing themselves.
#[derive(Default)]
struct Counts {
    places: HashMap<(SafeText, SafeText), usize>,
    each: Vec<EngineCount>,
    /// Where each one stands that was counted, by the hash of its id.
    met: HashMap<u64, (usize, Status, bool)>,
    hasher: RandomState,
}

impl Counts {
    /// Counts these. What moves while it is read is told twice, and so may an id be that the server gives to two: what is
    /// told last holds, as it does among the rows.
    fn add(&mut self, flows: &[FlowInstance]) {
        for flow in flows {
            let (each, place) = (&mut self.each, (flow.flow.clone(), flow.step.clone()));
            let place = *self.places.entry(place).or_insert_with_key(|(flow, step)| {
                let (flow, step) = (flow.clone(), step.clone());
                each.push(EngineCount { flow, step, open: 0, waiting: 0, held: 0, failed: 0 });
                each.len() - 1
            });
            let stands = (place, flow.status, flow.pause == Some(PauseCause::Held));
            if flow.exact_id
                && let Some(before) = self.met.insert(self.hasher.hash_one(flow.id.instance.as_str()), stands)
            {
                self.count(before, u64::wrapping_sub);
            }
            self.count(stands, u64::wrapping_add);
        }
    }

    fn count(&mut self, (place, status, held): (usize, Status, bool), by: fn(u64, u64) -> u64) {
        let Some(count) = self.each.get_mut(place) else { return };
        count.open = by(count.open, u64::from(!status.ended()));
        count.waiting = by(count.waiting, u64::from(status == Status::Waiting));
        count.held = by(count.held, u64::from(held));
        count.failed = by(count.failed, u64::from(status.failed()));
    }

    /// What they come to. Where nothing is left, nothing is told.
    fn told(self) -> Vec<EngineCount> {
        let mut counts = self.each;
        counts.retain(|count| count.open > 0 || count.failed > 0);
        counts.sort_by(|one, other| (&one.flow, &one.step).cmp(&(&other.flow, &other.step)));
        counts
    }
}

#[async_trait]
impl Connector for Rest {
    fn kind(&self) -> &'static str {
        "rest"
    }

    fn address(&self) -> SafeText {
        self.http.address()
    }

    fn tells(&self) -> Tells {
        let yields = |yields| self.setting.yields(yields);
        Tells {
            flows: yields(Yields::Flows),
            drift: yields(Yields::Drift),
            tenants: yields(Yields::Tenants),
            events: yields(Yields::Events),
        }
    }

    fn verbs(&self) -> &'static [Verb] {
        acts::verbs(&self.setting)
    }

    fn refuses_acts(&self) -> Option<SafeText> {
        let none = || self.setting.verbs.is_empty().then(|| "the config declares no verb of it".into());
        self.http.refuses_acts().or_else(none)
    }

    fn unverified(&self) -> bool {
        self.http.unverified()
    }

    fn effect(&self, verb: Verb, _flow: &FlowInstance) -> SafeText {
        self.effect_of(verb)
    }

    fn own_rule(&self, verb: Verb, flow: &FlowInstance) -> Option<Result<(), SafeText>> {
        self.rule_of(verb, flow)
    }

    async fn check(&self) -> Result<(), ConnectError> {
        let Some(request) = self.requests.first() else { return Ok(()) };
        let url = first_page(self, request, self.since(0, None))?;
        let body = request.post.then(|| request.body.as_deref().unwrap_or("{}"));
        self.http.ask(Ask { url: &url, headers: &self.headers(request), body, known: None }).await.map(|_| ())
    }

    async fn examine(&self) -> Result<Checkup, ConnectError> {
        self.examined().await
    }

    async fn observe(&self, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        self.pass(None, &sink).await
    }

    async fn observe_again(&self, since: &Mark, sink: mpsc::Sender<Observation>) -> Result<(), ConnectError> {
        self.pass(since.downcast_ref::<Seen>(), &sink).await
    }

    async fn read(&self, instance: &str) -> Result<Option<Reading>, ConnectError> {
        let found = self.look(&[instance.into()]).await?.into_iter().next().flatten();
        Ok(found.map(|Found { flow, now, .. }| {
            let error = flow.error.iter().map(|error| error.text.clone()).collect();
            let last_failure_at = flow.failed_at();
            let detail = FlowDetail {
                flow,
                error,
                timeline: Vec::new(),
                runs: Vec::new(),
                attempts: Attempts::default(),
                facts: Vec::new(),
            };
            Reading { detail, engine_now: now, last_failure_at, pinned: None }
        }))
    }

    async fn sights(&self, instances: &[SafeText]) -> Result<Vec<Option<Sight>>, ConnectError> {
        let sight = |Found { flow, now, .. }| {
            let last_failure_at = FlowInstance::failed_at(&flow);
            Sight { flow, engine_now: now, last_failure_at, contents: None }
        };
        Ok(self.look(instances).await?.into_iter().map(|found| found.map(sight)).collect())
    }

    async fn raw(&self, instance: &str) -> Result<Option<RawFlow>, ConnectError> {
        let Some(found) = self.look(&[instance.into()]).await?.into_iter().next().flatten() else { return Ok(None) };
        let not = || RawTold::Not("the config says nothing of it".into());
        let item = found.item.map_or_else(
            || RawTold::Not("it was told among others; a request with \"one\" reads it alone".into()),
            RawTold::Json,
        );
        let records = vec![RawPart { name: "item", told: item }];
        Ok(Some(RawFlow { input: not(), output: not(), steps: not(), records }))
    }

    fn ways(&self, instance: &str, flow: &str) -> Ways {
        let page = self.open.as_deref().and_then(|open| ways::page(open, instance, flow, &self.source));
        let one = self.requests.iter().find_map(|request| request.one.as_deref());
        let url = one.zip(encoded(instance)).and_then(|(one, id)| self.http.at(&one.replace("{id}", &id)).ok());
        let request = url.map(|url| ReadRequest {
            method: "GET",
            url: url.as_str().into(),
            headers: vec![("accept", "application/json")],
            credentials: match self.http.scheme() {
                Some(Scheme::Bearer) => vec![r#"-H "Authorization: Bearer $API_TOKEN""#],
                Some(Scheme::Basic { .. }) => vec![r#"-u "$API_USER:$API_PASSWORD""#],
                Some(Scheme::Header { .. }) => vec![HEADER],
                Some(Scheme::Login { .. }) | None => Vec::new(),
            },
            body: None,
        });
        Ways { page, request }
    }

    async fn act(&self, act: &Act) -> ActAnswer {
        self.do_once(act).await
    }

    async fn past(&self, tenant: &SafeText, before: Timestamp, limit: usize) -> Result<Vec<Event>, ConnectError> {
        let mut events = Vec::new();
        let wish = Wish { or_whole: true, ..Wish::default() };
        for request in &self.requests {
            let (Some(past), Some(name)) = (&request.past, encoded(tenant)) else { continue };
            let path = past
                .replace("{tenant}", &name)
                .replace("{before_unix}", &before.as_second().to_string())
                .replace("{before}", &encoded(&before.to_string()).unwrap_or_default())
                .replace("{limit}", &limit.to_string());
            let url = self.http.at(&path)?;
            let events_alone = RestRequest {
                paging: Paging::None,
                post: false,
                programs: request.program(Yields::Events).cloned().into_iter().collect(),
                ..(**request).clone()
            };
            let mut walk = Walk::at(self, &Arc::new(events_alone), url, None, wish);
            while let Some(mut page) = walk.next().await? {
                events.append(&mut page.events);
            }
        }
        events.retain(|event| event.tenant.as_ref() == Some(tenant) && event.at < before);
        events.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
        events.truncate(limit);
        Ok(events)
    }
}
