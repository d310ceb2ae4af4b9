//! A command whose output is a secret: run without a shell, bounded in time and length, and quoted in no message.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::secret::MAX_BYTES;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is asked whether it has ended, once it has closed its output.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a program prints. Neither its output nor what it says on standard error comes into a message: both could
/// hold the secret.
pub(super) fn output(words: &[String]) -> Result<String, String> {
    output_within(words, TIMEOUT)
}

fn output_within(words: &[String], timeout: Duration) -> Result<String, String> {
    let (program, arguments) = words.split_first().ok_or("\"command\" is empty")?;
    let deadline = Instant::now() + timeout;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // A group of its own: whatever it starts ends with it, and it can't take keys from the terminal.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let late = || format!("{program} did not end within {} s", timeout.as_secs());
    let Some(stdout) = child.stdout.take() else {
        stop(&mut child);
        return Err(format!("{program}: its output can't be read"));
    };
    let (sender, receiver) = mpsc::channel();
    // A thread, because a pipe can't be read with a time limit. It ends with the program.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MAX_BYTES + 1).read_to_end(&mut bytes).map(|_| bytes);
        // Nobody listens any more where the time is up.
        let _ = sender.send(read);
    });
    let left = || deadline.saturating_duration_since(Instant::now());
    let Ok(read) = receiver.recv_timeout(left()) else {
        stop(&mut child);
        return Err(late());
    };
    let bytes = match read {
        Ok(bytes) if bytes.len() as u64 <= MAX_BYTES => bytes,
        Ok(_) => {
            stop(&mut child);
            return Err(format!("{program} prints more than a secret"));
        }
        Err(error) => {
            stop(&mut child);
            return Err(format!("{program}: {error}"));
        }
    };
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if left().is_zero() => {
                stop(&mut child);
                return Err(late());
            }
            Ok(None) => std::thread::sleep(LOOK_EVERY),
            Err(error) => return Err(format!("{program}: {error}")),
        }
    };
    if !status.success() {
        return Err(format!("{program} failed ({status}); what it said is not shown, as it could hold the secret"));
    }
    String::from_utf8(bytes).map_err(|_| format!("{program} prints what is no text"))
}

/// Ends a program and what it has started.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str]) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        output_within(&words, Duration::from_secs(1))
    }

    #[test]
    fn what_a_command_prints_is_read_without_a_shell() {
        assert_eq!(run(&["printf", "hunter2\n"]), Ok("hunter2\n".to_owned()));
        assert_eq!(run(&["echo", "$HOME; ls"]), Ok("$HOME; ls\n".to_owned()));
        // It has no standard input to wait for.
        assert_eq!(run(&["cat"]), Ok(String::new()));
    }

    #[test]
    fn a_command_that_fails_hangs_or_floods_is_refused_without_its_words() {
        let fails = run(&["sh", "-c", "echo canary; echo canary >&2; exit 3"]).unwrap_err();
        assert!(fails.starts_with("sh failed (exit status: 3)") && !fails.contains("canary"), "{fails}");
        assert_eq!(run(&["sh", "-c", "sleep 60 & sleep 60"]).unwrap_err(), "sh did not end within 1 s");
        assert_eq!(run(&["sh", "-c", "exec >&-; sleep 60"]).unwrap_err(), "sh did not end within 1 s");
        assert_eq!(run(&["yes"]).unwrap_err(), "yes prints more than a secret");
        assert!(run(&["no-such-program-here"]).unwrap_err().starts_with("no-such-program-here: No such file"));
        assert_eq!(run(&["printf", "\\377"]).unwrap_err(), "printf prints what is no text");
        assert_eq!(run(&[]).unwrap_err(), "\"command\" is empty");
    }
}
