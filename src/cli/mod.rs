//! The command line: one file per command, and the exit codes that scripts rely on.

mod args;
mod audit;
mod check;
mod cockpit;
mod completions;
mod config;
mod contexts;
mod demo;
mod doctor;
mod drift;
mod edits;
mod events;
mod first;
mod get;
mod in_force;
mod latency;
mod output;
mod plan;
mod policy;
mod question;
mod remediation;
mod report;
mod runbooks;
mod side_effects;
mod snapshot;
mod source;
mod suspects;
mod tenants;
mod theme;
mod tips;
mod watch;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Args, Command, ConfigCommand, SourceCommand};
use crate::domain::approval::Answer;
use crate::domain::text::is_hidden;
use crate::domain::wide::Control;

/// What a run of the program came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Fine.
    Fine,
    /// `--fail-on stuck`, and something is stuck.
    Stuck,
    /// The command line or the config can't be used.
    Usage,
    /// A source failed. Wins over [`Outcome::Stuck`].
    SourceFailed,
    /// It waits for approvals, or is refused.
    Withheld,
    /// What was looked at is not as it should be, or what was asked for did not come.
    Failed,
    /// Nobody knows what came of it.
    Unknown,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Fine => 0,
            Outcome::Stuck => 1,
            Outcome::Usage => 2,
            Outcome::SourceFailed => 3,
            Outcome::Withheld => 4,
            Outcome::Failed => 5,
            Outcome::Unknown => 6,
        })
    }
}

/// Why a command can't be carried out. The text is for people.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The command line or the config can't be used.
    #[error("{0}")]
    Usage(String),
    /// A source that would know did not answer.
    #[error("{0}")]
    Source(String),
    /// Something could not be read or written.
    #[error("{0}")]
    Other(#[from] color_eyre::Report),
}

/// Runs the program.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let args = match Args::try_parse_from(args::filters_last(arguments.iter().cloned())) {
        Ok(args) => args,
        Err(mut error) => {
            tips::put_into(&mut error, &arguments);
            let usage = error.use_stderr();
            let text = error.render().to_string();
            if text.chars().any(|c| c != '\n' && is_hidden(c)) {
                // The words that it names were pasted from somewhere.
                report::note(&text);
            } else {
                // Nothing can be said where standard error is closed.
                let _ = error.print();
            }
            return if usage { Outcome::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(dispatch(args));
            // What is still being read at the end (a thread on standard input) must not keep the process alive.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(Failure::Other(error.into())),
    };
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            report::error(&failure.to_string());
            match failure {
                Failure::Usage(_) => Outcome::Usage.into(),
                Failure::Source(_) => Outcome::SourceFailed.into(),
                Failure::Other(_) => ExitCode::from(70),
            }
        }
    }
}

async fn dispatch(args: Args) -> Result<Outcome, Failure> {
    match args.command.unwrap_or(Command::Cockpit) {
        Command::Cockpit => Box::pin(cockpit::run(&args.global)).await,
        Command::Demo => Box::pin(cockpit::run(&args.global.for_demo())).await,
        Command::Get(get) => get::run(&args.global, &get).await,
        Command::Snapshot(snapshot) => Box::pin(snapshot::run(&args.global, &snapshot)).await,
        Command::Doctor(doctor) => doctor::run(&args.global, &doctor).await,
        Command::Audit { what } => audit::run(&args.global, &what).await,
        Command::Completions { shell } => completions::run(shell),
        Command::Theme { what } => theme::run(&args.global, &what),
        Command::Plan(make) => plan::run(&args.global, &make).await,
        Command::Request(request) => remediation::request(&args.global, &request).await,
        Command::Approve(review) => remediation::review(&args.global, &review, Answer::Approve).await,
        Command::Deny(review) => remediation::review(&args.global, &review, Answer::Deny).await,
        Command::Run(run) => remediation::run(&args.global, &run).await,
        Command::Hold(named) => remediation::control(&args.global, &named, Control::Hold).await,
        Command::Resume(named) => remediation::control(&args.global, &named, Control::Resume).await,
        Command::Abort(named) => remediation::control(&args.global, &named, Control::Abort).await,
        Command::Ignore(ignore) => drift::ignore(&args.global, &ignore).await,
        Command::Adopt(adopt) => drift::adopt(&args.global, &adopt).await,
        Command::Rearm(rearm) => side_effects::rearm(&args.global, &rearm).await,
        Command::Rollback(rollback) => remediation::rollback(&args.global, &rollback).await,
        Command::Policy { what } => policy::run(&args.global, &what),
        Command::Man => completions::man(),
        Command::Source { what: SourceCommand::Try(tried) } => source::run(&args.global, &tried).await,
        Command::Config { what: ConfigCommand::Check { file } } => config::check(&args.global, file.as_deref()),
        Command::Config { what: ConfigCommand::Example { write } } => config::example(&args.global, write),
    }
}
