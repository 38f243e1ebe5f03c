//! `pilah check`: every problem of a configuration at once.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use crate::app::station::{check_against, open_eyes};
use crate::cmd::{BAD_CONFIG, print};
use crate::config::{BadConfig, Config, Located};
use crate::drivers::tract;

/// Checks a configuration: every problem at once, each with its line and its remedy.
///
/// The exit code is 0 when all is well and 78 when something is wrong. Where the models are at hand, they are loaded as
/// the daemon does, and the lanes held against their classes; a model that is refused makes the exit code 1.
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
    /// Why a model that is there cannot be used.
    refused: Option<String>,
}

/// Checks the file.
///
/// # Errors
/// When it cannot be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    let answer = match Config::load(&args.config) {
        Ok(config) => against_models(args, &config)?,
        Err(error) => {
            let problems = error.downcast::<BadConfig>()?.problems;
            Answer { ok: false, problems, unchecked: None, refused: None }
        }
    };
    print::answer(if args.json {
        print::json(&answer)
    } else if answer.problems.is_empty() {
        let what = if answer.ok && answer.unchecked.is_none() { "all is well" } else { "its text is well" };
        print::line(format_args!("{}: {what}", args.config.display()))
    } else {
        print::line(BadConfig { file: args.config.clone(), problems: answer.problems.clone() })
    })?;
    if let Some(unchecked) = answer.unchecked.filter(|_| !args.json) {
        print::note(format_args!("not checked against the model: {unchecked}"));
    }
    if let Some(refused) = answer.refused.filter(|_| !args.json) {
        print::note(format_args!("a model is refused: {refused}"));
    }
    Ok(match (answer.ok, answer.problems.is_empty()) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::from(BAD_CONFIG),
    })
}

fn against_models(args: &Args, config: &Config) -> Result<Answer> {
    let read = config.read.iter().flat_map(|read| [&read.lines, &read.text]);
    let named = config.infer.iter().map(|infer| &infer.model).chain(read);
    let found = named.map(|model| tract::find(model).map(drop)).collect::<Result<Vec<_>>>();
    let Ok(_) = &found else {
        let unchecked = found.err().map(|error| format!("{error:#}"));
        return Ok(Answer { ok: true, problems: Vec::new(), unchecked, refused: None });
    };
    let manifest =
        config.infer.as_ref().map(|infer| tract::find(&infer.model).and_then(|at| tract::read_manifest(&at)));
    let problems = match manifest.transpose() {
        Ok(Some(manifest)) => Config::locate(&args.config, check_against(config, &manifest))?,
        // Loading says what is wrong with it.
        Ok(None) | Err(_) => Vec::new(),
    };
    let refused = if problems.is_empty() { open_eyes(config, None).err() } else { None };
    let refused = refused.map(|error| format!("{error:#}"));
    Ok(Answer { ok: problems.is_empty() && refused.is_none(), problems, unchecked: None, refused })
}
