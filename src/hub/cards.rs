//! Tenants, over all sources: found by whatever names them, and everything of one at a glance.
//!
//! A tenant is known by its directory, and else by what flows, findings and events name. What is personal never leaves the
//! hub but by [`Hub::revealed`].

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use serde_json::json;

use super::Hub;
use super::drift::{mark_old, order};
use crate::domain::audit::Action;
use crate::domain::flow::JudgedFlow;
use crate::domain::ids::InstanceId;
use crate::domain::tenant::{FieldClass, FoundBy, Tenant};
use crate::domain::text::SafeText;
use crate::domain::wording;
use crate::ops::{
    FlowsQuery, ForCustomer, Ops as _, OpsError, Page, SortBy, TenantCard, TenantRow, TenantWindow, TenantsQuery,
    is_reason,
};
use crate::query::Filter;

/// So many flow instances are on a card.
const FLOWS: usize = 100;

/// So many findings are on a card.
const DRIFT: usize = 100;

/// The longest text that tenants are looked for by, in characters.
const TEXT: usize = 200;

/// The longest reason that is recorded, in characters.
const REASON: usize = 500;

/// A tenant that was found, before what it shows is cut out.
struct Hit {
    tenant: Arc<Tenant>,
    listed: bool,
    found_by: Option<FoundBy>,
    stuck: u64,
    drift: u64,
}

impl Hit {
    /// What names it best, then whom it is worst for, then by name.
    fn order(&self, other: &Self) -> Ordering {
        let worst = || (other.stuck, other.drift).cmp(&(self.stuck, self.drift));
        let name = || self.tenant.name.cmp(&other.tenant.name).then_with(|| self.tenant.id.cmp(&other.tenant.id));
        self.found_by.cmp(&other.found_by).then_with(worst).then_with(name)
    }
}

impl Hub {
    /// Every tenant that is known: those of the directories, and those that are only named.
    fn all_tenants(&self, now: Timestamp) -> Vec<(Arc<Tenant>, bool)> {
        let held: Vec<_> = self.sources.iter().map(|source| (source, source.held())).collect();
        let listed = || held.iter().flat_map(|(_, held)| held.directory.each());
        let mut all: Vec<(Arc<Tenant>, bool)> = listed().map(|tenant| (tenant.clone(), true)).collect();
        let mut known: HashSet<&str> = listed().map(|tenant| tenant.id.instance.as_str()).collect();
        let mut named: Vec<(SafeText, SafeText)> = Vec::new();
        for (source, held) in &held {
            let of_rows = held.rows.tenants().map(|(tenant, _)| tenant);
            for tenant in of_rows.chain(held.findings.by_tenant().map(|(tenant, _)| tenant)) {
                if known.insert(tenant) {
                    named.push((source.name.clone(), tenant.clone()));
                }
            }
        }
        if let Some(teller) = self.sources.iter().find(|source| source.connector.tells().events) {
            let unknown: Vec<SafeText> =
                self.ring().tenants().filter(|tenant| !known.contains(tenant.as_str())).cloned().collect();
            named.extend(unknown.into_iter().map(|tenant| (teller.name.clone(), tenant)));
        }
        all.extend(named.iter().map(|(source, name)| (Arc::new(Tenant::unlisted(source, name, now)), false)));
        all
    }

    /// The tenant of a name, as the one directory that knows it tells it; `None` where none does, or more than one.
    pub(super) fn listed_tenant(&self, name: &SafeText) -> Option<Arc<Tenant>> {
        let listed = |source: &super::Source| source.held().directory.get(name).map(|listed| listed.tenant.clone());
        let mut found = self.sources.iter().filter_map(listed).filter(|tenant| tenant.exact_id);
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }

    /// How many instances are stuck and how much has drifted, by tenant.
    fn hurt_by_tenant(&self) -> HashMap<SafeText, (u64, u64)> {
        let mut hurt: HashMap<SafeText, (u64, u64)> = HashMap::new();
        for source in &self.sources {
            let held = source.held();
            for (tenant, stuck) in held.rows.tenants().filter(|(_, stuck)| *stuck > 0) {
                hurt.entry(tenant.clone()).or_default().0 += u64::from(stuck);
            }
            for (tenant, count) in held.findings.by_tenant() {
                hurt.entry(tenant.clone()).or_default().1 += count;
            }
        }
        hurt
    }

