//! jq programs from the config, run on data from outside: compiled once, and bounded before they run.
//!
//! What bounds them is said in `bound.rs`; the language is jq's, less what can't be bounded.

mod bound;
mod items;
mod place;
mod poly;

use std::fmt;

use jaq_core::load::{Arena, File, Loader, lex, parse};
use jaq_core::{Compiler, Ctx, Filter, Vars, data, load};
use jaq_json::Val;
use serde_json::Value;

use self::bound::{Costs, Use};
pub use self::items::{Fault, LARGEST_ITEM};
pub use self::place::{Spot, entries};
use crate::domain::policy::THREAD;

/// The longest program that tells one text, in bytes.
const LENGTH: usize = 1_000;

/// The longest program that is run on the items of an answer, in bytes.
const LENGTH_OF_ITEMS: usize = 8_000;

/// The largest input of a program that tells one text, in bytes of JSON.
const INPUT: usize = 32 * 1024;

/// The size of an item that every program must be able to take, in bytes of JSON.
const ITEM: usize = 4 * 1024;

/// The most elementary steps for one input, which are seconds if each were really taken: for a program that is run on each
/// row of a source, and for one that is run on items, whose time is looked at between them.
const STEPS: f64 = 2e8;
const STEPS_OF_ITEMS: f64 = 1e9;

/// The name under which a program has the key of its item: a number in a list, a name in an object.
const KEY: &str = "$key";

/// How deep brackets may be nested in a program: it is read by recursion.
const BRACKETS: usize = 40;

/// What takes the place of definitions that could recurse as deep as a text is long: a number is read as JSON.
const OWN: &str = r#"def tonumber: if isnumber then . elif isstring and (utf8bytelength < 400)
    then fromjson | if isnumber then . else error("cannot parse as number") end
    else error("cannot parse as number") end;"#;

/// The longest text that a program may give, in characters.
const OUTPUT: usize = 200;

/// The stack for what reads and runs programs; by recursion, too, but over programs that are short and values that are
/// not deep.
pub const STACK: usize = 16 * 1024 * 1024;

/// What is wrong with a program, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The byte of the program at which it is wrong.
    pub at: usize,
    /// What is wrong, in words.
    pub why: String,
}

/// Parts of what a program is given, as far as it names them.
#[expect(clippy::struct_excessive_bools, reason = "a set of four names")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Names {
    /// The input of the instance.
    pub input: bool,
    /// The headers that came with the input.
    pub headers: bool,
    /// The state of its key.
    pub state: bool,
    /// The step that it is in.
    pub step: bool,
}

impl Names {
    /// What either of two programs names.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            input: self.input || other.input,
            headers: self.headers || other.headers,
            state: self.state || other.state,
            step: self.step || other.step,
        }
    }
}

/// A compiled program.
pub struct Program {
    text: String,
    filter: Filter<data::JustLut<Val>>,
    names: Names,
    costs: Costs,
    /// Whether it has [`KEY`].
    of_items: bool,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.text).finish()
    }
}

impl Program {
    /// Reads and compiles a program that tells one text.
    ///
    /// # Errors
    /// Where it can't be read, uses what there is not, or can't be bounded.
    pub fn compile(text: &str) -> Result<Self, Mistake> {
        Self::compiled(text, LENGTH, Use { input: INPUT, largest: INPUT, steps: STEPS, variables: &[] })
    }

    /// Reads and compiles a program that is run on items of an answer: see [`Program::outputs`].
    ///
    /// # Errors
    /// As [`Program::compile`].
    pub fn of_items(text: &str) -> Result<Self, Mistake> {
        let given = Use { input: ITEM, largest: LARGEST_ITEM, steps: STEPS_OF_ITEMS, variables: &[KEY] };
        Self::compiled(text, LENGTH_OF_ITEMS, given)
    }

