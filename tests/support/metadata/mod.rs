//! A control plane's metadata in a real PostgreSQL 15 on a free port, behind a small read-only HTTP view in the style of
//! `PostgREST`; gone with the value.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use self::view::View;
use super::hostile::Hostile;
use super::wait::eventually_now;

mod view;

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// How long a server may take to come up.
const START: Duration = Duration::from_secs(60);

/// The server and its data.
pub struct Metadata {
    server: Option<Child>,
    database: Database,
    view: Hostile,
    // Last: dropped when nothing writes to it any more.
    dir: TempDir,
}

/// Where the database is.
#[derive(Debug, Clone)]
pub struct Database {
    port: u16,
    log: PathBuf,
}

impl Database {
    /// What a query gives, without header and alignment.
    ///
    /// # Panics
    /// Where the server does not take it.
    pub fn query(&self, sql: &str) -> String {
        self.tried(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn tried(&self, sql: &str) -> Result<String, String> {
        let said = Command::new(program("psql"))
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-U", "quarterdeck", "-d", "postgres", "-c", sql])
            .env("PGCONNECT_TIMEOUT", "5")
            .output()
            .unwrap();
        if said.status.success() {
            Ok(String::from_utf8(said.stdout).unwrap().trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&said.stderr).into_owned())
        }
    }

    /// A count.
    pub fn count(&self, sql: &str) -> u64 {
        self.query(sql).parse().unwrap()
    }
}

/// A program of PostgreSQL's.
///
/// # Panics
/// Where it is not installed, with what does it.
fn program(name: &str) -> PathBuf {
    let path = Path::new(PROGRAMS).join(name);
    assert!(
        path.exists(),
        "there is no {}: apt-get install postgresql-15, or run tests/run, which does",
        path.display()
    );
    path
}

/// A command that runs as somebody who is not root: PostgreSQL refuses to.
fn unprivileged(name: &str) -> Command {
    let mut command = Command::new(program(name));
    if let Some(user) = servant() {
        command.uid(user).gid(user);
    }
    command
}

/// Who runs the server where root runs the tests.
fn servant() -> Option<u32> {
    /// The number of `nobody`, on every Linux.
    const NOBODY: u32 = 65_534;
    rustix::process::getuid().is_root().then_some(NOBODY)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Metadata {
    /// Starts one with the schema and a thousand tenants, and returns when it answers.
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("postgres-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        if let Some(user) = servant() {
            std::os::unix::fs::chown(dir.path(), Some(user), Some(user)).unwrap();
        }
        let data = dir.path().join("data");
        let made = unprivileged("initdb")
            .args(["-A", "trust", "-U", "quarterdeck", "-E", "UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(&data)
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let log = dir.path().join("log");
        let mut database = Database { port: free_port(), log };
        // Between finding a port free and listening there, somebody else may take it.
        let mut attempt = 1;
        let server = loop {
            match up(&data, &database) {
                Ok(server) => break server,
                Err(log) => assert!(attempt < 3, "postgres ended at its start:\n{log}"),
            }
            attempt += 1;
            database.port = free_port();
        };
        database.query(include_str!("schema.sql"));
        let view = View::new(database.clone()).start();
        Self { server: Some(server), database, view, dir }
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Ends the database; the view stays, and has nothing to tell.
    pub fn end(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // SIGINT ends it at once, and its children with it.
        if let Some(pid) = i32::try_from(server.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        let _ = server.wait();
    }

    /// Starts the database again, on the same port and data, and returns when it answers.
    pub fn begin_again(&mut self) {
        self.end();
        let server = up(&self.dir.path().join("data"), &self.database);
        self.server = Some(server.unwrap_or_else(|log| panic!("postgres did not start again:\n{log}")));
    }

    /// The HTTP view.
    pub fn view(&self) -> &Hostile {
        &self.view
    }
}

/// Starts a server, and returns when it answers; its log, where it ended instead.
fn up(data: &Path, database: &Database) -> Result<Child, String> {
    let mut child = start(data, database);
    let up = eventually_now(START, || match database.tried("select 1") {
        Ok(_) => Ok(true),
        Err(_) if child_ended(&mut child) => Ok(false),
        Err(error) => Err(error),
    });
    if up { Ok(child) } else { Err(std::fs::read_to_string(&database.log).unwrap_or_default()) }
}

fn start(data: &Path, database: &Database) -> Child {
    let log = std::fs::File::create(&database.log).unwrap();
    unprivileged("postgres")
        .arg("-D")
        .arg(data)
        .args(["-p", &database.port.to_string(), "-c", "listen_addresses=127.0.0.1"])
        .args(["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=20"])
        .current_dir(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn child_ended(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_some()
}

impl Drop for Metadata {
    fn drop(&mut self) {
        self.end();
    }
}
