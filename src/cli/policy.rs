//! `quarterdeck policy`: what is in force, and what would be decided of a request. Nothing is asked of any source.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::args::{Global, Output, PolicyCommand, PolicyTest};
use super::output::{self, Table};
use super::{Failure, Outcome, report, world};
use crate::config::{Config, ConfigError, Flags};
use crate::domain::blast::{Blast, Tally};
use crate::domain::flow::{FlowInstance, JudgedFlow, Status, Version};
use crate::domain::freeze::{Freeze, told_at};
use crate::domain::ids::InstanceId;
use crate::domain::nearest::nearest;
use crate::domain::policy::{BreakGlass, Circumstances, MOST_TARGETS, Mode, PlanFacts, PolicyDecision, Request};
use crate::domain::remediation::Verb;
use crate::domain::signs::Signs;
use crate::domain::text::SafeText;
use crate::domain::verdict::Judgement;
use crate::hub::policy::{Policies, rules};

/// The largest request that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

pub(super) fn run(global: &Global, what: &PolicyCommand) -> Result<Outcome, Failure> {
    let held = held(global)?;
    match what {
        PolicyCommand::Check { format } => check(&held.policies, format.output),
        PolicyCommand::Test(test) => {
            let asked = Asked::read(test)?;
            let decided = asked.decide(&held)?;
            print(&decided, test.format.output)?;
            let free = decided.denial().is_none() && decided.approvals().is_none();
            Ok(if free { Outcome::Fine } else { Outcome::Withheld })
        }
    }
}

/// What is in force, and where.
struct Held {
    policies: Policies,
    context: String,
    production: bool,
    operator: String,
}

/// The policies of the config. Without one, and in the demo world, there is what always holds.
fn held(global: &Global) -> Result<Held, Failure> {
    let without = || Held {
        policies: Policies::default(),
        context: "demo".to_owned(),
        production: false,
        operator: "you".to_owned(),
    };
    if global.demo {
        return Ok(without());
    }
    let load = |flags: &Flags| Config::load(global.config.as_deref(), flags);
    let flags = global.flags();
    let config = match load(&flags) {
        Err(ConfigError::None { looked_at }) => {
            let file = SafeText::new(&looked_at.display().to_string());
            report::note(&format!("{file} does not exist: this is what holds without a config"));
            return Ok(without());
        }
        // Policies are the same in every context.
        Err(ConfigError::NoContext { existing, .. }) => load(&Flags { context: existing.into_iter().next(), ..flags }),
        other => other,
    };
    let config = config.map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Held {
        policies: world::policies(&config)?,
        context: config.context.name,
        production: config.context.production,
        operator: config.operator,
    })
}

const ROW: &str = "kind,name,decision,mode,when,reason,from,until,now,zone,selector,override_roles,in_flight";

/// Everything in force.
fn check(policies: &Policies, format: Output) -> Result<Outcome, Failure> {
    let (now, limits) = (Timestamp::now(), policies.limits());
    let always = rules(limits).into_iter().map(|rule| {
        json!({"kind": "rule", "name": rule.name, "decision": rule.decision, "needed": rule.decision.needed(),
            "mode": Mode::Enforce, "when": rule.when, "reason": rule.reason})
    });
    let own = policies.policies().map(|policy| {
        json!({"kind": "policy", "name": policy.name, "decision": policy.decision, "needed": policy.decision.needed(),
            "mode": policy.mode, "when": SafeText::new(&policy.when), "reason": policy.reason})
    });
    let freezes = policies.freezes().map(|freeze| freeze_json(freeze, now));
    let rows: Vec<Value> = always.chain(own).chain(freezes).collect();
    output::print(|out| match format {
        Output::Json => output::json(
            out,
            &json!({
                "schema": "quarterdeck.policies/1", "at": now, "zone": limits.zone.iana_name(), "solo": policies.solo(),
                "roles": policies.roles().0, "break_glass": crate::domain::time::exact(limits.break_glass), "rows": rows,
            }),
        ),
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, ROW, &rows),
        Output::Table => {
            let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let line = |row: &Value| {
                let decision = match row["needed"].as_object() {
                    Some(needed) => format!("{} ({})", text(row, "decision"), needed["approve"]),
                    None => text(row, "decision"),
                };
                let name = format!("{} {}", text(row, "kind"), text(row, "name"));
                vec![name, decision, text(row, "mode"), text(row, "when"), text(row, "reason")]
            };
            let columns = &["NAME", "DECISION", "MODE", "WHEN", "REASON"];
            output::table(out, &Table { columns, rows: rows.iter().map(line).collect() })
        }
    })?;
    Ok(Outcome::Fine)
}