    /// A window on the tenants.
    pub(super) fn tenants_found(&self, query: &TenantsQuery) -> TenantWindow {
        let now = (self.clock)();
        let all = self.all_tenants(now);
        let hurt = self.hurt_by_tenant();
        let known = all.len();
        let mut by_status = BTreeMap::new();
        for (tenant, _) in &all {
            *by_status.entry(tenant.status).or_default() += 1;
        }
        let text = SafeText::clipped(query.text.trim(), TEXT);
        let mut hits: Vec<Hit> = all
            .into_iter()
            .filter_map(|(tenant, listed)| {
                let found_by = tenant.found_by(&text);
                if !text.is_empty() && found_by.is_none() {
                    return None;
                }
                let (stuck, drift) = of_tenant(&hurt, &tenant);
                Some(Hit { tenant, listed, found_by, stuck, drift })
            })
            .collect();
        if hits.is_empty() && !text.is_empty() {
            hits = by_letters(&text, self.all_tenants(now), &hurt);
        } else {
            // Of tens of thousands those are put in order that are shown, and those before them.
            let end = query.offset.saturating_add(query.limit);
            if end < hits.len() {
                hits.select_nth_unstable_by(end, Hit::order);
                hits[..end].sort_unstable_by(Hit::order);
            } else {
                hits.sort_unstable_by(Hit::order);
            }
        }
        let (sources, blind) = self.silent(|tells| tells.tenants);
        let total = hits.len();
        let shown = hits.into_iter().skip(query.offset).take(query.limit).map(|hit| TenantRow {
            tenant: Arc::new(hit.tenant.shown()),
            listed: hit.listed,
            found_by: hit.found_by,
            stuck: hit.stuck,
            drift: hit.drift,
        });
        TenantWindow { at: now, rows: shown.collect(), offset: query.offset, total, known, by_status, blind, sources }
    }

    /// A tenant as it is held, whether a directory tells of it, and since when one tells of it no more.
    pub(super) fn known_tenant(&self, id: &InstanceId) -> Result<(Arc<Tenant>, bool, Option<Timestamp>), OpsError> {
        let source = self.source(&id.source)?;
        if let Some(listed) = source.held().directory.get(&id.instance) {
            return Ok((listed.tenant.clone(), true, listed.gone_at));
        }
        // Who was only named before the directory answered is the one that it tells now.
        if !source.connector.tells().tenants
            && let Some(tenant) = self.listed_tenant(&id.instance)
        {
            return Ok((tenant, true, None));
        }
        let named = |(tenant, listed): &(Arc<Tenant>, bool)| !listed && tenant.id.instance == id.instance;
        let found = self.all_tenants((self.clock)()).into_iter().find(named);
        found
            .map(|(tenant, _)| (tenant, false, None))
            .ok_or_else(|| OpsError::NotFound(format!("{} knows no tenant {}", id.source, id.instance).into()))
    }

    /// Everything of one tenant at a glance.
    pub(super) async fn card_of(&self, id: &InstanceId) -> Result<TenantCard, OpsError> {
        let (tenant, listed, gone_at) = self.known_tenant(id)?;
        let at = (self.clock)();
        let name = &tenant.id.instance;
        let (_, blind) = self.silent(|_| true);
        let mut card = TenantCard {
            at,
            listed,
            gone_at,
            namesakes: self.namesakes(&tenant),
            flows: Vec::new(),
            counts: crate::ops::FlowCount::default(),
            drift: Vec::new(),
            drift_total: 0,
            for_customer: Vec::new(),
            blind,
            tenant: Arc::new(tenant.shown()),
        };
        // What can't be named exactly may be somebody else's.
        if !tenant.exact_id {
            return Ok(card);
        }
        let filter = Filter::of_tenant(name);
        let query = FlowsQuery {
            filter: filter.clone(),
            sort: SortBy::Worst,
            reverse: false,
            group: None,
            page: Page::Offset(0),
            limit: FLOWS,
        };
        card.flows = self.flows(query).await?.rows;
        card.counts = self.counts(std::slice::from_ref(&filter)).await?.first().copied().unwrap_or_default();
        for source in &self.sources {
            let mut found = source.held().findings.of_tenant(name, at);
            mark_old(&mut found, source);
            card.drift.extend(found);
        }
        self.put_on(&mut card.drift, at);
        card.drift.sort_unstable_by(|one, other| order(one, other, at));
        card.drift_total = card.drift.len();
        card.drift.truncate(DRIFT);
        let told = card.flows.iter().filter_map(|judged| {
            let text = self.for_customer(judged, at)?;
            Some(ForCustomer { text, id: judged.flow.id.clone(), since: judged.began() })
        });
        card.for_customer = told.collect();
        Ok(card)
    }

