//! How much a jq program may cost at most, found out by looking at it and not by running it.
//!
//! The interpreter has no budget: a program that loops for ever stops the thread that runs it, and one that recurses
//! without an end takes the whole process with it. So what can recurse, loop or grow without a bound that can be told
//! beforehand is refused when the config is read: definitions, `recurse`, `range`, `while`, `repeat`, `reduce`,
//! `foreach`, `*` of anything but numbers (it repeats texts), and every function that is not in the list here. For the rest
//! the number of outputs, their size together and the steps to make them are bounded as polynomials in the size of the
//! input, so that before each run it is known whether the program fits what it is about to be given.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

use super::poly::Poly;

/// What a program is for: what is bounded beforehand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    /// The size of an input that it has to fit at least, in bytes of JSON.
    pub(super) input: usize,
    /// The size that no input has more than; what is larger than the one above may be refused when it comes.
    pub(super) largest: usize,
    /// The most elementary steps that it may take for one input.
    pub(super) steps: f64,
    /// The variables that it has besides its own, each of them small.
    pub(super) variables: &'static [&'static str],
}

/// How large a variable is at most that a program is given, in bytes.
const VARIABLE: f64 = 512.0;

/// How deep a value may be nested: that of what is read, and what a short program can add.
const DEPTH: f64 = 500.0;

/// The longest pattern of a regular expression, in bytes.
const PATTERN: usize = 200;

/// What is refused: the part of the program it is about, if it can be told, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused<'s> {
    pub(super) at: Option<&'s str>,
    pub(super) why: String,
}

/// What a term comes to for one input: how many outputs, how large together, and in how many steps.
#[derive(Debug, Clone, Copy)]
struct Cost {
    outs: Poly,
    size: Poly,
    steps: Poly,
}

const NONE: Poly = Poly::constant(0.0);
const ONE: Poly = Poly::constant(1.0);
const SIZE: Poly = Poly::linear(1.0);

impl Cost {
    /// One output of a bounded size.
    const fn one(size: Poly) -> Self {
        Self { outs: ONE, size, steps: size }
    }

    fn plus(self, other: Self) -> Self {
        Self { outs: self.outs.plus(other.outs), size: self.size.plus(other.size), steps: self.steps.plus(other.steps) }
    }

    /// Whether it can be afforded for an input of so many bytes.
    fn fits(self, input: usize, steps: f64) -> bool {
        self.steps.at(input as f64) <= steps && self.size.at(input as f64) <= steps
    }

    /// Each output of one with each of the other.
    fn each_with_each(self, other: Self) -> Self {
        let size = self.size.times(other.outs).plus(other.size.times(self.outs));
        // One of them is run anew for each output of the other; which one is not to be relied on.
        let again = self.steps.times(other.outs.max(ONE)).plus(other.steps.times(self.outs.max(ONE)));
        Self { outs: self.outs.times(other.outs), size, steps: again.plus(size) }
    }

    /// The other one, run on each output of this one.
    fn then(self, next: Self) -> Self {
        let over = |poly: Poly| poly.over(self.outs, self.size);
        Self { outs: over(next.outs), size: over(next.size), steps: self.steps.plus(over(next.steps)).plus(self.outs) }
    }

    /// The outputs of the one or of the other, once both may have run.
    fn or(self, other: Self) -> Self {
        Self { outs: self.outs.max(other.outs), size: self.size.max(other.size), steps: self.steps.plus(other.steps) }
    }

    /// All of its outputs in one list.
    fn collected(self) -> Self {
        // Between each two of them there is a comma.
        let size = self.size.plus(self.outs).plus(ONE);
        Self { outs: ONE, size, steps: self.steps.plus(size) }
    }

    /// As many steps more.
    fn and(self, steps: Poly) -> Self {
        Self { steps: self.steps.plus(steps), ..self }
    }
}

/// What a program costs, for inputs of up to so many bytes each time: what it binds to a variable is as large as the largest
/// of them makes it.
#[derive(Debug)]
pub(super) struct Costs {
    for_up_to: Vec<(usize, Cost)>,
    steps: f64,
}