fn freeze_json(freeze: &Freeze, now: Timestamp) -> Value {
    let told = |at: Timestamp| told_at(at, &freeze.zone);
    let present = freeze.at(now).map(|window| window.map(|window| (true, window)));
    let window = present.and_then(|present| match present {
        Some(present) => Ok(Some(present)),
        None => freeze.after(now).map(|next| next.map(|window| (false, window))),
    });
    let (when, from, until, holds) = match window {
        Ok(Some((true, window))) => {
            (format!("now, until {}", told(window.until)), Some(window.from), Some(window.until), Some(true))
        }
        Ok(Some((false, window))) => (
            format!("next from {} to {}", told(window.from), told(window.until)),
            Some(window.from),
            Some(window.until),
            Some(false),
        ),
        Ok(None) => ("over".to_owned(), None, None, Some(false)),
        Err(why) => (format!("nobody can say, so it denies: {why}"), None, None, None),
    };
    json!({
        "kind": "freeze", "name": freeze.name, "decision": freeze.kind.name(), "mode": Mode::Enforce,
        "when": when, "reason": freeze.reason, "from": from, "until": until, "now": holds,
        "zone": freeze.zone.iana_name(), "selector": SafeText::new(&freeze.selector),
        "override_roles": freeze.override_roles, "in_flight": freeze.in_flight.name(),
    })
}

/// A request that is made up.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    verb: Option<String>,
    targets: Option<u64>,
    by: Option<String>,
    reason: Option<String>,
    ticket: Option<String>,
    runbook: Option<String>,
    waves: Option<u64>,
    flows: Vec<String>,
    steps: Vec<String>,
    sources: Vec<String>,
    tenants: Vec<String>,
    tiers: BTreeMap<String, u64>,
    regions: Vec<String>,
    money_steps: Option<u64>,
    messages: Option<u64>,
    behind: Option<u64>,
    cause_failing: Option<bool>,
    at: Option<Timestamp>,
    dry_run: bool,
    armed: Option<bool>,
    break_glass: Option<AskedOverride>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedOverride {
    role: String,
    reason: Option<String>,
    until: Timestamp,
}

impl Asked {
    /// What the file says, and over it what the command line says.
    fn read(test: &PolicyTest) -> Result<Self, Failure> {
        let mut asked = test.request.as_deref().map_or_else(|| Ok(Self::default()), read_file)?;
        over(&mut asked.verb, test.verb.as_ref());
        over(&mut asked.targets, test.targets.as_ref());
        over(&mut asked.by, test.by.as_ref());
        over(&mut asked.reason, test.reason.as_ref());
        over(&mut asked.ticket, test.ticket.as_ref());
        over(&mut asked.runbook, test.runbook.as_ref());
        over(&mut asked.waves, test.waves.as_ref());
        over(&mut asked.money_steps, test.money_steps.as_ref());
        over(&mut asked.messages, test.messages.as_ref());
        over(&mut asked.behind, test.behind.as_ref());
        over(&mut asked.cause_failing, test.cause_failing.as_ref());
        over(&mut asked.at, test.at.as_ref());
        for (list, given) in [
            (&mut asked.flows, &test.flow),
            (&mut asked.steps, &test.step),
            (&mut asked.sources, &test.source),
            (&mut asked.tenants, &test.tenant),
            (&mut asked.regions, &test.region),
        ] {
            if !given.is_empty() {
                list.clone_from(given);
            }
        }
        if !test.tier.is_empty() {
            asked.tiers = test.tier.iter().cloned().collect();
        }
        asked.dry_run |= test.dry_run;
        if let (Some(role), Some(lasting)) = (&test.override_as, test.override_for) {
            let now = asked.at.unwrap_or_else(Timestamp::now);
            let until = now.saturating_add(lasting).unwrap_or(Timestamp::MAX);
            asked.break_glass = Some(AskedOverride { role: role.clone(), reason: None, until });
        }
        Ok(asked)
    }

