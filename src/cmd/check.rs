//! `pilah check`: every problem of a configuration at once.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use crate::app::station::{check_against, manifest, models, open_eyes};
use crate::cmd::{BAD_CONFIG, print};
use crate::config::{BadConfig, Config, Located, nearest};
use crate::drivers::tract;
use crate::pipeline::infer::Task;
use crate::problem::Problem;

/// Checks a configuration: every problem at once, each with its line and its remedy.
///
/// The exit code is 0 when all is well and 78 when something is wrong. Where the models are at hand, they are loaded as
/// the daemon does, and the lanes held against their classes; a model that is refused, or is not among those that are
/// here, makes the exit code 1. On a machine without any model the file is checked without them, and a line says so.
/// Warnings change no exit code.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration, such as config/waste.toml.
    #[arg(long, value_name = "FILE", env = "PILAH_CONFIG")]
    config: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Default, Serialize)]
struct Answer {
    ok: bool,
    problems: Vec<Located>,
    /// What works, and may not be meant.
    warnings: Vec<Located>,
    /// What could not be checked.
    unchecked: Option<String>,
    /// Why a model cannot be used.
    refused: Option<String>,
}

/// Checks the file.
///
/// # Errors
/// When it cannot be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    let answer = match Config::load(&args.config) {
        Ok(config) => {
            let warnings = Config::locate(&args.config, config.warnings())?;
            Answer { warnings, ..against_models(&args.config, &config)? }
        }
        Err(error) => Answer { problems: error.downcast::<BadConfig>()?.problems, ..Answer::default() },
    };
    print::answer(if args.json {
        print::json(&answer)
    } else if answer.problems.is_empty() {
        print::line(format_args!("{}: {}", args.config.display(), headline(&answer)))
    } else {
        print::line(BadConfig { file: args.config.clone(), problems: answer.problems.clone() })
    })?;
    if !args.json {
        for warning in &answer.warnings {
            print::note(format_args!("warning: {}", warning.told(&args.config)));
        }
        if let Some(refused) = &answer.refused {
            print::note(format_args!("a model is refused: {refused}"));
        }
    }
    Ok(match (answer.ok, answer.problems.is_empty()) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::from(BAD_CONFIG),
    })
}

/// What is said of a file without a problem.
fn headline(answer: &Answer) -> String {
    match (&answer.refused, &answer.unchecked, answer.warnings.len()) {
        (Some(_), ..) => "its text is well, its model is not".into(),
        (None, Some(why), _) => {
            format!("its text is well, but it is NOT CHECKED against its models: {why}; check it again on the board")
        }
        (None, None, 0) => "all is well".into(),
        (None, None, 1) => "nothing is wrong, with a warning".into(),
        (None, None, several) => format!("nothing is wrong, with {several} warnings"),
    }
}

/// What is wrong with a model's name, where this machine has models and none is called so. A path is not judged: it may
/// be one of the board.
fn unknown(key: &str, model: &str, task: Task, installed: &[(String, Task)]) -> Option<Problem> {
    if model.contains('/') || installed.is_empty() {
        return None;
    }
    let fitting = || installed.iter().filter(|(_, does)| *does == task).map(|(name, _)| name.as_str());
    let remedy = match nearest(model, fitting()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("name one of {}, or install it", fitting().collect::<Vec<_>>().join(", ")),
    };
    Some(Problem { key: key.into(), what: format!("no model here is called \"{model}\""), remedy })
}

fn installed() -> Vec<(String, Task)> {
    let folders = tract::list().into_iter();
    let found = folders.filter_map(|folder| {
        let name = folder.file_name()?.to_string_lossy().into_owned();
        Some((name, tract::read_manifest(&folder).ok()?.task))
    });
    found.collect()
}

fn against_models(file: &Path, config: &Config) -> Result<Answer> {
    let missing: Vec<_> = models(config).filter(|(_, model, _)| tract::find(model).is_err()).collect();
    if !missing.is_empty() {
        let installed = installed();
        let unknown = missing.iter().filter_map(|(key, model, task)| unknown(key, model, *task, &installed));
        let unknown: Vec<String> =
            Config::locate(file, unknown.collect())?.iter().map(|located| located.told(file)).collect();
        let refused = (!unknown.is_empty()).then(|| unknown.join("\n"));
        let names: Vec<&str> = missing.iter().map(|(_, model, _)| model.as_str()).collect();
        let unchecked = Some(format!("{} is not on this machine", names.join(", ")));
        return Ok(Answer { ok: refused.is_none(), unchecked, refused, ..Answer::default() });
    }
    let manifest = config.infer.as_ref().map(|infer| manifest(&infer.model));
    let problems = match manifest.transpose() {
        Ok(Some(manifest)) => Config::locate(file, check_against(config, &manifest))?,
        // Loading says what is wrong with it.
        Ok(None) | Err(_) => Vec::new(),
    };
    let refused = if problems.is_empty() { open_eyes(config, None).err() } else { None };
    let refused = refused.map(|error| format!("{error:#}"));
    Ok(Answer { ok: problems.is_empty() && refused.is_none(), problems, refused, ..Answer::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_model_is_told_where_there_are_models_to_compare_it_with() {
        let installed = [("waste", Task::Classify), ("label-lines", Task::Lines), ("label-text", Task::Text)];
        let installed = installed.map(|(name, task)| (name.to_owned(), task));
        let told = |model: &str, task| unknown("infer.model", model, task, &installed).map(|one| one.to_string());
        let said =
            |remedy: &str, model: &str| Some(format!("infer.model: no model here is called \"{model}\"; {remedy}"));
        assert_eq!(told("wastee", Task::Classify), said("did you mean waste?", "wastee"));
        assert_eq!(told("limbah", Task::Classify), said("name one of waste, or install it", "limbah"));
        assert_eq!(told("label-lnes", Task::Lines), said("did you mean label-lines?", "label-lnes"));
        assert_eq!(told("models/limbah", Task::Classify), None, "the board may have it");
        assert_eq!(unknown("infer.model", "limbah", Task::Classify, &[]), None, "a desk without models");
    }

    #[test]
    fn what_was_not_checked_stands_in_the_first_line() {
        let unchecked = Some("waste is not on this machine".to_owned());
        let told = headline(&Answer { ok: true, unchecked, ..Answer::default() });
        assert!(told.contains("NOT CHECKED against its models: waste is not on this machine"), "{told}");
        assert_eq!(headline(&Answer { ok: true, ..Answer::default() }), "all is well");
    }
}
