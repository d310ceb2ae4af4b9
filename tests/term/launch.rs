//! What is started in a terminal, and what it finds there.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use portable_pty::{CommandBuilder, native_pty_system};

use super::{PROGRAM, Shared, Size, Term, modes, pty_size};

/// What is to be started, and in what terminal.
pub struct Launch {
    command: Vec<String>,
    variables: Vec<(String, String)>,
    size: Size,
    controlling: bool,
}

impl Launch {
    /// A command in a terminal of 120 columns and 34 rows that knows UTF-8 and every colour.
    ///
    /// It gets no variable of this process but `PATH`, so that neither a config, a `NO_COLOR` nor a locale of
    /// whoever runs the tests changes what they see. `$QUARTERDECK` is the program, for shells.
    pub fn command(command: &[&str]) -> Self {
        Self {
            command: command.iter().map(|&word| word.to_owned()).collect(),
            variables: Vec::new(),
            size: (120, 34),
            controlling: true,
        }
        .env("PATH", &std::env::var("PATH").unwrap_or_default())
        .env("TERM", "xterm-256color")
        .env("COLORTERM", "truecolor")
        .env("LANG", "C.UTF-8")
        .env("PROGRAM", PROGRAM)
    }

    /// The cockpit on the demo world.
    pub fn demo() -> Self {
        Self::command(&[PROGRAM, "demo"])
    }

    /// A script for `sh`.
    pub fn script(script: &str) -> Self {
        Self::command(&["sh", "-c", script])
    }

    /// A shell with job control. Its prompt is `ready>`, and it edits no lines, so that all modes of the terminal are
    /// either its plain ones or the program's.
    pub fn shell() -> Self {
        Self::command(&["bash", "--norc", "--noprofile", "--noediting", "-i"]).env("PS1", "ready> ")
    }

    /// One more argument.
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.push(argument.to_owned());
        self
    }

    /// A variable; it replaces one of that name.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The size to begin with.
    pub fn size(mut self, size: Size) -> Self {
        self.size = size;
        self
    }

    /// The terminal is there, and does not control the program: the kernel tells it nothing when it goes away.
    pub fn not_controlling(mut self) -> Self {
        self.controlling = false;
        self
    }

    /// Starts it.
    pub fn start(self) -> Term {
        let home = tempfile::Builder::new().prefix("term-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let pair = native_pty_system().openpty(pty_size(self.size)).unwrap();
        let tty = pair.master.tty_name().unwrap();
        let slave = open_tty(&tty);
        let mut command = CommandBuilder::new(&self.command[0]);
        command.args(&self.command[1..]);
        command.env_clear();
        command.env("HOME", home.path());
        for kind in ["CONFIG", "STATE", "DATA", "CACHE"] {
            command.env(format!("XDG_{kind}_HOME"), home.path().join(kind));
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command.cwd(home.path());
        command.set_controlling_tty(self.controlling);
        let before = modes(&slave);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let shared = Arc::new(Shared::new(self.size));
        let reader = pair.master.try_clone_reader().unwrap();
        let listener = Arc::clone(&shared);
        std::thread::spawn(move || listener.listen(reader));
        Term {
            writer: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            slave: Some(slave),
            before,
            child,
            shared,
            size: self.size,
            home,
        }
    }
}

/// Opens a terminal without becoming its session.
fn open_tty(path: &Path) -> File {
    let flags = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap();
    File::options().read(true).write(true).custom_flags(flags).open(path).unwrap()
}