    fn decide(&self, held: &Held) -> Result<PolicyDecision, Failure> {
        let usage = |text: String| Failure::Usage(text);
        let names = Verb::ALL.map(Verb::name);
        let name = self.verb.as_deref().ok_or_else(|| usage("--verb is needed: what is to be done".to_owned()))?;
        let verb = Verb::named(name).ok_or_else(|| {
            let meant = nearest(name, names).map(|meant| format!(" (did you mean \"{meant}\"?)")).unwrap_or_default();
            usage(format!("unknown verb \"{}\"; there are: {}{meant}", SafeText::clipped(name, 60), names.join(", ")))
        })?;
        let targets = self.targets.unwrap_or(1);
        let text = |text: &String| SafeText::clipped(text, 500);
        let texts = |all: &[String]| all.iter().map(text).collect();
        let reason = self.reason.as_deref().unwrap_or_default();
        let request = Request {
            verb: verb.name().into(),
            risk: verb.risk().name().into(),
            runbook: self.runbook.as_ref().map(text),
            reason: Some(SafeText::clipped(reason, 500)),
            ticket: self.ticket.as_ref().map(text),
            by: SafeText::new(self.by.as_deref().unwrap_or(&held.operator)),
            dry_run: self.dry_run,
            break_glass: self.break_glass.as_ref().map(|asked| BreakGlass {
                role: SafeText::new(&asked.role),
                reason: SafeText::clipped(asked.reason.as_deref().unwrap_or(reason), 500),
                until: asked.until,
            }),
            plan: PlanFacts {
                targets,
                waves: self.waves.unwrap_or(1),
                flows: texts(&self.flows),
                steps: texts(&self.steps),
                sources: texts(&self.sources),
                blast: self.blast(targets)?,
                cause_failing: self.cause_failing,
            },
        };
        let at = Circumstances {
            context: SafeText::new(&held.context),
            production: held.production,
            armed: self.armed.unwrap_or(true),
            at: self.at.unwrap_or_else(Timestamp::now),
            under_way: false,
        };
        Ok(held.policies.decide(&request, &self.rows(targets), &at))
    }

    /// What is hurt, as far as it is said. Tenants that have a tier and no name get one.
    fn blast(&self, targets: u64) -> Result<Blast, Failure> {
        let said = self.tiers.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
        if said > MOST_TARGETS {
            return Err(Failure::Usage(format!("more than {MOST_TARGETS} tenants can't be made up")));
        }
        let mut tenants = BTreeMap::new();
        let mut names = self.tenants.iter().map(|name| SafeText::clipped(name, 200));
        for (tier, count) in &self.tiers {
            for number in 1..=*count {
                let name = names.next().unwrap_or_else(|| format!("{tier} {number}").into());
                tenants.insert(name, Some(SafeText::new(tier)));
            }
        }
        tenants.extend(names.map(|name| (name, None)));
        let tally = |count: Option<u64>| count.map_or(Tally { least: 0, unknown: targets }, Tally::exactly);
        Ok(Blast {
            instances: targets,
            flows: self.flows.iter().map(|flow| (SafeText::clipped(flow, 500), 1)).collect(),
            without_tenant: if tenants.is_empty() { targets } else { 0 },
            tenants,
            regions: self.regions.iter().map(|region| (SafeText::clipped(region, 200), 1)).collect(),
            without_region: if self.regions.is_empty() { targets } else { 0 },
            money_steps: tally(self.money_steps),
            messages: tally(self.messages),
            behind: tally(self.behind),
            loses: None,
            failed_at: None,
        })
    }

