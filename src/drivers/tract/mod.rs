//! Models from their folders: int8 by operators of our own ([`Int8`]), float and what those do not know by tract.
//!
//! Loading trusts nothing: the manifest, the file's hash, the graph's input and output, and what the net says about
//! the golden pictures must agree, or the model is refused by an error that names the file and the field.

mod choice;
mod float;
mod graph;
mod int8;
mod plan;
mod reading;
mod weights;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tract_onnx::pb::ModelProto;

use self::choice::Choice;
pub use self::int8::Int8;
use self::int8::Read;
use self::plan::{Mixed, Net};
pub use self::reading::{open_reader, verify_reading};
use crate::pipeline::infer::{Classifier, Engine, Golden, Manifest, Model, Settings, Task, Tensor};
use crate::pipeline::preprocess::decode_file;

/// Where models are looked for by name: installed ones first.
pub const FOLDERS: [&str; 2] = ["/usr/share/pilah/models", "models"];

/// The file that makes a folder a model.
const MANIFEST: &str = "model.toml";

/// How far a score may be off where the manifest allows 1. It speaks of the reference engine on the same tensor; here
/// decoder and resizer differ from training's by a level now and then, and a net that is unsure makes 0.06 out of
/// that (lamp-clear.jpg of the waste model). A net or a picture mixed up is off by far more.
const SLACK: f32 = 4.0;

/// How nets are to be run.
#[derive(Debug, Clone, Copy)]
struct Way<'a> {
    engine: Engine,
    /// How many threads run an int8 net.
    threads: usize,
    /// Where it is remembered which engine is the faster one; without it, int8 is taken to be where there is a kernel
    /// for the processor.
    state: Option<&'a Path>,
}

impl Way<'_> {
    /// By an engine, on one thread.
    fn by(engine: Engine) -> Self {
        Self { engine, threads: 1, state: None }
    }
}

/// Finds and loads the model of a station. Where the engine is to be chosen, the choice is measured and remembered in
/// the directory `state`; without one, int8 is taken to be faster where there is a kernel for the processor.
///
/// # Errors
/// When there is none of that name, or something about it is wrong.
pub fn open(settings: &Settings, state: Option<&Path>) -> Result<Classifier> {
    let Settings { model, engine, threads } = settings;
    load_for(&find(model)?, Way { engine: *engine, threads: usize::from(threads.0), state })
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
    load_for(folder, Way::by(engine))
}

fn load_for(folder: &Path, way: Way<'_>) -> Result<Classifier> {
    let (manifest, net) = read(folder)?;
    let (engine, model) = build(&net, &manifest, way, manifest.input.shape())
        .with_context(|| format!("compiling {} for {:?}", manifest.file, way.engine))?;
    checked(folder, Classifier::new(manifest, engine, model))
}

/// Loads the model in `folder` as tract runs its quantized graph, without operators of ours: to compare with.
///
/// # Errors
/// As [`load`].
pub fn load_stock(folder: &Path) -> Result<Classifier> {
    let (manifest, net) = read(folder)?;
    let model = Net::new(&net, manifest.input.shape()).with_context(|| format!("compiling {}", manifest.file))?;
    checked(folder, Classifier::new(manifest, Engine::Int8, Box::new(model)))
}

/// The net of the model in `folder` as operators of ours, for measuring them one by one; with the first node that stays
/// with tract, and why, where one does.
///
/// # Errors
/// As [`load`], and where nothing of it is ours.
pub fn operators(folder: &Path) -> Result<(Int8, Option<String>)> {
    let (manifest, net) = read(folder)?;
    match Int8::read(&net, manifest.input.shape())? {
        Read::Whole(ours) => Ok((*ours, None)),
        Read::Part { node, why, parts: Some((ours, _)) } => {
            Ok((*ours, Some(format!("{node} stays with tract: {why}"))))
        }
        Read::Part { node, why, parts: None } => bail!("{node} stays with tract: {why}"),
    }
}

/// The manifest and the net's graph.
fn read(folder: &Path) -> Result<(Manifest, ModelProto)> {
    let manifest = read_manifest(folder)?;
    ensure!(manifest.task == Task::Classify, "{} is no classifier; name it in [read]", folder.display());
    let net = read_net(folder, &manifest)?;
    Ok((manifest, net))
}

