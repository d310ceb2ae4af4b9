//! What an expression may hold, and what it costs at most: looked at once, before it ever runs.
//!
//! CEL always ends, but nothing bounds how late: three loops within one another over ten thousand tenants would never
//! end for whoever waits, and lists made of lists would fill the memory. So the steps and the largest value are
//! bounded from above, for the largest plan that there is; what comes to more is refused when the config is read. At
//! the same look each name is held against what there is.

use std::collections::BTreeSet;

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators as op};

use super::facts::{FIELDS, Kind, MOST_NAMES, VARIABLES};
use crate::domain::nearest::nearest;
use crate::domain::policy::MOST_TARGETS;

/// The most steps: well under a second of work.
const STEPS: u64 = 5_000_000;

/// The most parts of one value: some dozen megabytes.
const PARTS: u64 = 250_000;

/// What one match of a regular expression costs, which is compiled each time: over all tenants that is too much.
const MATCH: u64 = 1_000;

/// The largest regular expression, compiled, in bytes.
const REGEX: usize = 32 * 1024;

/// The functions that there are besides the operators and the macros.
const FUNCTIONS: [&str; 23] = [
    "bool",
    "contains",
    "double",
    "duration",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// Names of types, which `type(x)` is compared with.
const TYPES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];

/// The operators that give true, false, or a number.
const SCALAR: [&str; 16] = [
    op::LOGICAL_AND,
    op::LOGICAL_OR,
    op::LOGICAL_NOT,
    op::SUBSTRACT,
    op::MULTIPLY,
    op::DIVIDE,
    op::MODULO,
    op::GREATER_EQUALS,
    op::GREATER,
    op::LESS_EQUALS,
    op::LESS,
    op::NEGATE,
    op::NOT_STRICTLY_FALSE,
    op::EQUALS,
    op::NOT_EQUALS,
    op::IN,
];

/// Why an expression is refused, and at which of its nodes.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) node: u64,
    pub(super) why: String,
    pub(super) meant: Option<String>,
}

/// What was found in an expression.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Tiers that are asked for by name: one that a plan has none of counts as 0.
    pub(super) tiers: BTreeSet<String>,
    /// Tiers of which it is asked whether there are any.
    pub(super) tested: BTreeSet<String>,
    /// Whether it looks at the reason or the ticket, which come last.
    pub(super) reason: bool,
}

/// How large a value is at most: its length, and the parts of each of its elements.
#[derive(Debug, Clone, Copy)]
struct Shape {
    len: u64,
    unit: u64,
}

impl Shape {
    const ONE: Self = Self { len: 1, unit: 1 };

    const fn parts(self) -> u64 {
        self.len.saturating_mul(self.unit)
    }

    fn or(self, other: Self) -> Self {
        Self { len: self.len.max(other.len), unit: self.unit.max(other.unit) }
    }
}

/// What a part of an expression costs, and what it gives.
#[derive(Debug, Clone, Copy)]
struct Cost {
    steps: u64,
    shape: Shape,
}

/// Looks at an expression whole.
pub(super) fn check(expression: &IdedExpr) -> Result<Found, Refused> {
    let mut walk = Walk { scope: Vec::new(), found: Found::default() };
    walk.visit(expression)?;
    Ok(walk.found)
}

struct Walk {
    /// The variables of loops, the innermost last.
    scope: Vec<(String, Shape)>,
    found: Found,
}

fn refused(node: &IdedExpr, why: impl Into<String>) -> Refused {
    Refused { node: node.id, why: why.into(), meant: None }
}

impl Walk {
    fn local(&self, name: &str) -> Option<Shape> {
        self.scope.iter().rev().find(|(known, _)| known == name).map(|(_, shape)| *shape)
    }

