//! A model that knows the answer: it reads the class off the grey of the picture's middle.
//!
//! Whole-line tests use it where the net is not the point; they then run in milliseconds.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::pipeline::infer::{Classifier, Engine, Manifest, Model, Output, Tensor};
use crate::pipeline::preprocess::Raster;
use crate::sim::feed::Specimen;

/// Side of the oracle's input in pixels.
const SIDE: usize = 8;

struct Oracle {
    classes: usize,
}

impl Model for Oracle {
    fn run(&mut self, input: &Tensor) -> Result<Vec<Output>> {
        let middle = input.pixels[SIDE * SIDE / 2 + SIDE / 2];
        let class = usize::from(middle) * self.classes / 256;
        let values = (0..self.classes).map(|index| if index == class { 12.0 } else { 0.0 }).collect();
        Ok(vec![Output { shape: vec![1, self.classes], values }])
    }
}

/// A classifier of `classes` that is always right.
///
/// # Errors
/// When a class's name cannot stand in a manifest.
pub fn classifier(classes: &[&str]) -> Result<Classifier> {
    let each = classes.iter().map(|class| {
        format!("[[class]]\nid = {class:?}\nen = {class:?}\nid_ID = {class:?}\nadvice_en = \"\"\nadvice_id = \"\"\nthreshold = 0.5\n")
    });
    let head = format!(
        "schema = 1\nname = \"oracle\"\nversion = \"1.0.0\"\ntask = \"classify\"\nfile = \"none.onnx\"\nsha256 = \"{}\"\n\
         licence = \"MIT OR Apache-2.0\"\n[input]\nwidth = {SIDE}\nheight = {SIDE}\nchannels = 1\ncolour = \"grey\"\n\
         scale = 0.00392156862745098\nzero_point = 0\nfit = \"stretch\"\nfill = 0\nfilter = \"bilinear\"\ninvert = \"never\"\n\
         [output]\ntemperature = 1.0\nunknown = 0.2\n[metrics]\n",
        "0".repeat(64),
    );
    let text = head + &each.collect::<String>();
    let manifest = Manifest::parse(&text).context("reading the oracle's own manifest")?;
    Ok(Classifier::new(manifest, Engine::Float, Box::new(Oracle { classes: classes.len() })))
}

/// One specimen a class, in the grey that the oracle reads.
pub fn specimens(classes: &[&str]) -> Vec<Specimen> {
    let grey = |index: usize| u8::try_from((2 * index + 1) * 128 / classes.len()).unwrap_or(u8::MAX);
    let picture = |index| Raster { width: 16, height: 16, channels: 1, pixels: vec![grey(index); 256] };
    let specimen =
        |(index, class): (usize, &&str)| Specimen { class: (*class).to_owned(), picture: Arc::new(picture(index)) };
    classes.iter().enumerate().map(specimen).collect()
}
