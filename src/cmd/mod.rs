//! The command line: one file a subcommand, each with its `Args` and a `run`.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage (by clap), 78 bad configuration, on which systemd does not restart.

pub mod bench;
pub mod check;
pub mod classify;
pub mod completions;
#[cfg(feature = "demo-broker")]
pub mod demo;
pub mod doctor;
pub mod evaluate;
pub mod lane_test;
pub mod man;
pub mod model;
pub mod outbox;
pub mod outputs_off;
mod pictures;
pub mod print;
pub mod run;
mod save;
pub mod schema;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The exit code for a configuration whose text is wrong: `EX_CONFIG` of sysexits.h.
pub const BAD_CONFIG: u8 = 78;

/// The exit code for wrong usage, as clap has it.
pub const WRONG_USAGE: u8 = 2;

/// Sorts what passes a camera: quantized CNNs decide, diverters move in time, every decision goes to MQTT.
#[derive(Debug, Parser)]
#[command(name = "pilah", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "demo-broker")]
    Demo(demo::Args),
    Run(run::Args),
    Check(check::Args),
    Doctor(doctor::Args),
    LaneTest(lane_test::Args),
    OutputsOff(outputs_off::Args),
    Classify(classify::Args),
    Evaluate(evaluate::Args),
    Bench(bench::Args),
    Model(model::Args),
    Outbox(outbox::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// When it could not be done; the caller prints the error and exits with 1.
    pub fn run(&self) -> Result<ExitCode> {
        match &self.command {
            #[cfg(feature = "demo-broker")]
            Command::Demo(args) => demo::run(args),
            Command::Run(args) => run::run(args),
            Command::Check(args) => check::run(args),
            Command::Doctor(args) => doctor::run(args),
            Command::LaneTest(args) => lane_test::run(args),
            Command::OutputsOff(args) => outputs_off::run(args),
            Command::Classify(args) => classify::run(args),
            Command::Evaluate(args) => evaluate::run(args),
            Command::Bench(args) => bench::run(args),
            Command::Model(args) => model::run(args),
            Command::Outbox(args) => outbox::run(args),
            Command::Schema(args) => schema::run(args),
            Command::Completions(args) => completions::run(args),
            Command::Man(args) => man::run(args),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_explains_itself() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(argument.get_help().is_some(), "{} {} has no help", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