impl Costs {
    /// Whether it can be afforded for an input of so many bytes.
    pub(super) fn fit(&self, input: usize) -> bool {
        self.for_up_to.iter().find(|(most, _)| input <= *most).is_some_and(|(_, cost)| cost.fits(input, self.steps))
    }
}

/// Refuses a program that may not end soon for an input that it has to fit; else what it costs for that and for larger ones.
pub(super) fn check<'s>(program: &Term<&'s str>, given: Use) -> Result<Costs, Refused<'s>> {
    let mut for_up_to = Vec::new();
    let mut most = given.input;
    loop {
        let mut bound = Bound { names: given.variables.iter().map(|name| (*name, VARIABLE)).collect() };
        for_up_to.push((most, bound.of(program, most as f64)?));
        if most >= given.largest {
            break;
        }
        most = most.saturating_mul(4).min(given.largest);
    }
    let costs = Costs { for_up_to, steps: given.steps };
    if costs.fit(given.input) {
        Ok(costs)
    } else {
        Err(refused(None, "it may take too long for a large input: go through fewer things"))
    }
}

fn refused(at: Option<&str>, why: impl Into<String>) -> Refused<'_> {
    Refused { at, why: why.into() }
}

struct Bound<'s> {
    /// The variables in force, and how large each is at most.
    names: Vec<(&'s str, f64)>,
}

impl<'s> Bound<'s> {
    /// What a term costs for an input, which is no larger than `most`.
    fn of(&mut self, term: &Term<&'s str>, most: f64) -> Result<Cost, Refused<'s>> {
        Ok(match term {
            Term::Id => Cost::one(SIZE.plus(ONE)),
            Term::Recurse => {
                let size = Poly::linear(DEPTH).plus(ONE);
                Cost { outs: SIZE.plus(ONE), size, steps: size }
            }
            Term::Num(text) => Cost::one(Poly::constant(text.len() as f64)),
            Term::Str(format, parts) => self.text(*format, parts, most)?,
            Term::Arr(None) => Cost::one(ONE),
            Term::Arr(Some(inner)) => self.of(inner, most)?.collected(),
            Term::Obj(pairs) => {
                let mut all = Cost::one(ONE);
                for (key, value) in pairs {
                    all = all.each_with_each(self.of(key, most)?);
                    if let Some(value) = value {
                        all = all.each_with_each(self.of(value, most)?);
                    } else {
                        all = all.each_with_each(Cost::one(SIZE.plus(ONE)));
                    }
                }
                all
            }
            Term::BinOp(left, op, right) => self.operation(left, op, right, most)?,
            Term::Neg(inner) | Term::TryCatch(inner, None) => self.of(inner, most)?,
            Term::IfThenElse(cases, otherwise) => {
                let mut all = match otherwise {
                    Some(otherwise) => self.of(otherwise, most)?,
                    None => Cost::one(SIZE.plus(ONE)),
                };
                for (condition, then) in cases {
                    let (condition, then) = (self.of(condition, most)?, self.of(then, most)?);
                    // Each output of the condition chooses one of them.
                    let times = |poly: Poly| poly.times(condition.outs.max(ONE));
                    let either = all.or(then);
                    all = Cost {
                        outs: times(either.outs),
                        size: times(either.size),
                        steps: times(either.steps).plus(condition.steps),
                    };
                }
                all
            }
            Term::Call(name, arguments) => self.call(name, arguments, most)?,
            Term::Var(name) => {
                let known = self.names.iter().rev().find(|(known, _)| known == name);
                let size = known.ok_or_else(|| refused(Some(name), format!("there is no variable {name}")))?.1;
                Cost::one(Poly::constant(size + 1.0))
            }
            Term::Path(start, path) => self.path(start, path, most)?,
            Term::TryCatch(_, Some(_)) => return Err(refused(None, "catch is not to be had; try alone is")),
            Term::Label(name, _) | Term::Break(name) => {
                return Err(refused(Some(name), "label and break are not to be had"));
            }
            Term::Fold(name, ..) => return Err(refused(Some(name), format!("{name} may grow without a bound"))),
            Term::Def(defs, _) => {
                let at = defs.first().map(|def| def.name);
                return Err(refused(at, "definitions are not to be had: they may recurse without an end"));
            }
        })
    }

    fn path(&mut self, start: &Term<&'s str>, path: &Path<Term<&'s str>>, most: f64) -> Result<Cost, Refused<'s>> {
        let mut all = self.of(start, most)?;
        for (part, _) in &path.0 {
            all = match part {
                // Each child once: together they are no larger than the whole.
                Part::Range(None, None) => {
                    Cost { outs: all.size.times(Poly::constant(0.5)).plus(all.outs), ..all }.and(all.size)
                }
                Part::Index(key) => all.each_with_each(self.of(key, most)?),
                Part::Range(from, to) => {
                    let mut sliced = all;
                    for end in [from, to].into_iter().flatten() {
                        sliced = sliced.each_with_each(self.of(end, most)?);
                    }
                    sliced.and(sliced.size)
                }
            };
        }
        Ok(all)
    }

