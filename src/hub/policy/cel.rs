//! Expressions of policies: read once, looked at whole, and then evaluated on a thread of their own.
//!
//! The language is CEL, as the crate `cel` has it. Whatever goes wrong in there is an error in words, a panic too.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::{Env, ExecutionError, Value};

use super::bound::{self, Found};
use super::facts::Facts;
use crate::config::jq::too_deep;
use crate::domain::policy::THREAD;
use crate::domain::text::SafeText;

/// The longest expression, in bytes.
const LENGTH: usize = 1_000;

/// How deep brackets may be nested in an expression: it is read by recursion.
const BRACKETS: usize = 24;

/// The stack for what reads and evaluates expressions; by recursion, but over expressions that are short.
const STACK: usize = 32 * 1024 * 1024;

/// The functions that there are: the standard ones, without optional values.
pub(super) static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The byte of the expression at which it is wrong.
    pub(super) at: usize,
    /// What is wrong, in words.
    pub(super) why: String,
    /// What was probably meant.
    pub(super) meant: Option<String>,
}

impl Mistake {
    fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into(), meant: None }
    }
}

/// A compiled expression.
pub(super) struct Program {
    expression: IdedExpr,
    found: Found,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

impl Program {
    /// Reads an expression.
    pub(super) fn compile(text: &str) -> Result<Self, Mistake> {
        if text.trim().is_empty() {
            return Err(Mistake::new(0, "it is empty; \"true\" always holds"));
        }
        if text.len() > LENGTH {
            return Err(Mistake::new(0, format!("it is longer than {LENGTH} bytes")));
        }
        if let Some(at) = too_deep(text, BRACKETS) {
            return Err(Mistake::new(at, format!("brackets are nested deeper than {BRACKETS}")));
        }
        // A stack of its own: how much of the present one is left nobody knows.
        alone(|| read(text)).unwrap_or_else(|why| Err(Mistake::new(0, why)))
    }

    /// Whether it holds. Needs the stack of [`alone`].
    fn holds(&self, context: &cel::Context<'_, '_>) -> Result<bool, String> {
        match Value::resolve(&self.expression, context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("it gives {:?}, and neither true nor false", other.type_of()).to_lowercase()),
            Err(error) => Err(told(&error)),
        }
    }

    /// Whether it looks at the reason or the ticket.
    pub(super) const fn needs_reason(&self) -> bool {
        self.found.reason
    }

    /// The tiers that count as 0 where a plan has none of them.
    fn tiers(&self) -> BTreeSet<&str> {
        self.found.tiers.difference(&self.found.tested).map(String::as_str).collect()
    }
}

/// Whether each of these expressions holds of the facts, or why nobody can say.
pub(super) fn evaluate(programs: &[&Program], facts: &Facts<'_>) -> Vec<Result<bool, String>> {
    if programs.is_empty() {
        return Vec::new();
    }
    if let Some(why) = facts.too_large() {
        return vec![Err(why); programs.len()];
    }
    let work = || {
        let plain = facts.context(&ENV, &BTreeSet::new());
        let one = |program: &&Program| {
            let tiers = program.tiers();
            // A panic in there must be this one's denial alone.
            let holds = AssertUnwindSafe(|| {
                if tiers.is_empty() { program.holds(&plain) } else { program.holds(&facts.context(&ENV, &tiers)) }
            });
            catch_unwind(holds).unwrap_or_else(|_| Err(PANICKED.to_owned()))
        };
        programs.iter().map(one).collect()
    };
    alone(work).unwrap_or_else(|why| vec![Err(why); programs.len()])
}

const PANICKED: &str = "it can't be evaluated: the evaluation broke off";

/// Does something on a thread with enough stack; a panic is an error.
fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn_scoped(scope, work);
        match thread {
            Ok(thread) => thread.join().map_err(|_| PANICKED.to_owned()),
            Err(error) => Err(format!("it can't be evaluated: {error}")),
        }
    })
}

fn read(text: &str) -> Result<Program, Mistake> {
    let program = ENV.compile(text).map_err(|errors| match errors.errors.first() {
        Some(error) => Mistake::new(byte_at(text, error.pos), plain(&error.msg)),
        None => Mistake::new(0, "it can't be read"),
    })?;
    let found = bound::check(program.expression()).map_err(|refused| {
        let at = program.source_info().offset_for(refused.node).map_or(0, |(start, _)| start);
        let at = text.char_indices().nth(at as usize).map_or(0, |(at, _)| at);
        Mistake { at, why: refused.why, meant: refused.meant }
    })?;
    Ok(Program { expression: program.expression().clone(), found })
}

/// The byte at a line and a column, both counted from 1.
fn byte_at(text: &str, (line, column): (isize, isize)) -> usize {
    let (line, column) = (usize::try_from(line - 1).unwrap_or(0), usize::try_from(column - 1).unwrap_or(0));
    let begins: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(begins..).unwrap_or_default();
    begins + rest.char_indices().nth(column).map_or(rest.trim_end().len(), |(at, _)| at)
}

/// What the reader of the language says, in one line and without its own jargon.
fn plain(message: &str) -> String {
    let message = message.trim().trim_start_matches("Syntax error: ");
    // It lists every token that could have followed.
    let found = message.split(" expecting ").next().unwrap_or(message);
    let short = ["mismatched input ", "extraneous input "].iter().find_map(|how| found.strip_prefix(how));
    let short = short.map_or_else(|| found.to_owned(), |found| format!("it can't go on with {found}"));
    let short = short.replace("'<EOF>'", "its end").replace("<EOF>", "its end");
    SafeText::first_line(&short, 200).to_string()
}

/// An error of the evaluation, in words.
fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => format!("{name} is not known here"),
        other => SafeText::first_line(&other.to_string(), 200).to_string(),
    }
}

#[cfg(test)]
mod tests;
