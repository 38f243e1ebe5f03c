//! The demo's items: pictures from a folder per class.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::cmd::{pictures, print};
use crate::pipeline::decide::UNKNOWN;
use crate::pipeline::look::Eyes;
use crate::pipeline::preprocess::{Filter, Raster, resize};
use crate::sim::feed::Specimen;

/// What items are sorted by.
pub(super) struct Kinds {
    /// What sorts them, for messages.
    pub(super) of: String,
    /// Folders, and what stands in a table of truth.
    pub(super) names: Vec<String>,
    /// The longest side that is kept in memory: the simulated camera shows items no larger.
    pub(super) max_side: u32,
}

impl Kinds {
    /// What a station's nets tell apart: a classifier's classes, or a reader's regions.
    pub(super) fn of(eyes: &Eyes) -> Self {
        match &eyes.classifier {
            Some(classifier) => {
                let names = classifier.manifest.classes.iter().map(|class| class.id.clone()).collect();
                Self { of: classifier.manifest.title(), names, max_side: 320 }
            }
            None => {
                Self { of: "the label reader".into(), names: vec!["JAWA".into(), "LUAR_JAWA".into()], max_side: 1280 }
            }
        }
    }
}

/// The table of truth beside pictures of labels: columns `file` and `region` among others.
const TRUTH: &str = "truth.csv";

/// The class of items whose row names no region: they belong to no lane.
const NOWHERE: &str = "nowhere";

/// Loads at most `most` pictures, evenly over the classes; what cannot be read is named and left out.
///
/// # Errors
/// When there is no picture in a folder that bears a class's name.
pub(super) fn load(folder: &Path, kinds: &Kinds, most: usize, seed: u64) -> Result<Vec<Specimen>> {
    ensure!(folder.is_dir(), "{} is no folder; give one with --images, with a folder a class in it", folder.display());
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut by_class = match std::fs::read_to_string(folder.join(TRUTH)) {
        Ok(table) => from_table(folder, &table, kinds)?,
        Err(_) => from_folders(folder, kinds)?,
    };
    for (_, files) in &mut by_class {
        rng.shuffle(files);
    }
    let mut specimens = Vec::new();
    while specimens.len() < most && by_class.iter().any(|(_, files)| !files.is_empty()) {
        for (class, files) in &mut by_class {
            let Some(file) = files.pop().filter(|_| specimens.len() < most) else { continue };
            match pictures::read(&file).and_then(|picture| smaller(picture, kinds.max_side)) {
                Ok(picture) => specimens.push(Specimen { class: class.clone(), picture: Arc::new(picture) }),
                Err(error) => print::note(format_args!("left out: {error:#}")),
            }
        }
    }
    ensure!(
        !specimens.is_empty(),
        "{} holds no picture for {}; it needs folders named {}",
        folder.display(),
        kinds.of,
        kinds.names.join(", ")
    );
    Ok(specimens)
}

/// The files of each kind: a folder a kind.
fn from_folders(folder: &Path, kinds: &Kinds) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    let mut strange: Vec<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    // Evaluate takes a folder of what is unknown to any model.
    strange.retain(|name| !name.starts_with('.') && name != UNKNOWN && !kinds.names.contains(name));
    strange.sort();
    ensure!(
        strange.is_empty(),
        "{}; name the folders {}",
        pictures::no_classes(folder, &strange, &kinds.of),
        kinds.names.join(", ")
    );
    if !kinds.names.iter().any(|name| name == UNKNOWN) && folder.join(UNKNOWN).is_dir() {
        print::note(format_args!("left out: {}, which {} has no class for", folder.join(UNKNOWN).display(), kinds.of));
    }
    let there: Vec<&String> = kinds.names.iter().filter(|name| folder.join(name).is_dir()).collect();
    let folders: Vec<PathBuf> = there.iter().map(|name| folder.join(name)).collect();
    Ok(there.into_iter().cloned().zip(pictures::below(&folders)?).collect())
}

/// The files of each kind, as a table tells: `REG_JAWA` and `REG_LUARJAWA` stand for the regions, and none for what nobody
/// should sort.
fn from_table(folder: &Path, table: &str, kinds: &Kinds) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let mut rows = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = rows.next().unwrap_or_default();
    let column = |name: &str| {
        let at = head.iter().position(|one| *one == name);
        at.with_context(|| format!("reading {}: it has no column {name}", folder.join(TRUTH).display()))
    };
    let (file, region) = (column("file")?, column("region")?);
    let names = kinds.names.iter().cloned().chain([NOWHERE.to_owned()]);
    let mut found: Vec<(String, Vec<PathBuf>)> = names.map(|name| (name, Vec::new())).collect();
    for row in rows {
        let (Some(file), Some(region)) = (row.get(file), row.get(region)) else { continue };
        let region = match *region {
            "" => NOWHERE.to_owned(),
            region => region.trim_start_matches("REG_").replace("LUARJAWA", "LUAR_JAWA"),
        };
        if let Some((_, files)) = found.iter_mut().find(|(name, _)| *name == region) {
            files.push(folder.join(file));
        }
    }
    Ok(found)
}

fn smaller(picture: Raster, most: u32) -> Result<Raster> {
    let longest = picture.width.max(picture.height);
    if longest <= most {
        return Ok(picture);
    }
    let scaled = |side: u32| (side * most / longest).max(1);
    resize(&picture, scaled(picture.width), scaled(picture.height), Filter::Bilinear).context("making it smaller")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_no_class_are_named_all_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["3", "seven", "unknown", ".git", "eight"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let kinds = Kinds { of: "digits 1".into(), names: ["3", "7"].map(str::to_owned).into(), max_side: 320 };
        let error = from_folders(folder.path(), &kinds).unwrap_err().to_string();
        assert!(error.ends_with("eight, seven are no classes of digits 1; name the folders 3, 7"), "{error}");
    }
}