    fn text(
        &mut self,
        format: Option<&'s str>,
        parts: &[StrPart<&'s str, Term<&'s str>>],
        most: f64,
    ) -> Result<Cost, Refused<'s>> {
        if let Some(name) = format.filter(|name| !["@text", "@json", "@base64", "@uri", "@html"].contains(name)) {
            return Err(refused(Some(name), format!("{name} is not to be had")));
        }
        let mut all = Cost::one(ONE);
        for part in parts {
            all = match part {
                StrPart::Str(text) => all.each_with_each(Cost::one(Poly::constant(text.len() as f64))),
                StrPart::Char(_) => all.each_with_each(Cost::one(Poly::constant(4.0))),
                StrPart::Term(term) => all.each_with_each(written(self.of(term, most)?)),
            };
        }
        Ok(all)
    }

    fn operation(
        &mut self,
        left: &Term<&'s str>,
        op: &BinaryOp<&'s str>,
        right: &Term<&'s str>,
        most: f64,
    ) -> Result<Cost, Refused<'s>> {
        let first = self.of(left, most)?;
        match op {
            BinaryOp::Pipe(None) => {
                let next = self.of(right, first.size.at(most))?;
                return Ok(first.then(next));
            }
            BinaryOp::Pipe(Some(pattern)) => {
                let before = self.names.len();
                self.bind(pattern, first.size.at(most))?;
                let next = self.of(right, most);
                self.names.truncate(before);
                let next = next?;
                let times = |poly: Poly| poly.times(first.outs);
                return Ok(Cost {
                    outs: times(next.outs),
                    size: times(next.size),
                    steps: first.steps.plus(times(next.steps)),
                });
            }
            _ => {}
        }
        let second = self.of(right, most)?;
        let both = first.each_with_each(second);
        Ok(match op {
            BinaryOp::Comma => first.plus(second),
            // The one or the other.
            BinaryOp::Alt => first.or(second),
            BinaryOp::Or | BinaryOp::And | BinaryOp::Cmp(_) => Cost { size: both.outs, ..both },
            BinaryOp::Math(Math::Add | Math::Div | Math::Rem) => both,
            // Arrays: each of the one is looked for in the other.
            BinaryOp::Math(Math::Sub) => both.and(first.size.times(second.size)),
            BinaryOp::Math(Math::Mul) if is_number(left) && is_number(right) => both,
            BinaryOp::Math(Math::Mul) => {
                let why = "* may repeat a text without a bound, so it is not to be had but for what is surely a number: \
                           (.x | tonumber) * 1000";
                return Err(refused(None, why));
            }
            _ => return Err(refused(None, "assignments are not to be had")),
        })
    }

    fn bind(&mut self, pattern: &Pattern<&'s str>, size: f64) -> Result<(), Refused<'s>> {
        match pattern {
            Pattern::Var(name) => self.names.push((name, size)),
            Pattern::Arr(parts) => parts.iter().try_for_each(|part| self.bind(part, size))?,
            Pattern::Obj(parts) => {
                for (key, part) in parts {
                    match key {
                        Term::Str(None, _) => {}
                        Term::Var(name) => self.names.push((name, size)),
                        _ => return Err(refused(None, "a key in a pattern must be written out")),
                    }
                    self.bind(part, size)?;
                }
            }
        }
        Ok(())
    }

    fn call(&mut self, name: &'s str, arguments: &[Term<&'s str>], most: f64) -> Result<Cost, Refused<'s>> {
        let input = Cost::one(SIZE.plus(ONE));
        Ok(match (name, arguments) {
            ("empty", []) => Cost { outs: NONE, size: NONE, steps: ONE },
            (
                "true" | "false" | "null" | "not" | "type" | "length" | "utf8bytelength" | "isstring" | "isnumber"
                | "isboolean" | "isarray" | "isobject" | "any" | "all",
                [],
            ) => Cost { steps: SIZE.plus(ONE), ..Cost::one(Poly::constant(8.0)) },
            (
                "values" | "nulls" | "strings" | "numbers" | "booleans" | "arrays" | "objects" | "iterables"
                | "scalars" | "first" | "last" | "trim" | "ltrim" | "rtrim" | "ascii_downcase" | "ascii_upcase"
                | "reverse" | "tonumber" | "keys_unsorted" | "floor" | "ceil" | "round" | "abs" | "todate" | "fromdate",
                [],
            ) => input,
            ("tostring" | "tojson" | "@text" | "@json" | "@base64" | "@uri" | "@html", []) => written(input),
            // They sort: some steps for each doubling of the number.
            ("keys" | "sort" | "unique" | "min" | "max", []) => input.and(Poly::linear(32.0)),
            // What is gathered may be copied with each value that is added to it.
            ("add", []) => input.and(gathering(ADDED)),
            ("from_entries", []) => input.and(gathering(ENTRY)),
            ("flatten", []) => input.and(Poly::linear(DEPTH)),
            ("with_entries", [each]) => {
                // One for each child, with what an entry has besides.
                let size = Poly::linear(1.0 + 0.5 * ENTRY).plus(Poly::constant(ENTRY));
                let entries = Cost { size, steps: size, ..children() };
                let mapped = self.of(each, most)?;
                entries.then(mapped).collected().then(self.call("from_entries", &[], most)?)
            }
            ("join", [between]) => {
                let between = self.of(between, most)?;
                let all = written(input).each_with_each(between);
                Cost { size: all.size.plus(SIZE.times(between.size)), ..all }.and(gathering(ADDED))
            }
            ("sort_by" | "group_by" | "unique_by" | "min_by" | "max_by", [by]) => {
                let keys = children().then(self.of(by, most)?).collected();
                let size = Poly::linear(2.0).plus(ONE);
                let each = keys.size.plus(size).times(Poly::constant(32.0));
                Cost { outs: ONE, size, steps: keys.steps.plus(each) }
            }
            ("limit", [number, inner]) => {
                let number = self.of(number, most)?;
                let inner = self.of(inner, most)?;
                inner.each_with_each(Cost { size: NONE, ..number })
            }
            ("del", [path]) if is_plain_path(path) => input.and(Poly::linear(16.0)),
            ("contains" | "inside" | "index", [argument]) => {
                let argument = self.of(argument, most)?;
                input.each_with_each(argument).and(SIZE.times(argument.size))
            }
            ("to_entries", []) => Cost { size: Poly::linear(24.0).plus(ONE), ..input }.and(Poly::linear(24.0)),
            ("select", [condition]) => {
                let condition = self.of(condition, most)?;
                let size = SIZE.plus(ONE).times(condition.outs);
                Cost { outs: condition.outs, size, steps: condition.steps.plus(size) }
            }
            ("map" | "map_values", [each]) => children().then(self.of(each, most)?).collected(),
            ("any" | "all", [each]) => {
                let all = children().then(self.of(each, most)?);
                Cost { steps: all.steps.plus(ONE), ..Cost::one(ONE) }
            }
            ("first" | "last" | "isempty", [inner]) => {
                let inner = self.of(inner, most)?;
                Cost { outs: ONE, ..inner }
            }
            ("has" | "startswith" | "endswith" | "in", [argument]) => {
                let both = input.each_with_each(self.of(argument, most)?);
                Cost { size: both.outs, ..both }
            }
            ("ltrimstr" | "rtrimstr" | "split", [argument]) => {
                let both = input.each_with_each(self.of(argument, most)?);
                // A text falls into no more parts than it has characters.
                Cost { size: both.size.times(Poly::constant(2.0)), ..both }.and(both.size)
            }
            ("test" | "capture", [pattern] | [pattern, _]) => {
                let length = regex(name, pattern, arguments.get(1))?;
                let steps = Poly::linear(length).plus(Poly::constant(length * length));
                // Each group of the pattern may catch the whole.
                let size = Poly::linear(if name == "test" { 0.0 } else { length }).plus(Poly::constant(length + 8.0));
                Cost { outs: ONE, size, steps: steps.plus(size) }
            }
            _ => {
                let why = format!("{name}/{} is not to be had here", arguments.len());
                return Err(refused(Some(name), why));
            }
        })
    }
}

