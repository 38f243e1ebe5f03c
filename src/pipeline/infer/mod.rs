//! The classifier: a picture's tensor in, calibrated probabilities out.
//!
//! A [`Classifier`] is a manifest, the preprocessing that it asks for, and a [`Model`] that runs the net. Preparing
//! and running are two methods, since the caller times them as two stages.

mod manifest;

use std::cmp::Ordering;

use anyhow::{Context, Result, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) use self::manifest::tests::GOOD as GOOD_MANIFEST;
pub use self::manifest::{Calibration, Class, Golden, Manifest, Source, Task};
pub use crate::pipeline::preprocess::Tensor;
use crate::pipeline::preprocess::{Fitter, Raster};
use crate::problem::Problems;
use crate::units::ClassId;

/// What runs a net: `drivers::tract` the real ones, `sim` one that knows the answer.
pub trait Model: Send {
    /// Runs the net once.
    ///
    /// # Errors
    /// When the tensor's shape is not the one the net was built for, or the engine refuses.
    fn run(&mut self, input: &Tensor) -> Result<Vec<Output>>;
}

/// One of a net's outputs, dequantized: logits, or for text a row of logits a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// As the net declares it, batch first.
    pub shape: Vec<usize>,
    /// Row by row.
    pub values: Vec<f32>,
}

/// Calibrated probabilities, one a class, in the manifest's order; their sum is 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores(pub Vec<f32>);

impl Scores {
    /// The probabilities that logits stand for: `softmax(logits / temperature)`.
    pub fn from_logits(logits: &[f32], temperature: f32) -> Self {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = logits.iter().map(|logit| ((logit - largest) / temperature).exp()).collect();
        let sum: f32 = powers.iter().sum();
        Self(powers.into_iter().map(|power| power / sum).collect())
    }

    /// The `n` likeliest classes, likeliest first; of equals the first in the manifest.
    pub fn top(&self, n: usize) -> Vec<(ClassId, f32)> {
        let mut ranked: Vec<_> = self.0.iter().enumerate().map(|(at, &p)| (ClassId(at), p)).collect();
        ranked.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal));
        ranked.truncate(n);
        ranked
    }

    /// The likeliest class and its probability.
    pub fn best(&self) -> (ClassId, f32) {
        self.top(1).first().copied().unwrap_or((ClassId(0), 0.0))
    }
}

/// What a station configures of this stage: `[infer]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The model: a name, looked for in /usr/share/pilah/models and ./models, or the path of its folder.
    pub model: String,
    /// What runs the net; `auto` takes the faster one.
    #[serde(default)]
    pub engine: Engine,
    /// How many threads run an int8 net: 2 takes a second core for half of each large operator, where a decision must
    /// come sooner and the core has nothing else to do. The scores are the same.
    #[serde(default)]
    pub threads: Threads,
}

impl Settings {
    /// Notes everything that is wrong with these settings.
    pub fn check(&self, problems: &mut Problems<'_>) {
        let remedy = "name a model that `pilah model list` shows, or give the path of its folder";
        problems.expect(!self.model.trim().is_empty(), "model", "is empty", remedy);
        self.threads.check(problems);
    }
}

/// How many threads run a net.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Threads(#[schemars(range(min = 1, max = 2))] pub u8);

impl Default for Threads {
    fn default() -> Self {
        Self(1)
    }
}

impl Threads {
    /// Notes a number that there cannot be.
    pub fn check(self, problems: &mut Problems<'_>) {
        let remedy = "give 1, or 2 for a second core";
        problems.expect((1..=2).contains(&self.0), "threads", format!("{} is neither 1 nor 2", self.0), remedy);
    }
}

/// What runs a net. Both take the same file: the float net is the int8 one dequantized at load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The faster one on this machine: the daemon measures both at its first start with a model.
    #[default]
    Auto,
    /// The quantized graph, by operators of our own.
    Int8,
    /// The dequantized graph.
    Float,
}

/// A net with everything that turns pictures into probabilities.
pub struct Classifier {
    /// What the model says of itself.
    pub manifest: Manifest,
    /// What runs the net: `int8` or `float`.
    pub engine: Engine,
    fitter: Fitter,
    model: Box<dyn Model>,
}

impl Classifier {
    /// Runs `model`, which `engine` names, on pictures as `manifest` wants them.
    pub fn new(manifest: Manifest, engine: Engine, model: Box<dyn Model>) -> Self {
        let fitter = Fitter::new(manifest.input.clone());
        Self { manifest, engine, fitter, model }
    }

    /// The tensor of a picture.
    ///
    /// # Errors
    /// When the picture cannot be resized.
    pub fn prepare(&mut self, raster: &Raster) -> Result<Tensor> {
        self.fitter.fit(raster)
    }

    /// The probabilities of a tensor.
    ///
    /// # Errors
    /// When the net refuses the tensor, or its output is not a finite number a class.
    pub fn scores(&mut self, tensor: &Tensor) -> Result<Scores> {
        let name = &self.manifest.name;
        let outputs = self.model.run(tensor).with_context(|| format!("running model {name}"))?;
        let logits = &outputs.first().with_context(|| format!("model {name} has no output"))?.values;
        let (found, classes) = (logits.len(), self.manifest.classes.len());
        ensure!(found == classes, "model {name} gives {found} scores for {classes} classes");
        ensure!(logits.iter().all(|logit| logit.is_finite()), "model {name} gives a score that is not a number");
        Ok(Scores::from_logits(logits, self.manifest.output.temperature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_runs_on_one_thread_or_two() {
        for (threads, told) in [("", 0), ("threads = 1", 0), ("threads = 2", 0), ("threads = 0", 1), ("threads = 3", 1)]
        {
            let settings: Settings = toml::from_str(&format!("model = \"waste\"\n{threads}")).unwrap();
            let mut found = Vec::new();
            settings.check(&mut Problems::new(&mut found));
            assert_eq!(found.iter().filter(|problem| problem.key == "threads").count(), told, "{threads}: {found:?}");
        }
    }

    #[test]
    fn probabilities_sum_to_one_however_large_the_logits() {
        for logits in [vec![0.0, 0.0], vec![1000.0, 999.0, -1000.0], vec![-90.0, -91.0]] {
            let scores = Scores::from_logits(&logits, 1.0);
            let sum: f32 = scores.0.iter().sum();
            assert!((sum - 1.0).abs() < 1e-6, "{logits:?}: {scores:?}");
        }
    }

    #[test]
    fn a_higher_temperature_is_less_sure() {
        let sure = Scores::from_logits(&[2.0, 0.0], 1.0).best();
        let less = Scores::from_logits(&[2.0, 0.0], 2.0).best();
        assert_eq!(sure.0, less.0);
        assert!((sure.1 - 0.880_797).abs() < 1e-5 && (less.1 - 0.731_059).abs() < 1e-5, "{sure:?} {less:?}");
    }

    #[test]
    fn classes_are_ranked_and_equals_keep_their_order() {
        let ranked = Scores(vec![0.2, 0.3, 0.2, 0.3]).top(3);
        assert_eq!(ranked.iter().map(|class| class.0.0).collect::<Vec<_>>(), [1, 3, 0]);
    }
}
