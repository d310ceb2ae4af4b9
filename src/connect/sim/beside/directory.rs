//! The directory of the world's tenants: what it tells of each, and what has changed.
//!
//! What changes follows a beat of its own for each tenant: every so often its plan, its seats, who is invited. So what a
//! tenant is at a time, and what it was, is computed and not remembered.

use jiff::Timestamp;
use serde_json::json;

use super::super::cast::{AWAITING, LEAVING, NEW};
use super::super::clock::{DAY, HOUR, MINUTE, Ms};
use super::super::dice::Dice;
use super::super::tenants::{self, BUSY};
use super::super::world::Moment;
use super::drift::policy;
use super::news::News;
use crate::domain::event::{Event, EventClass};
use crate::domain::ids::InstanceId;
use crate::domain::redact::Redactor;
use crate::domain::tenant::{Field, FieldClass, Tenant, TenantStatus, Usage};
use crate::domain::text::SafeText;

/// Its name as a source.
pub(super) const NAME: &str = "directory";

const PLANS: [&str; 5] = ["free", "team", "business", "enterprise", "enterprise-plus"];
const CLASSES: [&str; 3] = ["internal", "confidential", "confidential"];
const OWNERS: [&str; 4] = ["csm-north", "csm-south", "csm-west", "csm-self-service"];
const PEOPLE: [&str; 6] = ["ada", "brook", "chen", "dana", "eli", "farah"];

/// What changes about a tenant, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    Plan,
    Seats,
    Users,
}

impl Beat {
    const ALL: [Self; 3] = [Self::Plan, Self::Seats, Self::Users];

    /// The least and the most time from one change to the next.
    const fn period(self) -> (Ms, Ms) {
        match self {
            Self::Plan => (40 * DAY, 160 * DAY),
            Self::Seats => (12 * DAY, 60 * DAY),
            Self::Users => (4 * DAY, 14 * DAY),
        }
    }

    /// When change 0 of a tenant happened, and the time to the next one.
    fn rhythm(self, dice: Dice) -> (Ms, Ms) {
        let (least, most) = self.period();
        let dice = dice.fork(40 + self as u64);
        let period = dice.fork(0).between(least, most);
        (-dice.fork(1).between(0, period), period)
    }

    /// The number of the last change at a time.
    fn last(self, dice: Dice, now: Ms) -> Ms {
        let (offset, period) = self.rhythm(dice);
        (now - offset).div_euclid(period)
    }

    /// When a change happened.
    fn at(self, dice: Dice, number: Ms) -> Ms {
        let (offset, period) = self.rhythm(dice);
        offset + number * period
    }
}

/// One tenant, with what is rolled for it.
struct Kept<'a> {
    nth: usize,
    tenant: &'a tenants::Tenant,
    dice: Dice,
}

impl<'a> Kept<'a> {
    fn new(seed: u64, nth: usize, tenant: &'a tenants::Tenant) -> Self {
        Self { nth, tenant, dice: Dice::new(seed ^ 0x0D15_C0DE, nth as u64) }
    }

    fn is_new(&self) -> bool {
        (NEW..LEAVING).contains(&self.nth)
    }

    /// When it came to be.
    fn created(&self) -> Ms {
        let dice = self.dice.fork(1);
        match self.nth {
            NEW..AWAITING => -dice.between(20 * MINUTE, 90 * MINUTE),
            AWAITING..LEAVING => -dice.between(2 * HOUR, 90 * HOUR),
            _ => -dice.between(30 * DAY, 1_600 * DAY),
        }
    }

    fn status(&self) -> TenantStatus {
        match self.nth {
            NEW..LEAVING => TenantStatus::Provisioning,
            LEAVING..BUSY => TenantStatus::Deleting,
            BUSY.. if self.dice.fork(2).chance(2) => TenantStatus::Suspended,
            BUSY.. if self.dice.fork(3).chance(1) => TenantStatus::Provisioning,
            _ => TenantStatus::Active,
        }
    }