    /// What a customer is told of an instance.
    pub(super) fn for_customer(&self, judged: &JudgedFlow, now: Timestamp) -> Option<SafeText> {
        let flow = &judged.flow;
        let error = flow.error.as_ref().map(|error| error.text.as_str());
        let says = self.book.thresholds.wording(&flow.id.source, &flow.flow, &flow.step, error);
        wording::told(judged, says, now)
    }

    /// Who has the same id in other directories.
    fn namesakes(&self, of: &Tenant) -> Vec<(InstanceId, SafeText)> {
        let others = self.sources.iter().filter(|source| source.name != of.id.source);
        let there = others.filter_map(|source| {
            let held = source.held();
            let listed = held.directory.get(&of.id.instance)?;
            Some((listed.tenant.id.clone(), listed.tenant.name.clone()))
        });
        there.collect()
    }

    /// The value of a personal field, for a reason. It is recorded first, and not told where that can't be done.
    pub(super) async fn revealed(&self, id: &InstanceId, name: &str, reason: &str) -> Result<SafeText, OpsError> {
        if !is_reason(reason) {
            return Err(OpsError::Refused("a reason is needed, for the record".into()));
        }
        let (tenant, ..) = self.known_tenant(id)?;
        let field = tenant.fields.iter().find(|field| field.name == *name);
        let field = field
            .ok_or_else(|| OpsError::NotFound(format!("{id} has no field {}", SafeText::clipped(name, 80)).into()))?;
        match field.class {
            FieldClass::Plain => return Ok(field.value.clone()),
            FieldClass::Secret => return Err(OpsError::Refused(format!("{name} is a secret: it is not held").into())),
            FieldClass::Personal => {}
        }
        let journal = self.executor.as_ref().map(|executor| executor.journal());
        let Some(journal) = journal else {
            let why = self.gate.read_only.as_deref().unwrap_or("nothing is recorded");
            return Err(OpsError::Refused(format!("what can't be recorded is not revealed: {why}").into()));
        };
        let reason = SafeText::clipped(reason.trim(), REASON);
        let detail = json!({ "field": field.name, "reason": super::journal::kept(&reason) });
        let draft = journal.draft((self.clock)(), Action::Reveal, id.to_string(), detail);
        journal.ledger().audit(vec![draft]).await.map_err(|error| OpsError::Journal(error.to_string().into()))?;
        Ok(field.value.clone())
    }
}

fn of_tenant(hurt: &HashMap<SafeText, (u64, u64)>, tenant: &Tenant) -> (u64, u64) {
    hurt.get(&tenant.id.instance).copied().filter(|_| tenant.exact_id).unwrap_or_default()
}

/// Those whose id or name has the letters in their order: for who has mistyped, and where nothing else was found.
fn by_letters(text: &str, all: Vec<(Arc<Tenant>, bool)>, hurt: &HashMap<SafeText, (u64, u64)>) -> Vec<Hit> {
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, Hit)> = all
        .into_iter()
        .filter_map(|(tenant, listed)| {
            let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
            let score = score(&tenant.name).max(score(&tenant.id.instance))?;
            let (stuck, drift) = of_tenant(hurt, &tenant);
            Some((score, Hit { tenant, listed, found_by: Some(FoundBy::Letters), stuck, drift }))
        })
        .collect();
    scored.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.tenant.id.cmp(&b.tenant.id)));
    scored.into_iter().map(|(_, hit)| hit).collect()
}
