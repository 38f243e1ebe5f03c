//! `pilah completions`: the shell's help while typing.

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, print};

/// Prints the completions of a shell, such as for /usr/share/bash-completion/completions/pilah.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to print them for.
    shell: Shell,
}

/// Prints them.
///
/// # Errors
/// When they cannot be printed.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pilah", &mut script);
    print::bytes(&script)?;
    Ok(ExitCode::SUCCESS)
}