    fn visit(&mut self, node: &IdedExpr) -> Result<Cost, Refused> {
        let cost = match &node.expr {
            Expr::Literal(_) => Cost { steps: 1, shape: Shape::ONE },
            Expr::Ident(name) => Cost { steps: 1, shape: self.ident(node, name)? },
            Expr::Select(select) => {
                if let Some(shape) = self.field(node, &select.operand, &select.field)? {
                    Cost { steps: 1, shape }
                } else {
                    self.tier(&select.operand, Some(&select.field), select.test);
                    let inner = self.visit(&select.operand)?;
                    Cost { steps: inner.steps.saturating_add(1), shape: Shape { len: inner.shape.unit, unit: 1 } }
                }
            }
            Expr::List(list) => self.gathered(list.elements.iter())?,
            Expr::Map(map) => {
                let parts = map.entries.iter().filter_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => Some([&entry.key, &entry.value]),
                    EntryExpr::StructField(_) => None,
                });
                self.gathered(parts.flatten())?
            }
            Expr::Call(call) => {
                Self::known(node, &call.func_name)?;
                let mut parts = Vec::with_capacity(call.args.len() + 1);
                for part in call.target.as_deref().into_iter().chain(&call.args) {
                    parts.push(self.visit(part)?);
                }
                self.call(node, &call.func_name, &call.args, &parts)?
            }
            Expr::Comprehension(comprehension) => self.looped(comprehension)?,
            Expr::Struct(_) | Expr::Unspecified => return Err(refused(node, "there is nothing of this kind here")),
        };
        if cost.steps > STEPS {
            return Err(refused(node, "it could take too long: loops within loops over a large plan"));
        }
        if cost.shape.parts() > PARTS {
            return Err(refused(node, "what it makes could be too large: lists of lists of a large plan"));
        }
        Ok(cost)
    }

    fn ident(&mut self, node: &IdedExpr, name: &str) -> Result<Shape, Refused> {
        if let Some(shape) = self.local(name) {
            return Ok(shape);
        }
        if VARIABLES.contains(&name) {
            self.found.reason |= name == "request";
            // All that it holds.
            let fields = FIELDS.iter().filter(|field| field.of == name);
            return Ok(Shape { len: fields.map(|field| field.kind.shape().len).sum(), unit: 1 });
        }
        if TYPES.contains(&name) {
            return Ok(Shape::ONE);
        }
        let meant = nearest(name, VARIABLES).map(str::to_owned);
        let why = format!("there is no {name}; there are: {}", VARIABLES.join(", "));
        Err(Refused { meant, ..refused(node, why) })
    }

    /// A field of one of the variables, such as `plan.targets`; nothing where it is something else.
    fn field(&mut self, node: &IdedExpr, operand: &IdedExpr, name: &str) -> Result<Option<Shape>, Refused> {
        let Expr::Ident(of) = &operand.expr else { return Ok(None) };
        if self.local(of).is_some() || !VARIABLES.contains(&of.as_str()) {
            return Ok(None);
        }
        let fields = || FIELDS.iter().filter(|field| field.of == of);
        if let Some(field) = fields().find(|field| field.name == name) {
            self.found.reason |= of == "request" && ["reason", "ticket"].contains(&name);
            return Ok(Some(field.kind.shape()));
        }
        let names: Vec<&str> = fields().map(|field| field.name).collect();
        let meant = nearest(name, names.iter().copied()).map(str::to_owned);
        let all = if meant.is_some() { String::new() } else { format!("; it has: {}", names.join(", ")) };
        Err(Refused { meant, ..refused(node, format!("{of} has no {name}{all}")) })
    }

    /// Notes a tier that is asked for by name.
    fn tier(&mut self, operand: &IdedExpr, name: Option<&str>, test: bool) {
        let Expr::Select(select) = &operand.expr else { return };
        let of_plan = matches!(&select.operand.expr, Expr::Ident(of) if of == "plan") && self.local("plan").is_none();
        if let Some(name) = name.filter(|_| of_plan && select.field == "tiers") {
            let names = if test { &mut self.found.tested } else { &mut self.found.tiers };
            names.insert(name.to_owned());
        }
    }

    /// Whether there is such an operator or function. A macro that was written as it should be is none any more.
    fn known(node: &IdedExpr, name: &str) -> Result<(), Refused> {
        const MACROS: [&str; 6] = ["all", "exists", "exists_one", "filter", "has", "map"];
        if FUNCTIONS.contains(&name) || SCALAR.contains(&name) || [op::ADD, op::CONDITIONAL, op::INDEX].contains(&name)
        {
            return Ok(());
        }
        if MACROS.contains(&name) {
            return Err(refused(node, format!("{name} is not to be had with these arguments")));
        }
        let mut wrong = refused(node, format!("there is no function {name}"));
        wrong.meant = nearest(name, FUNCTIONS.into_iter().chain(MACROS)).map(str::to_owned);
        Err(wrong)
    }

    fn gathered<'e>(&mut self, elements: impl Iterator<Item = &'e IdedExpr>) -> Result<Cost, Refused> {
        let (mut steps, mut shape) = (1_u64, Shape { len: 0, unit: 1 });
        for element in elements {
            let cost = self.visit(element)?;
            steps = steps.saturating_add(cost.steps).saturating_add(cost.shape.parts());
            shape = Shape { len: shape.len + 1, unit: shape.unit.max(cost.shape.parts()) };
        }
        Ok(Cost { steps, shape })
    }

    fn call(&mut self, node: &IdedExpr, name: &str, args: &[IdedExpr], parts: &[Cost]) -> Result<Cost, Refused> {
        let steps = parts.iter().fold(1_u64, |sum, part| sum.saturating_add(part.steps));
        let every = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.shape.parts()));
        let shapes = || parts.iter().map(|part| part.shape);
        let (more, shape) = match name {
            op::ADD => {
                let len = shapes().fold(0_u64, |sum, shape| sum.saturating_add(shape.len));
                (every, Shape { len, unit: shapes().map(|shape| shape.unit).max().unwrap_or(1) })
            }
            op::CONDITIONAL => (0, shapes().skip(1).fold(Shape::ONE, Shape::or)),
            op::INDEX => {
                if let [of, key] = args {
                    self.tier(of, literal(key), false);
                }
                (1, Shape { len: shapes().next().map_or(1, |of| of.unit), unit: 1 })
            }
            "matches" => {
                let pattern = args.last().and_then(literal);
                let Some(pattern) = pattern else {
                    return Err(refused(node, "matches needs a text in quotes as its pattern"));
                };
                if let Err(error) = regex::RegexBuilder::new(pattern).size_limit(REGEX).build() {
                    let why = error.to_string();
                    let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    return Err(refused(args.last().unwrap_or(node), format!("the pattern: {last}")));
                }
                (every.saturating_add(MATCH), Shape::ONE)
            }
            _ => (every, Shape::ONE),
        };
        Ok(Cost { steps: steps.saturating_add(more), shape })
    }

    fn looped(&mut self, of: &ComprehensionExpr) -> Result<Cost, Refused> {
        let range = self.visit(&of.iter_range)?;
        let begin = self.visit(&of.accu_init)?;
        let element = Shape { len: range.shape.unit, unit: 1 };
        let depth = self.scope.len();
        self.scope.push((of.iter_var.clone(), element));
        self.scope.extend(of.iter_var2.iter().map(|name| (name.clone(), element)));
        self.scope.push((of.accu_var.clone(), Shape::ONE));
        let (go_on, step, result) = (self.visit(&of.loop_cond), self.visit(&of.loop_step), self.visit(&of.result));
        self.scope.truncate(depth);
        let (go_on, step, result) = (go_on?, step?, result?);
        let once = go_on.steps.saturating_add(step.steps).saturating_add(element.len).saturating_add(2);
        let steps = range.shape.len.saturating_mul(once);
        let steps = [range.steps, begin.steps, steps, result.steps].into_iter().fold(1, u64::saturating_add);
        // A list is made by adding to one; else it is one value.
        let shape = match &of.accu_init.expr {
            Expr::List(_) => Shape { len: range.shape.len, unit: step.shape.unit },
            _ => Shape::ONE,
        };
        Ok(Cost { steps, shape })
    }
}

fn literal(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

impl Kind {
    const fn shape(self) -> Shape {
        match self {
            Self::Text | Self::Number | Self::Flag | Self::Moment => Shape::ONE,
            Self::List => Shape { len: MOST_NAMES, unit: 1 },
            Self::Tenants | Self::Counts => Shape { len: MOST_TARGETS, unit: 1 },
        }
    }
}