/// Each child of the input: together they are no larger than it, and each of them has a comma or a bracket behind it.
fn children() -> Cost {
    Cost { outs: Poly::linear(0.5).plus(ONE), size: SIZE, steps: SIZE }
}

/// The least size of a value that is added to others, and of an entry with its key and its value, as JSON writes them.
const ADDED: f64 = 4.0;
const ENTRY: f64 = 19.0;

/// What is copied while values of the input are gathered into one, where what is there is copied for each of them: there is
/// one for each `least` bytes, and half of them are there on average.
fn gathering(least: f64) -> Poly {
    Poly::linear(0.5 / least).times(Poly::linear(1.0 / least))
}

/// Whether a term gives numbers or fails, so that it can't be a text.
fn is_number(term: &Term<&str>) -> bool {
    match term {
        Term::Num(_) => true,
        Term::Neg(inner) => is_number(inner),
        Term::Call(name, arguments) => {
            arguments.is_empty() && matches!(*name, "tonumber" | "length" | "floor" | "ceil" | "round" | "fromdate")
        }
        Term::BinOp(_, BinaryOp::Pipe(_), last) => is_number(last),
        Term::BinOp(left, BinaryOp::Math(_), right) => is_number(left) && is_number(right),
        _ => false,
    }
}

/// Whether a term is a path from the input along names and numbers that are written out.
fn is_plain_path(term: &Term<&str>) -> bool {
    let Term::Path(start, path) = term else { return false };
    let plain = |part: &Part<Term<&str>>| match part {
        Part::Index(key) => matches!(key, Term::Num(_)) || literal(key).is_some(),
        Part::Range(..) => false,
    };
    matches!(**start, Term::Id) && path.0.iter().all(|(part, _)| plain(part))
}

