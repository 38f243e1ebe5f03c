//! The demo's items: pictures from a folder per class.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::cmd::{pictures, print};
use crate::pipeline::infer::Manifest;
use crate::pipeline::preprocess::{Filter, Raster, resize};
use crate::sim::feed::Specimen;

/// The longest side that is kept in memory: the simulated camera shows items smaller.
const MAX_SIDE: u32 = 320;

/// Loads at most `most` pictures, evenly over the classes; what cannot be read is named and left out.
///
/// # Errors
/// When there is no picture in a folder that bears a class's name.
pub(super) fn load(folder: &Path, manifest: &Manifest, most: usize, seed: u64) -> Result<Vec<Specimen>> {
    ensure!(folder.is_dir(), "{} is no folder; give one with --images, with a folder a class in it", folder.display());
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut by_class: Vec<(String, Vec<_>)> = Vec::new();
    for class in &manifest.classes {
        let place = folder.join(&class.id);
        if place.is_dir() {
            let mut files = pictures::below(&place)?;
            rng.shuffle(&mut files);
            by_class.push((class.id.clone(), files));
        }
    }
    let mut specimens = Vec::new();
    while specimens.len() < most && by_class.iter().any(|(_, files)| !files.is_empty()) {
        for (class, files) in &mut by_class {
            let Some(file) = files.pop().filter(|_| specimens.len() < most) else { continue };
            match pictures::read(&file).and_then(smaller) {
                Ok(picture) => specimens.push(Specimen { class: class.clone(), picture: Arc::new(picture) }),
                Err(error) => print::note(format_args!("left out: {error:#}")),
            }
        }
    }
    let names: Vec<&str> = manifest.classes.iter().map(|class| class.id.as_str()).collect();
    ensure!(
        !specimens.is_empty(),
        "{} holds no picture of a class of {}; it needs folders named {}",
        folder.display(),
        manifest.title(),
        names.join(", ")
    );
    Ok(specimens)
}

fn smaller(picture: Raster) -> Result<Raster> {
    let longest = picture.width.max(picture.height);
    if longest <= MAX_SIDE {
        return Ok(picture);
    }
    let scaled = |side: u32| (side * MAX_SIDE / longest).max(1);
    resize(&picture, scaled(picture.width), scaled(picture.height), Filter::Bilinear).context("making it smaller")
}
