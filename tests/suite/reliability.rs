//! The table in `RELIABILITY.md` is true: the tests that it names are there, and went through as many cases as it says.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// A line of the table.
struct Line {
    name: String,
    cases: usize,
    wanted: usize,
    places: Vec<String>,
    status: String,
}

fn table() -> Vec<Line> {
    let text = include_str!("../../RELIABILITY.md");
    let (_, table) = text.split_once("\n|---").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, cases, wanted, places, _, status] = cells[..] else { panic!("six cells are due: {row}") };
        let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let number = |cell: &str| cell.replace(',', "").parse().unwrap();
        let name = code(name).remove(0);
        Line { name, cases: number(cases), wanted: number(wanted), places: code(places), status: status.into() }
    })
    .collect()
}

#[test]
fn the_table_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    for line in table() {
        assert!(names.insert(line.name.clone()), "{} stands there twice", line.name);
        match line.status.as_str() {
            "green" => assert!(line.cases >= line.wanted, "{} has too few cases for green", line.name),
            "part" => assert!(line.cases > 0, "{} has no case", line.name),
            "later" => assert!(line.cases == 0 && line.places.is_empty(), "{} is there already", line.name),
            other => panic!("{}: what is {other:?}?", line.name),
        }
        assert_eq!(line.cases > 0, !line.places.is_empty(), "{}: cases are somewhere", line.name);
        for place in &line.places {
            let text = std::fs::read_to_string(root.join(place)).unwrap_or_default();
            let keeps = format!("record(\"{}\"", line.name);
            assert!(text.contains(&keeps), "{place} keeps no count of {}", line.name);
        }
    }
    assert!(names.len() >= 15, "{names:?}");
}

/// Prints the table with what was counted. `tests/run` calls this after all other tests.
#[test]
#[ignore = "it looks at what the other tests have left"]
fn as_many_cases_were_gone_through_as_it_says() {
    let mut out = format!("{:<20} {:>7} {:>7}  status\n", "line", "cases", "wanted");
    let mut wrong = Vec::new();
    let lines = table();
    for line in &lines {
        let counts = crate::support::matrix::recorded(&line.name);
        let sum: usize = counts.values().sum();
        writeln!(out, "{:<20} {sum:>7} {:>7}  {}", line.name, line.wanted, line.status).unwrap();
        for (place, count) in &counts {
            writeln!(out, "    {place:<40} {count:>7}").unwrap();
        }
        let named: BTreeSet<&String> = line.places.iter().collect();
        let counted: BTreeSet<&String> = counts.keys().collect();
        wrong.extend(named.difference(&counted).map(|place| format!("{}: {place} kept no count", line.name)));
        wrong.extend(counted.difference(&named).map(|place| format!("{}: {place} is not named", line.name)));
        if sum < line.cases {
            wrong.push(format!("{}: {sum} cases, and the table says {}", line.name, line.cases));
        }
    }
    let known = |name: &String| lines.iter().any(|line| line.name == *name);
    wrong.extend(
        crate::support::matrix::lines()
            .into_iter()
            .filter(|name| !known(name))
            .map(|name| format!("{name}: no such line")),
    );
    std::io::stdout().write_all(out.as_bytes()).unwrap();
    assert!(wrong.is_empty(), "RELIABILITY.md is wrong:\n{}", wrong.join("\n"));
}
