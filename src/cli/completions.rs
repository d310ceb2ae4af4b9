//! What shells and manuals are given: completions and the man page, drawn from the same table as the help.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Args;
use super::{Failure, Outcome, output};

/// The name under which shells know the program.
const NAME: &str = "quarterdeck";

/// Prints the completion script of a shell.
pub(super) fn run(shell: Shell) -> Result<Outcome, Failure> {
    // Made whole first: clap's generator does not take an output that ends early.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), NAME, &mut script);
    output::print(|out| out.write_all(&script))?;
    Ok(Outcome::Fine)
}

/// Prints the manual page, in roff.
pub(super) fn man() -> Result<Outcome, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(|error| Failure::Other(error.into()))?;
    output::print(|out| out.write_all(&page))?;
    Ok(Outcome::Fine)
}
