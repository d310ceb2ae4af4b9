//! What comes from outside: keys, signals, and the end of the terminal.

use std::io;

use crossterm::event::{Event, read};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Writes texts into new files of the present folder, for their owner alone, and says where they are. What is there
/// already is never written over.
pub(super) fn write(files: &[(String, String)]) -> Result<String, String> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = std::env::current_dir().map_err(|error| format!("the present folder can't be told: {error}"))?;
    for (name, text) in files {
        let path = folder.join(name);
        let mut options = std::fs::OpenOptions::new();
        let written = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| format!("{} can't be written: {error}", path.display()))?;
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    Ok(format!("written into {}: {}", folder.display(), names.join(", ")))
}

/// A signal that means something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outside {
    /// Leave.
    End(&'static str),
    /// As Ctrl-C.
    Interrupt,
    /// The terminal may have another size.
    Resized,
    /// Go to the background.
    Stop,
    /// Back from there.
    Continued,
}

/// Listens for signals.
pub(super) fn signals() -> io::Result<mpsc::Receiver<Outside>> {
    let (sender, receiver) = mpsc::channel(8);
    let kinds = [
        (SignalKind::terminate(), Outside::End("SIGTERM")),
        (SignalKind::hangup(), Outside::End("SIGHUP")),
        (SignalKind::quit(), Outside::End("SIGQUIT")),
        (SignalKind::interrupt(), Outside::Interrupt),
        (SignalKind::window_change(), Outside::Resized),
        (SignalKind::from_raw(Signal::TSTP.as_raw()), Outside::Stop),
        (SignalKind::from_raw(Signal::CONT.as_raw()), Outside::Continued),
    ];
    for (kind, meaning) in kinds {
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if sender.send(meaning).await.is_err() {
                    break;
                }
            }
        });
    }
    Ok(receiver)
}

/// Reads keys on a thread of its own: the reader blocks, and once its terminal is gone it never returns, which must
/// not take the loop with it.
pub(super) fn input() -> io::Result<mpsc::Receiver<io::Result<Event>>> {
    let (sender, receiver) = mpsc::channel(256);
    std::thread::Builder::new().name("input".into()).spawn(move || {
        loop {
            let event = read();
            let failed = event.is_err();
            if sender.blocking_send(event).is_err() || failed {
                break;
            }
        }
    })?;
    Ok(receiver)
}

/// Tells when the terminal has hung up, also where SIGHUP is ignored. Sleeps in the kernel until then.
pub(super) fn hangup() -> io::Result<mpsc::Receiver<()>> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::Builder::new().name("hangup".into()).spawn(move || {
        let stdin = rustix::stdio::stdin();
        loop {
            // No event is asked for: a hang-up and an error are told all the same.
            let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
            match poll(&mut fds, None) {
                Ok(_) if fds.iter().any(|fd| !fd.revents().is_empty()) => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
        let _ = sender.blocking_send(());
    })?;
    Ok(receiver)
}

/// Whether an error says that there is no terminal any more: what is open of it answers `EIO`, and `/dev/tty`, where
/// it is looked for then, `ENXIO`.
pub(super) fn is_hung_up(error: &io::Error) -> bool {
    [Errno::IO, Errno::NXIO].map(|errno| Some(errno.raw_os_error())).contains(&error.raw_os_error())
}

/// Whether there is a shell that could bring a stopped program back: not where the program's group is the session's
/// own, as under `ssh host quarterdeck`. The kernel ignores the stop key there too.
pub(super) fn can_stop() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// Stops this program and whatever shares its job, as the stop key would; returns when it goes on.
pub(super) fn stop() -> io::Result<()> {
    Ok(kill_current_process_group(Signal::STOP)?)
}
