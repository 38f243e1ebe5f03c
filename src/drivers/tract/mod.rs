//! Models from their folders, run by tract.
//!
//! Loading trusts nothing: the manifest, the file's hash, the graph's input and output, and what the net says about
//! the golden pictures must agree, or the model is refused by an error that names the file and the field.

mod float;
mod graph;
mod plan;
mod reading;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tract_onnx::pb::ModelProto;

use self::plan::Net;
pub use self::reading::{open_reader, verify_reading};
use crate::pipeline::infer::{Classifier, Engine, Golden, Manifest, Model, Settings, Task};
use crate::pipeline::preprocess::decode_file;

/// Where models are looked for by name: installed ones first.
pub const FOLDERS: [&str; 2] = ["/usr/share/pilah/models", "models"];

/// The file that makes a folder a model.
const MANIFEST: &str = "model.toml";

/// How far a score may be off where the manifest allows 1. It speaks of the reference engine on the same tensor; here
/// decoder and resizer differ from training's by a level now and then, and a net that is unsure makes 0.06 out of
/// that (lamp-clear.jpg of the waste model). A net or a picture mixed up is off by far more.
const SLACK: f32 = 4.0;

/// Finds and loads the model of a station.
///
/// # Errors
/// When there is none of that name, or something about it is wrong.
pub fn open(settings: &Settings) -> Result<Classifier> {
    load(&find(&settings.model)?, settings.engine)
}

/// The folder of a model: a path as it is where it has a slash, else the first of [`FOLDERS`] that has the name.
///
/// # Errors
/// When none has it.
pub fn find(model: &str) -> Result<PathBuf> {
    let candidates: Vec<PathBuf> = match model.contains('/') {
        true => vec![PathBuf::from(model)],
        false => FOLDERS.iter().map(|folder| Path::new(folder).join(model)).collect(),
    };
    if let Some(found) = candidates.iter().find(|folder| folder.join(MANIFEST).is_file()) {
        return Ok(found.clone());
    }
    let places: Vec<_> = candidates.iter().map(|folder| folder.join(MANIFEST).display().to_string()).collect();
    bail!("looking for model {model:?}: no {}; `pilah model list` shows what is there", places.join(" and no "))
}

/// The folders of all models that have a name, the ones that [`find`] prefers first.
pub fn list() -> Vec<PathBuf> {
    let folders = FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok());
    let inner = folders.flat_map(|entries| {
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    });
    inner.filter(|folder| folder.join(MANIFEST).is_file()).collect()
}

/// Reads and checks the manifest of a model's folder, and nothing else of it.
///
/// # Errors
/// When it cannot be read, or anything in it is wrong; all problems at once, a line each.
pub fn read_manifest(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest = Manifest::parse(&text).with_context(|| format!("reading {}", path.display()))?;
    let problems: Vec<String> = manifest.check().iter().map(ToString::to_string).collect();
    ensure!(problems.is_empty(), "checking {}: {}", path.display(), problems.join("\n  "));
    Ok(manifest)
}

/// Loads the model in `folder` and checks it whole.
///
/// # Errors
/// When the manifest, the hash, the graph or a golden picture is wrong; the error names which.
pub fn load(folder: &Path, engine: Engine) -> Result<Classifier> {
    let manifest = read_manifest(folder)?;
    ensure!(manifest.task == Task::Classify, "{} is no classifier; name it in [read]", folder.display());
    let path = folder.join(&manifest.file);
    let net = fs::read(&path)
        .map_err(anyhow::Error::from)
        .and_then(|bytes| checked_graph(&bytes, &manifest))
        .with_context(|| format!("reading {}", path.display()))?;
    let (engine, net) =
        engine_of(&net, engine, manifest.input.shape()).with_context(|| format!("compiling {}", path.display()))?;
    let mut classifier = Classifier::new(manifest, engine, net);
    for golden in classifier.manifest.golden.clone() {
        check_golden(&mut classifier, folder, &golden)
            .with_context(|| format!("checking {}", folder.join(&golden.file).display()))?;
    }
    Ok(classifier)
}

/// The graph in a file's bytes, held against its manifest.
fn checked_graph(bytes: &[u8], manifest: &Manifest) -> Result<ModelProto> {
    graph::read(bytes, manifest)
}

/// A net compiled for tensors of one shape, and what runs it.
fn engine_of(graph: &ModelProto, engine: Engine, shape: [usize; 4]) -> Result<(Engine, Box<dyn Model>)> {
    let (engine, net) = match engine {
        // On no board is tract's int8 the faster one: it runs a QDQ graph's convolutions in f32 and pays for the
        // casts (waste: 84 ms of processor time against 46, x86-64 with VNNI, November 2026). Once int8 operators of
        // our own replace them, this is where the two are measured.
        Engine::Float | Engine::Auto => (Engine::Float, Net::new(&float::dequantized(graph)?, shape)?),
        Engine::Int8 => (Engine::Int8, Net::new(graph, shape)?),
    };
    Ok((engine, Box::new(net)))
}

fn check_golden(classifier: &mut Classifier, folder: &Path, golden: &Golden) -> Result<()> {
    let picture = decode_file(&fs::read(folder.join(&golden.file))?)?;
    let tensor = classifier.prepare(&picture)?;
    let scores = classifier.scores(&tensor)?;
    let tolerance = golden.tolerance * SLACK;
    for ((class, found), expected) in classifier.manifest.classes.iter().zip(&scores.0).zip(&golden.scores) {
        ensure!(
            (found - expected).abs() <= tolerance,
            "class {} scores {found:.3} instead of {expected:.3} +-{tolerance}; \
             the picture, the net and {MANIFEST} do not belong together: install the model again",
            class.id
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