/// The net of a model, held against its manifest.
fn read_net(folder: &Path, manifest: &Manifest) -> Result<ModelProto> {
    let path = folder.join(&manifest.file);
    let bytes = read_file(&path);
    bytes.and_then(|bytes| graph::read(&bytes, manifest)).with_context(|| format!("reading {}", path.display()))
}

/// One of a model's files; the caller names it.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow!("there is no such file: the model is not whole, install it again"),
        io::ErrorKind::PermissionDenied => anyhow!("this user may not read it: let it, by chmod a+r"),
        _ => error.into(),
    })
}

/// Compiles a net for tensors of one shape, and says by which engine.
fn build(net: &ModelProto, manifest: &Manifest, way: Way<'_>, shape: [usize; 4]) -> Result<(Engine, Box<dyn Model>)> {
    let float = || -> Result<Box<dyn Model>> { Ok(Box::new(Net::new(&float::dequantized(net)?, shape)?)) };
    if way.engine == Engine::Float {
        return Ok((Engine::Float, float()?));
    }
    let (mut int8, fast) = quantized(net, manifest, way.threads, shape)?;
    if way.engine == Engine::Int8 {
        return Ok((Engine::Int8, int8));
    }
    match way.state {
        _ if !fast => Ok((Engine::Float, float()?)),
        None => Ok((Engine::Int8, int8)),
        Some(state) => {
            let of = Choice::key(&manifest.sha256, int8::kernel()?, way.threads);
            match Choice::read(state, &of).map(|choice| choice.engine) {
                Some(Engine::Float) => Ok((Engine::Float, float()?)),
                Some(_) => Ok((Engine::Int8, int8)),
                None => {
                    let mut float = float()?;
                    let choice = Choice::measure(of, shape, &mut *float, &mut *int8)?;
                    let Choice { engine, float_ms, int8_ms, .. } = choice;
                    tracing::info!(model = manifest.name, ?engine, float_ms, int8_ms, "engine chosen by measurement");
                    choice.keep(state);
                    Ok((engine, if engine == Engine::Float { float } else { int8 }))
                }
            }
        }
    }
}

/// A quantized net by our operators as far as there are some, and whether those may be faster than floats.
fn quantized(
    net: &ModelProto,
    manifest: &Manifest,
    threads: usize,
    shape: [usize; 4],
) -> Result<(Box<dyn Model>, bool)> {
    let model = &manifest.name;
    match Int8::read(net, shape)? {
        Read::Whole(mut ours) => {
            ours.spread(threads)?;
            let fast = ours.is_fast();
            Ok((ours, fast))
        }
        Read::Part { node, why, parts: Some((mut ours, rest)) } => {
            let operators = ours.operators().len();
            tracing::warn!(model, node, why, operators, "from this node on int8 runs by tract, in floats");
            ours.spread(threads)?;
            let fast = ours.is_fast();
            Ok((Box::new(Mixed::new(*ours, &rest)?), fast))
        }
        Read::Part { node, why, parts: None } => {
            tracing::warn!(model, node, why, "int8 runs by tract, slower than float");
            Ok((Box::new(Net::new(net, shape)?), false))
        }
    }
}

/// A picture of one grey.
fn grey(shape: [usize; 4]) -> Tensor {
    Tensor { shape, pixels: vec![127; shape.iter().product()] }
}

/// A classifier that runs, and agrees with its golden pictures.
fn checked(folder: &Path, mut classifier: Classifier) -> Result<Classifier> {
    let any = grey(classifier.manifest.input.shape());
    classifier.scores(&any).context("trying the net on a grey picture")?;
    for golden in classifier.manifest.golden.clone() {
        check_golden(&mut classifier, folder, &golden)
            .with_context(|| format!("checking {}", folder.join(&golden.file).display()))?;
    }
    Ok(classifier)
}

fn check_golden(classifier: &mut Classifier, folder: &Path, golden: &Golden) -> Result<()> {
    let picture = decode_file(&read_file(&folder.join(&golden.file))?)?;
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
