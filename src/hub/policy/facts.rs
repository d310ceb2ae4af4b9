//! The variables of policies: what of a request, its plan and the moment they may look at.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use cel::objects::Key;
use cel::{Context, Env, Value};
use jiff::tz::TimeZone;

use super::cel::ENV;
use crate::domain::automation::is_automation;
use crate::domain::policy::{Circumstances, MOST_TARGETS, Request, Roles};
use crate::domain::text::SafeText;

/// The variables.
pub(super) const VARIABLES: [&str; 5] = ["request", "plan", "actor", "time", "context"];

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Flag,
    /// A moment.
    Moment,
    /// A list of texts, a thousand at most.
    List,
    /// A list of tenants, as many as a plan may have targets.
    Tenants,
    /// Numbers by name.
    Counts,
}

/// A field of a variable.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The variable.
    pub of: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it tells.
    pub words: &'static str,
}

const fn field(of: &'static str, name: &'static str, kind: Kind, words: &'static str) -> Field {
    Field { of, name, kind, words }
}

/// Every field that there is. What a plan may not know is missing then, and a policy that names it denies.
pub const FIELDS: [Field; 35] = [
    field(
        "request",
        "verb",
        Kind::Text,
        "what is to be done: resume, cancel …; rollback besides where it takes another remediation back",
    ),
    field("request", "risk", Kind::Text, "reversible, costly or irreversible"),
    field("request", "runbook", Kind::Text, "the runbook as name@version; empty where it is none"),
    field("request", "reason", Kind::Text, "why, in the operator's words; empty before it is asked for"),
    field("request", "ticket", Kind::Text, "the ticket; empty where there is none"),
    field("request", "by", Kind::Text, "who asks"),
    field("request", "roles", Kind::List, "the roles of who asks"),
    field("request", "dry_run", Kind::Flag, "whether nothing is to be sent"),
    field("plan", "targets", Kind::Number, "how many targets"),
    field("plan", "flows", Kind::List, "their flows"),
    field("plan", "steps", Kind::List, "their steps"),
    field("plan", "sources", Kind::List, "their sources"),
    field("plan", "waves", Kind::Number, "in how many waves they are sent"),
    field("plan", "tenants", Kind::Tenants, "the tenants that are known"),
    field("plan", "without_tenant", Kind::Number, "targets of which nobody knows the tenant"),
    field("plan", "tiers", Kind::Counts, "tenants by tier, 0 for a tier that has none; may be unknown"),
    field("plan", "regions", Kind::List, "where the targets are; may be unknown"),
    field("plan", "money_steps", Kind::Number, "steps that move money; may be unknown"),
    field("plan", "messages", Kind::Number, "messages that are sent again; may be unknown"),
    field("plan", "behind", Kind::Number, "instances that wait behind the targets; may be unknown"),
    field("plan", "risk", Kind::Text, "the same as request.risk"),
    field("plan", "cause_failing", Kind::Flag, "whether the cause still fails; may be unknown"),
    field("actor", "name", Kind::Text, "who asks"),
    field("actor", "roles", Kind::List, "the roles of who asks"),
    field("actor", "solo", Kind::Flag, "whether one operator works alone"),
    field("actor", "automation", Kind::Flag, "whether it is an automation and no person"),
    field("time", "now", Kind::Moment, "the moment: time.now.getHours(\"Asia/Tokyo\")"),
    field("time", "hour", Kind::Number, "0 to 23, by the zone of [limits]"),
    field("time", "minute", Kind::Number, "0 to 59"),
    field("time", "weekday", Kind::Text, "monday to sunday"),
    field("time", "date", Kind::Text, "as 2026-12-24"),
    field("time", "zone", Kind::Text, "the name of that zone"),
    field("context", "name", Kind::Text, "the context"),
    field("context", "production", Kind::Flag, "whether it is production"),
    field("context", "armed", Kind::Flag, "whether it may be acted on now"),
];

/// The most flows, steps, sources or regions that policies look at.
pub(super) const MOST_NAMES: u64 = 1_000;

/// What the variables are made of.
pub(super) struct Facts<'a> {
    pub(super) request: &'a Request,
    pub(super) roles: &'a Roles,
    pub(super) solo: bool,
    pub(super) zone: &'a TimeZone,
    pub(super) at: &'a Circumstances,
}

/// A map that is being filled.
#[derive(Default)]
struct Fields(HashMap<Key, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(Key::from(name.to_owned()), value.into());
    }

    fn text(&mut self, name: &str, text: &str) {
        self.put(name, text);
    }

    fn number(&mut self, name: &str, number: u64) {
        self.put(name, Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
    }

    fn list<'t>(&mut self, name: &str, texts: impl IntoIterator<Item = &'t SafeText>) {
        self.put(name, Value::List(Arc::new(texts.into_iter().map(|text| Value::from(text.as_str())).collect())));
    }

    fn done(self) -> Value {
        Value::Map(cel::objects::Map { map: Arc::new(self.0) })
    }
}

