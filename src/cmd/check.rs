//! `pilah check`: every problem of a configuration at once.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use crate::app::station::check_against;
use crate::cmd::{BAD_CONFIG, print};
use crate::config::{BadConfig, Config, Located};
use crate::drivers::tract;

/// Checks a configuration: every problem at once, each with its line and its remedy.
///
/// The exit code is 0 when all is well and 78 when something is wrong. Where the model is at hand, the lanes are held
/// against its classes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration, such as config/waste.toml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    ok: bool,
    problems: Vec<Located>,
    /// What could not be checked.
    unchecked: Option<String>,
}

/// Checks the file.
///
/// # Errors
/// When it cannot be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    let (problems, unchecked) = match Config::load(&args.config) {
        Ok(config) => against_model(args, &config)?,
        Err(error) => (error.downcast::<BadConfig>()?.problems, None),
    };
    let answer = Answer { ok: problems.is_empty(), problems, unchecked };
    print::answer(if args.json {
        print::json(&answer)
    } else if answer.ok {
        let what = if answer.unchecked.is_some() { "its text is well" } else { "all is well" };
        print::line(format_args!("{}: {what}", args.config.display()))
    } else {
        print::line(BadConfig { file: args.config.clone(), problems: answer.problems.clone() })
    })?;
    if let Some(unchecked) = answer.unchecked.filter(|_| !args.json) {
        print::note(format_args!("not checked against the model: {unchecked}"));
    }
    Ok(if answer.ok { ExitCode::SUCCESS } else { ExitCode::from(BAD_CONFIG) })
}

fn against_model(args: &Args, config: &Config) -> Result<(Vec<Located>, Option<String>)> {
    let read = config.read.iter().flat_map(|read| [&read.lines, &read.text]);
    let readers = read.map(|model| tract::find(model).map(drop)).collect::<Result<Vec<_>>>();
    let unchecked = readers.err().map(|error| format!("{error:#}"));
    let Some(infer) = &config.infer else { return Ok((Vec::new(), unchecked)) };
    match tract::find(&infer.model).and_then(|folder| tract::read_manifest(&folder)) {
        Ok(manifest) => Ok((Config::locate(&args.config, check_against(config, &manifest))?, unchecked)),
        Err(error) => Ok((Vec::new(), Some(format!("{error:#}")))),
    }
}