/// The length of a regular expression that is written out, short, and not written as many times itself.
fn regex<'s>(name: &'s str, pattern: &Term<&'s str>, flags: Option<&Term<&'s str>>) -> Result<f64, Refused<'s>> {
    let text = literal(pattern).ok_or_else(|| refused(Some(name), "its pattern must be written out"))?;
    if text.len() > PATTERN {
        return Err(refused(Some(name), format!("its pattern is longer than {PATTERN} characters")));
    }
    if text.contains('{') {
        return Err(refused(Some(name), "its pattern can't hold a number of times in braces; use + or *"));
    }
    match flags.map(literal) {
        None => {}
        Some(Some(flags)) if !flags.contains('g') => {}
        Some(_) => return Err(refused(Some(name), "its flags must be written out, and without g")),
    }
    Ok(text.len() as f64 + 1.0)
}

/// What is written as a text may be as much longer as its escapes are.
fn written(cost: Cost) -> Cost {
    let size = cost.size.times(Poly::constant(6.0)).plus(cost.outs.times(Poly::constant(8.0)));
    Cost { size, ..cost }.and(size)
}

/// A text without parts that are worked out.
pub(super) fn literal(term: &Term<&str>) -> Option<String> {
    let Term::Str(None, parts) = term else { return None };
    parts
        .iter()
        .map(|part| match part {
            StrPart::Str(text) => Some((*text).to_owned()),
            StrPart::Char(c) => Some(c.to_string()),
            StrPart::Term(_) => None,
        })
        .collect()
}
