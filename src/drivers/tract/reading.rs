//! The nets of the label reader, and the depot's routing table.
//!
//! The recognizer takes strips of several widths; tract wants every shape fixed, so that the one file is compiled
//! once for each width. Golden strips are read once, and must say what the manifest says.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tract_onnx::pb::ModelProto;

use super::{Way, build, find, grey, load_for, read_manifest, read_net};
use crate::pipeline::infer::{Engine, Golden, Manifest, Model, Output, Task, Tensor};
use crate::pipeline::preprocess::{Raster, decode_file};
use crate::pipeline::read::address::REGIONS;
use crate::pipeline::read::{Reader, Settings, boxes, ctc, find as finder, strip};

/// Opens the reader of a station; `state` is the directory that remembers which engine is the faster one.
///
/// # Errors
/// When a net is missing or not what its manifest says, or the routing table cannot be read; the error names which.
pub fn open_reader(settings: &Settings, state: Option<&Path>) -> Result<Reader> {
    let way = Way { engine: settings.engine, threads: usize::from(settings.threads.0), state };
    let (lines, text) = (find(&settings.lines)?, find(&settings.text)?);
    let (finder, recognizer) = (manifest(&lines, Task::Lines)?, manifest(&text, Task::Text)?);
    let shape = [1, finder::INPUT.1, finder::INPUT.0, 1];
    ensure!(
        finder.input.shape() == shape,
        "{}: it takes {:?} instead of {shape:?}",
        lines.display(),
        finder.input.shape()
    );
    let nets = Widths::open(&text, &recognizer, way)?;
    let title = format!("{}, {}", finder.title(), recognizer.title());
    let mut finder_net = compiled(&lines, &finder, shape, way)?;
    check_finder(&mut *finder_net, &lines, &finder)?;
    let mut reader = Reader::new(title, finder_net, Box::new(nets))?;
    if let Some(model) = &settings.digits {
        let digits = load_for(&find(model)?, way)?;
        let classes = digits.manifest.ids();
        ensure!(
            classes.iter().zip('0'..='9').all(|(id, digit)| id.chars().eq([digit])) && classes.len() >= 10,
            "{model} does not read digits: its classes are {classes:?}"
        );
        ensure!(
            digits.manifest.input.shape() == boxes::SHAPE,
            "{model} takes {:?} instead of {:?}",
            digits.manifest.input.shape(),
            boxes::SHAPE
        );
        reader.digits = Some(digits);
    }
    if let Some(model) = &settings.whole {
        let whole = load_for(&find(model)?, way)?;
        let classes = whole.manifest.ids();
        ensure!(
            REGIONS.iter().all(|region| classes.contains(region)),
            "{model} does not know the regions {REGIONS:?}: its classes are {classes:?}"
        );
        reader.title = format!("{}, {}", reader.title, whole.manifest.title());
        reader.whole = Some(whole);
    }
    if let Some(path) = &settings.routing {
        let table = fs::read_to_string(path).with_context(|| format!("reading routing table {}", path.display()))?;
        reader.routing = routing(&table).with_context(|| format!("reading routing table {}", path.display()))?;
    }
    Ok(reader)
}

/// Loads a net of the reader's alone and holds it against its golden pictures.
///
/// # Errors
/// As [`open_reader`], and when the model is a classifier.
pub fn verify_reading(folder: &Path, engine: Engine) -> Result<Manifest> {
    let found = read_manifest(folder)?;
    match found.task {
        Task::Text => drop(Widths::open(folder, &found, Way::by(engine))?),
        Task::Lines => {
            let mut net = compiled(folder, &found, found.input.shape(), Way::by(engine))?;
            check_finder(&mut *net, folder, &found)?;
        }
        Task::Classify => bail!("{} is a classifier", folder.display()),
    }
    Ok(found)
}

/// The manifest of a model that does `task`.
fn manifest(folder: &Path, task: Task) -> Result<Manifest> {
    let manifest = read_manifest(folder)?;
    if manifest.task != task {
        bail!("{} is no model for {task:?}: its task is {:?}", folder.display(), manifest.task);
    }
    Ok(manifest)
}

fn compiled(folder: &Path, manifest: &Manifest, shape: [usize; 4], way: Way<'_>) -> Result<Box<dyn Model>> {
    let net = read_net(folder, manifest)?;
    Ok(compile(&net, folder, manifest, shape, way)?.1)
}

fn compile(
    net: &ModelProto,
    folder: &Path,
    manifest: &Manifest,
    shape: [usize; 4],
    way: Way<'_>,
) -> Result<(Engine, Box<dyn Model>)> {
    let (engine, mut model) =
        build(net, manifest, way, shape).with_context(|| format!("compiling {}", folder.display()))?;
    model.run(&grey(shape)).with_context(|| format!("trying {} on a grey picture", folder.display()))?;
    Ok((engine, model))
}

/// One recognizer for strips of several widths.
struct Widths {
    nets: Vec<([usize; 4], Box<dyn Model>)>,
}

impl Widths {
    fn open(folder: &Path, manifest: &Manifest, mut way: Way<'_>) -> Result<Self> {
        let net = read_net(folder, manifest)?;
        let mut nets = Vec::new();
        // Where the engine is measured, it is on the widest, which takes longest; the others follow.
        for width in strip::WIDTHS.into_iter().rev() {
            let shape = [1, strip::ROWS, width, 1];
            let (engine, model) = compile(&net, folder, manifest, shape, way)?;
            way.engine = engine;
            nets.push((shape, model));
        }
        let mut nets = Self { nets };
        check_recognizer(&mut nets, folder, manifest)?;
        Ok(nets)
    }
}