impl Facts<'_> {
    /// Why policies can't look at it, if so: what bounds them holds for plans up to a size.
    pub(super) fn too_large(&self) -> Option<String> {
        let plan = &self.request.plan;
        let lists = [
            ("targets", usize::try_from(plan.targets).unwrap_or(usize::MAX), MOST_TARGETS),
            ("tenants", plan.blast.tenants.len(), MOST_TARGETS),
            ("flows", plan.flows.len(), MOST_NAMES),
            ("steps", plan.steps.len(), MOST_NAMES),
            ("sources", plan.sources.len(), MOST_NAMES),
            ("regions", plan.blast.regions.len(), MOST_NAMES),
        ];
        let over = lists.into_iter().find(|(_, length, most)| *length as u64 > *most);
        over.map(|(what, _, most)| format!("the plan has more than {most} {what}, the most that policies look at"))
    }

    /// The variables; tiers of these names count as 0 where the plan has none.
    pub(super) fn context(&self, env: &Arc<Env>, tiers: &BTreeSet<&str>) -> Context<'static, 'static> {
        let mut context = Context::with_env(Arc::clone(env));
        let values = [self.of_request(), self.of_plan(tiers), self.of_actor(), self.of_time(), self.of_context()];
        for (name, value) in VARIABLES.into_iter().zip(values) {
            context.add_variable_from_value(name, value.done());
        }
        context
    }

    fn of_request(&self) -> Fields {
        let (request, mut fields) = (self.request, Fields::default());
        fields.text("verb", &request.verb);
        fields.text("risk", &request.risk);
        fields.text("runbook", request.runbook.as_deref().unwrap_or_default());
        fields.text("reason", request.reason.as_deref().unwrap_or_default());
        fields.text("ticket", request.ticket.as_deref().unwrap_or_default());
        fields.text("by", &request.by);
        fields.list("roles", &self.roles.of(&request.by));
        fields.put("dry_run", Value::Bool(request.dry_run));
        fields
    }

    fn of_plan(&self, named: &BTreeSet<&str>) -> Fields {
        let (plan, mut fields) = (&self.request.plan, Fields::default());
        let blast = &plan.blast;
        fields.number("targets", plan.targets);
        fields.list("flows", &plan.flows);
        fields.list("steps", &plan.steps);
        fields.list("sources", &plan.sources);
        fields.number("waves", plan.waves);
        fields.list("tenants", blast.tenants.keys());
        fields.number("without_tenant", blast.without_tenant);
        if let Some(tiers) = blast.tiers() {
            let mut counts = Fields::default();
            for (tier, count) in named.iter().map(|tier| (*tier, 0)).chain(tiers.iter().map(|(tier, n)| (&**tier, *n)))
            {
                counts.number(tier, count);
            }
            fields.put("tiers", counts.done());
        }
        if blast.without_region == 0 {
            fields.list("regions", blast.regions.keys());
        }
        for (name, tally) in
            [("money_steps", blast.money_steps), ("messages", blast.messages), ("behind", blast.behind)]
        {
            if let Some(count) = tally.exact() {
                fields.number(name, count);
            }
        }
        fields.text("risk", &self.request.risk);
        if let Some(failing) = plan.cause_failing {
            fields.put("cause_failing", Value::Bool(failing));
        }
        fields
    }

    fn of_actor(&self) -> Fields {
        let mut fields = Fields::default();
        fields.text("name", &self.request.by);
        fields.list("roles", &self.roles.of(&self.request.by));
        fields.put("solo", Value::Bool(self.solo));
        fields.put("automation", Value::Bool(is_automation(&self.request.by)));
        fields
    }

    fn of_time(&self) -> Fields {
        let mut fields = Fields::default();
        let local = self.at.at.to_zoned(self.zone.clone());
        if let Some(now) = moment(&self.at.at.to_string()) {
            fields.put("now", now);
        }
        fields.number("hour", local.hour().unsigned_abs().into());
        fields.number("minute", local.minute().unsigned_abs().into());
        fields.text("weekday", &local.strftime("%A").to_string().to_lowercase());
        fields.text("date", &local.strftime("%Y-%m-%d").to_string());
        fields.text("zone", self.zone.iana_name().unwrap_or("UTC"));
        fields
    }

    fn of_context(&self) -> Fields {
        let mut fields = Fields::default();
        fields.text("name", &self.at.context);
        fields.put("production", Value::Bool(self.at.production));
        fields.put("armed", Value::Bool(self.at.armed));
        fields
    }
}

/// A moment as CEL has it. Its own function makes it of its text.
fn moment(text: &str) -> Option<Value> {
    static MADE: LazyLock<Option<cel::Program>> = LazyLock::new(|| cel::Program::compile("timestamp(text)").ok());
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.add_variable_from_value("text", text);
    MADE.as_ref()?.execute(&context).ok()
}
