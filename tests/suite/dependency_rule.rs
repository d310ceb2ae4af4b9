//! The dependency rule of `src/lib.rs`: each module names only those that it may know.
//!
//! Sources are read as tokens, so that neither a comment, a string nor a line break misleads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Which module may name which. `lib` declares them all, and `cli` puts them together.
const RULE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("query", &["domain"]),
    ("ops", &["domain", "query"]),
    ("config", &["domain"]),
    ("connect", &["config", "domain"]),
    ("hub", &["config", "connect", "domain", "ops", "query"]),
    ("cockpit", &["config", "domain", "ops", "query"]),
    ("telemetry", &["config", "domain"]),
    ("cli", &["cockpit", "config", "connect", "domain", "hub", "ops", "query", "telemetry"]),
    ("main", &["cli"]),
];

/// What of `connect` the hub must not know: it polls and acts through the trait.
const CONNECTORS: &[&str] = &["http", "prefect", "restate", "sim"];

/// A path to another top-level module: its first two names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    to: String,
    what: Option<String>,
    in_test: bool,
}

/// Why an edge is forbidden; `None` where it is not.
fn forbidden(from: &str, edge: &Edge) -> Option<String> {
    let Edge { to, what, in_test } = edge;
    if from == to || !RULE.iter().any(|(module, _)| module == to) {
        // Its own, or a name of the crate itself.
        return None;
    }
    let (_, allowed) = RULE.iter().find(|(module, _)| *module == from)?;
    let what = what.as_deref();
    // The demo world is what tests of these two look at.
    if *in_test && matches!(from, "cockpit" | "hub") && to == "connect" && what == Some("sim") {
        return None;
    }
    let path = what.map_or_else(|| to.clone(), |what| format!("{to}::{what}"));
    if !allowed.contains(&to.as_str()) {
        return Some(format!("`{from}` names `{path}`, and may name only {allowed:?}"));
    }
    if from == "hub" && to == "connect" && what.is_some_and(|what| CONNECTORS.contains(&what)) {
        return Some(format!("`hub` names `{path}`, and may know the trait only"));
    }
    None
}

/// Reads a source. `depth` is how many modules it lies below the crate's root; `root` the crate's name in its paths.
struct Scan<'a> {
    root: &'a str,
    edges: BTreeSet<Edge>,
}

impl Scan<'_> {
    fn scan(&mut self, tokens: &[TokenTree], depth: usize, in_test: bool) {
        let mut next_is_test = false;
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Punct(p) if p.as_char() == '#' => {
                    if let Some(TokenTree::Group(attribute)) = tokens.get(at + 1) {
                        next_is_test |= is_cfg_test(&attribute.stream());
                    }
                }
                TokenTree::Punct(p) if p.as_char() == ';' => next_is_test = false,
                TokenTree::Group(group) => {
                    let is_module = at >= 2 && is_ident(&tokens[at - 2], "mod");
                    let braces = group.delimiter() == Delimiter::Brace;
                    let inner: Vec<_> = group.stream().into_iter().collect();
                    self.scan(&inner, depth + usize::from(is_module && braces), in_test || next_is_test);
                    next_is_test &= !braces;
                }
                TokenTree::Ident(ident) if *ident == self.root => {
                    self.path(&tokens[at + 1..], in_test || next_is_test);
                }
                TokenTree::Ident(ident) if *ident == "super" => {
                    let supers = tokens[at..].iter().step_by(3).take_while(|t| is_ident(t, "super")).count();
                    at += 3 * (supers - 1);
                    if supers >= depth {
                        self.path(&tokens[at + 1..], in_test || next_is_test);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// What follows the root of the crate: `::name::name`, or `::{…}`.
    fn path(&mut self, rest: &[TokenTree], in_test: bool) {
        match after_colons(rest) {
            Some(rest @ [TokenTree::Ident(to), ..]) => {
                let whats = match after_colons(&rest[1..]) {
                    Some([TokenTree::Ident(what), ..]) => vec![Some(what.to_string())],
                    Some([TokenTree::Group(group), ..]) => {
                        alternatives(group).into_iter().map(|tokens| Some(tokens.first()?.to_string())).collect()
                    }
                    _ => vec![None],
                };
                for what in whats {
                    self.edges.insert(Edge { to: to.to_string(), what, in_test });
                }
            }
            Some([TokenTree::Group(group), ..]) => {
                for mut tokens in alternatives(group) {
                    // As if each had been written on its own.
                    let mut path: Vec<_> = "::".parse::<TokenStream>().unwrap().into_iter().collect();
                    path.append(&mut tokens);
                    self.path(&path, in_test);
                }
            }
            _ => {}
        }
    }
}

/// The parts of `{a, b::c}`.
fn alternatives(group: &proc_macro2::Group) -> Vec<Vec<TokenTree>> {
    let tokens: Vec<_> = group.stream().into_iter().collect();
    let is_comma = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == ',');
    tokens.split(is_comma).filter(|part| !part.is_empty()).map(<[_]>::to_vec).collect()
}

fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let is_colon = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == ':');
    match tokens {
        [a, b, rest @ ..] if is_colon(a) && is_colon(b) => Some(rest),
        _ => None,
    }
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if *ident == name)
}