    fn compiled(text: &str, longest: usize, given: Use) -> Result<Self, Mistake> {
        if text.len() > longest {
            return Err(Mistake { at: longest, why: format!("it is longer than {longest} bytes") });
        }
        if let Some(at) = too_deep(text, BRACKETS) {
            return Err(Mistake { at, why: format!("brackets are nested deeper than {BRACKETS}") });
        }
        let work = || compile(text, given);
        // A stack of its own: how much of the present one is left nobody knows.
        std::thread::scope(|scope| {
            let thread =
                std::thread::Builder::new().name(THREAD.to_owned()).stack_size(STACK).spawn_scoped(scope, work);
            let failed = |why: &str| Mistake { at: 0, why: why.to_owned() };
            match thread {
                Ok(thread) => thread.join().unwrap_or_else(|_| Err(failed("it can't be compiled"))),
                Err(error) => Err(failed(&format!("it can't be compiled: {error}"))),
            }
        })
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it names of what it is given.
    pub const fn names(&self) -> Names {
        self.names
    }

    /// Runs it: its first output, if that is a text or a number; `None` where there is none, or it is null, false or
    /// empty. Needs a stack of [`STACK`].
    ///
    /// # Errors
    /// In words, where the program fails, gives something else, or is given too much.
    pub fn run(&self, given: &Value) -> Result<Option<String>, String> {
        let json = given.to_string();
        if json.len() > INPUT {
            return Err(format!("what it is given is larger than {} KiB", INPUT / 1024));
        }
        let input = jaq_json::read::parse_single(json.as_bytes()).map_err(|error| error.to_string())?;
        let context = Ctx::<data::JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let output = self.filter.id.run((context, input)).next();
        match output {
            None | Some(Ok(Val::Null | Val::Bool(false))) => Ok(None),
            Some(Ok(Val::TStr(text))) => {
                let text = String::from_utf8_lossy(&text);
                let text = text.trim();
                match text.chars().count() {
                    0 => Ok(None),
                    1..=OUTPUT => Ok(Some(text.to_owned())),
                    _ => Err(format!("it gives a text of more than {OUTPUT} characters")),
                }
            }
            Some(Ok(number @ Val::Num(_))) => Ok(Some(number.to_string())),
            Some(Ok(Val::Bool(true))) => Err("it gives true, which is no text".to_owned()),
            Some(Ok(Val::Arr(_))) => Err("it gives a list, which is no text".to_owned()),
            Some(Ok(Val::Obj(_))) => Err("it gives an object, which is no text".to_owned()),
            Some(Ok(Val::BStr(_))) => Err("it gives bytes, which are no text".to_owned()),
            // The error of a program may show what it was given: only its kind is told.
            Some(Err(_)) => Err("it fails on what it is given".to_owned()),
        }
    }
}

/// Where brackets are nested deeper than `most`, in a program or an expression of the config. Those within texts are counted too, which only refuses more.
pub fn too_deep(text: &str, most: usize) -> Option<usize> {
    let mut depth = 0_usize;
    text.bytes().position(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > most
    })
}

fn compile(text: &str, given: Use) -> Result<Program, Mistake> {
    let at = |part: &str| load::span(text, part).start.min(text.len());
    let tokens = lex::Lexer::new(text).lex().map_err(|errors| match errors.first() {
        Some((expected, found)) => Mistake { at: at(found), why: format!("expected {}", expected.as_str()) },
        None => Mistake { at: 0, why: "it can't be read".to_owned() },
    })?;
    let term = parse::Parser::new(&tokens).parse(parse::Parser::term).map_err(|errors| match errors.first() {
        Some((expected, found)) => {
            let found = lex::Token::opt_as_str(*found, text);
            Mistake { at: at(found), why: format!("expected {}", expected.as_str()) }
        }
        None => Mistake { at: 0, why: "it can't be read".to_owned() },
    })?;
    let costs =
        bound::check(&term, given).map_err(|refused| Mistake { at: refused.at.map_or(0, at), why: refused.why })?;
    // Looked for in the text: a word too many asks for too much, and nothing is missed.
    let names = Names {
        input: text.contains("input"),
        headers: text.contains("headers"),
        state: text.contains("state"),
        step: text.contains("step"),
    };
    // The last one of a name holds.
    let own = load::parse(OWN, |parser| parser.defs()).unwrap_or_default();
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(own);
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(defs)
        .load(&arena, File { code: text, path: () })
        .map_err(|_| Mistake { at: 0, why: "it can't be read".to_owned() })?;
    let compiler = Compiler::default().with_funs(funs).with_global_vars(given.variables.iter().copied());
    let filter = compiler.compile(modules).map_err(|errors| {
        let first = errors.first().and_then(|(_, errors)| errors.first());
        let why = first.map_or_else(
            || "it can't be compiled".to_owned(),
            |(name, kind)| format!("undefined {}: {name}", kind.as_str()),
        );
        // The names are parts of another copy of the text.
        let at = first.and_then(|(name, _)| text.find(name)).unwrap_or_default();
        Mistake { at, why }
    })?;
    Ok(Program { text: text.to_owned(), filter, names, costs, of_items: !given.variables.is_empty() })
}

#[cfg(test)]
mod tests;