    /// The targets, for the filters of freezes: of each list in turn. None where nothing is said of them.
    fn rows(&self, targets: u64) -> Vec<Arc<JudgedFlow>> {
        let lists = [&self.flows, &self.steps, &self.sources, &self.tenants];
        if lists.iter().all(|list| list.is_empty()) {
            return Vec::new();
        }
        let of = |list: &[String], at: usize| match list.len() {
            0 => None,
            length => list.get(at % length).map(|text| SafeText::clipped(text, 500)),
        };
        // As many as any list has, so that each of its names is looked at.
        let longest = lists.iter().map(|list| list.len()).max().unwrap_or_default();
        let count = usize::try_from(targets.min(MOST_TARGETS)).unwrap_or_default().max(longest);
        let row = |at: usize| {
            let source = of(&self.sources, at).unwrap_or_default();
            Arc::new(JudgedFlow {
                flow: FlowInstance {
                    id: InstanceId::new(source, format!("target-{at}")),
                    exact_id: true,
                    flow: of(&self.flows, at).unwrap_or_default(),
                    step: of(&self.steps, at).unwrap_or_default(),
                    tenant: of(&self.tenants, at),
                    key: None,
                    status: Status::Unknown,
                    pause: None,
                    attempts: None,
                    created_at: None,
                    entered_step_at: None,
                    last_transition_at: None,
                    first_failure_at: None,
                    last_start_at: None,
                    next_retry_at: None,
                    error: None,
                    wait: None,
                    signs: Signs::default(),
                    completed_commands: 0,
                    version: Version::of(Status::Unknown, None, 0, ""),
                    observed_at: Timestamp::UNIX_EPOCH,
                },
                judgement: Judgement::ok(),
            })
        };
        (0..count).map(row).collect()
    }
}

/// What is given goes before what there was.
fn over<T: Clone>(value: &mut Option<T>, given: Option<&T>) {
    if given.is_some() {
        *value = given.cloned();
    }
}

/// Reads a request.
fn read_file(path: &Path) -> Result<Asked, Failure> {
    let name = SafeText::new(&path.display().to_string());
    let failed = |error: std::io::Error| Failure::Usage(format!("{name}: {error}"));
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(LARGEST).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text)).map_err(failed)?;
    }
    serde_json::from_str(&text).map_err(|error| Failure::Usage(format!("{name}: {error}")))
}

fn print(decided: &PolicyDecision, format: Output) -> Result<(), Failure> {
    let rows: Vec<Value> = decided.reasons.iter().map(|reason| json!(reason)).collect();
    output::print(|out| match format {
        Output::Json => {
            let mut document = json!({"schema": "quarterdeck.policy/1"});
            if let (Value::Object(document), Value::Object(decided)) = (&mut document, json!(decided)) {
                document.extend(decided);
            }
            output::json(out, &document)
        }
        Output::Ndjson => output::ndjson(out, &rows),
        Output::Csv => output::csv(out, "policy,decision,reason,mode", &rows),
        Output::Table => {
            writeln!(out, "{}", decided.decision.name())?;
            for needed in &decided.needed {
                writeln!(out, "approvals needed: {needed}")?;
            }
            for borrowed in &decided.borrowed {
                let (freeze, until) = (&borrowed.freeze, borrowed.until);
                writeln!(
                    out,
                    "borrowed time: freeze {freeze}, by {} as {}, until {until}",
                    borrowed.by, borrowed.role
                )?;
            }
            if decided.reasons.is_empty() {
                return writeln!(out, "nothing has anything to say against it");
            }
            writeln!(out)?;
            let line = |reason: &crate::domain::policy::Reason| {
                vec![
                    reason.policy.to_string(),
                    reason.decision.to_string(),
                    reason.mode.name().to_owned(),
                    reason.reason.to_string(),
                ]
            };
            let columns = &["POLICY", "SAYS", "MODE", "WHY"];
            output::table(out, &Table { columns, rows: decided.reasons.iter().map(line).collect() })
        }
    })
}
