//! The program `pilah`; everything it does lives in the library.

use std::process::ExitCode;

use clap::Parser;
use pilah::cmd::{BAD_CONFIG, Cli, print};
use pilah::config::BadConfig;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        // Who reads our output has seen enough, as `head` does.
        Err(error) if error.is::<print::Closed>() => ExitCode::SUCCESS,
        Err(error) => {
            print::note(format_args!("pilah: {error:#}"));
            if error.is::<BadConfig>() { ExitCode::from(BAD_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}