    /// Its plan after so many changes: it goes up, and comes down again.
    fn plan(&self, number: Ms) -> &'static str {
        let least = match self.tenant.tier {
            "gold" => 3,
            "silver" => 1 + self.dice.fork(4).below(2),
            _ => self.dice.fork(4).below(2),
        };
        PLANS[(least + usize::from(number.rem_euclid(2) == 1)).min(PLANS.len() - 1)]
    }

    /// Its seats after so many changes.
    fn seats(&self, number: Ms) -> u64 {
        let step = match self.tenant.tier {
            "gold" => 250,
            "silver" => 50,
            _ => 10,
        };
        let least = self.dice.fork(5).between(1, 4);
        step * u64::try_from(least + number.rem_euclid(3)).unwrap_or(1)
    }

    /// Its users after so many changes: always fewer than seats.
    fn users(&self, number: Ms, seats: u64) -> u64 {
        let share = 40 + self.dice.fork(6).between(0, 30) + 4 * number.rem_euclid(7);
        seats * u64::try_from(share).unwrap_or(40) / 100
    }

    /// What changed about it.
    fn news(&self, beat: Beat, number: Ms) -> News {
        let at = beat.at(self.dice, number);
        let dice = self.dice.fork(60 + beat as u64).fork(number.cast_unsigned());
        let slug = &self.tenant.slug;
        let who = dice.fork(0).pick(&PEOPLE);
        let (kind, class, text, data) = match beat {
            Beat::Plan => {
                let (before, after) = (self.plan(number - 1), self.plan(number));
                let text = format!("plan {before} \u{2192} {after}");
                (
                    "tenant.plan.changed",
                    EventClass::Change,
                    text,
                    json!({"before": {"plan": before}, "after": {"plan": after}}),
                )
            }
            Beat::Seats => {
                let (before, after) = (self.seats(number - 1), self.seats(number));
                let text = format!("seats {before} \u{2192} {after}");
                let data = json!({"before": {"seats": before}, "after": {"seats": after}});
                ("tenant.limits.changed", EventClass::Change, text, data)
            }
            Beat::Users => {
                let count = dice.fork(1).between(1, 9);
                let what = if count == 1 { "one user invited".to_owned() } else { format!("{count} users invited") };
                ("tenant.users.invited", EventClass::Other, what, json!({"count": count}))
            }
        };
        let subject = Some(slug.clone());
        let news = News::new(at, dice, ("/directory", kind, class), text);
        News { subject, tenant: Some(slug.clone()), by: Some(who), data: Some(data), ..news }
    }

    /// What is told of it at a time.
    fn told(&self, moment: &Moment<'_>, observed_at: Timestamp) -> Tenant {
        let now = moment.now;
        let last = |beat: Beat| beat.last(self.dice, now);
        let slug = &self.tenant.slug;
        let seats = self.seats(last(Beat::Seats));
        let storage = self.dice.fork(7).between(1, 900).unsigned_abs();
        let field = |name: &str, value: String, class| Field { name: name.into(), value: value.into(), class };
        let number = self.dice.fork(8).between(10_000, 99_999);
        let who = self.dice.fork(9).pick(&PEOPLE);
        let changed = [Beat::Plan, Beat::Seats].map(|beat| beat.at(self.dice, last(beat)));
        let changed = changed.into_iter().max().filter(|at| !self.is_new() && *at > self.created());
        let labels = self.dice.fork(10).chance(12).then(|| ("pilot".into(), "exports-v2".into()));
        let cell = self.dice.fork(11).between(1, 6);
        Tenant {
            id: InstanceId::new(NAME, slug.as_str()),
            exact_id: true,
            name: name(slug).into(),
            domains: vec![format!("{slug}.example").into()],
            status: self.status(),
            plan: Some(self.plan(last(Beat::Plan)).into()),
            tier: Some(self.tenant.tier.into()),
            region: Some(self.tenant.region.into()),
            placement: Some(format!("{}-cell-{cell}", self.tenant.region).into()),
            owner: Some(if self.tenant.tier == "gold" { OWNERS[self.nth % 3] } else { OWNERS[3] }.into()),
            versions: vec![("policy".into(), policy(moment.world.seed, self.nth, now).into())],
            usage: vec![
                Usage { what: "seats".into(), used: Some(self.users(last(Beat::Users), seats)), limit: Some(seats) },
                Usage { what: "storage_gb".into(), used: Some(storage), limit: None },
            ],
            labels: labels.into_iter().collect(),
            data_class: Some(self.dice.fork(12).pick(&CLASSES).into()),
            fields: vec![
                field("customer_number", format!("C-{number}"), FieldClass::Plain),
                field("contact", format!("{who}@{slug}.example"), FieldClass::Personal),
                field("phone", format!("+1 555 01{:02}", number % 100), FieldClass::Personal),
                field("api_token", String::new(), FieldClass::Secret),
            ],
            created_at: Some(moment.instant(self.created())),
            changed_at: changed.map(|at| moment.instant(at)),
            observed_at,
        }
    }
}

/// A company's name, of what it is called in the engines.
fn name(slug: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    slug.split('-').map(word).collect::<Vec<_>>().join(" ")
}

impl Moment<'_> {
    fn kept(&self) -> impl Iterator<Item = Kept<'_>> {
        self.world.tenants.iter().enumerate().map(|(nth, tenant)| Kept::new(self.world.seed, nth, tenant))
    }

    /// Every tenant.
    pub(super) fn directory(&self) -> Vec<Tenant> {
        let now = self.instant(self.now);
        self.kept().map(|kept| kept.told(self, now)).collect()
    }

    /// What changed about any of them after a time and up to another.
    pub(super) fn directory_news(&self, after: Ms, until: Ms) -> Vec<News> {
        let mut news = Vec::new();
        for kept in self.kept().filter(|kept| !kept.is_new()) {
            for beat in Beat::ALL {
                let (first, last) = (beat.last(kept.dice, after) + 1, beat.last(kept.dice, until));
                news.extend((first..=last).map(|number| kept.news(beat, number)));
            }
        }
        news
    }

    /// What changed about one of them before a moment, the newest first.
    pub(super) fn directory_past(&self, tenant: &str, before: Ms, limit: usize, redactor: &Redactor) -> Vec<Event> {
        let Some(kept) = self.kept().find(|kept| kept.tenant.slug == tenant && !kept.is_new()) else {
            return Vec::new();
        };
        let (created, most) = (kept.created(), Ms::try_from(limit).unwrap_or(Ms::MAX));
        let mut news: Vec<News> = Vec::new();
        for beat in Beat::ALL {
            let last = beat.last(kept.dice, before.min(self.now));
            let numbers = (last.saturating_sub(most)..=last).rev();
            news.extend(numbers.take_while(|n| beat.at(kept.dice, *n) > created).map(|n| kept.news(beat, n)));
        }
        news.retain(|news| news.at < before && news.readable_at() <= self.now);
        news.sort_by_key(|news| std::cmp::Reverse(news.at));
        let source = SafeText::from(NAME);
        news.into_iter().take(limit).map(|news| news.event(&source, self, redactor)).collect()
    }
}
