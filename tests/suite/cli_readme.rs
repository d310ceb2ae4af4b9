//! What the README tells a new user to type does what it says.

use std::path::Path;

use crate::support::program::run;
use quarterdeck::config::{Config, Flags, Surroundings};
use quarterdeck::query::{Filter, KEYS};

const README: &str = include_str!("../../README.md");

/// The blocks of code in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// The arguments of a line as a shell cuts it, where it quotes with `'` only.
fn arguments(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_without_a_terminal_works_as_it_stands() {
    let lines: Vec<&str> =
        blocks("sh").into_iter().flat_map(str::lines).filter(|l| l.starts_with("quarterdeck ")).collect();
    assert!(lines.len() >= 5, "{lines:?}");
    for line in lines {
        let command = line.split(" # ").next().unwrap();
        let said = run(&arguments(command)[1..]);
        let expected = i32::from(command.contains("--fail-on"));
        assert_eq!((said.code, said.out.is_empty()), (expected, false), "{line}: {}", said.err);
        assert!(!said.err.contains("quarterdeck:"), "{line}: {}", said.err);
    }
}

#[test]
fn the_filter_language_is_what_it_says() {
    let example = blocks("").into_iter().find(|block| block.contains("state:backing-off")).unwrap();
    assert!(!Filter::parse(example.trim()).unwrap().is_empty());
    let keys = README.split("Keys:").nth(1).unwrap().split("A bare").next().unwrap();
    let told: Vec<&str> = keys.split('`').skip(1).step_by(2).collect();
    let mut wanted: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
    wanted.sort_unstable();
    let mut sorted = told.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, wanted, "every key is told, and none that is not there");
    let in_a_shell = README.lines().find(|line| line.starts_with("`quarterdeck get flows '")).unwrap();
    let line = in_a_shell.trim_matches(['`', '.']);
    let said = run([&arguments(line)[1..], &["--demo".to_owned()]].concat());
    assert_eq!(said.code, 0, "{line}: {}", said.err);
}

#[test]
fn the_four_lines_are_a_config() {
    let [config, rest] = blocks("toml")[..] else { panic!("two blocks of TOML") };
    assert_eq!(config.lines().count(), 4);
    let config = Config::parse(config, "quarterdeck.toml", None).unwrap();
    assert_eq!(config.context.sources[0].url, "http://127.0.0.1:9070");
    let variable = |name: &str| (name == "BILLING_KEY").then(|| "a-key".to_owned());
    let surroundings = Surroundings { variable: &variable, folder: Path::new("") };
    let config = Config::parse_in(rest, "quarterdeck.toml", &Flags::default(), &surroundings).unwrap();
    assert_eq!(config.context.sources[0].rest.as_ref().unwrap().requests.len(), 2);
}
