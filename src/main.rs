//! The program: see `quarterdeck::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    quarterdeck::cli::main(std::env::args_os())
}
