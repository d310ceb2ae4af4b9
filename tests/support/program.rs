//! The program itself, run to its end as a script would run it: no terminal, and nothing of the config, the home
//! directory or the name of whoever runs the tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// What a run came to.
#[derive(Debug)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

/// The program with arguments, ready to be run.
pub fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.args(args).stdin(Stdio::null()).current_dir(env!("CARGO_TARGET_TMPDIR"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QUARTERDECK_")) {
        command.env_remove(name);
    }
    // A world that one test begins is not another's.
    command.env("XDG_STATE_HOME", state_home()).env_remove("XDG_CONFIG_HOME");
    command.env("HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/nobody"));
    command
}

/// A folder for the state of the programs that this test starts, which does not exist yet.
fn state_home() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("state-{}-{since}", std::process::id()))
    });
    &FOLDER
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Said {
    Said::of(&command.output().unwrap())
}

/// Runs the program to its end.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Said {
    finish(&mut command(args))
}

/// Runs the program on the demo world of a seed.
pub fn demo(args: &[&str]) -> Said {
    run(["--demo", "--seed", "7"].iter().chain(args))
}

/// The JSON that the program prints of the demo world of a seed, which has to go well. The first two arguments are
/// the command: what follows may hold a `--`.
pub fn demo_json(args: &[&str]) -> Value {
    demo(&[&args[..2], &["-o", "json"], &args[2..]].concat()).good().json()
}

impl Said {
    /// # Panics
    /// Where the run was ended by a signal, panicked, or wrote what a terminal would obey.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let said = Self { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) };
        assert!(!said.err.contains("panicked"), "{said:?}");
        let obeyed = |c: char| c.is_control() && c != '\n';
        assert!(!said.out.contains(obeyed) && !said.err.contains(obeyed), "{said:?}");
        said
    }

    /// # Panics
    /// Where it did not end with 0 and without a word of complaint.
    #[allow(clippy::return_self_not_must_use, reason = "that it is good may be all that a test asks")]
    pub fn good(self) -> Self {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self
    }

    /// Standard output as one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output as one JSON object a line.
    pub fn ndjson(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Standard output as CSV: the header, and the rows.
    pub fn csv(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let mut reader = csv::Reader::from_reader(self.out.as_bytes());
        let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let header = cells(reader.headers().unwrap());
        (header, reader.records().map(|record| cells(&record.unwrap())).collect())
    }

    /// # Panics
    /// Unless it ended with 2, said nothing on standard output, and each of the words on standard error.
    pub fn refused(&self, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing in:\n{}", self.err);
        }
    }
}

/// A list in JSON.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("no list {key}"))
}

/// The same with every time made one: two runs differ in nothing else.
pub fn without_times(value: &Value) -> Value {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "a time".into(),
        Value::Array(values) => values.iter().map(without_times).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), without_times(value))).collect())
        }
        other => other.clone(),
    }
}
