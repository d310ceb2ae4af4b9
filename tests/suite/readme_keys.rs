//! The README's table of keys and commands is the one that the program has.
//!
//! After a change to the table of commands: `QUARTERDECK_README=update cargo nextest run --test readme_keys`

use quarterdeck::cockpit::command::markdown;

const BEGIN: &str = "<!-- The table of keys; tests/suite/readme_keys.rs makes it. -->\n";
const END: &str = "<!-- End of the table of keys. -->";

#[test]
fn the_table_of_keys_is_the_program_s() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README has the mark at which the table begins");
    let (table, after) = rest.split_once(END).expect("the README has the mark at which the table ends");
    let wanted = format!("\n{}\n", markdown());
    if std::env::var("QUARTERDECK_README").is_ok_and(|how| how == "update") {
        std::fs::write(path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    assert!(
        table == wanted,
        "the README's table of keys is out of date; this makes it anew:\n\
         QUARTERDECK_README=update cargo nextest run --test readme_keys"
    );
}

#[test]
fn every_command_is_in_it_once() {
    let table = markdown();
    for command in quarterdeck::cockpit::command::TABLE {
        let rows = table.lines().filter(|line| line.contains(&format!("| {} |", command.doc))).count();
        assert_eq!(rows, 1, "{}", command.name);
    }
}
