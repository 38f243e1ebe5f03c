//! `pilah evaluate`: how good a model is on labelled pictures, along the daemon's own path.

mod figures;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use self::figures::{Figures, Judged};
use super::{pictures, print, save};
use crate::drivers::tract;
use crate::pipeline::decide::UNKNOWN;
use crate::pipeline::infer::{Classifier, Engine, Manifest, Tensor};
use crate::pipeline::preprocess::MOST_MEMORY;
use crate::units::ClassId;

/// Measures a model on pictures that lie in a folder a class.
///
/// Prints accuracy, precision, recall and F1 of each class, what of it gets a lane at the shipped thresholds and how much
/// of that is right, the confusion matrix, the calibration error, and the risk at each coverage. Pictures that cannot be read are named, skipped and counted.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name that `pilah model list` shows, or the path of its folder.
    #[arg(long, value_name = "DIR")]
    model: String,
    /// The pictures: a folder that holds a folder for each class, named by the class's id, and maybe one `unknown`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Prints one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Also writes report.md and confusion.svg into this folder.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// What runs the net.
    #[arg(long, value_enum, default_value_t)]
    engine: Engine,
}

/// Measures and prints.
///
/// # Errors
/// When the model does not load, the folders do not fit its classes, or no picture can be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    args.report.as_deref().map_or(Ok(()), save::folder)?;
    let folder = tract::find(&args.model)?;
    let classifier = tract::load(&folder, args.engine)?;
    let manifest = classifier.manifest.clone();
    let engine = classifier.engine;
    let samples = samples(&args.data, &manifest)?;
    let (judged, skipped) = judge(classifier, &folder, &samples)?;
    for problem in &skipped {
        print::note(format_args!("skipped: {problem}"));
    }
    ensure!(
        !judged.is_empty(),
        "evaluating on {}: none of {} pictures can be read",
        args.data.display(),
        samples.len()
    );
    let figures = Figures::new(&manifest, &judged);
    if let Some(folder) = &args.report {
        let title = format!("{} ({engine:?}) on {}", manifest.title(), args.data.display());
        report::write(folder, &title, &figures, skipped.len())?;
    }
    if args.json {
        print::json(&figures.json(skipped.len()))?;
    } else {
        print::line(report::text(&figures, skipped.len()).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A picture and its class; `None` is unknown to a model that has no such class.
struct Sample {
    path: PathBuf,
    label: Option<ClassId>,
}

fn samples(data: &Path, manifest: &Manifest) -> Result<Vec<Sample>> {
    let entries = std::fs::read_dir(data).with_context(|| format!("listing {}", data.display()))?;
    let shown = entries.flatten().filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    let (mut folders, loose): (Vec<PathBuf>, Vec<PathBuf>) =
        shown.map(|entry| entry.path()).partition(|path| path.is_dir());
    if !loose.is_empty() {
        let (data, several) = (data.display(), loose.len());
        print::note(format_args!("not looked at: {several} files in {data} that lie in no folder of a class"));
    }
    folders.sort();
    let (mut labels, mut strange) = (Vec::new(), Vec::new());
    for folder in &folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let label = manifest.class_named(&name);
        if label.is_none() && name != UNKNOWN {
            strange.push(name);
            continue;
        }
        labels.push(label);
    }
    if !strange.is_empty() {
        let told = pictures::no_classes(data, &strange, &manifest.name);
        bail!("{told}; its classes are {}", manifest.ids().join(", "));
    }
    let files = pictures::below(&folders)?.into_iter().zip(labels);
    let samples: Vec<_> =
        files.flat_map(|(paths, label)| paths.into_iter().map(move |path| Sample { path, label })).collect();
    ensure!(!samples.is_empty(), "no pictures in {}; it must hold a folder for each class", data.display());
    Ok(samples)
}

/// Classifies all samples on several threads; what could not be read comes back as text.
fn judge(first: Classifier, folder: &Path, samples: &[Sample]) -> Result<(Vec<Judged>, Vec<String>)> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {eta} left")?;
    let bar = ProgressBar::new(samples.len() as u64).with_style(style);
    let (next, engine) = (AtomicUsize::new(0), first.engine);
    let workers = workers().min(samples.len());
    let work = |mut classifier: Classifier| -> Result<(Vec<Judged>, Vec<String>)> {
        let (mut judged, mut skipped) = (Vec::new(), Vec::new());
        while let Some(sample) = samples.get(next.fetch_add(1, Ordering::Relaxed)) {
            match pictures::read(&sample.path).and_then(|picture| classifier.prepare(&picture)) {
                Ok(tensor) => judged.push(look(&mut classifier, sample, &tensor).inspect_err(|_| {
                    // A net that fails on one picture is not worth a look at the others.
                    next.store(samples.len(), Ordering::Relaxed);
                })?),
                Err(error) => skipped.push(format!("{error:#}")),
            }
            bar.inc(1);
        }
        Ok((judged, skipped))
    };
    let parts = thread::scope(|scope| -> Result<Vec<_>> {
        let mut handles = Vec::new();
        for worker in 1..workers {
            let (work, classifier) = (&work, tract::load(folder, engine)?);
            let name = format!("evaluate-{worker}");
            handles.push(thread::Builder::new().name(name).spawn_scoped(scope, move || work(classifier))?);
        }
        let mut parts = vec![work(first)];
        for handle in handles {
            parts.push(handle.join().map_err(|_| anyhow::anyhow!("a worker of evaluate panicked"))?);
        }
        parts.into_iter().collect()
    })?;
    bar.finish_and_clear();
    let (judged, mut skipped): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    skipped.iter_mut().for_each(|part| part.sort());
    Ok((judged.concat(), skipped.concat()))
}

/// One a core, as far as each has room for the largest picture.
fn workers() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib =
        memory.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.strip_suffix("kB")?.trim().parse().ok());
    kib.map_or(cores, |kib: usize| cores.min(kib / (MOST_MEMORY >> 10)).max(1))
}

fn look(classifier: &mut Classifier, sample: &Sample, tensor: &Tensor) -> Result<Judged> {
    let scores = classifier.scores(tensor).with_context(|| format!("classifying {}", sample.path.display()))?;
    let (called, confidence) = scores.best();
    Ok(Judged { label: sample.label, called, confidence })
}
