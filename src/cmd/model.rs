//! `pilah model`: which models there are, and whether they are whole.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use super::print;
use crate::drivers::tract;
use crate::pipeline::infer::{Engine, Manifest, Task};

/// Lists models, or checks that they are whole.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Lists the models in /usr/share/pilah/models and ./models, each with its classes.
    List,
    /// Loads models as the daemon does, with every engine: hash, shapes, classes, golden pictures.
    Verify {
        /// Names, or paths of folders; without any, every model that `list` shows.
        models: Vec<String>,
    },
}

/// Lists or verifies.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::List => list(),
        Command::Verify { models } => verify(models),
    }
}

fn list() -> Result<ExitCode> {
    let folders = tract::list();
    if folders.is_empty() {
        note_none();
    }
    for folder in folders {
        match tract::read_manifest(&folder) {
            Ok(manifest) => print::line(describe(&folder, &manifest))?,
            Err(error) => print::line(format_args!("{}: not usable: {error:#}", folder.display()))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn note_none() {
    print::note(format_args!("no models in {}", tract::FOLDERS.join(" or ./")));
}

fn describe(folder: &Path, manifest: &Manifest) -> String {
    let classes = manifest.ids();
    let input = &manifest.input;
    let size = format!("{}x{}x{}", input.width, input.height, input.channels);
    let does = match manifest.task {
        Task::Classify => classes.join(", "),
        Task::Lines => "finds lines, labels and barcodes".to_owned(),
        Task::Text => "reads a line of text".to_owned(),
    };
    format!("{} ({}, {size}): {does}", manifest.title(), folder.display())
}

fn verify(models: &[String]) -> Result<ExitCode> {
    let found: Vec<Result<PathBuf>> = match models {
        [] => tract::list().into_iter().map(Ok).collect(),
        named => named.iter().map(|model| tract::find(model)).collect(),
    };
    let mut whole = !found.is_empty();
    if !whole {
        note_none();
    }
    for folder in found {
        match folder.and_then(|folder| verify_one(&folder)) {
            Ok(text) => print::line(text)?,
            Err(error) => {
                whole = false;
                print::line(format_args!("refused: {error:#}"))?;
            }
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verify_one(folder: &Path) -> Result<String> {
    let (manifest, classes) = if tract::read_manifest(folder)?.task == Task::Classify {
        tract::load(folder, Engine::Int8)?;
        let manifest = tract::load(folder, Engine::Float)?.manifest;
        let classes = format!("{} classes, ", manifest.classes.len());
        (manifest, classes)
    } else {
        tract::verify_reading(folder, Engine::Int8)?;
        (tract::verify_reading(folder, Engine::Float)?, String::new())
    };
    let golden = match manifest.golden.len() {
        0 => "no golden pictures to hold it against: add some, see models/train".to_owned(),
        several => format!("{several} golden pictures, int8 and float agree with them"),
    };
    Ok(format!("{}: whole; {classes}{golden}", manifest.title()))
}