fn is_cfg_test(attribute: &TokenStream) -> bool {
    attribute.to_string().replace(' ', "") == "cfg(test)"
}

fn edges(source: &str, root: &str, depth: usize, in_test: bool) -> BTreeSet<Edge> {
    let tokens: TokenStream = source.parse().unwrap();
    let mut scan = Scan { root, edges: BTreeSet::new() };
    scan.scan(&tokens.into_iter().collect::<Vec<_>>(), depth, in_test);
    scan.edges
}

/// All violations in a source file, named relative to `src`.
fn violations(file: &Path, source: &str) -> Vec<String> {
    let names: Vec<_> = file.with_extension("").iter().map(|n| n.to_string_lossy().into_owned()).collect();
    let stem = names.last().unwrap().as_str();
    let (module, depth) = (names[0].as_str(), names.len() - usize::from(stem == "mod"));
    if module == "lib" {
        return Vec::new();
    }
    let in_test = names.iter().any(|n| n == "tests") || stem.ends_with("_tests");
    let root = if module == "main" { "quarterdeck" } else { "crate" };
    let edges = edges(source, root, depth, in_test);
    edges.iter().filter_map(|edge| Some(format!("src/{}: {}", file.display(), forbidden(module, edge)?))).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

#[test]
fn every_module_names_only_those_it_may_know() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files(&src);
    assert!(files.len() > 10, "{files:?}");
    let mut found = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(&src).unwrap();
        let top = relative.with_extension("").iter().next().unwrap().to_string_lossy().into_owned();
        assert!(top == "lib" || RULE.iter().any(|(module, _)| *module == top), "the rule has nothing on `{top}`");
        found.extend(violations(relative, &std::fs::read_to_string(file).unwrap()));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn forbidden_edges_are_found_however_they_are_written() {
    for (file, source) in [
        ("domain/flow.rs", "use crate::ops::Ops;"),
        ("domain/mod.rs", "use super::query;"),
        ("query/parse.rs", "fn f() { super::super::hub::Hub::new() }"),
        ("ops.rs", "use super::hub;"),
        ("ops.rs", "mod inner { use super::super::connect::Act; }"),
        ("cockpit/app.rs", "use crate::{domain::flow, hub::{self, Hub}};"),
        ("cockpit/app.rs", "use crate::{\n    connect\n};"),
        ("cockpit/app.rs", "fn f(x: &dyn crate::connect::Connector) {}"),
        ("cockpit/app.rs", "matches!(x, crate::connect::Act { .. })"),
        ("cockpit/app.rs", "use crate::connect::sim;"),
        ("cockpit/app.rs", "#[cfg(test)] mod tests { use crate::hub; }"),
        ("cockpit/app.rs", "#[cfg(test)] mod tests { } use crate::connect::sim;"),
        ("cockpit/app.rs", "#[cfg(test)] mod tests; use crate::connect::sim;"),
        ("cockpit/tests.rs", "use crate::connect::restate;"),
        ("hub/mod.rs", "use crate::connect::restate::Restate;"),
        ("hub/mod.rs", "use crate::connect::{Connector, sim};"),
        ("hub/mod.rs", "use crate::cockpit;"),
        ("connect/restate/mod.rs", "use crate::hub::Hub;"),
        ("config/mod.rs", "use crate::query;"),
        ("main.rs", "use quarterdeck::hub;"),
    ] {
        assert!(!violations(Path::new(file), source).is_empty(), "{file}: {source}");
    }
}

#[test]
fn allowed_edges_are_not() {
    for (file, source) in [
        ("domain/flow.rs", "use super::text; use crate::domain::time; pub(crate) mod x {}"),
        ("query/parse.rs", "//! See [`crate::hub::Hub`].\nuse crate::domain::flow; // crate::hub::Hub"),
        ("query/parse.rs", "const TEXT: &str = \"crate::hub::Hub\"; /* crate::hub::Hub */"),
        ("ops.rs", "use crate::{query, domain::{flow, ids}};"),
        ("hub/mod.rs", "use crate::connect::{Connector, Act}; mod tests { use super::cockpit; }"),
        ("hub/mod.rs", "#[cfg(test)] mod tests { use crate::connect::sim::World; }"),
        ("hub/verify_tests.rs", "use crate::connect::sim;"),
        ("cockpit/screens/tests.rs", "use crate::connect::sim::World; use crate::ops::Ops;"),
        ("connect/sim/world.rs", "use super::super::Act; use crate::connect::http; use crate::config;"),
        ("cli/demo.rs", "use crate::{hub, cockpit, connect::sim, ops};"),
        ("main.rs", "use quarterdeck::cli;"),
        ("lib.rs", "pub mod hub;"),
    ] {
        assert_eq!(violations(Path::new(file), source), Vec::<String>::new(), "{file}: {source}");
    }
}