impl Model for Widths {
    fn run(&mut self, input: &Tensor) -> Result<Vec<Output>> {
        let net = self.nets.iter_mut().find(|(shape, _)| *shape == input.shape);
        let (_, net) = net.with_context(|| format!("no net was built for strips of {:?}", input.shape))?;
        net.run(input)
    }
}

/// A mean logit below this says that a channel shows nearly nothing.
const FAR: f32 = -3.0;

/// A golden picture in grey.
fn picture(folder: &Path, golden: &Golden) -> Result<Raster> {
    let path = folder.join(&golden.file);
    let picture = super::read_file(&path).and_then(|bytes| decode_file(&bytes));
    Ok(picture.with_context(|| format!("reading {}", path.display()))?.grey().into_owned())
}

/// The finder must give the mean that the manifest says of each channel.
fn check_finder(net: &mut dyn Model, folder: &Path, manifest: &Manifest) -> Result<()> {
    for golden in &manifest.golden {
        // It is what the net sees, not what a camera gives.
        let picture = picture(folder, golden)?;
        let shape = [1, picture.height as usize, picture.width as usize, 1];
        let outputs = net.run(&Tensor { shape, pixels: picture.pixels })?;
        let values = &outputs.first().context("the finder has no output")?.values;
        let channels = golden.means.len();
        ensure!(values.len() % channels == 0, "{}: means of {channels} channels do not fit", golden.file);
        #[expect(clippy::cast_precision_loss, reason = "a map has a few thousand cells")]
        let cells = (values.len() / channels) as f32;
        for (channel, wanted) in golden.means.iter().enumerate() {
            let found = values.iter().skip(channel).step_by(channels).sum::<f32>() / cells;
            // An int8 output ends where its 256 levels do, which the float net knows nothing of: of logits that are far
            // below 0 nearly everywhere only that is the same.
            let far = *wanted < FAR && found < FAR;
            ensure!(
                far || (found - wanted).abs() <= golden.tolerance * super::SLACK,
                "{}: channel {channel} has the mean {found:.3} instead of {wanted:.3}; the picture, the net and \
                 model.toml do not belong together: install the model again",
                golden.file
            );
        }
    }
    Ok(())
}

/// The recognizer must read its golden strips.
fn check_recognizer(nets: &mut Widths, folder: &Path, manifest: &Manifest) -> Result<()> {
    for golden in &manifest.golden {
        let (path, picture) = (folder.join(&golden.file), picture(folder, golden)?);
        let used = picture.width as usize;
        let fits = strip::WIDTHS.into_iter().find(|&width| width >= used);
        let most = strip::WIDTHS.into_iter().max().unwrap_or_default();
        let width = fits.with_context(|| {
            let path = path.display();
            format!(
                "{path} is {used} pixels wide, and a strip has {most} at most: cut it, or remove it from model.toml"
            )
        })?;
        ensure!(picture.height as usize == strip::ROWS, "{}: a strip has {} rows", path.display(), strip::ROWS);
        let mut pixels = vec![224; width * strip::ROWS];
        for (to, from) in pixels.chunks_exact_mut(width).zip(picture.pixels.chunks_exact(used)) {
            to[..used].copy_from_slice(from);
        }
        let outputs = nets.run(&Tensor { shape: [1, strip::ROWS, width, 1], pixels })?;
        let glyphs = ctc::glyphs(outputs.first().context("the recognizer has no output")?, used)?;
        let said: String = glyphs.iter().map(|glyph| glyph.c).collect();
        ensure!(
            said.trim() == golden.text.trim(),
            "{} says {said:?} instead of {:?}; the picture, the net and model.toml do not belong together: \
             install the model again",
            path.display(),
            golden.text
        );
    }
    Ok(())
}

/// Beginnings of waybill numbers and lanes: `prefix,lane`, a line each; lines with a # in front say nothing.
fn routing(table: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (at, line) in table.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || (at == 0 && line.eq_ignore_ascii_case("prefix,lane")) {
            continue;
        }
        let Some((prefix, lane)) = line.split_once(',') else {
            bail!("line {}: {line:?} is not `prefix,lane`", at + 1)
        };
        let (prefix, lane) = (prefix.trim(), lane.trim());
        let usable =
            !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
        ensure!(usable, "line {}: {prefix:?} begins no waybill number; use capitals and digits", at + 1);
        ensure!(!lane.is_empty(), "line {}: no lane stands behind {prefix:?}", at + 1);
        found.push((prefix.to_owned(), lane.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_routing_table_is_read_or_told_what_is_wrong(table in "([A-Z0-9, \n#é-]{0,9}|prefix,lane|\n){0,12}") {
            drop(routing(&table));
        }
    }

    #[test]
    fn routing_tables_are_read_and_wrong_lines_named() {
        let found = routing("prefix,lane\n# Jawa\nSPXID01,REG_JAWA\n P27 , REG_LUARJAWA \n\n").unwrap();
        assert_eq!(found, [("SPXID01".into(), "REG_JAWA".into()), ("P27".into(), "REG_LUARJAWA".into())]);
        for (table, says) in
            [("a", "line 1"), ("P1,\n", "no lane"), (",X", "begins no waybill"), ("p1,X", "use capitals")]
        {
            assert!(format!("{:#}", routing(table).unwrap_err()).contains(says), "{table}");
        }
    }
}
